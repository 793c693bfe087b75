//! What was asked, and what the output announces beside it: whether a packet that opens is part of that.
//! Never asks how it was opened.

use std::net::IpAddr;

use kubectl_zerotrust::model::flow::{Checkpoint, Decider, Packet, Path, Protocol};
use kubectl_zerotrust::model::intent::{Grant, GrantPort, Peer};
use kubectl_zerotrust::model::selector::Selector;
use kubectl_zerotrust::model::world::World;
use kubectl_zerotrust::plan::perimeter::compose::{chosen, doors_of};
use kubectl_zerotrust::plan::perimeter::sources::masquerades;

use super::flows::Flow;

/// The packet as the pod that gets it sees it, else as it leaves or arrives.
pub fn arrived(flow: &Flow, path: &Path) -> Packet {
    let at_pod = path.hops.iter().rev().find(|hop| hop.checkpoint == Checkpoint::Ingress);
    at_pod.or(path.hops.last()).map_or(flow.packet, |hop| hop.packet)
}

/// Whether an address is of the cluster: a node's, a tunnel's or a pod's.
pub fn is_inside(world: &World, ip: IpAddr) -> bool {
    world.node_at(ip).is_some() || world.pods_at(ip).next().is_some()
}

/// Whether an address is one that a peer stands for.
pub fn is_of(world: &World, peer: &Peer, ip: IpAddr) -> bool {
    match peer {
        Peer::Pods { namespace, selector, .. } => {
            let selector = Selector::parse(selector).unwrap();
            world.pods_at(ip).any(|pod| pod.namespace == *namespace && selector.matches(&pod.own_labels))
        }
        Peer::Namespace(namespace) => world.pods_at(ip).any(|pod| pod.namespace == *namespace),
        Peer::Nets(nets) => nets.iter().any(|net| net.contains(&ip)),
        Peer::Nodes => world.node_at(ip).is_some(),
        Peer::World => !is_inside(world, ip),
    }
}

/// Whether a packet is for one of a grant's ports.
pub fn is_port(ports: Option<&[GrantPort]>, packet: &Packet) -> bool {
    let is = |port: &GrantPort| {
        Protocol::parse(&port.protocol) == Some(packet.protocol)
            && packet.port.is_some_and(|number| (port.first..=port.last).contains(&number))
    };
    ports.is_none_or(|ports| ports.iter().any(is))
}

/// Whether a grant is for such a packet, or the output says that it comes with it.
pub fn by_grant(world: &World, grant: &Grant, flow: &Flow, path: &Path) -> bool {
    let seen = arrived(flow, path);
    if !is_port(grant.ports.as_deref(), &seen) || !is_of(world, &grant.to, seen.destination) {
        return false;
    }
    let source = flow.packet.source;
    let Some(through) = &grant.through else {
        let as_node = grant.from == Peer::Nodes && is_inside(world, source) && world.node_at(seen.source).is_some();
        return is_of(world, &grant.from, source) || as_node;
    };
    let own = || doors_of(world, grant).iter().any(|door| Some(door.key()) == flow.door);
    if is_inside(world, source) {
        // A door for everybody is for those inside too, and so is one to pods that let them in by somebody else's rule.
        return comes_along(world, grant, source, &seen)
            || (own() && (grant.from == Peer::World || !is_by_a_grant(world, path)));
    }
    let bpf = world.network.felix.is_bpf();
    let direct = seen.destination == flow.packet.destination;
    let nets = through.nodes.as_deref().and_then(|nodes| chosen(world, nodes).ok());
    let by_node = nets.is_none_or(|nets| nets.iter().any(|net| net.contains(&flow.packet.destination)));
    is_of(world, &grant.from, source) && (bpf || direct || (own() && by_node))
}

/// Whom node addresses in a rule let in besides, as the output says: what runs on nodes, and pods that come back through
/// a door with a node's address.
fn comes_along(world: &World, grant: &Grant, source: IpAddr, seen: &Packet) -> bool {
    let carries_a_nodes = world.node_at(seen.source).is_some();
    masquerades(world, grant).unwrap_or(true) && (world.node_at(source).is_some() || carries_a_nodes)
}

/// Whether a rule of a grant lets the packet in to its pod.
fn is_by_a_grant(world: &World, path: &Path) -> bool {
    path.hops.iter().filter(|hop| hop.checkpoint == Checkpoint::Ingress).any(|hop| {
        let Some(Decider::Rule { policy, direction, index, .. }) = &hop.by else { return false };
        let policy = world.policies.iter().find(|other| other.id == *policy);
        let rules = policy.and_then(|policy| policy.rules(*direction)).unwrap_or_default();
        rules.iter().any(|rule| rule.place == *index && rule.grant.is_some())
    })
}
