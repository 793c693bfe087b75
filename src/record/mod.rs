//! The record of a change: who did what and when, and every object as it was before and after, as ConfigMaps and back.
//! Never knows a client, a prompt or a table, and never asks for the time.

pub mod journal;

use std::fmt;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kubernetes::ObjectRef;
use crate::kubernetes::names::{Kind, MANAGED_BY, RECORD, TOOL};

/// The version of the format that this program writes. A record of a newer one is listed and never touched.
pub const VERSION: u32 = 1;
/// How many records stay.
pub const KEPT: usize = 20;
/// The most bytes of base64 in one ConfigMap. A ConfigMap may hold 1 MiB (Kubernetes' validation); with the summary and
/// its metadata one of ours stays below 900 KiB.
const PART: usize = 860 * 1024;
/// The most that a record may become when it is unpacked, in bytes: a few hundred times what is usual.
const UNPACKED: u64 = 256 * 1024 * 1024;
/// The key of the packed objects.
const PACKED: &str = "objects.json.gz";

/// How far a change came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its first write may have happened, its end was not written down: it runs, or was killed.
    Started,
    /// All of it was written.
    Done,
    /// It stopped half way.
    Partial,
    /// A later change took it back.
    Undone,
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            State::Started => "started",
            State::Done => "done",
            State::Partial => "partial",
            State::Undone => "undone",
        })
    }
}

/// All of a record but the objects: what `history` lists. In a ConfigMap each field is a text of its own, so that
/// `kubectl describe` shows it too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Its number, from 1.
    pub number: u32,
    /// When it began, as RFC 3339 in UTC.
    pub when: String,
    /// The kubeconfig's user, or who is impersonated.
    pub user: String,
    /// The kubeconfig's context.
    pub context: String,
    /// The command line, as it can be given again.
    pub command: String,
    /// What for, in one line.
    pub title: String,
    /// How far it came.
    pub state: State,
    /// The tool's version.
    pub tool: String,
    /// Calico's version, where it was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calico: Option<String>,
    /// The API group in which Calico's objects were written.
    pub api: String,
    /// The change that it took back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<u32>,
    /// The change that took it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone_by: Option<u32>,
    /// The change that went on from where it had stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_by: Option<u32>,
}

/// One object of a change, in v3 form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Which object, as `GlobalNetworkPolicy deny-app-policy`.
    pub object: String,
    /// As it was; none where it did not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// As it was to be, and once written as it is stored; none where it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Whether the write is known to have happened.
    #[serde(default)]
    pub written: bool,
}

/// A record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What `history` lists.
    pub summary: Summary,
    /// Objects, in the order in which they were written; one that was written twice stands there twice.
    pub entries: Vec<Entry>,
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A later release wrote it.
    #[error("it has format version {0}, and this program knows {VERSION}")]
    Newer(u32),
    /// It is not what this program writes.
    #[error("{0}")]
    Broken(String),
}

/// The ConfigMap's name.
pub fn name(number: u32) -> String {
    format!("zerotrust-{number:04}")
}

/// The name of a part after the first, which is counted from 1.
pub fn part_name(number: u32, part: usize) -> String {
    format!("{}-{part}", name(number))
}

/// The number in a ConfigMap's name; none for the parts after the first and for what is no record.
pub fn number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("zerotrust-")?;
    (digits.len() >= 4 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

impl Entry {
    /// An object before its write.
    pub fn planned(object: &ObjectRef, before: Option<Value>, after: Option<Value>) -> Entry {
        Entry { object: object.to_string(), before, after, written: false }
    }

    /// Which object it is; none if the kind is none that this program knows.
    pub fn reference(&self) -> Option<ObjectRef> {
        let object = self.before.as_ref().or(self.after.as_ref())?;
        let kind = Kind::of_document(object["apiVersion"].as_str()?, object["kind"].as_str()?)?;
        let metadata = &object["metadata"];
        let namespace = metadata["namespace"].as_str().map(str::to_string);
        Some(ObjectRef { kind, namespace, name: metadata["name"].as_str()?.to_string() })
    }
}

impl Record {
    /// The ConfigMaps that hold it: the first has the summary, and makes the number taken.
    pub fn to_config_maps(&self, namespace: &str) -> Vec<Value> {
        let packed = pack(&self.entries);
        let chunks: Vec<&str> = chunks(&packed, PART);
        let number = self.summary.number;
        let mut data = self.summary.to_data();
        data.insert("version".into(), VERSION.to_string().into());
        data.insert("parts".into(), chunks.len().to_string().into());
        chunks
            .iter()
            .enumerate()
            .map(|(part, chunk)| {
                let name = if part == 0 { name(number) } else { part_name(number, part) };
                let labels = json!({ MANAGED_BY: TOOL, RECORD: format!("{number:04}") });
                json!({
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": { "name": name, "namespace": namespace, "labels": labels },
                    "data": if part == 0 { Value::Object(data.clone()) } else { json!({}) },
                    "binaryData": { PACKED: chunk },
                })
            })
            .collect()
    }

    /// Reads it back from its first ConfigMap and the others in their order.
    pub fn from_config_maps(first: &Value, others: &[Value]) -> Result<Record, RecordError> {
        let summary = Summary::from_data(|key| first["data"][key].as_str())?;
        let parts = parts(first)?;
        if others.len() + 1 != parts {
            return Err(RecordError::Broken(format!("{} of its {parts} ConfigMaps are there", others.len() + 1)));
        }
        let mut packed = String::new();
        for map in std::iter::once(first).chain(others) {
            let chunk = map["binaryData"][PACKED].as_str();
            packed.push_str(chunk.ok_or_else(|| RecordError::Broken(format!("binaryData[{PACKED:?}] is missing")))?);
        }
        Ok(Record { summary, entries: unpack(&packed)? })
    }
}

/// How many ConfigMaps hold a record, by its first one.
pub fn parts(first: &Value) -> Result<usize, RecordError> {
    let parts = first["data"]["parts"].as_str().and_then(|text| text.parse().ok());
    parts
        .filter(|parts| (1..=1000).contains(parts))
        .ok_or_else(|| RecordError::Broken("data.parts is no number".into()))
}

impl Summary {
    /// Whether its end was not written down, or stopped half way.
    pub fn is_unfinished(&self) -> bool {
        matches!(self.state, State::Started | State::Partial)
    }

    fn to_data(&self) -> serde_json::Map<String, Value> {
        let Ok(Value::Object(fields)) = serde_json::to_value(self) else { return serde_json::Map::new() };
        let text = |value: Value| match value {
            Value::String(text) => Value::String(text),
            other => Value::String(other.to_string()),
        };
        fields.into_iter().map(|(key, value)| (key, text(value))).collect()
    }

    /// Reads it from the texts of a ConfigMap's data.
    pub fn from_data<'a>(text: impl Fn(&str) -> Option<&'a str>) -> Result<Summary, RecordError> {
        let broken = |key: &str| RecordError::Broken(format!("data.{key} is missing or malformed"));
        let number = |key: &str| text(key).and_then(|text| text.parse::<u32>().ok()).ok_or_else(|| broken(key));
        let version = number("version")?;
        if version > VERSION {
            return Err(RecordError::Newer(version));
        }
        let string = |key: &str| text(key).map(str::to_string).ok_or_else(|| broken(key));
        let maybe = |key: &str| text(key).map(|_| number(key)).transpose();
        Ok(Summary {
            number: number("number")?,
            when: string("when")?,
            user: string("user")?,
            context: string("context")?,
            command: string("command")?,
            title: string("title")?,
            state: serde_json::from_value(string("state")?.into()).map_err(|_| broken("state"))?,
            tool: string("tool")?,
            calico: text("calico").map(str::to_string),
            api: string("api")?,
            undoes: maybe("undoes")?,
            undone_by: maybe("undoneBy")?,
            finished_by: maybe("finishedBy")?,
        })
    }
}

fn pack(entries: &[Entry]) -> String {
    let plain = serde_json::to_vec(entries).unwrap_or_default();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    let packed = gzip.write_all(&plain).and_then(|()| gzip.finish()).unwrap_or_default();
    BASE64.encode(packed)
}

fn unpack(packed: &str) -> Result<Vec<Entry>, RecordError> {
    let broken = |error: &dyn fmt::Display| RecordError::Broken(format!("{PACKED}: {error}"));
    let bytes = BASE64.decode(packed).map_err(|error| broken(&error))?;
    let mut plain = Vec::new();
    GzDecoder::new(bytes.as_slice()).take(UNPACKED).read_to_end(&mut plain).map_err(|error| broken(&error))?;
    serde_json::from_slice(&plain).map_err(|error| broken(&error))
}

/// Cuts base64 into parts; at least one.
fn chunks(text: &str, size: usize) -> Vec<&str> {
    let mut chunks = Vec::new();
    let mut rest = text;
    while rest.len() > size {
        let (chunk, tail) = rest.split_at(size);
        chunks.push(chunk);
        rest = tail;
    }
    chunks.push(rest);
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(entries: Vec<Entry>) -> Record {
        let summary = Summary {
            number: 7,
            when: "2026-11-23T05:17:14Z".into(),
            user: "jane".into(),
            context: "lab".into(),
            command: "kubectl zerotrust lockdown".into(),
            title: "lock the application namespaces".into(),
            state: State::Started,
            tool: "0.1.0".into(),
            calico: Some("3.18.1".into()),
            api: "crd.projectcalico.org/v1".into(),
            undoes: Some(3),
            undone_by: None,
            finished_by: None,
        };
        Record { summary, entries }
    }

    /// Text that gzip cannot make small.
    fn noise(length: usize) -> String {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let step = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b' ' + (state % 90) as u8)
        };
        (0..length).map(step).filter(|c| *c != '"' && *c != '\\').collect()
    }

    fn entry(payload: &str) -> Entry {
        let after = Some(json!({ "kind": "GlobalNetworkPolicy", "spec": { "order": 1.5, "payload": payload } }));
        Entry { object: "GlobalNetworkPolicy deny-app-policy".into(), before: None, after, written: true }
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let record = record(vec![entry("x"), Entry { after: None, before: Some(json!({})), ..entry("y") }]);
        let maps = record.to_config_maps("kube-system");
        assert_eq!(maps.len(), 1);
        assert_eq!(maps[0]["metadata"]["name"], "zerotrust-0007");
        assert_eq!(maps[0]["metadata"]["labels"]["app.kubernetes.io/managed-by"], "kubectl-zerotrust");
        assert_eq!(maps[0]["data"]["state"], "started");
        assert!(maps[0]["data"].as_object().unwrap().values().all(Value::is_string), "ConfigMaps hold text only");
        assert_eq!(Record::from_config_maps(&maps[0], &[]).unwrap(), record);
    }

    #[test]
    fn a_large_record_is_split_and_each_part_stays_below_900_kib() {
        let record = record(vec![entry(&noise(2_500_000))]);
        let maps = record.to_config_maps("kube-system");
        assert!(maps.len() > 1);
        assert!(maps.iter().all(|map| map.to_string().len() < 900 * 1024));
        assert_eq!(maps[1]["metadata"]["name"], "zerotrust-0007-1");
        assert_eq!(Record::from_config_maps(&maps[0], &maps[1..]).unwrap(), record);
        let missing = Record::from_config_maps(&maps[0], &maps[2..]).unwrap_err();
        assert!(matches!(missing, RecordError::Broken(reason) if reason.contains("ConfigMaps are there")));
    }

    #[test]
    fn a_newer_record_is_refused_whatever_else_it_says() {
        let mut maps = record(vec![entry("x")]).to_config_maps("kube-system");
        maps[0]["data"]["version"] = json!("2");
        maps[0]["data"]["state"] = json!("paused");
        assert_eq!(Record::from_config_maps(&maps[0], &[]), Err(RecordError::Newer(2)));
    }

    #[test]
    fn a_damaged_record_is_refused_with_the_field() {
        let mut maps = record(vec![entry("x")]).to_config_maps("kube-system");
        maps[0]["binaryData"][PACKED] = json!("AAAA");
        let error = Record::from_config_maps(&maps[0], &[]).unwrap_err();
        assert!(error.to_string().starts_with(PACKED), "{error}");
    }

    #[test]
    fn only_first_parts_have_a_number() {
        assert_eq!(number("zerotrust-0007"), Some(7));
        assert_eq!(number("zerotrust-12345"), Some(12345));
        assert_eq!(number("zerotrust-0007-1"), None);
        assert_eq!(number("zerotrust-7"), None);
        assert_eq!(number("zerotrust-settings"), None);
    }
}
