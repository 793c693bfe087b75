//! Lockdowns on trial: what they change (nothing), what they become, and how they go.
//! Never looks at how it is said to a person, but for what must be said.

use super::super::lockdown::{self, Ask, locked};
use super::super::roles::lockdowns;
use super::super::status::{State, status};
use super::super::testing::{CLUSTER, DENY, allowed, cluster, notes, passes, policies, said, steps};
use super::super::unlock::unlock;
use super::super::{Plan, PlanError};
use super::enforce::enforced_rules;
use super::logging::Logging;
use super::memory::Memory;
use super::observe::observe;
use super::promote::promote;
use super::proof::changes;
use super::stage::stage;
use super::*;
use crate::model::policy::PolicyKind;

const INGRESS: &str = "GlobalNetworkPolicy deny-app-policy-observing-ingress";
const EGRESS: &str = "GlobalNetworkPolicy deny-app-policy-observing-egress";
const LOCKDOWN: &str = "GlobalNetworkPolicy deny-app-policy";

/// A policy of somebody's that closes `cart` but for one client, and one that lets nginx send to nobody.
const OTHERS: &str = r#"
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: cart, namespace: shop}, spec: {podSelector: {matchLabels: {app: cart}}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 10.7.0.1/32}}]}]}}
---
{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: silent, namespace: demo}, spec: {selector: app == 'nginx', types: [Egress]}}
---
"#;

/// The cluster with another Calico.
fn of_version(text: &str, more: &str) -> World {
    crate::testing::world(&format!("{}{more}", CLUSTER.replace("v3.18.1", text)))
}

fn observed(world: &World) -> (Plan, World) {
    let plan = observe(world, &Ask::default(), &Logging::default()).unwrap_or_else(|error| panic!("{}", said(&error)));
    let after = simulate(world, &plan.steps).unwrap();
    (plan, after)
}

fn promote_it(world: &World) -> (Plan, World) {
    let plan = promote(world, &Ask::default()).unwrap_or_else(|error| panic!("{}", said(&error)));
    let after = simulate(world, &plan.steps).unwrap();
    (plan, after)
}

#[test]
fn observing_changes_no_verdict_and_counts_as_open() {
    for more in ["", OTHERS] {
        let world = cluster(more);
        let (plan, after) = observed(&world);
        assert_eq!(steps(&plan), [INGRESS, EGRESS], "{more}");
        assert_eq!(changes(&world, &after), [], "{more}");
        assert_eq!(changes(&after, &world), [], "{more}");
        assert_eq!((lockdowns(&after), locked(&after).len()), (Vec::new(), 0));
        assert_eq!(status(&after).state, State::Open);
        assert_eq!(status(&after).trial.unwrap().observing.len(), 2);
        assert_eq!(status(&after).findings, status(&world).findings);
        assert_eq!(observed(&after).0.steps, [], "given again, it changes nothing");
    }
}

#[test]
fn pods_that_others_police_are_left_to_them() {
    let world = cluster(OTHERS);
    let (_, after) = observed(&world);
    for (packet, may) in [
        ("10.7.0.1 -> 10.20.112.30 tcp:8080", true),
        ("10.7.0.2 -> 10.20.112.30 tcp:8080", false),
        ("10.20.112.30 -> 203.0.113.9 tcp:443", true),
        ("10.20.40.90 -> 203.0.113.9 tcp:443", false),
        ("10.7.0.2 -> 10.20.40.90 tcp:80", true),
    ] {
        assert_eq!(passes(&after, packet), may, "{packet}");
    }
    let logs = |direction, pod: &str| {
        let own = world.pods.iter().find(|own| own.name.starts_with(pod)).unwrap();
        ours(&after, direction).unwrap().selector.matches(&own.labels)
    };
    assert!(!logs(Direction::Ingress, "cart") && logs(Direction::Egress, "cart"));
    assert!(logs(Direction::Ingress, "nginx") && !logs(Direction::Egress, "nginx"));
}

#[test]
fn a_policy_that_comes_later_is_found_and_left_alone_when_asked_again() {
    let (_, after) = observed(&cluster(""));
    let yaml = |policies: Vec<String>| policies.join("\n---\n");
    let later = crate::testing::world(&format!("{CLUSTER}{}\n---\n{OTHERS}", yaml(policies(&after))));
    let found: Vec<String> = status(&later).findings.iter().map(|finding| finding.object.clone()).collect();
    assert!(found.contains(&"NetworkPolicy demo/silent".to_string()), "{found:?}");
    assert!(found.contains(&"KubernetesNetworkPolicy shop/cart".to_string()), "{found:?}");
    // What is open by it now closes: that is what the policy's author wants, and is said.
    let (plan, mended) = observed(&later);
    assert_eq!(steps(&plan), [INGRESS, EGRESS]);
    assert!(!passes(&mended, "10.7.0.2 -> 10.20.112.30 tcp:8080"));
    assert!(status(&mended).findings.iter().all(|finding| finding.code != crate::findings::OBSERVED_OPENS));
    assert!(notes(&plan).contains("closes again"), "{}", notes(&plan));
}

#[test]
fn an_earlier_tier_and_a_later_one_keep_their_say() {
    let tiers = r#"
{kind: Tier, apiVersion: projectcalico.org/v3, metadata: {name: later}, spec: {order: 2000000}}
---
{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: later.no-dns}, spec: {tier: later, selector: app == 'cart', types: [Egress], egress: [{action: Deny, protocol: UDP, destination: {ports: [53]}}, {action: Allow}]}}
---
"#;
    let world = cluster(tiers);
    let (_, after) = observed(&world);
    assert!(!passes(&world, "10.20.112.30 -> 10.20.112.10 udp:53"));
    assert!(!passes(&after, "10.20.112.30 -> 10.20.112.10 udp:53"));
    assert!(passes(&after, "10.20.112.30 -> 203.0.113.9 tcp:443"));
}

#[test]
fn grants_under_observation_close_nothing_and_are_what_stays_open() {
    let (_, after) = observed(&cluster(""));
    let (plan, granted) = allowed(&after, "10.7.0.99", "nginx");
    assert_eq!(steps(&plan), ["NetworkPolicy demo/zerotrust-nginx-ingress"]);
    assert!(!notes(&plan).contains("everything else stops"), "{}", notes(&plan));
    assert_eq!(changes(&after, &granted), []);
    assert_eq!(allowed(&granted, "10.7.0.99", "nginx").0.steps, []);
    assert_eq!(observed(&granted).0.steps, [], "what was granted in between is no policy of somebody else");
    let (plan, closed) = promote_it(&granted);
    assert_eq!(steps(&plan), [LOCKDOWN, EGRESS, INGRESS]);
    assert!(passes(&closed, "10.7.0.99 -> 10.20.40.90 tcp:80"));
    assert!(!passes(&closed, "10.7.0.98 -> 10.20.40.90 tcp:80"));
    assert!(passes(&closed, "10.20.112.30 -> 10.20.112.10 udp:53"));
    assert_eq!(Standing::of(&closed), None);
    assert_eq!(promote_it(&closed).0.steps, []);
}

#[test]
fn what_is_promoted_is_what_a_lockdown_would_have_been() {
    let world = cluster("");
    let (_, direct) = super::super::testing::locked(&world);
    let (_, promoted) = promote_it(&observed(&world).1);
    assert_eq!(policies(&promoted), policies(&direct));
    let plan = lockdown::lockdown(&observed(&world).1, &Ask::default()).unwrap();
    assert!(notes(&plan).contains("is what the lockdown is made from"), "{}", notes(&plan));
    assert_eq!(policies(&simulate(&observed(&world).1, &plan.steps).unwrap()), policies(&direct));
    let with = of_version("v3.30.0", "");
    let staged = simulate(&with, &stage(&with, &Ask::default()).unwrap().steps).unwrap();
    assert_eq!(policies(&promote_it(&staged).1), policies(&direct));
}

#[test]
fn unlock_takes_it_away_but_not_while_grants_would_close_their_pods() {
    let world = cluster("");
    let (_, after) = observed(&world);
    let plan = unlock(&after, None).unwrap();
    assert_eq!(steps(&plan), [EGRESS, INGRESS]);
    assert_eq!(changes(&world, &simulate(&after, &plan.steps).unwrap()), []);
    let (_, granted) = allowed(&after, "10.7.0.99", "nginx");
    let refusal = said(&unlock(&granted, None).unwrap_err());
    assert!(refusal.contains("kubectl zerotrust promote") && refusal.contains("kubectl zerotrust revoke"), "{refusal}");
    let (_, closed) = promote_it(&granted);
    assert_eq!(steps(&unlock(&closed, None).unwrap()), [LOCKDOWN]);
}

#[test]
fn staged_closes_nothing_is_recognised_and_is_refused_where_there_is_no_such_kind() {
    let world = of_version("v3.30.0", "");
    let plan = stage(&world, &Ask::default()).unwrap();
    assert_eq!(steps(&plan), ["StagedGlobalNetworkPolicy deny-app-policy"]);
    assert!(notes(&plan).contains("Whisker"), "{}", notes(&plan));
    let after = simulate(&world, &plan.steps).unwrap();
    assert_eq!((changes(&world, &after), lockdowns(&after)), (Vec::new(), Vec::new()));
    let trial = status(&after).trial.unwrap();
    assert_eq!(trial.staged[0].kind, PolicyKind::StagedGlobalNetworkPolicy);
    assert_eq!(stage(&after, &Ask::default()).unwrap().steps, []);
    let (plan, closed) = promote_it(&after);
    assert_eq!(steps(&plan), [LOCKDOWN, "StagedGlobalNetworkPolicy deny-app-policy"]);
    assert!(!passes(&closed, "10.7.0.98 -> 10.20.40.90 tcp:80"));
    assert_eq!(steps(&unlock(&after, None).unwrap()), ["StagedGlobalNetworkPolicy deny-app-policy"]);
    let old = stage(&of_version("v3.29.2", ""), &Ask::default()).unwrap_err();
    assert!(matches!(old, PlanError::Refused { .. }) && said(&old).contains("--observe"), "{}", said(&old));
}

#[test]
fn staged_and_observed_by_hand_are_recognised_by_what_they_mean() {
    let staged = DENY.replace("kind: GlobalNetworkPolicy", "kind: StagedGlobalNetworkPolicy");
    let world = of_version("v3.31.0", &staged);
    let (plan, closed) = promote_it(&world);
    assert_eq!(steps(&plan), [LOCKDOWN, "StagedGlobalNetworkPolicy deny-app-policy"]);
    // The walkthrough's policy lets DNS pass by UDP alone; it is completed.
    assert!(passes(&closed, "10.20.112.30 -> 10.20.112.10 tcp:53"));
    assert!(!passes(&closed, "10.7.0.98 -> 10.20.40.90 tcp:80"));
    let refusal = notes(&unlock(&world, None).unwrap());
    assert!(refusal.contains("unlock --name deny-app-policy"), "{refusal}");
    assert_eq!(steps(&unlock(&world, Some("deny-app-policy")).unwrap()).len(), 1);

    let hand = DENY
        .replace("  egress:\n", "  ingress: [{action: Log}, {action: Allow}]\n  egress:\n")
        .replace("---\n", "  - {action: Log}\n  - {action: Allow}\n---\n");
    let world = cluster(&hand);
    assert_eq!((lockdowns(&world), Standing::of(&world).unwrap().observing.len()), (Vec::new(), 1));
    assert_eq!(observed(&world).0.steps, []);
    let (plan, closed) = promote_it(&world);
    assert_eq!(steps(&plan), [LOCKDOWN]);
    assert!(!passes(&closed, "10.7.0.98 -> 10.20.40.90 tcp:80"));
    assert!(passes(&closed, "10.20.112.30 -> 10.20.112.10 udp:53"));
}

#[test]
fn a_promotion_that_was_interrupted_is_finished() {
    let (_, after) = observed(&cluster(""));
    let (plan, end) = promote_it(&after);
    for done in 1..plan.steps.len() {
        let between = simulate(&after, &plan.steps[..done]).unwrap();
        assert!(passes(&between, "10.20.112.30 -> 10.20.112.10 udp:53"));
        assert_eq!(policies(&promote_it(&between).1), policies(&end), "after {done} steps");
    }
}

#[test]
fn a_namespace_that_is_left_out_stays_so() {
    let world = cluster("");
    let ask = Ask { except: vec!["shop".into()], ..Ask::default() };
    let plan = observe(&world, &ask, &Logging::default()).unwrap();
    let after = simulate(&world, &plan.steps).unwrap();
    assert_eq!(observed(&after).0.steps, [], "nothing named is what was named before");
    let (_, closed) = promote_it(&after);
    assert!(passes(&closed, "10.7.0.98 -> 10.20.112.30 tcp:8080"));
    assert!(!passes(&closed, "10.7.0.98 -> 10.20.40.90 tcp:80"));
}

#[test]
fn rules_of_the_observation_go_and_a_persons_stay() {
    let (_, after) = observed(&cluster(""));
    let id = ours(&after, Direction::Egress).unwrap().id.clone();
    let mut rules = after.written[&id].spec.egress.clone();
    let own = crate::model::spec::RuleSpec { action: "Deny".into(), ..Default::default() };
    rules.insert(0, own.clone());
    let kept = enforced_rules(&rules);
    assert_eq!(kept.first(), Some(&own));
    assert!(kept[1..].iter().all(|rule| rule.action == "Allow" && rule.metadata.is_none()));
    assert_eq!(kept.len(), 3, "DNS over UDP and TCP");
}

#[test]
fn logging_is_set_when_asked_and_comes_back() {
    let felix = "{kind: FelixConfiguration, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {logPrefix: mine}}\n---\n";
    let node = "{kind: DaemonSet, apiVersion: apps/v1, metadata: {name: calico-node, namespace: calico-system}, spec: {template: {metadata: {labels: {k8s-app: calico-node}}, spec: {containers: [{name: calico-node, env: [ENV]}]}}}}\n---\n";
    let world = |calico: &str, env: &str| of_version(calico, &format!("{felix}{}", node.replace("ENV", env)));
    let ask = Logging { prefix: Some("zt %k %n".into()), rate: Some("10/second".into()) };
    let fresh = world("v3.32.0", "");
    let plan = observe(&fresh, &Ask::default(), &ask).unwrap();
    assert_eq!(steps(&plan), ["FelixConfiguration default", INGRESS, EGRESS]);
    let mut after = simulate(&fresh, &plan.steps).unwrap();
    let memory = Memory::of(&after);
    assert_eq!(
        (memory.felix["logPrefix"].was.clone(), memory.felix["logActionRateLimit"].was.clone()),
        ("mine".into(), serde_json::Value::Null)
    );
    after.network.log_settings = Some(
        [("logPrefix".to_string(), "zt %k %n".to_string()), ("logActionRateLimit".into(), "10/second".into())].into(),
    );
    for plan in [unlock(&after, None).unwrap(), promote(&after, &Ask::default()).unwrap()] {
        let last = plan.steps.last().unwrap();
        assert_eq!(last.object.to_string(), "FelixConfiguration default");
        assert!(format!("{:?}", last.edits).contains("String(\"mine\")"), "{:?}", last.edits);
    }
    after.network.log_settings = Some([("logPrefix".to_string(), "somebody's".to_string())].into());
    let plan = unlock(&after, None).unwrap();
    assert_eq!(steps(&plan), [EGRESS, INGRESS]);
    assert!(notes(&plan).contains("stays"), "{}", notes(&plan));
    for calico in ["v3.30.5", "v3.31.3", "v3.29.9"] {
        let refusal = observe(&world(calico, ""), &Ask::default(), &ask).unwrap_err();
        assert!(said(&refusal).contains("3.30.6, 3.31.4 and 3.32.0"), "{calico}: {}", said(&refusal));
        let plain = Logging { prefix: Some("zt".into()), rate: None };
        assert_eq!(observe(&world(calico, ""), &Ask::default(), &plain).unwrap().steps.len(), 3);
    }
    for calico in ["v3.30.6", "v3.31.4"] {
        assert!(observe(&world(calico, ""), &Ask::default(), &ask).is_ok(), "{calico}");
    }
    let env = "{name: FELIX_LOGPREFIX, value: env}";
    let refusal = observe(&world("v3.32.0", env), &Ask::default(), &ask).unwrap_err();
    assert!(said(&refusal).contains("environment"), "{}", said(&refusal));
    for (prefix, rate) in
        [(Some("a\"b"), None), (Some(""), None), (None, Some("10")), (None, Some("0/second")), (None, Some("1/week"))]
    {
        let ask = Logging { prefix: prefix.map(str::to_string), rate: rate.map(str::to_string) };
        let refusal = observe(&fresh, &Ask::default(), &ask).unwrap_err();
        assert!(matches!(refusal, PlanError::Usage { .. }), "{prefix:?} {rate:?}");
    }
}

/// A webhook in an application namespace, on pods of its own.
const WEBHOOK: &str = r#"
{kind: Pod, apiVersion: v1, metadata: {name: checker, namespace: shop, labels: {app: checker}}, spec: {nodeName: w1, containers: [{name: c, ports: [{containerPort: 9443}]}]}, status: {phase: Running, podIP: 10.20.40.77}}
---
{kind: Service, apiVersion: v1, metadata: {name: checker, namespace: shop}, spec: {clusterIP: 10.21.0.9, selector: {app: checker}, ports: [{port: 443, targetPort: 9443}]}}
---
{kind: ValidatingWebhookConfiguration, apiVersion: admissionregistration.k8s.io/v1, metadata: {name: check}, webhooks: [{name: check.shop, clientConfig: {service: {namespace: shop, name: checker}}}]}
---
"#;

#[test]
fn what_the_api_server_calls_is_kept_reachable_from_the_start_where_that_changes_nothing() {
    let lifeline = "NetworkPolicy shop/zerotrust-lifeline-checker";
    let world = cluster(WEBHOOK);
    let (plan, after) = observed(&world);
    assert_eq!(steps(&plan), [INGRESS, EGRESS, lifeline], "it closes its pods unless something observes them");
    assert_eq!(changes(&world, &after), []);
    assert_eq!(observed(&after).0.steps, []);
    let (plan, _) = promote_it(&after);
    assert_eq!(steps(&plan), [LOCKDOWN, EGRESS, INGRESS]);
    let plan = unlock(&after, None).unwrap();
    assert_eq!(steps(&plan), [lifeline, EGRESS, INGRESS], "and goes before what observes");
    // Pods that somebody polices are not opened by it before the lockdown needs it.
    let closed = "{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: closed, namespace: shop}, spec: {selector: app == 'checker', types: [Ingress]}}\n---\n";
    let world = cluster(&format!("{WEBHOOK}{closed}"));
    let (plan, after) = observed(&world);
    assert_eq!(steps(&plan), [INGRESS, EGRESS]);
    assert_eq!(changes(&world, &after), []);
    assert_eq!(steps(&promote_it(&after).0)[0], lifeline);
}

#[test]
fn a_selector_that_would_be_too_long_leaves_whole_namespaces_out_and_says_so() {
    let policy = |index: usize| {
        format!(
            "{{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {{name: p{index}, namespace: shop}}, spec: {{selector: app == 'application-{index}', types: [Ingress]}}}}\n---\n"
        )
    };
    let many: String = (0..40).map(policy).collect();
    let (plan, after) = observed(&cluster(&many));
    let selector = &after.written[&ours(&after, Direction::Ingress).unwrap().id].spec.selector;
    assert_eq!(selector, "projectcalico.org/namespace not in {\"shop\"}");
    assert!(notes(&plan).contains("ingress is not observed in shop"), "{}", notes(&plan));
    assert!(ours(&after, Direction::Egress).unwrap().selector.to_string().len() < 1024);
}

#[test]
fn a_policy_that_cannot_be_read_is_no_ground_to_let_all_pass() {
    let mut world = cluster("");
    let (place, reason) = ("a.yaml:3".to_string(), "it is cut short".to_string());
    world.gaps.push(crate::model::world::Gap {
        hides: crate::model::world::Hidden::Policies,
        namespace: None,
        place,
        reason,
    });
    let refusal = observe(&world, &Ask::default(), &Logging::default()).unwrap_err();
    assert!(matches!(refusal, PlanError::Unknown { .. }) && said(&refusal).contains("a.yaml:3"), "{}", said(&refusal));
    // Those of other tiers decide before or after, whatever observes.
    world.gaps[0].place = "ClusterNetworkPolicy strict, a.yaml:3".into();
    assert!(observe(&world, &Ask::default(), &Logging::default()).is_ok());
}
