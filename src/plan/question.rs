//! From what `explain` is asked to the packets whose ways answer it.
//! Never judges a packet, and never changes anything.

use super::candidates::candidates;
use super::ends;
use super::grant::{Ask, allow};
use super::ports::{self, PortName, PortsAsked};
use super::resolve::{Resolved, resolve};
use super::target::{Target, TargetKind};
use super::{Note, Plan, PlanError, Weight};
use crate::evaluate::path::{Question, walk};
use crate::model::flow::{Packet, Path, Protocol};
use crate::model::intent::{Grant, Peer};
use crate::model::words::listed;
use crate::model::world::World;

/// How many nodes are listed where one is not known.
const NODES: usize = 20;

/// One flow, as it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Who connects.
    pub from: Target,
    /// To what.
    pub to: Target,
    /// Which ports; none means those that the target has.
    pub ports: Option<PortsAsked>,
    /// The protocol, where one was named.
    pub protocol: Option<Protocol>,
    /// The node where it enters.
    pub entry: Option<String>,
}

/// Every way of what was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Ways {
    /// Each way once.
    pub paths: Vec<Path>,
    /// The packets whose ways they are.
    pub packets: Vec<Packet>,
    /// The protocol that they share.
    pub protocol: Option<Protocol>,
    /// The destination port that they share.
    pub port: Option<u16>,
    /// What `from` stands for, for a person.
    pub from: String,
    /// What `to` stands for.
    pub to: String,
    /// What is good to know of either.
    pub notes: Vec<Note>,
}

impl Asked {
    /// Reads `--from`, `--to` with an optional port behind a colon, `--protocol` and `--entry`.
    pub fn parse(
        from: &str,
        to: &str,
        protocol: Option<&str>,
        entry: Option<&str>,
        namespace: Option<&str>,
    ) -> Result<Asked, PlanError> {
        let protocol = protocol.map(parse_protocol).transpose()?;
        let (to, port) = split_port(to);
        let mut ports = port.map(|port| ports::parse(&[port])).transpose()?.flatten();
        if let (Some(PortsAsked::These(asked)), Some(protocol)) = (&mut ports, protocol) {
            if !protocol.has_ports() {
                return Err(usage(format!("{protocol} has no ports"), format!("--to {to} without a port")));
            }
            asked.iter_mut().for_each(|port| port.protocol = Some(protocol));
        }
        Ok(Asked {
            from: Target::parse(from, namespace)?,
            to: Target::parse(to, namespace)?,
            ports,
            protocol,
            entry: entry.map(str::to_string),
        })
    }

    /// Walks every packet that the question stands for.
    pub fn ways(&self, world: &World) -> Result<Ways, PlanError> {
        let (from, to) = (end(world, &self.from)?, end(world, &self.to)?);
        for end in [&from, &to] {
            somebody(end)?;
        }
        let ends = ends::packets(world, self, &from, &to)?;
        if ends.packets.is_empty() {
            let reason = format!("{} and {} share no address family", from.described, to.described);
            return Err(PlanError::Unknown { reason, hints: Vec::new() });
        }
        let entry = self.check_entry(world, &ends.packets)?;
        let paths = self.walk(world, &ends.packets);
        let first = ends.packets[0];
        let shared = |same: bool| same.then_some(first);
        let protocol = shared(ends.packets.iter().all(|packet| packet.protocol == first.protocol));
        let port = shared(ends.packets.iter().all(|packet| packet.port == first.port));
        Ok(Ways {
            paths,
            protocol: protocol.map(|packet| packet.protocol),
            port: port.and_then(|packet| packet.port),
            from: from.described,
            to: to.described,
            notes: from.notes.into_iter().chain(to.notes).chain(ends.notes).chain(entry).collect(),
            packets: ends.packets,
        })
    }

    /// Whether a port, by its number, is one that was asked for.
    pub fn asks_for(&self, number: u16) -> bool {
        match &self.ports {
            None => false,
            Some(PortsAsked::Any) => true,
            Some(PortsAsked::These(these)) => these.iter().any(|one| match one.port {
                PortName::Numbers(first, last) => (first..=last).contains(&number),
                PortName::Name(_) => false,
            }),
        }
    }

    /// The ways of packets in a world, which need not be the one that they were found in.
    pub fn walk(&self, world: &World, packets: &[Packet]) -> Vec<Path> {
        let one = |packet: &Packet| walk(world, &Question { packet: *packet, entry: self.entry.clone() });
        packets.iter().flat_map(one).collect()
    }

    /// The node where it enters has to be there; for what is inside it has no say, as that starts where it is.
    fn check_entry(&self, world: &World, packets: &[Packet]) -> Result<Option<Note>, PlanError> {
        let Some(entry) = &self.entry else { return Ok(None) };
        if !world.nodes.contains_key(entry) {
            let nodes: Vec<&str> = world.nodes.keys().map(String::as_str).collect();
            let hints = vec![format!("nodes are {}", listed(&nodes, NODES))];
            return Err(PlanError::Unresolved { reason: format!("there is no node {entry}"), hints });
        }
        let inside = packets.iter().find(|packet| ends::has_owner(world, packet.source));
        Ok(inside.map(|packet| {
            let source = packet.source;
            let text = format!("--entry has no say for {source}, which is in the cluster and starts on its own node");
            Note { weight: Weight::Warning, text }
        }))
    }
}

/// The plan of a grant, and the grant's id; none if the plan changes nothing.
pub fn granted(world: &World, ask: &Ask) -> Result<(Plan, Option<String>), PlanError> {
    let plan = allow(world, ask)?;
    if plan.steps.is_empty() {
        return Ok((plan, None));
    }
    Ok((plan, Some(grant_id(world, ask)?)))
}

/// The id of the grant that is asked for.
pub fn grant_id(world: &World, ask: &Ask) -> Result<String, PlanError> {
    let (from, to) = (resolve(world, &ask.from)?, resolve(world, &ask.to)?);
    let ports = ports::resolve(world, &to, ask.ports.as_ref())?;
    Ok(Grant { from: from.peer, to: to.peer, ports, reason: None, expires: None, through: None }.id())
}

pub(super) fn usage(reason: String, hint: String) -> PlanError {
    PlanError::Usage { reason, hints: vec![hint] }
}

fn parse_protocol(text: &str) -> Result<Protocol, PlanError> {
    Protocol::parse(text).ok_or_else(|| usage(format!("{text} is no protocol"), "tcp, udp, sctp or icmp".into()))
}

/// Cuts `10.0.0.1:80`, `[fd00::1]:80` and `shop/web:http` at the port; a bare IPv6 address has none.
pub fn split_port(text: &str) -> (&str, Option<&str>) {
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return (address, rest.strip_prefix(':'));
    }
    match text.split_once(':') {
        Some((target, port)) if !port.contains(':') => (target, Some(port)),
        _ => (text, None),
    }
}

pub(super) fn with_port(target: &Target) -> String {
    match target {
        Target::Nets(nets) if nets.iter().any(|net| net.addr().is_ipv6()) => format!("[{target}]:443"),
        target => format!("{target}:443"),
    }
}

/// What a target stands for. A pod that is named is that pod alone, while a grant for it would cover its siblings.
fn end(world: &World, target: &Target) -> Result<Resolved, PlanError> {
    let found = candidates(world, target);
    let [only] = found.as_slice() else { return resolve(world, target) };
    let pods = only.pods(world);
    let (TargetKind::Pod, Some(index)) = (only.kind, pods.first().copied()) else { return resolve(world, target) };
    let pod = &world.pods[index];
    let named = format!("{}/{}", TargetKind::Pod, pod.name);
    let (pods, host_pods) = if pod.host_network { (vec![], vec![index]) } else { (vec![index], vec![]) };
    Ok(Resolved {
        described: format!("{}/{named}", pod.namespace),
        peer: Peer::Pods { namespace: pod.namespace.clone(), selector: "all()".into(), named },
        pods,
        host_pods,
        service: None,
        labels: pod.own_labels.clone(),
        declared: pod.ports.clone(),
        notes: Vec::new(),
    })
}

/// A target of pods of which none runs has no packet to follow.
fn somebody(end: &Resolved) -> Result<(), PlanError> {
    match end.peer {
        Peer::Pods { .. } | Peer::Namespace(_) if end.pods.is_empty() && end.host_pods.is_empty() => {
            let reason = format!("no pod of {} runs, so there is no packet to follow", end.described);
            Err(PlanError::Unknown { reason, hints: vec!["`allow` can be given before the pods are there".into()] })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_stands_behind_the_last_colon_and_ipv6_in_brackets() {
        assert_eq!(split_port("10.20.2.20:80"), ("10.20.2.20", Some("80")));
        assert_eq!(split_port("10.20.2.20"), ("10.20.2.20", None));
        assert_eq!(split_port("[fd00::1]:80"), ("fd00::1", Some("80")));
        assert_eq!(split_port("[fd00::1]"), ("fd00::1", None));
        assert_eq!(split_port("fd00::1"), ("fd00::1", None));
        assert_eq!(split_port("shop/svc/web:http"), ("shop/svc/web", Some("http")));
    }

    #[test]
    fn the_protocol_goes_with_the_port() {
        let asked = Asked::parse("10.0.0.1", "10.0.0.2:53", Some("udp"), None, None).unwrap();
        assert_eq!(asked.ports.as_ref().map(ports::show).as_deref(), Some("UDP/53"));
        let refused = Asked::parse("10.0.0.1", "10.0.0.2:53", Some("icmp"), None, None);
        assert!(matches!(refused, Err(PlanError::Usage { .. })));
        let refused = Asked::parse("10.0.0.1", "10.0.0.2:53", Some("tpc"), None, None);
        assert!(matches!(refused, Err(PlanError::Usage { .. })));
    }
}
