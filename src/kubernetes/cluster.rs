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
}

/// Placeholder.
#[derive(Debug)]
pub struct Cluster;

impl Reader for Cluster {
    async fn read(&self, _queries: &[Query], _objects: &mut Objects) -> Result<(), AccessError> {
        Err(AccessError::Unavailable("placeholder".into()))
    }
}

impl Writer for Cluster {
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
