//! Our selectors and our validator, held against Calico's own code (the module of 3.28.5).
//! Holds no expectation of its own: Calico says what is right, and this file where we are stricter on purpose.
//!
//! Newer releases read the same selectors, but for two edges: from 3.30 on a line break within `has( )` or between the
//! words of an operator is an error, which 3.28 takes. What the enforcing Felix of 3.28 takes, we take.

mod support;

#[path = "oracle/cases.rs"]
mod cases;
#[path = "oracle/generated.rs"]
mod generated;
#[path = "oracle/objects.rs"]
mod objects;
#[path = "oracle/selectors.rs"]
mod selectors;
