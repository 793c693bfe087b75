//! Stands between a client and a real API server, and is asked before each write whether it may pass.
//! It knows nothing of what is written; `kubectl proxy` behind it speaks TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// What says whether a write, given by its method and path, may pass. After a no the server is gone for good.
pub type MayPass = dyn Fn(&str) -> bool + Send + Sync;

/// The relay. Dropping it ends `kubectl proxy`.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    kubectl: Child,
}

impl Relay {
    /// Starts one with this kubectl. The listener's port is where clients come; the threads are made by the calling one, and
    /// so are where it is.
    pub fn start(kubectl: Command, may_pass: Box<MayPass>) -> Relay {
        let (kubectl, behind) = proxy(kubectl);
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (may_pass, gone): (Arc<MayPass>, _) = (may_pass.into(), Arc::new(AtomicBool::new(false)));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (behind, may_pass, gone) = (behind.clone(), Arc::clone(&may_pass), Arc::clone(&gone));
                if gone.load(Ordering::SeqCst) {
                    break;
                }
                thread::spawn(move || serve(client, &behind, &*may_pass, &gone));
            }
        });
        Relay { port, kubectl }
    }

    /// What `--server` takes.
    pub fn server(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.kubectl.kill().ok();
        self.kubectl.wait().ok();
    }
}

/// Whether a request, by its method and path, changes anything: whether somebody may do something is asked by POST too.
pub fn is_write(line: &str) -> bool {
    let asks = ["/apis/authorization.k8s.io/", "/apis/authentication.k8s.io/"];
    !line.starts_with("GET ") && !asks.iter().any(|path| line.contains(path))
}

/// Starts `kubectl proxy`, and says where it listens.
pub(super) fn proxy(mut kubectl: Command) -> (Child, String) {
    kubectl.args(["proxy", "--port=0", "--reject-methods=^$"]).stdout(Stdio::piped());
    let mut kubectl = kubectl.spawn().expect("start kubectl proxy");
    let mut line = String::new();
    BufReader::new(kubectl.stdout.take().expect("a pipe")).read_line(&mut line).expect("its first line");
    let behind = line.trim().rsplit(' ').next().expect("an address").to_string();
    (kubectl, behind)
}

/// One request: the answer says that the connection closes, so that no request outlives the server's end.
fn serve(client: TcpStream, behind: &str, may_pass: &MayPass, gone: &AtomicBool) {
    let mut output = client.try_clone().expect("a second handle");
    let Some((head, body)) = request(&mut BufReader::new(client)) else { return };
    let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1");
    if is_write(line) && !gone.load(Ordering::SeqCst) && !may_pass(line) {
        gone.store(true, Ordering::SeqCst);
    }
    if gone.load(Ordering::SeqCst) {
        return;
    }
    let head = head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let mut server = TcpStream::connect(behind).expect("reach kubectl proxy");
    server.write_all(head.as_bytes()).and_then(|()| server.write_all(&body)).expect("pass the request on");
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).expect("read the answer");
    // A client that gave up does not wait for it.
    output.write_all(&answer).ok();
}

/// Reads one request: its head and its body.
pub(super) fn request(input: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
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
