//! Plays the article in a lab: the plugin is run against the lab's API server as an administrator runs it, and packets are
//! sent when Felix and kube-proxy have done what it wrote; between its writes too, where that is asked.
//! Never knows policies: what must become of packets is for the scenes to say.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::flows::{misjudged, wrong};
use super::lab::Lab;
use super::marks;
use super::support::Relay;
use super::topology::{Mode, Topology};
use super::verdict::Judge;

/// How long a command may take that waits for nobody.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a plan of ours can write, beside the record.
const WRITTEN: [&str; 7] = [
    "globalnetworkpolicies.crd.projectcalico.org",
    "networkpolicies.crd.projectcalico.org",
    "globalnetworksets.crd.projectcalico.org",
    "hostendpoints.crd.projectcalico.org",
    "bgpconfigurations.crd.projectcalico.org",
    "bgppeers.crd.projectcalico.org",
    "services",
];

/// A lab, and everything in it that was not as it must be.
pub struct Stage {
    /// The lab.
    pub lab: Lab,
    failures: Vec<String>,
    begun: Instant,
}

impl Stage {
    /// Starts a lab.
    pub fn open(mode: Mode) -> Stage {
        Stage { lab: Lab::start(mode), failures: Vec::new(), begun: Instant::now() }
    }

    /// Starts a lab whose log lines can be read.
    pub fn open_with_log(mode: Mode) -> Stage {
        Stage { lab: Lab::start_with_log(mode), failures: Vec::new(), begun: Instant::now() }
    }

    /// Fails if anything was wrong.
    pub fn close(self) {
        let Stage { lab, failures, .. } = self;
        assert!(failures.is_empty(), "{:?}:\n{}", lab.topology().mode, failures.join("\n"));
    }

    /// The cluster.
    pub fn topology(&self) -> &Topology {
        self.lab.topology()
    }

    /// Runs the plugin with a yes; its exit code and all that it said.
    pub fn ask(&self, args: &[&str]) -> (i32, String) {
        let mut command = self.lab.command(env!("CARGO_BIN_EXE_kubectl-zerotrust"));
        let output = command.args(args).output().expect("run the plugin");
        let said = [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat();
        (output.status.code().unwrap_or(-1), said)
    }

    /// The same, which must be done, and enforced when this returns. Panics with the plugin's words when it refuses.
    pub fn run(&mut self, args: &[&str]) -> String {
        let (code, said) = self.ask(&[args, &["--yes"]].concat());
        assert_eq!(code, 0, "{args:?}: {said}");
        self.lab.settle();
        said
    }

    /// The same, but before each write whatever was written so far is enforced, and the packets of these lines are sent.
    pub fn run_in_steps(&mut self, args: &[&str], lines: &[String]) -> String {
        let (ask, asked) = mpsc::channel();
        let relay = relay(&self.lab, ask);
        let mut command = self.lab.command(env!("CARGO_BIN_EXE_kubectl-zerotrust"));
        command.args(args).args(["--yes", "--server", &relay.server()]).env_remove("KUBECONFIG");
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start the plugin");
        let steps = self.between(child, &asked, args, lines);
        assert!(steps.1 > 2, "{args:?} wrote {} times", steps.1);
        self.lab.settle();
        steps.0
    }

    fn between(
        &mut self,
        mut child: Child,
        asked: &Receiver<(String, Sender<()>)>,
        args: &[&str],
        lines: &[String],
    ) -> (String, usize) {
        let begun = Instant::now();
        let mut writes = 0;
        loop {
            match asked.recv_timeout(Duration::from_millis(20)) {
                Ok((write, go)) => {
                    // The record comes first: nothing was written yet.
                    if writes > 0 {
                        self.lab.settle();
                        self.check(&format!("{args:?}, before {write}"), lines);
                    }
                    writes += 1;
                    go.send(()).expect("the relay waits");
                }
                Err(RecvTimeoutError::Timeout) if child.try_wait().expect("ask for the plugin's end").is_some() => {
                    break;
                }
                Err(_) => assert!(begun.elapsed() < PATIENCE, "{args:?} does not end"),
            }
        }
        let output = child.wait_with_output().expect("read what the plugin said");
        let said = [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat();
        assert!(output.status.success(), "{args:?}: {said}");
        (said, writes)
    }

    /// Sends the packets of these lines, and asks our own evaluation about the same.
    pub fn check(&mut self, when: &str, lines: &[String]) {
        let directory = tempfile::tempdir().expect("a directory");
        self.lab.save(directory.path());
        let said = misjudged(self.lab.topology(), &Judge::read(directory.path()), lines);
        let became = wrong(&mut self.lab, lines);
        self.failures.extend(became.into_iter().map(|line| format!("{when}: {line}")));
        self.failures.extend(said.into_iter().map(|line| format!("{when}: our verdict: {line}")));
        eprintln!("{:6.1} s  {when}: {} lines", self.begun.elapsed().as_secs_f32(), lines.len());
    }

    /// Something else that must hold.
    pub fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.failures.push(what());
        }
    }

    /// Every object that a plan of ours can change, by kind and name, without what a server counts.
    pub fn state(&self) -> BTreeMap<String, Value> {
        let list = self.lab.kubectl(&["get", &WRITTEN.join(","), "--all-namespaces", "--output=json"]);
        let list: Value = serde_json::from_str(&list).expect("kubectl prints JSON");
        let mut state = BTreeMap::new();
        for object in list["items"].as_array().expect("a list") {
            let metadata = &object["metadata"];
            let name = metadata["name"].as_str().unwrap_or_default();
            if name.ends_with(marks::NAME) || metadata["namespace"] == marks::NAMESPACE {
                continue;
            }
            let key = format!("{} {} {name}", object["kind"], metadata["namespace"]);
            let meaning = json!([metadata["labels"], metadata["annotations"], object["spec"], object["status"]]);
            state.insert(key, meaning);
        }
        state
    }
}

/// The id of the grant that an exposure made, as it says it.
pub fn grant_of(said: &str) -> &str {
    let after = said.split("the grant is ").nth(1).unwrap_or_else(|| panic!("no grant is named: {said}"));
    after.split(':').next().unwrap_or_default()
}

/// A relay beside the control plane that asks before each write, and waits for the answer.
fn relay(lab: &Lab, ask: Sender<(String, Sender<()>)>) -> Relay {
    let (door, kubectl, ask) = (lab.door(), lab.command("kubectl"), Mutex::new(ask));
    let may_pass = move |write: &str| {
        let (go, gone) = mpsc::channel();
        let asked = ask.lock().expect("nobody panics with it").send((write.to_string(), go));
        asked.is_ok() && gone.recv().is_ok()
    };
    let start = move || {
        door.go();
        Relay::start(kubectl, Box::new(may_pass))
    };
    thread::spawn(start).join().expect("start the relay")
}
