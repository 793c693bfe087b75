//! Host endpoints for interfaces of nodes that none polices yet.
//! Never makes a second one for an interface that is covered, and never changes one that is there.

use std::net::IpAddr;

use serde_json::json;

use super::super::Step;
use super::super::edit::Edit;
use super::super::roles::PERIMETER;
use crate::kubernetes::ObjectRef;
use crate::kubernetes::names::{Kind, NODES_LABEL, ROLE};
use crate::model::world::{AddressRole, HostEndpoint, Node, World};

/// Without a profile a named host endpoint drops all host traffic that no policy allows; with this one it changes
/// nothing by itself.
const ALLOWS_ALL: &str = "projectcalico-default-allow";

/// Whether a host endpoint is ours.
pub fn is_ours(endpoint: &HostEndpoint) -> bool {
    endpoint.annotations.get(ROLE).map(String::as_str) == Some(PERIMETER)
}

/// The node's own addresses that no host endpoint polices. One that names an interface and no address may be for any of
/// them, so that none is missing where there is such a one.
pub fn uncovered(world: &World, node: &Node) -> Vec<IpAddr> {
    let own: Vec<&HostEndpoint> = world.host_endpoints.iter().filter(|endpoint| endpoint.node == node.name).collect();
    let elsewhere = |name: &str| name == "lo" || name == "tunl0" || name.starts_with("vxlan") || name.starts_with("w");
    let may_be_any = |endpoint: &&HostEndpoint| match endpoint.interface.as_deref() {
        Some("*") => true,
        Some(name) => endpoint.addresses.is_empty() && !elsewhere(name),
        None => false,
    };
    if own.iter().any(may_be_any) {
        return Vec::new();
    }
    let hosts = node.addresses.iter().filter(|address| address.role == AddressRole::Host).map(|address| address.ip);
    hosts.filter(|ip| !own.iter().any(|endpoint| endpoint.addresses.contains(ip))).collect()
}

/// One host endpoint for each node that lacks one, told by its addresses or by an interface's name.
pub fn missing(world: &World, interface: Option<&str>) -> Vec<Step> {
    let mut steps = Vec::new();
    for node in world.nodes.values() {
        let mut addresses = uncovered(world, node);
        if addresses.is_empty() {
            continue;
        }
        let external = node.addresses.iter().filter(|address| address.role == AddressRole::External);
        let covered = |ip: &IpAddr| {
            world.host_endpoints.iter().any(|other| other.node == node.name && other.addresses.contains(ip))
        };
        addresses.extend(external.map(|address| address.ip).filter(|ip| !covered(ip)));
        addresses.sort();
        addresses.dedup();
        let mut spec = json!({"node": node.name, "expectedIPs": addresses, "profiles": [ALLOWS_ALL]});
        if let Some(interface) = interface {
            spec["interfaceName"] = json!(interface);
        }
        let name = name(world, &node.name);
        // With the set's label its addresses are among the nodes' in every rule as soon as it is policed itself: a node that
        // comes later is let in and closed to strangers by one write (Calico: a selector matches expectedIPs).
        let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "HostEndpoint",
            "metadata": {"name": name, "labels": {NODES_LABEL: "true"}, "annotations": {ROLE: PERIMETER}}, "spec": spec});
        steps.push(Step {
            object: ObjectRef { kind: Kind::HostEndpoint, namespace: None, name },
            planned_on: None,
            edits: vec![Edit::Create(document)],
            why: format!("no host endpoint polices what enters node {}", node.name),
        });
    }
    steps
}

/// Takes away those that are ours; `why` is told the node.
pub fn gone(world: &World, why: impl Fn(&str) -> String) -> Vec<Step> {
    let ours = world.host_endpoints.iter().filter(|endpoint| is_ours(endpoint));
    let step = |endpoint: &HostEndpoint| Step {
        object: ObjectRef { kind: Kind::HostEndpoint, namespace: None, name: endpoint.name.clone() },
        planned_on: None,
        edits: vec![Edit::Delete],
        why: why(&endpoint.node),
    };
    ours.map(step).collect()
}

/// A name that nobody has. Of two for one interface Felix takes the first by name, but there never are two.
fn name(world: &World, node: &str) -> String {
    let node: String = node.chars().take(230).collect();
    let name = |count: usize| match count {
        1 => format!("zerotrust-{node}"),
        more => format!("zerotrust-{node}-{more}"),
    };
    let free = |name: &String| !world.host_endpoints.iter().any(|endpoint| endpoint.name == *name);
    (1..).map(name).find(free).unwrap_or_default()
}
