//! What a lockdown has to see of a cluster before it can be planned.
//! Never reads it.

use super::{Note, PlanError, Risk, Weight};
use crate::model::world::{Hidden, World};

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
}
