//! What the program prints, as a terminal gets it: whatever names, annotations, log lines and errors of others hold, nothing
//! comes that moves a cursor, rings, turns the direction of text, or stands as a line of its own.
//! Never knows what is printed.

use std::path::Path;
use std::process::{Command, Stdio};

use super::corpus::{YAML_WORDS, manifests};
use super::mutate::mutated;
use super::random::Random;
use super::seeds;

/// What a hostile name could hold: escape sequences (7 and 8 bit), returns, backspaces, bells, what turns text (Unicode TR 9),
/// and a line that looks like one of ours.
const HOSTILE: &str =
    "a\u{1b}[2J\u{1b}]0;x\u{7}\r\u{8}\u{7f}\u{9b}31m\u{202e}b\u{2066}c\u{200f}\u{2028}d\nHint: forged";

fn forbidden(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && c != '\n' && c != '\t') || turns
}

/// Runs the program on a directory; what it printed must be harmless, but for colours where they were asked for.
fn harmless(directory: &Path, args: &[&str]) -> String {
    let manifests = directory.join("manifests");
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-zerotrust"))
        .args(args)
        .arg("-f")
        .arg(&manifests)
        .current_dir(directory)
        .env_remove("KUBECONFIG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.code().is_some_and(|code| code <= 4), "{args:?}: {output:?}");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8")).join("\n---\n");
    let mut bare = text.clone();
    if args.contains(&"--color=always") {
        for code in ["0", "1", "31", "32", "33", "1;31"] {
            bare = bare.replace(&format!("\u{1b}[{code}m"), "");
        }
    }
    if let Some(found) = bare.find(forbidden) {
        let near: String = bare[found..].chars().take(40).collect();
        panic!("{args:?} printed {near:?} in {text:?}");
    }
    assert!(!bare.lines().any(|line| line.starts_with("Hint: forged")), "{args:?} printed a line of theirs: {text}");
    text
}

const COMMANDS: &[&[&str]] = &[
    &["status"],
    &["status", "--color=always", "-o", "wide"],
    &["status", "-o", "json"],
    &["status", "-o", "yaml"],
    &["status", "-o", "name"],
    &["validate"],
    &["validate", "-o", "json"],
    &["sync", "--check", "--color=always"],
    &["lockdown", "--dry-run=client", "--accept-risk", "dns", "--color=always"],
    &["lockdown", "--dry-run=client", "--accept-risk", "dns", "-o", "yaml"],
    &["lockdown", "--dry-run=client", "--accept-risk", "dns", "-o", "json"],
    &["explain", "--from", "10.20.1.5", "--to", "10.20.1.6:80", "--color=always"],
    &["explain", "--from", "10.20.1.5", "--to", "10.20.1.6:80", "-o", "json"],
    &["explain", "--from", "10.20.1.5", "--to", "10.20.1.6:80", "-o", "yaml", "-v"],
    &["explain", "--from", HOSTILE, "--to", "10.20.1.6:80"],
    &["allow", "--from", "10.7.0.99", "--to", "web", "--dry-run=client", "--color=always"],
    &["allow", "--from", "10.7.0.99", "--to", HOSTILE, "--dry-run=client"],
    &["expose-nodeport", "web", "--from", "10.7.0.99", "--dry-run=client", "--reason", HOSTILE],
    &["diagnose", "--log", "log.txt"],
    &["diagnose", "--log", "log.txt", "-o", "json"],
    &["diagnose", "--log", "log.txt", "-o", "yaml"],
    &["diagnose", "--log", "log.txt", "-o", "wide", "--color=always"],
    &["test", "tests.yaml"],
    &["revoke", HOSTILE, "--dry-run=client"],
];

/// Everything that a cluster can say is hostile where Kubernetes or a file lets it be.
fn cluster() -> Vec<serde_json::Value> {
    use serde_json::json;
    let pod = |name: &str, ip: &str| {
        json!({"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": name, "namespace": "shop", "labels": {"app": "web", "x": HOSTILE}, "annotations": {HOSTILE: HOSTILE}},
               "spec": {"nodeName": "n1", "containers": [{"name": HOSTILE, "ports": [{"name": HOSTILE, "containerPort": 80}]}]},
               "status": {"phase": "Running", "podIP": ip, "conditions": [{"type": "Ready", "status": "True"}]}})
    };
    let v3 = |kind: &str, name: &str, spec: serde_json::Value| json!({"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": {"name": name, "annotations": {"why": HOSTILE}}, "spec": spec});
    vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"x": HOSTILE}}}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOSTILE}}),
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "annotations": {"projectcalico.org/IPv4Address": HOSTILE}},
               "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.11"}, {"type": "InternalIP", "address": HOSTILE}]}}),
        pod("web-1", "10.20.1.5"),
        pod(HOSTILE, "10.20.1.6"),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
               "spec": {"selector": {"app": "web"}, "clusterIP": "10.96.0.9", "type": "NodePort", "externalName": HOSTILE,
                        "ports": [{"name": HOSTILE, "port": 80, "targetPort": HOSTILE, "nodePort": 30080}, {"port": 81, "targetPort": 80}]}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": HOSTILE, "namespace": "shop"},
               "spec": {"selector": {"app": HOSTILE}, "clusterIP": HOSTILE, "ports": [{"port": 80}]}}),
        v3("ClusterInformation", "default", json!({"calicoVersion": HOSTILE})),
        v3("IPPool", HOSTILE, json!({"cidr": "10.20.0.0/16", "natOutgoing": true})),
        v3("IPPool", "bad", json!({"cidr": HOSTILE})),
        v3(
            "FelixConfiguration",
            "default",
            json!({"logPrefix": HOSTILE, "interfacePrefix": HOSTILE, "defaultEndpointToHostAction": HOSTILE}),
        ),
        v3(
            "HostEndpoint",
            HOSTILE,
            json!({"node": "n1", "interfaceName": HOSTILE, "expectedIPs": ["192.0.2.11", HOSTILE], "profiles": [HOSTILE]}),
        ),
        v3("GlobalNetworkSet", HOSTILE, json!({"nets": [HOSTILE, "10.9.0.0/16"]})),
        v3(
            "GlobalNetworkPolicy",
            HOSTILE,
            json!({"selector": HOSTILE, "types": ["Ingress"], "ingress": [{"action": HOSTILE}]}),
        ),
        v3(
            "GlobalNetworkPolicy",
            "strange",
            json!({"selector": "all()", "tier": HOSTILE, "types": [HOSTILE, "Ingress"], "order": 1,
           "ingress": [{"action": "Deny", "protocol": HOSTILE, "source": {"selector": format!("a == '{HOSTILE}'"), "nets": [HOSTILE]}},
                       {"action": "Deny", "metadata": {"annotations": {"kubectl-zerotrust/grant": HOSTILE, HOSTILE: HOSTILE}}}]}),
        ),
        json!({"apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
               "metadata": {"name": "own", "namespace": "shop", "labels": {"app.kubernetes.io/managed-by": HOSTILE},
                            "annotations": {format!("kubectl-zerotrust/grant-{HOSTILE}"): HOSTILE,
                                            "kubectl-zerotrust/grant-aaaaaaaaaa": json!({"from": {"nets": ["10.7.0.99/32"]}, "to": {"pods": {"namespace": "shop", "selector": "app == 'web'", "named": HOSTILE}}, "reason": HOSTILE}).to_string()}},
               "spec": {"selector": "app == 'web'", "types": ["Ingress"], "ingress": [{"action": "Log"}, {"action": "Deny", "source": {"nets": ["10.20.1.5/32"]}}]}}),
        json!({"apiVersion": "example.org/v1", "kind": HOSTILE, "metadata": {"name": HOSTILE}}),
    ]
}

#[test]
fn whatever_names_hold_the_terminal_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("manifests")).unwrap();
    for (index, document) in cluster().iter().enumerate() {
        let text = serde_json::to_string_pretty(document).unwrap();
        std::fs::write(directory.path().join(format!("manifests/{index}.json")), text).unwrap();
    }
    std::fs::write(directory.path().join(format!("manifests/broken{}.yaml", "\u{202e}")), format!("a: [{HOSTILE}\n"))
        .unwrap();
    let packet = "IN=eth0 OUT=cali1 SRC=10.20.1.5 DST=10.20.1.6 LEN=64 PROTO=TCP SPT=4 DPT=80";
    let log = format!(
        "Feb 16 18:20:49 n1 kernel: calico-packet: {packet}\nFeb 16 18:20:49 {HOSTILE} kernel: {HOSTILE}: {packet}\n"
    );
    std::fs::write(directory.path().join("log.txt"), log).unwrap();
    let tests = serde_json::json!([{"from": HOSTILE, "to": "shop/web", "allow": [HOSTILE]}, {"from": "10.7.0.99", "to": "shop/web", "deny": ["80"]}]);
    std::fs::write(directory.path().join("tests.yaml"), tests.to_string()).unwrap();
    let said: String = COMMANDS.iter().map(|args| harmless(directory.path(), args)).collect();
    // What is hostile was there to be said.
    assert!(said.contains("\\u{1b}[2J") && said.contains("\\u{202e}"), "{said}");
}

#[test]
fn whatever_a_file_holds_the_terminal_is_left_alone() {
    let corpus = manifests();
    for seed in seeds(8) {
        let random = &mut Random::of(seed);
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("manifests")).unwrap();
        for file in 0..4 {
            let input = mutated(random, &corpus, YAML_WORDS);
            std::fs::write(directory.path().join(format!("manifests/{file}.yaml")), input).unwrap();
        }
        std::fs::write(
            directory.path().join("log.txt"),
            mutated(random, &super::corpus::lines(), super::corpus::LINE_WORDS),
        )
        .unwrap();
        std::fs::write(directory.path().join("tests.yaml"), mutated(random, &corpus, YAML_WORDS)).unwrap();
        for _ in 0..4 {
            let &args = random.pick::<&[&str]>(COMMANDS);
            harmless(directory.path(), args);
        }
    }
}
