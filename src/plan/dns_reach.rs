//! Whether pods reach the cluster's DNS: asked of policies as they are enforced, not as they are written.
//! Never makes a rule.

use std::collections::BTreeSet;

use super::amend::covers;
use super::decide::is_policed;
use super::lockdown::Ask;
use super::namespaces::names;
use super::probe::representatives;
use super::{Note, PlanError, Risk, Weight, dns, standin};
use crate::evaluate::policy::{PodJudge, judge_pod};
use crate::model::flow::{HopAction, Protocol};
use crate::model::policy::{Direction, Policy};
use crate::model::spec::{IntOrString, RuleSpec};
use crate::model::world::{Labels, Pod, World};

/// The DNS rules that a policy does not have yet, by what it lets through and not by how it says so.
pub fn missing(world: &World, policy: &Policy, wanted: &[RuleSpec]) -> Vec<RuleSpec> {
    let mut bare = world.clone();
    bare.policies = vec![policy.clone()];
    let asker = asker(&bare, policy);
    let mut missing = Vec::new();
    for rule in wanted {
        // One rule alone, to see which packets it is for.
        let mut found = probes(&mut bare, rule);
        let own = |ip: &std::net::IpAddr| asker.addresses.iter().find(|own| own.is_ipv4() == ip.is_ipv4()).copied();
        let through = |world: &World, (ip, protocol, port): &(std::net::IpAddr, Protocol, u16)| {
            own(ip).is_some_and(|source| {
                let packet = super::probe::packet(source, *ip, *protocol, Some(*port));
                judge_pod(world, &asker, Direction::Egress, &packet).action == HopAction::Allow
            })
        };
        found.retain(|(ip, ..)| own(ip).is_some());
        let known = !found.is_empty();
        if !known || !found.iter().all(|probe| through(&bare, probe)) {
            missing.push(rule.clone());
        }
    }
    missing
}

/// A pod of a namespace that the policy locks.
fn asker(world: &World, policy: &Policy) -> crate::model::world::Pod {
    let namespace = names(world).into_iter().find(|name| covers(world, policy, name)).unwrap_or("default");
    let mut pod = standin::pod(world, namespace, &Labels::new(), "any pod");
    pod.unseen_labels.clear();
    pod
}

/// Addresses and ports that a DNS rule opens: those of the DNS pods that its ports are for, or its nets.
fn probes(world: &mut World, rule: &RuleSpec) -> Vec<(std::net::IpAddr, Protocol, u16)> {
    let protocol = rule.protocol.as_ref().and_then(|protocol| Protocol::parse(&protocol.to_string()));
    let ports: Vec<u16> = rule
        .destination
        .ports
        .iter()
        .filter_map(|port| match port {
            IntOrString::Int(port) => u16::try_from(*port).ok(),
            IntOrString::String(_) => None,
        })
        .collect();
    let mut ips: Vec<std::net::IpAddr> = rule
        .destination
        .nets
        .iter()
        .filter_map(|net| crate::model::net::parse_net(net))
        .map(|net| net.addr())
        .collect();
    if rule.destination.nets.is_empty() {
        let services: Vec<_> = dns::services(world).into_iter().cloned().collect();
        for service in services {
            let pods = dns::pods(world, &service);
            if pods.iter().all(|pod| pod.addresses.is_empty()) {
                let pod = dns::stand_in(world, &service);
                ips.extend(pod.addresses.clone());
                world.pods.push(pod);
                world.index();
            } else {
                ips.extend(pods.iter().flat_map(|pod| pod.addresses.clone()));
            }
        }
    }
    let Some(protocol) = protocol else { return Vec::new() };
    ips.into_iter().flat_map(|ip| ports.iter().map(move |port| (ip, protocol, *port))).collect()
}

/// A pod of every locked namespace can still ask the DNS pods.
pub fn prove(
    world: &World,
    after: &World,
    locked: &BTreeSet<String>,
    rules: &[RuleSpec],
    ask: &Ask,
) -> Result<(), PlanError> {
    if ask.accepted.contains(&Risk::Dns) {
        return Ok(());
    }
    let (mut before, mut then) = (world.clone(), after.clone());
    for rule in rules {
        let found = probes(&mut before, rule);
        probes(&mut then, rule);
        for namespace in locked {
            let mut pod = standin::pod(&before, namespace, &Labels::new(), "any pod");
            pod.unseen_labels.clear();
            for (ip, protocol, port) in &found {
                let Some(own) = pod.addresses.iter().find(|own| own.is_ipv4() == ip.is_ipv4()) else { continue };
                let packet = super::probe::packet(*own, *ip, *protocol, Some(*port));
                let verdict = |world: &World| judge_pod(world, &pod, Direction::Egress, &packet).action;
                if verdict(&before) == HopAction::Allow && verdict(&then) == HopAction::Deny {
                    let reason = format!("pods of {namespace} would lose DNS ({ip} {protocol}:{port})");
                    let hints = vec![format!("--accept-risk {} goes on without", Risk::Dns)];
                    return Err(PlanError::Refused { reason, hints });
                }
            }
        }
    }
    Ok(())
}

/// Pods that other policies kept from DNS, and that a lockdown's rules let ask it.
pub fn opened(world: &World, after: &World, locked: &BTreeSet<String>, rules: &[RuleSpec]) -> Option<Note> {
    let (mut before, mut then) = (world.clone(), after.clone());
    let closed = |(_, pod): &(usize, &Pod)| {
        locked.contains(&pod.namespace)
            && !pod.finished
            && !pod.host_network
            && is_policed(world, pod, Direction::Egress)
    };
    let pods: Vec<usize> = world.pods.iter().enumerate().filter(closed).map(|(index, _)| index).collect();
    let pods = representatives(world, &pods);
    for rule in rules {
        let found = probes(&mut before, rule);
        probes(&mut then, rule);
        for pod in pods.iter().map(|index| &world.pods[*index]) {
            let judges = (PodJudge::of(&before, pod, Direction::Egress), PodJudge::of(&then, pod, Direction::Egress));
            for (ip, protocol, port) in &found {
                let Some(own) = pod.addresses.iter().find(|own| own.is_ipv4() == ip.is_ipv4()) else { continue };
                let packet = super::probe::packet(*own, *ip, *protocol, Some(*port));
                let actions = (judges.0.judge(&packet).action, judges.1.judge(&packet).action);
                if actions == (HopAction::Deny, HopAction::Allow) {
                    let text = format!(
                        "{} could not ask DNS over {protocol}, and can with this: the lockdown lets every pod ask it",
                        pod.full_name()
                    );
                    return Some(Note { weight: Weight::Warning, text });
                }
            }
        }
    }
    None
}
