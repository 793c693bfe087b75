//! Takes a recorded change back: a plan like any other.
//! Never knows how a change is recorded.

use serde_json::Value;

use super::edit::{Edit, holds};
pub use super::restore::same;
use super::restore::{annotation, reached, trampled};
use super::revoke::grants;
use super::roles::PERIMETER;
use super::simulate::simulate;
use super::{Note, Plan, PlanError, Risk, Step, Weight, lifelines, losses};
use crate::kubernetes::ObjectRef;
use crate::kubernetes::names::{Kind, ROLE};
use crate::model::intent::{Grant, Peer};
use crate::model::world::World;

/// From the objects before and after a change, in the order in which they were written, to a plan that takes it back,
/// last write first. What others changed since then stays; with `force` not what they changed of what the change made.
pub fn undo(title: &str, changes: &[(Option<Value>, Option<Value>)], force: bool) -> Result<Plan, PlanError> {
    let mut plan = Plan { title: format!("undo {title}"), ..Plan::default() };
    for (before, after) in changes.iter().rev() {
        let Some(object) = after.as_ref().or(before.as_ref()).map(object_of).transpose()? else { continue };
        if before == after {
            continue;
        }
        let why = match (before, after) {
            (None, _) => "it was made by that change",
            (_, None) => "it was deleted by that change",
            _ => "it was altered by that change",
        };
        let (expected, value) = (after.clone().unwrap_or(Value::Null), before.clone().unwrap_or(Value::Null));
        // What was written twice goes back in one write: in one go, or both ways one after the other where somebody wrote it
        // in between.
        match plan.steps.iter_mut().find(|step| step.object == object) {
            Some(step) => match step.edits.last_mut() {
                Some(Edit::Restore { value: then, passed, .. }) if same(then, &expected) => {
                    passed.push(expected);
                    *then = value;
                }
                _ => step.edits.push(Edit::Restore { expected, value, passed: Vec::new(), force }),
            },
            None => {
                let edits = vec![Edit::Restore { expected, value, passed: Vec::new(), force }];
                plan.steps.push(Step { object, planned_on: None, edits, why: why.into() });
            }
        }
    }
    Ok(plan)
}

/// What somebody changed since in what a step takes back, given the object as it is: each with the object and the field.
pub fn tramples(step: &Step, current: Option<&Value>) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = current.cloned();
    for edit in &step.edits {
        let Edit::Restore { expected, value, passed, .. } = edit else { continue };
        found.extend(trampled(current.as_ref(), reached(current.as_ref(), expected, passed), value));
        let mut forced = edit.clone();
        if let Edit::Restore { force, .. } = &mut forced {
            *force = true;
        }
        current = forced.apply(current.as_ref()).ok().flatten();
    }
    found.into_iter().map(|what| format!("{}: {what}", step.object)).collect()
}

/// Proves it in a world: what later exposures need stays, lifelines must not be worse for it, unless that is accepted, and
/// pods that get closed are said. Whether it tramples anything is seen on the objects themselves: a world does not know all
/// of them.
pub fn prove(world: &World, plan: &mut Plan, accepted: &[Risk]) -> Result<(), PlanError> {
    keeps_perimeter(world, plan)?;
    let mut steps = plan.steps.clone();
    for edit in steps.iter_mut().flat_map(|step| &mut step.edits) {
        if let Edit::Restore { force, .. } = edit {
            *force = true;
        }
    }
    let after = match simulate(world, &steps) {
        Ok(after) => after,
        // An object that could not be read is none in this world. The way back must be there when little else is.
        Err(error) => {
            let text = format!("what the cluster lives by was not looked at: {error}");
            plan.notes.push(Note { weight: Weight::Warning, text });
            return Ok(());
        }
    };
    let lost = lifelines::prove(world, &steps, accepted)?;
    plan.notes.extend(losses::flips(world, &after));
    plan.notes.extend(lost);
    Ok(())
}

/// Whether a step takes the perimeter's policy or its set away. A host endpoint alone comes with a node, not with a grant.
fn takes_perimeter(step: &Step) -> bool {
    let shared = matches!(step.object.kind, Kind::GlobalNetworkPolicy | Kind::GlobalNetworkSet);
    let mut edits = step.edits.iter().filter(|_| shared);
    edits.any(|edit| match edit {
        Edit::Restore { expected, value, .. } => value.is_null() && annotation(expected, ROLE) == Some(PERIMETER),
        _ => false,
    })
}

/// Refuses a way back that takes the perimeter, or a Service's door, from grants that stay: strangers would come by what
/// is open for their clients, or their clients no more.
fn keeps_perimeter(world: &World, plan: &Plan) -> Result<(), PlanError> {
    let stays = |id: &str| {
        !plan.steps.iter().flat_map(|step| &step.edits).any(|edit| match edit {
            Edit::Restore { expected, value, .. } => holds(expected, id) && !holds(value, id),
            _ => false,
        })
    };
    let perimeter = plan.steps.iter().any(takes_perimeter);
    let needs = |grant: &Grant| perimeter || plan.steps.iter().any(|step| closes_door(step, grant));
    let needing: Vec<String> = grants(world)
        .into_iter()
        .filter(|info| info.grant.through.is_some() && stays(&info.id) && needs(&info.grant))
        .map(|info| format!("kubectl zerotrust revoke {}   ({} -> {})", info.id, info.grant.from, info.grant.to))
        .collect();
    if needing.is_empty() {
        return Ok(());
    }
    let reason = "what that change made is needed by what was exposed since".to_string();
    let first =
        "`kubectl zerotrust revoke` takes one exposure back and leaves the others theirs; or first take back".into();
    Err(PlanError::Refused { reason, hints: std::iter::once(first).chain(needing).collect() })
}

/// Whether a step takes the door of a grant away: a node port, or a load balancer's address.
fn closes_door(step: &Step, grant: &Grant) -> bool {
    let (Some(through), Peer::Pods { namespace, .. }) = (&grant.through, &grant.to) else { return false };
    let is_its = step.object.kind == Kind::Service
        && step.object.name == through.service
        && step.object.namespace.as_ref() == Some(namespace);
    is_its
        && step.edits.iter().any(|edit| match edit {
            Edit::Restore { expected, value, .. } => doors(value) < doors(expected),
            _ => false,
        })
}

/// How many kinds of doors a Service of this type has.
fn doors(service: &Value) -> usize {
    let kind = service["spec"]["type"].as_str();
    ["NodePort", "LoadBalancer"].iter().position(|known| kind == Some(*known)).map_or(0, |index| index + 1)
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
        let plan = undo("zerotrust-0001", &changes, false).unwrap();
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
    fn what_was_written_twice_is_taken_back_twice_and_what_another_wrote_in_between_stays() {
        let policy = |allowed: &[u32]| {
            let rule = |port: &u32| json!({"action": "Allow", "protocol": "TCP", "destination": {"ports": [port]}});
            let mut policy = policy("web", 1);
            policy["spec"]["ingress"] = allowed.iter().map(rule).collect();
            policy
        };
        let changes = [
            (Some(policy(&[1])), Some(policy(&[1, 2]))),
            // Somebody put 7 there.
            (Some(policy(&[1, 2, 7])), Some(policy(&[1, 2, 7, 3]))),
        ];
        let plan = undo("zerotrust-0001", &changes, false).unwrap();
        assert_eq!(plan.steps.len(), 1);
        let now = policy(&[1, 2, 7, 3]);
        assert_eq!(tramples(&plan.steps[0], Some(&now)), Vec::<String>::new());
        assert_eq!(apply_all(&plan.steps[0].edits, Some(&now)).unwrap(), Some(policy(&[1, 7])));
    }

    /// A change that writes an object several times can be killed between any two of them.
    #[test]
    fn what_was_written_several_times_goes_back_from_wherever_it_came_to() {
        let states = [policy("web", 1), policy("web", 2), policy("web", 3)].map(Some);
        let [first, second, third] = &states;
        for (end, last) in [(third, third), (&None, second)] {
            let changes = [(first.clone(), second.clone()), (second.clone(), end.clone())];
            let plan = undo("x", &changes, false).unwrap();
            assert_eq!(plan.steps.len(), 1);
            for now in [first, second, end] {
                assert_eq!(tramples(&plan.steps[0], now.as_ref()), Vec::<String>::new());
                assert_eq!(&apply_all(&plan.steps[0].edits, now.as_ref()).unwrap(), first);
            }
            let mut altered = last.clone();
            altered.as_mut().unwrap()["metadata"]["labels"] = json!({"theirs": "kept"});
            let back = apply_all(&plan.steps[0].edits, altered.as_ref()).unwrap().unwrap();
            assert_eq!(back["spec"]["order"].as_f64(), Some(1.0));
            assert_eq!(back["metadata"]["labels"]["theirs"], "kept");
        }
    }

    #[test]
    fn everything_that_was_changed_since_is_listed_and_put_back_by_force_alone() {
        let mut before = policy("web", 1);
        before["spec"]["selector"] = json!("a");
        let mut after = policy("web", 2);
        after["spec"]["selector"] = json!("b");
        let mut now = policy("web", 3);
        now["spec"]["selector"] = json!("c");
        now["metadata"]["labels"] = json!({"theirs": "kept"});
        let changes = [(Some(before.clone()), Some(after))];
        let step = &undo("x", &changes, false).unwrap().steps[0];
        let found = tramples(step, Some(&now));
        assert_eq!(found, ["NetworkPolicy shop/web: spec.order, spec.selector was changed"]);
        assert!(apply_all(&step.edits, Some(&now)).is_err());
        let forced = &undo("x", &changes, true).unwrap().steps[0];
        let back = apply_all(&forced.edits, Some(&now)).unwrap().unwrap();
        assert_eq!((back["spec"]["order"].as_f64(), &back["spec"]["selector"]), (Some(1.0), &json!("a")));
        assert_eq!(back["metadata"]["labels"]["theirs"], "kept");
        assert_eq!(tramples(step, None), ["NetworkPolicy shop/web: it was deleted"]);
    }

    /// A lockdown that somebody edited goes as a whole, or not at all: without its rules for DNS it would be another one.
    #[test]
    fn a_lockdown_that_was_edited_since_is_not_taken_apart() {
        let mut made = policy("deny-app-policy", 1);
        made["metadata"]["annotations"] = json!({ROLE: "lockdown"});
        let mut now = made.clone();
        now["spec"]["egress"] = json!([{"action": "Allow"}]);
        let changes = [(None, Some(made))];
        let step = &undo("x", &changes, false).unwrap().steps[0];
        assert_eq!(tramples(step, Some(&now)), ["NetworkPolicy shop/deny-app-policy: spec.egress was changed"]);
        assert_eq!(apply_all(&undo("x", &changes, true).unwrap().steps[0].edits, Some(&now)).unwrap(), None);
    }

    #[test]
    fn an_object_without_kind_is_refused() {
        assert!(matches!(undo("x", &[(None, Some(json!({})))], false), Err(PlanError::Refused { .. })));
    }
}
