//! A plan as a person reads it before saying yes: what comes in and what goes, object by object, as YAML.
//! Never knows how the plan was made or whether it will be carried out.

use std::fmt::Write;

use serde_json::Value;

use super::paint::{Paint, harmless};
use super::yaml::yaml;
use crate::apply::difference::{Anchor, Change};
use crate::apply::{Prepared, PreparedStep};
use crate::kubernetes::ObjectRef;
use crate::plan::{Note, Weight};

/// The whole plan: its title, every object's changes, then the notes.
pub fn plan(plan: &Prepared, paint: Paint) -> String {
    let mut out = format!("{}\n", paint.strong(&harmless(&plan.title)));
    for step in &plan.steps {
        out.push('\n');
        out.push_str(&self::step(step, paint));
    }
    let notes = notes(&plan.notes, paint);
    if !notes.is_empty() {
        out.push('\n');
        out.push_str(&notes);
    }
    out
}

/// The notes of a plan, warnings first.
pub fn notes(notes: &[Note], paint: Paint) -> String {
    let mut out = String::new();
    let line = |out: &mut String, word: &str, note: &Note| _ = writeln!(out, "{word}: {}", harmless(&note.text));
    for note in notes.iter().filter(|note| note.weight == Weight::Warning) {
        line(&mut out, &paint.warning("Warning"), note);
    }
    for note in notes.iter().filter(|note| note.weight == Weight::Fact) {
        line(&mut out, "Note", note);
    }
    out
}

fn step(step: &PreparedStep, paint: Paint) -> String {
    let word = match (&step.before, &step.after) {
        (None, _) => "new",
        (_, None) => "deleted",
        _ => "changed",
    };
    let mut out = format!("{} ({word})\n", paint.strong(&harmless(&step.object.to_string())));
    if !step.why.is_empty() {
        _ = writeln!(out, "  {}", harmless(&step.why));
    }
    let mut headline = String::new();
    for change in &step.difference.changes {
        let (title, lines) = match change {
            Change::Created(object) => (String::new(), signed('+', &yaml(object), paint)),
            Change::Deleted(object) => (String::new(), signed('-', &yaml(object), paint)),
            Change::RuleAdded { direction, rule, anchor } => {
                (format!("{direction}, {}", place(anchor)), signed('+', &item(rule), paint))
            }
            Change::RuleRemoved { direction, rule } => (direction.to_string(), signed('-', &item(rule), paint)),
            Change::Field { path, before, after } => (path.clone(), field(before, after, paint)),
        };
        // Rules of one place stand under one headline.
        if title != headline {
            _ = writeln!(out, "  {}:", harmless(&title));
            headline = title;
        }
        out.push_str(&lines);
    }
    out
}

/// An object's name as `kubectl -o name` has it.
pub fn resource_name(object: &ObjectRef) -> String {
    let resource = object.kind.resource();
    let kind = resource.name.to_lowercase();
    let kind = if resource.group.is_empty() { kind } else { format!("{kind}.{}", resource.group) };
    format!("{kind}/{}", object.name)
}

/// What was done to an object, as kubectl says it.
pub fn done(object: &ObjectRef, verb: &str) -> String {
    let namespace = object.namespace.as_ref().map_or(String::new(), |namespace| format!(" in {namespace}"));
    format!("{} {verb}{namespace}", resource_name(object))
}

fn place(anchor: &Anchor) -> String {
    match anchor {
        Anchor::Before { rule, index } => {
            format!("before rule {index} ({})", rule["action"].as_str().unwrap_or("no action"))
        }
        Anchor::End => "at the end".into(),
    }
}

fn field(before: &Value, after: &Value, paint: Paint) -> String {
    let mut out = String::new();
    if !before.is_null() {
        out.push_str(&signed('-', &yaml(before), paint));
    }
    if !after.is_null() {
        out.push_str(&signed('+', &yaml(after), paint));
    }
    out
}

/// One entry of a list.
fn item(value: &Value) -> String {
    yaml(&Value::Array(vec![value.clone()]))
}

fn signed(sign: char, text: &str, paint: Paint) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = format!("{sign} {}", harmless(line));
        let line = if sign == '+' { paint.added(&line) } else { paint.removed(&line) };
        _ = writeln!(out, "  {line}");
    }
    out
}
