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
        let objects = prepared.steps.iter().filter_map(|step| step.after.clone());
        self.print_objects(output, objects.collect(), prepared.steps.iter().map(|step| &step.object));
    }

    fn print_objects<'o>(&self, output: Output, objects: Vec<Value>, names: impl Iterator<Item = &'o ObjectRef>) {
        self.session.context.print(&match output {
            Output::Json => json_objects(&objects),
            Output::Yaml => documents(&objects),
            _ => names.map(|object| format!("{}\n", diff::resource_name(object))).collect(),
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
            let objects = done.written.iter().filter_map(|written| written.after.clone()).collect();
            return self.print_objects(output, objects, done.written.iter().map(|written| &written.object));
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
