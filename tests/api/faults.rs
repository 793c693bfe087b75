//! An API server that goes away half way, by a proxy between it and the plugin.
//! Never knows what the plugin should do about it, only what must hold afterwards.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::cluster::{Cluster, text};

/// A proxy that lets a number of writes through and then goes away for good. `kubectl proxy` behind it speaks TLS.
struct Faulty {
    port: u16,
    kubectl: Child,
}

impl Faulty {
    /// The server goes away when it gets the write after the first `writes`, which does not reach it.
    fn start(cluster: &Cluster, writes: usize) -> Faulty {
        let mut kubectl = cluster.plane.command("kubectl");
        kubectl.args(["proxy", "--port=0", "--reject-methods=^$"]).stdout(Stdio::piped());
        let mut kubectl = kubectl.spawn().expect("start kubectl proxy");
        let mut line = String::new();
        BufReader::new(kubectl.stdout.take().expect("a pipe")).read_line(&mut line).expect("its first line");
        let behind = line.trim().rsplit(' ').next().expect("an address").to_string();
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let left = Arc::new(AtomicUsize::new(writes + 1));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (behind, left) = (behind.clone(), Arc::clone(&left));
                if left.load(Ordering::SeqCst) == 0 {
                    break;
                }
                thread::spawn(move || serve(client, &behind, &left));
            }
        });
        Faulty { port, kubectl }
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.kubectl.kill().ok();
        self.kubectl.wait().ok();
    }
}

/// One request: the answer says that the connection closes, so that no request outlives the server's end.
fn serve(client: TcpStream, behind: &str, left: &AtomicUsize) {
    let mut output = client.try_clone().expect("a second handle");
    let Some((head, body)) = request(&mut BufReader::new(client)) else { return };
    if !head.starts_with("GET ") {
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).ok();
    }
    if left.load(Ordering::SeqCst) == 0 {
        return;
    }
    let head = head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let mut server = TcpStream::connect(behind).expect("reach kubectl proxy");
    server.write_all(head.as_bytes()).and_then(|()| server.write_all(&body)).expect("pass the request on");
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).expect("read the answer");
    // A plugin that gave up does not wait for it.
    output.write_all(&answer).ok();
}

/// Reads one request: its head and its body.
fn request(input: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if input.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    input.read_exact(&mut body).ok()?;
    Some((head, body))
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
        let faulty = Faulty::start(&cluster, writes);
        let server = format!("http://127.0.0.1:{}", faulty.port);
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
