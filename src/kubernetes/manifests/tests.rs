//! Directories through the reader and the writer.
//! Never touches anything outside a temporary directory.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Manifests, write_snapshot};
use crate::findings;
use crate::kubernetes::names::{Kind, RESOURCES};
use crate::kubernetes::objects::{Objects, Place};
use crate::kubernetes::{AccessError, ObjectRef, Reader, Writer};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn home(files: &[(&str, &str)]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    home
}

fn manifests(home: &TempDir) -> Manifests {
    Manifests::new(vec![home.path().to_path_buf()])
}

fn objects(home: &TempDir) -> Objects {
    let mut objects = Objects::default();
    run(manifests(home).read(&[], &mut objects)).unwrap();
    objects
}

fn text(home: &TempDir, name: &str) -> String {
    fs::read_to_string(home.path().join(name)).unwrap()
}

fn place(place: &Place, home: &TempDir) -> String {
    place.to_string().replace(&format!("{}/", home.path().display()), "")
}

/// Place, object, kind and reason of everything that was not understood.
fn unread(objects: &Objects, home: &TempDir) -> Vec<String> {
    let shown = |part: &Option<String>| part.clone().unwrap_or("-".into());
    objects
        .unread
        .iter()
        .map(|unread| {
            let kind = unread.kind.map(|kind| kind.to_string());
            format!("{} {} [{}] {}", place(&unread.place, home), shown(&unread.object), shown(&kind), unread.reason)
        })
        .collect()
}

fn policy(name: &str, namespace: &str) -> ObjectRef {
    ObjectRef { kind: Kind::NetworkPolicy, namespace: Some(namespace.into()), name: name.into() }
}

const WEB: &str = "\
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata:
  name: web
  namespace: shop
spec:
  selector: app == 'web'
  ingress:
  # the office
  - action: Allow
    source:
      nets: [10.0.0.0/8]
";

#[test]
fn a_directory_is_read_whole_and_once() {
    let home = home(&[
        (
            "a/pods.yaml",
            "# pods\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {nodeName: n1}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: [broken\n",
        ),
        (
            "list.yml",
            "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata:\n    name: shop\n- apiVersion: v1\n  items:\n  - metadata:\n      name: n1\n  kind: NodeList\nkind: List\n",
        ),
        (
            "x.json",
            r#"{"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "b"}}, {"metadata": {"name": "c", "namespace": "x"}}]}"#,
        ),
        ("web.yaml", WEB),
        ("kustomization.yaml", "resources: [web.yaml]\n"),
        ("note.txt", "kind: Pod"),
    ]);
    let mut found = objects(&home);
    assert_eq!(unread(&found, &home), Vec::<String>::new());
    let pods: Vec<_> = found
        .pods
        .items
        .iter()
        .map(|pod| (pod.metadata.name.clone(), pod.metadata.namespace.clone().unwrap(), place(&pod.place, &home)))
        .collect();
    let expected = [("a", "shop", "a/pods.yaml:3"), ("b", "default", "x.json:1"), ("c", "x", "x.json:1")];
    assert_eq!(
        pods,
        expected.map(|(name, namespace, place)| (name.to_string(), namespace.to_string(), place.to_string()))
    );
    assert_eq!(found.namespaces.items[0].metadata.name, "shop");
    assert_eq!(place(&found.namespaces.items[0].place, &home), "list.yml:3");
    assert_eq!(found.nodes.items[0].metadata.name, "n1");
    let web = &found.calico_policies.items[0];
    assert_eq!((web.stored_name.as_str(), web.spec.types.as_slice()), ("default.web", &["Ingress".to_string()][..]));
    for resource in RESOURCES {
        assert!(!found.coverage_mut(resource.kind).is_empty(), "{}", resource.kind);
    }
    assert!(found.pods.complete());
    run(manifests(&home).read(&[], &mut found)).unwrap();
    assert_eq!(found.pods.items.len(), 3);
}

#[test]
fn what_is_broken_is_named_and_hides_nothing_else() {
    let home = home(&[
        (
            "a.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata:\n  name: deny\nspec:\n  selector: \"all()\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n",
        ),
        (
            "b.yaml",
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  ports:\n  - port: 70000\n---\nmetadata: {name: x}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: 012}\n---\n- 1\n---\napiVersion: projectcalico.org/v1\nkind: Tier\nmetadata: {name: t}\n---\nkind: Node\nkind: Pod\n",
        ),
        (
            "c.json",
            "{\"apiVersion\": \"v1\", \"kind\": \"Pod\",\n \"metadata\": {\"name\": \"c\", \"namespace\": \"shop\"\n",
        ),
        ("d.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: d}\nspec:\n  hostNetwork: maybe\n"),
        (
            "e.yaml",
            "kind: List\napiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: [e\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: f}\n",
        ),
        ("g.yaml", "apiVersion: apps/v1\nkind: {{ .Values.kind }}\nmetadata:\n  name: g\n"),
    ]);
    fs::write(
        home.path().join("f.yaml"),
        b"kind: Pod\napiVersion: v1\nmetadata: {name: f\xff}\n---\nkind: Pod\napiVersion: v1\nmetadata: {name: g}\n",
    )
    .unwrap();
    let found = objects(&home);
    let pods: Vec<&str> = found.pods.iter().map(|pod| pod.metadata.name.as_str()).collect();
    assert_eq!(pods, ["a", "b", "f", "g"]);
    let unread = unread(&found, &home);
    let expected = [
        ("a.yaml:1", "GlobalNetworkPolicy deny [GlobalNetworkPolicy] "),
        ("b.yaml:10", "x [-] it has no kind"),
        ("b.yaml:12", "Pod [Pod] metadata.name is 10 and not text: it needs quotes"),
        ("b.yaml:16", "- [-] it is not an object: apiVersion, kind and metadata are missing"),
        ("b.yaml:18", "Tier t [Tier] its apiVersion is projectcalico.org/v1, not projectcalico.org/v3"),
        ("b.yaml:23", "Node [Node] the key kind stands twice"),
        ("b.yaml:1", "Service shop/web [Service] spec.ports[0].port: invalid value: integer `70000`, expected u16"),
        ("c.json:", "Pod shop/c [Pod] "),
        ("d.yaml:1", "Pod default/d [Pod] spec.hostNetwork: invalid type: string \"maybe\", expected a boolean"),
        ("e.yaml:", "Pod [Pod] "),
        ("f.yaml:3", "Pod f [Pod] it is not UTF-8 text"),
        ("g.yaml:2", "g [-] "),
    ];
    for (place, rest) in expected {
        let matches = |line: &&String| {
            line.starts_with(place) && line.split_once(' ').is_some_and(|(_, said)| said.starts_with(rest))
        };
        assert!(unread.iter().any(|line| matches(&line)), "{place} {rest} is not in {unread:#?}");
    }
    assert_eq!(unread.len(), expected.len(), "{unread:#?}");
}

#[test]
fn what_may_surprise_is_noticed() {
    let crd = WEB.replace("projectcalico.org/v3", "crd.projectcalico.org/v1").replace("name: web", "name: default.web");
    let stale = "apiVersion: crd.projectcalico.org/v1\nkind: HostEndpoint\nmetadata:\n  name: eth0\n  labels: {a: new}\n  annotations:\n    projectcalico.org/metadata: '{\"labels\":{\"a\":\"old\"}}'\nspec: {node: n1}\n";
    let home = home(&[
        ("a.yaml", WEB),
        ("b.yaml", &crd),
        ("c.yaml", &WEB.replace("name: web", "name: typo").replace("ingress:", "ingres:")),
        ("d.yaml", stale),
        (
            "e.yaml",
            "apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata: {name: bare}\nspec: {types: [Ingress]}\n",
        ),
        (
            "f.yaml",
            "apiVersion: crd.projectcalico.org/v1\nkind: ClusterInformation\nmetadata: {name: default}\nspec: {calicoVersion: v3.18.1}\n",
        ),
    ]);
    let found = objects(&home);
    assert_eq!(unread(&found, &home), Vec::<String>::new());
    let mut notices: Vec<_> = found
        .notices
        .iter()
        .map(|notice| (notice.code, notice.object.clone(), place(&notice.place, &home), notice.detail.clone()))
        .collect();
    notices.sort();
    let expected = [
        (findings::FIELD_UNKNOWN, "NetworkPolicy shop/typo", "c.yaml:1", "spec.ingres is no field of NetworkPolicy"),
        (
            findings::METADATA_STALE,
            "HostEndpoint eth0",
            "d.yaml:1",
            "metadata.labels[a] is \"new\", but Calico uses \"old\"",
        ),
        (
            findings::NAME_UNUSUAL,
            "GlobalNetworkPolicy bare",
            "e.yaml:1",
            "it is stored as bare, and calicoctl looks for default.bare",
        ),
    ];
    let twice =
        notices.iter().position(|(code, ..)| *code == findings::OBJECT_TWICE).map(|at| notices.remove(at)).unwrap();
    assert_eq!((twice.1.as_str(), twice.2.as_str()), ("NetworkPolicy shop/web", "b.yaml:1"));
    assert!(twice.3.contains("a.yaml:1 too, and says something else; the later one counts"), "{}", twice.3);
    let expected =
        expected.map(|(code, object, place, detail)| (code, object.to_string(), place.to_string(), detail.to_string()));
    assert_eq!(notices, expected);
    // The one of the last file counts: stored without types, as Felix sees it.
    let web: Vec<_> = found.calico_policies.iter().filter(|policy| policy.metadata.name == "web").collect();
    assert_eq!((web.len(), web[0].spec.types.len(), web[0].stored_name.as_str()), (1, 0, "default.web"));
}

#[test]
fn objects_are_changed_where_they_stand() {
    let before = format!(
        "# ours\n---\napiVersion: v1\nkind: Pod\nmetadata: {{name: a}}   # a\n---\n{WEB}# behind\n---\nkind: broken: x\n"
    );
    let home = home(&[("a.yaml", &before)]);
    let manifests = manifests(&home);
    let mut web = run(manifests.get(&policy("web", "shop"))).unwrap().unwrap();
    assert_eq!(web["spec"]["types"], json!(["Ingress"]));
    web["metadata"]["annotations"] = json!({ "why": "yes" });
    web["spec"]["ingress"].as_array_mut().unwrap().push(json!({ "action": "Allow", "protocol": "TCP" }));
    let after = run(manifests.replace(&web)).unwrap();
    assert_eq!(after, web);
    let expected = before
        .replace(
            "metadata:\n  name: web\n  namespace: shop\n",
            "metadata:\n  annotations:\n    why: \"yes\"\n  name: web\n  namespace: shop\n",
        )
        .replace("[10.0.0.0/8]\n", "[10.0.0.0/8]\n  - action: Allow\n    protocol: TCP\n");
    assert_eq!(text(&home, "a.yaml"), expected);
    // An egress rule would make the v3 API set both types, where the policy had one: it is written out.
    web["spec"]["egress"] = json!([{ "action": "Deny" }]);
    web["spec"]["types"] = json!(["Ingress"]);
    run(manifests.replace(&web)).unwrap();
    assert!(text(&home, "a.yaml").contains("  types:\n  - Ingress\n"), "{}", text(&home, "a.yaml"));
    assert_eq!(run(manifests.get(&policy("web", "shop"))).unwrap().unwrap(), web);
    assert_eq!(run(manifests.get(&policy("none", "shop"))).unwrap(), None);
    assert_eq!(
        run(manifests.replace(&json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "none" } }))),
        Err(AccessError::Missing(ObjectRef {
            kind: Kind::Pod,
            namespace: Some("default".into()),
            name: "none".into()
        }))
    );
}

#[test]
fn stored_objects_are_changed_in_their_stored_form() {
    let stored = "apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata:\n  name: default.deny\n  resourceVersion: \"7\"\n  annotations:\n    projectcalico.org/metadata: '{\"labels\":{\"a\":\"b\"},\"creationTimestamp\":null}'\nspec:\n  order: 5 # late\n  types: [Ingress]\n";
    let home = home(&[("a.yaml", stored)]);
    let manifests = manifests(&home);
    let deny = ObjectRef { kind: Kind::GlobalNetworkPolicy, namespace: None, name: "deny".into() };
    let mut value = run(manifests.get(&deny)).unwrap().unwrap();
    assert_eq!(
        (&value["apiVersion"], &value["metadata"]["labels"]),
        (&json!("projectcalico.org/v3"), &json!({ "a": "b" }))
    );
    assert_eq!(value["metadata"].get("resourceVersion"), None);
    value["metadata"]["labels"]["a"] = "c".into();
    value["spec"]["order"] = 6.0.into();
    let after = run(manifests.replace(&value)).unwrap();
    assert_eq!(after["metadata"]["labels"], json!({ "a": "c" }));
    let changed = text(&home, "a.yaml");
    let expected = stored.replace("order: 5 #", "order: 6 #");
    let (head, tail) =
        (changed.split("projectcalico.org/metadata:").next().unwrap(), changed.split("\nspec:").nth(1).unwrap());
    assert_eq!(head, expected.split("projectcalico.org/metadata:").next().unwrap());
    assert_eq!(tail, expected.split("\nspec:").nth(1).unwrap());
    assert!(changed.contains(r#"\"labels\":{\"a\":\"c\"}"#), "{changed}");
}

#[test]
fn new_objects_go_to_one_file_in_the_form_that_is_in_use() {
    let object = json!({
        "apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
        "metadata": { "name": "new", "namespace": "shop", "resourceVersion": "1", "annotations": { "why": "on" } },
        "spec": { "selector": "all()", "order": 5.0, "types": ["Egress"] },
    });
    let home_v3 = home(&[("a.yaml", WEB)]);
    let manifests_v3 = manifests(&home_v3);
    let created = run(manifests_v3.create(&object)).unwrap();
    assert_eq!(created["metadata"].get("resourceVersion"), None);
    let expected = "---\napiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata:\n  annotations:\n    why: \"on\"\n  name: new\n  namespace: shop\nspec:\n  order: 5\n  selector: all()\n  types:\n  - Egress\n";
    assert_eq!(text(&home_v3, "zerotrust.yaml"), expected);
    assert_eq!(run(manifests_v3.create(&object)), Err(AccessError::Exists(policy("new", "shop"))));
    let mut second = object.clone();
    second["metadata"]["name"] = "newer".into();
    run(manifests_v3.create(&second)).unwrap();
    assert_eq!(text(&home_v3, "zerotrust.yaml"), format!("{expected}{}", expected.replace("name: new", "name: newer")));
    // A second run sees them.
    assert!(run(manifests(&home_v3).get(&policy("newer", "shop"))).unwrap().is_some());
    // The last document takes the file with it.
    run(manifests_v3.delete(&second)).unwrap();
    assert_eq!(text(&home_v3, "zerotrust.yaml"), expected);
    run(manifests_v3.delete(&created)).unwrap();
    assert!(!home_v3.path().join("zerotrust.yaml").exists());
    assert_eq!(run(manifests_v3.delete(&created)), Err(AccessError::Missing(policy("new", "shop"))));

    let crd = WEB.replace("projectcalico.org/v3", "crd.projectcalico.org/v1").replace("name: web", "name: default.web");
    let home_crd = home(&[("a.yaml", &crd)]);
    // A file that was named: beside it, and read with it from then on.
    let named = || Manifests::new(vec![home_crd.path().join("a.yaml")]);
    run(named().create(&object)).unwrap();
    let written = text(&home_crd, "zerotrust.yaml");
    assert!(written.starts_with("---\napiVersion: crd.projectcalico.org/v1\n"), "{written}");
    assert!(written.contains("  annotations:\n    why: \"on\"\n  name: default.new\n"), "{written}");
    let read = run(named().get(&policy("new", "shop"))).unwrap().unwrap();
    assert_eq!((&read["spec"]["order"], &read["metadata"]["annotations"]["why"]), (&json!(5), &json!("on")));
}

#[test]
fn documents_and_items_are_deleted_without_touching_others() {
    let pod = |name: &str| format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}} # {name}\n");
    let value = |name: &str| json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name } });
    let item = |name: &str| format!("- {}", pod(name).trim_end().replace('\n', "\n  ") + "\n");
    let list = |items: &[&str]| {
        format!("apiVersion: v1\nitems:\n{}kind: List\n", items.iter().map(|name| item(name)).collect::<String>())
    };
    let json_item = |name: &str| value(name).to_string();
    let json_list = |items: &[&str]| {
        format!(
            "{{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": [\n  {}\n]}}\n",
            items.iter().map(|name| json_item(name)).collect::<Vec<_>>().join(",\n  ")
        )
    };
    for (before, deleted, after) in [
        (format!("{}---\n{}---\n{}", pod("a"), pod("b"), pod("c")), "b", format!("{}---\n{}", pod("a"), pod("c"))),
        (format!("{}---\n{}", pod("a"), pod("b")), "a", format!("---\n{}", pod("b"))),
        (format!("{}---\n{}", pod("a"), pod("b")), "b", pod("a")),
        (format!("{}---\n{}...\n{}", pod("a"), pod("b"), pod("c")), "b", format!("{}---\n{}", pod("a"), pod("c"))),
        (list(&["a", "b", "c"]), "b", list(&["a", "c"])),
        (list(&["a", "b"]), "b", list(&["a"])),
        (json_list(&["a", "b", "c"]), "a", json_list(&["b", "c"])),
        (json_list(&["a", "b", "c"]), "b", json_list(&["a", "c"])),
        (json_list(&["a", "b", "c"]), "c", json_list(&["a", "b"])),
        (
            "kind: List\napiVersion: v1\nitems: [{apiVersion: v1, kind: Pod, metadata: {name: a}}, {apiVersion: v1, kind: Pod, metadata: {name: b}}] # x\n".into(),
            "a",
            "kind: List\napiVersion: v1\nitems: [{apiVersion: v1, kind: Pod, metadata: {name: b}}] # x\n".into(),
        ),
    ] {
        let home = home(&[("a.yaml", &before)]);
        run(manifests(&home).delete(&value(deleted))).unwrap();
        assert_eq!(text(&home, "a.yaml"), after);
    }
    for only in [pod("a"), format!("# licence\n---\n{}", pod("a")), list(&["a"]), json_list(&["a"])] {
        let home = home(&[("a.yaml", &only)]);
        run(manifests(&home).delete(&value("a"))).unwrap();
        assert!(!home.path().join("a.yaml").exists(), "{only}");
    }
}

#[test]
fn a_file_that_somebody_changed_is_a_conflict_until_it_is_read_again() {
    let home = home(&[("a.yaml", WEB)]);
    let manifests = manifests(&home);
    let mut web = run(manifests.get(&policy("web", "shop"))).unwrap().unwrap();
    fs::write(home.path().join("a.yaml"), format!("# moved\n---\n{}", WEB.replace("app == 'web'", "app == 'shop'")))
        .unwrap();
    web["spec"]["order"] = 5.into();
    assert_eq!(run(manifests.replace(&web)), Err(AccessError::Conflict(policy("web", "shop"))));
    assert_eq!(run(manifests.delete(&web)), Err(AccessError::Conflict(policy("web", "shop"))));
    let mut web = run(manifests.get(&policy("web", "shop"))).unwrap().unwrap();
    assert_eq!(web["spec"]["selector"], "app == 'shop'");
    web["spec"]["order"] = 5.into();
    run(manifests.replace(&web)).unwrap();
    assert!(text(&home, "a.yaml").starts_with("# moved\n---\n"));
    fs::remove_file(home.path().join("a.yaml")).unwrap();
    assert_eq!(run(manifests.replace(&web)), Err(AccessError::Conflict(policy("web", "shop"))));
}

#[test]
fn items_of_lists_are_changed_where_they_stand() {
    let item = |name: &str| WEB.replace("name: web", &format!("name: {name}")).trim_end().replace('\n', "\n  ") + "\n";
    let list = format!("apiVersion: v1\nitems:\n- {}# two\n- {}kind: List\n", item("a"), item("b"));
    let policy_of = |name: &str| {
        let mut value = super::value::read(WEB).unwrap().unwrap();
        value["metadata"]["name"] = name.into();
        value
    };
    let json_list =
        format!("{{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": [{}, {}]}}", policy_of("a"), policy_of("b"));
    let flow_list = format!("kind: List\napiVersion: v1 # one line\nitems: [{}, {}]\n", policy_of("a"), policy_of("b"));
    let last_line = "      nets: [10.0.0.0/8]\n";
    for (before, behind, added) in [
        (list, last_line, "    order: 5\n"),
        (json_list, "app == 'web'\"", ",\"order\": 5"),
        (flow_list, "app == 'web'\"", ",order: 5"),
    ] {
        let home = home(&[("a.yaml", &before)]);
        let manifests = manifests(&home);
        let mut value = run(manifests.get(&policy("b", "shop"))).unwrap().unwrap();
        value["spec"]["order"] = 5.into();
        assert_eq!(run(manifests.replace(&value)).unwrap(), value);
        let at = before.rfind(behind).unwrap() + behind.len();
        assert_eq!(text(&home, "a.yaml"), format!("{}{added}{}", &before[..at], &before[at..]));
    }
}

/// Felix enforces both directions of a stored policy without types; a change elsewhere must not alter that.
#[test]
fn stored_policies_without_types_stay_without() {
    let stored = "apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata:\n  name: default.deny\nspec:\n  selector: all()\n";
    let home = home(&[("a.yaml", stored)]);
    let manifests = manifests(&home);
    let deny = ObjectRef { kind: Kind::GlobalNetworkPolicy, namespace: None, name: "deny".into() };
    let mut value = run(manifests.get(&deny)).unwrap().unwrap();
    value["spec"]["order"] = 1.into();
    run(manifests.replace(&value)).unwrap();
    assert_eq!(text(&home, "a.yaml"), format!("{stored}  order: 1\n"));
    value["spec"]["types"] = json!(["Egress"]);
    run(manifests.replace(&value)).unwrap();
    assert_eq!(text(&home, "a.yaml"), format!("{stored}  order: 1\n  types:\n  - Egress\n"));
}

#[test]
fn an_object_that_stands_twice_is_deleted_in_both_places() {
    let home = home(&[
        ("a.yaml", WEB),
        ("b/c.yaml", &format!("kind: Pod\napiVersion: v1\nmetadata: {{name: a}}\n---\n{WEB}")),
    ]);
    let manifests = manifests(&home);
    let web = run(manifests.get(&policy("web", "shop"))).unwrap().unwrap();
    run(manifests.delete(&web)).unwrap();
    assert!(!home.path().join("a.yaml").exists());
    assert_eq!(text(&home, "b/c.yaml"), "kind: Pod\napiVersion: v1\nmetadata: {name: a}\n");
    assert_eq!(run(manifests.get(&policy("web", "shop"))), Ok(None));
}

#[test]
fn standard_input_is_never_written() {
    let manifests = Manifests::new(vec!["-".into()]);
    let known = Some(super::load::Loaded::of_stdin(WEB.as_bytes()));
    manifests.loaded.replace(known);
    let web = run(manifests.get(&policy("web", "shop"))).unwrap().unwrap();
    let mut new = web.clone();
    new["metadata"]["name"] = "new".into();
    for result in
        [run(manifests.replace(&web)).map(drop), run(manifests.create(&new)).map(drop), run(manifests.delete(&web))]
    {
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with("standard input: it can be read only"), "{error}");
    }
}

#[test]
fn what_does_not_change_is_not_written() {
    let numbers =
        r#"{"apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": {"name": "t"}, "spec": {"order": 10.0}}"#;
    let home = home(&[("a.yaml", WEB), ("t.json", numbers)]);
    let manifests = manifests(&home);
    let tier = ObjectRef { kind: Kind::Tier, namespace: None, name: "t".into() };
    let mut value = run(manifests.get(&tier)).unwrap().unwrap();
    value["spec"]["defaultAction"] = "Pass".into();
    run(manifests.replace(&value)).unwrap();
    assert_eq!(text(&home, "t.json"), numbers.replace("10.0", "10.0, \"defaultAction\": \"Pass\""));
    let web = run(manifests.get(&policy("web", "shop"))).unwrap().unwrap();
    let before = fs::metadata(home.path().join("a.yaml")).unwrap().modified().unwrap();
    run(manifests.replace(&web)).unwrap();
    assert_eq!(text(&home, "a.yaml"), WEB);
    assert_eq!(fs::metadata(home.path().join("a.yaml")).unwrap().modified().unwrap(), before);
}

#[test]
fn a_snapshot_reads_back_as_the_same_objects() {
    let target = tempfile::tempdir().unwrap();
    let web: Value = super::value::read(WEB).unwrap().unwrap();
    let objects_written = vec![
        (
            Kind::Pod,
            json!({ "metadata": { "name": "b", "labels": { "on": "yes" }, "managedFields": [] }, "spec": { "nodeName": "012" } }),
        ),
        (Kind::Pod, json!({ "metadata": { "name": "a", "namespace": "shop" } })),
        (Kind::NetworkPolicy, web),
        (Kind::KubernetesNetworkPolicy, json!({ "metadata": { "name": "k", "namespace": "shop" }, "spec": {} })),
    ];
    let files = write_snapshot(target.path(), objects_written.clone()).unwrap();
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(
        names,
        ["pods.yaml", "networkpolicies.networking.k8s.io.yaml", "networkpolicies.projectcalico.org.yaml"]
    );
    let found = objects(&target);
    assert_eq!(unread(&found, &target), Vec::<String>::new());
    let pods: Vec<_> =
        found.pods.iter().map(|pod| (pod.metadata.name.as_str(), pod.spec.node_name.as_deref())).collect();
    assert_eq!(pods, [("b", Some("012")), ("a", None)]);
    assert_eq!(found.pods.items[0].metadata.labels["on"], "yes");
    assert_eq!((found.calico_policies.items.len(), found.kubernetes_policies.items.len()), (1, 1));
    let error = write_snapshot(target.path(), objects_written).unwrap_err().to_string();
    assert!(error.contains("not empty"), "{error}");
    let below_a_file = target.path().join("pods.yaml/x");
    assert!(write_snapshot(&below_a_file, Vec::new()).is_err());
}
