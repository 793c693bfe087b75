//! Host endpoints of every shape, and the policies that only they have: preDNAT, applyOnForward, doNotTrack, host policy.
//! Never knows what pods' policies say.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::policies::{global, name, with_order};
use super::random::Random;
use super::rules::{self, Aim, Place};
use super::scene::{Owner, Scene, Stage};
use super::selectors::selector;
use super::terrain::{Labels, Node};
use crate::probe::{Probe, Sender};

/// Host endpoints on all nodes, or on some; they join the scene.
pub fn endpoints(random: &mut Random, scene: &mut Scene<'_>) -> Vec<Value> {
    let nodes = &scene.terrain.nodes;
    let shape = *random.weighted(&[(40, "eth0"), (35, "*"), (25, "addresses")]);
    let left_out = if random.chance(25) { random.below(nodes.len()) } else { usize::MAX };
    let open = random.chance(60);
    let mut made = Vec::new();
    for node in nodes.iter().enumerate().filter(|(index, _)| *index != left_out).map(|(_, node)| node) {
        let shape = if random.chance(8) { *random.pick(&["eth0", "*", "addresses"]) } else { shape };
        made.push(endpoint(random, node, shape, open, ""));
        if random.chance(10) {
            // A second one for the same interface, or one for all beside it: names decide, or the narrower wins.
            let second = if shape == "*" { "eth0" } else { "*" };
            made.push(endpoint(random, node, second, open, "-more"));
        }
    }
    for object in &made {
        scene.add(owner(object));
    }
    made
}

fn endpoint(random: &mut Random, node: &Node, shape: &str, open: bool, suffix: &str) -> Value {
    let mut spec = json!({ "node": node.name });
    match shape {
        "*" => {
            spec["interfaceName"] = json!("*");
            if random.chance(60) {
                spec["expectedIPs"] = json!(node.own);
            }
        }
        "eth0" => {
            spec["interfaceName"] = json!("eth0");
            spec["expectedIPs"] = json!(node.own);
        }
        _ => spec["expectedIPs"] = json!(node.own),
    }
    if open {
        spec["profiles"] = json!(["projectcalico-default-allow"]);
    }
    if random.chance(25) {
        let protocol = *random.pick(&["TCP", "UDP"]);
        spec["ports"] = json!([{ "name": "admin", "protocol": protocol, "port": *random.pick(&[80, 53, 8080, 9999]) }]);
    }
    let mut labels = node.labels.clone();
    labels.insert("role".into(), "host".into());
    labels.insert("covers".into(), if shape == "*" { "all" } else { "one" }.into());
    let mut metadata = json!({ "name": format!("{}-hep{suffix}", node.name), "labels": labels });
    if random.chance(20) {
        // What stands in the annotation wins over the labels beside it.
        let kept = json!({ "creationTimestamp": null, "labels": labels });
        metadata["annotations"] = json!({ "projectcalico.org/metadata": kept.to_string() });
        metadata["labels"] = json!({ "role": "stale" });
    }
    json!({ "apiVersion": "crd.projectcalico.org/v1", "kind": "HostEndpoint", "metadata": metadata, "spec": spec })
}

fn owner(object: &Value) -> Owner {
    let (metadata, spec) = (&object["metadata"], &object["spec"]);
    let annotated = metadata["annotations"]["projectcalico.org/metadata"].as_str();
    let labels = match annotated.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        Some(kept) => kept["labels"].clone(),
        None => metadata["labels"].clone(),
    };
    let ips = spec["expectedIPs"].as_array().into_iter().flatten();
    let ports = spec["ports"].as_array().into_iter().flatten();
    Owner {
        labels: serde_json::from_value(labels).expect("labels of text"),
        namespace: None,
        account: None,
        ports: ports
            .map(|port| {
                let text = |field: &str| port[field].as_str().expect("a named port").to_string();
                (text("name"), text("protocol"), u16::try_from(port["port"].as_u64().unwrap_or(1)).expect("a port"))
            })
            .collect(),
        nets: ips.filter_map(|ip| ip.as_str()?.parse::<IpAddr>().ok()).map(IpNet::from).collect(),
        node: spec["node"].as_str().map(str::to_string),
    }
}

/// What a host policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Before kube-proxy.
    PreDnat,
    /// For forwarded traffic, and the host's own.
    Forward,
    /// For the host's own traffic.
    Normal,
    /// Before connection tracking.
    Untracked,
}

/// A policy for host endpoints around some packets.
pub fn host_policy(random: &mut Random, scene: &Scene<'_>, hook: Hook, index: usize) -> Option<Value> {
    let ingress = hook == Hook::PreDnat || random.chance(55);
    let both = hook != Hook::PreDnat && random.chance(25);
    let mut spec = json!({ "selector": hosts_selector(random, scene)? });
    let mut types = Vec::new();
    for of_ingress in [true, false] {
        if of_ingress != ingress && !both {
            continue;
        }
        types.push(if of_ingress { "Ingress" } else { "Egress" });
        let rules: Vec<Value> =
            (0..random.between(1, 5)).filter_map(|_| host_rule(random, scene, hook, of_ingress)).collect();
        spec[if of_ingress { "ingress" } else { "egress" }] = json!(rules);
    }
    spec["types"] = json!(types);
    mark(hook, &mut spec);
    let what = match hook {
        Hook::PreDnat => "door",
        Hook::Forward => "forward",
        Hook::Normal => "host",
        Hook::Untracked => "raw",
    };
    let spec = with_order(random, spec);
    Some(global(&name(random, what, index), spec))
}

fn mark(hook: Hook, spec: &mut Value) {
    if hook != Hook::Normal {
        spec["applyOnForward"] = json!(true);
    }
    match hook {
        Hook::PreDnat => spec["preDNAT"] = json!(true),
        Hook::Untracked => spec["doNotTrack"] = json!(true),
        Hook::Forward | Hook::Normal => {}
    }
}

/// Takes the host endpoints of all nodes, or by what one of them has.
fn hosts_selector(random: &mut Random, scene: &Scene<'_>) -> Option<String> {
    if random.chance(70) {
        return Some("role == 'host'".into());
    }
    if random.chance(20) {
        return Some(format!("role == 'host' && covers == '{}'", random.pick(&["all", "one"])));
    }
    let hosts: Vec<&Labels> = scene.hosts().map(|owner| &owner.labels).collect();
    let labels = (*random.any(&hosts)?).clone();
    Some(format!("role == 'host' && ({})", selector(random, &labels, &scene.vocabulary, true)))
}

fn host_rule(random: &mut Random, scene: &Scene<'_>, hook: Hook, ingress: bool) -> Option<Value> {
    let action = *random.weighted(match hook {
        // Without connection tracking an Allow changes more than it opens, so most of these only take away.
        Hook::Untracked => &[(45, "Allow"), (45, "Deny"), (5, "Log"), (5, "Pass")],
        Hook::PreDnat => &[(55, "Allow"), (30, "Deny"), (8, "Log"), (7, "Pass")],
        _ => &[(68, "Allow"), (14, "Deny"), (8, "Log"), (10, "Pass")],
    });
    if random.chance(if hook == Hook::Untracked { 5 } else { 15 }) {
        return Some(rules::wide(random, action));
    }
    let probes: Vec<&Probe> = scene.probes.iter().filter(|probe| crosses_a_host(scene, probe)).collect();
    let probe = (*random.any(&probes)?).clone();
    let stage = match (hook, ingress) {
        (Hook::PreDnat | Hook::Untracked, _) => Stage::Door,
        (_, true) if random.chance(70) => Stage::Receiving,
        _ => Stage::Sending,
    };
    let look = scene.look(random, &probe, stage);
    let aim = if random.chance(70) { Aim::Hit } else { Aim::Near };
    Some(rules::rule(random, scene, &look, Place { namespace: None, ingress }, action, aim))
}

/// Whether a probe comes into a node, or leaves one, by more than a pod's own interface.
fn crosses_a_host(scene: &Scene<'_>, probe: &Probe) -> bool {
    let to_pod = scene.terrain.pod_at(probe.destination);
    match &probe.sender {
        Sender::Pod(_) => {
            let home = scene.terrain.pod_at(probe.source).map(|pod| &pod.node);
            to_pod.is_none_or(|pod| Some(&pod.node) != home)
        }
        Sender::Node(name) => to_pod.is_none_or(|pod| pod.node != *name),
        Sender::Client(_) => true,
    }
}

/// WireGuard's own packets pass preDNAT policy in every world: one connection of each pair of nodes goes on for as long as
/// either side may speak, so where they did not pass the outcome would depend on the worlds before.
pub fn keep_wireguard(scene: &Scene<'_>) -> Value {
    let nodes = scene.terrain.nodes.iter().flat_map(|node| &node.own).filter(|ip| ip.is_ipv4());
    let nodes: Vec<String> = nodes.map(|ip| IpNet::from(*ip).to_string()).collect();
    let rule = json!({ "action": "Allow", "protocol": "UDP", "source": { "nets": nodes }, "destination": { "ports": [51820] } });
    let mut spec = json!({ "selector": "role == 'host'", "order": -1000, "types": ["Ingress"], "ingress": [rule] });
    mark(Hook::PreDnat, &mut spec);
    global("wireguard", spec)
}

/// A perimeter as an administrator makes one: cluster sources and some clients may enter, the rest may not.
pub fn perimeter(random: &mut Random, scene: &Scene<'_>) -> Vec<Value> {
    let terrain = scene.terrain;
    let nodes = terrain.nodes.iter().flat_map(|node| node.own.iter().chain(&node.tunnels));
    let hosts: Vec<IpNet> = nodes.map(|ip| IpNet::from(*ip)).collect();
    let mut inside = hosts.clone();
    // Where these are left out, what pods send through `*` host endpoints stops too.
    if random.chance(80) {
        inside.extend(&terrain.pools);
    }
    let mut rules = Vec::new();
    for v4 in [true, false] {
        let nets: Vec<String> =
            inside.iter().filter(|net| net.addr().is_ipv4() == v4).map(ToString::to_string).collect();
        if !nets.is_empty() && random.chance(95) {
            rules.push(json!({ "action": "Allow", "source": { "nets": nets } }));
        }
    }
    for _ in 0..random.between(1, 4) {
        let outside: Vec<&Probe> =
            scene.probes.iter().filter(|probe| matches!(probe.sender, Sender::Client(_))).collect();
        let Some(probe) = random.any(&outside).map(|probe| (*probe).clone()) else { break };
        let look = scene.look(random, &probe, Stage::Door);
        let aim = if random.chance(75) { Aim::Hit } else { Aim::Near };
        let action = if random.chance(85) { "Allow" } else { "Deny" };
        rules.push(rules::rule(random, scene, &look, Place { namespace: None, ingress: true }, action, aim));
    }
    let kept: Vec<String> = hosts.iter().filter(|net| net.addr().is_ipv4()).map(ToString::to_string).collect();
    rules.extend(match random.below(4) {
        0 => vec![json!({ "action": "Deny" })],
        1 => vec![json!({ "action": "Log" }), json!({ "action": "Deny", "source": { "notNets": kept } })],
        _ => ["TCP", "UDP"]
            .map(|protocol| {
                json!({ "action": "Deny", "protocol": protocol, "destination": { "ports": ["30000:32767"] } })
            })
            .to_vec(),
    });
    let mut spec = json!({ "selector": "role == 'host'", "types": ["Ingress"], "ingress": rules });
    mark(Hook::PreDnat, &mut spec);
    let spec = with_order(random, spec);
    let mut policies = vec![global("perimeter", spec)];
    if random.chance(85) {
        let spec = json!({ "selector": "role == 'host'", "order": 900, "types": ["Egress"], "egress": [{ "action": "Allow" }] });
        policies.push(global("host-egress", spec));
    }
    if random.chance(60) {
        let spec = json!({ "selector": "role == 'host'", "order": 900, "types": ["Ingress"],
                           "ingress": [{ "action": "Allow", "source": { "nets": kept } }] });
        policies.push(global("host-ingress", spec));
    }
    policies
}
