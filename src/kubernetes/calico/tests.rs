//! Stored forms and names as each version of Calico writes and reads them.
//! Never asks a server.

use proptest::prelude::*;

use super::metadata::put_entries;
use super::*;
use crate::kubernetes::names::{CALICO_METADATA, TIER_LABEL};

#[test]
fn the_tier_is_written_since_there_are_tiers() {
    let policy =
        json!({"kind": "NetworkPolicy", "metadata": {"name": "a", "namespace": "b"}, "spec": {"types": ["Ingress"]}});
    let tier = |version: &str| {
        let stored = to_stored(Kind::NetworkPolicy, &policy, None, Shape::Crd(Version::parse(version)));
        stored["spec"].get("tier").cloned()
    };
    assert_eq!(tier("3.28.5"), None);
    assert_eq!(tier("3.29.0"), Some("default".into()));
}

fn version(text: &str) -> Option<Version> {
    Version::parse(text)
}

fn stored(kind: &str, metadata: Value, spec: Value) -> Value {
    json!({ "apiVersion": CRD_V1, "kind": kind, "metadata": metadata, "spec": spec })
}

fn v3(kind: &str, metadata: Value, spec: Value) -> Value {
    json!({ "apiVersion": V3, "kind": kind, "metadata": metadata, "spec": spec })
}

fn name_of(value: &Value) -> &str {
    value["metadata"]["name"].as_str().unwrap()
}

/// Stored name, annotation, version: the name that calicoctl of that version shows (facts, part 1).
#[test]
fn names_are_read_as_each_version_reads_them() {
    let plain = json!({});
    let unnamed = json!({ CALICO_METADATA: r#"{"creationTimestamp":null}"# });
    let named = json!({ CALICO_METADATA: r#"{"name":"web"}"# });
    for (name, annotations, release, shown) in [
        ("default.web", &plain, "3.18", "web"),
        ("default.web", &unnamed, "3.28.5", "web"),
        ("other.web", &plain, "3.28.5", "web"),
        ("web", &plain, "3.28.5", "web"),
        ("knp.default.web", &plain, "3.28.5", "knp.default.web"),
        ("ossg.default.web", &plain, "3.28.5", "ossg.default.web"),
        ("default.web", &plain, "3.29.0", "web"),
        ("security.web", &plain, "3.29.3", "security.web"),
        ("default.web", &plain, "3.30.2", "default.web"),
        ("default.web", &unnamed, "3.29.4", "web"),
        ("default.web", &named, "3.31.0", "web"),
        ("default.copy", &named, "3.31.0", "web"),
        ("security.web", &unnamed, "3.31.0", "security.web"),
        ("web", &plain, "3.32.0", "web"),
        ("default.web", &plain, "3.32.0", "default.web"),
        ("default.web", &plain, "", "web"),
        ("default.web", &named, "", "web"),
        ("web", &plain, "", "web"),
        ("security.web", &plain, "", "security.web"),
    ] {
        let object = stored("GlobalNetworkPolicy", json!({ "name": name, "annotations": annotations }), json!({}));
        let converted = to_v3(Kind::GlobalNetworkPolicy, object, version(release)).unwrap();
        assert_eq!(name_of(&converted.value), shown, "{name} {annotations} {release}");
        assert_eq!(converted.stored_name, name);
    }
}

#[test]
fn names_are_stored_as_each_version_stores_them() {
    for (name, release, stored) in [
        ("web", "3.18", "default.web"),
        ("web", "3.28.5", "default.web"),
        ("knp.default.web", "3.28.5", "knp.default.web"),
        ("web", "3.29.0", "default.web"),
        ("security.web", "3.29.0", "security.web"),
        ("default.web", "3.31.0", "default.web"),
        ("web", "3.31.0", "default.web"),
        ("web", "3.32.0", "web"),
        ("default.web", "3.32.0", "default.web"),
        ("web", "", "default.web"),
    ] {
        assert_eq!(stored_name(Kind::NetworkPolicy, name, version(release)), stored, "{name} {release}");
        assert_eq!(stored_name(Kind::HostEndpoint, name, version(release)), name);
    }
}

#[test]
fn calicos_own_labels_win_over_the_objects() {
    let own =
        r#"{"labels":{"role":"old","zone":"a"},"annotations":{"why":"x"},"creationTimestamp":"2021-01-01T00:00:00Z"}"#;
    let metadata = json!({
        "name": "eth0", "uid": "1", "resourceVersion": "7", "creationTimestamp": "2022-01-01T00:00:00Z",
        "labels": { "role": "new", "more": "yes" }, "annotations": { CALICO_METADATA: own },
    });
    let converted = to_v3(Kind::HostEndpoint, stored("HostEndpoint", metadata, json!({})), None).unwrap();
    let expected = json!({
        "name": "eth0", "resourceVersion": "7", "creationTimestamp": "2021-01-01T00:00:00Z",
        "labels": { "role": "old", "zone": "a", "more": "yes" }, "annotations": { "why": "x" },
    });
    assert_eq!(converted.value["metadata"], expected);
    assert_eq!(converted.value["apiVersion"], V3);
    let (code, detail) = &converted.notices[0];
    assert_eq!((*code, converted.notices.len()), (findings::METADATA_STALE, 1));
    assert_eq!(detail, r#"metadata.labels[role] is "new", but Calico uses "old""#);
}

#[test]
fn a_name_that_calicoctl_does_not_find_is_noticed() {
    for (name, release, noticed) in
        [("web", "3.28.5", true), ("default.web", "3.28.5", false), ("web", "3.32.0", false), ("web", "", true)]
    {
        let object = stored("NetworkPolicy", json!({ "name": name, "namespace": "shop" }), json!({}));
        let notices = to_v3(Kind::NetworkPolicy, object, version(release)).unwrap().notices;
        assert_eq!(notices.iter().any(|(code, _)| *code == findings::NAME_UNUSUAL), noticed, "{name} {release}");
    }
}

#[test]
fn metadata_that_calico_cannot_read_is_an_error() {
    let metadata = json!({ "name": "x", "annotations": { CALICO_METADATA: "{" } });
    let error = to_v3(Kind::HostEndpoint, stored("HostEndpoint", metadata, json!({})), None).unwrap_err();
    assert!(error.starts_with("metadata.annotations[projectcalico.org/metadata] cannot be read"), "{error}");
}

#[test]
fn types_are_written_as_calicoctl_defaults_them() {
    let rule = json!([{ "action": "Allow" }]);
    for (spec, types) in [
        (json!({}), json!(["Ingress"])),
        (json!({ "ingress": rule }), json!(["Ingress"])),
        (json!({ "egress": rule }), json!(["Egress"])),
        (json!({ "ingress": rule, "egress": rule }), json!(["Ingress", "Egress"])),
        (json!({ "types": ["Egress"] }), json!(["Egress"])),
    ] {
        let object = v3("GlobalNetworkPolicy", json!({ "name": "web" }), spec);
        let written = to_stored(Kind::GlobalNetworkPolicy, &object, None, Shape::Crd(version("3.18")));
        assert_eq!(written["spec"]["types"], types);
        assert_eq!(to_v3(Kind::GlobalNetworkPolicy, object, None).unwrap().value["spec"]["types"], types);
    }
}

/// Felix enforces both directions of a stored policy without types (felix/calc/policy_sorter.go), so writing it
/// back must say both, though calicoctl would have said Ingress.
#[test]
fn a_stored_policy_without_types_keeps_both_directions() {
    let current = stored("GlobalNetworkPolicy", json!({ "name": "default.web" }), json!({ "selector": "all()" }));
    let read = to_v3(Kind::GlobalNetworkPolicy, current.clone(), version("3.18")).unwrap().value;
    assert_eq!(read["spec"].get("types"), None);
    let written = to_stored(Kind::GlobalNetworkPolicy, &read, Some(&current), Shape::Crd(version("3.18")));
    assert_eq!(written["spec"]["types"], json!(["Ingress", "Egress"]));
}

#[test]
fn a_new_object_is_stored_as_calicoctl_stores_it() {
    let metadata = json!({
        "name": "security.web", "namespace": "shop",
        "labels": { "team": "a" }, "annotations": { "why": "x", "projectcalico.org/note": "y" },
    });
    let object = v3("NetworkPolicy", metadata, json!({ "tier": "security", "types": ["Ingress"] }));
    let written = to_stored(Kind::NetworkPolicy, &object, None, Shape::Crd(version("3.31.0")));
    assert_eq!(written["apiVersion"], CRD_V1);
    let metadata = &written["metadata"];
    assert_eq!((name_of(&written), metadata["namespace"].as_str()), ("security.web", Some("shop")));
    assert_eq!(metadata["labels"], json!({ TIER_LABEL: "security" }));
    assert_eq!(metadata["annotations"]["projectcalico.org/note"], "y");
    assert_eq!(metadata["annotations"].get("why"), None);
    let own: Value = serde_json::from_str(metadata["annotations"][CALICO_METADATA].as_str().unwrap()).unwrap();
    let expected = json!({
        "name": "security.web", "creationTimestamp": null,
        "labels": { "team": "a", TIER_LABEL: "security" }, "annotations": { "why": "x", "projectcalico.org/note": "y" },
    });
    assert_eq!(own, expected);
    let old = to_stored(Kind::NetworkPolicy, &object, None, Shape::Crd(version("3.18.1")));
    assert_eq!(old["metadata"].get("labels"), None);
}

#[test]
fn unknown_stored_fields_and_unusual_names_are_kept() {
    let spec = json!({ "selector": "all()", "types": ["Ingress"], "order": 5, "ofAnotherEdition": { "a": 1 } });
    let current = stored("GlobalNetworkPolicy", json!({ "name": "web", "resourceVersion": "7" }), spec);
    let new = v3(
        "GlobalNetworkPolicy",
        json!({ "name": "web", "resourceVersion": "7", "annotations": { "a": "b" } }),
        json!({ "selector": "all()", "types": ["Ingress"] }),
    );
    let written = to_stored(Kind::GlobalNetworkPolicy, &new, Some(&current), Shape::Crd(version("3.28.5")));
    let expected = stored(
        "GlobalNetworkPolicy",
        json!({ "name": "web", "resourceVersion": "7", "annotations": { "a": "b" } }),
        json!({ "selector": "all()", "types": ["Ingress"], "ofAnotherEdition": { "a": 1 } }),
    );
    assert_eq!(written, expected);
}

fn words() -> impl Strategy<Value = Map<String, Value>> {
    let key = prop_oneof!["[a-z]{1,3}", Just("projectcalico.org/x".to_string()), Just("operator.tigera.io/y".into())];
    proptest::collection::btree_map(key, "[a-z]{0,3}", 0..4)
        .prop_map(|entries| entries.into_iter().map(|(key, value)| (key, value.into())).collect())
}

proptest! {
    /// Whatever was stored: what is written reads back as what was wanted.
    #[test]
    fn writing_and_reading_back_is_the_identity(
        labels in words(), annotations in words(), before in words(), annotated: bool, existed: bool,
        release in prop_oneof![Just("3.18.1"), Just("3.28.5"), Just("3.29.0"), Just("3.30.2"), Just("3.31.0"), Just("3.32.1"), Just("")],
        kind in prop_oneof![Just(Kind::GlobalNetworkPolicy), Just(Kind::HostEndpoint), Just(Kind::NetworkSet)],
    ) {
        let version = version(release);
        let shape = Shape::Crd(version);
        let mut metadata = Map::new();
        metadata.insert("name".into(), "web".into());
        // Since 3.29 a policy that is stored names its tier.
        let mut spec = json!({ "types": ["Ingress"] });
        if is_tiered(kind) && version.is_some_and(|version| version.at_least(3, 29)) {
            spec["tier"] = "default".into();
        }
        let bare = v3(&kind.to_string(), metadata.clone().into(), spec);
        let mut current = to_stored(kind, &bare, None, shape);
        if !annotated {
            current["metadata"] = json!({ "name": current["metadata"]["name"], "labels": before });
        }
        let current = existed.then_some(current);
        let mut wanted = match &current {
            Some(current) => to_v3(kind, current.clone(), version).unwrap().value,
            None => bare,
        };
        let target = wanted["metadata"].as_object_mut().unwrap();
        put_entries(target, "labels", labels);
        put_entries(target, "annotations", annotations);
        let written = to_stored(kind, &wanted, current.as_ref(), shape);
        let mut read = to_v3(kind, written, version).unwrap();
        prop_assert!(!read.notices.iter().any(|(code, _)| *code == findings::METADATA_STALE));
        for object in [&mut read.value, &mut wanted] {
            object["metadata"].as_object_mut().unwrap().remove("creationTimestamp");
        }
        prop_assert_eq!(read.value, wanted);
    }
}
