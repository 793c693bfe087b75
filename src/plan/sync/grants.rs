//! A grant's rules as they stand against those that it needs today, wherever they are.
//! Never moves a rule to another policy, and never touches one that does not carry the grant.

use std::collections::BTreeSet;

use super::super::decide::{object, version_of};
use super::super::edit::Edit;
use super::super::expose::again;
use super::super::grant;
use super::super::perimeter::compose::{self, Names};
use super::super::perimeter::recognise;
use super::super::rules::rules;
use super::super::{PlanError, Risk, Step};
use super::{Order, Part};
use crate::kubernetes::names::{GRANT, Kind};
use crate::model::intent::Grant;
use crate::model::policy::{Direction, PolicyId, PolicyKind};
use crate::model::spec::RuleSpec;
use crate::model::world::{World, Written};

/// A change of a policy.
pub fn step(world: &World, id: &PolicyId, edits: Vec<Edit>, why: String) -> Step {
    Step { object: object(id), planned_on: version_of(world, id), edits, why }
}

/// A grant as it stands and as it would be given today.
#[derive(Clone, Debug)]
pub struct Followed {
    /// The id that its rules carry.
    pub id: String,
    /// As it would be given today.
    pub grant: Grant,
    /// The policy that holds it.
    pub holder: PolicyId,
    /// Why it is another than it was, if it is.
    pub changed: Option<String>,
}

impl Followed {
    /// As `4k2m9x0qpa (10.7.0.99 -> shop/service/web)`.
    pub fn name(&self) -> String {
        format!("grant {} ({} -> {})", self.id, self.grant.from, self.grant.to)
    }

    /// Its rules that are others than it needs, and the grant itself where it is written down.
    pub fn behind(&self, world: &World) -> Result<Vec<Part>, PlanError> {
        let mut parts = Vec::new();
        for (policy, written) in &world.written {
            let mut edits = Vec::new();
            for direction in [Direction::Ingress, Direction::Egress] {
                let old = self.rules_in(written, direction);
                if old.is_empty() {
                    continue;
                }
                let Some(new) = self.needed(world, policy, written, direction)? else { continue };
                if old.len() != new.len() || new.iter().any(|rule| !old.contains(rule)) {
                    edits.push(Edit::ReplaceRules { direction, old, new });
                }
            }
            if edits.is_empty() {
                continue;
            }
            let order = if written.spec.pre_dnat { Order::Theirs } else { Order::Application };
            let why = self.changed.clone().unwrap_or_else(|| difference(&edits));
            parts.push(Part { of: Some(self.name()), ..Part::new(order, step(world, policy, edits, why)) });
        }
        parts.extend(self.annotation(world)?);
        Ok(parts)
    }

    fn rules_in(&self, written: &Written, direction: Direction) -> Vec<RuleSpec> {
        let list = match direction {
            Direction::Ingress => &written.spec.ingress,
            Direction::Egress => &written.spec.egress,
        };
        let own = |rule: &&RuleSpec| {
            rule.metadata.as_ref().and_then(|metadata| metadata.annotations.get(GRANT)) == Some(&self.id)
        };
        list.iter().filter(own).cloned().collect()
    }

    /// The rules that it needs in a policy that holds some of it; none where another part sees to it, or nobody knows.
    fn needed(
        &self,
        world: &World,
        policy: &PolicyId,
        written: &Written,
        direction: Direction,
    ) -> Result<Option<Vec<RuleSpec>>, PlanError> {
        let ours = recognise::ours(world).as_ref() == Some(policy);
        match (policy.kind, &policy.namespace) {
            (PolicyKind::GlobalNetworkPolicy, _) if written.spec.pre_dnat && !ours => {
                let inline = self.grant.through.as_ref().is_some_and(|through| through.inline);
                let names = if inline { Names::Inline } else { Names::Set };
                compose::client_rules(world, &self.grant, names).map(Some)
            }
            (PolicyKind::NetworkPolicy, Some(namespace)) => rules(world, &self.grant, direction, namespace).map(Some),
            _ => Ok(None),
        }
    }

    /// The grant under the id that it has by now.
    fn annotation(&self, world: &World) -> Result<Option<Part>, PlanError> {
        let Some(why) = &self.changed else { return Ok(None) };
        let text = serde_json::to_string(&self.grant)
            .map_err(|error| PlanError::Refused { reason: error.to_string(), hints: Vec::new() })?;
        let mut edits = Vec::new();
        let now = self.grant.id();
        if now != self.id {
            edits.push(Edit::Annotate(format!("{GRANT}-{}", self.id), None));
        }
        let there = super::super::revoke::grants(world).into_iter().find(|info| info.id == now && now != self.id);
        // Of two that became one, the end that comes later counts.
        let outlives = |other: &Grant| match (self.grant.expires, other.expires) {
            (None, end) => end.is_some(),
            (Some(own), Some(end)) => own > end,
            (Some(_), None) => false,
        };
        if there.is_none_or(|info| info.policy == self.holder && outlives(&info.grant)) {
            edits.push(Edit::Annotate(format!("{GRANT}-{now}"), Some(text)));
        }
        let order = match world.written.get(&self.holder) {
            Some(written) if written.spec.pre_dnat => Order::Policy,
            _ => Order::Application,
        };
        let step = step(world, &self.holder, edits, why.clone());
        Ok(Some(Part { of: Some(self.name()), ..Part::new(order, step) }))
    }

    /// What its flow needs besides, found by walking it.
    pub fn lacking(&self, world: &World, accepted: &[Risk]) -> Result<Vec<Part>, PlanError> {
        let steps = match self.grant.through {
            Some(_) => again::lacking(world, &self.grant, accepted)?.0,
            None => grant::again(world, &self.grant)?.steps,
        };
        let part = |step: Step| {
            let order = if step.object.kind == Kind::GlobalNetworkPolicy { Order::Theirs } else { Order::Application };
            Part { of: Some(self.name()), ..Part::new(order, step) }
        };
        Ok(steps.into_iter().map(part).collect())
    }
}

/// What the new rules say that the old ones do not, and the other way round.
pub fn difference(edits: &[Edit]) -> String {
    let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
    for edit in edits {
        let Edit::ReplaceRules { old, new, .. } = edit else { continue };
        before.extend(old.iter().flat_map(said));
        after.extend(new.iter().flat_map(said));
    }
    let list = |words: Vec<&String>| words.into_iter().cloned().collect::<Vec<_>>().join(", ");
    let (come, go) = (list(after.difference(&before).collect()), list(before.difference(&after).collect()));
    match (come.is_empty(), go.is_empty()) {
        (false, true) => format!("its rules lack {come}"),
        (true, false) => format!("its rules hold {go} in vain"),
        (false, false) => format!("its rules lack {come}, and hold {go} in vain"),
        (true, true) => "its rules are others than it needs".into(),
    }
}

/// Addresses and ports of a rule, as people say them.
fn said(rule: &RuleSpec) -> Vec<String> {
    let short = |net: &String| net.strip_suffix("/32").or_else(|| net.strip_suffix("/128")).unwrap_or(net).to_string();
    let mut words = Vec::new();
    for entity in [&rule.source, &rule.destination] {
        words.extend(entity.nets.iter().map(short));
        words.extend(entity.not_nets.iter().map(|net| format!("an exception for {}", short(net))));
    }
    words.extend(rule.destination.ports.iter().map(|port| format!("port {port}")));
    words
}
