//! The article's perimeter as its reader wrote it by hand, with WireGuard: an exposure is written into it and taken out again,
//! and a list of nodes in it that misses the tunnels' addresses is completed.
//! Never looks at what was written, but at packets, and that all is as its author left it in the end.

use super::article::{each_node, saw};
use super::stage::{Stage, grant_of};
use super::topology::{Encapsulation, Mode, Proxy, Topology};

/// The perimeter: all that is inside may come in, and nobody else.
const PERIMETER: &str = "
apiVersion: crd.projectcalico.org/v1
kind: GlobalNetworkPolicy
metadata: { name: default.allow-cluster-internal-ingress-only }
spec:
  order: 20
  preDNAT: true
  applyOnForward: true
  types: [Ingress]
  ingress:
  - { action: Allow, source: { nets: [10.128.146.0/23, 10.20.0.0/16] } }
  - { action: Deny }
  selector: has(nodeport-external-ingress)
---
apiVersion: crd.projectcalico.org/v1
kind: GlobalNetworkPolicy
metadata: { name: default.allow-outbound-external }
spec:
  order: 10
  types: [Egress]
  egress: [{ action: Allow }]
  selector: has(nodeport-external-ingress)
";

/// The article's door: one client to one node port, and the pods' policy with the nodes' own addresses.
const DOOR: &str = "
apiVersion: crd.projectcalico.org/v1
kind: GlobalNetworkPolicy
metadata: { name: default.allow-nodeport }
spec:
  order: 10
  preDNAT: true
  applyOnForward: true
  types: [Ingress]
  ingress:
  - action: Allow
    protocol: TCP
    source: { nets: [10.7.0.99/32] }
    destination: { selector: has(nodeport-external-ingress), ports: [32127] }
  selector: has(nodeport-external-ingress)
---
apiVersion: crd.projectcalico.org/v1
kind: NetworkPolicy
metadata: { namespace: policy-demo, name: default.allow-nginx-ingress }
spec:
  selector: app == 'nginx'
  types: [Ingress]
  ingress:
  - action: Allow
    protocol: TCP
    source: { nets: [10.7.0.99/32, 10.128.146.0/23] }
    destination: { ports: [80] }
";

fn host_endpoints(topology: &Topology) -> String {
    let endpoint = |node: &super::topology::Node| {
        let (name, address) = (&node.name, node.addresses[0]);
        format!(
            "
---
apiVersion: crd.projectcalico.org/v1
kind: HostEndpoint
metadata: {{ name: {name}-eth0, labels: {{ nodeport-external-ingress: 'true' }} }}
spec: {{ interfaceName: eth0, node: {name}, expectedIPs: [{address}] }}
"
        )
    };
    topology.nodes.iter().map(endpoint).collect()
}

#[test]
fn the_articles_own_perimeter() {
    let mode = Mode { encapsulation: Encapsulation::WireGuard, proxy: Proxy::Iptables, dual: false, nodes: 2 };
    let mut stage = Stage::open(mode);
    let topology = stage.topology().clone();
    stage.lab.write(&format!("{PERIMETER}{}", host_endpoints(&topology)));
    stage.run(&["lockdown", "--accept-risk=api-server"]);
    stage.check("by hand", &flows(&topology, &[]));
    let by_hand = stage.state();

    let said = stage.run(&["expose-nodeport", "policy-demo/nginx", "--from=10.7.0.99"]);
    stage.check("exposed", &flows(&topology, &["n1", "n2"]));
    stage.run(&["revoke", grant_of(&said)]);
    stage.check("revoked", &flows(&topology, &[]));
    for (object, meaning) in &by_hand {
        let now = stage.state().remove(object);
        stage.must(now.as_ref() == Some(meaning), || format!("{object} is {now:?} and was {meaning}"));
    }

    stage.lab.write(DOOR);
    stage.lab.settle();
    stage.check("the door by hand", &flows(&topology, &["n1"]));
    stage.run(&["wireguard-sync"]);
    stage.check("the door by hand, mended", &flows(&topology, &["n1", "n2"]));
    stage.close();
}

/// What becomes of packets when the client may come by these nodes.
fn flows(topology: &Topology, open: &[&str]) -> Vec<String> {
    let texts = [
        "stranger -> NODE tcp:32127 = drop",
        "client -> NODE tcp:30880 = drop",
        "stranger -> NODE tcp:22 = allow by NODE",
        // As its author closed it.
        "stranger -> NODE tcp:9999 = drop",
        "client -> NODE tcp:9999 = drop",
        "NODE -> internet tcp:443 = allow by internet",
    ];
    let mut lines: Vec<String> = texts.iter().flat_map(|text| each_node(topology, text)).collect();
    for node in &topology.nodes {
        let outcome = match open.contains(&node.name.as_str()) {
            true => format!("allow by policy-demo/nginx{}", saw(&node.name, "n1")),
            false => "drop".to_string(),
        };
        lines.push(format!("client -> {} tcp:32127 = {outcome}", node.name));
    }
    let others = [
        "n1 -> n2 tcp:10250 = allow by n2",
        "n2 -> n1 tcp:9999 = allow by n1",
        "shop/web-1 -> policy-demo/nginx tcp:80 = drop",
        "kube-system/dns-1 -> n1 tcp:9999 = allow by n1",
        "kube-system/dns-1 -> internet tcp:443 = allow by internet",
        "stranger -> policy-demo/nginx tcp:80 = drop",
    ];
    lines.extend(others.map(String::from));
    lines
}
