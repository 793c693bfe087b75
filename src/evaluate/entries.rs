//! Where packets from outside enter the cluster.
//! Never knows policy.

use std::collections::BTreeSet;

use super::rules::family;
use crate::model::flow::Packet;
use crate::model::world::{Fact, Hidden, Part, Service, World};

/// A node with it gets no traffic of load balancers and announces no addresses of Services over BGP.
const EXCLUDED: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

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

fn eligible(world: &World) -> impl Iterator<Item = String> + '_ {
    let open = |label: Option<&String>| label.is_none_or(|value| value == "false");
    world.nodes.values().filter(move |node| open(node.labels.get(EXCLUDED))).map(|node| node.name.clone())
}

/// The announcer of a load balancer's address where it is known; else every node, under externalTrafficPolicy: Local
/// those with a ready backend.
fn of_service(world: &World, service: &Service, packet: &Packet) -> Result<Vec<String>, String> {
    let name = format!("{}/{}", service.namespace, service.name);
    let advertised = world.network.advertised.iter().any(|net| net.contains(&packet.destination));
    if service.cluster_ips.contains(&packet.destination) && !advertised {
        let ip = packet.destination;
        return Err(format!("{ip} is the cluster address of Service {name}, which no BGPConfiguration advertises"));
    }
    let announcers = world.network.announcers.get(&(service.namespace.clone(), service.name.clone()));
    if let Some(nodes) = announcers.filter(|nodes| !nodes.is_empty() && !advertised) {
        return Ok(nodes.iter().cloned().collect());
    }
    // A cluster address goes to any backend from any node, whatever externalTrafficPolicy says.
    if !service.local || service.cluster_ips.contains(&packet.destination) {
        return Ok(eligible(world).collect());
    }
    match &service.backends {
        Fact::Unknown { why } => Err(why.clone()),
        Fact::Known { value, .. } => {
            let ready =
                value.iter().filter(|backend| backend.ready && family(backend.ip) == family(packet.destination));
            let with_backend: BTreeSet<&String> = ready.filter_map(|backend| backend.node.as_ref()).collect();
            Ok(eligible(world).filter(|node| with_backend.contains(node)).collect())
        }
    }
}
