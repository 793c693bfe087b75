//! The doors by which clients outside the cluster come to a target's pods, and what their packets look like there.
//! Never opens one.

use std::fmt;
use std::net::IpAddr;

use super::resolve::Resolved;
use super::{Note, PlanError, Risk, Weight};
use crate::model::intent::{GrantPort, Peer};
use crate::model::selector::Selector;
use crate::model::world::{Service, ServiceAddress, ServicePort, TargetPort, World};

/// A way in from outside that ends at the target's pods.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposure {
    /// Its Service, as `shop/web`.
    pub service: String,
    /// What clients connect to.
    pub door: Door,
    /// The client's address is kept: by externalTrafficPolicy: Local, or internalTrafficPolicy: Local of a cluster address.
    pub local: bool,
    /// The pods' ports behind it, where they are numbers.
    pub targets: Vec<u16>,
}

/// What clients connect to.
#[derive(Clone, Debug, PartialEq)]
pub enum Door {
    /// A port of every node.
    NodePort(u16),
    /// A load balancer's address.
    LoadBalancer(IpAddr),
    /// An address of spec.externalIPs.
    External(IpAddr),
    /// A cluster address that is advertised over BGP.
    Advertised(IpAddr),
}

impl Door {
    /// The subcommand that opens it.
    pub fn command(&self) -> &'static str {
        match self {
            Door::NodePort(_) => "expose-nodeport",
            Door::LoadBalancer(_) | Door::External(_) => "expose-lb",
            Door::Advertised(_) => "bgp-allow",
        }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Door::NodePort(port) => write!(out, "node port {port}"),
            Door::LoadBalancer(ip) => write!(out, "load balancer address {ip}"),
            Door::External(ip) => write!(out, "external address {ip}"),
            Door::Advertised(ip) => write!(out, "advertised cluster address {ip}"),
        }
    }
}

/// Every door that leads to the pods of a target.
pub fn of(world: &World, to: &Resolved) -> Vec<Exposure> {
    let Some(namespace) = to.namespace() else { return Vec::new() };
    let services = world.services.values().filter(|service| service.namespace == namespace);
    services.filter(|service| leads_to(world, service, to)).flat_map(|service| doors(world, service)).collect()
}

fn leads_to(world: &World, service: &Service, to: &Resolved) -> bool {
    let query = crate::model::world::LabelQuery { equal: service.selector.clone(), expressions: Vec::new() };
    let selector: Option<Selector> = super::candidates::selector_of(&query).filter(|_| !service.selector.is_empty());
    let own = to.service.as_ref().is_some_and(|key| *key == (service.namespace.clone(), service.name.clone()));
    let selects = |selector: Selector| {
        to.pods.iter().any(|index| selector.matches(&world.pods[*index].own_labels)) || selector.matches(&to.labels)
    };
    own || selector.is_some_and(selects)
}

fn doors(world: &World, service: &Service) -> Vec<Exposure> {
    let number = |port: &ServicePort| match &port.target {
        TargetPort::Number(number) => Some(*number),
        TargetPort::Name(_) => None,
    };
    let exposure = |door: Door, targets: Vec<u16>| Exposure {
        service: format!("{}/{}", service.namespace, service.name),
        // A cluster address is masqueraded whatever externalTrafficPolicy says.
        local: if matches!(door, Door::Advertised(_)) { service.internal_local } else { service.local },
        door,
        targets,
    };
    let all: Vec<u16> = service.ports.iter().filter_map(number).collect();
    let node_ports = service
        .ports
        .iter()
        .filter_map(|port| Some(exposure(Door::NodePort(port.node_port?), number(port).into_iter().collect())));
    let balancers = service.load_balancer_ips.iter().map(|ip| exposure(Door::LoadBalancer(*ip), all.clone()));
    let externals = service.external_ips.iter().map(|ip| exposure(Door::External(*ip), all.clone()));
    let advertised = |ip: &&IpAddr| world.network.advertises(ServiceAddress::Cluster, **ip).is_some();
    let cluster = service.cluster_ips.iter().filter(advertised);
    let cluster = cluster.map(|ip| exposure(Door::Advertised(*ip), all.clone()));
    node_ports.chain(balancers).chain(externals).chain(cluster).collect()
}

/// Whether a door leads to one of the ports; a named port may.
pub fn concerns(exposure: &Exposure, ports: Option<&[GrantPort]>) -> bool {
    let within =
        |target: &u16| ports.is_none_or(|ports| ports.iter().any(|port| (port.first..=port.last).contains(target)));
    exposure.targets.is_empty() || exposure.targets.iter().any(within)
}

/// The first door to one of the ports whose clients are masqueraded where they enter by another node than the pod's.
pub fn masquerading<'a>(exposed: &'a [Exposure], ports: Option<&[GrantPort]>) -> Option<&'a Exposure> {
    exposed.iter().find(|exposure| !exposure.local && concerns(exposure, ports))
}

/// Node addresses in a rule let in every client of a node port that is masqueraded: that has to be asked for.
pub fn refuse_node_addresses(
    from: &Resolved,
    exposed: &[Exposure],
    ports: Option<&[GrantPort]>,
    accepted: &[Risk],
) -> Result<(), PlanError> {
    if from.peer != Peer::Nodes || accepted.contains(&Risk::OpenToAllClientsOfNodes) {
        return Ok(());
    }
    let Some(door) = masquerading(exposed, ports) else { return Ok(()) };
    let reason = format!(
        "the nodes' addresses would let in every client of {} of {}: what enters by another node arrives with that node's address",
        door.door, door.service
    );
    let mut hints = vec![format!(
        "kubectl zerotrust {} {} --from CLIENT opens that door to clients of your choice, and closes it to others",
        door.door.command(),
        door.service
    )];
    if !matches!(door.door, Door::Advertised(_)) {
        hints
            .push(format!("externalTrafficPolicy: Local on Service {} keeps the clients' own addresses", door.service));
    }
    hints.push(format!("--accept-risk {} opens it all the same", Risk::OpenToAllClientsOfNodes));
    Err(PlanError::Refused { reason, hints })
}

/// What must be said about the doors to clients outside: which stay closed, and what would open them.
pub fn notes(
    world: &World,
    from: &Resolved,
    to: &Resolved,
    exposed: &[Exposure],
    ports: Option<&[GrantPort]>,
) -> Vec<Note> {
    if !matches!(from.peer, Peer::Nets(_) | Peer::World) || comes_from_inside(world, from) {
        return Vec::new();
    }
    if let (true, Some((namespace, name))) = (exposed.is_empty(), &to.service) {
        let text = format!(
            "no door leads clients outside to {namespace}/{name} yet: they reach its pods only where pods' own addresses \
             are routed. `kubectl zerotrust expose-nodeport {namespace}/{name} --from CLIENT` makes one"
        );
        return vec![Note { weight: Weight::Fact, text }];
    }
    let concerned = exposed.iter().filter(|exposure| concerns(exposure, ports));
    concerned.map(|exposure| door_note(world.network.felix.is_bpf(), exposure)).collect()
}

fn door_note(bpf: bool, exposure: &Exposure) -> Note {
    let Exposure { service, door, local, .. } = exposure;
    let keeps = match (local, bpf) {
        (true, _) if matches!(door, Door::Advertised(_)) => {
            "internalTrafficPolicy: Local keeps the client's address, so nodes with a pod of it let it through"
        }
        (true, _) => {
            "externalTrafficPolicy: Local keeps the client's address, so nodes with a pod of it let it through"
        }
        (false, true) => "the eBPF dataplane keeps the client's address, so policy lets it through",
        (false, false) => {
            let mut text = format!(
                "{door} of {service} stays closed where the client enters by another node than the pod's: there it \
                 arrives with that node's address. `kubectl zerotrust {} {service} --from CLIENT` opens it safely by every \
                 node",
                door.command()
            );
            if !matches!(door, Door::Advertised(_)) {
                text.push_str("; externalTrafficPolicy: Local on the Service would keep the client's own address");
            }
            return Note { weight: Weight::Warning, text };
        }
    };
    Note { weight: Weight::Fact, text: format!("{door} of {service}: {keeps}") }
}

/// Whether all addresses are those of nodes or of pods.
fn comes_from_inside(world: &World, from: &Resolved) -> bool {
    match &from.peer {
        Peer::Nets(nets) => nets.iter().all(|net| super::rules::is_inside(world, net.addr())),
        _ => false,
    }
}
