//! What kube-proxy is told: by its ConfigMap, or by its flags.
//! Never knows what it does to a packet.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::flags;
use super::seen::{system_map, why_not};
use crate::kubernetes::names::{KUBE_PROXY_CONFIGS, Kind};
use crate::kubernetes::objects::Objects;
use crate::model::net::parse_net;
use crate::model::world::{Fact, LocalDetection, Network, NodePortAddresses};

/// Fills what `network` knows of kube-proxy.
pub fn observe(objects: &Objects, network: &mut Network) {
    match configuration(objects) {
        Ok((configuration, evidence)) => {
            let mode = text(&configuration, "mode").unwrap_or("iptables").to_ascii_lowercase();
            network.node_port_addresses = node_port_addresses(&configuration, &mode, &evidence);
            network.knows_local = Fact::known(local_detection(&configuration), evidence.clone());
            network.masquerade_all = masquerades_all(&configuration, &mode);
            network.proxy_mode = Fact::known(mode, evidence);
        }
        Err(why) => {
            network.proxy_mode = Fact::unknown(why.clone());
            network.knows_local = Fact::unknown(why.clone());
            network.node_port_addresses = Fact::unknown(why);
        }
    }
}

/// The ranges that it takes pods' addresses to be from, with their evidence.
pub fn cluster_cidr(objects: &Objects) -> Vec<(IpNet, String)> {
    let Ok((configuration, evidence)) = configuration(objects) else { return Vec::new() };
    ranges(&configuration).into_iter().map(|net| (net, format!("clusterCIDR of {evidence}"))).collect()
}

/// A KubeProxyConfiguration and where it is written; flags count as one too.
fn configuration(objects: &Objects) -> Result<(Value, String), String> {
    for name in KUBE_PROXY_CONFIGS {
        let Some(map) = system_map(objects, name) else { continue };
        let Some((key, text)) = map.data.iter().find(|(key, _)| key.starts_with("config")) else { continue };
        let read: Result<Value, _> = serde_yaml::from_str(text);
        return match read {
            Ok(configuration) => Ok((configuration, format!("ConfigMap {name}"))),
            Err(error) => {
                let error = error.to_string();
                let error = error.lines().next().unwrap_or_default();
                Err(format!("{key} of ConfigMap {name} cannot be read: {error}"))
            }
        };
    }
    // With a configuration file all these flags are ignored.
    let lines = flags::of(objects, "kube-proxy");
    let line = lines.iter().find(|(flags, _)| flags.is_known() && flags.get("config").is_none());
    let Some((flags, place)) = line else {
        return Err(why_not(
            &objects.config_maps.coverage,
            Kind::ConfigMap,
            Some("kube-system"),
            KUBE_PROXY_CONFIGS[0],
        ));
    };
    let list = |name: &str| flags.get(name).map(|text| text.split(',').map(str::to_string).collect::<Vec<_>>());
    let configuration = json!({
        "mode": flags.get("proxy-mode"),
        "clusterCIDR": flags.get("cluster-cidr"),
        "detectLocalMode": flags.get("detect-local-mode"),
        "nodePortAddresses": list("nodeport-addresses"),
        "iptables": { "masqueradeAll": flags.get("masquerade-all").is_some_and(|value| value == "true") },
    });
    Ok((configuration, format!("flags of {place}")))
}

fn text<'v>(configuration: &'v Value, field: &str) -> Option<&'v str> {
    configuration.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn ranges(configuration: &Value) -> Vec<IpNet> {
    let texts = text(configuration, "clusterCIDR").unwrap_or_default().split(',');
    texts.filter_map(|text| parse_net(text.trim())).collect()
}

/// `detectLocalMode`, of which ClusterCIDR is the default and needs clusterCIDR to be set.
fn local_detection(configuration: &Value) -> LocalDetection {
    match text(configuration, "detectLocalMode") {
        Some("NodeCIDR") => LocalDetection::NodeRanges,
        Some("BridgeInterface") => LocalDetection::Nothing,
        Some("InterfaceNamePrefix") => {
            let prefix = configuration.pointer("/detectLocal/interfaceNamePrefix").and_then(Value::as_str);
            // Calico's interfaces are called cali, then a hash; those of some clouds otherwise, and are named here then.
            match prefix.unwrap_or_default() {
                "" => LocalDetection::Never,
                _ => LocalDetection::Node,
            }
        }
        _ => match ranges(configuration) {
            ranges if ranges.is_empty() => LocalDetection::Never,
            ranges => LocalDetection::Ranges(ranges),
        },
    }
}

fn masquerades_all(configuration: &Value, mode: &str) -> bool {
    // Each mode has a section of its own; ipvs takes that of iptables.
    let section = if mode == "nftables" { "nftables" } else { "iptables" };
    let asked = configuration.pointer(&format!("/{section}/masqueradeAll"));
    asked.and_then(Value::as_bool).unwrap_or(false)
}

/// Without a list, nftables answers on the node's primary addresses and the other modes on all.
fn node_port_addresses(configuration: &Value, mode: &str, evidence: &str) -> Fact<NodePortAddresses> {
    let words: Vec<&str> = match configuration.get("nodePortAddresses") {
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if words.is_empty() {
        let evidence = format!("{evidence}: the default of mode {mode}");
        return Fact::known(NodePortAddresses { ranges: Vec::new(), primary: mode == "nftables" }, evidence);
    }
    let mut addresses = NodePortAddresses::default();
    for word in words {
        let ranges: &[&str] = match word {
            "primary" => {
                addresses.primary = true;
                &[]
            }
            "localhost" => &["127.0.0.0/8", "::1/128"],
            "all" => &["0.0.0.0/0", "::/0"],
            range => &[range],
        };
        for range in ranges {
            match parse_net(range) {
                Some(net) => addresses.ranges.push(net),
                None => {
                    return Fact::unknown(format!("nodePortAddresses of {evidence} has {range:?}, which is no range"));
                }
            }
        }
    }
    Fact::known(addresses, format!("nodePortAddresses of {evidence}"))
}
