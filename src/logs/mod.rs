//! Kernel logs, line by line: standard input, files, and nodes through the API server; once, or as they grow.
//! Never knows what a line says.

mod file;
mod follow;

use std::path::PathBuf;

pub use file::read;
pub use follow::{Follower, or_input};

use crate::kubernetes::cluster::{Cluster, NodeLogError};

/// Where a kernel log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Log {
    /// Standard input.
    Input,
    /// A file.
    File(PathBuf),
    /// A node.
    Node(String),
}

/// A line, and the node where it was read, if it was read there.
pub type Line = (String, Option<String>);

/// Why a log cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// A file, or standard input.
    #[error("{place}: {reason}")]
    File {
        /// Which.
        place: String,
        /// Why.
        reason: String,
    },
    /// A node's.
    #[error(transparent)]
    Node(#[from] NodeLogError),
    /// Nodes need an API server.
    #[error("the log of node {0} is read through the API server, and there is none")]
    NoCluster(String),
}

/// Reads everything that is in a log now.
pub async fn read_all(
    log: &Log,
    cluster: Option<&Cluster>,
    mut take: impl FnMut(&str, Option<&str>),
) -> Result<(), LogError> {
    match log {
        Log::Input => read(None, |line| take(line, None)),
        Log::File(path) => read(Some(path), |line| take(line, None)),
        Log::Node(node) => {
            let cluster = cluster.ok_or_else(|| LogError::NoCluster(node.clone()))?;
            let (bytes, _) = cluster.node_log(node, None).await?;
            String::from_utf8_lossy(&bytes).lines().for_each(|line| take(line, Some(node)));
            Ok(())
        }
    }
}
