//! Facts that only a real API server can show whole: fields by which events are found, ServiceCIDRs, refusals.
//! Never uses the kubeconfig of whoever runs the tests.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster::{Cluster, assert_succeeded, text};

/// nginx behind a load balancer's address, as MetalLB 0.9 gives one; which node announces it only events say.
const BALANCER: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: web-lb, namespace: advanced-policy-demo}
spec:
  type: LoadBalancer
  clusterIP: 10.21.0.77
  selector: {app: nginx}
  ports: [{port: 80, targetPort: 80, nodePort: 30977}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-lb-1, namespace: advanced-policy-demo, labels: {kubernetes.io/service-name: web-lb}}
addressType: IPv4
endpoints: [{addresses: [10.20.2.90], nodeName: node2, conditions: {ready: true}}]
ports: [{port: 80, protocol: TCP}]
---
apiVersion: v1
kind: Event
metadata: {name: web-lb.1, namespace: advanced-policy-demo}
involvedObject: {kind: Service, namespace: advanced-policy-demo, name: web-lb}
reason: nodeAssigned
message: announcing from node "node1"
lastTimestamp: "2026-05-01T12:00:00Z"
---
apiVersion: v1
kind: Event
metadata: {name: other.1, namespace: advanced-policy-demo}
involvedObject: {kind: Service, namespace: advanced-policy-demo, name: other}
reason: nodeAssigned
message: announcing from node "node2"
lastTimestamp: "2026-05-01T13:00:00Z"
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kube-proxy, namespace: kube-system}
data:
  config.conf: "{kind: KubeProxyConfiguration, mode: nftables, clusterCIDR: 10.20.0.0/16}"
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
        env: [{name: DATASTORE_TYPE, value: kubernetes}, {name: FELIX_DEFAULTENDPOINTTOHOSTACTION, value: ACCEPT}]
"#;

fn start() -> Cluster {
    let cluster = Cluster::start();
    cluster.plane.apply(BALANCER);
    let status = r#"{"status": {"loadBalancer": {"ingress": [{"ip": "10.128.146.112"}]}}}"#;
    let patch =
        ["patch", "service", "web-lb", "--namespace=advanced-policy-demo", "--subresource=status", "--patch", status];
    assert_succeeded(&cluster.plane.kubectl(patch));
    cluster
}

fn entries(answer: &str) -> BTreeSet<String> {
    let answer: Value = serde_json::from_str(answer).expect("JSON");
    let paths = answer["paths"].as_array().expect("paths");
    paths.iter().filter_map(|path| path["entryNode"].as_str().map(str::to_string)).collect()
}

#[test]
fn the_announcing_node_is_found_by_its_event_live_and_from_a_snapshot() {
    let cluster = start();
    let ask = ["explain", "--from", "10.7.0.99", "--to", "10.128.146.112:80", "-o", "json"];
    let before = cluster.plane.audit().len();
    let live = text(&cluster.plugin(&ask).stdout);
    assert_eq!(entries(&live), BTreeSet::from(["node1".to_string()]), "{live}");
    let events = cluster.plane.audit().split_off(before);
    let ours = events.iter().filter(|event| event.user_agent.starts_with("kubectl-zerotrust/"));
    let shown: Vec<String> = ours.map(|event| event.uri.clone()).collect();
    let of_events: Vec<&String> = shown.iter().filter(|uri| uri.contains("/events")).collect();
    assert_eq!(of_events.len(), 1, "{shown:#?}");
    assert!(of_events[0].contains("advanced-policy-demo") && of_events[0].contains("fieldSelector"), "{of_events:?}");
    assert!(!shown.iter().any(|uri| uri.contains("servicecidrs") || uri.contains("kubecontrollers")), "{shown:#?}");
    assert!(shown.len() <= 45, "{} requests: {shown:#?}", shown.len());

    let directory = tempfile::tempdir().expect("a directory");
    let snapshot = directory.path().join("snapshot");
    let snapshot = snapshot.to_str().expect("a name");
    cluster.done(&["snapshot", snapshot]);
    let offline: Vec<&str> = ask.into_iter().chain(["-f", snapshot]).collect();
    assert_eq!(entries(&text(&cluster.plugin(&offline).stdout)), BTreeSet::from(["node1".to_string()]));
    let facts = |args: &[&str]| -> BTreeSet<String> {
        let status: Value = serde_json::from_str(&cluster.done(args)).expect("JSON");
        status["facts"].as_array().expect("facts").iter().map(ToString::to_string).collect()
    };
    let live = facts(&["status", "-o", "json"]);
    let offline = facts(&["status", "-o", "json", "-f", snapshot]);
    let apart: Vec<&String> = live.symmetric_difference(&offline).collect();
    // Why a kind has no objects is told from the API server, and not from files.
    assert!(apart.iter().all(|fact| fact.contains(r#""known":false"#)), "{apart:#?}");
    let known = live.iter().find(|fact| fact.contains("announced by node node1")).expect("the announcer");
    assert!(known.contains("2026-05-01T12:00:00Z"), "{known}");
    assert!(live.iter().any(|fact| fact.contains("ServiceCIDR kubernetes")), "{live:#?}");
}

#[test]
fn a_table_of_status_asks_for_no_facts() {
    let cluster = start();
    let asked = |args: &[&str]| -> Vec<String> {
        let before = cluster.plane.audit().len();
        cluster.done(args);
        let events = cluster.plane.audit().split_off(before);
        let ours = events.into_iter().filter(|event| event.user_agent.starts_with("kubectl-zerotrust/"));
        ours.map(|event| event.uri).collect()
    };
    // The records are ConfigMaps too: a change that was not finished is said by every status.
    let is_fact =
        |uri: &&String| uri.contains("/events") || (uri.contains("configmaps") && !uri.contains("kubectl-zerotrust"));
    let of_facts = |uris: &[String]| uris.iter().filter(is_fact).count();
    let table = asked(&["status"]);
    assert_eq!(of_facts(&table), 0, "{table:#?}");
    let wide = asked(&["status", "-o", "wide"]);
    assert!(of_facts(&wide) > 0 && wide.len() <= 50, "{wide:#?}");
}

#[test]
fn what_is_refused_is_a_gap_and_no_error() {
    let cluster = start();
    cluster.plane.apply(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: some}
rules:
- {apiGroups: [crd.projectcalico.org, apps, networking.k8s.io], resources: ['*'], verbs: [get, list]}
- {apiGroups: [''], resources: [pods, namespaces, services, nodes, serviceaccounts], verbs: [get, list]}
- {apiGroups: [discovery.k8s.io], resources: ['*'], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: sam-some}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: some}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: sam}]
",
    );
    let kubeconfig = cluster.plane.kubeconfig_for("sam", &[]);
    let run =
        |args: &[&str]| cluster.command(args).arg("--kubeconfig").arg(&kubeconfig).output().expect("run the plugin");
    let status = run(&["status", "-o", "wide"]);
    assert_succeeded(&status);
    let words = text(&status.stdout);
    assert!(words.contains("not seen: configmaps") && words.contains("not seen: events"), "{words}");
    // MetalLB is not there at all, which is another thing than being hidden.
    assert!(!words.contains("not seen: servicel2statuses"), "{words}");
    let explained = run(&["explain", "--from", "10.7.0.99", "--to", "10.128.146.112:80", "-o", "json"]);
    let answer = text(&explained.stdout);
    assert_eq!(entries(&answer), BTreeSet::from(["node1".to_string(), "node2".to_string()]), "{answer}");
}
