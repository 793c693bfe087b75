//! Real input to start from: the example's manifests, selectors and log lines as Calico's documents and the article have
//! them, and records of this program.
//! Never changes it.

use std::path::Path;

use kubectl_zerotrust::record::{Entry, Record, State, Summary};
use serde_json::{Value, json};

/// The example's files, whole, and one by one what they hold.
pub fn manifests() -> Vec<Vec<u8>> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/platform9");
    let mut files: Vec<_> = std::fs::read_dir(example).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(files.len() > 5, "{files:?}");
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        found.extend(text.split("\n---\n").map(|document| document.as_bytes().to_vec()));
        if text.len() < 10_000 {
            found.push(text.into_bytes());
        }
    }
    found.push(POLICIES.as_bytes().to_vec());
    found
}

/// Policies with a bit of everything that they can say, in YAML and in JSON.
const POLICIES: &str = r#"
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: hosts, annotations: {note: "a b"}}
spec:
  order: 20.5
  selector: has(role) && role in {"a", 'b'}
  preDNAT: true
  applyOnForward: true
  types: [Ingress]
  ingress:
  - {action: Log}
  - action: Allow
    protocol: TCP
    source: {nets: [10.0.0.0/8, "fd00::/8"], notNets: [10.1.0.0/16], notPorts: [1, "2:3"]}
    destination: {ports: [80, http, "8000:8080"], selector: "!has(x)"}
  - {action: Deny, protocol: ICMP, icmp: {type: 8, code: 0}, ipVersion: 4}
---
{"apiVersion": "crd.projectcalico.org/v1", "kind": "NetworkPolicy", "metadata": {"name": "default.web", "namespace": "shop"},
 "spec": {"tier": "default", "selector": "app == 'web'", "types": ["Ingress", "Egress"], "ingress": [{"action": "Pass"}],
 "egress": [{"action": "Allow", "destination": {"services": {"name": "db", "namespace": "shop"}}}]}}
---
apiVersion: v1
kind: List
items:
- &pod
  apiVersion: v1
  kind: Pod
  metadata: {name: web-1, namespace: shop, labels: {app: web}}
  spec: {nodeName: n1, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
  status: {phase: Running, podIP: 10.20.1.5, conditions: [{type: Ready, status: "True"}]}
- {apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {selector: {app: web}, type: NodePort, clusterIP: 10.96.0.9, ports: [{port: 80, targetPort: http, nodePort: 30080}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: k, namespace: shop}
spec: {podSelector: {matchExpressions: [{key: app, operator: In, values: [web]}]}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}], ports: [{port: 80, endPort: 90}]}]}
"#;

/// Words that YAML, Kubernetes and Calico have a meaning for, and those that nobody should.
pub const YAML_WORDS: &[&str] = &[
    "&a ",
    "*a",
    "<<: *a\n",
    "!!binary ",
    "!!int ",
    "!x ",
    "[",
    "{",
    "]",
    "}",
    "- ",
    "? ",
    ": ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "|\n",
    ">-\n",
    "\"",
    "'",
    "#",
    "\t",
    "\r\n",
    "\0",
    "\u{feff}",
    "\u{1b}[2J",
    "\u{202e}",
    "\"\\e[31m\"",
    "\"\\u202e\"",
    "~",
    "null",
    "yes",
    "0o17",
    "0x7fffffffffffffff",
    "1e999999999",
    "-0",
    "99999999999999999999999999999",
    ".inf",
    ".nan",
    "2001-01-01",
    "60:60",
    "metadata:\n",
    "spec:\n",
    "kind: Node\n",
    "kind: List\n",
    "items:\n",
    "apiVersion: v1\n",
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/99",
    "1.2.3",
    "all()",
    "global()",
    "has(",
    "kube-system",
    "*",
    "65536",
    "-1",
    "30000:32767",
    "4294967296",
    "kubectl-zerotrust/grant-aaaaaaaaaa: '{}'\n",
    "kubectl-zerotrust/role: perimeter\n",
    "preDNAT: true\n",
    "ingress: [{}]\n",
    "status: 7\n",
    "labels: []\n",
    "nets: [1]\n",
    "\u{1f600}",
    "\\",
    "\u{85}",
    "\u{2028}",
];

/// Selectors.
pub fn selectors() -> Vec<Vec<u8>> {
    let texts = [
        "all()",
        "has(projectcalico.org/name) && projectcalico.org/name not in {\"kube-system\", 'calico-system'}",
        "app == 'web' || (role != \"db\" && !has(x))",
        "a in {'b','c'} && d contains 'e' && f starts with \"g\" && h ends with 'i'",
        "!(!(a == 'b'))",
        "global()",
        "k8s-app == \"kube-dns\"",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Words of selectors.
pub const SELECTOR_WORDS: &[&str] = &[
    "&&",
    "||",
    "!",
    "(",
    ")",
    "has(",
    "all()",
    "global()",
    " in ",
    " not in ",
    "{",
    "}",
    "==",
    "!=",
    "'",
    "\"",
    ",",
    " contains ",
    " starts with ",
    " ends with ",
    "\n",
    "\r",
    "\t",
    "\0",
    "a/b.c-d_e",
    "ä",
    "\u{202e}",
    "!has(",
];

/// Lines of kernel logs (net/netfilter/nf_log_syslog.c), as dmesg, syslog and the journal have them.
pub fn lines() -> Vec<Vec<u8>> {
    let packet = "calico-packet: IN=eth0 OUT=cali0123456789a MAC=fa:16:3e:00:00:01:fa:16:3e:00:00:02:08:00 SRC=10.7.0.99 DST=10.20.1.5 LEN=64 TOS=0x00 PREC=0x00 TTL=59 ID=0 DF PROTO=TCP SPT=44342 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0";
    let six = "calico-packet: IN=cali0123456789a OUT= SRC=fd00:0000:0000:0000:0000:0000:0000:0001 DST=fd00:0000:0000:0000:0000:0000:0000:0002 LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=ICMPv6 TYPE=135 CODE=0";
    let texts = [
        format!("Feb 16 18:20:49 worker-1 kernel: {packet}\n"),
        format!("[12345.678901] {packet}\n"),
        format!("<4>{packet}\n2026-02-16T18:20:49.123456+00:00 worker-2 kernel: [1.0] {six}\n"),
        format!("6,1234,5678,-;{six}\n"),
        "IPv4: martian source 10.20.1.5 from 10.7.0.99, on dev eth0\nll header: 00000000: ff ff ff ff ff ff\n"
            .to_string(),
        "net_ratelimit: 12 callbacks suppressed\n".to_string(),
        "wireguard: wireguard.cali: Packet has unallowed src IP (10.20.1.5) from peer 3 (192.0.2.11:51820)\n"
            .to_string(),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}

/// Words of such lines.
pub const LINE_WORDS: &[&str] = &[
    "IN=",
    "OUT=",
    "SRC=",
    "DST=",
    "PROTO=",
    "SPT=",
    "DPT=",
    "TYPE=",
    "CODE=",
    "MAC=",
    "FRAG:",
    "[SRC=",
    "]",
    "LEN=",
    "\u{1b}[2J",
    "\r",
    "\0",
    "99999999999999999999",
    "256.1.1.1",
    ":::",
    "PROTO=255",
    "calico-packet: ",
    "kernel: ",
    "\n",
    "[",
    "<",
    ">",
    "-;",
];

/// The ConfigMaps of a record.
pub fn record() -> Vec<Value> {
    let object = |kind: &str, name: &str| json!({"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": {"name": name}, "spec": {"order": 1.5}});
    let entry = |kind: &str, name: &str| Entry {
        object: format!("{kind} {name}"),
        before: None,
        after: Some(object(kind, name)),
        written: true,
    };
    let summary = Summary {
        number: 7,
        when: "2026-02-16T18:20:49Z".into(),
        user: "jane".into(),
        context: "prod".into(),
        command: "kubectl zerotrust lockdown".into(),
        title: "lockdown".into(),
        state: State::Started,
        tool: "0.1.0".into(),
        calico: Some("3.28.0".into()),
        api: "crd.projectcalico.org/v1".into(),
        undoes: Some(3),
        undone_by: None,
        finished_by: None,
    };
    let entries = vec![entry("GlobalNetworkPolicy", "deny-app-policy"), entry("HostEndpoint", "zerotrust-n1")];
    Record { summary, entries }.to_config_maps("kube-system")
}
