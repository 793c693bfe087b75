//! What a snapshot keeps of an object: what decides about traffic, and nothing that may be confidential beside it.
//! Never knows where the object comes from or goes.

use serde_json::Value;

use super::names::Kind;

/// What the API server keeps for itself, at no use elsewhere.
const BOOKKEEPING: [&str; 3] = ["managedFields", "selfLink", "generateName"];
/// A copy of the object as it was applied, with all that is left out here.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// What of a pod's spec decides about its traffic.
const POD_SPEC: [&str; 5] = ["nodeName", "hostNetwork", "serviceAccountName", "containers", "initContainers"];
/// What of a container does; environment, arguments and mounts often hold what is nobody's business.
const CONTAINER: [&str; 3] = ["name", "ports", "restartPolicy"];
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

/// NodeLocal DNSCache is the one whose arguments say where it listens.
fn pod_spec(object: &mut Value, pointer: &str) {
    keep(object, pointer, &POD_SPEC);
    for field in ["containers", "initContainers"] {
        for container in list(object, &format!("{pointer}/{field}")) {
            let local = |line: &&Value| line.to_string().contains("localip");
            let lines: Vec<(&str, Value)> = ["command", "args"]
                .into_iter()
                .filter_map(|field| Some((field, container.get(field).filter(local)?.clone())))
                .collect();
            keep(container, "", &CONTAINER);
            for (field, line) in lines {
                container[field] = line;
            }
        }
    }
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
    fn policies_stay_as_they_are() {
        let policy = json!({
            "metadata": { "name": "web", "resourceVersion": "7", "annotations": { "projectcalico.org/metadata": "{}" } },
            "spec": { "ingress": [{ "action": "Allow" }] },
        });
        assert_eq!(slim(Kind::NetworkPolicy, policy.clone()), policy);
    }
}
