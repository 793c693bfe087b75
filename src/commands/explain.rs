//! `explain`: what becomes of a connection, hop by hop, and what would open it.
//! Never knows how a verdict is found.

use super::context::{Context, quoted};
use super::session::{Scene, Session};
use crate::cli::Output;
use crate::model::flow::{Verdict, together};
use crate::outcome::{Outcome, Problem};
use crate::plan::facts::of_paths;
use crate::plan::grant::Ask;
use crate::plan::needs;
use crate::plan::question::{Asked, Ways, granted, split_port};
use crate::show::explanation::{Explanation, Fix, Flow, text};
use crate::show::yaml::{json, yaml};
use crate::show::{diff, evidence, facts};

const EXAMPLES: &str = "\
Examples:
  # Two pods
  kubectl zerotrust explain --from shop/pod/web --to billing/pod/api:8080

  # A client outside, a Service
  kubectl zerotrust explain --from 10.7.0.99 --to advanced-policy-demo/nginx

  # Addresses, another protocol, for a program
  kubectl zerotrust explain --from 10.20.1.10 --to [fd00::20]:53 --protocol udp -o json

Exit codes: 0 every path passes, 3 some or all are stopped, 4 it cannot be told.";

/// Explain what becomes of a connection, hop by hop
///
/// Lists every path that the connection can take and, on each, the checkpoints in the order in which the kernel asks them,
/// with the rule, tier or profile that decides. Where something stops it, the command that opens it is printed. Verdicts are
/// about policy, not about routes or listeners.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Explain {
    /// Who connects: a pod, workload, Service, address, CIDR, nodes or world
    #[arg(long, value_name = "TARGET")]
    from: String,
    /// To what, with a port where it has none of its own; an IPv6 address with a port in brackets
    #[arg(long, value_name = "TARGET[:PORT]")]
    to: String,
    /// tcp, udp, sctp or icmp; that of the port where not set
    #[arg(long)]
    protocol: Option<String>,
    /// The node where the connection enters the cluster
    #[arg(long, value_name = "NODE")]
    entry: Option<String>,
    /// One of table, wide, json, yaml
    #[arg(
        short,
        long,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_default_value = true,
        hide_possible_values = true
    )]
    output: Output,
}

impl Explain {
    /// Explains it.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            let namespace = session.namespace();
            let (protocol, entry) = (self.protocol.as_deref(), self.entry.as_deref());
            let asked = Asked::parse(&self.from, &self.to, protocol, entry, namespace.as_deref())?;
            let (from, to) = (&asked.from, &asked.to);
            let scene = session.observe(needs::ways(from, to), |world| needs::ways_follow_ups(world, from, to)).await?;
            let ways = asked.ways(&scene.world)?;
            context.say(&diff::notes(&ways.notes, context.paint_errors));
            if context.global.verbose > 0 {
                context.say(&evidence::of_paths(&scene.world, &ways.paths));
                context.say(&facts::table(&of_paths(&scene.world, &ways.paths), context.now));
            }
            let explanation = self.explanation(context, &asked, scene, ways);
            context.print(&match self.output {
                Output::Json => json(&explanation),
                Output::Yaml => yaml(&explanation),
                Output::Table | Output::Wide | Output::Name => text(&explanation, context.paint),
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
        let (fix, no_fix) = match verdict {
            Verdict::Deny | Verdict::Mixed => self.fix(context, asked, &scene),
            Verdict::Allow | Verdict::Unknown => (Vec::new(), Vec::new()),
        };
        let protocol = ways.protocol.map(|protocol| protocol.to_string());
        let flow = Flow { from: asked.from.to_string(), to: asked.to.to_string(), protocol, port: ways.port };
        let shown = (ways.from, ways.to);
        Explanation { verdict, flow, paths: ways.paths, fix, unread: scene.unread, no_fix, shown }
    }

    /// The `allow` that would open it, tried on the world as it is; or why none does.
    fn fix(&self, context: &Context, asked: &Asked, scene: &Scene) -> (Vec<Fix>, Vec<String>) {
        let ask = Ask {
            from: asked.from.clone(),
            to: asked.to.clone(),
            ports: asked.ports.clone(),
            reason: None,
            accepted: Vec::new(),
        };
        match granted(&scene.world, &ask) {
            Ok((_, Some(grant))) => (vec![Fix { command: self.command(context, asked), grant }], Vec::new()),
            Ok((_, None)) => (Vec::new(), Vec::new()),
            Err(error) => (Vec::new(), vec![error.to_string()]),
        }
    }

    fn command(&self, context: &Context, asked: &Asked) -> String {
        let (to, _) = split_port(&self.to);
        let mut words = vec!["--from".to_string(), self.from.clone(), "--to".into(), to.into()];
        if let Some(port) = asked.port_flag() {
            words.extend(["--port".to_string(), port]);
        }
        if let Some(namespace) = &context.global.namespace {
            words.extend(["-n".to_string(), namespace.clone()]);
        }
        for file in &context.global.filename {
            words.extend(["-f".to_string(), file.display().to_string()]);
        }
        words.iter().fold("kubectl zerotrust allow".to_string(), |line, word| line + " " + &quoted(word))
    }
}
