//! Proves a plan before it is written: after every step, clients, strangers, the doors of others and the hosts themselves
//! are walked through the world that the steps so far make.
//! Never proposes anything.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::lifelines;
use super::super::perimeter::apart;
use super::super::perimeter::compose::doors_of;
use super::super::perimeter::doors::{self, Doorway, Pass, STRANGERS, Try, is_usual, why_unknown};
use super::super::perimeter::sources::{masquerades, service_of};
use super::super::revoke::grants;
use super::super::rules::is_inside;
use super::super::simulate::simulate;
use super::super::{Note, PlanError, Risk, Step};
use super::{Work, beside, polices_hosts, warning};
use crate::model::flow::{Checkpoint, Decider, HopAction, Packet, Path, Verdict};
use crate::model::intent::{Grant, Peer};
use crate::model::world::{Service, World};

/// Proves all of it, or says what would go wrong.
pub fn prove(work: &Work<'_>, steps: &[Step], notes: &mut Vec<Note>) -> Result<(), PlanError> {
    let end = simulate(&work.now, steps)?;
    clients_pass(&end, work)?;
    strangers_stop(&end, work, notes)?;
    notes.extend(beside::notes(work, &end));
    let mut before = work.now.clone();
    let hosts = lifelines::of(&work.now);
    let watched = Watched::of(work, &end);
    for step in steps {
        let after = simulate(&before, std::slice::from_ref(step))?;
        watched.compare(work, &after, step)?;
        if polices_hosts(step) {
            lifelines::compare(&hosts, &after, step, &work.ask.accepted)?;
        }
        before = after;
    }
    Ok(())
}

/// Proves that steps open nothing, and cut nothing but what closes: also in the world in which the Service has got the
/// address that it waits for.
pub fn prove_closed(work: &Work<'_>, steps: &[Step], given: &World) -> Result<(), PlanError> {
    let hosts = lifelines::of(&work.now);
    let watched = Watched::of(work, given);
    let mut after = work.now.clone();
    for step in steps {
        after = simulate(&after, std::slice::from_ref(step))?;
        watched.compare(work, &after, step)?;
        if polices_hosts(step) {
            lifelines::compare(&hosts, &after, step, &work.ask.accepted)?;
        }
    }
    let early = watched.closed.iter().find(|one| one.passes(given) == Pass::Yes);
    match early.filter(|_| !work.ask.accepted.contains(&Risk::OpenToAllClientsOfNodes)) {
        None => Ok(()),
        Some(one) => Err(PlanError::Refused {
            reason: format!(
                "the load balancer's address would be open to {} before it is known{}",
                one.packet.source,
                opened_by(given, one)
            ),
            hints: vec![
                "--address IP asks for a certain one, which is closed to all others before it is there".into(),
                "kubectl zerotrust lockdown closes the pods to everybody first".into(),
            ],
        }),
    }
}

/// The rule before DNAT that lets a packet in, in words.
fn opened_by(world: &World, one: &Try) -> String {
    let ways = one.ways(world);
    let open = ways.iter().filter(|path| path.verdict == Verdict::Allow).flat_map(|path| &path.hops);
    let mut rules = open.filter(|hop| hop.checkpoint == Checkpoint::PreDnat && hop.action == HopAction::Allow);
    match rules.find_map(|hop| hop.by.as_ref().filter(|by| matches!(by, Decider::Rule { .. }))) {
        Some(by) => format!(": {} lets it in at the door of node {}", who(by), one.node),
        None => String::new(),
    }
}

/// The clients' ways to the grant's doors, one for each client address, node and port.
pub fn client_tries(world: &World, work: &Work<'_>) -> Vec<Try> {
    tries_of(world, work, clients(&work.grant))
}

/// The same with those of the clients whom policies tell apart from the others.
pub fn all_client_tries(world: &World, work: &Work<'_>) -> Vec<Try> {
    let apart = apart::of(world, work.service()).points.into_iter();
    let more = apart.filter(|ip| lets_in(&work.grant.from, *ip) && !is_inside(world, *ip));
    tries_of(world, work, clients(&work.grant).into_iter().chain(more).collect())
}

fn tries_of(world: &World, work: &Work<'_>, clients: Vec<IpAddr>) -> Vec<Try> {
    let doors = doors_of(world, &work.grant);
    let chosen = chosen(world, &work.grant);
    let mut tries = Vec::new();
    for client in clients {
        tries.extend(doors.iter().flat_map(|doorway| doorway.tries(world, client)));
    }
    tries.retain(|one| {
        let to = one.packet.destination;
        is_usual(world, one) && chosen.as_ref().is_none_or(|nets| nets.iter().any(|net| net.contains(&to)))
    });
    tries
}

fn chosen(world: &World, grant: &Grant) -> Option<Vec<IpNet>> {
    let nodes = grant.through.as_ref()?.nodes.as_deref()?;
    super::super::perimeter::compose::chosen(world, nodes).ok()
}

/// Addresses that stand for all clients of a grant.
pub fn clients(grant: &Grant) -> Vec<IpAddr> {
    match &grant.from {
        Peer::Nets(nets) => {
            let mut ips: Vec<IpAddr> = nets.iter().take(16).flat_map(|net| [net.network(), net.broadcast()]).collect();
            ips.dedup();
            ips
        }
        _ => ["203.0.113.9", "2001:db8::9"].iter().filter_map(|ip| ip.parse().ok()).collect(),
    }
}

/// Addresses that nobody granted: some of nobody in particular, and the neighbours of those that were named.
pub fn strangers(world: &World, grant: &Grant) -> Vec<IpAddr> {
    let Peer::Nets(nets) = &grant.from else { return Vec::new() };
    let mut ips: BTreeSet<IpAddr> = STRANGERS.into();
    ips.extend(
        nets.iter().take(8).flat_map(|net| [beside(net.network(), false), beside(net.broadcast(), true)]).flatten(),
    );
    let service = service_of(world, grant).map(|service| (&service.namespace, &service.name));
    let same = grants(world).into_iter().map(|info| info.grant);
    let same =
        same.filter(|other| service_of(world, other).map(|service| (&service.namespace, &service.name)) == service);
    let granted: Vec<Peer> = same.map(|other| other.from).chain([grant.from.clone()]).collect();
    let is_granted = |ip: &IpAddr| granted.iter().any(|peer| lets_in(peer, *ip));
    ips.into_iter().filter(|ip| !is_granted(ip) && !is_inside(world, *ip)).collect()
}

/// Every door of a grant with the clients that it is for: what another grant was given for may open again along with this
/// one, as its nodes' addresses are brought up to date.
pub fn granted(world: &World, own: &Grant) -> Vec<(String, Peer)> {
    let all = grants(world).into_iter().map(|info| info.grant).chain([own.clone()]);
    let doors = |grant: Grant| {
        let keys: Vec<String> = doors_of(world, &grant).iter().map(Doorway::key).collect();
        keys.into_iter().map(move |key| (key, grant.from.clone()))
    };
    all.flat_map(doors).collect()
}

/// Whether a peer outside stands for an address.
pub fn lets_in(peer: &Peer, source: IpAddr) -> bool {
    match peer {
        Peer::Nets(nets) => nets.iter().any(|net| net.contains(&source)),
        _ => true,
    }
}

fn beside(ip: IpAddr, up: bool) -> Option<IpAddr> {
    let by = if up { 1 } else { -1 };
    match ip {
        IpAddr::V4(ip) => u32::from(ip).checked_add_signed(by).map(|ip| IpAddr::V4(ip.into())),
        IpAddr::V6(ip) => u128::from(ip).checked_add_signed(by.into()).map(|ip| IpAddr::V6(ip.into())),
    }
}

/// Who decided, in words.
pub fn who(by: &Decider) -> String {
    match by {
        Decider::Rule { policy, direction, index, .. } => format!("rule {index} of {direction} in {policy}"),
        Decider::TierDefault { tier, policies } => {
            let names: Vec<String> = policies.iter().map(ToString::to_string).collect();
            format!("the end of tier {tier} ({})", names.join(", "))
        }
        Decider::Profile { name } => format!("profile {name}"),
        Decider::Setting { name, .. } => format!("Felix's {name}"),
        Decider::Unknown { why } => why.clone(),
    }
}

/// A packet, for a person.
pub fn shown(packet: &Packet) -> String {
    let port = packet.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{} -> {}{port} ({})", packet.source, packet.destination, packet.protocol)
}

/// Whether the clients pass by every door of theirs.
pub fn clients_pass(end: &World, work: &Work<'_>) -> Result<(), PlanError> {
    let tries = client_tries(end, work);
    refuse_what_the_service_drops(end, work)?;
    if tries.is_empty() {
        return Err(PlanError::Refused {
            reason: format!("no node has an address by which {} could come", work.from.described),
            hints: vec!["name clients of the family that the nodes and the Service have".into()],
        });
    }
    for one in tries {
        let packet = one.packet;
        for path in one.ways(end) {
            match path.verdict {
                Verdict::Allow => {}
                Verdict::Unknown => {
                    let reason = format!("whether {} passes cannot be told: {}", shown(&packet), why_unknown(&path));
                    return Err(PlanError::Unknown {
                        reason,
                        hints: vec!["make what is missing readable, then ask again".into()],
                    });
                }
                _ => {
                    let reason = format!("the plan would leave {} stopped {}", shown(&packet), stopped(&path));
                    return Err(PlanError::Refused {
                        reason,
                        hints: vec!["change that policy if it should be allowed".into()],
                    });
                }
            }
        }
    }
    Ok(())
}

/// kube-proxy drops clients of a load balancer's address that loadBalancerSourceRanges leave out, whatever policy says.
fn refuse_what_the_service_drops(end: &World, work: &Work<'_>) -> Result<(), PlanError> {
    let everybody: Vec<IpNet> = ["0.0.0.0/0", "::/0"].iter().filter_map(|net| net.parse().ok()).collect();
    let nets = match &work.grant.from {
        Peer::Nets(nets) => nets,
        _ => &everybody,
    };
    for doorway in doors_of(end, &work.grant) {
        let left_out: Vec<String> = nets.iter().filter(|net| doorway.drops(net)).map(IpNet::to_string).collect();
        if left_out.is_empty() {
            continue;
        }
        let Service { namespace, name, source_ranges, .. } = doorway.service;
        let there: Vec<String> = source_ranges.iter().map(IpNet::to_string).collect();
        let all: Vec<&String> = there.iter().chain(&left_out).collect();
        let patch = serde_json::json!({"spec": {"loadBalancerSourceRanges": all}});
        return Err(PlanError::Refused {
            reason: format!(
                "kube-proxy drops {} at {}: loadBalancerSourceRanges of the Service ({}) leave it out, so that it would not \
                 be open",
                left_out.join(", "),
                doorway.name(),
                there.join(", ")
            ),
            hints: vec![
                format!("kubectl patch service -n {namespace} {name} -p '{patch}' lets it in there too"),
                "without any loadBalancerSourceRanges the perimeter alone decides".into(),
            ],
        });
    }
    Ok(())
}

fn stopped(path: &Path) -> String {
    let hop = path.hops.iter().find(|hop| hop.action == HopAction::Deny);
    let Some(hop) = hop else { return "somewhere".into() };
    let by = hop.by.as_ref().map(|by| format!(" by {}", who(by))).unwrap_or_default();
    format!("on node {} at {}{by}", hop.node.as_deref().unwrap_or("?"), hop.checkpoint)
}

/// Strangers reach the pods by none of the grant's doors, whichever node they enter by.
fn strangers_stop(end: &World, work: &Work<'_>, notes: &mut Vec<Note>) -> Result<(), PlanError> {
    let mut problem = None;
    for doorway in doors_of(end, &work.grant) {
        for source in strangers(end, &work.grant) {
            for one in doorway.tries(end, source) {
                match one.passes(end) {
                    Pass::No => {}
                    Pass::Yes => problem = problem.or(Some((one, None))),
                    Pass::Unknown(why) => problem = problem.or(Some((one, Some(why)))),
                }
            }
        }
    }
    let Some((one, unknown)) = problem else { return Ok(()) };
    let (what, node) = (shown(&one.packet), &one.node);
    let what = match &unknown {
        None => format!("{what} would pass by node {node} too{}", opened_by(end, &one)),
        Some(why) => format!("whether {what} is stopped on node {node} cannot be told: {why}"),
    };
    if work.ask.accepted.contains(&Risk::OpenToAllClientsOfNodes) {
        notes.push(warning(format!("{what} (accepted)")));
        return Ok(());
    }
    let mut hints = Vec::new();
    if masquerades(end, &work.grant)? {
        let (namespace, name) = &work.key;
        hints.push(format!(
            "externalTrafficPolicy: Local on Service {namespace}/{name} keeps clients' own addresses, so that its pods' policy stops strangers"
        ));
    }
    hints.push(format!("--accept-risk {} goes on all the same", Risk::OpenToAllClientsOfNodes));
    Err(match unknown {
        None => PlanError::Refused { reason: what, hints },
        Some(_) => PlanError::Unknown { reason: what, hints },
    })
}

/// Packets that must not open, and doors that must not close.
struct Watched {
    /// Reach no backend before, and must not after any step.
    closed: Vec<Try>,
    /// Reach a backend before, and must after every step.
    open: Vec<Try>,
}

impl Watched {
    fn of(work: &Work<'_>, end: &World) -> Watched {
        let own: Vec<String> = doors_of(end, &work.grant).iter().map(Doorway::key).collect();
        let close = work.ask.shape.close_others;
        let mut watched = Watched { closed: Vec::new(), open: Vec::new() };
        let (strangers, clients) = (strangers(&work.now, &work.grant), clients(&work.grant));
        let granted = granted(end, &work.grant);
        let there: BTreeSet<String> = doors::all(&work.now).iter().map(Doorway::key).collect();
        for doorway in doors::all(end) {
            let is_own = own.contains(&doorway.key());
            // What comes with this plan was never open: a machine beside the nodes is nobody's client.
            let may_close = is_own || close || !there.contains(&doorway.key());
            let granted =
                |source: &IpAddr| granted.iter().any(|(door, peer)| *door == doorway.key() && lets_in(peer, *source));
            for source in strangers.iter().chain(&clients).filter(|source| !granted(source)) {
                for one in doorway.tries(end, *source).into_iter().filter(|one| is_usual(end, one)) {
                    match one.passes(&work.now) {
                        Pass::Yes if !may_close => watched.open.push(one),
                        Pass::No => watched.closed.push(one),
                        _ => {}
                    }
                }
            }
        }
        watched
    }

    fn compare(&self, work: &Work<'_>, after: &World, step: &Step) -> Result<(), PlanError> {
        let accepted = work.ask.accepted.contains(&Risk::OpenToAllClientsOfNodes);
        let concerns = |one: &&Try| lifelines::concerns(step, &one.node);
        for one in self.closed.iter().filter(concerns) {
            if !accepted && one.passes(after) == Pass::Yes {
                let reason = format!("{} would also open {}{}", step.object, shown(&one.packet), opened_by(after, one));
                let hints = vec![
                    "ask for less, or narrow what lets it in there first".into(),
                    "externalTrafficPolicy: Local on the Service keeps clients' own addresses, so that its pods' policy stops strangers".into(),
                    format!("--accept-risk {} goes on all the same", Risk::OpenToAllClientsOfNodes),
                ];
                return Err(PlanError::Refused { reason, hints });
            }
        }
        for one in self.open.iter().filter(concerns) {
            if one.passes(after) == Pass::No {
                let reason = format!("{} would close {}, which is open now", step.object, shown(&one.packet));
                return Err(PlanError::Refused {
                    reason,
                    hints: vec!["--close-others closes what has no grant".into()],
                });
            }
        }
        Ok(())
    }
}
