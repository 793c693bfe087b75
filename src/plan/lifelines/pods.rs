//! What pods do for the cluster: DNS, what the API server calls, metrics of kubelets, konnectivity.
//! Never says what an application needs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::super::perimeter::doors::STRANGERS;
use super::super::probe::packet;
use super::super::{Risk, callbacks, dns};
use super::Flow;
use super::nodes::hosts;
use crate::model::flow::Protocol;
use crate::model::world::{Pod, World};

/// How many pods of one kind are looked at.
const PODS: usize = 2;
/// How many namespaces ask, and how many nodes are asked.
const ASKED: usize = 64;

/// All of it.
pub fn flows(world: &World) -> Vec<Flow> {
    let mut flows = names(world);
    for (callers, pod, packet) in callbacks::all_calls(world) {
        // The first caller of each kind stands for the others, which lose the same.
        let mut kinds: BTreeMap<Risk, &String> = BTreeMap::new();
        callers.iter().for_each(|caller| _ = kinds.entry(risk_of(caller)).or_insert(caller));
        flows.extend(kinds.into_iter().map(|(risk, caller)| Flow {
            risk,
            what: format!("{caller} is answered by pod {}", pod.full_name()),
            packet,
            entry: None,
            nodes: Vec::new(),
            namespaces: vec![pod.namespace.clone()],
        }));
    }
    flows.extend(metrics(world));
    flows.extend(konnectivity(world));
    flows
}

fn risk_of(caller: &str) -> Risk {
    match caller.strip_prefix("APIService ") {
        Some(api) if api.ends_with("metrics.k8s.io") => Risk::MetricsServer,
        Some(api) if api.ends_with("projectcalico.org") => Risk::CalicoApiServer,
        Some(_) => Risk::AggregatedApis,
        None => Risk::Webhooks,
    }
}

fn runs(pod: &&Pod) -> bool {
    !pod.finished && !pod.host_network && !pod.addresses.is_empty()
}

fn flow(risk: Risk, what: String, from: IpAddr, to: IpAddr, (protocol, port): (Protocol, u16)) -> Flow {
    let packet = packet(from, to, protocol, Some(port));
    Flow { risk, what, packet, entry: None, nodes: Vec::new(), namespaces: Vec::new() }
}

/// A pod of each namespace asks the cluster's DNS, and that asks the world.
fn names(world: &World) -> Vec<Flow> {
    let mut askers: BTreeMap<&str, &Pod> = BTreeMap::new();
    for pod in world.pods.iter().filter(runs) {
        askers.entry(&pod.namespace).or_insert(pod);
    }
    let ports = dns::ports(world);
    let mut flows = Vec::new();
    for service in dns::services(world) {
        for answers in dns::pods(world, service).into_iter().filter(runs).take(PODS) {
            for to in &answers.addresses {
                let like = |ip: &&IpAddr| ip.is_ipv4() == to.is_ipv4();
                for (namespace, asker) in askers.iter().take(ASKED) {
                    let Some(from) = asker.addresses.iter().find(like).filter(|from| *from != to) else { continue };
                    for port in &ports {
                        for protocol in [Protocol::UDP, Protocol::TCP] {
                            let what = format!("{} asks DNS ({})", asker.full_name(), answers.full_name());
                            let mut asks = flow(Risk::Dns, what, *from, *to, (protocol, *port));
                            asks.namespaces = vec![(*namespace).to_string(), answers.namespace.clone()];
                            flows.push(asks);
                        }
                    }
                }
                let outside = STRANGERS.into_iter().find(|ip| like(&ip));
                if let Some(outside) = outside {
                    let what = format!("DNS ({}) asks for names of the world", answers.full_name());
                    let mut asks = flow(Risk::Dns, what, *to, outside, (Protocol::UDP, 53));
                    asks.namespaces = vec![answers.namespace.clone()];
                    flows.push(asks);
                }
            }
        }
    }
    flows
}

/// metrics-server, by what calls it and not by its name, asks every kubelet.
fn metrics(world: &World) -> Vec<Flow> {
    let calls = world.callbacks.iter().filter(|call| risk_of(&call.from) == Risk::MetricsServer);
    let services: BTreeSet<(&String, &String)> = calls.map(|call| (&call.namespace, &call.service)).collect();
    let mut flows = Vec::new();
    for (namespace, name) in services {
        let Some(service) = world.services.get(&(namespace.clone(), name.clone())) else { continue };
        for pod in dns::pods(world, service).into_iter().filter(runs).take(PODS) {
            for node in world.nodes.values().take(ASKED) {
                for (from, to) in pairs(&pod.addresses, &hosts(node).collect::<Vec<_>>()) {
                    let what = format!("{} reads the metrics of {}", pod.full_name(), node.name);
                    let mut reads = flow(Risk::MetricsServer, what, from, to, (Protocol::TCP, 10250));
                    (reads.nodes, reads.namespaces) = (vec![node.name.clone()], vec![pod.namespace.clone()]);
                    flows.push(reads);
                }
            }
        }
    }
    flows
}

/// konnectivity's agents call their server beside the API server, which then reaches kubelets and webhooks through them.
fn konnectivity(world: &World) -> Vec<Flow> {
    let agent = |pod: &&Pod| pod.own_labels.get("k8s-app").is_some_and(|app| app == "konnectivity-agent");
    let servers = world.api_servers.value().cloned().unwrap_or_default();
    let mut flows = Vec::new();
    for pod in world.pods.iter().filter(runs).filter(agent).take(PODS) {
        for (from, to) in pairs(&pod.addresses, &servers) {
            let what = format!("{} reaches the konnectivity server", pod.full_name());
            let mut calls = flow(Risk::Konnectivity, what, from, to, (Protocol::TCP, 8132));
            calls.namespaces = vec![pod.namespace.clone()];
            flows.push(calls);
        }
    }
    flows
}

fn pairs(from: &[IpAddr], to: &[IpAddr]) -> Vec<(IpAddr, IpAddr)> {
    let all = from.iter().flat_map(|one| to.iter().map(move |two| (*one, *two)));
    all.filter(|(one, two)| one.is_ipv4() == two.is_ipv4()).collect()
}
