//! Drift of every kind on small clusters: what is noticed, and what mends it.
//! Never writes.
