//! How kubectl names an object on this API server: group and stored name differ with Calico's version.
//! Never reads the object.

use super::Cluster;
use crate::kubernetes::{AccessError, ObjectRef};

impl Cluster {
    /// As `globalnetworkpolicies.crd.projectcalico.org/default.lockdown`, with `-n NAMESPACE` behind it where it has one.
    pub async fn kubectl_name(&self, object: &ObjectRef) -> Result<String, AccessError> {
        let resource = self.location(object.kind).await?.resource();
        let name = self.stored_name_of(object).await?;
        Ok(match &object.namespace {
            Some(namespace) => format!("{resource}/{name} -n {namespace}"),
            None => format!("{resource}/{name}"),
        })
    }

    /// The name under which an object is most likely stored.
    pub(super) async fn stored_name_of(&self, object: &ObjectRef) -> Result<String, AccessError> {
        if !object.kind.is_calico() {
            return Ok(object.name.clone());
        }
        let (api, installation) = (self.api().await?, self.needed_installation(object.kind).await?);
        Ok(self.writer(false, "").stored_names(object, api, installation).swap_remove(0))
    }
}
