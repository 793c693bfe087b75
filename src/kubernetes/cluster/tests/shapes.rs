//! Which API group is chosen for Calico's objects, by what the server says that it serves.
//! Never knows a real cluster; the tests against a real API server do.

use serde_json::{Value, json};

use super::run;
use crate::kubernetes::cluster::fake::{Asked, Fake, Reply};
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{Answer, Objects, Query};
use crate::kubernetes::{AccessError, Reader, Writer};

const V3: &str = "/apis/projectcalico.org/v3";
const CRD: &str = "/apis/crd.projectcalico.org/v1";
const MIGRATIONS: &str = "/apis/migration.projectcalico.org";

fn served(names: &[&str]) -> Reply {
    let resources: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
    Reply::json(200, json!({ "resources": resources }))
}

fn no_path() -> Reply {
    Reply::text(404, "404 page not found\n")
}

fn away() -> Reply {
    Reply::text(503, "service unavailable\n")
}

/// What the server serves below its paths, and a ClusterInformation of this release in either group.
fn cluster(release: &'static str, paths: Vec<(&'static str, Reply)>) -> impl Fn(&Asked, usize) -> Reply + Send + Sync {
    move |asked, _| {
        let information =
            json!({ "metadata": { "name": "default" }, "spec": { "calicoVersion": release, "datastoreReady": true } });
        match paths.iter().find(|(path, _)| *path == asked.path) {
            Some((_, reply)) => reply.clone(),
            None if asked.path.ends_with("/clusterinformations/default") => Reply::json(200, information),
            None if asked.path.ends_with("?limit=500") => Reply::json(200, json!({ "metadata": {}, "items": [] })),
            None if asked.method == "POST" => Reply::json(201, serde_json::from_str::<Value>(&asked.body).unwrap()),
            None => no_path(),
        }
    }
}

fn migration(phase: Option<&str>) -> Vec<(&'static str, Reply)> {
    let item = match phase {
        Some(phase) => json!({ "metadata": { "name": "m" }, "status": { "phase": phase } }),
        None => json!({ "metadata": { "name": "m" } }),
    };
    let version = json!({ "preferredVersion": { "groupVersion": "migration.projectcalico.org/v1beta1" } });
    vec![
        (MIGRATIONS, Reply::json(200, version)),
        ("/apis/migration.projectcalico.org/v1beta1/datastoremigrations", Reply::json(200, json!({ "items": [item] }))),
    ]
}

#[test]
fn the_group_is_the_one_that_calico_would_choose() {
    let native = || (V3, served(&["globalnetworkpolicies", "ipamblocks"]));
    let crd = || (CRD, served(&["globalnetworkpolicies"]));
    let and_migration = |phase| [vec![native(), crd()], migration(phase)].concat();
    for (what, paths, group) in [
        ("custom resources alone", vec![crd()], CRD),
        ("Calico's API server", vec![(V3, served(&["globalnetworkpolicies", "profiles"])), crd()], V3),
        ("native resources", vec![native()], V3),
        ("both, nobody moves them", vec![native(), crd()], CRD),
        ("both, not begun", and_migration(None), CRD),
        ("both, on the way", and_migration(Some("Migrating")), CRD),
        ("both, moved", and_migration(Some("Complete")), V3),
        ("Calico's API server is away", vec![(V3, away()), crd()], CRD),
        ("another part of the group", vec![(V3, served(&["something"])), crd()], CRD),
    ] {
        run(async {
            let server = Fake::plain(cluster("v3.32.1", paths)).await;
            let (cluster, told) = server.connect("{}").unwrap();
            let mut objects = Objects::default();
            cluster.read(&[Query::all(Kind::GlobalNetworkPolicy)], &mut objects).await.unwrap();
            let read = format!("GET {group}/globalnetworkpolicies?limit=500");
            assert!(server.paths().contains(&read), "{what}: {:?}", server.paths());
            let warned = told.texts().iter().any(|text| text.contains("does not answer"));
            assert_eq!(warned, what.ends_with("away"), "{what}");
        });
    }
}

#[test]
fn without_an_answer_and_without_another_way_it_is_an_error() {
    run(async {
        let server = Fake::plain(cluster("v3.32.1", vec![(V3, away())])).await;
        let (cluster, _) = server.connect("{}").unwrap();
        let answer = cluster.read(&[Query::all(Kind::GlobalNetworkPolicy)], &mut Objects::default()).await;
        assert!(
            matches!(&answer, Err(AccessError::Unavailable(text)) if text.contains(V3.trim_start_matches("/apis/"))),
            "{answer:?}"
        );
    });
}

#[test]
fn a_native_policy_is_written_with_its_types_and_its_tiers_label() {
    run(async {
        let paths = vec![(V3, served(&["globalnetworkpolicies"]))];
        let server = Fake::plain(cluster("v3.32.1", paths)).await;
        let (cluster, _) = server.connect("{}").unwrap();
        let object = json!({ "apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy",
            "metadata": { "name": "web" }, "spec": { "tier": "security", "egress": [{ "action": "Deny" }] } });
        cluster.create(&object).await.unwrap();
        assert_eq!(cluster.calico_api().await.unwrap(), "projectcalico.org/v3");
        let asked = server.asked().into_iter().find(|asked| asked.method == "POST").unwrap();
        assert!(asked.path.starts_with(&format!("{V3}/globalnetworkpolicies?")), "{}", asked.path);
        let sent: Value = serde_json::from_str(&asked.body).unwrap();
        assert_eq!(sent["metadata"], json!({ "name": "web", "labels": { "projectcalico.org/tier": "security" } }));
        assert_eq!(sent["spec"]["types"], json!(["Egress"]));
    });
}

#[test]
fn an_etcd_of_calicos_own_hides_what_is_there() {
    let node = |env: Value| {
        let spec = json!({ "template": { "spec": { "containers": [{ "name": "calico-node", "env": env }] } } });
        Reply::json(200, json!({ "metadata": { "name": "calico-node" }, "spec": spec }))
    };
    let of_map = json!([{ "name": "ETCD_ENDPOINTS",
        "valueFrom": { "configMapKeyRef": { "name": "calico-config", "key": "etcd_endpoints" } } }]);
    let map = |value: &str| Reply::json(200, json!({ "data": { "etcd_endpoints": value } }));
    for (env, endpoints, in_etcd) in [
        (json!([{ "name": "DATASTORE_TYPE", "value": "etcdv3" }]), "", true),
        (json!([{ "name": "DATASTORE_TYPE", "value": "kubernetes" }]), "", false),
        (json!([{ "name": "ETCD_ENDPOINTS", "value": "http://10.0.0.1:2379" }]), "", true),
        (of_map.clone(), "http://10.0.0.1:2379", true),
        (of_map, "", false),
        (json!([]), "http://10.0.0.1:2379", false),
    ] {
        run(async {
            let paths = vec![
                ("/apis/apps/v1/namespaces/kube-system/daemonsets/calico-node", node(env.clone())),
                ("/api/v1/namespaces/kube-system/configmaps/calico-config", map(endpoints)),
            ];
            let server = Fake::plain(cluster("v3.28.5", paths)).await;
            let (cluster, _) = server.connect("{}").unwrap();
            let mut objects = Objects::default();
            cluster.read(&[Query::all(Kind::Tier)], &mut objects).await.unwrap();
            let hidden = matches!(objects.tiers.coverage[0].answer, Answer::Hidden(_));
            assert_eq!(hidden, in_etcd, "{env} {endpoints}");
            let refused = matches!(cluster.check_writable(false).await, Err(AccessError::InEtcd(_)));
            assert_eq!(refused, in_etcd, "{env} {endpoints}");
        });
    }
}
