//! The cluster as facts, each with its evidence: what evaluation and plans look at.
//! Never knows where a fact was read, how it is written, or what time it is.

mod announce;
mod fact;
mod felix;
mod network;
mod nodes;
mod policies;
mod proxy;
mod services;
mod version;
mod workloads;

use std::collections::BTreeMap;
use std::net::IpAddr;

pub use announce::{
    AddressPool, Advertised, AnnouncedFrom, Announcement, Announcer, BgpPeer, PeerNodes, ServiceAddress,
};
pub use fact::{Fact, Gap, Hidden, Part, Seen};
pub use felix::{AutoHostEndpoints, Dataplane, EndpointToHost, Failsafe, Felix};
pub use network::{Network, Pool, Range, TunnelMode};
pub use nodes::{AddressRole, Node, NodeAddress, NodeInterface};
pub use policies::{HostEndpoint, NetworkSet, Tier, Written};
pub use proxy::{LocalDetection, NodePortAddresses};
pub use services::{Backend, Callback, Service, ServicePort, TargetPort};
pub use version::Version;
pub use workloads::{LabelQuery, Namespace, Pod, PodPort, Workload};

use super::net::NetMap;
use super::policy::{Policy, PolicyId};
use crate::findings::Finding;

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
    /// Whether the cluster has StagedGlobalNetworkPolicy (Calico 3.30 and later).
    pub serves_staged: Fact<bool>,
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
