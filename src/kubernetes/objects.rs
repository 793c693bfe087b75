//! The objects that a question needs, as small as the question allows: only the fields that decide something.
//! Never knows where they came from beyond a `Place`, and never what a world or a plan is.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::names::Kind;
use crate::findings::Code;
use crate::model::spec::PolicySpec;

/// Everything that was read, by kind, and everything that could not be.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// Nodes (v1).
    pub nodes: Listing<Node>,
    /// Namespaces (v1).
    pub namespaces: Listing<Namespace>,
    /// Pods (v1).
    pub pods: Listing<Pod>,
    /// ServiceAccounts (v1).
    pub service_accounts: Listing<Named>,
    /// Services (v1).
    pub services: Listing<Service>,
    /// Endpoints (v1), for clusters whose slices cannot be read.
    pub endpoints: Listing<Endpoints>,
    /// EndpointSlices (discovery.k8s.io).
    pub endpoint_slices: Listing<EndpointSlice>,
    /// ConfigMaps (v1).
    pub config_maps: Listing<ConfigMap>,
    /// Deployments, StatefulSets, DaemonSets, ReplicaSets and Jobs: what a target can name besides a pod.
    pub workloads: Listing<Workload>,
    /// NetworkPolicies (networking.k8s.io).
    pub kubernetes_policies: Listing<KubernetesPolicy>,
    /// GlobalNetworkPolicies, NetworkPolicies and their staged kinds (Calico), in v3 form.
    pub calico_policies: Listing<CalicoPolicy>,
    /// Tiers (Calico).
    pub tiers: Listing<Tier>,
    /// HostEndpoints (Calico).
    pub host_endpoints: Listing<HostEndpoint>,
    /// GlobalNetworkSets and NetworkSets (Calico).
    pub network_sets: Listing<NetworkSet>,
    /// IPPools (Calico).
    pub ip_pools: Listing<IpPool>,
    /// FelixConfigurations (Calico).
    pub felix_configurations: Listing<Loose>,
    /// BGPConfigurations (Calico).
    pub bgp_configurations: Listing<Loose>,
    /// BGPPeers (Calico).
    pub bgp_peers: Listing<Loose>,
    /// ClusterInformations (Calico).
    pub cluster_informations: Listing<Loose>,
    /// ValidatingWebhookConfigurations and MutatingWebhookConfigurations.
    pub webhooks: Listing<WebhookConfiguration>,
    /// APIServices (apiregistration.k8s.io).
    pub api_services: Listing<ApiService>,
    /// CustomResourceDefinitions (apiextensions.k8s.io).
    pub definitions: Listing<Definition>,
    /// AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy: recognised, not evaluated.
    pub admin_policies: Listing<Loose>,
    /// ServiceL2Statuses (MetalLB): which node announces a load balancer's address.
    pub l2_statuses: Listing<Named>,
    /// Documents that could not be understood.
    pub unread: Vec<Unread>,
    /// What was noticed while reading: it is understood, but does not say what its writer may think.
    pub notices: Vec<Notice>,
}

/// The objects of one kind, and how much of the kind was asked for and seen.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// The objects, in the order in which they were read.
    pub items: Vec<Found<T>>,
    /// One entry for each query that was answered; none means that nobody asked.
    pub coverage: Vec<Coverage>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Listing { items: Vec::new(), coverage: Vec::new() }
    }
}

impl<T> Listing<T> {
    /// The objects without their places.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter().map(|found| &found.object)
    }

    /// Why part of this kind could not be seen, if so.
    pub fn hidden(&self) -> impl Iterator<Item = (Kind, &str)> {
        self.coverage.iter().filter_map(|coverage| match &coverage.answer {
            Answer::Hidden(why) => Some((coverage.query.kind, why.as_str())),
            _ => None,
        })
    }

    /// Whether every object of the kind is in `items`.
    pub fn complete(&self) -> bool {
        !self.coverage.is_empty()
            && self.coverage.iter().all(|c| !matches!(c.answer, Answer::Hidden(_)))
            && self.coverage.iter().any(|c| c.query.is_everything())
    }
}

/// What one query brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// What was asked.
    pub query: Query,
    /// What came back.
    pub answer: Answer,
}

/// The three things that an empty list can mean, and the one that a full list means.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// All that matches the query was read (it may be nothing).
    Complete,
    /// The API server does not serve the kind, so there are no such objects.
    NotServed,
    /// The API server refused (403) or could not answer; there may be such objects.
    Hidden(String),
}

/// What to read of one kind. Nothing set means everything of the kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    /// The kind.
    pub kind: Kind,
    /// One namespace only.
    pub namespace: Option<String>,
    /// One name only (in all namespaces where `namespace` is not set).
    pub name: Option<String>,
    /// A Kubernetes label selector, as `-l` takes it.
    pub labels: Option<String>,
    /// A Kubernetes field selector, as `status.podIP=10.0.0.1`.
    pub fields: Option<String>,
}

impl Query {
    /// Everything of a kind.
    pub fn all(kind: Kind) -> Query {
        Query { kind, namespace: None, name: None, labels: None, fields: None }
    }

    /// The same query for one namespace.
    pub fn in_namespace(self, namespace: impl Into<String>) -> Query {
        Query { namespace: Some(namespace.into()), ..self }
    }

    /// The same query for one name.
    pub fn named(self, name: impl Into<String>) -> Query {
        Query { name: Some(name.into()), ..self }
    }

    /// The same query with a label selector.
    pub fn labelled(self, labels: impl Into<String>) -> Query {
        Query { labels: Some(labels.into()), ..self }
    }

    /// The same query with a field selector.
    pub fn with_fields(self, fields: impl Into<String>) -> Query {
        Query { fields: Some(fields.into()), ..self }
    }

    /// Whether it asks for all objects of the kind.
    pub fn is_everything(&self) -> bool {
        self.namespace.is_none() && self.name.is_none() && self.labels.is_none() && self.fields.is_none()
    }
}

/// An object and where it stands.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// The object.
    pub object: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> Deref for Found<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.object
    }
}

/// Where an object stands: on the API server, or in a file at a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The API server.
    Server,
    /// A document that starts at this line (from 1) of this file; `-` is standard input.
    File {
        /// The file, as it was named or found below the directory that was named.
        file: Arc<PathBuf>,
        /// The document's first line, from 1.
        line: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Server => write!(out, "the API server"),
            Place::File { file, line } => write!(out, "{}:{line}", file.display()),
        }
    }
}

/// A document, or a part of one, that was not understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Unread {
    /// Where it stands.
    pub place: Place,
    /// What it says it is, as far as that could be read, as `NetworkPolicy shop/web`.
    pub object: Option<String>,
    /// The kind, where it is one that this program reads.
    pub kind: Option<Kind>,
    /// The namespace, where it could be read.
    pub namespace: Option<String>,
    /// Why it was not understood, in words for a person.
    pub reason: String,
}

/// Something that was noticed while reading an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What kind of finding it is.
    pub code: Code,
    /// The object, as `NetworkPolicy shop/web`.
    pub object: String,
    /// Where it stands.
    pub place: Place,
    /// What exactly, with the field.
    pub detail: String,
}

/// The part of `metadata` that decides something.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// The name.
    pub name: String,
    /// The namespace, for objects in one.
    pub namespace: Option<String>,
    /// Labels.
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
    /// The version that a write must carry.
    pub resource_version: Option<String>,
    /// Who owns the object.
    #[serde(deserialize_with = "or_default")]
    pub owner_references: Vec<OwnerReference>,
    /// Set while the object is being deleted.
    pub deletion_timestamp: Option<String>,
}

/// One entry of `metadata.ownerReferences`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct OwnerReference {
    /// The owner's kind.
    pub kind: String,
    /// The owner's name.
    pub name: String,
}

/// Reads null as the default, as Go does.
pub fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}

/// An object of which only the metadata matters.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    /// Metadata.
    pub metadata: Meta,
}

/// An object whose spec is looked into by name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Loose {
    /// The kind, as the object says it.
    pub kind: String,
    /// Metadata.
    pub metadata: Meta,
    /// The spec, as it was read.
    pub spec: Value,
}

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

/// A Namespace.
pub type Namespace = Named;

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
#[serde(default)]
pub struct LoadBalancerIngress {
    /// The address, where it is one.
    pub ip: Option<String>,
    /// The name, where it is one.
    pub hostname: Option<String>,
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

/// A ConfigMap.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConfigMap {
    /// Metadata.
    pub metadata: Meta,
    /// Its text entries.
    #[serde(deserialize_with = "or_default")]
    pub data: BTreeMap<String, String>,
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

/// Kubernetes' own label selector.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    /// Labels and their values, all of which must be there.
    #[serde(deserialize_with = "or_default")]
    pub match_labels: BTreeMap<String, String>,
    /// Expressions, all of which must hold.
    #[serde(deserialize_with = "or_default")]
    pub match_expressions: Vec<LabelExpression>,
}

/// One expression of a label selector.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LabelExpression {
    /// The label.
    pub key: String,
    /// In, NotIn, Exists, DoesNotExist.
    pub operator: String,
    /// Values for In and NotIn.
    #[serde(deserialize_with = "or_default")]
    pub values: Vec<String>,
}

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
}

/// A Validating- or MutatingWebhookConfiguration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WebhookConfiguration {
    /// The kind, set by the reader.
    pub kind: String,
    /// Metadata.
    pub metadata: Meta,
    /// Webhooks.
    #[serde(deserialize_with = "or_default")]
    pub webhooks: Vec<Webhook>,
}

/// One webhook.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Webhook {
    /// Its name.
    pub name: String,
    /// Where it is.
    #[serde(deserialize_with = "or_default")]
    pub client_config: ClientConfig,
    /// Fail or Ignore.
    pub failure_policy: Option<String>,
}

/// Where a webhook is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClientConfig {
    /// Behind a Service.
    pub service: Option<ServiceReference>,
}

/// A Service that the API server calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(default)]
pub struct ServiceReference {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its port; 443 where not set.
    pub port: Option<u16>,
}

/// An APIService: an aggregated API where it names a Service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ApiService {
    /// Metadata.
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: ApiServiceSpec,
}

/// The part of its spec that decides something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ApiServiceSpec {
    /// None means that the API server itself serves it.
    pub service: Option<ServiceReference>,
}

/// A CustomResourceDefinition: a conversion webhook where it names one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Definition {
    /// Metadata.
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: DefinitionSpec,
}

/// The part of its spec that decides something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DefinitionSpec {
    /// How versions are converted.
    #[serde(deserialize_with = "or_default")]
    pub conversion: Conversion,
}

/// How a definition's versions are converted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Conversion {
    /// By a webhook.
    pub webhook: Option<ConversionWebhook>,
}

/// A conversion webhook.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConversionWebhook {
    /// Where it is.
    #[serde(deserialize_with = "or_default")]
    pub client_config: ClientConfig,
}
