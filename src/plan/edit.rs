//! The changes that a step can make to an object, and how each is made: the only code that alters an object.
//! Never knows where the object is kept.

mod advertise;
mod nets;
mod rules;
mod service;

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde_json::{Map, Value};

use crate::kubernetes::names::{GRANT, REVOKED, ROLE};
use crate::model::policy::Direction;
use crate::model::spec::{PolicySpec, RuleSpec};

use super::restore;

/// One change. Approved are these, not a whole object: another operator's rule beside them is no obstacle.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Makes the object. One that is there by now is taken as it is if it says the same apart from rules (two operators
    /// who open the same target at the same time make the same policy); anything else under its name is an error.
    Create(Value),
    /// Adds rules, in this order, before the first rule that is a Log, Deny or Pass, else at the end; a rule that is
    /// there already is not added again.
    AddRules(Direction, Vec<RuleSpec>),
    /// Takes out every rule that carries this grant, in both directions.
    RemoveGrant(String),
    /// Sets an annotation, or removes it.
    Annotate(String, Option<String>),
    /// Sets a field of the spec by its name to a value; null removes it. Only if it still has the value that is expected.
    SetSpec {
        /// The field's name.
        field: String,
        /// What it is now; null where it is not set.
        expected: Value,
        /// What it will be.
        value: Value,
    },
    /// Takes out these rules and puts others in: an Allow before the first rule that is none, a Pass before the first Deny
    /// or Log, anything else at the end. Rules that are in both stay where they are, if they are still there.
    ReplaceRules {
        /// Which list.
        direction: Direction,
        /// What goes.
        old: Vec<RuleSpec>,
        /// What comes.
        new: Vec<RuleSpec>,
    },
    /// Puts addresses into a list that somebody wrote, and takes some out; the others stay as they are written.
    Nets {
        /// Which list.
        of: NetsOf,
        /// What comes.
        add: Vec<IpNet>,
        /// What goes.
        remove: Vec<IpNet>,
    },
    /// Makes a Service one of another type, with these ports on every node.
    ServiceType {
        /// What it is now.
        expected: String,
        /// What it will be.
        kind: String,
        /// Its ports' numbers on the nodes.
        node_ports: Vec<NodePort>,
        /// The address that the load balancer is asked for.
        address: Option<String>,
    },
    /// Has a BGPConfiguration advertise an address of a Service, or no longer. One that is not there is made.
    Advertise {
        /// The list of the BGPConfiguration, as `serviceClusterIPs`.
        list: String,
        /// The address as a CIDR.
        cidr: String,
        /// Whether it is advertised.
        on: bool,
    },
    /// Takes a change back: what it made different becomes as it was, what others did since then stays. Null stands for
    /// an object that is not there.
    Restore {
        /// What the change made of it.
        expected: Value,
        /// What it was before the change.
        value: Value,
        /// What it was on the way, where the change wrote it several times: the last first.
        passed: Vec<Value>,
        /// Whether what somebody changed since of what the change made is put back too.
        force: bool,
    },
    /// Deletes the object.
    Delete,
    /// Deletes the object if it holds no rule and no grant any more, not even one that is being taken back; else leaves it.
    DeleteIfEmpty,
}

/// A list of addresses in an object.
#[derive(Clone, Debug, PartialEq)]
pub enum NetsOf {
    /// A network set's.
    Set,
    /// A rule's source. Another rule in its place is an error.
    Source {
        /// Which list of rules.
        direction: Direction,
        /// The rule as it is.
        rule: Box<RuleSpec>,
    },
}

/// A Service's port and its number on every node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePort {
    /// TCP, UDP, SCTP.
    pub protocol: String,
    /// The Service's port.
    pub port: u16,
    /// The number on the nodes.
    pub node_port: u16,
}

/// Why an edit cannot be made to the object as it is now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Another object has its name.
    #[error("another object has this name")]
    Exists,
    /// It is not there any more.
    #[error("it does not exist any more")]
    Missing,
    /// Somebody changed what this edit was about.
    #[error("{0} was changed by somebody else")]
    Changed(String),
    /// The policy has no say in the direction, and a rule would give it one.
    #[error("its types leave {0} out; a rule there would cut all other {0} of its pods")]
    Isolates(Direction),
    /// The object is not what it should be.
    #[error("{0} is malformed")]
    Malformed(String),
}

/// The grants that have a rule in one object and none in another, by their ids.
pub fn grants_gained(before: Option<&Value>, after: Option<&Value>) -> BTreeSet<String> {
    let ids = |object: Option<&Value>| -> BTreeSet<String> {
        let lists = ["ingress", "egress"].map(|key| object.and_then(|object| object.get("spec")?.get(key)?.as_array()));
        lists.into_iter().flatten().flatten().filter_map(grant_of).map(str::to_string).collect()
    };
    &ids(after) - &ids(before)
}

/// Whether an object holds a grant.
pub fn holds(object: &Value, id: &str) -> bool {
    restore::annotation(object, &format!("{GRANT}-{id}")).is_some()
}

/// Makes several edits, one after the other.
pub fn apply_all(edits: &[Edit], current: Option<&Value>) -> Result<Option<Value>, EditError> {
    edits.iter().try_fold(current.cloned(), |object, edit| edit.apply(object.as_ref()))
}

impl Edit {
    /// The object (in v3 form) with the edit made; none where it is gone then. An edit that is made already changes
    /// nothing, so that it can be repeated after a conflict.
    pub fn apply(&self, current: Option<&Value>) -> Result<Option<Value>, EditError> {
        match (self, current) {
            (Edit::Create(value), None) => Ok(Some(value.clone())),
            (Edit::Create(value), Some(current)) if same_frame(value, current) => Ok(Some(current.clone())),
            (Edit::Create(_), Some(_)) => Err(EditError::Exists),
            (Edit::Restore { expected, value, passed, force }, _) => {
                restore::restore(current, restore::reached(current, expected, passed), value, *force)
            }
            (Edit::Delete | Edit::DeleteIfEmpty | Edit::RemoveGrant(_), None) => Ok(None),
            (Edit::Advertise { list, cidr, on }, None) => Ok(on.then(|| advertise::made(list, cidr))),
            (_, None) => Err(EditError::Missing),
            (Edit::Delete, Some(_)) => Ok(None),
            (Edit::DeleteIfEmpty, Some(current)) => Ok((!is_empty(current)).then(|| current.clone())),
            (edit, Some(current)) => {
                let mut object = current.clone();
                edit.alter(&mut object)?;
                Ok(Some(object))
            }
        }
    }

    fn alter(&self, object: &mut Value) -> Result<(), EditError> {
        match self {
            Edit::AddRules(direction, rules) => add_rules(object, *direction, rules),
            Edit::RemoveGrant(id) => {
                for direction in [Direction::Ingress, Direction::Egress] {
                    remove_rules(object, direction, |rule| grant_of(rule) == Some(id))?;
                }
                Ok(())
            }
            Edit::Annotate(key, value) => annotate(object, key, value.as_deref()),
            Edit::SetSpec { field, expected, value } => set_spec(object, field, expected, value),
            Edit::ReplaceRules { direction, old, new } => rules::replace(object, *direction, old, new),
            Edit::Nets { of, add, remove } => nets::change(object, of, add, remove),
            Edit::ServiceType { expected, kind, node_ports, address } => {
                service::set_type(object, expected, kind, node_ports)?;
                service::ask_for(object, address.as_deref())
            }
            Edit::Advertise { list, cidr, on } => advertise::set(object, list, cidr, *on),
            // Whole objects: `apply` has dealt with them.
            Edit::Create(_) | Edit::Restore { .. } | Edit::Delete | Edit::DeleteIfEmpty => Ok(()),
        }
    }
}

/// Adds rules before the first one that could stop or log what they let through.
fn add_rules(object: &mut Value, direction: Direction, rules: &[RuleSpec]) -> Result<(), EditError> {
    if !has_type(object, direction) {
        return Err(EditError::Isolates(direction));
    }
    let list = rule_list(object, direction)?;
    for rule in rules {
        let anchor = list.iter().position(|rule| !is_allow(rule)).unwrap_or(list.len());
        // An Allow behind a Deny may never be reached, so only one before the anchor counts; the place of a Log counts less.
        let reached = if rule.action == "Allow" { anchor } else { list.len() };
        let written = serde_json::to_value(rule).map_err(|_| EditError::Malformed("the new rule".into()))?;
        if !list[..reached].iter().any(|there| read_rule(there).as_ref() == Some(rule)) {
            list.insert(anchor, written);
        }
    }
    Ok(())
}

fn remove_rules(object: &mut Value, direction: Direction, goes: impl Fn(&Value) -> bool) -> Result<(), EditError> {
    let key = direction.to_string();
    if !spec(object)?.contains_key(&key) {
        return Ok(());
    }
    let list = rule_list(object, direction)?;
    let before = list.len();
    list.retain(|rule| !goes(rule));
    // A list that this emptied goes; one that was written empty stays as its author wrote it.
    if list.is_empty() && before > 0 {
        spec(object)?.remove(&key);
    }
    Ok(())
}

fn annotate(object: &mut Value, key: &str, value: Option<&str>) -> Result<(), EditError> {
    let metadata = child(object, "metadata")?;
    match value {
        Some(value) => {
            let annotations = child_of(metadata, "annotations")?;
            annotations.insert(key.to_string(), Value::from(value));
        }
        None => {
            let emptied = match metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                Some(annotations) => annotations.remove(key).is_some() && annotations.is_empty(),
                None => false,
            };
            if emptied {
                metadata.remove("annotations");
            }
        }
    }
    Ok(())
}

fn set_spec(object: &mut Value, field: &str, expected: &Value, value: &Value) -> Result<(), EditError> {
    let spec = spec(object)?;
    let now = spec.get(field).cloned().unwrap_or(Value::Null);
    if restore::same_value(&now, value) {
        return Ok(());
    }
    if !restore::same_value(&now, expected) {
        return Err(EditError::Changed(format!("spec.{field}")));
    }
    match value {
        Value::Null => spec.remove(field),
        value => spec.insert(field.to_string(), value.clone()),
    };
    Ok(())
}

/// Whether an object that is there can stand for one that was to be made: the same, with all of its rules; others' rules
/// and grants are no obstacle.
fn same_frame(new: &Value, there: &Value) -> bool {
    let frame = |object: &Value| -> Option<PolicySpec> {
        let spec: PolicySpec = serde_json::from_value(object.get("spec")?.clone()).ok()?;
        let tier = spec.tier.filter(|tier| tier != "default");
        Some(PolicySpec { tier, ingress: Vec::new(), egress: Vec::new(), ..spec })
    };
    let role = |object: &Value| object.pointer("/metadata/annotations")?.get(ROLE).cloned();
    let rules = |object: &Value, key: &str| -> Vec<RuleSpec> {
        let list = object.get("spec").and_then(|spec| spec.get(key)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(read_rule).collect()
    };
    let holds = |key: &str| {
        let there = rules(there, key);
        rules(new, key).iter().all(|rule| there.contains(rule))
    };
    let is_policy = new.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("NetworkPolicy"));
    if !is_policy {
        // A host endpoint or a set says all in its spec.
        return role(new).is_some() && role(new) == role(there) && new.get("spec") == there.get("spec");
    }
    let same_role = role(new).is_some() && role(new) == role(there);
    same_role && frame(new).is_some() && frame(new) == frame(there) && holds("ingress") && holds("egress")
}

/// Whether a policy holds neither rules nor grants.
fn is_empty(object: &Value) -> bool {
    let rules = |key: &str| object.get("spec").and_then(|spec| spec.get(key)).and_then(Value::as_array);
    let no_rules = ["ingress", "egress"].iter().all(|key| rules(key).is_none_or(Vec::is_empty));
    let annotations = object.pointer("/metadata/annotations").and_then(Value::as_object);
    let notes = [format!("{GRANT}-"), format!("{REVOKED}-")];
    let is_grant = |key: &String| notes.iter().any(|prefix| key.starts_with(prefix));
    no_rules && !annotations.is_some_and(|annotations| annotations.keys().any(is_grant))
}

fn has_type(object: &Value, direction: Direction) -> bool {
    let types = object.pointer("/spec/types").and_then(Value::as_array);
    let word = direction.to_string();
    types.is_some_and(|types| types.iter().any(|t| t.as_str().is_some_and(|t| t.eq_ignore_ascii_case(&word))))
}

fn is_allow(rule: &Value) -> bool {
    rule.get("action").and_then(Value::as_str).is_some_and(|action| action.eq_ignore_ascii_case("allow"))
}

fn grant_of(rule: &Value) -> Option<&str> {
    rule.pointer("/metadata/annotations")?.get(GRANT)?.as_str()
}

fn read_rule(rule: &Value) -> Option<RuleSpec> {
    serde_json::from_value(rule.clone()).ok()
}

fn spec(object: &mut Value) -> Result<&mut Map<String, Value>, EditError> {
    child(object, "spec")
}

fn rule_list(object: &mut Value, direction: Direction) -> Result<&mut Vec<Value>, EditError> {
    let key = direction.to_string();
    let list = spec(object)?.entry(key.clone()).or_insert(Value::Null);
    if list.is_null() {
        *list = Value::Array(Vec::new());
    }
    list.as_array_mut().ok_or_else(|| EditError::Malformed(format!("spec.{key}")))
}

fn child<'a>(object: &'a mut Value, key: &str) -> Result<&'a mut Map<String, Value>, EditError> {
    let object = object.as_object_mut().ok_or_else(|| EditError::Malformed("the object".into()))?;
    child_of(object, key)
}

fn child_of<'a>(object: &'a mut Map<String, Value>, key: &str) -> Result<&'a mut Map<String, Value>, EditError> {
    let child = object.entry(key).or_insert(Value::Null);
    if child.is_null() {
        *child = Value::Object(Map::new());
    }
    child.as_object_mut().ok_or_else(|| EditError::Malformed(key.to_string()))
}

#[cfg(test)]
mod tests;
