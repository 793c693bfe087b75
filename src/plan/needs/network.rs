//! What must be read to know which way packets take, and who announces an address; and every fact of the network.
//! Never knows a policy.

use super::super::candidates::candidates;
use super::super::target::{Target, TargetKind};
use super::everywhere;
use crate::kubernetes::names::{
    BALANCED_NAMESPACE, BALANCED_SERVICE, CALICO_CONFIG, CALICO_NODE, COMPONENT, KUBE_PROXY_CONFIGS, KUBEADM_CONFIG,
    Kind, METALLB_CONFIG, NODE_ASSIGNED,
};
use crate::kubernetes::objects::Query;
use crate::model::world::{Fact, Service, World};

/// Where kube-proxy and kubeadm keep their configuration, and Calico's manifests theirs.
const SYSTEM: &str = "kube-system";
/// Where MetalLB up to 0.12 keeps its own.
const METALLB: &str = "metallb-system";

/// What Felix is told, which matters at host endpoints and at doors of Services.
pub fn felix() -> Vec<Query> {
    vec![Query::all(Kind::FelixConfiguration), Query::all(Kind::DaemonSet).named(CALICO_NODE)]
}

/// What decides which way packets take.
pub fn ways() -> Vec<Query> {
    let mut queries = felix();
    queries.push(Query::all(Kind::BGPConfiguration));
    queries.push(config_map(SYSTEM, KUBE_PROXY_CONFIGS[0]));
    queries
}

/// What follows: kube-proxy's configuration elsewhere, who peers over BGP where
/// addresses are advertised, and who announces the target's addresses.
pub fn ways_follow_ups(world: &World, to: &Target) -> Vec<Query> {
    let mut queries = unknown_proxy(world);
    if world.network.advertised.value().is_some_and(|ranges| !ranges.is_empty()) {
        queries.push(Query::all(Kind::BGPPeer));
    }
    queries.extend(balanced(world, to).into_iter().flat_map(announcers));
    queries
}

/// Where kube-proxy's configuration is if it is not in its usual place.
pub fn unknown_proxy(world: &World) -> Vec<Query> {
    let mut queries = Vec::new();
    if let Fact::Unknown { .. } = world.network.proxy_mode {
        queries.extend(KUBE_PROXY_CONFIGS.iter().skip(1).map(|name| config_map(SYSTEM, name)));
        queries.push(Query::all(Kind::DaemonSet).in_namespace(SYSTEM).named("kube-proxy"));
        queries.push(static_pods("kube-proxy"));
    }
    queries
}

/// What Felix is told, where that can matter to a flow that is allowed: at host endpoints, and where clients outside come
/// by a door that eBPF treats in another way.
pub fn flow_follow_ups(world: &World) -> Vec<Query> {
    let has_door = |service: &Service| {
        let node_port = service.ports.iter().any(|port| port.node_port.is_some());
        node_port || !service.load_balancer_ips.is_empty() || !service.external_ips.is_empty()
    };
    match world.host_endpoints.is_empty() && !world.services.values().any(has_door) {
        true => Vec::new(),
        false => felix(),
    }
}

/// The target's Services that have an address of a load balancer.
fn balanced<'w>(world: &'w World, to: &Target) -> Vec<&'w Service> {
    let found: Vec<&Service> = match to {
        Target::Nets(nets) => nets.iter().flat_map(|net| world.services_at(net.addr())).collect(),
        Target::Named { .. } => candidates(world, to)
            .iter()
            .filter(|candidate| candidate.kind == TargetKind::Service)
            .filter_map(|candidate| world.services.get(&(candidate.namespace.clone(), candidate.name.clone())))
            .collect(),
        Target::Nodes | Target::World => Vec::new(),
    };
    found.into_iter().filter(|service| !service.load_balancer_ips.is_empty()).collect()
}

/// What says which node announces a Service, and which ones may.
pub fn announcers(service: &Service) -> Vec<Query> {
    let Service { namespace, name, .. } = service;
    let labels = format!("{BALANCED_NAMESPACE}={namespace},{BALANCED_SERVICE}={name}");
    let statuses = [Kind::ServiceL2Status, Kind::ServiceBGPStatus];
    let mut queries: Vec<Query> = statuses.map(|kind| Query::all(kind).labelled(&labels)).into();
    let about = format!("reason={NODE_ASSIGNED},involvedObject.kind=Service,involvedObject.name={name}");
    queries.push(Query::all(Kind::Event).in_namespace(namespace).with_fields(about));
    queries.extend(metallb());
    queries
}

/// What closes the doors of Services to clients outside: the ranges of their addresses and ports.
pub fn door_ranges() -> Vec<Query> {
    let mut queries = metallb();
    queries.push(static_pods("kube-apiserver"));
    queries
}

fn metallb() -> Vec<Query> {
    let kinds = [Kind::IPAddressPool, Kind::L2Advertisement, Kind::BGPAdvertisement];
    let mut queries: Vec<Query> = kinds.map(Query::all).into();
    queries.push(config_map(METALLB, METALLB_CONFIG));
    queries
}

/// Every fact of the network: addresses of nodes, what Felix and kube-proxy are told, ranges, who announces what.
pub fn facts() -> Vec<Query> {
    let mut queries = everywhere();
    queries.extend(felix());
    queries.extend(metallb());
    let kinds = [
        Kind::Service,
        Kind::BGPConfiguration,
        Kind::BGPPeer,
        Kind::KubeControllersConfiguration,
        Kind::ServiceCIDR,
        Kind::ServiceL2Status,
        Kind::ServiceBGPStatus,
    ];
    queries.extend(kinds.map(Query::all));
    queries.push(events());
    queries.extend(config_maps());
    queries.push(Query::all(Kind::DaemonSet).in_namespace(SYSTEM).named("kube-proxy"));
    queries.extend(["kube-apiserver", "kube-controller-manager", "kube-proxy"].map(static_pods));
    queries
}

/// The events of the whole cluster that say which node announces a Service, and no others.
pub fn events() -> Query {
    Query::all(Kind::Event).with_fields(format!("reason={NODE_ASSIGNED}"))
}

/// The ConfigMaps that decide something.
pub fn config_maps() -> Vec<Query> {
    let names = KUBE_PROXY_CONFIGS.into_iter().chain([KUBEADM_CONFIG, CALICO_CONFIG, "node-local-dns"]);
    let mut queries: Vec<Query> = names.map(|name| config_map(SYSTEM, name)).collect();
    queries.push(config_map(METALLB, METALLB_CONFIG));
    queries
}

fn config_map(namespace: &str, name: &str) -> Query {
    Query::all(Kind::ConfigMap).in_namespace(namespace).named(name)
}

/// kubelet labels the static Pods that kubeadm and its like make of the control plane's programs.
fn static_pods(program: &str) -> Query {
    Query::all(Kind::Pod).in_namespace(SYSTEM).labelled(format!("{COMPONENT}={program}"))
}
