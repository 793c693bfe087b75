//! What Felix and kube-proxy are told, address pools, and what is advertised over BGP.
//! Never knows what becomes of a packet.

use ipnet::IpNet;
use serde_json::Value;

use super::gaps::hides;
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{ConfigMap, Objects};
use crate::model::net::parse_net;
use crate::model::world::{Fact, Gap, LocalDetection, Network, Pool, TunnelMode, World};

/// Fills `network` and `pools`.
pub fn observe(objects: &Objects, world: &mut World) {
    for object in &objects.ip_pools.items {
        let Some(net) = parse_net(&object.spec.cidr) else {
            let place = format!("IPPool {}, {}", object.metadata.name, object.place);
            let reason = format!("spec.cidr {:?} is no CIDR", object.spec.cidr);
            world.gaps.push(Gap { hides: hides(Kind::IPPool), namespace: None, place, reason });
            continue;
        };
        world.pools.push(Pool {
            name: object.metadata.name.clone(),
            net,
            ipip: mode(&object.spec.ipip_mode),
            vxlan: mode(&object.spec.vxlan_mode),
            nat_outgoing: object.spec.nat_outgoing,
            disabled: object.spec.disabled,
        });
    }
    let felix = objects.felix_configurations.iter().find(|object| object.metadata.name == "default");
    let felix_spec = |field: &str| felix.and_then(|felix| felix.spec.get(field));
    let proxy = objects.config_maps.iter().find(|map| map.metadata.name == "kube-proxy");
    world.network = Network {
        proxy_mode: proxy.map_or_else(unread_proxy, proxy_mode),
        knows_local: proxy.map_or_else(unread_proxy, local_detection),
        bpf: felix_spec("bpfEnabled").and_then(Value::as_bool).unwrap_or(false),
        endpoint_to_host: felix_spec("defaultEndpointToHostAction").and_then(Value::as_str).map(str::to_string),
        advertised: advertised(objects),
        ..Network::default()
    };
}

fn mode(text: &Option<String>) -> TunnelMode {
    match text.as_deref() {
        Some("Always") => TunnelMode::Always,
        Some("CrossSubnet") => TunnelMode::CrossSubnet,
        _ => TunnelMode::Never,
    }
}

fn unread_proxy<T>() -> Fact<T> {
    Fact::unknown("kube-proxy's ConfigMap was not read")
}

/// A field of kube-proxy's configuration file, which is YAML: the first line of that name.
fn setting<'a>(map: &'a ConfigMap, name: &str) -> Option<&'a str> {
    let lines = map.data.iter().filter(|(key, _)| key.starts_with("config")).flat_map(|(_, text)| text.lines());
    let values = lines.filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
    values.map(|value| value.trim().trim_matches(['"', '\''])).find(|value| !value.is_empty())
}

fn proxy_mode(map: &ConfigMap) -> Fact<String> {
    Fact::known(setting(map, "mode").unwrap_or("iptables").to_string(), "ConfigMap kube-proxy")
}

/// `detectLocalMode`, of which ClusterCIDR is the default and needs clusterCIDR to be set.
fn local_detection(map: &ConfigMap) -> Fact<LocalDetection> {
    let how = match setting(map, "detectLocalMode") {
        None | Some("ClusterCIDR" | "LocalModeClusterCIDR") => {
            let ranges = setting(map, "clusterCIDR").unwrap_or_default().split(',');
            let ranges: Vec<IpNet> = ranges.filter_map(|text| parse_net(text.trim())).collect();
            if ranges.is_empty() { LocalDetection::Never } else { LocalDetection::Ranges(ranges) }
        }
        Some(_) => LocalDetection::Node,
    };
    Fact::known(how, "ConfigMap kube-proxy")
}

/// The ranges of Services' addresses in all BGPConfigurations.
fn advertised(objects: &Objects) -> Vec<IpNet> {
    const LISTS: [&str; 3] = ["serviceClusterIPs", "serviceExternalIPs", "serviceLoadBalancerIPs"];
    let mut nets = Vec::new();
    for object in objects.bgp_configurations.iter() {
        let blocks = LISTS.into_iter().filter_map(|list| object.spec.get(list)?.as_array()).flatten();
        nets.extend(blocks.filter_map(|block| parse_net(block.get("cidr")?.as_str()?)));
    }
    nets
}
