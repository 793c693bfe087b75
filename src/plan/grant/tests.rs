//! Grants on a small cluster: which policies and rules they become, and what passes then.
//! Never tests wording beyond what an operator must find in it.

use super::super::testing::{CLUSTER, DENY, allowed, ask, cluster, notes, passes, policies, said, steps};
use super::*;
use crate::model::world::World;

const NGINX: &str = "10.20.40.90";
const CLIENT: &str = "10.7.0.99 -> 10.20.40.90 tcp:80";

fn rules_of(world: &World, name: &str) -> Vec<String> {
    let (_, written) = world.written.iter().find(|(id, _)| id.name == name).unwrap();
    let rules = written.spec.ingress.iter().chain(&written.spec.egress);
    rules
        .map(|rule| {
            let mut rule = rule.clone();
            rule.metadata = None;
            serde_json::to_string(&rule).unwrap()
        })
        .collect()
}

#[test]
fn a_client_gets_one_rule_in_a_policy_named_after_the_target() {
    let world = cluster(DENY);
    assert!(!passes(&world, CLIENT));
    let (plan, after) = allowed(&world, "10.7.0.99", "nginx");
    assert_eq!(plan.title, "allow 10.7.0.99 -> demo/service/nginx (TCP:80)");
    assert_eq!(steps(&plan), ["NetworkPolicy demo/zerotrust-nginx-ingress"]);
    assert_eq!(
        rules_of(&after, "zerotrust-nginx-ingress"),
        [r#"{"action":"Allow","protocol":"TCP","source":{"nets":["10.7.0.99/32"]},"destination":{"ports":[80]}}"#]
    );
    assert!(passes(&after, CLIENT));
    for still in
        ["10.7.0.98 -> 10.20.40.90 tcp:80", "10.7.0.99 -> 10.20.40.90 tcp:81", "10.128.146.177 -> 10.20.40.90 tcp:80"]
    {
        assert!(!passes(&after, still), "{still}");
    }
    let grant = &crate::plan::revoke::grants(&after)[0];
    assert_eq!(grant.policy.name, "zerotrust-nginx-ingress");
    assert_eq!(grant.rules.len(), 1);
    assert_eq!(grant.id, grant.grant.id());
}

#[test]
fn the_same_grant_twice_is_an_empty_plan_and_another_goes_into_the_same_policy() {
    let world = cluster(DENY);
    let (_, once) = allowed(&world, "10.7.0.99", "nginx");
    let (again, twice) = allowed(&once, "10.7.0.99", "nginx");
    assert_eq!(again.steps, []);
    assert!(notes(&again).contains("allowed already by grant"), "{}", notes(&again));
    assert_eq!(policies(&twice), policies(&once));
    let (other, after) = allowed(&once, "10.7.0.98", "deployment/nginx 80");
    assert_eq!(steps(&other), ["NetworkPolicy demo/zerotrust-nginx-ingress"]);
    assert_eq!(rules_of(&after, "zerotrust-nginx-ingress").len(), 2);
    assert_eq!(crate::plan::revoke::grants(&after).len(), 2);
}

#[test]
fn pods_need_egress_on_one_side_and_ingress_on_the_other() {
    let world = cluster(DENY);
    let (plan, after) = allowed(&world, "demo/pod/access", "nginx");
    assert_eq!(
        steps(&plan),
        ["NetworkPolicy demo/zerotrust-nginx-ingress", "NetworkPolicy demo/zerotrust-access-egress"]
    );
    assert!(rules_of(&after, "zerotrust-nginx-ingress")[0].contains(r#""source":{"selector":"run == \"access\""}"#));
    assert!(passes(&after, "10.20.112.20 -> 10.20.40.90 tcp:80"));
    assert!(!passes(&after, "10.20.112.30 -> 10.20.40.90 tcp:80"));
    assert!(!passes(&after, "10.20.112.20 -> 10.20.112.30 tcp:8080"));
    assert!(passes(&after, "10.20.112.20 -> 10.20.112.10 udp:53"), "DNS stays");
    let (plan, after) = allowed(&world, "shop/cart", "nginx");
    assert_eq!(steps(&plan).len(), 2);
    assert!(rules_of(&after, "zerotrust-nginx-ingress")[0].contains(r#"projectcalico.org/name == \"shop\""#));
    assert!(passes(&after, "10.20.112.30 -> 10.20.40.90 tcp:80"));
}

const BY_HAND: &str = r#"
kind: NetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {name: allow-nginx-ingress, namespace: demo}
spec:
  selector: app == 'nginx'
  types: [Ingress]
  ingress:
  - {action: Allow, source: {selector: run == 'access'}}
---
"#;

#[test]
fn a_policy_by_hand_for_the_same_pods_is_completed_in_place() {
    let world = cluster(&format!("{DENY}{BY_HAND}"));
    let (plan, after) = allowed(&world, "10.7.0.99", "nginx");
    assert_eq!(steps(&plan), ["NetworkPolicy demo/allow-nginx-ingress"]);
    assert_eq!(rules_of(&after, "allow-nginx-ingress").len(), 2);
    assert!(passes(&after, CLIENT));
    let logged = BY_HAND.replace(
        "run == 'access'}}",
        "run == 'access'}}\n  - {action: Log}\n  - {action: Deny, source: {nets: [192.0.2.0/24]}}",
    );
    let world = cluster(&format!("{DENY}{logged}"));
    let (_, after) = allowed(&world, "10.7.0.99", "nginx");
    assert!(rules_of(&after, "allow-nginx-ingress")[2].contains("Log"));
}

#[test]
fn a_policy_that_machinery_keeps_or_that_is_for_other_pods_is_left_alone() {
    for changed in [
        BY_HAND.replace("namespace: demo}", "namespace: demo, labels: {argocd.argoproj.io/instance: web}}"),
        BY_HAND.replace("selector: app == 'nginx'", "selector: has(app)"),
        BY_HAND
            .replace("types: [Ingress]", "types: [Egress]")
            .replace("  ingress:", "  egress:")
            .replace("source", "destination"),
    ] {
        let world = cluster(&format!("{DENY}{changed}"));
        let (plan, _) = allowed(&world, "10.7.0.99", "nginx");
        assert_eq!(steps(&plan), ["NetworkPolicy demo/zerotrust-nginx-ingress"], "{changed}");
    }
}

#[test]
fn somebodys_deny_is_never_overridden_not_even_for_a_part() {
    let denied = BY_HAND.replace("  ingress:", "  ingress:\n  - {action: Deny, source: {nets: [10.8.0.0/16]}}");
    let world = cluster(&format!("{DENY}{denied}"));
    for from in ["10.8.3.4", "10.0.0.0/8", "10.8.3.0/24"] {
        let error = allow(&world, &ask(from, "nginx")).unwrap_err();
        assert!(matches!(error, PlanError::Refused { .. }), "{error:?}");
        assert!(said(&error).contains("rule 0 of ingress in NetworkPolicy demo/allow-nginx-ingress"), "{error:?}");
    }
    allowed(&world, "10.9.0.0/16", "nginx");
}

#[test]
fn a_deny_in_the_lockdown_is_repaired_by_a_policy_that_comes_before() {
    let deny =
        DENY.replace("types: [Ingress, Egress]", "order: 500\n  types: [Ingress, Egress]\n  ingress: [{action: Deny}]");
    let world = cluster(&deny);
    let (plan, after) = allowed(&world, "10.7.0.99", "nginx");
    assert_eq!(steps(&plan), ["NetworkPolicy demo/zerotrust-nginx-ingress"]);
    assert!(passes(&after, CLIENT));
    let written = after.written.values().find(|written| written.annotations.len() > 1).unwrap();
    assert!(written.spec.order.unwrap() < 500.0);
}

#[test]
fn another_tiers_drop_is_not_repaired() {
    let tier = r#"
{kind: Tier, apiVersion: projectcalico.org/v3, metadata: {name: security}, spec: {order: 10}}
---
kind: GlobalNetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {name: security.gate}
spec: {tier: security, selector: app == 'nginx', types: [Ingress], ingress: [{action: Pass, source: {nets: [10.9.0.0/16]}}]}
---
"#;
    let world = crate::testing::world(&format!("{}{DENY}{tier}", CLUSTER.replace("v3.18.1", "v3.30.0")));
    let error = allow(&world, &ask("10.7.0.99", "nginx")).unwrap_err();
    assert!(said(&error).contains("the end of tier security"), "{error:?}");
    allowed(&world, "10.9.0.1", "nginx");
}

#[test]
fn what_is_open_already_needs_nothing_and_is_said() {
    let world = cluster("");
    let plan = allow(&world, &ask("10.7.0.99", "nginx")).unwrap();
    assert_eq!(plan.steps, []);
    let text = notes(&plan);
    assert!(text.contains("no policy polices ingress of demo/service/nginx"), "{text}");
    assert!(text.contains("lockdown"), "{text}");
    let world = cluster(&format!(
        "{DENY}{}",
        BY_HAND.replace("source: {selector: run == 'access'}", "source: {nets: [10.7.0.0/16]}")
    ));
    let plan = allow(&world, &ask("10.7.0.99", "nginx")).unwrap();
    assert_eq!(plan.steps, []);
    assert!(notes(&plan).contains("rule 0 of ingress in NetworkPolicy demo/allow-nginx-ingress"), "{}", notes(&plan));
}

#[test]
fn a_grant_does_not_lean_on_another_one() {
    let world = cluster(DENY);
    let (_, wide) = allowed(&world, "10.7.0.0/16", "nginx");
    let (plan, both) = allowed(&wide, "10.7.0.99", "nginx");
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(rules_of(&both, "zerotrust-nginx-ingress").len(), 2);
}

#[test]
fn pods_that_nothing_policed_before_are_named_before_they_are_closed() {
    let canary = r#"
kind: Pod
apiVersion: v1
metadata: {name: canary, namespace: demo, labels: {app: nginx, track: canary}}
spec: {nodeName: w1, containers: [{name: nginx}]}
status: {phase: Running, podIP: 10.20.40.91}
---
kind: NetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {name: closed, namespace: demo}
spec: {selector: app == 'nginx' && !has(track), types: [Ingress]}
---
"#;
    let (plan, _) = allowed(&cluster(canary), "10.7.0.99", "nginx");
    assert!(notes(&plan).contains("demo/canary was open for ingress"), "{}", notes(&plan));
}

#[test]
fn doors_that_stay_closed_are_named_with_the_command_that_opens_them() {
    let (plan, _) = allowed(&cluster(DENY), "10.7.0.99", "nginx");
    let text = notes(&plan);
    assert!(text.contains("node port 32127 of demo/nginx stays closed"), "{text}");
    assert!(text.contains("externalTrafficPolicy: Local on the Service"), "{text}");
    assert!(text.contains("kubectl zerotrust expose-nodeport demo/nginx --from CLIENT"), "{text}");
}

#[test]
fn nodes_are_let_in_only_where_no_masqueraded_client_comes_with_them() {
    let world = cluster(DENY);
    let error = allow(&world, &ask("nodes", "nginx")).unwrap_err();
    assert!(said(&error).contains("open-to-all-clients-of-nodes"), "{error:?}");
    let accepted = Ask { accepted: vec![Risk::OpenToAllClientsOfNodes], ..ask("nodes", "nginx") };
    assert_eq!(allow(&world, &accepted).unwrap().steps.len(), 1);
    let (_, after) = allowed(&world, "nodes", "shop/pod/cart");
    for node in ["10.128.146.177", "10.20.112.64", "10.128.147.102", "10.20.40.64"] {
        assert!(passes(&after, &format!("{node} -> 10.20.112.30 tcp:8080")), "{node}");
    }
    assert!(!passes(&after, "10.128.146.178 -> 10.20.112.30 tcp:8080"));
}

#[test]
fn the_world_is_everything_but_pods_and_nodes() {
    let world = cluster(DENY);
    let (plan, after) = allowed(&world, "demo/access", "world 443");
    assert_eq!(steps(&plan), ["NetworkPolicy demo/zerotrust-access-egress"]);
    assert!(passes(&after, "10.20.112.20 -> 8.8.8.8 tcp:443"));
    for inside in ["10.20.200.1", "10.128.146.177", NGINX] {
        assert!(!passes(&after, &format!("10.20.112.20 -> {inside} tcp:443")), "{inside}");
    }
    assert_eq!(crate::plan::revoke::grants(&after)[0].policy.name, "zerotrust-access-egress");
}

#[test]
fn a_whole_namespace_can_be_an_end() {
    let world = cluster(DENY);
    let (_, after) = allowed(&world, "ns/demo", "shop/cart");
    assert!(passes(&after, "10.20.112.20 -> 10.20.112.30 tcp:8080"));
    assert!(passes(&after, "10.20.40.90 -> 10.20.112.30 tcp:8080"));
    let (_, after) = allowed(&world, "10.7.0.99", "ns/demo 80");
    assert!(passes(&after, CLIENT));
    assert!(passes(&after, "10.7.0.99 -> 10.20.112.20 tcp:80"));
}

#[test]
fn addresses_that_are_something_else_are_refused_with_its_name() {
    let world = cluster(DENY);
    for (from, to, says) in [
        ("10.20.112.20", "nginx", "demo/pod/access"),
        ("demo/access", "10.20.40.90 80", "demo/pod/nginx-6799fc88d8-zp4zj"),
        ("demo/access", "10.21.250.63 80", "demo/service/nginx"),
    ] {
        let error = allow(&world, &ask(from, to)).unwrap_err();
        assert!(said(&error).contains(says), "{error:?}");
    }
    let error = allow(&world, &ask("10.7.0.99", "192.0.2.1 80")).unwrap_err();
    assert!(matches!(error, PlanError::Usage { .. }));
}

#[test]
fn manifests_without_pods_are_planned_for_their_labels() {
    let bare = r#"
{kind: Namespace, apiVersion: v1, metadata: {name: new}}
---
kind: Service
apiVersion: v1
metadata: {name: api, namespace: new}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: http}]}
---
kind: Deployment
apiVersion: apps/v1
metadata: {name: api, namespace: new}
spec: {selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api, team: x}}, spec: {containers: [{name: a, ports: [{name: http, containerPort: 8080}]}]}}}
---
"#;
    let world = cluster(&format!("{DENY}{bare}"));
    let (plan, after) = allowed(&world, "10.7.0.99", "new/api");
    assert!(rules_of(&after, "zerotrust-api-ingress")[0].contains("8080"));
    assert!(notes(&plan).contains("no pod of new/service/api runs now"), "{}", notes(&plan));
    assert_eq!(allowed(&after, "10.7.0.99", "new/api").0.steps, []);
}

#[test]
fn what_cannot_be_seen_is_unknown() {
    let mut world = cluster(DENY);
    world.gaps.push(crate::model::world::Gap {
        hides: crate::model::world::Hidden::Policies,
        namespace: Some("demo".into()),
        place: "shop.yaml:7".into(),
        reason: "broken".into(),
    });
    let error = allow(&world, &ask("10.7.0.99", "nginx")).unwrap_err();
    assert!(matches!(error, PlanError::Unknown { .. }), "{error:?}");
    assert!(said(&error).contains("shop.yaml:7"));
}

#[test]
fn a_name_that_is_taken_gives_another_one() {
    let foreign =
        BY_HAND.replace("allow-nginx-ingress", "zerotrust-nginx-ingress").replace("app == 'nginx'", "app == 'x'");
    let (plan, _) = allowed(&cluster(&format!("{DENY}{foreign}")), "10.7.0.99", "nginx");
    assert_eq!(steps(&plan), ["NetworkPolicy demo/zerotrust-nginx-ingress-2"]);
}

#[test]
fn a_rule_that_was_lost_is_brought_back() {
    let world = cluster(DENY);
    let (_, after) = allowed(&world, "demo/access", "nginx");
    let mut half = after.clone();
    half.written.retain(|id, _| id.name != "zerotrust-access-egress");
    half.policies.retain(|policy| policy.id.name != "zerotrust-access-egress");
    let (plan, healed) = allowed(&half, "demo/access", "nginx");
    assert_eq!(steps(&plan), ["NetworkPolicy demo/zerotrust-access-egress"]);
    assert_eq!(policies(&healed), policies(&after));
}

#[test]
fn a_new_reason_is_written_down() {
    let world = cluster(DENY);
    let (_, after) = allowed(&world, "10.7.0.99", "nginx");
    let plan = allow(&after, &Ask { reason: Some("ticket 7".into()), ..ask("10.7.0.99", "nginx") }).unwrap();
    assert_eq!(plan.steps.len(), 1);
    let then = crate::plan::simulate::simulate(&after, &plan.steps).unwrap();
    assert_eq!(crate::plan::revoke::grants(&then)[0].grant.reason.as_deref(), Some("ticket 7"));
    assert_eq!(allow(&then, &ask("10.7.0.99", "nginx")).unwrap().steps, []);
}

#[test]
fn a_default_deny_of_kubernetes_is_repaired_beside_it() {
    let deny = "{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: deny, namespace: demo}, spec: {podSelector: {}, policyTypes: [Ingress]}}";
    let world = cluster(deny);
    let (plan, after) = allowed(&world, "10.7.0.99", "nginx");
    assert_eq!(steps(&plan), ["NetworkPolicy demo/zerotrust-nginx-ingress"]);
    assert!(plan.steps[0].why.contains("KubernetesNetworkPolicy demo/deny"), "{}", plan.steps[0].why);
    assert!(passes(&after, CLIENT));
    let (plan, _) = allowed(&world, "shop/cart", "nginx");
    assert_eq!(plan.steps.len(), 1, "nothing polices egress of shop/cart");
}

#[test]
fn a_grant_to_pods_that_are_open_stands_at_the_sender() {
    let world = cluster(DENY);
    let (plan, after) = allowed(&world, "demo/access", "kube-system/kube-dns 9153");
    assert_eq!(steps(&plan), ["NetworkPolicy demo/zerotrust-access-egress"]);
    assert_eq!(crate::plan::revoke::grants(&after)[0].policy.name, "zerotrust-access-egress");
    assert!(passes(&after, "10.20.112.20 -> 10.20.112.10 tcp:9153"));
    assert_eq!(allowed(&after, "demo/access", "kube-system/kube-dns 9153").0.steps, []);
}

#[test]
fn both_families_are_opened_where_pods_have_both() {
    let dual = r#"
{kind: IPPool, apiVersion: projectcalico.org/v3, metadata: {name: six}, spec: {cidr: "fd00:20::/64"}}
---
{kind: Service, apiVersion: v1, metadata: {name: dual, namespace: shop}, spec: {selector: {app: dual}, ports: [{port: 80}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: dual, namespace: shop, labels: {app: dual}}, spec: {nodeName: w1}, status: {podIP: 10.20.40.77, podIPs: [{ip: 10.20.40.77}, {ip: "fd00:20::77"}]}}
---
"#;
    let world = cluster(&format!("{DENY}{dual}"));
    let (_, after) = allowed(&world, "10.7.0.99,fd00:7::99", "shop/dual");
    assert!(passes(&after, "10.7.0.99 -> 10.20.40.77 tcp:80"));
    assert!(passes(&after, "fd00:7::99 -> fd00:20::77 tcp:80"));
    assert!(!passes(&after, "fd00:7::98 -> fd00:20::77 tcp:80"));
    let (_, after) = allowed(&world, "world", "shop/dual");
    assert!(passes(&after, "2001:db8::1 -> fd00:20::77 tcp:80"));
    assert!(!passes(&after, "fd00:20::1 -> fd00:20::77 tcp:80"));
    let error = allow(&world, &ask("fd00:7::99", "nginx")).unwrap_err();
    assert!(said(&error).contains("no family of addresses in common"), "{error:?}");
}

#[test]
fn a_pod_without_address_is_planned_for_as_it_will_be() {
    let pending = "{kind: Pod, apiVersion: v1, metadata: {name: late, namespace: shop, labels: {app: late}}, spec: {containers: [{name: c, ports: [{containerPort: 9000}]}]}}";
    let (plan, _) = allowed(&cluster(&format!("{DENY}{pending}")), "10.7.0.99", "shop/late");
    assert_eq!(steps(&plan), ["NetworkPolicy shop/zerotrust-late-ingress"]);
}

#[test]
fn without_a_door_a_client_is_told_so() {
    let world = crate::testing::world(&format!(
        "{}{DENY}",
        CLUSTER.replace("type: NodePort, ", "").replace(", nodePort: 32127", "")
    ));
    let (plan, _) = allowed(&world, "10.7.0.99", "nginx");
    assert!(notes(&plan).contains("no door leads clients outside to demo/nginx"), "{}", notes(&plan));
    let (plan, _) = allowed(&world, "demo/access", "nginx");
    assert!(!notes(&plan).contains("no door"));
}

#[test]
fn a_hosts_own_policy_on_the_way_is_said() {
    let perimeter = r#"
{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {name: w1-eth0, labels: {edge: "yes"}}, spec: {node: w1, interfaceName: eth0, expectedIPs: [10.128.147.102]}}
---
{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: edge}, spec: {selector: has(edge), preDNAT: true, applyOnForward: true, types: [Ingress], ingress: [{action: Deny}]}}
---
"#;
    let (plan, _) = allowed(&cluster(&format!("{DENY}{perimeter}")), "10.7.0.99", "nginx");
    assert!(notes(&plan).contains("still stopped at pre-dnat"), "{}", notes(&plan));
}
