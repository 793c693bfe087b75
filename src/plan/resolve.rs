//! From a named target to the pods or addresses that it stands for, or to what else could have been meant.
//! Never knows which end of a flow it is, or where the world was read.

use std::collections::BTreeSet;

use super::candidates::{Candidate, STATEFUL_POD_NAME, candidates, lasting_labels, selector_of};
use super::target::{Target, TargetKind};
use super::{Note, PlanError, Weight};
use crate::model::intent::Peer;
use crate::model::selector::Selector;
use crate::model::world::{Labels, Pod, PodPort, World};

/// What a target stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// As a grant keeps it.
    pub peer: Peer,
    /// Its pods with addresses of their own: indices into the world's list.
    pub pods: Vec<usize>,
    /// Its pods that share their node's network, which Calico does not police as pods.
    pub host_pods: Vec<usize>,
    /// The Service that it is, by namespace and name.
    pub service: Option<(String, String)>,
    /// Labels that its pods have, or would have if there were any.
    pub labels: Labels,
    /// Ports that its pods declare.
    pub declared: Vec<PodPort>,
    /// For a person, as `shop/service/web (2 pods)`.
    pub described: String,
    /// What should be said about the choice.
    pub notes: Vec<Note>,
}

impl Resolved {
    /// The namespace of its pods.
    pub fn namespace(&self) -> Option<&str> {
        match &self.peer {
            Peer::Pods { namespace, .. } | Peer::Namespace(namespace) => Some(namespace),
            Peer::Nets(_) | Peer::Nodes | Peer::World => None,
        }
    }
}

fn without_pods(peer: Peer) -> Resolved {
    let described = peer.to_string();
    Resolved {
        peer,
        pods: Vec::new(),
        host_pods: Vec::new(),
        service: None,
        labels: Labels::new(),
        declared: Vec::new(),
        described,
        notes: Vec::new(),
    }
}

fn unresolved(reason: String, hints: Vec<String>) -> PlanError {
    PlanError::Unresolved { reason, hints }
}

/// Finds what a target stands for.
pub fn resolve(world: &World, target: &Target) -> Result<Resolved, PlanError> {
    match target {
        Target::Nets(nets) => Ok(without_pods(Peer::Nets(nets.clone()))),
        Target::Nodes => Ok(without_pods(Peer::Nodes)),
        Target::World => Ok(without_pods(Peer::World)),
        Target::Named { kind: Some(TargetKind::Namespace), name, .. } => namespace(world, name),
        Target::Named { .. } => {
            let found = candidates(world, target);
            let Some(first) = found.first() else { return Err(not_found(world, target)) };
            if found.iter().any(|other| other.namespace != first.namespace) {
                return Err(several(target, &found));
            }
            let sets: Vec<BTreeSet<usize>> = found.iter().map(|candidate| candidate.pods(world)).collect();
            let same = found.iter().zip(&sets).all(|(other, pods)| are_one(first, &sets[0], other, pods));
            if !same {
                return Err(several(target, &found));
            }
            let mut resolved = of_candidate(world, first, &sets[0])?;
            if resolved.declared.is_empty() {
                resolved.declared = found.iter().flat_map(|other| other.ports.clone()).collect();
            }
            if resolved.pods.is_empty()
                && let Some(workload) = found.iter().find(|c| c.kind != TargetKind::Service)
            {
                resolved.labels = workload.labels.clone();
            }
            Ok(resolved)
        }
    }
}

/// Whether two things of one name are one target: the same pods or, where there are none, labels that fit.
fn are_one(first: &Candidate, first_pods: &BTreeSet<usize>, other: &Candidate, pods: &BTreeSet<usize>) -> bool {
    if !first_pods.is_empty() || !pods.is_empty() {
        return first_pods == pods;
    }
    let selects = |query: &Candidate, labels: &Labels| {
        query.query.as_ref().and_then(selector_of).is_some_and(|selector| selector.matches(labels))
    };
    first == other || selects(first, &other.labels) || selects(other, &first.labels)
}

fn namespace(world: &World, name: &str) -> Result<Resolved, PlanError> {
    let known = world.namespaces.contains_key(name) || world.pods.iter().any(|pod| pod.namespace == name);
    if !known {
        let names: BTreeSet<&str> = world.namespaces.keys().map(String::as_str).collect();
        let alike = alike(name, names.into_iter()).map(|found| format!("did you mean namespace/{found}?"));
        return Err(unresolved(format!("there is no namespace {name}"), alike.collect()));
    }
    let own = world.pods.iter().enumerate().filter(|(_, pod)| pod.namespace == name && !pod.finished);
    let (host, pods): (Vec<_>, Vec<_>) = own.partition(|(_, pod)| pod.host_network);
    let pods: Vec<usize> = pods.into_iter().map(|(index, _)| index).collect();
    Ok(Resolved {
        described: format!("namespace/{name} ({})", count(pods.len())),
        host_pods: host.into_iter().map(|(index, _)| index).collect(),
        pods,
        ..without_pods(Peer::Namespace(name.to_string()))
    })
}

fn of_candidate(world: &World, candidate: &Candidate, pods: &BTreeSet<usize>) -> Result<Resolved, PlanError> {
    let (selector, notes) = match (candidate.kind, &candidate.query) {
        (TargetKind::Pod, _) => of_pod(world, candidate)?,
        (_, Some(query)) => match selector_of(query) {
            Some(selector) => (selector, Vec::new()),
            None => {
                return Err(unresolved(format!("the selector of {} cannot be read", candidate.full_name()), vec![]));
            }
        },
        (_, None) => return of_endpoints(world, candidate),
    };
    // A single pod's labels can cover its siblings too.
    let pods = match candidate.kind {
        TargetKind::Pod => selected(world, &candidate.namespace, &selector),
        _ => pods.clone(),
    };
    let (host_pods, pods): (Vec<usize>, Vec<usize>) = pods.into_iter().partition(|i| world.pods[*i].host_network);
    let is_service = candidate.kind == TargetKind::Service;
    let mut declared = candidate.ports.clone();
    if declared.is_empty() && !is_service {
        declared = pods.iter().flat_map(|index| world.pods[*index].ports.clone()).collect();
    }
    Ok(Resolved {
        peer: Peer::Pods {
            namespace: candidate.namespace.clone(),
            selector: selector.to_string(),
            named: format!("{}/{}", candidate.kind, candidate.name),
        },
        described: format!("{} ({})", candidate.full_name(), count(pods.len() + host_pods.len())),
        pods,
        host_pods,
        service: is_service.then(|| (candidate.namespace.clone(), candidate.name.clone())),
        labels: candidate.labels.clone(),
        declared,
        notes,
    })
}

/// A Service without selector is the addresses behind it.
fn of_endpoints(world: &World, candidate: &Candidate) -> Result<Resolved, PlanError> {
    let key = (candidate.namespace.clone(), candidate.name.clone());
    let backends = world.services.get(&key).and_then(|service| service.backends.value());
    let mut nets: Vec<_> = backends.into_iter().flatten().map(|backend| backend.ip.into()).collect();
    nets.sort();
    nets.dedup();
    if nets.is_empty() {
        let reason = format!("{} has no selector and no known endpoints", candidate.full_name());
        return Err(unresolved(reason, vec!["name the addresses or the pods behind it".into()]));
    }
    let text = "it has no selector: the addresses of its endpoints as they are now are used".to_string();
    Ok(Resolved {
        service: Some(key),
        described: format!("{} ({} addresses)", candidate.full_name(), nets.len()),
        notes: vec![Note { weight: Weight::Warning, text: format!("{}: {text}", candidate.full_name()) }],
        ..without_pods(Peer::Nets(nets))
    })
}

/// The labels that select a single pod, or its controller's pods where no label lasts for it alone.
fn of_pod(world: &World, candidate: &Candidate) -> Result<(Selector, Vec<Note>), PlanError> {
    let siblings: Vec<&Pod> =
        world.pods.iter().filter(|pod| pod.namespace == candidate.namespace && !pod.finished).collect();
    let Some(pod) = siblings.iter().find(|pod| pod.name == candidate.name) else {
        return Err(unresolved(format!("there is no pod {}", candidate.full_name()), Vec::new()));
    };
    if let Some(name) = pod.own_labels.get(STATEFUL_POD_NAME) {
        return Ok((Selector::label_equals(STATEFUL_POD_NAME, name), Vec::new()));
    }
    let labels = lasting_labels(pod);
    if let Some((kind, owner)) = &pod.owner {
        let (selector, whose) = of_controller(world, pod, kind, owner, &labels)?;
        let others =
            siblings.iter().filter(|other| other.name != pod.name && selector.matches(&other.own_labels)).count();
        let text = format!(
            "pod {} belongs to {whose}, whose pods come and go: the rule covers all of them ({} more now)",
            pod.full_name(),
            others
        );
        return Ok((selector, vec![Note { weight: Weight::Warning, text }]));
    }
    let alone = |selector: &Selector| {
        !siblings.iter().any(|other| other.name != pod.name && selector.matches(&other.own_labels))
    };
    let mut keys: Vec<&String> = labels.keys().collect();
    let rank = |key: &str| match key {
        "run" => 0,
        "app" => 1,
        "app.kubernetes.io/instance" => 2,
        "app.kubernetes.io/name" => 3,
        _ => 4,
    };
    keys.sort_by_key(|key| (rank(key), key.as_str()));
    let single = keys.iter().map(|key| Selector::label_equals(key, &labels[*key])).find(alone);
    let all = || selector_of_labels(&labels).filter(alone);
    match single.or_else(|| if labels.is_empty() { None } else { all() }) {
        Some(selector) => Ok((selector, Vec::new())),
        None => Err(PlanError::Refused {
            reason: format!("no label tells pod {} apart from the other pods of its namespace", pod.full_name()),
            hints: vec![
                format!("kubectl label pod -n {} {} role=NAME gives it one", pod.namespace, pod.name),
                "or name the Service or workload whose pods are meant".into(),
            ],
        }),
    }
}

/// What selects the pods of a pod's controller: the selector of the workload, where it was read, else the labels that
/// all of its pods have.
fn of_controller(
    world: &World,
    pod: &Pod,
    kind: &str,
    owner: &str,
    labels: &Labels,
) -> Result<(Selector, String), PlanError> {
    let owns = |workload: &&crate::model::world::Workload| {
        workload.namespace == pod.namespace
            && !workload.owned
            && workload.kind != "Job"
            && selector_of(&workload.selector).is_some_and(|selector| selector.matches(&pod.own_labels))
            && owner.starts_with(&workload.name)
    };
    if let Some(workload) = world.workloads.iter().find(owns) {
        let whose = format!("{} {}", workload.kind, workload.name);
        return selector_of(&workload.selector).map(|selector| (selector, whose)).ok_or_else(|| {
            unresolved(format!("the selector of {} {} cannot be read", workload.kind, workload.name), Vec::new())
        });
    }
    match selector_of_labels(labels) {
        Some(selector) if !labels.is_empty() => Ok((selector, format!("{kind} {owner}"))),
        _ => Err(PlanError::Refused {
            reason: format!("pod {} has no label that lasts", pod.full_name()),
            hints: vec!["name the Service or workload whose pods are meant".into()],
        }),
    }
}

/// Every label must be there with its value.
pub fn selector_of_labels(labels: &Labels) -> Option<Selector> {
    selector_of(&crate::model::world::LabelQuery { equal: labels.clone(), expressions: Vec::new() })
}

fn selected(world: &World, namespace: &str, selector: &Selector) -> BTreeSet<usize> {
    let own = |pod: &Pod| pod.namespace == namespace && !pod.finished && selector.matches(&pod.own_labels);
    world.pods.iter().enumerate().filter(|(_, pod)| own(pod)).map(|(index, _)| index).collect()
}

fn count(pods: usize) -> String {
    match pods {
        0 => "no pod now".into(),
        1 => "1 pod".into(),
        more => format!("{more} pods"),
    }
}

fn several(target: &Target, found: &[Candidate]) -> PlanError {
    let places: BTreeSet<&str> = found.iter().map(|candidate| candidate.namespace.as_str()).collect();
    let reason = match places.len() {
        1 => format!("{target} fits several things with different pods"),
        more => format!("{target} stands in {more} namespaces"),
    };
    let mut names: Vec<String> = found.iter().map(Candidate::full_name).collect();
    names.dedup();
    unresolved(reason, names)
}

fn not_found(world: &World, target: &Target) -> PlanError {
    let Target::Named { namespace, kind, name } = target else { return unresolved(format!("no {target}"), Vec::new()) };
    let what = kind.map_or("Service, workload or pod", TargetKind::word);
    let place = match namespace {
        Some(namespace) => format!("in namespace {namespace}"),
        None => "in any namespace".into(),
    };
    let mut names: BTreeSet<(String, String)> = BTreeSet::new();
    let services = world.services.keys().map(|(namespace, name)| (namespace, TargetKind::Service.word(), name));
    let workloads = world.workloads.iter().filter(|workload| !workload.owned);
    let workloads = workloads.filter_map(|w| Some((&w.namespace, TargetKind::parse(&w.kind)?.word(), &w.name)));
    let pods = world.pods.iter().filter(|pod| pod.owner.is_none() && !pod.finished);
    let pods = pods.map(|pod| (&pod.namespace, TargetKind::Pod.word(), &pod.name));
    for (namespace, kind, called) in services.chain(workloads).chain(pods) {
        names.insert((called.clone(), format!("{namespace}/{kind}/{called}")));
    }
    let mut hints: Vec<String> = Vec::new();
    for near in alike(name, names.iter().map(|(called, _)| called.as_str()).collect::<BTreeSet<_>>().into_iter()) {
        let full = names.iter().filter(|(called, _)| called == near).map(|(_, full)| full);
        hints.extend(full.map(|full| format!("did you mean {full}?")));
    }
    if world.namespaces.contains_key(name) && kind.is_none() {
        hints.push(format!("for all pods of the namespace: namespace/{name}"));
    }
    if let Some(namespace) = namespace
        && !world.namespaces.is_empty()
        && !world.namespaces.contains_key(namespace)
    {
        hints.insert(0, format!("there is no namespace {namespace}"));
    }
    hints.truncate(6);
    unresolved(format!("there is no {what} {name} {place}"), hints)
}

/// Up to three names that are written alike, the nearest first.
fn alike<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    let far = 1 + name.len() / 4;
    let mut near: Vec<(usize, &str)> = names
        .map(|other| match other.contains(name) || (other.len() > 2 && name.contains(other)) {
            true => (usize::from(other != name), other),
            false => (distance(name, other), other),
        })
        .filter(|(distance, _)| *distance <= far)
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(_, other)| other)
}

/// How many letters must be changed, added or left out to come from one to the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let next = (diagonal + usize::from(a != *b)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests;
