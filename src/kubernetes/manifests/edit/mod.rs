//! Changes one document's text so that it says something else, and leaves every line alone that need not change.
//! Never knows files, and never what the document means.
//!
//! The change is found by comparing values, and made as splices of the text. What comes out is read again: if it does
//! not say exactly what was wanted (anchors, merge keys, comments in odd places), the document is written anew as a whole.

mod editor;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub(super) use editor::{Around, Cannot, Editor, keys};

use super::json;
use super::render::{Style, pretty, yaml};
use super::split::Form;
use super::tree::{self, Data, Node};
use super::value::{self, Fault};

/// The text of a piece, changed so that it says `new`. The error says why the text cannot be read as it is.
pub fn rewrite(text: &str, form: Form, new: &Value) -> Result<String, Fault> {
    let new = normal(new.clone());
    let (new, is_json) = match form {
        Form::YamlItem => (Value::Array(vec![new]), false),
        Form::Yaml => (new, false),
        Form::Json | Form::JsonItem => (new, true),
    };
    let read = |text: &str| if is_json { json::read(text).map(Some) } else { value::read(text) };
    let old = read(text)?.unwrap_or_default();
    if old == new {
        return Ok(text.to_string());
    }
    let spliced = tree::read(text).ok().flatten().and_then(|root| {
        let mut editor = Editor::new(text, is_json, &root);
        match (form, &root.data, &old, &new) {
            (Form::YamlItem, Data::Sequence(false, items), Value::Array(old), Value::Array(new)) => {
                let dash = editor.dash(items.first()?).ok()?;
                let around = Around::Dash(dash, editor.column(dash));
                editor.change(&items[0], old.first()?, &new[0], &around).ok()?;
            }
            _ => editor.change(&root, &old, &new, &Around::Root).ok()?,
        }
        editor.finish()
    });
    let fits = |candidate: &String| read(candidate).is_ok_and(|read| read.as_ref() == Some(&new));
    Ok(spliced.filter(fits).unwrap_or_else(|| whole(text, form, &new)))
}

/// Numbers as they are read: kubectl makes 5.0 an integer.
pub fn normal(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => value::read(&number.to_string()).ok().flatten().unwrap_or_default(),
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::Object(entries) => Value::Object(entries.into_iter().map(|(key, value)| (key, normal(value))).collect()),
        other => other,
    }
}

/// The document written anew; what stands before its first word stays.
fn whole(text: &str, form: Form, new: &Value) -> String {
    let style = tree::read(text).ok().flatten().map_or(Style::default(), |root| style(text, &root));
    if matches!(form, Form::Json | Form::JsonItem) {
        return pretty(new, style.step, 0);
    }
    let mut head = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        if !(words.is_empty() || words.starts_with('#') || words == "---" || words.starts_with("--- #")) {
            break;
        }
        head += line.len();
    }
    let column = text[head..].len() - text[head..].trim_start_matches(' ').len();
    let spaces = if form == Form::YamlItem { " ".repeat(column) } else { String::new() };
    let body: String = yaml(new, style).lines().map(|line| format!("{spaces}{line}\n")).collect();
    let tail = if text.trim_end().ends_with("\n...") { "...\n" } else { "" };
    format!("{}{body}{tail}", &text[..head])
}

/// How the document indents, by its first nested mapping and its first list.
fn style(text: &str, root: &Node) -> Style {
    let column = |offset: usize| offset - text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let (mut step, mut lists) = (None, None);
    let mut nodes = vec![root];
    while let Some(node) = nodes.pop() {
        match &node.data {
            Data::Mapping(_, entries) => {
                for (key, value) in entries.iter().rev() {
                    let indent = column(key.span.start);
                    match &value.data {
                        Data::Mapping(_, inner) if !inner.is_empty() => {
                            step = step.or(column(inner[0].0.span.start)
                                .checked_sub(indent)
                                .filter(|step| (2..=8).contains(step)));
                        }
                        Data::Sequence(false, items) if !items.is_empty() => {
                            let dash = text[..items[0].span.start].trim_end().len().saturating_sub(1);
                            lists = lists.or(Some(column(dash) > indent));
                        }
                        _ => {}
                    }
                    nodes.push(value);
                }
            }
            Data::Sequence(_, items) => nodes.extend(items.iter().rev()),
            _ => {}
        }
    }
    let default = Style::default();
    Style { step: step.unwrap_or(default.step), indented_lists: lists.unwrap_or(default.indented_lists) }
}
