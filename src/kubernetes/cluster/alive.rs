//! Whether a server answers over a connection made anew: what an established one does not tell, as it survives every policy.
//! Never knows why it matters.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Cluster;
use super::transport::Call;
use crate::kubernetes::AccessError;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

impl Cluster {
    /// Whether the API server answers, whatever it says.
    pub async fn answers(&self) -> Result<(), AccessError> {
        match timeout(PATIENCE, self.transport.call(&Call::get("/version".into()))).await {
            Ok(answer) => answer.map(|_| ()),
            Err(_) => Err(AccessError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }
}

/// Whether something accepts a TCP connection at a host and port.
pub async fn accepts(address: &str) -> Result<(), AccessError> {
    let failure = |reason: String| AccessError::Unavailable(format!("{address}: {reason}"));
    match timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(failure(error.to_string())),
        Err(_) => Err(failure(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}
