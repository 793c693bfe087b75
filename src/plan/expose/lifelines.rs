//! What nodes and pods do without any door: host services, node to node, pods across nodes. A perimeter must not cut it.
//! Never repairs anything.

use std::net::IpAddr;

use super::super::perimeter::doors::STRANGERS;
use super::super::probe::packet;
use super::super::rules::is_inside;
use super::super::{PlanError, Step};
use super::proof::who;
use crate::evaluate::path::{Question, walk};
use crate::kubernetes::names::Kind;
use crate::model::flow::{HopAction, Packet, Path, Protocol, Verdict, together};
use crate::model::world::{AddressRole, Node, Pod, World};

/// A flow that passes now, and the nodes that it touches.
pub struct Lifeline {
    packet: Packet,
    entry: Option<String>,
    nodes: Vec<String>,
}

impl Lifeline {
    /// A flow to a node, if it passes now.
    pub fn to_node(world: &World, packet: Packet, node: &str) -> Option<Lifeline> {
        let passes = together(&ways(world, packet, None)) == Verdict::Allow;
        passes.then(|| Lifeline { packet, entry: None, nodes: vec![node.to_string()] })
    }

    /// Whether it enters a node from outside.
    pub fn enters(&self, world: &World) -> bool {
        !is_inside(world, self.packet.source)
    }
}

/// How many nodes each node's flows are looked at with.
const PARTNERS: usize = 2;

/// Everything that passes now.
pub fn of(world: &World) -> Vec<Lifeline> {
    let mut found = Vec::new();
    for (index, node) in world.nodes.values().enumerate() {
        for (packet, entry, other) in flows(world, node, index) {
            if together(&ways(world, packet, entry.as_ref())) == Verdict::Allow {
                let nodes = std::iter::once(node.name.clone()).chain(other).collect();
                found.push(Lifeline { packet, entry, nodes });
            }
        }
    }
    found
}

fn ways(world: &World, packet: Packet, entry: Option<&String>) -> Vec<Path> {
    walk(world, &Question { packet, entry: entry.cloned() })
}

type Flow = (Packet, Option<String>, Option<String>);

/// What one node sends and gets: clients' and other nodes' connections to it, its own, and those of its pods.
fn flows(world: &World, node: &Node, index: usize) -> Vec<Flow> {
    let mut flows = Vec::new();
    let strangers: Vec<IpAddr> = STRANGERS.iter().filter_map(|ip| ip.parse().ok()).collect();
    let pods = |name: &str, like: IpAddr| -> Option<IpAddr> { pod_of(world, name, like) };
    let others: Vec<&Node> =
        world.nodes.values().cycle().skip(index + 1).take(PARTNERS.min(world.nodes.len() - 1)).collect();
    for own in hosts(node) {
        let stranger = strangers.iter().copied().find(|ip| ip.is_ipv4() == own.is_ipv4());
        let mut add = |from: IpAddr, to: IpAddr, protocol: Protocol, port: u16, other: Option<&Node>| {
            flows.push((packet(from, to, protocol, Some(port)), None, other.map(|node| node.name.clone())));
        };
        if let Some(outside) = stranger {
            for port in [22, 80, 443, 6443, 10250] {
                add(outside, own, Protocol::TCP, port, None);
            }
            add(outside, own, Protocol::UDP, 123, None);
            add(own, outside, Protocol::TCP, 443, None);
            add(own, outside, Protocol::UDP, 53, None);
        }
        let mine = pods(&node.name, own);
        if let Some(pod) = mine {
            add(pod, own, Protocol::TCP, 10250, None);
            stranger.into_iter().for_each(|outside| add(pod, outside, Protocol::TCP, 443, None));
        }
        for other in &others {
            for theirs in hosts(other).filter(|ip| ip.is_ipv4() == own.is_ipv4()) {
                add(theirs, own, Protocol::TCP, 10250, Some(other));
                add(theirs, own, Protocol::UDP, 4789, Some(other));
                add(own, theirs, Protocol::TCP, 10250, Some(other));
            }
            if let Some((one, two)) = mine.zip(pods(&other.name, own)) {
                add(one, two, Protocol::TCP, 80, Some(other));
                add(two, one, Protocol::TCP, 80, Some(other));
            }
        }
    }
    flows
}

fn hosts(node: &Node) -> impl Iterator<Item = IpAddr> + '_ {
    node.addresses.iter().filter(|address| address.role == AddressRole::Host).map(|address| address.ip)
}

/// A pod of the node, one that nothing locks where there is such a one.
fn pod_of(world: &World, node: &str, like: IpAddr) -> Option<IpAddr> {
    use super::super::decide::is_policed;
    use crate::model::policy::Direction;
    let own = |pod: &&Pod| pod.node.as_deref() == Some(node) && !pod.host_network && !pod.finished;
    let address = |pod: &Pod| pod.addresses.iter().copied().find(|ip| ip.is_ipv4() == like.is_ipv4());
    let mut pods = world.pods.iter().filter(own);
    let open = |pod: &&Pod| {
        [Direction::Ingress, Direction::Egress].iter().all(|direction| !is_policed(world, pod, *direction))
    };
    let first = pods.clone().next();
    pods.find(open).or(first).and_then(address)
}

/// Whether a step can touch what is for a node: a host endpoint only its own, anything else all of them.
pub fn concerns(step: &Step, node: &str) -> bool {
    step.object.kind != Kind::HostEndpoint
        || step.edits.iter().any(|edit| match edit {
            super::super::edit::Edit::Create(document) => document["spec"]["node"] == node,
            _ => true,
        })
}

/// Refuses a step that cuts one.
pub fn compare(before: &[Lifeline], after: &World, step: &Step) -> Result<(), PlanError> {
    for lifeline in before.iter().filter(|line| line.nodes.iter().any(|node| concerns(step, node))) {
        let ways = ways(after, lifeline.packet, lifeline.entry.as_ref());
        let verdict = together(&ways);
        if verdict == Verdict::Allow {
            continue;
        }
        let cut = ways
            .iter()
            .flat_map(|path| &path.hops)
            .find(|hop| matches!(hop.action, HopAction::Deny | HopAction::Unknown));
        let by = cut.and_then(|hop| hop.by.as_ref()).map(who).unwrap_or_default();
        let Packet { source, destination, protocol, port, .. } = lifeline.packet;
        let reason = format!(
            "{} would cut {source} -> {destination}:{} ({protocol}), which passes now: {by}",
            step.object,
            port.unwrap_or_default()
        );
        let hint = "a policy that selects host endpoints by accident (no selector, or one for everything) is the usual cause: \
                    give it selector `has(projectcalico.org/namespace)`";
        let hints = vec![hint.to_string()];
        return Err(match verdict {
            Verdict::Unknown => PlanError::Unknown { reason, hints },
            _ => PlanError::Refused { reason, hints },
        });
    }
    Ok(())
}
