//! WireGuard between the nodes, in user space, with the devices, rules and tables that Felix makes for the kernel's.
//! Never depends on a WireGuard of the kernel's, which this machine may lack.

use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::cage::Cage;
use super::support::Keeper;
use super::topology::{Node, Topology};

/// One WireGuard for each family, as Calico has it.
struct Family {
    device: &'static str,
    port: u16,
    table: u16,
    /// The programs of this family.
    ip: &'static str,
    iptables: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family { device: "wireguard.cali", port: 51820, table: 301, ip: "ip -4", iptables: "iptables-nft" },
    Family { device: "wg-v6.cali", port: 51821, table: 302, ip: "ip -6", iptables: "ip6tables-nft" },
];

/// The mark of WireGuard's own packets, which must not go into WireGuard again. Calico takes one of Felix's bits; this is
/// outside of them, as Felix does not know of it.
const MARK: &str = "0x100";

/// A key pair of each node and family: secret and public, in base64.
#[derive(Debug, Clone)]
pub struct Keys(Vec<Vec<(String, String)>>);

impl Keys {
    /// New ones.
    pub fn new(cage: &Cage, topology: &Topology) -> Keys {
        let pair = || {
            let secret = cage.output(None, &["wg", "genkey"]).trim().to_string();
            let public = {
                let mut command = cage.command(None, ["wg", "pubkey"]);
                command.stdin(Stdio::piped()).stdout(Stdio::piped());
                let mut child = command.spawn().expect("run wg");
                let mut pipe = child.stdin.take().expect("its stdin is a pipe");
                std::io::Write::write_all(&mut pipe, secret.as_bytes()).expect("give wg the key");
                drop(pipe);
                let output = child.wait_with_output().expect("wait for wg");
                String::from_utf8_lossy(&output.stdout).trim().to_string()
            };
            (secret, public)
        };
        Keys(topology.nodes.iter().map(|node| node.addresses.iter().map(|_| pair()).collect()).collect())
    }

    /// The public key of the node with this index, for a family's index; Felix writes it into the Node's annotation.
    pub fn public(&self, node: usize, family: usize) -> &str {
        &self.0[node][family].1
    }
}

/// Starts it on one node.
pub fn start(cage: &Cage, directory: &Path, topology: &Topology, keys: &Keys, node: &Node) -> Vec<Keeper> {
    let own = topology.nodes.iter().position(|other| other.name == node.name).expect("a node of the topology");
    let families = FAMILIES.iter().enumerate().take(node.addresses.len());
    families
        .map(|(index, family)| {
            let text = configuration(topology, keys, own, index);
            let file = directory.join(format!("{}.{}.conf", node.name, family.device));
            std::fs::write(&file, text).expect("write WireGuard's configuration");
            let script = script(topology, own, index, &file);
            let mut words = cage.enter(Some(&node.name));
            // The sockets by which wg configures it lie in a directory of the machine's; here each node has its own.
            words.extend(["unshare", "--mount", "/bin/sh", "-e", "-c"].map(Into::into));
            words.push(script.into());
            let log = directory.join(format!("{}.{}.log", node.name, family.device));
            let keeper = Keeper::start(&words, &[], log);
            let deadline = Instant::now() + Duration::from_secs(60);
            while !keeper.log().contains("laid out") {
                assert!(Instant::now() < deadline, "WireGuard of {} does not start: {}", node.name, keeper.log());
                sleep(Duration::from_millis(20));
            }
            keeper
        })
        .collect()
}

/// What `wg setconf` reads. Allowed are the pods of the other node and its tunnel address, as without host encryption.
fn configuration(topology: &Topology, keys: &Keys, own: usize, index: usize) -> String {
    let family = &FAMILIES[index];
    let mut text =
        format!("[Interface]\nPrivateKey = {}\nListenPort = {}\nFwMark = {MARK}\n", keys.0[own][index].0, family.port);
    for (number, node) in topology.nodes.iter().enumerate().filter(|(number, _)| *number != own) {
        let endpoint = std::net::SocketAddr::new(node.addresses[index], family.port);
        let (public, range) = (keys.public(number, index), node.ranges[index]);
        writeln!(text, "[Peer]\nPublicKey = {public}\nEndpoint = {endpoint}\nAllowedIPs = {range}")
            .expect("write to memory");
    }
    text
}

/// What turns IPv4's WireGuard on or off on a node that has it: without the rule packets go the way that lies beneath.
pub fn switch(on: bool) -> String {
    let Family { table, ip, .. } = &FAMILIES[0];
    match on {
        true => format!("{ip} rule add not fwmark {MARK}/{MARK} priority 98 lookup {table}"),
        false => format!("{ip} rule del priority 98"),
    }
}

/// What gives IPv4's WireGuard on a node another address.
pub fn renumber(from: &str, to: &str) -> String {
    let Family { device, .. } = &FAMILIES[0];
    format!("ip address add {to}/32 dev {device}\nip address del {from}/32 dev {device}")
}

/// Starts the device and lays it out. What leaves by it with another address of the node than the tunnel's is masqueraded:
/// the rule that Felix writes, which here bears the name of a device that is not there.
fn script(topology: &Topology, own: usize, index: usize, configuration: &Path) -> String {
    let Family { device, table, ip, iptables, .. } = &FAMILIES[index];
    let node = &topology.nodes[own];
    let address = node.tunnel[index];
    let length = if address.is_ipv4() { 32 } else { 128 };
    let others = topology.nodes.iter().filter(|other| other.name != node.name);
    let routes: String =
        others.map(|other| format!("ip route add {} dev {device} table {table}\n", other.ranges[index])).collect();
    format!(
        "
mkdir -p /run/wireguard && mount -t tmpfs tmpfs /run/wireguard
wireguard-go -f {device} &
while ! wg show {device} >/dev/null 2>&1; do sleep 0.02; done
wg setconf {device} {configuration}
ip address add {address}/{length} dev {device}
ip link set {device} mtu 1440 up
{routes}
{ip} rule add not fwmark {MARK}/{MARK} priority 98 lookup {table}
{iptables} -t nat -A POSTROUTING -o {device} -m addrtype ! --src-type LOCAL --limit-iface-out \
    -m addrtype --src-type LOCAL -j MASQUERADE
echo laid out
wait
",
        configuration = configuration.display()
    )
}
