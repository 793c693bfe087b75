//! Grants that have ended, or that somebody began to take back, taken back before all others are brought up to date.
//! Never knows what time it is, and never takes back another grant.

use super::super::expiry::overdue;
use super::super::revoke::{GrantInfo, grants, half_revoked, take_back};
use super::super::simulate::simulate;
use super::super::{Plan, PlanError, Risk};
use super::proof::Guard;
use super::settle::prove;
use super::{Drift, Remedy, Synced, sync};
use crate::model::intent::Grant;
use crate::model::moment::Moment;
use crate::model::world::World;

/// What `sync` does at a certain time: what has ended by then, or was not taken back to the end, goes first, as `revoke`
/// has it.
pub fn sync_at(world: &World, accepted: &[Risk], now: Moment) -> Result<Synced, PlanError> {
    let (late, half) = (overdue(world, now), half_revoked(world));
    if late.is_empty() && half.is_empty() {
        return sync(world, accepted);
    }
    let ids: Vec<String> = late.iter().chain(&half).map(|info| info.id.clone()).collect();
    let back = take_back(world, &ids)?;
    let after = simulate(world, &back.steps)?;
    let Synced { plan: rest, drift } = sync(&after, accepted)?;
    let gone = |info: &GrantInfo, detail: String| {
        let what = format!("grant {} ({} -> {})", info.id, info.grant.from, info.grant.to);
        Drift { what, detail, remedy: Remedy::Sync }
    };
    let ended =
        |info: &GrantInfo| gone(info, info.grant.expires.map(|end| format!("it ended {end}")).unwrap_or_default());
    let late = late.iter().map(ended);
    let half = half.iter().map(|info| gone(info, "it was not taken back to the end".into()));
    let drift = late.chain(half).chain(drift).collect();
    let title = format!("sync: {}, as it is overdue", back.title);
    let notes = back.notes.into_iter().chain(rest.notes).collect();
    let mut plan = Plan { title, notes, ..Plan::default() };
    let proves = !rest.steps.is_empty();
    plan.steps = back.steps.into_iter().chain(rest.steps).collect();
    if proves {
        let live: Vec<Grant> = grants(&after).into_iter().map(|info| info.grant).collect();
        prove(world, &Guard::of(world, &after, &live, accepted)?, &plan.steps)?;
    }
    Ok(Synced { plan, drift })
}
