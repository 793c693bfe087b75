//! Doors on a real API server: a load balancer's address that comes later, one that does not come, and nodes that are locked.
//! What is expected is read back by kubectl and calicoctl, never by the plugin; the verdicts are its own.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster::{Cluster, assert_succeeded, text};

const NGINX: [&str; 3] = ["service", "nginx", "--namespace=advanced-policy-demo"];

fn verdict(cluster: &Cluster, from: &str, to: &str) -> String {
    let output = cluster.plugin(&["explain", "--from", from, "--to", to, "--output=json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("explain prints JSON");
    answer["verdict"].as_str().expect("a verdict").to_string()
}

/// What MetalLB's controller does.
fn give(cluster: &Cluster, ip: &str) {
    let patch = json!({"status": {"loadBalancer": {"ingress": [{"ip": ip}]}}}).to_string();
    let args = ["patch", "--subresource=status", "--type=merge", "--patch", &patch];
    assert_succeeded(&cluster.plane.kubectl(args.iter().chain(&NGINX)));
}

#[test]
fn an_address_that_comes_later_is_opened_when_it_is_there() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    let args = ["expose-lb", "nginx", "--from", "10.7.0.99", "--timeout", "2m", "--yes"];
    let child = cluster.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start the plugin");
    let began = Instant::now();
    while cluster.stored(&NGINX)["spec"]["type"] != "LoadBalancer" {
        assert!(began.elapsed() < Duration::from_secs(60), "the first plan makes the Service a load balancer's");
        std::thread::sleep(Duration::from_millis(100));
    }
    let perimeter = cluster.calico(&["globalnetworkpolicy", "zerotrust-perimeter"]);
    assert_eq!(perimeter["spec"]["preDNAT"], true, "what closes is there before the door");
    std::thread::sleep(Duration::from_secs(3));
    give(&cluster, "192.0.2.200");
    let output = child.wait_with_output().expect("the plugin ends");
    assert_succeeded(&output);
    let (said, beside) = (text(&output.stdout), text(&output.stderr));
    assert!(beside.contains("waiting for an address of the load balancer"), "plain lines off a terminal: {beside}");
    assert_eq!(beside.matches('\r').count(), 0, "{beside:?}");
    assert!(said.contains("clients reach it at 192.0.2.200 port 80"), "{said}{beside}");
    assert_eq!(verdict(&cluster, "10.7.0.99", "192.0.2.200:80"), "allow");
    assert_eq!(verdict(&cluster, "10.7.0.98", "192.0.2.200:80"), "deny");
    cluster.done(&["revoke", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    assert_eq!(cluster.stored(&NGINX)["spec"]["type"], "ClusterIP", "as it was before both plans");
}

#[test]
fn an_address_that_does_not_come_leaves_all_closed_and_the_command_goes_on_later() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    let args = ["expose-lb", "nginx", "--from", "10.7.0.99", "--timeout", "0", "--yes"];
    let output = cluster.plugin(&args);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("no address within 0s") && said.contains("expose-lb nginx --from 10.7.0.99"), "{said}");
    assert_eq!(cluster.stored(&NGINX)["spec"]["type"], "LoadBalancer");
    give(&cluster, "192.0.2.200");
    assert_ne!(verdict(&cluster, "10.7.0.99", "192.0.2.200:80"), "allow");
    cluster.done(&args);
    assert_eq!(verdict(&cluster, "10.7.0.99", "192.0.2.200:80"), "allow");
    assert_ne!(verdict(&cluster, "203.0.113.9", "192.0.2.200:80"), "allow");
}

#[test]
#[cfg(unix)]
fn ctrl_c_while_waiting_leaves_all_closed_and_says_how_to_go_on() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    let args = ["expose-lb", "nginx", "--from", "10.7.0.99", "--timeout", "5m", "--yes"];
    let child = cluster.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start the plugin");
    let began = Instant::now();
    while cluster.stored(&NGINX)["spec"]["type"] != "LoadBalancer" {
        assert!(began.elapsed() < Duration::from_secs(60), "the first plan makes the Service a load balancer's");
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(3));
    let interrupted = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.is_ok_and(|status| status.success()));
    let output = child.wait_with_output().expect("the plugin ends");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("stopped: Service advanced-policy-demo/nginx has no address yet"), "{said}");
    assert!(said.contains("--timeout 5m --yes` opens it"), "{said}");
    give(&cluster, "192.0.2.200");
    assert_ne!(verdict(&cluster, "203.0.113.9", "192.0.2.200:80"), "allow");
}

#[test]
fn nodes_are_locked_and_unlocked_and_calico_takes_what_is_written() {
    let cluster = Cluster::start();
    let args = ["lockdown", "--nodes", "--allow-from", "10.9.0.0/24", "--yes"];
    cluster.done(&args);
    let endpoints = cluster.calico(&["hostendpoint"])["items"].as_array().map(Vec::len);
    let nodes = cluster.stored(&["nodes"])["items"].as_array().map(Vec::len);
    assert_eq!(endpoints, nodes, "one for each node");
    let address = cluster.stored(&["nodes"])["items"][0]["status"]["addresses"][0]["address"].clone();
    let kubelet = format!("{}:10250", address.as_str().expect("an address"));
    assert_eq!(verdict(&cluster, "203.0.113.9", &kubelet), "deny");
    assert_eq!(verdict(&cluster, "10.9.0.7", &kubelet), "allow");
    assert!(cluster.done(&args).contains("nothing to do"));
    cluster.done(&["unlock", "--nodes", "--yes"]);
    assert_eq!(verdict(&cluster, "203.0.113.9", &kubelet), "allow");
    assert!(cluster.calico(&["hostendpoint"])["items"].as_array().is_some_and(Vec::is_empty));
}
