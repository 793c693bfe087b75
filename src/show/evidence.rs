//! Where the facts behind an answer come from: addresses of nodes, and what stands behind Services.
//! Never knows how a fact was found; it carries its evidence.

use std::collections::BTreeSet;

use super::table::columns;
use crate::model::flow::Path;
use crate::model::world::{AddressRole, Fact, World};

/// The facts about every node and Service that the paths pass.
pub fn of_paths(world: &World, paths: &[Path]) -> String {
    let hops = || paths.iter().flat_map(|path| &path.hops);
    let nodes: BTreeSet<&String> = paths
        .iter()
        .filter_map(|path| path.entry_node.as_ref())
        .chain(hops().filter_map(|hop| hop.node.as_ref()))
        .collect();
    let mut rows = Vec::new();
    for node in nodes.into_iter().filter_map(|name| world.nodes.get(name)) {
        rows.extend(node.addresses.iter().map(|address| {
            let what = format!("{} address {}", role(address.role), address.ip);
            vec![format!("Node {}", node.name), what, address.evidence.clone()]
        }));
    }
    let services = hops().flat_map(|hop| world.services_at(hop.packet.destination));
    let services: BTreeSet<(&String, &String)> = services.map(|service| (&service.namespace, &service.name)).collect();
    for (namespace, name) in services {
        let Some(service) = world.services.get(&(namespace.clone(), name.clone())) else { continue };
        let (what, evidence) = match &service.backends {
            Fact::Known { value, evidence } => (format!("{} endpoints", value.len()), evidence.clone()),
            Fact::Unknown { why } => ("endpoints are not known".to_string(), why.clone()),
        };
        rows.push(vec![format!("Service {namespace}/{name}"), what, evidence]);
    }
    if rows.is_empty() { String::new() } else { columns(&["OF", "FACT", "KNOWN FROM"], &rows) }
}

fn role(role: AddressRole) -> &'static str {
    match role {
        AddressRole::Host => "host",
        AddressRole::External => "external",
        AddressRole::Ipip => "IPIP tunnel",
        AddressRole::Vxlan => "VXLAN tunnel",
        AddressRole::Wireguard => "WireGuard",
    }
}
