//! What a snapshot keeps of an object: what decides about traffic, and nothing that may be confidential beside it.
//! Never knows where the object comes from or goes.

use serde_json::Value;

use super::names::Kind;
use super::objects::is_calicos_variable;

/// What the API server keeps for itself, at no use elsewhere.
const BOOKKEEPING: [&str; 3] = ["managedFields", "selfLink", "generateName"];
/// A copy of the object as it was applied, with all that is left out here.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// What of a pod's spec decides about its traffic.
const POD_SPEC: [&str; 5] = ["nodeName", "hostNetwork", "serviceAccountName", "containers", "initContainers"];
/// What of a container does; environment, arguments and mounts often hold what is nobody's business, but for those below.
const CONTAINER: [&str; 3] = ["name", "ports", "restartPolicy"];
/// Flags of the cluster's own programs that decide about traffic: where NodeLocal DNSCache listens, ranges of addresses
/// and ports, kube-proxy's settings.
const FLAGS: [&str; 9] = [
    "localip",
    "service-node-port-range",
    "service-cluster-ip-range",
    "cluster-cidr",
    "config",
    "proxy-mode",
    "detect-local-mode",
    "nodeport-addresses",
    "masquerade-all",
];
/// The programs whose flags they are; others have flags of these names that mean something else.
const PROGRAMS: [&str; 4] = ["kube-apiserver", "kube-controller-manager", "kube-proxy", "node-cache"];
/// What of a pod's status does.
const POD_STATUS: [&str; 5] = ["phase", "podIP", "podIPs", "hostIP", "conditions"];

/// The object as a snapshot keeps it.
pub fn slim(kind: Kind, mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        BOOKKEEPING.iter().for_each(|field| _ = metadata.remove(*field));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
    }
    match kind {
        Kind::Pod => {
            pod_spec(&mut object, "/spec");
            keep(&mut object, "/status", &POD_STATUS);
        }
        Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::ReplicaSet | Kind::Job => {
            keep(&mut object, "/spec", &["selector", "template", "replicas"]);
            keep(&mut object, "/spec/template", &["metadata", "spec"]);
            pod_spec(&mut object, "/spec/template/spec");
            remove(&mut object, "", "status");
        }
        Kind::ServiceAccount => {
            ["secrets", "imagePullSecrets"].iter().for_each(|field| remove(&mut object, "", field));
        }
        Kind::Event => {
            let fields = [
                "apiVersion",
                "kind",
                "metadata",
                "involvedObject",
                "reason",
                "message",
                "type",
                "firstTimestamp",
                "lastTimestamp",
                "eventTime",
                "series",
            ];
            keep(&mut object, "", &fields);
        }
        Kind::Node => keep(&mut object, "/status", &["addresses", "nodeInfo"]),
        Kind::CustomResourceDefinition => {
            keep(&mut object, "/spec", &["group", "names", "scope", "conversion"]);
            remove(&mut object, "/spec/conversion/webhook/clientConfig", "caBundle");
            remove(&mut object, "", "status");
        }
        Kind::APIService => remove(&mut object, "/spec", "caBundle"),
        Kind::ValidatingWebhookConfiguration | Kind::MutatingWebhookConfiguration => {
            for webhook in list(&mut object, "/webhooks") {
                remove(webhook, "/clientConfig", "caBundle");
            }
        }
        _ => {}
    }
    object
}

/// Of command lines and environments only what says how the cluster's network works.
fn pod_spec(object: &mut Value, pointer: &str) {
    keep(object, pointer, &POD_SPEC);
    for field in ["containers", "initContainers"] {
        for container in list(object, &format!("{pointer}/{field}")) {
            let flags = ["command", "args"].map(|field| (field, flags(container, field)));
            let environment = container.get("env").and_then(Value::as_array).into_iter().flatten();
            let calicos = |one: &&Value| one["name"].as_str().is_some_and(is_calicos_variable);
            let environment: Vec<Value> = environment.filter(calicos).cloned().collect();
            keep(container, "", &CONTAINER);
            for (field, line) in flags.into_iter().filter(|(_, line)| !line.is_empty()) {
                container[field] = line.into();
            }
            if !environment.is_empty() {
                container["env"] = environment.into();
            }
        }
    }
}

/// The program's name and those of its flags that are kept, each with the value behind it.
fn flags(container: &Value, field: &str) -> Vec<Value> {
    let line: Vec<&str> =
        container.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    // A whole command line in one word stays whole, if it is NodeLocal DNSCache's.
    let is_local = line.iter().any(|word| word.contains("localip"));
    let is_known = container.get("name").and_then(Value::as_str).is_some_and(|name| PROGRAMS.contains(&name));
    if is_local || !is_known {
        return if is_local { line.into_iter().map(Value::from).collect() } else { Vec::new() };
    }
    let name = |word: &str| word.trim_start_matches('-').split('=').next().unwrap_or_default().to_string();
    let is_flag = |word: &str| word.starts_with('-');
    let mut kept = Vec::new();
    for (index, word) in line.iter().enumerate() {
        let is_value = !is_flag(word) && index > 0 && is_flag(line[index - 1]) && !line[index - 1].contains('=');
        let of = if is_value { line[index - 1] } else { word };
        let is_program = !is_flag(word) && !is_value && index == 0 && !word.contains(char::is_whitespace);
        if is_program || FLAGS.contains(&name(of).as_str()) {
            kept.push(Value::from(*word));
        }
    }
    kept
}

fn list<'a>(object: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> {
    object.pointer_mut(pointer).and_then(Value::as_array_mut).into_iter().flatten()
}

fn keep(object: &mut Value, pointer: &str, fields: &[&str]) {
    if let Some(map) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
        map.retain(|key, _| fields.contains(&key.as_str()));
    }
}

fn remove(object: &mut Value, pointer: &str, field: &str) {
    if let Some(map) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
        map.remove(field);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_be_confidential_does_not_get_into_a_snapshot() {
        let pod = json!({
            "metadata": {
                "name": "web", "managedFields": [{ "x": "hush" }],
                "annotations": { LAST_APPLIED: "hush", "cni.projectcalico.org/podIP": "10.20.1.1/32" },
            },
            "spec": {
                "nodeName": "n1", "volumes": [{ "secret": { "secretName": "hush" } }],
                "containers": [{
                    "name": "web", "env": [{ "name": "PASSWORD", "value": "hush" }], "args": ["--password=hush"],
                    "ports": [{ "containerPort": 80 }],
                }],
            },
            "status": { "podIP": "10.20.1.1", "containerStatuses": [{ "imageID": "hush" }] },
        });
        let kept = slim(Kind::Pod, pod);
        assert!(!kept.to_string().contains("hush"), "{kept}");
        assert_eq!(
            kept,
            json!({
                "metadata": { "name": "web", "annotations": { "cni.projectcalico.org/podIP": "10.20.1.1/32" } },
                "spec": { "nodeName": "n1", "containers": [{ "name": "web", "ports": [{ "containerPort": 80 }] }] },
                "status": { "podIP": "10.20.1.1" },
            })
        );
    }

    #[test]
    fn where_a_local_dns_cache_listens_is_kept() {
        let args = json!(["-localip", "169.254.20.10"]);
        let pod = json!({ "spec": { "containers": [{ "name": "cache", "args": args }] } });
        assert_eq!(slim(Kind::Pod, pod)["spec"]["containers"][0]["args"], args);
    }

    #[test]
    fn what_the_clusters_own_programs_are_told_is_kept_and_nothing_else_of_them() {
        let pod = json!({ "spec": { "containers": [
            {
                "name": "kube-apiserver",
                "command": ["kube-apiserver", "--etcd-servers=hush", "--service-node-port-range=30000-31000", "--token", "hush",
                            "--service-cluster-ip-range", "10.96.0.0/12"],
            },
            {
                "name": "calico-node",
                "env": [{ "name": "FELIX_BPFENABLED", "value": "true" }, { "name": "ETCD_KEY", "value": "hush" }],
            },
            { "name": "web", "command": ["web", "--config=hush"] },
        ] } });
        let kept = slim(Kind::Pod, pod);
        assert!(!kept.to_string().contains("hush"), "{kept}");
        assert_eq!(
            kept["spec"]["containers"],
            json!([
                {
                    "name": "kube-apiserver",
                    "command": ["kube-apiserver", "--service-node-port-range=30000-31000", "--service-cluster-ip-range", "10.96.0.0/12"],
                },
                { "name": "calico-node", "env": [{ "name": "FELIX_BPFENABLED", "value": "true" }] },
                { "name": "web" },
            ])
        );
    }

    #[test]
    fn policies_stay_as_they_are() {
        let policy = json!({
            "metadata": { "name": "web", "resourceVersion": "7", "annotations": { "projectcalico.org/metadata": "{}" } },
            "spec": { "ingress": [{ "action": "Allow" }] },
        });
        assert_eq!(slim(Kind::NetworkPolicy, policy.clone()), policy);
    }
}
