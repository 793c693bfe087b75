//! What is open in a cluster as it stands, by the evaluation that real kernels have confirmed; and whether records tell the
//! truth about it.
//! Never knows what the plugin says of itself but its records.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use kubectl_zerotrust::evaluate::path::{Question, walk};
use kubectl_zerotrust::kubernetes::cluster::{Cluster, Connection};
use kubectl_zerotrust::kubernetes::objects::Objects;
use kubectl_zerotrust::kubernetes::{Reader, Writer};
use kubectl_zerotrust::model::flow::{Packet, Protocol, Verdict};
use kubectl_zerotrust::model::world::World;
use kubectl_zerotrust::observe;
use kubectl_zerotrust::plan::needs;
use kubectl_zerotrust::plan::undo::same;
use kubectl_zerotrust::record::{Entry, Record, State as Came};
use serde_json::Value;

/// Clients and strangers, pods, nodes.
const SOURCES: [&str; 12] = [
    "10.7.0.99",
    "10.7.0.98",
    "10.7.0.50",
    "10.8.0.7",
    "10.9.0.7",
    "10.30.1.1",
    "203.0.113.77",
    "10.20.1.136",
    "10.20.2.90",
    "10.20.1.20",
    "192.0.2.1",
    "10.128.147.141",
];
/// Pods, cluster addresses, the load balancer's, what is outside.
const DESTINATIONS: [(&str, u16); 9] = [
    ("10.20.2.90", 80),
    ("10.20.2.90", 81),
    ("10.20.1.136", 80),
    ("10.20.1.20", 8080),
    ("10.21.250.63", 80),
    ("10.21.0.80", 80),
    ("10.21.0.77", 443),
    ("10.128.146.112", 443),
    ("203.0.113.9", 443),
];
const NODES: [&str; 2] = ["192.0.2.1", "10.128.147.141"];
/// SSH, the API server, the kubelet, BGP, and node ports: of a load balancer, of what is exposed, of nobody.
const NODE_PORTS: [u16; 8] = [22, 6443, 10250, 179, 30977, 32127, 30880, 31999];
const DNS: [&str; 2] = ["10.21.0.10", "10.20.1.53"];

/// A flow, and the pod or host that it arrives at.
pub type Way = (String, Option<String>);

/// What is open, and what could not be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Open {
    /// Flows with where they arrive.
    pub ways: BTreeSet<Way>,
    /// Flows.
    pub unknown: BTreeSet<String>,
}

/// Reads the cluster and walks every flow.
pub fn open(kubeconfig: &Path) -> Open {
    let world = world(kubeconfig);
    let mut open = Open::default();
    for (source, destination, protocol, port) in flows() {
        let name = format!("{source} -> {destination}:{port} {protocol}");
        let packet = Packet { source, destination, protocol, port: Some(port), source_port: None, icmp: None };
        for way in walk(&world, &Question { packet, entry: None }) {
            let backend = way.backend.as_ref().map(|backend| format!("{backend:?}"));
            match way.verdict {
                Verdict::Allow => drop(open.ways.insert((name.clone(), backend))),
                Verdict::Unknown => drop(open.unknown.insert(name.clone())),
                Verdict::Deny | Verdict::Mixed => {}
            }
        }
    }
    open
}

/// Whether TCP connections arrive at pods, by some way: to a pod's own address, or to a door that leads to one.
pub fn arrives(kubeconfig: &Path, flows: &[(String, (&str, u16))]) -> Vec<bool> {
    let world = world(kubeconfig);
    let arrives = |(from, (to, port)): &(String, (&str, u16))| {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let (source, destination, protocol) = (ip(from), ip(to), Protocol::TCP);
        let packet = Packet { source, destination, protocol, port: Some(*port), source_port: None, icmp: None };
        let is_pod = world.pods_at(destination).next().is_some();
        let ways = walk(&world, &Question { packet, entry: None });
        ways.iter().any(|way| way.verdict == Verdict::Allow && (is_pod || way.backend.is_some()))
    };
    flows.iter().map(arrives).collect()
}

fn world(kubeconfig: &Path) -> World {
    let world = run(async {
        let cluster = connect(kubeconfig).await;
        let mut objects = Objects::default();
        cluster.read(&needs::everything(), &mut objects).await.expect("read the cluster");
        objects.once();
        observe::world(&objects)
    });
    assert_seen(&world);
    world
}

/// A world without pods or nodes would prove anything.
fn assert_seen(world: &World) {
    assert!(world.pods.len() >= 4 && world.nodes.len() >= 2, "the cluster was not seen");
}

fn flows() -> Vec<(IpAddr, IpAddr, Protocol, u16)> {
    let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
    let mut all = Vec::new();
    for source in SOURCES {
        let mut add = |to: &str, protocol, port| all.push((ip(source), ip(to), protocol, port));
        DESTINATIONS.iter().for_each(|(to, port)| add(to, Protocol::TCP, *port));
        NODES.iter().for_each(|to| NODE_PORTS.iter().for_each(|port| add(to, Protocol::TCP, *port)));
        DNS.iter().for_each(|to| [Protocol::UDP, Protocol::TCP].into_iter().for_each(|how| add(to, how, 53)));
    }
    all.retain(|(source, destination, ..)| source != destination);
    all
}

/// What is wrong with a state between two others: something open that was closed and is not asked for, or the other way
/// round.
pub fn between(before: &Open, now: &Open, after: &Open) -> Vec<String> {
    let mut wrong: Vec<String> = Vec::new();
    // A door that goes leaves its number to the host itself, for the same client, until the perimeter's rule goes too.
    let flows: BTreeSet<&String> = before.ways.iter().chain(&after.ways).map(|(flow, _)| flow).collect();
    let known = |way: &Way| way.1.is_none() && flows.contains(&way.0);
    for way in now.ways.iter().filter(|way| !before.ways.contains(way) && !after.ways.contains(way) && !known(way)) {
        wrong.push(format!("is open: {} to {:?}", way.0, way.1));
    }
    for way in before.ways.intersection(&after.ways).filter(|way| !now.ways.contains(way)) {
        wrong.push(format!("is closed: {} to {:?}", way.0, way.1));
    }
    let told = |flow: &&String| !before.unknown.contains(*flow) && !after.unknown.contains(*flow);
    wrong.extend(now.unknown.iter().filter(told).map(|flow| format!("cannot be told: {flow}")));
    wrong
}

/// What the new records say that is not so. `doubt` allows one write of which nobody heard.
pub fn untrue(kubeconfig: &Path, new: &BTreeMap<u32, Record>, doubt: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, record) in new {
        let mut made = Vec::new();
        for (index, entry) in record.entries.iter().enumerate() {
            // Of what was written twice the last write counts; what it was before is what it was before the first.
            if record.entries[index + 1..].iter().any(|later| later.object == entry.object) {
                continue;
            }
            let writes: Vec<&Entry> = record.entries.iter().filter(|one| one.object == entry.object).collect();
            let Some(object) = entry.reference() else {
                wrong.push(format!("record {number}: {} is nothing", entry.object));
                continue;
            };
            let now = run(async { connect(kubeconfig).await.get(&object).await }).expect("read an object");
            let is = |then: &Option<Value>| match (&now, then) {
                (None, None) => true,
                (Some(now), Some(then)) => same(now, then) || fills_in(now, then),
                _ => false,
            };
            let (before, after) = (is(&writes[0].before), is(&entry.after));
            let between = writes.iter().rev().skip(1).any(|one| is(&one.after));
            let state = record.summary.state;
            let doubted = matches!(state, Came::Partial | Came::Started) && doubt;
            let true_of = match state {
                Came::Done => after,
                Came::Undone => before,
                Came::Partial if entry.written => after,
                Came::Partial => before || between || (doubted && after),
                Came::Started => before || between || after,
            };
            if !true_of {
                wrong.push(format!(
                    "record {number} is {state}, {} (written: {}) is not so",
                    entry.object, entry.written
                ));
            }
            made.push(after && !before);
        }
        if made.windows(2).any(|pair| !pair[0] && pair[1]) && record.summary.state != Came::Undone {
            wrong.push(format!("record {number}: not written in its order: {made:?}"));
        }
    }
    wrong
}

/// Whether an object says all that was to be written; the server fills a Service in.
fn fills_in(now: &Value, then: &Value) -> bool {
    let all = |part: &str| {
        let fields = then[part].as_object().into_iter().flatten();
        fields.into_iter().all(|(key, value)| now[part][key] == *value)
    };
    now["kind"] == "Service" && all("spec") && now["metadata"]["annotations"] == then["metadata"]["annotations"]
}

async fn connect(kubeconfig: &Path) -> Cluster {
    let connection = Connection { kubeconfig: Some(kubeconfig.to_path_buf()), ..Connection::default() };
    Cluster::connect(&connection, Box::new(|_| {})).await.expect("connect")
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}
