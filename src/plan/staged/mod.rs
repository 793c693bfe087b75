//! A lockdown that closes nothing yet: staged, which Calico only reports, or observed, which logs what it would drop and lets
//! it pass; and how it becomes the enforced one.
//! Never counts as locked.

pub mod enforce;
pub mod exclude;
pub mod findings;
pub mod logging;
pub mod memory;
pub mod nodes;
pub mod observe;
pub mod promote;
pub mod proof;
pub mod stage;
pub mod take_back;
#[cfg(test)]
mod tests;

use super::PlanError;
use super::roles::{OBSERVING, is_observing, role, staged_lockdowns};
use super::simulate::simulate;
use crate::model::policy::{Direction, Hook, Policy, PolicyId};
use crate::model::world::World;

/// What is staged or observed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Staged lockdowns, whoever wrote them.
    pub staged: Vec<PolicyId>,
    /// Policies of pods that observe, whoever wrote them.
    pub observing: Vec<PolicyId>,
    /// The policy that observes what enters the nodes.
    pub nodes: Option<PolicyId>,
}

impl Standing {
    /// What is staged or observed; none where nothing is.
    pub fn of(world: &World) -> Option<Standing> {
        let observing = world.policies.iter().filter(|policy| is_observing(world, policy));
        let standing = Standing {
            staged: staged_lockdowns(world),
            observing: observing.map(|policy| policy.id.clone()).collect(),
            nodes: of_nodes(world).map(|policy| policy.id.clone()),
        };
        (standing != Standing::default()).then_some(standing)
    }

    /// Whether a lockdown of applications is staged or observed.
    pub fn is_of_applications(&self) -> bool {
        !self.staged.is_empty() || !self.observing.is_empty()
    }
}

/// Our policy that observes pods in a direction.
pub fn ours(world: &World, direction: Direction) -> Option<&Policy> {
    let is_ours = |policy: &&Policy| world.written.get(&policy.id).and_then(role) == Some(OBSERVING);
    let mut observing = world.policies.iter().filter(is_ours);
    observing.find(|policy| policy.hook == Hook::Normal && policy.rules(direction).is_some())
}

/// Our policy that observes what enters the nodes.
pub fn of_nodes(world: &World) -> Option<&Policy> {
    let is_ours = |policy: &&Policy| world.written.get(&policy.id).and_then(role) == Some(OBSERVING);
    world.policies.iter().filter(is_ours).find(|policy| policy.hook == Hook::PreDnat)
}

/// The world in which what is observed is enforced, and nothing else is different; none where nothing is observed.
pub fn promoted(world: &World) -> Result<Option<World>, PlanError> {
    match Standing::of(world) {
        Some(standing) if !standing.observing.is_empty() || standing.nodes.is_some() => {
            let enforced = enforce::of(world, &Standing { staged: Vec::new(), ..standing })?;
            Ok(Some(simulate(world, &enforced.all())?))
        }
        _ => Ok(None),
    }
}
