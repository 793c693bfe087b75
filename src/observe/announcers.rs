//! Which node announces a load balancer's address: MetalLB's statuses say it, else its events, of the past.
//! Never knows the time: an event keeps its own.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;

use super::seen;
use crate::kubernetes::names::{BALANCED_NAMESPACE, BALANCED_NODE, BALANCED_SERVICE, Kind, NODE_ASSIGNED};
use crate::kubernetes::objects::{AnnouncementStatus, Answer, Coverage, Event, Objects};
use crate::model::world::{Announcement, Announcer, Fact, Service, World};

type Key = (String, String);

/// The announcers of every Service that has an address of a load balancer.
pub fn observe(objects: &Objects, world: &World) -> BTreeMap<Key, Fact<Vec<Announcer>>> {
    let mut statuses: BTreeMap<Key, Vec<Announcer>> = BTreeMap::new();
    for (list, kind, how) in [
        (&objects.l2_statuses, Kind::ServiceL2Status, Announcement::Layer2),
        (&objects.bgp_statuses, Kind::ServiceBGPStatus, Announcement::Bgp),
    ] {
        for status in list.iter() {
            let Some((key, node)) = announced(status) else { continue };
            let name = &status.metadata.name;
            let evidence = match &status.metadata.namespace {
                Some(namespace) => format!("{kind} {namespace}/{name}"),
                None => format!("{kind} {name}"),
            };
            // MetalLB makes a status when a node begins to announce, and deletes it when it ends.
            let since = status.metadata.creation_timestamp.as_ref().and_then(|time| time.parse::<Timestamp>().ok());
            let since = since.map(|time| time.as_second());
            statuses.entry(key).or_default().push(Announcer { node, how: Some(how), since, noted: None, evidence });
        }
    }
    let balanced = world.services.iter().filter(|(_, service)| !service.load_balancer_ips.is_empty());
    let of = |(key, service): (&Key, &Service)| {
        let found = statuses.remove(key).unwrap_or_else(|| of_events(objects, world, key, service));
        let fact = match found.is_empty() {
            true => Fact::unknown(why_unknown(objects)),
            false => {
                let evidence: Vec<&str> = found.iter().map(|announcer| announcer.evidence.as_str()).collect();
                let evidence = evidence.join(", ");
                Fact::known(found, evidence)
            }
        };
        (key.clone(), fact)
    };
    balanced.map(of).collect()
}

/// The status says it, and its labels do.
fn announced(status: &AnnouncementStatus) -> Option<(Key, String)> {
    let either = |field: &str, label: &str| match field.is_empty() {
        true => status.metadata.labels.get(label).cloned(),
        false => Some(field.to_string()),
    };
    let namespace = either(&status.status.service_namespace, BALANCED_NAMESPACE)?;
    let service = either(&status.status.service_name, BALANCED_SERVICE)?;
    Some(((namespace, service), either(&status.status.node, BALANCED_NODE)?))
}

/// Every node that announces by BGP; of layer 2 the one that began last. Nodes that are no more do not count.
fn of_events(objects: &Objects, world: &World, key: &Key, service: &Service) -> Vec<Announcer> {
    let by_bgp = service.load_balancer_ips.iter().any(|ip| {
        let pool = world.network.address_pool(*ip);
        pool.is_some_and(|pool| pool.announced.iter().all(|from| from.how == Announcement::Bgp))
    });
    let about = |event: &&Event| {
        let object = &event.involved_object;
        event.reason == NODE_ASSIGNED
            && object.kind == "Service"
            && (&object.namespace, &object.name) == (&key.0, &key.1)
    };
    let mut latest: BTreeMap<String, Announcer> = BTreeMap::new();
    for event in objects.events.iter().filter(about) {
        let Some(mut announcer) = announcer(event).filter(|one| world.nodes.contains_key(&one.node)) else { continue };
        if announcer.how.is_none() && by_bgp {
            announcer.how = Some(Announcement::Bgp);
        }
        let known = latest.entry(announcer.node.clone()).or_insert_with(|| announcer.clone());
        if known.noted < announcer.noted {
            *known = announcer;
        }
    }
    let all: Vec<Announcer> = latest.into_values().collect();
    let bgp = all.iter().filter(|announcer| announcer.how == Some(Announcement::Bgp)).cloned();
    let bgp: Vec<Announcer> = bgp.collect();
    match bgp.is_empty() {
        true => all.into_iter().max_by_key(|announcer| announcer.noted).into_iter().collect(),
        false => bgp,
    }
}

/// `announcing from node "n1" with protocol "layer2"`; versions up to 0.12 leave the protocol out.
fn announcer(event: &Event) -> Option<Announcer> {
    let mut words = event.message.split('"');
    let node = words.nth(1)?.to_string();
    let how = match words.nth(1) {
        Some("layer2") => Some(Announcement::Layer2),
        Some("bgp") => Some(Announcement::Bgp),
        _ => None,
    };
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
    let times = [series, event.last_timestamp.as_ref(), event.event_time.as_ref(), event.first_timestamp.as_ref()];
    let noted = times.into_iter().flatten().filter_map(|time| time.parse::<Timestamp>().ok()).max();
    let evidence = format!("event {NODE_ASSIGNED} {}", event.metadata.name);
    Some(Announcer { node, how, since: None, noted: noted.map(|time| time.as_second()), evidence })
}

fn why_unknown(objects: &Objects) -> String {
    let lists = [
        (&objects.l2_statuses.coverage, Kind::ServiceL2Status),
        (&objects.bgp_statuses.coverage, Kind::ServiceBGPStatus),
        (&objects.events.coverage, Kind::Event),
    ];
    let part = |(coverage, kind): (&Vec<Coverage>, Kind)| match seen::answer_of(coverage, kind) {
        Some(Answer::Complete) => format!("no {kind} does"),
        _ => seen::why_none(coverage, kind),
    };
    format!("nothing says which node announces it: {}", lists.map(part).join("; "))
}
