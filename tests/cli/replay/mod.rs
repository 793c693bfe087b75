//! The article from its start to its end, scene by scene, on its own cluster and on clusters that differ in one thing.
//! Never knows a cluster, and never takes what must pass from what the program did: the article and Calico's documented
//! semantics say it.

mod edits;
mod families;
mod strict;
mod variants;

use super::Lab;
use super::exposing::NODES;
use families::Family;
use variants::{VARIANTS, Variant};

/// A pod of kube-system, which no lockdown closes, with the labels of the article's host endpoints and of our set.
const IMPOSTOR: &str = "kube-system/impostor";

/// The article's end state, in commands; none is followed by an edit by hand.
fn commands(variant: &Variant) -> Vec<String> {
    let clients = variant.family.both("--from", "10.7.0.99");
    let number = if variant.has_door { "" } else { " --node-port 32127" };
    let advertise = match variant.is_advertised {
        true => String::new(),
        false => " --advertise cluster --peer 10.128.147.141 --peer-as 65531".into(),
    };
    let fabric = variant.family.both("--from", "10.30.0.0/16");
    let lines = [
        "lockdown".to_string(),
        "allow --from access --to nginx".into(),
        "allow --from access --to world --port any".into(),
        format!("expose-nodeport nginx {clients}{number}"),
        format!("expose-lb nginx {} --address 10.128.146.112", variant.family.first("--from 10.7.0.99")),
        format!("bgp-allow bgp-demo/storefront {fabric}{advertise}"),
    ];
    lines.into_iter().map(|line| variant.family.first(&line)).collect()
}

/// Who reaches what at the end, by the article: client, target, and the node where it enters if the target does not say.
fn must_pass(variant: &Variant) -> Vec<(String, String)> {
    let mut flows: Vec<(String, String)> = Vec::new();
    let mut add = |from: &str, to: String| flows.push((from.to_string(), to));
    add("access", "nginx".into());
    for spell in variant.family.spells() {
        add("access", spell("142.250.64.110:80"));
        for node in variant.serving() {
            add(&spell("10.7.0.99"), spell(&format!("{node}:32127")));
        }
        // A cluster address is answered by every node, whatever externalTrafficPolicy says.
        for node in NODES {
            add(&spell("10.30.1.1"), format!("{} --entry {node}", spell("10.21.172.202:80")));
        }
    }
    let spell = variant.family.spells()[0];
    for node in variant.serving() {
        add(&spell("10.7.0.99"), format!("{} --entry {node}", spell("10.128.146.112:80")));
    }
    // What was open and is nobody's business here: DNS, the API server, a door in a namespace that is left out.
    add("access", "kube-system/kube-dns --protocol udp".into());
    add(&spell("203.0.113.9"), spell("10.128.146.177:443"));
    add(&spell("203.0.113.9"), spell("10.128.147.68:32443"));
    flows
}

/// The neighbours: one thing is another than in what was asked.
fn must_not_pass(variant: &Variant) -> Vec<(String, String)> {
    let mut flows: Vec<(String, String)> = Vec::new();
    let mut add = |from: &str, to: String| flows.push((from.to_string(), to));
    for spell in variant.family.spells() {
        let client = spell("10.7.0.99");
        for node in NODES {
            add(&spell("10.7.0.98"), spell(&format!("{node}:32127")));
            add(&spell("10.30.1.1"), spell(&format!("{node}:32500")));
        }
        add(&client, spell("10.128.146.177:32128"));
        add(&client, spell("10.128.147.102:32500"));
        add(&client, spell("10.21.172.202:80"));
        add(&client, spell("10.20.103.141:8080"));
        add(&client, spell(&format!("{}:81", variant.pod())));
        add(&spell("10.7.0.98"), spell(&format!("{}:80", variant.pod())));
        add(&spell("10.31.0.1"), spell("10.21.172.202:80"));
        add(&spell("10.30.1.1"), spell("10.21.172.202:81"));
        add(&spell("10.30.1.1"), spell("10.21.250.63:80"));
        add(&spell("10.30.1.1"), spell("10.128.147.102:32127"));
    }
    let spell = variant.family.spells()[0];
    for node in NODES {
        add(&spell("10.7.0.98"), format!("{} --entry {node}", spell("10.128.146.112:80")));
    }
    add(&spell("10.7.0.99"), spell("10.128.146.112:81"));
    add(&spell("10.7.0.99"), spell("10.128.146.113:80"));
    // Inside: nobody became a friend of nginx but the pod that was named.
    for pod in [IMPOSTOR, "bgp-demo/deployment/storefront", "kube-system/deployment/coredns"] {
        add(pod, "nginx".into());
    }
    add("access", "bgp-demo/storefront".into());
    flows
}

/// Of the neighbours every variant tries a third, so that three in a row try all.
const SHARE: usize = 3;

fn replay(turn: usize, variant: &Variant) {
    let lab = Lab::platform9();
    variant.prepare(&lab);
    let commands = commands(variant);
    assert!(commands.len() <= 6);
    for line in &commands {
        lab.done(line);
    }
    let mut wrong = Vec::new();
    for (from, to) in must_pass(variant) {
        let verdict = lab.verdict(&from, &to);
        if verdict != "allow" {
            wrong.push(format!("{verdict}, and must pass: {from} -> {to}"));
        }
    }
    let neighbours = must_not_pass(variant).into_iter().enumerate();
    for (_, (from, to)) in neighbours.filter(|(index, _)| turn == 0 || (index + turn).is_multiple_of(SHARE)) {
        let verdict = lab.verdict(&from, &to);
        if !["deny", "unknown"].contains(&verdict.as_str()) {
            wrong.push(format!("{verdict}, and must not: {from} -> {to}"));
        }
    }
    for line in commands[1..].iter().skip(turn % SHARE).step_by(SHARE) {
        let again = lab.run(&format!("{} --yes", without_choices(line)));
        if !again.starts_with("exit 0\n") || !again.contains("nothing to do") {
            wrong.push(format!("is not done, as it says: {line}: {again}"));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", variant.name, wrong.join("\n"));
}

/// The command once more: what it chose the first time is there by now.
fn without_choices(line: &str) -> String {
    let (line, _) = line.split_once(" --advertise").unwrap_or((line, ""));
    line.split(" --node-port").next().unwrap_or(line).split(" --address").next().unwrap_or(line).to_string()
}

/// Two at a time, as the machine may have no more processors; every one that fails is told.
fn all(variants: &[(usize, &Variant)]) {
    assert!(!variants.is_empty());
    let failed: Vec<String> = std::thread::scope(|scope| {
        let run = |half: &[(usize, &Variant)]| {
            let one = |(turn, variant): &(usize, &Variant)| {
                let result = std::panic::catch_unwind(|| replay(*turn, variant)).err()?;
                Some(result.downcast_ref::<String>().cloned().unwrap_or_else(|| variant.name.to_string()))
            };
            half.iter().filter_map(one).collect::<Vec<String>>()
        };
        let halves = variants.chunks(variants.len().div_ceil(2));
        let threads: Vec<_> = halves.map(|half| scope.spawn(move || run(half))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{} of {} variants failed:\n{}", failed.len(), variants.len(), failed.join("\n\n"));
}

fn of_family(is: impl Fn(Family) -> bool) -> Vec<(usize, &'static Variant)> {
    VARIANTS.iter().filter(|variant| is(variant.family)).enumerate().collect()
}

#[test]
fn the_articles_end_state_is_six_commands_away_on_ipv4_of_every_wire() {
    all(&of_family(|family| family == Family::Four));
}

#[test]
fn the_articles_end_state_is_six_commands_away_on_ipv6_and_dual_stack() {
    all(&of_family(|family| family != Family::Four));
}
