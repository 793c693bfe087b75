//! Calico's rules in tables: what an object says, and the field and reason that are expected.
//! Never knows Calico's own validator; tests/oracle.rs asks that one.

use serde_json::{Value, json};

use super::*;

fn version(text: &str) -> Option<Version> {
    Version::parse(text)
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({ "apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": { "name": name }, "spec": spec })
}

/// A GlobalNetworkPolicy with one ingress rule.
fn ingress(rule: Value) -> Value {
    object("GlobalNetworkPolicy", "p", json!({ "types": ["Ingress"], "ingress": [rule] }))
}

fn egress(rule: Value) -> Value {
    object("GlobalNetworkPolicy", "p", json!({ "types": ["Egress"], "egress": [rule] }))
}

/// Exactly these violations, by path and a part of the reason, in this order.
#[track_caller]
fn expect(object: &Value, version: Option<Version>, expected: &[(&str, &str)]) {
    let found = validate(object, version);
    let matches = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(violation, (path, reason))| violation.path == *path && violation.reason.contains(reason));
    assert!(matches, "{object}\nexpected {expected:#?}\nfound {found:#?}");
}

#[test]
fn takes_what_calico_takes() {
    for object in [
        object(
            "GlobalNetworkPolicy",
            "deny-app-policy",
            json!({
                "namespaceSelector": "kubernetes.io/metadata.name not in {\"kube-system\"}", "order": 2000,
                "types": ["Ingress", "Egress"],
                "egress": [
                    { "action": "Allow", "protocol": "UDP", "destination": { "selector": "k8s-app == 'kube-dns'", "ports": [53] } },
                    { "action": "Log" }, { "action": "Deny" },
                ],
            }),
        ),
        object(
            "GlobalNetworkPolicy",
            "perimeter",
            json!({
                "selector": "!has(projectcalico.org/namespace)", "types": ["Ingress"], "preDNAT": true, "applyOnForward": true,
                "ingress": [{
                    "action": "Deny", "protocol": "TCP", "source": { "notNets": ["10.0.0.0/16", "10.7.0.1/32"] },
                    "destination": { "ports": ["30000:32767"] }, "metadata": { "annotations": { "kubectl-zerotrust/grant": "x" } },
                }],
            }),
        ),
        object(
            "NetworkPolicy",
            "nginx",
            json!({
                "selector": "app == 'nginx'", "types": ["Ingress"], "serviceAccountSelector": "has(a)",
                "ingress": [
                    { "action": "Allow", "protocol": "tcp".to_uppercase(), "source": { "nets": ["10.7.0.99/32"] }, "destination": { "ports": [80, "443", "8000:8080", "http"] } },
                    { "action": "Allow", "protocol": 6, "http": null, "source": { "namespaceSelector": "global()", "selector": "role == 'nodes'" } },
                    { "action": "Pass", "ipVersion": 6, "protocol": "ICMPv6", "icmp": { "type": 128, "code": 0 } },
                    { "action": "Allow", "http": { "methods": ["GET"], "paths": [{ "exact": "/a" }, { "prefix": "/b" }] } },
                    { "action": "Allow", "source": { "services": { "name": "web" } } },
                ],
            }),
        ),
        object("GlobalNetworkSet", "nodes.all", json!({ "nets": ["10.7.0.1", "10.8.1.1/16", "fd00::/8"] })),
        object(
            "HostEndpoint",
            "n1-eth0",
            json!({
                "node": "n1.example.com", "interfaceName": "eth0.100", "expectedIPs": ["10.7.0.1", "fd00::1"],
                "profiles": ["projectcalico-default-allow"], "ports": [{ "name": "ssh", "protocol": "TCP", "port": 22 }],
            }),
        ),
    ] {
        expect(&object, version("3.18.1"), &[]);
        expect(&object, None, &[]);
    }
    let kubernetes = object("StagedKubernetesNetworkPolicy", "a.b.c", json!({ "podSelector": {} }));
    expect(&kubernetes, version("3.31"), &[]);
    expect(&object("Tier", "security", json!({ "order": 100, "defaultAction": "Pass" })), version("3.30.0"), &[]);
    expect(&json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": { "x": 1 } }), None, &[]);
}

#[test]
fn every_field_is_one_that_calico_has_and_of_its_type() {
    for (object, expected) in [
        (object("NetworkPolicy", "p", json!({ "preDNAT": true })), vec![("spec.preDNAT", "is no field of this")]),
        (object("GlobalNetworkPolicy", "p", json!({ "predNat": true })), vec![("spec.predNat", "spelled preDNAT")]),
        (object("GlobalNetworkPolicy", "p", json!({ "order": "1" })), vec![("spec.order", "\"1\" must be a number")]),
        (object("GlobalNetworkPolicy", "p", json!({ "selector": 5 })), vec![("spec.selector", "5 must be text")]),
        (
            object("GlobalNetworkPolicy", "p", json!({ "preDNAT": "yes" })),
            vec![("spec.preDNAT", "must be true or false")],
        ),
        (object("GlobalNetworkPolicy", "p", json!({ "types": "Ingress" })), vec![("spec.types", "must be a list")]),
        (object("GlobalNetworkPolicy", "p", json!([])), vec![("spec", "[] must be an object")]),
        (
            ingress(json!({ "action": "Deny", "source": { "net": "10.0.0.0/8" } })),
            vec![("spec.ingress[0].source.net", "would leave it out")],
        ),
        (ingress(json!({ "action": "Deny", "ipVersion": 4.0 })), vec![("spec.ingress[0].ipVersion", "whole number")]),
        (
            object("GlobalNetworkSet", "s", json!({ "nets": [8] })),
            vec![("spec.nets[0]", "8 must be text"), ("spec.nets[0]", "8 is no CIDR")],
        ),
    ] {
        expect(&object, None, &expected);
    }
}

#[test]
fn names_follow_the_version() {
    let policy = |kind, name, tier: &str| object(kind, name, json!({ "tier": tier, "types": ["Ingress"] }));
    let gnp = |name, tier| policy("GlobalNetworkPolicy", name, tier);
    for (object, version_text, expected) in [
        (gnp("allow", "default"), "3.28", vec![]),
        (gnp("a.b", "default"), "3.28", vec![("metadata.name", "has a dot")]),
        (gnp("sec.allow", "sec"), "3.28", vec![("metadata.name", "has a dot"), ("spec.tier", "has no tiers")]),
        (gnp("sec.allow", "sec"), "3.29", vec![]),
        (gnp("default.allow", "default"), "3.30", vec![]),
        (gnp("allow", "sec"), "3.31", vec![("metadata.name", "must be sec.allow in tier sec")]),
        (gnp("allow", "sec"), "3.32", vec![]),
        (gnp("my.allow", "default"), "3.31", vec![("metadata.name", "into tier my")]),
        (gnp("my.allow", "default"), "3.32", vec![]),
        (gnp("Allow", "default"), "3.32", vec![("metadata.name", "lower-case")]),
        (gnp("a.b.c", "a"), "3.32", vec![("metadata.name", "lower-case")]),
        (gnp("", "default"), "3.32", vec![("metadata.name", "is not set")]),
        (policy("NetworkPolicy", "knp.default.a.b", "default"), "3.28", vec![]),
        (policy("GlobalNetworkPolicy", "knp.default.a", "default"), "3.28", vec![("metadata.name", "lower-case")]),
        (
            policy("StagedNetworkPolicy", "p", "default"),
            "3.29",
            vec![("kind", "Calico 3.29.0 has no StagedNetworkPolicy")],
        ),
        (object("Tier", "t", json!({})), "3.28", vec![("kind", "it came with 3.29")]),
        (object("Tier", "a.b", json!({})), "3.30", vec![("metadata.name", "without dots")]),
        (object("GlobalNetworkSet", "a.b", json!({})), "3.28", vec![]),
        (object("GlobalNetworkSet", "a..b", json!({})), "3.28", vec![("metadata.name", "lower-case")]),
    ] {
        expect(&object, version(version_text), &expected);
    }
    expect(&gnp("sec.allow", "sec"), None, &[]);
    expect(&gnp("default.allow", "default"), None, &[("metadata.name", "leave default. out")]);
    expect(&gnp("allow", "sec"), None, &[("metadata.name", "must be sec.allow")]);
    let long = "a".repeat(246);
    expect(&gnp(&long, "default"), version("3.31"), &[("metadata.name", "longer than 245")]);
    expect(&gnp(&long, "default"), version("3.32"), &[]);
    expect(&gnp(&"a".repeat(254), "default"), version("3.32"), &[("metadata.name", "longer than 253")]);
    let long = object("Tier", &"a".repeat(64), json!({}));
    expect(&long, None, &[("metadata.name", "longer than 63")]);
}

#[test]
fn labels_and_annotations_are_kubernetes_own() {
    let with = |field: &str, key: &str, value: &str| {
        let mut object = object("GlobalNetworkSet", "s", json!({}));
        object["metadata"][field] = json!({ key: value });
        object
    };
    let (long, longer) = ("a".repeat(63), "a".repeat(64));
    for (object, expected) in [
        (with("labels", "a.b/c-d_E9", &long), vec![]),
        (with("labels", "a", ""), vec![]),
        (with("labels", "a", &longer), vec![("metadata.labels[a]", "no label value")]),
        (with("labels", "a", "-a"), vec![("metadata.labels[a]", "\"-a\" is no label value")]),
        (with("labels", "a b", ""), vec![("metadata.labels[a b]", "no label key")]),
        (with("labels", "a/b/c", ""), vec![("metadata.labels[a/b/c]", "no label key")]),
        (with("labels", "A.b/c", ""), vec![("metadata.labels[A.b/c]", "no label key")]),
        (with("annotations", "A.b/c", "any text\n"), vec![]),
        (with("annotations", "a/", ""), vec![("metadata.annotations[a/]", "no annotation key")]),
        (with("annotations", "a", &"x".repeat(256 * 1024)), vec![("metadata.annotations", "262145 bytes")]),
        (
            with("labels", "projectcalico.org/namespace", "a"),
            vec![("metadata.labels[projectcalico.org/namespace]", "only Calico itself")],
        ),
    ] {
        expect(&object, None, &expected);
    }
    let mut object = object("HostEndpoint", "h", json!({ "node": "n", "interfaceName": "*" }));
    object["metadata"]["namespace"] = json!("a");
    expect(&object, None, &[("metadata.namespace", "cluster-wide")]);
}

#[test]
fn a_policy_is_asked_in_one_place() {
    let gnp = |spec| object("GlobalNetworkPolicy", "p", spec);
    for (spec, expected) in [
        (json!({ "preDNAT": true, "applyOnForward": true, "types": ["Ingress"] }), vec![]),
        (json!({ "doNotTrack": true, "applyOnForward": true }), vec![]),
        (json!({ "preDNAT": true }), vec![("spec.applyOnForward", "must be true where preDNAT is")]),
        (json!({ "doNotTrack": true }), vec![("spec.applyOnForward", "must be true where doNotTrack is")]),
        (json!({ "preDNAT": true, "doNotTrack": true, "applyOnForward": true }), vec![("spec.preDNAT", "cannot both")]),
        (
            json!({ "preDNAT": true, "applyOnForward": true, "types": ["Egress"], "egress": [{ "action": "Deny" }] }),
            vec![("spec.egress", "no egress rules"), ("spec.types", "the type Egress")],
        ),
        (json!({ "types": ["Ingress", "Ingress"] }), vec![("spec.types[1]", "twice")]),
        (json!({ "types": ["ingress"] }), vec![("spec.types[0]", "\"ingress\" must be Ingress or Egress")]),
        (json!({ "tier": "a.b" }), vec![("metadata.name", "must be a.b.p"), ("spec.tier", "no name of a tier")]),
        (json!({ "performanceHints": ["AssumeNeededOnEveryNode"] }), vec![]),
        (
            json!({ "performanceHints": ["x", "x"] }),
            vec![
                ("spec.performanceHints[0]", "\"x\" must be"),
                ("spec.performanceHints[1]", "\"x\" must be"),
                ("spec.performanceHints[1]", "twice"),
            ],
        ),
    ] {
        expect(&gnp(spec), None, &expected);
    }
    let hints = gnp(json!({ "performanceHints": ["AssumeNeededOnEveryNode"] }));
    expect(&hints, version("3.26"), &[("spec.performanceHints", "came with 3.27")]);
}

#[test]
fn selectors_parse_and_keep_global_where_it_means_something() {
    let long = format!("has({})", "a".repeat(500));
    let long = format!("{long} || {long} || {long}");
    for (object, expected) in [
        (
            object("GlobalNetworkPolicy", "p", json!({ "selector": "a = 'b'" })),
            vec![("spec.selector", "is no selector: = must be doubled: == at character 3")],
        ),
        (
            object("GlobalNetworkPolicy", "p", json!({ "selector": "has(a)\n" })),
            vec![("spec.selector", "a line break")],
        ),
        (
            object("GlobalNetworkPolicy", "p", json!({ "namespaceSelector": "global()" })),
            vec![("spec.namespaceSelector", "only the namespaceSelector of a rule")],
        ),
        (
            object("GlobalNetworkPolicy", "p", json!({ "serviceAccountSelector": "a == 'global()'" })),
            vec![("spec.serviceAccountSelector", "global()")],
        ),
        (
            object("GlobalNetworkPolicy", "p", json!({ "selector": long })),
            vec![("spec.selector", "more than the 1024")],
        ),
        (
            ingress(json!({ "action": "Deny", "source": { "selector": "global( )" } })),
            vec![("spec.ingress[0].source.selector", "global()")],
        ),
        (
            ingress(json!({ "action": "Deny", "source": { "notSelector": "x" } })),
            vec![("spec.ingress[0].source.notSelector", "is no selector")],
        ),
        (
            ingress(
                json!({ "action": "Deny", "source": { "serviceAccounts": { "selector": "(", "names": ["a'b"] } } }),
            ),
            vec![
                ("spec.ingress[0].source.serviceAccounts.selector", "is no selector"),
                ("spec.ingress[0].source.serviceAccounts.names[0]", "no name of a ServiceAccount"),
            ],
        ),
        (
            ingress(json!({ "action": "Deny", "source": { "namespaceSelector": "has(a) || (global())" } })),
            vec![("spec.ingress[0].source.namespaceSelector", "must stand alone")],
        ),
        (ingress(json!({ "action": "Deny", "source": { "namespaceSelector": "!global()" } })), vec![]),
    ] {
        expect(&object, None, &expected);
    }
    let object = object("GlobalNetworkPolicy", "p", json!({ "selector": long }));
    expect(&object, version("3.32.1"), &[]);
}

#[test]
fn a_rule_has_an_action_a_protocol_and_icmp_that_fit() {
    for (rule, expected) in [
        (json!({}), vec![("action", "null must be Allow")]),
        (json!({ "action": "allow" }), vec![("action", "\"allow\" must be Allow, Deny, Log or Pass")]),
        (json!({ "action": "Deny", "ipVersion": 5 }), vec![("ipVersion", "5 must be 4 or 6")]),
        (json!({ "action": "Deny", "protocol": "tcp" }), vec![("protocol", "\"tcp\" must be TCP")]),
        (json!({ "action": "Deny", "protocol": 0 }), vec![("protocol", "from 1 to 255")]),
        (json!({ "action": "Deny", "protocol": "256" }), vec![("protocol", "\"256\"")]),
        (json!({ "action": "Deny", "protocol": "47" }), vec![]),
        (json!({ "action": "Deny", "notProtocol": "GRE" }), vec![("notProtocol", "\"GRE\"")]),
        (json!({ "action": "Deny", "protocol": "TCP", "notProtocol": 17 }), vec![("notProtocol", "beside protocol")]),
        (json!({ "action": "Deny", "icmp": { "type": 8 } }), vec![("icmp", "needs protocol ICMP")]),
        (json!({ "action": "Deny", "protocol": "TCP", "notICMP": { "type": 8 } }), vec![("notICMP", "needs protocol")]),
        (json!({ "action": "Deny", "protocol": "ICMP", "icmp": { "code": 0 } }), vec![("icmp.code", "0 needs a type")]),
        (
            json!({ "action": "Deny", "protocol": "ICMP", "icmp": { "type": 255, "code": 256 } }),
            vec![("icmp.type", "255 must be from 0 to 254"), ("icmp.code", "256 must be from 0 to 255")],
        ),
        (
            json!({ "action": "Deny", "protocol": "ICMP", "ipVersion": 6 }),
            vec![("ipVersion", "6 does not go with ICMP")],
        ),
        (json!({ "action": "Deny", "notProtocol": "ICMPv6", "ipVersion": 4 }), vec![("ipVersion", "with ICMPv6")]),
        (
            json!({ "action": "Deny", "metadata": { "annotations": { "a b": "" } } }),
            vec![("metadata.annotations[a b]", "no annotation key")],
        ),
    ] {
        let expected: Vec<_> =
            expected.iter().map(|(path, reason)| (format!("spec.ingress[0].{path}"), *reason)).collect();
        let expected: Vec<_> = expected.iter().map(|(path, reason)| (path.as_str(), *reason)).collect();
        expect(&ingress(rule), None, &expected);
    }
}

#[test]
fn nets_are_masked_and_of_one_family() {
    let nets = |source: &[&str], not: &[&str]| {
        ingress(json!({ "action": "Deny", "source": { "nets": source, "notNets": not } }))
    };
    const AT: &str = "spec.ingress[0].source.nets[0]";
    for (object, expected) in [
        (nets(&["0.0.0.0/0"], &["10.0.0.0/8"]), vec![]),
        (nets(&["10.0.0.0/33"], &[]), vec![(AT, "\"10.0.0.0/33\" is no CIDR")]),
        (nets(&["1.2.3.4/16"], &[]), vec![(AT, "bits behind its mask; write 1.2.0.0/16")]),
        (nets(&["1.2.3.4"], &[]), vec![(AT, "has no mask; write 1.2.3.4/32")]),
        (nets(&["::ffff:10.0.0.0/104"], &[]), vec![(AT, "write it as IPv4")]),
        (nets(&["010.0.0.0/8"], &[]), vec![(AT, "is no CIDR")]),
        (nets(&[], &["0.0.0.0/0"]), vec![("spec.ingress[0].source.notNets[0]", "leaves nothing to match")]),
        (
            nets(&["10.0.0.0/8"], &["fd00::/8"]),
            vec![("spec.ingress[0].source.notNets[0]", "\"fd00::/8\" and \"10.0.0.0/8\" are of two families")],
        ),
        (
            ingress(json!({ "action": "Deny", "ipVersion": 4, "source": { "nets": ["fd00::/8"] } })),
            vec![(AT, "is not of ipVersion 4")],
        ),
        (nets(&["10.0.0.0/8", "10.0.0.0/8"], &[]), vec![("spec.ingress[0].source.nets[1]", "stands there twice")]),
    ] {
        expect(&object, None, &expected);
    }
    expect(&nets(&["10.0.0.0/8", "10.0.0.0/8"], &[]), version("3.31"), &[]);
    let many: Vec<String> = (0..=256).map(|n| format!("10.{}.{}.0/24", n / 256, n % 256)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    expect(&nets(&many, &[]), version("3.33"), &[("spec.ingress[0].source.nets", "257 nets are more than the 256")]);
    expect(&nets(&many, &[]), version("3.32"), &[]);
}

#[test]
fn ports_are_numbers_ranges_or_names_and_need_a_protocol() {
    let ports =
        |ports: Value| ingress(json!({ "action": "Deny", "protocol": "TCP", "destination": { "ports": ports } }));
    const AT: &str = "spec.ingress[0].destination.ports[0]";
    for (value, reason) in [
        (json!(0), "0 is no port: ports go from 1 to 65535"),
        (json!(65536), "65536 is no port"),
        (json!(-1), "-1 is no port"),
        (json!("99999"), "\"99999\" is no port"),
        (json!("0:10"), "is no port: ports go"),
        (json!("10:1"), "ends before it begins"),
        (json!("10-20"), "a range is written \"10:20\""),
        (json!("a b"), "or a name"),
        (json!("HTTP"), "or a name"),
        (json!("a--b"), "or a name"),
        (json!("abcdefghijklmnop"), "or a name"),
        (json!("1-2-3"), "or a name"),
        (json!(""), "or a name"),
        (json!(null), "null is no port"),
    ] {
        expect(&ports(json!([value])), None, &[(AT, reason)]);
    }
    expect(&ports(json!([1, 65535, "1", "1:65535", "80:80", "http", "a-1"])), None, &[]);
    let without = |protocol: Value, ports: Value| {
        ingress(json!({ "action": "Deny", "protocol": protocol, "source": { "notPorts": ports } }))
    };
    const NOT: &str = "spec.ingress[0].source.notPorts";
    expect(&without(json!(null), json!([80])), None, &[(NOT, "none is set")]);
    expect(&without(json!("ICMP"), json!([80])), None, &[(NOT, "not \"ICMP\"")]);
    expect(&without(json!(17), json!([80])), None, &[]);
    expect(&without(json!(null), json!(["dns"])), version("3.31"), &[(NOT, "none is set")]);
    expect(&without(json!(null), json!(["dns"])), version("3.32"), &[]);
    expect(&without(json!(null), json!(["dns", 53])), version("3.32"), &[(NOT, "none is set")]);
}

#[test]
fn services_stand_alone_at_the_far_end() {
    let web = json!({ "name": "web", "namespace": "shop" });
    for (object, expected) in [
        (ingress(json!({ "action": "Deny", "protocol": "TCP", "source": { "services": web, "ports": [80] } })), vec![]),
        (egress(json!({ "action": "Deny", "destination": { "services": web } })), vec![]),
        (
            egress(json!({ "action": "Deny", "source": { "services": web } })),
            vec![("spec.egress[0].source.services", "only the source of ingress rules")],
        ),
        (
            ingress(json!({ "action": "Deny", "destination": { "services": web } })),
            vec![("spec.ingress[0].destination.services", "only the source of ingress rules")],
        ),
        (
            egress(json!({ "action": "Deny", "destination": { "services": { "name": "web" } } })),
            vec![("spec.egress[0].destination.services.namespace", "cluster-wide policy needs")],
        ),
        (
            ingress(json!({ "action": "Deny", "source": { "services": { "namespace": "Shop" } } })),
            vec![
                ("spec.ingress[0].source.services.namespace", "\"Shop\" must be"),
                ("spec.ingress[0].source.services.name", "is not set"),
            ],
        ),
        (
            ingress(
                json!({ "action": "Deny", "source": { "services": web, "selector": "has(a)", "nets": ["10.0.0.0/8"] } }),
            ),
            vec![
                ("spec.ingress[0].source.services", "beside selector"),
                ("spec.ingress[0].source.services", "beside nets"),
            ],
        ),
        (
            egress(json!({ "action": "Deny", "protocol": "TCP", "destination": { "services": web, "ports": [80] } })),
            vec![("spec.egress[0].destination.ports", "brings its own ports")],
        ),
    ] {
        expect(&object, None, &expected);
    }
}

#[test]
fn http_is_for_allow_rules_of_ingress() {
    let http = |http: Value| ingress(json!({ "action": "Allow", "protocol": "TCP", "http": http }));
    const AT: &str = "spec.ingress[0].http";
    for (object, expected) in [
        (http(json!({ "methods": ["GET", "GET"] })), vec![("spec.ingress[0].http.methods[1]", "twice")]),
        (http(json!({ "paths": [{}] })), vec![("spec.ingress[0].http.paths[0]", "either exact or prefix")]),
        (
            http(json!({ "paths": [{ "exact": "/a", "prefix": "/a" }] })),
            vec![("spec.ingress[0].http.paths[0]", "either")],
        ),
        (
            http(json!({ "paths": [{ "exact": "a" }] })),
            vec![("spec.ingress[0].http.paths[0]", "\"a\" must start with /")],
        ),
        (http(json!({ "paths": [{ "exact": "/a?b" }] })), vec![("spec.ingress[0].http.paths[0]", "have no ?")]),
        (ingress(json!({ "action": "Deny", "http": {} })), vec![(AT, "only Allow rules")]),
        (ingress(json!({ "action": "Allow", "protocol": "UDP", "http": {} })), vec![(AT, "needs protocol TCP")]),
        (egress(json!({ "action": "Allow", "http": {} })), vec![("spec.egress[0].http", "only ingress rules")]),
    ] {
        expect(&object, None, &expected);
    }
    let many: Vec<_> = (0..21).map(|n| json!({ "exact": format!("/{n}") })).collect();
    let many = http(json!({ "paths": many }));
    expect(&many, version("3.32"), &[("spec.ingress[0].http.paths", "21 paths")]);
    expect(&many, version("3.31"), &[]);
}

/// Facts, part 12, item 1: seen with packets on Felix 3.28.5.
#[test]
fn a_third_list_that_needs_several_matches_is_never_written() {
    let rule = |sources: usize, destinations: usize, ports: Value| {
        let nets = |first: u8, count: usize| (0..count).map(|n| format!("{first}.0.0.{n}/32")).collect::<Vec<_>>();
        egress(json!({
            "action": "Allow", "protocol": "TCP", "source": { "nets": nets(10, sources) },
            "destination": { "nets": nets(20, destinations), "ports": ports },
        }))
    };
    const AT: &str = "spec.egress[0].destination.nets";
    let ignored = [(AT, "as destination.ports and source.nets have more than one entry")];
    expect(&rule(2, 2, json!([80])), None, &[]);
    expect(&rule(2, 2, json!([80, "http"])), None, &ignored);
    expect(&rule(2, 2, json!(["http", "https"])), version("3.28.5"), &ignored);
    expect(&rule(1, 2, json!([80, "http"])), None, &[]);
    expect(&rule(2, 1, json!([80, "http"])), None, &[]);
    expect(&rule(2, 2, (1..=15).collect()), None, &[]);
    expect(&rule(2, 2, (1..=16).collect()), None, &ignored);
    let ranges = |count: usize| (0..count).map(|n| format!("{}:{}", 10 * n + 1, 10 * n + 5)).collect::<Vec<_>>();
    expect(&rule(2, 2, json!(ranges(7))), None, &[]);
    expect(&rule(2, 2, json!(ranges(8))), None, &ignored);
}

#[test]
fn staged_policies_say_what_to_do() {
    let staged = |spec| object("StagedGlobalNetworkPolicy", "p", spec);
    expect(
        &staged(json!({ "stagedAction": "Set", "preDNAT": true })),
        version("3.30"),
        &[("spec.applyOnForward", "true")],
    );
    expect(&staged(json!({ "stagedAction": "Drop" })), None, &[("spec.stagedAction", "\"Drop\" must be Set, Delete")]);
    expect(&staged(json!({ "stagedAction": "Delete", "selector": "", "types": [], "preDNAT": false })), None, &[]);
    let delete = json!({ "stagedAction": "Delete", "order": 1, "selector": "has(a)" });
    expect(&staged(delete), None, &[("spec.order", "where stagedAction is Delete"), ("spec.selector", "Delete")]);
    let kubernetes = |spec| object("StagedKubernetesNetworkPolicy", "p", spec);
    expect(&kubernetes(json!({ "podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}] })), None, &[]);
    expect(&kubernetes(json!({ "selector": "all()" })), None, &[("spec.selector", "is no field")]);
    let delete = json!({ "stagedAction": "Delete", "policyTypes": ["Ingress"] });
    expect(&kubernetes(delete), None, &[("spec.policyTypes", "Delete")]);
}

#[test]
fn endpoints_sets_and_tiers() {
    let endpoint = |spec| object("HostEndpoint", "h", spec);
    for (object, expected) in [
        (endpoint(json!({})), vec![("spec.node", "is not set"), ("spec.interfaceName", "expectedIPs neither")]),
        (endpoint(json!({ "node": "N", "interfaceName": "eth0" })), vec![("spec.node", "\"N\" must be")]),
        (
            endpoint(json!({ "node": "n", "interfaceName": "an-interface-too-long" })),
            vec![("spec.interfaceName", "at most 15")],
        ),
        (
            endpoint(json!({ "node": "n", "expectedIPs": ["10.0.0.0/24", "10.0.0.1", "10.0.0.1"] })),
            vec![("spec.expectedIPs[0]", "\"10.0.0.0/24\" is no address"), ("spec.expectedIPs[2]", "twice")],
        ),
        (
            endpoint(json!({ "node": "n", "interfaceName": "*", "profiles": ["A"] })),
            vec![("spec.profiles[0]", "no name")],
        ),
        (
            endpoint(
                json!({ "node": "n", "interfaceName": "*", "ports": [{ "name": "A", "protocol": "ICMP", "port": 0 }] }),
            ),
            vec![
                ("spec.ports[0].name", "\"A\" must be"),
                ("spec.ports[0].protocol", "\"ICMP\" must be TCP, UDP or SCTP"),
                ("spec.ports[0].port", "0 must be from 1 to 65535"),
            ],
        ),
        (
            object("GlobalNetworkSet", "s", json!({ "nets": ["10.0.0.0/33", "10.1.1.1"] })),
            vec![("spec.nets[0]", "10.0.0.0/33")],
        ),
        (
            object("Tier", "t", json!({ "defaultAction": "Allow" })),
            vec![("spec.defaultAction", "\"Allow\" must be Deny or Pass")],
        ),
        (
            object("Tier", "default", json!({ "order": 5, "defaultAction": "Pass" })),
            vec![
                ("spec.order", "5 must be 1000000 in tier default"),
                ("spec.defaultAction", "Pass must be Deny in tier default"),
            ],
        ),
        (object("Tier", "kube-admin", json!({ "order": 1000, "defaultAction": "Pass" })), vec![]),
    ] {
        expect(&object, None, &expected);
    }
}

/// Whatever stands in whatever field, there is an answer; and a value of a wrong type is never taken.
#[test]
fn any_value_in_any_field_gets_an_answer() {
    let full = object(
        "GlobalNetworkPolicy",
        "p",
        json!({
            "order": 1, "selector": "all()", "types": ["Ingress"], "preDNAT": false, "performanceHints": ["AssumeNeededOnEveryNode"],
            "ingress": [
                {
                    "action": "Allow", "ipVersion": 4, "protocol": "TCP", "metadata": { "annotations": { "a": "b" } },
                    "http": { "methods": ["GET"], "paths": [{ "exact": "/" }] },
                    "source": { "nets": ["10.0.0.0/8"], "selector": "has(a)", "serviceAccounts": { "names": ["a"], "selector": "has(a)" } },
                    "destination": { "ports": [1, "a"], "notSelector": "has(b)", "notNets": ["10.0.0.0/8"] },
                },
                { "action": "Log", "protocol": "ICMP", "notICMP": { "type": 1, "code": 1 }, "source": { "services": { "name": "a", "namespace": "b" } } },
                { "action": "Log", "notProtocol": 17 },
            ],
        }),
    );
    expect(&full, None, &[]);
    let mut paths = Vec::new();
    collect_pointers(&full["spec"], "/spec".to_string(), &mut paths);
    assert!(paths.len() > 30);
    for path in &paths {
        let right = full.pointer(path).expect("it was there");
        for wrong in [
            json!(true),
            json!(-1.5),
            json!("\u{0}"),
            json!([null]),
            json!([[]]),
            json!({ "": null }),
            json!(u64::MAX),
            json!(null),
        ] {
            let mut object = full.clone();
            *object.pointer_mut(path).expect("it was there") = wrong.clone();
            let found = validate(&object, None);
            if std::mem::discriminant(right) != std::mem::discriminant(&wrong) && !wrong.is_null() {
                assert!(!found.is_empty(), "{path} took {wrong}");
            }
        }
    }
}

fn collect_pointers(value: &Value, at: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| collect_pointers(value, format!("{at}/{key}"), paths))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| collect_pointers(item, format!("{at}/{n}"), paths))
        }
        _ => {}
    }
    paths.push(at);
}
