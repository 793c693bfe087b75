//! Network sets, host endpoints and tiers.
//! Never knows policies.

use std::net::IpAddr;

use serde_json::Value;

use super::rule::Protocol;
use super::text::{is_interface, is_port_name, is_subdomain};
use super::{Check, list, refuse_repeats, show, text};
use crate::model::net::parse_net;

/// Calico gives this label to what is in a namespace; on a network set it would pretend to be in one.
const NAMESPACE_LABEL: &str = "projectcalico.org/namespace";

/// Addresses without a mask and bits behind the mask are taken here, as in no rule.
pub(super) fn check_network_set(check: &mut Check, object: &Value) {
    if object["metadata"]["labels"].get(NAMESPACE_LABEL).is_some() {
        check.refuse(format!("metadata.labels[{NAMESPACE_LABEL}]"), "is a label that only Calico itself may set");
    }
    let nets = list(&object["spec"], "nets");
    for (index, value) in nets.iter().enumerate() {
        if value.as_str().and_then(parse_net).is_none() {
            check.refuse(format!("spec.nets[{index}]"), format!("{} is no CIDR and no address", show(value)));
        }
    }
    refuse_repeats(check, "spec.nets", nets);
}

pub(super) fn check_host_endpoint(check: &mut Check, spec: &Value) {
    let (node, interface) = (text(spec, "node"), text(spec, "interfaceName"));
    if node.is_empty() {
        check.refuse("spec.node", "is not set");
    } else if !is_subdomain(node) {
        check.refuse("spec.node", format!("{node:?} must be lower-case letters, digits, hyphens and dots"));
    }
    let addresses = list(spec, "expectedIPs");
    if interface.is_empty() && addresses.is_empty() {
        check.refuse("spec.interfaceName", "is not set, and expectedIPs neither; one of them must tell the interface");
    }
    if !interface.is_empty() && interface != "*" && !is_interface(interface) {
        let reason = format!("{interface:?} must be * or an interface's name: at most 15 letters, digits, _ . -");
        check.refuse("spec.interfaceName", reason);
    }
    for (index, value) in addresses.iter().enumerate() {
        if value.as_str().and_then(|text| text.parse::<IpAddr>().ok()).is_none() {
            check.refuse(format!("spec.expectedIPs[{index}]"), format!("{} is no address", show(value)));
        }
    }
    refuse_repeats(check, "spec.expectedIPs", addresses);
    let profiles = list(spec, "profiles");
    for (index, value) in profiles.iter().enumerate() {
        if !value.as_str().is_some_and(is_subdomain) {
            check.refuse(format!("spec.profiles[{index}]"), format!("{} is no name of a profile", show(value)));
        }
    }
    refuse_repeats(check, "spec.profiles", profiles);
    for (index, port) in list(spec, "ports").iter().enumerate() {
        check_endpoint_port(check, &format!("spec.ports[{index}]"), port);
    }
}

fn check_endpoint_port(check: &mut Check, path: &str, port: &Value) {
    if !is_port_name(text(port, "name")) {
        let reason = format!("{} must be at most 15 lower-case letters, digits and hyphens", show(&port["name"]));
        check.refuse(format!("{path}.name"), reason);
    }
    if !Protocol::read(&port["protocol"]).is_some_and(Protocol::has_ports) {
        check.refuse(format!("{path}.protocol"), format!("{} must be TCP, UDP or SCTP", show(&port["protocol"])));
    }
    if !port["port"].as_i64().is_some_and(|number| (1..=65535).contains(&number)) {
        check.refuse(format!("{path}.port"), format!("{} must be from 1 to 65535", show(&port["port"])));
    }
}

/// The tiers that Calico makes itself: order and default action are fixed.
const FIXED_TIERS: &[(&str, f64, &str)] = &[
    ("default", 1_000_000.0, "Deny"),
    ("kube-admin", 1_000.0, "Pass"),
    ("kube-baseline", 10_000_000.0, "Pass"),
    ("adminnetworkpolicy", 1_000.0, "Pass"),
    ("baselineadminnetworkpolicy", 10_000_000.0, "Pass"),
];

pub(super) fn check_tier(check: &mut Check, object: &Value) {
    let (spec, name) = (&object["spec"], text(&object["metadata"], "name"));
    let action = text(spec, "defaultAction");
    if !matches!(action, "" | "Deny" | "Pass") {
        check.refuse("spec.defaultAction", format!("{} must be Deny or Pass", show(&spec["defaultAction"])));
    }
    let Some((_, order, fixed)) = FIXED_TIERS.iter().find(|(tier, ..)| *tier == name) else { return };
    if spec["order"].as_f64() != Some(*order) {
        check.refuse("spec.order", format!("{} must be {order} in tier {name}", show(&spec["order"])));
    }
    let found = if action.is_empty() { "Deny" } else { action };
    if found != *fixed {
        check.refuse("spec.defaultAction", format!("{found} must be {fixed} in tier {name}"));
    }
}
