//! What holds in a world: which namespaces are locked and by what, which grants there are, what was noticed.
//! Never plans anything.

use std::collections::BTreeSet;

use serde::Serialize;

use super::expiry;
use super::facts::{Known, facts};
use super::lockdown::locked;
use super::namespaces::{left_out, names};
use super::perimeter::standing::{Standing as Perimeter, standing};
use super::revoke::{GrantInfo, grants, orphans};
use super::roles::lockdowns;
use super::staged::Standing;
use super::staged::findings::findings as observed_findings;
use super::sync::{self, Remedy};
use crate::findings::{Finding, Severity};
use crate::model::moment::Moment;
use crate::model::policy::PolicyId;
use crate::model::world::World;

/// What holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// All together.
    pub state: State,
    /// The policies that lock, whoever wrote them.
    pub lockdowns: Vec<PolicyId>,
    /// What is staged or observed, which closes nothing.
    pub trial: Option<Standing>,
    /// What closes doors and nodes to clients outside.
    pub perimeter: Perimeter,
    /// Every namespace, by name.
    pub namespaces: Vec<Covered>,
    /// Every grant, by id.
    pub grants: Vec<GrantInfo>,
    /// The ids of those that have ended, once the time is known.
    pub overdue: BTreeSet<String>,
    /// What was noticed, the worst first.
    pub findings: Vec<Finding>,
    /// What could not be seen.
    pub gaps: Vec<String>,
    /// Calico's version.
    pub calico: Option<String>,
    /// The facts of the network.
    pub facts: Vec<Known>,
}

/// How much of the applications is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Every application namespace.
    Locked,
    /// Some.
    Partial,
    /// None.
    Open,
}

impl std::fmt::Display for State {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            State::Locked => "locked",
            State::Partial => "partly locked",
            State::Open => "open",
        })
    }
}

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Covered {
    /// Its name.
    pub name: String,
    /// Whether a lockdown covers it.
    pub locked: bool,
    /// Whose it is, where it is the cluster's own and so left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// Pods with addresses of their own.
    pub pods: usize,
}

impl Status {
    /// Whether somebody should look: an application namespace is open, or something is wrong or may surprise.
    pub fn needs_attention(&self) -> bool {
        self.state != State::Locked
            || !self.perimeter.open_nodes.is_empty()
            || self.findings.iter().any(|finding| finding.code.severity != Severity::Info)
    }
}

/// Looks at a world at a certain time: what has ended by then is overdue.
pub fn status_at(world: &World, now: Moment) -> Status {
    let mut status = status(world);
    status.overdue = expiry::overdue(world, now).into_iter().map(|info| info.id).collect();
    status.findings = in_order(status.findings.into_iter().chain(expiry::findings(world, now)));
    status
}

/// The worst first, each once.
fn in_order(findings: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = findings.collect();
    findings.sort_by(|one, other| (one.code.severity, one).cmp(&(other.code.severity, other)));
    findings.dedup();
    findings
}

/// Looks at a world, whatever the time.
pub fn status(world: &World) -> Status {
    let (locked, left_out) = (locked(world), left_out(world));
    let pods = |name: &str| {
        let own = |pod: &&crate::model::world::Pod| pod.namespace == name && !pod.host_network && !pod.finished;
        world.pods.iter().filter(own).count()
    };
    let covered = |name: &str| Covered {
        name: name.to_string(),
        locked: locked.contains(name),
        left_out: left_out.iter().find(|out| out.name == name).map(|out| out.why.clone()),
        pods: pods(name),
    };
    let namespaces: Vec<Covered> = names(world).into_iter().map(covered).collect();
    let applications = || namespaces.iter().filter(|namespace| namespace.left_out.is_none());
    let state = match (applications().all(|namespace| namespace.locked), locked.is_empty()) {
        (_, true) => State::Open,
        (true, false) => State::Locked,
        (false, false) => State::Partial,
    };
    let drift = sync::drift(world);
    let behind = drift.iter().filter_map(sync::finding).chain(sync::taken(world));
    let known = world.findings.iter().cloned().chain(orphans(world)).chain(behind).chain(observed_findings(world));
    let findings = in_order(known);
    let mut gaps: Vec<String> = world.gaps.iter().map(|gap| format!("{}: {}", gap.place, gap.reason)).collect();
    let unknown = drift.iter().filter(|drift| matches!(drift.remedy, Remedy::Unknown(_)));
    gaps.extend(unknown.map(|drift| format!("{}: {}", drift.what, drift.detail)));
    gaps.dedup();
    Status {
        state,
        lockdowns: lockdowns(world),
        trial: Standing::of(world),
        perimeter: standing(world),
        namespaces,
        grants: grants(world),
        overdue: BTreeSet::new(),
        findings,
        gaps,
        calico: world.calico.map(|version| version.to_string()),
        facts: facts(world),
    }
}
