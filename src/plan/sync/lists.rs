//! Lists of the nodes' addresses that people wrote: which there are, and what they lack or hold in vain.
//!
//! A list is the `source.nets` of an ingress rule that lets pass and carries no mark of ours, or the nets of a
//! GlobalNetworkSet that is not ours. It is one of the nodes if it holds a node's address as a host (/32, /128), or a node's
//! whole subnet. Which nodes it means: of all nodes, the control plane's and the others, the smallest group with all nodes
//! that it holds; the whole group if it holds more than half of it, else only those that it holds. What it lacks: of those
//! nodes and of the families that it holds, the kinds of address that it holds; in a rule by which pods receive, tunnels'
//! of any kind too, as those are what a node's packets carry there once there is a tunnel. What it holds in vain: hosts
//! within the pods' ranges that no Node carries. A host in a node's subnet that no Node has may be anybody's: it stays, and
//! is named. Nothing else is known of such a list, and nothing else of it is touched.
//! Never decides whether strangers would come in by an address; the proof does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::edit::{Edit, NetsOf};
use super::super::perimeter::{is_closing, nodes_set, sources};
use super::super::roles::{LIFELINE, role};
use super::super::{Step, simulate};
use crate::kubernetes::ObjectRef;
use crate::kubernetes::names::{GRANT, Kind, ROLE};
use crate::model::net::parse_net;
use crate::model::policy::{Direction, Hook, Policy, PolicyId, PolicyKind};
use crate::model::selector::Selector;
use crate::model::spec::RuleSpec;
use crate::model::world::{AddressRole, Hidden, NetworkSet, Node, Part, World, Written};

/// A list that is behind.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// The object that holds it.
    pub object: ObjectRef,
    /// As `rule 1 of ingress in NetworkPolicy shop/web (web.yaml:7)`.
    pub name: String,
    /// Which list of the object.
    pub at: NetsOf,
    /// What it lacks, by the node that has it.
    pub lacks: BTreeMap<String, Vec<IpNet>>,
    /// What no Node carries any more.
    pub vain: Vec<IpNet>,
    /// What may be a node's that is gone, or anybody's.
    pub unsure: Vec<IpNet>,
    /// Who else writes the object.
    pub keeper: Option<String>,
    /// The version that it was read at.
    pub version: Option<String>,
}

impl List {
    /// Whether it is as it should be.
    pub fn is_current(&self) -> bool {
        self.lacks.is_empty() && self.vain.is_empty()
    }

    /// What differs, in words.
    pub fn detail(&self) -> String {
        let list = |nets: &mut dyn Iterator<Item = &IpNet>| {
            nets.map(|net| net.addr().to_string()).collect::<Vec<_>>().join(", ")
        };
        let mut words = Vec::new();
        if !self.lacks.is_empty() {
            words.push(format!("lacks {}", list(&mut self.lacks.values().flatten())));
        }
        if !self.vain.is_empty() {
            words.push(format!("holds {}, which no node carries", list(&mut self.vain.iter())));
        }
        words.join(" and ")
    }

    /// What who keeps the object should change in their own place.
    pub fn for_keeper(&self, keeper: &str) -> String {
        let texts = |nets: Vec<&IpNet>| nets.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let mut words = Vec::new();
        if !self.lacks.is_empty() {
            words.push(format!("add {}", texts(self.lacks.values().flatten().collect())));
        }
        if !self.vain.is_empty() {
            words.push(format!("take out {}", texts(self.vain.iter().collect())));
        }
        format!("{} is kept by {keeper}: there, {}", self.object, words.join(" and "))
    }

    /// Puts the addresses of these nodes in, and takes out what it holds in vain.
    pub fn step(&self, nodes: &BTreeSet<&String>) -> Step {
        let add = self.lacks.iter().filter(|(node, _)| nodes.contains(node)).flat_map(|(_, nets)| nets.clone());
        let edit = Edit::Nets { of: self.at.clone(), add: add.collect(), remove: self.vain.clone() };
        let why = format!("{} {}", self.name, self.detail());
        Step { object: self.object.clone(), planned_on: self.version.clone(), edits: vec![edit], why }
    }
}

/// Every list of the nodes that people wrote, and that is behind or holds what nobody knows.
pub fn find(world: &World) -> Vec<List> {
    let blind = world.gap(Hidden::Routes, None).is_some() || !world.sees(Part::Nodes, None);
    if blind || world.nodes.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<List> = world.written.iter().flat_map(|(id, written)| of_policy(world, id, written)).collect();
    let sets = world.network_sets.iter().filter(|set| set.namespace.is_none() && !nodes_set::is_ours(set));
    found.extend(sets.filter_map(|set| of_set(world, set)));
    found.retain(|list| !list.is_current() || !list.unsure.is_empty());
    found
}

fn of_policy(world: &World, id: &PolicyId, written: &Written) -> Vec<List> {
    let of_calico = matches!(id.kind, PolicyKind::GlobalNetworkPolicy | PolicyKind::NetworkPolicy);
    if !of_calico || role(written) == Some(LIFELINE) {
        return Vec::new();
    }
    let policy = world.policies.iter().find(|policy| policy.id == *id);
    let receives = policy.is_some_and(|policy| polices_pods(world, policy, written));
    let mut found = Vec::new();
    for (index, rule) in written.spec.ingress.iter().enumerate().filter(|(_, rule)| is_theirs(rule)) {
        let nets: Vec<IpNet> = rule.source.nets.iter().filter_map(|text| parse_net(text)).collect();
        let Some(state) = state(world, &nets, receives) else { continue };
        found.push(List {
            object: simulate::object_of(id),
            name: format!("rule {index} of ingress in {id} ({})", written.place),
            at: NetsOf::Source { direction: Direction::Ingress, rule: Box::new(rule.clone()) },
            lacks: state.lacks,
            vain: state.vain,
            unsure: state.unsure,
            keeper: written.keeper.clone(),
            version: written.resource_version.clone(),
        });
    }
    found
}

/// A host knows other nodes by the addresses that come over the wire; pods know them by their tunnels' too.
fn polices_pods(world: &World, policy: &Policy, written: &Written) -> bool {
    let chosen = policy.id.namespace.is_some() || !written.spec.namespace_selector.is_empty();
    policy.hook == Hook::Normal && (chosen || world.pods.iter().any(|pod| policy.selector.matches(&pod.labels)))
}

/// A rule that somebody wrote, and that lets pass.
fn is_theirs(rule: &RuleSpec) -> bool {
    let marked = rule
        .metadata
        .as_ref()
        .is_some_and(|metadata| [GRANT, ROLE].iter().any(|key| metadata.annotations.contains_key(*key)));
    let passes = ["allow", "pass"].contains(&rule.action.to_ascii_lowercase().as_str());
    passes && !marked && !is_closing(rule) && !rule.source.nets.is_empty()
}

fn of_set(world: &World, set: &NetworkSet) -> Option<List> {
    let takes = |selector: &Option<Selector>| selector.as_ref().is_some_and(|selector| selector.matches(&set.labels));
    let receives = world
        .policies
        .iter()
        .filter(|policy| policy.hook == Hook::Normal)
        .any(|policy| policy.ingress.iter().flatten().any(|rule| takes(&rule.source.selector)));
    let state = state(world, &set.nets, receives)?;
    Some(List {
        object: ObjectRef { kind: Kind::GlobalNetworkSet, namespace: None, name: set.name.clone() },
        name: format!("GlobalNetworkSet {}", set.name),
        at: NetsOf::Set,
        lacks: state.lacks,
        vain: state.vain,
        unsure: state.unsure,
        keeper: set.keeper.clone(),
        version: None,
    })
}

struct State {
    lacks: BTreeMap<String, Vec<IpNet>>,
    vain: Vec<IpNet>,
    unsure: Vec<IpNet>,
}

fn is_host(net: &IpNet) -> bool {
    net.prefix_len() == net.max_prefix_len()
}

/// What a list lacks and what it holds in vain; none where it is no list of the nodes.
fn state(world: &World, nets: &[IpNet], receives: bool) -> Option<State> {
    let holds_as_node = |node: &&Node| {
        node.addresses
            .iter()
            .any(|own| nets.iter().any(|net| (is_host(net) && net.addr() == own.ip) || own.subnet == Some(*net)))
    };
    let held: Vec<&Node> = world.nodes.values().filter(holds_as_node).collect();
    if held.is_empty() {
        return None;
    }
    let kinds: BTreeSet<(AddressRole, bool)> = held
        .iter()
        .flat_map(|node| &node.addresses)
        .filter(|own| nets.iter().any(|net| (is_host(net) && net.addr() == own.ip) || own.subnet == Some(*net)))
        .map(|own| (own.role, own.ip.is_ipv4()))
        .collect();
    let tunnel = |role: AddressRole| matches!(role, AddressRole::Ipip | AddressRole::Vxlan | AddressRole::Wireguard);
    let wanted = |role: AddressRole, v4: bool| {
        kinds.contains(&(role, v4)) || (receives && tunnel(role) && kinds.iter().any(|(_, family)| *family == v4))
    };
    let mut lacks: BTreeMap<String, Vec<IpNet>> = BTreeMap::new();
    for node in meant(world, &held) {
        let mut missing: Vec<IpNet> = node
            .addresses
            .iter()
            .filter(|own| wanted(own.role, own.ip.is_ipv4()) && !nets.iter().any(|net| net.contains(&own.ip)))
            .map(|own| IpNet::from(own.ip))
            .collect();
        missing.sort();
        missing.dedup();
        if !missing.is_empty() {
            lacks.insert(node.name.clone(), missing);
        }
    }
    let pods = sources::pod_nets(world);
    let nobodys = |net: &&IpNet| is_host(net) && world.node_at(net.addr()).is_none();
    let (vain, others): (Vec<IpNet>, Vec<IpNet>) =
        nets.iter().filter(nobodys).copied().partition(|net| pods.iter().any(|pods| pods.contains(net)));
    let beside = |ip: IpAddr| {
        world
            .nodes
            .values()
            .flat_map(|node| &node.addresses)
            .filter_map(|own| own.subnet)
            .any(|subnet| subnet.contains(&ip))
    };
    let unsure = others.into_iter().filter(|net| beside(net.addr())).collect();
    Some(State { lacks, vain, unsure })
}

/// The nodes that a list means which holds these.
fn meant<'w>(world: &'w World, held: &[&'w Node]) -> Vec<&'w Node> {
    let all: Vec<&Node> = world.nodes.values().collect();
    let (masters, workers): (Vec<&Node>, Vec<&Node>) = all.iter().partition(|node| node.control_plane.is_some());
    let holds = |group: &Vec<&Node>| held.iter().all(|node| group.iter().any(|other| other.name == node.name));
    let mut groups: Vec<Vec<&Node>> = [masters, workers, all].into_iter().filter(holds).collect();
    groups.sort_by_key(Vec::len);
    match groups.into_iter().next() {
        Some(group) if held.len() * 2 > group.len() => group,
        _ => held.to_vec(),
    }
}
