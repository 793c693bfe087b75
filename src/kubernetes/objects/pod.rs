//! Pods, and the workloads that make them.
//! Never knows which policy or Service selects a pod.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

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
    /// Of its environment what says how Calico works, and nothing else: the rest is often confidential.
    #[serde(deserialize_with = "calicos")]
    pub env: Vec<EnvVar>,
}

/// Whether a variable of this name says how Calico works.
pub fn is_calicos_variable(name: &str) -> bool {
    const NAMES: [&str; 4] = ["USE_POD_CIDR", "CALICO_NETWORKING_BACKEND", "DATASTORE_TYPE", "CLUSTER_TYPE"];
    // Felix takes its own in any case (felix/config/env_var_loader.go).
    name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("FELIX_")) || NAMES.contains(&name)
}

/// Reads of an environment only what matters here; a variable of another program that is malformed spoils nothing.
fn calicos<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<EnvVar>, D::Error> {
    let all = Option::<Vec<Value>>::deserialize(input)?.unwrap_or_default();
    let own = all.into_iter().filter(|one| one["name"].as_str().is_some_and(is_calicos_variable));
    own.map(|one| serde_json::from_value(one).map_err(D::Error::custom)).collect()
}

/// A variable of a container's environment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// Its value, where it is written here.
    pub value: Option<String>,
    /// Where it comes from, where it is not.
    pub value_from: Option<EnvVarSource>,
}

/// Where the value of a variable comes from; of several kinds of source one matters.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvVarSource {
    /// An entry of a ConfigMap of the same namespace.
    pub config_map_key_ref: Option<ConfigMapKey>,
}

/// An entry of a ConfigMap.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ConfigMapKey {
    /// The ConfigMap.
    pub name: String,
    /// The entry.
    pub key: String,
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
    /// The port of its node that leads to it.
    pub host_port: Option<u16>,
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
