//! Calico's version, the API servers' addresses, and NodeLocal DNSCache.
//! Never knows what a plan does with them.

use std::net::IpAddr;

use crate::kubernetes::objects::{Objects, Workload};
use crate::model::world::{Fact, Version, World};

/// As ClusterInformation says, which calico-node writes when it starts.
pub fn calico_version(objects: &Objects) -> Option<Version> {
    let version = |information: &crate::kubernetes::objects::Loose| {
        information.spec.get("calicoVersion").and_then(|version| version.as_str()).and_then(Version::parse)
    };
    objects.cluster_informations.iter().find_map(version)
}

/// Fills `api_servers` and `node_local_dns`.
pub fn observe(objects: &Objects, world: &mut World) {
    world.api_servers = api_servers(objects);
    world.node_local_dns = node_local_dns(objects);
}

/// The Endpoints default/kubernetes, which the API servers themselves keep; else the slice of the same name.
fn api_servers(objects: &Objects) -> Fact<Vec<IpAddr>> {
    let of_kubernetes = |metadata: &crate::kubernetes::objects::Meta| {
        metadata.name == "kubernetes" && metadata.namespace.as_deref() == Some("default")
    };
    if let Some(endpoints) = objects.endpoints.iter().find(|endpoints| of_kubernetes(&endpoints.metadata)) {
        let addresses = endpoints.subsets.iter().flat_map(|subset| &subset.addresses);
        return Fact::known(parsed(addresses.map(|address| &address.ip)), "Endpoints default/kubernetes");
    }
    let slices = objects.endpoint_slices.iter().filter(|slice| {
        let service = slice.metadata.labels.get(crate::kubernetes::names::SLICE_SERVICE);
        slice.metadata.namespace.as_deref() == Some("default")
            && (service.is_some_and(|name| name == "kubernetes") || slice.metadata.name == "kubernetes")
    });
    let endpoints: Vec<_> = slices.flat_map(|slice| &slice.endpoints).collect();
    if endpoints.is_empty() {
        return Fact::unknown("neither Endpoints nor an EndpointSlice of the Service default/kubernetes was read");
    }
    let addresses = endpoints.iter().flat_map(|endpoint| &endpoint.addresses);
    Fact::known(parsed(addresses), "EndpointSlices of Service default/kubernetes")
}

fn parsed<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = texts.filter_map(|text| text.parse().ok()).collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

/// Addresses on which NodeLocal DNSCache listens on every node: its `-localip`, and the `bind` lines of its Corefile.
/// Where it takes over the address of the kube-dns Service too, that one is among them: it is then no Service's.
fn node_local_dns(objects: &Objects) -> Vec<IpAddr> {
    let is_cache = |name: &str| name == "node-local-dns" || name.starts_with("node-local-dns-");
    let workloads = objects.workloads.iter().filter(|workload| is_cache(&workload.metadata.name));
    let mut texts: Vec<String> = workloads.flat_map(localip).collect();
    let pods = objects.pods.iter().filter(|pod| is_cache(&pod.metadata.name));
    texts.extend(pods.flat_map(|pod| pod.spec.containers.iter().flat_map(arguments)));
    for map in objects.config_maps.iter().filter(|map| is_cache(&map.metadata.name)) {
        let lines = map.data.values().flat_map(|text| text.lines());
        let binds = lines.filter_map(|line| line.trim().strip_prefix("bind "));
        texts.extend(binds.flat_map(str::split_whitespace).map(str::to_string));
    }
    parsed(texts.iter())
}

fn localip(workload: &Workload) -> Vec<String> {
    workload.spec.template.spec.containers.iter().flat_map(arguments).collect()
}

/// `-localip A,B`, `--localip=A,B`, among the arguments or inside one that is a whole command line.
fn arguments(container: &crate::kubernetes::objects::Container) -> Vec<String> {
    let line = container.command.iter().chain(&container.args).map(String::as_str).collect::<Vec<_>>().join(" ");
    let mut words = line.split_whitespace();
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        let Some(rest) = word.trim_start_matches('-').strip_prefix("localip") else { continue };
        let value = rest.strip_prefix('=').or_else(|| if rest.is_empty() { words.next() } else { None });
        found.extend(value.into_iter().flat_map(|value| value.split(',')).map(str::to_string));
    }
    found
}
