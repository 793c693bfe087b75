//! A lockdown on trial on a real API server: staged where the cluster has the kind and refused where it has not, observed with
//! every version, promoted, taken away and taken back.
//! What is expected is read back by kubectl and calicoctl, never by the plugin; the verdicts are its own.

use serde_json::{Value, json};

use crate::cluster::{Cluster, assert_succeeded, feed, text};

const STAGED: &str = "stagedglobalnetworkpolicies.crd.projectcalico.org";

fn names(cluster: &Cluster, kind: &str) -> Vec<String> {
    let list = cluster.stored(&[kind]);
    let mut names: Vec<String> = list["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["metadata"]["name"].as_str().expect("a name").trim_start_matches("default.").to_string())
        .collect();
    names.sort();
    names
}

fn policies(cluster: &Cluster) -> Vec<String> {
    names(cluster, "globalnetworkpolicies.crd.projectcalico.org")
}

fn json_of(cluster: &Cluster, args: &[&str]) -> Value {
    let output = cluster.plugin(&[args, &["--output=json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

fn verdict(cluster: &Cluster, from: &str, to: &str) -> String {
    json_of(cluster, &["explain", "--from", from, "--to", to])["verdict"].as_str().expect("a verdict").to_string()
}

/// A cluster with the kinds and the version.
fn with_staged_kinds() -> Cluster {
    let cluster = Cluster::start();
    add_staged_kinds(&cluster);
    let version = json!({ "spec": { "calicoVersion": "v3.30.1" } }).to_string();
    let patch = ["patch", "clusterinformations.crd.projectcalico.org", "default", "--type=merge", "--patch", &version];
    assert_succeeded(&cluster.plane.kubectl(patch));
    cluster
}

/// The kinds as Calico 3.30 brings them: with tiers, and staged ones with a GlobalNetworkPolicy's fields and one more.
pub fn add_staged_kinds(cluster: &Cluster) {
    let properties = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    let mut enforced = cluster.stored(&["crd", "globalnetworkpolicies.crd.projectcalico.org"]);
    enforced.pointer_mut(properties).expect("a schema")["tier"] = json!({ "type": "string" });
    let mut kind = enforced.clone();
    kind["metadata"] = json!({ "name": STAGED });
    kind["spec"]["names"] = json!({ "kind": "StagedGlobalNetworkPolicy", "listKind": "StagedGlobalNetworkPolicyList",
        "plural": "stagedglobalnetworkpolicies", "singular": "stagedglobalnetworkpolicy" });
    kind.pointer_mut(properties).expect("a schema")["stagedAction"] = json!({ "type": "string" });
    let mut of_namespaces = cluster.stored(&["crd", "networkpolicies.crd.projectcalico.org"]);
    of_namespaces.pointer_mut(properties).expect("a schema")["tier"] = json!({ "type": "string" });
    for (verb, mut object) in [("replace", enforced), ("replace", of_namespaces), ("create", kind)] {
        object.as_object_mut().expect("an object").remove("status");
        let mut kubectl = cluster.plane.command("kubectl");
        kubectl.args([verb, "--filename=-"]);
        assert_succeeded(&feed(kubectl, &object.to_string()));
    }
    let established = ["wait", "--for=condition=Established", "--timeout=60s", &format!("crd/{STAGED}")];
    assert_succeeded(&cluster.plane.kubectl(established));
}

#[test]
fn staged_is_refused_without_the_kind_and_observed_is_the_way() {
    let cluster = Cluster::start();
    let refused = cluster.plugin(&["lockdown", "--staged", "--yes"]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("3.28.5") && said.contains("lockdown --observe"), "{said}");
    assert_eq!(policies(&cluster), [] as [&str; 0]);
    let nothing = cluster.plugin(&["promote", "--yes"]);
    assert_succeeded(&nothing);
    assert!(text(&nothing.stderr).contains("nothing is staged or observed"), "{}", text(&nothing.stderr));
}

#[test]
fn staged_closes_nothing_until_it_is_promoted() {
    let cluster = with_staged_kinds();
    cluster.done(&["lockdown", "--staged", "--yes"]);
    assert_eq!((names(&cluster, STAGED), policies(&cluster)), (vec!["deny-app-policy".to_string()], Vec::new()));
    let staged = cluster.stored(&[STAGED])["items"][0].clone();
    assert_eq!(staged["spec"]["stagedAction"], "Set");
    assert_eq!(verdict(&cluster, "10.7.0.99", "10.20.2.90:80"), "allow");
    let status = json_of(&cluster, &["status"]);
    assert_eq!((&status["state"], &status["trial"]["staged"][0]["name"]), (&json!("open"), &json!("deny-app-policy")));
    let again = cluster.done(&["lockdown", "--staged", "--yes"]);
    assert!(again.contains("nothing to do"), "{again}");

    cluster.done(&["promote", "--yes"]);
    assert_eq!((names(&cluster, STAGED), policies(&cluster)), (Vec::new(), vec!["deny-app-policy".to_string()]));
    let mut enforced = cluster.stored(&["globalnetworkpolicies.crd.projectcalico.org"])["items"][0]["spec"].clone();
    enforced["stagedAction"] = json!("Set");
    assert_eq!(enforced, staged["spec"]);
    assert_eq!(verdict(&cluster, "10.7.0.99", "10.20.2.90:80"), "deny");
    cluster.done(&["undo", "--yes"]);
    assert_eq!((names(&cluster, STAGED), policies(&cluster)), (vec!["deny-app-policy".to_string()], Vec::new()));
    cluster.done(&["unlock", "--yes"]);
    assert_eq!(names(&cluster, STAGED), [] as [&str; 0]);
}

#[test]
fn observed_then_granted_then_promoted_and_back() {
    let cluster = Cluster::start();
    let observe = ["lockdown", "--observe", "--log-prefix", "zt", "--yes"];
    cluster.done(&observe);
    let observing = ["deny-app-policy-observing-egress", "deny-app-policy-observing-ingress"];
    assert_eq!(policies(&cluster), observing);
    let felix = cluster.calico(&["felixconfiguration", "default"]);
    assert_eq!(felix["spec"]["logPrefix"], "zt");
    assert_eq!(json_of(&cluster, &["status"])["state"], "open");
    assert_eq!(verdict(&cluster, "10.7.0.99", "10.20.2.90:80"), "allow");
    let again = cluster.done(&observe);
    assert!(again.contains("nothing to do"), "{again}");

    cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    assert_eq!(verdict(&cluster, "10.7.0.98", "10.20.2.90:80"), "allow", "a grant closes nothing yet");
    let checked = cluster.plugin(&["sync", "--check"]);
    assert_succeeded(&checked);
    let refused = cluster.plugin(&["unlock", "--yes"]);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("revoke"), "{}", text(&refused.stderr));

    let directory = tempfile::tempdir().expect("a directory");
    let tests = directory.path().join("tests.yaml");
    std::fs::write(&tests, "[{from: 10.7.0.98, to: advanced-policy-demo/nginx, allow: [80]}]")
        .expect("write the tests");
    let fails = cluster.plugin(&["promote", "--yes", "--tests", tests.to_str().expect("a name")]);
    assert_eq!((fails.status.code(), policies(&cluster).len()), (Some(3), 2), "{}", text(&fails.stderr));
    cluster.done(&["promote", "--dry-run=client"]);
    assert_eq!(policies(&cluster), observing);

    cluster.done(&["promote", "--yes"]);
    assert_eq!(policies(&cluster), ["deny-app-policy"]);
    assert_eq!(verdict(&cluster, "10.7.0.99", "10.20.2.90:80"), "allow");
    assert_eq!(verdict(&cluster, "10.7.0.98", "10.20.2.90:80"), "deny");
    let felix = cluster.calico(&["felixconfiguration", "default"]);
    assert!(felix["spec"].get("logPrefix").is_none(), "as it was before: {felix}");
    cluster.done(&["undo", "--yes"]);
    assert_eq!(policies(&cluster), observing);
    // The same by a lockdown without flags.
    cluster.done(&["lockdown", "--yes"]);
    assert_eq!(policies(&cluster), ["deny-app-policy"]);
    assert_eq!(verdict(&cluster, "10.7.0.98", "10.20.2.90:80"), "deny");
}

#[test]
fn nodes_are_observed_promoted_and_taken_away() {
    let cluster = Cluster::start();
    let args = ["lockdown", "--observe", "--nodes", "--allow-from", "10.9.0.0/24", "--accept-risk=api-server", "--yes"];
    cluster.done(&args);
    assert_eq!(policies(&cluster).len(), 3);
    let nodes = cluster.stored(&["nodes"])["items"].as_array().map(Vec::len);
    let endpoints = || cluster.calico(&["hostendpoint"])["items"].as_array().map(Vec::len);
    assert_eq!(endpoints(), nodes);
    assert_eq!(verdict(&cluster, "203.0.113.9", "192.0.2.1:10250"), "allow");
    assert_eq!(json_of(&cluster, &["status"])["perimeter"]["closes"], "nothing");
    let again = cluster.done(&args);
    assert!(again.contains("nothing to do"), "{again}");
    assert_succeeded(&cluster.plugin(&["sync", "--check"]));
    cluster.done(&["unlock", "--yes"]);
    cluster.done(&["unlock", "--nodes", "--yes"]);
    assert_eq!((policies(&cluster).len(), endpoints()), (0, Some(0)));
    cluster.done(&args);
    cluster.done(&["promote", "--accept-risk=api-server", "--yes"]);
    assert_eq!(policies(&cluster), ["deny-app-policy", "zerotrust-perimeter"]);
    assert_eq!(verdict(&cluster, "203.0.113.9", "192.0.2.1:10250"), "deny");
    assert_eq!(verdict(&cluster, "10.9.0.7", "192.0.2.1:10250"), "allow");
}
