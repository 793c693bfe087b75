//! The grants of a world, and how one is taken back: its rules, its annotation, and a policy of ours that it leaves empty.
//! Never opens a pod by taking the last policy from it.
//!
//! A grant is what its holder's annotation says. Where rules of it stand in other policies too, the holder says first that
//! it is being taken back, and says nothing any more last: whoever adds a rule of a grant to another policy looks whether it
//! is still held, and so none comes in behind the back of the one who takes it out; and who was killed in between is seen.

mod doors;

use std::collections::{BTreeMap, BTreeSet};

use super::decide::{is_policed, object, selected_by, version_of};
use super::edit::Edit;
use super::grant::show_ports;
use super::ports::PortsAsked;
use super::resolve::resolve;
use super::roles::{ALLOW, role};
use super::simulate::simulate;
use super::standin;
use super::target::{Target, TargetKind};
use super::{Note, Plan, PlanError, Step, Weight, ports};
use crate::findings::{Finding, GRANT_HALF_REVOKED, GRANT_UNREADABLE, GRANT_WITHOUT_RULE, RULE_WITHOUT_GRANT};
use crate::kubernetes::ObjectRef;
use crate::kubernetes::names::{GRANT, REVOKED};
use crate::model::intent::{Grant, Peer};
use crate::model::policy::{Direction, PolicyId};
use crate::model::spec::RuleSpec;
use crate::model::world::{Labels, World, Written};

/// A grant as it stands in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct GrantInfo {
    /// Its id.
    pub id: String,
    /// What was asked for.
    pub grant: Grant,
    /// The policy that holds it.
    pub policy: PolicyId,
    /// Its rules: policy, direction and place in the list from 0.
    pub rules: Vec<(PolicyId, Direction, usize)>,
}

/// Which grants to take back.
#[derive(Clone, Debug, PartialEq)]
pub enum Which {
    /// The one with this id, or whose id starts like this and no other's does.
    Id(String),
    /// Those between these ends.
    Flow {
        /// Who may connect.
        from: Target,
        /// To what.
        to: Target,
        /// Only the one with exactly these ports; none means all.
        ports: Option<PortsAsked>,
    },
}

/// Every grant, in the order of their ids.
pub fn grants(world: &World) -> Vec<GrantInfo> {
    noted(world, GRANT)
}

/// Grants that somebody began to take back and has not finished; not those that were made again since.
pub fn half_revoked(world: &World) -> Vec<GrantInfo> {
    let stands =
        |info: &GrantInfo| world.written[&info.policy].annotations.contains_key(&format!("{GRANT}-{}", info.id));
    noted(world, REVOKED).into_iter().filter(|info| !stands(info)).collect()
}

/// The policy that holds each grant.
pub fn holders(world: &World) -> BTreeMap<String, ObjectRef> {
    grants(world).into_iter().map(|info| (info.id, object(&info.policy))).collect()
}

fn noted(world: &World, note: &str) -> Vec<GrantInfo> {
    let mut found: Vec<GrantInfo> = Vec::new();
    for (policy, written) in &world.written {
        for (id, text) in annotations(written, note) {
            if let Ok(grant) = serde_json::from_str(text) {
                let rules = rules_of(world, id);
                found.push(GrantInfo { id: id.to_string(), grant, policy: policy.clone(), rules });
            }
        }
    }
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found
}

fn annotations<'w>(written: &'w Written, note: &str) -> impl Iterator<Item = (&'w str, &'w String)> {
    let prefix = format!("{note}-");
    written.annotations.iter().filter_map(move |(key, text)| Some((key.strip_prefix(&prefix)?, text)))
}

fn grant_of(rule: &RuleSpec) -> Option<&str> {
    rule.metadata.as_ref()?.annotations.get(GRANT).map(String::as_str)
}

fn rules_of(world: &World, id: &str) -> Vec<(PolicyId, Direction, usize)> {
    let mut found = Vec::new();
    for (policy, written) in &world.written {
        for (direction, rules) in
            [(Direction::Ingress, &written.spec.ingress), (Direction::Egress, &written.spec.egress)]
        {
            let own = rules.iter().enumerate().filter(|(_, rule)| grant_of(rule) == Some(id));
            found.extend(own.map(|(index, _)| (policy.clone(), direction, index)));
        }
    }
    found
}

/// Grants without rules, rules without grant, grants that cannot be read, and those that are half taken back.
pub fn orphans(world: &World) -> Vec<Finding> {
    let (known, ending) = (grants(world), half_revoked(world));
    let finding = |code, policy: &PolicyId, detail: String| {
        let place = world.written.get(policy).map(|written| written.place.clone());
        Finding { code, object: policy.to_string(), place, detail }
    };
    let mut found = Vec::new();
    for info in known.iter().filter(|info| info.rules.is_empty()) {
        let detail = format!("grant {} ({} -> {}) has no rule", info.id, info.grant.from, info.grant.to);
        found.push(finding(GRANT_WITHOUT_RULE, &info.policy, detail));
    }
    for GrantInfo { id, grant, policy, .. } in &ending {
        let Grant { from, to, .. } = grant;
        let detail = format!("grant {id} ({from} -> {to}): `kubectl zerotrust revoke {id}`, or `sync`, takes the rest");
        found.push(finding(GRANT_HALF_REVOKED, policy, detail));
    }
    for (policy, written) in &world.written {
        for (id, text) in annotations(written, GRANT) {
            if let Err(error) = serde_json::from_str::<Grant>(text) {
                found.push(finding(GRANT_UNREADABLE, policy, format!("annotation {GRANT}-{id}: {error}")));
            }
        }
        let rules = written.spec.ingress.iter().chain(&written.spec.egress);
        let ids: BTreeSet<&str> = rules.filter_map(grant_of).collect();
        for id in ids.into_iter().filter(|id| !known.iter().chain(&ending).any(|info| info.id == *id)) {
            found.push(finding(RULE_WITHOUT_GRANT, policy, format!("its rules of grant {id} belong to no grant")));
        }
    }
    found
}

/// Takes grants back.
pub fn revoke(world: &World, which: &Which) -> Result<Plan, PlanError> {
    let known = all(world);
    let chosen = match which {
        Which::Id(id) => by_id(world, &known, id)?,
        Which::Flow { from, to, ports } => by_flow(world, &known, from, to, ports.as_ref())?,
    };
    take_back(world, &chosen)
}

/// Those that stand, and those that are half taken back.
fn all(world: &World) -> Vec<GrantInfo> {
    grants(world).into_iter().chain(half_revoked(world)).collect()
}

/// Takes back the grants with these ids.
pub fn take_back(world: &World, chosen: &[String]) -> Result<Plan, PlanError> {
    let known = all(world);
    let mut plan = Plan::default();
    let names: Vec<String> = chosen
        .iter()
        .map(|id| match known.iter().find(|info| info.id == *id) {
            Some(GrantInfo { grant, .. }) => {
                let through = grant.through.as_ref().map(|through| format!(" by {}", through.way)).unwrap_or_default();
                format!("{id} ({} -> {}{through}, {})", grant.from, grant.to, show_ports(grant.ports.as_deref()))
            }
            None => format!("{id} (its rules only)"),
        })
        .collect();
    plan.title = format!("revoke {}", names.join(" and "));
    let (mut first, mut then, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for (policy, written) in &world.written {
        let mut edits = [Vec::new(), Vec::new(), Vec::new()];
        for id in chosen {
            removal(world, id, written, &mut edits);
        }
        let step = |edits: Vec<Edit>, why: &str| {
            let why = format!("{why} {}", chosen.join(" and "));
            let step = Step { object: object(policy), planned_on: version_of(world, policy), edits, why };
            Some(step).filter(|step| !step.edits.is_empty())
        };
        let [holder, elsewhere, end] = edits;
        first.extend(step(holder, "it holds"));
        then.extend(step(elsewhere, "it has rules of"));
        last.extend(step(end, "nothing is left of"));
    }
    plan.steps = first.into_iter().chain(then).chain(last).collect();
    delete_what_is_empty(world, &mut plan)?;
    doors::close(world, &known, chosen, &mut plan);
    let text = "connections that are established go on until they end".to_string();
    plan.notes.push(Note { weight: Weight::Fact, text });
    Ok(plan)
}

/// What takes a grant from a policy: first from the one that holds it, then from others, last what the holder still says.
fn removal(world: &World, id: &str, written: &Written, [first, then, last]: &mut [Vec<Edit>; 3]) {
    let (grant, revoked) = (format!("{GRANT}-{id}"), format!("{REVOKED}-{id}"));
    let has_rules = |written: &Written| {
        written.spec.ingress.iter().chain(&written.spec.egress).any(|rule| grant_of(rule) == Some(id))
    };
    let holds = |written: &Written| [&grant, &revoked].into_iter().any(|key| written.annotations.contains_key(key));
    if !holds(written) {
        then.extend(has_rules(written).then(|| Edit::RemoveGrant(id.into())));
        return;
    }
    let alone = !world.written.values().any(|other| has_rules(other) && !holds(other));
    first.extend(has_rules(written).then(|| Edit::RemoveGrant(id.into())));
    if let Some(text) = written.annotations.get(&grant) {
        first.push(Edit::Annotate(grant.clone(), None));
        first.extend((!alone).then(|| Edit::Annotate(revoked.clone(), Some(text.clone()))));
    }
    if !alone || written.annotations.contains_key(&revoked) {
        last.push(Edit::Annotate(revoked, None));
    }
}

/// A policy of ours without rules goes, unless it is the last that polices its pods: without it they would be open.
fn delete_what_is_empty(world: &World, plan: &mut Plan) -> Result<(), PlanError> {
    for index in 0..plan.steps.len() {
        let Some(id) = super::simulate::policy_of(&plan.steps[index].object) else { continue };
        if plan.steps[index + 1..].iter().any(|later| later.object == plan.steps[index].object) {
            continue;
        }
        let after = simulate(world, &plan.steps)?;
        let Some(written) = after.written.get(&id) else { continue };
        let empty = written.spec.ingress.is_empty()
            && written.spec.egress.is_empty()
            && annotations(written, GRANT).next().is_none();
        let ours = world.written.get(&id).and_then(role) == Some(ALLOW);
        if !empty || !ours {
            continue;
        }
        plan.steps[index].edits.push(Edit::DeleteIfEmpty);
        let without = simulate(world, &plan.steps)?;
        if let Some(open) = opened(world, &without, &id) {
            plan.steps[index].edits.pop();
            let text = format!("{id} stays, without rules: it is the last policy that closes {open}");
            plan.notes.push(Note { weight: Weight::Warning, text });
        }
    }
    Ok(())
}

/// What would be open without the policy: one of its pods, or the pods to come where it has none now.
fn opened(world: &World, without: &World, id: &PolicyId) -> Option<String> {
    let policy = world.policies.iter().find(|policy| policy.id == *id)?;
    let directions = [Direction::Ingress, Direction::Egress].into_iter().filter(|d| policy.rules(*d).is_some());
    let directions: Vec<Direction> = directions.collect();
    let open =
        |pod: &crate::model::world::Pod| directions.iter().any(|direction| !is_policed(without, pod, *direction));
    let pods = selected_by(world, id);
    if pods.is_empty() {
        let pod = standin::pod(world, id.namespace.as_deref()?, &Labels::new(), "its future pods");
        return open(&pod).then(|| pod.full_name());
    }
    pods.into_iter().find(|pod| open(pod)).map(crate::model::world::Pod::full_name)
}

fn by_id(world: &World, known: &[GrantInfo], id: &str) -> Result<Vec<String>, PlanError> {
    let mut ids: BTreeSet<String> = known.iter().map(|info| info.id.clone()).collect();
    for written in world.written.values() {
        ids.extend(written.spec.ingress.iter().chain(&written.spec.egress).filter_map(grant_of).map(str::to_string));
        ids.extend(annotations(written, GRANT).map(|(id, _)| id.to_string()));
    }
    if ids.contains(id) {
        return Ok(vec![id.to_string()]);
    }
    let alike: Vec<String> = ids.iter().filter(|other| !id.is_empty() && other.starts_with(id)).cloned().collect();
    match alike.len() {
        1 => Ok(alike),
        0 => Err(none(format!("there is no grant {id}"), known)),
        _ => Err(PlanError::Unresolved { reason: format!("{id} fits several grants"), hints: alike }),
    }
}

fn none(reason: String, known: &[GrantInfo]) -> PlanError {
    let show = |info: &GrantInfo| {
        let Grant { from, to, ports, .. } = &info.grant;
        format!("{}: {from} -> {to} ({})", info.id, show_ports(ports.as_deref()))
    };
    let mut hints: Vec<String> = known.iter().take(10).map(show).collect();
    if known.len() > hints.len() {
        hints.push(format!("and {} more: kubectl zerotrust status lists them", known.len() - hints.len()));
    }
    if hints.is_empty() {
        hints.push("there are no grants: nothing was allowed by this tool, or it was revoked".into());
    }
    PlanError::Unresolved { reason, hints }
}

fn by_flow(
    world: &World,
    known: &[GrantInfo],
    from: &Target,
    to: &Target,
    asked: Option<&PortsAsked>,
) -> Result<Vec<String>, PlanError> {
    let fits = |info: &&GrantInfo| names(world, from, &info.grant.from) && names(world, to, &info.grant.to);
    let mut found: Vec<&GrantInfo> = known.iter().filter(fits).collect();
    if let Some(asked) = asked {
        let resolved = resolve(world, to).and_then(|to| ports::resolve(world, &to, Some(asked)))?;
        found.retain(|info| info.grant.ports == resolved);
    }
    match found.is_empty() {
        true => Err(none(format!("there is no grant from {from} to {to}"), known)),
        false => Ok(found.into_iter().map(|info| info.id.clone()).collect()),
    }
}

/// Whether a target names an end of a grant: by the words that it was made with (what they named may be gone), or by
/// what it stands for now.
fn names(world: &World, target: &Target, peer: &Peer) -> bool {
    match (target, peer) {
        (Target::Nodes, Peer::Nodes) | (Target::World, Peer::World) => true,
        (Target::Nets(asked), Peer::Nets(nets)) => asked == nets,
        (Target::Named { kind: Some(TargetKind::Namespace), name, .. }, Peer::Namespace(of)) => name == of,
        (Target::Named { namespace, kind, name }, Peer::Pods { namespace: of, named, .. }) => {
            let (is, called) = named.split_once('/').unwrap_or(("", named));
            let words = namespace.as_ref().is_none_or(|namespace| namespace == of)
                && kind.is_none_or(|kind| kind.word() == is)
                && name == called;
            words || resolve(world, target).is_ok_and(|resolved| same_pods(&resolved.peer, peer))
        }
        _ => false,
    }
}

fn same_pods(one: &Peer, other: &Peer) -> bool {
    match (one, other) {
        (Peer::Pods { namespace: a, selector: x, .. }, Peer::Pods { namespace: b, selector: y, .. }) => {
            a == b && x == y
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests;
