//! Stands between one client at a time and a real API server, counts its requests, and lets exactly one of them go wrong.
//! It knows nothing of what is asked; `kubectl proxy` behind it speaks TLS.

use std::fmt;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use super::relay::{is_write, proxy, request};

/// Where a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// At the write with this number, from 0.
    Write(usize),
    /// At the read of this method and path, the one with this number among its like, from 0.
    Read(String, usize),
}

/// What goes wrong with a request. What `reached` the server was done there, though the client hears nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The client is killed (SIGKILL).
    Kill {
        /// Whether the server got the request.
        reached: bool,
    },
    /// The connection is reset.
    Reset {
        /// Whether the server got the request.
        reached: bool,
    },
    /// The connection is reset, and so is every one after it.
    Gone {
        /// Whether the server got the request.
        reached: bool,
    },
    /// The answer is an error.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Whether the server got the request.
        reached: bool,
    },
    /// No answer ever comes.
    Silence {
        /// Whether the server got the request.
        reached: bool,
    },
}

impl Fault {
    /// Whether the server got the request.
    pub fn reached(self) -> bool {
        match self {
            Fault::Kill { reached }
            | Fault::Reset { reached }
            | Fault::Gone { reached }
            | Fault::Answer { reached, .. }
            | Fault::Silence { reached } => reached,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.reached() { "after" } else { "before" };
        match self {
            Fault::Kill { .. } => write!(out, "killed {when}"),
            Fault::Reset { .. } => write!(out, "reset {when}"),
            Fault::Gone { .. } => write!(out, "gone {when}"),
            Fault::Answer { status, .. } => write!(out, "{status} {when}"),
            Fault::Silence { .. } => write!(out, "silent {when}"),
        }
    }
}

/// The injector. Dropping it ends `kubectl proxy`.
#[derive(Debug)]
pub struct Injector {
    port: u16,
    behind: String,
    kubectl: Child,
    stage: Arc<Stage>,
}

#[derive(Debug, Default)]
struct Stage {
    act: Mutex<Act>,
    changed: Condvar,
}

/// One run of the client.
#[derive(Debug, Default)]
struct Act {
    fault: Option<(At, Fault)>,
    victim: Option<u32>,
    seen: Vec<String>,
    fired: bool,
    gone: bool,
    /// Requests that are not over.
    open: usize,
}

impl Stage {
    fn act(&self) -> MutexGuard<'_, Act> {
        self.act.lock().expect("nobody panics with it")
    }
}

impl Injector {
    /// Starts one with this kubectl.
    pub fn start(kubectl: Command) -> Injector {
        let (kubectl, behind) = proxy(kubectl);
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let stage = Arc::new(Stage::default());
        let (shared, server) = (Arc::clone(&stage), behind.clone());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (stage, server) = (Arc::clone(&shared), server.clone());
                stage.act().open += 1;
                thread::spawn(move || {
                    serve(client, &server, &stage);
                    stage.act().open -= 1;
                    stage.changed.notify_all();
                });
            }
        });
        Injector { port, behind, kubectl, stage }
    }

    /// What `--server` takes.
    pub fn server(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where `kubectl proxy` itself listens, for requests that nothing happens to.
    pub fn undisturbed(&self) -> &str {
        &self.behind
    }

    /// Runs a client that comes by `server`, with at most one fault, and gives its output, its requests in the order of
    /// their arrival, and whether the fault struck.
    pub fn run(&self, mut client: Command, fault: Option<(At, Fault)>) -> (std::process::Output, Vec<String>, bool) {
        *self.stage.act() = Act { fault, ..Act::default() };
        client.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let child = client.spawn().expect("start the client");
        self.stage.act().victim = Some(child.id());
        self.stage.changed.notify_all();
        let output = child.wait_with_output().expect("wait for the client");
        // Connections are taken in their order: once this one is, those of the client are, and none comes in the next run.
        let last = TcpStream::connect(("127.0.0.1", self.port)).expect("reach the injector");
        last.shutdown(std::net::Shutdown::Write).expect("ask for nothing");
        (&last).read_to_end(&mut Vec::new()).expect("wait for its end");
        let mut act = self.stage.act();
        // What the server was asked for may still be under way when nobody waits for it any more.
        while act.open > 0 {
            act = self.stage.changed.wait(act).expect("nobody panics with it");
        }
        (output, std::mem::take(&mut act.seen), act.fired)
    }
}

impl Drop for Injector {
    fn drop(&mut self) {
        self.kubectl.kill().ok();
        self.kubectl.wait().ok();
    }
}

/// One request and its end; the answer says that the connection closes.
fn serve(client: TcpStream, behind: &str, stage: &Stage) {
    let mut input = BufReader::new(client.try_clone().expect("a second handle"));
    let Some((head, body)) = request(&mut input) else { return };
    let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_string();
    let Some(fault) = next(stage, &line) else {
        return answer(&client, &forward(behind, &head, &body));
    };
    let held = fault.reached().then(|| forward(behind, &head, &body));
    match fault {
        Fault::Kill { .. } => {
            let mut act = stage.act();
            while act.victim.is_none() {
                act = stage.changed.wait(act).expect("nobody panics with it");
            }
            let pid = act.victim.and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed()));
            rustix::process::kill_process(pid.expect("a process"), rustix::process::Signal::KILL).expect("kill it");
        }
        Fault::Reset { .. } | Fault::Gone { .. } => {
            // Closed without lingering: the client gets a reset.
            socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).expect("set SO_LINGER");
        }
        Fault::Answer { status, .. } => answer(&client, error(status, &line).as_bytes()),
        Fault::Silence { .. } => {
            // Until the client goes.
            let mut rest = [0; 64];
            while input.read(&mut rest).is_ok_and(|length| length > 0) {}
        }
    }
    drop(held);
}

/// Notes a request and says what happens to it.
fn next(stage: &Stage, line: &str) -> Option<Fault> {
    let mut act = stage.act();
    let number = match is_write(line) {
        true => act.seen.iter().filter(|seen| is_write(seen)).count(),
        false => act.seen.iter().filter(|seen| *seen == line).count(),
    };
    act.seen.push(line.to_string());
    let strikes = match &act.fault {
        Some((At::Write(at), _)) => is_write(line) && *at == number,
        Some((At::Read(path, at), _)) => path == line && *at == number,
        None => false,
    };
    let fault = act.fault.as_ref().map(|(_, fault)| *fault);
    match fault {
        Some(fault) if strikes && !act.fired => {
            act.fired = true;
            act.gone = matches!(fault, Fault::Gone { .. });
            Some(fault)
        }
        Some(_) if act.gone => Some(Fault::Gone { reached: false }),
        _ => None,
    }
}

fn forward(behind: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let head = head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let mut server = TcpStream::connect(behind).expect("reach kubectl proxy");
    server.write_all(head.as_bytes()).and_then(|()| server.write_all(body)).expect("pass the request on");
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).expect("read the answer");
    answer
}

/// A client that gave up does not wait for it.
fn answer(mut client: &TcpStream, bytes: &[u8]) {
    client.write_all(bytes).ok();
}

/// An error as kube-apiserver words it.
fn error(status: u16, line: &str) -> String {
    let (reason, phrase, more) = match status {
        409 if line.starts_with("POST ") => ("AlreadyExists", "Conflict", ""),
        409 => ("Conflict", "Conflict", ""),
        429 => ("TooManyRequests", "Too Many Requests", "Retry-After: 1\r\n"),
        500 => ("InternalError", "Internal Server Error", ""),
        503 => ("ServiceUnavailable", "Service Unavailable", ""),
        other => panic!("no words for {other}"),
    };
    let body = format!(
        r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"injected","reason":"{reason}","code":{status}}}"#
    );
    format!(
        "HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
