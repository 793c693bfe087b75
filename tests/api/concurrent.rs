//! Several operators at once on one policy: nobody's grant is lost.
//! Never waits for a time, only for processes.

use std::collections::BTreeSet;

use crate::cluster::{Cluster, assert_succeeded};

#[test]
fn five_hundred_allows_of_eight_processes_lose_nothing() {
    const PROCESSES: u8 = 8;
    const GRANTS: usize = 500;
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    std::thread::scope(|scope| {
        for process in 0..PROCESSES {
            let cluster = &cluster;
            scope.spawn(move || {
                for number in (usize::from(process)..GRANTS).step_by(usize::from(PROCESSES)) {
                    let from = address(number);
                    let output = cluster.plugin(&["allow", "--from", &from, "--to", "nginx", "--yes"]);
                    assert_succeeded(&output);
                }
            });
        }
    });
    let policies = cluster.calico(&["networkpolicy", "--namespace=advanced-policy-demo"]);
    let policies = policies["items"].as_array().expect("a list");
    assert_eq!(policies.len(), 1, "one target, one policy");
    let rules = policies[0]["spec"]["ingress"].as_array().expect("rules");
    let found: Vec<&str> = rules.iter().filter_map(|rule| rule["source"]["nets"][0].as_str()).collect();
    let expected: BTreeSet<String> = (0..GRANTS).map(|number| format!("{}/32", address(number))).collect();
    assert_eq!(found.len(), GRANTS, "none twice");
    assert_eq!(found.into_iter().map(str::to_string).collect::<BTreeSet<_>>(), expected, "none lost");
    let annotations = policies[0]["metadata"]["annotations"].as_object().expect("annotations");
    assert_eq!(annotations.keys().filter(|key| key.starts_with("kubectl-zerotrust/grant-")).count(), GRANTS);
}

#[test]
fn another_operators_rule_stays() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    let policies = cluster.stored(&["networkpolicies.crd.projectcalico.org", "--namespace=advanced-policy-demo"]);
    let name = policies["items"][0]["metadata"]["name"].as_str().expect("a name").to_string();
    let patch = r#"[{"op": "add", "path": "/spec/ingress/0", "value": {"action": "Allow", "protocol": "TCP",
        "source": {"nets": ["198.51.100.7/32"]}}}]"#;
    let object = format!("networkpolicies.crd.projectcalico.org/{name}");
    let namespace = "--namespace=advanced-policy-demo";
    assert_succeeded(&cluster.plane.kubectl(["patch", namespace, &object, "--type=json", "--patch", patch]));
    cluster.done(&["allow", "--from", "10.7.0.98", "--to", "nginx", "--yes"]);
    cluster.done(&["revoke", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    let rules = cluster.stored(&[namespace, &object])["spec"]["ingress"].clone();
    let nets: Vec<_> = rules.as_array().expect("rules").iter().map(|rule| rule["source"]["nets"][0].clone()).collect();
    assert_eq!(nets, ["198.51.100.7/32", "10.7.0.98/32"]);
}

fn address(number: usize) -> String {
    format!("10.7.{}.{}", number / 250, number % 250 + 1)
}
