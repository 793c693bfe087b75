//! Writes: what goes over the wire, what it is conditional on, and what a refusal means.
//! Never knows a real cluster; the tests against a real API server do.

use serde_json::{Value, json};

use super::run;
use crate::kubernetes::cluster::Cluster;
use crate::kubernetes::cluster::fake::{Fake, Reply};
use crate::kubernetes::names::Kind;
use crate::kubernetes::{AccessError, ObjectRef, Writer};

const CRD: &str = "/apis/crd.projectcalico.org/v1";

fn information(ready: bool) -> Reply {
    Reply::json(
        200,
        json!({"metadata": {"name": "default"}, "spec": {"calicoVersion": "v3.18.1", "datastoreReady": ready}}),
    )
}

fn stored(version: &str) -> Value {
    json!({"apiVersion": "crd.projectcalico.org/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "default.web", "namespace": "shop", "uid": "u-1", "resourceVersion": version},
        "spec": {"types": ["Ingress"], "selector": "app == 'web'", "fieldOfAnotherEdition": 1}})
}

fn policy() -> ObjectRef {
    ObjectRef { kind: Kind::NetworkPolicy, namespace: Some("shop".into()), name: "web".into() }
}

/// A server that keeps one Calico policy at version 5 and echoes what is written.
async fn server() -> Fake {
    Fake::plain(|asked, _| match (asked.method.as_str(), asked.path.split('?').next().unwrap()) {
        ("GET", path) if path.ends_with("/clusterinformations/default") => information(true),
        ("GET", path) if path.ends_with("/networkpolicies/default.web") => Reply::json(200, stored("5")),
        ("GET", path) => {
            let name = path.rsplit('/').next().unwrap();
            Reply::status(404, "NotFound", "not found", json!({"name": name, "kind": "networkpolicies"}))
        }
        ("DELETE", _) => Reply::json(200, json!({"kind": "Status", "status": "Success"})),
        _ => {
            let mut object: Value = serde_json::from_str(&asked.body).unwrap();
            object["metadata"]["resourceVersion"] = "6".into();
            Reply::json(if asked.method == "POST" { 201 } else { 200 }, object)
        }
    })
    .await
}

fn connected(server: &Fake) -> Cluster {
    server.connect("{}").unwrap().0
}

fn sent(server: &Fake, method: &str) -> (String, Value) {
    let asked = server.asked().into_iter().rev().find(|asked| asked.method == method).unwrap();
    (asked.path, serde_json::from_str(&asked.body).unwrap())
}

#[test]
fn a_policy_is_replaced_under_its_stored_name_over_the_version_that_was_seen() {
    run(async {
        let server = server().await;
        let cluster = connected(&server);
        let mut object = cluster.get(&policy()).await.unwrap().unwrap();
        assert_eq!(object["apiVersion"], "projectcalico.org/v3");
        assert_eq!((&object["metadata"]["name"], &object["metadata"]["resourceVersion"]), (&json!("web"), &json!("5")));
        object["spec"]["order"] = 7.into();
        let before = cluster.requests();
        let replaced = cluster.replace(&object).await.unwrap();
        assert_eq!(cluster.requests() - before, 1);
        assert_eq!(
            (&replaced["metadata"]["name"], &replaced["metadata"]["resourceVersion"]),
            (&json!("web"), &json!("6"))
        );
        let (path, body) = sent(&server, "PUT");
        assert_eq!(
            path,
            format!(
                "{CRD}/namespaces/shop/networkpolicies/default.web?fieldManager=kubectl-zerotrust&fieldValidation=Strict"
            )
        );
        assert_eq!(body["apiVersion"], "crd.projectcalico.org/v1");
        assert_eq!((&body["metadata"]["name"], &body["metadata"]["uid"]), (&json!("default.web"), &json!("u-1")));
        assert_eq!(body["metadata"]["resourceVersion"], "5");
        assert_eq!((&body["spec"]["order"], &body["spec"]["fieldOfAnotherEdition"]), (&json!(7), &json!(1)));
        // The next change is made from what was stored, not from what was got at first.
        let again = cluster.replace(&replaced).await.unwrap();
        assert_eq!(sent(&server, "PUT").1["metadata"]["resourceVersion"], "6");
        assert_eq!(again["metadata"]["resourceVersion"], "6");
    });
}

#[test]
fn a_version_that_is_not_there_any_more_is_a_conflict() {
    run(async {
        let server = server().await;
        let cluster = connected(&server);
        let mut object = cluster.get(&policy()).await.unwrap().unwrap();
        object["metadata"]["resourceVersion"] = "4".into();
        assert_eq!(cluster.replace(&object).await, Err(AccessError::Conflict(policy())));
        assert_eq!(cluster.delete(&object).await, Err(AccessError::Conflict(policy())));
        assert!(server.asked().iter().all(|asked| asked.method == "GET"));
        object["metadata"]["name"] = "gone".into();
        assert!(matches!(cluster.replace(&object).await, Err(AccessError::Missing(object)) if object.name == "gone"));
        object["metadata"].as_object_mut().unwrap().remove("resourceVersion");
        assert!(matches!(cluster.replace(&object).await, Err(AccessError::Invalid { .. })));
        assert!(matches!(cluster.delete(&object).await, Err(AccessError::Invalid { .. })));
    });
}

#[test]
fn a_new_policy_is_stored_as_calicoctl_would_and_a_dry_run_says_so() {
    run(async {
        let server = server().await;
        let cluster = connected(&server);
        let object = json!({"apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
            "metadata": {"name": "new", "namespace": "shop", "annotations": {"kubectl-zerotrust/role": "allow"}},
            "spec": {"selector": "all()", "types": ["Egress"]}});
        let made = cluster.writer(true, "somebody").create(&object).await.unwrap();
        assert_eq!((&made["metadata"]["name"], &made["apiVersion"]), (&json!("new"), &json!("projectcalico.org/v3")));
        assert_eq!(made["metadata"]["annotations"]["kubectl-zerotrust/role"], "allow");
        let (path, body) = sent(&server, "POST");
        assert_eq!(
            path,
            format!("{CRD}/namespaces/shop/networkpolicies?fieldManager=somebody&fieldValidation=Strict&dryRun=All")
        );
        assert_eq!(body["metadata"]["name"], "default.new");
    });
}

#[test]
fn a_policy_is_deleted_only_if_it_is_still_the_same() {
    run(async {
        let server = server().await;
        let cluster = connected(&server);
        let object = cluster.get(&policy()).await.unwrap().unwrap();
        cluster.writer(true, "m").delete(&object).await.unwrap();
        assert_eq!(sent(&server, "DELETE").1["dryRun"], json!(["All"]));
        cluster.delete(&object).await.unwrap();
        let (path, body) = sent(&server, "DELETE");
        assert_eq!(path, format!("{CRD}/namespaces/shop/networkpolicies/default.web"));
        assert_eq!(body["preconditions"], json!({"resourceVersion": "5", "uid": "u-1"}));
        assert_eq!(body.get("dryRun"), None);
    });
}

#[test]
fn a_policy_that_is_stored_under_another_name_is_found() {
    run(async {
        let server = Fake::plain(|asked, _| match asked.path.rsplit('/').next().unwrap() {
            "default" => information(true),
            "web" => {
                let mut object = stored("5");
                object["metadata"]["name"] = "web".into();
                Reply::json(200, object)
            }
            name => Reply::status(404, "NotFound", "not found", json!({"name": name})),
        })
        .await;
        let object = connected(&server).get(&policy()).await.unwrap().unwrap();
        assert_eq!(object["metadata"]["name"], "web");
        let missing = ObjectRef { name: "other".into(), ..policy() };
        assert_eq!(connected(&server).get(&missing).await, Ok(None));
    });
}

#[test]
fn kubernetes_own_objects_go_as_they_are() {
    run(async {
        let server = Fake::plain(|asked, _| match asked.method.as_str() {
            "POST" => Reply::status(409, "AlreadyExists", "there", json!({"name": "x"})),
            "PUT" => Reply::status(409, "Conflict", "modified", json!({"name": "x"})),
            "DELETE" => Reply::status(403, "Forbidden", "may not", json!({"name": "x"})),
            _ => Reply::json(200, json!({"kind": "ConfigMap", "metadata": {"name": "x", "uid": "u"}})),
        })
        .await;
        let cluster = connected(&server);
        let target = ObjectRef { kind: Kind::ConfigMap, namespace: Some("kube-system".into()), name: "x".into() };
        assert_eq!(cluster.get(&target).await.unwrap().unwrap()["metadata"]["uid"], "u");
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}, "metadata":
            {"name": "x", "namespace": "kube-system", "resourceVersion": "9", "uid": "u"}});
        assert_eq!(cluster.create(&object).await, Err(AccessError::Exists(target.clone())));
        assert_eq!(sent(&server, "POST").1, object);
        assert_eq!(cluster.replace(&object).await, Err(AccessError::Conflict(target.clone())));
        let error = cluster.delete(&object).await.unwrap_err();
        assert_eq!(error.to_string(), "delete ConfigMap kube-system/x is forbidden: may not");
        assert_eq!(sent(&server, "DELETE").1["preconditions"], json!({"resourceVersion": "9", "uid": "u"}));
        assert!(server.asked().iter().all(|asked| !asked.path.contains("projectcalico")));
    });
}

#[test]
fn nothing_is_written_while_calico_is_being_moved() {
    run(async {
        let server = Fake::plain(|asked, _| match asked.path.as_str() {
            path if path.ends_with("/clusterinformations/default") => information(false),
            path if path.ends_with("/networkpolicies/default.web") => Reply::json(200, stored("5")),
            _ => Reply::text(404, "404 page not found\n"),
        })
        .await;
        let cluster = connected(&server);
        let object = cluster.get(&policy()).await.unwrap().unwrap();
        for answer in [cluster.replace(&object).await.map(drop), cluster.delete(&object).await] {
            assert!(
                matches!(&answer, Err(AccessError::Unsupported(text)) if text.contains("datastoreReady")),
                "{answer:?}"
            );
        }
        assert!(server.asked().iter().all(|asked| asked.method == "GET"));
    });
}

#[test]
fn documents_that_name_no_object_are_refused() {
    run(async {
        let server = server().await;
        let cluster = connected(&server);
        for (object, reason) in [
            (json!({}), "name nothing that is written here"),
            (json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "a"}}), "metadata.name"),
            (json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}), "metadata.namespace"),
        ] {
            let error = cluster.create(&object).await.unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert!(server.asked().is_empty());
    });
}
