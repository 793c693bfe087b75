//! `validate`: what Calico would refuse, in files or of what stands in a cluster.
//! Never knows a rule.

use super::context::Context;
use super::session::Session;
use crate::cli::{Format, Output};
use crate::kubernetes::Reader;
use crate::kubernetes::objects::Objects;
use crate::model::world::Version;
use crate::outcome::{Outcome, Problem};
use crate::plan::needs;
use crate::show;
use crate::show::yaml::{json, yaml};

const EXAMPLES: &str = "\
Examples:
  # Before a pipeline applies them: 0 all is well, 3 something would be refused, 4 a document could not be read
  kubectl zerotrust validate -f policies

  # By the rules of the release that the cluster will be upgraded to
  kubectl zerotrust validate -f policies --calico-version 3.31

  # What stands in the cluster and could not be written again
  kubectl zerotrust validate -o json";

/// Check Calico's objects by Calico's own rules
///
/// Says of every field what calicoctl and the API server would refuse, and what they would take and Felix would misread:
/// with file and line, the field's path and the reason. Policies (staged ones too), network sets, host endpoints, tiers,
/// IP pools, and the configuration of BGP, Felix and Calico's controllers. The rules are those of the release that a
/// ClusterInformation in the files or the cluster tells, else of 3.32.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Validate {
    /// Release of Calico whose rules count, as 3.28 or v3.31.2
    #[arg(long, value_name = "VERSION", value_parser = release)]
    calico_version: Option<Version>,
    #[command(flatten)]
    format: Format,
}

fn release(text: &str) -> Result<Version, String> {
    Version::parse(text).filter(|version| version.major == 3).ok_or_else(|| "write a release as 3.28 or v3.31.2".into())
}

impl Validate {
    /// Checks them.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            let mut objects = Objects { rules: self.calico_version, ..Objects::default() };
            session.source.read(&needs::calico(), &mut objects).await?;
            objects.once();
            context.print(&match self.format.output {
                Output::Table | Output::Wide => show::refused::text(&objects, context.paint),
                Output::Json => json(&show::refused::value(&objects)),
                Output::Yaml => yaml(&show::refused::value(&objects)),
                Output::Name => show::refused::names(&objects),
            });
            Ok(
                match (
                    objects.refused.is_empty(),
                    objects.unread.is_empty() && show::refused::hidden(&objects).is_empty(),
                ) {
                    (false, _) => Outcome::No,
                    (true, false) => Outcome::Unknown,
                    (true, true) => Outcome::Done,
                },
            )
        })
    }
}
