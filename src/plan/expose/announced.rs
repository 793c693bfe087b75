//! What is said of the nodes that take packets for a Service's addresses: who they are, since when, and from where that is
//! known.
//! Never guesses: what nothing tells is said as unknown, with the way to find out.

use std::net::IpAddr;

use k8s_openapi::jiff::Timestamp;

use super::super::Note;
use super::super::exposure::Door;
use super::super::perimeter::compose::doors_of;
use super::super::probe::packet;
use super::{Work, fact, warning};
use crate::evaluate::entries;
use crate::model::flow::Protocol;
use crate::model::world::{Announcement, Announcer, Fact, ServiceAddress};

/// Notes on every address that clients of the grant connect to.
pub fn notes(work: &Work<'_>) -> Vec<Note> {
    let mut balanced: Vec<IpAddr> = Vec::new();
    let mut advertised: Vec<(IpAddr, ServiceAddress)> = Vec::new();
    for doorway in doors_of(&work.target, &work.grant) {
        let of = match doorway.door {
            Door::NodePort(_) => continue,
            Door::LoadBalancer(ip) => (ip, ServiceAddress::LoadBalancer),
            Door::External(ip) => (ip, ServiceAddress::External),
            Door::Advertised(ip) => (ip, ServiceAddress::Cluster),
        };
        let is_bgp = work.target.network.advertises(of.1, of.0).is_some();
        match (is_bgp, of.1) {
            (true, _) if !advertised.contains(&of) => advertised.push(of),
            (false, ServiceAddress::LoadBalancer) if !balanced.contains(&of.0) => balanced.push(of.0),
            _ => {}
        }
    }
    let mut notes = Vec::new();
    if !balanced.is_empty() {
        notes.extend(by_balancer(work, &listed(&balanced)));
    }
    notes.extend(advertised.into_iter().map(|(ip, of)| by_calico(work, ip, of)));
    notes
}

fn listed(ips: &[IpAddr]) -> String {
    ips.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")
}

/// MetalLB's speakers, as its statuses or events tell.
fn by_balancer(work: &Work<'_>, ips: &str) -> Vec<Note> {
    let (namespace, name) = &work.key;
    let unknown = |why: &str| {
        vec![warning(format!(
            "which node announces {ips} is not known ({why}); it is closed to others on every node all the same. To find out: \
             `kubectl get servicel2statuses -A`, `kubectl describe service -n {namespace} {name}`, or the logs of MetalLB's \
             speakers"
        ))]
    };
    let found = match work.target.network.announcers.get(&work.key) {
        None => return unknown("the address is not given yet"),
        Some(Fact::Unknown { why }) => return unknown(why),
        Some(Fact::Known { value, .. }) if value.is_empty() => return unknown("nobody says that it does"),
        Some(Fact::Known { value, .. }) => value,
    };
    let said: Vec<String> = found.iter().map(announcer).collect();
    let mut notes = vec![fact(format!("{ips} is announced by {}", said.join("; ")))];
    let mut layer2: Vec<&str> =
        found.iter().filter(|one| one.how != Some(Announcement::Bgp)).map(|one| one.node.as_str()).collect();
    layer2.sort_unstable();
    layer2.dedup();
    if layer2.len() > 1 {
        notes.push(warning(format!(
            "nodes {} all announce {ips} in layer 2, where one at a time should: clients reach now one, now another. Restart \
             the speaker of the one that should not, or look at what its log says of the memberlist (port 7946 between nodes)",
            layer2.join(" and ")
        )));
    }
    notes
}

/// As `node n1 by layer 2 since 2026-05-01T12:00:00Z (ServiceL2Status metallb-system/l2-a)`.
fn announcer(one: &Announcer) -> String {
    let how = one.how.map(|how| format!(" by {how}")).unwrap_or_default();
    let time = |seconds: i64| Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default();
    let when = match (one.since, one.noted) {
        (Some(since), _) => format!(" since {}", time(since)),
        (None, Some(noted)) => format!(", as noted at {}", time(noted)),
        (None, None) => ", since when is not known".to_string(),
    };
    format!("node {}{how}{when} ({})", one.node, one.evidence)
}

/// Calico's own BGP: every node that has a peer outside, or only those with a pod.
fn by_calico(work: &Work<'_>, ip: IpAddr, of: ServiceAddress) -> Note {
    let world = &work.target;
    let evidence = world.network.advertises(of, ip).map(|range| range.evidence.as_str()).unwrap_or_default();
    let stranger = if ip.is_ipv4() { "203.0.113.77" } else { "2001:db8::77" };
    let port = work.service().ports.first().map(|port| (port.protocol, port.port));
    let (protocol, number) = port.unwrap_or((Protocol::TCP, 80));
    let nodes = match stranger.parse() {
        Ok(source) => entries::of(world, &packet(source, ip, protocol, Some(number))),
        Err(_) => Err("no address stands for clients outside".to_string()),
    };
    let peers = match &world.network.bgp_peers {
        Fact::Known { value, .. } if value.is_empty() => {
            "; no BGPPeer outside is configured, so no router hears it: --peer adds one".to_string()
        }
        Fact::Known { value, .. } => {
            let peers: Vec<&str> = value.iter().map(|peer| peer.address.as_str()).collect();
            format!(" to {}", peers.join(", "))
        }
        Fact::Unknown { why } => format!("; to which routers is not known ({why}): `kubectl get bgppeers` tells"),
    };
    match nodes {
        Ok(nodes) => {
            let text = format!("{ip} is advertised over BGP by {}{peers} ({evidence})", nodes.join(", "));
            if peers.contains("no BGPPeer") { warning(text) } else { fact(text) }
        }
        Err(why) => warning(format!(
            "which node advertises {ip} is not known ({why}); `calicoctl node status` on the nodes tells"
        )),
    }
}
