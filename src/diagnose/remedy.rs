//! The one command that lets a logged packet pass, never wider than the line, tried on the world before it is named.
//! Never writes, and never knows how the packet was found.

use std::net::IpAddr;

use super::atlas::Ends;
use super::cause::{Cause, Fate};
use super::ends::{End, EndKind};
use super::line::{Logged, Part};
use super::sight::{Sight, Station, packet, stations};
use crate::evaluate::logs::{Endpoint, ask};
use crate::evaluate::path::{Question, walk};
use crate::model::flow::{Checkpoint, Hop, HopAction, Packet, Verdict};
use crate::model::intent::{Peer, Way};
use crate::model::selector::Selector;
use crate::model::world::{Hidden, Part as WorldPart, Pod, Service, ServiceAddress, World};
use crate::plan::candidates::selector_of;
use crate::plan::expose::expose;
use crate::plan::fix::doors::{asking, door};
use crate::plan::fix::{port_of, subcommand};
use crate::plan::grant::Ask;
use crate::plan::ports;
use crate::plan::question::granted;
use crate::plan::resolve::resolve;
use crate::plan::simulate::simulate;
use crate::plan::target::{Target, TargetKind};

/// What the command takes to let the packet pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// `--from`.
    pub from: String,
    /// `--to`.
    pub to: String,
    /// `--port`.
    pub port: String,
    /// Through which door of the Service `to`, for a client outside; none for `allow`.
    pub way: Option<Way>,
}

/// The command for a packet, or why there is none.
pub fn remedy(
    world: &World,
    logged: &Logged,
    ends: &Ends,
    node: Option<&str>,
    sight: &Sight,
    fate: &Fate,
) -> Result<Opening, String> {
    if fate.cause != Some(Cause::Policy) {
        return Err(match fate.cause {
            None => "nothing is known to stop it today".into(),
            Some(Cause::Unknown) => "why it does not arrive is not known".into(),
            Some(_) => "no policy stops it".into(),
        });
    }
    let packet = packet(logged).ok_or("the line does not tell the packet's protocol")?;
    let port = port(logged, &packet)?;
    if let Some(opening) = by_exposure(world, ends, node, sight, &packet) {
        return opening;
    }
    refuse_what_is_no_pods_policy(ends, sight)?;
    let (from, to) = (target(world, &ends.source)?, target(world, &ends.destination)?);
    if ends.source.is_shared() {
        refuse_shared(world, ends)?;
    }
    let mut refusal = None;
    for (from, to) in from.iter().flat_map(|from| to.iter().map(move |to| (from.clone(), to.clone()))) {
        let opening = Opening { from, to, port: port.clone(), way: None };
        match tried(world, logged, ends, node, &packet, &opening) {
            Ok(()) => return Ok(opening),
            Err(why) => refusal = refusal.or(Some(why)),
        }
    }
    Err(refusal.unwrap_or_else(|| "its ends have no names".into()))
}

/// A client outside that a node's policy stops at a door of a Service: exposing the Service to it opens the door and the
/// pods, and keeps others out. None where it is no such packet.
fn by_exposure(
    world: &World,
    ends: &Ends,
    node: Option<&str>,
    sight: &Sight,
    packet: &Packet,
) -> Option<Result<Opening, String>> {
    let at_node = matches!(sight.checkpoint, Some(Checkpoint::PreDnat | Checkpoint::ForwardIngress));
    let outside = matches!(ends.source.kind, EndKind::Unknown | EndKind::NetworkSet) && ends.source.why.is_none();
    let (service, port, way) = door(world, packet).filter(|_| at_node && outside)?;
    let from = Target::Nets(vec![ends.source.address.into()]);
    let asked = asking(service, way, from.clone(), vec![port_of(service, port)]);
    let command = subcommand(way);
    let opened = expose(world, &asked).and_then(|(plan, _)| simulate(world, &plan.steps));
    Some(match opened {
        Err(error) => Err(format!("`{command}` does not open it: {error}")),
        Ok(after) => {
            let paths = walk(&after, &Question { packet: *packet, entry: node.map(str::to_string) });
            match paths.iter().all(|path| path.verdict == Verdict::Allow) {
                true => Ok(Opening {
                    from: from.to_string(),
                    to: asked.service.to_string(),
                    port: asked.ports.as_ref().map(ports::show).unwrap_or_default(),
                    way: Some(way),
                }),
                false => Err(format!("`{command}` does not open every path of it")),
            }
        }
    })
}

/// As `tcp/80`. What has no port cannot be told apart by `allow`, which would open more.
fn port(logged: &Logged, packet: &Packet) -> Result<String, String> {
    let protocol = packet.protocol;
    match logged.part {
        Part::Later => {
            return Err(
                "it does not open a connection: it is a later packet of one that the kernel does not know (any \
                        more), and a rule for it would open something else"
                    .into(),
            );
        }
        Part::Error => return Err("it is an ICMP error about another packet, which passes with that one".into()),
        Part::Fragment => return Err("it is a fragment, and the port stands in the first one".into()),
        Part::Opening => {}
    }
    if !protocol.has_ports() {
        return Err(format!("`allow` opens ports of TCP, UDP and SCTP, and `--port any` is more than {protocol}"));
    }
    match packet.port {
        Some(port) if port > 0 => Ok(format!("{}/{port}", protocol.to_string().to_ascii_lowercase())),
        _ => Err("the line does not say which port, and `--port any` is more than that one".into()),
    }
}

/// `allow` opens pods' own policy, at both ends; a node's policy stays as its owner wrote it.
fn refuse_what_is_no_pods_policy(ends: &Ends, sight: &Sight) -> Result<(), String> {
    let at_pod = matches!(sight.checkpoint, Some(Checkpoint::Ingress | Checkpoint::Egress));
    if at_pod {
        return Ok(());
    }
    let endpoint = sight.endpoint.as_ref().map(|endpoint| format!(" of HostEndpoint {endpoint}")).unwrap_or_default();
    let checkpoint = sight.checkpoint.map(|checkpoint| checkpoint.to_string()).unwrap_or_default();
    let policy = match (sight.policy(), &sight.by) {
        (Some(policy), _) => format!("; {policy} would have to let {} in", ends.source.address),
        (None, _) => String::new(),
    };
    Err(format!("it is stopped at {checkpoint}{endpoint}, and `allow` opens pods' policy only{policy}"))
}

/// What `allow` can be asked for, the narrowest that lasts first.
fn target(world: &World, end: &End) -> Result<Vec<String>, String> {
    let address = vec![end.address.to_string()];
    match (end.kind, end.pod) {
        (EndKind::Pod, Some(index)) => Ok(of_pod(world, &world.pods[index])),
        (EndKind::Unknown, _) => end.why.clone().map_or(Ok(address), Err),
        (EndKind::Node | EndKind::Tunnel | EndKind::NetworkSet, _) => Ok(address),
        _ => Err(format!("{} is a Service's address, which policy of pods never sees", end.address)),
    }
}

/// A pod of a controller gets another name with each restart: what selects exactly its siblings is named instead.
fn of_pod(world: &World, pod: &Pod) -> Vec<String> {
    let by_name = format!("{}/{}/{}", pod.namespace, TargetKind::Pod, pod.name);
    let mut names = Vec::new();
    let resolved = Target::parse(&by_name, None).and_then(|target| resolve(world, &target));
    if let Ok(Peer::Pods { namespace, selector, .. }) = resolved.map(|resolved| resolved.peer)
        && pod.owner.is_some()
    {
        let same = |own: Option<Selector>| own.is_some_and(|own| own.to_string() == selector);
        let workloads = world.workloads.iter().filter(|workload| workload.namespace == namespace && !workload.owned);
        for workload in workloads.filter(|workload| same(selector_of(&workload.selector))) {
            if let Some(kind) = TargetKind::parse(&workload.kind) {
                names.push(format!("{namespace}/{kind}/{}", workload.name));
            }
        }
    }
    if let Some((kind, owner)) = &pod.owner
        && TargetKind::parse(kind) == Some(TargetKind::Job)
    {
        names.push(format!("{}/{}/{owner}", pod.namespace, TargetKind::Job));
    }
    names.push(by_name);
    names
}

/// A node's address in a rule lets in whatever comes with it. That is safe where no client outside can come with it: there is
/// no door to these pods, or every door is closed to strangers before.
fn refuse_shared(world: &World, ends: &Ends) -> Result<(), String> {
    let Some(pod) = ends.destination.pod.map(|index| &world.pods[index]) else { return Ok(()) };
    if world.gap(Hidden::Services, None).is_some() || !world.sees(WorldPart::Services, None) {
        return Err("not all Services could be read, and clients of one may come with this address".into());
    }
    let services = world.services.values().filter(|service| leads_to(service, pod));
    // Rules with an IPv4 address say nothing of IPv6.
    let same_family = |door: &Packet| door.destination.is_ipv4() == ends.source.address.is_ipv4();
    for (service, door) in
        services.flat_map(|service| doors(world, service).into_iter().map(move |door| (service, door)))
    {
        if same_family(&door) && is_open(world, &door) {
            return Err(format!(
                "{} port {} of Service {}/{} is open to strangers, and those who enter there come with this address too: \
                 a rule for it would let all of them in. `kubectl zerotrust {} {}/{} --from CLIENT` lets in one client that \
                 is known, and keeps the others out; externalTrafficPolicy: Local on the Service keeps the clients' own \
                 addresses",
                door.destination,
                door.port.unwrap_or_default(),
                service.namespace,
                service.name,
                subcommand(crate::plan::fix::doors::door(world, &door).map_or(Way::NodePort, |(_, _, way)| way)),
                service.namespace,
                service.name
            ));
        }
    }
    Ok(())
}

fn leads_to(service: &Service, pod: &Pod) -> bool {
    let labels = || service.selector.iter().all(|(key, value)| pod.own_labels.get(key) == Some(value));
    let backends = service.backends.value().into_iter().flatten();
    service.namespace == pod.namespace
        && (!service.selector.is_empty() && labels()
            || backends.into_iter().any(|backend| pod.addresses.contains(&backend.ip)))
}

/// A stranger's packets to every door of a Service. With externalTrafficPolicy: Local strangers keep their own addresses.
fn doors(world: &World, service: &Service) -> Vec<Packet> {
    if service.local {
        return Vec::new();
    }
    let mut packets = Vec::new();
    for port in &service.ports {
        let mut add = |destination: IpAddr, number: u16| {
            // Documentation addresses (RFC 5737, RFC 3849): no rule of anybody's is about them.
            let stranger = if destination.is_ipv4() { "203.0.113.9" } else { "2001:db8::9" };
            if let Ok(source) = stranger.parse() {
                let (protocol, port) = (port.protocol, Some(number));
                packets.push(Packet { source, destination, protocol, port, source_port: None, icmp: None });
            }
        };
        if let Some(number) = port.node_port {
            world.nodes.values().flat_map(|node| node.all_addresses()).for_each(|ip| add(ip, number));
        }
        let advertised = |ip: &&IpAddr| world.network.advertises(ServiceAddress::Cluster, **ip).is_some();
        let cluster = service.cluster_ips.iter().filter(advertised);
        let outside = service.load_balancer_ips.iter().chain(&service.external_ips);
        outside.chain(cluster).for_each(|ip| add(*ip, port.port));
    }
    packets
}

/// Whether a stranger may pass what a node asks before it chooses a backend, at any node.
fn is_open(world: &World, packet: &Packet) -> bool {
    let before =
        |hop: &&Hop| matches!(hop.checkpoint, Checkpoint::Untracked | Checkpoint::PreDnat | Checkpoint::ForwardIngress);
    let entries = world.nodes.keys().filter(|node| {
        // A node's own address is reached at that node.
        world.node_at(packet.destination).is_none_or(|owner| owner.name == **node)
    });
    entries.into_iter().any(|node| {
        let paths = walk(world, &Question { packet: *packet, entry: Some(node.clone()) });
        paths.iter().any(|path| !path.hops.iter().filter(before).any(|hop| hop.action == HopAction::Deny))
    })
}

/// Plans the command, and asks every checkpoint of the line again in the world that it makes.
fn tried(
    world: &World,
    logged: &Logged,
    ends: &Ends,
    node: Option<&str>,
    packet: &Packet,
    opening: &Opening,
) -> Result<(), String> {
    let said = |error: crate::plan::PlanError| error.to_string();
    let ask_for = Ask {
        from: Target::parse(&opening.from, None).map_err(said)?,
        to: Target::parse(&opening.to, None).map_err(said)?,
        ports: ports::parse(&[&opening.port]).map_err(said)?,
        reason: None,
        accepted: Vec::new(),
    };
    let (plan, _) = granted(world, &ask_for).map_err(said)?;
    let after = simulate(world, &plan.steps).map_err(said)?;
    for Station { checkpoint, endpoint } in stations(world, logged, ends, node.unwrap_or_default())? {
        let judgement = ask(&after, checkpoint, endpoint, packet).judgement;
        if judgement.action == HopAction::Deny {
            return Err(match endpoint {
                Endpoint::Host(host) => {
                    format!(
                        "policy of HostEndpoint {} stops it too, at {checkpoint}, which `allow` does not open",
                        host.name
                    )
                }
                Endpoint::Pod(pod) => format!("no rule of ours would open {checkpoint} of {}", pod.full_name()),
            });
        }
    }
    if ends.source.kind == EndKind::Pod {
        let paths = walk(&after, &Question { packet: *packet, entry: None });
        let stopped = paths.iter().flat_map(|path| &path.hops).find(|hop| hop.action == HopAction::Deny);
        if let Some(hop) = stopped {
            let endpoint = hop.endpoint.as_ref().map(|endpoint| format!(" of {endpoint}")).unwrap_or_default();
            return Err(format!(
                "it would still be stopped at {}{endpoint}, which `allow` does not open",
                hop.checkpoint
            ));
        }
    }
    Ok(())
}
