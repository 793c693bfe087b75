//! Cuts a file's bytes into pieces that hold one object each, so that one that is broken never hides the others.
//! Never knows what an object says beyond its apiVersion and kind.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::value::Fault;

/// How a piece is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A YAML document.
    Yaml,
    /// One item of a block sequence, with its dash: a sequence of one for a YAML parser.
    YamlItem,
    /// A JSON document.
    Json,
    /// One element of a JSON array.
    JsonItem,
}

/// A part of a file that holds one object, or a list that could not be cut further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its bytes in the file.
    pub range: Range<usize>,
    /// The line on which it starts, from 1; a comment may stand there.
    pub start_line: usize,
    /// The line on which its first word stands, from 1.
    pub line: usize,
    /// How it is written.
    pub form: Form,
    /// The document that it is part of: itself, or the list's whole.
    pub document: Range<usize>,
    /// The apiVersion and kind that a typed list gives to items that do not say theirs.
    pub inherited: Option<(String, String)>,
}

/// The pieces of a file, in order, and what could not even be cut. Comments alone are no piece.
pub fn split(bytes: &[u8]) -> (Vec<Piece>, Vec<Fault>) {
    let mut out = Splitter { bytes, pieces: Vec::new(), faults: Vec::new(), lines: Lines::default() };
    let start = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut from = start;
    let mut at = start;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let line = &bytes[at..end];
        if is_marker(line, b"---") && at > from {
            out.document(from..at);
            from = at;
        }
        if is_marker(line, b"...") {
            out.document(from..end);
            from = end;
        }
        at = end;
    }
    out.document(from..bytes.len());
    (out.pieces, out.faults)
}

/// Whether a line is a marker, alone or with more behind a space.
fn is_marker(line: &[u8], marker: &[u8]) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.first().is_none_or(|byte| byte.is_ascii_whitespace()))
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |length| at + length + 1)
}

/// Counts lines from where it counted last.
#[derive(Default)]
struct Lines {
    at: usize,
    line: usize,
}

impl Lines {
    /// The line of an offset, from 1.
    fn of(&mut self, bytes: &[u8], offset: usize) -> usize {
        let breaks = |range: Range<usize>| bytes[range].iter().filter(|&&byte| byte == b'\n').count();
        self.line = match self.at <= offset {
            true => self.line + breaks(self.at..offset),
            false => self.line - breaks(offset..self.at),
        };
        self.at = offset;
        self.line + 1
    }
}

struct Splitter<'a> {
    bytes: &'a [u8],
    pieces: Vec<Piece>,
    faults: Vec<Fault>,
    lines: Lines,
}

/// What a JSON object says it is, and its items without looking into them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

impl Splitter<'_> {
    /// One document of YAML, or several of JSON.
    fn document(&mut self, range: Range<usize>) {
        let Some(first) = first_word(&self.bytes[range.clone()]).map(|offset| range.start + offset) else { return };
        if self.bytes[first] != b'{' || !self.json(first..range.end) {
            self.yaml(range, first);
        }
    }

    /// False if it is not JSON after all; YAML has braces too.
    fn json(&mut self, range: Range<usize>) -> bool {
        let Ok(text) = std::str::from_utf8(&self.bytes[range.clone()]) else { return false };
        let (before, line) = (self.pieces.len(), self.lines.of(self.bytes, range.start));
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        loop {
            match values.next() {
                None => return true,
                Some(Ok(value)) => {
                    let end = range.start + values.byte_offset();
                    self.json_value(end - value.get().len()..end, Form::Json, None, None);
                }
                Some(Err(error)) if self.pieces.len() > before => {
                    self.faults.push(Fault { line: line - 1 + error.line(), reason: error.to_string() });
                    return true;
                }
                Some(Err(_)) => return false,
            }
        }
    }

    fn json_value(
        &mut self,
        range: Range<usize>,
        form: Form,
        document: Option<Range<usize>>,
        inherited: Option<(String, String)>,
    ) {
        let text = std::str::from_utf8(&self.bytes[range.clone()]).unwrap_or_default();
        let document = document.unwrap_or(range.clone());
        let head = serde_json::from_str::<Head<'_>>(text).ok();
        if let Some(Head { api_version, kind, items: Some(items) }) = head.filter(|head| is_list(&head.kind)) {
            let inherited = item_kind(&api_version, &kind);
            for item in items {
                let start = range.start + (item.get().as_ptr() as usize - text.as_ptr() as usize);
                let item = start..start + item.get().len();
                self.json_value(item, Form::JsonItem, Some(document.clone()), inherited.clone());
            }
            return;
        }
        let line = self.lines.of(self.bytes, range.start);
        self.pieces.push(Piece { range, start_line: line, line, form, document, inherited });
    }

    fn yaml(&mut self, range: Range<usize>, first: usize) {
        let whole = &self.bytes[range.clone()];
        let (api_version, kind) = look(whole, 0);
        let items = kind.filter(|kind| is_list(kind)).map(|_| list_items(whole)).unwrap_or_default();
        if items.is_empty() {
            let start_line = self.lines.of(self.bytes, range.start);
            let line = self.lines.of(self.bytes, first);
            let (document, form) = (range.clone(), Form::Yaml);
            self.pieces.push(Piece { range, start_line, line, form, document, inherited: None });
            return;
        }
        let inherited = item_kind(api_version.unwrap_or_default(), kind.unwrap_or_default());
        for item in items {
            let item = range.start + item.start..range.start + item.end;
            let line = self.lines.of(self.bytes, item.start);
            let (form, document, inherited) = (Form::YamlItem, range.clone(), inherited.clone());
            self.pieces.push(Piece { range: item, start_line: line, line, form, document, inherited });
        }
    }
}

/// What a typed list, as `PodList`, says about items that do not say it themselves.
pub fn item_kind(api_version: &str, list: &str) -> Option<(String, String)> {
    let kind = list.strip_suffix("List").filter(|kind| !kind.is_empty())?;
    Some((api_version.to_string(), kind.to_string()))
}

/// Whether a kind is a list of objects.
pub fn is_list(kind: &str) -> bool {
    kind.ends_with("List")
}

/// Where the first word stands, past comments, markers and directives.
fn first_word(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let line = &bytes[at..end];
        let skip = if is_marker(line, b"---") { 3 } else { 0 };
        let word = line[skip..].iter().position(|byte| !byte.is_ascii_whitespace()).map(|offset| skip + offset);
        match word {
            Some(offset) if line[offset] == b'#' || is_marker(line, b"...") || line[0] == b'%' => {}
            Some(offset) => return Some(at + offset),
            None => {}
        }
        at = end;
    }
    None
}

/// The apiVersion and kind of an object whose keys stand at a column, if they are written plainly.
pub fn look(bytes: &[u8], column: usize) -> (Option<&str>, Option<&str>) {
    let (mut api_version, mut kind) = (None, None);
    let mut first = true;
    for line in bytes.split(|&byte| byte == b'\n') {
        // The first key of an item stands behind its dash.
        let is_key = match first && column > 0 {
            true => true,
            false => line.get(..column).is_some_and(|indent| indent.iter().all(|&byte| byte == b' ')),
        };
        first = false;
        let Some(line) = line.get(column..).filter(|_| is_key) else { continue };
        if let Some(word) = line.strip_prefix(b"kind:").and_then(plain_word) {
            kind.get_or_insert(word);
        } else if let Some(word) = line.strip_prefix(b"apiVersion:").and_then(plain_word) {
            api_version.get_or_insert(word);
        }
        if kind.is_some() && api_version.is_some() {
            break;
        }
    }
    (api_version, kind)
}

fn plain_word(rest: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(rest).ok()?;
    let text = text.split(" #").next()?;
    let word = text.trim();
    let word = ['"', '\''].iter().find_map(|&quote| word.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(word);
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "./-".contains(character);
    (text.starts_with([' ', '\t']) && !word.is_empty() && word.chars().all(is_plain)).then_some(word)
}

/// The column of an item's first key: the dash's, and the dash and the spaces behind it.
pub fn item_column(item: &[u8]) -> usize {
    let dash = item.iter().take_while(|&&byte| byte == b' ').count();
    dash + 1 + item[(dash + 1).min(item.len())..].iter().take_while(|&&byte| byte == b' ').count()
}

/// The items below `items:` in a YAML list, if they are written as a block sequence.
fn list_items(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut items: Vec<Range<usize>> = Vec::new();
    let mut dash: Option<usize> = None;
    let mut inside = false;
    let mut at = 0;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let line = bytes[at..end].trim_ascii_end();
        let indent = line.iter().take_while(|&&byte| byte == b' ').count();
        let rest = &line[indent..];
        let is_item = rest == b"-" || rest.starts_with(b"- ");
        if rest.is_empty() || rest[0] == b'#' {
            // It belongs to what stands before it.
        } else if !inside {
            inside = rest.strip_prefix(b"items:").is_some_and(|rest| {
                indent == 0 && (rest.trim_ascii().is_empty() || rest.trim_ascii_start().starts_with(b"#"))
            });
        } else if is_item && dash.is_none_or(|dash| dash == indent) {
            dash = Some(indent);
            if let Some(previous) = items.last_mut() {
                previous.end = at;
            }
            items.push(at..bytes.len());
        } else if dash.is_none_or(|dash| indent <= dash) {
            if let Some(last) = items.last_mut() {
                last.end = at;
            }
            break;
        }
        at = end;
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line, form and text of each piece.
    fn pieces(text: &str) -> Vec<(usize, Form, &str)> {
        let (pieces, faults) = split(text.as_bytes());
        assert_eq!(faults, []);
        pieces.into_iter().map(|piece| (piece.line, piece.form, &text[piece.range])).collect()
    }

    #[test]
    fn documents_are_cut_at_their_markers() {
        let text =
            "# licence\n---\na: 1\n--- # two\n# about b\nb: |\n  --- no marker\n  ---\n...\n---\n\n---\n--- {c: 3}\n";
        let expected = [
            (3, Form::Yaml, "---\na: 1\n"),
            (6, Form::Yaml, "--- # two\n# about b\nb: |\n  --- no marker\n  ---\n...\n"),
            (13, Form::Yaml, "--- {c: 3}\n"),
        ];
        assert_eq!(pieces(text), expected);
        assert_eq!(pieces("\u{feff}a: 1"), [(1, Form::Yaml, "a: 1")]);
        assert_eq!(pieces("%YAML 1.1\n---\na: 1\n"), [(3, Form::Yaml, "---\na: 1\n")]);
        assert_eq!(pieces("# nothing\n"), []);
        assert_eq!(
            pieces("a: 1\r\n---\r\nb: 2\r\n"),
            [(1, Form::Yaml, "a: 1\r\n"), (3, Form::Yaml, "---\r\nb: 2\r\n")]
        );
    }

    #[test]
    fn the_items_of_a_list_are_cut() {
        let items = "items:\n- apiVersion: v1\n  kind: Pod\n# between\n- apiVersion: v1\n  kind: Node\nkind: List\n";
        let text = format!("apiVersion: v1\n{items}metadata: {{}}\n");
        let expected = [
            (3, Form::YamlItem, "- apiVersion: v1\n  kind: Pod\n# between\n"),
            (6, Form::YamlItem, "- apiVersion: v1\n  kind: Node\n"),
        ];
        assert_eq!(pieces(&text), expected);
        let text =
            "kind: PodList\napiVersion: v1\nitems: # all\n  - a: 1\n    b:\n    - 2\n\n  -\n    c: 3\nmetadata: {}\n";
        let (cut, _) = split(text.as_bytes());
        assert_eq!(cut[0].inherited, Some(("v1".into(), "Pod".into())));
        let expected = [(4, Form::YamlItem, "  - a: 1\n    b:\n    - 2\n\n"), (8, Form::YamlItem, "  -\n    c: 3\n")];
        assert_eq!(pieces(text), expected);
        let whole = "kind: List\napiVersion: v1\nitems: [{a: 1}]\n";
        assert_eq!(pieces(whole), [(1, Form::Yaml, whole)]);
    }

    #[test]
    fn json_is_cut_into_documents_and_items() {
        let text = "{\"kind\": \"Pod\"}\n\n{\"kind\": \"List\",\n \"items\": [\n  {\"a\": 1},\n  {\"kind\": \"PodList\", \"items\": [{}]}\n]}";
        let expected =
            [(1, Form::Json, "{\"kind\": \"Pod\"}"), (5, Form::JsonItem, "{\"a\": 1}"), (6, Form::JsonItem, "{}")];
        assert_eq!(pieces(text), expected);
        assert_eq!(pieces("{a: 1}\n"), [(1, Form::Yaml, "{a: 1}\n")]);
        let (cut, faults) = split(b"{\"a\": 1}\n{\"b\": \n");
        assert_eq!((cut.len(), faults.len(), faults[0].line), (1, 1, 3));
    }

    #[test]
    fn a_kind_is_seen_without_reading_the_document() {
        assert_eq!(look(b"kind: Secret # s\napiVersion: 'v1'\n", 0), (Some("v1"), Some("Secret")));
        assert_eq!(look(b"spec:\n  kind: Secret\n", 0), (None, None));
        assert_eq!(look(b"kind: {{ .Kind }}\n", 0), (None, None));
        let item = b"  - apiVersion: v1\n    kind: Pod\n    spec:\n      kind: X\n";
        assert_eq!(item_column(item), 4);
        assert_eq!(look(item, 4), (Some("v1"), Some("Pod")));
    }
}
