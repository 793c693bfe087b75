//! `bgp-allow`: clients outside reach a Service by an address that is advertised over BGP.
//! Never knows what that takes.

use std::net::IpAddr;

use super::context::Context;
use super::exposing::{Door, Exposing};
use crate::model::intent::Way;
use crate::model::world::ServiceAddress;
use crate::outcome::{Outcome, Problem};
use crate::plan::expose::advertise::PeerAsked;

const EXAMPLES: &str = "\
Examples:
  # The fabric's range may reach an advertised Service, on its own address and ports alone
  kubectl zerotrust bgp-allow bgp-demo/web --from 10.30.0.0/16

  # Advertise its cluster address first, to a router of another autonomous system
  kubectl zerotrust bgp-allow bgp-demo/web --from 10.30.0.0/16 --advertise cluster --peer 10.128.147.141 --as 65531";

/// Let clients outside reach a Service by an address that is advertised over BGP
///
/// Opens the Service's own advertised address and ports to these clients; the rest of the advertised range is closed to clients
/// outside. With --advertise it has this one address advertised (BGPConfiguration), with --peer the nodes peer with a router
/// (BGPPeer); without them neither is written. Everything else is as with expose-nodeport.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct BgpAllow {
    #[command(flatten)]
    exposing: Exposing,
    /// Have this address of the Service advertised
    #[arg(long, value_enum, value_name = "WHICH")]
    advertise: Option<Which>,
    /// A router outside that every node peers with
    #[arg(long, value_name = "IP", requires = "number")]
    peer: Option<IpAddr>,
    /// Its autonomous system
    #[arg(id = "number", long = "as", value_name = "NUMBER", requires = "peer")]
    number: Option<u32>,
}

/// Which of a Service's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    /// The cluster address
    Cluster,
    /// spec.externalIPs
    External,
    /// What a load balancer gave
    Lb,
}

impl BgpAllow {
    /// Allows it.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        let peer = self.peer.zip(self.number).map(|(address, number)| PeerAsked { address, number });
        let advertise = self.advertise.map(|which| match which {
            Which::Cluster => ServiceAddress::Cluster,
            Which::External => ServiceAddress::External,
            Which::Lb => ServiceAddress::LoadBalancer,
        });
        self.exposing.run(context, Way::Bgp, Door { advertise, peer, ..Door::default() })
    }
}
