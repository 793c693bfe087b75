//! Why a request got no answer, in words for a person, and whether it may be sent again.
//! Never shows a raw error of the HTTP client.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use http::Method;

use crate::kubernetes::AccessError;

/// No answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// `--request-timeout` ran out.
    Timeout(Duration),
    /// The request cannot be written down.
    Request(String),
    /// The client could not send it, or lost the connection.
    Sending(kube::Error),
}

/// What TLS says, and what that means.
const TLS_WORDS: &[(&str, &str)] = &[
    ("UnknownIssuer", "its certificate is signed by an authority that is not trusted here; see certificate-authority"),
    ("BadSignature", "its certificate is signed by another authority of the same name, one that is not trusted here"),
    ("CaUsedAsEndEntity", "its certificate is that of an authority, which is no server's certificate"),
    ("UnsupportedCertVersion", "a certificate is of X.509 version 1; version 3 is needed"),
    ("NotValidForName", "its certificate is for other names; see tls-server-name"),
    ("not valid for name", "its certificate is for other names; see tls-server-name"),
    ("NotValidYet", "its certificate is not valid yet"),
    ("Expired", "its certificate has run out"),
    ("expired", "its certificate has run out"),
    ("invalid peer certificate", "its certificate cannot be trusted"),
    ("CertificateRequired", "it asks for a client certificate"),
    ("BadCertificate", "it does not accept the client certificate"),
    ("CertificateUnknown", "it does not accept the client certificate"),
    ("InvalidContentType", "it does not speak TLS (http:// instead of https://?)"),
    ("corrupt message", "it does not speak TLS (http:// instead of https://?)"),
];

impl Failure {
    /// What the client reported.
    pub fn from_kube(error: kube::Error) -> Failure {
        Failure::Sending(error)
    }

    /// Whether sending the request again can do no harm: a read always, a write only if nobody was there to take it.
    pub fn safe_to_repeat(&self, method: &Method) -> bool {
        let Failure::Sending(error) = self else { return false };
        let kinds = io_kinds(error);
        if *method == Method::GET {
            // Who did not answer for so long already is not waited for again.
            let hopeless = [ErrorKind::InvalidData, ErrorKind::TimedOut];
            return tls_words(&chain(error)).is_none()
                && !is_about_login(error)
                && !kinds.iter().any(|kind| hopeless.contains(kind));
        }
        kinds.contains(&ErrorKind::ConnectionRefused)
    }

    /// What happened, in one line.
    pub fn words(&self, server: &str) -> String {
        match self {
            Failure::Timeout(timeout) => {
                format!("{server} did not answer within {} s (--request-timeout)", timeout.as_secs_f64())
            }
            Failure::Request(reason) => format!("a request for {server} cannot be made: {reason}"),
            Failure::Sending(error) => {
                let chain = chain(error);
                match (tls_words(&chain), io_kinds(error)) {
                    (Some(words), _) => format!("no connection to {server}: {words}: {chain}"),
                    (None, kinds) if kinds.contains(&ErrorKind::ConnectionRefused) => {
                        format!("no connection to {server}: nothing listens there: {chain}")
                    }
                    _ => format!("no answer from {server}: {chain}"),
                }
            }
        }
    }

    /// The error after the last of some tries.
    pub fn into_error(self, server: &str, tries: u32) -> AccessError {
        let words = self.words(server);
        match self {
            Failure::Sending(error) if is_about_login(&error) => AccessError::Credentials(words),
            _ if tries > 1 => AccessError::Unavailable(format!("{words} (tried {tries} times)")),
            _ => AccessError::Unavailable(words),
        }
    }
}

/// Whether the credentials could not be had, as when an OIDC issuer does not renew a token.
fn is_about_login(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<kube::client::AuthError>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// Every cause, outermost first, without the wrappers that say nothing and without repetition.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut causes: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let text = ["ServiceError: ", "HyperError: ", "auth error: "]
            .iter()
            .fold(text.as_str(), |text, wrapper| text.strip_prefix(wrapper).unwrap_or(text))
            .to_string();
        next = error.source();
        let says_nothing = text.starts_with("client error (") || text == "error trying to connect";
        if (says_nothing && next.is_some()) || causes.iter().any(|cause| cause.contains(&text)) {
            continue;
        }
        // An error that repeats its cause gives way to the cause.
        causes.retain(|cause| !text.contains(cause.as_str()));
        causes.push(text);
    }
    causes.join(": ")
}

/// The same, with what TLS means by it.
pub(super) fn in_words(error: &(dyn Error + 'static)) -> String {
    let chain = chain(error);
    match tls_words(&chain) {
        Some(words) => format!("{words}: {chain}"),
        None => chain,
    }
}

fn tls_words(chain: &str) -> Option<&'static str> {
    TLS_WORDS.iter().find(|(sign, _)| chain.contains(sign)).map(|(_, words)| *words)
}

/// The kinds of all I/O errors among the causes.
fn io_kinds(error: &(dyn Error + 'static)) -> Vec<ErrorKind> {
    let mut kinds = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            kinds.push(io.kind());
        }
        next = error.source();
    }
    kinds
}
