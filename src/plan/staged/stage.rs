//! `lockdown --staged`: the lockdown as a StagedGlobalNetworkPolicy, which Calico evaluates for its flow logs alone.
//! Never enforces anything.

use serde_json::json;

use super::super::amend::amend;
use super::super::decide::{object, version_of};
use super::super::edit::Edit;
use super::super::lockdown::{self, Ask, check_names, create, dns_rules, left_open, locked};
use super::super::roles::{lockdowns, staged_lockdowns};
use super::super::simulate::simulate;
use super::super::{Note, Plan, PlanError, Step, Weight, losses, sight};
use super::observe::{fact, has_no_staged};
use crate::kubernetes::names::Kind;
use crate::model::policy::{Policy, PolicyId, PolicyKind};
use crate::model::world::World;

/// Plans it. An empty plan says that it is staged already, or locked.
pub fn stage(world: &World, ask: &Ask) -> Result<Plan, PlanError> {
    check_names(world, ask)?;
    if let Some(why) = has_no_staged(world) {
        return Err(PlanError::Refused {
            reason: format!("this cluster has no StagedGlobalNetworkPolicy ({why}); it came with Calico 3.30"),
            hints: vec!["kubectl zerotrust lockdown --observe logs what would be dropped, with every version".into()],
        });
    }
    let mut plan = Plan { title: format!("{}, staged", lockdown::title(ask)), ..Plan::default() };
    let locks: Vec<String> = lockdowns(world).iter().map(PolicyId::to_string).collect();
    if !locks.is_empty() {
        plan.notes.push(fact(format!("the applications are locked already by {}", locks.join(", "))));
        return Ok(plan);
    }
    plan.notes = sight::check(world, &ask.accepted)?;
    let dns = dns_rules(world, ask)?;
    let standing = staged_lockdowns(world);
    let step = match standing.first().and_then(|id| world.staged.iter().find(|policy| policy.id == *id)) {
        Some(policy) => amended(world, ask, policy, &dns, &mut plan.notes)?,
        None => fresh(world, ask, &dns)?,
    };
    let Some(step) = step else {
        plan.notes.push(fact("staged already; `kubectl zerotrust promote` enforces it".into()));
        return Ok(plan);
    };
    plan.steps.push(step);
    let staged = simulate(world, &plan.steps)?;
    plan.notes.extend(words(world, &staged)?);
    Ok(plan)
}

fn fresh(world: &World, ask: &Ask, dns: &[crate::model::spec::RuleSpec]) -> Result<Option<Step>, PlanError> {
    let Some(mut step) = create(world, ask, dns)? else { return Ok(None) };
    step.object.kind = Kind::StagedGlobalNetworkPolicy;
    let id = PolicyId { kind: PolicyKind::StagedGlobalNetworkPolicy, namespace: None, name: step.object.name.clone() };
    if let Some(other) = world.written.get(&id) {
        return Err(PlanError::Refused {
            reason: format!("{id} ({}) is something else: it would not lock the applications", other.place),
            hints: vec!["--name NAME gives the lockdown another name".into()],
        });
    }
    if let Some(Edit::Create(document)) = step.edits.first_mut() {
        document["kind"] = json!(Kind::StagedGlobalNetworkPolicy.to_string());
        document["spec"]["stagedAction"] = json!("Set");
    }
    step.why = "flow logs tell what it would do; nothing is enforced".into();
    Ok(Some(step))
}

/// What a staged lockdown that is there lacks.
fn amended(
    world: &World,
    ask: &Ask,
    policy: &Policy,
    dns: &[crate::model::spec::RuleSpec],
    notes: &mut Vec<Note>,
) -> Result<Option<Step>, PlanError> {
    let step = amend(world, ask, policy, dns, notes)?;
    Ok(step.map(|step| Step { object: object(&policy.id), planned_on: version_of(world, &policy.id), ..step }))
}

/// What it would close, and where an operator sees it.
fn words(world: &World, staged: &World) -> Result<Vec<Note>, PlanError> {
    let standing = super::Standing { staged: staged_lockdowns(staged), ..super::Standing::default() };
    let enforced = super::enforce::of(staged, &standing)?;
    let after = simulate(staged, &enforced.all())?;
    let once = |note: Note| Note { text: format!("once promoted: {}", note.text), ..note };
    let mut notes = left_open(world, &after);
    notes.extend(losses::notes(world, &after, &locked(&after)).into_iter().map(once));
    notes.push(fact("nothing is closed: Felix enforces no staged policy".into()));
    notes.push(Note {
        weight: Weight::Warning,
        text: "what it would drop is seen in Calico's flow logs alone, as a pending policy: in Whisker, or by Goldmane's API, which \
               the operator and Helm install; the kernel log does not tell of it (`lockdown --observe` does)"
            .into(),
    });
    notes.push(fact("`kubectl zerotrust promote` enforces it, and `kubectl zerotrust unlock` takes it away".into()));
    Ok(notes)
}
