//! The packets that stand for a question of `explain`: from every pod, node and address of one end to those of the other.
//! Never judges them.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

use super::ports::{self, PortAsked, PortName, PortsAsked};
use super::probe::{addresses, packet, ports_of, representatives};
use super::question::{Asked, usage, with_port};
use super::resolve::Resolved;
use super::{Note, PlanError, Weight, exposure};
use crate::model::flow::{Packet, Protocol};
use crate::model::intent::{GrantPort, Peer};
use crate::model::policy::Direction;
use crate::model::world::{AddressRole, Service, ServicePort, World};

/// How many pairs of ends are followed; beyond that, of pods with the same labels only some are.
const PAIRS: usize = 4096;

/// What the packets of a question look like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ends {
    /// Each once.
    pub packets: Vec<Packet>,
    /// What is good to know of the choice.
    pub notes: Vec<Note>,
}

/// A destination and what is sent there.
type Destination = (IpAddr, Vec<(Protocol, Option<u16>)>);

/// Every packet of a question.
pub fn packets(world: &World, asked: &Asked, from: &Resolved, to: &Resolved) -> Result<Ends, PlanError> {
    let mut notes = Vec::new();
    let (mut from, mut to) = (from.clone(), to.clone());
    let count = |end: &Resolved| end.pods.len().max(1);
    if count(&from) * count(&to) > PAIRS {
        for end in [&mut from, &mut to] {
            let chosen = representatives(world, &end.pods);
            if chosen.len() < end.pods.len() {
                let text = format!("of {}, {} are followed: some of each set of labels", end.described, chosen.len());
                let note = Note { weight: Weight::Fact, text };
                if !notes.contains(&note) {
                    notes.push(note);
                }
                end.pods = chosen;
            }
        }
    }
    let senders = senders(world, &from, &to);
    let destinations = destinations(world, asked, &senders, &from, &to)?;
    if let Some(note) = doors(world, &senders, &to) {
        notes.push(note);
    }
    let single = senders.len() == 1 && destinations.len() == 1;
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (destination, ports) in &destinations {
        for source in senders.iter().filter(|source| source.is_ipv4() == destination.is_ipv4()) {
            // One that asks itself counts only where nothing else was meant.
            if source == destination && !single {
                continue;
            }
            for (protocol, port) in ports {
                let packet = packet(*source, *destination, of_family(*protocol, source), *port);
                if seen.insert(packet) {
                    found.push(packet);
                }
            }
        }
    }
    Ok(Ends { packets: found, notes })
}

/// ICMP is asked for by one name, and is another protocol in each family.
fn of_family(protocol: Protocol, ip: &IpAddr) -> Protocol {
    match protocol {
        Protocol::ICMP if ip.is_ipv6() => Protocol::ICMPV6,
        Protocol::ICMPV6 if ip.is_ipv4() => Protocol::ICMP,
        other => other,
    }
}

/// Whether an address is a pod's or a node's: what it sends to a Service is seen by kube-proxy first.
pub fn has_owner(world: &World, ip: IpAddr) -> bool {
    world.pods_at(ip).next().is_some() || world.node_at(ip).is_some()
}

fn senders(world: &World, from: &Resolved, to: &Resolved) -> Vec<IpAddr> {
    match from.peer {
        Peer::Nodes => nodes(world),
        Peer::Nets(_) | Peer::World => addresses(world, from, to, Direction::Ingress),
        Peer::Pods { .. } | Peer::Namespace(_) => pods(world, from),
    }
}

/// Pods' own addresses, and those of nodes whose network they share.
fn pods(world: &World, end: &Resolved) -> Vec<IpAddr> {
    let all = end.pods.iter().chain(&end.host_pods).flat_map(|index| world.pods[*index].addresses.iter().copied());
    let mut seen = BTreeSet::new();
    all.filter(|ip| seen.insert(*ip)).collect()
}

/// One address of each node and family: its own, where it has one.
fn nodes(world: &World) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for node in world.nodes.values() {
        for v4 in [true, false] {
            let mut own: Vec<_> = node.addresses.iter().filter(|address| address.ip.is_ipv4() == v4).collect();
            own.sort_by_key(|address| address.role != AddressRole::Host);
            found.extend(own.first().map(|address| address.ip));
        }
    }
    found
}

/// Where the packets go. A Service is asked at its cluster address by those who are inside, where it leads somewhere: its
/// backends are what is policed, and kube-proxy chooses them.
fn destinations(
    world: &World,
    asked: &Asked,
    senders: &[IpAddr],
    from: &Resolved,
    to: &Resolved,
) -> Result<Vec<Destination>, PlanError> {
    let inside = !senders.is_empty() && senders.iter().all(|ip| has_owner(world, *ip));
    if let Some(service) = to.service.as_ref().and_then(|key| world.services.get(key)).filter(|_| inside) {
        let found = at_cluster_address(world, asked, service);
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let ports = sent(world, asked, to)?;
    let ips = match to.peer {
        Peer::Nodes => nodes(world),
        Peer::Nets(_) | Peer::World => addresses(world, to, from, Direction::Egress),
        Peer::Pods { .. } | Peer::Namespace(_) => pods(world, to),
    };
    Ok(ips.into_iter().map(|ip| (ip, ports.clone())).collect())
}

/// A Service's cluster addresses with the ports that were asked for, if all of them have a backend that is ready. What
/// ipvs does is not modelled, while what policy says to the pods behind it can be told.
fn at_cluster_address(world: &World, asked: &Asked, service: &Service) -> Vec<Destination> {
    if world.network.proxy_mode.value().is_some_and(|mode| mode == "ipvs") {
        return Vec::new();
    }
    let wanted: Vec<&ServicePort> = service.ports.iter().filter(|port| is_asked(asked, port)).collect();
    let backends = service.backends.value().map(Vec::as_slice).unwrap_or_default();
    let answers = |ip: IpAddr, port: &ServicePort| {
        backends.iter().any(|backend| {
            backend.ready
                && backend.ip.is_ipv4() == ip.is_ipv4()
                && backend.port_name == port.name
                && backend.protocol == port.protocol
        })
    };
    let leads = |ip: &IpAddr| wanted.iter().all(|port| answers(*ip, port));
    if wanted.is_empty() || !service.cluster_ips.iter().all(leads) {
        return Vec::new();
    }
    let ports: Vec<_> = wanted.iter().map(|port| (port.protocol, Some(port.port))).collect();
    service.cluster_ips.iter().map(|ip| (*ip, ports.clone())).collect()
}

/// Whether a Service's port is one that was asked for, by its own number or name.
fn is_asked(asked: &Asked, port: &ServicePort) -> bool {
    let fits = |one: &PortAsked| {
        one.protocol.is_none_or(|protocol| protocol == port.protocol)
            && match &one.port {
                PortName::Numbers(first, last) => (*first..=*last).contains(&port.port),
                PortName::Name(name) => port.name.as_ref() == Some(name),
            }
    };
    asked.protocol.is_none_or(|protocol| protocol == port.protocol)
        && match &asked.ports {
            None => true,
            Some(PortsAsked::Any) => false,
            Some(PortsAsked::These(these)) => these.iter().any(fits),
        }
}

/// Protocols and ports that are sent to the pods or addresses themselves.
fn sent(world: &World, asked: &Asked, to: &Resolved) -> Result<Vec<(Protocol, Option<u16>)>, PlanError> {
    if let Some(protocol) = asked.protocol.filter(|protocol| !protocol.has_ports()) {
        return Ok(vec![(protocol, None)]);
    }
    let named = asked.ports.is_some() || to.service.is_some() || !to.declared.is_empty();
    if !named && !to.pods.iter().any(|index| !world.pods[*index].ports.is_empty()) {
        let reason = format!("{} does not say which port", to.described);
        return Err(usage(reason, format!("put one behind it, as --to {}", with_port(&asked.to))));
    }
    let ports: Option<Vec<GrantPort>> = ports::resolve(world, to, asked.ports.as_ref())?;
    let mut all = ports_of(world, to, ports.as_deref());
    if let Some(protocol) = asked.protocol {
        all.retain(|(of, _)| *of == protocol);
        if all.is_empty() {
            let reason = format!("{} has no {protocol} port", to.described);
            return Err(usage(reason, format!("put its number behind it, as --to {}", with_port(&asked.to))));
        }
    }
    // Of ICMP, which is one question, one name is enough; the address says which of both it is.
    all.retain(|(protocol, _)| *protocol != Protocol::ICMPV6);
    Ok(all)
}

/// A Service by its name stands for its pods; clients outside come to them by its doors, which are questions of their own.
fn doors(world: &World, senders: &[IpAddr], to: &Resolved) -> Option<Note> {
    let (namespace, name) = to.service.as_ref()?;
    if senders.iter().all(|ip| has_owner(world, *ip)) {
        return None;
    }
    let full = format!("{namespace}/{name}");
    let own = exposure::of(world, to).into_iter().filter(|exposure| exposure.service == full);
    let doors: Vec<String> = own.map(|exposure| exposure.door.to_string()).collect();
    if doors.is_empty() {
        return None;
    }
    let text = format!(
        "this is about packets to the pods of {full} themselves; clients outside come to them by {}: name that address and \
         port as --to for the whole way",
        doors.join(", ")
    );
    Some(Note { weight: Weight::Fact, text })
}
