//! doNotTrack policy: asked before connection tracking, of packets and of their answers, each on its own.
//! Never knows what other policies say.

use super::host::{doubt, failsafe, failsafe_of_answer, labelled};
use super::interfaces::{self, Interface};
use super::journey::{Accepted, Journey};
use super::owners::Match;
use super::policy::{Judgement, Selected};
use super::routes::{self, Via};
use crate::model::flow::{Checkpoint, HopAction, Packet};
use crate::model::policy::{Direction, Hook, Policy};
use crate::model::world::World;

/// Whether there is any: if not, nothing here is asked.
pub fn exists(world: &World) -> bool {
    world.policies.iter().any(|policy| policy.hook == Hook::Untracked)
}

/// A packet as it comes in. One that is let pass is neither tracked nor translated, and the host's own policy lets it pass
/// (felix/rules/static.go: it is accepted in all tables, but pods' own policy is asked).
pub fn arriving(world: &World, node: &str, from: Interface, journey: &mut Journey) {
    let packet = journey.packet;
    let Some((who, judgement)) = ask(world, node, from, Direction::Ingress, &packet, false) else { return };
    if judgement.action == HopAction::Allow {
        journey.accepted = Accepted::Yes;
        journey.untracked = true;
    }
    journey.add(Some(node.into()), Checkpoint::Untracked, who, judgement);
}

/// A packet of the node's own process as it leaves, before it is translated.
pub fn leaving(world: &World, node: &str, to: Interface, journey: &mut Journey) {
    let packet = journey.packet;
    let Some((who, judgement)) = ask(world, node, to, Direction::Egress, &packet, false) else { return };
    journey.untracked = judgement.action == HopAction::Allow;
    journey.add(Some(node.into()), Checkpoint::Untracked, who, judgement);
}

/// The answer to a packet, at the interface by which the packet went out or came in. One half of a connection without the
/// other is taken for invalid, or gets no address back.
pub fn answered(world: &World, node: &str, interface: Interface, direction: Direction, journey: &mut Journey) {
    let request = journey.packet;
    let answer = Packet {
        source: request.destination,
        destination: request.source,
        port: request.source_port,
        source_port: request.port,
        ..request
    };
    let asked = ask(world, node, interface, direction, &answer, true);
    let half =
        |what: &str| Judgement::unknown(format!("doNotTrack policy lets {what} pass, and what follows is invalid"));
    let (who, judgement) = match (asked, journey.untracked) {
        (None, false) => return,
        (None, true) => (None, half("the packet, but does not see its answers")),
        (Some((who, judgement)), untracked) => {
            let judgement = match (judgement.action, untracked) {
                (HopAction::None, false) => return,
                (HopAction::None, true) => half("the packet, but not its answers,"),
                (HopAction::Allow, false) => half("the answers, but not the packet,"),
                _ => judgement,
            };
            (who, judgement)
        }
    };
    journey.packet = answer;
    journey.add(Some(node.into()), Checkpoint::Untracked, who, judgement);
    journey.packet = request;
}

/// A packet that is not tracked goes on through the node to somebody else, whose answers are new packets here.
pub fn forwarded(node: &str, journey: &mut Journey) {
    if journey.untracked {
        let why = "doNotTrack policy lets the packet pass, but its answers are new packets, which other policy is asked about";
        journey.add(Some(node.into()), Checkpoint::Untracked, None, Judgement::unknown(why));
    }
}

/// The tunnel's own packets from one node to the next, and those that come back, as they leave.
pub fn tunnelled(world: &World, from: &str, to: &str, journey: &mut Journey) {
    let there = journey.packet;
    let back = Packet { source: there.destination, destination: there.source, ..there };
    for (node, packet) in [(from, there), (to, back)] {
        if let Some((who, judgement)) = ask(world, node, Interface::Uplink, Direction::Egress, &packet, false) {
            journey.packet = packet;
            journey.add(Some(node.into()), Checkpoint::Untracked, who, judgement);
        }
    }
    journey.packet = there;
}

/// By which interface a process's packet leaves before it is translated: the kernel routes it by the address that it asks
/// for, and a Service's has no route of its own.
pub fn exit(world: &World, node: &str, packet: &Packet) -> Interface {
    let to = packet.destination;
    if world.nodes.get(node).is_some_and(|own| own.all_addresses().any(|ip| ip == to)) {
        return Interface::Loopback;
    }
    let home = world.pods_at(to).next().and_then(|pod| pod.node.as_deref());
    match home {
        None => Interface::Uplink,
        Some(home) if home == node => Interface::Workload,
        Some(home) => match routes::via(world, node, home, to) {
            Ok(Via::Plain) => Interface::Uplink,
            Ok(Via::Tunnel(role)) => Interface::Tunnel(role),
            Ok(Via::Unknown) | Err(_) => Interface::Unknown,
        },
    }
}

type Asked = (Option<(String, Direction)>, Judgement);

/// What the policies say; none where nobody is asked. `*` host endpoints have no such policy
/// (felix/dataplane/linux/endpoint_mgr.go), and failsafe ports, those of the other direction for answers, are left alone.
fn ask(
    world: &World,
    node: &str,
    interface: Interface,
    direction: Direction,
    packet: &Packet,
    answer: bool,
) -> Option<Asked> {
    if !exists(world) {
        return None;
    }
    let endpoint = match interfaces::host_endpoint(world, node, interface) {
        Ok(endpoint) => endpoint.filter(|endpoint| endpoint.interface.as_deref() != Some("*"))?,
        Err(why) => return Some((None, Judgement::unknown(why))),
    };
    let wanted = |policy: &Policy| policy.hook == Hook::Untracked;
    let selected = Selected::find(world, labelled(endpoint), direction, wanted);
    if selected.is_empty() {
        return None;
    }
    let mut judgement = selected.judge_untracked(world, direction, packet, answer);
    for failsafe in [failsafe, failsafe_of_answer].map(|is| is(world, node, direction, packet)) {
        if failsafe == Match::Yes {
            return None;
        }
        doubt(&mut judgement, failsafe);
    }
    Some((Some((endpoint.name.clone(), direction)), judgement))
}
