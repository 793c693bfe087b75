//! Objects made by a generator: every field of every kind with every value of a list of edges, then random mixtures, then
//! objects written by hand with random damage.
//! Never says what Calico refuses: its validator does. Which fields there are is read from Calico's CRDs.

use std::fs;

use serde_json::{Map, Value, json};

use super::objects::{Tally, object, objects};
use super::support::{Oracle, build};

/// Kinds that configure Calico, and the plural in their CRD's name.
const SETTINGS: [(&str, &str); 6] = [
    ("IPPool", "ippools"),
    ("BGPConfiguration", "bgpconfigurations"),
    ("BGPPeer", "bgppeers"),
    ("FelixConfiguration", "felixconfigurations"),
    ("KubeControllersConfiguration", "kubecontrollersconfigurations"),
    ("ClusterInformation", "clusterinformations"),
];

const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "A",
    "a.b",
    "a_b",
    "a-b",
    "-a",
    "a b",
    "*",
    "**",
    "eth*",
    "eth+",
    "eth0",
    "eth0:1",
    "eth0.100",
    "abcdefghijklmno",
    "abcdefghijklmnop",
    "Always",
    "CrossSubnet",
    "Never",
    "never",
    "Enabled",
    "Disabled",
    "enabled",
    "Auto",
    "NFT",
    "Legacy",
    "Drop",
    "Accept",
    "Return",
    "Reject",
    "drop",
    "Debug",
    "Info",
    "Warning",
    "Error",
    "Fatal",
    "Trace",
    "Off",
    "debug",
    "TCP",
    "UDP",
    "SCTP",
    "tcp",
    "Tunnel",
    "DSR",
    "DoNothing",
    "Enable",
    "Disable",
    "Any",
    "UseNodeIP",
    "None",
    "Workload",
    "WorkloadIPs",
    "CalicoIPAM",
    "10.0.0.1",
    "10.0.0.256",
    "010.0.0.1",
    "10.0.0.0/8",
    "10.0.0.1/8",
    "10.0.0.0/26",
    "10.0.0.0/27",
    "10.0.0.0/33",
    "0.0.0.0/0",
    "169.254.0.0/16",
    "169.254.1.0/24",
    "168.0.0.0/6",
    "::/0",
    "fd00::/8",
    "fd00::1/8",
    "fd00::1",
    "fd00::/122",
    "fd00::/123",
    "fe80::/10",
    "fe80::/64",
    "::ffff:10.0.0.1",
    "::ffff:10.0.0.0/104",
    "10.0.0.1:179",
    "10.0.0.1:0",
    "10.0.0.1:65536",
    "10.0.0.1:",
    "[fd00::1]:179",
    "[fd00::1]",
    "[fd00::1]:0",
    "fd00::1:179",
    "[10.0.0.1]:179",
    "10x0y0z1:179",
    "all()",
    "has(a)",
    "has(a) &&",
    "global()",
    "a == 'b'",
    "65000:100",
    "65000:65536",
    "1:2:3",
    "1:2:4294967296",
    "1:2:3:4",
    "a:b",
    "1:",
    "64512",
    "4294967295",
    "4294967296",
    "1.10",
    "65536.1",
    "1.2.3",
    "-1",
    "0",
    "0.0",
    "10s",
    "1m30s",
    "-5s",
    "1.5h",
    "10",
    "5d",
    "s",
    "1e3s",
    "^eth.*",
    "(",
    ")",
    "[a-z]+",
    "[z-a]",
    "a**",
    "a{2,1}",
    "a{1001}",
    "\\d+",
    "\\8",
    "(?i)x",
    "(?z)",
    "[[:alpha:]]",
    "[a-\\d]",
    "[--a]",
    "[a-b-c]",
    "x*?",
    "x+*",
    "a|*",
    "(?P<n>x)",
    "\\pL",
    "\\p{Greek}",
    "\\pX",
    "a=b",
    "a=b,c=d",
    "a=b,",
    "a",
    "=b",
    "a b=c",
    " a=b",
    "a=",
    "80",
    "30000:32767",
    "20:10",
    "http",
    "0",
    "65536",
    "1:2:3",
    "a\n",
    "ü",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrs",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
];

fn numbers() -> Vec<Value> {
    let mut numbers: Vec<Value> = [
        -2_147_483_649_i64,
        -2_147_483_648,
        -2,
        -1,
        0,
        1,
        19,
        20,
        26,
        27,
        32,
        33,
        115,
        116,
        122,
        128,
        129,
        250,
        251,
        253,
        255,
        256,
        32765,
        32766,
        65535,
        65536,
        2_147_483_647,
        2_147_483_648,
        4_294_967_295,
        4_294_967_296,
        i64::MAX,
    ]
    .map(Value::from)
    .to_vec();
    numbers.extend([json!(1.5), json!(1e3), json!(u64::MAX)]);
    numbers
}

/// Values of no particular type.
fn others() -> Vec<Value> {
    vec![json!(null), json!(true), json!(false), json!([]), json!({}), json!("x"), json!(7), json!([null]), json!([7])]
}

/// Every value that is tried for a part of a schema.
fn values(schema: &Value) -> Vec<Value> {
    let mut values = others();
    let texts = || TEXTS.iter().map(|text| json!(text));
    if schema["x-kubernetes-int-or-string"] == true {
        values.extend(texts().chain(numbers()));
        return values;
    }
    match schema["type"].as_str() {
        Some("string") => values.extend(texts()),
        Some("integer" | "number") => values.extend(numbers()),
        Some("array") => {
            for item in self::values(&schema["items"]) {
                values.push(json!([item.clone()]));
                values.push(json!([item.clone(), item]));
            }
            values.extend([8, 7].map(|number| json!(vec![json!("1:2"); number])));
        }
        Some("object") => {
            for (name, part) in schema["properties"].as_object().into_iter().flatten() {
                values.extend(self::values(part).into_iter().map(|value| json!({ name: value })));
            }
            if schema.get("additionalProperties").is_some() {
                values.extend(TEXTS.iter().map(|key| json!({ *key: "x" })));
            }
        }
        _ => {}
    }
    values
}

/// A generator that says the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit.max(1)
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

fn schema(plural: &str) -> Map<String, Value> {
    let path = build().crds().join(format!("crd.projectcalico.org_{plural}.yaml"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let definition: Value = serde_yaml::from_str(&text).expect("a CRD is YAML");
    let spec = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
    spec.as_object().expect("a CRD has fields").clone()
}

/// What calicoctl's client sets before its validator sees an object.
fn defaulted(kind: &str, mut spec: Map<String, Value>) -> Value {
    if kind == "IPPool" {
        for field in ["ipipMode", "vxlanMode"] {
            if spec.get(field).is_none_or(|mode| mode == "" || mode.is_null()) {
                spec.insert(field.into(), "Never".into());
            }
        }
    }
    spec.into()
}

/// What an object of the kind must have to be taken at all.
fn base(kind: &str) -> Map<String, Value> {
    let base = match kind {
        "IPPool" => json!({ "cidr": "10.20.0.0/16" }),
        "BGPPeer" => json!({ "peerIP": "10.0.0.1", "asNumber": 64512 }),
        _ => json!({}),
    };
    base.as_object().cloned().unwrap_or_default()
}

#[test]
fn every_setting_with_every_edge() {
    let mut oracle = Oracle::start();
    let mut tally = Tally::default();
    for (kind, plural) in SETTINGS {
        for (field, part) in schema(plural) {
            for value in values(&part) {
                let mut spec = base(kind);
                spec.insert(field.clone(), value);
                tally.judge(&mut oracle, &object(kind, json!({ "name": "a" }), defaulted(kind, spec)));
            }
        }
    }
    // The length of its mask counts from IPv6's, so that only a pool that is off is large enough.
    let mapped = json!({ "cidr": "::ffff:10.0.0.0/104", "disabled": true, "ipipMode": "Never", "vxlanMode": "Never" });
    tally.judge(&mut oracle, &object("IPPool", json!({ "name": "a" }), mapped));
    tally.assert_same("settings, one field at a time");
    tally.assert_used(true);
    assert!(tally.asked > 10_000 && tally.refused > 1_000, "{} asked, {} refused", tally.asked, tally.refused);
}

#[test]
fn settings_in_random_mixtures() {
    const EACH: usize = 3_000;
    let mut oracle = Oracle::start();
    let mut tally = Tally::default();
    let mut random = Random(1);
    for (kind, plural) in SETTINGS {
        let fields: Vec<(String, Vec<Value>)> =
            schema(plural).into_iter().map(|(name, part)| (name, values(&part))).collect();
        // Values that are taken alone, so that what does not go together shows.
        let good: Vec<(String, Vec<Value>)> = fields
            .iter()
            .map(|(name, values)| {
                let is_good = |value: &&Value| {
                    let mut spec = base(kind);
                    spec.insert(name.clone(), (*value).clone());
                    oracle.validate(kind, &object(kind, json!({ "name": "a" }), defaulted(kind, spec))).valid
                };
                (name.clone(), values.iter().filter(is_good).cloned().collect())
            })
            .collect();
        for round in 0..EACH {
            let from = if round % 4 == 0 { &fields } else { &good };
            let mut spec = base(kind);
            for _ in 0..2 + random.below(4) {
                let (name, values) = random.one(from).clone();
                if !values.is_empty() {
                    spec.insert(name, random.one(&values).clone());
                }
            }
            tally.judge(&mut oracle, &object(kind, json!({ "name": "a" }), defaulted(kind, spec)));
        }
    }
    tally.assert_same("settings, several fields");
    assert!(tally.refused > 500 && tally.asked - tally.refused > 500, "{} of {}", tally.refused, tally.asked);
}

/// Every way into a value.
fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_string());
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                paths(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                paths(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn policies_with_random_damage() {
    const MUTATIONS: usize = 20_000;
    let mut oracle = Oracle::start();
    let mut tally = Tally::default();
    let mut random = Random(2);
    let originals = objects();
    let mut parts = others();
    parts.extend(numbers());
    parts.extend(TEXTS.iter().map(|text| json!(text)));
    for _ in 0..MUTATIONS {
        let mut object = random.one(&originals).clone();
        for _ in 0..1 + random.below(3) {
            let mut found = Vec::new();
            paths(&object["spec"], "/spec", &mut found);
            let path = random.one(&found).clone();
            let value = match random.below(3) {
                // A part of another object, which means more than a word does.
                0 => {
                    let other = random.one(&originals);
                    let mut found = Vec::new();
                    paths(&other["spec"], "/spec", &mut found);
                    other.pointer(random.one(found.as_slice()).as_str()).cloned().unwrap_or_default()
                }
                _ => random.one(&parts).clone(),
            };
            if let Some(place) = object.pointer_mut(&path) {
                *place = value;
            }
        }
        tally.judge(&mut oracle, &object);
    }
    tally.assert_same("policies, sets and host endpoints with damage");
    assert!(tally.refused > 2_000 && tally.asked - tally.refused > 1_000, "{} of {}", tally.refused, tally.asked);
}

/// Rules that pass by themselves, in profiles, which have them as policies have.
#[test]
fn profiles_have_rules_too() {
    let mut oracle = Oracle::start();
    let mut tally = Tally::default();
    for policy in objects().iter().filter(|object| object["kind"] == "NetworkPolicy") {
        let mut spec = policy["spec"].clone();
        let Some(fields) = spec.as_object_mut() else { continue };
        fields.retain(|field, _| field == "ingress" || field == "egress");
        tally.judge(&mut oracle, &object("Profile", policy["metadata"].clone(), spec));
    }
    for (key, value) in [("a", "b"), ("a b", "c"), ("a", "b c"), ("", "a"), ("a/b", "C"), ("A", "-")] {
        tally
            .judge(&mut oracle, &object("Profile", json!({ "name": "a" }), json!({ "labelsToApply": { key: value } })));
    }
    tally.assert_same("profiles");
}
