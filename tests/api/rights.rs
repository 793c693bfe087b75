//! The roles that `rbac` prints, held against a real API server: with them each subcommand does its work, each of their rights is
//! used, and none can be left out unnoticed.
//! What is used is told by the server's audit log, never by the plugin.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Cluster, assert_succeeded, feed, text};
use crate::exposing;
use crate::shapes::MIGRATIONS;
use crate::staged::add_staged_kinds;

/// A verb on a resource of a group.
type Right = (String, String, String);

/// What happens, in this order.
enum Act {
    /// A subcommand by somebody who has its role: its arguments, and how it ends.
    Run(&'static str, i32),
    /// The admin applies something.
    Apply(&'static str),
    /// The admin's kubectl.
    Kubectl(&'static str),
    /// A node comes.
    Node(&'static str, &'static str),
    /// Seconds pass.
    Wait(u64),
    /// `wireguard-sync --watch` runs for a while.
    Watch,
}

impl Act {
    /// Whose role it takes.
    fn subcommand(&self) -> Option<&'static str> {
        match self {
            // The second half of a lockdown has its rights.
            Run(line, _) if line.starts_with("promote ") => Some("lockdown"),
            Run(line, _) => line.split(' ').next(),
            Watch => Some("wireguard-sync"),
            Apply(_) | Kubectl(_) | Node(..) | Wait(_) => None,
        }
    }
}

use Act::{Apply, Kubectl, Node, Run, Wait, Watch};

/// Admission of something that nobody makes, by pods of an application.
const WEBHOOK: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: web}
webhooks:
- name: web.example.org
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  clientConfig: {service: {namespace: shop, name: web, port: 80}}
  rules: [{apiGroups: [example.org], apiVersions: [v1], operations: [CREATE], resources: [nothings]}]
";

/// A second port of that application, and admission by it.
const WEBHOOK_TOO: &str = "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  clusterIP: 10.21.0.80
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}, {name: more, port: 81, targetPort: 8081}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: more}
webhooks:
- name: more.example.org
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  clientConfig: {service: {namespace: shop, name: web, port: 81}}
  rules: [{apiGroups: [example.org], apiVersions: [v1], operations: [CREATE], resources: [nothings]}]
";

/// Calico as its own manifests install it, with a setting that says that its objects are not in etcd.
const INSTALLED: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: calico-config, namespace: kube-system}
data: {etcd_endpoints: ''}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: calico-node}}
  template:
    metadata: {labels: {k8s-app: calico-node}}
    spec:
      containers:
      - name: calico-node
        image: test
        env:
        - {name: ETCD_ENDPOINTS, valueFrom: {configMapKeyRef: {name: calico-config, key: etcd_endpoints}}}
";

/// A kernel log: to a pod, and to a load balancer's address.
const LOG: &str = "\
calico-packet: IN=eth0 OUT=cali1 MAC= SRC=10.7.0.99 DST=10.20.2.90 LEN=64 TOS=0x00 PREC=0x00 TTL=59 ID=0 DF PROTO=TCP SPT=44342 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0
calico-packet: IN=eth0 OUT= MAC= SRC=10.7.0.99 DST=10.128.146.112 LEN=64 TOS=0x00 PREC=0x00 TTL=59 ID=0 DF PROTO=TCP SPT=44342 DPT=443 WINDOW=65535 RES=0x00 SYN URGP=0
";

/// Tests of reachability; that some name nothing is what makes them look for it.
const TESTS: &str = "\
- {from: 10.7.0.99, deny: ['advanced-policy-demo/nothing:80']}
- {from: 10.7.0.99, deny: ['nothing:80']}
- {from: 10.7.0.99, to: 10.128.146.112, deny: [443]}
";

/// A test of what is there.
const GOOD: &str = "- {from: 10.7.0.99, to: advanced-policy-demo/nginx, deny: [80]}\n";

/// However it ends: that it asks is what counts.
const ANY: i32 = -1;

/// Where the API server is, a Service without pods, and who owns a pod.
const BESIDE: &str = "
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes-1, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv4
endpoints: [{addresses: [192.0.2.1], conditions: {ready: true}}]
ports: [{name: https, port: 6443, protocol: TCP}]
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: shop}
spec:
  clusterIP: 10.21.0.81
  ports: [{port: 80}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: outside-1, namespace: shop, labels: {kubernetes.io/service-name: outside}}
addressType: IPv4
endpoints: [{addresses: [198.51.100.7], conditions: {ready: true}}]
ports: [{port: 80, protocol: TCP}]
";

/// A pod that somebody owns.
const OWNED: &str = "patch pod nginx-1 -n advanced-policy-demo --type=merge --patch {\"metadata\":{\"ownerReferences\":\
                     [{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"name\":\"nginx-1\",\"uid\":\"1\"}]}}";

/// Every subcommand in scenes that need each of its rights at least once.
const ACTS: &[Act] = &[
    Apply(INSTALLED),
    Apply(BESIDE),
    Kubectl(OWNED),
    // Applications and their webhooks.
    Run("lockdown --yes", 0),
    Run("lockdown --log --yes", 0),
    Apply(WEBHOOK),
    Run("lockdown --yes", 0),
    Apply(WEBHOOK_TOO),
    Run("lockdown --yes", 0),
    Run("unlock --yes", 0),
    Run("undo --yes", 0),
    // Grants inside.
    Run("allow --from access --to nginx --yes", 0),
    Run("allow --from shop/web-1 --to nginx --port 80 --yes", 0),
    Run("allow --from access --to shop/outside --dry-run=client", ANY),
    Run("allow -n shop --from 10.7.0.99 --to nothing --yes", 1),
    // A load balancer.
    Run("expose-lb web-lb --from 10.7.0.50 --yes", 0),
    Run("undo --yes", 0),
    Run("expose-lb web-lb --from 10.7.0.50 --yes", 0),
    Node("node3", "192.0.2.3"),
    Run("expose-lb shop/web --from 10.7.0.51 --port 80 --address 10.128.146.120 --yes", 0),
    Run("undo --yes", 0),
    Run("expose-lb shop/web --from 10.7.0.51 --port 80 --address 10.128.146.120 --yes", 0),
    Run("expose-lb -n shop nothing --yes", 1),
    Run("status -o wide", 0),
    Run("revoke --from 10.7.0.50 --to web-lb --yes", 0),
    Run("revoke --from 10.7.0.51 --to shop/web --yes", 0),
    Run("revoke -n shop --from 10.7.0.99 --to nothing --yes", 1),
    Run("revoke --from 10.7.0.99 --to nothing --yes", 1),
    Run("unlock --perimeter --yes", 0),
    // A node port.
    Run("expose-nodeport nginx --from 10.7.0.99 --node-port 32127 --yes", 0),
    Node("node4", "192.0.2.4"),
    Run("expose-nodeport shop/web --from 10.8.0.0/24 --port 80 --node-port 30880 --yes", 0),
    Run("expose-nodeport web-lb --from 10.7.0.99 --dry-run=client", ANY),
    Run("expose-nodeport -n shop nothing --yes", 1),
    Run("lockdown --nodes --allow-from 10.9.0.0/24 --accept-risk api-server --yes", 0),
    Node("node5", "192.0.2.5"),
    Run("lockdown --nodes --allow-from 10.9.0.0/24 --accept-risk api-server --yes", 0),
    Run("unlock --nodes --yes", 0),
    Run("revoke --from 10.7.0.99 --to nginx --yes", 0),
    Run("revoke --from 10.8.0.0/24 --to shop/web --yes", 0),
    Run("unlock --perimeter --yes", 0),
    Run("lockdown --nodes --allow-from 10.9.0.0/24 --accept-risk api-server --yes", 0),
    Run("unlock --nodes --yes", 0),
    Run("unlock --perimeter --yes", 0),
    // An advertised address.
    Run(
        "bgp-allow shop/web --from 10.30.0.0/16 --port 80 --advertise cluster --peer 10.128.147.200 --peer-as 65531 --yes",
        0,
    ),
    Run("undo --yes", 0),
    Run("undo NEWEST --yes", 0),
    Node("node6", "192.0.2.6"),
    Run("bgp-allow nginx --from 10.31.0.0/16 --advertise cluster --close-others --yes", 0),
    Run("undo --yes", 0),
    Run("bgp-allow nginx --from 10.31.0.0/16 --advertise cluster --close-others --yes", 0),
    Run("bgp-allow web-lb --from 10.32.0.0/16 --dry-run=client", ANY),
    Run("bgp-allow -n shop nothing --from 10.30.0.0/16 --yes", 1),
    Run("revoke --from 10.31.0.0/16 --to nginx --yes", 0),
    // Questions, with an address that is advertised and others that are not.
    Run("test FILE", ANY),
    Run("test -n shop FILE", ANY),
    Run("test GOOD", ANY),
    Run("explain -n shop --from 10.7.0.99 --to nothing:80", 1),
    Run("explain --from 10.7.0.99 --to nothing:80", 1),
    Run("explain --from 10.7.0.99 --to 10.128.146.112:443", 3),
    Run("explain --from access --to shop/web-1:80", ANY),
    Run("diagnose --log LOG", ANY),
    Run("diagnose --node node1", ANY),
    // What nodes and people do.
    Run("expose-nodeport nginx --from 10.7.0.70 --node-port 31555 --expires 2s --close-others --yes", 0),
    Run("bgp-allow nginx --from 10.33.0.0/16 --advertise cluster --expires 2s --close-others --yes", 0),
    Run("allow --from 10.7.0.60 --to advanced-policy-demo/pod/access --port 80 --expires 2s --yes", 0),
    Node("node7", "192.0.2.7"),
    Wait(2),
    Run("wireguard-sync --yes", 0),
    Kubectl("delete node node7"),
    Kubectl("delete globalnetworksets.crd.projectcalico.org zerotrust-nodes"),
    Kubectl("delete globalnetworkpolicies.crd.projectcalico.org default.zerotrust-perimeter"),
    Kubectl("delete networkpolicies.crd.projectcalico.org -n advanced-policy-demo default.zerotrust-access-egress"),
    Run("wireguard-sync --yes", ANY),
    // A lockdown on trial.
    Run("unlock --yes", 0),
    Kubectl(ON_TRIAL),
    Run("lockdown --observe --log-prefix one --yes", 0),
    Run("undo --yes", 0),
    Run("undo NEWEST --yes", 0),
    Run("lockdown --observe --log-prefix two --yes", 0),
    Run("undo --yes", 0),
    Run("promote --yes", 0),
    Run("unlock --yes", 0),
    Run("lockdown --observe --log-prefix one --yes", 0),
    Run("unlock --yes", 0),
    Run("lockdown --staged --yes", 0),
    Run("status", ANY),
    Run("lockdown --staged --except shop --yes", 0),
    Run("undo --yes", 0),
    Run("undo --yes", 0),
    Run("undo NEWEST --yes", 0),
    Run("promote --yes", 0),
    Run("unlock --yes", 0),
    Run("lockdown --staged --yes", 0),
    Run("unlock --yes", 0),
    // Later releases have further kinds, and can be on their way to another API group.
    Apply(MIGRATIONS),
    Kubectl(LATER),
    Watch,
    Run("lockdown --dry-run=client", ANY),
    Run("lockdown --only nothing --yes", ANY),
    Run("unlock --dry-run=client", ANY),
    Run("unlock --name nothing --yes", ANY),
    Run("allow --from 10.7.0.99 --to nginx --dry-run=client", ANY),
    Run("allow --from 10.7.0.99 --to nothing --yes", ANY),
    Run("expose-nodeport nginx --from 10.7.0.99 --dry-run=client", ANY),
    Run("expose-nodeport nothing --yes", ANY),
    Run("expose-lb web-lb --from 10.7.0.99 --dry-run=client", ANY),
    Run("expose-lb nothing --yes", ANY),
    Run("bgp-allow shop/web --from 10.30.0.0/16 --dry-run=client", ANY),
    Run("bgp-allow nothing --from 10.30.0.0/16 --yes", ANY),
    Run("wireguard-sync --dry-run=client", ANY),
    Run("wireguard-sync --yes", ANY),
    Run("revoke --from access --to nginx --dry-run=client", ANY),
    Run("revoke nothing --yes", ANY),
    Run("status", ANY),
    Run("explain --from access --to nginx", ANY),
    Run("test FILE", ANY),
    Run("diagnose --log LOG", ANY),
    Run("snapshot DIRECTORY", ANY),
    Run("validate", ANY),
    Run("history", 0),
    Run("undo --yes", ANY),
];

const ON_TRIAL: &str = "patch clusterinformations.crd.projectcalico.org default --type=merge --patch {\"spec\":{\"calicoVersion\":\"v3.30.7\"}}";

const LATER: &str =
    "patch clusterinformations.crd.projectcalico.org default --type=merge --patch {\"spec\":{\"calicoVersion\":null}}";

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
        Run(..) | Watch => {}
        Kubectl(line) => assert_succeeded(&cluster.plane.kubectl(line.split(' '))),
        Wait(seconds) => std::thread::sleep(Duration::from_secs(*seconds)),
        Apply(yaml) => cluster.plane.apply(yaml),
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

/// The number of the newest record.
fn newest(cluster: &Cluster) -> String {
    let list = cluster.stored(&["configmaps", "--namespace=kube-system"]);
    let names = list["items"].as_array().expect("a list").iter().filter_map(|item| item["metadata"]["name"].as_str());
    let numbers = names.filter_map(|name| name.strip_prefix("zerotrust-")?.parse::<u32>().ok());
    numbers.max().expect("a record").to_string()
}

/// Runs a subcommand, with files of the test's own in place of their names.
fn run(cluster: &Cluster, line: &str, kubeconfig: &Path, directory: &Path) -> Output {
    let file = |name: &str| directory.join(name).display().to_string();
    let args: Vec<String> = line
        .split(' ')
        .map(|word| match word {
            "FILE" | "GOOD" | "LOG" | "DIRECTORY" => file(word),
            "NEWEST" => newest(cluster),
            word => word.to_string(),
        })
        .collect();
    std::fs::remove_dir_all(directory.join("DIRECTORY")).ok();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    cluster.command(&args).arg("--kubeconfig").arg(kubeconfig).output().expect("run the plugin")
}

/// Lets the subcommand watch until it has opened what it watches; what it said.
fn watch(cluster: &Cluster, kubeconfig: &Path) -> Output {
    let mut command = cluster.command(&["wireguard-sync", "--watch", "--yes", "--kubeconfig"]);
    let mut child = command.arg(kubeconfig).stderr(Stdio::piped()).spawn().expect("start the plugin");
    std::thread::sleep(Duration::from_secs(6));
    child.kill().expect("end the plugin");
    child.wait_with_output().expect("wait for the plugin")
}

/// A cluster on which everybody has the role of the same name, and what the acts read.
struct Stage {
    cluster: Cluster,
    directory: tempfile::TempDir,
    roles: BTreeMap<&'static str, Vec<Value>>,
}

impl Stage {
    fn new() -> Stage {
        let cluster = exposing::start();
        add_staged_kinds(&cluster);
        with_old_records(&cluster);
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("FILE"), TESTS).expect("write the tests");
        std::fs::write(directory.path().join("GOOD"), GOOD).expect("write the tests");
        std::fs::write(directory.path().join("LOG"), LOG).expect("write the log");
        let names: BTreeSet<&str> = ACTS.iter().filter_map(Act::subcommand).collect();
        let roles: BTreeMap<_, _> = names.iter().map(|name| (*name, role(&cluster, name, name))).collect();
        apply(&cluster, &roles.values().flatten().cloned().collect::<Vec<_>>());
        Stage { cluster, directory, roles }
    }

    fn run(&self, line: &str, kubeconfig: &Path) -> Output {
        run(&self.cluster, line, kubeconfig, self.directory.path())
    }

    /// A kubeconfig for each role.
    fn users(&self) -> BTreeMap<&'static str, PathBuf> {
        self.roles.keys().map(|name| (*name, self.cluster.plane.kubeconfig_for(name, &[]))).collect()
    }

    /// Somebody with the role of a subcommand, but without one right.
    fn without(&self, name: &str, user: &str, keeps: impl Fn(&Right) -> bool) -> Vec<Value> {
        let mut documents = self.roles[name].clone();
        for document in &mut documents {
            document["metadata"]["name"] = user.into();
            if document["roleRef"].is_object() {
                document["roleRef"]["name"] = user.into();
                document["subjects"][0]["name"] = user.into();
            }
            let Some(rules) = document["rules"].as_array_mut() else { continue };
            *rules = rules.iter().flat_map(|rule| kept(rule, &keeps)).collect();
        }
        documents
    }
}

/// A rule as one for each verb and resource, without those that are not kept.
fn kept(rule: &Value, keeps: &impl Fn(&Right) -> bool) -> Vec<Value> {
    let one = |right: &Right| {
        let mut one = rule.clone();
        one["verbs"] = json!([right.0]);
        one["apiGroups"] = json!([right.1]);
        one["resources"] = json!([right.2]);
        one
    };
    let all = given(&[json!({ "rules": [rule] })]);
    all.iter().filter(|right| keeps(right)).map(one).collect()
}

/// What is not missed where it is used first: kinds that this server does not serve, so that nobody could read them; and what is
/// known by another right too (Calico's version by the list, where its objects are by their being there).
const SILENT: &[&str] = &[
    "list adminnetworkpolicies",
    "list baselineadminnetworkpolicies",
    "list bgpadvertisements",
    "list clusternetworkpolicies",
    "list ipaddresspools",
    "list l2advertisements",
    "list servicel2statuses",
    "list servicebgpstatuses",
    "list stagedglobalnetworkpolicies",
    "list stagedkubernetesnetworkpolicies",
    "list stagednetworkpolicies",
    "list tiers",
    "get clusterinformations",
    "get daemonsets",
];

/// Where each right was used for the first time, and how the acts ended.
struct First {
    by: BTreeMap<Right, usize>,
    codes: Vec<Option<i32>>,
}

/// With its role alone each subcommand does its work, is refused nothing, and uses all of it.
fn all_suffice_and_nothing_is_left_over() -> First {
    let stage = Stage::new();
    let (cluster, users) = (&stage.cluster, stage.users());
    let mut used: BTreeMap<&str, BTreeSet<Right>> = BTreeMap::new();
    let mut first = First { by: BTreeMap::new(), codes: vec![None; ACTS.len()] };
    let mut lacking = Vec::new();
    for (index, act) in ACTS.iter().enumerate() {
        admin(cluster, act);
        let Some(name) = act.subcommand() else { continue };
        let before = cluster.plane.audit().len();
        if let Run(line, code) = act {
            let output = stage.run(line, &users[name]);
            first.codes[index] = output.status.code();
            if *code != ANY && output.status.code() != Some(*code) {
                lacking.push(format!("{line}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr)));
            }
        } else {
            watch(cluster, &users[name]);
        }
        let events = cluster.plane.audit().split_off(before);
        let own: Vec<_> = events.iter().filter(|event| event.user == name).collect();
        // What there is in place of a name that fits nothing is told to those who may see it.
        let suggestion = "/api/v1/namespaces?limit=500";
        let refused = own.iter().filter(|event| event.code == 403 && event.uri != suggestion);
        lacking.extend(refused.map(|event| format!("{name}: {} {}", event.verb, event.uri)));
        for right in own.iter().filter_map(|event| asked(&event.verb, &event.uri)) {
            first.by.entry(right.clone()).or_insert(index);
            used.entry(name).or_default().insert(right);
        }
    }
    let mut idle = Vec::new();
    for (name, documents) in &stage.roles {
        for right in given(documents).difference(&used[name]) {
            idle.push(format!("{name}: {} {}.{}", right.0, right.2, right.1));
        }
    }
    assert!(lacking.is_empty() && idle.is_empty(), "lacking: {lacking:#?}\nnever used: {idle:#?}");
    first
}

/// Without one of its rights each subcommand fails, or says what it did not see.
fn each_is_missed(first: &First) {
    let stage = Stage::new();
    let cluster = &stage.cluster;
    let watched: Vec<&Right> = first.by.keys().filter(|right| right.0 == "watch").collect();
    let mut rights: Vec<(&Right, usize)> =
        first.by.iter().filter(|(right, _)| right.0 != "watch").map(|(right, index)| (right, *index)).collect();
    // A record that cannot be read is noticed after the change: whoever lacks that comes last.
    rights.sort_by_key(|(right, _)| (right.2 == "configmaps" && right.0 == "get", (*right).clone()));
    let mut documents = stage.without("wireguard-sync", "blind", |right| right.0 != "watch");
    for (number, (right, index)) in rights.iter().enumerate() {
        let name = ACTS[*index].subcommand().expect("a subcommand used it");
        documents.extend(stage.without(name, &format!("without-{number}"), |kept| kept != *right));
    }
    apply(cluster, &documents);
    let users = stage.users();
    let mut unmissed = Vec::new();
    for (index, act) in ACTS.iter().enumerate() {
        admin(cluster, act);
        let Some(name) = act.subcommand() else { continue };
        let Run(line, _) = act else {
            let said = text(&watch(cluster, &cluster.plane.kubeconfig_for("blind", &[])).stderr);
            let silent = watched.iter().filter(|right| !said.contains(&format!("{} cannot be watched", right.2)));
            unmissed.extend(silent.map(|right| format!("watch {}", right.2)));
            continue;
        };
        for (number, (right, _)) in rights.iter().enumerate().filter(|(_, (_, at))| *at == index) {
            let writes = !["get", "list"].contains(&right.0.as_str());
            // What is read without it is not to change what the next ones find.
            let dry =
                if writes || right.2 == "configmaps" || !line.contains(" --yes") { "" } else { " --dry-run=client" };
            let user = cluster.plane.kubeconfig_for(&format!("without-{number}"), &[]);
            let output = stage.run(&format!("{line}{dry}"), &user);
            let said = format!("{}{}", text(&output.stdout), text(&output.stderr)).to_lowercase();
            let is_said = said.contains(&right.2) || said.contains("forbidden");
            if output.status.code() == first.codes[index] && !is_said {
                unmissed.push(format!("{} {}", right.0, right.2));
            }
        }
        stage.run(line, &users[name]);
    }
    unmissed.retain(|right| !SILENT.contains(&right.as_str()));
    assert!(unmissed.is_empty(), "left out unnoticed: {unmissed:#?}");
}

#[test]
fn each_subcommand_needs_its_role_and_nothing_else() {
    each_is_missed(&all_suffice_and_nothing_is_left_over());
}
