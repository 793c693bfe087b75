//! Tests of reachability that were judged: those that do not hold, as a table, and all of them for programs.
//! Never knows how they were judged.

use serde::Serialize;

use super::paint::{Paint, harmless};
use super::table::columns;
use crate::model::flow::Verdict;
use crate::model::words::counted;
use crate::plan::assertion::{Held, Judged, Wanted};

/// One for programs. The form is a contract: fields are added, never changed.
#[derive(Serialize)]
pub struct View<'a> {
    file: &'a str,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    from: &'a str,
    to: &'a str,
    wanted: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// All of them for programs.
pub fn views<'a>(judged: &'a [Judged<'a>]) -> Vec<View<'a>> {
    let view = |one: &'a Judged<'a>| View {
        file: &one.assertion.file,
        line: one.assertion.line,
        name: one.assertion.name.as_deref(),
        from: &one.assertion.from,
        to: &one.assertion.to,
        wanted: wanted(one),
        verdict: one.verdict,
        result: result(one),
        why: one.why.as_deref(),
    };
    judged.iter().map(view).collect()
}

/// For people: those that do not hold, or all of them, and how many there are of each.
pub fn text(judged: &[Judged<'_>], all: bool, paint: Paint) -> String {
    let shown = judged.iter().filter(|one| all || one.held != Held::Yes);
    let rows: Vec<Vec<String>> = shown.map(row).collect();
    let table = match rows.is_empty() {
        true => String::new(),
        false => columns(&["RESULT", "TEST", "FROM", "TO", "WANTED", "IS", "WHY"], &rows) + "\n",
    };
    format!("{table}{}\n", summary(judged, paint))
}

/// One line for each that does not hold, as an error lists its causes.
pub fn failing(judged: &[Judged<'_>]) -> Vec<String> {
    let line = |one: &Judged<'_>| {
        let (is, why) = (is(one), one.why.as_deref().unwrap_or_default());
        format!(
            "{}: {} -> {}: wanted {}, is {is}: {why}",
            place(one),
            one.assertion.from,
            one.assertion.to,
            wanted(one)
        )
    };
    judged.iter().filter(|one| one.held != Held::Yes).map(|one| harmless(&line(one)).into_owned()).collect()
}

/// As `shop.yaml:3`, or with the name that its author gave.
pub fn place(judged: &Judged<'_>) -> String {
    let assertion = judged.assertion;
    match &assertion.name {
        Some(name) => format!("{}:{} {name}", assertion.file, assertion.line),
        None => format!("{}:{}", assertion.file, assertion.line),
    }
}

fn summary(judged: &[Judged<'_>], paint: Paint) -> String {
    let count = |held| judged.iter().filter(|one| one.held == held).count();
    let (holds, fails, unknown) = (count(Held::Yes), count(Held::No), count(Held::Unknown));
    let mut parts = vec![format!("{} passed", counted(holds, "test"))];
    if fails > 0 {
        parts.push(paint.error(&format!("{fails} failed")).into_owned());
    }
    if unknown > 0 {
        parts.push(paint.warning(&format!("{unknown} cannot be told")).into_owned());
    }
    parts.join(", ")
}

fn row(one: &Judged<'_>) -> Vec<String> {
    let assertion = one.assertion;
    let words = [result(one), &place(one), &assertion.from, &assertion.to, wanted(one), &is(one)];
    let mut row: Vec<String> = words.map(str::to_string).into();
    row.push(one.why.clone().unwrap_or_default());
    row
}

fn is(one: &Judged<'_>) -> String {
    one.verdict.map_or("nothing".to_string(), |verdict| verdict.to_string())
}

fn wanted(one: &Judged<'_>) -> &'static str {
    match one.assertion.wanted {
        Wanted::Allow => "allow",
        Wanted::Deny => "deny",
    }
}

fn result(one: &Judged<'_>) -> &'static str {
    match one.held {
        Held::Yes => "pass",
        Held::No => "fail",
        Held::Unknown => "unknown",
    }
}
