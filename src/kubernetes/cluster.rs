//! A live API server. (To be written.)

use super::objects::{Objects, Query};
use super::{AccessError, ObjectRef, Reader, Writer};
use serde_json::Value;

/// Placeholder.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// The name of the kubeconfig context to use
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Username to impersonate
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,
}

/// Placeholder.
pub enum Notice {
    /// Placeholder.
    Exchange,
    /// Placeholder.
    Remark(String),
}

impl std::fmt::Display for Notice {
    fn fmt(&self, _out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

/// Placeholder.
pub type Listener = Box<dyn Fn(&Notice)>;

/// Placeholder.
pub struct Cluster;

/// Placeholder.
#[derive(Clone, Copy)]
pub struct ClusterWriter<'a>(&'a Cluster);

impl Cluster {
    /// Placeholder.
    pub async fn connect(_flags: &Connection, _listener: Listener) -> Result<Cluster, AccessError> {
        Err(AccessError::Unavailable("placeholder".into()))
    }
    /// Placeholder.
    pub fn writer<'a>(&'a self, _dry_run: bool, _field_manager: &'a str) -> ClusterWriter<'a> {
        ClusterWriter(self)
    }
    /// Placeholder.
    pub fn namespace(&self) -> Option<&str> {
        None
    }
    /// Placeholder.
    pub fn context(&self) -> Option<&str> {
        None
    }
    /// Placeholder.
    pub fn user(&self) -> Option<&str> {
        None
    }
}

impl Reader for Cluster {
    async fn read(&self, _queries: &[Query], _objects: &mut Objects) -> Result<(), AccessError> {
        Err(AccessError::Unavailable("placeholder".into()))
    }
}

impl Writer for ClusterWriter<'_> {
    async fn get(&self, _object: &ObjectRef) -> Result<Option<Value>, AccessError> {
        Err(AccessError::Unavailable("placeholder".into()))
    }
    async fn create(&self, _object: &Value) -> Result<Value, AccessError> {
        Err(AccessError::Unavailable("placeholder".into()))
    }
    async fn replace(&self, _object: &Value) -> Result<Value, AccessError> {
        Err(AccessError::Unavailable("placeholder".into()))
    }
    async fn delete(&self, _object: &Value) -> Result<(), AccessError> {
        Err(AccessError::Unavailable("placeholder".into()))
    }
}
