//! The checkpoints of host endpoints on a packet's way through a node, in the kernel's order.
//! Never knows what pods' policies say.

use super::interfaces::{self, Interface};
use super::journey::{Accepted, Journey};
use super::owners::Match;
use super::policy::{AtEnd, Judgement, Labelled, Selected, unseen_policies};
use super::routes::{self, Via};
use super::translate::Masquerade;
use super::untracked;
use crate::model::flow::{Checkpoint, Decider, HopAction, Packet, Protocol};
use crate::model::policy::{Direction, Hook, Policy};
use crate::model::world::{AddressRole, EndpointToHost, Fact, Failsafe, HostEndpoint, World};

/// A host endpoint that is to be asked, or why it cannot be told which.
type Asked<'w> = Result<Option<&'w HostEndpoint>, String>;

/// doNotTrack and preDNAT policy of the interface that a packet comes in by.
pub fn before_translation(world: &World, node: &str, from: Interface, journey: &mut Journey) {
    untracked::arriving(world, node, from, journey);
    if journey.untracked {
        return;
    }
    let endpoint = interfaces::host_endpoint(world, node, from);
    let checkpoint = Checkpoint::PreDnat;
    let Some(mut endpoint) = known(world, node, checkpoint, Direction::Ingress, endpoint, journey) else { return };
    let of = |endpoint| {
        Selected::find(world, labelled(endpoint), Direction::Ingress, |policy: &Policy| policy.hook == Hook::PreDnat)
    };
    let mut selected = of(endpoint);
    // Only host endpoints with such policies are in this table, so an interface whose own has none falls to the one for all
    // interfaces (felix/dataplane/linux/endpoint_mgr.go).
    if selected.is_empty()
        && let Some(wide) = interfaces::for_all(world, node)
    {
        (endpoint, selected) = (wide, of(wide));
    }
    if selected.is_empty() {
        return;
    }
    let failsafe = failsafe(world, node, Direction::Ingress, &journey.packet);
    if failsafe == Match::Yes {
        return add_failsafe(node, endpoint, Direction::Ingress, journey);
    }
    let mut judgement = selected.judge(world, Direction::Ingress, &journey.packet, AtEnd::GoesOn);
    doubt(&mut judgement, failsafe);
    journey.accepted = match judgement.action {
        HopAction::Allow => Accepted::Yes,
        HopAction::Unknown => Accepted::Unknown,
        _ => Accepted::No,
    };
    journey.add(Some(node.into()), checkpoint, Some((endpoint.name.clone(), Direction::Ingress)), judgement);
}

/// Host policy on the way to a process.
pub fn ingress(world: &World, node: &str, from: Interface, journey: &mut Journey) {
    // What preDNAT policy accepted is not asked again (felix/rules/static.go, acceptAlreadyAccepted).
    if journey.accepted != Accepted::Yes {
        host_policy(world, node, from, Direction::Ingress, journey);
    }
}

/// Host policy on the way from a process; for a packet to a Service it sees the backend's address.
pub fn egress(world: &World, node: &str, to: Interface, journey: &mut Journey) {
    host_policy(world, node, to, Direction::Egress, journey);
}

fn host_policy(world: &World, node: &str, interface: Interface, direction: Direction, journey: &mut Journey) {
    let checkpoint = match direction {
        Direction::Ingress => Checkpoint::HostIngress,
        Direction::Egress => Checkpoint::HostEgress,
    };
    let endpoint = interfaces::host_endpoint(world, node, interface);
    let Some(endpoint) = known(world, node, checkpoint, direction, endpoint, journey) else { return };
    let failsafe = failsafe(world, node, direction, &journey.packet);
    if failsafe == Match::Yes {
        return add_failsafe(node, endpoint, direction, journey);
    }
    let selected = Selected::find(world, labelled(endpoint), direction, |policy| policy.hook == Hook::Normal);
    let mut judgement = selected.judge(world, direction, &journey.packet, AtEnd::Then(profiles(endpoint)));
    doubt(&mut judgement, failsafe);
    if direction == Direction::Ingress {
        journey.doubt_denial(&mut judgement);
    }
    journey.add(Some(node.into()), checkpoint, Some((endpoint.name.clone(), direction)), judgement);
}

/// applyOnForward policy where a packet comes in. Failsafe ports are none here.
pub fn forward_ingress(world: &World, node: &str, from: Interface, journey: &mut Journey) {
    if journey.accepted == Accepted::Yes {
        return;
    }
    let Some((endpoint, mut judgement)) = forwarded(world, node, from, Direction::Ingress, journey) else { return };
    journey.doubt_denial(&mut judgement);
    let who = Some((endpoint.name.clone(), Direction::Ingress));
    journey.add(Some(node.into()), Checkpoint::ForwardIngress, who, judgement);
}

/// applyOnForward policy where a packet goes out. One that a tier passed is not marked as accepted; if the node changed
/// its destination and masquerades it, kube-proxy accepts it before Calico can mark it as forwarded, and it is policed
/// as the node's own.
pub fn forward_egress(world: &World, node: &str, to: Interface, journey: &mut Journey) {
    let Some((endpoint, judgement)) = forwarded(world, node, to, Direction::Egress, journey) else { return };
    let passed = judgement.action == HopAction::None;
    let who = Some((endpoint.name.clone(), Direction::Egress));
    journey.add(Some(node.into()), Checkpoint::ForwardEgress, who, judgement);
    if passed && journey.translated && to != Interface::Workload && journey.masquerade != Masquerade::No {
        host_policy(world, node, to, Direction::Egress, journey);
    }
}

fn forwarded<'w>(
    world: &'w World,
    node: &str,
    interface: Interface,
    direction: Direction,
    journey: &mut Journey,
) -> Option<(&'w HostEndpoint, Judgement)> {
    let checkpoint = match direction {
        Direction::Ingress => Checkpoint::ForwardIngress,
        Direction::Egress => Checkpoint::ForwardEgress,
    };
    let endpoint = interfaces::host_endpoint(world, node, interface);
    let endpoint = known(world, node, checkpoint, direction, endpoint, journey)?;
    let wanted = |policy: &Policy| policy.hook == Hook::Normal && policy.apply_on_forward;
    let selected = Selected::find(world, labelled(endpoint), direction, wanted);
    if !selected.is_empty() {
        let judgement = selected.judge(world, direction, &journey.packet, AtEnd::Forwarded);
        return Some((endpoint, judgement));
    }
    // Without any such policy the packet is marked as accepted; with one for the other direction only up to 3.28.
    let other = match direction {
        Direction::Ingress => Direction::Egress,
        Direction::Egress => Direction::Ingress,
    };
    let others = Selected::find(world, labelled(endpoint), other, wanted);
    let marked = others.is_empty() || world.calico.is_some_and(|version| !version.at_least(3, 29));
    (!marked).then(|| (endpoint, Judgement::none("no applyOnForward policy has a say in this direction")))
}

/// The host endpoint, if there is one; adds an Unknown checkpoint where that, or its policies, cannot be told.
fn known<'w>(
    world: &'w World,
    node: &str,
    checkpoint: Checkpoint,
    direction: Direction,
    endpoint: Asked<'w>,
    journey: &mut Journey,
) -> Option<&'w HostEndpoint> {
    let (who, why) = match endpoint {
        Ok(None) => return None,
        Ok(Some(endpoint)) => match unseen_policies(world, None) {
            None => return Some(endpoint),
            Some(why) => (Some((endpoint.name.clone(), direction)), why),
        },
        Err(why) => (None, why),
    };
    journey.add(Some(node.into()), checkpoint, who, Judgement::unknown(why));
    None
}

pub(super) fn labelled(endpoint: &HostEndpoint) -> Labelled<'_> {
    Labelled { labels: &endpoint.labels, unseen: &[], namespace: None }
}

/// A host endpoint without a profile that allows drops what no policy has a say in.
pub(super) fn profiles(endpoint: &HostEndpoint) -> Judgement {
    let decided = |action, name: &str| Judgement { action, by: Decider::Profile { name: name.to_string() } };
    for name in &endpoint.profiles {
        // What a ServiceAccount brings are labels only.
        if name == "projectcalico-default-allow" || name.starts_with("kns.") {
            return decided(HopAction::Allow, name);
        }
        if !name.starts_with("ksa.") {
            return Judgement::unknown(format!(
                "what profile {name} of host endpoint {} allows is not known",
                endpoint.name
            ));
        }
    }
    decided(HopAction::Deny, "none")
}

/// Whether Felix keeps the port open on the node.
pub(super) fn failsafe(world: &World, node: &str, direction: Direction, packet: &Packet) -> Match {
    is_failsafe(world, node, direction, direction, packet)
}

/// Whether doNotTrack policy leaves a packet alone as an answer from a port that Felix keeps open for the other direction.
pub(super) fn failsafe_of_answer(world: &World, node: &str, direction: Direction, packet: &Packet) -> Match {
    let asked = match direction {
        Direction::Ingress => Direction::Egress,
        Direction::Egress => Direction::Ingress,
    };
    is_failsafe(world, node, asked, direction, &Packet { port: packet.source_port, ..*packet })
}

fn is_failsafe(world: &World, node: &str, list: Direction, direction: Direction, packet: &Packet) -> Match {
    let felix = world.network.felix_on(node);
    let failsafes = match list {
        Direction::Ingress => &felix.failsafe_in,
        Direction::Egress => &felix.failsafe_out,
    };
    let other = match direction {
        Direction::Ingress => packet.source,
        Direction::Egress => packet.destination,
    };
    let is_it = |failsafe: &Failsafe| {
        failsafe.protocol == packet.protocol
            && Some(failsafe.port) == packet.port
            && failsafe.net.is_none_or(|net| net.contains(&other))
    };
    match failsafes {
        Fact::Known { value, .. } => value.iter().any(is_it).into(),
        Fact::Unknown { .. } if packet.port.is_none() => Match::No,
        Fact::Unknown { why } => {
            Match::Maybe(format!("which ports Felix keeps open on node {node} is not known: {why}"))
        }
    }
}

/// A denial that does not count if the port is one that Felix keeps open.
pub(super) fn doubt(judgement: &mut Judgement, failsafe: Match) {
    if let (HopAction::Deny, Match::Maybe(why)) = (judgement.action, failsafe) {
        *judgement = Judgement::unknown(why);
    }
}

/// From a pod to a process of its own node, once the pod's policy let it pass: normal host policy is not asked
/// (felix/rules/static.go), and Felix's defaultEndpointToHostAction decides.
pub fn from_own_pod(world: &World, node: &str, journey: &mut Journey) {
    let judgement = match &world.network.felix_on(node).endpoint_to_host {
        Fact::Known { value: EndpointToHost::Drop, evidence } => Judgement {
            action: HopAction::Deny,
            by: Decider::Setting { name: "defaultEndpointToHostAction".into(), evidence: evidence.clone() },
        },
        // With Return it is the node's own rules that go on, not Calico's.
        Fact::Known { .. } => return,
        Fact::Unknown { why } => Judgement::unknown(why),
    };
    journey.add(Some(node.into()), Checkpoint::HostIngress, None, judgement);
}

fn add_failsafe(node: &str, endpoint: &HostEndpoint, direction: Direction, journey: &mut Journey) {
    journey.add_failsafe(node, (endpoint.name.clone(), direction));
}

/// The tunnel's own packets from one node to the next and back: they leave and reach the nodes by themselves, but preDNAT
/// policy of the interfaces where they come in sees them. VXLAN's port of origin follows from what is inside, so that what
/// comes back is a connection of its own; with the other tunnels it belongs to that of the way there.
pub fn tunnelled(world: &World, from: &str, to: &str, via: Via, journey: &mut Journey) {
    let Via::Tunnel(role) = via else { return };
    let inner = journey.packet;
    let felix = world.network.felix_on(to);
    let (protocol, port) = match role {
        AddressRole::Ipip => (Protocol(4), None),
        AddressRole::Wireguard => {
            (Protocol::UDP, Some(felix.wireguard_ports[usize::from(inner.destination.is_ipv6())]))
        }
        _ => (Protocol::UDP, Some(felix.vxlan_port)),
    };
    let source = routes::source_of_host(world, from, Some(to), inner.destination);
    let destination = routes::source_of_host(world, to, Some(from), inner.destination);
    let (Ok(source), Ok(destination)) = (source, destination) else {
        let why = format!("the addresses between which nodes {from} and {to} have their tunnel are not known");
        if !matches!(interfaces::host_endpoint(world, to, Interface::Uplink), Ok(None)) {
            journey.add(Some(to.into()), Checkpoint::PreDnat, None, Judgement::unknown(why));
        }
        return;
    };
    let lost = journey.lost.take();
    let outer = Packet { source, destination, protocol, port, source_port: None, icmp: None };
    journey.packet = outer;
    let before = journey.hops.len();
    untracked::tunnelled(world, from, to, journey);
    before_translation(world, to, Interface::Uplink, journey);
    journey.packet = Packet { source: destination, destination: source, ..outer };
    match role {
        AddressRole::Vxlan => before_translation(world, from, Interface::Uplink, journey),
        _ => untracked::arriving(world, from, Interface::Uplink, journey),
    }
    if role == AddressRole::Wireguard {
        // One connection for each pair of nodes goes on for as long as either side may speak.
        for hop in journey.hops.iter_mut().skip(before).filter(|hop| hop.action == HopAction::Deny) {
            hop.action = HopAction::Unknown;
            let why = "WireGuard's packets would be stopped, but a connection that is established goes on".to_string();
            hop.by = Some(Decider::Unknown { why });
        }
    }
    journey.packet = inner;
    journey.lost = lost;
    journey.accepted = Accepted::No;
    journey.untracked = false;
}
