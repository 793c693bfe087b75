//! Which node takes packets for addresses that no node has: load balancers' (MetalLB), and those that Calico advertises.
//! Never knows what becomes of such a packet.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{LabelQuery, Labels};
use crate::model::selector::Selector;

/// Which of a Service's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServiceAddress {
    /// The cluster address.
    Cluster,
    /// One of spec.externalIPs.
    External,
    /// One of status.loadBalancer.
    LoadBalancer,
}

impl std::fmt::Display for ServiceAddress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            ServiceAddress::Cluster => "cluster",
            ServiceAddress::External => "external",
            ServiceAddress::LoadBalancer => "load balancer",
        })
    }
}

/// A range of Services' addresses that Calico advertises over BGP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// The range.
    pub net: IpNet,
    /// Which addresses of Services in it.
    pub of: ServiceAddress,
    /// As `serviceClusterIPs of BGPConfiguration default`.
    pub evidence: String,
}

/// A router that nodes peer with over BGP.
#[derive(Clone, Debug, PartialEq)]
pub struct BgpPeer {
    /// The BGPPeer's name.
    pub name: String,
    /// Its address, as `10.0.0.1` or `10.0.0.1:179`.
    pub address: String,
    /// Which nodes peer with it.
    pub nodes: PeerNodes,
}

/// The nodes of a BGPPeer.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerNodes {
    /// Every node.
    All,
    /// One.
    Named(String),
    /// Those whose labels match; none where the selector cannot be read.
    Selected(Option<Selector>),
}

impl BgpPeer {
    /// Its address without a port.
    pub fn ip(&self) -> Option<IpAddr> {
        let text = self.address.as_str();
        let socket = text.parse::<std::net::SocketAddr>().map(|socket| socket.ip());
        socket.or_else(|_| text.trim_matches(['[', ']']).parse()).ok()
    }

    /// The port that it listens on, in the address behind a colon; BGP's own where it names none.
    pub fn port(&self) -> u16 {
        self.address.parse::<std::net::SocketAddr>().map_or(179, |socket| socket.port())
    }

    /// Whether a node peers with it.
    pub fn is_of(&self, node: &str, labels: &Labels) -> bool {
        match &self.nodes {
            PeerNodes::All => true,
            PeerNodes::Named(name) => name == node,
            PeerNodes::Selected(selector) => selector.as_ref().is_some_and(|selector| selector.matches(labels)),
        }
    }
}

/// How addresses are announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// One node at a time answers ARP and neighbour discovery.
    Layer2,
    /// Several nodes tell routers.
    Bgp,
}

impl std::fmt::Display for Announcement {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Announcement::Layer2 => "layer 2",
            Announcement::Bgp => "BGP",
        })
    }
}

/// A node that announces the addresses of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcer {
    /// The node.
    pub node: String,
    /// How, where that is known.
    pub how: Option<Announcement>,
    /// Since when, in seconds since 1970, where a status of now says it.
    pub since: Option<i64>,
    /// When that was noted, in seconds since 1970, where it is an event of the past and not the state of now.
    pub noted: Option<i64>,
    /// As `ServiceL2Status metallb-system/l2-abc`.
    pub evidence: String,
}

/// A pool of MetalLB.
#[derive(Clone, Debug, PartialEq)]
pub struct AddressPool {
    /// Its name.
    pub name: String,
    /// Its addresses, first and last of each range.
    pub ranges: Vec<(IpAddr, IpAddr)>,
    /// How it is announced, and from where; none means that it is not.
    pub announced: Vec<AnnouncedFrom>,
    /// Whether nodes that are excluded from load balancers announce it all the same, as with MetalLB up to 0.13.
    pub excluded_too: bool,
    /// As `IPAddressPool metallb-system/default`.
    pub evidence: String,
}

/// How a pool is announced, and from which nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnouncedFrom {
    /// How.
    pub how: Announcement,
    /// Nodes that match one of these; empty means every node.
    pub nodes: Vec<LabelQuery>,
    /// As `L2Advertisement metallb-system/default`.
    pub evidence: String,
}

impl AddressPool {
    /// Whether an address is in it.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let within =
            |(first, last): &(IpAddr, IpAddr)| first.is_ipv4() == ip.is_ipv4() && (*first..=*last).contains(&ip);
        self.ranges.iter().any(within)
    }

    /// Whether a node with these labels may announce it.
    pub fn may_be_announced_by(&self, labels: &Labels) -> bool {
        let from = |announced: &AnnouncedFrom| {
            announced.nodes.is_empty() || announced.nodes.iter().any(|nodes| nodes.matches(labels))
        };
        self.announced.iter().any(from)
    }
}
