//! What must be read to expose a Service: every door there is, and who stands behind those that are open to clients outside.
//! Never asks for the pods of a Service without a door.

use super::{
    everywhere, flow_follow_ups, network, of_namespace, of_target, of_version, without_contained, without_repeats,
};
use crate::kubernetes::names::{Kind, SLICE_SERVICE};
use crate::kubernetes::objects::Query;
use crate::model::world::{LabelQuery, World};
use crate::plan::candidates::label_text;
use crate::plan::perimeter::doors;
use crate::plan::target::Target;

/// The first round: the Service, all doors, all grants, and what decides on the nodes.
pub fn exposure(service: &Target) -> Vec<Query> {
    let mut queries = everywhere();
    queries.extend(of_target(service));
    queries.extend(network::ways());
    queries.extend(network::door_ranges());
    // Grants of all Services share the perimeter.
    queries.extend([Kind::Service, Kind::NetworkPolicy].map(Query::all));
    without_repeats(queries)
}

/// The next rounds: the Service's pods, and those behind every door, with what polices them.
pub fn exposure_follow_ups(world: &World, service: &Target) -> Vec<Query> {
    let mut queries = flow_follow_ups(world, &Target::World, service);
    queries.extend(of_version(world));
    queries.extend(network::ways_follow_ups(world, service));
    let open = world.services.values().filter(|service| !doors::of(world, service).is_empty());
    for service in open {
        let namespace = &service.namespace;
        let slices = format!("{SLICE_SERVICE}={}", service.name);
        queries.push(Query::all(Kind::EndpointSlice).in_namespace(namespace).labelled(slices));
        if !service.selector.is_empty() {
            let selector = LabelQuery { equal: service.selector.clone(), expressions: Vec::new() };
            queries.push(Query::all(Kind::Pod).in_namespace(namespace).labelled(label_text(&selector)));
        }
        queries.extend(of_namespace(namespace));
    }
    without_contained(without_repeats(queries))
}
