//! Calico's own rules for what may be written, and what Felix misreads although Calico takes it.
//! Never knows where an object comes from or what is in the cluster: a tier or a Service that does not exist is no matter
//! of this file.
//!
//! `shape` and `settings` are what the API server checks (fields and their types), the others are
//! what calicoctl checks (lcg/validator/v3/validator.go) and, from 3.32 on, the CEL rules of Calico's CRDs.

mod bgp;
mod duration;
mod endpoint;
mod entity;
mod felix;
mod metadata;
mod policy;
mod pool;
mod regexp;
mod rule;
mod settings;
mod shape;
#[cfg(test)]
mod tests;
mod text;

use std::collections::HashSet;

use serde_json::Value;

use super::world::Version;

/// A rule that an object breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field, as `spec.ingress[0].source.nets[1]`.
    pub path: String,
    /// What is wrong with it, with the value.
    pub reason: String,
}

impl Violation {
    /// Whether the field is one that Calico does not have, which the API server leaves out.
    pub fn is_unknown_field(&self) -> bool {
        self.reason.contains(shape::NO_FIELD)
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.path, self.reason)
    }
}

/// Every rule that an object in v3 form breaks: what calicoctl and the API server of this version would refuse, and what
/// they would take and Felix would misread. Without a version, what any version would refuse. For every kind of Calico
/// that this program reads or writes, and profiles; no other kind has rules here.
pub fn validate(object: &Value, version: Option<Version>) -> Vec<Violation> {
    let Some(kind) = Kind::of(object) else { return Vec::new() };
    let mut check = Check { version, kind, found: Vec::new() };
    let since = kind.since();
    if let Some(version) = version.filter(|version| !version.at_least(3, since)) {
        check.refuse("kind", format!("Calico {version} has no {}; it came with 3.{since}", kind.name()));
    }
    shape::check(&mut check, object);
    metadata::check(&mut check, object);
    match kind {
        Kind::GlobalNetworkPolicy
        | Kind::NetworkPolicy
        | Kind::StagedGlobalNetworkPolicy
        | Kind::StagedNetworkPolicy
        | Kind::StagedKubernetesNetworkPolicy => policy::check(&mut check, object),
        Kind::GlobalNetworkSet | Kind::NetworkSet => endpoint::check_network_set(&mut check, object),
        Kind::HostEndpoint => endpoint::check_host_endpoint(&mut check, &object["spec"]),
        Kind::Tier => endpoint::check_tier(&mut check, object),
        Kind::Profile => policy::check_profile(&mut check, &object["spec"]),
        Kind::IPPool => pool::check(&mut check, &object["spec"]),
        Kind::BGPConfiguration => bgp::check_configuration(&mut check, &object["spec"]),
        Kind::BGPPeer => bgp::check_peer(&mut check, &object["spec"]),
        Kind::FelixConfiguration => felix::check(&mut check, &object["spec"]),
        Kind::KubeControllersConfiguration => felix::check_controllers(&mut check, &object["spec"]),
        Kind::ClusterInformation => {}
    }
    check.found
}

/// The kinds that have rules here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    GlobalNetworkPolicy,
    NetworkPolicy,
    StagedGlobalNetworkPolicy,
    StagedNetworkPolicy,
    StagedKubernetesNetworkPolicy,
    GlobalNetworkSet,
    NetworkSet,
    HostEndpoint,
    Tier,
    Profile,
    IPPool,
    BGPConfiguration,
    BGPPeer,
    FelixConfiguration,
    KubeControllersConfiguration,
    ClusterInformation,
}

impl Kind {
    const ALL: [Kind; 16] = [
        Kind::GlobalNetworkPolicy,
        Kind::NetworkPolicy,
        Kind::StagedGlobalNetworkPolicy,
        Kind::StagedNetworkPolicy,
        Kind::StagedKubernetesNetworkPolicy,
        Kind::GlobalNetworkSet,
        Kind::NetworkSet,
        Kind::HostEndpoint,
        Kind::Tier,
        Kind::Profile,
        Kind::IPPool,
        Kind::BGPConfiguration,
        Kind::BGPPeer,
        Kind::FelixConfiguration,
        Kind::KubeControllersConfiguration,
        Kind::ClusterInformation,
    ];

    fn of(object: &Value) -> Option<Kind> {
        let (group, _) = object["apiVersion"].as_str()?.split_once('/')?;
        let is_calico = matches!(group, "projectcalico.org" | "crd.projectcalico.org");
        let name = object["kind"].as_str().filter(|_| is_calico)?;
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn name(self) -> String {
        format!("{self:?}")
    }

    /// The minor version of Calico 3 that has it in open source.
    fn since(self) -> u16 {
        match self {
            Kind::StagedGlobalNetworkPolicy | Kind::StagedNetworkPolicy | Kind::StagedKubernetesNetworkPolicy => 30,
            Kind::Tier => 29,
            _ => 0,
        }
    }

    /// Whether it is a policy with Calico's own rules for names; a Kubernetes NetworkPolicy may have dots in its name.
    fn is_calico_policy(self) -> bool {
        matches!(
            self,
            Kind::GlobalNetworkPolicy
                | Kind::NetworkPolicy
                | Kind::StagedGlobalNetworkPolicy
                | Kind::StagedNetworkPolicy
        )
    }

    fn is_staged(self) -> bool {
        self.since() == 30
    }

    fn is_global(self) -> bool {
        !matches!(
            self,
            Kind::NetworkPolicy | Kind::StagedNetworkPolicy | Kind::StagedKubernetesNetworkPolicy | Kind::NetworkSet
        )
    }
}

/// What is being checked, and what was found.
struct Check {
    version: Option<Version>,
    kind: Kind,
    found: Vec<Violation>,
}

impl Check {
    fn refuse(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.found.push(Violation { path: path.into(), reason: reason.into() });
    }

    /// Whether a rule holds that came with Calico 3.`minor`; it does where the version is not known.
    fn rule_since(&self, minor: u16) -> bool {
        self.version.is_none_or(|version| version.at_least(3, minor))
    }

    /// Whether a rule holds that Calico 3.`minor` gave up; it does where the version is not known.
    fn rule_until(&self, minor: u16) -> bool {
        self.version.is_none_or(|version| !version.at_least(3, minor))
    }
}

/// The text of a field; empty where it is not set or not text.
fn text<'v>(parent: &'v Value, field: &str) -> &'v str {
    parent[field].as_str().unwrap_or_default()
}

/// The items of a field; none where it is not set or no list.
fn list<'v>(parent: &'v Value, field: &str) -> &'v [Value] {
    parent[field].as_array().map_or(&[], Vec::as_slice)
}

/// A value as a message shows it: as JSON, so that white space is seen, and not too long.
fn show(value: &Value) -> String {
    const LONGEST: usize = 120;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A limit that came with Calico 3.`since`.
fn refuse_more(check: &mut Check, path: &str, what: &str, number: usize, most: usize, since: u16) {
    if number > most && check.rule_since(since) {
        check.refuse(path, format!("{number} {what} are more than the {most} that Calico takes since 3.{since}"));
    }
}

/// Since 3.32 the API server knows some lists as sets; Calico itself takes repeats.
fn refuse_repeats(check: &mut Check, path: &str, items: &[Value]) {
    if !check.rule_since(32) {
        return;
    }
    let mut seen = HashSet::new();
    for (index, value) in items.iter().enumerate() {
        if !seen.insert(value.as_str()) {
            check.refuse(format!("{path}[{index}]"), format!("{} stands there twice", show(value)));
        }
    }
}
