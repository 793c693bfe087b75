//! The cluster's network: address pools, ranges, what Felix and kube-proxy are told, who announces what.
//! Never knows what becomes of a packet.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::announce::{AddressPool, Advertised, Announcer, BgpPeer, ServiceAddress};
use super::{AutoHostEndpoints, Fact, Felix, LocalDetection, NodePortAddresses};

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
    /// Whether pods can have its addresses (allowedUses); others are for tunnels or load balancers only.
    pub for_pods: bool,
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

/// What decides about packets besides policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// kube-proxy's mode: `iptables`, `nftables`, `ipvs`.
    pub proxy_mode: Fact<String>,
    /// Whether kube-proxy can tell pods from other sources (clusterCIDR, detectLocalMode), and so masquerades what
    /// comes from outside to a cluster address.
    pub knows_local: Fact<LocalDetection>,
    /// masqueradeAll: kube-proxy masquerades everything that is sent to a cluster address.
    pub masquerade_all: bool,
    /// Which addresses of a node answer node ports.
    pub node_port_addresses: Fact<NodePortAddresses>,
    /// The first and the last port that kube-apiserver gives as node ports.
    pub node_port_range: Fact<(u16, u16)>,
    /// Ranges that pods have their addresses from, as each place says it.
    pub pod_ranges: Vec<Range>,
    /// Ranges that cluster addresses of Services are from.
    pub service_ranges: Fact<Vec<IpNet>>,
    /// What Felix is told on nodes that have no FelixConfiguration of their own.
    pub felix: Felix,
    /// What it is told on those that have one (`node.NAME`).
    pub felix_of: BTreeMap<String, Felix>,
    /// What the FelixConfiguration `default` itself says of Log rules (logPrefix, logActionRateLimit), by field; none where there
    /// is no such object, or it was not read.
    pub log_settings: Option<BTreeMap<String, String>>,
    /// Whether pods get addresses from their nodes' podCIDR (host-local IPAM, usePodCidr) instead of Calico's pools.
    pub host_local: Fact<bool>,
    /// Ranges of Services' addresses that Calico advertises over BGP.
    pub advertised: Fact<Vec<Advertised>>,
    /// Routers that Calico peers with over BGP, besides its own nodes.
    pub bgp_peers: Fact<Vec<BgpPeer>>,
    /// The port on which nodes listen for BGP (listenPort of the BGPConfiguration default).
    pub bgp_port: Fact<u16>,
    /// Nodes that announce the addresses of a Service of type LoadBalancer, by its namespace and name.
    pub announcers: BTreeMap<(String, String), Fact<Vec<Announcer>>>,
    /// MetalLB's address pools with the nodes that may announce them.
    pub address_pools: Fact<Vec<AddressPool>>,
    /// Whether kube-controllers makes host endpoints by itself.
    pub auto_host_endpoints: Fact<AutoHostEndpoints>,
}

/// A range, and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The range.
    pub net: IpNet,
    /// As `IPPool default-ipv4-ippool`.
    pub evidence: String,
}

impl Network {
    /// What Felix is told on a node.
    pub fn felix_on(&self, node: &str) -> &Felix {
        self.felix_of.get(node).unwrap_or(&self.felix)
    }

    /// What Felix writes before packets that Log rules match, on whichever node: each prefix once.
    pub fn log_prefixes(&self) -> Vec<String> {
        let known = self.felixes().filter_map(|felix| felix.log_prefix.value());
        let prefixes: std::collections::BTreeSet<&String> = known.collect();
        prefixes.into_iter().cloned().collect()
    }

    /// What the names of pods' interfaces begin with, on whichever node.
    pub fn interface_prefixes(&self) -> Vec<String> {
        let known = self.felixes().filter_map(|felix| felix.interface_prefixes.value()).flatten();
        let prefixes: std::collections::BTreeSet<&String> = known.collect();
        prefixes.into_iter().cloned().collect()
    }

    /// What Felix is told on whichever node.
    pub fn felixes(&self) -> impl Iterator<Item = &Felix> {
        std::iter::once(&self.felix).chain(self.felix_of.values())
    }

    /// The range of the BGPConfiguration by which an address of a Service is advertised, if it is.
    pub fn advertises(&self, of: ServiceAddress, ip: std::net::IpAddr) -> Option<&Advertised> {
        self.advertised.value()?.iter().find(|advertised| advertised.of == of && advertised.net.contains(&ip))
    }

    /// MetalLB's pool that has an address, if it is known.
    pub fn address_pool(&self, ip: std::net::IpAddr) -> Option<&AddressPool> {
        self.address_pools.value()?.iter().find(|pool| pool.contains(ip))
    }
}
