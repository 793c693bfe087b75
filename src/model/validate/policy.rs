//! The spec of a policy: which endpoints, where in the kernel, which rules.
//! Never knows what a rule may match; `rule` does.

use std::collections::HashSet;

use serde_json::Value;

use super::rule::{self, Direction};
use super::text::is_label;
use super::{Check, Kind, list, metadata, refuse_more, show, text};
use crate::model::selector::Selector;

/// Calico's limits from 3.33 on.
const MOST_RULES: usize = 1024;
const LONGEST_SELECTOR: usize = 1024;

pub(super) fn check(check: &mut Check, object: &Value) {
    let spec = &object["spec"];
    check_staged_action(check, spec);
    if check.kind == Kind::StagedKubernetesNetworkPolicy {
        return;
    }
    check_tier(check, text(spec, "tier"));
    check_hints(check, list(spec, "performanceHints"));
    for field in ["selector", "serviceAccountSelector"] {
        check_selector(check, &format!("spec.{field}"), &spec[field], Global::Never);
    }
    check_types(check, list(spec, "types"));
    if check.kind.is_global() {
        check_selector(check, "spec.namespaceSelector", &spec["namespaceSelector"], Global::Never);
        check_hook(check, spec);
    }
    for (field, direction) in [("ingress", Direction::Ingress), ("egress", Direction::Egress)] {
        let rules = list(spec, field);
        refuse_more(check, &format!("spec.{field}"), "rules", rules.len(), MOST_RULES, 33);
        for (index, each) in rules.iter().enumerate() {
            rule::check(check, &format!("spec.{field}[{index}]"), each, direction);
        }
    }
}

/// A profile: rules as in a policy, and labels for whoever has it.
pub(super) fn check_profile(check: &mut Check, spec: &Value) {
    for (field, direction) in [("ingress", Direction::Ingress), ("egress", Direction::Egress)] {
        for (index, each) in list(spec, field).iter().enumerate() {
            rule::check(check, &format!("spec.{field}[{index}]"), each, direction);
        }
    }
    metadata::check_labels(check, "spec.labelsToApply", &spec["labelsToApply"]);
}

fn check_staged_action(check: &mut Check, spec: &Value) {
    if !check.kind.is_staged() {
        return;
    }
    let action = &spec["stagedAction"];
    match action.as_str() {
        None | Some("Set" | "Learn" | "Ignore") => {}
        Some("Delete") => {
            // The policy of this name is what it would delete; nothing else may be said about it.
            for (field, value) in spec.as_object().into_iter().flatten() {
                if !["stagedAction", "tier"].contains(&field.as_str()) && !is_empty(value) {
                    check.refuse(format!("spec.{field}"), "must not be set where stagedAction is Delete");
                }
            }
        }
        Some(_) => check.refuse("spec.stagedAction", format!("{} must be Set, Delete, Learn or Ignore", show(action))),
    }
}

/// As Go's zero values are: nothing was said.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Open source Calico up to 3.28 has no tiers: the field would be left out, which changes nothing for the default tier.
fn check_tier(check: &mut Check, tier: &str) {
    if tier.is_empty() || tier == "default" {
        return;
    }
    if let Some(version) = check.version.filter(|version| !version.at_least(3, 29)) {
        check.refuse("spec.tier", format!("Calico {version} has no tiers, so it would leave {tier} out"));
    } else if !is_label(tier) {
        check.refuse("spec.tier", format!("{tier:?} is no name of a tier: lower-case letters, digits and hyphens"));
    }
}

fn check_hints(check: &mut Check, hints: &[Value]) {
    if let Some(version) = check.version.filter(|version| !hints.is_empty() && !version.at_least(3, 27)) {
        check.refuse("spec.performanceHints", format!("Calico {version} has no such field; it came with 3.27"));
    }
    for (index, hint) in hints.iter().enumerate() {
        let path = format!("spec.performanceHints[{index}]");
        if hint.as_str() != Some("AssumeNeededOnEveryNode") {
            check.refuse(&path, format!("{} must be AssumeNeededOnEveryNode", show(hint)));
        }
        if hints[..index].contains(hint) {
            check.refuse(&path, format!("{} stands there twice", show(hint)));
        }
    }
}

/// No types at all is right in v3 form, where they follow from the rules. What is written to the datastore must have them
/// (Felix takes none for both directions), but that is for the conversion to its form.
fn check_types(check: &mut Check, types: &[Value]) {
    let mut seen = HashSet::new();
    for (index, value) in types.iter().enumerate() {
        let path = format!("spec.types[{index}]");
        if !matches!(value.as_str(), Some("Ingress" | "Egress")) {
            check.refuse(path, format!("{} must be Ingress or Egress", show(value)));
        } else if !seen.insert(value.as_str()) {
            check.refuse(path, format!("{} stands there twice", show(value)));
        }
    }
}

/// preDNAT and doNotTrack policies stand in chains of their own, of which preDNAT has none for egress.
fn check_hook(check: &mut Check, spec: &Value) {
    let is_true = |field: &str| spec[field] == Value::Bool(true);
    let (untracked, pre_dnat) = (is_true("doNotTrack"), is_true("preDNAT"));
    if untracked && pre_dnat {
        check.refuse("spec.preDNAT", "preDNAT and doNotTrack cannot both be true");
    }
    if (untracked || pre_dnat) && !is_true("applyOnForward") {
        let field = if pre_dnat { "preDNAT" } else { "doNotTrack" };
        check.refuse("spec.applyOnForward", format!("must be true where {field} is"));
    }
    if pre_dnat && !list(spec, "egress").is_empty() {
        check.refuse("spec.egress", "a preDNAT policy has no egress rules");
    }
    if pre_dnat && list(spec, "types").iter().any(|value| value == "Egress") {
        check.refuse("spec.types", "a preDNAT policy cannot have the type Egress");
    }
}

/// Where `global()` may stand: only a rule's namespaceSelector gives it a meaning (host endpoints and GlobalNetworkSets);
/// anywhere else it matches everything.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Global {
    Never,
    Alone,
    /// Where Calico does not look: selectors of nodes.
    Anywhere,
}

pub(super) fn check_selector(check: &mut Check, path: &str, value: &Value, global: Global) {
    let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { return };
    refuse_more(check, path, "bytes", text.len(), LONGEST_SELECTOR, 33);
    let selector = match Selector::parse(text) {
        Ok(selector) => selector,
        Err(error) => return check.refuse(path, format!("{} is no selector: {error}", show(value))),
    };
    // Calico looks at the text, so a value in quotes counts too.
    if global == Global::Never && (selector.mentions_global() || text.contains("global()")) {
        check
            .refuse(path, format!("{} has global(), which only the namespaceSelector of a rule can have", show(value)));
    }
    let canonical = selector.to_string();
    let combined = ["&& global()", "|| global()", "global() &&", "global() ||"];
    if global == Global::Alone && combined.iter().any(|part| canonical.contains(part)) {
        check.refuse(path, format!("{} combines global() with something else; it must stand alone", show(value)));
    }
}
