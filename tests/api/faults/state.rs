//! All that the plugin can have written in a cluster: read at once, compared by meaning, put back as it was.
//! Never knows what any of it is for.

use std::collections::BTreeMap;

use kubectl_zerotrust::kubernetes::calico::{Shape, from_server};
use kubectl_zerotrust::kubernetes::names::Kind;
use kubectl_zerotrust::model::world::Version;
use kubectl_zerotrust::record::{Record, number, part_name};
use serde_json::{Value, json};

use crate::support::Wire;

/// Where the objects are that plans write, and the records.
const WRITTEN: [&str; 9] = [
    "/apis/crd.projectcalico.org/v1/globalnetworkpolicies",
    "/apis/crd.projectcalico.org/v1/networkpolicies",
    "/apis/crd.projectcalico.org/v1/globalnetworksets",
    "/apis/crd.projectcalico.org/v1/networksets",
    "/apis/crd.projectcalico.org/v1/hostendpoints",
    "/apis/crd.projectcalico.org/v1/bgpconfigurations",
    "/apis/crd.projectcalico.org/v1/bgppeers",
    "/api/v1/services",
    "/api/v1/namespaces/kube-system/configmaps",
];
/// What the API server counts or says by itself.
const COUNTED: [&str; 6] = ["resourceVersion", "uid", "creationTimestamp", "generation", "managedFields", "selfLink"];
const CALICO_METADATA: &str = "projectcalico.org/metadata";

/// The objects by the path of each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    raw: BTreeMap<String, Value>,
}

impl State {
    /// Reads it.
    pub fn read(wire: &Wire) -> State {
        let mut raw = BTreeMap::new();
        for list in WRITTEN {
            let found = wire.done("GET", list, None);
            for mut item in found["items"].as_array().expect("a list").iter().cloned() {
                item["kind"] = json!(found["kind"].as_str().expect("a kind").trim_end_matches("List"));
                item["apiVersion"] = found["apiVersion"].clone();
                raw.insert(path(list, &item), item);
            }
        }
        State { raw }
    }

    /// Makes the cluster what it was.
    pub fn restore(&self, wire: &Wire) {
        let now = State::read(wire);
        for (path, object) in now.raw.iter().filter(|(path, _)| !self.raw.contains_key(*path)) {
            let options = json!({ "kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0 });
            wire.done("DELETE", path, Some(&options));
            assert!(object.is_object());
        }
        for (path, object) in &self.raw {
            let mut wanted = object.clone();
            let metadata = wanted["metadata"].as_object_mut().expect("metadata");
            COUNTED.iter().for_each(|field| drop(metadata.remove(*field)));
            match now.raw.get(path) {
                Some(there) if meaning(there) == meaning(object) => {}
                Some(there) => {
                    wanted["metadata"]["resourceVersion"] = there["metadata"]["resourceVersion"].clone();
                    wire.done("PUT", path, Some(&wanted));
                }
                None => {
                    let (list, _) = path.rsplit_once('/').expect("a path with a name");
                    wire.done("POST", list, Some(&wanted));
                }
            }
        }
    }

    /// The same as records have it: in v3 form.
    pub fn in_v3(&self) -> Vec<Value> {
        let shape = Shape::Crd(Version::parse("v3.28.5"));
        let objects = self.raw.iter().filter(|(path, _)| !path.contains("/configmaps/"));
        objects
            .map(|(path, object)| {
                let text = |field: &str| object[field].as_str().expect("text");
                let kind = Kind::of_document(text("apiVersion"), text("kind")).expect("a kind");
                match kind.is_calico() {
                    true => {
                        from_server(kind, object.clone(), shape, Version::parse("v3.28.5"))
                            .unwrap_or_else(|error| panic!("{path}: {error}"))
                            .value
                    }
                    false => object.clone(),
                }
            })
            .collect()
    }

    /// What decides about traffic, without the records.
    pub fn objects(&self) -> BTreeMap<&str, Value> {
        let objects = self.raw.iter().filter(|(path, _)| !path.contains("/configmaps/"));
        objects.map(|(path, object)| (path.as_str(), meaning(object))).collect()
    }

    /// The records, oldest first.
    pub fn records(&self) -> BTreeMap<u32, Record> {
        let maps: BTreeMap<&str, &Value> =
            self.raw.iter().filter_map(|(path, object)| Some((path.rsplit_once("/configmaps/")?.1, object))).collect();
        let records = maps.iter().filter_map(|(name, first)| {
            let number = number(name)?;
            let others: Vec<Value> =
                (1..).map_while(|part| maps.get(part_name(number, part).as_str()).map(|map| (*map).clone())).collect();
            let record = Record::from_config_maps(first, &others);
            Some((number, record.unwrap_or_else(|error| panic!("record {number}: {error}"))))
        });
        records.collect()
    }

    /// All of it as one text that is the same for what means the same.
    pub fn key(&self) -> String {
        let records = self.records().into_iter().map(|(number, record)| {
            let entries: Vec<String> =
                record.entries.iter().map(|entry| format!("{} {}", entry.object, entry.written)).collect();
            format!("{number} {:?} {:?}", record.summary.state, entries)
        });
        format!("{:?} {:?}", self.objects(), records.collect::<Vec<_>>())
    }

    /// The paths of what differs.
    pub fn differs<'a>(&'a self, other: &'a State) -> Vec<&'a str> {
        let (ours, theirs) = (self.objects(), other.objects());
        let mut paths: Vec<&str> = ours.keys().chain(theirs.keys()).copied().collect();
        paths.sort_unstable();
        paths.dedup();
        paths.retain(|path| ours.get(path) != theirs.get(path));
        paths
    }

    /// One object, for a message.
    pub fn shown(&self, path: &str) -> String {
        self.raw.get(path).map_or_else(|| "absent".into(), |object| meaning(object).to_string())
    }
}

fn path(list: &str, item: &Value) -> String {
    let metadata = &item["metadata"];
    let name = metadata["name"].as_str().expect("a name");
    match metadata["namespace"].as_str().filter(|_| !list.contains("/namespaces/")) {
        Some(namespace) => {
            let (root, plural) = list.rsplit_once('/').expect("a path");
            format!("{root}/namespaces/{namespace}/{plural}/{name}")
        }
        None => format!("{list}/{name}"),
    }
}

/// An object without what the API server counts; Calico keeps some of that in an annotation.
fn meaning(object: &Value) -> Value {
    let mut object = object.clone();
    let metadata = object["metadata"].as_object_mut().expect("metadata");
    COUNTED.iter().for_each(|field| drop(metadata.remove(*field)));
    if let Some(own) = object.pointer_mut("/metadata/annotations").and_then(|all| all.get_mut(CALICO_METADATA)) {
        let mut read: Value = serde_json::from_str(own.as_str().expect("text")).expect("JSON");
        COUNTED.iter().for_each(|field| drop(read.as_object_mut().expect("an object").remove(*field)));
        *own = read;
    }
    object
}
