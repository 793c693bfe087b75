//! Random small clusters: nodes and how packets get from one to the other, pods, Services and their doors.
//! Never knows policy.

use serde_json::{Value, json};

use super::random::Random;

/// What a cluster has that policies and asks name.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its documents.
    pub documents: Vec<Value>,
    /// Whether it has IPv4, and whether it has IPv6.
    pub families: [bool; 2],
    /// Names of its nodes with the last number of their addresses and their subnet.
    pub nodes: Vec<(String, [u8; 2])>,
}

/// Calico's own kinds.
pub fn calico(kind: &str, name: &str, spec: Value) -> Value {
    json!({ "apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": { "name": name }, "spec": spec })
}

/// Kubernetes' own kinds.
pub fn core(kind: &str, namespace: Option<&str>, name: &str, rest: Value) -> Value {
    let mut document = json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": name } });
    if let Some(namespace) = namespace {
        document["metadata"]["namespace"] = json!(namespace);
    }
    for (key, value) in rest.as_object().into_iter().flatten() {
        match key.as_str() {
            "labels" | "annotations" => document["metadata"][key] = value.clone(),
            _ => document[key] = value.clone(),
        }
    }
    document
}

/// The pods' applications with their namespaces: each has a Service of its name.
pub const APPS: [(&str, &str); 4] = [("shop", "web"), ("shop", "api"), ("stock", "db"), ("kube-system", "metrics")];
/// What every application's pods listen on, by the port of its Service.
pub const TARGETS: [(u16, u16); 2] = [(80, 8080), (81, 8081)];

/// A cluster.
pub fn cluster(random: &mut Random) -> Cluster {
    let families = *random.weighted(&[(6, [true, false]), (1, [false, true]), (3, [true, true])]);
    let version = *random.weighted(&[(4, "v3.28.0"), (2, "v3.31.0"), (2, "v3.32.1"), (1, "v3.18.1")]);
    let mut documents = vec![calico("ClusterInformation", "default", json!({ "calicoVersion": version }))];
    let wire = Wire::of(random);
    documents.extend(wire.pools(random, families));
    documents.extend(felix(random, &wire));
    documents.push(proxy(random, families));
    let count = random.between(1, 3).max(random.between(1, 3));
    let mut nodes = Vec::new();
    for index in 0..count {
        let subnet = if index == 2 && random.chance(50) { 3 } else { 2 };
        let name = format!("n{}", index + 1);
        documents.push(wire.node(random, families, &name, index, subnet));
        nodes.push((name, [subnet, 11 + u8::try_from(index).unwrap()]));
    }
    for namespace in ["shop", "stock", "kube-system"] {
        let labels = json!({ "labels": { "kubernetes.io/metadata.name": namespace } });
        documents.push(core("Namespace", None, namespace, labels));
    }
    documents.extend(pods(random, families, &nodes));
    documents.extend(services(random, families));
    documents.extend(edge(random, families));
    Cluster { documents, families, nodes }
}

/// How packets get from node to node.
struct Wire {
    ipip: &'static str,
    vxlan: &'static str,
    wireguard: &'static str,
    host_encryption: bool,
}

impl Wire {
    fn of(random: &mut Random) -> Wire {
        let (ipip, vxlan) = *random.weighted(&[
            (4, ("Never", "Never")),
            (2, ("Always", "Never")),
            (2, ("CrossSubnet", "Never")),
            (2, ("Never", "Always")),
            (2, ("Never", "CrossSubnet")),
        ]);
        let wireguard = *random.weighted(&[(6, "none"), (3, "all"), (1, "some")]);
        Wire { ipip, vxlan, wireguard, host_encryption: wireguard != "none" && random.chance(20) }
    }

    fn pools(&self, random: &mut Random, [four, six]: [bool; 2]) -> Vec<Value> {
        let nat = random.chance(80);
        let mut pools = Vec::new();
        if four {
            let spec =
                json!({ "cidr": "10.20.0.0/16", "natOutgoing": nat, "ipipMode": self.ipip, "vxlanMode": self.vxlan });
            pools.push(calico("IPPool", "four", spec));
        }
        if six {
            let spec = json!({ "cidr": "fd00:20::/64", "natOutgoing": nat, "vxlanMode": self.vxlan });
            pools.push(calico("IPPool", "six", spec));
        }
        pools
    }

    fn node(&self, random: &mut Random, [four, six]: [bool; 2], name: &str, index: usize, subnet: u8) -> Value {
        let last = 11 + index;
        let mut annotations = serde_json::Map::new();
        let mut addresses = Vec::new();
        let keyed = self.wireguard == "all" || (self.wireguard == "some" && index > 0);
        let mut put =
            |key: &str, value: String| _ = annotations.insert(format!("projectcalico.org/{key}"), json!(value));
        if four {
            put("IPv4Address", format!("192.0.{subnet}.{last}/24"));
            addresses.push(json!({ "type": "InternalIP", "address": format!("192.0.{subnet}.{last}") }));
            if self.ipip != "Never" {
                put("IPv4IPIPTunnelAddr", format!("10.20.{index}.1"));
            }
            if self.vxlan != "Never" {
                put("IPv4VXLANTunnelAddr", format!("10.20.{index}.2"));
            }
            if keyed {
                put("WireguardPublicKey", format!("key{index}"));
                if !self.host_encryption {
                    put("IPv4WireguardInterfaceAddr", format!("10.20.{index}.3"));
                }
            }
        }
        if six {
            put("IPv6Address", format!("fd00:{subnet}::{last}/64"));
            addresses.push(json!({ "type": "InternalIP", "address": format!("fd00:{subnet}::{last}") }));
            if self.vxlan != "Never" {
                put("IPv6VXLANTunnelAddr", format!("fd00:20::{index}:2"));
            }
        }
        if random.chance(10) {
            addresses.push(json!({ "type": "ExternalIP", "address": format!("198.18.0.{last}") }));
        }
        let role = if random.chance(50) { "edge" } else { "inner" };
        core(
            "Node",
            None,
            name,
            json!({ "labels": { "role": role, "kubernetes.io/hostname": name }, "annotations": annotations,
                    "status": { "addresses": addresses } }),
        )
    }
}

fn felix(random: &mut Random, wire: &Wire) -> Option<Value> {
    let mut spec = serde_json::Map::new();
    if wire.wireguard != "none" {
        spec.insert("wireguardEnabled".into(), json!(true));
        spec.insert("wireguardHostEncryptionEnabled".into(), json!(wire.host_encryption));
    }
    if random.chance(6) {
        spec.insert("bpfEnabled".into(), json!(true));
    }
    if random.chance(30) {
        let action = *random.pick(&["ACCEPT", "DROP", "RETURN"]);
        spec.insert("defaultEndpointToHostAction".into(), json!(action));
    }
    (!spec.is_empty()).then(|| calico("FelixConfiguration", "default", Value::Object(spec)))
}

fn proxy(random: &mut Random, [four, six]: [bool; 2]) -> Value {
    let ranges: Vec<&str> =
        [(four, "10.20.0.0/16"), (six, "fd00:20::/64")].iter().filter(|(has, _)| *has).map(|(_, net)| *net).collect();
    let mode = *random.weighted(&[(5, "iptables"), (2, "nftables")]);
    let mut lines = vec![format!("mode: {mode}")];
    match random.below(10) {
        0 => lines.push("detectLocalMode: NodeCIDR".into()),
        1 => lines.push("detectLocalMode: InterfaceNamePrefix\ndetectLocal:\n  interfaceNamePrefix: cali".into()),
        2 => {}
        _ => lines.push(format!("clusterCIDR: {}", ranges.join(","))),
    }
    if random.chance(5) {
        lines.push(format!("{mode}:\n  masqueradeAll: true"));
    }
    core("ConfigMap", Some("kube-system"), "kube-proxy", json!({ "data": { "config.conf": lines.join("\n") } }))
}

fn pods(random: &mut Random, [four, six]: [bool; 2], nodes: &[(String, [u8; 2])]) -> Vec<Value> {
    let mut pods = Vec::new();
    let mut add = |random: &mut Random, namespace: &str, name: String, app: &str| {
        let number = 20 + pods.len();
        let node = &random.pick(nodes).0;
        let mut ips = Vec::new();
        if four {
            ips.push(json!({ "ip": format!("10.20.100.{number}") }));
        }
        if six {
            ips.push(json!({ "ip": format!("fd00:20::100:{number}") }));
        }
        let mut labels = json!({ "app": app });
        if random.chance(8) {
            // What our own objects and the article's are selected by.
            labels["kubectl-zerotrust/nodes"] = json!("true");
            labels["nodeport-external-ingress"] = json!("true");
        }
        let ready = if random.chance(92) { "True" } else { "False" };
        pods.push(core(
            "Pod",
            Some(namespace),
            &name,
            json!({ "labels": labels, "spec": { "nodeName": node, "containers": [{ "name": "c" }] },
                    "status": { "phase": "Running", "podIP": ips[0]["ip"], "podIPs": ips,
                                "conditions": [{ "type": "Ready", "status": ready }] } }),
        ));
    };
    for (namespace, app) in APPS {
        for replica in 1..=random.between(1, 2) {
            add(random, namespace, format!("{app}-{replica}"), app);
        }
    }
    add(random, "shop", "client-1".into(), "client");
    add(random, "kube-system", "dns-1".into(), "dns");
    pods
}

fn services(random: &mut Random, families: [bool; 2]) -> Vec<Value> {
    let mut services = Vec::new();
    let mut number = 0;
    for (namespace, app) in APPS {
        for twin in 0..if random.chance(20) { 2 } else { 1 } {
            number += 1;
            let name = if twin == 0 { app.to_string() } else { format!("{app}-twin") };
            services.push(service(random, families, (namespace, &name, app), number));
        }
    }
    let ips = cluster_ips(families, 10);
    let spec = json!({ "clusterIP": ips[0], "clusterIPs": ips, "selector": { "app": "dns" },
                       "ports": [{ "name": "dns", "port": 53, "protocol": "UDP" }, { "name": "dns-tcp", "port": 53, "protocol": "TCP" }] });
    services.push(core(
        "Service",
        Some("kube-system"),
        "kube-dns",
        json!({ "labels": { "k8s-app": "kube-dns" }, "spec": spec }),
    ));
    services
}

fn cluster_ips([four, six]: [bool; 2], number: usize) -> Vec<String> {
    let all = [(four, format!("10.21.0.{number}")), (six, format!("fd00:21::{number}"))];
    all.into_iter().filter(|(has, _)| *has).map(|(_, ip)| ip).collect()
}

fn service(
    random: &mut Random,
    families: [bool; 2],
    (namespace, name, app): (&str, &str, &str),
    number: usize,
) -> Value {
    let kind = *random.weighted(&[(5, "ClusterIP"), (3, "NodePort"), (3, "LoadBalancer")]);
    let mut ports = Vec::new();
    for (index, (port, target)) in TARGETS.iter().take(if random.chance(25) { 2 } else { 1 }).enumerate() {
        let mut entry = json!({ "name": format!("p{port}"), "port": port, "targetPort": target });
        if kind != "ClusterIP" && (kind == "NodePort" || random.chance(90)) {
            entry["nodePort"] = json!(31000 + number * 10 + index);
        }
        ports.push(entry);
    }
    let ips = cluster_ips(families, 20 + number);
    let mut spec =
        json!({ "type": kind, "clusterIP": ips[0], "clusterIPs": ips, "selector": { "app": app }, "ports": ports });
    let mut status = json!({});
    let local = kind != "ClusterIP" && random.chance(35);
    if local {
        spec["externalTrafficPolicy"] = json!("Local");
    }
    if random.chance(5) {
        spec["internalTrafficPolicy"] = json!("Local");
    }
    if kind == "LoadBalancer" {
        if random.chance(85) {
            let mut ingress = Vec::new();
            if families[0] {
                ingress.push(json!({ "ip": format!("192.0.2.{}", 200 + number) }));
            }
            if families[1] && (!families[0] || random.chance(50)) {
                ingress.push(json!({ "ip": format!("fd00:2::{}", 200 + number) }));
            }
            status = json!({ "loadBalancer": { "ingress": ingress } });
        }
        if local {
            spec["healthCheckNodePort"] = json!(32000 + number);
        }
        if random.chance(10) {
            spec["loadBalancerSourceRanges"] = json!(["10.7.0.0/16"]);
        }
    }
    if random.chance(8) && families[0] {
        spec["externalIPs"] = json!([format!("198.51.100.{number}")]);
    }
    core("Service", Some(namespace), name, json!({ "spec": spec, "status": status }))
}

/// Who announces addresses outside.
fn edge(random: &mut Random, [four, _]: [bool; 2]) -> Vec<Value> {
    let mut documents = Vec::new();
    if four && random.chance(40) {
        let metadata = |kind: &str, spec: Value| {
            json!({ "apiVersion": "metallb.io/v1beta1", "kind": kind, "metadata": { "name": "edge", "namespace": "metallb-system" },
                    "spec": spec })
        };
        documents.push(metadata("IPAddressPool", json!({ "addresses": ["192.0.2.200-192.0.2.220"] })));
        documents.push(metadata("L2Advertisement", json!({ "ipAddressPools": ["edge"] })));
    }
    if random.chance(35) {
        let nets = match (four, random.chance(60)) {
            (true, true) => json!([{ "cidr": "10.21.0.0/16" }]),
            (true, false) => json!([{ "cidr": "10.21.0.21/32" }]),
            (false, true) => json!([{ "cidr": "fd00:21::/112" }]),
            (false, false) => json!([{ "cidr": "fd00:21::21/128" }]),
        };
        let mut spec = json!({ "serviceClusterIPs": nets });
        if four && random.chance(30) {
            spec["serviceLoadBalancerIPs"] = json!([{ "cidr": "192.0.2.200/29" }]);
        }
        documents.push(calico("BGPConfiguration", "default", spec));
        if random.chance(40) {
            let spec = json!({ "peerIP": "192.0.2.254", "asNumber": 64512, "nodeSelector": "role == 'edge'" });
            documents.push(calico("BGPPeer", "router", spec));
        }
    }
    documents
}
