//! An API server that goes away half way, or does worse, by a relay between it and the plugin.
//! Never knows what the plugin should do about it, only what must hold afterwards.

pub mod judge;
pub mod state;
mod sweep;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cluster::{Cluster, text};
use crate::support::Relay;

/// The server goes away when it gets the write after the first `writes`, which does not reach it.
pub fn faulty(cluster: &Cluster, writes: usize) -> Relay {
    let left = AtomicUsize::new(writes);
    let take = move || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    Relay::start(cluster.plane.command("kubectl"), Box::new(move |_| take()))
}

#[test]
fn a_server_that_goes_away_leaves_nothing_open_and_a_true_record() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    let policies = || {
        let found = cluster.calico(&["networkpolicy", "--all-namespaces"]);
        found["items"].as_array().expect("a list").len()
    };
    // access -> nginx: the record, two policies, the record's end.
    for writes in 0..4 {
        let faulty = faulty(&cluster, writes);
        let server = faulty.server();
        let args = ["allow", "--from", "access", "--to", "nginx", "--yes", "--request-timeout=5s", "--server", &server];
        let mut command = cluster.command(&args);
        command.env_remove("KUBECONFIG");
        let output = command.output().expect("run the plugin");
        let words = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "after {writes} writes: {}{words}", text(&output.stdout));
        assert!(words.contains("Error: ") && words.contains("Hint: "), "{words}");
        drop(faulty);
        assert_eq!(policies(), writes.saturating_sub(1).min(2), "after {writes} writes");
        let history = cluster.done(&["history"]);
        assert!(writes == 0 || !history.lines().nth(1).unwrap_or_default().contains("done"), "{history}");
        if writes > 0 {
            cluster.done(&["undo", "--yes"]);
            assert_eq!(policies(), 0, "undone after {writes} writes");
        }
    }
}
