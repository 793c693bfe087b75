//! Calico's own metadata, which it keeps as JSON in an annotation of what it stores.
//! Never knows a spec.

use serde_json::{Map, Value, json};

use super::stored_names::{is_tiered, names_in_annotation, stored_name};
use super::{CRD_V1, OF_THE_SERVER, V3, text};
use crate::findings::{self, Code};
use crate::kubernetes::names::{CALICO_METADATA, Kind, TIER_LABEL};
use crate::model::world::Version;

/// Calico's own metadata, taken off the object.
pub fn take_annotation(metadata: &mut Map<String, Value>) -> Result<Option<Map<String, Value>>, String> {
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
pub fn merge_metadata(metadata: &mut Map<String, Value>, own: Map<String, Value>, notices: &mut Vec<(Code, String)>) {
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
pub fn stored_metadata(
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

pub fn put_entries(metadata: &mut Map<String, Value>, field: &str, entries: Map<String, Value>) {
    metadata.remove(field);
    if !entries.is_empty() {
        metadata.insert(field.into(), entries.into());
    }
}
