//! `expose-nodeport`, `expose-lb`, `bgp-allow`: clients outside reach a Service through one kind of door, by every node
//! that can serve it, and nobody else does.
//! Never opens what somebody denied, and never lets node addresses in where strangers could carry them.

pub mod advertise;
pub mod again;
mod announced;
mod application;
mod beside;
pub mod pending;
pub(super) mod proof;
pub mod service;
mod sessions;
mod theirs;
mod words;

use std::net::IpAddr;

use ipnet::IpNet;

use advertise::PeerAsked;
pub(in crate::plan) use proof::who;

use super::decide::without_other_grants;
use super::edit::Edit;
use super::grant::show_ports;
use super::opening::Opening;
use super::perimeter::{self, Shape, compose, sources};
use super::ports::{self, PortsAsked};
use super::resolve::{Resolved, resolve};
use super::revoke::grants;
use super::rules::is_inside;
use super::simulate::simulate;
use super::target::Target;
use super::{Note, Plan, PlanError, Risk, Step, Weight, standin};
use crate::kubernetes::names::Kind;
use crate::model::intent::{Grant, GrantPort, Peer, Through, Way};
use crate::model::world::{Hidden, Service, ServiceAddress, ServicePort, World};

/// What an operator asks to be exposed.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What: a Service.
    pub service: Target,
    /// Through which door.
    pub way: Way,
    /// Who may come: addresses; none means everybody outside.
    pub from: Vec<Target>,
    /// Which of the Service's ports; none means all.
    pub ports: Option<PortsAsked>,
    /// The number on the nodes, where it is to be a certain one.
    pub node_port: Option<u16>,
    /// The address that the load balancer is asked for.
    pub address: Option<IpAddr>,
    /// Which of the Service's addresses to advertise over BGP.
    pub advertise: Option<ServiceAddress>,
    /// The router outside to peer with.
    pub peer: Option<PeerAsked>,
    /// The only nodes that clients may come by, as `-l` takes them.
    pub nodes: Option<String>,
    /// How the perimeter is made where there is none yet.
    pub shape: Shape,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// What the operator takes upon themselves.
    pub accepted: Vec<Risk>,
}

/// What was asked, resolved.
pub(super) struct Work<'a> {
    ask: &'a Ask,
    /// The world as it is, with a pod that answers where none does.
    now: World,
    /// The same with the Service's door.
    target: World,
    key: (String, String),
    from: Resolved,
    to: Resolved,
    grant: Grant,
    id: String,
    /// What makes the door: the Service's type, or its address advertised.
    door_steps: Vec<Step>,
}

/// Plans an exposure, and says the grant's id.
pub fn expose(world: &World, ask: &Ask) -> Result<(Plan, String), PlanError> {
    let work = Work::new(world, ask)?;
    let plan = work.plan()?;
    Ok((plan, work.id))
}

impl<'a> Work<'a> {
    fn new(world: &World, ask: &'a Ask) -> Result<Work<'a>, PlanError> {
        let work = Work::build(world, ask)?;
        match work.has_door() {
            true => Ok(work),
            false => Err(no_door(&work.target, &work.key)),
        }
    }

    fn has_door(&self) -> bool {
        !compose::doors_of(&self.target, &self.grant).is_empty()
    }

    /// The same for a Service whose door is not there yet.
    fn build(world: &World, ask: &'a Ask) -> Result<Work<'a>, PlanError> {
        let mut to = resolve(world, &ask.service)?;
        let from = clients(world, &ask.from)?;
        let key = service_key(&to, &ask.service)?;
        refuse_hidden_pods(world, &key.0)?;
        let grant_ports = ports::resolve(world, &to, ask.ports.as_ref())?;
        refuse_host_pods(&to)?;
        let now = standin::answering(&standin::fill(world, &mut [&mut to]), &key, &to);
        let service = &now.services[&key];
        let asked = asked_ports(service, ask.ports.as_ref());
        let wanted = service::Wanted { way: ask.way, ports: &asked, node_port: ask.node_port, address: ask.address };
        let mut door_steps: Vec<Step> = service::step(&now, service, &wanted)?.into_iter().collect();
        let was = was(world, service, door_steps.first());
        let mut advertises = Vec::new();
        if ask.way == Way::Bgp {
            let (step, entries) = advertise::step(&now, service, ask.advertise)?;
            advertises = remembered(world, &key, entries);
            door_steps.extend(step);
            door_steps.extend(advertise::peer(&now, ask.peer));
        }
        let mut target = simulate(&now, &door_steps)?;
        advertise::add_peer(&mut target, ask.peer);
        let through = Through {
            way: ask.way,
            service: key.1.clone(),
            ports: asked.iter().map(|port| port_of(port)).collect(),
            was,
            advertises,
            nodes: ask.nodes.clone(),
            inline: inline(&target, ask),
        };
        let mut grant = Grant {
            from: from.peer.clone(),
            to: to.peer.clone(),
            ports: grant_ports,
            reason: ask.reason.clone(),
            expires: None,
            through: Some(through),
        };
        let id = grant.id();
        keep_memory(world, &mut grant, &id, door_steps.is_empty());
        Ok(Work { ask, now, target, key, from, to, grant, id, door_steps })
    }

    fn service(&self) -> &Service {
        &self.target.services[&self.key]
    }

    fn plan(&self) -> Result<Plan, PlanError> {
        let (namespace, name) = &self.key;
        let ports = show_ports(self.grant.through.as_ref().map(|through| &through.ports[..]));
        let title = format!("expose {namespace}/service/{name} by {} to {} ({ports})", self.ask.way, self.grant.from);
        let mut plan = Plan { title, ..Plan::default() };
        plan.notes.extend(self.from.notes.iter().chain(&self.to.notes).cloned());
        self.raise_perimeter(&mut plan)?;
        let after = simulate(&self.target, &plan.steps)?;
        let theirs = theirs::steps(&after, self)?;
        let mut holder = theirs.first().and_then(|step| super::simulate::policy_of(&step.object));
        plan.steps.extend(theirs);
        let after = simulate(&self.target, &plan.steps)?;
        theirs::refuse_what_would_be_skipped(&after, self)?;
        let (application, opened) = application::step(&after, self, &mut plan.notes)?;
        plan.steps.extend(application);
        holder = opened.or(holder).or_else(|| perimeter::recognise::ours(&after));
        let probes = Vec::new();
        let opening = Opening { world: &self.target, grant: &self.grant, id: &self.id, probes: &probes };
        let is_needless = holder.is_none() && self.door_steps.is_empty() && plan.steps.iter().all(is_set);
        opening.annotate(&mut plan, holder)?;
        plan.steps.extend(self.door_steps.clone());
        if is_needless {
            // Everything passes as it is: no rule would speak of the set, and no policy would hold the grant.
            plan.steps.clear();
            plan.notes.push(fact("nothing has to be written for it, so there is no grant to revoke either".into()));
        }
        proof::prove(self, &plan.steps, &mut plan.notes)?;
        plan.notes.extend(sessions::check(self, &simulate(&self.target, &plan.steps)?)?);
        plan.notes.extend(words::notes(self, &plan)?);
        Ok(plan)
    }

    /// The perimeter for all grants and this one. The eBPF dataplane keeps clients' addresses, so that the pods' own policy
    /// stops strangers; host endpoints are not followed there.
    fn raise_perimeter(&self, plan: &mut Plan) -> Result<(), PlanError> {
        if self.target.network.felix.is_bpf() {
            return Ok(());
        }
        let mut all: Vec<Grant> = grants(&self.now).into_iter().map(|info| info.grant).collect();
        all.retain(|grant| grant.through.is_some() && grant.id() != self.id);
        all.push(self.grant.clone());
        // One that is there stays as it was made: two grants would else write it anew by turns.
        let inline = match perimeter::recognise::ours(&self.now) {
            Some(id) => perimeter::recognise::is_inline(&self.now, &id),
            None => self.grant.through.as_ref().is_some_and(|through| through.inline),
        };
        let shape = Shape { inline, ..self.ask.shape.clone() };
        let raised = perimeter::raise(&self.now, &self.target, &all, &shape)?;
        plan.steps.extend(raised.steps);
        plan.notes.extend(raised.notes);
        Ok(())
    }
}

fn is_set(step: &Step) -> bool {
    step.object == perimeter::nodes_set::object()
}

fn refused<T>(reason: String, hint: impl Into<String>) -> Result<T, PlanError> {
    Err(PlanError::Refused { reason, hints: vec![hint.into()] })
}

/// The Service that a target is.
fn service_key(to: &Resolved, target: &Target) -> Result<(String, String), PlanError> {
    match (&to.service, &to.peer) {
        (Some(key), Peer::Pods { .. }) => Ok(key.clone()),
        (Some(key), _) => refused(
            format!("Service {}/{} has no selector, so no pod's policy can be opened for it", key.0, key.1),
            "give it a selector, or open the machine behind it by its own means",
        ),
        (None, _) => Err(PlanError::Usage {
            reason: format!("{target} is no Service"),
            hints: vec!["kubectl expose makes one; name it as [NAMESPACE/]service/NAME".into()],
        }),
    }
}

/// Who may come: addresses outside, or everybody outside.
fn clients(world: &World, from: &[Target]) -> Result<Resolved, PlanError> {
    let mut nets: Vec<IpNet> = Vec::new();
    for target in from {
        match target {
            Target::Nets(more) => nets.extend(more),
            Target::World => return resolve(world, &Target::World),
            other => {
                return Err(PlanError::Usage {
                    reason: format!("{other} is no address outside the cluster"),
                    hints: vec![
                        "pods reach a Service inside: kubectl zerotrust allow --from A --to SERVICE".into(),
                        "clients outside are addresses, ranges, or `world`".into(),
                    ],
                });
            }
        }
    }
    if nets.is_empty() {
        return resolve(world, &Target::World);
    }
    nets.sort();
    nets.dedup();
    if let Some(net) = nets.iter().find(|net| is_inside(world, net.network()) && is_inside(world, net.broadcast())) {
        return refused(
            format!("{net} is inside the cluster, where no door stands in the way"),
            "kubectl zerotrust allow --from TARGET --to SERVICE opens it for pods and nodes",
        );
    }
    resolve(world, &Target::Nets(nets))
}

/// Which of the other Services lead to the same pods, and by which doors strangers come to them, is told by the pods.
fn refuse_hidden_pods(world: &World, namespace: &str) -> Result<(), PlanError> {
    let Some(gap) = world.gap(Hidden::Addresses, Some(namespace)) else { return Ok(()) };
    Err(PlanError::Unknown {
        reason: format!("the pods of namespace {namespace} are not known ({}: {})", gap.place, gap.reason),
        hints: vec!["without them nobody can tell who would come in: make them readable".into()],
    })
}

/// Pods on their node's network are policed as the node.
fn refuse_host_pods(to: &Resolved) -> Result<(), PlanError> {
    match to.pods.is_empty() && !to.host_pods.is_empty() {
        true => refused(
            format!("{} runs in its nodes' network, where Calico polices it as the nodes", to.described),
            "expose a Service whose pods have addresses of their own",
        ),
        false => Ok(()),
    }
}

fn asked_ports<'s>(service: &'s Service, asked: Option<&PortsAsked>) -> Vec<&'s ServicePort> {
    let fits = |own: &&ServicePort| match asked {
        None | Some(PortsAsked::Any) => true,
        Some(PortsAsked::These(asked)) => asked.iter().any(|asked| {
            asked.protocol.is_none_or(|protocol| protocol == own.protocol)
                && match &asked.port {
                    ports::PortName::Numbers(first, last) => (*first..=*last).contains(&own.port),
                    ports::PortName::Name(name) => own.name.as_ref() == Some(name),
                }
        }),
    };
    service.ports.iter().filter(fits).collect()
}

fn port_of(port: &ServicePort) -> GrantPort {
    GrantPort { protocol: port.protocol.to_string(), first: port.port, last: port.port }
}

/// The type to give back: what the Service's grants remember, else what it is now if this changes it.
fn was(world: &World, service: &Service, step: Option<&Step>) -> Option<String> {
    let changes = step.into_iter().flat_map(|step| &step.edits);
    let changed =
        changes.into_iter().any(|edit| matches!(edit, Edit::ServiceType { kind, .. } if *kind != service.kind));
    let is_of = |own: &Service| own.namespace == service.namespace && own.name == service.name;
    let of_it = grants(world).into_iter().filter(|info| sources::service_of(world, &info.grant).is_some_and(is_of));
    // Where somebody else changed the type since, it is theirs.
    let mut throughs = of_it.filter_map(|info| info.grant.through);
    let remembered = throughs.find_map(|through| through.was.filter(|_| through.way.kind() == Some(&service.kind)));
    remembered.or_else(|| changed.then(|| service.kind.clone()))
}

/// A grant that is there already stays in the form that its rules have; and if its door is there too, it goes on remembering
/// what it did.
fn keep_memory(world: &World, grant: &mut Grant, id: &str, has_door: bool) {
    let known = grants(world).into_iter().find(|info| info.id == id).and_then(|info| info.grant.through);
    if let (Some(through), Some(known)) = (&mut grant.through, known) {
        through.inline = known.inline;
        if has_door {
            through.was = known.was;
        }
    }
}

/// What is advertised for a Service: what this adds, and what another grant of it remembers to have added.
fn remembered(world: &World, key: &(String, String), mut entries: Vec<String>) -> Vec<String> {
    for info in grants(world) {
        let own =
            sources::service_of(world, &info.grant).is_some_and(|own| own.namespace == key.0 && own.name == key.1);
        entries.extend(info.grant.through.filter(|_| own).into_iter().flat_map(|through| through.advertises));
    }
    entries.sort();
    entries.dedup();
    entries
}

/// A load balancer that has given no address yet has no door.
fn no_door(target: &World, (namespace, name): &(String, String)) -> PlanError {
    let service = &target.services[&(namespace.clone(), name.clone())];
    if let Some(ip) = service.proxied_ips.first() {
        return PlanError::Refused {
            reason: format!(
                "{ip} of Service {namespace}/{name} is a load balancer of its own (ipMode Proxy), which connects to the nodes anew"
            ),
            hints: vec!["kubectl zerotrust expose-nodeport SERVICE --from the load balancer's own addresses".into()],
        };
    }
    PlanError::Unknown {
        reason: format!("the load balancer has given Service {namespace}/{name} no address yet"),
        hints: vec![
            "--address IP asks it for a certain one, which is closed to all others before it is there".into(),
            format!("kubectl get service -n {namespace} {name} --watch shows when it has one"),
        ],
    }
}

/// Whether the nodes' addresses stand in the rules: because that was asked, or because a set would be taken for what it is
/// not by somebody's rule.
fn inline(world: &World, ask: &Ask) -> bool {
    ask.shape.inline || perimeter::nodes_set::attracted_by(world).is_some()
}

/// The kinds whose change can cut what passes through a node.
pub fn polices_hosts(step: &Step) -> bool {
    matches!(step.object.kind, Kind::HostEndpoint | Kind::GlobalNetworkPolicy | Kind::GlobalNetworkSet)
}

/// Packets that pods judge, with no other grant's help.
fn blind(world: &World, id: &str) -> World {
    without_other_grants(world, id)
}

/// A fact for the operator.
fn fact(text: String) -> Note {
    Note { weight: Weight::Fact, text }
}

/// A warning for the operator.
fn warning(text: String) -> Note {
    Note { weight: Weight::Warning, text }
}

#[cfg(test)]
mod tests;
