//! Assertions on the walkthrough's cluster, locked and not.
//! Never looks at how they are judged: expected is what the policies of the cluster say, worked out by hand.

use serde_json::json;

use super::*;
use crate::model::world::{Gap, Hidden};
use crate::plan::testing::{DENY, cluster};

/// Whether each assertion of an item holds, and why or why not.
fn held(world: &World, item: serde_json::Value) -> Vec<(Held, Option<Verdict>, String)> {
    let assertions = read("t.yaml", vec![(1, item)], None).unwrap();
    let judged = judge(world, &assertions);
    judged.into_iter().map(|one| (one.held, one.verdict, one.why.unwrap_or_default())).collect()
}

/// deny-app-policy locks demo and shop both ways but for DNS over UDP.
#[test]
fn what_passes_and_what_is_stopped_are_told_with_who_decides() {
    let world = cluster(DENY);
    let dns = held(&world, json!({"from": "demo/access", "to": "kube-system/kube-dns", "allow": ["udp/53"]}));
    assert_eq!((dns[0].0, dns[0].1), (Held::Yes, Some(Verdict::Allow)));
    let pods = held(&world, json!({"from": "demo/access", "allow": ["demo/nginx:80"], "deny": ["demo/nginx:80"]}));
    assert_eq!((pods[0].0, pods[0].1), (Held::No, Some(Verdict::Deny)));
    assert!(pods[0].2.contains("deny-app-policy"), "{}", pods[0].2);
    assert_eq!((pods[1].0, pods[1].1), (Held::Yes, Some(Verdict::Deny)));
    // Without the lockdown no policy selects them, and the namespace's profile allows all.
    let open = held(&cluster(""), json!({"from": "demo/access", "deny": ["demo/nginx:80"]}));
    assert_eq!((open[0].0, open[0].1), (Held::No, Some(Verdict::Allow)));
    assert!(open[0].2.contains("profile kns.demo"), "{}", open[0].2);
}

#[test]
fn a_name_that_does_not_resolve_fails_whatever_was_wanted() {
    let world = cluster(DENY);
    for list in ["allow", "deny"] {
        let missing = held(&world, json!({"from": "demo/nobody", list: ["demo/nginx:80"]}));
        assert_eq!((missing[0].0, missing[0].1), (Held::No, None));
        assert!(missing[0].2.contains("nobody"), "{}", missing[0].2);
    }
}

#[test]
fn what_cannot_be_told_does_not_pass() {
    let mut world = cluster(DENY);
    world.gaps.push(Gap {
        hides: Hidden::Policies,
        namespace: None,
        place: "policies.yaml:1".into(),
        reason: "it ends in the middle".into(),
    });
    let hidden = held(&world, json!({"from": "demo/access", "to": "kube-system/kube-dns", "allow": ["udp/53"]}));
    assert_eq!((hidden[0].0, hidden[0].1), (Held::Unknown, Some(Verdict::Unknown)));
    assert_eq!(worst(&judge(&world, &[])), Held::Yes);
}
