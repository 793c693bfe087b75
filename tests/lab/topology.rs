//! The cluster of the lab as data: its nodes, pods, clients and services, with their addresses, for each mode.
//! Never touches the machine, and never knows policies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::cast::{CLIENTS, NODES, PODS, SERVICES, ServiceLine};
pub use super::probe::Protocol;

/// How packets travel between nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encapsulation {
    /// Routes, as BGP would set them.
    Direct,
    /// Felix's own VXLAN device.
    Vxlan,
    /// The same between nodes of different networks (`vxlanMode: CrossSubnet`), and routes within one: `n2` is alone in its.
    CrossSubnet,
    /// WireGuard in user space, laid out as Felix lays out the kernel's.
    WireGuard,
}

/// What kube-proxy writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proxy {
    /// Chains of iptables.
    Iptables,
    /// A table of nftables.
    Nftables,
}

/// What kind of cluster it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode {
    /// How packets travel between nodes.
    pub encapsulation: Encapsulation,
    /// What kube-proxy writes.
    pub proxy: Proxy,
    /// IPv6 beside IPv4, everywhere.
    pub dual: bool,
    /// How many nodes: 2 or 3.
    pub nodes: usize,
}

/// A node. The first address is IPv4, a second one is IPv6; so it is with everything that has addresses here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// `n1`, `n2`, `n3`.
    pub name: String,
    /// Its InternalIPs.
    pub addresses: Vec<IpAddr>,
    /// The addresses of its tunnel device; empty with direct routing.
    pub tunnel: Vec<IpAddr>,
    /// The ranges of its pods.
    pub ranges: Vec<IpNet>,
    /// Labels beside kubernetes.io's own.
    pub zone: &'static str,
    /// Whether its network is the one of all nodes, which it is on the wire in any case.
    pub wide: bool,
}

impl Node {
    /// The IPv4 network that Calico takes the node to be in: so large that all nodes are in one, but for CrossSubnet.
    pub fn network(&self) -> IpNet {
        let length = if self.wide { 23 } else { 24 };
        IpNet::new(self.addresses[0], length).expect("a prefix").trunc()
    }
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The node that runs it.
    pub node: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its labels.
    pub labels: &'static [(&'static str, &'static str)],
    /// Its service account.
    pub account: &'static str,
    /// The ports that it names.
    pub ports: &'static [(&'static str, u16, Protocol)],
}

impl Pod {
    /// `NAMESPACE/NAME`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// Somebody outside the cluster, behind a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// How tests call it.
    pub name: &'static str,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// A port of a pod, as a Service writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Its number.
    Number(u16),
    /// Its name, which can be another number in each pod.
    Name(&'static str),
}

/// A port of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServicePort {
    /// Its name.
    pub name: &'static str,
    /// TCP, UDP or SCTP.
    pub protocol: Protocol,
    /// The port at the cluster's and the load balancer's address.
    pub port: u16,
    /// The port of the backends.
    pub target: Target,
    /// The port on every node, unless the Service is a ClusterIP.
    pub node_port: Option<u16>,
}

/// What kind of Service it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// Inside the cluster only.
    ClusterIp,
    /// On a port of every node.
    NodePort,
    /// The same, and on an address of its own that one node announces.
    LoadBalancer {
        /// The addresses.
        addresses: Vec<IpAddr>,
        /// The node that announces them.
        announcer: String,
    },
}

/// A Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its namespace.
    pub namespace: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its ports.
    pub ports: &'static [ServicePort],
    /// The labels of its pods.
    pub selector: &'static [(&'static str, &'static str)],
    /// Its cluster addresses.
    pub addresses: Vec<IpAddr>,
    /// How it can be reached from outside.
    pub exposure: Exposure,
    /// externalTrafficPolicy: Local.
    pub local: bool,
    /// Its pods, as `NAMESPACE/NAME`; all are ready.
    pub backends: Vec<String>,
}

/// The whole cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// What kind of cluster it is.
    pub mode: Mode,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The pods.
    pub pods: Vec<Pod>,
    /// Who is outside.
    pub clients: Vec<Client>,
    /// The services.
    pub services: Vec<Service>,
}

/// TCP ports on which every pod answers.
pub const POD_TCP: &[u16] = &[53, 80, 443, 5432, 8080, 9090];
/// UDP ports on which every pod answers.
pub const POD_UDP: &[u16] = &[53, 5353];
/// SCTP ports on which every pod, node and client answers.
pub const SCTP: &[u16] = &[3868, 9999];
/// TCP ports on which every node answers, at its own addresses and its tunnel's: two failsafe ports (22 and 6666), the
/// kubelet's, which is none, and others.
pub const NODE_TCP: &[u16] = &[22, 80, 6666, 8080, 9999, 10250];
/// UDP ports on which every node answers: a failsafe port (68) and another.
pub const NODE_UDP: &[u16] = &[68, 5353];
/// TCP ports on which every client answers.
pub const CLIENT_TCP: &[u16] = &[53, 80, 443, 8080];
/// UDP ports on which every client answers: a failsafe port for what leaves a node (53) and another.
pub const CLIENT_UDP: &[u16] = &[53, 5353];

/// The cluster addresses.
pub const SERVICE_RANGES: [&str; 2] = ["10.21.0.0/16", "fd00:10:21::/112"];
/// The pods' addresses.
pub const POD_RANGES: [&str; 2] = ["10.20.0.0/16", "fd00:10:20::/48"];
/// The router between nodes and clients.
pub const ROUTER: [&str; 2] = ["10.128.146.1", "fd00:10:128::1"];
/// The control plane.
pub const CONTROL_PLANE: [&str; 2] = ["10.128.146.10", "fd00:10:128::10"];

impl Topology {
    /// The cluster of a mode.
    pub fn of(mode: Mode) -> Topology {
        assert!((2..=3).contains(&mode.nodes), "the lab has two or three nodes, not {}", mode.nodes);
        // Everything has an IPv4 address, and an IPv6 address after it where the cluster is dual.
        let both = |v4: Ipv4Addr, v6: Ipv6Addr| -> Vec<IpAddr> {
            if mode.dual { vec![v4.into(), v6.into()] } else { vec![v4.into()] }
        };
        let pod_address = |node: usize, number: u8| {
            let host = u16::from_str_radix(&number.to_string(), 16).expect("two or three digits");
            let v6 = Ipv6Addr::new(0xfd00, 0x10, 0x20, node as u16, 0, 0, 0, host);
            both(Ipv4Addr::new(10, 20, node as u8, number), v6)
        };
        let nodes = NODES.iter().zip(1..).take(mode.nodes).map(|((name, v4, v6, zone), number)| {
            let addresses =
                both(Ipv4Addr::new(10, 128, v4[0], v4[1]), Ipv6Addr::new(0xfd00, 0x10, 0x128, 0, 0, 0, 0, *v6));
            let ranges = pod_address(number, 0).into_iter().zip([24, 64]);
            Node {
                name: name.to_string(),
                addresses,
                tunnel: if mode.encapsulation == Encapsulation::Direct { vec![] } else { pod_address(number, 1) },
                ranges: ranges.map(|(address, length)| IpNet::new(address, length).expect("a prefix")).collect(),
                zone,
                wide: mode.encapsulation != Encapsulation::CrossSubnet,
            }
        });
        let pods = PODS.iter().map(|(namespace, name, node, number, labels, account, ports)| {
            let node = (*node).min(mode.nodes);
            let addresses = pod_address(node, *number);
            Pod { namespace, name, node: format!("n{node}"), addresses, labels, account, ports }
        });
        let clients = CLIENTS.iter().map(|(name, v4, v6)| Client {
            name,
            addresses: both(Ipv4Addr::from(*v4), Ipv6Addr::new(0xfd00, 0x10, v6[0], 0, 0, 0, 0, v6[1])),
        });
        let (nodes, pods, clients): (Vec<_>, Vec<_>, _) = (nodes.collect(), pods.collect(), clients.collect());
        let services = SERVICES.iter().map(|line| service(line, &pods, &both)).collect();
        Topology { mode, nodes, pods, clients, services }
    }

    /// A node by its name.
    pub fn node(&self, name: &str) -> &Node {
        self.nodes.iter().find(|node| node.name == name).unwrap_or_else(|| panic!("the lab has no node {name}"))
    }

    /// A pod by `NAMESPACE/NAME`.
    pub fn pod(&self, key: &str) -> &Pod {
        self.pods.iter().find(|pod| pod.key() == key).unwrap_or_else(|| panic!("the lab has no pod {key}"))
    }

    /// The address with which a node reaches the pods of another one.
    pub fn way(&self, from: &str, to: &str, family: usize) -> IpAddr {
        let (from, to) = (self.node(from), self.node(to));
        let routed = self.mode.encapsulation == Encapsulation::CrossSubnet && from.network() == to.network();
        from.tunnel.get(family).copied().filter(|_| !routed).unwrap_or(from.addresses[family])
    }

    /// A service by `NAMESPACE/NAME`.
    pub fn service(&self, key: &str) -> &Service {
        let found = self.services.iter().find(|service| format!("{}/{}", service.namespace, service.name) == key);
        found.unwrap_or_else(|| panic!("the lab has no service {key}"))
    }

    /// A client by its name.
    pub fn client(&self, name: &str) -> &Client {
        self.clients.iter().find(|client| client.name == name).unwrap_or_else(|| panic!("the lab has no client {name}"))
    }
}

fn service(line: &ServiceLine, pods: &[Pod], both: &dyn Fn(Ipv4Addr, Ipv6Addr) -> Vec<IpAddr>) -> Service {
    let hex = |number: u8| u16::from_str_radix(&number.to_string(), 16).expect("two or three digits");
    let address = |v4: [u8; 3], v6: u16, number: u8| {
        both(Ipv4Addr::new(v4[0], v4[1], v4[2], number), Ipv6Addr::new(0xfd00, 0x10, v6, 0, 0, 0, 0, hex(number)))
    };
    let exposure = match line.balancer {
        Some((number, node)) => {
            Exposure::LoadBalancer { addresses: address([10, 128, 146], 0x128, number), announcer: format!("n{node}") }
        }
        None if line.ports.iter().any(|port| port.node_port.is_some()) => Exposure::NodePort,
        None => Exposure::ClusterIp,
    };
    let selected = pods.iter().filter(|pod| pod.namespace == line.namespace);
    let selected = selected.filter(|pod| line.selector.iter().all(|label| pod.labels.contains(label)));
    Service {
        namespace: line.namespace,
        name: line.name,
        ports: line.ports,
        selector: line.selector,
        addresses: address([10, 21, 0], 0x21, line.address),
        exposure,
        local: line.local,
        backends: selected.map(Pod::key).collect(),
    }
}
