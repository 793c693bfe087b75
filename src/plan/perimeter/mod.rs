//! The perimeter: host endpoints and one preDNAT policy that closes the doors of Services to sources outside the cluster,
//! but for what grants and what was found open let in.
//! Never narrows what a person wrote, and never says that a door is closed where it cannot be told.

pub mod closing;
pub mod compose;
pub mod doors;
pub mod endpoints;
pub mod lower;
pub mod nodes_set;
pub mod recognise;
pub mod sources;

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::json;

use super::decide::{object, version_of};
use super::edit::Edit;
use super::place::{ORDER, whole};
use super::roles::PERIMETER;
use super::simulate::simulate;
use super::{Note, PlanError, Step, Weight};
use crate::kubernetes::names::{FOUND_OPEN, GRANT, ROLE};
use crate::model::intent::Grant;
use crate::model::policy::{Direction, Hook, PolicyId, PolicyKind};
use crate::model::spec::RuleSpec;
use crate::model::world::{Service, World};
use compose::Names;
use doors::{Doorway, Open};

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
pub fn raise(now: &World, target: &World, grants: &[Grant], shape: &Shape) -> Result<Raised, PlanError> {
    let mut raised = outline(target, grants, shape)?;
    let ours = recognise::ours(target);
    let frame = Frame::new(target, grants, shape, ours.as_ref());
    if raised.steps.iter().all(|step| step.object == nodes_set::object()) {
        // Where only the set of the nodes changes, if anything, nothing closes.
        return Ok(raised);
    }
    // What is open now and would close: asked of the world that the plan would make without an exception for it.
    let after = simulate(target, &raised.steps)?;
    let (found, notes) = closing(now, &after, &frame, shape.close_others)?;
    raised.notes = notes;
    if !found.is_empty() {
        let kept = frame.kept_open(shape.close_others);
        raised.steps = frame.steps(&kept.into_iter().chain(found).collect::<Vec<_>>())?;
    }
    Ok(raised)
}

/// The same without a look at what is open now: enough to tell whether anything is behind.
pub fn outline(target: &World, grants: &[Grant], shape: &Shape) -> Result<Raised, PlanError> {
    let ours = recognise::ours(target);
    let frame = Frame::new(target, grants, shape, ours.as_ref());
    let steps = match ours.is_none() && is_whole(target) {
        true => frame.set_step()?.into_iter().collect(),
        false => frame.steps(&frame.kept_open(shape.close_others))?,
    };
    Ok(Raised { steps, notes: Vec::new() })
}

/// What our policy is made from.
struct Frame<'a> {
    target: &'a World,
    grants: &'a [Grant],
    shape: &'a Shape,
    names: Names,
    ours: Option<&'a PolicyId>,
}

impl<'a> Frame<'a> {
    fn new(target: &'a World, grants: &'a [Grant], shape: &'a Shape, ours: Option<&'a PolicyId>) -> Frame<'a> {
        Frame { target, grants, shape, names: if shape.inline { Names::Inline } else { Names::Set }, ours }
    }

    fn set_step(&self) -> Result<Option<Step>, PlanError> {
        match !self.shape.inline || nodes_set::find(self.target).is_some_and(nodes_set::is_ours) {
            true => nodes_set::step(self.target),
            false => Ok(None),
        }
    }

    /// The set first, then the policy with these exceptions, then host endpoints.
    fn steps(&self, kept: &[RuleSpec]) -> Result<Vec<Step>, PlanError> {
        let mut steps: Vec<Step> = self.set_step()?.into_iter().collect();
        steps.extend(self.policy_step(kept)?);
        steps.extend(endpoints::missing(self.target, self.shape.interface.as_deref()));
        Ok(steps)
    }

    /// Exceptions for doors that were found open before, but for those that a grant opens by now.
    fn kept_open(&self, close: bool) -> Vec<RuleSpec> {
        let Some(written) = self.ours.and_then(|id| self.target.written.get(id)).filter(|_| !close) else {
            return Vec::new();
        };
        let granted = self.granted();
        let there: BTreeSet<String> = doors::all(self.target).iter().map(Doorway::key).collect();
        let found =
            |rule: &&RuleSpec| found_open(rule).is_some_and(|key| there.contains(key) && !granted.contains(key));
        written.spec.ingress.iter().filter(found).cloned().collect()
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
        rules.extend(closing::health_checks(self.target, self.names));
        rules.extend(closing::rules(self.target, &cluster, self.names)?);
        Ok(rules)
    }

    /// Makes our policy, or brings it up to date; none if it is.
    fn policy_step(&self, kept: &[RuleSpec]) -> Result<Option<Step>, PlanError> {
        let rules = self.rules(kept)?;
        let Some(id) = self.ours else { return self.create(rules).map(Some) };
        let Some(written) = self.target.written.get(id) else { return Ok(None) };
        let known: BTreeSet<String> = self.grants.iter().map(Grant::id).collect();
        let old: Vec<RuleSpec> = written.spec.ingress.iter().filter(|rule| is_ours(rule, &known)).cloned().collect();
        let same = old.len() == rules.len() && rules.iter().all(|rule| old.contains(rule));
        if same {
            return Ok(None);
        }
        Ok(Some(Step {
            object: object(id),
            planned_on: version_of(self.target, id),
            edits: vec![Edit::ReplaceRules { direction: Direction::Ingress, old, new: rules }],
            why: "doors, clients or nodes are others than the perimeter knows".into(),
        }))
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
        let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy",
            "metadata": {"name": id.name, "annotations": {ROLE: PERIMETER}}, "spec": spec});
        Ok(Step {
            object: object(&id),
            planned_on: None,
            edits: vec![Edit::Create(document)],
            why: "closes the doors of Services to sources outside the cluster, before DNAT; it polices host endpoints"
                .into(),
        })
    }
}

/// Cluster addresses of Services that lead to a grant's pods. No router knows them, but a machine beside the nodes can send
/// there all the same, and would arrive at the pods with a node's address.
fn cluster_addresses(world: &World, grant: &Grant) -> BTreeSet<IpAddr> {
    let Some(own) = sources::service_of(world, grant) else { return BTreeSet::new() };
    let backends = |service: &Service| -> BTreeSet<IpAddr> {
        service.backends.value().into_iter().flatten().map(|backend| backend.ip).collect()
    };
    let pods = backends(own);
    let same = |service: &&Service| {
        service.namespace == own.namespace
            && (service.selector == own.selector || !backends(service).is_disjoint(&pods))
    };
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

/// Doors that are open now and would close, as exceptions; and what to say of them.
fn closing(
    now: &World,
    after: &World,
    frame: &Frame<'_>,
    close: bool,
) -> Result<(Vec<RuleSpec>, Vec<Note>), PlanError> {
    let granted = frame.granted();
    let (mut rules, mut kept, mut closed, mut unsure) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for doorway in doors::all(now) {
        let only = match doorway.open(now) {
            Open::No => continue,
            Open::ToAll => None,
            Open::To(ips) => Some(ips),
            Open::Unknown(why) => {
                unsure.push(format!("{} ({why})", doorway.name()));
                None
            }
        };
        if granted.contains(&doorway.key()) {
            if only.is_none() {
                closed.push(doorway.name());
            }
            continue;
        }
        if matches!(doorway.open(after), Open::ToAll) {
            continue;
        }
        if close {
            closed.push(doorway.name());
            continue;
        }
        rules.extend(compose::found_open_rules(after, &doorway, only.as_deref(), frame.names)?);
        kept.push(doorway.name());
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
