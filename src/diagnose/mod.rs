//! From lines of kernel logs to groups of packets: who sent what to whom, which policy logged it, why it was dropped, and
//! the command that opens it.
//! Never knows a client, a file or the time; worlds are judged by `evaluate`, and commands are tried by `plan`.

pub mod header;
pub mod interface;
pub mod line;
pub mod prefix;
