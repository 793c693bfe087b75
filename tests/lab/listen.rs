//! What answers in a namespace: TCP, UDP and SCTP ports that say who they are and whom they see.
//! Never sends by itself, and never refuses: a port that is not here is refused by the kernel.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use socket2::{Domain, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, UdpSocket};

use super::sctp;
use super::station::{Listeners, answer};

/// The longest packet that anybody sends here.
pub const LONGEST: usize = 2048;

/// A socket of the address's family, ready for tokio.
pub fn socket(address: IpAddr, kind: Type, protocol: Option<socket2::Protocol>) -> io::Result<Socket> {
    let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, kind, protocol)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A socket for tokio from one that carries datagrams: UDP's, or a raw one, which is read and written in the same way.
pub fn datagrams(socket: Socket) -> io::Result<UdpSocket> {
    UdpSocket::from_std(std::net::UdpSocket::from(OwnedFd::from(socket)))
}

/// Starts listening at each address by itself, so that an answer comes from where the question went. An address of a tunnel
/// may not be there yet.
pub fn start(listeners: &Listeners) -> io::Result<()> {
    let listeners = Arc::new(listeners.clone());
    let bound = |address: IpAddr, port: u16, kind: Type, protocol: Option<socket2::Protocol>| -> io::Result<Socket> {
        let socket = socket(address, kind, protocol)?;
        socket.set_reuse_address(true)?;
        if address.is_ipv4() {
            socket.set_freebind_v4(true)?
        } else {
            socket.set_freebind_v6(true)?
        }
        socket.bind(&SocketAddr::new(address, port).into())?;
        Ok(socket)
    };
    for address in listeners.names.keys().copied() {
        for port in listeners.tcp {
            let socket = bound(address, *port, Type::STREAM, None)?;
            socket.listen(1024)?;
            tokio::spawn(tcp(TcpListener::from_std(socket.into())?, Arc::clone(&listeners)));
        }
        for port in listeners.udp {
            let socket = bound(address, *port, Type::DGRAM, None)?;
            tokio::spawn(udp(datagrams(socket)?, address, Arc::clone(&listeners)));
        }
        let socket = bound(address, 0, Type::RAW, Some(sctp::PROTOCOL))?;
        tokio::spawn(sctp(datagrams(socket)?, address, Arc::clone(&listeners)));
    }
    Ok(())
}

async fn tcp(listener: TcpListener, listeners: Arc<Listeners>) {
    loop {
        // Errors here are those of one connection, which is gone already.
        let Ok((mut stream, from)) = listener.accept().await else { continue };
        let Ok(at) = stream.local_addr() else { continue };
        let text = answer(&listeners, at.ip(), from);
        tokio::spawn(async move {
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
        });
    }
}

/// The answer begins with the question, so that nobody takes one for another's.
async fn udp(socket: UdpSocket, at: IpAddr, listeners: Arc<Listeners>) {
    let mut buffer = [0; LONGEST];
    loop {
        // An error is an earlier answer's that did not arrive.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let text = answer(&listeners, at, from);
        let _ = socket.send_to(&[&buffer[..length], text.as_bytes()].concat(), from).await;
    }
}

async fn sctp(socket: UdpSocket, at: IpAddr, listeners: Arc<Listeners>) {
    let mut buffer = [0; LONGEST];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let text = answer(&listeners, at, from);
        let packet = payload(&buffer[..length], at);
        if let Some(reply) = sctp::reply(packet, listeners.sctp, text.as_bytes()) {
            let _ = socket.send_to(&reply, SocketAddr::new(from.ip(), 0)).await;
        }
    }
}

/// What a raw socket of IPv4 reads begins with the IP header, whose length is in its first byte; one of IPv6 has none.
pub fn payload(packet: &[u8], at: IpAddr) -> &[u8] {
    let header = match (at, packet.first()) {
        (IpAddr::V4(_), Some(first)) => usize::from(first & 0x0f) * 4,
        _ => 0,
    };
    packet.get(header..).unwrap_or_default()
}
