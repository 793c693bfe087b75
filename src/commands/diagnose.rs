//! `diagnose`: kernel log lines, explained: who, where, why, and the command that opens it.
//! Never knows what a line looks like.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::session::{Scene, Session};
use crate::cli::{Format, Output};
use crate::diagnose::group::{Group, groups, outcome};
use crate::diagnose::prefix::Prefixes;
use crate::diagnose::remedy::Opening;
use crate::diagnose::tally::Tally;
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::Query;
use crate::kubernetes::source::Source;
use crate::logs::{Follower, Log, or_input, read_all};
use crate::outcome::{Outcome, Problem};
use crate::plan::fix::subcommand;
use crate::plan::needs;
use crate::show::diagnosis::{block, remarks, table, view, wide};
use crate::show::yaml::{json, yaml};

const EXAMPLES: &str = "\
Examples:
  # On a node, or with a log that was saved there
  dmesg | kubectl zerotrust diagnose
  kubectl zerotrust diagnose --log /var/log/messages

  # A node's kernel log through the API server, as it grows
  kubectl zerotrust diagnose --node worker-1 -w

  # Offline: a saved cluster and a saved log, for a program
  kubectl zerotrust diagnose -f ./cluster --log messages.txt -o json

Exit codes: 0 nothing is stopped today, 3 some packets are, 4 it cannot be told.";

const NO_NODES: &str = "the files tell of a cluster that cannot be asked for its logs";

/// Explain kernel log lines, and print the commands that open them
///
/// Reads lines that Log rules (and the kernel's own drops) leave in a kernel log: from dmesg, syslog, the journal or a node.
/// Says who both ends are, at which checkpoint of which node each packet was logged and by which policy, and why it does not
/// arrive. Repeats are counted. For each group it prints the one command that opens it, never wider than the line, or why there
/// is none; every command was tried on the cluster's policies first. What the policies are today decides, not what they were.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Diagnose {
    /// A kernel log; - is standard input, which is also read where neither --log nor --node is given
    #[arg(long, value_name = "FILE|-")]
    log: Vec<PathBuf>,
    /// A node whose kernel log is read through the API server (it takes `get` on nodes/proxy)
    #[arg(long, value_name = "NODE")]
    node: Vec<String>,
    /// Read the kernel logs of all nodes
    #[arg(long, conflicts_with = "node")]
    all_nodes: bool,
    /// What Felix writes before a packet, where it is not in the FelixConfiguration (FELIX_LOGPREFIX)
    #[arg(long, value_name = "LOGPREFIX")]
    prefix: Vec<String>,
    /// Go on reading, and print new groups as they come
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    format: Format,
}

impl Diagnose {
    /// Explains them.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        self.check(context)?;
        Session::run(context, async |session| {
            let logs = self.logs(session).await?;
            let cluster = match &session.source {
                Source::Cluster(cluster) => Some(&**cluster),
                Source::Manifests(_) => None,
            };
            let mut tally = Tally::default();
            if self.watch {
                let mut follower = Follower::start(&logs, cluster);
                let (mut seen, mut worst) = (BTreeSet::new(), Outcome::Done);
                while let Some(lines) = follower.next().await? {
                    let before = tally.entries().len();
                    lines.iter().for_each(|(line, machine)| tally.read(line, machine.as_deref()));
                    if tally.entries().len() > before {
                        let (_, mut found) = self.explain(session, &tally).await?;
                        worst = outcome(&found);
                        found.retain(|group| seen.insert(group.identity()));
                        found.iter().for_each(|group| self.print_one(context, group));
                    }
                }
                return Ok(worst);
            }
            for log in &logs {
                read_all(log, cluster, |line, machine| tally.read(line, machine)).await?;
            }
            let (scene, found) = self.explain(session, &tally).await?;
            let prefixes = Prefixes::new(&scene.world.network.log_prefixes(), &self.prefix);
            context.say(&remarks(&tally, &prefixes, &scene.world, context.paint_errors));
            self.print(context, &found);
            Ok(outcome(&found))
        })
    }

    /// What the command line alone tells to be wrong.
    fn check(&self, context: &Context) -> Result<(), Problem> {
        let manifests = context.global.filename.iter().any(|file| file == Path::new("-"));
        let named = self.log.iter().any(|file| file == Path::new("-"));
        let reads_input = named || (self.log.is_empty() && self.node.is_empty() && !self.all_nodes);
        if reads_input && manifests {
            return Err(
                Problem::usage("-f - and the log cannot both be standard input").hint("--log FILE names the log")
            );
        }
        if !named && reads_input && std::io::stdin().is_terminal() {
            return Err(Problem::usage("no log is named, and standard input is a terminal")
                .hint("dmesg | kubectl zerotrust diagnose")
                .hint("--log FILE reads a file, --node NODE a node's kernel log through the API server"));
        }
        Ok(())
    }

    async fn logs(&self, session: &Session<'_>) -> Result<Vec<Log>, Problem> {
        let mut nodes = self.node.clone();
        if self.all_nodes || !nodes.is_empty() {
            session.needs_a_cluster(NO_NODES)?;
        }
        if self.all_nodes {
            let scene = session.observe(vec![Query::all(Kind::Node)], |_| Vec::new()).await?;
            nodes = scene.world.nodes.into_keys().collect();
        }
        Ok(or_input(&self.log, &nodes))
    }

    async fn explain(&self, session: &Session<'_>, tally: &Tally) -> Result<(Scene, Vec<Group>), Problem> {
        let (addresses, ports) = (tally.addresses(), tally.open_ports());
        let next = |world: &_| needs::logged_follow_ups(world, &addresses, &ports);
        let scene = session.observe(needs::logged(), next).await?;
        let prefixes = Prefixes::new(&scene.world.network.log_prefixes(), &self.prefix);
        let found = groups(&scene.world, tally.entries(), &prefixes);
        Ok((scene, found))
    }

    fn print(&self, context: &Context, found: &[Group]) {
        let command = |group: &Group| command(context, group);
        let views = || found.iter().map(|group| view(group, &command)).collect::<Vec<_>>();
        context.print(&match self.format.output {
            Output::Json => json(&views()),
            Output::Yaml => yaml(&views()),
            Output::Wide => wide(found, &command),
            Output::Table | Output::Name => table(found, &command, context.width, context.paint),
        });
    }

    fn print_one(&self, context: &Context, group: &Group) {
        let command = |group: &Group| command(context, group);
        context.print(&match self.format.output {
            Output::Json => json(&view(group, &command)),
            Output::Yaml => format!("---\n{}", yaml(&view(group, &command))),
            Output::Table | Output::Wide | Output::Name => block(group, &command, context.paint),
        });
    }
}

/// The command as a shell takes it, for the same cluster or files.
fn command(context: &Context, group: &Group) -> Option<String> {
    let Opening { from, to, port, way } = group.opening.clone()?;
    Some(match way {
        None => context.again("allow", &[("--from", from), ("--to", to), ("--port", port)]),
        Some(way) => context.again(&format!("{} {to}", subcommand(way)), &[("--from", from), ("--port", port)]),
    })
}
