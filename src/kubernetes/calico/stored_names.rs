//! The names under which Calico's policies are stored, which differ by version.
//! Never knows what else is stored.

use serde_json::{Map, Value};

use super::text;
use crate::kubernetes::names::Kind;
use crate::model::world::Version;

/// The name under which a policy is stored: up to 3.28 always with `default.` in front, from 3.29 with its tier's name,
/// from 3.32 as it is. Other kinds are stored under their own names.
pub fn stored_name(kind: Kind, name: &str, version: Option<Version>) -> String {
    let formed = ["knp.", "ossg.", "kanp.", "kbanp.", "kcnp."].iter().any(|prefix| name.starts_with(prefix));
    if !is_tiered(kind) || formed || version.is_some_and(|version| version.at_least(3, 32)) {
        return name.to_string();
    }
    // Where the version is not known, a name with a dot is taken to carry its tier: 3.28 allows no dot in a
    // GlobalNetworkPolicy's name.
    let carries_tier = name.contains('.') && version.is_none_or(|version| version.at_least(3, 29));
    if carries_tier { name.to_string() } else { format!("default.{name}") }
}

/// Whether the kind's objects are in a tier, which is what makes stored names differ.
pub fn is_tiered(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::GlobalNetworkPolicy | Kind::NetworkPolicy | Kind::StagedGlobalNetworkPolicy | Kind::StagedNetworkPolicy
    )
}

/// libcalico-go's names on reading: the first part always goes up to 3.28, only `default.` in 3.29; from 3.29.4 the
/// metadata annotation tells the name, and an object without one keeps its stored name.
pub fn v3_name(name: &str, annotation: Option<&Map<String, Value>>, version: Option<Version>) -> String {
    if ["knp.", "ossg."].iter().any(|prefix| name.starts_with(prefix)) {
        return name.to_string();
    }
    let bare = name.strip_prefix("default.").unwrap_or(name);
    match version {
        Some(version) if !version.at_least(3, 29) => name.split_once('.').map_or(name, |(_, rest)| rest).to_string(),
        Some(version) if !names_in_annotation(version) => bare.to_string(),
        Some(_) if annotation.is_none() => name.to_string(),
        _ => annotation.and_then(|annotation| text(annotation, "name")).unwrap_or(bare).to_string(),
    }
}

/// Whether this version keeps a policy's v3 name in the metadata annotation.
pub fn names_in_annotation(version: Version) -> bool {
    version >= Version { major: 3, minor: 29, patch: 4 }
}
