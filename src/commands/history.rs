//! `history`: who changed what and when.
//! Never knows how records are kept.

use super::context::Context;
use super::session::Session;
use crate::cli::{Format, Output, Records};
use crate::outcome::{Outcome, Problem};
use crate::record::{self, journal};
use crate::show::history;
use crate::show::yaml::{json, yaml};

const EXAMPLES: &str = "\
Examples:
  kubectl zerotrust history
  kubectl zerotrust history -o wide
  kubectl zerotrust history -o json";

/// List the changes that were made, newest first
///
/// Every change leaves a record with the objects as they were before and after, from which undo takes it back. The newest
/// 20 stay. A change that is `started` still runs or was killed, and a `partial` one stopped half way: the same command
/// finishes it, and undo takes it back.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct History {
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    records: Records,
}

impl History {
    /// Lists them.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            session.needs_a_cluster("there is no history of changes to files: the files' own history is")?;
            let listed = journal::list(&session.source, &self.records.record_namespace).await?;
            if listed.is_empty() && self.format.output.is_text() {
                context.say(&format!("No changes are recorded in namespace {}.\n", self.records.record_namespace));
                return Ok(Outcome::Done);
            }
            context.print(&match self.format.output {
                Output::Table => history::text(&listed, false),
                Output::Wide => history::text(&listed, true),
                Output::Json => json(&history::value(&listed)),
                Output::Yaml => yaml(&history::value(&listed)),
                Output::Name => {
                    listed.iter().map(|listed| format!("configmap/{}\n", record::name(listed.number))).collect()
                }
            });
            Ok(Outcome::Done)
        })
    }
}
