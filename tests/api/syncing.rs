//! Nodes, tunnels and Services that change under grants on a real API server: `wireguard-sync` follows them.
//! What is expected is read back by calicoctl and kubectl, never by the plugin.

use serde_json::Value;

use crate::cluster::{Cluster, assert_succeeded, feed, text};

const NODE3: &str = "apiVersion: v1\nkind: Node\nmetadata:\n  name: node3\n  annotations:\n    projectcalico.org/IPv4Address: 192.0.2.3/23\nstatus:\n  addresses:\n  - {type: InternalIP, address: 192.0.2.3}\n";

fn code(cluster: &Cluster, args: &[&str]) -> Option<i32> {
    cluster.plugin(args).status.code()
}

fn nets(cluster: &Cluster) -> Vec<String> {
    let set = cluster.calico(&["globalnetworkset", "zerotrust-nodes"]);
    let nets = set["spec"]["nets"].as_array().expect("nets").iter();
    nets.map(|net| net.as_str().expect("text").to_string()).collect()
}

fn endpoints(cluster: &Cluster) -> Vec<String> {
    let list = cluster.calico(&["hostendpoint"]);
    let items = list["items"].as_array().expect("a list").iter();
    items.map(|item| item["spec"]["node"].as_str().expect("a node").to_string()).collect()
}

fn tunnel(cluster: &Cluster, node: &str, address: &str) {
    let annotation = format!("projectcalico.org/IPv4WireguardInterfaceAddr={address}");
    assert_succeeded(&cluster.plane.kubectl(["annotate", "--overwrite", "node", node, &annotation]));
}

fn records(cluster: &Cluster) -> usize {
    let list = cluster.stored(&["configmaps", "--namespace=kube-system"]);
    let names = list["items"].as_array().expect("a list").iter().filter_map(|item| item["metadata"]["name"].as_str());
    names.filter(|name| name.starts_with("zerotrust-")).count()
}

#[test]
fn nodes_and_tunnels_are_followed_and_what_was_done_can_be_undone() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    cluster.done(&["expose-nodeport", "nginx", "--from", "10.7.0.99", "--node-port", "32127", "--yes"]);
    let before = records(&cluster);
    assert_eq!(code(&cluster, &["sync", "--check"]), Some(0));
    cluster.done(&["sync", "--yes"]);
    assert_eq!(records(&cluster), before, "what changes nothing leaves no record");

    // WireGuard comes up.
    tunnel(&cluster, "node1", "10.20.1.7");
    tunnel(&cluster, "node2", "10.20.2.7");
    assert_eq!(code(&cluster, &["wireguard-sync", "--check"]), Some(3));
    assert_eq!(nets(&cluster), ["10.128.147.141/32", "192.0.2.1/32"], "--check writes nothing");
    let status = cluster.done(&["status"]);
    assert!(status.contains("ZT0401") && status.contains("kubectl zerotrust sync"), "{status}");
    cluster.done(&["wireguard-sync", "--yes"]);
    assert_eq!(nets(&cluster), ["10.20.1.7/32", "10.20.2.7/32", "10.128.147.141/32", "192.0.2.1/32"]);
    assert_eq!(code(&cluster, &["sync", "--check"]), Some(0));
    cluster.done(&["undo", "--yes"]);
    assert_eq!(nets(&cluster), ["10.128.147.141/32", "192.0.2.1/32"]);
    cluster.done(&["sync", "--yes"]);

    // A node comes, and goes again.
    cluster.plane.apply(NODE3);
    let mut kubectl = cluster.plane.command("kubectl");
    kubectl.args(["replace", "--subresource=status", "--filename=-"]);
    assert_succeeded(&feed(kubectl, NODE3));
    cluster.done(&["sync", "--yes"]);
    assert_eq!(endpoints(&cluster), ["node1", "node2", "node3"]);
    assert!(nets(&cluster).contains(&"192.0.2.3/32".to_string()));
    assert_succeeded(&cluster.plane.kubectl(["delete", "node", "node3"]));
    cluster.done(&["sync", "--yes"]);
    assert_eq!(endpoints(&cluster), ["node1", "node2"]);
    assert!(!nets(&cluster).contains(&"192.0.2.3/32".to_string()));

    // Another node port.
    let patch = r#"[{"op": "replace", "path": "/spec/ports/0/nodePort", "value": 32200}]"#;
    let namespace = "--namespace=advanced-policy-demo";
    assert_succeeded(&cluster.plane.kubectl(["patch", namespace, "service/nginx", "--type=json", "--patch", patch]));
    cluster.done(&["sync", "--yes"]);
    let perimeter = cluster.calico(&["globalnetworkpolicy", "zerotrust-perimeter"]).to_string();
    assert!(perimeter.contains("32200") && !perimeter.contains("32127"), "{perimeter}");
    assert_eq!(code(&cluster, &["sync", "--check"]), Some(0));
}

/// A Service's port at the pods changes, so that rules of every grant are replaced, while others write the same policy and
/// several sync at once.
#[test]
fn what_others_write_meanwhile_is_kept_and_the_change_is_made_anew() {
    const GRANTS: u8 = 12;
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    cluster.done(&["allow", "--from", "nodes", "--to", "nginx", "--yes"]);
    std::thread::scope(|scope| {
        for process in 0..2 {
            let cluster = &cluster;
            scope.spawn(move || {
                for round in 0..4 {
                    tunnel(cluster, "node1", &format!("10.20.1.{}", 100 + 10 * process + round));
                    let output = cluster.plugin(&["sync", "--yes"]);
                    assert_succeeded(&output);
                }
            });
        }
        let cluster = &cluster;
        scope.spawn(move || {
            for number in 0..GRANTS {
                cluster.done(&["allow", "--from", &format!("10.7.0.{}", number + 1), "--to", "nginx", "--yes"]);
            }
        });
    });
    cluster.done(&["sync", "--yes"]);
    let output = cluster.plugin(&["sync", "--check"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let policies = cluster.calico(&["networkpolicy", "--namespace=advanced-policy-demo"]);
    let rules: Vec<&Value> = policies["items"][0]["spec"]["ingress"].as_array().expect("rules").iter().collect();
    let named = |net: &str| rules.iter().filter(|rule| rule["source"]["nets"].to_string().contains(net)).count();
    for number in 0..GRANTS {
        assert_eq!(named(&format!("\"10.7.0.{}/32\"", number + 1)), 1, "grant {number}");
    }
    assert_eq!(named("192.0.2.1/32"), 1, "the nodes' rule once");
    assert_eq!(named("10.20.1.1"), 1, "with the tunnel's last address: {rules:?}");
}
