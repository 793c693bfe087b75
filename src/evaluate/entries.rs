//! Where packets from outside enter the cluster.
//! Never knows policy.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::rules::family;
use crate::model::flow::Packet;
use crate::model::world::{Fact, Hidden, Node, Part, Service, ServiceAddress, World};

/// The nodes where a packet for this destination can enter.
pub fn of(world: &World, packet: &Packet) -> Result<Vec<String>, String> {
    let destination = packet.destination;
    let homes: BTreeSet<&String> = world.pods_at(destination).filter_map(|pod| pod.node.as_ref()).collect();
    if !homes.is_empty() {
        return Ok(homes.into_iter().cloned().collect());
    }
    let services: Vec<&Service> = world.services_at(destination).collect();
    if let Some(node) = world.node_at(destination) {
        return Ok(vec![node.name.clone()]);
    }
    if let Some(service) = world.services.values().find(|service| service.proxied_ips.contains(&destination)) {
        return Err(format!(
            "{destination} is a load balancer of its own (ipMode Proxy of Service {}/{}), which connects to the nodes anew",
            service.namespace, service.name
        ));
    }
    if services.is_empty() {
        let gap = world.gap(Hidden::Services, None).map(|gap| format!("{} could not be read", gap.place));
        let unread = (!world.sees(Part::Services, None)).then(|| "not all Services were read".to_string());
        let hint = gap.or(unread).map(|why| format!("; {why}")).unwrap_or_default();
        return Err(format!("nothing in the cluster is known to have {destination}{hint}"));
    }
    if !world.sees(Part::Nodes, None) || world.gap(Hidden::Routes, None).is_some() {
        return Err(format!("not all Nodes were read, so where packets to {destination} enter is not known"));
    }
    let mut nodes = BTreeSet::new();
    for service in services.iter().filter(|service| serves(service, packet)) {
        nodes.extend(of_service(world, service, packet)?);
    }
    match nodes.is_empty() {
        // No port of it is asked for: any node will say so.
        true if !services.iter().any(|service| serves(service, packet)) => Ok(eligible(world).take(1).collect()),
        true => Err(format!("no node takes packets to {destination}: no ready backend, or every node is excluded")),
        false => Ok(nodes.into_iter().collect()),
    }
}

fn serves(service: &Service, packet: &Packet) -> bool {
    service.ports.iter().any(|port| port.protocol == packet.protocol && Some(port.port) == packet.port)
}

/// Nodes that are targets of load balancers.
fn eligible(world: &World) -> impl Iterator<Item = String> + '_ {
    world.nodes.values().filter(|node| node.excluded.is_none()).map(|node| node.name.clone())
}

/// The announcers of a load balancer's address where they are known; else every node that may be one. Of an address that
/// is advertised over BGP, every node that advertises it.
fn of_service(world: &World, service: &Service, packet: &Packet) -> Result<Vec<String>, String> {
    let ip = packet.destination;
    let name = format!("{}/{}", service.namespace, service.name);
    let of = if service.cluster_ips.contains(&ip) {
        ServiceAddress::Cluster
    } else if service.load_balancer_ips.contains(&ip) {
        ServiceAddress::LoadBalancer
    } else {
        ServiceAddress::External
    };
    if world.network.advertises(of, ip).is_some() {
        return with_backend(service, of, ip, advertisers(world));
    }
    match of {
        ServiceAddress::Cluster => {
            Err(format!("{ip} is the cluster address of Service {name}, which no BGPConfiguration advertises"))
        }
        // Whoever administers it routes it to any node.
        ServiceAddress::External => with_backend(service, of, ip, world.nodes.keys().cloned().collect()),
        ServiceAddress::LoadBalancer => {
            let announcers = world.network.announcers.get(&(service.namespace.clone(), service.name.clone()));
            if let Some(Fact::Known { value, .. }) = announcers {
                let nodes: BTreeSet<&String> = value.iter().map(|announcer| &announcer.node).collect();
                return Ok(nodes.into_iter().cloned().collect());
            }
            let candidates = match world.network.address_pool(ip) {
                Some(pool) => {
                    let may = |node: &&Node| {
                        pool.may_be_announced_by(&node.labels) && (pool.excluded_too || node.excluded.is_none())
                    };
                    world.nodes.values().filter(may).map(|node| node.name.clone()).collect()
                }
                None => eligible(world).collect(),
            };
            with_backend(service, of, ip, candidates)
        }
    }
}

/// The nodes that tell routers of Services' addresses: those that have a peer outside, where any is known to have one.
/// A node is excluded by the label's value `true` alone (confd), not by its presence.
fn advertisers(world: &World) -> Vec<String> {
    let advertises = |node: &&Node| node.excluded.as_deref() != Some("true");
    let nodes: Vec<&Node> = world.nodes.values().filter(advertises).collect();
    let peers = world.network.bgp_peers.value().map(Vec::as_slice).unwrap_or_default();
    let has_peer = |node: &&&Node| peers.iter().any(|peer| peer.is_of(&node.name, &node.labels));
    let with_peer: Vec<String> = nodes.iter().filter(has_peer).map(|node| node.name.clone()).collect();
    match with_peer.is_empty() {
        true => nodes.into_iter().map(|node| node.name.clone()).collect(),
        false => with_peer,
    }
}

/// Under externalTrafficPolicy: Local only nodes with a ready backend take packets; a cluster address goes to any
/// backend from any node all the same.
fn with_backend(
    service: &Service,
    of: ServiceAddress,
    ip: IpAddr,
    candidates: Vec<String>,
) -> Result<Vec<String>, String> {
    if !service.local || of == ServiceAddress::Cluster {
        return Ok(candidates);
    }
    match &service.backends {
        Fact::Unknown { why } => Err(why.clone()),
        Fact::Known { value, .. } => {
            let ready = value.iter().filter(|backend| backend.ready && family(backend.ip) == family(ip));
            let with_backend: BTreeSet<&String> = ready.filter_map(|backend| backend.node.as_ref()).collect();
            Ok(candidates.into_iter().filter(|node| with_backend.contains(node)).collect())
        }
    }
}
