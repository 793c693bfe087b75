//! Takes a change of an object back and leaves what others did since then.
//! Never knows which command made the change.

mod lists;

use serde_json::{Map, Value};

use super::edit::EditError;
use super::roles::ALLOW;
use crate::kubernetes::names::{GRANT, ROLE};
use crate::model::spec::{PolicySpec, RuleSpec};
use lists::{Merged, merged};

/// What the API server sets by itself; it never makes two objects different.
const SERVER_FIELDS: [&str; 7] =
    ["resourceVersion", "uid", "generation", "creationTimestamp", "managedFields", "selfLink", "deletionTimestamp"];

/// How far a change came that wrote an object several times: what it was to become, or one of what it was on the way. What
/// is there although it was to be gone was altered by somebody before that.
pub(super) fn reached<'v>(current: Option<&Value>, after: &'v Value, passed: &'v [Value]) -> &'v Value {
    let is = |state: &&Value| current.is_some_and(|current| same(current, state));
    let was = || passed.first().filter(|_| current.is_some() && after.is_null());
    passed.iter().find(is).or_else(was).unwrap_or(after)
}

/// The object with the change from `before` to `after` taken back. Null stands for an object that is not there. What
/// somebody changed since of what the change made is an error, unless it is put back by force.
pub(super) fn restore(
    current: Option<&Value>,
    after: &Value,
    before: &Value,
    force: bool,
) -> Result<Option<Value>, EditError> {
    let refused = |error: EditError, forced: Option<Value>| if force { Ok(forced) } else { Err(error) };
    match (current, after.is_null(), before.is_null()) {
        (None, _, true) => Ok(None),
        (None, true, false) => Ok(Some(without_server_fields(before))),
        (None, false, false) => refused(EditError::Missing, Some(without_server_fields(before))),
        (Some(current), true, _) if same(current, before) => Ok(Some(current.clone())),
        (Some(current), true, _) => refused(EditError::Exists, Some(with_server_fields(before, current))),
        (Some(current), false, true) => {
            let (left, trampled) = take_back_creation(current, after)?;
            if trampled.is_empty() { Ok(left) } else { refused(EditError::Changed(trampled.join(", ")), left) }
        }
        (Some(current), false, false) if same(current, after) => Ok(Some(with_server_fields(before, current))),
        (Some(current), false, false) => {
            let mut object = current.clone();
            let trampled = take_back(&mut object, after, before)?;
            if trampled.is_empty() {
                Ok(Some(object))
            } else {
                refused(EditError::Changed(trampled.join(", ")), Some(object))
            }
        }
    }
}

/// What somebody changed since of what the change from `before` to `after` made, in words; nothing where it can be taken
/// back.
pub(super) fn trampled(current: Option<&Value>, after: &Value, before: &Value) -> Vec<String> {
    match restore(current, after, before, false) {
        Ok(_) => Vec::new(),
        Err(EditError::Missing) => vec!["it was deleted".into()],
        Err(EditError::Exists) => vec!["it was made anew, and says something else".into()],
        Err(EditError::Changed(fields)) => vec![format!("{fields} was changed")],
        Err(error) => vec![error.to_string()],
    }
}

/// An annotation of an object.
pub(super) fn annotation<'v>(object: &'v Value, key: &str) -> Option<&'v str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

/// Whether two objects say the same, whatever the API server added and however defaults are written.
pub fn same(one: &Value, other: &Value) -> bool {
    normal(one) == normal(other)
}

/// Whether two values of a spec say the same: numbers by value, and null as what is not there.
pub(super) fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_rule(one, other))
        }
        (one, other) => one == other,
    }
}

/// Rules are compared by what they say; anything else as it is written.
fn same_rule(one: &Value, other: &Value) -> bool {
    let read = |value: &Value| match value {
        Value::Object(_) => serde_json::from_value::<RuleSpec>(value.clone()).ok(),
        _ => None,
    };
    one == other || read(one).is_some_and(|rule| Some(rule) == read(other))
}

/// A new object goes. From a policy that `allow` shares only what it was made with goes, as others' grants stand on the
/// rest; anything else that somebody changed since is trampled.
fn take_back_creation(current: &Value, after: &Value) -> Result<(Option<Value>, Vec<String>), EditError> {
    if same(current, after) {
        return Ok((None, Vec::new()));
    }
    if annotation(after, ROLE) != Some(ALLOW) {
        return Ok((None, vec![differing(current, after)]));
    }
    let mut frame = without_server_fields(after);
    if let Some(spec) = frame.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("ingress");
        spec.remove("egress");
    }
    if let Some(annotations) = frame.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.retain(|key, _| !key.starts_with(&format!("{GRANT}-")));
    }
    let mut object = current.clone();
    let trampled = take_back(&mut object, after, &frame)?;
    Ok(((!same(&object, &frame)).then_some(object), trampled))
}

/// Where two objects differ, by their fields.
fn differing(one: &Value, other: &Value) -> String {
    let (one, other) = (normal(one), normal(other));
    let mut fields = Vec::new();
    for part in ["metadata", "spec"] {
        let none = Map::new();
        let of = |value: &'_ Value| value.get(part).and_then(Value::as_object).cloned().unwrap_or_else(|| none.clone());
        let (one, other) = (of(&one), of(&other));
        let keys = one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)));
        fields.extend(keys.filter(|key| one.get(*key) != other.get(*key)).map(|key| format!("{part}.{key}")));
    }
    fields.join(", ")
}

/// Takes every field back, and gives those that somebody changed since.
fn take_back(object: &mut Value, after: &Value, before: &Value) -> Result<Vec<String>, EditError> {
    let (after, before) = (normal(after), normal(before));
    let mut trampled = Vec::new();
    for path in ["labels", "annotations"] {
        let pointer = format!("/metadata/{path}");
        let entries = |value: &Value| value.pointer(&pointer).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut now = entries(object);
        let place = pointer[1..].replace('/', ".");
        trampled.extend(take_back_entries(&mut now, &entries(&after), &entries(&before), &place));
        let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
        let metadata = metadata.ok_or_else(|| EditError::Malformed("metadata".into()))?;
        match now.is_empty() {
            true => metadata.remove(path),
            false => metadata.insert(path.to_string(), Value::Object(now)),
        };
    }
    let entries = |value: &Value| value.get("spec").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut spec = entries(object);
    trampled.extend(take_back_entries(&mut spec, &entries(&after), &entries(&before), "spec"));
    if let Some(object) = object.as_object_mut() {
        object.insert("spec".into(), Value::Object(spec));
    }
    Ok(trampled)
}

/// Every entry that the change made different becomes as it was; those that somebody else changed since are named.
fn take_back_entries(
    now: &mut Map<String, Value>,
    after: &Map<String, Value>,
    before: &Map<String, Value>,
    path: &str,
) -> Vec<String> {
    let (null, mut trampled) = (Value::Null, Vec::new());
    for key in after.keys().chain(before.keys().filter(|key| !after.contains_key(*key))) {
        let (was, made) = (before.get(key).unwrap_or(&null), after.get(key).unwrap_or(&null));
        let is = now.get(key).cloned().unwrap_or(Value::Null);
        if same_value(was, made) || same_value(&is, was) {
            continue;
        }
        let value = if same_value(&is, made) { Merged::clean(was.clone()) } else { merged(&is, made, was) };
        if value.trampled {
            trampled.push(format!("{path}.{key}"));
        }
        match value.value {
            Value::Null => now.remove(key),
            value => now.insert(key.clone(), value),
        };
    }
    trampled
}

/// An object as it was, ready to replace what is there now.
fn with_server_fields(object: &Value, current: &Value) -> Value {
    let mut object = without_server_fields(object);
    let fields = current.get("metadata").and_then(Value::as_object).into_iter().flatten();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.extend(fields.filter(|(key, _)| SERVER_FIELDS.contains(&key.as_str())).map(clone_entry));
    }
    object
}

fn without_server_fields(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| !SERVER_FIELDS.contains(&key.as_str()));
    }
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
    }
    object
}

/// One form for all ways of writing the same object.
fn normal(object: &Value) -> Value {
    let mut object = without_server_fields(object);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, value| !value.is_null() && value.as_object().is_none_or(|map| !map.is_empty()));
    }
    let is_policy = object.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("NetworkPolicy"));
    if is_policy && let Some(spec) = object.get_mut("spec") {
        *spec = normal_spec(spec);
    }
    object
}

/// Fields that this program does not know stay as they are.
fn normal_spec(spec: &Value) -> Value {
    let read = serde_json::from_value::<PolicySpec>(spec.clone()).ok();
    let (Some(read), Some(fields)) = (read, spec.as_object()) else { return spec.clone() };
    let everything = PolicySpec {
        tier: Some("default".into()),
        order: Some(0.0),
        selector: "x".into(),
        namespace_selector: "x".into(),
        service_account_selector: "x".into(),
        types: vec!["x".into()],
        ingress: vec![RuleSpec::default()],
        egress: vec![RuleSpec::default()],
        do_not_track: true,
        pre_dnat: true,
        apply_on_forward: true,
        staged_action: Some("x".into()),
    };
    let fields_of = |spec: &PolicySpec| match serde_json::to_value(spec) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let known = fields_of(&everything);
    let mut normal: Map<String, Value> =
        fields.iter().filter(|(key, value)| !known.contains_key(*key) && !value.is_null()).map(clone_entry).collect();
    normal.extend(fields_of(&PolicySpec { tier: Some(read.tier.clone().unwrap_or_else(|| "default".into())), ..read }));
    Value::Object(normal)
}

fn clone_entry((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}
