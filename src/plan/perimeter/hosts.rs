//! What closes the nodes themselves to sources outside the cluster, as the walkthrough's perimeter does, and what stays
//! open on them.
//! Never knows what listens there.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::PlanError;
use super::super::probe::packet;
use super::super::revoke::grants;
use super::super::roles::PERIMETER;
use super::super::rules::{is_inside, matches, node_nets, of_nets};
use super::closing::closing_rule;
use super::compose::{Names, metadata, port};
use super::doors::STRANGERS;
use super::{nodes_set, recognise, sources};
use crate::evaluate::owners::Match;
use crate::evaluate::rules::View;
use crate::kubernetes::names::{GRANT, HOSTS, ROLE};
use crate::model::flow::Protocol;
use crate::model::intent::{Hosts, Peer};
use crate::model::policy::{Hook, Policy, RuleAction};
use crate::model::spec::{EntitySpec, IntOrString, RuleSpec};
use crate::model::world::{AddressRole, Failsafe, World};

/// IGMP and VRRP, by their numbers (IANA).
const IGMP: i64 = 2;
const VRRP: i64 = 112;
/// Where DHCPv6 answers, which come from a link-local address that the node never asked (RFC 8415).
const DHCPV6_CLIENT: u16 = 546;
/// Ports of nodes that are no door: what is denied there is denied on the node itself.
const SAMPLES: [(Protocol, u16); 4] =
    [(Protocol::TCP, 81), (Protocol::TCP, 9100), (Protocol::TCP, 10250), (Protocol::UDP, 9100)];

/// What stays open on the nodes where our perimeter locks them, as it should be today; none where it does not.
pub fn remembered(world: &World) -> Option<Hosts> {
    let written = world.written.get(&recognise::ours(world)?)?;
    // An annotation that somebody broke still says that the nodes are locked.
    let hosts: Option<Hosts> =
        written.annotations.get(HOSTS).map(|text| serde_json::from_str(text).unwrap_or_default());
    hosts.map(|hosts| refreshed(world, &hosts))
}

/// What lets somebody in on nodes that are locked: Pass leaves the packet to all other policy.
pub fn open_rules(world: &World, hosts: &Hosts, names: Names) -> Vec<RuleSpec> {
    let mut rules = Vec::new();
    let mut ports = hosts.ports.clone();
    ports.extend(hosts.found.iter().filter(|port| !hosts.ports.contains(port)).cloned());
    let nodes = match names {
        Names::Inline => of_nets(&node_nets(world)),
        Names::Set => vec![nodes_set::entity()],
    };
    for (protocol, ports) in if ports.is_empty() { Vec::new() } else { matches(Some(&ports)) } {
        rules.extend(nodes.iter().map(|node| RuleSpec {
            protocol: protocol.clone().map(IntOrString::String),
            destination: EntitySpec { ports: ports.clone(), ..node.clone() },
            ..pass()
        }));
    }
    rules.extend(of_routers(hosts));
    rules.extend(of_the_link());
    rules.extend(of_grants(world));
    rules
}

fn pass() -> RuleSpec {
    RuleSpec { metadata: metadata(ROLE, PERIMETER), action: "Pass".into(), ..RuleSpec::default() }
}

/// What machines on the same wire need to work at all, and what a failsafe keeps open in IPv4 alone.
pub fn of_the_link() -> Vec<RuleSpec> {
    let local = || EntitySpec { nets: vec!["fe80::/10".into()], ..EntitySpec::default() };
    let dhcp = EntitySpec { ports: vec![IntOrString::Int(i64::from(DHCPV6_CLIENT))], ..EntitySpec::default() };
    vec![
        RuleSpec { ip_version: Some(4), protocol: Some(IntOrString::Int(IGMP)), ..pass() },
        RuleSpec { protocol: Some(IntOrString::Int(VRRP)), source: local(), ..pass() },
        RuleSpec { protocol: Some(IntOrString::String("UDP".into())), source: local(), destination: dhcp, ..pass() },
    ]
}

/// The same with what is known today of API servers and routers; what was not read stays as it was.
pub fn refreshed(world: &World, hosts: &Hosts) -> Hosts {
    let mut now = hosts.clone();
    let outside =
        |ips: BTreeSet<IpAddr>| ips.into_iter().filter(|ip| !is_inside(world, *ip)).map(IpNet::from).collect();
    if let Some(ips) = world.api_servers.value() {
        now.servers = outside(ips.iter().copied().collect());
    }
    let network = &world.network;
    let knows_failsafes = world.nodes.keys().all(|node| network.felix_on(node).failsafe_in.value().is_some());
    if let (Some(number), Some(peers), true) = (network.bgp_port.value(), network.bgp_peers.value(), knows_failsafes) {
        let is_safe = world.nodes.keys().all(|node| is_failsafe(world, node, Protocol::TCP, *number));
        let routers = peers.iter().filter(|_| !is_safe).filter_map(|peer| peer.ip());
        now.routers = outside(routers.collect());
        now.bgp = Some(*number).filter(|_| !now.routers.is_empty());
    }
    now
}

/// Routers that open BGP sessions to a port that is no failsafe.
fn of_routers(hosts: &Hosts) -> Vec<RuleSpec> {
    let Some(number) = hosts.bgp else { return Vec::new() };
    let ports = vec![IntOrString::Int(i64::from(number))];
    let rule = |source: EntitySpec| RuleSpec {
        protocol: Some(IntOrString::String("TCP".into())),
        source,
        destination: EntitySpec { ports: ports.clone(), ..EntitySpec::default() },
        ..pass()
    };
    of_nets(&hosts.routers).into_iter().map(rule).collect()
}

/// BGP's own port.
pub const BGP: u16 = 179;

/// Clients of grants without a door, who come to pods' own addresses where those are routed.
fn of_grants(world: &World) -> Vec<RuleSpec> {
    let mut rules = Vec::new();
    for info in grants(world).into_iter().filter(|info| info.grant.through.is_none()) {
        let (namespace, selector) = match &info.grant.to {
            Peer::Pods { namespace, selector, .. } => (namespace, selector.clone()),
            Peer::Namespace(namespace) => (namespace, String::new()),
            Peer::Nets(_) | Peer::Nodes | Peer::World => continue,
        };
        let sources = match &info.grant.from {
            Peer::Nets(nets) if nets.iter().any(|net| !is_inside(world, net.addr())) => of_nets(nets),
            Peer::World => vec![EntitySpec::default()],
            _ => continue,
        };
        let pods = EntitySpec {
            selector,
            namespace_selector: format!("projectcalico.org/name == \"{namespace}\""),
            ..EntitySpec::default()
        };
        for (protocol, ports) in matches(info.grant.ports.as_deref()) {
            rules.extend(sources.iter().map(|source| RuleSpec {
                metadata: metadata(GRANT, &info.id),
                protocol: protocol.clone().map(IntOrString::String),
                source: source.clone(),
                destination: EntitySpec { ports: ports.clone(), ..pods.clone() },
                ..pass()
            }));
        }
    }
    rules
}

/// What closes the nodes, once for each family. Neighbour discovery and ping are left alone.
pub fn closing(world: &World, hosts: &Hosts, names: Names) -> Result<Vec<RuleSpec>, PlanError> {
    let spared = spared(world, hosts);
    let mut rules = Vec::new();
    for version in [4_u8, 6] {
        let own = |net: &&IpNet| net.addr().is_ipv4() == (version == 4);
        let more: Vec<IpNet> = spared.iter().filter(own).copied().collect();
        let not = if version == 4 { Protocol::ICMP } else { Protocol::ICMPV6 };
        rules.push(RuleSpec {
            not_protocol: Some(IntOrString::String(not.to_string())),
            ..closing_rule(world, version, names, &more)?
        });
    }
    Ok(rules)
}

/// Sources outside for which the nodes do not close: networks that were named, API servers that are no nodes (they call
/// kubelets, webhooks and aggregated APIs), and addresses that nodes have on other interfaces.
pub fn spared(world: &World, hosts: &Hosts) -> Vec<IpNet> {
    let interfaces = world.nodes.values().flat_map(|node| &node.interfaces).flat_map(|interface| &interface.addresses);
    let is_new = |ip: &&IpAddr| !is_inside(world, **ip) && !is_link_local(**ip);
    let more = interfaces.filter(is_new).copied().map(IpNet::from);
    IpNet::aggregate(&hosts.from.iter().chain(&hosts.servers).copied().chain(more).collect())
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

/// Whether Felix keeps a port of a node open for everybody.
pub fn is_failsafe(world: &World, node: &str, protocol: Protocol, number: u16) -> bool {
    let list = world.network.felix_on(node).failsafe_in.value();
    let everybody = |own: &Failsafe| {
        own.protocol == protocol && own.port == number && own.net.is_none_or(|net| net.prefix_len() == 0)
    };
    list.into_iter().flatten().any(everybody)
}

/// Whether a policy closes nodes to strangers before DNAT, whoever wrote it. Some ports may be open: not every sample has
/// to be closed.
pub fn closes_hosts(world: &World, policy: &Policy) -> bool {
    if policy.hook != Hook::PreDnat {
        return false;
    }
    let hosts = world.nodes.values().flat_map(|node| &node.addresses);
    let own = hosts.filter(|own| own.role == AddressRole::Host).map(|own| own.ip).find(IpAddr::is_ipv4);
    let Some(to) = own else { return false };
    let is_closed = |(protocol, number): &&(Protocol, u16)| {
        let packet = packet(STRANGERS[0], to, *protocol, Some(*number));
        let view = View::of(world, &packet);
        let deciding = policy.ingress.iter().flatten().filter(|rule| rule.action != RuleAction::Log);
        let first = deciding.into_iter().find(|rule| view.matches(rule) == Match::Yes);
        first.is_some_and(|rule| rule.action == RuleAction::Deny)
    };
    SAMPLES.iter().filter(is_closed).count() > SAMPLES.len() / 2
}

/// Policies that lock nodes and were written by somebody else.
pub fn of_others(world: &World) -> Vec<&Policy> {
    let ours = recognise::ours(world);
    let others = world.policies.iter().filter(|policy| Some(&policy.id) != ours.as_ref());
    others.filter(|policy| closes_hosts(world, policy)).collect()
}

/// Whether every node is locked by policies of others.
pub fn are_locked_by_others(world: &World) -> bool {
    let others = of_others(world);
    let is_locked = |node: &crate::model::world::Node| {
        let mut own = world.host_endpoints.iter().filter(|endpoint| endpoint.node == node.name).peekable();
        own.peek().is_some()
            && super::endpoints::uncovered(world, node).is_empty()
            && own.all(|endpoint| others.iter().any(|policy| policy.selector.matches(&endpoint.labels)))
    };
    !others.is_empty() && world.nodes.values().all(is_locked)
}

/// kube-proxy's own health on every node, which load balancers of clouds ask for under externalTrafficPolicy: Cluster.
pub fn proxy_health(world: &World) -> Option<crate::model::intent::GrantPort> {
    let cloud = |service: &&crate::model::world::Service| {
        service.kind == "LoadBalancer" && !service.local && sources::is_checked_from_outside(world, service)
    };
    world.services.values().any(|service| cloud(&service)).then(|| port(Protocol::TCP, 10256))
}
