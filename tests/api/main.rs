//! The commands on a real kube-apiserver with Calico's CRDs: what is written, who may write it, and what happens when
//! several write at once or the server goes away. Never uses the kubeconfig of whoever runs the tests.

#[path = "../support/mod.rs"]
mod support;

mod cluster;
mod concurrent;
mod confirm;
mod diagnose;
mod doors;
mod explain;
mod exposing;
mod facts;
mod faults;
mod history;
mod journey;
mod permissions;
mod requests;
mod rights;
mod serial;
mod shapes;
mod staged;
mod syncing;
mod watching;
