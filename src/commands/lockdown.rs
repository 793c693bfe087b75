//! `lockdown`: denies everything to all applications, but DNS.
//! Never knows which namespaces those are.

use super::change::{Planned, change};
use super::context::Context;
use super::session::Session;
use super::terms::Accepting;
use crate::cli::Writing;
use crate::outcome::{Outcome, Problem};
use crate::plan::lockdown::{Ask, lockdown};
use crate::plan::perimeter::Shape;
use crate::plan::staged::logging::Logging;
use crate::plan::staged::stage::stage;
use crate::plan::staged::{nodes, observe};
use crate::plan::target::Target;
use crate::plan::{Risk, hosts, needs, ports};

const EXAMPLES: &str = "\
Examples:
  # Show what would be locked and what would stop being reachable; write nothing
  kubectl zerotrust lockdown --dry-run=client

  # Lock all application namespaces, after a yes
  kubectl zerotrust lockdown

  # Leave one more namespace open, and log what is dropped
  kubectl zerotrust lockdown --except monitoring --log

  # The nodes too: what enters them from outside is closed, but for the operators' network and a port for everybody
  kubectl zerotrust lockdown --nodes --allow-from 10.9.0.0/24 --allow-port 443

  # The same, and back to how it was unless it is confirmed from here within five minutes
  kubectl zerotrust lockdown --nodes --allow-from 10.9.0.0/24 --confirm-within 5m

  # A trial that closes nothing: what would be dropped is logged, the log is turned into grants, then the rest is closed
  kubectl zerotrust lockdown --observe
  kubectl zerotrust diagnose --all-nodes
  kubectl zerotrust promote

  # The same in Calico's flow logs (3.30 and later), as Whisker shows them
  kubectl zerotrust lockdown --staged

  # On manifests: the files are edited in place
  kubectl zerotrust lockdown -f ./cluster --yes";

/// Deny everything to all application namespaces, in both directions, but DNS
///
/// Finds the namespaces that belong to the cluster and leaves them open, lets DNS through to where the cluster's DNS really
/// is, finds the webhooks and aggregated APIs that the API server calls and keeps them reachable, and shows what will stop
/// being reachable. What grants opened stays open, by rules that it needs from then on. A lockdown that is there already, whoever
/// wrote it, is brought up to date. Given twice, it changes nothing.
///
/// With --nodes everything that enters a node from outside the cluster is closed too: host endpoints, and a preDNAT policy behind
/// all others. Nodes, their tunnels and pods go on reaching every node; failsafe ports of Felix (SSH and the API server among
/// them, unless they were changed), ICMP, doors of Services that are exposed or open now, and hostPorts of applications stay
/// open. What is known to listen on the nodes and will close is listed first. Other networks by which nodes talk to each other,
/// as for storage, are to be named with --allow-from. It is refused where the API server could not be reached afterwards.
///
/// With --observe nothing is closed yet: what the lockdown would drop is logged to the nodes' kernel log and goes on as before, and
/// pods that other policies police by now are left to those. With --staged it is a StagedGlobalNetworkPolicy, which no node
/// enforces: its verdicts are seen as pending in Calico's flow logs alone (Whisker, Goldmane), which the operator and Helm install.
/// `promote`, or a lockdown without these flags, enforces either; `unlock` takes it away. Where there is a FelixConfiguration,
/// --log-prefix and --log-rate change it for as long as it is observed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Lockdown {
    /// Leave these namespaces open besides those that are found
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',', conflicts_with = "only")]
    except: Vec<String>,
    /// Lock only these namespaces
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    only: Vec<String>,
    /// Log what is dropped to the nodes' kernel log
    #[arg(long)]
    log: bool,
    /// Write it as a StagedGlobalNetworkPolicy (Calico 3.30 and later): nothing is closed, flow logs tell what would be
    #[arg(long, conflicts_with_all = ["observe", "nodes", "log"])]
    staged: bool,
    /// Log what would be dropped, and let it pass, until `promote`: nothing is closed, with every version of Calico
    #[arg(long, conflicts_with = "log")]
    observe: bool,
    /// What Felix writes before the packets while it observes (logPrefix), as 'zt %k %n'
    #[arg(long, value_name = "TEXT", requires = "observe")]
    log_prefix: Option<String>,
    /// How many lines a Log rule writes at most while it observes (logActionRateLimit), as 10/second
    #[arg(long, value_name = "N/UNIT", requires = "observe")]
    log_rate: Option<String>,
    /// Close the nodes too, to everything from outside the cluster but what is listed
    #[arg(long)]
    nodes: bool,
    /// Networks that go on reaching everything on the nodes: operators, routers, monitoring
    #[arg(long, value_name = "CIDR", requires = "nodes")]
    allow_from: Vec<String>,
    /// Ports of the nodes that stay open to everybody, as 443 or udp/500
    #[arg(long, value_name = "PORT", requires = "nodes")]
    allow_port: Vec<String>,
    /// Interface that new host endpoints name, as eth0 or *; without it the nodes' addresses tell it
    #[arg(long, value_name = "NAME", requires = "nodes")]
    interface: Option<String>,
    /// Write the nodes' addresses into the rules, instead of into one GlobalNetworkSet
    #[arg(long, requires = "nodes")]
    inline_nets: bool,
    /// Close every door of a Service that has no grant, and hostPorts of applications, also those that are open now
    #[arg(long, requires = "nodes")]
    close_others: bool,
    /// Name of the policy; tells which is meant where there are several lockdowns
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    accepting: Accepting,
    #[command(flatten)]
    writing: Writing,
}

impl Lockdown {
    /// Locks.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            let ask = Ask {
                name: self.name.clone(),
                except: self.except.clone(),
                only: self.only.clone(),
                log: self.log,
                accepted: self.accepting.accept_risk.clone(),
            };
            let logging = Logging { prefix: self.log_prefix.clone(), rate: self.log_rate.clone() };
            let shape =
                Shape { interface: self.interface.clone(), inline: self.inline_nets, close_others: self.close_others };
            let asked = || hosts(session, &self.allow_from, &self.allow_port, shape, &ask.accepted);
            let hosts = if self.nodes { Some(asked()?) } else { None };
            change(session, &self.writing, None, async || {
                let scene = match (hosts.is_some(), self.observe) {
                    (true, _) => session.observe(needs::hosts(), needs::hosts_follow_ups).await?.answered()?,
                    (false, true) => {
                        session.observe(needs::observation(), needs::lockdown_follow_ups).await?.answered()?
                    }
                    (false, false) => {
                        session.observe(needs::lockdown(), needs::lockdown_follow_ups).await?.answered()?
                    }
                };
                let world = &scene.world;
                let plan = match (self.staged, self.observe, &hosts) {
                    (true, _, _) => stage(world, &ask)?,
                    (_, true, None) => observe::observe(world, &ask, &logging)?,
                    (_, true, Some(hosts)) => {
                        let applications = observe::observe(world, &ask, &logging)?;
                        nodes::observe_too(world, applications, hosts, &logging)?
                    }
                    (_, _, None) => lockdown(world, &ask)?,
                    (_, _, Some(hosts)) => hosts::lock_too(world, lockdown(world, &ask)?, hosts)?,
                };
                Ok(Planned::on(world, plan))
            })
            .await
        })
    }
}

/// What is asked of the nodes: by `lockdown --nodes`, and by `promote` where they are observed.
pub(super) fn hosts(
    session: &Session<'_>,
    allow_from: &[String],
    allow_port: &[String],
    shape: Shape,
    accepted: &[Risk],
) -> Result<hosts::Ask, Problem> {
    let networks: Vec<Target> = allow_from.iter().map(|text| Target::parse(text, None)).collect::<Result<_, _>>()?;
    Ok(hosts::Ask {
        from: hosts::networks(&networks)?,
        ports: hosts::ports(ports::parse(allow_port)?.as_ref())?,
        shape,
        operator: session.operator(),
        accepted: accepted.to_vec(),
    })
}
