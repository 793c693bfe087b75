//! Services, and what tells their backends: Endpoints and EndpointSlices.
//! Never knows what answers at a Service's address.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Meta, or_default};

/// A Service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Service {
    /// Metadata.
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: ServiceSpec,
    /// Status.
    #[serde(deserialize_with = "or_default")]
    pub status: ServiceStatus,
}

/// The part of a Service's spec that decides something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceSpec {
    /// ClusterIP where not set.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The first cluster address, or `None`.
    #[serde(rename = "clusterIP")]
    pub cluster_ip: Option<String>,
    /// All cluster addresses.
    #[serde(rename = "clusterIPs", deserialize_with = "or_default")]
    pub cluster_ips: Vec<String>,
    /// External addresses.
    #[serde(rename = "externalIPs", deserialize_with = "or_default")]
    pub external_ips: Vec<String>,
    /// Which pods answer.
    #[serde(deserialize_with = "or_default")]
    pub selector: BTreeMap<String, String>,
    /// Ports.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<ServicePort>,
    /// Cluster or Local.
    pub external_traffic_policy: Option<String>,
    /// Cluster or Local, for sources in the cluster.
    pub internal_traffic_policy: Option<String>,
    /// Sources that a load balancer lets in.
    #[serde(deserialize_with = "or_default")]
    pub load_balancer_source_ranges: Vec<String>,
    /// The port of the health check of externalTrafficPolicy: Local.
    pub health_check_node_port: Option<u16>,
    /// Endpoints that are not ready count too.
    #[serde(deserialize_with = "or_default")]
    pub publish_not_ready_addresses: bool,
}

/// One port of a Service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePort {
    /// Its name.
    pub name: Option<String>,
    /// TCP where not set.
    pub protocol: Option<String>,
    /// The Service's port.
    pub port: u16,
    /// The pod's port: a number, a name, or the Service's port where not set.
    pub target_port: Option<Value>,
    /// The port on every node.
    pub node_port: Option<u16>,
}

/// The part of a Service's status that decides something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceStatus {
    /// Load balancer addresses.
    #[serde(deserialize_with = "or_default")]
    pub load_balancer: LoadBalancer,
}

/// The addresses that a load balancer gave.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LoadBalancer {
    /// One entry for each address or name.
    #[serde(deserialize_with = "or_default")]
    pub ingress: Vec<LoadBalancerIngress>,
}

/// One address of a load balancer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadBalancerIngress {
    /// The address, where it is one.
    pub ip: Option<String>,
    /// The name, where it is one.
    pub hostname: Option<String>,
    /// VIP where not set, or Proxy.
    pub ip_mode: Option<String>,
}

/// Endpoints: the addresses behind a Service, before slices.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Endpoints {
    /// Metadata; the name is the Service's.
    pub metadata: Meta,
    /// Addresses and ports.
    #[serde(deserialize_with = "or_default")]
    pub subsets: Vec<EndpointSubset>,
}

/// Addresses that share their ports.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EndpointSubset {
    /// Ready addresses.
    #[serde(deserialize_with = "or_default")]
    pub addresses: Vec<EndpointAddress>,
    /// Their ports.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<EndpointPort>,
}

/// One address of Endpoints.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EndpointAddress {
    /// The address.
    pub ip: String,
    /// The node that it is on.
    pub node_name: Option<String>,
}

/// One port of Endpoints or of a slice.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct EndpointPort {
    /// The Service port's name.
    pub name: Option<String>,
    /// The number; none means every port.
    pub port: Option<u16>,
    /// TCP where not set.
    pub protocol: Option<String>,
}

/// An EndpointSlice.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EndpointSlice {
    /// Metadata; the label kubernetes.io/service-name names the Service.
    pub metadata: Meta,
    /// IPv4, IPv6 or FQDN.
    pub address_type: String,
    /// Endpoints.
    #[serde(deserialize_with = "or_default")]
    pub endpoints: Vec<SliceEndpoint>,
    /// Ports of all endpoints.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<EndpointPort>,
}

/// One endpoint of a slice.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SliceEndpoint {
    /// Its addresses; all are the same endpoint.
    #[serde(deserialize_with = "or_default")]
    pub addresses: Vec<String>,
    /// Ready and serving.
    #[serde(deserialize_with = "or_default")]
    pub conditions: SliceConditions,
    /// The node that it is on.
    pub node_name: Option<String>,
    /// The node in discovery.k8s.io/v1beta1.
    #[serde(deserialize_with = "or_default")]
    pub topology: BTreeMap<String, String>,
    /// The pod behind it.
    pub target_ref: Option<TargetRef>,
}

/// Conditions of an endpoint; not set means true for ready.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SliceConditions {
    /// Takes new traffic.
    pub ready: Option<bool>,
    /// Answers, though perhaps on its way out.
    pub serving: Option<bool>,
    /// On its way out.
    pub terminating: Option<bool>,
}

/// What an endpoint is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct TargetRef {
    /// As `Pod`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
}
