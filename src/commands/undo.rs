//! `undo`: takes a recorded change back.
//! Never knows how an object is put back.

use super::change::{Planned, change};
use super::context::Context;
use super::session::Session;
use super::terms::Accepting;
use crate::cli::Writing;
use crate::kubernetes::Writer;
use crate::kubernetes::names::TOOL;
use crate::model::world::Version;
use crate::outcome::{Outcome, Problem};
use crate::plan::undo::{prove, tramples, undo};
use crate::plan::{Note, Risk, Weight, needs};
use crate::record::{RecordError, State, journal};

const EXAMPLES: &str = "\
Examples:
  # The newest change that is not taken back yet
  kubectl zerotrust undo

  # A change of the history
  kubectl zerotrust undo 7

  # What somebody edited since in what the change made, too
  kubectl zerotrust undo 7 --force";

/// Take a recorded change back
///
/// Puts every object of the change back as it was before it, also where the change stopped half way. What others changed
/// elsewhere in the same objects stays; where they changed what the change made, nothing is written and all of it is
/// listed, unless --force puts that back too. The undo is a change like any other: `undo` again goes further back in time,
/// and `undo NUMBER` with the number of an undo makes the change again (redo).
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Undo {
    /// Number of the change, as history lists it; the newest one that is not an undo and not undone where not given
    number: Option<u32>,
    /// Put back also what others changed since of what the change made
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    accepting: Accepting,
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
            take_back(session, &self.writing, number, self.force, &self.accepting.accept_risk).await
        })
    }
}

/// Takes a change back.
pub(super) async fn take_back(
    session: &Session<'_>,
    writing: &Writing,
    number: u32,
    force: bool,
    accepted: &[Risk],
) -> Result<Outcome, Problem> {
    let namespace = &writing.records.record_namespace;
    let writer = session.source.writer(false, TOOL);
    let record = journal::load(&writer, namespace, number).await?;
    // Whether a change stands is told by the later ones, too. Who may not list them goes by the record's own word.
    let listed = journal::list(&session.source, namespace).await.unwrap_or_default();
    let own = listed.into_iter().find(|listed| listed.number == number).and_then(|listed| listed.summary.ok());
    let own = own.unwrap_or_else(|| record.summary.clone());
    if own.state == State::Undone {
        let problem = Problem::refused(format!("change {number} is taken back already"));
        return Err(match own.undone_by {
            Some(by) => problem.hint(format!("change {by} did that, and `kubectl zerotrust undo {by}` makes it again")),
            None => problem,
        });
    }
    let title = format!("{number}: {}", record.summary.title);
    let began = (own.state == State::Started).then_some(Note {
        weight: Weight::Warning,
        text: format!("change {number} was not finished; if it still runs, what it writes from now on stays"),
    });
    let changes: Vec<_> = record.entries.into_iter().map(|entry| (entry.before, entry.after)).collect();
    let calico = record.summary.calico.as_deref().and_then(Version::parse);
    change(session, writing, Some(number), async || {
        let mut plan = undo(&title, &changes, force)?;
        plan.notes.extend(began.clone());
        if !force {
            let mut trampled = Vec::new();
            for step in &plan.steps {
                trampled.extend(tramples(step, writer.get(&step.object).await?.as_ref()));
            }
            refuse(number, trampled)?;
        }
        match session.observe(needs::hosts(), needs::hosts_follow_ups).await {
            Ok(scene) => prove(&scene.world, &mut plan, accepted)?,
            // The way back must be there when little else is.
            Err(problem) => plan.notes.push(Note {
                weight: Weight::Warning,
                text: format!("what the cluster lives by was not looked at: {problem}"),
            }),
        }
        Ok(Planned { plan, calico })
    })
    .await
}

fn refuse(number: u32, trampled: Vec<String>) -> Result<(), Problem> {
    if trampled.is_empty() {
        return Ok(());
    }
    let problem = Problem::refused(format!("what change {number} made was changed by somebody else since"));
    let problem = trampled.into_iter().fold(problem, Problem::because);
    Err(problem
        .hint("nothing was written; `kubectl zerotrust history` shows later changes, which can be taken back first")
        .hint(format!("`kubectl zerotrust undo {number} --force` puts that back as it was before the change, too")))
}

/// The newest change that can be taken back; going on undoing goes back in time.
fn newest(listed: &[journal::Listed], namespace: &str) -> Result<u32, Problem> {
    for listed in listed {
        match &listed.summary {
            Ok(summary) if summary.undoes.is_some() || summary.state == State::Undone => {}
            Ok(summary) => return Ok(summary.number),
            // An older one is not what the operator means.
            Err(error) => {
                let problem = Problem::failed(format!("change {} cannot be read", listed.number)).because(error);
                return Err(match error {
                    RecordError::Newer(_) => problem.hint("use the release that wrote it, or a later one"),
                    RecordError::Broken(_) => problem.hint("`kubectl zerotrust undo NUMBER` takes an older one back"),
                });
            }
        }
    }
    let problem = Problem::failed(format!("no change is recorded in namespace {namespace} that is not taken back"));
    Err(problem.hint("`kubectl zerotrust history` lists all; records in another namespace need --record-namespace"))
}
