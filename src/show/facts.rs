//! Facts as a table and for programs, each with where it is from; those of the past with their age.
//! Never knows how a fact was found.

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

use super::table::columns;
use crate::plan::facts::Known;

/// As a table; `now` tells how old what was noted is.
pub fn table(facts: &[Known], now: Timestamp) -> String {
    let row = |known: &Known| {
        let fact = if known.is_known { known.fact.clone() } else { format!("not known: {}", known.fact) };
        let from = match known.noted {
            Some(noted) => format!("{} ({} ago)", known.from, age(now.as_second() - noted)),
            None => known.from.clone(),
        };
        vec![known.of.clone(), fact, from]
    };
    let rows: Vec<Vec<String>> = facts.iter().map(row).collect();
    if rows.is_empty() { String::new() } else { columns(&["OF", "FACT", "KNOWN FROM"], &rows) }
}

/// A time that passed, in seconds, as kubectl words it.
pub fn age(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7200 => format!("{}m", seconds / 60),
        seconds @ 7200..172_800 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// A fact for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FactView<'a> {
    of: &'a str,
    fact: &'a str,
    known: bool,
    /// Where it is from, or why it is not known.
    evidence: &'a str,
    /// When it was noted, if it is of the past (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    noted: Option<String>,
}

impl<'a> From<&'a Known> for FactView<'a> {
    fn from(known: &'a Known) -> FactView<'a> {
        let noted = known.noted.and_then(|noted| Timestamp::from_second(noted).ok()).map(|noted| noted.to_string());
        FactView { of: &known.of, fact: &known.fact, known: known.is_known, evidence: &known.from, noted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_the_past_has_an_age_and_what_is_not_known_says_why() {
        let known = |fact: &str, is_known, noted| Known {
            of: "Service shop/web".into(),
            fact: fact.into(),
            from: "event nodeAssigned web.1".into(),
            is_known,
            noted,
        };
        let now: Timestamp = "2026-05-01T12:00:00Z".parse().unwrap();
        let facts = [known("announced by node n1", true, Some(now.as_second() - 600)), known("mode", false, None)];
        let text = table(&facts, now);
        assert!(text.contains("announced by node n1") && text.contains("web.1 (10m ago)"), "{text}");
        assert!(text.contains("not known: mode"), "{text}");
        let view = serde_json::to_value(FactView::from(&facts[0])).unwrap();
        assert_eq!(view["noted"], "2026-05-01T11:50:00Z");
    }

    #[test]
    fn ages_are_worded_as_kubectl_does() {
        let ages = [-5, 59, 119, 120, 7199, 7200, 172_799, 172_800].map(age);
        assert_eq!(ages, ["0s", "59s", "119s", "2m", "119m", "2h", "47h", "2d"]);
    }
}
