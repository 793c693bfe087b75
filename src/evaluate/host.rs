//! The checkpoints of host endpoints on a packet's way through a node.
//! Never knows what pods' policies say.

use super::owners::unseen_host_endpoints;
use super::path::Journey;
use super::policy::Judgement;
use super::routes::Via;
use crate::model::flow::Checkpoint;
use crate::model::world::{AddressRole, World};

/// What a packet comes in or goes out by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// The one that has the node's own address.
    Uplink,
    /// A tunnel.
    Tunnel(AddressRole),
    /// A pod's.
    Workload,
    /// Between processes of the node.
    Loopback,
}

fn ask(world: &World, node: &str, checkpoint: Checkpoint, journey: &mut Journey) {
    let known = world.host_endpoints.iter().find(|endpoint| endpoint.node == node);
    let why = match known {
        Some(endpoint) => format!("host endpoint {} may police it", endpoint.name),
        None => match unseen_host_endpoints(world) {
            Some(why) => why,
            None => return,
        },
    };
    journey.add(Some(node.into()), checkpoint, None, Judgement::unknown(why));
}

/// doNotTrack and preDNAT policy.
pub fn before_translation(world: &World, node: &str, _from: Interface, journey: &mut Journey) {
    ask(world, node, Checkpoint::PreDnat, journey);
}

/// Host policy on the way to a process.
pub fn ingress(world: &World, node: &str, _from: Interface, journey: &mut Journey) {
    ask(world, node, Checkpoint::HostIngress, journey);
}

/// Host policy on the way from a process.
pub fn egress(world: &World, node: &str, _to: Interface, journey: &mut Journey) {
    ask(world, node, Checkpoint::HostEgress, journey);
}

/// applyOnForward policy where a packet comes in.
pub fn forward_ingress(world: &World, node: &str, _from: Interface, journey: &mut Journey) {
    ask(world, node, Checkpoint::ForwardIngress, journey);
}

/// applyOnForward policy where a packet goes out.
pub fn forward_egress(world: &World, node: &str, _to: Interface, journey: &mut Journey) {
    ask(world, node, Checkpoint::ForwardEgress, journey);
}

/// The tunnel's own packets between two nodes.
pub fn tunnelled(_world: &World, _from: &str, _to: &str, _via: Via, _journey: &mut Journey) {}
