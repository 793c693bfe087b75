//! What edits make of objects: places, repetitions, conflicts.
//! Never looks at a world.

use serde_json::json;

use super::*;

fn policy(spec: Value) -> Value {
    json!({"apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
           "metadata": {"name": "web", "namespace": "shop"}, "spec": spec})
}

fn rule(text: Value) -> RuleSpec {
    serde_json::from_value(text).unwrap()
}

fn from(net: &str, grant: &str) -> Value {
    json!({"action": "Allow", "source": {"nets": [net]}, "metadata": {"annotations": {GRANT: grant}}})
}

fn ingress(object: &Value) -> Vec<String> {
    let list = object.pointer("/spec/ingress").and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter()
        .map(|rule| match rule.pointer("/source/nets/0").and_then(Value::as_str) {
            Some(net) => net.to_string(),
            None => rule["action"].as_str().unwrap().to_string(),
        })
        .collect()
}

fn add(object: &Value, rules: &[Value]) -> Result<Value, EditError> {
    let rules = rules.iter().cloned().map(rule).collect();
    Edit::AddRules(Direction::Ingress, rules).apply(Some(object)).map(Option::unwrap)
}

#[test]
fn rules_go_before_the_first_log_deny_or_pass() {
    let two = [from("10.0.0.1/32", "a"), from("10.0.0.2/32", "b")];
    for stop in ["Log", "Deny", "Pass", "deny"] {
        let there = json!([from("10.9.9.9/32", "z"), {"action": stop}, {"action": "Allow"}]);
        let object = policy(json!({"types": ["Ingress"], "ingress": there}));
        let after = add(&object, &two).unwrap();
        assert_eq!(ingress(&after), ["10.9.9.9/32", "10.0.0.1/32", "10.0.0.2/32", stop, "Allow"]);
    }
    let object = policy(json!({"types": ["Ingress"], "ingress": [{"action": "Allow"}]}));
    assert_eq!(ingress(&add(&object, &two).unwrap()), ["Allow", "10.0.0.1/32", "10.0.0.2/32"]);
    let object = policy(json!({"types": ["Ingress"]}));
    assert_eq!(ingress(&add(&object, &two).unwrap()), ["10.0.0.1/32", "10.0.0.2/32"]);
}

#[test]
fn a_rule_is_not_added_twice_unless_it_stands_behind_a_deny_or_is_another_grants() {
    let object = policy(json!({"types": ["Ingress"], "ingress": [from("10.0.0.1/32", "a")]}));
    assert_eq!(add(&object, &[from("10.0.0.1/32", "a")]).unwrap(), object);
    assert_eq!(ingress(&add(&object, &[from("10.0.0.1/32", "b")]).unwrap()), ["10.0.0.1/32", "10.0.0.1/32"]);
    let behind = policy(json!({"types": ["Ingress"], "ingress": [{"action": "Deny"}, from("10.0.0.1/32", "a")]}));
    assert_eq!(ingress(&add(&behind, &[from("10.0.0.1/32", "a")]).unwrap()), ["10.0.0.1/32", "Deny", "10.0.0.1/32"]);
    // The same rule with defaults written out is the same rule.
    let wordy = json!({"action": "Log", "source": {}, "destination": {}});
    let logged = policy(json!({"types": ["Ingress"], "ingress": [wordy]}));
    assert_eq!(add(&logged, &[json!({"action": "Log"})]).unwrap(), logged);
}

#[test]
fn a_rule_never_gives_a_policy_a_direction_that_it_has_no_say_in() {
    for spec in [json!({"types": ["Egress"]}), json!({})] {
        assert_eq!(add(&policy(spec), &[from("10.0.0.1/32", "a")]), Err(EditError::Isolates(Direction::Ingress)));
    }
}

#[test]
fn removing_a_grant_takes_its_rules_in_both_directions_and_no_other() {
    let object = policy(json!({"types": ["Ingress", "Egress"],
        "ingress": [from("10.0.0.1/32", "a"), from("10.0.0.2/32", "b")], "egress": [from("10.0.0.3/32", "a")]}));
    let after = Edit::RemoveGrant("a".into()).apply(Some(&object)).unwrap().unwrap();
    assert_eq!(ingress(&after), ["10.0.0.2/32"]);
    assert_eq!(after.pointer("/spec/egress"), None);
    assert_eq!(Edit::RemoveGrant("a".into()).apply(None), Ok(None));
}

#[test]
fn adding_and_removing_a_grant_is_the_identity() {
    let bare = policy(json!({"types": ["Ingress"]}));
    let full = policy(json!({"types": ["Ingress"], "ingress": [from("10.0.0.2/32", "b"), {"action": "Deny"}]}));
    for object in [bare, full] {
        let edits = [
            Edit::AddRules(Direction::Ingress, vec![rule(from("10.0.0.1/32", "a"))]),
            Edit::Annotate(format!("{GRANT}-a"), Some("{}".into())),
        ];
        let granted = apply_all(&edits, Some(&object)).unwrap().unwrap();
        assert_ne!(granted, object);
        let edits = [Edit::RemoveGrant("a".into()), Edit::Annotate(format!("{GRANT}-a"), None), Edit::DeleteIfEmpty];
        let back = apply_all(&edits, Some(&granted)).unwrap();
        let expected = if ingress(&object).is_empty() { None } else { Some(object) };
        assert_eq!(back, expected);
    }
}

#[test]
fn a_policy_with_another_grant_is_not_deleted() {
    let mut object = policy(json!({"types": ["Ingress"]}));
    object["metadata"]["annotations"] = json!({format!("{GRANT}-b"): "{}"});
    assert_eq!(Edit::DeleteIfEmpty.apply(Some(&object)), Ok(Some(object.clone())));
    assert_eq!(Edit::Delete.apply(Some(&object)), Ok(None));
}

#[test]
fn creating_what_somebody_else_made_alike_goes_on_with_theirs() {
    let mut frame = policy(json!({"selector": "app == \"web\"", "types": ["Ingress"], "order": 2000}));
    frame["metadata"]["annotations"] = json!({ROLE: "allow"});
    let mut theirs = frame.clone();
    theirs["spec"]["ingress"] = json!([from("10.0.0.2/32", "b")]);
    theirs["spec"]["tier"] = json!("default");
    theirs["spec"]["order"] = json!(2000.0);
    theirs["metadata"]["resourceVersion"] = json!("7");
    let edits = [Edit::Create(frame.clone()), Edit::AddRules(Direction::Ingress, vec![rule(from("10.0.0.1/32", "a"))])];
    let after = apply_all(&edits, Some(&theirs)).unwrap().unwrap();
    assert_eq!(ingress(&after), ["10.0.0.2/32", "10.0.0.1/32"]);
    assert_eq!(after["metadata"]["resourceVersion"], "7");
    let mut full = frame.clone();
    full["spec"]["ingress"] = json!([from("10.0.0.2/32", "b")]);
    assert_eq!(Edit::Create(full.clone()).apply(Some(&theirs)), Ok(Some(theirs.clone())));
    full["spec"]["ingress"] = json!([from("10.0.0.3/32", "b")]);
    assert_eq!(Edit::Create(full).apply(Some(&theirs)), Err(EditError::Exists));
    theirs["spec"]["selector"] = json!("app == \"db\"");
    assert_eq!(Edit::Create(frame.clone()).apply(Some(&theirs)), Err(EditError::Exists));
    let by_hand = policy(json!({"selector": "app == \"web\"", "types": ["Ingress"], "order": 2000}));
    assert_eq!(Edit::Create(frame).apply(Some(&by_hand)), Err(EditError::Exists));
}

#[test]
fn a_rule_that_somebody_took_out_meanwhile_does_not_come_back_with_others_that_are_replaced() {
    let rules = |nets: &[&str]| -> Vec<RuleSpec> { nets.iter().map(|net| rule(from(net, "a"))).collect() };
    let (old, new) = (rules(&["10.0.0.1/32", "10.0.0.2/32"]), rules(&["10.0.0.1/32", "10.0.0.3/32"]));
    let edit = Edit::ReplaceRules { direction: Direction::Ingress, old, new };
    let all = policy(json!({"types": ["Ingress"], "ingress": [from("10.0.0.1/32", "a"), from("10.0.0.2/32", "a")]}));
    assert_eq!(ingress(&edit.apply(Some(&all)).unwrap().unwrap()), ["10.0.0.1/32", "10.0.0.3/32"]);
    // The first was revoked after the plan was made.
    let left = policy(json!({"types": ["Ingress"], "ingress": [from("10.0.0.2/32", "a")]}));
    assert_eq!(ingress(&edit.apply(Some(&left)).unwrap().unwrap()), ["10.0.0.3/32"]);
}

#[test]
fn a_field_is_set_only_where_it_still_says_what_was_expected() {
    let object = policy(json!({"order": 10}));
    let set = |expected: Value, value: Value| Edit::SetSpec { field: "order".into(), expected, value };
    let after = set(json!(10.0), json!(20)).apply(Some(&object)).unwrap().unwrap();
    assert_eq!(after["spec"]["order"], 20);
    assert_eq!(set(json!(10), json!(20)).apply(Some(&after)), Ok(Some(after.clone())));
    assert_eq!(set(json!(30), json!(40)).apply(Some(&after)), Err(EditError::Changed("spec.order".into())));
    let gone = set(json!(20), Value::Null).apply(Some(&after)).unwrap().unwrap();
    assert_eq!(gone["spec"], json!({}));
}

#[test]
fn restoring_takes_back_the_change_and_leaves_what_others_did() {
    let before = policy(json!({"types": ["Ingress"], "ingress": [{"action": "Deny"}]}));
    let after = add(&before, &[from("10.0.0.1/32", "a")]).unwrap();
    let undo = Edit::Restore { expected: after.clone(), value: before.clone(), passed: Vec::new(), force: false };
    let mut served = after.clone();
    served["metadata"]["resourceVersion"] = json!("9");
    served["spec"]["tier"] = json!("default");
    let back = undo.apply(Some(&served)).unwrap().unwrap();
    assert_eq!(ingress(&back), ["Deny"]);
    assert_eq!(back["metadata"]["resourceVersion"], "9");
    let theirs = add(&after, &[from("10.0.0.2/32", "b")]).unwrap();
    assert_eq!(ingress(&undo.apply(Some(&theirs)).unwrap().unwrap()), ["10.0.0.2/32", "Deny"]);
    assert_eq!(undo.apply(Some(&before)), Ok(Some(before.clone())));
    assert_eq!(undo.apply(None), Err(EditError::Missing));
}

#[test]
fn restoring_what_somebody_changed_since_is_refused() {
    let before = policy(json!({"types": ["Ingress"], "order": 10}));
    let after = policy(json!({"types": ["Ingress"], "order": 20}));
    let now = policy(json!({"types": ["Ingress"], "order": 30}));
    let undo = Edit::Restore { expected: after, value: before, passed: Vec::new(), force: false };
    assert_eq!(undo.apply(Some(&now)), Err(EditError::Changed("spec.order".into())));
}

#[test]
fn restoring_a_new_object_deletes_it_unless_it_holds_what_others_added() {
    let mut made = policy(json!({"types": ["Ingress"], "ingress": [from("10.0.0.1/32", "a")]}));
    made["metadata"]["annotations"] = json!({ROLE: "allow", format!("{GRANT}-a"): "{}"});
    let undo = Edit::Restore { expected: made.clone(), value: Value::Null, passed: Vec::new(), force: false };
    assert_eq!(undo.apply(Some(&made)), Ok(None));
    assert_eq!(undo.apply(None), Ok(None));
    let shared = add(&made, &[from("10.0.0.2/32", "b")]).unwrap();
    let back = undo.apply(Some(&shared)).unwrap().unwrap();
    assert_eq!(ingress(&back), ["10.0.0.2/32"]);
    assert_eq!(back["metadata"]["annotations"], json!({ROLE: "allow"}));
}

#[test]
fn restoring_a_deleted_object_makes_it_again() {
    let mut before = policy(json!({"types": ["Ingress"]}));
    let fresh = before.clone();
    before["metadata"]["resourceVersion"] = json!("3");
    before["metadata"]["uid"] = json!("x");
    let undo = Edit::Restore { expected: Value::Null, value: before, passed: Vec::new(), force: false };
    assert_eq!(undo.apply(None), Ok(Some(fresh.clone())));
    assert_eq!(undo.apply(Some(&fresh)), Ok(Some(fresh.clone())));
    assert_eq!(undo.apply(Some(&policy(json!({"types": ["Egress"]})))), Err(EditError::Exists));
}

#[test]
fn addresses_come_and_go_in_a_list_that_somebody_wrote_and_the_others_stay_as_they_are_written() {
    let net = |text: &str| text.parse().unwrap();
    let set = json!({"kind": "GlobalNetworkSet", "metadata": {"name": "nodes"}, "spec": {"nets": ["192.0.2.1", "10.20.9.9", "192.0.2.2/32"]}});
    let edit = Edit::Nets {
        of: NetsOf::Set,
        add: vec![net("192.0.2.3/32"), net("192.0.2.1/32")],
        remove: vec![net("10.20.9.9/32")],
    };
    let after = edit.apply(Some(&set)).unwrap().unwrap();
    assert_eq!(after["spec"]["nets"], json!(["192.0.2.1", "192.0.2.2/32", "192.0.2.3/32"]));
    assert_eq!(edit.apply(Some(&after)).unwrap().unwrap(), after, "made twice it changes nothing more");
    assert_eq!(edit.apply(None), Err(EditError::Missing));

    let theirs = json!({"action": "Allow", "source": {"nets": ["192.0.2.1/32"]}, "unknown": "kept"});
    let policy = policy(json!({"types": ["Ingress"], "ingress": [{"action": "Log"}, theirs]}));
    let known = rule(json!({"action": "Allow", "source": {"nets": ["192.0.2.1/32"]}}));
    let of = NetsOf::Source { direction: Direction::Ingress, rule: Box::new(known) };
    let edit = Edit::Nets { of, add: vec![net("192.0.2.3/32")], remove: Vec::new() };
    let after = edit.apply(Some(&policy)).unwrap().unwrap();
    assert_eq!(after["spec"]["ingress"][1]["source"]["nets"], json!(["192.0.2.1/32", "192.0.2.3/32"]));
    assert_eq!(after["spec"]["ingress"][1]["unknown"], "kept");
    assert_eq!(edit.apply(Some(&after)).unwrap().unwrap(), after, "made twice it changes nothing more");
    let mut other = policy;
    other["spec"]["ingress"][1]["source"]["nets"] = json!(["198.51.100.7/32"]);
    assert_eq!(edit.apply(Some(&other)), Err(EditError::Changed("the rule".into())), "somebody made it another rule");
}
