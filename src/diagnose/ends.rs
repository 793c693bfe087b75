//! Who an address of a logged packet is.
//! Never judges the packet.

use std::net::IpAddr;

use serde::Serialize;

use crate::evaluate::owners::{unseen_node, unseen_pod};
use crate::model::flow::Protocol;
use crate::model::world::{AddressRole, NetworkSet, Service, World};

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum EndKind {
    /// A pod with an address of its own.
    Pod,
    /// A node's own address: a process there, a pod in its network, or a client whose address became the node's.
    Node,
    /// The address of a node's WireGuard, IPIP or VXLAN interface: the same, on its way to another node.
    Tunnel,
    /// A Service's load balancer or external address.
    LoadBalancer,
    /// A Service's cluster address.
    #[serde(rename = "ClusterIP")]
    ClusterIp,
    /// A node's address with a Service's node port.
    NodePort,
    /// In a NetworkSet or GlobalNetworkSet.
    NetworkSet,
    /// Nobody's in the cluster, as far as is known.
    Unknown,
}

/// One end of a logged packet.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// The address.
    pub address: IpAddr,
    /// What it is.
    pub kind: EndKind,
    /// The namespace of the pod, Service or NetworkSet.
    pub namespace: Option<String>,
    /// The name of the pod, Node, Service or set.
    pub name: Option<String>,
    /// The node of the pod, or whose address it is.
    pub node: Option<String>,
    /// Which tunnel.
    pub tunnel: Option<AddressRole>,
    /// The pod, as an index into the world's list.
    pub pod: Option<usize>,
    /// Why it is not known, where that is no plain stranger.
    pub why: Option<String>,
}

impl End {
    fn of(address: IpAddr, kind: EndKind) -> End {
        End { address, kind, namespace: None, name: None, node: None, tunnel: None, pod: None, why: None }
    }

    fn named(self, namespace: Option<&str>, name: &str) -> End {
        End { namespace: namespace.map(str::to_string), name: Some(name.to_string()), ..self }
    }

    /// A pod that its interface tells, whatever its address is now.
    pub fn of_pod(world: &World, address: IpAddr, index: usize) -> End {
        let pod = &world.pods[index];
        let end = End::of(address, EndKind::Pod).named(Some(&pod.namespace), &pod.name);
        End { node: pod.node.clone(), pod: Some(index), ..end }
    }

    /// A pod that is not there any more.
    pub fn gone(address: IpAddr, why: String) -> End {
        End { why: Some(why), ..End::of(address, EndKind::Unknown) }
    }

    /// Whoever has the address. A destination that is not translated yet can be a Service's; `port` is then its port.
    pub fn at(world: &World, address: IpAddr, service: Option<(Protocol, Option<u16>)>) -> End {
        let own = world.owners.pods.get(&address).into_iter().flatten().map(|index| *index as usize);
        if let [index] = own.collect::<Vec<_>>()[..] {
            return End::of_pod(world, address, index);
        }
        let doors = service.and_then(|(protocol, port)| of_service(world, address, protocol, port));
        doors
            .or_else(|| of_node(world, address))
            .or_else(|| of_set(world, address))
            .unwrap_or_else(|| End { why: unknown(world, address), ..End::of(address, EndKind::Unknown) })
    }

    /// Whether the address stands for clients whose own address was replaced, too.
    pub fn is_shared(&self) -> bool {
        matches!(self.kind, EndKind::Node | EndKind::Tunnel)
    }
}

fn of_service(world: &World, address: IpAddr, protocol: Protocol, port: Option<u16>) -> Option<End> {
    let named = |end: End, service: &Service| end.named(Some(&service.namespace), &service.name);
    let mut at_address: Vec<&Service> = world.services_at(address).collect();
    // Several Services can share an address, with different ports.
    let serves =
        |service: &&Service| service.ports.iter().any(|own| own.protocol == protocol && Some(own.port) == port);
    at_address.sort_by_key(|service| !serves(service));
    let node = world.node_at(address);
    let node_port = world.services.values().find(|service| {
        service.ports.iter().any(|own| own.protocol == protocol && own.node_port.is_some() && own.node_port == port)
    });
    match (at_address.first(), node, node_port) {
        (Some(service), _, _) if node.is_none() || serves(service) => {
            let kind = match service.cluster_ips.contains(&address) {
                true => EndKind::ClusterIp,
                false => EndKind::LoadBalancer,
            };
            Some(named(End::of(address, kind), service))
        }
        (_, Some(node), Some(service)) => {
            let end = named(End::of(address, EndKind::NodePort), service);
            Some(End { node: Some(node.name.clone()), ..end })
        }
        _ => None,
    }
}

fn of_node(world: &World, address: IpAddr) -> Option<End> {
    if let Some(node) = world.node_at(address) {
        let role = node.addresses.iter().find(|own| own.ip == address)?.role;
        let tunnel = matches!(role, AddressRole::Ipip | AddressRole::Vxlan | AddressRole::Wireguard).then_some(role);
        let kind = if tunnel.is_some() { EndKind::Tunnel } else { EndKind::Node };
        return Some(End { node: Some(node.name.clone()), tunnel, ..End::of(address, kind).named(None, &node.name) });
    }
    // An interface that only its host endpoint tells.
    let index = *world.owners.host_endpoints.get(&address)?.first()?;
    let node = &world.host_endpoints[index as usize].node;
    Some(End { node: Some(node.clone()), ..End::of(address, EndKind::Node).named(None, node) })
}

/// The set with the smallest range; one that holds every address says nothing.
fn of_set(world: &World, address: IpAddr) -> Option<End> {
    let size =
        |set: &NetworkSet| set.nets.iter().filter(|net| net.contains(&address)).map(|net| net.prefix_len()).max();
    let sets = world.owners.sets.containing(address).map(|index| &world.network_sets[*index as usize]);
    let mut sets: Vec<(u8, &NetworkSet)> =
        sets.filter_map(|set| Some((size(set)?, set))).filter(|(length, _)| *length > 0).collect();
    sets.sort_by(|(one, a), (other, b)| {
        other.cmp(one).then_with(|| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)))
    });
    let (_, set) = sets.first()?;
    Some(End::of(address, EndKind::NetworkSet).named(set.namespace.as_deref(), &set.name))
}

/// Why an address is nobody's although it may be somebody's.
fn unknown(world: &World, address: IpAddr) -> Option<String> {
    let several: Vec<String> = world.pods_at(address).map(|pod| pod.full_name()).collect();
    if several.len() > 1 {
        return Some(format!("{} all have {address}", several.join(", ")));
    }
    if let Some(why) = unseen_pod(world, address).or_else(|| unseen_node(world, address)) {
        return Some(why);
    }
    let pool = world.pools.iter().find(|pool| pool.net.contains(&address))?;
    Some(format!("{address} is in the address pool {}, but no pod or node has it now", pool.name))
}
