//! Any value as text: plans, explanations, tables, problems.
//! Never knows a client, and prints nothing by itself.

pub mod assertions;
pub mod diagnosis;
pub mod diff;
pub mod evidence;
pub mod explained;
pub mod explanation;
pub mod facts;
pub mod history;
pub mod merged;
pub mod paint;
pub mod problem;
pub mod refused;
pub mod rule;
pub mod status;
pub mod sync;
pub mod table;
pub mod unread;
pub mod wrap;
pub mod yaml;
