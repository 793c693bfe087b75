//! What is behind, told by the rules as they stand: grants, the perimeter, and what cannot be told.
//! Never walks a packet, and never says that a change may be made.

use super::super::perimeter::compose::{self, Names, doors_of};
use super::super::perimeter::sources::service_of;
use super::super::simulate::simulate;
use super::super::{Note, PlanError, Step, revoke};
use super::grants::Followed;
use super::perimeter::{self, Depth};
use super::today::{self, Today};
use super::{Drift, Part, Remedy, advertised, callers};
use crate::model::intent::Way;
use crate::model::world::{Hidden, Part as Kinds, Service, World};

/// All that is behind, before it is proven.
#[derive(Default)]
pub struct Found {
    /// The changes.
    pub parts: Vec<Part>,
    /// What no change of ours mends.
    pub left: Vec<Drift>,
    /// What the operator must know.
    pub notes: Vec<Note>,
    /// Grants that are followed.
    pub live: Vec<Followed>,
    /// The world with the doors that there will be.
    pub target: World,
}

/// Everything that is behind but for the lists that people wrote.
pub fn find(world: &World, depth: Depth) -> Found {
    let mut found = Found::default();
    for info in revoke::grants(world) {
        let mut followed =
            Followed { id: info.id.clone(), grant: info.grant.clone(), holder: info.policy.clone(), changed: None };
        match today::of(world, &info.id, &info.grant) {
            Today::Same => {}
            Today::Other(grant, why) => {
                followed.grant = *grant;
                followed.changed = Some(why);
            }
            Today::Lost(why, hints) => {
                let remedy = if hints.is_empty() { Remedy::Unknown(hints) } else { Remedy::Other(hints) };
                found.left.push(Drift { what: followed.name(), detail: why, remedy });
                continue;
            }
        }
        found.parts.extend(advertised::follow(world, &mut followed));
        if let Some(drift) = without_door(world, &followed) {
            found.left.push(drift);
        }
        found.live.push(followed);
    }
    let exposures = found.live.iter().filter(|followed| followed.grant.through.is_some());
    let (mut grants, mut retired) = (Vec::new(), Vec::new());
    for followed in exposures {
        match compose::client_rules(world, &followed.grant, Names::Set) {
            Ok(_) => grants.push(followed.grant.clone()),
            Err(error) => found.left.push(left(followed.name(), "its nodes", error)),
        }
        if followed.id != followed.grant.id() {
            retired.push(followed.id.clone());
        }
    }
    // What will be advertised is closed to others first.
    let doors: Vec<Step> = found.parts.iter().map(|part| part.step.clone()).collect();
    found.target = simulate(world, &doors).unwrap_or_else(|_| world.clone());
    let mut base = found.target.clone();
    match perimeter::parts(&found.target, &grants, &retired, depth) {
        Ok(perimeter) => {
            let steps: Vec<Step> = perimeter.parts.iter().map(|part| part.step.clone()).collect();
            // What cannot be simulated is refused where it is proven.
            base = simulate(&base, &steps).unwrap_or(base);
            found.parts.extend(perimeter.parts);
            found.notes.extend(perimeter.notes);
        }
        Err(error) => found.left.push(left("the perimeter".into(), "", error)),
    }
    match callers::parts(world) {
        Ok(parts) => found.parts.extend(parts),
        Err(error) => found.left.push(left("what the API server calls".into(), "", error)),
    }
    for followed in &found.live {
        match followed.behind(&base) {
            Ok(parts) => found.parts.extend(parts),
            Err(error) => found.left.push(left(followed.name(), "its rules are behind", error)),
        }
    }
    found
}

/// A Service that has no such door any more: whether it should is its owner's decision.
fn without_door(world: &World, followed: &Followed) -> Option<Drift> {
    let through = followed.grant.through.as_ref()?;
    if !doors_of(world, &followed.grant).is_empty() {
        return None;
    }
    let service = service_of(world, &followed.grant)?;
    if through.way == Way::LoadBalancer && service.kind == "LoadBalancer" {
        let Service { namespace, name, .. } = service;
        let detail =
            format!("Service {namespace}/{name} waits for an address of its load balancer, and nothing is open yet");
        let hints = vec![
            format!(
                "kubectl describe service -n {namespace} {name} tells why it has none; sync opens it once it has one"
            ),
            format!("kubectl zerotrust revoke {} gives it up", followed.id),
        ];
        return Some(Drift { what: followed.name(), detail, remedy: Remedy::Other(hints) });
    }
    let detail = format!(
        "Service {}/{} is {} and has no door by {} now",
        service.namespace, service.name, service.kind, through.way
    );
    let hints = vec![format!("give it one, or kubectl zerotrust revoke {}", followed.id)];
    Some(Drift { what: followed.name(), detail, remedy: Remedy::Other(hints) })
}

/// Something that is not mended, and why.
pub fn left(what: String, context: &str, error: PlanError) -> Drift {
    let said = |reason: String| if context.is_empty() { reason } else { format!("{context}: {reason}") };
    match error {
        PlanError::Unknown { reason, hints } => Drift { what, detail: said(reason), remedy: Remedy::Unknown(hints) },
        PlanError::Refused { reason, hints }
        | PlanError::Unresolved { reason, hints }
        | PlanError::Usage { reason, hints } => Drift { what, detail: said(reason), remedy: Remedy::Other(hints) },
    }
}

/// What may be hidden behind something that could not be read.
pub fn gaps(world: &World) -> Vec<Drift> {
    let kinds = [Hidden::Policies, Hidden::Routes, Hidden::HostEndpoints, Hidden::Sets, Hidden::Services];
    let gaps = world.gaps.iter().filter(|gap| kinds.contains(&gap.hides));
    let mut found: Vec<Drift> = gaps
        .map(|gap| Drift {
            what: gap.place.clone(),
            detail: format!("could not be read: {}", gap.reason),
            remedy: Remedy::Unknown(vec!["make it readable, then sync again".into()]),
        })
        .collect();
    for (part, what) in [(Kinds::Policies, "NetworkPolicies"), (Kinds::GlobalPolicies, "GlobalNetworkPolicies")] {
        if !world.sees(part, None) && found.is_empty() {
            let detail = "not all of them were read, and a grant may be among them".to_string();
            found.push(Drift { what: what.into(), detail, remedy: Remedy::Unknown(Vec::new()) });
        }
    }
    found
}
