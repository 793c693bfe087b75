//! The main job from its start to its end: lock down, allow, explain, revoke, unlock, undo.
//! What is expected is read back by calicoctl and kubectl, never by the plugin.

use serde_json::{Value, json};

use crate::cluster::{Cluster, assert_succeeded, feed, text};

#[test]
fn the_users_two_examples() {
    let cluster = Cluster::start();

    let shown = cluster.done(&["lockdown", "--yes"]);
    assert!(shown.contains("advanced-policy-demo"), "what will be locked is said:\n{shown}");
    let lockdown = cluster.calico(&["globalnetworkpolicy", "deny-app-policy"]);
    assert_eq!(lockdown["spec"]["types"], json!(["Ingress", "Egress"]));
    let selector = lockdown["spec"]["namespaceSelector"].as_str().expect("a namespaceSelector");
    for left_out in ["kube-system", "kube-public", "kube-node-lease", "calico-system"] {
        assert!(selector.contains(left_out), "{left_out} is left out by {selector}");
    }
    for locked in ["advanced-policy-demo", "shop", "default"] {
        assert!(!selector.contains(&format!("\"{locked}\"")), "{locked} is not left out by {selector}");
    }
    let dns: Vec<&Value> = lockdown["spec"]["egress"].as_array().expect("egress rules").iter().collect();
    let protocols: Vec<&str> = dns.iter().filter_map(|rule| rule["protocol"].as_str()).collect();
    assert_eq!(protocols, ["UDP", "TCP"], "DNS over both");
    assert!(dns.iter().all(|rule| rule["action"] == "Allow" && rule["destination"]["ports"] == json!([53])));

    // The same once more changes nothing, not even a record.
    let before = records(&cluster);
    cluster.done(&["lockdown", "--yes"]);
    assert_eq!(records(&cluster), before);
    assert_eq!(cluster.calico(&["globalnetworkpolicy", "deny-app-policy"])["spec"], lockdown["spec"]);

    assert_eq!(verdict(&cluster, "10.7.0.99", "10.20.2.90:80"), "deny");
    cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    let policies = cluster.calico(&["networkpolicy", "--namespace=advanced-policy-demo"]);
    let policies = policies["items"].as_array().expect("a list");
    assert_eq!(policies.len(), 1);
    let allow = &policies[0];
    assert_eq!(allow["spec"]["selector"], "app == \"nginx\"");
    assert_eq!(allow["spec"]["types"], json!(["Ingress"]));
    let rule = &allow["spec"]["ingress"][0];
    assert_eq!(rule["action"], "Allow");
    assert_eq!(rule["protocol"], "TCP");
    assert_eq!(rule["source"], json!({"nets": ["10.7.0.99/32"]}));
    assert_eq!(rule["destination"]["ports"], json!([80]));
    assert_eq!(verdict(&cluster, "10.7.0.99", "10.20.2.90:80"), "allow");
    assert_eq!(verdict(&cluster, "10.7.0.98", "10.20.2.90:80"), "deny", "another client stays out");
    assert_eq!(verdict(&cluster, "10.7.0.99", "10.20.2.90:81"), "deny", "another port stays closed");
    assert_eq!(verdict(&cluster, "10.7.0.99", "10.20.1.20:8080"), "deny", "another pod stays closed");

    // A second grant to the same target adds to the same policy; the same grant twice changes nothing.
    cluster.done(&["allow", "--from", "access", "--to", "nginx", "--yes"]);
    assert_eq!(verdict(&cluster, "10.20.1.136", "10.21.250.63:80"), "allow", "egress and ingress are open");
    let both = ingress_policies(&cluster);
    assert_eq!(both.len(), 1);
    assert_eq!(both[0]["spec"]["ingress"].as_array().map(Vec::len), Some(2));
    let before = records(&cluster);
    cluster.done(&["allow", "--from", "access", "--to", "nginx", "--yes"]);
    assert_eq!(ingress_policies(&cluster)[0]["spec"], both[0]["spec"]);
    assert_eq!(records(&cluster), before);

    // Taking back exactly that.
    cluster.done(&["revoke", "--from", "access", "--to", "nginx", "--yes"]);
    assert_eq!(ingress_policies(&cluster)[0]["spec"], allow["spec"]);
    assert_eq!(verdict(&cluster, "10.20.1.136", "10.20.2.90:80"), "deny");
    cluster.done(&["undo", "--yes"]);
    assert_eq!(ingress_policies(&cluster)[0]["spec"], both[0]["spec"]);
    cluster.done(&["unlock", "--yes"]);
    assert!(cluster.calico(&["globalnetworkpolicy"])["items"].as_array().is_some_and(Vec::is_empty));
    let history = cluster.done(&["history"]);
    for word in ["lockdown", "allow", "revoke", "undo", "unlock"] {
        assert!(history.contains(word), "{word} is in\n{history}");
    }
}

#[test]
fn calicoctl_reads_and_writes_what_we_wrote_as_the_same_policy() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--log", "--yes"]);
    cluster.done(&["allow", "--from", "10.7.0.0/24", "--to", "nginx", "--reason", "yes", "--yes"]);
    cluster.done(&["allow", "--from", "shop/web-1", "--to", "deployment/nginx", "--port", "tcp/80", "--yes"]);
    cluster.done(&["allow", "--from", "access", "--to", "203.0.113.0/24", "--port", "443", "--yes"]);
    for kind in ["globalnetworkpolicies", "networkpolicies"] {
        let all = |cluster: &Cluster| cluster.stored(&[&format!("{kind}.crd.projectcalico.org"), "--all-namespaces"]);
        let ours = all(&cluster);
        assert!(!ours["items"].as_array().expect("a list").is_empty());
        let scope: &[&str] = if kind == "networkpolicies" { &["--all-namespaces"] } else { &[] };
        let read = cluster.calico(&[&[kind], scope].concat());
        // calicoctl writes back what it read: nothing of what we stored may change but what a server counts.
        let mut apply = cluster.plane.command("calicoctl");
        apply.args(["apply", "--filename=-"]);
        assert_succeeded(&feed(apply, &without_versions(read).to_string()));
        let (mut ours, mut theirs) = (ours, all(&cluster));
        for list in [&mut ours, &mut theirs] {
            for item in list["items"].as_array_mut().expect("a list") {
                let metadata = item["metadata"].as_object_mut().expect("metadata");
                for counted in ["generation", "managedFields", "resourceVersion"] {
                    metadata.remove(counted);
                }
                // Calico's own metadata is JSON in text; the creation time in it is only a copy.
                let own = &mut item["metadata"]["annotations"]["projectcalico.org/metadata"];
                *own = serde_json::from_str(own.as_str().expect("Calico's metadata")).expect("JSON");
                own.as_object_mut().expect("an object").remove("creationTimestamp");
                drop_empty(item);
            }
        }
        assert_eq!(ours["items"], theirs["items"]);
    }
}

#[test]
fn a_dry_run_writes_nothing_and_prints_what_it_would() {
    let cluster = Cluster::start();
    let printed = cluster.done(&["lockdown", "--dry-run=client", "--output=yaml"]);
    assert!(printed.contains("kind: GlobalNetworkPolicy"), "{printed}");
    cluster.done(&["lockdown", "--dry-run=server", "--yes"]);
    assert!(cluster.calico(&["globalnetworkpolicy"])["items"].as_array().is_some_and(Vec::is_empty));
    assert_eq!(records(&cluster), 0);
    // What was printed is what calicoctl takes.
    let mut apply = cluster.plane.command("calicoctl");
    apply.args(["apply", "--filename=-"]);
    assert_succeeded(&feed(apply, &printed));
    let again = cluster.done(&["lockdown", "--yes"]);
    assert!(again.contains("nothing to do") || again.contains("Nothing to do"), "{again}");
}

#[test]
fn a_snapshot_answers_as_the_cluster_does() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    cluster.done(&["allow", "--from", "access", "--to", "nginx", "--yes"]);
    let directory = tempfile::tempdir().expect("a directory");
    let snapshot = directory.path().join("snapshot");
    let snapshot = snapshot.to_str().expect("a name");
    cluster.done(&["snapshot", snapshot]);
    for (from, to) in
        [("10.20.1.136", "10.20.2.90:80"), ("10.20.1.20", "10.20.2.90:80"), ("10.7.0.99", "10.20.2.90:80")]
    {
        let offline = cluster.plugin(&["explain", "-f", snapshot, "--from", from, "--to", to, "--output=json"]);
        let offline: Value = serde_json::from_slice(&offline.stdout).expect("JSON");
        assert_eq!(offline["verdict"], verdict(&cluster, from, to).as_str(), "{from} -> {to}");
    }
}

/// What `explain` says.
pub fn verdict(cluster: &Cluster, from: &str, to: &str) -> String {
    let output = cluster.plugin(&["explain", "--from", from, "--to", to, "--output=json"]);
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("explain prints JSON: {}{}", text(&output.stdout), text(&output.stderr)));
    answer["verdict"].as_str().expect("a verdict").to_string()
}

/// The policies that police nginx's ingress.
fn ingress_policies(cluster: &Cluster) -> Vec<Value> {
    let policies = cluster.calico(&["networkpolicy", "--namespace=advanced-policy-demo"]);
    let policies = policies["items"].as_array().expect("a list").clone();
    policies.into_iter().filter(|policy| policy["spec"]["types"] == json!(["Ingress"])).collect()
}

/// How many records there are.
pub fn records(cluster: &Cluster) -> usize {
    let label = "--selector=app.kubernetes.io/managed-by=kubectl-zerotrust";
    let found = cluster.stored(&["configmaps", "--namespace=kube-system", label]);
    found["items"].as_array().expect("a list").len()
}

/// Takes out what says nothing: calicoctl writes `source: {}` where no source is meant.
fn drop_empty(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(drop_empty);
            fields.retain(|_, value| value != &json!({}));
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty),
        _ => {}
    }
}

/// A list as calicoctl takes it back: a version that is older by now would be a conflict.
fn without_versions(mut list: Value) -> Value {
    for item in list["items"].as_array_mut().expect("a list") {
        for counted in ["resourceVersion", "uid", "creationTimestamp"] {
            item["metadata"].as_object_mut().expect("metadata").remove(counted);
        }
    }
    list
}
