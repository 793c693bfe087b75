//! Takes a recorded change back: a plan like any other.
//! Never knows how a change is recorded.

use serde_json::Value;

use super::edit::Edit;
use super::simulate::simulate;
use super::{Plan, PlanError, Risk, Step, lifelines, losses};
use crate::kubernetes::ObjectRef;
use crate::kubernetes::names::Kind;
use crate::model::world::World;

/// From the objects before and after a change, in the order in which they were written, to a plan that takes it back,
/// last write first. What others changed since then stays.
pub fn undo(title: &str, changes: &[(Option<Value>, Option<Value>)]) -> Result<Plan, PlanError> {
    let mut plan = Plan { title: format!("undo {title}"), ..Plan::default() };
    for (before, after) in changes.iter().rev() {
        let Some(object) = after.as_ref().or(before.as_ref()) else { continue };
        if before == after {
            continue;
        }
        let why = match (before, after) {
            (None, _) => "it was made by that change",
            (_, None) => "it was deleted by that change",
            _ => "it was altered by that change",
        };
        plan.steps.push(Step {
            object: object_of(object)?,
            planned_on: None,
            edits: vec![Edit::Restore {
                expected: after.clone().unwrap_or(Value::Null),
                value: before.clone().unwrap_or(Value::Null),
            }],
            why: why.into(),
        });
    }
    Ok(plan)
}

/// Proves it in a world: lifelines must not be worse for it, unless that is accepted, and pods that get closed are said.
pub fn prove(world: &World, plan: &mut Plan, accepted: &[Risk]) -> Result<(), PlanError> {
    let lost = lifelines::prove(world, &plan.steps, accepted)?;
    plan.notes.extend(losses::flips(world, &simulate(world, &plan.steps)?));
    plan.notes.extend(lost);
    Ok(())
}

fn object_of(object: &Value) -> Result<ObjectRef, PlanError> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let kind = text("/apiVersion").zip(text("/kind")).and_then(|(version, kind)| Kind::of_document(version, kind));
    match (kind, text("/metadata/name")) {
        (Some(kind), Some(name)) => {
            let namespace = text("/metadata/namespace").map(str::to_string);
            Ok(ObjectRef { kind, namespace, name: name.to_string() })
        }
        _ => Err(PlanError::Refused {
            reason: "the record holds an object without kind or name".into(),
            hints: vec!["the record was altered; restore the objects from another backup".into()],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::edit::apply_all;
    use serde_json::json;

    fn policy(name: &str, order: u32) -> Value {
        json!({"apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
               "metadata": {"name": name, "namespace": "shop"}, "spec": {"order": order, "types": ["Ingress"]}})
    }

    #[test]
    fn undo_runs_backwards_and_brings_every_object_back() {
        let changes = [
            (None, Some(policy("new", 1))),
            (Some(policy("altered", 1)), Some(policy("altered", 2))),
            (Some(policy("gone", 1)), None),
            (Some(policy("same", 1)), Some(policy("same", 1))),
        ];
        let plan = undo("zerotrust-0001", &changes).unwrap();
        let names: Vec<&str> = plan.steps.iter().map(|step| step.object.name.as_str()).collect();
        assert_eq!(names, ["gone", "altered", "new"]);
        for step in &plan.steps {
            let name = &step.object.name;
            let (before, after) = changes
                .iter()
                .find(|(before, after)| after.as_ref().or(before.as_ref()).unwrap()["metadata"]["name"] == **name)
                .unwrap();
            assert_eq!(&apply_all(&step.edits, after.as_ref()).unwrap(), before);
        }
    }

    #[test]
    fn an_object_without_kind_is_refused() {
        assert!(matches!(undo("x", &[(None, Some(json!({})))]), Err(PlanError::Refused { .. })));
    }
}
