//! The exposure that a flow asks for, where it is one from addresses outside to a door of a Service.
//! Never plans it.

use super::{port_of, service_behind};
use crate::model::flow::Packet;
use crate::model::intent::Way;
use crate::model::world::{Service, ServiceAddress, ServicePort, World};
use crate::plan::expose::Ask;
use crate::plan::perimeter::Shape;
use crate::plan::ports::{PortAsked, PortsAsked};
use crate::plan::question::{Asked, Ways};
use crate::plan::rules::is_inside;
use crate::plan::target::{Target, TargetKind};

/// What `expose-nodeport`, `expose-lb` or `bgp-allow` is to be asked for, if the flow goes through a door of one Service.
pub fn exposure(world: &World, asked: &Asked, ways: &Ways) -> Option<Ask> {
    let Target::Nets(nets) = &asked.from else { return None };
    if nets.iter().any(|net| is_inside(world, net.addr())) {
        return None;
    }
    let found: Option<Vec<Door<'_>>> = ways.packets.iter().map(|packet| door(world, packet)).collect();
    let found = found?;
    let (service, _, way) = found.first()?;
    let same = |door: &Door<'_>| door.0.namespace == service.namespace && door.0.name == service.name && door.2 == *way;
    if !found.iter().all(same) {
        return None;
    }
    let mut ports: Vec<PortAsked> = Vec::new();
    for port in found.iter().map(|(service, port, _)| port_of(service, port)) {
        if !ports.contains(&port) {
            ports.push(port);
        }
    }
    Some(asking(service, *way, asked.from.clone(), ports))
}

/// An exposure of a Service's ports to some addresses, and nothing else said.
pub fn asking(service: &Service, way: Way, from: Target, ports: Vec<PortAsked>) -> Ask {
    let target = Target::Named {
        namespace: Some(service.namespace.clone()),
        kind: Some(TargetKind::Service),
        name: service.name.clone(),
    };
    Ask {
        service: target,
        way,
        from: vec![from],
        ports: Some(PortsAsked::These(ports)),
        node_port: None,
        address: None,
        advertise: None,
        peer: None,
        nodes: None,
        shape: Shape::default(),
        reason: None,
        accepted: Vec::new(),
    }
}

type Door<'w> = (&'w Service, &'w ServicePort, Way);

/// The door that a packet from outside comes to: a port of a node, a load balancer's address, or an advertised one.
pub fn door<'w>(world: &'w World, packet: &Packet) -> Option<Door<'w>> {
    let (service, port) = service_behind(world, packet)?;
    let ip = packet.destination;
    let way = if service.load_balancer_ips.contains(&ip) {
        Way::LoadBalancer
    } else if service.cluster_ips.contains(&ip) {
        world.network.advertises(ServiceAddress::Cluster, ip)?;
        Way::Bgp
    } else if service.external_ips.contains(&ip) {
        world.network.advertises(ServiceAddress::External, ip)?;
        Way::Bgp
    } else {
        Way::NodePort
    };
    Some((service, port, way))
}
