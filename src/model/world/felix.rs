//! What Felix is told on a node, from its environment and the FelixConfigurations.
//! Never knows which packet it decides about.

use ipnet::IpNet;

use super::Fact;
use crate::model::flow::Protocol;

/// What Felix is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Felix {
    /// What programs the kernel.
    pub dataplane: Fact<Dataplane>,
    /// bpfEnabled.
    pub bpf: Fact<bool>,
    /// bpfKubeProxyIptablesCleanupEnabled: with eBPF, what kube-proxy left in iptables is removed.
    pub cleans_proxy: Fact<bool>,
    /// defaultEndpointToHostAction: what becomes of packets from a pod to its own node.
    pub endpoint_to_host: Fact<EndpointToHost>,
    /// Ports of nodes that Felix keeps open for packets that come in.
    pub failsafe_in: Fact<Vec<Failsafe>>,
    /// Ports that Felix keeps open for packets that a node sends.
    pub failsafe_out: Fact<Vec<Failsafe>>,
    /// wireguardEnabled and wireguardEnabledV6.
    pub wireguard: [Fact<bool>; 2],
    /// wireguardHostEncryptionEnabled: WireGuard devices have no address of their own.
    pub host_encryption: Fact<bool>,
    /// The UDP ports of WireGuard, for IPv4 and IPv6.
    pub wireguard_ports: [u16; 2],
    /// The UDP port of VXLAN.
    pub vxlan_port: u16,
    /// logPrefix: what it writes before packets that Log rules match.
    pub log_prefix: Fact<String>,
    /// logActionRateLimit: how often Log rules write at most, as `10/minute`, if that is limited.
    pub log_rate_limit: Fact<Option<String>>,
    /// interfacePrefix: what the names of pods' interfaces begin with.
    pub interface_prefixes: Fact<Vec<String>>,
    /// natOutgoingExclusions: IPPoolsAndHostIPs leaves pods' packets to nodes as they are (3.31 and later).
    pub nat_spares_hosts: Fact<bool>,
}

impl Default for Felix {
    fn default() -> Felix {
        Felix {
            dataplane: Fact::default(),
            bpf: Fact::default(),
            cleans_proxy: Fact::default(),
            endpoint_to_host: Fact::default(),
            failsafe_in: Fact::default(),
            failsafe_out: Fact::default(),
            wireguard: [Fact::default(), Fact::default()],
            host_encryption: Fact::default(),
            wireguard_ports: [51820, 51821],
            vxlan_port: 4789,
            log_prefix: Fact::default(),
            log_rate_limit: Fact::default(),
            interface_prefixes: Fact::default(),
            nat_spares_hosts: Fact::default(),
        }
    }
}

impl Felix {
    /// Whether it is known to use the eBPF dataplane.
    pub fn is_bpf(&self) -> bool {
        self.bpf.value() == Some(&true)
    }
}

/// What programs the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dataplane {
    /// iptables, by either of its backends.
    Iptables,
    /// nftables (3.29 and later).
    Nftables,
    /// eBPF.
    Bpf,
}

impl std::fmt::Display for Dataplane {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Dataplane::Iptables => "iptables",
            Dataplane::Nftables => "nftables",
            Dataplane::Bpf => "eBPF",
        })
    }
}

/// What becomes of a packet from a pod to its own node, once the pod's policy let it pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointToHost {
    /// It passes.
    Accept,
    /// The rest of the node's own rules decides; Calico has no say.
    Return,
    /// It is dropped.
    Drop,
}

impl std::fmt::Display for EndpointToHost {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            EndpointToHost::Accept => "Accept",
            EndpointToHost::Return => "Return",
            EndpointToHost::Drop => "Drop",
        })
    }
}

/// A port that Felix keeps open on host endpoints, whatever policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failsafe {
    /// Protocol.
    pub protocol: Protocol,
    /// Destination port.
    pub port: u16,
    /// Only for these other ends.
    pub net: Option<IpNet>,
}

/// Host endpoints that kube-controllers makes and keeps by itself (KubeControllersConfiguration).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AutoHostEndpoints {
    /// autoCreate: Enabled.
    pub enabled: bool,
    /// Whether each node gets one for all interfaces, `NODE-auto-hep`.
    pub default: bool,
    /// The names of the templates that make more (3.30 and later).
    pub templates: Vec<String>,
}
