//! Worlds whose outcome is known beforehand from what Calico documents, or from what was recorded of it.
//! Never knows our evaluation: the kernel judges the lab here, and elsewhere the lab judges us.

use serde_json::{Value, json};

use super::flows::wrong;
use super::lab::Lab;
use super::topology::{Encapsulation, Mode, Proxy, Topology};

/// A world and what becomes of packets in it.
struct Scene {
    name: &'static str,
    world: Vec<Value>,
    flows: Vec<String>,
}

const SCENES: &[fn(&Topology) -> Scene] = &[
    without_policies,
    default_deny,
    the_clients_address_alone,
    the_article,
    local_keeps_the_client,
    a_tunnel_is_a_source,
    failsafes,
    one_of_two_backends,
    protocols,
    a_kubernetes_policy,
    a_perimeter_of_one_family,
    a_wildcard_perimeter_stops_pods,
];

/// Plays all scenes in one lab, and names all that is not as it must be.
fn play(mode: Mode) {
    let mut lab = Lab::start(mode);
    let mut failures = Vec::new();
    for scene in SCENES {
        let Scene { name, world, flows } = scene(lab.topology());
        lab.apply(&world);
        failures.extend(wrong(&mut lab, &flows).into_iter().map(|line| format!("{name}: {line}")));
    }
    assert!(failures.is_empty(), "{mode:?}:\n{}", failures.join("\n"));
}

#[test]
fn direct_routing_with_iptables_on_three_nodes() {
    play(Mode { encapsulation: Encapsulation::Direct, proxy: Proxy::Iptables, dual: false, nodes: 3 });
}

#[test]
fn vxlan_with_nftables_on_two_nodes() {
    play(Mode { encapsulation: Encapsulation::Vxlan, proxy: Proxy::Nftables, dual: false, nodes: 2 });
}

#[test]
fn wireguard_with_iptables_on_three_nodes() {
    play(Mode { encapsulation: Encapsulation::WireGuard, proxy: Proxy::Iptables, dual: false, nodes: 3 });
}

#[test]
fn both_families_with_direct_routing_and_nftables_on_three_nodes() {
    play(Mode { encapsulation: Encapsulation::Direct, proxy: Proxy::Nftables, dual: true, nodes: 3 });
}

#[test]
fn both_families_with_vxlan_and_iptables_on_two_nodes() {
    play(Mode { encapsulation: Encapsulation::Vxlan, proxy: Proxy::Iptables, dual: true, nodes: 2 });
}

#[test]
fn both_families_with_wireguard_and_nftables_on_two_nodes() {
    play(Mode { encapsulation: Encapsulation::WireGuard, proxy: Proxy::Nftables, dual: true, nodes: 2 });
}

const CALICO: &str = "crd.projectcalico.org/v1";

fn global_policy(name: &str, spec: Value) -> Value {
    let metadata = json!({ "name": format!("default.{name}") });
    json!({ "apiVersion": CALICO, "kind": "GlobalNetworkPolicy", "metadata": metadata, "spec": spec })
}

fn policy(namespace: &str, name: &str, spec: Value) -> Value {
    let metadata = json!({ "namespace": namespace, "name": format!("default.{name}") });
    json!({ "apiVersion": CALICO, "kind": "NetworkPolicy", "metadata": metadata, "spec": spec })
}

/// A HostEndpoint of each node.
fn host_endpoints(topology: &Topology, interface: &str, profiles: &[&str]) -> Vec<Value> {
    let endpoint = |node: &super::topology::Node| {
        let spec = json!({
            "node": node.name, "interfaceName": interface, "profiles": profiles, "expectedIPs": node.addresses,
        });
        let metadata = json!({ "name": format!("{}-host", node.name), "labels": { "host-endpoint": "yes" } });
        json!({ "apiVersion": CALICO, "kind": "HostEndpoint", "metadata": metadata, "spec": spec })
    };
    topology.nodes.iter().map(endpoint).collect()
}

/// The nets of one family among addresses; 0 is IPv4.
fn nets<'a>(addresses: impl IntoIterator<Item = &'a std::net::IpAddr>, family: usize) -> Vec<String> {
    let of_family = addresses.into_iter().filter(|address| address.is_ipv4() == (family == 0));
    of_family.map(|address| format!("{address}/{}", if family == 0 { 32 } else { 128 })).collect()
}

fn families(topology: &Topology) -> std::ops::Range<usize> {
    0..if topology.mode.dual { 2 } else { 1 }
}

/// Flows of every node: the text with NODE replaced.
fn each_node(topology: &Topology, text: &str) -> Vec<String> {
    topology.nodes.iter().map(|node| text.replace("NODE", &node.name)).collect()
}

fn lines(text: &[&str]) -> Vec<String> {
    text.iter().map(ToString::to_string).collect()
}

/// Without a policy the profiles of namespaces and service accounts allow everything.
fn without_policies(topology: &Topology) -> Scene {
    let mut flows = Vec::new();
    for pod in topology.pods.iter().map(|pod| pod.key()) {
        for other in topology.pods.iter().map(|pod| pod.key()) {
            flows.push(format!("{pod} -> {other} tcp:8080 = allow by {other} saw {pod}"));
        }
        flows.push(format!("{pod} -> svc/shop/cart udp:5300 = allow by shop/cart-1"));
        flows.push(format!("{pod} -> svc/shop/cart sctp:3868 = allow by shop/cart-1"));
        flows.push(format!("{pod} -> svc/shop/api tcp:80 = allow"));
        flows.push(format!("{pod} -> n1 tcp:9999 = allow by n1"));
        // natOutgoing: what leaves the pods' ranges leaves with the node's address.
        let node = &topology.pod(&pod).node;
        flows.push(format!("{pod} -> internet tcp:443 = allow by internet saw {node}"));
        flows.push(format!("{pod} -> internet ping = allow"));
    }
    for node in &topology.nodes {
        for pod in topology.pods.iter().filter(|pod| pod.node != node.name).map(|pod| pod.key()) {
            flows.push(format!("{} -> {pod} tcp:8080 = allow by {pod} saw way({})", node.name, node.name));
        }
        // The ways in: node port, load balancer, a cluster address that every node advertises.
        let name = &node.name;
        flows.push(format!("client -> {name} tcp:32127 = allow by policy-demo/nginx"));
        flows.push(format!("client -> {name} tcp:31080 = allow"));
        flows.push(format!("client -> svc/kube-system/kube-dns udp:53 by {name} = allow by kube-system/dns-1"));
        flows.push(format!("client -> {name} tcp:9999 = allow by {name} saw client"));
        flows.push(format!("client -> {name} tcp:9998 = refuse"));
        flows.push(format!("client -> {name} sctp:9998 = refuse"));
        // kube-proxy refuses for a Service without endpoints.
        flows.push(format!("client -> {name} tcp:31999 = refuse"));
        flows.push(format!("v4: client -> {name} timestamp = allow"));
    }
    flows.push("client -> lb/shop/db tcp:5432 = allow by shop/db-1".into());
    flows.push("client -> shop/bare tcp:80 = allow by shop/bare saw client".into());
    Scene { name: "without policies", world: vec![], flows }
}

/// A policy that selects a pod and allows nothing drops, both ways; a node reaches its own pods whatever they are selected by.
fn default_deny(topology: &Topology) -> Scene {
    let deny = json!({ "selector": "has(projectcalico.org/namespace)", "types": ["Ingress", "Egress"] });
    let mut flows = lines(&[
        "shop/web-1 -> shop/api-1 tcp:80 = drop",
        "shop/web-1 -> shop/db-1 tcp:8080 = drop",
        "shop/web-1 -> svc/kube-system/kube-dns udp:53 = drop",
        "shop/web-1 -> internet tcp:443 = drop",
        "shop/web-1 -> n1 tcp:9999 = drop",
        "client -> n1 tcp:32127 = drop",
        "client -> n2 tcp:32127 = drop",
        "client -> n1 tcp:9999 = allow by n1",
        "n2 -> n1 tcp:9999 = allow by n1 saw n2",
    ]);
    for node in &topology.nodes {
        for pod in &topology.pods {
            let outcome = if pod.node == node.name { "allow" } else { "drop" };
            flows.push(format!("{} -> {} tcp:8080 = {outcome}", node.name, pod.key()));
            flows.push(format!("{} -> {} ping = {outcome}", node.name, pod.key()));
        }
    }
    Scene { name: "default deny", world: vec![global_policy("deny", deny)], flows }
}

/// The first node's policies see the client; those of a pod on another node see the first node.
fn the_clients_address_alone(topology: &Topology) -> Scene {
    let client = families(topology).map(|family| {
        let source = json!({ "nets": nets(&topology.client("client").addresses, family) });
        json!({ "action": "Allow", "protocol": "TCP", "source": source, "destination": { "ports": [80] } })
    });
    let spec = json!({
        "selector": "app == 'nginx'", "types": ["Ingress"], "ingress": client.collect::<Vec<_>>(),
    });
    let mut flows = each_node(topology, "stranger -> NODE tcp:32127 = drop");
    for node in &topology.nodes {
        let outcome = if node.name == "n1" { "allow by policy-demo/nginx" } else { "drop" };
        flows.push(format!("client -> {} tcp:32127 = {outcome}", node.name));
    }
    flows.push("client -> policy-demo/nginx tcp:80 = allow by policy-demo/nginx saw client".into());
    flows.push("client -> policy-demo/nginx tcp:8080 = drop".into());
    Scene { name: "the client's address alone", world: vec![policy("policy-demo", "nginx", spec)], flows }
}

/// The article's end: a perimeter before NAT that lets one client in to one node port, and the application's policy, which
/// allows the client and the addresses that nodes come with.
fn the_article(topology: &Topology) -> Scene {
    let mut world = host_endpoints(topology, "eth0", &["projectcalico-default-allow"]);
    let (mut perimeter, mut application) = (Vec::new(), Vec::new());
    for family in families(topology) {
        let client = nets(&topology.client("client").addresses, family);
        let nodes = nets(topology.nodes.iter().flat_map(|node| node.addresses.iter().chain(&node.tunnel)), family);
        perimeter.push(json!({
            "action": "Allow", "protocol": "TCP", "source": { "nets": client }, "destination": { "ports": [32127] },
        }));
        let inside: Vec<String> =
            nodes.iter().cloned().chain([super::topology::POD_RANGES[family].to_string()]).collect();
        for protocol in ["TCP", "UDP"] {
            perimeter.push(json!({
                "action": "Deny", "protocol": protocol,
                "source": { "notNets": inside }, "destination": { "ports": ["30000:32767"] },
            }));
        }
        let client_and_nodes = [client, nodes].concat();
        application.push(json!({
            "action": "Allow", "protocol": "TCP",
            "source": { "nets": client_and_nodes }, "destination": { "ports": [80] },
        }));
    }
    world.push(global_policy(
        "perimeter",
        json!({
            "order": 10, "selector": "has(host-endpoint)", "preDNAT": true, "applyOnForward": true,
            "types": ["Ingress"], "ingress": perimeter,
        }),
    ));
    world.push(global_policy("deny", json!({ "namespaceSelector": "has(team)", "types": ["Ingress", "Egress"] })));
    let spec = json!({ "selector": "app == 'nginx'", "types": ["Ingress"], "ingress": application });
    world.push(policy("policy-demo", "nginx", spec));
    let mut flows = Vec::new();
    for node in &topology.nodes {
        let saw = if node.name == "n1" { String::new() } else { format!(" saw way({})", node.name) };
        flows.push(format!("client -> {} tcp:32127 = allow by policy-demo/nginx{saw}", node.name));
    }
    flows.extend(each_node(topology, "stranger -> NODE tcp:32127 = drop"));
    flows.extend(each_node(topology, "client -> NODE tcp:30880 = drop"));
    flows.extend(each_node(topology, "client -> NODE tcp:9999 = allow by NODE"));
    flows.extend(lines(&[
        "client -> policy-demo/nginx tcp:80 = allow by policy-demo/nginx",
        "stranger -> policy-demo/nginx tcp:80 = drop",
        "shop/web-1 -> policy-demo/nginx tcp:80 = drop",
        "n2 -> policy-demo/nginx tcp:80 = allow by policy-demo/nginx saw way(n2)",
        "n2 -> n1 tcp:32127 = allow by policy-demo/nginx",
        "kube-system/dns-1 -> internet tcp:443 = allow by internet",
    ]));
    Scene { name: "the article", world, flows }
}

/// externalTrafficPolicy: Local keeps the client's address, and only nodes with a backend answer.
fn local_keeps_the_client(topology: &Topology) -> Scene {
    let rules = families(topology).map(
        |family| json!({ "action": "Allow", "source": { "nets": nets(&topology.client("client").addresses, family) } }),
    );
    let spec = json!({ "selector": "app == 'web'", "types": ["Ingress"], "ingress": rules.collect::<Vec<_>>() });
    let mut flows = lines(&[
        "client -> n1 tcp:31111 = allow by shop/web-1 saw client",
        "client -> lb/shop/web-lb tcp:443 = allow by shop/web-1 saw client",
        "client -> n1 tcp:31081 = allow by shop/api-1 saw client",
        "client -> n2 tcp:31081 = allow by shop/api-2 saw client",
        "client -> lb/shop/api-local tcp:80 = allow by shop/api-2 saw client",
        "stranger -> n1 tcp:31111 = drop",
        "client -> n2 tcp:31111 = drop",
    ]);
    for node in topology.nodes.iter().skip(2) {
        flows.push(format!("client -> {} tcp:31081 = drop", node.name));
    }
    Scene { name: "Local keeps the client", world: vec![policy("shop", "web", spec)], flows }
}

/// Who comes from a node comes with its tunnel's address where there is a tunnel, with its own where there is none.
fn a_tunnel_is_a_source(topology: &Topology) -> Scene {
    let first = &topology.nodes[0];
    let way = if first.tunnel.is_empty() { &first.addresses } else { &first.tunnel };
    let rules = families(topology).map(|family| json!({ "action": "Allow", "source": { "nets": nets(way, family) } }));
    let spec = json!({ "selector": "app == 'db'", "types": ["Ingress"], "ingress": rules.collect::<Vec<_>>() });
    let mut flows = lines(&[
        "n1 -> shop/db-1 tcp:5432 = allow by shop/db-1 saw way(n1)",
        "n1 -> svc/shop/db tcp:5432 = allow by shop/db-1 saw way(n1)",
        "client -> n1 tcp:30543 = allow by shop/db-1 saw way(n1)",
        "client -> lb/shop/db tcp:5432 = allow by shop/db-1 saw way(n1)",
        "client -> n2 tcp:30543 = drop",
        "client -> shop/db-1 tcp:5432 = drop",
        "shop/web-1 -> shop/db-1 tcp:5432 = drop",
    ]);
    for node in topology.nodes.iter().skip(2) {
        flows.push(format!("{} -> shop/db-1 tcp:5432 = drop", node.name));
        flows.push(format!("client -> {} tcp:30543 = drop", node.name));
    }
    Scene { name: "a tunnel is a source", world: vec![policy("shop", "db", spec)], flows }
}

/// A HostEndpoint without policy and profile stops what is for the host and from the host, but for the failsafe ports; what is
/// forwarded passes.
fn failsafes(topology: &Topology) -> Scene {
    let mut world = host_endpoints(topology, "eth0", &[]);
    world.truncate(1);
    let mut flows = lines(&[
        "client -> n1 tcp:22 = allow by n1",
        "client -> n1 tcp:6666 = allow by n1",
        "client -> n1 udp:68 = allow by n1",
        "client -> n1 tcp:9999 = drop",
        "client -> n1 tcp:10250 = drop",
        "client -> n1 udp:5353 = drop",
        "client -> n1 sctp:9999 = drop",
        "n1 -> client udp:53 = allow by client",
        "n1 -> client tcp:80 = drop",
        "n1 -> n2 tcp:22 = drop",
        "n1 -> n2 tcp:6666 = allow by n2",
        "n1 -> shop/web-1 tcp:80 = allow by shop/web-1",
        "shop/web-1 -> n1 tcp:9999 = allow by n1",
        "shop/web-1 -> client tcp:80 = allow by client saw n1",
        "client -> shop/web-1 tcp:80 = allow by shop/web-1 saw client",
        "client -> n1 tcp:32127 = allow by policy-demo/nginx",
        "client -> n2 tcp:9999 = allow by n2",
    ]);
    // Neighbour discovery is stopped too; the neighbours are known for good here.
    flows.push("client -> n1 ping = drop".into());
    Scene { name: "failsafes", world, flows }
}

/// Of two backends only one may be reached: some connections are answered, others are not.
fn one_of_two_backends(topology: &Topology) -> Scene {
    let spec = json!({ "selector": "track == 'canary'", "types": ["Ingress"], "ingress": [] });
    let mut flows = lines(&[
        "shop/web-1 -> svc/shop/api tcp:80 = mixed",
        "shop/web-1 -> svc/shop/api udp:53 = mixed",
        // A node reaches its own pods in any case.
        "n2 -> svc/shop/api tcp:80 = allow",
        "n1 -> svc/shop/api tcp:80 = mixed",
        "shop/web-1 -> shop/api-1 tcp:80 = allow by shop/api-1",
        "shop/web-1 -> shop/api-2 tcp:8080 = drop",
    ]);
    flows.extend(each_node(topology, "client -> NODE tcp:31080 = mixed"));
    Scene { name: "one of two backends", world: vec![policy("shop", "canary", spec)], flows }
}

/// A rule's protocol, ports and ICMP type are its own.
fn protocols(topology: &Topology) -> Scene {
    let mut rules = vec![
        json!({ "action": "Allow", "protocol": "SCTP", "destination": { "ports": [3868] } }),
        json!({ "action": "Allow", "protocol": "UDP", "destination": { "ports": [5353] } }),
        json!({ "action": "Allow", "protocol": "TCP", "destination": { "ports": ["http"] } }),
        json!({ "action": "Allow", "protocol": "ICMP", "icmp": { "type": 8 } }),
    ];
    if topology.mode.dual {
        rules.push(json!({ "action": "Allow", "protocol": "ICMPv6", "icmp": { "type": 128 } }));
    }
    let spec = json!({ "selector": "app == 'cart'", "types": ["Ingress"], "ingress": rules });
    let flows = lines(&[
        "shop/web-1 -> shop/cart-1 sctp:3868 = allow by shop/cart-1 saw shop/web-1",
        "shop/web-1 -> shop/cart-1 sctp:9999 = drop",
        "shop/web-1 -> shop/cart-1 udp:5353 = allow by shop/cart-1",
        "shop/web-1 -> shop/cart-1 udp:53 = drop",
        // The pod's port http is 8080.
        "shop/web-1 -> shop/cart-1 tcp:8080 = allow by shop/cart-1",
        "shop/web-1 -> shop/cart-1 tcp:80 = drop",
        "shop/web-1 -> shop/cart-1 ping = allow",
        "v4: shop/web-1 -> shop/cart-1 timestamp = drop",
        "v4: shop/web-1 -> shop/db-1 timestamp = allow",
        "shop/web-1 -> svc/shop/cart tcp:8000 = allow by shop/cart-1",
    ]);
    Scene { name: "protocols", world: vec![policy("shop", "cart", spec)], flows }
}

/// Kubernetes' own policy: selected pods take only what is listed, and a policy for ingress says nothing about egress.
fn a_kubernetes_policy(_: &Topology) -> Scene {
    let spec = json!({
        "podSelector": { "matchLabels": { "app": "nginx" } },
        "policyTypes": ["Ingress"],
        "ingress": [{
            "from": [{ "podSelector": { "matchLabels": { "run": "access" } } }],
            "ports": [{ "protocol": "TCP", "port": 80 }],
        }],
    });
    let metadata = json!({ "namespace": "policy-demo", "name": "access-nginx" });
    let object = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec,
    });
    let flows = lines(&[
        "policy-demo/access1 -> policy-demo/nginx tcp:80 = allow by policy-demo/nginx saw policy-demo/access1",
        "policy-demo/access1 -> svc/policy-demo/nginx tcp:80 = allow by policy-demo/nginx",
        "policy-demo/access1 -> policy-demo/nginx tcp:8080 = drop",
        "policy-demo/access2 -> policy-demo/nginx tcp:80 = drop",
        // Labelled alike, but in another namespace.
        "shop/cart-1 -> policy-demo/nginx tcp:80 = drop",
        "policy-demo/nginx -> shop/web-1 tcp:80 = allow by shop/web-1",
    ]);
    Scene { name: "a Kubernetes policy", world: vec![object], flows }
}

/// `notNets` of IPv4 alone make a rule that IPv6 does not have.
fn a_perimeter_of_one_family(topology: &Topology) -> Scene {
    let mut world = host_endpoints(topology, "eth0", &["projectcalico-default-allow"]);
    let source = json!({ "notNets": ["10.20.0.0/16", "10.128.146.0/23"] });
    let rule = json!({
        "action": "Deny", "protocol": "TCP", "source": source, "destination": { "ports": ["30000:32767"] },
    });
    world.push(global_policy(
        "perimeter",
        json!({
            "selector": "has(host-endpoint)", "preDNAT": true, "applyOnForward": true, "types": ["Ingress"],
            "ingress": [rule],
        }),
    ));
    let mut flows = each_node(topology, "v4: client -> NODE tcp:32127 = drop");
    flows.extend(each_node(topology, "v6: client -> NODE tcp:32127 = allow by policy-demo/nginx"));
    Scene { name: "a perimeter of one family", world, flows }
}

/// HostEndpoints for all interfaces cover those of the pods too: a perimeter that lets only nodes in stops the pods.
fn a_wildcard_perimeter_stops_pods(topology: &Topology) -> Scene {
    let mut world = host_endpoints(topology, "*", &["projectcalico-default-allow"]);
    let mut rules: Vec<Value> = families(topology)
        .map(|family| {
            let nodes = topology.nodes.iter().flat_map(|node| node.addresses.iter().chain(&node.tunnel));
            json!({ "action": "Allow", "source": { "nets": nets(nodes, family) } })
        })
        .collect();
    rules.push(json!({ "action": "Deny" }));
    world.push(global_policy(
        "perimeter",
        json!({
            "selector": "has(host-endpoint)", "preDNAT": true, "applyOnForward": true, "types": ["Ingress"],
            "ingress": rules,
        }),
    ));
    let flows = lines(&[
        "shop/web-1 -> shop/api-1 tcp:80 = drop",
        "shop/web-1 -> shop/db-1 tcp:8080 = drop",
        "shop/web-1 -> n1 tcp:9999 = drop",
        "shop/web-1 -> internet tcp:443 = drop",
        "n1 -> shop/web-1 tcp:80 = allow by shop/web-1",
        "n1 -> n2 tcp:9999 = allow by n2",
        "client -> n1 tcp:32127 = drop",
        "client -> n1 tcp:22 = allow by n1",
    ]);
    Scene { name: "a wildcard perimeter stops pods", world, flows }
}

/// What is saved is the whole cluster, so that `explain` needs nothing else; and nothing that only the lab needs.
#[test]
fn what_is_saved_is_what_explain_reads() {
    let mut lab =
        Lab::start(Mode { encapsulation: Encapsulation::Vxlan, proxy: Proxy::Iptables, dual: true, nodes: 2 });
    let spec = json!({ "selector": "app == 'db'", "types": ["Ingress"] });
    lab.apply(&[policy("shop", "deny-db", spec)]);
    let directory = tempfile::tempdir().expect("a directory");
    lab.save(directory.path());
    let explain = |from: &str, to: &str| -> Value {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-zerotrust"));
        command.args(["explain", "--from", from, "--to", to, "--output=json", "-f"]).arg(directory.path());
        let output = command.output().expect("run the plugin");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}{}", String::from_utf8_lossy(&output.stderr)))
    };
    for (from, to, verdict) in [
        ("shop/web-1", "shop/db-1:5432", "deny"),
        ("shop/web-1", "shop/api-1:80", "allow"),
        ("fd00:10:7::99", "[fd00:10:128::41]:32127", "allow"),
        ("10.7.0.99", "10.128.147.141:30543", "deny"),
    ] {
        let answer = explain(from, to);
        assert_eq!(answer["verdict"], verdict, "{from} -> {to}: {answer:#}");
        assert!(answer["unread"].as_array().is_none_or(Vec::is_empty), "{answer:#}");
    }
    let text = std::fs::read_to_string(directory.path().join("base.yaml")).expect("the saved objects");
    assert!(!text.contains(super::marks::NAMESPACE), "a mark is saved");
}
