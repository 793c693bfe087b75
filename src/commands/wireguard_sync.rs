//! `wireguard-sync`: grants and perimeter as nodes, tunnels and Services are today.
//! Never knows what is behind, or what mends it.

use std::cell::Cell;

use super::change::{Planned, change};
use super::context::Context;
use super::session::Session;
use crate::cli::{Output, Writing};
use crate::outcome::{Outcome, Problem};
use crate::plan::sync::{Synced, sync};
use crate::plan::{Note, Risk, Weight, needs};
use crate::show;
use crate::show::yaml::{json, yaml};

const EXAMPLES: &str = "\
Examples:
  # WireGuard was turned on, a node came or went: shows what changes and asks
  kubectl zerotrust wireguard-sync

  # For a pipeline: 0 nothing is behind, 3 something is, 4 not enough could be seen
  kubectl zerotrust sync --check

  # On a directory of manifests
  kubectl zerotrust sync -f examples/platform9 --yes

Exit codes: 0 all is up to date now, 3 something is behind that this does not mend (with --check: something is behind), 4 it
cannot be told.";

/// Bring grants, the perimeter and lists of nodes up to date with nodes, tunnels and Services
///
/// For every grant the rules that it needs today are worked out and compared with those that carry it: WireGuard, IPIP or VXLAN
/// was turned on or off, nodes came, went or have other addresses, a Service has another port, node port or load balancer
/// address. The perimeter follows: a new node gets its host endpoint before its address enters any list. Lists of the nodes'
/// addresses that people wrote into rules and GlobalNetworkSets are completed in place, but where strangers would come in. What
/// cannot be told is left and named, and so is what somebody else keeps. When nothing is behind, nothing is written.
#[derive(Debug, clap::Args)]
#[command(visible_alias = "sync", after_help = EXAMPLES)]
pub struct WireguardSync {
    /// Only say what is behind, and end with 3 if anything is
    #[arg(long, conflicts_with_all = ["dry_run", "yes"])]
    check: bool,
    /// Go on in spite of a risk that a refusal named
    #[arg(long, value_name = "RISK", value_delimiter = ',', value_parser = super::risk)]
    accept_risk: Vec<Risk>,
    #[command(flatten)]
    writing: Writing,
}

impl WireguardSync {
    /// Brings it up to date, or says what is behind.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            if self.check {
                let scene = session.observe(needs::sync(), needs::sync_follow_ups).await?;
                let synced = sync(&scene.world, &self.accept_risk)?;
                context.say(&show::diff::notes(&synced.plan.notes, context.paint_errors));
                context.print(&match self.writing.output {
                    Output::Table | Output::Wide => show::sync::text(&synced.drift, context.paint),
                    Output::Json => json(&show::sync::value(&synced.drift)),
                    Output::Yaml => yaml(&show::sync::value(&synced.drift)),
                    Output::Name => show::sync::names(&synced.drift),
                });
                return Ok(checked(&synced));
            }
            let left = Cell::new(Outcome::Done);
            let outcome = change(session, &self.writing, None, async || {
                let scene = session.observe(needs::sync(), needs::sync_follow_ups).await?;
                let mut synced = sync(&scene.world, &self.accept_risk)?;
                left.set(after(&synced));
                let unmended = show::sync::unmended(&synced.drift);
                synced.plan.notes.extend(unmended.into_iter().map(|text| Note { weight: Weight::Warning, text }));
                Ok(Planned { plan: synced.plan, calico: scene.world.calico })
            })
            .await?;
            Ok(if outcome == Outcome::Done { left.get() } else { outcome })
        })
    }
}

fn checked(synced: &Synced) -> Outcome {
    match (synced.is_behind(), synced.is_unsure()) {
        (true, _) => Outcome::No,
        (false, true) => Outcome::Unknown,
        (false, false) => Outcome::Done,
    }
}

fn after(synced: &Synced) -> Outcome {
    match (synced.leaves_something(), synced.is_unsure()) {
        (true, _) => Outcome::No,
        (false, true) => Outcome::Unknown,
        (false, false) => Outcome::Done,
    }
}
