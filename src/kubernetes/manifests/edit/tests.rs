//! What edits leave as it was, and what they say; also held against values and edits at random.
//! Never writes a file.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::super::align::{Step, align};
use super::super::render::{flow, flow_key};
use super::*;

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
        (|policy| policy["spec"]["order"] = 20.into(), &["-8:   order: 10     # early", "+8:   order: 20     # early"]),
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
    let add =
        |object: &mut Value| object["spec"]["ports"].as_array_mut().unwrap().push(json!({ "port": 2, "name": "b" }));
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
