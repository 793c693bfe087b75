//! What targets and ports stand for on a small cluster.
//! Never looks at policies.

use super::super::testing::{cluster, said};
use super::*;

fn found(world: &World, text: &str) -> Resolved {
    resolve(world, &Target::parse(text, None).unwrap()).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

fn missing(world: &World, text: &str) -> String {
    said(&resolve(world, &Target::parse(text, None).unwrap()).unwrap_err())
}

fn selector(resolved: &Resolved) -> &str {
    match &resolved.peer {
        Peer::Pods { selector, .. } => selector,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_service_and_the_workload_behind_it_are_one_target() {
    let world = cluster("");
    let nginx = found(&world, "nginx");
    assert_eq!(nginx.peer.to_string(), "demo/service/nginx");
    assert_eq!((selector(&nginx), nginx.pods.len()), ("app == \"nginx\"", 1));
    assert_eq!(found(&world, "deploy/nginx").peer.to_string(), "demo/deployment/nginx");
    assert_eq!(selector(&found(&world, "deploy/nginx")), selector(&nginx));
}

#[test]
fn one_name_for_different_pods_is_listed_in_full() {
    let world = cluster(
        "{kind: Pod, apiVersion: v1, metadata: {name: nginx, namespace: demo, labels: {app: other}}, status: {podIP: 10.20.40.7}}",
    );
    let text = missing(&world, "nginx");
    for full in ["demo/service/nginx", "demo/deployment/nginx", "demo/pod/nginx"] {
        assert!(text.contains(full), "{text}");
    }
    assert_eq!(selector(&found(&world, "pod/nginx")), "app == \"other\"");
}

#[test]
fn one_name_in_two_namespaces_is_listed_and_one_of_them_taken_by_its_full_name() {
    let world = cluster(
        "{kind: Service, apiVersion: v1, metadata: {name: nginx, namespace: shop}, spec: {selector: {app: cart}, ports: [{port: 80}]}}",
    );
    let text = missing(&world, "nginx");
    assert!(text.contains("2 namespaces") && text.contains("shop/service/nginx"), "{text}");
    assert_eq!(found(&world, "shop/nginx").pods.len(), 1);
}

#[test]
fn a_single_pod_is_selected_by_the_label_that_only_it_has() {
    let world = cluster("");
    assert_eq!(selector(&found(&world, "demo/pod/access")), "run == \"access\"");
    let twin = r#"
{kind: Pod, apiVersion: v1, metadata: {name: twin, namespace: demo, labels: {run: access, app: twin}}, status: {podIP: 10.20.40.8}}
---
{kind: Pod, apiVersion: v1, metadata: {name: both, namespace: demo, labels: {app: twin, run: other}}, status: {podIP: 10.20.40.9}}
---
{kind: Pod, apiVersion: v1, metadata: {name: bare, namespace: demo}, status: {podIP: 10.20.40.10}}
"#;
    let world = cluster(twin);
    assert_eq!(selector(&found(&world, "pod/twin")), "(app == \"twin\" && run == \"access\")");
    let text = missing(&world, "demo/pod/access");
    assert!(text.contains("no label tells pod demo/access apart") && text.contains("kubectl label pod"), "{text}");
    assert!(missing(&world, "pod/bare").contains("kubectl label pod -n demo bare"));
}

#[test]
fn a_replica_stands_for_all_of_its_workload_and_a_stateful_pod_for_itself() {
    let world = cluster(
        r#"
{kind: Pod, apiVersion: v1, metadata: {name: db-0, namespace: demo, labels: {app: db, statefulset.kubernetes.io/pod-name: db-0}, ownerReferences: [{kind: StatefulSet, name: db}]}, status: {podIP: 10.20.40.11}}
---
{kind: Pod, apiVersion: v1, metadata: {name: db-1, namespace: demo, labels: {app: db, statefulset.kubernetes.io/pod-name: db-1}, ownerReferences: [{kind: StatefulSet, name: db}]}, status: {podIP: 10.20.40.12}}
---
{kind: Pod, apiVersion: v1, metadata: {name: lost-5d-x, namespace: demo, labels: {app: lost, pod-template-hash: 5d}, ownerReferences: [{kind: ReplicaSet, name: lost-5d}]}, status: {podIP: 10.20.40.13}}
"#,
    );
    let replica = found(&world, "pod/nginx-6799fc88d8-zp4zj");
    assert_eq!(selector(&replica), "app == \"nginx\"");
    assert!(replica.notes[0].text.contains("Deployment nginx"), "{:?}", replica.notes);
    let zero = found(&world, "demo/db-0");
    assert_eq!((selector(&zero), zero.pods.len()), ("statefulset.kubernetes.io/pod-name == \"db-0\"", 1));
    assert_eq!(selector(&found(&world, "demo/lost-5d-x")), "app == \"lost\"");
}

#[test]
fn what_is_not_there_is_answered_with_what_is_written_alike() {
    let world = cluster("");
    assert!(missing(&world, "ngnix").contains("did you mean demo/service/nginx?"));
    assert!(missing(&world, "shop/nginx").contains("demo/deployment/nginx"));
    assert!(missing(&world, "nope/nginx").contains("there is no namespace nope"));
    assert!(missing(&world, "ns/dmeo").contains("namespace/demo"));
    assert!(missing(&world, "shop").contains("namespace/shop"));
}

#[test]
fn finished_pods_are_nobody() {
    let world = cluster(
        "{kind: Pod, apiVersion: v1, metadata: {name: once, namespace: demo, labels: {run: once}}, status: {phase: Succeeded, podIP: 10.20.40.14}}",
    );
    assert!(missing(&world, "demo/once").contains("there is no Service, workload or pod once"));
}

#[test]
fn jobs_and_services_without_selector() {
    let world = cluster(
        r#"
{kind: Job, apiVersion: batch/v1, metadata: {name: sum, namespace: demo}, spec: {selector: {matchLabels: {controller-uid: x}}, template: {metadata: {labels: {controller-uid: x, job-name: sum}}}}}
---
{kind: Service, apiVersion: v1, metadata: {name: outside, namespace: demo}, spec: {clusterIP: 10.21.0.99, ports: [{port: 5432}]}}
---
{kind: Endpoints, apiVersion: v1, metadata: {name: outside, namespace: demo}, subsets: [{addresses: [{ip: 192.0.2.7}], ports: [{port: 5432}]}]}
---
{kind: Service, apiVersion: v1, metadata: {name: nowhere, namespace: demo}, spec: {type: ExternalName, externalName: example.org}}
"#,
    );
    assert_eq!(selector(&found(&world, "job/sum")), "job-name == \"sum\"");
    assert_eq!(found(&world, "demo/outside").peer.to_string(), "192.0.2.7");
    assert!(missing(&world, "demo/nowhere").contains("no selector and no known endpoints"));
}

mod opened_ports {
    use super::super::super::ports::{parse, resolve as resolve_ports};
    use super::*;

    const PODS: &str = r#"
{kind: Service, apiVersion: v1, metadata: {name: web, namespace: shop}, spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: web}, {name: metrics, port: 9090, targetPort: 9100, protocol: TCP}, {name: dns, port: 53, protocol: UDP, targetPort: 5353}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: web-1, namespace: shop, labels: {app: web, v: a}}, spec: {containers: [{name: c, ports: [{name: web, containerPort: 8080}]}]}, status: {podIP: 10.20.40.21}}
---
{kind: Pod, apiVersion: v1, metadata: {name: web-2, namespace: shop, labels: {app: web, v: b}}, spec: {containers: [{name: c, ports: [{name: web, containerPort: 8081}]}]}, status: {podIP: 10.20.40.22}}
---
"#;

    fn ports(target: &str, asked: &[&str]) -> Result<String, PlanError> {
        let world = cluster(PODS);
        let to = found(&world, target);
        let ports = resolve_ports(&world, &to, parse(asked).unwrap().as_ref())?;
        Ok(ports.map_or("any".into(), |ports| ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")))
    }

    #[test]
    fn a_service_opens_its_target_ports_by_every_number_that_a_name_has() {
        assert_eq!(ports("shop/web", &[]).unwrap(), "TCP:8080 TCP:8081 TCP:9100 UDP:5353");
        assert_eq!(ports("shop/web", &["80"]).unwrap(), "TCP:8080 TCP:8081");
        assert_eq!(ports("shop/web", &["http"]).unwrap(), "TCP:8080 TCP:8081");
        assert_eq!(ports("shop/web", &["udp/53"]).unwrap(), "UDP:5353");
        assert_eq!(ports("shop/web", &["any"]).unwrap(), "any");
        let error = ports("shop/web", &["8080"]).unwrap_err();
        assert!(said(&error).contains("its ports are TCP/80 (http), TCP/9090 (metrics), UDP/53 (dns)"), "{error:?}");
    }

    #[test]
    fn pods_open_what_they_declare_and_what_is_asked_for() {
        assert_eq!(ports("pod/web-1", &[]).unwrap(), "TCP:8080");
        assert_eq!(ports("pod/web-1", &["web", "udp/53", "9000-9010"]).unwrap(), "TCP:8080 TCP:9000-9010 UDP:53");
        assert!(matches!(ports("demo/access", &[]), Err(PlanError::Usage { .. })));
        assert!(matches!(ports("192.0.2.1", &[]), Err(PlanError::Usage { .. })));
        assert!(said(&ports("pod/web-1", &["https"]).unwrap_err()).contains("its named ports are web"));
    }
}
