//! A directory of manifests.
//! Never knows a server.

mod scalar;
mod value;
