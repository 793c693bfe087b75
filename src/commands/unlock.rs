//! `unlock`: takes the lockdown back.
//! Never knows which policies it is made of.

use super::change::{Planned, change};
use super::context::Context;
use super::session::Session;
use crate::cli::Writing;
use crate::outcome::{Outcome, Problem};
use crate::plan::perimeter::lower::lower;
use crate::plan::sight::what_locks;
use crate::plan::unlock::unlock;
use crate::plan::{hosts, needs};

const EXAMPLES: &str = "\
Examples:
  kubectl zerotrust unlock

  # What keeps clients outside away from the doors of Services, once nothing is exposed any more
  kubectl zerotrust unlock --perimeter

  # What `lockdown --nodes` closed on the nodes themselves
  kubectl zerotrust unlock --nodes

  # A lockdown that somebody wrote by hand
  kubectl zerotrust unlock --name deny-app-policy";

/// Take the lockdown back and keep the grants
///
/// Deletes the lockdown that this program made, with what kept the cluster's own connections open under it, and what is staged
/// or observed. One that somebody else wrote is deleted only if it is named. Where grants were given while a lockdown was only
/// observed, they would close their pods without it: then they have to be revoked first, or the lockdown promoted.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Unlock {
    /// Name of the lockdown's policy
    #[arg(long)]
    name: Option<String>,
    /// Take the perimeter back instead: the host endpoints, the policy and the set that expose-nodeport and its like made
    #[arg(long, conflicts_with = "name")]
    perimeter: bool,
    /// Take the lock of the nodes back instead; doors of Services stay closed where something is exposed
    #[arg(long, conflicts_with_all = ["name", "perimeter"])]
    nodes: bool,
    #[command(flatten)]
    writing: Writing,
}

impl Unlock {
    /// Unlocks.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            change(session, &self.writing, None, async || {
                let scene = match self.nodes {
                    true => session.observe(needs::hosts(), needs::hosts_follow_ups).await?,
                    false => session.observe(needs::lockdown(), needs::unlock_follow_ups).await?,
                };
                what_locks(&scene.world, self.perimeter || self.nodes)?;
                let plan = match (self.perimeter, self.nodes) {
                    (true, _) => lower(&scene.world)?,
                    (false, true) => hosts::lower::unlock(&scene.world)?,
                    (false, false) => unlock(&scene.world, self.name.as_deref())?,
                };
                Ok(Planned::on(&scene.world, plan))
            })
            .await
        })
    }
}
