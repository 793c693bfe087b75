//! Which cluster, and as whom: kubectl's own flags.
//! Never knows how a connection is made.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// kubectl's flags that choose a cluster and credentials. `-n` is the command's own.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// Path to the kubeconfig file to use for CLI requests
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The name of the kubeconfig context to use
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// The name of the kubeconfig cluster to use
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The name of the kubeconfig user to use
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// Username to impersonate for the operation; a regular user or a service account in a namespace
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// Group to impersonate for the operation, this flag can be repeated to specify multiple groups
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    pub impersonate_groups: Vec<String>,
    /// UID to impersonate for the operation
    #[arg(long = "as-uid", global = true, value_name = "UID")]
    pub impersonate_uid: Option<String>,
    /// The address and port of the Kubernetes API server
    #[arg(short, long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// Path to a cert file for the certificate authority
    #[arg(long, global = true, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// Path to a client certificate file for TLS
    #[arg(long, global = true, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// Path to a client key file for TLS
    #[arg(long, global = true, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// Bearer token for authentication to the API server
    #[arg(long, global = true)]
    pub token: Option<Secret>,
    /// If true, the server's certificate will not be checked for validity, which makes HTTPS connections insecure
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub insecure_skip_tls_verify: Option<bool>,
    /// Server name to use for server certificate validation; the server's hostname where not set
    #[arg(long, global = true, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// The length of time to wait before giving up on a single server request, as 1s, 2m, 3h; zero means don't timeout
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub request_timeout: Option<Duration>,
    /// If true, opt-out of response compression for all requests to the server
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub disable_compression: Option<bool>,
}

/// Text that is never shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text, for the one place that sends it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret(text)
    }
}

impl FromStr for Secret {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Secret, Infallible> {
        Ok(Secret(text.to_string()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(not shown)")
    }
}

/// A duration as kubectl takes it: whole seconds, or Go's form (`1h30m`, `1.5s`, `300ms`).
pub fn duration(text: &str) -> Result<Duration, String> {
    let refused = || {
        "a timeout is a whole number of seconds, or numbers with their units (ns, us, ms, s, m, h), as 30s or 1h30m"
            .to_string()
    };
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return Err(refused());
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(refused)?;
        let number: f64 = rest[..digits].parse().map_err(|_| refused())?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        seconds += number
            * match &rest[..unit] {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return Err(refused()),
            };
        rest = &rest[unit..];
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        connection: Connection,
    }

    fn parsed(line: &str) -> Result<Connection, clap::Error> {
        Line::try_parse_from(line.split(' ')).map(|line| line.connection)
    }

    #[test]
    fn flags_are_kubectls() {
        let connection = parsed(
            "x --context c --as a --as-group g --as-group h -s https://h:6443 --token t --insecure-skip-tls-verify \
             --request-timeout 1m --disable-compression=false",
        )
        .unwrap();
        assert_eq!(connection.context.as_deref(), Some("c"));
        assert_eq!(connection.impersonate_groups, ["g", "h"]);
        assert_eq!(connection.server.as_deref(), Some("https://h:6443"));
        assert_eq!(connection.insecure_skip_tls_verify, Some(true));
        assert_eq!(connection.disable_compression, Some(false));
        assert_eq!(connection.request_timeout, Some(Duration::from_secs(60)));
    }

    #[test]
    fn a_token_is_never_shown() {
        let connection = parsed("x --token hush").unwrap();
        assert_eq!(connection.token.as_ref().unwrap().expose(), "hush");
        assert!(!format!("{connection:?}").contains("hush"));
    }

    #[test]
    fn timeouts_are_seconds_or_gos_durations() {
        let millis = |text| duration(text).map(|d| d.as_millis());
        assert_eq!(millis("0"), Ok(0));
        assert_eq!(millis("30"), Ok(30_000));
        assert_eq!(millis("1h30m"), Ok(5_400_000));
        assert_eq!(millis("1.5s"), Ok(1500));
        assert_eq!(millis("300ms"), Ok(300));
        assert_eq!(millis("0s"), Ok(0));
        for text in ["", "-1s", "1", "s", "1d", "1.5", "1s2", "1..5s", "1e3s", " 1s"] {
            assert_eq!(duration(text).is_err(), text != "1", "{text:?}");
        }
    }
}
