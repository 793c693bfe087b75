//! From what is staged or observed to the policies that enforce the same.
//! Never completes them: `promote` does.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::decide::{deletion, object, version_of};
use super::super::edit::Edit;
use super::super::perimeter::recognise;
use super::super::roles::{LOCKDOWN, OBSERVING, PERIMETER, is_lockdown, lets_all_pass, role};
use super::super::{PlanError, Step};
use super::{Standing, ours};
use crate::kubernetes::names::{HOSTS, PROMOTED, ROLE};
use crate::model::policy::{Direction, PolicyId, PolicyKind, Rule};
use crate::model::spec::{PolicySpec, RuleSpec};
use crate::model::world::{World, Written};

/// What a policy that observes pods is called after the lockdown's name.
pub const SUFFIX: &str = "-observing-";
/// The value of `PROMOTED` on a rule that is there for the observation alone.
pub const GOES: &str = "none";

/// The writes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Enforced {
    /// What enforces.
    pub comes: Vec<Step>,
    /// What staged or observed.
    pub goes: Vec<Step>,
}

impl Enforced {
    /// All of them, in order.
    pub fn all(&self) -> Vec<Step> {
        self.comes.iter().chain(&self.goes).cloned().collect()
    }
}

/// What enforces what is standing. A lockdown that is enforced already stays the one that it is.
pub fn of(world: &World, standing: &Standing) -> Result<Enforced, PlanError> {
    let mut enforced = Enforced::default();
    let locked = world.policies.iter().any(|policy| is_lockdown(world, policy));
    let (ours, theirs): (Vec<&PolicyId>, Vec<&PolicyId>) =
        standing.observing.iter().partition(|id| world.written.get(*id).and_then(role) == Some(OBSERVING));
    enforced.comes.extend(theirs.iter().flat_map(|id| no_longer_lets_pass(world, id)));
    if !locked && theirs.is_empty() {
        if ours.is_empty() {
            enforced.comes.extend(standing.staged.first().map(|id| of_staged(world, id)).transpose()?.flatten());
        } else {
            enforced.comes.extend(of_observed(world, &ours)?);
        }
    }
    enforced.comes.extend(of_nodes(world, standing));
    for id in ours.into_iter().chain(&standing.nodes) {
        enforced.goes.push(deletion(world, id, "it only observes, and what it observes is enforced by then"));
    }
    for id in &standing.staged {
        enforced.goes.push(deletion(world, id, "it is enforced by then"));
    }
    Ok(enforced)
}

fn created(world: &World, document: Value, id: &PolicyId, why: &str) -> Result<Step, PlanError> {
    if let Some(other) = world.written.get(id) {
        return Err(PlanError::Refused {
            reason: format!("{id} ({}) is something else, and has the name of the lockdown to be", other.place),
            hints: vec!["rename it, then ask again".into()],
        });
    }
    Ok(Step { object: object(id), planned_on: None, edits: vec![Edit::Create(document)], why: why.into() })
}

fn global(name: &str) -> PolicyId {
    PolicyId { kind: PolicyKind::GlobalNetworkPolicy, namespace: None, name: name.to_string() }
}

/// The staged policy as an enforced one, whoever wrote it.
fn of_staged(world: &World, id: &PolicyId) -> Result<Option<Step>, PlanError> {
    let Some(written) = world.written.get(id) else { return Ok(None) };
    let spec = PolicySpec { staged_action: None, ..written.spec.clone() };
    let mut annotations = written.annotations.clone();
    annotations.insert(ROLE.to_string(), LOCKDOWN.to_string());
    let mut metadata = json!({"name": id.name, "annotations": annotations});
    if !written.labels.is_empty() {
        metadata["labels"] = json!(written.labels);
    }
    let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy", "metadata": metadata,
                          "spec": spec});
    created(world, document, &global(&id.name), "what was staged is enforced").map(Some)
}

/// One policy for both directions from those that observe one each.
fn of_observed(world: &World, observing: &[&PolicyId]) -> Result<Option<Step>, PlanError> {
    let Some(first) = observing.first() else { return Ok(None) };
    let name = first.name.split_once(SUFFIX).map_or(first.name.as_str(), |(name, _)| name);
    let mut spec = json!({"types": ["Ingress", "Egress"]});
    for direction in [Direction::Ingress, Direction::Egress] {
        let Some(written) = ours(world, direction).and_then(|policy| world.written.get(&policy.id)) else { continue };
        spec["namespaceSelector"] = json!(written.spec.namespace_selector);
        let rules = match direction {
            Direction::Ingress => enforced_rules(&written.spec.ingress),
            Direction::Egress => enforced_rules(&written.spec.egress),
        };
        if !rules.is_empty() {
            spec[direction.to_string()] = json!(rules);
        }
    }
    let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy",
        "metadata": {"name": name, "annotations": {ROLE: LOCKDOWN}}, "spec": spec});
    created(world, document, &global(name), "what no policy allows is dropped, in both directions; DNS stays").map(Some)
}

/// Rules as they are enforced: those of the observation alone are gone, the others do what they are marked with.
pub fn enforced_rules(rules: &[RuleSpec]) -> Vec<RuleSpec> {
    let enforced = |rule: &RuleSpec| {
        let mut rule = rule.clone();
        let Some(metadata) = &mut rule.metadata else { return Some(rule) };
        match metadata.annotations.remove(PROMOTED) {
            Some(action) if action == GOES => return None,
            Some(action) => rule.action = action,
            None => {}
        }
        if metadata.annotations.is_empty() {
            rule.metadata = None;
        }
        Some(rule)
    };
    rules.iter().filter_map(enforced).collect()
}

/// A policy that somebody wrote so that it logs and lets pass: without what lets pass.
fn no_longer_lets_pass(world: &World, id: &PolicyId) -> Option<Step> {
    let policy = world.policies.iter().find(|policy| policy.id == *id)?;
    let written = world.written.get(id)?;
    let edits: Vec<Edit> =
        [(&policy.ingress, &written.spec.ingress, "ingress"), (&policy.egress, &written.spec.egress, "egress")]
            .into_iter()
            .map(|(compiled, rules, field)| {
                let passes: BTreeSet<usize> = compiled
                    .iter()
                    .flatten()
                    .filter(|rule| lets_all_pass(rule))
                    .map(|rule: &Rule| rule.place)
                    .collect();
                let kept = rules.iter().enumerate().filter(|(place, _)| !passes.contains(place)).map(|(_, rule)| rule);
                let value = json!(kept.collect::<Vec<_>>());
                Edit::SetSpec { field: field.into(), expected: json!(rules), value }
            })
            .collect();
    let why = "what it logs and lets pass is dropped".to_string();
    Some(Step { object: object(id), planned_on: version_of(world, id), edits, why })
}

/// The nodes' lock as far as the policy that observes tells it: into our perimeter, or as a new one.
fn of_nodes(world: &World, standing: &Standing) -> Option<Step> {
    let written: &Written = world.written.get(standing.nodes.as_ref()?)?;
    let rules = enforced_rules(&written.spec.ingress);
    let hosts = written.annotations.get(HOSTS).cloned();
    let why = "what enters the nodes from outside is dropped".to_string();
    if let Some(ours) = recognise::ours(world) {
        let now = &world.written.get(&ours)?.spec.ingress;
        let edits = vec![
            Edit::SetSpec { field: "ingress".into(), expected: json!(now), value: json!(rules) },
            Edit::Annotate(HOSTS.into(), hosts),
        ];
        return Some(Step { object: object(&ours), planned_on: version_of(world, &ours), edits, why });
    }
    let spec = PolicySpec { ingress: rules, ..written.spec.clone() };
    let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy",
        "metadata": {"name": recognise::NAME, "annotations": {ROLE: PERIMETER, HOSTS: hosts}}, "spec": spec});
    Some(Step { object: object(&global(recognise::NAME)), planned_on: None, edits: vec![Edit::Create(document)], why })
}
