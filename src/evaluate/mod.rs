//! What becomes of a packet: at one endpoint, and on its whole way.
//! Never knows how a world was read; no clock, no client, no text format.

pub mod entries;
mod host;
pub mod interfaces;
mod journey;
pub mod logs;
pub mod owners;
pub mod path;
pub mod policy;
pub mod routes;
pub mod rules;
#[cfg(test)]
mod tests;
mod translate;
mod untracked;
