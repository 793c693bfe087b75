//! Calico's objects as the API server stores them, and back: crd.projectcalico.org/v1 to projectcalico.org/v3 form.
//! Never knows how objects are read or written, and never what a policy means.

use serde_json::{Map, Value, json};

use super::names::{CALICO_CRD_GROUP, CALICO_METADATA, Kind, TIER_LABEL};
use crate::findings::{self, Code};
use crate::model::world::Version;

/// How the API server keeps Calico's objects. Other shapes come here: the aggregated API, native v3 resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// crd.projectcalico.org/v1, with this version's names.
    Crd(Option<Version>),
    /// projectcalico.org/v3: nothing to convert.
    V3,
}

/// An object in v3 form.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The object with apiVersion projectcalico.org/v3.
    pub value: Value,
    /// The name under which it is stored.
    pub stored_name: String,
    /// What a reader should know, as a metadata annotation that wins over labels: the finding's code, and what exactly.
    pub notices: Vec<(Code, String)>,
}

/// The apiVersion of Calico's documented form.
pub const V3: &str = "projectcalico.org/v3";
/// The apiVersion of Calico's custom resources.
pub const CRD_V1: &str = "crd.projectcalico.org/v1";

/// What a server sets by itself on an object, and what is of no use in another API group: a v3 UID is not the custom
/// resource's (libcalico-go reverses its bits since 3.28).
const OF_THE_SERVER: [&str; 4] = ["uid", "managedFields", "generation", "selfLink"];

/// From the stored form; objects that are in v3 form already stay as they are, with `spec.types` as the v3 API would set
/// it. A stored policy without `spec.types` keeps none, as Felix enforces both directions then. The error says why
/// Calico cannot read the object.
pub fn to_v3(kind: Kind, stored: Value, version: Option<Version>) -> Result<Converted, String> {
    let Value::Object(mut object) = stored else { return Err("it is not an object".into()) };
    let is_v3 = text(&object, "apiVersion").is_some_and(|api_version| api_version == V3);
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else { return Err("it has no metadata".into()) };
    let name = text(metadata, "name").unwrap_or_default().to_string();
    if !kind.is_calico() {
        return Ok(Converted { value: object.into(), stored_name: name, notices: Vec::new() });
    }
    if is_v3 {
        let stored_name = stored_name(kind, &name, version);
        if is_tiered(kind) {
            set_types(&mut object, None);
        }
        return Ok(Converted { value: object.into(), stored_name, notices: Vec::new() });
    }
    let mut notices = Vec::new();
    let annotation = take_annotation(metadata)?;
    let v3_name = match is_tiered(kind) {
        true => v3_name(&name, annotation.as_ref(), version),
        false => name.clone(),
    };
    let looked_up = stored_name(kind, &v3_name, version);
    if looked_up != name {
        let which = if version.is_none() { " up to 3.31" } else { "" };
        let detail = format!("it is stored as {name}, and calicoctl{which} looks for {looked_up}");
        notices.push((findings::NAME_UNUSUAL, detail));
    }
    if let Some(annotation) = annotation {
        merge_metadata(metadata, annotation, &mut notices);
    }
    for field in OF_THE_SERVER {
        metadata.remove(field);
    }
    metadata.insert("name".into(), v3_name.into());
    object.insert("apiVersion".into(), V3.into());
    object.entry("kind").or_insert_with(|| kind.to_string().into());
    Ok(Converted { value: object.into(), stored_name: name, notices })
}

/// To the stored form; `current` is the object as it is stored now, whose name and whose fields that v3 does not know are
/// kept. An object that is stored without Calico's metadata annotation stays so: every version of Calico then takes
/// the object's own labels and annotations.
pub fn to_stored(kind: Kind, v3: &Value, current: Option<&Value>, shape: Shape) -> Value {
    let (Shape::Crd(version), true, Value::Object(wanted)) = (shape, kind.is_calico(), v3) else { return v3.clone() };
    let current = current.and_then(Value::as_object);
    let mut object = current.cloned().unwrap_or_default();
    object.insert("apiVersion".into(), CRD_V1.into());
    object.insert("kind".into(), kind.to_string().into());
    for (field, value) in wanted {
        if !matches!(field.as_str(), "apiVersion" | "kind" | "metadata" | "status") {
            object.insert(field.clone(), value.clone());
        }
    }
    keep_unknown(kind, &mut object, current);
    if is_tiered(kind) {
        set_types(&mut object, current);
        set_tier(&mut object, version);
    }
    let metadata = wanted.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    let tier = tier_of(&object).to_string();
    object.insert("metadata".into(), stored_metadata(kind, metadata, current, &tier, version).into());
    object.into()
}

/// The name under which a policy is stored: up to 3.28 always with `default.` in front, from 3.29 with its tier's name,
/// from 3.32 as it is. Other kinds are stored under their own names.
pub fn stored_name(kind: Kind, name: &str, version: Option<Version>) -> String {
    let formed = ["knp.", "ossg.", "kanp.", "kbanp.", "kcnp."].iter().any(|prefix| name.starts_with(prefix));
    if !is_tiered(kind) || formed || version.is_some_and(|version| version.at_least(3, 32)) {
        return name.to_string();
    }
    // Where the version is not known, a name with a dot is taken to carry its tier: 3.28 allows no dot in a
    // GlobalNetworkPolicy's name.
    let carries_tier = name.contains('.') && version.is_none_or(|version| version.at_least(3, 29));
    if carries_tier { name.to_string() } else { format!("default.{name}") }
}

/// Whether the kind's objects are in a tier, which is what makes stored names differ.
pub fn is_tiered(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::GlobalNetworkPolicy | Kind::NetworkPolicy | Kind::StagedGlobalNetworkPolicy | Kind::StagedNetworkPolicy
    )
}

/// Whether an apiVersion is one of Calico's two groups.
pub fn is_calico_group(api_version: &str) -> bool {
    let group = api_version.split_once('/').map_or(api_version, |(group, _)| group);
    group == super::names::CALICO_GROUP || group == CALICO_CRD_GROUP
}

/// libcalico-go's names on reading: the first part always goes up to 3.28, only `default.` in 3.29; from 3.29.4 the
/// metadata annotation tells the name, and an object without one keeps its stored name.
fn v3_name(name: &str, annotation: Option<&Map<String, Value>>, version: Option<Version>) -> String {
    if ["knp.", "ossg."].iter().any(|prefix| name.starts_with(prefix)) {
        return name.to_string();
    }
    let bare = name.strip_prefix("default.").unwrap_or(name);
    match version {
        Some(version) if !version.at_least(3, 29) => name.split_once('.').map_or(name, |(_, rest)| rest).to_string(),
        Some(version) if !names_in_annotation(version) => bare.to_string(),
        Some(_) if annotation.is_none() => name.to_string(),
        _ => annotation.and_then(|annotation| text(annotation, "name")).unwrap_or(bare).to_string(),
    }
}

/// Whether this version keeps a policy's v3 name in the metadata annotation.
fn names_in_annotation(version: Version) -> bool {
    version >= Version { major: 3, minor: 29, patch: 4 }
}

/// Calico's own metadata, taken off the object.
fn take_annotation(metadata: &mut Map<String, Value>) -> Result<Option<Map<String, Value>>, String> {
    let Some(Value::Object(annotations)) = metadata.get_mut("annotations") else { return Ok(None) };
    let Some(annotation) = annotations.remove(CALICO_METADATA) else { return Ok(None) };
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
    let unreadable = |reason: String| format!("metadata.annotations[{CALICO_METADATA}] cannot be read: {reason}");
    let annotation = annotation.as_str().ok_or_else(|| unreadable("it is not text".into()))?;
    serde_json::from_str(annotation).map(Some).map_err(|error| unreadable(error.to_string()))
}

/// Labels and annotations of both, where Calico's own win; owners and finalizers of both; the rest is Calico's own.
fn merge_metadata(metadata: &mut Map<String, Value>, own: Map<String, Value>, notices: &mut Vec<(Code, String)>) {
    for (field, value) in own {
        match (field.as_str(), value) {
            ("name" | "namespace" | "resourceVersion" | "uid", _) | (_, Value::Null) => {}
            ("labels" | "annotations", Value::Object(entries)) => {
                let target = metadata.entry(field.clone()).or_insert_with(|| json!({}));
                let Some(target) = target.as_object_mut() else { continue };
                for (key, value) in entries {
                    let hidden = target.insert(key.clone(), value.clone()).filter(|hidden| *hidden != value);
                    if let Some(hidden) = hidden.filter(|_| !key.starts_with("kubectl.kubernetes.io/")) {
                        let detail = format!("metadata.{field}[{key}] is {hidden}, but Calico uses {value}");
                        notices.push((findings::METADATA_STALE, detail));
                    }
                }
            }
            ("ownerReferences" | "finalizers", Value::Array(entries)) => {
                let target = metadata.entry(field).or_insert_with(|| json!([]));
                let Some(target) = target.as_array_mut() else { continue };
                for mut entry in entries {
                    if entry.get("apiVersion").is_some_and(|api_version| api_version == CRD_V1) {
                        entry["apiVersion"] = V3.into();
                    }
                    if !target.contains(&entry) {
                        target.push(entry);
                    }
                }
            }
            (_, value) => {
                metadata.insert(field, value);
            }
        }
    }
}

/// The metadata as calicoctl writes it.
fn stored_metadata(
    kind: Kind,
    mut wanted: Map<String, Value>,
    current: Option<&Map<String, Value>>,
    tier: &str,
    version: Option<Version>,
) -> Map<String, Value> {
    let v3_name = text(&wanted, "name").unwrap_or_default().to_string();
    let now = current.and_then(|current| current.get("metadata")).and_then(Value::as_object);
    let mut metadata = now.cloned().unwrap_or_default();
    let name = now.and_then(|now| text(now, "name")).map(str::to_string);
    metadata.insert("name".into(), name.unwrap_or_else(|| stored_name(kind, &v3_name, version)).into());
    metadata.remove("managedFields");
    for field in ["namespace", "resourceVersion"] {
        metadata.remove(field);
        metadata.extend(wanted.remove_entry(field));
    }
    if is_tiered(kind) && tier != "default" && version.is_some_and(|version| version.at_least(3, 29)) {
        // calicoctl finds a tier's policies by this label; without it they count as the default tier's.
        let labels = wanted.entry("labels").or_insert_with(|| json!({}));
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(TIER_LABEL.into(), tier.into());
        }
    }
    let annotation = now.map(|now| take_annotation(&mut now.clone()).ok().flatten());
    let (labels, annotations) = (entries(&mut wanted, "labels"), entries(&mut wanted, "annotations"));
    let own = match annotation {
        // Stored by hand, without Calico's annotation: the object's own labels and annotations count, and go on to.
        Some(None) => None,
        Some(Some(own)) => Some(own),
        None => Some(wanted.clone()),
    };
    let Some(mut own) = own else {
        put_entries(&mut metadata, "labels", labels);
        put_entries(&mut metadata, "annotations", annotations);
        return metadata;
    };
    for field in OF_THE_SERVER.iter().chain(&["name", "namespace", "resourceVersion", "deletionTimestamp"]) {
        own.remove(*field);
    }
    own.entry("creationTimestamp").or_insert(Value::Null);
    put_entries(&mut own, "labels", labels.clone());
    put_entries(&mut own, "annotations", annotations.clone());
    if is_tiered(kind) && version.is_some_and(names_in_annotation) {
        own.insert("name".into(), v3_name.into());
    }
    // On the object itself only Calico's own stay: whatever else stood there would come back into what Calico reads.
    let keeps = version.is_none_or(|version| version.at_least(3, 28));
    let kept = |entries: Map<String, Value>| entries.into_iter().filter(|(key, _)| keeps && is_calicos(key)).collect();
    put_entries(&mut metadata, "labels", kept(labels));
    let mut annotations: Map<String, Value> = kept(annotations);
    annotations.insert(CALICO_METADATA.into(), Value::Object(own).to_string().into());
    put_entries(&mut metadata, "annotations", annotations);
    metadata
}

fn is_calicos(key: &str) -> bool {
    key.contains("projectcalico.org/") || key.contains("operator.tigera.io/")
}

fn entries(metadata: &mut Map<String, Value>, field: &str) -> Map<String, Value> {
    match metadata.remove(field) {
        Some(Value::Object(entries)) => entries,
        _ => Map::new(),
    }
}

fn put_entries(metadata: &mut Map<String, Value>, field: &str, entries: Map<String, Value>) {
    metadata.remove(field);
    if !entries.is_empty() {
        metadata.insert(field.into(), entries.into());
    }
}

fn text<'a>(object: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    object.get(field).and_then(Value::as_str)
}

fn tier_of(object: &Map<String, Value>) -> &str {
    let tier = object.get("spec").and_then(|spec| spec.get("tier")).and_then(Value::as_str);
    tier.filter(|tier| !tier.is_empty()).unwrap_or("default")
}

/// Whether a list of a spec has entries.
fn has_entries(spec: &Map<String, Value>, field: &str) -> bool {
    spec.get(field).and_then(Value::as_array).is_some_and(|entries| !entries.is_empty())
}

/// The directions of a v3 policy without `types`: Egress only with egress rules, Ingress unless there are only those.
pub fn default_types(spec: &Map<String, Value>) -> Value {
    match (has_entries(spec, "ingress"), has_entries(spec, "egress")) {
        (_, false) => json!(["Ingress"]),
        (false, true) => json!(["Egress"]),
        (true, true) => json!(["Ingress", "Egress"]),
    }
}

/// Writes `types` where it is not set: both where `current` has none, since Felix enforces both then.
fn set_types(object: &mut Map<String, Value>, current: Option<&Map<String, Value>>) {
    let now = current.and_then(|current| current.get("spec")).and_then(Value::as_object);
    let spec = object.entry("spec").or_insert_with(|| json!({}));
    if spec.is_null() {
        *spec = json!({});
    }
    let Some(spec) = spec.as_object_mut().filter(|spec| !has_entries(spec, "types")) else { return };
    // A staged policy that deletes another one may have no field but its tier.
    if text(spec, "stagedAction") == Some("Delete") {
        return;
    }
    let types = match now {
        Some(now) if !has_entries(now, "types") => json!(["Ingress", "Egress"]),
        _ => default_types(spec),
    };
    spec.insert("types".into(), types);
}

/// Names the tier, as calicoctl does since 3.29; before it the stored form has no such field, and a strict API server
/// refuses it.
fn set_tier(object: &mut Map<String, Value>, version: Option<Version>) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    match version {
        Some(version) if version.at_least(3, 29) => {
            spec.entry("tier").or_insert_with(|| "default".into());
        }
        Some(_) if text(spec, "tier") == Some("default") => {
            spec.remove("tier");
        }
        _ => {}
    }
}

/// Puts the fields of `current`'s spec back that no v3 object has, such as those of another edition of Calico.
fn keep_unknown(kind: Kind, object: &mut Map<String, Value>, current: Option<&Map<String, Value>>) {
    let now = current.and_then(|current| current.get("spec")).and_then(Value::as_object);
    let (Some(now), Some(known)) = (now, super::fields::of_spec(kind)) else { return };
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    for (field, value) in now {
        if !known.contains(&field.as_str()) {
            spec.entry(field.clone()).or_insert_with(|| value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tier_is_written_since_there_are_tiers() {
        let policy = json!({"kind": "NetworkPolicy", "metadata": {"name": "a", "namespace": "b"}, "spec": {"types": ["Ingress"]}});
        let tier = |version: &str| {
            let stored = to_stored(Kind::NetworkPolicy, &policy, None, Shape::Crd(Version::parse(version)));
            stored["spec"].get("tier").cloned()
        };
        assert_eq!(tier("3.28.5"), None);
        assert_eq!(tier("3.29.0"), Some("default".into()));
    }
    use proptest::prelude::*;

    fn version(text: &str) -> Option<Version> {
        Version::parse(text)
    }

    fn stored(kind: &str, metadata: Value, spec: Value) -> Value {
        json!({ "apiVersion": CRD_V1, "kind": kind, "metadata": metadata, "spec": spec })
    }

    fn v3(kind: &str, metadata: Value, spec: Value) -> Value {
        json!({ "apiVersion": V3, "kind": kind, "metadata": metadata, "spec": spec })
    }

    fn name_of(value: &Value) -> &str {
        value["metadata"]["name"].as_str().unwrap()
    }

    /// Stored name, annotation, version: the name that calicoctl of that version shows (facts, part 1).
    #[test]
    fn names_are_read_as_each_version_reads_them() {
        let plain = json!({});
        let unnamed = json!({ CALICO_METADATA: r#"{"creationTimestamp":null}"# });
        let named = json!({ CALICO_METADATA: r#"{"name":"web"}"# });
        for (name, annotations, release, shown) in [
            ("default.web", &plain, "3.18", "web"),
            ("default.web", &unnamed, "3.28.5", "web"),
            ("other.web", &plain, "3.28.5", "web"),
            ("web", &plain, "3.28.5", "web"),
            ("knp.default.web", &plain, "3.28.5", "knp.default.web"),
            ("ossg.default.web", &plain, "3.28.5", "ossg.default.web"),
            ("default.web", &plain, "3.29.0", "web"),
            ("security.web", &plain, "3.29.3", "security.web"),
            ("default.web", &plain, "3.30.2", "default.web"),
            ("default.web", &unnamed, "3.29.4", "web"),
            ("default.web", &named, "3.31.0", "web"),
            ("default.copy", &named, "3.31.0", "web"),
            ("security.web", &unnamed, "3.31.0", "security.web"),
            ("web", &plain, "3.32.0", "web"),
            ("default.web", &plain, "3.32.0", "default.web"),
            ("default.web", &plain, "", "web"),
            ("default.web", &named, "", "web"),
            ("web", &plain, "", "web"),
            ("security.web", &plain, "", "security.web"),
        ] {
            let object = stored("GlobalNetworkPolicy", json!({ "name": name, "annotations": annotations }), json!({}));
            let converted = to_v3(Kind::GlobalNetworkPolicy, object, version(release)).unwrap();
            assert_eq!(name_of(&converted.value), shown, "{name} {annotations} {release}");
            assert_eq!(converted.stored_name, name);
        }
    }

    #[test]
    fn names_are_stored_as_each_version_stores_them() {
        for (name, release, stored) in [
            ("web", "3.18", "default.web"),
            ("web", "3.28.5", "default.web"),
            ("knp.default.web", "3.28.5", "knp.default.web"),
            ("web", "3.29.0", "default.web"),
            ("security.web", "3.29.0", "security.web"),
            ("default.web", "3.31.0", "default.web"),
            ("web", "3.31.0", "default.web"),
            ("web", "3.32.0", "web"),
            ("default.web", "3.32.0", "default.web"),
            ("web", "", "default.web"),
        ] {
            assert_eq!(stored_name(Kind::NetworkPolicy, name, version(release)), stored, "{name} {release}");
            assert_eq!(stored_name(Kind::HostEndpoint, name, version(release)), name);
        }
    }

    #[test]
    fn calicos_own_labels_win_over_the_objects() {
        let own = r#"{"labels":{"role":"old","zone":"a"},"annotations":{"why":"x"},"creationTimestamp":"2021-01-01T00:00:00Z"}"#;
        let metadata = json!({
            "name": "eth0", "uid": "1", "resourceVersion": "7", "creationTimestamp": "2022-01-01T00:00:00Z",
            "labels": { "role": "new", "more": "yes" }, "annotations": { CALICO_METADATA: own },
        });
        let converted = to_v3(Kind::HostEndpoint, stored("HostEndpoint", metadata, json!({})), None).unwrap();
        let expected = json!({
            "name": "eth0", "resourceVersion": "7", "creationTimestamp": "2021-01-01T00:00:00Z",
            "labels": { "role": "old", "zone": "a", "more": "yes" }, "annotations": { "why": "x" },
        });
        assert_eq!(converted.value["metadata"], expected);
        assert_eq!(converted.value["apiVersion"], V3);
        let (code, detail) = &converted.notices[0];
        assert_eq!((*code, converted.notices.len()), (findings::METADATA_STALE, 1));
        assert_eq!(detail, r#"metadata.labels[role] is "new", but Calico uses "old""#);
    }

    #[test]
    fn a_name_that_calicoctl_does_not_find_is_noticed() {
        for (name, release, noticed) in
            [("web", "3.28.5", true), ("default.web", "3.28.5", false), ("web", "3.32.0", false), ("web", "", true)]
        {
            let object = stored("NetworkPolicy", json!({ "name": name, "namespace": "shop" }), json!({}));
            let notices = to_v3(Kind::NetworkPolicy, object, version(release)).unwrap().notices;
            assert_eq!(notices.iter().any(|(code, _)| *code == findings::NAME_UNUSUAL), noticed, "{name} {release}");
        }
    }

    #[test]
    fn metadata_that_calico_cannot_read_is_an_error() {
        let metadata = json!({ "name": "x", "annotations": { CALICO_METADATA: "{" } });
        let error = to_v3(Kind::HostEndpoint, stored("HostEndpoint", metadata, json!({})), None).unwrap_err();
        assert!(error.starts_with("metadata.annotations[projectcalico.org/metadata] cannot be read"), "{error}");
    }

    #[test]
    fn types_are_written_as_calicoctl_defaults_them() {
        let rule = json!([{ "action": "Allow" }]);
        for (spec, types) in [
            (json!({}), json!(["Ingress"])),
            (json!({ "ingress": rule }), json!(["Ingress"])),
            (json!({ "egress": rule }), json!(["Egress"])),
            (json!({ "ingress": rule, "egress": rule }), json!(["Ingress", "Egress"])),
            (json!({ "types": ["Egress"] }), json!(["Egress"])),
        ] {
            let object = v3("GlobalNetworkPolicy", json!({ "name": "web" }), spec);
            let written = to_stored(Kind::GlobalNetworkPolicy, &object, None, Shape::Crd(version("3.18")));
            assert_eq!(written["spec"]["types"], types);
            assert_eq!(to_v3(Kind::GlobalNetworkPolicy, object, None).unwrap().value["spec"]["types"], types);
        }
    }

    /// Felix enforces both directions of a stored policy without types (felix/calc/policy_sorter.go), so writing it
    /// back must say both, though calicoctl would have said Ingress.
    #[test]
    fn a_stored_policy_without_types_keeps_both_directions() {
        let current = stored("GlobalNetworkPolicy", json!({ "name": "default.web" }), json!({ "selector": "all()" }));
        let read = to_v3(Kind::GlobalNetworkPolicy, current.clone(), version("3.18")).unwrap().value;
        assert_eq!(read["spec"].get("types"), None);
        let written = to_stored(Kind::GlobalNetworkPolicy, &read, Some(&current), Shape::Crd(version("3.18")));
        assert_eq!(written["spec"]["types"], json!(["Ingress", "Egress"]));
    }

    #[test]
    fn a_new_object_is_stored_as_calicoctl_stores_it() {
        let metadata = json!({
            "name": "security.web", "namespace": "shop",
            "labels": { "team": "a" }, "annotations": { "why": "x", "projectcalico.org/note": "y" },
        });
        let object = v3("NetworkPolicy", metadata, json!({ "tier": "security", "types": ["Ingress"] }));
        let written = to_stored(Kind::NetworkPolicy, &object, None, Shape::Crd(version("3.31.0")));
        assert_eq!(written["apiVersion"], CRD_V1);
        let metadata = &written["metadata"];
        assert_eq!((name_of(&written), metadata["namespace"].as_str()), ("security.web", Some("shop")));
        assert_eq!(metadata["labels"], json!({ TIER_LABEL: "security" }));
        assert_eq!(metadata["annotations"]["projectcalico.org/note"], "y");
        assert_eq!(metadata["annotations"].get("why"), None);
        let own: Value = serde_json::from_str(metadata["annotations"][CALICO_METADATA].as_str().unwrap()).unwrap();
        let expected = json!({
            "name": "security.web", "creationTimestamp": null,
            "labels": { "team": "a", TIER_LABEL: "security" }, "annotations": { "why": "x", "projectcalico.org/note": "y" },
        });
        assert_eq!(own, expected);
        let old = to_stored(Kind::NetworkPolicy, &object, None, Shape::Crd(version("3.18.1")));
        assert_eq!(old["metadata"].get("labels"), None);
    }

    #[test]
    fn unknown_stored_fields_and_unusual_names_are_kept() {
        let spec = json!({ "selector": "all()", "types": ["Ingress"], "order": 5, "ofAnotherEdition": { "a": 1 } });
        let current = stored("GlobalNetworkPolicy", json!({ "name": "web", "resourceVersion": "7" }), spec);
        let new = v3(
            "GlobalNetworkPolicy",
            json!({ "name": "web", "resourceVersion": "7", "annotations": { "a": "b" } }),
            json!({ "selector": "all()", "types": ["Ingress"] }),
        );
        let written = to_stored(Kind::GlobalNetworkPolicy, &new, Some(&current), Shape::Crd(version("3.28.5")));
        let expected = stored(
            "GlobalNetworkPolicy",
            json!({ "name": "web", "resourceVersion": "7", "annotations": { "a": "b" } }),
            json!({ "selector": "all()", "types": ["Ingress"], "ofAnotherEdition": { "a": 1 } }),
        );
        assert_eq!(written, expected);
    }

    fn words() -> impl Strategy<Value = Map<String, Value>> {
        let key =
            prop_oneof!["[a-z]{1,3}", Just("projectcalico.org/x".to_string()), Just("operator.tigera.io/y".into())];
        proptest::collection::btree_map(key, "[a-z]{0,3}", 0..4)
            .prop_map(|entries| entries.into_iter().map(|(key, value)| (key, value.into())).collect())
    }

    proptest! {
        /// Whatever was stored: what is written reads back as what was wanted.
        #[test]
        fn writing_and_reading_back_is_the_identity(
            labels in words(), annotations in words(), before in words(), annotated: bool, existed: bool,
            release in prop_oneof![Just("3.18.1"), Just("3.28.5"), Just("3.29.0"), Just("3.30.2"), Just("3.31.0"), Just("3.32.1"), Just("")],
            kind in prop_oneof![Just(Kind::GlobalNetworkPolicy), Just(Kind::HostEndpoint), Just(Kind::NetworkSet)],
        ) {
            let version = version(release);
            let shape = Shape::Crd(version);
            let mut metadata = Map::new();
            metadata.insert("name".into(), "web".into());
            // Since 3.29 a policy that is stored names its tier.
            let mut spec = json!({ "types": ["Ingress"] });
            if is_tiered(kind) && version.is_some_and(|version| version.at_least(3, 29)) {
                spec["tier"] = "default".into();
            }
            let bare = v3(&kind.to_string(), metadata.clone().into(), spec);
            let mut current = to_stored(kind, &bare, None, shape);
            if !annotated {
                current["metadata"] = json!({ "name": current["metadata"]["name"], "labels": before });
            }
            let current = existed.then_some(current);
            let mut wanted = match &current {
                Some(current) => to_v3(kind, current.clone(), version).unwrap().value,
                None => bare,
            };
            let target = wanted["metadata"].as_object_mut().unwrap();
            put_entries(target, "labels", labels);
            put_entries(target, "annotations", annotations);
            let written = to_stored(kind, &wanted, current.as_ref(), shape);
            let mut read = to_v3(kind, written, version).unwrap();
            prop_assert!(!read.notices.iter().any(|(code, _)| *code == findings::METADATA_STALE));
            for object in [&mut read.value, &mut wanted] {
                object["metadata"].as_object_mut().unwrap().remove("creationTimestamp");
            }
            prop_assert_eq!(read.value, wanted);
        }
    }
}
