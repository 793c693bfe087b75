//! The cluster of the lab as data: its nodes, pods, clients and services, with their addresses, for each mode.
//! Never touches the machine, and never knows policies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

pub use super::probe::Protocol;

/// How packets travel between nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encapsulation {
    /// Routes, as BGP would set them.
    Direct,
    /// Felix's own VXLAN device.
    Vxlan,
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

use Protocol::{Sctp, Tcp, Udp};

/// A pod before the mode is known: number of its node (counted from 1) and of its address there.
type PodLine = (
    &'static str,
    &'static str,
    usize,
    u8,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static [(&'static str, u16, Protocol)],
);

const PODS: &[PodLine] = &[
    (
        "shop",
        "web-1",
        1,
        10,
        &[("app", "web"), ("tier", "front"), ("env", "prod")],
        "default",
        &[("http", 80, Tcp), ("alt", 8080, Tcp), ("mdns", 5353, Udp)],
    ),
    (
        "policy-demo",
        "nginx",
        1,
        20,
        &[("app", "nginx"), ("role", "server")],
        "default",
        &[("http", 80, Tcp), ("mdns", 5353, Udp)],
    ),
    ("policy-demo", "access2", 1, 30, &[("env", "dev"), ("role", "client"), ("run", "other")], "robot", &[]),
    ("shop", "api-1", 1, 40, &[("app", "api"), ("tier", "back"), ("track", "stable")], "default", &[("http", 80, Tcp)]),
    (
        "shop",
        "db-1",
        2,
        10,
        &[("app", "db"), ("tier", "back"), ("env", "prod")],
        "robot",
        &[("http", 8080, Tcp), ("pg", 5432, Tcp)],
    ),
    ("policy-demo", "access1", 2, 20, &[("role", "client"), ("run", "access")], "default", &[]),
    ("shop", "bare", 2, 30, &[], "default", &[("alt", 80, Tcp)]),
    ("shop", "api-2", 2, 40, &[("app", "api"), ("tier", "back"), ("track", "canary")], "robot", &[("http", 8080, Tcp)]),
    (
        "shop",
        "cart-1",
        3,
        50,
        &[("app", "cart"), ("tier", "front"), ("env", "dev"), ("run", "access")],
        "default",
        &[("http", 8080, Tcp), ("mdns", 5353, Udp), ("gx", 3868, Sctp)],
    ),
    ("kube-system", "dns-1", 3, 53, &[("k8s-app", "kube-dns")], "coredns", &[("dns", 53, Udp), ("dns-tcp", 53, Tcp)]),
];

const fn port(
    name: &'static str,
    protocol: Protocol,
    port: u16,
    target: Target,
    node_port: Option<u16>,
) -> ServicePort {
    ServicePort { name, protocol, port, target, node_port }
}

/// A Service before the mode is known: the last byte of its cluster address, and of its load balancer's address with the
/// number of the node that announces it.
struct ServiceLine {
    namespace: &'static str,
    name: &'static str,
    ports: &'static [ServicePort],
    selector: &'static [(&'static str, &'static str)],
    address: u8,
    balancer: Option<(u8, usize)>,
    local: bool,
}

const SERVICES: &[ServiceLine] = &[
    // The article's: a node port with one backend.
    ServiceLine {
        namespace: "policy-demo",
        name: "nginx",
        ports: &[port("http", Tcp, 80, Target::Number(80), Some(32127))],
        selector: &[("app", "nginx"), ("role", "server")],
        address: 20,
        balancer: None,
        local: false,
    },
    // Local with one backend: the other nodes have none.
    ServiceLine {
        namespace: "shop",
        name: "web",
        ports: &[port("web", Tcp, 80, Target::Number(8080), Some(31111))],
        selector: &[("app", "web"), ("env", "prod"), ("tier", "front")],
        address: 30,
        balancer: None,
        local: true,
    },
    ServiceLine {
        namespace: "shop",
        name: "db",
        ports: &[
            port("web", Tcp, 80, Target::Number(8080), Some(30880)),
            port("pg", Tcp, 5432, Target::Number(5432), Some(30543)),
        ],
        selector: &[("app", "db"), ("env", "prod"), ("tier", "back")],
        address: 40,
        balancer: Some((112, 1)),
        local: false,
    },
    ServiceLine {
        namespace: "shop",
        name: "cart",
        ports: &[
            port("web", Tcp, 8000, Target::Name("http"), None),
            port("mdns", Udp, 5300, Target::Number(5353), None),
            port("gx", Sctp, 3868, Target::Number(3868), None),
        ],
        selector: &[("app", "cart"), ("env", "dev"), ("run", "access"), ("tier", "front")],
        address: 50,
        balancer: None,
        local: false,
    },
    ServiceLine {
        namespace: "shop",
        name: "web-lb",
        ports: &[port("web", Tcp, 443, Target::Number(80), Some(30443))],
        selector: &[("app", "web"), ("env", "prod"), ("tier", "front")],
        address: 60,
        balancer: Some((113, 1)),
        local: true,
    },
    // Two backends on two nodes, whose port has one name and two numbers.
    ServiceLine {
        namespace: "shop",
        name: "api",
        ports: &[
            port("http", Tcp, 80, Target::Name("http"), Some(31080)),
            port("dns", Udp, 53, Target::Number(53), Some(31053)),
        ],
        selector: &[("app", "api")],
        address: 70,
        balancer: None,
        local: false,
    },
    ServiceLine {
        namespace: "shop",
        name: "api-local",
        ports: &[port("http", Tcp, 80, Target::Name("http"), Some(31081))],
        selector: &[("app", "api")],
        address: 71,
        balancer: Some((114, 2)),
        local: true,
    },
    // No pod has these labels.
    ServiceLine {
        namespace: "shop",
        name: "ghost",
        ports: &[port("http", Tcp, 80, Target::Number(80), Some(31999))],
        selector: &[("app", "ghost")],
        address: 80,
        balancer: None,
        local: false,
    },
    ServiceLine {
        namespace: "kube-system",
        name: "kube-dns",
        ports: &[port("dns", Udp, 53, Target::Number(53), None), port("dns-tcp", Tcp, 53, Target::Number(53), None)],
        selector: &[("k8s-app", "kube-dns")],
        address: 10,
        balancer: None,
        local: false,
    },
];

const NODES: [(&str, [u8; 2], u16, &str); 3] =
    [("n1", [146, 41], 0x41, "a"), ("n2", [147, 141], 0x141, "a"), ("n3", [146, 55], 0x55, "b")];

const CLIENTS: [(&str, [u8; 4], [u16; 2]); 4] = [
    ("client", [10, 7, 0, 99], [7, 0x99]),
    ("stranger", [10, 7, 0, 98], [7, 0x98]),
    ("outside", [10, 9, 0, 5], [9, 5]),
    ("internet", [10, 30, 0, 7], [0x30, 7]),
];

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
