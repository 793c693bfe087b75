//! What must be read to find out what a target is.
//! Never knows what is asked about it.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::without_repeats;
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::Query;
use crate::model::world::World;
use crate::plan::target::{Target, TargetKind};

/// Queries by which a named target is found, or the owner of an address.
pub fn of_target(target: &Target) -> Vec<Query> {
    let (namespace, kind, name) = match target {
        Target::Named { namespace, kind, name } => (namespace, kind, name),
        Target::Nets(nets) => {
            let hosts = nets.iter().filter(|net| net.prefix_len() == net.max_prefix_len());
            return hosts
                .map(|net| Query::all(Kind::Pod).with_fields(format!("status.podIP={}", net.addr())))
                .collect();
        }
        Target::Nodes | Target::World => return Vec::new(),
    };
    let kinds = match kind {
        Some(TargetKind::Namespace) => vec![],
        Some(kind) => vec![kind_of(*kind)],
        None => vec![
            Kind::Service,
            Kind::Deployment,
            Kind::StatefulSet,
            Kind::DaemonSet,
            Kind::ReplicaSet,
            Kind::Job,
            Kind::Pod,
        ],
    };
    let at = |query: Query| match namespace {
        Some(namespace) => query.in_namespace(namespace),
        None => query,
    };
    kinds.into_iter().map(|kind| at(Query::all(kind)).named(name)).collect()
}

fn kind_of(kind: TargetKind) -> Kind {
    match kind {
        TargetKind::Service => Kind::Service,
        TargetKind::Deployment => Kind::Deployment,
        TargetKind::StatefulSet => Kind::StatefulSet,
        TargetKind::DaemonSet => Kind::DaemonSet,
        TargetKind::ReplicaSet => Kind::ReplicaSet,
        TargetKind::Job => Kind::Job,
        TargetKind::Pod => Kind::Pod,
        TargetKind::Namespace => Kind::Namespace,
    }
}

/// The namespaces of pods that have one of the addresses.
pub fn owners_of(world: &World, nets: &[IpNet]) -> BTreeSet<String> {
    let own = world.pods.iter().filter(|pod| pod.addresses.iter().any(|ip| nets.iter().any(|net| net.contains(ip))));
    own.filter(|pod| !pod.host_network).map(|pod| pod.namespace.clone()).collect()
}

/// What there is instead of a name that fits nothing.
pub fn suggestions(target: &Target) -> Vec<Query> {
    let Target::Named { namespace, kind, .. } = target else { return Vec::new() };
    let mut kinds = vec![Kind::Namespace];
    match kind {
        Some(kind) => kinds.push(kind_of(*kind)),
        None => kinds.extend([Kind::Service, Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet]),
    }
    let at = |kind: Kind| match namespace {
        Some(namespace) if kind != Kind::Namespace => Query::all(kind).in_namespace(namespace),
        _ => Query::all(kind),
    };
    without_repeats(kinds.into_iter().map(at).collect())
}
