//! Paths that differ in nothing but names, put together: the same checkpoints, the same decisions, other nodes or backends.
//! Never knows how they are printed.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::IpAddr;

use crate::model::flow::{Checkpoint, Decider, HopAction, Packet, Path, Verdict};

/// Paths of equal outcome.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// At least one; the first is shown for all.
    pub paths: Vec<&'a Path>,
}

impl Group<'_> {
    /// What becomes of each of them.
    pub fn verdict(&self) -> Verdict {
        self.paths[0].verdict
    }

    /// What `of` says of the paths, each answer once, in order.
    pub fn distinct(&self, of: impl Fn(&Path) -> Option<String>) -> Vec<String> {
        distinct(self.paths.iter().copied(), of)
    }

    /// Whether the backend's node is the one where it enters; none where there is no such node.
    pub fn stays_on_its_node(&self) -> Option<bool> {
        let path = self.paths[0];
        let entry = path.entry_node.as_ref()?;
        path.backend.as_ref()?;
        Some(path.hops.iter().filter_map(|hop| hop.node.as_ref()).all(|node| node == entry))
    }
}

/// What `of` says of paths, each answer once, in order.
pub fn distinct<'a>(paths: impl Iterator<Item = &'a Path>, of: impl Fn(&Path) -> Option<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    paths.filter_map(of).filter(|answer| seen.insert(answer.clone())).collect()
}

/// Groups: first those that are stopped, then those that cannot be told, then those that pass; each in the paths' order.
pub fn merge(paths: &[Path]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for path in paths {
        let place = *places.entry(signature(path)).or_insert_with(|| {
            groups.push(Group { paths: Vec::new() });
            groups.len() - 1
        });
        groups[place].paths.push(path);
    }
    groups.sort_by_key(|group| match group.verdict() {
        Verdict::Deny | Verdict::Mixed => 0,
        Verdict::Unknown => 1,
        Verdict::Allow => 2,
    });
    groups
}

/// Names by the order in which a path mentions them: two paths with the same numbers differ in names alone.
#[derive(Default)]
struct Roles<'a> {
    names: Vec<&'a str>,
    addresses: Vec<IpAddr>,
    ports: Vec<(u8, Option<u16>)>,
}

impl<'a> Roles<'a> {
    fn name(&mut self, name: &'a str) -> usize {
        place(&mut self.names, name)
    }

    fn packet(&mut self, packet: &Packet) -> (usize, usize, usize) {
        let port = (packet.protocol.0, packet.port);
        (
            place(&mut self.addresses, packet.source),
            place(&mut self.addresses, packet.destination),
            place(&mut self.ports, port),
        )
    }

    /// A sentence with the names in it replaced; the longest first, as one may be the start of another.
    fn anonymous(&self, text: &str) -> String {
        let addresses: Vec<String> = self.addresses.iter().map(IpAddr::to_string).collect();
        let mut all: Vec<(usize, &str)> =
            self.names.iter().copied().chain(addresses.iter().map(String::as_str)).enumerate().collect();
        all.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
        all.into_iter().fold(text.to_string(), |text, (index, name)| text.replace(name, &format!("\u{1}{index}\u{1}")))
    }
}

fn place<T: PartialEq>(all: &mut Vec<T>, one: T) -> usize {
    all.iter().position(|other| *other == one).unwrap_or_else(|| {
        all.push(one);
        all.len() - 1
    })
}

fn signature(path: &Path) -> String {
    let mut roles = Roles::default();
    let mut text = format!("{:?}", path.verdict);
    // Writing into a String does not fail.
    if let Some(sent) = &path.sent {
        _ = write!(text, "|{:?}", roles.packet(sent));
    }
    _ = write!(text, "|{:?}", path.entry_node.as_deref().map(|node| roles.name(node)));
    _ = write!(text, "|{:?}", path.backend.as_deref().map(|backend| roles.name(pod_of(backend))));
    for hop in &path.hops {
        let node = hop.node.as_deref().map(|node| roles.name(node));
        let endpoint = hop.endpoint.as_deref().map(|endpoint| roles.name(endpoint));
        let packet = roles.packet(&hop.packet);
        _ = write!(text, "|{node:?} {:?} {endpoint:?} {packet:?} {:?}", hop.checkpoint, hop.action);
        match &hop.by {
            Some(Decider::Unknown { why }) => _ = write!(text, " {}", roles.anonymous(why)),
            by => _ = write!(text, " {by:?}"),
        }
    }
    text
}

/// `shop/web-1` of `shop/web-1:80`.
fn pod_of(backend: &str) -> &str {
    backend.rsplit_once(':').map_or(backend, |(pod, _)| pod)
}

/// Who sends, as far as the path tells: the pod, or the address.
pub fn sender(path: &Path) -> Option<String> {
    let sent = path.sent?;
    let pod = path.hops.iter().find(|hop| hop.checkpoint == Checkpoint::Egress && hop.packet.source == sent.source);
    Some(pod.and_then(|hop| hop.endpoint.clone()).unwrap_or_else(|| sent.source.to_string()))
}

/// What it is sent to, as far as the path tells: the pod, or the address.
pub fn destination(path: &Path) -> Option<String> {
    let sent = path.sent?;
    let is_pod = |hop: &&crate::model::flow::Hop| {
        hop.checkpoint == Checkpoint::Ingress
            && hop.packet.destination == sent.destination
            && hop.action != HopAction::Unknown
    };
    let pod = path.hops.iter().find(is_pod).and_then(|hop| hop.endpoint.clone());
    Some(pod.unwrap_or_else(|| sent.destination.to_string()))
}

/// Protocol and port as `TCP:80`.
pub fn port(path: &Path) -> Option<String> {
    let sent = path.sent?;
    Some(match sent.port {
        Some(port) => format!("{}:{port}", sent.protocol),
        None => sent.protocol.to_string(),
    })
}

/// IPv4 or IPv6.
pub fn family(path: &Path) -> Option<String> {
    let word = if path.sent?.source.is_ipv4() { "IPv4" } else { "IPv6" };
    Some(word.to_string())
}
