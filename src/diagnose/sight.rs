//! Where in the kernel a packet was logged, by which policy, and what policy says there today.
//! Never proposes anything.

use super::atlas::{Atlas, Ends};
use super::ends::{End, EndKind};
use super::interface::Face;
use super::line::Logged;
use super::prefix::{Prefixes, Writer};
use crate::evaluate::logs::{Endpoint, Found, ask, host_endpoint};
use crate::model::flow::{Checkpoint, Decider, HopAction, Packet};
use crate::model::policy::PolicyId;
use crate::model::world::World;

/// A checkpoint that a packet with these interfaces passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Station<'w> {
    /// Which.
    pub checkpoint: Checkpoint,
    /// Whose.
    pub endpoint: Endpoint<'w>,
}

/// What was seen of a logged packet.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// Where it was logged; none where the interfaces leave that open.
    pub checkpoint: Option<Checkpoint>,
    /// The endpoint that is policed there.
    pub endpoint: Option<String>,
    /// Every policy whose Log rule can have written the line, and where.
    pub loggers: Vec<(Checkpoint, PolicyId)>,
    /// What the node's policies say of the packet today, from all its checkpoints there.
    pub verdict: HopAction,
    /// Who says so.
    pub by: Option<Decider>,
    /// What is to be known about it.
    pub why: Option<String>,
}

impl Sight {
    fn unknown(why: impl Into<String>) -> Sight {
        let (by, why) = (None, Some(why.into()));
        Sight { checkpoint: None, endpoint: None, loggers: Vec::new(), verdict: HopAction::Unknown, by, why }
    }

    /// The policy that wrote the line, if it can be only one.
    pub fn policy(&self) -> Option<&PolicyId> {
        let (_, first) = self.loggers.first()?;
        self.loggers.iter().all(|(_, other)| other == first).then_some(first)
    }
}

/// The packet as evaluation knows it; none where the line is cut before its protocol.
pub fn packet(logged: &Logged) -> Option<Packet> {
    Some(Packet {
        source: logged.source,
        destination: logged.destination,
        protocol: logged.protocol?,
        port: logged.port,
        source_port: logged.source_port,
        icmp: logged.icmp,
    })
}

/// Looks at a logged packet on the node that wrote the line; without one, on every node where it would look the same.
pub fn see(atlas: &Atlas<'_>, logged: &Logged, ends: &Ends, node: Option<&str>, prefixes: &Prefixes) -> Sight {
    let Some(packet) = packet(logged) else { return Sight::unknown("the line does not tell the packet's protocol") };
    if let Some(node) = node {
        return at_node(atlas, logged, ends, node, prefixes, &packet);
    }
    let mut nodes: Vec<&str> = atlas.world.host_endpoints.iter().map(|endpoint| endpoint.node.as_str()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    if nodes.is_empty() {
        return at_node(atlas, logged, ends, "", prefixes, &packet);
    }
    // Host endpoints of one name on every node are usually policed by the same policies.
    let mut seen = nodes.iter().map(|node| at_node(atlas, logged, ends, node, prefixes, &packet));
    let Some(first) = seen.next() else { return Sight::unknown("which node wrote the line is not known") };
    let alike = |other: Sight| {
        (other.checkpoint, &other.loggers, other.verdict) == (first.checkpoint, &first.loggers, first.verdict)
    };
    match seen.all(alike) {
        true => Sight { endpoint: None, ..first },
        false => {
            Sight::unknown("which node wrote the line is not known, and nodes have different policies; --node says it")
        }
    }
}

fn at_node(atlas: &Atlas<'_>, logged: &Logged, ends: &Ends, node: &str, prefixes: &Prefixes, packet: &Packet) -> Sight {
    let stations = match stations(atlas.world, logged, ends, node) {
        Ok(stations) => stations,
        Err(why) => return Sight::unknown(why),
    };
    let mut seen: Vec<(Station<'_>, Found<'_>)> = Vec::new();
    for station in stations {
        // What preDNAT policy accepted is asked by no other ingress policy of the host.
        let accepted = seen.iter().any(|(before, found)| {
            before.checkpoint == Checkpoint::PreDnat && found.judgement.action == HopAction::Allow
        });
        let skipped = matches!(station.checkpoint, Checkpoint::HostIngress | Checkpoint::ForwardIngress);
        if !(accepted && skipped) {
            seen.push((station, ask(atlas.world, station.checkpoint, station.endpoint, packet)));
        }
    }
    seen.retain(|(_, found)| found.asked);
    if seen.is_empty() {
        return nobody_asked(atlas.world, logged, ends);
    }
    conclude(&seen, logged, prefixes)
}

/// Every checkpoint that a packet with these interfaces passes in a row, in the kernel's order (felix/rules/static.go).
pub fn stations<'w>(world: &'w World, logged: &Logged, ends: &Ends, node: &str) -> Result<Vec<Station<'w>>, String> {
    let host = |interface: &str, face: &Face| -> Result<Option<Endpoint<'w>>, String> {
        let tunnel = if let Face::Tunnel(role) = face { Some(*role) } else { None };
        let found = host_endpoint(world, node, interface, tunnel, *face == Face::Workload)?;
        Ok(found.map(Endpoint::Host))
    };
    let pod = |end: &End, face: &Face| -> Result<Option<Endpoint<'w>>, String> {
        match (face, end.pod) {
            (Face::Workload, Some(index)) => Ok(Some(Endpoint::Pod(&world.pods[index]))),
            (Face::Workload, None) => Err(end
                .why
                .clone()
                .unwrap_or_else(|| format!("no pod is known that has {}, and its interface tells none", end.address))),
            _ => Ok(None),
        }
    };
    let (incoming, outgoing) = (&ends.incoming, &ends.outgoing);
    let mut found = Vec::new();
    let mut add = |checkpoint, endpoint: Option<Endpoint<'w>>| {
        found.extend(endpoint.map(|endpoint| Station { checkpoint, endpoint }));
    };
    match (incoming, outgoing) {
        // A node's own process reaches its own pods without being asked.
        (Face::None, Face::Workload | Face::None) => {}
        (Face::None, _) => add(Checkpoint::HostEgress, host(&logged.outgoing, outgoing)?),
        (_, Face::None) => {
            let endpoint = host(&logged.incoming, incoming)?;
            let own = is_own(world, node, &ends.destination);
            // `*` host endpoints have no doNotTrack policy (felix/dataplane/linux/endpoint_mgr.go).
            let all = |endpoint: &Endpoint<'_>| matches!(endpoint, Endpoint::Host(host) if host.interface.as_deref() == Some("*"));
            add(Checkpoint::Untracked, endpoint.filter(|endpoint| !all(endpoint)));
            add(Checkpoint::PreDnat, endpoint);
            if *incoming == Face::Workload {
                let sender = pod(&ends.source, incoming);
                // To a process of its node; anything else is on its way there still.
                let asked = if own { sender? } else { None };
                add(Checkpoint::Egress, asked);
            } else if own {
                add(Checkpoint::HostIngress, endpoint);
            }
        }
        _ => {
            add(Checkpoint::ForwardIngress, host(&logged.incoming, incoming)?);
            add(Checkpoint::Egress, pod(&ends.source, incoming)?);
            add(Checkpoint::Ingress, pod(&ends.destination, outgoing)?);
            add(Checkpoint::ForwardEgress, host(&logged.outgoing, outgoing)?);
        }
    }
    Ok(found)
}

/// Whether a packet is for the node itself: not for a Service, whose address goes on to a backend.
fn is_own(world: &World, node: &str, destination: &End) -> bool {
    let own = destination.node.as_deref() == Some(node) || node.is_empty() && destination.node.is_some();
    let local = world.node_local_dns.contains(&destination.address);
    matches!(destination.kind, EndKind::Node | EndKind::Tunnel) && own || local
}

fn nobody_asked(world: &World, logged: &Logged, ends: &Ends) -> Sight {
    let between = format!("{} to {}", shown(&logged.incoming), shown(&logged.outgoing));
    if world.network.felix.is_bpf() {
        return Sight::unknown("the eBPF dataplane asks policy elsewhere, and writes no such lines");
    }
    match (&ends.incoming, &ends.outgoing) {
        (Face::None, Face::Workload) => Sight::unknown("a node's own processes reach its pods without being asked"),
        _ => Sight::unknown(format!("no pod and no HostEndpoint polices what goes from {between}")),
    }
}

fn shown(interface: &str) -> &str {
    if interface.is_empty() { "the node" } else { interface }
}

/// Which station wrote the line, and what all of them say together.
fn conclude(seen: &[(Station<'_>, Found<'_>)], logged: &Logged, prefixes: &Prefixes) -> Sight {
    let denies = |found: &Found<'_>| found.judgement.action == HopAction::Deny;
    let first_denial = seen.iter().position(|(_, found)| denies(found));
    let writer = prefixes.writer(&logged.prefix);
    let loggers = |up_to: usize| -> Vec<(usize, PolicyId)> {
        let asked = seen.iter().enumerate().take(up_to);
        let written = asked.flat_map(|(place, (_, found))| {
            let own = found.loggers.iter().filter(|policy| prefixes.is_of(policy, &logged.prefix));
            own.map(move |policy| (place, policy.id.clone()))
        });
        written.collect()
    };
    // A packet is not asked any more once it is denied; a line from before a change may say otherwise.
    let mut written = match writer {
        Writer::LogRule => loggers(first_denial.map_or(seen.len(), |place| place + 1)),
        Writer::Drop | Writer::Other => Vec::new(),
    };
    let mut why = None;
    if written.is_empty() && writer == Writer::LogRule {
        written = loggers(seen.len());
        why = Some(match (written.is_empty(), prefixes.names_policies(&logged.prefix)) {
            (false, _) => {
                "policies were changed since: today the packet would be stopped before this Log rule".to_string()
            }
            (true, true) => format!("no policy that it meets today writes {:?}", logged.prefix.trim()),
            (true, false) => {
                "no Log rule that it meets today writes such a line: policies were changed since".to_string()
            }
        });
    }
    let innermost = seen.iter().rposition(|(station, _)| matches!(station.endpoint, Endpoint::Pod(_)));
    let at = match (&written[..], first_denial) {
        ([], denial) => denial.or(innermost).unwrap_or(0),
        (written, Some(denial)) if written.iter().any(|(place, _)| *place == denial) => denial,
        ([(place, _), ..], _) => *place,
    };
    let (station, _) = &seen[at];
    let deciding = first_denial.map(|place| &seen[place].1.judgement).or_else(|| {
        let unknown = seen.iter().map(|(_, found)| &found.judgement).find(|found| found.action == HopAction::Unknown);
        unknown.or(Some(&seen[at].1.judgement))
    });
    let (action, by) = deciding.map_or((HopAction::Unknown, None), |judgement| {
        let by = (judgement.action != HopAction::None).then(|| judgement.by.clone());
        // Where no policy has a say, the packet passes.
        (if judgement.action == HopAction::None { HopAction::Allow } else { judgement.action }, by)
    });
    if let (HopAction::Unknown, Some(Decider::Unknown { why: unknown })) = (action, &by) {
        why = Some(unknown.clone());
    }
    let by_policy = |by: &Option<Decider>| match by {
        Some(Decider::Rule { policy, .. }) if writer == Writer::Drop => Some(policy.clone()),
        _ => None,
    };
    let mut loggers: Vec<(Checkpoint, PolicyId)> =
        written.into_iter().map(|(place, id)| (seen[place].0.checkpoint, id)).collect();
    loggers.extend(by_policy(&by).map(|id| (station.checkpoint, id)));
    Sight {
        checkpoint: Some(station.checkpoint),
        endpoint: Some(station.endpoint.name()),
        loggers,
        verdict: action,
        by,
        why,
    }
}
