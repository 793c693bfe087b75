//! What a BGPConfiguration advertises for a grant, once the Service has another address.
//! Never advertises an address that the grant did not have advertised before.

use std::net::IpAddr;

use ipnet::IpNet;

use super::super::Step;
use super::super::edit::Edit;
use super::super::expose::advertise;
use super::super::perimeter::sources::service_of;
use super::grants::Followed;
use super::{Order, Part};
use crate::model::world::{ServiceAddress, World};

/// Has the Service's present address advertised in the place of one that it had, and notes that in the grant.
pub fn follow(world: &World, followed: &mut Followed) -> Vec<Part> {
    let Some(service) = service_of(world, &followed.grant) else { return Vec::new() };
    let Some(through) = followed.grant.through.as_ref().filter(|through| !through.advertises.is_empty()) else {
        return Vec::new();
    };
    let kinds = [
        ("serviceClusterIPs", ServiceAddress::Cluster, &service.cluster_ips),
        ("serviceExternalIPs", ServiceAddress::External, &service.external_ips),
        ("serviceLoadBalancerIPs", ServiceAddress::LoadBalancer, &service.load_balancer_ips),
    ];
    let (mut kept, mut edits) = (Vec::new(), Vec::new());
    for (list, of, now) in kinds {
        let own: Vec<IpNet> = through
            .advertises
            .iter()
            .filter_map(|entry| entry.split_once(' ').filter(|(name, _)| *name == list)?.1.parse().ok())
            .collect();
        let is_now = |net: &IpNet| now.iter().any(|ip: &IpAddr| IpNet::from(*ip) == *net);
        kept.extend(own.iter().filter(|net| is_now(net) || now.is_empty()).map(|net| format!("{list} {net}")));
        let stale: Vec<&IpNet> = own.iter().filter(|net| !is_now(net) && !now.is_empty()).collect();
        if stale.is_empty() {
            continue;
        }
        let edit = |net: &IpNet, on: bool| Edit::Advertise { list: list.into(), cidr: net.to_string(), on };
        edits.extend(stale.into_iter().map(|net| edit(net, false)));
        let lacking = now.iter().filter(|ip| world.network.advertises(of, **ip).is_none());
        for net in lacking.map(|ip| IpNet::from(*ip)) {
            edits.push(edit(&net, true));
            kept.push(format!("{list} {net}"));
        }
    }
    if edits.is_empty() {
        return Vec::new();
    }
    let why = format!("Service {}/{} has another address by now", service.namespace, service.name);
    if let Some(through) = followed.grant.through.as_mut() {
        through.advertises = kept;
    }
    followed.changed = Some(followed.changed.clone().map_or(why.clone(), |other| format!("{other}, and {why}")));
    let step = Step { object: advertise::configuration(), planned_on: None, edits, why };
    vec![Part { of: Some(followed.name()), ..Part::new(Order::Advertised, step) }]
}
