//! What an operator can take upon themselves with `--accept-risk`: each lifeline of a cluster by its name, and more.
//! Never decides what is a risk.

/// A risk that a refusal names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Locking without having found the cluster's DNS, or cutting pods off from it.
    Dns,
    /// Whoever calls the API server is cut off from it; or locking without knowing from where it calls webhooks.
    ApiServer,
    /// The API server does not reach kubelets: no logs, no exec, no port-forward.
    Kubelet,
    /// Members of etcd do not reach each other.
    Etcd,
    /// Felix does not reach Typha, and learns of no change any more.
    Typha,
    /// Routes are not exchanged any more.
    Bgp,
    /// Tunnels of WireGuard between nodes.
    Wireguard,
    /// Tunnels of VXLAN between nodes.
    Vxlan,
    /// Tunnels of IPIP between nodes.
    Ipip,
    /// MetalLB's speakers do not see each other, and addresses of load balancers move.
    Memberlist,
    /// Admission and conversion webhooks: writes of what they look at fail.
    Webhooks,
    /// Aggregated APIs answer no more.
    AggregatedApis,
    /// The Calico API server answers no more: projectcalico.org/v3 is gone.
    CalicoApiServer,
    /// No metrics of nodes and pods: autoscaling stops.
    MetricsServer,
    /// The API server reaches the cluster through konnectivity's agents.
    Konnectivity,
    /// What processes on nodes serve and ask for, to and from outside.
    Nodes,
    /// Pods' ways to their nodes, across nodes and out.
    Pods,
    /// Letting node addresses in where a node port masquerades its clients.
    OpenToAllClientsOfNodes,
}

impl Risk {
    /// All of them.
    pub const ALL: [Risk; 18] = [
        Risk::Dns,
        Risk::ApiServer,
        Risk::Kubelet,
        Risk::Etcd,
        Risk::Typha,
        Risk::Bgp,
        Risk::Wireguard,
        Risk::Vxlan,
        Risk::Ipip,
        Risk::Memberlist,
        Risk::Webhooks,
        Risk::AggregatedApis,
        Risk::CalicoApiServer,
        Risk::MetricsServer,
        Risk::Konnectivity,
        Risk::Nodes,
        Risk::Pods,
        Risk::OpenToAllClientsOfNodes,
    ];

    /// The risk that a word names.
    pub fn parse(word: &str) -> Option<Risk> {
        Risk::ALL.into_iter().find(|risk| risk.to_string() == word)
    }
}

impl std::fmt::Display for Risk {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Risk::Dns => "dns",
            Risk::ApiServer => "api-server",
            Risk::Kubelet => "kubelet",
            Risk::Etcd => "etcd",
            Risk::Typha => "typha",
            Risk::Bgp => "bgp",
            Risk::Wireguard => "wireguard",
            Risk::Vxlan => "vxlan",
            Risk::Ipip => "ipip",
            Risk::Memberlist => "memberlist",
            Risk::Webhooks => "webhooks",
            Risk::AggregatedApis => "aggregated-apis",
            Risk::CalicoApiServer => "calico-api-server",
            Risk::MetricsServer => "metrics-server",
            Risk::Konnectivity => "konnectivity",
            Risk::Nodes => "nodes",
            Risk::Pods => "pods",
            Risk::OpenToAllClientsOfNodes => "open-to-all-clients-of-nodes",
        })
    }
}
