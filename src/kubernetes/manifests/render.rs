//! Writes values as YAML and JSON, so that kubectl reads exactly the same types back.
//! Never knows where the text goes.

use serde_json::Value;

use super::scalar::resolve;

/// How a document indents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Spaces for each level.
    pub step: usize,
    /// Whether lists below a key are indented, too; kubectl does not.
    pub indented_lists: bool,
}

impl Default for Style {
    fn default() -> Style {
        Style { step: 2, indented_lists: false }
    }
}

/// A value as block YAML, each line with its end.
pub fn yaml(value: &Value, style: Style) -> String {
    let options = serde_yaml::ser_options! {
        indent_step: style.step.clamp(2, 8),
        compact_list_indent: !style.indented_lists,
        prefer_block_scalars: false,
        min_fold_chars: usize::MAX,
    };
    // Values have no maps with keys that are no text, and no limit stands in the way.
    let text = serde_yaml::to_string_with_options(value, options).unwrap_or_else(|_| format!("{value}\n"));
    text.lines().map(|line| legible(line) + "\n").collect()
}

/// A line whose word is in double quotes only because it has some itself, as JSON in an annotation: in single quotes
/// then, as kubectl prints it. Every word stands on one line.
fn legible(line: &str) -> String {
    if !line.ends_with('"') || !line.contains("\\\"") {
        return line.to_string();
    }
    // A key in quotes has none like this inside: there they are escaped.
    for (at, _) in line.match_indices(" \"") {
        let (head, quoted) = line.split_at(at + 1);
        let Ok(word) = serde_json::from_str::<String>(quoted) else { continue };
        let is_simple =
            head.trim_end().ends_with([':', '-']) && word.chars().all(|character| (' '..='~').contains(&character));
        return if is_simple { format!("{head}'{}'", word.replace('\'', "''")) } else { line.to_string() };
    }
    line.to_string()
}

/// A value as block YAML whose first line stands where something else begins, and whose others are indented.
pub fn indented(value: &Value, indent: usize, style: Style) -> String {
    let text = yaml(value, style);
    let spaces = " ".repeat(indent);
    text.trim_end_matches('\n').lines().collect::<Vec<_>>().join(&format!("\n{spaces}"))
}

/// A value within braces or brackets, or on a line of its own behind a key.
pub fn flow(value: &Value, json: bool) -> String {
    match value {
        Value::String(word) if !json && is_plain(word) => word.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, json)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}: {}", flow_key(key, json), flow(value, json))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::String(word) => quoted(word),
        _ => value.to_string(),
    }
}

/// A key within braces.
pub fn flow_key(key: &str, json: bool) -> String {
    if !json && is_plain(key) { key.to_string() } else { quoted(key) }
}

/// JSON over several lines, each level indented by `step` spaces, the lines behind the first by `indent` more.
pub fn pretty(value: &Value, step: usize, indent: usize) -> String {
    let (outer, inner) = (" ".repeat(indent), " ".repeat(indent + step));
    let (open, close, entries): (_, _, Vec<String>) = match value {
        Value::Array(items) if !items.is_empty() => {
            ('[', ']', items.iter().map(|item| pretty(item, step, indent + step)).collect())
        }
        Value::Object(entries) if !entries.is_empty() => {
            let entry =
                |(key, value): (&String, &Value)| format!("{}: {}", quoted(key), pretty(value, step, indent + step));
            ('{', '}', entries.iter().map(entry).collect())
        }
        _ => return flow(value, true),
    };
    format!("{open}\n{inner}{}\n{outer}{close}", entries.join(&format!(",\n{inner}")))
}

/// Whether a word needs no quotes anywhere, and stays a word.
fn is_plain(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic())
        && word.chars().all(|character| character.is_ascii_alphanumeric() || "-_./".contains(character))
        && matches!(resolve(word), Ok(Value::String(_)))
}

/// In double quotes, as both JSON and YAML read it.
fn quoted(word: &str) -> String {
    let mut out = String::with_capacity(word.len() + 2);
    for character in Value::from(word).to_string().chars() {
        // YAML takes some of these for line ends, and refuses others.
        match character {
            '\u{7f}'..='\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                out += &format!("\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{json, value};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Words that some reader of YAML takes for something else.
    const WORDS: &[&str] = &[
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "N",
        "true",
        "FALSE",
        "null",
        "~",
        "",
        "012",
        "0o17",
        "0x1F",
        "0b11",
        "1_000",
        "08",
        "1e3",
        ".5",
        "-1",
        "+1",
        "1:20",
        "190:20:30",
        "2024-01-01",
        "=",
        "<<",
        "-",
        "--",
        "---",
        "...",
        "- a",
        "?",
        "? a",
        ":",
        "a: b",
        "a:",
        "a #b",
        "#a",
        "*a",
        "&a",
        "!a",
        "!!str a",
        "@a",
        "`a",
        "%a",
        "|",
        ">",
        "[a]",
        "{a}",
        "a, b",
        "a,b",
        "'a'",
        "\"a\"",
        "it's",
        " a",
        "a ",
        "a\tb",
        "\ta",
        "a\nb",
        "a\n",
        "\na",
        "a\r\nb",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{feff}",
        "\u{fffe}",
        "é",
        "😀",
        ".inf",
        ".nan",
        "-.INF",
        "1.0",
        "app == 'web'",
        "has(a) && b in {'c', \"d\"}",
        "10.0.0.0/24",
        "fe80::/10",
        "9000:9010",
        "v1.28",
        "10.7.0.99",
        "a\\b",
        "0",
        "00",
    ];

    fn reads_back(value: &Value) {
        for step in [2, 4] {
            for indented_lists in [false, true] {
                let text = yaml(value, Style { step, indented_lists });
                assert_eq!(value::read(&text), Ok(Some(value.clone())), "{text}");
            }
        }
        let text = format!("a: {}", flow(value, false));
        assert_eq!(value::read(&text), Ok(Some(json!({ "a": value }))), "{text}");
        for text in [flow(value, true), pretty(value, 2, 0), pretty(value, 4, 3)] {
            assert_eq!(json::read(&text), Ok(value.clone()), "{text}");
            let in_yaml = format!("a: {text}");
            assert_eq!(value::read(&in_yaml), Ok(Some(json!({ "a": value }))), "{in_yaml}");
        }
    }

    #[test]
    fn words_that_look_like_something_else_stay_words() {
        for word in WORDS {
            reads_back(&json!({ *word: word, "list": [word], "below": [{ "a": [[word]] }] }));
        }
    }

    #[test]
    fn new_manifests_look_as_kubectl_prints_them() {
        let value = json!({ "spec": { "selector": "app == 'web'", "ports": [80, "9000:9010"], "empty": [], "long": "x ".repeat(90) } });
        let long = "x ".repeat(90);
        let expected = format!(
            "spec:\n  empty: []\n  long: \"{long}\"\n  ports:\n  - 80\n  - 9000:9010\n  selector: app == 'web'\n"
        );
        assert_eq!(yaml(&value, Style::default()), expected);
        let grant = json!({ "a": r#"{"b":"it's"}"#, "c": ["\"", "\"\n"], "\"": "\"" });
        assert_eq!(
            yaml(&grant, Style::default()),
            "\"\\\"\": '\"'\na: '{\"b\":\"it''s\"}'\nc:\n- '\"'\n- \"\\\"\\n\"\n"
        );
        assert_eq!(flow(&json!({ "a": ["b", "yes", 1] }), false), "{a: [b, \"yes\", 1]}");
        assert_eq!(pretty(&json!({ "a": [1], "b": {} }), 2, 0), "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}");
    }

    /// Any JSON value.
    pub fn values() -> impl Strategy<Value = Value> {
        let word = prop_oneof![proptest::sample::select(WORDS).prop_map(str::to_string), "\\PC{0,8}", "[a-z]{1,4}"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<i32>().prop_map(|whole| Value::from(f64::from(whole) + 0.5)),
            word.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(word.clone(), inner, 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_is_written_reads_back(value in values()) {
            reads_back(&json!({ "value": value, "list": [value] }));
        }
    }
}
