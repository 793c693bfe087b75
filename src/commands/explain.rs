//! `explain`: what becomes of a connection, hop by hop, and what would open it.
//! Never knows how a verdict is found.

use super::context::Context;
use super::session::{Scene, Session};
use crate::cli::{Format, Output};
use crate::model::flow::{Verdict, together};
use crate::outcome::{Outcome, Problem};
use crate::plan::concerns::concerning;
use crate::plan::facts::of_paths;
use crate::plan::fix::{Opening, Remedy, remedy};
use crate::plan::needs;
use crate::plan::question::{Asked, Ways};
use crate::show::explained::{Style, text};
use crate::show::explanation::{Explanation, Fix, Flow};
use crate::show::yaml::{json, yaml};
use crate::show::{diff, evidence, facts, rule, unread};

const EXAMPLES: &str = "\
Examples:
  # Two pods
  kubectl zerotrust explain --from shop/pod/web --to billing/pod/api:8080

  # A client outside, a Service
  kubectl zerotrust explain --from 10.7.0.99 --to advanced-policy-demo/nginx

  # A port of every node; and only what enters by one of them
  kubectl zerotrust explain --from 10.7.0.99 --to nodes:32127
  kubectl zerotrust explain --from 10.7.0.99 --to 10.128.146.177:32127 --entry node2

  # Every path and every name, and where each fact was read
  kubectl zerotrust explain --from 10.7.0.99 --to 10.128.146.112:80 -o wide -v

  # Addresses, another protocol, for a program
  kubectl zerotrust explain --from 10.20.1.10 --to [fd00::20]:53 --protocol udp -o json

Exit codes: 0 every path passes, 3 some or all are stopped, 4 it cannot be told.";

/// Explain what becomes of a connection, hop by hop
///
/// Follows every path that the connection can take, node by node: the packet wherever it changes, and what each checkpoint
/// says to it, in the order in which the kernel asks them, with the rule, tier or profile that decides. Behind the first
/// one that stops it stand those that would stop it too. Paths that differ in names only are shown as one.
///
/// Then comes the one command that opens it, after it was tried; or what stands in the way, where none opens it safely.
/// Verdicts are about policy, not about routes or listeners.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Explain {
    /// Who connects: a pod, workload, Service, address, CIDR, nodes or world; a node's address is a process on it
    #[arg(long, value_name = "TARGET")]
    from: String,
    /// To what, with a port where it has none of its own; an IPv6 address with a port in brackets
    #[arg(long, value_name = "TARGET[:PORT]")]
    to: String,
    /// tcp, udp, sctp or icmp; that of the port where not set
    #[arg(long)]
    protocol: Option<String>,
    /// The node where a connection from outside enters the cluster; every one that it can where not set
    #[arg(long, value_name = "NODE")]
    entry: Option<String>,
    #[command(flatten)]
    format: Format,
}

impl Explain {
    /// Explains it.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            let namespace = session.namespace();
            let (protocol, entry) = (self.protocol.as_deref(), self.entry.as_deref());
            let asked = Asked::parse(&self.from, &self.to, protocol, entry, namespace.as_deref())?;
            let scene =
                session.look(needs::question(&asked), |world| needs::question_follow_ups(world, &asked)).await?;
            let ways = match asked.ways(&scene.world) {
                Ok(ways) => ways,
                Err(error) => {
                    context.say(&unread::warning(&scene.unread, context.paint_errors));
                    return Err(error.into());
                }
            };
            let (concerning, others) = concerning(&scene.world, &ways, &scene.unread);
            context.say(&unread::warning(&concerning, context.paint_errors));
            context.say(&unread::without_a_say(others));
            context.say(&diff::notes(&ways.notes, context.paint_errors));
            if context.global.verbose > 0 {
                let mut used = evidence::of_paths(&scene.world, &ways.paths);
                let of_the_network = of_paths(&scene.world, &ways.paths).into_iter();
                used.extend(of_the_network.filter(|fact| !used.contains(fact)).collect::<Vec<_>>());
                context.say(&facts::table(&used, context.now));
            }
            let explanation = self.explanation(context, &asked, scene, ways);
            let style = |wide| Style { paint: context.paint, width: context.width, wide };
            context.print(&match self.format.output {
                Output::Json => json(&explanation),
                Output::Yaml => yaml(&explanation),
                Output::Table | Output::Name => text(&explanation, style(false)),
                Output::Wide => text(&explanation, style(true)),
            });
            Ok(match explanation.verdict {
                Verdict::Allow => Outcome::Done,
                Verdict::Deny | Verdict::Mixed => Outcome::No,
                Verdict::Unknown => Outcome::Unknown,
            })
        })
    }

    fn explanation(&self, context: &Context, asked: &Asked, scene: Scene, ways: Ways) -> Explanation {
        let verdict = together(&ways.paths);
        let Remedy { opening, obstacles } = match verdict {
            Verdict::Deny | Verdict::Mixed => remedy(&scene.world, asked, &ways),
            Verdict::Allow | Verdict::Unknown => Remedy::default(),
        };
        let command = |opening: &Opening| context.again(&opening.command.words(), &opening.command.flags());
        let fix =
            opening.iter().map(|opening| Fix { command: command(opening), grant: opening.grant.clone() }).collect();
        let plan = opening.map(|opening| opening.plan).unwrap_or_default();
        let protocol = ways.protocol.map(|protocol| protocol.to_string());
        Explanation {
            verdict,
            flow: Flow { from: asked.from.to_string(), to: asked.to.to_string(), protocol, port: ways.port },
            rules: rule::of_paths(&scene.world, &ways.paths),
            grants: rule::grants_of_paths(&scene.world, &ways.paths),
            paths: ways.paths,
            fix,
            unread: scene.unread,
            no_fix: obstacles,
            writes: plan.steps.iter().map(|step| step.object.to_string()).collect(),
            warnings: plan.notes.into_iter().filter(|note| !ways.notes.contains(note)).collect(),
            shown: (ways.from, ways.to),
        }
    }
}
