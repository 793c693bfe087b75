//! Every door by which clients outside come to Services, and whether it is open.
//! Never opens or closes one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::super::exposure::Door;
use super::super::probe::packet;
use super::apart;
use crate::evaluate::path::{Question, walk};
use crate::model::flow::{Packet, Path, Verdict};
use crate::model::world::{AddressRole, Backend, Fact, Node, Service, ServiceAddress, ServicePort, World};

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
pub const STRANGERS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(203, 0, 113, 77)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x77))];

/// Who may come by a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open {
    /// Nobody.
    No,
    /// Only some of these, of the ranges that policies tell apart.
    To(Vec<IpNet>),
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
    let advertised = |ip: &&IpAddr| world.network.advertises(ServiceAddress::Cluster, **ip).is_some();
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

    /// The ways of a client to the door: to each address of each node that answers, or into each node with an address that
    /// is no node's: whoever sits beside a node can send it there, whichever node announces it.
    pub fn tries(&self, world: &World, source: IpAddr) -> Vec<Try> {
        let mut tries = Vec::new();
        for node in world.nodes.values() {
            match self.door {
                Door::NodePort(number) => {
                    let addresses = node.all_addresses().filter(|ip| answers(world, node, *ip));
                    for ip in addresses.filter(|ip| self.is_served(*ip, &node.name)) {
                        let packet = packet(source, ip, self.port.protocol, Some(number));
                        tries.push(Try { packet, entry: None, node: node.name.clone() });
                    }
                }
                Door::LoadBalancer(ip) | Door::External(ip) | Door::Advertised(ip) => {
                    if self.is_served(ip, &node.name) && self.lets_source(source) {
                        let packet = packet(source, ip, self.port.protocol, Some(self.port.port));
                        let entry = Some(node.name.clone()).filter(|_| world.node_at(ip).is_none());
                        tries.push(Try { packet, entry, node: node.name.clone() });
                    }
                }
            }
        }
        tries.retain(|one| one.packet.destination.is_ipv4() == source.is_ipv4());
        tries
    }

    /// kube-proxy drops what loadBalancerSourceRanges leaves out.
    pub fn lets_source(&self, source: IpAddr) -> bool {
        !self.drops(&source.into())
    }

    /// Whether it drops some of a range. Of a family without any range in the list it drops nothing (kube-proxy keeps a
    /// list for each family).
    pub fn drops(&self, net: &IpNet) -> bool {
        let Door::LoadBalancer(ip) = self.door else { return false };
        let same = |other: &&IpNet| other.addr().is_ipv4() == net.addr().is_ipv4();
        let ranges = IpNet::aggregate(&self.service.source_ranges.iter().filter(same).copied().collect());
        ip.is_ipv4() == net.addr().is_ipv4() && !ranges.is_empty() && !ranges.iter().any(|range| range.contains(net))
    }

    /// Where no backend of the family (on the node, under a traffic policy Local) takes packets, there is no way.
    fn is_served(&self, ip: IpAddr, node: &str) -> bool {
        let Some(backends) = self.service.backends.value() else { return true };
        let ready = |backend: &&Backend| {
            backend.ready && backend.port_name == self.port.name && backend.protocol == self.port.protocol
        };
        let local = match self.door {
            Door::Advertised(_) => self.service.internal_local,
            _ => self.service.local,
        };
        let here = |backend: &&Backend| !local || backend.node.as_deref() == Some(node);
        let mut ready = backends.iter().filter(ready).peekable();
        ready.peek().is_none() || ready.filter(here).any(|backend| backend.ip.is_ipv4() == ip.is_ipv4())
    }

    /// Who may come by it, of strangers and of those that policies tell apart.
    pub fn open(&self, world: &World) -> Open {
        let (mut some, mut unknown) = (Vec::new(), None);
        let apart = apart::of(world, self.service);
        for source in STRANGERS.into_iter().chain(apart.points.iter().copied()) {
            match self.passes(world, source) {
                Pass::Yes if STRANGERS.contains(&source) => return Open::ToAll,
                Pass::Yes => some.push(source),
                Pass::Unknown(why) => unknown = unknown.or(Some(why)),
                Pass::No => {}
            }
        }
        match (some.is_empty(), unknown) {
            (_, Some(why)) => Open::Unknown(why),
            (false, None) => Open::To(apart.holding(&some)),
            (true, None) => Open::No,
        }
    }

    /// Whether strangers are known to reach no backend by it.
    pub fn stops_strangers(&self, world: &World) -> bool {
        STRANGERS.into_iter().all(|source| self.passes(world, source) == Pass::No)
    }

    /// The nodes by which some client comes now, of strangers and of those that policies tell apart, and not after.
    pub fn closes_at(&self, now: &World, after: &World) -> Vec<String> {
        let apart = apart::of(now, self.service);
        let sources = STRANGERS.into_iter().chain(apart.points.iter().copied());
        let tries = sources.flat_map(|source| self.tries(now, source)).filter(|one| is_usual(now, one));
        let closing = tries.filter(|one| one.passes(now) == Pass::Yes && one.passes(after) == Pass::No);
        let nodes: std::collections::BTreeSet<String> = closing.map(|one| one.node).collect();
        nodes.into_iter().collect()
    }

    /// Whether a source reaches a backend by any way, of those that clients use: a node's own address rather than a tunnel's.
    fn passes(&self, world: &World, source: IpAddr) -> Pass {
        let tries = self.tries(world, source).into_iter().filter(|one| is_usual(world, one));
        tries.fold(Pass::No, |so_far, one| so_far.or(one.passes(world)))
    }
}

/// One way of a client to a door.
#[derive(Clone, Debug, PartialEq)]
pub struct Try {
    /// What the client sends.
    pub packet: Packet,
    /// The node where it enters, where the address does not tell.
    pub entry: Option<String>,
    /// The node where it enters.
    pub node: String,
}

impl Try {
    /// Every way that the packet takes from there.
    pub fn ways(&self, world: &World) -> Vec<Path> {
        walk(world, &Question { packet: self.packet, entry: self.entry.clone() })
    }

    /// Whether it reaches a backend by any of them.
    pub fn passes(&self, world: &World) -> Pass {
        self.ways(world).iter().fold(Pass::No, |so_far, path| so_far.or(of_path(path)))
    }
}

/// Whether clients use such a way: tunnels' addresses are routed to nobody outside.
pub fn is_usual(world: &World, one: &Try) -> bool {
    let to = one.packet.destination;
    let Some(node) = world.node_at(to) else { return true };
    node.addresses.iter().any(|own| own.ip == to && own.role == AddressRole::Host)
}

/// Whether an address of a node answers node ports, as far as is known.
fn answers(world: &World, node: &Node, ip: IpAddr) -> bool {
    match &world.network.node_port_addresses {
        Fact::Known { value, .. } => value.answers(ip, &node.primary),
        Fact::Unknown { .. } => true,
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
