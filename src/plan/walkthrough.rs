//! The walkthrough's cluster, from its first policy to its last grant, as plans.
//! Never writes.

use super::grant::allow;
use super::lockdown::{self, lockdown};
use super::testing::{allowed, ask, locked, notes, passes, steps};
use crate::model::world::World;

const FILES: [&str; 9] = [
    include_str!("../../examples/platform9/nodes.yaml"),
    include_str!("../../examples/platform9/namespaces.yaml"),
    include_str!("../../examples/platform9/kubernetes.yaml"),
    include_str!("../../examples/platform9/kube-system.yaml"),
    include_str!("../../examples/platform9/calico.yaml"),
    include_str!("../../examples/platform9/advanced-policy-demo.yaml"),
    include_str!("../../examples/platform9/kyverno.yaml"),
    include_str!("../../examples/platform9/metallb.yaml"),
    include_str!("../../examples/platform9/platform.yaml"),
];

fn platform9() -> World {
    let text = FILES.join("\n---\n");
    let read = |document: &&str| !document.contains("\nkind: KubeControllersConfiguration");
    let documents: Vec<&str> = text.split("\n---\n").filter(read).collect();
    crate::testing::world(&documents.join("\n---\n"))
}

#[test]
fn show() {
    let world = platform9();
    let (plan, after) = locked(&world);
    println!("{}\n{:#?}\n{}", plan.title, plan.steps, notes(&plan));
    for (from, to) in [
        ("10.7.0.99", "nginx"),
        ("advanced-policy-demo/access", "nginx"),
        ("advanced-policy-demo/access", "world 443"),
        ("nodes", "nginx"),
    ] {
        match allow(&after, &ask(from, to)) {
            Ok(plan) => println!("\n{}\n{:?}\n{}", plan.title, steps(&plan), notes(&plan)),
            Err(error) => println!("{error:?}"),
        }
    }
}
