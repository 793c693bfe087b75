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
    insta::assert_snapshot!(refused(&lab, &["allow", "--from", "10.0.0.0/33", "--to", "nginx", "--yes"]), @r#"
    exit 2
    --- stderr
    Error: 10.0.0.0/33 is no range: the mask goes up to /32
    Hint: write an address as 10.7.0.99 or fd00::1, a range as 10.7.0.0/24
    "#);
}

#[test]
fn a_service_that_does_not_exist() {
    let lab = Lab::platform9();
    insta::assert_snapshot!(refused(&lab, &["allow", "--from", "10.7.0.99", "--to", "svc/ngins", "--yes"]), @r#"
    exit 1
    --- stderr
    Error: there is no service ngins in any namespace
    Hint: did you mean advanced-policy-demo/deployment/nginx?
    Hint: did you mean advanced-policy-demo/service/nginx?
    "#);
}

#[test]
fn a_name_that_fits_two() {
    let lab = Lab::platform9();
    lab.write(
        "other.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: nginx, namespace: bgp-demo}\nspec:\n  selector: {app: other}\n  ports: [{port: 80}]\n",
    );
    insta::assert_snapshot!(refused(&lab, &["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]), @r#"
    exit 1
    --- stderr
    Error: nginx stands in 2 namespaces
    Hint: advanced-policy-demo/service/nginx
    Hint: advanced-policy-demo/deployment/nginx
    Hint: bgp-demo/service/nginx
    "#);
    let named = lab.run("allow --from 10.7.0.99 --to advanced-policy-demo/nginx --dry-run=client");
    assert!(named.starts_with("exit 0\n"), "{named}");
}

#[test]
fn a_file_that_ends_in_the_middle() {
    let lab = Lab::platform9();
    lab.write("broken.yaml", "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata:\n  name: \"web\n");
    insta::assert_snapshot!(refused(&lab, &["explain", "--from", "10.7.0.99", "--to", "nginx"]), @r#"
    exit 4
    --- stdout
    unknown: 10.7.0.99 -> advanced-policy-demo/service/nginx (1 pod), TCP:80

    The path, entering at node 10.128.147.102: unknown
      node 10.128.147.102
        packet    10.7.0.99 -> 10.20.112.90 TCP:80
        unknown   ingress of advanced-policy-demo/nginx-6799fc88d8-zp4zj
                    NetworkPolicy web, manifests/broken.yaml:4: unclosed quote
    --- stderr
    Warning: a document could not be read, and what it says is not taken into account:
      manifests/broken.yaml:4: NetworkPolicy web: unclosed quote
    "#);
}

#[test]
fn a_selector_over_two_lines() {
    let lab = Lab::platform9();
    lab.write("selector.yaml", &policy("|\n    app == 'nginx' &&\n    has(x)", "10.7.0.0/24"));
    insta::assert_snapshot!(refused(&lab, &["status"]), @r#"
    exit 0
    --- stdout
    ┌─────────────────────────────────────────────────────────────────────────────────────────────────────┐
    │ Applications   open: no lockdown                                                                    │
    │ Locked         none                                                                                 │
    │ Open           3: advanced-policy-demo, bgp-demo, default                                           │
    │ Left out       11: kube-node-lease, kube-public, kube-system, kubernetes-dashboard, kyverno,        │
    │                metallb-system, pf9-addons, pf9-monitoring, pf9-olm, pf9-operators, platform9-system │
    │ Perimeter      none                                                                                 │
    │ Grants         0                                                                                    │
    │ Findings       1 error                                                                              │
    │ Calico         3.18.1                                                                               │
    └─────────────────────────────────────────────────────────────────────────────────────────────────────┘

    CODE     SEVERITY   OBJECT                                   WHERE                       WHAT
    ZT0101   error      NetworkPolicy advanced-policy-demo/web   manifests/selector.yaml:1   a selector cannot be read, so Felix drops the policy: spec.selector: a line break, which a selector cannot have at character 18
    "#);
}

#[test]
fn an_address_in_a_policy_that_felix_cannot_read() {
    let lab = Lab::platform9();
    lab.write("nets.yaml", &policy("app == 'nginx'", "10.0.0.0/33"));
    insta::assert_snapshot!(refused(&lab, &["status"]), @r#"
    exit 0
    --- stdout
    ┌─────────────────────────────────────────────────────────────────────────────────────────────────────┐
    │ Applications   open: no lockdown                                                                    │
    │ Locked         none                                                                                 │
    │ Open           3: advanced-policy-demo, bgp-demo, default                                           │
    │ Left out       11: kube-node-lease, kube-public, kube-system, kubernetes-dashboard, kyverno,        │
    │                metallb-system, pf9-addons, pf9-monitoring, pf9-olm, pf9-operators, platform9-system │
    │ Perimeter      none                                                                                 │
    │ Grants         0                                                                                    │
    │ Findings       1 error                                                                              │
    │ Calico         3.18.1                                                                               │
    └─────────────────────────────────────────────────────────────────────────────────────────────────────┘

    CODE     SEVERITY   OBJECT                                   WHERE                   WHAT
    ZT0103   error      NetworkPolicy advanced-policy-demo/web   manifests/nets.yaml:1   no address of a rule can be read, so the rule matches every address: spec.ingress[0].source.nets: 10.0.0.0/33 cannot be read
    "#);
    // Felix leaves the address out, so that the rule lets everybody in.
    let report = lab.run("explain --from 192.0.2.1 --to nginx");
    assert!(report.starts_with("exit 0\n"), "{report}");
}

#[test]
fn a_directory_that_is_not_there() {
    let lab = Lab::empty();
    let output = super::program(lab.directory.path()).args(["status", "-f", "nowhere"]).output().unwrap();
    insta::assert_snapshot!(super::report(&output), @r#"
    exit 1
    --- stderr
    Error: nowhere: there is no such file or directory
    "#);
}

#[test]
fn a_cluster_that_is_not_there() {
    let lab = Lab::empty();
    let output = super::program(lab.directory.path()).args(["status"]).output().unwrap();
    let text = super::report(&output).replace(&lab.directory.path().display().to_string(), "HOME");
    insta::assert_snapshot!(text, @r#"
    exit 1
    --- stderr
    Error: HOME/.kube/config: there is no kubeconfig, and this is not a pod; name one with --kubeconfig or KUBECONFIG
    Hint: -f works on a directory of manifests, without a cluster
    "#);
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

#[test]
fn what_cannot_be_confirmed_is_refused() {
    let lab = Lab::platform9();
    let before = lab.files();
    for (flags, reason) in [
        ("--confirm-within 5m", "files are not enforced"),
        ("--confirm-within 0s", "needs a time to confirm in"),
        ("--confirm-within soon", "soon"),
        ("--confirm-within 5m --no-record", "cannot be used with"),
        ("--probe 10.0.0.1:22", "--confirm-within"),
    ] {
        let said = lab.run(&format!("lockdown --yes {flags}"));
        assert!(said.starts_with("exit 2\n") && said.contains(reason), "{flags}: {said}");
    }
    assert_eq!(lab.files(), before);
}
