//! MetalLB's address pools with the nodes that may announce them: its custom resources, or the ConfigMap of 0.9 to 0.12.
//! Never knows which node announces an address now.

use std::net::IpAddr;

use serde_json::Value;

use super::seen::{all, why_none};
use super::workloads::query;
use crate::kubernetes::names::{Kind, METALLB_CONFIG};
use crate::kubernetes::objects::{LabelSelector, Loose, Objects};
use crate::model::world::{AddressPool, AnnouncedFrom, Announcement, Fact, LabelQuery};

/// All pools.
pub fn pools(objects: &Objects) -> Fact<Vec<AddressPool>> {
    let of_kind = |kind: Kind| objects.metallb.iter().filter(move |object| object.kind == kind.to_string());
    let announcements: Vec<(&Loose, Announcement)> = of_kind(Kind::L2Advertisement)
        .map(|object| (object, Announcement::Layer2))
        .chain(of_kind(Kind::BGPAdvertisement).map(|object| (object, Announcement::Bgp)))
        .collect();
    let mut pools: Vec<AddressPool> = of_kind(Kind::IPAddressPool).map(|object| pool(object, &announcements)).collect();
    for map in objects.config_maps.iter().filter(|map| map.metadata.name == METALLB_CONFIG) {
        let configuration: Option<Value> = map.data.get("config").and_then(|text| serde_yaml::from_str(text).ok());
        let entries = configuration.as_ref().and_then(|configuration| configuration.get("address-pools")?.as_array());
        let place = format!("ConfigMap {}/{METALLB_CONFIG}", map.metadata.namespace.as_deref().unwrap_or("default"));
        pools.extend(entries.into_iter().flatten().map(|entry| old_pool(entry, &place)));
    }
    let kinds = [Kind::IPAddressPool, Kind::L2Advertisement, Kind::BGPAdvertisement];
    match kinds.into_iter().find(|kind| !all(&objects.metallb.coverage, *kind)) {
        // Of a pool whose advertisements were not read, nothing is known.
        Some(kind) if pools.is_empty() || kind != Kind::IPAddressPool => {
            Fact::unknown(why_none(&objects.metallb.coverage, kind))
        }
        _ => Fact::known(pools, "MetalLB's configuration"),
    }
}

fn pool(object: &Loose, announcements: &[(&Loose, Announcement)]) -> AddressPool {
    let full = |object: &Loose| match &object.metadata.namespace {
        Some(namespace) => format!("{} {namespace}/{}", object.kind, object.metadata.name),
        None => format!("{} {}", object.kind, object.metadata.name),
    };
    let announced =
        announcements.iter().filter(|(announcement, _)| is_for(announcement, object)).map(|(announcement, how)| {
            AnnouncedFrom { how: *how, nodes: selectors(announcement, "nodeSelectors"), evidence: full(announcement) }
        });
    AddressPool {
        name: object.metadata.name.clone(),
        ranges: addresses(object.spec.get("addresses")),
        announced: announced.collect(),
        // MetalLB heeds node.kubernetes.io/exclude-from-external-load-balancers since 0.14.
        excluded_too: false,
        evidence: full(object),
    }
}

/// An advertisement without a list and without selectors is for every pool.
fn is_for(announcement: &Loose, pool: &Loose) -> bool {
    let names = announcement.spec.get("ipAddressPools").and_then(Value::as_array);
    let named = names.into_iter().flatten().any(|name| name.as_str() == Some(&pool.metadata.name));
    let selectors = selectors(announcement, "ipAddressPoolSelectors");
    let everything = names.is_none_or(Vec::is_empty) && selectors.is_empty();
    everything || named || selectors.iter().any(|selector| selector.matches(&pool.metadata.labels))
}

fn selectors(announcement: &Loose, field: &str) -> Vec<LabelQuery> {
    let list = announcement.spec.get(field).and_then(Value::as_array).into_iter().flatten();
    let read = |selector: &Value| serde_json::from_value::<LabelSelector>(selector.clone()).ok();
    // One that cannot be read is none that the API server would have taken.
    list.filter_map(read).map(|selector| query(&selector)).collect()
}

/// A pool of the ConfigMap; in layer 2 every node with a speaker may announce it.
fn old_pool(entry: &Value, place: &str) -> AddressPool {
    let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
    let how = if text("protocol") == "bgp" { Announcement::Bgp } else { Announcement::Layer2 };
    AddressPool {
        name: text("name").to_string(),
        ranges: addresses(entry.get("addresses")),
        announced: vec![AnnouncedFrom { how, nodes: Vec::new(), evidence: place.to_string() }],
        excluded_too: true,
        evidence: place.to_string(),
    }
}

/// CIDRs, and first and last addresses with a dash between.
fn addresses(list: Option<&Value>) -> Vec<(IpAddr, IpAddr)> {
    let words = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let range = |word: &str| match word.split_once('-') {
        Some((first, last)) => Some((first.trim().parse().ok()?, last.trim().parse().ok()?)),
        None => word.trim().parse::<ipnet::IpNet>().ok().map(|net| (net.network(), net.broadcast())),
    };
    words.filter_map(range).collect()
}
