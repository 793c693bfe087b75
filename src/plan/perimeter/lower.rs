//! Takes the perimeter back: host endpoints first, then the policy, then the set.
//! Never takes it while a grant needs it, and never deletes what a person wrote.

use super::super::decide::{object, version_of};
use super::super::edit::Edit;
use super::super::revoke::grants;
use super::super::simulate::simulate;
use super::super::{Note, Plan, PlanError, Step, Weight};
use super::doors::{self, Open};
use super::{endpoints, hosts, is_closing, nodes_set, recognise};
use crate::kubernetes::names::{GRANT, NODES_LABEL};
use crate::model::policy::{Direction, PolicyId};
use crate::model::spec::RuleSpec;
use crate::model::world::{World, Written};

/// Plans it. An empty plan says that there is none.
pub fn lower(world: &World) -> Result<Plan, PlanError> {
    let needing: Vec<String> = grants(world)
        .into_iter()
        .filter(|info| info.grant.through.is_some())
        .map(|info| format!("kubectl zerotrust revoke {}   ({} -> {})", info.id, info.grant.from, info.grant.to))
        .collect();
    if !needing.is_empty() {
        let nodes =
            hosts::remembered(world).map(|_| "kubectl zerotrust unlock --nodes opens the nodes alone".to_string());
        let needing = needing.into_iter().chain(nodes).collect();
        let reason = "the perimeter keeps others out of what is exposed".to_string();
        return Err(PlanError::Refused { reason, hints: needing });
    }
    let mut plan = Plan { title: "unlock --perimeter".into(), ..Plan::default() };
    let why = |node: &str| format!("it polices what enters node {node} for the perimeter");
    plan.steps.extend(endpoints::gone(world, why));
    if let Some(id) = recognise::ours(world) {
        plan.steps.extend(policy(world, &id, &mut plan.notes));
    }
    plan.steps.extend(added_to_others(world));
    let after = simulate(world, &plan.steps)?;
    let set = nodes_set::find(&after).filter(|set| nodes_set::is_ours(set));
    match set.map(|_| users(&after)) {
        Some(users) if users.is_empty() => plan.steps.push(Step {
            object: nodes_set::object(),
            planned_on: None,
            edits: vec![Edit::Delete],
            why: "no rule speaks of the nodes any more".into(),
        }),
        Some(users) => {
            let text = format!("GlobalNetworkSet {} stays: {} select it", nodes_set::NAME, users.join(", "));
            plan.notes.push(Note { weight: Weight::Warning, text });
        }
        None => {}
    }
    if plan.steps.is_empty() {
        let others: Vec<String> = recognise::perimeters(world).iter().map(|policy| policy.id.to_string()).collect();
        let text = match others.is_empty() {
            true => "there is no perimeter".to_string(),
            false => format!("the perimeter ({}) was not made by this tool, and stays", others.join(", ")),
        };
        plan.notes.push(Note { weight: Weight::Fact, text });
        return Ok(plan);
    }
    plan.notes.extend(opening(world, &simulate(world, &plan.steps)?));
    Ok(plan)
}

/// Takes our rules out of policies that others wrote.
pub fn added_to_others(world: &World) -> Vec<Step> {
    let ours = recognise::ours(world);
    let mut steps = Vec::new();
    for (id, written) in world.written.iter().filter(|(id, _)| Some(*id) != ours.as_ref()) {
        let old: Vec<RuleSpec> = written.spec.ingress.iter().filter(|rule| is_closing(rule)).cloned().collect();
        if old.is_empty() {
            continue;
        }
        steps.push(Step {
            object: object(id),
            planned_on: version_of(world, id),
            edits: vec![Edit::ReplaceRules { direction: Direction::Ingress, old, new: Vec::new() }],
            why: "the rules that were added to it for the nodes' lock go".into(),
        });
    }
    steps
}

/// Our policy goes, unless somebody put rules of their own into it.
fn policy(world: &World, id: &PolicyId, notes: &mut Vec<Note>) -> Option<Step> {
    let written: &Written = world.written.get(id)?;
    // Grants that are left have no door: their rules here are for nodes that are locked.
    let is_grants = |rule: &RuleSpec| rule.metadata.as_ref().is_some_and(|own| own.annotations.contains_key(GRANT));
    let (ours, others): (Vec<RuleSpec>, Vec<RuleSpec>) =
        written.spec.ingress.iter().cloned().partition(|rule| is_closing(rule) || is_grants(rule));
    let edit = match others.is_empty() {
        true => Edit::Delete,
        false => {
            let text = format!("{id} stays with {} rules that somebody put there", others.len());
            notes.push(Note { weight: Weight::Warning, text });
            Edit::ReplaceRules { direction: Direction::Ingress, old: ours, new: Vec::new() }
        }
    };
    let why = "it closes the doors of Services to clients outside".to_string();
    Some(Step { object: object(id), planned_on: version_of(world, id), edits: vec![edit], why })
}

/// Policies with rules that select the set.
fn users(world: &World) -> Vec<String> {
    let speaks = |rule: &RuleSpec| {
        [&rule.source, &rule.destination]
            .iter()
            .any(|entity| entity.selector.contains(NODES_LABEL) || entity.not_selector.contains(NODES_LABEL))
    };
    let uses = |written: &Written| written.spec.ingress.iter().chain(&written.spec.egress).any(speaks);
    world.written.iter().filter(|(_, written)| uses(written)).map(|(id, _)| id.to_string()).collect()
}

/// Doors that strangers can come by again.
fn opening(world: &World, after: &World) -> Option<Note> {
    let open = |world: &World, doorway: &doors::Doorway<'_>| doorway.open(world) == Open::ToAll;
    let doors = doors::all(after);
    let opens = doors.iter().filter(|doorway| open(after, doorway) && !open(world, doorway));
    let names: Vec<String> = opens.map(doors::Doorway::name).collect();
    let text = format!("clients outside can come again by {}", names.join(", "));
    (!names.is_empty()).then_some(Note { weight: Weight::Warning, text })
}
