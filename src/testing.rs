//! Worlds and packets from a few words, for unit tests.
//! Never knows what is tested.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::kubernetes::calico::to_v3;
use crate::kubernetes::names::{Kind, RESOURCES};
use crate::kubernetes::objects::{Answer, Coverage, Objects, Place, Query};
use crate::model::flow::{Packet, Protocol};
use crate::model::world::{Version, World};

/// A world of which these YAML documents are everything.
pub fn world(yaml: &str) -> World {
    crate::observe::world(&objects(yaml))
}

/// Objects of which these YAML documents are everything.
pub fn objects(yaml: &str) -> Objects {
    let documents: Vec<serde_json::Value> = serde_yaml::from_multiple(yaml).expect("YAML documents");
    let documents: Vec<_> = documents.into_iter().filter(|document| !document.is_null()).collect();
    let version = documents.iter().find(|document| document["kind"] == "ClusterInformation");
    let version = version.and_then(|document| document["spec"]["calicoVersion"].as_str()).and_then(Version::parse);
    let mut objects = Objects::default();
    for (index, document) in documents.into_iter().enumerate() {
        let text = |field: &str| document[field].as_str().unwrap_or_default().to_string();
        let kind = Kind::of_document(&text("apiVersion"), &text("kind"));
        let kind = kind.unwrap_or_else(|| panic!("{} {} is read", text("apiVersion"), text("kind")));
        let converted = to_v3(kind, document, version).expect("a document in Calico's form");
        let place = Place::File { file: Arc::new(PathBuf::from("test.yaml")), line: index + 1 };
        objects.add(kind, converted.value, &converted.stored_name, place).expect("a document of its kind");
    }
    for resource in RESOURCES {
        let coverage = Coverage { query: Query::all(resource.kind), answer: Answer::Complete };
        objects.coverage_mut(resource.kind).push(coverage);
    }
    objects
}

/// A packet as `10.0.0.1 -> 10.0.0.2 tcp:80`, `fd00::1 -> fd00::2 udp:53`, `10.0.0.1 -> 10.0.0.2 icmp`.
pub fn packet(text: &str) -> Packet {
    let (source, rest) = text.split_once(" -> ").expect("a source and a destination");
    let (destination, protocol) = rest.split_once(' ').expect("a protocol");
    let (protocol, port) = match protocol.split_once(':') {
        Some((protocol, port)) => (protocol, Some(port.parse().expect("a port"))),
        None => (protocol, None),
    };
    let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
    Packet {
        source: ip(source),
        destination: ip(destination),
        protocol: Protocol::parse(protocol).expect("a protocol"),
        port,
        source_port: None,
        icmp: None,
    }
}
