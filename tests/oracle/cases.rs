//! What Calico's validator is asked by Calico's own tests, asked again of both. The questions come out of Calico's Go module
//! when the test runs; none of them is kept here.
//! Never says what Calico refuses: its validator does.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::objects::{Tally, object};
use super::support::{Oracle, recorded_cases};

/// An object that a recorded part makes, where it is one that an object can be made of.
fn objects_of(recorded: &str, input: &Value) -> Vec<Value> {
    let name = recorded.trim_start_matches('*').trim_start_matches("v3.");
    let named = || json!({ "name": "a" });
    let rule = |rule: &Value| {
        ["ingress", "egress"]
            .into_iter()
            .flat_map(|direction| {
                ["GlobalNetworkPolicy", "NetworkPolicy"].map(|kind| object(kind, named(), json!({ direction: [rule] })))
            })
            .collect()
    };
    let controllers = |name: &str, input: &Value| {
        vec![object("KubeControllersConfiguration", named(), json!({ "controllers": { name: input } }))]
    };
    match name {
        "GlobalNetworkPolicy"
        | "NetworkPolicy"
        | "GlobalNetworkSet"
        | "NetworkSet"
        | "HostEndpoint"
        | "IPPool"
        | "BGPConfiguration"
        | "BGPPeer"
        | "FelixConfiguration"
        | "Profile"
        | "ClusterInformation"
        | "KubeControllersConfiguration" => {
            vec![object(name, input["metadata"].clone(), input["spec"].clone())]
        }
        "GlobalNetworkPolicySpec"
        | "NetworkPolicySpec"
        | "GlobalNetworkSetSpec"
        | "NetworkSetSpec"
        | "HostEndpointSpec"
        | "IPPoolSpec"
        | "BGPConfigurationSpec"
        | "BGPPeerSpec"
        | "FelixConfigurationSpec"
        | "ProfileSpec"
        | "ClusterInformationSpec"
        | "KubeControllersConfigurationSpec" => {
            vec![object(name.trim_end_matches("Spec"), named(), input.clone())]
        }
        "NodeControllerConfig" => controllers("node", input),
        "PolicyControllerConfig" => controllers("policy", input),
        "WorkloadEndpointControllerConfig" => controllers("workloadEndpoint", input),
        "ServiceAccountControllerConfig" => controllers("serviceAccount", input),
        "NamespaceControllerConfig" => controllers("namespace", input),
        "numorstring.Protocol" => rule(&json!({ "action": "Allow", "protocol": input })),
        "Rule" => rule(input),
        "EntityRule" => {
            let ends = ["source", "destination"];
            ends.into_iter()
                .flat_map(|end| rule(&json!({ "action": "Allow", "protocol": "TCP", end: input })))
                .collect()
        }
        "ICMPFields" => rule(&json!({ "action": "Allow", "protocol": "ICMP", "icmp": input })),
        "HTTPMatch" => rule(&json!({ "action": "Allow", "http": input })),
        "RuleMetadata" => rule(&json!({ "action": "Allow", "metadata": input })),
        "EndpointPort" => {
            vec![object("HostEndpoint", named(), json!({ "node": "n", "interfaceName": "*", "ports": [input] }))]
        }
        "ProtoPort" => vec![object("FelixConfiguration", named(), json!({ "failsafeInboundHostPorts": [input] }))],
        "RouteTableRange" => vec![object("FelixConfiguration", named(), json!({ "routeTableRange": input }))],
        "RouteTableIDRange" => vec![object("FelixConfiguration", named(), json!({ "routeTableRanges": [input] }))],
        "HealthTimeoutOverride" => {
            vec![object("FelixConfiguration", named(), json!({ "healthTimeoutOverrides": [input] }))]
        }
        "ObjectMeta" => vec![object("HostEndpoint", input.clone(), json!({ "node": "n", "interfaceName": "*" }))],
        _ => Vec::new(),
    }
}

#[test]
fn calicos_own_cases_are_judged_as_calico_judges_them() {
    let text = fs::read_to_string(recorded_cases()).expect("read the recorded cases");
    let mut oracle = Oracle::start();
    let mut tally = Tally::default();
    let (mut cases, mut used, mut unwritable): (usize, usize, usize) = (0, 0, 0);
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).expect("a recorded case is JSON");
        let recorded = case["type"].as_str().expect("a recorded case has a type");
        let objects = objects_of(recorded, &case["input"]);
        cases += 1;
        if case["unwritable"] == true {
            unwritable += 1;
            continue;
        }
        match objects.is_empty() {
            true => *left.entry(recorded.to_string()).or_default() += 1,
            false => used += 1,
        }
        objects.iter().for_each(|object| tally.judge(&mut oracle, object));
    }
    println!("{used} of {cases} cases of Calico's own tests; {unwritable} are no JSON; of other kinds: {left:?}");
    tally.assert_same("Calico's own cases");
    assert!(used > 400 && tally.refused > 200, "{used} used, {} refused", tally.refused);
}
