//! One checkpoint, one packet: which Log rules it reaches there, and what becomes of it.
//! Never knows what a log line looks like, or how the packet came there.

use super::host::{failsafe, labelled, profiles};
use super::interfaces::{self, Interface};
use super::owners::Match;
use super::policy::{AtEnd, Judgement, Selected, judge_pod, unseen_policies};
use super::rules::View;
use crate::model::flow::{Checkpoint, Decider, HopAction, Packet};
use crate::model::policy::{Direction, Hook, Policy, RuleAction};
use crate::model::world::{AddressRole, HostEndpoint, Pod, World};

/// Who is policed at a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Endpoint<'w> {
    /// A pod.
    Pod(&'w Pod),
    /// A node's interface.
    Host(&'w HostEndpoint),
}

impl Endpoint<'_> {
    /// As `shop/web-1`, or a HostEndpoint's name.
    pub fn name(&self) -> String {
        match self {
            Endpoint::Pod(pod) => pod.full_name(),
            Endpoint::Host(endpoint) => endpoint.name.clone(),
        }
    }
}

/// What a packet finds at a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'w> {
    /// Policies with a Log rule that the packet reaches, each once, in the order in which they log it.
    pub loggers: Vec<&'w Policy>,
    /// What policy says.
    pub judgement: Judgement,
    /// Whether anything has a say at all: a policy, or a profile.
    pub asked: bool,
}

/// Asks one checkpoint about a packet as it looks there.
pub fn ask<'w>(world: &'w World, checkpoint: Checkpoint, endpoint: Endpoint<'w>, packet: &Packet) -> Found<'w> {
    let direction = direction(checkpoint);
    match endpoint {
        Endpoint::Pod(pod) => {
            let selected = Selected::find(world, pod.into(), direction, |policy| policy.hook == Hook::Normal);
            let judgement = judge_pod(world, pod, direction, packet);
            Found { loggers: loggers(world, &selected, direction, packet), judgement, asked: true }
        }
        Endpoint::Host(endpoint) => ask_host(world, checkpoint, endpoint, packet),
    }
}

/// Seen from the endpoint.
pub fn direction(checkpoint: Checkpoint) -> Direction {
    match checkpoint {
        Checkpoint::Egress | Checkpoint::HostEgress | Checkpoint::ForwardEgress => Direction::Egress,
        _ => Direction::Ingress,
    }
}

fn ask_host<'w>(world: &'w World, checkpoint: Checkpoint, endpoint: &'w HostEndpoint, packet: &Packet) -> Found<'w> {
    let direction = direction(checkpoint);
    let judged = |judgement| Found { loggers: Vec::new(), judgement, asked: true };
    if let Some(why) = unseen_policies(world, None) {
        return judged(Judgement::unknown(why));
    }
    let wanted = |policy: &Policy| match checkpoint {
        Checkpoint::Untracked => policy.hook == Hook::Untracked,
        Checkpoint::PreDnat => policy.hook == Hook::PreDnat,
        Checkpoint::ForwardIngress | Checkpoint::ForwardEgress => {
            policy.hook == Hook::Normal && policy.apply_on_forward
        }
        _ => policy.hook == Hook::Normal,
    };
    let forwarded = matches!(checkpoint, Checkpoint::ForwardIngress | Checkpoint::ForwardEgress);
    // Forwarded packets know no failsafe ports.
    let kept_open = if forwarded { Match::No } else { failsafe(world, &endpoint.node, direction, packet) };
    match kept_open {
        Match::No => {}
        Match::Yes => {
            let by = Decider::Unknown { why: "a port that Felix keeps open".into() };
            return judged(Judgement { action: HopAction::Allow, by });
        }
        Match::Maybe(why) => return judged(Judgement::unknown(why)),
    }
    let selected = Selected::find(world, labelled(endpoint), direction, wanted);
    let at_end = match checkpoint {
        Checkpoint::Untracked | Checkpoint::PreDnat => AtEnd::GoesOn,
        Checkpoint::ForwardIngress | Checkpoint::ForwardEgress => AtEnd::Forwarded,
        _ => AtEnd::Then(profiles(endpoint)),
    };
    let asked = !selected.is_empty() || matches!(at_end, AtEnd::Then(_));
    let judgement = match asked {
        true => selected.judge(world, direction, packet, at_end),
        false => Judgement::none("no policy has a say here"),
    };
    Found { loggers: loggers(world, &selected, direction, packet), judgement, asked }
}

/// Walks the rules up to the one that surely ends the way.
fn loggers<'w>(world: &'w World, selected: &Selected<'w>, direction: Direction, packet: &Packet) -> Vec<&'w Policy> {
    let view = View::of(world, packet);
    let mut found: Vec<&Policy> = Vec::new();
    for tier in &selected.tiers {
        let mut passed = false;
        'tier: for (policy, doubt) in &tier.policies {
            for rule in policy.rules(direction).unwrap_or_default() {
                let matches = view.matches(rule);
                match (rule.action, &matches) {
                    (_, Match::No) => {}
                    (RuleAction::Log, _) => {
                        if !found.iter().any(|other| other.id == policy.id) {
                            found.push(policy);
                        }
                    }
                    (_, Match::Maybe(_)) => {}
                    _ if doubt.is_some() => {}
                    (RuleAction::Pass, Match::Yes) => {
                        passed = true;
                        break 'tier;
                    }
                    (RuleAction::Allow | RuleAction::Deny, Match::Yes) => return found,
                }
            }
        }
        let ends_here = !tier.pass
            && !passed
            && tier.policies.iter().any(|(policy, doubt)| {
                // Chains before address translation have no end of tier.
                doubt.is_none() && policy.hook == Hook::Normal
            });
        if ends_here {
            return found;
        }
    }
    found
}

/// The host endpoint that polices an interface by its name on a node; an error says why that cannot be told.
pub fn host_endpoint<'w>(
    world: &'w World,
    node: &str,
    interface: &str,
    tunnel: Option<AddressRole>,
    workload: bool,
) -> Result<Option<&'w HostEndpoint>, String> {
    let meant = match tunnel {
        Some(role) => Interface::Tunnel(role),
        None if workload => Interface::Workload,
        None if interface == "lo" => Interface::Loopback,
        None => Interface::Uplink,
    };
    interfaces::named(world, node, interface, meant)
}
