//! A change that has to be confirmed: kept by Enter, taken back by silence, Ctrl-C and a probe that falls silent.
//! What is expected is read back by kubectl, never by the plugin.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, text};

const LOCKDOWN: &[&str] = &["lockdown", "--yes", "--confirm-within"];

fn policies(cluster: &Cluster) -> usize {
    cluster.calico(&["globalnetworkpolicy"])["items"].as_array().map_or(0, Vec::len)
}

/// A command line that waits to be confirmed: its process once the change is written, and what it said until then.
fn waiting(cluster: &Cluster, within: &str, more: &[&str]) -> (Child, String) {
    let args: Vec<&str> = LOCKDOWN.iter().chain(&[within]).chain(more).copied().collect();
    let mut command = cluster.command(&args);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("start the plugin");
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.as_mut().expect("its errors are a pipe"));
    while !said.contains("Press Enter") {
        assert!(lines.read_line(&mut said).expect("read what it says") > 0, "it ended: {said}");
    }
    (child, said)
}

fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().expect("wait for the plugin");
    (output.status.code(), text(&output.stderr))
}

#[test]
fn enter_keeps_the_change_and_silence_takes_it_back() {
    let cluster = Cluster::start();
    let (mut kept, said) = waiting(&cluster, "5m", &[]);
    // Printed before anything is written, for whoever is cut off.
    assert!(said.contains("kubectl zerotrust undo"), "{said}");
    let delete = "kubectl delete globalnetworkpolicies.crd.projectcalico.org/default.deny-app-policy";
    assert!(said.contains(delete), "{said}");
    assert_eq!(policies(&cluster), 1, "it is in force while it waits");
    kept.stdin.take().expect("its input is a pipe").write_all(b"\n").expect("press Enter");
    let (code, said) = ended(kept);
    assert_eq!((code, policies(&cluster)), (Some(0), 1), "{said}");
    cluster.done(&["undo", "--yes"]);
    assert_eq!(policies(&cluster), 0);

    // The delete that was printed is one that works.
    let words: Vec<&str> = delete.split(' ').skip(1).collect();
    cluster.done(&["lockdown", "--yes"]);
    let deleted = cluster.plane.kubectl(words);
    assert!(deleted.status.success(), "{}", text(&deleted.stderr));
    assert_eq!(policies(&cluster), 0);

    let began = Instant::now();
    let (silence, _) = waiting(&cluster, "3s", &[]);
    assert_eq!(policies(&cluster), 1);
    let (code, said) = ended(silence);
    assert!(began.elapsed() >= Duration::from_secs(3));
    assert_eq!((code, policies(&cluster)), (Some(3), 0), "{said}");
    assert!(said.contains("nobody confirmed it within 3s"), "{said}");
    let history = cluster.done(&["history"]);
    assert!(history.lines().nth(1).is_some_and(|newest| newest.contains("undone")), "{history}");
}

#[test]
fn ctrl_c_and_a_silent_probe_take_the_change_back_and_a_kill_leaves_a_true_record() {
    let cluster = Cluster::start();
    for signal in ["INT", "HUP"] {
        let (child, _) = waiting(&cluster, "5m", &[]);
        let pid = child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        let (code, said) = ended(child);
        assert_eq!((code, policies(&cluster)), (Some(3), 0), "{signal}: {said}");
    }

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (child, _) = waiting(&cluster, "5m", &["--probe", &address]);
    drop(listener);
    let (code, said) = ended(child);
    assert_eq!((code, policies(&cluster)), (Some(3), 0), "{said}");
    assert!(said.contains(&address), "{said}");
    // What does not answer before tells nothing after, so nothing is written.
    let refused = cluster.plugin(&["lockdown", "--yes", "--confirm-within", "5m", "--probe", &address]);
    assert_eq!((refused.status.code(), policies(&cluster)), (Some(3), 0), "{}", text(&refused.stderr));

    let (mut child, _) = waiting(&cluster, "5m", &[]);
    child.kill().expect("kill the plugin");
    child.wait().expect("wait for it");
    assert_eq!(policies(&cluster), 1);
    let history = cluster.done(&["history"]);
    assert!(history.lines().nth(1).is_some_and(|newest| newest.contains("started")), "{history}");
    cluster.done(&["undo", "--yes"]);
    assert_eq!(policies(&cluster), 0);
}
