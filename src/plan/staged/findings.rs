//! What an observing lockdown does that nobody wants: it opens what a policy that came after it closes.
//! Never mends it; `lockdown --observe`, given again, does.

use super::super::decide::selects;
use super::{exclude, ours};
use crate::findings::{Finding, OBSERVED_OPENS};
use crate::model::policy::Direction;
use crate::model::world::{Pod, World};

/// One finding for each such policy and direction.
pub fn findings(world: &World) -> Vec<Finding> {
    let mut found = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress] {
        let Some(observing) = ours(world, direction) else { continue };
        for policy in exclude::closing(world, direction, Some(observing)) {
            let both =
                |pod: &&Pod| !pod.finished && !pod.host_network && selects(policy, pod) && selects(observing, pod);
            let Some(pod) = world.pods.iter().find(both) else { continue };
            let detail = format!(
                "what it does not allow passes {direction} of {} all the same, by {}; `kubectl zerotrust lockdown --observe`, given \
                 again, leaves its pods alone",
                pod.full_name(),
                observing.id
            );
            let place = world.written.get(&policy.id).map(|written| written.place.clone());
            found.push(Finding { code: OBSERVED_OPENS, object: policy.id.to_string(), place, detail });
        }
    }
    found
}
