//! From a policy as it is written to one as Felix enforces it: what Felix drops, widens or misreads becomes a finding.
//! Never knows which endpoints there are, or how the policy was stored beyond its name.

mod port;
mod rule;
mod selector;
#[cfg(test)]
mod tests;

use super::policy::{Hook, Policy, PolicyId, PolicyKind};
use super::spec::PolicySpec;
use super::world::Version;
use crate::findings::{self, Code, Finding};

/// What became of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// The policy; none where Felix drops it.
    pub policy: Option<Policy>,
    /// What was noticed.
    pub findings: Vec<Finding>,
    /// Why no policy of this kind reaches Felix, where this one stops them all.
    pub stops_kind: Option<String>,
    /// Why Felix cannot program the nodes where the policy is needed, and leaves them as they were, if so.
    pub stops_nodes: Option<String>,
}

/// What is noticed on the way, and what it means for the whole policy.
struct Notes<'a> {
    object: String,
    place: &'a str,
    version: Option<Version>,
    findings: Vec<Finding>,
    dropped: bool,
    stops_kind: Option<String>,
    stops_nodes: Option<String>,
    doubt: Option<String>,
}

impl Notes<'_> {
    fn find(&mut self, code: Code, detail: String) {
        let place = (!self.place.is_empty()).then(|| self.place.to_string());
        self.findings.push(Finding { code, object: self.object.clone(), place, detail });
    }

    /// Felix's validation filter takes the whole policy out (felix/calc/validation_filter.go).
    fn drop_policy(&mut self, code: Code, detail: String) {
        self.dropped = true;
        self.find(code, detail);
    }

    /// Calico's client cannot decode the object, and so cannot list any of its kind.
    fn stop_kind(&mut self, detail: String) {
        self.stops_kind.get_or_insert_with(|| detail.clone());
        self.find(findings::PORT_UNREADABLE, detail);
    }
}

/// Compiles a policy. `stored_name` decides between equal orders up to Calico 3.31; `place` is where it stands, for a
/// person, or empty.
pub fn compile(id: PolicyId, stored_name: &str, spec: &PolicySpec, version: Option<Version>, place: &str) -> Compiled {
    let mut notes = Notes {
        object: id.to_string(),
        place,
        version,
        findings: Vec::new(),
        dropped: false,
        stops_kind: None,
        stops_nodes: None,
        doubt: None,
    };
    let (ingress, egress) = directions(spec, &mut notes);
    let selector = selector::of_policy(&id, spec, &mut notes);
    // Rules of a direction that `types` leaves out are read all the same: Felix refuses the policy for them too.
    let compile_all = |rules: &[_], field: &str, notes: &mut Notes<'_>| {
        let compiled = rules.iter().enumerate().map(|(place, spec)| rule::of_spec(&id, spec, field, place, notes));
        compiled.collect::<Vec<_>>()
    };
    let ingress_rules = compile_all(&spec.ingress, "ingress", &mut notes);
    let egress_rules = compile_all(&spec.egress, "egress", &mut notes);
    let policy = selector.filter(|_| !notes.dropped).map(|selector| Policy {
        tie_break: tie_break(&id, stored_name, version),
        tier: tier(spec, stored_name, version).to_string(),
        order: spec.order,
        selector,
        ingress: ingress.then_some(ingress_rules),
        egress: egress.then_some(egress_rules),
        // A namespaced policy has none of these fields, and selects no host endpoint for which they could matter.
        hook: match (id.namespace.is_none(), spec.do_not_track, spec.pre_dnat) {
            (true, true, _) => Hook::Untracked,
            (true, _, true) => Hook::PreDnat,
            _ => Hook::Normal,
        },
        apply_on_forward: id.namespace.is_none() && spec.apply_on_forward,
        doubt: notes.doubt.take(),
        id,
    });
    let Notes { findings, stops_kind, stops_nodes, .. } = notes;
    Compiled { policy, findings, stops_kind, stops_nodes }
}

/// Which directions the policy has a say in. Felix takes no `types` as both (felix/calc/policy_sorter.go); the v3 API
/// never stores such a policy, a custom resource can be one.
fn directions(spec: &PolicySpec, notes: &mut Notes<'_>) -> (bool, bool) {
    if spec.types.is_empty() {
        if spec.staged_action.as_deref() != Some("Delete") {
            let detail = match (spec.ingress.is_empty(), spec.egress.is_empty()) {
                (false, true) => "spec.types is not set, and there are no egress rules: all egress is denied",
                (true, false) => "spec.types is not set, and there are no ingress rules: all ingress is denied",
                (true, true) => "spec.types is not set, and there are no rules: all traffic is denied",
                (false, false) => "spec.types is not set",
            };
            notes.find(findings::TYPES_MISSING, detail.into());
        }
        return (true, true);
    }
    for name in &spec.types {
        if !["ingress", "egress"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
            notes.find(findings::TYPE_UNKNOWN, format!("spec.types has {name:?}"));
        }
    }
    let has = |direction: &str| spec.types.iter().any(|name| name.eq_ignore_ascii_case(direction));
    (has("ingress"), has("egress"))
}

/// The tier that Felix puts the policy in: up to 3.28 there is one; from 3.29 to 3.31 the stored name tells, whatever
/// spec.tier says; since 3.32 spec.tier.
pub fn tier<'a>(spec: &'a PolicySpec, stored_name: &'a str, version: Option<Version>) -> &'a str {
    let of_spec = spec.tier.as_deref().filter(|tier| !tier.is_empty()).unwrap_or("default");
    match version {
        Some(version) if !version.at_least(3, 29) => "default",
        Some(version) if !version.at_least(3, 32) => tier_of_name(stored_name),
        _ => of_spec,
    }
}

fn tier_of_name(stored_name: &str) -> &str {
    if ["knp.", "ossg."].iter().any(|prefix| stored_name.starts_with(prefix)) {
        return "default";
    }
    stored_name.split_once('.').map_or("default", |(tier, _)| tier)
}

/// What decides between equal orders: up to 3.31 the stored name, behind its namespace; since 3.32 name, namespace and
/// kind (felix/calc/policy_sorter.go). A Kubernetes NetworkPolicy has a name of its own up to 3.31.
fn tie_break(id: &PolicyId, stored_name: &str, version: Option<Version>) -> String {
    if version.is_some_and(|version| version.at_least(3, 32)) {
        return format!("{}/{}/{}", id.name, id.namespace.as_deref().unwrap_or_default(), id.kind);
    }
    let name = match id.kind {
        PolicyKind::KubernetesNetworkPolicy => format!("knp.default.{}", id.name),
        _ => stored_name.to_string(),
    };
    match &id.namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name,
    }
}

/// Whether Calico's client cannot decode a port; it leaves out a Kubernetes NetworkPolicy's rule for it.
pub fn is_undecodable(text: &super::spec::IntOrString) -> bool {
    matches!(port::port(text), port::Read::Undecodable)
}
