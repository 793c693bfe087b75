//! `lockdown`: everything that applications send and receive is denied, but for DNS; what the API server calls stays reachable.
//! Never opens what is locked, but for what was asked to be left out and what the cluster itself needs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::decide::{object, version_of};
use super::edit::Edit;
use super::namespaces::{LeftOut, left_out, names};
use super::place::ORDER;
use super::roles::{LIFELINE, LOCKDOWN, covers_namespaces_to_come, lockdowns, role};
use super::simulate::simulate;
use super::{Note, Plan, PlanError, Risk, Step, Weight, dns, lifelines, losses, standin};
use crate::evaluate::policy::judge_pod;
use crate::kubernetes::names::ROLE;
use crate::model::flow::{HopAction, Protocol};
use crate::model::policy::{Direction, Policy, PolicyId, PolicyKind};
use crate::model::selector::Selector;
use crate::model::spec::{IntOrString, RuleMetadata, RuleSpec};
use crate::model::world::{Labels, World, Written};

/// The name that Calico's own documents give such a policy.
pub const DEFAULT_NAME: &str = "deny-app-policy";

/// What an operator asks to be locked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    /// The policy's name; `DEFAULT_NAME` where none is given. Also tells which of several is meant.
    pub name: Option<String>,
    /// Namespaces that stay open besides those that are found.
    pub except: Vec<String>,
    /// Only these namespaces.
    pub only: Vec<String>,
    /// Log what is dropped.
    pub log: bool,
    /// What the operator takes upon themselves.
    pub accepted: Vec<Risk>,
}

/// Plans a lockdown: lifelines first, then the policy.
pub fn lockdown(world: &World, ask: &Ask) -> Result<Plan, PlanError> {
    check_names(world, ask)?;
    let dns_rules = dns::egress_rules(world);
    if dns_rules.is_empty() && !ask.accepted.contains(&Risk::Dns) {
        return Err(PlanError::Refused {
            reason: "no Service of the cluster's DNS was found, so the lockdown would cut off all names".into(),
            hints: vec![
                format!("--accept-risk {} goes on without DNS", Risk::Dns),
                "a DNS Service is kube-system/kube-dns, or one named for DNS with UDP port 53 and known pods".into(),
            ],
        });
    }
    let mut plan = Plan { title: title(ask), ..Plan::default() };
    let policy = match existing(world, ask)? {
        Some(policy) => amend(world, ask, policy, &dns_rules, &mut plan.notes)?,
        None => create(world, ask, &dns_rules)?,
    };
    let after = simulate(world, policy.as_slice())?;
    let locked = locked(&after);
    let (lifelines, notes) = lifelines::plan(world, &after, &locked, &ask.accepted)?;
    plan.steps.extend(lifelines);
    plan.notes.extend(notes);
    plan.steps.extend(dns_lifelines(world, &after, &locked));
    plan.steps.extend(policy);
    let after = simulate(world, &plan.steps)?;
    prove_dns(world, &after, &locked, &dns_rules, ask)?;
    plan.notes.extend(left_open(world, &after));
    plan.notes.extend(losses::notes(world, &after, &locked));
    Ok(plan)
}

fn title(ask: &Ask) -> String {
    match ask.only.is_empty() {
        true => "lockdown of all application namespaces".into(),
        false => format!("lockdown of {}", ask.only.join(", ")),
    }
}

fn check_names(world: &World, ask: &Ask) -> Result<(), PlanError> {
    if !ask.only.is_empty() && !ask.except.is_empty() {
        let hints = vec!["--only names all that is locked; leave --except out".into()];
        return Err(PlanError::Usage { reason: "--only and --except exclude each other".into(), hints });
    }
    let known = names(world);
    for name in ask.only.iter().chain(&ask.except) {
        if !known.contains(name.as_str()) {
            let all: Vec<&str> = known.iter().copied().collect();
            let hints = vec![format!("there are {}", all.join(", "))];
            return Err(PlanError::Unresolved { reason: format!("there is no namespace {name}"), hints });
        }
    }
    Ok(())
}

/// The policy that plays the lockdown's part, if there is one.
fn existing<'a>(world: &'a World, ask: &Ask) -> Result<Option<&'a Policy>, PlanError> {
    let found = lockdowns(world);
    let named = |name: &String| found.iter().find(|id| id.name == *name);
    let chosen = match (&ask.name, found.as_slice()) {
        (Some(name), _) if named(name).is_some() => named(name),
        (_, []) => None,
        (_, [one]) => Some(one),
        (_, several) => {
            let hints = several.iter().map(|id| format!("--name {} takes {id}", id.name)).collect();
            let reason = "several policies deny everything to all application namespaces".to_string();
            return Err(PlanError::Unresolved { reason, hints });
        }
    };
    Ok(chosen.and_then(|id| world.policies.iter().find(|policy| policy.id == *id)))
}

fn create(world: &World, ask: &Ask, dns_rules: &[RuleSpec]) -> Result<Option<Step>, PlanError> {
    let name = ask.name.clone().unwrap_or_else(|| DEFAULT_NAME.to_string());
    let id = PolicyId { kind: PolicyKind::GlobalNetworkPolicy, namespace: None, name };
    if let Some(other) = world.written.get(&id) {
        return Err(PlanError::Refused {
            reason: format!(
                "{id} ({}) is something else: it does not deny everything to all applications",
                other.place
            ),
            hints: vec!["--name NAME gives the lockdown another name".into()],
        });
    }
    let selector = match ask.only.is_empty() {
        true => all_but(&left_out_names(world, ask)),
        false => only(&ask.only.iter().cloned().collect()),
    };
    let log = RuleSpec { action: "Log".into(), ..RuleSpec::default() };
    let mut egress = dns_rules.to_vec();
    let mut ingress = Vec::new();
    if ask.log {
        egress.push(log.clone());
        ingress.push(log);
    }
    let mut spec = json!({"tier": "default", "namespaceSelector": selector, "types": ["Ingress", "Egress"]});
    for (key, rules) in [("ingress", ingress), ("egress", egress)] {
        if !rules.is_empty() {
            spec[key] = json!(rules);
        }
    }
    let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy",
        "metadata": {"name": id.name, "annotations": {ROLE: LOCKDOWN}}, "spec": spec});
    let why = "what no policy allows is dropped, in both directions; DNS stays".to_string();
    Ok(Some(Step { object: object(&id), planned_on: None, edits: vec![Edit::Create(document)], why }))
}

/// Namespaces that stay open: those that are found, and those that were named.
fn left_out_names(world: &World, ask: &Ask) -> BTreeSet<String> {
    left_out(world).into_iter().map(|out| out.name).chain(ask.except.iter().cloned()).collect()
}

const NAME_LABEL: &str = "projectcalico.org/name";

fn all_but(names: &BTreeSet<String>) -> String {
    format!("has({NAME_LABEL}) && {NAME_LABEL} not in {{{}}}", quoted(names))
}

fn only(names: &BTreeSet<String>) -> String {
    format!("{NAME_LABEL} in {{{}}}", quoted(names))
}

fn quoted(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// The difference between a lockdown that is there and what was asked for.
fn amend(
    world: &World,
    ask: &Ask,
    policy: &Policy,
    dns_rules: &[RuleSpec],
    notes: &mut Vec<Note>,
) -> Result<Option<Step>, PlanError> {
    let Some(written) = world.written.get(&policy.id) else { return Ok(None) };
    let ours = role(written) == Some(LOCKDOWN);
    if ask.name.as_ref().is_some_and(|name| *name != policy.id.name) || !ours {
        let text =
            format!("{} ({}) locks the applications already: it is kept, and only completed", policy.id, written.place);
        notes.push(Note { weight: Weight::Fact, text });
    }
    let mut edits = Vec::new();
    let mut whys = Vec::new();
    if let Some(selector) = amended_selector(world, ask, policy, written, notes)? {
        whys.push(format!("it selects {selector}"));
        edits.push(Edit::SetSpec {
            field: "namespaceSelector".into(),
            expected: match written.spec.namespace_selector.is_empty() {
                true => Value::Null,
                false => json!(written.spec.namespace_selector),
            },
            value: json!(selector),
        });
    }
    let missing: Vec<RuleSpec> =
        missing_dns(world, policy, dns_rules).into_iter().map(|rule| marked(rule, ours)).collect();
    if !missing.is_empty() {
        let protocols: BTreeSet<String> =
            missing.iter().filter_map(|rule| rule.protocol.as_ref()).map(IntOrString::to_string).collect();
        whys.push(format!("DNS over {} is not allowed", protocols.into_iter().collect::<Vec<_>>().join(" and ")));
        edits.push(Edit::AddRules(Direction::Egress, missing));
    }
    for (direction, rules) in [(Direction::Ingress, &written.spec.ingress), (Direction::Egress, &written.spec.egress)] {
        if ask.log && !rules.iter().any(|rule| rule.action.eq_ignore_ascii_case("log")) {
            whys.push(format!("{direction} that is dropped is not logged"));
            let log = RuleSpec { action: "Log".into(), ..RuleSpec::default() };
            edits.push(Edit::AddRules(direction, vec![marked(log, ours)]));
        }
    }
    if edits.is_empty() {
        return Ok(None);
    }
    let why = whys.join("; ");
    if let Some(keeper) = &written.keeper {
        let text =
            format!("{} is kept by {keeper}, so it is not changed here. Have it changed there: {why}", policy.id);
        notes.push(Note { weight: Weight::Warning, text });
        return Ok(None);
    }
    Ok(Some(Step { object: object(&policy.id), planned_on: version_of(world, &policy.id), edits, why }))
}

/// What `unlock` may take out of a policy that somebody else wrote.
fn marked(mut rule: RuleSpec, ours: bool) -> RuleSpec {
    if !ours {
        rule.metadata = Some(RuleMetadata { annotations: [(ROLE.to_string(), LOCKDOWN.to_string())].into() });
    }
    rule
}

/// Another namespaceSelector, where the one that is there locks what must stay open, or less than was asked for.
fn amended_selector(
    world: &World,
    ask: &Ask,
    policy: &Policy,
    written: &Written,
    notes: &mut Vec<Note>,
) -> Result<Option<String>, PlanError> {
    let locked: BTreeSet<String> =
        names(world).into_iter().filter(|name| covers(world, policy, name)).map(str::to_string).collect();
    let whole = covers_namespaces_to_come(policy);
    if !ask.only.is_empty() {
        if whole {
            return Err(PlanError::Refused {
                reason: format!("{} locks more than {}", policy.id, ask.only.join(", ")),
                hints: vec!["kubectl zerotrust unlock first".into()],
            });
        }
        let all: BTreeSet<String> = locked.iter().chain(&ask.only).cloned().collect();
        return Ok((all != locked).then(|| only(&all)));
    }
    let open = left_out_names(world, ask);
    if !whole {
        return Ok(Some(all_but(&open)));
    }
    let kept: Vec<&str> =
        names(world).into_iter().filter(|name| !locked.contains(*name) && !open.contains(*name)).collect();
    if !kept.is_empty() {
        let text = format!("{} stay open, as {} leaves them out", kept.join(", "), policy.id);
        notes.push(Note { weight: Weight::Warning, text });
    }
    let more: BTreeSet<String> = open.into_iter().filter(|name| locked.contains(name)).collect();
    if more.is_empty() {
        return Ok(None);
    }
    let text = &written.spec.namespace_selector;
    Ok(Some(match named_exceptions(text) {
        Some(mut names) => {
            names.extend(more);
            all_but(&names)
        }
        None if text.trim().is_empty() => all_but(&more),
        None => format!("({}) && {NAME_LABEL} not in {{{}}}", text.trim(), quoted(&more)),
    }))
}

/// The names of a selector in the form that we write ourselves.
fn named_exceptions(text: &str) -> Option<BTreeSet<String>> {
    let inner = text.split_once('{')?.1.split_once('}')?.0;
    let names: BTreeSet<String> = inner
        .split(',')
        .map(|name| name.trim().trim_matches(['"', '\'']).to_string())
        .filter(|n| !n.is_empty())
        .collect();
    let same = Selector::parse(&all_but(&names)).ok()? == Selector::parse(text).ok()?;
    same.then_some(names)
}

fn covers(world: &World, policy: &Policy, namespace: &str) -> bool {
    policy.selector.matches(&standin::pod(world, namespace, &Labels::new(), "x").labels)
}

/// The namespaces that are locked in a world.
pub fn locked(world: &World) -> BTreeSet<String> {
    let policies: Vec<&Policy> =
        lockdowns(world).iter().filter_map(|id| world.policies.iter().find(|policy| policy.id == *id)).collect();
    let locked = |name: &&str| policies.iter().any(|policy| covers(world, policy, name));
    names(world).into_iter().filter(locked).map(str::to_string).collect()
}

/// The DNS rules that a policy does not have yet, by what it lets through and not by how it says so.
fn missing_dns(world: &World, policy: &Policy, wanted: &[RuleSpec]) -> Vec<RuleSpec> {
    let mut bare = world.clone();
    bare.policies = vec![policy.clone()];
    let asker = asker(&bare, policy);
    let mut missing = Vec::new();
    for rule in wanted {
        // One rule alone, to see which packets it is for.
        let mut probes = dns_probes(&mut bare, rule);
        let own = |ip: &std::net::IpAddr| asker.addresses.iter().find(|own| own.is_ipv4() == ip.is_ipv4()).copied();
        let through = |world: &World, (ip, protocol, port): &(std::net::IpAddr, Protocol, u16)| {
            own(ip).is_some_and(|source| {
                let packet = super::probe::packet(source, *ip, *protocol, Some(*port));
                judge_pod(world, &asker, Direction::Egress, &packet).action == HopAction::Allow
            })
        };
        probes.retain(|(ip, ..)| own(ip).is_some());
        let known = !probes.is_empty();
        if !known || !probes.iter().all(|probe| through(&bare, probe)) {
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
fn dns_probes(world: &mut World, rule: &RuleSpec) -> Vec<(std::net::IpAddr, Protocol, u16)> {
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

/// DNS pods that live in a locked namespace are asked by everybody, and ask others.
fn dns_lifelines(world: &World, after: &World, locked: &BTreeSet<String>) -> Vec<Step> {
    let mut steps = Vec::new();
    for service in dns::services(world).into_iter().filter(|service| locked.contains(&service.namespace)) {
        let id = PolicyId {
            kind: PolicyKind::NetworkPolicy,
            namespace: Some(service.namespace.clone()),
            name: format!("zerotrust-lifeline-{}", service.name),
        };
        if after.written.contains_key(&id) {
            continue;
        }
        let Some((selector, rules)) = dns::lifeline(world, service) else { continue };
        let mut spec = json!({"tier": "default", "order": ORDER, "selector": selector, "types": ["Ingress", "Egress"]});
        for (direction, rules) in rules {
            spec[direction.to_string()] = json!(rules);
        }
        let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
            "metadata": {"name": id.name, "namespace": id.namespace, "annotations": {ROLE: LIFELINE}}, "spec": spec});
        let why =
            format!("the cluster's DNS ({}/{}) lives in a namespace that is locked", service.namespace, service.name);
        steps.push(Step { object: object(&id), planned_on: None, edits: vec![Edit::Create(document)], why });
    }
    steps
}

/// A pod of every locked namespace can still ask the DNS pods.
fn prove_dns(
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
        let probes = dns_probes(&mut before, rule);
        dns_probes(&mut then, rule);
        for namespace in locked {
            let mut pod = standin::pod(&before, namespace, &Labels::new(), "any pod");
            pod.unseen_labels.clear();
            for (ip, protocol, port) in &probes {
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

/// What stays open, by reason.
fn left_open(world: &World, after: &World) -> Vec<Note> {
    let locked = locked(after);
    let mut whys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let known = names(world);
    for LeftOut { why, name } in left_out(world) {
        if known.contains(name.as_str()) && !locked.contains(&name) {
            whys.entry(why).or_default().push(name);
        }
    }
    let note = |(why, names): (String, Vec<String>)| Note {
        weight: Weight::Fact,
        text: format!("left out: {} ({why})", names.join(", ")),
    };
    whys.into_iter().map(note).collect()
}

#[cfg(test)]
mod tests;
