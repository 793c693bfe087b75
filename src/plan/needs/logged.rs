//! What must be read to say who the addresses of kernel log lines are and which policies stopped them.
//! Never asks for pods but those at the addresses, and their siblings.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::network;
use super::{everywhere, exposure, exposure_follow_ups, of_namespace, of_version, without_contained, without_repeats};
use crate::evaluate::owners::unseen_pod;
use crate::kubernetes::names::{Kind, SLICE_SERVICE};
use crate::kubernetes::objects::Query;
use crate::model::world::{ServicePort, World};
use crate::plan::target::{Target, TargetKind};

/// How many addresses are looked up in one round, so that a scan in the log is no flood of requests.
const AT_ONCE: usize = 100;

/// The first round: what decides about every endpoint and how packets find their way. No API server finds a Service by all
/// of its addresses, so all are read.
pub fn logged() -> Vec<Query> {
    let mut queries = everywhere();
    queries.extend(network::ways());
    queries.push(Query::all(Kind::Service));
    without_repeats(queries)
}

/// The next rounds: pods at those addresses that pods can have, then what decides in their namespaces, what owns them, and
/// what stands behind a Service's address or node port.
pub fn logged_follow_ups(world: &World, addresses: &BTreeSet<IpAddr>, ports: &BTreeSet<u16>) -> Vec<Query> {
    let mut queries = of_version(world);
    let unseen = addresses.iter().filter(|ip| world.node_at(**ip).is_none() && unseen_pod(world, **ip).is_some());
    let by_address = |ip: &IpAddr| Query::all(Kind::Pod).with_fields(format!("status.podIP={ip}"));
    queries.extend(unseen.take(AT_ONCE).map(by_address));
    let mut namespaces = BTreeSet::new();
    for pod in addresses.iter().flat_map(|ip| world.pods_at(*ip)) {
        if pod.owner.is_some() {
            let kinds = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet];
            queries.extend(kinds.map(|kind| Query::all(kind).in_namespace(&pod.namespace)));
        }
        namespaces.insert(pod.namespace.clone());
    }
    let nets = Target::Nets(addresses.iter().copied().map(Into::into).collect());
    queries.extend(network::ways_follow_ups(world, &nets));
    let node_port = |port: &ServicePort| port.node_port.is_some_and(|port| ports.contains(&port));
    let by_port = world.services.values().filter(|service| service.ports.iter().any(node_port));
    for service in addresses.iter().flat_map(|ip| world.services_at(*ip)).chain(by_port) {
        let slices = format!("{SLICE_SERVICE}={}", service.name);
        queries.push(Query::all(Kind::EndpointSlice).in_namespace(&service.namespace).labelled(slices));
        namespaces.insert(service.namespace.clone());
        // What exposes it to a client has to know every other door.
        let name = Target::Named {
            namespace: Some(service.namespace.clone()),
            kind: Some(TargetKind::Service),
            name: service.name.clone(),
        };
        queries.extend(exposure(&name));
        queries.extend(exposure_follow_ups(world, &name));
    }
    for namespace in namespaces {
        // A rule that is proposed covers a pod's siblings, and must be tried on them.
        queries.push(Query::all(Kind::Pod).in_namespace(&namespace));
        queries.extend(of_namespace(&namespace));
    }
    without_contained(without_repeats(queries))
}
