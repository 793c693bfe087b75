//! The application's own policy: the clients with the addresses that its pods will really see.
//! Never decides whether node addresses may be among them; the proof does.

use super::super::decide::decide;
use super::super::guard::Scope;
use super::super::opening::Opening;
use super::super::perimeter::sources::masquerades;
use super::super::place::Place;
use super::super::probe::{Probe, probes};
use super::super::resolve::{Resolved, resolve};
use super::super::rules::node_nets;
use super::super::simulate::simulate;
use super::super::staged;
use super::super::target::Target;
use super::super::{Note, PlanError, Step};
use super::{Work, blind, fact};
use crate::model::intent::Peer;
use crate::model::policy::{Direction, PolicyId};
use crate::model::world::World;

/// The rules that open the pods, if something closes them, and the policy that holds them then.
pub fn step(
    world: &World,
    work: &Work<'_>,
    notes: &mut Vec<Note>,
) -> Result<(Option<Step>, Option<PolicyId>), PlanError> {
    // While a lockdown is only observed, everything passes: rules are for the time when it is enforced.
    let promoted = staged::promoted(world)?;
    let world = promoted.as_ref().unwrap_or(world);
    let (direction, probes) = (Direction::Ingress, seen(world, work)?);
    let Some(place) = Place::of(&work.grant.to, direction) else { return Ok((None, None)) };
    let opening = Opening { world, grant: &work.grant, id: &work.id, probes: &probes };
    decide(world, direction, &probes, &work.id)?;
    let decision = decide(&blind(world, &work.id), direction, &probes, &work.id)?;
    if decision.stopped_by.is_empty() {
        if !decision.own {
            let by: Vec<&str> = decision.allowed_by.iter().map(String::as_str).collect();
            notes.push(fact(format!("the pods let the clients in already, by {}", by.join(" and "))));
        }
        return Ok((None, opening.holds_rules(direction)));
    }
    let (id, step) = opening.repair(world, &place, &decision)?;
    let after = simulate(world, std::slice::from_ref(&step))?;
    notes.extend(opening.isolation(&after, &id, direction));
    let announced = announced(world, work)?;
    Scope::new(world, &announced, &work.to, work.grant.ports.as_deref()).guard(&after)?;
    Ok((Some(step), Some(id)))
}

/// Packets as the pods see them: the clients' own addresses, and the nodes' where they are masqueraded.
fn seen(world: &World, work: &Work<'_>) -> Result<Vec<Probe>, PlanError> {
    let ports = work.grant.ports.as_deref();
    let mut all = probes(world, &work.from, &work.to, ports);
    if masquerades(world, &work.grant)? {
        let nodes = resolve(world, &Target::Nodes)?;
        all.extend(probes(world, &nodes, &work.to, ports));
    }
    match all.is_empty() {
        true => Err(PlanError::Refused {
            reason: format!("{} and {} have no family of addresses in common", work.from.described, work.to.described),
            hints: vec!["name clients of the family that the Service has".into()],
        }),
        false => Ok(all),
    }
}

/// Everybody whom the output says that the rules let in.
fn announced(world: &World, work: &Work<'_>) -> Result<Resolved, PlanError> {
    if !masquerades(world, &work.grant)? {
        return Ok(work.from.clone());
    }
    let nodes = node_nets(world);
    Ok(match &work.from.peer {
        Peer::Nets(nets) => {
            Resolved { peer: Peer::Nets(nets.iter().copied().chain(nodes).collect()), ..work.from.clone() }
        }
        // Everybody outside and the nodes: all but pods.
        _ => {
            let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|net| net.parse().ok()).collect();
            Resolved { peer: Peer::Nets(everywhere), ..work.from.clone() }
        }
    })
}
