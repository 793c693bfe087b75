//! What stands in the way of a flow that no grant can open: somebody's decision, a host's policy, a source that is lost.
//! Never proposes anything.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::describe_decider;
use super::roles::is_lockdown;
use crate::model::flow::{Checkpoint, Decider, Hop, HopAction, Path};
use crate::model::words::listed;
use crate::model::world::World;

/// How many nodes or endpoints are named.
const NAMES: usize = 3;
/// What says that a node put its address in the client's place.
pub const MASQUERADED: &str = "is masqueraded";

/// One kind of obstacle, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Obstacle {
    /// A rule of a policy that denies: somebody's decision.
    Rule(String),
    /// The end of a tier that `allow` does not write to.
    Tier(String),
    /// Pods see a node's address in the place of the client's.
    Masqueraded,
    /// A host endpoint's policy.
    Host(&'static str, String),
    /// It cannot be told.
    Unknown(String),
}

/// Every kind of obstacle on the paths, with where it stands; the rest could be opened by a grant.
pub fn obstacles(world: &World, paths: &[Path]) -> Vec<String> {
    let mut found: BTreeMap<Obstacle, BTreeSet<String>> = BTreeMap::new();
    for path in paths {
        for hop in &path.hops {
            let both = [decided(world, hop), masqueraded(world, path, hop)];
            for (obstacle, place) in both.into_iter().flatten() {
                found.entry(obstacle).or_default().insert(place);
            }
        }
    }
    found.into_iter().map(|(obstacle, places)| said(&obstacle, &places)).collect()
}

/// What a grant's rules do not change.
fn decided(world: &World, hop: &Hop) -> Option<(Obstacle, String)> {
    let by = hop.by.as_ref()?;
    let endpoint = hop.endpoint.clone().unwrap_or_default();
    match (hop.action, by) {
        (HopAction::Unknown, Decider::Unknown { why }) => {
            Some((Obstacle::Unknown(why.clone()), hop.node.clone().unwrap_or_default()))
        }
        (HopAction::Deny, by) if !matches!(hop.checkpoint, Checkpoint::Ingress | Checkpoint::Egress) => {
            Some((Obstacle::Host(hop.checkpoint.spoken(), describe_decider(by)), endpoint))
        }
        (HopAction::Deny, Decider::Rule { policy, .. })
            if !world.policies.iter().any(|other| other.id == *policy && is_lockdown(world, other)) =>
        {
            Some((Obstacle::Rule(describe_decider(by)), endpoint))
        }
        (HopAction::Deny, Decider::TierDefault { tier, .. }) if tier != "default" => {
            Some((Obstacle::Tier(describe_decider(by)), endpoint))
        }
        _ => None,
    }
}

/// A pod that stops what carries a node's address in the place of the sender's.
fn masqueraded(world: &World, path: &Path, hop: &Hop) -> Option<(Obstacle, String)> {
    if hop.action != HopAction::Deny || hop.checkpoint != Checkpoint::Ingress {
        return None;
    }
    let sent = path.sent?;
    let node = world.node_at(hop.packet.source)?;
    let lost = sent.source != hop.packet.source && world.node_at(sent.source).is_none();
    lost.then(|| (Obstacle::Masqueraded, format!("{} of {}", hop.packet.source, node.name)))
}

fn said(obstacle: &Obstacle, places: &BTreeSet<String>) -> String {
    let places: Vec<&String> = places.iter().filter(|place| !place.is_empty()).collect();
    let places = listed(&places, NAMES);
    match obstacle {
        Obstacle::Rule(what) => {
            format!("{what} denies it at {places}: somebody's decision, which `allow` leaves alone")
        }
        Obstacle::Tier(what) => {
            format!("{what} denies it at {places}, and `allow` writes into the default tier only")
        }
        Obstacle::Masqueraded => format!(
            "what comes by another node than the backend's {MASQUERADED}: there pods see a node's address ({places}) and not the \
             sender's, and a rule for it would let in every client of that node"
        ),
        Obstacle::Host(checkpoint, what) => format!(
            "{what} denies it at {checkpoint} of host endpoint {places}: `allow` changes what policy says to pods, not to hosts"
        ),
        Obstacle::Unknown(why) => match places.is_empty() {
            true => format!("it cannot be told: {why}"),
            false => format!("on node {places} it cannot be told: {why}"),
        },
    }
}
