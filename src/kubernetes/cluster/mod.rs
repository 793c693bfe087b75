//! A live API server: connects as kubectl would, reads and writes objects.
//! Never knows what a world or a plan is, and prints nothing.

mod answer;
mod connection;
mod credentials;
mod exec;
mod failure;
mod kubeconfig;
mod proxy;
mod transport;

pub use connection::{Connection, Secret};
pub use transport::{Listener, Notice};
