//! Nodes that are locked, with real packets: the cluster and the operators go on between all writes, strangers stop, and all
//! is as it was in the end.
//! Never looks at what the commands wrote, but at what becomes of packets.

use super::stage::Stage;
use super::topology::{Encapsulation, Mode, Proxy, Topology};

#[test]
fn nodes_are_locked_with_direct_routing() {
    play(Mode { encapsulation: Encapsulation::Direct, proxy: Proxy::Iptables, dual: false, nodes: 3 }, None);
}

#[test]
fn nodes_are_locked_with_vxlan_in_both_families() {
    play(Mode { encapsulation: Encapsulation::Vxlan, proxy: Proxy::Iptables, dual: true, nodes: 2 }, None);
}

#[test]
fn nodes_are_locked_with_wireguard_on_all_interfaces() {
    play(Mode { encapsulation: Encapsulation::WireGuard, proxy: Proxy::Iptables, dual: false, nodes: 2 }, Some("*"));
}

fn play(mode: Mode, interface: Option<&str>) {
    let mut stage = Stage::open(mode);
    stage.run(&["lockdown", "--accept-risk=api-server"]);
    stage.run(&["allow", "--from", "policy-demo/access1", "--to", "policy-demo/pod/nginx", "--port", "80"]);
    stage.run(&["allow", "--from", "world", "--to", "shop/service/web"]);
    let topology = stage.topology().clone();
    let always = always(&topology);
    let strangers = of_each(&topology, &STRANGERS);
    let before: Vec<String> = strangers.iter().map(|line| format!("{line} = allow by {}", node_of(line))).collect();
    stage.check("locked down", &[always.clone(), before.clone()].concat());
    let state = stage.state();

    let client = topology.client("client");
    let networks: Vec<String> = client.addresses.iter().map(|ip| format!("--allow-from={ip}")).collect();
    let interface = interface.map(|name| format!("--interface={name}"));
    let mut args = vec!["lockdown", "--nodes", "--accept-risk=api-server"];
    args.extend(networks.iter().chain(&interface).map(String::as_str));
    stage.run_in_steps(&args, &always);
    let stopped: Vec<String> = strangers.iter().map(|line| format!("{line} = drop")).collect();
    stage.check("lockdown --nodes", &[always.clone(), stopped].concat());
    let locked = stage.state();
    stage.run(&args);
    let twice = stage.state();
    stage.must(twice == locked, || format!("twice it wrote\n{twice:#?}\nafter\n{locked:#?}"));

    stage.run(&["unlock", "--nodes"]);
    stage.check("unlock --nodes", &[always, before].concat());
    let left = stage.state();
    stage.must(left == state, || format!("unlock --nodes left\n{left:#?}\nof\n{state:#?}"));
    stage.close();
}

/// What strangers reach on nodes until those are locked.
const STRANGERS: [&str; 3] = ["stranger -> NODE tcp:9999", "stranger -> NODE tcp:10250", "stranger -> NODE udp:5353"];

/// What passes, and what does not, before, while and after: the cluster's own flows, failsafes, operators, open doors.
fn always(topology: &Topology) -> Vec<String> {
    let mut all = of_each(
        topology,
        &[
            "stranger -> NODE tcp:22 = allow by NODE",
            "stranger -> NODE ping = allow",
            "client -> NODE tcp:9999 = allow by NODE saw client",
            "client -> NODE tcp:10250 = allow by NODE",
            "client -> NODE tcp:32127 = drop",
            "stranger -> NODE tcp:32127 = drop",
            "NODE -> internet tcp:443 = allow by internet",
            "NODE -> internet udp:53 = allow by internet",
        ],
    );
    let others = [
        "n1 -> n2 tcp:9999 = allow by n2 saw n1",
        "n2 -> n1 udp:5353 = allow by n1 saw n2",
        "n1 -> policy-demo/nginx tcp:80 = allow by policy-demo/nginx",
        "n1 -> kube-system/dns-1 udp:53 = allow by kube-system/dns-1",
        "kube-system/dns-1 -> n1 tcp:9999 = allow by n1",
        "kube-system/dns-1 -> n2 tcp:9999 = allow by n2",
        "kube-system/dns-1 -> internet tcp:443 = allow by internet",
        "shop/cart-1 -> svc/kube-system/kube-dns tcp:53 = allow by kube-system/dns-1",
        "policy-demo/access1 -> policy-demo/nginx tcp:80 = allow by policy-demo/nginx saw policy-demo/access1",
        "policy-demo/access1 -> svc/policy-demo/nginx tcp:80 = allow by policy-demo/nginx",
        "policy-demo/access2 -> policy-demo/nginx tcp:80 = drop",
        "stranger -> n1 tcp:31111 = allow by shop/web-1 saw stranger",
        "stranger -> policy-demo/nginx tcp:80 = drop",
    ];
    all.extend(others.map(str::to_string));
    all
}

/// The node of a line of a stranger's.
fn node_of(line: &str) -> &str {
    line.split(' ').nth(2).unwrap_or_default()
}

/// Lines of every node: the texts with NODE replaced.
fn of_each(topology: &Topology, texts: &[&str]) -> Vec<String> {
    let of_node = |text: &&str| topology.nodes.iter().map(|node| text.replace("NODE", &node.name)).collect::<Vec<_>>();
    texts.iter().flat_map(of_node).collect()
}
