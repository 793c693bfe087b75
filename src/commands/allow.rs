//! `allow`: opens one flow.
//! Never knows which rules that takes.

use super::change::{Planned, change};
use super::context::Context;
use super::session::Session;
use super::terms::{Accepting, Terms, bound};
use crate::cli::Writing;
use crate::outcome::{Outcome, Problem};
use crate::plan::grant::{Ask, allow};
use crate::plan::question::grant_id;
use crate::plan::target::Target;
use crate::plan::{Note, Weight, needs, ports};

const EXAMPLES: &str = "\
Examples:
  # A client outside may reach what the Service nginx stands for, on its ports
  kubectl zerotrust allow --from 10.7.0.99 --to nginx

  # Pods to pods, on one port, and why
  kubectl zerotrust allow --from shop/web --to billing/deployment/api --port 8080 --reason 'ticket 4711'

  # Pods to a range outside the cluster
  kubectl zerotrust allow --from shop/web --to 192.0.2.0/24 --port tcp/443

  # For two hours; sync takes it back then, sync --watch at that very time
  kubectl zerotrust allow --from 10.7.0.99 --to nginx --expires 2h --reason 'ticket 4711'

  # Only show what would change, as YAML
  kubectl zerotrust allow --from 10.7.0.99 --to nginx --dry-run=client -o yaml

A target is [NAMESPACE/]KIND/NAME, [NAMESPACE/]NAME, an address, a CIDR, `nodes` or `world`.";

/// Open a flow wherever policy stops it
///
/// Finds what stops the flow at the sending and at the receiving end and adds the smallest rules there, in a policy of its
/// own or in the lockdown's, before the first Deny. What somebody else denied stays denied. Given twice, it changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Allow {
    /// Who may connect
    #[arg(long, value_name = "TARGET")]
    from: String,
    /// To what
    #[arg(long, value_name = "TARGET")]
    to: String,
    /// Ports of the target, as 80, udp/53, 8000-8010, a name, or any; without it those that the target has itself
    #[arg(long, value_name = "PORT")]
    port: Vec<String>,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    accepting: Accepting,
    #[command(flatten)]
    writing: Writing,
}

impl Allow {
    /// Opens it.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            let namespace = session.namespace();
            let ask = Ask {
                from: Target::parse(&self.from, namespace.as_deref())?,
                to: Target::parse(&self.to, namespace.as_deref())?,
                ports: ports::parse(&self.port)?,
                reason: self.terms.reason.clone(),
                accepted: self.accepting.accept_risk.clone(),
            };
            let (from, to, end) = (&ask.from, &ask.to, self.terms.end(context)?);
            change(session, &self.writing, None, async || {
                let scene = session
                    .observe(needs::flow(from, to), |world| needs::flow_follow_ups(world, from, to))
                    .await?
                    .answered()?;
                let (plan, id) = (allow(&scene.world, &ask)?, grant_id(&scene.world, &ask)?);
                let mut plan = bound(context, &scene.world, plan, &id, end)?;
                if !plan.steps.is_empty() {
                    let text = format!("the grant is {id}: `kubectl zerotrust revoke {id}` takes it back");
                    plan.notes.push(Note { weight: Weight::Fact, text });
                }
                Ok(Planned::on(&scene.world, plan))
            })
            .await
        })
    }
}
