//! Nodes and tunnels change under what is exposed, and traffic breaks as the article says; `wireguard-sync` notices and mends
//! it, and a stranger is stopped all the while.
//! Never looks at what was written, but at packets, and at what the plugin says of itself.

use serde_json::Value;

use super::article::{each_node, saw};
use super::stage::Stage;
use super::topology::{Encapsulation, Mode, Proxy, Topology};
use super::wireguard::{renumber, switch};

/// Another address of n2's range.
const RENUMBERED: &str = "10.20.2.201";

const ADDRESS: &str = "projectcalico.org/IPv4WireguardInterfaceAddr";
const KEY: &str = "projectcalico.org/WireguardPublicKey";

/// A client by every node, a stranger by none, and nodes, hosts and other doors as ever.
fn open(topology: &Topology) -> Vec<String> {
    let client = topology.nodes.iter().map(|node| {
        let saw = saw(&node.name, "n1");
        format!("client -> {} tcp:32127 = allow by policy-demo/nginx{saw}", node.name)
    });
    client.chain(ever(topology)).collect()
}

/// A client by the node that has the pod alone.
fn broken(topology: &Topology, nodes: &[&str]) -> Vec<String> {
    let open = open(topology).into_iter().map(|line| {
        let stops = nodes.iter().any(|node| line.starts_with(&format!("client -> {node} ")));
        let (flow, _) = line.split_once(" = ").expect("a flow and its outcome");
        if stops { format!("{flow} = drop") } else { line }
    });
    open.collect()
}

fn ever(topology: &Topology) -> Vec<String> {
    let texts =
        ["stranger -> NODE tcp:32127 = drop", "client -> NODE tcp:30880 = drop", "stranger -> NODE tcp:9999 = allow"];
    let mut lines: Vec<String> = texts.iter().flat_map(|text| each_node(topology, text)).collect();
    lines.push("shop/web-1 -> policy-demo/nginx tcp:80 = drop".into());
    lines.push("kube-system/dns-1 -> internet tcp:443 = allow by internet".into());
    lines
}

/// Whether anything is behind, by the plugin's own word; and mends it.
fn sync(stage: &mut Stage, when: &str) {
    let (code, said) = stage.ask(&["wireguard-sync", "--check"]);
    stage.must(code == 3, || format!("{when}: --check ended with {code}: {said}"));
    stage.run(&["sync"]);
    let (code, said) = stage.ask(&["sync", "--check"]);
    stage.must(code == 0, || format!("{when}, mended: --check ended with {code}: {said}"));
}

fn expose(stage: &mut Stage) {
    stage.run(&["lockdown", "--accept-risk=api-server"]);
    stage.run(&["expose-nodeport", "policy-demo/nginx", "--from=10.7.0.99"]);
    let (code, said) = stage.ask(&["sync", "--check"]);
    stage.must(code == 0, || format!("right after the exposure --check ended with {code}: {said}"));
}

/// What the Nodes say about WireGuard, by node.
fn annotations(stage: &Stage, node: &str) -> (String, String) {
    let object: Value =
        serde_json::from_str(&stage.lab.kubectl(&["get", "node", node, "--output=json"])).expect("JSON");
    let text = |key: &str| object["metadata"]["annotations"][key].as_str().expect("an annotation").to_string();
    (text(ADDRESS), text(KEY))
}

#[test]
fn wireguard_is_turned_on_and_an_address_of_it_changes() {
    let mode = Mode { encapsulation: Encapsulation::WireGuard, proxy: Proxy::Iptables, dual: false, nodes: 3 };
    let mut stage = Stage::open(mode);
    let topology = stage.topology().clone();
    let names: Vec<String> = topology.nodes.iter().map(|node| node.name.clone()).collect();
    let known: Vec<(String, String)> = names.iter().map(|name| annotations(&stage, name)).collect();
    // Enabled it stays, as a Felix whose configuration changes ends: it is as if the kernels had no WireGuard yet.
    for name in &names {
        stage.lab.on(name, &switch(false));
        stage.lab.kubectl(&["annotate", "node", name, &format!("{ADDRESS}-"), &format!("{KEY}-")]);
    }
    expose(&mut stage);
    let plain: Vec<String> = open(&topology).iter().map(|line| line.replace("way(", "").replace(",n1)", "")).collect();
    stage.check("without WireGuard", &plain);

    for (name, (address, key)) in names.iter().zip(&known) {
        stage.lab.on(name, &switch(true));
        stage.lab.kubectl(&["annotate", "node", name, &format!("{ADDRESS}={address}"), &format!("{KEY}={key}")]);
    }
    stage.lab.settle();
    stage.check("WireGuard turned on", &broken(&topology, &["n2", "n3"]));
    sync(&mut stage, "WireGuard turned on");
    stage.check("WireGuard turned on, mended", &open(&topology));

    stage.lab.on("n2", &renumber(&known[1].0, RENUMBERED));
    stage.lab.kubectl(&["annotate", "--overwrite", "node", "n2", &format!("{ADDRESS}={RENUMBERED}")]);
    stage.lab.settle();
    stage.check("another address", &broken(&topology, &["n2"]));
    sync(&mut stage, "another address");
    let renumbered: Vec<String> = open(&topology).iter().map(|line| line.replace("way(n2,n1)", RENUMBERED)).collect();
    stage.check("another address, mended", &renumbered);
    let set =
        stage.lab.kubectl(&["get", "globalnetworksets.crd.projectcalico.org", "zerotrust-nodes", "--output=yaml"]);
    let former = format!("{}/32", known[1].0);
    stage.must(!set.contains(&former), || format!("{former}, which a pod may get now, is still in {set}"));
    stage.close();
}

#[test]
fn a_host_endpoint_that_somebody_deleted_is_made_again() {
    let mode = Mode { encapsulation: Encapsulation::Vxlan, proxy: Proxy::Iptables, dual: false, nodes: 2 };
    let mut stage = Stage::open(mode);
    let topology = stage.topology().clone();
    expose(&mut stage);
    stage.check("exposed", &open(&topology));
    stage.lab.kubectl(&["delete", "hostendpoints.crd.projectcalico.org", "zerotrust-n2"]);
    stage.lab.settle();
    // The node's address is let in to the pods, and nobody stops a stranger before it gets that.
    let lines = ["stranger -> n1 tcp:32127 = drop", "stranger -> n2 tcp:32127 = allow by policy-demo/nginx"];
    stage.check("a node without host endpoint", &lines.map(String::from));
    sync(&mut stage, "a node without host endpoint");
    stage.check("a node without host endpoint, mended", &open(&topology));
    stage.close();
}
