//! What is said when nodes are locked: what closes, what stays open and by what.
//! Never decides anything.

use std::collections::BTreeMap;

use super::super::Note;
use super::super::perimeter::hosts;
use super::listeners::{self, Listener};
use super::{fact, warning};
use crate::evaluate::interfaces;
use crate::model::flow::Protocol;
use crate::model::intent::{GrantPort, Hosts};
use crate::model::world::{Fact, Failsafe, World};

/// All of it.
pub fn notes(world: &World, end: &World, before: Option<&Hosts>, hosts: &Hosts) -> Vec<Note> {
    let mut notes = Vec::new();
    let (open, closed): (Vec<Listener>, Vec<Listener>) =
        listeners::all(world).into_iter().partition(|listener| stays_open(world, listener, hosts));
    let list = |all: &[Listener]| all.iter().map(|one| listed(world, one)).collect::<Vec<_>>().join(", ");
    if !closed.is_empty() {
        notes.push(warning(format!(
            "close to sources outside the cluster: {}, and whatever else listens on the nodes, of which no object tells",
            list(&closed)
        )));
    }
    notes.extend(failsafes(world));
    if !open.is_empty() {
        notes.push(fact(format!("stay open to everybody: {}", list(&open))));
    }
    notes.push(fact(
        "stay open: nodes, their tunnels and pods to every node, ICMP and neighbour discovery, and what nodes and pods send"
            .into(),
    ));
    if !hosts.from.is_empty() {
        let nets: Vec<String> = hosts.from.iter().map(ToString::to_string).collect();
        notes.push(fact(format!("{} reach everything on the nodes, but no door of a Service", nets.join(", "))));
    }
    if !hosts.found.is_empty() {
        let ports: Vec<String> = hosts.found.iter().map(GrantPort::to_string).collect();
        notes.push(warning(format!(
            "found open on nodes, and kept so: {} (hostPort of applications); --close-others closes them",
            ports.join(", ")
        )));
    }
    notes.extend(no_longer(before, hosts));
    notes.extend(ssh(world, hosts));
    notes.extend(uncovered(end));
    notes
}

/// As `kubelet TCP:10250 on every node`.
fn listed(world: &World, Listener { what, port, nodes }: &Listener) -> String {
    let on = match nodes.len() {
        all if all == world.nodes.len() => " on every node".to_string(),
        0 => String::new(),
        1 => format!(" on {}", nodes.iter().next().map(String::as_str).unwrap_or_default()),
        some => format!(" on {some} nodes"),
    };
    format!("{what} {port}{on}")
}

fn stays_open(world: &World, listener: &Listener, hosts: &Hosts) -> bool {
    let Listener { port, nodes, .. } = listener;
    let covers =
        |open: &GrantPort| open.protocol == port.protocol && open.first <= port.first && port.last <= open.last;
    let protocol = Protocol::parse(&port.protocol).unwrap_or(Protocol::TCP);
    hosts.ports.iter().chain(&hosts.found).any(covers)
        || hosts::proxy_health(world).as_ref().is_some_and(covers)
        || nodes.iter().all(|node| hosts::is_failsafe(world, node, protocol, port.first))
}

/// The ports that Felix keeps open, nodes with the same list together.
fn failsafes(world: &World) -> Vec<Note> {
    let mut lists: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut notes = Vec::new();
    for node in world.nodes.keys() {
        match &world.network.felix_on(node).failsafe_in {
            Fact::Known { value, .. } => lists.entry(shown(value)).or_default().push(node),
            Fact::Unknown { why } => {
                let text = format!("which ports Felix keeps open is not known ({why})");
                if !notes.iter().any(|note: &Note| note.text == text) {
                    notes.push(warning(text));
                }
            }
        }
    }
    for (list, nodes) in &lists {
        let on = if lists.len() == 1 { String::new() } else { format!(" on {}", nodes.join(", ")) };
        notes.push(fact(match list.is_empty() {
            true => format!("no port is a failsafe of Felix{on}: nothing stays open by itself"),
            false => format!("failsafe ports, which no policy closes{on}: {list}"),
        }));
    }
    notes
}

fn shown(list: &[Failsafe]) -> String {
    let one = |own: &Failsafe| {
        let net = own.net.filter(|net| net.prefix_len() > 0).map(|net| format!(" from {net}")).unwrap_or_default();
        format!("{}:{}{net}", own.protocol, own.port)
    };
    list.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What was named before and is not now.
fn no_longer(before: Option<&Hosts>, hosts: &Hosts) -> Option<Note> {
    let before = before?;
    let nets = before.from.iter().filter(|net| !hosts.from.iter().any(|now| now.contains(*net)));
    let mut gone: Vec<String> = nets.map(ToString::to_string).collect();
    let ports = before.ports.iter().chain(&before.found);
    let ports = ports.filter(|port| !hosts.ports.contains(port) && !hosts.found.contains(port));
    gone.extend(ports.map(GrantPort::to_string));
    (!gone.is_empty()).then(|| warning(format!("no longer open: {}", gone.join(", "))))
}

/// Whether anybody can still log in.
fn ssh(world: &World, hosts: &Hosts) -> Option<Note> {
    let safe = world.nodes.keys().all(|node| hosts::is_failsafe(world, node, Protocol::TCP, 22));
    let named = hosts.ports.iter().any(|port| port.protocol == "TCP" && (port.first..=port.last).contains(&22));
    let text =
        "port 22 (SSH) is no failsafe on every node: only nodes, pods and networks of --allow-from reach it there";
    (!safe && !named).then(|| warning(text.into()))
}

/// Interfaces by which packets come in that no host endpoint polices.
fn uncovered(end: &World) -> Vec<Note> {
    let mut notes = Vec::new();
    for node in end.nodes.keys() {
        let Ok(all) = interfaces::coverage(end, node) else { continue };
        let open: Vec<String> =
            all.into_iter().filter(|one| one.endpoint.is_none()).map(|one| one.interface.unwrap_or_default()).collect();
        if !open.is_empty() {
            notes.push(warning(format!(
                "no host endpoint covers {} of node {node}, so what enters there is not closed; --interface '*' covers all",
                open.join(", ")
            )));
        }
    }
    notes
}
