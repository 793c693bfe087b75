//! One case: a cluster and what is asked of it, and the laws held against every plan.
//! Never makes anything random but from its seed.

use std::collections::BTreeMap;
use std::fmt;

use kubectl_zerotrust::plan::simulate::simulate;
use kubectl_zerotrust::plan::{Plan, PlanError};
use serde_json::Value;

use super::asks::{Ask, asks};
use super::random::Random;
use super::{clusters, judge, policies, read};

/// How many packets are walked after each step, drawn anew for every seed.
const FLOWS: usize = 250;

/// A cluster and what is asked of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it was made from.
    pub seed: u64,
    /// The cluster.
    pub documents: Vec<Value>,
    /// What is asked, one after the other.
    pub asks: Vec<Ask>,
    /// How many packets are walked after each step.
    pub most: usize,
}

/// A law that does not hold.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Which.
    pub law: String,
    /// By what.
    pub detail: String,
}

impl Broken {
    /// One.
    pub fn new(law: &str, detail: String) -> Broken {
        Broken { law: law.into(), detail }
    }
}

/// What came of the asks.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Plans with steps, by kind of ask.
    pub planned: BTreeMap<String, usize>,
    /// Plans that had nothing to do.
    pub nothing: usize,
    /// Asks that were refused, by the kind of refusal.
    pub refused: BTreeMap<&'static str, usize>,
    /// Steps.
    pub steps: usize,
    /// Packets that were walked before or after a step.
    pub walks: usize,
}

impl Tally {
    /// Adds another part.
    pub fn add(&mut self, other: &Tally) {
        other.planned.iter().for_each(|(kind, count)| *self.planned.entry(kind.clone()).or_default() += count);
        other.refused.iter().for_each(|(kind, count)| *self.refused.entry(kind).or_default() += count);
        self.nothing += other.nothing;
        self.steps += other.steps;
        self.walks += other.walks;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "plans {:?}, {} with nothing to do, refused {:?}; {} steps, {} packets walked",
            self.planned, self.nothing, self.refused, self.steps, self.walks
        )
    }
}

fn refusal(error: &PlanError) -> &'static str {
    match error {
        PlanError::Refused { .. } => "refused",
        PlanError::Unknown { .. } => "unknown",
        PlanError::Unresolved { .. } => "unresolved",
        PlanError::Usage { .. } => "usage",
    }
}

impl Case {
    /// The case of a seed.
    pub fn of(seed: u64) -> Case {
        let mut random = Random::of(seed);
        let mut cluster = clusters::cluster(&mut random.fork());
        let others = policies::of_others(&mut random.fork(), &cluster);
        cluster.documents.extend(others);
        let asks = asks(&mut random.fork(), &cluster);
        Case { seed, documents: cluster.documents, asks, most: FLOWS }
    }

    /// Asks one thing after the other, and holds every plan against the laws.
    pub fn judge(&self, tally: &mut Tally) -> Result<(), Broken> {
        let mut world = read::world(&self.documents);
        for (index, ask) in self.asks.iter().enumerate() {
            let earlier = world.clone();
            if let Ask::Sync(Some(change)) = ask {
                change.make(&mut world);
            }
            let (plan, grant) = match ask.plan(&world) {
                Ok(planned) => planned,
                Err(error) => {
                    *tally.refused.entry(refusal(&error)).or_default() += 1;
                    if std::env::var_os("ZEROTRUST_PROPERTIES_TELL").is_some() {
                        println!("seed {} {}: {error}", self.seed, ask.kind());
                    }
                    continue;
                }
            };
            if plan.steps.is_empty() {
                tally.nothing += 1;
                continue;
            }
            if matches!(ask, Ask::Sync(None)) {
                let detail = told(index, ask, &plan, "what was just made is behind");
                return Err(Broken::new("sync of a cluster in step is empty", detail));
            }
            if std::env::var_os("ZEROTRUST_PROPERTIES_TELL").is_some() {
                println!("seed {} {index} {ask:?}", self.seed);
                plan.steps.iter().for_each(|step| println!("  {}: {}", step.object, step.why));
                plan.notes.iter().for_each(|note| println!("  note {}", note.text));
                if matches!(ask, Ask::Sync(_)) {
                    let synced = kubectl_zerotrust::plan::sync::sync(&world, &[]);
                    synced.iter().flat_map(|synced| &synced.drift).for_each(|drift| println!("  drift {drift:?}"));
                }
            }
            *tally.planned.entry(ask.kind()).or_default() += 1;
            tally.steps += plan.steps.len();
            let wrap = |broken: Broken| Broken { detail: told(index, ask, &plan, &broken.detail), ..broken };
            let mut random = Random::of(self.seed).fork();
            let judged = judge::Judged {
                earlier: &earlier,
                world: &world,
                ask,
                plan: &plan,
                grant: grant.as_deref(),
                most: self.most,
            };
            let after = judged.all(&mut random, tally).map_err(wrap)?;
            world = after;
        }
        Ok(())
    }
}

fn told(index: usize, ask: &Ask, plan: &Plan, detail: &str) -> String {
    let steps: Vec<String> = plan.steps.iter().map(|step| format!("  {}: {}", step.object, step.why)).collect();
    let notes: Vec<String> = plan.notes.iter().map(|note| format!("  {}", note.text)).collect();
    format!("ask {index}: {ask:?}\n{}\nnotes:\n{}\nsteps:\n{}\n", detail, notes.join("\n"), steps.join("\n"))
}

/// A plan's steps, made one after the other.
pub fn prefixes(
    world: &kubectl_zerotrust::model::world::World,
    plan: &Plan,
) -> Result<Vec<kubectl_zerotrust::model::world::World>, Broken> {
    let mut worlds = Vec::new();
    let mut before = world.clone();
    for step in &plan.steps {
        let after = simulate(&before, std::slice::from_ref(step))
            .map_err(|error| Broken::new("every step can be made", format!("{}: {error}", step.object)))?;
        worlds.push(after.clone());
        before = after;
    }
    Ok(worlds)
}
