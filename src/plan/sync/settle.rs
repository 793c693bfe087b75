//! Takes one change after the other, each only if it is proven in the world that those before it make.
//! Never finds anything that is behind.

use std::collections::BTreeSet;

use super::super::edit::Edit;
use super::super::simulate::{policy_of, simulate};
use super::super::{Note, PlanError, Step, Weight};
use super::find::left;
use super::lists::List;
use super::proof::Guard;
use super::{Drift, Order, Part, Remedy};
use crate::kubernetes::names::Kind;
use crate::model::spec::RuleSpec;
use crate::model::world::{NetworkSet, World};

/// What was proven so far.
pub struct Settled {
    /// The world that it makes.
    pub world: World,
    /// What proves it; none where there is nothing to prove.
    pub guard: Option<Guard>,
    /// The changes.
    pub parts: Vec<Part>,
    /// What they mend, and what was not proven.
    pub drift: Vec<Drift>,
}

impl Settled {
    /// Takes a part if it is proven; else leaves it, and says why.
    pub fn take(&mut self, part: Part) {
        if let Some(keeper) = keeper(&self.world, &part.step) {
            let words: Vec<String> = part.step.edits.iter().filter_map(in_words).collect();
            let hint = format!("{} is kept by {keeper}: there, {}", part.step.object, words.join("; "));
            let drift = Drift { remedy: Remedy::Other(vec![hint]), ..part.drift(Remedy::Sync) };
            return self.drift.push(drift);
        }
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
    pub fn list(&mut self, list: &List, notes: &mut Vec<Note>) {
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
            let remedy = Remedy::Other(vec![list.for_keeper(keeper)]);
            return self.drift.push(Drift { what: list.name.clone(), detail: list.detail(), remedy });
        }
        let mut nodes: BTreeSet<&String> = BTreeSet::new();
        let mut refused: Vec<(String, PlanError)> = Vec::new();
        for (node, nets) in &list.lacks {
            let mut more = nodes.clone();
            more.insert(node);
            match self.proven(&list.step(&more)) {
                Ok(_) => nodes = more,
                Err(error) => refused.extend(nets.iter().map(|net| (net.addr().to_string(), error.clone()))),
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
        if let Some((_, first)) = refused.first() {
            let ips: Vec<&str> = refused.iter().map(|(ip, _)| ip.as_str()).collect();
            let verb = if ips.len() == 1 { "is" } else { "are" };
            let context = format!("{} {verb} not let in", ips.join(", "));
            self.drift.push(left(list.name.clone(), &context, first.clone()));
        }
    }
}

/// Who else writes the object, if it is there and anybody does.
fn keeper(world: &World, step: &Step) -> Option<String> {
    match policy_of(&step.object) {
        Some(id) => world.written.get(&id)?.keeper.clone(),
        None if step.object.kind == Kind::GlobalNetworkSet => {
            let is_it = |set: &&NetworkSet| set.namespace.is_none() && set.name == step.object.name;
            world.network_sets.iter().find(is_it)?.keeper.clone()
        }
        None => None,
    }
}

/// A change for somebody else to make.
fn in_words(edit: &Edit) -> Option<String> {
    let rules = |rules: &[RuleSpec]| serde_json::json!(rules).to_string();
    match edit {
        Edit::AddRules(direction, new) => Some(format!("add to spec.{direction} {}", rules(new))),
        Edit::ReplaceRules { direction, old, new } => {
            let gone: Vec<RuleSpec> = old.iter().filter(|rule| !new.contains(rule)).cloned().collect();
            let come: Vec<RuleSpec> = new.iter().filter(|rule| !old.contains(rule)).cloned().collect();
            Some(format!("in spec.{direction} put {} in the place of {}", rules(&come), rules(&gone)))
        }
        Edit::RemoveGrant(id) => Some(format!("take out the rules of grant {id}")),
        Edit::Annotate(key, Some(value)) => Some(format!("set annotation {key} to {value}")),
        Edit::Annotate(key, None) => Some(format!("remove annotation {key}")),
        Edit::SetSpec { field, value, .. } => Some(format!("set spec.{field} to {value}")),
        _ => None,
    }
}

/// One write for each object, where its first change stands.
pub fn merged(parts: Vec<Part>) -> Vec<Step> {
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
    steps
}

/// Every prefix of what will be written.
pub fn prove(world: &World, guard: &Guard, steps: &[Step]) -> Result<(), PlanError> {
    let mut after = world.clone();
    for step in steps {
        after = simulate(&after, std::slice::from_ref(step))?;
        guard.check(&after, step)?;
    }
    Ok(())
}
