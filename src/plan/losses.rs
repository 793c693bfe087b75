//! What stops when a lockdown comes into force, counted and named before anybody says yes.
//! Never knows traffic: it says what could be reached and will not be.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::is_policed;
use super::{Note, Weight};
use crate::model::policy::Direction;
use crate::model::world::{Pod, Service, World};

/// How many names are spelled out.
const NAMES: usize = 8;

/// Notes on pods that get locked, Services that stop answering, and what is not covered.
pub fn notes(world: &World, after: &World, locked: &BTreeSet<String>) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut add = |weight, text: String| notes.push(Note { weight, text });
    let own: Vec<&Pod> = world.pods.iter().filter(|pod| locked.contains(&pod.namespace) && !pod.finished).collect();
    let (on_host, pods): (Vec<&Pod>, Vec<&Pod>) = own.into_iter().partition(|pod| pod.host_network);
    let newly = |direction: Direction| {
        pods.iter().filter(|pod| !is_policed(world, pod, direction) && is_policed(after, pod, direction)).count()
    };
    let (ingress, egress) = (newly(Direction::Ingress), newly(Direction::Egress));
    add(
        Weight::Fact,
        format!(
            "locked: {} with {}",
            counted(locked.len(), "namespace", &list(locked.iter())),
            many(pods.len(), "pod")
        ),
    );
    if ingress + egress > 0 {
        add(
            Weight::Warning,
            format!(
                "{} are open to everybody now and will not be; {} reach everything now and will reach nothing but DNS, \
                 not the API server either",
                many(ingress, "pod"),
                many(egress, "pod")
            ),
        );
    }
    let kept = pods.len().saturating_sub(ingress.max(egress));
    if kept > 0 {
        add(Weight::Fact, format!("{} keep what other policies allow them", many(kept, "pod")));
    }
    let closing: Vec<&Service> = world.services.values().filter(|service| closes(world, after, service)).collect();
    if !closing.is_empty() {
        let names: Vec<String> =
            closing.iter().map(|service| format!("{}/{}", service.namespace, service.name)).collect();
        let text = counted(closing.len(), "Service", &list(names.iter()));
        add(Weight::Warning, format!("stop answering until somebody is allowed: {text}"));
    }
    let doors: Vec<String> = closing.iter().flat_map(|service| doors(service)).collect();
    if !doors.is_empty() {
        add(Weight::Warning, format!("close for clients outside the cluster: {}", list(doors.iter())));
    }
    if !on_host.is_empty() {
        let names: Vec<String> = on_host.iter().map(|pod| pod.full_name()).collect();
        let text = format!("not covered, as they share their node's network: {}", list(names.iter()));
        add(Weight::Warning, text);
    }
    if ingress + egress > 0 {
        add(Weight::Fact, "connections that are established go on until they end; nodes are not covered".into());
    }
    notes
}

/// Pods that a plan is the first to select: what no rule allows stops there from then on. One line for each namespace and
/// direction.
pub fn flips(world: &World, after: &World) -> Vec<Note> {
    let mut found: BTreeMap<(&str, Direction), usize> = BTreeMap::new();
    for pod in world.pods.iter().filter(|pod| !pod.finished && !pod.host_network) {
        for direction in [Direction::Ingress, Direction::Egress] {
            if !is_policed(world, pod, direction) && is_policed(after, pod, direction) {
                *found.entry((&pod.namespace, direction)).or_default() += 1;
            }
        }
    }
    let text = |((namespace, direction), count): (&(&str, Direction), &usize)| {
        let pods = many(*count, "pod");
        format!(
            "the first policy to select {pods} of namespace {namespace} for {direction}: all that it does not allow stops there"
        )
    };
    let mut notes: Vec<Note> =
        found.iter().take(NAMES).map(|flip| Note { weight: Weight::Warning, text: text(flip) }).collect();
    if let Some(more) = found.len().checked_sub(NAMES).filter(|more| *more > 0) {
        let text = format!("and so in {more} more namespaces and directions");
        notes.push(Note { weight: Weight::Warning, text });
    }
    notes
}

/// Whether pods behind a Service are open to everybody now and will not be.
fn closes(world: &World, after: &World, service: &Service) -> bool {
    let own = |pod: &&Pod| {
        pod.namespace == service.namespace
            && !pod.finished
            && !pod.host_network
            && !service.selector.is_empty()
            && service.selector.iter().all(|(key, value)| pod.own_labels.get(key) == Some(value))
    };
    let closes = |pod: &Pod| !is_policed(world, pod, Direction::Ingress) && is_policed(after, pod, Direction::Ingress);
    world.pods.iter().filter(own).any(closes)
}

fn doors(service: &Service) -> Vec<String> {
    let name = format!("{}/{}", service.namespace, service.name);
    let node_ports = service.ports.iter().filter_map(|port| port.node_port);
    let mut doors: Vec<String> = node_ports.map(|port| format!("{name} (node port {port})")).collect();
    let addresses = service.load_balancer_ips.iter().chain(&service.external_ips);
    doors.extend(addresses.map(|ip| format!("{name} ({ip})")));
    doors
}

fn many(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        more => format!("{more} {what}s"),
    }
}

fn counted(count: usize, what: &str, names: &str) -> String {
    match count {
        0 => format!("no {what}"),
        _ => format!("{} ({names})", many(count, what)),
    }
}

fn list<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> String {
    let total = names.len();
    let shown: Vec<&str> = names.take(NAMES).map(String::as_str).collect();
    match total - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
