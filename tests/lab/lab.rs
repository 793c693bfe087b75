//! A running cluster: starts it, gives it worlds of policies, and asks the kernel what becomes of packets.
//! Never judges: what was expected is for the tests to know.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::api::{Api, Request};
use super::cage::{Cage, Door};
use super::log::KernelLog;
use super::marks::Marks;
use super::network::{self, CONTROL, OUTSIDE, of_pod};
use super::probe::{Fate, Probe, Protocol, Sender};
use super::prober;
use super::server::Servers;
use super::station::{Listeners, Station};
use super::support::{ControlPlane, Keeper, Place};
use super::topology::{
    CLIENT_TCP, CLIENT_UDP, CONTROL_PLANE, Encapsulation, Mode, NODE_TCP, NODE_UDP, Node, POD_TCP, POD_UDP, SCTP,
    SERVICE_RANGES, Topology,
};
use super::wireguard::Keys;
use super::{needs, saved};

/// kube-apiserver's port, which is failsafe: no policy keeps the nodes from it.
const PORT: u16 = 6443;
/// How long servers may take to start on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(120);

/// The cluster. Dropping it, or the end of the test process however it comes, leaves nothing of it.
#[derive(Debug)]
pub struct Lab {
    // Dropped from the top: who holds a namespace first, then the namespaces with all processes, the files last.
    stations: BTreeMap<String, Station>,
    api: Api,
    cage: Cage,
    servers: Vec<Servers>,
    _controllers: Keeper,
    plane: ControlPlane,
    topology: Topology,
    marks: Marks,
    world: Vec<Value>,
    /// Source ports that probes named since the last world.
    fixed_ports: BTreeSet<u16>,
    log: Option<KernelLog>,
}

impl Lab {
    /// Starts a cluster of this mode without any policy. Panics with one sentence on a machine that cannot.
    pub fn start(mode: Mode) -> Lab {
        Lab::start_logging(mode, None)
    }

    /// The same, and what Log rules write can be read with [`Lab::log_lines`]. It waits until no other lab reads its own.
    pub fn start_with_log(mode: Mode) -> Lab {
        Lab::start_logging(mode, Some(KernelLog::start()))
    }

    fn start_logging(mode: Mode, log: Option<KernelLog>) -> Lab {
        static CHECKED: Once = Once::new();
        CHECKED.call_once(needs::check);
        // Built before the first namespace is made, so that no cluster waits for a compiler.
        super::support::build();
        super::support::build_felix();
        let topology = Topology::of(mode);
        let cage = Cage::new();
        network::lay(&cage, &topology);
        let families = topology.nodes[0].addresses.len();
        let place = Place {
            enter: cage.enter(Some(CONTROL)),
            addresses: vec![CONTROL_PLANE[0].parse().expect("an address")],
            port: Some(PORT),
            service_ranges: SERVICE_RANGES[..families].iter().map(ToString::to_string).collect(),
        };
        let plane = ControlPlane::start_at(place);
        let api = Api::start(cage.door(CONTROL), plane.kubeconfig());
        let keys = (mode.encapsulation == Encapsulation::WireGuard).then(|| Keys::new(&cage, &topology));
        let objects = objects(&topology, keys.as_ref());
        create(&api, &plane, objects);
        let felix = if keys.is_some() { readers_kubeconfig(&plane) } else { plane.kubeconfig().to_path_buf() };
        let controllers = plane.start_controllers(&["endpointslice-controller"]);
        let started: Vec<_> = topology
            .nodes
            .iter()
            .map(|node| Servers::start_proxy(&cage, &plane, &topology, keys.as_ref(), node))
            .collect();
        wait_for_proxies(&cage, &topology);
        let nodes = topology.nodes.iter().zip(started);
        let servers = nodes
            .map(|(node, started)| Servers::start_felix(&cage, &plane, &topology, node, &felix, log.is_some(), started))
            .collect();
        let stations = stations(&cage, &topology);
        let marks = Marks::new(&api, &topology);
        let mut lab = Lab {
            stations,
            api,
            cage,
            servers,
            _controllers: controllers,
            plane,
            topology,
            marks,
            world: Vec::new(),
            fixed_ports: BTreeSet::new(),
            log,
        };
        lab.apply(&[]);
        lab.warm_up();
        lab
    }

    /// Waits until every node reaches the pods of every other: tunnels are there and have shaken hands.
    fn warm_up(&mut self) {
        let mut probes = Vec::new();
        for node in &self.topology.nodes {
            for pod in &self.topology.pods {
                let addresses = node.addresses.iter().zip(&pod.addresses);
                probes.extend(addresses.map(|(source, destination)| Probe {
                    sender: Sender::Node(node.name.clone()),
                    source: *source,
                    destination: *destination,
                    port: Some(POD_TCP[0]),
                    protocol: Protocol::Tcp,
                    source_port: None,
                    entry: None,
                }));
            }
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let fates = self.send(&probes);
            let failed: Vec<_> =
                probes.iter().zip(&fates).filter(|(_, fate)| !matches!(fate, Fate::Allowed { .. })).collect();
            if failed.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "without policies not all works: {failed:?}\n{}", self.logs());
        }
    }

    /// The packets that Log rules wrote since the last call, each as the kernel's line without its time.
    pub fn log_lines(&mut self) -> Vec<String> {
        self.log.as_mut().expect("a lab that was started with its log").lines()
    }

    /// The cluster.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Makes these policies, HostEndpoints and sets, as they are stored, the only ones, and returns when every node enforces
    /// all of them and none of the former ones. Panics with the API server's words when it refuses one.
    pub fn apply(&mut self, world: &[Value]) {
        let former = std::mem::take(&mut self.world);
        self.api.must(former.into_iter().map(Request::Delete).collect());
        self.api.must(world.iter().cloned().map(Request::Create).collect());
        self.world = world.to_vec();
        self.settle();
    }

    /// Returns when every node enforces whatever was written to the API server before, by anybody.
    pub fn settle(&mut self) {
        self.marks.wait(&self.api, &self.cage, &self.topology);
        for server in &mut self.servers {
            server.assert_run();
        }
        self.forget();
    }

    /// Makes the nodes forget connections, which every new denial would leave open: the tunnels' own, which last, and those
    /// whose ports a probe can use again because it named them; other probes have fresh ones. Connections to the API server
    /// must stay: the next packet of one, coming from there, would look like a new connection to the node, which a policy may
    /// deny, and Felix would be deaf.
    fn forget(&mut self) {
        // Without a connection to forget, conntrack calls it a failure.
        let mut script = String::from("conntrack -D -p udp >/dev/null 2>&1 || true\n");
        for port in std::mem::take(&mut self.fixed_ports) {
            for protocol in ["tcp", "sctp"] {
                script += &format!("conntrack -D -p {protocol} --orig-port-src {port} >/dev/null 2>&1 || true\n");
            }
        }
        std::thread::scope(|scope| {
            for node in &self.topology.nodes {
                scope.spawn(|| self.cage.script(Some(&node.name), &script));
            }
        });
    }

    /// Returns when kube-proxy's rules on every node lead on from this port or address, or no longer do. Felix's own rules can
    /// have it too, but they go to no chain of a Service.
    pub fn wait_for_proxies(&self, word: &str, there: bool) {
        let deadline = Instant::now() + PATIENCE;
        let leads = |line: &str| line.contains(word) && (line.contains("KUBE-") || line.contains(": goto "));
        let has = |node: &Node| self.cage.output(Some(&node.name), &["nft", "list", "ruleset"]).lines().any(leads);
        while self.topology.nodes.iter().any(|node| has(node) != there) {
            assert!(
                Instant::now() < deadline,
                "kube-proxy's rules: {word} is {}there",
                if there { "not " } else { "" }
            );
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Makes the router send an address to a node, as that node's announcing it would.
    pub fn announce(&self, address: &str, node: &str) {
        let by = self.topology.node(node).addresses[0].to_string();
        self.cage.output(Some(network::FABRIC), &["ip", "route", "replace", address, "via", &by]);
    }

    /// Runs a script on a node.
    pub fn on(&self, node: &str, script: &str) {
        self.cage.script(Some(node), script);
    }

    /// A program beside the control plane, with the administrator's kubeconfig.
    pub fn command(&self, program: &str) -> Command {
        self.plane.command(program)
    }

    /// kubectl's output; panics with its words when it fails.
    pub fn kubectl(&self, args: &[&str]) -> String {
        let output = self.plane.kubectl(args);
        assert!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Applies YAML documents.
    pub fn write(&self, yaml: &str) {
        self.plane.apply(yaml);
    }

    /// What moves a thread beside the control plane.
    pub fn door(&self) -> Door {
        self.cage.door(CONTROL)
    }

    /// Sends every probe, in parallel, in two rounds, or in more where two do not agree.
    pub fn send(&mut self, probes: &[Probe]) -> Vec<Fate> {
        self.fixed_ports.extend(probes.iter().filter_map(|probe| probe.source_port));
        prober::send(&self.topology, &self.stations, probes)
    }

    /// Sends every probe in one round only: what is silent was dropped, or lost.
    pub fn send_once(&mut self, probes: &[Probe]) -> Vec<Fate> {
        self.fixed_ports.extend(probes.iter().filter_map(|probe| probe.source_port));
        prober::once(&self.topology, &self.stations, probes)
    }

    /// Writes every object as the API server stored it into a directory, as `explain -f` reads them.
    pub fn save(&self, directory: &Path) {
        saved::write(&self.api, &self.world, directory);
    }

    /// The ends of the servers' logs, for a failure's report.
    pub fn logs(&self) -> String {
        self.servers.iter().map(Servers::logs).collect()
    }
}

/// For a Felix that may only read. It finds that the kernel has no WireGuard, and would take the public keys away that stand
/// for the one in user space.
fn readers_kubeconfig(plane: &ControlPlane) -> PathBuf {
    plane.apply(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: felix }
rules: [{ apiGroups: ['*'], resources: ['*'], verbs: [get, list, watch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: felix }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: felix }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: felix }]
",
    );
    plane.kubeconfig_for("felix", &[])
}

/// The cluster's objects, with what only a running one has: the public keys that Felix writes.
fn objects(topology: &Topology, keys: Option<&Keys>) -> Vec<Value> {
    let mut objects = topology.objects();
    let Some(keys) = keys else { return objects };
    for (index, node) in topology.nodes.iter().enumerate() {
        let object =
            objects.iter_mut().find(|object| object["kind"] == "Node" && object["metadata"]["name"] == *node.name);
        let annotations = &mut object.expect("an object of each node")["metadata"]["annotations"];
        for (family, annotation) in
            ["WireguardPublicKey", "WireguardPublicKeyV6"].iter().enumerate().take(node.addresses.len())
        {
            annotations[format!("projectcalico.org/{annotation}")] = json!(keys.public(index, family));
        }
    }
    objects
}

/// MetalLB's kind that says which node announces an address; of its fields, those that a speaker fills.
const L2_STATUS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: servicel2statuses.metallb.io
spec:
  group: metallb.io
  scope: Namespaced
  names: { kind: ServiceL2Status, listKind: ServiceL2StatusList, plural: servicel2statuses, singular: servicel2status }
  versions:
  - name: v1beta1
    served: true
    storage: true
    schema:
      openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true }
";

/// Creates the cluster's objects: namespaces before what lies in them.
fn create(api: &Api, plane: &ControlPlane, objects: Vec<Value>) {
    plane.apply(L2_STATUS);
    let deadline = Instant::now() + PATIENCE;
    let served = Request::List { version: "metallb.io/v1beta1", kind: "ServiceL2Status" };
    while let Err(why) = &api.ask(vec![served.clone()])[0] {
        assert!(Instant::now() < deadline, "MetalLB's kind is not served: {why}");
        std::thread::sleep(Duration::from_millis(50));
    }
    let (namespaces, others): (Vec<Value>, Vec<Value>) =
        objects.into_iter().partition(|object| object["kind"] == "Namespace");
    for group in [namespaces, others] {
        api.must(group.into_iter().map(Request::Create).collect());
    }
}

/// Waits until every kube-proxy has written the rules of the last service, in all families.
fn wait_for_proxies(cage: &Cage, topology: &Topology) {
    let deadline = Instant::now() + PATIENCE;
    let addresses: Vec<String> =
        topology.services.iter().flat_map(|service| &service.addresses).map(ToString::to_string).collect();
    for node in &topology.nodes {
        loop {
            let rules = cage.output(Some(&node.name), &["nft", "list", "ruleset"]);
            if addresses.iter().all(|address| rules.contains(address)) {
                break;
            }
            assert!(Instant::now() < deadline, "kube-proxy of {} has not written its rules: {rules}", node.name);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Whoever sends and answers.
fn stations(cage: &Cage, topology: &Topology) -> BTreeMap<String, Station> {
    let mut stations = BTreeMap::new();
    let mut start = |name: String, namespace: &str, listeners: Listeners| {
        let station = Station::start(&name, cage.door(namespace), listeners);
        stations.insert(name, station);
    };
    for node in &topology.nodes {
        let names = node.addresses.iter().chain(&node.tunnel).map(|address| (*address, node.name.clone())).collect();
        start(node.name.clone(), &node.name, Listeners { names, tcp: NODE_TCP, udp: NODE_UDP, sctp: SCTP });
    }
    for pod in &topology.pods {
        let names = pod.addresses.iter().map(|address| (*address, pod.key())).collect();
        start(pod.key(), &of_pod(pod), Listeners { names, tcp: POD_TCP, udp: POD_UDP, sctp: SCTP });
    }
    let clients = topology.clients.iter();
    let names = clients.flat_map(|client| client.addresses.iter().map(|address| (*address, client.name.to_string())));
    let listeners = Listeners { names: names.collect(), tcp: CLIENT_TCP, udp: CLIENT_UDP, sctp: SCTP };
    start(OUTSIDE.to_string(), OUTSIDE, listeners);
    stations
}
