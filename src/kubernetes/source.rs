//! What a command works on: a live cluster or a directory of manifests, behind the same two traits.
//! Never knows which command asks, and adds nothing to what either of them does.

use serde_json::Value;

use super::cluster::Cluster;
use super::manifests::Manifests;
use super::objects::{Objects, Query};
use super::{AccessError, ObjectRef, Reader, Writer};

/// A live cluster or a directory of manifests.
#[derive(Debug)]
pub enum Source {
    /// A live cluster.
    Cluster(Box<Cluster>),
    /// Manifests.
    Manifests(Box<Manifests>),
}

/// Hands a call on to the one that there is.
macro_rules! each {
    ($source:expr, $inner:ident => $call:expr) => {
        match $source {
            Source::Cluster($inner) => $call,
            Source::Manifests($inner) => $call,
        }
    };
}

impl Reader for Source {
    async fn read(&self, queries: &[Query], objects: &mut Objects) -> Result<(), AccessError> {
        each!(self, source => source.read(queries, objects).await)
    }
}

impl Writer for Source {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, AccessError> {
        each!(self, source => source.get(object).await)
    }

    async fn create(&self, object: &Value) -> Result<Value, AccessError> {
        each!(self, source => source.create(object).await)
    }

    async fn replace(&self, object: &Value) -> Result<Value, AccessError> {
        each!(self, source => source.replace(object).await)
    }

    async fn delete(&self, object: &Value) -> Result<(), AccessError> {
        each!(self, source => source.delete(object).await)
    }
}
