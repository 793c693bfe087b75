//! A flow, the packet that starts it, and what became of it on its way.
//! Never knows how a decision is made.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use super::policy::{Direction, PolicyId};

/// An IP protocol by its number; the ones with names are those that Calico's rules can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP for IPv4.
    pub const ICMP: Protocol = Protocol(1);
    /// TCP.
    pub const TCP: Protocol = Protocol(6);
    /// UDP.
    pub const UDP: Protocol = Protocol(17);
    /// ICMP for IPv6.
    pub const ICMPV6: Protocol = Protocol(58);
    /// SCTP.
    pub const SCTP: Protocol = Protocol(132);
    /// UDP-Lite.
    pub const UDPLITE: Protocol = Protocol(136);

    const NAMES: [(Protocol, &'static str); 6] = [
        (Protocol::ICMP, "ICMP"),
        (Protocol::TCP, "TCP"),
        (Protocol::UDP, "UDP"),
        (Protocol::ICMPV6, "ICMPv6"),
        (Protocol::SCTP, "SCTP"),
        (Protocol::UDPLITE, "UDPLite"),
    ];

    /// Reads a name in any case, or a number from 1 to 255.
    pub fn parse(text: &str) -> Option<Protocol> {
        let named = Protocol::NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
        match named {
            Some((protocol, _)) => Some(*protocol),
            None => text.parse().ok().filter(|number| *number != 0).map(Protocol),
        }
    }

    /// Whether packets of this protocol have ports that rules can match (TCP, UDP, SCTP).
    pub fn has_ports(self) -> bool {
        matches!(self, Protocol::TCP | Protocol::UDP | Protocol::SCTP)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Protocol::NAMES.iter().find(|(protocol, _)| protocol == self) {
            Some((_, name)) => out.write_str(name),
            None => write!(out, "{}", self.0),
        }
    }
}

/// The first packet of a connection, as it looks at one point of its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Protocol.
    pub protocol: Protocol,
    /// Destination port, for protocols with ports.
    pub port: Option<u16>,
    /// Source port, where the question names one; else any from 1024, and a rule that tells those apart is Unknown.
    pub source_port: Option<u16>,
    /// ICMP type and code, where the question names them.
    pub icmp: Option<(u8, u8)>,
}

/// The answer. `Mixed` is for several paths that do not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every way passes.
    Allow,
    /// Every way is stopped.
    Deny,
    /// Some ways pass and some are stopped.
    Mixed,
    /// Not enough could be seen.
    Unknown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
            Verdict::Mixed => "mixed",
            Verdict::Unknown => "unknown",
        })
    }
}

/// A place in the kernel where policy is asked or a packet is changed, in Calico's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checkpoint {
    /// doNotTrack policy.
    Untracked,
    /// preDNAT policy.
    PreDnat,
    /// A Service's address becomes a backend's.
    Dnat,
    /// applyOnForward ingress policy.
    ForwardIngress,
    /// A pod's egress policy.
    Egress,
    /// A pod's ingress policy.
    Ingress,
    /// applyOnForward egress policy.
    ForwardEgress,
    /// A host's ingress policy.
    HostIngress,
    /// A host's egress policy.
    HostEgress,
    /// The source address becomes a node's.
    Snat,
    /// A port that Felix keeps open.
    Failsafe,
}

impl Checkpoint {
    /// In the words of Calico's own documents, for a person; `Display` has the words of the JSON form.
    pub fn spoken(self) -> &'static str {
        match self {
            Checkpoint::Untracked => "doNotTrack",
            Checkpoint::PreDnat => "preDNAT",
            Checkpoint::Dnat => "dnat",
            Checkpoint::ForwardIngress => "applyOnForward ingress",
            Checkpoint::Egress => "egress",
            Checkpoint::Ingress => "ingress",
            Checkpoint::ForwardEgress => "applyOnForward egress",
            Checkpoint::HostIngress => "host ingress",
            Checkpoint::HostEgress => "host egress",
            Checkpoint::Snat => "snat",
            Checkpoint::Failsafe => "failsafe port",
        }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Checkpoint::Untracked => "untracked",
            Checkpoint::PreDnat => "pre-dnat",
            Checkpoint::Dnat => "dnat",
            Checkpoint::ForwardIngress => "forward-ingress",
            Checkpoint::Egress => "egress",
            Checkpoint::Ingress => "ingress",
            Checkpoint::ForwardEgress => "forward-egress",
            Checkpoint::HostIngress => "host-ingress",
            Checkpoint::HostEgress => "host-egress",
            Checkpoint::Snat => "snat",
            Checkpoint::Failsafe => "failsafe",
        })
    }
}

/// What a checkpoint did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HopAction {
    /// Lets it pass.
    Allow,
    /// Stops it.
    Deny,
    /// Has no say, or only changes the packet.
    None,
    /// Cannot be told.
    Unknown,
}

/// Who decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decider {
    /// A rule of a policy.
    Rule {
        /// The policy.
        policy: PolicyId,
        /// Its tier.
        tier: String,
        /// Which list of rules.
        direction: Direction,
        /// Its place in that list, from 0.
        index: usize,
    },
    /// The end of a tier that has policies for the endpoint, none of which matched.
    TierDefault {
        /// The tier.
        tier: String,
        /// The policies of the tier that select the endpoint in this direction.
        policies: Vec<PolicyId>,
    },
    /// A profile, as no policy selects the endpoint in this direction: what a Namespace gives its pods allows all.
    Profile {
        /// As `kns.shop`.
        name: String,
    },
    /// A setting of Felix, which no policy overrules.
    Setting {
        /// As `defaultEndpointToHostAction`.
        name: String,
        /// Where it is set.
        evidence: String,
    },
    /// It cannot be told; or nobody decides, where policy has no say.
    Unknown {
        /// Why, in words for a person.
        why: String,
    },
}

/// One checkpoint of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Hop {
    /// The node.
    pub node: Option<String>,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The endpoint that is policed, as `shop/web-1`.
    pub endpoint: Option<String>,
    /// Seen from the endpoint.
    pub direction: Option<Direction>,
    /// The packet as it looks here.
    pub packet: Packet,
    /// What happened.
    pub action: HopAction,
    /// Who decided, where something was decided.
    pub by: Option<Decider>,
}

/// One way of a flow: where it enters and which backend it reaches.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// What becomes of it: the first hop that stops it decides, then whether any is unknown.
    pub verdict: Verdict,
    /// The node where it enters the cluster.
    pub entry_node: Option<String>,
    /// The backend that it reaches, as `10.20.2.20:80` or `shop/web-1:80`.
    pub backend: Option<String>,
    /// Every checkpoint, also those behind one that stops it.
    pub hops: Vec<Hop>,
    /// The packet as its sender makes it, where that is known apart from the hops.
    pub sent: Option<Packet>,
}

impl Path {
    /// A path whose verdict follows from its hops.
    pub fn new(entry_node: Option<String>, backend: Option<String>, hops: Vec<Hop>) -> Path {
        let has = |action| hops.iter().any(|hop| hop.action == action);
        let verdict = if has(HopAction::Deny) {
            Verdict::Deny
        } else if has(HopAction::Unknown) {
            Verdict::Unknown
        } else {
            Verdict::Allow
        };
        let sent = hops.first().map(|hop| hop.packet);
        Path { verdict, entry_node, backend, hops, sent }
    }
}

/// The verdict of all paths together; no path at all is Unknown.
pub fn together(paths: &[Path]) -> Verdict {
    let has = |verdict| paths.iter().any(|path| path.verdict == verdict);
    match (has(Verdict::Allow), has(Verdict::Deny), has(Verdict::Unknown)) {
        (_, _, true) | (false, false, false) => Verdict::Unknown,
        (true, true, false) => Verdict::Mixed,
        (true, false, false) => Verdict::Allow,
        (false, true, false) => Verdict::Deny,
    }
}
