//! The world after some steps of a plan, so that a plan is proven before anything is written.
//! Never writes. Policies, host endpoints, network sets and Services make another world; other kinds decide nothing.

mod others;

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::edit::{EditError, apply_all};
use super::{PlanError, Step};
use crate::findings::Severity;
use crate::kubernetes::ObjectRef;
use crate::kubernetes::names::Kind;
use crate::model::compile::compile;
use crate::model::policy::{Policy, PolicyId, PolicyKind};
use crate::model::validate::validate;
use crate::model::world::{Labels, World, Written};

/// The object of a policy.
pub fn object_of(id: &PolicyId) -> ObjectRef {
    let kind = match id.kind {
        PolicyKind::GlobalNetworkPolicy => Kind::GlobalNetworkPolicy,
        PolicyKind::NetworkPolicy => Kind::NetworkPolicy,
        PolicyKind::KubernetesNetworkPolicy => Kind::KubernetesNetworkPolicy,
        PolicyKind::StagedGlobalNetworkPolicy => Kind::StagedGlobalNetworkPolicy,
        PolicyKind::StagedNetworkPolicy => Kind::StagedNetworkPolicy,
        PolicyKind::StagedKubernetesNetworkPolicy => Kind::StagedKubernetesNetworkPolicy,
    };
    ObjectRef { kind, namespace: id.namespace.clone(), name: id.name.clone() }
}

/// The policy that an object is, for the kinds that plans write.
pub fn policy_of(object: &ObjectRef) -> Option<PolicyId> {
    let kind = match object.kind {
        Kind::GlobalNetworkPolicy => PolicyKind::GlobalNetworkPolicy,
        Kind::NetworkPolicy => PolicyKind::NetworkPolicy,
        Kind::StagedGlobalNetworkPolicy => PolicyKind::StagedGlobalNetworkPolicy,
        _ => return None,
    };
    Some(PolicyId { kind, namespace: object.namespace.clone(), name: object.name.clone() })
}

/// A policy as a document in v3 form.
pub fn document(id: &PolicyId, written: &Written) -> Value {
    let mut metadata = json!({"name": id.name});
    if let Some(namespace) = &id.namespace {
        metadata["namespace"] = json!(namespace);
    }
    if !written.labels.is_empty() {
        metadata["labels"] = json!(written.labels);
    }
    if !written.annotations.is_empty() {
        metadata["annotations"] = json!(written.annotations);
    }
    json!({"apiVersion": "projectcalico.org/v3", "kind": id.kind.to_string(), "metadata": metadata, "spec": written.spec})
}

/// The world once these steps are done. An edit that cannot be made, and an object that Calico would refuse or misread,
/// is an error.
pub fn simulate(world: &World, steps: &[Step]) -> Result<World, PlanError> {
    let mut after = world.clone();
    for step in steps {
        let Some(id) = policy_of(&step.object) else {
            others::put(&mut after, step)?;
            continue;
        };
        let before = after.written.get(&id).map(|written| document(&id, written));
        let value = apply_all(&step.edits, before.as_ref()).map_err(|error| cannot(step, &error))?;
        if value != before {
            put(&mut after, &id, before.as_ref(), value.as_ref())?;
        }
    }
    Ok(after)
}

fn cannot(step: &Step, error: &EditError) -> PlanError {
    PlanError::Refused { reason: format!("{}: {error}", step.object), hints: Vec::new() }
}

fn put(world: &mut World, id: &PolicyId, before: Option<&Value>, after: Option<&Value>) -> Result<(), PlanError> {
    let policies = list_of(world, id);
    let old = policies.iter().position(|policy| policy.id == *id).map(|index| policies.remove(index));
    let Some(value) = after else {
        world.written.remove(id);
        return Ok(());
    };
    refuse_new_violations(world, id, before, value)?;
    let written = rewritten(world.written.get(id), value)?;
    let stored = stored_name(world, id);
    let compiled = compile(id.clone(), &stored, &written.spec, world.calico, &written.place);
    if let Some(finding) = compiled.findings.iter().find(|finding| finding.code.severity == Severity::Error)
        && before.is_none()
    {
        let reason = format!("{id} would not do what it says: {}: {}", finding.code.title, finding.detail);
        return Err(PlanError::Refused { reason, hints: Vec::new() });
    }
    if let Some(mut policy) = compiled.policy {
        if let Some(old) = old {
            policy.tie_break = old.tie_break;
        }
        let policies = list_of(world, id);
        let place = policies.partition_point(|other| asked_before(other, &policy) != Ordering::Greater);
        policies.insert(place, policy);
    }
    world.written.insert(id.clone(), written);
    Ok(())
}

/// Where the world keeps a policy: nothing enforces staged ones.
fn list_of<'w>(world: &'w mut World, id: &PolicyId) -> &'w mut Vec<Policy> {
    if id.kind.is_staged() { &mut world.staged } else { &mut world.policies }
}

/// As the world keeps its policies: a tier's together, by their order, those without one last, and equal ones by name
/// (felix/calc/policy_sorter.go).
fn asked_before(one: &Policy, other: &Policy) -> Ordering {
    let order = |policy: &Policy| policy.order.unwrap_or(f64::INFINITY);
    let by_order = order(one).total_cmp(&order(other));
    one.tier.cmp(&other.tier).then(by_order).then_with(|| one.tie_break.cmp(&other.tie_break))
}

/// Up to Calico 3.31 the default tier's policies are stored with its name before theirs.
fn stored_name(world: &World, id: &PolicyId) -> String {
    match world.calico.is_some_and(|version| version.at_least(3, 32)) {
        true => id.name.clone(),
        false => format!("default.{}", id.name),
    }
}

fn rewritten(old: Option<&Written>, value: &Value) -> Result<Written, PlanError> {
    let malformed = |error: serde_json::Error| PlanError::Refused { reason: error.to_string(), hints: Vec::new() };
    let labels = |key: &str| -> Result<Labels, PlanError> {
        match value.pointer(&format!("/metadata/{key}")) {
            Some(map) => serde_json::from_value(map.clone()).map_err(malformed),
            None => Ok(Labels::new()),
        }
    };
    Ok(Written {
        spec: serde_json::from_value(value.get("spec").cloned().unwrap_or_default()).map_err(malformed)?,
        labels: labels("labels")?,
        annotations: labels("annotations")?,
        resource_version: old.and_then(|old| old.resource_version.clone()),
        keeper: old.and_then(|old| old.keeper.clone()),
        place: old.map_or_else(|| "this plan".to_string(), |old| old.place.clone()),
    })
}

/// What an author wrote wrong is theirs; what a plan adds must be right.
fn refuse_new_violations(world: &World, id: &PolicyId, before: Option<&Value>, after: &Value) -> Result<(), PlanError> {
    let there = before.map(|value| validate(value, world.calico)).unwrap_or_default();
    let reasons =
        |violations: &[crate::model::validate::Violation]| violations.iter().map(|v| v.reason.clone()).collect();
    let known: std::collections::BTreeSet<String> = reasons(&there);
    match validate(after, world.calico).into_iter().find(|violation| !known.contains(&violation.reason)) {
        None => Ok(()),
        Some(violation) => {
            let reason = format!("{id} would break a rule of Calico's: {}: {}", violation.path, violation.reason);
            Err(PlanError::Refused { reason, hints: Vec::new() })
        }
    }
}
