//! What the commands that expose a Service share: their flags, and how they run.
//! Never knows which door it is.

use std::cell::RefCell;
use std::net::IpAddr;
use std::time::Duration;

use super::change::{Planned, change};
use super::context::Context;
use super::session::{Scene, Session};
use super::terms::{Accepting, Terms, bound};
use super::waiting::{self, Waited};
use crate::cli::{DryRun, Writing};
use crate::kubernetes::source::Source;
use crate::model::intent::Way;
use crate::model::moment::End;
use crate::model::world::ServiceAddress;
use crate::outcome::{Outcome, Problem};
use crate::plan::expose::advertise::PeerAsked;
use crate::plan::expose::pending::{First, first};
use crate::plan::expose::{Ask, expose};
use crate::plan::perimeter::Shape;
use crate::plan::target::Target;
use crate::plan::{Note, Plan, Weight, needs, ports};

/// Flags of the commands that expose a Service.
#[derive(Debug, clap::Args)]
pub struct Exposing {
    /// The Service, as [NAMESPACE/]NAME
    #[arg(value_name = "SERVICE")]
    service: String,
    /// Who may come: addresses or ranges outside; without it everybody outside
    #[arg(long, value_name = "CIDR")]
    from: Vec<String>,
    /// Only these ports of the Service, as 80, udp/53 or a name
    #[arg(long, value_name = "PORT")]
    port: Vec<String>,
    /// Interface that new host endpoints name, as eth0 or *; without it the nodes' addresses tell it
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// Write the nodes' addresses into the rules, instead of into one GlobalNetworkSet
    #[arg(long)]
    inline_nets: bool,
    /// Close every door of a Service that has no grant, also those that are open now
    #[arg(long)]
    close_others: bool,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    accepting: Accepting,
    #[command(flatten)]
    writing: Writing,
}

/// What only one kind of door has.
#[derive(Debug, Default)]
pub struct Door {
    /// The number on the nodes.
    pub node_port: Option<u16>,
    /// The only nodes that clients come by.
    pub nodes: Option<String>,
    /// The address that the load balancer is asked for.
    pub address: Option<IpAddr>,
    /// Which address is advertised over BGP.
    pub advertise: Option<ServiceAddress>,
    /// The router to peer with.
    pub peer: Option<PeerAsked>,
    /// How long an address of a load balancer is waited for; zero looks once.
    pub timeout: Duration,
}

impl Exposing {
    /// Exposes the Service by a kind of door.
    pub fn run(&self, context: &Context, way: Way, door: Door) -> Result<Outcome, Problem> {
        Session::run(context, async |session| {
            let namespace = session.namespace();
            let target = |text: &String| Target::parse(text, namespace.as_deref());
            let shape =
                Shape { interface: self.interface.clone(), inline: self.inline_nets, close_others: self.close_others };
            let ask = Ask {
                service: target(&self.service)?,
                way,
                from: self.from.iter().map(target).collect::<Result<_, _>>()?,
                ports: ports::parse(&self.port)?,
                node_port: door.node_port,
                address: door.address,
                advertise: door.advertise,
                peer: door.peer,
                nodes: door.nodes.clone(),
                shape,
                reason: self.terms.reason.clone(),
                accepted: self.accepting.accept_risk.clone(),
            };
            let end = self.terms.end(context)?;
            let waits = RefCell::new(None);
            let outcome = change(session, &self.writing, None, async || {
                let (scene, first) = self.scene(session, &ask).await?;
                let waiting = first.as_ref().map(|first| first.service.clone());
                *waits.borrow_mut() = waiting;
                let (plan, id) = match first {
                    Some(first) => (first.plan, first.id),
                    None => expose(&scene.world, &ask)?,
                };
                Ok(planned(bound(context, &scene.world, plan, &id, end)?, &id, &scene))
            })
            .await?;
            let Some(service) = waits.take() else { return Ok(outcome) };
            if self.writing.dry_run != DryRun::None || session.reads_stdin() {
                return Ok(outcome);
            }
            self.go_on(session, &ask, end, &service, door.timeout).await
        })
    }

    /// What is read, and the first of two plans where the Service has no address yet.
    async fn scene(&self, session: &Session<'_>, ask: &Ask) -> Result<(Scene, Option<First>), Problem> {
        let next = |world: &_| needs::exposure_follow_ups(world, &ask.service);
        let scene = session.observe(needs::exposure(&ask.service), next).await?.answered()?;
        let first = first(&scene.world, ask)?;
        Ok((scene, first))
    }

    /// The second plan, once the Service has an address.
    async fn go_on(
        &self,
        session: &Session<'_>,
        ask: &Ask,
        end: Option<End>,
        service: &(String, String),
        timeout: Duration,
    ) -> Result<Outcome, Problem> {
        let (namespace, name) = service;
        let waited = match session.source {
            Source::Cluster(_) => waiting::for_address(session, service, timeout).await?,
            Source::Manifests(_) => {
                let text =
                    format!("Service {namespace}/{name} has no address, and manifests get none from a load balancer");
                Waited::Not(Problem::unknown(text))
            }
        };
        if let Waited::Not(problem) = waited {
            return Err(problem
                .hint(
                    "in place: it is of type LoadBalancer, and closed to all clients outside that nobody let in before",
                )
                .hint(format!("once it has an address, `{}` opens it", session.context.command_line))
                .hint("--address IP asks for a certain one instead of waiting")
                .hint(format!("kubectl describe service -n {namespace} {name} tells why it has none")));
        }
        change(session, &self.writing, None, async || {
            let (scene, _) = self.scene(session, ask).await?;
            let (plan, id) = expose(&scene.world, ask)?;
            Ok(planned(bound(session.context, &scene.world, plan, &id, end)?, &id, &scene))
        })
        .await
    }
}

/// A plan with how to take it back.
fn planned(mut plan: Plan, id: &str, scene: &Scene) -> Planned {
    if !plan.steps.is_empty() {
        let text = format!("the grant is {id}: `kubectl zerotrust revoke {id}` takes it back");
        plan.notes.push(Note { weight: Weight::Fact, text });
    }
    Planned::on(&scene.world, plan)
}
