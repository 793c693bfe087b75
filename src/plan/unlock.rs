//! `unlock`: takes the lockdown back and keeps the grants.
//! Never deletes what a person wrote, unless they name it.

use super::decide::{deletion, is_policed};
use super::lockdown::locked;
use super::perimeter::hosts;
use super::roles::{LIFELINE, LOCKDOWN, lockdowns, role};
use super::simulate::simulate;
use super::staged::{of_nodes, take_back};
use super::{Note, Plan, PlanError, Weight, lifelines};
use crate::model::policy::{Direction, PolicyId};
use crate::model::world::{Pod, World};

/// Plans the way back: the lockdown goes first, lifelines last. `name` names a lockdown that somebody else wrote, and so
/// agrees to its deletion. An empty plan says that nothing is locked.
pub fn unlock(world: &World, name: Option<&str>) -> Result<Plan, PlanError> {
    let mut plan = Plan { title: "unlock".into(), ..Plan::default() };
    let found = lockdowns(world);
    let ours = |id: &&PolicyId| world.written.get(*id).and_then(role) == Some(LOCKDOWN);
    let chosen: Vec<&PolicyId> = match name {
        Some(name) => found.iter().filter(|id| id.name == name).collect(),
        None => found.iter().filter(ours).collect(),
    };
    let trial = take_back::meant(world, name);
    if let Some(name) = name
        && chosen.is_empty()
        && trial.is_empty()
    {
        let known: Vec<String> = found
            .iter()
            .chain(&take_back::all(world))
            .map(|id| format!("--name {} takes {id}", take_back::name_of(id)))
            .collect();
        let hints = if known.is_empty() { vec!["nothing is locked".to_string()] } else { known };
        return Err(PlanError::Unresolved { reason: format!("{name} is no lockdown"), hints });
    }
    if chosen.is_empty() && !found.is_empty() && trial.is_empty() {
        let names: Vec<String> = found.iter().map(PolicyId::to_string).collect();
        return Err(PlanError::Refused {
            reason: format!("the lockdown ({}) was not made by this tool", names.join(", ")),
            hints: found
                .iter()
                .map(|id| format!("kubectl zerotrust unlock --name {} deletes it", id.name))
                .chain(["kubectl zerotrust undo takes back what this tool added to it".to_string()])
                .collect(),
        });
    }
    for id in &chosen {
        if let Some(keeper) = world.written.get(*id).and_then(|written| written.keeper.as_ref()) {
            let reason = format!("{id} is kept by {keeper}, which would bring it back");
            return Err(PlanError::Refused { reason, hints: vec!["have it deleted there".into()] });
        }
        plan.steps.push(deletion(world, id, "it locks the applications"));
    }
    let open = simulate(world, &plan.steps)?;
    if locked(&open).is_empty() {
        let lifelines = world.written.iter().filter(|(_, written)| role(written) == Some(LIFELINE));
        plan.steps
            .extend(lifelines.map(|(id, _)| deletion(world, id, "with nothing locked it would only close its pods")));
    } else {
        let text = "another lockdown stays in force, so lifelines stay too".to_string();
        plan.notes.push(Note { weight: Weight::Warning, text });
    }
    let taken = take_back::applications(world, &trial, &plan.steps, &mut plan.notes)?;
    plan.steps.extend(taken);
    let left: Vec<String> =
        take_back::all(world).iter().filter(|id| !trial.contains(id)).map(take_back::name_of).collect();
    let staying =
        left.iter().map(|name| format!("kubectl zerotrust unlock --name {name} takes what somebody else staged"));
    plan.notes.extend(staying.map(|text| Note { weight: Weight::Fact, text }));
    if plan.steps.is_empty() {
        let text = "nothing is locked".to_string();
        plan.notes.insert(0, Note { weight: Weight::Fact, text });
        return Ok(plan);
    }
    plan.notes.extend(still_closed(&simulate(world, &plan.steps)?));
    plan.notes.extend(lifelines::warnings(world, &plan.steps)?);
    if of_nodes(world).is_some() {
        let text = "the nodes stay observed; `kubectl zerotrust unlock --nodes` takes that back".to_string();
        plan.notes.push(Note { weight: Weight::Fact, text });
    }
    if hosts::remembered(world).is_some() {
        let text = "the nodes stay locked; `kubectl zerotrust unlock --nodes` takes that back".to_string();
        plan.notes.push(Note { weight: Weight::Fact, text });
    }
    Ok(plan)
}

/// Pods that other policies go on policing: grants keep theirs closed to all but what was granted.
fn still_closed(after: &World) -> Option<Note> {
    let closed = |pod: &&Pod| [Direction::Ingress, Direction::Egress].iter().any(|d| is_policed(after, pod, *d));
    let running = after.pods.iter().filter(|pod| !pod.finished && !pod.host_network);
    let pods: Vec<String> = running.filter(closed).map(Pod::full_name).collect();
    let first = pods.first()?;
    let whom = match pods.len() {
        1 => first.clone(),
        more => format!("{first} and {} more", more - 1),
    };
    let text = format!("{whom} stay closed to all but what grants and other policies allow");
    Some(Note { weight: Weight::Fact, text })
}

#[cfg(test)]
mod tests;
