//! Which policy plays the lockdown's part, by what it means and not by its name.
//! Never knows which of several is right.

use super::namespaces::left_out;
use super::place::ORDER;
use super::standin;
use crate::kubernetes::names::ROLE;
use crate::model::policy::{Entity, Hook, Policy, PolicyId, PolicyKind, Rule, RuleAction};
use crate::model::selector::Selector;
use crate::model::world::{Labels, World, Written};

/// The value of the role annotation on what `lockdown` makes.
pub const LOCKDOWN: &str = "lockdown";
/// The value of the role annotation on policies of a lockdown that only logs: what it would drop passes.
pub const OBSERVING: &str = "observing";
/// The value of the role annotation on what keeps callbacks reachable.
pub const LIFELINE: &str = "lifeline";
/// The value of the role annotation on what `allow` makes.
pub const ALLOW: &str = "allow";
/// The value of the role annotation on the perimeter: its policy, host endpoints and set.
pub const PERIMETER: &str = "perimeter";

/// A namespace that nobody has: what a policy does to it, it does to every namespace to come.
const ANY_OTHER: &str = "a-namespace-to-come";

/// The role that the tool gave a policy when it made it.
pub fn role(written: &Written) -> Option<&str> {
    written.annotations.get(ROLE).map(String::as_str)
}

/// Every policy that denies all to all application namespaces, in both directions, but for DNS.
pub fn lockdowns(world: &World) -> Vec<PolicyId> {
    world.policies.iter().filter(|policy| is_lockdown(world, policy)).map(|policy| policy.id.clone()).collect()
}

/// The order of our own policies: `ORDER`, or before a lockdown that has an earlier one.
pub fn own_order(world: &World) -> f64 {
    let lockdowns = world.policies.iter().filter(|policy| policy.order.is_some() && is_lockdown(world, policy));
    lockdowns.filter_map(|policy| policy.order).fold(ORDER, |order, lockdown| order.min(lockdown - 1.0))
}

/// Whether a policy is one of them.
pub fn is_lockdown(world: &World, policy: &Policy) -> bool {
    policy.id.kind == PolicyKind::GlobalNetworkPolicy && would_lock(world, policy)
}

/// Every staged policy that would be a lockdown if it were enforced. Staged, it closes nothing.
pub fn staged_lockdowns(world: &World) -> Vec<PolicyId> {
    let staged =
        |policy: &&Policy| policy.id.kind == PolicyKind::StagedGlobalNetworkPolicy && would_lock(world, policy);
    world.staged.iter().filter(staged).map(|policy| policy.id.clone()).collect()
}

fn would_lock(world: &World, policy: &Policy) -> bool {
    let Some(written) = world.written.get(&policy.id) else { return false };
    if !is_for_both_directions(policy) {
        return false;
    }
    if role(written) == Some(LOCKDOWN) {
        return true;
    }
    let ingress = policy.ingress.iter().flatten().all(stops);
    let egress = policy.egress.iter().flatten().all(|rule| stops(rule) || allows_dns(world, rule));
    ingress && egress && selects_whole_namespaces(written) && covers_applications(world, policy, written)
}

fn is_for_both_directions(policy: &Policy) -> bool {
    policy.hook == Hook::Normal && policy.tier == "default" && policy.ingress.is_some() && policy.egress.is_some()
}

/// Whether a policy of the application's pods only observes: it logs what a lockdown would drop, and lets it pass.
pub fn is_observing(world: &World, policy: &Policy) -> bool {
    let Some(written) = world.written.get(&policy.id) else { return false };
    if policy.id.kind != PolicyKind::GlobalNetworkPolicy || policy.hook != Hook::Normal {
        return false;
    }
    match role(written) {
        Some(OBSERVING) => true,
        Some(_) => false,
        None => {
            let observes = |rules: &Option<Vec<Rule>>| observes(world, rules.as_deref().unwrap_or_default());
            is_for_both_directions(policy)
                && observes(&policy.ingress)
                && observes(&policy.egress)
                && selects_whole_namespaces(written)
                && covers_applications(world, policy, written)
        }
    }
}

/// Log rules, DNS, and at last everything let through.
fn observes(world: &World, rules: &[Rule]) -> bool {
    let Some((last, others)) = rules.split_last() else { return false };
    let logs = others.iter().any(|rule| rule.action == RuleAction::Log);
    logs && lets_all_pass(last) && others.iter().all(|rule| rule.action == RuleAction::Log || allows_dns(world, rule))
}

/// Whether a rule lets every packet go on.
pub fn lets_all_pass(rule: &Rule) -> bool {
    let everything = rule.ip_version.is_none()
        && rule.protocol.is_none()
        && rule.not_protocol.is_none()
        && rule.icmp.is_none()
        && rule.not_icmp.is_none()
        && !rule.http
        && rule.never.is_none()
        && [&rule.source, &rule.destination].into_iter().all(|entity| *entity == Entity::default());
    everything && matches!(rule.action, RuleAction::Allow | RuleAction::Pass)
}

fn stops(rule: &Rule) -> bool {
    matches!(rule.action, RuleAction::Log | RuleAction::Deny)
}

/// To port 53, or to where the cluster's DNS listens, and nowhere else.
fn allows_dns(world: &World, rule: &Rule) -> bool {
    use crate::model::flow::Protocol;
    use crate::model::policy::Port;
    let targets = super::dns::ports(world);
    let port = |port: &Port| match port {
        Port::Range(first, last) => first == last && (*first == 53 || targets.contains(first)),
        Port::Named(name) => name.starts_with("dns"),
    };
    rule.action == RuleAction::Allow
        && rule.protocol.is_some_and(|protocol| matches!(protocol, Protocol::TCP | Protocol::UDP))
        && rule.destination.ports.as_ref().is_some_and(|ports| !ports.is_empty() && ports.iter().all(port))
        || (rule.action == RuleAction::Allow && rule.destination.service.as_ref().is_some_and(super::dns::is_dns))
}

/// Every pod of the namespaces that it selects: no choice by labels or ServiceAccount.
fn selects_whole_namespaces(written: &Written) -> bool {
    let everything = |text: &str| {
        Selector::parse(text).is_ok_and(|selector| {
            let pod: Labels = [
                ("projectcalico.org/namespace".to_string(), ANY_OTHER.to_string()),
                ("projectcalico.org/orchestrator".to_string(), "k8s".to_string()),
            ]
            .into();
            selector.matches(&pod) && selector.labels().iter().all(|key| pod.contains_key(*key))
        })
    };
    everything(&written.spec.selector) && written.spec.service_account_selector.trim().is_empty()
}

/// Every application namespace but those that its author named as exceptions; and more than a list of one.
fn covers_applications(world: &World, policy: &Policy, written: &Written) -> bool {
    let covers = |name: &str| policy.selector.matches(&standin::pod(world, name, &Labels::new(), "x").labels);
    let system = left_out(world);
    let applications: Vec<&String> =
        world.namespaces.keys().filter(|name| !system.iter().any(|out| out.name == **name)).collect();
    let excepted = |name: &str| {
        written.spec.namespace_selector.contains(&format!("\"{name}\""))
            || written.spec.namespace_selector.contains(&format!("'{name}'"))
    };
    let all = applications.iter().all(|name| covers(name) || excepted(name));
    all && (covers_namespaces_to_come(policy) || applications.iter().filter(|name| covers(name)).count() > 1)
}

/// Whether it selects the pods of a namespace that nobody has made yet.
pub fn covers_namespaces_to_come(policy: &Policy) -> bool {
    let labels: Labels = [
        ("pcns.projectcalico.org/name", ANY_OTHER),
        ("pcns.kubernetes.io/metadata.name", ANY_OTHER),
        ("projectcalico.org/namespace", ANY_OTHER),
        ("projectcalico.org/orchestrator", "k8s"),
    ]
    .map(|(key, value)| (key.to_string(), value.to_string()))
    .into();
    policy.selector.matches(&labels)
}
