//! NetworkPolicies of Kubernetes around packets that they will meet.
//! Never knows what Calico makes of them.

use serde_json::{Value, json};

use super::policies::{Subject, name, subjects};
use super::random::Random;
use super::scene::{Look, Scene, Stage};
use super::terrain::Labels;
use crate::probe::{Probe, Protocol};

/// A policy around some packets of one pod.
pub fn policy(random: &mut Random, scene: &Scene<'_>, index: usize) -> Option<Value> {
    let probe = random.any(&scene.probes)?.clone();
    let Subject { pod, ingress } = *random.any(&subjects(scene, &probe))?;
    let rules: Vec<Value> =
        (0..random.between(0, 3)).filter_map(|turn| rule(random, scene, &probe, ingress, turn == 0)).collect();
    let mut spec = json!({ "podSelector": label_selector(random, &pod.labels, true) });
    spec[if ingress { "ingress" } else { "egress" }] = json!(rules);
    let kind = if ingress { "Ingress" } else { "Egress" };
    match random.below(5) {
        // Left out, the API server fills in Ingress, and Egress only where there are egress rules.
        0 => {}
        1 => spec["policyTypes"] = json!(["Ingress", "Egress"]),
        _ => spec["policyTypes"] = json!([kind]),
    }
    let name = name(random, "knp", index);
    Some(json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                 "metadata": { "name": name, "namespace": pod.namespace }, "spec": spec }))
}

fn rule(random: &mut Random, scene: &Scene<'_>, probe: &Probe, ingress: bool, own: bool) -> Option<Value> {
    let probe = if own { probe.clone() } else { random.any(&scene.probes)?.clone() };
    let look = scene.look(random, &probe, if ingress { Stage::Receiving } else { Stage::Sending });
    let mut rule = json!({});
    if random.chance(80) {
        let peers: Vec<Value> = (0..random.between(1, 2)).map(|_| peer(random, scene, &look, ingress)).collect();
        rule[if ingress { "from" } else { "to" }] = json!(peers);
    }
    if random.chance(75) {
        let ports: Vec<Value> = (0..random.between(1, 2)).map(|turn| port(random, scene, &look, turn == 0)).collect();
        rule["ports"] = json!(ports);
    }
    Some(rule)
}

fn peer(random: &mut Random, scene: &Scene<'_>, look: &Look, ingress: bool) -> Value {
    let ip = if ingress { look.source } else { look.destination };
    let hit = random.chance(80);
    let pod = scene.terrain.pod_at(ip).filter(|_| random.chance(75));
    let Some(pod) = pod else {
        let lengths = if ip.is_ipv4() { [32, 32, 24, 8] } else { [128, 128, 64, 16] };
        let length = *random.pick(&lengths);
        let net = |length: u8| ipnet::IpNet::new(ip, length).expect("a length of the family").trunc();
        let mut block = json!({ "cidr": net(length).to_string() });
        let full = lengths[0];
        if length < full {
            let other = scene.terrain.clients.iter().find(|other| net(length).contains(*other) && **other != ip);
            match (hit, other) {
                (false, _) => block["except"] = json!([net(full).to_string()]),
                (true, Some(other)) => block["except"] = json!([format!("{other}/{full}")]),
                (true, None) => {}
            }
        }
        return json!({ "ipBlock": block });
    };
    let namespaces = scene.terrain.namespaces.iter().find(|(name, _)| *name == pod.namespace);
    let of_namespace = namespaces.map(|(_, labels)| labels.clone()).unwrap_or_default();
    match random.below(3) {
        0 => json!({ "podSelector": label_selector(random, &pod.labels, hit) }),
        1 => json!({ "namespaceSelector": label_selector(random, &of_namespace, hit) }),
        _ => json!({
            "podSelector": label_selector(random, &pod.labels, hit),
            "namespaceSelector": label_selector(random, &of_namespace, true),
        }),
    }
}

fn port(random: &mut Random, scene: &Scene<'_>, look: &Look, own: bool) -> Value {
    let word = match look.protocol {
        Protocol::Udp => "UDP",
        Protocol::Sctp => "SCTP",
        Protocol::Tcp | Protocol::Icmp { .. } => "TCP",
    };
    let number = match look.port {
        Some(port) if own && random.chance(80) => port,
        _ => *random.pick(&[53, 80, 8080, 5432]),
    };
    let names = scene.terrain.pod_at(look.destination).into_iter().flat_map(|pod| &pod.ports);
    let named = names.filter(|(_, protocol, port)| protocol == word && *port == number).map(|(name, _, _)| name);
    let named: Vec<&String> = named.collect();
    match random.below(6) {
        0 => json!({ "protocol": word }),
        1 => json!({ "protocol": word, "port": number.saturating_sub(5).max(1), "endPort": number.saturating_add(5) }),
        2 | 3 if !named.is_empty() => json!({ "protocol": word, "port": random.pick(&named) }),
        4 if word == "TCP" => json!({ "port": number }),
        _ => json!({ "protocol": word, "port": number }),
    }
}

/// Kubernetes' own form of a selector that is `wanted` of these labels.
fn label_selector(random: &mut Random, labels: &Labels, wanted: bool) -> Value {
    let entries: Vec<(&String, &String)> = labels.iter().collect();
    let Some((key, value)) = random.any(&entries).copied() else {
        return if wanted { json!({}) } else { json!({ "matchLabels": { "app": "strange" } }) };
    };
    let expression = |operator: &str, values: &[&str]| json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] });
    match (random.below(5), wanted) {
        (0, true) if random.chance(40) => json!({}),
        (0 | 1, true) => json!({ "matchLabels": { key: value } }),
        (0 | 1, false) => json!({ "matchLabels": { key: "strange" } }),
        (2, true) => expression("In", &["strange", value]),
        (2, false) => expression("In", &["strange"]),
        (3, true) => expression("NotIn", &["strange"]),
        (3, false) => expression("NotIn", &[value]),
        (_, true) => json!({ "matchExpressions": [{ "key": key, "operator": "Exists" }] }),
        (_, false) => json!({ "matchExpressions": [{ "key": key, "operator": "DoesNotExist" }] }),
    }
}
