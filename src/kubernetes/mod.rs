//! Reading and writing objects: a live API server or a directory of manifests, behind two traits.
//! Never knows what a world or a plan is.

pub mod calico;
pub mod cluster;
pub mod collect;
pub mod fields;
pub mod labels;
pub mod manifests;
#[cfg(test)]
pub(crate) mod memory;
pub mod names;
pub mod objects;
mod once;
pub mod page;
pub mod rights;
pub mod slim;
pub mod source;

use std::fmt;

use serde_json::Value;

use names::Kind;
use objects::{Objects, Query};

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace, for kinds in one.
    pub namespace: Option<String>,
    /// Its name, for Calico's kinds in v3 form.
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(out, "{} {namespace}/{}", self.kind, self.name),
            None => write!(out, "{} {}", self.kind, self.name),
        }
    }
}

/// Where objects are read.
#[expect(async_fn_in_trait, reason = "futures stay on the one thread of this program")]
pub trait Reader {
    /// Answers queries, all at the same time: adds what was found to `objects`, with its coverage. A kind that is not
    /// served and a refusal (403) are answers; a server that does not answer is an error.
    async fn read(&self, queries: &[Query], objects: &mut Objects) -> Result<(), AccessError>;
}

/// Where objects are written, one at a time. Calico's objects are in v3 form, whatever form they are stored in.
#[expect(async_fn_in_trait, reason = "futures stay on the one thread of this program")]
pub trait Writer {
    /// The whole object as it is now; `metadata.resourceVersion` is set on a live cluster.
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, AccessError>;
    /// Makes a new object and gives it back as it was stored.
    async fn create(&self, object: &Value) -> Result<Value, AccessError>;
    /// Replaces an object, if it still has the resourceVersion that `object` carries; gives it back as it was stored.
    async fn replace(&self, object: &Value) -> Result<Value, AccessError>;
    /// Deletes an object, if it still has the resourceVersion that `object` carries.
    async fn delete(&self, object: &Value) -> Result<(), AccessError>;
}

/// Why an object could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// Somebody else wrote it in between.
    #[error("{0} was changed by somebody else in the meantime")]
    Conflict(ObjectRef),
    /// It is there already.
    #[error("{0} exists already")]
    Exists(ObjectRef),
    /// It is not there any more.
    #[error("{0} does not exist")]
    Missing(ObjectRef),
    /// The API server does not serve the kind.
    #[error("the API server does not serve {0}")]
    NotServed(Kind),
    /// No permission (403).
    #[error("{verb} {object} is forbidden: {reason}")]
    Forbidden {
        /// As `create`.
        verb: &'static str,
        /// What.
        object: String,
        /// The API server's words.
        reason: String,
    },
    /// Not logged in (401), or the credentials cannot be had.
    #[error("{0}")]
    Credentials(String),
    /// The API server refuses the object (422, 400), or it is malformed.
    #[error("{object} is refused: {reason}")]
    Invalid {
        /// What.
        object: String,
        /// Why.
        reason: String,
    },
    /// No answer, or none that could be understood, after all retries.
    #[error("{0}")]
    Unavailable(String),
    /// The API server keeps the objects in a way that this version cannot handle.
    #[error("{0}")]
    Unsupported(String),
    /// Calico's objects are in an etcd that this program does not reach.
    #[error("{0}")]
    InEtcd(String),
    /// The kubeconfig, a file or a directory cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
}
