//! Nodes that are locked on small clusters: what passes, what does not, what is refused.
//! Never writes.
