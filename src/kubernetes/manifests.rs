//! A directory of manifests. (To be written.)
