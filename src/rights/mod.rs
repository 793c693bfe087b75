//! The rights that each subcommand takes, in one place: what it reads and what it writes, as RBAC counts it.
//! Never knows a cluster, and never sends anything.
//!
//! `tests/api/rights.rs` holds the table against a real API server: with a role made of it each subcommand does its work, and
//! none of its rights is left out or left over.

pub mod manifest;
mod table;

use crate::kubernetes::names::Kind;

pub use table::{SUBCOMMANDS, of};

/// What a right is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// A kind.
    Kind(Kind),
    /// A node's files, by its kubelet: its kernel log.
    NodeFiles,
    /// How far Calico moves its objects to another API group.
    Migration,
}

/// Where a right is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// In every namespace, or outside of all.
    Cluster,
    /// Where the records of changes are.
    Records,
    /// In this namespace.
    Namespace(&'static str),
}

/// Verbs on something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// On what.
    pub on: On,
    /// Where.
    pub scope: Scope,
    /// Of which objects; empty means all.
    pub names: &'static [&'static str],
    /// As `get`.
    pub verb: &'static str,
}

/// In which API group Calico's objects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// crd.projectcalico.org.
    Crd,
    /// projectcalico.org.
    V3,
    /// It is not known, so both.
    Both,
}
