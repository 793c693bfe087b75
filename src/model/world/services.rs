//! Services with their backends, and those that the API server calls.
//! Never knows which backend a packet gets.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Fact, Labels};
use crate::model::flow::Protocol;

/// A Service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// ClusterIP, NodePort, LoadBalancer, ExternalName.
    pub kind: String,
    /// Cluster addresses; none for headless Services.
    pub cluster_ips: Vec<IpAddr>,
    /// spec.externalIPs.
    pub external_ips: Vec<IpAddr>,
    /// status.loadBalancer addresses.
    pub load_balancer_ips: Vec<IpAddr>,
    /// status.loadBalancer addresses with ipMode Proxy: packets to them go to the load balancer, and kube-proxy never
    /// sees them.
    pub proxied_ips: Vec<IpAddr>,
    /// The port of every node that answers health checks of externalTrafficPolicy: Local.
    pub health_check_node_port: Option<u16>,
    /// Which pods answer; none for Services whose endpoints are made by hand.
    pub selector: Labels,
    /// Ports.
    pub ports: Vec<ServicePort>,
    /// externalTrafficPolicy: Local.
    pub local: bool,
    /// internalTrafficPolicy: Local.
    pub internal_local: bool,
    /// loadBalancerSourceRanges: other sources of its load balancer addresses are dropped by kube-proxy.
    pub source_ranges: Vec<IpNet>,
    /// Backends, where slices, Endpoints or the pods themselves tell them.
    pub backends: Fact<Vec<Backend>>,
}

/// One port of a Service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServicePort {
    /// Its name.
    pub name: Option<String>,
    /// Protocol.
    pub protocol: Protocol,
    /// The Service's port.
    pub port: u16,
    /// The pods' port.
    pub target: TargetPort,
    /// The port on every node.
    pub node_port: Option<u16>,
}

/// The pods' port of a Service's port.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetPort {
    /// A number.
    Number(u16),
    /// A declared port's name.
    Name(String),
}

/// An endpoint of a Service.
#[derive(Clone, Debug, PartialEq)]
pub struct Backend {
    /// The Service port's name that it serves (none for a Service with one unnamed port).
    pub port_name: Option<String>,
    /// Protocol.
    pub protocol: Protocol,
    /// Its address.
    pub ip: IpAddr,
    /// Its port.
    pub port: u16,
    /// Its node.
    pub node: Option<String>,
    /// Ready: gets traffic.
    pub ready: bool,
}

/// A Service that the API server calls, and for what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Callback {
    /// The Service's namespace.
    pub namespace: String,
    /// The Service's name.
    pub service: String,
    /// The Service's port.
    pub port: u16,
    /// As `ValidatingWebhookConfiguration kyverno-resource-validating-webhook-cfg`.
    pub from: String,
}
