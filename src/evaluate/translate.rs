//! What kube-proxy does to a packet on a node: which Service it is for, which backends it may get, whether its source
//! becomes the node's.
//! Never knows policy.

use std::net::IpAddr;

use super::owners::unseen_node;
use super::rules::family;
use crate::model::flow::Packet;
use crate::model::world::{Backend, Fact, Hidden, LocalDetection, Part, Service, ServicePort, World};

/// What kube-proxy does.
pub enum Translation<'w> {
    /// Nothing: the packet is for no Service.
    Untouched,
    /// The destination becomes one of these.
    To {
        /// Its Service, as `shop/web`.
        service: String,
        /// Backends that may be chosen.
        backends: Vec<&'w Backend>,
        /// Whether the source becomes the node's behind policy.
        masquerade: Masquerade,
    },
    /// The packet gets nowhere here, for no reason of policy.
    NoWay(String),
    /// It cannot be told.
    Unknown(String),
}

/// Whether a packet's source becomes the node's as it leaves the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Masquerade {
    /// It stays.
    No,
    /// It does.
    Yes,
    /// It cannot be told, and why.
    Unknown(String),
}

/// How the packet addresses the Service.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Cluster,
    External,
    Balancer,
    NodePort,
}

/// Who sends: decides what kube-proxy counts as local.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A process of the node.
    Process,
    /// A pod of the node.
    Pod,
    /// Anything that came in by wire.
    Wire,
}

/// What kube-proxy does to the packet on this node.
pub fn translate<'w>(world: &'w World, node: &str, packet: &Packet, sender: Sender) -> Translation<'w> {
    let destination = packet.destination;
    if world.pods_at(destination).next().is_some() {
        return Translation::Untouched;
    }
    if let Some(why) = unseen_services(world) {
        return Translation::Unknown(why);
    }
    if is_answered_on_node(world, packet) {
        return Translation::Untouched;
    }
    let found = match at_address(world, packet) {
        At::Found(service, port, door) => Some((service, port, door)),
        At::NoPort(why) => return Translation::NoWay(why),
        At::Nowhere => match at_node_port(world, node, packet) {
            Ok(found) => found.map(|(service, port)| (service, port, Door::NodePort)),
            Err(why) => return Translation::Unknown(why),
        },
    };
    let Some((service, port, door)) = found else {
        // It may be a node's address, and the port one that every node has.
        let unread =
            world.node_at(destination).is_none() && node_ports(world).any(|(_, port)| is_node_port(port, packet));
        return match unseen_node(world, destination).filter(|_| unread) {
            Some(why) => Translation::Unknown(why),
            None => Translation::Untouched,
        };
    };
    let name = format!("{}/{}", service.namespace, service.name);
    if world.network.proxy_mode.value().is_some_and(|mode| mode == "ipvs") {
        return Translation::Unknown(format!(
            "kube-proxy uses ipvs, and what it does with packets to Service {name} is not modelled"
        ));
    }
    if door == Door::Balancer && sender == Sender::Wire {
        // kube-proxy keeps a list for each family, and an empty one drops nothing.
        let own = |net: &&ipnet::IpNet| family(net.addr()) == family(packet.source);
        let mut ranges = service.source_ranges.iter().filter(own).peekable();
        if ranges.peek().is_some() && !ranges.any(|net| net.contains(&packet.source)) {
            return Translation::NoWay(format!(
                "kube-proxy drops it: the source is not in loadBalancerSourceRanges of Service {name}"
            ));
        }
    }
    let backends = match &service.backends {
        Fact::Unknown { why } => return Translation::Unknown(why.clone()),
        Fact::Known { value, .. } => value.iter().filter(|backend| {
            backend.ready
                && backend.port_name == port.name
                && backend.protocol == port.protocol
                && family(backend.ip) == family(destination)
        }),
    };
    let (local_only, masquerade) = match treatment(world, node, service, door, packet.source, sender) {
        Ok(treatment) => treatment,
        Err(why) => return Translation::Unknown(why),
    };
    let backends: Vec<&Backend> =
        backends.filter(|backend| !local_only || backend.node.as_deref() == Some(node)).collect();
    if backends.is_empty() {
        let on_node = if local_only { format!(" on node {node}") } else { String::new() };
        return Translation::NoWay(format!("Service {name} has no ready backend{on_node}"));
    }
    Translation::To { service: name, backends, masquerade }
}

/// Whether only backends of the node are chosen, and whether the source becomes the node's (kube-proxy, iptables and
/// nftables: the cluster, external and local chains of a Service's port).
fn treatment(
    world: &World,
    node: &str,
    service: &Service,
    door: Door,
    source: IpAddr,
    sender: Sender,
) -> Result<(bool, Masquerade), String> {
    match &world.network.felix_on(node).bpf {
        Fact::Known { value: false, .. } => {}
        Fact::Known { .. } => {
            // The eBPF dataplane masquerades nothing.
            let local_only = if door == Door::Cluster { service.internal_local } else { service.local };
            return Ok((local_only, Masquerade::No));
        }
        Fact::Unknown { why } => return Err(format!("whether node {node} uses eBPF is not known: {why}")),
    }
    by_proxy(world, node, service, door, source, sender)
}

/// The same where kube-proxy does it.
fn by_proxy(
    world: &World,
    node: &str,
    service: &Service,
    door: Door,
    source: IpAddr,
    sender: Sender,
) -> Result<(bool, Masquerade), String> {
    let local = is_local(world, node, source, sender);
    if door == Door::Cluster {
        let masquerade = match (&local, sender) {
            _ if world.network.masquerade_all => Masquerade::Yes,
            (Ok(Some(false)), _) | (_, Sender::Process) => Masquerade::Yes,
            (Ok(_), _) => Masquerade::No,
            (Err(why), _) => Masquerade::Unknown(why.clone()),
        };
        return Ok((service.internal_local, masquerade));
    }
    if !service.local {
        return Ok((false, Masquerade::Yes));
    }
    if sender == Sender::Process {
        return Ok((false, Masquerade::Yes));
    }
    // externalTrafficPolicy: Local counts pods as being inside, if kube-proxy can tell them.
    let inside = local? == Some(true);
    Ok((!inside, Masquerade::No))
}

/// Whether kube-proxy takes the source for a pod of its own; none where it cannot tell by its configuration.
fn is_local(world: &World, node: &str, source: IpAddr, sender: Sender) -> Result<Option<bool>, String> {
    match &world.network.knows_local {
        Fact::Known { value: LocalDetection::Ranges(ranges), .. } => {
            Ok(Some(ranges.iter().any(|range| range.contains(&source))))
        }
        Fact::Known { value: LocalDetection::Node, .. } => {
            let of_node = world.pods_at(source).any(|pod| pod.node.as_deref() == Some(node));
            Ok(Some(sender == Sender::Pod && of_node))
        }
        Fact::Known { value: LocalDetection::NodeRanges, .. } => match world.nodes.get(node) {
            Some(node) => Ok(Some(node.pod_ranges.iter().any(|range| range.contains(&source)))),
            None => Err(format!("Node {node} was not read, so its podCIDRs are not known")),
        },
        Fact::Known { value: LocalDetection::Nothing, .. } => Ok(Some(false)),
        Fact::Known { value: LocalDetection::Never, .. } => Ok(None),
        // A pod's own packets are left alone in every configuration, unless all is masqueraded.
        Fact::Unknown { .. } if sender == Sender::Pod => Ok(Some(true)),
        Fact::Unknown { why } => Err(format!("whether kube-proxy masquerades this is not known: {why}")),
    }
}

/// Why an address that is no pod's may be a Service's that was not read, if so.
fn unseen_services(world: &World) -> Option<String> {
    if let Some(gap) = world.gap(Hidden::Services, None) {
        return Some(format!("{} could not be read ({}), and may have the address", gap.place, gap.reason));
    }
    (!world.sees(Part::Services, None)).then(|| "not all Services were read, and one may have the address".to_string())
}

/// NodeLocal DNSCache takes these addresses over on every node, before kube-proxy sees them.
pub fn is_answered_on_node(world: &World, packet: &Packet) -> bool {
    packet.port == Some(53) && world.node_local_dns.contains(&packet.destination)
}

enum At<'w> {
    Found(&'w Service, &'w ServicePort, Door),
    NoPort(String),
    Nowhere,
}

fn at_address<'w>(world: &'w World, packet: &Packet) -> At<'w> {
    let mut others = None;
    for service in world.services_at(packet.destination) {
        let door = if service.cluster_ips.contains(&packet.destination) {
            Door::Cluster
        } else if service.load_balancer_ips.contains(&packet.destination) {
            Door::Balancer
        } else {
            Door::External
        };
        match service.ports.iter().find(|port| serves(port, Some(port.port), packet)) {
            Some(port) => return At::Found(service, port, door),
            None => others = Some((service, door)),
        }
    }
    match others {
        // A node's own address can be an external one of a Service too; other ports of it are the node's.
        Some(_) if world.node_at(packet.destination).is_some() => At::Nowhere,
        Some((service, _)) => {
            let asked = match packet.port {
                Some(port) => format!("port {port} of {}", packet.protocol),
                None => format!("{} without a port", packet.protocol),
            };
            At::NoPort(format!("Service {}/{} does not serve {asked}", service.namespace, service.name))
        }
        None => At::Nowhere,
    }
}

/// The Service's port behind a node port, on those addresses of the node that answer node ports.
fn at_node_port<'w>(
    world: &'w World,
    node: &str,
    packet: &Packet,
) -> Result<Option<(&'w Service, &'w ServicePort)>, String> {
    let to = packet.destination;
    let Some(own) = world.nodes.get(node).filter(|own| own.all_addresses().any(|ip| ip == to)) else { return Ok(None) };
    let Some(found) = node_ports(world).find(|(_, port)| is_node_port(port, packet)) else { return Ok(None) };
    // The eBPF dataplane answers on all of them.
    if world.network.felix_on(node).is_bpf() {
        return Ok(Some(found));
    }
    match &world.network.node_port_addresses {
        Fact::Known { value, .. } => Ok(Some(found).filter(|_| value.answers(to, &own.primary))),
        // Primary addresses answer whatever the mode is, unless somebody chose other ranges.
        Fact::Unknown { .. } if own.primary.is_empty() || own.primary.contains(&to) => Ok(Some(found)),
        Fact::Unknown { why } => Err(format!("whether {to} of node {node} answers node ports is not known: {why}")),
    }
}

fn node_ports(world: &World) -> impl Iterator<Item = (&Service, &ServicePort)> {
    world.services.values().flat_map(|service| service.ports.iter().map(move |port| (service, port)))
}

fn is_node_port(port: &ServicePort, packet: &Packet) -> bool {
    serves(port, port.node_port, packet)
}

fn serves(port: &ServicePort, number: Option<u16>, packet: &Packet) -> bool {
    port.protocol == packet.protocol && number.is_some() && number == packet.port
}
