//! Network sets that hold addresses which probes have.
//! Never knows which rule will select them.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::random::Random;
use super::scene::{Owner, Scene};
use super::terrain::Labels;

/// Some sets, global ones and those of namespaces; they join the scene.
pub fn sets(random: &mut Random, scene: &mut Scene<'_>) -> Vec<Value> {
    let mut made = Vec::new();
    for index in 0..random.between(1, 3) {
        let nets: Vec<IpNet> = (0..random.between(1, 3)).filter_map(|_| net(random, scene)).collect();
        let value = *random.pick(&["trusted", "office", "other"]);
        let labels: Labels = [("set".to_string(), value.to_string())].into();
        let namespaces: Vec<&String> = scene.terrain.namespaces.iter().map(|(name, _)| name).collect();
        let namespace = random.chance(45).then(|| (*random.pick(&namespaces)).clone());
        // A set takes addresses without a mask, with one, and with bits beyond it.
        let texts: Vec<String> = nets
            .iter()
            .map(|net| match net.prefix_len() == net.max_prefix_len() && random.chance(40) {
                true => net.addr().to_string(),
                false => net.to_string(),
            })
            .collect();
        let kind = if namespace.is_some() { "NetworkSet" } else { "GlobalNetworkSet" };
        let mut metadata = json!({ "name": format!("set-{index}"), "labels": labels });
        let mut seen = labels;
        if let Some(namespace) = &namespace {
            metadata["namespace"] = json!(namespace);
            seen.insert("projectcalico.org/namespace".into(), namespace.clone());
        }
        made.push(json!({ "apiVersion": "crd.projectcalico.org/v1", "kind": kind,
                          "metadata": metadata, "spec": { "nets": texts } }));
        scene.add(Owner { labels: seen, namespace, account: None, ports: Vec::new(), nets, node: None });
    }
    made
}

/// An address of either end of a probe, or a range around it.
fn net(random: &mut Random, scene: &Scene<'_>) -> Option<IpNet> {
    let probe = random.any(&scene.probes)?;
    let (source, destination) = (probe.source, probe.destination);
    let ip = if random.chance(70) { source } else { destination };
    let full = if ip.is_ipv4() { 32 } else { 128 };
    let length = *random.weighted(&[(70, full), (15, full - 1), (15, full - 8)]);
    IpNet::new(ip, length).ok().map(|net| net.trunc())
}
