//! Nodes, tunnels and Services that change under grants: `wireguard-sync` on copies of the example.
//! Never knows a cluster.

use serde_json::Value;

use super::{Lab, program};

/// The nodes with the addresses that WireGuard gives them, as in the article.
const NODES: [(&str, &str); 4] = [
    ("10.128.146.177", "10.20.40.187"),
    ("10.128.146.255", "10.20.40.190"),
    ("10.128.147.102", "10.20.112.110"),
    ("10.128.147.68", "10.20.7.9"),
];

/// Calico's WireGuard comes up on every node.
fn turn_wireguard_on(lab: &Lab) {
    let mut nodes = lab.read("nodes.yaml");
    for (node, tunnel) in NODES {
        let own = format!("    projectcalico.org/IPv4Address: {node}/23\n");
        assert!(nodes.contains(&own), "{node}");
        let more = format!(
            "{own}    projectcalico.org/IPv4WireguardInterfaceAddr: {tunnel}\n    projectcalico.org/WireguardPublicKey: key\n"
        );
        nodes = nodes.replace(&own, &more);
    }
    lab.write("nodes.yaml", &nodes);
}

#[test]
fn the_articles_wireguard_scene_is_mended_by_one_command() {
    let lab = Lab::platform9();
    lab.done("lockdown");
    lab.done("expose-nodeport nginx --from 10.7.0.99 --node-port 32127");
    lab.done("allow --from nodes --to bgp-demo/storefront");
    let before = lab.files();
    assert!(lab.run("sync --check").starts_with("exit 0\n"));
    let nothing = lab.run("wireguard-sync --yes");
    assert!(nothing.starts_with("exit 0\n") && nothing.contains("nothing to do"), "{nothing}");
    assert_eq!(lab.files(), before, "what is up to date is not written");

    turn_wireguard_on(&lab);
    let client = |lab: &Lab, node: &str| lab.verdict("10.7.0.99", &format!("{node}:32127"));
    assert_eq!(client(&lab, "10.128.146.177"), "deny", "as in the article");
    assert_eq!(client(&lab, "10.128.147.102"), "allow", "the pod's own node");
    insta::assert_snapshot!("sync_check", lab.run("wireguard-sync --check"));
    let status = lab.run("status");
    assert!(status.contains("ZT0401") && status.contains("`kubectl zerotrust sync` mends it"), "{status}");
    let answer =
        program(lab.directory.path()).args(["sync", "--check", "-f", "manifests", "-o", "json"]).output().unwrap();
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(answer[0]["what"], "GlobalNetworkSet zerotrust-nodes");
    assert_eq!(answer[0]["state"], "behind");

    insta::assert_snapshot!("sync", lab.done("wireguard-sync"));
    assert!(lab.run("sync --check").starts_with("exit 0\n"));
    for (node, _) in NODES {
        assert_eq!(client(&lab, node), "allow", "{node}");
        assert_eq!(lab.verdict("10.7.0.98", &format!("{node}:32127")), "deny", "{node}");
        assert_eq!(lab.verdict(node, "bgp-demo/storefront:80"), "allow", "{node}");
    }
    // And off again: everything is byte for byte as it was.
    let nodes = before.iter().find(|(name, _)| name == "nodes.yaml").unwrap();
    lab.write("nodes.yaml", &nodes.1);
    lab.done("sync");
    assert_eq!(lab.files(), before);
}

#[test]
fn a_node_comes_and_goes_with_its_host_endpoint() {
    let lab = Lab::platform9();
    lab.done("lockdown");
    lab.done("expose-nodeport nginx --from 10.7.0.99 --node-port 32127 --interface eth0");
    let before = lab.files();
    let node = "apiVersion: v1\nkind: Node\nmetadata:\n  name: new\n  annotations:\n    projectcalico.org/IPv4Address: 10.128.147.9/23\nstatus:\n  addresses:\n  - type: InternalIP\n    address: 10.128.147.9\n";
    lab.write("new.yaml", node);
    assert!(lab.run("sync --check").starts_with("exit 3\n"));
    let dry = lab.run("sync --dry-run=client -o name");
    let (first, second) = (dry.find("hostendpoint").unwrap(), dry.find("globalnetworkset").unwrap());
    assert!(first < second, "the host endpoint first: {dry}");
    let said = lab.done("sync");
    assert!(said.contains("interfaceName: eth0"), "{said}");
    assert_eq!(lab.verdict("10.7.0.99", "10.128.147.9:32127"), "allow");
    assert_eq!(lab.verdict("10.7.0.98", "10.128.147.9:32127"), "deny");
    std::fs::remove_file(lab.path("new.yaml")).unwrap();
    lab.done("sync");
    assert_eq!(lab.files(), before);
}

#[test]
fn a_service_that_changes_is_followed_and_one_that_goes_is_named() {
    let lab = Lab::platform9();
    lab.done("lockdown");
    lab.done("expose-nodeport nginx --from 10.7.0.99 --node-port 32127");
    let service = lab.read("advanced-policy-demo.yaml");
    lab.write("advanced-policy-demo.yaml", &service.replace("32127", "32200"));
    lab.done("sync");
    assert_eq!(lab.verdict("10.7.0.99", "10.128.146.177:32200"), "allow");
    assert_eq!(lab.verdict("10.7.0.99", "10.128.146.177:32127"), "deny");
    let documents: Vec<&str> = service.split("\n---\n").filter(|text| !text.contains("\nkind: Service\n")).collect();
    lab.write("advanced-policy-demo.yaml", &documents.join("\n---\n"));
    let gone = lab.run("sync --yes");
    assert!(gone.starts_with("exit 3\n"), "{gone}");
    assert!(
        gone.contains("its Service advanced-policy-demo/nginx is gone") && gone.contains("zerotrust revoke"),
        "{gone}"
    );
}

/// The article's perimeter, its two host endpoints, and its policy for nginx before WireGuard.
const BY_HAND: &str = "apiVersion: projectcalico.org/v3
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
    - action: Allow
      source:
        nets: [10.7.0.99/32]
      destination:
        ports: [32127]
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
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata:
  name: 10.128.146.177-eth0
  labels:
    nodeport-external-ingress: \"true\"
spec:
  interfaceName: eth0
  node: 10.128.146.177
  expectedIPs:
  - 10.128.146.177
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata:
  name: 10.128.147.102-eth0
  labels:
    nodeport-external-ingress: \"true\"
spec:
  interfaceName: eth0
  node: 10.128.147.102
  expectedIPs:
  - 10.128.147.102
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata:
  name: allow-nginx-ingress
  namespace: advanced-policy-demo
spec:
  selector: app == 'nginx'
  types:
  - Ingress
  ingress:
  - action: Allow
    source:
      selector: run == 'access'
  - action: Allow
    source:
      nets:
      # the client
      - 10.7.0.99/32
      - 10.128.146.0/23
    destination:
      selector: app == 'nginx'
";

#[test]
fn the_articles_own_list_gets_its_wireguard_addresses_where_the_perimeter_stands() {
    let lab = Lab::platform9();
    lab.done("lockdown");
    lab.write("by-hand.yaml", BY_HAND);
    let service = lab.read("advanced-policy-demo.yaml");
    let service = service.replace("  type: ClusterIP\n", "  type: NodePort\n");
    let service = service.replace("    targetPort: 80\n", "    targetPort: 80\n    nodePort: 32127\n");
    lab.write("advanced-policy-demo.yaml", &service);
    assert_eq!(lab.verdict("10.7.0.99", "10.128.146.177:32127"), "allow", "as the article has it");
    assert!(lab.run("sync --check").starts_with("exit 0\n"));
    turn_wireguard_on(&lab);
    assert_eq!(lab.verdict("10.7.0.99", "10.128.146.177:32127"), "deny");
    insta::assert_snapshot!("sync_by_hand", lab.run("sync --yes"));
    // The same two addresses that the article's author found with tcpdump, and nothing else of the file.
    let added = "      - 10.128.146.0/23\n      - 10.20.40.187/32\n      - 10.20.112.110/32\n";
    assert_eq!(lab.read("by-hand.yaml"), BY_HAND.replace("      - 10.128.146.0/23\n", added));
    assert_eq!(lab.verdict("10.7.0.99", "10.128.146.177:32127"), "allow");
    assert_eq!(lab.verdict("10.7.0.98", "10.128.146.177:32127"), "deny");
}

#[test]
fn what_could_not_be_read_is_not_called_up_to_date() {
    let lab = Lab::platform9();
    lab.done("lockdown");
    lab.done("expose-nodeport nginx --from 10.7.0.99 --node-port 32127");
    let set = lab.read("zerotrust.yaml");
    let nodes = lab.read("nodes.yaml");
    lab.write(
        "nodes.yaml",
        &nodes.replacen(
            "    projectcalico.org/IPv4Address: 10.128.147.68/23\n",
            "    projectcalico.org/IPv4Address: [1\n",
            1,
        ),
    );
    let check = lab.run("sync --check");
    assert!(check.starts_with("exit 4\n"), "{check}");
    let run = lab.run("sync --yes");
    assert!(run.starts_with("exit 4\n") && run.contains("nothing to do"), "{run}");
    assert_eq!(lab.read("zerotrust.yaml"), set, "a node that could not be read is not gone");
}
