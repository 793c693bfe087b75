//! Doors that are open when the perimeter comes: those that are kept as they were found, for whom, and those that close.
//! Never closes one unsaid.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::{Note, PlanError, Weight};
use super::doors::{self, Doorway, Open};
use super::{Frame, compose, found_open, recognise};
use crate::model::spec::RuleSpec;
use crate::model::world::World;

/// Whether a source comes by a door because it was found open: then it is open by every node, those too that come later.
pub fn keeps_open(world: &World, doorway: &Doorway<'_>, source: IpAddr) -> bool {
    let Some(written) = recognise::ours(world).and_then(|id| world.written.get(&id)) else { return false };
    let key = doorway.key();
    let own: Vec<&RuleSpec> =
        written.spec.ingress.iter().filter(|rule| found_open(rule) == Some(key.as_str())).collect();
    match compose::sources_of(&own) {
        _ if own.is_empty() => false,
        Some(nets) => nets.is_none_or(|nets| nets.iter().any(|net| net.contains(&source))),
        // Somebody else's hand is in it.
        None => false,
    }
}

/// Doors that are open now and would close, as exceptions; and what to say of them.
pub(super) fn closing(
    now: &World,
    after: &World,
    frame: &Frame<'_>,
    close: bool,
) -> Result<(Vec<RuleSpec>, Vec<Note>), PlanError> {
    let granted = frame.granted();
    let there: BTreeSet<String> = frame.kept_open(close)?.iter().filter_map(found_open).map(str::to_string).collect();
    let (mut rules, mut kept, mut closed, mut unsure) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for doorway in doors::all(now) {
        let only = match doorway.open(now) {
            Open::No => continue,
            Open::ToAll => None,
            Open::To(nets) => Some(nets),
            // What the perimeter is known to close is not opened because something behind it cannot be told.
            Open::Unknown(_) if doorway.stops_strangers(frame.target) => continue,
            Open::Unknown(why) => {
                unsure.push(format!("{} ({why})", doorway.name()));
                None
            }
        };
        let Some(only) = closes(&doorway.open(after), only) else {
            // One that is granted by some nodes alone closes on the others.
            let nodes = doorway.closes_at(now, after);
            if !nodes.is_empty() && granted.contains(&doorway.key()) {
                closed.push(format!("{} by {}", doorway.name(), nodes.join(" and ")));
            }
            continue;
        };
        let whose = |nets: &Vec<IpNet>| {
            let nets: Vec<String> = nets.iter().map(IpNet::to_string).collect();
            format!("{} (for {})", doorway.name(), nets.join(" and "))
        };
        let name = only.as_ref().map_or_else(|| doorway.name(), whose);
        if close || granted.contains(&doorway.key()) {
            closed.push(name);
            continue;
        }
        if there.contains(&doorway.key()) {
            continue;
        }
        rules.extend(compose::found_open_rules(after, &doorway, only.as_deref(), frame.names)?);
        kept.push(name);
    }
    rules.dedup();
    let mut notes = Vec::new();
    let mut note = |weight, text: String| notes.push(Note { weight, text });
    if !kept.is_empty() {
        note(Weight::Warning, format!("found open, and kept so: {}; --close-others closes them", kept.join(", ")));
    }
    if !unsure.is_empty() {
        note(Weight::Warning, format!("whether they are open cannot be told: {}", unsure.join(", ")));
    }
    if !closed.is_empty() {
        note(Weight::Warning, format!("close to all clients outside without a grant: {}", closed.join(", ")));
    }
    Ok((rules, notes))
}

/// For whom a door closes that was open for strangers, or for these ranges; none if for nobody.
fn closes(after: &Open, was: Option<Vec<IpNet>>) -> Option<Option<Vec<IpNet>>> {
    match (after, was) {
        (Open::ToAll, _) => None,
        (Open::To(nets), Some(mut was)) => {
            was.retain(|net| !nets.iter().any(|wide| wide.contains(net)));
            (!was.is_empty()).then_some(Some(was))
        }
        (_, was) => Some(was),
    }
}
