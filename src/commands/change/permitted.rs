//! Whether a change can be finished: the rights that its writes take, asked for before the first of them and before the yes.
//! Never writes anything.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use super::Work;
use crate::apply::{Prepared, PreparedStep};
use crate::cli::DryRun;
use crate::commands::context::quoted;
use crate::kubernetes::ObjectRef;
use crate::kubernetes::cluster::Cluster;
use crate::kubernetes::names::Kind;
use crate::kubernetes::rights::Need;
use crate::kubernetes::source::Source;
use crate::outcome::Problem;

/// The tier of a policy that names none.
const DEFAULT_TIER: &str = "default";

impl Work<'_> {
    /// Refuses a change of several writes of which some would be forbidden. One write alone is not asked for: the server's own
    /// answer to it leaves nothing half done. The record is a write too.
    pub(super) async fn permitted(&self, prepared: &Prepared) -> Result<(), Problem> {
        let Source::Cluster(cluster) = &self.session.source else { return Ok(()) };
        let recorded = !self.writing.no_record && self.journal.is_none();
        let writes = prepared.steps.len() + usize::from(recorded);
        if self.writing.dry_run != DryRun::None || self.covered(prepared) || writes < 2 {
            return Ok(());
        }
        let steps = try_join_all(prepared.steps.iter().map(|step| of_step(cluster, step))).await?;
        let mut needs: Vec<Need> = steps.into_iter().flatten().collect();
        if recorded {
            needs.extend(of_record(cluster, &self.writing.records.record_namespace).await?);
        }
        let lacking = cluster.lacking(needs).await?;
        match lacking.is_empty() {
            true => Ok(()),
            false => Err(self.forbidden(cluster, &lacking).await),
        }
    }

    /// Whether all of it was approved before, and so asked for.
    fn covered(&self, prepared: &Prepared) -> bool {
        self.approved.as_ref().is_some_and(|approved| approved.covers(prepared))
    }

    async fn forbidden(&self, cluster: &Cluster, lacking: &[Need]) -> Problem {
        let context = self.session.context;
        let who = cluster.whoami().await.ok().flatten();
        let words: BTreeSet<String> = lacking.iter().map(Need::to_string).collect();
        let whom = who.as_ref().map(|who| format!(" to user {who:?}")).unwrap_or_default();
        let mut problem = Problem::failed(format!("the change is forbidden{whom}; what it lacks is the right to"));
        for word in &words {
            problem = problem.because(word);
        }
        // Without the flags of whoever lacks it: the administrator has others.
        let bind = quoted(&format!("user:{}", who.as_deref().unwrap_or("NAME")));
        problem = problem.hint(format!(
            "an administrator grants it: `kubectl zerotrust rbac {} --bind {bind} | kubectl apply -f -`",
            context.subcommand
        ));
        if words.iter().all(|word| word.contains(" configmaps")) {
            problem = problem.hint(
                "--no-record makes the change without a record, so that undo cannot take it back; --record-namespace keeps it \
                 elsewhere",
            );
        }
        problem.hint("nothing was written")
    }
}

/// What one write takes.
async fn of_step(cluster: &Cluster, step: &PreparedStep) -> Result<Vec<Need>, Problem> {
    let verb = match (&step.before, &step.after) {
        (None, _) => "create",
        (Some(_), Some(_)) => "update",
        (Some(_), None) => "delete",
    };
    let object = step.after.as_ref().or(step.before.as_ref());
    let tier = object.and_then(|object| object["spec"]["tier"].as_str()).unwrap_or(DEFAULT_TIER);
    Ok(cluster.needs(verb, &step.object, tier).await?)
}

/// What the record takes: it is made before the first write, finished after the last, and removed where nothing was written.
async fn of_record(cluster: &Cluster, namespace: &str) -> Result<Vec<Need>, Problem> {
    // Its number, and so its name, is not known yet.
    let object = ObjectRef { kind: Kind::ConfigMap, namespace: Some(namespace.to_string()), name: String::new() };
    let mut needs = Vec::new();
    for verb in ["create", "update", "delete"] {
        needs.extend(cluster.needs(verb, &object, DEFAULT_TIER).await?);
    }
    needs.iter_mut().flat_map(|need| &mut need.0).for_each(|right| right.name = None);
    Ok(needs)
}
