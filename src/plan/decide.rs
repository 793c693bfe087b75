//! What stops the packets of a grant at one end, and whether the tool may open it.
//! Never changes anything.

use std::collections::{BTreeMap, BTreeSet};

use super::edit::Edit;
use super::probe::Probe;
use super::roles::is_lockdown;
use super::{PlanError, Step, simulate};
use crate::evaluate::policy::PodJudge;
use crate::model::flow::{Decider, HopAction};
use crate::model::policy::{Direction, Hook, Policy, PolicyId};
use crate::model::words::listed;
use crate::model::world::{Pod, World};

/// How many policies of a tier are named.
const POLICIES: usize = 5;

/// What one end of a flow says to the packets of a grant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// What stops some of them and can be opened: in words.
    pub stopped_by: BTreeSet<String>,
    /// What lets some of them through, but for the grant's own rules.
    pub allowed_by: BTreeSet<String>,
    /// Whether rules of the grant let some of them through.
    pub own: bool,
    /// The lowest order of a lockdown's Deny rule that stops some: ours must come before it.
    pub before: Option<f64>,
}

/// The pod of a probe whose policy is asked in a direction.
pub fn policed(probe: &Probe, direction: Direction) -> Option<usize> {
    match direction {
        Direction::Ingress => probe.receiver,
        Direction::Egress => probe.sender,
    }
}

/// Asks one end about every packet. A packet that may not be opened is an error.
pub fn decide(world: &World, direction: Direction, probes: &[Probe], own: &str) -> Result<Decision, PlanError> {
    let mut decision = Decision::default();
    let mut judges: BTreeMap<usize, PodJudge> = BTreeMap::new();
    for probe in probes {
        let Some(index) = policed(probe, direction) else { continue };
        let pod = &world.pods[index];
        let judge = judges.entry(index).or_insert_with(|| PodJudge::of(world, pod, direction));
        let judgement = judge.judge(&probe.packet);
        let what = describe(&judgement.by, pod);
        match (judgement.action, &judgement.by) {
            (HopAction::Unknown, by) => return Err(unknown(pod, direction, by)),
            (HopAction::Allow | HopAction::None, Decider::Rule { policy, direction, index, .. })
                if grant_of(world, policy, *direction, *index) == Some(own) =>
            {
                decision.own = true;
            }
            (HopAction::Allow | HopAction::None, _) => {
                decision.allowed_by.insert(what);
            }
            (HopAction::Deny, Decider::TierDefault { tier, .. }) if tier == "default" => {
                decision.stopped_by.insert(what);
            }
            (HopAction::Deny, Decider::Rule { policy, .. }) => {
                let lockdown = world.policies.iter().find(|other| other.id == *policy && is_lockdown(world, other));
                let Some(lockdown) = lockdown else { return Err(denied(probe, pod, direction, &what)) };
                if let Some(order) = lockdown.order {
                    decision.before = Some(decision.before.map_or(order, |other: f64| other.min(order)));
                }
                decision.stopped_by.insert(what);
            }
            (HopAction::Deny, _) => return Err(denied(probe, pod, direction, &what)),
        }
    }
    Ok(decision)
}

fn denied(probe: &Probe, pod: &Pod, direction: Direction, what: &str) -> PlanError {
    let port = probe.packet.port.map(|port| format!(":{port}")).unwrap_or_default();
    PlanError::Refused {
        reason: format!(
            "{direction} of {} for {} -> {}{port} ({}) is denied by {what}, which is somebody's decision",
            pod.full_name(),
            probe.packet.source,
            probe.packet.destination,
            probe.packet.protocol,
        ),
        hints: vec!["change that policy if it should be allowed, or ask for less".into()],
    }
}

fn unknown(pod: &Pod, direction: Direction, by: &Decider) -> PlanError {
    let why = match by {
        Decider::Unknown { why } => why.clone(),
        other => describe(other, pod),
    };
    let reason = format!("{direction} of {} cannot be told: {why}", pod.full_name());
    PlanError::Unknown { reason, hints: vec!["make what is missing readable, then ask again".into()] }
}

/// Who decided about a pod, in words.
pub fn describe(by: &Decider, pod: &Pod) -> String {
    match by {
        Decider::Profile { name } => format!("profile {name}, as no policy selects {}", pod.full_name()),
        by => describe_decider(by),
    }
}

/// Who decided, in words.
pub fn describe_decider(by: &Decider) -> String {
    match by {
        Decider::Rule { policy, direction, index, .. } => format!("rule {index} of {direction} in {policy}"),
        Decider::TierDefault { tier, policies } => {
            let names: Vec<String> = policies.iter().map(PolicyId::to_string).collect();
            format!("the end of tier {tier} ({})", listed(&names, POLICIES))
        }
        Decider::Setting { name, .. } => format!("Felix's {name}"),
        Decider::Profile { name } => format!("profile {name}, as no policy selects it"),
        Decider::Unknown { why } => why.clone(),
    }
}

fn grant_of<'a>(world: &'a World, policy: &PolicyId, direction: Direction, index: usize) -> Option<&'a str> {
    let policy = world.policies.iter().find(|other| other.id == *policy)?;
    policy.rules(direction)?.iter().find(|rule| rule.place == index)?.grant.as_deref()
}

/// The same world, in which no other grant's rule matches: a grant must not lean on one that can be revoked.
pub fn without_other_grants(world: &World, own: &str) -> World {
    let mut blind = world.clone();
    for policy in &mut blind.policies {
        for rule in policy.ingress.iter_mut().chain(policy.egress.iter_mut()).flatten() {
            if rule.grant.as_deref().is_some_and(|grant| grant != own) {
                rule.never = Some("a rule of another grant");
            }
        }
    }
    blind
}

/// The same world, in which no rule of any exposure matches: what is open then is open without them.
pub fn without_exposures(world: &World) -> World {
    let exposures = super::revoke::grants(world).into_iter().filter(|info| info.grant.through.is_some());
    let ids: BTreeSet<String> = exposures.map(|info| info.id).collect();
    let mut blind = world.clone();
    for policy in &mut blind.policies {
        for rule in policy.ingress.iter_mut().chain(policy.egress.iter_mut()).flatten() {
            if rule.grant.as_ref().is_some_and(|grant| ids.contains(grant)) {
                rule.never = Some("a rule of an exposure");
            }
        }
    }
    blind
}

/// Whether a policy selects a pod. Most policies are of another namespace, which is told faster than by labels.
pub fn selects(policy: &Policy, pod: &Pod) -> bool {
    policy.id.namespace.as_ref().is_none_or(|namespace| *namespace == pod.namespace)
        && policy.selector.matches(&pod.labels)
}

/// Whether any policy polices a pod in a direction; what none does is open.
pub fn is_policed(world: &World, pod: &Pod, direction: Direction) -> bool {
    world
        .policies
        .iter()
        .any(|policy| policy.hook == Hook::Normal && policy.rules(direction).is_some() && selects(policy, pod))
}

/// The pods that a policy selects.
pub fn selected_by<'a>(world: &'a World, id: &PolicyId) -> Vec<&'a Pod> {
    let Some(policy) = world.policies.iter().find(|policy| policy.id == *id) else { return Vec::new() };
    let pods = world.pods.iter().filter(|pod| !pod.finished && !pod.host_network);
    pods.filter(|pod| selects(policy, pod)).collect()
}

/// A policy's resourceVersion, which a step is planned on.
pub fn version_of(world: &World, id: &PolicyId) -> Option<String> {
    world.written.get(id).and_then(|written| written.resource_version.clone())
}

/// The step that deletes a policy.
pub fn deletion(world: &World, id: &PolicyId, why: &str) -> Step {
    Step { object: object(id), planned_on: version_of(world, id), edits: vec![Edit::Delete], why: why.into() }
}

/// The object of a policy, as steps name it.
pub fn object(id: &PolicyId) -> crate::kubernetes::ObjectRef {
    simulate::object_of(id)
}
