//! A lock of the nodes that would cut the API server off from kubelets, by somebody's policy that has no say until nodes have
//! host endpoints: it is refused; and accepted, it is in force until nobody confirms it.
//! Never looks at what was written, but at packets, and that all is as it was in the end.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::article::each_node;
use super::stage::Stage;
use super::topology::{Encapsulation, Mode, Proxy};

/// Meant for pods, and for everything that has a policy.
const THEIRS: &str = "
apiVersion: crd.projectcalico.org/v1
kind: GlobalNetworkPolicy
metadata: { name: default.no-kubelet }
spec:
  order: 5
  types: [Ingress]
  ingress:
  - { action: Deny, protocol: TCP, destination: { ports: [10250] } }
  - { action: Pass }
  selector: all()
";

#[test]
fn a_lock_that_would_cut_kubelets_off_is_refused_or_takes_itself_back() {
    let mut stage =
        Stage::open(Mode { encapsulation: Encapsulation::Direct, proxy: Proxy::Iptables, dual: false, nodes: 2 });
    stage.lab.write(THEIRS);
    stage.lab.settle();
    let topology = stage.topology().clone();
    let kubelets = |outcome: &dyn Fn(&str) -> String| {
        let of = |one: &str, other: &str| format!("{one} -> {other} tcp:10250 = {}", outcome(other));
        vec![of("n1", "n2"), of("n2", "n1")]
    };
    let (open, cut) = (kubelets(&|node| format!("allow by {node}")), kubelets(&|_| "drop".to_string()));
    let ssh: Vec<String> = each_node(&topology, "stranger -> NODE tcp:22 = allow by NODE");
    stage.check("before", &[open.as_slice(), &ssh].concat());
    let state = stage.state();

    let args = ["lockdown", "--nodes", "--accept-risk=api-server"];
    let (code, said) = stage.ask(&[args.as_slice(), &["--yes"]].concat());
    stage.must(code == 3, || format!("refused with {code}: {said}"));
    for words in ["would cut off what passes now", "reaches the kubelet of n", "no-kubelet", "--accept-risk"] {
        stage.must(said.contains(words), || format!("not {words:?} in {said}"));
    }
    stage.must(stage.state() == state, || "a refusal wrote something".into());
    stage.lab.settle();
    stage.check("refused", &[open.as_slice(), &ssh].concat());

    let accepted = "--accept-risk=kubelet,nodes,pods";
    let mut command = stage.lab.command(env!("CARGO_BIN_EXE_kubectl-zerotrust"));
    command.args(args).args([accepted, "--confirm-within=45s", "--yes"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("start the plugin");
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.as_mut().expect("its errors are a pipe"));
    while !said.contains("Press Enter") {
        assert!(lines.read_line(&mut said).expect("read what it says") > 0, "it ended: {said}");
    }
    stage.lab.settle();
    stage.check("accepted, and not yet confirmed", &[cut.as_slice(), &ssh].concat());
    let output = child.wait_with_output().expect("wait for the plugin");
    let said = String::from_utf8_lossy(&output.stderr).to_string();
    stage.must(output.status.code() == Some(3), || format!("{:?}: {said}", output.status));
    stage.lab.settle();
    stage.check("taken back", &[open.as_slice(), &ssh].concat());
    let left = stage.state();
    stage.must(left == state, || format!("left is\n{left:#?}\nof\n{state:#?}"));
    stage.close();
}
