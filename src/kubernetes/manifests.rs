//! A directory of manifests. (To be written.)

use super::objects::{Objects, Query};
use super::{AccessError, ObjectRef, Reader, Writer};
use serde_json::Value;

/// Placeholder.
#[derive(Debug)]
pub struct Manifests;

impl Manifests {
    /// Placeholder.
    pub fn load(_paths: &[std::path::PathBuf]) -> Result<Manifests, AccessError> {
        Ok(Manifests)
    }
}

impl Reader for Manifests {
    async fn read(&self, _queries: &[Query], _objects: &mut Objects) -> Result<(), AccessError> {
        Err(AccessError::Unavailable("placeholder".into()))
    }
}

impl Writer for Manifests {
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
