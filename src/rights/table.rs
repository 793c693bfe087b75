//! Which subcommand takes which rights.
//! Never knows how they are written down.
//!
//! It follows `plan::needs`, which says what is read for which question, and the kinds that plans write.

use super::{On, Scope, Wanted};
use crate::kubernetes::names::{
    CALICO_CONFIG, CALICO_NODE, KUBE_PROXY_CONFIGS, KUBEADM_CONFIG, Kind, METALLB_CONFIG, RESOURCES,
};

/// The subcommands that ask an API server for anything.
pub const SUBCOMMANDS: [&str; 17] = [
    "lockdown",
    "promote",
    "unlock",
    "allow",
    "expose-nodeport",
    "expose-lb",
    "bgp-allow",
    "wireguard-sync",
    "revoke",
    "status",
    "explain",
    "diagnose",
    "test",
    "validate",
    "snapshot",
    "history",
    "undo",
];

/// Where kube-proxy, the control plane and Calico's manifests are.
const SYSTEM: Scope = Scope::Namespace("kube-system");

const GET: &[&str] = &["get"];
const LIST: &[&str] = &["list"];
const FIND: &[&str] = &["get", "list"];

/// What decides about every endpoint, whichever it is; each object of some is read alone too, before it is written.
const EVERYWHERE: &[Kind] = &[
    Kind::GlobalNetworkPolicy,
    Kind::GlobalNetworkSet,
    Kind::NetworkSet,
    Kind::HostEndpoint,
    Kind::Node,
    Kind::IPPool,
    Kind::ClusterInformation,
];
/// What only some versions of Calico have.
const OF_VERSION: &[Kind] =
    &[Kind::Tier, Kind::AdminNetworkPolicy, Kind::BaselineAdminNetworkPolicy, Kind::ClusterNetworkPolicy];
/// What decides in a namespace.
const IN_NAMESPACE: &[Kind] = &[Kind::NetworkPolicy, Kind::KubernetesNetworkPolicy, Kind::ServiceAccount];
/// What a target can be.
const TARGETS: &[Kind] =
    &[Kind::Service, Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet, Kind::Job, Kind::Pod];
/// What MetalLB announces, and how.
const POOLS: &[Kind] = &[Kind::IPAddressPool, Kind::L2Advertisement, Kind::BGPAdvertisement];
/// What only the API server's own calls to applications are known from.
const CALLED: &[Kind] = &[
    Kind::ValidatingWebhookConfiguration,
    Kind::MutatingWebhookConfiguration,
    Kind::APIService,
    Kind::CustomResourceDefinition,
];
/// The kinds of Calico that plans write.
const POLICIES: &[Kind] = &[Kind::NetworkPolicy, Kind::GlobalNetworkPolicy];
/// A lockdown on trial.
const STAGED: &[Kind] = &[Kind::StagedGlobalNetworkPolicy];
const SETS: &[Kind] = &[Kind::GlobalNetworkSet];
/// What can own a logged pod.
const OWNERS: &[Kind] =
    &[Kind::Pod, Kind::Service, Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet];

/// Rights in the making.
#[derive(Default)]
struct Rights(Vec<Wanted>);

impl Rights {
    fn add(&mut self, verbs: &[&'static str], kinds: &[Kind]) -> &mut Rights {
        kinds.iter().for_each(|kind| self.on(verbs, On::Kind(*kind), Scope::Cluster, &[]));
        self
    }

    fn on(&mut self, verbs: &[&'static str], on: On, scope: Scope, names: &'static [&'static str]) {
        self.0.extend(verbs.iter().map(|verb| Wanted { on, scope, names, verb }));
    }

    fn named(&mut self, kind: Kind, scope: Scope, names: &'static [&'static str]) -> &mut Rights {
        self.on(GET, On::Kind(kind), scope, names);
        self
    }

    /// What tells where and how Calico keeps its objects.
    fn calico(&mut self) -> &mut Rights {
        self.named(Kind::DaemonSet, SYSTEM, &[CALICO_NODE]).named(Kind::ConfigMap, SYSTEM, &[CALICO_CONFIG])
    }

    /// Whether Calico's objects may be written now, and the record of it.
    fn writing(&mut self) -> &mut Rights {
        self.calico().named(Kind::ClusterInformation, Scope::Cluster, &["default"]);
        self.on(LIST, On::Migration, Scope::Cluster, &[]);
        let verbs = ["list", "get", "create", "update", "delete"];
        self.on(&verbs, On::Kind(Kind::ConfigMap), Scope::Records, &[]);
        self
    }

    /// Objects of these kinds, each read before it is written.
    fn write(&mut self, verbs: &[&'static str], kinds: &[Kind]) -> &mut Rights {
        self.add(GET, kinds).add(verbs, kinds)
    }

    /// What decides about a flow between two targets.
    fn flow(&mut self) -> &mut Rights {
        self.calico().add(LIST, EVERYWHERE).add(LIST, OF_VERSION).add(LIST, IN_NAMESPACE).add(FIND, TARGETS);
        self.add(LIST, &[Kind::EndpointSlice, Kind::FelixConfiguration]).add(GET, &[Kind::Namespace])
    }

    /// Which way packets take.
    fn ways(&mut self) -> &mut Rights {
        self.add(LIST, &[Kind::FelixConfiguration, Kind::BGPConfiguration, Kind::DaemonSet, Kind::Pod]);
        self.named(Kind::ConfigMap, SYSTEM, &KUBE_PROXY_CONFIGS).named(Kind::DaemonSet, SYSTEM, &["kube-proxy"])
    }

    /// The ranges in which doors of Services are.
    fn doors(&mut self) -> &mut Rights {
        // A Role in MetalLB's namespace could not be made where there is none.
        self.add(LIST, POOLS).named(Kind::ConfigMap, Scope::Cluster, &[METALLB_CONFIG])
    }

    /// Who announces an address.
    fn announcers(&mut self) -> &mut Rights {
        self.add(LIST, &[Kind::ServiceL2Status, Kind::ServiceBGPStatus, Kind::Event, Kind::BGPPeer]).doors()
    }

    /// Everything that `lockdown` looks at, `--nodes` too.
    fn applications(&mut self) -> &mut Rights {
        self.calico().add(LIST, EVERYWHERE).add(LIST, OF_VERSION).add(LIST, IN_NAMESPACE).add(LIST, CALLED);
        let kinds = [
            Kind::Namespace,
            Kind::Pod,
            Kind::Service,
            Kind::EndpointSlice,
            Kind::Deployment,
            Kind::StatefulSet,
            Kind::DaemonSet,
        ];
        self.add(LIST, &kinds).add(LIST, &[Kind::BGPPeer]).ways().doors()
    }

    fn exposing(&mut self) -> &mut Rights {
        let made = ["create", "update"];
        self.flow().ways().announcers().writing();
        self.write(&made, POLICIES).write(&made, SETS).write(&["create"], &[Kind::HostEndpoint])
    }

    /// The facts of the network.
    fn facts(&mut self) -> &mut Rights {
        self.ways().announcers().add(LIST, &[Kind::KubeControllersConfiguration, Kind::ServiceCIDR]);
        self.named(Kind::ConfigMap, SYSTEM, &[KUBEADM_CONFIG, CALICO_CONFIG, "node-local-dns"])
    }

    /// What is read is watched too, but for the settings of programs.
    fn watching(&mut self) {
        let settings = [On::Kind(Kind::ConfigMap), On::Kind(Kind::DaemonSet), On::Migration];
        let read: Vec<On> =
            self.0.iter().filter(|wanted| FIND.contains(&wanted.verb)).map(|wanted| wanted.on).collect();
        let watched = read.into_iter().filter(|on| !settings.contains(on));
        watched.for_each(|on| self.on(&["watch"], on, Scope::Cluster, &[]));
    }

    /// What nodes, tunnels and Services are today.
    fn today(&mut self) -> &mut Rights {
        self.calico().add(LIST, EVERYWHERE).add(LIST, OF_VERSION).add(LIST, IN_NAMESPACE).add(GET, &[Kind::Namespace]);
        self.add(LIST, &[Kind::Pod, Kind::Service, Kind::EndpointSlice]).ways().doors()
    }
}

/// The rights of a subcommand with any of its flags, each once; none where it is none of `SUBCOMMANDS`.
pub fn of(subcommand: &str) -> Option<Vec<Wanted>> {
    let mut rights = Rights::default();
    let (made, all) = (["create", "update"], ["create", "update", "delete"]);
    // Host endpoints are made and deleted, and never changed.
    let endpoint = [Kind::HostEndpoint];
    match subcommand {
        "lockdown" | "promote" => {
            rights.applications().writing().write(&made, POLICIES).write(&made, SETS).write(&["create"], &endpoint);
            // What grants need once their pods are locked.
            rights.add(GET, &[Kind::Namespace]);
            // What was only for a trial goes, and an observation has Felix log.
            rights.write(&["delete"], &[Kind::GlobalNetworkPolicy]);
            rights.add(LIST, STAGED).write(&all, STAGED).write(&made, &[Kind::FelixConfiguration]);
        }
        "unlock" => {
            rights.applications().add(GET, &[Kind::Namespace]).writing();
            rights.write(&["delete"], &[Kind::NetworkPolicy, Kind::GlobalNetworkSet]);
            rights.write(&["update", "delete"], &[Kind::GlobalNetworkPolicy]).write(&["delete"], &endpoint);
            rights.add(LIST, STAGED).write(&["delete"], STAGED).write(&["update"], &[Kind::FelixConfiguration]);
        }
        "allow" => {
            rights.flow().writing().write(&made, &[Kind::NetworkPolicy]);
        }
        "expose-nodeport" | "expose-lb" => {
            rights.exposing().write(&["update"], &[Kind::Service]);
        }
        "bgp-allow" => {
            rights.exposing().write(&made, &[Kind::BGPConfiguration]).write(&["create"], &[Kind::BGPPeer]);
        }
        "wireguard-sync" => {
            rights.today().writing().write(&all, &[Kind::NetworkPolicy]).write(&made, &[Kind::GlobalNetworkPolicy]);
            rights.write(&made, SETS).write(&["create", "delete"], &endpoint);
            rights.write(&["update"], &[Kind::BGPConfiguration, Kind::Service]).watching();
        }
        "revoke" => {
            rights.calico().add(LIST, &[Kind::GlobalNetworkPolicy, Kind::ClusterInformation]).add(LIST, OF_VERSION);
            rights.add(LIST, IN_NAMESPACE).add(FIND, TARGETS).add(GET, &[Kind::Namespace]).writing();
            rights.write(&["update", "delete"], &[Kind::NetworkPolicy]);
            rights.write(&["update"], &[Kind::GlobalNetworkPolicy, Kind::Service, Kind::BGPConfiguration]);
        }
        "undo" => {
            rights.applications().add(GET, &[Kind::Namespace]).writing().write(&all, POLICIES).write(&all, SETS);
            rights
                .write(&["create", "delete"], &endpoint)
                .write(&["update"], &[Kind::Service])
                .write(&all, &[Kind::BGPConfiguration]);
            rights.write(&["create", "delete"], &[Kind::BGPPeer]).add(LIST, STAGED).write(&all, STAGED);
            rights.write(&all, &[Kind::FelixConfiguration]);
        }
        "status" => {
            rights.today().add(LIST, &[Kind::Namespace, Kind::Deployment, Kind::BGPPeer]).facts().add(LIST, STAGED);
            rights.on(LIST, On::Kind(Kind::ConfigMap), Scope::Records, &[]);
            rights.0.retain(|wanted| (wanted.on, wanted.verb) != (On::Kind(Kind::Namespace), "get"));
        }
        "explain" | "test" => {
            rights.flow().ways().announcers();
        }
        "diagnose" => {
            rights.calico().add(LIST, EVERYWHERE).add(LIST, OF_VERSION).add(LIST, IN_NAMESPACE).add(LIST, OWNERS);
            rights.add(GET, &[Kind::Namespace]).add(LIST, &[Kind::EndpointSlice]);
            rights.ways().announcers().on(GET, On::NodeFiles, Scope::Cluster, &[]);
        }
        "validate" => {
            let calicos = RESOURCES.iter().map(|resource| resource.kind).filter(|kind| kind.is_calico());
            rights.calico().add(LIST, &calicos.collect::<Vec<_>>());
        }
        "snapshot" => {
            let kinds = RESOURCES.iter().map(|resource| resource.kind).filter(|kind| *kind != Kind::ConfigMap);
            rights.calico().add(LIST, &kinds.collect::<Vec<_>>()).facts();
        }
        "history" => rights.on(LIST, On::Kind(Kind::ConfigMap), Scope::Records, &[]),
        "version" | "completion" | "rbac" => {}
        _ => return None,
    }
    let Rights(mut wanted) = rights;
    wanted.sort();
    wanted.dedup();
    Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_has_its_rights_and_nothing_else_has_any() {
        for subcommand in SUBCOMMANDS {
            assert!(of(subcommand).is_some_and(|rights| !rights.is_empty()), "{subcommand}");
        }
        for file in crate::commands::FILES {
            assert!(of(&file.replace('_', "-")).is_some(), "{file}");
        }
        assert_eq!(of("fly"), None);
    }

    #[test]
    fn who_only_looks_writes_nothing() {
        for subcommand in ["status", "explain", "diagnose", "test", "validate", "snapshot", "history"] {
            let writes = of(subcommand).unwrap().into_iter().filter(|wanted| !FIND.contains(&wanted.verb));
            assert_eq!(writes.count(), 0, "{subcommand}");
        }
    }
}
