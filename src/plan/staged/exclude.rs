//! Which pods an observing policy must leave alone: those that other policies police, for what those do not allow is
//! dropped at the end of the tier, and a rule that lets all pass would open it.
//! Never judges a packet.

use std::collections::BTreeSet;

use super::super::decide::selects;
use super::super::roles::{ALLOW, LIFELINE, is_observing, role};
use super::super::standin;
use super::super::{Note, PlanError, Weight};
use super::ours;
use crate::kubernetes::names::{LABEL_NAMESPACE, LABEL_ORCHESTRATOR};
use crate::model::policy::{Direction, Hook, Policy};
use crate::model::selector::Selector;
use crate::model::words::listed;
use crate::model::world::{Labels, Pod, World};

/// How long a selector may be (Calico 3.33).
const LONGEST: usize = 1024;
/// How many namespaces are named in a note.
const NAMES: usize = 6;

/// A selector that leaves out every pod of these namespaces that another policy polices in a direction; empty where none
/// does. `standing` is the policy that observes the direction by now.
pub fn selector(
    world: &World,
    direction: Direction,
    locked: &BTreeSet<String>,
    standing: Option<&Policy>,
    notes: &mut Vec<Note>,
) -> Result<String, PlanError> {
    let others = closing(world, direction, standing);
    let others: Vec<&Policy> = others.into_iter().filter(|policy| concerns(world, policy, locked)).collect();
    let mut whole: BTreeSet<&str> = BTreeSet::new();
    let mut parts: Vec<(Option<&str>, String)> = Vec::new();
    for policy in others {
        match policy.id.namespace.as_deref() {
            Some(namespace) if is_whole(&policy.selector) => _ = whole.insert(namespace),
            namespace => parts.push((namespace, format!("!({})", policy.selector))),
        }
    }
    parts.sort();
    parts.dedup();
    let text = written(&whole, &parts);
    if text.len() <= LONGEST {
        return Ok(text);
    }
    let coarse: BTreeSet<&str> = parts.iter().filter_map(|(namespace, _)| *namespace).collect();
    let names: Vec<&str> = coarse.difference(&whole).copied().collect();
    whole.extend(coarse);
    parts.retain(|(namespace, _)| namespace.is_none());
    let text = written(&whole, &parts);
    if text.len() > LONGEST {
        return Err(PlanError::Refused {
            reason: format!(
                "so many policies police {direction} by now that no selector of {LONGEST} bytes leaves their pods out"
            ),
            hints: vec!["--only NAMESPACE observes some namespaces at a time".into()],
        });
    }
    let text_of_note = format!(
        "{direction} is not observed in {}: a selector that leaves out the pods that other policies police there would be too \
         long",
        listed(&names, NAMES)
    );
    notes.push(Note { weight: Weight::Warning, text: text_of_note });
    Ok(text)
}

fn written(whole: &BTreeSet<&str>, parts: &[(Option<&str>, String)]) -> String {
    let mut all: Vec<String> = Vec::new();
    if !whole.is_empty() {
        let names: Vec<String> = whole.iter().map(|name| format!("\"{name}\"")).collect();
        all.push(format!("{LABEL_NAMESPACE} not in {{{}}}", names.join(", ")));
    }
    let rest = parts.iter().filter(|(namespace, _)| namespace.is_none_or(|namespace| !whole.contains(namespace)));
    all.extend(rest.map(|(_, text)| text.clone()));
    all.join(" && ")
}

/// Policies whose end of the default tier drops what they do not allow. What this program made while something observes does
/// not close: the observing policy lets the rest pass.
pub fn closing<'w>(world: &'w World, direction: Direction, standing: Option<&Policy>) -> Vec<&'w Policy> {
    let counts = |policy: &&Policy| {
        policy.tier == "default"
            && policy.hook == Hook::Normal
            && policy.rules(direction).is_some()
            && !is_observing(world, policy)
            && !(is_ours(world, policy) && standing.is_some_and(|standing| lets_pass(world, standing, policy)))
    };
    world.policies.iter().filter(counts).collect()
}

/// The world without what observes, and without what was granted under it.
pub fn unobserved(world: &World) -> World {
    let standing = |direction| ours(world, direction);
    let stays = |policy: &Policy| {
        let granted = is_ours(world, policy)
            && [Direction::Ingress, Direction::Egress]
                .into_iter()
                .filter(|one| policy.rules(*one).is_some())
                .all(|direction| standing(direction).is_some_and(|standing| lets_pass(world, standing, policy)));
        !is_observing(world, policy) && !granted
    };
    let mut bare = world.clone();
    bare.policies.retain(stays);
    bare
}

fn is_ours(world: &World, policy: &Policy) -> bool {
    world.written.get(&policy.id).and_then(role).is_some_and(|role| [ALLOW, LIFELINE].contains(&role))
}

/// Whether an observing policy lets pass what another one of the same pods does not allow.
fn lets_pass(world: &World, standing: &Policy, policy: &Policy) -> bool {
    let own = |pod: &&Pod| !pod.finished && !pod.host_network && selects(policy, pod);
    let mut pods = world.pods.iter().filter(own).peekable();
    match pods.peek() {
        Some(_) => pods.all(|pod| selects(standing, pod)),
        None => !standing.selector.to_string().contains(&policy.selector.to_string()),
    }
}

/// Whether it is for every pod of its namespace.
fn is_whole(selector: &Selector) -> bool {
    selector.labels().iter().all(|label| [LABEL_NAMESPACE, LABEL_ORCHESTRATOR].contains(label))
}

/// Whether it can select a pod of these namespaces, or of one to come.
fn concerns(world: &World, policy: &Policy, locked: &BTreeSet<String>) -> bool {
    if let Some(namespace) = &policy.id.namespace {
        return locked.contains(namespace);
    }
    let of_kubernetes: Labels = [(LABEL_ORCHESTRATOR.to_string(), "k8s".to_string())].into();
    let may =
        |labels: &Labels, unseen: &dyn Fn(&str) -> bool| policy.selector.matches_partly(labels, unseen) != Some(false);
    let here = locked.iter().any(|name| {
        let labels = standin::pod(world, name, &Labels::new(), "any pod").labels;
        may(&labels, &|key| !key.starts_with("pcns.") && key != LABEL_NAMESPACE)
    });
    let mut to_come = of_kubernetes.clone();
    to_come.insert(LABEL_NAMESPACE.to_string(), "a-namespace-to-come".to_string());
    here || may(&to_come, &|key| key != LABEL_NAMESPACE && key != LABEL_ORCHESTRATOR)
}
