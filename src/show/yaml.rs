//! Values as YAML and JSON documents, as kubectl prints them.
//! Never knows what they are.

use serde::Serialize;
use serde_json::{Value, json};

use super::paint::{escaped, is_hidden};

/// One value as YAML, with its line end.
pub fn yaml<T: Serialize>(value: &T) -> String {
    // A selector stays on one line, whatever its length: a folded one is easily broken by the next who edits it.
    let options = serde_yaml::ser_options! { folded_wrap_chars: usize::MAX };
    // Values that come from JSON have text for keys, which is all that can fail here.
    let text = serde_yaml::to_string_with_options(value, options).unwrap_or_default();
    match text.contains(is_hidden) {
        // JSON is YAML too, and can say such characters without having them.
        true => json(value),
        false if text.ends_with('\n') => text,
        false => text + "\n",
    }
}

/// Several documents, one after the other.
pub fn documents(values: &[Value]) -> String {
    values.iter().map(yaml).collect::<Vec<_>>().join("---\n")
}

/// One value as JSON, with its line end.
pub fn json<T: Serialize>(value: &T) -> String {
    escaped(&serde_json::to_string_pretty(value).unwrap_or_default()).into_owned() + "\n"
}

/// Objects as kubectl prints them: one alone by itself, several as a List.
pub fn json_objects(values: &[Value]) -> String {
    match values {
        [one] => json(one),
        several => json(&json!({ "apiVersion": "v1", "kind": "List", "items": several })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_kubectl_takes_for_other_types_are_quoted() {
        for word in ["yes", "no", "on", "off", "y", "n", "null", "~", "1_000", "012", "0x1f", "1e3", "true", "10:20"] {
            let text = yaml(&json!({ "key": word }));
            assert!(text.contains(['"', '\'']), "{word} is written as {text}");
        }
    }

    #[test]
    fn a_long_selector_stays_on_its_line() {
        let selector = "has(a) && ".repeat(40) + "has(b)";
        assert_eq!(yaml(&json!({ "selector": selector })), format!("selector: {selector}\n"));
    }

    #[test]
    fn what_a_terminal_would_act_on_is_escaped_and_comes_back() {
        let value = json!({ "note": "a\u{202e}b\u{1b}[2J\u{9b}" });
        for text in [yaml(&value), super::json(&value)] {
            assert!(!text.contains(is_hidden), "{text:?}");
            assert_eq!(serde_yaml::from_str::<Value>(&text).unwrap(), value);
        }
    }

    #[test]
    fn documents_are_separated() {
        assert_eq!(documents(&[json!({ "a": 1 }), json!({ "b": 2 })]), "a: 1\n---\nb: 2\n");
        assert_eq!(documents(&[]), "");
    }

    #[test]
    fn one_object_is_printed_alone_and_several_as_a_list() {
        assert_eq!(json_objects(&[json!({ "a": 1 })]), "{\n  \"a\": 1\n}\n");
        assert!(json_objects(&[]).contains("\"items\": []"));
    }
}
