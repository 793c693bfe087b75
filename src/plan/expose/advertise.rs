//! The BGP side of `bgp-allow`: which address of a Service is advertised, and to whom. Written only where it is asked.
//! Never advertises more than the Service's own address.

use std::net::IpAddr;

use serde_json::json;

use super::super::edit::Edit;
use super::super::roles::PERIMETER;
use super::super::{PlanError, Step};
use crate::kubernetes::ObjectRef;
use crate::kubernetes::names::{Kind, ROLE};
use crate::model::world::{BgpPeer, Fact, PeerNodes, Service, ServiceAddress, World};

/// A router outside that nodes are to peer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAsked {
    /// Its address.
    pub address: IpAddr,
    /// Its autonomous system.
    pub number: u32,
}

/// The list of a BGPConfiguration for a kind of address.
fn list(of: ServiceAddress) -> &'static str {
    match of {
        ServiceAddress::Cluster => "serviceClusterIPs",
        ServiceAddress::External => "serviceExternalIPs",
        ServiceAddress::LoadBalancer => "serviceLoadBalancerIPs",
    }
}

fn addresses(service: &Service, of: ServiceAddress) -> &[IpAddr] {
    match of {
        ServiceAddress::Cluster => &service.cluster_ips,
        ServiceAddress::External => &service.external_ips,
        ServiceAddress::LoadBalancer => &service.load_balancer_ips,
    }
}

/// The Service's addresses that some BGPConfiguration advertises.
fn advertised(world: &World, service: &Service) -> Vec<IpAddr> {
    let kinds = [ServiceAddress::Cluster, ServiceAddress::External, ServiceAddress::LoadBalancer];
    let of = |of: ServiceAddress| {
        let own = addresses(service, of).iter().copied();
        own.filter(move |ip| world.network.advertises(of, *ip).is_some())
    };
    kinds.into_iter().flat_map(of).collect()
}

/// Has the Service's own address advertised, and nothing beside it. The entries that the step adds are remembered in the
/// grant. Without being asked for it, an address must be advertised already.
pub fn step(
    world: &World,
    service: &Service,
    asked: Option<ServiceAddress>,
) -> Result<(Option<Step>, Vec<String>), PlanError> {
    let name = format!("{}/{}", service.namespace, service.name);
    let Some(of) = asked else {
        if advertised(world, service).is_empty() {
            return Err(PlanError::Refused {
                reason: format!("no BGPConfiguration advertises an address of Service {name}"),
                hints: vec!["--advertise cluster (or external, or lb) has its own address advertised".into()],
            });
        }
        return Ok((None, Vec::new()));
    };
    let own = addresses(service, of);
    if own.is_empty() {
        return Err(PlanError::Refused {
            reason: format!("Service {name} has no {of} address"),
            hints: vec!["--advertise cluster has its cluster address advertised".into()],
        });
    }
    let lacking = own.iter().filter(|ip| world.network.advertises(of, **ip).is_none());
    let cidrs: Vec<String> = lacking.map(|ip| ipnet::IpNet::from(*ip).to_string()).collect();
    if cidrs.is_empty() {
        return Ok((None, Vec::new()));
    }
    let edit = |cidr: &String| Edit::Advertise { list: list(of).into(), cidr: cidr.clone(), on: true };
    let step = Step {
        object: configuration(),
        planned_on: None,
        edits: cidrs.iter().map(edit).collect(),
        why: format!("the {of} address of {name} is advertised over BGP, by every node"),
    };
    Ok((Some(step), cidrs.iter().map(|cidr| format!("{} {cidr}", list(of))).collect()))
}

/// The BGPConfiguration of the whole cluster.
pub fn configuration() -> ObjectRef {
    ObjectRef { kind: Kind::BGPConfiguration, namespace: None, name: "default".into() }
}

/// Takes back what a grant has advertised, as it remembers it.
pub fn step_back(entries: &[String]) -> Option<Step> {
    let edits: Vec<Edit> = entries
        .iter()
        .filter_map(|entry| entry.split_once(' '))
        .map(|(list, cidr)| Edit::Advertise { list: list.into(), cidr: cidr.into(), on: false })
        .collect();
    let why = "it was advertised for the grant".to_string();
    (!edits.is_empty()).then(|| Step { object: configuration(), planned_on: None, edits, why })
}

/// The router as one that every node peers with; what is not known stays so.
pub fn add_peer(world: &mut World, asked: Option<PeerAsked>) {
    let (Some(PeerAsked { address, .. }), Fact::Known { value, .. }) = (asked, &mut world.network.bgp_peers) else {
        return;
    };
    if !value.iter().any(|peer| peer.ip() == Some(address)) {
        let address = address.to_string();
        value.push(BgpPeer { name: "this plan".into(), address, nodes: PeerNodes::All });
    }
}

/// A BGPPeer for a router that no node peers with yet.
pub fn peer(world: &World, asked: Option<PeerAsked>) -> Option<Step> {
    let PeerAsked { address, number } = asked?;
    let text = address.to_string();
    let is_it =
        |there: &str| there == text || there.starts_with(&format!("{text}:")) || there.contains(&format!("[{text}]"));
    if world.network.bgp_peers.value().into_iter().flatten().any(|peer| is_it(&peer.address)) {
        return None;
    }
    let name = format!("zerotrust-{}", text.replace([':', '.'], "-"));
    let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "BGPPeer",
        "metadata": {"name": name, "annotations": {ROLE: PERIMETER}}, "spec": {"peerIP": text, "asNumber": number}});
    Some(Step {
        object: ObjectRef { kind: Kind::BGPPeer, namespace: None, name },
        planned_on: None,
        edits: vec![Edit::Create(document)],
        why: format!("every node peers with {text} (AS {number}) over BGP"),
    })
}
