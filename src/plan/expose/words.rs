//! What is said of an exposure: how to reach it, what the pods will see, whom that lets in besides, and what keeps others out.
//! Never decides anything.

use super::super::exposure::Door;
use super::super::perimeter::compose::doors_of;
use super::super::perimeter::sources::masquerades;
use super::super::{Note, Plan, PlanError, Weight};
use super::{Work, announced, fact, warning};
use crate::model::intent::{Through, Way};
use crate::model::world::{AddressRole, Node};

/// All of it.
pub fn notes(work: &Work<'_>, plan: &Plan) -> Result<Vec<Note>, PlanError> {
    let mut notes = Vec::new();
    if plan.steps.is_empty() {
        notes.push(fact(format!("it is exposed already by grant {}", work.id)));
        notes.extend(announced::notes(work));
        return Ok(notes);
    }
    notes.extend(reach(work));
    notes.extend(announced::notes(work));
    notes.extend(seen(work)?);
    if work.grant.through.as_ref().is_some_and(|through| through.inline) && !work.ask.shape.inline {
        let rule = super::super::perimeter::nodes_set::attracted_by(&work.target).unwrap_or_default();
        notes.push(fact(format!(
            "a set of the nodes' addresses would be taken in by {rule}, so they stand in the rules"
        )));
    }
    if let Some(Through { was: Some(was), .. }) = &work.grant.through
        && !work.door_steps.is_empty()
    {
        notes.push(fact(format!("`revoke {}` makes the Service {was} again", work.id)));
    }
    let text = "connections that are established go on until they end, also those that are closed now".to_string();
    notes.push(Note { weight: Weight::Fact, text });
    Ok(notes)
}

/// Where clients connect to.
fn reach(work: &Work<'_>) -> Vec<Note> {
    let mut ports: Vec<String> = Vec::new();
    let mut addresses: Vec<String> = Vec::new();
    for doorway in doors_of(&work.target, &work.grant) {
        match doorway.door {
            Door::NodePort(number) => ports.push(format!("{number} ({})", doorway.port.protocol)),
            Door::LoadBalancer(ip) | Door::External(ip) | Door::Advertised(ip) => {
                addresses.push(format!("{ip} port {} ({})", doorway.port.port, doorway.port.protocol));
            }
        }
    }
    let service = work.service();
    let mut notes = Vec::new();
    if !ports.is_empty() {
        let which = match (&work.ask.nodes, service.local) {
            (Some(nodes), _) => format!("nodes with {nodes}"),
            (None, true) => "a node with a ready pod of it (externalTrafficPolicy: Local)".to_string(),
            (None, false) => "any node".to_string(),
        };
        notes.push(fact(format!("clients reach it by {which} on port {}", ports.join(", "))));
    }
    if !addresses.is_empty() {
        notes.push(fact(format!("clients reach it at {}", addresses.join(", "))));
    }
    notes
}

/// The source addresses at the pods, and what follows from them.
fn seen(work: &Work<'_>) -> Result<Vec<Note>, PlanError> {
    if work.target.network.felix.is_bpf() {
        let text = "the eBPF dataplane keeps the client's address, so the pods' own policy lets in the clients alone";
        return Ok(vec![fact(text.into())]);
    }
    if !masquerades(&work.target, &work.grant)? {
        let text = match work.ask.way {
            Way::Bgp => {
                "the pods see the client's own address: kube-proxy masquerades nothing to cluster addresses here"
            }
            _ => {
                "the pods see the client's own address (externalTrafficPolicy: Local), so their policy lets in the clients alone"
            }
        };
        return Ok(vec![fact(text.into())]);
    }
    let mut notes = vec![fact(format!(
        "the pods see the client's own address where it enters by their own node, else {}: kube-proxy masquerades what \
         goes on to another node",
        carried(work)
    ))];
    let mut text = String::from(
        "node addresses also let in processes on nodes, pods on their nodes' network, and pods whose egress lets them \
         out to a node port and back; the perimeter is what keeps other clients out",
    );
    if work.ask.way != Way::Bgp {
        text.push_str(". externalTrafficPolicy: Local would keep the client's address and need no node addresses, but only nodes with a ready pod would answer");
    }
    notes.push(warning(text));
    Ok(notes)
}

/// What masqueraded packets carry, by the tunnels that nodes have.
fn carried(work: &Work<'_>) -> String {
    let has = |role: AddressRole| {
        work.target.nodes.values().any(|node: &Node| node.addresses.iter().any(|own| own.role == role))
    };
    let tunnels = [(AddressRole::Wireguard, "WireGuard"), (AddressRole::Ipip, "IPIP"), (AddressRole::Vxlan, "VXLAN")];
    let names: Vec<&str> = tunnels.iter().filter(|(role, _)| has(*role)).map(|(_, name)| *name).collect();
    match names.is_empty() {
        true => "the address of the node that it entered by".into(),
        false => format!("the {} or own address of the node that it entered by", names.join(" or ")),
    }
}
