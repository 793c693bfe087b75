//! The objects that a question needs, as small as the question allows: only the fields that decide something.
//! Never knows where they came from beyond a `Place`, and never what a world or a plan is.

mod announcement;
mod calico;
mod callbacks;
mod kubernetes_policy;
mod listing;
mod meta;
mod node;
mod pod;
mod service;

pub use announcement::{AnnouncedService, AnnouncementStatus, Event, EventSeries, InvolvedObject};
pub use calico::{
    CalicoPolicy, HostEndpoint, HostEndpointSpec, IpPool, IpPoolSpec, NamedPort, NetworkSet, NetworkSetSpec, Tier,
    TierSpec,
};
pub use callbacks::{
    ApiService, ApiServiceSpec, ClientConfig, Conversion, ConversionWebhook, Definition, DefinitionSpec,
    ServiceReference, Webhook, WebhookConfiguration,
};
pub use kubernetes_policy::{
    IpBlock, KubernetesPeer, KubernetesPolicy, KubernetesPolicySpec, KubernetesPort, KubernetesRule,
};
pub use listing::{Answer, Coverage, Found, Listing, Notice, Place, Query, Refused, Unread};
pub use meta::{ConfigMap, LabelExpression, LabelSelector, Loose, Meta, Named, Namespace, OwnerReference, or_default};
pub use node::{Node, NodeAddress, NodeInfo, NodeSpec, NodeStatus};
pub use pod::{
    Condition, ConfigMapKey, Container, ContainerPort, EnvVar, EnvVarSource, Pod, PodIp, PodSpec, PodStatus,
    PodTemplate, Workload, WorkloadSpec, is_calicos_variable,
};
pub use service::{
    EndpointAddress, EndpointPort, EndpointSlice, EndpointSubset, Endpoints, LoadBalancer, LoadBalancerIngress,
    Service, ServicePort, ServiceSpec, ServiceStatus, SliceConditions, SliceEndpoint, TargetRef,
};

use serde_json::Value;

use crate::kubernetes::names::Kind;
use crate::model::validate::{Violation, validate};
use crate::model::world::Version;

/// The release whose rules are asked where nobody says which release it is.
const NEWEST: Version = Version { major: 3, minor: 32, patch: 1 };

impl Objects {
    /// The release whose rules the objects were held against.
    pub fn rules_asked(&self) -> Version {
        self.rules.or(self.asked).unwrap_or(NEWEST)
    }

    /// Holds an object, which is in v3 form, against Calico's rules. What a server keeps has no fields but those that it
    /// knows, whichever edition of Calico they are of.
    pub fn judge(&mut self, kind: Kind, value: &Value, name: &str, place: &Place, version: Option<Version>) {
        if !kind.is_calico() {
            return;
        }
        self.asked = self.rules.or(version);
        let found = validate(value, Some(self.rules_asked()));
        let counts = |violation: &Violation| *place != Place::Server || !violation.is_unknown_field();
        let refused = found.into_iter().filter(counts);
        let (object, place) = (name.to_string(), place.clone());
        self.refused.extend(refused.map(|violation| Refused {
            object: object.clone(),
            place: place.clone(),
            violation,
        }));
    }
}

/// Everything that was read, by kind, and everything that could not be.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// Nodes (v1).
    pub nodes: Listing<Node>,
    /// Namespaces (v1).
    pub namespaces: Listing<Namespace>,
    /// Pods (v1).
    pub pods: Listing<Pod>,
    /// ServiceAccounts (v1).
    pub service_accounts: Listing<Named>,
    /// Services (v1).
    pub services: Listing<Service>,
    /// Endpoints (v1), for clusters whose slices cannot be read.
    pub endpoints: Listing<Endpoints>,
    /// EndpointSlices (discovery.k8s.io).
    pub endpoint_slices: Listing<EndpointSlice>,
    /// ConfigMaps (v1).
    pub config_maps: Listing<ConfigMap>,
    /// Deployments, StatefulSets, DaemonSets, ReplicaSets and Jobs: what a target can name besides a pod.
    pub workloads: Listing<Workload>,
    /// NetworkPolicies (networking.k8s.io).
    pub kubernetes_policies: Listing<KubernetesPolicy>,
    /// GlobalNetworkPolicies, NetworkPolicies and their staged kinds (Calico), in v3 form.
    pub calico_policies: Listing<CalicoPolicy>,
    /// Tiers (Calico).
    pub tiers: Listing<Tier>,
    /// HostEndpoints (Calico).
    pub host_endpoints: Listing<HostEndpoint>,
    /// GlobalNetworkSets and NetworkSets (Calico).
    pub network_sets: Listing<NetworkSet>,
    /// IPPools (Calico).
    pub ip_pools: Listing<IpPool>,
    /// FelixConfigurations (Calico).
    pub felix_configurations: Listing<Loose>,
    /// BGPConfigurations (Calico).
    pub bgp_configurations: Listing<Loose>,
    /// BGPPeers (Calico).
    pub bgp_peers: Listing<Loose>,
    /// ClusterInformations (Calico).
    pub cluster_informations: Listing<Loose>,
    /// ValidatingWebhookConfigurations and MutatingWebhookConfigurations.
    pub webhooks: Listing<WebhookConfiguration>,
    /// APIServices (apiregistration.k8s.io).
    pub api_services: Listing<ApiService>,
    /// CustomResourceDefinitions (apiextensions.k8s.io).
    pub definitions: Listing<Definition>,
    /// AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy: recognised, not evaluated.
    pub admin_policies: Listing<Loose>,
    /// ServiceL2Statuses (MetalLB): which node announces a load balancer's address.
    pub l2_statuses: Listing<AnnouncementStatus>,
    /// ServiceBGPStatuses (MetalLB): which nodes do.
    pub bgp_statuses: Listing<AnnouncementStatus>,
    /// IPAddressPools, L2Advertisements and BGPAdvertisements (MetalLB).
    pub metallb: Listing<Loose>,
    /// Events (v1).
    pub events: Listing<Event>,
    /// ServiceCIDRs (networking.k8s.io).
    pub service_cidrs: Listing<Loose>,
    /// KubeControllersConfigurations (Calico).
    pub kube_controllers: Listing<Loose>,
    /// Documents that could not be understood.
    pub unread: Vec<Unread>,
    /// What the API server failed to answer, and why; it is hidden as well.
    pub failed: Vec<(Kind, String)>,
    /// The release of Calico whose rules count; without one the cluster's own, and where that is not known those of 3.32.
    pub rules: Option<Version>,
    /// The release whose rules were asked last.
    pub asked: Option<Version>,
    /// What Calico's rules refuse of the objects that were read, field by field.
    pub refused: Vec<Refused>,
    /// What was noticed while reading: it is understood, but does not say what its writer may think.
    pub notices: Vec<Notice>,
}
