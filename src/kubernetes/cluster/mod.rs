//! A live API server: connects as kubectl would, reads and writes objects.
//! Never knows what a world or a plan is, and prints nothing: what a person should hear goes to a listener.
//!
//! ```text
//! Connection (flags) -> kubeconfig -> credentials (exec) -> connect (proxy) -> Transport
//! Reader: Query -> locate -> Transport -> page -> Objects      Writer: Value -> to_stored -> Transport -> to_v3
//! ```

mod alive;
mod answer;
mod api;
mod connect;
mod connection;
mod credentials;
mod datastore;
mod exec;
mod failure;
#[cfg(test)]
mod fake;
mod installation;
mod kubeconfig;
mod locate;
mod named;
mod node_log;
mod proxy;
mod raw;
mod read;
mod review;
mod select;
#[cfg(test)]
mod tests;
mod transport;
pub mod watch;
mod way;
mod write;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::Path;

use serde_json::Value;
use tokio::sync::OnceCell;

pub use alive::accepts;
pub use connection::{Connection, Secret, duration};
pub use node_log::{NodeLogError, Position};
pub use raw::Documents;
pub use transport::{Listener, Notice};
pub use way::Way;
pub use write::ClusterWriter;

use super::{AccessError, ObjectRef};
use api::Api;
use connect::{Machine, connect};
use installation::Installation;
use select::{SERVICE_ACCOUNT, Selected};
use transport::Transport;

/// A live API server. Holds nothing across requests but what names and forms objects have there.
pub struct Cluster {
    transport: Transport,
    context: Option<String>,
    user: Option<String>,
    namespace: Option<String>,
    /// Who serves Calico's objects, once it was asked for.
    api: OnceCell<Api>,
    /// How far Calico's objects are moved to another group, once it was asked for.
    migrating: OnceCell<Option<String>>,
    /// The sign that Calico's objects are in etcd, once it was looked for.
    etcd: OnceCell<Option<String>>,
    /// Calico, as far as it was asked for.
    installation: Cell<Option<Installation>>,
    /// What each group and version serves, as far as it was asked for; none where it does not exist.
    served: RefCell<BTreeMap<String, Option<BTreeSet<String>>>>,
    /// The stored form of Calico's objects that were got or written last: their fields that v3 does not know stay.
    stored: RefCell<BTreeMap<ObjectRef, Value>>,
    /// Stored names that are not what Calico's version would make them.
    unusual_names: RefCell<BTreeMap<ObjectRef, String>>,
}

impl Cluster {
    /// Chooses a cluster and logs in, as kubectl would with the same flags; an exec plugin runs here, once. Sends nothing
    /// yet, but must be called where a Tokio runtime runs. The listener hears what a person should know.
    pub async fn connect(flags: &Connection, listener: Listener) -> Result<Cluster, AccessError> {
        let machine = Machine {
            environment: &|name| std::env::var(name).ok(),
            service_account: Path::new(SERVICE_ACCOUNT),
            terminal: std::io::stdin().is_terminal(),
        };
        let (selected, transport) = connect(flags, &machine, listener)?;
        Ok(Cluster::new(selected, transport))
    }

    fn new(selected: Selected, transport: Transport) -> Cluster {
        Cluster {
            transport,
            context: selected.context,
            user: selected.user_name,
            namespace: selected.namespace,
            api: OnceCell::new(),
            migrating: OnceCell::new(),
            etcd: OnceCell::new(),
            installation: Cell::new(None),
            served: RefCell::default(),
            stored: RefCell::default(),
            unusual_names: RefCell::default(),
        }
    }

    /// The namespace of the context, or of the pod that this program runs in; none where neither names one.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The context's name; none in a pod.
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The kubeconfig's name of the user; none in a pod.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The API server's address.
    pub fn server(&self) -> &str {
        &self.transport.server
    }

    /// How many requests were sent so far, every try counted.
    pub fn requests(&self) -> usize {
        self.transport.requests.get()
    }
}
