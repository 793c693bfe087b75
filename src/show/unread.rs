//! What could not be read, as a warning: one line for each document, and how many more there are.
//! Never knows whether it matters to the question; the verdict says that.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt::Write;

use super::paint::{Paint, harmless};
use crate::kubernetes::objects::Unread;
use crate::model::words::counted;

/// How many documents are listed.
const LISTED: usize = 10;

/// What the server does not show, by its resources; empty if it shows everything.
pub fn hidden(resources: &BTreeSet<&str>, paint: Paint) -> String {
    if resources.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = resources.iter().copied().collect();
    let word = paint.warning("Warning");
    format!(
        "{word}: not all that this looks at can be read: {}; `kubectl zerotrust rbac` prints the roles that it takes\n",
        names.join(", ")
    )
}

/// The warning; empty if everything was read.
pub fn warning<D: Borrow<Unread>>(unread: &[D], paint: Paint) -> String {
    let mut out = String::new();
    let word = paint.warning("Warning");
    match unread.len() {
        0 => return out,
        1 => _ = writeln!(out, "{word}: a document could not be read, and what it says is not taken into account:"),
        count => {
            _ = writeln!(
                out,
                "{word}: {count} documents could not be read, and what they say is not taken into account:"
            )
        }
    }
    for document in unread.iter().map(Borrow::borrow).take(LISTED) {
        let document: &Unread = document;
        let object = document.object.as_ref().map_or(String::new(), |object| format!("{object}: "));
        let text = format!("{}: {object}{}", document.place, document.reason);
        _ = writeln!(out, "  {}", harmless(text.lines().next().unwrap_or_default()));
    }
    if unread.len() > LISTED {
        _ = writeln!(out, "  and {} more", unread.len() - LISTED);
    }
    out
}

/// What is left out of the warning as it has no say in the answer; empty if nothing is.
pub fn without_a_say(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!("Note: {} without a say in this could not be read\n", counted(count, "document")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kubernetes::objects::Place;

    fn unread(line: usize) -> Unread {
        Unread {
            place: Place::File { file: Arc::new("dir/a.yaml".into()), line },
            object: Some("Pod shop/web".into()),
            kind: None,
            namespace: None,
            reason: "it ends in the middle\n  | snippet".into(),
        }
    }

    #[test]
    fn documents_are_listed_up_to_a_limit() {
        let documents: Vec<Unread> = (1..=12).map(unread).collect();
        let text = warning(&documents, Paint::default());
        assert!(text.starts_with("Warning: 12 documents"), "{text}");
        assert!(text.contains("\n  dir/a.yaml:1: Pod shop/web: it ends in the middle\n"), "{text}");
        assert!(text.ends_with("\n  and 2 more\n"), "{text}");
        assert_eq!(warning::<Unread>(&[], Paint::default()), "");
    }
}
