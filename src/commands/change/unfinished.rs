//! Changes that were not finished: killed half way, cut off, or still running. The next command says so and offers to take
//! them back; the same command again finishes them, and ends their records.
//! Never knows what they changed.

use dialoguer::Select;

use super::super::session::Session;
use super::super::undo;
use super::asked::answered;
use super::{Voice, Work};
use crate::cli::DryRun;
use crate::findings::{CHANGE_UNFINISHED, Finding};
use crate::kubernetes::Writer;
use crate::kubernetes::source::{Source, SourceWriter};
use crate::outcome::{Outcome, Problem};
use crate::plan::undo::same;
use crate::record::journal::{self, JournalError, Listed};
use crate::record::{Record, Summary};
use crate::show::history;

/// How many are spelled out.
const TOLD: usize = 3;
/// Flags of a command line that do not change what it does, with a value of their own and without.
const BESIDE: [&str; 17] = [
    "--kubeconfig",
    "--context",
    "--cluster",
    "--user",
    "--server",
    "-s",
    "--as",
    "--as-group",
    "--token",
    "--request-timeout",
    "--color",
    "--confirm-within",
    "--probe",
    "--tests",
    "--output",
    "-o",
    "--field-manager",
];
const BESIDE_ALONE: [&str; 6] = ["-y", "--yes", "-v", "--v", "--verbose", "--no-record"];

/// What a person answers.
enum Answer {
    GoOn,
    TakeBack,
    Stop,
}

/// The changes of a history that were not finished, newest first.
pub fn unfinished(listed: &[Listed]) -> impl Iterator<Item = &Summary> {
    listed.iter().filter_map(|listed| listed.summary.as_ref().ok()).filter(|summary| summary.is_unfinished())
}

/// The same as findings, with the commands that end them.
pub async fn findings(session: &Session<'_>, namespace: &str) -> Result<Vec<Finding>, JournalError> {
    let Source::Cluster(_) = &session.source else { return Ok(Vec::new()) };
    let listed = journal::list(&session.source, namespace).await?;
    let finding = |summary: &Summary| Finding {
        code: CHANGE_UNFINISHED,
        object: format!("change {}", summary.number),
        place: None,
        detail: history::unfinished(summary, &take_back(session, namespace, summary.number)).join("; "),
    };
    Ok(unfinished(&listed).map(finding).collect())
}

fn take_back(session: &Session<'_>, namespace: &str, number: u32) -> String {
    let elsewhere = (namespace != journal::NAMESPACE).then(|| ("--record-namespace", namespace.to_string()));
    session.context.again(&format!("undo {number}"), elsewhere.as_slice())
}

/// Whether two command lines ask for the same.
fn same_command(one: &str, other: &str) -> bool {
    asked(one) == asked(other)
}

fn asked(line: &str) -> Vec<&str> {
    let mut words = line.split(' ');
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        match word.split_once('=') {
            _ if BESIDE_ALONE.contains(&word) => {}
            Some((flag, _)) if BESIDE.contains(&flag) || BESIDE_ALONE.contains(&flag) => {}
            None if BESIDE.contains(&word) => drop(words.next()),
            _ => kept.push(word),
        }
    }
    kept
}

impl Work<'_> {
    /// Reads the history, and says what was not finished; a person is asked what to do about the newest. A log is of what is
    /// done, look after look.
    pub(super) async fn look_back(&mut self) -> Result<(), Problem> {
        if self.writing.dry_run != DryRun::None || !matches!(self.session.source, Source::Cluster(_)) {
            return Ok(());
        }
        self.older = self.history().await;
        self.complete().await?;
        if self.voice == Voice::Log {
            return Ok(());
        }
        let Ok(older) = &self.older else { return Ok(()) };
        // Not the one that this command is about, be it to take it back or to go on with it.
        let left: Vec<&Summary> = unfinished(older).filter(|summary| !self.ends(summary)).collect();
        let Some(newest) = left.first() else { return Ok(()) };
        let (context, namespace) = (self.session.context, &self.writing.records.record_namespace);
        for summary in left.iter().take(TOLD) {
            let mut lines =
                history::unfinished(summary, &take_back(self.session, namespace, summary.number)).into_iter();
            let first = lines.next().unwrap_or_default();
            context.say(&format!("{}: {first}\n", context.paint_errors.warning("Warning")));
            lines.for_each(|line| context.say(&format!("  {line}\n")));
        }
        if left.len() > TOLD {
            context.say(&format!("  and {} more: kubectl zerotrust history\n", left.len() - TOLD));
        }
        if self.writing.yes || self.undoes.is_some() || !context.interactive {
            return Ok(());
        }
        let (number, command) = (newest.number, newest.command.clone());
        match ask(number) {
            Answer::GoOn => Ok(()),
            Answer::Stop => {
                Err(Problem::refused("the change was not made").hint(format!("`{command}` finishes change {number}")))
            }
            Answer::TakeBack => {
                Box::pin(undo::take_back(self.session, self.writing, number, false, &[])).await?;
                self.older = self.history().await;
                Ok(())
            }
        }
    }

    /// Ends the records of changes that this command asks for again and that are all written: they were killed before they
    /// could say so.
    async fn complete(&mut self) -> Result<(), Problem> {
        let Ok(older) = &self.older else { return Ok(()) };
        let writer = self.session.source.writer(false, &self.writing.field_manager);
        let namespace = &self.writing.records.record_namespace;
        let mut completed = None;
        for summary in unfinished(older).filter(|summary| self.undoes != Some(summary.number) && self.ends(summary)) {
            // One that is gone by now, or that a later release wrote, is none to end.
            let Ok(record) = journal::load(&writer, namespace, summary.number).await else { continue };
            if stands(&writer, &record).await? {
                journal::mark_finished(&writer, namespace, summary.number, None).await?;
                if let Some(undone) = summary.undoes {
                    journal::mark_undone(&writer, namespace, undone, Some(summary.number)).await?;
                }
                completed = Some(summary.number);
            }
        }
        self.completed = completed;
        if self.completed.is_some() {
            self.older = self.history().await;
        }
        Ok(())
    }

    /// What a command comes to that finds nothing to do it to, because the change that it asks for again was all written.
    pub(super) fn completed(&self, problem: Problem) -> Result<Outcome, Problem> {
        match self.completed {
            Some(number) if problem.outcome == Outcome::Failed => {
                self.session.context.say(&format!("Change {number} is done; only its record was not finished.\n"));
                Ok(Outcome::Done)
            }
            _ => Err(problem),
        }
    }

    async fn history(&self) -> Result<Vec<Listed>, JournalError> {
        journal::list(&self.session.source, &self.writing.records.record_namespace).await
    }

    /// Whether this command, once done, ends that change: it asks for the same, takes the same back, or takes it back.
    fn ends(&self, summary: &Summary) -> bool {
        let same_undo = self.undoes.is_some() && summary.undoes == self.undoes;
        self.undoes == Some(summary.number)
            || same_undo
            || same_command(&summary.command, &self.session.context.command_line)
    }

    /// Ends the records of changes that this command went on with.
    pub(super) async fn settle(&self, by: Option<u32>) -> Result<(), JournalError> {
        let Ok(older) = &self.older else { return Ok(()) };
        let writer = self.session.source.writer(false, &self.writing.field_manager);
        let ended = unfinished(older).filter(|summary| self.undoes != Some(summary.number) && self.ends(summary));
        for summary in ended {
            journal::mark_finished(&writer, &self.writing.records.record_namespace, summary.number, by).await?;
        }
        Ok(())
    }
}

/// Whether every object is as a record says that it was to become.
async fn stands(writer: &SourceWriter<'_>, record: &Record) -> Result<bool, Problem> {
    for (index, entry) in record.entries.iter().enumerate() {
        if record.entries[index + 1..].iter().any(|later| later.object == entry.object) {
            continue;
        }
        let Some(object) = entry.reference() else { return Ok(false) };
        let is = match (writer.get(&object).await?, &entry.after) {
            (Some(now), Some(after)) => same(&now, after),
            (None, None) => true,
            _ => false,
        };
        if !is {
            return Ok(false);
        }
    }
    Ok(true)
}

fn ask(number: u32) -> Answer {
    let answers = ["go on, and leave it as it is", "take it back first", "stop here"];
    let prompt = format!("What is to be done about change {number}?");
    match answered(Select::new().with_prompt(prompt).items(answers).default(0).interact_opt()) {
        Some(0) => Answer::GoOn,
        Some(1) => Answer::TakeBack,
        _ => Answer::Stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_command_is_the_same_however_it_is_given() {
        let line = "kubectl zerotrust allow --from a --to b";
        for same in ["--yes", "-y", "--request-timeout=2s", "--request-timeout 2s", "-o json", "--context lab -v=6"] {
            assert!(same_command(line, &format!("{line} {same}")), "{same}");
        }
        for other in ["--port 80", "-n shop", "--record-namespace x", "--reason y"] {
            assert!(!same_command(line, &format!("{line} {other}")), "{other}");
        }
    }
}
