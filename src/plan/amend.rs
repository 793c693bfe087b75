//! What a lockdown that is there lacks: by what it does, not by how its author wrote it.
//! Never narrows what its author left open, unless that was asked for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::decide::{object, version_of};
use super::edit::Edit;
use super::lockdown::{Ask, left_out_names};
use super::namespaces::names;
use super::roles::{LOCKDOWN, covers_namespaces_to_come, role};
use super::{Note, PlanError, Step, Weight, dns_reach, standin};
use crate::kubernetes::names::ROLE;
use crate::model::policy::{Direction, Policy};
use crate::model::selector::Selector;
use crate::model::spec::{IntOrString, RuleMetadata, RuleSpec};
use crate::model::world::{Labels, World, Written};

/// The difference between a lockdown that is there and what was asked for.
pub fn amend(
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
    if let Some((selector, why)) = amended_selector(world, ask, policy, written, notes)? {
        whys.push(why);
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
        dns_reach::missing(world, policy, dns_rules).into_iter().map(|rule| marked(rule, ours)).collect();
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
        let changes: Vec<String> = edits.iter().filter_map(in_words).collect();
        let text = format!(
            "{} is kept by {keeper}, so it is not changed here. Have it changed there ({why}): {}",
            policy.id,
            changes.join("; ")
        );
        notes.push(Note { weight: Weight::Warning, text });
        return Ok(None);
    }
    Ok(Some(Step { object: object(&policy.id), planned_on: version_of(world, &policy.id), edits, why }))
}

/// A change for somebody else to make.
fn in_words(edit: &Edit) -> Option<String> {
    match edit {
        Edit::AddRules(direction, rules) => {
            let rules: Vec<RuleSpec> = rules.iter().map(|rule| RuleSpec { metadata: None, ..rule.clone() }).collect();
            Some(format!("add to spec.{direction} {}", json!(rules)))
        }
        Edit::SetSpec { field, value, .. } => Some(format!("set spec.{field} to {value}")),
        _ => None,
    }
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
) -> Result<Option<(String, String)>, PlanError> {
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
        let why = || format!("it locks {} only", listed(&locked));
        return Ok((all != locked).then(|| (only(&all), why())));
    }
    let open = left_out_names(world, ask);
    if !whole {
        return Ok(Some((all_but(&open), format!("it locks {} only", listed(&locked)))));
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
    let why = format!("it locks {}, which should stay open", listed(&more));
    let text = &written.spec.namespace_selector;
    let selector = match named_exceptions(text) {
        Some(mut names) => {
            names.extend(more);
            all_but(&names)
        }
        None if text.trim().is_empty() => all_but(&more),
        None => format!("({}) && {NAME_LABEL} not in {{{}}}", text.trim(), quoted(&more)),
    };
    Ok(Some((selector, why)))
}

fn listed(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
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

/// Whether a policy selects the pods of a namespace.
pub fn covers(world: &World, policy: &Policy, namespace: &str) -> bool {
    policy.selector.matches(&standin::pod(world, namespace, &Labels::new(), "x").labels)
}

const NAME_LABEL: &str = "projectcalico.org/name";

/// Every namespace but these, in the form of the walkthrough: `has` keeps host endpoints out, which have no namespace.
pub fn all_but(names: &BTreeSet<String>) -> String {
    format!("has({NAME_LABEL}) && {NAME_LABEL} not in {{{}}}", quoted(names))
}

/// These namespaces and no other.
pub fn only(names: &BTreeSet<String>) -> String {
    format!("{NAME_LABEL} in {{{}}}", quoted(names))
}

fn quoted(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}
