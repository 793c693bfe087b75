//! What is behind nodes, tunnels and Services, as text, and for programs.
//! Never knows how it was found.

use serde::Serialize;

use super::paint::{Paint, harmless};
use crate::plan::sync::{Drift, Remedy};

/// One entry for each, with what to do.
pub fn text(drift: &[Drift], paint: Paint) -> String {
    if drift.is_empty() {
        return "sync: nothing is behind\n".into();
    }
    let mut out = String::new();
    for one in drift {
        let (word, hints) = match &one.remedy {
            Remedy::Sync => ("behind", &[][..]),
            Remedy::Other(hints) => ("left", hints.as_slice()),
            Remedy::Unknown(hints) => ("unknown", hints.as_slice()),
        };
        out.push_str(&format!("{}: {}: {}\n", paint.warning(word), harmless(&one.what), harmless(&one.detail)));
        hints.iter().for_each(|hint| out.push_str(&format!("  Hint: {}\n", harmless(hint))));
    }
    if drift.iter().any(|one| one.remedy == Remedy::Sync) {
        out.push_str("\n`kubectl zerotrust sync` mends what is behind.\n");
    }
    out
}

/// What is behind, one in a line.
pub fn names(drift: &[Drift]) -> String {
    drift.iter().map(|one| format!("{}\n", harmless(&one.what))).collect()
}

/// What `sync` does not mend, each as one sentence.
pub fn unmended(drift: &[Drift]) -> Vec<String> {
    let one = |drift: &Drift| {
        let (word, hints) = match &drift.remedy {
            Remedy::Sync => return None,
            Remedy::Other(hints) => ("left as it is", hints),
            Remedy::Unknown(hints) => ("not known", hints),
        };
        let hints: String = hints.iter().map(|hint| format!("; {hint}")).collect();
        Some(format!("{word}: {}: {}{hints}", drift.what, drift.detail))
    };
    drift.iter().filter_map(one).collect()
}

#[derive(Serialize)]
struct View<'a> {
    what: &'a str,
    detail: &'a str,
    state: &'static str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    hints: &'a [String],
}

/// For programs: `state` is behind (sync mends it), left (somebody else has to) or unknown.
pub fn value(drift: &[Drift]) -> impl Serialize + use<'_> {
    drift.iter().map(view).collect::<Vec<View<'_>>>()
}

fn view(one: &Drift) -> View<'_> {
    let (state, hints) = match &one.remedy {
        Remedy::Sync => ("behind", &[][..]),
        Remedy::Other(hints) => ("left", hints.as_slice()),
        Remedy::Unknown(hints) => ("unknown", hints.as_slice()),
    };
    View { what: &one.what, detail: &one.detail, state, hints }
}
