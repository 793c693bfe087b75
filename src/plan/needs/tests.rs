//! What is asked for each question, and what is not.
//! Never asks a server.

use super::*;
use crate::model::world::{Advertised, Fact, HostEndpoint, Service, ServiceAddress, Version, Workload};

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

/// A load balancer's Service.
fn world_with_balancer() -> World {
    let mut world = world_with_nginx();
    let key = ("demo".to_string(), "nginx".to_string());
    world.services.get_mut(&key).unwrap().load_balancer_ips = vec!["10.9.0.1".parse().unwrap()];
    world.index();
    world
}

#[test]
fn a_question_about_ways_asks_for_what_decides_them_and_no_more() {
    let first = shown(&ways(&parse("10.7.0.99"), &parse("nginx")));
    for asked in ["FelixConfiguration", "BGPConfiguration", "DaemonSet calico-node", "kube-system/ConfigMap kube-proxy"]
    {
        assert!(first.contains(&asked.to_string()), "{asked} in {first:?}");
    }
    for other in ["BGPPeer", "Event", "ServiceL2Status", "KubeControllersConfiguration", "ServiceCIDR", "IPAddressPool"]
    {
        assert!(!first.iter().any(|query| query.contains(other)), "{other} in {first:?}");
    }
}

#[test]
fn only_a_load_balancers_service_is_asked_who_announces_it() {
    let announcing = |world: &World, to: &str| -> Vec<String> {
        let queries = shown(&ways_follow_ups(world, &parse("10.7.0.99"), &parse(to)));
        queries.into_iter().filter(|query| query.contains("metallb") || query.contains("Event")).collect()
    };
    let labels = "metallb.io/service-namespace=demo,metallb.io/service-name=nginx";
    let expected = [
        "demo/Event reason=nodeAssigned,involvedObject.kind=Service,involvedObject.name=nginx".to_string(),
        "metallb-system/ConfigMap config".to_string(),
        format!("ServiceBGPStatus {labels}"),
        format!("ServiceL2Status {labels}"),
    ];
    let mut found = announcing(&world_with_balancer(), "nginx");
    found.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(announcing(&world_with_balancer(), "10.9.0.1").len(), 4);
    assert_eq!(announcing(&world_with_nginx(), "nginx"), Vec::<String>::new());
}

#[test]
fn peers_are_asked_for_where_something_is_advertised_and_kube_proxy_elsewhere_where_it_was_not_found() {
    let asks = |world: &World, kind: Kind| {
        let queries = ways_follow_ups(world, &parse("10.7.0.99"), &parse("nginx"));
        queries.iter().any(|query| query.kind == kind)
    };
    let mut world = world_with_nginx();
    assert!(!asks(&world, Kind::BGPPeer) && asks(&world, Kind::ConfigMap));
    world.network.proxy_mode = Fact::known("iptables".to_string(), "a test");
    let advertised =
        Advertised { net: "10.21.0.0/16".parse().unwrap(), of: ServiceAddress::Cluster, evidence: "a test".into() };
    world.network.advertised = Fact::known(vec![advertised], "a test");
    assert!(asks(&world, Kind::BGPPeer) && !asks(&world, Kind::ConfigMap));
}

#[test]
fn what_felix_is_told_matters_to_a_grant_only_where_there_are_doors_or_host_endpoints() {
    let asks = |world: &World| {
        let queries = flow_follow_ups(world, &parse("10.7.0.99"), &parse("nginx"));
        queries.iter().any(|query| query.kind == Kind::FelixConfiguration)
    };
    assert!(!asks(&world_with_nginx()));
    assert!(asks(&world_with_balancer()));
    let mut world = world_with_nginx();
    world.host_endpoints.push(HostEndpoint::default());
    assert!(asks(&world));
}

#[test]
fn the_facts_are_asked_for_only_where_they_are_shown() {
    let table = status(false);
    let detailed = status(true);
    for kind in [Kind::FelixConfiguration, Kind::Event, Kind::ServiceCIDR, Kind::ConfigMap, Kind::IPAddressPool] {
        let asked = |queries: &[Query]| queries.iter().any(|query| query.kind == kind);
        assert!(!asked(&table) && asked(&detailed), "{kind}");
    }
    // All pods and DaemonSets are asked for anyway.
    assert_eq!(detailed.iter().filter(|query| query.kind == Kind::Pod).count(), 1);
    assert_eq!(detailed.iter().filter(|query| query.kind == Kind::DaemonSet).count(), 1);
    assert!(table.iter().all(|query| detailed.contains(query)));
}

/// A snapshot answers every question: whatever is asked for is in it.
#[test]
fn a_snapshot_has_every_kind_that_is_asked_for() {
    let everything = everything();
    let (from, to) = (parse("10.7.0.99"), parse("nginx"));
    let world = world_with_balancer();
    let mut asked = ways(&from, &to);
    asked.extend(ways_follow_ups(&world, &from, &to));
    asked.extend(status(true));
    asked.extend(lockdown());
    for query in &asked {
        let brings = |other: &&Query| {
            other.kind == query.kind
                && (other.is_everything() || *other == query || (other.namespace.is_none() && other.fields.is_some()))
        };
        assert!(everything.iter().any(|other| brings(&other)), "{query:?}");
    }
}

#[test]
fn sync_asks_for_pods_and_doors_only_where_there_is_something_to_bring_up_to_date() {
    let first = shown(&sync());
    assert!(!first.iter().any(|query| query.contains("Pod") || query.contains("Service") || query.contains("Config")));
    assert_eq!(sync_follow_ups(&world_with_balancer()), []);
    let granted = |from: &str, to: &str| {
        super::super::testing::allowed(&super::super::testing::cluster(super::super::testing::DENY), from, to).1
    };
    let pods = shown(&sync_follow_ups(&granted("10.7.0.99", "nginx")));
    assert!(pods.contains(&"demo/Pod".to_string()) && pods.contains(&"demo/Service".to_string()), "{pods:?}");
    assert!(!pods.iter().any(|query| query.contains("shop/") || query.contains("FelixConfiguration")), "{pods:?}");
    // The nodes' addresses let in whom doors let in.
    let nodes = shown(&sync_follow_ups(&granted("nodes", "shop/cart 8080")));
    for query in
        ["Service", "FelixConfiguration", "BGPConfiguration", "demo/EndpointSlice kubernetes.io/service-name=nginx"]
    {
        assert!(nodes.contains(&query.to_string()), "{query} in {nodes:?}");
    }
    // `status` asks for the same, and for nothing twice.
    let status = shown(&status_follow_ups(&granted("nodes", "shop/cart 8080")));
    assert!(
        status.contains(&"FelixConfiguration".to_string()) && !status.iter().any(|query| query.contains("Pod")),
        "{status:?}"
    );
}
