//! Edits within braces and brackets: JSON, and YAML written like it.
//! Never knows blocks.

use std::ops::Range;

use serde_json::{Map, Value};

use super::align::{Step, align};
use super::edit::{Around, Cannot, Editor, keys};
use super::render::{flow, flow_key, pretty};
use super::tree::Node;

/// Makes braces say something else; at least one key stays.
pub fn mapping(
    editor: &mut Editor<'_>,
    node: &Node,
    entries: &[(Node, Node)],
    old: &Map<String, Value>,
    new: &Map<String, Value>,
) -> Result<(), Cannot> {
    let keys = keys(entries, old)?;
    for ((_, value), name) in entries.iter().zip(&keys) {
        if let (Some(old), Some(new)) = (old.get(*name), new.get(*name)) {
            editor.change(value, old, new, &Around::Flow)?;
        }
    }
    let spans = entries.iter().map(|(key, value)| key.span.start..value.span.end.max(key.span.end)).collect();
    let layout = Layout::of(editor, node, spans);
    let stays: Vec<bool> = keys.iter().map(|key| new.contains_key(*key)).collect();
    layout.delete(editor, &stays)?;
    let last = stays.iter().rposition(|stays| *stays).ok_or(Cannot)?;
    for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        let text = format!("{}: {}", flow_key(name, editor.is_json), layout.render(editor, value));
        editor.splice(layout.after(last), format!(",{}{text}", layout.separator))?;
    }
    Ok(())
}

/// Makes brackets say something else.
pub fn sequence(
    editor: &mut Editor<'_>,
    node: &Node,
    items: &[Node],
    old: &[Value],
    new: &[Value],
) -> Result<(), Cannot> {
    let layout = Layout::of(editor, node, items.iter().map(|item| item.span.clone()).collect());
    let steps = align(old, new);
    let stays: Vec<bool> =
        (0..old.len()).map(|at| steps.iter().any(|step| matches!(step, Step::Keep(from, _) if *from == at))).collect();
    let Some(first) = stays.iter().position(|stays| *stays) else {
        // Nothing stays: the brackets are filled anew, and keep their lines.
        let texts: Vec<String> = new.iter().map(|item| layout.render(editor, item)).collect();
        let whole = layout.spans[0].start..layout.spans[items.len() - 1].end;
        return editor.splice(whole, texts.join(&format!(",{}", layout.separator)));
    };
    for step in &steps {
        if let Step::Keep(from, to) = *step {
            editor.change(&items[from], &old[from], &new[to], &Around::Flow)?;
        }
    }
    layout.delete(editor, &stays)?;
    let mut after = None;
    for step in &steps {
        match *step {
            Step::Keep(from, _) => after = Some(from),
            Step::Delete(_) => {}
            Step::Insert(to) => {
                let text = layout.render(editor, &new[to]);
                match after {
                    Some(after) => editor.splice(layout.after(after), format!(",{}{text}", layout.separator))?,
                    None => {
                        let at = layout.spans[first].start;
                        editor.splice(at..at, format!("{text},{}", layout.separator))?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// How the entries stand between their braces or brackets.
struct Layout {
    spans: Vec<Range<usize>>,
    /// What stands between a comma and the next entry.
    separator: String,
    /// The column of the entries, if each has a line of its own, and how far they are indented.
    lines: Option<(usize, usize)>,
}

impl Layout {
    fn of(editor: &Editor<'_>, node: &Node, spans: Vec<Range<usize>>) -> Layout {
        let first = spans[0].start;
        let gap = spans.get(1).map(|next| editor.text[spans[0].end..next.start].trim_start().trim_start_matches(','));
        let has_lines = editor.text[node.span.start..first].contains('\n');
        let column = editor.column(first);
        let opening = editor.text[..node.span.start].rfind('\n').map_or(0, |at| at + 1);
        let indent = editor.text[opening..].bytes().take_while(|&byte| byte == b' ').count();
        let separator = match gap.filter(|gap| gap.trim().is_empty()) {
            Some(gap) => gap.to_string(),
            None if has_lines => format!("\n{}", " ".repeat(column)),
            None => " ".to_string(),
        };
        let lines = (has_lines && separator.contains('\n')).then(|| (column, column.saturating_sub(indent)));
        // A line end is added as the whole text has it.
        Layout { spans, separator: separator.replace('\r', ""), lines }
    }

    fn after(&self, at: usize) -> Range<usize> {
        self.spans[at].end..self.spans[at].end
    }

    fn render(&self, editor: &Editor<'_>, value: &Value) -> String {
        match self.lines {
            Some((column, step)) if editor.is_json => pretty(value, step.max(1), column),
            _ => flow(value, editor.is_json),
        }
    }

    /// Takes out the entries that do not stay, each with one comma.
    fn delete(&self, editor: &mut Editor<'_>, stays: &[bool]) -> Result<(), Cannot> {
        let mut at = 0;
        while at < stays.len() {
            if stays[at] {
                at += 1;
                continue;
            }
            let run = stays[at..].iter().take_while(|stays| !**stays).count();
            let range = match self.spans.get(at + run) {
                Some(next) => self.spans[at].start..next.start,
                None => self.spans[at.checked_sub(1).ok_or(Cannot)?].end..self.spans[at + run - 1].end,
            };
            editor.splice(range, String::new())?;
            at += run;
        }
        Ok(())
    }
}
