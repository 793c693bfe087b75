//! What has to be seen of a cluster before a lockdown, or the way back, can be planned.
//! Never reads it.

use super::{Note, PlanError, Risk, Weight};
use crate::model::world::{Hidden, Part, World};

/// The resources that tell what the API server calls, as gaps name them.
const CALLBACKS: [&str; 4] =
    ["validatingwebhookconfigurations", "mutatingwebhookconfigurations", "apiservices", "customresourcedefinitions"];

/// Notes on what could not be seen and may matter; an error for what has to be seen.
pub fn check(world: &World, accepted: &[Risk]) -> Result<Vec<Note>, PlanError> {
    let mut notes = Vec::new();
    for gap in &world.gaps {
        let what = format!("{} could not be read ({})", gap.place, gap.reason);
        if CALLBACKS.contains(&gap.place.as_str()) {
            if !accepted.contains(&Risk::ApiServer) {
                let hint = format!("--accept-risk {} goes on without looking after webhooks", Risk::ApiServer);
                let reason = format!("{what}, so what the API server calls in the cluster is not known");
                return Err(PlanError::Unknown { reason, hints: vec![hint] });
            }
            continue;
        }
        let why = match (gap.hides, gap.place.as_str()) {
            // Namespaces by their names alone would lock MetalLB and the like wherever they live.
            (Hidden::Labels, "namespaces") | (Hidden::Addresses, "pods") => {
                let reason = format!("{what}, so what belongs to the cluster itself cannot be told from applications");
                let hints = vec!["permission to list namespaces and pods".into()];
                return Err(PlanError::Unknown { reason, hints });
            }
            (Hidden::Policies, "globalnetworkpolicies") => {
                let reason = format!("{what}, so it cannot be told whether the cluster is locked");
                let hints = vec!["permission to list globalnetworkpolicies".into()];
                return Err(PlanError::Unknown { reason, hints });
            }
            (Hidden::Policies, _) => "it may hold a policy that counts here",
            (Hidden::Services, _) => "DNS or a webhook behind it would not be found",
            _ => continue,
        };
        notes.push(Note { weight: Weight::Warning, text: format!("{what}: {why}") });
    }
    Ok(notes)
}

/// Refuses to say that nothing is locked where what locks could not be read: the policies, and of the nodes their host
/// endpoints and sets too.
pub fn what_locks(world: &World, of_nodes: bool) -> Result<(), PlanError> {
    let parts = [
        (Part::GlobalPolicies, "GlobalNetworkPolicies", false),
        (Part::HostEndpoints, "HostEndpoints", true),
        (Part::GlobalSets, "GlobalNetworkSets", true),
    ];
    let hidden = parts.into_iter().find(|(part, _, own)| (of_nodes || !own) && !world.sees(*part, None));
    match hidden {
        None => Ok(()),
        Some((_, kind, _)) => Err(PlanError::Unknown {
            reason: format!("{kind} could not be read, so whether anything is locked is not known"),
            hints: vec!["the same command again, once they can be read".into()],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::world::Gap;

    fn checked(hides: Hidden, place: &str, accepted: &[Risk]) -> Result<usize, PlanError> {
        let gap = Gap { hides, namespace: None, place: place.into(), reason: "forbidden".into() };
        check(&World { gaps: vec![gap], ..World::default() }, accepted).map(|notes| notes.len())
    }

    #[test]
    fn what_must_be_seen_is_an_error_and_what_may_matter_a_warning() {
        let unknown = |result| matches!(result, Err(PlanError::Unknown { .. }));
        assert!(unknown(checked(Hidden::Labels, "namespaces", &[])));
        assert!(unknown(checked(Hidden::Policies, "globalnetworkpolicies", &[])));
        assert!(unknown(checked(Hidden::Other, "apiservices", &[])));
        assert_eq!(checked(Hidden::Other, "apiservices", &[Risk::ApiServer]), Ok(0));
        assert_eq!(checked(Hidden::Policies, "NetworkPolicy shop/x, a.yaml:7", &[]), Ok(1));
        assert_eq!(checked(Hidden::Other, "a.yaml:7", &[]), Ok(0));
    }
    #[test]
    fn nobody_is_told_that_nothing_is_locked_where_that_was_not_seen() {
        let mut world = crate::plan::testing::cluster("");
        assert_eq!((what_locks(&world, false), what_locks(&world, true)), (Ok(()), Ok(())));
        for (part, of_nodes) in [(Part::GlobalPolicies, false), (Part::HostEndpoints, true), (Part::GlobalSets, true)] {
            let seen = world.seen.remove(&part).unwrap();
            assert!(matches!(what_locks(&world, of_nodes), Err(PlanError::Unknown { .. })), "{part:?}");
            assert_eq!(what_locks(&world, false).is_ok(), of_nodes, "{part:?}");
            world.seen.insert(part, seen);
        }
    }
}
