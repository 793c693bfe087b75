//! Sorts documents into `Objects`, one at a time: the same for a server's lists and for files.
//! Never reads anything by itself.

use serde::Deserialize;
use serde_json::Value;

use super::names::Kind;
use super::objects::{CalicoPolicy, Found, Listing, Meta, Objects, Place, or_default};
use crate::model::spec::PolicySpec;

/// A Calico policy's document.
#[derive(Default, Deserialize)]
#[serde(default)]
struct PolicyDocument {
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    spec: PolicySpec,
}

impl Objects {
    /// Adds one object. Calico's are in v3 form; `stored_name` is the name under which the API server keeps it. The
    /// error says which field is malformed.
    pub fn add(&mut self, kind: Kind, value: Value, stored_name: &str, place: Place) -> Result<(), String> {
        match kind {
            Kind::Node => put(&mut self.nodes, value, place),
            Kind::Namespace => put(&mut self.namespaces, value, place),
            Kind::Pod => put(&mut self.pods, value, place),
            Kind::ServiceAccount => put(&mut self.service_accounts, value, place),
            Kind::Service => put(&mut self.services, value, place),
            Kind::Endpoints => put(&mut self.endpoints, value, place),
            Kind::EndpointSlice => put(&mut self.endpoint_slices, value, place),
            Kind::ConfigMap => put(&mut self.config_maps, value, place),
            Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::ReplicaSet | Kind::Job => {
                put(&mut self.workloads, with_kind(value, kind), place)
            }
            Kind::KubernetesNetworkPolicy => put(&mut self.kubernetes_policies, value, place),
            Kind::GlobalNetworkPolicy
            | Kind::NetworkPolicy
            | Kind::StagedGlobalNetworkPolicy
            | Kind::StagedNetworkPolicy
            | Kind::StagedKubernetesNetworkPolicy => {
                let document: PolicyDocument = typed(value)?;
                let object = CalicoPolicy {
                    kind,
                    stored_name: stored_name.to_string(),
                    metadata: document.metadata,
                    spec: document.spec,
                };
                self.calico_policies.items.push(Found { object, place });
                Ok(())
            }
            Kind::Tier => put(&mut self.tiers, value, place),
            Kind::HostEndpoint => put(&mut self.host_endpoints, value, place),
            Kind::GlobalNetworkSet | Kind::NetworkSet => put(&mut self.network_sets, value, place),
            Kind::IPPool => put(&mut self.ip_pools, value, place),
            Kind::FelixConfiguration => put(&mut self.felix_configurations, value, place),
            Kind::BGPConfiguration => put(&mut self.bgp_configurations, value, place),
            Kind::BGPPeer => put(&mut self.bgp_peers, value, place),
            Kind::ClusterInformation => put(&mut self.cluster_informations, value, place),
            Kind::ValidatingWebhookConfiguration | Kind::MutatingWebhookConfiguration => {
                put(&mut self.webhooks, with_kind(value, kind), place)
            }
            Kind::APIService => put(&mut self.api_services, value, place),
            Kind::CustomResourceDefinition => put(&mut self.definitions, value, place),
            Kind::KubeControllersConfiguration => put(&mut self.kube_controllers, value, place),
            Kind::ServiceL2Status => put(&mut self.l2_statuses, value, place),
            Kind::ServiceBGPStatus => put(&mut self.bgp_statuses, value, place),
            Kind::IPAddressPool | Kind::L2Advertisement | Kind::BGPAdvertisement => {
                put(&mut self.metallb, with_kind(value, kind), place)
            }
            Kind::Event => put(&mut self.events, value, place),
            Kind::ServiceCIDR => put(&mut self.service_cidrs, value, place),
            Kind::AdminNetworkPolicy | Kind::BaselineAdminNetworkPolicy | Kind::ClusterNetworkPolicy => {
                put(&mut self.admin_policies, with_kind(value, kind), place)
            }
        }
    }

    /// The coverage of a kind's listing: what was asked and how much of it was seen.
    pub fn coverage_mut(&mut self, kind: Kind) -> &mut Vec<super::objects::Coverage> {
        match kind {
            Kind::Node => &mut self.nodes.coverage,
            Kind::Namespace => &mut self.namespaces.coverage,
            Kind::Pod => &mut self.pods.coverage,
            Kind::ServiceAccount => &mut self.service_accounts.coverage,
            Kind::Service => &mut self.services.coverage,
            Kind::Endpoints => &mut self.endpoints.coverage,
            Kind::EndpointSlice => &mut self.endpoint_slices.coverage,
            Kind::ConfigMap => &mut self.config_maps.coverage,
            Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::ReplicaSet | Kind::Job => {
                &mut self.workloads.coverage
            }
            Kind::KubernetesNetworkPolicy => &mut self.kubernetes_policies.coverage,
            Kind::GlobalNetworkPolicy
            | Kind::NetworkPolicy
            | Kind::StagedGlobalNetworkPolicy
            | Kind::StagedNetworkPolicy
            | Kind::StagedKubernetesNetworkPolicy => &mut self.calico_policies.coverage,
            Kind::Tier => &mut self.tiers.coverage,
            Kind::HostEndpoint => &mut self.host_endpoints.coverage,
            Kind::GlobalNetworkSet | Kind::NetworkSet => &mut self.network_sets.coverage,
            Kind::IPPool => &mut self.ip_pools.coverage,
            Kind::FelixConfiguration => &mut self.felix_configurations.coverage,
            Kind::BGPConfiguration => &mut self.bgp_configurations.coverage,
            Kind::BGPPeer => &mut self.bgp_peers.coverage,
            Kind::ClusterInformation => &mut self.cluster_informations.coverage,
            Kind::ValidatingWebhookConfiguration | Kind::MutatingWebhookConfiguration => &mut self.webhooks.coverage,
            Kind::APIService => &mut self.api_services.coverage,
            Kind::CustomResourceDefinition => &mut self.definitions.coverage,
            Kind::KubeControllersConfiguration => &mut self.kube_controllers.coverage,
            Kind::ServiceL2Status => &mut self.l2_statuses.coverage,
            Kind::ServiceBGPStatus => &mut self.bgp_statuses.coverage,
            Kind::IPAddressPool | Kind::L2Advertisement | Kind::BGPAdvertisement => &mut self.metallb.coverage,
            Kind::Event => &mut self.events.coverage,
            Kind::ServiceCIDR => &mut self.service_cidrs.coverage,
            Kind::AdminNetworkPolicy | Kind::BaselineAdminNetworkPolicy | Kind::ClusterNetworkPolicy => {
                &mut self.admin_policies.coverage
            }
        }
    }
}

/// The error says which field it is about.
fn typed<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, String> {
    T::deserialize(&value).map_err(|error| {
        let path = culprit::<T>(value, &error.to_string());
        if path.is_empty() { error.to_string() } else { format!("{path}: {error}") }
    })
}

/// The path of the innermost field without which there would be another error, or none.
fn culprit<T: for<'de> Deserialize<'de>>(mut value: Value, error: &str) -> String {
    let mut shown = String::new();
    let mut pointer = String::new();
    loop {
        let children = match value.pointer(&pointer) {
            Some(Value::Object(entries)) => entries.keys().cloned().collect(),
            Some(Value::Array(items)) => (0..items.len()).map(|index| index.to_string()).collect(),
            _ => Vec::new(),
        };
        let found = children.into_iter().find(|child| {
            let Some(taken) = value.pointer_mut(&pointer).and_then(|parent| take(parent, child)) else { return false };
            let without = T::deserialize(&value).err().map(|error| error.to_string());
            if let Some(parent) = value.pointer_mut(&pointer) {
                put_back(parent, child, taken);
            }
            without.as_deref() != Some(error)
        });
        let Some(child) = found else { return shown };
        if value.pointer(&pointer).is_some_and(Value::is_array) {
            shown += &format!("[{child}]");
        } else {
            shown = if shown.is_empty() { child.clone() } else { format!("{shown}.{child}") };
        }
        pointer += &format!("/{}", child.replace('~', "~0").replace('/', "~1"));
    }
}

fn take(parent: &mut Value, child: &str) -> Option<Value> {
    match parent {
        Value::Object(entries) => entries.remove(child),
        Value::Array(items) => {
            child.parse().ok().filter(|&index: &usize| index < items.len()).map(|index| items.remove(index))
        }
        _ => None,
    }
}

fn put_back(parent: &mut Value, child: &str, value: Value) {
    match parent {
        Value::Object(entries) => {
            entries.insert(child.to_string(), value);
        }
        Value::Array(items) => items.insert(child.parse().unwrap_or(items.len()), value),
        _ => {}
    }
}

fn put<T: for<'de> Deserialize<'de>>(listing: &mut Listing<T>, value: Value, place: Place) -> Result<(), String> {
    listing.items.push(Found { object: typed(value)?, place });
    Ok(())
}

/// Objects in a server's list do not repeat their kind.
fn with_kind(mut value: Value, kind: Kind) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.insert("kind".into(), kind.to_string().into());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_malformed_is_named_with_its_field() {
        for (kind, object, error) in [
            (
                Kind::Pod,
                json!({ "metadata": { "name": "a", "labels": { "x": "y", "on": true } } }),
                "metadata.labels.on: invalid type: boolean `true`, expected a string",
            ),
            (
                Kind::Service,
                json!({ "metadata": { "name": "a" }, "spec": { "ports": [{ "port": 80 }, { "port": 70000 }] } }),
                "spec.ports[1].port: invalid value: integer `70000`, expected u16",
            ),
            (
                Kind::NetworkPolicy,
                json!({ "metadata": { "name": "a" }, "spec": { "ingress": [{}, { "source": { "nets": "10.0.0.0/8" } }] } }),
                "spec.ingress[1].source.nets: invalid type: string \"10.0.0.0/8\", expected a sequence",
            ),
            (
                Kind::GlobalNetworkPolicy,
                json!({ "metadata": { "name": "a" }, "spec": { "ingress": { "action": "Allow" } } }),
                "spec.ingress: invalid type: map, expected a sequence",
            ),
        ] {
            let result = Objects::default().add(kind, object, "a", Place::Server);
            assert!(result.as_ref().is_err_and(|reason| reason.starts_with(error)), "{result:?} instead of {error}");
        }
    }
}
