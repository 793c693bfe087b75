//! Steps on what is no policy: host endpoints, global network sets, Services.
//! Never reads a policy.

use serde_json::{Value, json};

use super::super::edit::{Edit, EditError, apply_all};
use super::super::{PlanError, Step};
use crate::kubernetes::names::Kind;
use crate::model::net::parse_net;
use crate::model::validate::validate;
use crate::model::world::{
    Advertised, BgpPeer, Fact, HostEndpoint, Labels, NetworkSet, PeerNodes, Service, ServiceAddress, World,
};

/// Makes the step's change in the world.
pub fn put(world: &mut World, step: &Step) -> Result<(), PlanError> {
    match step.object.kind {
        Kind::HostEndpoint => host_endpoint(world, step)?,
        Kind::GlobalNetworkSet => network_set(world, step)?,
        Kind::Service => service(world, step)?,
        Kind::BGPConfiguration => advertised(world, step),
        Kind::BGPPeer => peer(world, step),
        _ => return Ok(()),
    }
    world.index();
    Ok(())
}

fn refused(step: &Step, reason: impl std::fmt::Display) -> PlanError {
    PlanError::Refused { reason: format!("{}: {reason}", step.object), hints: Vec::new() }
}

/// The document after the step; it must be one that Calico takes.
fn edited(world: &World, step: &Step, before: Option<&Value>) -> Result<Option<Value>, PlanError> {
    let after = apply_all(&step.edits, before).map_err(|error: EditError| refused(step, error))?;
    let there = before.map(|value| validate(value, world.calico)).unwrap_or_default();
    let found = after.as_ref().map(|value| validate(value, world.calico)).unwrap_or_default();
    match found.into_iter().find(|violation| !there.contains(violation)) {
        Some(violation) => Err(refused(step, violation)),
        None => Ok(after),
    }
}

fn labels(value: &Value, field: &str) -> Labels {
    serde_json::from_value(value["metadata"][field].clone()).unwrap_or_default()
}

fn texts<'v>(spec: &'v Value, field: &str) -> impl Iterator<Item = &'v str> {
    spec[field].as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn host_endpoint(world: &mut World, step: &Step) -> Result<(), PlanError> {
    let name = &step.object.name;
    let index = world.host_endpoints.iter().position(|endpoint| endpoint.name == *name);
    let before = index.map(|index| {
        let endpoint = &world.host_endpoints[index];
        let mut spec = json!({"node": endpoint.node, "expectedIPs": endpoint.addresses, "profiles": endpoint.profiles});
        if let Some(interface) = &endpoint.interface {
            spec["interfaceName"] = json!(interface);
        }
        json!({"apiVersion": "projectcalico.org/v3", "kind": "HostEndpoint",
               "metadata": {"name": name, "labels": endpoint.labels, "annotations": endpoint.annotations}, "spec": spec})
    });
    let after = edited(world, step, before.as_ref())?;
    let old = index.map(|index| world.host_endpoints.remove(index)).unwrap_or_default();
    if let Some(value) = after {
        let spec = &value["spec"];
        world.host_endpoints.push(HostEndpoint {
            name: name.clone(),
            labels: labels(&value, "labels"),
            annotations: labels(&value, "annotations"),
            node: spec["node"].as_str().unwrap_or_default().to_string(),
            interface: spec["interfaceName"].as_str().filter(|name| !name.is_empty()).map(str::to_string),
            addresses: texts(spec, "expectedIPs").filter_map(|text| text.parse().ok()).collect(),
            profiles: texts(spec, "profiles").map(str::to_string).collect(),
            ports: old.ports,
            automatic: old.automatic,
        });
    }
    Ok(())
}

fn network_set(world: &mut World, step: &Step) -> Result<(), PlanError> {
    let name = &step.object.name;
    let is_it = |set: &NetworkSet| set.namespace.is_none() && set.name == *name;
    let index = world.network_sets.iter().position(is_it);
    let before = index.map(|index| {
        let NetworkSet { labels, annotations, nets, .. } = &world.network_sets[index];
        json!({"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkSet",
               "metadata": {"name": name, "labels": labels, "annotations": annotations}, "spec": {"nets": nets}})
    });
    let after = edited(world, step, before.as_ref())?;
    if let Some(index) = index {
        world.network_sets.remove(index);
    }
    if let Some(value) = after {
        world.network_sets.push(NetworkSet {
            name: name.clone(),
            labels: labels(&value, "labels"),
            annotations: labels(&value, "annotations"),
            nets: texts(&value["spec"], "nets").filter_map(parse_net).collect(),
            ..NetworkSet::default()
        });
    }
    Ok(())
}

/// Of a Service only its type and its ports on the nodes are ever changed.
fn service(world: &mut World, step: &Step) -> Result<(), PlanError> {
    let key = (step.object.namespace.clone().unwrap_or_default(), step.object.name.clone());
    let Some(service) = world.services.get_mut(&key) else { return Err(refused(step, EditError::Missing)) };
    for edit in &step.edits {
        let Edit::ServiceType { kind, address, .. } = edit else { continue };
        let after = edit.apply(Some(&document(service))).map_err(|error| refused(step, error))?;
        let spec = after.unwrap_or_default()["spec"].take();
        for (index, port) in service.ports.iter_mut().enumerate() {
            port.node_port = spec["ports"][index]["nodePort"].as_u64().and_then(|number| u16::try_from(number).ok());
        }
        service.kind.clone_from(kind);
        if kind != "LoadBalancer" {
            service.load_balancer_ips.clear();
            service.source_ranges.clear();
        } else if let Some(address) = address.as_ref().and_then(|address| address.parse().ok())
            && service.load_balancer_ips.is_empty()
        {
            service.load_balancer_ips.push(address);
        }
        service.local &= kind != "ClusterIP";
    }
    Ok(())
}

/// Of a BGPConfiguration only what it advertises of Services is ever changed.
fn advertised(world: &mut World, step: &Step) {
    for edit in &step.edits {
        let Edit::Advertise { list, cidr, on } = edit else { continue };
        let of = match list.as_str() {
            "serviceClusterIPs" => ServiceAddress::Cluster,
            "serviceExternalIPs" => ServiceAddress::External,
            _ => ServiceAddress::LoadBalancer,
        };
        let Some(net) = parse_net(cidr) else { continue };
        // What is not known stays so.
        let Fact::Known { value: ranges, .. } = &mut world.network.advertised else { continue };
        ranges.retain(|there| there.of != of || there.net != net);
        if *on {
            ranges.push(Advertised { net, of, evidence: "this plan".into() });
        }
    }
}

/// A router that every node peers with; it decides by which nodes advertised addresses are reached.
fn peer(world: &mut World, step: &Step) {
    for edit in &step.edits {
        let (Edit::Create(document), Fact::Known { value: peers, .. }) = (edit, &mut world.network.bgp_peers) else {
            continue;
        };
        let address = document["spec"]["peerIP"].as_str().unwrap_or_default().to_string();
        peers.push(BgpPeer { name: step.object.name.clone(), address, nodes: PeerNodes::All });
    }
}

fn document(service: &Service) -> Value {
    let port = |port: &crate::model::world::ServicePort| match port.node_port {
        Some(number) => json!({"port": port.port, "protocol": port.protocol.to_string(), "nodePort": number}),
        None => json!({"port": port.port, "protocol": port.protocol.to_string()}),
    };
    let ports: Vec<Value> = service.ports.iter().map(port).collect();
    json!({"spec": {"type": service.kind, "ports": ports}})
}
