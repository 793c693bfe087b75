//! The same commands whatever way the API server keeps Calico's objects: by Calico's own API server, as native resources of
//! projectcalico.org/v3, as custom resources of crd.projectcalico.org/v1.
//! Never expects what the plugin says of itself: calicoctl, kubectl and the server's audit log do.

use serde_json::{Value, json};

use crate::cluster::{Cluster, assert_succeeded, text};
use crate::support::Aggregated;

/// What every shape must lead to: the walkthrough's lockdown and grant, taken back again.
fn the_two_examples(cluster: &Cluster, api: &str) {
    cluster.done(&["lockdown", "--yes"]);
    assert_eq!(verdict(cluster, "10.7.0.99", "10.20.2.90:80"), "deny");
    let shown = cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    assert_eq!(verdict(cluster, "10.7.0.99", "10.20.2.90:80"), "allow", "{shown}");
    let again = cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    assert!(again.contains("nothing to do"), "{again}");
    cluster.done(&["allow", "--from", "access", "--to", "nginx", "--yes"]);
    cluster.done(&["revoke", "--from", "access", "--to", "nginx", "--yes"]);
    assert_eq!(verdict(cluster, "10.20.1.136", "10.20.2.90:80"), "deny");
    cluster.done(&["undo", "--yes"]);
    assert_eq!(verdict(cluster, "10.20.1.136", "10.20.2.90:80"), "allow");
    assert!(records(cluster).iter().all(|record| record == api), "{:?} are all {api}", records(cluster));
}

#[test]
fn calicos_own_api_server_is_used_where_there_is_one() {
    let cluster = Cluster::start();
    let _server = Aggregated::start(&cluster.plane);
    let before = cluster.plane.audit().len();
    the_two_examples(&cluster, "projectcalico.org/v3");
    let events = cluster.plane.audit().split_off(before);
    let ours: Vec<_> = events.iter().filter(|event| event.user_agent.starts_with("kubectl-zerotrust/")).collect();
    assert!(ours.iter().any(|event| event.uri.starts_with("/apis/projectcalico.org/v3/")));
    let raw: Vec<_> = ours.iter().filter(|event| event.uri.starts_with("/apis/crd.projectcalico.org/")).collect();
    assert!(raw.is_empty(), "never past Calico's API server: {raw:?}");
    let lockdown = cluster.calico(&["globalnetworkpolicy", "deny-app-policy"]);
    assert_eq!(lockdown["spec"]["types"], json!(["Ingress", "Egress"]));
    cluster.done(&["unlock", "--yes"]);
    assert!(cluster.calico(&["globalnetworkpolicy"])["items"].as_array().is_some_and(Vec::is_empty));
}

#[test]
fn what_one_shape_wrote_is_taken_back_through_the_other() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    let stored = cluster.stored(&["globalnetworkpolicies.crd.projectcalico.org"]);
    let server = Aggregated::start(&cluster.plane);
    // Written as a custom resource, taken back through Calico's API server, and made again through it.
    cluster.done(&["undo", "--yes"]);
    assert!(cluster.calico(&["globalnetworkpolicy"])["items"].as_array().is_some_and(Vec::is_empty));
    cluster.done(&["undo", "2", "--yes"]);
    let again = cluster.stored(&["globalnetworkpolicies.crd.projectcalico.org"]);
    assert_eq!(again["items"][0]["spec"], stored["items"][0]["spec"]);
    assert_eq!(again["items"][0]["metadata"]["name"], "default.deny-app-policy");
    // The API server is what a lockdown cut off: custom resources are the way back.
    drop(server);
    let undone = cluster.plugin(&["undo", "3", "--yes"]);
    assert_succeeded(&undone);
    assert!(text(&undone.stderr).contains("does not answer"), "{}", text(&undone.stderr));
    assert!(cluster.calico(&["globalnetworkpolicy"])["items"].as_array().is_some_and(Vec::is_empty));
    let v3 = "projectcalico.org/v3";
    assert_eq!(records(&cluster), ["crd.projectcalico.org/v1", v3, v3, "crd.projectcalico.org/v1"]);
}

#[test]
fn a_write_over_what_somebody_else_wrote_is_refused_by_calicos_api_server_too() {
    let cluster = Cluster::start();
    let _server = Aggregated::start(&cluster.plane);
    cluster.done(&["lockdown", "--yes"]);
    let dry = cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--dry-run=server", "--yes"]);
    assert!(dry.contains("server dry run"), "{dry}");
    assert!(cluster.calico(&["networkpolicy", "-A"])["items"].as_array().is_some_and(Vec::is_empty));
}

/// What `explain` says.
fn verdict(cluster: &Cluster, from: &str, to: &str) -> String {
    let output = cluster.plugin(&["explain", "--from", from, "--to", to, "--output=json"]);
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("explain prints JSON: {}{}", text(&output.stdout), text(&output.stderr)));
    answer["verdict"].as_str().expect("a verdict").to_string()
}

/// The API of each record, oldest first.
fn records(cluster: &Cluster) -> Vec<String> {
    let label = "--selector=app.kubernetes.io/managed-by=kubectl-zerotrust";
    let found = cluster.stored(&["configmaps", "--namespace=kube-system", label]);
    let items = found["items"].as_array().expect("a list").iter();
    items.filter_map(|map| map["data"]["api"].as_str().map(str::to_string)).collect()
}
