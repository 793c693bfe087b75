//! The language in which scenes say what must become of packets, and what holds them against the kernel.
//! Never knows policies.
//!
//! ```text
//! client -> n2 tcp:32127 = allow by policy-demo/nginx saw way(n2)
//! shop/web-1 -> svc/shop/api tcp:80 by n1 = mixed
//! v6: stranger -> n1 tcp:22 = drop
//! ```
//!
//! The sender is a pod (`NAMESPACE/NAME`), a node or a client; the target is one of these too, or a Service's cluster address
//! (`svc/NAMESPACE/NAME`) or load balancer address (`lb/NAMESPACE/NAME`). `way(NODE)` is the address with which a node reaches
//! pods on other nodes: its tunnel's where there is one; `way(NODE,OTHER)` the one for the pods of that other node. An address
//! stands for itself, and the family it is of. Each line is asked for every family that the lab has, or for the one
//! that it begins with.

use std::net::IpAddr;

use kubectl_zerotrust::model::flow::Verdict;

use super::lab::Lab;
use super::probe::{Fate, Probe, Protocol, Sender};
use super::topology::{Exposure, Topology};
use super::verdict::Judge;

/// What must become of a packet.
#[derive(Debug)]
enum Expected {
    Allowed {
        by: Option<String>,
        saw: Option<IpAddr>,
    },
    Refused,
    Dropped,
    /// Dropped, or refused: where nothing answers, the kernel may say so.
    Stopped,
    Mixed,
}

/// Sends everything that the lines say; gives back each line that is not so, with what became of the packet.
pub fn wrong(lab: &mut Lab, lines: &[String]) -> Vec<String> {
    judge(lab, lines, Lab::send)
}

/// The same, from one round: what is so at once.
pub fn wrong_at_once(lab: &mut Lab, lines: &[String]) -> Vec<String> {
    judge(lab, lines, Lab::send_once)
}

fn judge(lab: &mut Lab, lines: &[String], send: fn(&mut Lab, &[Probe]) -> Vec<Fate>) -> Vec<String> {
    let asked = asked(lab.topology(), lines);
    let probes: Vec<Probe> = asked.iter().map(|(_, probe, _)| probe.clone()).collect();
    let fates = send(lab, &probes);
    let wrong = asked.iter().zip(fates).filter(|((_, _, expected), fate)| !agrees(expected, fate));
    wrong.map(|((line, probe, _), fate)| format!("{line}\n    {probe}: {fate}")).collect()
}

/// What the lines ask, each for the families that it is for.
fn asked(topology: &Topology, lines: &[String]) -> Vec<(String, Probe, Expected)> {
    let mut asked = Vec::new();
    for line in lines {
        let (only, text) = match line.split_once(": ") {
            Some(("v4", rest)) => (Some(0), rest),
            Some(("v6", rest)) => (Some(1), rest),
            _ => (None, line.as_str()),
        };
        let families = if topology.mode.dual { 2 } else { 1 };
        for family in (0..families).filter(|family| only.is_none_or(|only| only == *family)) {
            let (probe, expected) = parse(topology, text, family);
            asked.push((line.clone(), probe, expected));
        }
    }
    asked
}

/// Each line of which we would say something else, by the cluster's objects alone. What is refused is no matter of policy.
pub fn misjudged(topology: &Topology, judge: &Judge, lines: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (line, probe, expected) in asked(topology, lines) {
        let verdict = match expected {
            Expected::Allowed { .. } => Verdict::Allow,
            Expected::Dropped => Verdict::Deny,
            Expected::Mixed => Verdict::Mixed,
            Expected::Refused | Expected::Stopped => continue,
        };
        let ruling = judge.rule(&probe);
        let saw = match expected {
            Expected::Allowed { saw: Some(saw), .. } => ruling.sources.is_empty() || ruling.sources.contains(&saw),
            _ => true,
        };
        if ruling.verdict != verdict || !saw {
            wrong.push(format!(
                "{line}\n    {probe}: we say {} from {:?}: {}",
                ruling.verdict, ruling.sources, ruling.why
            ));
        }
    }
    wrong
}

fn agrees(expected: &Expected, fate: &Fate) -> bool {
    match (expected, fate) {
        (Expected::Allowed { by, saw }, Fate::Allowed { by: answered, saw: seen }) => {
            (by.is_none() || by == answered) && (saw.is_none() || saw == seen)
        }
        (Expected::Stopped, Fate::Refused | Fate::Dropped) => true,
        (Expected::Refused, Fate::Refused) | (Expected::Dropped, Fate::Dropped) | (Expected::Mixed, Fate::Mixed) => {
            true
        }
        _ => false,
    }
}

fn parse(topology: &Topology, line: &str, family: usize) -> (Probe, Expected) {
    let strange = || -> ! { panic!("not a flow: {line}") };
    let words: Vec<&str> = line.split_whitespace().collect();
    let (flow, outcome) = line.split_once(" = ").unwrap_or_else(|| strange());
    let [from, "->", to, what, rest @ ..] = words.as_slice() else { strange() };
    let entry = match rest {
        ["by", node, ..] if flow.contains(" by ") => Some(node.to_string()),
        _ => None,
    };
    let source = address(topology, from, family);
    let sender = match (from.contains('/'), topology.nodes.iter().any(|node| node.name == **from)) {
        (true, _) => Sender::Pod(from.to_string()),
        (_, true) => Sender::Node(from.to_string()),
        _ => Sender::Client(source),
    };
    let (protocol, port) = match what.split_once(':') {
        Some(("tcp", port)) => (Protocol::Tcp, port.parse().ok()),
        Some(("udp", port)) => (Protocol::Udp, port.parse().ok()),
        Some(("sctp", port)) => (Protocol::Sctp, port.parse().ok()),
        None if *what == "ping" => (Protocol::Icmp { kind: if source.is_ipv4() { 8 } else { 128 }, code: 0 }, None),
        None if *what == "timestamp" => (Protocol::Icmp { kind: 13, code: 0 }, None),
        _ => strange(),
    };
    let destination = address(topology, to, family);
    let probe = Probe { sender, source, destination, port, protocol, source_port: None, entry };
    (probe, expected(topology, outcome, family))
}

fn expected(topology: &Topology, outcome: &str, family: usize) -> Expected {
    let words: Vec<&str> = outcome.split_whitespace().collect();
    let after = |word: &str| words.iter().position(|other| *other == word).map(|at| words[at + 1]);
    match words[0] {
        "allow" => Expected::Allowed {
            by: after("by").map(str::to_string),
            saw: after("saw").map(|name| address(topology, name, family)),
        },
        "drop" => Expected::Dropped,
        "stop" => Expected::Stopped,
        "refuse" => Expected::Refused,
        "mixed" => Expected::Mixed,
        other => panic!("not an outcome: {other}"),
    }
}

/// The address that a word stands for.
fn address(topology: &Topology, word: &str, family: usize) -> IpAddr {
    if let Some(service) = word.strip_prefix("svc/") {
        return topology.service(service).addresses[family];
    }
    if let Some(service) = word.strip_prefix("lb/") {
        let Exposure::LoadBalancer { addresses, .. } = &topology.service(service).exposure else {
            panic!("{service} has no load balancer")
        };
        return addresses[family];
    }
    if let Ok(address) = word.parse() {
        return address;
    }
    if let Some(name) = word.strip_prefix("way(").and_then(|rest| rest.strip_suffix(')')) {
        if let Some((from, to)) = name.split_once(',') {
            return topology.way(from, to, family);
        }
        let node = topology.node(name);
        return node.tunnel.get(family).copied().unwrap_or(node.addresses[family]);
    }
    if word.contains('/') {
        return topology.pod(word).addresses[family];
    }
    match topology.nodes.iter().find(|node| node.name == word) {
        Some(node) => node.addresses[family],
        None => topology.client(word).addresses[family],
    }
}
