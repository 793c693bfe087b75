//! `wireguard-sync`: every grant, the perimeter, and the lists of nodes that people wrote, as nodes, tunnels and Services are
//! today. A new node gets its host endpoint before its address enters any list.
//! Never makes or takes a grant, never changes a Service, and never guesses.

mod advertised;
mod callers;
mod find;
mod grants;
mod kept;
pub mod lists;
mod overdue;
mod perimeter;
mod proof;
mod settle;
mod taken;
#[cfg(test)]
mod tests;
mod today;

use find::{find, gaps, left};
use perimeter::Depth;
use proof::Guard;
use settle::{Settled, merged, prove};

use super::{Plan, PlanError, Risk, Step, expose};
use crate::findings::{BEHIND, BEHIND_ELSEWHERE, Finding};
use crate::model::intent::Grant;
use crate::model::world::World;

pub use kept::kept;
pub use overdue::sync_at;
pub use taken::taken;

/// What is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// What, as `grant 4k2m9x0qpa (10.7.0.99 -> shop/service/web)` or `GlobalNetworkSet zerotrust-nodes`.
    pub what: String,
    /// How it differs.
    pub detail: String,
    /// What becomes of it.
    pub remedy: Remedy,
}

/// What becomes of something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// `sync` mends it.
    Sync,
    /// Somebody else has to; and how.
    Other(Vec<String>),
    /// Whether it is as it should be is not known; and what would tell.
    Unknown(Vec<String>),
}

/// What is to be written, and all that is not as it should be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Synced {
    /// The writes.
    pub plan: Plan,
    /// What they mend, and what they do not.
    pub drift: Vec<Drift>,
}

impl Synced {
    /// Whether something is left for somebody else to do.
    pub fn leaves_something(&self) -> bool {
        self.drift.iter().any(|drift| matches!(drift.remedy, Remedy::Other(_)))
    }

    /// Whether not enough could be seen.
    pub fn is_unsure(&self) -> bool {
        self.drift.iter().any(|drift| matches!(drift.remedy, Remedy::Unknown(_)))
    }

    /// Whether anything is known to be behind.
    pub fn is_behind(&self) -> bool {
        self.drift.iter().any(|drift| !matches!(drift.remedy, Remedy::Unknown(_)))
    }
}

/// When a change comes: what polices a node before what lets its address in, what closes before what opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// The set is made: no rule selects it yet.
    SetMade,
    /// Our policy is made.
    PolicyMade,
    /// Our policy changes: clients are let by at a new node's address before it is policed, as they may be open there now.
    Policy,
    /// A host endpoint comes or changes.
    HostEndpoint,
    /// The set changes.
    Set,
    /// A perimeter that somebody wrote.
    Theirs,
    /// The policies of pods.
    Application,
    /// What is advertised.
    Advertised,
    /// A host endpoint of a node that is gone.
    Gone,
}

/// One change, for one reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    order: Order,
    step: Step,
    /// What is behind, where it is another thing than the object.
    of: Option<String>,
}

impl Part {
    fn new(order: Order, step: Step) -> Part {
        Part { order, step, of: None }
    }

    fn drift(&self, remedy: Remedy) -> Drift {
        let what = self.of.clone().unwrap_or_else(|| self.step.object.to_string());
        Drift { what, detail: self.step.why.clone(), remedy }
    }
}

/// What is not as it should be, told by the rules alone: no packet is walked.
pub fn drift(world: &World) -> Vec<Drift> {
    let found = find(world, Depth::Outline);
    let mut all: Vec<Drift> = found.parts.iter().map(|part| part.drift(Remedy::Sync)).collect();
    for list in lists::find(world).into_iter().filter(|list| !list.is_current()) {
        let remedy = list.keeper.as_ref().map_or(Remedy::Sync, |keeper| Remedy::Other(vec![list.for_keeper(keeper)]));
        all.push(Drift { what: list.name.clone(), detail: list.detail(), remedy });
    }
    all.extend(found.left);
    once(all)
}

/// A drift as a finding; none where it is not known whether it is one.
pub fn finding(drift: &Drift) -> Option<Finding> {
    let (code, said): (_, Vec<String>) = match &drift.remedy {
        Remedy::Sync => (BEHIND, vec!["`kubectl zerotrust sync` mends it, or says what stands in the way".into()]),
        Remedy::Other(hints) => (BEHIND_ELSEWHERE, hints.clone()),
        Remedy::Unknown(_) => return None,
    };
    let detail = std::iter::once(drift.detail.clone()).chain(said).collect::<Vec<_>>().join("; ");
    Some(Finding { code, object: drift.what.clone(), place: None, detail })
}

/// Plans the changes, each of which is proven; what cannot be made is left, and said.
pub fn sync(world: &World, accepted: &[Risk]) -> Result<Synced, PlanError> {
    let mut found = find(world, Depth::Whole);
    found.parts.sort_by_key(|part| part.order);
    let mut settled = Settled { world: world.clone(), guard: None, parts: Vec::new(), drift: Vec::new() };
    let lists = lists::find(world);
    if !found.parts.is_empty() || !lists.is_empty() {
        let grants: Vec<Grant> = found.live.iter().map(|followed| followed.grant.clone()).collect();
        settled.guard = Some(Guard::of(world, &found.target, &grants, accepted)?);
    }
    for part in found.parts {
        settled.take(part);
    }
    for followed in &found.live {
        match followed.lacking(&settled.world, accepted) {
            Ok(parts) => parts.into_iter().for_each(|part| settled.take(part)),
            Err(error) => settled.drift.push(left(followed.name(), "it is stopped", error)),
        }
    }
    for list in lists {
        settled.list(&list, &mut found.notes);
    }
    let mut drift = settled.drift;
    drift.extend(found.left);
    for followed in found.live.iter().filter(|followed| followed.grant.through.is_some()) {
        let known = drift.iter().any(|drift| drift.what == followed.name() && drift.remedy != Remedy::Sync);
        if let (Err(error), false) = (expose::again::holds(&settled.world, &followed.grant, accepted), known) {
            drift.push(left(followed.name(), "it does not hold", error));
        }
    }
    drift.extend(gaps(world));
    let mut plan = Plan { title: "sync".into(), notes: found.notes, ..Plan::default() };
    let proven: Vec<Step> = settled.parts.iter().map(|part| part.step.clone()).collect();
    plan.steps = merged(settled.parts);
    // What was put together into one write is another sequence than the one that was proven.
    if let (Some(guard), true) = (&settled.guard, plan.steps != proven) {
        prove(world, guard, &plan.steps)?;
    }
    Ok(Synced { plan, drift: once(drift) })
}

fn once(drift: Vec<Drift>) -> Vec<Drift> {
    let mut kept: Vec<Drift> = Vec::with_capacity(drift.len());
    for one in drift {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}
