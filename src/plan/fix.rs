//! The one command that opens a flow that is stopped, tried before it is named; or what stands in the way of every command.
//! Never writes, and never names a command that was not tried.

pub mod doors;

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::candidates::{candidates, selector_of};
use super::expose::{self, expose};
use super::grant::Ask;
use super::obstacles::{MASQUERADED, obstacles};
use super::ports::{self, PortAsked, PortName, PortsAsked};
use super::question::{Asked, Ways, granted};
use super::resolve::{Resolved, resolve};
use super::simulate::simulate;
use super::target::{Target, TargetKind};
use super::{Plan, PlanError, exposure};
use crate::model::flow::{Checkpoint, HopAction, Packet, Path, Verdict};
use crate::model::intent::{Peer, Way};
use crate::model::world::{Service, ServicePort, Workload, World};

/// What would open a flow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remedy {
    /// The command that opens all of its paths.
    pub opening: Option<Opening>,
    /// What stands in the way, where nothing opens it safely.
    pub obstacles: Vec<String>,
}

/// A command that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// Which.
    pub command: Command,
    /// The id of the grant that it makes.
    pub grant: String,
    /// What it would write.
    pub plan: Plan,
}

/// The commands that open flows.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// `allow`: rules of pods' policies.
    Allow(Ask),
    /// `expose-nodeport`, `expose-lb` or `bgp-allow`: a door of a Service, with the perimeter that keeps others out.
    Expose(Box<expose::Ask>),
}

impl Command {
    /// Its name, with what stands without a flag.
    pub fn words(&self) -> String {
        match self {
            Command::Allow(_) => "allow".into(),
            Command::Expose(ask) => format!("{} {}", subcommand(ask.way), ask.service),
        }
    }

    /// Its flags, in pairs.
    pub fn flags(&self) -> Vec<(&'static str, String)> {
        let (mut flags, ports) = match self {
            Command::Allow(ask) => {
                (vec![("--from", ask.from.to_string()), ("--to", ask.to.to_string())], ask.ports.as_ref())
            }
            Command::Expose(ask) => {
                (ask.from.iter().map(|from| ("--from", from.to_string())).collect(), ask.ports.as_ref())
            }
        };
        flags.extend(ports.map(|ports| ("--port", ports::show(ports))));
        flags
    }
}

/// The command that exposes a Service by a kind of door.
pub fn subcommand(way: Way) -> &'static str {
    match way {
        Way::NodePort => "expose-nodeport",
        Way::LoadBalancer => "expose-lb",
        Way::Bgp => "bgp-allow",
    }
}

/// Looks for what opens a flow, and tries it: the plan of `allow`, or for a client at a door that of its exposure, is made
/// and simulated, and then every path must pass.
pub fn remedy(world: &World, asked: &Asked, ways: &Ways) -> Remedy {
    if let Some(packet) = ways.packets.iter().find(|packet| !packet.protocol.has_ports()) {
        let text = format!(
            "a grant is for ports of TCP, UDP or SCTP, so {} cannot be asked for on its own; --port any would open \
             everything",
            packet.protocol
        );
        return Remedy { opening: None, obstacles: vec![text] };
    }
    let ask = ask(world, asked, ways);
    match attempt(world, asked, ways, &ask) {
        Ok(opening) => Remedy { opening: Some(opening), obstacles: Vec::new() },
        Err(mut obstacles) => {
            match doors::exposure(world, asked, ways).map(|ask| exposed(world, asked, ways, ask)) {
                Some(Ok(opening)) => return Remedy { opening: Some(opening), obstacles: Vec::new() },
                Some(Err(why)) => obstacles.push(why),
                None => {}
            }
            obstacles.extend(with_local_policy(world, asked, ways, &ask, &obstacles));
            Remedy { opening: None, obstacles }
        }
    }
}

/// Plans, simulates and walks again; or what is still in the way.
fn attempt(world: &World, asked: &Asked, ways: &Ways, ask: &Ask) -> Result<Opening, Vec<String>> {
    let planned = refuse_open_doors(world, ask).and_then(|()| granted(world, ask));
    let (plan, after, grant) = match planned {
        Ok((plan, Some(grant))) => match simulate(world, &plan.steps) {
            Ok(after) => (plan, after, grant),
            Err(error) => return Err(vec![error.to_string()]),
        },
        Ok((_, None)) => return Err(or_else(obstacles(world, &ways.paths), "pods' own policies let it pass already")),
        Err(error) => return Err(or_else(obstacles(world, &ways.paths), &error.to_string())),
    };
    let paths = asked.walk(&after, &ways.packets);
    if paths.iter().all(|path| path.verdict == Verdict::Allow) {
        let plan = without_notes_on_doors(world, ask, plan);
        return Ok(Opening { command: Command::Allow(ask.clone()), grant, plan });
    }
    Err(or_else(obstacles(&after, &paths), "some paths stay closed"))
}

/// Plans the exposure, simulates it and walks again; or why that does not help.
fn exposed(world: &World, asked: &Asked, ways: &Ways, ask: expose::Ask) -> Result<Opening, String> {
    let name = subcommand(ask.way);
    let (plan, grant) = expose(world, &ask).map_err(|error| format!("{name} does not open it: {error}"))?;
    let after = simulate(world, &plan.steps).map_err(|error| error.to_string())?;
    match asked.walk(&after, &ways.packets).iter().all(|path| path.verdict == Verdict::Allow) {
        true => Ok(Opening { command: Command::Expose(Box::new(ask)), grant, plan }),
        false => Err(format!("{name} does not open every path of it")),
    }
}

/// What `allow` says of doors is about every way to the pods; here the ways that were asked for were walked.
fn without_notes_on_doors(world: &World, ask: &Ask, mut plan: Plan) -> Plan {
    if let (Ok(from), Ok(to)) = (resolve(world, &ask.from), resolve(world, &ask.to)) {
        let ports = ports::resolve(world, &to, ask.ports.as_ref()).ok().flatten();
        let notes = exposure::notes(world, &from, &to, &exposure::of(world, &to), ports.as_deref());
        plan.notes.retain(|note| !notes.contains(note));
    }
    plan
}

fn or_else(found: Vec<String>, reason: &str) -> Vec<String> {
    if found.is_empty() { vec![reason.to_string()] } else { found }
}

/// What `allow` is to be asked for: ends that last instead of addresses of pods, and the Service behind an address.
pub fn ask(world: &World, asked: &Asked, ways: &Ways) -> Ask {
    let (to, ports) = receiver(world, asked, ways);
    Ask { from: sender(world, asked, &ways.paths), to, ports, reason: None, accepted: Vec::new() }
}

/// The pod that has a source address; for processes of nodes, the addresses that pods see.
fn sender(world: &World, asked: &Asked, paths: &[Path]) -> Target {
    if let Some(pod) = single(&asked.from).and_then(|ip| pod_at(world, ip)) {
        return pod;
    }
    let of_nodes = asked.from != Target::Nodes
        && paths.iter().filter_map(|path| path.sent).all(|sent| world.node_at(sent.source).is_some());
    let seen: BTreeSet<IpNet> = paths
        .iter()
        .flat_map(|path| &path.hops)
        .filter(|hop| hop.checkpoint == Checkpoint::Ingress && hop.action == HopAction::Deny)
        .map(|hop| IpNet::from(hop.packet.source))
        .collect();
    match of_nodes && !seen.is_empty() {
        true => Target::Nets(seen.into_iter().collect()),
        false => qualified(world, &asked.from),
    }
}

/// What stands behind a destination address, with its own ports.
fn receiver(world: &World, asked: &Asked, ways: &Ways) -> (Target, Option<PortsAsked>) {
    let ports = asked_ports(world, asked, &ways.packets);
    match single(&asked.to) {
        Some(ip) => {
            if let Some(pod) = pod_at(world, ip) {
                return (pod, ports);
            }
        }
        None if asked.to == Target::Nodes => {}
        None => return (qualified(world, &asked.to), ports),
    }
    let found: Option<Vec<(&Service, &ServicePort)>> =
        ways.packets.iter().map(|packet| service_behind(world, packet)).collect();
    let Some([(service, _), ..]) = found.as_deref() else { return (asked.to.clone(), ports) };
    let found = found.as_deref().unwrap_or_default();
    if found.iter().any(|(other, _)| other.namespace != service.namespace || other.name != service.name) {
        return (asked.to.clone(), ports);
    }
    let name = Target::Named {
        namespace: Some(service.namespace.clone()),
        kind: Some(TargetKind::Service),
        name: service.name.clone(),
    };
    let mut asked: Vec<PortAsked> = Vec::new();
    for port in found.iter().map(|(_, port)| port_of(service, port)) {
        if !asked.contains(&port) {
            asked.push(port);
        }
    }
    (name, Some(PortsAsked::These(asked)))
}

/// The ports in `allow`'s words. A protocol that was named alone means the target's ports of it.
fn asked_ports(world: &World, asked: &Asked, packets: &[Packet]) -> Option<PortsAsked> {
    let Some(protocol) = asked.protocol.filter(|_| asked.ports.is_none()) else { return asked.ports.clone() };
    let service = resolve(world, &asked.to).ok().and_then(|to| to.service);
    if let Some(service) = service.and_then(|key| world.services.get(&key)) {
        let own = service.ports.iter().filter(|port| port.protocol == protocol);
        return Some(PortsAsked::These(own.map(|port| port_of(service, port)).collect()));
    }
    let numbers: BTreeSet<u16> = packets.iter().filter_map(|packet| packet.port).collect();
    let one = |number: u16| PortAsked { protocol: Some(protocol), port: PortName::Numbers(number, number) };
    Some(PortsAsked::These(numbers.into_iter().map(one).collect()))
}

/// A Service's port as `--port` takes it: with the protocol where the number alone would mean several.
pub fn port_of(service: &Service, port: &ServicePort) -> PortAsked {
    let alone = service.ports.iter().filter(|other| other.port == port.port).count() == 1;
    PortAsked { protocol: (!alone).then_some(port.protocol), port: PortName::Numbers(port.port, port.port) }
}

/// The Service that an address and port lead to: one of its own addresses, or a port of a node.
fn service_behind<'w>(world: &'w World, packet: &Packet) -> Option<(&'w Service, &'w ServicePort)> {
    let find = |service: &'w Service, number: &dyn Fn(&ServicePort) -> Option<u16>| {
        let fits = |port: &&ServicePort| port.protocol == packet.protocol && number(port) == packet.port;
        service.ports.iter().find(fits).map(|port| (service, port))
    };
    let own = world.services_at(packet.destination).find_map(|service| find(service, &|port| Some(port.port)));
    own.or_else(|| {
        packet.port?;
        world.node_at(packet.destination)?;
        world.services.values().find_map(|service| find(service, &|port| port.node_port))
    })
}

fn single(target: &Target) -> Option<IpAddr> {
    match target {
        Target::Nets(nets) => match nets.as_slice() {
            [net] if net.prefix_len() == net.max_prefix_len() => Some(net.addr()),
            _ => None,
        },
        _ => None,
    }
}

/// The pod that has an address, or the workload that makes such pods: its next pod has another address and another name.
fn pod_at(world: &World, ip: IpAddr) -> Option<Target> {
    let mut pods = world.pods_at(ip);
    let (pod, None) = (pods.next()?, pods.next()) else { return None };
    let makes = |workload: &&Workload| {
        let owner = pod.owner.as_ref().is_some_and(|(_, owner)| owner.starts_with(&workload.name));
        let selects = || selector_of(&workload.selector).is_some_and(|selector| selector.matches(&pod.own_labels));
        workload.namespace == pod.namespace && !workload.owned && owner && selects()
    };
    // The pods of a StatefulSet keep their names, and can be told apart.
    let kind = |workload: &Workload| TargetKind::parse(&workload.kind).filter(|kind| *kind != TargetKind::StatefulSet);
    let workload = world.workloads.iter().find(makes).and_then(|workload| Some((kind(workload)?, &workload.name)));
    let (kind, name) = workload.unwrap_or((TargetKind::Pod, &pod.name));
    Some(Target::Named { namespace: Some(pod.namespace.clone()), kind: Some(kind), name: name.clone() })
}

/// The same target with its namespace, so that it means the same wherever the command is given.
fn qualified(world: &World, target: &Target) -> Target {
    match target {
        Target::Named { namespace: None, kind, name } if *kind != Some(TargetKind::Namespace) => {
            let namespace = candidates(world, target).first().map(|found| found.namespace.clone());
            Target::Named { namespace, kind: *kind, name: name.clone() }
        }
        target => target.clone(),
    }
}

/// Addresses of nodes in a rule let in whoever comes to the pods under them: clients that a door masquerades, and pods that
/// go out to a door and are masqueraded on the way (natOutgoing). No command is named that would do that.
fn refuse_open_doors(world: &World, ask: &Ask) -> Result<(), PlanError> {
    let holds_nodes = match &ask.from {
        Target::Nodes => true,
        Target::Nets(nets) => {
            let held = |ip: IpAddr| nets.iter().any(|net| net.contains(&ip));
            world.nodes.values().flat_map(|node| node.all_addresses()).any(held)
        }
        Target::World | Target::Named { .. } => false,
    };
    if !holds_nodes {
        return Ok(());
    }
    let to = resolve(world, &ask.to)?;
    let ports = ports::resolve(world, &to, ask.ports.as_ref())?;
    let doors = exposure::of(world, &to);
    exposure::refuse_node_addresses(&Resolved { peer: Peer::Nodes, ..to.clone() }, &doors, ports.as_deref(), &[])?;
    let nat_outgoing = world.pools.iter().any(|pool| pool.nat_outgoing);
    match doors.iter().find(|door| nat_outgoing && exposure::concerns(door, ports.as_deref())) {
        None => Ok(()),
        Some(door) => Err(PlanError::Refused {
            reason: format!(
                "pods see a node's address, and a rule for it would also let in the pods of that node: by {} of {} they \
                 come with its address (natOutgoing)",
                door.door, door.service
            ),
            hints: Vec::new(),
        }),
    }
}

/// Whether the client's own address, kept by externalTrafficPolicy: Local, would make the difference; tried as well.
fn with_local_policy(world: &World, asked: &Asked, ways: &Ways, ask: &Ask, found: &[String]) -> Option<String> {
    if !found.iter().any(|text| text.contains(MASQUERADED)) {
        return None;
    }
    let key = match &ask.to {
        Target::Named { namespace: Some(namespace), kind: Some(TargetKind::Service), name } => {
            (namespace.clone(), name.clone())
        }
        _ => return None,
    };
    let mut local = world.clone();
    local.services.get_mut(&key).filter(|service| !service.local)?.local = true;
    let (plan, _) = granted(&local, ask).ok()?;
    let after = simulate(&local, &plan.steps).ok()?;
    let (namespace, name) = key;
    // An address that nobody serves any more is Unknown there; what counts is that nothing is stopped.
    let paths = asked.walk(&after, &ways.packets);
    let opens = paths.iter().any(|path| path.verdict == Verdict::Allow)
        && paths.iter().all(|path| path.verdict != Verdict::Deny);
    opens.then(|| {
        format!(
            "with externalTrafficPolicy: Local on Service {namespace}/{name}, nodes with a ready backend keep the client's \
             address (others do not answer), and `allow` opens it"
        )
    })
}

#[cfg(test)]
mod tests;
