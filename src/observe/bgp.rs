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
pub fn advertised(objects: &Objects) -> Vec<Advertised> {
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
    found
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
