//! The article's scenes with real packets: from a locked cluster each way in is one command of the plugin, which is right at
//! once, in every mode of the lab; and each is taken back.
//! Never looks at what the commands wrote, but at what becomes of packets, and that all is as it was in the end.
//!
//! No mode has IPIP, which is a kernel module that machines for tests tend to lack. A load balancer here is what it amounts to
//! on the wire and in the API: the router sends the address to one node, and the Service's status names it, from when the
//! balancer would have seen the Service. A speaker of MetalLB would add its own elections, of which no policy knows.

use serde_json::Value;

use super::stage::{Stage, grant_of};
use super::topology::{Encapsulation, Mode, Proxy, Topology};

/// A Service that has no door yet, for nginx; one of a namespace that is never locked, whose door is open to everybody; and
/// the label of the perimeter's set on a pod that has no business with it.
pub const PROPS: &str = "
apiVersion: v1
kind: Service
metadata: { namespace: policy-demo, name: front }
spec:
  ipFamilyPolicy: PreferDualStack
  selector: { app: nginx, role: server }
  ports: [{ port: 8000, targetPort: 80 }]
---
apiVersion: v1
kind: Service
metadata: { namespace: kube-system, name: open }
spec:
  type: NodePort
  ipFamilyPolicy: PreferDualStack
  selector: { k8s-app: kube-dns }
  ports: [{ port: 53, targetPort: 53, nodePort: 30053 }]
";

/// What the perimeter's set is selected by.
const LABEL: &str = "kubectl-zerotrust/nodes";

/// An exposure that is tried and taken back.
struct Scene {
    command: &'static str,
    /// The address that the load balancer then gives, to which Service, and the node that announces it.
    address: Option<(&'static str, &'static str, &'static str)>,
    /// What passes then.
    opens: Vec<String>,
    /// What stays as it was.
    closed: Vec<String>,
}

fn mode(encapsulation: Encapsulation, proxy: Proxy, dual: bool, nodes: usize) -> Mode {
    Mode { encapsulation, proxy, dual, nodes }
}

#[test]
fn the_article_with_direct_routing() {
    play(mode(Encapsulation::Direct, Proxy::Iptables, false, 3), &[]);
}

#[test]
fn the_article_with_vxlan_and_nftables() {
    play(mode(Encapsulation::Vxlan, Proxy::Nftables, false, 2), &["--inline-nets"]);
}

#[test]
fn the_article_with_vxlan_across_subnets() {
    play(mode(Encapsulation::CrossSubnet, Proxy::Iptables, false, 3), &["--interface=eth0"]);
}

#[test]
fn the_article_with_wireguard() {
    play(mode(Encapsulation::WireGuard, Proxy::Iptables, false, 3), &["--interface=*"]);
}

#[test]
fn the_article_in_both_families() {
    play(mode(Encapsulation::Vxlan, Proxy::Iptables, true, 2), &[]);
}

/// Plays all scenes, each command with these flags.
fn play(mode: Mode, flags: &[&str]) {
    let mut stage = Stage::open(mode);
    stage.lab.write(PROPS);
    let label = format!("{LABEL}=true");
    stage.lab.kubectl(&["label", "pod", "--namespace=shop", "cart-1", &label]);
    stage.lab.wait_for_proxies("30053", true);
    stage.run(&["lockdown", "--accept-risk=api-server"]);
    stage.run(&["allow", "--from", "policy-demo/access1", "--to", "policy-demo/pod/nginx", "--port", "80"]);
    stage.run(&["allow", "--from", "world", "--to", "shop/service/web"]);
    let always = always(stage.topology());
    stage.check("locked down", &always);
    let locked = stage.state();

    node_port(&mut stage, flags, &always);
    // What was taken back is asked with the next scene, and after the last.
    let mut others = always.clone();
    for scene in scenes(stage.topology()) {
        others.extend(perform(&mut stage, &scene, flags, &others));
    }
    stage.check("all revoked", &others);

    stage.run(&["unlock", "--perimeter"]);
    stage.check("without the perimeter", &always);
    let left = stage.state();
    stage.must(left == locked, || format!("unlock --perimeter left\n{left:#?}\nof\n{locked:#?}"));
    stage.close();
}

/// The clients, as flags.
fn from(stage: &Stage) -> Vec<String> {
    let client = stage.topology().client("client");
    client.addresses.iter().map(|address| format!("--from={address}")).collect()
}

/// A Service becomes one of type NodePort, and a client reaches it by every node.
fn node_port(stage: &mut Stage, flags: &[&str], always: &[String]) {
    let topology = stage.topology().clone();
    let from = from(stage);
    let mut args = vec!["expose-nodeport", "policy-demo/front", "--node-port=31555"];
    args.extend(flags);
    args.extend(from.iter().map(String::as_str));
    let strangers: Vec<String> = ["stranger", "outside", "shop/cart-1"]
        .iter()
        .flat_map(|who| each_node(&topology, &format!("{who} -> NODE tcp:31555 = stop")))
        .collect();
    // In one mode without a tunnel and in one with: it takes its time.
    let said = match topology.mode.encapsulation {
        Encapsulation::Direct | Encapsulation::WireGuard => stage.run_in_steps(&args, &[always, &strangers].concat()),
        Encapsulation::Vxlan | Encapsulation::CrossSubnet => stage.run(&args),
    };
    stage.lab.wait_for_proxies("31555", true);
    let mut lines = always.to_vec();
    for node in &topology.nodes {
        let saw = saw(&node.name, "n1");
        lines.push(format!("client -> {} tcp:31555 = allow by policy-demo/nginx{saw}", node.name));
    }
    lines.extend(strangers.iter().map(|line| line.replace("stop", "drop")));
    // Another node port of the same pods, and their other ports.
    lines.extend(each_node(&topology, "client -> NODE tcp:32127 = drop"));
    lines.extend(["client", "stranger"].map(|who| format!("{who} -> policy-demo/nginx tcp:8080 = drop")));
    lines.extend(["client", "stranger"].map(|who| format!("{who} -> svc/policy-demo/nginx tcp:80 = drop")));
    stage.check("expose-nodeport", &lines);
    if !flags.contains(&"--inline-nets") {
        let sets = stage.lab.kubectl(&["get", "globalnetworksets.crd.projectcalico.org", "--output=json"]);
        stage.must(sets.contains(LABEL), || format!("no set has the label {LABEL}: {sets}"));
    }

    let grant = grant_of(&said).to_string();
    stage.run(&["revoke", &grant]);
    let mut lines = always.to_vec();
    lines.extend(each_node(&topology, "client -> NODE tcp:31555 = drop"));
    lines.push("client -> policy-demo/nginx tcp:80 = drop".into());
    lines.push("n2 -> policy-demo/nginx tcp:80 = drop".into());
    stage.check("expose-nodeport, revoked", &lines);
    let service = stage.lab.kubectl(&["get", "service", "--namespace=policy-demo", "front", "--output=json"]);
    let service: Value = serde_json::from_str(&service).expect("kubectl prints JSON");
    stage.must(service["spec"]["type"] == "ClusterIP", || format!("the Service is not as it was: {service:#}"));
}

/// Plays a scene among what must be so besides, and says what must be so when it is over.
fn perform(stage: &mut Stage, scene: &Scene, flags: &[&str], others: &[String]) -> Vec<String> {
    let from = from(stage);
    let args: Vec<&str> =
        scene.command.split(' ').chain(flags.iter().copied()).chain(from.iter().map(String::as_str)).collect();
    if let Some((address, _, node)) = scene.address {
        stage.lab.announce(address, node);
    }
    let said = stage.run(&args);
    if let Some((address, service, _)) = scene.address {
        // As a load balancer's controller does when it sees the Service.
        let (namespace, name) = service.split_once('/').expect("a namespace and a name");
        let status = format!(r#"{{"status": {{"loadBalancer": {{"ingress": [{{"ip": "{address}"}}]}}}}}}"#);
        let patch = ["patch", "service", "--namespace", namespace, name, "--subresource=status", "--patch", &status];
        stage.lab.kubectl(&patch);
        stage.lab.wait_for_proxies(address, true);
    }
    let lines = [others, &scene.opens, &scene.closed].concat();
    stage.check(scene.command, &lines);
    let grant = grant_of(&said).to_string();
    stage.run(&["revoke", &grant]);
    if let Some((address, ..)) = scene.address {
        stage.lab.wait_for_proxies(address, false);
    }
    let outcome = if scene.address.is_some() { "stop" } else { "drop" };
    let closed = scene.opens.iter().map(|line| {
        let (flow, _) = line.split_once(" = ").expect("a flow and its outcome");
        format!("{flow} = {outcome}")
    });
    closed.collect()
}

fn scenes(topology: &Topology) -> Vec<Scene> {
    let all =
        [local_node_port(topology), balancer(topology), local_balancer(), new_balancer(topology), advertised(topology)];
    all.into_iter().chain(chosen_nodes(topology)).collect()
}

/// By one node alone, where there is one that differs from the others.
fn chosen_nodes(topology: &Topology) -> Option<Scene> {
    let (last, others) = topology.nodes.split_last().filter(|(last, others)| last.zone != others[0].zone)?;
    let name = &last.name;
    let mut closed: Vec<String> =
        others.iter().map(|node| format!("client -> {} tcp:32127 = drop", node.name)).collect();
    closed.push(format!("stranger -> {name} tcp:32127 = drop"));
    let opens = vec![format!("client -> {name} tcp:32127 = allow by policy-demo/nginx saw way({name},n1)")];
    Some(Scene { command: "expose-nodeport policy-demo/nginx --nodes zone=b", address: None, opens, closed })
}

/// With externalTrafficPolicy: Local pods see the client itself, and only nodes with a backend answer.
fn local_node_port(topology: &Topology) -> Scene {
    let mut closed = each_node(topology, "stranger -> NODE tcp:31081 = drop");
    closed.extend(lines(&[
        "client -> lb/shop/api-local tcp:80 = drop",
        "client -> n1 tcp:31080 = drop",
        "client -> n2 tcp:31053 = drop",
        "n2 -> shop/api-1 tcp:80 = drop",
    ]));
    Scene {
        command: "expose-nodeport shop/api-local",
        address: None,
        opens: lines(&[
            "client -> n1 tcp:31081 = allow by shop/api-1 saw client",
            "client -> n2 tcp:31081 = allow by shop/api-2 saw client",
        ]),
        closed,
    }
}

/// An address that a load balancer gave before, by any node that announces it; one of the Service's two ports.
fn balancer(topology: &Topology) -> Scene {
    let by_node =
        |node: &str| format!("v4: client -> lb/shop/db tcp:5432 by {node} = allow by shop/db-1{}", saw(node, "n2"));
    let mut closed = each_node(topology, "client -> NODE tcp:30543 = drop");
    closed.extend(each_node(topology, "v4: stranger -> lb/shop/db tcp:5432 by NODE = drop"));
    closed.extend(lines(&[
        "client -> lb/shop/db tcp:80 = drop",
        "stranger -> lb/shop/db tcp:5432 = drop",
        "client -> lb/shop/web-lb tcp:443 = drop",
        "client -> shop/db-1 tcp:8080 = drop",
    ]));
    let mut opens: Vec<String> = topology.nodes.iter().map(|node| by_node(&node.name)).collect();
    opens.push("client -> lb/shop/db tcp:5432 = allow by shop/db-1".into());
    Scene { command: "expose-lb shop/db --port 5432", address: None, opens, closed }
}

/// The same with externalTrafficPolicy: Local, for pods that everybody may reach by another door already.
fn local_balancer() -> Scene {
    Scene {
        command: "expose-lb shop/web-lb",
        address: None,
        opens: lines(&["client -> lb/shop/web-lb tcp:443 = allow by shop/web-1 saw client"]),
        closed: lines(&[
            "stranger -> lb/shop/web-lb tcp:443 = drop",
            "client -> n1 tcp:30443 = drop",
            "client -> lb/shop/db tcp:80 = drop",
        ]),
    }
}

/// A Service that was none of a load balancer's, with a named port, UDP and SCTP. The address comes when the rules are there.
fn new_balancer(topology: &Topology) -> Scene {
    let mut closed = each_node(topology, "v4: stranger -> 10.128.146.121 tcp:8000 by NODE = drop");
    closed.extend(lines(&[
        "v4: stranger -> 10.128.146.121 udp:5300 = drop",
        "v4: stranger -> 10.128.146.121 sctp:3868 = drop",
        "v4: client -> 10.128.146.121 tcp:3868 = drop",
        "client -> shop/cart-1 tcp:80 = drop",
    ]));
    let mut opens = each_node(topology, "v4: client -> 10.128.146.121 tcp:8000 by NODE = allow by shop/cart-1");
    opens.extend(each_node(topology, "v4: client -> 10.128.146.121 udp:5300 by NODE = allow by shop/cart-1"));
    opens.extend(each_node(topology, "v4: client -> 10.128.146.121 sctp:3868 by NODE = allow by shop/cart-1"));
    Scene {
        command: "expose-lb shop/cart --address 10.128.146.121",
        address: Some(("10.128.146.121", "shop/cart", "n2")),
        opens,
        closed,
    }
}

/// A cluster address whose range every node advertises: the rest of the range stays closed.
fn advertised(topology: &Topology) -> Scene {
    let mut closed = each_node(topology, "v4: stranger -> svc/shop/api tcp:80 by NODE = drop");
    closed.extend(lines(&[
        "stranger -> svc/shop/api udp:53 = drop",
        "client -> svc/shop/db tcp:80 = drop",
        "client -> svc/policy-demo/nginx tcp:80 = drop",
        "client -> n1 tcp:31080 = drop",
        "client -> n2 udp:31053 = drop",
    ]));
    let mut opens = each_node(topology, "v4: client -> svc/shop/api tcp:80 by NODE = allow");
    opens.extend(lines(&["client -> svc/shop/api tcp:80 = allow", "client -> svc/shop/api udp:53 = allow"]));
    Scene { command: "bgp-allow shop/api", address: None, opens, closed }
}

/// What passes, and what does not, from the lockdown on, whatever is exposed.
pub fn always(topology: &Topology) -> Vec<String> {
    let of_nodes = [
        "stranger -> NODE tcp:22 = allow by NODE",
        "stranger -> NODE tcp:9999 = allow by NODE",
        "stranger -> NODE tcp:10250 = allow by NODE",
        "stranger -> NODE udp:5353 = allow by NODE",
        "stranger -> NODE ping = allow",
        "NODE -> internet tcp:443 = allow by internet",
        "NODE -> internet udp:53 = allow by internet",
        // Open to everybody before, and so ever after.
        "stranger -> NODE tcp:30053 = allow by kube-system/dns-1",
        "stranger -> NODE tcp:32127 = drop",
        "stranger -> NODE tcp:30880 = drop",
    ];
    let mut all: Vec<String> = of_nodes.iter().flat_map(|text| each_node(topology, text)).collect();
    all.extend(lines(&[
        "stranger -> n1 tcp:31111 = allow by shop/web-1 saw stranger",
        "stranger -> svc/kube-system/kube-dns tcp:53 = allow by kube-system/dns-1",
        "n1 -> n2 tcp:9999 = allow by n2 saw n1",
        "n2 -> n1 udp:5353 = allow by n1 saw n2",
        "n1 -> policy-demo/nginx tcp:80 = allow by policy-demo/nginx",
        "n1 -> kube-system/dns-1 udp:53 = allow by kube-system/dns-1",
        "policy-demo/access1 -> policy-demo/nginx tcp:80 = allow by policy-demo/nginx saw policy-demo/access1",
        "policy-demo/access1 -> svc/policy-demo/nginx tcp:80 = allow by policy-demo/nginx",
        "policy-demo/access2 -> policy-demo/nginx tcp:80 = drop",
        "shop/cart-1 -> policy-demo/nginx tcp:80 = drop",
        "shop/cart-1 -> n2 tcp:32127 = drop",
        "shop/cart-1 -> svc/kube-system/kube-dns tcp:53 = allow by kube-system/dns-1",
        "kube-system/dns-1 -> internet tcp:443 = allow by internet",
        "stranger -> policy-demo/nginx tcp:80 = drop",
        "stranger -> lb/shop/db tcp:5432 = drop",
        "stranger -> svc/shop/db tcp:80 = drop",
    ]));
    all
}

/// Whom a pod sees when a client comes by a node and is masqueraded. On the pod's own node that follows every policy, and is
/// the kernel's choice.
pub fn saw(node: &str, of_pod: &str) -> String {
    if node == of_pod { String::new() } else { format!(" saw way({node},{of_pod})") }
}

/// Flows of every node: the text with NODE replaced.
pub fn each_node(topology: &Topology, text: &str) -> Vec<String> {
    topology.nodes.iter().map(|node| text.replace("NODE", &node.name)).collect()
}

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}
