//! `wireguard-sync`: every grant, the perimeter, and the lists of nodes that people wrote, as nodes, tunnels and Services are
//! today. A new node gets its host endpoint before its address enters any list.
//! Never makes or takes a grant, never changes a Service, and never guesses.

mod advertised;
pub mod grants;
pub mod lists;
mod perimeter;
mod proof;
mod taken;
#[cfg(test)]
mod tests;
mod today;

use std::collections::BTreeSet;

use grants::Followed;
use lists::List;
use proof::Guard;
use today::Today;

use super::edit::Edit;
use super::perimeter::compose::doors_of;
use super::perimeter::endpoints;
use super::simulate::simulate;
use super::{Note, Plan, PlanError, Risk, Step, Weight, expose, revoke};
use crate::findings::{BEHIND, BEHIND_ELSEWHERE, Finding};
use crate::model::intent::Grant;
use crate::model::world::{Hidden, Part as Kinds, World};

pub use taken::taken;

/// What is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// What, as `grant 4k2m9x0qpa (10.7.0.99 -> shop/service/web)` or `GlobalNetworkSet zerotrust-nodes`.
    pub what: String,
    /// How it differs.
    pub detail: String,
    /// What becomes of it.
    pub remedy: Remedy,
}

/// What becomes of something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// `sync` mends it.
    Sync,
    /// Somebody else has to; and how.
    Other(Vec<String>),
    /// Whether it is as it should be is not known; and what would tell.
    Unknown(Vec<String>),
}

/// What is to be written, and all that is not as it should be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Synced {
    /// The writes.
    pub plan: Plan,
    /// What they mend, and what they do not.
    pub drift: Vec<Drift>,
}

impl Synced {
    /// Whether something is left for somebody else to do.
    pub fn leaves_something(&self) -> bool {
        self.drift.iter().any(|drift| matches!(drift.remedy, Remedy::Other(_)))
    }

    /// Whether not enough could be seen.
    pub fn is_unsure(&self) -> bool {
        self.drift.iter().any(|drift| matches!(drift.remedy, Remedy::Unknown(_)))
    }

    /// Whether anything is known to be behind.
    pub fn is_behind(&self) -> bool {
        self.drift.iter().any(|drift| !matches!(drift.remedy, Remedy::Unknown(_)))
    }
}

/// When a change comes: what polices a node before what lets its address in, what closes before what opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// The set is made: no rule selects it yet.
    SetMade,
    /// Our policy is made.
    PolicyMade,
    /// A host endpoint comes or changes.
    HostEndpoint,
    /// Our policy changes.
    Policy,
    /// The set changes.
    Set,
    /// A perimeter that somebody wrote.
    Theirs,
    /// The policies of pods.
    Application,
    /// What is advertised.
    Advertised,
    /// A host endpoint of a node that is gone.
    Gone,
}

/// One change, for one reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    order: Order,
    step: Step,
    /// What is behind, where it is another thing than the object.
    of: Option<String>,
}

impl Part {
    fn new(order: Order, step: Step) -> Part {
        Part { order, step, of: None }
    }

    fn drift(&self, remedy: Remedy) -> Drift {
        let what = self.of.clone().unwrap_or_else(|| self.step.object.to_string());
        Drift { what, detail: self.step.why.clone(), remedy }
    }
}

/// All that is behind, before it is proven.
#[derive(Default)]
struct Found {
    parts: Vec<Part>,
    left: Vec<Drift>,
    notes: Vec<Note>,
    live: Vec<Followed>,
}

/// What is not as it should be, told by the rules alone: no packet is walked.
pub fn drift(world: &World) -> Vec<Drift> {
    let found = find(world);
    let mut all: Vec<Drift> = found.parts.iter().map(|part| part.drift(Remedy::Sync)).collect();
    for list in lists::find(world).into_iter().filter(|list| !list.is_current()) {
        let remedy = list.keeper.as_ref().map_or(Remedy::Sync, |keeper| Remedy::Other(vec![theirs(&list, keeper)]));
        all.push(Drift { what: list.name.clone(), detail: list.detail(), remedy });
    }
    all.extend(found.left);
    once(all)
}

/// The same as findings.
pub fn findings(world: &World) -> Vec<Finding> {
    let finding = |drift: Drift| match drift.remedy {
        Remedy::Sync => {
            let detail = format!("{}; `kubectl zerotrust sync` mends it", drift.detail);
            Some(Finding { code: BEHIND, object: drift.what, place: None, detail })
        }
        Remedy::Other(hints) => {
            let detail = std::iter::once(drift.detail).chain(hints).collect::<Vec<_>>().join("; ");
            Some(Finding { code: BEHIND_ELSEWHERE, object: drift.what, place: None, detail })
        }
        Remedy::Unknown(_) => None,
    };
    drift(world).into_iter().filter_map(finding).chain(taken(world)).collect()
}

/// Plans the changes, each of which is proven; what cannot be made is left, and said.
pub fn sync(world: &World, accepted: &[Risk]) -> Result<Synced, PlanError> {
    let mut found = find(world);
    found.parts.sort_by_key(|part| part.order);
    let mut settled = Settled { world: world.clone(), guard: None, parts: Vec::new(), drift: Vec::new() };
    let lists = lists::find(world);
    if !found.parts.is_empty() || !lists.is_empty() {
        let grants: Vec<Grant> = found.live.iter().map(|followed| followed.grant.clone()).collect();
        let covered = simulate(world, &endpoints::missing(world, None))?;
        settled.guard = Some(Guard::of(world, &covered, &grants, accepted));
    }
    for part in found.parts {
        settled.take(part);
    }
    for followed in &found.live {
        match followed.lacking(&settled.world, accepted) {
            Ok(parts) => parts.into_iter().for_each(|part| settled.take(part)),
            Err(error) => settled.drift.push(left(followed.name(), "it is stopped", error)),
        }
    }
    for list in lists {
        settled.list(&list, &mut found.notes);
    }
    let mut drift = settled.drift;
    drift.extend(found.left);
    for followed in found.live.iter().filter(|followed| followed.grant.through.is_some()) {
        let known = drift.iter().any(|drift| drift.what == followed.name() && drift.remedy != Remedy::Sync);
        if let (Err(error), false) = (expose::again::holds(&settled.world, &followed.grant, accepted), known) {
            drift.push(left(followed.name(), "it does not hold", error));
        }
    }
    drift.extend(gaps(world));
    let mut plan = Plan { title: "sync".into(), notes: found.notes, ..Plan::default() };
    plan.steps = merged(settled.parts);
    if let Some(guard) = &settled.guard {
        prove(world, guard, &plan.steps)?;
    }
    Ok(Synced { plan, drift: once(drift) })
}

/// Everything that is behind but for the lists that people wrote.
fn find(world: &World) -> Found {
    let mut found = Found::default();
    for info in revoke::grants(world) {
        let mut followed =
            Followed { id: info.id.clone(), grant: info.grant.clone(), holder: info.policy.clone(), changed: None };
        match today::of(world, &info.id, &info.grant) {
            Today::Same => {}
            Today::Other(grant, why) => {
                followed.grant = *grant;
                followed.changed = Some(why);
            }
            Today::Lost(why, hints) => {
                let remedy = if hints.is_empty() { Remedy::Unknown(hints) } else { Remedy::Other(hints) };
                found.left.push(Drift { what: followed.name(), detail: why, remedy });
                continue;
            }
        }
        found.parts.extend(advertised::follow(world, &mut followed));
        if let Some(drift) = without_door(world, &followed) {
            found.left.push(drift);
        }
        found.live.push(followed);
    }
    let exposures = found.live.iter().filter(|followed| followed.grant.through.is_some());
    let (mut grants, mut retired) = (Vec::new(), Vec::new());
    for followed in exposures {
        match super::perimeter::compose::client_rules(world, &followed.grant, super::perimeter::compose::Names::Set) {
            Ok(_) => grants.push(followed.grant.clone()),
            Err(error) => found.left.push(left(followed.name(), "its nodes", error)),
        }
        if followed.id != followed.grant.id() {
            retired.push(followed.id.clone());
        }
    }
    let mut base = world.clone();
    match perimeter::parts(world, &grants, &retired) {
        Ok(perimeter) => {
            let steps: Vec<Step> = perimeter.parts.iter().map(|part| part.step.clone()).collect();
            // What cannot be simulated is refused where it is proven.
            base = simulate(world, &steps).unwrap_or(base);
            found.parts.extend(perimeter.parts);
            found.notes.extend(perimeter.notes);
        }
        Err(error) => found.left.push(left("the perimeter".into(), "", error)),
    }
    for followed in &found.live {
        match followed.behind(&base) {
            Ok(parts) => found.parts.extend(parts),
            Err(error) => found.left.push(left(followed.name(), "its rules are behind", error)),
        }
    }
    found
}

/// A Service that has no such door any more: whether it should is its owner's decision.
fn without_door(world: &World, followed: &Followed) -> Option<Drift> {
    let through = followed.grant.through.as_ref()?;
    if !doors_of(world, &followed.grant).is_empty() {
        return None;
    }
    let service = super::perimeter::sources::service_of(world, &followed.grant)?;
    let detail = format!(
        "Service {}/{} is {} and has no door by {} now",
        service.namespace, service.name, service.kind, through.way
    );
    let hints = vec![format!("give it one, or kubectl zerotrust revoke {}", followed.id)];
    Some(Drift { what: followed.name(), detail, remedy: Remedy::Other(hints) })
}

fn left(what: String, context: &str, error: PlanError) -> Drift {
    let said = |reason: String| if context.is_empty() { reason } else { format!("{context}: {reason}") };
    match error {
        PlanError::Unknown { reason, hints } => Drift { what, detail: said(reason), remedy: Remedy::Unknown(hints) },
        PlanError::Refused { reason, hints }
        | PlanError::Unresolved { reason, hints }
        | PlanError::Usage { reason, hints } => Drift { what, detail: said(reason), remedy: Remedy::Other(hints) },
    }
}

/// What an owner should change in their own place.
fn theirs(list: &List, keeper: &str) -> String {
    let texts = |nets: Vec<&ipnet::IpNet>| nets.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut words = Vec::new();
    if !list.lacks.is_empty() {
        words.push(format!("add {}", texts(list.lacks.values().flatten().collect())));
    }
    if !list.vain.is_empty() {
        words.push(format!("take out {}", texts(list.vain.iter().collect())));
    }
    format!("{} is kept by {keeper}: there, {}", list.object, words.join(" and "))
}

/// What may be hidden behind something that could not be read.
fn gaps(world: &World) -> Vec<Drift> {
    let kinds = [Hidden::Policies, Hidden::Routes, Hidden::HostEndpoints, Hidden::Sets, Hidden::Services];
    let gaps = world.gaps.iter().filter(|gap| kinds.contains(&gap.hides));
    let mut found: Vec<Drift> = gaps
        .map(|gap| Drift {
            what: gap.place.clone(),
            detail: format!("could not be read: {}", gap.reason),
            remedy: Remedy::Unknown(vec!["make it readable, then sync again".into()]),
        })
        .collect();
    for (part, what) in [(Kinds::Policies, "NetworkPolicies"), (Kinds::GlobalPolicies, "GlobalNetworkPolicies")] {
        if !world.sees(part, None) && found.is_empty() {
            let detail = "not all of them were read, and a grant may be among them".to_string();
            found.push(Drift { what: what.into(), detail, remedy: Remedy::Unknown(Vec::new()) });
        }
    }
    found
}

fn once(drift: Vec<Drift>) -> Vec<Drift> {
    let mut kept: Vec<Drift> = Vec::with_capacity(drift.len());
    for one in drift {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

/// What was proven so far.
struct Settled {
    world: World,
    guard: Option<Guard>,
    parts: Vec<Part>,
    drift: Vec<Drift>,
}

impl Settled {
    /// Takes a part if it is proven; else leaves it, and says why.
    fn take(&mut self, part: Part) {
        match self.proven(&part.step) {
            Ok(after) => {
                self.world = after;
                self.drift.push(part.drift(Remedy::Sync));
                self.parts.push(part);
            }
            Err(error) => {
                let drift = part.drift(Remedy::Sync);
                self.drift.push(left(drift.what, &drift.detail, error));
            }
        }
    }

    fn proven(&self, step: &Step) -> Result<World, PlanError> {
        let after = simulate(&self.world, std::slice::from_ref(step))?;
        if let Some(guard) = &self.guard {
            guard.check(&after, step)?;
        }
        Ok(after)
    }

    /// A list that somebody wrote: address by address where not all may come in.
    fn list(&mut self, list: &List, notes: &mut Vec<Note>) {
        if !list.unsure.is_empty() {
            let unsure: Vec<String> = list.unsure.iter().map(|net| net.addr().to_string()).collect();
            let text =
                format!("{} holds {}, which may be of a node that is gone: it stays", list.name, unsure.join(", "));
            notes.push(Note { weight: Weight::Fact, text });
        }
        if list.is_current() {
            return;
        }
        if let Some(keeper) = &list.keeper {
            let remedy = Remedy::Other(vec![theirs(list, keeper)]);
            return self.drift.push(Drift { what: list.name.clone(), detail: list.detail(), remedy });
        }
        let mut nodes: BTreeSet<&String> = BTreeSet::new();
        let mut refused: Vec<Drift> = Vec::new();
        for (node, nets) in &list.lacks {
            let mut more = nodes.clone();
            more.insert(node);
            match self.proven(&list.step(&more)) {
                Ok(_) => nodes = more,
                Err(error) => {
                    let nets: Vec<String> = nets.iter().map(|net| net.addr().to_string()).collect();
                    let context = format!("{} of node {node} is not let in", nets.join(", "));
                    refused.push(left(list.name.clone(), &context, error));
                }
            }
        }
        if !nodes.is_empty() || !list.vain.is_empty() {
            let taken = List {
                lacks: list
                    .lacks
                    .iter()
                    .filter(|(node, _)| nodes.contains(node))
                    .map(|(n, s)| (n.clone(), s.clone()))
                    .collect(),
                ..list.clone()
            };
            let step = Step { why: taken.detail(), ..taken.step(&nodes) };
            self.take(Part { of: Some(list.name.clone()), ..Part::new(Order::Application, step) });
        }
        self.drift.extend(refused);
    }
}

/// One write for each object, where its first change stands.
fn merged(parts: Vec<Part>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut last: Vec<Step> = Vec::new();
    for part in parts {
        if part.order >= Order::Advertised {
            last.push(part.step);
            continue;
        }
        match steps.iter_mut().find(|step| step.object == part.step.object) {
            Some(step) => {
                step.edits.extend(part.step.edits);
                if !step.why.split("; ").any(|why| why == part.step.why) {
                    step.why = format!("{}; {}", step.why, part.step.why);
                }
            }
            None => steps.push(part.step),
        }
    }
    for step in last {
        match steps.iter_mut().find(|other| other.object == step.object) {
            Some(other) => other.edits.extend(step.edits),
            None => steps.push(step),
        }
    }
    steps.retain(|step| !step.edits.is_empty() && !step.edits.iter().all(|edit| matches!(edit, Edit::DeleteIfEmpty)));
    steps
}

/// Every prefix of what will be written.
fn prove(world: &World, guard: &Guard, steps: &[Step]) -> Result<(), PlanError> {
    let mut after = world.clone();
    for step in steps {
        after = simulate(&after, std::slice::from_ref(step))?;
        guard.check(&after, step)?;
    }
    Ok(())
}
