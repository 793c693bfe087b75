//! Which machine, interface and Ethernet address belongs to which node or pod: from the world, and from what the lines
//! of one log tell about each other.
//! Never judges a packet.

use std::collections::HashMap;
use std::net::IpAddr;

use super::ends::End;
use super::interface::{Face, face, of_pod};
use super::line::{Entry, Event, Logged, Mac};
use crate::model::flow::Protocol;
use crate::model::world::{AddressRole, World};

/// What is known of names and addresses below IP.
pub struct Atlas<'w> {
    /// The cluster.
    pub world: &'w World,
    prefixes: Vec<String>,
    by_interface: HashMap<String, usize>,
    hosts: HashMap<String, Option<String>>,
    macs: HashMap<Mac, Option<String>>,
}

/// The two ends of a logged packet and what its interfaces lead to.
#[derive(Clone, Debug, PartialEq)]
pub struct Ends {
    /// What the packet came in by.
    pub incoming: Face,
    /// What it goes out by.
    pub outgoing: Face,
    /// Who sends.
    pub source: End,
    /// Who is meant.
    pub destination: End,
}

/// The label by which a node tells its host name.
const HOSTNAME: &str = "kubernetes.io/hostname";

impl<'w> Atlas<'w> {
    /// Learns from the world and from all lines together: an interface tells the node of its pod, so a line that names a pod's
    /// interface tells which node its machine is, and every other line of that machine profits. So do Ethernet addresses.
    pub fn of<'e>(world: &'w World, entries: impl Iterator<Item = &'e Entry> + Clone) -> Atlas<'w> {
        let prefixes = prefixes(world);
        let pods = world.pods.iter().enumerate().filter(|(_, pod)| !pod.host_network && !pod.finished);
        let by_interface = pods.flat_map(|(index, pod)| {
            prefixes.clone().into_iter().map(move |prefix| (of_pod(&prefix, &pod.namespace, &pod.name), index))
        });
        let by_interface = by_interface.collect();
        let mut atlas = Atlas { world, prefixes, by_interface, hosts: HashMap::new(), macs: HashMap::new() };
        // Host names first: with them more lines tell of Ethernet addresses.
        for entry in entries.clone() {
            let Event::Logged(logged) = &entry.event else { continue };
            if let (Some(host), Some(node)) = (&entry.host, atlas.node_of_interfaces(logged)) {
                learn(&mut atlas.hosts, host.clone(), node);
            }
        }
        for entry in entries {
            if let Event::Logged(logged) = &entry.event {
                atlas.learn_ethernet(entry, logged);
            }
        }
        atlas
    }

    fn learn_ethernet(&mut self, entry: &Entry, logged: &Logged) {
        let (Some((receiver, sender)), Some(node)) = (logged.mac, self.node_without_ethernet(entry)) else { return };
        if self.face(&logged.incoming) != Face::Wire {
            return;
        }
        // The lowest bit of the first byte marks groups.
        if receiver[0] & 1 == 0 {
            learn(&mut self.macs, receiver, node.clone());
        }
        let hosts = |name: &str| {
            let node = self.world.nodes.get(name);
            node.into_iter().flat_map(|node| &node.addresses).filter(|address| address.role == AddressRole::Host)
        };
        let near = hosts(&node).any(|own| own.subnet.is_some_and(|subnet| subnet.contains(&logged.source)));
        let other =
            self.world.node_at(logged.source).filter(|other| hosts(&other.name).any(|own| own.ip == logged.source));
        if let Some(other) = other.filter(|_| near) {
            learn(&mut self.macs, sender, other.name.clone());
        }
    }

    /// What an interface leads to.
    pub fn face(&self, interface: &str) -> Face {
        face(interface, &self.prefixes)
    }

    /// The pod that an interface belongs to, as an index into the world's list.
    pub fn pod_of(&self, interface: &str) -> Option<usize> {
        self.by_interface.get(interface).copied()
    }

    /// What the interfaces and addresses of a packet are. In `filter` chains a Service's address is translated already.
    pub fn ends(&self, logged: &Logged) -> Ends {
        let (incoming, outgoing) = (self.face(&logged.incoming), self.face(&logged.outgoing));
        let door = (outgoing == Face::None).then_some((logged.protocol.unwrap_or(Protocol::TCP), logged.port));
        Ends {
            source: self.end(logged.source, &logged.incoming, &incoming, None),
            destination: self.end(logged.destination, &logged.outgoing, &outgoing, door),
            incoming,
            outgoing,
        }
    }

    /// A pod's interface tells more than an address, which goes to the next pod.
    fn end(&self, address: IpAddr, interface: &str, face: &Face, door: Option<(Protocol, Option<u16>)>) -> End {
        if *face != Face::Workload {
            return End::at(self.world, address, door);
        }
        if let Some(index) = self.pod_of(interface) {
            return End::of_pod(self.world, address, index);
        }
        let end = End::at(self.world, address, door);
        // Other network plug-ins name their interfaces otherwise.
        match end.pod.filter(|_| interface.starts_with("cali")) {
            Some(index) => {
                let pod = self.world.pods[index].full_name();
                End::gone(address, format!("{address} is {pod}'s now, but {interface} is another pod's, which is gone"))
            }
            None => end,
        }
    }

    /// The node that wrote a line, where anything tells it.
    pub fn node_of(&self, entry: &Entry) -> Option<String> {
        let by_ethernet = || match &entry.event {
            Event::Logged(Logged { mac: Some((receiver, _)), incoming, .. }) if self.face(incoming) == Face::Wire => {
                self.macs.get(receiver).cloned().flatten()
            }
            _ => None,
        };
        self.node_without_ethernet(entry).or_else(by_ethernet).or_else(|| self.announcer(entry))
    }

    fn node_without_ethernet(&self, entry: &Entry) -> Option<String> {
        let named = entry.host.as_deref().and_then(|host| self.node_named(host));
        if named.is_some() {
            return named;
        }
        let learned = || entry.host.as_ref().and_then(|host| self.hosts.get(host).cloned().flatten());
        let Event::Logged(logged) = &entry.event else { return learned() };
        self.node_of_interfaces(logged).or_else(learned).or_else(|| self.node_of_addresses(logged))
    }

    /// By its name, its label, or a host name without its domain, as syslog writes it.
    fn node_named(&self, host: &str) -> Option<String> {
        let nodes = &self.world.nodes;
        if nodes.contains_key(host) {
            return Some(host.to_string());
        }
        let short = |name: &str| match name.parse::<IpAddr>() {
            Ok(_) => name.to_string(),
            Err(_) => name.split('.').next().unwrap_or_default().to_ascii_lowercase(),
        };
        let called = |fits: &dyn Fn(&str) -> bool| {
            let mut found =
                nodes.values().filter(|node| fits(&node.name) || node.labels.get(HOSTNAME).is_some_and(|n| fits(n)));
            found.next().filter(|_| found.next().is_none()).map(|node| node.name.clone())
        };
        called(&|name| name == host).or_else(|| called(&|name| short(name) == short(host)))
    }

    /// By the pods that its interfaces lead to.
    fn node_of_interfaces(&self, logged: &Logged) -> Option<String> {
        let ends = self.ends(logged);
        let pods = [(&ends.outgoing, &ends.destination), (&ends.incoming, &ends.source)];
        pods.into_iter()
            .filter(|(face, _)| **face == Face::Workload)
            .find_map(|(_, end)| self.world.pods[end.pod?].node.clone())
    }

    /// What comes in by wire for a node's address and is not sent on was received there; what a machine itself sends carries
    /// its own address.
    fn node_of_addresses(&self, logged: &Logged) -> Option<String> {
        let own = match (self.face(&logged.incoming), self.face(&logged.outgoing)) {
            (Face::Wire | Face::Tunnel(_), Face::None) => logged.destination,
            (Face::None, Face::Wire | Face::Tunnel(_)) => logged.source,
            _ => return None,
        };
        self.world.node_at(own).map(|node| node.name.clone())
    }

    /// A load balancer's address comes in where it is announced.
    fn announcer(&self, entry: &Entry) -> Option<String> {
        let Event::Logged(logged) = &entry.event else { return None };
        if !logged.outgoing.is_empty() || self.face(&logged.incoming) != Face::Wire {
            return None;
        }
        let service = self.world.services_at(logged.destination).next()?;
        let key = (service.namespace.clone(), service.name.clone());
        match self.world.network.announcers.get(&key)?.value()?.as_slice() {
            [only] => Some(only.node.clone()),
            _ => None,
        }
    }
}

/// What the names of pods' interfaces begin with.
fn prefixes(world: &World) -> Vec<String> {
    match world.network.interface_prefixes() {
        none if none.is_empty() => vec!["cali".into()],
        set => set,
    }
}

/// Two answers are none.
fn learn<K: std::hash::Hash + Eq>(known: &mut HashMap<K, Option<String>>, key: K, node: String) {
    let entry = known.entry(key).or_insert_with(|| Some(node.clone()));
    if entry.as_ref().is_some_and(|known| *known != node) {
        *entry = None;
    }
}
