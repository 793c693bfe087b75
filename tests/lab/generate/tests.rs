//! The generator: the same seed makes the same world, nothing of it is refused, and its rules matter.
//! Never sends a packet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use kubectl_zerotrust::model::validate::validate;
use kubectl_zerotrust::model::world::Version;
use serde_json::Value;

use super::terrain::{Listeners, Terrain};
use super::{Theme, made};
use crate::probe::Protocol;

/// The base objects of the recorded truth are a terrain like any other.
fn terrain(mode: &str) -> Terrain {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/truth").join(mode).join("base.yaml");
    let text = std::fs::read_to_string(file).expect("the base of the recorded truth");
    let objects: Vec<Value> = serde_yaml::from_multiple(&text).expect("YAML documents");
    let mut clients: Vec<IpAddr> = vec!["10.7.0.99".parse().unwrap(), "10.7.0.98".parse().unwrap()];
    if mode == "dual" {
        clients.push("fd00:10:7::99".parse().unwrap());
    }
    let ports = vec![(Protocol::Tcp, 80), (Protocol::Tcp, 8080), (Protocol::Udp, 53), (Protocol::Sctp, 9999)];
    let listeners = Listeners { pods: ports.clone(), nodes: ports.clone(), clients: ports };
    Terrain::of(&objects, clients, listeners)
}

#[test]
fn a_seed_makes_the_same_world_again() {
    let terrain = terrain("direct");
    let text = |seed| format!("{:?}", made(&terrain, seed));
    assert_eq!(text(1), text(1));
    assert_ne!(text(1), text(2));
}

/// Calico's client turns a stored name back into the one that people see; validation looks at that.
fn as_written(object: &Value) -> Value {
    let mut object = object.clone();
    object["apiVersion"] = "projectcalico.org/v3".into();
    let name = object["metadata"]["name"].as_str().expect("a name");
    object["metadata"]["name"] = name.strip_prefix("default.").unwrap_or(name).into();
    object
}

#[test]
fn no_world_is_refused() {
    let version = Version::parse("v3.28.5");
    for mode in ["direct", "dual"] {
        let terrain = terrain(mode);
        for seed in 0..400 {
            let world = made(&terrain, seed);
            let names: BTreeSet<String> = world
                .objects
                .iter()
                .map(|object| {
                    format!("{}{}{}", object["kind"], object["metadata"]["namespace"], object["metadata"]["name"])
                })
                .collect();
            assert_eq!(names.len(), world.objects.len(), "two objects of {mode}/{seed} have one name");
            for object in world.objects.iter().filter(|_| !world.odd) {
                if object["apiVersion"] == "crd.projectcalico.org/v1" {
                    let mut found = validate(&as_written(object), version);
                    // Felix ignores a list then, as it is known to, and nothing refuses it.
                    found.retain(|violation| !violation.reason.contains("would ignore this list"));
                    assert!(found.is_empty(), "{mode}/{seed}: {object}: {found:?}");
                }
            }
        }
    }
}

#[test]
fn every_theme_and_every_class_comes_up() {
    let terrain = terrain("direct");
    let mut themes: BTreeMap<Theme, usize> = BTreeMap::new();
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..200 {
        let world = made(&terrain, seed);
        *themes.entry(world.theme).or_default() += 1;
        assert!(world.flows.len() > 150, "only {} flows of seed {seed}", world.flows.len());
        for flow in world.flows {
            *classes.entry(flow.class).or_default() += 1;
        }
    }
    assert_eq!(themes.len(), 8, "{themes:?}");
    assert_eq!(classes.len(), 14, "{classes:?}");
}
