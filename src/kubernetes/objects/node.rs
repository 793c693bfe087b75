//! Nodes: what of them decides about traffic.
//! Never knows which address a packet carries.

use serde::Deserialize;

use super::{Meta, or_default};

/// A Node.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Node {
    /// Metadata; Calico keeps a node's addresses in annotations.
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: NodeSpec,
    /// Status.
    #[serde(deserialize_with = "or_default")]
    pub status: NodeStatus,
}

/// The part of a Node's spec that decides something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSpec {
    /// The first pod range, as a CIDR.
    #[serde(rename = "podCIDR")]
    pub pod_cidr: Option<String>,
    /// All pod ranges, as CIDRs.
    #[serde(rename = "podCIDRs", deserialize_with = "or_default")]
    pub pod_cidrs: Vec<String>,
    /// The cloud's name for the machine.
    #[serde(rename = "providerID")]
    pub provider_id: Option<String>,
}

/// The part of a Node's status that decides something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeStatus {
    /// Addresses by type.
    #[serde(deserialize_with = "or_default")]
    pub addresses: Vec<NodeAddress>,
    /// Kubelet's version and the like.
    #[serde(deserialize_with = "or_default")]
    pub node_info: NodeInfo,
}

/// One address of a Node.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct NodeAddress {
    /// InternalIP, ExternalIP, Hostname.
    #[serde(rename = "type")]
    pub kind: String,
    /// The address or name.
    pub address: String,
}

/// What a Node says of its software.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeInfo {
    /// Kubelet's version, as `v1.20.11`.
    pub kubelet_version: String,
}
