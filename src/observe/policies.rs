//! Policies in the order in which Felix asks them, their tiers, and how Calico's own are written.
//! Never knows which endpoint a policy selects.

use std::cmp::Ordering;

use super::{gaps::hides, kubernetes_policies};
use crate::findings::{Finding, METADATA_STALE, POLICY_NOT_EVALUATED, REFUSED, TIER_MISSING};
use crate::kubernetes::names::{Kind, MANAGED_BY, TOOL};
use crate::kubernetes::objects::{Answer, CalicoPolicy, Found, Meta, Objects};
use crate::model::compile::{self, Compiled, compile};
use crate::model::policy::{Policy, PolicyId, PolicyKind};
use crate::model::world::{Fact, Gap, Hidden, Part, Tier, World, Written};

/// Fills `tiers`, `policies`, `staged`, `serves_staged` and `written`.
pub fn observe(objects: &Objects, world: &mut World) {
    world.tiers = objects.tiers.iter().map(tier).collect();
    if !world.tiers.iter().any(|tier| tier.name == DEFAULT_TIER) {
        // Every cluster has it, as an object only since 3.29.
        world.tiers.push(Tier { name: DEFAULT_TIER.into(), order: Some(1_000_000.0), pass: false, exists: true });
    }
    for object in &objects.calico_policies.items {
        calico(object, world);
    }
    for object in &objects.kubernetes_policies.items {
        let compiled = kubernetes_policies::compile_one(object, world.calico);
        take(compiled, Kind::KubernetesNetworkPolicy, world);
    }
    for object in &objects.admin_policies.items {
        let name = format!("{} {}", object.kind, object.metadata.name);
        let place = Some(object.place.to_string());
        let detail = "its rules may decide before or after all others".to_string();
        world.findings.push(Finding { code: POLICY_NOT_EVALUATED, object: name.clone(), place, detail });
        let place = format!("{name}, {}", object.place);
        let reason = "policies of this kind are not evaluated".to_string();
        world.gaps.push(Gap { hides: Hidden::Policies, namespace: None, place, reason });
    }
    world.serves_staged = serves_staged(objects, world);
    missing_tiers(world);
    world.tiers.sort_by(|a, b| {
        let key = |tier: &Tier| (!tier.exists, tier.order.unwrap_or(f64::INFINITY));
        let (a_key, b_key) = (key(a), key(b));
        a_key.0.cmp(&b_key.0).then(a_key.1.total_cmp(&b_key.1)).then_with(|| a.name.cmp(&b.name))
    });
    world.policies.sort_by(in_order);
    world.staged.sort_by(in_order);
    for notice in &objects.notices {
        let place = Some(notice.place.to_string());
        let (code, object, detail) = (notice.code, notice.object.clone(), notice.detail.clone());
        world.findings.push(Finding { code, object, place, detail });
    }
    refused(objects, world);
}

/// What Calico would refuse, where no other finding tells of the same field what comes of it.
fn refused(objects: &Objects, world: &mut World) {
    for refused in &objects.refused {
        let (object, path) = (&refused.object, refused.violation.path.as_str());
        // A finding about a list tells of all that is in it.
        let list = path.rsplit_once('[').map_or(path, |(list, _)| list);
        let tells = |finding: &Finding| {
            finding.object == *object
                && (finding.detail.contains(path) || finding.detail.starts_with(&format!("{list}: ")))
        };
        let told = world.findings.iter().any(tells);
        if !told {
            let (place, detail) = (Some(refused.place.to_string()), refused.violation.to_string());
            world.findings.push(Finding { code: REFUSED, object: object.clone(), place, detail });
        }
    }
}

/// What Calico's version says, else what the API server said when it was asked.
fn serves_staged(objects: &Objects, world: &World) -> Fact<bool> {
    let kind = Kind::StagedGlobalNetworkPolicy;
    let coverage = objects.calico_policies.coverage.iter();
    let answer = coverage.filter(|coverage| coverage.query.kind == kind).map(|coverage| &coverage.answer).next();
    match (world.calico, answer) {
        (Some(version), _) if !version.at_least(3, 30) => Fact::known(false, format!("Calico {version}")),
        (_, Some(Answer::NotServed)) => Fact::known(false, "the API server does not serve it"),
        (Some(version), _) => Fact::known(true, format!("Calico {version}")),
        (None, Some(Answer::Complete)) => Fact::known(true, "it could be asked for"),
        (None, Some(Answer::Hidden(why))) => Fact::unknown(why.clone()),
        (None, None) => Fact::unknown("Calico's version is not known"),
    }
}

const DEFAULT_TIER: &str = "default";

/// Inside a tier: lower order first, none last, then the name that decides (felix/calc/policy_sorter.go). By tier's name
/// here, so that a tier's policies are together.
fn in_order(a: &Policy, b: &Policy) -> Ordering {
    let order = |policy: &Policy| policy.order.unwrap_or(f64::INFINITY);
    let by_order = order(a).partial_cmp(&order(b)).unwrap_or(Ordering::Equal);
    a.tier.cmp(&b.tier).then(by_order).then_with(|| a.tie_break.cmp(&b.tie_break))
}

fn tier(object: &crate::kubernetes::objects::Tier) -> Tier {
    let name = object.metadata.name.clone();
    // Calico fixes what these do, whatever the object says.
    let (order, pass) = match name.as_str() {
        DEFAULT_TIER => (Some(1_000_000.0), false),
        "kube-admin" => (Some(1000.0), true),
        "kube-baseline" => (Some(10_000_000.0), true),
        _ => (object.spec.order, object.spec.default_action.as_deref() == Some("Pass")),
    };
    Tier { name, order, pass, exists: true }
}

fn policy_kind(kind: Kind) -> Option<PolicyKind> {
    Some(match kind {
        Kind::GlobalNetworkPolicy => PolicyKind::GlobalNetworkPolicy,
        Kind::NetworkPolicy => PolicyKind::NetworkPolicy,
        Kind::StagedGlobalNetworkPolicy => PolicyKind::StagedGlobalNetworkPolicy,
        Kind::StagedNetworkPolicy => PolicyKind::StagedNetworkPolicy,
        Kind::StagedKubernetesNetworkPolicy => PolicyKind::StagedKubernetesNetworkPolicy,
        _ => return None,
    })
}

fn calico(object: &Found<CalicoPolicy>, world: &mut World) {
    let Some(kind) = policy_kind(object.kind) else { return };
    let global = matches!(kind, PolicyKind::GlobalNetworkPolicy | PolicyKind::StagedGlobalNetworkPolicy);
    let namespace = (!global).then(|| super::workloads::namespace_of(&object.metadata));
    let id = PolicyId { kind, namespace, name: object.metadata.name.clone() };
    let place = object.place.to_string();
    let tier = compile::tier(&object.spec, &object.stored_name, world.calico);
    let written = Written {
        spec: object.spec.clone(),
        labels: object.metadata.labels.clone(),
        annotations: object.metadata.annotations.clone(),
        resource_version: object.metadata.resource_version.clone(),
        keeper: keeper(&object.metadata, tier),
        place: place.clone(),
    };
    if let Some(other) = world.written.get(&id) {
        let detail = format!("two stored objects have this name: here and at {}", other.place);
        let place = Some(place.clone());
        world.findings.push(Finding { code: METADATA_STALE, object: id.to_string(), place, detail });
    } else {
        world.written.insert(id.clone(), written);
    }
    // A plan to delete or to ignore a policy has no rules, and one in Kubernetes' form has others than these.
    let plan_only = matches!(object.spec.staged_action.as_deref(), Some("Delete" | "Ignore"));
    if kind == PolicyKind::StagedKubernetesNetworkPolicy || plan_only {
        return;
    }
    take(compile(id, &object.stored_name, &object.spec, world.calico, &place), object.kind, world);
}

/// Takes over what became of a policy.
fn take(compiled: Compiled, kind: Kind, world: &mut World) {
    let Compiled { policy, findings, stops_kind, stops_nodes } = compiled;
    let staged = policy_kind(kind).is_some_and(PolicyKind::is_staged);
    let mut gap = |reason: Option<String>, what: String| {
        let (Some(reason), false) = (reason, staged) else { return };
        let place = findings.first().map_or_else(
            || kind.to_string(),
            |finding| match &finding.place {
                Some(place) => format!("{}, {place}", finding.object),
                None => finding.object.clone(),
            },
        );
        let reason = format!("{reason}; {what}");
        world.gaps.push(Gap { hides: hides(kind), namespace: None, place, reason });
    };
    gap(stops_kind, format!("no {kind} reaches Felix while it is there"));
    gap(stops_nodes, "Felix cannot program the nodes that need it, and leaves them as they were".into());
    world.findings.extend(findings);
    match policy {
        Some(policy) if staged => world.staged.push(policy),
        Some(policy) => world.policies.push(policy),
        None => {}
    }
}

/// A tier that policies name and that does not exist is asked last, and drops what matches nothing.
fn missing_tiers(world: &mut World) {
    let (policies, tiers, findings) = (&world.policies, &mut world.tiers, &mut world.findings);
    let all_read = world.seen.get(&Part::Tiers).is_some_and(|seen| seen.all);
    for policy in policies {
        let known = tiers.iter().find(|tier| tier.name == policy.tier).map(|tier| tier.exists);
        if known.is_none() {
            tiers.push(Tier { name: policy.tier.clone(), order: None, pass: false, exists: false });
        }
        if known != Some(true) && all_read {
            let place = world.written.get(&policy.id).map(|written| written.place.clone());
            let detail = format!("tier {} does not exist; Felix asks it after all others", policy.tier);
            findings.push(Finding { code: TIER_MISSING, object: policy.id.to_string(), place, detail });
        }
    }
}

/// Who else writes the object, if anybody does.
pub fn keeper(metadata: &Meta, tier: &str) -> Option<String> {
    if let Some(owner) = metadata.owner_references.first() {
        return Some(format!("{} {} (its owner)", owner.kind, owner.name));
    }
    if ["calico-system", "allow-tigera"].contains(&tier) {
        return Some(format!("the Tigera operator (tier {tier})"));
    }
    const MARKS: [(&str, &str); 7] = [
        ("argocd.argoproj.io/instance", "Argo CD"),
        ("argocd.argoproj.io/tracking-id", "Argo CD"),
        ("kustomize.toolkit.fluxcd.io/name", "Flux"),
        ("helm.toolkit.fluxcd.io/name", "Flux"),
        ("meta.helm.sh/release-name", "Helm"),
        ("helm.sh/chart", "Helm"),
        ("addonmanager.kubernetes.io/mode", "the addon manager"),
    ];
    for (key, who) in MARKS {
        for (what, entries) in [("label", &metadata.labels), ("annotation", &metadata.annotations)] {
            if entries.contains_key(key) {
                return Some(format!("{who} ({what} {key})"));
            }
        }
    }
    let manager = metadata.labels.get(MANAGED_BY).filter(|manager| *manager != TOOL)?;
    Some(format!("{manager} (label {MANAGED_BY})"))
}
