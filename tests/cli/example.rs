//! The main job on the example: lock down, allow, explain, take back. The files are edited as a person would edit them.
//! Never knows a cluster.

use serde_json::Value;

use super::{Lab, program, report};

/// A JSON answer and how the program ended.
fn json(lab: &Lab, line: &str) -> (Value, Option<i32>) {
    let mut command = program(lab.directory.path());
    let output = command.args(line.split(' ')).args(["-f", "manifests", "-o", "json"]).output().unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code())
}

#[test]
fn a_lockdown_is_shown_before_it_is_made() {
    let lab = Lab::platform9();
    let before = lab.files();
    insta::assert_snapshot!(lab.run("lockdown --dry-run=client"));
    assert_eq!(lab.files(), before, "a dry run writes nothing");
    let refused = lab.run("lockdown");
    assert!(refused.starts_with("exit 2\n") && refused.contains("--yes"), "nobody can be asked: {refused}");
    assert_eq!(lab.files(), before);
}

#[test]
fn a_lockdown_is_one_new_file_and_the_second_one_changes_nothing() {
    let lab = Lab::platform9();
    let before = lab.files();
    let done = lab.run("lockdown --yes");
    assert!(done.contains("\nglobalnetworkpolicy.projectcalico.org/deny-app-policy created\n"), "{done}");
    insta::assert_snapshot!("zerotrust.yaml", lab.read("zerotrust.yaml"));
    let after = lab.files();
    let others: Vec<_> = after.iter().filter(|(name, _)| name != "zerotrust.yaml").cloned().collect();
    assert_eq!(others, before, "no other file changes");
    let again = lab.run("lockdown --yes");
    assert!(again.starts_with("exit 0\n") && again.contains("nothing to do"), "{again}");
    assert_eq!(lab.files(), after);
}

#[test]
fn a_client_is_let_in_and_taken_back() {
    let lab = Lab::platform9();
    lab.run("lockdown --yes");
    let locked = lab.read("zerotrust.yaml");
    let ask = "explain --from 10.7.0.99 --to nginx";

    let (denied, code) = json(&lab, ask);
    assert_eq!((denied["verdict"].as_str(), code), (Some("deny"), Some(3)));
    let by = &denied["paths"][0]["hops"][0]["by"];
    assert_eq!((by["kind"].as_str(), by.get("rule")), (Some("Tier"), None), "{by}");
    let fix = denied["fix"][0]["command"].as_str().unwrap().to_string();
    assert_eq!(fix, "kubectl zerotrust allow --from 10.7.0.99 --to advanced-policy-demo/nginx -f manifests");
    insta::assert_snapshot!("explain_denied", lab.run(ask));

    insta::assert_snapshot!("allow", lab.run("allow --from 10.7.0.99 --to nginx --yes"));
    let (allowed, code) = json(&lab, ask);
    assert_eq!((allowed["verdict"].as_str(), code), (Some("allow"), Some(0)));
    assert_eq!(allowed["fix"], Value::Array(vec![]));
    let by = &allowed["paths"][0]["hops"][0]["by"];
    assert_eq!((by["kind"].as_str(), by["rule"].as_u64()), (Some("NetworkPolicy"), Some(0)), "{by}");
    for other in ["explain --from 10.7.0.98 --to nginx", "explain --from 10.7.0.99 --to nginx:81 --protocol tcp"] {
        assert!(!lab.run(other).starts_with("exit 0"), "{other}");
    }

    let once = lab.files();
    let twice = lab.run("allow --from 10.7.0.99 --to nginx --yes");
    assert!(twice.starts_with("exit 0\n") && twice.contains("nothing to do"), "{twice}");
    assert_eq!(lab.files(), once);

    let (status, _) = json(&lab, "status");
    assert_eq!(status["state"], "locked");
    assert_eq!(status["grants"][0]["id"], denied["fix"][0]["grant"], "the grant that explain promised");
    insta::assert_snapshot!("status", lab.run("status"));
    insta::assert_snapshot!("status_wide", lab.run("status -o wide"));

    let id = status["grants"][0]["id"].as_str().unwrap();
    let revoked = lab.run(&format!("revoke {id} --yes"));
    assert!(revoked.starts_with("exit 0\n"), "{revoked}");
    assert_eq!(lab.read("zerotrust.yaml"), locked, "exactly what allow added is gone");
    assert_eq!(json(&lab, ask).1, Some(3));
    let unlocked = lab.run("unlock --yes");
    assert!(unlocked.starts_with("exit 0\n"), "{unlocked}");
    assert!(!lab.path("zerotrust.yaml").exists(), "the last document takes its file with it");
}

#[test]
fn pods_are_opened_at_both_ends_and_a_second_grant_joins_the_first() {
    let lab = Lab::platform9();
    lab.run("lockdown --yes");
    lab.run("allow --from 10.7.0.99 --to nginx --yes");
    let done = lab.run("allow --from access --to nginx --reason demo --yes");
    assert!(done.contains("/zerotrust-nginx-ingress configured in advanced-policy-demo\n"), "{done}");
    assert!(done.contains("/zerotrust-access-egress created in advanced-policy-demo\n"), "{done}");
    let (answer, code) = json(&lab, "explain --from access --to nginx");
    assert_eq!((answer["verdict"].as_str(), code), (Some("allow"), Some(0)));
    let checkpoints: Vec<&str> =
        answer["paths"][0]["hops"].as_array().unwrap().iter().filter_map(|hop| hop["checkpoint"].as_str()).collect();
    assert_eq!(checkpoints, ["dnat", "egress", "ingress"]);
}

#[test]
fn a_dry_run_prints_objects_alone_in_v3_form() {
    let lab = Lab::platform9();
    let printed = lab.run("lockdown --dry-run=client -o yaml");
    let stdout = printed.split("--- stderr").next().unwrap().strip_prefix("exit 0\n--- stdout\n").unwrap();
    assert!(stdout.starts_with("apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\n"), "{stdout}");
    assert!(stdout.ends_with('\n') && !stdout.contains('+'), "{stdout}");
    let (object, code) = json(&lab, "lockdown --dry-run=client");
    assert_eq!((object["metadata"]["name"].as_str(), code), (Some("deny-app-policy"), Some(0)));
    assert_eq!(
        lab.run("lockdown --dry-run=client -o name").lines().nth(2),
        Some("globalnetworkpolicy.projectcalico.org/deny-app-policy")
    );
}

#[test]
fn standard_input_is_read_and_what_changes_is_printed() {
    use std::io::Write;
    let lab = Lab::platform9();
    let text: String = lab.files().into_iter().map(|(_, text)| format!("---\n{text}\n")).collect();
    let mut child = program(lab.directory.path())
        .args(["lockdown", "-f", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let printed = report(&child.wait_with_output().unwrap());
    assert!(printed.starts_with("exit 0\n--- stdout\napiVersion: projectcalico.org/v3\n"), "{printed}");
}

#[test]
fn colours_are_for_those_who_ask() {
    let lab = Lab::platform9();
    assert!(!lab.run("lockdown --dry-run=client").contains('\u{1b}'));
    assert!(lab.run("lockdown --dry-run=client --color=always").contains("\u{1b}[32m"));
}

#[test]
fn facts_have_their_evidence() {
    let lab = Lab::platform9();
    let report = lab.run("explain --from access --to nginx -v");
    assert!(report.contains("annotation projectcalico.org/IPv4Address"), "{report}");
    assert!(!lab.run("explain --from access --to nginx").contains("KNOWN FROM"));
}

#[test]
fn a_node_can_ask_for_its_own_address() {
    let lab = Lab::platform9();
    let (answer, code) = json(&lab, "explain --from 10.128.146.177 --to 10.128.146.177:6443");
    assert_eq!((answer["verdict"].as_str(), code), (Some("allow"), Some(0)), "{answer}");
}
