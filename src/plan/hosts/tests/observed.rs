//! The lock of the nodes on trial: no verdict changes at any checkpoint, and what is promoted is the lock itself.
//! Never writes.

use super::super::super::lockdown;
use super::super::super::perimeter::standing::{Closes, standing};
use super::super::super::simulate::document;
use super::super::super::staged::logging::Logging;
use super::super::super::staged::promote::promote_all;
use super::super::super::staged::{self, Standing};
use super::*;

const POLICY: &str = "GlobalNetworkPolicy zerotrust-perimeter-observing";

fn observed(world: &World, ask: &Ask) -> (Plan, World) {
    let plan =
        staged::nodes::observe(world, ask, &Logging::default()).unwrap_or_else(|error| panic!("{}", said(&error)));
    let after = simulate(world, &plan.steps).unwrap();
    (plan, after)
}

fn promoted(world: &World) -> (Plan, World) {
    let plan = promote_all(world, &lockdown::Ask::default(), &Ask::default());
    let plan = plan.unwrap_or_else(|error| panic!("{}", said(&error)));
    let after = simulate(world, &plan.steps).unwrap();
    (plan, after)
}

const FLOWS: [&str; 12] = [
    "203.0.113.9 -> 192.0.2.11 tcp:22",
    "203.0.113.9 -> 192.0.2.11 tcp:10250",
    "203.0.113.9 -> 192.0.2.12 udp:5353",
    "203.0.113.9 -> 192.0.2.12 tcp:30080",
    "203.0.113.9 -> 192.0.2.11 tcp:443",
    "203.0.113.9 -> 192.0.2.11 icmp",
    "203.0.113.9 -> 10.20.2.20 tcp:8080",
    "192.0.2.12 -> 192.0.2.11 tcp:10250",
    "10.20.2.20 -> 192.0.2.11 tcp:10250",
    "192.0.2.11 -> 203.0.113.9 tcp:443",
    "10.20.1.40 -> 203.0.113.9 tcp:443",
    "10.9.0.7 -> 192.0.2.11 tcp:6443",
];

/// An administrator's own policies of hosts: one that denies behind what nobody allowed before DNAT, one before it.
const THEIRS: &str = r#"
{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {name: n1-eth0, labels: {edge: "yes"}}, spec: {node: n1, interfaceName: eth0, expectedIPs: [192.0.2.11], profiles: [projectcalico-default-allow]}}
---
{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: theirs}, spec: {order: 5, selector: has(edge), types: [Ingress], ingress: [{action: Deny, protocol: TCP, destination: {ports: [10250]}}, {action: Allow}]}}
---
{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: zz-last}, spec: {selector: has(edge), preDNAT: true, applyOnForward: true, types: [Ingress], ingress: [{action: Deny, protocol: UDP, destination: {ports: [5353]}}]}}
---
"#;

#[test]
fn observing_changes_nothing_at_any_node() {
    for more in ["", THEIRS] {
        let world = cluster(more);
        let (plan, after) = observed(&world, &asking(&["10.9.0.0/24"], &["8443"]));
        assert!(steps(&plan).contains(&POLICY.to_string()), "{:?}", steps(&plan));
        for done in 1..=plan.steps.len() {
            let between = simulate(&world, &plan.steps[..done]).unwrap();
            for flow in FLOWS {
                assert_eq!(verdict(&between, flow), verdict(&world, flow), "{flow} after {done} steps");
            }
        }
        assert_eq!(standing(&after).closes, Closes::Nothing);
        assert_eq!(observed(&after, &asking(&["10.9.0.0/24"], &["8443"])).0.steps, [], "twice it writes nothing");
        // Where a policy without an order may come behind ours, nothing may leave the tier before it.
        let passes = staged::of_nodes(&after).unwrap().ingress.iter().flatten();
        let passes = passes.filter(|rule| rule.action == crate::model::policy::RuleAction::Pass).count();
        assert_eq!(passes == 0, more == THEIRS);
    }
}

#[test]
fn what_is_promoted_is_the_lock_of_the_nodes() {
    let world = cluster("");
    let ask = asking(&["10.9.0.0/24"], &["8443"]);
    let (_, direct) = locked(&world, &ask);
    let (plan, after) = promoted(&observed(&world, &ask).1);
    assert_eq!(steps(&plan).last().map(String::as_str), Some(POLICY), "what observed goes last");
    let policies = |world: &World| -> Vec<String> {
        world.written.iter().map(|(id, written)| document(id, written).to_string()).collect()
    };
    assert_eq!(policies(&after), policies(&direct));
    assert_eq!(Standing::of(&after), None);
    assert!(stopped_at_the_edge(&after, "203.0.113.9 -> 192.0.2.11 tcp:10250"));
    assert_eq!(verdict(&after, "10.9.0.7 -> 192.0.2.11 tcp:10250"), Verdict::Allow);
    // What it will be is known before, for those who ask what a log line means.
    let foreseen = staged::promoted(&observed(&world, &ask).1).unwrap().unwrap();
    for flow in FLOWS {
        assert_eq!(verdict(&foreseen, flow), verdict(&after, flow), "{flow}");
    }
}

#[test]
fn a_trial_of_the_nodes_goes_without_a_trace() {
    let world = cluster("");
    let (_, after) = observed(&world, &Ask::default());
    let plan = lower::unlock(&after).unwrap();
    assert_eq!(steps(&plan)[0], POLICY);
    let back = simulate(&after, &plan.steps).unwrap();
    assert_eq!((back.host_endpoints.len(), back.written.len()), (world.host_endpoints.len(), world.written.len()));
}

#[test]
fn a_perimeter_that_stands_goes_on_deciding_and_the_nodes_are_observed_behind_it() {
    let world = exposed(&cluster(""), "shop/web", "203.0.113.50");
    let (_, after) = observed(&world, &Ask::default());
    let open = ["203.0.113.50 -> 192.0.2.12 tcp:30080", "203.0.113.9 -> 192.0.2.11 tcp:10250"];
    for flow in FLOWS.iter().chain(&open) {
        assert_eq!(verdict(&after, flow), verdict(&world, flow), "{flow}");
    }
    assert_eq!(standing(&after).closes, Closes::Doors);
    let (_, end) = promoted(&after);
    assert_eq!(standing(&end).closes, Closes::Nodes);
    assert_eq!(verdict(&end, open[0]), Verdict::Allow);
    assert!(stopped_at_the_edge(&end, open[1]));
}
