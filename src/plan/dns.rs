//! Where the cluster's DNS is, and the rules that keep it reachable.
//! Never guesses: without a DNS Service there is no rule.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::rules::of_nets;
use crate::model::flow::Protocol;
use crate::model::selector::Selector;
use crate::model::spec::{EntitySpec, IntOrString, RuleSpec};
use crate::model::world::{Labels, Pod, Service, ServicePort, TargetPort, World};

/// What every distribution calls it that follows Kubernetes' own add-on.
const USUAL: (&str, &str) = ("kube-system", "kube-dns");
/// NodeLocal DNSCache's way to the same pods.
const UPSTREAM: &str = "kube-dns-upstream";

/// Whether a Service is the cluster's DNS by its usual name.
pub fn is_dns(key: &(String, String)) -> bool {
    (key.0.as_str(), key.1.as_str()) == USUAL
}

/// The Services that answer for the cluster's DNS: the usual one, else those that are named for it and listen on 53.
pub fn services(world: &World) -> Vec<&Service> {
    if let Some(service) = world.services.get(&(USUAL.0.to_string(), USUAL.1.to_string())) {
        return vec![service];
    }
    let listens =
        |service: &&Service| service.ports.iter().any(|port| port.port == 53 && port.protocol == Protocol::UDP);
    let named = |service: &&Service| service.name.contains("dns") && service.name != UPSTREAM;
    let all: Vec<&Service> = world.services.values().filter(named).filter(listens).collect();
    let system: Vec<&Service> = all
        .iter()
        .copied()
        .filter(|service| ["kube-system", "openshift-dns"].contains(&service.namespace.as_str()))
        .collect();
    if system.is_empty() { all } else { system }
}

/// The pods behind a DNS Service.
pub fn pods<'a>(world: &'a World, service: &Service) -> Vec<&'a Pod> {
    let own = |pod: &&Pod| {
        pod.namespace == service.namespace
            && !pod.finished
            && !service.selector.is_empty()
            && service.selector.iter().all(|(key, value)| pod.own_labels.get(key) == Some(value))
    };
    world.pods.iter().filter(own).collect()
}

/// The numbers of the ports on which DNS pods listen.
pub fn ports(world: &World) -> BTreeSet<u16> {
    let targets = services(world)
        .into_iter()
        .flat_map(|service| queries(service).flat_map(|port| targets(world, service, port)).collect::<Vec<_>>());
    targets
        .filter_map(|port| match port {
            IntOrString::Int(number) => u16::try_from(number).ok(),
            IntOrString::String(_) => None,
        })
        .collect()
}

/// The Service's ports for queries; metrics and the like are others.
fn queries(service: &Service) -> impl Iterator<Item = &ServicePort> {
    service.ports.iter().filter(|port| port.port == 53)
}

/// What the pods listen on: numbers where a name can be looked up, else the name itself.
fn targets(world: &World, service: &Service, port: &ServicePort) -> Vec<IntOrString> {
    let name = match &port.target {
        TargetPort::Number(number) => return vec![IntOrString::Int(i64::from(*number))],
        TargetPort::Name(name) => name,
    };
    let pods = pods(world, service);
    let fits = |declared: &&crate::model::world::PodPort| {
        declared.name.as_ref() == Some(name) && declared.protocol == port.protocol
    };
    let numbers: BTreeSet<u16> = pods.iter().flat_map(|pod| &pod.ports).filter(fits).map(|port| port.port).collect();
    match numbers.is_empty() {
        true => vec![IntOrString::String(name.clone())],
        false => numbers.into_iter().map(|number| IntOrString::Int(i64::from(number))).collect(),
    }
}

/// Egress rules that keep DNS reachable for everybody; empty where there is no DNS Service with known pods or addresses.
pub fn egress_rules(world: &World) -> Vec<RuleSpec> {
    let services = services(world);
    let mut rules: Vec<RuleSpec> = services.iter().flat_map(|service| to_service(world, service)).collect();
    if !world.node_local_dns.is_empty() {
        // The cache takes the packets on the node before kube-proxy turns the Service's address into a pod's.
        let cluster = services.iter().flat_map(|service| service.cluster_ips.iter());
        let ips: BTreeSet<IpAddr> = world.node_local_dns.iter().chain(cluster).copied().collect();
        let nets: Vec<IpNet> = ips.into_iter().map(IpNet::from).collect();
        for entity in of_nets(&nets) {
            for protocol in [Protocol::UDP, Protocol::TCP] {
                rules.push(allow(protocol, EntitySpec { ports: vec![IntOrString::Int(53)], ..entity.clone() }));
            }
        }
    }
    rules
}

fn allow(protocol: Protocol, destination: EntitySpec) -> RuleSpec {
    let protocol = Some(IntOrString::String(protocol.to_string()));
    RuleSpec { action: "Allow".into(), protocol, destination, ..RuleSpec::default() }
}

fn to_service(world: &World, service: &Service) -> Vec<RuleSpec> {
    let mut rules = Vec::new();
    for port in queries(service) {
        for entity in destinations(world, service) {
            let entity = EntitySpec { ports: targets(world, service, port), ..entity };
            rules.push(allow(port.protocol, entity));
        }
    }
    rules
}

/// The pods by their Service's selector; addresses where pods share their node's network or there is no selector.
fn destinations(world: &World, service: &Service) -> Vec<EntitySpec> {
    let pods = pods(world, service);
    let on_host: Vec<IpNet> = pods
        .iter()
        .filter(|pod| pod.host_network)
        .flat_map(|pod| pod.addresses.iter().map(|ip| (*ip).into()))
        .collect();
    if !on_host.is_empty() && pods.iter().all(|pod| pod.host_network) {
        return of_nets(&on_host);
    }
    let Some(selector) = selector(service) else {
        let backends = service.backends.value().into_iter().flatten();
        return of_nets(&backends.map(|backend| backend.ip.into()).collect::<Vec<_>>());
    };
    vec![EntitySpec {
        selector: selector.to_string(),
        namespace_selector: Selector::label_equals("projectcalico.org/name", &service.namespace).to_string(),
        ..EntitySpec::default()
    }]
}

fn selector(service: &Service) -> Option<Selector> {
    super::resolve::selector_of_labels(&service.selector).filter(|_| !service.selector.is_empty())
}

/// The pods of a lifeline, and its rules.
pub struct Lifeline {
    /// Which pods.
    pub selector: String,
    /// Who may ask them.
    pub ingress: Vec<RuleSpec>,
    /// Whom they may ask.
    pub egress: Vec<RuleSpec>,
}

/// What DNS pods that live in a locked namespace need: to be asked by everybody, and to ask other servers.
pub fn lifeline(world: &World, service: &Service) -> Option<Lifeline> {
    let selector = selector(service)?;
    let mut ingress = Vec::new();
    for port in queries(service) {
        let ports = targets(world, service, port);
        ingress.push(allow(port.protocol, EntitySpec { ports, ..EntitySpec::default() }));
    }
    let upstream =
        |protocol| allow(protocol, EntitySpec { ports: vec![IntOrString::Int(53)], ..EntitySpec::default() });
    let mut egress = vec![upstream(Protocol::UDP), upstream(Protocol::TCP)];
    if let Some(servers) = world.api_servers.value() {
        let nets: Vec<IpNet> = servers.iter().map(|ip| (*ip).into()).collect();
        egress.extend(of_nets(&nets).into_iter().map(|entity| allow(Protocol::TCP, entity)));
    }
    Some(Lifeline { selector: selector.to_string(), ingress, egress })
}

/// A pod that answers DNS, for worlds without pods.
pub fn stand_in(world: &World, service: &Service) -> Pod {
    let labels: Labels = service.selector.clone();
    super::standin::pod(world, &service.namespace, &labels, "the DNS pods")
}
