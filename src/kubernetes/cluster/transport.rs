//! Sends requests to one API server: bounded tries, timeouts, the server's warnings, a count of what was sent.
//! Never knows what a request is for, and prints nothing: what a person should hear goes to the listener.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue, RANGE, RETRY_AFTER, WARNING};
use http::{Method, Request};
use kube::client::Body;

use super::answer::Answer;
use super::credentials::Authorization;
use super::failure::Failure;
use crate::kubernetes::AccessError;

/// How often a request is sent at most.
const TRIES: u32 = 3;
/// The wait before the second try, in milliseconds; four times as long before the third.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait that a server may ask for; who asks for more is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A wait that a person should hear of.
const NOTICED_WAIT: Duration = Duration::from_secs(1);

/// Something to tell the person while it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A warning of the API server; each is told once.
    Warning(String),
    /// A request is sent again after more than a second.
    Waiting {
        /// How long.
        wait: Duration,
        /// Why, in words for a person.
        reason: String,
    },
    /// A request and its answer, for a person who wants to see all of them. Holds no secret.
    Exchange {
        /// As `GET`.
        method: String,
        /// Path and query.
        path: String,
        /// The HTTP status; none where there was no answer.
        status: Option<u16>,
        /// How long it took.
        took: Duration,
    },
    /// Anything else that is good to know.
    Remark(String),
}

impl fmt::Display for Notice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Warning(text) => write!(out, "Warning: {text}"),
            Notice::Waiting { wait, reason } => write!(out, "{reason}; trying again in {:.1} s", wait.as_secs_f64()),
            Notice::Exchange { method, path, status, took } => {
                let status = status.map_or_else(|| "no answer".to_string(), |status| status.to_string());
                write!(out, "{method} {path} {status} in {} ms", took.as_millis())
            }
            Notice::Remark(text) => out.write_str(text),
        }
    }
}

/// Who hears notices.
pub type Listener = Box<dyn Fn(&Notice)>;

/// A way to one API server.
pub(super) struct Transport {
    pub client: kube::Client,
    /// The server's address, as a person reads it.
    pub server: String,
    /// Whether a proxy stands before it.
    pub proxied: bool,
    pub authorization: Authorization,
    /// Who logs in, as `user "x"`, for messages.
    pub login: String,
    /// For each request; none waits as long as it takes.
    pub timeout: Option<Duration>,
    pub listener: Listener,
    pub requests: Cell<usize>,
    pub warnings: RefCell<BTreeSet<String>>,
}

/// A request.
pub(super) struct Call {
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// JSON.
    pub body: Option<Vec<u8>>,
    /// Which bytes of a file, as RFC 9110 has it.
    pub range: Option<String>,
}

impl Call {
    /// A GET.
    pub fn get(path: String) -> Call {
        Call { method: Method::GET, path, body: None, range: None }
    }
}

impl Transport {
    /// Sends a request and gives back what the server answered; an answer that says no is an answer. Only not being
    /// logged in, and no answer after all tries, are errors.
    pub async fn call(&self, call: &Call) -> Result<Answer, AccessError> {
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            let last = attempt == TRIES;
            let (pause, reason) = match self.once(call).await {
                Ok(answer) if answer.status == 401 => return Err(self.not_logged_in(&answer)),
                Ok(answer) if !worth_retrying(&call.method, &answer) => return Ok(answer),
                Ok(answer) if last => return self.given_up(answer),
                Ok(answer) if answer.retry_after.is_some_and(|asked| asked > LONGEST_WAIT) => {
                    return self.given_up(answer);
                }
                Ok(answer) => {
                    (answer.retry_after.unwrap_or(wait), format!("{} answers {}", self.server, answer.said()))
                }
                Err(failure) if !last && failure.safe_to_repeat(&call.method) => (wait, failure.words(&self.server)),
                Err(failure) => return Err(failure.into_error(&self.server, attempt)),
            };
            if pause > NOTICED_WAIT {
                (self.listener)(&Notice::Waiting { wait: pause, reason });
            }
            tokio::time::sleep(pause).await;
            wait *= 4;
        }
        unreachable!("the last try returns")
    }

    /// Sends a request once, for what there is another way to.
    pub async fn call_once(&self, call: &Call) -> Result<Answer, AccessError> {
        match self.once(call).await {
            Ok(answer) if answer.status == 401 => Err(self.not_logged_in(&answer)),
            Ok(answer) => Ok(answer),
            // Nobody answers at all: that is for all requests to say, after all their tries.
            Err(_) => self.call(call).await,
        }
    }

    async fn once(&self, call: &Call) -> Result<Answer, Failure> {
        let started = Instant::now();
        self.requests.set(self.requests.get() + 1);
        let exchange = self.exchange(call);
        let result = match self.timeout {
            Some(timeout) => tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(Failure::Timeout(timeout))),
            None => exchange.await,
        };
        (self.listener)(&Notice::Exchange {
            method: call.method.to_string(),
            path: call.path.clone(),
            status: result.as_ref().ok().map(|answer| answer.status),
            took: started.elapsed(),
        });
        result
    }

    async fn exchange(&self, call: &Call) -> Result<Answer, Failure> {
        let mut request = Request::builder().method(call.method.clone()).uri(call.path.as_str());
        if let Some(value) = self.authorization.value() {
            request = request.header(AUTHORIZATION, value);
        }
        request = request.header(http::header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(range) = &call.range {
            request = request.header(RANGE, range.as_str());
        }
        let body = match &call.body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Body::from(body.clone())
            }
            None => Body::empty(),
        };
        let request = request.body(body).map_err(|error| Failure::Request(error.to_string()))?;
        let response = self.client.send(request).await.map_err(Failure::from_kube)?;
        let (parts, body) = response.into_parts();
        self.warn(&parts.headers);
        let body = body.collect_bytes().await.map_err(Failure::from_kube)?;
        let retry_after = parts.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let content_range = parts.headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        Ok(Answer {
            content_range: content_range.map(str::to_string),
            status: parts.status.as_u16(),
            retry_after: retry_after.map(Duration::from_secs),
            content_type: content_type.to_string(),
            body: body.into(),
        })
    }

    /// Tells the server's `Warning:` headers, each text once.
    fn warn(&self, headers: &HeaderMap) {
        for text in headers.get_all(WARNING).iter().filter_map(|value| value.to_str().ok()).flat_map(warnings) {
            if self.warnings.borrow_mut().insert(text.clone()) {
                (self.listener)(&Notice::Warning(text));
            }
        }
    }

    fn not_logged_in(&self, answer: &Answer) -> AccessError {
        AccessError::Credentials(format!(
            "{} does not accept the credentials of {} (401 {}); log in again, or see with `kubectl auth whoami` whether \
             kubectl can",
            self.server,
            self.login,
            answer.message()
        ))
    }

    fn given_up(&self, answer: Answer) -> Result<Answer, AccessError> {
        let asked = answer.retry_after.filter(|asked| *asked > LONGEST_WAIT);
        let asked = asked.map(|asked| format!("; it asks to wait {} s", asked.as_secs())).unwrap_or_default();
        Err(AccessError::Unavailable(format!("{} answers {}{asked}", self.server, answer.said())))
    }
}

/// Reading again is always safe. A write is sent again only where the server says that it has not looked at it, and when to
/// come back.
fn worth_retrying(method: &Method, answer: &Answer) -> bool {
    match answer.status {
        429 => *method == Method::GET || answer.retry_after.is_some(),
        502..=504 => *method == Method::GET,
        _ => false,
    }
}

/// The texts of a `Warning:` header: `299 - "text"`, several separated by commas (RFC 7234, 5.5).
fn warnings(header: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = header;
    while let Some(start) = rest.find('"') {
        let is_warning = rest[..start].trim_start_matches([',', ' ']).starts_with("299 ");
        let mut text = String::new();
        let mut escaped = false;
        let mut end = None;
        for (index, c) in rest[start + 1..].char_indices() {
            match c {
                _ if escaped => {
                    text.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    end = Some(start + 1 + index + 1);
                    break;
                }
                c if c.is_control() => {}
                c => text.push(c),
            }
        }
        let Some(end) = end else { break };
        if is_warning && !text.is_empty() {
            texts.push(text);
        }
        rest = &rest[end..];
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_read_as_rfc_7234_writes_them() {
        assert_eq!(warnings(r#"299 - "v1 Endpoints is deprecated""#), ["v1 Endpoints is deprecated"]);
        assert_eq!(warnings(r#"299 - "a \"b\", c", 299 - "d""#), [r#"a "b", c"#, "d"]);
        assert_eq!(warnings(r#"110 cache "stale", 299 - "mine""#), ["mine"]);
        assert_eq!(warnings(r#"299 - "never closed"#), Vec::<String>::new());
        assert_eq!(warnings("nonsense"), Vec::<String>::new());
    }
}
