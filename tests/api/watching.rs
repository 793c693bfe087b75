//! `sync --watch` on a real API server: what changes is followed without a new command, also what changed while the server was
//! away; a grant ends by itself; SIGTERM ends it.
//! What is expected is read back by calicoctl, never by the plugin.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::{Cluster, assert_succeeded, text};

/// How long something may take that takes a moment, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

/// A wire to the API server that can be cut. It passes bytes on, and knows nothing of them.
struct Wire {
    port: u16,
    /// Every connection, both ends; none while the wire is cut.
    open: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Wire {
    fn to(server: &str) -> Wire {
        let behind = server.trim_start_matches("https://").to_string();
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let open = Arc::new(Mutex::new(Some(Vec::new())));
        let connections = Arc::clone(&open);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let mut open = connections.lock().expect("the lock");
                let Some(open) = open.as_mut() else { continue };
                let server = TcpStream::connect(&behind).expect("reach the API server");
                let twice = |stream: &TcpStream| stream.try_clone().expect("a second handle");
                open.extend([twice(&client), twice(&server)]);
                for (from, to) in [(twice(&client), twice(&server)), (server, client)] {
                    thread::spawn(move || pass(from, to));
                }
            }
        });
        Wire { port, open }
    }

    fn cut(&self) {
        let connections = self.open.lock().expect("the lock").take();
        for connection in connections.into_iter().flatten() {
            connection.shutdown(Shutdown::Both).ok();
        }
    }

    fn mend(&self) {
        *self.open.lock().expect("the lock") = Some(Vec::new());
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Both).ok();
}

fn server(cluster: &Cluster) -> String {
    let text = std::fs::read_to_string(cluster.plane.kubeconfig()).expect("the admin's kubeconfig");
    let kubeconfig: Value = serde_json::from_str(&text).expect("JSON");
    kubeconfig["clusters"][0]["cluster"]["server"].as_str().expect("a server").to_string()
}

/// The plugin as it watches; it ends with the test, however that ends.
struct Watcher {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Watcher {
    fn start(cluster: &Cluster, args: &[&str]) -> Watcher {
        let mut command = cluster.command(&[["sync", "--watch"].as_slice(), args].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start the plugin");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (kept, out) = (Arc::clone(&lines), child.stdout.take().expect("a pipe"));
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                kept.lock().expect("the lock").push(line);
            }
        });
        Watcher { child, lines }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("the lock").clone()
    }

    /// Asks it to end, and how it ended, with what it said beside its lines.
    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-s", signal, &pid]).status().expect("kill").success());
        let mut said = Vec::new();
        self.child.stderr.take().expect("a pipe").read_to_end(&mut said).expect("what it said");
        (self.child.wait().expect("wait for the plugin").code(), text(&said))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Waits until something holds.
fn until(what: &str, watcher: &Watcher, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} within {PATIENCE:?}: {:#?}", watcher.lines());
        thread::sleep(Duration::from_millis(100));
    }
}

fn policies(cluster: &Cluster) -> String {
    cluster.calico(&["networkpolicy", "--namespace=advanced-policy-demo"])["items"].to_string()
}

fn tunnel(cluster: &Cluster, address: &str) {
    let annotation = format!("projectcalico.org/IPv4WireguardInterfaceAddr={address}");
    assert_succeeded(&cluster.plane.kubectl(["annotate", "--overwrite", "node", "node1", &annotation]));
}

fn requests(cluster: &Cluster) -> usize {
    let ours = |agent: &str| agent.starts_with("kubectl-zerotrust/");
    cluster.plane.audit().iter().filter(|event| ours(&event.user_agent) && event.verb != "watch").count()
}

#[test]
fn what_changes_is_followed_and_what_ends_is_taken_back() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    cluster.done(&["allow", "--from", "nodes", "--to", "nginx", "--yes"]);
    let wire = Wire::to(&server(&cluster));
    let through = format!("https://127.0.0.1:{}", wire.port);
    let watcher = Watcher::start(&cluster, &["--yes", "--server", &through]);

    // The first look finds nothing to do; a change after it is seen by the watch alone.
    let begun = || cluster.plane.audit().iter().filter(|event| event.verb == "watch" && event.code == 200).count();
    until("it watches", &watcher, || begun() > 8);
    tunnel(&cluster, "10.20.1.7");
    until("an address of a node is followed", &watcher, || policies(&cluster).contains("10.20.1.7/32"));
    until("one line is printed", &watcher, || watcher.lines().len() == 1);

    // A kubelet that only says that it lives makes no work.
    thread::sleep(Duration::from_secs(2));
    let before = requests(&cluster);
    let heartbeat = r#"{"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}}"#;
    let patch = ["patch", "node", "node1", "--subresource=status", "--patch", heartbeat];
    assert_succeeded(&cluster.plane.kubectl(patch));
    thread::sleep(Duration::from_secs(2));
    assert_eq!(requests(&cluster), before, "nothing was read for a heartbeat");

    // What changes while the server is away is there when it comes back.
    wire.cut();
    tunnel(&cluster, "10.20.1.8");
    thread::sleep(Duration::from_secs(2));
    assert!(!policies(&cluster).contains("10.20.1.8"), "it cannot know yet");
    wire.mend();
    until("a change in an outage is followed", &watcher, || {
        let policies = policies(&cluster);
        policies.contains("10.20.1.8/32") && !policies.contains("10.20.1.7/32")
    });

    // A grant that somebody gives meanwhile ends when it should, and not before.
    let began = Instant::now();
    cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--expires", "8s", "--yes"]);
    let mut last = Instant::now();
    until("a grant ends", &watcher, || {
        let there = policies(&cluster).contains("10.7.0.99");
        last = if there { Instant::now() } else { last };
        !there
    });
    assert!(last - began >= Duration::from_secs(5), "it was taken back after {:?}", last - began);

    until("three lines are printed", &watcher, || watcher.lines().len() >= 3);
    let lines = watcher.lines();
    assert_eq!(lines.len(), 3, "one line for each change: {lines:#?}");
    assert!(
        lines.iter().all(|line| line.starts_with("20") && line.contains("configured") && line.contains("(record "))
    );
    assert!(lines[0].contains("10.20.1.7") && lines[1].contains("10.20.1.8"), "{lines:#?}");
    let history = cluster.done(&["history"]);
    assert!(history.contains("overdue"), "{history}");
    let (code, said) = watcher.stop("TERM");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("is seen once there is an answer").count(), 1, "the outage is said once: {said}");
    assert_eq!(cluster.plugin(&["sync", "--check"]).status.code(), Some(0));
}

#[test]
fn a_dry_run_only_says_what_is_behind_and_without_a_yes_nothing_is_begun() {
    let cluster = Cluster::start();
    let refused = cluster.plugin(&["sync", "--watch"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("--watch --yes"), "{}", text(&refused.stderr));
    cluster.done(&["lockdown", "--yes"]);
    cluster.done(&["allow", "--from", "nodes", "--to", "nginx", "--yes"]);
    let before = policies(&cluster);
    let mut watcher = Watcher::start(&cluster, &["--dry-run=client"]);
    let mut said = BufReader::new(watcher.child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    said.read_line(&mut line).expect("a line");
    assert!(line.contains("nothing is behind"), "{line}");
    tunnel(&cluster, "10.20.1.7");
    line.clear();
    said.read_line(&mut line).expect("a line");
    assert!(line.contains("behind: grant") && line.contains("10.20.1.7"), "{line}");
    assert_eq!(policies(&cluster), before);
    let pid = watcher.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", "INT", &pid]).status().expect("kill").success());
    assert_eq!(watcher.child.wait().expect("wait for the plugin").code(), Some(0));
    assert!(watcher.lines().is_empty());
}
