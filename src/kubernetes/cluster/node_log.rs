//! A node's kernel log through the API server: the kubelet serves the files of /var/log.
//! Never knows what the lines say.

use http::Method;

use super::Cluster;
use super::answer::Answer;
use super::transport::Call;
use crate::kubernetes::AccessError;

/// Files that hold kernel messages, the one that holds nothing else first.
const FILES: [&str; 3] = ["kern.log", "messages", "syslog"];
/// How much of the end of a log is read, in bytes.
const TAIL: u64 = 4 << 20;

/// How far a log was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The file's name below /var/log.
    pub file: String,
    /// The next byte.
    pub next: u64,
}

/// Why a node's log cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeLogError {
    /// The API server does not answer, or does not know who asks.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The caller may not (403).
    #[error("reading logs of node {node} is forbidden (it takes `get` on nodes/proxy): {reason}")]
    Forbidden {
        /// The node.
        node: String,
        /// The API server's words.
        reason: String,
    },
    /// There is no such node, or its kubelet cannot be reached.
    #[error("the kubelet of node {node} cannot be asked: {reason}")]
    NoKubelet {
        /// The node.
        node: String,
        /// The API server's words.
        reason: String,
    },
    /// The kubelet serves no logs.
    #[error("the kubelet of node {node} serves no logs (enableSystemLogHandler is off in its configuration)")]
    Disabled {
        /// The node.
        node: String,
    },
    /// The node keeps its kernel messages elsewhere.
    #[error("node {node} has none of {} in /var/log; it may keep kernel messages in its journal only", FILES.join(", "))]
    NoFile {
        /// The node.
        node: String,
    },
}

impl Cluster {
    /// The end of a node's kernel log, or what was written since a position; and the new position.
    pub async fn node_log(&self, node: &str, since: Option<&Position>) -> Result<(Vec<u8>, Position), NodeLogError> {
        let Some(since) = since else {
            let file = self.kernel_log_file(node).await?;
            let answer = self.log_file(node, &file, Some(format!("bytes=-{TAIL}"))).await?;
            return read(node, file, answer);
        };
        let answer = self.log_file(node, &since.file, Some(format!("bytes={}-", since.next))).await?;
        match answer.status {
            // Nothing behind the position: either nothing is new, or the file was rotated and is shorter.
            416 if total(&answer).is_none_or(|total| total >= since.next) => Ok((Vec::new(), since.clone())),
            404 | 416 => {
                let file = self.kernel_log_file(node).await?;
                let answer = self.log_file(node, &file, Some(format!("bytes=-{TAIL}"))).await?;
                read(node, file, answer)
            }
            _ => read(node, since.file.clone(), answer),
        }
    }

    /// The kubelet lists /var/log as a page with links.
    async fn kernel_log_file(&self, node: &str) -> Result<String, NodeLogError> {
        let answer = self.log_file(node, "", None).await?;
        let page = String::from_utf8_lossy(&refused(node, answer)?.body).into_owned();
        let listed = |file: &&&str| page.contains(&format!("href=\"{file}\""));
        let found = FILES.iter().find(listed);
        found.map(|file| file.to_string()).ok_or_else(|| NodeLogError::NoFile { node: node.to_string() })
    }

    async fn log_file(&self, node: &str, file: &str, range: Option<String>) -> Result<Answer, NodeLogError> {
        let path = format!("/api/v1/nodes/{node}/proxy/logs/{file}");
        Ok(self.transport.call(&Call { method: Method::GET, path, body: None, range }).await?)
    }
}

fn read(node: &str, file: String, answer: Answer) -> Result<(Vec<u8>, Position), NodeLogError> {
    // An empty file has no bytes to ask for.
    if answer.status == 416 {
        return Ok((Vec::new(), Position { file, next: 0 }));
    }
    let answer = refused(node, answer)?;
    let next = last(&answer).map_or(answer.body.len() as u64, |last| last + 1);
    Ok((answer.body, Position { file, next }))
}

/// `bytes 100-199/4000`: the 199.
fn last(answer: &Answer) -> Option<u64> {
    let (range, _) = answer.content_range.as_deref()?.strip_prefix("bytes ")?.split_once('/')?;
    range.split_once('-')?.1.parse().ok()
}

/// `bytes */4000`: the 4000.
fn total(answer: &Answer) -> Option<u64> {
    answer.content_range.as_deref()?.rsplit('/').next()?.parse().ok()
}

fn refused(node: &str, answer: Answer) -> Result<Answer, NodeLogError> {
    let node = node.to_string();
    match answer.status {
        200..300 => Ok(answer),
        403 => Err(NodeLogError::Forbidden { node, reason: answer.message() }),
        405 => Err(NodeLogError::Disabled { node }),
        _ => Err(NodeLogError::NoKubelet { node, reason: answer.said() }),
    }
}
