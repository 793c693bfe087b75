//! Proves that steps change no verdict: packets of every kind that policies could tell apart are asked about before and after
//! each step.
//! Never proposes anything.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::super::decide::selects;
use super::super::perimeter::doors::STRANGERS;
use super::super::probe::{packet, representatives};
use super::super::simulate::{policy_of, simulate};
use super::super::{PlanError, Step};
use crate::evaluate::policy::PodJudge;
use crate::model::flow::{HopAction, Packet, Protocol};
use crate::model::policy::{Direction, Policy, Port};
use crate::model::world::{Pod, World};

/// How many addresses, other pods, ports, and kinds of pods are tried at most: that no verdict changes follows from how
/// observing policies are made; this is to notice where it does not.
const ADDRESSES: usize = 32;
const OTHERS: usize = 16;
const PORTS: usize = 24;
const PODS: usize = 256;

/// A change that a step makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// As `ingress of shop/web-1 for 10.0.0.1 -> 10.0.0.2 (TCP:80)`.
    pub what: String,
    /// Whether it passes afterwards, and did not before.
    pub opens: bool,
    /// Whether a world that it was held against decides so too.
    pub is_of_basis: bool,
}

/// Refuses steps that open or close anything for pods, whichever of them were the last.
pub fn unchanged(world: &World, steps: &[Step]) -> Result<(), PlanError> {
    let mut after = world.clone();
    for step in steps.iter().filter(|step| policy_of(&step.object).is_some()) {
        after = simulate(&after, std::slice::from_ref(step))?;
        if let Some(change) = changes(world, &after).first() {
            return Err(refused(step, change));
        }
    }
    Ok(())
}

/// Refuses steps that close what passes.
pub fn nothing_closes(world: &World, steps: &[Step]) -> Result<(), PlanError> {
    let mut after = world.clone();
    for step in steps.iter().filter(|step| policy_of(&step.object).is_some()) {
        after = simulate(&after, std::slice::from_ref(step))?;
        if let Some(change) = changes(world, &after).into_iter().find(|change| !change.opens) {
            let reason = format!(
                "{} would close {}, although the lockdown is only observed: other policies keep the observing one from its pods",
                step.object, change.what
            );
            let hints = vec!["kubectl zerotrust promote   enforces the lockdown; then ask again".into()];
            return Err(PlanError::Refused { reason, hints });
        }
    }
    Ok(())
}

/// Refuses steps that open or close anything for pods, but for what closes again because a policy that came later closes it:
/// `basis` is the world without what observes. What closes again is given back, one change for each pod and direction.
pub fn nothing_but_mended(world: &World, steps: &[Step], basis: &World) -> Result<Vec<Change>, PlanError> {
    let mut after = world.clone();
    let mut mended = Vec::new();
    for step in steps.iter().filter(|step| policy_of(&step.object).is_some()) {
        after = simulate(&after, std::slice::from_ref(step))?;
        let (again, others): (Vec<Change>, Vec<Change>) =
            differences(world, &after, Some(basis)).into_iter().partition(|change| change.is_of_basis && !change.opens);
        if let Some(change) = others.first() {
            return Err(refused(step, change));
        }
        mended = again;
    }
    Ok(mended)
}

fn refused(step: &Step, change: &Change) -> PlanError {
    let verb = if change.opens { "open" } else { "close" };
    let reason = format!("{} would {verb} {}, where nothing may change", step.object, change.what);
    PlanError::Refused { reason, hints: vec!["--except NAMESPACE leaves a namespace out".into()] }
}

/// What another world decides otherwise, one packet for each pod and direction.
pub fn changes(world: &World, after: &World) -> Vec<Change> {
    differences(world, after, None)
}

/// The same; with a third world those first that this one does not decide so.
fn differences(world: &World, after: &World, basis: Option<&World>) -> Vec<Change> {
    let own = |pod: &Pod| !pod.finished && !pod.host_network && !pod.addresses.is_empty();
    let pods: Vec<usize> = (0..world.pods.len()).filter(|index| own(&world.pods[*index])).collect();
    let mut pods = representatives(world, &pods);
    pods.truncate(PODS);
    let mut found = Vec::new();
    for index in &pods {
        let pod = &world.pods[*index];
        for direction in [Direction::Ingress, Direction::Egress] {
            let judges = (PodJudge::of(world, pod, direction), PodJudge::of(after, pod, direction));
            let third = basis.map(|basis| PodJudge::of(basis, pod, direction));
            let mut differing: Vec<Change> = Vec::new();
            for packet in packets(world, after, pod, direction, &pods) {
                let (before, then) = (judges.0.judge(&packet).action, judges.1.judge(&packet).action);
                if before == then {
                    continue;
                }
                let is_of_basis = third.as_ref().is_some_and(|judge| judge.judge(&packet).action == then);
                let what = format!("{direction} of {} for {}", pod.full_name(), shown(&packet));
                differing.push(Change { what, opens: then == HopAction::Allow, is_of_basis });
            }
            let first = differing.iter().position(|change| !change.is_of_basis).unwrap_or(0);
            found.extend((!differing.is_empty()).then(|| differing.swap_remove(first)));
        }
    }
    found
}

fn shown(packet: &Packet) -> String {
    let port = packet.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{} -> {} ({}{port})", packet.source, packet.destination, packet.protocol)
}

/// Packets of strangers, nodes, other pods and every address that a policy of the pod names, to ports that policies and pods
/// name and to one that nobody does.
fn packets(world: &World, after: &World, pod: &Pod, direction: Direction, others: &[usize]) -> Vec<Packet> {
    let mut remotes: BTreeSet<IpAddr> = STRANGERS.into();
    remotes.extend(world.nodes.values().take(4).flat_map(|node| node.all_addresses()));
    remotes.extend(others.iter().take(OTHERS).flat_map(|index| world.pods[*index].addresses.clone()));
    let mut ports: BTreeSet<(Protocol, Option<u16>)> =
        [(Protocol::TCP, Some(4321)), (Protocol::TCP, Some(53)), (Protocol::UDP, Some(53))].into();
    let own = |world: &'_ World| -> (Vec<IpAddr>, Vec<(Protocol, Option<u16>)>) {
        let policies: Vec<&Policy> = world.policies.iter().filter(|policy| selects(policy, pod)).collect();
        named(&policies, direction)
    };
    for (ips, more) in [own(world), own(after)] {
        remotes.extend(ips.into_iter().take(ADDRESSES));
        ports.extend(more.into_iter().take(PORTS));
    }
    ports.extend(pod.ports.iter().map(|port| (port.protocol, Some(port.port))));
    let mut packets = Vec::new();
    for remote in remotes {
        let icmp = if remote.is_ipv4() { Protocol::ICMP } else { Protocol::ICMPV6 };
        for local in pod.addresses.iter().filter(|local| local.is_ipv4() == remote.is_ipv4() && **local != remote) {
            for (protocol, port) in ports.iter().copied().chain([(icmp, None)]) {
                packets.push(match direction {
                    Direction::Ingress => packet(remote, *local, protocol, port),
                    Direction::Egress => packet(*local, remote, protocol, port),
                });
            }
        }
    }
    packets
}

/// Addresses and ports that rules name.
fn named(policies: &[&Policy], direction: Direction) -> (Vec<IpAddr>, Vec<(Protocol, Option<u16>)>) {
    let (mut ips, mut ports) = (Vec::new(), Vec::new());
    for rule in policies.iter().flat_map(|policy| policy.rules(direction).unwrap_or_default()) {
        let remote = if direction == Direction::Ingress { &rule.source } else { &rule.destination };
        ips.extend(remote.nets.iter().flatten().chain(&remote.not_nets).map(|net| net.addr()));
        for port in rule.destination.ports.iter().flatten().chain(&rule.destination.not_ports) {
            if let Port::Range(first, _) = port {
                ports.push((rule.protocol.unwrap_or(Protocol::TCP), Some(*first)));
            }
        }
    }
    (ips, ports)
}
