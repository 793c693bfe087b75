//! The packet lab: real servers, real Felix, real packets in network namespaces that vanish with the test.
//! Never touches a link, a route, a rule or a chain of the machine itself.
#![cfg(target_os = "linux")]

mod differential;
#[cfg(test)]
mod fake;
mod generate;
mod keep;
mod objects;
mod probe;
mod shrink;
mod tally;
mod topology;
mod verdict;
