//! The packets that are looked at: clients, strangers, pods and nodes to doors, pods, cluster addresses and hosts.
//! Never judges them.

use std::net::IpAddr;

use kubectl_zerotrust::evaluate::path::{Question, walk};
use kubectl_zerotrust::model::flow::{Packet, Path, Protocol, Verdict};
use kubectl_zerotrust::model::intent::{Grant, Peer};
use kubectl_zerotrust::model::world::{AddressRole, World};
use kubectl_zerotrust::plan::perimeter::doors::{self, is_usual};

use super::random::Random;

/// One packet.
#[derive(Clone, Debug)]
pub struct Flow {
    /// As it is sent.
    pub packet: Packet,
    /// Where it enters, where the address does not tell.
    pub entry: Option<String>,
    /// The door that it is for.
    pub door: Option<String>,
    /// The node whose door it is.
    pub node: Option<String>,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It passes by every way.
    Passes,
    /// It passes by some ways.
    Some,
    /// It passes by none.
    Stopped,
    /// It cannot be told.
    Unknown,
}

impl Fate {
    /// Whether it arrives at all.
    pub fn arrives(self) -> bool {
        matches!(self, Fate::Passes | Fate::Some)
    }
}

impl Flow {
    /// Every way of it.
    pub fn ways(&self, world: &World) -> Vec<Path> {
        walk(world, &Question { packet: self.packet, entry: self.entry.clone() })
    }

    /// What becomes of it. Without its door there is no way; and behind a door is a backend, or there is none.
    pub fn fate(&self, world: &World, keys: &std::collections::BTreeSet<String>) -> Fate {
        if self.door.as_ref().is_some_and(|key| !keys.contains(key)) {
            return Fate::Stopped;
        }
        let ways = self.ways(world);
        let passes = |path: &&Path| path.verdict == Verdict::Allow && (self.door.is_none() || path.backend.is_some());
        let some = ways.iter().filter(passes).count();
        match ways.iter().any(|path| path.verdict == Verdict::Unknown) {
            _ if some == ways.len() => Fate::Passes,
            _ if some > 0 => Fate::Some,
            true => Fate::Unknown,
            false => Fate::Stopped,
        }
    }
}

impl std::fmt::Display for Flow {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Packet { source, destination, protocol, port, .. } = self.packet;
        write!(out, "{source} -> {destination} {protocol}:{}", port.unwrap_or_default())?;
        if let Some(node) = &self.node {
            write!(out, " by {node}")?;
        }
        match &self.door {
            Some(door) => write!(out, " (door {door})"),
            None => Ok(()),
        }
    }
}

/// The doors that there are, by their keys.
pub fn keys(world: &World) -> std::collections::BTreeSet<String> {
    doors::all(world).iter().map(doors::Doorway::key).collect()
}

/// Addresses that stand for clients of a peer.
pub fn clients(peer: &Peer) -> Vec<IpAddr> {
    match peer {
        Peer::Nets(nets) => nets.iter().flat_map(|net| [net.network(), net.broadcast()]).collect(),
        Peer::World => ips(&["203.0.113.9", "2001:db8::9"]),
        _ => Vec::new(),
    }
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// All packets of a cluster, in the world where all doors are there.
pub fn all(worlds: &[&World], grants: &[Grant], random: &mut Random, most: usize) -> Vec<Flow> {
    let Some(end) = worlds.last() else { return Vec::new() };
    let mut outside = ips(&[
        "203.0.113.77",
        "2001:db8::77",
        "10.7.0.98",
        "10.7.0.99",
        "10.9.0.7",
        "10.8.3.4",
        "fd07::99",
        "fd07::9a",
    ]);
    outside.extend(grants.iter().flat_map(|grant| clients(&grant.from)));
    outside.sort();
    outside.dedup();
    let hosts: Vec<IpAddr> = hosts(end).map(|(_, ip)| ip).collect();
    let pods: Vec<IpAddr> =
        end.pods.iter().filter(|pod| !pod.host_network).flat_map(|pod| pod.addresses.clone()).collect();
    let mut flows = Vec::new();
    // Doors before and after: what loses its door closes too.
    let mut seen = std::collections::BTreeSet::new();
    for world in worlds {
        for doorway in doors::all(world) {
            if !seen.insert(doorway.key()) {
                continue;
            }
            for source in outside.iter().chain(&hosts).chain(&pods) {
                let is_outside = outside.contains(source);
                for one in doorway.tries(world, *source) {
                    // What is inside does not enter anywhere.
                    if is_usual(world, &one) && (is_outside || one.entry.is_none()) {
                        let flow = Flow {
                            packet: one.packet,
                            entry: one.entry,
                            door: Some(doorway.key()),
                            node: Some(one.node),
                        };
                        flows.push(flow);
                    }
                }
            }
        }
    }
    flows.extend(plain(end, &outside, &hosts, &pods));
    flows.retain(|flow| flow.packet.source.is_ipv4() == flow.packet.destination.is_ipv4());
    flows.retain(|flow| flow.packet.source != flow.packet.destination);
    random.shuffle(&mut flows);
    flows.truncate(most);
    flows
}

/// Flows without a door: to pods, cluster addresses, hosts, and out.
fn plain(world: &World, outside: &[IpAddr], hosts: &[IpAddr], pods: &[IpAddr]) -> Vec<Flow> {
    let mut flows = Vec::new();
    let mut add = |source: IpAddr, destination: IpAddr, protocol: Protocol, port: u16| {
        let packet = Packet { source, destination, protocol, port: Some(port), source_port: None, icmp: None };
        flows.push(Flow { packet, entry: None, door: None, node: None });
    };
    for source in outside.iter().chain(hosts).chain(pods) {
        for pod in pods {
            for port in [8080, 8081, 53] {
                let protocol = if port == 53 { Protocol::UDP } else { Protocol::TCP };
                add(*source, *pod, protocol, port);
            }
        }
        for host in hosts {
            for port in [22, 443, 10250] {
                add(*source, *host, Protocol::TCP, port);
            }
        }
    }
    for source in hosts.iter().chain(pods) {
        add(*source, "203.0.113.9".parse().unwrap(), Protocol::TCP, 443);
        add(*source, "10.7.0.99".parse().unwrap(), Protocol::TCP, 443);
        add(*source, "2001:db8::9".parse().unwrap(), Protocol::TCP, 443);
        for service in world.services.values() {
            for ip in &service.cluster_ips {
                service.ports.iter().for_each(|port| add(*source, *ip, port.protocol, port.port));
            }
        }
    }
    flows
}

/// The nodes' own addresses.
pub fn hosts(world: &World) -> impl Iterator<Item = (&str, IpAddr)> {
    let own = |role: AddressRole| role == AddressRole::Host;
    world.nodes.values().flat_map(move |node| {
        node.addresses.iter().filter(move |address| own(address.role)).map(|address| (node.name.as_str(), address.ip))
    })
}
