//! Changes that were killed half way, edited since, or recorded by a later release: what the next command says, and what
//! undo does about it.
//! Never expects what the plugin says of itself: kubectl and calicoctl do.

use std::process::Output;

use serde_json::{Value, json};

use crate::cluster::{Cluster, assert_succeeded, text};
use crate::journey::records;
use crate::support::{Aggregated, At, Fault, Injector, Terminal};

const ALLOW: [&str; 6] = ["allow", "--from", "access", "--to", "nginx", "--yes"];

/// Runs the plugin, which is killed right before its write with this number, from 0.
fn killed(cluster: &Cluster, injector: &Injector, args: &[&str], write: usize) {
    let mut command = cluster.command(args);
    command.args(["--server", &injector.server()]).env_remove("KUBECONFIG");
    let (output, _, struck) = injector.run(command, Some((At::Write(write), Fault::Kill { reached: false })));
    assert!(struck && output.status.code().is_none(), "{}", text(&output.stderr));
}

fn policies(cluster: &Cluster) -> usize {
    cluster.calico(&["networkpolicy", "--all-namespaces"])["items"].as_array().map_or(0, Vec::len)
}

/// A policy of nginx's namespace for ingress, as the API server keeps it.
fn ingress(cluster: &Cluster) -> (String, Value) {
    let list = cluster.stored(&["networkpolicies.crd.projectcalico.org", "--namespace=advanced-policy-demo"]);
    let mut items = list["items"].as_array().expect("a list").iter();
    let found = items.find(|item| item["spec"]["types"] == json!(["Ingress"])).expect("a policy for ingress");
    let name = found["metadata"]["name"].as_str().expect("a name");
    (format!("networkpolicies.crd.projectcalico.org/{name}"), found["spec"].clone())
}

fn patch(cluster: &Cluster, object: &str, patch: &Value) {
    let patch = patch.to_string();
    let args = ["patch", "--namespace=advanced-policy-demo", object, "--type=json", "--patch", &patch];
    assert_succeeded(&cluster.plane.kubectl(args));
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(3), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stderr)
}

#[test]
fn a_change_that_was_killed_is_named_by_all_that_comes_after_until_it_is_finished_or_taken_back() {
    let cluster = Cluster::start();
    let injector = Injector::start(cluster.plane.command("kubectl"));
    cluster.done(&["lockdown", "--yes"]);
    // The record, then the first of two policies.
    killed(&cluster, &injector, &ALLOW, 2);
    assert_eq!(policies(&cluster), 1);
    let undo = "`kubectl zerotrust undo 2` takes it back";
    let status = cluster.plugin(&["status", "--exit-code"]);
    let said = text(&status.stdout);
    assert_eq!(status.status.code(), Some(3), "{said}");
    assert!(said.contains("ZT0601") && said.contains(undo), "{said}");
    let finish = "`kubectl zerotrust allow --from access --to nginx --yes";
    assert!(said.contains(finish) && said.contains("finishes it"), "{said}");

    // Another command says so, and leaves it as it is.
    let other = cluster.plugin(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    assert_succeeded(&other);
    let words = text(&other.stderr);
    assert!(words.contains("change 2 (") && words.contains(undo) && words.contains(finish), "{words}");
    // The same command finishes it, and nobody speaks of it any more.
    cluster.done(&ALLOW);
    assert_eq!(policies(&cluster), 2);
    let history = cluster.done(&["history"]);
    assert!(history.contains("finished by 4"), "{history}");
    assert!(!cluster.done(&["status"]).contains("ZT0601"));
    let quiet = cluster.plugin(&["allow", "--from", "10.7.0.98", "--to", "nginx", "--yes"]);
    assert!(!text(&quiet.stderr).contains("change 2"), "{}", text(&quiet.stderr));

    // Another one is killed, and undo without a number takes that one back.
    let before = ingress(&cluster);
    let more = ["allow", "--from", "10.7.0.50", "--to", "nginx", "--yes"];
    killed(&cluster, &injector, &more, 2);
    assert_ne!(ingress(&cluster), before, "it was written, and its record was not finished");
    cluster.done(&["undo", "--yes"]);
    assert_eq!(ingress(&cluster), before);
    assert!(!cluster.done(&["status"]).contains("ZT0601"));

    // An undo is taken back by its number, and what it took back then stands again for the next undo; one more goes
    // further back.
    cluster.done(&["undo", "7", "--yes"]);
    assert_ne!(ingress(&cluster), before);
    cluster.done(&["undo", "--yes"]);
    assert_eq!(ingress(&cluster), before);
    assert_eq!(cluster.plugin(&["undo", "6", "--yes"]).status.code(), Some(3), "it is taken back already");
    cluster.done(&["undo", "--yes"]);
    assert!(!ingress(&cluster).1.to_string().contains("10.7.0.98"), "the one before it");
}

#[test]
fn on_a_terminal_it_is_asked_what_is_to_be_done_about_it() {
    let cluster = Cluster::start();
    let injector = Injector::start(cluster.plane.command("kubectl"));
    cluster.done(&["lockdown", "--yes"]);
    killed(&cluster, &injector, &ALLOW, 2);
    let question = "What is to be done about change 2?";
    let other = ["allow", "--from", "10.7.0.99", "--to", "nginx"];

    // Stop here: the third answer.
    let mut terminal = Terminal::start(cluster.command(&other));
    terminal.answer(question, "\x1b[B\x1b[B\r");
    let (output, shown) = terminal.end();
    assert_eq!(output.status.code(), Some(3), "{shown}");
    assert!(shown.contains("finishes change 2"), "{shown}");
    assert_eq!(policies(&cluster), 1);

    // Take it back first, and then go on.
    let mut terminal = Terminal::start(cluster.command(&other));
    terminal.answer(question, "\x1b[B\r");
    terminal.answer("Change this object?", "y");
    terminal.answer("Change this object?", "y");
    let (output, shown) = terminal.end();
    assert_eq!(output.status.code(), Some(0), "{shown}{}", text(&output.stdout));
    assert!(!cluster.done(&["status"]).contains("ZT0601"));
    let rules = ingress(&cluster).1["ingress"].as_array().cloned().unwrap_or_default();
    assert_eq!(rules.len(), 1, "what was asked for, and nothing of what was taken back: {rules:?}");
    assert_eq!(rules[0]["source"]["nets"], json!(["10.7.0.99/32"]));
}

#[test]
fn undo_keeps_what_others_did_elsewhere_and_refuses_to_trample_what_they_did_to_the_change() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    cluster.done(&["allow", "--from", "10.7.0.98", "--to", "nginx", "--yes"]);
    let (object, granted) = ingress(&cluster);
    cluster.done(&["revoke", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    // Somebody's own rule and label do not keep the revoke from being taken back, and stay.
    let theirs = json!({"action": "Allow", "protocol": "TCP", "source": {"nets": ["198.51.100.7/32"]}});
    let add = json!([{"op": "add", "path": "/spec/ingress/0", "value": theirs}]);
    patch(&cluster, &object, &add);
    cluster.done(&["undo", "--yes"]);
    let nets = |spec: &Value| -> Vec<Value> {
        spec["ingress"].as_array().expect("rules").iter().map(|rule| rule["source"]["nets"][0].clone()).collect()
    };
    let both = ingress(&cluster).1;
    let mut all = nets(&granted);
    assert_eq!(all.len(), 2);
    all.insert(0, json!("198.51.100.7/32"));
    assert_eq!(nets(&both), all, "where they stood, and theirs before them");

    // A rule of a change that somebody edited is not guessed at.
    let at = nets(&both).iter().position(|net| net == "10.7.0.98/32").expect("the grant's rule");
    let edit = json!([{"op": "replace", "path": format!("/spec/ingress/{at}/source/nets"), "value": ["10.7.0.0/24"]}]);
    patch(&cluster, &object, &edit);
    let order = json!([{"op": "replace", "path": "/spec/order", "value": 77}]);
    patch(&cluster, &object, &order);
    let (before, count) = (ingress(&cluster), records(&cluster));
    let words = refused(&cluster.plugin(&["undo", "3", "--yes"]));
    assert!(words.contains("spec.ingress was changed") && words.contains("undo 3 --force"), "{words}");
    assert!(!words.contains("spec.order"), "what the change did not touch is nobody's loss: {words}");
    assert_eq!((ingress(&cluster), records(&cluster)), (before, count), "nothing was written");
    cluster.done(&["undo", "3", "--force", "--yes"]);
    let left = ingress(&cluster).1;
    assert_eq!((nets(&left), &left["order"]), (vec![json!("198.51.100.7/32"), json!("10.7.0.99/32")], &json!(77)));

    // A lockdown that somebody edited is not taken apart, which would leave it without DNS.
    let lockdown = "globalnetworkpolicies.crd.projectcalico.org/default.deny-app-policy";
    patch(&cluster, lockdown, &json!([{"op": "add", "path": "/spec/egress/0", "value": theirs}]));
    let words = refused(&cluster.plugin(&["undo", "1", "--yes"]));
    assert!(words.contains("GlobalNetworkPolicy deny-app-policy: spec.egress was changed"), "{words}");
    cluster.done(&["undo", "1", "--force", "--yes"]);
    assert!(cluster.calico(&["globalnetworkpolicy"])["items"].as_array().is_some_and(Vec::is_empty));
}

#[test]
fn undo_merges_across_the_ways_in_which_objects_are_kept() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    cluster.done(&["allow", "--from", "10.7.0.98", "--to", "nginx", "--yes"]);
    let names = |cluster: &Cluster| -> Vec<Value> {
        let (_, spec) = ingress(cluster);
        spec["ingress"].as_array().expect("rules").iter().map(|rule| rule["source"]["nets"][0].clone()).collect()
    };
    // Recorded as custom resources, taken back through Calico's API server, after somebody wrote there too.
    let server = Aggregated::start(&cluster.plane);
    let (object, _) = ingress(&cluster);
    let through = object.replace(".crd.", ".").replace("/default.", "/");
    let theirs = json!({"action": "Allow", "protocol": "TCP", "source": {"nets": ["198.51.100.7/32"]}});
    patch(&cluster, &through, &json!([{"op": "add", "path": "/spec/ingress/0", "value": theirs}]));
    cluster.done(&["undo", "2", "--yes"]);
    assert_eq!(names(&cluster), [json!("198.51.100.7/32"), json!("10.7.0.98/32")]);
    // And what was recorded there, as a custom resource again.
    drop(server);
    let undone = cluster.plugin(&["undo", "4", "--yes"]);
    assert_succeeded(&undone);
    let mut back: Vec<String> = names(&cluster).iter().map(Value::to_string).collect();
    back.sort();
    assert_eq!(back, ["\"10.7.0.98/32\"", "\"10.7.0.99/32\"", "\"198.51.100.7/32\""]);
}

#[test]
fn what_later_exposures_need_is_not_taken_from_under_them() {
    let cluster = crate::exposing::start();
    cluster.done(&["lockdown", "--yes"]);
    cluster.done(&["expose-nodeport", "nginx", "--from", "10.7.0.99", "--node-port", "32127", "--yes"]);
    cluster.done(&["expose-lb", "web-lb", "--from", "10.7.0.50", "--yes"]);
    let words = refused(&cluster.plugin(&["undo", "2", "--force", "--yes"]));
    assert!(words.contains("kubectl zerotrust revoke") && words.contains("web-lb"), "{words}");
    let stranger = crate::journey::verdict(&cluster, "10.7.0.98", "10.128.146.112:443");
    assert_eq!(stranger, "deny", "the perimeter that the first made stands");
    cluster.done(&["undo", "--yes"]);
    cluster.done(&["undo", "--yes"]);
    assert!(cluster.calico(&["hostendpoint"])["items"].as_array().is_some_and(Vec::is_empty));
}

#[test]
fn a_record_of_a_later_release_is_refused_with_a_sentence() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    let patch = ["patch", "configmap", "zerotrust-0001", "--namespace=kube-system", "--type=merge", "--patch"];
    assert_succeeded(&cluster.plane.kubectl(patch.iter().chain(&[r#"{"data": {"version": "2"}}"#])));
    for args in [&["undo", "--yes"][..], &["undo", "1", "--yes"]] {
        let output = cluster.plugin(args);
        let words = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("format version 2, and this program knows 1"), "{words}");
        assert!(words.contains("use the release that wrote it, or a later one"), "{words}");
    }
    assert_eq!(cluster.calico(&["globalnetworkpolicy"])["items"].as_array().map(Vec::len), Some(1));
    // Other changes are made, and numbered behind it.
    cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    cluster.done(&["undo", "2", "--yes"]);
    assert_eq!(policies(&cluster), 0);
}
