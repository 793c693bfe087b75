//! Knows when every node enforces what was written: objects whose arrival can be seen in a node's IP sets.
//! Never sends packets, which the policies that are waited for could stop.
//!
//! Felix watches each kind of object by itself, so a kind that arrived says nothing about another; but what one watch
//! brings is in the order of the writes. So one object of each kind, the mark, is written after all others. Its arrival shows
//! that everything before it has been read. Felix computes in the order of arrival and hands its results over in batches;
//! those of one batch come in an order of their own, IP sets before rules, and in pieces. So a second mark is written when
//! the first is seen, whose batch comes after the first's end; and a third when the second is seen, which belongs to a later
//! pass over the tables of the kernel than the second (Felix makes IP sets first, then rules, and never two passes at once).
//! When the third is seen, whatever was written before the first is in the kernel, in all tables, of both families.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::api::{Api, Request};
use super::cage::Cage;
use super::topology::Topology;

/// The namespace of the marks. They are not among the objects that are saved.
pub const NAMESPACE: &str = "ztm";
/// The name of the marks.
pub const NAME: &str = "zt-mark";
/// How long Felix may take; it takes less than a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(60);

const CALICO: &str = "crd.projectcalico.org/v1";

/// The marks and how often they were changed.
#[derive(Debug)]
pub struct Marks {
    generation: u32,
    /// Where the pods of the namespace are: addresses that nobody has.
    pods: Vec<String>,
}

impl Marks {
    /// Writes the first marks: besides the sets and the policies, a pod on each node, for them to select.
    pub fn new(api: &Api, topology: &Topology) -> Marks {
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
        api.must(vec![Request::Create(namespace)]);
        let pods = topology.nodes.iter().zip(1..).map(|(node, number)| (node, format!("10.20.{number}.250")));
        let creates = pods.clone().map(|(node, address)| {
            Request::Create(json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "namespace": NAMESPACE,
                    "name": node.name,
                    "labels": { "zt-pod": node.name },
                    "annotations": { "cni.projectcalico.org/podIP": format!("{address}/32") },
                },
                "spec": { "containers": [{ "name": "mark", "image": "mark" }], "nodeName": node.name },
                "status": { "phase": "Running", "podIP": address, "podIPs": [{ "ip": address }] },
            }))
        });
        let pods = pods.clone().map(|(_, address)| address).collect();
        api.must(creates.collect());
        let marks = Marks { generation: 0, pods };
        api.must(marks.objects().into_iter().map(Request::Create).collect());
        marks
    }

    /// Waits until every node enforces what was written before.
    pub fn wait(&mut self, api: &Api, cage: &Cage, topology: &Topology) {
        self.generation += 1;
        // Not there in between: a HostEndpoint of a machine that is no node is an oddity to whoever reads the cluster.
        api.must(vec![Request::Create(self.host_endpoint())]);
        api.must(self.objects().into_iter().map(Request::Patch).collect());
        let own = |kind: u8| BTreeSet::from([self.address(kind).to_string()]);
        let pod = |turn: u32| BTreeSet::from([self.pods[(turn % 2) as usize].clone()]);
        let mut wanted: Vec<BTreeSet<String>> = (0..3).map(own).collect();
        wanted.push(pod(self.generation));
        // The set of the other turn stays until the policy no longer needs it.
        let unwanted = pod(self.generation + 1);
        self.see(cage, topology, |sets| wanted.iter().all(|set| sets.contains(set)) && !sets.contains(&unwanted));
        for turn in [3, 4] {
            let address = self.address(turn).to_string();
            let metadata = json!({ "name": NAME });
            let spec = json!({ "nets": [format!("{address}/32")] });
            let set = json!({ "apiVersion": CALICO, "kind": "GlobalNetworkSet", "metadata": metadata, "spec": spec });
            api.must(vec![Request::Patch(set)]);
            self.see(cage, topology, |sets| sets.contains(&BTreeSet::from([address.clone()])));
        }
        api.must(vec![Request::Delete(self.host_endpoint())]);
    }

    fn host_endpoint(&self) -> Value {
        json!({
            "apiVersion": CALICO, "kind": "HostEndpoint",
            "metadata": { "name": NAME, "labels": { "zt-hep": self.generation.to_string() } },
            "spec": { "node": "nowhere", "expectedIPs": [self.address(2)] },
        })
    }

    /// Waits until the IP sets of all nodes are as wanted.
    fn see(&self, cage: &Cage, topology: &Topology, done: impl Fn(&BTreeSet<BTreeSet<String>>) -> bool + Sync) {
        let deadline = Instant::now() + PATIENCE;
        std::thread::scope(|scope| {
            for node in &topology.nodes {
                let done = &done;
                scope.spawn(move || {
                    loop {
                        let sets = sets(&cage.output(Some(&node.name), &["ipset", "save"]));
                        if done(&sets) {
                            return;
                        }
                        assert!(Instant::now() < deadline, "{} does not enforce what was written: {sets:?}", node.name);
                        std::thread::sleep(Duration::from_millis(3));
                    }
                });
            }
        });
    }

    /// An address of a range that is for benchmarks, which stands for this generation.
    fn address(&self, kind: u8) -> Ipv4Addr {
        let number = (self.generation % 16_000) * 8 + u32::from(kind);
        Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + number)
    }

    /// One object of each other kind that a world can have. Each policy has rules that only this generation's sets match, so a set
    /// of the kernel with this generation's address shows that both the policy and the set have arrived.
    fn objects(&self) -> Vec<Value> {
        let turn = self.generation.to_string();
        let net = |kind: u8| format!("{}/32", self.address(kind));
        let named = |name: &str| json!({ "name": name });
        let inside = |name: &str| json!({ "namespace": NAMESPACE, "name": name });
        let labelled = |mut metadata: Value, label: &str| {
            metadata["labels"] = json!({ label: turn });
            metadata
        };
        let allow =
            |label: &str| json!({ "action": "Allow", "source": { "selector": format!("{label} == '{turn}'") } });
        let pod = |turn: u32| format!("n{}", turn % 2 + 1);
        vec![
            json!({
                "apiVersion": CALICO, "kind": "GlobalNetworkSet",
                "metadata": labelled(named(NAME), "zt-gns"), "spec": { "nets": [net(0)] },
            }),
            json!({
                "apiVersion": CALICO, "kind": "NetworkSet",
                "metadata": labelled(inside(NAME), "zt-ns"), "spec": { "nets": [net(1)] },
            }),
            json!({
                "apiVersion": CALICO, "kind": "GlobalNetworkPolicy",
                "metadata": named(&format!("default.{NAME}")),
                "spec": {
                    "selector": "has(zt-pod)", "types": ["Ingress"],
                    "ingress": [allow("zt-gns"), allow("zt-hep")],
                },
            }),
            json!({
                "apiVersion": CALICO, "kind": "NetworkPolicy",
                "metadata": inside(&format!("default.{NAME}")),
                "spec": { "selector": "has(zt-pod)", "types": ["Ingress"], "ingress": [allow("zt-ns")] },
            }),
            json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": inside(NAME),
                "spec": {
                    "podSelector": {}, "policyTypes": ["Ingress"],
                    "ingress": [{ "from": [{ "podSelector": { "matchLabels": { "zt-pod": pod(self.generation) } } }] }],
                },
            }),
        ]
    }
}

/// The members of each set in the output of `ipset save`.
fn sets(text: &str) -> BTreeSet<BTreeSet<String>> {
    let mut sets: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        if let (Some("add"), Some(set), Some(member)) = (words.next(), words.next(), words.next()) {
            sets.entry(set).or_default().insert(member.to_string());
        }
    }
    sets.into_values().collect()
}
