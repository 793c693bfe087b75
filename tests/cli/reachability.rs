//! `test` and `--tests`: reachability that must hold, on the example and on what a change would make of it.
//! Never knows the code; expected verdicts are those of the article.

use super::Lab;

/// The article's end state for its first scenes: the client by the Service's port and nobody else, and pods that resolve names.
const TESTS: &str = "\
# what must hold once the cluster is locked
- name: the client
  from: 10.7.0.99
  to: advanced-policy-demo/pod/nginx-6799fc88d8-zp4zj
  allow: [80]
  deny: [443]
- from: 10.7.0.98
  deny: [\"advanced-policy-demo/pod/nginx-6799fc88d8-zp4zj:80\"]
";

#[test]
fn tests_tell_what_holds_what_fails_and_what_is_no_test() {
    let lab = Lab::platform9();
    std::fs::write(lab.directory.path().join("reach.yaml"), TESTS).unwrap();
    insta::assert_snapshot!("test_open", lab.run("test reach.yaml"));
    let locked = lab.run("lockdown --yes");
    assert!(locked.starts_with("exit 0\n"), "{locked}");
    insta::assert_snapshot!("test_locked", lab.run("test reach.yaml"));
    let allowed = lab.run("allow --from 10.7.0.99 --to advanced-policy-demo/nginx --yes --tests reach.yaml");
    assert!(allowed.starts_with("exit 0\n"), "{allowed}");
    insta::assert_snapshot!("test_holds", lab.run("test reach.yaml -o wide"));

    let other = "- from: nobody\n  deny: [advanced-policy-demo/nginx]\n";
    std::fs::write(lab.directory.path().join("nobody.yaml"), other).unwrap();
    let unresolved = lab.run("test nobody.yaml -o json");
    assert!(unresolved.starts_with("exit 3\n") && unresolved.contains("\"result\": \"fail\""), "{unresolved}");
    for (text, reason) in [
        ("- {from: a, to: b}\n", "bad.yaml:1: neither allow nor deny"),
        ("- from: a\n  allow: [b]\n- form: a\n", "bad.yaml:3: unknown field `form`"),
        ("- from: a\n  allow: [b\n", "bad.yaml:2: "),
        ("# nothing\n", "bad.yaml:1: it holds no test"),
    ] {
        std::fs::write(lab.directory.path().join("bad.yaml"), text).unwrap();
        let said = lab.run("test bad.yaml");
        assert!(said.starts_with("exit 1\n") && said.contains(reason), "{said}");
    }
}

/// The lockdown alone would stop the client, so it is refused and nothing is written.
#[test]
fn a_change_after_which_a_test_fails_is_refused() {
    let lab = Lab::platform9();
    std::fs::write(lab.directory.path().join("reach.yaml"), TESTS).unwrap();
    let before = lab.files();
    insta::assert_snapshot!("test_refuses", lab.run("lockdown --yes --tests reach.yaml"));
    assert_eq!(lab.files(), before);
    let missing = lab.run("lockdown --yes --tests none.yaml");
    assert!(missing.starts_with("exit 1\n") && missing.contains("none.yaml: No such file"), "{missing}");
}
