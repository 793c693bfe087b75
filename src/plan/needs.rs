//! What must be read from a live cluster to answer a question, in rounds: first what names say, then what follows.
//! Never reads anything, and never asks for all pods where a few are enough.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::candidates::{candidates, label_text};
use super::target::{Target, TargetKind};
use crate::kubernetes::names::{Kind, RESOURCES, SLICE_SERVICE};
use crate::kubernetes::objects::Query;
use crate::model::world::{LabelQuery, World};

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

/// What decides about the endpoints of one namespace.
fn of_namespace(namespace: &str) -> Vec<Query> {
    let mut queries = vec![Query::all(Kind::Namespace).named(namespace)];
    let kinds = [Kind::NetworkPolicy, Kind::KubernetesNetworkPolicy, Kind::ServiceAccount];
    queries.extend(kinds.map(|kind| Query::all(kind).in_namespace(namespace)));
    queries
}

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

/// The namespaces of pods that have one of the addresses.
fn owners_of(world: &World, nets: &[IpNet]) -> BTreeSet<String> {
    let own = world.pods.iter().filter(|pod| pod.addresses.iter().any(|ip| nets.iter().any(|net| net.contains(ip))));
    own.filter(|pod| !pod.host_network).map(|pod| pod.namespace.clone()).collect()
}

/// What there is instead of a name that fits nothing.
fn suggestions(target: &Target) -> Vec<Query> {
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
    queries
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

/// The second round of `lockdown`: what only some versions have.
pub fn lockdown_follow_ups(world: &World) -> Vec<Query> {
    of_version(world)
}

/// Everything that `status` looks at: policies and whom they select, without the traffic.
pub fn status() -> Vec<Query> {
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
    kinds.map(Query::all).into()
}

/// The second round of `status`: what only some versions have.
pub fn status_follow_ups(world: &World) -> Vec<Query> {
    of_version(world)
}

/// The first round of `explain`: what `flow` asks for, and what decides how packets find their way.
pub fn ways(from: &Target, to: &Target) -> Vec<Query> {
    let mut queries = flow(from, to);
    queries.extend([Kind::FelixConfiguration, Kind::BGPConfiguration].map(Query::all));
    queries.push(Query::all(Kind::ConfigMap).in_namespace("kube-system").named("kube-proxy"));
    if let Target::Nets(_) = to {
        // No API server finds a Service by all of its addresses.
        queries.push(Query::all(Kind::Service));
    }
    without_repeats(queries)
}

/// The next rounds of `explain`: what `flow_follow_ups` asks for, and what stands behind a Service's address.
pub fn ways_follow_ups(world: &World, from: &Target, to: &Target) -> Vec<Query> {
    let mut queries = flow_follow_ups(world, from, to);
    let Target::Nets(nets) = to else { return queries };
    let hosts = nets.iter().filter(|net| net.prefix_len() == net.max_prefix_len());
    for service in hosts.flat_map(|net| world.services_at(net.addr())) {
        let namespace = &service.namespace;
        let slices = format!("{SLICE_SERVICE}={}", service.name);
        queries.push(Query::all(Kind::EndpointSlice).in_namespace(namespace).labelled(slices));
        if !service.selector.is_empty() {
            let selector = LabelQuery { equal: service.selector.clone(), expressions: Vec::new() };
            queries.push(Query::all(Kind::Pod).in_namespace(namespace).labelled(label_text(&selector)));
        }
        queries.extend(of_namespace(namespace));
    }
    without_contained(without_repeats(queries))
}

/// Everything that any question looks at, for a snapshot. Of ConfigMaps only those that decide something.
pub fn everything() -> Vec<Query> {
    let kinds = RESOURCES.iter().map(|resource| resource.kind).filter(|kind| *kind != Kind::ConfigMap);
    let mut queries: Vec<Query> = kinds.map(Query::all).collect();
    for (namespace, name) in
        [("kube-system", "kube-proxy"), ("kube-system", "node-local-dns"), ("metallb-system", "config")]
    {
        queries.push(Query::all(Kind::ConfigMap).in_namespace(namespace).named(name));
    }
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

/// A question for some pods of a namespace is not asked where all of them are asked for anyway.
fn without_contained(queries: Vec<Query>) -> Vec<Query> {
    let contained = |query: &Query| {
        let all = Query { labels: None, fields: None, name: None, ..query.clone() };
        query.namespace.is_some() && all != *query && queries.contains(&all)
    };
    let kept: Vec<bool> = queries.iter().map(|query| !contained(query)).collect();
    queries.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(query, _)| query).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::world::{Service, Version, Workload};

    fn parse(text: &str) -> Target {
        Target::parse(text, None).unwrap()
    }

    fn shown(queries: &[Query]) -> Vec<String> {
        let text = |query: &Query| {
            let at = query.namespace.as_ref().map(|n| format!("{n}/")).unwrap_or_default();
            let narrowed = [&query.name, &query.labels, &query.fields].into_iter().flatten().cloned();
            let narrowed: Vec<String> = narrowed.collect();
            format!("{at}{} {}", query.kind, narrowed.join(" ")).trim().to_string()
        };
        let mut shown: Vec<String> = queries.iter().map(text).collect();
        shown.sort();
        shown
    }

    fn world_with_nginx() -> World {
        let labels = [("app".to_string(), "nginx".to_string())];
        let service = Service {
            namespace: "demo".into(),
            name: "nginx".into(),
            selector: labels.clone().into(),
            ..Service::default()
        };
        let workload = Workload {
            kind: "Deployment".into(),
            namespace: "demo".into(),
            name: "nginx".into(),
            selector: LabelQuery { equal: labels.clone().into(), expressions: Vec::new() },
            pod_labels: labels.into(),
            ports: Vec::new(),
            owned: false,
        };
        World {
            services: [(("demo".to_string(), "nginx".to_string()), service)].into(),
            workloads: vec![workload],
            calico: Version::parse("v3.18.1"),
            ..World::default()
        }
    }

    #[test]
    fn a_name_is_looked_up_by_name_and_an_address_by_its_pod() {
        let queries = flow(&parse("10.7.0.99"), &parse("nginx"));
        assert!(queries.iter().all(|query| query.kind != Kind::Pod || query.name.is_some() || query.fields.is_some()));
        assert!(shown(&queries).contains(&"Pod status.podIP=10.7.0.99".to_string()));
        assert!(shown(&queries).contains(&"Service nginx".to_string()));
        assert!(shown(&flow(&parse("10.0.0.0/8"), &parse("a/svc/b"))).contains(&"a/Service b".to_string()));
    }

    #[test]
    fn the_second_round_asks_once_for_the_pods_and_for_their_namespace() {
        let queries = flow_follow_ups(&world_with_nginx(), &parse("10.7.0.99"), &parse("nginx"));
        let expected = [
            "Namespace demo",
            "demo/NetworkPolicy",
            "demo/NetworkPolicy",
            "demo/Pod app=nginx",
            "demo/Service",
            "demo/ServiceAccount",
        ];
        assert_eq!(shown(&queries), expected);
        let kinds: Vec<Kind> = queries.iter().map(|query| query.kind).collect();
        assert!(kinds.contains(&Kind::NetworkPolicy) && kinds.contains(&Kind::KubernetesNetworkPolicy));
    }

    #[test]
    fn kinds_are_asked_for_only_where_the_version_has_them() {
        let asked = |version: &str| {
            let world = World { calico: Version::parse(version), ..World::default() };
            shown(&of_version(&world))
        };
        assert!(asked("v3.28.0").is_empty());
        assert_eq!(asked("v3.30.0"), ["AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "Tier"]);
        assert_eq!(asked("v3.32.1"), ["ClusterNetworkPolicy", "Tier"]);
        assert_eq!(of_version(&World::default()).len(), 4);
    }

    #[test]
    fn a_name_that_fits_nothing_brings_what_there_is_instead() {
        let queries = flow_follow_ups(&World::default(), &parse("10.7.0.99"), &parse("demo/ngnix"));
        assert!(shown(&queries).contains(&"demo/Service".to_string()));
        assert!(!queries.iter().any(|query| query.kind == Kind::Pod));
    }

    #[test]
    fn a_name_in_two_namespaces_ends_the_question() {
        let mut world = world_with_nginx();
        let other = Service { namespace: "shop".into(), ..world.services.values().next().unwrap().clone() };
        world.services.insert(("shop".into(), "nginx".into()), other);
        assert_eq!(flow_follow_ups(&world, &parse("10.7.0.99"), &parse("nginx")), []);
    }

    #[test]
    fn some_pods_are_not_asked_for_where_all_of_the_namespace_are() {
        let queries = flow_follow_ups(&world_with_nginx(), &parse("namespace/demo"), &parse("nginx"));
        let pods: Vec<String> = shown(&queries).into_iter().filter(|text| text.contains("Pod")).collect();
        assert_eq!(pods, ["demo/Pod"]);
    }
}
