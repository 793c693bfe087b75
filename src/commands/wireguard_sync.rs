//! `wireguard-sync`: grants and perimeter as nodes, tunnels and Services are today.
//! Never knows what is behind, or what mends it.

use std::cell::{Cell, RefCell};

use super::change::{Planned, Voice, change, change_as};
use super::context::Context;
use super::session::{Scene, Session};
use super::terms::Accepting;
use super::watching::{self, Looked};
use crate::cli::{DryRun, Output, Writing};
use crate::model::moment::Moment;
use crate::outcome::{Outcome, Problem};
use crate::plan::sync::{Synced, sync_at};
use crate::plan::{Note, Weight, expiry, needs};
use crate::show;
use crate::show::yaml::{json, yaml};

const EXAMPLES: &str = "\
Examples:
  # WireGuard was turned on, a node came or went: shows what changes and asks
  kubectl zerotrust wireguard-sync

  # For a pipeline: 0 nothing is behind, 3 something is, 4 not enough could be seen
  kubectl zerotrust sync --check

  # Keep everything up to date as long as this runs: nodes, tunnels, Services, and grants that end
  kubectl zerotrust sync --watch --yes

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
/// cannot be told is left and named, and so is what somebody else keeps. A grant that has ended (--expires) is taken back. When nothing is behind, nothing is written.
#[derive(Debug, clap::Args)]
#[command(visible_alias = "sync", after_help = EXAMPLES)]
pub struct WireguardSync {
    /// Only say what is behind, and end with 3 if anything is
    #[arg(long, conflicts_with_all = ["dry_run", "yes"])]
    check: bool,
    /// Go on: watch nodes, Services, pods and policies, bring everything up to date whenever one of them changes or a grant ends,
    /// and every five minutes anyway; one line for each object that is written; with --dry-run=client only say what is behind
    #[arg(short, long, conflicts_with_all = ["check", "confirm_within", "tests"])]
    watch: bool,
    #[command(flatten)]
    accepting: Accepting,
    #[command(flatten)]
    writing: Writing,
}

impl WireguardSync {
    /// Brings it up to date, or says what is behind.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            if self.watch {
                return self.keep(session).await;
            }
            if self.check {
                let scene = session.observe(needs::sync(), needs::sync_follow_ups).await?.answered()?;
                let synced = sync_at(&scene.world, &self.accepting.accept_risk, Moment::of(context.now))?;
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
                let scene = session.observe(needs::sync(), needs::sync_follow_ups).await?.answered()?;
                let mut synced = sync_at(&scene.world, &self.accepting.accept_risk, Moment::of(context.now))?;
                left.set(after(&synced));
                let unmended = show::sync::unmended(&synced.drift);
                synced.plan.notes.extend(unmended.into_iter().map(|text| Note { weight: Weight::Warning, text }));
                Ok(Planned::on(&scene.world, synced.plan))
            })
            .await?;
            Ok(if outcome == Outcome::Done { left.get() } else { outcome })
        })
    }

    /// Goes on until it is interrupted.
    async fn keep(&self, session: &Session<'_>) -> Result<Outcome, Problem> {
        match self.writing.dry_run {
            DryRun::None if !self.writing.yes => {
                let problem = Problem::usage("--watch asks nobody, so it needs the yes beforehand");
                Err(problem.hint("--watch --yes changes what is behind, --watch --dry-run=client only says it"))
            }
            DryRun::Server => Err(Problem::usage("--watch does not go with --dry-run=server").hint("--dry-run=client")),
            DryRun::None | DryRun::Client => {
                let said = RefCell::new(String::new());
                watching::keep(session, async |own| self.look(own, &said).await).await
            }
        }
    }

    /// Brings everything up to date once, as a log has it. What is said is said again only once it has changed.
    async fn look(&self, session: &Session<'_>, said: &RefCell<String>) -> Result<Looked, Problem> {
        let (context, now) = (session.context, Moment::of(session.context.now));
        let looked = Cell::new(None);
        let find = async || {
            let Scene { world, unread, asked, hidden, .. } =
                session.look(needs::sync(), needs::sync_follow_ups).await?.answered()?;
            let synced = sync_at(&world, &self.accepting.accept_risk, now)?;
            let mut text = show::unread::warning(&unread, context.paint_errors);
            text += &show::unread::hidden(&hidden, context.paint_errors);
            match self.writing.dry_run {
                DryRun::Client => text += &show::sync::text(&synced.drift, context.paint_errors),
                _ => show::sync::unmended(&synced.drift).iter().for_each(|line| text += &format!("{line}\n")),
            }
            if said.replace(text.clone()) != text && !text.is_empty() {
                context.say(&format!("{} {text}", context.when()));
            }
            looked.set(Some(Looked { asked, end: expiry::next(&world, now) }));
            Ok(Planned::on(&world, synced.plan))
        };
        match self.writing.dry_run {
            DryRun::Client => _ = find().await?,
            _ => _ = change_as(session, &self.writing, None, Voice::Log, find).await?,
        }
        looked.take().ok_or_else(|| Problem::failed("nothing was looked at"))
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
