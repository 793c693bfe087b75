//! The cluster's network as a whole: address pools, and what each of its parts is told.
//! Never knows what becomes of a packet.

use std::collections::BTreeSet;

use serde_json::Value;

use super::environment::Environment;
use super::gaps::hides;
use super::{announcers, bgp, felix, metallb, proxy, ranges, seen};
use crate::findings::{ANNOUNCED_TWICE, Finding};
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::Objects;
use crate::model::net::parse_net;
use crate::model::world::{Announcement, Announcer, AutoHostEndpoints, Fact, Gap, Network, Pool, TunnelMode, World};

/// Fills `network` and `pools`; nodes and Services are known by now.
pub fn observe(objects: &Objects, environment: &Environment, world: &mut World) {
    pools(objects, world);
    let mut network = Network {
        pod_ranges: ranges::of_pods(objects, &world.pools),
        service_ranges: ranges::of_services(objects),
        node_port_range: ranges::of_node_ports(objects),
        host_local: world.network.host_local.clone(),
        advertised: bgp::advertised(objects),
        bgp_peers: bgp::peers(objects),
        bgp_port: bgp::port(objects),
        address_pools: metallb::pools(objects),
        auto_host_endpoints: auto_host_endpoints(objects),
        ..Network::default()
    };
    proxy::observe(objects, &mut network);
    let beside = felix::Beside { version: world.calico, proxy_mode: &network.proxy_mode };
    network.log_settings = felix::log_settings(objects);
    (network.felix, network.felix_of) = felix::observe(objects, environment, &beside);
    world.network = network;
    world.network.announcers = announcers::observe(objects, world);
    let twice = world.network.announcers.iter().filter_map(|(key, fact)| announced_twice(key, fact));
    let twice: Vec<Finding> = twice.collect();
    world.findings.extend(twice);
}

/// In layer 2 one node at a time answers for a Service: more of them do not hear each other (TCP and UDP 7946 between
/// the speakers), or a status is of the past.
fn announced_twice((namespace, name): &(String, String), announcers: &Fact<Vec<Announcer>>) -> Option<Finding> {
    let in_layer2 = announcers.value()?.iter().filter(|announcer| announcer.how == Some(Announcement::Layer2));
    let nodes: BTreeSet<&str> = in_layer2.map(|announcer| announcer.node.as_str()).collect();
    (nodes.len() > 1).then(|| Finding {
        code: ANNOUNCED_TWICE,
        object: format!("Service {namespace}/{name}"),
        place: None,
        detail: nodes.into_iter().collect::<Vec<_>>().join(", "),
    })
}

fn pools(objects: &Objects, world: &mut World) {
    for object in &objects.ip_pools.items {
        let Some(net) = parse_net(&object.spec.cidr) else {
            let place = format!("IPPool {}, {}", object.metadata.name, object.place);
            let reason = format!("spec.cidr {:?} is no CIDR", object.spec.cidr);
            world.gaps.push(Gap { hides: hides(Kind::IPPool), namespace: None, place, reason });
            continue;
        };
        let uses = &object.spec.allowed_uses;
        world.pools.push(Pool {
            name: object.metadata.name.clone(),
            net,
            ipip: mode(&object.spec.ipip_mode),
            vxlan: mode(&object.spec.vxlan_mode),
            nat_outgoing: object.spec.nat_outgoing,
            disabled: object.spec.disabled,
            for_pods: uses.is_empty() || uses.iter().any(|one| one == "Workload"),
        });
    }
}

fn mode(text: &Option<String>) -> TunnelMode {
    match text.as_deref() {
        Some("Always") => TunnelMode::Always,
        Some("CrossSubnet") => TunnelMode::CrossSubnet,
        _ => TunnelMode::Never,
    }
}

/// What kube-controllers runs with, which its environment can change too, or else what it is told to.
fn auto_host_endpoints(objects: &Objects) -> Fact<AutoHostEndpoints> {
    const DEFAULT: &str = "default";
    let mut found = objects.kube_controllers.iter();
    let Some(object) = found.find(|object| object.metadata.name == DEFAULT) else {
        let coverage = &objects.kube_controllers.coverage;
        return Fact::unknown(seen::why_not(coverage, Kind::KubeControllersConfiguration, None, DEFAULT));
    };
    let running = object.status.get("runningConfig").filter(|running| running.is_object());
    let (told, part) = running.map_or((&object.spec, "spec"), |running| (running, "status.runningConfig"));
    let setting = |field: &str| told.pointer(&format!("/controllers/node/hostEndpoint/{field}"));
    let is = |field: &str, word: &str| setting(field).and_then(Value::as_str) == Some(word);
    let enabled = is("autoCreate", "Enabled");
    let templates = setting("templates").and_then(Value::as_array).into_iter().flatten();
    let names = templates.filter_map(|template| template.get("generateName")?.as_str().map(str::to_string));
    let value = AutoHostEndpoints {
        enabled,
        default: enabled && !is("createDefaultHostEndpoint", "Disabled"),
        templates: names.collect(),
    };
    Fact::known(value, format!("{part} of KubeControllersConfiguration {DEFAULT}"))
}
