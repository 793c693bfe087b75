//! Every write of every command that writes, and each way in which it can go wrong.
//! Never knows what the plugin should do about it, only what must hold afterwards.
//!
//! `ZEROTRUST_FAULTS=all cargo test --test api faults` takes every fault at every write and read; `ZEROTRUST_FAULTS=allow,undo`
//! these commands, and `ZEROTRUST_FAULTS=all,undo` all of one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Output;
use std::sync::Mutex;

use kubectl_zerotrust::record::State as Came;
use serde_json::json;

use super::judge::{Open, between, open, untrue};
use super::state::State;
use crate::cluster::{Cluster, assert_succeeded, feed, text};
use crate::exposing;
use crate::support::{At, Fault, Injector, Wire, is_write};

/// What can go wrong with a write.
const WRITES: [Fault; 14] = [
    Fault::Kill { reached: false },
    Fault::Kill { reached: true },
    Fault::Reset { reached: false },
    Fault::Reset { reached: true },
    Fault::Gone { reached: false },
    Fault::Gone { reached: true },
    Fault::Answer { status: 409, reached: false },
    Fault::Answer { status: 429, reached: false },
    Fault::Answer { status: 500, reached: false },
    Fault::Answer { status: 500, reached: true },
    Fault::Answer { status: 503, reached: false },
    Fault::Answer { status: 503, reached: true },
    Fault::Silence { reached: false },
    Fault::Silence { reached: true },
];
/// What can go wrong with a read.
const READS: [Fault; 8] = [
    Fault::Kill { reached: false },
    Fault::Reset { reached: false },
    Fault::Gone { reached: false },
    Fault::Answer { status: 409, reached: false },
    Fault::Answer { status: 429, reached: false },
    Fault::Answer { status: 500, reached: false },
    Fault::Answer { status: 503, reached: false },
    Fault::Silence { reached: false },
];

/// A command, and what is there before it.
struct Scenario {
    name: &'static str,
    base: &'static [&'static [&'static str]],
    command: &'static [&'static str],
    /// Whether nodes and their tunnels change between the base and the command.
    nodes_change: bool,
    /// How many records there are.
    records: u32,
}

const LOCKDOWN: &[&str] = &["lockdown"];
const ALLOW: &[&str] = &["allow", "--from", "access", "--to", "nginx"];
const NODE_PORT: &[&str] = &["expose-nodeport", "nginx", "--from", "10.7.0.99", "--node-port", "32127"];
const BALANCER: &[&str] = &["expose-lb", "web-lb", "--from", "10.7.0.50"];
const BGP: &[&str] = &[
    "bgp-allow",
    "shop/web",
    "--from",
    "10.30.0.0/16",
    "--advertise",
    "cluster",
    "--peer",
    "10.128.147.200",
    "--peer-as",
    "65531",
];
const REVOKE: &[&str] = &["revoke", "--from", "10.7.0.99", "--to", "nginx"];

const fn scenario(
    name: &'static str,
    base: &'static [&'static [&'static str]],
    command: &'static [&'static str],
) -> Scenario {
    Scenario { name, base, command, nodes_change: false, records: 0 }
}

const SCENARIOS: [Scenario; 13] = [
    scenario("expose-nodeport", &[LOCKDOWN], NODE_PORT),
    scenario("lockdown --nodes", &[], &["lockdown", "--nodes", "--allow-from", "10.9.0.0/24"]),
    scenario("lockdown", &[], LOCKDOWN),
    scenario("allow", &[LOCKDOWN], ALLOW),
    scenario("expose-lb", &[LOCKDOWN], BALANCER),
    scenario("bgp-allow", &[LOCKDOWN], BGP),
    scenario("revoke", &[LOCKDOWN, NODE_PORT], REVOKE),
    scenario("unlock", &[LOCKDOWN, ALLOW], &["unlock"]),
    scenario("unlock --perimeter", &[LOCKDOWN, NODE_PORT, REVOKE], &["unlock", "--perimeter"]),
    scenario("undo", &[LOCKDOWN, NODE_PORT], &["undo"]),
    scenario("undo of an undo", &[LOCKDOWN, ALLOW, &["undo"]], &["undo", "3"]),
    // The oldest record goes.
    Scenario { records: 20, ..scenario("allow with 20 records", &[LOCKDOWN], ALLOW) },
    Scenario { nodes_change: true, ..scenario("wireguard-sync", &[LOCKDOWN, NODE_PORT], &["wireguard-sync"]) },
];

const NODE3: &str = "apiVersion: v1\nkind: Node\nmetadata:\n  name: node3\n  annotations:\n    projectcalico.org/IPv4Address: 192.0.2.3/23\nstatus:\n  addresses:\n  - {type: InternalIP, address: 192.0.2.3}\n";

/// What was tried and what came of it.
#[derive(Default)]
struct Tally {
    cases: BTreeMap<&'static str, usize>,
    states: usize,
    followed: usize,
    not_struck: usize,
    failures: Vec<String>,
}

#[test]
fn whatever_goes_wrong_with_a_request_nothing_is_lost() {
    let wanted = std::env::var("ZEROTRUST_FAULTS").unwrap_or_default();
    let everything = wanted.split(',').any(|word| word == "all");
    let named: Vec<&str> = wanted.split(',').filter(|word| !word.is_empty() && *word != "all").collect();
    let chosen = SCENARIOS.iter().filter(|scenario| named.is_empty() || named.contains(&scenario.name));
    // The one that changes nodes is the last of its cluster.
    let left: Mutex<Vec<&Scenario>> = Mutex::new(chosen.rev().collect());
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..3.min(left.lock().unwrap().len()) {
            scope.spawn(|| work(&left, &tally, everything));
        }
    });
    let tally = tally.into_inner().unwrap();
    let cases: usize = tally.cases.values().sum();
    println!(
        "{cases} faults ({} did not strike), {} states between, {} of them gone on from: {:?}",
        tally.not_struck, tally.states, tally.followed, tally.cases
    );
    assert!(tally.failures.is_empty(), "{} of {cases}:\n{}", tally.failures.len(), tally.failures.join("\n\n"));
    assert!(cases > 0 && tally.states > 0, "nothing was tried");
}

fn ends_client(fault: Fault) -> bool {
    matches!(fault, Fault::Kill { .. } | Fault::Gone { .. })
}

fn work(left: &Mutex<Vec<&Scenario>>, tally: &Mutex<Tally>, everything: bool) {
    let cluster = exposing::start();
    let injector = Injector::start(cluster.plane.command("kubectl"));
    let kubeconfig = cluster.plane.directory().join("injected.kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": injector.server() } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "jane" } }],
        "users": [{ "name": "jane", "user": {} }],
    });
    std::fs::write(&kubeconfig, config.to_string()).expect("write a kubeconfig");
    let wire = Wire { proxy: injector.undisturbed().to_string() };
    let bare = State::read(&wire);
    loop {
        let Some(scenario) = left.lock().unwrap().pop() else { return };
        bare.restore(&wire);
        for args in scenario.base {
            cluster.done(&[*args, &["--yes"]].concat());
        }
        for number in 2..=scenario.records {
            copy_record(&wire, number);
        }
        if scenario.nodes_change {
            cluster.plane.apply(NODE3);
            let mut kubectl = cluster.plane.command("kubectl");
            kubectl.args(["replace", "--subresource=status", "--filename=-"]);
            assert_succeeded(&feed(kubectl, NODE3));
            for (node, address) in [("node1", "10.20.1.7"), ("node2", "10.20.2.7")] {
                let annotation = format!("projectcalico.org/IPv4WireguardInterfaceAddr={address}");
                assert_succeeded(&cluster.plane.kubectl(["annotate", "node", node, &annotation]));
            }
        }
        let mut sweep = Sweep::begin(&cluster, &injector, &wire, &kubeconfig, scenario);
        sweep.all(everything);
        let mut tally = tally.lock().unwrap();
        tally.cases.insert(scenario.name, sweep.cases);
        tally.states += sweep.states.len();
        tally.followed += sweep.followed;
        tally.not_struck += sweep.not_struck;
        tally.failures.append(&mut sweep.failures);
        if scenario.nodes_change {
            assert_succeeded(&cluster.plane.kubectl(["delete", "node", "node3"]));
            for node in ["node1", "node2"] {
                let annotation = "projectcalico.org/IPv4WireguardInterfaceAddr-";
                assert_succeeded(&cluster.plane.kubectl(["annotate", "node", node, annotation]));
            }
        }
    }
}

/// Makes a record with this number, of a change that is taken back, from the first one.
fn copy_record(wire: &Wire, number: u32) {
    let list = "/api/v1/namespaces/kube-system/configmaps";
    let mut map = wire.done("GET", &format!("{list}/zerotrust-0001"), None);
    let mut labels = map["metadata"]["labels"].clone();
    for label in labels.as_object_mut().expect("labels").values_mut().filter(|label| *label == "0001") {
        *label = json!(format!("{number:04}"));
    }
    map["metadata"] = json!({ "name": format!("zerotrust-{number:04}"), "labels": labels });
    map["data"]["number"] = json!(number.to_string());
    map["data"]["state"] = json!(Came::Undone.to_string());
    wire.done("POST", list, Some(&map));
}

/// One command under all faults.
struct Sweep<'a> {
    cluster: &'a Cluster,
    injector: &'a Injector,
    wire: &'a Wire,
    kubeconfig: &'a PathBuf,
    scenario: &'a Scenario,
    base: State,
    end: State,
    /// What is open before and after.
    opens: (Open, Open),
    requests: Vec<String>,
    /// The states that were judged, by what they mean.
    states: BTreeSet<String>,
    judged: BTreeMap<String, Vec<String>>,
    cases: usize,
    followed: usize,
    not_struck: usize,
    failures: Vec<String>,
}

impl<'a> Sweep<'a> {
    fn begin(
        cluster: &'a Cluster,
        injector: &'a Injector,
        wire: &'a Wire,
        kubeconfig: &'a PathBuf,
        scenario: &'a Scenario,
    ) -> Sweep<'a> {
        let base = State::read(wire);
        let before = open(cluster.plane.kubeconfig());
        let mut sweep = Sweep {
            cluster,
            injector,
            wire,
            kubeconfig,
            scenario,
            base,
            end: State::default(),
            opens: (before, Open::default()),
            requests: Vec::new(),
            states: BTreeSet::new(),
            judged: BTreeMap::new(),
            cases: 0,
            followed: 0,
            not_struck: 0,
            failures: Vec::new(),
        };
        let (output, requests, _) = sweep.run(None);
        assert_succeeded(&output);
        sweep.end = State::read(wire);
        sweep.opens.1 = open(cluster.plane.kubeconfig());
        sweep.requests = requests;
        assert_ne!(sweep.base.objects(), sweep.end.objects(), "{} changes something", scenario.name);
        sweep
    }

    fn run(&self, fault: Option<(At, Fault)>) -> (Output, Vec<String>, bool) {
        // A server that is slow because the machine is busy is no fault.
        let timeout = match fault {
            Some((_, Fault::Silence { .. })) => "--request-timeout=2s",
            _ => "--request-timeout=60s",
        };
        let mut command = self.cluster.command(&[self.scenario.command, &["--yes", timeout]].concat());
        command.env("KUBECONFIG", self.kubeconfig);
        self.injector.run(command, fault)
    }

    fn all(&mut self, everything: bool) {
        let writes = self.requests.iter().filter(|line| is_write(line)).count();
        for write in 0..writes {
            for (index, fault) in WRITES.into_iter().enumerate() {
                // What ends the client always, of the others each at every third write.
                if everything || ends_client(fault) || (index + write) % 3 == 0 {
                    self.case(At::Write(write), fault);
                }
            }
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut reads: Vec<At> = Vec::new();
        for line in self.requests.iter().filter(|line| !is_write(line)) {
            let count = counts.entry(line.clone()).or_default();
            reads.push(At::Read(line.clone(), *count));
            *count += 1;
        }
        reads.sort_by_key(|at| format!("{at:?}"));
        // A few of them, each with another fault, unless all are wanted.
        let step = if everything { 1 } else { (reads.len() / 3).max(1) };
        for (index, at) in reads.into_iter().enumerate().step_by(step) {
            match everything {
                true => READS.into_iter().for_each(|fault| self.case(at.clone(), fault)),
                false => self.case(at, READS[(index / step + self.scenario.name.len()) % READS.len()]),
            }
        }
    }

    /// Whether an undisturbed run reads this before it writes anything.
    fn is_before_writes(&self, at: &At) -> bool {
        let At::Read(line, number) = at else { return false };
        let before = self.requests.iter().take_while(|line| !is_write(line));
        before.filter(|read| *read == line).count() > *number
    }

    fn case(&mut self, at: At, fault: Fault) {
        self.base.restore(self.wire);
        let (output, _, struck) = self.run(Some((at.clone(), fault)));
        self.cases += 1;
        self.not_struck += usize::from(!struck);
        let now = State::read(self.wire);
        let mut wrong = self.ending(&output, &now, fault);
        let wrote = !now.differs(&self.base).is_empty();
        if self.is_before_writes(&at) && output.status.code() != Some(0) && wrote {
            wrong.push("a fault in a read before the first write left something written".into());
        }
        let key = now.key();
        if !self.judged.contains_key(&key) {
            let judged = self.judge(&now, fault);
            self.judged.insert(key.clone(), judged);
            self.states.insert(key.clone());
        }
        wrong.extend(self.judged[&key].clone());
        if !wrong.is_empty() {
            let which = match &at {
                At::Write(number) => {
                    let mut writes = self.requests.iter().filter(|line| is_write(line));
                    format!("write {number} ({})", writes.nth(*number).map_or("", |line| line.as_str()))
                }
                At::Read(line, number) => format!("{line}, time {number}"),
            };
            self.failures.push(format!(
                "{}, {which}, {fault}: {}\n  it ended with {:?}: {}",
                self.scenario.name,
                wrong.join("; "),
                output.status.code(),
                text(&output.stderr).trim().replace('\n', "\n  ")
            ));
        }
    }

    /// What the plugin said, beside what is there.
    fn ending(&self, output: &Output, now: &State, fault: Fault) -> Vec<String> {
        let mut wrong = Vec::new();
        let words = text(&output.stderr);
        match output.status.code() {
            Some(0) => {
                for path in now.differs(&self.end) {
                    wrong.push(format!(
                        "said to be done, but {path} is {} and not {}",
                        now.shown(path),
                        self.end.shown(path)
                    ));
                }
                let came: Vec<Came> = now.records().values().map(|record| record.summary.state).collect();
                let expected: Vec<Came> = self.end.records().values().map(|record| record.summary.state).collect();
                if came.last() != expected.last() {
                    wrong.push(format!("said to be done, but the records are {came:?} and not {expected:?}"));
                }
            }
            Some(_) if !words.contains("Error: ") || !words.contains("Hint: ") => {
                wrong.push("no next step is named".into());
            }
            Some(_) => {}
            None if !matches!(fault, Fault::Kill { .. }) => wrong.push("it was killed by nobody".into()),
            None => {}
        }
        wrong
    }

    /// What must hold of a state, however it came about; each is judged once.
    fn judge(&mut self, now: &State, fault: Fault) -> Vec<String> {
        let admin = self.cluster.plane.kubeconfig();
        let mut wrong = between(&self.opens.0, &open(admin), &self.opens.1);
        let known = self.base.records();
        let new: BTreeMap<_, _> = now.records().into_iter().filter(|(number, _)| !known.contains_key(number)).collect();
        wrong.extend(untrue(admin, &new, fault.reached() || !matches!(fault, Fault::Kill { .. })));
        let changed = now.differs(&self.base);
        let recorded: usize = new.values().map(|record| record.entries.len()).sum();
        if changed.len() > recorded {
            wrong.push(format!("{changed:?} is not in a record"));
        }
        wrong.extend(self.follow(now, new.keys().next_back().copied()));
        wrong
    }

    /// The same again, and undo: both end where they should.
    fn follow(&mut self, now: &State, new: Option<u32>) -> Vec<String> {
        self.followed += 1;
        let mut wrong = Vec::new();
        let unfinished = |state: &State| -> Vec<u32> {
            let records = state.records().into_iter();
            let open = records.filter(|(_, record)| matches!(record.summary.state, Came::Started | Came::Partial));
            open.map(|(number, _)| number).collect()
        };
        for number in unfinished(now) {
            let status = self.cluster.plugin(&["status"]);
            let said = text(&status.stdout) + &text(&status.stderr);
            for part in
                [format!("kubectl zerotrust undo {number}"), format!("kubectl zerotrust {}", self.scenario.command[0])]
            {
                if !said.contains(&part) {
                    wrong.push(format!("status does not say `{part}`"));
                }
            }
        }
        let mut after = |what: &str, output: &Output, state: &State, expected: &State| {
            if output.status.code() != Some(0) {
                wrong.push(format!("{what} ends with {:?}: {}", output.status.code(), text(&output.stderr)));
            }
            for path in state.differs(expected) {
                wrong.push(format!("after {what} {path} is {} and not {}", state.shown(path), expected.shown(path)));
            }
            if !unfinished(state).is_empty() {
                wrong.push(format!("after {what} {:?} is still not finished", unfinished(state)));
            }
        };
        // What is done is asked for again by nobody; some commands then mean something else.
        let finished = new.is_some_and(|number| now.records()[&number].summary.state == Came::Done);
        if !finished {
            let again = self.cluster.plugin(&[self.scenario.command, &["--yes"]].concat());
            after("the same again", &again, &State::read(self.wire), &self.end);
        }
        if let Some(number) = new {
            now.restore(self.wire);
            let undo = self.cluster.plugin(&["undo", &number.to_string(), "--yes"]);
            after("undo", &undo, &State::read(self.wire), &self.base);
        }
        wrong
    }
}
