//! Writes the ConfigMaps of records so that each is written once, also where the API server gives no answer.
//! Never knows what a record says.

use serde_json::Value;

use super::TRIES;
use crate::kubernetes::names::Kind;
use crate::kubernetes::{AccessError, ObjectRef, Writer};

/// Creates one of our ConfigMaps. One of which nobody says whether it was made is looked for, and made once more where it
/// was not.
pub(super) async fn create<W: Writer>(writer: &W, map: &Value) -> Result<Value, AccessError> {
    let error = match writer.create(map).await {
        Err(error @ AccessError::Unavailable(_)) => error,
        other => return other,
    };
    let Some(object) = reference_of(map) else { return Err(error) };
    match writer.get(&object).await {
        Ok(Some(there)) if same_content(&there, map) => return Ok(there),
        Ok(Some(_)) => return Err(AccessError::Exists(object)),
        Ok(None) => {}
        Err(_) => return Err(error),
    }
    match writer.create(map).await {
        // The first one came late.
        Err(AccessError::Exists(_)) => match writer.get(&object).await? {
            Some(there) if same_content(&there, map) => Ok(there),
            _ => Err(AccessError::Exists(object)),
        },
        other => other,
    }
}

/// Replaces one of our ConfigMaps. Somebody who labelled it in the meantime does not keep it from being finished, and one
/// of which nobody says whether it was replaced is looked at.
pub(super) async fn replace<W: Writer>(writer: &W, old: &Value, new: &Value) -> Result<Value, AccessError> {
    let mut base = old.clone();
    let mut doubted = false;
    for _ in 0..TRIES {
        let mut map = new.clone();
        map["metadata"] = base["metadata"].clone();
        let object = match writer.replace(&map).await {
            Err(AccessError::Conflict(object)) => object,
            Err(AccessError::Missing(_)) => return create(writer, new).await,
            Err(error @ AccessError::Unavailable(_)) if !doubted => {
                doubted = true;
                reference_of(new).ok_or(error)?
            }
            other => return other,
        };
        match writer.get(&object).await? {
            Some(current) if doubted && same_content(&current, new) => return Ok(current),
            Some(current) => base = current,
            None => return create(writer, new).await,
        }
    }
    writer.replace(new).await
}

/// Deletes one of our ConfigMaps; one that is gone is as wanted.
pub(super) async fn delete<W: Writer>(writer: &W, map: &Value) -> Result<(), AccessError> {
    let outcome = match writer.delete(map).await {
        Err(AccessError::Unavailable(_)) => writer.delete(map).await,
        outcome => outcome,
    };
    match outcome {
        Err(AccessError::Missing(_)) => Ok(()),
        outcome => outcome,
    }
}

fn same_content(one: &Value, other: &Value) -> bool {
    ["data", "binaryData"].iter().all(|field| one[*field] == other[*field])
}

fn reference_of(map: &Value) -> Option<ObjectRef> {
    let metadata = &map["metadata"];
    Some(reference(metadata["namespace"].as_str()?, metadata["name"].as_str()?.to_string()))
}

pub(super) fn reference(namespace: &str, name: String) -> ObjectRef {
    ObjectRef { kind: Kind::ConfigMap, namespace: Some(namespace.into()), name }
}
