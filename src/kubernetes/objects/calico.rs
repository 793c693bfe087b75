//! Calico's kinds in v3 form: policies, tiers, host endpoints, network sets, address pools.
//! Never knows how the API server stores them.

use serde::Deserialize;
use serde_json::Value;

use super::{Meta, or_default};
use crate::kubernetes::names::Kind;
use crate::model::spec::PolicySpec;

/// A GlobalNetworkPolicy, NetworkPolicy or staged kind of Calico, in v3 form.
#[derive(Clone, Debug, Default)]
pub struct CalicoPolicy {
    /// Which of the kinds.
    pub kind: Kind,
    /// The name under which the API server keeps it: equal orders are decided by it up to Calico 3.31.
    pub stored_name: String,
    /// Metadata in v3 form: Calico's own metadata annotation is merged.
    pub metadata: Meta,
    /// Spec.
    pub spec: PolicySpec,
}

/// A Tier.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tier {
    /// Metadata.
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: TierSpec,
}

/// Its spec.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TierSpec {
    /// Lower comes first; none comes last.
    pub order: Option<f64>,
    /// Deny where not set, or Pass.
    pub default_action: Option<String>,
}

/// A HostEndpoint, in v3 form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct HostEndpoint {
    /// Metadata in v3 form.
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: HostEndpointSpec,
}

/// Its spec.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HostEndpointSpec {
    /// The node.
    pub node: String,
    /// An interface's name, or `*` for all.
    pub interface_name: Option<String>,
    /// Addresses of the interface.
    #[serde(rename = "expectedIPs", deserialize_with = "or_default")]
    pub expected_ips: Vec<String>,
    /// Profiles.
    #[serde(deserialize_with = "or_default")]
    pub profiles: Vec<String>,
    /// Named ports.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<NamedPort>,
}

/// A named port of a HostEndpoint.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct NamedPort {
    /// Name.
    pub name: String,
    /// TCP, UDP or SCTP, or a number.
    pub protocol: Value,
    /// Number.
    pub port: u16,
}

/// A GlobalNetworkSet or, with a namespace, a NetworkSet, in v3 form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NetworkSet {
    /// Metadata in v3 form.
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: NetworkSetSpec,
}

/// Its spec.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct NetworkSetSpec {
    /// Addresses and CIDRs.
    #[serde(deserialize_with = "or_default")]
    pub nets: Vec<String>,
}

/// An IPPool.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IpPool {
    /// Metadata.
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: IpPoolSpec,
}

/// The part of an IPPool's spec that decides something.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IpPoolSpec {
    /// A CIDR.
    pub cidr: String,
    /// Never, Always, CrossSubnet.
    pub ipip_mode: Option<String>,
    /// Never, Always, CrossSubnet.
    pub vxlan_mode: Option<String>,
    /// Whether what leaves all pools is masqueraded.
    #[serde(deserialize_with = "or_default")]
    pub nat_outgoing: bool,
    /// Whether it is out of use.
    #[serde(deserialize_with = "or_default")]
    pub disabled: bool,
    /// Workload, Tunnel, LoadBalancer; empty means the first two.
    #[serde(deserialize_with = "or_default")]
    pub allowed_uses: Vec<String>,
}
