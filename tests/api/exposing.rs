//! Every way in, in the article's order, on a real API server: what is written, that `explain` agrees, that each is taken
//! back; and second writers, refusals and changes by others in between.
//! What is expected is read back by calicoctl and kubectl, never by the plugin.

use std::collections::BTreeMap;
use std::process::Output;

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::cluster::{Cluster, assert_succeeded, text};
use crate::journey::{records, verdict};
use crate::support::Relay;

const NODES: [&str; 2] = ["192.0.2.1", "10.128.147.141"];

/// A Service of another application, and a load balancer's for nginx.
const SERVICES: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  clusterIP: 10.21.0.80
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.20.1.20], nodeName: node1, conditions: {ready: true}}]
ports: [{name: http, port: 8080, protocol: TCP}]
---
apiVersion: v1
kind: Service
metadata: {name: web-lb, namespace: advanced-policy-demo}
spec:
  type: LoadBalancer
  clusterIP: 10.21.0.77
  selector: {app: nginx}
  ports: [{port: 443, targetPort: 80, nodePort: 30977}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-lb-1, namespace: advanced-policy-demo, labels: {kubernetes.io/service-name: web-lb}}
addressType: IPv4
endpoints: [{addresses: [10.20.2.90], nodeName: node2, conditions: {ready: true}}]
ports: [{port: 80, protocol: TCP}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kube-proxy, namespace: kube-system}
data:
  config.conf: "{kind: KubeProxyConfiguration, mode: iptables, clusterCIDR: 10.20.0.0/16}"
"#;

/// What a plan can write, beside its record.
const WRITTEN: &str = "globalnetworkpolicies.crd.projectcalico.org,networkpolicies.crd.projectcalico.org,\
                       globalnetworksets.crd.projectcalico.org,hostendpoints.crd.projectcalico.org,services";

/// The cluster with them.
pub fn start() -> Cluster {
    let cluster = Cluster::start();
    cluster.plane.apply(SERVICES);
    balance(&cluster, "web-lb", "10.128.146.112");
    cluster
}

/// Gives a Service its address, as a load balancer's controller does.
fn balance(cluster: &Cluster, service: &str, address: &str) {
    let status = format!(r#"{{"status": {{"loadBalancer": {{"ingress": [{{"ip": "{address}"}}]}}}}}}"#);
    let namespace = "--namespace=advanced-policy-demo";
    let patch = ["patch", "service", service, namespace, "--subresource=status", "--patch", &status];
    assert_succeeded(&cluster.plane.kubectl(patch));
}

/// Every object that a plan can change, by kind and name, without what a server counts.
fn state(cluster: &Cluster) -> BTreeMap<String, Value> {
    let list = cluster.stored(&[WRITTEN, "--all-namespaces"]);
    let items = list["items"].as_array().expect("a list").iter().map(|object| {
        let metadata = &object["metadata"];
        let meaning = json!([metadata["labels"], metadata["annotations"], object["spec"], object["status"]]);
        (format!("{} {} {}", object["kind"], metadata["namespace"], metadata["name"]), meaning)
    });
    items.collect()
}

fn nginx(cluster: &Cluster) -> Value {
    cluster.stored(&["service", "nginx", "--namespace=advanced-policy-demo"])
}

fn node_port(service: &Value) -> u64 {
    service["spec"]["ports"][0]["nodePort"].as_u64().unwrap_or_else(|| panic!("a node port: {service:#}"))
}

/// The rules of the perimeter, as calicoctl reads them.
fn perimeter(cluster: &Cluster) -> Vec<Value> {
    let policies = cluster.calico(&["globalnetworkpolicy"]);
    let mut perimeters = policies["items"].as_array().expect("a list").iter();
    let found = perimeters.find(|policy| policy["spec"]["preDNAT"] == true).expect("a perimeter");
    assert_eq!(found["spec"]["applyOnForward"], true);
    found["spec"]["ingress"].as_array().expect("rules").clone()
}

/// Asserts what becomes of each packet; a closed end of the list of nodes is each of them.
fn agree(cluster: &Cluster, when: &str, flows: &[(&str, &str, &str)]) {
    for (from, to, expected) in flows {
        let targets = match to.strip_prefix("NODE") {
            Some(port) => NODES.map(|node| format!("{node}{port}")).to_vec(),
            None => vec![to.to_string()],
        };
        for to in targets {
            assert_eq!(verdict(cluster, from, &to), *expected, "{when}: {from} -> {to}");
        }
    }
}

fn grant_of(said: &str) -> String {
    let after = said.split("the grant is ").nth(1).unwrap_or_else(|| panic!("no grant is named: {said}"));
    after.split(':').next().unwrap_or_default().to_string()
}

#[test]
fn the_article_in_its_order() {
    let cluster = start();
    cluster.done(&["lockdown", "--yes"]);
    cluster.done(&["allow", "--from", "access", "--to", "deployment/nginx", "--port", "80", "--yes"]);
    let locked = state(&cluster);
    let host = [("10.7.0.98", "NODE:22", "allow"), ("10.7.0.98", "NODE:10250", "allow")];

    // A number that is free is taken for the node port, and the perimeter knows it.
    let said = cluster.done(&["expose-nodeport", "nginx", "--from", "10.7.0.99", "--yes"]);
    let by_node_port = grant_of(&said);
    let service = nginx(&cluster);
    assert_eq!(service["spec"]["type"], "NodePort");
    let number = node_port(&service);
    assert!((30000..=32767).contains(&number), "{number}");
    let rules = perimeter(&cluster);
    assert_eq!(rules[0]["source"], json!({"nets": ["10.7.0.99/32"]}));
    assert_eq!(rules[0]["destination"]["ports"], json!([number]));
    let endpoints = cluster.calico(&["hostendpoint"]);
    let endpoints = endpoints["items"].as_array().expect("a list").clone();
    assert_eq!(endpoints.iter().map(|endpoint| &endpoint["spec"]["node"]).collect::<Vec<_>>(), ["node1", "node2"]);
    let door = format!("NODE:{number}");
    let other = format!("NODE:{}", if number == 32767 { 30000 } else { number + 1 });
    let opened = [
        ("10.7.0.99", door.as_str(), "allow"),
        ("10.7.0.98", &door, "deny"),
        ("10.7.0.99", &other, "deny"),
        ("10.7.0.99", "NODE:30977", "deny"),
        ("10.7.0.99", "10.128.146.112:443", "deny"),
        ("10.20.1.20", "10.20.2.90:80", "deny"),
        ("10.20.1.136", "10.20.2.90:80", "allow"),
    ];
    agree(&cluster, "expose-nodeport", &opened);
    agree(&cluster, "expose-nodeport", &host);
    let (exposed, count) = (state(&cluster), records(&cluster));
    cluster.done(&["expose-nodeport", "nginx", "--from", "10.7.0.99", "--yes"]);
    assert_eq!((state(&cluster), records(&cluster)), (exposed, count), "the same once more changes nothing");

    // A certain number, a load balancer's address, a cluster address over BGP.
    let said = cluster.done(&["expose-nodeport", "shop/web", "--from", "10.8.0.0/24", "--node-port", "30880", "--yes"]);
    let by_number = grant_of(&said);
    agree(&cluster, "a number", &[("10.8.0.7", "NODE:30880", "allow"), ("10.9.0.7", "NODE:30880", "deny")]);
    let said = cluster.done(&["expose-lb", "web-lb", "--from", "10.7.0.50", "--yes"]);
    let by_balancer = grant_of(&said);
    let balanced = [
        ("10.7.0.50", "10.128.146.112:443", "allow"),
        ("10.7.0.99", "10.128.146.112:443", "deny"),
        ("10.7.0.50", "NODE:30977", "deny"),
    ];
    agree(&cluster, "expose-lb", &balanced);
    let args = ["bgp-allow", "shop/web", "--from", "10.30.0.0/16", "--advertise", "cluster"];
    let peer = ["--peer", "10.128.147.200", "--peer-as", "65531", "--yes"];
    let said = cluster.done(&[args.as_slice(), &peer].concat());
    let by_bgp = grant_of(&said);
    let configuration = cluster.calico(&["bgpconfiguration", "default"]);
    assert_eq!(configuration["spec"]["serviceClusterIPs"], json!([{"cidr": "10.21.0.80/32"}]));
    let peers = cluster.calico(&["bgppeer"]);
    let peer = &peers["items"][0]["spec"];
    assert_eq!((&peer["peerIP"], &peer["asNumber"]), (&json!("10.128.147.200"), &json!(65531)));
    agree(&cluster, "bgp-allow", &[("10.30.1.1", "10.21.0.80:80", "allow"), ("10.7.0.99", "10.21.0.80:80", "deny")]);
    agree(&cluster, "in the end", &opened);
    agree(&cluster, "in the end", &balanced);
    agree(&cluster, "in the end", &host);

    // Each is taken back; the perimeter stays as long as a grant needs it.
    let needed = cluster.plugin(&["unlock", "--perimeter", "--yes"]);
    assert_eq!(needed.status.code(), Some(3), "{}", text(&needed.stdout));
    for grant in [&by_bgp, &by_balancer, &by_number, &by_node_port] {
        assert!(text(&needed.stderr).contains(grant.as_str()), "{grant} is named in {}", text(&needed.stderr));
        cluster.done(&["revoke", grant, "--yes"]);
    }
    let closed = [
        ("10.7.0.99", door.as_str(), "deny"),
        ("10.8.0.7", "NODE:30880", "deny"),
        ("10.7.0.50", "10.128.146.112:443", "deny"),
        ("10.20.1.136", "10.20.2.90:80", "allow"),
    ];
    agree(&cluster, "revoked", &closed);
    let configuration = cluster.calico(&["bgpconfiguration", "default"]);
    assert!(configuration["spec"]["serviceClusterIPs"].as_array().is_none_or(Vec::is_empty), "{configuration:#}");
    cluster.done(&["unlock", "--perimeter", "--yes"]);
    let left = state(&cluster);
    assert_eq!(left, locked, "nothing is left of it, and the Services are what they were");
}

#[test]
fn undo_takes_an_exposure_back_and_brings_it_again() {
    let cluster = start();
    cluster.done(&["lockdown", "--yes"]);
    let locked = state(&cluster);
    cluster.done(&["expose-nodeport", "nginx", "--from", "10.7.0.99", "--node-port", "32127", "--yes"]);
    agree(&cluster, "done", &[("10.7.0.99", "NODE:32127", "allow"), ("10.7.0.98", "NODE:32127", "deny")]);
    let exposed = state(&cluster);
    let said = cluster.done(&["undo", "--yes"]);
    assert_eq!(state(&cluster), locked);
    let number = said.split("Recorded as ").nth(1).and_then(|rest| rest.split(':').next()).expect("its own number");
    cluster.done(&["undo", number, "--yes"]);
    assert_eq!(state(&cluster), exposed);
    agree(&cluster, "again", &[("10.7.0.99", "NODE:32127", "allow"), ("10.7.0.98", "NODE:32127", "deny")]);
    assert_eq!(node_port(&nginx(&cluster)), 32127);
}

#[test]
fn a_servers_dry_run_of_an_exposure_writes_nothing() {
    let cluster = start();
    cluster.done(&["lockdown", "--yes"]);
    let (before, count) = (state(&cluster), records(&cluster));
    let args = ["expose-nodeport", "nginx", "--from", "10.7.0.99", "--dry-run=server", "--yes"];
    let said = cluster.done(&args);
    assert!(said.contains("server dry run") && said.contains("Service"), "{said}");
    assert_eq!((state(&cluster), records(&cluster)), (before.clone(), count));
    // What only the server knows is refused there too: the number is another Service's.
    let taken = cluster.plugin(&["expose-nodeport", "nginx", "--from", "10.7.0.99", "--node-port", "30977", "--yes"]);
    assert!(!taken.status.success(), "{}", text(&taken.stdout));
    assert!(text(&taken.stderr).contains("30977"), "{}", text(&taken.stderr));
    assert_eq!(state(&cluster), before);
}

/// Runs the plugin by a relay; what `between` does happens right before the first write to something of this name.
fn meanwhile(
    cluster: &Cluster,
    args: &[&str],
    name: &'static str,
    between: impl Fn() + Send + Sync + 'static,
) -> Output {
    let done = AtomicBool::new(false);
    let before = move |write: &str| {
        if write.contains(name) && !done.swap(true, Ordering::SeqCst) {
            between();
        }
        true
    };
    let relay = Relay::start(cluster.plane.command("kubectl"), Box::new(before));
    let mut command = cluster.command(args);
    command.args(["--server", &relay.server()]).env_remove("KUBECONFIG");
    command.output().expect("run the plugin")
}

/// kubectl with these arguments, to be run by another operator at a certain moment.
fn kubectl(cluster: &Cluster, args: &[&str]) -> impl Fn() + Send + Sync + 'static {
    let mut command = cluster.plane.command("kubectl");
    command.args(args);
    let command = std::sync::Mutex::new(command);
    move || {
        let output = command.lock().expect("nobody panics with it").output().expect("run kubectl");
        assert_succeeded(&output);
    }
}

const EXPOSE: [&str; 6] = ["expose-nodeport", "nginx", "--from", "10.7.0.99", "--node-port=32127", "--yes"];

#[test]
fn a_second_writer_who_changes_something_else_is_no_obstacle() {
    let cluster = start();
    cluster.done(&["lockdown", "--yes"]);
    let label = ["label", "service", "nginx", "--namespace=advanced-policy-demo", "owner=somebody"];
    let output = meanwhile(&cluster, &EXPOSE, "/services/nginx", kubectl(&cluster, &label));
    assert_succeeded(&output);
    let service = nginx(&cluster);
    assert_eq!((&service["metadata"]["labels"]["owner"], node_port(&service)), (&json!("somebody"), 32127));
    agree(&cluster, "done", &[("10.7.0.99", "NODE:32127", "allow"), ("10.7.0.98", "NODE:32127", "deny")]);

    // A rule of theirs in our perimeter stays too, while another Service's exposure rewrites ours.
    let policies = cluster.stored(&["globalnetworkpolicies.crd.projectcalico.org"]);
    let mut policies = policies["items"].as_array().expect("a list").iter();
    let ours = policies.find(|policy| policy["spec"]["preDNAT"] == true).expect("a perimeter");
    let object = format!(
        "globalnetworkpolicies.crd.projectcalico.org/{}",
        ours["metadata"]["name"].as_str().unwrap_or_default()
    );
    let rule = r#"[{"op": "add", "path": "/spec/ingress/0", "value": {"action": "Allow", "protocol": "TCP",
        "source": {"nets": ["198.51.100.7/32"]}, "destination": {"ports": [31000]}}}]"#;
    let args = ["expose-nodeport", "shop/web", "--from", "10.8.0.0/24", "--node-port=30880", "--yes"];
    let patch = ["patch", &object, "--type=json", "--patch", rule];
    assert_succeeded(&meanwhile(&cluster, &args, "globalnetworkpolicies", kubectl(&cluster, &patch)));
    let rules = perimeter(&cluster);
    let theirs = rules.iter().filter(|rule| rule["source"]["nets"] == json!(["198.51.100.7/32"]));
    assert_eq!(theirs.count(), 1, "{rules:#?}");
    agree(&cluster, "both", &[("10.8.0.7", "NODE:30880", "allow"), ("10.7.0.99", "NODE:32127", "allow")]);
}

#[test]
fn a_second_writer_who_takes_the_door_stops_the_plan() {
    let cluster = start();
    cluster.done(&["lockdown", "--yes"]);
    let before = state(&cluster);
    let spec = r#"{"spec": {"type": "NodePort", "ports": [{"name": "http", "port": 80, "nodePort": 31999}]}}"#;
    let patch = ["patch", "service", "nginx", "--namespace=advanced-policy-demo", "--patch", spec];
    let output = meanwhile(&cluster, &EXPOSE, "/services/nginx", kubectl(&cluster, &patch));
    let words = text(&output.stderr);
    assert!(!output.status.success(), "{}{words}", text(&output.stdout));
    assert!(words.contains("nginx") && words.contains("undo"), "{words}");
    assert_eq!(node_port(&nginx(&cluster)), 31999, "theirs stays");
    agree(&cluster, "stopped", &[("10.7.0.98", "NODE:31999", "deny"), ("10.7.0.99", "NODE:31999", "deny")]);
    cluster.done(&["undo", "--yes"]);
    let mut left = state(&cluster);
    let service = left.keys().find(|key| key.contains("Service") && key.contains("\"nginx\"")).expect("nginx").clone();
    left.insert(service.clone(), before[&service].clone());
    assert_eq!(left, before, "all else is as it was");
}

#[test]
fn a_node_port_that_somebody_changed_is_closed_until_the_exposure_is_asked_again() {
    let cluster = start();
    cluster.done(&["lockdown", "--yes"]);
    let said = cluster.done(&EXPOSE);
    let grant = grant_of(&said);
    let spec = r#"{"spec": {"ports": [{"name": "http", "port": 80, "nodePort": 31999}]}}"#;
    let namespace = "--namespace=advanced-policy-demo";
    assert_succeeded(&cluster.plane.kubectl(["patch", "service", "nginx", namespace, "--patch", spec]));
    agree(&cluster, "changed", &[("10.7.0.99", "NODE:31999", "deny"), ("10.7.0.98", "NODE:31999", "deny")]);
    let said = cluster.done(&["expose-nodeport", "nginx", "--from", "10.7.0.99", "--yes"]);
    assert_eq!(grant_of(&said), grant, "it is the same grant");
    agree(&cluster, "again", &[("10.7.0.99", "NODE:31999", "allow"), ("10.7.0.98", "NODE:31999", "deny")]);
    let numbers: Vec<Value> = perimeter(&cluster).iter().map(|rule| rule["destination"]["ports"].clone()).collect();
    assert!(!numbers.contains(&json!([32127])), "the old number is no door any more: {numbers:?}");
    cluster.done(&["revoke", &grant, "--yes"]);
    assert_eq!(nginx(&cluster)["spec"]["type"], "ClusterIP");
}

#[test]
fn a_server_that_goes_away_leaves_no_stranger_a_door() {
    let cluster = start();
    cluster.done(&["lockdown", "--yes"]);
    let before = state(&cluster);
    // Record, set, policy, two host endpoints, the pods' policy, the Service, the record's end.
    for writes in 1..7 {
        let relay = crate::faults::faulty(&cluster, writes);
        let mut command = cluster.command(&EXPOSE);
        command.args(["--request-timeout=5s", "--server", &relay.server()]).env_remove("KUBECONFIG");
        let output = command.output().expect("run the plugin");
        assert_eq!(output.status.code(), Some(1), "after {writes}: {}", text(&output.stdout));
        drop(relay);
        let stopped = [("10.7.0.98", "NODE:30977", "deny"), ("10.7.0.98", "10.20.2.90:80", "deny")];
        agree(&cluster, &format!("after {writes} writes"), &stopped);
        agree(&cluster, &format!("after {writes} writes"), &[("10.7.0.98", "NODE:10250", "allow")]);
        cluster.done(&["undo", "--yes"]);
        assert_eq!(state(&cluster), before, "undone after {writes} writes");
    }
}

const ROLES: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: [{apiGroups: ['*'], resources: ['*'], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: policies}
rules:
- {apiGroups: [crd.projectcalico.org], resources: ['*'], verbs: [create, update, delete]}
- {apiGroups: [''], resources: [configmaps], verbs: [create, update, delete]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all-but-nodes}
rules:
- {apiGroups: ['', apps, batch, discovery.k8s.io, networking.k8s.io, crd.projectcalico.org], verbs: [get, list],
   resources: [pods, services, namespaces, serviceaccounts, configmaps, endpointslices, deployments, statefulsets,
               daemonsets, replicasets, jobs, networkpolicies, globalnetworkpolicies, globalnetworksets, networksets,
               ippools, clusterinformations, felixconfigurations, bgpconfigurations, bgppeers]}
";

fn user(cluster: &Cluster, name: &str, roles: &[&str]) -> std::path::PathBuf {
    for role in roles {
        let binding =
            ["create", "clusterrolebinding", &format!("{name}-{role}"), "--clusterrole", role, "--user", name];
        assert_succeeded(&cluster.plane.kubectl(binding));
    }
    cluster.plane.kubeconfig_for(name, &[])
}

#[test]
fn missing_permissions_are_named_and_nothing_is_claimed() {
    let cluster = start();
    cluster.done(&["lockdown", "--yes"]);
    cluster.plane.apply(ROLES);
    let before = state(&cluster);
    let run = |kubeconfig: &std::path::Path, args: &[&str]| {
        cluster.command(args).arg("--kubeconfig").arg(kubeconfig).output().expect("run the plugin")
    };

    // Neither the nodes nor the host endpoints may be read: where a client comes in is not known.
    let blind = user(&cluster, "blind", &["all-but-nodes", "policies"]);
    let refused = run(&blind, &EXPOSE);
    let words = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(4), "{}{words}", text(&refused.stdout));
    assert!(words.contains("nodes") && words.contains("Hint: "), "{words}");
    assert_eq!(state(&cluster), before);

    // All may be written but the Service: it is said before anything is.
    let half = user(&cluster, "half", &["reader", "policies"]);
    let refused = run(&half, &EXPOSE);
    let words = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{words}");
    assert!(
        words.contains("forbidden") && words.contains("services") && words.contains("nothing was written"),
        "{words}"
    );
    assert_eq!(state(&cluster), before);

    // With the host endpoints hidden, what becomes of a client at a door is unknown.
    cluster.done(&EXPOSE);
    let explained = run(&blind, &["explain", "--from", "10.7.0.99", "--to", "10.128.147.141:32127"]);
    assert_eq!(explained.status.code(), Some(4), "{}", text(&explained.stdout));
}

/// What the plugin asked for, as verbs and paths.
fn requests(cluster: &Cluster, args: &[&str]) -> Vec<String> {
    let before = cluster.plane.audit().len();
    cluster.done(args);
    let events = cluster.plane.audit().split_off(before);
    let ours = events.into_iter().filter(|event| event.user_agent.starts_with("kubectl-zerotrust/"));
    ours.map(|event| format!("{} {}", event.verb, event.uri)).collect()
}

#[test]
fn exposures_read_only_what_they_need() {
    let cluster = start();
    cluster.done(&["lockdown", "--yes"]);

    let commands: [&[&str]; 4] = [
        &EXPOSE,
        &["expose-lb", "web-lb", "--from", "10.7.0.50", "--yes"],
        &["bgp-allow", "shop/web", "--from", "10.30.0.0/16", "--advertise", "cluster", "--yes"],
        &["revoke", "--from", "10.7.0.99", "--to", "nginx", "--yes"],
    ];
    for args in commands {
        let shown = requests(&cluster, args);
        let all_pods = |request: &&String| request.contains("/api/v1/pods") && !request.contains("Selector=");
        assert_eq!(shown.iter().find(all_pods), None, "never all pods of a cluster: {args:?}");
        let mut seen = std::collections::BTreeSet::new();
        let twice: Vec<&String> =
            shown.iter().filter(|request| request.starts_with("list ") && !seen.insert(*request)).collect();
        assert!(twice.is_empty(), "{args:?} asks twice: {twice:#?}");

        assert!(shown.len() <= 60, "{args:?}: {} requests:\n{}", shown.len(), shown.join("\n"));
    }
}
