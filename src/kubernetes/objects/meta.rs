//! What all objects have: metadata, and kinds of which nothing else, or whatever is asked by name, matters.
//! Never knows what an object is for.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The part of `metadata` that decides something.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// The name.
    pub name: String,
    /// The namespace, for objects in one.
    pub namespace: Option<String>,
    /// Labels.
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
    /// The version that a write must carry.
    pub resource_version: Option<String>,
    /// Who owns the object.
    #[serde(deserialize_with = "or_default")]
    pub owner_references: Vec<OwnerReference>,
    /// When it was made (RFC 3339).
    pub creation_timestamp: Option<String>,
    /// Set while the object is being deleted.
    pub deletion_timestamp: Option<String>,
}

/// One entry of `metadata.ownerReferences`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct OwnerReference {
    /// The owner's kind.
    pub kind: String,
    /// The owner's name.
    pub name: String,
}

/// Reads null as the default, as Go does.
pub fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}

/// An object of which only the metadata matters.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    /// Metadata.
    pub metadata: Meta,
}

/// An object whose spec and status are looked into by name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Loose {
    /// The kind, as the object says it.
    pub kind: String,
    /// Metadata.
    pub metadata: Meta,
    /// The spec, as it was read.
    pub spec: Value,
    /// The status, as it was read.
    pub status: Value,
}

/// A Namespace.
pub type Namespace = Named;

/// A ConfigMap.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConfigMap {
    /// Metadata.
    pub metadata: Meta,
    /// Its text entries.
    #[serde(deserialize_with = "or_default")]
    pub data: BTreeMap<String, String>,
}

/// Kubernetes' own label selector.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    /// Labels and their values, all of which must be there.
    #[serde(deserialize_with = "or_default")]
    pub match_labels: BTreeMap<String, String>,
    /// Expressions, all of which must hold.
    #[serde(deserialize_with = "or_default")]
    pub match_expressions: Vec<LabelExpression>,
}

/// One expression of a label selector.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LabelExpression {
    /// The label.
    pub key: String,
    /// In, NotIn, Exists, DoesNotExist.
    pub operator: String,
    /// Values for In and NotIn.
    #[serde(deserialize_with = "or_default")]
    pub values: Vec<String>,
}
