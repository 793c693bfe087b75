//! The way by which whoever locks the nodes comes to the API server: it must be there afterwards, or the lock stays.
//! Never opens it by itself.

use std::net::IpAddr;

use super::super::expose::who;
use super::super::perimeter::doors::{STRANGERS, why_unknown};
use super::super::probe::packet;
use super::super::rules::is_inside;
use super::super::{PlanError, Risk};
use super::{Ask, listeners};
use crate::evaluate::path::{Question, walk};
use crate::model::flow::{HopAction, Protocol, Verdict, together};
use crate::model::intent::Hosts;
use crate::model::world::World;

/// How requests come to the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operator {
    /// The server as the kubeconfig names it.
    pub server: String,
    /// Its addresses, where its name could be looked up.
    pub addresses: Vec<IpAddr>,
    /// Its port.
    pub port: u16,
    /// The address from which this machine sends to it; another one may arrive, behind a NAT or a proxy.
    pub local: Option<IpAddr>,
}

/// kube-apiserver's own port, where no object tells another.
const API: u16 = 6443;

/// Refuses to lock an API server away from whoever asks for the lock, or from everybody where nobody is known to be there.
pub fn check(world: &World, end: &World, ask: &Ask, hosts: &Hosts) -> Result<(), PlanError> {
    if ask.accepted.contains(&Risk::ApiServer) {
        return Ok(());
    }
    for (node, number) in servers(world, ask.operator.as_ref()) {
        let own = world.nodes.get(&node).map(|node| node.primary.clone()).unwrap_or_default();
        for to in own {
            let Some(source) = source(world, ask.operator.as_ref(), hosts, to) else { continue };
            if is_inside(world, source) {
                continue;
            }
            let packet = packet(source, to, Protocol::TCP, Some(number));
            let question = Question { packet, entry: None };
            // What is closed today was closed by somebody else.
            if together(&walk(world, &question)) == Verdict::Deny {
                continue;
            }
            let ways = walk(end, &question);
            match together(&ways) {
                Verdict::Allow => {}
                Verdict::Unknown => {
                    let why = ways.iter().find(|path| path.verdict == Verdict::Unknown).map(why_unknown);
                    return Err(unsafe_way(ask, source, to, number, why.unwrap_or_default(), true));
                }
                _ => {
                    let denied = ways.iter().flat_map(|path| &path.hops).find(|hop| hop.action == HopAction::Deny);
                    let by = denied.and_then(|hop| hop.by.as_ref()).map(who).unwrap_or_default();
                    return Err(unsafe_way(ask, source, to, number, by, false));
                }
            }
        }
    }
    Ok(())
}

/// Nodes that may run API servers, and the ports by which they are called: none where they are known to be elsewhere.
fn servers(world: &World, operator: Option<&Operator>) -> Vec<(String, u16)> {
    let mut known: Vec<(String, u16)> = listeners::api_servers(world).into_iter().collect();
    let elsewhere = world.api_servers.value().is_some_and(|ips| !ips.is_empty());
    let called = operator.filter(|operator| may_be_at_nodes(world, operator)).map(|operator| operator.port);
    let at_node = operator.and_then(|operator| operator.addresses.iter().find_map(|ip| world.node_at(*ip)));
    if known.is_empty() && elsewhere && at_node.is_none() {
        return Vec::new();
    }
    if known.is_empty() {
        let masters = world.nodes.values().filter(|node| node.control_plane.is_some());
        let mut names: Vec<String> = masters.map(|node| node.name.clone()).collect();
        if names.is_empty() {
            names = world.nodes.keys().cloned().collect();
        }
        known = names.into_iter().map(|name| (name, called.unwrap_or(API))).collect();
    }
    // The address that is called may be one that moves between these nodes, with a port of its own.
    let nodes: Vec<String> = known.iter().map(|(node, _)| node.clone()).collect();
    known.extend(called.into_iter().flat_map(|number| nodes.iter().map(move |node| (node.clone(), number))));
    known.extend(at_node.zip(called).map(|(node, number)| (node.name.clone(), number)));
    known.sort();
    known.dedup();
    known
}

/// Whether the address that is called can be one that moves between nodes: it is in a node's subnet, or that is not known.
/// Loopback is a tunnel of this machine, of which nothing is known.
fn may_be_at_nodes(world: &World, operator: &Operator) -> bool {
    let subnets: Vec<_> = world.nodes.values().flat_map(|node| &node.addresses).filter_map(|own| own.subnet).collect();
    let near = |ip: &IpAddr| {
        world.node_at(*ip).is_some() || subnets.is_empty() || subnets.iter().any(|subnet| subnet.contains(ip))
    };
    match operator.addresses.as_slice() {
        [] => !operator.server.is_empty() && operator.local.is_some(),
        ips => ips.iter().any(|ip| !ip.is_loopback() && near(ip)),
    }
}

/// Who comes: this machine, where it is known; else the networks that were named, else anybody.
fn source(world: &World, operator: Option<&Operator>, hosts: &Hosts, to: IpAddr) -> Option<IpAddr> {
    let of_family = |ip: &IpAddr| ip.is_ipv4() == to.is_ipv4();
    let local = operator.and_then(|operator| operator.local);
    if let Some(local) = local.filter(|ip| !ip.is_loopback()) {
        return Some(local).filter(of_family);
    }
    let named = hosts.from.iter().map(|net| net.network()).find(of_family);
    let anybody = || STRANGERS.into_iter().find(of_family);
    named.filter(|ip| !is_inside(world, *ip)).or_else(anybody)
}

fn unsafe_way(ask: &Ask, source: IpAddr, to: IpAddr, number: u16, by: String, unknown: bool) -> PlanError {
    let local = ask.operator.as_ref().and_then(|operator| operator.local);
    let (reason, network) = match (local, unknown) {
        (Some(_), false) => (
            format!(
                "this machine ({source}) would no longer reach the API server at {to}:{number} (TCP), stopped by {by}"
            ),
            format!("{source}"),
        ),
        (None, false) => (
            format!("nobody outside the cluster would reach the API server at {to}:{number} (TCP), stopped by {by}"),
            "NETWORK".to_string(),
        ),
        (_, true) => (
            format!("whether the API server at {to}:{number} (TCP) can be reached afterwards is not known: {by}"),
            "NETWORK".to_string(),
        ),
    };
    let hints = vec![
        format!("--allow-from {network} leaves the nodes open to it; behind a NAT, name the address that arrives"),
        format!("--allow-port {number} leaves the port open to everybody"),
        format!(
            "--accept-risk {} goes on all the same; with --confirm-within 5m a cluster is as before unless somebody confirms",
            Risk::ApiServer
        ),
    ];
    match unknown {
        true => PlanError::Unknown { reason, hints },
        false => PlanError::Refused { reason, hints },
    }
}
