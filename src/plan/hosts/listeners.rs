//! What is known to listen on nodes: kubelet, kube-proxy, the API server, and ports that pods declare there.
//! Never says that nothing else listens: no object tells of every process.

use std::collections::{BTreeMap, BTreeSet};

use super::super::namespaces::left_out;
use crate::model::flow::Protocol;
use crate::model::intent::GrantPort;
use crate::model::world::{Pod, World};

/// Something that listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// As `kubelet`, or `monitoring/node-exporter`.
    pub what: String,
    /// Where.
    pub port: GrantPort,
    /// The nodes that are known to have it.
    pub nodes: BTreeSet<String>,
}

/// One port.
fn port(protocol: Protocol, number: u16) -> GrantPort {
    GrantPort { protocol: protocol.to_string(), first: number, last: number }
}

/// Everything that is known.
pub fn all(world: &World) -> Vec<Listener> {
    let mut found: BTreeMap<(String, GrantPort), BTreeSet<String>> = BTreeMap::new();
    for node in world.nodes.keys() {
        for (what, number) in [("kubelet", 10250), ("kube-proxy's health", 10256)] {
            found.entry((what.into(), port(Protocol::TCP, number))).or_default().insert(node.clone());
        }
    }
    for (node, number) in api_servers(world) {
        found.entry(("API server".into(), port(Protocol::TCP, number))).or_default().insert(node);
    }
    for pod in world.pods.iter().filter(|pod| !pod.finished) {
        for own in &pod.host_ports {
            let key = (name(pod), port(own.protocol, own.port));
            found.entry(key).or_default().extend(pod.node.clone());
        }
    }
    found.into_iter().map(|((what, port), nodes)| Listener { what, port, nodes }).collect()
}

/// What makes the pod, without what tells its replicas apart.
fn name(pod: &Pod) -> String {
    let Pod { namespace, name, owner, .. } = pod;
    match owner {
        Some((kind, owner)) if kind == "ReplicaSet" => {
            format!("{namespace}/{}", owner.rsplit_once('-').map_or(owner.as_str(), |(deployment, _)| deployment))
        }
        Some((kind, owner)) if kind != "Node" => format!("{namespace}/{owner}"),
        _ => format!("{namespace}/{name}"),
    }
}

/// Nodes that run an API server, with its port: the backends of the Service default/kubernetes.
pub fn api_servers(world: &World) -> BTreeSet<(String, u16)> {
    let service = world.services.get(&("default".to_string(), "kubernetes".to_string()));
    let backends = service.and_then(|service| service.backends.value()).into_iter().flatten();
    backends.filter_map(|backend| Some((world.node_at(backend.ip)?.name.clone(), backend.port))).collect()
}

/// Ports on nodes that lead to pods of applications: doors that somebody opened. Those of the cluster's own namespaces are
/// its machinery, which talks from node to node.
pub fn of_applications(world: &World) -> Vec<GrantPort> {
    let system: BTreeSet<String> = left_out(world).into_iter().map(|out| out.name).collect();
    let pods = world.pods.iter().filter(|pod| !pod.finished && !system.contains(&pod.namespace));
    let ports = pods.flat_map(|pod| &pod.host_ports).map(|own| port(own.protocol, own.port));
    ports.collect::<BTreeSet<GrantPort>>().into_iter().collect()
}
