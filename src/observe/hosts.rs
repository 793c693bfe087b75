//! Host endpoints and network sets.
//! Never knows where a host endpoint's policy is asked.

use serde_json::Value;

use super::gaps::hides;
use super::policies::keeper;
use super::workloads::add_namespace;
use crate::findings::{Finding, SET_NET_UNREADABLE};
use crate::kubernetes::names::{CREATED_BY, KUBE_CONTROLLERS, Kind, LABEL_NAMESPACE};
use crate::kubernetes::objects::{Found, HostEndpoint as HostObject, NetworkSet as SetObject, Objects};
use crate::model::flow::Protocol;
use crate::model::net::parse_net;
use crate::model::world::{Gap, HostEndpoint, Labels, NetworkSet, PodPort, World};

/// Fills `host_endpoints` and `network_sets`.
pub fn observe(objects: &Objects, world: &mut World) {
    for object in &objects.host_endpoints.items {
        match host_endpoint(object) {
            Ok(endpoint) => world.host_endpoints.push(endpoint),
            Err(reason) => {
                let place = format!("HostEndpoint {}, {}", object.metadata.name, object.place);
                world.gaps.push(Gap { hides: hides(Kind::HostEndpoint), namespace: None, place, reason });
            }
        }
    }
    for object in &objects.network_sets.items {
        let set = network_set(object, world);
        world.network_sets.push(set);
    }
}

fn host_endpoint(object: &Found<HostObject>) -> Result<HostEndpoint, String> {
    let spec = &object.spec;
    if spec.node.is_empty() {
        return Err("spec.node is not set".into());
    }
    let addresses: Result<_, _> = spec.expected_ips.iter().map(|ip| ip.parse().map_err(|_| ip.clone())).collect();
    let ports = spec.ports.iter().map(|port| {
        let protocol = match &port.protocol {
            Value::String(name) => Protocol::parse(name),
            number => number.as_u64().and_then(|number| u8::try_from(number).ok()).map(Protocol),
        };
        let protocol = protocol.ok_or_else(|| format!("spec.ports: {} is no protocol", port.protocol))?;
        Ok(PodPort { name: Some(port.name.clone()), protocol, port: port.port })
    });
    Ok(HostEndpoint {
        name: object.metadata.name.clone(),
        labels: object.metadata.labels.clone(),
        annotations: object.metadata.annotations.clone(),
        node: spec.node.clone(),
        interface: spec.interface_name.clone().filter(|name| !name.is_empty()),
        addresses: addresses.map_err(|ip| format!("spec.expectedIPs has {ip}, which is no address"))?,
        profiles: spec.profiles.clone(),
        ports: ports.collect::<Result<_, String>>()?,
        automatic: object.metadata.labels.get(CREATED_BY).is_some_and(|who| who == KUBE_CONTROLLERS),
    })
}

/// A NetworkSet has its namespace's labels as pods have (libcalico-go, networksetprocessor.go); a GlobalNetworkSet only
/// its own.
fn network_set(object: &Found<SetObject>, world: &mut World) -> NetworkSet {
    let mut labels = Labels::new();
    let mut unseen_labels = Vec::new();
    let namespace = object.metadata.namespace.clone().filter(|namespace| !namespace.is_empty());
    if let Some(namespace) = &namespace {
        add_namespace(&mut labels, &mut unseen_labels, namespace, world);
    }
    labels.extend(object.metadata.labels.clone());
    if let Some(namespace) = &namespace {
        labels.insert(LABEL_NAMESPACE.into(), namespace.clone());
    }
    let name = object.metadata.name.clone();
    let bad: Vec<&str> = object.spec.nets.iter().filter(|text| parse_net(text).is_none()).map(String::as_str).collect();
    let mut doubt = None;
    if !bad.is_empty() {
        let object_name = match &namespace {
            Some(namespace) => format!("NetworkSet {namespace}/{name}"),
            None => format!("GlobalNetworkSet {name}"),
        };
        let detail = format!("spec.nets: {} cannot be read", bad.join(", "));
        // Calico leaves the address out of a GlobalNetworkSet, but its reader of NetworkSets does not expect one.
        doubt = namespace.is_some().then(|| format!("{object_name}: {detail}"));
        let place = Some(object.place.to_string());
        world.findings.push(Finding { code: SET_NET_UNREADABLE, object: object_name, place, detail });
    }
    let nets = object.spec.nets.iter().filter_map(|text| parse_net(text)).collect();
    let annotations = object.metadata.annotations.clone();
    let keeper = keeper(&object.metadata, "");
    NetworkSet { namespace, name, labels, annotations, nets, unseen_labels, doubt, keeper }
}
