//! What operators ask, one thing after the other, as data: so that a cluster can be made smaller and asked the same.
//! Never knows the answer.

use kubectl_zerotrust::model::intent::Way;
use kubectl_zerotrust::model::world::{AddressRole, Node, NodeAddress, ServiceAddress, World};
use kubectl_zerotrust::plan::expose::{self, advertise::PeerAsked};
use kubectl_zerotrust::plan::perimeter::{Shape, lower::lower};
use kubectl_zerotrust::plan::revoke::{Which, grants, revoke};
use kubectl_zerotrust::plan::target::Target;
use kubectl_zerotrust::plan::{Plan, PlanError, grant, lockdown, ports, sync, unlock};

use super::clusters::{APPS, Cluster};
use super::policies::CLIENTS;
use super::random::Random;

/// One thing that is asked.
#[derive(Clone, Debug)]
pub enum Ask {
    /// `allow --from --to --port`.
    Allow(grant::Ask),
    /// `expose-nodeport`, `expose-lb`, `bgp-allow`.
    Expose(Box<expose::Ask>),
    /// `lockdown`.
    Lockdown,
    /// `revoke` of one of the grants that there are.
    Revoke(usize),
    /// `unlock`.
    Unlock,
    /// `unlock --perimeter`.
    Lower,
    /// `sync`, after nodes have changed or as they are.
    Sync(Option<Change>),
}

/// What becomes of nodes behind the tool's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// WireGuard is turned on.
    Wireguard,
    /// Tunnels have other addresses.
    Tunnels,
    /// A node comes.
    Node,
    /// The first node has another address.
    Address,
}

impl Change {
    /// Makes it.
    pub fn make(self, world: &mut World) {
        let six = world.nodes.values().any(|node| node.all_addresses().any(|ip| ip.is_ipv6()));
        let four = world.nodes.values().any(|node| node.all_addresses().any(|ip| ip.is_ipv4()));
        let of =
            |ip: String, role| NodeAddress { ip: ip.parse().unwrap(), role, subnet: None, evidence: "changed".into() };
        match self {
            Change::Wireguard => {
                for (index, node) in world.nodes.values_mut().enumerate() {
                    node.addresses.retain(|address| address.role != AddressRole::Wireguard);
                    if four {
                        node.wireguard_key[0] = true;
                        node.addresses.push(of(format!("10.20.{index}.9"), AddressRole::Wireguard));
                    }
                }
            }
            Change::Tunnels => {
                let mut number = 0;
                for address in world.nodes.values_mut().flat_map(|node| &mut node.addresses) {
                    number += 1;
                    let tunnel = !matches!(address.role, AddressRole::Host | AddressRole::External);
                    if tunnel && address.ip.is_ipv4() {
                        address.ip = format!("10.20.77.{number}").parse().unwrap();
                    }
                }
            }
            Change::Node => {
                let Some(like) = world.nodes.values().next().cloned() else { return };
                let mut node = Node { name: "n9".into(), addresses: Vec::new(), primary: Vec::new(), ..like };
                let hosts = [(four, "192.0.2.99"), (six, "fd00:2::99")];
                for (_, ip) in hosts.iter().filter(|(has, _)| *has) {
                    node.addresses.push(of(ip.to_string(), AddressRole::Host));
                    node.primary.push(ip.parse().unwrap());
                }
                let tunnels = like.addresses.iter().filter(|own| own.ip.is_ipv4());
                for role in tunnels
                    .map(|own| own.role)
                    .filter(|role| !matches!(role, AddressRole::Host | AddressRole::External))
                {
                    node.addresses.push(of(format!("10.20.78.{}", node.addresses.len()), role));
                }
                node.addresses
                    .iter_mut()
                    .for_each(|own| own.subnet = like.addresses.first().and_then(|first| first.subnet));
                world.nodes.insert("n9".into(), node);
            }
            Change::Address => {
                let Some(node) = world.nodes.values_mut().next() else { return };
                for own in node.addresses.iter_mut().filter(|own| own.role == AddressRole::Host && own.ip.is_ipv4()) {
                    let ip: std::net::IpAddr = "192.0.2.88".parse().unwrap();
                    node.primary.iter_mut().filter(|primary| **primary == own.ip).for_each(|primary| *primary = ip);
                    own.ip = ip;
                }
            }
        }
        world.index();
    }
}

impl Ask {
    /// For the tally.
    pub fn kind(&self) -> String {
        match self {
            Ask::Allow(_) => "allow".into(),
            Ask::Expose(ask) => ask.way.to_string(),
            Ask::Lockdown => "lockdown".into(),
            Ask::Revoke(_) => "revoke".into(),
            Ask::Unlock => "unlock".into(),
            Ask::Lower => "unlock --perimeter".into(),
            Ask::Sync(None) => "sync of what is in step".into(),
            Ask::Sync(Some(_)) => "sync".into(),
        }
    }

    /// The plan for it, with the grant that it makes or takes back.
    pub fn plan(&self, world: &World) -> Result<(Plan, Option<String>), PlanError> {
        match self {
            Ask::Allow(ask) => kubectl_zerotrust::plan::question::granted(world, ask),
            Ask::Expose(ask) => expose::expose(world, ask).map(|(plan, id)| (plan, Some(id))),
            Ask::Lockdown => Ok((lockdown::lockdown(world, &lockdown::Ask::default())?, None)),
            Ask::Revoke(which) => {
                let known = grants(world);
                let Some(info) = known.get(which % known.len().max(1)) else { return Ok((Plan::default(), None)) };
                Ok((revoke(world, &Which::Id(info.id.clone()))?, Some(info.id.clone())))
            }
            Ask::Unlock => Ok((unlock::unlock(world, None)?, None)),
            Ask::Lower => Ok((lower(world)?, None)),
            Ask::Sync(_) => Ok((sync::sync(world, &[])?.plan, None)),
        }
    }
}

/// One to four asks.
pub fn asks(random: &mut Random, cluster: &Cluster) -> Vec<Ask> {
    let mut asks = Vec::new();
    if random.chance(25) {
        asks.push(Ask::Lockdown);
    }
    for _ in 0..random.between(1, 3) {
        asks.push(match random.below(10) {
            0..=2 => Ask::Allow(allow(random, cluster)),
            3..=8 => Ask::Expose(Box::new(expose(random, cluster))),
            _ => Ask::Lockdown,
        });
    }
    if random.chance(50) {
        let change = *random.pick(&[Change::Wireguard, Change::Tunnels, Change::Node, Change::Address]);
        asks.extend([Ask::Sync(None), Ask::Sync(Some(change))]);
    }
    if random.chance(60) {
        asks.push(Ask::Revoke(random.below(8)));
    }
    if random.chance(15) {
        asks.push(Ask::Unlock);
    }
    if random.chance(30) {
        asks.push(Ask::Revoke(random.below(8)));
        asks.push(Ask::Lower);
    }
    asks
}

fn target(text: impl AsRef<str>) -> Target {
    Target::parse(text.as_ref(), None).unwrap()
}

fn service(random: &mut Random) -> Target {
    let (namespace, app) = *random.pick(&APPS);
    target(format!("{namespace}/service/{app}"))
}

/// Clients outside, of the families that there are.
fn clients(random: &mut Random, [four, six]: [bool; 2]) -> Target {
    let mut nets = Vec::new();
    if four {
        nets.push(match random.below(4) {
            0 => "10.7.0.0/24".to_string(),
            _ => random.pick(&CLIENTS).to_string(),
        });
    }
    if six && (!four || random.chance(60)) {
        nets.push(random.pick(&["fd07::99", "fd08:3::/64"]).to_string());
    }
    target(nets.join(","))
}

fn allow(random: &mut Random, cluster: &Cluster) -> grant::Ask {
    let pods = |random: &mut Random| {
        target(*random.pick(&["shop/pod/client-1", "shop/service/api", "stock/service/db", "namespace/shop"]))
    };
    let to_service = service(random);
    let (from, to, port) = match random.below(10) {
        0..=2 => (pods(random), to_service, None),
        3..=5 => (clients(random, cluster.families), to_service, None),
        6 => (target("nodes"), to_service, None),
        7 => (pods(random), target("world"), Some("443")),
        8 => (pods(random), clients(random, cluster.families), Some("443")),
        _ => (target("world"), to_service, None),
    };
    let port = port.or_else(|| random.chance(20).then_some("81")).map(|port| vec![port]).unwrap_or_default();
    grant::Ask { from, to, ports: ports::parse(&port).unwrap(), reason: None, accepted: Vec::new() }
}

fn expose(random: &mut Random, cluster: &Cluster) -> expose::Ask {
    let way = *random.weighted(&[(5, Way::NodePort), (3, Way::LoadBalancer), (3, Way::Bgp)]);
    let balanced = way == Way::LoadBalancer && cluster.families[0] && random.chance(70);
    let advertise = (way == Way::Bgp && random.chance(80)).then_some(ServiceAddress::Cluster);
    let peer = PeerAsked { address: "192.0.2.253".parse().unwrap(), number: 65000 };
    let interface = *random.weighted(&[(6, None), (2, Some("eth0")), (2, Some("*"))]);
    let port: &[&str] = if random.chance(20) { &["80"] } else { &[] };
    expose::Ask {
        service: service(random),
        way,
        from: if random.chance(8) { Vec::new() } else { vec![clients(random, cluster.families)] },
        ports: ports::parse(port).unwrap(),
        node_port: None,
        address: balanced.then(|| format!("192.0.2.{}", 230 + random.below(8)).parse().unwrap()),
        advertise,
        peer: (way == Way::Bgp && random.chance(15)).then_some(peer),
        nodes: (way == Way::NodePort && random.chance(15)).then(|| "role=edge".to_string()),
        shape: Shape {
            interface: interface.map(str::to_string),
            inline: random.chance(20),
            close_others: random.chance(15),
        },
        reason: None,
        accepted: Vec::new(),
    }
}
