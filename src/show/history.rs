//! The history of changes, newest first: as a list, and for programs.
//! Never knows where records are kept.

use serde::Serialize;

use super::paint::harmless;
use super::table::columns;
use crate::record::journal::Listed;
use crate::record::{State, Summary};

#[derive(Serialize)]
struct Unreadable {
    number: u32,
    unreadable: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Read(&'a Summary),
    Unreadable(Unreadable),
}

/// As a list.
pub fn text(listed: &[Listed], wide: bool) -> String {
    let headings: &[&str] = match wide {
        true => &["NUMBER", "WHEN", "WHO", "STATE", "WHAT", "CONTEXT", "CALICO", "TOOL", "COMMAND"],
        false => &["NUMBER", "WHEN", "WHO", "STATE", "WHAT"],
    };
    let rows: Vec<Vec<String>> = listed.iter().map(|listed| row(listed, wide)).collect();
    columns(headings, &rows)
}

fn row(listed: &Listed, wide: bool) -> Vec<String> {
    let number = listed.number.to_string();
    let summary = match &listed.summary {
        Ok(summary) => summary,
        Err(error) => return vec![number, "-".into(), "-".into(), "unreadable".into(), error.to_string()],
    };
    let state = match (summary.state, summary.undone_by, summary.finished_by) {
        (State::Undone, Some(by), _) => format!("undone by {by}"),
        (State::Done, _, Some(by)) => format!("finished by {by}"),
        (state, ..) => state.to_string(),
    };
    let mut row = vec![number, summary.when.clone(), summary.user.clone(), state, summary.title.clone()];
    if wide {
        let calico = summary.calico.clone().unwrap_or_default();
        row.extend([summary.context.clone(), calico, summary.tool.clone(), summary.command.clone()]);
    }
    row
}

/// What is said of a change that was not finished: what it is, and the commands that finish it or take it back.
pub fn unfinished(summary: &Summary, take_back: &str) -> [String; 3] {
    let how = match summary.state {
        State::Started => "was begun and not finished; it still runs, or was stopped half way",
        _ => "stopped half way",
    };
    let Summary { number, title, user, when, command, .. } = summary;
    let lines = [
        format!("change {number} ({title}; {user}, {when}) {how}"),
        format!("`{command}` finishes it"),
        format!("`{take_back}` takes it back"),
    ];
    lines.map(|line| harmless(&line).into_owned())
}

/// For programs.
pub fn value(listed: &[Listed]) -> impl Serialize {
    let entries: Vec<Entry<'_>> = listed
        .iter()
        .map(|listed| match &listed.summary {
            Ok(summary) => Entry::Read(summary),
            Err(error) => Entry::Unreadable(Unreadable { number: listed.number, unreadable: error.to_string() }),
        })
        .collect();
    serde_json::to_value(entries).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RecordError;

    fn summary(number: u32) -> Summary {
        Summary {
            number,
            when: "2026-11-23T05:17:14Z".into(),
            user: "jane".into(),
            context: "lab".into(),
            command: "kubectl zerotrust lockdown".into(),
            title: "lock".into(),
            state: State::Undone,
            tool: "0.1.0".into(),
            calico: None,
            api: "crd.projectcalico.org/v1".into(),
            undoes: None,
            undone_by: Some(8),
            finished_by: None,
        }
    }

    #[test]
    fn a_record_of_a_later_release_is_listed_with_the_reason() {
        let listed =
            [Listed { number: 9, summary: Err(RecordError::Newer(2)) }, Listed { number: 7, summary: Ok(summary(7)) }];
        insta::assert_snapshot!(text(&listed, false), @r"
        NUMBER   WHEN                   WHO    STATE         WHAT
        9        -                      -      unreadable    it has format version 2, and this program knows 1
        7        2026-11-23T05:17:14Z   jane   undone by 8   lock
        ");
    }
}
