//! Grants that have ended, taken back before all others are brought up to date.
//! Never knows what time it is, and never takes back a grant that has no end.

use super::super::expiry::overdue;
use super::super::revoke::{grants, take_back};
use super::super::simulate::simulate;
use super::super::{Plan, PlanError, Risk, Step};
use super::proof::Guard;
use super::settle::prove;
use super::{Drift, Remedy, Synced, sync};
use crate::model::intent::Grant;
use crate::model::moment::Moment;
use crate::model::world::World;

/// What `sync` does at a certain time: what has ended by then is taken back first, as `revoke` does.
pub fn sync_at(world: &World, accepted: &[Risk], now: Moment) -> Result<Synced, PlanError> {
    let ended = overdue(world, now);
    if ended.is_empty() {
        return sync(world, accepted);
    }
    let ids: Vec<String> = ended.iter().map(|info| info.id.clone()).collect();
    let back = take_back(world, &ids)?;
    let after = simulate(world, &back.steps)?;
    let Synced { plan: rest, drift } = sync(&after, accepted)?;
    let late = ended.iter().map(|info| Drift {
        what: format!("grant {} ({} -> {})", info.id, info.grant.from, info.grant.to),
        detail: info.grant.expires.map(|end| format!("it ended {end}")).unwrap_or_default(),
        remedy: Remedy::Sync,
    });
    let drift = late.chain(drift).collect();
    let title = format!("sync: {}, as it is overdue", back.title);
    let notes = back.notes.into_iter().chain(rest.notes).collect();
    let mut plan = Plan { title, steps: back.steps, notes };
    if !rest.steps.is_empty() {
        plan.steps = together(plan.steps, rest.steps);
        let live: Vec<Grant> = grants(&after).into_iter().map(|info| info.grant).collect();
        prove(world, &Guard::of(world, &after, &live, accepted)?, &plan.steps)?;
    }
    Ok(Synced { plan, drift })
}

/// One write for each object. What closes can wait for the place where the object is written anyway; what opens cannot come
/// before that.
fn together(back: Vec<Step>, rest: Vec<Step>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut rest = rest;
    for mut step in back {
        match rest.iter_mut().find(|other| other.object == step.object) {
            Some(other) => {
                step.edits.append(&mut other.edits);
                other.edits = step.edits;
                other.planned_on = step.planned_on;
                other.why = format!("{}; {}", step.why, other.why);
            }
            None => steps.push(step),
        }
    }
    steps.extend(rest);
    steps
}
