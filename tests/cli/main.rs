//! The program as a person runs it: on the example, on bad input, without a cluster.
//! Never knows the code; it sees exit codes and what is printed.

mod bad_input;
mod completions;
mod diagnose;
mod example;
mod expiring;
mod explain;
mod exposing;
mod help;
mod hosts;
mod krew;
mod reachability;
mod replay;
mod rights;
mod staged;
mod syncing;
mod validate;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A directory of manifests of its own, which commands may change, and the program to run on it.
struct Lab {
    directory: tempfile::TempDir,
}

impl Lab {
    /// A copy of the example.
    fn platform9() -> Lab {
        let lab = Lab::empty();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/platform9");
        for entry in std::fs::read_dir(example).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                std::fs::copy(&path, lab.path(path.file_name().unwrap().to_str().unwrap())).unwrap();
            }
        }
        lab
    }

    /// An empty directory.
    fn empty() -> Lab {
        let lab = Lab { directory: tempfile::tempdir().unwrap() };
        std::fs::create_dir(lab.directory.path().join("manifests")).unwrap();
        lab
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join("manifests").join(file)
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).unwrap();
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap()
    }

    /// Every file with its text.
    fn files(&self) -> Vec<(String, String)> {
        let names = std::fs::read_dir(self.path("")).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names.into_iter().map(|name| (name.clone(), self.read(&name))).collect()
    }

    /// Runs a command line on the directory; words are parted by single spaces.
    fn run(&self, line: &str) -> String {
        self.run_args(&line.split(' ').collect::<Vec<_>>())
    }

    /// Makes a change, which must be done; what it said.
    fn done(&self, line: &str) -> String {
        let said = self.run(&format!("{line} --yes"));
        assert!(said.starts_with("exit 0\n"), "{line}: {said}");
        said
    }

    /// A JSON answer.
    fn json(&self, line: &str) -> Value {
        let mut command = program(self.directory.path());
        let output = command.args(line.split(' ')).args(["-f", "manifests", "-o", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{line}: {output:?}"))
    }

    /// The verdict of `explain`.
    fn verdict(&self, from: &str, to: &str) -> String {
        self.json(&format!("explain --from {from} --to {to}"))["verdict"].as_str().unwrap().to_string()
    }

    fn run_args(&self, args: &[&str]) -> String {
        report(&program(self.directory.path()).args(args).args(["-f", "manifests"]).output().unwrap())
    }
}

/// The program, without anything of this machine's: no kubeconfig, no colours, nobody to ask.
fn program(directory: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubectl-zerotrust"));
    program.current_dir(directory).env_clear().env("HOME", directory).stdin(Stdio::null());
    program
}

/// How a run ended and what it printed.
fn report(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let part = |name: &str, text: String| match text.is_empty() {
        true => String::new(),
        false => format!("--- {name}\n{text}"),
    };
    let code = output.status.code().map_or("signal".to_string(), |code| code.to_string());
    format!("exit {code}\n{}{}", part("stdout", text(&output.stdout)), part("stderr", text(&output.stderr)))
}
