//! The splices of a text that make its document say something else.
//! Never knows files, and never what the document means.

use std::ops::Range;

use serde_json::{Map, Value};

use super::style;
use crate::kubernetes::manifests::align::{Step, align};
use crate::kubernetes::manifests::flow_edit;
use crate::kubernetes::manifests::render::{Style, flow, indented};
use crate::kubernetes::manifests::tree::{Data, Node};

/// The splices cannot express the change.
pub(in crate::kubernetes::manifests) struct Cannot;

/// What a node is the value of.
pub(in crate::kubernetes::manifests) enum Around<'a> {
    /// The document.
    Root,
    /// A key of a block, at a column.
    Key(&'a Node, usize),
    /// An item of a block: the offset of its dash, and its column.
    Dash(usize, usize),
    /// Braces or brackets.
    Flow,
}

pub(in crate::kubernetes::manifests) struct Editor<'a> {
    pub text: &'a str,
    pub is_json: bool,
    pub style: Style,
    splices: Vec<(Range<usize>, String)>,
}

impl<'a> Editor<'a> {
    pub fn new(text: &'a str, is_json: bool, root: &Node) -> Editor<'a> {
        Editor { text, is_json, style: style(text, root), splices: Vec::new() }
    }

    /// Makes a node say something else.
    pub fn change(&mut self, node: &Node, old: &Value, new: &Value, around: &Around<'_>) -> Result<(), Cannot> {
        if old == new {
            return Ok(());
        }
        match (&node.data, old, new) {
            (Data::Opaque, ..) => Err(Cannot),
            (Data::Mapping(is_flow, entries), Value::Object(old), Value::Object(new))
                if entries.len() == old.len() && old.keys().any(|key| new.contains_key(key)) =>
            {
                if *is_flow {
                    flow_edit::mapping(self, node, entries, old, new)
                } else {
                    self.mapping(entries, old, new, around)
                }
            }
            (Data::Sequence(is_flow, items), Value::Array(old), Value::Array(new))
                if items.len() == old.len() && !old.is_empty() && !new.is_empty() =>
            {
                if *is_flow {
                    flow_edit::sequence(self, node, items, old, new)
                } else {
                    self.sequence(items, old, new, around)
                }
            }
            _ => self.replace(node, new, around),
        }
    }

    /// Writes a node anew.
    fn replace(&mut self, node: &Node, new: &Value, around: &Around<'_>) -> Result<(), Cannot> {
        let is_block = new.as_object().is_some_and(|entries| !entries.is_empty())
            || new.as_array().is_some_and(|items| !items.is_empty());
        match *around {
            Around::Root => Err(Cannot),
            Around::Flow if node.span.is_empty() => Err(Cannot),
            Around::Flow => {
                let text = flow(new, self.is_json);
                self.splice(node.span.clone(), text)
            }
            Around::Key(key, column) => {
                let colon = self.text[key.span.end..].find(':').map(|at| key.span.end + at + 1).ok_or(Cannot)?;
                if !is_block && !node.span.is_empty() && !self.text[colon..node.span.start].contains('\n') {
                    return self.splice(node.span.clone(), flow(new, self.is_json));
                }
                let text = match is_block {
                    false => format!(" {}", flow(new, false)),
                    true => {
                        let inner = match new.is_array() && !self.style.indented_lists {
                            true => column,
                            false => column + self.style.step,
                        };
                        format!("\n{}{}", " ".repeat(inner), indented(new, inner, self.style))
                    }
                };
                self.splice(colon..node.span.end.max(colon), text)
            }
            Around::Dash(dash, column) => {
                let start = dash + 1;
                let text = if is_block { indented(new, column + 2, self.style) } else { flow(new, false) };
                self.splice(start..node.span.end.max(start), format!(" {text}"))
            }
        }
    }

    fn mapping(
        &mut self,
        entries: &[(Node, Node)],
        old: &Map<String, Value>,
        new: &Map<String, Value>,
        around: &Around<'_>,
    ) -> Result<(), Cannot> {
        let keys = keys(entries, old)?;
        let column = self.column(entries[0].0.span.start);
        for ((key, value), name) in entries.iter().zip(&keys) {
            if let (Some(old), Some(new)) = (old.get(*name), new.get(*name)) {
                self.change(value, old, new, &Around::Key(key, column))?;
            }
        }
        let stays = |at: usize| new.contains_key(keys[at]);
        let end = |at: usize| entries[at].1.span.end.max(entries[at].0.span.end);
        for at in (0..entries.len()).filter(|&at| !stays(at)) {
            let start = entries[at].0.span.start;
            if self.is_first_on_line(start) {
                self.splice(self.line_start(start)..self.line_end(end(at)), String::new())?;
            } else {
                // It stands behind a dash: the next one comes into its place.
                let next = entries.get(at + 1).filter(|_| stays(at + 1)).ok_or(Cannot)?;
                self.splice(start..next.0.span.start, String::new())?;
            }
        }
        let is_sorted = entries.len() > 1 && keys.is_sorted();
        for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            let before = keys.iter().take_while(|key| **key < name.as_str()).count();
            let after = if is_sorted { before } else { entries.len() };
            let at = match (after, around) {
                // Above the comments that speak of the first entry.
                (0, Around::Key(parent, _)) => self.line_end(parent.span.end),
                (0, _) => self.line_end(end(entries.len() - 1)),
                (after, _) => self.line_end(end(after - 1)),
            };
            let entry = Value::Object(std::iter::once((name.clone(), value.clone())).collect());
            let text = format!("{}{}\n", " ".repeat(column), indented(&entry, column, self.style));
            self.insert_lines(at, text)?;
        }
        Ok(())
    }

    fn sequence(&mut self, items: &[Node], old: &[Value], new: &[Value], around: &Around<'_>) -> Result<(), Cannot> {
        let dashes = items.iter().map(|item| self.dash(item)).collect::<Result<Vec<_>, _>>()?;
        let column = self.column(dashes[0]);
        let steps = align(old, new);
        for step in &steps {
            if let Step::Keep(from, to) = *step {
                self.change(&items[from], &old[from], &new[to], &Around::Dash(dashes[from], column))?;
            }
        }
        let end = |at: usize| items[at].span.end.max(dashes[at] + 1);
        let mut after = None;
        for step in &steps {
            match *step {
                Step::Keep(from, _) => after = Some(from),
                Step::Delete(from) => {
                    after = Some(from);
                    if !self.is_first_on_line(dashes[from]) {
                        return Err(Cannot);
                    }
                    self.splice(self.line_start(dashes[from])..self.line_end(end(from)), String::new())?;
                }
                Step::Insert(to) => {
                    let at = match (after, around) {
                        (Some(after), _) => self.line_end(end(after)),
                        (None, Around::Key(parent, _)) => self.line_end(parent.span.end),
                        (None, _) if self.is_first_on_line(dashes[0]) => self.line_start(dashes[0]),
                        (None, _) => return Err(Cannot),
                    };
                    let text = indented(&new[to], column + 2, self.style);
                    self.insert_lines(at, format!("{}- {text}\n", " ".repeat(column)))?;
                }
            }
        }
        Ok(())
    }

    /// Where the dash of an item stands.
    pub fn dash(&self, item: &Node) -> Result<usize, Cannot> {
        let mut before = self.text[..item.span.start].trim_end();
        while !before.ends_with('-') {
            // Comments may stand between.
            let line = self.line_start(before.len());
            let comment = before[line..].find('#').ok_or(Cannot)?;
            before = before[..line + comment].trim_end();
        }
        Ok(before.len() - 1)
    }

    fn insert_lines(&mut self, at: usize, text: String) -> Result<(), Cannot> {
        match at == self.text.len() && !self.text.ends_with('\n') {
            true => self.splice(at..at, format!("\n{}", text.trim_end_matches('\n'))),
            false => self.splice(at..at, text),
        }
    }

    pub fn splice(&mut self, range: Range<usize>, text: String) -> Result<(), Cannot> {
        (range.start <= range.end).then(|| self.splices.push((range, text))).ok_or(Cannot)
    }

    /// The changed text; none if two changes want the same place.
    pub fn finish(mut self) -> Option<String> {
        self.splices.sort_by_key(|(range, _)| (range.start, range.end));
        let breaks = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut out = String::with_capacity(self.text.len());
        let mut at = 0;
        for (range, text) in self.splices {
            out.push_str(self.text.get(at..range.start)?);
            out.push_str(&text.replace('\n', breaks));
            at = range.end;
        }
        out.push_str(self.text.get(at..)?);
        Some(out)
    }

    fn line_start(&self, offset: usize) -> usize {
        self.text[..offset].rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self, offset: usize) -> usize {
        self.text[offset..].find('\n').map_or(self.text.len(), |at| offset + at + 1)
    }

    pub fn column(&self, offset: usize) -> usize {
        offset - self.line_start(offset)
    }

    fn is_first_on_line(&self, offset: usize) -> bool {
        self.text[self.line_start(offset)..offset].bytes().all(|byte| byte == b' ')
    }
}

/// The keys of a mapping as the value has them; not for merge keys, and keys that are no text.
pub(in crate::kubernetes::manifests) fn keys<'n>(
    entries: &'n [(Node, Node)],
    old: &Map<String, Value>,
) -> Result<Vec<&'n str>, Cannot> {
    let key = |(key, _): &'n (Node, Node)| match &key.data {
        Data::Scalar(name) if old.contains_key(name) => Ok(name.as_str()),
        _ => Err(Cannot),
    };
    entries.iter().map(key).collect()
}
