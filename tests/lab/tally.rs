//! How many probes came out which way, by class, and how that is printed.
//! Never decides whether two outcomes agree.

use std::collections::BTreeMap;
use std::fmt;

/// How one probe came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Count {
    /// Both say that it passes.
    Allow,
    /// Both say that it is dropped.
    Deny,
    /// Both say that it depends on the backend.
    Mixed,
    /// We say that we cannot tell.
    Unknown,
    /// The lab did not see the same twice, or only at first what we said.
    Unsure,
    /// They differ, again and again.
    Disagree,
}

const COLUMNS: [(Count, &str); 6] = [
    (Count::Allow, "allow"),
    (Count::Deny, "deny"),
    (Count::Mixed, "mixed"),
    (Count::Unknown, "unknown"),
    (Count::Unsure, "unsure"),
    (Count::Disagree, "DISAGREE"),
];

/// Counts by class, and what was not judged.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: BTreeMap<(&'static str, Count), usize>,
    /// What does not work without any policy, by class and fate.
    idle: BTreeMap<(&'static str, String), usize>,
}

impl Tally {
    /// Counts a probe.
    pub fn add(&mut self, class: &'static str, count: Count) {
        *self.counts.entry((class, count)).or_default() += 1;
    }

    /// Counts a probe that does not work without any policy, and so says nothing about policy.
    pub fn add_idle(&mut self, class: &'static str, fate: &str) {
        *self.idle.entry((class, fate.to_string())).or_default() += 1;
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Tally) {
        for (key, count) in &other.counts {
            *self.counts.entry(*key).or_default() += count;
        }
        for (key, count) in &other.idle {
            *self.idle.entry(key.clone()).or_default() += count;
        }
    }

    /// How many came out like this.
    pub fn of(&self, count: Count) -> usize {
        self.counts.iter().filter(|((_, of), _)| *of == count).map(|(_, number)| number).sum()
    }

    /// How many were judged.
    pub fn judged(&self) -> usize {
        self.counts.values().sum()
    }

    /// How many agree.
    pub fn agreed(&self) -> usize {
        [Count::Allow, Count::Deny, Count::Mixed].into_iter().map(|count| self.of(count)).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:16}", "class")?;
        COLUMNS.iter().try_for_each(|(_, name)| write!(out, "{name:>9}"))?;
        writeln!(out)?;
        let mut classes: Vec<&str> = self.counts.keys().map(|(class, _)| *class).collect();
        classes.dedup();
        for class in classes {
            write!(out, "{class:16}")?;
            for (count, _) in COLUMNS {
                write!(out, "{:>9}", self.counts.get(&(class, count)).copied().unwrap_or_default())?;
            }
            writeln!(out)?;
        }
        write!(out, "{:16}", "all")?;
        COLUMNS.iter().try_for_each(|(count, _)| write!(out, "{:>9}", self.of(*count)))?;
        writeln!(out)?;
        let idle: Vec<String> =
            self.idle.iter().map(|((class, fate), number)| format!("{class} {fate} {number}")).collect();
        if !idle.is_empty() {
            writeln!(out, "not judged, as they do not work without any policy either: {}", idle.join(", "))?;
        }
        write!(out, "{} of {} judged packets agree", self.agreed(), self.judged())
    }
}
