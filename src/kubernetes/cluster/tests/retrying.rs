//! What is tried again, how often, how long it waits, and what the listener hears of it.
//! Never sleeps longer than a server asks for.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::run;
use crate::kubernetes::cluster::fake::{Fake, Reply};
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{Objects, Query};
use crate::kubernetes::{AccessError, Reader, Writer};

fn list() -> Reply {
    Reply::json(200, json!({"items": []}))
}

fn busy(status: u16) -> Reply {
    Reply::status(status, "Busy", "come back later", json!({}))
}

fn config_map() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "shop", "resourceVersion": "1"}})
}

async fn read(
    script: impl Fn(usize) -> Reply + Send + Sync + 'static,
) -> (Result<(), AccessError>, usize, Vec<String>) {
    let server = Fake::plain(move |_, before| script(before)).await;
    let (cluster, told) = server.connect("{}").unwrap();
    let answer = cluster.read(&[Query::all(Kind::Pod)], &mut Objects::default()).await;
    assert_eq!(cluster.requests(), server.asked().len());
    (answer, server.asked().len(), told.texts())
}

#[test]
fn a_read_is_tried_again_a_few_times() {
    run(async {
        for status in [429, 502, 503, 504] {
            let (answer, requests, told) = read(move |before| if before == 0 { busy(status) } else { list() }).await;
            assert_eq!((answer, requests, told), (Ok(()), 2, vec![]), "{status}");
        }
    });
}

#[test]
fn a_server_that_stays_busy_is_given_up_after_three_tries() {
    run(async {
        let started = Instant::now();
        let (answer, requests, _) = read(|_| busy(503)).await;
        let AccessError::Unavailable(text) = answer.unwrap_err() else { panic!() };
        assert!(text.contains("503 Service Unavailable: come back later"), "{text}");
        assert_eq!(requests, 3);
        assert!(started.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn retry_after_is_honoured_and_told() {
    run(async {
        let started = Instant::now();
        let (answer, requests, told) =
            read(|before| if before == 0 { busy(429).with("Retry-After", 2) } else { list() }).await;
        assert_eq!((answer, requests), (Ok(()), 2));
        assert!(started.elapsed() >= Duration::from_secs(2));
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("come back later") && told[0].ends_with("trying again in 2.0 s"), "{told:?}");
        // Nobody waits ten minutes at a prompt.
        let (answer, requests, _) = read(|_| busy(429).with("Retry-After", 600)).await;
        assert!(answer.unwrap_err().to_string().contains("asks to wait 600 s"));
        assert_eq!(requests, 1);
    });
}

#[test]
fn a_lost_connection_is_tried_again_only_when_reading() {
    run(async {
        let hang_up = || Reply { hang_up: true, ..Reply::default() };
        let (answer, requests, _) = read(move |before| if before < 2 { hang_up() } else { list() }).await;
        assert_eq!((answer, requests), (Ok(()), 3));
        let server = Fake::plain(move |_, _| hang_up()).await;
        let (cluster, _) = server.connect("{}").unwrap();
        // The server may have written it before it went away.
        let error = cluster.replace(&config_map()).await.unwrap_err();
        assert!(matches!(&error, AccessError::Unavailable(text) if text.contains(&server.url)), "{error:?}");
        assert_eq!(server.asked().len(), 1);
    });
}

#[test]
fn a_write_is_tried_again_only_where_the_server_asks_for_it() {
    run(async {
        for (status, retry_after, requests) in [(429, Some(0), 2), (429, None, 1), (503, Some(0), 1), (500, None, 1)] {
            let server = Fake::plain(move |_, before| match (before, retry_after) {
                (0, Some(seconds)) => busy(status).with("Retry-After", seconds),
                (0, None) => busy(status),
                _ => Reply::json(200, config_map()),
            })
            .await;
            let (cluster, _) = server.connect("{}").unwrap();
            let answer = cluster.replace(&config_map()).await;
            assert_eq!(answer.is_ok(), requests == 2, "{status} {answer:?}");
            assert_eq!(server.asked().len(), requests, "{status}");
        }
    });
}

#[test]
fn a_server_that_is_not_there_is_named() {
    run(async {
        let server = Fake::plain(|_, _| list()).await;
        let flags = crate::kubernetes::cluster::Connection { server: Some(closed_port()), ..Default::default() };
        let (cluster, _) = server.connect_with("{}", flags).unwrap();
        let error = cluster.read(&[Query::all(Kind::Pod)], &mut Objects::default()).await.unwrap_err().to_string();
        assert!(error.contains("nothing listens there") && error.contains("(tried 3 times)"), "{error}");
        assert!(error.contains(cluster.server()), "{error}");
        // Nobody took it, so that a write can be sent again too.
        let error = cluster.create(&config_map()).await.unwrap_err().to_string();
        assert!(error.contains("(tried 3 times)"), "{error}");
        assert_eq!(cluster.requests(), 6);
    });
}

fn closed_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn a_401_asks_to_log_in_and_is_not_tried_again() {
    run(async {
        let (answer, requests, _) = read(|_| Reply::status(401, "Unauthorized", "Unauthorized", json!({}))).await;
        let AccessError::Credentials(text) = answer.unwrap_err() else { panic!() };
        assert!(text.contains("user \"me\"") && text.contains("log in again"), "{text}");
        assert_eq!(requests, 1);
    });
}

#[test]
fn warnings_of_the_server_are_told_once() {
    run(async {
        let server = Fake::plain(|_, before| {
            list()
                .with("Warning", "299 - \"v1 Endpoints is deprecated\"")
                .with("Warning", format!("299 - \"n{before}\""))
        })
        .await;
        let (cluster, told) = server.connect("{}").unwrap();
        for _ in 0..2 {
            cluster.read(&[Query::all(Kind::Endpoints)], &mut Objects::default()).await.unwrap();
        }
        assert_eq!(told.texts(), ["Warning: v1 Endpoints is deprecated", "Warning: n0", "Warning: n1"]);
    });
}
