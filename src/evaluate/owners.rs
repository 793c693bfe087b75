//! Who may have an address, and what of that could not be seen.
//! Never knows why it is asked.

use std::net::IpAddr;

use super::routes::unseen_pools;
use crate::model::flow::Protocol;
use crate::model::policy::Entity;
use crate::model::selector::Selector;
use crate::model::world::{Hidden, Labels, Part, PodPort, World};

/// Whether something matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It cannot be told, and why.
    Maybe(String),
}

impl Match {
    /// Both.
    pub fn and(self, other: impl FnOnce() -> Match) -> Match {
        match self {
            Match::No => Match::No,
            Match::Yes => other(),
            Match::Maybe(why) => match other() {
                Match::No => Match::No,
                _ => Match::Maybe(why),
            },
        }
    }

    /// The opposite.
    pub fn negated(self) -> Match {
        match self {
            Match::Yes => Match::No,
            Match::No => Match::Yes,
            maybe => maybe,
        }
    }
}

impl From<bool> for Match {
    fn from(matches: bool) -> Match {
        if matches { Match::Yes } else { Match::No }
    }
}

/// One end of a packet: its address and everything that Felix's address sets can have it for.
pub struct End<'w> {
    /// The address.
    pub ip: IpAddr,
    owners: Vec<Owner<'w>>,
    ghosts: Vec<Ghost>,
}

/// A pod, host endpoint or network set that has the address.
struct Owner<'w> {
    labels: &'w Labels,
    unseen: &'w [String],
    ports: &'w [PodPort],
    doubt: Option<&'w str>,
}

/// One that may have it and could not be seen.
struct Ghost {
    labels: Labels,
    absent: &'static [&'static str],
    ports: bool,
    why: String,
}

const NAMESPACE: &str = "projectcalico.org/namespace";
const ORCHESTRATOR: &str = "projectcalico.org/orchestrator";

impl<'w> End<'w> {
    /// Looks up who has the address.
    pub fn of(world: &'w World, ip: IpAddr) -> End<'w> {
        let mut owners: Vec<Owner<'w>> = world
            .pods_at(ip)
            .map(|pod| Owner { labels: &pod.labels, unseen: &pod.unseen_labels, ports: &pod.ports, doubt: None })
            .collect();
        let is_pod = !owners.is_empty();
        let hosts = world.owners.host_endpoints.get(&ip).into_iter().flatten();
        owners.extend(hosts.map(|index| &world.host_endpoints[*index as usize]).map(|endpoint| Owner {
            labels: &endpoint.labels,
            unseen: &[],
            ports: &endpoint.ports,
            doubt: None,
        }));
        let sets = world.owners.sets.containing(ip).map(|index| &world.network_sets[*index as usize]);
        owners.extend(sets.map(|set| Owner {
            labels: &set.labels,
            unseen: &set.unseen_labels,
            ports: &[],
            doubt: set.doubt.as_deref(),
        }));
        End { ip, owners, ghosts: ghosts(world, ip, is_pod) }
    }

    /// Whether the selectors of a rule's source or destination match. With both, one owner must match the first and not
    /// the second; the second alone must match no owner, and so also matches an address that nobody has
    /// (felix/calc/rule_scanner.go).
    pub fn selected(&self, entity: &Entity) -> Match {
        match (&entity.selector, &entity.not_selector) {
            (None, None) => Match::Yes,
            (None, Some(not)) => self.any(|labels, unseen| not.matches_partly(labels, unseen), |_| true).negated(),
            (Some(selector), not) => self.any(|labels, unseen| both(selector, not.as_ref(), labels, unseen), |_| true),
        }
    }

    /// Whether an owner that the positive selector takes has the port under this name.
    pub fn has_port(&self, entity: &Entity, name: &str, protocol: Protocol, number: u16) -> Match {
        let has = |ports: &[PodPort]| {
            ports
                .iter()
                .any(|port| port.name.as_deref() == Some(name) && port.protocol == protocol && port.port == number)
        };
        match &entity.selector {
            None => self.any(|_, _| Some(true), has),
            Some(selector) => {
                self.any(|labels, unseen| both(selector, entity.not_selector.as_ref(), labels, unseen), has)
            }
        }
    }

    /// Whether any owner passes both tests; those on labels may be undecided.
    fn any(
        &self,
        matches: impl Fn(&Labels, &dyn Fn(&str) -> bool) -> Option<bool>,
        has: impl Fn(&[PodPort]) -> bool,
    ) -> Match {
        let mut maybe = None;
        for owner in self.owners.iter().filter(|owner| has(owner.ports)) {
            let unseen = |key: &str| owner.unseen.iter().any(|prefix| key.starts_with(prefix.as_str()));
            match (matches(owner.labels, &unseen), owner.doubt) {
                (Some(false), _) => {}
                (Some(true), None) => return Match::Yes,
                (Some(true), Some(doubt)) => maybe = Some(doubt.to_string()),
                (None, _) => maybe = Some(unseen_labels(owner)),
            }
        }
        if let Some(why) = maybe {
            return Match::Maybe(why);
        }
        let names_ports = !has(&[]);
        for ghost in self.ghosts.iter().filter(|ghost| ghost.ports || !names_ports) {
            if matches(&ghost.labels, &|key| !ghost.absent.contains(&key)) != Some(false) {
                return Match::Maybe(ghost.why.clone());
            }
        }
        Match::No
    }
}

fn both(selector: &Selector, not: Option<&Selector>, labels: &Labels, unseen: &dyn Fn(&str) -> bool) -> Option<bool> {
    match (selector.matches_partly(labels, unseen), not) {
        (Some(true), Some(not)) => not.matches_partly(labels, unseen).map(|matches| !matches),
        (None, Some(not)) if not.matches_partly(labels, unseen) == Some(true) => Some(false),
        (matches, _) => matches,
    }
}

fn unseen_labels(owner: &Owner<'_>) -> String {
    let namespace = owner.labels.get(NAMESPACE).map_or("", String::as_str);
    let what = match owner.unseen.iter().any(|prefix| prefix == "pcns.") {
        true => format!("Namespace {namespace} was"),
        false => format!("the ServiceAccounts of namespace {namespace} were"),
    };
    format!("{what} not read, and a selector asks for its labels")
}

/// Everything unseen that could have the address.
fn ghosts(world: &World, ip: IpAddr, is_pod: bool) -> Vec<Ghost> {
    let mut ghosts = Vec::new();
    if !is_pod && let Some(why) = unseen_pod(world, ip) {
        let labels = Labels::from([(ORCHESTRATOR.into(), "k8s".into())]);
        ghosts.push(Ghost { labels, absent: &[], ports: true, why });
    }
    let parts: [(Part, &str, &'static [&'static str]); 2] = [
        (Part::GlobalSets, "GlobalNetworkSets", &[NAMESPACE, ORCHESTRATOR]),
        (Part::Sets, "NetworkSets", &[ORCHESTRATOR]),
    ];
    for (part, name, absent) in parts {
        if !world.sees(part, None) {
            let why = format!("not all {name} were read, and one may have {ip}");
            ghosts.push(Ghost { labels: Labels::new(), absent, ports: false, why });
        }
    }
    if let Some(gap) = world.gap(Hidden::Sets, None) {
        let why = format!("{} could not be read ({}), and may have {ip}", gap.place, gap.reason);
        ghosts.push(Ghost { labels: Labels::new(), absent: &[ORCHESTRATOR], ports: false, why });
    }
    if !is_pod && let Some(why) = unseen_host_endpoints(world) {
        ghosts.push(Ghost { labels: Labels::new(), absent: &[NAMESPACE, ORCHESTRATOR], ports: true, why });
    }
    ghosts
}

/// Why a pod that was not read may have the address, if so. Calico gives pods addresses of its pools, or of their nodes'
/// own ranges (host-local IPAM); but none that a Node has for its tunnel, which is allocated to it in the same books
/// (node/pkg/allocateip, and host-local's first address).
pub fn unseen_pod(world: &World, ip: IpAddr) -> Option<String> {
    let pooled = unseen_pools(world).is_some()
        || world.pools.is_empty()
        || world.pools.iter().any(|pool| pool.for_pods && pool.net.contains(&ip))
        || world.nodes.values().flat_map(|node| &node.pod_ranges).any(|range| range.contains(&ip));
    if !pooled || world.node_at(ip).is_some() {
        return None;
    }
    if let Some(gap) = world.gap(Hidden::Addresses, None) {
        return Some(format!("{} could not be read ({}), and may have {ip}", gap.place, gap.reason));
    }
    let read = world.seen.get(&Part::Pods).is_some_and(|seen| seen.all || seen.addresses.contains(&ip));
    (!read).then(|| format!("not all pods were read, and one may have {ip}"))
}

/// Why a node that was not read may have the address, if so.
pub fn unseen_node(world: &World, ip: IpAddr) -> Option<String> {
    if let Some(gap) = world.gap(Hidden::Routes, None) {
        return Some(format!("{} could not be read ({}), so whose {ip} is is not known", gap.place, gap.reason));
    }
    (!world.sees(Part::Nodes, None)).then(|| format!("not all Nodes were read, and one may have {ip}"))
}

/// Why there may be host endpoints that were not read, if so.
pub fn unseen_host_endpoints(world: &World) -> Option<String> {
    if let Some(gap) = world.gap(Hidden::HostEndpoints, None) {
        return Some(format!("{} could not be read ({})", gap.place, gap.reason));
    }
    (!world.sees(Part::HostEndpoints, None)).then(|| "HostEndpoints were not read".to_string())
}
