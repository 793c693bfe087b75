//! Which documents that could not be read may have a say in a question.
//! Never knows what they say.

use std::collections::BTreeSet;

use super::question::Ways;
use crate::kubernetes::objects::Unread;
use crate::model::world::{Gap, Hidden, World};

/// Those that may have a say, and how many have none: policies of other namespaces, and kinds that decide nothing.
pub fn concerning<'a>(world: &World, ways: &Ways, unread: &'a [Unread]) -> (Vec<&'a Unread>, usize) {
    let hops = ways.paths.iter().flat_map(|path| &path.hops);
    let endpoints = hops.filter_map(|hop| hop.endpoint.as_deref()?.split_once('/'));
    let mut namespaces: BTreeSet<&str> = endpoints.map(|(namespace, _)| namespace).collect();
    for ip in ways.packets.iter().flat_map(|packet| [packet.source, packet.destination]) {
        namespaces.extend(world.pods_at(ip).map(|pod| pod.namespace.as_str()));
    }
    let has_a_say = |gap: &Gap| match gap.hides {
        Hidden::Other => false,
        Hidden::Policies | Hidden::Labels => {
            gap.namespace.as_deref().is_none_or(|namespace| namespaces.contains(namespace))
        }
        _ => true,
    };
    let concerns = |document: &&Unread| {
        let place = document.place.to_string();
        let own = |gap: &&Gap| gap.place.ends_with(&place) && gap.reason == document.reason;
        // What left no gap is not known to have no say.
        world.gaps.iter().find(own).is_none_or(has_a_say)
    };
    let found: Vec<&Unread> = unread.iter().filter(concerns).collect();
    let others = unread.len() - found.len();
    (found, others)
}
