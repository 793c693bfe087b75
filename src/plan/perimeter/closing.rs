//! What closes the doors: the rules of the perimeter for sources outside the cluster.
//! Never knows which doors are open.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};

use super::super::PlanError;
use super::super::roles::PERIMETER;
use super::super::rules::{matches, node_nets, of_nets};
use super::compose::{Names, metadata, port};
use super::{hosts, nodes_set, sources};
use crate::kubernetes::names::ROLE;
use crate::model::flow::Protocol;
use crate::model::intent::GrantPort;
use crate::model::spec::{EntitySpec, IntOrString, RuleSpec};
use crate::model::world::{Fact, ServiceAddress, World};

/// kube-apiserver's default --service-node-port-range.
const NODE_PORTS: (u16, u16) = (30000, 32767);

/// What closes every door to sources outside the cluster: the range of node ports, and every load balancer, external and
/// advertised address; once for each family, as a rule with IPv4 notNets does not exist for IPv6. `cluster` are further
/// addresses of Services that are closed: a machine beside the nodes can route to them.
pub fn rules(world: &World, cluster: &BTreeSet<IpAddr>, names: Names) -> Result<Vec<RuleSpec>, PlanError> {
    let mut rules = Vec::new();
    for version in [4_u8, 6] {
        let closes = closing_rule(world, version, names, &[])?;
        let closing = |protocol: Option<Protocol>, not_protocol: Option<Protocol>, destination: EntitySpec| RuleSpec {
            protocol: protocol.map(|protocol| IntOrString::String(protocol.to_string())),
            not_protocol: not_protocol.map(|protocol| IntOrString::String(protocol.to_string())),
            destination,
            ..closes.clone()
        };
        for (protocol, ports) in matches(Some(&node_ports(world))) {
            let protocol = protocol.and_then(|name| Protocol::parse(&name));
            rules.push(closing(protocol, None, EntitySpec { ports, ..EntitySpec::default() }));
        }
        // Neighbour discovery and ping are left alone.
        let not = if version == 4 { Protocol::ICMP } else { Protocol::ICMPV6 };
        let is_version = |net: &IpNet| net.addr().is_ipv4() == (version == 4);
        let nets: Vec<IpNet> = service_nets(world, cluster)?.into_iter().filter(is_version).collect();
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

/// A Deny of one family for every source outside the cluster, but for `more`.
pub fn closing_rule(world: &World, version: u8, names: Names, more: &[IpNet]) -> Result<RuleSpec, PlanError> {
    let pods = sources::pod_nets(world);
    if pods.is_empty() {
        return Err(PlanError::Unknown {
            reason: "the pods' address ranges are not known, so a perimeter would close the doors to pods too".into(),
            hints: vec!["permission to list ippools and nodes".into()],
        });
    }
    let mut source = cluster_sources(world, &pods, version, names)?;
    source.not_nets.extend(more.iter().map(ToString::to_string));
    if source.not_nets.len() > 250 {
        let reason = format!("{} addresses are too many for one rule", source.not_nets.len());
        return Err(PlanError::Refused {
            reason,
            hints: vec![
                "leave out --inline-nets: a set holds the nodes' addresses".into(),
                "name wider networks with --allow-from".into(),
            ],
        });
    }
    Ok(RuleSpec {
        metadata: metadata(ROLE, PERIMETER),
        action: "Deny".into(),
        ip_version: Some(i64::from(version)),
        source,
        ..RuleSpec::default()
    })
}

/// What keeps the health checks of load balancers outside answered: kube-proxy listens for them on the nodes, within the
/// range of node ports (and, `of_hosts`, on a port of its own), and they lead to no pod.
pub fn health_checks(world: &World, names: Names, of_hosts: bool) -> Vec<RuleSpec> {
    let services = world.services.values().filter(|service| service.kind == "LoadBalancer" && service.local);
    let services = services.filter(|service| sources::is_checked_from_outside(world, service));
    let numbers: BTreeSet<u16> = services.filter_map(|service| service.health_check_node_port).collect();
    let mut ports: Vec<GrantPort> = numbers.into_iter().map(|number| port(Protocol::TCP, number)).collect();
    ports.extend(hosts::proxy_health(world).filter(|_| of_hosts));
    let nodes = match names {
        Names::Inline => of_nets(&node_nets(world)),
        Names::Set => vec![nodes_set::entity()],
    };
    let groups = if ports.is_empty() { Vec::new() } else { matches(Some(&ports)) };
    let rule = |nodes: &EntitySpec, protocol: &Option<String>, ports: &Vec<IntOrString>| RuleSpec {
        metadata: metadata(ROLE, PERIMETER),
        action: "Pass".into(),
        protocol: protocol.clone().map(IntOrString::String),
        destination: EntitySpec { ports: ports.clone(), ..nodes.clone() },
        ..RuleSpec::default()
    };
    groups.iter().flat_map(|(protocol, ports)| nodes.iter().map(|node| rule(node, protocol, ports))).collect()
}

/// The range of node ports: what kube-apiserver says, else its default.
pub fn node_port_range(world: &World) -> (u16, u16) {
    world.network.node_port_range.value().copied().unwrap_or(NODE_PORTS)
}

/// Every protocol's range of node ports, and numbers outside of it that Services have.
fn node_ports(world: &World) -> Vec<GrantPort> {
    let (first, last) = node_port_range(world);
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
    let not_selector = match names {
        // Not namespaceSelector: with it the source would have to be one of Calico's own endpoints.
        Names::Set => format!("{} && !has(projectcalico.org/namespace)", nodes_set::selector()),
        Names::Inline => String::new(),
    };
    Ok(EntitySpec { not_nets, not_selector, ..EntitySpec::default() })
}

/// What is closed as a whole: advertised ranges, pools of load balancers, and addresses of Services. A range that has an
/// address of a node or of pods is not: there the addresses of Services alone are.
fn service_nets(world: &World, cluster: &BTreeSet<IpAddr>) -> Result<Vec<IpNet>, PlanError> {
    let advertised = match &world.network.advertised {
        Fact::Known { value, .. } => value.iter().map(|advertised| advertised.net),
        Fact::Unknown { why } => {
            let reason = format!("which addresses of Services are advertised over BGP is not known: {why}");
            return Err(PlanError::Unknown {
                reason,
                hints: vec!["make BGPConfigurations readable, then ask again".into()],
            });
        }
    };
    let is_node = |ip: &IpAddr| world.node_at(*ip).is_some();
    let pods = sources::pod_nets(world);
    let inside = |net: &IpNet| {
        let mut nodes = world.nodes.values().flat_map(|node| node.all_addresses());
        nodes.any(|ip| net.contains(&ip)) || pods.iter().any(|pods| net.contains(pods) || pods.contains(net))
    };
    let ranges = advertised.chain(balanced(world)).filter(|net| !inside(net));
    let services = world.services.values();
    let single = services.flat_map(|service| service.load_balancer_ips.iter().chain(&service.external_ips));
    let clusters = world.services.values().flat_map(|service| &service.cluster_ips);
    let clusters = clusters.filter(|ip| world.network.advertises(ServiceAddress::Cluster, **ip).is_some());
    let single = single.chain(clusters).chain(cluster).filter(|ip| !is_node(ip));
    Ok(IpNet::aggregate(&ranges.chain(single.copied().map(IpNet::from)).collect()))
}

/// The pools from which load balancers give addresses.
fn balanced(world: &World) -> impl Iterator<Item = IpNet> + '_ {
    let pools = world.network.address_pools.value().into_iter().flatten();
    pools.flat_map(|pool| &pool.ranges).flat_map(|range| match range {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            Ipv4Subnets::new(*first, *last, 0).map(IpNet::V4).collect::<Vec<IpNet>>()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => Ipv6Subnets::new(*first, *last, 0).map(IpNet::V6).collect(),
        _ => Vec::new(),
    })
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
