//! Lines that a real kernel wrote for the rules of a real Felix, as `diagnose` explains them; the command that it names is
//! run, and then the packet passes in the lab and its neighbours do not.
//! Never knows how a line is read, or how a command is found.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::flows::wrong;
use super::lab::Lab;
use super::topology::{Encapsulation, Mode, Node, Proxy, Topology};

const CALICO: &str = "crd.projectcalico.org/v1";

/// A flow that is dropped, what the line must be explained as, and what becomes of its neighbours behind the command.
struct Case {
    flow: &'static str,
    source: &'static str,
    destination: &'static str,
    at: &'static str,
    policy: &'static str,
    /// How the command begins; none where there is no safe one.
    command: Option<&'static str>,
    neighbours: &'static [&'static str],
}

/// Under a lockdown that logs what it drops.
const LOCKED: &[Case] = &[
    Case {
        flow: "client -> n1 tcp:32127",
        source: "Unknown",
        destination: "Pod nginx",
        at: "ingress on n1",
        policy: "lockdown",
        command: Some("allow --from"),
        neighbours: &["stranger -> n1 tcp:32127 = drop", "policy-demo/access2 -> policy-demo/nginx tcp:80 = drop"],
    },
    Case {
        flow: "client -> n2 tcp:32127",
        source: "OF-NODE n2",
        destination: "Pod nginx",
        at: "ingress on n1",
        policy: "lockdown",
        command: None,
        neighbours: &[],
    },
    Case {
        flow: "policy-demo/access1 -> policy-demo/nginx tcp:80",
        source: "Pod access1",
        destination: "Pod nginx",
        at: "egress on n2",
        policy: "lockdown",
        command: Some("allow --from policy-demo/pod/access1 --to policy-demo/pod/nginx --port tcp/80"),
        neighbours: &[
            "policy-demo/access1 -> policy-demo/nginx tcp:443 = drop",
            "policy-demo/access2 -> policy-demo/nginx tcp:80 = drop",
            "policy-demo/access1 -> shop/web-1 tcp:80 = drop",
        ],
    },
    Case {
        flow: "policy-demo/access2 -> svc/policy-demo/nginx tcp:80",
        source: "Pod access2",
        destination: "Pod nginx",
        at: "egress on n1",
        policy: "lockdown",
        command: Some("allow --from policy-demo/pod/access2 --to policy-demo/pod/nginx --port tcp/80"),
        neighbours: &["policy-demo/access1 -> svc/policy-demo/nginx tcp:80 = drop"],
    },
    Case {
        flow: "shop/db-1 -> client tcp:443",
        source: "Pod db-1",
        destination: "Unknown",
        at: "egress on n2",
        policy: "lockdown",
        command: Some("allow --from shop/pod/db-1 --to"),
        neighbours: &["shop/db-1 -> client tcp:80 = drop", "shop/db-1 -> stranger tcp:443 = drop"],
    },
    Case {
        flow: "shop/db-1 -> client udp:53",
        source: "Pod db-1",
        destination: "Unknown",
        at: "egress on n2",
        policy: "lockdown",
        command: Some("allow --from shop/pod/db-1 --to"),
        neighbours: &["shop/db-1 -> client tcp:53 = drop", "shop/db-1 -> client udp:5353 = drop"],
    },
    Case {
        flow: "shop/db-1 -> client ping",
        source: "Pod db-1",
        destination: "Unknown",
        at: "egress on n2",
        policy: "lockdown",
        command: None,
        neighbours: &[],
    },
    // No Service of web masquerades its clients, so nobody else comes with the node's address.
    Case {
        flow: "n2 -> shop/web-1 tcp:8080",
        source: "OF-NODE n2",
        destination: "Pod web-1",
        at: "ingress on n1",
        policy: "lockdown",
        command: Some("allow --from"),
        neighbours: &["n2 -> shop/web-1 tcp:9090 = drop", "client -> n1 tcp:31111 = drop"],
    },
];

/// Behind a perimeter that logs what it drops.
const BEHIND_A_PERIMETER: &[Case] = &[
    Case {
        flow: "client -> n2 tcp:32127",
        source: "Unknown",
        destination: "NodePort nginx",
        at: "pre-dnat on n2",
        policy: "perimeter",
        command: Some("expose-nodeport policy-demo/"),
        neighbours: &["stranger -> n2 tcp:32127 = drop", "client -> n2 tcp:30880 = drop"],
    },
    Case {
        flow: "client -> lb/shop/db tcp:80",
        source: "Unknown",
        destination: "LoadBalancer db",
        at: "pre-dnat on n1",
        policy: "perimeter",
        command: Some("expose-lb shop/"),
        neighbours: &["stranger -> lb/shop/db tcp:80 = drop", "client -> lb/shop/db tcp:5432 = drop"],
    },
];

#[test]
fn lines_of_direct_routing_and_iptables() {
    play(Mode { encapsulation: Encapsulation::Direct, proxy: Proxy::Iptables, dual: false, nodes: 2 });
}

#[test]
fn lines_of_both_families_in_vxlan() {
    play(Mode { encapsulation: Encapsulation::Vxlan, proxy: Proxy::Nftables, dual: true, nodes: 2 });
}

#[test]
fn lines_of_wireguard() {
    play(Mode { encapsulation: Encapsulation::WireGuard, proxy: Proxy::Iptables, dual: false, nodes: 2 });
}

fn play(mode: Mode) {
    let mut lab = Lab::start_with_log(mode);
    let topology = lab.topology().clone();
    for (world, cases) in [(lockdown(), LOCKED), (perimeter(&topology), BEHIND_A_PERIMETER)] {
        for case in cases {
            for family in if mode.dual { &["v4: ", "v6: "][..] } else { &["v4: "][..] } {
                lab.apply(&world);
                try_case(&mut lab, case, family);
            }
        }
    }
}

fn try_case(lab: &mut Lab, case: &Case, family: &str) {
    let flow = format!("{family}{}", case.flow);
    let directory = tempfile::tempdir().expect("a directory");
    lab.save(directory.path());
    lab.log_lines();
    assert_eq!(wrong(lab, &[format!("{flow} = drop")]), Vec::<String>::new());
    let lines = lab.log_lines();
    let found = explained(directory.path(), &lines);
    assert_eq!(found.len(), 1, "{flow}: {lines:#?}\n{found:#?}");
    let group = &found[0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let end = |end: &Value| match text(&end["kind"]).as_str() {
        // With or without a tunnel it is the node that sends.
        "Node" | "Tunnel" => format!("OF-NODE {}", text(&end["node"])),
        kind => format!("{kind} {}", text(&end["name"])).trim().to_string(),
    };
    let at = format!("{} on {}", text(&group["checkpoint"]), text(&group["node"]));
    let shown = (end(&group["source"]), end(&group["destination"]), at, text(&group["policy"]["name"]));
    let expected = [case.source, case.destination, case.at, case.policy].map(str::to_string);
    assert_eq!(shown, expected.into(), "{flow}: {group:#}");
    assert_eq!(text(&group["cause"]), "policy", "{flow}: {group:#}");

    let command = text(&group["command"]).replace("kubectl zerotrust ", "");
    let Some(begins) = case.command else {
        assert!(command.is_empty() && group["noCommand"].is_string(), "{flow}: {group:#}");
        return;
    };
    assert!(command.starts_with(begins), "{flow}: {group:#}");
    let output = plugin(&command.split(' ').chain(["--yes"]).collect::<Vec<_>>(), "");
    assert!(output.status.success(), "{flow}: {command}: {}", String::from_utf8_lossy(&output.stderr));
    lab.apply(&written(directory.path()));
    let mut flows = vec![format!("{flow} = allow")];
    flows.extend(case.neighbours.iter().map(|neighbour| format!("{family}{neighbour}")));
    assert_eq!(wrong(lab, &flows), Vec::<String>::new(), "behind {command}");
}

fn explained(directory: &Path, lines: &[String]) -> Vec<Value> {
    let directory = directory.display().to_string();
    let output = plugin(&["diagnose", "-o", "json", "-f", &directory], &lines.join("\n"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

fn plugin(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-zerotrust"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start the plugin");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("write its input");
    child.wait_with_output().expect("wait for the plugin")
}

/// The world as the command left it in the directory, without what a server sets.
fn written(directory: &Path) -> Vec<Value> {
    let mut objects = Vec::new();
    for name in ["world.yaml", "zerotrust.yaml"] {
        let Ok(text) = std::fs::read_to_string(directory.join(name)) else { continue };
        let documents: Vec<Value> = serde_yaml::from_multiple(&text).expect("YAML");
        objects.extend(documents.into_iter().filter(|document| !document.is_null()));
    }
    for object in &mut objects {
        let metadata = object["metadata"].as_object_mut().expect("metadata");
        metadata.retain(|field, _| ["name", "namespace", "labels", "annotations"].contains(&field.as_str()));
    }
    objects
}

fn global_policy(name: &str, spec: Value) -> Value {
    let metadata = json!({ "name": format!("default.{name}") });
    json!({ "apiVersion": CALICO, "kind": "GlobalNetworkPolicy", "metadata": metadata, "spec": spec })
}

fn lockdown() -> Vec<Value> {
    let spec = json!({
        "namespaceSelector": "projectcalico.org/name in {'shop', 'policy-demo'}", "types": ["Ingress", "Egress"],
        "ingress": [{ "action": "Log" }], "egress": [{ "action": "Log" }],
    });
    vec![global_policy("lockdown", spec)]
}

/// Every address of the nodes and the pods passes, as do IPv6's neighbours; who else opens a connection is logged and stopped.
fn perimeter(topology: &Topology) -> Vec<Value> {
    let mut world = lockdown();
    let endpoint = |node: &Node| {
        let profiles = ["projectcalico-default-allow"];
        json!({
            "apiVersion": CALICO, "kind": "HostEndpoint",
            "metadata": { "name": format!("{}-eth0", node.name), "labels": { "perimeter": "yes" } },
            "spec": { "node": node.name, "interfaceName": "eth0", "expectedIPs": node.addresses, "profiles": profiles },
        })
    };
    world.extend(topology.nodes.iter().map(endpoint));
    let mut rules = vec![json!({ "action": "Allow", "source": { "nets": ["10.128.146.0/23", "10.20.0.0/16"] } })];
    if topology.mode.dual {
        rules.push(json!({ "action": "Allow", "source": { "nets": ["fd00:10:128::/64", "fd00:10:20::/48"] } }));
    }
    rules.extend(["Log", "Deny"].map(|action| json!({ "action": action, "protocol": "TCP" })));
    let spec = json!({
        "selector": "has(perimeter)", "order": 20, "preDNAT": true, "applyOnForward": true, "types": ["Ingress"],
        "ingress": rules,
    });
    world.push(global_policy("perimeter", spec));
    world
}
