//! Ranges of pods' and Services' addresses, and of node ports, as each part of the cluster is told.
//! Never knows who has an address.

use ipnet::IpNet;
use serde_json::Value;

use super::seen::{system_map, why_not};
use super::{flags, proxy};
use crate::kubernetes::names::{KUBEADM_CONFIG, Kind};
use crate::kubernetes::objects::Objects;
use crate::model::net::parse_net;
use crate::model::world::{Fact, Pool, Range};

const API_SERVER: &str = "kube-apiserver";
/// What kube-apiserver takes node ports from if it is not told otherwise.
const NODE_PORTS: (u16, u16) = (30_000, 32_767);

/// Ranges that pods have their addresses from: Calico's pools decide, the others are what the rest of the cluster
/// believes.
pub fn of_pods(objects: &Objects, pools: &[Pool]) -> Vec<Range> {
    let pools = pools.iter().filter(|pool| pool.for_pods);
    let mut found: Vec<Range> =
        pools.map(|pool| Range { net: pool.net, evidence: format!("IPPool {}", pool.name) }).collect();
    let mut add = |nets: Vec<IpNet>, evidence: String| {
        found.extend(nets.into_iter().map(|net| Range { net, evidence: evidence.clone() }));
    };
    if let Some(subnet) = kubeadm(objects).and_then(|kubeadm| Some(kubeadm.pointer("/networking/podSubnet")?.clone())) {
        add(nets(subnet.as_str().unwrap_or_default()), format!("podSubnet of ConfigMap {KUBEADM_CONFIG}"));
    }
    for (net, evidence) in proxy::cluster_cidr(objects) {
        add(vec![net], evidence);
    }
    let controllers = flags::of(objects, "kube-controller-manager");
    let told = controllers.iter().find_map(|(flags, place)| Some((flags.get("cluster-cidr")?, place)));
    if let Some((text, place)) = told {
        add(nets(&text), format!("--cluster-cidr of {place}"));
    }
    found
}

/// Ranges of cluster addresses: ServiceCIDRs where there are any (Kubernetes 1.33 makes one of the flag), else the flag,
/// else what kubeadm was told.
pub fn of_services(objects: &Objects) -> Fact<Vec<IpNet>> {
    let cidrs = objects.service_cidrs.iter().filter_map(|object| object.spec.get("cidrs")?.as_array());
    let found: Vec<IpNet> = cidrs.flatten().filter_map(|cidr| parse_net(cidr.as_str()?)).collect();
    if !found.is_empty() {
        let names: Vec<&str> = objects.service_cidrs.iter().map(|object| object.metadata.name.as_str()).collect();
        return Fact::known(found, format!("ServiceCIDR {}", names.join(", ")));
    }
    for program in [API_SERVER, "kube-controller-manager"] {
        let lines = flags::of(objects, program);
        let told = lines.iter().find_map(|(flags, place)| Some((flags.get("service-cluster-ip-range")?, place)));
        if let Some((text, place)) = told {
            return Fact::known(nets(&text), format!("--service-cluster-ip-range of {place}"));
        }
    }
    let kubeadm = kubeadm(objects);
    let subnet = kubeadm.as_ref().and_then(|kubeadm| kubeadm.pointer("/networking/serviceSubnet")?.as_str());
    match subnet.map(nets).filter(|found| !found.is_empty()) {
        Some(found) => Fact::known(found, format!("serviceSubnet of ConfigMap {KUBEADM_CONFIG}")),
        None => Fact::unknown(unseen(objects)),
    }
}

/// The range of node ports: kube-apiserver's flag, its default where it is not set, or what kubeadm was told.
pub fn of_node_ports(objects: &Objects) -> Fact<(u16, u16)> {
    let lines = flags::of(objects, API_SERVER);
    let (text, evidence) = match lines.iter().find(|(flags, _)| flags.is_known()) {
        Some((flags, place)) => match flags.get("service-node-port-range") {
            Some(text) => (text, format!("--service-node-port-range of {place}")),
            None => return Fact::known(NODE_PORTS, format!("the default of kube-apiserver ({place} sets none)")),
        },
        None => match kubeadm(objects).as_ref().map(kubeadm_node_ports) {
            Some(Some(text)) => (text, format!("service-node-port-range of ConfigMap {KUBEADM_CONFIG}")),
            Some(None) => {
                return Fact::known(
                    NODE_PORTS,
                    format!("the default of kube-apiserver (ConfigMap {KUBEADM_CONFIG} sets none)"),
                );
            }
            None => return Fact::unknown(unseen(objects)),
        },
    };
    match port_range(&text) {
        Some(range) => Fact::known(range, evidence),
        None => Fact::unknown(format!("{evidence} is {text:?}, which is no range of ports")),
    }
}

/// `30000-32767`, `30000+100`, or one port (k8s.io/apimachinery, net.PortRange).
fn port_range(text: &str) -> Option<(u16, u16)> {
    if let Some((first, size)) = text.split_once('+') {
        let first: u16 = first.trim().parse().ok()?;
        return Some((first, first.saturating_add(size.trim().parse().ok()?)));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (range.0 <= range.1).then_some(range)
}

/// kubeadm's ClusterConfiguration.
fn kubeadm(objects: &Objects) -> Option<Value> {
    let map = system_map(objects, KUBEADM_CONFIG)?;
    serde_yaml::from_str(map.data.get("ClusterConfiguration")?).ok()
}

/// Extra arguments are a map up to v1beta3, and a list of names and values since v1beta4.
fn kubeadm_node_ports(kubeadm: &Value) -> Option<String> {
    const NAME: &str = "service-node-port-range";
    match kubeadm.pointer("/apiServer/extraArgs")? {
        Value::Object(arguments) => arguments.get(NAME)?.as_str().map(str::to_string),
        Value::Array(arguments) => {
            let own = arguments.iter().find(|one| one.get("name").and_then(Value::as_str) == Some(NAME))?;
            own.get("value")?.as_str().map(str::to_string)
        }
        _ => None,
    }
}

fn nets(text: &str) -> Vec<IpNet> {
    text.split(',').filter_map(|net| parse_net(net.trim())).collect()
}

fn unseen(objects: &Objects) -> String {
    let kubeadm = why_not(&objects.config_maps.coverage, Kind::ConfigMap, Some("kube-system"), KUBEADM_CONFIG);
    format!("no kube-apiserver runs as a pod that was read, and {kubeadm}")
}
