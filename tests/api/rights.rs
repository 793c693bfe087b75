//! The roles that `rbac` prints, held against a real API server: with them each subcommand does its work, each of their rights is
//! used, and none can be left out unnoticed.
//! What is used is told by the server's audit log, never by the plugin.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::cluster::{Cluster, assert_succeeded, feed, text};
use crate::exposing;

/// A verb on a resource of a group.
type Right = (String, String, String);

/// What happens, in this order.
enum Act {
    /// A subcommand by somebody who has its role: its arguments, and how it ends.
    Run(&'static str, i32),
    /// What the admin does with kubectl.
    Kubectl(&'static str),
    /// A node comes.
    Node(&'static str, &'static str),
}

use Act::{Kubectl, Node, Run};

/// Every subcommand in scenes that need each of its rights at least once.
const ACTS: &[Act] = &[
    Run("lockdown --yes", 0),
    Run("allow --from 10.7.0.99 --to nginx --yes", 0),
    Run("allow --from 10.7.0.98 --to nginx --yes", 0),
    Run("allow --from access --to shop/service/web --yes", 0),
    Run("expose-nodeport nginx --from 10.7.0.99 --node-port 32127 --yes", 0),
    Node("node3", "192.0.2.3"),
    Run("expose-nodeport shop/web --from 10.8.0.0/24 --node-port 30880 --yes", 0),
    Run("expose-lb web-lb --from 10.7.0.50 --yes", 0),
    Run("bgp-allow shop/web --from 10.30.0.0/16 --advertise cluster --peer 10.128.147.200 --peer-as 65531 --yes", 0),
    Run("status -o wide", 0),
    Run("explain --from 10.7.0.99 --to nginx", 3),
    Run("history", 0),
    Run("validate", 0),
    Run("undo --yes", 0),
];

/// What a request of the audit log asks for; none for what is no resource, or everybody's.
fn asked(verb: &str, uri: &str) -> Option<Right> {
    let mut parts = uri.split('?').next()?.trim_start_matches('/').split('/');
    let group = match parts.next()? {
        "api" => String::new(),
        "apis" => parts.next()?.to_string(),
        _ => return None,
    };
    parts.next()?;
    let rest: Vec<&str> = parts.collect();
    let (resource, rest) = match rest.as_slice() {
        ["namespaces", _, resource, rest @ ..] => (*resource, rest),
        [resource, rest @ ..] => (*resource, rest),
        [] => return None,
    };
    // Whoever is logged in may ask what they may do.
    if ["authorization.k8s.io", "authentication.k8s.io"].contains(&group.as_str()) {
        return None;
    }
    let resource = match rest {
        [_, subresource, ..] => format!("{resource}/{subresource}"),
        _ => resource.to_string(),
    };
    Some((verb.to_string(), group, resource))
}

/// The documents of a role for a subcommand, as `rbac` prints them.
fn role(cluster: &Cluster, subcommand: &str, user: &str) -> Vec<Value> {
    let bind = format!("user:{user}");
    let args = ["rbac", subcommand, "--api", "crd", "--name", user, "--bind", &bind, "--output", "json"];
    let printed: Value = serde_json::from_str(&cluster.done(&args)).expect("JSON");
    match printed["items"].as_array() {
        Some(items) => items.clone(),
        None => vec![printed],
    }
}

/// Every right that a role gives.
fn given(documents: &[Value]) -> BTreeSet<Right> {
    let words = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect()
    };
    let mut all = BTreeSet::new();
    for rule in documents.iter().filter_map(|document| document["rules"].as_array()).flatten() {
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                all.extend(words(&rule["verbs"]).into_iter().map(|verb| (verb, group.clone(), resource.clone())));
            }
        }
    }
    all
}

fn subcommand(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

fn apply(cluster: &Cluster, documents: &[Value]) {
    cluster.plane.apply(&json!({ "apiVersion": "v1", "kind": "List", "items": documents }).to_string());
}

/// So many records that each change removes an old one.
fn with_old_records(cluster: &Cluster) {
    let record = |number: u32| {
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": format!("zerotrust-{number:04}"),
            "namespace": "kube-system", "labels": { "app.kubernetes.io/managed-by": "kubectl-zerotrust" } } })
    };
    apply(cluster, &(1..=20).map(record).collect::<Vec<_>>());
}

fn admin(cluster: &Cluster, act: &Act) {
    match act {
        Run(..) => {}
        Kubectl(line) => assert_succeeded(&cluster.plane.kubectl(line.split(' '))),
        Node(name, address) => {
            let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name,
                "annotations": { "projectcalico.org/IPv4Address": format!("{address}/23") } },
                "status": { "addresses": [{ "type": "InternalIP", "address": address }] } });
            apply(cluster, std::slice::from_ref(&node));
            let mut kubectl = cluster.plane.command("kubectl");
            kubectl.args(["replace", "--subresource=status", "--filename=-"]);
            assert_succeeded(&feed(kubectl, &node.to_string()));
        }
    }
}

fn run(cluster: &Cluster, line: &str, kubeconfig: &Path) -> Output {
    let args: Vec<&str> = line.split(' ').collect();
    cluster.command(&args).arg("--kubeconfig").arg(kubeconfig).output().expect("run the plugin")
}

#[test]
fn each_subcommand_needs_its_role_and_nothing_else() {
    let cluster = exposing::start();
    with_old_records(&cluster);
    let names: BTreeSet<&str> =
        ACTS.iter().filter_map(|act| if let Run(line, _) = act { Some(subcommand(line)) } else { None }).collect();
    let roles: BTreeMap<&str, Vec<Value>> = names.iter().map(|name| (*name, role(&cluster, name, name))).collect();
    apply(&cluster, &roles.values().flatten().cloned().collect::<Vec<_>>());
    let kubeconfigs: BTreeMap<&str, PathBuf> =
        names.iter().map(|name| (*name, cluster.plane.kubeconfig_for(name, &[]))).collect();
    let mut used: BTreeMap<&str, BTreeSet<Right>> = BTreeMap::new();
    let mut lacking = Vec::new();
    for act in ACTS {
        admin(&cluster, act);
        let Run(line, code) = act else { continue };
        let name = subcommand(line);
        let before = cluster.plane.audit().len();
        let output = run(&cluster, line, &kubeconfigs[name]);
        let events = cluster.plane.audit().split_off(before);
        let own: Vec<_> = events.iter().filter(|event| event.user == name).collect();
        let refused = own.iter().filter(|event| event.code == 403);
        lacking.extend(refused.map(|event| format!("{name}: {} {}", event.verb, event.uri)));
        if output.status.code() != Some(*code) {
            lacking.push(format!("{line}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr)));
        }
        used.entry(name).or_default().extend(own.iter().filter_map(|event| asked(&event.verb, &event.uri)));
    }
    let mut idle = Vec::new();
    for (name, documents) in &roles {
        for right in given(documents).difference(&used[name]) {
            idle.push(format!("{name}: {} {}.{}", right.0, right.2, right.1));
        }
    }
    assert!(lacking.is_empty() && idle.is_empty(), "lacking: {lacking:#?}\nnever used: {idle:#?}");
}
