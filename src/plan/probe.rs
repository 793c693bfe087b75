//! Packets that stand for all packets of a grant: one for every way in which a rule could tell them apart.
//! Never judges them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::resolve::Resolved;
use super::rules::{is_inside, node_nets};
use crate::model::flow::{Packet, Protocol};
use crate::model::intent::{GrantPort, Peer};
use crate::model::policy::{Direction, Policy, Port, RuleAction};
use crate::model::selector::Selector;
use crate::model::world::{Labels, World};

/// How many pods of one end are looked at; pods with the same labels are judged alike.
const PODS: usize = 24;
/// How many addresses of one end are looked at.
const ADDRESSES: usize = 256;
/// How many ports of one range are looked at.
const PORTS: usize = 24;

/// A packet of a grant, and the pods at its ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// The packet.
    pub packet: Packet,
    /// The sending pod, as an index into the world's list.
    pub sender: Option<usize>,
    /// The receiving pod.
    pub receiver: Option<usize>,
}

/// Addresses of an end that is no pods: those that rules of the other end tell apart.
pub fn addresses(world: &World, of: &Resolved, other: &Resolved, direction: Direction) -> Vec<IpAddr> {
    end(world, of, &told_apart(world, other, direction)).into_iter().map(|(_, ip)| ip).collect()
}

/// Packets for every pair of ends and every port.
pub fn probes(world: &World, from: &Resolved, to: &Resolved, ports: Option<&[GrantPort]>) -> Vec<Probe> {
    let senders = end(world, from, &told_apart(world, to, Direction::Ingress));
    let receivers = end(world, to, &told_apart(world, from, Direction::Egress));
    // One that asks itself counts only where nothing else was meant.
    let only_itself = senders.len() == 1 && receivers.len() == 1;
    let mut probes = Vec::new();
    for (protocol, port) in ports_of(world, to, ports) {
        for (sender, source) in &senders {
            for (receiver, destination) in &receivers {
                let icmp = matches!(protocol, Protocol::ICMP | Protocol::ICMPV6);
                let icmp_fits = !icmp || (protocol == Protocol::ICMP) == source.is_ipv4();
                if source.is_ipv4() == destination.is_ipv4() && (only_itself || source != destination) && icmp_fits {
                    probes.push(Probe {
                        packet: packet(*source, *destination, protocol, port),
                        sender: *sender,
                        receiver: *receiver,
                    });
                }
            }
        }
    }
    probes
}

/// A packet of a new connection.
pub fn packet(source: IpAddr, destination: IpAddr, protocol: Protocol, port: Option<u16>) -> Packet {
    // Of ICMP, an echo request: policies that tell types apart mean that one first of all.
    let icmp = match protocol {
        Protocol::ICMP => Some((8, 0)),
        Protocol::ICMPV6 => Some((128, 0)),
        _ => None,
    };
    Packet { source, destination, protocol, port, source_port: None, icmp }
}

/// Addresses of one end, with the pods that have them. `told_apart` are the ranges that rules at the other end know.
fn end(world: &World, end: &Resolved, told_apart: &[IpNet]) -> Vec<(Option<usize>, IpAddr)> {
    let alone = |ips: Vec<IpAddr>| ips.into_iter().take(ADDRESSES).map(|ip| (None, ip)).collect();
    match &end.peer {
        Peer::Pods { .. } | Peer::Namespace(_) => {
            let pods = representatives(world, &end.pods);
            pods.into_iter().flat_map(|i| world.pods[i].addresses.iter().map(move |ip| (Some(i), *ip))).collect()
        }
        Peer::Nets(nets) => alone(points(nets, told_apart)),
        Peer::Nodes => alone(node_nets(world).iter().map(IpNet::addr).collect()),
        Peer::World => {
            let everywhere: Vec<IpNet> = ["0.0.0.0/0", "::/0"].iter().filter_map(|net| net.parse().ok()).collect();
            let mut ips = points(&everywhere, told_apart);
            // Documentation addresses (RFC 5737, RFC 3849): no rule of anybody's is about them.
            ips.splice(0..0, ["203.0.113.9", "2001:db8::9"].iter().filter_map(|ip| ip.parse::<IpAddr>().ok()));
            ips.retain(|ip| !is_inside(world, *ip) && !ip.is_unspecified() && !ip.is_loopback());
            alone(ips)
        }
    }
}

/// Pods of which each has labels of its own, apart from those that tell replicas apart.
pub fn representatives(world: &World, pods: &[usize]) -> Vec<usize> {
    let mut classes: BTreeMap<Labels, Vec<usize>> = BTreeMap::new();
    for index in pods {
        let pod = &world.pods[*index];
        let mut labels = super::candidates::lasting_labels(pod);
        labels.insert("serviceaccount".into(), pod.service_account.clone());
        classes.entry(labels).or_default().push(*index);
    }
    let mut chosen = Vec::new();
    let longest = classes.values().map(Vec::len).max().unwrap_or(0);
    for round in 0..longest {
        chosen.extend(classes.values().filter_map(|class| class.get(round)));
        if chosen.len() >= PODS {
            break;
        }
    }
    chosen.truncate(PODS.max(classes.len()));
    chosen
}

/// The ranges that rules of an end's own policies speak of, network sets' too: those that deny first, as there are only
/// so many that are looked at.
fn told_apart(world: &World, end: &Resolved, direction: Direction) -> Vec<IpNet> {
    let pods = representatives(world, &end.pods);
    let selects = |policy: &&Policy| pods.iter().any(|index| super::decide::selects(policy, &world.pods[*index]));
    let rules = world.policies.iter().filter(selects).flat_map(|policy| policy.rules(direction).unwrap_or_default());
    let (mut denied, mut others) = (BTreeSet::new(), BTreeSet::new());
    for rule in rules {
        let entity = match direction {
            Direction::Ingress => &rule.source,
            Direction::Egress => &rule.destination,
        };
        let nets = if rule.action == RuleAction::Deny { &mut denied } else { &mut others };
        nets.extend(entity.nets.iter().flatten().chain(&entity.not_nets).copied());
        let sets = world.network_sets.iter().filter(|set| {
            let is = |selector: &Option<Selector>| selector.as_ref().is_some_and(|s| s.matches(&set.labels));
            is(&entity.selector) || is(&entity.not_selector)
        });
        nets.extend(sets.flat_map(|set| set.nets.iter().copied()));
    }
    denied.into_iter().chain(others).collect()
}

/// Addresses of the given ranges: their ends, and the ends of every range that rules tell apart within them.
fn points(nets: &[IpNet], told_apart: &[IpNet]) -> Vec<IpAddr> {
    let ends = |net: &IpNet| [net.network(), net.broadcast()];
    let within = |ip: &IpAddr| nets.iter().any(|net| net.contains(ip));
    let hosts = nets.iter().flat_map(|net| match net.hosts().next() {
        Some(first) => vec![first, net.broadcast()],
        None => vec![net.addr()],
    });
    let mut seen = BTreeSet::new();
    hosts.chain(told_apart.iter().flat_map(ends).filter(within)).filter(|ip| seen.insert(*ip)).collect()
}

/// Protocols and ports of a grant: the ends of each range, and every port that rules or pods tell apart within it.
pub fn ports_of(world: &World, to: &Resolved, ports: Option<&[GrantPort]>) -> Vec<(Protocol, Option<u16>)> {
    let mut told_apart: BTreeSet<u16> = BTreeSet::new();
    for policy in &world.policies {
        for rule in policy.ingress.iter().chain(&policy.egress).flatten() {
            for port in rule.destination.ports.iter().flatten().chain(&rule.destination.not_ports) {
                if let Port::Range(first, last) = port {
                    told_apart.extend([*first, *last]);
                }
            }
        }
    }
    told_apart.extend(to.pods.iter().flat_map(|index| world.pods[*index].ports.iter().map(|port| port.port)));
    let Some(ports) = ports else {
        let mut all: Vec<(Protocol, Option<u16>)> = vec![(Protocol::ICMP, None), (Protocol::ICMPV6, None)];
        told_apart.extend([1, 65535]);
        for protocol in [Protocol::TCP, Protocol::UDP, Protocol::SCTP] {
            all.extend(told_apart.iter().take(PORTS).map(|port| (protocol, Some(*port))));
        }
        // Felix drops VXLAN that pods send, whatever policy says.
        all.retain(|probe| *probe != (Protocol::UDP, Some(4789)));
        return all;
    };
    let mut all = Vec::new();
    for GrantPort { protocol, first, last } in ports {
        let Some(protocol) = Protocol::parse(protocol) else { continue };
        let mut chosen: BTreeSet<u16> = [*first, *last].into();
        chosen.extend(told_apart.range(*first..=*last).take(PORTS));
        all.extend(chosen.into_iter().map(|port| (protocol, Some(port))));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_range_is_looked_at_wherever_a_rule_tells_it_apart() {
        let found = points(&nets(&["10.0.0.0/8"]), &nets(&["10.8.0.0/16", "0.0.0.0/0", "192.0.2.0/24"]));
        let shown: Vec<String> = found.iter().map(IpAddr::to_string).collect();
        assert_eq!(shown, ["10.0.0.1", "10.255.255.255", "10.8.0.0", "10.8.255.255"]);
        assert_eq!(points(&nets(&["10.7.0.99/32"]), &[]).len(), 1);
    }
}
