//! `lockdown`: everything that applications send and receive is denied, but for DNS; what the API server calls stays reachable.
//! Never opens what is locked, but for what was asked to be left out and what the cluster itself needs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::amend::{all_but, amend, covers, only};
use super::decide::object;
use super::edit::Edit;
use super::namespaces::{LeftOut, left_out, names};
use super::place::whole;
use super::roles::{LIFELINE, LOCKDOWN, lockdowns, own_order};
use super::simulate::simulate;
use super::staged::Standing;
use super::staged::promote::{promote, said};
use super::{Note, Plan, PlanError, Risk, Step, Weight, callbacks, dns, dns_reach, lifelines, losses, sight};
use crate::kubernetes::names::ROLE;
use crate::model::policy::{Policy, PolicyId, PolicyKind};
use crate::model::spec::RuleSpec;
use crate::model::world::World;

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
///
/// What is staged or observed is what it is made from, and goes.
pub fn lockdown(world: &World, ask: &Ask) -> Result<Plan, PlanError> {
    if Standing::of(world).is_some_and(|standing| standing.is_of_applications()) {
        let mut plan = promote(world, ask)?;
        plan.notes.extend(said(world));
        return Ok(plan);
    }
    check_names(world, ask)?;
    let mut unseen = sight::check(world, &ask.accepted)?;
    let dns_rules = dns_rules(world, ask)?;
    let mut plan = Plan { title: title(ask), ..Plan::default() };
    plan.notes.append(&mut unseen);
    let policy = match existing(world, ask)? {
        Some(policy) => amend(world, ask, policy, &dns_rules, &mut plan.notes)?,
        None => create(world, ask, &dns_rules)?,
    };
    let after = simulate(world, policy.as_slice())?;
    let locked = locked(&after);
    let (lifelines, notes) = callbacks::plan(world, &after, &locked, &ask.accepted)?;
    plan.steps.extend(lifelines);
    plan.notes.extend(notes);
    plan.steps.extend(dns_lifelines(world, &after, &locked));
    plan.steps.extend(policy);
    if plan.steps.is_empty() {
        let names: Vec<String> = locked.into_iter().collect();
        plan.notes.push(Note { weight: Weight::Fact, text: format!("locked already: {}", names.join(", ")) });
        return Ok(plan);
    }
    let after = simulate(world, &plan.steps)?;
    callbacks::prove(world, &plan.steps, &locked, &ask.accepted)?;
    dns_reach::prove(world, &after, &locked, &dns_rules, ask)?;
    plan.notes.extend(lifelines::prove(world, &plan.steps, &ask.accepted)?);
    if lockdowns(world).is_empty() {
        plan.notes.extend(dns_reach::opened(world, &after, &locked, &dns_rules));
    }
    plan.notes.extend(left_open(world, &after));
    plan.notes.extend(losses::notes(world, &after, &locked));
    Ok(plan)
}

/// What keeps DNS reachable; none found is a risk that has to be accepted.
pub(super) fn dns_rules(world: &World, ask: &Ask) -> Result<Vec<RuleSpec>, PlanError> {
    let rules = dns::egress_rules(world);
    if rules.is_empty() && !ask.accepted.contains(&Risk::Dns) {
        return Err(PlanError::Refused {
            reason: "no Service of the cluster's DNS was found, so the lockdown would cut off all names".into(),
            hints: vec![
                format!("--accept-risk {} goes on without DNS", Risk::Dns),
                "a DNS Service is kube-system/kube-dns, or one named for DNS with UDP port 53 and known pods".into(),
            ],
        });
    }
    Ok(rules)
}

pub(super) fn title(ask: &Ask) -> String {
    match ask.only.is_empty() {
        true => "lockdown of all application namespaces".into(),
        false => format!("lockdown of {}", ask.only.join(", ")),
    }
}

pub(super) fn check_names(world: &World, ask: &Ask) -> Result<(), PlanError> {
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

/// Makes the policy, under a name that nothing else has.
pub(super) fn create(world: &World, ask: &Ask, dns_rules: &[RuleSpec]) -> Result<Option<Step>, PlanError> {
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
    let mut spec = json!({"namespaceSelector": selector, "types": ["Ingress", "Egress"]});
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
pub fn left_out_names(world: &World, ask: &Ask) -> BTreeSet<String> {
    left_out(world).into_iter().map(|out| out.name).chain(ask.except.iter().cloned()).collect()
}

/// The namespaces that are locked in a world.
pub fn locked(world: &World) -> BTreeSet<String> {
    let policies: Vec<&Policy> =
        lockdowns(world).iter().filter_map(|id| world.policies.iter().find(|policy| policy.id == *id)).collect();
    let locked = |name: &&str| policies.iter().any(|policy| covers(world, policy, name));
    names(world).into_iter().filter(locked).map(str::to_string).collect()
}

/// DNS pods that live in a locked namespace are asked by everybody, and ask others.
pub(super) fn dns_lifelines(world: &World, after: &World, locked: &BTreeSet<String>) -> Vec<Step> {
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
        let Some(lifeline) = dns::lifeline(world, service) else { continue };
        let spec = json!({"order": whole(own_order(after)), "selector": lifeline.selector, "types": ["Ingress", "Egress"],
                          "ingress": lifeline.ingress, "egress": lifeline.egress});
        let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
            "metadata": {"name": id.name, "namespace": id.namespace, "annotations": {ROLE: LIFELINE}}, "spec": spec});
        let why =
            format!("the cluster's DNS ({}/{}) lives in a namespace that is locked", service.namespace, service.name);
        steps.push(Step { object: object(&id), planned_on: None, edits: vec![Edit::Create(document)], why });
    }
    steps
}

/// What stays open, by reason.
pub(super) fn left_open(world: &World, after: &World) -> Vec<Note> {
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
