//! The packet lab: real servers, real Felix, real packets in network namespaces that vanish with the test.
//! Never touches a link, a route, a rule or a chain of the machine itself.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod api;
mod cage;
mod cast;
mod enforcement;
mod exchange;
mod flows;
mod hygiene;
mod lab;
mod listen;
mod log;
mod logging;
mod marks;
mod needs;
mod network;
mod objects;
mod probe;
mod prober;
mod saved;
mod scenes;
mod sctp;
mod server;
mod station;
mod topology;
mod wireguard;
