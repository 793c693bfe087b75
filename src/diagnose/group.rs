//! Everything that the lines of a log tell, packets of one kind together, the most frequent first.
//! Never knows how it is shown.

use std::collections::{BTreeMap, HashMap};

use super::atlas::{Atlas, Ends};
use super::cause::{Cause, Fate, fate};
use super::ends::End;
use super::interface::Face;
use super::line::{Entry, Event, Logged};
use super::prefix::{Prefixes, Writer};
use super::remedy::{Opening, remedy};
use super::sight::{Sight, packet, see};
use crate::model::flow::{Checkpoint, Decider, HopAction, Packet, Protocol, Verdict};
use crate::model::policy::PolicyId;
use crate::model::world::World;
use crate::outcome::Outcome;
use crate::plan::decide::describe_decider;
use crate::plan::staged;

/// For how many kinds of packets at most a command is looked for: each is a plan that is tried. More of them are a scan,
/// and nobody wants to open that.
const COMMANDS: usize = 200;

/// Packets that have everything in common but time and source port.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// How many lines; where Felix limits them (logActionRateLimit), there were at least so many packets.
    pub count: usize,
    /// The protocol, where the lines tell it.
    pub protocol: Option<Protocol>,
    /// ICMP type and code.
    pub icmp: Option<(u8, u8)>,
    /// Who sends; for lines of the kernel itself not always known.
    pub source: Option<End>,
    /// Who is meant.
    pub destination: Option<End>,
    /// Destination port.
    pub port: Option<u16>,
    /// The node that wrote the lines.
    pub node: Option<String>,
    /// Where in the kernel.
    pub checkpoint: Option<Checkpoint>,
    /// The policy whose Log rule wrote them, if it can be only one.
    pub policy: Option<PolicyId>,
    /// All that can have written them, where that is more than one.
    pub loggers: Vec<(Checkpoint, PolicyId)>,
    /// Whether policy lets such a packet pass today.
    pub verdict: Verdict,
    /// Whether a lockdown that only observes let it pass, and would stop it once it is promoted.
    pub once_promoted: bool,
    /// Who decides that.
    pub by: Option<Decider>,
    /// Why it does not arrive.
    pub cause: Option<Cause>,
    /// More about it, in words.
    pub why: Option<String>,
    /// The command that opens it.
    pub opening: Option<Opening>,
    /// Why there is none.
    pub no_command: Option<String>,
}

impl Group {
    /// What it is about, whatever more is learned of it later.
    pub fn identity(&self) -> String {
        let end = |end: &Option<End>| end.as_ref().map(|end| end.address);
        let ends = (end(&self.source), end(&self.destination), self.port, self.protocol, self.icmp);
        format!("{ends:?} {:?} {:?} {:?}", self.checkpoint, self.policy, self.cause)
    }
}

/// How a command ends that found these: one that is stopped is a no, whatever else is not known.
pub fn outcome(groups: &[Group]) -> Outcome {
    let is = |verdict| groups.iter().any(|group| group.verdict == verdict);
    if is(Verdict::Deny) || is(Verdict::Mixed) {
        Outcome::No
    } else if is(Verdict::Unknown) {
        Outcome::Unknown
    } else {
        Outcome::Done
    }
}

/// What tells groups apart.
type Key = (Option<u8>, Option<(u8, u8)>, String, String, Option<u16>, Option<String>, String);

/// Makes groups of all lines that are Calico's, or tell of a drop of the kernel's own.
pub fn groups(world: &World, entries: &[(Entry, usize)], prefixes: &Prefixes) -> Vec<Group> {
    let own = |entry: &Entry| match &entry.event {
        Event::Logged(logged) => prefixes.writer(&logged.prefix) != Writer::Other,
        _ => true,
    };
    let entries: Vec<&(Entry, usize)> = entries.iter().filter(|(entry, _)| own(entry)).collect();
    let atlas = Atlas::of(world, entries.iter().map(|(entry, _)| entry));
    // Where that cannot be told, the lines are told as the cluster is.
    let promoted = staged::promoted(world).ok().flatten();
    let enforced = promoted.as_ref().map(|world| Atlas::of(world, entries.iter().map(|(entry, _)| entry)));
    let mut found: BTreeMap<Key, (Group, Option<Case>)> = BTreeMap::new();
    for (entry, count) in &entries {
        let (mut group, mut case) = attribute(&atlas, entry, prefixes);
        if let Some(enforced) = enforced.as_ref().filter(|_| group.verdict == Verdict::Allow && group.cause.is_none()) {
            foresee(enforced, entry, prefixes, &mut group, &mut case);
        }
        match found.get_mut(&key(&group)) {
            Some((known, _)) => known.count += count,
            None => _ = found.insert(key(&group), (Group { count: *count, ..group }, case)),
        }
    }
    let mut all: Vec<(Group, Option<Case>)> = found.into_values().collect();
    all.sort_by_key(|(group, _)| std::cmp::Reverse(group.count));
    open(world, promoted.as_ref(), &mut all);
    all.into_iter().map(|(group, _)| group).collect()
}

/// What a command is looked for with.
struct Case {
    logged: Logged,
    ends: Ends,
    node: Option<String>,
    sight: Sight,
    fate: Fate,
}

/// What becomes of a packet that passes today once the lockdown that only observed it is enforced: then it is that world that
/// the command is looked for in.
fn foresee(enforced: &Atlas<'_>, entry: &Entry, prefixes: &Prefixes, group: &mut Group, case: &mut Option<Case>) {
    let (then, seen) = attribute(enforced, entry, prefixes);
    if then.cause != Some(Cause::Policy) || !matches!(then.verdict, Verdict::Deny | Verdict::Mixed) {
        return;
    }
    let by = then.by.as_ref().map(|by| format!(" by {}", describe_decider(by))).unwrap_or_default();
    group.once_promoted = true;
    group.why = Some(format!("it passes today: the lockdown only observes. Once promoted, it would be denied{by}"));
    *case = seen;
}

/// Looks for commands; the same packet logged at several places has one.
fn open(now: &World, promoted: Option<&World>, groups: &mut [(Group, Option<Case>)]) {
    type Asked = (Option<Packet>, Option<Checkpoint>, Option<String>);
    let mut known: HashMap<Asked, Result<Opening, String>> = HashMap::new();
    for (group, case) in groups {
        let Some(Case { logged, ends, node, sight, fate }) = case else { continue };
        let world = promoted.filter(|_| group.once_promoted).unwrap_or(now);
        let key = (packet(logged), sight.checkpoint, node.clone());
        if known.len() >= COMMANDS && !known.contains_key(&key) {
            group.no_command = Some(format!("commands are looked for up to {COMMANDS} kinds of packets"));
            continue;
        }
        let found = known.entry(key).or_insert_with(|| remedy(world, logged, ends, node.as_deref(), sight, fate));
        match found.clone() {
            Ok(opening) => group.opening = Some(opening),
            Err(why) => group.no_command = Some(why),
        }
    }
}

fn key(group: &Group) -> Key {
    let end = |end: &Option<End>| end.as_ref().map(|end| format!("{} {:?} {:?}", end.address, end.kind, end.name));
    let rest = (group.checkpoint, &group.policy, &group.loggers, group.verdict, group.cause, &group.why);
    (
        group.protocol.map(|protocol| protocol.0),
        group.icmp,
        end(&group.source).unwrap_or_default(),
        end(&group.destination).unwrap_or_default(),
        group.port,
        group.node.clone(),
        format!("{rest:?}"),
    )
}

fn attribute(atlas: &Atlas<'_>, entry: &Entry, prefixes: &Prefixes) -> (Group, Option<Case>) {
    let node = atlas.node_of(entry);
    match &entry.event {
        Event::Logged(logged) => {
            let ends = atlas.ends(logged);
            let sight = see(atlas, logged, &ends, node.as_deref(), prefixes);
            let fate = fate(atlas.world, logged, &ends, node.as_deref(), &sight);
            let mut group = of_kernel(node.clone(), fate.cause, fate.why.clone());
            group.protocol = logged.protocol;
            group.icmp = logged.icmp;
            group.port = logged.port;
            group.source = Some(ends.source.clone());
            group.destination = Some(ends.destination.clone());
            group.checkpoint = sight.checkpoint;
            group.policy = sight.policy().cloned();
            group.loggers = if group.policy.is_some() { Vec::new() } else { sight.loggers.clone() };
            group.verdict = fate.verdict;
            group.by = fate.by.clone().filter(|_| sight.verdict != HopAction::Unknown);
            (group, Some(Case { logged: logged.clone(), ends, node, sight, fate }))
        }
        other => (by_kernel(atlas, other, node), None),
    }
}

/// A drop that the kernel itself reports: no policy, and so no command.
fn by_kernel(atlas: &Atlas<'_>, event: &Event, node: Option<String>) -> Group {
    let at = |ip| Some(End::at(atlas.world, ip, None));
    match event {
        Event::Martian { source, destination, interface } => {
            let face = atlas.face(interface);
            let why = match face {
                Face::Workload => format!(
                    "it came in by {interface}, whose pod does not have {source}: the pod sends with an address that is not \
                     its own"
                ),
                _ => format!("it came in by {interface}, and an answer to {source} would go out elsewhere (rp_filter)"),
            };
            let group = of_kernel(node, Some(Cause::ReversePath), Some(why));
            Group { source: at(*source), destination: at(*destination), ..group }
        }
        Event::UnallowedSource { source, interface, peer } => {
            let peer = peer.and_then(|peer| atlas.world.node_at(peer)).map(|node| format!(" from node {}", node.name));
            let peer = peer.unwrap_or_default();
            let why = format!("{interface} got it{peer}, whose allowed IPs do not hold {source}");
            Group { source: at(*source), ..of_kernel(node, Some(Cause::WireguardAllowedIps), Some(why)) }
        }
        Event::NoPeer { destination, interface } => {
            let why = format!("no node's allowed IPs on {interface} hold {destination}");
            Group { destination: at(*destination), ..of_kernel(node, Some(Cause::WireguardAllowedIps), Some(why)) }
        }
        // Those are looked at with their policies.
        Event::Logged(_) => of_kernel(node, Some(Cause::Unknown), None),
    }
}

fn of_kernel(node: Option<String>, cause: Option<Cause>, why: Option<String>) -> Group {
    Group {
        count: 0,
        protocol: None,
        icmp: None,
        source: None,
        destination: None,
        port: None,
        node,
        checkpoint: None,
        policy: None,
        loggers: Vec::new(),
        verdict: Verdict::Deny,
        once_promoted: false,
        by: None,
        cause,
        why,
        opening: None,
        no_command: cause.filter(|cause| *cause != Cause::Policy).map(|_| "no policy stops it".to_string()),
    }
}
