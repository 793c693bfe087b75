//! Namespaces, pods, and what makes pods.
//! Never knows which policy selects a pod.

use std::net::IpAddr;

use super::Labels;
use crate::model::flow::Protocol;

/// A Namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
}

/// A pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its own labels and those that Calico adds: namespace, orchestrator, ServiceAccount, and what its profiles bring
    /// (`pcns.*`, `pcsa.*`). `labelled` makes them.
    pub labels: Labels,
    /// Its labels as Kubernetes has them.
    pub own_labels: Labels,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its node.
    pub node: Option<String>,
    /// It shares its node's network: Calico polices it as the host.
    pub host_network: bool,
    /// Its ServiceAccount.
    pub service_account: String,
    /// Declared ports.
    pub ports: Vec<PodPort>,
    /// Declared ports of its node that lead to it (hostPort); of one in its node's network all that it declares.
    pub host_ports: Vec<PodPort>,
    /// Its end is reached (Succeeded, Failed): its addresses may be somebody else's.
    pub finished: bool,
    /// Ready, as a Service sees it.
    pub ready: bool,
    /// Who owns it, as `ReplicaSet nginx-6799fc88d8`.
    pub owner: Option<(String, String)>,
    /// Prefixes of labels that it may have and that could not be seen: `pcns.` where its Namespace was not read.
    pub unseen_labels: Vec<String>,
}

impl Pod {
    /// As `shop/web-1`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// A declared port of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodPort {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Protocol.
    pub protocol: Protocol,
    /// Number.
    pub port: u16,
}

/// A Deployment, StatefulSet, DaemonSet, ReplicaSet or Job.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Its kind's word.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The labels that select its pods.
    pub selector: LabelQuery,
    /// The labels that its pods have.
    pub pod_labels: Labels,
    /// The ports that its pods declare.
    pub ports: Vec<PodPort>,
    /// Who owns it: a ReplicaSet of a Deployment is not a target of its own.
    pub owned: bool,
}

/// Kubernetes' own label selector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelQuery {
    /// Labels that must have these values.
    pub equal: Labels,
    /// Key, operator (In, NotIn, Exists, DoesNotExist) and values.
    pub expressions: Vec<(String, String, Vec<String>)>,
}

impl LabelQuery {
    /// Whether labels fulfil all of it (k8s.io/apimachinery, labels): a missing label fulfils NotIn.
    pub fn matches(&self, labels: &Labels) -> bool {
        let holds = |(key, operator, values): &(String, String, Vec<String>)| match operator.as_str() {
            "In" => labels.get(key).is_some_and(|value| values.contains(value)),
            "NotIn" => labels.get(key).is_none_or(|value| !values.contains(value)),
            "Exists" => labels.contains_key(key),
            "DoesNotExist" => !labels.contains_key(key),
            // The API server takes no other.
            _ => false,
        };
        self.equal.iter().all(|(key, value)| labels.get(key) == Some(value)) && self.expressions.iter().all(holds)
    }
}
