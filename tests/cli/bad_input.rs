//! What is wrong is said with its place, its reason and a next command, and nothing is written.
//! Never knows a cluster.

use super::Lab;

const POLICY: &str = "\
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata:
  name: web
  namespace: advanced-policy-demo
spec:
  selector: SELECTOR
  types: [Ingress]
  ingress:
  - action: Allow
    source:
      nets: [NETS]
";

fn policy(selector: &str, nets: &str) -> String {
    POLICY.replace("SELECTOR", selector).replace("NETS", nets)
}

/// Runs a command that must fail and leave every file as it is.
fn refused(lab: &Lab, args: &[&str]) -> String {
    let before = lab.files();
    let report = lab.run_args(args);
    assert_eq!(lab.files(), before, "{report}");
    report
}

#[test]
fn an_address_that_is_none() {
    let lab = Lab::platform9();
    insta::assert_snapshot!(refused(&lab, &["allow", "--from", "10.0.0.0/33", "--to", "nginx", "--yes"]), @"");
}

#[test]
fn a_service_that_does_not_exist() {
    let lab = Lab::platform9();
    insta::assert_snapshot!(refused(&lab, &["allow", "--from", "10.7.0.99", "--to", "svc/ngins", "--yes"]), @"");
}

#[test]
fn a_name_that_fits_two() {
    let lab = Lab::platform9();
    lab.write(
        "other.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: nginx, namespace: bgp-demo}\nspec:\n  selector: {app: other}\n  ports: [{port: 80}]\n",
    );
    insta::assert_snapshot!(refused(&lab, &["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]), @"");
    let named = lab.run("allow --from 10.7.0.99 --to advanced-policy-demo/nginx --dry-run=client");
    assert!(named.starts_with("exit 0\n"), "{named}");
}

#[test]
fn a_file_that_ends_in_the_middle() {
    let lab = Lab::platform9();
    lab.write("broken.yaml", "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata:\n  name: \"web\n");
    insta::assert_snapshot!(refused(&lab, &["explain", "--from", "10.7.0.99", "--to", "nginx"]), @"");
}

#[test]
fn a_selector_over_two_lines() {
    let lab = Lab::platform9();
    lab.write("selector.yaml", &policy("|\n    app == 'nginx' &&\n    has(x)", "10.7.0.0/24"));
    insta::assert_snapshot!(refused(&lab, &["status"]), @"");
}

#[test]
fn an_address_in_a_policy_that_felix_cannot_read() {
    let lab = Lab::platform9();
    lab.write("nets.yaml", &policy("app == 'nginx'", "10.0.0.0/33"));
    insta::assert_snapshot!(refused(&lab, &["status"]), @"");
    // Felix leaves the address out, so that the rule lets everybody in.
    let report = lab.run("explain --from 192.0.2.1 --to nginx");
    assert!(report.starts_with("exit 0\n"), "{report}");
}

#[test]
fn a_directory_that_is_not_there() {
    let lab = Lab::empty();
    let output = super::program(lab.directory.path()).args(["status", "-f", "nowhere"]).output().unwrap();
    insta::assert_snapshot!(super::report(&output), @"");
}

#[test]
fn a_cluster_that_is_not_there() {
    let lab = Lab::empty();
    let output = super::program(lab.directory.path()).args(["status"]).output().unwrap();
    insta::assert_snapshot!(super::report(&output), @"");
}

#[test]
fn command_lines_that_are_wrong_end_with_2() {
    let lab = Lab::platform9();
    for line in [
        "allow --from 10.7.0.99",
        "allow --from 10.7.0.99 --to nginx --port 99999 --yes",
        "allow --from 10.7.0.99 --to nginx --dry-run=server",
        "allow --from a/b/c/d --to nginx",
        "revoke",
        "revoke abcdefghij --from a --to b",
        "lockdown --except a --only b",
        "lockdown --accept-risk everything",
        "explain --from 10.7.0.99 --to 10.20.112.90",
        "explain --from 10.7.0.99 --to nginx:http:80",
        "history",
        "undo --yes",
        "snapshot somewhere",
        "completion tcsh",
        "status -o xml",
        "allow --from 10.7.0.99 --to nginx --dry-run=perhaps",
    ] {
        let report = refused(&lab, &line.split(' ').collect::<Vec<_>>());
        assert!(report.starts_with("exit 2\n"), "{line}: {report}");
        assert!(report.contains("--- stderr\n") && !report.contains("--- stdout"), "{line}: {report}");
    }
}
