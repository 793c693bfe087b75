//! `validate` on manifests: what is refused, where, and how it ends.
//! Never knows a cluster.

use super::{Lab, program};

const FILE: &str = "\
apiVersion: projectcalico.org/v3
kind: ClusterInformation
metadata:
  name: default
spec:
  calicoVersion: v3.28.5
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata:
  name: web
  namespace: shop
spec:
  selector: app == 'web'
  types: [Ingress]
  ingress:
  - action: Allow
    protocol: TCP
    source:
      nets: [10.0.0.1, 10.1.0.0/16]
    destination:
      ports: [80, 70000]
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata:
  name: pods
spec:
  cidr: 10.20.0.1/16
  ipipMode: Always
  vxlanMode: Always
---
apiVersion: projectcalico.org/v3
kind: FelixConfiguration
metadata:
  name: default
spec:
  logSeverityScreen: Info
  wireguardListeningPort: 51820
";

fn with(text: &str) -> Lab {
    let lab = Lab::empty();
    lab.write("calico.yaml", text);
    lab
}

#[test]
fn each_refusal_has_its_place_its_field_and_its_reason() {
    insta::assert_snapshot!(with(FILE).run_args(&["validate"]), @r#"
    exit 3
    --- stdout
    manifests/calico.yaml:8: NetworkPolicy shop/web
      spec.ingress[0].source.nets[0]: 10.0.0.1 has no mask; write 10.0.0.1/32
      spec.ingress[0].destination.ports[1]: 70000 is no port: ports go from 1 to 65535
    manifests/calico.yaml:24: IPPool pods
      spec.vxlanMode: cannot be on beside ipipMode: a pool has one encapsulation
      spec.cidr: 10.20.0.1/16 has bits behind its mask; write 10.20.0.0/16
    4 objects of Calico, and Calico 3.28.5 would refuse 2
    "#);
}

#[test]
fn what_is_taken_ends_with_0() {
    let good = "\
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata:
  name: partners
spec:
  nets: [10.0.0.1, 10.1.0.0/16]
";
    insta::assert_snapshot!(with(good).run_args(&["validate"]), @r"
    exit 0
    --- stdout
    1 object of Calico, and Calico 3.32.1 would take each
    ");
}

#[test]
fn the_rules_are_those_of_the_release() {
    let staged = "\
apiVersion: projectcalico.org/v3
kind: StagedGlobalNetworkPolicy
metadata:
  name: trial
spec:
  selector: all()
  types: [Ingress]
";
    let lab = with(staged);
    insta::assert_snapshot!(lab.run_args(&["validate", "--calico-version", "3.29"]), @r"
    exit 3
    --- stdout
    manifests/calico.yaml:1: StagedGlobalNetworkPolicy trial
      kind: Calico 3.29.0 has no StagedGlobalNetworkPolicy; it came with 3.30
    1 object of Calico, and Calico 3.29.0 would refuse 1
    ");
    insta::assert_snapshot!(lab.run_args(&["validate", "--calico-version", "v3.30.1"]), @r"
    exit 0
    --- stdout
    1 object of Calico, and Calico 3.30.1 would take each
    ");
    let wrong = lab.run_args(&["validate", "--calico-version", "4"]);
    assert!(wrong.starts_with("exit 2") && wrong.contains("write a release as 3.28 or v3.31.2"), "{wrong}");
}

#[test]
fn what_cannot_be_read_is_not_called_good() {
    let broken = format!("{FILE}---\napiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {{name: [\n");
    let lab = with(&broken);
    let args = ["validate", "-o", "json", "-f", "manifests"];
    let output = program(lab.directory.path()).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "a refusal outweighs what could not be read");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let fields: Vec<&str> =
        answer["refused"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(
        fields,
        ["spec.ingress[0].source.nets[0]", "spec.ingress[0].destination.ports[1]", "spec.vxlanMode", "spec.cidr"]
    );
    assert_eq!(answer["refused"][0]["line"], 8);
    assert!(answer["unread"].as_array().is_some_and(|unread| unread.len() == 1), "{answer}");
}

/// What a dump of everything holds where an API server serves one object in two groups.
#[test]
fn an_object_that_is_served_by_two_groups_counts_once() {
    let v3 = "\
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: deny, uid: a}
spec: {selector: all(), types: [Ingress]}
---
apiVersion: crd.projectcalico.org/v1
kind: GlobalNetworkPolicy
metadata:
  name: default.deny
  uid: b
  annotations: {projectcalico.org/metadata: '{\"uid\":\"a\"}'}
spec: {selector: all(), types: [Ingress]}
";
    let lab = with(v3);
    let report = lab.run_args(&["status"]);
    assert!(!report.contains("stands in two places"), "{report}");
    lab.write("calico.yaml", &v3.replacen("all()", "has(a)", 1));
    let report = lab.run_args(&["status"]);
    assert!(report.contains("says something else"), "{report}");
}

#[test]
fn status_tells_of_what_calico_would_refuse() {
    let report = with(FILE).run_args(&["status", "-o", "json"]);
    assert!(report.contains("ZT0125") && report.contains("spec.vxlanMode"), "{report}");
    let of_ports = report.matches("spec.ingress[0].destination.ports[1]").count();
    assert_eq!(of_ports, 1, "what another finding tells is not told twice: {report}");
}
