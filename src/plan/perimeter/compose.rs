//! The perimeter's rules: what a grant's clients may, what was found open, and what closes the doors to all others.
//! Never knows which doors are open.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::PlanError;
use super::super::exposure::Door;
use super::super::roles::PERIMETER;
use super::super::rules::{matches, node_nets, of_nets};
use super::doors::{self, Doorway};
use super::{nodes_set, sources};
use crate::kubernetes::labels::LabelRequirements;
use crate::kubernetes::names::{FOUND_OPEN, GRANT, ROLE};
use crate::model::flow::Protocol;
use crate::model::intent::{Grant, GrantPort, Peer, Way};
use crate::model::spec::{EntitySpec, IntOrString, RuleMetadata, RuleSpec};
use crate::model::world::{Service, ServicePort, World};

/// kube-apiserver's default --service-node-port-range.
pub const NODE_PORTS: (u16, u16) = (30000, 32767);

/// How a rule names the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// By the set.
    Set,
    /// By their addresses.
    Inline,
}

fn metadata(key: &str, value: &str) -> Option<RuleMetadata> {
    Some(RuleMetadata { annotations: [(key.to_string(), value.to_string())].into() })
}

fn port(protocol: Protocol, number: u16) -> GrantPort {
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
        (Way::Bgp, Door::LoadBalancer(ip) | Door::External(ip)) => {
            world.network.advertised.iter().any(|net| net.contains(ip))
        }
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
    only: Option<&[IpAddr]>,
    names: Names,
) -> Result<Vec<RuleSpec>, PlanError> {
    let sources = match only {
        Some(ips) => of_nets(&ips.iter().copied().map(IpNet::from).collect::<Vec<_>>()),
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

/// What closes every door to sources outside the cluster: the range of node ports, and every load balancer, external and
/// advertised address; once for each family, as a rule with IPv4 notNets does not exist for IPv6. `cluster` are further
/// addresses of Services that are closed: a machine beside the nodes can route to them.
pub fn closing_rules(world: &World, cluster: &BTreeSet<IpAddr>, names: Names) -> Result<Vec<RuleSpec>, PlanError> {
    let pods = sources::pod_nets(world);
    if pods.is_empty() {
        return Err(PlanError::Unknown {
            reason: "the pods' address ranges are not known, so a perimeter would close the doors to pods too".into(),
            hints: vec!["permission to list ippools and nodes".into()],
        });
    }
    let mut rules = Vec::new();
    for version in [4_u8, 6] {
        let except = cluster_sources(world, &pods, version, names)?;
        let closing = |protocol: Option<Protocol>, not_protocol: Option<Protocol>, destination: EntitySpec| RuleSpec {
            metadata: metadata(ROLE, PERIMETER),
            action: "Deny".into(),
            ip_version: Some(i64::from(version)),
            protocol: protocol.map(|protocol| IntOrString::String(protocol.to_string())),
            not_protocol: not_protocol.map(|protocol| IntOrString::String(protocol.to_string())),
            source: except.clone(),
            destination,
            ..RuleSpec::default()
        };
        for (protocol, ports) in matches(Some(&node_ports(world))) {
            let protocol = protocol.and_then(|name| Protocol::parse(&name));
            rules.push(closing(protocol, None, EntitySpec { ports, ..EntitySpec::default() }));
        }
        // Neighbour discovery and ping are left alone.
        let not = if version == 4 { Protocol::ICMP } else { Protocol::ICMPV6 };
        let is_version = |net: &IpNet| net.addr().is_ipv4() == (version == 4);
        let nets: Vec<IpNet> = service_nets(world, cluster).into_iter().filter(is_version).collect();
        for entity in of_nets(&nets) {
            rules.push(closing(None, Some(not), entity));
        }
        for (ip, ports) in on_nodes(world).into_iter().filter(|(ip, _)| ip.is_ipv4() == (version == 4)) {
            for (protocol, ports) in matches(Some(&ports)) {
                let protocol = protocol.and_then(|name| Protocol::parse(&name));
                let nets = vec![IpNet::from(ip).to_string()];
                rules.push(closing(protocol, None, EntitySpec { nets, ports, ..EntitySpec::default() }));
            }
        }
    }
    Ok(rules)
}

/// Every protocol's range of node ports, and numbers outside the default one that Services have.
fn node_ports(world: &World) -> Vec<GrantPort> {
    let (first, last) = NODE_PORTS;
    let range = |protocol: Protocol| GrantPort { protocol: protocol.to_string(), first, last };
    let mut ports: Vec<GrantPort> = [Protocol::TCP, Protocol::UDP, Protocol::SCTP].map(range).into();
    let services = world.services.values().flat_map(|service| &service.ports);
    let others = services.filter_map(|own| Some(port(own.protocol, own.node_port?)));
    ports.extend(others.filter(|port| !(first..=last).contains(&port.first)));
    ports
}

/// Sources inside the cluster, for which nothing closes: an exception of the closing rule, as an Allow before it would end
/// the administrator's own host policy too. Loopback is for host endpoints of all interfaces.
fn cluster_sources(world: &World, pods: &[IpNet], version: u8, names: Names) -> Result<EntitySpec, PlanError> {
    let loopback = if version == 4 { "127.0.0.0/8" } else { "::1/128" };
    let is_version = |net: &&IpNet| net.addr().is_ipv4() == (version == 4);
    let nodes = if names == Names::Inline { node_nets(world) } else { Vec::new() };
    let outside_pods = nodes.iter().filter(|net| !pods.iter().any(|pods| pods.contains(*net)));
    let nets: Vec<&IpNet> = pods.iter().chain(outside_pods).filter(is_version).collect();
    let not_nets: Vec<String> =
        std::iter::once(loopback.to_string()).chain(nets.iter().map(ToString::to_string)).collect();
    if not_nets.len() > 250 {
        let reason = format!("{} addresses of nodes are too many for one rule", not_nets.len());
        return Err(PlanError::Refused { reason, hints: vec!["leave out --inline-nets: a set holds them".into()] });
    }
    let not_selector = match names {
        // Not namespaceSelector: with it the source would have to be one of Calico's own endpoints.
        Names::Set => format!("{} && !has(projectcalico.org/namespace)", nodes_set::selector()),
        Names::Inline => String::new(),
    };
    Ok(EntitySpec { not_nets, not_selector, ..EntitySpec::default() })
}

/// Addresses of Services that are closed as a whole, and advertised ranges without an address of a node.
fn service_nets(world: &World, cluster: &BTreeSet<IpAddr>) -> Vec<IpNet> {
    let is_node = |ip: &IpAddr| world.node_at(*ip).is_some();
    let holds_node = |net: &IpNet| {
        let mut nodes = world.nodes.values().flat_map(|node| node.all_addresses());
        nodes.any(|ip| net.contains(&ip)) || sources::pod_nets(world).iter().any(|pods| net.contains(pods))
    };
    let ranges = world.network.advertised.iter().copied().filter(|net| !holds_node(net));
    let services = world.services.values();
    let single = services.flat_map(|service| service.load_balancer_ips.iter().chain(&service.external_ips));
    let advertised = world.services.values().flat_map(|service| &service.cluster_ips);
    let advertised = advertised.filter(|ip| world.network.advertised.iter().any(|net| net.contains(*ip)));
    let single = single.chain(advertised).chain(cluster).filter(|ip| !is_node(ip));
    IpNet::aggregate(&ranges.chain(single.copied().map(IpNet::from)).collect())
}

/// External addresses of Services that are a node's own: there only the Service's ports are closed.
fn on_nodes(world: &World) -> BTreeMap<IpAddr, Vec<GrantPort>> {
    let mut found: BTreeMap<IpAddr, Vec<GrantPort>> = BTreeMap::new();
    for service in world.services.values() {
        for ip in service.load_balancer_ips.iter().chain(&service.external_ips) {
            if world.node_at(*ip).is_some() {
                found.entry(*ip).or_default().extend(service.ports.iter().map(|own| port(own.protocol, own.port)));
            }
        }
    }
    found
}
