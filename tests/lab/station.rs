//! One network namespace with its listeners and its sender: a thread that lives there.
//! Never knows what an outcome means for a policy, nor what else there is in the lab.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;

use super::cage::Door;
use super::exchange::{self, Ports};
use super::listen;
use super::probe::Protocol;

/// One packet that opens an exchange.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The number that comes back with the reply.
    pub id: usize,
    /// The address to send from; without one the kernel chooses.
    pub source: Option<IpAddr>,
    /// The port to send from; without one, one that was not used for long.
    pub source_port: Option<u16>,
    /// Where to.
    pub destination: IpAddr,
    /// Zero for ICMP.
    pub port: u16,
    /// What.
    pub protocol: Protocol,
    /// The type of service, which tells the router the way.
    pub tos: u8,
    /// One datagram only. Behind a Service with several backends a second one would try another backend if the node
    /// itself dropped the first, as the node keeps no connection then.
    pub once: bool,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// An answer: who gave it, and from which address it saw the question come.
    Answered(Option<(String, IpAddr)>),
    /// A word that says no.
    Refused,
    /// Nothing, for as long as was waited.
    Silent,
    /// It could not be sent.
    Impossible(String),
}

/// The outcome of an attempt and how long it took.
#[derive(Debug)]
pub struct Reply {
    /// The attempt's number.
    pub id: usize,
    /// Its outcome.
    pub outcome: Outcome,
    /// From the sending to the outcome.
    pub took: Duration,
}

/// Attempts to make at once.
#[derive(Debug)]
pub struct Batch {
    /// The attempts.
    pub attempts: Vec<Attempt>,
    /// What is not answered when this changes is silent.
    pub stop: watch::Receiver<bool>,
    /// Where the replies go.
    pub replies: mpsc::Sender<Reply>,
}

/// Who listens where.
#[derive(Debug, Clone)]
pub struct Listeners {
    /// The name that answers at an address.
    pub names: BTreeMap<IpAddr, String>,
    /// TCP ports.
    pub tcp: &'static [u16],
    /// UDP ports.
    pub udp: &'static [u16],
    /// SCTP ports.
    pub sctp: &'static [u16],
}

/// The thread. Dropping it ends it.
#[derive(Debug)]
pub struct Station {
    batches: Option<UnboundedSender<Batch>>,
    thread: Option<JoinHandle<()>>,
}

impl Station {
    /// Starts the thread in a namespace; returns when everything listens.
    pub fn start(name: &str, door: Door, listeners: Listeners) -> Station {
        let (batches, inbox) = unbounded_channel();
        let (ready, listens) = mpsc::channel();
        let body = move || {
            door.go();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let started = listen::start(&listeners).map_err(|e| e.to_string());
                ready.send(started).expect("the starter waits");
                work(inbox).await;
            });
        };
        let thread = thread::Builder::new().name(name.into()).spawn(body).expect("start a thread");
        let listens = listens.recv().expect("the thread starts");
        listens.unwrap_or_else(|e| panic!("{name} cannot listen: {e}"));
        Station { batches: Some(batches), thread: Some(thread) }
    }

    /// Sends; the replies come by the batch's channel.
    pub fn send(&self, batch: Batch) {
        self.batches.as_ref().expect("it runs").send(batch).expect("the thread runs");
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        drop(self.batches.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn work(mut inbox: UnboundedReceiver<Batch>) {
    let ports = Arc::new(Ports::default());
    while let Some(Batch { attempts, stop, replies }) = inbox.recv().await {
        for attempt in attempts {
            let (ports, mut stop, replies) = (Arc::clone(&ports), stop.clone(), replies.clone());
            tokio::spawn(async move {
                let begun = Instant::now();
                let outcome = tokio::select! {
                    outcome = exchange::run(&attempt, &ports) => outcome,
                    _ = stop.changed() => Outcome::Silent,
                };
                // Nobody listens any more when the whole send was given up by a panic.
                let _ = replies.send(Reply { id: attempt.id, outcome, took: begun.elapsed() });
            });
        }
    }
}

/// The text of an answer: who, and the source that was seen.
pub fn answer(listeners: &Listeners, at: IpAddr, from: SocketAddr) -> String {
    let name = listeners.names.get(&at).map_or("nobody", String::as_str);
    format!("{name} {}\n", from.ip())
}

/// The same, read.
pub fn read(text: &[u8]) -> io::Result<Outcome> {
    let text = String::from_utf8_lossy(text);
    let parts = text.trim_end().split_once(' ').and_then(|(name, from)| Some((name.to_string(), from.parse().ok()?)));
    match parts {
        Some(parts) => Ok(Outcome::Answered(Some(parts))),
        None => Err(io::Error::other(format!("a strange answer: {text:?}"))),
    }
}
