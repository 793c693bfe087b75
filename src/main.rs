//! kubectl zerotrust.
fn main() {}
