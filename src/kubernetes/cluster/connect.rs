//! Makes the way to an API server out of what a kubeconfig and flags say.
//! Never sends a request: the first one connects.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use http::header::{HeaderValue, USER_AGENT};
use kube::config::{AuthInfo, AuthProviderConfig, Config};

use super::connection::Connection;
use super::credentials::{self, Credentials, Identity};
use super::failure;
use super::kubeconfig::{AuthProvider, ClusterEntry, Environment, Kubeconfig};
use super::proxy::proxy_for;
use super::select::Selected;
use super::transport::{Listener, Notice, Transport};
use crate::kubernetes::AccessError;

/// How long a server may be silent in the middle of a request. It answers everything that is asked of it here within its
/// own limit of 60 seconds, so that one that is silent for longer is gone.
const SILENCE: Duration = Duration::from_secs(120);

/// What of the machine decides how to connect; an argument, so that tests bring their own.
pub(super) struct Machine<'a> {
    /// Variables of the environment.
    pub environment: Environment<'a>,
    /// Where a pod finds its credentials.
    pub service_account: &'a Path,
    /// Whether a person can answer an exec plugin.
    pub terminal: bool,
}

/// Chooses the cluster and the user, logs in, and makes the client.
pub(super) fn connect(
    flags: &Connection,
    machine: &Machine<'_>,
    listener: Listener,
) -> Result<(Selected, Transport), AccessError> {
    let kubeconfig = Kubeconfig::load(flags.kubeconfig.as_deref(), machine.environment)?;
    let selected = kubeconfig.select(flags, machine.environment, machine.service_account)?;
    let url = server_url(&selected.cluster, !selected.user.client_certificate.is_empty())?;
    let server = url.to_string().trim_end_matches('/').to_string();
    if url.scheme_str() == Some("http") && credentials::has_secrets(&selected.user) {
        return Err(AccessError::Credentials(format!(
            "{}{server} is plain http, over which anybody on the way could read the credentials; use https://, or a user \
             without credentials",
            credentials::of_user(&selected)
        )));
    }
    let login = credentials::collect(&selected, machine.terminal)?;
    let proxy = proxy_for(&url, &selected.cluster.proxy_url, machine.environment).map_err(AccessError::Unavailable)?;
    if login.renew.is_some() {
        listener(&Notice::Remark("the OIDC ID token has run out; it is renewed for this run only".into()));
    }
    let timeout = flags.request_timeout.filter(|timeout| !timeout.is_zero());
    let Credentials { authorization, identity, renew } = login;
    let proxied = proxy.is_some();
    let config = config(&selected, url, proxy, identity, renew, timeout)?;
    let client = kube::Client::try_from(config).map_err(|error| {
        AccessError::Credentials(format!("{}{}", credentials::of_user(&selected), failure::in_words(&error)))
    })?;
    let transport = Transport {
        client,
        server,
        proxied,
        authorization,
        login: who(&selected),
        timeout,
        listener,
        requests: Cell::new(0),
        warnings: RefCell::new(BTreeSet::new()),
    };
    Ok((selected, transport))
}

/// Whose credentials are used, for messages.
fn who(selected: &Selected) -> String {
    match &selected.user_name {
        Some(name) => format!("user {name:?}"),
        None if !selected.user.token_file.is_empty() => "this pod's ServiceAccount".into(),
        None if credentials::has_secrets(&selected.user) => "the flags".into(),
        None => "nobody, as none are set".into(),
    }
}

/// The server's address. Without a scheme it is https wherever something speaks of TLS, as with kubectl.
fn server_url(cluster: &ClusterEntry, certificate: bool) -> Result<Uri, AccessError> {
    let text = cluster.server.trim();
    let speaks_tls = certificate
        || cluster.insecure_skip_tls_verify
        || !cluster.certificate_authority.is_empty()
        || !cluster.certificate_authority_data.is_empty();
    let text = match (text.contains("://"), speaks_tls) {
        (true, _) => text.to_string(),
        (false, true) => format!("https://{text}"),
        (false, false) => format!("http://{text}"),
    };
    let refused = |reason: &str| AccessError::Unavailable(format!("the server's address {reason}"));
    let url: Uri = text.parse().map_err(|_| refused("is not a URL"))?;
    if url.host().is_none_or(str::is_empty) {
        return Err(refused("names no host"));
    }
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(refused("holds a user name or password; put them into the kubeconfig's user"));
    }
    match url.scheme_str() {
        Some("http" | "https") => Ok(url),
        scheme => Err(refused(&format!("starts with {}://, not https://", scheme.unwrap_or_default()))),
    }
}

fn config(
    selected: &Selected,
    url: Uri,
    proxy: Option<Uri>,
    identity: Option<Identity>,
    renew: Option<AuthProvider>,
    timeout: Option<Duration>,
) -> Result<Config, AccessError> {
    let (cluster, user) = (&selected.cluster, &selected.user);
    // Without TLS, or without looking at the certificate, the machine's store of authorities need not be read.
    let no_check = cluster.insecure_skip_tls_verify || url.scheme_str() == Some("http");
    let over_tls = proxy.as_ref().is_some_and(|proxy| proxy.scheme_str() == Some("https"));
    let mut config = Config::new(url);
    config.root_cert = match authorities(cluster)? {
        None if no_check && !over_tls => Some(Vec::new()),
        authorities => authorities,
    };
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify;
    config.tls_server_name = Some(cluster.tls_server_name.clone()).filter(|name| !name.is_empty());
    config.proxy_url = proxy;
    config.disable_compression = cluster.disable_compression;
    // kube would try 15 times, up to 1000 seconds apart, and say nothing; `Transport` does it.
    config.default_retry = false;
    config.connect_timeout = match (config.connect_timeout, timeout) {
        (Some(usual), Some(timeout)) => Some(usual.min(timeout)),
        (usual, timeout) => usual.or(timeout),
    };
    config.read_timeout = timeout.is_none().then_some(SILENCE);
    config.reset_reader_on_write = true;
    let agent = HeaderValue::try_from(user_agent()).map_err(|error| AccessError::Unavailable(error.to_string()))?;
    config.headers.push((USER_AGENT, agent));
    let set = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let mut info = AuthInfo {
        impersonate: set(&user.impersonate),
        impersonate_uid: set(&user.impersonate_uid),
        impersonate_groups: Some(user.impersonate_groups.clone()).filter(|groups| !groups.is_empty()),
        impersonate_user_extra: Some(user.impersonate_extra.clone().into_iter().collect())
            .filter(|extra: &std::collections::HashMap<_, _>| !extra.is_empty()),
        auth_provider: renew.map(|renewal| AuthProviderConfig {
            name: renewal.name,
            config: renewal.config.into_iter().map(|(key, value)| (key, value.expose().to_string())).collect(),
            ..AuthProviderConfig::default()
        }),
        ..AuthInfo::default()
    };
    if let Some(Identity { certificate, key }) = identity {
        info.client_certificate_data = Some(STANDARD.encode(certificate));
        info.client_key_data = Some(STANDARD.encode(key).into());
    }
    config.auth_info = info;
    Ok(config)
}

/// The certificates of the cluster's authorities, in DER; none leaves it to the machine's store.
fn authorities(cluster: &ClusterEntry) -> Result<Option<Vec<Vec<u8>>>, AccessError> {
    let Some(pem) = credentials::pem(
        "certificate-authority-data",
        &cluster.certificate_authority_data,
        &cluster.certificate_authority,
    )?
    else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&pem);
    let mut certificates = Vec::new();
    for block in text.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let body: String = block.split("-----END").next().unwrap_or_default().split_whitespace().collect();
        certificates.extend(STANDARD.decode(body).ok());
    }
    if certificates.is_empty() {
        let path = match cluster.certificate_authority_data.is_empty() {
            true => cluster.certificate_authority.clone(),
            false => "certificate-authority-data".to_string(),
        };
        return Err(AccessError::File { path, reason: "it holds no certificate in PEM".into() });
    }
    Ok(Some(certificates))
}

/// As `kubectl-zerotrust/0.1.0 (linux/amd64)`.
fn user_agent() -> String {
    let os = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        arch => arch,
    };
    format!("{}/{} ({os}/{arch})", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}
