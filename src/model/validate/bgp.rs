//! How Calico speaks BGP: the configuration and the peers.
//! Never knows what is advertised.

use std::net::IpAddr;

use serde_json::Value;

use super::policy::{Global, check_selector};
use super::text::{is_interface, is_interface_of, is_subdomain};
use super::{Check, list, show, text};
use crate::model::net::{parse_cidr, parse_net};

/// How loud Calico may log.
pub(super) fn check_log_level(check: &mut Check, spec: &Value, field: &str) {
    let level = text(spec, field);
    // Trace came with a later release.
    let late = level == "Trace" && check.version.is_none_or(|version| version.at_least(3, 29));
    if !late && !matches!(level, "" | "Debug" | "Info" | "Warning" | "Error" | "Fatal") {
        check.refuse(format!("spec.{field}"), format!("{level:?} must be Debug, Info, Warning, Error or Fatal"));
    }
}

pub(super) fn check_configuration(check: &mut Check, spec: &Value) {
    check_log_level(check, spec, "logSeverityScreen");
    check_as_number(check, spec);
    for field in ["serviceLoadBalancerIPs", "serviceExternalIPs", "serviceClusterIPs"] {
        for (index, block) in list(spec, field).iter().enumerate() {
            let path = format!("spec.{field}[{index}].cidr");
            if !text(block, "cidr").is_empty() {
                check_masked(check, &path, &block["cidr"]);
            }
        }
    }
    check_communities(check, spec);
    if spec["listenPort"].as_i64().is_some_and(|port| !(0..=65535).contains(&port)) {
        check.refuse("spec.listenPort", format!("{} must be from 1 to 65535", spec["listenPort"]));
    }
    let meshed = spec["nodeToNodeMeshEnabled"] != Value::Bool(false);
    for field in ["nodeMeshPassword", "nodeMeshMaxRestartTime"] {
        if !meshed && !spec[field].is_null() {
            check.refuse(format!("spec.{field}"), "cannot be set where nodeToNodeMeshEnabled is false");
        }
    }
    for (index, value) in list(spec, "ignoredInterfaces").iter().enumerate() {
        let is_one = |name: &str| name != "*" && is_interface_of(name, b"_.*-");
        if !value.as_str().is_some_and(is_one) {
            let reason = format!("{} must be an interface's name, which may have *, but not be *", show(value));
            check.refuse(format!("spec.ignoredInterfaces[{index}]"), reason);
        }
    }
}

/// A CIDR without bits behind its mask, or an address.
fn check_masked(check: &mut Check, path: &str, value: &Value) {
    let written = value.as_str().unwrap_or_default();
    match (parse_cidr(written), parse_net(written)) {
        (Some(net), _) if net != net.trunc() => {
            check.refuse(path, format!("{written} has bits behind its mask; write {}", net.trunc()));
        }
        (None, None) => check.refuse(path, format!("{} is no CIDR", show(value))),
        _ => {}
    }
}

fn check_as_number(check: &mut Check, spec: &Value) {
    let value = &spec["asNumber"];
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let half = |text: &str| digits(text) && text.parse::<u16>().is_ok();
    let is_one = match value {
        Value::Null => true,
        Value::Number(number) => number.as_u64().is_some_and(|number| u32::try_from(number).is_ok()),
        Value::String(text) => match text.split_once('.') {
            Some((high, low)) => half(high) && half(low),
            None => digits(text) && text.parse::<u32>().is_ok(),
        },
        // Another type is for `shape` to say.
        _ => true,
    };
    if !is_one {
        check.refuse("spec.asNumber", format!("{} is no AS number: 0 to 4294967295, or as 64512.10", show(value)));
    }
}

/// Whether it has a community's form, and whether its parts fit: three parts have 32 bits each, two have 16.
fn community(value: &str) -> Option<bool> {
    let parts: Vec<&str> = value.split(':').collect();
    let are_numbers = parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    match parts.len() {
        2 if are_numbers => Some(parts.iter().all(|part| part.parse::<u16>().is_ok())),
        3 if are_numbers => Some(parts.iter().all(|part| part.parse::<u32>().is_ok())),
        _ => None,
    }
}

fn check_communities(check: &mut Check, spec: &Value) {
    const FORM: &str = "must be two numbers of 16 bits or three of 32, as 65000:100";
    let (communities, prefixes) = (list(spec, "communities"), list(spec, "prefixAdvertisements"));
    for (index, each) in communities.iter().enumerate() {
        let path = format!("spec.communities[{index}]");
        if !is_subdomain(text(each, "name")) {
            let reason = format!("{} must be lower-case letters, digits, hyphens and dots", show(&each["name"]));
            check.refuse(format!("{path}.name"), reason);
        }
        if community(text(each, "value")) != Some(true) {
            check.refuse(format!("{path}.value"), format!("{} {FORM}", show(&each["value"])));
        }
    }
    if prefixes.is_empty() && !communities.is_empty() {
        check.refuse("spec.communities", "are named, and no prefixAdvertisement uses them");
    }
    for (index, each) in prefixes.iter().enumerate() {
        let path = format!("spec.prefixAdvertisements[{index}]");
        check_masked(check, &format!("{path}.cidr"), &each["cidr"]);
        if each["communities"].is_null() {
            check.refuse(format!("{path}.communities"), "is not set");
        }
        for (at, value) in list(each, "communities").iter().enumerate() {
            let written = value.as_str().unwrap_or_default();
            let is_named = communities.iter().any(|community| text(community, "name") == written);
            match community(written) {
                Some(true) => {}
                None if is_named => {}
                Some(false) => check.refuse(format!("{path}.communities[{at}]"), format!("{} {FORM}", show(value))),
                None => check.refuse(
                    format!("{path}.communities[{at}]"),
                    format!("{} is no community, and none of spec.communities has this name", show(value)),
                ),
            }
        }
    }
}

/// The address of `ADDRESS`, `IPv4:PORT` or `[IPv6]:PORT`.
fn peer_address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (address, port) = text.rsplit_once(':')?;
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let address = match address.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?,
        None => Some(address).filter(|address| !address.contains(':'))?,
    };
    address.parse().ok().filter(|_| is_port)
}

pub(super) fn check_peer(check: &mut Check, spec: &Value) {
    let node = text(spec, "node");
    if !node.is_empty() && !is_subdomain(node) {
        check.refuse("spec.node", format!("{node:?} must be lower-case letters, digits, hyphens and dots"));
    }
    for field in ["nodeSelector", "peerSelector"] {
        check_selector(check, &format!("spec.{field}"), &spec[field], Global::Anywhere);
    }
    let (peer, reachable) = (text(spec, "peerIP"), text(spec, "reachableBy"));
    let address = peer_address(peer);
    if !peer.is_empty() && address.is_none() {
        check.refuse("spec.peerIP", format!("{peer:?} must be ADDRESS, IPv4:PORT or [IPv6]:PORT"));
    }
    check_as_number(check, spec);
    check_exclusive(check, spec);
    if !matches!(text(spec, "sourceAddress"), "" | "UseNodeIP" | "None") {
        check.refuse("spec.sourceAddress", format!("{} must be UseNodeIP or None", show(&spec["sourceAddress"])));
    }
    if !matches!(text(spec, "nextHopMode"), "" | "Auto" | "Self" | "Keep") {
        check.refuse("spec.nextHopMode", format!("{} must be Auto, Self or Keep", show(&spec["nextHopMode"])));
    }
    for (field, range) in
        [("numAllowedLocalASNumbers", i64::from(i32::MIN)..=i64::from(i32::MAX)), ("ttlSecurity", 0..=255)]
    {
        if spec[field].as_i64().is_some_and(|number| !range.contains(&number)) {
            let reason = format!("{} must be from {} to {}", spec[field], range.start(), range.end());
            check.refuse(format!("spec.{field}"), reason);
        }
    }
    if !reachable.is_empty() {
        let family = |address: IpAddr| address.to_canonical().is_ipv4();
        match (reachable.parse::<IpAddr>(), address) {
            (Err(_), _) => check.refuse("spec.reachableBy", format!("{reachable:?} is no address")),
            (Ok(_), None) => check.refuse("spec.reachableBy", "needs a peerIP"),
            (Ok(reachable), Some(peer)) if family(reachable) != family(peer) => {
                check.refuse("spec.reachableBy", format!("{reachable} is not of the family of {peer}"));
            }
            _ => {}
        }
    }
    for (index, filter) in list(spec, "filters").iter().enumerate() {
        if !filter.as_str().is_some_and(is_subdomain) {
            check.refuse(format!("spec.filters[{index}]"), format!("{} is no name of a BGPFilter", show(filter)));
        }
    }
}

/// What cannot stand beside what.
fn check_exclusive(check: &mut Check, spec: &Value) {
    let has = |field: &str| match &spec[field] {
        Value::Null | Value::Bool(false) => false,
        // AS 0 is none, as a text too.
        Value::String(text) if field == "asNumber" => text.bytes().any(|byte| !b"0.".contains(&byte)),
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_i64() != Some(0),
        _ => true,
    };
    for (one, other) in [
        ("node", "nodeSelector"),
        ("peerIP", "peerSelector"),
        ("asNumber", "peerSelector"),
        ("keepOriginalNextHop", "nextHopMode"),
    ] {
        if has(one) && has(other) {
            check.refuse(format!("spec.{one}"), format!("cannot stand beside {other}"));
        }
    }
}

/// An interface's name, or `*`.
pub(super) fn check_interface(check: &mut Check, path: &str, value: &Value) {
    let name = value.as_str().unwrap_or_default();
    if !name.is_empty() && name != "*" && !is_interface(name) {
        check.refuse(path, format!("{name:?} must be an interface's name: at most 15 letters, digits, _ . -"));
    }
}
