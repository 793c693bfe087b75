//! `allow`: opens a flow wherever endpoint policy stops it, with the smallest rules, and proves it before it is written.
//! Never opens what somebody denied, and never more than was asked.

use super::cautions;
use super::decide::{Decision, decide, describe, is_policed, policed, without_other_grants};
use super::exposure;
use super::guard::Scope;
use super::opening::Opening;
use super::perimeter::{hosts, recognise};
use super::place::Place;
use super::ports::{self, PortsAsked};
use super::probe::{Probe, probes};
use super::remembered;
use super::resolve::{Resolved, resolve};
use super::simulate::simulate;
use super::staged::{self, Standing};
use super::standin;
use super::target::Target;
use super::{Note, Plan, PlanError, Risk, Weight};
use crate::evaluate::path::{Question, walk};
use crate::model::flow::{Checkpoint, Decider, HopAction};
use crate::model::intent::{Grant, GrantPort, Peer};
use crate::model::policy::{Direction, PolicyId};
use crate::model::world::World;

/// What an operator asks to be reachable.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Who may connect.
    pub from: Target,
    /// To what.
    pub to: Target,
    /// On which ports; none means those that the target itself says.
    pub ports: Option<PortsAsked>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// What the operator takes upon themselves.
    pub accepted: Vec<Risk>,
}

/// A grant on its way to a plan.
struct Work {
    /// With a pod for every end that is pods.
    world: World,
    from: Resolved,
    to: Resolved,
    grant: Grant,
    id: String,
    probes: Vec<Probe>,
}

/// Plans a grant. An empty plan says in its notes what allows the flow already.
pub fn allow(world: &World, ask: &Ask) -> Result<Plan, PlanError> {
    let (from, to) = (resolve(world, &ask.from)?, resolve(world, &ask.to)?);
    let asked_ports = ports::resolve(world, &to, ask.ports.as_ref())?;
    refuse_what_has_no_endpoint(world, &from, &to)?;
    let grant = Grant {
        from: from.peer.clone(),
        to: to.peer.clone(),
        ports: asked_ports.clone(),
        reason: ask.reason.clone(),
        expires: None,
        through: None,
    };
    let work = Work::new(world, from, to, grant)?;
    let exposed = exposure::of(&work.world, &work.to);
    exposure::refuse_node_addresses(&work.from, &exposed, asked_ports.as_deref(), &ask.accepted)?;
    let mut plan = work.plan()?;
    if Standing::of(world).is_some_and(|standing| !standing.observing.is_empty()) {
        staged::proof::nothing_closes(world, &plan.steps)?;
    }
    plan.notes.splice(0..0, work.from.notes.iter().chain(&work.to.notes).cloned());
    let ports = asked_ports.as_deref();
    plan.notes.extend(exposure::notes(&work.world, &work.from, &work.to, &exposed, ports));
    plan.notes.extend(cautions::notes(&work.world, &work.from, &work.to, &exposed, ports));
    Ok(plan)
}

/// What a grant that was given before lacks today: rules that are gone, or that are needed by now.
pub fn again(world: &World, grant: &Grant) -> Result<Plan, PlanError> {
    let (from, to) = (remembered::resolved(world, &grant.from), remembered::resolved(world, &grant.to));
    Work::new(world, from, to, grant.clone())?.plan()
}

/// As `TCP:80,TCP:443` or `any port`.
pub fn show_ports(ports: Option<&[GrantPort]>) -> String {
    match ports {
        None => "any port".into(),
        Some(ports) => ports.iter().map(GrantPort::to_string).collect::<Vec<_>>().join(","),
    }
}

fn refused(reason: String, hint: String) -> PlanError {
    PlanError::Refused { reason, hints: vec![hint] }
}

/// Policy of endpoints is about pods with addresses of their own.
fn refuse_what_has_no_endpoint(world: &World, from: &Resolved, to: &Resolved) -> Result<(), PlanError> {
    if from.namespace().is_none() && to.namespace().is_none() {
        let reason = format!("neither {} nor {} is pods of this cluster", from.described, to.described);
        return Err(PlanError::Usage { reason, hints: vec!["name the Service, workload or pod at one end".into()] });
    }
    for (end, hint) in
        [(from, "--from nodes, or the address of its node"), (to, "--to ADDRESS with its node's address")]
    {
        if end.pods.is_empty() && !end.host_pods.is_empty() {
            let reason = format!("{} runs in its node's network, where Calico polices it as the node", end.described);
            return Err(refused(reason, hint.into()));
        }
    }
    for end in [from, to] {
        let Peer::Nets(nets) = &end.peer else { continue };
        for net in nets.iter().filter(|net| net.prefix_len() == net.max_prefix_len()) {
            if let Some(pod) = world.pods_at(net.addr()).next() {
                let reason =
                    format!("{} is the address of pod {}, and its next pod has another", net.addr(), pod.full_name());
                return Err(refused(reason, format!("name it: {}/pod/{}", pod.namespace, pod.name)));
            }
        }
    }
    if let Peer::Nets(nets) = &to.peer {
        for net in nets.iter().filter(|net| net.prefix_len() == net.max_prefix_len()) {
            if let Some(service) = world.services_at(net.addr()).next() {
                let name = format!("{}/service/{}", service.namespace, service.name);
                let reason =
                    format!("{} is an address of {name}, and policy sees the pods behind it instead", net.addr());
                return Err(refused(reason, format!("name it: --to {name}")));
            }
        }
    }
    Ok(())
}

impl Work {
    fn new(world: &World, mut from: Resolved, mut to: Resolved, grant: Grant) -> Result<Work, PlanError> {
        let ports = grant.ports.clone();
        // While a lockdown is only observed, everything passes: rules are for the time when it is enforced.
        let promoted = staged::promoted(world)?;
        let mut filled = standin::fill(promoted.as_ref().unwrap_or(world), &mut [&mut from, &mut to]);
        let mut found = probes(&filled, &from, &to, ports.as_deref());
        if found.is_empty() && from.pods.iter().any(|index| to.pods.contains(index)) {
            // The only pod of both ends is the same one: what counts are its siblings to come.
            standin::add_sibling(&mut filled, &mut from);
            found = probes(&filled, &from, &to, ports.as_deref());
        }
        if found.is_empty() {
            let reason = format!("{} and {} have no family of addresses in common", from.described, to.described);
            return Err(PlanError::Refused { reason, hints: Vec::new() });
        }
        Ok(Work { id: grant.id(), world: filled, from, to, grant, probes: found })
    }

    fn plan(&self) -> Result<Plan, PlanError> {
        let ports = show_ports(self.grant.ports.as_deref());
        let title = format!("allow {} -> {} ({ports})", self.grant.from, self.grant.to);
        let mut plan = Plan { title, ..Plan::default() };
        let opening = Opening { world: &self.world, grant: &self.grant, id: &self.id, probes: &self.probes };
        let blind = without_other_grants(&self.world, &self.id);
        let ends = [(Direction::Ingress, &self.grant.to), (Direction::Egress, &self.grant.from)];
        let mut after = self.world.clone();
        let mut allowed = Vec::new();
        let mut holder: Option<PolicyId> = None;
        for (direction, peer) in ends {
            let Some(place) = Place::of(peer, direction) else { continue };
            // Asked with all rules first: what somebody denies, or what cannot be seen, is said as it stands.
            decide(&self.world, direction, &self.probes, &self.id)?;
            let decision = decide(&blind, direction, &self.probes, &self.id)?;
            if decision.stopped_by.is_empty() {
                if decision.own {
                    holder = holder.or_else(|| opening.holds_rules(direction));
                }
                allowed.push((direction, decision));
                continue;
            }
            let (id, step) = opening.repair(&after, &place, &decision)?;
            after = simulate(&after, std::slice::from_ref(&step))?;
            plan.notes.extend(opening.isolation(&after, &id, direction));
            plan.steps.push(step);
            holder = holder.or(Some(id));
        }
        opening.annotate(&mut plan, holder)?;
        if plan.steps.is_empty() {
            plan.notes.extend(self.already(&allowed));
            return Ok(plan);
        }
        let after = simulate(&self.world, &plan.steps)?;
        plan.notes.extend(self.prove(&after)?);
        Scope::new(&self.world, &self.from, &self.to, self.grant.ports.as_deref()).guard(&after)?;
        Ok(plan)
    }

    /// Why nothing has to be done.
    fn already(&self, allowed: &[(Direction, Decision)]) -> Vec<Note> {
        let mut notes = Vec::new();
        for (direction, decision) in allowed {
            if decision.own {
                let text = format!("{direction} is allowed already by grant {}", self.id);
                notes.push(Note { weight: Weight::Fact, text });
            }
            for what in &decision.allowed_by {
                let text = format!("{direction} is allowed already by {what}");
                notes.push(Note { weight: Weight::Fact, text });
            }
        }
        let ends = [(Direction::Ingress, &self.to), (Direction::Egress, &self.from)];
        for (direction, end) in ends {
            let open = end.pods.iter().any(|index| !is_policed(&self.world, &self.world.pods[*index], direction));
            if open && end.namespace().is_some() {
                let text = format!(
                    "no policy polices {direction} of {}: everybody is allowed, and a rule would cut off all but this flow. \
                     After `kubectl zerotrust lockdown`, ask again",
                    end.described
                );
                notes.push(Note { weight: Weight::Warning, text });
            }
        }
        notes
    }

    /// Walks every packet through the world that the plan makes.
    fn prove(&self, after: &World) -> Result<Vec<Note>, PlanError> {
        for direction in [Direction::Ingress, Direction::Egress] {
            let decision = decide(after, direction, &self.probes, &self.id)?;
            if !decision.stopped_by.is_empty() {
                let stopped: Vec<&str> = decision.stopped_by.iter().map(String::as_str).collect();
                let reason = format!("the plan would leave {direction} stopped by {}", stopped.join(" and "));
                return Err(PlanError::Refused { reason, hints: Vec::new() });
            }
        }
        let mut notes: Vec<Note> = Vec::new();
        let real = |index: Option<usize>| index.is_none_or(|index| self.world.pods[index].node.is_some());
        for probe in self.probes.iter().filter(|probe| real(probe.sender) && real(probe.receiver)).take(64) {
            for path in walk(after, &Question { packet: probe.packet, entry: None }) {
                for hop in path.hops.iter().filter(|hop| hop.action == HopAction::Deny) {
                    let pods = [policed(probe, Direction::Ingress), policed(probe, Direction::Egress)];
                    let names = pods.into_iter().flatten().map(|index| self.world.pods[index].full_name());
                    if matches!(hop.checkpoint, Checkpoint::Ingress | Checkpoint::Egress)
                        && names.into_iter().any(|name| hop.endpoint.as_ref() == Some(&name))
                    {
                        continue;
                    }
                    let by = hop.by.as_ref().map(|by| match probe.receiver.or(probe.sender) {
                        Some(index) => describe(by, &self.world.pods[index]),
                        None => "a policy".into(),
                    });
                    let locked = matches!(&hop.by, Some(Decider::Rule { policy, .. }) if recognise::ours(after).as_ref() == Some(policy));
                    let further = match locked && hosts::remembered(after).is_some() {
                        true => {
                            "; `kubectl zerotrust lockdown --nodes`, given again, lets grants through to pods whose addresses are routed"
                        }
                        false => "",
                    };
                    let text = format!(
                        "on its way through node {} the flow is still stopped at {}{}: a host's policy, which this does not open{further}",
                        hop.node.as_deref().unwrap_or("?"),
                        hop.checkpoint,
                        by.map(|by| format!(" by {by}")).unwrap_or_default()
                    );
                    let note = Note { weight: Weight::Warning, text };
                    if !notes.contains(&note) && notes.len() < 3 {
                        notes.push(note);
                    }
                }
            }
        }
        Ok(notes)
    }
}

#[cfg(test)]
mod tests;
