//! The doors of grants that are taken back: what a Service was before, and what was advertised for it.
//! Never takes a door that another grant needs, or that somebody else made.

use super::super::expose::advertise;
use super::super::expose::service::step_back;
use super::super::exposure::Door;
use super::super::perimeter::compose::doors_of;
use super::super::perimeter::doors::Doorway;
use super::super::perimeter::sources::service_of;
use super::super::{Note, Plan, Step, Weight};
use super::GrantInfo;
use crate::model::intent::{Grant, Way};
use crate::model::world::{Service, World};

/// A Service gets back the type that it had before its grants, first of all: the last of them takes its door along.
pub fn close(world: &World, known: &[GrantInfo], chosen: &[String], plan: &mut Plan) {
    let mut steps: Vec<Step> = Vec::new();
    for grant in known.iter().filter(|info| chosen.contains(&info.id)).map(|info| &info.grant) {
        let (Some(through), Some(service)) = (&grant.through, service_of(world, grant)) else { continue };
        let same = |other: &&GrantInfo| {
            !chosen.contains(&other.id) && service_of(world, &other.grant).is_some_and(|own| std::ptr::eq(own, service))
        };
        let others: Vec<&GrantInfo> = known.iter().filter(same).collect();
        let bgp = |info: &&GrantInfo| info.grant.through.as_ref().is_some_and(|own| own.way == Way::Bgp);
        if !others.iter().any(bgp) {
            steps.extend(advertise::step_back(&through.advertises).filter(|step| !steps.contains(step)));
        }
        let Some(was) = through.was.as_ref().filter(|was| **was != service.kind) else { continue };
        let (name, kind) = (format!("{}/{}", service.namespace, service.name), &service.kind);
        // A load balancer's Service has node ports too, so the one that needs it goes first.
        let needing = others.iter().filter_map(|other| Some((needs(world, &other.grant)?, other)));
        let needed = needing.max_by_key(|(needed, _)| *needed == "LoadBalancer");
        match needed {
            Some((needed, other)) if needed == kind => {
                let text = format!("Service {name} stays {kind}: grant {} needs its door", other.id);
                plan.notes.push(Note { weight: Weight::Fact, text });
            }
            _ if !made(world, known, service).contains(&kind.as_str()) => {
                let text = format!("Service {name} stays {kind}: somebody else made it that since the grant");
                plan.notes.push(Note { weight: Weight::Warning, text });
            }
            needed => {
                let step = step_back(service, needed.map_or(was, |(needed, _)| needed));
                if !steps.contains(&step) {
                    steps.push(step);
                }
            }
        }
    }
    plan.steps.splice(0..0, steps);
}

/// The types that grants have made of a Service: none that it had without them.
fn made<'k>(world: &World, known: &'k [GrantInfo], service: &Service) -> Vec<&'k str> {
    let of_it =
        known.iter().filter(|info| service_of(world, &info.grant).is_some_and(|own| std::ptr::eq(own, service)));
    let throughs = of_it.filter_map(|info| info.grant.through.as_ref()).filter(|through| through.was.is_some());
    throughs.filter_map(|through| through.way.kind()).collect()
}

/// The type that a grant's door needs, if it needs one.
fn needs(world: &World, grant: &Grant) -> Option<&'static str> {
    let balanced = |doorway: &Doorway<'_>| matches!(doorway.door, Door::LoadBalancer(_));
    match grant.through.as_ref()?.way {
        Way::Bgp if doors_of(world, grant).iter().any(balanced) => Way::LoadBalancer.kind(),
        way => way.kind(),
    }
}
