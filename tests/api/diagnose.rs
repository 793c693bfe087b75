//! `diagnose` on a live API server: a line of a kernel log is attributed, its command lets the packet in, and only the pods at
//! the line's addresses are asked for.
//! Never knows the plugin's code.

use serde_json::Value;
use sha1_of::interface;

use crate::cluster::{Cluster, feed, text};

mod sha1_of {
    /// The interface that Calico gives a pod, by the system's own sha1sum.
    pub fn interface(namespace: &str, name: &str) -> String {
        let output = crate::cluster::feed(std::process::Command::new("sha1sum"), &format!("{namespace}.{name}"));
        format!("cali{}", &String::from_utf8_lossy(&output.stdout)[..11])
    }
}

fn explained(cluster: &Cluster, log: &str) -> (Value, Option<i32>) {
    let output = feed(cluster.command(&["diagnose", "-o", "json"]), log);
    let value = serde_json::from_slice(&output.stdout);
    (value.unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr))), output.status.code())
}

#[test]
fn a_line_is_attributed_and_opened_without_reading_all_pods() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--log", "--yes"]);
    let pods = cluster.stored(&["pods", "--namespace=advanced-policy-demo", "--selector=app=nginx"]);
    let pod = &pods["items"][0];
    let (name, address) = (pod["metadata"]["name"].as_str().unwrap(), pod["status"]["podIP"].as_str().unwrap());
    let line = format!(
        "calico-packet: IN=eth0 OUT={} MAC= SRC=10.7.0.99 DST={address} LEN=64 TOS=0x00 PREC=0x00 TTL=59 ID=0 DF PROTO=TCP \
         SPT=61237 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0 \n",
        interface("advanced-policy-demo", name)
    );
    let before = cluster.plane.audit().len();
    let (found, code) = explained(&cluster, &line);
    let events: Vec<_> = cluster.plane.audit().split_off(before);
    let ours: Vec<_> = events.iter().filter(|event| event.user_agent.starts_with("kubectl-zerotrust/")).collect();
    let shown: Vec<String> = ours.iter().map(|event| format!("{} {}", event.verb, event.uri)).collect();

    let group = &found[0];
    assert_eq!((code, group["cause"].as_str()), (Some(3), Some("policy")), "{group}");
    assert_eq!(group["destination"]["name"].as_str(), Some(name));
    assert_eq!(group["node"], pod["spec"]["nodeName"]);
    assert_eq!(
        (group["checkpoint"].as_str(), group["policy"]["name"].as_str()),
        (Some("ingress"), Some("deny-app-policy"))
    );
    for event in &ours {
        let path = event.uri.split('?').next().unwrap_or_default();
        let all_pods = path == "/api/v1/pods" && !event.uri.contains("Selector=");
        assert!(!all_pods && event.verb != "create", "{}", shown.join("\n"));
    }
    assert!(ours.len() <= 30, "{} requests:\n{}", ours.len(), shown.join("\n"));

    let command = group["command"].as_str().unwrap().strip_prefix("kubectl zerotrust ").unwrap();
    let words: Vec<&str> = command.split(' ').chain(["--yes"]).collect();
    cluster.done(&words);
    assert_eq!(explained(&cluster, &line).1, Some(0), "the packet passes now");
    assert_eq!(explained(&cluster, &line.replace("10.7.0.99", "10.7.0.98")).1, Some(3), "its neighbour does not");
    assert_eq!(explained(&cluster, &line.replace("DPT=80", "DPT=81")).1, Some(3));
}

#[test]
fn a_node_whose_kubelet_does_not_answer_is_a_clear_error() {
    let cluster = Cluster::start();
    let output = cluster.plugin(&["diagnose", "--node", "node9"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("node9") && said.contains("not found") && said.contains("Hint: "), "{said}");
}
