//! `lockdown`: denies everything to all applications, but DNS.
//! Never knows which namespaces those are.

use super::change::{Planned, change};
use super::context::Context;
use super::session::Session;
use crate::cli::Writing;
use crate::outcome::{Outcome, Problem};
use crate::plan::lockdown::{Ask, lockdown};
use crate::plan::{Risk, needs};

const EXAMPLES: &str = "\
Examples:
  # Show what would be locked and what would stop being reachable; write nothing
  kubectl zerotrust lockdown --dry-run=client

  # Lock all application namespaces, after a yes
  kubectl zerotrust lockdown

  # Leave one more namespace open, and log what is dropped
  kubectl zerotrust lockdown --except monitoring --log

  # On manifests: the files are edited in place
  kubectl zerotrust lockdown -f ./cluster --yes";

/// Deny everything to all application namespaces, in both directions, but DNS
///
/// Finds the namespaces that belong to the cluster and leaves them open, lets DNS through to where the cluster's DNS really
/// is, finds the webhooks and aggregated APIs that the API server calls and keeps them reachable, and shows what will stop
/// being reachable. A lockdown that is there already, whoever wrote it, is brought up to date. Given twice, it changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Lockdown {
    /// Leave these namespaces open besides those that are found
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',', conflicts_with = "only")]
    except: Vec<String>,
    /// Lock only these namespaces
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    only: Vec<String>,
    /// Log what is dropped to the nodes' kernel log
    #[arg(long)]
    log: bool,
    /// Name of the policy; tells which is meant where there are several lockdowns
    #[arg(long)]
    name: Option<String>,
    /// Go on in spite of a risk that a refusal named
    #[arg(long, value_name = "RISK", value_parser = super::risk)]
    accept_risk: Vec<Risk>,
    #[command(flatten)]
    writing: Writing,
}

impl Lockdown {
    /// Locks.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            let ask = Ask {
                name: self.name.clone(),
                except: self.except.clone(),
                only: self.only.clone(),
                log: self.log,
                accepted: self.accept_risk.clone(),
            };
            change(session, &self.writing, None, async || {
                let scene = session.observe(needs::lockdown(), needs::lockdown_follow_ups).await?;
                Ok(Planned { plan: lockdown(&scene.world, &ask)?, calico: scene.world.calico })
            })
            .await
        })
    }
}
