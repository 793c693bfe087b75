//! `expose-lb`: clients outside reach a Service by the address that a load balancer gave it.
//! Never knows what that takes.

use std::net::IpAddr;

use super::context::Context;
use super::exposing::{Door, Exposing};
use crate::model::intent::Way;
use crate::outcome::{Outcome, Problem};

const EXAMPLES: &str = "\
Examples:
  # A range may reach nginx at the address that MetalLB gave it
  kubectl zerotrust expose-lb nginx --from 10.7.0.0/24

  # A Service that has no address yet: the load balancer is asked for this one
  kubectl zerotrust expose-lb nginx --from 10.7.0.99 --address 10.128.146.112

  # Only show what would change
  kubectl zerotrust expose-lb shop/web --from 10.7.0.99 --dry-run=client";

/// Let clients outside reach a Service by its load balancer's address
///
/// Opens every address that MetalLB or another load balancer gave the Service to these clients, on the Service's ports, and
/// closes it to all others, on every node: whichever of them announces it. A Service that is none becomes one of type
/// LoadBalancer; its address must be known by then, so that it is closed before it is there. Everything else is as with
/// expose-nodeport.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ExposeLb {
    #[command(flatten)]
    exposing: Exposing,
    /// The address that the load balancer is asked for (spec.loadBalancerIP)
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
}

impl ExposeLb {
    /// Exposes it.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        self.exposing.run(context, Way::LoadBalancer, Door { address: self.address, ..Door::default() })
    }
}
