//! Whether Calico keeps its objects in an etcd of its own, where this program cannot reach them.
//! Never knows what they say, and never asks etcd.

use serde_json::Value;

use super::Cluster;
use super::locate::Location;
use super::transport::Call;
use crate::kubernetes::AccessError;
use crate::kubernetes::names::{CALICO_NODE, Kind};

/// Where Calico's manifests put what they install; the operator installs elsewhere, and never with etcd.
const NAMESPACE: &str = "kube-system";

impl Cluster {
    /// Why Calico's objects are not on this API server: the setting that says so. None where they are, and where the
    /// installation may not be read. Custom resources may be left over from another time, so that they are there or not
    /// tells nothing.
    pub(super) async fn etcd(&self) -> Result<Option<String>, AccessError> {
        self.etcd.get_or_try_init(|| self.find_etcd()).await.cloned()
    }

    async fn find_etcd(&self) -> Result<Option<String>, AccessError> {
        let Some(node) = self.installed(Kind::DaemonSet, CALICO_NODE).await? else { return Ok(None) };
        let containers = node["spec"]["template"]["spec"]["containers"].as_array();
        let container = containers.into_iter().flatten().find(|container| container["name"] == CALICO_NODE);
        let variables = container.and_then(|container| container["env"].as_array());
        let variable = |name: &str| variables.into_iter().flatten().find(|variable| variable["name"] == name);
        let shown = |name: &str, value: &str| format!("DaemonSet {NAMESPACE}/{CALICO_NODE} has {name}={value}");
        // As libcalico-go decides: what DATASTORE_TYPE says, else etcd wherever there are endpoints of one.
        match variable("DATASTORE_TYPE").and_then(|variable| variable["value"].as_str()) {
            Some("etcdv3") => return Ok(Some(shown("DATASTORE_TYPE", "etcdv3"))),
            Some(kind) if !kind.is_empty() => return Ok(None),
            _ => {}
        }
        let Some(endpoints) = variable("ETCD_ENDPOINTS") else { return Ok(None) };
        if let Some(value) = endpoints["value"].as_str() {
            return Ok((!value.is_empty()).then(|| shown("ETCD_ENDPOINTS", value)));
        }
        let source = &endpoints["valueFrom"]["configMapKeyRef"];
        let (Some(name), Some(key)) = (source["name"].as_str(), source["key"].as_str()) else { return Ok(None) };
        let map = self.installed(Kind::ConfigMap, name).await?;
        let value = map.as_ref().and_then(|map| map["data"][key].as_str()).unwrap_or_default();
        Ok((!value.is_empty()).then(|| format!("ConfigMap {NAMESPACE}/{name} has {key}: {value}")))
    }

    async fn installed(&self, kind: Kind, name: &str) -> Result<Option<Value>, AccessError> {
        let path = Location::best(kind).object(Some(NAMESPACE), name)?;
        let answer = self.transport.call(&Call::get(path)).await?;
        match answer.status {
            200 => serde_json::from_slice(&answer.body)
                .map(Some)
                .map_err(|error| answer.not_understood(self.server(), name, &error.to_string())),
            403 | 404 => Ok(None),
            _ => Err(self.no_list(answer, name)),
        }
    }
}

/// What a person can do where the objects are in etcd.
pub(super) fn in_etcd(sign: &str) -> String {
    format!(
        "Calico keeps its objects in an etcd of its own ({sign}), not on this API server, so they are not seen here"
    )
}
