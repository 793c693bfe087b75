//! `lockdown --nodes --observe`: what the lock of the nodes would drop is logged, and passes.
//! Never changes a verdict: instead of every Deny there is a Log, and chains before DNAT have no end that drops.

use serde_json::json;

use super::super::decide::{deletion, object, version_of};
use super::super::edit::Edit;
use super::super::hosts::{self, Ask};
use super::super::perimeter::doors::{self, Pass, STRANGERS, Try, is_usual};
use super::super::perimeter::recognise;
use super::super::place::{ORDER, whole};
use super::super::simulate::simulate;
use super::super::{Plan, PlanError, Step, lifelines};
use super::enforce::{GOES, SUFFIX};
use super::logging::{self, Logging};
use super::memory::Memory;
use super::observe::{fact, kernel_log, step};
use super::{Standing, of_nodes};
use crate::kubernetes::names::{HOSTS, Kind, PROMOTED};
use crate::model::policy::{Hook, PolicyId, PolicyKind};
use crate::model::spec::{PolicySpec, RuleMetadata, RuleSpec};
use crate::model::world::{World, Written};

/// Plans it. An empty plan says that it is observed already, or locked.
pub fn observe(world: &World, ask: &Ask, logging: &Logging) -> Result<Plan, PlanError> {
    let mut plan = Plan { title: "lockdown of the nodes, observed".into(), ..Plan::default() };
    let standing = of_nodes(world);
    // What the lock would be, in a world without what observes it.
    let gone = standing.map(|policy| deletion(world, &policy.id, "seen without it")).into_iter().collect::<Vec<_>>();
    let bare = simulate(world, &gone)?;
    let inline = Ask { shape: super::super::perimeter::Shape { inline: true, ..ask.shape.clone() }, ..ask.clone() };
    let locked = hosts::lock(&bare, &inline)?;
    let end = simulate(&bare, &locked.steps)?;
    let Some(written) = recognise::ours(&end).filter(|_| !locked.steps.is_empty()).and_then(|id| end.written.get(&id))
    else {
        plan.notes = locked.notes;
        return Ok(plan);
    };
    let remembered = Standing::of(world).unwrap_or_default();
    let mut memory = Memory::of(world);
    plan.steps.extend(logging::steps(world, logging, &mut memory, &mut plan.notes)?);
    memory.close_others = ask.shape.close_others;
    memory.inline = ask.shape.inline;
    // What Felix was told stands with the policy that observes pods, where there is one.
    if !remembered.observing.is_empty() {
        memory.felix.clear();
    }
    plan.steps.extend(policy(world, &bare, written, &memory)?);
    plan.steps.extend(locked.steps.into_iter().filter(|step| step.object.kind == Kind::HostEndpoint));
    if plan.steps.is_empty() {
        plan.notes
            .push(fact("what enters the nodes is observed already; `kubectl zerotrust promote` enforces it".into()));
        return Ok(plan);
    }
    unchanged(world, &plan.steps)?;
    plan.notes.extend(
        locked
            .notes
            .into_iter()
            .map(|note| super::super::Note { text: format!("once promoted: {}", note.text), ..note }),
    );
    plan.notes.push(fact("no node is closed: what the lock would drop is logged to its kernel log, and passes".into()));
    plan.notes.extend(kernel_log(world));
    Ok(plan)
}

/// The nodes behind the applications.
pub fn observe_too(world: &World, applications: Plan, ask: &Ask, logging: &Logging) -> Result<Plan, PlanError> {
    let after = simulate(world, &applications.steps)?;
    let logging = if applications.steps.is_empty() { logging.clone() } else { Logging::default() };
    let nodes = observe(&after, ask, &logging)?;
    let mut plan = applications;
    plan.title = plan.title.replace(", observed", " and of the nodes, observed");
    plan.steps.extend(nodes.steps);
    plan.notes.retain(|note| !note.text.ends_with("nodes are not covered"));
    let said = |plan: &Plan, note: &super::super::Note| plan.notes.contains(note);
    for note in nodes.notes {
        if !said(&plan, &note) {
            plan.notes.push(note);
        }
    }
    Ok(plan)
}

/// The policy that observes, made or brought up to date.
fn policy(world: &World, bare: &World, lock: &Written, memory: &Memory) -> Result<Option<Step>, PlanError> {
    let standing = of_nodes(world);
    let id = standing.map_or_else(
        || PolicyId {
            kind: PolicyKind::GlobalNetworkPolicy,
            namespace: None,
            name: format!("{}{}", recognise::NAME, SUFFIX.trim_end_matches('-')),
        },
        |policy| policy.id.clone(),
    );
    let passes = keeps_passes(bare);
    let mut rules: Vec<RuleSpec> = lock.spec.ingress.iter().flat_map(|rule| observed(rule, passes)).collect();
    if rules.last().is_some_and(|rule| rule.action == "Pass") {
        rules.pop();
    }
    // Behind every other one, as the lock; our own perimeter too, which decides first what it closes.
    let spec = PolicySpec { ingress: rules, order: None, ..lock.spec.clone() };
    let mut spec = serde_json::to_value(&spec).unwrap_or_default();
    if let Some(order) = last(bare) {
        spec["order"] = whole(order);
    }
    let mut made = step(world, &id, &spec, memory.text())?;
    let hosts = lock.annotations.get(HOSTS);
    let is_known = world.written.get(&id).and_then(|written| written.annotations.get(HOSTS)) == hosts;
    let annotate = || Edit::Annotate(HOSTS.into(), hosts.cloned());
    match made.as_mut().map(|made| &mut made.edits) {
        Some(edits) => match edits.first_mut() {
            Some(Edit::Create(document)) => document["metadata"]["annotations"][HOSTS] = json!(hosts),
            _ if is_known => {}
            _ => edits.push(annotate()),
        },
        None if is_known => {}
        None => {
            let (object, planned_on) = (object(&id), version_of(world, &id));
            made = Some(Step { object, planned_on, edits: vec![annotate()], why: String::new() });
        }
    }
    if let Some(made) = &mut made {
        made.why = "what the lock of the nodes would drop is logged, and passes".into();
    }
    Ok(made)
}

/// A Deny becomes a Log, and a Pass behind it, so that no later rule logs the packet again. An Allow becomes a Pass, as an
/// Allow would end all other policy of the host.
fn observed(rule: &RuleSpec, passes: bool) -> Vec<RuleSpec> {
    let marked = |action: &str, then: &str| {
        let annotations = [(PROMOTED.to_string(), then.to_string())].into();
        RuleSpec { metadata: Some(RuleMetadata { annotations }), action: action.into(), ..rule.clone() }
    };
    match rule.action.as_str() {
        "Deny" => [marked("Log", "Deny")].into_iter().chain(passes.then(|| marked("Pass", GOES))).collect(),
        "Allow" | "Pass" if passes => vec![marked("Pass", &rule.action)],
        _ => Vec::new(),
    }
}

/// The order behind all others that are asked before DNAT; none comes last.
fn last(world: &World) -> Option<f64> {
    let mut orders = before_dnat(world).map(|policy| policy.order.map(|order| order + 1.0));
    orders.try_fold(ORDER, |last, order| order.map(|order| last.max(order)))
}

/// A Pass leaves the tier, and so must have nobody behind it: of policies without an order the name decides which is last.
fn keeps_passes(world: &World) -> bool {
    before_dnat(world).all(|policy| policy.order.is_some())
}

fn before_dnat(world: &World) -> impl Iterator<Item = &crate::model::policy::Policy> {
    world.policies.iter().filter(|policy| policy.hook == Hook::PreDnat && policy.tier == "default")
}

/// Walks what nodes and pods do, and strangers at every door and node, before and after each step.
fn unchanged(world: &World, steps: &[Step]) -> Result<(), PlanError> {
    let lines = lifelines::of(world);
    let strangers = STRANGERS;
    let mut tries: Vec<(Try, Pass)> = Vec::new();
    for doorway in doors::all(world) {
        for source in &strangers {
            let usual = doorway.tries(world, *source).into_iter().filter(|one| is_usual(world, one));
            tries.extend(usual.map(|one| {
                let now = one.passes(world);
                (one, now)
            }));
        }
    }
    let mut after = world.clone();
    for step in steps {
        after = simulate(&after, std::slice::from_ref(step))?;
        lifelines::compare(&lines, &after, step, &[])?;
        if let Some((one, _)) = tries.iter().find(|(one, before)| one.passes(&after) != *before) {
            let reason = format!(
                "{} would change what becomes of {} -> {} at node {}, where nothing may change",
                step.object, one.packet.source, one.packet.destination, one.node
            );
            return Err(PlanError::Refused { reason, hints: vec!["lockdown --observe without --nodes".into()] });
        }
    }
    Ok(())
}
