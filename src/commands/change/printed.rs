//! What a change prints: what would be written, what was, and the same as a log has it.
//! Never decides whether anything is written.

use serde_json::Value;

use super::{Voice, Work};
use crate::apply::{Change, Prepared, Written};
use crate::cli::{DryRun, Output};
use crate::kubernetes::ObjectRef;
use crate::record::journal::Journal;
use crate::show::diff;
use crate::show::paint::harmless;
use crate::show::yaml::{documents, json_objects};

impl Work<'_> {
    /// What would be written.
    pub(super) fn print_dry(&self, prepared: &Prepared) {
        let context = self.session.context;
        // What was read from standard input goes on to the next program, so the objects are what is printed.
        let output = match self.writing.output {
            output if output.is_text() && self.session.reads_stdin() && self.writing.dry_run == DryRun::None => {
                Output::Yaml
            }
            output => output,
        };
        if output.is_text() {
            context.print(&diff::plan(prepared, context.paint));
            context.print("\nNothing was written (dry run).\n");
            return;
        }
        context.say(&diff::notes(&prepared.notes, context.paint_errors));
        let deleted = prepared.steps.iter().filter(|step| step.after.is_none());
        deleted.for_each(|step| context.say(&format!("{} would be deleted.\n", step.object)));
        self.print_objects(output, prepared.steps.iter().map(|step| (&step.object, step.after.as_ref())));
    }

    /// Each object once, as it is in the end.
    fn print_objects<'o>(&self, output: Output, writes: impl Iterator<Item = (&'o ObjectRef, Option<&'o Value>)>) {
        let mut ends: Vec<(&ObjectRef, Option<&Value>)> = Vec::new();
        for (object, after) in writes {
            match ends.iter_mut().find(|(earlier, _)| *earlier == object) {
                Some((_, end)) => *end = after,
                None => ends.push((object, after)),
            }
        }
        let objects: Vec<Value> = ends.iter().filter_map(|(_, after)| after.cloned()).collect();
        self.session.context.print(&match output {
            Output::Json => json_objects(&objects),
            Output::Yaml => documents(&objects),
            _ => ends.iter().map(|(object, _)| format!("{}\n", diff::resource_name(object))).collect(),
        });
    }

    /// What was written.
    pub(super) fn print_done(&self, done: &Change) {
        let context = self.session.context;
        let output = self.writing.output;
        if self.voice == Voice::Log {
            return self.log(done);
        }
        if !output.is_text() {
            let writes = done.written.iter().map(|written| (&written.object, written.after.as_ref()));
            return self.print_objects(output, writes);
        }
        let suffix = if self.writing.dry_run == DryRun::Server { " (server dry run)" } else { "" };
        for written in &done.written {
            context.print(&format!("{}{suffix}\n", diff::done(&written.object, verb(written))));
        }
    }

    /// As `2026-11-23T15:00:00Z networkpolicy.projectcalico.org/web configured: its rules lack 10.20.1.7 (record 12)`.
    fn log(&self, done: &Change) {
        let context = self.session.context;
        let number = self.journal.as_ref().and_then(Journal::number);
        let record = number.map(|number| format!(" (record {number})")).unwrap_or_default();
        for written in &done.written {
            let why = self.why(written);
            let line = diff::done(&written.object, verb(written));
            context.print(&format!("{} {line}{why}{record}\n", context.when()));
        }
    }

    fn why(&self, written: &Written) -> String {
        let steps = self.approved.iter().flat_map(|approved| &approved.steps);
        let why = steps.filter(|step| step.object == written.object).map(|step| harmless(&step.why)).next();
        why.map(|why| format!(": {why}")).unwrap_or_default()
    }
}

/// What became of an object, as kubectl words it.
fn verb(written: &Written) -> &'static str {
    match (&written.before, &written.after) {
        (None, _) => "created",
        (_, None) => "deleted",
        _ => "configured",
    }
}
