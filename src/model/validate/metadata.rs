//! Names, labels and annotations.
//! Never knows what an object's spec says, but for the tier that a policy's name can carry.

use serde_json::Value;

use super::text::{is_label, is_label_value, is_qualified_name, is_subdomain};
use super::{Check, Kind, show, text};

/// Kubernetes' limit to a name, in bytes.
const LONGEST_NAME: usize = 253;
/// What Calico puts before the names of policies of the default tier where it stores them, up to 3.31.
const STORED_PREFIX: &str = "default.";
/// Kubernetes' limit to all annotations of an object, keys and values, in bytes.
const LARGEST_ANNOTATIONS: usize = 256 * 1024;

pub(super) fn check(check: &mut Check, object: &Value) {
    let metadata = &object["metadata"];
    check_name(check, text(metadata, "name"), text(&object["spec"], "tier"));
    if check.kind.is_global() && !text(metadata, "namespace").is_empty() {
        let reason = format!("{} is cluster-wide and has no namespace", check.kind.name());
        check.refuse("metadata.namespace", reason);
    }
    check_annotations(check, "metadata.annotations", &metadata["annotations"]);
    check_labels(check, "metadata.labels", &metadata["labels"]);
}

pub(super) fn check_labels(check: &mut Check, path: &str, labels: &Value) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        let path = format!("{path}[{key}]");
        if !is_qualified_name(key) {
            check.refuse(&path, format!("{key:?} is no label key: {KEY}"));
        }
        if !value.as_str().is_none_or(is_label_value) {
            check.refuse(&path, format!("{} is no label value: at most 63 letters, digits, - _ .", show(value)));
        }
    }
}

const KEY: &str = "at most 63 letters, digits, - _ . and before them a DNS name and a slash, or nothing";

fn check_name(check: &mut Check, name: &str, tier: &str) {
    const PATH: &str = "metadata.name";
    if name.is_empty() {
        return check.refuse(PATH, "is not set");
    }
    let longest = match check.kind {
        Kind::Tier => 63,
        kind if kind.is_calico_policy() && check.rule_until(32) && !name.contains('.') => {
            LONGEST_NAME - STORED_PREFIX.len()
        }
        _ => LONGEST_NAME,
    };
    if name.len() > longest {
        check.refuse(PATH, format!("{name} is longer than {longest} characters"));
    }
    match check.kind {
        kind if kind.is_calico_policy() => {
            check_policy_name(check, PATH, name, if tier.is_empty() { "default" } else { tier })
        }
        Kind::Tier if !is_label(name) => {
            check.refuse(PATH, format!("{name:?} must be lower-case letters, digits and hyphens, without dots"));
        }
        _ if !is_subdomain(name) => {
            check.refuse(PATH, format!("{name:?} must be lower-case letters, digits, hyphens and dots"));
        }
        _ => {}
    }
}

/// Up to 3.28 a policy's name has no dot. From 3.29 to 3.31 the part before it is the tier, and Felix takes that for the
/// tier whatever `spec.tier` says. From 3.32 it means nothing (facts, part 1).
fn check_policy_name(check: &mut Check, path: &str, name: &str, tier: &str) {
    let from_kubernetes = name.strip_prefix("knp.default.").or_else(|| name.strip_prefix("ossg.default."));
    if matches!(check.kind, Kind::NetworkPolicy | Kind::StagedNetworkPolicy)
        && from_kubernetes.is_some_and(is_subdomain)
    {
        return;
    }
    let (before, own) = name.split_once('.').map_or((None, name), |(before, own)| (Some(before), own));
    if !before.is_none_or(is_label) || !is_label(own) {
        return check.refuse(path, format!("{name:?} must be lower-case letters, digits and hyphens"));
    }
    match before {
        Some(_) if check.version.is_some_and(|version| !version.at_least(3, 29)) => {
            check.refuse(path, format!("{name} has a dot, which Calico up to 3.28 does not take"));
        }
        Some("default") if check.version.is_none() => {
            check.refuse(path, format!("{name} has a dot, which Calico up to 3.28 does not take; leave default. out"));
        }
        Some(before) if check.rule_until(32) && before != tier => check.refuse(
            path,
            format!("{name} puts the policy into tier {before}, which is not its spec.tier, {tier}: up to 3.31 Felix follows the name"),
        ),
        None if check.rule_since(29) && check.rule_until(32) && tier != "default" => {
            check.refuse(path, format!("{name} must be {tier}.{name} in tier {tier}: up to 3.31 Felix takes the tier from the name"));
        }
        _ => {}
    }
}

pub(super) fn check_annotations(check: &mut Check, path: &str, annotations: &Value) {
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        size += key.len() + value.as_str().map_or(0, str::len);
        if !is_qualified_name(&key.to_lowercase()) {
            check.refuse(format!("{path}[{key}]"), format!("{key:?} is no annotation key: {KEY}"));
        }
    }
    if size > LARGEST_ANNOTATIONS {
        check.refuse(
            path,
            format!("{size} bytes of annotations are more than the {LARGEST_ANNOTATIONS} that Kubernetes takes"),
        );
    }
}
