//! Proves each change before it is written: strangers come in nowhere where they did not, doors that were open for others
//! stay so, and what nodes and pods do without any door goes on.
//! Never proposes anything.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::super::decide::without_exposures;
use super::super::expose::polices_hosts;
use super::super::expose::proof::{clients, shown, strangers};
use super::super::lifelines;
use super::super::perimeter::compose::doors_of;
use super::super::perimeter::doors::{self, Doorway, Pass, STRANGERS, Try};
use super::super::perimeter::{endpoints, kept, recognise};
use super::super::simulate::{policy_of, simulate};
use super::super::{PlanError, Risk, Step};
use crate::kubernetes::names::Kind;
use crate::model::intent::{Grant, Peer};
use crate::model::selector::Selector;
use crate::model::world::{AddressRole, World};

/// How many sources are tried at each door, besides nobody in particular.
const SOURCES: usize = 24;
/// How many of them at doors that no exposure is for: nobody in particular, and a few of the clients.
const ELSEWHERE: usize = 4;

/// Packets whose fate is known before, and the operator's word on risks.
pub struct Guard {
    closed: Vec<Watched>,
    open: Vec<Watched>,
    lifelines: Vec<lifelines::Lifeline>,
    accepted: Vec<Risk>,
}

struct Watched {
    one: Try,
    /// The namespace of the Service behind the door.
    namespace: String,
    /// Whether it could not be told before either.
    unknown: bool,
}

impl Guard {
    /// What holds in a world. `target` is the same world with the doors that there will be.
    pub fn of(world: &World, target: &World, grants: &[Grant], accepted: &[Risk]) -> Result<Guard, PlanError> {
        // A door that is open by a new node alone is one that the perimeter is late for, and one that an exposure of another
        // door opens was not asked for.
        let covered = without_exposures(&simulate(world, &endpoints::missing(world, None))?);
        let mut guard = Guard {
            closed: Vec::new(),
            open: Vec::new(),
            lifelines: lifelines::of(world),
            accepted: accepted.to_vec(),
        };
        let lowered = without_perimeter(world);
        let sources = sources(world, grants);
        let own: BTreeSet<String> =
            grants.iter().flat_map(|grant| doors_of(target, grant)).map(|doorway| doorway.key()).collect();
        for doorway in doors::all(target) {
            let is_own = own.contains(&doorway.key());
            // What concerns one grant's door alone is not tried at every other.
            let tried = if is_own { sources.len() } else { sources.len().min(ELSEWHERE) };
            for source in sources[..tried].iter().filter(|source| !is_granted(target, grants, &doorway, **source)) {
                for one in ways_in(world, target, &doorway, *source) {
                    let before = one.passes(world);
                    let namespace = doorway.service.namespace.clone();
                    let unknown = matches!(before, Pass::Unknown(_));
                    if before == Pass::Yes && !is_own && one.passes(&covered) == Pass::Yes {
                        guard.open.push(Watched { one, namespace, unknown });
                    } else if before != Pass::Yes && !is_kept_open(target, &lowered, &doorway, &one) {
                        guard.closed.push(Watched { one, namespace, unknown });
                    }
                }
            }
        }
        Ok(guard)
    }

    /// Refuses a step that lets a stranger in, closes a door of somebody else's, or cuts a lifeline.
    pub fn check(&self, after: &World, step: &Step) -> Result<(), PlanError> {
        self.opens_nothing(after, step, |_| true)?;
        for watched in self.open.iter().filter(|watched| concerns(step, watched)) {
            if watched.one.passes(after) == Pass::No {
                let reason = format!("{} would close {}, which is open now", step.object, shown(&watched.one.packet));
                let hints = vec!["expose that Service to its clients, or close its door first".into()];
                return Err(PlanError::Refused { reason, hints });
            }
        }
        match polices_hosts(step) {
            true => lifelines::compare(&self.lifelines, after, step, &self.accepted),
            false => Ok(()),
        }
    }

    /// Refuses a step that lets a stranger in by one of some nodes.
    pub fn opens_nothing(&self, after: &World, step: &Step, by: impl Fn(&str) -> bool) -> Result<(), PlanError> {
        if self.accepted.contains(&Risk::OpenToAllClientsOfNodes) {
            return Ok(());
        }
        let near = self.closed.iter().filter(|watched| concerns(step, watched) && by(&watched.one.node));
        for watched in near {
            let (what, node) = (shown(&watched.one.packet), &watched.one.node);
            let hints = vec![
                format!(
                    "police what enters node {node} first: a host endpoint on each of its interfaces, and a perimeter that closes the doors"
                ),
                "externalTrafficPolicy: Local on the Service keeps clients' own addresses".into(),
                format!("--accept-risk {} goes on all the same", Risk::OpenToAllClientsOfNodes),
            ];
            match watched.one.passes(after) {
                Pass::No => {}
                Pass::Yes => {
                    let reason = format!("{what} would pass by node {node} then, and nobody asked for that");
                    return Err(PlanError::Refused { reason, hints });
                }
                Pass::Unknown(_) if watched.unknown => {}
                Pass::Unknown(why) => {
                    let reason = format!("whether {what} would pass by node {node} then cannot be told: {why}");
                    return Err(PlanError::Unknown { reason, hints });
                }
            }
        }
        Ok(())
    }
}

/// Whether a door was found open and kept so, and nothing but the perimeter stops a source there: it does not know the
/// address yet.
fn is_kept_open(target: &World, lowered: &World, doorway: &Doorway<'_>, one: &Try) -> bool {
    kept::keeps_open(target, doorway, one.packet.source) && one.passes(lowered) == Pass::Yes
}

fn without_perimeter(world: &World) -> World {
    let mut lowered = world.clone();
    if let Some(ours) = recognise::ours(world) {
        lowered.policies.retain(|policy| policy.id != ours);
    }
    lowered
}

/// The ways of a source to a door. By the address of a node's tunnel nobody comes who may not, or perhaps may, come by the
/// node's own: what holds for a door holds for all addresses of a node, and a tunnel can be newer than the door.
fn ways_in(world: &World, target: &World, doorway: &Doorway<'_>, source: IpAddr) -> Vec<Try> {
    let mut tries = doorway.tries(target, source);
    let usual = |one: &Try| doors::is_usual(target, one);
    if tries.iter().filter(|one| usual(one)).any(|one| one.passes(world) != Pass::No) {
        tries.retain(usual);
    }
    tries
}

/// Whether a step can touch a way in: a policy of a namespace only its own pods', a host endpoint only its node's.
fn concerns(step: &Step, watched: &Watched) -> bool {
    let own = policy_of(&step.object).and_then(|id| id.namespace).is_none_or(|own| own == watched.namespace);
    own && (step.object.kind != Kind::HostEndpoint || lifelines::concerns(step, &watched.one.node))
}

/// Nobody in particular, the clients of exposures, and their neighbours.
fn sources(world: &World, grants: &[Grant]) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = STRANGERS.to_vec();
    let exposures = grants.iter().filter(|grant| grant.through.is_some());
    for grant in exposures {
        for ip in clients(grant).into_iter().take(2).chain(strangers(world, grant)) {
            if !found.contains(&ip) && found.len() < SOURCES {
                found.push(ip);
            }
        }
    }
    // Only families that nodes have: the others have no way in.
    let families: BTreeSet<bool> = world
        .nodes
        .values()
        .flat_map(|node| &node.addresses)
        .filter(|address| address.role == AddressRole::Host)
        .map(|address| address.ip.is_ipv4())
        .collect();
    found.retain(|ip| families.contains(&ip.is_ipv4()));
    found
}

/// Whether somebody asked that a source may come by a door: by an exposure, or by a grant to its pods.
fn is_granted(world: &World, grants: &[Grant], doorway: &Doorway<'_>, source: IpAddr) -> bool {
    let is_from = |peer: &Peer| match peer {
        Peer::Nets(nets) => nets.iter().any(|net| net.contains(&source)),
        Peer::World => !super::super::rules::is_inside(world, source),
        Peer::Nodes => world.node_at(source).is_some(),
        Peer::Pods { .. } | Peer::Namespace(_) => false,
    };
    let is_to = |grant: &Grant| match (&grant.through, &grant.to) {
        (Some(_), _) => doors_of(world, grant).iter().any(|own| own.key() == doorway.key()),
        (None, Peer::Namespace(namespace)) => *namespace == doorway.service.namespace,
        (None, Peer::Pods { namespace, selector, .. }) => {
            let selector = Selector::parse(selector).ok();
            let backends = doorway.service.backends.value().into_iter().flatten();
            *namespace == doorway.service.namespace
                && backends
                    .flat_map(|backend| world.pods_at(backend.ip))
                    .any(|pod| selector.as_ref().is_some_and(|selector| selector.matches(&pod.own_labels)))
        }
        (None, _) => false,
    };
    grants.iter().any(|grant| is_from(&grant.from) && is_to(grant))
}
