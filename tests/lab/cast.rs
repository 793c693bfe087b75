//! Who plays in the lab: the tables of nodes, pods, services and clients, before the mode is known.
//! Never knows where they end up: `topology` makes a cluster of them.

use super::topology::{Protocol, ServicePort, Target};
use Protocol::{Sctp, Tcp, Udp};

/// A pod before the mode is known: number of its node (counted from 1) and of its address there.
pub type PodLine = (
    &'static str,
    &'static str,
    usize,
    u8,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static [(&'static str, u16, Protocol)],
);

/// The pods.
pub const PODS: &[PodLine] = &[
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
pub struct ServiceLine {
    pub namespace: &'static str,
    pub name: &'static str,
    pub ports: &'static [ServicePort],
    pub selector: &'static [(&'static str, &'static str)],
    pub address: u8,
    pub balancer: Option<(u8, usize)>,
    pub local: bool,
}

/// The services.
pub const SERVICES: &[ServiceLine] = &[
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

/// The nodes: name, the last bytes of the address in each family, zone.
pub const NODES: [(&str, [u8; 2], u16, &str); 3] =
    [("n1", [146, 41], 0x41, "a"), ("n2", [147, 141], 0x141, "a"), ("n3", [146, 55], 0x55, "b")];

/// Who is outside: name, and the address in each family.
pub const CLIENTS: [(&str, [u8; 4], [u16; 2]); 4] = [
    ("client", [10, 7, 0, 99], [7, 0x99]),
    ("stranger", [10, 7, 0, 98], [7, 0x98]),
    ("outside", [10, 9, 0, 5], [9, 5]),
    ("internet", [10, 30, 0, 7], [0x30, 7]),
];
