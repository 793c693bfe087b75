//! A lockdown on trial on the example: observed, granted from what its log lines say, promoted; staged; taken away.
//! Never knows a cluster.

use super::{Lab, program, report};

/// Where the example's nginx is, and where the walkthrough's client comes from.
const NGINX: &str = "10.20.112.90:80";
const CLIENT: &str = "10.7.0.99";
const NEIGHBOUR: &str = "10.7.0.98";

#[test]
fn an_observed_lockdown_is_shown_granted_from_its_log_and_promoted() {
    let lab = Lab::platform9();
    let before = lab.files();
    insta::assert_snapshot!("observed", lab.done("lockdown --observe"));
    let status = lab.json("status");
    assert_eq!((&status["state"], status["trial"]["observing"].as_array().map(Vec::len)), (&"open".into(), Some(2)));
    insta::assert_snapshot!("observed_status", lab.run("status"));
    let observed = lab.files();
    assert!(lab.done("lockdown --observe").contains("nothing to do"));
    assert_eq!(lab.files(), observed, "twice it writes nothing");
    assert_eq!(lab.verdict(NEIGHBOUR, NGINX), "allow");
    lab.done("unlock");
    assert_eq!(lab.files(), before, "as before, byte for byte");

    lab.done("lockdown --observe");
    std::fs::write(lab.directory.path().join("kernel.log"), super::diagnose::CLIENT).unwrap();
    let found = lab.run("diagnose --log kernel.log");
    insta::assert_snapshot!("observed_diagnosed", found);
    let command = lab.json("diagnose --log kernel.log")[0]["command"].as_str().unwrap().to_string();
    let words: Vec<&str> = command.split(' ').skip(2).chain(["--yes"]).collect();
    let output = program(lab.directory.path()).args(words).output().unwrap();
    assert!(output.status.success(), "{command}: {}", report(&output));
    assert_eq!(lab.verdict(NEIGHBOUR, NGINX), "allow", "a grant closes nothing yet");
    let refused = lab.run("unlock --yes");
    assert!(refused.starts_with("exit 3\n") && refused.contains("kubectl zerotrust revoke"), "{refused}");
    insta::assert_snapshot!("promoted", lab.done("promote"));
    assert_eq!(lab.verdict(CLIENT, NGINX), "allow");
    assert_eq!(lab.verdict(NEIGHBOUR, NGINX), "deny");
    assert_eq!(lab.json("status")["state"], "locked");
    insta::assert_snapshot!("promoted_twice", lab.done("promote"));
}

#[test]
fn a_staged_lockdown_needs_a_calico_that_has_the_kind() {
    let lab = Lab::platform9();
    insta::assert_snapshot!("staged_refused", lab.run("lockdown --staged --yes"));
    for (file, text) in lab.files() {
        lab.write(&file, &text.replace("calicoVersion: v3.18.1", "calicoVersion: v3.31.5"));
    }
    let before = lab.files();
    insta::assert_snapshot!("staged", lab.done("lockdown --staged"));
    assert!(lab.read("zerotrust.yaml").contains("kind: StagedGlobalNetworkPolicy"));
    assert_eq!(lab.json("status")["state"], "open");
    insta::assert_snapshot!("staged_status", lab.run("status"));
    lab.done("unlock");
    assert_eq!(lab.files(), before);
    lab.done("lockdown --staged");
    lab.done("promote");
    assert!(!lab.read("zerotrust.yaml").contains("kind: StagedGlobalNetworkPolicy"));
    assert_eq!(lab.json("status")["state"], "locked");
}

#[test]
fn nodes_are_observed_and_promoted() {
    let lab = Lab::platform9();
    let args = "lockdown --observe --nodes --allow-from 10.9.0.0/24 --allow-port 443";
    insta::assert_snapshot!("nodes_observed", lab.done(args));
    assert_eq!(lab.verdict("203.0.113.9", "10.128.147.102:10250"), "allow");
    assert!(lab.done(args).contains("nothing to do"));
    lab.done("promote");
    assert_eq!(lab.verdict("203.0.113.9", "10.128.147.102:10250"), "deny");
    assert_eq!(lab.verdict("10.9.0.7", "10.128.147.102:10250"), "allow");
    assert_eq!(lab.json("status")["perimeter"]["closes"], "nodes");
    assert!(!lab.read("zerotrust.yaml").contains("observing"), "{}", lab.read("zerotrust.yaml"));
}

#[test]
fn what_makes_no_sense_on_trial_is_said() {
    let lab = Lab::platform9();
    for (line, code, word) in [
        ("lockdown --staged --observe --yes", 2, "cannot be used with"),
        ("lockdown --staged --nodes --yes", 2, "cannot be used with"),
        ("lockdown --observe --log --yes", 2, "cannot be used with"),
        ("lockdown --log-prefix x --yes", 2, "--observe"),
        ("lockdown --observe --log-rate 5/week --yes", 2, "10/second"),
        ("lockdown --observe --log-rate 5/day --yes", 3, "3.30.6"),
    ] {
        let said = lab.run(line);
        assert!(said.starts_with(&format!("exit {code}\n")) && said.contains(word), "{line}: {said}");
    }
    lab.done("lockdown");
    assert!(lab.done("lockdown --observe").contains("locked already"));
    assert!(lab.done("promote").contains("nothing is staged or observed"));
    // As a refusal names several risks.
    assert!(lab.done("promote --accept-risk kubelet,metrics-server").contains("nothing is staged or observed"));
}
