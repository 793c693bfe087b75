//! Lays the cables: a namespace for each node, pod and for what is outside, links straight between them, addresses, routes.
//! Never knows servers, policies or packets. Everything is within one cage; the machine's own namespace gets nothing.
//!
//! ```text
//! outside (clients) -- fabric (router, bridge) -- n1, n2, n3 -- pods
//!                                             \-- control
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

use sha1::{Digest, Sha1};

use super::cage::Cage;
use super::topology::{CONTROL_PLANE, Encapsulation, Exposure, Pod, ROUTER, SERVICE_RANGES, Topology};

/// The namespace of the router.
pub const FABRIC: &str = "fabric";
/// The namespace of the control plane.
pub const CONTROL: &str = "control";
/// The namespace of all clients.
pub const OUTSIDE: &str = "outside";

/// Before the links, so that they take it over. No reverse path filter but Felix's own; ICMP errors are answers here, so
/// they are not rationed; addresses are usable at once.
const KERNEL: &str = "
cd /proc/sys/net
for conf in all default; do
  echo 0 >ipv4/conf/$conf/rp_filter
  echo 0 >ipv4/conf/$conf/send_redirects
  echo 0 >ipv4/conf/$conf/accept_redirects
  echo 0 >ipv6/conf/$conf/accept_dad
  echo 0 >ipv6/conf/$conf/accept_ra
  echo 0 >ipv6/conf/$conf/accept_redirects
done
echo 0 >ipv4/icmp_ratelimit
echo 0 >ipv6/icmp/ratelimit
# Older kernels have one for the whole machine, which a namespace cannot see.
for limit in per_sec burst; do
  if [ -e ipv4/icmp_msgs_$limit ]; then echo 100000 >ipv4/icmp_msgs_$limit; fi
done
ip link set lo up
";

/// What forwards packets.
const FORWARD: &str = "
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
";

/// The namespace of a pod.
pub fn of_pod(pod: &Pod) -> String {
    format!("{}.{}", pod.namespace, pod.name)
}

/// The type of service that makes the router send a client's packet to the node with this index, whatever its address.
pub fn type_of_service(node: usize) -> u8 {
    [0x04, 0x08, 0x10][node]
}

/// Calico's name of the node's end of a pod's link.
fn interface(pod: &Pod) -> String {
    let digest = Sha1::digest(format!("{}.{}", pod.namespace, pod.name));
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("cali{}", &hex[..11])
}

/// `ip` commands by the namespace that they are run in.
#[derive(Default)]
struct Commands(BTreeMap<String, String>);

impl Commands {
    fn add(&mut self, namespace: &str, command: impl AsRef<str>) {
        writeln!(self.0.entry(namespace.into()).or_default(), "{}", command.as_ref()).expect("write to memory");
    }
}

/// Lays everything of the topology that needs no server.
pub fn lay(cage: &Cage, topology: &Topology) {
    let nodes = topology.nodes.iter().map(|node| node.name.clone());
    let namespaces: Vec<String> = [FABRIC, CONTROL, OUTSIDE]
        .map(String::from)
        .into_iter()
        .chain(nodes)
        .chain(topology.pods.iter().map(of_pod))
        .collect();
    let adds: String = namespaces.iter().map(|name| format!("netns add {name}\n")).collect();
    cage.feed(None, &["ip", "-batch", "-"], &adds);
    let forwards = |name: &str| name == FABRIC || topology.nodes.iter().any(|node| node.name == name);
    for name in &namespaces {
        let script = if forwards(name) { [KERNEL, FORWARD].concat() } else { KERNEL.to_string() };
        cage.script(Some(name), &script);
    }
    let mut links = String::new();
    let mut commands = Commands::default();
    fabric(topology, &mut links, &mut commands);
    for pod in &topology.pods {
        cable(pod, &mut links, &mut commands);
    }
    cage.feed(None, &["ip", "-batch", "-"], &links);
    for (namespace, batch) in &commands.0 {
        cage.feed(Some(namespace), &["ip", "-batch", "-"], batch);
    }
    cage.script(Some(FABRIC), &entries(topology));
}

/// The rules by which a client says through which node its packet enters.
fn entries(topology: &Topology) -> String {
    let mut script = String::new();
    for (index, node) in topology.nodes.iter().enumerate() {
        for address in &node.addresses {
            let (family, tos) = (if address.is_ipv4() { 4 } else { 6 }, type_of_service(index));
            let table = 101 + index;
            writeln!(script, "ip -{family} rule add tos {tos:#04x} iif {OUTSIDE} priority {table} lookup {table}")
                .expect("write to memory");
        }
    }
    script
}

fn mac(kind: u8, number: usize) -> String {
    format!("02:00:00:00:{kind:02x}:{number:02x}")
}

/// The router with its bridge, and everything on it.
fn fabric(topology: &Topology, links: &mut String, commands: &mut Commands) {
    let families = topology.nodes[0].addresses.len();
    let own = |text: &[&str; 2]| -> Vec<IpAddr> {
        text[..families].iter().map(|address| address.parse().expect("an address")).collect()
    };
    commands.add(FABRIC, format!("link add bridge type bridge\nlink set bridge address {} up", mac(1, 0xfe)));
    // Who is on the bridge: namespace, addresses, hardware address.
    let mut stations = vec![(CONTROL.to_string(), own(&CONTROL_PLANE), mac(1, 0x10))];
    stations.extend(
        topology
            .nodes
            .iter()
            .zip(1..)
            .map(|(node, number)| (node.name.clone(), node.addresses.clone(), mac(1, number))),
    );
    for (name, addresses, mac) in &stations {
        writeln!(links, "link add eth0 netns {name} address {mac} type veth peer name {name} netns {FABRIC}")
            .expect("write to memory");
        commands.add(FABRIC, format!("link set {name} master bridge up"));
        commands.add(name, "link set eth0 up");
        for (address, router) in addresses.iter().zip(own(&ROUTER)) {
            let length = if address.is_ipv4() { 23 } else { 64 };
            commands.add(name, format!("address add {address}/{length} dev eth0"));
            commands.add(name, format!("route add default via {router}"));
        }
    }
    stations.push((FABRIC.into(), own(&ROUTER), mac(1, 0xfe)));
    for (address, length) in own(&ROUTER).iter().zip([23, 64]) {
        commands.add(FABRIC, format!("address add {address}/{length} dev bridge"));
    }
    // Policies can stop neighbour discovery, which is not what is measured here: everybody knows everybody.
    for (name, _, _) in &stations {
        let device = if name == FABRIC { "bridge" } else { "eth0" };
        for (_, addresses, mac) in stations.iter().filter(|(other, ..)| other != name) {
            for address in addresses {
                commands.add(name, format!("neighbour add {address} lladdr {mac} dev {device} nud permanent"));
            }
        }
    }
    outside(topology, links, commands);
    routes(topology, commands);
}

/// The clients, on a network of their own behind the router.
fn outside(topology: &Topology, links: &mut String, commands: &mut Commands) {
    let (client, router) = (mac(2, 2), mac(2, 1));
    writeln!(links, "link add eth0 netns {OUTSIDE} address {client} type veth peer name {OUTSIDE} netns {FABRIC}")
        .expect("write to memory");
    commands.add(FABRIC, format!("link set {OUTSIDE} address {router} up"));
    commands.add(OUTSIDE, "link set eth0 up");
    for address in topology.clients.iter().flat_map(|client| &client.addresses) {
        let (length, gateway) = if address.is_ipv4() { (32, "10.7.0.1") } else { (128, "fd00:10:7::1") };
        commands.add(OUTSIDE, format!("address add {address}/{length} dev eth0"));
        commands.add(FABRIC, format!("route add {address}/{length} dev {OUTSIDE}"));
        commands.add(FABRIC, format!("neighbour add {address} lladdr {client} dev {OUTSIDE} nud permanent"));
        // The first of each family makes the way out.
        if topology.clients[0].addresses.contains(address) {
            commands.add(FABRIC, format!("address add {gateway}/{length} dev {OUTSIDE}"));
            commands.add(OUTSIDE, format!("neighbour add {gateway} lladdr {router} dev eth0 nud permanent"));
            commands.add(OUTSIDE, format!("route add {gateway} dev eth0"));
            commands.add(OUTSIDE, format!("route add default via {gateway} dev eth0"));
        }
    }
}

/// What BGP would bring: the router knows where pods, cluster and load balancer addresses are, and the nodes know each
/// other's pods.
fn routes(topology: &Topology, commands: &mut Commands) {
    for (index, node) in topology.nodes.iter().enumerate() {
        for (range, address) in node.ranges.iter().zip(&node.addresses) {
            commands.add(FABRIC, format!("route add {range} via {address}"));
            let table = 101 + index;
            commands.add(FABRIC, format!("route add default via {address} dev bridge table {table}"));
            // Also beneath WireGuard, whose rule comes before. Felix makes VXLAN's routes by itself.
            if matches!(topology.mode.encapsulation, Encapsulation::Direct | Encapsulation::WireGuard) {
                for other in topology.nodes.iter().filter(|other| other.name != node.name) {
                    commands.add(&other.name, format!("route add {range} via {address} proto 80"));
                }
            }
        }
    }
    // Without a word which way to take, the first node's.
    for (range, address) in SERVICE_RANGES.iter().zip(&topology.nodes[0].addresses) {
        commands.add(FABRIC, format!("route add {range} via {address}"));
    }
    for service in &topology.services {
        let Exposure::LoadBalancer { addresses, announcer } = &service.exposure else { continue };
        for (address, node) in addresses.iter().zip(&topology.node(announcer).addresses) {
            commands.add(FABRIC, format!("route add {address} via {node}"));
        }
    }
}

/// A pod's link, as Calico's CNI plugin makes it.
fn cable(pod: &Pod, links: &mut String, commands: &mut Commands) {
    let (pod_namespace, node, host) = (of_pod(pod), &pod.node, interface(pod));
    let IpAddr::V4(first) = pod.addresses[0] else { panic!("the first address of {} is not IPv4", pod.key()) };
    let mac = mac(0x10 + first.octets()[2], first.octets()[3].into());
    let link = "address ee:ee:ee:ee:ee:ee type veth peer name eth0";
    writeln!(links, "link add {host} netns {node} {link} netns {pod_namespace} address {mac}")
        .expect("write to memory");
    commands.add(node, format!("link set {host} up"));
    commands.add(&pod_namespace, "link set eth0 up");
    for address in &pod.addresses {
        let (length, gateway) =
            if address.is_ipv4() { (32, "169.254.1.1") } else { (128, "fe80::ecee:eeff:feee:eeee") };
        commands.add(&pod_namespace, format!("address add {address}/{length} dev eth0"));
        if address.is_ipv4() {
            commands.add(&pod_namespace, format!("route add {gateway} dev eth0 scope link"));
        }
        commands
            .add(&pod_namespace, format!("neighbour add {gateway} lladdr ee:ee:ee:ee:ee:ee dev eth0 nud permanent"));
        commands.add(&pod_namespace, format!("route add default via {gateway} dev eth0"));
        commands.add(node, format!("neighbour add {address} lladdr {mac} dev {host} nud permanent"));
    }
}
