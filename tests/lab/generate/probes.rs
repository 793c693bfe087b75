//! Packets of every class that a cluster knows.
//! Never knows which of them policy will stop.

use std::net::IpAddr;

use super::random::Random;
use super::terrain::{Node, Pod, Terrain};
use crate::probe::{Probe, Protocol, Sender};

/// A packet with the class that it is counted under.
#[derive(Clone, Debug)]
pub struct Flow {
    /// As `pod-service`.
    pub class: &'static str,
    /// What is sent.
    pub probe: Probe,
}

/// How often each class is drawn: without and with host endpoints.
const CLASSES: &[(&str, usize, usize)] = &[
    ("pod-pod", 30, 16),
    ("pod-service", 16, 10),
    ("pod-own-node", 4, 6),
    ("pod-node", 5, 8),
    ("pod-world", 7, 6),
    ("pod-nodeport", 5, 6),
    ("node-pod", 7, 7),
    ("node-node", 2, 7),
    ("node-service", 4, 5),
    ("client-pod", 6, 6),
    ("client-node", 2, 8),
    ("client-nodeport", 8, 10),
    ("client-balancer", 3, 4),
    ("client-cluster", 4, 4),
];

/// Nobody listens here: what passes policy is refused, and so told from what is dropped.
const CLOSED: u16 = 7;

/// Packets of all classes, each once.
pub fn flows(random: &mut Random, terrain: &Terrain, hosts: bool, count: usize) -> Vec<Flow> {
    let weights: Vec<(usize, &'static str)> =
        CLASSES.iter().map(|(class, few, many)| (if hosts { *many } else { *few }, *class)).collect();
    let fixed_ports = random.chance(15);
    let mut flows: Vec<Flow> = Vec::new();
    // Some draws find nothing, or what was drawn before.
    for _ in 0..count * 4 {
        if flows.len() == count {
            break;
        }
        let class = *random.weighted(&weights);
        let v6 = random.chance(40);
        let Some(mut probe) = Draw { random, terrain, v6 }.probe(class) else { continue };
        if flows.iter().any(|flow| flow.probe == probe) {
            continue;
        }
        // With one port there is one attempt, which meets one of several backends.
        let ends = terrain.ends(probe.protocol, probe.destination, probe.port).len();
        if fixed_ports && probe.port.is_some() && ends == 1 {
            probe.source_port = u16::try_from(20_000 + flows.len() * 7).ok();
        }
        flows.push(Flow { class, probe });
    }
    flows
}

struct Draw<'a, 't> {
    random: &'a mut Random,
    terrain: &'t Terrain,
    v6: bool,
}

impl<'t> Draw<'_, 't> {
    fn probe(&mut self, class: &str) -> Option<Probe> {
        let (from, to) = class.split_once('-')?;
        let pod = self.random.any(&self.terrain.pods)?;
        let node = self.random.any(&self.terrain.nodes)?;
        let (sender, source) = match from {
            "pod" => (Sender::Pod(pod.full_name()), self.family(&pod.addresses)?),
            "node" => (Sender::Node(node.name.clone()), self.family(&node.own)?),
            _ => {
                let client = self.family(&self.terrain.clients)?;
                (Sender::Client(client), client)
            }
        };
        let home = match from {
            "pod" => Some(pod.node.as_str()),
            "node" => Some(node.name.as_str()),
            _ => None,
        };
        let (destination, port, protocol) = self.destination(to, home, source)?;
        // Only what comes from outside to an address of no node can enter by several.
        let entry = (to == "cluster").then(|| self.random.pick(&self.terrain.nodes).name.clone());
        Some(Probe { sender, source, destination, port, protocol, source_port: None, entry })
    }

    fn destination(&mut self, to: &str, home: Option<&str>, source: IpAddr) -> Option<(IpAddr, Option<u16>, Protocol)> {
        let terrain = self.terrain;
        match to {
            "pod" => {
                let pod: &Pod = self.random.any(&terrain.pods)?;
                let ip = self.family(&pod.addresses).filter(|ip| *ip != source)?;
                Some(self.listener(ip, &terrain.listeners.pods))
            }
            "own" | "own-node" | "node" => {
                let here = |node: &&Node| Some(node.name.as_str()) == home;
                let is_node = home.is_some() && to != "own-node";
                let nodes: Vec<&Node> =
                    terrain.nodes.iter().filter(|node| if to == "own-node" { here(node) } else { true }).collect();
                let nodes: Vec<&Node> = match is_node && self.random.chance(85) {
                    true => nodes.into_iter().filter(|node| !here(node)).collect(),
                    false => nodes,
                };
                let node = self.random.any(&nodes)?;
                let ip = self.family(&node.own)?;
                Some(self.listener(ip, &terrain.listeners.nodes))
            }
            "world" => {
                let ip = self.family(&terrain.clients)?;
                Some(self.listener(ip, &terrain.listeners.clients))
            }
            "service" | "cluster" => {
                let service = self.random.any(&terrain.services)?;
                let port = self.random.any(&service.ports)?;
                Some((self.family(&service.addresses)?, Some(port.port), port.protocol))
            }
            "balancer" => {
                let services: Vec<_> =
                    terrain.services.iter().filter(|service| !service.balancers.is_empty()).collect();
                let service = self.random.any(&services)?;
                let port = self.random.any(&service.ports)?;
                Some((self.family(&service.balancers)?, Some(port.port), port.protocol))
            }
            "nodeport" => {
                let ports = terrain.services.iter().flat_map(|service| &service.ports);
                let ports: Vec<_> = ports.filter(|port| port.node_port.is_some()).collect();
                let port = self.random.any(&ports)?;
                let node = self.random.any(&terrain.nodes)?;
                Some((self.family(&node.own)?, port.node_port, port.protocol))
            }
            _ => None,
        }
    }

    /// A port on which everybody listens, rarely one on which nobody does, or an echo request.
    fn listener(&mut self, ip: IpAddr, ports: &[(Protocol, u16)]) -> (IpAddr, Option<u16>, Protocol) {
        if self.random.chance(8) {
            let kind = if ip.is_ipv4() { 8 } else { 128 };
            return (ip, None, Protocol::Icmp { kind, code: 0 });
        }
        if self.random.chance(4) {
            return (ip, Some(CLOSED), *self.random.pick(&[Protocol::Tcp, Protocol::Udp]));
        }
        let (protocol, port) = *self.random.pick(ports);
        (ip, Some(port), protocol)
    }

    fn family(&mut self, ips: &[IpAddr]) -> Option<IpAddr> {
        let has_v6 = ips.iter().any(IpAddr::is_ipv6);
        let wanted: Vec<IpAddr> = ips.iter().filter(|ip| ip.is_ipv6() == (self.v6 && has_v6)).copied().collect();
        self.random.any(&wanted).copied()
    }
}
