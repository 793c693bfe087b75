//! What a command asks of the API server: only what the question needs.
//! Counted by the server's own audit log.

use crate::cluster::Cluster;

#[test]
fn allow_reads_only_what_it_needs() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    let before = cluster.plane.audit().len();
    cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    let events: Vec<_> = cluster.plane.audit().split_off(before);
    let ours: Vec<_> = events.iter().filter(|event| event.user_agent.starts_with("kubectl-zerotrust/")).collect();
    let shown: Vec<String> = ours.iter().map(|event| format!("{} {}", event.verb, event.uri)).collect();
    assert!(!ours.is_empty(), "the plugin says who it is");
    for event in &ours {
        let path = event.uri.split('?').next().unwrap_or_default();
        let all_pods = path == "/api/v1/pods" && !event.uri.contains("Selector=");
        assert!(!all_pods, "never all pods of a cluster:\n{}", shown.join("\n"));
    }
    let writes = ours.iter().filter(|event| ["create", "update", "patch", "delete"].contains(&event.verb.as_str()));
    let policies = writes.clone().filter(|event| event.uri.contains("projectcalico.org")).count();
    assert_eq!(policies, 1, "one object, one write:\n{}", shown.join("\n"));
    assert_eq!(writes.filter(|event| event.uri.contains("configmaps")).count(), 2, "the record: begun, finished");
    // What the writes take is asked for all at once: the record made, finished and removed, and the policy.
    let reviews = ours.iter().filter(|event| event.uri.contains("selfsubjectaccessreviews")).count();
    assert_eq!(reviews, 4, "{}", shown.join("\n"));
    let others = ours.len() - reviews;
    assert!(others <= 30, "{others} requests:\n{}", shown.join("\n"));
}
