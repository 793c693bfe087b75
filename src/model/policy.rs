//! Policies as a world sees them: parsed, their selectors combined as Calico combines them.
//! Never knows text that was not understood; `compile` turns that into findings.

use std::fmt;

use ipnet::IpNet;
use serde::Serialize;

use super::flow::Protocol;
use super::selector::Selector;

/// The two directions, seen from the endpoint that is policed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Towards the endpoint.
    Ingress,
    /// From the endpoint.
    Egress,
}

impl fmt::Display for Direction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        })
    }
}

/// The kinds of policy, by the words of their documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum PolicyKind {
    /// Calico, cluster-wide.
    GlobalNetworkPolicy,
    /// Calico, in a namespace.
    NetworkPolicy,
    /// networking.k8s.io.
    KubernetesNetworkPolicy,
    /// Calico, not enforced.
    StagedGlobalNetworkPolicy,
    /// Calico, not enforced.
    StagedNetworkPolicy,
    /// Calico, not enforced.
    StagedKubernetesNetworkPolicy,
}

impl PolicyKind {
    /// Whether it is only a plan: Felix leaves it out.
    pub fn is_staged(self) -> bool {
        matches!(
            self,
            PolicyKind::StagedGlobalNetworkPolicy
                | PolicyKind::StagedNetworkPolicy
                | PolicyKind::StagedKubernetesNetworkPolicy
        )
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}

/// Which policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct PolicyId {
    /// Its kind.
    pub kind: PolicyKind,
    /// Its namespace, for kinds in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name in v3 form.
    pub name: String,
}

impl fmt::Display for PolicyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(out, "{} {namespace}/{}", self.kind, self.name),
            None => write!(out, "{} {}", self.kind, self.name),
        }
    }
}

/// Where in the kernel a policy is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    /// doNotTrack.
    Untracked,
    /// preDNAT.
    PreDnat,
    /// The usual chains; with `applyOnForward` those of forwarded traffic too.
    Normal,
}

/// A policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Which one.
    pub id: PolicyId,
    /// The name by which equal orders are decided.
    pub tie_break: String,
    /// Its tier.
    pub tier: String,
    /// Lower comes first; none comes last.
    pub order: Option<f64>,
    /// Which endpoints: selector, namespaceSelector, serviceAccountSelector and the own namespace in one.
    pub selector: Selector,
    /// Ingress rules; none where `types` leaves ingress out.
    pub ingress: Option<Vec<Rule>>,
    /// Egress rules; none where `types` leaves egress out.
    pub egress: Option<Vec<Rule>>,
    /// Where it is asked.
    pub hook: Hook,
    /// For forwarded traffic too.
    pub apply_on_forward: bool,
    /// Why it is not sure that Felix enforces it as it stands, if so.
    pub doubt: Option<String>,
}

impl Policy {
    /// The rules of one direction; none where the policy has no say in it.
    pub fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleAction {
    /// Lets the packet pass; nothing else of this endpoint is asked.
    Allow,
    /// Drops it.
    Deny,
    /// Logs and goes on with the next rule.
    Log,
    /// Leaves the tier.
    Pass,
}

/// A rule. All that is set must match.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What it does.
    pub action: RuleAction,
    /// 4 or 6.
    pub ip_version: Option<u8>,
    /// Protocol.
    pub protocol: Option<Protocol>,
    /// Protocol that does not match.
    pub not_protocol: Option<Protocol>,
    /// ICMP type and code.
    pub icmp: Option<Icmp>,
    /// ICMP type and code that do not match.
    pub not_icmp: Option<Icmp>,
    /// Where the packet comes from.
    pub source: Entity,
    /// Where it goes.
    pub destination: Entity,
    /// It matches HTTP, which the kernel does not see: whether it matches is unknown.
    pub http: bool,
    /// It can never match, and why.
    pub never: Option<&'static str>,
    /// Why it may not match where it seems to, if so.
    pub doubt: Option<&'static str>,
    /// The grant that it was made for.
    pub grant: Option<String>,
    /// Its place in the document's list, from 0: one rule of Kubernetes' can be several here.
    pub place: usize,
}

impl Rule {
    /// Whether Felix's iptables and nftables rules do not check all of it for packets of this family (4 or 6): source
    /// ports, destination ports, source nets and destination nets that need more than one match each are blocks of rules
    /// that share one mark, which is not cleared after the second block (felix/rules/policy.go, matchBlockBuilder).
    pub fn unchecked(&self, family: u8) -> bool {
        self.blocks(family).into_iter().filter(|block| *block).count() > 2
    }

    /// Which of source ports, destination ports, source nets and destination nets need more than one match, in the order
    /// in which Felix makes blocks of them.
    pub fn blocks(&self, family: u8) -> [bool; 4] {
        let of_family = |net: &&IpNet| matches!(net, IpNet::V4(_)) == (family == 4);
        let several = |nets: &Option<Vec<IpNet>>| nets.iter().flatten().filter(of_family).take(2).count() > 1;
        [
            port_matches(self.source.ports.as_deref()) > 1,
            port_matches(self.destination.ports.as_deref()) > 1,
            several(&self.source.nets),
            several(&self.destination.nets),
        ]
    }
}

/// How many matches a list of ports needs: one for every 15 numbers (a range counts twice) and one for every name.
fn port_matches(ports: Option<&[Port]>) -> usize {
    let (mut named, mut groups, mut free) = (0, 0, 0);
    for port in ports.unwrap_or_default() {
        let slots = match port {
            Port::Named(_) => {
                named += 1;
                continue;
            }
            Port::Range(first, last) if first == last => 1,
            Port::Range(..) => 2,
        };
        if free < slots {
            (groups, free) = (groups + 1, 15);
        }
        free -= slots;
    }
    named + groups
}

/// ICMP type and code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// Type.
    pub kind: u8,
    /// Code; none matches all.
    pub code: Option<u8>,
}

/// The source or destination of a rule. All that is set must match; within a list any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entity {
    /// Addresses; none matches all.
    pub nets: Option<Vec<IpNet>>,
    /// Addresses that do not match.
    pub not_nets: Vec<IpNet>,
    /// The address belongs to an endpoint or network set with such labels.
    pub selector: Option<Selector>,
    /// The address belongs to none with such labels.
    pub not_selector: Option<Selector>,
    /// Ports; none matches all.
    pub ports: Option<Vec<Port>>,
    /// Ports that do not match.
    pub not_ports: Vec<Port>,
    /// The address (and, as a destination, the port) is an endpoint of this Service: namespace and name.
    pub service: Option<(String, String)>,
}

/// A port of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Port {
    /// From one number to another, both within.
    Range(u16, u16),
    /// The endpoint's port of this name.
    Named(String),
}

impl fmt::Display for Port {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Port::Range(first, last) if first == last => write!(out, "{first}"),
            Port::Range(first, last) => write!(out, "{first}:{last}"),
            Port::Named(name) => out.write_str(name),
        }
    }
}
