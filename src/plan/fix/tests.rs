//! What opens a flow that is stopped, and what is said where nothing does.
//! Never writes.

use super::super::testing::{CLUSTER, DENY, cluster};
use super::*;

fn asked(from: &str, to: &str, protocol: Option<&str>) -> Asked {
    Asked::parse(from, to, protocol, None, None).unwrap()
}

/// The command that opens a flow, as `allow --from A --to B`; else what stands in the way, a line each.
fn remedied(world: &World, from: &str, to: &str, protocol: Option<&str>) -> Result<String, String> {
    let asked = asked(from, to, protocol);
    let ways = asked.ways(world).unwrap();
    let Remedy { opening, obstacles } = remedy(world, &asked, &ways);
    opening.ok_or_else(|| obstacles.join("\n")).map(|opening| {
        let flags: Vec<String> =
            opening.command.flags().iter().map(|(flag, value)| format!(" {flag} {value}")).collect();
        format!("{}{}", opening.command.words(), flags.concat())
    })
}

fn policy(name: &str, spec: &str) -> String {
    format!(
        "{{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {{name: {name}}}, spec: {spec}}}\n---\n"
    )
}

#[test]
fn addresses_become_names_that_last() {
    let world = cluster(DENY);
    // The pod's Deployment: its next pod has another address and another name.
    let command = remedied(&world, "10.20.112.20", "10.20.40.90:80", None);
    assert_eq!(command.unwrap(), "allow --from demo/pod/access --to demo/deployment/nginx --port 80");
    let command = remedied(&world, "10.20.112.20", "10.21.250.63:80", None);
    assert_eq!(command.unwrap(), "allow --from demo/pod/access --to demo/service/nginx --port 80");
    let command = remedied(&world, "access", "nginx", None);
    assert_eq!(command.unwrap(), "allow --from demo/access --to demo/nginx");
}

#[test]
fn a_node_port_becomes_its_service_where_the_client_keeps_its_address_and_an_exposure_where_not() {
    // w1 has the pod, and what enters there is masqueraded by nobody.
    let command = remedied(&cluster(DENY), "10.7.0.99", "10.128.147.102:32127", None);
    assert_eq!(command.unwrap(), "allow --from 10.7.0.99 --to demo/service/nginx --port 80");
    let command = remedied(&cluster(DENY), "10.7.0.99", "10.128.146.177:32127", None);
    assert_eq!(command.unwrap(), "expose-nodeport demo/service/nginx --from 10.7.0.99 --port 80");
}

#[test]
fn what_no_exposure_opens_says_why_and_what_a_local_policy_would_change() {
    let proxy = "{kind: ConfigMap, apiVersion: v1, metadata: {name: kube-proxy, namespace: kube-system}, data: {config.conf: 'clusterCIDR: 10.20.0.0/16'}}\n---\n";
    // It would select the host endpoints that an exposure makes.
    let everything = policy("deny-all", "{selector: all(), types: [Ingress, Egress]}");
    let world = cluster(&format!("{DENY}{proxy}{everything}"));
    let why = remedied(&world, "10.7.0.99", "10.128.146.177:32127", None).unwrap_err();
    assert!(why.contains("a node's address (10.20.112.64 of m1)"), "{why}");
    assert!(why.contains("expose-nodeport does not open it") && why.contains("deny-all"), "{why}");
}

#[test]
fn what_somebody_decided_is_named_and_stays() {
    let quarantine =
        policy("quarantine", "{order: 1, selector: app == 'nginx', types: [Ingress], ingress: [{action: Deny}]}");
    let why = remedied(&cluster(&format!("{DENY}{quarantine}")), "access", "nginx", None).unwrap_err();
    assert!(why.contains("rule 0 of ingress in GlobalNetworkPolicy quarantine denies it"), "{why}");
    let tier = "{kind: Tier, apiVersion: projectcalico.org/v3, metadata: {name: security}, spec: {order: 1}}\n---\n";
    let audit = policy("security.audit", "{tier: security, selector: app == 'nginx', types: [Ingress]}");
    // Open-source Calico has tiers since 3.29.
    let world = crate::testing::world(&format!("{CLUSTER}{tier}{audit}").replace("v3.18.1", "v3.30.0"));
    let why = remedied(&world, "access", "nginx", None).unwrap_err();
    assert!(why.contains("the end of tier security") && why.contains("default tier only"), "{why}");
}

#[test]
fn a_protocol_that_was_named_alone_opens_its_ports_only() {
    let dns = "{kind: Service, apiVersion: v1, metadata: {name: names, namespace: demo}, spec: {clusterIP: 10.21.0.53, selector: {app: nginx}, ports: [{name: u, port: 53, protocol: UDP}, {name: t, port: 53}, {name: h, port: 80}]}}\n---\n";
    let world = cluster(&format!("{DENY}{dns}"));
    let command = remedied(&world, "access", "svc/names", Some("udp"));
    assert_eq!(command.unwrap(), "allow --from demo/access --to demo/service/names --port UDP/53");
    let why = remedied(&world, "access", "svc/nginx", Some("icmp")).unwrap_err();
    assert!(why.contains("ICMP cannot be asked for on its own"), "{why}");
}

#[test]
fn a_node_is_let_in_only_where_nobody_comes_in_under_its_address() {
    // A node port leads to nginx, and its clients arrive with nodes' addresses.
    let why = remedied(&cluster(DENY), "10.128.146.177", "10.20.40.90:80", None).unwrap_err();
    assert!(why.contains("every client of node port 32127 of demo/nginx"), "{why}");
    // No door leads to the pod of shop; the process on w1 arrives by the tunnel, and that is what is let in.
    assert!(CLUSTER.contains("IPv4IPIPTunnelAddr: 10.20.40.64"));
    let command = remedied(&cluster(DENY), "10.128.147.102", "10.20.112.30:8080", None);
    assert_eq!(command.unwrap(), "allow --from 10.20.40.64 --to shop/pod/cart --port 8080");
}

#[test]
fn every_kind_of_end_has_its_packets() {
    let world = cluster(DENY);
    let packets = |from: &str, to: &str, protocol: Option<&str>| {
        let ways = asked(from, to, protocol).ways(&world).unwrap();
        let text = |packet: &Packet| format!("{} {}:{}", packet.source, packet.destination, packet.port.unwrap_or(0));
        ways.packets.iter().map(text).collect::<Vec<_>>().join(", ")
    };
    // Inside, a Service is asked at its cluster address; from outside, by its name it is its pods.
    assert_eq!(packets("access", "nginx", None), "10.20.112.20 10.21.250.63:80");
    assert_eq!(packets("10.7.0.99", "nginx", None), "10.7.0.99 10.20.40.90:80");
    assert_eq!(packets("nodes", "access:22", None), "10.128.146.177 10.20.112.20:22, 10.128.147.102 10.20.112.20:22");
    assert_eq!(packets("access", "access:22", None), "10.20.112.20 10.20.112.20:22");
    assert_eq!(packets("access", "nginx", Some("icmp")), "10.20.112.20 10.20.40.90:0");
    assert!(packets("access", "world:443", None).starts_with("10.20.112.20 203.0.113.9:443, "));
    let refused = asked("access", "nginx:99", None).ways(&world);
    assert!(matches!(refused, Err(PlanError::Unresolved { .. })), "{refused:?}");
}
