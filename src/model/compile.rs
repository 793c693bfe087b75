//! From a policy as it is written to one as Felix enforces it. (To be written.)

use super::policy::{Policy, PolicyId};
use super::spec::PolicySpec;
use super::world::Version;
use crate::findings::Finding;

/// What became of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// The policy; none where Felix drops it.
    pub policy: Option<Policy>,
    /// What was noticed.
    pub findings: Vec<Finding>,
    /// Why no policy of this kind reaches Felix, where this one stops them all.
    pub stops_kind: Option<String>,
}

/// Compiles a policy. `stored_name` decides between equal orders up to Calico 3.31.
pub fn compile(
    _id: PolicyId,
    _stored_name: &str,
    _spec: &PolicySpec,
    _version: Option<Version>,
    _place: &str,
) -> Compiled {
    todo!()
}
