//! The answer to `explain` as a person reads it: paths of equal outcome as one, node by node, the packet wherever it changed.
//! Never knows how a decision was made, or how wide the terminal is: that is an argument.

use std::fmt::Write;

use super::explanation::{Explanation, Flow};
use super::merged::{Group, destination, distinct, family, merge, port, sender};
use super::paint::{Paint, harmless};
use super::rule::Rules;
use super::wrap::wrapped;
use crate::model::flow::{Checkpoint, Decider, Hop, HopAction, Packet, Path, Verdict};
use crate::model::words::{counted, listed};
use crate::plan::Weight;

/// How many groups of paths are shown hop by hop.
const SHOWN: usize = 4;
/// How many more are named.
const NAMED: usize = 12;
/// How many names of a group are spelled out.
const NAMES: usize = 5;
/// How many policies of a tier are named.
const POLICIES: usize = 3;
/// Where what a checkpoint says starts.
const TEXT: usize = 14;

/// How it is printed.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Colours.
    pub paint: Paint,
    /// Characters in a line; long names and commands are never cut.
    pub width: usize,
    /// Everything, however long: every group, every name.
    pub wide: bool,
}

/// As text.
pub fn text(explanation: &Explanation, style: Style) -> String {
    let mut out = title(explanation, style);
    let groups = merge(&explanation.paths);
    if groups.len() > 1 {
        _ = writeln!(out, "{}", wrapped(&summary(&explanation.paths), style.width, 0, 0));
    }
    let shown = if style.wide { groups.len() } else { SHOWN.min(groups.len()) };
    for group in &groups[..shown] {
        out.push('\n');
        out.push_str(&headline(group, &explanation.paths, style));
        out.push_str(&hops(group.paths[0], &explanation.rules, style));
    }
    let rest = &groups[shown..];
    if !rest.is_empty() {
        _ = writeln!(out, "\nNot shown hop by hop (-o wide shows all):");
        for group in rest.iter().take(NAMED) {
            out.push_str(&headline(group, &explanation.paths, style));
        }
        if rest.len() > NAMED {
            let paths: usize = rest[NAMED..].iter().map(|group| group.paths.len()).sum();
            _ = writeln!(out, "and {} in {} more groups", counted(paths, "path"), rest.len() - NAMED);
        }
    }
    out.push_str(&remedy(explanation, style));
    out
}

fn title(explanation: &Explanation, style: Style) -> String {
    let Flow { protocol, port, .. } = &explanation.flow;
    let (from, to) = &explanation.shown;
    let ports = match (protocol, port) {
        (Some(protocol), Some(port)) => format!(", {protocol}:{port}"),
        (Some(protocol), None) => format!(", {protocol}"),
        (None, Some(port)) => format!(", port {port}"),
        (None, None) => String::new(),
    };
    let text = format!("{} -> {}{ports}", harmless(from), harmless(to));
    let word = verdict(explanation.verdict, style.paint);
    let used = explanation.verdict.to_string().len() + 2;
    format!("{word}: {}\n", wrapped(&text, style.width, used, used))
}

fn verdict(verdict: Verdict, paint: Paint) -> String {
    let text = verdict.to_string();
    match verdict {
        Verdict::Allow => paint.added(&text),
        Verdict::Deny | Verdict::Mixed => paint.removed(&text),
        Verdict::Unknown => paint.warning(&text),
    }
    .into_owned()
}

/// How many paths come out how, and which backends cannot be reached by some of them.
fn summary(paths: &[Path]) -> String {
    let count = |verdict| paths.iter().filter(|path| path.verdict == verdict).count();
    let parts = [(Verdict::Deny, "stopped"), (Verdict::Unknown, "not known"), (Verdict::Allow, "open")];
    let counts: Vec<String> =
        parts.iter().filter(|(v, _)| count(*v) > 0).map(|(v, word)| format!("{} {word}", count(*v))).collect();
    let mut text = match counts.len() {
        1 => format!(
            "{}, all {}.",
            counted(paths.len(), "path"),
            parts.iter().find(|(v, _)| count(*v) > 0).map_or("", |(_, word)| word)
        ),
        _ => format!("{}: {}.", counted(paths.len(), "path"), counts.join(", ")),
    };
    let stopped = distinct(paths.iter().filter(|path| path.verdict == Verdict::Deny), |path| path.backend.clone());
    let all = distinct(paths.iter(), |path| path.backend.clone());
    let reached = |path: &&Path| path.backend.as_ref().is_some_and(|backend| stopped.contains(backend));
    let in_part = paths.iter().filter(|path| path.verdict != Verdict::Deny).any(|path| reached(&path));
    let on = if in_part { " on some of their paths" } else { "" };
    if all.len() > 1 && stopped.len() == all.len() && in_part {
        _ = write!(text, " Each of {} backends is stopped on some paths.", all.len());
    } else if !stopped.is_empty() && stopped.len() < all.len() {
        _ = write!(text, " Of {} backends {} stopped{on}: {}.", all.len(), stopped.len(), listed(&stopped, NAMES));
    }
    harmless(&text).into_owned()
}

/// Which paths these are, by what tells them apart from the others.
fn headline(group: &Group, all: &[Path], style: Style) -> String {
    let most = if style.wide { usize::MAX - 1 } else { NAMES };
    let mut text = String::new();
    let tells = |of: fn(&Path) -> Option<String>| distinct(all.iter(), of).len() > 1;
    let mut combinations = 1;
    let mut part = |words: [&str; 2], names: Vec<String>| {
        combinations *= names.len().max(1);
        let word = words[usize::from(names.len() > 1)];
        if !names.is_empty() {
            _ = write!(text, ", {word} {}", listed(&names, most));
        }
    };
    if tells(sender) {
        part(["from", "from"], group.distinct(sender));
    }
    // A port of every node: the node's name says which address it is.
    let pairs = |path: &Path| Some(format!("{} {}", destination(path)?, path.entry_node.as_ref()?));
    let of_nodes = distinct(all.iter(), pairs).len() == distinct(all.iter(), |path| path.entry_node.clone()).len();
    if tells(destination) && !of_nodes {
        part(["to", "to"], group.distinct(destination));
    }
    if tells(family) && !tells(sender) && (!tells(destination) || of_nodes) {
        part(["over", "over"], group.distinct(family));
    }
    if tells(port) {
        part(["port", "ports"], group.distinct(port));
    }
    part(["entering at node", "entering at nodes"], group.distinct(|path| path.entry_node.clone()));
    part(["backend", "backends"], group.distinct(|path| path.backend.clone()));
    let count = group.paths.len();
    if combinations != count {
        _ = match group.stays_on_its_node() {
            Some(true) => write!(text, ", each on the node where it enters"),
            Some(false) => write!(text, ", on another node than the one where it enters"),
            None => Ok(()),
        };
    }
    let what = match count {
        1 if all.len() == 1 => "The path".to_string(),
        1 => "1 path".to_string(),
        more => format!("{more} paths alike"),
    };
    let text = wrapped(&harmless(&format!("{what}{text}:")), style.width, 0, 2);
    format!("{} {}\n", style.paint.strong(&text), verdict(group.verdict(), style.paint))
}

/// Node by node: the packet where it changed, and what each checkpoint says.
fn hops(path: &Path, rules: &Rules, style: Style) -> String {
    let mut out = String::new();
    if path.hops.is_empty() {
        if let Some(sent) = &path.sent {
            out.push_str(&line("packet", &packet(sent), "", style));
        }
        out.push_str(&line("-", "no policy is asked on this way", "", style));
        return out;
    }
    let mut at: Option<&String> = None;
    let mut carried: Option<Packet> = None;
    let mut stopped = false;
    for (index, hop) in path.hops.iter().enumerate() {
        if hop.node.is_some() && hop.node.as_ref() != at {
            at = hop.node.as_ref();
            _ = writeln!(out, "  node {}", harmless(at.map_or("", String::as_str)));
        }
        let before = carried.or(path.sent.filter(|_| index == 0));
        let translates = matches!(hop.checkpoint, Checkpoint::Dnat | Checkpoint::Snat);
        // What changes the packet is asked with the packet as it comes; where nothing shows that one yet, it does.
        if carried.is_none() && translates && before.is_some_and(|before| before != hop.packet) {
            out.extend(before.map(|before| line("packet", &packet(&before), "", style)));
        } else if carried != Some(hop.packet) && !translates {
            out.push_str(&line("packet", &packet(&hop.packet), "", style));
        }
        carried = Some(hop.packet);
        // Felix keeps the port open in several tables, and each is asked.
        let again = index.checked_sub(1).is_some_and(|before| path.hops[before] == *hop);
        if again && hop.checkpoint == Checkpoint::Failsafe {
            continue;
        }
        out.push_str(&checkpoint(hop, rules, &mut stopped, style));
    }
    out
}

fn checkpoint(hop: &Hop, rules: &Rules, stopped: &mut bool, style: Style) -> String {
    let why = hop.by.as_ref().map_or_else(String::new, |by| decided(by, hop, rules));
    let of = match (&hop.endpoint, hop.checkpoint) {
        (None, _) => String::new(),
        (Some(endpoint), Checkpoint::Egress | Checkpoint::Ingress) => format!(" of {endpoint}"),
        (Some(endpoint), _) => format!(" of host endpoint {endpoint}"),
    };
    let place = format!("{}{of}", hop.checkpoint.spoken());
    match (hop.action, hop.checkpoint) {
        (HopAction::None, Checkpoint::Dnat) => line("dnat", &packet(&hop.packet), &why, style),
        (HopAction::None, Checkpoint::Snat) => line("snat", &packet(&hop.packet), &why, style),
        (HopAction::None, _) => line("-", &place, &why, style),
        (HopAction::Allow, _) => line("allow", &place, &why, style),
        (HopAction::Unknown, _) => line("unknown", &place, &why, style),
        (HopAction::Deny, _) => {
            let which = if *stopped { "would also be stopped here" } else { "first stopped here" };
            *stopped = true;
            line("deny", &format!("{place}: {which}"), &why, style)
        }
    }
}

/// Two lines: what happened and where; then why.
fn line(action: &str, place: &str, why: &str, style: Style) -> String {
    let painted = match action {
        "allow" => style.paint.added(action),
        "deny" => style.paint.removed(action),
        "unknown" => style.paint.warning(action),
        other => other.into(),
    };
    let gap = " ".repeat((TEXT - 4).saturating_sub(action.len()));
    let lead = if action == "deny" { "  > " } else { "    " };
    let mut out = format!("{lead}{painted}{gap}{}\n", wrapped(&harmless(place), style.width, TEXT, TEXT));
    if !why.is_empty() {
        let indent = TEXT + 2;
        _ = writeln!(out, "{:indent$}{}", "", wrapped(&harmless(why), style.width, indent, indent));
    }
    out
}

fn packet(packet: &Packet) -> String {
    let Packet { source, destination, protocol, port, .. } = packet;
    match port {
        Some(port) => format!("{source} -> {destination} {protocol}:{port}"),
        None => format!("{source} -> {destination} {protocol}"),
    }
}

fn decided(by: &Decider, hop: &Hop, rules: &Rules) -> String {
    match by {
        Decider::Rule { policy, tier, direction, index } => {
            let tier = if tier == "default" { String::new() } else { format!(", tier {tier}") };
            let action = if hop.action == HopAction::Allow { "Allow" } else { "Deny" };
            let rule = rules.get(&(policy.clone(), *direction, *index)).map_or(action, String::as_str);
            format!("{direction} rule {index} of {policy}{tier}: {rule}")
        }
        Decider::TierDefault { tier, policies } => {
            let names: Vec<String> = policies.iter().map(ToString::to_string).collect();
            match names.is_empty() {
                true => format!("the end of tier {tier}"),
                false => format!("no rule of {} matches: the end of tier {tier}", listed(&names, POLICIES)),
            }
        }
        Decider::Profile { name } if name == "none" => "no policy selects it, and it has no profile that allows".into(),
        Decider::Profile { name } => format!("no policy selects it: profile {name}"),
        Decider::Setting { name, evidence } => format!("Felix's {name} ({evidence})"),
        Decider::Unknown { why } => why.clone(),
    }
}

/// What opens it, or what stands in the way.
fn remedy(explanation: &Explanation, style: Style) -> String {
    let mut out = String::new();
    let item = |text: &str| format!("  - {}\n", wrapped(&harmless(text), style.width, 4, 4));
    if !explanation.fix.is_empty() {
        _ = writeln!(out, "\n{}", style.paint.strong("To open it:"));
        explanation.fix.iter().for_each(|fix| _ = writeln!(out, "  {}", harmless(&fix.command)));
        let writes = listed(&explanation.writes, NAMES);
        let text = format!("It was tried on what was read: every path passes then. It writes {writes}.");
        _ = writeln!(out, "  {}", wrapped(&harmless(&text), style.width, 2, 2));
        let warnings = explanation.warnings.iter().filter(|note| note.weight == Weight::Warning);
        warnings.for_each(|note| out.push_str(&item(&note.text)));
    }
    if !explanation.no_fix.is_empty() {
        _ = writeln!(out, "\n{}", style.paint.strong("No command opens it safely:"));
        explanation.no_fix.iter().for_each(|reason| out.push_str(&item(reason)));
    }
    out
}

#[cfg(test)]
mod tests;
