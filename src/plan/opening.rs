//! Rules at one end of a grant: the first policy where they open it, and the grant itself beside them.
//! Never opens what somebody denied; `decide` says what may be opened.

use super::decide::{Decision, decide, is_policed, object, selected_by, version_of, without_other_grants};
use super::edit::Edit;
use super::place::{ORDER, Place};
use super::probe::Probe;
use super::revoke::grants;
use super::rules::rules;
use super::simulate::simulate;
use super::{Note, Plan, PlanError, Step, Weight};
use crate::kubernetes::names::GRANT;
use crate::model::intent::Grant;
use crate::model::policy::{Direction, PolicyId};
use crate::model::world::World;

/// A grant that needs rules.
pub struct Opening<'a> {
    /// With a pod for every end that is pods.
    pub world: &'a World,
    /// The grant.
    pub grant: &'a Grant,
    /// Its id.
    pub id: &'a str,
    /// Packets that stand for all of it.
    pub probes: &'a [Probe],
}

impl Opening<'_> {
    /// The first place where the rules open the end: a policy for exactly these pods, else one of our own.
    pub fn repair(&self, world: &World, place: &Place, decision: &Decision) -> Result<(PolicyId, Step), PlanError> {
        let direction = place.direction;
        let rules = rules(self.world, self.grant, direction, &place.namespace)?;
        let stopped: Vec<&str> = decision.stopped_by.iter().map(String::as_str).collect();
        let why = format!("{direction} of {} is stopped by {}", place.stem, stopped.join(" and "));
        for id in place.existing(world) {
            let step = Step {
                object: object(&id),
                planned_on: version_of(world, &id),
                edits: vec![Edit::AddRules(direction, rules.clone())],
                why: why.clone(),
            };
            if self.opens(world, &step, direction)? {
                return Ok((id, step));
            }
        }
        let order = decision.before.map_or(ORDER, |before| ORDER.min(before - 1.0));
        let (id, document) = place.fresh(world, order);
        let edits = vec![Edit::Create(document), Edit::AddRules(direction, rules)];
        let step = Step { object: object(&id), planned_on: None, edits, why };
        if self.opens(world, &step, direction)? {
            return Ok((id, step));
        }
        let reason =
            format!("no rule of ours comes before what stops {direction} of {}: {}", place.stem, stopped.join(" and "));
        let hint = format!(
            "kubectl zerotrust explain --from {} --to {} shows what is asked before",
            self.grant.from, self.grant.to
        );
        Err(PlanError::Refused { reason, hints: vec![hint] })
    }

    fn opens(&self, world: &World, step: &Step, direction: Direction) -> Result<bool, PlanError> {
        let after = match simulate(world, std::slice::from_ref(step)) {
            Ok(after) => without_other_grants(&after, self.id),
            // A policy that its author wrote in a way that Calico refuses today is not touched.
            Err(_) if !matches!(step.edits.first(), Some(Edit::Create(_))) => return Ok(false),
            Err(error) => return Err(error),
        };
        Ok(decide(&after, direction, self.probes, self.id)?.stopped_by.is_empty())
    }

    /// Our policy that already holds rules of this grant for a direction.
    pub fn holds_rules(&self, direction: Direction) -> Option<PolicyId> {
        let own = |rule: &crate::model::policy::Rule| rule.grant.as_deref() == Some(self.id);
        let holds =
            |policy: &&crate::model::policy::Policy| policy.rules(direction).is_some_and(|rules| rules.iter().any(own));
        self.world.policies.iter().find(holds).map(|policy| policy.id.clone())
    }

    /// Puts the grant itself where its rules are: at the receiving end, else at the sending one. A grant that is there
    /// stays where it is, learns a new reason, and keeps its end.
    pub fn annotate(&self, plan: &mut Plan, holder: Option<PolicyId>) -> Result<(), PlanError> {
        let known = grants(self.world).into_iter().find(|info| info.id == self.id);
        let holder = match &known {
            Some(info) => {
                let same = self.grant.reason.is_none() || info.grant.reason == self.grant.reason;
                if same && info.grant.through == self.grant.through {
                    return Ok(());
                }
                Some(info.policy.clone())
            }
            None => holder,
        };
        let Some(holder) = holder else { return Ok(()) };
        let mut grant = self.grant.clone();
        if let Some(info) = known {
            grant.reason = grant.reason.or(info.grant.reason);
            grant.expires = grant.expires.or(info.grant.expires);
        }
        let text = serde_json::to_string(&grant)
            .map_err(|error| PlanError::Refused { reason: error.to_string(), hints: Vec::new() })?;
        let edit = Edit::Annotate(format!("{GRANT}-{}", self.id), Some(text));
        match plan.steps.iter_mut().find(|step| step.object == object(&holder)) {
            Some(step) => step.edits.push(edit),
            None => plan.steps.push(Step {
                object: object(&holder),
                planned_on: version_of(self.world, &holder),
                edits: vec![edit],
                why: "the grant itself is not written down there".into(),
            }),
        }
        Ok(())
    }

    /// Says what a new policy stops for pods that nothing policed before.
    pub fn isolation(&self, after: &World, id: &PolicyId, direction: Direction) -> Option<Note> {
        let newly: Vec<String> = selected_by(after, id)
            .into_iter()
            .filter(|pod| !is_policed(self.world, pod, direction))
            .map(|pod| pod.full_name())
            .collect();
        let first = newly.first()?;
        let (whom, what) = match newly.len() {
            1 => (first.clone(), "was"),
            more => (format!("{first} and {} more", more - 1), "were"),
        };
        let text = format!("{whom} {what} open for {direction}; with this policy everything else stops there");
        Some(Note { weight: Weight::Warning, text })
    }
}
