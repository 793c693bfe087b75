//! Which host endpoint polices an interface of a node.
//! Never knows what its policies say.

use std::net::IpAddr;

use super::owners::unseen_host_endpoints;
use crate::model::world::{AddressRole, Fact, HostEndpoint, NodeInterface, World};

/// What a packet comes in or goes out by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// The one that has the node's own address.
    Uplink,
    /// A tunnel.
    Tunnel(AddressRole),
    /// A pod's.
    Workload,
    /// Between processes of the node.
    Loopback,
    /// One that leads to another node, by a route that is not known.
    Unknown,
}

/// The host endpoint that polices an interface: one that names it, or has one of its addresses and names none, before one
/// for all interfaces (`*`); of several the one whose name comes first (felix/dataplane/linux/endpoint_mgr.go). An
/// error says why that cannot be told.
pub fn host_endpoint<'w>(
    world: &'w World,
    node: &str,
    interface: Interface,
) -> Result<Option<&'w HostEndpoint>, String> {
    if let Some(why) = unseen_host_endpoints(world) {
        return Err(format!("{why}, and one may police node {node}"));
    }
    let mut all: Vec<&HostEndpoint> = world.host_endpoints.iter().filter(|endpoint| endpoint.node == node).collect();
    match &world.network.felix_on(node).bpf {
        _ if all.is_empty() => {}
        Fact::Known { value: false, .. } => {}
        Fact::Known { .. } => {
            return Err(format!("node {node} has host endpoints, whose policy the eBPF dataplane asks elsewhere"));
        }
        Fact::Unknown { why } => {
            return Err(format!("whether node {node}, which has host endpoints, uses eBPF is not known: {why}"));
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let own = match interface {
        Interface::Uplink => uplink(world, node, &all)?,
        Interface::Tunnel(role) => {
            let named = |endpoint: &&&HostEndpoint| {
                endpoint.interface.as_deref().is_some_and(|name| devices(role).contains(&name))
                    || (endpoint.interface.is_none() && has_address(world, node, endpoint, &[role]))
            };
            all.iter().find(named).copied()
        }
        Interface::Unknown if !all.is_empty() => {
            return Err(format!(
                "Nodes or IPPools were not read, so by which interface of node {node} it goes is not known"
            ));
        }
        Interface::Workload | Interface::Unknown => None,
        Interface::Loopback => all.iter().find(|endpoint| endpoint.interface.as_deref() == Some("lo")).copied(),
    };
    Ok(own.or_else(|| for_all(world, node)))
}

/// The host endpoint for all interfaces of a node; of several the one whose name comes first.
pub fn for_all<'w>(world: &'w World, node: &str) -> Option<&'w HostEndpoint> {
    let all = world.host_endpoints.iter().filter(|endpoint| endpoint.node == node);
    all.filter(|endpoint| endpoint.interface.as_deref() == Some("*")).min_by(|a, b| a.name.cmp(&b.name))
}

/// The host endpoint that polices an interface whose name is known, as a kernel log line tells it.
pub fn named<'w>(
    world: &'w World,
    node: &str,
    name: &str,
    meant: Interface,
) -> Result<Option<&'w HostEndpoint>, String> {
    if let Some(why) = unseen_host_endpoints(world) {
        return Err(format!("{why}, and one may police node {node}"));
    }
    let mut own: Vec<&HostEndpoint> = world.host_endpoints.iter().filter(|endpoint| endpoint.node == node).collect();
    own.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(endpoint) = own.iter().find(|endpoint| endpoint.interface.as_deref() == Some(name)) {
        return Ok(Some(endpoint));
    }
    let roles: &[AddressRole] = match meant {
        Interface::Uplink => &[AddressRole::Host, AddressRole::External],
        Interface::Tunnel(AddressRole::Ipip) => &[AddressRole::Ipip],
        Interface::Tunnel(AddressRole::Vxlan) => &[AddressRole::Vxlan],
        Interface::Tunnel(_) => &[AddressRole::Wireguard],
        Interface::Workload | Interface::Loopback | Interface::Unknown => &[],
    };
    let noted = world.nodes.get(node).and_then(|node| node.interfaces.iter().find(|own| own.name == name));
    let by_address = |endpoint: &&&HostEndpoint| {
        let is_its = match noted {
            Some(own) => own.addresses.iter().any(|ip| endpoint.addresses.contains(ip)),
            None => has_address(world, node, endpoint, roles),
        };
        endpoint.interface.is_none() && is_its
    };
    let found = own.iter().find(by_address);
    Ok(found.or_else(|| own.iter().find(|endpoint| endpoint.interface.as_deref() == Some("*"))).copied())
}

/// Names of interfaces are not known, so the one with the node's address is told by the host endpoint's addresses, or
/// by being the only one that is named.
fn uplink<'w>(world: &World, node: &str, all: &[&'w HostEndpoint]) -> Result<Option<&'w HostEndpoint>, String> {
    const ROLES: [AddressRole; 2] = [AddressRole::Host, AddressRole::External];
    let elsewhere = |name: &str| name == "lo" || name == "*" || TUNNELS.iter().any(|(_, names)| names.contains(&name));
    if let Some(found) = noted_uplink(world, node, all) {
        return found;
    }
    let candidates: Vec<&HostEndpoint> =
        all.iter().filter(|endpoint| !endpoint.interface.as_deref().is_some_and(elsewhere)).copied().collect();
    let with_address: Vec<&HostEndpoint> =
        candidates.iter().filter(|endpoint| has_address(world, node, endpoint, &ROLES)).copied().collect();
    if let Some(first) = with_address.first() {
        return Ok(Some(first));
    }
    // Without the Node, its addresses are not known, and each may be for any interface.
    let read = world.nodes.contains_key(node);
    let unsure: Vec<&str> = candidates
        .iter()
        .filter(|endpoint| !read || (endpoint.interface.is_some() && endpoint.addresses.is_empty()))
        .map(|endpoint| endpoint.name.as_str())
        .collect();
    if unsure.is_empty() {
        return Ok(None);
    }
    let names = unsure.join(", ");
    Err(match read {
        true => format!(
            "host endpoint {names} of node {node} names an interface, and may be for the one that has its address"
        ),
        false => {
            format!("Node {node} was not read, so whether host endpoint {names} is for the interface is not known")
        }
    })
}

/// Where Calico notes a node's interfaces, the one with the node's address has a name.
fn noted_uplink<'w>(
    world: &World,
    node: &str,
    all: &[&'w HostEndpoint],
) -> Option<Result<Option<&'w HostEndpoint>, String>> {
    let own = world.nodes.get(node)?;
    let is_own = |ip: &IpAddr| own.addresses.iter().any(|address| address.ip == *ip && is_host(address.role));
    let uplinks = own.interfaces.iter().filter(|interface| interface.addresses.iter().any(is_own));
    let mut found: Vec<Option<&HostEndpoint>> = uplinks.map(|interface| of_interface(all, interface)).collect();
    found.dedup();
    match found.as_slice() {
        [] => None,
        [one] => Some(Ok(*one)),
        _ => Some(Err(format!(
            "node {node} has its addresses on several interfaces, which host endpoints police differently"
        ))),
    }
}

fn is_host(role: AddressRole) -> bool {
    matches!(role, AddressRole::Host | AddressRole::External)
}

/// The host endpoint that names an interface, or names none and has one of its addresses; the first by name.
fn of_interface<'w>(all: &[&'w HostEndpoint], interface: &NodeInterface) -> Option<&'w HostEndpoint> {
    let is_its = |endpoint: &&&HostEndpoint| match &endpoint.interface {
        Some(name) => *name == interface.name,
        None => interface.addresses.iter().any(|ip| endpoint.addresses.contains(ip)),
    };
    all.iter().find(is_its).copied()
}

/// An interface by which packets from outside can come into a node, and the host endpoint that polices it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// Its name; none where only the node's address on it is known.
    pub interface: Option<String>,
    /// The host endpoint, if there is one.
    pub endpoint: Option<String>,
}

/// Every interface of a node that is no pod's, no tunnel's and not loopback, as far as they are known: without Calico's
/// note of them (before 3.31) only the one with the node's own address is.
pub fn coverage(world: &World, node: &str) -> Result<Vec<Covered>, String> {
    let name = |endpoint: Option<&HostEndpoint>| endpoint.map(|endpoint| endpoint.name.clone());
    let noted = world.nodes.get(node).map(|node| node.interfaces.as_slice()).unwrap_or_default();
    if noted.is_empty() {
        let endpoint = host_endpoint(world, node, Interface::Uplink)?;
        return Ok(vec![Covered { interface: None, endpoint: name(endpoint) }]);
    }
    if let Some(why) = unseen_host_endpoints(world) {
        return Err(format!("{why}, and one may police node {node}"));
    }
    let mut all: Vec<&HostEndpoint> = world.host_endpoints.iter().filter(|endpoint| endpoint.node == node).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let every = all.iter().find(|endpoint| endpoint.interface.as_deref() == Some("*")).copied();
    let inner =
        |name: &str| name == "lo" || name.starts_with("cali") || TUNNELS.iter().any(|(_, names)| names.contains(&name));
    let outer = noted.iter().filter(|interface| !inner(&interface.name));
    let covered = outer.map(|interface| Covered {
        interface: Some(interface.name.clone()),
        endpoint: name(of_interface(&all, interface).or(every)),
    });
    Ok(covered.collect())
}

fn has_address(world: &World, node: &str, endpoint: &HostEndpoint, roles: &[AddressRole]) -> bool {
    let Some(node) = world.nodes.get(node) else { return false };
    let own = node.addresses.iter().filter(|address| roles.contains(&address.role));
    own.into_iter().any(|address| endpoint.addresses.contains(&address.ip))
}

const TUNNELS: [(AddressRole, [&str; 2]); 3] = [
    (AddressRole::Ipip, ["tunl0", "tunl0"]),
    (AddressRole::Vxlan, ["vxlan.calico", "vxlan-v6.calico"]),
    (AddressRole::Wireguard, ["wireguard.cali", "wg-v6.cali"]),
];

fn devices(role: AddressRole) -> &'static [&'static str] {
    TUNNELS.iter().find(|(of, _)| *of == role).map_or(&[], |(_, names)| names)
}
