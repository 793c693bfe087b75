//! Services with their backends: from EndpointSlices, else Endpoints, else from the pods themselves.
//! Never knows which backend a packet gets.

use std::collections::HashMap;
use std::net::IpAddr;

use serde_json::Value;

use super::workloads::namespace_of;
use crate::kubernetes::names::SLICE_SERVICE;
use crate::kubernetes::objects::{self, EndpointPort, EndpointSlice, Endpoints, Objects};
use crate::model::flow::Protocol;
use crate::model::world::{Backend, Fact, Labels, Part, Pod, Service, ServicePort, TargetPort, World};

type Key = (String, String);

/// Fills `services`.
pub fn observe(objects: &Objects, world: &mut World) {
    let mut slices: HashMap<Key, Vec<&EndpointSlice>> = HashMap::new();
    for slice in objects.endpoint_slices.iter() {
        if let Some(service) = slice.metadata.labels.get(SLICE_SERVICE) {
            slices.entry((namespace_of(&slice.metadata), service.clone())).or_default().push(slice);
        }
    }
    let endpoints = objects.endpoints.iter();
    let endpoints: HashMap<Key, &Endpoints> =
        endpoints.map(|object| ((namespace_of(&object.metadata), object.metadata.name.clone()), object)).collect();
    for object in objects.services.iter() {
        let mut service = service(object);
        let key = (service.namespace.clone(), service.name.clone());
        service.backends = match (slices.get(&key), endpoints.get(&key)) {
            (Some(slices), _) => {
                Fact::known(slices.iter().flat_map(|slice| of_slice(slice)).collect(), "EndpointSlices")
            }
            (None, Some(endpoints)) => Fact::known(of_endpoints(endpoints), "Endpoints"),
            (None, None) => of_pods(&service, object.spec.publish_not_ready_addresses, objects, world),
        };
        world.services.insert(key, service);
    }
}

fn service(object: &objects::Service) -> Service {
    let spec = &object.spec;
    let parsed = |texts: &[String]| -> Vec<IpAddr> { texts.iter().filter_map(|text| text.parse().ok()).collect() };
    let cluster_ips =
        if spec.cluster_ips.is_empty() { spec.cluster_ip.as_slice() } else { spec.cluster_ips.as_slice() };
    let ingress = &object.status.load_balancer.ingress;
    let balanced = |proxied: bool| {
        let mode = ingress.iter().filter(move |one| (one.ip_mode.as_deref() == Some("Proxy")) == proxied);
        parsed(&mode.filter_map(|one| one.ip.clone()).collect::<Vec<_>>())
    };
    let is_local = |policy: &Option<String>| policy.as_deref() == Some("Local");
    Service {
        namespace: namespace_of(&object.metadata),
        name: object.metadata.name.clone(),
        kind: spec.kind.clone().unwrap_or_else(|| "ClusterIP".into()),
        cluster_ips: parsed(cluster_ips),
        external_ips: parsed(&spec.external_ips),
        load_balancer_ips: balanced(false),
        proxied_ips: balanced(true),
        health_check_node_port: spec.health_check_node_port.filter(|port| *port != 0),
        selector: spec.selector.clone(),
        ports: spec.ports.iter().filter_map(service_port).collect(),
        local: is_local(&spec.external_traffic_policy),
        internal_local: is_local(&spec.internal_traffic_policy),
        source_ranges: spec.load_balancer_source_ranges.iter().filter_map(|net| net.trim().parse().ok()).collect(),
        backends: Fact::default(),
    }
}

fn service_port(port: &objects::ServicePort) -> Option<ServicePort> {
    let target = match &port.target_port {
        Some(Value::Number(number)) => TargetPort::Number(number.as_u64().and_then(|n| u16::try_from(n).ok())?),
        Some(Value::String(text)) if !text.is_empty() => match text.parse() {
            Ok(number) => TargetPort::Number(number),
            Err(_) => TargetPort::Name(text.clone()),
        },
        _ => TargetPort::Number(port.port),
    };
    Some(ServicePort {
        name: port.name.clone().filter(|name| !name.is_empty()),
        protocol: protocol(&port.protocol)?,
        port: port.port,
        target,
        node_port: port.node_port.filter(|port| *port != 0),
    })
}

fn protocol(text: &Option<String>) -> Option<Protocol> {
    Protocol::parse(text.as_deref().filter(|text| !text.is_empty()).unwrap_or("TCP"))
}

fn of_slice(slice: &EndpointSlice) -> Vec<Backend> {
    let mut backends = Vec::new();
    for endpoint in &slice.endpoints {
        let node = endpoint.node_name.clone().or_else(|| endpoint.topology.get("kubernetes.io/hostname").cloned());
        for ip in endpoint.addresses.iter().filter_map(|text| text.parse().ok()) {
            for port in &slice.ports {
                let ready = endpoint.conditions.ready != Some(false);
                backends.extend(backend(port, ip, node.clone(), ready));
            }
        }
    }
    backends
}

fn of_endpoints(endpoints: &Endpoints) -> Vec<Backend> {
    let mut backends = Vec::new();
    for subset in &endpoints.subsets {
        for address in &subset.addresses {
            let Ok(ip) = address.ip.parse() else { continue };
            backends.extend(subset.ports.iter().filter_map(|port| backend(port, ip, address.node_name.clone(), true)));
        }
    }
    backends
}

fn backend(port: &EndpointPort, ip: IpAddr, node: Option<String>, ready: bool) -> Option<Backend> {
    let port_name = port.name.clone().filter(|name| !name.is_empty());
    Some(Backend { port_name, protocol: protocol(&port.protocol)?, ip, port: port.port?, node, ready })
}

/// What the endpoints controller would make of the pods; only where slices could be missing for another reason than that
/// there are none.
fn of_pods(service: &Service, not_ready_too: bool, objects: &Objects, world: &World) -> Fact<Vec<Backend>> {
    if service.kind == "ExternalName" {
        return Fact::known(Vec::new(), "ExternalName has no backends");
    }
    // On a live cluster that serves slices, a Service without one has no backends.
    let live = objects.endpoint_slices.items.iter().any(|slice| slice.place == objects::Place::Server);
    if live && world.sees(Part::Backends, Some(&service.namespace)) {
        return Fact::known(Vec::new(), "it has no EndpointSlices");
    }
    if service.selector.is_empty() {
        return Fact::unknown(format!(
            "Service {}/{} has no selector, and neither slices nor Endpoints of it were read",
            service.namespace, service.name
        ));
    }
    if !world.sees(Part::Pods, Some(&service.namespace)) {
        return Fact::unknown(format!(
            "neither slices nor Endpoints of Service {}/{} were read, nor all pods of its namespace",
            service.namespace, service.name
        ));
    }
    let pods = world.pods.iter().filter(|pod| {
        pod.namespace == service.namespace && !pod.finished && selects(&service.selector, &pod.own_labels)
    });
    let backends = pods.flat_map(|pod| of_pod(service, pod, not_ready_too));
    Fact::known(backends.collect(), "its selector and the pods that match it")
}

fn selects(selector: &Labels, labels: &Labels) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

fn of_pod(service: &Service, pod: &Pod, not_ready_too: bool) -> Vec<Backend> {
    let mut backends = Vec::new();
    for port in &service.ports {
        let number = match &port.target {
            TargetPort::Number(number) => Some(*number),
            TargetPort::Name(name) => {
                let named = |own: &&crate::model::world::PodPort| {
                    own.name.as_ref() == Some(name) && own.protocol == port.protocol
                };
                pod.ports.iter().find(named).map(|own| own.port)
            }
        };
        let Some(number) = number else { continue };
        backends.extend(pod.addresses.iter().map(|ip| Backend {
            port_name: port.name.clone(),
            protocol: port.protocol,
            ip: *ip,
            port: number,
            node: pod.node.clone(),
            ready: pod.ready || not_ready_too,
        }));
    }
    backends
}
