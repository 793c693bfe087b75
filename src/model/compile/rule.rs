//! One rule, as Felix enforces it.
//! Never knows which rules stand beside it.

use ipnet::IpNet;

use super::port::{self, Read};
use super::{Notes, selector};
use crate::findings;
use crate::model::flow::Protocol;
use crate::model::net::parse_net;
use crate::model::policy::{Entity, Icmp, PolicyId, Port, Rule, RuleAction};
use crate::model::spec::{EntitySpec, IcmpSpec, IntOrString, RuleSpec};

/// The rule's annotation that names the grant that it was made for.
const GRANT: &str = "kubectl-zerotrust/grant";

/// Compiles a rule; what is wrong with it goes to `notes`.
pub fn of_spec(id: &PolicyId, spec: &RuleSpec, list: &str, place: usize, notes: &mut Notes<'_>) -> Rule {
    let field = format!("spec.{list}[{place}]");
    let protocol = spec.protocol.as_ref().and_then(|text| protocol(text, &format!("{field}.protocol"), notes));
    let not_protocol = spec.not_protocol.as_ref();
    let not_protocol = not_protocol.and_then(|text| self::protocol(text, &format!("{field}.notProtocol"), notes));
    let icmp = spec.icmp.as_ref().and_then(|icmp| icmp_of(icmp, protocol, &format!("{field}.icmp"), notes));
    let not_icmp = spec.not_icmp.as_ref();
    let not_icmp = not_icmp.and_then(|icmp| icmp_of(icmp, protocol, &format!("{field}.notICMP"), notes));
    let annotations = spec.metadata.as_ref().map(|metadata| &metadata.annotations);
    let mut rule = Rule {
        action: action(&spec.action, &field, notes),
        ip_version: ip_version(spec.ip_version, &field, notes),
        protocol,
        not_protocol,
        icmp,
        not_icmp,
        source: entity(id, &spec.source, &format!("{field}.source"), notes),
        destination: entity(id, &spec.destination, &format!("{field}.destination"), notes),
        http: spec.http.is_some(),
        never: None,
        doubt: None,
        grant: annotations.and_then(|annotations| annotations.get(GRANT)).cloned(),
        place,
    };
    check_protocols(&rule, &field, notes);
    check_ports(&rule, spec.protocol.is_some(), &field, notes);
    check_blocks(&rule, &field, notes);
    let services = [&spec.source.services, &spec.destination.services];
    if services.into_iter().flatten().any(|service| service.namespace.is_empty()) {
        // A namespace that is left out means the policy's own by the documents; nothing in Calico's source fills it in.
        match id.namespace {
            Some(_) => {
                rule.doubt = Some("its Service has no namespace, which Calico's documents and source take differently")
            }
            None => rule.never = Some("its Service has no namespace"),
        }
    }
    rule
}

/// Lower-cased as Calico does, but `Pass`, which alone has a name of its own inside; an empty action allows. Up to 3.28
/// Felix knows `pass` too, and panics at any other word on every node that needs the rule (felix/rules/policy.go, seen).
fn action(text: &str, field: &str, notes: &mut Notes<'_>) -> RuleAction {
    if text == "Pass" {
        return RuleAction::Pass;
    }
    let panics = notes.version.is_some_and(|version| !version.at_least(3, 29));
    match text.to_lowercase().as_str() {
        "" | "allow" => RuleAction::Allow,
        "deny" => RuleAction::Deny,
        "log" => RuleAction::Log,
        "next-tier" => RuleAction::Pass,
        "pass" if panics => RuleAction::Pass,
        _ => {
            let detail = format!("{field}.action is {text:?}, not Allow, Deny, Log or Pass");
            if panics {
                notes.stops_nodes.get_or_insert_with(|| detail.clone());
            }
            notes.drop_policy(findings::ACTION_UNKNOWN, detail);
            RuleAction::Deny
        }
    }
}

fn ip_version(version: Option<i64>, field: &str, notes: &mut Notes<'_>) -> Option<u8> {
    match version {
        None => None,
        Some(4) => Some(4),
        Some(6) => Some(6),
        Some(other) => {
            let detail = format!("{field}.ipVersion is {other}, not 4 or 6");
            notes.drop_policy(findings::POLICY_REFUSED, detail);
            None
        }
    }
}

fn protocol(text: &IntOrString, field: &str, notes: &mut Notes<'_>) -> Option<Protocol> {
    match port::protocol(text) {
        Read::Good(protocol) | Read::Doubtful(protocol) => return Some(protocol),
        Read::Refused => {
            let detail = format!("{field} is {text}, which is no protocol that Calico knows");
            notes.drop_policy(findings::POLICY_REFUSED, detail);
        }
        Read::Undecodable => notes.stop_kind(format!("{field} is {text}, not a number from 1 to 255 or a name")),
    }
    None
}

/// ICMP type and code. A code without a type is left out (felix/calc, protobuf conversion).
fn icmp_of(icmp: &IcmpSpec, protocol: Option<Protocol>, field: &str, notes: &mut Notes<'_>) -> Option<Icmp> {
    let refused = icmp.kind.is_some_and(|kind| !(0..=254).contains(&kind))
        || icmp.code.is_some_and(|code| !(0..=255).contains(&code));
    if refused {
        notes.drop_policy(findings::POLICY_REFUSED, format!("{field} is no ICMP type (0 to 254) and code (0 to 255)"));
        return None;
    }
    let kind = u8::try_from(icmp.kind?).ok()?;
    if !matches!(protocol, Some(Protocol::ICMP | Protocol::ICMPV6)) {
        let why = format!("{field} is set without protocol ICMP or ICMPv6, which the kernel refuses");
        notes.find(findings::POLICY_REFUSED, why.clone());
        notes.doubt.get_or_insert(why);
    }
    Some(Icmp { kind, code: icmp.code.and_then(|code| u8::try_from(code).ok()) })
}

fn entity(id: &PolicyId, spec: &EntitySpec, field: &str, notes: &mut Notes<'_>) -> Entity {
    let nets = nets(&spec.nets, &format!("{field}.nets"), notes);
    let not_nets = self::nets(&spec.not_nets, &format!("{field}.notNets"), notes);
    if let Some(all) = not_nets.iter().find(|net| net.prefix_len() == 0) {
        let detail = format!("{field}.notNets has {all}, which leaves nothing that could match");
        // Since 3.31 Felix leaves such a rule out (felix/rules/policy.go, filterNets); before, iptables refuses it.
        if !notes.version.is_some_and(|version| version.at_least(3, 31)) {
            notes.stops_nodes.get_or_insert_with(|| detail.clone());
        }
        notes.find(findings::NOT_NETS_ALL, detail);
    }
    Entity {
        nets: (!nets.is_empty()).then_some(nets),
        not_nets,
        selector: selector::of_entity(id, spec, field, notes),
        not_selector: selector::not_of_entity(spec, field, notes),
        ports: ports(&spec.ports, &format!("{field}.ports"), notes),
        not_ports: ports(&spec.not_ports, &format!("{field}.notPorts"), notes).unwrap_or_default(),
        service: spec.services.as_ref().map(|service| {
            let own = || id.namespace.clone().unwrap_or_default();
            let namespace = if service.namespace.is_empty() { own() } else { service.namespace.clone() };
            (namespace, service.name.clone())
        }),
    }
}

/// Addresses that cannot be read are left out without a word, so that a list of nothing else matches every address.
fn nets(texts: &[String], field: &str, notes: &mut Notes<'_>) -> Vec<IpNet> {
    let good: Vec<IpNet> = texts.iter().filter_map(|text| parse_net(text)).collect();
    let bad: Vec<&str> = texts.iter().filter(|text| parse_net(text).is_none()).map(String::as_str).collect();
    if !bad.is_empty() {
        let code = if good.is_empty() { findings::NETS_ALL_UNREADABLE } else { findings::NET_UNREADABLE };
        notes.find(code, format!("{field}: {} cannot be read", bad.join(", ")));
    }
    good
}

/// Ports; none where none are written.
fn ports(texts: &[IntOrString], field: &str, notes: &mut Notes<'_>) -> Option<Vec<Port>> {
    let mut ports = Vec::with_capacity(texts.len());
    for text in texts {
        match port::port(text) {
            Read::Good(port) => ports.push(port),
            Read::Doubtful(port) => {
                let why = format!("{field} has {text:?}, which is taken for a name and is none that a port can have");
                notes.find(findings::PORT_NEVER_MATCHES, why.clone());
                notes.doubt.get_or_insert(why);
                ports.push(port);
            }
            Read::Refused => {
                notes.drop_policy(findings::POLICY_REFUSED, format!("{field} has {text}, which is no port"));
            }
            Read::Undecodable => notes.stop_kind(format!("{field} has {text:?}, which is no port, range or name")),
        }
    }
    (!texts.is_empty()).then_some(ports)
}

/// Felix writes both as they are, and iptables takes one `-p` only: it refuses everything that is written with the rule,
/// and Felix tries for ever (seen with 3.28).
fn check_protocols(rule: &Rule, field: &str, notes: &mut Notes<'_>) {
    if rule.protocol.is_some() && rule.not_protocol.is_some() {
        let detail = format!("{field} has protocol and notProtocol, which iptables refuses");
        notes.stops_nodes.get_or_insert_with(|| detail.clone());
        notes.find(findings::PROTOCOL_TWICE, detail);
    }
}

/// Ports need a protocol that has some; only names do without one, and that not in every version
/// (typha/pkg/validator/v1).
fn check_ports(rule: &Rule, protocol_given: bool, field: &str, notes: &mut Notes<'_>) {
    let lists = [&rule.source, &rule.destination];
    let mut ports = lists.iter().flat_map(|entity| entity.ports.iter().flatten().chain(&entity.not_ports)).peekable();
    if ports.peek().is_none() || rule.protocol.is_some_and(Protocol::has_ports) {
        return;
    }
    if protocol_given || ports.any(|port| matches!(port, Port::Range(..))) {
        let detail = format!("{field} has ports, but its protocol is not TCP, UDP or SCTP");
        notes.drop_policy(findings::POLICY_REFUSED, detail);
    } else if !notes.version.is_some_and(|version| version.at_least(3, 30)) {
        let why = format!("{field} has named ports and no protocol, which not every version of Felix takes");
        notes.doubt.get_or_insert(why);
    }
}

/// Says so where a third or-ed match of a rule is not checked.
fn check_blocks(rule: &Rule, field: &str, notes: &mut Notes<'_>) {
    if [4, 6].into_iter().any(|family| rule.unchecked(family)) {
        let detail = format!(
            "{field} has several sources, several destinations and ports that need several matches: the last is ignored"
        );
        notes.find(findings::DESTINATION_IGNORED, detail);
    }
}
