//! Takes a change back that was not confirmed, or that stopped half way while it had to be.
//! Never decides whether it is to be taken back.

use std::time::Duration;

use super::Work;
use crate::apply::{Change, Interrupt, Patience, Stop, apply, prepare};
use crate::kubernetes::source::SourceWriter;
use crate::outcome::{Outcome, Problem};
use crate::plan::Plan;
use crate::plan::undo::undo;
use crate::record::State;
use crate::record::journal::Journal;

/// How often a change that is to be taken back is tried, where the API server does not answer, and how long it is waited
/// in between: a policy that cuts it off takes effect, and is lifted, within seconds.
const UNDONE_TRIES: usize = 12;
const UNDONE_PAUSE: Duration = Duration::from_secs(5);

impl Work<'_> {
    /// Undoes what was written, as nobody confirmed it. The record stays, and says so.
    pub(super) async fn take_back(&mut self, done: &Change, why: &str, in_doubt: bool) -> Result<Outcome, Problem> {
        let context = self.session.context;
        context.say(&format!("\nTaking the change back: {why}.\n"));
        let writer = self.session.source.writer(false, &self.writing.field_manager);
        let left: Vec<_> = done.written.iter().map(|written| (written.before.clone(), written.after.clone())).collect();
        let plan = undo("what was not confirmed", &left, false)?;
        let mut outcome = undone(&writer, &plan).await;
        for _ in 1..UNDONE_TRIES {
            if !matches!(&outcome, Err(stop) if stop.is_in_doubt()) {
                break;
            }
            tokio::time::sleep(UNDONE_PAUSE).await;
            outcome = undone(&writer, &plan).await;
        }
        let number = self.journal.as_ref().and_then(Journal::number);
        let state = if outcome.is_ok() && !in_doubt { State::Undone } else { State::Partial };
        let recorded = match &mut self.journal {
            Some(journal) => journal.end(&writer, state).await,
            None => Ok(()),
        };
        let again = |problem: Problem| match number {
            Some(number) => problem.hint(format!("`kubectl zerotrust undo {number}` takes it back")),
            None => problem,
        };
        match (outcome, recorded) {
            (Ok(()), Ok(())) if in_doubt => {
                let problem = Problem::refused("what is known to be written was taken back").because(why);
                Err(again(problem.hint("no answer came to the last write, so it may have happened")))
            }
            (Ok(()), Ok(())) => Err(Problem::refused("the change was taken back").because(why)),
            (Ok(()), Err(error)) => {
                let problem =
                    Problem::refused("the change was taken back, but its record does not say so").because(why);
                Err(error.causes().into_iter().fold(problem, Problem::because))
            }
            (Err(stop), _) => {
                let problem = Problem::failed("the change could not be taken back").because(why).because_of(&stop);
                Err(again(problem).hint("the commands above do it where the API server still answers"))
            }
        }
    }
}

/// Puts every object back as it was, last write first. What others changed since then stops it.
async fn undone(writer: &SourceWriter<'_>, plan: &Plan) -> Result<(), Stop> {
    let prepared = prepare(writer, plan.clone(), None).await?;
    let patience = Patience { tries: 200, within: Duration::from_secs(120), spread: Duration::ZERO };
    match apply(writer, &prepared.approved(), None, &Interrupt::default(), patience).await {
        (_, None) => Ok(()),
        (_, Some(stop)) => Err(stop),
    }
}
