//! Logs as they grow: files that are appended to or rotated, standard input, nodes.
//! Never ends by itself while any of them can still grow.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom, stdin};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use super::file::{lines, reason};
use super::{Line, Log, LogError};
use crate::kubernetes::cluster::{Cluster, Position};

/// How often a file is looked at.
const FILE_PAUSE: Duration = Duration::from_millis(500);
/// How often a node is asked.
const NODE_PAUSE: Duration = Duration::from_secs(3);
/// How long lines are collected before they are given out together.
const TOGETHER: Duration = Duration::from_millis(200);

/// Logs that are followed.
pub struct Follower<'a> {
    cluster: Option<&'a Cluster>,
    nodes: Vec<(String, Option<Position>, String)>,
    receiver: Receiver<Result<Line, LogError>>,
    local: bool,
}

impl<'a> Follower<'a> {
    /// Begins with what is there.
    pub fn start(logs: &[Log], cluster: Option<&'a Cluster>) -> Follower<'a> {
        let (sender, receiver) = channel();
        let mut nodes = Vec::new();
        let mut local = false;
        for log in logs {
            let sender = sender.clone();
            match log {
                Log::Node(node) => {
                    nodes.push((node.clone(), None, String::new()));
                    continue;
                }
                Log::Input => drop(std::thread::spawn(move || input(&sender))),
                Log::File(path) => {
                    let path = path.clone();
                    drop(std::thread::spawn(move || file(&path, &sender)));
                }
            }
            local = true;
        }
        Follower { cluster, nodes, receiver, local }
    }

    /// The next lines, as soon as there are any; none at the end of all logs.
    pub async fn next(&mut self) -> Result<Option<Vec<Line>>, LogError> {
        let mut found = Vec::new();
        loop {
            if !self.nodes.is_empty() {
                self.ask_nodes(&mut found).await?;
            }
            let ended = loop {
                match self.receiver.try_recv() {
                    Ok(line) => found.push(line?),
                    Err(TryRecvError::Empty) => break false,
                    Err(TryRecvError::Disconnected) => break true,
                }
            };
            if !found.is_empty() {
                return Ok(Some(found));
            }
            if self.nodes.is_empty() && (ended || !self.local) {
                return Ok(None);
            }
            tokio::time::sleep(if self.nodes.is_empty() { TOGETHER } else { NODE_PAUSE }).await;
        }
    }

    async fn ask_nodes(&mut self, found: &mut Vec<Line>) -> Result<(), LogError> {
        for (node, position, rest) in &mut self.nodes {
            let cluster = self.cluster.ok_or_else(|| LogError::NoCluster(node.clone()))?;
            let (bytes, next) = cluster.node_log(node, position.as_ref()).await?;
            *position = Some(next);
            rest.push_str(&String::from_utf8_lossy(&bytes));
            // The last line may not be whole yet.
            let whole = rest.rfind('\n').map_or(0, |end| end + 1);
            found.extend(rest[..whole].lines().map(|line| (line.to_string(), Some(node.clone()))));
            rest.drain(..whole);
        }
        Ok(())
    }
}

fn input(sender: &Sender<Result<Line, LogError>>) {
    let give = |line: &str| sender.send(Ok((line.to_string(), None))).is_ok();
    if let Err(error) = lines(stdin().lock(), "standard input", give) {
        // Who is gone need not hear of it.
        _ = sender.send(Err(error));
    }
}

/// Follows a file: what is appended, and from its beginning when it is replaced or cut.
fn file(path: &Path, sender: &Sender<Result<Line, LogError>>) {
    let mut position = 0;
    let mut identity = None;
    let mut rest = String::new();
    loop {
        match appended(path, &mut position, &mut identity) {
            Ok(text) => {
                rest.push_str(&text);
                let whole = rest.rfind('\n').map_or(0, |end| end + 1);
                for line in rest[..whole].lines() {
                    if sender.send(Ok((line.to_string(), None))).is_err() {
                        return;
                    }
                }
                rest.drain(..whole);
            }
            // While a log is rotated, the file may be away for a moment.
            Err(_) if identity.is_some() => {}
            Err(error) => {
                let place = path.display().to_string();
                _ = sender.send(Err(LogError::File { place, reason: reason(&error) }));
                return;
            }
        }
        std::thread::sleep(FILE_PAUSE);
    }
}

/// What stands behind the position, which moves on. Another file at the same place is read from its beginning.
fn appended(path: &Path, position: &mut u64, identity: &mut Option<(u64, u64)>) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let now = identity_of(&metadata);
    if *identity != Some(now) || metadata.len() < *position {
        *position = 0;
    }
    *identity = Some(now);
    file.seek(SeekFrom::Start(*position))?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut BufReader::new(file), &mut bytes)?;
    *position += bytes.len() as u64;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(unix)]
fn identity_of(metadata: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity_of(_: &std::fs::Metadata) -> (u64, u64) {
    (0, 0)
}

/// Where nothing is named, logs come in by standard input.
pub fn or_input(files: &[PathBuf], nodes: &[String]) -> Vec<Log> {
    let file = |path: &PathBuf| if path.as_os_str() == "-" { Log::Input } else { Log::File(path.clone()) };
    let mut logs: Vec<Log> = files.iter().map(file).chain(nodes.iter().cloned().map(Log::Node)).collect();
    if logs.is_empty() {
        logs.push(Log::Input);
    }
    logs.dedup();
    logs
}
