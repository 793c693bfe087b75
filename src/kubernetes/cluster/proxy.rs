//! Which proxy leads to the API server: the cluster's own, else the environment's, by Go's rules (golang.org/x/net/http/httpproxy).
//! Never connects.

use std::net::IpAddr;

use http::Uri;
use ipnet::IpNet;

use super::kubeconfig::Environment;

/// The proxy for a server; none means that it is reached directly. A proxy of the kubeconfig is used whatever NO_PROXY
/// says, as with kubectl. The error names the setting that is wrong.
pub(super) fn proxy_for(server: &Uri, own: &str, environment: Environment<'_>) -> Result<Option<Uri>, String> {
    if !own.is_empty() {
        return address(own).map(Some).ok_or_else(|| "proxy-url of the kubeconfig is not a proxy's address".into());
    }
    let names = match server.scheme_str() {
        Some("https") => ["HTTPS_PROXY", "https_proxy"],
        _ => ["HTTP_PROXY", "http_proxy"],
    };
    let Some((name, value)) = first(environment, names) else { return Ok(None) };
    let no_proxy = first(environment, ["NO_PROXY", "no_proxy"]).map(|(_, value)| value).unwrap_or_default();
    if bypassed(server, &no_proxy) {
        return Ok(None);
    }
    address(&value).map(Some).ok_or_else(|| format!("{name} is not a proxy's address"))
}

fn first(environment: Environment<'_>, names: [&'static str; 2]) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|name| Some((name, environment(name).filter(|value| !value.is_empty())?)))
}

/// A proxy's address; without a scheme it is an HTTP proxy.
fn address(text: &str) -> Option<Uri> {
    let text = text.trim();
    let text = text.strip_prefix("socks5h://").map_or_else(|| text.to_string(), |rest| format!("socks5://{rest}"));
    let text = if text.contains("://") { text } else { format!("http://{text}") };
    let uri: Uri = text.parse().ok()?;
    uri.host().filter(|host| !host.is_empty())?;
    matches!(uri.scheme_str(), Some("http" | "https" | "socks5")).then_some(uri)
}

/// Whether NO_PROXY, or being this machine, takes a server from the proxy.
fn bypassed(server: &Uri, no_proxy: &str) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_lowercase();
    let host = host.trim_end_matches('.');
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("https") { 443 } else { 80 });
    let ip: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
        return true;
    }
    no_proxy.split(',').any(|entry| matches(entry.trim().to_lowercase().as_str(), host, ip, port))
}

fn matches(entry: &str, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(net) = entry.parse::<IpNet>() {
        return ip.is_some_and(|ip| net.contains(&ip));
    }
    let (entry, entry_port) = split_port(entry);
    if entry.is_empty() || entry_port.is_some_and(|entry_port| entry_port != port.to_string()) {
        return false;
    }
    if let Ok(address) = entry.parse::<IpAddr>() {
        return ip == Some(address);
    }
    // `example.org` means itself and what is below it; `.example.org` and `*.example.org` only what is below it.
    match entry.strip_prefix('*').unwrap_or(entry).strip_prefix('.') {
        Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
        None => host == entry || host.strip_suffix(entry).is_some_and(|rest| rest.ends_with('.')),
    }
}

/// Takes a port off `host:port` and `[address]:port`; a bare IPv6 address has none.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    if let Some(inner) = entry.strip_prefix('[') {
        return match inner.split_once(']') {
            Some((address, rest)) => (address, rest.strip_prefix(':')),
            None => ("", None),
        };
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(server: &str, own: &str, environment: &[(&str, &str)]) -> Result<Option<String>, String> {
        let look = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
        proxy_for(&server.parse().unwrap(), own, &look).map(|uri| uri.map(|uri| uri.to_string()))
    }

    #[test]
    fn the_scheme_of_the_server_chooses_the_variable() {
        let both = [("HTTPS_PROXY", "http://s:1"), ("HTTP_PROXY", "http://p:2"), ("https_proxy", "http://ignored:3")];
        assert_eq!(proxy("https://api:6443", "", &both), Ok(Some("http://s:1/".into())));
        assert_eq!(proxy("http://api:8080", "", &both), Ok(Some("http://p:2/".into())));
        assert_eq!(proxy("https://api:6443", "", &[("https_proxy", "low:3128")]), Ok(Some("http://low:3128/".into())));
        assert_eq!(proxy("https://api:6443", "", &[("HTTPS_PROXY", "")]), Ok(None));
        assert_eq!(proxy("https://api:6443", "", &[]), Ok(None));
    }

    #[test]
    fn the_clusters_own_proxy_wins_over_no_proxy() {
        let environment = [("NO_PROXY", "*"), ("HTTPS_PROXY", "http://other:1")];
        assert_eq!(proxy("https://api", "socks5h://own:1080", &environment), Ok(Some("socks5://own:1080/".into())));
        assert!(proxy("https://api", "ftp://own", &[]).unwrap_err().contains("proxy-url"));
        assert!(proxy("https://api", "", &[("HTTPS_PROXY", "ftp://x")]).unwrap_err().contains("HTTPS_PROXY"));
    }

    /// As golang.org/x/net/http/httpproxy documents NO_PROXY.
    #[test]
    fn no_proxy_is_compared_with_the_server() {
        for (server, no_proxy, direct) in [
            ("https://api.example.org:6443", "example.org", true),
            ("https://api.example.org:6443", ".example.org", true),
            ("https://api.example.org:6443", "*.example.org", true),
            ("https://example.org", ".example.org", false),
            ("https://example.org", "example.org", true),
            ("https://notexample.org", "example.org", false),
            ("https://api.example.org:6443", "other, API.example.org:6443", true),
            ("https://api.example.org:6443", "api.example.org:443", false),
            ("https://api.example.org", "api.example.org:443", true),
            ("https://10.1.2.3:6443", "10.0.0.0/8", true),
            ("https://10.1.2.3:6443", "10.1.2.3", true),
            ("https://10.1.2.3:6443", "10.1.2.3:6443", true),
            ("https://10.1.2.3:6443", "10.1.2.3:1", false),
            ("https://[fd00::1]:6443", "fd00::1", true),
            ("https://[fd00::1]:6443", "[fd00::1]:6443", true),
            ("https://[fd00::1]:6443", "fd00::/8", true),
            ("https://api", "*", true),
            ("https://api", "", false),
            ("https://api", ",", false),
            ("https://localhost:6443", "", true),
            ("https://127.0.0.1:6443", "", true),
            ("https://[::1]:6443", "", true),
            ("https://10.9.9.9", "proxy", false),
        ] {
            let environment = [("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", no_proxy)];
            assert_eq!(proxy(server, "", &environment).unwrap().is_none(), direct, "{server} {no_proxy}");
        }
    }
}
