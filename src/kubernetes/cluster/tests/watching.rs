//! Watches on a server that says what the test wants: what counts as a change, and where one goes on that ended.
//! Never waits for anything that the server does not say.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::run;
use crate::kubernetes::cluster::fake::{Fake, Reply};
use crate::kubernetes::cluster::watch::Watches;
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::Query;

fn node(version: &str, address: &str) -> Value {
    json!({ "kind": "Node", "apiVersion": "v1", "metadata": { "name": "n1", "uid": "u1", "resourceVersion": version },
        "status": { "addresses": [{ "type": "InternalIP", "address": address }] } })
}

fn event(kind: &str, object: &Value) -> Value {
    json!({ "type": kind, "object": object })
}

fn events(all: &[Value]) -> Reply {
    let lines: Vec<String> = all.iter().map(|event| format!("{event}\n")).collect();
    Reply::json(200, lines.concat())
}

fn bookmark(version: &str) -> Value {
    event("BOOKMARK", &json!({ "kind": "Node", "apiVersion": "v1", "metadata": { "resourceVersion": version } }))
}

/// Where each watch went on; nothing where it began with all that there is.
fn versions(server: &Fake) -> Vec<String> {
    let paths = server.asked().into_iter().map(|asked| asked.path).filter(|path| path.contains("watch=1"));
    paths.map(|path| path.split("resourceVersion=").nth(1).unwrap_or_default().to_string()).collect()
}

#[test]
fn a_watch_goes_on_where_it_ended_and_begins_anew_where_that_is_gone() {
    run(async {
        let gone = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 410,
            "reason": "Expired", "message": "too old resource version" });
        let server = Fake::plain(move |_, before| match before {
            0 => events(&[event("ADDED", &node("10", "192.0.2.1")), bookmark("12")]),
            // A heartbeat, then an address.
            1 => events(&[event("MODIFIED", &node("13", "192.0.2.1")), event("MODIFIED", &node("14", "192.0.2.9"))]),
            2 => events(&[event("ERROR", &gone)]),
            3 => events(&[event("ADDED", &node("30", "192.0.2.9"))]),
            4 => Reply::status(410, "Expired", "too old resource version", json!({})),
            5 => events(&[event("DELETED", &node("40", "192.0.2.9"))]),
            _ => Reply { delay: Duration::from_secs(60), ..events(&[]) },
        })
        .await;
        let (cluster, _) = server.connect("{}").unwrap();
        let mut watches = Watches::new(&cluster);
        assert!(watches.follow(&[Query::all(Kind::Node)]));
        assert!(!watches.follow(&[Query::all(Kind::Node)]), "it is watched already");
        let expected = [
            vec![""],
            vec![""],
            vec!["", "12"],
            vec!["", "12", "14", ""],
            vec!["", "12", "14", ""],
            vec!["", "12", "14", "", "30", ""],
            vec!["", "12", "14", "", "30", ""],
        ];
        for (index, expected) in expected.into_iter().enumerate() {
            watches.changed().await;
            assert_eq!(versions(&server), expected, "change {index}");
        }
        assert!(tokio::time::timeout(Duration::from_millis(200), watches.changed()).await.is_err(), "no more of them");
    });
}

#[test]
fn a_watch_that_is_refused_is_said_once_and_tried_with_pauses() {
    run(async {
        let began = Instant::now();
        let server = Fake::plain(|_, before| match before {
            0..3 => Reply::status(403, "Forbidden", "nodes is forbidden", json!({})),
            _ => events(&[]),
        })
        .await;
        let (cluster, told) = server.connect("{}").unwrap();
        let mut watches = Watches::new(&cluster);
        watches.follow(&[Query::all(Kind::Node)]);
        watches.changed().await;
        assert!(began.elapsed() >= Duration::from_millis(1700), "{:?}", began.elapsed());
        let texts = told.texts();
        assert_eq!(texts.iter().filter(|text| text.contains("nodes cannot be watched")).count(), 1, "{texts:?}");
        assert!(texts.iter().any(|text| text.contains("nodes is forbidden")), "{texts:?}");
    });
}

#[test]
fn what_is_no_longer_asked_for_is_no_longer_watched() {
    run(async {
        let server = Fake::plain(|asked, before| match before {
            0 | 1 => events(&[]),
            _ => Reply {
                delay: Duration::from_millis(if asked.path.contains("/pods") { 100 } else { 60_000 }),
                ..events(&[event("ADDED", &node("1", "192.0.2.1"))])
            },
        })
        .await;
        let (cluster, _) = server.connect("{}").unwrap();
        let mut watches = Watches::new(&cluster);
        watches.follow(&[Query::all(Kind::Node), Query::all(Kind::Pod)]);
        watches.changed().await;
        watches.changed().await;
        assert!(!watches.follow(&[Query::all(Kind::Node)]), "less is nothing new");
        assert!(tokio::time::timeout(Duration::from_secs(2), watches.changed()).await.is_err());
    });
}
