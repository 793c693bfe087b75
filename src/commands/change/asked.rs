//! The yes to a change: the plan is shown, and asked for on a terminal alone.
//! Never writes anything.

use std::io::IsTerminal;

use super::{Voice, Work};
use crate::apply::{ApprovedPlan, Prepared};
use crate::cli::DryRun;
use crate::outcome::Problem;
use crate::show::diff;

impl Work<'_> {
    /// Shows the plan and gets a yes for it, if there is something in it that was not approved before.
    pub(super) fn approve(&mut self, prepared: Prepared) -> Result<ApprovedPlan, Problem> {
        let context = self.session.context;
        if self.approved.as_ref().is_some_and(|approved| approved.covers(&prepared)) {
            return Ok(prepared.approved());
        }
        if self.voice == Voice::Log {
            self.approved = Some(prepared.clone());
            return Ok(prepared.approved());
        }
        let text =
            diff::plan(&prepared, if self.writing.output.is_text() { context.paint } else { context.paint_errors });
        let asks = !self.writing.yes && self.writing.dry_run == DryRun::None;
        match self.writing.output.is_text() {
            true => context.print(&format!("{text}\n")),
            false if asks => context.say(&format!("{text}\n")),
            false => context.say(&diff::notes(&prepared.notes, context.paint_errors)),
        }
        self.session.listen();
        if asks && !self.ask(&prepared)? {
            return Err(Problem::refused("the change was not made"));
        }
        self.approved = Some(prepared.clone());
        Ok(prepared.approved())
    }

    fn ask(&self, prepared: &Prepared) -> Result<bool, Problem> {
        if !self.session.context.interactive || !std::io::stderr().is_terminal() {
            let problem = Problem::usage("the change needs a yes, and there is no terminal to ask on");
            return Err(problem.hint("--yes makes it without asking, --dry-run=client only shows it"));
        }
        let count = prepared.steps.len();
        let objects = if count == 1 { "this object".to_string() } else { format!("these {count} objects") };
        let answer = dialoguer::Confirm::new().with_prompt(format!("Change {objects}?")).default(false).interact_opt();
        Ok(answered(answer).unwrap_or(false))
    }
}

/// What a person answered, if anything.
pub(super) fn answered<T>(answer: dialoguer::Result<Option<T>>) -> Option<T> {
    answer.unwrap_or_else(|_| {
        // Ctrl-C while the question stood there, with the cursor hidden.
        _ = dialoguer::console::Term::stderr().show_cursor();
        None
    })
}
