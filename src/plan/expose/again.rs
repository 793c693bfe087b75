//! An exposure that was made before, in the world of today: what it lacks besides its own rules, and whether its clients pass.
//! Never makes a door: a Service's type is its owner's.

use super::super::perimeter::Shape;
use super::super::remembered;
use super::super::simulate::simulate;
use super::super::target::{Target, TargetKind};
use super::super::{Note, PlanError, Risk, Step, standin};
use super::{Ask, Work, application, proof, theirs};
use crate::model::intent::{Grant, Peer};
use crate::model::world::World;

/// What the grant would be asked for with today.
pub fn ask(grant: &Grant, accepted: &[Risk]) -> Option<Ask> {
    let (Some(through), Peer::Pods { namespace, .. }) = (&grant.through, &grant.to) else { return None };
    let service = Target::Named {
        namespace: Some(namespace.clone()),
        kind: Some(TargetKind::Service),
        name: through.service.clone(),
    };
    let from = match &grant.from {
        Peer::Nets(nets) => vec![Target::Nets(nets.clone())],
        _ => vec![Target::World],
    };
    Some(Ask {
        service,
        way: through.way,
        from,
        ports: None,
        node_port: None,
        address: None,
        advertise: None,
        peer: None,
        nodes: through.nodes.clone(),
        shape: Shape { inline: through.inline, ..Shape::default() },
        reason: None,
        accepted: accepted.to_vec(),
    })
}

/// The rules that its clients' ways need by now and do not have: in perimeters that people wrote, and at the pods.
pub fn lacking(world: &World, grant: &Grant, accepted: &[Risk]) -> Result<(Vec<Step>, Vec<Note>), PlanError> {
    let Some(ask) = ask(grant, accepted) else { return Ok((Vec::new(), Vec::new())) };
    let work = work(world, grant, &ask);
    // Pods that are open to nodes before their door is there would be open to everybody once it is.
    if !work.has_door() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut steps = theirs::steps(&work.target, &work)?;
    let after = simulate(&work.target, &steps)?;
    theirs::refuse_what_would_be_skipped(&after, &work)?;
    let mut notes = Vec::new();
    let (application, _) = application::step(&after, &work, &mut notes)?;
    // That the pods let the clients in by somebody else's rule was said when the grant was made.
    notes.retain(|note| note.weight == super::super::Weight::Warning);
    steps.extend(application);
    Ok((steps, notes))
}

/// Whether its clients pass by every door of theirs.
pub fn holds(world: &World, grant: &Grant, accepted: &[Risk]) -> Result<(), PlanError> {
    let Some(ask) = ask(grant, accepted) else { return Ok(()) };
    let work = work(world, grant, &ask);
    proof::clients_pass(&work.target, &work)
}

fn work<'a>(world: &World, grant: &Grant, ask: &'a Ask) -> Work<'a> {
    let through = grant.through.as_ref().map(|through| through.service.clone()).unwrap_or_default();
    let namespace = match &grant.to {
        Peer::Pods { namespace, .. } => namespace.clone(),
        _ => String::new(),
    };
    let key = (namespace, through);
    let (from, mut to) = (remembered::resolved(world, &grant.from), remembered::resolved(world, &grant.to));
    to.service = Some(key.clone());
    let now = standin::answering(&standin::fill(world, &mut [&mut to]), &key, &to);
    let target = now.clone();
    Work { ask, now, target, key, from, to, grant: grant.clone(), id: grant.id(), door_steps: Vec::new() }
}
