//! Calico's objects as the API server stores them, and back: crd.projectcalico.org/v1 to v3 form. (To be written.)

use serde_json::Value;

use super::names::Kind;
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
    /// What a reader should know, as a metadata annotation that wins over labels.
    pub notices: Vec<String>,
}

/// From the stored form; objects that are in v3 form already stay as they are.
pub fn to_v3(_kind: Kind, _stored: Value, _version: Option<Version>) -> Result<Converted, String> {
    todo!()
}

/// To the stored form; `current` is the object as it is stored now, whose fields that v3 does not know are kept.
pub fn to_stored(_kind: Kind, _v3: &Value, _current: Option<&Value>, _shape: Shape) -> Value {
    todo!()
}
