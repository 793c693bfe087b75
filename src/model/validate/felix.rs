//! What may be set for Felix and for Calico's controllers.
//! Never knows what a setting does.

use std::net::IpAddr;

use serde_json::Value;

use super::bgp::{check_interface, check_log_level};
use super::entity::slots;
use super::text::{is_interface, is_interface_of, is_label};
use super::{Check, list, regexp, show, text};
use crate::model::net::parse_net;

/// Fields with a few values.
const CHOICES: &[(&str, &[&str])] = &[
    ("iptablesBackend", &["Auto", "NFT", "Legacy"]),
    ("defaultEndpointToHostAction", &["Drop", "Accept", "Return"]),
    ("iptablesFilterAllowAction", &["Accept", "Return"]),
    ("iptablesMangleAllowAction", &["Accept", "Return"]),
    ("iptablesFilterDenyAction", &["Drop", "Reject"]),
    ("bpfLogLevel", &["Debug", "Info", "Off"]),
    ("bpfConnectTimeLoadBalancing", &["TCP", "Enabled", "Disabled"]),
    ("bpfHostNetworkedNATWithoutCTLB", &["Enabled", "Disabled"]),
    ("bpfExternalServiceMode", &["Tunnel", "DSR"]),
    ("awsSrcDstCheck", &["DoNothing", "Enable", "Disable"]),
    ("serviceLoopPrevention", &["Drop", "Reject", "Disabled"]),
    ("workloadSourceSpoofing", &["Disabled", "Any"]),
    ("windowsManageFirewallRules", &["Enabled", "Disabled"]),
];

/// Fields of `CHOICES` that are pointers in Go, where an empty text is a value, and none of the choices.
const POINTERS: [&str; 4] =
    ["bpfConnectTimeLoadBalancing", "bpfHostNetworkedNATWithoutCTLB", "awsSrcDstCheck", "windowsManageFirewallRules"];

/// Numbers and what they may be.
const RANGES: &[(&str, i64, i64)] = &[
    ("debugPort", 0, 65535),
    ("bpfExtToServiceConnmark", 0, 4_294_967_295),
    ("iptablesMarkMask", 0, 4_294_967_295),
    ("wireguardListeningPort", 1, 65535),
    ("wireguardListeningPortV6", 1, 65535),
    ("wireguardRoutingRulePriority", 1, 32765),
    ("goGCThreshold", -1, i64::MAX),
    ("goMemoryLimitMB", -1, i64::MAX),
];

/// Regular expressions, in Go's syntax.
const EXPRESSIONS: [&str; 6] = [
    "logDebugFilenameRegex",
    "bpfDataIfacePattern",
    "bpfL3IfacePattern",
    "bpfDisableGROForIfaces",
    "routeSource",
    "mtuIfacePattern",
];

/// Node port ranges that fit one multiport match of iptables, two slots each.
const MOST_RANGES: usize = 7;
/// Calico's names of namespaces are `openstack-region-` and this.
const LONGEST_REGION: usize = 63 - "openstack-region-".len();
/// All routing tables that Felix may be given.
const MOST_TABLES: i64 = 0xffff;

pub(super) fn check(check: &mut Check, spec: &Value) {
    for field in ["logSeverityFile", "logSeverityScreen", "logSeveritySys"] {
        check_log_level(check, spec, field);
    }
    for (field, choices) in CHOICES {
        check_choice(check, &format!("spec.{field}"), &spec[*field], choices, POINTERS.contains(field));
    }
    for (field, least, most) in RANGES {
        if spec[*field].as_i64().is_some_and(|number| !(*least..=*most).contains(&number)) {
            let range = if *most == i64::MAX { format!("at least {least}") } else { format!("from {least} to {most}") };
            check.refuse(format!("spec.{field}"), format!("{} must be {range}", spec[*field]));
        }
    }
    for field in EXPRESSIONS {
        if let Err(reason) = regexp::check(text(spec, field)) {
            check.refuse(format!("spec.{field}"), format!("{} is no regular expression: {reason}", show(&spec[field])));
        }
    }
    check_texts(check, spec);
    check_addresses(check, spec);
    check_ports(check, spec);
    check_tables(check, spec);
    for (index, each) in list(spec, "healthTimeoutOverrides").iter().enumerate() {
        let path = format!("spec.healthTimeoutOverrides[{index}]");
        let name = text(each, "name");
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_ -".contains(&byte)) {
            check.refuse(format!("{path}.name"), format!("{name:?} must be letters, digits, _, - and spaces"));
        }
        // Whether it is a duration at all is for `shape` to say.
        if text(each, "timeout").starts_with('-')
            && text(each, "timeout").bytes().any(|byte| (b'1'..=b'9').contains(&byte))
        {
            check.refuse(format!("{path}.timeout"), format!("{} is negative", show(&each["timeout"])));
        }
    }
}

fn check_choice(check: &mut Check, path: &str, value: &Value, choices: &[&str], is_pointer: bool) {
    let Some(text) = value.as_str() else { return };
    if !choices.contains(&text) && (is_pointer || !text.is_empty()) {
        check.refuse(path, format!("{text:?} must be {}", choices.join(" or ")));
    }
}

fn check_texts(check: &mut Check, spec: &Value) {
    for field in ["featureDetectOverride", "featureGates"] {
        let is_pair = |item: &str| {
            let key = item.trim_start_matches(is_go_space).split_once('=').map(|(key, _)| key);
            key.is_some_and(|key| {
                !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            })
        };
        let value = text(spec, field);
        // A line break ends what the value's pattern may match.
        let fits = |item: &str| item.is_empty() || (is_pair(item) && !value_of(item).contains('\n'));
        if !value.trim().is_empty() && !value.split(',').all(fits) {
            check.refuse(format!("spec.{field}"), format!("{} must be KEY=VALUE,KEY=VALUE", show(&spec[field])));
        }
    }
    let host = text(spec, "prometheusMetricsHost");
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b":._+-".contains(&byte);
    if !host.is_empty() && (host.len() > 64 || !host.bytes().all(is_inner)) {
        check.refuse("spec.prometheusMetricsHost", format!("{host:?} must be an address or a host's name"));
    }
    for field in ["wireguardInterfaceName", "wireguardInterfaceNameV6"] {
        check_interface(check, &format!("spec.{field}"), &spec[field]);
    }
    const FILTER: &str = "must be an interface's name, which may end in +";
    let filter = text(spec, "iptablesNATOutgoingInterfaceFilter");
    if !filter.is_empty() && !is_interface_of(filter, b":._+-") {
        check.refuse("spec.iptablesNATOutgoingInterfaceFilter", format!("{filter:?} {FILTER}"));
    }
    for (index, value) in list(spec, "bpfForceTrackPacketsFromIfaces").iter().enumerate() {
        if !value.as_str().is_some_and(|name| is_interface_of(name, b":._+-")) {
            check.refuse(format!("spec.bpfForceTrackPacketsFromIfaces[{index}]"), format!("{} {FILTER}", show(value)));
        }
    }
    for key in spec["bpfLogFilters"].as_object().into_iter().flat_map(|filters| filters.keys()) {
        if !is_interface(key) {
            check.refuse(format!("spec.bpfLogFilters[{key}]"), format!("{key:?} must be an interface's name"));
        }
    }
    let region = text(spec, "openstackRegion");
    if !region.is_empty() && (region.len() > LONGEST_REGION || !is_label(region)) {
        let reason = format!("{region:?} must be at most {LONGEST_REGION} lower-case letters, digits and hyphens");
        check.refuse("spec.openstackRegion", reason);
    }
}

/// What Go's `\s` matches.
fn is_go_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\u{c}' | '\r')
}

fn value_of(item: &str) -> &str {
    item.split_once('=').map_or("", |(_, value)| value)
}

fn check_addresses(check: &mut Check, spec: &Value) {
    for (field, wants_v4) in
        [("natOutgoingAddress", true), ("deviceRouteSourceAddress", true), ("deviceRouteSourceAddressIPv6", false)]
    {
        let address = text(spec, field);
        let family = address.parse::<IpAddr>().map(|address| address.to_canonical().is_ipv4());
        if !address.is_empty() && family != Ok(wants_v4) {
            let family = if wants_v4 { "IPv4" } else { "IPv6" };
            check.refuse(format!("spec.{field}"), format!("{address:?} is no {family} address"));
        }
    }
    for field in ["externalNodesList", "bpfDSROptoutCIDRs", "bpfExcludeCIDRsFromNAT"] {
        for (index, value) in list(spec, field).iter().enumerate() {
            let path = format!("spec.{field}[{index}]");
            match value.as_str().and_then(parse_net) {
                None => check.refuse(path, format!("{} is no CIDR and no address", show(value))),
                Some(ipnet::IpNet::V6(net)) if field == "externalNodesList" => {
                    check.refuse(path, format!("{net} is IPv6, and this list is for IPv4"));
                }
                Some(_) => {}
            }
        }
    }
}

fn check_ports(check: &mut Check, spec: &Value) {
    for field in ["failsafeInboundHostPorts", "failsafeOutboundHostPorts"] {
        for (index, each) in list(spec, field).iter().enumerate() {
            let path = format!("spec.{field}[{index}]");
            if !matches!(text(each, "protocol"), "TCP" | "UDP" | "SCTP") {
                let reason = format!("{}: failsafe ports are of TCP, UDP or SCTP", show(&each["protocol"]));
                check.refuse(format!("{path}.protocol"), reason);
            }
            if each["port"].as_i64().is_some_and(|port| !(0..=65535).contains(&port)) {
                check.refuse(format!("{path}.port"), format!("{} must be from 1 to 65535", each["port"]));
            }
        }
    }
    let ranges = list(spec, "kubeNodePortRanges");
    if ranges.len() > MOST_RANGES {
        let reason = format!("{} ranges are more than the {MOST_RANGES} that one iptables match takes", ranges.len());
        check.refuse("spec.kubeNodePortRanges", reason);
    }
    for (index, value) in ranges.iter().enumerate() {
        let path = format!("spec.kubeNodePortRanges[{index}]");
        match slots(value) {
            Ok(0) => check.refuse(path, format!("{} is a name; this list is for numbers", show(value))),
            Ok(_) => {}
            Err(reason) => check.refuse(path, reason),
        }
    }
    for field in ["natPortRange", "bpfPSNATPorts"] {
        if !spec[field].is_null()
            && let Err(reason) = slots(&spec[field])
        {
            check.refuse(format!("spec.{field}"), reason);
        }
    }
}

fn check_tables(check: &mut Check, spec: &Value) {
    let bounds = |range: &Value| (range["min"].as_i64().unwrap_or(0), range["max"].as_i64().unwrap_or(0));
    let one = &spec["routeTableRange"];
    if !one.is_null() {
        let (min, max) = bounds(one);
        if min < 1 || max < min || max > 250 {
            check.refuse("spec.routeTableRange", format!("{} must be a range within 1 to 250", show(one)));
        }
        if !spec["routeTableRanges"].is_null() {
            check.refuse("spec.routeTableRange", "cannot stand beside routeTableRanges");
        }
    }
    let ranges = list(spec, "routeTableRanges");
    for (index, range) in ranges.iter().enumerate() {
        let (min, max) = bounds(range);
        if min < 1 || min > max || max > i64::from(u32::MAX) {
            let reason = format!("{} must be a range within 1 to {}", show(range), u32::MAX);
            check.refuse(format!("spec.routeTableRanges[{index}]"), reason);
        }
    }
    let tables = ranges
        .iter()
        .map(bounds)
        .fold(0_i64, |sum, (min, max)| sum.saturating_add(max.saturating_sub(min).saturating_add(1)));
    if tables > MOST_TABLES {
        check.refuse("spec.routeTableRanges", format!("{tables} tables are more than {MOST_TABLES}"));
    }
}

/// KubeControllersConfiguration: switches, for the most part.
pub(super) fn check_controllers(check: &mut Check, spec: &Value) {
    check_log_level(check, spec, "logSeverityScreen");
    let node = &spec["controllers"]["node"];
    for (path, value) in [
        ("spec.healthChecks", &spec["healthChecks"]),
        ("spec.controllers.node.syncLabels", &node["syncLabels"]),
        ("spec.controllers.node.hostEndpoint.autoCreate", &node["hostEndpoint"]["autoCreate"]),
    ] {
        check_choice(check, path, value, &["Enabled", "Disabled"], false);
    }
    if spec["debugProfilePort"].as_i64().is_some_and(|port| i32::try_from(port).is_err()) {
        check.refuse("spec.debugProfilePort", format!("{} must be a port", spec["debugProfilePort"]));
    }
}
