//! Makes a failing case as small as it can be while it breaks the same law.
//! Never changes a document, but takes whole ones away.

use serde_json::Value;

use super::case::{Broken, Case, Tally};

/// A failing case, made small.
pub struct Shrunk {
    case: Case,
    broken: Broken,
}

fn still(case: &Case, law: &str) -> Option<Broken> {
    let judged = std::panic::catch_unwind(|| case.judge(&mut Tally::default()));
    judged.ok()?.err().filter(|broken| broken.law == law)
}

/// A failing case as it is.
pub fn whole(case: &Case, broken: &Broken) -> Shrunk {
    Shrunk { case: case.clone(), broken: broken.clone() }
}

/// Takes asks and documents away until none can go.
pub fn shrink(case: &Case, broken: &Broken) -> Shrunk {
    let mut small = Shrunk { case: case.clone(), broken: broken.clone() };
    // Of fewer documents there are other packets: only all of them are the same.
    small.take(Case { most: usize::MAX, ..case.clone() });
    loop {
        let before = small.case.asks.len() + small.case.documents.len();
        for index in (0..small.case.asks.len()).rev() {
            let mut smaller = small.case.clone();
            smaller.asks.remove(index);
            small.take(smaller);
        }
        for index in (0..small.case.documents.len()).rev() {
            let mut smaller = small.case.clone();
            smaller.documents.remove(index);
            small.take(smaller);
        }
        if before == small.case.asks.len() + small.case.documents.len() {
            return small;
        }
    }
}

impl Shrunk {
    fn take(&mut self, smaller: Case) {
        if let Some(broken) = still(&smaller, &self.broken.law) {
            *self = Shrunk { case: smaller, broken };
        }
    }

    /// All that is needed to see it again.
    pub fn report(&self) -> String {
        let text = |document: &Value| document.to_string();
        let documents: Vec<String> = self.case.documents.iter().map(text).collect();
        format!(
            "seed {}: {}\n{}\nthe cluster as manifests:\n{}",
            self.case.seed,
            self.broken.law,
            self.broken.detail,
            documents.join("\n---\n")
        )
    }
}
