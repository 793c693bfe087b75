//! Reads what kube-apiserver wrote down about the requests that it got.
//! It does not filter: whose requests count is for the test to say.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;

/// What kube-apiserver notes: every request but its own to itself and the wait for it to be ready. Both stages are noted,
/// so that a request whose end is not in the file yet can be told from one that never came.
pub const POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: None
  users: ['system:apiserver']
- level: None
  nonResourceURLs: ['/readyz*']
- level: Metadata
";

/// One request, in the order of arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Kubernetes' verb (`get`, `list`, `watch`, `create`, ...), or the HTTP method's for paths that are no resource.
    pub verb: String,
    /// Path and query.
    pub uri: String,
    /// The user's name in the client certificate.
    pub user: String,
    /// As the client sent it; calicoctl says `Go-http-client/2.0`.
    pub user_agent: String,
    /// The HTTP status of the answer.
    pub code: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(rename = "auditID")]
    id: String,
    stage: String,
    verb: String,
    #[serde(rename = "requestURI")]
    uri: String,
    user: User,
    #[serde(default)]
    user_agent: String,
    response_status: Option<Status>,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    code: u16,
}

/// All requests so far. The end of a request is noted after its answer is sent, so this waits for the ends of those that
/// began; a watch counts once it has begun to answer.
pub fn read(log: &Path) -> Vec<AuditEvent> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let text = fs::read_to_string(log).unwrap_or_default();
        match events(&text) {
            Ok(events) => return events,
            Err(unfinished) => {
                assert!(Instant::now() < deadline, "kube-apiserver has not answered these requests: {unfinished:#?}");
                sleep(Duration::from_millis(5));
            }
        }
    }
}

/// The finished requests, or the URIs of the others if there are any.
fn events(text: &str) -> Result<Vec<AuditEvent>, Vec<String>> {
    // A line that is still being written lacks its end.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let (mut begun, mut events) = (Vec::new(), Vec::new());
    for line in whole.lines() {
        let line: Line = serde_json::from_str(line).unwrap_or_else(|e| panic!("not an audit event ({e}): {line}"));
        if line.stage == "RequestReceived" {
            begun.push(line.id);
            events.push(AuditEvent {
                verb: line.verb,
                uri: line.uri,
                user: line.user.username,
                user_agent: line.user_agent,
                code: 0,
            });
        } else if let Some(at) = begun.iter().position(|id| *id == line.id) {
            events[at].code = line.response_status.map_or(500, |status| status.code);
        }
    }
    let unfinished: Vec<_> = events.iter().filter(|event| event.code == 0).map(|event| event.uri.clone()).collect();
    if unfinished.is_empty() { Ok(events) } else { Err(unfinished) }
}
