//! The answer to `diagnose`: groups of logged packets with the commands that open them; as text, and as JSON for programs.
//! Never knows how any of it was found.

use std::fmt::Write;

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::explanation::{ByView, by};
use super::paint::{Paint, harmless, harmless_lines};
use super::table::columns;
use crate::diagnose::cause::{Cause, tunnel_name};
use crate::diagnose::ends::{End, EndKind};
use crate::diagnose::group::Group;
use crate::diagnose::prefix::Prefixes;
use crate::diagnose::tally::Tally;
use crate::model::flow::{Checkpoint, Protocol, Verdict};
use crate::model::policy::{PolicyId, PolicyKind};
use crate::model::world::World;
use crate::plan::decide::describe_decider;

/// How many groups a table lists.
const LISTED: usize = 50;

/// One group for programs. The form is a contract: fields are added, never changed, and what does not apply is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupView<'a> {
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp: Option<IcmpView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<EndView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<EndView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<Checkpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyView<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<CandidateView<'a>>,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    once_promoted: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<ByView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_command: Option<&'a str>,
}

#[derive(Serialize)]
struct IcmpView {
    r#type: u8,
    code: u8,
}

#[derive(Serialize)]
struct EndView<'a> {
    address: String,
    kind: EndKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

#[derive(Serialize)]
struct PolicyView<'a> {
    kind: PolicyKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize)]
struct CandidateView<'a> {
    checkpoint: Checkpoint,
    policy: PolicyView<'a>,
}

/// The words of the command that opens a group, each as a shell takes it.
pub type Command<'c> = &'c dyn Fn(&Group) -> Option<String>;

/// For programs.
pub fn view<'a>(group: &'a Group, command: Command<'_>) -> GroupView<'a> {
    let candidate = |(checkpoint, policy): &'a (Checkpoint, PolicyId)| CandidateView {
        checkpoint: *checkpoint,
        policy: PolicyView::from(policy),
    };
    GroupView {
        count: group.count,
        protocol: group.protocol.map(|protocol| protocol.to_string()),
        icmp: group.icmp.map(|(r#type, code)| IcmpView { r#type, code }),
        source: group.source.as_ref().map(|end| EndView::of(end, None)),
        destination: group.destination.as_ref().map(|end| EndView::of(end, group.port)),
        node: group.node.as_deref(),
        checkpoint: group.checkpoint,
        policy: group.policy.as_ref().map(PolicyView::from),
        candidates: group.loggers.iter().map(candidate).collect(),
        verdict: group.verdict,
        once_promoted: group.once_promoted.then_some(Verdict::Deny),
        by: group.by.as_ref().and_then(by),
        cause: group.cause,
        why: group.why.as_deref(),
        command: command(group),
        no_command: group.no_command.as_deref(),
    }
}

impl EndView<'_> {
    fn of(end: &End, port: Option<u16>) -> EndView<'_> {
        EndView {
            address: end.address.to_string(),
            kind: end.kind,
            namespace: end.namespace.as_deref(),
            name: end.name.as_deref(),
            node: end.node.as_deref(),
            tunnel: end.tunnel.map(tunnel_name),
            port,
        }
    }
}

impl<'a> From<&'a PolicyId> for PolicyView<'a> {
    fn from(id: &'a PolicyId) -> PolicyView<'a> {
        PolicyView { kind: id.kind, namespace: id.namespace.as_deref(), name: &id.name }
    }
}

/// What was read, and what that means for the counts.
pub fn remarks(tally: &Tally, prefixes: &Prefixes, world: &World, paint: Paint) -> String {
    let lines = |count: usize| if count == 1 { "1 line".to_string() } else { format!("{count} lines") };
    let foreign = tally.foreign(prefixes);
    let others: usize = foreign.iter().map(|(_, count)| count).sum();
    let mut out = format!("{} read, {} of packets", lines(tally.lines()), tally.packets - others);
    if tally.cut > 0 {
        _ = write!(out, ", {} cut short", tally.cut);
    }
    out.push('\n');
    if let Some((prefix, _)) = foreign.first() {
        let more = if foreign.len() > 1 { format!(" and {} more", foreign.len() - 1) } else { String::new() };
        let named = if prefix.is_empty() { "no prefix" } else { prefix };
        _ = writeln!(
            out,
            "{} of packets left out, as Calico does not write {}{more}; --prefix says what it writes",
            lines(others),
            harmless(named)
        );
    }
    let limit = world
        .network
        .felixes()
        .find_map(|felix| felix.log_rate_limit.value()?.as_ref())
        .map(|limit| format!("Felix writes at most {limit} for each Log rule"));
    let lost = (tally.lost > 0).then(|| "the log says that messages were left out".to_string());
    if let Some(why) = limit.or(lost) {
        _ = writeln!(out, "{}: {}, so the counts are lower bounds", paint.warning("Warning"), harmless(&why));
    }
    if world.network.felix.is_bpf() {
        let text = "the eBPF dataplane logs to its trace pipe, not to the kernel log, so these lines are from before";
        _ = writeln!(out, "{}: {text}", paint.warning("Warning"));
    }
    out
}

/// A table that fits the width, in characters, and below it what opens each of its rows.
pub fn table(groups: &[Group], command: Command<'_>, width: usize, paint: Paint) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.set_header(["", "COUNT", "SOURCE", "DESTINATION", "WHERE", "CAUSE"]);
    for (index, group) in groups.iter().take(LISTED).enumerate() {
        table.add_row([
            (index + 1).to_string(),
            group.count.to_string(),
            in_two_lines(&source(group)),
            in_two_lines(&destination(group)),
            place(group),
            cause(group),
        ]);
    }
    let mut out: String = table.lines().map(|line| line.trim_end().to_string() + "\n").collect();
    out = harmless_lines(&out).into_owned();
    out.push('\n');
    for (index, group) in groups.iter().take(LISTED).enumerate() {
        let number = (index + 1).to_string();
        for (line, text) in below(group, command, width, paint).iter().enumerate() {
            let number = if line == 0 { number.as_str() } else { "" };
            _ = writeln!(out, "{number:>3}  {text}");
        }
    }
    if groups.len() > LISTED {
        _ = writeln!(out, "\nand {} more kinds of packets; -o wide lists all of them", groups.len() - LISTED);
    }
    out
}

/// Every group and everything about it, a line for each.
pub fn wide(groups: &[Group], command: Command<'_>) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let row = |group: &Group| {
        let decided = group.by.as_ref().map_or_else(|| "-".into(), describe_decider);
        let (checkpoint, node) = (group.checkpoint.map(|c| c.to_string()), group.node.clone());
        vec![
            group.count.to_string(),
            source(group),
            destination(group),
            node.unwrap_or_else(|| "-".into()),
            checkpoint.unwrap_or_else(|| "-".into()),
            logger(group),
            cause(group),
            decided,
            group.why.clone().unwrap_or_else(|| "-".into()),
            command(group).or_else(|| group.no_command.as_ref().map(|why| format!("none: {why}"))).unwrap_or_default(),
        ]
    };
    let headings =
        ["COUNT", "SOURCE", "DESTINATION", "NODE", "CHECKPOINT", "LOGGED BY", "CAUSE", "DECIDED BY", "WHY", "COMMAND"];
    columns(&headings, &groups.iter().map(row).collect::<Vec<_>>())
}

/// One group that is new, while a log is followed.
pub fn block(group: &Group, command: Command<'_>, paint: Paint) -> String {
    let words = [source(group), "->".into(), destination(group)].join(" ");
    let mut out = format!("{}: {}", paint.strong(&harmless(&words)), harmless(&place(group)));
    for (what, text) in [("logged by", logger(group)), ("cause", cause(group))] {
        _ = write!(out, ", {what} {}", harmless(&text));
    }
    out.push('\n');
    let command = command(group).map(|command| paint.strong(&harmless(&command)).into_owned());
    for line in remarks_on(group).chain(command) {
        _ = writeln!(out, "  {line}");
    }
    out
}

/// What stands below the table for one of its rows.
fn below(group: &Group, command: Command<'_>, width: usize, paint: Paint) -> Vec<String> {
    let logger = Some(logger(group)).filter(|logger| logger != "-").map(|logger| format!("logged by {logger}"));
    let prose = logger.into_iter().chain(remarks_on(group));
    let mut lines: Vec<String> = prose.flat_map(|text| wrapped(&text, width.saturating_sub(6))).collect();
    lines.extend(command(group).map(|command| paint.strong(&harmless(&command)).into_owned()));
    lines
}

/// What is to be known of a group, and why there is no command where there is none.
fn remarks_on(group: &Group) -> impl Iterator<Item = String> {
    let none = group.no_command.as_ref().map(|why| format!("no command: {}", harmless(why)));
    group.why.as_ref().map(|why| harmless(why).into_owned()).into_iter().chain(none)
}

/// Text in lines of so many characters, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

/// An address, and below it who that is.
fn in_two_lines(end: &str) -> String {
    end.replacen(" (", "\n(", 1)
}

fn source(group: &Group) -> String {
    group.source.as_ref().map_or_else(|| "-".into(), shown)
}

fn destination(group: &Group) -> String {
    let end = group.destination.as_ref().map_or_else(|| "-".into(), shown);
    let protocol = group.protocol.map(|protocol: Protocol| protocol.to_string());
    let what = match (protocol, group.port, group.icmp) {
        (Some(protocol), Some(port), _) => format!(" {protocol}:{port}"),
        (Some(protocol), None, Some((kind, code))) => format!(" {protocol} {kind}/{code}"),
        (Some(protocol), None, None) => format!(" {protocol}"),
        (None, ..) => String::new(),
    };
    // Behind the address, where a reader looks for it.
    match end.split_once(" (") {
        Some((address, who)) => format!("{address}{what} ({who}"),
        None => end + &what,
    }
}

/// As `10.20.1.5 (Pod shop/web-1)`, `10.20.1.1 (WireGuard of node n1)`, `10.7.0.99`.
fn shown(end: &End) -> String {
    let name = match (&end.namespace, &end.name) {
        (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
        (None, Some(name)) => name.clone(),
        _ => String::new(),
    };
    let address = end.address;
    match (end.kind, end.tunnel) {
        (EndKind::Tunnel, Some(role)) => format!("{address} ({} of node {name})", tunnel_name(role)),
        (EndKind::Unknown, _) => address.to_string(),
        (EndKind::ClusterIp, _) => format!("{address} (ClusterIP {name})"),
        (kind, _) => format!("{address} ({kind:?} {name})"),
    }
}

fn place(group: &Group) -> String {
    match (&group.checkpoint, &group.node) {
        (Some(checkpoint), Some(node)) => format!("{checkpoint} on {node}"),
        (Some(checkpoint), None) => checkpoint.to_string(),
        (None, Some(node)) => format!("on {node}"),
        (None, None) => "-".into(),
    }
}

fn logger(group: &Group) -> String {
    let several = || {
        let names: Vec<String> =
            group.loggers.iter().map(|(checkpoint, policy)| format!("{policy} ({checkpoint})")).collect();
        names.join(" or ")
    };
    match &group.policy {
        Some(policy) => policy.to_string(),
        None if !group.loggers.is_empty() => several(),
        None => "-".into(),
    }
}

fn cause(group: &Group) -> String {
    match group.cause {
        Some(Cause::Policy) => "policy",
        Some(Cause::WireguardAllowedIps) => "wireguard-allowed-ips",
        Some(Cause::ReversePath) => "reverse-path",
        Some(Cause::NoLocalBackend) => "no-local-backend",
        Some(Cause::Unknown) => "unknown",
        None if group.once_promoted => "would be denied once promoted",
        None => "none today",
    }
    .into()
}
