//! The way back from a lockdown.
//! Never looks at how it was made.

use super::super::testing::{DENY, allowed, cluster, locked, notes, passes, said, steps};
use super::*;

#[test]
fn the_lockdown_goes_first_and_grants_stay() {
    let (_, closed) = locked(&cluster(""));
    let (_, granted) = allowed(&closed, "10.7.0.99", "nginx");
    let plan = unlock(&granted, None).unwrap();
    assert_eq!(steps(&plan), ["GlobalNetworkPolicy deny-app-policy"]);
    let open = simulate(&granted, &plan.steps).unwrap();
    assert!(passes(&open, "10.7.0.99 -> 10.20.40.90 tcp:80"));
    assert!(passes(&open, "10.7.0.98 -> 10.20.112.30 tcp:8080"));
    assert!(notes(&plan).contains("stay closed"), "{}", notes(&plan));
    assert_eq!(unlock(&open, None).unwrap().steps, []);
}

#[test]
fn what_a_person_wrote_is_deleted_only_by_name() {
    let world = cluster(DENY);
    let error = unlock(&world, None).unwrap_err();
    assert!(said(&error).contains("unlock --name deny-app-policy"), "{error:?}");
    let plan = unlock(&world, Some("deny-app-policy")).unwrap();
    assert_eq!(steps(&plan), ["GlobalNetworkPolicy deny-app-policy"]);
    assert!(matches!(unlock(&world, Some("x")), Err(PlanError::Unresolved { .. })));
}

#[test]
fn pods_that_grants_keep_closed_and_that_lose_dns_with_the_lockdown_are_said() {
    let (_, closed) = locked(&cluster(""));
    let (_, granted) = allowed(&closed, "demo/nginx", "10.7.0.99 443");
    assert!(passes(&granted, "10.20.40.90 -> 10.20.112.10 udp:53"));
    let plan = unlock(&granted, None).unwrap();
    let open = simulate(&granted, &plan.steps).unwrap();
    assert!(
        !passes(&open, "10.20.40.90 -> 10.20.112.10 udp:53"),
        "its grant polices its egress, and has no rule for DNS"
    );
    assert!(
        notes(&plan).contains("asks DNS (kube-system/coredns-1) (10.20.40.90 -> 10.20.112.10 UDP:53), and 1 more"),
        "{}",
        notes(&plan)
    );
}
