//! The rules that a grant needs at one end, as small as Calico's grammar allows.
//! Never knows which policy they go into.

use std::net::IpAddr;

use ipnet::IpNet;

use super::PlanError;
use super::perimeter::sources;
use crate::kubernetes::names::GRANT;
use crate::model::intent::{Grant, GrantPort, Peer};
use crate::model::policy::Direction;
use crate::model::selector::Selector;
use crate::model::spec::{EntitySpec, IntOrString, RuleMetadata, RuleSpec};
use crate::model::world::World;

/// Calico takes at most 256 nets in one rule (3.33).
const NETS_PER_RULE: usize = 200;
/// iptables matches up to 15 ports at once, a range counting twice. A rule that needs more than one such match is or-ed
/// from blocks, where Felix up to 3.28 forgets the other conditions.
const PORTS_PER_RULE: usize = 15;

/// What Calico sets on pods, and on nothing else.
const IS_POD: (&str, &str) = ("projectcalico.org/orchestrator", "k8s");

/// The rules for one end of a grant: `Ingress` where pods of `namespace` receive, `Egress` where they send.
pub fn rules(world: &World, grant: &Grant, direction: Direction, namespace: &str) -> Result<Vec<RuleSpec>, PlanError> {
    let remote = match direction {
        Direction::Ingress => &grant.from,
        Direction::Egress => &grant.to,
    };
    let metadata = RuleMetadata { annotations: [(GRANT.to_string(), grant.id())].into() };
    let mut rules = Vec::new();
    let mut entities = entities(world, remote, namespace)?;
    if direction == Direction::Ingress {
        entities.extend(sources::behind_the_door(world, grant)?);
    }
    for entity in entities {
        for (protocol, ports) in matches(grant.ports.as_deref()) {
            let mut rule = RuleSpec {
                metadata: Some(metadata.clone()),
                action: "Allow".into(),
                protocol: protocol.map(IntOrString::String),
                ..RuleSpec::default()
            };
            match direction {
                Direction::Ingress => rule.source = entity.clone(),
                Direction::Egress => rule.destination = entity.clone(),
            }
            rule.destination.ports = ports;
            rules.push(rule);
        }
    }
    Ok(rules)
}

/// Ports by protocol, no more in one than a single match takes.
pub fn matches(ports: Option<&[GrantPort]>) -> Vec<(Option<String>, Vec<IntOrString>)> {
    let Some(ports) = ports else { return vec![(None, Vec::new())] };
    let mut ports: Vec<&GrantPort> = ports.iter().collect();
    ports.sort();
    ports.dedup();
    let mut groups: Vec<(Option<String>, Vec<IntOrString>)> = Vec::new();
    let mut used = 0;
    for port in ports {
        let (written, weight) = match port.first == port.last {
            true => (IntOrString::Int(i64::from(port.first)), 1),
            false => (IntOrString::String(format!("{}:{}", port.first, port.last)), 2),
        };
        let protocol = Some(port.protocol.clone());
        match groups.last_mut() {
            Some((last, list)) if *last == protocol && used + weight <= PORTS_PER_RULE => {
                list.push(written);
                used += weight;
            }
            _ => {
                groups.push((protocol, vec![written]));
                used = weight;
            }
        }
    }
    groups
}

/// The other end as rules can name it: one entity for each family of addresses and each batch of nets.
fn entities(world: &World, remote: &Peer, namespace: &str) -> Result<Vec<EntitySpec>, PlanError> {
    match remote {
        Peer::Pods { namespace: of, selector, .. } => Ok(vec![of_pods(world, of, Some(selector), namespace)]),
        Peer::Namespace(of) => Ok(vec![of_pods(world, of, None, namespace)]),
        Peer::Nets(nets) => Ok(of_nets(nets)),
        Peer::Nodes => match node_nets(world) {
            nets if nets.is_empty() => Err(PlanError::Unknown {
                reason: "no address of a node is known".into(),
                hints: vec!["name the addresses instead of `nodes`".into()],
            }),
            nets => Ok(of_nets(&nets)),
        },
        Peer::World => outside(world),
    }
}

/// Without a namespaceSelector, a rule's selector stays in the policy's own namespace. It matches network sets too, so
/// where one has such labels only pods are meant.
fn of_pods(world: &World, of: &str, selector: Option<&String>, namespace: &str) -> EntitySpec {
    let parsed = selector.and_then(|text| Selector::parse(text).ok()).unwrap_or_else(Selector::all);
    let sets = world.network_sets.iter().filter(|set| set.namespace.as_deref() == Some(of));
    let attracts = sets.into_iter().any(|set| parsed.matches(&set.labels));
    let only_pods = Selector::label_equals(IS_POD.0, IS_POD.1);
    let selector = match (selector, attracts) {
        (Some(text), false) => text.clone(),
        (Some(_), true) => parsed.and(only_pods).to_string(),
        (None, true) => only_pods.to_string(),
        (None, false) if of == namespace => "all()".to_string(),
        (None, false) => String::new(),
    };
    let namespace_selector = match of == namespace {
        true => String::new(),
        false => Selector::label_equals("projectcalico.org/name", of).to_string(),
    };
    EntitySpec { selector, namespace_selector, ..EntitySpec::default() }
}

/// Calico refuses a rule with addresses of both families.
pub fn of_nets(nets: &[IpNet]) -> Vec<EntitySpec> {
    let (mut v4, mut v6): (Vec<IpNet>, Vec<IpNet>) = nets.iter().partition(|net| matches!(net, IpNet::V4(_)));
    let mut entities = Vec::new();
    for family in [&mut v4, &mut v6] {
        family.sort();
        family.dedup();
        for batch in family.chunks(NETS_PER_RULE) {
            let nets = batch.iter().map(IpNet::to_string).collect();
            entities.push(EntitySpec { nets, ..EntitySpec::default() });
        }
    }
    entities
}

/// Every address that a node's own packets can carry, tunnels' too.
pub fn node_nets(world: &World) -> Vec<IpNet> {
    let mut nets: Vec<IpNet> = world.nodes.values().flat_map(|node| node.all_addresses()).map(IpNet::from).collect();
    nets.sort();
    nets.dedup();
    nets
}

/// The ranges of pods, and addresses of nodes that are in none of them.
pub fn cluster_nets(world: &World) -> Vec<IpNet> {
    let pools = world.pools.iter().map(|pool| pool.net);
    let ranges = world.nodes.values().flat_map(|node| node.pod_ranges.iter().copied());
    let mut nets = IpNet::aggregate(&pools.chain(ranges).collect());
    let nodes: Vec<IpNet> = node_nets(world).into_iter().filter(|n| !nets.iter().any(|net| net.contains(n))).collect();
    nets.extend(nodes);
    nets.sort();
    nets
}

/// Whether an address belongs to the cluster: a pod's range or a node.
pub fn is_inside(world: &World, ip: IpAddr) -> bool {
    cluster_nets(world).iter().any(|net| net.contains(&ip))
}

/// Everything but pods and nodes, in the families that pods have.
fn outside(world: &World) -> Result<Vec<EntitySpec>, PlanError> {
    let nets = cluster_nets(world);
    let has_pools = !world.pools.is_empty() || world.nodes.values().any(|node| !node.pod_ranges.is_empty());
    if !has_pools {
        return Err(PlanError::Unknown {
            reason: "the pods' address ranges are not known, so `world` cannot leave them out".into(),
            hints: vec!["name the addresses, as --to 203.0.113.0/24".into()],
        });
    }
    let mut entities = Vec::new();
    for version in [4, 6] {
        let family = |net: &&IpNet| matches!(net, IpNet::V4(_)) == (version == 4);
        let pods_have_it = world.pools.iter().any(|pool| family(&&pool.net))
            || world.nodes.values().flat_map(|node| &node.pod_ranges).any(|net| family(&net));
        if !pods_have_it {
            continue;
        }
        let not_nets: Vec<String> = nets.iter().filter(family).map(IpNet::to_string).collect();
        if not_nets.len() > 256 {
            let reason = format!("`world` would have to leave out {} ranges and addresses of nodes", not_nets.len());
            let hints = vec!["name the addresses, as --to 203.0.113.0/24".into()];
            return Err(PlanError::Refused { reason, hints });
        }
        entities.push(EntitySpec { not_nets, ..EntitySpec::default() });
    }
    Ok(entities)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::world::{AddressRole, NetworkSet, Node, NodeAddress, Pool, TunnelMode};

    fn port(protocol: &str, first: u16, last: u16) -> GrantPort {
        GrantPort { protocol: protocol.into(), first, last }
    }

    fn pods(namespace: &str) -> Peer {
        Peer::Pods { namespace: namespace.into(), selector: "app == \"web\"".into(), named: "service/web".into() }
    }

    fn nets(nets: &[&str]) -> Peer {
        Peer::Nets(nets.iter().map(|net| net.parse().unwrap()).collect())
    }

    fn world() -> World {
        let address =
            |ip: &str, role| NodeAddress { ip: ip.parse().unwrap(), role, subnet: None, evidence: "x".into() };
        let node = Node {
            name: "n1".into(),
            addresses: vec![
                address("10.128.146.41", AddressRole::Host),
                address("10.20.1.1", AddressRole::Ipip),
                address("fd00::41", AddressRole::Host),
            ],
            ..Node::default()
        };
        let pool = |net: &str| Pool {
            name: net.into(),
            net: net.parse().unwrap(),
            ipip: TunnelMode::Always,
            vxlan: TunnelMode::Never,
            nat_outgoing: true,
            disabled: false,
            for_pods: true,
        };
        World { nodes: [("n1".into(), node)].into(), pools: vec![pool("10.20.0.0/16")], ..World::default() }
    }

    fn shown(world: &World, from: Peer, to: Peer, ports: Option<Vec<GrantPort>>, direction: Direction) -> Vec<String> {
        let grant = Grant { from, to, ports, reason: None, expires: None, through: None };
        let text = |rule: &RuleSpec| {
            let mut rule = rule.clone();
            assert_eq!(rule.metadata.take().unwrap().annotations[GRANT], grant.id());
            serde_json::to_string(&rule).unwrap()
        };
        rules(world, &grant, direction, "shop").unwrap().iter().map(text).collect()
    }

    #[test]
    fn families_protocols_and_ranges_get_rules_of_their_own() {
        let ports = vec![port("TCP", 80, 80), port("TCP", 8000, 8010), port("UDP", 53, 53)];
        let from = nets(&["10.7.0.99/32", "fd00::/64"]);
        let shown = shown(&world(), from, pods("shop"), Some(ports), Direction::Ingress);
        assert_eq!(
            shown,
            [
                r#"{"action":"Allow","protocol":"TCP","source":{"nets":["10.7.0.99/32"]},"destination":{"ports":[80,"8000:8010"]}}"#,
                r#"{"action":"Allow","protocol":"UDP","source":{"nets":["10.7.0.99/32"]},"destination":{"ports":[53]}}"#,
                r#"{"action":"Allow","protocol":"TCP","source":{"nets":["fd00::/64"]},"destination":{"ports":[80,"8000:8010"]}}"#,
                r#"{"action":"Allow","protocol":"UDP","source":{"nets":["fd00::/64"]},"destination":{"ports":[53]}}"#,
            ]
        );
    }

    #[test]
    fn pods_of_another_namespace_need_a_namespace_selector_and_network_sets_are_left_out() {
        let mut world = world();
        let one = |world: &World, from: Peer| shown(world, from, pods("shop"), None, Direction::Ingress).remove(0);
        assert_eq!(one(&world, pods("shop")), r#"{"action":"Allow","source":{"selector":"app == \"web\""}}"#);
        assert_eq!(
            one(&world, pods("other")),
            r#"{"action":"Allow","source":{"selector":"app == \"web\"","namespaceSelector":"projectcalico.org/name == \"other\""}}"#
        );
        assert_eq!(one(&world, Peer::Namespace("shop".into())), r#"{"action":"Allow","source":{"selector":"all()"}}"#);
        world.network_sets.push(NetworkSet {
            namespace: Some("shop".into()),
            name: "offices".into(),
            labels: [("app".to_string(), "web".to_string())].into(),
            nets: vec!["192.0.2.0/24".parse().unwrap()],
            ..NetworkSet::default()
        });
        assert!(one(&world, pods("shop")).contains(r#"projectcalico.org/orchestrator == \"k8s\""#));
        assert!(one(&world, Peer::Namespace("shop".into())).contains("orchestrator"));
        assert!(!one(&world, pods("other")).contains("orchestrator"));
    }

    #[test]
    fn nodes_are_all_their_addresses_and_the_world_is_all_but_pods_and_nodes() {
        let world = world();
        assert_eq!(
            shown(&world, Peer::Nodes, pods("shop"), None, Direction::Ingress),
            [
                r#"{"action":"Allow","source":{"nets":["10.20.1.1/32","10.128.146.41/32"]}}"#,
                r#"{"action":"Allow","source":{"nets":["fd00::41/128"]}}"#
            ]
        );
        assert_eq!(
            shown(&world, pods("shop"), Peer::World, None, Direction::Egress),
            [r#"{"action":"Allow","destination":{"notNets":["10.20.0.0/16","10.128.146.41/32"]}}"#]
        );
        let unknown =
            Grant { from: pods("shop"), to: Peer::World, ports: None, reason: None, expires: None, through: None };
        assert!(matches!(
            rules(&World::default(), &unknown, Direction::Egress, "shop"),
            Err(PlanError::Unknown { .. })
        ));
    }

    #[test]
    fn no_rule_needs_more_than_one_match_for_its_ports() {
        let ports = (0..20).map(|n| port("TCP", 1000 + n * 10, 1005 + n * 10)).collect();
        let shown = shown(&world(), nets(&["10.7.0.99/32"]), pods("shop"), Some(ports), Direction::Ingress);
        assert_eq!(shown.len(), 3);
    }

    #[test]
    fn many_nets_are_split() {
        let many: Vec<String> = (0..=255).map(|n| format!("10.7.{n}.1/32")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(shown(&world(), nets(&many), pods("shop"), None, Direction::Ingress).len(), 2);
    }
}
