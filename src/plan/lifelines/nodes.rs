//! What nodes live by: kubelet and API server both ways, etcd, Typha, BGP, tunnels, MetalLB's members, and what their
//! processes and pods do besides.
//! Never says which of it somebody means to close.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::super::Risk;
use super::super::decide::is_policed;
use super::super::perimeter::doors::STRANGERS;
use super::super::probe::packet;
use super::Flow;
use crate::model::flow::Protocol;
use crate::model::policy::Direction;
use crate::model::world::{AddressRole, Node, Pod, TunnelMode, World};

/// How many other nodes each node's flows are looked at with.
const PARTNERS: usize = 2;
/// How many API servers each node is looked at with.
const SERVERS: usize = 3;
/// IP in IP (IANA, protocol numbers).
const IPIP: Protocol = Protocol(4);
const KUBELET: u16 = 10250;
/// Where kube-apiserver listens where no object tells another port.
const API: u16 = 6443;

/// What every node sends and gets.
pub fn flows(world: &World) -> Vec<Flow> {
    let cluster = Cluster::of(world);
    let all: Vec<&Node> = world.nodes.values().collect();
    let mut found = Found { flows: Vec::new() };
    for (index, node) in all.iter().enumerate() {
        let others: Vec<&Node> =
            all.iter().copied().cycle().skip(index + 1).take(PARTNERS.min(all.len() - 1)).collect();
        for own in hosts(node) {
            cluster.servers(node, own, &mut found);
            cluster.outside(node, own, &mut found);
            for other in &others {
                for theirs in hosts(other).filter(|ip| ip.is_ipv4() == own.is_ipv4()) {
                    cluster.between((node, own), (other, theirs), &mut found);
                }
                cluster.pods((node, own), other, &mut found);
            }
            for (peer, theirs) in cluster.members(&all, node, own) {
                for port in [2379, 2380] {
                    let ends = [&*node.name, &*peer.name];
                    found.add(Risk::Etcd, ends, "as members of etcd do", tcp(own, theirs, port));
                }
            }
            for (peer, theirs) in cluster.typha.iter().filter(|(_, ip)| ip.is_ipv4() == own.is_ipv4() && *ip != own) {
                found.add(Risk::Typha, [&*node.name, peer], "as Felix reaches Typha", tcp(own, *theirs, 5473));
            }
        }
    }
    found.flows
}

/// The addresses by which a node is reached.
pub fn hosts(node: &Node) -> impl Iterator<Item = IpAddr> + '_ {
    node.addresses.iter().filter(|address| address.role == AddressRole::Host).map(|address| address.ip)
}

type Probe = (IpAddr, IpAddr, Protocol, Option<u16>);

fn tcp(from: IpAddr, to: IpAddr, port: u16) -> Probe {
    (from, to, Protocol::TCP, Some(port))
}

fn udp(from: IpAddr, to: IpAddr, port: u16) -> Probe {
    (from, to, Protocol::UDP, Some(port))
}

struct Found {
    flows: Vec<Flow>,
}

impl Found {
    /// From one end to the other; an end that is no node stands there by its address.
    fn add(&mut self, risk: Risk, [from, to]: [&str; 2], how: &str, (source, destination, protocol, port): Probe) {
        self.flows.push(Flow {
            risk,
            what: format!("{from} reaches {to} {how}"),
            packet: packet(source, destination, protocol, port),
            entry: None,
            nodes: [from, to].map(str::to_string).into(),
            namespaces: Vec::new(),
        });
    }
}

/// What is known of the cluster, once for all nodes.
struct Cluster<'w> {
    world: &'w World,
    /// Where API servers listen, and on which node, if on one.
    servers: Vec<(IpAddr, u16, Option<String>)>,
    typha: Vec<(String, IpAddr)>,
    speaks_bgp: bool,
    bgp_port: u16,
    vxlan: bool,
    ipip: bool,
    metallb: bool,
}

impl<'w> Cluster<'w> {
    fn of(world: &'w World) -> Cluster<'w> {
        let network = &world.network;
        let runs = |pod: &&Pod, key: &str, value: &str| {
            !pod.finished && pod.own_labels.get(key).is_some_and(|own| own == value)
        };
        let typha = world.pods.iter().filter(|pod| runs(pod, "k8s-app", "calico-typha") && pod.host_network);
        let typha: BTreeSet<String> = typha.filter_map(|pod| pod.node.clone()).collect();
        let at = |name: String| world.nodes.get(&name).and_then(|node| Some((name.clone(), hosts(node).next()?)));
        Cluster {
            world,
            servers: servers(world),
            typha: typha.into_iter().filter_map(at).collect(),
            // With VXLAN everywhere and no router to talk to, nodes need no BGP.
            speaks_bgp: world.pools.iter().any(|pool| pool.vxlan != TunnelMode::Always)
                || network.bgp_peers.value().is_some_and(|peers| !peers.is_empty()),
            bgp_port: network.bgp_port.value().copied().unwrap_or(179),
            vxlan: world.pools.iter().any(|pool| pool.vxlan != TunnelMode::Never),
            ipip: world.pools.iter().any(|pool| pool.ipip != TunnelMode::Never),
            metallb: network.address_pools.value().is_some_and(|pools| !pools.is_empty())
                || world.pods.iter().any(|pod| runs(&pod, "component", "speaker") && pod.host_network),
        }
    }

    /// API servers to the node's kubelet, and the node to them.
    fn servers(&self, node: &Node, own: IpAddr, found: &mut Found) {
        let others = self
            .servers
            .iter()
            .filter(|(ip, _, at)| ip.is_ipv4() == own.is_ipv4() && at.as_ref().is_none_or(|at| *at != node.name));
        for (ip, port, at) in others.take(SERVERS) {
            let name = at.as_ref().map_or_else(|| ip.to_string(), Clone::clone);
            let server = format!("the API server on {name}");
            let kubelet = format!("the kubelet of {}", node.name);
            found.add(Risk::Kubelet, [&server, &kubelet], "for logs, exec and health", tcp(*ip, own, KUBELET));
            found.add(Risk::ApiServer, [&node.name, &server], "as kubelet and kube-proxy do", tcp(own, *ip, *port));
            for flow in found.flows.iter_mut().rev().take(2) {
                flow.nodes = at.iter().chain([&node.name]).cloned().collect();
            }
        }
    }

    /// What the node serves to strangers and asks of them.
    fn outside(&self, node: &Node, own: IpAddr, found: &mut Found) {
        let strangers = STRANGERS.into_iter();
        let Some(outside) = strangers.into_iter().find(|ip| ip.is_ipv4() == own.is_ipv4()) else { return };
        let (name, world) = (&*node.name, "the world");
        for port in [22, 80, 443, 6443, KUBELET] {
            found.add(Risk::Nodes, [world, name], "by what it serves", tcp(outside, own, port));
        }
        found.add(Risk::Nodes, [world, name], "by what it serves", udp(outside, own, 123));
        found.add(Risk::Nodes, [name, world], "as its processes do", tcp(own, outside, 443));
        found.add(Risk::Nodes, [name, world], "for names", udp(own, outside, 53));
    }

    /// Two nodes.
    fn between(&self, (node, own): (&Node, IpAddr), (other, theirs): (&Node, IpAddr), found: &mut Found) {
        let ends = [&*other.name, &*node.name];
        found.add(Risk::Kubelet, ends, "by the port of its kubelet", tcp(theirs, own, KUBELET));
        found.add(Risk::Kubelet, [ends[1], ends[0]], "by the port of its kubelet", tcp(own, theirs, KUBELET));
        if self.speaks_bgp {
            found.add(Risk::Bgp, ends, "for routes", tcp(theirs, own, self.bgp_port));
        }
        if self.vxlan {
            found.add(Risk::Vxlan, ends, "by the tunnel of VXLAN", udp(theirs, own, 4789));
        }
        if self.ipip && own.is_ipv4() {
            found.add(Risk::Ipip, ends, "by the tunnel of IPIP", (theirs, own, IPIP, None));
        }
        let family = usize::from(own.is_ipv6());
        if node.wireguard_key[family] && other.wireguard_key[family] {
            let port = [51820, 51821][family];
            found.add(Risk::Wireguard, ends, "by the tunnel of WireGuard", udp(theirs, own, port));
        }
        if self.metallb {
            let how = "as MetalLB's speakers do";
            found.add(Risk::Memberlist, ends, how, tcp(theirs, own, 7946));
            found.add(Risk::Memberlist, ends, how, udp(theirs, own, 7946));
        }
    }

    /// Pods to their node, across nodes and out.
    fn pods(&self, (node, own): (&Node, IpAddr), other: &Node, found: &mut Found) {
        let Some(mine) = pod_of(self.world, &node.name, own) else { return };
        let pod = format!("a pod of {}", node.name);
        let mut add = |to: &str, probe: Probe, nodes: &[&Node]| {
            found.add(Risk::Pods, [&pod, to], "as it does now", probe);
            if let Some(flow) = found.flows.last_mut() {
                flow.nodes = nodes.iter().map(|node| node.name.clone()).collect();
            }
        };
        add("its node", tcp(mine, own, KUBELET), &[node]);
        let strangers = STRANGERS.into_iter();
        strangers.filter(|ip| ip.is_ipv4() == own.is_ipv4()).take(1).for_each(|outside| {
            add("the world", tcp(mine, outside, 443), &[node]);
        });
        if let Some(theirs) = pod_of(self.world, &other.name, own) {
            add(&format!("a pod of {}", other.name), tcp(mine, theirs, 80), &[node, other]);
            add(&format!("a pod of {}", other.name), tcp(theirs, mine, 80), &[node, other]);
        }
    }

    /// The other members of etcd, as far as a node says that it runs the control plane.
    fn members<'a>(&self, all: &[&'a Node], node: &Node, own: IpAddr) -> Vec<(&'a Node, IpAddr)> {
        if node.control_plane.is_none() {
            return Vec::new();
        }
        let peers = all.iter().filter(|peer| peer.control_plane.is_some() && peer.name != node.name).take(SERVERS);
        peers.flat_map(|peer| hosts(peer).filter(|ip| ip.is_ipv4() == own.is_ipv4()).map(|ip| (*peer, ip))).collect()
    }
}

/// Where API servers are: the backends of the Service default/kubernetes, else what is known of their addresses, else the
/// nodes that say that they run the control plane.
fn servers(world: &World) -> Vec<(IpAddr, u16, Option<String>)> {
    let at = |ip: IpAddr| world.node_at(ip).map(|node| node.name.clone());
    let service = world.services.get(&("default".to_string(), "kubernetes".to_string()));
    let backends = service.and_then(|service| service.backends.value()).into_iter().flatten();
    let mut found: Vec<_> = backends.map(|backend| (backend.ip, backend.port, at(backend.ip))).collect();
    if found.is_empty() {
        let ips = world.api_servers.value().into_iter().flatten();
        found = ips.map(|ip| (*ip, API, at(*ip))).collect();
    }
    if found.is_empty() {
        let masters = world.nodes.values().filter(|node| node.control_plane.is_some());
        found = masters.flat_map(|node| hosts(node).map(|ip| (ip, API, Some(node.name.clone())))).collect();
    }
    found
}

/// A pod of the node, one that nothing locks where there is such a one.
fn pod_of(world: &World, node: &str, like: IpAddr) -> Option<IpAddr> {
    let own = |pod: &&Pod| pod.node.as_deref() == Some(node) && !pod.host_network && !pod.finished;
    let address = |pod: &Pod| pod.addresses.iter().copied().find(|ip| ip.is_ipv4() == like.is_ipv4());
    let mut pods = world.pods.iter().filter(own);
    let open = |pod: &&Pod| {
        [Direction::Ingress, Direction::Egress].iter().all(|direction| !is_policed(world, pod, *direction))
    };
    let first = pods.clone().next();
    pods.find(open).or(first).and_then(address)
}
