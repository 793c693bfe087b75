//! What Calico advertises over BGP, and to whom.
//! Never knows which node a packet enters by.

use serde_json::Value;

use super::seen::{all, why_none};
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::Objects;
use crate::model::net::parse_net;
use crate::model::selector::Selector;
use crate::model::world::{Advertised, BgpPeer, Fact, PeerNodes, ServiceAddress};

/// The only BGPConfiguration whose lists of Services' addresses count (confd reads the global ones alone, and
/// libcalico-go refuses them in others).
const DEFAULT: &str = "default";

/// Ranges of Services' addresses.
pub fn advertised(objects: &Objects) -> Fact<Vec<Advertised>> {
    if !all(&objects.bgp_configurations.coverage, Kind::BGPConfiguration) {
        return Fact::unknown(why_none(&objects.bgp_configurations.coverage, Kind::BGPConfiguration));
    }
    const LISTS: [(&str, ServiceAddress); 3] = [
        ("serviceClusterIPs", ServiceAddress::Cluster),
        ("serviceExternalIPs", ServiceAddress::External),
        ("serviceLoadBalancerIPs", ServiceAddress::LoadBalancer),
    ];
    let mut found = Vec::new();
    for object in objects.bgp_configurations.iter().filter(|object| object.metadata.name == DEFAULT) {
        for (list, of) in LISTS {
            let blocks = object.spec.get(list).and_then(Value::as_array).into_iter().flatten();
            let nets = blocks.filter_map(|block| parse_net(block.get("cidr")?.as_str()?));
            let evidence = || format!("{list} of BGPConfiguration {DEFAULT}");
            found.extend(nets.map(|net| Advertised { net, of, evidence: evidence() }));
        }
    }
    Fact::known(found, "BGPConfigurations")
}

/// The port on which nodes listen for BGP: 179, unless listenPort of the default BGPConfiguration says another.
pub fn port(objects: &Objects) -> Fact<u16> {
    if !all(&objects.bgp_configurations.coverage, Kind::BGPConfiguration) {
        return Fact::unknown(why_none(&objects.bgp_configurations.coverage, Kind::BGPConfiguration));
    }
    let default = objects.bgp_configurations.iter().find(|object| object.metadata.name == DEFAULT);
    let number = default.and_then(|object| object.spec.get("listenPort")?.as_u64());
    match number.and_then(|number| u16::try_from(number).ok()).filter(|number| *number != 0) {
        Some(number) => Fact::known(number, format!("listenPort of BGPConfiguration {DEFAULT}")),
        None => Fact::known(179, "Calico's default"),
    }
}

/// Peers by address: routers outside, and whatever else speaks BGP. Those that are chosen by peerSelector are nodes.
pub fn peers(objects: &Objects) -> Fact<Vec<BgpPeer>> {
    if !all(&objects.bgp_peers.coverage, Kind::BGPPeer) {
        return Fact::unknown(why_none(&objects.bgp_peers.coverage, Kind::BGPPeer));
    }
    let peer = |object: &crate::kubernetes::objects::Loose| {
        let text = |field: &str| object.spec.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        let nodes = match (text("node"), text("nodeSelector")) {
            (Some(node), _) => PeerNodes::Named(node.to_string()),
            (None, Some(selector)) => PeerNodes::Selected(Selector::parse(selector).ok()),
            (None, None) => PeerNodes::All,
        };
        Some(BgpPeer { name: object.metadata.name.clone(), address: text("peerIP")?.to_string(), nodes })
    };
    Fact::known(objects.bgp_peers.iter().filter_map(peer).collect(), "BGPPeers")
}
