//! A lockdown on trial, with real packets: while it is observed nothing stops and nothing opens, the kernel log has what it would
//! drop, `diagnose` makes grants of that, and once it is promoted these are what is left.
//! Never looks at what the commands wrote, but at what becomes of packets and at the log.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use super::stage::Stage;
use super::topology::{Encapsulation, Mode, Proxy};

/// Somebody's policies, which are there before: what they stop stays stopped, and what they let in is let in.
const OTHERS: &str = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { namespace: shop, name: db }
spec:
  podSelector: { matchLabels: { app: db } }
  policyTypes: [Ingress]
  ingress: [{ from: [{ podSelector: { matchLabels: { app: web } } }] }]
";

/// What passes before, and is wanted later.
const WANTED: [&str; 3] = [
    "policy-demo/access1 -> policy-demo/nginx tcp:80 = allow by policy-demo/nginx",
    "shop/cart-1 -> client tcp:443 = allow by client",
    "client -> n1 tcp:32127 = allow by policy-demo/nginx",
];

/// What passes before, and nobody asks for.
const UNWANTED: [&str; 5] = [
    "policy-demo/access2 -> policy-demo/nginx tcp:80 = allow by policy-demo/nginx",
    "policy-demo/access1 -> policy-demo/nginx tcp:443 = allow by policy-demo/nginx",
    "shop/cart-1 -> client tcp:80 = allow by client",
    "shop/db-1 -> client tcp:443 = allow by client",
    "stranger -> n1 tcp:32127 = allow by policy-demo/nginx",
];

/// What is so before, while and after.
const ALWAYS: [&str; 4] = [
    "shop/cart-1 -> shop/db-1 tcp:5432 = drop",
    "n1 -> policy-demo/nginx tcp:80 = allow by policy-demo/nginx",
    "shop/cart-1 -> svc/kube-system/kube-dns udp:53 = allow by kube-system/dns-1",
    "shop/web-1 -> svc/kube-system/kube-dns tcp:53 = allow by kube-system/dns-1",
];

#[test]
fn a_trial_with_direct_routing() {
    play(Mode { encapsulation: Encapsulation::Direct, proxy: Proxy::Iptables, dual: false, nodes: 2 });
}

#[test]
fn a_trial_with_vxlan_in_both_families() {
    play(Mode { encapsulation: Encapsulation::Vxlan, proxy: Proxy::Nftables, dual: true, nodes: 2 });
}

#[test]
fn nodes_on_trial() {
    let mode = Mode { encapsulation: Encapsulation::Direct, proxy: Proxy::Iptables, dual: false, nodes: 2 };
    let mut stage = Stage::open_with_log(mode);
    let client = stage.topology().client("client").addresses.clone();
    let networks: Vec<String> = client.iter().map(|ip| format!("--allow-from={ip}")).collect();
    let strangers = ["stranger -> n1 tcp:9999", "stranger -> n2 tcp:10250", "stranger -> n2 udp:5353"];
    let with = |end: &str| strangers.map(|flow| format!("{flow}{end}")).to_vec();
    let always = lines(&[
        "stranger -> n1 tcp:22 = allow by n1",
        "client -> n2 tcp:9999 = allow by n2",
        "n1 -> n2 tcp:9999 = allow by n2",
        "kube-system/dns-1 -> n2 tcp:9999 = allow by n2",
        "n2 -> internet tcp:443 = allow by internet",
        "stranger -> n1 tcp:31111 = allow by shop/web-1",
    ]);
    let open = [always.clone(), with(" = allow")].concat();
    stage.check("open", &open);
    let state = stage.state();

    let mut args = vec!["lockdown", "--observe", "--nodes", "--accept-risk=api-server"];
    args.extend(networks.iter().map(String::as_str));
    stage.run_in_steps(&args, &open);
    stage.lab.log_lines();
    stage.check("observed", &open);
    let log = stage.lab.log_lines();
    let found = explained(&stage, &log);
    for (port, node) in [(9999, "n1"), (10250, "n2"), (5353, "n2")] {
        let is_it = |group: &&Value| {
            group["destination"]["port"] == port && group["node"] == node && group["checkpoint"] == "pre-dnat"
        };
        let group = found.iter().find(is_it);
        stage.must(group.is_some_and(|group| group["verdict"] == "allow" && group["oncePromoted"] == "deny"), || {
            format!("{node}:{port}: {found:#?}\n{log:#?}")
        });
    }
    stage.must(!log.iter().any(|line| line.contains("DPT=22 ")), || format!("failsafe ports are logged: {log:#?}"));
    stage.run(&["unlock"]);
    stage.run(&["unlock", "--nodes"]);
    let left = stage.state();
    stage.must(left == state, || format!("unlock left\n{left:#?}\nof\n{state:#?}"));

    stage.run(&args);
    stage.run_in_steps(&["promote", "--accept-risk=api-server"], &always[..5]);
    stage.check("promoted", &[always[..5].to_vec(), with(" = drop")].concat());
    stage.close();
}

fn play(mode: Mode) {
    let mut stage = Stage::open_with_log(mode);
    stage.lab.write(OTHERS);
    stage.lab.settle();
    let (wanted, unwanted, always) = (lines(&WANTED), lines(&UNWANTED), lines(&ALWAYS));
    let with_others = lines(&["shop/web-1 -> shop/db-1 tcp:5432 = allow by shop/db-1"]);
    let open = [wanted.clone(), unwanted.clone(), always.clone(), with_others].concat();
    stage.check("open", &open);

    stage.run_in_steps(&["lockdown", "--observe", "--accept-risk=api-server"], &open);
    stage.check("observed", &open);
    stage.lab.log_lines();
    stage.check("observed", &wanted);
    let log = stage.lab.log_lines();
    let found = explained(&stage, &log);
    stage.must(!found.is_empty(), || format!("nothing was logged: {log:#?}"));
    let mut commands: Vec<String> = Vec::new();
    for group in &found {
        stage.must(group["verdict"] == "allow" && group["cause"].is_null(), || format!("it is no denial: {group:#}"));
        let command = group["command"].as_str().unwrap_or_default().replace("kubectl zerotrust ", "");
        stage.must(group["oncePromoted"] == "deny" && !command.is_empty(), || format!("no command: {group:#}"));
        if !command.is_empty() && !commands.contains(&command) {
            commands.push(command);
        }
    }
    for command in &commands {
        stage.run_in_steps(&command.split(' ').collect::<Vec<_>>(), &open);
    }
    stage.check("granted", &open);
    // What is granted is not logged any more: neither at the sender nor at the receiver.
    stage.lab.log_lines();
    stage.check("granted", &wanted);
    let log = stage.lab.log_lines();
    stage.must(log.is_empty(), || format!("{commands:#?} left {log:#?}"));

    let kept = [wanted, always].concat();
    stage.run_in_steps(&["promote", "--accept-risk=api-server"], &kept);
    let closed: Vec<String> = UNWANTED.iter().map(|line| format!("{} = drop", flow(line))).collect();
    // What nobody granted at the sender's end is closed, whatever the receiver's policy says.
    let others = lines(&["shop/web-1 -> shop/db-1 tcp:5432 = drop"]);
    stage.check("promoted", &[kept, closed, others].concat());
    stage.close();
}

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn flow(line: &str) -> &str {
    line.split(" = ").next().unwrap_or_default()
}

/// What `diagnose` says of these lines on the lab's API server.
fn explained(stage: &Stage, log: &[String]) -> Vec<Value> {
    let mut command = stage.lab.command(env!("CARGO_BIN_EXE_kubectl-zerotrust"));
    command.args(["diagnose", "-o", "json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("start the plugin");
    child.stdin.take().expect("its input").write_all(log.join("\n").as_bytes()).expect("write its input");
    let output = child.wait_with_output().expect("wait for the plugin");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}
