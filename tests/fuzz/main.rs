//! Input that nobody wrote: manifests, selectors, log lines and records, changed at random from real ones, and bombs. None
//! makes the program panic, hang, or take memory out of proportion; and no text puts control characters on a terminal.
//! Never knows what a reading should say of such input, but that it says something.
//!
//! `ZEROTRUST_FUZZ_SEED=7 ZEROTRUST_FUZZ_CASES=100000 cargo test --test fuzz` looks at others. Input that breaks a law is
//! kept in the target directory, and the failure names the file; so it is when the whole process ends (a stack that
//! overflows), where the last input of every kind is.

mod bombs;
mod corpus;
mod manifests;
mod mutate;
#[path = "../lab/generate/random.rs"]
#[expect(dead_code, reason = "the lab draws more kinds of numbers than this does")]
mod random;
mod terminal;
mod texts;
mod watch;

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, and not {text:?}")),
        Err(_) => default,
    }
}

/// The seeds of a kind of input: so many by default, which cost about the same each.
fn seeds(default: u64) -> std::ops::Range<u64> {
    let first = number("ZEROTRUST_FUZZ_SEED", 1);
    first..first + number("ZEROTRUST_FUZZ_CASES", default)
}
