//! Where the worlds of a topology play: who there is, with which addresses and labels, read from the base objects.
//! Never knows how these objects were chosen.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use crate::probe::Protocol;
use crate::topology::{CLIENT_TCP, CLIENT_UDP, NODE_TCP, NODE_UDP, POD_TCP, POD_UDP, SCTP, Topology};

/// Labels by key.
pub type Labels = BTreeMap<String, String>;

/// Everything that policies and packets of a world can be about.
#[derive(Clone, Debug)]
pub struct Terrain {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Namespaces with their labels.
    pub namespaces: Vec<(String, Labels)>,
    /// ServiceAccounts by namespace and name, with their labels.
    pub accounts: Vec<(String, String, Labels)>,
    /// The pods.
    pub pods: Vec<Pod>,
    /// The Services.
    pub services: Vec<Service>,
    /// Machines outside.
    pub clients: Vec<IpAddr>,
    /// Who listens on which ports.
    pub listeners: Listeners,
    /// Ranges that pods take their addresses from.
    pub pools: Vec<IpNet>,
    /// Whether pods' packets go from node to node through WireGuard.
    pub wireguard: bool,
}

/// The ports on which everybody of a kind answers.
#[derive(Clone, Debug, Default)]
pub struct Listeners {
    /// Every pod.
    pub pods: Vec<(Protocol, u16)>,
    /// Every node.
    pub nodes: Vec<(Protocol, u16)>,
    /// Every machine outside.
    pub clients: Vec<(Protocol, u16)>,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its own addresses.
    pub own: Vec<IpAddr>,
    /// The addresses of its tunnels.
    pub tunnels: Vec<IpAddr>,
}

/// A pod.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its ServiceAccount.
    pub account: String,
    /// Its node.
    pub node: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its declared ports: name, protocol in capitals, number.
    pub ports: Vec<(String, String, u16)>,
}

impl Pod {
    /// As `shop/web-1`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// A Service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its cluster addresses.
    pub addresses: Vec<IpAddr>,
    /// Its load balancer's addresses.
    pub balancers: Vec<IpAddr>,
    /// Its ports.
    pub ports: Vec<ServicePort>,
}

/// A port of a Service.
#[derive(Clone, Debug)]
pub struct ServicePort {
    /// Its protocol.
    pub protocol: Protocol,
    /// Its number.
    pub port: u16,
    /// The number on every node.
    pub node_port: Option<u16>,
    /// Where it leads: indices of pods, with the port there.
    pub backends: Vec<(usize, u16)>,
}

impl From<&Topology> for Terrain {
    fn from(topology: &Topology) -> Terrain {
        let with = |protocol, ports: &[u16]| ports.iter().map(|port| (protocol, *port)).collect::<Vec<_>>();
        let all = |tcp, udp| [with(Protocol::Tcp, tcp), with(Protocol::Udp, udp), with(Protocol::Sctp, SCTP)].concat();
        let listeners = Listeners {
            pods: all(POD_TCP, POD_UDP),
            nodes: all(NODE_TCP, NODE_UDP),
            clients: all(CLIENT_TCP, CLIENT_UDP),
        };
        let clients = topology.clients.iter().flat_map(|client| client.addresses.iter().copied());
        Terrain::of(&topology.objects(), clients.collect(), listeners)
    }
}

impl Terrain {
    /// Reads the base objects.
    pub fn of(objects: &[Value], clients: Vec<IpAddr>, listeners: Listeners) -> Terrain {
        let of_kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
        let pods: Vec<Pod> = of_kind("Pod").filter(|pod| pod["spec"]["hostNetwork"] != true).map(pod).collect();
        let keys = |node: &Value| strings(&node["metadata"]["annotations"]).into_keys().collect::<Vec<_>>();
        let wireguard = of_kind("Node").flat_map(keys).any(|key| key.contains("Wireguard"));
        let pools = of_kind("IPPool").filter_map(|pool| pool["spec"]["cidr"].as_str()?.parse().ok());
        Terrain {
            nodes: of_kind("Node").map(node).collect(),
            namespaces: of_kind("Namespace").map(|object| (name(object), labels(object))).collect(),
            accounts: of_kind("ServiceAccount")
                .map(|object| (namespace(object), name(object), labels(object)))
                .collect(),
            services: of_kind("Service").map(|object| service(object, &pods)).collect(),
            pools: pools.collect(),
            wireguard,
            pods,
            clients,
            listeners,
        }
    }

    /// The pod that has the address.
    pub fn pod_at(&self, ip: IpAddr) -> Option<&Pod> {
        self.pods.iter().find(|pod| pod.addresses.contains(&ip))
    }

    /// The node that has the address, a tunnel's too.
    pub fn node_at(&self, ip: IpAddr) -> Option<&Node> {
        self.nodes.iter().find(|node| node.own.contains(&ip) || node.tunnels.contains(&ip))
    }

    /// Whether kube-proxy has a say in what is sent there: a Service's address, or a node's port of one.
    pub fn is_service(&self, ip: IpAddr, port: Option<u16>) -> bool {
        let ports =
            |service: &Service| service.ports.iter().any(|own| own.node_port.is_some() && own.node_port == port);
        self.services
            .iter()
            .any(|service| service.addresses.contains(&ip) || service.balancers.contains(&ip) || ports(service))
    }

    /// The labels of a namespace.
    pub fn labels_of_namespace(&self, namespace: &str) -> Labels {
        let found = self.namespaces.iter().find(|(name, _)| name == namespace);
        let mut labels = found.map(|(_, labels)| labels.clone()).unwrap_or_default();
        labels.insert("projectcalico.org/name".into(), namespace.into());
        labels
    }

    /// The labels of a ServiceAccount.
    pub fn labels_of_account(&self, namespace: &str, account: &str) -> Labels {
        let found = self.accounts.iter().find(|(of, name, _)| of == namespace && name == account);
        let mut labels = found.map(|(_, _, labels)| labels.clone()).unwrap_or_default();
        labels.insert("projectcalico.org/name".into(), account.into());
        labels
    }

    /// Where a packet to this address and port goes once kube-proxy is done with it: every backend, or where it went.
    pub fn ends(&self, protocol: Protocol, to: IpAddr, port: Option<u16>) -> Vec<(IpAddr, Option<u16>)> {
        let at_node = self.nodes.iter().any(|node| node.own.contains(&to) || node.tunnels.contains(&to));
        let mut ends = Vec::new();
        for service in &self.services {
            let own = service.addresses.contains(&to) || service.balancers.contains(&to);
            for of in service.ports.iter().filter(|of| of.protocol == protocol) {
                if (own && Some(of.port) == port) || (at_node && of.node_port.is_some() && of.node_port == port) {
                    ends.extend(of.backends.iter().filter_map(|(pod, port)| {
                        let mut ips = self.pods[*pod].addresses.iter();
                        ips.find(|ip| ip.is_ipv4() == to.is_ipv4()).map(|ip| (*ip, Some(*port)))
                    }));
                }
            }
        }
        if ends.is_empty() { vec![(to, port)] } else { ends }
    }
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

fn name(object: &Value) -> String {
    text(&object["metadata"], "name").into()
}

fn namespace(object: &Value) -> String {
    text(&object["metadata"], "namespace").into()
}

fn strings(value: &Value) -> Labels {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().into())).collect()
}

fn labels(object: &Value) -> Labels {
    strings(&object["metadata"]["labels"])
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn addresses<'v>(values: impl Iterator<Item = &'v str>) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for ip in values.filter_map(|text| text.split('/').next()?.parse().ok()) {
        if !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    addresses
}

fn node(object: &Value) -> Node {
    let annotations = strings(&object["metadata"]["annotations"]);
    let ending = |wanted: fn(&str) -> bool| {
        let found = annotations.iter().filter(move |(key, _)| wanted(key));
        found.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    let internal = list(&object["status"]["addresses"]).filter(|address| address["type"] == "InternalIP");
    let own = ending(|key| key.ends_with("IPv4Address") || key.ends_with("IPv6Address"));
    let tunnels = ending(|key| key.ends_with("TunnelAddr") || key.ends_with("WireguardInterfaceAddr"));
    Node {
        name: name(object),
        labels: labels(object),
        own: addresses(own.into_iter().chain(internal.map(|address| text(address, "address")))),
        tunnels: addresses(tunnels.into_iter()),
    }
}

fn pod(object: &Value) -> Pod {
    let (spec, status) = (&object["spec"], &object["status"]);
    let ports = list(&spec["containers"]).flat_map(|container| list(&container["ports"])).filter_map(|port| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP").to_string();
        Some((port["name"].as_str()?.to_string(), protocol, number(&port["containerPort"])?))
    });
    let account = spec["serviceAccountName"].as_str().unwrap_or("default");
    Pod {
        namespace: namespace(object),
        name: name(object),
        labels: labels(object),
        account: account.into(),
        node: text(spec, "nodeName").into(),
        addresses: addresses(list(&status["podIPs"]).map(|ip| text(ip, "ip")).chain(status["podIP"].as_str())),
        ports: ports.collect(),
    }
}

fn number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok())
}

fn service(object: &Value, pods: &[Pod]) -> Service {
    let spec = &object["spec"];
    let selector = strings(&spec["selector"]);
    let chosen = |pod: &Pod| {
        let has = |(key, value): (&String, &String)| pod.labels.get(key) == Some(value);
        pod.namespace == namespace(object) && !selector.is_empty() && selector.iter().all(has)
    };
    let port = |port: &Value| {
        let word = port["protocol"].as_str().unwrap_or("TCP");
        let target = |pod: &Pod| match &port["targetPort"] {
            Value::String(name) => {
                pod.ports.iter().find(|(own, of, _)| own == name && of == word).map(|(_, _, number)| *number)
            }
            Value::Null => number(&port["port"]),
            target => number(target),
        };
        let backends = pods.iter().enumerate().filter(|(_, pod)| chosen(pod));
        Some(ServicePort {
            protocol: match word {
                "UDP" => Protocol::Udp,
                "SCTP" => Protocol::Sctp,
                _ => Protocol::Tcp,
            },
            port: number(&port["port"])?,
            node_port: number(&port["nodePort"]).filter(|port| *port != 0),
            backends: backends.filter_map(|(index, pod)| Some((index, target(pod)?))).collect(),
        })
    };
    Service {
        namespace: namespace(object),
        name: name(object),
        addresses: addresses(list(&spec["clusterIPs"]).filter_map(Value::as_str).chain(spec["clusterIP"].as_str())),
        balancers: addresses(list(&object["status"]["loadBalancer"]["ingress"]).map(|entry| text(entry, "ip"))),
        ports: list(&spec["ports"]).filter_map(port).collect(),
    }
}
