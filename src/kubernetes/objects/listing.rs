//! What was asked of one kind, and what came back: the objects with their places, and how much of the kind was seen.
//! Never knows what an object says.

use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use crate::findings::Code;
use crate::kubernetes::names::Kind;
use crate::model::validate::Violation;

/// The objects of one kind, and how much of the kind was asked for and seen.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// The objects, in the order in which they were read.
    pub items: Vec<Found<T>>,
    /// One entry for each query that was answered; none means that nobody asked.
    pub coverage: Vec<Coverage>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Listing { items: Vec::new(), coverage: Vec::new() }
    }
}

impl<T> Listing<T> {
    /// The objects without their places.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter().map(|found| &found.object)
    }

    /// Why part of this kind could not be seen, if so.
    pub fn hidden(&self) -> impl Iterator<Item = (Kind, &str)> {
        self.coverage.iter().filter_map(|coverage| match &coverage.answer {
            Answer::Hidden(why) => Some((coverage.query.kind, why.as_str())),
            _ => None,
        })
    }

    /// Whether every object of the kind is in `items`.
    pub fn complete(&self) -> bool {
        !self.coverage.is_empty()
            && self.coverage.iter().all(|c| !matches!(c.answer, Answer::Hidden(_)))
            && self.coverage.iter().any(|c| c.query.is_everything())
    }
}

/// What one query brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// What was asked.
    pub query: Query,
    /// What came back.
    pub answer: Answer,
}

/// The three things that an empty list can mean, and the one that a full list means.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// All that matches the query was read (it may be nothing).
    Complete,
    /// The API server does not serve the kind, so there are no such objects.
    NotServed,
    /// The API server refused (403) or could not answer; there may be such objects.
    Hidden(String),
}

/// What to read of one kind. Nothing set means everything of the kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    /// The kind.
    pub kind: Kind,
    /// One namespace only.
    pub namespace: Option<String>,
    /// One name only (in all namespaces where `namespace` is not set).
    pub name: Option<String>,
    /// A Kubernetes label selector, as `-l` takes it.
    pub labels: Option<String>,
    /// A Kubernetes field selector, as `status.podIP=10.0.0.1`.
    pub fields: Option<String>,
}

impl Query {
    /// Everything of a kind.
    pub fn all(kind: Kind) -> Query {
        Query { kind, namespace: None, name: None, labels: None, fields: None }
    }

    /// The same query for one namespace.
    pub fn in_namespace(self, namespace: impl Into<String>) -> Query {
        Query { namespace: Some(namespace.into()), ..self }
    }

    /// The same query for one name.
    pub fn named(self, name: impl Into<String>) -> Query {
        Query { name: Some(name.into()), ..self }
    }

    /// The same query with a label selector.
    pub fn labelled(self, labels: impl Into<String>) -> Query {
        Query { labels: Some(labels.into()), ..self }
    }

    /// The same query with a field selector.
    pub fn with_fields(self, fields: impl Into<String>) -> Query {
        Query { fields: Some(fields.into()), ..self }
    }

    /// Whether it asks for all objects of the kind.
    pub fn is_everything(&self) -> bool {
        self.namespace.is_none() && self.name.is_none() && self.labels.is_none() && self.fields.is_none()
    }
}

/// An object and where it stands.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// The object.
    pub object: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> Deref for Found<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.object
    }
}

/// Where an object stands: on the API server, or in a file at a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The API server.
    Server,
    /// A document that starts at this line (from 1) of this file; `-` is standard input.
    File {
        /// The file, as it was named or found below the directory that was named.
        file: Arc<PathBuf>,
        /// The document's first line, from 1.
        line: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Server => write!(out, "the API server"),
            Place::File { file, line } => write!(out, "{}:{line}", file.display()),
        }
    }
}

/// A document, or a part of one, that was not understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Unread {
    /// Where it stands.
    pub place: Place,
    /// What it says it is, as far as that could be read, as `NetworkPolicy shop/web`.
    pub object: Option<String>,
    /// The kind, where it is one that this program reads.
    pub kind: Option<Kind>,
    /// The namespace, where it could be read.
    pub namespace: Option<String>,
    /// Why it was not understood, in words for a person.
    pub reason: String,
}

/// Something that was noticed while reading an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What kind of finding it is.
    pub code: Code,
    /// The object, as `NetworkPolicy shop/web`.
    pub object: String,
    /// Where it stands.
    pub place: Place,
    /// What exactly, with the field.
    pub detail: String,
}

/// What Calico's rules refuse of an object, one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The object, as `NetworkPolicy shop/web`.
    pub object: String,
    /// Where it stands.
    pub place: Place,
    /// The field and the reason.
    pub violation: Violation,
}
