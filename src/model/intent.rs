//! What an operator asked for: grants.
//! Never knows how it is done.

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::moment::Moment;

/// Something that was asked to be reachable: the source of truth of every rule that the tool writes for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Who may connect.
    pub from: Peer,
    /// To what.
    pub to: Peer,
    /// On which ports of the receiving pods (or addresses), as `TCP:80`; none means every port and protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<GrantPort>>,
    /// Why, in the operator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when; none means until it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Moment>,
    /// Through which door, where clients outside come by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Through>,
}

/// The door of a grant: what clients outside connect to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Through {
    /// What kind of door.
    pub way: Way,
    /// The Service's name, in the namespace of the pods.
    pub service: String,
    /// The Service's own ports, as `TCP:80`.
    pub ports: Vec<GrantPort>,
    /// The Service's type before, if it was changed for this grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// What a BGPConfiguration advertises for this grant since then, as `serviceClusterIPs 10.21.0.7/32`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advertises: Vec<String>,
    /// The only nodes that clients come by, as `-l` takes them; none means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<String>,
    /// The nodes' addresses stand in the rules instead of in a set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inline: bool,
}

/// What stays open on nodes that are locked, besides what the cluster itself needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hosts {
    /// Networks outside that reach everything on the nodes: those of operators, routers, monitoring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<IpNet>,
    /// Ports of the nodes that everybody reaches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<GrantPort>,
    /// Ports of applications' pods on the nodes (hostPort) that were open when the nodes were locked, and stay so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<GrantPort>,
    /// API servers that are no nodes, as they were read last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<IpNet>,
    /// Routers that reach a port of BGP that is no failsafe, as they were read last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routers: Vec<IpNet>,
    /// That port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bgp: Option<u16>,
}

/// What clients outside connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// A port of every node.
    NodePort,
    /// The address that a load balancer gave.
    LoadBalancer,
    /// An address that is advertised over BGP.
    Bgp,
}

impl Way {
    /// The type of Service that has such a door, as far as one has to be made for it.
    pub fn kind(self) -> Option<&'static str> {
        match self {
            Way::NodePort => Some("NodePort"),
            Way::LoadBalancer => Some("LoadBalancer"),
            Way::Bgp => None,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Way::NodePort => "node port",
            Way::LoadBalancer => "load balancer",
            Way::Bgp => "BGP",
        })
    }
}

impl fmt::Display for Through {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports: Vec<String> = self.ports.iter().map(GrantPort::to_string).collect();
        write!(out, "{} of service/{}, {}", self.way, self.service, ports.join(","))
    }
}

/// A port of a grant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrantPort {
    /// TCP, UDP, SCTP.
    pub protocol: String,
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
}

impl fmt::Display for GrantPort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GrantPort { protocol, first, last } = self;
        match first == last {
            true => write!(out, "{protocol}:{first}"),
            false => write!(out, "{protocol}:{first}-{last}"),
        }
    }
}

/// One end of a grant, as a target resolved to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Peer {
    /// Pods of a namespace, by a Calico selector on their own labels.
    Pods {
        /// Namespace.
        namespace: String,
        /// Selector in canonical form.
        selector: String,
        /// What the operator named, as `service/nginx`, `deployment/nginx`, `pod/access`.
        named: String,
    },
    /// Every pod of a namespace.
    Namespace(String),
    /// Addresses.
    Nets(Vec<IpNet>),
    /// The nodes and their tunnels.
    Nodes,
    /// Everything outside the cluster.
    World,
}

impl fmt::Display for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Pods { namespace, named, .. } => write!(out, "{namespace}/{named}"),
            Peer::Namespace(name) => write!(out, "namespace/{name}"),
            Peer::Nets(nets) => {
                for (index, net) in nets.iter().enumerate() {
                    let host = net.prefix_len() == net.max_prefix_len();
                    let comma = if index == 0 { "" } else { "," };
                    match host {
                        true => write!(out, "{comma}{}", net.addr())?,
                        false => write!(out, "{comma}{net}")?,
                    }
                }
                Ok(())
            }
            Peer::Nodes => out.write_str("nodes"),
            Peer::World => out.write_str("world"),
        }
    }
}

impl Grant {
    /// Its id: ten characters of [a-z0-9], the same for the same from, to and ports, whatever the order of ports.
    pub fn id(&self) -> String {
        let mut ports = self.ports.clone();
        if let Some(ports) = &mut ports {
            ports.sort();
            ports.dedup();
        }
        let text = match &ports {
            Some(ports) => {
                let ports: Vec<String> = ports.iter().map(GrantPort::to_string).collect();
                format!("{}\n{}\n{}", self.from.key(), self.to.key(), ports.join(","))
            }
            None => format!("{}\n{}\nany", self.from.key(), self.to.key()),
        };
        // A grant without a door keeps the id that it had before there were doors.
        let text = match &self.through {
            Some(through) => format!("{text}\nthrough {through} {}", through.nodes.as_deref().unwrap_or_default()),
            None => text,
        };
        base36(fnv(text.as_bytes()), 10)
    }
}

impl Peer {
    /// What makes it the same peer: never the name under which it was asked for.
    fn key(&self) -> String {
        match self {
            Peer::Pods { namespace, selector, .. } => format!("pods {namespace} {selector}"),
            other => other.to_string(),
        }
    }
}

/// FNV-1a with 64 bits, folded twice: stable across versions and machines, which the standard library's hash is not.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn base36(mut number: u64, length: usize) -> String {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(length);
    for _ in 0..length {
        text.push(char::from(DIGITS[(number % 36) as usize]));
        number /= 36;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(from: &str, ports: &[(&str, u16)]) -> Grant {
        let port =
            |(protocol, port): &(&str, u16)| GrantPort { protocol: protocol.to_string(), first: *port, last: *port };
        Grant {
            from: Peer::Nets(vec![from.parse().unwrap()]),
            to: Peer::Pods { namespace: "shop".into(), selector: "app == \"web\"".into(), named: "service/web".into() },
            ports: Some(ports.iter().map(port).collect()),
            reason: None,
            expires: None,
            through: None,
        }
    }

    #[test]
    fn a_door_makes_another_grant_and_what_a_service_was_does_not() {
        let plain = grant("10.7.0.99/32", &[("TCP", 80)]);
        let through = Through {
            way: Way::NodePort,
            service: "web".into(),
            ports: vec![GrantPort { protocol: "TCP".into(), first: 80, last: 80 }],
            was: None,
            advertises: Vec::new(),
            nodes: None,
            inline: false,
        };
        let with = |through: Through| Grant { through: Some(through), ..plain.clone() }.id();
        assert_ne!(with(through.clone()), plain.id());
        assert_eq!(with(through.clone()), with(Through { was: Some("ClusterIP".into()), ..through.clone() }));
        assert_ne!(with(through.clone()), with(Through { way: Way::LoadBalancer, ..through }));
        let old: Grant = serde_json::from_str(&serde_json::to_string(&plain).unwrap()).unwrap();
        assert_eq!((old.id(), old.through), (plain.id(), None));
    }

    #[test]
    fn the_id_is_the_same_for_the_same_grant_and_another_for_another() {
        let one = grant("10.7.0.99/32", &[("TCP", 80), ("TCP", 443)]);
        let expires = "2026-12-31T00:00:00Z".parse().ok();
        assert!(expires.is_some());
        let same =
            Grant { reason: Some("tickets".into()), expires, ..grant("10.7.0.99/32", &[("TCP", 443), ("TCP", 80)]) };
        assert_eq!(one.id(), same.id());
        assert_ne!(one.id(), grant("10.7.0.98/32", &[("TCP", 80), ("TCP", 443)]).id());
        assert_eq!(one.id().len(), 10);
        assert!(one.id().chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
    }
}
