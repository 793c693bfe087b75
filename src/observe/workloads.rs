//! Namespaces, ServiceAccounts, pods with the labels that Calico sees, and the workloads that make pods.
//! Never knows which policy selects a pod.

use std::net::IpAddr;

use crate::kubernetes::names::{self, LABEL_NAMESPACE, LABEL_ORCHESTRATOR, LABEL_SERVICE_ACCOUNT};
use crate::kubernetes::objects::{self, ContainerPort, Meta, Objects, PodSpec};
use crate::model::flow::Protocol;
use crate::model::world::{Hidden, LabelQuery, Labels, Namespace, Part, Pod, PodPort, Workload, World};

/// Fills `namespaces`, `service_accounts`, `pods` and `workloads`.
pub fn observe(objects: &Objects, world: &mut World) {
    for object in objects.namespaces.iter() {
        let Meta { name, labels, annotations, .. } = object.metadata.clone();
        world.namespaces.insert(name.clone(), Namespace { name, labels, annotations });
    }
    for object in objects.service_accounts.iter() {
        let key = (namespace_of(&object.metadata), object.metadata.name.clone());
        world.service_accounts.insert(key, object.metadata.labels.clone());
    }
    for object in objects.pods.iter() {
        let pod = pod(object, world);
        world.pods.push(pod);
    }
    world.workloads = objects.workloads.iter().map(workload).collect();
}

/// Objects without a namespace are in `default`, as kubectl takes them.
pub fn namespace_of(metadata: &Meta) -> String {
    metadata.namespace.clone().filter(|namespace| !namespace.is_empty()).unwrap_or_else(|| "default".into())
}

fn pod(object: &objects::Pod, world: &World) -> Pod {
    let namespace = namespace_of(&object.metadata);
    // The API server fills in `default`, so only a document that was never stored names none.
    let account = object.spec.service_account_name.clone().filter(|name| !name.is_empty());
    let account = account.unwrap_or_else(|| "default".into());
    let mut pod = Pod {
        name: object.metadata.name.clone(),
        own_labels: object.metadata.labels.clone(),
        addresses: addresses(object),
        node: object.spec.node_name.clone().filter(|node| !node.is_empty()),
        host_network: object.spec.host_network,
        service_account: account,
        ports: ports(&object.spec),
        host_ports: host_ports(&object.spec),
        finished: is_finished(object),
        ready: object.status.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True"),
        owner: object.metadata.owner_references.first().map(|owner| (owner.kind.clone(), owner.name.clone())),
        namespace,
        ..Pod::default()
    };
    label(&mut pod, world);
    pod
}

/// Labels as Calico sees them (libcalico-go, conversion): what its profiles bring, then its own over them, then
/// Calico's over all. A label of a Namespace that was not read may be there with any value, but for the names.
fn label(pod: &mut Pod, world: &World) {
    let mut labels = Labels::new();
    add_namespace(&mut labels, &mut pod.unseen_labels, &pod.namespace, world);
    let account = pod.service_account.clone();
    match world.service_accounts.get(&(pod.namespace.clone(), account.clone())) {
        Some(own) => labels.extend(own.iter().map(|(key, value)| (format!("pcsa.{key}"), value.clone()))),
        // One that is known not to be there brings nothing.
        None if has_all_accounts(world, &pod.namespace) => {}
        None => pod.unseen_labels.push("pcsa.".into()),
    }
    labels.insert("pcsa.projectcalico.org/name".into(), account.clone());
    labels.extend(pod.own_labels.clone());
    labels.insert(LABEL_NAMESPACE.into(), pod.namespace.clone());
    labels.insert(LABEL_ORCHESTRATOR.into(), "k8s".into());
    if account.len() < 63 {
        labels.insert(LABEL_SERVICE_ACCOUNT.into(), account);
    }
    pod.labels = labels;
}

fn has_all_accounts(world: &World, namespace: &str) -> bool {
    world.sees(Part::ServiceAccounts, Some(namespace)) && world.gap(Hidden::Labels, Some(namespace)).is_none()
}

/// The labels that a namespace brings to what is in it; where the Namespace was not read, only those that follow from
/// its name.
pub fn add_namespace(labels: &mut Labels, unseen: &mut Vec<String>, namespace: &str, world: &World) {
    match world.namespaces.get(namespace) {
        Some(known) => labels.extend(known.labels.iter().map(|(key, value)| (format!("pcns.{key}"), value.clone()))),
        None => unseen.push("pcns.".into()),
    }
    labels.insert("pcns.projectcalico.org/name".into(), namespace.into());
}

/// As Calico takes them: the status, and before kubelet has written it what the CNI plugin noted.
fn addresses(object: &objects::Pod) -> Vec<IpAddr> {
    let status = &object.status;
    let annotations = &object.metadata.annotations;
    let annotated = annotations.get(names::POD_IPS).or_else(|| annotations.get(names::POD_IP));
    let texts: Vec<&str> = if !status.pod_ips.is_empty() {
        status.pod_ips.iter().map(|ip| ip.ip.as_str()).collect()
    } else if let Some(ip) = status.pod_ip.as_deref().filter(|ip| !ip.is_empty()) {
        vec![ip]
    } else {
        annotated.map(|ips| ips.split(',').collect()).unwrap_or_default()
    };
    let bare = |text: &str| text.trim().split('/').next().and_then(|ip| ip.parse().ok());
    texts.into_iter().filter_map(bare).collect()
}

/// Whether its addresses may be somebody else's by now: it ended, or the CNI plugin took its network away and noted so.
fn is_finished(object: &objects::Pod) -> bool {
    let ended = matches!(object.status.phase.as_deref(), Some("Succeeded" | "Failed"));
    let unplugged = object.metadata.annotations.get(names::POD_IP).is_some_and(String::is_empty);
    ended || (object.metadata.deletion_timestamp.is_some() && unplugged)
}

fn ports(spec: &PodSpec) -> Vec<PodPort> {
    let containers = spec.containers.iter().chain(&spec.init_containers);
    containers.flat_map(|container| &container.ports).filter_map(port).collect()
}

/// The API server fills in hostPort for pods in their node's network, so that only a document that was never stored lacks it.
fn host_ports(spec: &PodSpec) -> Vec<PodPort> {
    let containers = spec.containers.iter().chain(&spec.init_containers);
    let declared = containers.flat_map(|container| &container.ports);
    let own = |declared: &ContainerPort| {
        let number = declared.host_port.filter(|number| *number != 0);
        let number = number.or(spec.host_network.then_some(declared.container_port))?;
        Some(PodPort { port: number, ..port(declared)? })
    };
    declared.filter_map(own).collect()
}

fn port(port: &ContainerPort) -> Option<PodPort> {
    let protocol = Protocol::parse(port.protocol.as_deref().unwrap_or("TCP"))?;
    let name = port.name.clone().filter(|name| !name.is_empty());
    (port.container_port != 0).then_some(PodPort { name, protocol, port: port.container_port })
}

fn workload(object: &objects::Workload) -> Workload {
    let template = &object.spec.template;
    Workload {
        kind: object.kind.clone(),
        namespace: namespace_of(&object.metadata),
        name: object.metadata.name.clone(),
        selector: query(&object.spec.selector),
        pod_labels: template.metadata.labels.clone(),
        ports: ports(&template.spec),
        owned: !object.metadata.owner_references.is_empty(),
    }
}

/// A label selector as the model has it.
pub fn query(selector: &objects::LabelSelector) -> LabelQuery {
    let expressions = selector.match_expressions.iter();
    LabelQuery {
        equal: selector.match_labels.clone(),
        expressions: expressions
            .map(|expression| (expression.key.clone(), expression.operator.clone(), expression.values.clone()))
            .collect(),
    }
}
