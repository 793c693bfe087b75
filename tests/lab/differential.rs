//! Our verdict and the packet's fate, side by side, over generated worlds.
//! Never knows how either is found, and never lets a disagreement pass that shows itself again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use kubectl_zerotrust::model::flow::Verdict;
use kubectl_zerotrust::model::validate::validate;
use kubectl_zerotrust::model::world::Version;
use serde_json::Value;

use crate::generate::probes::Flow;
use crate::generate::terrain::Terrain;
use crate::generate::{Made, made};
use crate::keep;
use crate::probe::{Fate, Probe};
use crate::shrink::shrink;
use crate::tally::{Count, Tally};
use crate::verdict::{Judge, Ruling};

/// Something that enforces worlds and sends packets through them.
pub trait Bench {
    /// Makes these the only policies, host endpoints and network sets, and returns when every node enforces them.
    fn apply(&mut self, world: &[Value]);
    /// Sends every probe.
    fn send(&mut self, probes: &[Probe]) -> Vec<Fate>;
    /// Writes every object as it is stored, as a directory that `explain -f` reads.
    fn save(&self, directory: &Path);
}

/// How often a disagreement is looked at again before it counts.
const CONFIRMATIONS: usize = 3;
/// The most worlds that are tried to make one smaller.
const SHRINKING: usize = 150;
/// How many disagreements of a comparison are made smaller; the rest is kept whole.
const SHRUNK: usize = 6;

/// One comparison over many worlds of one mode.
pub struct Differential<'b, B: Bench> {
    bench: &'b mut B,
    terrain: Terrain,
    /// As a seed is named: `direct/1234`.
    mode: String,
    scratch: PathBuf,
    /// What becomes of a probe where there is no policy at all.
    baseline: HashMap<Probe, Fate>,
    shrunk: usize,
}

/// What came of one world.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The counts.
    pub tally: Tally,
    /// Each disagreement, with the directory where it is kept.
    pub disagreements: Vec<Disagreement>,
    /// Probes that we cannot tell or the lab cannot, for a person.
    pub notes: Vec<String>,
}

/// A packet of which we say something else than the kernel, again and again.
#[derive(Debug)]
pub struct Disagreement {
    /// Where the shrunk world is kept.
    pub directory: PathBuf,
    /// What happened, for a person.
    pub story: String,
}

impl<'b, B: Bench> Differential<'b, B> {
    /// A comparison that keeps its files in `scratch`.
    pub fn new(bench: &'b mut B, terrain: Terrain, mode: &str, scratch: &Path) -> Differential<'b, B> {
        let (baseline, mode, scratch) = (HashMap::new(), mode.to_string(), scratch.to_path_buf());
        Differential { bench, terrain, mode, scratch, baseline, shrunk: 0 }
    }

    /// Makes the world of a seed and compares all its packets.
    pub fn world(&mut self, seed: u64) -> Outcome {
        let world = made(&self.terrain, seed);
        self.learn(&world.flows);
        self.bench.apply(&world.objects);
        let mut outcome = Outcome::default();
        let mut judged: Vec<&Flow> = Vec::new();
        for flow in &world.flows {
            match self.open(&flow.probe) {
                Ok(_) => judged.push(flow),
                Err(fate) => outcome.tally.add_idle(flow.class, fate),
            }
        }
        let probes: Vec<Probe> = judged.iter().map(|flow| flow.probe.clone()).collect();
        let fates = self.bench.send(&probes);
        assert_eq!(fates.len(), probes.len(), "every probe has a fate");
        let judge = self.judge();
        let mut suspects = Vec::new();
        for (flow, fate) in judged.into_iter().zip(fates) {
            let ruling = judge.rule(&flow.probe);
            match compare(&ruling, &fate, self.expects(&flow.probe)) {
                Compared::Agree(count) => outcome.tally.add(flow.class, count),
                Compared::Untold(count) => {
                    outcome.tally.add(flow.class, count);
                    outcome.notes.push(format!("{}: {fate}, we say {}: {}", flow.probe, ruling.verdict, ruling.why));
                }
                Compared::Differ(_) => suspects.push(flow.clone()),
            }
        }
        self.confirm(seed, &world, suspects, &mut outcome);
        outcome
    }

    /// Sends what was never sent without policy.
    fn learn(&mut self, flows: &[Flow]) {
        let mut unknown: Vec<Probe> = flows.iter().map(|flow| plain(&flow.probe)).collect();
        unknown.retain(|probe| !self.baseline.contains_key(probe));
        unknown.sort();
        unknown.dedup();
        if unknown.is_empty() {
            return;
        }
        self.bench.apply(&[]);
        for (probe, fate) in unknown.iter().zip(self.bench.send(&unknown)) {
            self.baseline.insert(probe.clone(), fate);
        }
    }

    /// What becomes of a probe that nothing stops. Only answers and refusals by somebody who does not listen are facts about
    /// a way that is open; the others say nothing about policy.
    fn open(&self, probe: &Probe) -> Result<Open, &'static str> {
        let to_service = self.terrain.is_service(probe.destination, probe.port);
        match &self.baseline[&plain(probe)] {
            Fate::Allowed { .. } => Ok(Open::Answered),
            Fate::Refused if !to_service => Ok(Open::Refused),
            Fate::Refused => Err("refused"),
            Fate::Dropped => Err("dropped"),
            Fate::Mixed => Err("mixed"),
            Fate::Unsure(_) => Err("unsure"),
        }
    }

    fn expects(&self, probe: &Probe) -> Open {
        self.open(probe).expect("only probes whose way is open are judged")
    }

    fn judge(&self) -> Judge {
        let directory = self.scratch.join("now");
        keep::fresh(&directory);
        self.bench.save(&directory);
        Judge::read(&directory)
    }

    /// What differs is made afresh and sent again; what still differs then, every time, is a disagreement.
    fn confirm(&mut self, seed: u64, world: &Made, mut suspects: Vec<Flow>, outcome: &mut Outcome) {
        let all = suspects.clone();
        for _ in 0..CONFIRMATIONS {
            if suspects.is_empty() {
                break;
            }
            self.bench.apply(&[]);
            self.bench.apply(&world.objects);
            let probes: Vec<Probe> = suspects.iter().map(|flow| flow.probe.clone()).collect();
            let fates = self.bench.send(&probes);
            let judge = self.judge();
            let differs = suspects.iter().zip(&fates).map(|(flow, fate)| {
                let compared = compare(&judge.rule(&flow.probe), fate, self.expects(&flow.probe));
                matches!(compared, Compared::Differ(_))
            });
            let mut differs: Vec<bool> = differs.collect();
            differs.reverse();
            suspects.retain(|_| differs.pop() == Some(true));
        }
        for flow in &all {
            let stays = suspects.iter().any(|suspect| suspect.probe == flow.probe);
            outcome.tally.add(flow.class, if stays { Count::Disagree } else { Count::Unsure });
            if !stays {
                outcome.notes.push(format!("{}: differed at first and agreed when it was sent again", flow.probe));
            }
        }
        // One story for each class: the others mostly have the same cause.
        let mut told: Vec<&str> = Vec::new();
        for flow in suspects {
            if !told.contains(&flow.class) {
                told.push(flow.class);
                outcome.disagreements.push(self.keep(seed, world, &flow));
            }
        }
    }

    /// Makes the world smaller as long as it disagrees about this probe, and keeps what is left.
    fn keep(&mut self, seed: u64, world: &Made, flow: &Flow) -> Disagreement {
        let odd = world.odd;
        let steps = if self.shrunk < SHRUNK { SHRINKING } else { 0 };
        self.shrunk += 1;
        let small = shrink(world.objects.clone(), steps, |objects| {
            (odd || objects.iter().all(is_valid)) && self.differs(objects, &flow.probe).is_some()
        });
        let (ruling, fate, how) = match self.differs(&small, &flow.probe) {
            Some(found) => found,
            // Not again: the whole world, which did four times, is kept.
            None => {
                self.bench.apply(&world.objects);
                let fate = self.bench.send(std::slice::from_ref(&flow.probe)).remove(0);
                (self.judge().rule(&flow.probe), fate, "it came and went while the world was made smaller".into())
            }
        };
        let directory = self.scratch.join(format!("{}-{seed}-{}", self.mode.replace('/', "-"), flow.class));
        keep::fresh(&directory);
        let manifests = directory.join("manifests");
        keep::fresh(&manifests);
        self.bench.save(&manifests);
        let name = format!("{}/{seed}", self.mode);
        let story = keep::write(&directory, &name, flow, &ruling, &fate, &how);
        Disagreement { directory, story }
    }

    fn differs(&mut self, objects: &[Value], probe: &Probe) -> Option<(Ruling, Fate, String)> {
        self.bench.apply(objects);
        let fate = self.bench.send(std::slice::from_ref(probe)).remove(0);
        let ruling = self.judge().rule(probe);
        match compare(&ruling, &fate, self.expects(probe)) {
            Compared::Differ(how) => Some((ruling, fate, how)),
            _ => None,
        }
    }
}

/// A fixed source port matters to policy alone.
fn plain(probe: &Probe) -> Probe {
    Probe { source_port: None, ..probe.clone() }
}

/// Whether Calico would take the object; kinds without rules here are taken.
fn is_valid(object: &Value) -> bool {
    let mut written = object.clone();
    if let Some(name) = object["metadata"]["name"].as_str().and_then(|name| name.strip_prefix("default.")) {
        written["metadata"]["name"] = name.into();
    }
    validate(&written, Version::parse("v3.28.5")).is_empty()
}

/// How a verdict and a fate go together.
#[derive(Debug, PartialEq)]
pub enum Compared {
    /// They say the same.
    Agree(Count),
    /// One of them says nothing.
    Untold(Count),
    /// They do not, and how.
    Differ(String),
}

/// What becomes of a probe that nothing stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// It is answered.
    Answered,
    /// Nobody listens.
    Refused,
}

/// Holds a verdict against a fate. A refusal is no drop by policy; but who listens must answer where we allow it.
pub fn compare(ruling: &Ruling, fate: &Fate, open: Open) -> Compared {
    if let Fate::Unsure(_) = fate {
        return Compared::Untold(Count::Unsure);
    }
    match (ruling.verdict, fate) {
        (Verdict::Unknown, _) => Compared::Untold(Count::Unknown),
        (Verdict::Deny, Fate::Dropped) => Compared::Agree(Count::Deny),
        (Verdict::Mixed, Fate::Mixed) => Compared::Agree(Count::Mixed),
        (Verdict::Allow, Fate::Refused) if open == Open::Refused => Compared::Agree(Count::Allow),
        (Verdict::Allow, Fate::Allowed { saw, by }) if open == Open::Answered => {
            if let Some(saw) = saw.filter(|saw| !ruling.sources.is_empty() && !ruling.sources.contains(saw)) {
                return Compared::Differ(format!("the receiver saw {saw}, our paths end with {:?}", ruling.sources));
            }
            if let Some(by) = by.as_ref().filter(|by| !ruling.backends.is_empty() && !ruling.backends.contains(*by)) {
                return Compared::Differ(format!("{by} answered, our backends are {:?}", ruling.backends));
            }
            Compared::Agree(Count::Allow)
        }
        (verdict, fate) => Compared::Differ(format!("we say {verdict}, it was {fate}")),
    }
}
