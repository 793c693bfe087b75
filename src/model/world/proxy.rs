//! What kube-proxy is told.
//! Never knows what it does to a packet.

use std::net::IpAddr;

use ipnet::IpNet;

/// How kube-proxy tells pods from other sources.
#[derive(Clone, Debug, PartialEq)]
pub enum LocalDetection {
    /// By these ranges (ClusterCIDR).
    Ranges(Vec<IpNet>),
    /// By the interface that the packet comes in by (InterfaceNamePrefix): only pods of the same node are local.
    Node,
    /// By the node's own podCIDRs (NodeCIDR), which are not where Calico's own IPAM takes addresses from.
    NodeRanges,
    /// By an interface that no pod of Calico has (BridgeInterface): nothing is local.
    Nothing,
    /// Not at all.
    Never,
}

/// Which of a node's addresses answer node ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodePortAddresses {
    /// Those in these ranges; all of a family if there is no range of it.
    pub ranges: Vec<IpNet>,
    /// The node's primary address of each family.
    pub primary: bool,
}

impl NodePortAddresses {
    /// Whether an address of a node with these primary addresses answers (kube-proxy, nodeport_addresses.go).
    pub fn answers(&self, ip: IpAddr, primary: &[IpAddr]) -> bool {
        let same_family = |other: &IpAddr| other.is_ipv4() == ip.is_ipv4();
        let mut ranges = self.ranges.iter().filter(|net| same_family(&net.addr())).peekable();
        let mut own = primary.iter().filter(|own| self.primary && same_family(own)).peekable();
        if ranges.peek().is_none() && own.peek().is_none() {
            return true;
        }
        ranges.any(|net| net.contains(&ip)) || own.any(|own| *own == ip)
    }
}

impl std::fmt::Display for NodePortAddresses {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ranges = self.ranges.iter().map(IpNet::to_string);
        let words: Vec<String> = self.primary.then(|| "primary".to_string()).into_iter().chain(ranges).collect();
        out.write_str(&if words.is_empty() { "all".to_string() } else { words.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As kube-proxy documents nodePortAddresses.
    #[test]
    fn the_addresses_that_answer_node_ports() {
        let primary: Vec<IpAddr> = ["10.0.0.1", "fd00::1"].iter().map(|ip| ip.parse().unwrap()).collect();
        let of = |ranges: &[&str], primary: bool| NodePortAddresses {
            ranges: ranges.iter().map(|net| net.parse().unwrap()).collect(),
            primary,
        };
        for (addresses, ip, answers) in [
            (of(&[], false), "10.0.0.9", true),
            (of(&[], false), "fd00::9", true),
            (of(&["10.0.0.0/24"], false), "10.0.0.9", true),
            (of(&["10.0.0.0/24"], false), "10.0.1.9", false),
            (of(&["10.0.0.0/24"], false), "fd00::9", true),
            (of(&[], true), "10.0.0.1", true),
            (of(&[], true), "10.0.0.9", false),
            (of(&[], true), "fd00::1", true),
            (of(&[], true), "fd00::9", false),
            (of(&["127.0.0.0/8"], false), "10.0.0.1", false),
            (of(&["127.0.0.0/8"], true), "10.0.0.1", true),
        ] {
            assert_eq!(addresses.answers(ip.parse().unwrap(), &primary), answers, "{addresses} {ip}");
        }
        assert!(of(&[], true).answers("10.0.0.9".parse().unwrap(), &[]));
    }
}
