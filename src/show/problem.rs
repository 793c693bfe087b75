//! The errors of every room as problems that a person can act on: what, why, and what to do next.
//! Never knows which command was running.

use crate::apply::Stop;
use crate::kubernetes::AccessError;
use crate::kubernetes::cluster::NodeLogError;
use crate::kubernetes::names::{CALICO_GROUP, TIER_RESOURCES};
use crate::logs::LogError;
use crate::outcome::Problem;
use crate::plan::PlanError;
use crate::record::RecordError;
use crate::record::journal::JournalError;

/// What to do where Calico's objects are in etcd: only calicoctl reads and writes there.
const ETCD: [&str; 3] = [
    "save what is there: `kubectl zerotrust snapshot DIR`, then `calicoctl get KIND -A -o yaml > DIR/KIND.yaml` for \
     globalnetworkpolicy, networkpolicy, hostendpoint, globalnetworkset, networkset, ippool, tier, felixconfiguration \
     and bgpconfiguration",
    "make the change from it: the same command with `-f DIR --dry-run=client -o yaml | calicoctl apply -f -`",
    "with Calico's API server (projectcalico.org/v3) in front of etcd, this program works as with any other cluster",
];

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Problem {
        let problem = Problem::failed(error.to_string());
        match &error {
            AccessError::Conflict(_) | AccessError::Exists(_) | AccessError::Missing(_) => {
                problem.hint("run the command again: it starts from what is there now")
            }
            AccessError::NotServed(_) => {
                problem.hint("is this a cluster with Calico? `kubectl api-versions | grep projectcalico` tells")
            }
            AccessError::InEtcd(_) => ETCD.into_iter().fold(problem, Problem::hint),
            AccessError::Forbidden { reason, .. } => {
                let problem = match tier_of(reason) {
                    Some(tier) => with_tier_role(problem, tier),
                    None => problem,
                };
                problem.hint("`kubectl auth can-i --list` shows what you may do; --as and --context choose who you are")
            }
            AccessError::Credentials(_) | AccessError::Unavailable(_) => {
                problem.hint("does `kubectl get nodes` with the same --context work?")
            }
            AccessError::File { .. } | AccessError::Invalid { .. } | AccessError::Unsupported(_) => problem,
        }
    }
}

/// The tier that a refusal is about. From 3.29 on Calico asks for rights on a policy's tier beside those on the policy, and
/// says so in these words (its API server's authorizer, and its webhook for native resources).
fn tier_of(reason: &str) -> Option<&str> {
    let (tier, _) = reason.split_once(" in tier \"")?.1.split_once('"')?;
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (!tier.is_empty() && tier.bytes().all(is_inner)).then_some(tier)
}

/// What is lacking, as a ClusterRole that an administrator can apply and bind as it is.
fn with_tier_role(problem: Problem, tier: &str) -> Problem {
    let resources = TIER_RESOURCES.join(", ");
    problem
        .hint(format!(
            "Calico asks for two more rights where a policy is in a tier: get on the tier {tier}, and the same verb on \
             {resources} of the name {tier}.*"
        ))
        .hint(format!(
            "an administrator grants them with this ClusterRole: {{apiVersion: rbac.authorization.k8s.io/v1, kind: \
             ClusterRole, metadata: {{name: zerotrust-tier-{tier}}}, rules: [{{apiGroups: [{CALICO_GROUP}], resources: \
             [tiers], resourceNames: [{tier}], verbs: [get]}}, {{apiGroups: [{CALICO_GROUP}], resources: [{resources}], \
             resourceNames: [\"{tier}.*\"], verbs: [get, list, create, update, patch, delete]}}]}}"
        ))
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Problem {
        let dmesg = |node: &str| {
            format!(
                "kubectl debug node/{node} -i -q --profile=sysadmin --image=busybox -- dmesg | kubectl zerotrust diagnose"
            )
        };
        match error {
            LogError::Node(NodeLogError::Access(error)) => error.into(),
            LogError::Node(error) => {
                let problem = Problem::failed(error.to_string());
                match &error {
                    NodeLogError::Disabled { node } | NodeLogError::NoFile { node } => problem.hint(dmesg(node)),
                    NodeLogError::Forbidden { node, .. } => {
                        problem.hint("`kubectl auth can-i get nodes/proxy` tells whether you may").hint(dmesg(node))
                    }
                    NodeLogError::NoKubelet { .. } => problem.hint("`kubectl get nodes` lists the nodes"),
                    NodeLogError::Access(_) => problem,
                }
            }
            LogError::NoCluster(_) => Problem::usage(error.to_string()).hint("--log FILE reads a log that was saved"),
            LogError::File { .. } => Problem::failed(error.to_string()),
        }
    }
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Problem {
        let (problem, hints) = match error {
            PlanError::Refused { reason, hints } => (Problem::refused(reason), hints),
            PlanError::Unknown { reason, hints } => (Problem::unknown(reason), hints),
            PlanError::Unresolved { reason, hints } => (Problem::failed(reason), hints),
            PlanError::Usage { reason, hints } => (Problem::usage(reason), hints),
        };
        hints.into_iter().fold(problem, Problem::hint)
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Problem {
        let problem = Problem::failed(error.to_string());
        let problem = match std::error::Error::source(&error) {
            Some(source) => problem.because_of(source),
            None => problem,
        };
        match error {
            JournalError::Access { error, .. } => Problem::from(error).hints.into_iter().fold(problem, Problem::hint),
            JournalError::Missing { .. } => problem.hint("`kubectl zerotrust history` lists the records"),
            JournalError::Unreadable { error: RecordError::Newer(_), .. } => {
                problem.hint("use the release that wrote it, or a later one")
            }
            JournalError::Unreadable { error: RecordError::Broken(_), .. } => {
                problem.hint("somebody altered it; `kubectl zerotrust undo NUMBER` takes another change back")
            }
            JournalError::Hidden { .. } => problem.hint("`kubectl auth can-i list configmaps` tells whether you may"),
            JournalError::Contended => problem.hint("run the command again: it starts from what is there now"),
        }
    }
}

impl From<Stop> for Problem {
    fn from(stop: Stop) -> Problem {
        let message = stop.to_string();
        match stop {
            Stop::Stale { .. } => Problem::failed(message)
                .hint("`kubectl zerotrust status` and `kubectl zerotrust history` show what is there and who changed it"),
            Stop::Contended { .. } => {
                Problem::failed(message).hint("run the command again: it starts from what is there now")
            }
            Stop::Invalid { violations, .. } => violations
                .into_iter()
                .fold(Problem::failed(message), |problem, violation| {
                    problem.because(format!("{}: {}", violation.path, violation.reason))
                })
                .hint("nothing was written; correct the object with `calicoctl` or `kubectl edit` first"),
            Stop::Interrupted { .. } => Problem::failed(message),
            Stop::Access { error, .. } => {
                let inner = Problem::from(error);
                let problem = Problem::failed(message).because(inner.message);
                inner.hints.into_iter().fold(problem, Problem::hint)
            }
            Stop::Record(error) => Problem::from(error).hint(
                "nothing was changed; choose a namespace where you may write ConfigMaps with --record-namespace, or go on \
                 without a record (and without undo) with --no-record",
            ),
        }
    }
}
