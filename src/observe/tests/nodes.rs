//! Addresses of nodes: which ones there are, what each is, and by which rule.
//! Never knows evaluation.

use std::net::IpAddr;

use crate::model::world::{AddressRole, Fact, World};
use crate::testing::world;

fn addresses(world: &World) -> Vec<(String, AddressRole)> {
    world.nodes["n1"].addresses.iter().map(|address| (address.ip.to_string(), address.role)).collect()
}

/// A node with every tunnel, that runs with or without Calico's own IPAM.
fn node(environment: &str, key: &str) -> World {
    world(&format!(
        "apiVersion: v1\nkind: Node\nmetadata:\n  name: n1\n  annotations:\n    projectcalico.org/IPv4Address: 192.168.0.1/24\n    \
         projectcalico.org/IPv4IPIPTunnelAddr: 10.20.9.9\n    projectcalico.org/IPv4VXLANTunnelAddr: 10.20.9.8\n    \
         projectcalico.org/IPv6VXLANTunnelAddr: fd00:20::8\n    projectcalico.org/IPv4WireguardInterfaceAddr: 10.20.9.7\n    \
         projectcalico.org/IPv6WireguardInterfaceAddr: fd00:20::7\n    projectcalico.org/WireguardPublicKey: '{key}'\n\
         spec: {{podCIDR: 10.20.1.0/24, podCIDRs: [10.20.1.0/24, 'fd00:20:1::/64']}}\n\
         status: {{addresses: [{{type: InternalIP, address: 192.168.0.1}}]}}\n---\n\
         apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: calico-node, namespace: kube-system}}\n\
         spec: {{template: {{spec: {{containers: [{{name: calico-node, env: [{{name: DATASTORE_TYPE, value: kubernetes}}{environment}]}}]}}}}}}"
    ))
}

#[test]
fn with_calicos_ipam_tunnels_have_the_annotated_addresses() {
    let world = node("", "k");
    assert_eq!(world.network.host_local, Fact::known(false, "no USE_POD_CIDR of DaemonSet kube-system/calico-node"));
    assert_eq!(
        addresses(&world),
        [
            ("192.168.0.1".to_string(), AddressRole::Host),
            ("10.20.9.9".to_string(), AddressRole::Ipip),
            ("10.20.9.8".to_string(), AddressRole::Vxlan),
            ("fd00:20::8".to_string(), AddressRole::Vxlan),
            ("10.20.9.7".to_string(), AddressRole::Wireguard),
            ("fd00:20::7".to_string(), AddressRole::Wireguard),
        ]
    );
}

/// libcalico-go, backend/k8s/resources/node.go: annotations of tunl0 and WireGuard are not read then.
#[test]
fn with_host_local_ipam_tunnels_have_the_first_address_of_the_pod_range() {
    let told = ", {name: USE_POD_CIDR, value: 'true'}";
    let tunnels = [
        ("192.168.0.1".to_string(), AddressRole::Host),
        ("10.20.1.1".to_string(), AddressRole::Ipip),
        ("10.20.1.1".to_string(), AddressRole::Wireguard),
        ("10.20.9.8".to_string(), AddressRole::Vxlan),
        ("fd00:20::8".to_string(), AddressRole::Vxlan),
    ];
    let world = node(told, "k");
    assert_eq!(addresses(&world), tunnels);
    assert_eq!(world.nodes["n1"].addresses[1].evidence, "first address of podCIDR of Node n1 (host-local IPAM)");
    let without_key: Vec<_> = tunnels.into_iter().filter(|(_, role)| *role != AddressRole::Wireguard).collect();
    assert_eq!(addresses(&node(told, "")), without_key);
}

#[test]
fn the_cni_plugins_configuration_tells_the_ipam_too() {
    let of = |text: &str| {
        world(&format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: calico-config, namespace: kube-system}}\n\
             data: {{cni_network_config: '{text}'}}"
        ))
        .network
        .host_local
    };
    let evidence = "cni_network_config of ConfigMap calico-config";
    assert_eq!(of("{\"ipam\": {\"type\": \"host-local\", \"subnet\": \"usePodCidr\"}}"), Fact::known(true, evidence));
    assert_eq!(of("{\"ipam\": {\"type\": \"calico-ipam\"}}"), Fact::known(false, evidence));
}

#[test]
fn interfaces_primary_addresses_and_exclusion_are_noted() {
    let world = world(
        "apiVersion: v1\nkind: Node\nmetadata:\n  name: n1\n  labels: {node.kubernetes.io/exclude-from-external-load-balancers: ''}\n  \
         annotations: {projectcalico.org/Interfaces: '[{\"name\":\"eth0\",\"addresses\":[\"10.0.0.1\",\"fd00::1\"]},{\"name\":\"eth1\",\"addresses\":[\"10.1.0.1/24\"]}]'}\n\
         status: {addresses: [{type: ExternalIP, address: 1.2.3.4}, {type: InternalIP, address: 10.0.0.1}, \
         {type: InternalIP, address: 10.1.0.1}, {type: InternalIP, address: 'fd00::1'}]}",
    );
    let node = &world.nodes["n1"];
    let ips = |texts: &[&str]| texts.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
    assert_eq!(node.primary, ips(&["10.0.0.1", "fd00::1"]));
    assert_eq!(node.excluded.as_deref(), Some(""));
    let interfaces: Vec<(&str, &[IpAddr])> =
        node.interfaces.iter().map(|one| (one.name.as_str(), one.addresses.as_slice())).collect();
    assert_eq!(interfaces, [("eth0", &ips(&["10.0.0.1", "fd00::1"])[..]), ("eth1", &ips(&["10.1.0.1"])[..])]);
}

#[test]
fn automatic_host_endpoints_are_told_from_others() {
    let world = world(
        "apiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {name: n1-auto-hep, labels: {projectcalico.org/created-by: calico-kube-controllers}}\n\
         spec: {node: n1, interfaceName: '*'}\n---\n\
         apiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {name: mine}\nspec: {node: n1, interfaceName: eth0}",
    );
    let found: Vec<(&str, bool)> =
        world.host_endpoints.iter().map(|endpoint| (endpoint.name.as_str(), endpoint.automatic)).collect();
    assert_eq!(found, [("n1-auto-hep", true), ("mine", false)]);
}

#[test]
fn a_pool_that_pods_may_not_use_is_none_of_theirs() {
    let world = world(
        "apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: pods}\nspec: {cidr: 10.20.0.0/16}\n---\n\
         apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: balancers}\nspec: {cidr: 10.9.0.0/24, allowedUses: [LoadBalancer]}",
    );
    let uses: Vec<(&str, bool)> = world.pools.iter().map(|pool| (pool.name.as_str(), pool.for_pods)).collect();
    assert_eq!(uses, [("pods", true), ("balancers", false)]);
    let ranges: Vec<String> = world.network.pod_ranges.iter().map(|range| range.net.to_string()).collect();
    assert_eq!(ranges, ["10.20.0.0/16"]);
}
