//! One line of a kernel log as the packet that it tells of.
//! Never knows a cluster: addresses and interfaces stay what the kernel wrote.

use std::net::IpAddr;

use super::header::message;
use crate::model::flow::Protocol;

/// What a line says, and on which machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The machine, where the line's header names it, or where it was read from it.
    pub host: Option<String>,
    /// What happened.
    pub event: Event,
}

/// What a line tells of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A packet that a LOG rule of iptables or a log statement of nftables saw (net/netfilter/nf_log_syslog.c).
    Logged(Logged),
    /// A packet that came in by an interface by which no answer would go (rp_filter), or with an impossible source
    /// (net/ipv4/route.c).
    Martian {
        /// Source address.
        source: IpAddr,
        /// Destination address.
        destination: IpAddr,
        /// The interface that it came in by.
        interface: String,
    },
    /// WireGuard decrypted a packet whose source is not among the sender's allowed IPs; told with dynamic debugging on.
    UnallowedSource {
        /// The packet's source address.
        source: IpAddr,
        /// WireGuard's interface.
        interface: String,
        /// The address of the machine that sent it.
        peer: Option<IpAddr>,
    },
    /// WireGuard has no peer whose allowed IPs hold a packet's destination; told with dynamic debugging on.
    NoPeer {
        /// The packet's destination address.
        destination: IpAddr,
        /// WireGuard's interface.
        interface: String,
    },
}

/// A packet as a log rule saw it. What tells repeats apart (source port, identification, time) is left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Logged {
    /// What stands before `IN=`, as it is written.
    pub prefix: String,
    /// The interface that it came in by; empty for what the machine itself sends.
    pub incoming: String,
    /// The interface that it goes out by; empty where that is not decided yet, or where the machine itself is meant.
    pub outgoing: String,
    /// The Ethernet addresses of receiver and sender.
    pub mac: Option<(Mac, Mac)>,
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Protocol; none where the line is cut before it.
    pub protocol: Option<Protocol>,
    /// Destination port; none for protocols without ports, for those whose ports the kernel does not write (SCTP), for
    /// fragments, and where the line is cut.
    pub port: Option<u16>,
    /// Source port, where it is one that programs ask for (below 1024): rules can mean it. Others differ with each try.
    pub source_port: Option<u16>,
    /// ICMP type and code.
    pub icmp: Option<(u8, u8)>,
    /// What kind of packet it is to its connection.
    pub part: Part,
}

/// An Ethernet address.
pub type Mac = [u8; 6];

/// What a packet is to its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// It can open one: TCP with SYN alone, and all that has no connections.
    Opening,
    /// TCP without SYN, or with SYN and ACK: it belongs to a connection that the kernel does not know, or no longer.
    Later,
    /// A fragment without ports.
    Fragment,
    /// An ICMP error about another packet.
    Error,
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// One that is understood.
    Entry(Entry),
    /// A packet, but cut before both of its addresses are told.
    Cut,
    /// Anything else.
    Other,
}

/// Reads a line of a kernel log in any of the forms in which it is kept.
pub fn parse(line: &str) -> Line {
    // Most lines of a kernel log are about something else.
    if !["OUT=", "martian source", "wireguard: "].iter().any(|sign| line.contains(sign)) {
        return Line::Other;
    }
    let message = message(line);
    let host = message.host.clone();
    let event = match logged(&message.text) {
        Some(Ok(logged)) => Some(Event::Logged(logged)),
        Some(Err(Cut)) => return Line::Cut,
        None => martian(&message.text).or_else(|| wireguard(&message.text)),
    };
    event.map_or(Line::Other, |event| Line::Entry(Entry { host, event }))
}

/// The line ends too early.
struct Cut;

fn logged(text: &str) -> Option<Result<Logged, Cut>> {
    let (before_out, _) = text.split_once(" OUT=")?;
    let start = before_out.rfind("IN=")?;
    let (prefix, fields) = text.split_at(start);
    if fields[3..].starts_with(' ') && !fields.starts_with("IN= ") || before_out[start + 3..].contains(' ') {
        return None;
    }
    let fields = Fields::of(fields);
    let (Some(source), Some(destination)) = (fields.address("SRC"), fields.address("DST")) else {
        return Some(Err(Cut));
    };
    let protocol = fields.protocol();
    let icmp = fields.number("TYPE").zip(fields.number("CODE"));
    let part = fields.part(protocol, icmp);
    Some(Ok(Logged {
        prefix: prefix.to_string(),
        incoming: fields.get("IN").unwrap_or_default().to_string(),
        outgoing: fields.get("OUT").unwrap_or_default().to_string(),
        mac: fields.get("MAC").and_then(macs),
        source,
        destination,
        protocol,
        port: fields.number("DPT"),
        source_port: fields.number("SPT").filter(|port| *port < 1024),
        icmp,
        part,
    }))
}

/// The words of a logged packet, without those of the packet that an ICMP error quotes in brackets.
struct Fields<'a> {
    words: Vec<&'a str>,
    /// The last word may be the beginning of a longer one: the line ends right behind it, and nothing says that it is whole.
    open_end: bool,
}

impl<'a> Fields<'a> {
    fn of(text: &'a str) -> Fields<'a> {
        let mut depth = 0_usize;
        let mut words = Vec::new();
        for word in text.split_ascii_whitespace() {
            let opens = word.starts_with('[');
            depth += usize::from(opens);
            if depth == 0 {
                words.push(word);
            } else if word.ends_with(']') {
                depth -= 1;
            }
        }
        let open_end = depth == 0 && !text.ends_with(char::is_whitespace);
        Fields { words, open_end }
    }

    /// The first value of that name: the length of UDP has the name of IP's.
    fn get(&self, name: &str) -> Option<&'a str> {
        self.words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// A value that would be another one if its end were missing.
    fn whole(&self, name: &str) -> Option<&'a str> {
        let value = self.get(name)?;
        let last = self.words.last().and_then(|word| word.strip_prefix(name)?.strip_prefix('='));
        (!self.open_end || last.is_none_or(|last| last.as_ptr() != value.as_ptr())).then_some(value)
    }

    fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    fn address(&self, name: &str) -> Option<IpAddr> {
        self.whole(name)?.parse().ok()
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.whole(name)?.parse().ok()
    }

    /// The kernel has names for those that it takes apart, and numbers for all others; a number ends the line.
    fn protocol(&self) -> Option<Protocol> {
        let word = self.get("PROTO")?;
        let named = match word {
            "AH" => Some(Protocol(51)),
            "ESP" => Some(Protocol(50)),
            word => Protocol::parse(word),
        };
        // `PROTO=UDP` can be the beginning of UDPLITE.
        let fragment = self.words.iter().any(|word| word.starts_with("FRAG:"));
        let sure = self.whole("PROTO").is_some() || fragment || word.bytes().all(|byte| byte.is_ascii_digit());
        named.filter(|_| sure)
    }

    fn part(&self, protocol: Option<Protocol>, icmp: Option<(u8, u8)>) -> Part {
        let fragment = self.words.iter().any(|word| word.starts_with("FRAG:") && *word != "FRAG:0");
        if fragment && self.get("DPT").is_none() {
            return Part::Fragment;
        }
        match (protocol, icmp) {
            // Flags stand behind RES; a line that is cut before tells none.
            (Some(Protocol::TCP), _) if self.get("RES").is_some() && self.get("URGP").is_some() => {
                if self.has("SYN") && !self.has("ACK") { Part::Opening } else { Part::Later }
            }
            // Destination unreachable, source quench, redirect, time exceeded, parameter problem; for IPv6 all below 128.
            (Some(Protocol::ICMP), Some((3 | 4 | 5 | 11 | 12, _))) => Part::Error,
            (Some(Protocol::ICMPV6), Some((..128, _))) => Part::Error,
            _ => Part::Opening,
        }
    }
}

/// `MAC=` of Ethernet: receiver, sender and type, 14 bytes; of a tunnel it is empty or something else.
fn macs(text: &str) -> Option<(Mac, Mac)> {
    let bytes: Vec<u8> = text.split(':').map(|byte| u8::from_str_radix(byte, 16)).collect::<Result<_, _>>().ok()?;
    match bytes.len() {
        14 => Some((bytes[..6].try_into().ok()?, bytes[6..12].try_into().ok()?)),
        _ => None,
    }
}

/// `IPv4: martian source DESTINATION from SOURCE, on dev eth0`: the kernel writes the destination first. Newer kernels may
/// write `martian source (src=..., dst=..., dev=...)`.
fn martian(text: &str) -> Option<Event> {
    let (_, rest) = text.split_once("martian source ")?;
    let (source, destination, interface) = match rest.strip_prefix("(src=") {
        Some(rest) => {
            let (source, rest) = rest.split_once(", dst=")?;
            let (destination, rest) = rest.split_once(", dev=")?;
            (source, destination, rest.strip_suffix(')').unwrap_or(rest))
        }
        None => {
            let (destination, rest) = rest.split_once(" from ")?;
            let (source, rest) = rest.split_once(", on dev ")?;
            (source, destination, rest)
        }
    };
    Some(Event::Martian {
        source: source.parse().ok()?,
        destination: destination.parse().ok()?,
        interface: interface.split_ascii_whitespace().next()?.to_string(),
    })
}

/// `wireguard: wireguard.cali: Packet has unallowed src IP (10.0.0.1) from peer 3 (192.0.2.1:51820)` and
/// `wireguard: wireguard.cali: No peer has allowed IPs matching 10.0.0.1` (drivers/net/wireguard).
fn wireguard(text: &str) -> Option<Event> {
    let (_, rest) = text.split_once("wireguard: ")?;
    let (interface, rest) = rest.split_once(": ")?;
    let interface = interface.to_string();
    if let Some(destination) = rest.strip_prefix("No peer has allowed IPs matching ") {
        return Some(Event::NoPeer { destination: destination.trim().parse().ok()?, interface });
    }
    let rest = rest.strip_prefix("Packet has unallowed src IP (")?;
    let (source, rest) = rest.split_once(')')?;
    let endpoint = rest.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    let peer = endpoint.and_then(|endpoint| endpoint.parse::<std::net::SocketAddr>().ok());
    Some(Event::UnallowedSource { source: source.parse().ok()?, interface, peer: peer.map(|peer| peer.ip()) })
}

#[cfg(test)]
mod tests;
