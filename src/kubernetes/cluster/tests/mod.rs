//! The live API server against a tiny server of the tests' own.
//! Never knows a real cluster, and never the user's kubeconfig.

mod connecting;
mod fuzzed;
mod node_logs;
mod reading;
mod retrying;
mod shapes;
mod watching;
mod writing;

/// Runs a test as the program runs: on one thread.
fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}
