//! Nodes that somebody locked by hand: what has to stay open goes into their policy, before its first Log or Deny.
//! Never narrows it, and never opens what nobody named.

use std::net::IpAddr;

use super::super::decide::{object, version_of};
use super::super::edit::Edit;
use super::super::perimeter::compose::{Names, metadata};
use super::super::perimeter::doors::STRANGERS;
use super::super::perimeter::hosts;
use super::super::probe::packet;
use super::super::roles::PERIMETER;
use super::super::rules::of_nets;
use super::super::{PlanError, Step};
use crate::evaluate::owners::Match;
use crate::evaluate::rules::View;
use crate::kubernetes::names::ROLE;
use crate::model::flow::{Packet, Protocol};
use crate::model::intent::Hosts;
use crate::model::policy::{Direction, Policy, RuleAction};
use crate::model::spec::{IntOrString, RuleSpec};
use crate::model::world::{AddressRole, World};

/// The rules that such policies lack.
pub fn steps(world: &World, hosts: &Hosts) -> Result<Vec<Step>, PlanError> {
    let needed = needed(world, hosts);
    let mut steps = Vec::new();
    for policy in hosts::of_others(world) {
        let lacks = |rule: &&RuleSpec| probes(world, rule).iter().any(|packet| denies(world, policy, packet));
        let rules: Vec<RuleSpec> = needed.iter().filter(lacks).cloned().collect();
        if rules.is_empty() {
            continue;
        }
        let written = world.written.get(&policy.id);
        if let Some(keeper) = written.and_then(|written| written.keeper.as_ref()) {
            let reason = format!("{} locks nodes and is kept by {keeper}, so it is not changed here", policy.id);
            let hints = vec![format!("have these rules put before its first Deny: {}", serde_json::json!(rules))];
            return Err(PlanError::Refused { reason, hints });
        }
        steps.push(Step {
            object: object(&policy.id),
            planned_on: version_of(world, &policy.id),
            edits: vec![Edit::AddRules(Direction::Ingress, rules)],
            why: "it locks nodes, and would stop what has to stay open".into(),
        });
    }
    Ok(steps)
}

/// What has to stay open, as rules for a policy that closes everything. Neighbour discovery is policed on host endpoints,
/// so that IPv6 stops without it.
fn needed(world: &World, hosts: &Hosts) -> Vec<RuleSpec> {
    let pass = || RuleSpec { metadata: metadata(ROLE, PERIMETER), action: "Pass".into(), ..RuleSpec::default() };
    let mut rules = vec![RuleSpec {
        ip_version: Some(6),
        protocol: Some(IntOrString::String(Protocol::ICMPV6.to_string())),
        ..pass()
    }];
    let sources = of_nets(&hosts::spared(world, hosts)).into_iter();
    rules.extend(sources.map(|source| RuleSpec { source, ..pass() }));
    rules.extend(hosts::open_rules(world, hosts, Names::Inline));
    rules
}

/// Packets that stand for what a rule lets in: to the nodes' addresses, or to where the rule's own are.
fn probes(world: &World, rule: &RuleSpec) -> Vec<Packet> {
    let protocol = match &rule.protocol {
        Some(IntOrString::String(name)) => Protocol::parse(name).unwrap_or(Protocol::TCP),
        Some(IntOrString::Int(number)) => u8::try_from(*number).map_or(Protocol::TCP, Protocol),
        None => Protocol::TCP,
    };
    let port = match rule.destination.ports.first() {
        Some(IntOrString::Int(number)) => u16::try_from(*number).ok(),
        Some(IntOrString::String(text)) => text.split(':').next().and_then(|first| first.parse().ok()),
        None if matches!(protocol, Protocol::TCP | Protocol::UDP | Protocol::SCTP) => Some(10250),
        None => None,
    };
    let address = |text: &String| text.parse::<ipnet::IpNet>().ok().map(|net| net.network());
    let mut sources: Vec<IpAddr> = rule.source.nets.iter().filter_map(address).collect();
    if sources.is_empty() {
        sources = STRANGERS.into();
    }
    let nodes = world.nodes.values().flat_map(|node| &node.addresses).filter(|own| own.role == AddressRole::Host);
    let to = |source: IpAddr| nodes.clone().map(|own| own.ip).find(|ip| ip.is_ipv4() == source.is_ipv4());
    let version = |source: &IpAddr| rule.ip_version.is_none_or(|version| source.is_ipv4() == (version == 4));
    let named = |ip: IpAddr| match rule.destination.nets.first().and_then(address) {
        Some(own) => Some(own).filter(|own| own.is_ipv4() == ip.is_ipv4()),
        None => to(ip),
    };
    sources
        .into_iter()
        .filter(version)
        .filter_map(|source| Some(packet(source, named(source)?, protocol, port)))
        .collect()
}

fn denies(world: &World, policy: &Policy, packet: &Packet) -> bool {
    let view = View::of(world, packet);
    let mut deciding = policy.ingress.iter().flatten().filter(|rule| rule.action != RuleAction::Log);
    let first = deciding.find(|rule| view.matches(rule) == Match::Yes);
    first.is_some_and(|rule| rule.action == RuleAction::Deny)
}
