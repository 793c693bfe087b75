//! Explanations as they are printed, at two widths.
//! Never knows a cluster.
