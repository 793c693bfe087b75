//! What a change prints: what would be written, and what was.
//! Never decides whether it is written.

use serde_json::Value;

use super::Work;
use crate::apply::{Change, Prepared};
use crate::cli::{DryRun, Output};
use crate::kubernetes::ObjectRef;
use crate::show::diff;
use crate::show::yaml::{documents, json_objects};

impl Work<'_> {
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

    pub(super) fn print_done(&self, done: &Change) {
        let context = self.session.context;
        let output = self.writing.output;
        if !output.is_text() {
            let objects = done.written.iter().filter_map(|written| written.after.clone()).collect();
            return self.print_objects(output, objects, done.written.iter().map(|written| &written.object));
        }
        let suffix = if self.writing.dry_run == DryRun::Server { " (server dry run)" } else { "" };
        for written in &done.written {
            let verb = match (&written.before, &written.after) {
                (None, _) => "created",
                (_, None) => "deleted",
                _ => "configured",
            };
            context.print(&format!("{}{suffix}\n", diff::done(&written.object, verb)));
        }
    }
}
