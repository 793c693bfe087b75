//! What a cluster lives by: flows that a plan must not cut, nor leave in doubt, each with the name by which its loss can be
//! accepted. They are walked before a plan and after each of its writes.
//! Never repairs anything.

mod nodes;
mod pods;

use std::collections::BTreeSet;

use super::decide::describe_decider;
use super::edit::Edit;
use super::roles::role;
use super::rules::is_inside;
use super::simulate::simulate;
use super::{Note, PlanError, Risk, Step, Weight};
use crate::evaluate::path::{Question, walk};
use crate::kubernetes::names::Kind;
use crate::model::flow::{Decider, HopAction, Packet, Path, Verdict, together};
use crate::model::policy::PolicyKind;
use crate::model::world::World;

/// A flow, whom it serves, and what it touches.
#[derive(Clone, Debug)]
struct Flow {
    risk: Risk,
    what: String,
    packet: Packet,
    entry: Option<String>,
    nodes: Vec<String>,
    namespaces: Vec<String>,
}

/// A flow that is not stopped now.
#[derive(Clone, Debug)]
pub struct Lifeline {
    flow: Flow,
    before: Verdict,
}

impl Lifeline {
    fn of(world: &World, flow: Flow) -> Option<Lifeline> {
        let before = together(&flow.ways(world));
        (before != Verdict::Deny).then_some(Lifeline { flow, before })
    }

    /// A flow to a node, if it passes now.
    pub fn to_node(world: &World, risk: Risk, what: String, packet: Packet, node: &str) -> Option<Lifeline> {
        let (nodes, namespaces) = (vec![node.to_string()], Vec::new());
        let flow = Flow { risk, what, packet, entry: None, nodes, namespaces };
        Lifeline::of(world, flow).filter(|lifeline| lifeline.before == Verdict::Allow)
    }

    /// What of a node everybody outside may use, which locking it is meant to close.
    pub fn is_for_strangers(&self, world: &World) -> bool {
        self.flow.risk == Risk::Nodes && !is_inside(world, self.flow.packet.source)
    }

    /// What becomes of it, if that is worse than before.
    fn worse(&self, after: &World) -> Option<(Verdict, Vec<Path>)> {
        let ways = self.flow.ways(after);
        match (self.before, together(&ways)) {
            (_, Verdict::Allow) | (Verdict::Unknown, Verdict::Unknown) | (Verdict::Mixed, Verdict::Mixed) => None,
            (_, verdict) => Some((verdict, ways)),
        }
    }
}

impl Flow {
    fn ways(&self, world: &World) -> Vec<Path> {
        walk(world, &Question { packet: self.packet, entry: self.entry.clone() })
    }

    /// Whether a step can touch it.
    fn is_touched(&self, step: &Step) -> bool {
        match (step.object.kind, &step.object.namespace) {
            (Kind::HostEndpoint, _) => self.nodes.iter().any(|node| concerns(step, node)),
            (_, Some(namespace)) => self.namespaces.contains(namespace),
            _ => true,
        }
    }
}

/// Everything that the nodes and the pods of the cluster itself do now.
pub fn of(world: &World) -> Vec<Lifeline> {
    let flows = nodes::flows(world).into_iter().chain(pods::flows(world));
    flows.filter_map(|flow| Lifeline::of(world, flow)).collect()
}

/// Those that a step can touch at all: without host endpoints no policy touches nodes.
fn touched(world: &World, steps: &[Step]) -> Vec<Lifeline> {
    let has_endpoints =
        !world.host_endpoints.is_empty() || steps.iter().any(|step| step.object.kind == Kind::HostEndpoint);
    let nodes = if has_endpoints { nodes::flows(world) } else { Vec::new() };
    let flows = nodes.into_iter().chain(pods::flows(world));
    let flows = flows.filter(|flow| steps.iter().any(|step| flow.is_touched(step)));
    flows.filter_map(|flow| Lifeline::of(world, flow)).collect()
}

/// Whether a step can touch what is for a node: a host endpoint only its own, anything else all of them.
pub fn concerns(step: &Step, node: &str) -> bool {
    step.object.kind != Kind::HostEndpoint
        || step.edits.iter().any(|edit| match edit {
            Edit::Create(document) => document["spec"]["node"] == node,
            _ => true,
        })
}

/// Walks them after each step of a plan that locks pods or puts objects back. What passes between applications is no lifeline,
/// but a lockdown's purpose. Gives what the operator accepted to lose.
pub fn prove(world: &World, steps: &[Step], accepted: &[Risk]) -> Result<Vec<Note>, PlanError> {
    let mut lifelines = touched(world, steps);
    lifelines.retain(|lifeline| lifeline.flow.risk != Risk::Pods);
    let mut after = world.clone();
    for step in steps {
        after = simulate(&after, std::slice::from_ref(step))?;
        compare(&lifelines, &after, step, accepted)?;
    }
    Ok(losses(&lifelines, &after, accepted))
}

/// Refuses a step that cuts some, or after which that cannot be told, unless their loss is accepted: tells of the first, and
/// names all.
pub fn compare(before: &[Lifeline], after: &World, step: &Step, accepted: &[Risk]) -> Result<(), PlanError> {
    let own = |line: &&Lifeline| line.flow.is_touched(step) && !accepted.contains(&line.flow.risk);
    let worse = |line: &Lifeline| line.worse(after).map(|worse| (line.flow.clone(), worse));
    let cut: Vec<(Flow, (Verdict, Vec<Path>))> = before.iter().filter(own).filter_map(worse).collect();
    let Some((Flow { what, packet, .. }, (verdict, ways))) = cut.first() else { return Ok(()) };
    let mut hops = ways.iter().flat_map(|path| &path.hops);
    let by = hops.find(|hop| matches!(hop.action, HopAction::Deny | HopAction::Unknown));
    let by = by.and_then(|hop| hop.by.as_ref());
    let why = by.map(describe_decider).unwrap_or_default();
    let names: BTreeSet<String> = cut.iter().map(|(flow, _)| flow.risk.to_string()).collect();
    let accept = format!(
        "--accept-risk {} goes on all the same; with --confirm-within 5m everything is as before unless somebody confirms",
        names.into_iter().collect::<Vec<_>>().join(",")
    );
    let hints = safer(after, &cut[0].0, by).into_iter().chain([accept]).collect();
    let (object, flow) = (&step.object, shown(packet));
    Err(match verdict {
        Verdict::Unknown => PlanError::Unknown {
            reason: format!("after {object} it cannot be told whether {what} ({flow}): {why}"),
            hints,
        },
        _ => PlanError::Refused {
            reason: format!("{object} would cut off what passes now: {what} ({flow}), stopped by {why}"),
            hints,
        },
    })
}

/// What is lost because that was accepted, one line for each name.
pub fn losses(before: &[Lifeline], end: &World, accepted: &[Risk]) -> Vec<Note> {
    let lost = accepted.iter().filter_map(|risk| Some((risk, lost(before, end, *risk)?)));
    let note =
        |(risk, what)| Note { weight: Weight::Warning, text: format!("lost, as --accept-risk {risk} has it: {what}") };
    lost.map(note).collect()
}

/// What stops with a plan that opens and must not be refused, one line for each name.
pub fn warnings(world: &World, steps: &[Step]) -> Result<Vec<Note>, PlanError> {
    let lifelines = touched(world, steps);
    let end = simulate(world, steps)?;
    let lost = Risk::ALL.into_iter().filter(|risk| *risk != Risk::Pods).filter_map(|risk| lost(&lifelines, &end, risk));
    Ok(lost.map(|what| Note { weight: Weight::Warning, text: format!("stops with it: {what}") }).collect())
}

/// The first flow of a name that is worse in the end, and how many more.
fn lost(before: &[Lifeline], end: &World, risk: Risk) -> Option<String> {
    let own = before.iter().filter(|lifeline| lifeline.flow.risk == risk);
    let lost: Vec<&Lifeline> = own.filter(|lifeline| lifeline.worse(end).is_some()).collect();
    let first = lost.first()?;
    let more = match lost.len() {
        1 => String::new(),
        more => format!(", and {} more", more - 1),
    };
    Some(format!("{} ({}){more}", first.flow.what, shown(&first.flow.packet)))
}

fn shown(packet: &Packet) -> String {
    let port =
        packet.port.map(|port| format!(" {}:{port}", packet.protocol)).unwrap_or(format!(" {}", packet.protocol));
    format!("{} -> {}{port}", packet.source, packet.destination)
}

/// The command, or the change, that would keep a flow.
fn safer(world: &World, flow: &Flow, by: Option<&Decider>) -> Option<String> {
    let Packet { source, destination, protocol, port, .. } = flow.packet;
    let to_node = world.node_at(destination).is_some();
    let by_policy = match by {
        Some(Decider::Rule { policy, .. }) => Some(policy),
        Some(Decider::TierDefault { policies, .. }) => policies.first(),
        _ => None,
    };
    let ours = by_policy.and_then(|policy| world.written.get(policy)).is_some_and(|written| role(written).is_some());
    if to_node && !is_inside(world, source) && ours {
        return Some(format!("lockdown --nodes --allow-from {source} leaves the nodes open to it"));
    }
    if let Some(pod) = world.pods_at(destination).next() {
        let from = match world.pods_at(source).next() {
            Some(pod) => format!("{}/pod/{}", pod.namespace, pod.name),
            None => source.to_string(),
        };
        let port = port.map(|port| format!(" --port {protocol}/{port}")).unwrap_or_default();
        return Some(format!(
            "with the lockdown in force: kubectl zerotrust allow --from {from} --to {}/pod/{}{port}; or leave the namespace out, --except {}",
            pod.namespace, pod.name, pod.namespace
        ));
    }
    let global = by_policy.filter(|policy| policy.kind == PolicyKind::GlobalNetworkPolicy)?;
    Some(format!(
        "a policy that selects host endpoints by accident (no selector, or one for everything) is the usual cause: \
         give {global} the selector `has(projectcalico.org/namespace)`"
    ))
}

#[cfg(test)]
mod tests;
