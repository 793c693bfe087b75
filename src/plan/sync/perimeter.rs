//! The perimeter as nodes, tunnels and doors are today: host endpoints, our policy, the set of the nodes' addresses.
//! Never takes anything away because of something that could not be read.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::json;

use super::super::decide::without_exposures;
use super::super::edit::Edit;
use super::super::perimeter::{Raised, Shape, doors, endpoints, found_open, nodes_set, outline, raise, recognise};
use super::super::rules::cluster_nets;
use super::super::simulate::{policy_of, simulate};
use super::super::{Note, PlanError, Step, Weight};
use super::{Order, Part};
use crate::kubernetes::ObjectRef;
use crate::kubernetes::names::{Kind, NODES_LABEL};
use crate::model::intent::Grant;
use crate::model::policy::PolicyId;
use crate::model::spec::RuleSpec;
use crate::model::world::{AddressRole, Hidden, HostEndpoint, Node, World};

/// How much of the perimeter is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Whether it is behind: no packet is walked.
    Outline,
    /// What it has to be, with the doors that are open now.
    Whole,
}

/// The perimeter's changes.
#[derive(Debug, Default)]
pub struct Perimeter {
    /// The changes.
    pub parts: Vec<Part>,
    /// What the operator must know.
    pub notes: Vec<Note>,
}

/// Brings it up to date for these exposures. Rules of our policy that name a grant of `retired` go.
pub fn parts(world: &World, grants: &[Grant], retired: &[String], depth: Depth) -> Result<Perimeter, PlanError> {
    let (ours, set) = (recognise::ours(world), nodes_set::find(world).is_some_and(nodes_set::is_ours));
    let own_endpoints = world.host_endpoints.iter().any(endpoints::is_ours);
    let mut found = Perimeter::default();
    if ours.is_none() && !set && !own_endpoints && grants.is_empty() {
        return Ok(found);
    }
    refuse_blind(world)?;
    found.parts.extend(changed_endpoints(world));
    let mut steps: Vec<Step> = found.parts.iter().map(|part| part.step.clone()).collect();
    if let (Some(id), false) = (&ours, retired.is_empty()) {
        let edits = retired.iter().map(|id| Edit::RemoveGrant(id.clone())).collect();
        let step = super::grants::step(world, id, edits, "its doors are others now".into());
        steps.push(step.clone());
        found.parts.push(Part::new(Order::Policy, step));
    }
    let base = simulate(world, &steps)?;
    // The eBPF dataplane keeps clients' addresses, so that no perimeter is raised there.
    let raised = match world.network.felix.is_bpf() || (ours.is_none() && grants.is_empty()) {
        true if set => Raised { steps: nodes_set::step(&base)?.into_iter().collect(), notes: Vec::new() },
        true => return Ok(found),
        false => {
            let shape = shape(&base, grants);
            match depth {
                Depth::Outline => outline(&base, grants, &shape)?,
                Depth::Whole => raise(&in_time(&base, ours.as_ref(), &shape)?, &base, grants, &shape)?,
            }
        }
    };
    found.notes = raised.notes;
    found.notes.extend(lost_doors(&base, ours.as_ref()));
    found.parts.extend(raised.steps.into_iter().map(|step| Part::new(order(world, &step), step)));
    Ok(found)
}

/// The world as if the perimeter had been in time: a door that is closed on all nodes but a new one is closed, and so is one
/// that only the address of a node that is gone would pass. And what an exposure opened besides its own door was not found
/// open.
fn in_time(base: &World, ours: Option<&PolicyId>, shape: &Shape) -> Result<World, PlanError> {
    let Some(ours) = ours else { return Ok(without_exposures(base)) };
    let mut steps = endpoints::missing(base, shape.interface.as_deref());
    if nodes_set::find(base).is_some_and(nodes_set::is_ours) {
        steps.extend(nodes_set::step(base)?);
    }
    let mut world = without_exposures(&simulate(base, &steps)?);
    let inside = cluster_nets(base);
    let is_inside = |net: &IpNet| inside.iter().any(|own| own.contains(net)) || net.addr().is_loopback();
    for policy in world.policies.iter_mut().filter(|policy| policy.id == *ours) {
        policy.ingress.iter_mut().flatten().for_each(|rule| rule.source.not_nets.retain(is_inside));
    }
    Ok(world)
}

fn order(world: &World, step: &Step) -> Order {
    let speaks = |rule: &RuleSpec| {
        let entities = [&rule.source, &rule.destination];
        entities.iter().any(|entity| entity.selector.contains(NODES_LABEL))
    };
    // A rule that selects the set lets nodes in as soon as there is one.
    let selected = world.written.values().any(|written| written.spec.ingress.iter().any(speaks));
    let made = step.edits.iter().any(|edit| matches!(edit, Edit::Create(_)));
    match step.object.kind {
        Kind::GlobalNetworkSet if made && !selected => Order::SetMade,
        Kind::GlobalNetworkSet => Order::Set,
        Kind::HostEndpoint => Order::HostEndpoint,
        _ if made && policy_of(&step.object).is_some() => Order::PolicyMade,
        _ => Order::Policy,
    }
}

/// What is missing because it could not be read must not be taken for gone.
fn refuse_blind(world: &World) -> Result<(), PlanError> {
    let kinds = [
        (Hidden::Routes, "nodes and address pools"),
        (Hidden::HostEndpoints, "host endpoints"),
        (Hidden::Services, "Services"),
        (Hidden::Sets, "network sets"),
    ];
    for (hidden, what) in kinds {
        if let Some(gap) = world.gap(hidden, None) {
            return Err(PlanError::Unknown {
                reason: format!(
                    "not all {what} could be read ({}: {}), so the perimeter is left as it is",
                    gap.place, gap.reason
                ),
                hints: vec!["make what is missing readable, then sync again".into()],
            });
        }
    }
    Ok(())
}

/// The perimeter's own form: as it was made.
fn shape(world: &World, grants: &[Grant]) -> Shape {
    let inline = match recognise::ours(world) {
        Some(id) => recognise::is_inline(world, &id),
        None => grants.iter().all(|grant| grant.through.as_ref().is_some_and(|through| through.inline)),
    };
    let own = world.host_endpoints.iter().filter(|endpoint| endpoints::is_ours(endpoint));
    let names: BTreeSet<Option<String>> = own.map(|endpoint| endpoint.interface.clone()).collect();
    let interface = if names.len() == 1 { names.into_iter().next().flatten() } else { None };
    Shape { interface, inline, ..Shape::default() }
}

/// Doors that were found open and kept so, and that their Service has no more.
fn lost_doors(world: &World, ours: Option<&PolicyId>) -> Vec<Note> {
    let Some(written) = ours.and_then(|id| world.written.get(id)) else { return Vec::new() };
    let there: BTreeSet<String> = doors::all(world).iter().map(doors::Doorway::key).collect();
    let kept: BTreeSet<&str> = written.spec.ingress.iter().filter_map(found_open).collect();
    let gone = kept.into_iter().filter(|key| !there.contains(*key));
    let text = |key: &str| {
        format!(
            "{key} was found open and kept so, and is no door of its Service any more: another number or address of it is closed to clients outside until it is exposed"
        )
    };
    gone.map(|key| Note { weight: Weight::Warning, text: text(key) }).collect()
}

/// Our host endpoints whose node is gone, or has other addresses.
fn changed_endpoints(world: &World) -> Vec<Part> {
    let mut parts = Vec::new();
    for endpoint in world.host_endpoints.iter().filter(|endpoint| endpoints::is_ours(endpoint) && !endpoint.automatic) {
        let object = ObjectRef { kind: Kind::HostEndpoint, namespace: None, name: endpoint.name.clone() };
        let step = |edit: Edit, why: String| Step { object: object.clone(), planned_on: None, edits: vec![edit], why };
        let Some(node) = world.nodes.get(&endpoint.node) else {
            let why = format!("node {} is gone", endpoint.node);
            parts.push(Part::new(Order::Gone, step(Edit::Delete, why)));
            continue;
        };
        let wanted = addresses(world, node, endpoint);
        let there: BTreeSet<IpAddr> = endpoint.addresses.iter().copied().collect();
        if wanted.is_empty() || wanted == there {
            continue;
        }
        let edit =
            Edit::SetSpec { field: "expectedIPs".into(), expected: json!(endpoint.addresses), value: json!(wanted) };
        let list = wanted.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
        let why = format!("node {} has {list} by now", node.name);
        parts.push(Part::new(Order::HostEndpoint, step(edit, why)));
    }
    parts
}

/// The node's own and external addresses, but for those that another host endpoint of it has.
fn addresses(world: &World, node: &Node, own: &HostEndpoint) -> BTreeSet<IpAddr> {
    let others = || world.host_endpoints.iter().filter(|other| other.node == node.name && other.name != own.name);
    let outer = node.addresses.iter().filter(|at| matches!(at.role, AddressRole::Host | AddressRole::External));
    let free = |ip: &IpAddr| !others().any(|other| other.addresses.contains(ip));
    outer.map(|address| address.ip).filter(free).collect()
}
