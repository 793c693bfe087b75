//! A node's kernel log: which requests it costs, how it is read on, and what is said where it cannot be read. The answers
//! are those of the kubelet's file server (net/http, FileServer) behind the API server's proxy.
//! Never knows a real node.

use super::run;
use crate::kubernetes::cluster::fake::{Asked, Fake, Reply};
use crate::kubernetes::cluster::{NodeLogError, Position};

const LOGS: &str = "/api/v1/nodes/n1/proxy/logs/";

fn listing(files: &[&str]) -> Reply {
    let links: String = files.iter().map(|file| format!("<a href=\"{file}\">{file}</a>\n")).collect();
    Reply::text(200, &format!("<!doctype html>\n<pre>\n{links}</pre>\n"))
}

async fn ask(
    since: Option<Position>,
    script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> (Result<(String, Position), NodeLogError>, Vec<String>) {
    let server = Fake::plain(move |asked, _| script(asked)).await;
    let (cluster, _) = server.connect("{}").unwrap();
    let answer = cluster.node_log("n1", since.as_ref()).await;
    let requests = server.asked().iter().map(|asked| format!("{} {}", asked.path, asked.header("range"))).collect();
    (answer.map(|(bytes, position)| (String::from_utf8(bytes).unwrap(), position)), requests)
}

fn at(next: u64) -> Position {
    Position { file: "messages".into(), next }
}

#[test]
fn the_end_of_the_file_with_kernel_messages_is_read() {
    run(async {
        let (answer, requests) = ask(None, |asked| match asked.path.strip_prefix(LOGS).unwrap() {
            "" => listing(&["audit/", "messages", "pods/"]),
            _ => Reply::text(206, "a line\n").with("Content-Range", "bytes 93-99/100"),
        })
        .await;
        assert_eq!(answer.unwrap(), ("a line\n".to_string(), at(100)));
        assert_eq!(requests, [format!("{LOGS} "), format!("{LOGS}messages bytes=-4194304")]);
    });
}

#[test]
fn what_was_written_since_is_read_on() {
    run(async {
        let (answer, requests) =
            ask(Some(at(100)), |_| Reply::text(206, "more\n").with("Content-Range", "bytes 100-104/105")).await;
        assert_eq!(answer.unwrap(), ("more\n".to_string(), at(105)));
        assert_eq!(requests, [format!("{LOGS}messages bytes=100-")]);
        let nothing = |_: &Asked| Reply::text(416, "invalid range").with("Content-Range", "bytes */100");
        assert_eq!(ask(Some(at(100)), nothing).await.0.unwrap(), (String::new(), at(100)));
    });
}

#[test]
fn a_rotated_log_is_read_from_its_new_beginning() {
    run(async {
        let (answer, requests) = ask(Some(at(100)), |asked| match (asked.path.as_str(), asked.header("range")) {
            (_, "bytes=100-") => Reply::text(416, "invalid range").with("Content-Range", "bytes */7"),
            (path, "") if path == LOGS => listing(&["messages"]),
            _ => Reply::text(206, "a line\n").with("Content-Range", "bytes 0-6/7"),
        })
        .await;
        assert_eq!(answer.unwrap(), ("a line\n".to_string(), at(7)));
        assert_eq!(requests.len(), 3);
    });
}

#[test]
fn what_keeps_a_log_from_being_read_is_told_apart() {
    run(async {
        let said = |reply: fn() -> Reply| async move { ask(None, move |_| reply()).await.0.unwrap_err().to_string() };
        let disabled = said(|| Reply::text(405, "logs endpoint is disabled.\n")).await;
        assert!(disabled.contains("enableSystemLogHandler is off"), "{disabled}");
        let forbidden = said(|| Reply::status(403, "Forbidden", "no nodes/proxy for you", serde_json::json!({}))).await;
        assert!(forbidden.contains("nodes/proxy") && forbidden.contains("for you"), "{forbidden}");
        let missing = said(|| Reply::status(404, "NotFound", "nodes \"n1\" not found", serde_json::json!({}))).await;
        assert!(missing.contains("nodes \"n1\" not found"), "{missing}");
        let journal = said(|| listing(&["journal/", "pods/"])).await;
        assert!(journal.contains("in its journal only"), "{journal}");
    });
}
