//! The objects of the cluster, as Kubernetes' and Calico's own parts would have written them.
//! Never reads or writes anything, and never knows how they reach the API server.

use serde_json::{Value, json};

use super::topology::{
    Encapsulation, Exposure, Node, POD_RANGES, Pod, Protocol, Proxy, SERVICE_RANGES, Service, Target, Topology,
};

/// The group that Calico 3.28 stores its objects in.
const CALICO: &str = "crd.projectcalico.org/v1";

/// A service account: its namespace, its name, its labels.
type Account = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const NAMESPACES: &[(&str, &[(&str, &str)])] =
    &[("shop", &[("env", "prod"), ("team", "blue")]), ("policy-demo", &[("team", "red")]), ("metallb-system", &[])];

const ACCOUNTS: &[Account] = &[
    ("shop", "default", &[]),
    ("policy-demo", "default", &[]),
    ("policy-demo", "robot", &[("kind", "robot")]),
    ("shop", "robot", &[("kind", "robot")]),
    ("kube-system", "coredns", &[("kind", "system")]),
];

impl Topology {
    /// Every object of the cluster without policies, in an order in which they can be created. Statuses are in them.
    pub fn objects(&self) -> Vec<Value> {
        let mut objects = Vec::new();
        objects.extend(NAMESPACES.iter().map(|(name, labels)| {
            let mut labels = map(labels);
            labels["kubernetes.io/metadata.name"] = json!(name);
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } })
        }));
        objects.extend(ACCOUNTS.iter().map(|(namespace, name, labels)| {
            let metadata = json!({ "namespace": namespace, "name": name, "labels": map(labels) });
            json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata })
        }));
        objects.extend(self.configuration());
        objects.extend(self.nodes.iter().map(|node| self.node_object(node)));
        objects.extend(self.services.iter().map(service_object));
        objects.extend(self.services.iter().filter_map(announcement));
        objects.extend(self.pods.iter().map(|pod| self.pod_object(pod)));
        objects
    }

    /// What says how the cluster works: Calico's and kube-proxy's configuration.
    fn configuration(&self) -> Vec<Value> {
        let calico = |kind: &str, name: &str, spec: Value| json!({ "apiVersion": CALICO, "kind": kind, "metadata": { "name": name }, "spec": spec });
        let families = if self.mode.dual { 2 } else { 1 };
        let mut felix = json!({ "defaultEndpointToHostAction": "Accept", "reportingInterval": "0s" });
        if self.mode.encapsulation == Encapsulation::WireGuard {
            felix["wireguardEnabled"] = json!(true);
            if self.mode.dual {
                felix["wireguardEnabledV6"] = json!(true);
            }
        }
        let advertised: Vec<Value> = SERVICE_RANGES[..families].iter().map(|range| json!({ "cidr": range })).collect();
        let mut objects = vec![
            calico(
                "ClusterInformation",
                "default",
                json!({
                    "calicoVersion": "v3.28.5",
                    "clusterGUID": "5f0c1f6f6d0b4c0c8f6d1a2b3c4d5e6f",
                    "clusterType": "k8s,kdd",
                    "datastoreReady": true,
                }),
            ),
            calico("FelixConfiguration", "default", felix),
            calico(
                "BGPConfiguration",
                "default",
                json!({ "asNumber": 64512, "nodeToNodeMeshEnabled": true, "serviceClusterIPs": advertised }),
            ),
        ];
        let vxlan = match self.mode.encapsulation {
            Encapsulation::Vxlan => "Always",
            Encapsulation::CrossSubnet => "CrossSubnet",
            Encapsulation::Direct | Encapsulation::WireGuard => "Never",
        };
        for (family, range) in POD_RANGES[..families].iter().enumerate() {
            let block_size = [26, 122][family];
            let spec = json!({
                "allowedUses": ["Workload", "Tunnel"],
                "blockSize": block_size,
                "cidr": range,
                "ipipMode": "Never",
                "natOutgoing": true,
                "nodeSelector": "all()",
                "vxlanMode": vxlan,
            });
            objects.push(calico("IPPool", ["default-ipv4-ippool", "default-ipv6-ippool"][family], spec));
        }
        let mode = match self.mode.proxy {
            Proxy::Iptables => "iptables",
            Proxy::Nftables => "nftables",
        };
        let ranges = POD_RANGES[..families].join(",");
        let text = format!(
            "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: {mode}\nclusterCIDR: {ranges}\n"
        );
        objects.push(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "namespace": "kube-system", "name": "kube-proxy" },
            "data": { "config.conf": text },
        }));
        objects
    }

    fn node_object(&self, node: &Node) -> Value {
        // calico-node writes the node's addresses with the prefix of their network, and allocates the tunnels'.
        let own = format!("{}/{}", node.addresses[0], node.network().prefix_len());
        let mut annotations = json!({ "projectcalico.org/IPv4Address": own });
        if let Some(address) = node.addresses.get(1) {
            annotations["projectcalico.org/IPv6Address"] = json!(format!("{address}/64"));
        }
        for (address, family) in node.tunnel.iter().zip(["IPv4", "IPv6"]) {
            let tunnel = match self.mode.encapsulation {
                Encapsulation::Vxlan | Encapsulation::CrossSubnet => "VXLANTunnelAddr",
                Encapsulation::WireGuard | Encapsulation::Direct => "WireguardInterfaceAddr",
            };
            annotations[format!("projectcalico.org/{family}{tunnel}")] = json!(address);
        }
        let mut addresses: Vec<Value> =
            node.addresses.iter().map(|address| json!({ "type": "InternalIP", "address": address })).collect();
        addresses.push(json!({ "type": "Hostname", "address": node.name }));
        let labels = json!({ "kubernetes.io/hostname": node.name, "kubernetes.io/os": "linux", "zone": node.zone });
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": { "name": node.name, "labels": labels, "annotations": annotations },
            "spec": { "podCIDR": node.ranges[0], "podCIDRs": node.ranges },
            "status": {
                "addresses": addresses,
                "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready" }],
            },
        })
    }

    fn pod_object(&self, pod: &Pod) -> Value {
        let networks: Vec<String> = pod
            .addresses
            .iter()
            .map(|address| format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 }))
            .collect();
        let ports: Vec<Value> = pod
            .ports
            .iter()
            .map(|(name, port, protocol)| json!({ "name": name, "containerPort": port, "protocol": upper(*protocol) }))
            .collect();
        let ready = ["Initialized", "Ready", "ContainersReady", "PodScheduled"];
        let addresses: Vec<Value> = pod.addresses.iter().map(|address| json!({ "ip": address })).collect();
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "namespace": pod.namespace,
                "name": pod.name,
                "labels": map(pod.labels),
                "annotations": {
                    "cni.projectcalico.org/podIP": networks[0],
                    "cni.projectcalico.org/podIPs": networks.join(","),
                },
            },
            "spec": {
                "containers": [{ "name": "app", "image": "app", "ports": ports }],
                "nodeName": pod.node,
                "serviceAccountName": pod.account,
                "automountServiceAccountToken": false,
            },
            "status": {
                "phase": "Running",
                "conditions": ready.map(|kind| json!({ "type": kind, "status": "True" })),
                "hostIP": self.node(&pod.node).addresses[0],
                "podIP": pod.addresses[0],
                "podIPs": addresses,
            },
        })
    }
}

fn service_object(service: &Service) -> Value {
    let ports = service.ports.iter().map(|port| {
        let target = match port.target {
            Target::Number(number) => json!(number),
            Target::Name(name) => json!(name),
        };
        let mut value = json!({
            "name": port.name, "protocol": upper(port.protocol), "port": port.port, "targetPort": target,
        });
        if let Some(node_port) = port.node_port {
            value["nodePort"] = json!(node_port);
        }
        value
    });
    let kind = match service.exposure {
        Exposure::ClusterIp => "ClusterIP",
        Exposure::NodePort => "NodePort",
        Exposure::LoadBalancer { .. } => "LoadBalancer",
    };
    let families = &["IPv4", "IPv6"][..service.addresses.len()];
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "namespace": service.namespace, "name": service.name },
        "spec": {
            "type": kind,
            "clusterIP": service.addresses[0],
            "clusterIPs": service.addresses,
            "ipFamilies": families,
            "ipFamilyPolicy": if families.len() == 2 { "RequireDualStack" } else { "SingleStack" },
            "selector": map(service.selector),
            "ports": ports.collect::<Vec<_>>(),
        },
    });
    if service.exposure != Exposure::ClusterIp {
        object["spec"]["externalTrafficPolicy"] = json!(if service.local { "Local" } else { "Cluster" });
    }
    if let Exposure::LoadBalancer { addresses, .. } = &service.exposure {
        let ingress: Vec<Value> = addresses.iter().map(|address| json!({ "ip": address, "ipMode": "VIP" })).collect();
        object["status"] = json!({ "loadBalancer": { "ingress": ingress } });
    }
    object
}

/// What MetalLB's speaker says about the address that it announces.
fn announcement(service: &Service) -> Option<Value> {
    let Exposure::LoadBalancer { announcer, .. } = &service.exposure else { return None };
    Some(json!({
        "apiVersion": "metallb.io/v1beta1",
        "kind": "ServiceL2Status",
        "metadata": {
            "namespace": "metallb-system",
            "name": format!("l2-{}", service.name),
            "labels": {
                "metallb.io/node": announcer,
                "metallb.io/service-name": service.name,
                "metallb.io/service-namespace": service.namespace,
            },
        },
        "status": {
            "node": announcer,
            "serviceName": service.name,
            "serviceNamespace": service.namespace,
            "interfaces": [],
        },
    }))
}

/// The protocol as Kubernetes writes it.
fn upper(protocol: Protocol) -> String {
    protocol.to_string().to_uppercase()
}

fn map(labels: &[(&str, &str)]) -> Value {
    labels.iter().map(|(key, value)| (key.to_string(), json!(value))).collect::<serde_json::Map<_, _>>().into()
}
