//! kubectl zerotrust: a plugin that turns a cluster with Calico into a zero trust network.
//!
//! *Read the objects, observe the world, plan the next step, show it, apply it, record it.* That sentence is the whole
//! program, and its verbs are the rooms. The nouns travel between them, in one direction:
//!
//! ```text
//! Objects -> World -> Plan -> Prepared -> ApprovedPlan -> Change
//! ```
//!
//! # The rooms
//!
//! | room | takes, and gives | must never see |
//! |---|---|---|
//! | [`kubernetes`] | queries, and gives [`Objects`](kubernetes::objects::Objects) | a world, a plan |
//! | [`observe`] | objects, and gives a [`World`](model::world::World) | a client, files, the time |
//! | [`evaluate`] | a world and a packet, and gives [`Path`](model::flow::Path)s with their verdicts | a client, JSON, the time |
//! | [`mod@plan`] | a world and an intent, and gives a [`Plan`](plan::Plan) | a client, files, the time, prompts |
//! | [`diagnose`] | lines of kernel logs and a world, and gives groups of packets with the commands that open them | a client, files, the time |
//! | [`show`] | any value, and gives text | a client |
//! | [`apply`] and [`record`] | an [`ApprovedPlan`](apply::ApprovedPlan), and give a [`Change`](apply::Change) | prompts, tables |
//! | [`rights`] | a subcommand's name, and gives the roles that it takes | a client, files, a world |
//! | [`commands`] | flags, and give an [`Outcome`](outcome::Outcome) | nothing, but they hold no logic |
//!
//! [`logs`] is where kernel logs are read. [`model`] holds the nouns; [`findings`] and [`outcome`] are what can be noticed and how a command ends; [`cli`] is what
//! all subcommands share. `tests/house.rs` keeps the walls: it reads the source and looks for what a room must not know.
//!
//! # What always holds
//!
//! - Absent, hidden and empty are three different things. What could not be seen
//!   ([`Gap`](model::world::Gap)) makes a verdict Unknown where it could matter, never Allow or Deny.
//! - Only an [`ApprovedPlan`](apply::ApprovedPlan) can be applied, and it is made from a yes alone. Approved are the rules
//!   that come and go, with the places where they stand; a write that would mean something else stops.
//! - Every write carries the version that it was computed from. On a conflict it is computed again on what is there.
//! - What was is in the cluster ([`record`]) before the first write, and a plan that changes nothing writes nothing.
//! - Every write can be the last one: killed or cut off between any two, nothing is open that was not asked for, the record
//!   says how far it came, and the same command or `undo` ends it. A write without an answer is looked for.
//! - Only [`plan::edit`] alters an object, only [`kubernetes::names`] spells names of Kubernetes and Calico, and everything
//!   that is written is held against Calico's own rules first ([`model::validate`]).
//! - A refusal names its reason and a next command ([`Problem`](outcome::Problem)).
//!
//! # Recipes
//!
//! **Add a subcommand.** One file in `src/commands` with a struct whose doc comment is the help, and a `run` that asks the
//! rooms; one `mod` line and one line of the registry in [`commands`]. Then `INSTA_UPDATE=always cargo test --test cli`
//! writes the snapshot of its help, and `completions/` is made anew as the test of them says.
//!
//! **Add a fact.** A field of [`World`](model::world::World), as a [`Fact`](model::world::Fact) where it can be unknown; the
//! file in [`observe`] that finds it, with its evidence; the query that brings its objects in [`plan::needs`]; and, if it is
//! hidden from some, the gap that it leaves.
//!
//! **Add a finding.** One line with a code that was never used in [`findings`], and the place that notices it. `status` shows
//! it without further work.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod apply;
pub mod cli;
pub mod commands;
pub mod diagnose;
pub mod evaluate;
pub mod findings;
pub mod kubernetes;
pub mod logs;
pub mod model;
pub mod observe;
pub mod outcome;
pub mod plan;
pub mod record;
pub mod rights;
pub mod show;
#[cfg(test)]
mod testing;
