//! Operators who may not do everything: a refusal names what is missing, and nothing is half written.
//! Never uses the admin for what is tried.

use std::path::Path;
use std::process::Output;

use crate::cluster::{Cluster, text};

/// All that `allow` and `lockdown` read.
const READER: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: reader
rules:
- apiGroups: ['*']
  resources: ['*']
  verbs: [get, list]
";

fn bind(cluster: &Cluster, user: &str, roles: &[&str]) -> std::path::PathBuf {
    for role in roles {
        cluster.plane.apply(&format!(
            "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {user}-{role}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}
subjects:
- {{apiGroup: rbac.authorization.k8s.io, kind: User, name: {user}}}
"
        ));
    }
    cluster.plane.kubeconfig_for(user, &[])
}

fn role(name: &str, group: &str, resource: &str) -> String {
    format!(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {name}
rules:
- apiGroups: ['{group}']
  resources: ['{resource}']
  verbs: [create, update, delete, patch]
"
    )
}

fn as_user(cluster: &Cluster, kubeconfig: &Path, args: &[&str]) -> Output {
    cluster.command(args).arg("--kubeconfig").arg(kubeconfig).output().expect("run the plugin")
}

#[test]
fn who_may_only_read_writes_nothing() {
    let cluster = Cluster::start();
    cluster.plane.apply(READER);
    let kubeconfig = bind(&cluster, "eve", &["reader"]);
    let refused = as_user(&cluster, &kubeconfig, &["lockdown", "--yes"]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stderr));
    let words = text(&refused.stderr);
    assert!(words.starts_with("Error: ") && words.contains("forbidden") && words.contains("configmaps"), "{words}");
    assert!(words.contains("Hint: "), "a next step: {words}");
    assert_eq!(cluster.calico(&["globalnetworkpolicy"])["items"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_refused_second_write_is_said_and_recorded() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    cluster.plane.apply(READER);
    cluster.plane.apply(&role("recorder", "", "configmaps"));
    // Policies may be written in shop alone, so a grant between two namespaces needs one write that is forbidden.
    cluster.plane.apply(&role("policies", "crd.projectcalico.org", "networkpolicies"));
    cluster.plane.apply(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: mallory-policies
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: policies}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: mallory}
",
    );
    let kubeconfig = bind(&cluster, "mallory", &["reader", "recorder"]);
    let args = ["allow", "--from", "shop/web-1", "--to", "advanced-policy-demo/nginx", "--yes"];
    let refused = as_user(&cluster, &kubeconfig, &args);
    let words = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{words}");
    assert!(words.contains("forbidden") && words.contains("advanced-policy-demo"), "{words}");
    assert!(words.contains("undo") || words.contains("nothing was written"), "how to go on: {words}");
    // Whatever was written can be taken back by the record.
    let written = cluster.calico(&["networkpolicy", "--namespace=shop"])["items"].as_array().map(Vec::len);
    if written != Some(0) {
        cluster.done(&["undo", "--yes"]);
        assert_eq!(cluster.calico(&["networkpolicy", "--namespace=shop"])["items"].as_array().map(Vec::len), Some(0));
    }
    assert_eq!(
        cluster.calico(&["networkpolicy", "--namespace=advanced-policy-demo"])["items"].as_array().map(Vec::len),
        Some(0)
    );
}

#[test]
fn what_may_not_be_read_makes_the_answer_unknown() {
    let cluster = Cluster::start();
    cluster.plane.apply(&READER.replace("resources: ['*']", "resources: [pods, namespaces, services, nodes]"));
    let kubeconfig = bind(&cluster, "blind", &["reader"]);
    let args = ["explain", "--from", "10.7.0.99", "--to", "10.20.2.90:80"];
    let answer = as_user(&cluster, &kubeconfig, &args);
    assert_eq!(answer.status.code(), Some(4), "{}{}", text(&answer.stdout), text(&answer.stderr));
}
