//! One endpoint, one direction, one packet: tiers, policies and rules in Felix's order, then profiles.
//! Never knows the packet's way to the endpoint.

use std::collections::HashMap;

use super::owners::Match;
use super::rules::View;
use crate::model::flow::{Decider, HopAction, Packet, Protocol};
use crate::model::policy::{Direction, Hook, Policy, PolicyId, Rule, RuleAction};
use crate::model::world::{Gap, Hidden, Labels, Part, Pod, Tier, World};

/// What policy says.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Allow, Deny or Unknown; None where policy has no say.
    pub action: HopAction,
    /// Who decided.
    pub by: Decider,
}

impl Judgement {
    /// It cannot be told.
    pub fn unknown(why: impl Into<String>) -> Judgement {
        Judgement { action: HopAction::Unknown, by: Decider::Unknown { why: why.into() } }
    }

    /// Policy has no say.
    pub fn none(why: impl Into<String>) -> Judgement {
        Judgement { action: HopAction::None, by: Decider::Unknown { why: why.into() } }
    }
}

/// The policies that an endpoint has in one direction, tier by tier: found once, asked for many packets.
pub struct Selected<'w> {
    pub(super) tiers: Vec<SelectedTier<'w>>,
}

/// Those of one tier; with each why it is not sure that it has a say.
pub(super) struct SelectedTier<'w> {
    name: &'w str,
    pub(super) pass: bool,
    pub(super) policies: Vec<(&'w Policy, Option<String>)>,
}

/// What is policed: whose labels, and which of them could not be seen.
#[derive(Clone, Copy)]
pub struct Labelled<'w> {
    /// Labels as Calico sees them.
    pub labels: &'w Labels,
    /// Prefixes of labels that could not be seen.
    pub unseen: &'w [String],
    /// Its namespace; none for host endpoints.
    pub namespace: Option<&'w str>,
}

impl<'w> From<&'w Pod> for Labelled<'w> {
    fn from(pod: &'w Pod) -> Labelled<'w> {
        Labelled { labels: &pod.labels, unseen: &pod.unseen_labels, namespace: Some(&pod.namespace) }
    }
}

/// Asks every policy of a pod, tier by tier, as Felix does.
pub fn judge_pod(world: &World, pod: &Pod, direction: Direction, packet: &Packet) -> Judgement {
    PodJudge::of(world, pod, direction).judge(packet)
}

/// A pod's policies in one direction: found once, asked about many packets.
pub struct PodJudge<'w> {
    world: &'w World,
    direction: Direction,
    namespace: &'w str,
    selected: Result<Selected<'w>, Judgement>,
}

impl<'w> PodJudge<'w> {
    /// Finds them.
    pub fn of(world: &'w World, pod: &'w Pod, direction: Direction) -> PodJudge<'w> {
        let selected = if pod.host_network {
            Err(Judgement::none("it shares its node's network, and is policed as the node is"))
        } else if let Some(why) = unseen_policies(world, Some(&pod.namespace)) {
            Err(Judgement::unknown(why))
        } else {
            Ok(Selected::find(world, pod.into(), direction, |policy| policy.hook == Hook::Normal))
        };
        PodJudge { world, direction, namespace: &pod.namespace, selected }
    }

    /// Asks them.
    pub fn judge(&self, packet: &Packet) -> Judgement {
        let selected = match &self.selected {
            Ok(selected) => selected,
            Err(judgement) => return judgement.clone(),
        };
        if self.direction == Direction::Egress && is_tunnelled(packet) {
            return Judgement::unknown(
                "Felix drops VXLAN and IPIP packets that pods send, unless it is told otherwise, which cannot be seen",
            );
        }
        let name = format!("kns.{}", self.namespace);
        let end = Judgement { action: HopAction::Allow, by: Decider::Profile { name } };
        selected.judge(self.world, self.direction, packet, AtEnd::Then(end))
    }
}

/// felix/rules/endpoints.go: what leaves a pod as VXLAN or IPIP never reaches its policies.
fn is_tunnelled(packet: &Packet) -> bool {
    packet.protocol == Protocol(4) || (packet.protocol == Protocol::UDP && packet.port == Some(4789))
}

/// Why policies that were not read may decide for an endpoint, if so.
pub fn unseen_policies(world: &World, namespace: Option<&str>) -> Option<String> {
    // A policy of another namespace has no say; one of any namespace has none over hosts.
    let concerns = |gap: &&Gap| {
        gap.hides == Hidden::Policies && (gap.namespace.is_none() || gap.namespace.as_deref() == namespace)
    };
    if let Some(Gap { place, reason, .. }) = world.gaps.iter().find(concerns) {
        return Some(format!("{place}: {reason}"));
    }
    let mut parts = vec![(Part::GlobalPolicies, "GlobalNetworkPolicies were not read".to_string())];
    if let Some(namespace) = namespace {
        parts.push((Part::Policies, format!("NetworkPolicies of namespace {namespace} were not all read")));
        parts.push((
            Part::KubernetesPolicies,
            format!("Kubernetes' NetworkPolicies of namespace {namespace} were not all read"),
        ));
    }
    parts.into_iter().find(|(part, _)| !world.sees(*part, namespace)).map(|(_, why)| why)
}

/// What follows the last tier.
pub enum AtEnd {
    /// A profile, or the lack of one.
    Then(Judgement),
    /// The packet goes on: these chains have no end-of-tier drop and no profiles (doNotTrack, preDNAT).
    GoesOn,
    /// Forwarded traffic passes where no policy is asked; behind a tier that passed it, it goes on without being accepted.
    Forwarded,
}

impl<'w> Selected<'w> {
    /// Finds them. `wanted` says which policies count for the chain.
    pub fn find(
        world: &'w World,
        endpoint: Labelled<'w>,
        direction: Direction,
        wanted: impl Fn(&Policy) -> bool,
    ) -> Selected<'w> {
        let mut by_tier: HashMap<&str, Vec<(&Policy, Option<String>)>> = HashMap::new();
        for policy in &world.policies {
            let elsewhere = policy.id.namespace.as_deref().is_some_and(|only| Some(only) != endpoint.namespace);
            if elsewhere || !wanted(policy) || policy.rules(direction).is_none() {
                continue;
            }
            let unseen = |key: &str| endpoint.unseen.iter().any(|prefix| key.starts_with(prefix.as_str()));
            let selected = match endpoint.unseen {
                [] => Some(policy.selector.matches(endpoint.labels)),
                _ => policy.selector.matches_partly(endpoint.labels, &unseen),
            };
            let doubt = match selected {
                Some(false) => continue,
                Some(true) => policy.doubt.clone(),
                None => Some(format!("{} asks for labels that could not be read", policy.id)),
            };
            by_tier.entry(&policy.tier).or_default().push((policy, doubt));
        }
        let mut tiers = Vec::new();
        for Tier { name, pass, exists, .. } in &world.tiers {
            let Some(mut policies) = by_tier.remove(name.as_str()) else { continue };
            if !exists && !world.sees(Part::Tiers, None) {
                let why = format!("tier {name} was not read");
                policies.iter_mut().for_each(|(_, doubt)| *doubt = Some(why.clone()));
            }
            tiers.push(SelectedTier { name, pass: *pass, policies });
        }
        // Tiers of which nobody knows come last, by name, and drop what matches nothing.
        let mut unknown: Vec<_> = by_tier.into_iter().collect();
        unknown.sort_by_key(|(name, _)| *name);
        tiers.extend(unknown.into_iter().map(|(name, policies)| SelectedTier { name, pass: false, policies }));
        Selected { tiers }
    }

    /// Whether no policy is asked.
    pub fn is_empty(&self) -> bool {
        self.tiers.is_empty()
    }

    /// Asks them.
    pub fn judge(&self, world: &World, direction: Direction, packet: &Packet, at_end: AtEnd) -> Judgement {
        self.judge_view(&View::of(world, packet), direction, at_end)
    }

    /// Asks them of a packet that is not tracked yet: an answer goes to the port that its question came from.
    pub fn judge_untracked(&self, world: &World, direction: Direction, packet: &Packet, answer: bool) -> Judgement {
        let view = if answer { View::of_answer(world, packet) } else { View::of(world, packet) };
        self.judge_view(&view, direction, AtEnd::GoesOn)
    }

    fn judge_view(&self, view: &View<'_>, direction: Direction, at_end: AtEnd) -> Judgement {
        let mut outcomes = Outcomes::default();
        for tier in &self.tiers {
            let drops = !tier.pass && !matches!(at_end, AtEnd::GoesOn);
            if !tier.ask(view, direction, drops, &mut outcomes) {
                return outcomes.judgement();
            }
        }
        let end = match at_end {
            AtEnd::Then(end) => end,
            AtEnd::GoesOn => Judgement::none("no policy matches"),
            AtEnd::Forwarded if self.is_empty() => Judgement {
                action: HopAction::Allow,
                by: Decider::Unknown { why: "no policy applies to forwarded traffic".into() },
            },
            AtEnd::Forwarded => Judgement::none("every tier passed it"),
        };
        outcomes.add(end, None);
        outcomes.judgement()
    }
}

impl SelectedTier<'_> {
    /// Asks the tier's policies; whether the packet may get past them to what follows.
    fn ask(&self, view: &View<'_>, direction: Direction, drops: bool, outcomes: &mut Outcomes) -> bool {
        let mut goes_on = false;
        for (policy, doubt) in &self.policies {
            for rule in policy.rules(direction).unwrap_or_default() {
                if rule.action == RuleAction::Log {
                    continue;
                }
                let why = match (view.matches(rule), doubt) {
                    (Match::No, _) => continue,
                    (Match::Yes, None) => None,
                    (Match::Yes, Some(doubt)) => Some(doubt.clone()),
                    (Match::Maybe(why), _) => Some(why),
                };
                let sure = why.is_none();
                match rule.action {
                    RuleAction::Pass => {
                        goes_on = true;
                        outcomes.unsure(why);
                    }
                    action => outcomes.add(self.decided(policy, direction, rule, action), why),
                }
                if sure {
                    return goes_on;
                }
            }
        }
        let sure = self.policies.iter().any(|(_, doubt)| doubt.is_none());
        let doubt = self.policies.iter().find_map(|(_, doubt)| doubt.clone()).filter(|_| !sure);
        if drops {
            let policies: Vec<PolicyId> = self.policies.iter().map(|(policy, _)| policy.id.clone()).collect();
            let by = Decider::TierDefault { tier: self.name.to_string(), policies };
            outcomes.add(Judgement { action: HopAction::Deny, by }, doubt);
        }
        goes_on || !drops || !sure
    }

    fn decided(&self, policy: &Policy, direction: Direction, rule: &Rule, action: RuleAction) -> Judgement {
        let action = if action == RuleAction::Allow { HopAction::Allow } else { HopAction::Deny };
        let by = Decider::Rule { policy: policy.id.clone(), tier: self.name.to_string(), direction, index: rule.place };
        Judgement { action, by }
    }
}

/// Everything that may become of the packet. If all of it is the same, it does not matter that a match is not known.
#[derive(Default)]
struct Outcomes {
    found: Vec<Judgement>,
    why: Option<String>,
}

impl Outcomes {
    /// Adds one; `why` says why it is not the only one.
    fn add(&mut self, judgement: Judgement, why: Option<String>) {
        let sure = why.is_none();
        self.unsure(why);
        match self.found.iter_mut().find(|found| found.action == judgement.action) {
            // The sure one comes last, and tells more.
            Some(found) if sure => *found = judgement,
            Some(_) => {}
            None => self.found.push(judgement),
        }
    }

    fn unsure(&mut self, why: Option<String>) {
        if self.why.is_none() {
            self.why = why;
        }
    }

    fn judgement(mut self) -> Judgement {
        match (self.found.len(), self.found.pop()) {
            (1, Some(only)) => only,
            _ => Judgement::unknown(self.why.unwrap_or_else(|| "no policy decides".into())),
        }
    }
}
