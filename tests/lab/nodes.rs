//! The nodes locked too, with real packets: what enters them from outside is stopped but for what was named, and the cluster's
//! own ways, open doors and failsafe ports go on, between all writes and after them.
//! Never looks at what was written.

use super::article::{PROPS, each_node, saw};
use super::stage::{Stage, grant_of};
use super::topology::{Encapsulation, Mode, Proxy, Topology};

/// The nodes first, and then a door in them.
#[test]
fn locked_nodes_with_direct_routing() {
    let mut stage =
        locked(Mode { encapsulation: Encapsulation::Direct, proxy: Proxy::Iptables, dual: false, nodes: 3 });
    let topology = stage.topology().clone();
    let (closed, open) = (closed(&topology, "drop"), closed(&topology, "allow"));
    let before = ever(&topology, false);
    stage.check("the applications locked", &[before.as_slice(), &open].concat());
    let state = stage.state();
    lock(&mut stage, &before);
    stage.check("the nodes locked", &[before.as_slice(), &closed].concat());
    let said = expose(&mut stage);
    let exposed = ever(&topology, true);
    stage.check("exposed behind the lock", &[exposed.as_slice(), &closed].concat());
    stage.run(&["unlock", "--nodes"]);
    stage.check("the nodes unlocked", &[exposed.as_slice(), &open].concat());
    stage.run(&["revoke", grant_of(&said)]);
    stage.run(&["unlock", "--perimeter"]);
    stage.check("without a perimeter", &[before.as_slice(), &open].concat());
    let left = stage.state();
    stage.must(left == state, || format!("left is\n{left:#?}\nof\n{state:#?}"));
    stage.close();
}

/// A door first, whose perimeter becomes that of the nodes.
#[test]
fn locked_nodes_in_both_families_and_vxlan() {
    let mut stage = locked(Mode { encapsulation: Encapsulation::Vxlan, proxy: Proxy::Nftables, dual: true, nodes: 2 });
    let topology = stage.topology().clone();
    expose(&mut stage);
    let (ever, closed, open) = (ever(&topology, true), closed(&topology, "drop"), closed(&topology, "allow"));
    stage.check("exposed", &[ever.as_slice(), &open].concat());
    let state = stage.state();
    lock(&mut stage, &ever);
    stage.check("the nodes locked", &[ever.as_slice(), &closed].concat());
    // Who is beside whom has to be asked again, which no policy may stop (facts that show only when the caches are empty).
    for node in &topology.nodes {
        stage
            .lab
            .on(&node.name, "ip neighbour flush dev eth0 nud permanent; ip -6 neighbour flush dev eth0 nud permanent");
    }
    stage.check("the nodes locked, and no neighbour known", &[ever.as_slice(), &closed].concat());
    stage.run(&["undo"]);
    stage.check("undone", &[ever.as_slice(), &open].concat());
    let left = stage.state();
    stage.must(left == state, || format!("undo left\n{left:#?}\nof\n{state:#?}"));
    stage.close();
}

const LOCKDOWN: [&str; 2] = ["lockdown", "--accept-risk=api-server"];

/// A lab whose applications are locked, but for one that is open to the world.
fn locked(mode: Mode) -> Stage {
    let mut stage = Stage::open(mode);
    stage.lab.write(PROPS);
    stage.lab.wait_for_proxies("30053", true);
    stage.run(&LOCKDOWN);
    stage.run(&["allow", "--from", "world", "--to", "shop/service/web"]);
    stage
}

fn expose(stage: &mut Stage) -> String {
    let clients = stage.topology().client("client").addresses.clone();
    let clients: Vec<String> = clients.iter().map(|address| format!("--from={address}")).collect();
    let mut args = vec!["expose-nodeport", "policy-demo/nginx"];
    args.extend(clients.iter().map(String::as_str));
    stage.run(&args)
}

/// Locks the nodes but for the network of an administrator, and a port for everybody; these flows go on between the writes.
fn lock(stage: &mut Stage, lines: &[String]) {
    let mut args = [LOCKDOWN.as_slice(), &["--nodes", "--allow-port=8080", "--allow-from=10.9.0.0/24"]].concat();
    if stage.topology().mode.dual {
        args.push("--allow-from=fd00:10:9::/64");
    }
    stage.run_in_steps(&args, lines);
}

/// What is closed by the lock of the nodes, and by nothing else.
fn closed(topology: &Topology, outcome: &str) -> Vec<String> {
    let texts = [
        "stranger -> NODE tcp:9999",
        "stranger -> NODE tcp:10250",
        "stranger -> NODE tcp:80",
        "stranger -> NODE udp:5353",
        "client -> NODE tcp:9999",
    ];
    let mut lines: Vec<String> = texts.iter().flat_map(|text| each_node(topology, text)).collect();
    // A pod of a namespace that is never locked, by its own address.
    lines.push("stranger -> kube-system/dns-1 tcp:53".into());
    lines.push("stranger -> kube-system/dns-1 udp:53".into());
    lines.iter().map(|flow| format!("{flow} = {outcome}")).collect()
}

/// What is open, or closed, before and after.
fn ever(topology: &Topology, exposed: bool) -> Vec<String> {
    let of_nodes = [
        // Failsafe ports; nothing listens for BGP here, and the node says so.
        "stranger -> NODE tcp:22 = allow by NODE",
        "stranger -> NODE tcp:6666 = allow by NODE",
        "stranger -> NODE tcp:179 = refuse",
        "stranger -> NODE ping = allow",
        "stranger -> NODE tcp:8080 = allow by NODE",
        "outside -> NODE tcp:9999 = allow by NODE",
        "outside -> NODE tcp:10250 = allow by NODE",
        "outside -> NODE udp:5353 = allow by NODE",
        "NODE -> internet tcp:443 = allow by internet",
        "NODE -> internet udp:53 = allow by internet",
        "kube-system/dns-1 -> NODE tcp:10250 = allow by NODE",
        "stranger -> NODE tcp:30053 = allow by kube-system/dns-1",
        "stranger -> NODE tcp:32127 = drop",
        "client -> NODE tcp:30880 = drop",
        "outside -> NODE tcp:32127 = drop",
    ];
    let mut lines: Vec<String> = of_nodes.iter().flat_map(|text| each_node(topology, text)).collect();
    for node in &topology.nodes {
        let saw = saw(&node.name, "n1");
        let outcome = if exposed { format!("allow by policy-demo/nginx{saw}") } else { "drop".into() };
        lines.push(format!("client -> {} tcp:32127 = {outcome}", node.name));
        for other in topology.nodes.iter().filter(|other| other.name != node.name) {
            for what in ["tcp:10250", "tcp:9999", "udp:5353", "sctp:9999"] {
                lines.push(format!("{} -> {} {what} = allow by {}", node.name, other.name, other.name));
            }
            lines.push(format!("{} -> {} tcp:179 = refuse", node.name, other.name));
            lines.push(format!("{} -> {} ping = allow", node.name, other.name));
        }
    }
    let others = [
        "stranger -> n1 tcp:31111 = allow by shop/web-1 saw stranger",
        "stranger -> shop/web-1 tcp:8080 = allow by shop/web-1 saw stranger",
        "stranger -> shop/web-1 tcp:80 = drop",
        "stranger -> policy-demo/nginx tcp:80 = drop",
        "n2 -> kube-system/dns-1 udp:53 = allow by kube-system/dns-1",
        "shop/web-1 -> svc/kube-system/kube-dns udp:53 = allow by kube-system/dns-1",
        "kube-system/dns-1 -> internet tcp:443 = allow by internet",
        "shop/web-1 -> policy-demo/nginx tcp:80 = drop",
    ];
    lines.extend(others.map(String::from));
    lines
}
