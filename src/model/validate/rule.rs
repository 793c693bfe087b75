//! One rule of a policy: action, protocol, ICMP, HTTP, and what its two ends may say together.
//! Never knows the policy around it, but for the direction and whether the policy is cluster-wide.

use std::collections::HashSet;

use serde_json::Value;

use super::entity::{self, Entity};
use super::metadata::check_annotations;
use super::{Check, Kind, list, refuse_more, show, text};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Direction {
    Ingress,
    Egress,
}

/// A protocol as Calico reads it: a number in quotes is a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Protocol<'v> {
    Name(&'v str),
    Number(u8),
}

impl<'v> Protocol<'v> {
    /// None where it is not set or cannot be read.
    pub(super) fn read(value: &'v Value) -> Option<Protocol<'v>> {
        match value {
            Value::Number(number) => u8::try_from(number.as_u64()?).ok().map(Protocol::Number),
            Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().ok().map(Protocol::Number)
            }
            Value::String(text) => Some(Protocol::Name(text)),
            _ => None,
        }
    }

    pub(super) fn is_known(self) -> bool {
        match self {
            Protocol::Name(name) => ["TCP", "UDP", "ICMP", "ICMPv6", "SCTP", "UDPLite"].contains(&name),
            Protocol::Number(number) => number != 0,
        }
    }

    pub(super) fn has_ports(self) -> bool {
        matches!(self, Protocol::Name("TCP" | "UDP" | "SCTP") | Protocol::Number(6 | 17 | 132))
    }
}

pub(super) fn check(check: &mut Check, path: &str, rule: &Value, direction: Direction) {
    if !matches!(text(rule, "action"), "Allow" | "Deny" | "Log" | "Pass") {
        let reason = format!("{} must be Allow, Deny, Log or Pass", show(&rule["action"]));
        check.refuse(format!("{path}.action"), reason);
    }
    if !matches!(rule["ipVersion"].as_i64(), None | Some(4 | 6)) {
        check.refuse(format!("{path}.ipVersion"), format!("{} must be 4 or 6", rule["ipVersion"]));
    }
    check_protocols(check, path, rule);
    check_icmp(check, path, rule);
    check_http(check, path, rule, direction);
    check_annotations(check, &format!("{path}.metadata.annotations"), &rule["metadata"]["annotations"]);
    let ends = [("source", Direction::Egress), ("destination", Direction::Ingress)].map(|(field, no_services)| {
        entity::check(
            check,
            &format!("{path}.{field}"),
            &rule[field],
            no_services != direction || check.kind == Kind::Profile,
        )
    });
    check_ports_and_protocol(check, path, rule, &ends);
    check_families(check, path, rule);
    check_or_matches(check, path, &ends);
}

fn check_protocols(check: &mut Check, path: &str, rule: &Value) {
    for field in ["protocol", "notProtocol"] {
        let value = &rule[field];
        if !value.is_null() && !Protocol::read(value).is_some_and(Protocol::is_known) {
            let reason =
                format!("{} must be TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite or a number from 1 to 255", show(value));
            check.refuse(format!("{path}.{field}"), reason);
        }
    }
    // Calico takes both; iptables does not, and Felix tries for ever (seen with 3.28).
    if !rule["protocol"].is_null() && !rule["notProtocol"].is_null() {
        check.refuse(format!("{path}.notProtocol"), "stops Felix beside protocol, which says as much by itself");
    }
}

/// iptables takes an ICMP type only with the protocol's name, and a code only with a type.
fn check_icmp(check: &mut Check, path: &str, rule: &Value) {
    let protocol = Protocol::read(&rule["protocol"]);
    let is_icmp = matches!(protocol, Some(Protocol::Name("ICMP" | "ICMPv6")));
    for field in ["icmp", "notICMP"] {
        let icmp = &rule[field];
        if icmp.is_null() {
            continue;
        }
        if !is_icmp {
            check.refuse(format!("{path}.{field}"), "needs protocol ICMP or ICMPv6");
        }
        for (part, last) in [("type", 254), ("code", 255)] {
            if icmp[part].as_i64().is_some_and(|number| !(0..=last).contains(&number)) {
                check.refuse(format!("{path}.{field}.{part}"), format!("{} must be from 0 to {last}", icmp[part]));
            }
        }
        if icmp["type"].is_null() && !icmp["code"].is_null() {
            check.refuse(format!("{path}.{field}.code"), format!("{} needs a type", icmp["code"]));
        }
    }
    for (name, version) in [("ICMP", 4), ("ICMPv6", 6)] {
        let named = [protocol, Protocol::read(&rule["notProtocol"])].contains(&Some(Protocol::Name(name)));
        if named && rule["ipVersion"].as_i64().is_some_and(|wanted| wanted != version) {
            check.refuse(format!("{path}.ipVersion"), format!("{} does not go with {name}", rule["ipVersion"]));
        }
    }
}

fn check_http(check: &mut Check, path: &str, rule: &Value, direction: Direction) {
    let http = &rule["http"];
    if http.is_null() {
        return;
    }
    let path = format!("{path}.http");
    if direction == Direction::Egress && check.kind != Kind::Profile {
        check.refuse(&path, "only ingress rules can match HTTP");
    }
    if text(rule, "action") != "Allow" {
        check.refuse(&path, format!("only Allow rules can match HTTP, not {}", show(&rule["action"])));
    }
    if !matches!(Protocol::read(&rule["protocol"]), None | Some(Protocol::Name("TCP"))) {
        check.refuse(&path, format!("needs protocol TCP, not {}", show(&rule["protocol"])));
    }
    let mut seen = HashSet::new();
    for (index, method) in list(http, "methods").iter().enumerate() {
        if !seen.insert(method.as_str()) {
            check.refuse(format!("{path}.methods[{index}]"), format!("{} stands there twice", show(method)));
        }
    }
    for (field, since) in [("methods", 33), ("paths", 32)] {
        refuse_more(check, &format!("{path}.{field}"), field, list(http, field).len(), 20, since);
    }
    for (index, each) in list(http, "paths").iter().enumerate() {
        let path = format!("{path}.paths[{index}]");
        let (exact, prefix) = (text(each, "exact"), text(each, "prefix"));
        let wanted = if exact.is_empty() { prefix } else { exact };
        if exact.is_empty() == prefix.is_empty() {
            check.refuse(path, "must have either exact or prefix");
        } else if !wanted.starts_with('/') || wanted.contains(['?', ' ', '#']) {
            check.refuse(path, format!("{wanted:?} must start with / and have no ?, # or space"));
        }
    }
}

/// Ports need a protocol that has them. From 3.32 on, ports that are all named need none: the name brings its own.
fn check_ports_and_protocol(check: &mut Check, path: &str, rule: &Value, ends: &[Entity; 2]) {
    let protocol = &rule["protocol"];
    if Protocol::read(protocol).is_some_and(Protocol::has_ports) {
        return;
    }
    for (end, entity) in ["source", "destination"].into_iter().zip(ends) {
        for (field, ports) in [("ports", &entity.ports), ("notPorts", &entity.not_ports)] {
            let named_alone = ports.numbers == 0 && protocol.is_null() && !check.rule_until(32);
            if ports.any && !named_alone {
                let found =
                    if protocol.is_null() { "none is set".to_string() } else { format!("not {}", show(protocol)) };
                check.refuse(format!("{path}.{end}.{field}"), format!("ports need protocol TCP, UDP or SCTP; {found}"));
            }
        }
    }
}

/// A rule is for one family of addresses: with both, Felix would render a part of it for each.
fn check_families(check: &mut Check, path: &str, rule: &Value) {
    let mut seen: Option<(bool, String)> = None;
    for (end, field) in [("source", "nets"), ("source", "notNets"), ("destination", "nets"), ("destination", "notNets")]
    {
        for (index, value) in list(&rule[end], field).iter().enumerate() {
            let Some(net) = entity::read_net(value) else { continue };
            let is_v6 = matches!(net, ipnet::IpNet::V6(_));
            let path = format!("{path}.{end}.{field}[{index}]");
            let wanted = rule["ipVersion"].as_i64();
            if wanted.is_some_and(|version| (version == 6) != is_v6) {
                check.refuse(&path, format!("{} is not of ipVersion {}", show(value), rule["ipVersion"]));
            }
            match &seen {
                Some((v6, first)) if *v6 != is_v6 => {
                    check.refuse(
                        path,
                        format!("{} and {first} are of two families; write a rule for each", show(value)),
                    );
                }
                Some(_) => {}
                None => seen = Some((is_v6, show(value))),
            }
        }
    }
}

/// Felix renders a list that does not fit into one iptables match as a block of or-ed matches, in this order. All blocks
/// but the first share one mark bit, which is not cleared between them: from the third on a block is not checked (seen
/// with Felix 3.28.5, facts part 12).
fn check_or_matches(check: &mut Check, path: &str, [source, destination]: &[Entity; 2]) {
    let blocks = [
        ("source.ports", source.ports.matches),
        ("destination.ports", destination.ports.matches),
        ("source.nets", source.nets),
        ("destination.nets", destination.nets),
    ];
    let mut several = blocks.iter().filter(|(_, matches)| *matches > 1).map(|(field, _)| *field);
    let (first, second) = (several.next(), several.next());
    if let (Some(first), Some(second)) = (first, second) {
        for field in several {
            let reason = format!(
                "Felix would ignore this list, as {first} and {second} have more than one entry too: write one rule for each entry"
            );
            check.refuse(format!("{path}.{field}"), reason);
        }
    }
}
