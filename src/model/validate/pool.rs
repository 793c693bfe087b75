//! IP pools.
//! Never knows which addresses are given out.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::Value;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::policy::{Global, check_selector};
use super::{Check, list, show, text};
use crate::model::net::{parse_cidr, parse_net};

/// Bits of a block where the pool does not say.
const BLOCK: [i64; 2] = [26, 122];
/// The bits that a block may have (libcalico-go's client checks them behind its validator).
const BLOCKS: [std::ops::RangeInclusive<i64>; 2] = [20..=32, 116..=128];

pub(super) fn check(check: &mut Check, spec: &Value) {
    for field in ["ipipMode", "vxlanMode"] {
        let mode = text(spec, field);
        if !matches!(mode, "" | "Always" | "CrossSubnet" | "Never") {
            check.refuse(format!("spec.{field}"), format!("{mode:?} must be Always, CrossSubnet or Never"));
        }
    }
    check_selector(check, "spec.nodeSelector", &spec["nodeSelector"], Global::Anywhere);
    if !spec["ipip"].is_null() {
        check.refuse("spec.ipip", "is of calicoctl's first API, and nothing reads it; ipipMode says the same");
    }
    if spec["nat-outgoing"] == Value::Bool(true) {
        check.refuse(
            "spec.nat-outgoing",
            "is of calicoctl's first API, and nothing reads it; it is spelled natOutgoing",
        );
    }
    for (index, allowed) in list(spec, "allowedUses").iter().enumerate() {
        let known = match allowed.as_str() {
            Some("Workload" | "Tunnel") => true,
            // Addresses for Services of type LoadBalancer came with 3.30.
            Some("LoadBalancer") => check.version.is_some_and(|version| version.at_least(3, 30)),
            _ => false,
        };
        if !known {
            check.refuse(format!("spec.allowedUses[{index}]"), format!("{} must be Workload or Tunnel", show(allowed)));
        }
    }
    let enabled = |field: &str| matches!(text(spec, field), "Always" | "CrossSubnet");
    if enabled("ipipMode") && enabled("vxlanMode") {
        check.refuse("spec.vxlanMode", "cannot be on beside ipipMode: a pool has one encapsulation");
    }
    check_range(check, spec, enabled("ipipMode"));
}

fn check_range(check: &mut Check, spec: &Value, ipip: bool) {
    const PATH: &str = "spec.cidr";
    let cidr = text(spec, "cidr");
    let Some(net) = parse_net(cidr) else {
        return check.refuse(PATH, format!("{} is no CIDR", show(&spec["cidr"])));
    };
    if parse_cidr(cidr).is_some_and(|written| written != net) {
        check.refuse(PATH, format!("{cidr} has bits behind its mask; write {net}"));
    }
    let is_v6 = matches!(net, IpNet::V6(_));
    if !is_v6 && cidr.contains(':') {
        check.refuse(PATH, format!("{cidr} is an IPv4 address in IPv6 form; write it as IPv4"));
    }
    if is_v6 && ipip {
        check.refuse("spec.ipipMode", format!("{} is for IPv4 only, and {net} is IPv6", text(spec, "ipipMode")));
    }
    let family = usize::from(is_v6);
    let block = spec["blockSize"].as_i64().filter(|size| *size != 0);
    if let Some(block) = block.filter(|block| !BLOCKS[family].contains(block)) {
        let range = &BLOCKS[family];
        let reason = format!("{block}: a block here has from {} to {} bits", range.start(), range.end());
        check.refuse("spec.blockSize", reason);
    }
    let block = block.unwrap_or(BLOCK[family]);
    if spec["disabled"] != Value::Bool(true) && i64::from(net.prefix_len()) > block {
        check.refuse(PATH, format!("{net} is smaller than one block, which is a /{block} (blockSize)"));
    }
    let link_local = match net {
        IpNet::V4(net) => {
            let local = Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16);
            local.contains(&net) || net.contains(&local)
        }
        IpNet::V6(net) => {
            let local = Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10);
            local.contains(&net) || net.contains(&local)
        }
    };
    if link_local {
        check.refuse(PATH, format!("{net} has link-local addresses in it"));
    }
}
