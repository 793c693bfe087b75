//! The source or destination of a rule: nets, selectors, ports, services, service accounts.
//! Never knows the rule's protocol.

use ipnet::IpNet;
use serde_json::Value;

use super::policy::{Global, check_selector};
use super::text::{is_port_name, is_subdomain};
use super::{Check, Kind, list, refuse_more, refuse_repeats, show, text};
use crate::model::net::parse_cidr;

/// Calico's limits from 3.33 on.
const MOST_NETS: usize = 256;
const MOST_PORTS: usize = 50;
/// The slots of one iptables multiport match; a range takes two.
const SLOTS: usize = 15;

/// What the rule around needs to know of an end.
pub(super) struct Entity {
    pub(super) nets: usize,
    pub(super) ports: Ports,
    pub(super) not_ports: Ports,
}

#[derive(Default)]
pub(super) struct Ports {
    /// Whether there are any.
    pub(super) any: bool,
    /// Numbers and ranges.
    pub(super) numbers: usize,
    /// iptables matches that they need.
    pub(super) matches: usize,
}

/// `may_have_services`: only the peer of a rule can be a Service.
pub(super) fn check(check: &mut Check, path: &str, entity: &Value, may_have_services: bool) -> Entity {
    for field in ["nets", "notNets"] {
        check_nets(check, &format!("{path}.{field}"), list(entity, field), field == "notNets");
    }
    for field in ["selector", "notSelector"] {
        check_selector(check, &format!("{path}.{field}"), &entity[field], Global::Never);
    }
    check_selector(check, &format!("{path}.namespaceSelector"), &entity["namespaceSelector"], Global::Alone);
    let accounts = &entity["serviceAccounts"];
    check_selector(check, &format!("{path}.serviceAccounts.selector"), &accounts["selector"], Global::Never);
    for (index, name) in list(accounts, "names").iter().enumerate() {
        // Calico puts the names between quotes into a selector; one that does not parse drops the whole match.
        if !name.as_str().is_some_and(is_subdomain) {
            let path = format!("{path}.serviceAccounts.names[{index}]");
            check.refuse(path, format!("{} is no name of a ServiceAccount", show(name)));
        }
    }
    if !entity["services"].is_null() {
        check_services(check, path, entity, may_have_services);
    }
    let [ports, not_ports] =
        ["ports", "notPorts"].map(|field| check_ports(check, &format!("{path}.{field}"), list(entity, field)));
    Entity { nets: list(entity, "nets").len(), ports, not_ports }
}

/// A net of a rule, if it can be read.
pub(super) fn read_net(value: &Value) -> Option<IpNet> {
    parse_cidr(value.as_str()?)
}

fn check_nets(check: &mut Check, path: &str, nets: &[Value], negated: bool) {
    refuse_more(check, path, "nets", nets.len(), MOST_NETS, 33);
    for (index, value) in nets.iter().enumerate() {
        let path = format!("{path}[{index}]");
        if let Some(reason) = wrong_net(value) {
            check.refuse(&path, reason);
        } else if negated && read_net(value).is_some_and(|net| net.prefix_len() == 0) {
            check.refuse(
                &path,
                format!("{} leaves nothing to match, and Felix up to 3.30 stops programming the node", show(value)),
            );
        }
    }
    refuse_repeats(check, path, nets);
}

/// Felix leaves out a net that it cannot read; where it was the only one, the rule matches every address (facts, part 0).
fn wrong_net(value: &Value) -> Option<String> {
    let Some(text) = value.as_str() else { return Some(format!("{} is no CIDR", show(value))) };
    let Some(net) = parse_cidr(text) else {
        return Some(match text.parse::<std::net::IpAddr>() {
            Ok(address) => format!("{text} has no mask; write {}", IpNet::from(address)),
            Err(_) => format!("{} is no CIDR", show(value)),
        });
    };
    if net != net.trunc() {
        return Some(format!("{text} has bits behind its mask; write {}", net.trunc()));
    }
    // `::ffff:10.0.0.0/104`, which Calico takes for IPv4 and everybody else for IPv6.
    let mapped = text.contains(':') && net.addr().to_canonical().is_ipv4();
    mapped.then(|| format!("{text} is an IPv4 address in IPv6 form; write it as IPv4"))
}

fn check_services(check: &mut Check, path: &str, entity: &Value, allowed: bool) {
    let services = &entity["services"];
    let at = format!("{path}.services");
    if !allowed {
        check.refuse(&at, "only the source of ingress rules and the destination of egress rules can name a Service");
    }
    for field in ["name", "namespace"] {
        let value = text(services, field);
        if !value.is_empty() && !is_subdomain(value) {
            check.refuse(
                format!("{at}.{field}"),
                format!("{value:?} must be lower-case letters, digits, hyphens and dots"),
            );
        }
    }
    if text(services, "name").is_empty() {
        check.refuse(format!("{at}.name"), "is not set");
    }
    // Of profiles Calico asks neither.
    let is_policy = check.kind != Kind::Profile;
    if allowed && is_policy && check.kind.is_global() && text(services, "namespace").is_empty() {
        check.refuse(format!("{at}.namespace"), "is not set, which a cluster-wide policy needs");
    }
    let others = ["selector", "notSelector", "namespaceSelector", "serviceAccounts", "nets", "notNets"];
    let is_set = |field: &&str| match &entity[*field] {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    for field in others.iter().filter(|field| is_set(field)) {
        check.refuse(&at, format!("cannot stand beside {field}: a Service brings its own addresses"));
    }
    let brings_ports = path.ends_with("destination");
    for field in ["ports", "notPorts"].iter().filter(|field| brings_ports && is_set(field)) {
        check.refuse(format!("{path}.{field}"), "cannot stand beside services: a Service brings its own ports");
    }
}

fn check_ports(check: &mut Check, path: &str, ports: &[Value]) -> Ports {
    refuse_more(check, path, "ports", ports.len(), MOST_PORTS, 33);
    let mut found = Ports { any: !ports.is_empty(), ..Ports::default() };
    let mut free = 0;
    for (index, value) in ports.iter().enumerate() {
        match slots(value) {
            Ok(0) => found.matches += 1,
            Ok(slots) => {
                found.numbers += 1;
                if free < slots {
                    found.matches += 1;
                    free = SLOTS;
                }
                free -= slots;
            }
            Err(reason) => check.refuse(format!("{path}[{index}]"), reason),
        }
    }
    found
}

/// How many slots of a multiport match a port takes; a name takes none. One that cannot be read stops every policy of
/// the kind from reaching Felix (facts, part 0).
pub(super) fn slots(value: &Value) -> Result<usize, String> {
    let number = |digits: &str| digits.parse::<u16>().ok().filter(|port| *port != 0);
    let wrong = |reason: &str| Err(format!("{} {reason}", show(value)));
    let text = match value {
        Value::Number(port) => {
            return if (1..=65535).contains(&port.as_i64().unwrap_or(0)) { Ok(1) } else { wrong(RANGE) };
        }
        Value::String(text) => text,
        _ => return wrong("is no port: a number, a range as \"10:20\", or a name"),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits(text) {
        return if number(text).is_some() { Ok(1) } else { wrong(RANGE) };
    }
    if let Some((first, last)) = text.split_once(':').filter(|(first, last)| is_digits(first) && is_digits(last)) {
        return match (number(first), number(last)) {
            (Some(first), Some(last)) if first == last => Ok(1),
            (Some(first), Some(last)) if first < last => Ok(2),
            (Some(_), Some(_)) => wrong("ends before it begins"),
            _ => wrong(RANGE),
        };
    }
    if let Some((first, last)) = text.split_once('-').filter(|(first, last)| is_digits(first) && is_digits(last)) {
        return wrong(&format!("would be the name of a port; a range is written \"{first}:{last}\""));
    }
    if is_port_name(text) {
        Ok(0)
    } else {
        wrong(
            "is no port: a number, a range as \"10:20\", or a name of at most 15 lower-case letters, digits and hyphens",
        )
    }
}

const RANGE: &str = "is no port: ports go from 1 to 65535";
