//! Tests of reachability: that one target can reach another, or cannot, judged on the world as it is or would be.
//! Never passes what cannot be told: a name that does not resolve fails, and an unknown verdict is no yes.

mod read;

use super::PlanError;
use super::decide::describe_decider;
use super::question::{Asked, Ways};
use crate::model::flow::{HopAction, Path, Verdict, together};
use crate::model::world::World;

pub use read::{Malformed, read};

/// One connection, and whether it is to pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Assertion {
    /// The file that it stands in.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What its author calls it.
    pub name: Option<String>,
    /// Which connection.
    pub asked: Asked,
    /// The same in its author's words: who connects.
    pub from: String,
    /// And to what.
    pub to: String,
    /// What it is to be.
    pub wanted: Wanted,
}

/// What a connection is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Every way passes.
    Allow,
    /// No way passes.
    Deny,
}

/// Whether an assertion holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// It holds.
    Yes,
    /// It cannot be told.
    Unknown,
    /// It does not.
    No,
}

/// An assertion that was judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged<'a> {
    /// Which.
    pub assertion: &'a Assertion,
    /// Whether it holds.
    pub held: Held,
    /// What the connection is; none if there is no packet to follow.
    pub verdict: Option<Verdict>,
    /// What decides, or why it cannot be told.
    pub why: Option<String>,
}

/// Judges all of them, in their order.
pub fn judge<'a>(world: &World, assertions: &'a [Assertion]) -> Vec<Judged<'a>> {
    assertions.iter().map(|assertion| assertion.judge(world)).collect()
}

/// How all of them together stand.
pub fn worst(judged: &[Judged<'_>]) -> Held {
    judged.iter().map(|judged| judged.held).max().unwrap_or(Held::Yes)
}

impl Assertion {
    fn judge(&self, world: &World) -> Judged<'_> {
        let judged = |held, verdict, why| Judged { assertion: self, held, verdict, why };
        match self.asked.ways(world) {
            Ok(ways) => {
                let verdict = together(&ways.paths);
                let held = match (self.wanted, verdict) {
                    (_, Verdict::Unknown) => Held::Unknown,
                    (Wanted::Allow, Verdict::Allow) | (Wanted::Deny, Verdict::Deny) => Held::Yes,
                    _ => Held::No,
                };
                judged(held, Some(verdict), self.why(&ways, verdict))
            }
            Err(error @ PlanError::Unknown { .. }) => judged(Held::Unknown, None, Some(error.to_string())),
            Err(error) => judged(Held::No, None, Some(error.to_string())),
        }
    }

    /// What decides on the first path that is not as it was wanted.
    fn why(&self, ways: &Ways, verdict: Verdict) -> Option<String> {
        let against = match (verdict, self.wanted) {
            (Verdict::Unknown, _) => Verdict::Unknown,
            (_, Wanted::Allow) => Verdict::Deny,
            (_, Wanted::Deny) => Verdict::Allow,
        };
        ways.paths.iter().find(|path| path.verdict == against).and_then(decided)
    }
}

/// Who decides on a path, and where.
fn decided(path: &Path) -> Option<String> {
    let action = match path.verdict {
        Verdict::Deny => HopAction::Deny,
        Verdict::Unknown => HopAction::Unknown,
        Verdict::Allow | Verdict::Mixed => HopAction::Allow,
    };
    let said = |hop: &&crate::model::flow::Hop| hop.action == action && hop.by.is_some();
    // Who stops it is who comes first; what lets it pass last is closest to what it reaches.
    let hop = match action {
        HopAction::Allow => path.hops.iter().rfind(said),
        _ => path.hops.iter().find(said),
    };
    let Some(hop) = hop else {
        return (action == HopAction::Allow).then(|| "no policy has a say on its way".to_string());
    };
    let place = hop.endpoint.as_deref().or(hop.node.as_deref()).unwrap_or_default();
    let by = hop.by.as_ref().map(describe_decider).unwrap_or_default();
    let way = match (&path.entry_node, &path.backend) {
        (Some(node), Some(backend)) => format!(" (by node {node} to {backend})"),
        (Some(node), None) => format!(" (by node {node})"),
        (None, _) => String::new(),
    };
    Some(format!("{} of {place}: {by}{way}", hop.checkpoint.spoken()))
}

#[cfg(test)]
mod tests;
