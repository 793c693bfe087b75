//! What an API server answered, and what it means in words for a person.
//! Never sends anything.

use std::time::Duration;

use serde::Deserialize;

use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::or_default;
use crate::kubernetes::{AccessError, ObjectRef};

/// An answer, whatever its status.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// Which bytes of a file it is.
    pub content_range: Option<String>,
    /// The media type.
    pub content_type: String,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// The object in which Kubernetes says no (meta/v1 Status).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
    #[serde(deserialize_with = "or_default")]
    pub details: Details,
}

/// More about it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Details {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    #[serde(deserialize_with = "or_default")]
    pub causes: Vec<Cause>,
}

/// One thing that is wrong with an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cause {
    #[serde(deserialize_with = "or_default")]
    pub field: String,
    #[serde(deserialize_with = "or_default")]
    pub message: String,
}

impl Answer {
    /// Whether the server did what was asked.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The server's own words for a no; nothing where it answers something else than a Status.
    pub fn refusal(&self) -> Option<Status> {
        serde_json::from_slice::<Status>(&self.body).ok().filter(|status| status.kind == "Status")
    }

    /// The server's own words in one line, else the first line of what it sent.
    pub fn message(&self) -> String {
        let status = self.refusal().map(|status| status.message).filter(|message| !message.is_empty());
        status.unwrap_or_else(|| {
            let text = String::from_utf8_lossy(&self.body[..self.body.len().min(200)]);
            text.trim().lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect()
        })
    }

    /// The HTTP status and the server's words, as `503 Service Unavailable: etcd is not ready`.
    pub fn said(&self) -> String {
        let status = http::StatusCode::from_u16(self.status).ok();
        let reason = status.and_then(|status| status.canonical_reason()).unwrap_or_default();
        let message = self.message();
        match message.is_empty() || message == reason {
            true => format!("{} {reason}", self.status),
            false => format!("{} {reason}: {message}", self.status),
        }
    }

    /// Whether a 404 is about the path, not about the object's name: the API server then answers in plain text, or with
    /// a Status without a name.
    pub fn is_not_served(&self) -> bool {
        self.status == 404 && self.refusal().is_none_or(|status| status.details.name.is_empty())
    }

    /// Why a request about an object failed.
    pub fn into_error(self, verb: &'static str, object: &ObjectRef, server: &str) -> AccessError {
        let status = self.refusal().unwrap_or_default();
        match self.status {
            403 => AccessError::Forbidden { verb, object: object.to_string(), reason: self.message() },
            404 if self.is_not_served() => AccessError::NotServed(object.kind),
            // A new object's namespace may be what is missing.
            404 if status.details.kind == "namespaces" && object.kind != Kind::Namespace => {
                let name = status.details.name;
                AccessError::Missing(ObjectRef { kind: Kind::Namespace, namespace: None, name })
            }
            404 => AccessError::Missing(object.clone()),
            409 if status.reason == "AlreadyExists" => AccessError::Exists(object.clone()),
            409 if status.reason == "Conflict" || status.reason.is_empty() => AccessError::Conflict(object.clone()),
            400 | 409 | 413 | 415 | 422 => {
                AccessError::Invalid { object: object.to_string(), reason: self.causes(status) }
            }
            _ => AccessError::Unavailable(format!("{server}: {verb} {object}: {}", self.said())),
        }
    }

    /// Each field and what is wrong with it, else the message.
    fn causes(&self, status: Status) -> String {
        let causes: Vec<String> = status
            .details
            .causes
            .into_iter()
            .filter(|cause| !cause.message.is_empty())
            .map(|cause| match cause.field.is_empty() {
                true => cause.message,
                false => format!("{}: {}", cause.field, cause.message),
            })
            .collect();
        if causes.is_empty() { self.message() } else { causes.join("; ") }
    }

    /// Why an answer that should hold objects cannot be read.
    pub fn not_understood(&self, server: &str, what: &str, reason: &str) -> AccessError {
        let kind = if self.content_type.contains("json") {
            String::new()
        } else {
            format!(" (it is {}; is this the API server's address?)", self.content_type)
        };
        AccessError::Unavailable(format!("{server}: the answer for {what} cannot be understood{kind}: {reason}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> AccessError {
        let object = ObjectRef { kind: Kind::NetworkPolicy, namespace: Some("shop".into()), name: "web".into() };
        let answer = Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() };
        answer.into_error("create", &object, "https://h:6443")
    }

    /// Bodies as kube-apiserver sends them.
    #[test]
    fn refusals_become_what_they_mean() {
        let said = |code: u16, reason: &str, details: &str| {
            format!(
                r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"the words",
                    "reason":"{reason}","details":{details},"code":{code}}}"#
            )
        };
        assert!(matches!(error(409, &said(409, "Conflict", "{}")), AccessError::Conflict(_)));
        assert!(matches!(error(409, &said(409, "AlreadyExists", "{}")), AccessError::Exists(_)));
        let named = r#"{"name":"web","kind":"networkpolicies"}"#;
        assert!(
            matches!(error(404, &said(404, "NotFound", named)), AccessError::Missing(object) if object.name == "web")
        );
        let namespace = r#"{"name":"shop","kind":"namespaces"}"#;
        assert!(
            matches!(error(404, &said(404, "NotFound", namespace)), AccessError::Missing(o) if o.kind == Kind::Namespace)
        );
        assert!(matches!(error(404, "404 page not found\n"), AccessError::NotServed(Kind::NetworkPolicy)));
        assert!(matches!(error(404, &said(404, "NotFound", "{}")), AccessError::NotServed(_)));
        assert_eq!(
            error(403, &said(403, "Forbidden", named)).to_string(),
            "create NetworkPolicy shop/web is forbidden: the words"
        );
        let causes = r#"{"name":"web","causes":[{"reason":"FieldValueInvalid","message":"Invalid value: 3","field":"spec.order"},
            {"message":"must be set","field":"spec.types"}]}"#;
        assert_eq!(
            error(422, &said(422, "Invalid", causes)).to_string(),
            "NetworkPolicy shop/web is refused: spec.order: Invalid value: 3; spec.types: must be set"
        );
        assert_eq!(
            error(400, &said(400, "BadRequest", "null")).to_string(),
            "NetworkPolicy shop/web is refused: the words"
        );
        assert_eq!(
            error(500, "boom\nmore").to_string(),
            "https://h:6443: create NetworkPolicy shop/web: 500 Internal Server Error: boom"
        );
    }
}
