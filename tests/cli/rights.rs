//! `rbac` without a cluster: what it prints, and what it refuses.
//! Never knows whether the roles suffice; tests/api does.

use super::{Lab, program, report};

fn run(line: &str) -> String {
    let lab = Lab::empty();
    report(&program(lab.directory.path()).args(line.split(' ')).output().unwrap())
}

#[test]
fn roles_are_documents_for_kubectl() {
    insta::assert_snapshot!("rbac_allow", run("rbac allow --api crd"));
    insta::assert_snapshot!(
        "rbac_bound",
        run("rbac history --api crd --bind user:jane --bind serviceaccount:ci:deployer")
    );
    let v3 = run("rbac allow --api v3");
    assert!(v3.contains("tier.networkpolicies") && !v3.contains("crd.projectcalico.org"), "{v3}");
    let names = run("rbac sync revoke --api crd -o name");
    let name = "clusterrole.rbac.authorization.k8s.io/zerotrust-revoke-wireguard-sync\n";
    assert!(names.starts_with("exit 0\n") && names.contains(name), "{names}");
}

#[test]
fn without_a_cluster_it_is_for_both_groups_and_says_so() {
    let both = run("rbac allow");
    assert!(both.starts_with("exit 0\n"), "{both}");
    assert!(both.contains("- projectcalico.org") && both.contains("- crd.projectcalico.org"), "{both}");
    assert!(both.contains("--api says which"), "{both}");
}

#[test]
fn what_is_no_subcommand_and_who_is_nobody_is_refused() {
    for (line, words) in [
        ("rbac fly", "fly is no subcommand"),
        ("rbac allow --bind jane", "is nobody"),
        ("rbac allow --api v2", "invalid value 'v2'"),
    ] {
        let said = run(line);
        assert!(said.starts_with("exit 2\n") && said.contains(words), "{line}: {said}");
    }
    let none = run("rbac version --api crd");
    assert!(none.starts_with("exit 0\n") && none.contains("version takes no rights"), "{none}");
}
