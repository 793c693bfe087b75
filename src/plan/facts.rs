//! The facts of the network as a list: what is known, from where, and what is not known, and why.
//! Never knows how old a fact is: one that was noted in the past says when.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::evaluate::interfaces::coverage;
use crate::model::flow::{Checkpoint, Path};
use crate::model::world::{
    AddressPool, AddressRole, Advertised, Announcer, AutoHostEndpoints, Fact, Failsafe, Felix, LocalDetection, Network,
    Node, PeerNodes, Service, World,
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

/// A fact that is known.
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
        let of_all = of_felix("Felix", &network.felix);
        let own = of_felix(&format!("Felix on {node}"), own).into_iter();
        facts.extend(own.filter(|known| !of_all.iter().any(|other| other.fact == known.fact)));
    }
    facts.extend(of_proxy(network));
    facts.extend(of_ranges(network));
    facts.extend(of_bgp(world));
    facts.extend(world.services.values().flat_map(of_service));
    facts.extend(of_balancers(world));
    facts.push(either("HostEndpoints", "whether they are made automatically", &network.auto_host_endpoints, automatic));
    facts.extend(world.nodes.values().flat_map(|node| of_node(world, node)));
    facts
}

/// The facts of the network that decided where paths go: Felix's and kube-proxy's settings on them, and who announces the
/// addresses that they enter by.
pub fn of_paths(world: &World, paths: &[Path]) -> Vec<Known> {
    let network = &world.network;
    let hops = || paths.iter().flat_map(|path| &path.hops);
    let mut facts = Vec::new();
    let nodes: BTreeSet<&String> = hops().filter_map(|hop| hop.node.as_ref()).collect();
    for node in &nodes {
        let of = if network.felix_of.contains_key(*node) { format!("Felix on {node}") } else { "Felix".into() };
        let own = of_felix(&of, network.felix_on(node)).into_iter().take(1);
        facts.extend(own);
    }
    if hops().any(|hop| hop.checkpoint == Checkpoint::Dnat) {
        facts.extend(of_proxy(network).into_iter().take(3));
    }
    let asked: BTreeSet<IpAddr> = paths.iter().filter_map(|path| Some(path.hops.first()?.packet.destination)).collect();
    let services = asked.iter().flat_map(|ip| world.services_at(*ip).map(move |service| (*ip, service)));
    for (ip, service) in services.filter(|(ip, service)| service.load_balancer_ips.contains(ip)) {
        let key = (service.namespace.clone(), service.name.clone());
        let of = format!("Service {}/{}", service.namespace, service.name);
        facts.extend(network.announcers.get(&key).into_iter().flat_map(|announcers| of_announcers(&of, announcers)));
        facts.extend(network.address_pool(ip).map(|pool| of_pool(world, pool)));
    }
    let advertised = network.advertised.iter().filter(|one| asked.iter().any(|ip| one.net.contains(ip)));
    facts.extend(advertised.map(of_advertised));
    let mut seen = Vec::new();
    facts.retain(|known| {
        !seen.contains(known) && {
            seen.push(known.clone());
            true
        }
    });
    facts
}

fn of_felix(of: &str, felix: &Felix) -> Vec<Known> {
    let on = |name: &'static str| move |on: &bool| format!("{name} {}", if *on { "on" } else { "off" });
    let mut facts = vec![either(of, "dataplane", &felix.dataplane, |dataplane| format!("dataplane {dataplane}"))];
    if felix.is_bpf() {
        facts.push(either(of, "whether kube-proxy's rules are removed", &felix.cleans_proxy, |cleans| match cleans {
            true => "it serves Services; what kube-proxy left in iptables is removed".into(),
            false => "it serves Services; what kube-proxy left in iptables stays, and is not asked".into(),
        }));
    }
    facts.extend([
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
    ]);
    facts
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
    let mut facts: Vec<Known> = network.advertised.iter().map(of_advertised).collect();
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

fn of_advertised(advertised: &Advertised) -> Known {
    let fact = format!("advertises {} addresses in {}", advertised.of, advertised.net);
    known("BGP", fact, &advertised.evidence)
}

/// The doors by which clients outside come to a Service.
fn of_service(service: &Service) -> Vec<Known> {
    let of = format!("Service {}/{}", service.namespace, service.name);
    let policy = if service.local { "Local" } else { "Cluster" };
    let ports = service.ports.iter().filter_map(|port| {
        let fact = format!("node port {}/{}, externalTrafficPolicy {policy}", port.protocol, port.node_port?);
        Some(known(&of, fact, "spec.ports"))
    });
    let health = service.health_check_node_port.iter();
    let health =
        health.map(|port| known(&of, format!("health checks on node port {port}"), "spec.healthCheckNodePort"));
    let external =
        service.external_ips.iter().map(|ip| known(&of, format!("external address {ip}"), "spec.externalIPs"));
    let balanced = service.load_balancer_ips.iter();
    let balanced = balanced.map(|ip| known(&of, format!("load balancer address {ip}"), "status.loadBalancer"));
    let proxied = service.proxied_ips.iter().map(|ip| {
        let fact = format!("load balancer address {ip}, a proxy that connects to the nodes anew (ipMode)");
        known(&of, fact, "status.loadBalancer")
    });
    ports.chain(health).chain(external).chain(balanced).chain(proxied).collect()
}

fn of_balancers(world: &World) -> Vec<Known> {
    let network = &world.network;
    let mut facts: Vec<Known> = match &network.address_pools {
        Fact::Known { value, .. } => value.iter().map(|pool| of_pool(world, pool)).collect(),
        // Without a load balancer's address nobody asks.
        Fact::Unknown { .. } if network.announcers.is_empty() => Vec::new(),
        Fact::Unknown { why } => vec![Known { is_known: false, ..known("MetalLB", "pools", why) }],
    };
    for ((namespace, name), announcers) in &network.announcers {
        facts.extend(of_announcers(&format!("Service {namespace}/{name}"), announcers));
    }
    facts
}

fn of_pool(world: &World, pool: &AddressPool) -> Known {
    let ranges: Vec<String> = pool.ranges.iter().map(|(first, last)| format!("{first}-{last}")).collect();
    let how: BTreeSet<String> = pool.announced.iter().map(|from| from.how.to_string()).collect();
    let how = if how.is_empty() { "by nobody".into() } else { how.into_iter().collect::<Vec<_>>().join(" and ") };
    let nodes = world.nodes.values().filter(|node| pool.may_be_announced_by(&node.labels)).count();
    let fact = format!("pool {} {}, announced by {how} from {nodes} nodes", pool.name, ranges.join(", "));
    known("MetalLB", fact, &pool.evidence)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::world;

    fn shown(world: &World, of: &str) -> Vec<String> {
        let about = facts(world).into_iter().filter(|known| known.of == of);
        about
            .map(|known| format!("{}{} <- {}", if known.is_known { "" } else { "? " }, known.fact, known.from))
            .collect()
    }

    const NODE: &str = "apiVersion: v1\nkind: Node\nmetadata:\n  name: n1\n  annotations: {projectcalico.org/IPv4Address: 10.0.0.1/24, projectcalico.org/WireguardPublicKey: k}\n---\n";

    #[test]
    fn a_node_says_its_addresses_and_what_polices_it() {
        let host_encryption = "apiVersion: projectcalico.org/v3\nkind: FelixConfiguration\nmetadata: {name: default}\nspec: {wireguardHostEncryptionEnabled: true}\n---\n";
        let address = "host address 10.0.0.1 <- annotation projectcalico.org/IPv4Address of Node n1";
        assert_eq!(
            shown(&world(&format!("{NODE}{host_encryption}")), "Node n1"),
            [
                address,
                "no WireGuard address: host encryption <- wireguardHostEncryptionEnabled of FelixConfiguration default",
                "interface with its address is not policed <- no HostEndpoint is for it",
            ]
        );
        assert_eq!(shown(&world(NODE), "Node n1")[1], "? WireGuard address <- it has a public key, and no address yet");
    }

    #[test]
    fn felix_on_a_node_says_only_what_is_different_there() {
        let own = "apiVersion: projectcalico.org/v3\nkind: FelixConfiguration\nmetadata: {name: node.n1}\nspec: {bpfEnabled: true}\n---\n";
        let version = "{apiVersion: projectcalico.org/v3, kind: ClusterInformation, metadata: {name: default}, spec: {calicoVersion: v3.18.1}}\n---\n";
        let world = world(&format!("{NODE}{own}{version}"));
        assert_eq!(
            shown(&world, "Felix on n1"),
            [
                "dataplane eBPF <- bpfEnabled of FelixConfiguration node.n1",
                "it serves Services; what kube-proxy left in iptables is removed <- Felix's default, unless calico-node's \
                 environment says otherwise (there is no DaemonSet calico-node)",
            ]
        );
        assert_eq!(shown(&world, "Felix").len(), 7);
    }

    #[test]
    fn an_announcer_of_the_past_says_when() {
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {type: LoadBalancer, ports: [{port: 80}]}\n\
                       status: {loadBalancer: {ingress: [{ip: 10.9.0.1}]}}\n---\n";
        let event = "apiVersion: v1\nkind: Event\nmetadata: {name: web.1, namespace: shop}\nreason: nodeAssigned\n\
                     involvedObject: {kind: Service, namespace: shop, name: web}\nmessage: 'announcing from node \"n1\" with protocol \"layer2\"'\n\
                     lastTimestamp: '2026-05-01T12:00:00Z'\n---\n";
        let world = world(&format!("{NODE}{service}{event}"));
        let mut about = facts(&world).into_iter().filter(|known| known.of == "Service shop/web");
        assert_eq!(about.next().unwrap().fact, "load balancer address 10.9.0.1");
        let about = about.next().unwrap();
        assert_eq!((about.fact.as_str(), about.noted), ("announced by node n1 by layer 2", Some(1_777_636_800)));
    }
}
