//! A grant as it would be given today: the ports of its Service as they are by now.
//! Never guesses which of several ports was meant, and never follows a Service that is gone.

use std::collections::BTreeSet;

use super::super::grant::show_ports;
use super::super::ports::{self, PortAsked, PortName, PortsAsked};
use super::super::remembered;
use super::super::resolve::Resolved;
use crate::model::flow::Protocol;
use crate::model::intent::{Grant, GrantPort, Peer, Through};
use crate::model::world::{Part, Service, World};

/// What became of a grant's Service.
#[derive(Clone, Debug, PartialEq)]
pub enum Today {
    /// Its ports are those that the grant knows.
    Same,
    /// They are others, and it is clear which; and why.
    Other(Box<Grant>, String),
    /// Nobody can tell for sure what should become of the grant; why, and what to do.
    Lost(String, Vec<String>),
}

/// Looks at the Service that a grant was given for, if it was one.
pub fn of(world: &World, id: &str, grant: &Grant) -> Today {
    let Peer::Pods { namespace, named, .. } = &grant.to else { return Today::Same };
    let name = match (&grant.through, named.strip_prefix("service/")) {
        (Some(through), _) => &through.service,
        (None, Some(name)) => name,
        (None, None) => return Today::Same,
    };
    let key = (namespace.clone(), name.to_string());
    let Some(service) = world.services.get(&key) else {
        return match world.sees(Part::Services, Some(namespace)) {
            true => gone(id, &format!("{namespace}/{name}")),
            false => Today::Lost(format!("whether Service {namespace}/{name} is there is not known"), Vec::new()),
        };
    };
    let mut to = remembered::resolved(world, &grant.to);
    to.service = Some(key);
    match &grant.through {
        Some(through) => exposed(world, id, grant, through, service, &to),
        None => allowed(world, id, grant, service, &to),
    }
}

fn gone(id: &str, name: &str) -> Today {
    Today::Lost(
        format!("its Service {name} is gone"),
        vec![format!("kubectl zerotrust revoke {id} takes the grant back, if the Service does not come again")],
    )
}

fn unclear(id: &str, grant: &Grant, service: &Service, what: &str) -> Today {
    let there: Vec<String> = service.ports.iter().map(|port| format!("{}:{}", port.protocol, port.port)).collect();
    let name = format!("{}/{}", service.namespace, service.name);
    let again = match &grant.through {
        None => format!("kubectl zerotrust allow --from {} --to {name} --port PORT", grant.from),
        Some(_) => format!("expose {name} to {} again with --port PORT", grant.from),
    };
    Today::Lost(
        format!("{what}, and which port is meant now cannot be told: it has {}", there.join(", ")),
        vec![format!("{again}, then kubectl zerotrust revoke {id}")],
    )
}

fn other(grant: &Grant, ports: Option<Vec<GrantPort>>, through: Option<Through>, service: &Service) -> Today {
    let now = Grant { ports, through, ..grant.clone() };
    let name = format!("{}/{}", service.namespace, service.name);
    let outer = |grant: &Grant| grant.through.as_ref().map(|through| show_ports(Some(&through.ports)));
    let mut words = Vec::new();
    if let (Some(was), Some(is)) = (outer(grant), outer(&now))
        && was != is
    {
        words.push(format!("Service {name} has {is} instead of {was}"));
    }
    let (was, is) = (show_ports(grant.ports.as_deref()), show_ports(now.ports.as_deref()));
    if was != is {
        words.push(format!("Service {name} leads to the pods' {is} instead of {was}"));
    }
    Today::Other(Box::new(now), words.join(", and "))
}

/// The pods' ports behind one of the Service's.
fn targets(world: &World, to: &Resolved, port: &GrantPort) -> Option<BTreeSet<GrantPort>> {
    let asked = PortAsked { protocol: Protocol::parse(&port.protocol), port: PortName::Numbers(port.first, port.last) };
    let found = ports::resolve(world, to, Some(&PortsAsked::These(vec![asked]))).ok()??;
    Some(found.into_iter().collect())
}

fn own_ports(service: &Service) -> Vec<GrantPort> {
    let port = |port: &crate::model::world::ServicePort| GrantPort {
        protocol: port.protocol.to_string(),
        first: port.port,
        last: port.port,
    };
    service.ports.iter().map(port).collect()
}

/// An exposure names the Service's own ports: one that the Service no longer has is the one that leads to the same port of
/// the pods, or the only one that there is.
fn exposed(world: &World, id: &str, grant: &Grant, through: &Through, service: &Service, to: &Resolved) -> Today {
    let there = own_ports(service);
    let known: BTreeSet<GrantPort> = grant.ports.iter().flatten().cloned().collect();
    let mut now: Vec<GrantPort> = Vec::new();
    for port in &through.ports {
        if there.contains(port) {
            now.push(port.clone());
            continue;
        }
        let free = there.iter().filter(|own| own.protocol == port.protocol && !through.ports.contains(own));
        let same = |own: &&GrantPort| targets(world, to, own).is_some_and(|targets| !targets.is_disjoint(&known));
        let leading: Vec<&GrantPort> = free.filter(same).collect();
        match (leading.as_slice(), there.as_slice(), through.ports.len()) {
            ([only], _, _) => now.push((*only).clone()),
            ([], [only], 1) if only.protocol == port.protocol => now.push(only.clone()),
            _ => return unclear(id, grant, service, &format!("Service {} has no port {port} any more", service.name)),
        }
    }
    now.sort();
    now.dedup();
    let found: Option<Vec<BTreeSet<GrantPort>>> = now.iter().map(|port| targets(world, to, port)).collect();
    // A named port that no pod declares now says nothing new.
    let inner: Vec<GrantPort> = match found {
        Some(found) => found.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect(),
        None => grant.ports.clone().unwrap_or_default(),
    };
    let was: BTreeSet<&GrantPort> = through.ports.iter().collect();
    let same_inner = inner.iter().collect::<BTreeSet<_>>() == known.iter().collect();
    if was == now.iter().collect() && (same_inner || grant.ports.is_none()) {
        return Today::Same;
    }
    let ports = if same_inner { grant.ports.clone() } else { Some(inner) };
    other(grant, ports, Some(Through { ports: now, ..through.clone() }), service)
}

/// A grant for a Service opened the pods' ports that the Service led to: one that it leads to no more is followed where
/// only one can have come in its place.
fn allowed(world: &World, id: &str, grant: &Grant, service: &Service, to: &Resolved) -> Today {
    let Some(known) = &grant.ports else { return Today::Same };
    let known: BTreeSet<GrantPort> = known.iter().cloned().collect();
    let found: Option<Vec<BTreeSet<GrantPort>>> =
        own_ports(service).iter().map(|port| targets(world, to, port)).collect();
    let Some(found) = found else { return Today::Same };
    let now: BTreeSet<GrantPort> = found.into_iter().flatten().collect();
    let lost: Vec<&GrantPort> = known.difference(&now).collect();
    let new: Vec<&GrantPort> = now.difference(&known).collect();
    match (lost.as_slice(), new.as_slice()) {
        ([], _) => Today::Same,
        // As many ports as before: of those that the grant does not name, only one can be it.
        ([gone], [come]) if gone.protocol == come.protocol && known.len() == now.len() => {
            let ports = known.iter().filter(|port| port != gone).chain([*come]).cloned().collect();
            other(grant, Some(ports), None, service)
        }
        _ => {
            let ports = show_ports(Some(&lost.into_iter().cloned().collect::<Vec<_>>()));
            unclear(
                id,
                grant,
                service,
                &format!("Service {} does not lead to the pods' {ports} any more", service.name),
            )
        }
    }
}
