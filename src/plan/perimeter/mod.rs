//! The perimeter: host endpoints and one preDNAT policy that closes the doors of Services to sources outside the cluster,
//! but for what grants and what was found open let in.
//! Never narrows what a person wrote, and never says that a door is closed where it cannot be told.

pub mod apart;
pub mod closing;
pub mod compose;
pub mod doors;
pub mod endpoints;
pub mod hosts;
pub mod kept;
pub mod lower;
pub mod nodes_set;
pub mod recognise;
pub mod sources;
pub mod standing;

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::json;

use super::decide::{object, version_of};
use super::edit::Edit;
use super::place::{ORDER, whole};
use super::roles::PERIMETER;
use super::simulate::simulate;
use super::{Note, PlanError, Step};
use crate::kubernetes::names::{FOUND_OPEN, GRANT, HOSTS, ROLE};
use crate::model::intent::{Grant, Hosts};
use crate::model::policy::{Direction, Hook, PolicyId, PolicyKind};
use crate::model::spec::RuleSpec;
use crate::model::world::{Service, World};
use compose::Names;

/// How the perimeter is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The interface that host endpoints name; none tells it by the nodes' addresses, `*` means all.
    pub interface: Option<String>,
    /// The nodes' addresses stand in the rules instead of in a set.
    pub inline: bool,
    /// Doors that are open now close too.
    pub close_others: bool,
}

/// What brings the perimeter up to date.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Raised {
    /// The set first, then the policy, then host endpoints.
    pub steps: Vec<Step>,
    /// What the operator must know.
    pub notes: Vec<Note>,
}

/// Every way in that is not policed by a perimeter yet.
fn is_whole(world: &World) -> bool {
    world.nodes.values().all(|node| {
        let mut own = world.host_endpoints.iter().filter(|endpoint| endpoint.node == node.name).peekable();
        own.peek().is_some()
            && endpoints::uncovered(world, node).is_empty()
            && own.all(|endpoint| recognise::is_policed(world, endpoint))
    })
}

/// Brings the perimeter up to date: for these grants (of all Services), in a world that has their doors already. `now` is
/// the world as it is, in which doors may be open that would close.
///
/// Nodes that it locks stay locked.
pub fn raise(now: &World, target: &World, grants: &[Grant], shape: &Shape) -> Result<Raised, PlanError> {
    let hosts = hosts::remembered(target);
    raise_around(now, target, grants, shape, hosts.as_ref())
}

/// The same, with the nodes locked too but for `hosts`, or without.
pub fn raise_around(
    now: &World,
    target: &World,
    grants: &[Grant],
    shape: &Shape,
    hosts: Option<&Hosts>,
) -> Result<Raised, PlanError> {
    let ours = recognise::ours(target);
    let frame = Frame::new(target, grants, shape, ours.as_ref(), hosts);
    let mut raised = frame.outline()?;
    if raised.steps.iter().all(|step| step.object == nodes_set::object()) || frame.is_done_by_others() {
        // Where only the set of the nodes changes, if anything, nothing closes.
        return Ok(raised);
    }
    // What is open now and would close: asked of the world that the plan would make without an exception for it.
    let after = simulate(target, &raised.steps)?;
    let (found, notes) = kept::closing(now, &after, &frame, shape.close_others)?;
    raised.notes = notes;
    if !found.is_empty() {
        let kept = frame.kept_open(shape.close_others)?;
        raised.steps = frame.steps(&kept.into_iter().chain(found).collect::<Vec<_>>())?;
    }
    Ok(raised)
}

/// The same without a look at what is open now: enough to tell whether anything is behind.
pub fn outline(target: &World, grants: &[Grant], shape: &Shape) -> Result<Raised, PlanError> {
    let (ours, hosts) = (recognise::ours(target), hosts::remembered(target));
    Frame::new(target, grants, shape, ours.as_ref(), hosts.as_ref()).outline()
}

/// A new set comes first, as the policy speaks of it and nobody else does yet. What a set that is there gets comes last:
/// rules of pods let its addresses in, and a new node that has no host endpoint yet brings strangers along.
fn in_order(target: &World, steps: &mut [Step]) {
    if nodes_set::find(target).is_some() {
        steps.sort_by_key(|step| step.object == nodes_set::object());
    }
}

/// What our policy is made from.
struct Frame<'a> {
    target: &'a World,
    grants: &'a [Grant],
    shape: &'a Shape,
    names: Names,
    ours: Option<&'a PolicyId>,
    hosts: Option<&'a Hosts>,
}

impl<'a> Frame<'a> {
    fn new(
        target: &'a World,
        grants: &'a [Grant],
        shape: &'a Shape,
        ours: Option<&'a PolicyId>,
        hosts: Option<&'a Hosts>,
    ) -> Frame<'a> {
        Frame { target, grants, shape, names: if shape.inline { Names::Inline } else { Names::Set }, ours, hosts }
    }

    /// Whether policies that others wrote close all that is to be closed.
    fn is_done_by_others(&self) -> bool {
        let is_enough = self.hosts.is_none() || hosts::are_locked_by_others(self.target);
        self.ours.is_none() && is_enough && is_whole(self.target)
    }

    fn outline(&self) -> Result<Raised, PlanError> {
        let steps = match self.is_done_by_others() {
            true => self.set_step()?.into_iter().collect(),
            false => self.steps(&self.kept_open(self.shape.close_others)?)?,
        };
        Ok(Raised { steps, notes: Vec::new() })
    }

    fn set_step(&self) -> Result<Option<Step>, PlanError> {
        let by_set = |grant: &Grant| grant.through.as_ref().is_some_and(|through| !through.inline);
        let is_spoken_of = !self.shape.inline || self.grants.iter().any(by_set);
        match is_spoken_of || nodes_set::find(self.target).is_some_and(nodes_set::is_ours) {
            true => nodes_set::step(self.target),
            false => Ok(None),
        }
    }

    /// The policy with these exceptions and host endpoints; before them a new set, after them what a set gets that is there.
    fn steps(&self, kept: &[RuleSpec]) -> Result<Vec<Step>, PlanError> {
        let mut steps: Vec<Step> = self.set_step()?.into_iter().collect();
        steps.extend(self.policy_step(kept)?);
        steps.extend(endpoints::missing(self.target, self.shape.interface.as_deref()));
        in_order(self.target, &mut steps);
        Ok(steps)
    }

    /// Exceptions for doors that were found open before, but for those that a grant opens by now, at the nodes' addresses of
    /// today.
    fn kept_open(&self, close: bool) -> Result<Vec<RuleSpec>, PlanError> {
        let Some(written) = self.ours.and_then(|id| self.target.written.get(id)).filter(|_| !close) else {
            return Ok(Vec::new());
        };
        let granted = self.granted();
        let mut kept = Vec::new();
        for doorway in doors::all(self.target).iter().filter(|doorway| !granted.contains(&doorway.key())) {
            let key = doorway.key();
            let own: Vec<&RuleSpec> =
                written.spec.ingress.iter().filter(|rule| found_open(rule) == Some(key.as_str())).collect();
            match compose::sources_of(&own) {
                _ if own.is_empty() => {}
                Some(only) => {
                    kept.extend(compose::found_open_rules(self.target, doorway, only.as_deref(), self.names)?);
                }
                // Somebody else's hand is in it.
                None => kept.extend(own.into_iter().cloned()),
            }
        }
        Ok(kept)
    }

    /// Doors with a grant, as exceptions name them.
    fn granted(&self) -> BTreeSet<String> {
        let doors = self.grants.iter().flat_map(|grant| compose::doors_of(self.target, grant));
        doors.map(|doorway| doorway.key()).collect()
    }

    fn rules(&self, kept: &[RuleSpec]) -> Result<Vec<RuleSpec>, PlanError> {
        let mut rules = Vec::new();
        let mut cluster: BTreeSet<IpAddr> = BTreeSet::new();
        for grant in self.grants {
            for rule in compose::client_rules(self.target, grant, self.names)? {
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
            cluster.extend(cluster_addresses(self.target, grant));
        }
        rules.extend(kept.iter().cloned());
        rules.extend(closing::health_checks(self.target, self.names, self.hosts.is_some()));
        rules.extend(self.hosts.into_iter().flat_map(|hosts| hosts::open_rules(self.target, hosts, self.names)));
        rules.extend(closing::rules(self.target, &cluster, self.names)?);
        if let Some(hosts) = self.hosts {
            rules.extend(hosts::closing(self.target, hosts, self.names)?);
        }
        Ok(rules)
    }

    /// What the policy remembers of nodes that it locks.
    fn memory(&self) -> Option<String> {
        self.hosts.and_then(|hosts| serde_json::to_string(hosts).ok())
    }

    /// Makes our policy, or brings it up to date; none if it is.
    fn policy_step(&self, kept: &[RuleSpec]) -> Result<Option<Step>, PlanError> {
        let rules = self.rules(kept)?;
        let Some(id) = self.ours else { return self.create(rules).map(Some) };
        let Some(written) = self.target.written.get(id) else { return Ok(None) };
        let mut known: BTreeSet<String> = self.grants.iter().map(Grant::id).collect();
        // Those without a door have rules here where nodes are locked.
        let doorless = super::revoke::grants(self.target).into_iter().filter(|info| info.grant.through.is_none());
        known.extend(doorless.map(|info| info.id));
        let old: Vec<RuleSpec> = written.spec.ingress.iter().filter(|rule| is_ours(rule, &known)).cloned().collect();
        let same = old.len() == rules.len() && rules.iter().all(|rule| old.contains(rule));
        let mut edits = Vec::new();
        if !same {
            edits.push(Edit::ReplaceRules { direction: Direction::Ingress, old, new: rules });
        }
        let memory = self.memory();
        if written.annotations.get(HOSTS) != memory.as_ref() {
            edits.push(Edit::Annotate(HOSTS.into(), memory.clone()));
        }
        let why = match (written.annotations.contains_key(HOSTS), memory.is_some()) {
            (false, true) => "it closes the nodes too, not the doors of Services alone",
            (true, false) => "it closes the doors of Services alone, and the nodes no longer",
            _ => "doors, clients or nodes are others than the perimeter knows",
        };
        let step = Step { object: object(id), planned_on: version_of(self.target, id), edits, why: why.into() };
        Ok(Some(step).filter(|step| !step.edits.is_empty()))
    }

    fn create(&self, rules: Vec<RuleSpec>) -> Result<Step, PlanError> {
        let name = recognise::NAME.to_string();
        let id = PolicyId { kind: PolicyKind::GlobalNetworkPolicy, namespace: None, name };
        if let Some(other) = self.target.written.get(&id) {
            return Err(PlanError::Refused {
                reason: format!("{id} ({}) is somebody else's", other.place),
                hints: vec!["rename it, then ask again".into()],
            });
        }
        let mut spec = json!({"selector": selector(self.target)?, "types": ["Ingress"], "preDNAT": true,
                              "applyOnForward": true, "ingress": rules});
        if let Some(order) = order(self.target) {
            spec["order"] = whole(order);
        }
        let mut annotations = json!({ROLE: PERIMETER});
        let what = match self.memory() {
            Some(memory) => {
                annotations[HOSTS] = json!(memory);
                "the nodes and the doors of Services"
            }
            None => "the doors of Services",
        };
        let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy",
            "metadata": {"name": id.name, "annotations": annotations}, "spec": spec});
        let why = format!("closes {what} to sources outside the cluster, before DNAT; it polices host endpoints");
        Ok(Step { object: object(&id), planned_on: None, edits: vec![Edit::Create(document)], why })
    }
}

/// Cluster addresses of Services that lead to a grant's pods. No router knows them, but a machine beside the nodes can send
/// there all the same, and would arrive at the pods with a node's address.
fn cluster_addresses(world: &World, grant: &Grant) -> BTreeSet<IpAddr> {
    let Some(own) = sources::service_of(world, grant) else { return BTreeSet::new() };
    let same = |service: &&Service| sources::leads_to_the_same(own, service);
    world.services.values().filter(same).flat_map(|service| service.cluster_ips.iter().copied()).collect()
}

/// The door that a rule keeps as it was found, by its key.
pub fn found_open(rule: &RuleSpec) -> Option<&str> {
    rule.metadata.as_ref()?.annotations.get(FOUND_OPEN).map(String::as_str)
}

/// Whether a rule of our policy is ours to replace: not one that a person put there.
fn is_ours(rule: &RuleSpec, grants: &BTreeSet<String>) -> bool {
    let grant = rule.metadata.as_ref().and_then(|metadata| metadata.annotations.get(GRANT));
    is_closing(rule) || grant.is_some_and(|grant| grants.contains(grant))
}

/// Whether a rule closes doors, or keeps one as it was found: what is ours without any grant.
pub fn is_closing(rule: &RuleSpec) -> bool {
    let own = |key: &str| rule.metadata.as_ref().and_then(|metadata| metadata.annotations.get(key));
    found_open(rule).is_some() || own(ROLE).is_some_and(|role| role == PERIMETER)
}

/// Every host endpoint, and nothing that is in a namespace, so that no label of a pod can attract the policy.
fn selector(world: &World) -> Result<String, PlanError> {
    let foreign: Vec<&str> = world
        .host_endpoints
        .iter()
        .filter(|endpoint| !world.nodes.contains_key(&endpoint.node))
        .map(|endpoint| endpoint.name.as_str())
        .collect();
    if let Some(first) = foreign.first() {
        return Err(PlanError::Refused {
            reason: format!(
                "HostEndpoint {first} is of a machine that is no node of this cluster, and the perimeter would police it too"
            ),
            hints: vec!["delete it if the machine is gone".into()],
        });
    }
    Ok("!has(projectcalico.org/namespace)".into())
}

/// Behind every other preDNAT policy: what an administrator decided there stays decided. None comes last.
fn order(world: &World) -> Option<f64> {
    let others = world.policies.iter().filter(|policy| policy.hook == Hook::PreDnat && policy.tier == "default");
    let mut orders = others.map(|policy| policy.order.map(|order| order + 1.0));
    orders.try_fold(ORDER, |last, order| order.map(|order| last.max(order)))
}
