//! From documents to a world, all of which was read.
//! Never knows what is in them.

use std::path::PathBuf;
use std::sync::Arc;

use kubectl_zerotrust::kubernetes::calico::to_v3;
use kubectl_zerotrust::kubernetes::names::{Kind, RESOURCES};
use kubectl_zerotrust::kubernetes::objects::{Answer, Coverage, Objects, Place, Query};
use kubectl_zerotrust::model::world::{Version, World};
use serde_json::Value;

/// The world of which these documents are everything.
pub fn world(documents: &[Value]) -> World {
    let version = documents.iter().find(|document| document["kind"] == "ClusterInformation");
    let version = version.and_then(|document| document["spec"]["calicoVersion"].as_str()).and_then(Version::parse);
    let mut objects = Objects::default();
    for (index, document) in documents.iter().enumerate() {
        let text = |field: &str| document[field].as_str().unwrap_or_default();
        let kind = Kind::of_document(text("apiVersion"), text("kind")).expect("a kind that is read");
        let converted = to_v3(kind, document.clone(), version).expect("a document in Calico's form");
        let place = Place::File { file: Arc::new(PathBuf::from("cluster.yaml")), line: index + 1 };
        objects.add(kind, converted.value, &converted.stored_name, place).expect("a document of its kind");
    }
    for resource in RESOURCES {
        let coverage = Coverage { query: Query::all(resource.kind), answer: Answer::Complete };
        objects.coverage_mut(resource.kind).push(coverage);
    }
    kubectl_zerotrust::observe::world(&objects)
}
