//! Turns a piece of a file into the objects that it holds, and says what it could not understand.
//! Never knows which objects were asked for.

use serde_json::{Map, Value};

use super::kinds::{Class, classify, of_name};
use super::split::{Form, Piece, is_list, item_column, item_kind, look};
use super::value::Fault;
use super::{json, value};
use crate::findings::{self, Code};
use crate::kubernetes::ObjectRef;
use crate::kubernetes::calico::to_v3;
use crate::kubernetes::fields;
use crate::kubernetes::names::Kind;
use crate::model::world::Version;

/// An object that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Which one; its name in v3 form, its namespace `default` where the document names none.
    pub object: ObjectRef,
    /// The object, in v3 form for Calico's kinds.
    pub value: Value,
    /// The apiVersion that the document has.
    pub api_version: String,
    /// The name under which it would be stored.
    pub stored_name: String,
    /// What was noticed.
    pub notices: Vec<(Code, String)>,
    /// Its line in the file, from 1.
    pub line: usize,
    /// The way to it through lists within the piece: the index in `items`, outermost first.
    pub path: Vec<usize>,
}

/// Something that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Its line in the file, from 1.
    pub line: usize,
    /// What it says it is.
    pub object: Option<String>,
    /// The kind, where it is one that is read.
    pub kind: Option<Kind>,
    /// The namespace, where it could be read.
    pub namespace: Option<String>,
    /// Why it was not understood.
    pub reason: String,
}

/// What a piece holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// An object.
    Item(Box<Item>),
    /// Something that may have been one.
    Gap(Gap),
}

/// Everything that a piece holds; nothing for kinds that do not matter, which are not even parsed where that shows.
pub fn contents(bytes: &[u8], piece: &Piece, version: Option<Version>) -> Vec<Content> {
    let own = &bytes[piece.range.clone()];
    let seen = match piece.form {
        Form::Yaml => look(own, 0),
        Form::YamlItem => look(own, item_column(own)),
        Form::Json | Form::JsonItem => (None, None),
    };
    if let (Some(api_version), Some(kind)) = seen
        && !is_list(kind)
        && classify(api_version, kind) == Class::Other
    {
        return Vec::new();
    }
    let mut out = Contents { line: piece.line, version, found: Vec::new() };
    match raw(bytes, piece) {
        Ok(None) => {}
        Ok(Some(value)) => out.unfold(value, &[], piece.inherited.as_ref()),
        Err(fault) => out.broken(own, seen, fault),
    }
    out.found
}

/// The value that a piece holds; none for comments only.
pub fn raw(bytes: &[u8], piece: &Piece) -> Result<Option<Value>, Fault> {
    let own = &bytes[piece.range.clone()];
    let text = std::str::from_utf8(own).map_err(|error| {
        let line = own[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        Fault { line: piece.start_line + line, reason: "it is not UTF-8 text".into() }
    })?;
    let read = match piece.form {
        Form::Yaml => value::read(text),
        Form::YamlItem => value::read(text).map(|read| match read {
            Some(Value::Array(mut items)) => items.pop(),
            other => other,
        }),
        Form::Json | Form::JsonItem => json::read(text).map(Some),
    };
    read.map_err(|fault| Fault { line: piece.start_line + fault.line - 1, ..fault })
}

struct Contents {
    line: usize,
    version: Option<Version>,
    found: Vec<Content>,
}

impl Contents {
    fn unfold(&mut self, value: Value, path: &[usize], inherited: Option<&(String, String)>) {
        let Value::Object(mut object) = value else {
            return self.gap(None, None, "it is not an object: apiVersion, kind and metadata are missing".into());
        };
        if let Some((api_version, kind)) = inherited {
            object.entry("apiVersion").or_insert_with(|| api_version.as_str().into());
            object.entry("kind").or_insert_with(|| kind.as_str().into());
        }
        let (api_version, kind) = (word(&object, "apiVersion"), word(&object, "kind"));
        if is_list(&kind) {
            let inherited = item_kind(&api_version, &kind);
            let Some(Value::Array(items)) = object.remove("items") else { return };
            for (index, item) in items.into_iter().enumerate() {
                self.unfold(item, &[path, &[index]].concat(), inherited.as_ref());
            }
            return;
        }
        match classify(&api_version, &kind) {
            Class::Other => {}
            Class::Odd(known, reason) => self.gap(known, Some(&object), reason),
            Class::Object(kind) => match self.complete(kind, api_version, object, path) {
                Ok(item) => self.found.push(Content::Item(Box::new(item))),
                Err((object, reason)) => self.gap(Some(kind), Some(&object), reason),
            },
        }
    }

    fn complete(
        &self,
        kind: Kind,
        api_version: String,
        mut object: Map<String, Value>,
        path: &[usize],
    ) -> Result<Item, (Map<String, Value>, String)> {
        let namespace = match identity(kind, &mut object) {
            Ok(namespace) => namespace,
            Err(reason) => return Err((object, reason)),
        };
        let value = Value::Object(object);
        let mut notices: Vec<(Code, String)> = fields::unknown(kind, &value)
            .into_iter()
            .map(|field| (findings::FIELD_UNKNOWN, format!("{field} is no field of {kind}")))
            .collect();
        let shown = value.get("metadata").cloned();
        let converted = to_v3(kind, value, self.version).map_err(|reason| {
            let mut object = Map::new();
            object.extend(shown.map(|metadata| ("metadata".to_string(), metadata)));
            (object, reason)
        })?;
        notices.extend(converted.notices);
        let name = converted.value["metadata"]["name"].as_str().unwrap_or_default().to_string();
        Ok(Item {
            object: ObjectRef { kind, namespace, name },
            value: converted.value,
            api_version,
            stored_name: converted.stored_name,
            notices,
            line: self.line,
            path: path.to_vec(),
        })
    }

    fn gap(&mut self, kind: Option<Kind>, object: Option<&Map<String, Value>>, reason: String) {
        let metadata = object.and_then(|object| object.get("metadata")).and_then(Value::as_object);
        let part = |field| metadata.map(|metadata| word(metadata, field)).filter(|word| !word.is_empty());
        let (name, namespace) = (part("name"), part("namespace"));
        let word = object.map(|object| word(object, "kind")).filter(|kind| !kind.is_empty());
        let shown = describe(word.or(kind.map(|kind| kind.to_string())), namespace.as_deref(), name);
        self.found.push(Content::Gap(Gap { line: self.line, object: shown, kind, namespace, reason }));
    }

    /// A document that does not parse: what it is is guessed from its text.
    fn broken(&mut self, own: &[u8], seen: (Option<&str>, Option<&str>), fault: Fault) {
        let text = String::from_utf8_lossy(own);
        let api_version = seen.0.map(str::to_string).or_else(|| guess(&text, "apiVersion"));
        let kind = seen.1.map(str::to_string).or_else(|| guess(&text, "kind"));
        let known = match (&api_version, &kind) {
            (Some(api_version), Some(kind)) => match classify(api_version, kind) {
                Class::Other if !is_list(kind) => return,
                Class::Other => None,
                Class::Object(kind) => Some(kind),
                Class::Odd(known, _) => known,
            },
            (None, Some(kind)) => of_name(kind),
            _ => None,
        };
        let metadata = text.find("metadata").map_or("", |at| &text[at..]);
        let (name, namespace) = (guess(metadata, "name"), guess(metadata, "namespace"));
        let object = describe(kind, namespace.as_deref(), name);
        self.found.push(Content::Gap(Gap { line: fault.line, object, kind: known, namespace, reason: fault.reason }));
    }
}

/// Checks the name, gives objects without a namespace the one that kubectl would, and returns the namespace.
fn identity(kind: Kind, object: &mut Map<String, Value>) -> Result<Option<String>, String> {
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else { return Err("it has no metadata".into()) };
    match metadata.get("name") {
        Some(Value::String(name)) if !name.is_empty() => {}
        Some(name) if name.is_number() || name.is_boolean() => {
            return Err(format!("metadata.name is {name} and not text: it needs quotes"));
        }
        _ if metadata.contains_key("generateName") => {
            return Err("it has no metadata.name, only a generateName".into());
        }
        _ => return Err("it has no metadata.name".into()),
    }
    if !kind.resource().namespaced {
        metadata.remove("namespace");
        return Ok(None);
    }
    let namespace = match metadata.get("namespace") {
        Some(Value::String(namespace)) if !namespace.is_empty() => namespace.clone(),
        Some(namespace) if namespace.is_number() || namespace.is_boolean() => {
            return Err(format!("metadata.namespace is {namespace} and not text: it needs quotes"));
        }
        _ => "default".to_string(),
    };
    metadata.insert("namespace".into(), namespace.as_str().into());
    Ok(Some(namespace))
}

/// As `NetworkPolicy shop/web`, as far as it is known.
fn describe(kind: Option<String>, namespace: Option<&str>, name: Option<String>) -> Option<String> {
    let name = match (namespace, name) {
        (Some(namespace), Some(name)) => Some(format!("{namespace}/{name}")),
        (_, name) => name,
    };
    match (kind, name) {
        (Some(kind), Some(name)) => Some(format!("{kind} {name}")),
        (kind, name) => kind.or(name),
    }
}

fn word(object: &Map<String, Value>, field: &str) -> String {
    object.get(field).and_then(Value::as_str).unwrap_or_default().to_string()
}

/// The word behind the first `key:` of a text that does not parse.
fn guess(text: &str, key: &str) -> Option<String> {
    for (at, _) in text.match_indices(key) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|character| !character.is_whitespace() && !"{,\"'".contains(character)) {
            continue;
        }
        let rest = text[at + key.len()..].trim_start_matches(['"', '\'', ' ']);
        let Some(rest) = rest.strip_prefix(':') else { continue };
        let rest = rest.lines().next().unwrap_or_default().trim_start_matches([' ', '\t', '"', '\'']);
        let is_part = |character: char| character.is_ascii_alphanumeric() || "./-_:".contains(character);
        let word: String = rest.chars().take_while(|&character| is_part(character)).collect();
        if !word.is_empty() {
            return Some(word);
        }
    }
    None
}
