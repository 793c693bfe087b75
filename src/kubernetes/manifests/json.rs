//! Reads one JSON document, strictly: a key that stands twice is an error, as it is in YAML.
//! Never knows what kind of object the document holds.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::edit::normal;
use super::value::Fault;

/// The document's value.
pub fn read(text: &str) -> Result<Value, Fault> {
    let mut input = serde_json::Deserializer::from_str(text);
    let value = Strict.deserialize(&mut input).and_then(|value| input.end().map(|()| value));
    value.map_err(|error| {
        // The line is told apart from the reason, as for YAML.
        let reason = error.to_string();
        let reason = reason.split(" at line ").next().unwrap_or_default().to_string();
        Fault { line: error.line().max(1), reason }
    })
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(normal(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = input.next_element_seed(Strict)? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut entries = Map::new();
        while let Some(key) = input.next_key::<String>()? {
            match entries.entry(key) {
                Entry::Occupied(entry) => {
                    return Err(A::Error::custom(format_args!("the key {} stands twice", entry.key())));
                }
                Entry::Vacant(entry) => {
                    entry.insert(input.next_value_seed(Strict)?);
                }
            }
        }
        Ok(entries.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_read_as_it_is() {
        let text =
            r#"{"a": [1, -2, 1.5, 10.0, null, true, "x\u00e9\ud83d\ude00"], "b": {}, "c": 18446744073709551615}"#;
        let expected = json!({ "a": [1, -2, 1.5, 10, null, true, "xé😀"], "b": {}, "c": u64::MAX });
        assert_eq!(read(text), Ok(expected));
    }

    #[test]
    fn broken_json_is_an_error_with_its_line() {
        let twice = Fault { line: 2, reason: "the key a stands twice".into() };
        assert_eq!(read("{\"a\": 1,\n \"a\": 2}"), Err(twice));
        assert_eq!(read("{\n\"a\": [1,\n").unwrap_err().line, 3);
        assert_eq!(read("{} {}").unwrap_err().reason, "trailing characters");
        assert!(read(&"[".repeat(100_000)).is_err());
    }
}
