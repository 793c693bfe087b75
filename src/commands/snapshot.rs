//! `snapshot`: saves what the tool reads as manifests.
//! Never knows how a manifest is written.

use std::path::PathBuf;

use super::context::Context;
use super::session::Session;
use crate::kubernetes::manifests::write_snapshot;
use crate::kubernetes::objects::Answer;
use crate::kubernetes::source::Source;
use crate::outcome::{Outcome, Problem};
use crate::plan::needs;

const EXAMPLES: &str = "\
Examples:
  kubectl zerotrust snapshot ./cluster
  kubectl zerotrust explain -f ./cluster --from shop/web --to billing/api:443";

/// Save what decides about the cluster's traffic as manifests
///
/// Writes every object that this program looks at into a new directory, one file for each kind: any question can then be
/// asked with -f, without the cluster. Secrets are never read, and what may be confidential (environment variables,
/// arguments, mounts) is left out, but for what tells Calico, kube-proxy and the control plane how the network works.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Snapshot {
    /// Where: a directory that does not exist yet or is empty
    directory: PathBuf,
}

impl Snapshot {
    /// Saves it. What may not be read is said, for an answer from the snapshot cannot know about it.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            let Source::Cluster(cluster) = &session.source else {
                return Err(Problem::usage("-f does not go with this command: files are manifests already"));
            };
            let found = cluster.raw(&needs::everything()).await?;
            let mut outcome = Outcome::Done;
            for documents in &found {
                if let Answer::Hidden(reason) = &documents.answer {
                    context.say(&format!("Warning: {} could not be read: {reason}\n", documents.query.kind));
                    outcome = Outcome::Unknown;
                }
            }
            let objects = found.into_iter().flat_map(|found| {
                let kind = found.query.kind;
                found.documents.into_iter().map(move |document| (kind, document))
            });
            for file in write_snapshot(&self.directory, objects)? {
                context.print(&format!("{}\n", file.display()));
            }
            Ok(outcome)
        })
    }
}
