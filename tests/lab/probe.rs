//! What is sent in the lab, and what can become of it.
//! Never sends anything, and never knows what we would have expected.

use std::fmt;
use std::net::IpAddr;

/// Who sends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sender {
    /// A pod, as `NAMESPACE/NAME`.
    Pod(String),
    /// A process on a node, which does not choose its source address: the kernel takes the one that its route says.
    Node(String),
    /// The client outside the cluster that has this address.
    Client(IpAddr),
}

/// What kind of packet opens the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// A connection.
    Tcp,
    /// A question that is answered.
    Udp,
    /// An INIT that is answered with an INIT ACK; both are made by hand, so that the kernel needs no SCTP of its own.
    Sctp,
    /// A message that Linux answers: echo and timestamp requests. ICMPv6 where the addresses are IPv6.
    Icmp {
        /// ICMP's (or ICMPv6's) number of the type.
        kind: u8,
        /// The number below it.
        code: u8,
    },
}

/// One question to the kernel: what becomes of this packet?
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Probe {
    /// Who sends it.
    pub sender: Sender,
    /// The address that it is sent from. A node's process lets the kernel choose it; there this says the family only.
    pub source: IpAddr,
    /// Where it is sent to.
    pub destination: IpAddr,
    /// The destination port; none for ICMP.
    pub port: Option<u16>,
    /// What it is.
    pub protocol: Protocol,
    /// The source port where it matters; without it each packet has one of its own.
    pub source_port: Option<u16>,
    /// The node through which a client's packet enters, where the destination does not say it: an advertised cluster
    /// address, or a load balancer's that is announced by several.
    pub entry: Option<String>,
}

/// What became of a probe. Each but the last was seen the same in two rounds over fresh five-tuples.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It was answered.
    Allowed {
        /// The source address that the receiver saw; none if the receiver is the kernel (ICMP), or if it saw several.
        saw: Option<IpAddr>,
        /// Who answered: `NAMESPACE/NAME` of a pod, a node's or a client's name; none if the receiver is the kernel, or if
        /// several answered.
        by: Option<String>,
    },
    /// A reset, or an ICMP message that says no.
    Refused,
    /// Silence.
    Dropped,
    /// Some of several attempts were answered and some were not: one backend is reached and another is not.
    Mixed,
    /// It did not come out the same twice; what was seen.
    Unsure(String),
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sender::Pod(name) => write!(f, "pod {name}"),
            Sender::Node(name) => write!(f, "node {name}"),
            Sender::Client(address) => write!(f, "client {address}"),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Protocol::Tcp => write!(f, "tcp"),
            Protocol::Udp => write!(f, "udp"),
            Protocol::Sctp => write!(f, "sctp"),
            Protocol::Icmp { kind, code } => write!(f, "icmp {kind}/{code}"),
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port.map(|port| format!(" port {port}")).unwrap_or_default();
        let own = self.source_port.map(|port| format!(" port {port}")).unwrap_or_default();
        let entry = self.entry.as_ref().map(|node| format!(" by {node}")).unwrap_or_default();
        let Probe { sender, source, destination, protocol, .. } = self;
        write!(f, "{sender} ({source}{own}) -> {destination}{port} {protocol}{entry}")
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fate::Allowed { saw, by } => {
                let by = by.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
                let saw = saw.map(|address| format!(", which saw {address}")).unwrap_or_default();
                write!(f, "allowed{by}{saw}")
            }
            Fate::Refused => write!(f, "refused"),
            Fate::Dropped => write!(f, "dropped"),
            Fate::Mixed => write!(f, "mixed"),
            Fate::Unsure(why) => write!(f, "unsure: {why}"),
        }
    }
}
