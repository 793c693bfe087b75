//! Facts that change a path: what kube-proxy and Felix are told, who announces and advertises, names of interfaces.
//! Never knows how a fact is found.

use std::collections::BTreeSet;

use super::*;
use crate::evaluate::interfaces::{Covered, coverage};
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{Answer, Coverage, Query};
use crate::testing::objects;

/// The cluster with other words in place of some.
fn with(changes: &[(&str, &str)], more: &str) -> World {
    let mut yaml = CLUSTER.to_string();
    for (old, new) in changes {
        assert!(yaml.contains(old), "{old} is in the cluster");
        yaml = yaml.replace(old, new);
    }
    world(&format!("{yaml}\n---\n{more}"))
}

/// Node n1 with an external address and a tunnel.
const N1: (&str, &str) = (
    "{apiVersion: v1, kind: Node, metadata: {name: n1, annotations: {projectcalico.org/IPv4Address: 192.168.0.1/24}}}",
    "{apiVersion: v1, kind: Node, metadata: {name: n1, annotations: {projectcalico.org/IPv4Address: 192.168.0.1/24, \
     projectcalico.org/IPv4VXLANTunnelAddr: 10.20.1.0}}, \
     status: {addresses: [{type: InternalIP, address: 192.168.0.1}, {type: ExternalIP, address: 7.7.7.7}]}}",
);
const PROXY: &str = "data: {config.conf: 'clusterCIDR: 10.20.0.0/16'}";

fn configured(settings: &'static str) -> (&'static str, &'static str) {
    (PROXY, settings)
}

fn felix(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: crd.projectcalico.org/v1\nkind: FelixConfiguration\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"
    )
}

fn is_translated(world: &World, text: &str) -> bool {
    paths(world, text).iter().all(|path| path.hops.iter().any(|hop| hop.checkpoint == Checkpoint::Dnat))
}

fn entries(world: &World, text: &str) -> BTreeSet<String> {
    paths(world, text).into_iter().map(|path| path.entry_node.unwrap_or_default()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

/// The source that the pod's own policy sees, on the only path.
fn seen_by_pod(world: &World, text: &str) -> String {
    let path = paths(world, text).remove(0);
    let hop = path.hops.iter().rfind(|hop| hop.checkpoint == Checkpoint::Ingress).expect("the pod's policy is asked");
    hop.packet.source.to_string()
}

#[test]
fn node_ports_are_answered_only_on_the_addresses_that_kube_proxy_is_told() {
    let internal = "8.8.8.8 -> 192.168.0.1 tcp:30080";
    let external = "8.8.8.8 -> 7.7.7.7 tcp:30080";
    let tunnel = "10.20.2.1 -> 10.20.1.0 tcp:30080";
    for (settings, answers) in [
        ("data: {config.conf: 'mode: iptables'}", [true, true, true]),
        ("data: {config.conf: 'mode: nftables'}", [true, false, false]),
        ("data: {config.conf: '{mode: nftables, nodePortAddresses: [7.0.0.0/8]}'}", [false, true, false]),
        ("data: {config.conf: '{nodePortAddresses: [localhost]}'}", [false, false, false]),
    ] {
        let world = with(&[N1, configured(settings)], "");
        assert_eq!([internal, external, tunnel].map(|text| is_translated(&world, text)), answers, "{settings}");
    }
    let unknown = with(&[N1, ("name: kube-proxy", "name: another")], "");
    assert!(is_translated(&unknown, internal));
    assert!(why(&unknown, external).contains("answers node ports is not known"));
}

#[test]
fn what_kube_proxy_takes_for_local_decides_what_is_masqueraded() {
    let text = "10.20.2.1 -> 10.21.0.1 tcp:80";
    for (settings, source) in [
        ("data: {config.conf: 'clusterCIDR: 10.20.0.0/16'}", "10.20.2.1"),
        ("data: {config.conf: 'mode: iptables'}", "10.20.2.1"),
        (
            "data: {config.conf: '{detectLocalMode: InterfaceNamePrefix, detectLocal: {interfaceNamePrefix: cali}}'}",
            "10.20.2.1",
        ),
        // The node has no podCIDR, and Calico's IPAM does not take addresses from there.
        ("data: {config.conf: 'detectLocalMode: NodeCIDR'}", "192.168.0.2"),
        ("data: {config.conf: 'detectLocalMode: BridgeInterface'}", "192.168.0.2"),
        ("data: {config.conf: '{clusterCIDR: 10.20.0.0/16, iptables: {masqueradeAll: true}}'}", "192.168.0.2"),
    ] {
        assert_eq!(seen_by_pod(&with(&[configured(settings)], ""), text), source, "{settings}");
    }
}

#[test]
fn the_ebpf_dataplane_of_one_node_masquerades_nothing_there() {
    let world = cluster(&felix("node.n2", "{bpfEnabled: true}"));
    assert_eq!(seen_by_pod(&world, "8.8.8.8 -> 192.168.0.2 tcp:30080"), "8.8.8.8");
    let none = cluster("");
    assert_eq!(seen_by_pod(&none, "8.8.8.8 -> 192.168.0.2 tcp:30080"), "192.168.0.2");
}

/// Felix's own setting decides behind the pod's policy, and its environment wins (facts, finding 9).
#[test]
fn what_a_pod_sends_to_its_own_node_is_dropped_where_felix_is_told_so() {
    let text = "10.20.1.1 -> 192.168.0.1 tcp:10250";
    let daemon_set = |variables: &str| {
        format!(
            "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: calico-node, namespace: kube-system}}\n\
             spec: {{template: {{spec: {{containers: [{{name: calico-node, env: [{{name: DATASTORE_TYPE, value: kubernetes}}{variables}]}}]}}}}}}\n---\n"
        )
    };
    let accept = daemon_set(", {name: FELIX_DEFAULTENDPOINTTOHOSTACTION, value: ACCEPT}");
    let drop = felix("default", "{defaultEndpointToHostAction: Drop}");
    assert_eq!(verdict(&cluster(&format!("{accept}{drop}")), text), Verdict::Allow);
    let dropped = cluster(&format!("{}{drop}", daemon_set("")));
    assert_eq!(verdict(&dropped, text), Verdict::Deny);
    let by = paths(&dropped, text).remove(0).hops.pop().and_then(|hop| hop.by);
    let evidence = "defaultEndpointToHostAction of FelixConfiguration default".to_string();
    assert_eq!(by, Some(Decider::Setting { name: "defaultEndpointToHostAction".into(), evidence }));
    // Felix's default.
    assert_eq!(verdict(&cluster(&daemon_set("")), text), Verdict::Deny);
    // Another node's address is no matter of it.
    assert_eq!(verdict(&dropped, "10.20.1.1 -> 192.168.0.2 tcp:10250"), Verdict::Allow);
    assert!(why(&cluster(&drop), text).contains("environment"));
}

#[test]
fn ports_that_felix_may_keep_open_make_a_denial_unknown() {
    let endpoint = host_endpoint("h", "n1", "interfaceName: eth0, expectedIPs: [192.168.0.1]");
    let allow = gnp(
        "p",
        "{selector: role == 'host', types: [Ingress], ingress: [{action: Allow, protocol: TCP, destination: {ports: [80]}}]}",
    );
    let mut objects = objects(&format!("{CLUSTER}\n---\n{endpoint}{allow}"));
    let kind = Kind::FelixConfiguration;
    let refused = Coverage { query: Query::all(kind), answer: Answer::Hidden("forbidden".into()) };
    *objects.coverage_mut(kind) = vec![refused];
    let mut world = crate::observe::world(&objects);
    // What else a refusal hides is another matter.
    world.gaps.clear();
    world.network.felix.bpf = Fact::known(false, "a test");
    assert_eq!(verdict(&world, "8.8.8.8 -> 192.168.0.1 tcp:80"), Verdict::Allow);
    assert!(why(&world, "8.8.8.8 -> 192.168.0.1 tcp:22").contains("keeps open"));
    assert!(why(&world, "8.8.8.8 -> 192.168.0.1 tcp:81").contains("keeps open"));
    let own =
        cluster(&format!("{endpoint}{}", felix("node.n1", "{failsafeInboundHostPorts: [{protocol: tcp, port: 81}]}")));
    assert_eq!(verdict(&own, "8.8.8.8 -> 192.168.0.1 tcp:81"), Verdict::Allow);
    assert_eq!(verdict(&own, "8.8.8.8 -> 192.168.0.1 tcp:22"), Verdict::Deny);
}

#[test]
fn pods_keep_their_address_towards_nodes_where_felix_is_told_so() {
    let endpoint = host_endpoint("h", "n2", "interfaceName: eth0, expectedIPs: [192.168.0.2]");
    let from_pods =
        "{selector: role == 'host', types: [Ingress], ingress: [{action: Allow, source: {nets: [10.20.0.0/16]}}]}";
    let text = "10.20.1.1 -> 192.168.0.2 tcp:10250";
    let yaml = format!("{endpoint}{}", gnp("p", from_pods));
    assert_eq!(verdict(&cluster(&yaml), text), Verdict::Deny);
    let spared = format!("{yaml}{}", felix("default", "{natOutgoingExclusions: IPPoolsAndHostIPs}"));
    assert_eq!(verdict(&cluster(&spared), text), Verdict::Allow);
}

#[test]
fn pre_dnat_policy_sees_the_tunnels_own_port() {
    let tunnels = [
        (
            "projectcalico.org/IPv4Address: 192.168.0.1/24",
            "projectcalico.org/IPv4Address: 192.168.0.1/24, projectcalico.org/IPv4VXLANTunnelAddr: 10.20.1.0",
        ),
        (
            "projectcalico.org/IPv4Address: 192.168.0.2/24",
            "projectcalico.org/IPv4Address: 192.168.0.2/24, projectcalico.org/IPv4VXLANTunnelAddr: 10.20.2.0",
        ),
        (
            "spec: {cidr: 10.20.0.0/16, natOutgoing: true}",
            "spec: {cidr: 10.20.0.0/16, natOutgoing: true, vxlanMode: Always}",
        ),
    ];
    let endpoint = host_endpoint("h", "n1", "interfaceName: eth0, expectedIPs: [192.168.0.1]");
    let rules = "[{action: Allow, protocol: UDP, destination: {ports: [4790]}}, {action: Deny}]";
    let policy = gnp(
        "p",
        &format!(
            "{{selector: role == 'host', preDNAT: true, applyOnForward: true, types: [Ingress], ingress: {rules}}}"
        ),
    );
    let text = "10.20.2.1 -> 10.20.1.1 tcp:8080";
    assert_eq!(verdict(&with(&tunnels, &format!("{endpoint}{policy}")), text), Verdict::Deny);
    let port = felix("default", "{vxlanPort: 4790}");
    assert_eq!(verdict(&with(&tunnels, &format!("{endpoint}{policy}{port}")), text), Verdict::Allow);
}

/// Packets between nodes come in by wireguard.cali then, which a host endpoint for eth0 does not police.
#[test]
fn with_host_encryption_packets_to_nodes_go_through_wireguard() {
    let keys = [
        (
            "projectcalico.org/IPv4Address: 192.168.0.1/24",
            "projectcalico.org/IPv4Address: 192.168.0.1/24, projectcalico.org/WireguardPublicKey: a",
        ),
        (
            "projectcalico.org/IPv4Address: 192.168.0.2/24",
            "projectcalico.org/IPv4Address: 192.168.0.2/24, projectcalico.org/WireguardPublicKey: b",
        ),
    ];
    let endpoint = host_endpoint("h", "n2", "interfaceName: eth0, expectedIPs: [192.168.0.2]");
    let text = "192.168.0.1 -> 192.168.0.2 tcp:10250";
    assert_eq!(verdict(&with(&keys, &endpoint), text), Verdict::Deny);
    let encrypted = format!("{endpoint}{}", felix("default", "{wireguardHostEncryptionEnabled: true}"));
    assert_eq!(verdict(&with(&keys, &encrypted), text), Verdict::Allow);
    assert_eq!(verdict(&cluster(&encrypted), text), Verdict::Deny);
    // Clients outside come by eth0 all the same.
    assert_eq!(verdict(&with(&keys, &encrypted), "8.8.8.8 -> 192.168.0.2 tcp:10250"), Verdict::Deny);
}

const ADVERTISED: &str = "apiVersion: projectcalico.org/v3\nkind: BGPConfiguration\nmetadata: {name: default}\n\
                          spec: {serviceClusterIPs: [{cidr: 10.21.0.0/16}]}\n---\n";

#[test]
fn an_advertised_address_is_entered_where_it_is_advertised() {
    let text = "8.8.8.8 -> 10.21.0.1 tcp:80";
    assert_eq!(entries(&cluster(ADVERTISED), text), set(&["n1", "n2"]));
    let peer = "apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: tor}\nspec: {peerIP: 192.168.0.254, node: n2}\n---\n";
    assert_eq!(entries(&cluster(&format!("{ADVERTISED}{peer}")), text), set(&["n2"]));
    let excluded = |value: &str| {
        let label =
            format!("{{name: n2, labels: {{node.kubernetes.io/exclude-from-external-load-balancers: '{value}'}}");
        with(&[("{name: n2", &label)], ADVERTISED)
    };
    // confd takes the value true alone.
    assert_eq!(entries(&excluded("true"), text), set(&["n1"]));
    assert_eq!(entries(&excluded(""), text), set(&["n1", "n2"]));
    // Ranges of other addresses of Services are none of it.
    let balancers = ADVERTISED.replace("serviceClusterIPs", "serviceLoadBalancerIPs");
    assert!(why(&cluster(&balancers), text).contains("advertises"));
}

const BALANCER: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: lb, namespace: shop}\n\
                        spec: {clusterIP: 10.21.0.9, selector: {app: web}, type: LoadBalancer, ports: [{port: 80, targetPort: 8080}]}\n\
                        status: {loadBalancer: {ingress: [{ip: 192.168.0.100}]}}\n---\n";

#[test]
fn a_load_balancers_address_is_entered_where_its_pool_may_be_announced() {
    let text = "8.8.8.8 -> 192.168.0.100 tcp:80";
    let pool = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: p, namespace: metallb-system}\nspec: {addresses: [192.168.0.100-192.168.0.110]}\n---\n";
    let advertisement = |spec: &str| {
        format!(
            "apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {{name: a, namespace: metallb-system}}\nspec: {spec}\n---\n"
        )
    };
    let labelled = ("{name: n2", "{name: n2, labels: {zone: edge}");
    let selected = advertisement("{nodeSelectors: [{matchLabels: {zone: edge}}]}");
    assert_eq!(entries(&with(&[labelled], &format!("{BALANCER}{pool}{selected}")), text), set(&["n2"]));
    assert_eq!(entries(&cluster(&format!("{BALANCER}{pool}{}", advertisement("{}"))), text), set(&["n1", "n2"]));
    // MetalLB heeds the label since 0.14, and not with a ConfigMap.
    let excluded = ("{name: n2", "{name: n2, labels: {node.kubernetes.io/exclude-from-external-load-balancers: ''}");
    assert_eq!(entries(&with(&[excluded], &format!("{BALANCER}{pool}{}", advertisement("{}"))), text), set(&["n1"]));
    let old = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config, namespace: metallb-system}\n\
               data: {config: '{address-pools: [{name: p, protocol: layer2, addresses: [192.168.0.0/24]}]}'}\n---\n";
    assert_eq!(entries(&with(&[excluded], &format!("{BALANCER}{old}")), text), set(&["n1", "n2"]));
}

#[test]
fn the_latest_event_tells_the_announcer() {
    let event = |name: &str, node: &str, hour: u8| {
        format!(
            "apiVersion: v1\nkind: Event\nmetadata: {{name: {name}, namespace: shop}}\nreason: nodeAssigned\n\
             involvedObject: {{kind: Service, namespace: shop, name: lb}}\nmessage: 'announcing from node \"{node}\"'\n\
             lastTimestamp: '2026-05-01T{hour}:00:00Z'\n---\n"
        )
    };
    let world = cluster(&format!("{BALANCER}{}{}", event("a", "n2", 13), event("b", "n1", 12)));
    assert_eq!(entries(&world, "8.8.8.8 -> 192.168.0.100 tcp:80"), set(&["n2"]));
}

#[test]
fn a_load_balancer_that_is_a_proxy_is_not_passed_through() {
    let world = cluster(&BALANCER.replace("ip: 192.168.0.100", "ip: 192.168.0.100, ipMode: Proxy"));
    assert!(why(&world, "8.8.8.8 -> 192.168.0.100 tcp:80").contains("ipMode Proxy"));
}

/// Felix takes a host endpoint for an interface by its name, or by an address where it names none (facts, part 4).
#[test]
fn names_of_interfaces_tell_which_host_endpoint_polices_them() {
    let noted = (
        "{name: n1, annotations: {",
        "{name: n1, annotations: {projectcalico.org/Interfaces: '[{\"name\":\"ens3\",\"addresses\":[\"192.168.0.1\"]},{\"name\":\"ens4\",\"addresses\":[\"172.16.0.1\"]},{\"name\":\"vxlan.calico\",\"addresses\":[\"10.20.1.0\"]}]', ",
    );
    let text = "8.8.8.8 -> 192.168.0.1 tcp:10250";
    let covered = |world: &World| -> Vec<(String, Option<String>)> {
        let all = coverage(world, "n1").expect("host endpoints were read").into_iter();
        all.map(|Covered { interface, endpoint }| (interface.unwrap_or_default(), endpoint)).collect()
    };
    let name = |text: &str| Some(text.to_string());
    let other = with(&[noted], &host_endpoint("other", "n1", "interfaceName: ens4"));
    assert_eq!(verdict(&other, text), Verdict::Allow);
    assert_eq!(covered(&other), [("ens3".to_string(), None), ("ens4".to_string(), name("other"))]);
    let own = with(&[noted], &host_endpoint("own", "n1", "interfaceName: ens3"));
    assert_eq!(verdict(&own, text), Verdict::Deny);
    let by_address = host_endpoint("address", "n1", "expectedIPs: [172.16.0.1]");
    let all = host_endpoint("all", "n1", "interfaceName: '*'");
    let both = with(&[noted], &format!("{by_address}{all}"));
    assert_eq!(covered(&both), [("ens3".to_string(), name("all")), ("ens4".to_string(), name("address"))]);
    // Without names only the interface with the node's address is known.
    let unnamed = cluster(&host_endpoint("own", "n1", "interfaceName: eth0, expectedIPs: [192.168.0.1]"));
    assert_eq!(covered(&unnamed), [(String::new(), name("own"))]);
}
