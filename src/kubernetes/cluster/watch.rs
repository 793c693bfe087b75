//! Notices when objects change: watches of the API server, each held open and begun anew where it ended.
//! Never keeps an object, and never knows what a change means: whoever waits reads again what it needs.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, Stream, StreamExt};
use http::Request;
use http::header::AUTHORIZATION;
use kube::core::WatchEvent;
use serde_json::Value;

use super::Cluster;
use super::failure::Failure;
use super::transport::Notice;
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::Query;
use crate::kubernetes::slim::slim;

/// How long a server may hold one watch, in seconds. It says bookmarks every minute, so that one who is silent for longer than
/// the client's patience is gone.
const HELD: u32 = 300;
/// How many questions about one kind are watched one by one; more of them are one watch of the whole kind.
const FEW: usize = 3;
/// The wait after a first failure, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// Gone: the version to go on from is no longer kept (410).
const EXPIRED: u16 = 410;
/// The settings of programs, which change with their restarts: whoever waits looks at them from time to time.
const LEFT_OUT: [Kind; 2] = [Kind::ConfigMap, Kind::DaemonSet];

/// Watches of many questions.
pub struct Watches<'a> {
    cluster: &'a Cluster,
    wanted: HashSet<Query>,
    /// Whether it was said that the server does not answer.
    away: Rc<Cell<bool>>,
    running: FuturesUnordered<Pin<Box<dyn Future<Output = Watch<'a>> + 'a>>>,
}

type Events = Pin<Box<dyn Stream<Item = Result<WatchEvent<Value>, kube::Error>>>>;

/// One of them.
struct Watch<'a> {
    cluster: &'a Cluster,
    query: Query,
    away: Rc<Cell<bool>>,
    /// What the objects said that decides anything, by their uid.
    seen: HashMap<String, u64>,
    /// Where to go on.
    version: Option<String>,
    failures: u32,
    events: Option<Events>,
    /// Whether these have said anything.
    heard: bool,
}

/// Why there is no watch.
enum NoWatch {
    /// The version to go on from is gone.
    Expired,
    /// Nobody serves the kind.
    NotServed,
    /// The server says no, in its words.
    Refused(String),
    /// No answer, in words.
    Away(String),
}

impl<'a> Watches<'a> {
    /// No watch yet.
    pub fn new(cluster: &'a Cluster) -> Watches<'a> {
        Watches { cluster, wanted: HashSet::new(), away: Rc::default(), running: FuturesUnordered::new() }
    }

    /// Watches what these questions are about, and nothing else from now on. Whether anything is watched that was not before:
    /// then what was read may be older than the watch.
    pub fn follow(&mut self, queries: &[Query]) -> bool {
        let wanted = broad(queries);
        let new: Vec<Query> = wanted.difference(&self.wanted).cloned().collect();
        for query in &new {
            let watch = Watch::new(self.cluster, query.clone(), Rc::clone(&self.away));
            self.running.push(Box::pin(watch.changed()));
        }
        self.wanted = wanted;
        !new.is_empty()
    }

    /// Waits until anything changes that is watched. A watch that begins, or begins anew after a gap, counts as a change.
    pub async fn changed(&mut self) {
        loop {
            let Some(watch) = self.running.next().await else { return std::future::pending().await };
            // What is no longer asked for ends here.
            if self.wanted.contains(&watch.query) {
                self.running.push(Box::pin(watch.changed()));
                return;
            }
        }
    }
}

/// What to watch for some questions: a few of a kind one by one, many as the whole kind.
fn broad(queries: &[Query]) -> HashSet<Query> {
    let watched = queries.iter().filter(|query| !LEFT_OUT.contains(&query.kind));
    let mut kinds: HashMap<Kind, HashSet<&Query>> = HashMap::new();
    for query in watched {
        kinds.entry(query.kind).or_default().insert(query);
    }
    let mut wanted = HashSet::new();
    for (kind, all) in kinds {
        match all.len() > FEW || all.contains(&Query::all(kind)) {
            true => _ = wanted.insert(Query::all(kind)),
            false => wanted.extend(all.into_iter().cloned()),
        }
    }
    wanted
}

impl<'a> Watch<'a> {
    fn new(cluster: &'a Cluster, query: Query, away: Rc<Cell<bool>>) -> Watch<'a> {
        Watch { cluster, query, away, seen: HashMap::new(), version: None, failures: 0, events: None, heard: false }
    }

    /// Waits for the next change.
    async fn changed(mut self) -> Watch<'a> {
        loop {
            let Some(events) = &mut self.events else {
                if self.open().await {
                    return self;
                }
                continue;
            };
            match events.next().await {
                Some(Ok(event)) => {
                    if self.matters(event) {
                        return self;
                    }
                }
                // Its time is over, or the server went away: the next one goes on where this one was.
                None | Some(Err(_)) => {
                    self.events = None;
                    // Who says nothing and hangs up is not asked again at once.
                    self.failures = self.failures.saturating_add(u32::from(!self.heard));
                }
            }
        }
    }

    /// Opens the watch, after a wait where that failed before. Whether it begins anew, so that changes may have been missed.
    async fn open(&mut self) -> bool {
        if self.failures > 0 {
            tokio::time::sleep(wait(self.failures, chance())).await;
        }
        let anew = self.version.is_none();
        match self.cluster.events(&self.query, self.version.as_deref()).await {
            Ok(events) => {
                (self.events, self.heard) = (Some(events), false);
                self.away.set(false);
                if anew {
                    self.seen.clear();
                    self.failures = 0;
                }
                anew
            }
            Err(NoWatch::Expired) => {
                self.version = None;
                false
            }
            Err(reason) => {
                self.failures = self.failures.saturating_add(1);
                self.tell(reason);
                false
            }
        }
    }

    /// Says why there is no watch, once; of a server that does not answer not for each watch.
    fn tell(&mut self, reason: NoWatch) {
        let text = match reason {
            // A kind of another release, or of something that is not installed: it may come.
            NoWatch::NotServed | NoWatch::Expired => return,
            NoWatch::Refused(_) if self.failures > 1 => return,
            NoWatch::Refused(reason) => {
                let kind = self.query.kind.resource().plural;
                format!("{kind} cannot be watched, and are looked at from time to time: {reason}")
            }
            NoWatch::Away(_) if self.away.replace(true) => return,
            NoWatch::Away(reason) => format!("{reason}; what changes meanwhile is seen once there is an answer"),
        };
        (self.cluster.transport.listener)(&Notice::Remark(text));
    }

    /// Whether an event may change an answer. kubelets report their nodes all the time, and say nothing new.
    fn matters(&mut self, event: WatchEvent<Value>) -> bool {
        self.heard = true;
        let object = match event {
            WatchEvent::Bookmark(bookmark) => {
                self.failures = 0;
                self.version = Some(bookmark.metadata.resource_version);
                return false;
            }
            WatchEvent::Error(status) => {
                self.events = None;
                match status.code == EXPIRED {
                    true => self.version = None,
                    // Not to ask at once and for ever who has nothing else to say.
                    false => self.failures = self.failures.saturating_add(1),
                }
                return false;
            }
            WatchEvent::Deleted(object) => {
                self.remember(&object);
                self.seen.remove(&identity(&object));
                return true;
            }
            WatchEvent::Added(object) | WatchEvent::Modified(object) => object,
        };
        self.remember(&object);
        let (identity, print) = (identity(&object), fingerprint(self.query.kind, object));
        self.seen.insert(identity, print) != Some(print)
    }

    fn remember(&mut self, object: &Value) {
        self.failures = 0;
        if let Some(version) = object["metadata"]["resourceVersion"].as_str() {
            self.version = Some(version.to_string());
        }
    }
}

impl Cluster {
    /// Opens a watch from a version on; without one it begins with all that there is.
    async fn events(&self, query: &Query, version: Option<&str>) -> Result<Events, NoWatch> {
        let mut last = NoWatch::NotServed;
        for location in self.locations(query.kind).await.map_err(|error| NoWatch::Away(error.to_string()))? {
            let path = location.page(query, 0, None).map_err(|error| NoWatch::Refused(error.to_string()))?;
            let joint = if path.contains('?') { '&' } else { '?' };
            let from = version.map(|version| format!("&resourceVersion={version}")).unwrap_or_default();
            let path = format!("{path}{joint}watch=1&allowWatchBookmarks=true&timeoutSeconds={HELD}{from}");
            match self.transport.events(&path).await {
                Ok(events) => return Ok(events),
                Err(kube::Error::Api(status)) if status.code == EXPIRED => return Err(NoWatch::Expired),
                // Another version of the kind may be served.
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(kube::Error::Api(status)) => last = NoWatch::Refused(status.message.clone()),
                Err(error) => return Err(NoWatch::Away(Failure::from_kube(error).words(self.server()))),
            }
        }
        Err(last)
    }
}

impl super::transport::Transport {
    /// A stream of events; it has no timeout of its own.
    async fn events(&self, path: &str) -> Result<Events, kube::Error> {
        self.requests.set(self.requests.get() + 1);
        let mut request = Request::get(path);
        if let Some(value) = self.authorization.value() {
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Vec::new()).map_err(kube::Error::HttpError)?;
        Ok(Box::pin(self.client.request_events::<Value>(request).await?))
    }
}

fn identity(object: &Value) -> String {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    match text("uid") {
        "" => format!("{}/{}", text("namespace"), text("name")),
        uid => uid.to_string(),
    }
}

/// What an object says that decides anything, as a number.
fn fingerprint(kind: Kind, object: Value) -> u64 {
    let mut object = slim(kind, object);
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
        metadata.remove("generation");
    }
    // A pod's probes come and go; whether it is ready is all that counts.
    if let Some(conditions) = object["status"]["conditions"].as_array_mut() {
        conditions.retain(|condition| condition["type"] == "Ready");
        conditions.iter_mut().for_each(|condition| *condition = condition["status"].clone());
    }
    let mut hasher = DefaultHasher::new();
    object.to_string().hash(&mut hasher);
    hasher.finish()
}

/// The wait after so many failures in a row, between half and all of what has doubled with each; `chance` is from 0 to 1.
pub fn wait(failures: u32, chance: f64) -> Duration {
    let (first, longest) = WAITS;
    let whole = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(longest);
    whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// A number from 0 to 1 that another process is unlikely to have too.
pub fn chance() -> f64 {
    (RandomState::new().hash_one(0) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn waits_double_and_are_spread() {
        let waits = [1, 2, 3, 8, 40, u32::MAX].map(|failures| wait(failures, 1.0).as_millis());
        assert_eq!(waits, [500, 1000, 2000, 60_000, 60_000, 60_000]);
        assert_eq!(wait(3, 0.0).as_millis(), 1000);
        let chances: HashSet<u64> = (0..8).map(|_| chance().to_bits()).collect();
        assert!(chances.len() > 1 && (0..100).all(|_| (0.0..1.0).contains(&chance())));
    }

    #[test]
    fn many_questions_about_a_kind_are_one_watch() {
        let at = |namespace: &str| Query::all(Kind::Pod).in_namespace(namespace);
        let two = [at("a"), at("b"), Query::all(Kind::Node), Query::all(Kind::ConfigMap).in_namespace("kube-system")];
        assert_eq!(broad(&two), HashSet::from([at("a"), at("b"), Query::all(Kind::Node)]));
        let many: Vec<Query> = ["a", "b", "c", "d"].map(at).into();
        assert_eq!(broad(&many), HashSet::from([Query::all(Kind::Pod)]));
        assert_eq!(broad(&[at("a"), Query::all(Kind::Pod)]), HashSet::from([Query::all(Kind::Pod)]));
    }

    #[test]
    fn what_a_kubelet_reports_all_the_time_is_no_change() {
        let node = |heartbeat: &str, address: &str| {
            json!({ "metadata": { "uid": "u", "resourceVersion": heartbeat }, "status": {
                "conditions": [{ "type": "Ready", "lastHeartbeatTime": heartbeat }],
                "addresses": [{ "type": "InternalIP", "address": address }] } })
        };
        let print = |object: Value| fingerprint(Kind::Node, object);
        assert_eq!(print(node("1", "192.0.2.1")), print(node("2", "192.0.2.1")));
        assert_ne!(print(node("1", "192.0.2.1")), print(node("1", "192.0.2.2")));
        let pod = |ready: &str, time: &str| {
            json!({ "metadata": {}, "status": { "conditions": [
                { "type": "Ready", "status": ready, "lastProbeTime": time }, { "type": "Initialized", "status": time } ] } })
        };
        assert_eq!(fingerprint(Kind::Pod, pod("True", "1")), fingerprint(Kind::Pod, pod("True", "2")));
        assert_ne!(fingerprint(Kind::Pod, pod("True", "1")), fingerprint(Kind::Pod, pod("False", "1")));
    }
}
