//! What is asked for each question, and what is not.
//! Never asks a server.

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
