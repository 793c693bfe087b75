//! Why a logged packet does not arrive: policy, or one of the kernel's own reasons that the world and the line can tell.
//! Never proposes anything.

use serde::Serialize;

use super::atlas::Ends;
use super::ends::{End, EndKind};
use super::interface::Face;
use super::line::Logged;
use super::sight::{Sight, packet};
use crate::evaluate::path::{Question, walk};
use crate::evaluate::routes::{Via, via};
use crate::model::flow::{Checkpoint, Decider, HopAction, Path, Verdict, together};
use crate::model::world::{AddressRole, Fact, Service, World};

/// Why a packet does not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A policy, a tier's end, or the lack of a profile.
    Policy,
    /// WireGuard sends to, and takes from, each node only what that node's pods and tunnel have.
    WireguardAllowedIps,
    /// The answer would go out by another interface (rp_filter).
    ReversePath,
    /// externalTrafficPolicy: Local, and the node has no ready backend.
    NoLocalBackend,
    /// It cannot be told.
    Unknown,
}

/// What is known of a packet's fate.
#[derive(Clone, Debug, PartialEq)]
pub struct Fate {
    /// Whether policy, today, lets it arrive.
    pub verdict: Verdict,
    /// Why it does not arrive; none where nothing is known to stop it.
    pub cause: Option<Cause>,
    /// In words.
    pub why: Option<String>,
    /// Who decides, if somebody does.
    pub by: Option<Decider>,
}

/// What becomes of a logged packet.
pub fn fate(world: &World, logged: &Logged, ends: &Ends, node: Option<&str>, sight: &Sight) -> Fate {
    let told = |verdict, cause, why: Option<String>| Fate { verdict, cause, why, by: sight.by.clone() };
    match sight.verdict {
        HopAction::Deny => told(Verdict::Deny, Some(Cause::Policy), sight.why.clone().or_else(|| shared(&ends.source))),
        HopAction::Unknown => told(Verdict::Unknown, Some(Cause::Unknown), sight.why.clone()),
        HopAction::Allow | HopAction::None => {
            let other = no_backend(world, logged, ends, node)
                .or_else(|| wireguard(world, logged, ends))
                .or_else(|| reverse_path(world, ends, node));
            if let Some((cause, why)) = other {
                return told(Verdict::Deny, Some(cause), Some(why));
            }
            further(world, logged, ends, node, sight).unwrap_or_else(|| {
                let passes = "every policy that it meets lets it pass today: the line is of a Log rule before an Allow, or \
                              policies were changed since";
                told(Verdict::Allow, None, sight.why.clone().or_else(|| Some(passes.into())))
            })
        }
    }
}

/// Who else comes with such an address.
fn shared(source: &End) -> Option<String> {
    let node = source.node.as_ref().filter(|_| source.is_shared())?;
    let what = source.tunnel.map_or_else(|| "own".to_string(), |role| tunnel_name(role).to_string());
    Some(format!(
        "{} is the {what} address of node {node}: a process there, a pod in its network, or any client that entered the \
         cluster by that node",
        source.address
    ))
}

/// The rest of its way, where the line shows the packet as its sender made it.
fn further(world: &World, logged: &Logged, ends: &Ends, node: Option<&str>, sight: &Sight) -> Option<Fate> {
    if !matches!(sight.checkpoint, Some(Checkpoint::PreDnat | Checkpoint::Untracked)) || ends.source.is_shared() {
        return None;
    }
    let question = Question { packet: packet(logged)?, entry: node.map(str::to_string) };
    let paths = walk(world, &question);
    let decided = |action| paths.iter().flat_map(|path: &Path| &path.hops).find(|hop| hop.action == action);
    let verdict = together(&paths);
    let (action, cause) = match verdict {
        Verdict::Allow => return None,
        Verdict::Deny | Verdict::Mixed => (HopAction::Deny, Cause::Policy),
        Verdict::Unknown => (HopAction::Unknown, Cause::Unknown),
    };
    let hop = decided(action)?;
    let at = hop.endpoint.as_ref().map(|endpoint| format!(" of {endpoint}")).unwrap_or_default();
    let why = match (&hop.by, action) {
        (Some(Decider::Unknown { why }), HopAction::Unknown) => why.clone(),
        _ => format!("this checkpoint lets it pass; it is stopped further on, at {}{at}", hop.checkpoint),
    };
    Some(Fate { verdict, cause: Some(cause), why: Some(why), by: hop.by.clone() })
}

/// A Service's door at a node that has nothing behind it.
fn no_backend(world: &World, logged: &Logged, ends: &Ends, node: Option<&str>) -> Option<(Cause, String)> {
    let end = &ends.destination;
    if !matches!(end.kind, EndKind::NodePort | EndKind::LoadBalancer | EndKind::ClusterIp) {
        return None;
    }
    let service = world.services.get(&(end.namespace.clone()?, end.name.clone()?))?;
    let Fact::Known { value: backends, .. } = &service.backends else { return None };
    let port = service.ports.iter().find(|port| {
        let number = if end.kind == EndKind::NodePort { port.node_port } else { Some(port.port) };
        Some(port.protocol) == logged.protocol && number == logged.port
    })?;
    let ready = || backends.iter().filter(|backend| backend.ready && backend.port_name == port.name);
    let name = format!("Service {}/{}", service.namespace, service.name);
    if ready().next().is_none() {
        return Some((Cause::Unknown, format!("{name} has no ready backend")));
    }
    let only_local = is_local_only(service, ends);
    let node = node.filter(|_| only_local)?;
    let local = ready().any(|backend| backend.node.as_deref() == Some(node));
    let why = format!("{name} has externalTrafficPolicy: Local, and no ready backend on node {node}");
    (!local).then_some((Cause::NoLocalBackend, why))
}

fn is_local_only(service: &Service, ends: &Ends) -> bool {
    match ends.destination.kind {
        EndKind::ClusterIp => false,
        // Pods and nodes are inside, where the policy for outside clients does not count.
        _ => service.local && !matches!(ends.source.kind, EndKind::Pod | EndKind::Node | EndKind::Tunnel),
    }
}

/// An address on the other side of WireGuard that no node's allowed IPs hold: those are its pods' blocks and its tunnel's
/// address, and with host encryption its own.
fn wireguard(world: &World, logged: &Logged, ends: &Ends) -> Option<(Cause, String)> {
    let tunnel = Face::Tunnel(AddressRole::Wireguard);
    let (end, interface, what) = if ends.incoming == tunnel {
        (&ends.source, &logged.incoming, "answers to")
    } else if ends.outgoing == tunnel {
        (&ends.destination, &logged.outgoing, "packets to")
    } else {
        return None;
    };
    let held = world.node_at(end.address).is_some()
        || world.pools.is_empty()
        || world.pools.iter().any(|pool| pool.net.contains(&end.address));
    let why = format!("{what} {} find no peer on {interface}: it is in no node's allowed IPs", end.address);
    (!held).then_some((Cause::WireguardAllowedIps, why))
}

/// A pod's packet that comes in by a wire although the way back to the pod is through a tunnel.
fn reverse_path(world: &World, ends: &Ends, node: Option<&str>) -> Option<(Cause, String)> {
    let (node, home) = (node?, ends.source.node.as_deref()?);
    if ends.source.kind != EndKind::Pod || ends.incoming != Face::Wire || home == node {
        return None;
    }
    match via(world, node, home, ends.source.address) {
        Ok(Via::Tunnel(role)) => {
            let why = format!(
                "it comes in by a wire, but node {node} reaches {} through {}: rp_filter drops such packets",
                ends.source.address,
                tunnel_name(role)
            );
            Some((Cause::ReversePath, why))
        }
        _ => None,
    }
}

/// A tunnel's name for a person.
pub fn tunnel_name(role: AddressRole) -> &'static str {
    match role {
        AddressRole::Ipip => "IPIP",
        AddressRole::Vxlan => "VXLAN",
        AddressRole::Wireguard => "WireGuard",
        AddressRole::Host | AddressRole::External => "no tunnel",
    }
}
