//! What a perimeter closes as it stands, whoever made it, and which nodes it leaves out.
//! Never plans anything.

use serde::Serialize;

use super::{endpoints, hosts, recognise};
use crate::model::intent::Hosts;
use crate::model::policy::{Policy, PolicyId};
use crate::model::world::{HostEndpoint, Node, World};

/// The perimeter as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// What it closes.
    pub closes: Closes,
    /// The policies that do.
    pub policies: Vec<PolicyId>,
    /// Nodes with an address that no host endpoint, or none of these policies, polices.
    pub open_nodes: Vec<String>,
    /// What stays open on nodes that this tool locked.
    pub hosts: Option<Hosts>,
}

/// What a perimeter closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Closes {
    /// There is none.
    Nothing,
    /// The doors of Services.
    Doors,
    /// The nodes, and the doors of Services with them.
    Nodes,
}

impl std::fmt::Display for Closes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Closes::Nothing => "none",
            Closes::Doors => "closes the doors of Services",
            Closes::Nodes => "closes the nodes and the doors of Services",
        })
    }
}

/// Looks at a world.
pub fn standing(world: &World) -> Standing {
    let doors = recognise::perimeters(world);
    let nodes: Vec<&Policy> = doors.iter().copied().filter(|policy| hosts::closes_hosts(world, policy)).collect();
    let (closes, policies) = match (doors.is_empty(), nodes.is_empty()) {
        (true, _) => (Closes::Nothing, Vec::new()),
        (false, true) => (Closes::Doors, doors),
        (false, false) => (Closes::Nodes, nodes),
    };
    let polices = |endpoint: &&HostEndpoint| policies.iter().any(|policy| policy.selector.matches(&endpoint.labels));
    let is_open = |node: &&Node| {
        let mut own = world.host_endpoints.iter().filter(|endpoint| endpoint.node == node.name).peekable();
        own.peek().is_none() || !own.all(|endpoint| polices(&endpoint)) || !endpoints::uncovered(world, node).is_empty()
    };
    let open = world.nodes.values().filter(is_open).map(|node| node.name.clone());
    Standing {
        closes,
        open_nodes: if closes == Closes::Nothing { Vec::new() } else { open.collect() },
        policies: policies.iter().map(|policy| policy.id.clone()).collect(),
        hosts: hosts::remembered(world),
    }
}
