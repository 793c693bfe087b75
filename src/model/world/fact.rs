//! Facts with their evidence, and what could not be seen.
//! Never knows what a fact is about.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// Something that is known from somewhere, or not, and why. Absent, hidden and empty are three different things.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact<T> {
    /// Known.
    Known {
        /// What.
        value: T,
        /// From where, as `annotation projectcalico.org/IPv4Address of Node n1`.
        evidence: String,
    },
    /// Not known.
    Unknown {
        /// Why, in words for a person.
        why: String,
    },
}

impl<T> Fact<T> {
    /// A known fact.
    pub fn known(value: T, evidence: impl Into<String>) -> Fact<T> {
        Fact::Known { value, evidence: evidence.into() }
    }

    /// A fact that is not known.
    pub fn unknown(why: impl Into<String>) -> Fact<T> {
        Fact::Unknown { why: why.into() }
    }

    /// The value, where it is known.
    pub fn value(&self) -> Option<&T> {
        match self {
            Fact::Known { value, .. } => Some(value),
            Fact::Unknown { .. } => None,
        }
    }
}

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Fact::unknown("nobody asked")
    }
}

/// Something that could not be seen, and what it may hide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// What it may hide.
    pub hides: Hidden,
    /// The namespace that it is limited to.
    pub namespace: Option<String>,
    /// Where, for a person: a file and line, or a resource.
    pub place: String,
    /// Why it could not be read.
    pub reason: String,
}

/// What may be there without being seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hidden {
    /// Policies, or tiers: any decision of an endpoint in the namespace may be another one.
    Policies,
    /// Pods: an address may have an owner that is not known.
    Addresses,
    /// Network sets: any address may be in one.
    Sets,
    /// Host endpoints: a node may police its traffic, and an address may be one of theirs.
    HostEndpoints,
    /// Labels of namespaces or ServiceAccounts.
    Labels,
    /// Services and their endpoints.
    Services,
    /// Nodes, pools and other facts of the routes.
    Routes,
    /// Something else, which decides nothing here.
    Other,
}

/// A part of the cluster that is read on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// GlobalNetworkPolicies.
    GlobalPolicies,
    /// NetworkPolicies of Calico.
    Policies,
    /// NetworkPolicies of Kubernetes.
    KubernetesPolicies,
    /// Tiers.
    Tiers,
    /// Pods.
    Pods,
    /// GlobalNetworkSets.
    GlobalSets,
    /// NetworkSets.
    Sets,
    /// HostEndpoints.
    HostEndpoints,
    /// Namespaces.
    Namespaces,
    /// ServiceAccounts.
    ServiceAccounts,
    /// Services.
    Services,
    /// EndpointSlices, or Endpoints.
    Backends,
    /// Nodes.
    Nodes,
    /// IPPools.
    Pools,
}

/// How much of a part was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// All of it, or there is none of it.
    pub all: bool,
    /// All of these namespaces.
    pub namespaces: BTreeSet<String>,
    /// All that has one of these addresses.
    pub addresses: BTreeSet<IpAddr>,
}
