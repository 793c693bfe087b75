//! Any value as text: plans, explanations, tables, problems.
//! Never knows a client, and prints nothing by itself.

pub mod diff;
pub mod evidence;
pub mod explanation;
pub mod facts;
pub mod history;
pub mod paint;
pub mod problem;
pub mod status;
pub mod table;
pub mod unread;
pub mod yaml;
