//! Several operators with random commands at once for a while: every grant that was reported done is there, and what is
//! there is what the records say, one after the other.
//! Never asks the plugin what it wrote: the server's own watch tells of every record.
//!
//! `ZEROTRUST_OPERATORS_SECONDS=600 ZEROTRUST_OPERATORS_SEED=7 cargo test --test api serial` takes longer.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kubectl_zerotrust::record::{Record, State as Came, Summary, number};
use serde_json::{Value, json};

use crate::cluster::{Cluster, text};
use crate::exposing;
use crate::faults::judge;
use crate::faults::state::State;
use crate::support::{Injector, Wire};

const OPERATORS: u8 = 8;
/// How often a command that others get in the way of is given again.
const TRIES: usize = 6;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// What an operator opens: from a client of their own, to one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Nginx,
    Web,
    NodePort,
    Balancer,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Nginx, Kind::Web, Kind::NodePort, Kind::Balancer];

    fn to(self) -> &'static str {
        match self {
            Kind::Nginx | Kind::NodePort => "nginx",
            Kind::Web => "shop/web-1",
            Kind::Balancer => "web-lb",
        }
    }

    fn client(self, operator: u8, client: u8) -> String {
        format!("10.{}.{operator}.{client}", 60 + self as u8)
    }

    /// The packet that the grant is for.
    fn flow(self) -> (&'static str, u16) {
        match self {
            Kind::Nginx => ("10.20.2.90", 80),
            Kind::Web => ("10.20.1.20", 8080),
            Kind::NodePort => ("10.128.147.141", 32127),
            Kind::Balancer => ("10.128.146.112", 443),
        }
    }

    fn open(self, from: &str) -> Vec<String> {
        let words: &[&str] = match self {
            Kind::Nginx | Kind::Web => &["allow"],
            Kind::NodePort => &["expose-nodeport"],
            Kind::Balancer => &["expose-lb"],
        };
        let to: &[&str] = match self {
            Kind::Nginx | Kind::Web => &["--to", self.to()],
            Kind::NodePort => &["nginx", "--node-port", "32127"],
            Kind::Balancer => &["web-lb"],
        };
        words.iter().chain(to).copied().map(str::to_string).chain(["--from".into(), from.into()]).collect()
    }
}

/// A small generator (splitmix64), so that a seed gives the same commands; their order in time is the machine's.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % below as u64).expect("it is below a usize")
    }
}

/// One operator: what they believe of their grants, by what the commands reported.
struct Operator<'a> {
    cluster: &'a Cluster,
    number: u8,
    random: Random,
    stands: BTreeMap<(Kind, u8), bool>,
    /// The last change of a grant that can be taken back: its record, the grant, how it was before.
    last: Option<(u32, (Kind, u8), bool)>,
    done: BTreeMap<&'static str, usize>,
    refused: usize,
    failures: Vec<String>,
}

impl Operator<'_> {
    /// Gives a command until it ends with a yes or a refusal, and gives what it said on a yes.
    fn give(&mut self, what: &'static str, args: &[String]) -> Option<String> {
        let mut words = String::new();
        for _ in 0..TRIES {
            let all: Vec<&str> = args.iter().map(String::as_str).chain(["--yes"]).collect();
            let output = self.cluster.plugin(&all);
            match output.status.code() {
                Some(0) => {
                    *self.done.entry(what).or_default() += 1;
                    return Some(text(&output.stdout));
                }
                Some(3 | 4) => {
                    self.refused += 1;
                    return None;
                }
                code => words = format!("{code:?} {}{}", text(&output.stdout), text(&output.stderr)),
            }
        }
        self.failures.push(format!("operator {}: {}: {words}", self.number, args.join(" ")));
        None
    }

    fn step(&mut self) {
        let kind = Kind::ALL[self.random.next(4)];
        let client = u8::try_from(self.random.next(3)).expect("it is small") + 1;
        let (key, from) = ((kind, client), kind.client(self.number, client));
        let stood = self.stands.get(&key).copied().unwrap_or(false);
        match self.random.next(20) {
            0..10 => self.change("open", key, stood, true, &kind.open(&from)),
            10..15 if stood => {
                let args = ["revoke", "--from", &from, "--to", kind.to()].map(str::to_string);
                self.change("revoke", key, stood, false, &args);
            }
            15..17 => {
                if let Some((record, key, before)) = self.last.take()
                    && self.give("undo", &["undo".into(), record.to_string()]).is_some()
                {
                    self.stands.insert(key, before);
                }
            }
            17 => drop(self.give("sync", &["sync".into()])),
            18 => drop(self.give("lockdown", &["lockdown".into()])),
            19 => drop(self.give("lockdown --log", &["lockdown".into(), "--log".into()])),
            _ => {}
        }
    }

    fn change(&mut self, what: &'static str, key: (Kind, u8), stood: bool, stands: bool, args: &[String]) {
        let Some(said) = self.give(what, args) else { return };
        self.stands.insert(key, stands);
        let record = said.split("Recorded as ").nth(1).and_then(|rest| rest.split(':').next()?.parse().ok());
        // Undo is for the last change of a grant alone: what came after it would be taken for what it was before.
        self.last = record.map(|record| (record, key, stood));
    }
}

#[test]
fn eight_operators_with_random_commands_lose_nothing_and_the_records_tell_all() {
    let cluster = exposing::start();
    cluster.done(&["lockdown", "--yes"]);
    let injector = Injector::start(cluster.plane.command("kubectl"));
    let wire = Wire { proxy: injector.undisturbed().to_string() };
    let start = State::read(&wire);
    let watch = Watch::start(&wire, start.records().into_keys().max().unwrap_or(0));
    let until = Instant::now() + Duration::from_secs(setting("ZEROTRUST_OPERATORS_SECONDS", 45));
    let seed = setting("ZEROTRUST_OPERATORS_SEED", 1);
    let operators: Vec<Operator<'_>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..OPERATORS)
            .map(|number| {
                let cluster = &cluster;
                scope.spawn(move || {
                    let mut operator = Operator {
                        cluster,
                        number,
                        random: Random(seed * 1000 + u64::from(number)),
                        stands: BTreeMap::new(),
                        last: None,
                        done: BTreeMap::new(),
                        refused: 0,
                        failures: Vec::new(),
                    };
                    while Instant::now() < until {
                        operator.step();
                    }
                    operator
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("an operator")).collect()
    });
    let end = State::read(&wire);
    let records = watch.records(&end);
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    operators.iter().flat_map(|one| &one.done).for_each(|(what, count)| *done.entry(what).or_default() += count);
    let refused: usize = operators.iter().map(|one| one.refused).sum();
    println!("{done:?}, {refused} refused, {} records", records.len());
    let mut wrong: Vec<String> = operators.iter().flat_map(|one| one.failures.clone()).collect();
    wrong.extend(ended(&records));
    wrong.extend(replayed(&start, &end, &records));
    wrong.extend(grants(&cluster, &operators));
    let status = cluster.plugin(&["status", "--output=json"]);
    let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
    let lost = ["ZT0301", "ZT0302", "ZT0303", "ZT0601"];
    let findings = status["findings"].as_array().expect("findings").iter();
    for found in findings.filter(|found| lost.iter().any(|code| found["code"] == *code)) {
        wrong.push(format!("{found}{}", story(found["detail"].as_str().unwrap_or_default(), &records)));
    }
    let check = cluster.plugin(&["sync", "--check"]);
    if check.status.code() != Some(0) {
        wrong.push(format!("a fresh sync would make something else: {}{}", text(&check.stdout), text(&check.stderr)));
    }
    assert!(wrong.is_empty(), "{} (seed {seed}):\n{}", wrong.len(), wrong.join("\n"));
    assert!(records.len() > usize::from(OPERATORS), "hardly anything was done");
}

/// Nobody leaves a change unfinished.
fn ended(records: &BTreeMap<u32, Record>) -> Vec<String> {
    let open = records.values().filter(|record| record.summary.is_unfinished());
    open.map(|record| {
        format!("record {} is {}: {}", record.summary.number, record.summary.state, record.summary.command)
    })
    .collect()
}

/// What the records tell of the grant that a finding names: each write that made it come or go, in their order.
fn story(finding: &str, records: &BTreeMap<u32, Record>) -> String {
    let Some(id) = finding.split_once("grant ").and_then(|(_, rest)| rest.split(' ').next()) else {
        return String::new();
    };
    let holds = |object: &Option<Value>| object.as_ref().is_some_and(|object| object.to_string().contains(id));
    let mut lines = Vec::new();
    for record in records.values() {
        let summary = &record.summary;
        let entries = record.entries.iter().filter(|entry| holds(&entry.before) != holds(&entry.after));
        let writes = entries.map(|entry| {
            let verb = if holds(&entry.after) { "gives it to" } else { "takes it from" };
            format!("{verb} {}{}", entry.object, if entry.written { "" } else { " (not written)" })
        });
        let writes: Vec<String> = writes.collect();
        if !writes.is_empty() {
            let Summary { number, when, state, command, .. } = summary;
            lines.push(format!("\n  {number} at {when} ({state}), {command}: {}", writes.join(", ")));
        }
    }
    lines.concat()
}

/// Every grant that was reported done and not taken back opens its flow, and no other is open.
fn grants(cluster: &Cluster, operators: &[Operator<'_>]) -> Vec<String> {
    let mut flows = Vec::new();
    for operator in operators {
        for ((kind, client), stands) in &operator.stands {
            flows.push((kind.client(operator.number, *client), kind.flow(), *stands));
        }
    }
    let stranger = |kind: &Kind| (kind.client(200, 1), kind.flow(), false);
    flows.extend(Kind::ALL.iter().map(stranger));
    let asked: Vec<(String, (&str, u16))> = flows.iter().map(|(from, to, _)| (from.clone(), *to)).collect();
    let arrives = judge::arrives(cluster.plane.kubeconfig(), &asked);
    let wrong = flows.iter().zip(arrives).filter(|((_, _, stands), arrives)| stands != arrives);
    wrong.map(|((from, to, stands), arrives)| format!("{from} -> {to:?}: reported {stands}, is {arrives}")).collect()
}

/// What each record says that it changed, applied one after the other in the order of their numbers to what was there at
/// the start, is what is there at the end: of no write a part is lost, and nothing is there that no record tells of. And
/// each write of an object was made on what the one before it left there, so that there is an order of all writes.
fn replayed(start: &State, end: &State, records: &BTreeMap<u32, Record>) -> Vec<String> {
    let mut parts: BTreeMap<String, i64> = BTreeMap::new();
    let mut versions: BTreeSet<(String, String)> = BTreeSet::new();
    let mut wrong = Vec::new();
    let version = |object: &Value| object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_string();
    for object in start.in_v3() {
        count(&object, 1, &mut parts);
    }
    for (number, record) in records {
        for entry in record.entries.iter().filter(|entry| entry.written) {
            if let Some(before) = &entry.before {
                count(before, -1, &mut parts);
                if !versions.insert((entry.object.clone(), version(before))) {
                    wrong.push(format!(
                        "{}: two writes were made on {} (record {number})",
                        entry.object,
                        version(before)
                    ));
                }
            }
            if let Some(after) = &entry.after {
                count(after, 1, &mut parts);
            }
        }
    }
    for object in end.in_v3() {
        count(&object, -1, &mut parts);
    }
    let left = parts.into_iter().filter(|(_, count)| *count != 0);
    wrong.extend(left.map(|(part, count)| match count {
        1.. => format!("recorded and not there: {part}"),
        _ => format!("there and not recorded: {part}"),
    }));
    wrong
}

/// An object as the parts that it is made of: its rules, annotations, addresses and other fields.
fn count(object: &Value, by: i64, parts: &mut BTreeMap<String, i64>) {
    let metadata = &object["metadata"];
    let name = format!("{} {} {}", object["kind"], metadata["namespace"], metadata["name"]);
    let mut add = |what: String| *parts.entry(format!("{name} {what}")).or_default() += by;
    add("itself".into());
    for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
        add(format!("annotation {key} {value}"));
    }
    for (key, value) in object["spec"].as_object().into_iter().flatten() {
        match value {
            Value::Array(list) => list.iter().for_each(|entry| add(format!("{key} {entry}"))),
            // Numbers as the server writes them.
            Value::Number(number) => add(format!("{key} {:?}", number.as_f64())),
            value => add(format!("{key} {value}")),
        }
    }
}

/// Every record, as the server tells of it while it is written: old ones are removed by then.
struct Watch {
    seen: Arc<Mutex<BTreeMap<u32, Value>>>,
    known: u32,
}

impl Watch {
    /// From now on; those up to `known` are told of nothing new.
    fn start(wire: &Wire, known: u32) -> Watch {
        let list = wire.done("GET", "/api/v1/namespaces/kube-system/configmaps", None);
        let version = list["metadata"]["resourceVersion"].as_str().expect("a version");
        let path = format!("/api/v1/namespaces/kube-system/configmaps?watch=1&resourceVersion={version}");
        let mut stream = TcpStream::connect(&wire.proxy).expect("reach kubectl proxy");
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", wire.proxy).expect("watch");
        let seen = Arc::new(Mutex::new(BTreeMap::new()));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
                let object = &event["object"];
                let number = object["metadata"]["name"].as_str().and_then(number).filter(|number| *number > known);
                let Some(number) = number else { continue };
                let mut seen = shared.lock().expect("nobody panics with it");
                // A record that goes before it is finished is one of a change that was not made.
                match event["type"] == "DELETED" && object["data"]["state"] == Came::Started.to_string() {
                    true => drop(seen.remove(&number)),
                    false => drop(seen.insert(number, object.clone())),
                }
            }
        });
        Watch { seen, known }
    }

    /// All records, once the watch has told of the newest that is there.
    fn records(&self, end: &State) -> BTreeMap<u32, Record> {
        let last = end.records();
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let seen = self.seen.lock().expect("nobody panics with it").clone();
            let read = |map: &Value| Record::from_config_maps(map, &[]).expect("a record");
            let records: BTreeMap<u32, Record> = seen.iter().map(|(number, map)| (*number, read(map))).collect();
            let told = last.iter().all(|(number, record)| *number <= self.known || records.get(number) == Some(record));
            if told {
                return records;
            }
            assert!(Instant::now() < deadline, "the watch does not tell of the last records");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[test]
fn parts_of_objects_are_counted() {
    let mut parts = BTreeMap::new();
    let policy = |rules: Value| json!({"kind": "NetworkPolicy", "metadata": {"name": "x"}, "spec": {"ingress": rules}});
    count(&policy(json!(["a", "b"])), 1, &mut parts);
    count(&policy(json!(["b"])), -1, &mut parts);
    parts.retain(|_, count| *count != 0);
    assert_eq!(parts.into_iter().collect::<Vec<_>>(), [("\"NetworkPolicy\" null \"x\" ingress \"a\"".to_string(), 1)]);
}
