//! `undo`: takes a recorded change back.
//! Never knows how an object is put back.

use super::change::{Planned, change};
use super::context::Context;
use super::session::Session;
use crate::cli::Writing;
use crate::kubernetes::names::TOOL;
use crate::model::world::Version;
use crate::outcome::{Outcome, Problem};
use crate::plan::undo::{prove, undo};
use crate::plan::{Note, Risk, Weight, needs};
use crate::record::{State, journal};

const EXAMPLES: &str = "\
Examples:
  # The newest change that is not taken back yet
  kubectl zerotrust undo

  # A change of the history
  kubectl zerotrust undo 7";

/// Take a recorded change back
///
/// Puts every object of the change back as it was before it. What others changed since then stays; where they changed the
/// same, nothing is written. The undo is a change like any other, and can be undone by its number.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Undo {
    /// Number of the change, as history lists it; the newest one that is not an undo and not undone where not given
    number: Option<u32>,
    /// Go on in spite of a risk that a refusal named
    #[arg(long, value_name = "RISK", value_delimiter = ',', value_parser = super::risk)]
    accept_risk: Vec<Risk>,
    #[command(flatten)]
    writing: Writing,
}

impl Undo {
    /// Takes it back.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            session.needs_a_cluster("files have no record; their own history takes changes back")?;
            let namespace = &self.writing.records.record_namespace;
            let number = match self.number {
                Some(number) => number,
                None => newest(&journal::list(&session.source, namespace).await?, namespace)?,
            };
            let writer = session.source.writer(false, TOOL);
            let record = journal::load(&writer, namespace, number).await?;
            if record.summary.state == State::Undone {
                let problem = Problem::refused(format!("change {number} is taken back already"));
                return Err(match record.summary.undone_by {
                    Some(by) => {
                        problem.hint(format!("change {by} did that, and `kubectl zerotrust undo {by}` makes it again"))
                    }
                    None => problem,
                });
            }
            let title = format!("{number}: {}", record.summary.title);
            let changes: Vec<_> = record.entries.into_iter().map(|entry| (entry.before, entry.after)).collect();
            let calico = record.summary.calico.as_deref().and_then(Version::parse);
            change(session, &self.writing, Some(number), async || {
                let mut plan = undo(&title, &changes)?;
                match session.observe(needs::hosts(), needs::hosts_follow_ups).await {
                    Ok(scene) => prove(&scene.world, &mut plan, &self.accept_risk)?,
                    // The way back must be there when little else is.
                    Err(problem) => plan.notes.push(Note {
                        weight: Weight::Warning,
                        text: format!("what the cluster lives by was not looked at: {problem}"),
                    }),
                }
                Ok(Planned { plan, calico })
            })
            .await
        })
    }
}

/// The newest change that can be taken back; going on undoing goes back in time.
fn newest(listed: &[journal::Listed], namespace: &str) -> Result<u32, Problem> {
    for listed in listed {
        match &listed.summary {
            Ok(summary) if summary.undoes.is_some() || summary.state == State::Undone => {}
            Ok(summary) => return Ok(summary.number),
            // An older one is not what the operator means.
            Err(error) => {
                return Err(Problem::failed(format!("change {} cannot be read", listed.number)).because(error));
            }
        }
    }
    let problem = Problem::failed(format!("no change is recorded in namespace {namespace} that is not taken back"));
    Err(problem.hint("`kubectl zerotrust history` lists all; records in another namespace need --record-namespace"))
}
