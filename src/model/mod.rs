//! The nouns that travel: selectors, policies, flows, the world, grants.
//! Never knows files, clients or tables.

pub mod compile;
pub mod flow;
pub mod intent;
pub mod moment;
pub mod net;
pub mod policy;
pub mod selector;
pub mod spec;
pub mod validate;
pub mod words;
pub mod world;
