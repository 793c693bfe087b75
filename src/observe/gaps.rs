//! What could not be seen: kinds that nobody asked for, that were refused, and documents that were not understood.
//! Never knows whether it matters; evaluation does.

use std::net::IpAddr;

use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{Answer, Coverage, Listing, Objects};
use crate::model::world::{Gap, Hidden, Part, Seen, World};

/// Fills `seen`, and makes gaps of what was refused or not understood.
pub fn observe(objects: &Objects, world: &mut World) {
    for (kind, part) in PARTS {
        let seen = world.seen.entry(*part).or_default();
        for coverage in coverage(objects, *kind).iter().filter(|coverage| coverage.query.kind == *kind) {
            see(coverage, seen);
        }
    }
    for (kind, reason) in hidden(objects) {
        let place = kind.resource().plural.to_string();
        world.gaps.push(Gap { hides: hides(kind), namespace: None, place, reason });
    }
    for unread in &objects.unread {
        let hides = unread.kind.map_or_else(|| unknown_kind(unread.object.as_deref()), hides);
        let object = unread.object.as_deref().map(|object| format!("{object}, ")).unwrap_or_default();
        let place = format!("{object}{}", unread.place);
        let namespace = match unread.kind {
            // A pod or set in a namespace can have any address, so it concerns flows everywhere.
            Some(Kind::Pod | Kind::NetworkSet) => None,
            _ => unread.namespace.clone(),
        };
        world.gaps.push(Gap { hides, namespace, place, reason: unread.reason.clone() });
    }
}

/// The parts by the kinds that hold them.
const PARTS: &[(Kind, Part)] = &[
    (Kind::GlobalNetworkPolicy, Part::GlobalPolicies),
    (Kind::NetworkPolicy, Part::Policies),
    (Kind::KubernetesNetworkPolicy, Part::KubernetesPolicies),
    (Kind::Tier, Part::Tiers),
    (Kind::Pod, Part::Pods),
    (Kind::GlobalNetworkSet, Part::GlobalSets),
    (Kind::NetworkSet, Part::Sets),
    (Kind::HostEndpoint, Part::HostEndpoints),
    (Kind::Namespace, Part::Namespaces),
    (Kind::ServiceAccount, Part::ServiceAccounts),
    (Kind::Service, Part::Services),
    (Kind::EndpointSlice, Part::Backends),
    (Kind::Endpoints, Part::Backends),
    (Kind::Node, Part::Nodes),
    (Kind::IPPool, Part::Pools),
];

fn see(coverage: &Coverage, seen: &mut Seen) {
    let query = &coverage.query;
    match &coverage.answer {
        Answer::Hidden(_) => {}
        // EndpointSlices that are not served (before Kubernetes 1.17) say nothing of Endpoints.
        Answer::NotServed => seen.all |= query.kind != Kind::EndpointSlice,
        Answer::Complete if query.is_everything() => seen.all = true,
        Answer::Complete if query.name.is_none() && query.labels.is_none() => match (&query.namespace, &query.fields) {
            (Some(namespace), None) => drop(seen.namespaces.insert(namespace.clone())),
            (None, Some(fields)) => {
                let address = fields.strip_prefix("status.podIP=");
                seen.addresses.extend(address.and_then(|address| address.parse::<IpAddr>().ok()));
            }
            _ => {}
        },
        Answer::Complete => {}
    }
}

/// What objects of a kind hide, where they cannot be read.
pub fn hides(kind: Kind) -> Hidden {
    match kind {
        Kind::GlobalNetworkPolicy
        | Kind::NetworkPolicy
        | Kind::KubernetesNetworkPolicy
        | Kind::Tier
        | Kind::AdminNetworkPolicy
        | Kind::BaselineAdminNetworkPolicy
        | Kind::ClusterNetworkPolicy => Hidden::Policies,
        Kind::Pod => Hidden::Addresses,
        Kind::GlobalNetworkSet | Kind::NetworkSet => Hidden::Sets,
        Kind::HostEndpoint => Hidden::HostEndpoints,
        Kind::Namespace | Kind::ServiceAccount => Hidden::Labels,
        Kind::Service | Kind::EndpointSlice | Kind::Endpoints => Hidden::Services,
        Kind::Node | Kind::IPPool | Kind::FelixConfiguration => Hidden::Routes,
        _ => Hidden::Other,
    }
}

/// What a document of no kind that is read here may hide: one that does not even say what it is may be a policy, and so
/// may one of a kind that is named like one.
fn unknown_kind(object: Option<&str>) -> Hidden {
    let kind = object.map(|object| object.split_whitespace().next().unwrap_or_default());
    match kind {
        Some(kind) if !kind.ends_with("NetworkPolicy") => Hidden::Other,
        _ => Hidden::Policies,
    }
}

fn coverage(objects: &Objects, kind: Kind) -> &[Coverage] {
    match kind {
        Kind::GlobalNetworkPolicy | Kind::NetworkPolicy => &objects.calico_policies.coverage,
        Kind::KubernetesNetworkPolicy => &objects.kubernetes_policies.coverage,
        Kind::Tier => &objects.tiers.coverage,
        Kind::Pod => &objects.pods.coverage,
        Kind::GlobalNetworkSet | Kind::NetworkSet => &objects.network_sets.coverage,
        Kind::HostEndpoint => &objects.host_endpoints.coverage,
        Kind::Namespace => &objects.namespaces.coverage,
        Kind::ServiceAccount => &objects.service_accounts.coverage,
        Kind::Service => &objects.services.coverage,
        Kind::EndpointSlice => &objects.endpoint_slices.coverage,
        Kind::Endpoints => &objects.endpoints.coverage,
        Kind::Node => &objects.nodes.coverage,
        Kind::IPPool => &objects.ip_pools.coverage,
        _ => &[],
    }
}

/// Every kind that was refused, and why.
fn hidden(objects: &Objects) -> Vec<(Kind, String)> {
    fn of<T>(listing: &Listing<T>) -> impl Iterator<Item = (Kind, String)> + '_ {
        listing.hidden().map(|(kind, why)| (kind, why.to_string()))
    }
    let all = of(&objects.nodes)
        .chain(of(&objects.namespaces))
        .chain(of(&objects.pods))
        .chain(of(&objects.service_accounts))
        .chain(of(&objects.services))
        .chain(of(&objects.kubernetes_policies))
        .chain(of(&objects.calico_policies))
        .chain(of(&objects.tiers))
        .chain(of(&objects.host_endpoints))
        .chain(of(&objects.network_sets))
        .chain(of(&objects.ip_pools))
        .chain(of(&objects.felix_configurations))
        .chain(of(&objects.bgp_configurations))
        .chain(of(&objects.bgp_peers))
        .chain(of(&objects.kube_controllers))
        .chain(of(&objects.config_maps))
        .chain(of(&objects.workloads))
        .chain(of(&objects.service_cidrs))
        .chain(of(&objects.l2_statuses))
        .chain(of(&objects.bgp_statuses))
        .chain(of(&objects.metallb))
        .chain(of(&objects.events))
        .chain(of(&objects.webhooks))
        .chain(of(&objects.api_services))
        .chain(of(&objects.definitions))
        .chain(of(&objects.admin_policies));
    // Slices and Endpoints tell the same: what one of them hides the other may show.
    let slices = of(&objects.endpoint_slices).filter(|_| !objects.endpoints.complete());
    let endpoints = of(&objects.endpoints).filter(|_| !objects.endpoint_slices.complete());
    // Only a plan to police, which changes nothing.
    let staged = |(kind, _): &(Kind, String)| {
        matches!(
            kind,
            Kind::StagedGlobalNetworkPolicy | Kind::StagedNetworkPolicy | Kind::StagedKubernetesNetworkPolicy
        )
    };
    all.chain(slices).chain(endpoints).filter(|hidden| !staged(hidden)).collect()
}
