//! Nodes, with what each of their addresses is.
//! Never knows which of them a packet carries.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Labels;

/// A Node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its own addresses with the subnet they are in, where that is known.
    pub addresses: Vec<NodeAddress>,
    /// Its primary address of each family, as kubelet reports it: the first InternalIP, else the first ExternalIP.
    pub primary: Vec<IpAddr>,
    /// Its network interfaces with their addresses, where Calico notes them (3.31 and later); empty where it does not.
    pub interfaces: Vec<NodeInterface>,
    /// The value of the label that keeps it out of load balancers, if it has it.
    pub excluded: Option<String>,
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

/// A network interface of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeInterface {
    /// As `eth0`.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
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
