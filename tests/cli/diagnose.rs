//! The walkthrough's log lines on its cluster, at each of its stages: who, where, why; the command that is printed is run,
//! and then the packet passes and its neighbour does not. Other sources of logs, and what goes wrong with them.
//! Never knows the code.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{Lab, program, report};

/// The article's log lines, in the order in which it shows them.
const NODE_PORT: &str = "\
Feb 16 18:20:49 kyverno03 kernel: calico-packet: IN=eth0 OUT=calia58d9dbfdee MAC=fa:16:3e:c2:43:f3:fa:16:3e:01:2e:36:08:00 SRC=10.128.146.177 DST=10.20.112.90 LEN=64 TOS=0x00 PREC=0x00 TTL=59 ID=0 DF PROTO=TCP SPT=44342 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0
Feb 16 18:20:50 kyverno03 kernel: calico-packet: IN=eth0 OUT=calia58d9dbfdee MAC=fa:16:3e:c2:43:f3:fa:16:3e:01:2e:36:08:00 SRC=10.128.146.177 DST=10.20.112.90 LEN=64 TOS=0x00 PREC=0x00 TTL=60 ID=0 DF PROTO=TCP SPT=44342 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0
";
const WIREGUARD: &str = "\
Feb 22 21:34:34 kyverno02 kernel: calico-packet: IN=wireguard.cali OUT=califd5b7afc8b0 MAC= SRC=10.20.112.110 DST=10.20.103.150 LEN=64 TOS=0x00 PREC=0x00 TTL=59 ID=0 DF PROTO=TCP SPT=16038 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0
Feb 22 21:34:35 kyverno02 kernel: calico-packet: IN=wireguard.cali OUT=califd5b7afc8b0 MAC= SRC=10.20.112.110 DST=10.20.103.150 LEN=64 TOS=0x00 PREC=0x00 TTL=60 ID=0 DF PROTO=TCP SPT=16038 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0
";
const LOAD_BALANCER: &str = "\
Feb 23 16:49:38 kyverno02 kernel: calico-packet: IN=eth0 OUT= MAC=fa:16:3e:01:2e:36:00:1c:73:1e:03:a0:08:00 SRC=10.7.0.99 DST=10.128.146.112 LEN=64 TOS=0x00 PREC=0x00 TTL=60 ID=0 DF PROTO=TCP SPT=61863 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0
Feb 23 16:49:39 kyverno02 kernel: calico-packet: IN=eth0 OUT= MAC=fa:16:3e:01:2e:36:00:1c:73:1e:03:a0:08:00 SRC=10.7.0.99 DST=10.128.146.112 LEN=64 TOS=0x00 PREC=0x00 TTL=61 ID=0 DF PROTO=TCP SPT=61863 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0
Feb 23 16:49:40 kyverno02 kernel: calico-packet: IN=eth0 OUT= MAC=fa:16:3e:01:2e:36:00:1c:73:1e:03:a0:08:00 SRC=10.7.0.99 DST=10.128.146.112 LEN=64 TOS=0x00 PREC=0x00 TTL=61 ID=0 DF PROTO=TCP SPT=61863 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0
";
/// A client that comes in by the node of the pod keeps its address: what the article's first curl leaves in the log.
pub(super) const CLIENT: &str = "\
[ 1234.567890] calico-packet: IN=eth0 OUT=calia58d9dbfdee MAC=fa:16:3e:c2:43:f3:00:1c:73:1e:03:a0:08:00 SRC=10.7.0.99 DST=10.20.112.90 LEN=64 TOS=0x00 PREC=0x00 TTL=59 ID=0 DF PROTO=TCP SPT=61237 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0
";

/// The article's lockdown with its Log rule, its host endpoints, and its perimeter.
const POLICIES: &str = r#"apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  name: deny-app-policy
spec:
  namespaceSelector: has(projectcalico.org/name) && projectcalico.org/name not in {"kyverno", "kube-system", "calico-system", "kube-node-lease", "kube-public", "kubernetes-dashboard", "metallb-system", "pf9-addons", "pf9-monitoring", "pf9-olm", "pf9-operators", "platform9-system"}
  types: [Ingress, Egress]
  ingress:
  - action: Log
    protocol: TCP
  egress:
  - action: Allow
    protocol: UDP
    destination:
      selector: 'k8s-app == "kube-dns"'
      ports: [53]
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata:
  name: 10.128.146.177-eth0
  labels: {nodeport-external-ingress: "true"}
spec:
  interfaceName: eth0
  node: 10.128.146.177
  expectedIPs: [10.128.146.177]
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata:
  name: 10.128.147.102-eth0
  labels: {nodeport-external-ingress: "true"}
spec:
  interfaceName: eth0
  node: 10.128.147.102
  expectedIPs: [10.128.147.102]
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  name: allow-nodeport
spec:
  preDNAT: true
  applyOnForward: true
  order: 10
  ingress:
  - action: Allow
    protocol: TCP
    destination:
      selector: has(nodeport-external-ingress)
      ports: [32127]
  selector: has(nodeport-external-ingress)
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  name: allow-cluster-internal-ingress-only
spec:
  order: 20
  preDNAT: true
  applyOnForward: true
  ingress:
  - action: Allow
    source:
      nets: [10.128.146.0/23, 10.20.0.0/16]
  - action: Log
    protocol: TCP
  - action: Deny
  selector: has(nodeport-external-ingress)
"#;

/// The cluster where the article shows its first lines: a node port, the lockdown, the perimeter.
fn locked() -> Lab {
    let lab = Lab::platform9();
    lab.write("policies.yaml", POLICIES);
    let service = lab.read("advanced-policy-demo.yaml").replace(
        "  - port: 80\n    protocol: TCP\n    targetPort: 80\n",
        "  - port: 80\n    protocol: TCP\n    targetPort: 80\n    nodePort: 32127\n",
    );
    lab.write("advanced-policy-demo.yaml", &service.replace("type: ClusterIP", "type: NodePort"));
    lab
}

/// The same after nginx has moved and WireGuard was turned on.
fn encrypted() -> Lab {
    let lab = locked();
    let moved = lab
        .read("advanced-policy-demo.yaml")
        .replace("nginx-6799fc88d8-zp4zj", "nginx-6799fc88d8-xrvlz")
        .replace("10.20.112.90", "10.20.103.150")
        .replace("10.128.147.102", "10.128.146.177");
    lab.write("advanced-policy-demo.yaml", &moved);
    let mut nodes = lab.read("nodes.yaml");
    for (node, address) in [("10.128.147.102", "10.20.112.110"), ("10.128.146.177", "10.20.40.187")] {
        let own = format!("    projectcalico.org/IPv4Address: {node}/23\n");
        assert!(nodes.contains(&own));
        let keys = format!(
            "{own}    projectcalico.org/IPv4WireguardInterfaceAddr: {address}\n    projectcalico.org/WireguardPublicKey: key\n"
        );
        nodes = nodes.replace(&own, &keys);
    }
    lab.write("nodes.yaml", &nodes);
    lab
}

/// The same with a load balancer's address.
fn balanced() -> Lab {
    let lab = encrypted();
    let service = lab.read("advanced-policy-demo.yaml").replace("type: NodePort", "type: LoadBalancer");
    let service = service.replace("  loadBalancer: {}", "  loadBalancer: {ingress: [{ip: 10.128.146.112}]}");
    lab.write("advanced-policy-demo.yaml", &service);
    lab
}

/// Runs `diagnose` with a log on standard input.
fn diagnose(lab: &Lab, log: &str, args: &[&str]) -> std::process::Output {
    let mut command = program(lab.directory.path());
    command.arg("diagnose").args(args).args(["-f", "manifests"]);
    let mut child = piped(&mut command);
    child.stdin.take().unwrap().write_all(log.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn groups(lab: &Lab, log: &str) -> (Value, Option<i32>) {
    let output = diagnose(lab, log, &["-o", "json"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}")), output.status.code())
}

#[test]
fn a_client_that_was_let_in_by_the_command_and_its_neighbour_was_not() {
    let lab = locked();
    let (found, code) = groups(&lab, CLIENT);
    assert_eq!(code, Some(3));
    let expected = json!([{
        "count": 1,
        "protocol": "TCP",
        "source": { "address": "10.7.0.99", "kind": "Unknown" },
        "destination": {
            "address": "10.20.112.90", "kind": "Pod", "namespace": "advanced-policy-demo",
            "name": "nginx-6799fc88d8-zp4zj", "node": "10.128.147.102", "port": 80,
        },
        "node": "10.128.147.102",
        "checkpoint": "ingress",
        "policy": { "kind": "GlobalNetworkPolicy", "name": "deny-app-policy" },
        "verdict": "deny",
        "by": { "kind": "Tier", "name": "default", "tier": "default" },
        "cause": "policy",
        "command": "kubectl zerotrust allow --from 10.7.0.99 --to advanced-policy-demo/deployment/nginx --port tcp/80 -f manifests",
    }]);
    assert_eq!(found, expected);

    let command = found[0]["command"].as_str().unwrap().strip_prefix("kubectl zerotrust ").unwrap();
    let done = report(&program(lab.directory.path()).args(command.split(' ')).arg("--yes").output().unwrap());
    assert!(done.starts_with("exit 0\n"), "{done}");
    // At the node of the pod, by its node port; the perimeter lets port 32127 in.
    let way = |from: &str| lab.run(&format!("explain --from {from} --to 10.128.147.102:32127"));
    assert!(way("10.7.0.99").starts_with("exit 0\n"), "{}", way("10.7.0.99"));
    assert!(way("10.7.0.98").starts_with("exit 3\n"), "{}", way("10.7.0.98"));
    let (found, code) = groups(&lab, CLIENT);
    assert_eq!((found[0]["verdict"].as_str(), found[0].get("command"), code), (Some("allow"), None, Some(0)));
}

#[test]
fn the_article_node_port_by_the_other_node() {
    let lab = locked();
    let (found, code) = groups(&lab, NODE_PORT);
    assert_eq!((found.as_array().unwrap().len(), code), (1, Some(3)));
    let group = &found[0];
    assert_eq!(group["count"], 2);
    assert_eq!(
        group["source"],
        json!({ "address": "10.128.146.177", "kind": "Node", "name": "10.128.146.177", "node": "10.128.146.177" })
    );
    assert_eq!(group["destination"]["name"], "nginx-6799fc88d8-zp4zj");
    assert_eq!((&group["node"], &group["checkpoint"]), (&json!("10.128.147.102"), &json!("ingress")));
    assert_eq!(group["policy"], json!({ "kind": "GlobalNetworkPolicy", "name": "deny-app-policy" }));
    assert_eq!(group["cause"], "policy");
    // Everybody is let in to port 32127, so the node's address in a rule would let everybody in to nginx.
    assert_eq!(group.get("command"), None);
    assert!(
        group["noCommand"]
            .as_str()
            .unwrap()
            .contains("port 32127 of Service advanced-policy-demo/nginx is open to strangers"),
        "{group}"
    );
}

#[test]
fn the_article_wireguard_is_a_nodes_tunnel() {
    let lab = encrypted();
    let (found, _) = groups(&lab, WIREGUARD);
    let group = &found[0];
    assert_eq!(
        group["source"],
        json!({ "address": "10.20.112.110", "kind": "Tunnel", "name": "10.128.147.102", "node": "10.128.147.102", "tunnel": "WireGuard" })
    );
    assert_eq!(group["destination"]["name"], "nginx-6799fc88d8-xrvlz");
    assert_eq!((&group["node"], &group["checkpoint"]), (&json!("10.128.146.177"), &json!("ingress")));
    assert_eq!(group["policy"]["name"], "deny-app-policy");
    assert_eq!((&group["count"], &group["cause"]), (&json!(2), &json!("policy")));
    assert!(group["why"].as_str().unwrap().contains("WireGuard address of node 10.128.147.102"), "{group}");
}

#[test]
fn the_article_load_balancer_is_stopped_before_translation() {
    let lab = balanced();
    // The lines of the day before tell which node kyverno02 is.
    let (found, _) = groups(&lab, &format!("{WIREGUARD}{LOAD_BALANCER}"));
    let group = &found[0];
    assert_eq!(group["count"], 3);
    assert_eq!(group["source"], json!({ "address": "10.7.0.99", "kind": "Unknown" }));
    assert_eq!(
        group["destination"],
        json!({ "address": "10.128.146.112", "kind": "LoadBalancer", "namespace": "advanced-policy-demo", "name": "nginx", "port": 80 })
    );
    assert_eq!((&group["node"], &group["checkpoint"]), (&json!("10.128.146.177"), &json!("pre-dnat")));
    assert_eq!(
        group["policy"],
        json!({ "kind": "GlobalNetworkPolicy", "name": "allow-cluster-internal-ingress-only" })
    );
    assert_eq!((&group["cause"], group.get("command")), (&json!("policy"), None));
    let (alone, _) = groups(&lab, LOAD_BALANCER);
    assert_eq!((&alone[0]["checkpoint"], &alone[0]["policy"]), (&group["checkpoint"], &group["policy"]));
}

#[test]
fn people_get_a_table_with_what_opens_each_row() {
    let lab = balanced();
    let log = format!(
        "{WIREGUARD}{LOAD_BALANCER}a line about something else\n[1.0] [UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=60 PROTO=47 \n{}\n",
        &CLIENT[..120]
    );
    insta::assert_snapshot!("table", report(&diagnose(&lab, &log, &[])));
    insta::assert_snapshot!("client", report(&diagnose(&locked(), CLIENT, &[])));
    insta::assert_snapshot!("wide", report(&diagnose(&locked(), CLIENT, &["-o", "wide"])));
    let yaml = report(&diagnose(&locked(), CLIENT, &["-o", "yaml"]));
    assert!(yaml.contains("- count: 1\n") && yaml.contains("  checkpoint: ingress\n"), "{yaml}");
}

#[test]
fn a_table_is_no_wider_than_the_terminal() {
    let lab = balanced();
    let mut command = program(lab.directory.path());
    command.env("COLUMNS", "90").args(["diagnose", "-f", "manifests"]);
    let mut child = piped(&mut command);
    child.stdin.take().unwrap().write_all(format!("{WIREGUARD}{LOAD_BALANCER}").as_bytes()).unwrap();
    let text = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let rows = text.split("\n\n").next().unwrap();
    assert!(rows.lines().count() > 2 && rows.lines().all(|line| line.chars().count() <= 90), "{rows}");
}

#[test]
fn logs_are_files_too_and_several() {
    let lab = locked();
    let (one, other) = (lab.directory.path().join("one.log"), lab.directory.path().join("other.log"));
    std::fs::write(&one, CLIENT.replace('\n', "\r\n")).unwrap();
    std::fs::write(&other, NODE_PORT).unwrap();
    let report = lab.run("diagnose --log one.log --log other.log");
    assert!(report.starts_with("exit 3\n") && report.contains("3 lines read, 3 of packets"), "{report}");
    let missing = lab.run("diagnose --log nowhere.log");
    assert!(missing.starts_with("exit 1\n") && missing.contains("nowhere.log: there is no such file"), "{missing}");
}

#[test]
fn nothing_to_explain_is_no_failure() {
    let lab = locked();
    let output = diagnose(&lab, "nothing of interest\n", &["-o", "json"]);
    assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap().trim()), (Some(0), "[]"));
}

#[test]
fn what_cannot_work_is_said() {
    let lab = locked();
    let node = lab.run("diagnose --node 10.128.146.177");
    assert!(node.starts_with("exit 2\n") && node.contains("-f does not go with this command"), "{node}");
    let mut command = program(lab.directory.path());
    let both = report(&command.args(["diagnose", "-f", "-"]).output().unwrap());
    assert!(both.starts_with("exit 2\n") && both.contains("cannot both be standard input"), "{both}");
    lab.write("broken.yaml", "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata:\n  name: \"web\n");
    let unknown = report(&diagnose(&lab, CLIENT, &[]));
    assert!(unknown.starts_with("exit 4\n") && unknown.contains("unclosed quote"), "{unknown}");
}

/// Lines as they come, each new group once.
#[test]
fn a_log_is_followed() {
    let lab = locked();
    let path = lab.directory.path().join("kern.log");
    std::fs::write(&path, CLIENT).unwrap();
    let mut command = program(lab.directory.path());
    let mut child = piped(command.args(["diagnose", "-w", "--log", "kern.log", "-f", "manifests"]));
    let mut printed = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    assert!(printed.next().unwrap().starts_with("10.7.0.99 -> 10.20.112.90 TCP:80 (Pod advanced-policy-demo/nginx"));
    assert!(printed.next().unwrap().contains("kubectl zerotrust allow --from 10.7.0.99 "));
    let mut log = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    log.write_all(CLIENT.as_bytes()).unwrap();
    log.write_all(CLIENT.replace("10.7.0.99", "10.7.0.98").as_bytes()).unwrap();
    assert!(printed.next().unwrap().starts_with("10.7.0.98 -> "), "a repeat is not printed again");
    assert!(printed.next().unwrap().contains("--from 10.7.0.98 "));
    // A new log takes the place of the full one.
    std::fs::rename(&path, lab.directory.path().join("kern.log.1")).unwrap();
    std::fs::write(&path, CLIENT.replace("10.7.0.99", "10.7.0.97")).unwrap();
    assert!(printed.next().unwrap().starts_with("10.7.0.97 -> "));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_followed_input_ends_with_its_writer() {
    let lab = locked();
    let output = diagnose(&lab, &format!("{CLIENT}{CLIENT}"), &["-w", "-o", "json"]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((value["checkpoint"].as_str(), output.status.code()), (Some("ingress"), Some(3)));
}
