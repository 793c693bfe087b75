//! Tiers, policies as they are written, and what Calico's policies select besides pods.
//! Never knows what a policy decides.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Labels, PodPort};
use crate::model::spec::PolicySpec;

/// A policy as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Spec in v3 form.
    pub spec: PolicySpec,
    /// Labels.
    pub labels: Labels,
    /// Annotations, of which some hold grants.
    pub annotations: Labels,
    /// The version that it was read at, on a live cluster.
    pub resource_version: Option<String>,
    /// Who else writes it, as `Argo CD (label argocd.argoproj.io/instance)`.
    pub keeper: Option<String>,
    /// Where it stands, for a person.
    pub place: String,
}

/// A tier.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    /// Its name.
    pub name: String,
    /// Lower comes first; none comes last.
    pub order: Option<f64>,
    /// Whether what matches nothing goes on to the next tier (defaultAction: Pass) instead of being dropped.
    pub pass: bool,
    /// Whether a Tier object says so; policies can name a tier that does not exist.
    pub exists: bool,
}

/// A host endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostEndpoint {
    /// Its name.
    pub name: String,
    /// Its labels, with those that its profiles bring.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// Its node.
    pub node: String,
    /// An interface's name, `*` for all, or none where the addresses tell.
    pub interface: Option<String>,
    /// expectedIPs.
    pub addresses: Vec<IpAddr>,
    /// Profiles.
    pub profiles: Vec<String>,
    /// Named ports.
    pub ports: Vec<PodPort>,
    /// kube-controllers made it and keeps it as it is.
    pub automatic: bool,
}

/// A network set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkSet {
    /// Its namespace; none for a GlobalNetworkSet.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its own labels, for a NetworkSet with those of its namespace.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// Its addresses.
    pub nets: Vec<IpNet>,
    /// Prefixes of labels that it may have and that could not be seen.
    pub unseen_labels: Vec<String>,
    /// Why it is not sure that Felix takes it as it stands, if so.
    pub doubt: Option<String>,
    /// Who else writes it, as `Argo CD (label argocd.argoproj.io/instance)`.
    pub keeper: Option<String>,
}
