//! An API server in memory, for tests of those who write: names, versions and conflicts as Kubernetes has them.
//! Never knows what an object says.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde_json::Value;

use super::names::Kind;
use super::objects::{Answer, Coverage, Objects, Place, Query};
use super::{AccessError, ObjectRef, Reader, Writer};

/// What happens before a request is answered: an error to answer with, or nothing.
pub type Before = Box<dyn Fn(&Memory, &'static str, &ObjectRef) -> Option<AccessError>>;

/// An API server in memory.
#[derive(Default)]
pub struct Memory {
    objects: RefCell<BTreeMap<ObjectRef, Value>>,
    version: Cell<u64>,
    /// Looks at each request first.
    pub before: Option<Before>,
    /// Requests, as `create ConfigMap kube-system/zerotrust-0001`.
    pub log: RefCell<Vec<String>>,
    /// What a create or replace brings, while it is looked at first: an answer may be lost after it was stored.
    pub lost: RefCell<Option<Value>>,
}

impl Memory {
    /// Puts an object there, as somebody else would.
    pub fn put(&self, object: Value) {
        let key = reference(&object);
        self.objects.borrow_mut().insert(key, self.versioned(object));
    }

    /// The object as it is.
    pub fn see(&self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        let namespace = (!namespace.is_empty()).then(|| namespace.to_string());
        self.objects.borrow().get(&ObjectRef { kind, namespace, name: name.into() }).cloned()
    }

    /// Goes away at the first request of this kind, before or after it did what was asked.
    pub fn goes_away_at(&mut self, verb: &'static str, done: bool) {
        let struck = Cell::new(false);
        self.before = Some(Box::new(move |memory, asked, object| {
            if asked != verb || struck.replace(true) {
                return None;
            }
            if let Some(lost) = memory.lost.borrow_mut().take().filter(|_| done) {
                memory.put(lost);
            }
            Some(AccessError::Unavailable(format!("no answer for {object}")))
        }));
    }

    /// The names of the objects of a kind.
    pub fn names(&self, kind: Kind) -> Vec<String> {
        self.objects.borrow().keys().filter(|key| key.kind == kind).map(|key| key.name.clone()).collect()
    }

    fn versioned(&self, mut object: Value) -> Value {
        self.version.set(self.version.get() + 1);
        object["metadata"]["resourceVersion"] = self.version.get().to_string().into();
        object
    }

    async fn asked(&self, verb: &'static str, object: &ObjectRef) -> Result<(), AccessError> {
        // Others get their turn before each answer.
        tokio::task::yield_now().await;
        self.log.borrow_mut().push(format!("{verb} {object}"));
        match self.before.as_ref().and_then(|before| before(self, verb, object)) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn current(&self, object: &Value) -> Result<ObjectRef, AccessError> {
        let key = reference(object);
        let objects = self.objects.borrow();
        let stored = objects.get(&key).ok_or_else(|| AccessError::Missing(key.clone()))?;
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        match version(object).is_null() || version(object) == version(stored) {
            true => Ok(key),
            false => Err(AccessError::Conflict(key)),
        }
    }
}

impl Reader for Memory {
    async fn read(&self, queries: &[Query], objects: &mut Objects) -> Result<(), AccessError> {
        for query in queries {
            let label = query.labels.as_deref().and_then(|labels| labels.split_once('='));
            let all = self.objects.borrow().clone();
            let fits = |key: &ObjectRef, object: &Value| {
                key.kind == query.kind
                    && (query.namespace.is_none() || key.namespace == query.namespace)
                    && query.name.as_ref().is_none_or(|name| *name == key.name)
                    && label.is_none_or(|(label, value)| object["metadata"]["labels"][label] == value)
            };
            for (key, object) in all.into_iter().filter(|(key, object)| fits(key, object)) {
                let name = key.name.clone();
                objects.add(query.kind, object, &name, Place::Server).map_err(AccessError::Unavailable)?;
            }
            let coverage = Coverage { query: query.clone(), answer: Answer::Complete };
            objects.coverage_mut(query.kind).push(coverage);
        }
        Ok(())
    }
}

impl Writer for Memory {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, AccessError> {
        self.asked("get", object).await?;
        Ok(self.objects.borrow().get(object).cloned())
    }

    async fn create(&self, object: &Value) -> Result<Value, AccessError> {
        let key = reference(object);
        *self.lost.borrow_mut() = Some(object.clone());
        self.asked("create", &key).await?;
        if self.objects.borrow().contains_key(&key) {
            return Err(AccessError::Exists(key));
        }
        let stored = self.versioned(object.clone());
        self.objects.borrow_mut().insert(key, stored.clone());
        Ok(stored)
    }

    async fn replace(&self, object: &Value) -> Result<Value, AccessError> {
        *self.lost.borrow_mut() = Some(object.clone());
        self.asked("replace", &reference(object)).await?;
        let key = self.current(object)?;
        let stored = self.versioned(object.clone());
        self.objects.borrow_mut().insert(key, stored.clone());
        Ok(stored)
    }

    async fn delete(&self, object: &Value) -> Result<(), AccessError> {
        self.asked("delete", &reference(object)).await?;
        let key = self.current(object)?;
        self.objects.borrow_mut().remove(&key);
        Ok(())
    }
}

fn reference(object: &Value) -> ObjectRef {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let kind = Kind::of_document(&text(&object["apiVersion"]), &text(&object["kind"])).expect("a kind that is known");
    let metadata = &object["metadata"];
    ObjectRef { kind, namespace: metadata["namespace"].as_str().map(Into::into), name: text(&metadata["name"]) }
}
