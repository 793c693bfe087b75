//! The end of a grant: how a plan's grant gets one, and which grants are overdue.
//! Never knows what time it is, and takes nothing back: `sync` does.

use super::decide::{object, version_of};
use super::edit::Edit;
use super::revoke::{GrantInfo, grants};
use super::{Note, Plan, PlanError, Step, Weight};
use crate::findings::{Finding, OVERDUE};
use crate::kubernetes::names::GRANT;
use crate::model::intent::Grant;
use crate::model::moment::{End, Moment};
use crate::model::world::World;

/// Writes into a plan when its grant ends; of a grant that stands already nothing else changes. Without an end asked for the
/// one that it has stays.
pub fn set(world: &World, plan: &mut Plan, id: &str, end: Option<End>, now: Moment) -> Result<(), PlanError> {
    let known = grants(world).into_iter().find(|info| info.id == id);
    let Some(end) = end else {
        plan.notes.extend(known.and_then(|info| info.grant.expires).map(|has| standing(has, now)));
        return Ok(());
    };
    let key = format!("{GRANT}-{id}");
    let planned = plan.steps.iter_mut().flat_map(|step| &mut step.edits).find_map(|edit| match edit {
        Edit::Annotate(annotation, Some(text)) if *annotation == key => Some(text),
        _ => None,
    });
    match (planned, known) {
        (Some(text), _) => {
            let grant: Grant = serde_json::from_str(text).map_err(unreadable)?;
            *text = written(grant, end)?;
        }
        (None, Some(info)) if info.grant.expires == end.moment() => {}
        (None, Some(info)) => change(world, plan, info, key, end)?,
        (None, None) => {
            let text = "no grant is made, as nothing has to be opened: so nothing ends either".to_string();
            plan.notes.push(Note { weight: Weight::Warning, text });
            return Ok(());
        }
    }
    plan.notes.push(match end {
        End::Never => fact("it has no end".into()),
        End::At(moment) => fact(format!(
            "it ends {moment}: the first `kubectl zerotrust sync` after that takes it back, `sync --watch` at that time"
        )),
    });
    Ok(())
}

/// A grant that stands, with another end and nothing else.
fn change(world: &World, plan: &mut Plan, info: GrantInfo, key: String, end: End) -> Result<(), PlanError> {
    let edit = Edit::Annotate(key, Some(written(info.grant, end)?));
    let holder = object(&info.policy);
    match plan.steps.iter_mut().find(|step| step.object == holder) {
        Some(step) => step.edits.push(edit),
        None => {
            let planned_on = version_of(world, &info.policy);
            let why = format!("grant {} gets another end", info.id);
            plan.steps.push(Step { object: holder, planned_on, edits: vec![edit], why });
        }
    }
    Ok(())
}

fn written(grant: Grant, end: End) -> Result<String, PlanError> {
    serde_json::to_string(&Grant { expires: end.moment(), ..grant }).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> PlanError {
    PlanError::Refused { reason: format!("the grant cannot be written down: {error}"), hints: Vec::new() }
}

fn fact(text: String) -> Note {
    Note { weight: Weight::Fact, text }
}

fn standing(has: Moment, now: Moment) -> Note {
    match has <= now {
        true => Note {
            weight: Weight::Warning,
            text: format!(
                "this grant has ended at {has}, and sync takes it back: --expires says until when else, or never"
            ),
        },
        false => fact(format!("it still ends {has}; --expires changes that")),
    }
}

/// The grants that have ended and stand nevertheless, by id.
pub fn overdue(world: &World, now: Moment) -> Vec<GrantInfo> {
    grants(world).into_iter().filter(|info| info.grant.expires.is_some_and(|end| end <= now)).collect()
}

/// When the next grant ends that has not ended yet.
pub fn next(world: &World, now: Moment) -> Option<Moment> {
    grants(world).into_iter().filter_map(|info| info.grant.expires).filter(|end| *end > now).min()
}

/// What is overdue, as findings.
pub fn findings(world: &World, now: Moment) -> Vec<Finding> {
    let finding = |info: GrantInfo| {
        let Grant { from, to, .. } = &info.grant;
        let end = info.grant.expires.map(|end| end.to_string()).unwrap_or_default();
        let detail = format!(
            "grant {} ({from} -> {to}) ended {end}; `kubectl zerotrust sync` takes it back, --expires given again renews it",
            info.id
        );
        let place = world.written.get(&info.policy).map(|written| written.place.clone());
        Finding { code: OVERDUE, object: info.policy.to_string(), place, detail }
    };
    overdue(world, now).into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::grant::allow;
    use super::super::question::grant_id;
    use super::super::revoke;
    use super::super::simulate::simulate;
    use super::super::sync::{sync, sync_at};
    use super::super::testing::{DENY, allowed, ask, cluster, notes, passes, steps};
    use super::*;

    const ASK: (&str, &str) = ("10.7.0.99", "demo/nginx");

    fn at(text: &str) -> Moment {
        text.parse().unwrap()
    }

    fn now() -> Moment {
        at("2026-11-23T15:00:00Z")
    }

    /// What `allow --expires` makes of a world.
    fn until(world: &World, end: &str) -> (Plan, World) {
        let asked = ask(ASK.0, ASK.1);
        let mut plan = allow(world, &asked).unwrap();
        let id = grant_id(world, &asked).unwrap();
        set(world, &mut plan, &id, Some(End::parse(end, now()).unwrap()), now()).unwrap();
        let after = simulate(world, &plan.steps).unwrap();
        (plan, after)
    }

    fn ends(world: &World) -> Vec<Option<String>> {
        grants(world).into_iter().map(|info| info.grant.expires.map(|end| end.to_string())).collect()
    }

    #[test]
    fn a_grant_gets_its_end_and_another_one_changes_nothing_else() {
        let world = cluster(DENY);
        let (plan, one) = until(&world, "2h");
        assert_eq!(ends(&one), [Some("2026-11-23T17:00:00Z".into())]);
        assert!(notes(&plan).contains("it ends 2026-11-23T17:00:00Z"), "{}", notes(&plan));
        let (plan, two) = until(&one, "3h");
        assert_eq!(steps(&plan), steps(&allowed(&world, ASK.0, ASK.1).0), "the policy that holds it alone");
        assert!(matches!(plan.steps[0].edits[..], [Edit::Annotate(..)]), "{:?}", plan.steps);
        assert_eq!(ends(&two), [Some("2026-11-23T18:00:00Z".into())]);
        assert_eq!(revoke::grants(&one)[0].id, revoke::grants(&two)[0].id);
        assert_eq!(until(&two, "3h").0.steps, [], "the same end again");
        assert_eq!(ends(&until(&two, "never").1), [None]);
    }

    #[test]
    fn asked_again_without_an_end_it_keeps_the_one_that_it_has() {
        let (_, world) = until(&cluster(DENY), "2h");
        let asked = super::super::grant::Ask { reason: Some("ticket 7".into()), ..ask(ASK.0, ASK.1) };
        let mut plan = allow(&world, &asked).unwrap();
        let id = grant_id(&world, &asked).unwrap();
        set(&world, &mut plan, &id, None, now()).unwrap();
        assert!(notes(&plan).contains("still ends 2026-11-23T17:00:00Z"), "{}", notes(&plan));
        assert_eq!(ends(&simulate(&world, &plan.steps).unwrap()), [Some("2026-11-23T17:00:00Z".into())]);
        let mut late = Plan::default();
        set(&world, &mut late, &id, None, at("2026-11-24T00:00:00Z")).unwrap();
        assert!(notes(&late).contains("has ended"), "{}", notes(&late));
    }

    #[test]
    fn what_is_open_anyway_has_no_grant_that_could_end() {
        let (plan, _) = until(&cluster(""), "2h");
        assert_eq!(plan.steps, []);
        assert!(notes(&plan).contains("nothing ends either"), "{}", notes(&plan));
    }

    #[test]
    fn sync_takes_back_what_is_overdue_and_nothing_a_second_before() {
        let (_, kept) = allowed(&cluster(DENY), "10.7.0.98", "demo/nginx");
        let (_, world) = until(&kept, "2h");
        let (before, end) = (at("2026-11-23T16:59:59Z"), at("2026-11-23T17:00:00Z"));
        assert_eq!((overdue(&world, before).len(), next(&world, before)), (0, Some(end)));
        assert_eq!((overdue(&world, end).len(), next(&world, end)), (1, None));
        assert_eq!(sync_at(&world, &[], before).unwrap(), sync(&world, &[]).unwrap());
        assert_eq!(findings(&world, before), []);
        assert_eq!(findings(&world, end)[0].code.code, "ZT0404");

        let synced = sync_at(&world, &[], end).unwrap();
        assert!(synced.is_behind() && !synced.leaves_something());
        assert!(synced.plan.title.contains("revoke") && synced.drift[0].detail.contains("ended"), "{synced:?}");
        let after = simulate(&world, &synced.plan.steps).unwrap();
        assert!(passes(&world, "10.7.0.99 -> 10.20.40.90 tcp:80"));
        assert!(!passes(&after, "10.7.0.99 -> 10.20.40.90 tcp:80"));
        assert!(passes(&after, "10.7.0.98 -> 10.20.40.90 tcp:80"), "the other one stays");
        assert_eq!(ends(&after), [None]);
        assert_eq!(sync_at(&after, &[], end).unwrap(), sync(&after, &[]).unwrap());
    }

    #[test]
    fn an_end_that_cannot_be_read_is_a_finding() {
        let (_, mut world) = until(&cluster(DENY), "2h");
        for written in world.written.values_mut() {
            for text in written.annotations.values_mut() {
                *text = text.replace("2026-11-23T17:00:00Z", "soon");
            }
        }
        let codes: Vec<&str> = revoke::orphans(&world).iter().map(|finding| finding.code.code).collect();
        assert!(codes.contains(&"ZT0303"), "{codes:?}");
    }
}
