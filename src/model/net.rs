//! Addresses and prefixes: how Calico's text becomes one, and a map from prefixes that stays fast with many.
//! Never knows what an address belongs to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// Values by prefix; several values may stand at one. Look-ups take one step for each prefix length in use (at most
/// 33 or 129), however many prefixes there are.
#[derive(Clone, Debug)]
pub struct NetMap<T> {
    by_prefix: HashMap<IpNet, Vec<T>>,
    v4_lengths: u64,
    v6_lengths: [bool; 129],
}

impl<T> Default for NetMap<T> {
    fn default() -> Self {
        NetMap { by_prefix: HashMap::new(), v4_lengths: 0, v6_lengths: [false; 129] }
    }
}

impl<T> NetMap<T> {
    /// Adds a value at a prefix; host bits are cleared.
    pub fn insert(&mut self, net: IpNet, value: T) {
        match net {
            IpNet::V4(_) => self.v4_lengths |= 1 << net.prefix_len(),
            IpNet::V6(_) => self.v6_lengths[usize::from(net.prefix_len())] = true,
        }
        self.by_prefix.entry(net.trunc()).or_default().push(value);
    }

    /// Every value whose prefix contains the address, shortest prefix first.
    pub fn containing(&self, ip: IpAddr) -> impl Iterator<Item = &T> {
        let longest = if ip.is_ipv4() { 32 } else { 128 };
        (0..=longest)
            .filter(move |length| match ip {
                IpAddr::V4(_) => self.v4_lengths & (1 << length) != 0,
                IpAddr::V6(_) => self.v6_lengths[usize::from(*length)],
            })
            .filter_map(move |length| self.by_prefix.get(&IpNet::new(ip, length).ok()?.trunc()))
            .flatten()
    }
}

/// Reads a CIDR as Calico does, with the bits behind its mask as they are. Not every text that names a net elsewhere is
/// one to Calico: `010.0.0.0/8` is none. An IPv4 address in IPv6 form is IPv4.
pub fn parse_cidr(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let length = length.parse().ok().filter(|_| is_number)?;
    let net = IpNet::new(address.parse().ok()?, length).ok()?;
    match net.addr() {
        IpAddr::V6(address) if length >= 96 && address.to_ipv4_mapped().is_some() => {
            IpNet::new(IpAddr::V4(address.to_ipv4_mapped()?), length - 96).ok()
        }
        _ => Some(net),
    }
}

/// Reads a CIDR or an address as Felix does: host bits are cleared, an address alone is a host.
pub fn parse_net(text: &str) -> Option<IpNet> {
    match parse_cidr(text) {
        Some(net) => Some(net.trunc()),
        None => IpAddr::from_str(text).ok().map(|address| IpNet::from(address.to_canonical())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_prefix_that_contains_an_address() {
        let mut map = NetMap::default();
        for (value, net) in
            ["0.0.0.0/0", "10.0.0.0/8", "10.20.0.0/16", "10.20.1.1/32", "::/0", "fd00::/8"].into_iter().enumerate()
        {
            map.insert(net.parse().unwrap(), value);
        }
        let at = |ip: &str| map.containing(ip.parse().unwrap()).copied().collect::<Vec<_>>();
        assert_eq!(at("10.20.1.1"), [0, 1, 2, 3]);
        assert_eq!(at("10.21.1.1"), [0, 1]);
        assert_eq!(at("fd00::1"), [4, 5]);
        assert_eq!(at("2001:db8::1"), [4]);
    }

    #[test]
    fn host_bits_are_cleared_and_an_address_is_a_host() {
        assert_eq!(parse_net("10.7.0.99").unwrap().to_string(), "10.7.0.99/32");
        assert_eq!(parse_net("1.2.3.4/16").unwrap().to_string(), "1.2.0.0/16");
        for (text, net) in [
            ("10.0.0.0/08", Some("10.0.0.0/8")),
            ("::ffff:10.1.2.3", Some("10.1.2.3/32")),
            ("::ffff:10.1.2.3/112", Some("10.1.0.0/16")),
            ("fd00::1/64", Some("fd00::/64")),
            ("10.0.0.0/33", None),
            ("10.0.0.0/+8", None),
            ("10.0.0.0/", None),
            ("010.0.0.0/8", None),
            ("010.0.0.1", None),
            ("10.0.0/8", None),
            (" 10.0.0.0/8", None),
            ("fe80::1%eth0/64", None),
            ("", None),
        ] {
            assert_eq!(parse_net(text), net.map(|net| net.parse().unwrap()), "{text}");
        }
        assert_eq!(parse_cidr("1.2.3.4/16").unwrap().to_string(), "1.2.3.4/16");
        assert_eq!(parse_cidr("1.2.3.4"), None);
    }
}
