//! `promote`: what is staged or observed becomes the lockdown, and goes once that stands.
//! Never leaves a lifeline out: what keeps the cluster itself reachable comes first.

use super::super::amend::amend;
use super::super::decide::deletion;
use super::super::edit::Edit;
use super::super::hosts;
use super::super::lockdown::{Ask, check_names, dns_lifelines, dns_rules, left_open, locked};
use super::super::perimeter::Shape;
use super::super::roles::lockdowns;
use super::super::simulate::simulate;
use super::super::{Note, Plan, PlanError, Step, callbacks, dns_reach, lifelines, losses, sight, sync};
use super::enforce::{self, Enforced};
use super::memory::Memory;
use super::observe::fact;
use super::{Standing, logging};
use crate::kubernetes::names::HOSTS;
use crate::model::intent::Hosts;
use crate::model::policy::PolicyId;
use crate::model::world::World;

/// Plans it for the applications: lifelines, the lockdown, then what observed or staged goes.
pub fn promote(world: &World, ask: &Ask) -> Result<Plan, PlanError> {
    check_names(world, ask)?;
    let mut plan = Plan { title: "promote the lockdown".into(), ..Plan::default() };
    let Some(standing) = Standing::of(world).filter(Standing::is_of_applications) else {
        return Ok(nothing(world, plan));
    };
    plan.notes = sight::check(world, &ask.accepted)?;
    let standing = Standing { nodes: None, ..standing };
    let dns = dns_rules(world, ask)?;
    let Enforced { comes, goes } = enforce::of(world, &standing)?;
    // Seen from a world without what only observes: what pods had before it.
    let bare = simulate(world, &goes)?;
    let base = simulate(&bare, &comes)?;
    let lockdown = lockdowns(&base).into_iter().next();
    let amended = match lockdown.as_ref().and_then(|id| base.policies.iter().find(|policy| policy.id == *id)) {
        Some(policy) => {
            let name = Some(policy.id.name.clone());
            amend(&base, &Ask { name, ..ask.clone() }, policy, &dns, &mut plan.notes)?
        }
        None => return Err(lost(&standing)),
    };
    let closing = merged(comes, amended);
    let after = simulate(&bare, &closing)?;
    let locked = locked(&after);
    let (calls, notes) = callbacks::plan(&bare, &after, &locked, &ask.accepted)?;
    plan.notes.extend(notes);
    plan.steps.extend(calls);
    plan.steps.extend(dns_lifelines(&bare, &after, &locked));
    plan.steps.extend(closing);
    let (grants, kept) = sync::kept(&bare, &simulate(&bare, &plan.steps)?, &ask.accepted)?;
    plan.steps.extend(grants);
    plan.notes.extend(kept);
    plan.steps.extend(goes);
    plan.steps.extend(logging::back(world, &Memory::of(world), &mut plan.notes));
    callbacks::prove(world, &plan.steps, &locked, &ask.accepted)?;
    plan.notes.extend(lifelines::prove(world, &plan.steps, &ask.accepted)?);
    let end = simulate(world, &plan.steps)?;
    dns_reach::prove(world, &end, &locked, &dns, ask)?;
    plan.notes.extend(dns_reach::opened(&bare, &end, &locked, &dns));
    plan.notes.extend(left_open(&bare, &end));
    plan.notes.extend(losses::notes(&bare, &end, &locked));
    Ok(plan)
}

/// The same with the nodes, where they are observed.
pub fn promote_all(world: &World, ask: &Ask, nodes: &hosts::Ask) -> Result<Plan, PlanError> {
    let Some(standing) = Standing::of(world) else { return promote(world, ask) };
    if standing.nodes.is_none() {
        return promote(world, ask);
    }
    let mut plan = match standing.is_of_applications() {
        true => promote(world, ask)?,
        false => Plan { title: "promote the lockdown".into(), ..Plan::default() },
    };
    let after = simulate(world, &plan.steps)?;
    let locked = lock_nodes(&after, &standing, nodes)?;
    plan.title = "promote the lockdown of the nodes".into();
    if standing.is_of_applications() {
        plan.title = "promote the lockdown, and that of the nodes".into();
    }
    plan.steps.extend(locked.steps);
    plan.notes.extend(locked.notes);
    Ok(plan)
}

/// The nodes' lock as `lockdown --nodes` makes it, with what was named for the observation; then what observed them goes.
pub fn lock_nodes(world: &World, standing: &Standing, ask: &hosts::Ask) -> Result<Plan, PlanError> {
    let Some(id) = &standing.nodes else { return Ok(Plan::default()) };
    let remembered: Hosts = world
        .written
        .get(id)
        .and_then(|written| written.annotations.get(HOSTS))
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let memory = Memory::of(world);
    let gone = deletion(world, id, "it only observes, and what it observes is enforced by then");
    let without = simulate(world, std::slice::from_ref(&gone))?;
    let ask = hosts::Ask {
        from: if ask.from.is_empty() { remembered.from } else { ask.from.clone() },
        ports: if ask.ports.is_empty() { remembered.ports } else { ask.ports.clone() },
        shape: Shape {
            inline: ask.shape.inline || memory.inline,
            close_others: ask.shape.close_others || memory.close_others,
            interface: ask.shape.interface.clone(),
        },
        ..ask.clone()
    };
    let mut plan = hosts::lock(&without, &ask)?;
    plan.steps.push(gone);
    plan.steps
        .extend(logging::back(world, &memory, &mut plan.notes).into_iter().filter(|_| !standing.is_of_applications()));
    Ok(plan)
}

/// Nothing to promote: locked already, or open.
fn nothing(world: &World, mut plan: Plan) -> Plan {
    let locks: Vec<String> = lockdowns(world).iter().map(PolicyId::to_string).collect();
    plan.notes.push(match locks.is_empty() {
        false => fact(format!("nothing is staged or observed; the applications are locked by {}", locks.join(", "))),
        true => fact(
            "nothing is staged or observed; `kubectl zerotrust lockdown --observe` or `--staged` begins, `kubectl zerotrust \
             lockdown` locks at once"
                .into(),
        ),
    });
    plan
}

fn lost(standing: &Standing) -> PlanError {
    let names: Vec<String> = standing.staged.iter().chain(&standing.observing).map(PolicyId::to_string).collect();
    PlanError::Refused {
        reason: format!("{} would be no lockdown once enforced: somebody changed it", names.join(", ")),
        hints: vec!["kubectl zerotrust unlock   takes it away; then `kubectl zerotrust lockdown`".into()],
    }
}

/// What completes the lockdown goes into the step that makes it.
fn merged(mut comes: Vec<Step>, amended: Option<Step>) -> Vec<Step> {
    let Some(amended) = amended else { return comes };
    match comes.iter_mut().find(|step| step.object == amended.object) {
        Some(step) => {
            let document = match step.edits.as_slice() {
                [Edit::Create(document)] => {
                    super::super::edit::apply_all(&amended.edits, Some(document)).ok().flatten()
                }
                _ => None,
            };
            match document {
                Some(document) => step.edits = vec![Edit::Create(document)],
                None => step.edits.extend(amended.edits),
            }
        }
        None => comes.push(amended),
    }
    comes
}

/// What the operator must know where a lockdown without flags finds one that is staged or observed.
pub fn said(world: &World) -> Option<Note> {
    let standing = Standing::of(world)?;
    let names: Vec<String> = standing.staged.iter().chain(&standing.observing).map(PolicyId::to_string).collect();
    let nodes = match standing.nodes {
        Some(_) => "; the nodes stay observed until `kubectl zerotrust promote`, or a lockdown with --nodes",
        None => "",
    };
    let text = format!("{} is what the lockdown is made from, and goes then{nodes}", names.join(", "));
    (!names.is_empty()).then(|| fact(text))
}
