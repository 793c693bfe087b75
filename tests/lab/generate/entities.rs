//! The source or destination of a rule, clause by clause, each true or false of a packet.
//! Never knows what else the rule asks for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde_json::{Map, Value, json};

use super::random::Random;
use super::rules::Place;
use super::scene::{Look, Owner, Scene};
use super::selectors::selector;
use crate::probe::Protocol;

/// Which end of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where it comes from.
    Source,
    /// Where it goes.
    Destination,
}

impl Side {
    /// Its field of a rule.
    pub fn field(self) -> &'static str {
        match self {
            Side::Source => "source",
            Side::Destination => "destination",
        }
    }
}

/// A clause about one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clause {
    /// nets.
    Nets,
    /// notNets.
    NotNets,
    /// selector, with a namespaceSelector where the policy's namespace is another.
    Selector,
    /// notSelector.
    NotSelector,
    /// namespaceSelector.
    Namespaces,
    /// serviceAccounts.
    Accounts,
    /// ports.
    Ports,
    /// notPorts.
    NotPorts,
    /// services.
    Service,
}

/// Some clauses that go together.
pub fn clauses(random: &mut Random, with_ports: bool, services: bool) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let who = [
        (30, vec![]),
        (22, vec![Clause::Nets]),
        (6, vec![Clause::NotNets]),
        (5, vec![Clause::Nets, Clause::NotNets]),
        (16, vec![Clause::Selector]),
        (7, vec![Clause::NotSelector]),
        (4, vec![Clause::Selector, Clause::NotSelector]),
        (8, vec![Clause::Namespaces]),
        (6, vec![Clause::Namespaces, Clause::Selector]),
        (6, vec![Clause::Accounts]),
        (3, vec![Clause::Accounts, Clause::Namespaces]),
        (3, vec![Clause::Nets, Clause::Selector]),
        (3, vec![Clause::NotNets, Clause::NotSelector]),
    ];
    if services && random.chance(6) {
        // Nothing else can stand beside a Service.
        return vec![Clause::Service];
    }
    clauses.extend(random.weighted(&who).iter().copied());
    if with_ports && random.chance(60) {
        clauses.push(Clause::Ports);
    }
    if with_ports && random.chance(8) {
        clauses.push(Clause::NotPorts);
    }
    clauses
}

/// The fields of one end of a rule; each clause true of the packet or not.
pub fn entity(
    random: &mut Random,
    scene: &Scene<'_>,
    look: &Look,
    place: Place<'_>,
    side: Side,
    clauses: &[(Clause, bool)],
) -> Map<String, Value> {
    let (ip, port) = match side {
        Side::Source => (look.source, look.source_port),
        Side::Destination => (look.destination, look.port),
    };
    let owner = scene.owner(random, ip);
    let mut entity = Map::new();
    for (clause, wanted) in clauses {
        let owner = owner.as_ref();
        let (field, value) = match clause {
            Clause::Nets => ("nets", nets(random, scene, ip, *wanted)),
            Clause::NotNets => ("notNets", nets(random, scene, ip, !wanted)),
            Clause::Selector => {
                let Some(owner) = owner else { continue };
                if *wanted && owner.namespace.as_deref() != place.namespace && place.namespace.is_some() {
                    let text = namespaces(random, scene, Some(owner), true);
                    entity.entry("namespaceSelector").or_insert(json!(text));
                }
                ("selector", json!(selector(random, &owner.labels, &scene.vocabulary, *wanted)))
            }
            Clause::NotSelector => {
                let labels = owner.map(|owner| owner.labels.clone()).unwrap_or_default();
                ("notSelector", json!(selector(random, &labels, &scene.vocabulary, !wanted)))
            }
            Clause::Namespaces => ("namespaceSelector", json!(namespaces(random, scene, owner, *wanted))),
            Clause::Accounts => match accounts(random, scene, owner, *wanted) {
                Some(accounts) => ("serviceAccounts", accounts),
                None => continue,
            },
            Clause::Ports => ("ports", ports(random, look.protocol, owner, port, *wanted)),
            Clause::NotPorts => ("notPorts", ports(random, look.protocol, owner, port, !wanted)),
            Clause::Service => match service(random, scene, ip, *wanted) {
                Some(service) => ("services", service),
                None => continue,
            },
        };
        entity.insert(field.into(), value);
    }
    entity
}

fn namespaces(random: &mut Random, scene: &Scene<'_>, owner: Option<&Owner>, wanted: bool) -> String {
    match owner.map(|owner| owner.namespace.as_deref()) {
        Some(Some(_)) if wanted && random.chance(15) => "all()".into(),
        Some(Some(namespace)) => {
            let labels = scene.terrain.labels_of_namespace(namespace);
            selector(random, &labels, &super::selectors::Vocabulary::default(), wanted)
        }
        Some(None) if wanted => "global()".into(),
        // What nobody has is in no namespace.
        _ => (*random.pick(&["all()", "has(kubernetes.io/metadata.name)"])).into(),
    }
}

fn accounts(random: &mut Random, scene: &Scene<'_>, owner: Option<&Owner>, wanted: bool) -> Option<Value> {
    let owner = owner?;
    let (namespace, account) = (owner.namespace.as_deref()?, owner.account.as_deref()?);
    let others: Vec<&String> =
        scene.terrain.accounts.iter().map(|(_, name, _)| name).filter(|name| *name != account).collect();
    let other = random.any(&others).map_or("nobody", |name| name.as_str());
    let labels = scene.terrain.labels_of_account(namespace, account);
    let text = selector(random, &labels, &super::selectors::Vocabulary::default(), wanted);
    Some(match (random.below(3), wanted) {
        (0, true) => json!({ "names": [other, account] }),
        (0, false) => json!({ "names": [other] }),
        (1, true) => json!({ "names": [account], "selector": text }),
        _ => json!({ "selector": text }),
    })
}

/// A list of addresses that has this one, or narrowly not.
fn nets(random: &mut Random, scene: &Scene<'_>, ip: IpAddr, has: bool) -> Value {
    let lengths = if ip.is_ipv4() { [32, 32, 31, 24, 16, 8] } else { [128, 128, 127, 64, 48, 16] };
    let mut nets = Vec::new();
    for _ in 0..*random.weighted(&[(60, 0), (25, 1), (15, 2)]) {
        nets.extend(other_net(random, scene, ip));
    }
    let length = *random.pick(&lengths);
    // The last bit of the prefix decides.
    let near = net(if has { ip } else { flipped(ip, length - 1) }, length);
    if has || nets.is_empty() || random.chance(70) {
        nets.push(near);
    }
    nets.retain(|net| has || !net.contains(&ip));
    if nets.is_empty() {
        nets.push(net(flipped(ip, 7), 32.min(length)));
    }
    random.shuffle(&mut nets);
    nets.dedup();
    // Calico's module of 3.28 panics on notNets of everything; nothing here is as short as that.
    json!(nets.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn net(ip: IpAddr, length: u8) -> IpNet {
    IpNet::new(ip, length).expect("a prefix length of the family").trunc()
}

/// The address with one bit changed, counted from the left.
fn flipped(ip: IpAddr, bit: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip) ^ (1 << (31 - u32::from(bit.min(31))))).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip) ^ (1 << (127 - u32::from(bit.min(127))))).into(),
    }
}

/// An address or range of the family that means something here.
fn other_net(random: &mut Random, scene: &Scene<'_>, like: IpAddr) -> Option<IpNet> {
    let terrain = scene.terrain;
    let same = |ip: &IpAddr| ip.is_ipv4() == like.is_ipv4() && *ip != like;
    let pods = terrain.pods.iter().flat_map(|pod| &pod.addresses);
    let nodes = terrain.nodes.iter().flat_map(|node| node.own.iter().chain(&node.tunnels));
    let ips: Vec<IpAddr> = pods.chain(nodes).chain(&terrain.clients).filter(|ip| same(ip)).copied().collect();
    let ip = *random.any(&ips)?;
    let full = if ip.is_ipv4() { 32 } else { 128 };
    Some(net(ip, if random.chance(75) { full } else { full - 8 }))
}

/// A list of ports that has this one, or narrowly not.
fn ports(random: &mut Random, protocol: Protocol, owner: Option<&Owner>, port: Option<u16>, has: bool) -> Value {
    let port = port.unwrap_or(40_000);
    let word = match protocol {
        Protocol::Udp => "UDP",
        Protocol::Sctp => "SCTP",
        _ => "TCP",
    };
    let named: Vec<&(String, String, u16)> = owner.iter().flat_map(|owner| &owner.ports).collect();
    let own_names = named.iter().filter(|(_, of, number)| (of == word && *number == port) == has);
    let own_names: Vec<&str> = own_names.map(|(name, _, _)| name.as_str()).collect();
    let mut list: Vec<Value> = Vec::new();
    for _ in 0..*random.weighted(&[(65, 0), (25, 1), (10, 3)]) {
        let other = *random.pick(&[22, 53, 80, 443, 5432, 5353, 8080, 9999, 30080]);
        if has || other != port {
            list.push(json!(other));
        }
    }
    let (low, high) = (port.saturating_sub(random.between(1, 9) as u16).max(1), port.saturating_add(9));
    let decisive = match (random.below(4), has) {
        (0, true) => json!(format!("{low}:{high}")),
        (1, true) => json!(format!("{port}:{port}")),
        (2, _) if !own_names.is_empty() => json!(random.pick(&own_names)),
        (_, true) => json!(port),
        (0, false) => json!(format!("{}:{}", port.saturating_add(1), port.saturating_add(20))),
        (1, false) if low < port => json!(format!("{low}:{}", port - 1)),
        (_, false) => json!(port.saturating_add(1)),
    };
    if random.chance(4) {
        // More than one match of the kernel holds.
        list.extend((0..16).map(|index| json!(1000 + index * 3)));
    }
    list.push(decisive);
    random.shuffle(&mut list);
    json!(list)
}

/// A Service of which the address is a backend, or one of which it is none.
fn service(random: &mut Random, scene: &Scene<'_>, ip: IpAddr, wanted: bool) -> Option<Value> {
    let terrain = scene.terrain;
    let of = |index: &usize| terrain.pods[*index].addresses.contains(&ip);
    let fitting: Vec<_> = terrain
        .services
        .iter()
        .filter(|service| service.ports.iter().flat_map(|port| &port.backends).any(|(index, _)| of(index)) == wanted)
        .collect();
    let service = random.any(&fitting)?;
    Some(json!({ "name": service.name, "namespace": service.namespace }))
}
