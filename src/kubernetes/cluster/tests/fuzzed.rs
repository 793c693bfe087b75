//! Kubeconfigs that nobody wrote, changed at random from one that has everything: no panic and no hang.
//! Never connects to what they name.

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::super::connection::Connection;
use super::super::kubeconfig::Kubeconfig;

#[path = "../../../../tests/fuzz/mutate.rs"]
mod mutate;
#[path = "../../../../tests/lab/generate/random.rs"]
#[expect(dead_code, reason = "the lab draws more kinds of numbers than this does")]
mod random;

const WHOLE: &str = r#"apiVersion: v1
kind: Config
current-context: here
preferences: {}
clusters:
- name: there
  cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: Y2E=, tls-server-name: api, proxy-url: "http://127.0.0.1:3128", insecure-skip-tls-verify: false}
- name: other
  cluster:
    server: https://[::1]:6443
    certificate-authority: ca.crt
    extensions: [{name: x, extension: {a: [1, 2]}}]
contexts:
- {name: here, context: {cluster: there, user: me, namespace: shop}}
- {name: second, context: {cluster: other, user: plugin}}
users:
- name: me
  user: {token: hush, username: jane, password: hush, client-certificate-data: Y2VydA==, client-key-data: a2V5}
- name: plugin
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: login, args: [a], env: [{name: A, value: hush}], interactiveMode: Never}
"#;

const WORDS: &[&str] = &[
    "&a ",
    "*a",
    "<<: *a\n",
    "[",
    "]",
    "{",
    "}",
    "- ",
    ": ",
    "---\n",
    "\"",
    "'",
    "|\n",
    "\t",
    "\0",
    "\u{feff}",
    "null",
    "yes",
    "1e999",
    "!!binary ",
    "current-context: ",
    "clusters:\n",
    "users: []\n",
    "contexts: {}\n",
    "server: \"\"\n",
    "https://",
    "\u{1b}[2J",
    "name: 7\n",
];

/// Reads the file and chooses every context; gives what would be shown of it.
fn read(file: &Path) -> String {
    let nothing = |_: &str| None;
    let mut shown = Vec::new();
    match Kubeconfig::load(Some(file), &nothing) {
        Err(error) => shown.push(error.to_string()),
        Ok(config) => {
            let names = config.contexts.keys().cloned().map(Some).chain([None]);
            for context in names.collect::<Vec<_>>() {
                let flags = Connection { context, ..Connection::default() };
                if let Err(error) = config.select(&flags, &nothing, Path::new("/nowhere")) {
                    shown.push(error.to_string());
                }
            }
        }
    }
    shown.join("\n")
}

#[test]
fn kubeconfigs_that_nobody_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let corpus = [WHOLE.as_bytes().to_vec()];
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let first = number("ZEROTRUST_FUZZ_SEED", 1);
    let mut refused = 0;
    for seed in first..first + number("ZEROTRUST_FUZZ_CASES", 600) {
        let input = mutate::mutated(&mut random::Random::of(seed), &corpus, WORDS);
        let file = directory.path().join("config");
        std::fs::write(&file, &input).unwrap();
        let (sender, receiver) = channel();
        std::thread::spawn(move || sender.send(read(&file)));
        let text = || String::from_utf8_lossy(&input).into_owned();
        let shown = receiver.recv_timeout(Duration::from_secs(30));
        let shown = shown.unwrap_or_else(|error| panic!("seed {seed}: {error}:\n{}", text()));
        refused += usize::from(!shown.is_empty());
    }
    assert!(refused > 0, "nothing was ever refused");
}
