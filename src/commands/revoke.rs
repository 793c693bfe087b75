//! `revoke`: takes a grant back.
//! Never knows which rules belong to it.

use super::change::{Planned, change};
use super::context::Context;
use super::session::Session;
use crate::cli::Writing;
use crate::kubernetes::objects::Query;
use crate::model::world::World;
use crate::outcome::{Outcome, Problem};
use crate::plan::revoke::{Which, revoke};
use crate::plan::target::Target;
use crate::plan::{needs, ports};

const EXAMPLES: &str = "\
Examples:
  # By the id that allow and status print
  kubectl zerotrust revoke 4k2m9x0qpa

  # By what was asked for
  kubectl zerotrust revoke --from 10.7.0.99 --to nginx";

/// Take a grant back
///
/// Removes exactly the rules that the grant added, wherever they are, and nothing that a person wrote. Connections that are
/// established go on until they end.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Revoke {
    /// The grant's id, or enough of its beginning
    #[arg(required_unless_present = "from", conflicts_with_all = ["from", "to", "port"])]
    grant: Option<String>,
    /// Who may connect, as it was given to allow
    #[arg(long, value_name = "TARGET", requires = "to")]
    from: Option<String>,
    /// To what, as it was given to allow
    #[arg(long, value_name = "TARGET", requires = "from")]
    to: Option<String>,
    /// Only the grant with exactly these ports
    #[arg(long, value_name = "PORT", requires = "from")]
    port: Vec<String>,
    #[command(flatten)]
    writing: Writing,
}

impl Revoke {
    /// Takes it back.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            let which = self.which(session.namespace().as_deref())?;
            change(session, &self.writing, None, async || {
                let scene = session.observe(first(&which), |world| next(world, &which)).await?.answered()?;
                Ok(Planned::on(&scene.world, revoke(&scene.world, &which)?))
            })
            .await
        })
    }

    fn which(&self, namespace: Option<&str>) -> Result<Which, Problem> {
        Ok(match (&self.grant, &self.from, &self.to) {
            (None, Some(from), Some(to)) => Which::Flow {
                from: Target::parse(from, namespace)?,
                to: Target::parse(to, namespace)?,
                ports: ports::parse(&self.port)?,
            },
            (grant, ..) => Which::Id(grant.clone().unwrap_or_default()),
        })
    }
}

/// Every grant, and what the ends are called now where they tell which one is meant.
fn first(which: &Which) -> Vec<Query> {
    let mut queries = needs::grants();
    if let Which::Flow { from, to, .. } = which {
        queries.extend([from, to].into_iter().flat_map(needs::of_target));
    }
    queries
}

/// What else closes the pods of the policies that the grants would leave.
fn next(world: &World, which: &Which) -> Vec<Query> {
    let steps = revoke(world, which).map(|plan| plan.steps).unwrap_or_default();
    let namespaces = steps.into_iter().filter_map(|step| step.object.namespace).collect();
    needs::revoke_follow_ups(world, &namespaces)
}
