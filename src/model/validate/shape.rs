//! The fields that each kind has and the types of their values, as the schemas of Calico's CRDs have them.
//! Never knows which values are right.

use serde_json::Value;

use super::duration::is_duration;
use super::{Check, Kind, settings, show};

pub(super) enum Shape {
    Text,
    /// As Go writes it: `1m30s`.
    Duration,
    Flag,
    Whole,
    Number,
    WholeOrText,
    /// Any value: what Kubernetes itself checks.
    Any,
    TextByKey,
    List(&'static Shape),
    Fields(&'static [(&'static str, Shape)]),
}

const TEXTS: Shape = Shape::List(&Shape::Text);

/// Kubernetes' ObjectMeta.
const METADATA: Shape = Shape::Fields(&[
    ("name", Shape::Text),
    ("generateName", Shape::Text),
    ("namespace", Shape::Text),
    ("labels", Shape::TextByKey),
    ("annotations", Shape::TextByKey),
    ("uid", Shape::Text),
    ("resourceVersion", Shape::Text),
    ("generation", Shape::Whole),
    ("creationTimestamp", Shape::Text),
    ("deletionTimestamp", Shape::Text),
    ("deletionGracePeriodSeconds", Shape::Whole),
    ("selfLink", Shape::Text),
    ("finalizers", TEXTS),
    ("ownerReferences", Shape::List(&Shape::Any)),
    ("managedFields", Shape::List(&Shape::Any)),
]);

const ICMP: Shape = Shape::Fields(&[("type", Shape::Whole), ("code", Shape::Whole)]);

const ENTITY: Shape = Shape::Fields(&[
    ("nets", TEXTS),
    ("notNets", TEXTS),
    ("selector", Shape::Text),
    ("notSelector", Shape::Text),
    ("namespaceSelector", Shape::Text),
    ("ports", Shape::List(&Shape::WholeOrText)),
    ("notPorts", Shape::List(&Shape::WholeOrText)),
    ("services", Shape::Fields(&[("name", Shape::Text), ("namespace", Shape::Text)])),
    ("serviceAccounts", Shape::Fields(&[("names", TEXTS), ("selector", Shape::Text)])),
]);

const RULE: Shape = Shape::Fields(&[
    ("action", Shape::Text),
    ("ipVersion", Shape::Whole),
    ("protocol", Shape::WholeOrText),
    ("notProtocol", Shape::WholeOrText),
    ("icmp", ICMP),
    ("notICMP", ICMP),
    ("source", ENTITY),
    ("destination", ENTITY),
    (
        "http",
        Shape::Fields(&[
            ("methods", TEXTS),
            ("paths", Shape::List(&Shape::Fields(&[("exact", Shape::Text), ("prefix", Shape::Text)]))),
        ]),
    ),
    ("metadata", Shape::Fields(&[("annotations", Shape::TextByKey)])),
]);

/// What all four kinds of Calico's own policies have.
const POLICY: &[(&str, Shape)] = &[
    ("tier", Shape::Text),
    ("order", Shape::Number),
    ("selector", Shape::Text),
    ("serviceAccountSelector", Shape::Text),
    ("types", TEXTS),
    ("ingress", Shape::List(&RULE)),
    ("egress", Shape::List(&RULE)),
    ("performanceHints", TEXTS),
];

const GLOBAL_POLICY: &[(&str, Shape)] = &[
    ("namespaceSelector", Shape::Text),
    ("doNotTrack", Shape::Flag),
    ("preDNAT", Shape::Flag),
    ("applyOnForward", Shape::Flag),
];

const STAGED: &[(&str, Shape)] = &[("stagedAction", Shape::Text)];

const STAGED_KUBERNETES: &[(&str, Shape)] = &[
    ("podSelector", Shape::Any),
    ("ingress", Shape::List(&Shape::Any)),
    ("egress", Shape::List(&Shape::Any)),
    ("policyTypes", TEXTS),
];

const NETWORK_SET: &[(&str, Shape)] = &[("nets", TEXTS)];

const HOST_ENDPOINT: &[(&str, Shape)] = &[
    ("node", Shape::Text),
    ("interfaceName", Shape::Text),
    ("expectedIPs", TEXTS),
    ("profiles", TEXTS),
    (
        "ports",
        Shape::List(&Shape::Fields(&[("name", Shape::Text), ("protocol", Shape::WholeOrText), ("port", Shape::Whole)])),
    ),
];

const TIER: &[(&str, Shape)] = &[("order", Shape::Number), ("defaultAction", Shape::Text)];

type Fields = &'static [(&'static str, Shape)];

fn spec(kind: Kind) -> &'static [Fields] {
    match kind {
        Kind::GlobalNetworkPolicy => &[POLICY, GLOBAL_POLICY],
        Kind::NetworkPolicy => &[POLICY],
        Kind::StagedGlobalNetworkPolicy => &[POLICY, GLOBAL_POLICY, STAGED],
        Kind::StagedNetworkPolicy => &[POLICY, STAGED],
        Kind::StagedKubernetesNetworkPolicy => &[STAGED_KUBERNETES, STAGED],
        Kind::GlobalNetworkSet | Kind::NetworkSet => &[NETWORK_SET],
        Kind::HostEndpoint => &[HOST_ENDPOINT],
        Kind::Tier => &[TIER],
        Kind::Profile => &[PROFILE],
        _ => &[],
    }
}

const PROFILE: &[(&str, Shape)] =
    &[("ingress", Shape::List(&RULE)), ("egress", Shape::List(&RULE)), ("labelsToApply", Shape::TextByKey)];

/// The spec of a kind that configures Calico. Each release adds fields, so that one which is not known is an error only
/// where the release is so old that all are.
fn check_settings(check: &mut Check, path: &str, value: &Value, known: Fields) {
    let Some(fields) = value.as_object() else { return walk_fields(check, path, value, &[known]) };
    let all_are_known = check.version.is_some_and(|version| !version.at_least(3, 29));
    for (name, value) in fields {
        let path = format!("{path}.{name}");
        let of_felix = || settings::felix_plain(name).filter(|_| check.kind == Kind::FelixConfiguration);
        match known.iter().find(|(field, _)| field == name).map(|(_, shape)| shape).or_else(of_felix) {
            Some(shape) => walk(check, &path, value, shape),
            None if all_are_known => check.refuse(path, unknown(name, &[known])),
            None => {}
        }
    }
}

/// Unknown fields and values of the wrong type. The API server of a cluster that stores Calico's objects as custom
/// resources leaves the former out without a word, so a policy would mean something else than it says.
pub(super) fn check(check: &mut Check, object: &Value) {
    let Value::Object(fields) = object else { return };
    for (field, value) in fields {
        match field.as_str() {
            "apiVersion" | "kind" => walk(check, field, value, &Shape::Text),
            "metadata" => walk(check, field, value, &METADATA),
            "spec" => match settings::spec(check.kind) {
                Some(known) => check_settings(check, field, value, known),
                None => walk_fields(check, field, value, spec(check.kind)),
            },
            // A Tier has a status from 3.32 on, which is not ours to write.
            "status" => {}
            _ => check.refuse(field, unknown(field, &[])),
        }
    }
}

fn walk(check: &mut Check, path: &str, value: &Value, shape: &Shape) {
    let expected = match (shape, value) {
        // null is a field that is not set.
        (_, Value::Null) | (Shape::Any, _) | (Shape::Text, Value::String(_)) | (Shape::Flag, Value::Bool(_)) => return,
        (Shape::Whole | Shape::WholeOrText, Value::Number(number)) if number.is_i64() => return,
        (Shape::Number, Value::Number(_)) | (Shape::WholeOrText, Value::String(_)) => return,
        (Shape::TextByKey, Value::Object(entries)) => {
            return entries.iter().for_each(|(key, value)| walk(check, &format!("{path}[{key}]"), value, &Shape::Text));
        }
        (Shape::List(of), Value::Array(items)) => {
            return items
                .iter()
                .enumerate()
                .for_each(|(index, item)| walk(check, &format!("{path}[{index}]"), item, of));
        }
        (Shape::Fields(fields), _) => return walk_fields(check, path, value, &[fields]),
        (Shape::Duration, Value::String(text)) if is_duration(text) => return,
        (Shape::Duration, _) => "a duration, as 1m30s",
        (Shape::Text, _) => "text",
        (Shape::Flag, _) => "true or false",
        (Shape::Whole, _) => "a whole number",
        (Shape::Number, _) => "a number",
        (Shape::WholeOrText, _) => "a whole number or text",
        (Shape::TextByKey, _) => "text by key",
        (Shape::List(_), _) => "a list",
    };
    check.refuse(path, format!("{} must be {expected}", show(value)));
}

fn walk_fields(check: &mut Check, path: &str, value: &Value, known: &[&[(&'static str, Shape)]]) {
    let fields = match value {
        Value::Object(fields) => fields,
        Value::Null => return,
        _ => return check.refuse(path, format!("{} must be an object with fields", show(value))),
    };
    for (name, value) in fields {
        let path = format!("{path}.{name}");
        match known.iter().copied().flatten().find(|(field, _)| field == name) {
            Some((_, shape)) => walk(check, &path, value, shape),
            None => check.refuse(path, unknown(name, known)),
        }
    }
}

/// What is said of a field that Calico does not have.
pub(super) const NO_FIELD: &str = "is no field of this";

fn unknown(name: &str, known: &[&[(&'static str, Shape)]]) -> String {
    let similar = known.iter().copied().flatten().find(|(field, _)| field.eq_ignore_ascii_case(name));
    let instead = similar.map(|(field, _)| format!("; it is spelled {field}")).unwrap_or_default();
    format!("{name} {NO_FIELD}: the API server would leave it out{instead}")
}
