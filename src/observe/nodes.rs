//! Nodes: their addresses with what each is and where that is written.
//! Never knows which of them a packet will carry; `evaluate::source` does.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::kubernetes::names;
use crate::kubernetes::objects::{Node as Object, Objects};
use crate::model::net::parse_net;
use crate::model::world::{AddressRole, Node, NodeAddress, World};

/// Fills `nodes`.
pub fn observe(objects: &Objects, world: &mut World) {
    for object in objects.nodes.iter() {
        world.nodes.insert(object.metadata.name.clone(), node(object));
    }
}

fn node(object: &Object) -> Node {
    let annotations = &object.metadata.annotations;
    let name = &object.metadata.name;
    let mut node = Node {
        name: name.clone(),
        labels: object.metadata.labels.clone(),
        pod_ranges: pod_ranges(object),
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
    let tunnels = [
        (names::NODE_IPIP, AddressRole::Ipip),
        (names::NODE_VXLAN4, AddressRole::Vxlan),
        (names::NODE_VXLAN6, AddressRole::Vxlan),
        (names::NODE_WIREGUARD4, AddressRole::Wireguard),
        (names::NODE_WIREGUARD6, AddressRole::Wireguard),
    ];
    for (key, role) in tunnels {
        if let Some((ip, _)) = annotations.get(key).and_then(|text| address(text)) {
            add(&mut node, ip, role, format!("annotation {key} of Node {name}"));
        }
    }
    node
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
