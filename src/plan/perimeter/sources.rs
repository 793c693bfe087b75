//! From where a Service's clients seem to come when their packets reach its pods.
//! Never decides whether such addresses may be let in.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::PlanError;
use super::super::exposure::Door;
use super::super::rules::{node_nets, of_nets};
use super::compose::doors_of;
use super::doors::Doorway;
use super::nodes_set;
use crate::model::intent::{Grant, Peer};
use crate::model::spec::EntitySpec;
use crate::model::world::{Fact, LocalDetection, Service, World};

/// The Service of a grant's door.
pub fn service_of<'w>(world: &'w World, grant: &Grant) -> Option<&'w Service> {
    let (Some(through), Peer::Pods { namespace, .. }) = (&grant.through, &grant.to) else { return None };
    world.services.get(&(namespace.clone(), through.service.clone()))
}

/// Whether what enters by one node and goes to a pod on another carries the first one's address there, by any door of a
/// grant.
pub fn masquerades(world: &World, grant: &Grant) -> Result<bool, PlanError> {
    let Some(service) = service_of(world, grant) else { return Ok(false) };
    let doors = doors_of(world, grant);
    let cluster = |doorway: &Doorway<'_>| matches!(doorway.door, Door::Advertised(_));
    let (clusters, others) = (doors.iter().any(cluster), doors.is_empty() || doors.iter().any(|door| !cluster(door)));
    Ok((others && of_door(world, service, false)?) || (clusters && of_door(world, service, true)?))
}

fn of_door(world: &World, service: &Service, cluster: bool) -> Result<bool, PlanError> {
    // The eBPF dataplane keeps the client's address on every way.
    if world.network.felix.is_bpf() {
        return Ok(false);
    }
    if !cluster {
        return Ok(!service.local);
    }
    if service.internal_local || world.network.masquerade_all {
        return Ok(!service.internal_local);
    }
    // A cluster address: kube-proxy masquerades what comes from outside, if it can tell.
    match &world.network.knows_local {
        Fact::Known { value, .. } => Ok(*value != LocalDetection::Never),
        Fact::Unknown { why } => Err(PlanError::Unknown {
            reason: format!("whether kube-proxy masquerades clients of a cluster address is not known: {why}"),
            hints: vec!["permission to read ConfigMap kube-system/kube-proxy".into()],
        }),
    }
}

/// The nodes' addresses as a rule's source, where a grant's door needs them.
pub fn behind_the_door(world: &World, grant: &Grant) -> Result<Vec<EntitySpec>, PlanError> {
    let Some(through) = &grant.through else { return Ok(Vec::new()) };
    if !masquerades(world, grant)? {
        return Ok(Vec::new());
    }
    Ok(match through.inline {
        true => of_nets(&node_nets(world)),
        false => vec![nodes_set::entity()],
    })
}

/// Whether two Services lead to pods that are the same.
pub fn leads_to_the_same(one: &Service, other: &Service) -> bool {
    let backends = |service: &Service| -> BTreeSet<IpAddr> {
        service.backends.value().into_iter().flatten().map(|backend| backend.ip).collect()
    };
    one.namespace == other.namespace && (one.selector == other.selector || !backends(one).is_disjoint(&backends(other)))
}

/// The ranges that pods take addresses from.
pub fn pod_nets(world: &World) -> Vec<IpNet> {
    let pools = world.pools.iter().map(|pool| pool.net);
    let ranges = world.nodes.values().flat_map(|node| node.pod_ranges.iter().copied());
    IpNet::aggregate(&pools.chain(ranges).collect())
}

/// Whether a Service's load balancer asks the nodes for their health, and from outside: those of clouds do. MetalLB is in
/// the cluster and asks nobody; its pools tell its addresses.
pub fn is_checked_from_outside(world: &World, service: &Service) -> bool {
    let Some(pools) = world.network.address_pools.value() else { return true };
    let given: Vec<&IpAddr> = service.load_balancer_ips.iter().chain(&service.proxied_ips).collect();
    match given.is_empty() {
        // None yet: whoever has pools here will give it one.
        true => pools.is_empty(),
        false => given.into_iter().any(|ip| !pools.iter().any(|pool| pool.contains(*ip))),
    }
}

/// Whether nets are of the family of an address.
pub fn of_family(nets: &[IpNet], like: IpAddr) -> impl Iterator<Item = IpNet> + '_ {
    nets.iter().copied().filter(move |net| net.addr().is_ipv4() == like.is_ipv4())
}
