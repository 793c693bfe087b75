//! Takes away what is staged or observed.
//! Never closes anything by that: grants that were given while a lockdown was observed would close their pods without it.

use super::super::decide::{deletion, selects};
use super::super::perimeter::{endpoints, recognise};
use super::super::revoke::grants;
use super::super::roles::{OBSERVING, role};
use super::super::simulate::simulate;
use super::super::{Note, PlanError, Step};
use super::enforce::SUFFIX;
use super::logging;
use super::memory::Memory;
use super::proof;
use super::{Standing, of_nodes};
use crate::model::policy::{Policy, PolicyId};
use crate::model::world::World;

/// Everything of applications that is staged or observed, whoever wrote it.
pub fn all(world: &World) -> Vec<PolicyId> {
    let standing = Standing::of(world).unwrap_or_default();
    standing.staged.into_iter().chain(standing.observing).collect()
}

/// The name by which `--name` takes a policy: that of the lockdown to be.
pub fn name_of(id: &PolicyId) -> String {
    id.name.split_once(SUFFIX).map_or(id.name.as_str(), |(name, _)| name).to_string()
}

/// What is to be taken away: ours, or what is named.
pub fn meant(world: &World, name: Option<&str>) -> Vec<PolicyId> {
    let is_meant = |id: &PolicyId| match name {
        Some(name) => id.name == name || name_of(id) == name,
        None => world.written.get(id).and_then(role).is_some(),
    };
    all(world).into_iter().filter(is_meant).collect()
}

/// The steps that take these away, after `first`.
pub fn applications(
    world: &World,
    meant: &[PolicyId],
    first: &[Step],
    notes: &mut Vec<Note>,
) -> Result<Vec<Step>, PlanError> {
    let mut steps = Vec::new();
    for id in meant {
        if let Some(keeper) = world.written.get(id).and_then(|written| written.keeper.as_ref()) {
            let reason = format!("{id} is kept by {keeper}, which would bring it back");
            return Err(PlanError::Refused { reason, hints: vec!["have it deleted there".into()] });
        }
        let why = if id.kind.is_staged() { "it is staged, and closes nothing" } else { "it only observes" };
        steps.push(deletion(world, id, why));
    }
    if meant.iter().any(|id| !id.kind.is_staged()) {
        refuse_closing(world, first, &steps)?;
        steps.extend(logging::back(world, &Memory::of(world), notes));
    }
    Ok(steps)
}

fn refuse_closing(world: &World, first: &[Step], steps: &[Step]) -> Result<(), PlanError> {
    let opened = simulate(world, first)?;
    let after = simulate(&opened, steps)?;
    let closes: Vec<proof::Change> =
        proof::changes(&opened, &after).into_iter().filter(|change| !change.opens).collect();
    let Some(change) = closes.first() else { return Ok(()) };
    let holds = |policy: &PolicyId| {
        let of = world.policies.iter().find(|other| other.id == *policy);
        of.is_some_and(|policy: &Policy| world.pods.iter().any(|pod| selects(policy, pod)))
    };
    let revoke = grants(world).into_iter().filter(|info| holds(&info.policy));
    let revoke =
        revoke.map(|info| format!("kubectl zerotrust revoke {}   ({} -> {})", info.id, info.grant.from, info.grant.to));
    Err(PlanError::Refused {
        reason: format!(
            "without the observing lockdown the grants that were given under it would close {}: what no grant allows would stop",
            change.what
        ),
        hints: ["kubectl zerotrust promote   enforces the lockdown instead".to_string()]
            .into_iter()
            .chain(revoke)
            .collect(),
    })
}

/// The steps for nodes: the policy that observes, and host endpoints of ours that nothing else needs.
pub fn nodes(world: &World, notes: &mut Vec<Note>) -> Vec<Step> {
    let Some(policy) = of_nodes(world) else { return Vec::new() };
    let mut steps = vec![deletion(world, &policy.id, "it only observes what enters the nodes")];
    if recognise::ours(world).is_none() {
        steps.extend(endpoints::gone(world, |node| format!("it was made to observe what enters node {node}")));
    }
    let applications = Standing::of(world).is_some_and(|standing| {
        standing.observing.iter().any(|id| world.written.get(id).and_then(role) == Some(OBSERVING))
    });
    if !applications {
        steps.extend(logging::back(world, &Memory::of(world), notes));
    }
    steps
}
