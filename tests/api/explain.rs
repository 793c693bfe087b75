//! What `explain` reads of a live cluster, and whether the command that it names does what it says there.
//! Never knows the code.

use serde_json::Value;

use crate::cluster::{Cluster, text};

/// Verdict and the command that opens it, as words behind `kubectl zerotrust`.
fn explained(cluster: &Cluster, from: &str, to: &str) -> (String, Option<Vec<String>>) {
    let output = cluster.plugin(&["explain", "--from", from, "--to", to, "--output=json"]);
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("explain prints JSON: {}{}", text(&output.stdout), text(&output.stderr)));
    let command = answer["fix"][0]["command"].as_str();
    let words = command.map(|command| command.split(' ').skip(2).map(str::to_string).collect());
    (answer["verdict"].as_str().expect("a verdict").to_string(), words)
}

#[test]
fn the_command_that_is_named_opens_the_flow() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    // Names, the Service's cluster address, the pod's own address; each leaves the next one to be opened.
    for (from, to) in [("access", "nginx"), ("10.7.0.99", "10.20.2.90:80"), ("10.20.1.20", "10.21.250.63:80")] {
        let (verdict, command) = explained(&cluster, from, to);
        assert_eq!(verdict, "deny", "{from} -> {to}");
        let command = command.unwrap_or_else(|| panic!("{from} -> {to}: a command that opens it"));
        let mut words: Vec<&str> = command.iter().map(String::as_str).collect();
        words.push("--yes");
        cluster.done(&words);
        let (verdict, command) = explained(&cluster, from, to);
        assert_eq!((verdict.as_str(), command), ("allow", None), "{from} -> {to} after {words:?}");
    }
    assert_eq!(explained(&cluster, "10.7.0.98", "10.20.2.90:80").0, "deny", "another client stays out");
}
