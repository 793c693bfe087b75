//! The same commands whatever way the API server keeps Calico's objects: by Calico's own API server, as native resources of
//! projectcalico.org/v3, as custom resources of crd.projectcalico.org/v1.
//! Never expects what the plugin says of itself: calicoctl, kubectl and the server's audit log do.

use serde_json::{Value, json};

use crate::cluster::{Cluster, assert_succeeded, text};
use crate::support::{Aggregated, ControlPlane};

/// What every shape must lead to: the walkthrough's lockdown and grant, taken back again.
fn the_two_examples(cluster: &Cluster, api: &str) {
    cluster.done(&["lockdown", "--yes"]);
    assert_eq!(verdict(cluster, "10.7.0.99", "10.20.2.90:80"), "deny");
    let shown = cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    assert_eq!(verdict(cluster, "10.7.0.99", "10.20.2.90:80"), "allow", "{shown}");
    let again = cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]);
    assert!(again.contains("nothing to do"), "{again}");
    cluster.done(&["allow", "--from", "access", "--to", "nginx", "--yes"]);
    cluster.done(&["revoke", "--from", "access", "--to", "nginx", "--yes"]);
    assert_eq!(verdict(cluster, "10.20.1.136", "10.20.2.90:80"), "deny");
    cluster.done(&["undo", "--yes"]);
    assert_eq!(verdict(cluster, "10.20.1.136", "10.20.2.90:80"), "allow");
    assert!(records(cluster).iter().all(|record| record == api), "{:?} are all {api}", records(cluster));
}

#[test]
fn calicos_own_api_server_is_used_where_there_is_one() {
    let cluster = Cluster::start();
    let _server = Aggregated::start(&cluster.plane);
    let before = cluster.plane.audit().len();
    the_two_examples(&cluster, "projectcalico.org/v3");
    let events = cluster.plane.audit().split_off(before);
    let ours: Vec<_> = events.iter().filter(|event| event.user_agent.starts_with("kubectl-zerotrust/")).collect();
    assert!(ours.iter().any(|event| event.uri.starts_with("/apis/projectcalico.org/v3/")));
    let raw: Vec<_> = ours.iter().filter(|event| event.uri.starts_with("/apis/crd.projectcalico.org/")).collect();
    assert!(raw.is_empty(), "never past Calico's API server: {raw:?}");
    let lockdown = cluster.calico(&["globalnetworkpolicy", "deny-app-policy"]);
    assert_eq!(lockdown["spec"]["types"], json!(["Ingress", "Egress"]));
    cluster.done(&["unlock", "--yes"]);
    assert!(cluster.calico(&["globalnetworkpolicy"])["items"].as_array().is_some_and(Vec::is_empty));
}

#[test]
fn what_one_shape_wrote_is_taken_back_through_the_other() {
    let cluster = Cluster::start();
    cluster.done(&["lockdown", "--yes"]);
    let stored = cluster.stored(&["globalnetworkpolicies.crd.projectcalico.org"]);
    let server = Aggregated::start(&cluster.plane);
    // Written as a custom resource, taken back through Calico's API server, and made again through it.
    cluster.done(&["undo", "--yes"]);
    assert!(cluster.calico(&["globalnetworkpolicy"])["items"].as_array().is_some_and(Vec::is_empty));
    cluster.done(&["undo", "2", "--yes"]);
    let mut again = cluster.stored(&["globalnetworkpolicies.crd.projectcalico.org"]);
    // Calico writes an end of which nothing is said as an empty one.
    for rule in again["items"][0]["spec"]["egress"].as_array_mut().expect("rules") {
        assert_eq!(rule.as_object_mut().expect("a rule").remove("source"), Some(json!({})));
    }
    assert_eq!(again["items"][0]["spec"], stored["items"][0]["spec"]);
    assert_eq!(again["items"][0]["metadata"]["name"], "default.deny-app-policy");
    // The API server is what a lockdown cut off: custom resources are the way back.
    drop(server);
    let undone = cluster.plugin(&["undo", "3", "--yes"]);
    assert_succeeded(&undone);
    assert!(text(&undone.stderr).contains("does not answer"), "{}", text(&undone.stderr));
    assert!(cluster.calico(&["globalnetworkpolicy"])["items"].as_array().is_some_and(Vec::is_empty));
    let v3 = "projectcalico.org/v3";
    assert_eq!(records(&cluster), ["crd.projectcalico.org/v1", v3, v3, "crd.projectcalico.org/v1"]);
}

#[test]
fn a_dry_run_by_calicos_api_server_writes_nothing() {
    let cluster = Cluster::start();
    let _server = Aggregated::start(&cluster.plane);
    cluster.done(&["lockdown", "--yes"]);
    let dry = cluster.done(&["allow", "--from", "10.7.0.99", "--to", "nginx", "--dry-run=server", "--yes"]);
    assert!(dry.contains("server dry run"), "{dry}");
    assert!(cluster.calico(&["networkpolicy", "-A"])["items"].as_array().is_some_and(Vec::is_empty));
}

/// A control plane whose Calico is of a later release, with native resources.
fn native() -> Cluster {
    let plane = ControlPlane::without_calico();
    plane.install_native_crds();
    let objects = include_str!("cluster.yaml").replace("crd.projectcalico.org/v1", "projectcalico.org/v3");
    Cluster::on(plane, &objects.replace("v3.28.5", "v3.32.1"))
}

#[test]
fn native_resources_are_used_where_there_are_no_others() {
    let cluster = native();
    let before = cluster.plane.audit().len();
    the_two_examples(&cluster, "projectcalico.org/v3");
    let events = cluster.plane.audit().split_off(before);
    let ours = events.iter().filter(|event| event.user_agent.starts_with("kubectl-zerotrust/"));
    let raw: Vec<_> = ours.filter(|event| event.uri.starts_with("/apis/crd.projectcalico.org/v1/")).collect();
    assert!(raw.is_empty(), "{raw:?}");
    let lockdown = cluster.stored(&["globalnetworkpolicies.projectcalico.org", "deny-app-policy"]);
    assert_eq!(lockdown["spec"]["types"], json!(["Ingress", "Egress"]));
    assert!(
        lockdown["metadata"]["annotations"].get("projectcalico.org/metadata").is_none(),
        "no conversion: {lockdown}"
    );
    let allow = cluster.stored(&["networkpolicies.projectcalico.org", "--namespace=advanced-policy-demo"]);
    assert!(allow["items"][0]["spec"]["types"].is_array(), "nobody else fills it in: {allow}");
    // A snapshot is in the form in which it is kept, and answers the same.
    let directory = tempfile::tempdir().expect("a directory");
    let snapshot = directory.path().join("snapshot");
    cluster.done(&["snapshot", snapshot.to_str().expect("a name")]);
    let args = ["explain", "-f", snapshot.to_str().expect("a name"), "--from", "10.7.0.99", "--to", "10.20.2.90:80"];
    assert_succeeded(&cluster.plugin(&args));
    cluster.done(&["unlock", "--yes"]);
    let left = cluster.stored(&["globalnetworkpolicies.projectcalico.org"]);
    assert!(left["items"].as_array().is_some_and(Vec::is_empty));
}

/// A native policy without types polices both directions, and what is written back says so.
#[test]
fn native_resources_without_types_mean_both_directions() {
    let cluster = native();
    cluster.plane.apply(
        "
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: raw, namespace: advanced-policy-demo}
spec:
  selector: app == 'nginx'
  ingress: [{action: Allow}]
",
    );
    assert_eq!(verdict(&cluster, "10.20.2.90", "10.7.0.99:80"), "deny", "egress is policed too");
    assert_eq!(verdict(&cluster, "10.7.0.99", "10.20.2.90:80"), "allow");
}

/// DatastoreMigration as far as it is read; the release that brings it is not to be had as a Go module.
pub const MIGRATIONS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: datastoremigrations.migration.projectcalico.org
spec:
  group: migration.projectcalico.org
  scope: Cluster
  names: {plural: datastoremigrations, singular: datastoremigration, kind: DatastoreMigration, listKind: DatastoreMigrationList}
  versions:
  - name: v1beta1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

#[test]
fn nothing_is_written_while_objects_are_moved_and_the_right_group_afterwards() {
    let cluster = native();
    cluster.plane.install_crds_too();
    let objects = include_str!("cluster.yaml").replace("v3.28.5", "v3.32.1");
    let calico = objects.split("\n---\n").filter(|document| document.contains("crd.projectcalico.org"));
    cluster.plane.apply(&calico.collect::<Vec<_>>().join("\n---\n"));
    cluster.plane.apply(MIGRATIONS);
    let set = |phase: &str| {
        let object = json!({ "apiVersion": "migration.projectcalico.org/v1beta1", "kind": "DatastoreMigration",
            "metadata": { "name": "move" }, "spec": { "type": "APIServerToCRDs" }, "status": { "phase": phase } });
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        // The CRD was made a moment ago.
        while !crate::cluster::feed(kubectl_apply(&cluster), &object.to_string()).status.success() {
            assert!(std::time::Instant::now() < deadline, "DatastoreMigration is not served");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    };
    for phase in ["Pending", "Migrating", "WaitingForConflictResolution", "Converged", "Failed"] {
        set(phase);
        let refused = cluster.plugin(&["lockdown", "--yes"]);
        let words = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{phase}: {words}");
        assert!(words.contains(&format!("DatastoreMigration: {phase}")), "{words}");
    }
    let both = |cluster: &Cluster| {
        ["crd.projectcalico.org", "projectcalico.org"].map(|group| {
            let found = cluster.stored(&[&format!("globalnetworkpolicies.{group}")]);
            found["items"].as_array().map_or(0, Vec::len)
        })
    };
    assert_eq!(both(&cluster), [0, 0]);
    set("Complete");
    cluster.done(&["lockdown", "--yes"]);
    assert_eq!(both(&cluster), [0, 1], "moved to the native resources");
    cluster.done(&["undo", "--yes"]);
    // Both groups and nobody who moves them: Calico itself takes the older one.
    let gone = cluster.plane.kubectl(["delete", "datastoremigrations.migration.projectcalico.org", "move"]);
    assert_succeeded(&gone);
    cluster.done(&["lockdown", "--yes"]);
    assert_eq!(both(&cluster), [1, 0]);
    let v3 = "projectcalico.org/v3";
    assert_eq!(records(&cluster), [v3, v3, "crd.projectcalico.org/v1"]);
}

fn kubectl_apply(cluster: &Cluster) -> std::process::Command {
    let mut kubectl = cluster.plane.command("kubectl");
    kubectl.args(["apply", "--filename=-"]);
    kubectl
}

/// What Calico asks for from 3.29 on, by kube-apiserver's own admission in place of Calico's webhook: rights on the tier, and
/// on the kind of the tier, in Calico's words.
const TIER_RIGHTS: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: tiers}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - apiGroups: [projectcalico.org]
      apiVersions: [v3]
      operations: [CREATE, UPDATE]
      resources: [networkpolicies, globalnetworkpolicies]
  variables:
  - name: tier
    expression: "has(object.spec.tier) ? object.spec.tier : 'default'"
  - name: refusal
    expression: >-
      'User "' + request.userInfo.username + '" cannot ' + request.operation.lowerAscii() + ' ' +
      request.resource.resource + '.projectcalico.org in tier "' + variables.tier + '"'
  validations:
  - expression: "authorizer.group('projectcalico.org').resource('tiers').name(variables.tier).check('get').allowed()"
    messageExpression: "variables.refusal + ' (user cannot get tier)'"
    reason: Forbidden
  - expression: >-
      authorizer.group('projectcalico.org').resource('tier.' + request.resource.resource)
      .name(variables.tier + '.*').check(request.operation.lowerAscii()).allowed()
    messageExpression: variables.refusal
    reason: Forbidden
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: tiers}
spec: {policyName: tiers, validationActions: [Deny]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: writer}
rules:
- {apiGroups: ['', apps, batch, discovery.k8s.io, networking.k8s.io, admissionregistration.k8s.io, apiregistration.k8s.io, apiextensions.k8s.io, metallb.io], resources: ['*'], verbs: [get, list]}
- {apiGroups: [''], resources: [configmaps], verbs: [create, update, delete]}
- {apiGroups: [projectcalico.org], resources: [networkpolicies, globalnetworkpolicies], verbs: [create, update, delete]}
- {apiGroups: [projectcalico.org], resources: [networkpolicies, globalnetworkpolicies, globalnetworksets, networksets, hostendpoints, ippools, clusterinformations, felixconfigurations, bgpconfigurations, bgppeers, kubecontrollersconfigurations], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: writer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: writer}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}]
"#;

#[test]
fn a_refusal_for_a_tier_names_the_role_that_suffices() {
    let cluster = native();
    cluster.plane.apply(TIER_RIGHTS);
    let kubeconfig = cluster.plane.kubeconfig_for("jane", &[]);
    // One write alone: the server itself says what it lacks.
    let lockdown = || {
        let mut command = cluster.command(&["lockdown", "--yes", "--no-record", "--kubeconfig"]);
        command.arg(&kubeconfig).output().expect("run the plugin")
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    // The server takes a moment until it asks a new admission policy.
    let words = loop {
        let refused = lockdown();
        let words = text(&refused.stderr);
        match words.contains("in tier") {
            true => break words,
            false if refused.status.success() => drop(cluster.plugin(&["unlock", "--yes"])),
            false => {}
        }
        assert!(std::time::Instant::now() < deadline, "never refused for a tier: {words}");
    };
    assert!(words.contains("user cannot get tier") && words.contains("get on the tier default"), "{words}");
    let role = words.lines().find_map(|line| line.split_once("with this ClusterRole: ")).expect("a ClusterRole").1;
    cluster.plane.apply(role);
    let bound = ["create", "clusterrolebinding", "jane", "--clusterrole=zerotrust-tier-default", "--user=jane"];
    assert_succeeded(&cluster.plane.kubectl(bound));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let done = lockdown();
        if done.status.success() {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{}", text(&done.stderr));
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    assert_eq!(cluster.stored(&["globalnetworkpolicies.projectcalico.org"])["items"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_role_for_tiers_suffices_and_without_it_nothing_is_begun() {
    let cluster = native();
    cluster.plane.apply(TIER_RIGHTS);
    let role = |user: &str| -> Value {
        let bind = format!("user:{user}");
        let args = ["rbac", "lockdown", "allow", "--name", user, "--bind", &bind, "--output", "json"];
        serde_json::from_str(&cluster.done(&args)).expect("JSON")
    };
    let ann = role("ann");
    assert!(ann.to_string().contains("tier.globalnetworkpolicies"), "the cluster says which group it is: {ann}");
    let mut bob = role("bob");
    for document in bob["items"].as_array_mut().expect("documents") {
        let Some(rules) = document["rules"].as_array_mut() else { continue };
        rules.iter_mut().filter_map(|rule| rule["resources"].as_array_mut()).for_each(|resources| {
            resources.retain(|resource| !resource.as_str().is_some_and(|name| name.starts_with("tier.")));
        });
        rules.retain(|rule| rule["resources"].as_array().is_some_and(|resources| !resources.is_empty()));
    }
    cluster.plane.apply(&ann.to_string());
    cluster.plane.apply(&bob.to_string());
    let run = |user: &std::path::Path, args: &[&str]| {
        cluster.command(args).arg("--kubeconfig").arg(user).output().expect("run the plugin")
    };
    let (ann, bob) = (cluster.plane.kubeconfig_for("ann", &[]), cluster.plane.kubeconfig_for("bob", &[]));
    let refused = run(&bob, &["lockdown", "--yes"]);
    let words = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{words}");
    let lacks = "create tier.globalnetworkpolicies.projectcalico.org default.*";
    for part in [lacks, "kubectl zerotrust rbac lockdown", "--bind user:bob", "nothing was written"] {
        assert!(words.contains(part), "{part} in {words}");
    }
    assert_eq!(records(&cluster), Vec::<String>::new());
    assert_succeeded(&run(&ann, &["lockdown", "--yes"]));
    assert_succeeded(&run(&ann, &["allow", "--from", "10.7.0.99", "--to", "nginx", "--yes"]));
    assert_eq!(records(&cluster).len(), 2);
}

/// calico-node as Calico's manifest for etcd has it, as far as it says where objects are.
const ETCD: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: calico-config, namespace: kube-system}
data:
  etcd_endpoints: ADDRESS
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: calico-node}}
  template:
    metadata: {labels: {k8s-app: calico-node}}
    spec:
      containers:
      - name: calico-node
        image: test
        env:
        - {name: ETCD_ENDPOINTS, valueFrom: {configMapKeyRef: {name: calico-config, key: etcd_endpoints}}}
";

/// Custom resources that are left over from another time are there, and mean nothing.
#[test]
fn an_etcd_datastore_is_recognised_and_calicoctl_takes_what_is_printed_for_it() {
    let cluster = Cluster::start();
    let (etcd, endpoint) = cluster.plane.start_etcd_beside();
    cluster.plane.apply(&ETCD.replace("ADDRESS", &endpoint));
    let refused = cluster.plugin(&["lockdown", "--yes"]);
    let words = text(&refused.stderr);
    assert_ne!(refused.status.code(), Some(0), "{words}");
    for part in ["in an etcd of its own", "etcd_endpoints", "calicoctl apply -f -", "snapshot"] {
        assert!(words.contains(part), "{part} in\n{words}");
    }
    assert_eq!(cluster.stored(&["globalnetworkpolicies.crd.projectcalico.org"])["items"], json!([]));
    let explained = cluster.plugin(&["explain", "--from", "10.7.0.99", "--to", "10.20.2.90:80"]);
    assert_eq!(explained.status.code(), Some(4), "what is in etcd is not seen: {}", text(&explained.stdout));

    // The way that is named: save, add what calicoctl sees, plan from files, hand over to calicoctl.
    let in_etcd = |args: &[&str]| {
        let mut calicoctl = cluster.plane.command("calicoctl");
        calicoctl.args(args).env("DATASTORE_TYPE", "etcdv3").env("ETCD_ENDPOINTS", &endpoint);
        calicoctl
    };
    let pool = "{apiVersion: projectcalico.org/v3, kind: IPPool, metadata: {name: pods}, spec: {cidr: 10.20.0.0/16}}";
    assert_succeeded(&crate::cluster::feed(in_etcd(&["apply", "--filename=-"]), pool));
    let directory = tempfile::tempdir().expect("a directory");
    let saved = directory.path().join("saved");
    let name = saved.to_str().expect("a name");
    let snapshot = cluster.plugin(&["snapshot", name]);
    assert_eq!(snapshot.status.code(), Some(4), "not all could be saved: {}", text(&snapshot.stderr));
    for kind in ["globalnetworkpolicy", "ippool"] {
        let got = in_etcd(&["get", kind, "--output=yaml"]).output().expect("run calicoctl");
        assert_succeeded(&got);
        std::fs::write(saved.join(format!("{kind}.yaml")), got.stdout).expect("save what calicoctl sees");
    }
    let printed = cluster.plugin(&["lockdown", "-f", name, "--dry-run=client", "--output=yaml"]);
    assert_succeeded(&printed);
    assert_succeeded(&crate::cluster::feed(in_etcd(&["apply", "--filename=-"]), &text(&printed.stdout)));
    let got =
        in_etcd(&["get", "globalnetworkpolicy", "deny-app-policy", "--output=json"]).output().expect("run calicoctl");
    assert_succeeded(&got);
    let got: Value = serde_json::from_slice(&got.stdout).expect("JSON");
    assert_eq!(got["spec"]["types"], json!(["Ingress", "Egress"]));
    drop(etcd);
}

/// What `explain` says.
fn verdict(cluster: &Cluster, from: &str, to: &str) -> String {
    let output = cluster.plugin(&["explain", "--from", from, "--to", to, "--output=json"]);
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("explain prints JSON: {}{}", text(&output.stdout), text(&output.stderr)));
    answer["verdict"].as_str().expect("a verdict").to_string()
}

/// The API of each record, oldest first.
fn records(cluster: &Cluster) -> Vec<String> {
    let label = "--selector=app.kubernetes.io/managed-by=kubectl-zerotrust";
    let found = cluster.stored(&["configmaps", "--namespace=kube-system", label]);
    let items = found["items"].as_array().expect("a list").iter();
    items.filter_map(|map| map["data"]["api"].as_str().map(str::to_string)).collect()
}
