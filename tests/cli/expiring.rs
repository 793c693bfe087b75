//! Grants with an end on copies of the example: how it is given, where it is seen, and that `sync` takes back what has ended.
//! Never knows a cluster.

use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::{Lab, program};

fn done(lab: &Lab, line: &str) -> String {
    let said = lab.run(line);
    assert!(said.starts_with("exit 0\n"), "{line}: {said}");
    said
}

fn json(lab: &Lab, line: &str) -> Value {
    let output = program(lab.directory.path()).args(line.split(' ')).args(["-f", "manifests"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{line}: {output:?}"))
}

#[test]
fn an_end_is_written_down_in_utc_and_shown() {
    let lab = Lab::platform9();
    done(&lab, "lockdown --yes");
    let said = done(&lab, "allow --from 10.7.0.99 --to nginx --expires 2096-12-31T18:00:00+02:00 --yes");
    assert!(said.contains("it ends 2096-12-31T16:00:00Z"), "{said}");
    let status = done(&lab, "status");
    assert!(status.contains("UNTIL") && status.contains("2096-12-31T16:00:00Z"), "{status}");
    let grant = &json(&lab, "status -o json")["grants"][0];
    assert_eq!((&grant["expires"], grant.get("overdue")), (&Value::from("2096-12-31T16:00:00Z"), None));
    let explained = done(&lab, "explain --from 10.7.0.99 --to nginx:80 -o json");
    assert!(explained.contains("\"expires\": \"2096-12-31T16:00:00Z\""), "{explained}");
    let id = grant["id"].as_str().unwrap();
    let explained = done(&lab, "explain --from 10.7.0.99 --to nginx:80");
    assert!(explained.contains("until 2096-12-31T16:00:00Z") && explained.contains(id), "{explained}");

    // Another end is another annotation, and nothing else.
    let rest = |lab: &Lab| -> Vec<String> {
        let text = lab.read("zerotrust.yaml");
        text.lines().filter(|line| !line.contains("kubectl-zerotrust/grant-")).map(str::to_string).collect()
    };
    let before = rest(&lab);
    done(&lab, "allow --from 10.7.0.99 --to nginx --expires 2097-01-01 --yes");
    assert_eq!(before, rest(&lab));
    assert_eq!(json(&lab, "status -o json")["grants"][0]["expires"], "2097-01-01T00:00:00Z");
    let again = done(&lab, "allow --from 10.7.0.99 --to nginx --yes");
    assert!(again.contains("nothing to do") && again.contains("still ends 2097-01-01"), "{again}");
    done(&lab, "allow --from 10.7.0.99 --to nginx --expires never --yes");
    assert!(!lab.read("zerotrust.yaml").contains("2097"), "it has no end any more");
}

#[test]
fn what_has_ended_is_noticed_and_taken_back_by_sync() {
    let lab = Lab::platform9();
    done(&lab, "lockdown --yes");
    done(&lab, "allow --from 10.7.0.98 --to nginx --yes");
    let before = lab.files();
    done(&lab, "allow --from 10.7.0.99 --to nginx --expires 1s --reason ticket --yes");
    done(&lab, "expose-nodeport bgp-demo/storefront --from 10.7.0.50 --node-port 31999 --expires 1s --yes");
    sleep(Duration::from_secs(2));
    let status = lab.run("status --exit-code");
    assert!(status.starts_with("exit 3\n"), "{status}");
    assert!(status.contains("ZT0404") && status.contains("(overdue)"), "{status}");
    let checked = lab.run("sync --check");
    assert!(checked.starts_with("exit 3\n") && checked.contains("it ended 20"), "{checked}");
    let late = lab.run("allow --from 10.7.0.99 --to nginx --yes");
    assert!(late.contains("has ended at"), "{late}");
    let synced = done(&lab, "sync --yes");
    assert!(synced.contains("revoke") && synced.contains("overdue"), "{synced}");
    assert!(done(&lab, "sync --check").contains("nothing is behind"));
    done(&lab, "unlock --perimeter --yes");
    assert_eq!(lab.files(), before, "the other grant stays, and everything else is as it was");
}

#[test]
fn what_is_no_end_is_refused_before_anything_is_read() {
    let lab = Lab::platform9();
    let asked = "allow --from 10.7.0.99 --to nginx --yes --expires";
    for (end, words) in [
        ("1999-12-31", "1999-12-31T00:00:00Z is past"),
        ("tomorrow", "\"tomorrow\" is no time"),
        ("0s", "is past"),
        ("-2h", "exit 2"),
    ] {
        let said = lab.run(&format!("{asked} {end}"));
        assert!(said.starts_with("exit 2\n") && said.contains(words), "{end}: {said}");
    }
}
