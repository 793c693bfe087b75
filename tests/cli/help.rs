//! The help of every subcommand, as it is printed.
//! Never judges the wording; a change of it shows in the snapshot.

use kubectl_zerotrust::commands;

use super::{program, report};

#[test]
fn every_subcommand_tells_what_it_does() {
    for command in commands::FILES {
        let directory = tempfile::tempdir().unwrap();
        let word = command.replace('_', "-");
        let output = program(directory.path()).args([&word, "--help"]).output().unwrap();
        let text = report(&output);
        assert!(text.contains("Examples:\n"), "{command}: its help has examples");
        insta::assert_snapshot!(format!("help_{command}"), text);
    }
}

#[test]
fn the_program_tells_what_it_does() {
    let directory = tempfile::tempdir().unwrap();
    insta::assert_snapshot!("help", report(&program(directory.path()).arg("--help").output().unwrap()));
}

#[test]
fn the_short_help_leaves_out_what_chooses_a_cluster() {
    let directory = tempfile::tempdir().unwrap();
    let text = report(&program(directory.path()).args(["allow", "-h"]).output().unwrap());
    assert!(text.contains("--filename") && !text.contains("--kubeconfig"), "{text}");
}

#[test]
fn version_answers_without_a_cluster() {
    let directory = tempfile::tempdir().unwrap();
    let output = program(directory.path()).args(["version", "-o", "json"]).output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["clientVersion"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = program(directory.path())
        .args(["completion", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141), "as a shell sees kubectl end");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
