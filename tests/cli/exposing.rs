//! The article's second half on the example: node port, load balancer, BGP, and all of it taken back again.
//! Never knows a cluster.

use serde_json::Value;

use super::{Lab, program};

/// The nodes of the example, whose names are addresses.
pub const NODES: [&str; 4] = ["10.128.146.177", "10.128.146.255", "10.128.147.102", "10.128.147.68"];

#[test]
fn the_articles_second_half_is_three_commands_and_each_is_taken_back() {
    let lab = Lab::platform9();
    lab.done("lockdown");
    let locked = lab.files();
    insta::assert_snapshot!("expose_nodeport", lab.done("expose-nodeport nginx --from 10.7.0.99 --node-port 32127"));
    for node in NODES {
        assert_eq!(lab.verdict("10.7.0.99", &format!("{node}:32127")), "allow", "{node}");
        assert_eq!(lab.verdict("10.7.0.98", &format!("{node}:32127")), "deny", "{node}");
        assert_eq!(lab.verdict("10.7.0.99", &format!("{node}:32128")), "deny", "{node}");
        assert_eq!(lab.verdict("10.7.0.98", &format!("{node}:443")), "allow", "{node}");
    }
    let twice = lab.run("expose-nodeport nginx --from 10.7.0.99 --yes");
    assert!(twice.starts_with("exit 0\n") && twice.contains("nothing to do"), "{twice}");

    let shown = lab.run("expose-lb nginx --from 10.7.0.99 --dry-run=client");
    assert!(shown.starts_with("exit 0\n") && shown.contains("a second plan opens it to 10.7.0.99"), "{shown}");
    let pending = lab.run("expose-lb nginx --from 10.7.0.99 --yes");
    assert!(pending.starts_with("exit 4\n") && pending.contains("--address"), "{pending}");
    assert!(
        pending.contains("`kubectl zerotrust expose-lb nginx --from 10.7.0.99 --yes -f manifests` opens it"),
        "{pending}"
    );
    for client in ["10.7.0.99", "203.0.113.9"] {
        assert_eq!(lab.verdict(client, "10.128.146.112:80"), "unknown", "nobody has the address yet");
    }
    lab.done("expose-lb nginx --from 10.7.0.99 --address 10.128.146.112");
    assert_eq!(lab.verdict("10.7.0.99", "10.128.146.112:80"), "allow");
    assert_eq!(lab.verdict("10.7.0.98", "10.128.146.112:80"), "deny");

    let refused = lab.run("bgp-allow bgp-demo/storefront --from 10.30.0.0/16 --yes");
    assert!(refused.starts_with("exit 3\n") && refused.contains("--advertise cluster"), "{refused}");
    lab.done(
        "bgp-allow bgp-demo/storefront --from 10.30.0.0/16 --advertise cluster --peer 10.128.147.141 --peer-as 65531",
    );
    assert_eq!(lab.verdict("10.30.1.1", "10.21.172.202:80"), "allow");
    assert_eq!(lab.verdict("10.7.0.99", "10.21.172.202:80"), "deny");
    let written = lab.read("zerotrust.yaml");
    assert!(written.contains("peerIP: \"10.128.147.141\"") && written.contains("asNumber: 65531"), "{written}");

    let needed = lab.run("unlock --perimeter --yes");
    assert!(needed.starts_with("exit 3\n") && needed.contains("revoke"), "{needed}");
    for grant in ["--from 10.7.0.99 --to nginx", "--from 10.30.0.0/16 --to bgp-demo/storefront"] {
        lab.done(&format!("revoke {grant}"));
    }
    for node in NODES {
        assert_eq!(lab.verdict("10.7.0.99", &format!("{node}:32127")), "deny", "{node}");
    }
    lab.done("unlock --perimeter");
    let mut left = lab.files();
    let mut before = locked;
    // The router stays a peer, and the list that was made for the grant is empty.
    left.retain(|(name, _)| name != "zerotrust.yaml");
    before.retain(|(name, _)| name != "zerotrust.yaml");
    assert_eq!(left, before, "the Service is again what it was, byte for byte");
}

#[test]
fn a_perimeter_by_hand_is_edited_where_it_stands() {
    let lab = Lab::platform9();
    lab.done("lockdown");
    let by_hand = "apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  name: allow-cluster-internal-ingress-only
spec:
  order: 20
  preDNAT: true
  applyOnForward: true
  ingress:
    # the cluster itself
    - action: Allow
      source:
        nets: [10.128.146.0/23, 10.20.0.0/16]
    - action: Log
      protocol: TCP
    - action: Deny
  selector: has(nodeport-external-ingress)
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  name: allow-outbound-external
spec:
  order: 10
  egress:
    - action: Allow
  selector: has(nodeport-external-ingress)
";
    let endpoint = |node: &str| {
        format!(
            "---\napiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata:\n  name: {node}-eth0\n  labels:\n    nodeport-external-ingress: \"true\"\nspec:\n  interfaceName: eth0\n  node: {node}\n  expectedIPs:\n  - {node}\n"
        )
    };
    let endpoints: String = ["10.128.146.177", "10.128.147.102"].map(endpoint).concat();
    lab.write("perimeter.yaml", &format!("{by_hand}{endpoints}"));
    lab.done("expose-nodeport nginx --from 10.7.0.99 --node-port 32127");
    let edited = lab.read("perimeter.yaml");
    assert!(edited.contains("# the cluster itself"), "{edited}");
    let (client, log) = (edited.find("10.7.0.99/32").unwrap(), edited.find("action: Log").unwrap());
    assert!(client < log, "before its first Log: {edited}");
    for node in NODES {
        assert_eq!(lab.verdict("10.7.0.99", &format!("{node}:32127")), "allow", "{node}");
        assert_eq!(lab.verdict("10.7.0.98", &format!("{node}:32127")), "deny", "{node}");
    }
    let id = {
        let output = program(lab.directory.path()).args(["status", "-f", "manifests", "-o", "json"]).output().unwrap();
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        status["grants"][0]["id"].as_str().unwrap().to_string()
    };
    lab.done(&format!("revoke {id}"));
    assert_eq!(lab.read("perimeter.yaml"), format!("{by_hand}{endpoints}"), "as its author wrote it");
}
