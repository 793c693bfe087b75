//! What `apply` promises: when it returns, every node enforces the new world and nothing of the former one.
//! Never sends a packet twice, as a second round would hide a delay of the first.

use serde_json::{Value, json};

use super::flows::wrong_at_once;
use super::lab::Lab;
use super::topology::{Encapsulation, Mode, Proxy};

const CALICO: &str = "crd.projectcalico.org/v1";

/// Enough policies for what decides to come late, and a set that it needs. In every other world only the pods of the set may
/// reach the database, and in the others only the others.
fn world(turn: usize) -> Vec<Value> {
    let filler = (0..30).map(|number| {
        let rules: Vec<Value> = (0..4)
            .map(
                |rule| json!({ "action": "Deny", "source": { "nets": [format!("192.0.2.{}/32", number * 4 + rule)] } }),
            )
            .collect();
        json!({
            "apiVersion": CALICO, "kind": "GlobalNetworkPolicy",
            "metadata": { "name": format!("default.filler-{turn}-{number}") },
            "spec": { "order": 1, "selector": "has(app)", "types": ["Ingress"], "ingress": rules },
        })
    });
    let (inside, outside) = if turn.is_multiple_of(2) { ("Allow", "Deny") } else { ("Deny", "Allow") };
    let set = json!({
        "apiVersion": CALICO, "kind": "NetworkSet",
        "metadata": { "namespace": "shop", "name": format!("friends-{turn}"), "labels": { "friends": "yes" } },
        "spec": { "nets": ["10.20.1.10/32", "10.20.2.20/32"] },
    });
    let rules = json!([
        { "action": inside, "source": { "selector": "friends == 'yes'" } },
        { "action": outside },
    ]);
    let policy = json!({
        "apiVersion": CALICO, "kind": "NetworkPolicy",
        "metadata": { "namespace": "shop", "name": "default.database" },
        "spec": { "order": 2, "selector": "app == 'db'", "types": ["Ingress"], "ingress": rules },
    });
    let mut world: Vec<Value> = filler.collect();
    world.extend([set, policy]);
    world
}

#[test]
fn a_world_is_enforced_when_apply_returns() {
    let mut lab =
        Lab::start(Mode { encapsulation: Encapsulation::Direct, proxy: Proxy::Iptables, dual: false, nodes: 2 });
    let mut wrong = Vec::new();
    for turn in 0..12 {
        lab.apply(&world(turn));
        let (friends, others) = if turn.is_multiple_of(2) { ("allow", "drop") } else { ("drop", "allow") };
        let lines = [
            format!("shop/web-1 -> shop/db-1 tcp:5432 = {friends}"),
            format!("policy-demo/access1 -> shop/db-1 tcp:5432 = {friends}"),
            format!("shop/api-1 -> shop/db-1 tcp:5432 = {others}"),
            format!("shop/bare -> shop/db-1 tcp:5432 = {others}"),
            format!("n1 -> shop/db-1 tcp:5432 = {others}"),
        ];
        wrong.extend(wrong_at_once(&mut lab, &lines).into_iter().map(|line| format!("turn {turn}: {line}")));
    }
    // Nothing of the last world stays when it goes.
    lab.apply(&[]);
    let free = ["shop/web-1", "shop/api-1", "n1"].map(|from| format!("{from} -> shop/db-1 tcp:5432 = allow"));
    wrong.extend(wrong_at_once(&mut lab, &free));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
