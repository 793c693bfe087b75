//! `lockdown --observe`: what the lockdown would drop is logged, and passes.
//! Never changes a verdict: pods that other policies police are left to those, and what is logged goes on to what follows the
//! tier, as it did without a policy.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::decide::{object, version_of};
use super::super::edit::Edit;
use super::super::lockdown::{self, Ask, check_names, create, dns_lifelines, left_open, locked};
use super::super::losses;
use super::super::place::whole;
use super::super::roles::{OBSERVING, lockdowns, role};
use super::super::simulate::simulate;
use super::super::{Note, Plan, PlanError, Step, Weight, callbacks, sight};
use super::enforce::{GOES, SUFFIX};
use super::logging::{self, Logging};
use super::memory::Memory;
use super::{Standing, exclude, ours, proof};
use crate::kubernetes::names::{Kind, OBSERVED, PROMOTED, ROLE};
use crate::model::policy::{Direction, PolicyId, PolicyKind};
use crate::model::spec::{RuleMetadata, RuleSpec};
use crate::model::words::listed;
use crate::model::world::{Fact, Gap, Hidden, World};

/// How many policies are named.
const NAMES: usize = 5;

/// Plans it. An empty plan says that it is observed already, or locked.
pub fn observe(world: &World, ask: &Ask, logging: &Logging) -> Result<Plan, PlanError> {
    check_names(world, ask)?;
    let mut plan = Plan { title: format!("{}, observed", lockdown::title(ask)), ..Plan::default() };
    let locks: Vec<String> = lockdowns(world).iter().map(PolicyId::to_string).collect();
    if !locks.is_empty() {
        let text = format!(
            "the applications are locked already by {}; there is nothing to observe before `kubectl zerotrust unlock`",
            listed(&locks.iter().collect::<Vec<_>>(), NAMES)
        );
        plan.notes.push(Note { weight: Weight::Fact, text });
        return Ok(plan);
    }
    let others = Standing::of(world).unwrap_or_default().observing;
    if let Some(other) = others.iter().find(|id| world.written.get(*id).and_then(role) != Some(OBSERVING)) {
        plan.notes.push(fact(format!("{other}, which this tool did not make, observes the applications already")));
        return Ok(plan);
    }
    plan.notes = sight::check(world, &ask.accepted)?;
    refuse_unseen(world)?;
    let enforced = enforced(world, ask)?;
    let after = simulate(world, enforced.as_slice())?;
    let locked = locked(&after);
    let mut memory = Memory::of(world);
    plan.steps.extend(logging::steps(world, logging, &mut memory, &mut plan.notes)?);
    let policies = policies(world, ask, &enforced, &locked, &memory, &mut plan.notes)?;
    let observed = simulate(world, &policies)?;
    plan.steps.extend(policies);
    let (kept, notes) = kept_reachable(world, &observed, &after, &locked, ask)?;
    plan.steps.extend(kept);
    plan.notes.extend(notes);
    if plan.steps.is_empty() {
        plan.notes.push(fact("observed already; `kubectl zerotrust promote` enforces it".into()));
        return Ok(plan);
    }
    match ours(world, Direction::Ingress).or_else(|| ours(world, Direction::Egress)) {
        None => proof::unchanged(world, &plan.steps)?,
        Some(_) => {
            let mended = proof::nothing_but_mended(world, &plan.steps, &exclude::unobserved(world))?;
            plan.notes.extend(mended.into_iter().take(NAMES).map(|change| Note {
                weight: Weight::Warning,
                text: format!("closes again, as a policy that came later wants it: {}", change.what),
            }));
        }
    }
    plan.notes.extend(words(world, &after, &locked));
    Ok(plan)
}

/// What no policy may hide: a policy that was not read could close pods that an observing one would open.
/// Kinds of policy that are in tiers of their own do not count: nothing of theirs is decided in the default tier.
fn refuse_unseen(world: &World) -> Result<(), PlanError> {
    let elsewhere = [Kind::AdminNetworkPolicy, Kind::BaselineAdminNetworkPolicy, Kind::ClusterNetworkPolicy];
    let is_elsewhere = |gap: &Gap| {
        elsewhere.iter().any(|kind| gap.place.starts_with(&format!("{kind} ")) || gap.place == kind.resource().plural)
    };
    match world.gaps.iter().find(|gap| gap.hides == Hidden::Policies && !is_elsewhere(gap)) {
        None => Ok(()),
        Some(gap) => Err(PlanError::Unknown {
            reason: format!(
                "{}: {}; a policy that cannot be read may close pods, and an observing lockdown would open them",
                gap.place, gap.reason
            ),
            hints: vec![
                "kubectl zerotrust lockdown --staged changes nothing for any pod (Calico 3.30 and later)".into(),
            ],
        }),
    }
}

/// The lockdown as it would be enforced: with the namespaces that are observed by now where none are named.
fn enforced(world: &World, ask: &Ask) -> Result<Option<Step>, PlanError> {
    let mut step = create(world, ask, &lockdown::dns_rules(world, ask)?)?;
    let standing = ours(world, Direction::Ingress).and_then(|policy| world.written.get(&policy.id));
    if let (Some(standing), true, true) = (standing, ask.except.is_empty(), ask.only.is_empty())
        && let Some(Edit::Create(document)) = step.as_mut().and_then(|step| step.edits.first_mut())
    {
        document["spec"]["namespaceSelector"] = json!(standing.spec.namespace_selector);
    }
    Ok(step)
}

/// One policy for each direction: other policies police other pods in each.
fn policies(
    world: &World,
    ask: &Ask,
    enforced: &Option<Step>,
    locked: &BTreeSet<String>,
    memory: &Memory,
    notes: &mut Vec<Note>,
) -> Result<Vec<Step>, PlanError> {
    let Some((object, Edit::Create(lockdown))) =
        enforced.as_ref().and_then(|step| Some((&step.object, step.edits.first()?)))
    else {
        return Ok(Vec::new());
    };
    let mut steps = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress] {
        let standing = ours(world, direction);
        let selector = exclude::selector(world, direction, locked, standing, notes)?;
        let spec = spec(lockdown, direction, &selector);
        let name = match (standing, &ask.name) {
            (Some(policy), _) => policy.id.name.clone(),
            (None, _) => format!("{}{SUFFIX}{direction}", object.name),
        };
        let id = PolicyId { kind: PolicyKind::GlobalNetworkPolicy, namespace: None, name };
        let remembered = memory.text().filter(|_| direction == Direction::Ingress);
        steps.extend(step(world, &id, &spec, remembered)?);
    }
    Ok(steps)
}

/// As the lockdown's, but what it allows passes, and what it would drop is logged and passes.
fn spec(lockdown: &Value, direction: Direction, selector: &str) -> Value {
    let key = direction.to_string();
    let rules: Vec<RuleSpec> = serde_json::from_value(lockdown["spec"][&key].clone()).unwrap_or_default();
    let marked = |rule: RuleSpec, action: &str, then: &str| RuleSpec {
        metadata: Some(RuleMetadata { annotations: [(PROMOTED.to_string(), then.to_string())].into() }),
        action: action.into(),
        ..rule
    };
    // A Pass where the lockdown has an Allow: an Allow would end what the tiers behind have to say.
    let mut all: Vec<RuleSpec> = rules
        .into_iter()
        .filter(|rule| rule.action != "Log")
        .map(|rule| {
            let then = rule.action.clone();
            marked(rule, "Pass", &then)
        })
        .collect();
    all.push(marked(RuleSpec::default(), "Log", GOES));
    all.push(marked(RuleSpec::default(), "Pass", GOES));
    let kind = match direction {
        Direction::Ingress => "Ingress",
        Direction::Egress => "Egress",
    };
    let mut spec = json!({"namespaceSelector": lockdown["spec"]["namespaceSelector"], "types": [kind], key: all});
    if !selector.is_empty() {
        spec["selector"] = json!(selector);
    }
    spec
}

/// Makes an observing policy, or brings it up to date; none if it is.
pub fn step(world: &World, id: &PolicyId, spec: &Value, remembered: Option<String>) -> Result<Option<Step>, PlanError> {
    let Some(written) = world.written.get(id) else {
        let mut annotations = json!({ROLE: OBSERVING});
        if let Some(text) = remembered {
            annotations[OBSERVED] = json!(text);
        }
        let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy",
            "metadata": {"name": id.name, "annotations": annotations}, "spec": spec});
        let why = "what the lockdown would drop is logged, and passes".to_string();
        return Ok(Some(Step { object: object(id), planned_on: None, edits: vec![Edit::Create(document)], why }));
    };
    if role(written) != Some(OBSERVING) {
        return Err(PlanError::Refused {
            reason: format!("{id} ({}) is somebody else's", written.place),
            hints: vec!["--name NAME gives the lockdown another name".into()],
        });
    }
    let mut now = serde_json::to_value(&written.spec).unwrap_or_default();
    if let Some(order) = written.spec.order {
        now["order"] = whole(order);
    }
    let mut edits = Vec::new();
    for field in ["order", "namespaceSelector", "selector", "ingress", "egress"] {
        if now[field] != spec[field] {
            let (expected, value) = (now[field].clone(), spec[field].clone());
            edits.push(Edit::SetSpec { field: field.into(), expected, value });
        }
    }
    if remembered.is_some() && written.annotations.get(OBSERVED) != remembered.as_ref() {
        edits.push(Edit::Annotate(OBSERVED.into(), remembered));
    }
    let why = "policies, namespaces or DNS are others than it knows".to_string();
    let step = Step { object: object(id), planned_on: version_of(world, id), edits, why };
    Ok(Some(step).filter(|step| !step.edits.is_empty()))
}

/// What keeps the API server's calls and DNS reachable once it is enforced is made now, so that they are not logged; but for
/// pods that other policies police, where it would open something: there it comes with the lockdown.
fn kept_reachable(
    world: &World,
    observed: &World,
    after: &World,
    locked: &BTreeSet<String>,
    ask: &Ask,
) -> Result<(Vec<Step>, Vec<Note>), PlanError> {
    let (calls, notes) = callbacks::plan(world, after, locked, &ask.accepted)?;
    let wanted = calls.into_iter().chain(dns_lifelines(world, after, locked));
    let mut kept = Vec::new();
    let mut now = observed.clone();
    for step in wanted {
        let then = simulate(&now, std::slice::from_ref(&step))?;
        if proof::changes(&now, &then).is_empty() {
            kept.push(step);
            now = then;
        }
    }
    Ok((kept, notes))
}

/// What the operator should know: what it would close, and where to look.
fn words(world: &World, after: &World, locked: &BTreeSet<String>) -> Vec<Note> {
    let once = |note: Note| Note { text: format!("once promoted: {}", note.text), ..note };
    let mut notes = left_open(world, after);
    notes.extend(losses::notes(world, after, locked).into_iter().map(once));
    notes.push(fact(
        "nothing is closed: what the lockdown would drop is logged to the nodes' kernel log, and passes".into(),
    ));
    notes.push(fact(
        "`kubectl zerotrust diagnose --all-nodes` turns the log into grants, `kubectl zerotrust promote` enforces the lockdown, \
         and `kubectl zerotrust unlock` takes it away"
            .into(),
    ));
    notes.extend(kernel_log(world));
    notes
}

/// Where the eBPF dataplane logs.
pub fn kernel_log(world: &World) -> Option<Note> {
    let bpf = world.network.felixes().any(|felix| felix.bpf.value() == Some(&true));
    let early = world.calico.is_some_and(|version| !version.at_least(3, 30));
    let text = match early {
        true => "the eBPF dataplane of this Calico knows no Log rules: nothing will be logged",
        false => {
            "the eBPF dataplane logs to the kernel's trace pipe, not to its log, and knows neither prefix nor rate"
        }
    };
    bpf.then(|| Note { weight: Weight::Warning, text: text.into() })
}

/// A fact for the operator.
pub fn fact(text: String) -> Note {
    Note { weight: Weight::Fact, text }
}

/// Whether the cluster is known to have no staged policies, and why.
pub fn has_no_staged(world: &World) -> Option<String> {
    match &world.serves_staged {
        Fact::Known { value: false, evidence } => Some(evidence.clone()),
        _ => None,
    }
}
