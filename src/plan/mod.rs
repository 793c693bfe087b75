//! What to write, in which order, and why: plans are made from a world and an intent, and nothing else.
//! Never knows a client, a file, a prompt or the time.

pub mod amend;
pub mod assertion;
pub mod callbacks;
pub mod candidates;
pub mod cautions;
pub mod concerns;
pub mod decide;
pub mod dns;
pub mod dns_reach;
pub mod edit;
pub mod ends;
pub mod expiry;
pub mod expose;
pub mod exposure;
pub mod facts;
pub mod fix;
pub mod grant;
pub mod guard;
pub mod hosts;
pub mod lifelines;
pub mod lockdown;
pub mod losses;
pub mod namespaces;
pub mod needs;
pub mod obstacles;
pub mod opening;
pub mod perimeter;
pub mod place;
pub mod ports;
pub mod probe;
pub mod question;
pub mod remembered;
pub mod resolve;
mod restore;
pub mod revoke;
pub mod risk;
pub mod roles;
pub mod rules;
pub mod sight;
pub mod simulate;
pub mod staged;
pub mod standin;
pub mod status;
pub mod sync;
pub mod target;
#[cfg(test)]
pub(crate) mod testing;
pub mod undo;
pub mod unlock;
#[cfg(test)]
mod walkthrough;

use std::collections::BTreeMap;

use crate::kubernetes::ObjectRef;
use edit::Edit;
pub use risk::Risk;

/// What to write. An empty plan changes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// One line that says what it is for, as `allow 10.7.0.99 -> advanced-policy-demo/service/nginx (TCP:80)`.
    pub title: String,
    /// Writes, in order: lifelines first, then what closes, then what opens.
    pub steps: Vec<Step>,
    /// What the operator must know before saying yes.
    pub notes: Vec<Note>,
    /// Grants that stand, by their ids, with the policy that holds each. A rule of one comes in only while it is held: who
    /// takes the grant back in the meantime takes that from it first.
    pub rests_on: BTreeMap<String, ObjectRef>,
}

/// One object's change.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which object.
    pub object: ObjectRef,
    /// The resourceVersion that the step was planned on; none for a new object or a directory.
    pub planned_on: Option<String>,
    /// What happens to it.
    pub edits: Vec<Edit>,
    /// Why, for a person.
    pub why: String,
}

/// Something to say along with a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How much it matters.
    pub weight: Weight,
    /// What, in one or two sentences.
    pub text: String,
}

/// How much a note matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Good to know.
    Fact,
    /// It may surprise.
    Warning,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It would be wrong to go on (exit code 3).
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
        /// What to do next.
        hints: Vec<String>,
    },
    /// Not enough could be seen (exit code 4).
    #[error("{reason}")]
    Unknown {
        /// Why.
        reason: String,
        /// What to do next.
        hints: Vec<String>,
    },
    /// A name does not resolve, or fits several things (exit code 1).
    #[error("{reason}")]
    Unresolved {
        /// Why.
        reason: String,
        /// What to do next.
        hints: Vec<String>,
    },
    /// The question lacks something (exit code 2).
    #[error("{reason}")]
    Usage {
        /// Why.
        reason: String,
        /// What to do next.
        hints: Vec<String>,
    },
}
