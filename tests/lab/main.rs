//! The packet lab: real servers, real Felix, real packets in network namespaces that vanish with the test.
//! Never touches a link, a route, a rule or a chain of the machine itself.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod api;
mod article;
mod by_hand;
mod cage;
mod cast;
mod diagnosed;
mod differential;
mod drift;
mod enforcement;
mod exchange;
mod fake;
mod flows;
mod generate;
mod guarded;
mod hygiene;
mod keep;
mod lab;
mod listen;
mod locked;
mod log;
mod logging;
mod marks;
mod needs;
mod network;
mod nodes;
mod objects;
mod observed;
mod probe;
mod prober;
mod run;
mod saved;
mod scenes;
mod sctp;
mod server;
mod shrink;
mod stage;
mod station;
mod tally;
mod topology;
mod verdict;
mod wireguard;
