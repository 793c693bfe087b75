//! Pods, and the workloads that make them.
//! Never knows which policy or Service selects a pod.

use serde::Deserialize;

use super::{LabelSelector, Meta, or_default};

/// A Pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Metadata.
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: PodSpec,
    /// Status.
    #[serde(deserialize_with = "or_default")]
    pub status: PodStatus,
}

/// The part of a Pod's spec that decides something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// The node that runs it.
    pub node_name: Option<String>,
    /// Whether it shares the node's network.
    #[serde(deserialize_with = "or_default")]
    pub host_network: bool,
    /// Its ServiceAccount.
    pub service_account_name: Option<String>,
    /// Its containers.
    #[serde(deserialize_with = "or_default")]
    pub containers: Vec<Container>,
    /// Its init containers; sidecars among them can have ports.
    #[serde(deserialize_with = "or_default")]
    pub init_containers: Vec<Container>,
}

/// The part of a container that decides something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Declared ports.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<ContainerPort>,
    /// Its command line's arguments, which say what some system pods do.
    #[serde(deserialize_with = "or_default")]
    pub args: Vec<String>,
    /// Its command line.
    #[serde(deserialize_with = "or_default")]
    pub command: Vec<String>,
}

/// A declared port of a container.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerPort {
    /// Its name, which a Service's targetPort and a rule's ports can use.
    pub name: Option<String>,
    /// The number.
    pub container_port: u16,
    /// TCP where not set.
    pub protocol: Option<String>,
}

/// The part of a Pod's status that decides something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// Pending, Running, Succeeded, Failed.
    pub phase: Option<String>,
    /// The first address.
    #[serde(rename = "podIP")]
    pub pod_ip: Option<String>,
    /// All addresses.
    #[serde(rename = "podIPs", deserialize_with = "or_default")]
    pub pod_ips: Vec<PodIp>,
    /// Conditions, of which Ready decides whether a Service sends traffic.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<Condition>,
}

/// One address of a Pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct PodIp {
    /// The address.
    pub ip: String,
}

/// One condition of a status.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// As `Ready`.
    #[serde(rename = "type")]
    pub kind: String,
    /// True, False or Unknown.
    pub status: String,
}

/// A Deployment, StatefulSet, DaemonSet, ReplicaSet or Job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Workload {
    /// The kind, as the object says it (set by the reader, for lists leave it out).
    pub kind: String,
    /// Metadata.
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: WorkloadSpec,
}

/// The part of a workload's spec that decides something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WorkloadSpec {
    /// Which pods are its own.
    #[serde(deserialize_with = "or_default")]
    pub selector: LabelSelector,
    /// The pods that it makes.
    #[serde(deserialize_with = "or_default")]
    pub template: PodTemplate,
}

/// The pods that a workload makes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodTemplate {
    /// Metadata.
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: PodSpec,
}
