//! Which policy plays the perimeter's part, by what it does and not by its name.
//! Never knows which of several is right.

use std::net::IpAddr;

use super::super::probe::packet;
use super::super::roles::{PERIMETER, role};
use super::closing::node_port_range;
use super::doors::STRANGERS;
use crate::evaluate::owners::Match;
use crate::evaluate::rules::View;
use crate::kubernetes::names::NODES_LABEL;
use crate::model::flow::Protocol;
use crate::model::policy::{Hook, Policy, PolicyId, PolicyKind, RuleAction};
use crate::model::world::{HostEndpoint, World};

/// The name of the policy that we make.
pub const NAME: &str = "zerotrust-perimeter";

/// The policy that we made.
pub fn ours(world: &World) -> Option<PolicyId> {
    let made = |id: &PolicyId| {
        id.kind == PolicyKind::GlobalNetworkPolicy && world.written.get(id).and_then(role) == Some(PERIMETER)
    };
    world.written.keys().find(|id| made(id)).cloned()
}

/// Whether the nodes' addresses stand in the rules of the policy that we made, instead of in a set.
pub fn is_inline(world: &World, id: &PolicyId) -> bool {
    let closing = world.written.get(id).map(|written| written.spec.ingress.iter()).into_iter().flatten();
    !closing.into_iter().any(|rule| rule.source.not_selector.contains(NODES_LABEL))
}

/// Every policy that closes the doors of Services before DNAT, whoever wrote it.
pub fn perimeters(world: &World) -> Vec<&Policy> {
    world.policies.iter().filter(|policy| is_perimeter(world, policy)).collect()
}

/// Whether a policy is one of them.
pub fn is_perimeter(world: &World, policy: &Policy) -> bool {
    if policy.hook != Hook::PreDnat || policy.id.kind != PolicyKind::GlobalNetworkPolicy {
        return false;
    }
    let made = world.written.get(&policy.id).and_then(role) == Some(PERIMETER);
    made || closes(world, policy)
}

/// Whether it denies strangers the range of node ports. Some ports may be open: not every sample has to be closed.
fn closes(world: &World, policy: &Policy) -> bool {
    let (first, last) = node_port_range(world);
    let samples = [first, first.midpoint(last), last - 1, last];
    let nodes = world.nodes.values().flat_map(|node| node.all_addresses());
    let Some(to) = nodes.into_iter().find(IpAddr::is_ipv4) else { return false };
    let closed = samples.iter().filter(|port| {
        let packet = packet(STRANGERS[0], to, Protocol::TCP, Some(**port));
        let view = View::of(world, &packet);
        let deciding = policy.ingress.iter().flatten().filter(|rule| rule.action != RuleAction::Log);
        let first = deciding.into_iter().find(|rule| view.matches(rule) == Match::Yes);
        first.is_some_and(|rule| rule.action == RuleAction::Deny)
    });
    closed.count() > samples.len() / 2
}

/// Whether some perimeter polices a host endpoint.
pub fn is_policed(world: &World, endpoint: &HostEndpoint) -> bool {
    perimeters(world).iter().any(|policy| policy.selector.matches(&endpoint.labels))
}
