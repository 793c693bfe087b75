//! Writes and reads objects at the lab's kube-apiserver: a thread that lives in the control plane's namespace.
//! Never knows what the objects mean.

use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use futures_util::future::join_all;
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::cage::Door;

/// One request.
#[derive(Debug, Clone)]
pub enum Request {
    /// Creates an object; its status too, if it has one.
    Create(Value),
    /// Deletes an object that there is.
    Delete(Value),
    /// Replaces parts of an object, as a JSON merge patch.
    Patch(Value),
    /// All objects of a kind.
    List {
        /// Group and version.
        version: &'static str,
        /// Kind.
        kind: &'static str,
    },
}

type Asked = (Vec<Request>, mpsc::Sender<Vec<Result<Value, String>>>);

/// The thread. Dropping it ends it.
#[derive(Debug)]
pub struct Api {
    requests: Option<UnboundedSender<Asked>>,
    thread: Option<JoinHandle<()>>,
}

impl Api {
    /// Starts it.
    pub fn start(door: Door, kubeconfig: &Path) -> Api {
        let (requests, mut inbox) = unbounded_channel::<Asked>();
        let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("read the kubeconfig");
        let body = move || {
            door.go();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
                let client = Client::try_from(config.expect("a kubeconfig")).expect("a client");
                while let Some((requests, answers)) = inbox.recv().await {
                    let all = requests.iter().map(|request| send(&client, request));
                    let _ = answers.send(join_all(all).await);
                }
            });
        };
        let thread = thread::Builder::new().name("api".into()).spawn(body).expect("start a thread");
        Api { requests: Some(requests), thread: Some(thread) }
    }

    /// Sends all of them at once and waits for the answers, which are in the same order.
    pub fn ask(&self, requests: Vec<Request>) -> Vec<Result<Value, String>> {
        let (answers, inbox) = mpsc::channel();
        self.requests.as_ref().expect("it runs").send((requests, answers)).expect("the thread runs");
        inbox.recv().expect("the thread answers")
    }

    /// The same; panics with the server's words when it refuses one.
    pub fn must(&self, requests: Vec<Request>) -> Vec<Value> {
        let answers = self.ask(requests.clone()).into_iter().zip(requests);
        answers.map(|(answer, request)| answer.unwrap_or_else(|e| panic!("{e}\nThe request: {request:?}"))).collect()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn send(client: &Client, request: &Request) -> Result<Value, String> {
    match request {
        Request::Create(object) => {
            let created = call(client, "POST", &collection(object), "application/json", object).await?;
            // What a kubelet or a load balancer would report: creating leaves the status of these out.
            let reported = ["Node", "Pod", "Service"].contains(&text(object, "kind"));
            if !reported || object.get("status").is_none() {
                return Ok(created);
            }
            let path = format!("{}/status", path(object));
            let status = json!({ "status": object["status"] });
            call(client, "PATCH", &path, "application/merge-patch+json", &status).await
        }
        Request::Delete(object) => {
            let now = json!({ "gracePeriodSeconds": 0, "propagationPolicy": "Background" });
            call(client, "DELETE", &path(object), "application/json", &now).await
        }
        Request::Patch(object) => call(client, "PATCH", &path(object), "application/merge-patch+json", object).await,
        Request::List { version, kind } => {
            let example = json!({ "apiVersion": version, "kind": kind, "metadata": {} });
            let request = http::Request::get(collection(&example)).body(vec![]).map_err(|e| e.to_string())?;
            client.request(request).await.map_err(|e| e.to_string())
        }
    }
}

async fn call(client: &Client, method: &str, path: &str, kind: &str, body: &Value) -> Result<Value, String> {
    let request = http::Request::builder().method(method).uri(path).header("content-type", kind);
    let request = request.body(body.to_string().into_bytes()).map_err(|e| e.to_string())?;
    client.request(request).await.map_err(|e| format!("{method} {path}: {e}"))
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_else(|| panic!("an object without {field}: {object}"))
}

/// The path of all objects of this one's kind, in its namespace if it has one.
fn collection(object: &Value) -> String {
    let version = text(object, "apiVersion");
    let root = if version.contains('/') { "apis" } else { "api" };
    let kind = text(object, "kind").to_lowercase();
    let plural = match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    };
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("/{root}/{version}/namespaces/{namespace}/{plural}"),
        None => format!("/{root}/{version}/{plural}"),
    }
}

fn path(object: &Value) -> String {
    format!("{}/{}", collection(object), text(&object["metadata"], "name"))
}
