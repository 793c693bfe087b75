//! Changes one document's text so that it says something else, and leaves every line alone that need not change.
//! Never knows files, and never what the document means.
//!
//! The change is found by comparing values, and made as splices of the text. What comes out is read again: if it does
//! not say exactly what was wanted (anchors, merge keys, comments in odd places), the document is written anew as a whole.

use std::ops::Range;

use serde_json::{Map, Value};

use super::align::{Step, align};
use super::render::{Style, flow, indented, pretty, yaml};
use super::split::Form;
use super::tree::{self, Data, Node};
use super::value::{self, Fault};
use super::{flow_edit, json};

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

/// The splices cannot express the change.
pub(super) struct Cannot;

/// What a node is the value of.
pub(super) enum Around<'a> {
    /// The document.
    Root,
    /// A key of a block, at a column.
    Key(&'a Node, usize),
    /// An item of a block: the offset of its dash, and its column.
    Dash(usize, usize),
    /// Braces or brackets.
    Flow,
}

pub(super) struct Editor<'a> {
    pub text: &'a str,
    pub is_json: bool,
    pub style: Style,
    splices: Vec<(Range<usize>, String)>,
}

impl<'a> Editor<'a> {
    fn new(text: &'a str, is_json: bool, root: &Node) -> Editor<'a> {
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
    fn dash(&self, item: &Node) -> Result<usize, Cannot> {
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
    fn finish(mut self) -> Option<String> {
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
pub(super) fn keys<'n>(entries: &'n [(Node, Node)], old: &Map<String, Value>) -> Result<Vec<&'n str>, Cannot> {
    let key = |(key, _): &'n (Node, Node)| match &key.data {
        Data::Scalar(name) if old.contains_key(name) => Ok(name.as_str()),
        _ => Err(Cannot),
    };
    entries.iter().map(key).collect()
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

#[cfg(test)]
mod tests {
    use super::super::render::flow_key;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Rewrites a document after a change of its value.
    fn edited(text: &str, form: Form, edit: impl FnOnce(&mut Value)) -> String {
        let mut value = match form {
            Form::Yaml => value::read(text).unwrap().unwrap(),
            Form::YamlItem => value::read(text).unwrap().unwrap()[0].take(),
            Form::Json | Form::JsonItem => json::read(text).unwrap(),
        };
        edit(&mut value);
        rewrite(text, form, &value).unwrap()
    }

    const POLICY: &str = "\
# the team's policy
apiVersion: projectcalico.org/v3
kind: NetworkPolicy   # Calico's
metadata:
  name: web
  namespace: shop
spec:
  order: 10     # early
  selector: \"app == 'web'\"
  types: [Ingress, Egress]
  ingress:
    # from the shop
    - action: Allow
      protocol: TCP
      source:
        nets:
          - 10.0.0.0/8   # office
          - 10.1.0.0/16

    # nothing else
    - action: Deny
  egress:
    - {action: Allow}
# the end
";

    /// What `diff` would say: removed and added lines.
    fn diff(old: &str, new: &str) -> Vec<String> {
        let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
        let values = |lines: &[&str]| lines.iter().map(|line| Value::from(*line)).collect::<Vec<_>>();
        let mut changes = Vec::new();
        for step in align(&values(&old), &values(&new)) {
            match step {
                Step::Keep(..) => {}
                Step::Delete(at) => changes.push(format!("-{}: {}", at + 1, old[at])),
                Step::Insert(at) => changes.push(format!("+{}: {}", at + 1, new[at])),
            }
        }
        changes
    }

    #[test]
    fn a_rule_is_added_before_the_deny_and_nothing_else_changes() {
        let rule = json!({ "action": "Allow", "protocol": "TCP", "destination": { "ports": [80, "yes"] } });
        let text = edited(POLICY, Form::Yaml, |policy| {
            policy["spec"]["ingress"].as_array_mut().unwrap().insert(1, rule.clone());
        });
        let expected = [
            "+20:     - action: Allow",
            "+21:       destination:",
            "+22:         ports:",
            "+23:           - 80",
            "+24:           - \"yes\"",
            "+25:       protocol: TCP",
        ];
        // Behind the rule before it, so that the comment above the Deny stays with the Deny.
        assert_eq!(
            diff(POLICY, &text),
            expected.map(|line| {
                let (number, rest) = line[1..].split_once(':').unwrap();
                format!("+{}:{rest}", number.parse::<usize>().unwrap() - 1)
            })
        );
        let text = edited(POLICY, Form::Yaml, |policy| {
            policy["spec"]["ingress"].as_array_mut().unwrap().insert(0, json!({ "action": "Log" }));
        });
        assert_eq!(diff(POLICY, &text), ["+12:     - action: Log"]);
    }

    #[test]
    fn small_changes_are_small() {
        type Change = fn(&mut Value);
        let table: &[(Change, &[&str])] = &[
            (
                |policy| policy["spec"]["order"] = 20.into(),
                &["-8:   order: 10     # early", "+8:   order: 20     # early"],
            ),
            (|policy| policy["spec"]["order"] = 10.0.into(), &[]),
            (
                |policy| policy["metadata"]["annotations"] = json!({ "a/b": "012" }),
                &["+5:   annotations:", "+6:     a/b: \"012\""],
            ),
            (
                |policy| policy["spec"]["types"] = json!(["Ingress"]),
                &["-10:   types: [Ingress, Egress]", "+10:   types: [Ingress]"],
            ),
            (
                |policy| policy["spec"]["egress"][0]["protocol"] = "UDP".into(),
                &["-23:     - {action: Allow}", "+23:     - {action: Allow, protocol: UDP}"],
            ),
            (
                |policy| drop(policy["spec"]["ingress"][0]["source"]["nets"].as_array_mut().unwrap().remove(0)),
                &["-17:           - 10.0.0.0/8   # office"],
            ),
            (
                |policy| policy["spec"]["ingress"][0]["source"]["nets"] = json!([]),
                &[
                    "-16:         nets:",
                    "-17:           - 10.0.0.0/8   # office",
                    "-18:           - 10.1.0.0/16",
                    "+16:         nets: []",
                ],
            ),
            (
                |policy| drop(policy["spec"].as_object_mut().unwrap().remove("selector")),
                &["-9:   selector: \"app == 'web'\""],
            ),
            (|policy| drop(policy["spec"]["ingress"].as_array_mut().unwrap().pop()), &["-21:     - action: Deny"]),
            (
                |policy| drop(policy["spec"]["ingress"][0].as_object_mut().unwrap().remove("action")),
                &["-13:     - action: Allow", "-14:       protocol: TCP", "+13:     - protocol: TCP"],
            ),
            (
                |policy| drop(policy["spec"].as_object_mut().unwrap().remove("egress")),
                &["-22:   egress:", "-23:     - {action: Allow}"],
            ),
            (|policy| policy["status"] = json!({ "x": [] }), &["+24: status:", "+25:   x: []"]),
        ];
        for (change, expected) in table {
            let text = edited(POLICY, Form::Yaml, change);
            assert_eq!(diff(POLICY, &text), *expected);
        }
    }

    #[test]
    fn other_ways_of_writing_are_kept() {
        let add = |object: &mut Value| {
            object["spec"]["ports"].as_array_mut().unwrap().push(json!({ "port": 2, "name": "b" }))
        };
        for (text, form, expected) in [
            (
                "{\n    \"kind\": \"X\",\n    \"spec\": {\n        \"ports\": [\n            {\n                \"port\": 1\n            }\n        ]\n    }\n}\n",
                Form::Json,
                "{\n    \"kind\": \"X\",\n    \"spec\": {\n        \"ports\": [\n            {\n                \"port\": 1\n            },\n            {\n                \"name\": \"b\",\n                \"port\": 2\n            }\n        ]\n    }\n}\n",
            ),
            (
                "{\"kind\":\"X\",\"spec\":{\"ports\":[{\"port\":1}]}}",
                Form::JsonItem,
                "{\"kind\":\"X\",\"spec\":{\"ports\":[{\"port\":1}, {\"name\": \"b\", \"port\": 2}]}}",
            ),
            (
                "spec: # s\r\n  ports: # p\r\n  - port: 1 # one\r\n",
                Form::Yaml,
                "spec: # s\r\n  ports: # p\r\n  - port: 1 # one\r\n  - name: b\r\n    port: 2\r\n",
            ),
            (
                "  - spec:\n      ports:\n        -   port: 1",
                Form::YamlItem,
                "  - spec:\n      ports:\n        -   port: 1\n        - name: b\n          port: 2",
            ),
            (
                "--- # x\nspec:\n    ports:\n    -\n        port: 1\n...\n",
                Form::Yaml,
                "--- # x\nspec:\n    ports:\n    -\n        port: 1\n    - name: b\n      port: 2\n...\n",
            ),
        ] {
            assert_eq!(edited(text, form, add), expected);
        }
    }

    #[test]
    fn what_cannot_be_spliced_is_written_anew_and_says_the_same() {
        let text = "# mine\n---\na: &a {x: 1}\nb:\n  <<: *a\n  z: 2\n";
        let new = edited(text, Form::Yaml, |value| value["b"]["x"] = 5.into());
        assert_eq!(new, "# mine\n---\na:\n  x: 1\nb:\n  x: 5\n  z: 2\n");
        // What is not under the anchor is spliced all the same.
        let new = edited("a: &a {x: 1} # c\nb: *a\nc: 1 # d\n", Form::Yaml, |value| value["c"] = 2.into());
        assert_eq!(new, "a: &a {x: 1} # c\nb: *a\nc: 2 # d\n");
        // Changing what an alias repeats would change the repetition.
        let new = edited("a: &a {x: 1}\nb: *a\n", Form::Yaml, |value| value["a"]["x"] = 2.into());
        assert_eq!(value::read(&new), Ok(Some(json!({ "a": { "x": 2 }, "b": { "x": 1 } }))));
        let new = edited("a: &a {x: 1}\nb: *a\n...\n", Form::Yaml, |value| value["a"]["x"] = 2.into());
        assert!(new.ends_with("\n...\n"), "{new}");
        assert!(rewrite("a: [", Form::Yaml, &json!({})).is_err());
    }

    /// Writes a value as a person might: blocks and braces, quotes, comments, empty lines, list indents, as the seed
    /// decides. Every line of a block ends in a comment that no other line has.
    struct Scribe {
        seed: u64,
        out: String,
        lines: usize,
    }

    impl Scribe {
        fn choose(&mut self, of: u64) -> u64 {
            self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.seed >> 33) % of
        }

        fn end(&mut self, column: usize) {
            self.lines += 1;
            self.out += &format!(" # line {}\n", self.lines);
            match self.choose(6) {
                0 => self.out += &format!("{}# about {}\n", " ".repeat(column), self.lines),
                1 => self.out += "\n",
                _ => {}
            }
        }

        fn scalar(&mut self, value: &Value) -> String {
            match value {
                Value::String(word) if self.choose(3) == 0 => format!("'{}'", word.replace('\'', "''")),
                _ => flow(value, self.choose(2) == 0),
            }
        }

        /// The value of a key or item; the cursor stands behind the colon or dash.
        fn value(&mut self, value: &Value, column: usize, below_key: bool) {
            let is_empty = value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
            match value {
                Value::Object(entries) if !is_empty && self.choose(4) > 0 => {
                    let column = column + [2, 2, 4][self.choose(3) as usize];
                    if below_key || self.choose(4) == 0 {
                        self.end(column);
                        self.entries(entries, column, true);
                    } else {
                        // Behind a dash the column is where the first key stands.
                        let at = self.out.len() - self.out.rfind('\n').map_or(0, |at| at + 1) + 1;
                        self.out.push(' ');
                        self.entries(entries, at, false);
                    }
                }
                Value::Array(items) if !is_empty && below_key && self.choose(4) > 0 => {
                    let column = column + [0, 2][self.choose(2) as usize];
                    self.end(column);
                    for item in items {
                        self.out += &format!("{}-", " ".repeat(column));
                        self.value(item, column, false);
                    }
                }
                Value::Array(_) | Value::Object(_) => {
                    self.out += &format!(" {}", flow(value, self.seed.is_multiple_of(2)));
                    self.end(column);
                }
                _ => {
                    let word = self.scalar(value);
                    self.out += &format!(" {word}");
                    self.end(column);
                }
            }
        }

        fn entries(&mut self, entries: &Map<String, Value>, column: usize, mut indent: bool) {
            let mut entries: Vec<_> = entries.iter().collect();
            if self.choose(2) == 0 {
                entries.reverse();
            }
            for (key, value) in entries {
                if indent {
                    self.out += &" ".repeat(column);
                }
                indent = true;
                self.out += &format!("{}:", flow_key(key, false));
                self.value(value, column, true);
            }
        }
    }

    fn trees() -> impl Strategy<Value = Value> {
        let word = prop_oneof!["[a-z]{1,3}", "(yes|012|a b|it's|#x|-|: )"];
        let leaf = prop_oneof![
            word.prop_map(Value::from),
            (0..20).prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null)
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-f]{1,2}", inner, 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    /// Changes a value here and there.
    fn mutate(value: &mut Value, scribe: &mut Scribe, other: &Value) {
        match scribe.choose(12) {
            0 => *value = other.clone(),
            _ => match value {
                Value::Object(entries) => {
                    match scribe.choose(6) {
                        0 => drop(entries.insert(format!("n{}", scribe.choose(50)), other.clone())),
                        1 => {
                            let keys: Vec<String> = entries.keys().cloned().collect();
                            if !keys.is_empty() {
                                entries.remove(&keys[scribe.choose(keys.len() as u64) as usize]);
                            }
                        }
                        _ => {}
                    }
                    entries.values_mut().for_each(|entry| {
                        if scribe.choose(2) == 0 {
                            mutate(entry, scribe, other)
                        }
                    });
                }
                Value::Array(items) => {
                    let at = scribe.choose(items.len() as u64 + 1) as usize;
                    match scribe.choose(5) {
                        0 => items.insert(at, other.clone()),
                        1 if at < items.len() => drop(items.remove(at)),
                        _ => items.iter_mut().for_each(|item| {
                            if scribe.choose(3) == 0 {
                                mutate(item, scribe, other)
                            }
                        }),
                    }
                }
                other => *other = Value::from(scribe.choose(1000)),
            },
        }
    }

    /// The lines of the root's entries other than `spec`.
    fn outside_spec(text: &str) -> String {
        let mut inside = false;
        let mut lines = String::new();
        for line in text.split_inclusive('\n') {
            if !line.starts_with([' ', '-', '#', '\r', '\n']) {
                inside = !line.starts_with("spec:");
            }
            if inside {
                lines += line;
            }
        }
        lines
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        /// Whatever stood there and whatever is wanted: the result says exactly that, and of keys that nobody touched
        /// every line is still there, comments too.
        #[test]
        fn edits_say_what_was_wanted_and_leave_the_rest(
            tree in trees(), untouched in trees(), other in trees(), seed: u64, crlf: bool
        ) {
            let object = json!({ "apiVersion": "v1", "first": untouched, "kind": "X", "spec": tree, "zlast": untouched });
            let mut scribe = Scribe { seed, out: String::new(), lines: 0 };
            scribe.entries(object.as_object().unwrap(), 0, true);
            let mut text = scribe.out.clone();
            if crlf {
                text = text.replace('\n', "\r\n");
            }
            prop_assert_eq!(value::read(&text), Ok(Some(object.clone())), "{}", text);
            let mut new = object.clone();
            mutate(&mut new["spec"], &mut scribe, &other);
            let after = rewrite(&text, Form::Yaml, &new).unwrap();
            prop_assert_eq!(value::read(&after), Ok(Some(new.clone())), "{}\n=>\n{}", text, after);
            let (kept, left) = (outside_spec(&text), outside_spec(&after));
            prop_assert_eq!(left, kept, "{}\n=>\n{}", text, after);
        }
    }
}
