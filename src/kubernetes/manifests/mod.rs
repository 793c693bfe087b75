//! A directory of manifests: read as kubectl reads it, edited so that only the lines change that must.
//! Never knows a server.

mod align;
mod edit;
mod files;
mod flow_edit;
mod items;
mod json;
mod kinds;
mod load;
mod plain;
mod read;
mod render;
mod scalar;
mod snapshot;
mod split;
#[cfg(test)]
mod tests;
mod tree;
mod value;
mod write;

use std::cell::RefCell;
use std::path::PathBuf;

use super::objects::{Answer, Coverage, Objects, Query};
use super::{AccessError, Reader};
use crate::kubernetes::names::{Kind, RESOURCES};
use load::Loaded;

pub use items::items_of;
pub use snapshot::write_snapshot;

/// Where new objects go: a file of this name in the directory, or beside the file, that was named first.
pub const NEW_FILE: &str = "zerotrust.yaml";

/// Manifests in files: directories, files, and standard input for `-`.
#[derive(Debug)]
pub struct Manifests {
    paths: Vec<PathBuf>,
    /// What was read last. Standard input can be read once only, so it is kept.
    loaded: RefCell<Option<Loaded>>,
}

impl Manifests {
    /// The manifests at these paths; nothing is read yet.
    pub fn new(paths: Vec<PathBuf>) -> Manifests {
        Manifests { paths, loaded: RefCell::new(None) }
    }
}

impl Reader for Manifests {
    /// Adds everything that stands in the files, whatever was asked: filters make nothing faster here. Objects that were
    /// added once are not added again.
    async fn read(&self, _queries: &[Query], objects: &mut Objects) -> Result<(), AccessError> {
        if objects.coverage_mut(Kind::Node).iter().any(|coverage| coverage.query.is_everything()) {
            return Ok(());
        }
        let previous = self.loaded.take();
        let mut loaded = Loaded::load(&self.paths, previous)?;
        loaded.add_to(objects);
        self.loaded.replace(Some(loaded));
        for resource in RESOURCES {
            let coverage = Coverage { query: Query::all(resource.kind), answer: Answer::Complete };
            objects.coverage_mut(resource.kind).push(coverage);
        }
        Ok(())
    }
}
