//! From where to where this program's requests go: the server's name, its addresses, and this machine's own.
//! Never sends anything.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

use http::Uri;

use super::Cluster;

/// The way of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Its addresses; none behind a proxy, or where its name cannot be looked up.
    pub addresses: Vec<IpAddr>,
    /// The address from which this machine sends there; none behind a proxy.
    pub local: Option<IpAddr>,
}

impl Cluster {
    /// The way of this program's requests.
    pub fn way(&self) -> Way {
        way(self.server(), self.transport.proxied)
    }
}

fn way(server: &str, proxied: bool) -> Way {
    let Ok(url) = server.parse::<Uri>() else { return Way::default() };
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_string();
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("http") { 80 } else { 443 });
    let found: Vec<SocketAddr> = match proxied {
        true => Vec::new(),
        false => (host.as_str(), port).to_socket_addrs().map(Iterator::collect).unwrap_or_default(),
    };
    let local = found.iter().find_map(|to| local(*to));
    Way { host, port, addresses: found.iter().map(SocketAddr::ip).collect(), local }
}

/// The address that the kernel sends from. Connecting a UDP socket looks up the route and sends nothing.
fn local(to: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(to).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_told_by_the_servers_address_and_a_proxy_hides_it() {
        let direct = way("https://127.0.0.1:6443", false);
        assert_eq!((direct.host.as_str(), direct.port), ("127.0.0.1", 6443));
        assert_eq!(direct.addresses, [IpAddr::from([127, 0, 0, 1])]);
        assert_eq!(direct.local, Some(IpAddr::from([127, 0, 0, 1])));
        let hidden = way("https://127.0.0.1", true);
        assert_eq!((hidden.port, hidden.addresses.len(), hidden.local), (443, 0, None));
    }
}
