//! Calico's own rules for what may be written. (To be written.)

use serde_json::Value;

use super::world::Version;

/// A rule that an object breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field, as `spec.ingress[0].source.nets[1]`.
    pub path: String,
    /// What is wrong with it, with the value.
    pub reason: String,
}

/// Every rule that an object in v3 form breaks: what calicoctl and the API server of this version would refuse, and what
/// they would take and Felix would misread.
pub fn validate(_object: &Value, _version: Option<Version>) -> Vec<Violation> {
    todo!()
}
