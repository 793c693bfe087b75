//! Grants taken back: nothing is left, and nothing opens.
//! Never looks at how a grant was made.

use proptest::prelude::*;

use super::super::testing::{DENY, allowed, cluster, locked, notes, passes, policies, said, steps};
use super::super::unlock::unlock;
use super::*;
use crate::model::moment::Moment;
use crate::plan::simulate::simulate as after;
use crate::plan::sync::sync_at;

fn flow(from: &str, to: &str) -> Which {
    Which::Flow { from: Target::parse(from, None).unwrap(), to: Target::parse(to, None).unwrap(), ports: None }
}

fn revoked(world: &World, which: &Which) -> (Plan, World) {
    let plan = revoke(world, which).unwrap();
    let world = after(world, &plan.steps).unwrap();
    (plan, world)
}

#[test]
fn revoke_takes_back_exactly_what_allow_did() {
    let world = cluster(DENY);
    let (_, granted) = allowed(&world, "demo/access", "nginx");
    let id = grants(&granted)[0].id.clone();
    for which in [
        Which::Id(id.clone()),
        Which::Id(id[..4].into()),
        flow("demo/access", "nginx"),
        flow("pod/access", "demo/service/nginx"),
    ] {
        let (plan, back) = revoked(&granted, &which);
        assert_eq!(policies(&back), policies(&world));
        let [first, second, third] = &plan.steps[..] else { panic!("{:?}", steps(&plan)) };
        assert!(first.object == third.object && first.object != second.object, "{:?}", steps(&plan));
        assert!(plan.title.contains(&id));
    }
}

/// Killed after any of its writes, it leaves a cluster that says so, and that the same command or `sync` brings to the end.
#[test]
fn what_is_half_revoked_says_so_and_is_finished() {
    let world = cluster(DENY);
    let (_, granted) = allowed(&world, "demo/access", "nginx");
    let plan = revoke(&granted, &flow("demo/access", "nginx")).unwrap();
    let now: Moment = "2026-11-23T12:00:00Z".to_string().try_into().unwrap();
    for written in 1..plan.steps.len() {
        let half = after(&granted, &plan.steps[..written]).unwrap();
        assert_eq!(grants(&half), [], "it stands no more");
        assert_eq!(orphans(&half).iter().map(|found| found.code.code).collect::<Vec<_>>(), ["ZT0304"]);
        let (_, back) = revoked(&half, &flow("demo/access", "nginx"));
        assert_eq!(policies(&back), policies(&world), "after {written} writes");
        let synced = sync_at(&half, &[], now).unwrap();
        assert_eq!(policies(&after(&half, &synced.plan.steps).unwrap()), policies(&world), "after {written} writes");
        let (_, again) = allowed(&half, "demo/access", "nginx");
        assert_eq!(half_revoked(&again), [], "it was made again");
        assert!(sync_at(&again, &[], now).unwrap().plan.steps.is_empty());
        let (_, gone) = revoked(&again, &flow("demo/access", "nginx"));
        assert_eq!(policies(&gone), policies(&world), "after {written} writes, made again and revoked");
    }
}

#[test]
fn other_grants_in_the_same_policy_stay() {
    let world = cluster(DENY);
    let (_, one) = allowed(&world, "10.7.0.99", "nginx");
    let (_, two) = allowed(&one, "10.7.0.98", "nginx");
    let (_, back) = revoked(&two, &flow("10.7.0.98", "nginx"));
    assert_eq!(policies(&back), policies(&one));
    assert!(passes(&back, "10.7.0.99 -> 10.20.40.90 tcp:80"));
    assert!(!passes(&back, "10.7.0.98 -> 10.20.40.90 tcp:80"));
}

#[test]
fn the_last_policy_of_a_pod_stays_as_deleting_it_would_open_the_pod() {
    let (_, closed) = locked(&cluster(""));
    let (_, granted) = allowed(&closed, "10.7.0.99", "nginx");
    let open = after(&granted, &unlock(&granted, None).unwrap().steps).unwrap();
    assert!(!passes(&open, "10.7.0.98 -> 10.20.40.90 tcp:80"), "the grant's policy closes its pods");
    let (plan, back) = revoked(&open, &flow("10.7.0.99", "nginx"));
    assert!(notes(&plan).contains("stays, without rules"), "{}", notes(&plan));
    assert!(!passes(&back, "10.7.0.99 -> 10.20.40.90 tcp:80"));
    assert!(!passes(&back, "10.7.0.98 -> 10.20.40.90 tcp:80"));
    let (_, away) = revoked(&granted, &flow("10.7.0.99", "nginx"));
    assert_eq!(policies(&away), policies(&closed));
}

#[test]
fn a_policy_by_hand_keeps_what_its_author_wrote() {
    let by_hand = r#"
kind: NetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {name: web, namespace: demo}
spec: {selector: app == 'nginx', types: [Ingress]}
---
"#;
    let world = cluster(&format!("{DENY}{by_hand}"));
    let (_, granted) = allowed(&world, "10.7.0.99", "nginx");
    assert_eq!(steps(&allowed(&world, "10.7.0.99", "nginx").0), ["NetworkPolicy demo/web"]);
    let (_, back) = revoked(&granted, &flow("10.7.0.99", "nginx"));
    assert_eq!(policies(&back), policies(&world));
}

#[test]
fn what_does_not_exist_is_answered_with_what_does() {
    let world = cluster(DENY);
    let error = revoke(&world, &Which::Id("abc".into())).unwrap_err();
    assert!(said(&error).contains("there are no grants"));
    let (_, granted) = allowed(&world, "10.7.0.99", "nginx");
    let error = revoke(&granted, &flow("10.7.0.1", "nginx")).unwrap_err();
    assert!(said(&error).contains("10.7.0.99 -> demo/service/nginx (TCP:80)"), "{error:?}");
}

#[test]
fn a_grant_can_be_revoked_after_its_target_is_gone() {
    let (_, mut granted) = allowed(&cluster(DENY), "10.7.0.99", "nginx");
    granted.services.clear();
    granted.workloads.clear();
    granted.pods.retain(|pod| pod.namespace != "demo");
    granted.index();
    let (plan, back) = revoked(&granted, &flow("10.7.0.99", "service/nginx"));
    assert_eq!(plan.steps.len(), 1);
    assert!(grants(&back).is_empty());
}

#[test]
fn orphans_are_found_both_ways() {
    let (_, granted) = allowed(&cluster(DENY), "demo/access", "nginx");
    assert!(orphans(&granted).is_empty());
    let mut ruleless = granted.clone();
    for written in ruleless.written.values_mut() {
        written.spec.ingress.clear();
        written.spec.egress.retain(|rule| grant_of(rule).is_none());
    }
    let codes = |world: &World| orphans(world).iter().map(|finding| finding.code.code).collect::<Vec<_>>();
    assert_eq!(codes(&ruleless), ["ZT0302"]);
    let mut stray = granted.clone();
    stray.written.values_mut().for_each(|written| written.annotations.clear());
    assert_eq!(codes(&stray), ["ZT0301", "ZT0301"]);
    let mut broken = granted;
    for written in broken.written.values_mut() {
        written.annotations.values_mut().for_each(|text| *text = "{".into());
    }
    assert!(codes(&broken).contains(&"ZT0303"));
    let id = orphans(&stray)[0].detail.split(' ').nth(4).unwrap().to_string();
    let (_, cleaned) = revoked(&stray, &Which::Id(id));
    assert!(orphans(&cleaned).is_empty(), "{:?}", orphans(&cleaned));
}

/// Ends that grants of the small cluster can have.
fn ends() -> impl Strategy<Value = (&'static str, &'static str)> {
    let from = prop_oneof![
        Just("10.7.0.99"),
        Just("10.7.0.0/16"),
        Just("demo/access"),
        Just("shop/cart"),
        Just("ns/shop"),
        Just("fd00::1,10.9.0.1"),
        Just("world")
    ];
    let to = prop_oneof![
        Just("nginx"),
        Just("demo/deploy/nginx 80,udp/5000-5010"),
        Just("shop/cart"),
        Just("ns/demo any"),
        Just("nginx any"),
        Just("demo/access 22")
    ];
    (from, to)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn allowing_twice_changes_nothing_and_revoking_is_the_identity(grants_made in prop::collection::vec(ends(), 1..4)) {
        let mut world = cluster(DENY);
        let mut worlds = Vec::new();
        for (from, to) in &grants_made {
            let plan = super::super::grant::allow(&world, &super::super::testing::ask(from, to)).unwrap();
            if plan.steps.is_empty() {
                continue;
            }
            worlds.push((world.clone(), *from, to.split(' ').next().unwrap(), plan.title.clone()));
            world = after(&world, &plan.steps).unwrap();
            let again = super::super::grant::allow(&world, &super::super::testing::ask(from, to)).unwrap();
            prop_assert_eq!(again.steps, Vec::new());
        }
        for (before, from, to, title) in worlds.into_iter().rev() {
            let info = grants(&world).into_iter().find(|info| {
                let ports = super::show_ports(info.grant.ports.as_deref());
                title == format!("allow {} -> {} ({ports})", info.grant.from, info.grant.to)
            });
            prop_assert!(info.is_some(), "{from} -> {to}");
            let plan = revoke(&world, &Which::Id(info.unwrap().id)).unwrap();
            world = after(&world, &plan.steps).unwrap();
            prop_assert_eq!(policies(&world), policies(&before));
        }
    }

    #[test]
    fn what_a_grant_opens_is_what_was_asked_for(
        (from, to) in ends(),
        other in (0u8..4, 0u8..8, any::<u8>(), prop_oneof![Just(22u16), Just(80), Just(8080), 1u16..=65535]),
    ) {
        let world = cluster(DENY);
        let plan = super::super::grant::allow(&world, &super::super::testing::ask(from, to)).unwrap();
        let then = after(&world, &plan.steps).unwrap();
        let pods = ["10.20.40.90", "10.20.112.20", "10.20.112.30", "10.20.112.10"];
        let (receiver, kind, low, port) = other;
        let source = match kind {
            0..4 => pods[usize::from(kind)].to_string(),
            4 => format!("10.7.0.{low}"),
            5 => format!("10.{low}.0.1"),
            6 => "10.128.146.177".to_string(),
            _ => format!("203.0.113.{low}"),
        };
        let receiver = pods[usize::from(receiver)];
        if source == receiver { return Ok(()) }
        let packet = format!("{source} -> {receiver} tcp:{port}");
        if passes(&then, &packet) && !passes(&world, &packet) {
            let asked = super::super::testing::ask(from, to);
            let (f, t) = (resolve(&world, &asked.from).unwrap(), resolve(&world, &asked.to).unwrap());
            let opened = ports::resolve(&world, &t, asked.ports.as_ref()).unwrap();
            let scope = super::super::guard::Scope::new(&world, &f, &t, opened.as_deref());
            prop_assert!(scope.covers(&crate::testing::packet(&packet)), "{from} -> {to} opened {packet}");
        }
    }
}
