//! The perimeter's rules that let somebody in: a grant's clients, and what was found open.
//! Never knows which doors are open.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::PlanError;
use super::super::exposure::Door;
use super::super::rules::{matches, node_nets, of_nets};
use super::doors::{self, Doorway};
use super::{nodes_set, sources};
use crate::kubernetes::labels::LabelRequirements;
use crate::kubernetes::names::{FOUND_OPEN, GRANT};
use crate::model::flow::Protocol;
use crate::model::intent::{Grant, GrantPort, Peer, Way};
use crate::model::spec::{EntitySpec, IntOrString, RuleMetadata, RuleSpec};
use crate::model::world::{Service, ServiceAddress, ServicePort, World};

/// How a rule names the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// By the set.
    Set,
    /// By their addresses.
    Inline,
}

/// A rule's annotation.
pub fn metadata(key: &str, value: &str) -> Option<RuleMetadata> {
    Some(RuleMetadata { annotations: [(key.to_string(), value.to_string())].into() })
}

/// One port.
pub fn port(protocol: Protocol, number: u16) -> GrantPort {
    GrantPort { protocol: protocol.to_string(), first: number, last: number }
}

/// The ports of a grant's Service that it opens.
pub fn ports_of<'w>(service: &'w Service, grant: &Grant) -> Vec<&'w ServicePort> {
    let asked = grant.through.iter().flat_map(|through| &through.ports).collect::<Vec<_>>();
    let is = |own: &&ServicePort| {
        asked
            .iter()
            .any(|port| port.protocol == own.protocol.to_string() && (port.first..=port.last).contains(&own.port))
    };
    service.ports.iter().filter(is).collect()
}

/// The doors of a grant: those of its way to its Service's ports.
pub fn doors_of<'w>(world: &'w World, grant: &Grant) -> Vec<Doorway<'w>> {
    let (Some(through), Some(service)) = (&grant.through, sources::service_of(world, grant)) else { return Vec::new() };
    let ports = ports_of(service, grant);
    let is_way = |door: &Door| match (through.way, door) {
        (Way::NodePort, Door::NodePort(_)) => true,
        (Way::LoadBalancer, Door::LoadBalancer(_) | Door::External(_)) => true,
        (Way::Bgp, Door::Advertised(_)) => true,
        (Way::Bgp, Door::LoadBalancer(ip)) => world.network.advertises(ServiceAddress::LoadBalancer, *ip).is_some(),
        (Way::Bgp, Door::External(ip)) => world.network.advertises(ServiceAddress::External, *ip).is_some(),
        _ => false,
    };
    let found = doors::of(world, service).into_iter();
    found.filter(|door| is_way(&door.door) && ports.contains(&door.port)).collect()
}

/// What lets a grant's clients come by its doors.
pub fn client_rules(world: &World, grant: &Grant, names: Names) -> Result<Vec<RuleSpec>, PlanError> {
    let sources: Vec<EntitySpec> = match &grant.from {
        Peer::Nets(nets) => of_nets(nets),
        _ => vec![EntitySpec::default()],
    };
    let nodes = grant.through.as_ref().and_then(|through| through.nodes.as_deref());
    let doors = doors_of(world, grant);
    let mut rules = Vec::new();
    for (destination, ports) in destinations(world, &doors, names, nodes)? {
        for source in &sources {
            if families(source, &destination).is_none() {
                continue;
            }
            for (protocol, ports) in matches(Some(&ports)) {
                rules.push(RuleSpec {
                    metadata: metadata(GRANT, &grant.id()),
                    action: "Allow".into(),
                    protocol: protocol.map(IntOrString::String),
                    source: source.clone(),
                    destination: EntitySpec { ports, ..destination.clone() },
                    ..RuleSpec::default()
                });
            }
        }
    }
    Ok(rules)
}

/// Whether a source and a destination have a family in common; Calico refuses a rule with addresses of both.
fn families(source: &EntitySpec, destination: &EntitySpec) -> Option<()> {
    let v6 = |entity: &EntitySpec| entity.nets.first().map(|net| net.contains(':'));
    match (v6(source), v6(destination)) {
        (Some(one), Some(other)) if one != other => None,
        _ => Some(()),
    }
}

/// Where doors are, with their ports: the nodes for node ports, else each address.
fn destinations(
    world: &World,
    doors: &[Doorway<'_>],
    names: Names,
    nodes: Option<&str>,
) -> Result<Vec<(EntitySpec, Vec<GrantPort>)>, PlanError> {
    let mut node_ports = BTreeSet::new();
    let mut addresses: BTreeMap<IpAddr, BTreeSet<GrantPort>> = BTreeMap::new();
    for doorway in doors {
        match doorway.door {
            Door::NodePort(number) => _ = node_ports.insert(port(doorway.port.protocol, number)),
            Door::LoadBalancer(ip) | Door::External(ip) | Door::Advertised(ip) => {
                addresses.entry(ip).or_default().insert(port(doorway.port.protocol, doorway.port.port));
            }
        }
    }
    let mut found = Vec::new();
    if !node_ports.is_empty() {
        let ports: Vec<GrantPort> = node_ports.into_iter().collect();
        let entities = match (nodes, names) {
            (Some(query), _) => of_nets(&chosen(world, query)?),
            (None, Names::Inline) => of_nets(&node_nets(world)),
            (None, Names::Set) => vec![nodes_set::entity()],
        };
        found.extend(entities.into_iter().map(|entity| (entity, ports.clone())));
    }
    for (ip, ports) in addresses {
        found.extend(of_nets(&[ip.into()]).into_iter().map(|entity| (entity, ports.iter().cloned().collect())));
    }
    Ok(found)
}

/// The addresses of the nodes that a label selector takes.
pub fn chosen(world: &World, query: &str) -> Result<Vec<IpNet>, PlanError> {
    let parsed = LabelRequirements::parse(query).map_err(|reason| PlanError::Usage {
        reason: format!("--nodes: {reason}"),
        hints: vec!["write it as kubectl's -l, as role=edge or 'zone in (a,b)'".into()],
    })?;
    let nodes = world.nodes.values().filter(|node| parsed.matches(&node.labels));
    let mut nets: Vec<IpNet> = nodes.flat_map(|node| node.all_addresses()).map(IpNet::from).collect();
    nets.sort();
    nets.dedup();
    match nets.is_empty() {
        true => Err(PlanError::Unresolved {
            reason: format!("no node has the labels {query}"),
            hints: vec!["kubectl get nodes --show-labels".into()],
        }),
        false => Ok(nets),
    }
}

/// What keeps a door as it was found: Pass leaves the packet to all other policy, where an Allow would end it.
pub fn found_open_rules(
    world: &World,
    doorway: &Doorway<'_>,
    only: Option<&[IpNet]>,
    names: Names,
) -> Result<Vec<RuleSpec>, PlanError> {
    let sources = match only {
        Some(nets) => of_nets(nets),
        None => vec![EntitySpec::default()],
    };
    let mut rules = Vec::new();
    for (destination, ports) in destinations(world, std::slice::from_ref(doorway), names, None)? {
        for source in sources.iter().filter(|source| families(source, &destination).is_some()) {
            for (protocol, ports) in matches(Some(&ports)) {
                rules.push(RuleSpec {
                    metadata: metadata(FOUND_OPEN, &doorway.key()),
                    action: "Pass".into(),
                    protocol: protocol.map(IntOrString::String),
                    source: source.clone(),
                    destination: EntitySpec { ports, ..destination.clone() },
                    ..RuleSpec::default()
                });
            }
        }
    }
    Ok(rules)
}

/// For whom exceptions keep a door open: these ranges, or everybody. None where a source is no plain list of ranges, as this
/// tool writes them.
pub fn sources_of(rules: &[&RuleSpec]) -> Option<Option<Vec<IpNet>>> {
    let mut nets = Vec::new();
    for rule in rules {
        let plain = EntitySpec { nets: rule.source.nets.clone(), ..EntitySpec::default() };
        if rule.source != plain {
            return None;
        }
        for net in &rule.source.nets {
            nets.push(net.parse().ok()?);
        }
    }
    let everybody = rules.iter().any(|rule| rule.source.nets.is_empty());
    Some(if everybody { None } else { Some(nets) })
}
