//! The facts of the network as a list: what is known, from where, and what is not known, and why.
//! Never knows how old a fact is: one that was noted in the past says when.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::evaluate::interfaces::coverage;
use crate::model::world::{
    AddressPool, AddressRole, Announcer, AutoHostEndpoints, Fact, Failsafe, Felix, LocalDetection, Network, Node,
    PeerNodes, World,
};

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it is about, as `Node n1`.
    pub of: String,
    /// The fact, as `WireGuard address 10.20.1.1`; what is not known, where it is not.
    pub fact: String,
    /// Where it is written, or why it is not known.
    pub from: String,
    /// Whether it is known.
    pub is_known: bool,
    /// When it was noted, in seconds since 1970, where it is of the past.
    pub noted: Option<i64>,
}

/// A fact of a world.
fn known(of: impl Into<String>, fact: impl Into<String>, from: impl Into<String>) -> Known {
    Known { of: of.into(), fact: fact.into(), from: from.into(), is_known: true, noted: None }
}

/// A fact that may not be known; `what` says what then is not.
fn either<T>(of: &str, what: &str, fact: &Fact<T>, words: impl FnOnce(&T) -> String) -> Known {
    match fact {
        Fact::Known { value, evidence } => known(of, words(value), evidence),
        Fact::Unknown { why } => Known { is_known: false, ..known(of, what, why) },
    }
}

/// Every fact of the network.
pub fn facts(world: &World) -> Vec<Known> {
    let network = &world.network;
    let mut facts = of_felix("Felix", &network.felix);
    for (node, own) in &network.felix_of {
        // Only what is different there.
        let own = of_felix(&format!("Felix on {node}"), own);
        facts.extend(
            own.into_iter().zip(of_felix("Felix", &network.felix)).filter(|(a, b)| a.fact != b.fact).map(|(a, _)| a),
        );
    }
    facts.extend(of_proxy(network));
    facts.extend(of_ranges(network));
    facts.extend(of_bgp(world));
    facts.extend(of_balancers(world));
    facts.push(either("HostEndpoints", "whether they are made automatically", &network.auto_host_endpoints, automatic));
    facts.extend(world.nodes.values().flat_map(|node| of_node(world, node)));
    facts
}

fn of_felix(of: &str, felix: &Felix) -> Vec<Known> {
    let on = |name: &'static str| move |on: &bool| format!("{name} {}", if *on { "on" } else { "off" });
    vec![
        either(of, "dataplane", &felix.dataplane, |dataplane| format!("dataplane {dataplane}")),
        either(of, "defaultEndpointToHostAction", &felix.endpoint_to_host, |action| {
            format!("defaultEndpointToHostAction {action}")
        }),
        either(of, "failsafe ports in", &felix.failsafe_in, |ports| format!("failsafe ports in: {}", ports_of(ports))),
        either(of, "failsafe ports out", &felix.failsafe_out, |ports| {
            format!("failsafe ports out: {}", ports_of(ports))
        }),
        either(of, "WireGuard for IPv4", &felix.wireguard[0], on("WireGuard for IPv4")),
        either(of, "WireGuard for IPv6", &felix.wireguard[1], on("WireGuard for IPv6")),
        either(of, "host encryption", &felix.host_encryption, on("WireGuard host encryption")),
    ]
}

fn ports_of(failsafes: &[Failsafe]) -> String {
    let port = |failsafe: &Failsafe| {
        let net = failsafe.net.map(|net| format!(" of {net}")).unwrap_or_default();
        format!("{}/{}{net}", failsafe.protocol, failsafe.port)
    };
    match failsafes {
        [] => "none".into(),
        failsafes => failsafes.iter().map(port).collect::<Vec<_>>().join(", "),
    }
}

fn of_proxy(network: &Network) -> Vec<Known> {
    const OF: &str = "kube-proxy";
    let local = |local: &LocalDetection| match local {
        LocalDetection::Ranges(ranges) => format!("takes {} for pods", list(ranges)),
        LocalDetection::Node => "takes what comes by pods' interfaces of the node for pods".into(),
        LocalDetection::NodeRanges => "takes the node's podCIDRs for pods".into(),
        LocalDetection::Nothing => "takes nothing for pods: it looks for a bridge".into(),
        LocalDetection::Never => "cannot tell pods from others".into(),
    };
    vec![
        either(OF, "mode", &network.proxy_mode, |mode| format!("mode {mode}")),
        either(OF, "what it takes for pods", &network.knows_local, local),
        either(OF, "addresses that answer node ports", &network.node_port_addresses, |addresses| {
            format!("node ports answer on {addresses} addresses")
        }),
        either("kube-apiserver", "range of node ports", &network.node_port_range, |(first, last)| {
            format!("node ports {first}-{last}")
        }),
    ]
}

fn list(nets: &[IpNet]) -> String {
    nets.iter().map(IpNet::to_string).collect::<Vec<_>>().join(", ")
}

fn of_ranges(network: &Network) -> Vec<Known> {
    let mut facts: Vec<Known> =
        network.pod_ranges.iter().map(|range| known("Pods", format!("range {}", range.net), &range.evidence)).collect();
    facts.push(either("Pods", "IPAM", &network.host_local, |host_local| match host_local {
        true => "addresses from their nodes' podCIDR (host-local IPAM)".into(),
        false => "addresses from IPPools (Calico's IPAM)".into(),
    }));
    facts.push(either("Services", "range", &network.service_ranges, |ranges| format!("range {}", list(ranges))));
    facts
}

fn of_bgp(world: &World) -> Vec<Known> {
    let network = &world.network;
    let mut facts: Vec<Known> = network
        .advertised
        .iter()
        .map(|advertised| {
            known("BGP", format!("advertises {} addresses in {}", advertised.of, advertised.net), &advertised.evidence)
        })
        .collect();
    if facts.is_empty() {
        return facts;
    }
    match &network.bgp_peers {
        Fact::Unknown { why } => facts.push(Known { is_known: false, ..known("BGP", "peers", why) }),
        Fact::Known { value, .. } => facts.extend(value.iter().map(|peer| {
            let nodes = match &peer.nodes {
                PeerNodes::All => "every node".to_string(),
                PeerNodes::Named(node) => format!("node {node}"),
                PeerNodes::Selected(Some(selector)) => format!("nodes with {selector}"),
                PeerNodes::Selected(None) => "no node: its nodeSelector cannot be read".to_string(),
            };
            known("BGP", format!("peer {} of {nodes}", peer.address), format!("BGPPeer {}", peer.name))
        })),
    }
    facts
}

fn of_balancers(world: &World) -> Vec<Known> {
    let network = &world.network;
    let pool = |pool: &AddressPool| {
        let ranges: Vec<String> = pool.ranges.iter().map(|(first, last)| format!("{first}-{last}")).collect();
        let how: BTreeSet<String> = pool.announced.iter().map(|from| from.how.to_string()).collect();
        let how = if how.is_empty() { "by nobody".into() } else { how.into_iter().collect::<Vec<_>>().join(" and ") };
        let nodes = world.nodes.values().filter(|node| pool.may_be_announced_by(&node.labels)).count();
        let fact = format!("pool {} {}, announced by {how} from {nodes} nodes", pool.name, ranges.join(", "));
        known("MetalLB", fact, &pool.evidence)
    };
    let mut facts: Vec<Known> = match &network.address_pools {
        Fact::Known { value, .. } => value.iter().map(pool).collect(),
        // Without a load balancer's address nobody asks.
        Fact::Unknown { .. } if network.announcers.is_empty() => Vec::new(),
        Fact::Unknown { why } => vec![Known { is_known: false, ..known("MetalLB", "pools", why) }],
    };
    for ((namespace, name), announcers) in &network.announcers {
        facts.extend(of_announcers(&format!("Service {namespace}/{name}"), announcers));
    }
    facts
}

/// Who announces a Service's addresses.
pub fn of_announcers(of: &str, announcers: &Fact<Vec<Announcer>>) -> Vec<Known> {
    let one = |announcer: &Announcer| {
        let how = announcer.how.map(|how| format!(" by {how}")).unwrap_or_default();
        let fact = format!("announced by node {}{how}", announcer.node);
        Known { noted: announcer.noted, ..known(of, fact, &announcer.evidence) }
    };
    match announcers {
        Fact::Known { value, .. } => value.iter().map(one).collect(),
        Fact::Unknown { why } => vec![Known { is_known: false, ..known(of, "announcing node", why) }],
    }
}

fn automatic(automatic: &AutoHostEndpoints) -> String {
    match (automatic.enabled, automatic.default, automatic.templates.as_slice()) {
        (false, ..) => "none are made automatically".into(),
        (true, true, []) => "one for all interfaces of each node is made automatically".into(),
        (true, true, names) => {
            format!("one for each node, and by templates {}, are made automatically", names.join(", "))
        }
        (true, false, []) => "automatic, but nothing says which".into(),
        (true, false, names) => format!("by templates {} they are made automatically", names.join(", ")),
    }
}

/// A node's addresses, the tunnels that it has none for, and the host endpoints of its interfaces.
pub fn of_node(world: &World, node: &Node) -> Vec<Known> {
    let of = format!("Node {}", node.name);
    let addresses = node.addresses.iter();
    let mut facts: Vec<Known> = addresses
        .map(|address| known(&of, format!("{} address {}", role(address.role), address.ip), &address.evidence))
        .collect();
    let felix = world.network.felix_on(&node.name);
    let has_address = node.addresses.iter().any(|address| address.role == AddressRole::Wireguard);
    if node.wireguard_key.contains(&true) && !has_address {
        facts.push(match &felix.host_encryption {
            Fact::Known { value: true, evidence } => known(&of, "no WireGuard address: host encryption", evidence),
            _ => {
                Known { is_known: false, ..known(&of, "WireGuard address", "it has a public key, and no address yet") }
            }
        });
    }
    match coverage(world, &node.name) {
        Ok(covered) => facts.extend(covered.into_iter().map(|covered| {
            let interface = match &covered.interface {
                Some(name) => format!("interface {name}"),
                None => "interface with its address".into(),
            };
            match covered.endpoint {
                Some(endpoint) => known(&of, format!("{interface} is policed"), format!("HostEndpoint {endpoint}")),
                None => known(&of, format!("{interface} is not policed"), "no HostEndpoint is for it"),
            }
        })),
        Err(why) => facts.push(Known { is_known: false, ..known(&of, "which HostEndpoint polices it", why) }),
    }
    facts
}

/// An address's role in words.
pub fn role(role: AddressRole) -> &'static str {
    match role {
        AddressRole::Host => "host",
        AddressRole::External => "external",
        AddressRole::Ipip => "IPIP tunnel",
        AddressRole::Vxlan => "VXLAN tunnel",
        AddressRole::Wireguard => "WireGuard",
    }
}
