//! A cluster with two nodes and three applications on a real control plane, and the plugin run on it.
//! Never knows how the plugin works.

use std::process::{Command, Output};

use serde_json::Value;

use crate::support::ControlPlane;

/// The objects of cluster.yaml on a control plane of its own.
pub struct Cluster {
    /// The servers.
    pub plane: ControlPlane,
}

impl Cluster {
    /// Starts one.
    pub fn start() -> Cluster {
        Cluster::on(ControlPlane::start(), include_str!("cluster.yaml"))
    }

    /// The same objects on another control plane, in the form that it takes.
    pub fn on(plane: ControlPlane, objects: &str) -> Cluster {
        plane.apply(objects);
        // What kubelet and Calico would report: kubectl apply leaves status out.
        for document in objects.split("\n---\n").filter(|document| document.contains("\nstatus:")) {
            let mut kubectl = plane.command("kubectl");
            kubectl.args(["replace", "--subresource=status", "--filename=-"]);
            assert_succeeded(&feed(kubectl, document));
        }
        Cluster { plane }
    }

    /// The plugin, as the admin.
    pub fn plugin(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("run the plugin")
    }

    /// The plugin, not run yet.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.plane.command(env!("CARGO_BIN_EXE_kubectl-zerotrust"));
        command.args(args);
        command
    }

    /// The plugin, which must succeed; its output.
    pub fn done(&self, args: &[&str]) -> String {
        let output = self.plugin(args);
        assert_succeeded(&output);
        text(&output.stdout)
    }

    /// One object as the API server stores it.
    pub fn stored(&self, args: &[&str]) -> Value {
        let output = self.plane.kubectl(["get", "--output=json"].iter().chain(args));
        assert_succeeded(&output);
        serde_json::from_slice(&output.stdout).expect("kubectl prints JSON")
    }

    /// One object as calicoctl reads it.
    pub fn calico(&self, args: &[&str]) -> Value {
        let output = self.plane.calicoctl(["get", "--output=json"].iter().chain(args));
        assert_succeeded(&output);
        serde_json::from_slice(&output.stdout).expect("calicoctl prints JSON")
    }
}

/// Runs a command with text on its standard input.
pub fn feed(mut command: Command, input: &str) -> Output {
    use std::io::Write;
    use std::process::Stdio;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("start the command");
    child.stdin.take().expect("its input is a pipe").write_all(input.as_bytes()).expect("write its input");
    child.wait_with_output().expect("wait for the command")
}

/// Panics with the command's own words where it failed.
pub fn assert_succeeded(output: &Output) {
    assert!(output.status.success(), "{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr));
}

/// Output as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
