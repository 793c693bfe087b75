//! Why a fact is not known: nobody asked for the object, it is not served, it was refused, or there is none.
//! Never knows what the fact is.

use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{Answer, ConfigMap, Coverage, Objects};

/// A ConfigMap of the cluster's own, in kube-system: other namespaces may have one of the same name.
pub fn system_map<'o>(objects: &'o Objects, name: &str) -> Option<&'o ConfigMap> {
    let own = |map: &&ConfigMap| map.metadata.name == name && map.metadata.namespace.as_deref() == Some("kube-system");
    objects.config_maps.iter().find(own)
}

/// What came back when one object was asked for, if it was: on its own, or among others.
pub fn answer<'o>(coverage: &'o [Coverage], kind: Kind, namespace: Option<&str>, name: &str) -> Option<&'o Answer> {
    let asks = |coverage: &&Coverage| {
        let query = &coverage.query;
        query.kind == kind
            && query.labels.is_none()
            && query.fields.is_none()
            && query.name.as_deref().is_none_or(|asked| asked == name)
            && (query.namespace.is_none() || namespace.is_none() || query.namespace.as_deref() == namespace)
    };
    let mut answers = coverage.iter().filter(asks).map(|coverage| &coverage.answer);
    let first = answers.next()?;
    // Of several answers the one that saw something tells more than a refusal.
    Some(answers.find(|answer| !matches!(answer, Answer::Hidden(_))).filter(|_| hidden(first)).unwrap_or(first))
}

fn hidden(answer: &Answer) -> bool {
    matches!(answer, Answer::Hidden(_))
}

/// Why an object that is not among those that were read is not, in words for a person.
pub fn why_not(coverage: &[Coverage], kind: Kind, namespace: Option<&str>, name: &str) -> String {
    let object = match namespace {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    };
    match answer(coverage, kind, namespace, name) {
        None => format!("{object} was not read"),
        Some(Answer::Hidden(reason)) => format!("{object} could not be read ({reason})"),
        Some(Answer::NotServed) => format!("the API server serves no {kind}"),
        Some(Answer::Complete) => format!("there is no {object}"),
    }
}

/// What came back when objects of a kind were asked for, if they were.
pub fn answer_of(coverage: &[Coverage], kind: Kind) -> Option<&Answer> {
    coverage.iter().find(|coverage| coverage.query.kind == kind).map(|coverage| &coverage.answer)
}

/// The same as `why_not` of all objects of a kind.
pub fn why_none(coverage: &[Coverage], kind: Kind) -> String {
    let plural = kind.resource().plural;
    match answer_of(coverage, kind) {
        None => format!("{plural} were not read"),
        Some(Answer::Hidden(reason)) => format!("{plural} could not be read ({reason})"),
        Some(Answer::NotServed) => format!("the API server serves no {kind}"),
        Some(Answer::Complete) => format!("there is no {kind}"),
    }
}

/// Whether all of a kind was read, or there can be none of it.
pub fn all(coverage: &[Coverage], kind: Kind) -> bool {
    let own = coverage.iter().filter(|coverage| coverage.query.kind == kind);
    own.into_iter().any(|coverage| match coverage.answer {
        Answer::Complete => coverage.query.is_everything(),
        Answer::NotServed => true,
        Answer::Hidden(_) => false,
    })
}
