//! Lockdowns of a small cluster, made and found, with their lifelines.
//! Never looks at grants.

use super::super::testing::{CLUSTER, DENY, cluster, locked as lock, notes, passes, policies, said, steps};
use super::*;
use crate::plan::simulate::document;
use serde_json::Value;

fn plan(world: &World, ask: &Ask) -> (Plan, World) {
    let plan = lockdown(world, ask).unwrap_or_else(|error| panic!("{error:?}"));
    let after = simulate(world, &plan.steps).unwrap();
    (plan, after)
}

fn spec(world: &World, name: &str) -> Value {
    let (id, written) = world.written.iter().find(|(id, _)| id.name == name).unwrap();
    document(id, written)["spec"].clone()
}

#[test]
fn everything_is_denied_but_dns_over_udp_and_tcp() {
    let world = cluster("");
    let (plan, after) = lock(&world);
    assert_eq!(steps(&plan), ["GlobalNetworkPolicy deny-app-policy"]);
    assert_eq!(
        spec(&after, "deny-app-policy"),
        json!({
            "namespaceSelector": "has(projectcalico.org/name) && projectcalico.org/name not in {\"calico-apiserver\", \"calico-system\", \"kube-node-lease\", \"kube-public\", \"kube-system\", \"tigera-operator\"}",
            "types": ["Ingress", "Egress"],
            "egress": [
                {"action": "Allow", "protocol": "UDP", "destination": {"selector": "k8s-app == \"kube-dns\"", "namespaceSelector": "projectcalico.org/name == \"kube-system\"", "ports": [53]}},
                {"action": "Allow", "protocol": "TCP", "destination": {"selector": "k8s-app == \"kube-dns\"", "namespaceSelector": "projectcalico.org/name == \"kube-system\"", "ports": [53]}},
            ],
        })
    );
    for open in
        ["10.20.112.20 -> 10.20.112.10 udp:53", "10.20.112.20 -> 10.20.112.10 tcp:53", "10.20.112.10 -> 8.8.8.8 udp:53"]
    {
        assert!(passes(&after, open), "{open}");
    }
    for closed in [
        "10.20.112.20 -> 10.20.40.90 tcp:80",
        "10.7.0.99 -> 10.20.40.90 tcp:80",
        "10.20.112.20 -> 8.8.8.8 tcp:443",
        "10.20.112.20 -> 10.20.112.10 tcp:9153",
    ] {
        assert!(!passes(&after, closed), "{closed}");
    }
}

#[test]
fn a_second_lockdown_changes_nothing() {
    for ask in [
        Ask::default(),
        Ask { log: true, ..Ask::default() },
        Ask { except: vec!["shop".into()], ..Ask::default() },
        Ask { only: vec!["shop".into()], ..Ask::default() },
        Ask { name: Some("zero".into()), ..Ask::default() },
    ] {
        let (_, after) = plan(&cluster(WEBHOOK), &ask);
        let (again, _) = plan(&after, &ask);
        assert_eq!(again.steps, [], "{ask:?}");
    }
}

#[test]
fn a_lockdown_by_hand_is_recognised_and_completed() {
    for by_hand in [
        DENY.to_string(),
        DENY.replace("deny-app-policy", "zero-trust"),
        DENY.replace("types:", "ingress: [{action: Log, protocol: TCP}]\n  types:"),
    ] {
        let world = cluster(&by_hand);
        assert!(!passes(&world, "10.20.112.20 -> 10.20.112.10 tcp:53"));
        let (plan, after) = lock(&world);
        assert_eq!(plan.steps.len(), 1, "{:?}", plan.steps);
        assert!(plan.steps[0].why.contains("DNS over TCP is not allowed"), "{}", plan.steps[0].why);
        assert_eq!(after.written.len(), 1);
        assert!(passes(&after, "10.20.112.20 -> 10.20.112.10 tcp:53"));
        assert_eq!(lock(&after).0.steps, []);
    }
}

#[test]
fn system_namespaces_that_a_hand_written_lockdown_forgot_are_left_out() {
    let forgot = DENY.replace("\"kube-system\", ", "");
    let (plan, after) = lock(&cluster(&forgot));
    assert!(plan.steps[0].why.contains("it locks kube-system, which should stay open"), "{}", plan.steps[0].why);
    let selector = spec(&after, "deny-app-policy")["namespaceSelector"].clone();
    assert!(selector.as_str().unwrap().ends_with("not in {\"calico-system\", \"kube-system\"}"), "{selector}");
    assert!(passes(&after, "10.20.112.20 -> 10.20.112.10 udp:53"));
    let other = DENY.replace(
        "has(projectcalico.org/name) && projectcalico.org/name not in {\"kube-system\", \"calico-system\"}",
        "kubernetes.io/metadata.name != 'calico-system'",
    );
    let (_, after) = lock(&cluster(&other));
    let selector = spec(&after, "deny-app-policy")["namespaceSelector"].clone();
    assert!(
        selector.as_str().unwrap().starts_with("(kubernetes.io/metadata.name != 'calico-system') && "),
        "{selector}"
    );
    assert!(passes(&after, "10.20.112.20 -> 10.20.112.10 udp:53"));
}

#[test]
fn what_its_author_left_out_stays_open_and_is_said() {
    let (plan, after) = lock(&cluster(&DENY.replace("{\"kube-system\"", "{\"shop\", \"kube-system\"")));
    assert!(notes(&plan).contains("shop stay open"), "{}", notes(&plan));
    assert!(!locked(&after).contains("shop"));
}

#[test]
fn a_default_deny_of_one_namespace_is_no_lockdown() {
    for selector in ["projectcalico.org/name == 'demo'", "projectcalico.org/name in {'demo'}"] {
        let one = DENY.replace(
            "has(projectcalico.org/name) && projectcalico.org/name not in {\"kube-system\", \"calico-system\"}",
            selector,
        );
        let world = cluster(&one.replace("deny-app-policy", "demo-deny"));
        assert!(lockdowns(&world).is_empty());
        let (plan, _) = lock(&world);
        assert_eq!(steps(&plan), ["GlobalNetworkPolicy deny-app-policy"]);
    }
    for not in [
        DENY.replace("types: [Ingress, Egress]", "types: [Egress]"),
        DENY.replace("{action: Allow, protocol: UDP", "{action: Allow}\n  - {action: Allow, protocol: UDP"),
        DENY.replace("  types:", "  selector: app == 'nginx'\n  types:"),
        DENY.replace("ports: [53]", "ports: [80]"),
    ] {
        assert!(lockdowns(&cluster(&not)).is_empty(), "{not}");
    }
}

#[test]
fn two_that_fit_are_listed() {
    let world = cluster(&format!("{DENY}{}", DENY.replace("deny-app-policy", "second")));
    let error = lockdown(&world, &Ask::default()).unwrap_err();
    assert!(said(&error).contains("--name second"), "{error:?}");
    let (chosen, _) = plan(&world, &Ask { name: Some("second".into()), ..Ask::default() });
    assert_eq!(steps(&chosen), ["GlobalNetworkPolicy second"]);
}

#[test]
fn a_policy_of_another_meaning_keeps_its_name() {
    let other = DENY.replace("types: [Ingress, Egress]", "types: [Egress]");
    let error = lockdown(&cluster(&other), &Ask::default()).unwrap_err();
    assert!(said(&error).contains("--name NAME"), "{error:?}");
}

#[test]
fn one_that_machinery_keeps_is_not_changed_but_said() {
    let kept =
        DENY.replace("{name: deny-app-policy}", "{name: deny-app-policy, labels: {argocd.argoproj.io/instance: x}}");
    let (plan, _) = lock(&cluster(&kept));
    assert_eq!(plan.steps, []);
    assert!(notes(&plan).contains("Argo CD"), "{}", notes(&plan));
    assert!(notes(&plan).contains("DNS over TCP"), "{}", notes(&plan));
    assert!(notes(&plan).contains(r#"add to spec.egress [{"action":"Allow","#), "{}", notes(&plan));
}

#[test]
fn without_dns_it_is_refused_until_the_risk_is_taken() {
    let mut world = cluster("");
    world.services.remove(&("kube-system".to_string(), "kube-dns".to_string()));
    let error = lockdown(&world, &Ask::default()).unwrap_err();
    assert!(matches!(error, PlanError::Refused { .. }) && said(&error).contains("--accept-risk dns"), "{error:?}");
    let (plan, _) = plan(&world, &Ask { accepted: vec![Risk::Dns], ..Ask::default() });
    assert_eq!(plan.steps.len(), 1);
}

#[test]
fn dns_is_wherever_its_service_says() {
    let moved = CLUSTER
        .replace(
            "targetPort: 53}, {name: dns-tcp, port: 53, protocol: TCP, targetPort: 53}",
            "targetPort: dns}, {name: dns-tcp, port: 53, protocol: TCP, targetPort: 5353}",
        )
        .replace("containerPort: 53", "containerPort: 5353")
        .replace("k8s-app: kube-dns}, ports", "dns: main}, ports")
        .replace("labels: {k8s-app: kube-dns}}\nspec: {nodeName", "labels: {dns: main}}\nspec: {nodeName");
    let (_, after) = lock(&crate::testing::world(&moved));
    let egress = spec(&after, "deny-app-policy")["egress"].clone();
    assert_eq!(egress[0]["destination"]["selector"], "dns == \"main\"");
    assert_eq!(egress[0]["destination"]["ports"], json!([5353]));
    assert!(passes(&after, "10.20.112.20 -> 10.20.112.10 udp:5353"));
    assert!(!passes(&after, "10.20.112.20 -> 10.20.112.10 udp:53"));
}

#[test]
fn node_local_dns_is_reached_at_its_own_and_the_clusters_address() {
    let mut world = cluster("");
    world.node_local_dns = vec!["169.254.20.10".parse().unwrap()];
    let (_, after) = lock(&world);
    for ip in ["169.254.20.10", "10.21.0.10"] {
        assert!(passes(&after, &format!("10.20.112.20 -> {ip} udp:53")), "{ip}");
        assert!(passes(&after, &format!("10.20.112.20 -> {ip} tcp:53")), "{ip}");
    }
    assert_eq!(lock(&after).0.steps, []);
}

const WEBHOOK: &str = r#"
kind: Service
apiVersion: v1
metadata: {name: checker, namespace: shop}
spec: {selector: {app: cart}, ports: [{port: 443, targetPort: http}]}
---
kind: ValidatingWebhookConfiguration
apiVersion: admissionregistration.k8s.io/v1
metadata: {name: check}
webhooks: [{name: check.shop, clientConfig: {service: {namespace: shop, name: checker}}}]
---
"#;

#[test]
fn webhooks_in_locked_namespaces_get_a_lifeline_first() {
    let world = cluster(WEBHOOK);
    let (plan, after) = lock(&world);
    assert_eq!(steps(&plan), ["NetworkPolicy shop/zerotrust-lifeline-checker", "GlobalNetworkPolicy deny-app-policy"]);
    assert!(plan.steps[0].why.contains("ValidatingWebhookConfiguration check"), "{}", plan.steps[0].why);
    let between = simulate(&world, &plan.steps[..1]).unwrap();
    for world in [&between, &after] {
        for node in ["10.128.146.177", "10.20.112.64"] {
            assert!(passes(world, &format!("{node} -> 10.20.112.30 tcp:8080")), "{node}");
        }
        assert!(!passes(world, "10.128.147.102 -> 10.20.112.30 tcp:8080"), "a worker is no caller");
        assert!(!passes(world, "10.128.146.177 -> 10.20.112.30 tcp:22"));
    }
    assert_eq!(lock(&after).0.steps, []);
    let (only, _) = super::tests::plan(&world, &Ask { only: vec!["demo".into()], ..Ask::default() });
    assert_eq!(steps(&only), ["GlobalNetworkPolicy deny-app-policy"]);
}

#[test]
fn a_lifeline_follows_the_nodes() {
    let (_, mut after) = lock(&cluster(WEBHOOK));
    let mut node = after.nodes["m1"].clone();
    node.name = "m2".into();
    node.addresses.iter_mut().for_each(|address| address.ip = "10.128.146.255".parse().unwrap());
    after.nodes.insert("m2".into(), node);
    after.index();
    let (plan, then) = lock(&after);
    assert_eq!(steps(&plan), ["NetworkPolicy shop/zerotrust-lifeline-checker"]);
    assert!(passes(&then, "10.128.146.255 -> 10.20.112.30 tcp:8080"));
    // `sync` does the same, and takes out what no caller has where it is known who calls.
    let synced = crate::plan::sync::sync(&after, &[]).unwrap();
    assert_eq!(steps(&synced.plan), ["NetworkPolicy shop/zerotrust-lifeline-checker"]);
    let by_sync = simulate(&after, &synced.plan.steps).unwrap();
    assert_eq!(spec(&by_sync, "zerotrust-lifeline-checker"), spec(&then, "zerotrust-lifeline-checker"));
    assert_eq!(lock(&by_sync).0.steps, []);
    let mut less = by_sync;
    less.nodes.remove("m1");
    less.index();
    let then = simulate(&less, &crate::plan::sync::sync(&less, &[]).unwrap().plan.steps).unwrap();
    assert!(passes(&then, "10.128.146.177 -> 10.20.112.30 tcp:8080"), "who calls is not known, so it stays");
    less.api_servers = crate::model::world::Fact::known(vec!["10.128.146.255".parse().unwrap()], "Endpoints");
    let then = simulate(&less, &crate::plan::sync::sync(&less, &[]).unwrap().plan.steps).unwrap();
    assert!(!passes(&then, "10.128.146.177 -> 10.20.112.30 tcp:8080"));
    assert!(passes(&then, "10.128.146.255 -> 10.20.112.30 tcp:8080"));
}

#[test]
fn a_control_plane_that_is_not_among_the_nodes_has_to_be_accepted() {
    let mut world = cluster(WEBHOOK);
    world.api_servers = crate::model::world::Fact::known(vec!["172.16.0.1".parse().unwrap()], "Endpoints");
    let error = lockdown(&world, &Ask::default()).unwrap_err();
    assert!(
        matches!(error, PlanError::Refused { .. }) && said(&error).contains("--accept-risk api-server"),
        "{error:?}"
    );
    let accepted = Ask { accepted: vec![Risk::ApiServer], ..Ask::default() };
    let (_, after) = plan(&world, &accepted);
    assert!(passes(&after, "172.16.0.1 -> 10.20.112.30 tcp:8080"));
    world.api_servers = crate::model::world::Fact::unknown("not read");
    world.nodes.get_mut("m1").unwrap().control_plane = None;
    let error = lockdown(&world, &Ask::default()).unwrap_err();
    assert!(
        matches!(error, PlanError::Unknown { .. }) && said(&error).contains("--accept-risk api-server"),
        "{error:?}"
    );
}

#[test]
fn names_that_do_not_exist_are_answered_with_those_that_do() {
    for ask in
        [Ask { only: vec!["shpo".into()], ..Ask::default() }, Ask { except: vec!["shpo".into()], ..Ask::default() }]
    {
        let error = lockdown(&cluster(""), &ask).unwrap_err();
        assert!(said(&error).contains("demo, kube-system, shop"), "{error:?}");
    }
}

#[test]
fn logs_come_last_and_only_once() {
    let ask = Ask { log: true, ..Ask::default() };
    let (_, after) = plan(&cluster(DENY), &ask);
    let spec = spec(&after, "deny-app-policy");
    assert_eq!(spec["ingress"][0]["action"], "Log");
    let actions: Vec<&str> = spec["egress"].as_array().unwrap().iter().map(|r| r["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["Allow", "Allow", "Log"]);
    assert_eq!(plan(&after, &ask).0.steps, []);
}

#[test]
fn what_stops_is_counted_and_named() {
    let text = notes(&lock(&cluster("")).0);
    assert!(text.contains("locked: 2 namespaces (demo, shop) with 3 pods"), "{text}");
    assert!(text.contains("1 Service (demo/nginx)"), "{text}");
    assert!(text.contains("demo/nginx (node port 32127)"), "{text}");
    assert!(text.contains("left out: kube-system (Kubernetes' own)"), "{text}");
}

#[test]
fn except_and_only_choose() {
    let (_, after) = plan(&cluster(""), &Ask { except: vec!["shop".into()], ..Ask::default() });
    assert_eq!(locked(&after).into_iter().collect::<Vec<_>>(), ["demo"]);
    let (_, after) = plan(&cluster(""), &Ask { only: vec!["shop".into()], ..Ask::default() });
    assert_eq!(locked(&after).into_iter().collect::<Vec<_>>(), ["shop"]);
    let (_, wider) = plan(&after, &Ask::default());
    assert_eq!(locked(&wider).into_iter().collect::<Vec<_>>(), ["demo", "shop"]);
    let error = lockdown(&wider, &Ask { only: vec!["shop".into()], ..Ask::default() }).unwrap_err();
    assert!(said(&error).contains("unlock"), "{error:?}");
}

#[test]
fn the_way_there_and_back_is_the_identity() {
    let world = cluster(WEBHOOK);
    let (_, after) = lock(&world);
    let back = crate::plan::unlock::unlock(&after, None).unwrap();
    assert_eq!(policies(&simulate(&after, &back.steps).unwrap()), policies(&world));
}

#[test]
fn two_services_for_the_same_pods_keep_both_ports_at_every_step() {
    let second = WEBHOOK
        .replace("name: checker", "name: second")
        .replace("selector: {app: cart}", "selector: {tier: back}")
        .replace("targetPort: http", "targetPort: 9443")
        .replace("{name: check}", "{name: check-2}");
    let world = cluster(&format!("{WEBHOOK}{second}"));
    let (plan, _) = lock(&world);
    assert_eq!(plan.steps.len(), 3);
    for done in 1..=3 {
        let after = simulate(&world, &plan.steps[..done]).unwrap();
        for port in [8080, 9443] {
            assert!(passes(&after, &format!("10.128.146.177 -> 10.20.112.30 tcp:{port}")), "step {done}, port {port}");
        }
    }
}

#[test]
fn a_webhook_that_somebody_denies_anyway_gets_no_lifeline() {
    let denied = r#"
kind: GlobalNetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {name: no-http}
spec: {order: 10, selector: app == 'cart', types: [Ingress], ingress: [{action: Deny, protocol: TCP, destination: {ports: [8080]}}, {action: Allow}]}
---
"#;
    let (plan, _) = lock(&cluster(&format!("{WEBHOOK}{denied}")));
    assert_eq!(steps(&plan), ["GlobalNetworkPolicy deny-app-policy"]);
    assert!(notes(&plan).contains("GlobalNetworkPolicy no-http denies what the API server calls at shop/checker"));
}

#[test]
fn lifelines_come_before_a_lockdown_that_denies_by_rule() {
    let deny =
        DENY.replace("types: [Ingress, Egress]", "order: 500\n  types: [Ingress, Egress]\n  ingress: [{action: Deny}]");
    let world = cluster(&format!("{deny}{WEBHOOK}"));
    assert!(!passes(&world, "10.128.146.177 -> 10.20.112.30 tcp:8080"));
    let (_, after) = lock(&world);
    assert!(passes(&after, "10.128.146.177 -> 10.20.112.30 tcp:8080"));
}

#[test]
fn pods_that_were_kept_from_dns_are_pointed_out() {
    let silent = r#"
kind: NetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {name: silent, namespace: demo}
spec: {selector: run == 'access', types: [Egress]}
---
"#;
    assert!(notes(&lock(&cluster(silent)).0).contains("demo/access could not ask DNS over UDP"));
    assert!(!notes(&lock(&cluster("")).0).contains("could not ask DNS"));
}
