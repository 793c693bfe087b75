//! Writes the objects of a running cluster into a directory, as the API server stores them.
//! Never writes what only the lab needs: the marks are left out.

use std::path::Path;

use serde_json::Value;

use super::api::{Api, Request};
use super::marks;

/// Every kind that says something about the way of a packet, by group and version.
const KINDS: &[(&str, &[&str])] = &[
    ("v1", &["Node", "Namespace", "ServiceAccount", "Pod", "Service", "ConfigMap"]),
    ("discovery.k8s.io/v1", &["EndpointSlice"]),
    ("networking.k8s.io/v1", &["NetworkPolicy"]),
    (
        "crd.projectcalico.org/v1",
        &[
            "ClusterInformation",
            "FelixConfiguration",
            "BGPConfiguration",
            "BGPPeer",
            "IPPool",
            "GlobalNetworkPolicy",
            "NetworkPolicy",
            "GlobalNetworkSet",
            "NetworkSet",
            "HostEndpoint",
        ],
    ),
    ("metallb.io/v1beta1", &["ServiceL2Status"]),
];

/// Writes `base.yaml`, and `world.yaml` with the objects of the world.
pub fn write(api: &Api, world: &[Value], directory: &Path) {
    let kinds = KINDS.iter().flat_map(|(version, kinds)| kinds.iter().map(move |kind| (*version, *kind)));
    let kinds: Vec<(&'static str, &'static str)> = kinds.collect();
    let lists = api.must(kinds.iter().map(|(version, kind)| Request::List { version, kind }).collect());
    let (mut base, mut special) = (Vec::new(), Vec::new());
    for ((version, kind), list) in kinds.into_iter().zip(lists) {
        for mut object in list["items"].as_array().cloned().unwrap_or_default() {
            // The items of a list of Kubernetes' own kinds do not say what they are.
            object["apiVersion"] = version.into();
            object["kind"] = kind.into();
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.remove("managedFields");
            }
            let of_world = world.iter().any(|other| is_same(other, &object));
            match (is_wanted(&object), of_world) {
                (false, _) => {}
                (true, true) => special.push(object),
                (true, false) => base.push(object),
            }
        }
    }
    std::fs::create_dir_all(directory).unwrap_or_else(|e| panic!("make {}: {e}", directory.display()));
    for (name, objects) in [("base.yaml", base), ("world.yaml", special)] {
        let documents: Vec<String> =
            objects.iter().map(|object| serde_yaml::to_string(object).expect("JSON is YAML")).collect();
        let path = directory.join(name);
        std::fs::write(&path, documents.join("---\n")).unwrap_or_else(|e| panic!("write {}: {e}", path.display()));
    }
}

fn is_same(one: &Value, other: &Value) -> bool {
    let identity = |object: &Value| {
        let metadata = &object["metadata"];
        [&object["apiVersion"], &object["kind"], &metadata["namespace"], &metadata["name"]].map(Value::clone)
    };
    identity(one) == identity(other)
}

/// Not the marks, and of the ConfigMaps only kube-proxy's.
fn is_wanted(object: &Value) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let ours = [NAME, marks::NAMESPACE].contains(&name) || name == format!("default.{NAME}");
    let inside = object["metadata"]["namespace"] == marks::NAMESPACE;
    !ours && !inside && (object["kind"] != "ConfigMap" || name == "kube-proxy")
}

use marks::NAME;
