//! Sources outside the cluster that policies tell apart: a door may be open for some of them alone.
//! Never judges them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::decide::selects;
use super::super::rules::is_inside;
use super::{nodes_set, recognise};
use crate::kubernetes::names::GRANT;
use crate::model::intent::{Grant, Peer};
use crate::model::policy::{Entity, Hook, Policy, PolicyId, RuleAction};
use crate::model::selector::Selector;
use crate::model::world::{Service, World};

/// How many addresses are looked at.
const POINTS: usize = 96;

/// Ranges, and addresses that stand for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Apart {
    /// Ranges that some rule lets by.
    pub nets: BTreeSet<IpNet>,
    /// The ends of every range that some rule speaks of.
    pub points: BTreeSet<IpAddr>,
}

/// Those that matter for a Service: by the policies of its pods and of hosts, and by its loadBalancerSourceRanges.
pub fn of(world: &World, service: &Service) -> Apart {
    let backends = service.backends.value().into_iter().flatten();
    let pods: Vec<_> = backends.take(16).flat_map(|backend| world.pods_at(backend.ip)).collect();
    let concerns = |policy: &&Policy| is_of_hosts(world, policy) || pods.iter().any(|pod| selects(policy, pod));
    let mut apart = Apart::default();
    apart.nets.extend(&service.source_ranges);
    apart.points.extend(service.source_ranges.iter().flat_map(ends));
    // What we wrote ourselves names nodes as they are or were; but for the clients that a grant names, who may come by any door
    // that leads to its pods.
    let ours = recognise::ours(world);
    for policy in world.policies.iter().filter(|policy| concerns(policy) && Some(&policy.id) != ours.as_ref()) {
        for rule in policy.ingress.iter().flatten().filter(|rule| rule.action != RuleAction::Log) {
            let mut nets = nets_of(world, &rule.source);
            if let Some(id) = &rule.grant {
                let named = named_by(world, &policy.id, ours.as_ref(), id);
                nets.retain(|net| named.contains(net));
            }
            apart.points.extend(nets.iter().flat_map(ends));
            if rule.action != RuleAction::Deny {
                apart.nets.extend(nets);
            }
        }
    }
    let nobody = |ip: &IpAddr| ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || is_inside(world, *ip);
    apart.points.retain(|ip| !nobody(ip) && *ip != IpAddr::from([255, 255, 255, 255]));
    apart.points = apart.points.into_iter().take(POINTS).collect();
    apart
}

impl Apart {
    /// The smallest range that an address is in, else the address itself.
    pub fn net_of(&self, ip: IpAddr) -> IpNet {
        let within = self.nets.iter().filter(|net| net.contains(&ip));
        within.max_by_key(|net| net.prefix_len()).copied().unwrap_or_else(|| ip.into())
    }

    /// The smallest ranges that hold these addresses.
    pub fn holding(&self, points: &[IpAddr]) -> Vec<IpNet> {
        IpNet::aggregate(&points.iter().map(|ip| self.net_of(*ip)).collect())
    }
}

/// The addresses that a grant names as its clients. It is written down where its pods receive, or in the perimeter where they
/// were open to everybody.
fn named_by(world: &World, policy: &PolicyId, ours: Option<&PolicyId>, id: &str) -> Vec<IpNet> {
    let key = format!("{GRANT}-{id}");
    let holders = [Some(policy), ours].into_iter().flatten().filter_map(|id| world.written.get(id));
    let text = holders.into_iter().find_map(|written| written.annotations.get(&key));
    match text.and_then(|text| serde_json::from_str::<Grant>(text).ok()).map(|grant| grant.from) {
        Some(Peer::Nets(nets)) => nets,
        _ => Vec::new(),
    }
}

fn is_of_hosts(world: &World, policy: &Policy) -> bool {
    policy.hook != Hook::Normal || world.host_endpoints.iter().any(|endpoint| policy.selector.matches(&endpoint.labels))
}

fn ends(net: &IpNet) -> [IpAddr; 2] {
    [net.network(), net.broadcast()]
}

/// A rule's own ranges, and those of the network sets that it selects.
fn nets_of(world: &World, source: &Entity) -> Vec<IpNet> {
    let is = |selector: &Option<Selector>, labels| selector.as_ref().is_some_and(|selector| selector.matches(labels));
    // Our own set is the nodes, as they are or were.
    let sets = world
        .network_sets
        .iter()
        .filter(|set| is(&source.selector, &set.labels) || is(&source.not_selector, &set.labels));
    let sets = sets.filter(|set| !nodes_set::is_ours(set));
    let own = source.nets.iter().flatten().chain(&source.not_nets).copied();
    own.chain(sets.flat_map(|set| set.nets.iter().copied())).collect()
}
