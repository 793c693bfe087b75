//! Saves objects as manifests, a file for each kind, which the reader of manifests reads back.
//! Never knows where the objects came from.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::{failure, replace};
use super::render::{Style, yaml};
use crate::kubernetes::AccessError;
use crate::kubernetes::names::Kind;

/// Writes one file for each kind into a directory that is new or empty, and returns the files. Secrets are no kind that
/// this program reads, so they are never among them.
pub fn write_snapshot(
    directory: &Path,
    objects: impl IntoIterator<Item = (Kind, Value)>,
) -> Result<Vec<PathBuf>, AccessError> {
    fs::create_dir_all(directory).map_err(|error| failure(directory, &error))?;
    if fs::read_dir(directory).map_err(|error| failure(directory, &error))?.next().is_some() {
        let reason = "the directory is not empty: name one that is new".into();
        return Err(AccessError::File { path: directory.display().to_string(), reason });
    }
    let mut kinds: BTreeMap<Kind, BTreeMap<(String, String), String>> = BTreeMap::new();
    for (kind, mut object) in objects {
        // Objects in a server's list do not repeat what they are.
        if let Some(fields) = object.as_object_mut() {
            let resource = kind.resource();
            let version = resource.versions[0];
            let api_version =
                if resource.group.is_empty() { version.to_string() } else { format!("{}/{version}", resource.group) };
            fields.entry("apiVersion").or_insert_with(|| api_version.into());
            fields.entry("kind").or_insert_with(|| resource.name.into());
            if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.remove("managedFields");
            }
        }
        let part = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_string();
        let key = (part("namespace"), part("name"));
        kinds.entry(kind).or_default().insert(key, format!("---\n{}", yaml(&object, Style::default())));
    }
    let mut written = Vec::new();
    for (kind, documents) in kinds {
        let resource = kind.resource();
        let group = if resource.group.is_empty() { String::new() } else { format!(".{}", resource.group) };
        let path = directory.join(format!("{}{group}.yaml", resource.plural));
        let text: String = documents.into_values().collect();
        replace(&path, text.as_bytes())?;
        written.push(path);
    }
    Ok(written)
}
