//! `expose-lb`: clients outside reach a Service by the address that a load balancer gave it.
//! Never knows what that takes.

use std::net::IpAddr;
use std::time::Duration;

use super::context::Context;
use super::exposing::{Door, Exposing};
use crate::kubernetes::cluster::duration;
use crate::model::intent::Way;
use crate::outcome::{Outcome, Problem};

const EXAMPLES: &str = "\
Examples:
  # A range may reach nginx at the address that MetalLB gave it
  kubectl zerotrust expose-lb nginx --from 10.7.0.0/24

  # A Service that has no address yet: the load balancer is asked for this one
  kubectl zerotrust expose-lb nginx --from 10.7.0.99 --address 10.128.146.112

  # Wait longer for the address, and do not ask twice
  kubectl zerotrust expose-lb shop/web --from 10.7.0.99 --timeout 5m --yes

  # Only show what would change
  kubectl zerotrust expose-lb shop/web --from 10.7.0.99 --dry-run=client";

/// Let clients outside reach a Service by its load balancer's address
///
/// Opens every address that MetalLB or another load balancer gave the Service to these clients, on the Service's ports, and
/// closes it to all others, on every node: whichever of them announces it, and says which does and from where that is known. A
/// Service that is none becomes one of type LoadBalancer. With --address its address is closed before it is there. Without,
/// there are two plans, each approved: the first makes it a load balancer's with its node ports (and the load balancer's pools)
/// closed; then the address is waited for; the second opens it. Where none comes in time it ends with 4, everything stays
/// closed, and the same command goes on later. Everything else is as with expose-nodeport.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ExposeLb {
    #[command(flatten)]
    exposing: Exposing,
    /// How long to wait for an address where the Service has none yet, as 90s or 5m; 0 looks once
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    timeout: Duration,
    /// The address that the load balancer is asked for (spec.loadBalancerIP)
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
}

impl ExposeLb {
    /// Exposes it.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        self.exposing.run(
            context,
            Way::LoadBalancer,
            Door { address: self.address, timeout: self.timeout, ..Door::default() },
        )
    }
}
