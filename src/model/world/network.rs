//! Address pools, and what Felix and kube-proxy are told.
//! Never knows what becomes of a packet.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::Fact;
use crate::model::flow::Protocol;

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
    /// What Felix writes before packets that Log rules match (logPrefix), cluster-wide and of single nodes.
    pub log_prefixes: Vec<String>,
    /// How often Log rules write at most, as `10/minute` (logActionRateLimit).
    pub log_rate_limit: Option<String>,
    /// What the names of pods' interfaces begin with (interfacePrefix); `cali` where not set.
    pub interface_prefixes: Vec<String>,
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
