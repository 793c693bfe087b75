//! The clusters of the replay: the example, and what each of them has instead.
//! Never knows what is reached there, but by which nodes nginx is served.

use super::edits::{
    advertised, encapsulate, local, metallb_resources, move_nginx, neighbours, tunnels, two_subnets, wireguard,
};
use super::families::Family;
use super::{Lab, NODES};

/// One cluster.
pub struct Variant {
    /// For a person.
    pub name: &'static str,
    /// Its addresses.
    pub family: Family,
    /// nginx has its node port from the start, and keeps clients' addresses (externalTrafficPolicy: Local).
    pub has_door: bool,
    /// Cluster addresses are advertised from the start.
    pub is_advertised: bool,
    /// nginx runs on 10.128.146.177, as in the article's later chapters.
    pub has_moved: bool,
    edit: fn(&Lab),
}

/// The example with one edit.
const fn four(name: &'static str, edit: fn(&Lab)) -> Variant {
    Variant { name, family: Family::Four, has_door: false, is_advertised: false, has_moved: false, edit }
}

fn nothing(_: &Lab) {}

fn ipip(lab: &Lab) {
    encapsulate(lab, "ipipMode", "Always");
    tunnels(lab, "IPv4IPIPTunnelAddr");
}

fn vxlan(lab: &Lab) {
    encapsulate(lab, "vxlanMode", "Always");
    tunnels(lab, "IPv4VXLANTunnelAddr");
}

fn ipip_across(lab: &Lab) {
    encapsulate(lab, "ipipMode", "CrossSubnet");
    tunnels(lab, "IPv4IPIPTunnelAddr");
    two_subnets(lab);
}

fn vxlan_across(lab: &Lab) {
    encapsulate(lab, "vxlanMode", "CrossSubnet");
    tunnels(lab, "IPv4VXLANTunnelAddr");
    two_subnets(lab);
}

fn six_of(lab: &Lab, pool: &str) {
    encapsulate(lab, "vxlanMode", pool);
    tunnels(lab, "IPv4VXLANTunnelAddr");
}

/// Encapsulation, externalTrafficPolicy, nginx on one node or the other, MetalLB's two configurations, what is advertised,
/// and the family of addresses.
pub const VARIANTS: &[Variant] = &[
    four("as it is", nothing),
    four("IPIP", ipip),
    four("VXLAN", vxlan),
    four("IPIP across subnets", ipip_across),
    four("VXLAN across subnets", vxlan_across),
    four("WireGuard", wireguard),
    four("WireGuard over IPIP", |lab| {
        encapsulate(lab, "ipipMode", "Always");
        wireguard(lab);
    }),
    four("MetalLB by resources, layer 2", |lab| metallb_resources(lab, "L2Advertisement")),
    four("MetalLB by resources, BGP", |lab| metallb_resources(lab, "BGPAdvertisement")),
    Variant { is_advertised: true, ..four("advertised", advertised) },
    Variant {
        is_advertised: true,
        ..four("advertised, IPIP across subnets", |lab| {
            advertised(lab);
            ipip_across(lab);
        })
    },
    Variant {
        has_moved: true,
        ..four("moved, WireGuard", |lab| {
            move_nginx(lab);
            wireguard(lab);
        })
    },
    Variant { has_moved: true, ..four("moved", move_nginx) },
    Variant { has_door: true, ..four("Local", local) },
    Variant {
        has_door: true,
        ..four("Local, WireGuard", |lab| {
            local(lab);
            wireguard(lab);
        })
    },
    Variant {
        has_door: true,
        has_moved: true,
        ..four("Local, moved, VXLAN", |lab| {
            local(lab);
            move_nginx(lab);
            vxlan(lab);
        })
    },
    Variant { family: Family::Six, ..four("IPv6", nothing) },
    Variant {
        family: Family::Six,
        has_moved: true,
        ..four("IPv6, VXLAN, moved", |lab| {
            six_of(lab, "Always");
            move_nginx(lab);
        })
    },
    Variant { family: Family::Six, has_door: true, ..four("IPv6, Local", local) },
    Variant { family: Family::Six, is_advertised: true, ..four("IPv6, advertised", advertised) },
    Variant { family: Family::Dual, ..four("dual stack", nothing) },
    Variant { family: Family::Dual, ..four("dual stack, VXLAN", |lab| six_of(lab, "Always")) },
    Variant {
        family: Family::Dual,
        has_door: true,
        has_moved: true,
        ..four("dual stack, Local, moved", |lab| {
            local(lab);
            move_nginx(lab);
        })
    },
];

impl Variant {
    /// Edits a copy of the example.
    pub fn prepare(&self, lab: &Lab) {
        neighbours(lab);
        (self.edit)(lab);
        for (name, text) in lab.files() {
            lab.write(&name, &self.family.of(&text));
        }
    }

    /// The address of nginx's pod.
    pub fn pod(&self) -> &'static str {
        if self.has_moved { "10.20.103.150" } else { "10.20.112.90" }
    }

    /// Nodes by which clients reach nginx: under Local the pod's own alone.
    pub fn serving(&self) -> &'static [&'static str] {
        match (self.has_door, self.has_moved) {
            (false, _) => &NODES,
            (true, true) => &NODES[0..1],
            (true, false) => &NODES[2..3],
        }
    }
}
