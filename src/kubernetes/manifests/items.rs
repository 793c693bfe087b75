//! The items of a YAML file that is a list, each with its line: files of people that are no manifests.
//! Never knows what an item means.

use std::path::Path;

use serde_json::Value;

use super::files::STDIN;
use super::tree::{self, Data};
use super::value::{self, Fault};
use crate::kubernetes::AccessError;

/// Each item of a file, or of standard input for `-`, with the line on which it starts, from 1; a file that is no list is
/// one item, and an empty one has none.
pub fn items_of(file: &Path) -> Result<Vec<(usize, Value)>, AccessError> {
    let failure = |path: String, reason: String| AccessError::File { path, reason };
    let name = file.display().to_string();
    let text = match file.as_os_str() == STDIN {
        true => std::io::read_to_string(std::io::stdin().lock()),
        false => std::fs::read_to_string(file),
    };
    let text = text.map_err(|error| failure(name.clone(), error.to_string()))?;
    items(&text).map_err(|fault| failure(format!("{name}:{}", fault.line), fault.reason))
}

fn items(text: &str) -> Result<Vec<(usize, Value)>, Fault> {
    let (Some(document), Some(tree)) = (value::read(text)?, tree::read(text)?) else { return Ok(Vec::new()) };
    let line = |start: usize| 1 + text[..start].bytes().filter(|byte| *byte == b'\n').count();
    Ok(match (document, tree.data) {
        (Value::Array(items), Data::Sequence(_, nodes)) if items.len() == nodes.len() => {
            nodes.iter().map(|node| line(node.span.start)).zip(items).collect()
        }
        // A list with an anchor or a tag: its items' places are not kept.
        (Value::Array(items), _) => items.into_iter().map(|item| (line(tree.span.start), item)).collect(),
        (document, _) => vec![(line(tree.span.start), document)],
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_know_their_lines() {
        let text = "# two\n\n- from: a\n  allow: [b]\n\n- {from: c}\n";
        let expected = vec![(3, json!({"from": "a", "allow": ["b"]})), (6, json!({"from": "c"}))];
        assert_eq!(items(text).unwrap(), expected);
        assert_eq!(items("from: a\n").unwrap(), [(1, json!({"from": "a"}))]);
        assert_eq!(items("# nothing\n").unwrap(), []);
    }

    #[test]
    fn what_is_no_yaml_is_said_with_its_line() {
        assert_eq!(items("- a\n- {b\n").unwrap_err().line, 2);
        assert!(items("- a\n---\n- b\n").is_err());
    }
}
