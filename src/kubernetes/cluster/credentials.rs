//! Turns a kubeconfig's user into what goes along with a request: a header, a client certificate.
//! Never sends anything, and never shows a secret.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderValue;
use serde::Deserialize;

use super::connection::Secret;
use super::exec;
use super::kubeconfig::{AuthProvider, UserEntry};
use super::select::Selected;
use crate::kubernetes::AccessError;

/// How old a token that was read from a file may be: client-go reads it again every minute.
const TOKEN_FILE_AGE: Duration = Duration::from_secs(60);
/// How long an ID token must still be good for.
const MARGIN: Duration = Duration::from_secs(10);

/// What logs in.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    /// What goes into every request.
    pub authorization: Authorization,
    /// A client certificate.
    pub identity: Option<Identity>,
    /// An OIDC login whose ID token has to be renewed first.
    pub renew: Option<AuthProvider>,
}

/// A client certificate and its key, both in PEM.
pub(super) struct Identity {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(not shown)")
    }
}

/// The Authorization header.
#[derive(Debug, Default)]
pub(super) enum Authorization {
    /// None is sent.
    #[default]
    None,
    /// The same for every request; marked as sensitive, so that it is never printed.
    Fixed(HeaderValue),
    /// From a file that somebody else keeps fresh.
    File(TokenFile),
}

/// A file with a bearer token.
#[derive(Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
    read: RefCell<(Instant, HeaderValue)>,
}

impl Authorization {
    /// The header's value for a request that is sent now.
    pub fn value(&self) -> Option<HeaderValue> {
        match self {
            Authorization::None => None,
            Authorization::Fixed(value) => Some(value.clone()),
            Authorization::File(file) => {
                let mut read = file.read.borrow_mut();
                if read.0.elapsed() > TOKEN_FILE_AGE {
                    // A file that cannot be read any more leaves the last token in use.
                    if let Ok(value) = token_of(&file.path) {
                        *read = (Instant::now(), value);
                    }
                }
                Some(read.1.clone())
            }
        }
    }
}

/// Whether a user has anything that must not go over a connection that others can read.
pub(super) fn has_secrets(user: &UserEntry) -> bool {
    !user.token.is_empty()
        || !user.token_file.is_empty()
        || !user.username.is_empty()
        || !user.password.is_empty()
        || !user.client_certificate.is_empty()
        || !user.client_certificate_data.is_empty()
        || user.exec.is_some()
        || user.auth_provider.is_some()
}

/// Collects a user's credentials; an exec plugin is run here and nowhere else.
pub(super) fn collect(selected: &Selected, terminal: bool) -> Result<Credentials, AccessError> {
    let user = &selected.user;
    let refused = |reason: String| AccessError::Credentials(format!("{}{reason}", of_user(selected)));
    let token = !user.token.is_empty() || !user.token_file.is_empty();
    let basic = !user.username.is_empty() || !user.password.is_empty();
    if token && basic {
        return Err(refused("a token and a password are both set, and only one may be".into()));
    }
    if user.exec.is_some() && user.auth_provider.is_some() {
        return Err(refused("an exec plugin and an auth-provider are both set, and only one may be".into()));
    }
    let mut credentials = Credentials { identity: identity(user)?, ..Credentials::default() };
    if token {
        credentials.authorization = file_or_token(user)?;
    } else if basic {
        let pair = STANDARD.encode(format!("{}:{}", user.username, user.password.expose()));
        credentials.authorization = Authorization::Fixed(header("Basic", &pair).map_err(refused)?);
    } else if let Some(plugin) = &user.exec {
        let status = exec::run(plugin, &selected.cluster, terminal).map_err(refused)?;
        if !status.token.is_empty() {
            credentials.authorization = Authorization::Fixed(header("Bearer", status.token.expose()).map_err(refused)?);
        }
        if !status.client_certificate_data.is_empty() {
            let key = status.client_key_data.expose().as_bytes().to_vec();
            credentials.identity = Some(Identity { certificate: status.client_certificate_data.into_bytes(), key });
        }
    } else if let Some(provider) = &user.auth_provider {
        match id_token(provider).map_err(refused)? {
            Some(value) => credentials.authorization = Authorization::Fixed(value),
            None => credentials.renew = Some(provider.clone()),
        }
    }
    Ok(credentials)
}

/// `user "x": `, where the user has a name.
pub(super) fn of_user(selected: &Selected) -> String {
    selected.user_name.as_ref().map(|name| format!("user {name:?}: ")).unwrap_or_default()
}

/// The file wins over the token, which stands in where the file cannot be read, as with client-go.
fn file_or_token(user: &UserEntry) -> Result<Authorization, AccessError> {
    let unusable = |reason| AccessError::File { path: user.token_file.clone(), reason };
    if user.token_file.is_empty() {
        let value = header("Bearer", user.token.expose()).map_err(AccessError::Credentials)?;
        return Ok(Authorization::Fixed(value));
    }
    let path = PathBuf::from(&user.token_file);
    match token_of(&path) {
        Ok(value) => Ok(Authorization::File(TokenFile { path, read: RefCell::new((Instant::now(), value)) })),
        Err(_) if !user.token.is_empty() => {
            header("Bearer", user.token.expose()).map(Authorization::Fixed).map_err(AccessError::Credentials)
        }
        Err(reason) => Err(unusable(reason)),
    }
}

fn token_of(path: &PathBuf) -> Result<HeaderValue, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    match text.trim() {
        "" => Err("the token file is empty".into()),
        token => header("Bearer", token),
    }
}

fn header(scheme: &str, secret: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::try_from(format!("{scheme} {secret}"))
        .map_err(|_| "the token or password has characters that cannot be sent".to_string())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Data wins over files, as with kubectl.
fn identity(user: &UserEntry) -> Result<Option<Identity>, AccessError> {
    let certificate = pem("client-certificate-data", &user.client_certificate_data, &user.client_certificate)?;
    let key = pem("client-key-data", user.client_key_data.expose(), &user.client_key)?;
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(Identity { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(AccessError::Credentials("a client certificate is set without its key".into())),
        (None, Some(_)) => Err(AccessError::Credentials("a client key is set without its certificate".into())),
    }
}

/// The bytes of `…-data` in base64, else those of a file.
pub(super) fn pem(field: &str, data: &str, file: &str) -> Result<Option<Vec<u8>>, AccessError> {
    if !data.is_empty() {
        let data: String = data.split_whitespace().collect();
        let bytes = STANDARD.decode(data);
        return bytes.map(Some).map_err(|_| AccessError::Credentials(format!("{field} is not base64")));
    }
    if file.is_empty() {
        return Ok(None);
    }
    let unusable = |error: std::io::Error| AccessError::File { path: file.to_string(), reason: error.to_string() };
    std::fs::read(file).map(Some).map_err(unusable)
}

/// The header of an OIDC login, or none where the ID token has run out and can be renewed.
fn id_token(provider: &AuthProvider) -> Result<Option<HeaderValue>, String> {
    if provider.name != "oidc" {
        return Err(format!(
            "the auth-provider {} was taken out of kubectl 1.26; use its exec plugin instead",
            provider.name
        ));
    }
    let token = provider.config.get("id-token").map(Secret::expose).unwrap_or_default();
    if expires(token).is_some_and(|expiry| expiry > now() + MARGIN) {
        return header("Bearer", token).map(Some);
    }
    match provider.config.get("refresh-token").is_some_and(|token| !token.is_empty()) && !token.is_empty() {
        true => Ok(None),
        false => Err(
            "the OIDC ID token has run out or cannot be read, and there is no refresh-token to renew it; log in again"
                .into(),
        ),
    }
}

/// When a JSON Web Token runs out.
fn expires(token: &str) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    Duration::try_from_secs_f64(claims.exp).ok()
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(yaml: &str) -> Selected {
        Selected { user_name: Some("me".into()), user: serde_yaml::from_str(yaml).unwrap(), ..Selected::default() }
    }

    fn sent(yaml: &str) -> String {
        let credentials = collect(&selected(yaml), false).unwrap();
        credentials.authorization.value().map(|value| value.to_str().unwrap().to_string()).unwrap_or_default()
    }

    fn jwt(expiry: &str) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{expiry}}}"#)))
    }

    #[test]
    fn tokens_and_passwords_become_a_header_that_is_never_printed() {
        assert_eq!(sent("token: t"), "Bearer t");
        assert_eq!(sent("{username: u, password: p}"), "Basic dTpw");
        assert_eq!(sent("{}"), "");
        let credentials = collect(&selected("token: hush"), false).unwrap();
        assert!(!format!("{credentials:?}").contains("hush"));
    }

    #[test]
    fn a_token_file_wins_and_is_trimmed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        std::fs::write(&file, "from-file\n").unwrap();
        assert_eq!(sent(&format!("{{token: t, tokenFile: {}}}", file.display())), "Bearer from-file");
        assert_eq!(sent("{token: t, tokenFile: /nowhere/token}"), "Bearer t");
        let error = collect(&selected("tokenFile: /nowhere/token"), false).unwrap_err();
        assert!(matches!(error, AccessError::File { path, .. } if path == "/nowhere/token"));
    }

    #[test]
    fn a_valid_id_token_is_used_as_it_is() {
        let provider =
            |token: &str, more: &str| format!("auth-provider: {{name: oidc, config: {{id-token: {token}{more}}}}}");
        let good = jwt("99999999999");
        assert_eq!(sent(&provider(&good, "")), format!("Bearer {good}"));
        let old = collect(&selected(&provider(&jwt("1"), ", refresh-token: r")), false).unwrap();
        assert!(old.renew.is_some() && old.authorization.value().is_none());
        let error = collect(&selected(&provider(&jwt("1"), "")), false).unwrap_err();
        assert!(error.to_string().contains("log in again"), "{error}");
        let gone = collect(&selected("auth-provider: {name: gcp, config: {}}"), false).unwrap_err();
        assert!(gone.to_string().contains("gcp"), "{gone}");
    }

    #[test]
    fn contradictions_are_refused() {
        for (yaml, reason) in [
            ("{token: t, username: u, password: p}", "a token and a password"),
            ("{client-certificate-data: QQ==}", "without its key"),
            ("{client-key-data: QQ==}", "without its certificate"),
            ("{client-certificate-data: '!', client-key-data: QQ==}", "not base64"),
            ("{exec: {command: x}, auth-provider: {name: oidc}}", "only one"),
        ] {
            let error = collect(&selected(yaml), false).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
