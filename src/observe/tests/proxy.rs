//! kube-proxy's configuration, by file and by flags, and the ranges of addresses and ports.
//! Never knows evaluation.

use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{Answer, Coverage, Query};
use crate::model::world::{Fact, LocalDetection, Network};
use crate::testing::{objects, world};

fn config_map(name: &str, key: &str, text: &str) -> String {
    let lines: String = text.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: kube-system}}\ndata:\n  {key}: |\n{lines}---\n"
    )
}

/// A static Pod of the control plane.
fn program(name: &str, flags: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}-m1, namespace: kube-system, labels: {{component: {name}}}}}\n\
         spec: {{hostNetwork: true, containers: [{{name: {name}, command: [{name}{flags}]}}]}}\n---\n"
    )
}

fn told(text: &str) -> Network {
    world(&config_map("kube-proxy", "config.conf", text)).network
}

#[test]
fn the_mode_is_iptables_unless_it_is_said() {
    assert_eq!(told("kind: KubeProxyConfiguration\nmode: \"\"").proxy_mode.value().unwrap(), "iptables");
    assert_eq!(told("mode: ipvs").proxy_mode, Fact::known("ipvs".to_string(), "ConfigMap kube-proxy"));
    let eks = world(&config_map("kube-proxy-config", "config", "mode: nftables")).network;
    assert_eq!(eks.proxy_mode, Fact::known("nftables".to_string(), "ConfigMap kube-proxy-config"));
}

/// The fields that stand inside others of the same file are theirs.
#[test]
fn nested_fields_are_not_taken_for_the_files_own() {
    let network = told(
        "winkernel:\n  mode: ipvs\nclientConnection:\n  clusterCIDR: 1.0.0.0/8\nclusterCIDR: 10.20.0.0/16,fd00::/48",
    );
    assert_eq!(network.proxy_mode.value().unwrap(), "iptables");
    let ranges = ["10.20.0.0/16", "fd00::/48"].map(|net| net.parse().unwrap()).to_vec();
    assert_eq!(network.knows_local.value(), Some(&LocalDetection::Ranges(ranges)));
}

/// As kube-proxy documents detectLocalMode.
#[test]
fn local_sources_are_detected_as_told() {
    let of = |text: &str| told(text).knows_local.value().cloned().unwrap();
    assert_eq!(of("mode: iptables"), LocalDetection::Never);
    assert_eq!(of("detectLocalMode: NodeCIDR\nclusterCIDR: 10.20.0.0/16"), LocalDetection::NodeRanges);
    assert_eq!(of("detectLocalMode: BridgeInterface\ndetectLocal: {bridgeInterface: br0}"), LocalDetection::Nothing);
    assert_eq!(
        of("detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: cali}"),
        LocalDetection::Node
    );
}

/// nftables answers on the primary addresses by default, the other modes on all (facts, part 12, 21).
#[test]
fn node_ports_are_answered_where_it_is_said() {
    let of = |text: &str| told(text).node_port_addresses.value().map(ToString::to_string);
    assert_eq!(of("mode: iptables").as_deref(), Some("all"));
    assert_eq!(of("mode: nftables").as_deref(), Some("primary"));
    assert_eq!(of("mode: nftables\nnodePortAddresses: [10.0.0.0/8]").as_deref(), Some("10.0.0.0/8"));
    assert_eq!(of("nodePortAddresses: [primary, localhost]").as_deref(), Some("primary, 127.0.0.0/8, ::1/128"));
    assert_eq!(of("mode: nftables\nnodePortAddresses: [all]").as_deref(), Some("0.0.0.0/0, ::/0"));
    assert_eq!(of("nodePortAddresses: [somewhere]"), None);
}

#[test]
fn everything_is_masqueraded_where_it_is_said() {
    assert!(told("mode: iptables\niptables:\n  masqueradeAll: true").masquerade_all);
    assert!(!told("mode: nftables\niptables:\n  masqueradeAll: true").masquerade_all);
    assert!(told("mode: nftables\nnftables:\n  masqueradeAll: true").masquerade_all);
}

#[test]
fn flags_tell_it_where_there_is_no_file() {
    let flags = ", --proxy-mode=nftables, '--cluster-cidr=10.20.0.0/16', --nodeport-addresses, 'primary,10.9.0.0/16', --masquerade-all=true";
    let network = world(&program("kube-proxy", flags)).network;
    assert_eq!(network.proxy_mode, Fact::known("nftables".to_string(), "flags of Pod kube-system/kube-proxy-m1"));
    assert_eq!(network.node_port_addresses.value().unwrap().to_string(), "primary, 10.9.0.0/16");
    let file = world(&program("kube-proxy", ", --config=/etc/config, --proxy-mode=ipvs")).network;
    assert_eq!(file.proxy_mode, Fact::unknown("there is no ConfigMap kube-system/kube-proxy"));
}

#[test]
fn absent_refused_and_malformed_are_three_things() {
    let mut hidden = objects("");
    let query = Query::all(Kind::ConfigMap).in_namespace("kube-system").named("kube-proxy");
    *hidden.coverage_mut(Kind::ConfigMap) =
        vec![Coverage { query: query.clone(), answer: Answer::Hidden("forbidden".into()) }];
    let world_of_hidden = crate::observe::world(&hidden);
    let why = "ConfigMap kube-system/kube-proxy could not be read (forbidden)";
    assert_eq!(world_of_hidden.network.proxy_mode, Fact::unknown(why));
    assert!(world_of_hidden.gaps.iter().any(|gap| gap.place == "configmaps" && gap.reason == "forbidden"));
    *hidden.coverage_mut(Kind::ConfigMap) = Vec::new();
    assert_eq!(
        crate::observe::world(&hidden).network.proxy_mode,
        Fact::unknown("ConfigMap kube-system/kube-proxy was not read")
    );
    let malformed = told("mode: [");
    assert!(matches!(malformed.proxy_mode, Fact::Unknown { why } if why.contains("cannot be read")));
}

#[test]
fn ranges_of_services_come_from_service_cidrs_else_flags_else_kubeadm() {
    let kubeadm = config_map(
        "kubeadm-config",
        "ClusterConfiguration",
        "networking:\n  podSubnet: 10.20.0.0/16,fd00:20::/48\n  serviceSubnet: 10.21.0.0/16",
    );
    let server = program("kube-apiserver", ", --service-cluster-ip-range=10.22.0.0/16");
    let cidr = "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: kubernetes}\nspec: {cidrs: [10.23.0.0/16]}\n---\n";
    let shown = |yaml: &str| match world(yaml).network.service_ranges {
        Fact::Known { value, evidence } => (value[0].to_string(), evidence),
        Fact::Unknown { why } => (String::new(), why),
    };
    assert_eq!(shown(&kubeadm), ("10.21.0.0/16".into(), "serviceSubnet of ConfigMap kubeadm-config".into()));
    assert_eq!(shown(&format!("{kubeadm}{server}")).0, "10.22.0.0/16");
    assert_eq!(shown(&format!("{kubeadm}{server}{cidr}")), ("10.23.0.0/16".into(), "ServiceCIDR kubernetes".into()));
    let (_, why) = shown("");
    assert!(why.contains("there is no ConfigMap kube-system/kubeadm-config"), "{why}");
    let pods: Vec<String> = world(&kubeadm).network.pod_ranges.iter().map(|range| range.net.to_string()).collect();
    assert_eq!(pods, ["10.20.0.0/16", "fd00:20::/48"]);
}

#[test]
fn the_range_of_node_ports_is_kube_apiservers() {
    let of = |yaml: &str| world(yaml).network.node_port_range;
    let flag = of(&program("kube-apiserver", ", --service-node-port-range=20000-22767"));
    let evidence = "--service-node-port-range of Pod kube-system/kube-apiserver-m1";
    assert_eq!(flag, Fact::known((20_000, 22_767), evidence));
    assert_eq!(of(&program("kube-apiserver", ", --v=2")).value(), Some(&(30_000, 32_767)));
    assert_eq!(
        of(&program("kube-apiserver", ", --service-node-port-range=20000+100")).value(),
        Some(&(20_000, 20_100))
    );
    assert!(of(&program("kube-apiserver", ", --service-node-port-range=many")).value().is_none());
    // A snapshot that left the flags out says nothing.
    assert!(of(&program("kube-apiserver", "").replace("command: [kube-apiserver]", "ports: []")).value().is_none());
    for extra in [
        "apiServer:\n  extraArgs:\n    service-node-port-range: 20000-21000",
        "apiServer:\n  extraArgs:\n  - name: service-node-port-range\n    value: 20000-21000",
    ] {
        assert_eq!(of(&config_map("kubeadm-config", "ClusterConfiguration", extra)).value(), Some(&(20_000, 21_000)));
    }
    assert!(of("").value().is_none());
}
