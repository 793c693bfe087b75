//! Turns probes into attempts and outcomes into fates: rounds, repetitions, and how long silence has to last.
//! Never knows what was expected, and never enters a namespace itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::network::type_of_service;
use super::probe::{Fate, Probe, Protocol, Sender};
use super::station::{Attempt, Batch, Outcome, Reply, Station};
use super::topology::{Exposure, Node, POD_TCP, Topology};

/// The least time after which silence counts. Packets here pass in less than a millisecond.
const SILENCE: Duration = Duration::from_millis(350);
/// How many times as long as the slowest answer of the round silence has to last: a loaded machine is slow with all.
const SLOWEST: u32 = 3;
/// How long the canaries may take before the machine is given up.
const LIFE: Duration = Duration::from_secs(30);
/// How often a probe is asked again when two rounds disagree.
const ROUNDS: usize = 5;
/// How many attempts are on their way at once; each has a socket.
const AT_ONCE: usize = 1500;

/// Outcomes of one probe's attempts in one round.
type Round = Vec<Outcome>;

/// Sends every probe once, or as often as its backends need. What is silent may have been lost.
pub fn once(topology: &Topology, stations: &BTreeMap<String, Station>, probes: &[Probe]) -> Vec<Fate> {
    let all: Vec<usize> = (0..probes.len()).collect();
    round(topology, stations, probes, &all, SILENCE).values().map(|outcomes| fate(outcomes)).collect()
}

/// Sends every probe until two rounds agree on it.
pub fn send(topology: &Topology, stations: &BTreeMap<String, Station>, probes: &[Probe]) -> Vec<Fate> {
    let mut seen: Vec<Vec<Fate>> = vec![Vec::new(); probes.len()];
    for turn in 0..ROUNDS {
        let open: Vec<usize> = (0..probes.len()).filter(|index| settled(&seen[*index]).is_none()).collect();
        if open.is_empty() {
            break;
        }
        // More patience each time, as load is the likeliest reason for two rounds that differ.
        let patience = SILENCE * if turn < 2 { 1 } else { turn as u32 };
        for (index, outcomes) in round(topology, stations, probes, &open, patience) {
            seen[index].push(fate(&outcomes));
        }
    }
    let fates = seen.into_iter().map(|fates| match settled(&fates) {
        Some(fate) => fate,
        None => Fate::Unsure(fates.iter().map(ToString::to_string).collect::<Vec<_>>().join("; then ")),
    });
    fates.collect()
}

/// What two rounds, one after the other, agreed on. What could not be sent will not be sent the next time either.
fn settled(fates: &[Fate]) -> Option<Fate> {
    match fates {
        [.., last @ Fate::Unsure(_)] => Some(last.clone()),
        [.., first, last] if first == last => Some(last.clone()),
        _ => None,
    }
}

/// One round of the probes with these indexes.
fn round(
    topology: &Topology,
    stations: &BTreeMap<String, Station>,
    probes: &[Probe],
    open: &[usize],
    patience: Duration,
) -> BTreeMap<usize, Round> {
    let mut attempts = Vec::new();
    for index in open {
        let probe = &probes[*index];
        let (station, attempt) = attempt(topology, probe);
        attempts.extend((0..repetitions(topology, probe)).map(|_| (*index, station.clone(), attempt.clone())));
    }
    let canaries = canaries(topology);
    let mut rounds: BTreeMap<usize, Round> = BTreeMap::new();
    for chunk in attempts.chunks(AT_ONCE) {
        let mut batches: BTreeMap<&str, Vec<Attempt>> = BTreeMap::new();
        let all =
            chunk.iter().map(|(_, station, attempt)| (station, attempt)).chain(canaries.iter().map(|(s, a)| (s, a)));
        for (id, (station, attempt)) in all.enumerate() {
            batches.entry(station).or_default().push(Attempt { id, ..attempt.clone() });
        }
        for reply in exchange(stations, batches, chunk.len(), canaries.len(), patience) {
            rounds.entry(chunk[reply.id].0).or_default().push(reply.outcome);
        }
    }
    rounds
}

/// What passes in every world: a node's packet to a pod of its own, which Felix never polices. That they come back shows
/// that the machine had time for packets at all.
fn canaries(topology: &Topology) -> Vec<(String, Attempt)> {
    let own = |node: &Node| {
        let pod = topology.pods.iter().find(|pod| pod.node == node.name).expect("a pod on each node");
        let (destination, port) = (pod.addresses[0], POD_TCP[0]);
        let attempt = Attempt {
            id: 0,
            source: None,
            source_port: None,
            destination,
            port,
            protocol: Protocol::Tcp,
            tos: 0,
            once: false,
        };
        (node.name.clone(), attempt)
    };
    topology.nodes.iter().map(own).collect()
}

/// Sends all and waits for all replies, or for a silence that lasts and that the canaries have broken. Gives back the
/// replies without those of the canaries, whose numbers come after the others.
fn exchange(
    stations: &BTreeMap<String, Station>,
    batches: BTreeMap<&str, Vec<Attempt>>,
    count: usize,
    canaries: usize,
    patience: Duration,
) -> Vec<Reply> {
    let (stop, stopped) = watch::channel(false);
    let (replies, inbox) = mpsc::channel();
    for (station, attempts) in batches {
        let batch = Batch { attempts, stop: stopped.clone(), replies: replies.clone() };
        stations.get(station).unwrap_or_else(|| panic!("the lab has no {station}")).send(batch);
    }
    let begun = Instant::now();
    let mut heard: Vec<Reply> = Vec::with_capacity(count);
    let (mut slowest, mut singing) = (Duration::ZERO, 0);
    while heard.len() < count || singing < canaries {
        let patience = if singing < canaries { LIFE } else { patience.max(slowest * SLOWEST) };
        match inbox.recv_timeout((begun + patience).saturating_duration_since(Instant::now())) {
            Ok(reply) => {
                slowest = slowest.max(reply.took);
                if reply.id < count {
                    heard.push(reply);
                } else {
                    assert!(matches!(reply.outcome, Outcome::Answered(_)), "a node's packet to its own pod: {reply:?}");
                    singing += 1;
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                assert!(singing == canaries, "not even a node's own pods answered within {LIFE:?}");
                break;
            }
            Err(RecvTimeoutError::Disconnected) => panic!("a station ended while it was sending"),
        }
    }
    // Those that are still out say that they heard nothing.
    let _ = stop.send(true);
    heard.extend(inbox.iter().take(count - heard.len()));
    heard
}

/// Where a probe is sent from, and what is sent.
fn attempt(topology: &Topology, probe: &Probe) -> (String, Attempt) {
    let (station, source) = match &probe.sender {
        Sender::Pod(name) => (name.clone(), Some(probe.source)),
        Sender::Node(name) => (name.clone(), None),
        Sender::Client(address) => (super::network::OUTSIDE.to_string(), Some(*address)),
    };
    let tos = probe.entry.as_ref().map_or(0, |entry| {
        let index = topology.nodes.iter().position(|node| node.name == *entry);
        type_of_service(index.unwrap_or_else(|| panic!("the lab has no node {entry}")))
    });
    let (source_port, destination, port) = (probe.source_port, probe.destination, probe.port.unwrap_or(0));
    let once = backends(topology, probe) > 1;
    (station, Attempt { id: 0, source, source_port, destination, port, protocol: probe.protocol, tos, once })
}

/// How many attempts a round makes: enough to meet every backend of a service, among which kube-proxy chooses at random.
/// With two backends, both rounds together miss one of them once in 2^23 times. A fixed source port allows but one.
fn repetitions(topology: &Topology, probe: &Probe) -> usize {
    match backends(topology, probe) {
        count if count < 2 || probe.source_port.is_some() => 1,
        count => 12 * (count - 1),
    }
}

fn backends(topology: &Topology, probe: &Probe) -> usize {
    let Some(port) = probe.port else { return 1 };
    let nodes: Vec<&IpAddr> =
        topology.nodes.iter().flat_map(|node| node.addresses.iter().chain(&node.tunnel)).collect();
    let found = topology.services.iter().find(|service| {
        let balancer = match &service.exposure {
            Exposure::LoadBalancer { addresses, .. } => addresses.as_slice(),
            Exposure::ClusterIp | Exposure::NodePort => &[],
        };
        let own = service.addresses.contains(&probe.destination) || balancer.contains(&probe.destination);
        let on_node = nodes.contains(&&probe.destination);
        service.ports.iter().any(|listed| {
            let reached = (own && listed.port == port) || (on_node && listed.node_port == Some(port));
            reached && listed.protocol == probe.protocol
        })
    });
    found.map_or(1, |service| service.backends.len())
}

/// What the attempts of one round say together.
fn fate(outcomes: &[Outcome]) -> Fate {
    let impossible = outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Impossible(why) => Some(why.clone()),
        _ => None,
    });
    if let Some(why) = impossible {
        return Fate::Unsure(why);
    }
    let refused = outcomes.iter().filter(|outcome| **outcome == Outcome::Refused).count();
    let silent = outcomes.iter().filter(|outcome| **outcome == Outcome::Silent).count();
    let answers: BTreeSet<&(String, IpAddr)> = outcomes.iter().filter_map(answered).collect();
    if refused + silent == 0 {
        let by: BTreeSet<&String> = answers.iter().map(|(by, _)| by).collect();
        let saw: BTreeSet<&IpAddr> = answers.iter().map(|(_, saw)| saw).collect();
        return Fate::Allowed { saw: only(&saw).copied(), by: only(&by).cloned() };
    }
    match (refused == outcomes.len(), silent == outcomes.len()) {
        (true, _) => Fate::Refused,
        (_, true) => Fate::Dropped,
        _ if refused + silent == outcomes.len() => Fate::Unsure("some were refused and some dropped".into()),
        _ => Fate::Mixed,
    }
}

fn answered(outcome: &Outcome) -> Option<&(String, IpAddr)> {
    match outcome {
        Outcome::Answered(answer) => answer.as_ref(),
        _ => None,
    }
}

/// The one element of a set that has no other.
fn only<'a, T: Ord>(set: &BTreeSet<&'a T>) -> Option<&'a T> {
    if set.len() == 1 { set.first().copied() } else { None }
}
