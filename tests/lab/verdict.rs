//! What we say about a probe, read from the world's directory as `explain -f` reads it.
//! Never sees the lab: two kinds of evidence meet in `differential` alone.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use kubectl_zerotrust::evaluate::path::{Question, walk};
use kubectl_zerotrust::kubernetes::Reader;
use kubectl_zerotrust::kubernetes::manifests::Manifests;
use kubectl_zerotrust::kubernetes::objects::Objects;
use kubectl_zerotrust::model::flow::{self, Checkpoint, Decider, Packet, Path as Way, Verdict, together};
use kubectl_zerotrust::model::world::World;
use kubectl_zerotrust::observe;
use kubectl_zerotrust::plan::question::Asked;

use crate::probe::{Probe, Protocol, Sender};

/// A world as we see it.
pub struct Judge {
    world: World,
}

/// What we say about one probe.
#[derive(Clone, Debug)]
pub struct Ruling {
    /// The verdict over all paths.
    pub verdict: Verdict,
    /// Every source that the receiver may see; empty where we do not say.
    pub sources: BTreeSet<IpAddr>,
    /// Every backend that may answer, as `shop/web-1`; empty where there is no choice of one.
    pub backends: BTreeSet<String>,
    /// What decided, for a person.
    pub why: String,
}

impl Judge {
    /// Reads a directory.
    pub fn read(directory: &Path) -> Judge {
        let manifests = Manifests::new(vec![directory.to_path_buf()]);
        let mut objects = Objects::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(manifests.read(&[], &mut objects)).expect("read the world's directory");
        assert!(objects.unread.is_empty(), "{} holds what cannot be read: {:?}", directory.display(), objects.unread);
        objects.once();
        Judge { world: observe::world(&objects) }
    }

    /// What becomes of the probe, as far as we can tell.
    pub fn rule(&self, probe: &Probe) -> Ruling {
        let paths = walk(&self.world, &Question { packet: packet(probe), entry: entry(probe) });
        let mut verdict = together(&paths);
        let mut why: Vec<String> = paths.iter().flat_map(reasons).collect();
        why.dedup();
        if let Some(explained) = self.explained(probe).filter(|explained| *explained != verdict) {
            // The command and the evaluation below it must not differ; where they do, neither is an answer.
            why.push(format!("explain says {explained}, its own paths {verdict}"));
            verdict = explained;
        }
        let open: Vec<&Way> = paths.iter().filter(|path| path.verdict == Verdict::Allow).collect();
        let mut sources = BTreeSet::new();
        if open.iter().all(|path| shows_source(path)) {
            sources.extend(open.iter().filter_map(|path| path.hops.last()).map(|hop| hop.packet.source));
        }
        let backends = open.iter().filter_map(|path| path.backend.as_deref()?.rsplit_once(':'));
        let backends = backends.map(|(pod, _)| pod.to_string()).collect();
        Ruling { verdict, sources, backends, why: why.join("; ") }
    }

    /// The same by the road that the command takes, for what it can be asked.
    fn explained(&self, probe: &Probe) -> Option<Verdict> {
        let port = probe.port.filter(|_| probe.source_port.is_none())?;
        let to = std::net::SocketAddr::new(probe.destination, port).to_string();
        let protocol = protocol(probe).to_string();
        let asked = Asked::parse(&probe.source.to_string(), &to, Some(&protocol), entry(probe).as_deref(), None);
        let ways = asked.and_then(|asked| asked.ways(&self.world));
        Some(together(&ways.unwrap_or_else(|error| panic!("explain refuses {probe}: {error}")).paths))
    }
}

fn entry(probe: &Probe) -> Option<String> {
    probe.entry.clone().filter(|_| matches!(probe.sender, Sender::Client(_)))
}

/// Only where no masquerading can follow behind the last checkpoint: on the way to a pod of the same node kube-proxy
/// masquerades too, behind every policy, where the kernel chooses the address.
fn shows_source(path: &Way) -> bool {
    let last = |checkpoint| path.hops.iter().rposition(|hop| hop.checkpoint == checkpoint);
    let ends_in_pod = path.hops.last().is_some_and(|hop| hop.checkpoint == Checkpoint::Ingress);
    match (last(Checkpoint::Dnat), last(Checkpoint::Snat)) {
        (None, None) => ends_in_pod,
        (dnat, snat) => snat > dnat,
    }
}

fn reasons(path: &Way) -> Vec<String> {
    let hops = path.hops.iter().filter_map(|hop| {
        let by = match hop.by.as_ref()? {
            Decider::Rule { policy, direction, index, .. } => format!("{policy} {direction}[{index}]"),
            Decider::TierDefault { tier, .. } => format!("the end of tier {tier}"),
            Decider::Profile { name } | Decider::Setting { name, .. } => name.clone(),
            Decider::Unknown { why } => why.clone(),
        };
        let node = hop.node.as_deref().unwrap_or("-");
        let packet = &hop.packet;
        Some(format!(
            "{node} {} {:?} by {by} ({} -> {})",
            hop.checkpoint, hop.action, packet.source, packet.destination
        ))
    });
    hops.collect()
}

/// The probe as evaluation asks for it.
fn packet(probe: &Probe) -> Packet {
    let icmp = match probe.protocol {
        Protocol::Icmp { kind, code } => Some((kind, code)),
        _ => None,
    };
    Packet {
        source: probe.source,
        destination: probe.destination,
        protocol: protocol(probe),
        port: probe.port,
        source_port: probe.source_port,
        icmp,
    }
}

/// The protocol by its number.
pub fn protocol(probe: &Probe) -> flow::Protocol {
    match probe.protocol {
        Protocol::Tcp => flow::Protocol::TCP,
        Protocol::Udp => flow::Protocol::UDP,
        Protocol::Sctp => flow::Protocol::SCTP,
        Protocol::Icmp { .. } if probe.destination.is_ipv6() => flow::Protocol::ICMPV6,
        Protocol::Icmp { .. } => flow::Protocol::ICMP,
    }
}
