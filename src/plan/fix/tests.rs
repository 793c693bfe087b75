//! What opens a flow that is stopped, and what is said where nothing does.
//! Never writes.
