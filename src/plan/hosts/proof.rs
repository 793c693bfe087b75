//! Proves the lock of the nodes before it is written: after every step the cluster itself, what was named and every door
//! are walked, and at the end strangers.
//! Never proposes anything.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::super::expose::polices_hosts;
use super::super::expose::who;
use super::super::lifelines::{self, Lifeline};
use super::super::perimeter::doors::{self, Pass, STRANGERS, Try, is_usual};
use super::super::perimeter::{compose, hosts};
use super::super::probe::packet;
use super::super::rules::is_inside;
use super::super::simulate::simulate;
use super::super::{Note, PlanError, Risk, Step};
use super::{Ask, doors as grants_with_doors, listeners};
use crate::evaluate::path::{Question, walk};
use crate::model::flow::{Decider, HopAction, Packet, Protocol, Verdict, together};
use crate::model::intent::{GrantPort, Hosts, Peer};
use crate::model::world::{AddressRole, World};

/// Proves all of it, or says what would go wrong; gives what is lost because that was accepted.
pub fn prove(world: &World, steps: &[Step], ask: &Ask, hosts: &Hosts) -> Result<Vec<Note>, PlanError> {
    let kept = kept(world, hosts);
    let open = open_doors(world, ask);
    let mut after = world.clone();
    for step in steps {
        after = simulate(&after, std::slice::from_ref(step))?;
        if !polices_hosts(step) {
            continue;
        }
        lifelines::compare(&kept, &after, step, &ask.accepted)?;
        let closed = open.iter().find(|one| lifelines::concerns(step, &one.node) && one.passes(&after) == Pass::No);
        if let Some(Try { packet, .. }) = closed {
            let reason = format!("{} would close {}, which is open now", step.object, shown(packet));
            let hints = vec!["--close-others closes what has no grant".into()];
            return Err(PlanError::Refused { reason, hints });
        }
    }
    strangers_stop(&after, hosts)?;
    Ok(lifelines::losses(&kept, &after, &ask.accepted))
}

fn shown(packet: &Packet) -> String {
    let port = packet.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{} -> {}{port} ({})", packet.source, packet.destination, packet.protocol)
}

/// What passes now and must not be cut: the cluster's own flows, sources that are spared, open ports, failsafes, routers.
fn kept(world: &World, hosts: &Hosts) -> Vec<Lifeline> {
    let mut kept: Vec<Lifeline> =
        lifelines::of(world).into_iter().filter(|line| !line.is_for_strangers(world)).collect();
    let strangers = STRANGERS;
    let spared: Vec<IpAddr> = hosts::spared(world, hosts).iter().map(|net| net.network()).collect();
    let ports = |ports: &[GrantPort]| -> Vec<(Protocol, Option<u16>)> {
        let one = |port: &GrantPort| Some((Protocol::parse(&port.protocol)?, Some(port.first)));
        ports.iter().filter_map(one).collect()
    };
    let of_hosts = [22, 443, 6443, 10250].map(|number| (Protocol::TCP, Some(number)));
    let peers: Vec<IpAddr> =
        world.network.bgp_peers.value().into_iter().flatten().filter_map(|peer| peer.ip()).collect();
    let bgp = world.network.bgp_port.value().copied().unwrap_or(hosts::BGP);
    for node in world.nodes.values() {
        let safe = world.network.felix_on(&node.name).failsafe_in.value().into_iter().flatten();
        let safe: Vec<(Protocol, Option<u16>)> = safe.map(|own| (own.protocol, Some(own.port))).collect();
        let named = ports(&hosts.ports).into_iter().chain(ports(&hosts.found)).chain(safe).collect::<Vec<_>>();
        let icmp = [(Protocol::ICMP, None), (Protocol::ICMPV6, None)];
        for own in node.addresses.iter().filter(|own| own.role == AddressRole::Host).map(|own| own.ip) {
            let mut add = |risk, what: &str, sources: &[IpAddr], flows: &[(Protocol, Option<u16>)]| {
                for source in sources.iter().filter(|source| source.is_ipv4() == own.is_ipv4()) {
                    let fits =
                        |protocol: Protocol| protocol != if own.is_ipv4() { Protocol::ICMPV6 } else { Protocol::ICMP };
                    for (protocol, number) in flows.iter().filter(|(protocol, _)| fits(*protocol)) {
                        let packet = packet(*source, own, *protocol, *number);
                        kept.extend(Lifeline::to_node(
                            world,
                            risk,
                            format!("{what} {}", node.name),
                            packet,
                            &node.name,
                        ));
                    }
                }
            };
            add(Risk::Nodes, "a source that nodes do not close for reaches", &spared, &of_hosts);
            add(Risk::Nodes, "ports that stay open are reached on", &strangers, &named);
            add(Risk::Nodes, "ICMP reaches", &strangers, &icmp);
            add(Risk::Bgp, "its router reaches", &peers, &[(Protocol::TCP, Some(bgp))]);
        }
    }
    kept
}

/// Doors that somebody can come by now: their clients, and strangers where they are for all.
fn open_doors(world: &World, ask: &Ask) -> Vec<Try> {
    let grants = grants_with_doors(world);
    let granted: BTreeSet<String> =
        grants.iter().flat_map(|grant| compose::doors_of(world, grant)).map(|doorway| doorway.key()).collect();
    let clients: BTreeSet<IpAddr> = grants
        .iter()
        .flat_map(|grant| match &grant.from {
            Peer::Nets(nets) => nets.iter().take(8).map(|net| net.network()).collect::<Vec<_>>(),
            _ => Vec::new(),
        })
        .filter(|ip| !is_inside(world, *ip))
        .collect();
    let strangers = STRANGERS.into_iter();
    let sources: BTreeSet<IpAddr> = strangers.chain(clients).collect();
    let mut open = Vec::new();
    for doorway in doors::all(world) {
        if ask.shape.close_others && !granted.contains(&doorway.key()) {
            continue;
        }
        for source in &sources {
            let tries = doorway.tries(world, *source).into_iter().filter(|one| is_usual(world, one));
            open.extend(tries.filter(|one| one.passes(world) == Pass::Yes));
        }
    }
    open
}

/// Strangers reach nothing on any node but what stays open.
fn strangers_stop(end: &World, hosts: &Hosts) -> Result<(), PlanError> {
    let mut ports: BTreeSet<(Protocol, u16)> =
        [(Protocol::TCP, 81), (Protocol::UDP, 81), (Protocol::TCP, 10250)].into();
    let listening = listeners::all(end).into_iter().map(|listener| listener.port);
    ports.extend(listening.filter_map(|port| Some((Protocol::parse(&port.protocol)?, port.first))));
    let is_open = |node: &str, protocol: Protocol, number: u16| {
        let named =
            |port: &GrantPort| port.protocol == protocol.to_string() && (port.first..=port.last).contains(&number);
        hosts.ports.iter().chain(&hosts.found).any(named)
            || hosts::is_failsafe(end, node, protocol, number)
            || hosts::proxy_health(end).as_ref().is_some_and(named)
            || end.network.felix_on(node).failsafe_in.value().is_none()
    };
    for node in end.nodes.values() {
        for own in node.addresses.iter().filter(|own| own.role == AddressRole::Host).map(|own| own.ip) {
            let stranger = STRANGERS.into_iter();
            for source in stranger.filter(|source| source.is_ipv4() == own.is_ipv4()) {
                for (protocol, number) in
                    ports.iter().filter(|(protocol, number)| !is_open(&node.name, *protocol, *number))
                {
                    stops(end, &packet(source, own, *protocol, Some(*number)), &node.name)?;
                }
            }
        }
    }
    Ok(())
}

fn stops(end: &World, packet: &Packet, node: &str) -> Result<(), PlanError> {
    let ways = walk(end, &Question { packet: *packet, entry: None });
    let deciding = |action: HopAction| {
        let hops = ways.iter().flat_map(|path| &path.hops).filter(move |hop| hop.action == action);
        hops.filter_map(|hop| hop.by.as_ref()).next()
    };
    match together(&ways) {
        Verdict::Deny => Ok(()),
        Verdict::Unknown => Err(PlanError::Unknown {
            reason: format!(
                "whether {} is stopped on node {node} cannot be told: {}",
                shown(packet),
                match deciding(HopAction::Unknown) {
                    Some(Decider::Unknown { why }) => why.clone(),
                    _ => "not enough could be seen".into(),
                }
            ),
            hints: vec!["--interface '*' makes host endpoints for every interface".into()],
        }),
        _ => Err(PlanError::Refused {
            reason: format!(
                "{} would still pass on node {node}{}",
                shown(packet),
                deciding(HopAction::Allow).map(|by| format!(", by {}", who(by))).unwrap_or_default()
            ),
            hints: vec![format!(
                "change that policy, or say that it is meant: --allow-port {}",
                packet.port.unwrap_or_default()
            )],
        }),
    }
}
