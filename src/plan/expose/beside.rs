//! Clients whom nobody asked to let in, and who come along: other policy lets them by before the perimeter, and the pods
//! see them with a node's address.
//! Never stops them: what somebody lets by before DNAT is their decision, and is said.

use std::collections::{BTreeMap, BTreeSet};

use super::super::perimeter::apart;
use super::super::perimeter::doors::{self, Doorway, Pass, is_usual};
use super::super::perimeter::sources::leads_to_the_same;
use super::proof::granted;
use super::{Note, Work, warning};
use crate::model::world::World;

/// Who comes along, and by which doors.
pub fn notes(work: &Work<'_>, end: &World) -> Vec<Note> {
    let mut found: BTreeMap<BTreeSet<String>, BTreeSet<String>> = BTreeMap::new();
    let granted = granted(end, &work.grant);
    let doors = doors::all(end).into_iter();
    for doorway in doors.filter(|doorway| leads_to_the_same(work.service(), doorway.service)) {
        let apart = apart::of(end, doorway.service);
        let lets_in = |point: &&std::net::IpAddr| {
            !granted.iter().any(|(door, peer)| *door == doorway.key() && super::proof::lets_in(peer, **point))
        };
        let nets: BTreeSet<String> = apart
            .points
            .iter()
            .filter(lets_in)
            .filter(|point| opens(work, end, &doorway, **point))
            .map(|point| apart.net_of(*point).to_string())
            .collect();
        if !nets.is_empty() {
            found.entry(nets).or_default().insert(doorway.name());
        }
    }
    let list = |of: BTreeSet<String>| of.into_iter().collect::<Vec<_>>().join(", ");
    let note = |(nets, doors)| {
        warning(format!(
            "also lets in {} at {}: another policy lets them by before the perimeter is asked",
            list(nets),
            list(doors)
        ))
    };
    found.into_iter().map(note).collect()
}

fn opens(work: &Work<'_>, end: &World, doorway: &Doorway<'_>, source: std::net::IpAddr) -> bool {
    let tries = doorway.tries(end, source).into_iter().filter(|one| is_usual(end, one));
    tries.into_iter().any(|one| one.passes(end) == Pass::Yes && one.passes(&work.now) != Pass::Yes)
}
