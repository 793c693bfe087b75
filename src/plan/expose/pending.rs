//! A Service that has no address of a load balancer yet: it becomes a load balancer's with everything closed, so that its
//! address can be opened once it is there.
//! Never opens anything.

use std::net::IpAddr;

use super::super::opening::Opening;
use super::super::perimeter::recognise;
use super::super::simulate::simulate;
use super::super::{Plan, PlanError};
use super::{Ask, Work, fact, proof, warning};
use crate::model::intent::Way;
use crate::model::world::World;

/// The first of two plans.
#[derive(Clone, Debug, PartialEq)]
pub struct First {
    /// What makes and closes it; empty where that was done before.
    pub plan: Plan,
    /// The grant's id.
    pub id: String,
    /// The Service that waits for an address: namespace and name.
    pub service: (String, String),
}

/// Plans what comes before the address; none where there is one, or where none will come.
pub fn first(world: &World, ask: &Ask) -> Result<Option<First>, PlanError> {
    if ask.way != Way::LoadBalancer || ask.address.is_some() {
        return Ok(None);
    }
    let work = Work::build(world, ask)?;
    if work.has_door() || !work.service().proxied_ips.is_empty() {
        return Ok(None);
    }
    let (namespace, name) = &work.key;
    let title = format!("make {namespace}/service/{name} a load balancer's, closed until its address is known");
    let mut plan = Plan { title, ..Plan::default() };
    work.raise_perimeter(&mut plan)?;
    let after = simulate(&work.target, &plan.steps)?;
    let probes = Vec::new();
    let opening = Opening { world: &work.target, grant: &work.grant, id: &work.id, probes: &probes };
    opening.annotate(&mut plan, recognise::ours(&after))?;
    plan.steps.extend(work.door_steps.clone());
    let end = simulate(&work.now, &plan.steps)?;
    proof::prove_closed(&work, &plan.steps, &with_address(&end, &work.key))?;
    if !plan.steps.is_empty() {
        plan.notes.push(fact(
            "its node ports are closed to clients outside before it gets them, and no pod lets more in than before"
                .into(),
        ));
    }
    plan.notes.push(match closed_before(&end) {
        true => fact("the load balancers' pools are closed too, so its address is closed before it is there".into()),
        false => warning(
            "from which range its address will be is not known, so until the second step the pods' own policy alone keeps \
             others out; --address IP asks for one that is closed before"
                .into(),
        ),
    });
    let from = &work.grant.from;
    plan.notes.push(fact(format!(
        "what follows: once the load balancer has given an address, a second plan opens it to {from}"
    )));
    Ok(Some(First { plan, id: work.id.clone(), service: work.key.clone() }))
}

/// Whether the ranges are known from which the address will be.
fn closed_before(world: &World) -> bool {
    world.network.address_pools.value().is_some_and(|pools| !pools.is_empty())
}

/// The world in which the Service has got an address: of the pools that are known the first one, else one of nobody's.
fn with_address(world: &World, key: &(String, String)) -> World {
    let mut given = world.clone();
    let pools = world.network.address_pools.value().into_iter().flatten();
    let ranges: Vec<(IpAddr, IpAddr)> = pools.flat_map(|pool| pool.ranges.iter().copied()).collect();
    let Some(service) = given.services.get_mut(key) else { return given };
    let like = |ip: &IpAddr| service.cluster_ips.first().is_none_or(|own| own.is_ipv4() == ip.is_ipv4());
    // Documentation addresses (RFC 5737, RFC 3849).
    let nobodys = ["198.51.100.66", "2001:db8:66::66"].iter().filter_map(|ip| ip.parse().ok());
    let address = ranges.into_iter().map(|(first, _)| first).chain(nobodys).find(like);
    service.load_balancer_ips.extend(address);
    given.index();
    given
}
