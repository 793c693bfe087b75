//! The answer to `explain`: every path, hop by hop, with what decided; for programs, as JSON. `explained` has the text.
//! Never knows how a decision was made.

use serde::Serialize;

use super::rule::{Granted, Rules};
use crate::kubernetes::objects::{Place, Unread};
use crate::model::flow::{Decider, Hop, HopAction, Packet, Path, Verdict};
use crate::model::policy::Direction;
use crate::plan::Note;

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
    /// The grants whose rules decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Granted>,
    /// What would open it.
    pub fix: Vec<Fix>,
    /// Documents that could not be read.
    #[serde(serialize_with = "unread")]
    pub unread: Vec<Unread>,
    /// What stands in the way, where it was tried and no command opens it.
    #[serde(rename = "noFix", skip_serializing_if = "Vec::is_empty")]
    pub no_fix: Vec<String>,
    /// The rules that decided, in words; for a person.
    #[serde(skip)]
    pub rules: Rules,
    /// What the command that opens it writes; for a person.
    #[serde(skip)]
    pub writes: Vec<String>,
    /// What is to be known of that; for a person.
    #[serde(skip)]
    pub warnings: Vec<Note>,
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

/// Who decided, in every JSON answer.
#[derive(Serialize)]
pub struct ByView<'a> {
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

/// Who decided, for programs.
pub fn by(decider: &Decider) -> Option<ByView<'_>> {
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
            grants: Vec::new(),
            fix: vec![Fix { command: "kubectl zerotrust allow --from a --to b".into(), grant: "abcdefghij".into() }],
            unread: vec![Unread {
                place: Place::File { file: std::sync::Arc::new("dir/a.yaml".into()), line: 7 },
                object: None,
                kind: None,
                namespace: None,
                reason: "it ends in the middle".into(),
            }],
            no_fix: Vec::new(),
            rules: Rules::new(),
            writes: Vec::new(),
            warnings: Vec::new(),
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
}
