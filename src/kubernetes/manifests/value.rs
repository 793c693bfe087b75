//! Reads one YAML document into a JSON value, as kubectl does: types of words, merge keys, keys that are no text.
//! Never knows what kind of object the document holds.

use std::fmt;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, StrInput, Tag};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::plain;
use super::scalar::resolve;

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line within the text, from 1.
    pub line: usize,
    /// Why, for a person.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.reason)
    }
}

/// How many nodes the aliases of one document may stand for: more is an attack, not a manifest.
const ALIASED_NODES: usize = 200_000;

/// The parser's settings, which are go-yaml's habits.
pub(super) fn options() -> Options {
    let mut options = granit_parser::options! {
        bom_inside_document_as_content: true,
        block_scalar_eof_without_line_feed: true,
        max_directive_bytes: 4096,
    };
    options.set_emit_comments(false);
    options
}

/// The document's value; none for a document of comments only. A key that stands twice is an error.
pub fn read(text: &str) -> Result<Option<Value>, Fault> {
    match plain::read(text) {
        Some(value) => Ok(Some(value)),
        None => parse(text),
    }
}

/// The same by the parser, however the document is written.
pub(super) fn parse(text: &str) -> Result<Option<Value>, Fault> {
    let events = Parser::new_from_str_with_options(text, options());
    let mut reader = ValueReader { events, anchors: Vec::new(), aliased: 0 };
    let mut document = None;
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(..) if document.is_none() => {}
            Event::DocumentStart(..) => return Err(fault(&span, "another document starts without a line of ---")),
            event => document = Some(reader.node(event, &span)?),
        }
    }
    Ok(document.filter(|document| !document.is_null()))
}

pub(super) fn fault(span: &Span, reason: impl Into<String>) -> Fault {
    Fault { line: span.start.line(), reason: reason.into() }
}

struct ValueReader<'a> {
    events: Parser<'a, StrInput<'a>>,
    /// Values by the parser's anchor id.
    anchors: Vec<Option<Value>>,
    aliased: usize,
}

impl<'a> ValueReader<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Fault> {
        match self.events.next() {
            None => Ok(None),
            Some(Ok(next)) => Ok(Some(next)),
            Some(Err(error)) => Err(Fault { line: error.marker().line(), reason: error.info() }),
        }
    }

    fn require(&mut self) -> Result<(Event<'a>, Span), Fault> {
        self.next()?.ok_or_else(|| Fault { line: 1, reason: "the document ends too early".into() })
    }

    fn node(&mut self, event: Event<'a>, span: &Span) -> Result<Value, Fault> {
        let anchor = event.anchor_id();
        let value = match event {
            Event::Scalar(text, style, _, tag) => scalar(&text, style, tag.as_deref(), span)?,
            Event::SequenceStart(..) => self.sequence()?,
            Event::MappingStart(..) => self.mapping()?,
            Event::Alias(id) => self.alias(id, span)?,
            _ => return Err(fault(span, "a value was expected")),
        };
        if let Some(id) = anchor {
            self.anchors.resize(self.anchors.len().max(id + 1), None);
            self.anchors[id] = Some(value.clone());
        }
        Ok(value)
    }

    fn alias(&mut self, id: usize, span: &Span) -> Result<Value, Fault> {
        let value = self.anchors.get(id).cloned().flatten();
        let value = value.ok_or_else(|| fault(span, "an alias stands within the node that it names"))?;
        self.aliased += nodes(&value);
        match self.aliased > ALIASED_NODES {
            true => Err(fault(span, format!("its aliases stand for more than {ALIASED_NODES} nodes"))),
            false => Ok(value),
        }
    }

    fn sequence(&mut self) -> Result<Value, Fault> {
        let mut items = Vec::new();
        loop {
            match self.require()? {
                (Event::SequenceEnd, _) => return Ok(items.into()),
                (event, span) => items.push(self.node(event, &span)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Value, Fault> {
        let mut entries = Map::new();
        // Keys that came by a merge may stand again, and a merge may bring keys that stand already: go-yaml 2 lets the
        // later one win.
        let mut merged: Vec<String> = Vec::new();
        loop {
            let (event, span) = self.require()?;
            let merges = match &event {
                Event::MappingEnd => return Ok(entries.into()),
                Event::Scalar(text, ScalarStyle::Plain, _, None) => text == "<<",
                _ => false,
            };
            let key = self.node(event, &span)?;
            let (event, value_span) = self.require()?;
            let value = self.node(event, &value_span)?;
            if merges {
                merge(&mut entries, &mut merged, value).map_err(|reason| fault(&value_span, reason))?;
                continue;
            }
            let key = key_text(key).map_err(|reason| fault(&span, reason))?;
            match entries.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(mut entry) if merged.contains(entry.key()) => {
                    entry.insert(value);
                }
                Entry::Occupied(entry) => return Err(fault(&span, format!("the key {} stands twice", entry.key()))),
            }
        }
    }
}

fn merge(entries: &mut Map<String, Value>, merged: &mut Vec<String>, value: Value) -> Result<(), &'static str> {
    match value {
        Value::Object(object) => {
            merged.extend(object.keys().cloned());
            entries.extend(object);
            Ok(())
        }
        // The first of a list wins, so it is merged last.
        Value::Array(items) if items.iter().all(Value::is_object) => {
            items.into_iter().rev().try_for_each(|item| merge(entries, merged, item))
        }
        _ => Err("<< needs a mapping, or a list of mappings"),
    }
}

/// Keys are text in JSON: numbers and booleans become text, as `on:` becomes `true`.
fn key_text(key: Value) -> Result<String, &'static str> {
    match key {
        Value::String(text) => Ok(text),
        Value::Bool(_) | Value::Number(_) => Ok(key.to_string()),
        Value::Null => Err("a key is null"),
        Value::Array(_) | Value::Object(_) => Err("a key is not text"),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Result<Value, Fault> {
    // The parser gives an empty node as an unquoted `~`; with a tag it is empty text.
    let text = if style == ScalarStyle::Plain && text == "~" && span.is_empty() { "" } else { text };
    match tag {
        None if style == ScalarStyle::Plain => resolve(text).map_err(|reason| fault(span, reason)),
        None => Ok(text.into()),
        Some(tag) => match tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() {
            Some("int" | "float" | "bool" | "null" | "timestamp") => {
                resolve(text).map_err(|reason| fault(span, reason))
            }
            Some("binary") => binary(text).ok_or_else(|| fault(span, "!!binary needs text in base64")),
            _ => Ok(text.into()),
        },
    }
}

fn binary(text: &str) -> Option<Value> {
    use base64::Engine;
    let text: String = text.split_ascii_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    String::from_utf8(bytes).ok().map(Value::from)
}

fn nodes(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(nodes).sum::<usize>(),
        Value::Object(entries) => 1 + entries.values().map(nodes).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_are_what_kubectl_takes_them_for() {
        let table: &[(&str, Value)] = &[
            ("k: &a\n", json!({"k": null})),
            ("k: !a\n", json!({"k": ""})),
            ("k: !!str\n", json!({"k": ""})),
            ("k: 'yes'\n", json!({"k": "yes"})),
            ("k: \"012\"\n", json!({"k": "012"})),
            ("k: !!str 012\n", json!({"k": "012"})),
            ("k: !!str yes\n", json!({"k": "yes"})),
            ("k: !!int '5'\n", json!({"k": 5})),
            ("k: !!float 5\n", json!({"k": 5})),
            ("k: !!bool yes\n", json!({"k": true})),
            ("k: !!null ''\n", json!({"k": null})),
            ("k: !foo bar\n", json!({"k": "bar"})),
            ("k: !foo 12\n", json!({"k": "12"})),
            ("k: !!binary aGVsbG8=\n", json!({"k": "hello"})),
            ("k: !!int 0x10\n", json!({"k": 16})),
            ("k: ! 12\n", json!({"k": "12"})),
            ("k: |\n  12\n\n", json!({"k": "12\n"})),
            ("k: >-\n  yes\n\n", json!({"k": "yes"})),
            ("k: 2001-12-14 21:59:43.10\n", json!({"k": "2001-12-14 21:59:43.10"})),
            ("k: 2001-12-14 21:59:43.10 -5\n", json!({"k": "2001-12-14 21:59:43.10 -5"})),
            ("on: 1\n", json!({"true": 1})),
            ("y: 1\n", json!({"true": 1})),
            ("8080: a\n", json!({"8080": "a"})),
            ("0x10: a\n", json!({"16": "a"})),
            ("1.5: a\n", json!({"1.5": "a"})),
            ("? a\n: b\n", json!({"a": "b"})),
            ("a: 1\n8: x\n", json!({"8": "x", "a": 1})),
            ("a: &x {b: 1}\nc: {<<: *x, d: 2}\n", json!({"a": {"b": 1}, "c": {"b": 1, "d": 2}})),
            ("a: &x {b: 1}\nc: {b: 2, <<: *x}\n", json!({"a": {"b": 1}, "c": {"b": 1}})),
            (
                "a: &x {b: 1}\nb: &y {b: 2, e: 3}\nc: {<<: [*x, *y]}\n",
                json!({"a": {"b": 1}, "b": {"b": 2, "e": 3}, "c": {"b": 1, "e": 3}}),
            ),
            ("a: &x 1\nb: *x\n", json!({"a": 1, "b": 1})),
            ("c: {<<: {b: 1}, b: 2}\n", json!({"c": {"b": 2}})),
            ("c: {'<<': {b: 1}}\n", json!({"c": {"<<": {"b": 1}}})),
            ("1e3: a\n", json!({"1000": "a"})),
            ("1_000: a\n", json!({"1000": "a"})),
            ("2024-01-01: a\n", json!({"2024-01-01": "a"})),
            ("k: {a, b: }\n", json!({"k": {"a": null, "b": null}})),
            ("k: [a: b]\n", json!({"k": [{"a": "b"}]})),
            ("k: 'it''s'\n", json!({"k": "it's"})),
            ("k: a\tb\n", json!({"k": "a\tb"})),
            ("k:\ta\n", json!({"k": "a"})),
            ("{\"a\":1}\n", json!({"a": 1})),
            ("k: a # c\n", json!({"k": "a"})),
            ("k: a#b\n", json!({"k": "a#b"})),
            ("-0: a\n", json!({"0": "a"})),
            ("a: {}\n<<: {b: 1}\n", json!({"a": {}, "b": 1})),
            ("k: |+\n a\n\n", json!({"k": "a\n\n"})),
            ("k: |\n a\n\n\n", json!({"k": "a\n"})),
            ("k: |\n a", json!({"k": "a"})),
            ("k: >\n a\n b\n\n c\n", json!({"k": "a b\nc\n"})),
            ("k: 'a\n  b'\n", json!({"k": "a b"})),
            ("[1]\n", json!([1])),
            ("just text\n", json!("just text")),
            ("", json!(null)),
            ("# only\n", json!(null)),
            ("---\n", json!(null)),
            ("null\n", json!(null)),
        ];
        for (text, value) in table {
            assert_eq!(read(text), Ok(Some(value.clone()).filter(|value| !value.is_null())), "{text:?}");
        }
    }

    #[test]
    fn what_kubectl_cannot_read_is_an_error_with_its_line() {
        for (text, line, reason) in [
            ("a: 1\nb: 2\na: 3\n", 3, "the key a stands twice"),
            ("a: 1\nyes: 2\ntrue: 3\n", 3, "the key true stands twice"),
            ("a:\n  b: .inf\n", 2, ".inf is a number that JSON does not have"),
            ("~: a\n", 1, "a key is null"),
            ("? [a]\n: b\n", 1, "a key is not text"),
            ("a:\n  <<: 5\n", 2, "<< needs a mapping, or a list of mappings"),
            ("a: &a [*a]\n", 1, "an alias stands within the node that it names"),
            ("a: !!binary '*'\n", 1, "!!binary needs text in base64"),
            ("a: 1\n...\nb: 2\n", 3, "another document starts without a line of ---"),
        ] {
            assert_eq!(read(text), Err(Fault { line, reason: reason.into() }), "{text:?}");
        }
        for (text, line) in [
            ("a: *b\n", 1),
            ("a: [1, 2\n", 2),
            ("a: 'x\n", 1),
            ("a: b: c\n", 1),
            ("a: 1\n b: 2\n", 2),
            ("a: @b\n", 1),
            ("a:\n\t- b\n", 2),
            ("a: {{ .Values.x }}\n", 1),
            ("a: \u{1}\n", 1),
        ] {
            let fault = read(text).unwrap_err();
            assert!(fault.line.abs_diff(line) <= 1 && !fault.reason.is_empty(), "{text:?} {fault:?}");
        }
    }

    #[test]
    fn aliases_that_explode_are_an_error() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let previous = level - 1;
            text += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{previous}"); 10].join(", "));
        }
        assert!(read(&text).unwrap_err().reason.contains("its aliases stand for more than"));
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000)] {
            assert!(read(&text).is_err());
        }
    }
}
