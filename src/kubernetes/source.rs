//! What a command works on: a live cluster or a directory of manifests, behind the same two traits.
//! Never knows which command asks, and adds nothing to what either of them does.

use serde_json::Value;

use super::cluster::{Cluster, ClusterWriter};
use super::manifests::Manifests;
use super::objects::{Objects, Query};
use super::{AccessError, ObjectRef, Reader, Writer};

/// A live cluster or a directory of manifests.
pub enum Source {
    /// A live cluster.
    Cluster(Box<Cluster>),
    /// Manifests.
    Manifests(Box<Manifests>),
}

/// The way to write to a source.
pub enum SourceWriter<'a> {
    /// A live cluster.
    Cluster(ClusterWriter<'a>),
    /// Manifests.
    Manifests(&'a Manifests),
}

impl Source {
    /// A way to write. With `dry_run` an API server checks everything and keeps nothing; files know no such thing.
    pub fn writer<'a>(&'a self, dry_run: bool, field_manager: &'a str) -> SourceWriter<'a> {
        match self {
            Source::Cluster(cluster) => SourceWriter::Cluster(cluster.writer(dry_run, field_manager)),
            Source::Manifests(manifests) => SourceWriter::Manifests(manifests),
        }
    }
}

impl Reader for Source {
    async fn read(&self, queries: &[Query], objects: &mut Objects) -> Result<(), AccessError> {
        match self {
            Source::Cluster(cluster) => cluster.read(queries, objects).await,
            Source::Manifests(manifests) => manifests.read(queries, objects).await,
        }
    }
}

/// Hands a call on to the one that there is.
macro_rules! each {
    ($writer:expr, $inner:ident => $call:expr) => {
        match $writer {
            SourceWriter::Cluster($inner) => $call,
            SourceWriter::Manifests($inner) => $call,
        }
    };
}

impl Writer for SourceWriter<'_> {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, AccessError> {
        each!(self, writer => writer.get(object).await)
    }

    async fn create(&self, object: &Value) -> Result<Value, AccessError> {
        each!(self, writer => writer.create(object).await)
    }

    async fn replace(&self, object: &Value) -> Result<Value, AccessError> {
        each!(self, writer => writer.replace(object).await)
    }

    async fn delete(&self, object: &Value) -> Result<(), AccessError> {
        each!(self, writer => writer.delete(object).await)
    }
}
