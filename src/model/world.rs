//! The cluster as facts, each with its evidence: what evaluation and plans look at.
//! Never knows where a fact was read, how it is written, or what time it is.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::flow::Protocol;
use super::net::NetMap;
use super::policy::{Policy, PolicyId};
use super::spec::PolicySpec;
use crate::findings::Finding;

/// Something that is known from somewhere, or not, and why. Absent, hidden and empty are three different things.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact<T> {
    /// Known.
    Known {
        /// What.
        value: T,
        /// From where, as `annotation projectcalico.org/IPv4Address of Node n1`.
        evidence: String,
    },
    /// Not known.
    Unknown {
        /// Why, in words for a person.
        why: String,
    },
}

impl<T> Fact<T> {
    /// A known fact.
    pub fn known(value: T, evidence: impl Into<String>) -> Fact<T> {
        Fact::Known { value, evidence: evidence.into() }
    }

    /// A fact that is not known.
    pub fn unknown(why: impl Into<String>) -> Fact<T> {
        Fact::Unknown { why: why.into() }
    }

    /// The value, where it is known.
    pub fn value(&self) -> Option<&T> {
        match self {
            Fact::Known { value, .. } => Some(value),
            Fact::Unknown { .. } => None,
        }
    }
}

/// Labels by key.
pub type Labels = BTreeMap<String, String>;

/// The cluster.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Nodes by name.
    pub nodes: BTreeMap<String, Node>,
    /// Namespaces by name.
    pub namespaces: BTreeMap<String, Namespace>,
    /// Pods that have or had a place in the network.
    pub pods: Vec<Pod>,
    /// ServiceAccounts' labels by namespace and name.
    pub service_accounts: BTreeMap<(String, String), Labels>,
    /// Services by namespace and name.
    pub services: BTreeMap<(String, String), Service>,
    /// Workloads: Deployments and their like.
    pub workloads: Vec<Workload>,
    /// Enforced policies, in the order in which each tier asks them.
    pub policies: Vec<Policy>,
    /// Staged policies, which nothing enforces.
    pub staged: Vec<Policy>,
    /// Every policy of Calico as it is written: what a plan edits.
    pub written: BTreeMap<PolicyId, Written>,
    /// Tiers in the order in which they are asked; `default` is always among them.
    pub tiers: Vec<Tier>,
    /// Host endpoints.
    pub host_endpoints: Vec<HostEndpoint>,
    /// Network sets, global ones and those of namespaces.
    pub network_sets: Vec<NetworkSet>,
    /// Address pools of pods.
    pub pools: Vec<Pool>,
    /// Calico's version, as `3.18.1`.
    pub calico: Option<Version>,
    /// What the API server calls in the cluster: admission and conversion webhooks, aggregated APIs.
    pub callbacks: Vec<Callback>,
    /// Addresses of the API servers, from the Endpoints of default/kubernetes.
    pub api_servers: Fact<Vec<IpAddr>>,
    /// Addresses on every node that answer DNS for pods (NodeLocal DNSCache).
    pub node_local_dns: Vec<IpAddr>,
    /// What Felix and kube-proxy are told.
    pub network: Network,
    /// How much of each part was read; a part that is not here was not asked for.
    pub seen: BTreeMap<Part, Seen>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// What was noticed while reading.
    pub findings: Vec<Finding>,
    /// Who has which address; made by `index`.
    pub owners: Owners,
}

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Fact::unknown("nobody asked")
    }
}

/// Calico's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// As 3.
    pub major: u16,
    /// As 18.
    pub minor: u16,
    /// As 1.
    pub patch: u16,
}

impl Version {
    /// Reads `v3.18.1`, `3.18`, `v3.30.0-0.dev`.
    pub fn parse(text: &str) -> Option<Version> {
        let text = text.trim().trim_start_matches('v');
        let mut parts = text.split(['.', '-', '+']).map(str::parse);
        let (major, minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
        Some(Version { major, minor, patch: parts.next().and_then(Result::ok).unwrap_or(0) })
    }

    /// Whether it is this release or a later one.
    pub fn at_least(self, major: u16, minor: u16) -> bool {
        (self.major, self.minor) >= (major, minor)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A Node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its own addresses with the subnet they are in, where that is known.
    pub addresses: Vec<NodeAddress>,
    /// The ranges that its pods take addresses from (spec.podCIDRs).
    pub pod_ranges: Vec<IpNet>,
    /// Whether it says that it runs the control plane, and by which label.
    pub control_plane: Option<String>,
    /// Whether it has a WireGuard public key, for IPv4 and for IPv6: other nodes then send to its pods through
    /// WireGuard if they have one too.
    pub wireguard_key: [bool; 2],
}

impl Node {
    /// Every address that packets of the node's own processes can carry, tunnels too.
    pub fn all_addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.addresses.iter().map(|address| address.ip)
    }
}

/// One address of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeAddress {
    /// The address.
    pub ip: IpAddr,
    /// What it is.
    pub role: AddressRole,
    /// Its subnet, where that is known (host addresses).
    pub subnet: Option<IpNet>,
    /// Where that is written.
    pub evidence: String,
}

/// What an address of a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressRole {
    /// The node's own address: InternalIP, or the one that Calico chose for BGP.
    Host,
    /// ExternalIP.
    External,
    /// tunl0.
    Ipip,
    /// vxlan.calico, vxlan-v6.calico.
    Vxlan,
    /// wireguard.cali, wg-v6.cali.
    Wireguard,
}

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

/// A Service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// ClusterIP, NodePort, LoadBalancer, ExternalName.
    pub kind: String,
    /// Cluster addresses; none for headless Services.
    pub cluster_ips: Vec<IpAddr>,
    /// spec.externalIPs.
    pub external_ips: Vec<IpAddr>,
    /// status.loadBalancer addresses.
    pub load_balancer_ips: Vec<IpAddr>,
    /// Which pods answer; none for Services whose endpoints are made by hand.
    pub selector: Labels,
    /// Ports.
    pub ports: Vec<ServicePort>,
    /// externalTrafficPolicy: Local.
    pub local: bool,
    /// internalTrafficPolicy: Local.
    pub internal_local: bool,
    /// loadBalancerSourceRanges: other sources of its load balancer addresses are dropped by kube-proxy.
    pub source_ranges: Vec<IpNet>,
    /// Backends, where slices, Endpoints or the pods themselves tell them.
    pub backends: Fact<Vec<Backend>>,
}

/// One port of a Service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServicePort {
    /// Its name.
    pub name: Option<String>,
    /// Protocol.
    pub protocol: Protocol,
    /// The Service's port.
    pub port: u16,
    /// The pods' port.
    pub target: TargetPort,
    /// The port on every node.
    pub node_port: Option<u16>,
}

/// The pods' port of a Service's port.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetPort {
    /// A number.
    Number(u16),
    /// A declared port's name.
    Name(String),
}

/// An endpoint of a Service.
#[derive(Clone, Debug, PartialEq)]
pub struct Backend {
    /// The Service port's name that it serves (none for a Service with one unnamed port).
    pub port_name: Option<String>,
    /// Protocol.
    pub protocol: Protocol,
    /// Its address.
    pub ip: IpAddr,
    /// Its port.
    pub port: u16,
    /// Its node.
    pub node: Option<String>,
    /// Ready: gets traffic.
    pub ready: bool,
}

/// A policy as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Spec in v3 form.
    pub spec: PolicySpec,
    /// Labels.
    pub labels: Labels,
    /// Annotations, of which some hold grants.
    pub annotations: Labels,
    /// The version that it was read at, on a live cluster.
    pub resource_version: Option<String>,
    /// Who else writes it, as `Argo CD (label argocd.argoproj.io/instance)`.
    pub keeper: Option<String>,
    /// Where it stands, for a person.
    pub place: String,
}

/// A tier.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    /// Its name.
    pub name: String,
    /// Lower comes first; none comes last.
    pub order: Option<f64>,
    /// Whether what matches nothing goes on to the next tier (defaultAction: Pass) instead of being dropped.
    pub pass: bool,
    /// Whether a Tier object says so; policies can name a tier that does not exist.
    pub exists: bool,
}

/// A host endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostEndpoint {
    /// Its name.
    pub name: String,
    /// Its labels, with those that its profiles bring.
    pub labels: Labels,
    /// Its node.
    pub node: String,
    /// An interface's name, `*` for all, or none where the addresses tell.
    pub interface: Option<String>,
    /// expectedIPs.
    pub addresses: Vec<IpAddr>,
    /// Profiles.
    pub profiles: Vec<String>,
    /// Named ports.
    pub ports: Vec<PodPort>,
}

/// A network set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkSet {
    /// Its namespace; none for a GlobalNetworkSet.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its own labels, for a NetworkSet with those of its namespace.
    pub labels: Labels,
    /// Its addresses.
    pub nets: Vec<IpNet>,
    /// Prefixes of labels that it may have and that could not be seen.
    pub unseen_labels: Vec<String>,
    /// Why it is not sure that Felix takes it as it stands, if so.
    pub doubt: Option<String>,
}

/// An address pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Its range.
    pub net: IpNet,
    /// ipipMode.
    pub ipip: TunnelMode,
    /// vxlanMode.
    pub vxlan: TunnelMode,
    /// natOutgoing.
    pub nat_outgoing: bool,
    /// Out of use.
    pub disabled: bool,
}

/// When packets to another node go through a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TunnelMode {
    /// Never.
    #[default]
    Never,
    /// Always.
    Always,
    /// Only to nodes of another subnet.
    CrossSubnet,
}

/// A Service that the API server calls, and for what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Callback {
    /// The Service's namespace.
    pub namespace: String,
    /// The Service's name.
    pub service: String,
    /// The Service's port.
    pub port: u16,
    /// As `ValidatingWebhookConfiguration kyverno-resource-validating-webhook-cfg`.
    pub from: String,
}

/// Something that could not be seen, and what it may hide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// What it may hide.
    pub hides: Hidden,
    /// The namespace that it is limited to.
    pub namespace: Option<String>,
    /// Where, for a person: a file and line, or a resource.
    pub place: String,
    /// Why it could not be read.
    pub reason: String,
}

/// What may be there without being seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hidden {
    /// Policies, or tiers: any decision of an endpoint in the namespace may be another one.
    Policies,
    /// Pods: an address may have an owner that is not known.
    Addresses,
    /// Network sets: any address may be in one.
    Sets,
    /// Host endpoints: a node may police its traffic, and an address may be one of theirs.
    HostEndpoints,
    /// Labels of namespaces or ServiceAccounts.
    Labels,
    /// Services and their endpoints.
    Services,
    /// Nodes, pools and other facts of the routes.
    Routes,
    /// Something else, which decides nothing here.
    Other,
}

/// A part of the cluster that is read on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// GlobalNetworkPolicies.
    GlobalPolicies,
    /// NetworkPolicies of Calico.
    Policies,
    /// NetworkPolicies of Kubernetes.
    KubernetesPolicies,
    /// Tiers.
    Tiers,
    /// Pods.
    Pods,
    /// GlobalNetworkSets.
    GlobalSets,
    /// NetworkSets.
    Sets,
    /// HostEndpoints.
    HostEndpoints,
    /// Namespaces.
    Namespaces,
    /// ServiceAccounts.
    ServiceAccounts,
    /// Services.
    Services,
    /// EndpointSlices, or Endpoints.
    Backends,
    /// Nodes.
    Nodes,
    /// IPPools.
    Pools,
}

/// How much of a part was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// All of it, or there is none of it.
    pub all: bool,
    /// All of these namespaces.
    pub namespaces: BTreeSet<String>,
    /// All that has one of these addresses.
    pub addresses: BTreeSet<IpAddr>,
}

/// What Felix and kube-proxy are told, as far as it decides what becomes of a packet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// kube-proxy's mode: `iptables`, `nftables`, `ipvs`.
    pub proxy_mode: Fact<String>,
    /// Whether kube-proxy can tell pods from other sources (clusterCIDR, detectLocalMode), and so masquerades what
    /// comes from outside to a cluster address.
    pub knows_local: Fact<LocalDetection>,
    /// Felix's eBPF dataplane.
    pub bpf: bool,
    /// defaultEndpointToHostAction of the FelixConfiguration, where it is set there.
    pub endpoint_to_host: Option<String>,
    /// Ports of nodes that Felix keeps open for packets that come in.
    pub failsafe_in: Vec<Failsafe>,
    /// Ports that Felix keeps open for packets that a node sends.
    pub failsafe_out: Vec<Failsafe>,
    /// Ranges whose addresses are advertised over BGP, of Services.
    pub advertised: Vec<IpNet>,
    /// Nodes that announce a load balancer's address, by Service.
    pub announcers: BTreeMap<(String, String), BTreeSet<String>>,
}

/// A port that Felix keeps open on host endpoints, whatever policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failsafe {
    /// Protocol.
    pub protocol: Protocol,
    /// Destination port.
    pub port: u16,
    /// Only for these other ends.
    pub net: Option<IpNet>,
}

/// How kube-proxy tells pods from other sources.
#[derive(Clone, Debug, PartialEq)]
pub enum LocalDetection {
    /// By these ranges.
    Ranges(Vec<IpNet>),
    /// By the node's own pod range or by interface: only pods of the same node are local.
    Node,
    /// Not at all.
    Never,
}

/// Who has an address. Indices point into the world's lists.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// Pods by address; several where addresses are doubled.
    pub pods: std::collections::HashMap<IpAddr, Vec<u32>>,
    /// Host endpoints by address.
    pub host_endpoints: std::collections::HashMap<IpAddr, Vec<u32>>,
    /// Nodes by any of their addresses.
    pub nodes: std::collections::HashMap<IpAddr, Vec<String>>,
    /// Services by cluster, external and load balancer address.
    pub services: std::collections::HashMap<IpAddr, Vec<(String, String)>>,
    /// Network sets by prefix.
    pub sets: NetMap<u32>,
}

impl World {
    /// Makes the index of addresses; to be called after any change to pods, host endpoints, nodes, services or sets.
    pub fn index(&mut self) {
        let mut owners = Owners::default();
        for (index, pod) in self.pods.iter().enumerate() {
            if pod.host_network || pod.finished {
                continue;
            }
            for ip in &pod.addresses {
                owners.pods.entry(*ip).or_default().push(index as u32);
            }
        }
        for (index, endpoint) in self.host_endpoints.iter().enumerate() {
            for ip in &endpoint.addresses {
                owners.host_endpoints.entry(*ip).or_default().push(index as u32);
            }
        }
        for node in self.nodes.values() {
            for ip in node.all_addresses() {
                let names = owners.nodes.entry(ip).or_default();
                if !names.contains(&node.name) {
                    names.push(node.name.clone());
                }
            }
        }
        for (key, service) in &self.services {
            for ip in service.cluster_ips.iter().chain(&service.external_ips).chain(&service.load_balancer_ips) {
                owners.services.entry(*ip).or_default().push(key.clone());
            }
        }
        for (index, set) in self.network_sets.iter().enumerate() {
            for net in &set.nets {
                owners.sets.insert(*net, index as u32);
            }
        }
        self.owners = owners;
    }

    /// Whether all of a part was read: of one namespace, where one is given.
    pub fn sees(&self, part: Part, namespace: Option<&str>) -> bool {
        let Some(seen) = self.seen.get(&part) else { return false };
        seen.all || namespace.is_some_and(|namespace| seen.namespaces.contains(namespace))
    }

    /// Why a decision in a namespace may be another one, because of something of this kind that could not be seen.
    pub fn gap(&self, hides: Hidden, namespace: Option<&str>) -> Option<&Gap> {
        let concerns = |gap: &Gap| match (&gap.namespace, namespace) {
            (Some(only), Some(namespace)) => only == namespace,
            _ => true,
        };
        self.gaps.iter().find(|gap| gap.hides == hides && concerns(gap))
    }

    /// The pods that have the address.
    pub fn pods_at(&self, ip: IpAddr) -> impl Iterator<Item = &Pod> {
        self.owners.pods.get(&ip).into_iter().flatten().map(|index| &self.pods[*index as usize])
    }

    /// The node that has the address, its tunnels' too.
    pub fn node_at(&self, ip: IpAddr) -> Option<&Node> {
        self.nodes.get(self.owners.nodes.get(&ip)?.first()?)
    }

    /// The Services that have the address.
    pub fn services_at(&self, ip: IpAddr) -> impl Iterator<Item = &Service> {
        self.owners.services.get(&ip).into_iter().flatten().filter_map(|key| self.services.get(key))
    }

    /// The labels of everything that has the address and that a rule's selector can match: pods, host endpoints (by
    /// their expectedIPs) and network sets.
    pub fn labels_at(&self, ip: IpAddr) -> impl Iterator<Item = &Labels> {
        let pods = self.pods_at(ip).map(|pod| &pod.labels);
        let hosts = self.owners.host_endpoints.get(&ip).into_iter().flatten();
        let hosts = hosts.map(|index| &self.host_endpoints[*index as usize].labels);
        let sets = self.owners.sets.containing(ip).map(|index| &self.network_sets[*index as usize].labels);
        pods.chain(hosts).chain(sets)
    }
}
