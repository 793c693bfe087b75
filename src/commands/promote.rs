//! `promote`: enforces a lockdown that is staged or observed.
//! Never knows what that takes.

use super::change::{Planned, change};
use super::context::Context;
use super::lockdown::hosts;
use super::session::Session;
use super::terms::Accepting;
use crate::cli::Writing;
use crate::outcome::{Outcome, Problem};
use crate::plan::lockdown::Ask;
use crate::plan::needs;
use crate::plan::perimeter::Shape;
use crate::plan::staged::promote::promote_all;

const EXAMPLES: &str = "\
Examples:
  # What closes, and what stays open by the grants that were given in the meantime
  kubectl zerotrust promote --dry-run=client

  # Enforce it, and go back to observing unless it is confirmed within five minutes
  kubectl zerotrust promote --confirm-within 5m

  # Only if what has to be reachable then is, and what has not is not
  kubectl zerotrust promote --tests reachability.yaml

  # On manifests: the files are edited in place
  kubectl zerotrust promote -f ./cluster --yes";

/// Enforce the lockdown that is staged or observed
///
/// Makes the lockdown from what `lockdown --staged` or `lockdown --observe` wrote (or somebody by hand), completed with what the
/// cluster has by now, keeps the cluster's own connections open, and takes away what was staged or only observed once the lockdown
/// stands. Grants that were given in the meantime stay and are what is open then. Nodes that are observed are locked too. Where
/// nothing is staged or observed, that is said and nothing is written.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Promote {
    /// Log what is dropped to the nodes' kernel log
    #[arg(long)]
    log: bool,
    /// Other networks that go on reaching everything on the nodes than those named for the observation
    #[arg(long, value_name = "CIDR")]
    allow_from: Vec<String>,
    /// Other ports of the nodes that stay open to everybody than those named for the observation
    #[arg(long, value_name = "PORT")]
    allow_port: Vec<String>,
    /// Close every door of a Service that has no grant, and hostPorts of applications, also those that are open now
    #[arg(long)]
    close_others: bool,
    #[command(flatten)]
    accepting: Accepting,
    #[command(flatten)]
    writing: Writing,
}

impl Promote {
    /// Promotes.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            let ask = Ask { log: self.log, accepted: self.accepting.accept_risk.clone(), ..Ask::default() };
            let shape = Shape { close_others: self.close_others, ..Shape::default() };
            let nodes = hosts(session, &self.allow_from, &self.allow_port, shape, &ask.accepted)?;
            change(session, &self.writing, None, async || {
                let scene = session.observe(needs::lockdown(), needs::promotion_follow_ups).await?.answered()?;
                let plan = promote_all(&scene.world, &ask, &nodes)?;
                Ok(Planned::on(&scene.world, plan))
            })
            .await
        })
    }
}
