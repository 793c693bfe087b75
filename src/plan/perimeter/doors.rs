//! Every door by which clients outside come to Services, and whether it is open.
//! Never opens or closes one.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::super::exposure::Door;
use super::super::probe::packet;
use crate::evaluate::path::{Question, walk};
use crate::model::flow::{Packet, Path, Verdict};
use crate::model::policy::RuleAction;
use crate::model::world::{Backend, Service, ServicePort, World};

/// One port of a Service behind one door.
#[derive(Clone, Debug)]
pub struct Doorway<'w> {
    /// The Service.
    pub service: &'w Service,
    /// Its port.
    pub port: &'w ServicePort,
    /// What clients connect to.
    pub door: Door,
}

/// Nobody in particular: documentation addresses (RFC 5737, RFC 3849), of which no rule speaks.
pub const STRANGERS: [&str; 2] = ["203.0.113.77", "2001:db8::77"];

/// Who may come by a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open {
    /// Nobody.
    No,
    /// Only these, of those that were tried.
    To(Vec<IpAddr>),
    /// Strangers too.
    ToAll,
    /// It cannot be told, and why.
    Unknown(String),
}

/// Every door there is.
pub fn all(world: &World) -> Vec<Doorway<'_>> {
    world.services.values().flat_map(|service| of(world, service)).collect()
}

/// The doors of one Service.
pub fn of<'w>(world: &'w World, service: &'w Service) -> Vec<Doorway<'w>> {
    let advertised = |ip: &&IpAddr| world.network.advertised.iter().any(|net| net.contains(*ip));
    let mut found = Vec::new();
    for port in &service.ports {
        let mut add = |door: Door| found.push(Doorway { service, port, door });
        if let Some(number) = port.node_port {
            add(Door::NodePort(number));
        }
        service.load_balancer_ips.iter().for_each(|ip| add(Door::LoadBalancer(*ip)));
        service.external_ips.iter().for_each(|ip| add(Door::External(*ip)));
        service.cluster_ips.iter().filter(advertised).for_each(|ip| add(Door::Advertised(*ip)));
    }
    found
}

impl Doorway<'_> {
    /// For a person.
    pub fn name(&self) -> String {
        let (namespace, service) = (&self.service.namespace, &self.service.name);
        match self.door {
            Door::NodePort(_) => format!("{} ({}) of {namespace}/{service}", self.door, self.port.protocol),
            _ => format!("{} port {} of {namespace}/{service}", self.door, self.port.port),
        }
    }

    /// What a rule names it by, as `shop/web/TCP/30080` or `shop/web/TCP/192.0.2.7:80`.
    pub fn key(&self) -> String {
        let Service { namespace, name, .. } = self.service;
        let protocol = self.port.protocol;
        match self.door {
            Door::NodePort(number) => format!("{namespace}/{name}/{protocol}/{number}"),
            Door::LoadBalancer(ip) | Door::External(ip) | Door::Advertised(ip) => {
                format!("{namespace}/{name}/{protocol}/{ip}:{}", self.port.port)
            }
        }
    }

    /// What a client connects to: address, port and, for a node port, the node.
    pub fn destinations(&self, world: &World) -> Vec<(IpAddr, u16, Option<String>)> {
        match self.door {
            Door::NodePort(number) => world
                .nodes
                .values()
                .flat_map(|node| node.all_addresses().map(move |ip| (ip, number, Some(node.name.clone()))))
                .filter(|(ip, _, node)| self.is_served(*ip, node.as_deref()))
                .collect(),
            Door::LoadBalancer(ip) | Door::External(ip) | Door::Advertised(ip) => {
                vec![(ip, self.port.port, None)]
            }
        }
    }

    /// Where no backend of the family (on the node, under externalTrafficPolicy: Local) takes packets, there is no way.
    fn is_served(&self, ip: IpAddr, node: Option<&str>) -> bool {
        let Some(backends) = self.service.backends.value() else { return true };
        let ready = |backend: &&Backend| {
            backend.ready && backend.port_name == self.port.name && backend.protocol == self.port.protocol
        };
        let ready: Vec<&Backend> = backends.iter().filter(ready).collect();
        let here = |backend: &&&Backend| !self.service.local || backend.node.as_deref() == node;
        ready.is_empty() || ready.iter().filter(here).any(|backend| backend.ip.is_ipv4() == ip.is_ipv4())
    }

    /// The packets of a client, one for each destination, with the node that they are for.
    pub fn packets(&self, world: &World, source: IpAddr) -> Vec<(Packet, Option<String>)> {
        let destinations = self.destinations(world).into_iter().filter(|(ip, ..)| ip.is_ipv4() == source.is_ipv4());
        destinations.map(|(ip, port, node)| (packet(source, ip, self.port.protocol, Some(port)), node)).collect()
    }

    /// Who may come by it, of strangers and of those that policies tell apart.
    pub fn open(&self, world: &World) -> Open {
        let (mut some, mut unknown) = (Vec::new(), None);
        let strangers: Vec<IpAddr> = STRANGERS.iter().filter_map(|ip| ip.parse().ok()).collect();
        for source in strangers.iter().copied().chain(told_apart(world, self.service)) {
            match self.passes(world, source) {
                Pass::Yes if strangers.contains(&source) => return Open::ToAll,
                Pass::Yes => some.push(source),
                Pass::Unknown(why) => unknown = unknown.or(Some(why)),
                Pass::No => {}
            }
        }
        match (some.is_empty(), unknown) {
            (_, Some(why)) => Open::Unknown(why),
            (false, None) => Open::To(some),
            (true, None) => Open::No,
        }
    }

    /// Whether packets of a source reach a backend by any way.
    pub fn passes(&self, world: &World, source: IpAddr) -> Pass {
        let packets = self.packets(world, source);
        packets.iter().fold(Pass::No, |so_far, (packet, _)| so_far.or(passes(world, packet)))
    }
}

/// Whether packets reach a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pass {
    /// On some way.
    Yes,
    /// On none.
    No,
    /// It cannot be told, and why.
    Unknown(String),
}

impl Pass {
    fn or(self, other: Pass) -> Pass {
        match (self, other) {
            (Pass::Yes, _) | (_, Pass::Yes) => Pass::Yes,
            (Pass::Unknown(why), _) | (_, Pass::Unknown(why)) => Pass::Unknown(why),
            (Pass::No, Pass::No) => Pass::No,
        }
    }
}

/// Whether a packet from outside reaches a backend on any of its ways.
pub fn passes(world: &World, packet: &Packet) -> Pass {
    let ways = walk(world, &Question { packet: *packet, entry: None });
    ways.iter().fold(Pass::No, |so_far, path| so_far.or(of_path(path)))
}

fn of_path(path: &Path) -> Pass {
    match path.verdict {
        Verdict::Allow if path.backend.is_some() => Pass::Yes,
        Verdict::Unknown => Pass::Unknown(why_unknown(path)),
        _ => Pass::No,
    }
}

/// Why a path cannot be told.
pub fn why_unknown(path: &Path) -> String {
    use crate::model::flow::{Decider, HopAction};
    let unknown = path.hops.iter().filter(|hop| hop.action == HopAction::Unknown);
    let whys = unknown.filter_map(|hop| match &hop.by {
        Some(Decider::Unknown { why }) => Some(why.clone()),
        _ => None,
    });
    whys.into_iter().next().unwrap_or_else(|| "not enough could be seen".into())
}

/// Addresses of the ranges that rules of the pods' policies let in: such a door may be open for them alone.
fn told_apart(world: &World, service: &Service) -> BTreeSet<IpAddr> {
    let mut found = BTreeSet::new();
    let backends = service.backends.value().into_iter().flatten();
    let pods: Vec<_> = backends.take(16).flat_map(|backend| world.pods_at(backend.ip)).collect();
    for policy in &world.policies {
        if !pods.iter().any(|pod| super::super::decide::selects(policy, pod)) {
            continue;
        }
        let allowed = policy.ingress.iter().flatten().filter(|rule| rule.action == RuleAction::Allow);
        let nets = allowed.flat_map(|rule| rule.source.nets.iter().flatten());
        found.extend(nets.flat_map(|net| [net.network(), net.broadcast()]));
        if found.len() > 64 {
            break;
        }
    }
    found.retain(|ip| !super::super::rules::is_inside(world, *ip) && !ip.is_unspecified());
    found
}
