//! Asks Calico's own code what it thinks of a selector or a resource.
//! It holds no opinion of its own; the answers are those of Calico 3.28.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use super::servers;

/// What Calico says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Judgement {
    /// Whether Calico takes it.
    pub valid: bool,
    /// The selector as Calico writes it; empty for resources and for what does not parse.
    pub canonical: String,
    /// For each set of labels that was asked about, whether the selector matches.
    pub matches: Vec<bool>,
    /// Why Calico refuses it; empty when it does not.
    pub error: String,
}

/// A running oracle process. It ends with its stdin, so with this value or with the test.
#[derive(Debug)]
pub struct Oracle {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts the process; builds it first where that is needed.
    pub fn start() -> Self {
        let mut command = Command::new(servers::build().program("oracle"));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("start the oracle");
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("the oracle's stdout is a pipe"));
        Oracle { process, questions, answers }
    }

    /// Calico's selector parser on `selector`, and its matcher on each set of labels.
    pub fn selector(&mut self, selector: &str, labels: &[BTreeMap<String, String>]) -> Judgement {
        self.ask(&json!({ "op": "selector", "selector": selector, "labels": labels }))
    }

    /// Calico's validator on a resource of group projectcalico.org/v3; `kind` is one of GlobalNetworkPolicy, NetworkPolicy,
    /// GlobalNetworkSet, NetworkSet, HostEndpoint.
    pub fn validate(&mut self, kind: &str, object: &Value) -> Judgement {
        self.ask(&json!({ "op": "validate", "kind": kind, "object": object }))
    }

    fn ask(&mut self, question: &Value) -> Judgement {
        let pipe = self.questions.as_mut().expect("the oracle's stdin is a pipe");
        writeln!(pipe, "{question}").expect("ask the oracle");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("hear the oracle");
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("the oracle said {line:?} to {question} ({e})"))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.process.wait();
    }
}
