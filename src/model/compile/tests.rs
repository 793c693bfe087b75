//! What Felix makes of policies, right and wrong ones.
//! Never knows worlds.

use serde_json::{Value, json};

use super::*;
use crate::findings::*;
use crate::model::policy::{Direction, Policy, Port, RuleAction};
use crate::model::selector::Selector;

fn id(name: &str) -> PolicyId {
    match name.split_once('/') {
        Some((namespace, name)) => {
            PolicyId { kind: PolicyKind::NetworkPolicy, namespace: Some(namespace.into()), name: name.into() }
        }
        None => PolicyId { kind: PolicyKind::GlobalNetworkPolicy, namespace: None, name: name.into() },
    }
}

fn compiled(name: &str, spec: Value) -> Compiled {
    let spec: PolicySpec = serde_json::from_value(spec).unwrap();
    compile(id(name), "default.p", &spec, Version::parse("3.18.1"), "a.yaml:1")
}

fn policy(name: &str, spec: Value) -> Policy {
    compiled(name, spec).policy.expect("Felix takes it")
}

fn codes(compiled: &Compiled) -> Vec<&'static str> {
    compiled.findings.iter().map(|finding| finding.code.code).collect()
}

fn one_rule(rule: Value) -> Value {
    json!({"types": ["Ingress"], "ingress": [rule]})
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

#[test]
fn without_types_both_directions_are_enforced() {
    let compiled = compiled("p", json!({"ingress": [{"action": "Allow"}]}));
    assert_eq!(codes(&compiled), [TYPES_MISSING.code]);
    let policy = compiled.policy.unwrap();
    assert!(policy.rules(Direction::Ingress).is_some_and(|rules| rules.len() == 1));
    assert!(policy.rules(Direction::Egress).is_some_and(|rules| rules.is_empty()));
    assert!(self::policy("p", json!({"types": ["Egress"]})).ingress.is_none());
}

#[test]
fn a_selector_that_cannot_be_read_drops_the_policy() {
    let dropped = compiled("p", json!({"types": ["Ingress"], "selector": "a == 'b'\n"}));
    assert_eq!((codes(&dropped), dropped.policy), (vec![SELECTOR_UNREADABLE.code], None));
    let rule = compiled("p", one_rule(json!({"action": "Deny", "source": {"selector": "role = 'x'"}})));
    assert_eq!((codes(&rule), rule.policy), (vec![RULE_SELECTOR_UNREADABLE.code], None));
    // A namespaceSelector is left out of the policy, which then is for every namespace.
    let wider = compiled("p", json!({"types": ["Ingress"], "selector": "a == 'b'", "namespaceSelector": "x ="}));
    assert_eq!(codes(&wider), [RULE_SELECTOR_UNREADABLE.code]);
    assert_eq!(wider.policy.unwrap().selector, selector("a == 'b'"));
}

#[test]
fn addresses_that_cannot_be_read_widen_the_rule() {
    let all = compiled("p", one_rule(json!({"action": "Allow", "source": {"nets": ["10.0.0.0/33"]}})));
    assert_eq!(codes(&all), [NETS_ALL_UNREADABLE.code]);
    assert_eq!(all.policy.unwrap().ingress.unwrap()[0].source.nets, None);
    let some = compiled("p", one_rule(json!({"action": "Allow", "source": {"nets": ["10.0.0.0/33", "10.1.2.3/16"]}})));
    assert_eq!(codes(&some), [NET_UNREADABLE.code]);
    let nets = some.policy.unwrap().ingress.unwrap()[0].source.nets.clone().unwrap();
    assert_eq!(nets, ["10.1.0.0/16".parse().unwrap()]);
}

#[test]
fn a_port_that_cannot_be_decoded_stops_every_policy_of_the_kind() {
    for port in [json!("99999"), json!(70000), json!("10:1"), json!("a b")] {
        let rule = json!({"action": "Allow", "protocol": "TCP", "destination": {"ports": [port]}});
        let compiled = compiled("p", one_rule(rule));
        assert!(compiled.stops_kind.is_some(), "{port}");
        assert_eq!(codes(&compiled), [PORT_UNREADABLE.code], "{port}");
    }
    // A dash makes it a name, which no port can have.
    let rule = json!({"action": "Allow", "protocol": "TCP", "destination": {"ports": ["10-20"]}});
    let named = compiled("p", one_rule(rule));
    assert_eq!(codes(&named), [PORT_NEVER_MATCHES.code]);
    assert_eq!(named.stops_kind, None);
    let policy = named.policy.unwrap();
    assert_eq!(policy.ingress.unwrap()[0].destination.ports, Some(vec![Port::Named("10-20".into())]));
    assert!(policy.doubt.is_some());
}

#[test]
fn actions_are_lower_cased_but_for_pass() {
    let action = |action: &str| compiled("p", one_rule(json!({"action": action})));
    let taken = |name: &str| action(name).policy.map(|policy| policy.ingress.unwrap()[0].action);
    assert_eq!(taken("allow"), Some(RuleAction::Allow));
    assert_eq!(taken("DENY"), Some(RuleAction::Deny));
    assert_eq!(taken(""), Some(RuleAction::Allow));
    assert_eq!(taken("Pass"), Some(RuleAction::Pass));
    // Up to 3.28 Felix reads `pass`, and any other word makes it panic; later it drops the policy.
    assert_eq!(taken("pass"), Some(RuleAction::Pass));
    assert_eq!((codes(&action("Alow")), action("Alow").stops_nodes.is_some()), (vec![ACTION_UNKNOWN.code], true));
    for dropped in ["pass", "Alow"] {
        let spec: PolicySpec = serde_json::from_value(one_rule(json!({"action": dropped}))).unwrap();
        let later = compile(id("p"), "default.p", &spec, Version::parse("3.31.0"), "");
        assert_eq!(
            (codes(&later), later.policy, later.stops_nodes),
            (vec![ACTION_UNKNOWN.code], None, None),
            "{dropped}"
        );
    }
}

#[test]
fn ports_need_a_protocol_that_has_some() {
    for rule in [
        json!({"action": "Allow", "destination": {"ports": [80]}}),
        json!({"action": "Allow", "protocol": "ICMP", "destination": {"ports": ["http"]}}),
        json!({"action": "Allow", "protocol": "HTTP"}),
        json!({"action": "Allow", "ipVersion": 5}),
    ] {
        let compiled = compiled("p", one_rule(rule.clone()));
        assert_eq!((codes(&compiled), compiled.policy), (vec![POLICY_REFUSED.code], None), "{rule}");
    }
}

#[test]
fn selectors_are_combined_as_calico_combines_them() {
    let of = |name: &str, spec: Value| policy(name, spec).selector;
    let types = json!(["Ingress"]);
    assert_eq!(of("p", json!({"types": types})), selector("all()"));
    assert_eq!(of("shop/p", json!({"types": types})), selector("projectcalico.org/namespace == 'shop'"));
    assert_eq!(
        of("shop/p", json!({"types": types, "selector": "app == 'web'", "serviceAccountSelector": "kind == 'robot'"})),
        selector("((app == 'web') && projectcalico.org/namespace == 'shop') && pcsa.kind == 'robot'")
    );
    // all() beside a namespaceSelector leaves host endpoints alone.
    assert_eq!(
        of("p", json!({"types": types, "selector": "all()", "namespaceSelector": "team != 'red'"})),
        selector("(has(projectcalico.org/namespace)) && pcns.team != 'red'")
    );
    assert_eq!(
        of("p", json!({"types": types, "namespaceSelector": "all()"})),
        selector("has(projectcalico.org/namespace)")
    );
}

#[test]
fn a_rule_of_a_namespaced_policy_stays_in_its_namespace() {
    let source = |name: &str, source: Value| {
        let rule = json!({"action": "Allow", "source": source});
        policy(name, one_rule(rule)).ingress.unwrap().remove(0).source
    };
    let own = selector("projectcalico.org/namespace == 'shop'");
    assert_eq!(
        source("shop/p", json!({"selector": "app == 'web'"})).selector,
        Some(selector("(projectcalico.org/namespace == 'shop') && (app == 'web')"))
    );
    // notSelector alone too, so that it never matches what is no pod of the namespace.
    let negative = source("shop/p", json!({"notSelector": "app == 'web'"}));
    assert_eq!((negative.selector, negative.not_selector), (Some(own), Some(selector("app == 'web'"))));
    assert_eq!(source("p", json!({"notSelector": "app == 'web'"})).selector, None);
    assert_eq!(source("shop/p", json!({"nets": ["10.0.0.0/8"]})).selector, None);
    assert_eq!(
        source("shop/p", json!({"selector": "role == 'edge'", "namespaceSelector": "global()"})).selector,
        Some(selector("(!has(projectcalico.org/namespace)) && (role == 'edge')"))
    );
    assert_eq!(
        source("shop/p", json!({"namespaceSelector": "all()"})).selector,
        Some(selector("has(projectcalico.org/namespace)"))
    );
    assert_eq!(
        source("p", json!({"serviceAccounts": {"names": ["a", "b"], "selector": "kind == 'robot'"}})).selector,
        Some(selector("(pcsa.kind == 'robot') && (projectcalico.org/serviceaccount in {'a', 'b'})"))
    );
}

#[test]
fn a_third_ored_match_is_not_checked() {
    let rule = |ports: Value, sources: Value| {
        json!({"action": "Allow", "protocol": "TCP", "source": {"nets": sources},
               "destination": {"nets": ["10.0.0.1/32", "10.0.0.2/32"], "ports": ports}})
    };
    let found = |rule: Value| !codes(&compiled("p", one_rule(rule))).is_empty();
    let two = json!(["10.1.0.0/16", "10.2.0.0/16"]);
    assert!(found(rule(json!([80, "http"]), two.clone())));
    assert!(found(rule(json!(["http", "web"]), two.clone())));
    let sixteen: Vec<u16> = (1..=16).collect();
    assert!(found(rule(json!(sixteen), two.clone())));
    assert!(!found(rule(json!([80]), two.clone())));
    assert!(!found(rule(json!([80, 81, 82]), two)));
    assert!(!found(rule(json!([80, "http"]), json!(["10.1.0.0/16"]))));
}

#[test]
fn not_nets_of_everything_stops_felix_before_3_31() {
    let spec = one_rule(json!({"action": "Deny", "source": {"notNets": ["0.0.0.0/0"]}}));
    let old = compiled("p", spec.clone());
    assert_eq!((codes(&old), old.stops_nodes.is_some()), (vec![NOT_NETS_ALL.code], true));
    let spec: PolicySpec = serde_json::from_value(spec).unwrap();
    let new = compile(id("p"), "default.p", &spec, Version::parse("3.31.0"), "");
    assert_eq!((codes(&new), new.stops_nodes), (vec![NOT_NETS_ALL.code], None));
}

#[test]
fn protocol_and_not_protocol_in_one_rule_stop_felix() {
    let stops = |rule| compiled("p", one_rule(rule)).stops_nodes.is_some();
    assert!(stops(json!({"action": "Deny", "protocol": "TCP", "notProtocol": "UDP"})));
    assert!(!stops(json!({"action": "Deny", "notProtocol": "UDP"})));
}

#[test]
fn equal_orders_are_decided_by_stored_names_up_to_3_31_and_by_names_since() {
    let at = |name: &str, stored: &str, version: &str| {
        let spec = PolicySpec { types: vec!["Ingress".into()], ..PolicySpec::default() };
        compile(id(name), stored, &spec, Version::parse(version), "").policy.unwrap().tie_break
    };
    assert_eq!(at("allow", "default.allow", "3.18.1"), "default.allow");
    assert_eq!(at("shop/allow", "default.allow", "3.31.4"), "shop/default.allow");
    assert_eq!(at("allow", "allow", "3.32.0"), "allow//GlobalNetworkPolicy");
    assert_eq!(at("shop/allow", "allow", "3.32.0"), "allow/shop/NetworkPolicy");
    // So allow-2 comes before allow.
    assert!(at("allow-2", "allow-2", "3.32.0") < at("allow", "allow", "3.32.0"));
}

#[test]
fn the_tier_is_told_by_the_name_from_3_29_to_3_31() {
    let spec = PolicySpec { tier: Some("web".into()), ..PolicySpec::default() };
    assert_eq!(tier(&spec, "default.p", Version::parse("3.28.5")), "default");
    assert_eq!(tier(&spec, "my.policy", Version::parse("3.30.0")), "my");
    assert_eq!(tier(&spec, "default.p", Version::parse("3.30.0")), "default");
    assert_eq!(tier(&spec, "p", Version::parse("3.32.0")), "web");
}

#[test]
fn the_grant_of_a_rule_is_read() {
    let rule = json!({"action": "Allow", "metadata": {"annotations": {"kubectl-zerotrust/grant": "abc"}}});
    assert_eq!(policy("p", one_rule(rule)).ingress.unwrap()[0].grant.as_deref(), Some("abc"));
}
