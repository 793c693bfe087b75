//! A lockdown on trial on the example: observed, granted from what its log lines say, promoted; staged; taken away.
//! Never knows a cluster.

use serde_json::Value;

use super::{Lab, program, report};

fn json(lab: &Lab, line: &str) -> Value {
    let output = program(lab.directory.path()).args(line.split(' ')).args(["-f", "manifests", "-o", "json"]).output();
    serde_json::from_slice(&output.unwrap().stdout).unwrap()
}

fn verdict(lab: &Lab, from: &str, to: &str) -> String {
    json(lab, &format!("explain --from {from} --to {to}"))["verdict"].as_str().unwrap().to_string()
}

fn done(lab: &Lab, line: &str) -> String {
    let said = lab.run(&format!("{line} --yes"));
    assert!(said.starts_with("exit 0\n"), "{line}: {said}");
    said
}

/// Where the example's nginx is, and where the walkthrough's client comes from.
const NGINX: &str = "10.20.112.90:80";
const CLIENT: &str = "10.7.0.99";
const NEIGHBOUR: &str = "10.7.0.98";

#[test]
fn an_observed_lockdown_is_shown_granted_from_its_log_and_promoted() {
    let lab = Lab::platform9();
    let before = lab.files();
    insta::assert_snapshot!("observed", done(&lab, "lockdown --observe"));
    let status = json(&lab, "status");
    assert_eq!((&status["state"], status["trial"]["observing"].as_array().map(Vec::len)), (&"open".into(), Some(2)));
    insta::assert_snapshot!("observed_status", lab.run("status"));
    let observed = lab.files();
    assert!(done(&lab, "lockdown --observe").contains("nothing to do"));
    assert_eq!(lab.files(), observed, "twice it writes nothing");
    assert_eq!(verdict(&lab, NEIGHBOUR, NGINX), "allow");
    done(&lab, "unlock");
    assert_eq!(lab.files(), before, "as before, byte for byte");

    done(&lab, "lockdown --observe");
    std::fs::write(lab.directory.path().join("kernel.log"), super::diagnose::CLIENT).unwrap();
    let found = lab.run("diagnose --log kernel.log");
    insta::assert_snapshot!("observed_diagnosed", found);
    let command = json(&lab, "diagnose --log kernel.log")[0]["command"].as_str().unwrap().to_string();
    let words: Vec<&str> = command.split(' ').skip(2).chain(["--yes"]).collect();
    let output = program(lab.directory.path()).args(words).output().unwrap();
    assert!(output.status.success(), "{command}: {}", report(&output));
    assert_eq!(verdict(&lab, NEIGHBOUR, NGINX), "allow", "a grant closes nothing yet");
    let refused = lab.run("unlock --yes");
    assert!(refused.starts_with("exit 3\n") && refused.contains("kubectl zerotrust revoke"), "{refused}");
    insta::assert_snapshot!("promoted", done(&lab, "promote"));
    assert_eq!(verdict(&lab, CLIENT, NGINX), "allow");
    assert_eq!(verdict(&lab, NEIGHBOUR, NGINX), "deny");
    assert_eq!(json(&lab, "status")["state"], "locked");
    insta::assert_snapshot!("promoted_twice", done(&lab, "promote"));
}

#[test]
fn a_staged_lockdown_needs_a_calico_that_has_the_kind() {
    let lab = Lab::platform9();
    insta::assert_snapshot!("staged_refused", lab.run("lockdown --staged --yes"));
    for (file, text) in lab.files() {
        lab.write(&file, &text.replace("calicoVersion: v3.18.1", "calicoVersion: v3.31.5"));
    }
    let before = lab.files();
    insta::assert_snapshot!("staged", done(&lab, "lockdown --staged"));
    assert!(lab.read("zerotrust.yaml").contains("kind: StagedGlobalNetworkPolicy"));
    assert_eq!(json(&lab, "status")["state"], "open");
    insta::assert_snapshot!("staged_status", lab.run("status"));
    done(&lab, "unlock");
    assert_eq!(lab.files(), before);
    done(&lab, "lockdown --staged");
    done(&lab, "promote");
    assert!(!lab.read("zerotrust.yaml").contains("kind: StagedGlobalNetworkPolicy"));
    assert_eq!(json(&lab, "status")["state"], "locked");
}

#[test]
fn nodes_are_observed_and_promoted() {
    let lab = Lab::platform9();
    let args = "lockdown --observe --nodes --allow-from 10.9.0.0/24 --allow-port 443";
    insta::assert_snapshot!("nodes_observed", done(&lab, args));
    assert_eq!(verdict(&lab, "203.0.113.9", "10.128.147.102:10250"), "allow");
    assert!(done(&lab, args).contains("nothing to do"));
    done(&lab, "promote");
    assert_eq!(verdict(&lab, "203.0.113.9", "10.128.147.102:10250"), "deny");
    assert_eq!(verdict(&lab, "10.9.0.7", "10.128.147.102:10250"), "allow");
    assert_eq!(json(&lab, "status")["perimeter"]["closes"], "nodes");
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
    done(&lab, "lockdown");
    assert!(done(&lab, "lockdown --observe").contains("locked already"));
    assert!(done(&lab, "promote").contains("nothing is staged or observed"));
}
