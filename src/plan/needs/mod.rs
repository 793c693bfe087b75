//! What must be read from a live cluster to answer a question, in rounds: first what names say, then what follows.
//! Never reads anything, and never asks for all pods where a few are enough.

mod doors;
mod logged;
mod network;
mod question;
mod sync;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::candidates::{candidates, label_text};
use super::staged::memory::Memory;
use super::staged::of_nodes;
use super::target::{Target, TargetKind};
use crate::kubernetes::names::{Kind, RESOURCES, SLICE_SERVICE};
use crate::kubernetes::objects::Query;
use crate::model::intent::Peer;
use crate::model::world::{LabelQuery, Service, World};
pub use doors::{exposure, exposure_follow_ups};
pub use logged::{logged, logged_follow_ups};
pub use network::{announcers, facts};
pub use question::{assertions, assertions_follow_ups, question, question_follow_ups};
pub use sync::{sync, sync_follow_ups};
pub use targets::of_target;
use targets::{owners_of, suggestions};

/// What decides about every endpoint, whichever it is.
fn everywhere() -> Vec<Query> {
    [
        Kind::GlobalNetworkPolicy,
        Kind::GlobalNetworkSet,
        // A set of any namespace can hold any address.
        Kind::NetworkSet,
        Kind::HostEndpoint,
        Kind::Node,
        Kind::IPPool,
        Kind::ClusterInformation,
    ]
    .map(Query::all)
    .into()
}

/// Kinds that only some versions of Calico have, so that no other version is asked for them.
fn of_version(world: &World) -> Vec<Query> {
    let since = |minor: u16| world.calico.is_none_or(|version| version.at_least(3, minor));
    let until = |minor: u16| world.calico.is_none_or(|version| !version.at_least(3, minor + 1));
    let kinds = [
        (Kind::Tier, since(29)),
        (Kind::AdminNetworkPolicy, since(29) && until(31)),
        (Kind::BaselineAdminNetworkPolicy, since(30) && until(31)),
        (Kind::ClusterNetworkPolicy, since(32)),
    ];
    kinds.into_iter().filter(|(_, asked)| *asked).map(|(kind, _)| Query::all(kind)).collect()
}

/// Every object of Calico.
pub fn calico() -> Vec<Query> {
    RESOURCES.iter().filter(|resource| resource.kind.is_calico()).map(|resource| Query::all(resource.kind)).collect()
}

/// What decides about the endpoints of one namespace.
fn of_namespace(namespace: &str) -> Vec<Query> {
    let mut queries = vec![Query::all(Kind::Namespace).named(namespace)];
    let kinds = [Kind::NetworkPolicy, Kind::KubernetesNetworkPolicy, Kind::ServiceAccount];
    queries.extend(kinds.map(|kind| Query::all(kind).in_namespace(namespace)));
    queries
}

/// The first round for a flow between two targets: what they are, and what decides about every endpoint.
pub fn flow(from: &Target, to: &Target) -> Vec<Query> {
    let mut queries = everywhere();
    queries.extend(of_target(from));
    queries.extend(of_target(to));
    without_repeats(queries)
}

/// The second round for a flow, once the first told what the targets are: their pods, and what decides in their
/// namespaces. Empty where a target fits several things, as that ends the question.
pub fn flow_follow_ups(world: &World, from: &Target, to: &Target) -> Vec<Query> {
    let mut queries = of_version(world);
    queries.extend(network::flow_follow_ups(world));
    let mut namespaces = BTreeSet::new();
    for (target, receives) in [(from, false), (to, true)] {
        if let Target::Nets(nets) = target {
            namespaces.extend(owners_of(world, nets));
            continue;
        }
        if let Target::Named { kind: Some(TargetKind::Namespace), name, .. } = target {
            queries.push(Query::all(Kind::Pod).in_namespace(name));
            namespaces.insert(name.clone());
            continue;
        }
        let Target::Named { .. } = target else { continue };
        let found = candidates(world, target);
        let Some(namespace) = found.first().map(|candidate| candidate.namespace.clone()) else {
            return suggestions(target);
        };
        if found.iter().any(|candidate| candidate.namespace != namespace) {
            return Vec::new();
        }
        for candidate in &found {
            queries.push(match (&candidate.kind, &candidate.query) {
                (TargetKind::Pod, _) => Query::all(Kind::Pod).in_namespace(&namespace),
                (_, Some(query)) => Query::all(Kind::Pod).in_namespace(&namespace).labelled(label_text(query)),
                (_, None) => Query::all(Kind::EndpointSlice)
                    .in_namespace(&namespace)
                    .labelled(format!("{SLICE_SERVICE}={}", candidate.name)),
            });
            if candidate.kind == TargetKind::Pod {
                let owned = world.pods.iter().any(|pod| pod.name == candidate.name && pod.owner.is_some());
                if owned {
                    let kinds = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet];
                    queries.extend(kinds.map(|kind| Query::all(kind).in_namespace(&namespace)));
                }
            }
        }
        if receives {
            // Other Services can lead to the same pods: exposure is said of all of them.
            queries.push(Query::all(Kind::Service).in_namespace(&namespace));
        }
        namespaces.insert(namespace);
    }
    for namespace in namespaces {
        queries.extend(of_namespace(&namespace));
    }
    without_contained(without_repeats(queries))
}

/// Where to look for a grant by its id, or for all of them: every policy of Calico.
pub fn grants() -> Vec<Query> {
    [Kind::GlobalNetworkPolicy, Kind::NetworkPolicy, Kind::ClusterInformation].map(Query::all).into()
}

/// The second round of `revoke`: what would become open if a policy of this namespace went.
pub fn revoke_follow_ups(world: &World, namespaces: &BTreeSet<String>) -> Vec<Query> {
    let mut queries = of_version(world);
    for namespace in namespaces {
        let kinds = [Kind::Pod, Kind::KubernetesNetworkPolicy, Kind::ServiceAccount];
        queries.push(Query::all(Kind::Namespace).named(namespace));
        queries.extend(kinds.map(|kind| Query::all(kind).in_namespace(namespace)));
    }
    // A door of which the last grant goes is taken along.
    for info in super::revoke::grants(world) {
        if let (Some(through), Peer::Pods { namespace, .. }) = (info.grant.through, info.grant.to) {
            queries.push(Query::all(Kind::Service).in_namespace(&namespace).named(&through.service));
        }
    }
    without_repeats(queries)
}

/// Everything that `lockdown` and `unlock` look at: the one question that concerns all pods.
pub fn lockdown() -> Vec<Query> {
    let mut queries = everywhere();
    let kinds = [
        Kind::NetworkPolicy,
        Kind::KubernetesNetworkPolicy,
        Kind::Namespace,
        Kind::Pod,
        Kind::ServiceAccount,
        Kind::Service,
        Kind::EndpointSlice,
        Kind::Deployment,
        Kind::StatefulSet,
        Kind::DaemonSet,
        Kind::ValidatingWebhookConfiguration,
        Kind::MutatingWebhookConfiguration,
        Kind::APIService,
        Kind::CustomResourceDefinition,
    ];
    queries.extend(kinds.map(Query::all));
    queries
}

/// The next rounds of `unlock`: what only some versions have, and what an observation changed of Felix's logging.
pub fn unlock_follow_ups(world: &World) -> Vec<Query> {
    let mut queries = of_version(world);
    queries.extend(staged(world));
    if !Memory::of(world).felix.is_empty() {
        queries.push(Query::all(Kind::FelixConfiguration));
    }
    queries
}

/// The next rounds of `promote`: what the nodes' lock looks at too, where they are observed.
pub fn promotion_follow_ups(world: &World) -> Vec<Query> {
    let mut queries = lockdown_follow_ups(world);
    if of_nodes(world).is_some() {
        queries.extend(hosts());
        queries.extend(hosts_follow_ups(world));
    }
    without_contained(without_repeats(queries))
}

/// What `lockdown --observe` looks at besides: where Felix logs, and how.
pub fn observation() -> Vec<Query> {
    let mut queries = lockdown();
    queries.extend(network::felix());
    without_contained(without_repeats(queries))
}

/// Staged policies, where the cluster can have some.
fn staged(world: &World) -> Option<Query> {
    let can = world.calico.is_none_or(|version| version.at_least(3, 30));
    can.then(|| Query::all(Kind::StagedGlobalNetworkPolicy))
}

/// The next rounds of `lockdown`: the same, and what grants need that go on.
pub fn lockdown_follow_ups(world: &World) -> Vec<Query> {
    let mut queries = unlock_follow_ups(world);
    if !super::revoke::grants(world).is_empty() {
        queries.extend(sync_follow_ups(world));
    }
    without_repeats(queries)
}

/// What `lockdown --nodes` looks at besides: every door, and what decides on the nodes.
pub fn hosts() -> Vec<Query> {
    let mut queries = lockdown();
    queries.extend(network::ways());
    queries.extend(network::door_ranges());
    queries.push(Query::all(Kind::BGPPeer));
    without_contained(without_repeats(queries))
}

/// The next rounds of `lockdown --nodes`.
pub fn hosts_follow_ups(world: &World) -> Vec<Query> {
    let mut queries = lockdown_follow_ups(world);
    queries.extend(network::ways_follow_ups(world, &Target::Nodes));
    without_repeats(queries)
}

/// Everything that `status` looks at: policies and whom they select, without the traffic; with `detailed` the facts of
/// the network too.
pub fn status(detailed: bool) -> Vec<Query> {
    let kinds = [
        Kind::GlobalNetworkPolicy,
        Kind::NetworkPolicy,
        Kind::KubernetesNetworkPolicy,
        Kind::GlobalNetworkSet,
        Kind::NetworkSet,
        Kind::HostEndpoint,
        Kind::ClusterInformation,
        Kind::Namespace,
        Kind::Node,
        Kind::Pod,
        Kind::Service,
        Kind::DaemonSet,
        Kind::Deployment,
    ];
    let mut queries: Vec<Query> = kinds.map(Query::all).into();
    if detailed {
        queries.extend(facts());
    }
    without_contained(without_repeats(queries))
}

/// The next rounds of `status`: what only some versions have, and what tells whether grants and the perimeter are up to date.
pub fn status_follow_ups(world: &World) -> Vec<Query> {
    let known = status(false);
    let mut queries = of_version(world);
    queries.extend(staged(world));
    let behind = sync_follow_ups(world);
    if !behind.is_empty() {
        queries.extend(everywhere());
        queries.extend(behind);
    }
    let all = |query: &Query| known.contains(&Query::all(query.kind));
    let mut queries = without_contained(without_repeats(queries));
    queries.retain(|query| !all(query));
    queries
}

/// The first round of `explain`: what `flow` asks for, and what decides how packets find their way.
pub fn ways(from: &Target, to: &Target) -> Vec<Query> {
    let mut queries = flow(from, to);
    queries.extend(network::ways());
    if let Target::Nets(_) = to {
        // No API server finds a Service by all of its addresses.
        queries.push(Query::all(Kind::Service));
    }
    without_repeats(queries)
}

/// The next rounds of `explain`: what `flow_follow_ups` asks for, and what stands behind a Service's address.
pub fn ways_follow_ups(world: &World, from: &Target, to: &Target) -> Vec<Query> {
    let mut queries = flow_follow_ups(world, from, to);
    queries.extend(network::ways_follow_ups(world, to));
    let Target::Nets(nets) = to else { return without_contained(without_repeats(queries)) };
    let hosts = nets.iter().filter(|net| net.prefix_len() == net.max_prefix_len());
    for service in hosts.flat_map(|net| world.services_at(net.addr())) {
        queries.extend(behind(service));
    }
    without_contained(without_repeats(queries))
}

/// What stands behind a Service, and what decides there.
fn behind(service: &Service) -> Vec<Query> {
    let namespace = &service.namespace;
    let slices = format!("{SLICE_SERVICE}={}", service.name);
    let mut queries = vec![Query::all(Kind::EndpointSlice).in_namespace(namespace).labelled(slices)];
    if !service.selector.is_empty() {
        let selector = LabelQuery { equal: service.selector.clone(), expressions: Vec::new() };
        queries.push(Query::all(Kind::Pod).in_namespace(namespace).labelled(label_text(&selector)));
    }
    queries.extend(of_namespace(namespace));
    queries
}

/// Everything that any question looks at, for a snapshot. Of ConfigMaps and Events only those that decide something.
pub fn everything() -> Vec<Query> {
    let narrowed = [Kind::ConfigMap, Kind::Event];
    let kinds = RESOURCES.iter().map(|resource| resource.kind).filter(|kind| !narrowed.contains(kind));
    let mut queries: Vec<Query> = kinds.map(Query::all).collect();
    queries.extend(network::config_maps());
    queries.push(network::events());
    queries
}

fn without_repeats(queries: Vec<Query>) -> Vec<Query> {
    let mut kept: Vec<Query> = Vec::with_capacity(queries.len());
    for query in queries {
        if !kept.contains(&query) {
            kept.push(query);
        }
    }
    kept
}

/// A question for some objects is not asked where all of the kind, or of the namespace, are asked for anyway.
fn without_contained(queries: Vec<Query>) -> Vec<Query> {
    let contained = |query: &Query| {
        let of_namespace = Query { labels: None, fields: None, name: None, ..query.clone() };
        let all = [Query::all(query.kind), of_namespace];
        all.iter().any(|all| all != query && queries.contains(all))
    };
    let kept: Vec<bool> = queries.iter().map(|query| !contained(query)).collect();
    queries.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(query, _)| query).collect()
}
