//! Lines as the kernel writes them (net/netfilter/nf_log_syslog.c), whole, cut, and of others.
//! Never knows a cluster.

use super::*;

/// The article's first line.
const NODE_PORT: &str = "Feb 16 18:20:49 kyverno03 kernel: calico-packet: IN=eth0 OUT=calia58d9dbfdee MAC=fa:16:3e:c2:43:f3:fa:16:3e:01:2e:36:08:00 SRC=10.128.146.177 DST=10.20.112.90 LEN=64 TOS=0x00 PREC=0x00 TTL=59 ID=0 DF PROTO=TCP SPT=44342 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0";

fn entry(line: &str) -> Entry {
    match parse(line) {
        Line::Entry(entry) => entry,
        other => panic!("{line}: {other:?}"),
    }
}

fn packet(line: &str) -> Logged {
    match entry(line).event {
        Event::Logged(logged) => logged,
        other => panic!("{line}: {other:?}"),
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_line_of_the_article() {
    let entry = entry(NODE_PORT);
    assert_eq!(entry.host.as_deref(), Some("kyverno03"));
    let Event::Logged(logged) = entry.event else { panic!("a packet") };
    assert_eq!(
        logged,
        Logged {
            prefix: "calico-packet: ".into(),
            incoming: "eth0".into(),
            outgoing: "calia58d9dbfdee".into(),
            mac: Some(([0xfa, 0x16, 0x3e, 0xc2, 0x43, 0xf3], [0xfa, 0x16, 0x3e, 0x01, 0x2e, 0x36])),
            source: ip("10.128.146.177"),
            destination: ip("10.20.112.90"),
            protocol: Some(Protocol::TCP),
            port: Some(80),
            source_port: None,
            icmp: None,
            part: Part::Opening,
        }
    );
}

#[test]
fn repeats_are_equal() {
    let later = NODE_PORT.replace("SPT=44342", "SPT=50000").replace("TTL=59 ID=0", "TTL=60 ID=7");
    assert_eq!(entry(NODE_PORT), entry(&later));
}

#[test]
fn interfaces_may_be_empty_and_a_tunnel_has_no_ethernet() {
    let line =
        packet("calico-packet: IN=wireguard.cali OUT= MAC= SRC=10.0.0.1 DST=10.0.0.2 LEN=64 PROTO=TCP SPT=1 DPT=2 ");
    assert_eq!((line.incoming.as_str(), line.outgoing.as_str(), line.mac), ("wireguard.cali", "", None));
    let line = packet("calico-packet: IN= OUT=eth0 SRC=10.0.0.1 DST=10.0.0.2 LEN=64 PROTO=TCP SPT=1 DPT=2 ");
    assert_eq!((line.incoming.as_str(), line.outgoing.as_str()), ("", "eth0"));
    let line =
        packet("x: IN=br0 OUT=br0 PHYSIN=eth1 PHYSOUT=eth2 SRC=10.0.0.1 DST=10.0.0.2 LEN=64 PROTO=TCP SPT=1 DPT=2 ");
    assert_eq!((line.prefix.as_str(), line.incoming.as_str(), line.outgoing.as_str()), ("x: ", "br0", "br0"));
}

#[test]
fn protocols_have_names_or_numbers_and_ports_where_the_kernel_tells_them() {
    const V4: &str = "calico-packet: IN=eth0 OUT= SRC=10.0.0.1 DST=10.0.0.2 LEN=64 TOS=0x00 PREC=0x00 TTL=59 ID=0 ";
    for (rest, protocol, port, icmp, part) in [
        ("PROTO=UDP SPT=5 DPT=53 LEN=44 ", Protocol::UDP, Some(53), None, Part::Opening),
        ("PROTO=UDPLITE SPT=5 DPT=53 LEN=44 ", Protocol::UDPLITE, Some(53), None, Part::Opening),
        ("PROTO=SCTP SPT=5 DPT=9 ", Protocol::SCTP, Some(9), None, Part::Opening),
        ("PROTO=132 ", Protocol::SCTP, None, None, Part::Opening),
        ("PROTO=47", Protocol(47), None, None, Part::Opening),
        ("PROTO=ESP SPI=0x1 ", Protocol(50), None, None, Part::Opening),
        ("PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=2 ", Protocol::ICMP, None, Some((8, 0)), Part::Opening),
        (
            "PROTO=ICMP TYPE=3 CODE=1 [SRC=10.9.9.9 DST=10.8.8.8 LEN=60 PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 SYN URGP=0 ] MTU=1400 ",
            Protocol::ICMP,
            None,
            Some((3, 1)),
            Part::Error,
        ),
        ("FRAG:185 PROTO=TCP ", Protocol::TCP, None, None, Part::Fragment),
        ("MF PROTO=UDP SPT=5 DPT=53 LEN=2000 ", Protocol::UDP, Some(53), None, Part::Opening),
        ("PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 ACK SYN URGP=0 ", Protocol::TCP, Some(2), None, Part::Later),
        ("PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 ACK PSH URGP=0 ", Protocol::TCP, Some(2), None, Part::Later),
        (
            "PROTO=TCP SPT=1 DPT=2 SEQ=1 ACK=0 WINDOW=1 RES=0x00 SYN URGP=0 ",
            Protocol::TCP,
            Some(2),
            None,
            Part::Opening,
        ),
        (
            "PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 SYN URGP=0 MARK=0x10000 ",
            Protocol::TCP,
            Some(2),
            None,
            Part::Opening,
        ),
    ] {
        let line = packet(&format!("{V4}{rest}"));
        assert_eq!((line.protocol, line.port, line.icmp, line.part), (Some(protocol), port, icmp, part), "{rest}");
        assert_eq!((line.source, line.destination), (ip("10.0.0.1"), ip("10.0.0.2")), "{rest}");
    }
}

#[test]
fn ipv6_is_written_in_full() {
    let line = packet(
        "[77.1] calico-packet: IN=eth0 OUT=cali123 MAC=33:33:00:00:00:01:fa:16:3e:01:2e:36:86:dd SRC=fd00:0000:0000:0000:0000:0000:0000:0001 DST=fd00:0010:0000:0000:0000:0000:0000:0002 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=TCP SPT=1 DPT=443 WINDOW=1 RES=0x00 SYN URGP=0 ",
    );
    assert_eq!((line.source, line.destination, line.port), (ip("fd00::1"), ip("fd00:10::2"), Some(443)));
    let line = packet(
        "calico-packet: IN=eth0 OUT= SRC=fd00:0000:0000:0000:0000:0000:0000:0001 DST=ff02:0000:0000:0000:0000:0000:0000:0001 LEN=72 TC=0 HOPLIMIT=255 FLOWLBL=0 PROTO=ICMPv6 TYPE=135 CODE=0 ",
    );
    assert_eq!((line.protocol, line.icmp, line.part), (Some(Protocol::ICMPV6), Some((135, 0)), Part::Opening));
}

/// What is cut tells nothing wrong: `DPT=8` may have been port 80.
#[test]
fn a_line_that_is_cut_is_believed_up_to_its_last_whole_word() {
    let cut_at = |word: &str| &NODE_PORT[..NODE_PORT.find(word).unwrap() + word.len()];
    assert_eq!(packet(cut_at("DPT=8")).port, None);
    assert_eq!(packet(cut_at("DPT=80 ")).port, Some(80));
    assert_eq!(packet(cut_at("DPT=80 WIN")).port, Some(80));
    assert_eq!(packet(cut_at("PROTO=TC")).protocol, None);
    assert_eq!(packet(cut_at("PROTO=TCP SPT=44")).protocol, Some(Protocol::TCP));
    assert_eq!(packet(cut_at("DST=10.20.112.90 ")).destination, ip("10.20.112.90"));
    for word in ["DST=10.20.112.9", "DST=10.20.112.90", "SRC=10.128.146.177", "SRC=10.128", "MAC=fa:16"] {
        assert_eq!(parse(cut_at(word)), Line::Cut, "{word}");
    }
    // Every beginning of a line is read without a mistake in the address or the port.
    for (end, _) in NODE_PORT.char_indices() {
        if let Line::Entry(Entry { event: Event::Logged(logged), .. }) = parse(&NODE_PORT[..end]) {
            assert_eq!(logged.destination, ip("10.20.112.90"), "{end}");
            assert!(logged.port.is_none_or(|port| port == 80), "{end}");
        }
    }
}

#[test]
fn a_prefix_that_is_cut_touches_what_follows() {
    let line =
        packet("zt-gnp-a-policy-with-a-long-nIN=eth0 OUT= SRC=10.0.0.1 DST=10.0.0.2 LEN=64 PROTO=TCP SPT=1 DPT=2 ");
    assert_eq!((line.prefix.as_str(), line.incoming.as_str()), ("zt-gnp-a-policy-with-a-long-n", "eth0"));
}

#[test]
fn drops_without_policy_have_lines_of_their_own() {
    let martian = Event::Martian { source: ip("10.2.2.2"), destination: ip("10.1.1.1"), interface: "eth0".into() };
    for line in [
        "Nov 23 01:02:03 n1 kernel: IPv4: martian source 10.1.1.1 from 10.2.2.2, on dev eth0",
        "martian source 10.1.1.1 from 10.2.2.2, on dev eth0",
        "[1.2] IPv4: martian source (src=10.2.2.2, dst=10.1.1.1, dev=eth0)",
    ] {
        assert_eq!(entry(line).event, martian, "{line}");
    }
    assert_eq!(
        entry("wireguard: wireguard.cali: Packet has unallowed src IP (10.66.0.2) from peer 3 (192.0.2.1:51820)").event,
        Event::UnallowedSource {
            source: ip("10.66.0.2"),
            interface: "wireguard.cali".into(),
            peer: Some(ip("192.0.2.1"))
        }
    );
    assert_eq!(
        entry("[9.9] wireguard: wireguard.cali: No peer has allowed IPs matching 10.66.0.9").event,
        Event::NoPeer { destination: ip("10.66.0.9"), interface: "wireguard.cali".into() }
    );
}

#[test]
fn other_lines_are_no_packets() {
    for line in [
        "",
        "Nov 23 01:02:03 n1 kernel: ll header: 00000000: ff ff ff ff ff ff",
        "Nov 23 01:02:03 n1 systemd[1]: Started something with OUT= in it.",
        "audit: IN=x OUTPUT=y",
        " SUBSYSTEM=net",
        "wireguard: WireGuard 1.0.0 loaded.",
        "IPv4: martian source 10.1.1 from 10.2.2.2, on dev eth0",
        "{\"MESSAGE\": 3, \"OUT=\": 1}",
    ] {
        assert_eq!(parse(line), Line::Other, "{line}");
    }
}

/// Records of /dev/kmsg of Linux 6.18: iptables LOG and nftables log between two network namespaces.
#[test]
fn what_a_kernel_wrote_is_read() {
    let shown = |line: &str| match parse(line) {
        Line::Entry(Entry { event: Event::Logged(l), .. }) => {
            let protocol = l.protocol.map_or("?".to_string(), |protocol| protocol.to_string());
            let detail = match (l.port, l.icmp) {
                (Some(port), _) => format!(":{port}"),
                (_, Some((kind, code))) => format!(" {kind}/{code}"),
                _ => String::new(),
            };
            format!("{}>{} {} -> {} {protocol}{detail} {:?}", l.incoming, l.outgoing, l.source, l.destination, l.part)
        }
        Line::Entry(Entry { event, .. }) => format!("{event:?}"),
        other => format!("{other:?}"),
    };
    let found: Vec<String> = include_str!("kernel.txt").lines().map(shown).collect();
    let expected = [
        ">eth0 :: -> ff02::16 ICMPv6 143/0 Opening",
        "eth0> 192.0.2.1 -> 192.0.2.2 TCP:8080 Opening",
        ">eth0 192.0.2.2 -> 192.0.2.1 TCP:50202 Later",
        "eth0> fd00:7::1 -> fd00:7::2 TCP:8080 Opening",
        ">eth0 192.0.2.2 -> 192.0.2.1 ICMP 3/0 Error",
        "eth0> fd00:7::1 -> fd00:7::2 UDP:5353 Opening",
        ">eth0 fd00:7::2 -> fd00:7::1 ICMPv6 1/4 Error",
        "eth0> 192.0.2.1 -> 192.0.2.2 UDP:5353 Opening",
        "eth0> 192.0.2.1 -> 192.0.2.2 UDP Fragment",
        "eth0> fd00:7::1 -> fd00:7::2 UDP Fragment",
        "eth0> 192.0.2.1 -> 192.0.2.2 47 Opening",
        ">eth0 fd00:7::2 -> fd00:7::1 ICMPv6 4/1 Error",
        "eth0> 192.0.2.1 -> 192.0.2.2 SCTP Opening",
        "eth0> fd00:7::1 -> fd00:7::2 SCTP Opening",
        "eth0> 192.0.2.1 -> 192.0.2.2 UDPLite:7 Opening",
        "eth0> 192.0.2.1 -> 192.0.2.2 50 Opening",
        // The kernel does not name ESP in IPv6.
        "eth0> fd00:7::1 -> fd00:7::2 ? Opening",
        "eth0> 192.0.2.1 -> 192.0.2.2 51 Opening",
        "eth0> fd00:7::1 -> fd00:7::2 4 Opening",
        "Martian { source: 198.51.100.7, destination: 192.0.2.2, interface: \"eth0\" }",
        "Other",
        "eth0> :: -> ff02::1:ff53:23fd ICMPv6 135/0 Opening",
    ];
    assert_eq!(found, expected);
}

proptest::proptest! {
    /// Whatever stands in a log, reading it ends.
    #[test]
    fn no_line_is_too_strange(noise in ".{0,80}", cut in 0..400_usize) {
        _ = parse(&noise);
        _ = parse(&format!("{noise} IN= OUT= SRC={noise} DST="));
        _ = parse(&format!("{noise}martian source {noise} from {noise}, on dev {noise}"));
        _ = parse(&format!("wireguard: {noise}: Packet has unallowed src IP ({noise}) from peer {noise}"));
        let end = NODE_PORT.char_indices().map(|(at, _)| at).nth(cut.min(NODE_PORT.len() - 1)).unwrap();
        _ = parse(&format!("{}{noise}", &NODE_PORT[..end]));
    }
}
