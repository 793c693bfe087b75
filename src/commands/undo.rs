//! `undo`: takes a recorded change back.
