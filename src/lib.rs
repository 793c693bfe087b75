//! kubectl zerotrust: read the objects, observe the world, plan the next step, show it, apply it, record it.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod apply;
pub mod cli;
pub mod commands;
pub mod evaluate;
pub mod findings;
pub mod kubernetes;
pub mod model;
pub mod observe;
pub mod outcome;
pub mod plan;
pub mod record;
pub mod show;
