//! Manifests: bytes in a file, to objects, to a world, to what every command would say of it.
//! Never expects any of it to be right; what could not be read must be said, and the rest go on.

use kubectl_zerotrust::kubernetes::Reader;
use kubectl_zerotrust::kubernetes::manifests::Manifests;
use kubectl_zerotrust::kubernetes::names::Kind;
use kubectl_zerotrust::kubernetes::objects::{Objects, Query};
use kubectl_zerotrust::plan::{lockdown, status, sync};

use super::corpus::{YAML_WORDS, manifests};
use super::mutate::mutated;
use super::random::Random;
use super::seeds;
use super::watch::watched;

/// Reads a file with these bytes, and asks what `status`, `sync` and `lockdown` ask; gives whether anything was read.
pub fn judge(bytes: &[u8]) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("all.yaml");
    std::fs::write(&file, bytes).unwrap();
    let manifests = Manifests::new(vec![file]);
    let mut objects = Objects::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(manifests.read(&[Query::all(Kind::Node)], &mut objects)).unwrap();
    objects.once();
    for unread in &objects.unread {
        assert!(!unread.reason.is_empty(), "{unread:?}");
    }
    let world = kubectl_zerotrust::observe::world(&objects);
    _ = status::status(&world);
    // Refusals are answers.
    _ = sync::sync(&world, &[]);
    _ = lockdown::lockdown(&world, &lockdown::Ask::default());
    !world.policies.is_empty() || !world.pods.is_empty() || !world.services.is_empty() || !world.nodes.is_empty()
}

#[test]
fn manifests_that_nobody_wrote() {
    let corpus = manifests();
    for (index, input) in corpus.iter().enumerate() {
        watched("manifest", &format!("{index} of the corpus"), input, judge);
    }
    let mut understood = 0;
    for seed in seeds(250) {
        let random = &mut Random::of(seed);
        let rest = (0..6).map(|_| random.pick(&corpus).clone()).collect::<Vec<_>>().join(&b"\n---\n"[..]);
        let input = mutated(random, &[rest], YAML_WORDS);
        understood += usize::from(watched("manifest", &format!("of seed {seed}"), &input, judge));
    }
    // Input that is all refused at once tests nothing behind the parser.
    let all = seeds(250).count();
    assert!(understood * 5 > all, "{understood} of {all} inputs had an object that was read");
}
