//! Sends one packet and says what came back: TCP, UDP, SCTP, ICMP.
//! Never gives up by itself: silence is for the one who waits to call.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Socket, Type};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};

use super::listen::{LONGEST, datagrams, payload, socket};
use super::probe::Protocol;
use super::sctp;
use super::station::{Attempt, Outcome, read};

/// How long an answer is waited for until a datagram is sent again. The first can be lost where a queue is full, and a
/// policy that lets it pass lets the second pass too.
const AGAIN: Duration = Duration::from_millis(150);

/// How often a connection that is not there yet is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Source ports in turn, so that one is used again only after some 27,000 others: by then conntrack has forgotten it.
/// Node ports and the ports that are listened on are not among them.
#[derive(Debug, Default)]
pub struct Ports(AtomicU32);

impl Ports {
    const FIRST: u32 = 33000;
    const LAST: u32 = 60000;

    fn next(&self) -> u16 {
        let turn = self.0.fetch_add(1, Ordering::Relaxed) % (Ports::LAST - Ports::FIRST);
        (Ports::FIRST + turn) as u16
    }
}

/// Sends, and waits until something comes back.
pub async fn run(attempt: &Attempt, ports: &Ports) -> Outcome {
    let result = match attempt.protocol {
        Protocol::Tcp => tcp(attempt, ports).await,
        Protocol::Udp => udp(attempt, ports).await,
        Protocol::Sctp => sctp(attempt, ports).await,
        Protocol::Icmp { kind, code } => icmp(attempt, kind, code, ports).await,
    };
    match result {
        Ok(outcome) => outcome,
        Err(error) if refuses(&error) => Outcome::Refused,
        Err(error) => Outcome::Impossible(error.to_string()),
    }
}

/// A reset, or an ICMP message. That there is no route is no answer of a policy.
fn refuses(error: &io::Error) -> bool {
    let refusals = [ErrorKind::ConnectionRefused, ErrorKind::ConnectionReset, ErrorKind::HostUnreachable];
    refusals.contains(&error.kind()) || error.raw_os_error() == Some(Errno::ACCESS.raw_os_error())
}

/// An own packet that a policy drops on its way out is an error for who sends it, except with TCP.
fn dropped_here(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::PERM.raw_os_error())
}

/// A bound socket. A port that somebody has is not fresh, so the next one is taken.
fn bound(attempt: &Attempt, ports: &Ports, kind: Type) -> io::Result<Socket> {
    let any: IpAddr = match attempt.destination {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = attempt.source.unwrap_or(any);
    loop {
        let socket = socket(source, kind, None)?;
        mark(&socket, attempt)?;
        if let Some(port) = attempt.source_port {
            socket.set_reuse_address(true)?;
            socket.bind(&SocketAddr::new(source, port).into())?;
            return Ok(socket);
        }
        match socket.bind(&SocketAddr::new(source, ports.next()).into()) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            result => return result.map(|()| socket),
        }
    }
}

/// A raw socket that only hears the one it speaks to.
fn raw(attempt: &Attempt, protocol: socket2::Protocol) -> io::Result<Socket> {
    let socket = socket(attempt.destination, Type::RAW, Some(protocol))?;
    mark(&socket, attempt)?;
    if let Some(source) = attempt.source {
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    socket.connect(&SocketAddr::new(attempt.destination, 0).into())?;
    Ok(socket)
}

fn mark(socket: &Socket, attempt: &Attempt) -> io::Result<()> {
    match attempt.destination {
        IpAddr::V4(_) => socket.set_tos_v4(attempt.tos.into()),
        IpAddr::V6(_) => socket.set_tclass_v6(attempt.tos.into()),
    }
}

async fn tcp(attempt: &Attempt, ports: &Ports) -> io::Result<Outcome> {
    let socket = bound(attempt, ports, Type::STREAM)?;
    // Closed by a reset: nothing of the connection stays, neither here nor in conntrack.
    socket.set_linger(Some(Duration::ZERO))?;
    match socket.connect(&SocketAddr::new(attempt.destination, attempt.port).into()) {
        Err(error) if error.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => return Err(error),
        _ => {}
    }
    let mut stream = TcpStream::from_std(socket.into())?;
    // A refusal that comes while the kernel is still in connect(), as those of a rule of the sender's own machine do, is
    // noted there and wakes nobody.
    while timeout(LOOK, stream.writable()).await.is_err() {
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
    }
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await?;
    read(&text)
}

async fn udp(attempt: &Attempt, ports: &Ports) -> io::Result<Outcome> {
    let socket = bound(attempt, ports, Type::DGRAM)?;
    socket.connect(&SocketAddr::new(attempt.destination, attempt.port).into())?;
    let own = socket.local_addr()?.as_socket().map_or(0, |address| address.port());
    let socket = datagrams(socket)?;
    let question = format!("{own}/{};", attempt.id);
    ask(attempt, &socket, question.as_bytes(), |answer| answer.strip_prefix(question.as_bytes()).map(read)).await
}

async fn sctp(attempt: &Attempt, ports: &Ports) -> io::Result<Outcome> {
    let own = attempt.source_port.unwrap_or_else(|| ports.next());
    let tag = u32::from(own) << 16 | (attempt.id as u32 & 0xffff) | 1;
    let socket = datagrams(raw(attempt, sctp::PROTOCOL)?)?;
    let mut aborted = false;
    let question = sctp::init(own, attempt.port, tag);
    ask(attempt, &socket, &question, |packet| {
        match sctp::answer(payload(packet, attempt.destination), own, tag)? {
            Ok(text) => Some(read(&text)),
            // A kernel that has SCTP says ABORT for ports that it does not know; our answer comes after it.
            Err(sctp::Aborted) => {
                let second = std::mem::replace(&mut aborted, true);
                second.then_some(Ok(Outcome::Refused))
            }
        }
    })
    .await
}

async fn icmp(attempt: &Attempt, kind: u8, code: u8, ports: &Ports) -> io::Result<Outcome> {
    const TIMESTAMP: u8 = 13;
    let (protocol, reply) = match (attempt.destination, kind) {
        (IpAddr::V4(_), 8) => (socket2::Protocol::ICMPV4, 0),
        (IpAddr::V4(_), TIMESTAMP) => (socket2::Protocol::ICMPV4, 14),
        (IpAddr::V6(_), 128) => (socket2::Protocol::ICMPV6, 129),
        _ => return Ok(Outcome::Impossible(format!("nobody answers ICMP type {kind}"))),
    };
    let socket = datagrams(raw(attempt, protocol)?)?;
    let id = ports.next().to_be_bytes();
    let sequence = (attempt.id as u16).to_be_bytes();
    let mut question = [kind, code, 0, 0, id[0], id[1], sequence[0], sequence[1]].to_vec();
    // A timestamp request has three of them; they may be zero.
    question.extend([0; 12]);
    // The kernel adds the checksum of ICMPv6 itself.
    if attempt.destination.is_ipv4() {
        let sum = checksum(&question);
        question[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    let identity = question[4..8].to_vec();
    ask(attempt, &socket, &question, |packet| {
        let packet = payload(packet, attempt.destination);
        let ours = packet.first() == Some(&reply) && packet.get(4..8) == Some(identity.as_slice());
        ours.then_some(Ok(Outcome::Answered(None)))
    })
    .await
}

/// Sends a datagram, again and again unless one attempt is to be one datagram, until `judge` knows one of the answers.
async fn ask(
    attempt: &Attempt,
    socket: &UdpSocket,
    question: &[u8],
    mut judge: impl FnMut(&[u8]) -> Option<io::Result<Outcome>>,
) -> io::Result<Outcome> {
    let mut buffer = [0; LONGEST];
    let mut sent = false;
    loop {
        if !(sent && attempt.once) {
            sent = true;
            match socket.send(question).await {
                Err(error) if dropped_here(&error) => {
                    sleep(AGAIN).await;
                    continue;
                }
                result => result?,
            };
        }
        let heard = async {
            loop {
                let length = socket.recv(&mut buffer).await?;
                if let Some(outcome) = judge(&buffer[..length]) {
                    return outcome;
                }
            }
        };
        if let Ok(outcome) = timeout(AGAIN, heard).await {
            return outcome;
        }
    }
}

/// The Internet checksum, over an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) as u16 + (folded >> 16) as u16)
}
