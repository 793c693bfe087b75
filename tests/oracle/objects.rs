//! Objects: whatever Calico 3.28.5 refuses, we refuse; what it takes and we refuse is listed here, with the reason.
//! Never says what Calico refuses: its validator does.

use std::collections::{BTreeMap, BTreeSet};

use kubectl_zerotrust::model::validate::validate;
use kubectl_zerotrust::model::world::Version;
use serde_json::{Value, json};

use super::support::Oracle;

/// What our validator refuses and Calico's does not: a part of our reason, and why. `facts` is what was found out about
/// Calico by its source and by packets.
const STRICTER: &[(&str, &str)] = &[
    ("is no field of this", "facts, part 1: the API server leaves unknown fields out without a word"),
    ("spec.tier: ", "facts, part 1: the tier is an unknown field up to 3.28"),
    ("would ignore this list", "facts, part 12, 1: Felix does not check a third or-ed match"),
    ("leaves nothing to match", "facts, parts 3 and 12, 2: Felix panics for ever"),
    ("stops Felix beside protocol", "seen in the packet lab: iptables takes one -p, and Felix 3.28 tries for ever"),
    ("needs protocol ICMP or ICMPv6", "facts, part 3: Calico 3.28 checks icmp, not notICMP"),
    ("only the namespaceSelector of a rule can have", "facts, part 3: Calico looks for the text in some fields only"),
    ("is no name of a ServiceAccount", "facts, part 0, 2: what does not parse drops the whole match"),
    ("write it as IPv4", "Calico takes the address for IPv4, the API server and people for IPv6"),
    ("is longer than 245 characters", "facts, part 1: stored as default.NAME, which may have 253"),
    ("has no namespace", "the API server refuses it; Calico's client too, behind its validator"),
    ("is no CIDR and no address", "facts, part 0, 2: Go takes an empty text for no address, and no error"),
];

/// The same for the kinds that configure Calico.
const STRICTER_SETTINGS: &[(&str, &str)] = &[
    ("failsafe ports are", "Calico's validator has the rule, and forgets to ask it for this list"),
    ("is no CIDR and no address", "Go takes an empty text and null for no address, and no error"),
    ("spec.wireguardThreadingEnabled: ", "the CRD has the field, and the validator's module is older than it"),
    ("a block here has", "libcalico-go's client checks it behind its validator"),
    ("of calicoctl's first API", "nothing reads the field; Calico refuses only some of its values"),
    ("write it as IPv4", "Calico takes the address for IPv4, the API server and people for IPv6"),
];

/// Rules that are put into every policy kind and direction.
fn rules() -> Vec<Value> {
    let mut rules = Vec::new();
    let mut add = |rule: Value| rules.push(rule);
    for action in ["Allow", "Deny", "Log", "Pass", "allow", "DENY", "", "Reject", "next-tier"] {
        add(json!({ "action": action }));
    }
    add(json!({}));
    add(json!(null));
    add(json!("Allow"));
    add(json!({ "action": 5 }));
    for version in [json!(4), json!(6), json!(5), json!(0), json!(-4), json!("4"), json!(4.5), json!(null)] {
        add(json!({ "action": "Allow", "ipVersion": version }));
    }
    for protocol in [
        json!("TCP"),
        json!("UDP"),
        json!("SCTP"),
        json!("ICMP"),
        json!("ICMPv6"),
        json!("UDPLite"),
        json!("tcp"),
        json!("Tcp"),
        json!("icmp"),
        json!("GRE"),
        json!(""),
        json!(" TCP"),
        json!(1),
        json!(6),
        json!(17),
        json!(132),
        json!(255),
        json!(256),
        json!(0),
        json!(-1),
        json!("6"),
        json!("06"),
        json!("+6"),
        json!("0"),
        json!("256"),
        json!(6.5),
        json!(true),
        json!(["TCP"]),
    ] {
        add(json!({ "action": "Allow", "protocol": protocol }));
        add(json!({ "action": "Allow", "notProtocol": protocol }));
        add(json!({ "action": "Allow", "protocol": "TCP", "notProtocol": protocol }));
        add(json!({ "action": "Allow", "protocol": protocol, "destination": { "ports": [80] } }));
        add(json!({ "action": "Allow", "protocol": protocol, "ipVersion": 6, "icmp": { "type": 8 } }));
        add(json!({ "action": "Allow", "protocol": protocol, "ipVersion": 4, "http": {} }));
        add(json!({ "action": "Allow", "notProtocol": protocol, "ipVersion": 4, "notICMP": { "type": 8, "code": 1 } }));
    }
    for icmp in [
        json!({}),
        json!({ "type": 0 }),
        json!({ "type": 254, "code": 255 }),
        json!({ "type": 255 }),
        json!({ "type": -1 }),
        json!({ "type": 8, "code": 256 }),
        json!({ "type": 8, "code": -1 }),
        json!({ "code": 0 }),
        json!({ "type": "8" }),
        json!({ "type": null, "code": 1 }),
        json!({ "type": 8, "kind": 1 }),
    ] {
        add(json!({ "action": "Allow", "protocol": "ICMP", "icmp": icmp }));
        add(json!({ "action": "Allow", "protocol": "ICMPv6", "notICMP": icmp }));
        add(json!({ "action": "Allow", "icmp": icmp }));
        add(json!({ "action": "Allow", "protocol": "TCP", "notICMP": icmp }));
    }
    for http in [
        json!({ "methods": ["GET"] }),
        json!({ "methods": ["GET", "GET"] }),
        json!({ "methods": ["any"] }),
        json!({ "paths": [{ "exact": "/a" }, { "prefix": "/" }] }),
        json!({ "paths": [{}] }),
        json!({ "paths": [{ "exact": "/a", "prefix": "/b" }] }),
        json!({ "paths": [{ "exact": "a" }] }),
        json!({ "paths": [{ "prefix": "/a?b" }] }),
        json!({ "paths": [{ "prefix": "/a b" }] }),
        json!({ "paths": [{ "exact": "/a#b" }] }),
        json!({ "paths": "/a" }),
        json!({ "path": [] }),
    ] {
        add(json!({ "action": "Allow", "http": http }));
        add(json!({ "action": "Deny", "protocol": "TCP", "http": http }));
        add(json!({ "action": "Allow", "protocol": 6, "http": http }));
    }
    for annotations in [
        json!({ "a": "b" }),
        json!({ "kubectl-zerotrust/grant": "x" }),
        json!({ "a b": "" }),
        json!({ "A.b/C": "" }),
        json!({ "a/b/c": "" }),
        json!({ "": "" }),
        json!(["a"]),
        json!({ "a": 5 }),
    ] {
        add(json!({ "action": "Allow", "metadata": { "annotations": annotations } }));
    }
    for entity in entities() {
        for end in ["source", "destination"] {
            add(json!({ "action": "Allow", "protocol": "TCP", end: entity }));
        }
        add(json!({ "action": "Allow", "source": entity, "destination": { "nets": ["10.0.0.0/8"] } }));
    }
    let several = json!(["10.0.0.1/32", "10.0.0.2/32"]);
    for ports in
        [json!([80]), json!([80, "http"]), json!((1..=15).collect::<Vec<_>>()), json!((1..=16).collect::<Vec<_>>())]
    {
        add(
            json!({ "action": "Allow", "protocol": "TCP", "source": { "nets": several }, "destination": { "nets": several, "ports": ports } }),
        );
        add(
            json!({ "action": "Allow", "protocol": "TCP", "source": { "nets": several, "ports": ports }, "destination": { "ports": ports } }),
        );
    }
    rules
}

fn entities() -> Vec<Value> {
    let mut entities =
        vec![json!({}), json!(null), json!([]), json!({ "net": "10.0.0.0/8" }), json!({ "Nets": ["10.0.0.0/8"] })];
    for nets in [
        json!([]),
        json!(["10.0.0.0/8"]),
        json!(["0.0.0.0/0"]),
        json!(["::/0"]),
        json!(["10.0.0.0/33"]),
        json!(["10.0.0.1"]),
        json!(["10.0.0.1/8"]),
        json!(["010.0.0.0/8"]),
        json!(["10.0.0.0/08"]),
        json!(["10.0.0.0/"]),
        json!(["10.0.0.0/-1"]),
        json!(["10.0.0/8"]),
        json!([" 10.0.0.0/8"]),
        json!([""]),
        json!([null]),
        json!("10.0.0.0/8"),
        json!([8]),
        json!(["fd00::/8"]),
        json!(["fd00::1/8"]),
        json!(["fe80::1%eth0/128"]),
        json!(["::ffff:10.0.0.0/104"]),
        json!(["::ffff:10.0.0.0/104", "fd00::/8"]),
        json!(["10.0.0.0/8", "fd00::/8"]),
        json!(["10.0.0.0/8", "10.0.0.0/8"]),
        json!(["10.0.0.0/8,11.0.0.0/8"]),
        json!(["FD00::/8"]),
        json!(["world"]),
    ] {
        entities.push(json!({ "nets": nets }));
        entities.push(json!({ "notNets": nets }));
        entities.push(json!({ "nets": ["10.0.0.0/8"], "notNets": nets }));
    }
    for ports in [
        json!([]),
        json!([80]),
        json!([0]),
        json!([65535]),
        json!([65536]),
        json!([-1]),
        json!([80.5]),
        json!(["80"]),
        json!(["0"]),
        json!(["00080"]),
        json!(["65536"]),
        json!(["99999"]),
        json!([" 80"]),
        json!(["80 "]),
        json!(["10:20"]),
        json!(["20:10"]),
        json!(["10:10"]),
        json!(["0:10"]),
        json!(["10:65536"]),
        json!(["10:"]),
        json!([":10"]),
        json!(["1:2:3"]),
        json!(["10-20"]),
        json!(["1-a"]),
        json!(["http"]),
        json!(["HTTP"]),
        json!(["http-alt"]),
        json!(["-http"]),
        json!(["http-"]),
        json!(["ht--tp"]),
        json!(["ht_tp"]),
        json!(["ht.tp"]),
        json!(["abcdefghijklmno"]),
        json!(["abcdefghijklmnop"]),
        json!(["ht tp"]),
        json!([""]),
        json!([null]),
        json!([true]),
        json!([[80]]),
        json!(80),
        json!("80"),
        json!([80, 80, "http", "1:2"]),
        json!(["١"]),
    ] {
        entities.push(json!({ "ports": ports }));
        entities.push(json!({ "notPorts": ports }));
    }
    for selector in [
        json!(""),
        json!("all()"),
        json!("a == 'b'"),
        json!("a = 'b'"),
        json!("has(a)\n"),
        json!("global()"),
        json!("!global()"),
        json!("global( )"),
        json!("global() || has(a)"),
        json!("has(a) && (global())"),
        json!("a == 'global()'"),
        json!("a == '&& global()'"),
        json!("(global())"),
        json!(5),
        json!(null),
        json!(" "),
    ] {
        for field in ["selector", "notSelector", "namespaceSelector"] {
            entities.push(json!({ field: selector }));
        }
        entities.push(json!({ "serviceAccounts": { "selector": selector } }));
    }
    for names in [
        json!(["a"]),
        json!(["a.b-c"]),
        json!(["A"]),
        json!([""]),
        json!(["a'b"]),
        json!(["a", "a"]),
        json!("a"),
        json!([5]),
    ] {
        entities.push(json!({ "serviceAccounts": { "names": names } }));
    }
    for services in [
        json!({}),
        json!({ "name": "a" }),
        json!({ "name": "a", "namespace": "b" }),
        json!({ "namespace": "b" }),
        json!({ "name": "A", "namespace": "b" }),
        json!({ "name": "a", "namespace": "B_" }),
        json!({ "name": "a.b", "namespace": "b" }),
        json!("a"),
        json!({ "name": 5 }),
        json!(null),
    ] {
        entities.push(json!({ "services": services }));
    }
    let service = json!({ "name": "a", "namespace": "b" });
    for (field, value) in [
        ("selector", json!("has(a)")),
        ("notSelector", json!("has(a)")),
        ("namespaceSelector", json!("has(a)")),
        ("serviceAccounts", json!({})),
        ("nets", json!(["10.0.0.0/8"])),
        ("notNets", json!(["10.0.0.0/8"])),
        ("ports", json!([80])),
        ("notPorts", json!([80])),
        ("nets", json!([])),
        ("selector", json!("")),
    ] {
        entities.push(json!({ "services": service, field: value }));
    }
    entities
}

/// Specs of policies without rules.
fn specs() -> Vec<Value> {
    let mut specs = vec![
        json!({}),
        json!(null),
        json!([]),
        json!("x"),
        json!({ "selector": "all()", "types": ["Ingress", "Egress"], "order": 1000 }),
    ];
    for types in [
        json!([]),
        json!(["Ingress"]),
        json!(["Egress", "Ingress"]),
        json!(["ingress"]),
        json!(["Ingress", "Ingress"]),
        json!([""]),
        json!([null]),
        json!("Ingress"),
        json!(["Both"]),
        json!([1]),
    ] {
        specs.push(json!({ "types": types }));
        specs.push(json!({ "types": types, "preDNAT": true, "applyOnForward": true }));
    }
    for order in [json!(0), json!(-5), json!(1.5), json!(1e300), json!("5"), json!(null), json!(true), json!([1])] {
        specs.push(json!({ "order": order }));
    }
    for flags in 0..8 {
        let is = |bit: u8| flags & bit != 0;
        let spec = json!({ "doNotTrack": is(1), "preDNAT": is(2), "applyOnForward": is(4) });
        let mut with_egress = spec.clone();
        with_egress["egress"] = json!([{ "action": "Deny" }]);
        specs.extend([spec, with_egress]);
    }
    for value in [json!("true"), json!(1), json!(null)] {
        specs.push(json!({ "preDNAT": value }));
        specs.push(json!({ "applyOnForward": value }));
    }
    for field in ["selector", "namespaceSelector", "serviceAccountSelector", "Selector"] {
        for text in [
            "",
            "all()",
            "has(a)",
            "a",
            "has(a)\n",
            "global()",
            "global( )",
            "!global()",
            "a == 'global()'",
            "(",
            "a in {'b',}",
            "a == 'ü'",
        ] {
            specs.push(json!({ field: text }));
        }
        specs.push(json!({ field: 5 }));
        specs.push(json!({ field: null }));
    }
    for tier in ["default", "", "security", "a.b"] {
        specs.push(json!({ "tier": tier }));
    }
    for hints in [
        json!(["AssumeNeededOnEveryNode"]),
        json!(["AssumeNeededOnEveryNode", "AssumeNeededOnEveryNode"]),
        json!(["Other"]),
        json!([""]),
        json!([]),
        json!("AssumeNeededOnEveryNode"),
    ] {
        specs.push(json!({ "performanceHints": hints }));
    }
    for rules in [json!([]), json!(null), json!({}), json!("x")] {
        specs.push(json!({ "ingress": rules }));
    }
    specs.push(json!({ "unknown": true }));
    specs
}

fn metadata() -> Vec<Value> {
    let (long, longer) = ("a".repeat(253), "a".repeat(254));
    let mut all = vec![json!({}), json!(null), json!("x"), json!({ "name": null }), json!({ "name": 5 })];
    for name in [
        "a",
        "a-b",
        "a1",
        "1",
        "-a",
        "a-",
        "A",
        "a_b",
        "a b",
        "",
        "a.b",
        "a..b",
        ".a",
        "a.",
        "default.a",
        "knp.default.a",
        "knp.default.a.b",
        "knp.default.A",
        "ossg.default.a",
        "knp.other.a",
        "a\n",
        "ä",
        long.as_str(),
        longer.as_str(),
        &long[..245],
        &long[..246],
        &long[..64],
    ] {
        all.push(json!({ "name": name }));
    }
    let (key, longer) = ("k".repeat(63), "k".repeat(64));
    for (key, value) in [
        ("a", ""),
        ("a", "b"),
        ("a", "B_c.d-1"),
        ("a", "-b"),
        ("a", "b-"),
        ("a", "b c"),
        ("a", "b/c"),
        ("a", "ü"),
        ("a", key.as_str()),
        ("a", longer.as_str()),
        ("a.b/c", "d"),
        ("A", "b"),
        ("A/b", "c"),
        ("a/B", "c"),
        ("a/", "b"),
        ("/a", "b"),
        ("a/b/c", "d"),
        ("", "b"),
        ("a b", "c"),
        ("-a", "b"),
        ("ü", "b"),
        (key.as_str(), "b"),
        (longer.as_str(), "b"),
        ("projectcalico.org/namespace", "a"),
        ("kubernetes.io/x", "a"),
    ] {
        all.push(json!({ "name": "a", "labels": { key: value } }));
        all.push(json!({ "name": "a", "annotations": { key: value } }));
    }
    all.push(json!({ "name": "a", "annotations": { "a": "x".repeat(256 * 1024 - 1) } }));
    all.push(json!({ "name": "a", "annotations": { "a": "x".repeat(256 * 1024) } }));
    for (field, value) in [
        ("labels", json!({ "a": 5 })),
        ("labels", json!(["a"])),
        ("labels", json!(null)),
        ("annotations", json!({ "a": true })),
        ("namespace", json!("a")),
        ("namespace", json!(5)),
        ("resourceVersion", json!("5")),
        ("resourceVersion", json!(5)),
        ("generation", json!("5")),
        ("uid", json!(5)),
        ("finalizers", json!("a")),
        ("finalizers", json!(["a"])),
        ("ownerReferences", json!({})),
        ("managedFields", json!([])),
        ("selfLink", json!("/a")),
        ("creationTimestamp", json!(null)),
        ("creationTimestamp", json!("2026-01-02T03:04:05Z")),
        ("creationTimestamp", json!(5)),
        ("other", json!(1)),
    ] {
        all.push(json!({ "name": "a", field: value }));
    }
    all
}

fn host_endpoints() -> Vec<Value> {
    let mut all = vec![json!({}), json!(null), json!({ "node": "n" }), json!({ "interfaceName": "eth0" })];
    for node in [json!("n.example.com"), json!("N"), json!("n_1"), json!(""), json!(5), json!("10.0.0.1")] {
        all.push(json!({ "node": node, "interfaceName": "eth0" }));
    }
    for interface in [
        "*",
        "eth0",
        "eth0.100",
        "ens_1-2",
        "abcdefghijklmno",
        "abcdefghijklmnop",
        "eth 0",
        "eth0:1",
        "eth*",
        "eth+",
        "",
        "ü",
    ] {
        all.push(json!({ "node": "n", "interfaceName": interface }));
    }
    for addresses in [
        json!([]),
        json!(["10.0.0.1"]),
        json!(["fd00::1"]),
        json!(["::ffff:10.0.0.1"]),
        json!(["10.0.0.0/24"]),
        json!([""]),
        json!([null]),
        json!(["fe80::1%eth0"]),
        json!(["010.0.0.1"]),
        json!(["a"]),
        json!("10.0.0.1"),
        json!(["10.0.0.1", "10.0.0.1"]),
    ] {
        all.push(json!({ "node": "n", "expectedIPs": addresses }));
    }
    for profiles in [
        json!(["projectcalico-default-allow"]),
        json!(["kns.a"]),
        json!(["A"]),
        json!([""]),
        json!(["a", "a"]),
        json!("a"),
    ] {
        all.push(json!({ "node": "n", "interfaceName": "*", "profiles": profiles }));
    }
    for (name, protocol, port) in [
        (json!("ssh"), json!("TCP"), json!(22)),
        (json!("ssh"), json!("tcp"), json!(22)),
        (json!("ssh"), json!(6), json!(22)),
        (json!("ssh"), json!("ICMP"), json!(22)),
        (json!("ssh"), json!("SCTP"), json!(65535)),
        (json!("ssh"), json!("UDPLite"), json!(22)),
        (json!("SSH"), json!("TCP"), json!(22)),
        (json!("1"), json!("TCP"), json!(22)),
        (json!("abcdefghijklmnop"), json!("TCP"), json!(22)),
        (json!(""), json!("TCP"), json!(22)),
        (json!("ssh"), json!("TCP"), json!(0)),
        (json!("ssh"), json!("TCP"), json!(65536)),
        (json!("ssh"), json!("TCP"), json!("22")),
        (json!("ssh"), json!(null), json!(22)),
        (json!("ssh"), json!("TCP"), json!(null)),
        (json!(null), json!("TCP"), json!(22)),
    ] {
        all.push(json!({ "node": "n", "interfaceName": "*", "ports": [{ "name": name, "protocol": protocol, "port": port }] }));
    }
    all.push(json!({ "node": "n", "interfaceName": "*", "ports": [{}] }));
    all.push(json!({ "node": "n", "interfaceName": "*", "ports": [null] }));
    all.push(json!({ "node": "n", "interfaceName": "*", "labels": {} }));
    all
}

fn network_sets() -> Vec<Value> {
    let mut all =
        vec![json!({}), json!(null), json!({ "nets": null }), json!({ "nets": "10.0.0.0/8" }), json!({ "net": [] })];
    for net in [
        json!("10.0.0.0/8"),
        json!("10.1.1.1/8"),
        json!("10.0.0.1"),
        json!("fd00::/8"),
        json!("fd00::1"),
        json!("10.0.0.0/33"),
        json!("fd00::/129"),
        json!("010.0.0.1"),
        json!("a"),
        json!(""),
        json!(5),
        json!(null),
        json!("0.0.0.0/0"),
        json!("::ffff:10.0.0.1"),
        json!("::ffff:10.0.0.0/104"),
        json!("fe80::1%eth0"),
        json!("10.0.0.0/08"),
        json!("10.0.0.0/+8"),
        json!("10.0.0.1 "),
    ] {
        all.push(json!({ "nets": [net] }));
        all.push(json!({ "nets": ["10.0.0.0/8", net, "10.0.0.0/8"] }));
    }
    all
}

pub fn object(kind: &str, metadata: Value, spec: Value) -> Value {
    json!({ "apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": metadata, "spec": spec })
}

pub fn objects() -> Vec<Value> {
    let named = || json!({ "name": "a" });
    let mut all = Vec::new();
    for kind in ["GlobalNetworkPolicy", "NetworkPolicy"] {
        for direction in ["ingress", "egress"] {
            all.extend(
                rules()
                    .into_iter()
                    .map(|rule| object(kind, named(), json!({ direction: [{ "action": "Log" }, rule] }))),
            );
        }
        all.extend(specs().into_iter().map(|spec| object(kind, named(), spec)));
    }
    for (kind, spec) in [
        ("GlobalNetworkPolicy", json!({})),
        ("NetworkPolicy", json!({})),
        ("GlobalNetworkSet", json!({})),
        ("NetworkSet", json!({})),
        ("HostEndpoint", json!({ "node": "n", "interfaceName": "*" })),
    ] {
        all.extend(metadata().into_iter().map(|metadata| object(kind, metadata, spec.clone())));
    }
    all.extend(host_endpoints().into_iter().map(|spec| object("HostEndpoint", named(), spec)));
    for kind in ["GlobalNetworkSet", "NetworkSet"] {
        all.extend(network_sets().into_iter().map(|spec| object(kind, named(), spec)));
    }
    all
}

/// The kinds that configure Calico.
const SETTING_KINDS: [&str; 6] = [
    "IPPool",
    "BGPConfiguration",
    "BGPPeer",
    "FelixConfiguration",
    "KubeControllersConfiguration",
    "ClusterInformation",
];

/// What came out of holding our validator against Calico's.
#[derive(Default)]
pub struct Tally {
    /// Objects that were asked about.
    pub asked: usize,
    /// How many of them Calico refuses.
    pub refused: usize,
    /// By what they are about, so that one cause does not hide the others.
    problems: BTreeMap<String, BTreeSet<String>>,
    used: BTreeSet<&'static str>,
}

impl Tally {
    /// Asks both about an object, which is in v3 form.
    pub fn judge(&mut self, oracle: &mut Oracle, object: &Value) {
        let kind = object["kind"].as_str().expect("every case has a kind");
        let calico = oracle.validate(kind, object);
        let ours = validate(object, Some(Version { major: 3, minor: 28, patch: 5 }));
        self.asked += 1;
        self.refused += usize::from(!calico.valid);
        if !calico.valid && ours.is_empty() {
            let about = calico.error.split('=').next().unwrap_or_default();
            self.problem(about, format!("Calico refuses, we take:\n  {object}\n  {}", calico.error));
        }
        // Where Calico refuses too, the reasons need not be the same: it stops at the first that it cannot read.
        for violation in ours.iter().filter(|_| calico.valid) {
            let said = violation.to_string();
            let of_settings = SETTING_KINDS.contains(&kind);
            let stricter = if of_settings { STRICTER_SETTINGS } else { STRICTER };
            match stricter.iter().find(|(part, _)| said.contains(part)) {
                Some((part, _)) => drop(self.used.insert(*part)),
                None => {
                    self.problem(&violation.path, format!("Calico takes, we refuse:\n  {object}\n  {violation}"));
                }
            }
        }
    }

    fn problem(&mut self, about: &str, text: String) {
        self.problems.entry(about.to_string()).or_default().insert(text.chars().take(600).collect());
    }

    /// Panics where nothing shows that we are stricter than Calico, although it is listed.
    pub fn assert_used(&self, of_settings: bool) {
        let stricter = if of_settings { STRICTER_SETTINGS } else { STRICTER };
        let unused: Vec<_> = stricter.iter().filter(|(part, _)| !self.used.contains(part)).collect();
        assert!(unused.is_empty(), "nothing shows that we are stricter in {unused:?}");
    }

    /// Panics with every difference, and says how many objects there were.
    pub fn assert_same(&self, what: &str) {
        let differences: usize = self.problems.values().map(BTreeSet::len).sum();
        println!("{what}: {} objects, {} refused by Calico, {differences} differences", self.asked, self.refused);
        let shown: Vec<&str> =
            self.problems.values().flat_map(|same| same.iter().take(3)).map(String::as_str).collect();
        assert!(shown.is_empty(), "{differences} of {}:\n{}", self.asked, shown.join("\n"));
    }
}

#[test]
fn what_calico_refuses_we_refuse_and_what_we_refuse_beyond_it_is_listed() {
    let mut oracle = Oracle::start();
    let objects = objects();
    let mut tally = Tally::default();
    objects.iter().for_each(|object| tally.judge(&mut oracle, object));
    tally.assert_same("policies, sets and host endpoints by hand");
    tally.assert_used(false);
    let (refused, all) = (tally.refused, tally.asked);
    assert!(refused > 200 && all - refused > 200, "{refused} of {all} refused is no mixture");
}
