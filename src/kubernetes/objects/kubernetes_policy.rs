//! NetworkPolicies of networking.k8s.io.
//! Never knows what Calico makes of them.

use serde::Deserialize;
use serde_json::Value;

use super::{LabelSelector, Meta, or_default};

/// A NetworkPolicy of networking.k8s.io.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct KubernetesPolicy {
    /// Metadata.
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: KubernetesPolicySpec,
}

/// Its spec.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubernetesPolicySpec {
    /// Which pods; empty means all of the namespace.
    #[serde(deserialize_with = "or_default")]
    pub pod_selector: LabelSelector,
    /// Ingress, Egress; not set means Ingress, and Egress where there are egress rules.
    #[serde(deserialize_with = "or_default")]
    pub policy_types: Vec<String>,
    /// Ingress rules.
    #[serde(deserialize_with = "or_default")]
    pub ingress: Vec<KubernetesRule>,
    /// Egress rules.
    #[serde(deserialize_with = "or_default")]
    pub egress: Vec<KubernetesRule>,
}

/// One rule of a NetworkPolicy: `from` for ingress, `to` for egress.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct KubernetesRule {
    /// Peers of an ingress rule; empty means everyone.
    #[serde(deserialize_with = "or_default")]
    pub from: Vec<KubernetesPeer>,
    /// Peers of an egress rule; empty means everyone.
    #[serde(deserialize_with = "or_default")]
    pub to: Vec<KubernetesPeer>,
    /// Ports; empty means all.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<KubernetesPort>,
}

/// One peer of a rule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubernetesPeer {
    /// Pods, of the policy's namespace where no namespaceSelector is set.
    pub pod_selector: Option<LabelSelector>,
    /// Namespaces.
    pub namespace_selector: Option<LabelSelector>,
    /// Addresses.
    pub ip_block: Option<IpBlock>,
}

/// Addresses of a peer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct IpBlock {
    /// A CIDR.
    pub cidr: String,
    /// CIDRs that are left out.
    #[serde(deserialize_with = "or_default")]
    pub except: Vec<String>,
}

/// One port of a rule.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubernetesPort {
    /// TCP where not set.
    pub protocol: Option<String>,
    /// A number or a name; none means all ports.
    pub port: Option<Value>,
    /// The last port of a range.
    pub end_port: Option<u16>,
}
