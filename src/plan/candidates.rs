//! Everything in a world that a name can stand for, and the labels by which its pods are found.
//! Never decides between several.

use std::collections::BTreeSet;

use super::target::{Target, TargetKind};
use crate::model::selector::Selector;
use crate::model::world::{LabelQuery, Labels, Pod, PodPort, World};

/// The label that a Job's pods carry in every version of Kubernetes; its own selector holds a uid that the next run changes.
pub const JOB_NAME: &str = "job-name";
/// The label that tells the pods of a StatefulSet apart.
pub const STATEFUL_POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
/// Labels that controllers put on pods and change with every roll-out or run.
const VOLATILE: [&str; 7] = [
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
    "apps.kubernetes.io/pod-index",
    STATEFUL_POD_NAME,
];

/// Something that the name can stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What it is.
    pub kind: TargetKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Which pods are its own; none where labels do not tell (a Service with endpoints made by hand, a single pod).
    pub query: Option<LabelQuery>,
    /// Labels that its pods have or would have.
    pub labels: Labels,
    /// Ports that its pods declare.
    pub ports: Vec<PodPort>,
}

impl Candidate {
    /// As `shop/service/web`, which names it and nothing else.
    pub fn full_name(&self) -> String {
        format!("{}/{}/{}", self.namespace, self.kind, self.name)
    }

    /// Its pods that have an address of their own or their node's: indices into the world's list.
    pub fn pods(&self, world: &World) -> BTreeSet<usize> {
        let selector = self.query.as_ref().and_then(selector_of);
        let is_own = |pod: &Pod| match (&self.kind, &selector) {
            (TargetKind::Pod, _) => pod.name == self.name,
            (_, Some(selector)) => selector.matches(&pod.own_labels),
            (_, None) => false,
        };
        let pods = world.pods.iter().enumerate();
        pods.filter(|(_, pod)| pod.namespace == self.namespace && !pod.finished && is_own(pod))
            .map(|(i, _)| i)
            .collect()
    }
}

/// Everything that fits a named target. Namespaces are no candidates: they have to be named as such.
pub fn candidates(world: &World, target: &Target) -> Vec<Candidate> {
    let Target::Named { namespace, kind, name } = target else { return Vec::new() };
    let fits = |at: &str, is: TargetKind, called: &str| {
        called == name
            && namespace.as_deref().is_none_or(|namespace| namespace == at)
            && kind.is_none_or(|kind| kind == is)
    };
    let mut found = Vec::new();
    for service in world.services.values().filter(|s| fits(&s.namespace, TargetKind::Service, &s.name)) {
        let query = LabelQuery { equal: service.selector.clone(), expressions: Vec::new() };
        found.push(Candidate {
            kind: TargetKind::Service,
            namespace: service.namespace.clone(),
            name: service.name.clone(),
            query: (!service.selector.is_empty()).then_some(query),
            labels: service.selector.clone(),
            ports: Vec::new(),
        });
    }
    for workload in world.workloads.iter().filter(|workload| !workload.owned) {
        let Some(kind) = TargetKind::parse(&workload.kind) else { continue };
        if !fits(&workload.namespace, kind, &workload.name) {
            continue;
        }
        let mut labels = workload.pod_labels.clone();
        let query = match kind {
            TargetKind::Job => {
                labels.insert(JOB_NAME.into(), workload.name.clone());
                LabelQuery { equal: [(JOB_NAME.into(), workload.name.clone())].into(), expressions: Vec::new() }
            }
            _ => workload.selector.clone(),
        };
        found.push(Candidate {
            kind,
            namespace: workload.namespace.clone(),
            name: workload.name.clone(),
            query: Some(query),
            labels,
            ports: workload.ports.clone(),
        });
    }
    for pod in world.pods.iter().filter(|pod| !pod.finished && fits(&pod.namespace, TargetKind::Pod, &pod.name)) {
        found.push(Candidate {
            kind: TargetKind::Pod,
            namespace: pod.namespace.clone(),
            name: pod.name.clone(),
            query: None,
            labels: pod.own_labels.clone(),
            ports: pod.ports.clone(),
        });
    }
    found.sort_by(|one, other| (&one.namespace, one.kind).cmp(&(&other.namespace, other.kind)));
    found
}

/// Labels of a pod without those that its controller changes.
pub fn lasting_labels(pod: &Pod) -> Labels {
    let lasts = |key: &str| !VOLATILE.contains(&key);
    pod.own_labels.iter().filter(|(key, _)| lasts(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Kubernetes' label selector in Calico's grammar: both match a label that is missing alike. None where it cannot be
/// written (a value that no label can have).
pub fn selector_of(query: &LabelQuery) -> Option<Selector> {
    let set = |values: &[String]| values.iter().map(|v| format!("\"{v}\"")).collect::<Vec<_>>().join(", ");
    let mut terms: Vec<String> = query.equal.iter().map(|(key, value)| format!("{key} == \"{value}\"")).collect();
    for (key, operator, values) in &query.expressions {
        terms.push(match operator.as_str() {
            "In" => format!("{key} in {{{}}}", set(values)),
            "NotIn" => format!("{key} not in {{{}}}", set(values)),
            "Exists" => format!("has({key})"),
            "DoesNotExist" => format!("!has({key})"),
            _ => return None,
        });
    }
    Selector::parse(&terms.join(" && ")).ok()
}

/// Kubernetes' label selector as `-l` takes it.
pub fn label_text(query: &LabelQuery) -> String {
    let mut terms: Vec<String> = query.equal.iter().map(|(key, value)| format!("{key}={value}")).collect();
    for (key, operator, values) in &query.expressions {
        terms.push(match operator.as_str() {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        });
    }
    terms.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_selector_says_the_same_in_both_grammars() {
        let values = |values: &[&str]| values.iter().map(|v| v.to_string()).collect::<Vec<_>>();
        let query = LabelQuery {
            equal: [("app".to_string(), "web".to_string())].into(),
            expressions: vec![
                ("tier".into(), "In".into(), values(&["a", "b"])),
                ("track".into(), "NotIn".into(), values(&["canary"])),
                ("team".into(), "Exists".into(), Vec::new()),
                ("old".into(), "DoesNotExist".into(), Vec::new()),
            ],
        };
        assert_eq!(label_text(&query), "app=web,tier in (a,b),track notin (canary),team,!old");
        let selector = selector_of(&query).unwrap();
        let labels = |text: &str| -> Labels {
            text.split(',').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
        };
        assert!(selector.matches(&labels("app=web,tier=a,team=x")));
        assert!(!selector.matches(&labels("app=web,tier=c,team=x")));
        assert!(!selector.matches(&labels("app=web,tier=a,team=x,track=canary")));
        assert!(!selector.matches(&labels("app=web,tier=a")));
        assert!(!selector.matches(&labels("app=web,tier=a,team=x,old=1")));
    }

    #[test]
    fn a_selector_that_no_label_can_fit_is_not_written() {
        let query = LabelQuery { equal: [("app".to_string(), "a\"b".to_string())].into(), expressions: Vec::new() };
        assert_eq!(selector_of(&query), None);
    }
}
