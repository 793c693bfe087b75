//! Explanations as they are printed, from paths that are made by hand.
//! Never knows a cluster.

use super::*;
use crate::model::flow::{Checkpoint, Protocol, together};
use crate::model::policy::{Direction, PolicyId, PolicyKind};

fn packet_to(last: u8) -> Packet {
    Packet {
        source: [10, 7, 0, 99].into(),
        destination: [10, 20, 0, last].into(),
        protocol: Protocol::TCP,
        port: Some(80),
        source_port: None,
        icmp: None,
    }
}

/// A path by node `n` to pod `p`, on which the policy of that name decides.
fn path(n: u8, p: u8, policy: &str, action: HopAction) -> Path {
    let policy = PolicyId { kind: PolicyKind::NetworkPolicy, namespace: Some("shop".into()), name: policy.into() };
    let by = Decider::Rule { policy, tier: "default".into(), direction: Direction::Ingress, index: 0 };
    let hop = Hop {
        node: Some(format!("n{n}")),
        checkpoint: Checkpoint::Ingress,
        endpoint: Some(format!("shop/web-{p}")),
        direction: Some(Direction::Ingress),
        packet: packet_to(p),
        action,
        by: Some(by),
    };
    Path::new(Some(format!("n{n}")), Some(format!("shop/web-{p}:80")), vec![hop])
}

fn explanation(paths: Vec<Path>) -> Explanation {
    Explanation {
        verdict: together(&paths),
        flow: Flow { from: "a".into(), to: "b".into(), protocol: Some("TCP".into()), port: Some(80) },
        paths,
        grants: Vec::new(),
        fix: Vec::new(),
        unread: Vec::new(),
        no_fix: Vec::new(),
        rules: Rules::new(),
        writes: Vec::new(),
        warnings: Vec::new(),
        shown: ("10.7.0.99".into(), "shop/service/web (9 pods)".into()),
    }
}

fn printed(paths: Vec<Path>, wide: bool) -> String {
    text(&explanation(paths), Style { paint: Paint::default(), width: 80, wide })
}

#[test]
fn paths_that_differ_in_names_are_one_and_others_are_not() {
    let same: Vec<Path> = (1..=3).map(|n| path(n, n, "a", HopAction::Deny)).collect();
    assert_eq!(merge(&same).len(), 1);
    // Another policy, another action, and a backend on another node are other outcomes.
    assert_eq!(merge(&[path(1, 1, "a", HopAction::Deny), path(2, 2, "b", HopAction::Deny)]).len(), 2);
    assert_eq!(merge(&[path(1, 1, "a", HopAction::Deny), path(2, 2, "a", HopAction::Allow)]).len(), 2);
    let mut elsewhere = path(2, 2, "a", HopAction::Deny);
    elsewhere.hops[0].node = Some("n7".into());
    assert_eq!(merge(&[path(1, 1, "a", HopAction::Deny), elsewhere]).len(), 2);
}

#[test]
fn names_in_reasons_do_not_keep_paths_apart() {
    let unknown = |n: u8| {
        let mut path = path(n, n, "a", HopAction::Unknown);
        path.hops[0].by = Some(Decider::Unknown { why: format!("Node n{n} was not read, nor Pod shop/web-{n}") });
        path
    };
    assert_eq!(merge(&[unknown(1), unknown(2), unknown(12)]).len(), 1);
}

#[test]
fn what_is_stopped_stands_first_and_long_answers_are_capped() {
    let mut paths = vec![path(1, 1, "open", HopAction::Allow)];
    paths.extend((2..40).map(|n| path(n, n, &format!("p{n}"), HopAction::Deny)));
    let text = printed(paths.clone(), false);
    assert!(
        text.starts_with("mixed: 10.7.0.99 -> shop/service/web (9 pods), TCP:80\n39 paths: 38 stopped, 1 open."),
        "{text}"
    );
    assert!(text.find("p2").unwrap() < text.find("and 23 paths in 23 more groups").unwrap(), "{text}");
    assert!(text.lines().count() < 80, "{text}");
    let wide = printed(paths, true);
    assert!(
        wide.contains("p39") && wide.contains("NetworkPolicy shop/open") && !wide.contains("more groups"),
        "{wide}"
    );
}

#[test]
fn the_first_that_stops_it_is_told_from_the_others() {
    let mut twice = path(1, 1, "a", HopAction::Deny);
    twice.hops.push(Hop {
        checkpoint: Checkpoint::ForwardEgress,
        endpoint: Some("n1-eth0".into()),
        ..twice.hops[0].clone()
    });
    let text = printed(vec![twice], false);
    assert!(text.contains("> deny      ingress of shop/web-1: first stopped here\n"), "{text}");
    assert!(text.contains("> deny      applyOnForward egress of host endpoint n1-eth0: would also be\n"), "{text}");
}

#[test]
fn names_from_outside_cannot_move_the_cursor() {
    let mut path = path(1, 1, "a", HopAction::Deny);
    path.hops[0].endpoint = Some("shop/\u{1b}[2J".into());
    let text = printed(vec![path], false);
    assert!(!text.contains('\u{1b}') && text.contains("\\u{1b}"), "{text}");
}
