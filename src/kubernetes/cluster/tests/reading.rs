//! Queries: which requests they cost, how pages are put together, and what an empty answer means.
//! Never knows a real cluster.

use serde_json::{Value, json};

use super::run;
use crate::kubernetes::cluster::fake::{Asked, Fake, Reply};
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{Answer, Objects, Query};
use crate::kubernetes::{AccessError, Reader};

const CRD: &str = "/apis/crd.projectcalico.org/v1";

fn list(items: Value) -> Reply {
    Reply::json(200, json!({"metadata": {"resourceVersion": "1"}, "items": items}))
}

fn no_path() -> Reply {
    Reply::text(404, "404 page not found\n")
}

fn calico(version: &str) -> Reply {
    Reply::json(
        200,
        json!({"metadata": {"name": "default"}, "spec": {"calicoVersion": version, "datastoreReady": true}}),
    )
}

/// What is asked to find out where Calico keeps its objects; a cluster with custom resources answers so.
const PROBES: [&str; 2] = ["/apis/projectcalico.org/v3", "/apis/apps/v1/namespaces/kube-system/daemonsets/calico-node"];

/// A script for everything but the probes.
fn custom_resources(
    script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static {
    move |asked, _| if PROBES.contains(&asked.path.as_str()) { no_path() } else { script(asked) }
}

fn without_probes(paths: Vec<String>) -> Vec<String> {
    paths.into_iter().filter(|path| !PROBES.iter().any(|probe| path == &format!("GET {probe}"))).collect()
}

/// Reads with a server that keeps Calico's objects as custom resources, and answers as the script says.
async fn read(
    queries: &[Query],
    script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> (Result<Objects, AccessError>, Vec<String>) {
    let server = Fake::plain(custom_resources(script)).await;
    let (cluster, _) = server.connect("{}").unwrap();
    let mut objects = Objects::default();
    let answer = cluster.read(queries, &mut objects).await;
    assert_eq!(cluster.requests(), server.asked().len());
    (answer.map(|()| objects), without_probes(server.paths()))
}

#[test]
fn pages_are_asked_for_until_the_last() {
    run(async {
        let (objects, paths) = read(&[Query::all(Kind::Pod)], |asked| {
            let page = |name: &str, next: &str| {
                Reply::json(200, json!({"metadata": {"continue": next}, "items": [{"metadata": {"name": name}}]}))
            };
            match asked.path.as_str() {
                path if path.ends_with("continue=a%2Fb") => page("two", ""),
                _ => page("one", "a/b"),
            }
        })
        .await;
        let objects = objects.unwrap();
        let names: Vec<&str> = objects.pods.iter().map(|pod| pod.metadata.name.as_str()).collect();
        assert_eq!(names, ["one", "two"]);
        assert_eq!(paths, ["GET /api/v1/pods?limit=500", "GET /api/v1/pods?limit=500&continue=a%2Fb"]);
        assert!(objects.pods.complete());
    });
}

#[test]
fn a_list_whose_pages_ran_out_of_time_is_read_at_once() {
    run(async {
        let (objects, paths) = read(&[Query::all(Kind::Pod)], |asked| match asked.path.as_str() {
            "/api/v1/pods" => list(json!([{"metadata": {"name": "all"}}])),
            path if path.contains("continue") => Reply::status(410, "Expired", "too old", json!({})),
            _ => Reply::json(200, json!({"metadata": {"continue": "t"}, "items": [{"metadata": {"name": "half"}}]})),
        })
        .await;
        let objects = objects.unwrap();
        let names: Vec<&str> = objects.pods.iter().map(|pod| pod.metadata.name.as_str()).collect();
        assert_eq!(names, ["all"]);
        assert_eq!(paths.len(), 3);
    });
}

#[test]
fn one_malformed_object_does_not_hide_the_others() {
    run(async {
        let queries = [Query::all(Kind::Pod)];
        let (objects, _) = read(&queries, |_| {
            list(json!([
                {"metadata": {"name": "good", "namespace": "shop"}},
                {"metadata": {"name": "bad", "namespace": "shop"}, "spec": {"nodeName": 3}}
            ]))
        })
        .await;
        let objects = objects.unwrap();
        assert_eq!(objects.pods.items.len(), 1);
        assert_eq!(objects.unread[0].object.as_deref(), Some("Pod shop/bad"));
        assert_eq!(objects.unread[0].namespace.as_deref(), Some("shop"));
    });
}

#[test]
fn the_three_meanings_of_an_empty_answer_are_told_apart() {
    run(async {
        let queries = [
            Query::all(Kind::Tier),
            Query::all(Kind::Node),
            Query::all(Kind::Service).in_namespace("shop").named("gone"),
            Query::all(Kind::ClusterNetworkPolicy),
            Query::all(Kind::AdminNetworkPolicy),
        ];
        let (objects, paths) = read(&queries, |asked| match asked.path.as_str() {
            "/api/v1/nodes?limit=500" => {
                Reply::status(403, "Forbidden", "nodes is forbidden", json!({"kind": "nodes"}))
            }
            "/api/v1/namespaces/shop/services/gone" => {
                Reply::status(404, "NotFound", "services gone not found", json!({"name": "gone", "kind": "services"}))
            }
            path if path.ends_with("/clusterinformations/default") => calico("v3.18.1"),
            path if path.contains("networkpolicies") => Reply::status(403, "Forbidden", "no", json!({})),
            "/apis/policy.networking.k8s.io/v1alpha1" => {
                Reply::json(200, json!({"resources": [{"name": "adminnetworkpolicies"}]}))
            }
            _ => no_path(),
        })
        .await;
        let objects = objects.unwrap();
        let answer = |coverage: &[crate::kubernetes::objects::Coverage], index: usize| coverage[index].answer.clone();
        assert_eq!(answer(&objects.tiers.coverage, 0), Answer::NotServed);
        assert_eq!(answer(&objects.nodes.coverage, 0), Answer::Hidden("nodes is forbidden".into()));
        assert_eq!(answer(&objects.services.coverage, 0), Answer::Complete);
        // 403 comes before the question whether it is served at all; what is served decides.
        assert_eq!(answer(&objects.admin_policies.coverage, 0), Answer::NotServed);
        assert_eq!(answer(&objects.admin_policies.coverage, 1), Answer::Hidden("no".into()));
        assert_eq!(paths.len(), 8, "{paths:?}");
    });
}

#[test]
fn endpoint_slices_are_found_at_their_older_version() {
    run(async {
        let (objects, paths) = read(&[Query::all(Kind::EndpointSlice)], |asked| match asked.path.contains("v1beta1") {
            true => list(
                json!([{"metadata": {"name": "s"}, "endpoints": [{"topology": {"kubernetes.io/hostname": "n1"}}]}]),
            ),
            false => no_path(),
        })
        .await;
        assert_eq!(objects.unwrap().endpoint_slices.items.len(), 1);
        assert_eq!(paths.len(), 2);
    });
}

fn stored(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "crd.projectcalico.org/v1", "kind": "GlobalNetworkPolicy",
        "metadata": {"name": name, "resourceVersion": "5", "annotations": {"projectcalico.org/metadata":
            "{\"labels\":{\"team\":\"a\"},\"annotations\":{\"why\":\"b\"}}"}}, "spec": spec})
}

#[test]
fn calicos_objects_come_in_v3_form_and_the_version_costs_one_request() {
    run(async {
        let queries = [Query::all(Kind::GlobalNetworkPolicy), Query::all(Kind::HostEndpoint), Query::all(Kind::Pod)];
        let (objects, paths) = read(&queries, |asked| match asked.path.as_str() {
            path if path.ends_with("/clusterinformations/default") => calico("v3.18.1"),
            path if path.contains("globalnetworkpolicies") => {
                list(json!([stored("default.deny", json!({"types": ["Ingress"], "order": 10.0}))]))
            }
            _ => list(json!([])),
        })
        .await;
        let objects = objects.unwrap();
        let policy = &objects.calico_policies.items[0];
        assert_eq!((policy.metadata.name.as_str(), policy.stored_name.as_str()), ("deny", "default.deny"));
        assert_eq!(policy.metadata.labels["team"], "a");
        assert_eq!(policy.metadata.resource_version.as_deref(), Some("5"));
        assert_eq!(policy.spec.order, Some(10.0));
        assert_eq!(
            paths,
            [
                "GET /api/v1/pods?limit=500".to_string(),
                format!("GET {CRD}/clusterinformations/default"),
                format!("GET {CRD}/globalnetworkpolicies?limit=500"),
                format!("GET {CRD}/hostendpoints?limit=500"),
            ]
        );
    });
}

#[test]
fn the_version_is_not_asked_for_twice() {
    run(async {
        let script = custom_resources(|asked| match asked.path.contains("clusterinformations") {
            true => list(json!([{"metadata": {"name": "default"}, "spec": {"calicoVersion": "v3.32.0"}}])),
            false => list(json!([{"metadata": {"name": "default.deny"}, "spec": {"types": ["Ingress"]}}])),
        });
        let server = Fake::plain(script).await;
        let (cluster, _) = server.connect("{}").unwrap();
        let queries = [Query::all(Kind::ClusterInformation), Query::all(Kind::GlobalNetworkPolicy)];
        for _ in 0..2 {
            let mut objects = Objects::default();
            cluster.read(&queries, &mut objects).await.unwrap();
            assert_eq!(objects.cluster_informations.items.len(), 1);
            // From 3.29.4 on an object without Calico's annotation keeps its stored name.
            assert_eq!(objects.calico_policies.items[0].metadata.name, "default.deny");
        }
        assert_eq!(without_probes(server.paths()).len(), 4);
        assert_eq!(server.asked().len(), 4 + PROBES.len(), "where it is kept is asked once");
    });
}

#[test]
fn calicos_own_names_and_labels_are_looked_for_here() {
    run(async {
        let queries = [
            Query::all(Kind::GlobalNetworkPolicy).named("deny"),
            Query::all(Kind::GlobalNetworkPolicy).labelled("team in (b)"),
            Query::all(Kind::Tier).named("edge"),
        ];
        let (objects, paths) = read(&queries, |asked| match asked.path.as_str() {
            path if path.ends_with("/clusterinformations/default") => calico("v3.30.0"),
            path if path.ends_with("/tiers/edge") => {
                Reply::json(200, json!({"metadata": {"name": "edge"}, "spec": {"order": 5}}))
            }
            _ => list(json!([
                stored("default.deny", json!({"types": ["Ingress"]})),
                stored("default.other", json!({"types": ["Ingress"]}))
            ])),
        })
        .await;
        let objects = objects.unwrap();
        let names: Vec<&str> = objects.calico_policies.iter().map(|policy| policy.metadata.name.as_str()).collect();
        assert_eq!(names, ["deny"]);
        assert_eq!(objects.tiers.items[0].metadata.name, "edge");
        assert!(paths.contains(&format!("GET {CRD}/globalnetworkpolicies?limit=500")), "{paths:?}");
    });
}

#[test]
fn a_stored_object_that_calico_cannot_read_is_reported() {
    run(async {
        let (objects, _) = read(&[Query::all(Kind::GlobalNetworkPolicy)], |asked| {
            match asked.path.ends_with("/clusterinformations/default") {
                true => calico("v3.18.1"),
                false => list(json!([
                    {"metadata": {"name": "default.bad", "annotations": {"projectcalico.org/metadata": "{"}}},
                    stored("default.good", json!({"types": ["Ingress"]}))
                ])),
            }
        })
        .await;
        let objects = objects.unwrap();
        assert_eq!(objects.calico_policies.items.len(), 1);
        assert_eq!(objects.unread[0].object.as_deref(), Some("GlobalNetworkPolicy default.bad"));
        assert_eq!(objects.unread[0].kind, Some(Kind::GlobalNetworkPolicy));
    });
}

#[test]
fn a_cluster_without_calico_has_none_of_its_kinds() {
    run(async {
        let (objects, paths) = read(&[Query::all(Kind::GlobalNetworkPolicy)], |_| no_path()).await;
        assert_eq!(objects.unwrap().calico_policies.coverage[0].answer, Answer::NotServed);
        assert_eq!(paths.len(), 2, "{paths:?}");
    });
}

#[test]
fn queries_are_sent_at_the_same_time() {
    run(async {
        let delay = std::time::Duration::from_millis(400);
        let server = Fake::plain(move |_, _| Reply { delay, ..list(json!([])) }).await;
        let (cluster, _) = server.connect("{}").unwrap();
        let queries = [Kind::Pod, Kind::Node, Kind::Service, Kind::Namespace, Kind::Endpoints, Kind::ConfigMap];
        let started = std::time::Instant::now();
        cluster.read(&queries.map(Query::all), &mut Objects::default()).await.unwrap();
        assert!(started.elapsed() < delay * 3, "{:?}", started.elapsed());
    });
}

#[test]
fn an_answer_that_is_no_list_is_an_error_and_a_kind_that_breaks_is_hidden() {
    run(async {
        let (objects, _) = read(&[Query::all(Kind::Pod)], |_| Reply::text(200, "<html>Log in</html>")).await;
        let error = objects.unwrap_err().to_string();
        assert!(error.contains("is this the API server's address?"), "{error}");
        let (objects, _) =
            read(&[Query::all(Kind::Pod)], |_| Reply::status(500, "InternalError", "webhook down", json!({}))).await;
        let objects = objects.unwrap();
        let answer = objects.pods.coverage[0].answer.clone();
        assert!(matches!(answer, Answer::Hidden(reason) if reason.contains("webhook down")));
        assert!(matches!(&objects.failed[..], [(Kind::Pod, reason)] if reason.contains("webhook down")));
        let (objects, _) = read(&[Query::all(Kind::Pod).labelled("((")], |_| {
            Reply::status(400, "BadRequest", "bad selector", json!({}))
        })
        .await;
        assert!(matches!(objects.unwrap_err(), AccessError::Invalid { reason, .. } if reason == "bad selector"));
    });
}
