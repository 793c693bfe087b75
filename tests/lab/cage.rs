//! A place on this machine that cannot outlive the test: process, mount and network namespaces of its own.
//! Never knows what runs in it.
//!
//! Nothing needs to be cleared away, because nothing is left anywhere: the named network namespaces are files of a file
//! system that only this mount namespace has, and every link lies in one of them. A shell that reads from a pipe is the
//! first process of the process namespace. However the test ends, by a panic or by SIGKILL, the pipe closes and the shell
//! ends; with a process namespace's first process the kernel kills all others in it, and with the last of them its mounts
//! and network namespaces go.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Says its process id as the machine sees it, takes a /proc and a /run of its own, and waits for the end of the pipe.
const SHELL: &str = r#"
read -r pid rest </proc/self/stat
mount -t proc proc /proc && mount -t tmpfs tmpfs /run && mkdir /run/netns && echo "$pid"
while read -r line; do :; done
"#;

/// The place. Dropping it ends everything in it, at once.
#[derive(Debug)]
pub struct Cage {
    holder: Child,
    pid: u32,
}

impl Cage {
    /// Makes an empty one.
    pub fn new() -> Cage {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child", "--mount", "--net", "--ipc", "/bin/sh", "-c", SHELL]);
        // A process group of its own: Ctrl-C in a terminal ends the test, and the pipe ends this.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut holder = command.spawn().expect("run unshare");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().expect("its stdout is a pipe")).read_line(&mut line).expect("hear unshare");
        let pid = line.trim().parse();
        let pid = pid.expect("namespaces of our own; unshare says above what this machine does not allow");
        Cage { holder, pid }
    }

    /// The program and the arguments that run what follows them here; in a network namespace where one is named. Entering a
    /// process namespace makes a child, which must not live on when its parent is killed.
    pub fn enter(&self, namespace: Option<&str>) -> Vec<OsString> {
        let mut words = vec![format!("--target={}", self.pid), "--mount".into(), "--pid".into(), "--ipc".into()];
        match namespace {
            Some(name) => words.push(format!("--net={}", self.namespace(name).display())),
            None => words.push("--net".into()),
        }
        let last = ["setpriv", "--pdeathsig", "KILL"].map(String::from);
        ["nsenter".to_string()].into_iter().chain(words).chain(last).map(OsString::from).collect()
    }

    /// A command here.
    pub fn command<S: AsRef<OsStr>>(&self, namespace: Option<&str>, words: impl IntoIterator<Item = S>) -> Command {
        let enter = self.enter(namespace);
        let mut command = Command::new(&enter[0]);
        command.args(&enter[1..]).args(words).stdin(Stdio::null());
        command
    }

    /// Runs a script of /bin/sh here, which stops at its first error; panics with its words.
    pub fn script(&self, namespace: Option<&str>, script: &str) {
        self.feed(namespace, &["/bin/sh", "-e", "-s"], script);
    }

    /// Gives a program its standard input; panics with its words when it fails.
    pub fn feed(&self, namespace: Option<&str>, words: &[&str], input: &str) {
        let mut command = self.command(namespace, words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("run nsenter");
        let mut pipe = child.stdin.take().expect("its stdin is a pipe");
        // A program that ends early closes the pipe; what it says tells why.
        let written = pipe.write_all(input.as_bytes());
        drop(pipe);
        let output = child.wait_with_output().expect("wait for nsenter");
        let said = [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat();
        assert!(
            output.status.success(),
            "{words:?} in {namespace:?} failed ({written:?}): {said}\nIts input:\n{input}"
        );
    }

    /// The output of a command that must succeed.
    pub fn output(&self, namespace: Option<&str>, words: &[&str]) -> String {
        let output = self.command(namespace, words).output().expect("run nsenter");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?} in {namespace:?} failed: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The file that stands for a network namespace, seen from outside the cage.
    fn namespace(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root/run/netns/{name}", self.pid))
    }

    /// What moves a thread into a network namespace.
    pub fn door(&self, namespace: &str) -> Door {
        let path = self.namespace(namespace);
        Door(File::open(&path).unwrap_or_else(|e| panic!("open the network namespace {namespace}: {e}")))
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// A way into a network namespace.
#[derive(Debug)]
pub struct Door(File);

impl Door {
    /// Moves the calling thread, and it alone, for as long as it lives.
    pub fn go(&self) {
        let network = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(std::os::fd::AsFd::as_fd(&self.0), network).expect("enter a network namespace");
    }
}
