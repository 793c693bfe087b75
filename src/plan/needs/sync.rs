//! What must be read to bring grants and the perimeter up to date.
//! Never asks for pods where no rule depends on any.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{everywhere, network, of_namespace, of_version, without_contained, without_repeats};
use crate::kubernetes::names::{Kind, SLICE_SERVICE};
use crate::kubernetes::objects::Query;
use crate::model::intent::{Grant, Peer};
use crate::model::net::parse_net;
use crate::model::world::{LabelQuery, World};
use crate::plan::candidates::label_text;
use crate::plan::perimeter::{doors, endpoints, nodes_set, recognise, sources};
use crate::plan::revoke::grants;
use crate::plan::roles::{LIFELINE, role};
use crate::plan::sync::lists;

/// The first round: every policy with its grants, and what the nodes are.
pub fn sync() -> Vec<Query> {
    let mut queries = everywhere();
    queries.push(Query::all(Kind::NetworkPolicy));
    without_repeats(queries)
}

/// The next rounds: doors and what closes them, where there is anything to bring up to date; then who stands behind.
pub fn sync_follow_ups(world: &World) -> Vec<Query> {
    let grants: Vec<Grant> = grants(world).into_iter().map(|info| info.grant).collect();
    let exposed = grants.iter().any(|grant| grant.through.is_some());
    let perimeter = exposed
        || recognise::ours(world).is_some()
        || nodes_set::find(world).is_some()
        || world.host_endpoints.iter().any(endpoints::is_ours);
    let lists = !lists::find(world).is_empty();
    let mut called = world.written.iter().filter(|(_, written)| role(written) == Some(LIFELINE)).peekable();
    if grants.is_empty() && !perimeter && !lists && called.peek().is_none() {
        return Vec::new();
    }
    let mut queries = of_version(world);
    let mut namespaces: BTreeSet<&str> = BTreeSet::new();
    for peer in grants.iter().flat_map(|grant| [&grant.from, &grant.to]) {
        if let Peer::Pods { namespace, .. } | Peer::Namespace(namespace) = peer {
            namespaces.insert(namespace);
        }
    }
    if called.peek().is_some() {
        let slices = format!("{SLICE_SERVICE}=kubernetes");
        queries.push(Query::all(Kind::EndpointSlice).in_namespace("default").labelled(slices));
        namespaces.extend(called.filter_map(|(id, _)| id.namespace.as_deref()));
    }
    for namespace in namespaces {
        queries.extend(of_namespace(namespace));
        queries.extend([Kind::Pod, Kind::Service].map(|kind| Query::all(kind).in_namespace(namespace)));
    }
    // Node addresses in a rule let in whom doors let in.
    if perimeter || lists || grants.iter().any(|grant| grant.from == Peer::Nodes) {
        queries.push(Query::all(Kind::Service));
        queries.extend(network::ways());
        queries.extend(network::door_ranges());
        queries.extend(network::unknown_proxy(world));
        for service in world.services.values().filter(|service| !doors::of(world, service).is_empty()) {
            let namespace = &service.namespace;
            let slices = format!("{SLICE_SERVICE}={}", service.name);
            queries.push(Query::all(Kind::EndpointSlice).in_namespace(namespace).labelled(slices));
            if !service.selector.is_empty() {
                let selector = LabelQuery { equal: service.selector.clone(), expressions: Vec::new() };
                queries.push(Query::all(Kind::Pod).in_namespace(namespace).labelled(label_text(&selector)));
            }
            queries.extend(of_namespace(namespace));
        }
    }
    queries.extend(owners(world));
    without_contained(without_repeats(queries))
}

/// Who has an address now that rules let in as a node's.
fn owners(world: &World) -> Vec<Query> {
    let pods = sources::pod_nets(world);
    let sets = world.network_sets.iter().filter(|set| set.namespace.is_none()).flat_map(|set| set.nets.iter().copied());
    let rules = world.written.values().flat_map(|written| &written.spec.ingress);
    let rules = rules.flat_map(|rule| rule.source.nets.iter().filter_map(|text| parse_net(text)));
    let within = |ip: &IpAddr| pods.iter().any(|pods| pods.contains(ip));
    let hosts = sets.chain(rules).filter(|net| net.prefix_len() == net.max_prefix_len()).map(|net| net.addr());
    let ips: BTreeSet<IpAddr> = hosts.filter(within).filter(|ip| world.node_at(*ip).is_none()).take(64).collect();
    ips.into_iter().map(|ip| Query::all(Kind::Pod).with_fields(format!("status.podIP={ip}"))).collect()
}
