//! `unlock`: takes the lockdown back.
//! Never knows which policies it is made of.

use super::change::{Planned, change};
use super::context::Context;
use super::session::Session;
use crate::cli::Writing;
use crate::outcome::{Outcome, Problem};
use crate::plan::needs;
use crate::plan::unlock::unlock;

const EXAMPLES: &str = "\
Examples:
  kubectl zerotrust unlock

  # A lockdown that somebody wrote by hand
  kubectl zerotrust unlock --name deny-app-policy";

/// Take the lockdown back and keep the grants
///
/// Deletes the lockdown that this program made, with what kept the cluster's own connections open under it. One that
/// somebody else wrote is deleted only if it is named.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Unlock {
    /// Name of the lockdown's policy
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    writing: Writing,
}

impl Unlock {
    /// Unlocks.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            change(session, &self.writing, None, async || {
                let scene = session.observe(needs::lockdown(), needs::lockdown_follow_ups).await?;
                Ok(Planned { plan: unlock(&scene.world, self.name.as_deref())?, calico: scene.world.calico })
            })
            .await
        })
    }
}
