//! `lockdown --nodes` on the example: refused where the API server would be lost, shown, made, and taken back.
//! Never knows a cluster.

use serde_json::Value;

use super::Lab;

const NODES: [&str; 4] = ["10.128.146.177", "10.128.146.255", "10.128.147.102", "10.128.147.68"];

#[test]
fn nodes_are_locked_shown_and_unlocked_again() {
    let lab = Lab::platform9();
    // The API server of this cluster listens on 443, which is no failsafe port.
    insta::assert_snapshot!("nodes_refused", lab.run("lockdown --nodes --yes"));
    lab.done("lockdown");
    let before = lab.files();
    let shown = lab.done("lockdown --nodes --allow-from 10.9.0.0/24 --allow-port 8443");
    insta::assert_snapshot!("nodes_locked", shown.split("Warning").skip(1).collect::<Vec<_>>().join("Warning"));
    for node in NODES {
        for (from, port, expected) in [
            ("10.9.0.7", 443, "allow"),
            ("10.9.0.7", 10250, "allow"),
            ("10.9.0.7", 31000, "deny"),
            ("203.0.113.9", 8443, "allow"),
            ("203.0.113.9", 22, "allow"),
            ("203.0.113.9", 443, "deny"),
            ("203.0.113.9", 10250, "deny"),
            ("203.0.113.9", 7472, "deny"),
        ] {
            assert_eq!(lab.verdict(from, &format!("{node}:{port}")), expected, "{from} -> {node}:{port}");
        }
    }
    assert_eq!(lab.verdict("10.128.146.177", "10.128.147.102:10250"), "allow", "nodes reach each other");
    let perimeter = &lab.json("status")["perimeter"];
    assert_eq!((&perimeter["closes"], &perimeter["openNodes"]), (&"nodes".into(), &Value::Array(Vec::new())));
    assert_eq!(perimeter["allowed"]["from"][0], "10.9.0.0/24");
    let locked = lab.files();
    let twice = lab.done("lockdown --nodes");
    assert!(twice.contains("nothing to do"), "{twice}");
    assert_eq!(lab.files(), locked, "twice it writes nothing");

    lab.done("expose-nodeport nginx --from 10.7.0.99 --node-port 32127");
    for node in NODES {
        assert_eq!(lab.verdict("10.7.0.99", &format!("{node}:32127")), "allow", "{node}");
        assert_eq!(lab.verdict("10.7.0.99", &format!("{node}:10250")), "deny", "{node} stays locked");
    }
    lab.done("unlock --nodes");
    assert_eq!(lab.verdict("203.0.113.9", "10.128.147.102:10250"), "allow");
    assert_eq!(lab.verdict("203.0.113.9", "10.128.147.102:32127"), "deny", "the exposure keeps its perimeter");
    assert_eq!(lab.json("status")["perimeter"]["closes"], "doors");
    lab.done("revoke --from 10.7.0.99 --to nginx");
    lab.done("unlock --perimeter");
    assert_eq!(lab.files(), before, "as before, byte for byte");
}

#[test]
fn what_makes_no_sense_with_nodes_is_said() {
    let lab = Lab::platform9();
    for (line, code, word) in [
        ("lockdown --allow-from 10.9.0.0/24 --yes", 2, "--nodes"),
        ("lockdown --nodes --allow-from 0.0.0.0/0 --yes", 2, "open to everybody"),
        ("lockdown --nodes --allow-port any --yes", 2, "--allow-port"),
        ("lockdown --nodes --allow-from nginx --yes", 2, "no network outside"),
        ("unlock --nodes --perimeter --yes", 2, "cannot be used with"),
    ] {
        let said = lab.run(line);
        assert!(said.starts_with(&format!("exit {code}\n")) && said.contains(word), "{line}: {said}");
    }
    let nothing = lab.done("unlock --nodes");
    assert!(nothing.contains("the nodes are not locked"), "{nothing}");
}
