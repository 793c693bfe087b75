//! `lockdown --nodes`: everything that enters a node from outside the cluster is closed but what is listed.
//! Never cuts what the cluster itself needs, nor the way by which its operator comes.

pub mod listeners;
pub mod lower;
pub mod operator;
mod proof;
mod theirs;
mod words;

use ipnet::IpNet;

use super::perimeter::{self, Shape, hosts, nodes_set, recognise};
use super::ports::{PortAsked, PortName, PortsAsked};
use super::revoke::grants;
use super::simulate::simulate;
use super::staged;
use super::target::Target;
use super::{Note, Plan, PlanError, Risk, Weight};
use crate::model::flow::Protocol;
use crate::model::intent::{Grant, GrantPort, Hosts};
use crate::model::world::World;
use operator::Operator;

/// What an operator asks to be locked, and what not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    /// Networks that reach the nodes as now; none given leaves those that were named before.
    pub from: Vec<IpNet>,
    /// Ports of nodes that stay open to everybody; none given leaves those that were named before.
    pub ports: Vec<GrantPort>,
    /// How the perimeter is made where there is none yet.
    pub shape: Shape,
    /// How this program's own requests come to the API server, where there is one.
    pub operator: Option<Operator>,
    /// What the operator takes upon themselves.
    pub accepted: Vec<Risk>,
}

/// Plans it. An empty plan says that the nodes are locked already.
pub fn lock(world: &World, ask: &Ask) -> Result<Plan, PlanError> {
    refuse_what_is_not_followed(world)?;
    let before = hosts::remembered(world);
    let hosts = wanted(world, ask, before.as_ref());
    let shape = Shape { inline: is_inline(world, ask), ..ask.shape.clone() };
    let mut plan = Plan { title: "lockdown of the nodes".into(), ..Plan::default() };
    plan.steps = theirs::steps(world, &hosts)?;
    let patched = simulate(world, &plan.steps)?;
    let raised = perimeter::raise_around(world, &patched, &doors(world), &shape, Some(&hosts))?;
    plan.steps.extend(raised.steps);
    let end = simulate(world, &plan.steps)?;
    operator::check(world, &end, ask, &hosts)?;
    if plan.steps.is_empty() {
        plan.notes.push(fact("the nodes are locked already".into()));
        return Ok(plan);
    }
    let losses = proof::prove(world, &plan.steps, ask, &hosts)?;
    plan.notes.extend(words::notes(world, &end, before.as_ref(), &hosts));
    plan.notes.extend(raised.notes);
    plan.notes.extend(losses);
    Ok(plan)
}

/// Locks the nodes behind a lockdown of the applications.
pub fn lock_too(world: &World, applications: Plan, ask: &Ask) -> Result<Plan, PlanError> {
    let after = simulate(world, &applications.steps)?;
    let nodes = match staged::Standing::of(&after).filter(|standing| standing.nodes.is_some()) {
        Some(standing) => staged::promote::lock_nodes(&after, &standing, ask)?,
        None => lock(&after, ask)?,
    };
    let mut plan = applications;
    plan.title = format!("{} and of the nodes", plan.title);
    plan.steps.extend(nodes.steps);
    for note in &mut plan.notes {
        // They are, by the steps that follow.
        if let Some(text) = note.text.strip_suffix("; nodes are not covered") {
            note.text = text.to_string();
        }
    }
    plan.notes.extend(nodes.notes);
    Ok(plan)
}

/// `--allow-from` and `--allow-port` as they are given.
pub fn ports(asked: Option<&PortsAsked>) -> Result<Vec<GrantPort>, PlanError> {
    let these = match asked {
        None => return Ok(Vec::new()),
        Some(PortsAsked::These(these)) => these,
        Some(PortsAsked::Any) => {
            return Err(PlanError::Usage {
                reason: "--allow-port any would leave the nodes open".into(),
                hints: vec!["name the ports, as --allow-port 443 or --allow-port udp/500".into()],
            });
        }
    };
    let port = |asked: &PortAsked| match asked.port {
        PortName::Numbers(first, last) => {
            let protocol = asked.protocol.unwrap_or(Protocol::TCP).to_string();
            Ok(GrantPort { protocol, first, last })
        }
        PortName::Name(ref name) => Err(PlanError::Usage {
            reason: format!("{name} is no number, and nodes know no names of ports"),
            hints: vec!["--allow-port 443".into()],
        }),
    };
    these.iter().map(port).collect()
}

/// Networks of `--allow-from`.
pub fn networks(asked: &[Target]) -> Result<Vec<IpNet>, PlanError> {
    let mut nets = Vec::new();
    for target in asked {
        match target {
            Target::Nets(more) if more.iter().all(|net| net.prefix_len() > 0) => nets.extend(more),
            Target::Nets(_) | Target::World => {
                return Err(PlanError::Usage {
                    reason: format!("--allow-from {target} would leave the nodes open to everybody"),
                    hints: vec!["name the networks of operators, routers and monitoring".into()],
                });
            }
            other => {
                return Err(PlanError::Usage {
                    reason: format!("{other} is no network outside the cluster"),
                    hints: vec!["nodes and pods reach the nodes as before; name addresses or ranges".into()],
                });
            }
        }
    }
    Ok(nets)
}

/// Every grant with a door.
fn doors(world: &World) -> Vec<Grant> {
    grants(world).into_iter().map(|info| info.grant).filter(|grant| grant.through.is_some()).collect()
}

/// What stays open: what is named now, else what was before; ports of applications that are found open the first time.
fn wanted(world: &World, ask: &Ask, before: Option<&Hosts>) -> Hosts {
    let mut hosts = before.cloned().unwrap_or_default();
    if !ask.from.is_empty() {
        hosts.from = IpNet::aggregate(&ask.from);
    }
    if !ask.ports.is_empty() {
        hosts.ports.clone_from(&ask.ports);
        hosts.ports.sort();
        hosts.ports.dedup();
    }
    if ask.shape.close_others {
        hosts.found.clear();
    } else if before.is_none() && !hosts::are_locked_by_others(world) {
        hosts.found = listeners::of_applications(world);
    }
    hosts.found.retain(|port| !hosts.ports.contains(port));
    hosts::refreshed(world, &hosts)
}

/// Whether the nodes' addresses stand in the rules: because that is asked, because they do already, or because a set would
/// be taken for what it is not by somebody's rule.
fn is_inline(world: &World, ask: &Ask) -> bool {
    let by_now = recognise::ours(world).is_some() && nodes_set::find(world).is_none();
    ask.shape.inline || by_now || nodes_set::attracted_by(world).is_some()
}

fn refuse_what_is_not_followed(world: &World) -> Result<(), PlanError> {
    if world.network.felixes().any(|felix| felix.is_bpf()) {
        return Err(PlanError::Unknown {
            reason: "host endpoints are not followed on the eBPF dataplane, so it cannot be shown what would close"
                .into(),
            hints: vec!["lock the applications alone: kubectl zerotrust lockdown".into()],
        });
    }
    if world.nodes.is_empty() {
        return Err(PlanError::Unknown {
            reason: "no node could be read".into(),
            hints: vec!["permission to list nodes".into()],
        });
    }
    Ok(())
}

/// A fact for the operator.
fn fact(text: String) -> Note {
    Note { weight: Weight::Fact, text }
}

/// A warning for the operator.
fn warning(text: String) -> Note {
    Note { weight: Weight::Warning, text }
}

#[cfg(test)]
mod tests;
