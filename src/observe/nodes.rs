//! Nodes: their addresses with what each is and where that is written.
//! Never knows which of them a packet will carry; `evaluate::source` does.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use serde_json::Value;

use crate::kubernetes::names;
use crate::kubernetes::objects::{Node as Object, Objects};
use crate::model::net::parse_net;
use crate::model::world::{AddressRole, Node, NodeAddress, NodeInterface, World};

/// Fills `nodes`.
pub fn observe(objects: &Objects, world: &mut World) {
    let host_local = world.network.host_local.value() == Some(&true);
    for object in objects.nodes.iter() {
        world.nodes.insert(object.metadata.name.clone(), node(object, host_local));
    }
}

fn node(object: &Object, host_local: bool) -> Node {
    let annotations = &object.metadata.annotations;
    let name = &object.metadata.name;
    let mut node = Node {
        name: name.clone(),
        labels: object.metadata.labels.clone(),
        pod_ranges: pod_ranges(object),
        primary: primary(object),
        interfaces: annotations.get(names::NODE_INTERFACES).map(|text| interfaces(text)).unwrap_or_default(),
        excluded: object.metadata.labels.get(names::EXCLUDED_FROM_BALANCERS).cloned(),
        control_plane: control_plane(object),
        wireguard_key: [names::NODE_WIREGUARD_KEY4, names::NODE_WIREGUARD_KEY6]
            .map(|key| annotations.get(key).is_some_and(|key| !key.is_empty())),
        ..Node::default()
    };
    for key in [names::NODE_IPV4, names::NODE_IPV6] {
        let Some(text) = annotations.get(key) else { continue };
        let evidence = format!("annotation {key} of Node {name}");
        if let Some((ip, subnet)) = address(text) {
            node.addresses.push(NodeAddress { ip, role: AddressRole::Host, subnet, evidence });
        }
    }
    for address in &object.status.addresses {
        let role = match address.kind.as_str() {
            "InternalIP" => AddressRole::Host,
            "ExternalIP" => AddressRole::External,
            _ => continue,
        };
        let Ok(ip) = address.address.parse() else { continue };
        let evidence = format!("status.addresses {} of Node {name}", address.kind);
        add(&mut node, ip, role, evidence);
    }
    tunnels(&mut node, object, host_local);
    node
}

/// With host-local IPAM Calico does not read the annotations of tunl0 and wireguard.cali: both have the first address
/// of podCIDR, the latter once there is a public key (libcalico-go, backend/k8s/resources/node.go).
fn tunnels(node: &mut Node, object: &Object, host_local: bool) {
    const ALL: [(&str, AddressRole); 5] = [
        (names::NODE_IPIP, AddressRole::Ipip),
        (names::NODE_VXLAN4, AddressRole::Vxlan),
        (names::NODE_VXLAN6, AddressRole::Vxlan),
        (names::NODE_WIREGUARD4, AddressRole::Wireguard),
        (names::NODE_WIREGUARD6, AddressRole::Wireguard),
    ];
    let name = &object.metadata.name;
    let range = object.spec.pod_cidr.as_deref().filter(|_| host_local).and_then(|cidr| cidr.parse::<Ipv4Net>().ok());
    if let Some(first) = range.and_then(|range| u32::from(range.network()).checked_add(1)) {
        let evidence = format!("first address of podCIDR of Node {name} (host-local IPAM)");
        let ip = IpAddr::from(Ipv4Addr::from(first));
        add(node, ip, AddressRole::Ipip, evidence.clone());
        if node.wireguard_key[0] {
            add(node, ip, AddressRole::Wireguard, evidence);
        }
    }
    for (key, role) in ALL.into_iter().filter(|(_, role)| range.is_none() || *role == AddressRole::Vxlan) {
        if let Some((ip, _)) = object.metadata.annotations.get(key).and_then(|text| address(text)) {
            add(node, ip, role, format!("annotation {key} of Node {name}"));
        }
    }
}

/// The first InternalIP, else the first ExternalIP, then the first one of the other family (k8s.io/component-helpers,
/// GetNodeHostIPs): what kube-proxy takes for the node's primary addresses.
fn primary(object: &Object) -> Vec<IpAddr> {
    let of = |kind: &'static str| {
        let own = object.status.addresses.iter().filter(move |address| address.kind == kind);
        own.filter_map(|address| address.address.parse::<IpAddr>().ok())
    };
    let mut all = of("InternalIP").chain(of("ExternalIP"));
    let Some(first) = all.next() else { return Vec::new() };
    [Some(first), all.find(|ip| ip.is_ipv4() != first.is_ipv4())].into_iter().flatten().collect()
}

/// `[{"name":"eth0","addresses":["10.0.0.1"]}]`; empty where it cannot be read.
fn interfaces(text: &str) -> Vec<NodeInterface> {
    let list: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    let read = |one: &Value| {
        let addresses = one.get("addresses").and_then(Value::as_array).into_iter().flatten();
        let addresses = addresses.filter_map(|ip| address(ip.as_str()?)).map(|(ip, _)| ip).collect();
        Some(NodeInterface { name: one.get("name")?.as_str()?.to_string(), addresses })
    };
    list.iter().filter_map(read).collect()
}

/// Not twice: the address that Calico chose is mostly the InternalIP too, but it alone knows its subnet.
fn add(node: &mut Node, ip: IpAddr, role: AddressRole, evidence: String) {
    if !node.addresses.iter().any(|address| address.ip == ip && address.role == role) {
        node.addresses.push(NodeAddress { ip, role, subnet: None, evidence });
    }
}

/// An address, with its subnet where it has a mask.
fn address(text: &str) -> Option<(IpAddr, Option<IpNet>)> {
    match text.parse::<IpNet>() {
        Ok(net) => Some((net.addr(), Some(net.trunc()).filter(|net| net.prefix_len() < net.max_prefix_len()))),
        Err(_) => text.parse().ok().map(|ip| (ip, None)),
    }
}

fn pod_ranges(object: &Object) -> Vec<IpNet> {
    let texts = if object.spec.pod_cidrs.is_empty() {
        object.spec.pod_cidr.as_slice()
    } else {
        object.spec.pod_cidrs.as_slice()
    };
    texts.iter().filter_map(|text| parse_net(text)).collect()
}

fn control_plane(object: &Object) -> Option<String> {
    let label = names::CONTROL_PLANE.into_iter().find(|label| object.metadata.labels.contains_key(*label))?;
    Some(label.to_string())
}
