//! Keeps the records of changes in the cluster: takes a number before the first write, fills in the end after the last.
//! Never knows why a change is made, and never writes anything but its own ConfigMaps.

mod config_maps;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Entry, KEPT, Record, RecordError, State, Summary, name, number, part_name, parts};
use crate::kubernetes::names::{Kind, MANAGED_BY, TOOL};
use crate::kubernetes::objects::{Objects, Query};
use crate::kubernetes::{AccessError, ObjectRef, Reader, Writer};
use config_maps::{create, delete, reference, replace};

/// Where records are unless another namespace is named.
pub const NAMESPACE: &str = "kube-system";
/// How often a number that others take is given up for the next one, and how often a mark is tried.
const TRIES: u32 = 200;

/// The record of one change while it is made.
#[derive(Debug)]
pub struct Journal {
    namespace: String,
    record: Record,
    /// The newest number that was seen.
    newest: u32,
    /// The ConfigMaps as they are stored; none before `begin`.
    stored: Vec<Value>,
}

/// Why a record cannot be kept or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The API server says no.
    #[error("the record of the change cannot be kept in namespace {namespace}")]
    Access {
        /// Where records are.
        namespace: String,
        /// Why.
        #[source]
        error: AccessError,
    },
    /// The records cannot be listed.
    #[error("the records in namespace {namespace} cannot be listed: {reason}")]
    Hidden {
        /// Where records are.
        namespace: String,
        /// Why.
        reason: String,
    },
    /// There is no such record.
    #[error("there is no record {number} in namespace {namespace}")]
    Missing {
        /// Which.
        number: u32,
        /// Where records are.
        namespace: String,
    },
    /// The record cannot be read.
    #[error("record {number} in namespace {namespace} cannot be read")]
    Unreadable {
        /// Which.
        number: u32,
        /// Where records are.
        namespace: String,
        /// Why.
        #[source]
        error: RecordError,
    },
    /// Every number that was tried was taken by somebody else.
    #[error("{TRIES} record numbers in a row were taken by others")]
    Contended,
}

impl JournalError {
    /// What went wrong, and what caused it.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = vec![self.to_string()];
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            causes.push(error.to_string());
            next = error.source();
        }
        causes
    }
}

/// One line of the history: a record, or why it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub number: u32,
    /// What it says.
    pub summary: Result<Summary, RecordError>,
}

impl Journal {
    /// A record that is not written yet. Its number follows the newest one that there is.
    pub fn new(namespace: &str, summary: Summary, listed: &[Listed]) -> Journal {
        let newest = listed.iter().map(|listed| listed.number).max().unwrap_or(0);
        Journal {
            namespace: namespace.into(),
            record: Record { summary, entries: Vec::new() },
            newest,
            stored: Vec::new(),
        }
    }

    /// The number, once it is taken.
    pub fn number(&self) -> Option<u32> {
        (!self.stored.is_empty()).then_some(self.record.summary.number)
    }

    /// Whether a write is known to have happened.
    pub fn wrote_anything(&self) -> bool {
        self.record.entries.iter().any(|entry| entry.written)
    }

    /// Writes down what is about to happen. After a plan that went stale half way it is called again: what was written
    /// stays in the record, what was not gives way to the new plan. An object that is written again has two entries, as
    /// somebody else may have written it in between.
    pub async fn begin<W: Writer>(&mut self, writer: &W, planned: Vec<Entry>) -> Result<(), JournalError> {
        self.record.entries.retain(|entry| entry.written);
        self.record.entries.extend(planned);
        match self.stored.is_empty() {
            true => self.take_number(writer).await,
            false => self.rewrite(writer).await,
        }
    }

    /// Notes that an object was written, and how it was just before.
    pub fn wrote(&mut self, object: &ObjectRef, before: Option<Value>, after: Option<Value>) {
        let object = object.to_string();
        let mut planned = self.record.entries.iter_mut().filter(|entry| !entry.written);
        if let Some(entry) = planned.find(|entry| entry.object == object) {
            *entry = Entry { object, before, after, written: true };
        }
    }

    /// Writes down how it ended.
    pub async fn end<W: Writer>(&mut self, writer: &W, state: State) -> Result<(), JournalError> {
        if self.stored.is_empty() {
            return Ok(());
        }
        self.record.summary.state = state;
        self.rewrite(writer).await
    }

    /// Removes the record of a change of which nothing was written.
    pub async fn forget<W: Writer>(&mut self, writer: &W) -> Result<(), JournalError> {
        for map in std::mem::take(&mut self.stored) {
            self.remove(writer, &map).await?;
        }
        Ok(())
    }

    async fn take_number<W: Writer>(&mut self, writer: &W) -> Result<(), JournalError> {
        for step in 1..=TRIES {
            self.record.summary.number = self.newest + step;
            let maps = self.record.to_config_maps(&self.namespace);
            let Some((first, others)) = maps.split_first() else { break };
            match create(writer, first).await {
                Ok(stored) => self.stored.push(stored),
                Err(AccessError::Exists(_)) => continue,
                Err(error) => return Err(self.access(error)),
            }
            for map in others {
                let stored = create(writer, map).await.map_err(|error| self.access(error))?;
                self.stored.push(stored);
            }
            return Ok(());
        }
        Err(JournalError::Contended)
    }

    async fn rewrite<W: Writer>(&mut self, writer: &W) -> Result<(), JournalError> {
        let old = std::mem::take(&mut self.stored);
        let new = self.record.to_config_maps(&self.namespace);
        // The first part says how many there are, so it is written when the others are there.
        for (index, map) in new.iter().enumerate().rev() {
            let stored = match old.get(index) {
                Some(old) => replace(writer, old, map).await,
                None => create(writer, map).await,
            };
            self.stored.insert(0, stored.map_err(|error| self.access(error))?);
        }
        for map in old.iter().skip(new.len()) {
            self.remove(writer, map).await?;
        }
        Ok(())
    }

    async fn remove<W: Writer>(&self, writer: &W, map: &Value) -> Result<(), JournalError> {
        delete(writer, map).await.map_err(|error| self.access(error))
    }

    fn access(&self, error: AccessError) -> JournalError {
        JournalError::Access { namespace: self.namespace.clone(), error }
    }
}

/// Every record, newest first.
pub async fn list<R: Reader>(reader: &R, namespace: &str) -> Result<Vec<Listed>, JournalError> {
    let query = Query::all(Kind::ConfigMap).in_namespace(namespace).labelled(format!("{MANAGED_BY}={TOOL}"));
    let mut objects = Objects::default();
    let access = |error| JournalError::Access { namespace: namespace.into(), error };
    reader.read(&[query], &mut objects).await.map_err(access)?;
    if let Some((_, reason)) = objects.config_maps.hidden().next() {
        return Err(JournalError::Hidden { namespace: namespace.into(), reason: reason.into() });
    }
    let mut listed: Vec<Listed> = objects
        .config_maps
        .iter()
        .filter_map(|map| {
            let number = number(&map.metadata.name)?;
            let summary = Summary::from_data(|key| map.data.get(key).map(String::as_str));
            Some(Listed { number, summary })
        })
        .collect();
    listed.sort_by_key(|listed| std::cmp::Reverse(listed.number));
    stand(&mut listed);
    Ok(listed)
}

/// What each record says of itself, made true by what later ones say: a change that was taken back stands again once that
/// is taken back in turn; and one whose undo is done is undone, even where the undo was killed before it could mark it.
fn stand(newest_first: &mut [Listed]) {
    let mut states: BTreeMap<u32, State> = BTreeMap::new();
    let mut undone: BTreeMap<u32, u32> = BTreeMap::new();
    for listed in newest_first {
        let Ok(summary) = &mut listed.summary else { continue };
        if let Some(by) = undone.get(&summary.number) {
            (summary.state, summary.undone_by) = (State::Undone, Some(*by));
        } else if summary.undone_by.is_some_and(|by| states.get(&by) == Some(&State::Undone)) {
            (summary.state, summary.undone_by) = (State::Done, None);
        }
        states.insert(summary.number, summary.state);
        if let Some(target) = summary.undoes.filter(|_| summary.state == State::Done) {
            undone.entry(target).or_insert(summary.number);
        }
    }
}

/// Reads one record with its objects.
pub async fn load<W: Writer>(writer: &W, namespace: &str, number: u32) -> Result<Record, JournalError> {
    let access = |error| JournalError::Access { namespace: namespace.into(), error };
    let unreadable = |error| JournalError::Unreadable { number, namespace: namespace.into(), error };
    let missing = || JournalError::Missing { number, namespace: namespace.into() };
    let first = writer.get(&reference(namespace, name(number))).await.map_err(access)?.ok_or_else(missing)?;
    // A newer format may count its parts in another way, so that is looked at first.
    Summary::from_data(|key| first["data"][key].as_str()).map_err(unreadable)?;
    let mut others = Vec::new();
    for part in 1..parts(&first).map_err(unreadable)? {
        let part = writer.get(&reference(namespace, part_name(number, part))).await.map_err(access)?;
        others.extend(part);
    }
    Record::from_config_maps(&first, &others).map_err(unreadable)
}

/// Marks a record as taken back: by a later one, or by somebody without one.
pub async fn mark_undone<W: Writer>(
    writer: &W,
    namespace: &str,
    number: u32,
    by: Option<u32>,
) -> Result<(), JournalError> {
    mark(writer, namespace, number, State::Undone, by.map(|by| ("undoneBy", by))).await
}

/// Marks a record as done: what it did not write a later command did, with a record where it changed something.
pub async fn mark_finished<W: Writer>(
    writer: &W,
    namespace: &str,
    number: u32,
    by: Option<u32>,
) -> Result<(), JournalError> {
    mark(writer, namespace, number, State::Done, by.map(|by| ("finishedBy", by))).await
}

async fn mark<W: Writer>(
    writer: &W,
    namespace: &str,
    number: u32,
    state: State,
    by: Option<(&str, u32)>,
) -> Result<(), JournalError> {
    let access = |error| JournalError::Access { namespace: namespace.into(), error };
    let mut doubted = false;
    for _ in 0..TRIES {
        let Some(mut first) = writer.get(&reference(namespace, name(number))).await.map_err(access)? else {
            return Ok(());
        };
        first["data"]["state"] = state.to_string().into();
        if let Some((key, by)) = by {
            first["data"][key] = by.to_string().into();
        }
        match writer.replace(&first).await {
            Ok(_) => return Ok(()),
            Err(AccessError::Conflict(_)) => {}
            // To say the same twice does no harm.
            Err(AccessError::Unavailable(_)) if !doubted => doubted = true,
            Err(error) => return Err(access(error)),
        }
    }
    Err(JournalError::Contended)
}

/// Deletes of the records before a new one those that are too many. Those of a newer format are nobody's business but its own, and those that
/// others delete at the same time are gone as wanted.
pub async fn prune<W: Writer>(writer: &W, namespace: &str, older: &[Listed]) -> Result<(), JournalError> {
    let access = |error| JournalError::Access { namespace: namespace.into(), error };
    let readable = |listed: &&Listed| !matches!(listed.summary, Err(RecordError::Newer(_)));
    for old in older.iter().filter(readable).skip(KEPT - 1) {
        let Some(first) = writer.get(&reference(namespace, name(old.number))).await.map_err(access)? else { continue };
        let count = parts(&first).unwrap_or(1);
        let mut maps = vec![first];
        for part in 1..count {
            maps.extend(writer.get(&reference(namespace, part_name(old.number, part))).await.map_err(access)?);
        }
        for map in maps {
            match delete(writer, &map).await {
                Ok(()) | Err(AccessError::Conflict(_)) => {}
                Err(error) => return Err(access(error)),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
