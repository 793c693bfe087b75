//! From lines of kernel logs to groups of packets: who sent what to whom, which policy logged it, why it was dropped, and
//! the command that opens it.
//! Never knows a client, a file or the time; worlds are judged by `evaluate`, and commands are tried by `plan`.
//!
//! ```text
//! text -> Line -> Tally -> (with a World) Drop -> Group
//! ```

pub mod atlas;
pub mod cause;
pub mod ends;
pub mod group;
pub mod header;
pub mod interface;
pub mod line;
pub mod prefix;
pub mod remedy;
pub mod sight;
pub mod tally;
#[cfg(test)]
mod tests;
