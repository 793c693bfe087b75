//! `expose-nodeport`: clients outside reach a Service by a port of every node.
//! Never knows what that takes.

use super::context::Context;
use super::exposing::{Door, Exposing};
use crate::model::intent::Way;
use crate::outcome::{Outcome, Problem};

const EXAMPLES: &str = "\
Examples:
  # One client may reach nginx by a port of every node
  kubectl zerotrust expose-nodeport nginx --from 10.7.0.99

  # Two ranges, one of the Service's ports, a certain number on the nodes
  kubectl zerotrust expose-nodeport shop/web --from 10.7.0.0/24 --from 10.8.0.0/24 --port 443 --node-port 30443

  # Only by the nodes at the edge
  kubectl zerotrust expose-nodeport shop/web --from 10.7.0.99 --nodes role=edge

  # Host endpoints for the interface eth0, instead of by the nodes' addresses
  kubectl zerotrust expose-nodeport nginx --from 10.7.0.99 --interface eth0";

/// Let clients outside reach a Service by a port of every node
///
/// Makes the Service one of type NodePort where it is not, polices what enters the nodes (host endpoints, and a preDNAT policy
/// that closes all doors of Services to clients outside), lets these clients come by this port, and opens the pods to the
/// addresses that they will really see. It proves before it writes that the clients pass by every node, that strangers pass by
/// none, and that nothing else changes. Doors of other Services that are open now stay open, unless --close-others is given.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ExposeNodeport {
    #[command(flatten)]
    exposing: Exposing,
    /// The number on the nodes, where the Service has none yet; without it a free one is chosen
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    node_port: Option<u16>,
    /// Only by the nodes with these labels, as role=edge
    #[arg(long, value_name = "SELECTOR")]
    nodes: Option<String>,
}

impl ExposeNodeport {
    /// Exposes it.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        let door = Door { node_port: self.node_port, nodes: self.nodes.clone(), ..Door::default() };
        self.exposing.run(context, Way::NodePort, door)
    }
}
