//! Reads tests of reachability from the items of a file: `{from, to, allow: [port...], deny: [port...]}`, or without `to`
//! whole targets in the lists.
//! Never reads a file, and never skips what it does not understand.

use serde::Deserialize;
use serde_json::Value;

use super::{Assertion, Wanted};
use crate::plan::question::Asked;

/// One item, as its author wrote it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    name: Option<String>,
    from: OneOrMore,
    to: Option<OneOrMore>,
    #[serde(default)]
    allow: Vec<Word>,
    #[serde(default)]
    deny: Vec<Word>,
    protocol: Option<String>,
    entry: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// A target, or a port, which YAML takes for a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    Number(u64),
}

impl OneOrMore {
    fn all(&self) -> &[String] {
        match self {
            OneOrMore::One(one) => std::slice::from_ref(one),
            OneOrMore::More(more) => more,
        }
    }
}

impl Word {
    fn text(&self) -> String {
        match self {
            Word::Text(text) => text.clone(),
            Word::Number(number) => number.to_string(),
        }
    }
}

/// An item that is no test.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct Malformed {
    /// The file.
    pub file: String,
    /// The item's line, from 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

/// The tests of a file's items; a bare name in them is looked up in `namespace`, or in all.
pub fn read(file: &str, items: Vec<(usize, Value)>, namespace: Option<&str>) -> Result<Vec<Assertion>, Malformed> {
    let malformed = |line, reason: String| Malformed { file: file.into(), line, reason };
    if items.is_empty() {
        return Err(malformed(1, "it holds no test, and so could not fail".into()));
    }
    let mut all = Vec::new();
    for (line, value) in items {
        let item: Item = serde_json::from_value(value).map_err(|error| malformed(line, error.to_string()))?;
        if item.allow.is_empty() && item.deny.is_empty() {
            return Err(malformed(line, "neither allow nor deny names anything, so it could not fail".into()));
        }
        for from in item.from.all() {
            for (words, wanted) in [(&item.allow, Wanted::Allow), (&item.deny, Wanted::Deny)] {
                for to in destinations(&item, words) {
                    let protocol = item.protocol.as_deref();
                    let asked = Asked::parse(from, &to, protocol, item.entry.as_deref(), namespace)
                        .map_err(|error| malformed(line, error.to_string()))?;
                    let (file, from) = (file.to_string(), from.clone());
                    all.push(Assertion { file, line, name: item.name.clone(), asked, from, to, wanted });
                }
            }
        }
    }
    Ok(all)
}

/// Targets with their ports: the words themselves, or each word as a port of each `to`.
fn destinations(item: &Item, words: &[Word]) -> Vec<String> {
    let Some(to) = &item.to else { return words.iter().map(Word::text).collect() };
    let one = |to: &String, port: String| match to.contains(':') {
        true => format!("[{to}]:{port}"),
        false => format!("{to}:{port}"),
    };
    to.all().iter().flat_map(|to| words.iter().map(move |word| one(to, word.text()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(value: Value) -> Vec<(String, String, Wanted)> {
        let all = read("t.yaml", vec![(1, value)], None).unwrap();
        all.into_iter().map(|one| (one.from, one.to, one.wanted)).collect()
    }

    #[test]
    fn ports_belong_to_the_target_and_targets_stand_alone() {
        let named = words(json!({"from": "shop/web", "to": ["shop/db", "fd00::1"], "allow": [80], "deny": ["udp/53"]}));
        let row = |to: &str, wanted| ("shop/web".to_string(), to.to_string(), wanted);
        let expected = vec![
            row("shop/db:80", Wanted::Allow),
            row("[fd00::1]:80", Wanted::Allow),
            row("shop/db:udp/53", Wanted::Deny),
            row("[fd00::1]:udp/53", Wanted::Deny),
        ];
        assert_eq!(named, expected);
        let alone = words(json!({"from": ["10.0.0.1", "10.0.0.2"], "deny": ["shop/db:80"]}));
        assert_eq!(alone.len(), 2);
        assert_eq!(alone[1], ("10.0.0.2".into(), "shop/db:80".into(), Wanted::Deny));
    }

    #[test]
    fn what_could_not_fail_is_no_test() {
        let reason = |items| read("t.yaml", items, None).unwrap_err().to_string();
        assert_eq!(reason(vec![]), "t.yaml:1: it holds no test, and so could not fail");
        let silent = reason(vec![(4, json!({"from": "a", "to": "b"}))]);
        assert_eq!(silent, "t.yaml:4: neither allow nor deny names anything, so it could not fail");
        let unknown = reason(vec![(7, json!({"form": "a", "allow": ["b"]}))]);
        assert!(unknown.starts_with("t.yaml:7: unknown field `form`"), "{unknown}");
        assert!(reason(vec![(2, json!("a"))]).starts_with("t.yaml:2: "), "a word is no test");
        assert!(reason(vec![(2, json!({"from": "a", "allow": ["b:99999"]}))]).starts_with("t.yaml:2: "));
    }
}
