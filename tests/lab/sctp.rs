//! The two packets of SCTP that the lab needs, made by hand: INIT, and its answer.
//! Never keeps an association; conntrack, policies and NAT see the same packets as they would from the kernel's SCTP.

/// SCTP's number in IP.
pub const PROTOCOL: socket2::Protocol = socket2::Protocol::SCTP;

const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const ABORT: u8 = 6;
/// The parameter of an INIT ACK that its sender may fill as it likes.
const COOKIE: u16 = 7;

/// An INIT with this initiate tag, which must not be zero.
pub fn init(source: u16, destination: u16, tag: u32) -> Vec<u8> {
    packet(source, destination, 0, INIT, &initiate(tag, &[]))
}

/// The answer of somebody who listens on `ports`: an INIT ACK that carries `text`, or an ABORT. None to what is no INIT.
pub fn reply(packet: &[u8], ports: &[u16], text: &[u8]) -> Option<Vec<u8>> {
    let (source, destination, _, kind, body) = parse(packet)?;
    let tag = u32::from_be_bytes(body.get(..4)?.try_into().ok()?);
    match (kind, ports.contains(&destination)) {
        (INIT, true) => Some(self::packet(destination, source, tag, INIT_ACK, &initiate(tag ^ 0x5555_5555, text))),
        (INIT, false) => Some(self::packet(destination, source, tag, ABORT, &[])),
        _ => None,
    }
}

/// What came back to an INIT with this tag: the text of an INIT ACK, or an ABORT. None for anything else.
pub fn answer(packet: &[u8], own: u16, tag: u32) -> Option<Result<Vec<u8>, Aborted>> {
    let (_, destination, verification, kind, body) = parse(packet)?;
    if destination != own || verification != tag {
        return None;
    }
    match kind {
        INIT_ACK => {
            let cookie = body.get(16..)?;
            let length = usize::from(u16::from_be_bytes(cookie.get(2..4)?.try_into().ok()?));
            Some(Ok(cookie.get(4..length)?.to_vec()))
        }
        ABORT => Some(Err(Aborted)),
        _ => None,
    }
}

/// Nobody listens there.
#[derive(Debug, PartialEq, Eq)]
pub struct Aborted;

/// The body of INIT and INIT ACK: tag, window, two numbers of streams, first sequence number, and a cookie.
fn initiate(tag: u32, cookie: &[u8]) -> Vec<u8> {
    let mut body =
        [tag.to_be_bytes(), 65536_u32.to_be_bytes(), 0x0001_0001_u32.to_be_bytes(), tag.to_be_bytes()].concat();
    if !cookie.is_empty() {
        body.extend(COOKIE.to_be_bytes());
        body.extend((4 + cookie.len() as u16).to_be_bytes());
        body.extend(cookie);
    }
    body
}

/// The common header and one chunk.
fn packet(source: u16, destination: u16, verification: u32, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    packet.extend(verification.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend([kind, 0]);
    packet.extend((4 + body.len() as u16).to_be_bytes());
    packet.extend(body);
    // Chunks are padded to four bytes, which their length does not count.
    packet.resize(packet.len().next_multiple_of(4), 0);
    let sum = crc32c(&packet);
    packet[8..12].copy_from_slice(&sum.to_le_bytes());
    packet
}

/// Ports, verification tag, the kind of the first chunk and its body.
fn parse(packet: &[u8]) -> Option<(u16, u16, u32, u8, &[u8])> {
    let number = |at: usize| Some(u16::from_be_bytes(packet.get(at..at + 2)?.try_into().ok()?));
    let verification = u32::from_be_bytes(packet.get(4..8)?.try_into().ok()?);
    let body = packet.get(16..12 + usize::from(number(14)?))?;
    Some((number(0)?, number(2)?, verification, *packet.get(12)?, body))
}

/// Castagnoli's polynomial, bit by bit: the packets are short and few.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut sum = !0_u32;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0x82f6_3b78 } else { sum >> 1 };
        }
    }
    !sum
}

#[test]
fn the_checksum_is_that_of_rfc_3720() {
    // Appendix B.4 of RFC 3720 has these values.
    assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
}

#[test]
fn an_init_is_answered_where_somebody_listens_and_aborted_elsewhere() {
    let question = init(40000, 3868, 77);
    let reply_of = |ports: &[u16]| answer(&reply(&question, ports, b"n1 10.0.0.1\n").unwrap(), 40000, 77);
    assert_eq!(reply_of(&[3868]), Some(Ok(b"n1 10.0.0.1\n".to_vec())));
    assert_eq!(reply_of(&[9999]), Some(Err(Aborted)));
    assert_eq!(answer(&question, 40000, 77), None, "an INIT is no answer");
}
