//! Where a packet goes from a node, through which tunnel, and which source address it then carries.
//! Never knows policy.

use std::net::IpAddr;

use ipnet::IpNet;

use super::rules::family;
use crate::model::flow::Packet;
use crate::model::world::{AddressRole, Fact, Hidden, Node, Part, TunnelMode, World};

/// How packets get from one node to an address on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// Plainly, through the interfaces that have the nodes' own addresses.
    Plain,
    /// Through the tunnel whose address has this role.
    Tunnel(AddressRole),
    /// By an interface that is not known, because Nodes or IPPools were not read. It matters only where there are host
    /// endpoints, and where the node's own address becomes the source.
    Unknown,
}

/// How packets to a pod's address get from one node to the other. Calico routes pods' addresses through WireGuard when
/// both nodes have keys, else as the address's pool says (felix/wireguard, IPPool).
pub fn via(world: &World, from: &str, to: &str, pod: IpAddr) -> Result<Via, String> {
    let (Some(from_node), Some(to_node)) = (world.nodes.get(from), world.nodes.get(to)) else {
        return Err(format!("Node {from} or {to} was not read, so the route between them is not known"));
    };
    if let Some(gap) = world.gap(Hidden::Routes, None) {
        return Err(format!("{} could not be read ({}), so routes are not known", gap.place, gap.reason));
    }
    let index = usize::from(pod.is_ipv6());
    if from_node.wireguard_key[index] && to_node.wireguard_key[index] {
        return Ok(Via::Tunnel(AddressRole::Wireguard));
    }
    let pool = world.pools.iter().filter(|pool| pool.net.contains(&pod)).max_by_key(|pool| pool.net.prefix_len());
    let Some(pool) = pool else {
        // A node that has a tunnel's address uses it for some pool, which would have been read.
        let tunnel = |node: &Node| {
            let roles = [AddressRole::Ipip, AddressRole::Vxlan];
            node.addresses.iter().any(|address| roles.contains(&address.role) && family(address.ip) == family(pod))
        };
        return match world.sees(Part::Pools, None) && !tunnel(from_node) {
            true => Ok(Via::Plain),
            false => Err(format!("no IPPool that was read has {pod}, so the route to it is not known")),
        };
    };
    let tunnels = [(pool.ipip, AddressRole::Ipip), (pool.vxlan, AddressRole::Vxlan)];
    let used = tunnels.into_iter().find(|(mode, _)| *mode != TunnelMode::Never);
    match used {
        None => Ok(Via::Plain),
        Some((TunnelMode::CrossSubnet, role)) => match same_subnet(from_node, to_node, pod) {
            Some(true) => Ok(Via::Plain),
            Some(false) => Ok(Via::Tunnel(role)),
            None => Err(format!(
                "the subnets of nodes {from} and {to} are not known, and pool {} crosses them only",
                pool.name
            )),
        },
        Some((_, role)) => Ok(Via::Tunnel(role)),
    }
}

/// How packets to another node's own address get there: with WireGuard host encryption through WireGuard too, when both
/// nodes have keys (felix/wireguard).
pub fn via_to_host(world: &World, from: &str, to: &str, ip: IpAddr) -> Via {
    let index = usize::from(ip.is_ipv6());
    let has_key = |name: &str| world.nodes.get(name).is_some_and(|node| node.wireguard_key[index]);
    match &world.network.felix_on(from).host_encryption {
        _ if !has_key(from) || !has_key(to) => Via::Plain,
        Fact::Known { value: false, .. } => Via::Plain,
        Fact::Known { .. } => Via::Tunnel(AddressRole::Wireguard),
        Fact::Unknown { .. } => Via::Unknown,
    }
}

/// Whether two nodes are in one subnet, by the addresses that Calico chose for them.
fn same_subnet(from: &Node, to: &Node, like: IpAddr) -> Option<bool> {
    let subnet = hosts(from, like).find_map(|(_, subnet)| subnet)?;
    let (other, _) = hosts(to, like).find(|(_, subnet)| subnet.is_some())?;
    Some(subnet.contains(&other))
}

/// A node's own addresses of one family.
fn hosts(node: &Node, like: IpAddr) -> impl Iterator<Item = (IpAddr, Option<IpNet>)> + '_ {
    let own = node
        .addresses
        .iter()
        .filter(move |address| address.role == AddressRole::Host && family(address.ip) == family(like));
    own.map(|address| (address.ip, address.subnet))
}

/// The source that a node's own packets, and those that it masquerades, have on their way to a pod on another node.
pub fn source_to_pod(world: &World, from: &str, to: &str, pod: IpAddr) -> Result<IpAddr, String> {
    match via(world, from, to, pod)? {
        Via::Plain | Via::Unknown => source_of_host(world, from, Some(to), pod),
        Via::Tunnel(AddressRole::Ipip | AddressRole::Vxlan) if world.network.felix_on(from).is_bpf() => {
            Err("which source the eBPF dataplane gives a node's own packets in a tunnel is not modelled".into())
        }
        Via::Tunnel(role) => {
            let node = world.nodes.get(from).ok_or_else(|| format!("Node {from} was not read"))?;
            let tunnel =
                node.addresses.iter().find(|address| address.role == role && family(address.ip) == family(pod));
            match (tunnel, role) {
                (Some(tunnel), _) => Ok(tunnel.ip),
                // Host encryption: the device has no address of its own, and the node's is used.
                (None, AddressRole::Wireguard) => source_of_host(world, from, Some(to), pod),
                (None, _) => Err(format!("Node {from} says no {} address", word(role))),
            }
        }
    }
}

/// The source of a node's own packets to one of its pods. The pod's interface has no global address, so the kernel takes
/// one of the node's others: in IPv6 the one that shares the longest prefix with the pod's (RFC 6724, rule 8), which is a
/// tunnel's where the tunnel's address comes from the pods' pool.
pub fn source_to_own_pod(world: &World, node: &str, packet: &Packet) -> IpAddr {
    let IpAddr::V6(pod) = packet.destination else { return packet.source };
    let shared = |ip: &IpAddr| match ip {
        IpAddr::V6(ip) => (u128::from(*ip) ^ u128::from(pod)).leading_zeros(),
        IpAddr::V4(_) => 0,
    };
    let own = world.nodes.get(node).into_iter().flat_map(|node| node.all_addresses());
    own.fold(packet.source, |best, ip| if shared(&ip) > shared(&best) { ip } else { best })
}

/// The source of a node's own or masqueraded packets that leave by the interface that has the node's own address.
pub fn source_of_host(world: &World, from: &str, to: Option<&str>, like: IpAddr) -> Result<IpAddr, String> {
    let node =
        world.nodes.get(from).ok_or_else(|| format!("Node {from} was not read, so its addresses are not known"))?;
    let mut own: Vec<(IpAddr, Option<IpNet>)> = hosts(node, like).collect();
    // Of several, the one in the other node's subnet: that is where the route goes out.
    if own.len() > 1
        && let Some(to) = to.and_then(|to| world.nodes.get(to))
    {
        let near = |(_, subnet): &(IpAddr, Option<IpNet>)| {
            subnet.is_some_and(|subnet| hosts(to, like).any(|(ip, _)| subnet.contains(&ip)))
        };
        let in_subnet: Vec<_> = own.iter().filter(|address| near(address)).copied().collect();
        if in_subnet.len() == 1 {
            own = in_subnet;
        }
    }
    match own.as_slice() {
        [(ip, _)] => Ok(*ip),
        [] => Err(format!("Node {from} has no address of its own of the family of {like}")),
        _ => Err(format!("Node {from} has several addresses, and which one packets to {like} carry is not known")),
    }
}

fn word(role: AddressRole) -> &'static str {
    match role {
        AddressRole::Host => "own",
        AddressRole::External => "external",
        AddressRole::Ipip => "IPIP tunnel",
        AddressRole::Vxlan => "VXLAN tunnel",
        AddressRole::Wireguard => "WireGuard",
    }
}

/// Why there may be pools that were not read, if so.
pub fn unseen_pools(world: &World) -> Option<String> {
    if let Some(gap) = world.gap(Hidden::Routes, None) {
        return Some(format!("{} could not be read ({})", gap.place, gap.reason));
    }
    (!world.sees(Part::Pools, None)).then(|| "not all IPPools were read".to_string())
}

/// Whether a node masquerades what a pod sends there: from a pool that says natOutgoing to an address in no pool.
pub fn nat_outgoing(world: &World, node: &str, source: IpAddr, destination: IpAddr) -> Result<bool, String> {
    if let Some(why) = unseen_pools(world) {
        return Err(format!("{why}, so what masquerades pods is not known"));
    }
    let natted = world.pools.iter().any(|pool| pool.nat_outgoing && pool.net.contains(&source));
    if !natted || world.pools.iter().any(|pool| pool.net.contains(&destination)) {
        return Ok(false);
    }
    if world.node_at(destination).is_none() {
        return Ok(true);
    }
    match &world.network.felix_on(node).nat_spares_hosts {
        Fact::Known { value, .. } => Ok(!value),
        Fact::Unknown { why } => Err(format!("whether pods' packets to nodes are masqueraded is not known: {why}")),
    }
}

/// Whether an address is one of a node's own, not a tunnel's.
pub fn is_own_address(node: Option<&Node>, ip: IpAddr) -> bool {
    let own = node.into_iter().flat_map(|node| &node.addresses);
    own.into_iter().any(|address| address.ip == ip && matches!(address.role, AddressRole::Host | AddressRole::External))
}
