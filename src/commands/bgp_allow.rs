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
  kubectl zerotrust bgp-allow bgp-demo/web --from 10.30.0.0/16 --advertise cluster --peer 10.128.147.141 --peer-as 65531";

/// Let clients outside reach a Service by an address that is advertised over BGP
///
/// Opens the Service's own advertised address and ports to these clients; the rest of the advertised range is closed to clients
/// outside. With --advertise it has this one address advertised (BGPConfiguration), with --peer the nodes peer with a router
/// (BGPPeer); without them neither is written. Says which nodes advertise it to whom, and warns where the port on which nodes
/// listen for BGP is no failsafe of Felix or a policy stops a session. Everything else is as with expose-nodeport.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct BgpAllow {
    #[command(flatten)]
    exposing: Exposing,
    /// Have this address of the Service advertised
    #[arg(long, value_enum, value_name = "WHICH")]
    advertise: Option<Which>,
    /// A router outside that every node peers with
    #[arg(long, value_name = "IP")]
    peer: Option<IpAddr>,
    /// Its autonomous system; behind --peer, --as with a number says it too, as no user is called by a number
    #[arg(long, value_name = "NUMBER", requires = "peer")]
    peer_as: Option<u32>,
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
        let mut context = context.clone();
        let peer = match self.peer {
            Some(address) => Some(PeerAsked { address, number: self.system(&mut context)? }),
            None => None,
        };
        let advertise = self.advertise.map(|which| match which {
            Which::Cluster => ServiceAddress::Cluster,
            Which::External => ServiceAddress::External,
            Which::Lb => ServiceAddress::LoadBalancer,
        });
        self.exposing.run(&context, Way::Bgp, Door { advertise, peer, ..Door::default() })
    }

    /// The peer's autonomous system. kubectl's --as names a user, and no user is called by a number.
    fn system(&self, context: &mut Context) -> Result<u32, Problem> {
        let impersonated = &mut context.global.connection.impersonate;
        match (self.peer_as, impersonated.as_deref().map(str::parse)) {
            (Some(number), _) => Ok(number),
            (None, Some(Ok(number))) => {
                *impersonated = None;
                Ok(number)
            }
            (None, _) => {
                let problem = Problem::usage("--peer needs the router's autonomous system");
                Err(problem.hint("--peer 10.128.147.141 --peer-as 65531"))
            }
        }
    }
}
