//! `status`: what is locked, what is granted, what was noticed.
//! Never knows how any of it is found.

use super::change::unfinished;
use super::context::Context;
use super::session::Session;
use crate::cli::{Format, Output, Records};
use crate::model::moment::Moment;
use crate::outcome::{Outcome, Problem};
use crate::plan::{needs, status::status_at};
use crate::show;
use crate::show::paint::harmless;
use crate::show::yaml::{json, yaml};

const EXAMPLES: &str = "\
Examples:
  kubectl zerotrust status

  # For a pipeline: 0 all is locked and nothing was noticed, 3 not so, 4 not all could be seen
  kubectl zerotrust status --exit-code -o json

  # With every namespace, every rule of each grant, and every fact of the network with where it is known from
  kubectl zerotrust status -f examples/platform9 -o wide";

/// Show what is locked, the grants, and what was noticed
///
/// Tells which namespaces a lockdown covers, whoever wrote it, which are left out and why, every grant with its id, and
/// findings: objects that do not do what they seem to say, and changes that were not finished.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Status {
    /// End with 3 if an application namespace is open or something was noticed, with 4 if not all could be seen
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    records: Records,
}

impl Status {
    /// Shows it.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            // What a table has no room for is not asked for.
            let detailed = matches!(self.format.output, Output::Wide | Output::Json | Output::Yaml);
            let scene = session.observe(needs::status(detailed), needs::status_follow_ups).await?;
            let mut status = status_at(&scene.world, Moment::of(context.now));
            match unfinished::findings(session, &self.records.record_namespace).await {
                Ok(findings) => status.findings.extend(findings),
                Err(error) => context.say(&format!("Warning: {}\n", harmless(&error.causes().join(": ")))),
            }
            context.print(&match self.format.output {
                Output::Table => show::status::text(&status, false, context.paint),
                Output::Wide => {
                    let facts = show::facts::table(&status.facts, context.now);
                    format!("{}\n{facts}", show::status::text(&status, true, context.paint))
                }
                Output::Json => json(&show::status::value(&status, &scene.unread)),
                Output::Yaml => yaml(&show::status::value(&status, &scene.unread)),
                Output::Name => status.grants.iter().map(|info| format!("grant/{}\n", info.id)).collect(),
            });
            Ok(match (status.needs_attention(), status.gaps.is_empty() && scene.unread.is_empty()) {
                _ if !self.exit_code => Outcome::Done,
                (true, _) => Outcome::No,
                (false, false) => Outcome::Unknown,
                (false, true) => Outcome::Done,
            })
        })
    }
}
