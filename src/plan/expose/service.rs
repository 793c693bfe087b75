//! The Service of an exposure: the type that has the door, and numbers for its ports that are free on every node.
//! Never knows policy.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::super::edit::{Edit, NodePort};
use super::super::perimeter::closing::node_port_range;
use super::super::{PlanError, Step};
use crate::kubernetes::ObjectRef;
use crate::kubernetes::names::Kind;
use crate::model::intent::Way;
use crate::model::world::{Hidden, Part, Service, ServicePort, World};

/// The door that a Service should have.
pub struct Wanted<'a> {
    /// What kind.
    pub way: Way,
    /// For which of its ports.
    pub ports: &'a [&'a ServicePort],
    /// The number on the nodes.
    pub node_port: Option<u16>,
    /// The address that the load balancer is asked for.
    pub address: Option<IpAddr>,
}

/// How the Service gets its door; none if it has it.
pub fn step(world: &World, service: &Service, wanted: &Wanted<'_>) -> Result<Option<Step>, PlanError> {
    let name = format!("{}/{}", service.namespace, service.name);
    refuse_what_has_no_door(service, &name)?;
    let kind = match (wanted.way, service.kind.as_str()) {
        (Way::NodePort, kind @ ("NodePort" | "LoadBalancer")) => kind,
        (Way::NodePort, _) => "NodePort",
        (Way::LoadBalancer, _) => "LoadBalancer",
        (Way::Bgp, _) => return Ok(None),
    };
    if let Some(number) = wanted.node_port {
        check_number(world, service, wanted.ports, number)?;
    }
    let node_ports = node_ports(world, service, wanted, &name)?;
    let address = asked_for(world, service, wanted.address)?;
    if kind == service.kind && node_ports.is_empty() && address.is_none() {
        return Ok(None);
    }
    let numbers: Vec<String> = node_ports.iter().map(|port| port.node_port.to_string()).collect();
    let mut whys = vec![match (kind != service.kind, numbers.is_empty()) {
        (true, true) => format!("it becomes {kind}"),
        (true, false) => format!("it becomes {kind}, with node port {}", numbers.join(", ")),
        (false, true) => String::new(),
        (false, false) => format!("it gets node port {}", numbers.join(", ")),
    }];
    whys.extend(address.iter().map(|address| format!("the load balancer is asked for {address}")));
    whys.retain(|why| !why.is_empty());
    let edit = Edit::ServiceType { expected: service.kind.clone(), kind: kind.into(), node_ports, address };
    Ok(Some(Step { object: object(service), planned_on: None, edits: vec![edit], why: whys.join(", ") }))
}

/// Numbers for the ports that have none; a Service of these types has one for each port.
fn node_ports(world: &World, service: &Service, wanted: &Wanted<'_>, name: &str) -> Result<Vec<NodePort>, PlanError> {
    let mut taken: BTreeSet<u16> = numbers(world).collect();
    let mut found = Vec::new();
    // A load balancer's Service that has none was made so (allocateLoadBalancerNodePorts: false).
    let has_balancer = wanted.way == Way::LoadBalancer && service.kind == "LoadBalancer";
    for port in service.ports.iter().filter(|port| port.node_port.is_none() && !has_balancer) {
        let number = match wanted.node_port.filter(|_| wanted.ports.contains(&port)) {
            Some(number) => number,
            None => free(world, &taken, name)?,
        };
        taken.insert(number);
        found.push(NodePort { protocol: port.protocol.to_string(), port: port.port, node_port: number });
    }
    Ok(found)
}

/// The address to ask for, if the Service does not have it.
fn asked_for(world: &World, service: &Service, wanted: Option<IpAddr>) -> Result<Option<String>, PlanError> {
    let Some(wanted) = wanted.filter(|ip| !service.load_balancer_ips.contains(ip)) else { return Ok(None) };
    // Load balancers give one address to several Services only where their ports differ (MetalLB, IP address sharing).
    let same = |one: &ServicePort, other: &ServicePort| one.protocol == other.protocol && one.port == other.port;
    let holds = |other: &&Service| {
        (other.load_balancer_ips.contains(&wanted) || other.external_ips.contains(&wanted))
            && (&other.namespace, &other.name) != (&service.namespace, &service.name)
            && other.ports.iter().any(|theirs| service.ports.iter().any(|own| same(own, theirs)))
    };
    if let Some(other) = world.services.values().find(holds) {
        return Err(PlanError::Refused {
            reason: format!("{wanted} leads to Service {}/{} on the same port", other.namespace, other.name),
            hints: vec!["ask for another address, or leave --address out".into()],
        });
    }
    match service.load_balancer_ips.first() {
        Some(has) => Err(PlanError::Refused {
            reason: format!("Service {}/{} has {has} from its load balancer", service.namespace, service.name),
            hints: vec!["leave out --address".into()],
        }),
        None => Ok(Some(wanted.to_string())),
    }
}

/// Gives a Service the type back that it had before its grants, or that those that are left need.
pub fn step_back(service: &Service, was: &str) -> Step {
    let edit =
        Edit::ServiceType { expected: service.kind.clone(), kind: was.into(), node_ports: Vec::new(), address: None };
    let why = format!("it needs to be {was} and no more, as before the grant");
    Step { object: object(service), planned_on: None, edits: vec![edit], why }
}

fn object(service: &Service) -> ObjectRef {
    ObjectRef { kind: Kind::Service, namespace: Some(service.namespace.clone()), name: service.name.clone() }
}

fn refuse_what_has_no_door(service: &Service, name: &str) -> Result<(), PlanError> {
    let reason = match service.kind.as_str() {
        "ExternalName" => format!("Service {name} is of type ExternalName: it leads to no pods"),
        _ if service.cluster_ips.is_empty() => {
            format!("Service {name} is headless (clusterIP None), and Kubernetes gives such a Service no other door")
        }
        _ if service.ports.is_empty() => format!("Service {name} has no ports"),
        _ => return Ok(()),
    };
    Err(PlanError::Refused { reason, hints: vec!["make a Service of type ClusterIP for the same pods".into()] })
}

/// Every number that a Service has on the nodes.
fn numbers(world: &World) -> impl Iterator<Item = u16> + '_ {
    world.services.values().flat_map(|service| &service.ports).filter_map(|port| port.node_port)
}

/// A number for one port of the Service: what it has, or one that nobody has.
fn check_number(world: &World, service: &Service, asked: &[&ServicePort], wanted: u16) -> Result<(), PlanError> {
    let usage = |reason: String, hint: &str| Err(PlanError::Usage { reason, hints: vec![hint.into()] });
    let [port] = asked else {
        let reason = format!("--node-port is for one port, and {} are exposed", asked.len());
        return usage(reason, "name the port with --port");
    };
    if let Some(has) = port.node_port.filter(|has| *has != wanted) {
        let reason = format!("port {} of Service {} has node port {has} already", port.port, service.name);
        return usage(reason, "leave out --node-port");
    }
    let (first, last) = node_port_range(world);
    if port.node_port.is_none() && !(first..=last).contains(&wanted) {
        let reason = format!("{wanted} is outside of the range of node ports ({first}-{last})");
        return usage(reason, "leave out --node-port: a free one is chosen");
    }
    let holder = world.services.values().find(|other| {
        let own = other.namespace == service.namespace && other.name == service.name;
        other.ports.iter().any(|of| of.node_port == Some(wanted) && !(own && of.port == port.port))
    });
    match holder {
        Some(other) => {
            let reason = format!("node port {wanted} is taken by Service {}/{}", other.namespace, other.name);
            Err(PlanError::Refused { reason, hints: vec!["leave out --node-port: a free one is chosen".into()] })
        }
        None => Ok(()),
    }
}

/// The first number that nobody has. Kubernetes gives numbers that nobody asked for from the upper part of the range
/// first (KEP-3682), so the lower part is the one to take.
fn free(world: &World, taken: &BTreeSet<u16>, name: &str) -> Result<u16, PlanError> {
    if !world.sees(Part::Services, None) || world.gap(Hidden::Services, None).is_some() {
        return Err(PlanError::Unknown {
            reason: format!("not all Services could be read, so which node port is free for {name} is not known"),
            hints: vec!["--node-port N says which".into(), "or permission to list services".into()],
        });
    }
    let (first, last) = node_port_range(world);
    (first..=last).find(|number| !taken.contains(number)).ok_or_else(|| PlanError::Refused {
        reason: "every node port is taken".into(),
        hints: vec!["free one, or widen kube-apiserver's --service-node-port-range".into()],
    })
}
