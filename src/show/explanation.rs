//! The answer to `explain`: every path, hop by hop, with what decided; as text, and as JSON for programs.
//! Never knows how a decision was made.

use std::fmt::Write;

use serde::Serialize;

use super::paint::{Paint, harmless};
use super::table::columns;
use crate::kubernetes::objects::{Place, Unread};
use crate::model::flow::{Decider, Hop, HopAction, Packet, Path, Verdict};
use crate::model::policy::Direction;

/// What was asked and what came out. The JSON form is a contract: fields are added, never changed.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// All paths together.
    pub verdict: Verdict,
    /// What was asked.
    pub flow: Flow,
    /// Every way that the flow can take.
    #[serde(serialize_with = "paths")]
    pub paths: Vec<Path>,
    /// What would open it.
    pub fix: Vec<Fix>,
    /// Documents that could not be read.
    #[serde(serialize_with = "unread")]
    pub unread: Vec<Unread>,
    /// Why nothing would open it, where that was tried; for a person.
    #[serde(skip)]
    pub no_fix: Vec<String>,
    /// What the two ends stand for; for a person.
    #[serde(skip)]
    pub shown: (String, String),
}

/// What was asked.
#[derive(Clone, Debug, Serialize)]
pub struct Flow {
    /// Who connects, as it was named.
    pub from: String,
    /// To what, as it was named.
    pub to: String,
    /// As `TCP`; none where paths differ in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Destination port; none where paths differ in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// A command that opens the flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// The command.
    pub command: String,
    /// The id of the grant that it makes.
    pub grant: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PathView<'a> {
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_node: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<&'a str>,
    hops: Vec<HopView<'a>>,
}

#[derive(Serialize)]
struct HopView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    checkpoint: crate::model::flow::Checkpoint,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<Direction>,
    packet: PacketView,
    action: HopAction,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<ByView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct PacketView {
    source: String,
    destination: String,
    protocol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

#[derive(Serialize)]
struct ByView<'a> {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<usize>,
}

/// A document that could not be read, in every JSON answer.
#[derive(Serialize)]
pub struct UnreadView {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    reason: String,
}

impl From<&Unread> for UnreadView {
    fn from(unread: &Unread) -> UnreadView {
        let (file, line) = match &unread.place {
            Place::Server => (None, None),
            Place::File { file, line } => (Some(file.display().to_string()), Some(*line)),
        };
        let reason = match &unread.object {
            Some(object) => format!("{object}: {}", unread.reason),
            None => unread.reason.clone(),
        };
        UnreadView { file, line, reason }
    }
}

fn unread<S: serde::Serializer>(unread: &[Unread], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(unread.iter().map(UnreadView::from))
}

fn paths<S: serde::Serializer>(paths: &[Path], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(paths.iter().map(|path| PathView {
        verdict: path.verdict,
        entry_node: path.entry_node.as_deref(),
        backend: path.backend.as_deref(),
        hops: path.hops.iter().map(HopView::from).collect(),
    }))
}

impl<'a> From<&'a Hop> for HopView<'a> {
    fn from(hop: &'a Hop) -> HopView<'a> {
        let Packet { source, destination, protocol, port, .. } = hop.packet;
        let packet = PacketView {
            source: source.to_string(),
            destination: destination.to_string(),
            protocol: protocol.to_string(),
            port,
        };
        let why = match &hop.by {
            Some(Decider::Unknown { why }) => Some(why.as_str()),
            _ => None,
        };
        HopView {
            node: hop.node.as_deref(),
            checkpoint: hop.checkpoint,
            endpoint: hop.endpoint.as_deref(),
            direction: hop.direction,
            packet,
            action: hop.action,
            by: hop.by.as_ref().and_then(by),
            why,
        }
    }
}

fn by(decider: &Decider) -> Option<ByView<'_>> {
    let view = match decider {
        Decider::Rule { policy, tier, index, .. } => ByView {
            kind: policy.kind.to_string(),
            namespace: policy.namespace.as_deref(),
            name: &policy.name,
            tier: Some(tier),
            rule: Some(*index),
        },
        Decider::TierDefault { tier, .. } => {
            ByView { kind: "Tier".into(), namespace: None, name: tier, tier: Some(tier), rule: None }
        }
        Decider::Profile { name } => ByView { kind: "Profile".into(), namespace: None, name, tier: None, rule: None },
        Decider::Setting { name, .. } => {
            ByView { kind: "FelixConfiguration".into(), namespace: None, name, tier: None, rule: None }
        }
        Decider::Unknown { .. } => return None,
    };
    Some(view)
}

/// As text.
pub fn text(explanation: &Explanation, paint: Paint) -> String {
    let Flow { protocol, port, .. } = &explanation.flow;
    let (from, to) = &explanation.shown;
    let verdict = verdict(explanation.verdict, paint);
    let ports = match (protocol, port) {
        (Some(protocol), Some(port)) => format!(", {protocol}:{port}"),
        (Some(protocol), None) => format!(", {protocol}"),
        (None, Some(port)) => format!(", port {port}"),
        (None, None) => String::new(),
    };
    let mut out = format!("{verdict}: {} -> {}{ports}\n", harmless(from), harmless(to));
    let count = explanation.paths.len();
    for (index, path) in explanation.paths.iter().enumerate() {
        _ = writeln!(out, "\n{}", headline(path, index, count, paint));
        let rows: Vec<Vec<String>> = path.hops.iter().map(row).collect();
        if rows.is_empty() {
            out.push_str("  no checkpoint has a say\n");
            continue;
        }
        let table = columns(&["NODE", "CHECKPOINT", "ENDPOINT", "PACKET", "ACTION", "DECIDED BY"], &rows);
        table.lines().for_each(|line| _ = writeln!(out, "  {line}"));
    }
    if !explanation.fix.is_empty() {
        _ = writeln!(out, "\n{}", paint.strong("To open it:"));
        explanation.fix.iter().for_each(|fix| _ = writeln!(out, "  {}", harmless(&fix.command)));
    }
    for reason in &explanation.no_fix {
        _ = writeln!(out, "\nNo command opens it: {}", harmless(reason));
    }
    out
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

fn headline(path: &Path, index: usize, count: usize, paint: Paint) -> String {
    let mut text = match count {
        1 => "The path".to_string(),
        _ => format!("Path {} of {count}", index + 1),
    };
    if let Some(node) = &path.entry_node {
        _ = write!(text, ", entering at {}", harmless(node));
    }
    if let Some(backend) = &path.backend {
        _ = write!(text, ", to {}", harmless(backend));
    }
    format!("{}: {}", paint.strong(&text), verdict(path.verdict, paint))
}

fn row(hop: &Hop) -> Vec<String> {
    let Packet { source, destination, protocol, port, .. } = hop.packet;
    let packet = match port {
        Some(port) => format!("{source} -> {destination} {protocol}:{port}"),
        None => format!("{source} -> {destination} {protocol}"),
    };
    let action = match hop.action {
        HopAction::Allow => "allow",
        HopAction::Deny => "deny",
        HopAction::None => "-",
        HopAction::Unknown => "unknown",
    };
    vec![
        hop.node.clone().unwrap_or_else(|| "-".into()),
        hop.checkpoint.to_string(),
        hop.endpoint.clone().unwrap_or_else(|| "-".into()),
        packet,
        action.into(),
        hop.by.as_ref().map_or_else(|| "-".into(), decided),
    ]
}

fn decided(decider: &Decider) -> String {
    match decider {
        Decider::Rule { policy, tier, direction, index } => {
            let tier = if tier == "default" { String::new() } else { format!(" (tier {tier})") };
            format!("{policy}, {direction} rule {index}{tier}")
        }
        Decider::TierDefault { tier, policies } => {
            let mut names: Vec<String> = policies.iter().take(3).map(ToString::to_string).collect();
            if policies.len() > 3 {
                names.push(format!("{} more", policies.len() - 3));
            }
            match names.is_empty() {
                true => format!("the end of tier {tier}"),
                false => format!("the end of tier {tier}: no rule of {} matches", names.join(", ")),
            }
        }
        Decider::Profile { name } => format!("profile {name}: no policy selects it"),
        Decider::Setting { name, evidence } => format!("Felix's {name} ({evidence})"),
        Decider::Unknown { why } => why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::flow::{Checkpoint, Protocol};
    use crate::model::policy::{PolicyId, PolicyKind};

    fn hop(action: HopAction, by: Option<Decider>) -> Hop {
        Hop {
            node: Some("n1".into()),
            checkpoint: Checkpoint::Ingress,
            endpoint: Some("shop/web-1".into()),
            direction: Some(Direction::Ingress),
            packet: Packet {
                source: "10.20.1.10".parse().unwrap(),
                destination: "10.20.2.20".parse().unwrap(),
                protocol: Protocol::TCP,
                port: Some(80),
                source_port: None,
                icmp: None,
            },
            action,
            by,
        }
    }

    fn explanation(hops: Vec<Hop>) -> Explanation {
        let path = Path::new(None, Some("shop/web-1:80".into()), hops);
        Explanation {
            verdict: path.verdict,
            flow: Flow {
                from: "10.20.1.10".into(),
                to: "10.20.2.20".into(),
                protocol: Some("TCP".into()),
                port: Some(80),
            },
            paths: vec![path],
            fix: vec![Fix { command: "kubectl zerotrust allow --from a --to b".into(), grant: "abcdefghij".into() }],
            unread: vec![Unread {
                place: Place::File { file: std::sync::Arc::new("dir/a.yaml".into()), line: 7 },
                object: None,
                kind: None,
                namespace: None,
                reason: "it ends in the middle".into(),
            }],
            no_fix: Vec::new(),
            shown: ("10.20.1.10".into(), "shop/service/web (1 pod)".into()),
        }
    }

    fn rule() -> Decider {
        let policy = PolicyId { kind: PolicyKind::NetworkPolicy, namespace: Some("shop".into()), name: "web".into() };
        Decider::Rule { policy, tier: "default".into(), direction: Direction::Ingress, index: 0 }
    }

    #[test]
    fn the_json_is_the_contract() {
        let value: Value = serde_json::to_value(explanation(vec![hop(HopAction::Deny, Some(rule()))])).unwrap();
        assert_eq!(
            value,
            json!({
                "verdict": "deny",
                "flow": { "from": "10.20.1.10", "to": "10.20.2.20", "protocol": "TCP", "port": 80 },
                "paths": [{ "verdict": "deny", "backend": "shop/web-1:80", "hops": [{
                    "node": "n1", "checkpoint": "ingress", "endpoint": "shop/web-1", "direction": "ingress",
                    "packet": { "source": "10.20.1.10", "destination": "10.20.2.20", "protocol": "TCP", "port": 80 },
                    "action": "deny",
                    "by": { "kind": "NetworkPolicy", "namespace": "shop", "name": "web", "tier": "default", "rule": 0 },
                }]}],
                "fix": [{ "command": "kubectl zerotrust allow --from a --to b", "grant": "abcdefghij" }],
                "unread": [{ "file": "dir/a.yaml", "line": 7, "reason": "it ends in the middle" }],
            })
        );
    }

    #[test]
    fn tiers_and_profiles_decide_without_a_rule() {
        let tier = Decider::TierDefault { tier: "default".into(), policies: vec![] };
        let profile = Decider::Profile { name: "kns.shop".into() };
        let hops = vec![hop(HopAction::Deny, Some(tier)), hop(HopAction::Allow, Some(profile))];
        let value = serde_json::to_value(explanation(hops)).unwrap();
        let hops = &value["paths"][0]["hops"];
        assert_eq!(hops[0]["by"], json!({ "kind": "Tier", "name": "default", "tier": "default" }));
        assert_eq!(hops[1]["by"], json!({ "kind": "Profile", "name": "kns.shop" }));
    }

    #[test]
    fn text_names_the_rule_and_the_command() {
        let text = text(&explanation(vec![hop(HopAction::Deny, Some(rule()))]), Paint::default());
        assert!(text.starts_with("deny: 10.20.1.10 -> shop/service/web (1 pod), TCP:80\n"), "{text}");
        assert!(text.contains("NetworkPolicy shop/web, ingress rule 0"), "{text}");
        assert!(text.contains("To open it:\n  kubectl zerotrust allow --from a --to b"), "{text}");
    }
}
