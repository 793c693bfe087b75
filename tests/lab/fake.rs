//! A bench without a kernel, whose fates come from our own verdicts on a world that was tampered with: it proves that
//! disagreements are found, confirmed, made small and kept.
//! Never proves that a verdict is right.

use std::fs;
use std::path::Path;

use kubectl_zerotrust::model::flow::Verdict;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::differential::{Bench, Differential};
use crate::generate::terrain::Terrain;
use crate::keep;
use crate::probe::{Fate, Probe};
use crate::tally::Count;
use crate::topology::{Encapsulation, Mode, Proxy, Topology};
use crate::verdict::Judge;

/// A kernel that errs in its own way.
struct Fake {
    base: Vec<Value>,
    world: Vec<Value>,
    scratch: TempDir,
    /// What it makes of an object before it enforces it.
    errs: fn(&mut Value),
    /// It errs in so many of its answers only.
    errors: usize,
    sent: usize,
}

impl Fake {
    fn new(topology: &Topology, errs: fn(&mut Value), errors: usize) -> Fake {
        let scratch = tempfile::tempdir().expect("a directory");
        let mut base = topology.objects();
        // What a real API server makes by itself.
        base.push(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": "kube-system", "labels": { "kubernetes.io/metadata.name": "kube-system" } } }));
        Fake { base, world: Vec::new(), scratch, errs, errors, sent: 0 }
    }

    fn write(&self, directory: &Path, world: &[Value]) {
        let mut text = String::new();
        for object in self.base.iter().chain(world) {
            text += &format!("---\n{object}\n");
        }
        fs::write(directory.join("world.yaml"), text).expect("write the world");
    }
}

impl Bench for Fake {
    fn apply(&mut self, world: &[Value]) {
        self.world = world.to_vec();
    }

    fn send(&mut self, probes: &[Probe]) -> Vec<Fate> {
        let directory = self.scratch.path().join("fake");
        keep::fresh(&directory);
        let mut world = self.world.clone();
        if self.sent < self.errors {
            world.iter_mut().for_each(self.errs);
        }
        self.sent += usize::from(!world.is_empty());
        self.write(&directory, &world);
        let judge = Judge::read(&directory);
        let fate = |probe| match judge.rule(probe).verdict {
            Verdict::Allow => Fate::Allowed { saw: None, by: None },
            Verdict::Deny => Fate::Dropped,
            Verdict::Mixed => Fate::Mixed,
            Verdict::Unknown => Fate::Unsure("the fake cannot tell".into()),
        };
        probes.iter().map(fate).collect()
    }

    fn save(&self, directory: &Path) {
        self.write(directory, &self.world);
    }
}

fn topology() -> Topology {
    Topology::of(Mode { encapsulation: Encapsulation::Direct, proxy: Proxy::Iptables, dual: false, nodes: 3 })
}

/// The kernel forgets the notNets of sources.
fn forgets_not_nets(object: &mut Value) {
    for list in ["ingress", "egress"] {
        for rule in object["spec"][list].as_array_mut().into_iter().flatten() {
            if let Some(source) = rule["source"].as_object_mut() {
                source.remove("notNets");
            }
        }
    }
}

#[test]
fn an_error_is_found_confirmed_made_small_and_kept() {
    let topology = topology();
    let mut fake = Fake::new(&topology, forgets_not_nets, usize::MAX);
    let kept = tempfile::tempdir().expect("a directory");
    let mut differential = Differential::new(&mut fake, Terrain::from(&topology), "direct", kept.path());
    let outcome = (0..40).map(|seed| differential.world(seed)).find(|outcome| !outcome.disagreements.is_empty());
    let outcome = outcome.expect("one of 40 worlds needs notNets");
    assert!(outcome.tally.of(Count::Disagree) > 0);
    let directory = &outcome.disagreements[0].directory;
    let world = fs::read_to_string(directory.join("manifests/world.yaml")).expect("the manifests");
    let policies = world.lines().filter(|line| line.contains("notNets")).count();
    assert_eq!(policies, 1, "one policy is enough: {world}");
    assert!(world.matches("\"action\"").count() <= 2, "a rule or two are enough: {world}");
    let flows = fs::read_to_string(directory.join("flows.json")).expect("the flow");
    let flows: Value = serde_json::from_str(&flows).expect("a list of flows");
    assert!(["allow", "deny"].contains(&flows[0]["outcome"].as_str().expect("an outcome")), "{flows}");
}

#[test]
fn what_agrees_when_it_is_sent_again_is_no_disagreement() {
    let topology = topology();
    // Only the first packets of the first world go wrong.
    let mut fake = Fake::new(&topology, |object| object["spec"]["selector"] = "has(nobody)".into(), 1);
    let kept = tempfile::tempdir().expect("a directory");
    let mut differential = Differential::new(&mut fake, Terrain::from(&topology), "direct", kept.path());
    let outcome = differential.world(1);
    assert!(outcome.disagreements.is_empty() && outcome.tally.of(Count::Unsure) > 0, "{}", outcome.tally);
}

#[test]
fn worlds_allow_and_deny_and_hardly_any_verdict_is_unknown() {
    let topology = topology();
    let mut fake = Fake::new(&topology, |_| (), 0);
    let kept = tempfile::tempdir().expect("a directory");
    let mut differential = Differential::new(&mut fake, Terrain::from(&topology), "direct", kept.path());
    let mut tally = crate::tally::Tally::default();
    let mut notes = Vec::new();
    for seed in 0..40 {
        let outcome = differential.world(seed);
        tally.merge(&outcome.tally);
        notes.extend(outcome.notes);
    }
    assert_eq!(tally.of(Count::Disagree), 0, "{tally}");
    let share = |count| tally.of(count) * 100 / tally.judged();
    assert!(share(Count::Allow) >= 25 && share(Count::Deny) >= 25, "{tally}");
    // What the fake calls unsure is what we do not know.
    assert!(share(Count::Unsure) < 2, "{tally}\n{}", notes.join("\n"));
}
