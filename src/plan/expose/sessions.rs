//! BGP sessions with routers outside: whether the port on which nodes listen stays open to them.
//! Never opens it: failsafes and host policy are the administrator's.

use std::net::IpAddr;

use super::super::perimeter::hosts::{self, BGP};
use super::super::probe::packet;
use super::super::{Note, PlanError};
use super::proof::who;
use super::{Work, warning};
use crate::evaluate::path::{Question, walk};
use crate::model::flow::{HopAction, Path, Protocol, Verdict, together};
use crate::model::intent::Way;
use crate::model::world::{AddressRole, BgpPeer, Node, World};

/// Walks both ways of every session. One way is enough: either side can open it.
pub fn check(work: &Work<'_>, end: &World) -> Result<Vec<Note>, PlanError> {
    if work.ask.way != Way::Bgp || work.target.network.felix.is_bpf() {
        return Ok(Vec::new());
    }
    let mut notes: Vec<Note> = port(end).into_iter().collect();
    for peer in end.network.bgp_peers.value().into_iter().flatten() {
        for node in end.nodes.values().filter(|node| peer.is_of(&node.name, &node.labels)) {
            let Some(by) = session(end, node, peer) else { continue };
            let reason = format!(
                "BGP between node {} and {} has no way: {by}. Failsafe ports keep {BGP} alone open unless they are changed",
                node.name, peer.address
            );
            if session(&work.now, node, peer).is_none() {
                return Err(PlanError::Refused {
                    reason,
                    hints: vec!["add the port to failsafeInboundHostPorts of the FelixConfiguration".into()],
                });
            }
            notes.push(warning(format!(
                "{reason}; add the port to failsafeInboundHostPorts of the FelixConfiguration, or allow it in that policy"
            )));
            break;
        }
    }
    Ok(notes)
}

/// The port on which nodes listen, where Felix does not keep it open by itself.
fn port(world: &World) -> Option<Note> {
    let number = *world.network.bgp_port.value()?;
    let exposed: Vec<&str> = world
        .nodes
        .keys()
        .filter(|node| {
            world.network.felix_on(node).failsafe_in.value().is_some()
                && !hosts::is_failsafe(world, node, Protocol::TCP, number)
        })
        .map(String::as_str)
        .collect();
    (!exposed.is_empty()).then(|| {
        warning(format!(
            "nodes listen for BGP on port {number}, which is no failsafe of Felix on {}: a policy that closes these hosts ends \
             the sessions; add it to failsafeInboundHostPorts of the FelixConfiguration",
            exposed.join(", ")
        ))
    })
}

/// What stops a session both ways; none where one of them is open or cannot be told.
fn session(world: &World, node: &Node, peer: &BgpPeer) -> Option<String> {
    let router = peer.ip()?;
    let family = |own: &IpAddr| own.is_ipv4() == router.is_ipv4();
    let own = node.addresses.iter().filter(|own| own.role == AddressRole::Host).map(|own| own.ip).find(family)?;
    let listens = world.network.bgp_port.value().copied().unwrap_or(BGP);
    let comes = packet(router, own, Protocol::TCP, Some(listens));
    let goes = packet(own, router, Protocol::TCP, Some(peer.port()));
    let ways = |packet| walk(world, &Question { packet, entry: None });
    let (comes, goes) = (ways(comes), ways(goes));
    if together(&comes) != Verdict::Deny || together(&goes) != Verdict::Deny {
        return None;
    }
    Some(format!(
        "TCP {listens} of the node is stopped{}, and so is TCP {} of the router{}",
        by(&comes),
        peer.port(),
        by(&goes)
    ))
}

fn by(ways: &[Path]) -> String {
    let denied = ways.iter().flat_map(|path| &path.hops).find(|hop| hop.action == HopAction::Deny);
    denied.and_then(|hop| hop.by.as_ref()).map(|by| format!(" by {}", who(by))).unwrap_or_default()
}
