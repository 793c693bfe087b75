//! The GlobalNetworkSet of the nodes' addresses, their own and their tunnels': one write for a new node.
//! Never knows which rules select it.

use ipnet::IpNet;
use serde_json::json;

use super::super::edit::Edit;
use super::super::roles::PERIMETER;
use super::super::rules::node_nets;
use super::super::{PlanError, Step};
use crate::kubernetes::ObjectRef;
use crate::kubernetes::names::{Kind, NODES_LABEL, ROLE};
use crate::model::policy::Entity;
use crate::model::selector::Selector;
use crate::model::spec::EntitySpec;
use crate::model::world::{Labels, NetworkSet, World};

/// Its name.
pub const NAME: &str = "zerotrust-nodes";

/// The set as an object.
pub fn object() -> ObjectRef {
    ObjectRef { kind: Kind::GlobalNetworkSet, namespace: None, name: NAME.into() }
}

/// What a rule selects it by.
pub fn selector() -> String {
    format!("has({NODES_LABEL})")
}

/// The set as a rule's source or destination; `global()` keeps pods out that carry its label.
pub fn entity() -> EntitySpec {
    EntitySpec { selector: selector(), namespace_selector: "global()".into(), ..EntitySpec::default() }
}

/// The set as it is in a world.
pub fn find(world: &World) -> Option<&NetworkSet> {
    world.network_sets.iter().find(|set| set.namespace.is_none() && set.name == NAME)
}

/// Whether the set is ours.
pub fn is_ours(set: &NetworkSet) -> bool {
    set.annotations.get(ROLE).map(String::as_str) == Some(PERIMETER)
}

/// Makes the set, or brings it up to date; none if it is.
pub fn step(world: &World) -> Result<Option<Step>, PlanError> {
    let wanted = node_nets(world);
    if wanted.is_empty() {
        let reason = "no address of a node is known".to_string();
        return Err(PlanError::Unknown { reason, hints: vec!["permission to list nodes".into()] });
    }
    let texts = |nets: &[IpNet]| nets.iter().map(IpNet::to_string).collect::<Vec<String>>();
    let Some(set) = find(world) else {
        let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkSet",
            "metadata": {"name": NAME, "labels": {NODES_LABEL: "true"}, "annotations": {ROLE: PERIMETER}},
            "spec": {"nets": texts(&wanted)}});
        let why = "the nodes' own addresses and their tunnels', for the rules that tell them from clients".to_string();
        return Ok(Some(Step { object: object(), planned_on: None, edits: vec![Edit::Create(document)], why }));
    };
    if !is_ours(set) || !set.labels.contains_key(NODES_LABEL) {
        return Err(PlanError::Refused {
            reason: format!("GlobalNetworkSet {NAME} is somebody else's"),
            hints: vec!["--inline-nets writes the nodes' addresses into the rules instead".into()],
        });
    }
    let mut there = set.nets.clone();
    there.sort();
    there.dedup();
    if there == wanted {
        return Ok(None);
    }
    let (new, gone): (Vec<&IpNet>, Vec<&IpNet>) = (
        wanted.iter().filter(|net| !there.contains(net)).collect(),
        there.iter().filter(|net| !wanted.contains(net)).collect(),
    );
    let list = |nets: &[&IpNet]| nets.iter().map(|net| net.addr().to_string()).collect::<Vec<_>>().join(", ");
    let mut whys = Vec::new();
    if !new.is_empty() {
        whys.push(format!("nodes have {}", list(&new)));
    }
    if !gone.is_empty() {
        whys.push(format!("no node has {} any more", list(&gone)));
    }
    let edit = Edit::SetSpec { field: "nets".into(), expected: json!(set.nets), value: json!(texts(&wanted)) };
    Ok(Some(Step { object: object(), planned_on: None, edits: vec![edit], why: whys.join("; ") }))
}

/// A rule of somebody's that would take the set for one of its own, as `all()` does: it would then speak of the nodes too.
pub fn attracted_by(world: &World) -> Option<String> {
    if find(world).is_some() {
        return None;
    }
    let labels: Labels = [(NODES_LABEL.to_string(), "true".to_string())].into();
    let takes = |entity: &Entity| {
        let is = |selector: &Option<Selector>| selector.as_ref().is_some_and(|selector| selector.matches(&labels));
        is(&entity.selector) || is(&entity.not_selector)
    };
    world.policies.iter().find_map(|policy| {
        let rules = policy.ingress.iter().chain(&policy.egress).flatten();
        let rule = rules.into_iter().find(|rule| takes(&rule.source) || takes(&rule.destination))?;
        Some(format!("rule {} of {}", rule.place, policy.id))
    })
}
