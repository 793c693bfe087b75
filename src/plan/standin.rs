//! Pods that are not there: a workload without pods, or a pod without address, is planned for as it will be.
//! Never knows a policy.

use std::net::IpAddr;

use ipnet::IpNet;

use super::resolve::Resolved;
use super::{Note, Weight};
use crate::model::intent::Peer;
use crate::model::selector::Selector;
use crate::model::world::{Backend, Fact, Labels, Pod, ServicePort, TargetPort, World};

/// Where Calico's own labels come from is unknown for a pod that is not there.
const ACCOUNT_LABELS: [&str; 2] = ["pcsa.", "projectcalico.org/serviceaccount"];

/// The world with a pod for every end that is pods and has none, and an address for every pod of an end that has none.
pub fn fill(world: &World, ends: &mut [&mut Resolved]) -> World {
    let mut filled = world.clone();
    for end in ends {
        let namespace = match &end.peer {
            Peer::Pods { namespace, .. } | Peer::Namespace(namespace) => namespace.clone(),
            Peer::Nets(_) | Peer::Nodes | Peer::World => continue,
        };
        if end.pods.is_empty() && end.host_pods.is_empty() {
            let text = format!("no pod of {} runs now: planned for the labels that it will have", end.peer);
            end.notes.push(Note { weight: Weight::Fact, text });
            end.pods.push(filled.pods.len());
            let labels = fitting_labels(&filled, end);
            filled.pods.push(pod(&filled, &namespace, &labels, "its future pods"));
        }
        for index in end.pods.clone() {
            if filled.pods[index].addresses.is_empty() {
                filled.pods[index].addresses = free_addresses(&filled);
                filled.index();
            }
        }
    }
    filled.index();
    filled
}

/// The world in which a Service is answered: by its pods, or by one that stands in where none is ready.
pub fn answering(world: &World, key: &(String, String), end: &Resolved) -> World {
    let mut filled = world.clone();
    let Some(service) = world.services.get(key) else { return filled };
    if service.backends.value().is_some_and(|backends| backends.iter().any(|backend| backend.ready)) {
        return filled;
    }
    let Some(index) = end.pods.first() else { return filled };
    let node = filled.pods[*index].node.clone().or_else(|| world.nodes.keys().next().cloned());
    filled.pods[*index].node.clone_from(&node);
    filled.pods[*index].ready = true;
    let pod = filled.pods[*index].clone();
    let number = |port: &ServicePort| match &port.target {
        TargetPort::Number(number) => *number,
        TargetPort::Name(name) => {
            let declared = pod.ports.iter().chain(&end.declared).find(|own| own.name.as_ref() == Some(name));
            declared.map_or(port.port, |own| own.port)
        }
    };
    let of_port = |port: &ServicePort| -> Vec<Backend> {
        let backend = |ip: &IpAddr| Backend {
            port_name: port.name.clone(),
            protocol: port.protocol,
            ip: *ip,
            port: number(port),
            node: node.clone(),
            ready: true,
        };
        pod.addresses.iter().map(backend).collect()
    };
    let backends = service.ports.iter().flat_map(of_port).collect();
    if let Some(service) = filled.services.get_mut(key) {
        service.backends = Fact::known(backends, "a pod that stands in for those to come");
    }
    filled.index();
    filled
}

/// One more pod at an end that has pods, with the labels of the first.
pub fn add_sibling(world: &mut World, end: &mut Resolved) {
    let Some(first) = end.pods.first().map(|index| world.pods[*index].clone()) else { return };
    let addresses = free_addresses(world);
    end.pods.push(world.pods.len());
    let name = format!("a sibling of {}", first.name);
    world.pods.push(Pod { name, addresses, node: None, ..first });
    world.index();
}

/// Labels that the end's own selector matches: what the workload says, or what the selector itself demands.
fn fitting_labels(world: &World, end: &Resolved) -> Labels {
    let Peer::Pods { namespace, selector, .. } = &end.peer else { return end.labels.clone() };
    let Ok(selector) = Selector::parse(selector) else { return end.labels.clone() };
    if selector.matches(&end.labels) {
        // A Service's selector is less than the labels of the pods that will answer.
        let own = world.workloads.iter().filter(|w| w.namespace == *namespace && selector.matches(&w.pod_labels));
        let mut labels = end.labels.clone();
        labels.extend(own.take(1).flat_map(|workload| workload.pod_labels.clone()));
        return labels;
    }
    end.labels.clone()
}

/// A pod of a namespace with these labels and an address that nobody has.
pub fn pod(world: &World, namespace: &str, own: &Labels, name: &str) -> Pod {
    let mut labels = Labels::new();
    let mut unseen: Vec<String> = ACCOUNT_LABELS.map(str::to_string).into();
    match world.namespaces.get(namespace) {
        Some(known) => labels.extend(known.labels.iter().map(|(key, value)| (format!("pcns.{key}"), value.clone()))),
        None => unseen.push("pcns.".into()),
    }
    labels.insert("pcns.projectcalico.org/name".into(), namespace.into());
    labels.extend(own.clone());
    labels.insert("projectcalico.org/namespace".into(), namespace.into());
    labels.insert("projectcalico.org/orchestrator".into(), "k8s".into());
    Pod {
        namespace: namespace.into(),
        name: name.into(),
        labels,
        own_labels: own.clone(),
        addresses: free_addresses(world),
        service_account: "default".into(),
        ready: true,
        unseen_labels: unseen,
        ..Pod::default()
    }
}

/// One address of every family that pods have, which nobody has.
fn free_addresses(world: &World) -> Vec<IpAddr> {
    let mut ranges: Vec<IpNet> = world.pools.iter().filter(|pool| !pool.disabled).map(|pool| pool.net).collect();
    ranges.extend(world.nodes.values().flat_map(|node| node.pod_ranges.iter().copied()));
    // RFC 2544's range, which no network routes.
    ranges.push(IpNet::V4(ipnet::Ipv4Net::new_assert(std::net::Ipv4Addr::new(198, 18, 0, 0), 15)));
    let free = |net: &IpNet| {
        let taken = |ip: &IpAddr| world.owners.pods.contains_key(ip) || world.owners.nodes.contains_key(ip);
        (1..=4096_u32).map_while(|below| from_the_end(*net, below)).find(|ip| !taken(ip))
    };
    let mut found: Vec<IpAddr> = Vec::new();
    for ip in ranges.iter().filter_map(free) {
        if !found.iter().any(|other| other.is_ipv4() == ip.is_ipv4()) {
            found.push(ip);
        }
    }
    found
}

/// Addresses are given from the start of a range, so free ones are at its end.
fn from_the_end(net: IpNet, below: u32) -> Option<IpAddr> {
    let ip = match net.broadcast() {
        IpAddr::V4(last) => IpAddr::V4((u32::from(last).checked_sub(below)?).into()),
        IpAddr::V6(last) => IpAddr::V6((u128::from(last).checked_sub(u128::from(below))?).into()),
    };
    net.contains(&ip).then_some(ip)
}
