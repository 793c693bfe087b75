//! Laws of plans on random small clusters: whatever is asked, nothing opens but what was asked and announced, nothing
//! closes unsaid, and so after every prefix of a plan's writes; at the end the asked flow passes by every way that serves it.
//! Never judges by the plan's own words: every packet is walked by the evaluation that real kernels have confirmed.
//!
//! `ZEROTRUST_PROPERTIES_SEED=7 ZEROTRUST_PROPERTIES_CASES=2000 cargo test --test properties` looks at others; a case that
//! fails prints its seed and its cluster, made as small as it can be, as manifests. `ZEROTRUST_PROPERTIES_SEEDS=7,19` looks at
//! these alone, and `ZEROTRUST_PROPERTIES_SHRINK=0` prints failing cases as they are, which is faster.

mod asks;
mod case;
mod clusters;
mod covered;
mod flows;
mod judge;
mod policies;
#[path = "../lab/generate/random.rs"]
#[expect(dead_code, reason = "the lab draws more kinds of numbers than this does")]
mod random;
mod read;
mod shrink;

use std::collections::BTreeMap;

use case::{Case, Tally};

/// How many clusters are looked at by default, and from which seed on.
const CASES: u64 = 140;
const SEED: u64 = 1;

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, and not {text:?}")),
        Err(_) => default,
    }
}

fn chosen_seeds() -> Option<Vec<u64>> {
    let text = std::env::var("ZEROTRUST_PROPERTIES_SEEDS").ok()?;
    let seed = |text: &str| text.parse().unwrap_or_else(|_| panic!("{text:?} is no seed"));
    Some(text.split(',').map(seed).collect())
}

#[test]
fn plans_open_what_was_asked_and_nothing_else_after_every_prefix_of_their_writes() {
    let (first, cases) = (number("ZEROTRUST_PROPERTIES_SEED", SEED), number("ZEROTRUST_PROPERTIES_CASES", CASES));
    let seeds = chosen_seeds().unwrap_or_else(|| (first..first + cases).collect());
    let cases = u64::try_from(seeds.len()).unwrap();
    println!("seeds {:?} to {:?}", seeds.first(), seeds.last());
    let (one, other) = seeds.split_at(seeds.len() / 2);
    let found: Vec<(Tally, Vec<String>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = [one, other].map(|seeds| scope.spawn(|| look_at(seeds))).into_iter().collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (mut tally, mut failures) = (Tally::default(), Vec::new());
    for (part, failed) in found {
        tally.add(&part);
        failures.extend(failed);
    }
    println!("{tally}");
    assert!(failures.is_empty(), "{} of {cases} clusters:\n\n{}", failures.len(), failures.join("\n\n"));
    // A generator whose clusters refuse everything proves nothing.
    if cases >= CASES {
        let planned: usize = tally.planned.values().sum();
        assert!(planned * 3 > usize::try_from(cases).unwrap(), "only {planned} plans were made");
        for kind in ["allow", "node port", "load balancer", "BGP", "lockdown", "revoke"] {
            assert!(tally.planned.get(kind).is_some_and(|count| *count > 1), "hardly any plan for {kind}: {tally}");
        }
    }
}

/// Every failure once per law, as one bug makes many.
fn look_at(seeds: &[u64]) -> (Tally, Vec<String>) {
    let most = usize::try_from(number("ZEROTRUST_PROPERTIES_FAILURES", 4)).unwrap();
    let (mut tally, mut failures) = (Tally::default(), BTreeMap::<String, Vec<String>>::new());
    let is_shrunk = number("ZEROTRUST_PROPERTIES_SHRINK", 1) > 0;
    for seed in seeds {
        let case = Case::of(*seed);
        if let Err(broken) = case.judge(&mut tally) {
            let of_law = failures.entry(broken.law.clone()).or_default();
            if of_law.len() < most {
                of_law.push(match is_shrunk {
                    true => shrink::shrink(&case, &broken).report(),
                    false => shrink::whole(&case, &broken).report(),
                });
            }
        }
    }
    (tally, failures.into_values().flatten().collect())
}

/// Shows one cluster, for whoever looks into it: `ZEROTRUST_PROPERTIES_SHOW=7`.
#[test]
fn a_cluster_can_be_shown() {
    let seed = number("ZEROTRUST_PROPERTIES_SHOW", SEED);
    let case = Case::of(seed);
    let documents: Vec<String> = case.documents.iter().map(ToString::to_string).collect();
    println!("{:#?}\n{}", case.asks, documents.join("\n---\n"));
    assert_eq!(documents, Case::of(seed).documents.iter().map(ToString::to_string).collect::<Vec<_>>());
}
