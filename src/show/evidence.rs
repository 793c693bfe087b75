//! Where the facts behind an answer come from: every address, Service, route and policy that the paths met.
//! Never knows how a fact was found; it carries its evidence.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::flow::{Checkpoint, Decider, Hop, Path};
use crate::model::policy::PolicyId;
use crate::model::words::counted;
use crate::model::world::{AddressRole, Fact, Gap, Pool, Service, TunnelMode, World};
use crate::plan::facts::{Known, role};

type Row = Known;

/// The facts that were used, each with where it was read; and what could not be read.
pub fn of_paths(world: &World, paths: &[Path]) -> Vec<Known> {
    let hops: Vec<&Hop> = paths.iter().flat_map(|path| &path.hops).collect();
    let sent = paths.iter().filter_map(|path| path.sent);
    let met: BTreeSet<IpAddr> =
        sent.chain(hops.iter().map(|hop| hop.packet)).flat_map(|packet| [packet.source, packet.destination]).collect();
    let mut rows = nodes(world, &hops, &met);
    rows.extend(pods(world, &met));
    let ports: BTreeSet<u16> = paths.iter().filter_map(|path| path.sent?.port).collect();
    rows.extend(services(world, &met, &ports));
    rows.extend(routes(world, &met));
    rows.extend(hosts(world, &hops));
    rows.extend(policies(world, &hops));
    rows.extend(world.gaps.iter().map(gap));
    rows
}

fn row(of: impl Into<String>, fact: impl Into<String>, from: impl Into<String>) -> Row {
    Known { of: of.into(), fact: fact.into(), from: from.into(), is_known: true, noted: None }
}

/// The own addresses of nodes on the way, and of the others those that a packet carried.
fn nodes(world: &World, hops: &[&Hop], met: &BTreeSet<IpAddr>) -> Vec<Row> {
    let passed: BTreeSet<&str> = hops.iter().filter_map(|hop| hop.node.as_deref()).collect();
    let addresses = world.nodes.values().flat_map(|node| node.addresses.iter().map(move |address| (node, address)));
    let used = addresses.filter(|(node, address)| {
        met.contains(&address.ip) || (address.role == AddressRole::Host && passed.contains(node.name.as_str()))
    });
    used.map(|(node, address)| {
        let fact = format!("{} address {}", role(address.role), address.ip);
        row(format!("Node {}", node.name), fact, address.evidence.clone())
    })
    .collect()
}

fn pods(world: &World, met: &BTreeSet<IpAddr>) -> Vec<Row> {
    let pods = met.iter().flat_map(|ip| world.pods_at(*ip).map(move |pod| (ip, pod)));
    pods.map(|(ip, pod)| {
        let node = pod.node.as_deref().unwrap_or("no node");
        row(format!("Pod {}", pod.full_name()), format!("address {ip} on {node}"), "its status and spec.nodeName")
    })
    .collect()
}

fn services(world: &World, met: &BTreeSet<IpAddr>, ports: &BTreeSet<u16>) -> Vec<Row> {
    let mut rows = Vec::new();
    let behind = |service: &&Service| {
        let own = service.cluster_ips.iter().chain(&service.external_ips).chain(&service.load_balancer_ips);
        let door = service.ports.iter().filter_map(|port| port.node_port);
        own.into_iter().any(|ip| met.contains(ip)) || door.into_iter().any(|port| ports.contains(&port))
    };
    for service in world.services.values().filter(behind) {
        let name = format!("Service {}/{}", service.namespace, service.name);
        rows.push(match &service.backends {
            Fact::Known { value, evidence } => row(&name, counted(value.len(), "endpoint"), evidence),
            Fact::Unknown { why } => row(&name, "endpoints are not known", why),
        });
        let policy = if service.local { "Local" } else { "Cluster" };
        rows.push(row(&name, format!("{}, externalTrafficPolicy {policy}", service.kind), "its spec"));
    }
    rows
}

fn routes(world: &World, met: &BTreeSet<IpAddr>) -> Vec<Row> {
    let used = |pool: &&Pool| met.iter().any(|ip| pool.net.contains(ip));
    let mode = |word: &str, mode: TunnelMode| match mode {
        TunnelMode::Never => None,
        TunnelMode::Always => Some(format!(", {word} always")),
        TunnelMode::CrossSubnet => Some(format!(", {word} between subnets")),
    };
    let pools = world.pools.iter().filter(used).map(|pool| {
        let tunnel = mode("IPIP", pool.ipip).or_else(|| mode("VXLAN", pool.vxlan)).unwrap_or_default();
        let masquerade = if pool.nat_outgoing { ", natOutgoing" } else { "" };
        row(format!("IPPool {}", pool.name), format!("{}{tunnel}{masquerade}", pool.net), "its spec")
    });
    pools.collect()
}

fn hosts(world: &World, hops: &[&Hop]) -> Vec<Row> {
    let named: BTreeSet<&str> = hops
        .iter()
        .filter(|hop| !matches!(hop.checkpoint, Checkpoint::Ingress | Checkpoint::Egress))
        .filter_map(|hop| hop.endpoint.as_deref())
        .collect();
    let met = world.host_endpoints.iter().filter(|endpoint| named.contains(endpoint.name.as_str()));
    met.map(|endpoint| {
        let interface = endpoint.interface.as_deref().unwrap_or("that of its addresses");
        let fact = format!("polices node {}, interface {interface}", endpoint.node);
        row(format!("HostEndpoint {}", endpoint.name), fact, "its spec")
    })
    .collect()
}

/// Policies that decided, and those of a tier of which none did.
fn policies(world: &World, hops: &[&Hop]) -> Vec<Row> {
    let mut found: BTreeSet<&PolicyId> = BTreeSet::new();
    for by in hops.iter().filter_map(|hop| hop.by.as_ref()) {
        match by {
            Decider::Rule { policy, .. } => drop(found.insert(policy)),
            Decider::TierDefault { policies, .. } => found.extend(policies),
            Decider::Profile { .. } | Decider::Setting { .. } | Decider::Unknown { .. } => {}
        }
    }
    let place = |id: &PolicyId| world.written.get(id).map_or("the API", |written| written.place.as_str()).to_string();
    let order = |id: &PolicyId| {
        let policy = world.policies.iter().find(|policy| policy.id == *id);
        let order =
            policy.and_then(|policy| policy.order).map_or("no order".to_string(), |order| format!("order {order}"));
        format!("tier {}, {order}", policy.map_or("default", |policy| policy.tier.as_str()))
    };
    found.into_iter().map(|id| row(id.to_string(), order(id), place(id))).collect()
}

fn gap(gap: &Gap) -> Row {
    Known { is_known: false, ..row(&gap.place, "what it says", &gap.reason) }
}
