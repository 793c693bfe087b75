//! The namespaces that a lockdown leaves out, each with what shows that it belongs to the cluster and not to an
//! application. What is left out stays open, so a name alone is enough only where nobody else may use it.
//! Never knows what a lockdown looks like.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::world::{Labels, World};

/// A namespace that stays open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Why, as `Kubernetes' own`.
    pub why: String,
    /// Its name.
    pub name: String,
}

/// Left out even where they cannot be seen: a cluster that locks them stops working.
pub const ALWAYS: [(&str, &str); 6] = [
    ("kube-system", "Kubernetes' own"),
    ("kube-public", "Kubernetes' own"),
    ("kube-node-lease", "Kubernetes' own"),
    ("calico-system", "Calico's own"),
    ("calico-apiserver", "Calico's own"),
    ("tigera-operator", "Calico's operator"),
];

/// Names that their vendors reserve.
const EXACT: [(&str, &str); 20] = [
    ("kubernetes-dashboard", "the Kubernetes dashboard"),
    ("metallb-system", "MetalLB"),
    ("platform9-system", "Platform9"),
    ("openshift", "OpenShift"),
    ("gmp-system", "Google Cloud's monitoring"),
    ("gmp-public", "Google Cloud's monitoring"),
    ("config-management-system", "Google Cloud's Config Sync"),
    ("azure-arc", "Azure Arc"),
    ("aks-command", "Azure Kubernetes Service"),
    ("app-routing-system", "Azure Kubernetes Service"),
    ("amazon-cloudwatch", "Amazon's monitoring"),
    ("amazon-guardduty", "Amazon's GuardDuty"),
    ("aws-observability", "Amazon's monitoring"),
    ("tkg-system", "VMware Tanzu"),
    ("tanzu-system", "VMware Tanzu"),
    ("harvester-system", "Harvester"),
    ("ibm-system", "IBM Cloud"),
    ("ibm-operators", "IBM Cloud"),
    ("olm", "the Operator Lifecycle Manager"),
    ("node-feature-discovery", "Node Feature Discovery"),
];

/// Beginnings of names that their vendors reserve.
const PREFIXES: [(&str, &str); 9] = [
    ("kube-", "Kubernetes' own"),
    ("tigera-", "Calico's operator"),
    ("pf9-", "Platform9"),
    ("openshift-", "OpenShift"),
    ("cattle-", "Rancher"),
    ("gke-", "Google Kubernetes Engine"),
    ("aks-istio-", "Azure Kubernetes Service"),
    ("vmware-system-", "VMware"),
    ("tanzu-", "VMware Tanzu"),
];

/// Infrastructure that installs itself under a name which anybody could use: what runs there has to show that it is it.
const SHOWN_BY_WORKLOADS: [(&str, &str); 14] = [
    ("kyverno", "kyverno"),
    ("gatekeeper-system", "gatekeeper"),
    ("cert-manager", "cert-manager"),
    ("longhorn-system", "longhorn"),
    ("rook-ceph", "rook-ceph"),
    ("openebs", "openebs"),
    ("portworx", "portworx"),
    ("istio-system", "istiod"),
    ("linkerd", "linkerd"),
    ("velero", "velero"),
    ("operators", "olm"),
    ("gpu-operator", "gpu-operator"),
    ("nvidia-gpu-operator", "gpu-operator"),
    ("trident", "trident"),
];

/// Every namespace that stays open. Those that always do are in it even where they do not exist.
pub fn left_out(world: &World) -> Vec<LeftOut> {
    let runs = carriers(world);
    let mut names: BTreeSet<&str> = names(world);
    names.extend(ALWAYS.iter().map(|(name, _)| *name));
    let why = |name: &str| why(name, runs.get(name).map(Vec::as_slice).unwrap_or_default());
    names.into_iter().filter_map(|name| Some(LeftOut { why: why(name)?, name: name.to_string() })).collect()
}

/// Every namespace that something in the world speaks of.
pub fn names(world: &World) -> BTreeSet<&str> {
    let mut names: BTreeSet<&str> = world.namespaces.keys().map(String::as_str).collect();
    names.extend(world.pods.iter().map(|pod| pod.namespace.as_str()));
    names.extend(world.services.keys().map(|(namespace, _)| namespace.as_str()));
    names.extend(world.workloads.iter().map(|workload| workload.namespace.as_str()));
    names
}

/// What runs in a namespace, as `Deployment kyverno`, with the labels of its pods.
type Carrier<'a> = (&'a str, &'a str, &'a Labels);

fn why(name: &str, runs: &[Carrier]) -> Option<String> {
    let listed = ALWAYS.iter().chain(&EXACT).find(|(exact, _)| *exact == name);
    if let Some((_, whose)) = listed {
        return Some(whose.to_string());
    }
    if let Some((prefix, whose)) = PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix)) {
        return Some(format!("{whose}, which reserves {prefix}*"));
    }
    if let Some((kind, called, _)) = runs.iter().find(|(_, _, labels)| is_metallb(labels)) {
        return Some(format!("MetalLB, as {kind} {called} shows"));
    }
    let (_, component) = SHOWN_BY_WORKLOADS.iter().find(|(exact, _)| *exact == name)?;
    let (kind, called, _) = runs.iter().find(|(_, called, labels)| is_part_of(component, called, labels))?;
    Some(format!("{component}, as {kind} {called} shows"))
}

/// MetalLB is installed under many names; its labels tell.
fn is_metallb(labels: &Labels) -> bool {
    labels.get("app.kubernetes.io/name").is_some_and(|name| name == "metallb")
        || (labels.get("app").is_some_and(|app| app == "metallb") && labels.contains_key("component"))
}

/// Whether a name or labels say that it is the component.
fn is_part_of(component: &str, called: &str, labels: &Labels) -> bool {
    const KEYS: [&str; 5] =
        ["app", "k8s-app", "app.kubernetes.io/name", "app.kubernetes.io/part-of", "app.kubernetes.io/instance"];
    let says =
        |value: &str| value == component || value.strip_prefix(component).is_some_and(|rest| rest.starts_with('-'));
    says(called) || KEYS.iter().any(|key| labels.get(*key).is_some_and(|value| says(value)))
}

/// Workloads and pods by namespace: kind, name and the labels of the pods.
fn carriers(world: &World) -> BTreeMap<&str, Vec<Carrier<'_>>> {
    let mut found: BTreeMap<&str, Vec<Carrier>> = BTreeMap::new();
    for workload in &world.workloads {
        let carrier = (workload.kind.as_str(), workload.name.as_str(), &workload.pod_labels);
        found.entry(&workload.namespace).or_default().push(carrier);
    }
    for pod in world.pods.iter().filter(|pod| !pod.finished) {
        found.entry(&pod.namespace).or_default().push(("Pod", &pod.name, &pod.own_labels));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::world::{LabelQuery, Namespace, Workload};

    /// Namespace, name and labels of a workload.
    type Runs<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

    fn world(names: &[&str], workloads: &[Runs]) -> World {
        let mut world = World::default();
        for name in names {
            world.namespaces.insert(name.to_string(), Namespace { name: name.to_string(), ..Namespace::default() });
        }
        for (namespace, name, labels) in workloads {
            world.workloads.push(Workload {
                kind: "Deployment".into(),
                namespace: namespace.to_string(),
                name: name.to_string(),
                selector: LabelQuery::default(),
                pod_labels: labels.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
                ports: Vec::new(),
                owned: false,
            });
        }
        world
    }

    fn out(world: &World) -> Vec<String> {
        let always = |name: &str| ALWAYS.iter().any(|(always, _)| *always == name);
        left_out(world).into_iter().map(|out| out.name).filter(|name| !always(name)).collect()
    }

    #[test]
    fn what_is_reserved_is_left_out_and_what_looks_alike_is_not() {
        let names = [
            "kube-flannel",
            "pf9-addons",
            "pf9-monitoring",
            "platform9-system",
            "metallb-system",
            "kubernetes-dashboard",
            "openshift-dns",
            "default",
            "shop",
            "metal",
            "monitoring",
            "kubeshop",
            "aws-billing",
            "pf9",
            "platform9-demo",
            "my-kube-system",
        ];
        let expected = [
            "kube-flannel",
            "kubernetes-dashboard",
            "metallb-system",
            "openshift-dns",
            "pf9-addons",
            "pf9-monitoring",
            "platform9-system",
        ];
        assert_eq!(out(&world(&names, &[])), expected);
    }

    #[test]
    fn infrastructure_under_a_common_name_has_to_show_itself() {
        let names = ["kyverno", "cert-manager", "lb", "velero", "istio-system"];
        assert!(out(&world(&names, &[])).is_empty());
        let workloads: &[Runs] = &[
            ("kyverno", "kyverno-admission-controller", &[]),
            ("cert-manager", "x", &[("app.kubernetes.io/name", "cert-manager")]),
            ("lb", "controller", &[("app", "metallb"), ("component", "controller")]),
            ("velero", "webshop", &[("app", "velero2")]),
            ("istio-system", "istiod", &[]),
        ];
        assert_eq!(out(&world(&names, workloads)), ["cert-manager", "istio-system", "kyverno", "lb"]);
    }

    #[test]
    fn the_clusters_own_are_left_out_even_unseen_and_each_says_why() {
        let all = left_out(&World::default());
        assert_eq!(all.len(), ALWAYS.len());
        assert!(all.iter().all(|out| !out.why.is_empty()));
    }
}
