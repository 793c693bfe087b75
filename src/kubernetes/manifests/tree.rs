//! Where each node of a YAML or JSON document stands in its text: what edits need.
//! Never knows what a node means.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, StructureStyle};

use super::value::{Fault, fault, options};

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its bytes, with its anchor and tag; a block collection ends where its last node ends.
    pub span: Range<usize>,
    /// What it is.
    pub data: Data,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Words.
    Scalar(String),
    /// Words below a `|` or `>`, whose span starts at that sign.
    Block,
    /// Keys and values; true for braces.
    Mapping(bool, Vec<(Node, Node)>),
    /// Items; true for brackets.
    Sequence(bool, Vec<Node>),
    /// An alias, or a node with an anchor or a tag: its text is not all that it says.
    Opaque,
}

/// The document's root; none where it has none. The text holds one document.
pub fn read(text: &str) -> Result<Option<Node>, Fault> {
    let mut options = options();
    options.emit_anchor_events = true;
    let mut reader = TreeReader { text, events: Parser::new_from_str_with_options(text, options) };
    loop {
        match reader.next()? {
            None | Some((Event::StreamEnd, _)) => return Ok(None),
            Some((Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _)) => {}
            Some((event, span)) => return reader.node(event, &span).map(Some),
        }
    }
}

struct TreeReader<'a> {
    text: &'a str,
    events: Parser<'a, StrInput<'a>>,
}

impl<'a> TreeReader<'a> {
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

    fn node(&mut self, event: Event<'a>, span: &Span) -> Result<Node, Fault> {
        let mut bytes = span.byte_range().ok_or_else(|| fault(span, "its place is not known"))?;
        let mut opaque = event.tag().is_some();
        if event.anchor_id().is_some() {
            opaque = true;
            // The anchor's own event follows that of its node.
            let (_, anchor) = self.require()?;
            bytes.start = anchor.byte_range().map_or(bytes.start, |anchor| anchor.start.min(bytes.start));
        }
        if let Some(tag) = span.tag_span().and_then(|tag| tag.byte_range()) {
            bytes.start = bytes.start.min(tag.start);
        }
        let data = match event {
            Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {
                bytes = self.block_scalar(&bytes);
                Data::Block
            }
            Event::Scalar(text, ..) => Data::Scalar(text.into_owned()),
            Event::SequenceStart(style, ..) => {
                let mut items = Vec::new();
                let end = loop {
                    match self.require()? {
                        (Event::SequenceEnd, span) => break span,
                        (event, span) => items.push(self.node(event, &span)?),
                    }
                };
                bytes.end = end_of(style, &end, bytes.end, items.last());
                Data::Sequence(style == StructureStyle::Flow, items)
            }
            Event::MappingStart(style, ..) => {
                let mut entries = Vec::new();
                let end = loop {
                    let (event, span) = self.require()?;
                    if event == Event::MappingEnd {
                        break span;
                    }
                    let key = self.node(event, &span)?;
                    let (event, span) = self.require()?;
                    entries.push((key, self.node(event, &span)?));
                };
                bytes.end = end_of(style, &end, bytes.end, entries.last().map(|(_, value)| value));
                Data::Mapping(style == StructureStyle::Flow, entries)
            }
            _ => {
                opaque = true;
                Data::Opaque
            }
        };
        Ok(Node { span: bytes, data: if opaque { Data::Opaque } else { data } })
    }

    /// The parser's span starts behind the sign and its line, and ends behind empty lines and spaces that follow.
    fn block_scalar(&self, content: &Range<usize>) -> Range<usize> {
        let header = self.text[..content.start].rfind(['|', '>']).unwrap_or(content.start);
        let sign = self.text[header..].bytes().take_while(|byte| b"|>+-123456789".contains(byte)).count();
        let end = content.start + self.text[content.clone()].trim_end().len();
        header..if end > content.start { end } else { header + sign }
    }
}

/// Brackets end where they close, blocks where their last node ends.
fn end_of(style: StructureStyle, end: &Span, start: usize, last: Option<&Node>) -> usize {
    match style {
        StructureStyle::Flow => end.byte_range().map_or(start, |end| end.end),
        StructureStyle::Block => last.map_or(start, |last| last.span.end.max(start)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of the node at a path of keys and indices.
    fn at<'a>(text: &'a str, path: &[&str]) -> &'a str {
        let mut node = read(text).unwrap().unwrap();
        for step in path {
            node = match node.data {
                Data::Mapping(_, entries) => {
                    entries.into_iter().find(|(key, _)| key.data == Data::Scalar(step.to_string())).unwrap().1
                }
                Data::Sequence(_, mut items) => items.swap_remove(step.parse().unwrap()),
                other => panic!("{other:?}"),
            };
        }
        &text[node.span]
    }

    #[test]
    fn nodes_are_found_in_their_text() {
        let text = "a: plain  # x\nb:\n  c: \"q\" \n  d: |\n    one\n    two\n\n  # about e\n  e: [1, {f: 2}]   \nseq:\n- x: 1\n  y: 2\n# end\n- - n\n-   m\nempty:\nlast: &a\n  z: !t 1\n";
        assert_eq!(at(text, &["a"]), "plain");
        assert_eq!(at(text, &["b"]), "c: \"q\" \n  d: |\n    one\n    two\n\n  # about e\n  e: [1, {f: 2}]");
        assert_eq!(at(text, &["b", "c"]), "\"q\"");
        assert_eq!(at(text, &["b", "d"]), "|\n    one\n    two");
        assert_eq!(at(text, &["b", "e", "1"]), "{f: 2}");
        assert_eq!(at(text, &["seq", "0"]), "x: 1\n  y: 2");
        assert_eq!(at(text, &["seq", "1"]), "- n");
        assert_eq!(at(text, &["seq", "2"]), "m");
        assert_eq!(at(text, &["empty"]), "");
        assert_eq!(at(text, &["last"]), "&a\n  z: !t 1");
    }
}
