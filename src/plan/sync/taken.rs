//! Addresses that rules let in as a node's, and that a pod has: tunnels' addresses come from the pods' ranges, and are given
//! to pods again.
//! Never changes anything: `sync` takes out what no Node carries.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::perimeter::nodes_set;
use crate::findings::{Finding, NODE_ADDRESS_OF_POD};
use crate::kubernetes::names::GRANT;
use crate::model::intent::{Grant, Peer};
use crate::model::net::parse_net;
use crate::model::spec::RuleSpec;
use crate::model::world::World;

/// Each of them once, with who has it.
pub fn taken(world: &World) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |object: String, place: Option<String>, ips: BTreeSet<IpAddr>| {
        for ip in ips {
            let pods: Vec<String> = world.pods_at(ip).map(|pod| pod.full_name()).collect();
            if let Some(first) = pods.first() {
                let detail = match world.node_at(ip) {
                    Some(node) => format!("{ip} of node {} is pod {first}'s too", node.name),
                    None => format!(
                        "{ip} is of no node any more, and pod {first} has it; `kubectl zerotrust sync` takes it out"
                    ),
                };
                found.push(Finding { code: NODE_ADDRESS_OF_POD, object: object.clone(), place: place.clone(), detail });
            }
        }
    };
    if let Some(set) = nodes_set::find(world).filter(|set| nodes_set::is_ours(set)) {
        add(format!("GlobalNetworkSet {}", set.name), None, set.nets.iter().map(IpNet::addr).collect());
    }
    let grants = super::super::revoke::grants(world);
    for (id, written) in &world.written {
        // What a grant names by itself is no node's address.
        let asked = |rule: &RuleSpec| {
            let id = rule.metadata.as_ref().and_then(|metadata| metadata.annotations.get(GRANT))?;
            grants.iter().find(|info| info.id == *id).map(|info| info.grant.clone())
        };
        let rules = written.spec.ingress.iter().filter_map(|rule| Some((rule, asked(rule)?)));
        let ips: BTreeSet<IpAddr> = rules.flat_map(|(rule, grant)| as_nodes(rule, &grant)).collect();
        add(id.to_string(), Some(written.place.clone()), ips);
    }
    for list in super::lists::find(world) {
        add(list.name.clone(), None, list.vain.iter().map(IpNet::addr).collect());
    }
    found.sort();
    found.dedup();
    found
}

/// The addresses of a grant's rule that are there for the nodes.
fn as_nodes(rule: &RuleSpec, grant: &Grant) -> Vec<IpAddr> {
    let named: &[IpNet] = match &grant.from {
        Peer::Nets(nets) => nets,
        _ => &[],
    };
    let nets = rule.source.nets.iter().filter_map(|text| parse_net(text));
    nets.filter(|net| !named.contains(net) && net.prefix_len() == net.max_prefix_len()).map(|net| net.addr()).collect()
}
