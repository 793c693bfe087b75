//! What grants need once something else closes the pods that they lead to: a lockdown takes back no grant.
//! Never opens what a grant did not open before.

use super::super::{Note, PlanError, Risk, Step, Weight, revoke};
use super::grants::Followed;
use super::proof::Guard;
use super::settle::{Settled, merged};
use crate::model::intent::Grant;
use crate::model::world::World;

/// The rules that keep what grants open now open in the world `after` something closes, each proven; and what to say of it.
pub fn kept(now: &World, after: &World, accepted: &[Risk]) -> Result<(Vec<Step>, Vec<Note>), PlanError> {
    let (mut live, mut kept, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for info in revoke::grants(now) {
        let followed = Followed { id: info.id, grant: info.grant, holder: info.policy, changed: None };
        match followed.lacking(now, accepted) {
            Ok(parts) if parts.is_empty() => {
                if followed.lacking(after, accepted).map_or(true, |parts| !parts.is_empty()) {
                    live.push(followed);
                }
            }
            // One that lacks something as it is, is `sync`'s.
            Ok(_) => {}
            Err(error) => {
                let text = format!("whether {} goes on is not known: {error}", followed.name());
                notes.push(Note { weight: Weight::Warning, text });
            }
        }
    }
    if live.is_empty() {
        return Ok((Vec::new(), notes));
    }
    // Its clients came by every door that leads to its pods: by those that were found open they may go on.
    let any_door = |grant: &Grant| [grant.clone(), Grant { through: None, ..grant.clone() }];
    let grants: Vec<Grant> = live.iter().flat_map(|followed| any_door(&followed.grant)).collect();
    let guard = Guard::of(after, after, &grants, accepted)?;
    let mut settled = Settled { world: after.clone(), guard: Some(guard), parts: Vec::new(), drift: Vec::new() };
    let mut note = |weight, text: String| notes.push(Note { weight, text });
    for followed in &live {
        let lost = settled.drift.len();
        let reason = match followed.lacking(&settled.world, accepted) {
            Ok(parts) => {
                parts.into_iter().for_each(|part| settled.take(part));
                let left = settled.drift[lost..].iter().find(|drift| drift.remedy != super::Remedy::Sync);
                left.map(|drift| drift.detail.clone())
            }
            Err(error) => Some(error.to_string()),
        };
        match reason {
            None => kept.push(followed.name()),
            Some(reason) => note(
                Weight::Warning,
                format!("{} stops: {reason}; `kubectl zerotrust sync` tells what it needs", followed.name()),
            ),
        }
    }
    if !kept.is_empty() {
        note(Weight::Fact, format!("goes on, by rules that it needs now: {}", kept.join(", ")));
    }
    Ok((merged(settled.parts), notes))
}
