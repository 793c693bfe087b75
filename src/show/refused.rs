//! What Calico refuses: each object with its place, its fields and the reasons.
//! Never knows a rule.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Value, json};

use super::paint::{Paint, harmless};
use super::unread;
use crate::kubernetes::names::{CALICO_GROUP, Kind};
use crate::kubernetes::objects::{Answer, Objects, Place, Refused};
use crate::model::words::counted;

/// Calico's kinds that could not be read, and why.
pub fn hidden(objects: &Objects) -> Vec<(Kind, String)> {
    let listings = [
        &objects.calico_policies.coverage,
        &objects.tiers.coverage,
        &objects.host_endpoints.coverage,
        &objects.network_sets.coverage,
        &objects.ip_pools.coverage,
        &objects.felix_configurations.coverage,
        &objects.bgp_configurations.coverage,
        &objects.bgp_peers.coverage,
        &objects.cluster_informations.coverage,
        &objects.kube_controllers.coverage,
    ];
    let all = listings.into_iter().flatten().filter_map(|coverage| match &coverage.answer {
        Answer::Hidden(reason) => Some((coverage.query.kind, reason.clone())),
        _ => None,
    });
    all.collect()
}

/// How many objects of Calico were held against the rules.
fn checked(objects: &Objects) -> usize {
    objects.calico_policies.items.len()
        + objects.tiers.items.len()
        + objects.host_endpoints.items.len()
        + objects.network_sets.items.len()
        + objects.ip_pools.items.len()
        + objects.felix_configurations.items.len()
        + objects.bgp_configurations.items.len()
        + objects.bgp_peers.items.len()
        + objects.cluster_informations.items.len()
        + objects.kube_controllers.items.len()
}

/// The refused objects, each once, in the order in which they stand.
fn refused(objects: &Objects) -> Vec<(&Refused, Vec<&Refused>)> {
    let mut found: Vec<(&Refused, Vec<&Refused>)> = Vec::new();
    for refused in &objects.refused {
        let same = |(first, _): &&mut (&Refused, Vec<&Refused>)| {
            (&first.object, &first.place) == (&refused.object, &refused.place)
        };
        match found.iter_mut().find(same) {
            Some((_, all)) => all.push(refused),
            None => found.push((refused, vec![refused])),
        }
    }
    found.sort_by_key(|(first, _)| (&first.place, &first.object));
    found
}

/// For people.
pub fn text(objects: &Objects, paint: Paint) -> String {
    let mut out = String::new();
    let found = refused(objects);
    for (first, all) in &found {
        let place = match &first.place {
            Place::Server => String::new(),
            place => format!("{place}: "),
        };
        _ = writeln!(out, "{}{}", harmless(&place), paint.error(&harmless(&first.object)));
        for refused in all {
            _ = writeln!(out, "  {}", harmless(&refused.violation.to_string()));
        }
    }
    if !objects.unread.is_empty() {
        out.push_str(&unread::warning(&objects.unread, paint));
    }
    for (kind, reason) in hidden(objects) {
        _ = writeln!(out, "{}: {kind} could not be read: {}", paint.warning("Warning"), harmless(&reason));
    }
    let (all, rules) = (counted(checked(objects), "object"), rules(objects));
    _ = match found.len() {
        0 => writeln!(out, "{all} of Calico, and {rules} would take each"),
        count => writeln!(out, "{all} of Calico, and {rules} would refuse {count}"),
    };
    out
}

fn rules(objects: &Objects) -> String {
    format!("Calico {}", objects.rules_asked())
}

/// For programs.
pub fn value(objects: &Objects) -> Value {
    let place = |place: &Place| match place {
        Place::Server => (Value::Null, Value::Null),
        Place::File { file, line } => (file.display().to_string().into(), (*line).into()),
    };
    let entry = |refused: &Refused| {
        let (file, line) = place(&refused.place);
        let Refused { object, violation, .. } = refused;
        json!({ "object": object, "file": file, "line": line, "path": violation.path, "reason": violation.reason })
    };
    let refused: Vec<Value> =
        refused(objects).into_iter().flat_map(|(_, all)| all).map(entry).map(without_nulls).collect();
    let unread = objects.unread.iter().map(|unread| {
        let (file, line) = place(&unread.place);
        without_nulls(json!({ "object": unread.object, "file": file, "line": line, "reason": unread.reason }))
    });
    let hidden =
        hidden(objects).into_iter().map(|(kind, reason)| json!({ "kind": kind.to_string(), "reason": reason }));
    json!({
        "calico": objects.rules_asked().to_string(),
        "objects": checked(objects),
        "refused": refused,
        "unread": unread.collect::<Vec<_>>(),
        "hidden": hidden.collect::<Vec<_>>(),
    })
}

/// What does not apply is left out.
fn without_nulls(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    value
}

/// The refused objects by their names, as kubectl has them.
pub fn names(objects: &Objects) -> String {
    let name = |(first, _): (&Refused, Vec<&Refused>)| {
        let (kind, name) = first.object.split_once(' ').unwrap_or(("", &first.object));
        let name = name.rsplit('/').next().unwrap_or(name);
        harmless(&format!("{}.{CALICO_GROUP}/{name}", kind.to_lowercase())).into_owned()
    };
    let names: BTreeSet<String> = refused(objects).into_iter().map(name).collect();
    names.into_iter().map(|name| name + "\n").collect()
}
