//! What Felix and kube-proxy are told, address pools, and what is advertised over BGP.
//! Never knows what becomes of a packet.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde_json::Value;

use super::gaps::hides;
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{ConfigMap, Objects};
use crate::model::flow::Protocol;
use crate::model::net::parse_net;
use crate::model::world::{Fact, Failsafe, Gap, LocalDetection, Network, Pool, TunnelMode, World};

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
        log_prefixes: log_prefixes(objects),
        log_rate_limit: felix_spec("logActionRateLimit").and_then(Value::as_str).map(str::to_string),
        interface_prefixes: interface_prefixes(felix_spec("interfacePrefix")),
        bpf: felix_spec("bpfEnabled").and_then(Value::as_bool).unwrap_or(false),
        endpoint_to_host: felix_spec("defaultEndpointToHostAction").and_then(Value::as_str).map(str::to_string),
        failsafe_in: failsafes(felix_spec("failsafeInboundHostPorts"), &FAILSAFE_IN),
        failsafe_out: failsafes(felix_spec("failsafeOutboundHostPorts"), &FAILSAFE_OUT),
        advertised: advertised(objects),
        announcers: announcers(objects),
    };
}

/// Every FelixConfiguration can have one: the cluster's (`default`) and those of nodes (`node.NAME`).
fn log_prefixes(objects: &Objects) -> Vec<String> {
    let set = objects.felix_configurations.iter().filter_map(|object| object.spec.get("logPrefix")?.as_str());
    let prefixes: BTreeSet<&str> = set.filter(|prefix| !prefix.is_empty()).collect();
    prefixes.into_iter().map(str::to_string).collect()
}

/// A list with commas.
fn interface_prefixes(set: Option<&Value>) -> Vec<String> {
    let list = set.and_then(Value::as_str).filter(|list| !list.is_empty()).unwrap_or("cali");
    list.split(',').map(str::trim).filter(|prefix| !prefix.is_empty()).map(str::to_string).collect()
}

/// Felix's defaults (felix/config/config_params.go), the same since 3.17.
const FAILSAFE_IN: [(Protocol, u16); 9] = [
    (Protocol::TCP, 22),
    (Protocol::UDP, 68),
    (Protocol::TCP, 179),
    (Protocol::TCP, 2379),
    (Protocol::TCP, 2380),
    (Protocol::TCP, 5473),
    (Protocol::TCP, 6443),
    (Protocol::TCP, 6666),
    (Protocol::TCP, 6667),
];
const FAILSAFE_OUT: [(Protocol, u16); 9] = [
    (Protocol::UDP, 53),
    (Protocol::UDP, 67),
    (Protocol::TCP, 179),
    (Protocol::TCP, 2379),
    (Protocol::TCP, 2380),
    (Protocol::TCP, 5473),
    (Protocol::TCP, 6443),
    (Protocol::TCP, 6666),
    (Protocol::TCP, 6667),
];

fn failsafes(set: Option<&Value>, default: &[(Protocol, u16)]) -> Vec<Failsafe> {
    let Some(set) = set.and_then(Value::as_array) else {
        return default
            .iter()
            .map(|(protocol, port)| Failsafe { protocol: *protocol, port: *port, net: None })
            .collect();
    };
    let read = |entry: &Value| {
        let protocol = entry.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
        let net = entry.get("net").and_then(Value::as_str).filter(|net| !net.is_empty());
        Some(Failsafe {
            protocol: Protocol::parse(protocol)?,
            port: u16::try_from(entry.get("port")?.as_u64()?).ok()?,
            net: net.map(parse_net).map_or(Some(None), |net| net.map(Some))?,
        })
    };
    set.iter().filter_map(read).collect()
}

/// MetalLB 0.14 and later says in a ServiceL2Status which node announces a Service's address.
fn announcers(objects: &Objects) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut announcers: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for object in objects.l2_statuses.iter() {
        let label = |name: &str| object.metadata.labels.get(&format!("metallb.io/{name}")).cloned();
        if let (Some(namespace), Some(service), Some(node)) =
            (label("service-namespace"), label("service-name"), label("node"))
        {
            announcers.entry((namespace, service)).or_default().insert(node);
        }
    }
    announcers
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
