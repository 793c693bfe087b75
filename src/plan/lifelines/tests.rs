//! A cluster with every lifeline there is, and policies that cut them.
//! Never writes.

use std::collections::BTreeSet;

use super::*;
use crate::model::world::{Gap, Hidden};
use crate::plan::lockdown::{Ask, lockdown};
use crate::plan::testing::{notes, said};
use crate::plan::{decide, hosts};
use serde_json::json;

const NODES: [(&str, &str, &str); 3] =
    [("m1", "192.0.2.11", "1"), ("m2", "192.0.2.12", "2"), ("w1", "192.0.2.13", "3")];

fn node((name, ip, number): (&str, &str, &str)) -> String {
    let role = if name.starts_with('m') { "node-role.kubernetes.io/control-plane: \"\"" } else { "" };
    format!(
        "{{kind: Node, apiVersion: v1, metadata: {{name: {name}, labels: {{{role}}}, annotations: {{projectcalico.org/IPv4Address: {ip}/24, \
         projectcalico.org/WireguardPublicKey: Yj0yNDQ=, projectcalico.org/IPv4WireguardInterfaceAddr: 10.20.{number}.1, \
         projectcalico.org/IPv4IPIPTunnelAddr: 10.20.{number}.2, projectcalico.org/IPv4VXLANTunnelAddr: 10.20.{number}.3}}}}, \
         status: {{addresses: [{{type: InternalIP, address: {ip}}}]}}}}"
    )
}

fn pod(namespace: &str, app: &str, node: &str, ip: &str, more: &str) -> String {
    format!(
        "{{kind: Pod, apiVersion: v1, metadata: {{name: {app}-1, namespace: {namespace}, labels: {{app: {app}, k8s-app: {app}}}}}, \
         spec: {{nodeName: {node}, {more}containers: [{{name: c}}]}}, status: {{phase: Running, podIP: {ip}, conditions: [{{type: Ready, status: \"True\"}}]}}}}"
    )
}

fn service(namespace: &str, app: &str, ports: &str) -> String {
    format!(
        "{{kind: Service, apiVersion: v1, metadata: {{name: {app}, namespace: {namespace}}}, spec: {{clusterIP: 10.21.0.{}, selector: {{app: {app}}}, ports: [{ports}]}}}}",
        app.len()
    )
}

fn api(name: &str, namespace: &str, service: &str) -> String {
    format!(
        "{{kind: APIService, apiVersion: apiregistration.k8s.io/v1, metadata: {{name: {name}}}, spec: {{service: {{namespace: {namespace}, name: {service}, port: 443}}}}}}"
    )
}

/// `servers` are the addresses of the API servers.
fn documents(servers: &[&str]) -> String {
    let servers: Vec<String> = servers.iter().map(|ip| format!("{{ip: {ip}}}")).collect();
    let https = "{port: 443, targetPort: 8443}";
    let dns = "{port: 53, protocol: UDP, targetPort: 53}, {name: tcp, port: 53, targetPort: 53}";
    let mut documents: Vec<String> = NODES.map(node).into();
    documents.extend(["kube-system", "shop", "calico-apiserver"].map(|name| {
        format!("{{kind: Namespace, apiVersion: v1, metadata: {{name: {name}, labels: {{kubernetes.io/metadata.name: {name}}}}}}}")
    }));
    documents.extend([
        "{kind: ClusterInformation, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {calicoVersion: v3.28.0}}".into(),
        "{kind: IPPool, apiVersion: projectcalico.org/v3, metadata: {name: one}, spec: {cidr: 10.20.0.0/17, ipipMode: CrossSubnet}}".into(),
        "{kind: IPPool, apiVersion: projectcalico.org/v3, metadata: {name: two}, spec: {cidr: 10.20.128.0/17, vxlanMode: CrossSubnet}}".into(),
        "{kind: IPAddressPool, apiVersion: metallb.io/v1beta1, metadata: {name: lb, namespace: metallb-system}, spec: {addresses: [192.0.2.200-192.0.2.210]}}".into(),
        r#"{kind: ConfigMap, apiVersion: v1, metadata: {name: kube-proxy, namespace: kube-system}, data: {config.conf: "mode: iptables\nclusterCIDR: 10.20.0.0/16"}}"#.into(),
        "{kind: Service, apiVersion: v1, metadata: {name: kubernetes, namespace: default}, spec: {clusterIP: 10.21.0.1, ports: [{name: https, port: 443, targetPort: 6443}]}}".into(),
        format!("{{kind: Endpoints, apiVersion: v1, metadata: {{name: kubernetes, namespace: default}}, subsets: [{{addresses: [{}], ports: [{{name: https, port: 6443}}]}}]}}", servers.join(", ")),
        // No port is a failsafe, so that every lifeline depends on policy.
        "{kind: FelixConfiguration, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {failsafeInboundHostPorts: [], failsafeOutboundHostPorts: []}}".into(),
        service("kube-system", "kube-dns", dns),
        pod("kube-system", "kube-dns", "m1", "10.20.1.10", ""),
        pod("kube-system", "konnectivity-agent", "w1", "10.20.3.11", ""),
        pod("kube-system", "calico-typha", "m2", "192.0.2.12", "hostNetwork: true, "),
        pod("shop", "web", "w1", "10.20.3.20", ""),
        service("shop", "checker", https),
        pod("shop", "checker", "w1", "10.20.3.21", ""),
        "{kind: ValidatingWebhookConfiguration, apiVersion: admissionregistration.k8s.io/v1, metadata: {name: checker}, webhooks: [{name: a.b.c, clientConfig: {service: {namespace: shop, name: checker}}}]}".into(),
        service("shop", "metrics-server", https),
        pod("shop", "metrics-server", "w1", "10.20.3.22", ""),
        api("v1beta1.metrics.k8s.io", "shop", "metrics-server"),
        service("shop", "extension", https),
        pod("shop", "extension", "m2", "10.20.2.23", ""),
        api("v1.example.org", "shop", "extension"),
        service("calico-apiserver", "calico-api", https),
        pod("calico-apiserver", "calico-api", "m2", "10.20.2.24", ""),
        api("v3.projectcalico.org", "calico-apiserver", "calico-api"),
    ]);
    documents.join("\n---\n")
}

const SERVERS: [&str; 2] = ["192.0.2.11", "192.0.2.12"];

fn endpoints() -> String {
    let one = |(name, ip, _): (&str, &str, &str)| {
        format!(
            "\n---\n{{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {{name: {name}, labels: {{node: {name}}}}}, spec: {{node: {name}, interfaceName: '*', expectedIPs: [{ip}], profiles: [projectcalico-default-allow]}}}}"
        )
    };
    NODES.map(one).concat()
}

/// A step that makes a policy of everybody, pods and hosts.
fn deny(rules: serde_json::Value) -> Step {
    let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy", "metadata": {"name": "deny"},
        "spec": {"order": 1, "selector": "all()", "types": ["Ingress", "Egress"], "applyOnForward": true, "ingress": rules, "egress": rules}});
    let id =
        crate::model::policy::PolicyId { kind: PolicyKind::GlobalNetworkPolicy, namespace: None, name: "deny".into() };
    Step { object: decide::object(&id), planned_on: None, edits: vec![Edit::Create(document)], why: String::new() }
}

#[test]
fn every_lifeline_is_walked_and_its_loss_is_accepted_by_its_name_alone() {
    let world = crate::testing::world(&format!("{}{}", documents(&SERVERS), endpoints()));
    let steps = [deny(json!([{"action": "Deny"}]))];
    let mut accepted: Vec<Risk> = Vec::new();
    let end = loop {
        match prove(&world, &steps, &accepted) {
            Ok(notes) => break notes,
            Err(error) => {
                let text = said(&error);
                let named = text.split("--accept-risk ").nth(1).and_then(|rest| rest.split(' ').next());
                let named = named.unwrap_or_else(|| panic!("{text}")).split(',');
                let risks: Vec<Risk> =
                    named.map(|name| Risk::parse(name).unwrap_or_else(|| panic!("{text}"))).collect();
                assert!(!risks.iter().any(|risk| accepted.contains(risk)) && text.contains("would cut off"), "{text}");
                accepted.push(risks[0]);
            }
        }
    };
    let found: BTreeSet<Risk> = accepted.iter().copied().collect();
    // What passes between applications is what a lockdown is for.
    let not = [Risk::Pods, Risk::OpenToAllClientsOfNodes];
    let all: BTreeSet<Risk> = Risk::ALL.into_iter().filter(|risk| !not.contains(risk)).collect();
    assert_eq!(found, all);
    assert_eq!(end.len(), all.len(), "{end:?}");
}

#[test]
fn one_port_that_closes_is_named_with_whom_it_serves() {
    let world = crate::testing::world(&format!("{}{}", documents(&SERVERS), endpoints()));
    for (port, what) in [
        (10250, "the API server on m2 reaches the kubelet of m1"),
        (6443, "m1 reaches the API server on m2"),
        (2379, "m1 reaches m2 as members of etcd do"),
        (5473, "as Felix reaches Typha"),
        (179, "for routes"),
    ] {
        let rules =
            json!([{"action": "Deny", "protocol": "TCP", "destination": {"ports": [port]}}, {"action": "Allow"}]);
        let text = said(&prove(&world, &[deny(rules)], &[]).unwrap_err());
        assert!(text.contains(what) && text.contains(&format!("TCP:{port}")), "{port}: {text}");
        assert!(text.contains("rule 0 of") && text.contains("deny"), "{text}");
    }
}

#[test]
fn without_a_host_endpoint_nodes_are_not_touched() {
    let world = crate::testing::world(&documents(&SERVERS));
    let ports = json!({"ports": [10250, 6443, 2379, 5473]});
    let rules = json!([{"action": "Deny", "protocol": "TCP", "destination": ports}, {"action": "Allow"}]);
    let text = said(&prove(&world, &[deny(rules)], &[]).unwrap_err());
    assert!(text.contains("shop/metrics-server-1 reads the metrics of m1"), "{text}");
}

#[test]
fn metrics_of_kubelets_are_read_by_a_pod_that_a_lockdown_would_lock() {
    let world = crate::testing::world(&documents(&SERVERS));
    let text = said(&lockdown(&world, &Ask::default()).unwrap_err());
    assert!(text.contains("shop/metrics-server-1 reads the metrics of m1"), "{text}");
    let ask = Ask { accepted: vec![Risk::MetricsServer], ..Ask::default() };
    let plan = lockdown(&world, &ask).unwrap();
    assert!(notes(&plan).contains("lost, as --accept-risk metrics-server has it"), "{}", notes(&plan));
}

#[test]
fn a_kubelet_that_is_called_from_outside_is_not_locked_away() {
    let text = documents(&["198.51.100.4"]);
    let from_afar = "198.51.100.4 -> 192.0.2.11 tcp:10250";
    let passes = |world: &World| {
        let question = Question { packet: crate::testing::packet(from_afar), entry: None };
        together(&walk(world, &question)) == Verdict::Allow
    };
    let asking = |accepted: &[Risk]| hosts::Ask { accepted: accepted.to_vec(), ..hosts::Ask::default() };
    let away = crate::testing::world(&text);
    let plan = hosts::lock(&away, &asking(&[Risk::ApiServer])).unwrap();
    assert!(passes(&simulate(&away, &plan.steps).unwrap()));
    // Somebody's policy for everything has no say on nodes until they have host endpoints.
    let theirs = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: no-kubelet}, spec: {order: 5, selector: all(), types: [Ingress], ingress: [{action: Deny, protocol: TCP, destination: {ports: [10250]}}, {action: Allow}]}}";
    let world = crate::testing::world(&format!("{text}\n---\n{theirs}"));
    assert!(passes(&world));
    let text = said(&hosts::lock(&world, &asking(&[Risk::ApiServer])).unwrap_err());
    assert!(text.contains("the API server on 198.51.100.4 reaches the kubelet of m1"), "{text}");
    assert!(text.contains("GlobalNetworkPolicy no-kubelet") && text.contains("--accept-risk kubelet"), "{text}");
    let plan =
        hosts::lock(&world, &asking(&[Risk::ApiServer, Risk::Kubelet, Risk::MetricsServer, Risk::Nodes, Risk::Pods]))
            .unwrap();
    assert!(notes(&plan).contains("lost, as --accept-risk kubelet has it"), "{}", notes(&plan));
    assert!(!passes(&simulate(&world, &plan.steps).unwrap()));
}

#[test]
fn what_cannot_be_told_afterwards_is_refused_as_unknown() {
    let world = crate::testing::world(&format!("{}{}", documents(&SERVERS), endpoints()));
    // What Felix makes of this rule depends on a set that was not read.
    let gap =
        Gap { hides: Hidden::Sets, namespace: None, place: "globalnetworksets".into(), reason: "Forbidden".into() };
    let world = World { gaps: vec![gap], ..world };
    let rule = json!({"action": "Deny", "source": {"selector": "who == 'x'", "namespaceSelector": "global()"}});
    match prove(&world, &[deny(json!([rule, {"action": "Allow"}]))], &[]) {
        Err(PlanError::Unknown { reason, .. }) => assert!(reason.contains("it cannot be told whether"), "{reason}"),
        other => panic!("{other:?}"),
    }
}
