//! The flows that must not change: neighbours of what was asked for, before and after a plan.
//! Never proposes anything.

use std::net::IpAddr;

use ipnet::IpNet;

use super::PlanError;
use super::probe::{packet, representatives};
use super::resolve::Resolved;
use super::rules::is_inside;
use crate::evaluate::policy::PodJudge;
use crate::model::flow::{HopAction, Packet, Protocol};
use crate::model::intent::{GrantPort, Peer};
use crate::model::policy::Direction;
use crate::model::selector::Selector;
use crate::model::world::World;

/// What was asked for, in a world.
pub struct Scope<'a> {
    world: &'a World,
    from: &'a Resolved,
    to: &'a Resolved,
    ports: Option<&'a [GrantPort]>,
}

/// How many other pods are tried.
const OTHERS: usize = 16;

impl<'a> Scope<'a> {
    /// A grant's ends in the world before the plan.
    pub fn new(world: &'a World, from: &'a Resolved, to: &'a Resolved, ports: Option<&'a [GrantPort]>) -> Scope<'a> {
        Scope { world, from, to, ports }
    }

    /// Whether a packet is what was asked for.
    pub fn covers(&self, packet: &Packet) -> bool {
        let port = self.ports.is_none_or(|ports| {
            ports.iter().any(|port| {
                Protocol::parse(&port.protocol) == Some(packet.protocol)
                    && packet.port.is_some_and(|number| (port.first..=port.last).contains(&number))
            })
        });
        port && self.is_end(self.from, packet.source) && self.is_end(self.to, packet.destination)
    }

    fn is_end(&self, end: &Resolved, ip: IpAddr) -> bool {
        match &end.peer {
            Peer::Pods { namespace, selector, .. } => {
                let selector = Selector::parse(selector).ok();
                self.world.pods_at(ip).any(|pod| {
                    pod.namespace == *namespace && selector.as_ref().is_some_and(|s| s.matches(&pod.own_labels))
                })
            }
            Peer::Namespace(namespace) => self.world.pods_at(ip).any(|pod| pod.namespace == *namespace),
            Peer::Nets(nets) => nets.iter().any(|net| net.contains(&ip)),
            Peer::Nodes => self.world.node_at(ip).is_some(),
            Peer::World => !is_inside(self.world, ip),
        }
    }

    /// Compares what the pods at both ends let through before and after: nothing may open but what was asked for.
    pub fn guard(&self, after: &World) -> Result<(), PlanError> {
        for (direction, end, other) in
            [(Direction::Ingress, self.to, self.from), (Direction::Egress, self.from, self.to)]
        {
            for index in representatives(self.world, &end.pods) {
                let pod = &self.world.pods[index];
                let judges = (PodJudge::of(self.world, pod, direction), PodJudge::of(after, pod, direction));
                for packet in self.neighbours(direction, &pod.addresses, other) {
                    let (before, then) = (judges.0.judge(&packet).action, judges.1.judge(&packet).action);
                    let opens = then == HopAction::Allow && before != HopAction::Allow;
                    if opens && !self.covers(&packet) {
                        return Err(PlanError::Refused {
                            reason: format!(
                                "the plan would also open {direction} of {} for {} -> {} ({} {})",
                                pod.full_name(),
                                packet.source,
                                packet.destination,
                                packet.protocol,
                                packet.port.unwrap_or_default()
                            ),
                            hints: vec!["ask for less: one address, one port".into()],
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// Packets like those that were asked for, but for one thing.
    fn neighbours(&self, direction: Direction, own: &[IpAddr], other: &Resolved) -> Vec<Packet> {
        let mut granted = self.addresses(other);
        granted.truncate(4);
        let strangers = self.strangers(other);
        let ports = self.granted_ports();
        let mut packets = Vec::new();
        let mut add = |remote: IpAddr, (protocol, port): (Protocol, Option<u16>)| {
            for local in own.iter().filter(|local| local.is_ipv4() == remote.is_ipv4()) {
                packets.push(match direction {
                    Direction::Ingress => packet(remote, *local, protocol, port),
                    Direction::Egress => packet(*local, remote, protocol, port),
                });
            }
        };
        for stranger in strangers {
            for port in &ports {
                add(stranger, *port);
            }
        }
        for friend in granted {
            for port in self.other_ports() {
                add(friend, port);
            }
        }
        packets
    }

    fn addresses(&self, end: &Resolved) -> Vec<IpAddr> {
        match &end.peer {
            Peer::Nets(nets) => nets.iter().map(IpNet::addr).collect(),
            Peer::Nodes => self.world.nodes.values().flat_map(|node| node.all_addresses()).collect(),
            Peer::World => ["203.0.113.9", "2001:db8::9"].iter().filter_map(|ip| ip.parse().ok()).collect(),
            _ => end.pods.iter().flat_map(|index| self.world.pods[*index].addresses.clone()).collect(),
        }
    }

    /// Addresses next to those that were named, of nodes, of other pods, and of nobody.
    fn strangers(&self, end: &Resolved) -> Vec<IpAddr> {
        let mut ips: Vec<IpAddr> = ["203.0.113.77", "2001:db8::77"].iter().filter_map(|ip| ip.parse().ok()).collect();
        if let Peer::Nets(nets) = &end.peer {
            ips.extend(
                nets.iter().take(8).flat_map(|net| [step(net.network(), -1), step(net.broadcast(), 1)]).flatten(),
            );
        }
        ips.extend(self.world.nodes.values().take(4).flat_map(|node| node.all_addresses()));
        let others: Vec<usize> = (0..self.world.pods.len())
            .filter(|index| !end.pods.contains(index))
            .filter(|index| !self.world.pods[*index].finished && !self.world.pods[*index].host_network)
            .take(512)
            .collect();
        let chosen = representatives(self.world, &others).into_iter().take(OTHERS);
        ips.extend(chosen.flat_map(|index| self.world.pods[index].addresses.clone()));
        ips
    }

    fn granted_ports(&self) -> Vec<(Protocol, Option<u16>)> {
        match self.ports {
            None => vec![(Protocol::TCP, Some(80)), (Protocol::UDP, Some(53)), (Protocol::ICMP, None)],
            Some(ports) => {
                let port = |port: &GrantPort| Some((Protocol::parse(&port.protocol)?, Some(port.first)));
                ports.iter().take(4).filter_map(port).collect()
            }
        }
    }

    fn other_ports(&self) -> Vec<(Protocol, Option<u16>)> {
        let Some(ports) = self.ports else { return Vec::new() };
        let mut found = vec![(Protocol::TCP, Some(22)), (Protocol::UDP, Some(53)), (Protocol::ICMP, None)];
        for port in ports.iter().take(4) {
            let Some(protocol) = Protocol::parse(&port.protocol) else { continue };
            found.extend(port.first.checked_sub(1).filter(|n| *n > 0).map(|n| (protocol, Some(n))));
            found.extend(port.last.checked_add(1).map(|n| (protocol, Some(n))));
            let other = if protocol == Protocol::TCP { Protocol::UDP } else { Protocol::TCP };
            found.push((other, Some(port.first)));
        }
        found
    }
}

/// The address before (-1) or after (1).
fn step(ip: IpAddr, by: i8) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).checked_add_signed(by.into()).map(|ip| IpAddr::V4(ip.into())),
        IpAddr::V6(ip) => u128::from(ip).checked_add_signed(by.into()).map(|ip| IpAddr::V6(ip.into())),
    }
}
