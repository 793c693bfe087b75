//! Reads plainly written YAML, as kubectl and most people write it, in a fraction of the parser's time.
//! Never guesses: at the first thing that is not plain it gives up, and the parser reads the document.
//!
//! Plain are blocks of keys and lists by indentation, words on one line with or without quotes, short lists in brackets,
//! and comments. A test holds it against the parser on generated text: where it answers, both say the same.

use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::scalar::resolve;

/// How deep blocks may be nested.
const DEPTH: usize = 64;
/// How long a key may be; the parser has a limit, too.
const KEY: usize = 200;

/// The document's value, if it is written plainly.
pub fn read(text: &str) -> Option<Value> {
    if !text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)) {
        return None;
    }
    let mut lines = Lines { rest: text, now: None };
    lines.advance();
    if lines.now.is_some_and(|line| line.indent == 0 && (line.words == "---" || line.words.starts_with("--- #"))) {
        lines.advance();
    }
    let first = lines.now?;
    let value = block(&mut lines, first.indent, 0)?;
    lines.now.is_none().then_some(value)
}

/// A line that says something.
#[derive(Clone, Copy)]
struct Line<'a> {
    indent: usize,
    words: &'a str,
}

struct Lines<'a> {
    rest: &'a str,
    now: Option<Line<'a>>,
}

impl Lines<'_> {
    /// To the next line that is not empty and no comment.
    fn advance(&mut self) {
        self.now = None;
        while !self.rest.is_empty() {
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            let words = line.trim_start_matches(' ');
            if !words.is_empty() && !words.starts_with('#') {
                self.now = Some(Line { indent: line.len() - words.len(), words: words.trim_end_matches(' ') });
                return;
            }
        }
    }
}

fn is_item(words: &str) -> bool {
    words == "-" || words.starts_with("- ")
}

fn block(lines: &mut Lines<'_>, indent: usize, depth: usize) -> Option<Value> {
    if depth > DEPTH {
        return None;
    }
    if is_item(lines.now?.words) { sequence(lines, indent, depth) } else { mapping(lines, indent, depth) }
}

fn sequence(lines: &mut Lines<'_>, indent: usize, depth: usize) -> Option<Value> {
    let mut items = Vec::new();
    while let Some(line) = lines.now {
        if line.indent < indent || (line.indent == indent && !is_item(line.words)) {
            break;
        }
        if line.indent > indent {
            return None;
        }
        let words = line.words[1..].trim_start_matches(' ');
        if words.is_empty() || words.starts_with('#') {
            lines.advance();
            items.push(below(lines, indent + 1, depth)?);
        } else if is_item(words) || key(words).is_some() {
            // What stands behind the dash is a block of its own, at its own column.
            let column = indent + line.words.len() - words.len();
            lines.now = Some(Line { indent: column, words });
            items.push(block(lines, column, depth + 1)?);
        } else {
            items.push(inline(words)?);
            lines.advance();
            ends_here(lines, indent)?;
        }
    }
    Some(items.into())
}

fn mapping(lines: &mut Lines<'_>, indent: usize, depth: usize) -> Option<Value> {
    let mut entries = Map::new();
    while let Some(line) = lines.now {
        if line.indent < indent {
            break;
        }
        if line.indent > indent {
            return None;
        }
        if is_item(line.words) {
            // A list at the column of its key ends where this mapping began, or it is none of ours.
            break;
        }
        let (name, words) = key(line.words)?;
        let Entry::Vacant(entry) = entries.entry(name) else { return None };
        lines.advance();
        let value = if words.is_empty() || words.starts_with('#') {
            match lines.now {
                Some(next) if next.indent == indent && is_item(next.words) => sequence(lines, indent, depth + 1)?,
                _ => below(lines, indent + 1, depth)?,
            }
        } else {
            let value = inline(words)?;
            ends_here(lines, indent)?;
            value
        };
        entry.insert(value);
    }
    Some(entries.into())
}

/// The block on the lines below, if they are indented at least this far; else null.
fn below(lines: &mut Lines<'_>, least: usize, depth: usize) -> Option<Value> {
    match lines.now {
        Some(next) if next.indent >= least && (is_item(next.words) || key(next.words).is_some()) => {
            block(lines, next.indent, depth + 1)
        }
        Some(next) if next.indent >= least => None,
        _ => Some(Value::Null),
    }
}

/// None if the words go on on the next line.
fn ends_here(lines: &Lines<'_>, indent: usize) -> Option<()> {
    lines.now.is_none_or(|next| next.indent <= indent).then_some(())
}

/// A key that is a word for every reader, and what stands behind its colon.
fn key(words: &str) -> Option<(&str, &str)> {
    let length = words.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"_./-".contains(byte)).count();
    let (name, rest) = words.split_at(length);
    let rest = rest.strip_prefix(':')?;
    let stands_alone = rest.is_empty() || rest.starts_with(' ');
    let is_word = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= KEY
        && matches!(resolve(name), Ok(Value::String(_)));
    (stands_alone && is_word).then(|| (name, rest.trim_start_matches(' ')))
}

fn inline(words: &str) -> Option<Value> {
    match words.as_bytes()[0] {
        quote @ (b'"' | b'\'') => {
            let (word, rest) = quoted(words, quote)?;
            is_comment(rest).then(|| word.into())
        }
        b'[' => brackets(words),
        b'{' => words.strip_prefix("{}").filter(|rest| is_comment(rest)).map(|_| Map::new().into()),
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'/' | b'_' | b'+' | b'(' | b'<' | b'=' | b'$' => plain(words),
        b'-' if !is_item(words) && !words.starts_with("---") => plain(words),
        _ => None,
    }
}

fn plain(words: &str) -> Option<Value> {
    let word = words.find(" #").map_or(words, |at| &words[..at]).trim_end_matches(' ');
    if word.contains(": ") || word.ends_with(':') || word.starts_with("...") {
        return None;
    }
    resolve(word).ok()
}

/// A word in quotes without anything escaped, and what stands behind it.
fn quoted(words: &str, quote: u8) -> Option<(&str, &str)> {
    let (word, rest) = words[1..].split_once(char::from(quote))?;
    let is_simple = !word.contains('\\') && !rest.starts_with(char::from(quote)) && !rest.starts_with(':');
    is_simple.then_some((word, rest))
}

fn is_comment(rest: &str) -> bool {
    rest.is_empty()
        || rest.trim_start_matches(' ').is_empty()
        || rest.trim_start_matches(' ').starts_with('#') && rest.starts_with(' ')
}

/// A list of words on one line.
fn brackets(words: &str) -> Option<Value> {
    let mut rest = words[1..].trim_start_matches(' ');
    let mut items: Vec<Value> = Vec::new();
    if let Some(rest) = rest.strip_prefix(']') {
        return is_comment(rest).then(|| items.into());
    }
    loop {
        match rest.as_bytes().first()? {
            quote @ (b'"' | b'\'') => {
                let (word, behind) = quoted(rest, *quote)?;
                items.push(word.into());
                rest = behind;
            }
            first if first.is_ascii_alphanumeric() => {
                let length =
                    rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"_./-".contains(byte)).count();
                items.push(resolve(&rest[..length]).ok()?);
                rest = &rest[length..];
            }
            _ => return None,
        }
        rest = rest.trim_start_matches(' ');
        if let Some(behind) = rest.strip_prefix(']') {
            return is_comment(behind).then(|| items.into());
        }
        rest = rest.strip_prefix(',')?.trim_start_matches(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::super::value;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn plain_manifests_are_read() {
        let text = "---\n# x\napiVersion: v1 # v\nkind: Pod\nmetadata:\n  name: \"a: b\"\n  labels:\n    a/b: 'yes'\n    c: yes\nspec:\n  ports:\n  - 80\n  - name: x\n    port: 012\n  - - 1\n    -\n      a: 1\n  nets: [10.0.0.0/8, \"::/0\"] # n\n  selector: app == 'web' && tier in {'a', 'b'}\n  none:\n  empty: {}\n\n  list: []\n";
        let expected = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a: b", "labels": { "a/b": "yes", "c": true } },
            "spec": {
                "ports": [80, { "name": "x", "port": 10 }, [1, { "a": 1 }]], "nets": ["10.0.0.0/8", "::/0"],
                "selector": "app == 'web' && tier in {'a', 'b'}", "none": null, "empty": {}, "list": [],
            },
        });
        assert_eq!(read(text), Some(expected));
        assert_eq!(read("  - a: 1\n    b: 2\n"), Some(json!([{ "a": 1, "b": 2 }])));
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_parser() {
        for text in [
            "",
            "# c\n",
            "a: |\n  x\n",
            "a: b\n  c\n",
            "a: &x 1\n",
            "a: *x\n",
            "a: !!str 1\n",
            "<<: {a: 1}\n",
            "a: {b: 1}\n",
            "a: 1\na: 2\n",
            "yes: 1\n",
            "a: \"\\n\"\n",
            "a: 'it''s'\n",
            "a:\tb\n",
            "a: 1\n---\nb: 2\n",
            "a: .inf\n",
            "a: b: c\n",
            "? a\n: b\n",
            "a: é\n",
            "a: 1\r\n",
            "a: [1, [2]]\n",
            "a: 1\n  b: 2\n",
            "  a: 1\nb: 2\n",
            "a: 1\n...\n",
            "a: \"b\" c\n",
            "a: @b\n",
            "a: [1,\n  2]\n",
            "a\n",
            "a: 'b': c\n",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn where_it_answers_it_says_what_the_parser_says(
            lines in proptest::collection::vec(("( {0,4}|-( {1,3}))(- {1,2})?", "[a-c/]?(: {0,2})?", "[-a-c012\\[\\],'\"{}#: .&|>?]{0,7}"), 1..7)
        ) {
            let text: String = lines.iter().map(|(indent, key, value)| format!("{indent}{key}{value}\n")).collect();
            if let Some(value) = read(&text) {
                prop_assert_eq!(value::parse(&text), Ok(Some(value).filter(|value| !value.is_null())), "{}", text);
            }
        }
    }
}
