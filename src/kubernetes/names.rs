//! Every group, kind, resource, label and annotation that this program reads or writes: the only file that spells them.
//! Never knows what an object says.

use std::fmt;

/// A kind that is read or written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// v1.
    Node,
    /// v1.
    Namespace,
    /// v1.
    Pod,
    /// v1.
    ServiceAccount,
    /// v1.
    Service,
    /// v1.
    Endpoints,
    /// discovery.k8s.io.
    EndpointSlice,
    /// v1.
    ConfigMap,
    /// apps.
    Deployment,
    /// apps.
    StatefulSet,
    /// apps.
    DaemonSet,
    /// apps.
    ReplicaSet,
    /// batch.
    Job,
    /// networking.k8s.io; Calico's own NetworkPolicy is `NetworkPolicy`.
    KubernetesNetworkPolicy,
    /// Calico.
    #[default]
    GlobalNetworkPolicy,
    /// Calico.
    NetworkPolicy,
    /// Calico, 3.30 and later.
    StagedGlobalNetworkPolicy,
    /// Calico, 3.30 and later.
    StagedNetworkPolicy,
    /// Calico, 3.30 and later.
    StagedKubernetesNetworkPolicy,
    /// Calico, 3.29 and later.
    Tier,
    /// Calico.
    HostEndpoint,
    /// Calico.
    GlobalNetworkSet,
    /// Calico.
    NetworkSet,
    /// Calico.
    IPPool,
    /// Calico.
    FelixConfiguration,
    /// Calico.
    BGPConfiguration,
    /// Calico.
    BGPPeer,
    /// Calico.
    ClusterInformation,
    /// Calico.
    KubeControllersConfiguration,
    /// admissionregistration.k8s.io.
    ValidatingWebhookConfiguration,
    /// admissionregistration.k8s.io.
    MutatingWebhookConfiguration,
    /// apiregistration.k8s.io.
    APIService,
    /// apiextensions.k8s.io.
    CustomResourceDefinition,
    /// metallb.io, 0.14 and later.
    ServiceL2Status,
    /// metallb.io, 0.15 and later.
    ServiceBGPStatus,
    /// metallb.io, 0.13 and later.
    IPAddressPool,
    /// metallb.io, 0.13 and later.
    L2Advertisement,
    /// metallb.io, 0.13 and later.
    BGPAdvertisement,
    /// v1; only those that say which node announces a Service.
    Event,
    /// networking.k8s.io, with Kubernetes 1.31 and later.
    ServiceCIDR,
    /// policy.networking.k8s.io, with Calico 3.29 to 3.31.
    AdminNetworkPolicy,
    /// policy.networking.k8s.io, with Calico 3.30 and 3.31.
    BaselineAdminNetworkPolicy,
    /// policy.networking.k8s.io, with Calico 3.32 and later.
    ClusterNetworkPolicy,
}

/// Where the API server keeps a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The kind.
    pub kind: Kind,
    /// The word in `kind:`.
    pub name: &'static str,
    /// The API group; empty for v1, `projectcalico.org` for Calico's own whatever the server stores them as.
    pub group: &'static str,
    /// The version to ask for, best first.
    pub versions: &'static [&'static str],
    /// The resource's plural, as in paths.
    pub plural: &'static str,
    /// Whether objects are in namespaces.
    pub namespaced: bool,
}

/// The group in which Calico documents its kinds.
pub const CALICO_GROUP: &str = "projectcalico.org";
/// The group in which Calico stores its kinds as CustomResourceDefinitions.
pub const CALICO_CRD_GROUP: &str = "crd.projectcalico.org";
/// A resource that only Calico's own API server has: custom resources of projectcalico.org/v3 have no profiles.
pub const AGGREGATED_ONLY: &str = "profiles";
/// The group in which Calico says how far its objects are moved to projectcalico.org/v3.
pub const MIGRATION_GROUP: &str = "migration.projectcalico.org";
/// The resource in it.
pub const DATASTORE_MIGRATIONS: &str = "datastoremigrations";
/// Calico's own metadata, as JSON, on objects that it stores as custom resources.
pub const CALICO_METADATA: &str = "projectcalico.org/metadata";
/// The kinds of policies in whose names Calico asks for rights on a tier, as RBAC knows them.
pub const TIER_RESOURCES: [&str; 2] = ["tier.networkpolicies", "tier.globalnetworkpolicies"];
/// On a policy: the tier, by which calicoctl finds it since 3.29.
pub const TIER_LABEL: &str = "projectcalico.org/tier";
/// On a Node: its IPv4 address with the subnet's mask.
pub const NODE_IPV4: &str = "projectcalico.org/IPv4Address";
/// On a Node: its IPv6 address with the subnet's mask.
pub const NODE_IPV6: &str = "projectcalico.org/IPv6Address";
/// On a Node: the address of tunl0.
pub const NODE_IPIP: &str = "projectcalico.org/IPv4IPIPTunnelAddr";
/// On a Node: the address of vxlan.calico.
pub const NODE_VXLAN4: &str = "projectcalico.org/IPv4VXLANTunnelAddr";
/// On a Node: the address of vxlan-v6.calico.
pub const NODE_VXLAN6: &str = "projectcalico.org/IPv6VXLANTunnelAddr";
/// On a Node: the address of wireguard.cali.
pub const NODE_WIREGUARD4: &str = "projectcalico.org/IPv4WireguardInterfaceAddr";
/// On a Node: the address of wg-v6.cali.
pub const NODE_WIREGUARD6: &str = "projectcalico.org/IPv6WireguardInterfaceAddr";
/// On a Node: its WireGuard public key for IPv4.
pub const NODE_WIREGUARD_KEY4: &str = "projectcalico.org/WireguardPublicKey";
/// On a Node: its WireGuard public key for IPv6.
pub const NODE_WIREGUARD_KEY6: &str = "projectcalico.org/WireguardPublicKeyV6";
/// On a Node: its network interfaces with their addresses, as JSON (3.31 and later).
pub const NODE_INTERFACES: &str = "projectcalico.org/Interfaces";
/// On a Node: it is no target of load balancers, and announces no addresses of Services.
pub const EXCLUDED_FROM_BALANCERS: &str = "node.kubernetes.io/exclude-from-external-load-balancers";
/// On a HostEndpoint: who made it; `calico-kube-controllers` keeps its own as they are.
pub const CREATED_BY: &str = "projectcalico.org/created-by";
/// The value of `CREATED_BY` on automatic host endpoints.
pub const KUBE_CONTROLLERS: &str = "calico-kube-controllers";
/// On a status of MetalLB: the namespace of the Service that it is about.
pub const BALANCED_NAMESPACE: &str = "metallb.io/service-namespace";
/// On a status of MetalLB: the Service that it is about.
pub const BALANCED_SERVICE: &str = "metallb.io/service-name";
/// On a status of MetalLB: the node that announces.
pub const BALANCED_NODE: &str = "metallb.io/node";
/// The DaemonSet that runs Felix, in Calico's manifests and as the operator makes it, and the container in it.
pub const CALICO_NODE: &str = "calico-node";
/// The ConfigMap of Calico's manifests.
pub const CALICO_CONFIG: &str = "calico-config";
/// The ConfigMaps that hold kube-proxy's configuration file: kubeadm's and most others', and that of EKS.
pub const KUBE_PROXY_CONFIGS: [&str; 2] = ["kube-proxy", "kube-proxy-config"];
/// The ConfigMap in which kubeadm keeps what it made the cluster with.
pub const KUBEADM_CONFIG: &str = "kubeadm-config";
/// The ConfigMap of MetalLB up to 0.12.
pub const METALLB_CONFIG: &str = "config";
/// The reason of MetalLB's events that say which node announces a Service.
pub const NODE_ASSIGNED: &str = "nodeAssigned";
/// On kube-apiserver's and kube-controller-manager's static Pods: which of them it is.
pub const COMPONENT: &str = "component";
/// On a Node: it runs the control plane; the second word is what clusters up to 1.24 say.
pub const CONTROL_PLANE: [&str; 3] =
    ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master", "node-role.kubernetes.io/controlplane"];
/// On a pod or network set, added by Calico: its namespace.
pub const LABEL_NAMESPACE: &str = "projectcalico.org/namespace";
/// On a pod, added by Calico: who runs it, always `k8s` here.
pub const LABEL_ORCHESTRATOR: &str = "projectcalico.org/orchestrator";
/// On a pod, added by Calico: its ServiceAccount.
pub const LABEL_SERVICE_ACCOUNT: &str = "projectcalico.org/serviceaccount";
/// On a Pod: its addresses as the CNI plugin gave them, with masks, separated by commas.
pub const POD_IPS: &str = "cni.projectcalico.org/podIPs";
/// On a Pod: its first address as the CNI plugin gave it, with a mask.
pub const POD_IP: &str = "cni.projectcalico.org/podIP";
/// On an EndpointSlice: the Service.
pub const SLICE_SERVICE: &str = "kubernetes.io/service-name";
/// On a rule of a policy and, with the grant's id behind it, on the policy that holds the grant.
pub const GRANT: &str = "kubectl-zerotrust/grant";
/// On the policy that held a grant, with its id behind it: the grant is being taken back, and its rules elsewhere go.
pub const REVOKED: &str = "kubectl-zerotrust/revoked";
/// On a rule of the perimeter: a door that was open when the perimeter was made, and stays so; its value says which.
pub const FOUND_OPEN: &str = "kubectl-zerotrust/found-open";
/// On the perimeter's policy: the nodes are locked too, and its value says what stays open on them.
pub const HOSTS: &str = "kubectl-zerotrust/hosts";
/// A label of the GlobalNetworkSet that holds the nodes' addresses.
pub const NODES_LABEL: &str = "kubectl-zerotrust/nodes";
/// On a rule of a policy that observes: its action once promoted (`Allow`, `Deny`), or `none` where the rule goes then.
pub const PROMOTED: &str = "kubectl-zerotrust/promoted";
/// On a policy that observes: what `promote` and `unlock` have to know of how it was made.
pub const OBSERVED: &str = "kubectl-zerotrust/observed";
/// On what the tool made, policies, host endpoints and sets: what for (`lockdown`, `observing`, `lifeline`, `allow`,
/// `perimeter`).
pub const ROLE: &str = "kubectl-zerotrust/role";
/// On every ConfigMap of a record: the record's number.
pub const RECORD: &str = "kubectl-zerotrust/record";
/// On every record of a change.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of `MANAGED_BY`, and the field manager of every write.
pub const TOOL: &str = "kubectl-zerotrust";

const fn core(kind: Kind, name: &'static str, plural: &'static str, namespaced: bool) -> Resource {
    Resource { kind, name, group: "", versions: &["v1"], plural, namespaced }
}

const fn calico(kind: Kind, name: &'static str, plural: &'static str, namespaced: bool) -> Resource {
    Resource { kind, name, group: CALICO_GROUP, versions: &["v3"], plural, namespaced }
}

const fn of(kind: Kind, name: &'static str, group: &'static str, plural: &'static str, namespaced: bool) -> Resource {
    Resource { kind, name, group, versions: &["v1"], plural, namespaced }
}

const fn metallb(kind: Kind, name: &'static str, plural: &'static str) -> Resource {
    Resource { kind, name, group: METALLB, versions: &["v1beta1"], plural, namespaced: true }
}

const METALLB: &str = "metallb.io";
const POLICY_API: &str = "policy.networking.k8s.io";

/// All kinds.
pub const RESOURCES: &[Resource] = &[
    core(Kind::Node, "Node", "nodes", false),
    core(Kind::Namespace, "Namespace", "namespaces", false),
    core(Kind::Pod, "Pod", "pods", true),
    core(Kind::ServiceAccount, "ServiceAccount", "serviceaccounts", true),
    core(Kind::Service, "Service", "services", true),
    core(Kind::Endpoints, "Endpoints", "endpoints", true),
    Resource {
        kind: Kind::EndpointSlice,
        name: "EndpointSlice",
        group: "discovery.k8s.io",
        versions: &["v1", "v1beta1"],
        plural: "endpointslices",
        namespaced: true,
    },
    core(Kind::ConfigMap, "ConfigMap", "configmaps", true),
    of(Kind::Deployment, "Deployment", "apps", "deployments", true),
    of(Kind::StatefulSet, "StatefulSet", "apps", "statefulsets", true),
    of(Kind::DaemonSet, "DaemonSet", "apps", "daemonsets", true),
    of(Kind::ReplicaSet, "ReplicaSet", "apps", "replicasets", true),
    of(Kind::Job, "Job", "batch", "jobs", true),
    of(Kind::KubernetesNetworkPolicy, "NetworkPolicy", "networking.k8s.io", "networkpolicies", true),
    calico(Kind::GlobalNetworkPolicy, "GlobalNetworkPolicy", "globalnetworkpolicies", false),
    calico(Kind::NetworkPolicy, "NetworkPolicy", "networkpolicies", true),
    calico(Kind::StagedGlobalNetworkPolicy, "StagedGlobalNetworkPolicy", "stagedglobalnetworkpolicies", false),
    calico(Kind::StagedNetworkPolicy, "StagedNetworkPolicy", "stagednetworkpolicies", true),
    calico(
        Kind::StagedKubernetesNetworkPolicy,
        "StagedKubernetesNetworkPolicy",
        "stagedkubernetesnetworkpolicies",
        true,
    ),
    calico(Kind::Tier, "Tier", "tiers", false),
    calico(Kind::HostEndpoint, "HostEndpoint", "hostendpoints", false),
    calico(Kind::GlobalNetworkSet, "GlobalNetworkSet", "globalnetworksets", false),
    calico(Kind::NetworkSet, "NetworkSet", "networksets", true),
    calico(Kind::IPPool, "IPPool", "ippools", false),
    calico(Kind::FelixConfiguration, "FelixConfiguration", "felixconfigurations", false),
    calico(Kind::BGPConfiguration, "BGPConfiguration", "bgpconfigurations", false),
    calico(Kind::BGPPeer, "BGPPeer", "bgppeers", false),
    calico(Kind::ClusterInformation, "ClusterInformation", "clusterinformations", false),
    calico(Kind::KubeControllersConfiguration, "KubeControllersConfiguration", "kubecontrollersconfigurations", false),
    of(
        Kind::ValidatingWebhookConfiguration,
        "ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io",
        "validatingwebhookconfigurations",
        false,
    ),
    of(
        Kind::MutatingWebhookConfiguration,
        "MutatingWebhookConfiguration",
        "admissionregistration.k8s.io",
        "mutatingwebhookconfigurations",
        false,
    ),
    of(Kind::APIService, "APIService", "apiregistration.k8s.io", "apiservices", false),
    of(
        Kind::CustomResourceDefinition,
        "CustomResourceDefinition",
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        false,
    ),
    metallb(Kind::ServiceL2Status, "ServiceL2Status", "servicel2statuses"),
    metallb(Kind::ServiceBGPStatus, "ServiceBGPStatus", "servicebgpstatuses"),
    metallb(Kind::IPAddressPool, "IPAddressPool", "ipaddresspools"),
    metallb(Kind::L2Advertisement, "L2Advertisement", "l2advertisements"),
    metallb(Kind::BGPAdvertisement, "BGPAdvertisement", "bgpadvertisements"),
    core(Kind::Event, "Event", "events", true),
    Resource {
        kind: Kind::ServiceCIDR,
        name: "ServiceCIDR",
        group: "networking.k8s.io",
        versions: &["v1", "v1beta1"],
        plural: "servicecidrs",
        namespaced: false,
    },
    Resource {
        kind: Kind::AdminNetworkPolicy,
        name: "AdminNetworkPolicy",
        group: POLICY_API,
        versions: &["v1alpha1"],
        plural: "adminnetworkpolicies",
        namespaced: false,
    },
    Resource {
        kind: Kind::BaselineAdminNetworkPolicy,
        name: "BaselineAdminNetworkPolicy",
        group: POLICY_API,
        versions: &["v1alpha1"],
        plural: "baselineadminnetworkpolicies",
        namespaced: false,
    },
    Resource {
        kind: Kind::ClusterNetworkPolicy,
        name: "ClusterNetworkPolicy",
        group: POLICY_API,
        versions: &["v1alpha2"],
        plural: "clusternetworkpolicies",
        namespaced: false,
    },
];

impl Kind {
    /// Where the API server keeps it.
    pub fn resource(self) -> &'static Resource {
        RESOURCES.iter().find(|resource| resource.kind == self).expect("every kind is in RESOURCES")
    }

    /// The kind that a document's `apiVersion` and `kind` name; Calico's under either of its groups.
    pub fn of_document(api_version: &str, kind: &str) -> Option<Kind> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let group = if group == CALICO_CRD_GROUP { CALICO_GROUP } else { group };
        RESOURCES.iter().find(|resource| resource.group == group && resource.name == kind).map(|resource| resource.kind)
    }

    /// Whether Calico defines it.
    pub fn is_calico(self) -> bool {
        self.resource().group == CALICO_GROUP
    }

    /// Whether there are clusters whose API server does not know the kind, so that a refusal may mean just that.
    pub fn may_be_absent(self) -> bool {
        self.is_calico() || [METALLB, POLICY_API].contains(&self.resource().group) || self == Kind::ServiceCIDR
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.resource().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_own_document() {
        for resource in RESOURCES {
            let api_version = match resource.group {
                "" => resource.versions[0].to_string(),
                group => format!("{group}/{}", resource.versions[0]),
            };
            assert_eq!(Kind::of_document(&api_version, resource.name), Some(resource.kind));
            assert_eq!(resource.kind.resource(), resource);
        }
        assert_eq!(Kind::of_document("crd.projectcalico.org/v1", "NetworkPolicy"), Some(Kind::NetworkPolicy));
        assert_eq!(Kind::of_document("networking.k8s.io/v1", "NetworkPolicy"), Some(Kind::KubernetesNetworkPolicy));
    }
}
