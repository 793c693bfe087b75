//! What Felix and kube-controllers are told, and what of it wins; what Calico advertises over BGP.
//! Never knows evaluation.

use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{Answer, Coverage, Query};
use crate::model::flow::Protocol;
use crate::model::world::{Dataplane, EndpointToHost, Fact, Felix, PeerNodes, ServiceAddress, World};
use crate::testing::{objects, world};

/// The DaemonSet calico-node with these variables.
fn daemon_set(variables: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: calico-node, namespace: calico-system}}\n\
         spec: {{template: {{spec: {{containers: [{{name: calico-node, env: [{{name: DATASTORE_TYPE, value: kubernetes}}{variables}]}}]}}}}}}\n---\n"
    )
}

fn configuration(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: crd.projectcalico.org/v1\nkind: FelixConfiguration\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"
    )
}

fn version(text: &str) -> String {
    format!(
        "{{apiVersion: crd.projectcalico.org/v1, kind: ClusterInformation, metadata: {{name: default}}, spec: {{calicoVersion: {text}}}}}\n---\n"
    )
}

fn felix(yaml: &str) -> Felix {
    world(yaml).network.felix
}

#[test]
fn the_environment_wins_over_the_nodes_own_configuration_and_that_over_the_default_one() {
    let both = format!(
        "{}{}",
        configuration("default", "{bpfEnabled: false}"),
        configuration("node.n2", "{bpfEnabled: true}")
    );
    let network = world(&format!("{}{both}", daemon_set(""))).network;
    assert_eq!(network.felix_on("n1").bpf, Fact::known(false, "bpfEnabled of FelixConfiguration default"));
    assert_eq!(network.felix_on("n2").bpf, Fact::known(true, "bpfEnabled of FelixConfiguration node.n2"));
    let network = world(&format!("{}{both}", daemon_set(", {name: FELIX_BpfEnabled, value: 'True'}"))).network;
    let told = Fact::known(true, "FELIX_BPFENABLED of DaemonSet calico-system/calico-node");
    assert_eq!((&network.felix_on("n1").bpf, &network.felix_on("n2").bpf), (&told, &told));
}

#[test]
fn what_felix_does_not_take_and_what_comes_from_elsewhere_is_not_known() {
    let odd = felix(&daemon_set(", {name: FELIX_BPFENABLED, value: perhaps}"));
    assert!(matches!(odd.bpf, Fact::Unknown { why } if why.contains("perhaps")));
    let elsewhere = ", {name: FELIX_BPFENABLED, valueFrom: {configMapKeyRef: {name: settings, key: bpf}}}";
    let why = "FELIX_BPFENABLED of DaemonSet calico-system/calico-node comes from a place that was not read";
    assert_eq!(felix(&daemon_set(elsewhere)).bpf, Fact::unknown(why));
    let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: calico-system}\ndata: {bpf: 'true'}\n---\n";
    assert_eq!(felix(&format!("{settings}{}", daemon_set(elsewhere))).bpf.value(), Some(&true));
}

#[test]
fn configurations_that_were_refused_leave_only_the_environment() {
    let mut objects = objects(&daemon_set(", {name: FELIX_BPFENABLED, value: 'true'}"));
    let kind = Kind::FelixConfiguration;
    *objects.coverage_mut(kind) =
        vec![Coverage { query: Query::all(kind), answer: Answer::Hidden("forbidden".into()) }];
    let felix = crate::observe::world(&objects).network.felix;
    assert_eq!(felix.bpf.value(), Some(&true));
    assert_eq!(felix.failsafe_in, Fact::unknown("felixconfigurations could not be read (forbidden)"));
}

/// Felix's default is Drop, and Calico's manifests say Accept in the environment (facts, finding 9).
#[test]
fn what_becomes_of_packets_from_a_pod_to_its_node() {
    let drop = configuration("default", "{defaultEndpointToHostAction: Drop}");
    let accept = ", {name: FELIX_DEFAULTENDPOINTTOHOSTACTION, value: ACCEPT}";
    let of = |yaml: String| felix(&yaml).endpoint_to_host.value().copied();
    assert_eq!(of(format!("{drop}{}", daemon_set(accept))), Some(EndpointToHost::Accept));
    assert_eq!(of(format!("{drop}{}", daemon_set(""))), Some(EndpointToHost::Drop));
    assert_eq!(of(daemon_set("")), Some(EndpointToHost::Drop));
    assert_eq!(of(configuration("default", "{defaultEndpointToHostAction: Return}")), Some(EndpointToHost::Return));
    // The environment was not seen: what it says most likely, unless the configuration says something else.
    assert_eq!(of(String::new()), Some(EndpointToHost::Accept));
    assert_eq!(of(drop), None);
}

#[test]
fn failsafe_ports_are_read_in_every_form() {
    let shown = |felix: &Felix| -> Vec<String> {
        let ports = felix.failsafe_in.value().expect("a list").iter();
        ports
            .map(|port| {
                format!("{}/{}{}", port.protocol, port.port, port.net.map(|n| format!(" {n}")).unwrap_or_default())
            })
            .collect()
    };
    let words = ", {name: FELIX_FAILSAFEINBOUNDHOSTPORTS, value: '22, udp:68,tcp:10.0.0.0/8:179,tcp:[fd00::/8]:6443'}";
    assert_eq!(shown(&felix(&daemon_set(words))), ["TCP/22", "UDP/68", "TCP/179 10.0.0.0/8", "TCP/6443 fd00::/8"]);
    let listed = "{failsafeInboundHostPorts: [{protocol: tcp, port: 22}, {protocol: UDP, port: 68, net: 10.0.0.0/8}]}";
    assert_eq!(shown(&felix(&configuration("default", listed))), ["TCP/22", "UDP/68 10.0.0.0/8"]);
    let none = ", {name: FELIX_FAILSAFEINBOUNDHOSTPORTS, value: none}";
    assert_eq!(shown(&felix(&daemon_set(none))), Vec::<String>::new());
    let empty = configuration("default", "{failsafeInboundHostPorts: []}");
    assert_eq!(shown(&felix(&empty)), Vec::<String>::new());
    // felix/config/config_params.go, the same from 3.17 on.
    let default = felix("");
    let ports: Vec<u16> = default.failsafe_in.value().unwrap().iter().map(|port| port.port).collect();
    assert_eq!(ports, [22, 68, 179, 2379, 2380, 5473, 6443, 6666, 6667]);
    let out: Vec<(Protocol, u16)> =
        default.failsafe_out.value().unwrap().iter().map(|port| (port.protocol, port.port)).take(2).collect();
    assert_eq!(out, [(Protocol::UDP, 53), (Protocol::UDP, 67)]);
}

#[test]
fn the_dataplane_follows_bpf_then_nftables_mode_then_kube_proxy() {
    const NFTABLES: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kube-proxy, namespace: kube-system}\ndata: {config.conf: 'mode: nftables'}\n---\n";
    let of = |yaml: String| felix(&yaml).dataplane.value().copied();
    let set = |spec: &str| configuration("default", spec);
    for (yaml, expected) in [
        (set("{bpfEnabled: true, nftablesMode: Enabled}"), Some(Dataplane::Bpf)),
        (set("{nftablesMode: Enabled}"), Some(Dataplane::Nftables)),
        (format!("{}{}", set("{nftablesMode: Disabled}"), version("v3.32.0")), Some(Dataplane::Iptables)),
        (format!("{}{NFTABLES}", set("{nftablesMode: Auto}")), Some(Dataplane::Nftables)),
        (format!("{}{NFTABLES}", version("v3.32.0")), Some(Dataplane::Nftables)),
        (format!("{}{NFTABLES}", version("v3.31.0")), Some(Dataplane::Iptables)),
        (version("v3.18.1"), Some(Dataplane::Iptables)),
        (version("v3.32.0"), None),
        (String::new(), None),
    ] {
        assert_eq!(of(yaml.clone()), expected, "{yaml}");
    }
}

#[test]
fn wireguard_is_known_with_its_ports_and_host_encryption() {
    let felix = felix(&configuration(
        "default",
        "{wireguardEnabled: true, wireguardHostEncryptionEnabled: true, wireguardListeningPort: 51999, vxlanPort: 4790, natOutgoingExclusions: IPPoolsAndHostIPs}",
    ));
    assert_eq!(felix.wireguard[0].value(), Some(&true));
    assert_eq!(felix.wireguard[1].value(), Some(&false));
    assert_eq!(felix.host_encryption.value(), Some(&true));
    assert_eq!((felix.wireguard_ports, felix.vxlan_port), ([51999, 51821], 4790));
    assert_eq!(felix.nat_spares_hosts.value(), Some(&true));
}

#[test]
fn kube_controllers_runs_with_what_its_status_says() {
    let of = |rest: &str| {
        world(&format!(
            "apiVersion: projectcalico.org/v3\nkind: KubeControllersConfiguration\nmetadata: {{name: default}}\n{rest}"
        ))
        .network
        .auto_host_endpoints
    };
    let told = |words: &str| format!("spec: {{controllers: {{node: {{hostEndpoint: {{{words}}}}}}}}}");
    let value = of(&told("autoCreate: Enabled")).value().cloned().unwrap();
    assert!(value.enabled && value.default && value.templates.is_empty());
    let templates = "autoCreate: Enabled, createDefaultHostEndpoint: Disabled, templates: [{generateName: edge}]";
    let value = of(&told(templates)).value().cloned().unwrap();
    assert!(value.enabled && !value.default);
    assert_eq!(value.templates, ["edge"]);
    let running = format!(
        "{}\nstatus: {{runningConfig: {{controllers: {{node: {{hostEndpoint: {{autoCreate: Disabled}}}}}}}}}}",
        told("autoCreate: Enabled")
    );
    let fact = of(&running);
    assert!(
        matches!(&fact, Fact::Known { value, evidence } if !value.enabled && evidence.starts_with("status.runningConfig"))
    );
    let absent = world("").network.auto_host_endpoints;
    assert_eq!(absent, Fact::unknown("there is no KubeControllersConfiguration default"));
}

#[test]
fn only_the_default_configuration_advertises_and_each_list_is_for_its_own_addresses() {
    let network = world(
        "apiVersion: projectcalico.org/v3\nkind: BGPConfiguration\nmetadata: {name: default}\n\
         spec: {serviceClusterIPs: [{cidr: 10.21.0.0/16}], serviceLoadBalancerIPs: [{cidr: 10.9.0.0/24}]}\n---\n\
         apiVersion: projectcalico.org/v3\nkind: BGPConfiguration\nmetadata: {name: node.n1}\nspec: {serviceExternalIPs: [{cidr: 1.0.0.0/8}]}\n---\n\
         apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: tor}\nspec: {peerIP: 10.0.0.254, asNumber: 64512, nodeSelector: rack == 'a'}\n---\n\
         apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: reflectors}\nspec: {peerSelector: route-reflector == 'true'}",
    )
    .network;
    let advertises = |of, ip: &str| network.advertises(of, ip.parse().unwrap()).map(|one| one.evidence.clone());
    assert_eq!(
        advertises(ServiceAddress::Cluster, "10.21.0.7").as_deref(),
        Some("serviceClusterIPs of BGPConfiguration default")
    );
    assert_eq!(advertises(ServiceAddress::LoadBalancer, "10.21.0.7"), None);
    assert!(advertises(ServiceAddress::LoadBalancer, "10.9.0.7").is_some());
    assert_eq!(advertises(ServiceAddress::External, "1.2.3.4"), None);
    let peers = network.bgp_peers.value().unwrap();
    assert_eq!(peers.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(), ["tor"]);
    assert!(matches!(&peers[0].nodes, PeerNodes::Selected(Some(_))));
    assert!(peers[0].is_of("n1", &[("rack".to_string(), "a".to_string())].into()));
    assert!(!peers[0].is_of("n1", &[].into()));
}

#[test]
fn peers_that_were_not_read_are_not_known() {
    let mut objects = objects("");
    objects.coverage_mut(Kind::BGPPeer).clear();
    let world: World = crate::observe::world(&objects);
    assert_eq!(world.network.bgp_peers, Fact::unknown("bgppeers were not read"));
}
