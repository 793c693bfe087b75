//! Calico's objects as the API server stores them, and back: crd.projectcalico.org/v1 to projectcalico.org/v3 form.
//! Never knows how objects are read or written, and never what a policy means.

mod metadata;
mod stored_names;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

pub use stored_names::{is_tiered, stored_name};

use super::names::{CALICO_CRD_GROUP, Kind, TIER_LABEL};
use crate::findings::{self, Code};
use crate::model::world::Version;
use metadata::{merge_metadata, stored_metadata, take_annotation};
use stored_names::v3_name;

/// How the API server keeps Calico's objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// crd.projectcalico.org/v1, with this version's names.
    Crd(Option<Version>),
    /// projectcalico.org/v3 as Calico's API server and calicoctl take it: nothing to convert.
    V3,
    /// projectcalico.org/v3 as custom resources, from 3.32 on: names as they are, and nobody must fill in what is left
    /// out, since Calico's admission policies for that need not be there.
    Native,
}

impl Shape {
    /// The apiVersion of objects of this shape.
    pub fn api_version(self) -> &'static str {
        match self {
            Shape::Crd(_) => CRD_V1,
            Shape::V3 | Shape::Native => V3,
        }
    }
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

/// An object as a live server gave it, from the shape in which it keeps them. What the server counts by itself goes, but
/// for resourceVersion: it means nothing to another shape.
pub fn from_server(kind: Kind, stored: Value, shape: Shape, version: Option<Version>) -> Result<Converted, String> {
    let types = stored["spec"].get("types").cloned();
    let mut converted = to_v3(kind, stored, version)?;
    if shape == Shape::Native && kind.is_calico() {
        converted.stored_name = converted.value["metadata"]["name"].as_str().unwrap_or_default().to_string();
        // Felix enforces both directions of a stored policy without types, whatever its rules are.
        let is_set = types.as_ref().and_then(Value::as_array).is_some_and(|types| !types.is_empty());
        if let Some(spec) = converted.value["spec"].as_object_mut().filter(|_| is_tiered(kind) && !is_set) {
            spec.remove("types");
        }
    }
    if let Some(metadata) = converted.value["metadata"].as_object_mut().filter(|_| kind.is_calico()) {
        metadata.retain(|field, _| !OF_THE_SERVER.contains(&field.as_str()));
    }
    Ok(converted)
}

/// To the stored form; `current` is the object as it is stored now, whose name and whose fields that v3 does not know are
/// kept. An object that is stored without Calico's metadata annotation stays so: every version of Calico then takes
/// the object's own labels and annotations.
pub fn to_stored(kind: Kind, v3: &Value, current: Option<&Value>, shape: Shape) -> Value {
    if shape == Shape::Native && kind.is_calico() {
        return native(kind, v3, current);
    }
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

/// A custom resource of projectcalico.org/v3: with its types and its tier's label, as Calico's admission policies write them.
fn native(kind: Kind, v3: &Value, current: Option<&Value>) -> Value {
    let Value::Object(object) = v3 else { return v3.clone() };
    let mut object = object.clone();
    object.remove("status");
    if is_tiered(kind) {
        set_types(&mut object, current.and_then(Value::as_object));
        let tier = tier_of(&object).to_string();
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
            && tier != "default"
            && let Some(labels) = metadata.entry("labels").or_insert_with(|| json!({})).as_object_mut()
        {
            labels.insert(TIER_LABEL.into(), tier.into());
        }
    }
    object.into()
}

/// Whether an apiVersion is one of Calico's two groups.
pub fn is_calico_group(api_version: &str) -> bool {
    let group = api_version.split_once('/').map_or(api_version, |(group, _)| group);
    group == super::names::CALICO_GROUP || group == CALICO_CRD_GROUP
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
