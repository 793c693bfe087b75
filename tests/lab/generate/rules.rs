//! Rules that match a packet, or narrowly do not: one clause of them is false.
//! Never knows which policy a rule is for beyond its namespace and direction.

use serde_json::{Map, Value, json};

use super::entities::{self, Clause as EntityClause, Side};
use super::random::Random;
use super::scene::{Look, Scene};
use crate::probe::Protocol;

/// How a rule is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// It matches the packet.
    Hit,
    /// One clause of it does not.
    Near,
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The namespace of its policy, for a policy of Calico in one.
    pub namespace: Option<&'a str>,
    /// Whether it is an ingress rule.
    pub ingress: bool,
}

/// A clause of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clause {
    Protocol,
    NotProtocol,
    IpVersion,
    Icmp,
    NotIcmp,
    Of(Side, EntityClause),
}

/// A rule about this packet.
pub fn rule(random: &mut Random, scene: &Scene<'_>, look: &Look, place: Place<'_>, action: &str, aim: Aim) -> Value {
    let mut clauses = clauses(random, look, place);
    let wrong = if aim == Aim::Near { random.any(&clauses).copied() } else { None };
    if matches!(wrong, Some(Clause::IpVersion)) {
        // Addresses of one family in a rule for the other are refused.
        clauses.retain(|clause| !matches!(clause, Clause::Of(_, EntityClause::Nets | EntityClause::NotNets)));
    }
    let mut rule = Map::new();
    rule.insert("action".into(), json!(action));
    for side in [Side::Source, Side::Destination] {
        let of_side: Vec<(EntityClause, bool)> = clauses
            .iter()
            .filter_map(|clause| match clause {
                Clause::Of(of, entity) if *of == side => Some((*entity, Some(*clause) != wrong)),
                _ => None,
            })
            .collect();
        let entity = entities::entity(random, scene, look, place, side, &of_side);
        if !entity.is_empty() {
            rule.insert(side.field().into(), Value::Object(entity));
        }
    }
    for clause in &clauses {
        own_clause(random, look, *clause, Some(*clause) != wrong, &mut rule);
    }
    if random.chance(4) {
        // Felix writes these as comments.
        rule.insert("metadata".into(), json!({ "annotations": { "example.org/why": "it's a \"test\", no more" } }));
    }
    Value::Object(rule)
}

/// A rule about anything that its policy can meet, often too wide or too narrow: what a person writes who does not look.
pub fn wide(random: &mut Random, action: &str) -> Value {
    match random.below(4) {
        0 => json!({ "action": action }),
        1 => json!({ "action": action, "protocol": random.pick(&["TCP", "UDP", "ICMP", "SCTP"]) }),
        2 => json!({ "action": action, "notProtocol": random.pick(&[json!("TCP"), json!("UDP"), json!(17)]) }),
        _ => json!({ "action": action, "ipVersion": random.pick(&[4, 4, 6]) }),
    }
}

fn clauses(random: &mut Random, look: &Look, place: Place<'_>) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let has_ports = !matches!(look.protocol, Protocol::Icmp { .. });
    let protocol = random.chance(75);
    if protocol {
        clauses.push(Clause::Protocol);
    }
    // Never both: iptables refuses the rule, and Felix tries for ever.
    if !protocol && random.chance(30) {
        clauses.push(Clause::NotProtocol);
    }
    if random.chance(8) {
        clauses.push(Clause::IpVersion);
    }
    if protocol && !has_ports {
        let icmp = [(40, None), (40, Some(Clause::Icmp)), (20, Some(Clause::NotIcmp))];
        clauses.extend(random.weighted(&icmp));
    }
    for side in [Side::Source, Side::Destination] {
        let with_ports = protocol && has_ports && (side == Side::Destination || look.source_port.is_some());
        let services = (side == Side::Source) == place.ingress;
        let chosen = entities::clauses(random, with_ports, services);
        clauses.extend(chosen.into_iter().map(|clause| Clause::Of(side, clause)));
    }
    clauses
}

fn own_clause(random: &mut Random, look: &Look, clause: Clause, wanted: bool, rule: &mut Map<String, Value>) {
    let v4 = look.destination.is_ipv4();
    let icmp = |kind: u8, code: u8, random: &mut Random| match random.chance(50) {
        true => json!({ "type": kind }),
        false => json!({ "type": kind, "code": code }),
    };
    let (field, value) = match clause {
        Clause::Protocol => ("protocol", protocol(random, look.protocol, v4, wanted)),
        // A protocol that does not match is the other one.
        Clause::NotProtocol => ("notProtocol", protocol(random, look.protocol, v4, !wanted)),
        Clause::IpVersion if matches!(look.protocol, Protocol::Icmp { .. }) => return,
        Clause::IpVersion => ("ipVersion", json!(if v4 == wanted { 4 } else { 6 })),
        Clause::Icmp | Clause::NotIcmp => {
            let Protocol::Icmp { kind, code } = look.protocol else { return };
            // Only beside a protocol that has types; a near miss may have made it another.
            if !rule.get("protocol").is_none_or(|protocol| protocol == "ICMP" || protocol == "ICMPv6") {
                return;
            }
            let is_positive = clause == Clause::Icmp;
            let field = if is_positive { "icmp" } else { "notICMP" };
            let matching = wanted == is_positive;
            let value = match matching {
                true => icmp(kind, code, random),
                false if random.chance(50) => icmp(kind.wrapping_add(1).min(254), code, random),
                false => json!({ "type": kind, "code": code.wrapping_add(1) }),
            };
            (field, value)
        }
        Clause::Of(..) => return,
    };
    rule.insert(field.into(), value);
}

/// A protocol as rules name it; where ports stand beside it, it is one that has some.
fn protocol(random: &mut Random, of: Protocol, v4: bool, same: bool) -> Value {
    let icmp = if v4 { "ICMP" } else { "ICMPv6" };
    let (own, number, others) = match of {
        Protocol::Tcp => ("TCP", 6, ["UDP", "SCTP"]),
        Protocol::Udp => ("UDP", 17, ["TCP", "SCTP"]),
        Protocol::Sctp => ("SCTP", 132, ["TCP", "UDP"]),
        Protocol::Icmp { .. } => return json!(if same { icmp } else { "TCP" }),
    };
    match same {
        // The numbers beside ports are refused by one validator and taken by the other.
        true if random.chance(4) => json!(number),
        true => json!(own),
        false => json!(random.pick(&others)),
    }
}
