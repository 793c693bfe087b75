//! Perimeters that people wrote: a grant's rules go into them, before their first Log or Deny.
//! Never narrows one, and never opens a Deny of a policy that is no perimeter.

use super::super::decide::{object, version_of};
use super::super::edit::Edit;
use super::super::perimeter::compose::{self, Names};
use super::super::perimeter::recognise::{self, is_perimeter};
use super::super::simulate::simulate;
use super::super::{PlanError, Step};
use super::{Work, proof};
use crate::model::flow::{Checkpoint, Decider, Hop, HopAction};
use crate::model::policy::{Direction, Hook, PolicyId, RuleAction};
use crate::model::world::World;

/// How many policies can stand in the way, one behind the other.
const ROUNDS: usize = 8;

/// Walks the clients' ways, and adds the rules wherever a perimeter stops them, until none does.
pub fn steps(world: &World, work: &Work<'_>) -> Result<Vec<Step>, PlanError> {
    let mut steps: Vec<Step> = Vec::new();
    let mut after = world.clone();
    for _ in 0..ROUNDS {
        let Some((policy, hop)) = stopping(&after, work)? else { return Ok(steps) };
        let step = repair(&after, work, &policy, &hop)?;
        if steps.contains(&step) {
            return Err(denied(&policy, &hop));
        }
        after = simulate(&after, std::slice::from_ref(&step))?;
        steps.push(step);
    }
    let reason = format!("more than {ROUNDS} policies stand in the way of the clients");
    Err(PlanError::Refused { reason, hints: vec!["kubectl zerotrust explain shows them".into()] })
}

/// Refuses what an Allow before DNAT would take out of the hands of applyOnForward and host policy: a rule there that denies
/// the clients is somebody's decision. Pass in its place lets them be asked.
pub fn refuse_what_would_be_skipped(world: &World, work: &Work<'_>) -> Result<(), PlanError> {
    let mut asked = world.clone();
    for policy in asked.policies.iter_mut().filter(|policy| policy.hook == Hook::PreDnat) {
        let own = policy.ingress.iter_mut().flatten().filter(|rule| rule.grant.as_deref() == Some(&work.id));
        own.for_each(|rule| rule.action = RuleAction::Pass);
    }
    for one in proof::all_client_tries(world, work) {
        for hop in one.ways(&asked).into_iter().flat_map(|path| path.hops) {
            let skipped = matches!(hop.checkpoint, Checkpoint::ForwardIngress | Checkpoint::HostIngress);
            if let (true, HopAction::Deny, Some(Decider::Rule { policy, .. })) = (skipped, hop.action, &hop.by) {
                return Err(denied(policy, &hop));
            }
        }
    }
    Ok(())
}

/// The first rule of a policy for hosts that stops a client on any way.
fn stopping(world: &World, work: &Work<'_>) -> Result<Option<(PolicyId, Hop)>, PlanError> {
    for one in proof::client_tries(world, work) {
        for path in one.ways(world) {
            for hop in path.hops.into_iter().filter(|hop| hop.action == HopAction::Deny) {
                let pod = matches!(hop.checkpoint, Checkpoint::Ingress | Checkpoint::Egress);
                match &hop.by {
                    _ if pod => {}
                    Some(Decider::Rule { policy, .. }) => return Ok(Some((policy.clone(), hop))),
                    by => {
                        let by = by.as_ref().map(proof::who).unwrap_or_default();
                        let node = hop.node.as_deref().unwrap_or("?");
                        let reason = format!("clients are stopped on node {node} at {} by {by}", hop.checkpoint);
                        let hints = vec!["a policy of that host has to allow them".into()];
                        return Err(PlanError::Refused { reason, hints });
                    }
                }
            }
        }
    }
    Ok(None)
}

fn repair(world: &World, work: &Work<'_>, id: &PolicyId, hop: &Hop) -> Result<Step, PlanError> {
    let policy = world.policies.iter().find(|policy| policy.id == *id && is_perimeter(world, policy));
    let (Some(_), Some(written)) = (policy.filter(|_| hop.checkpoint == Checkpoint::PreDnat), world.written.get(id))
    else {
        return Err(denied(id, hop));
    };
    // Ours is brought up to date as a whole: where that was refused, no rule of its own gets round it.
    if recognise::ours(world).as_ref() == Some(id) {
        let reason = format!("{}, which could not be brought up to date", stopped(hop));
        let hints = vec!["kubectl zerotrust sync --check says what stands in the way".into()];
        return Err(PlanError::Refused { reason, hints });
    }
    let inline = work.grant.through.as_ref().is_some_and(|through| through.inline);
    let names = if inline { Names::Inline } else { Names::Set };
    let rules = compose::client_rules(world, &work.grant, names)?;
    if let Some(keeper) = &written.keeper {
        let reason =
            format!("{id} stops the clients at {}, and is kept by {keeper}, so it is not changed here", hop.checkpoint);
        let hints = vec![format!("have these rules put before its first Deny: {}", serde_json::json!(rules))];
        return Err(PlanError::Refused { reason, hints });
    }
    Ok(Step {
        object: object(id),
        planned_on: version_of(world, id),
        edits: vec![Edit::AddRules(Direction::Ingress, rules)],
        why: format!("{} ({}) is the perimeter that stops the clients", id, written.place),
    })
}

fn denied(id: &PolicyId, hop: &Hop) -> PlanError {
    PlanError::Refused {
        reason: format!("{}, which is somebody's decision", stopped(hop)),
        hints: vec![format!("change {id} if it should be allowed")],
    }
}

fn stopped(hop: &Hop) -> String {
    let by = hop.by.as_ref().map(proof::who).unwrap_or_default();
    let (packet, node) = (hop.packet, hop.node.as_deref().unwrap_or("?"));
    format!("{} -> {} is denied on node {node} at {} by {by}", packet.source, packet.destination, hop.checkpoint)
}
