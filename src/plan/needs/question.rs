//! What must be read to answer a question of `explain`, and to try what would open it.
//! Never knows the answer.

use super::{
    behind, exposure, exposure_follow_ups, flow, flow_follow_ups, ways, ways_follow_ups, without_contained,
    without_repeats,
};
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::Query;
use crate::model::flow::{Verdict, together};
use crate::model::world::{Service, World};
use crate::plan::assertion::Assertion;
use crate::plan::candidates::candidates;
use crate::plan::fix;
use crate::plan::question::Asked;
use crate::plan::target::{Target, TargetKind};

/// The first round.
pub fn question(asked: &Asked) -> Vec<Query> {
    let mut queries = ways(&asked.from, &asked.to);
    if let Target::Named { kind: None | Some(TargetKind::Service), .. } = asked.to {
        // The Service is asked at its cluster address, which another one may have too.
        queries.push(Query::all(Kind::Service));
    }
    without_repeats(queries)
}

/// The first round for tests of reachability.
pub fn assertions(all: &[Assertion]) -> Vec<Query> {
    without_repeats(all.iter().flat_map(|assertion| question(&assertion.asked)).collect())
}

/// Their next rounds: verdicts are wanted, and not what would open a flow.
pub fn assertions_follow_ups(world: &World, all: &[Assertion]) -> Vec<Query> {
    let queries = all.iter().flat_map(|assertion| verdict_follow_ups(world, &assertion.asked)).collect();
    without_contained(without_repeats(queries))
}

/// What stands behind a Service or a port of nodes.
fn verdict_follow_ups(world: &World, asked: &Asked) -> Vec<Query> {
    let mut queries = ways_follow_ups(world, &asked.from, &asked.to);
    for service in services(world, asked) {
        queries.extend(behind(service));
    }
    queries
}

/// The next rounds: what stands behind a Service or a port of nodes; and, once it is known that the flow is stopped, what
/// the command that opens it has to know.
pub fn question_follow_ups(world: &World, asked: &Asked) -> Vec<Query> {
    let mut queries = verdict_follow_ups(world, asked);
    let ways = asked.ways(world).ok();
    if let Some(ways) = ways.filter(|ways| matches!(together(&ways.paths), Verdict::Deny | Verdict::Mixed)) {
        let ask = fix::ask(world, asked, &ways);
        queries.extend(flow(&ask.from, &ask.to));
        queries.extend(flow_follow_ups(world, &ask.from, &ask.to));
        if let Some(ask) = fix::doors::exposure(world, asked, &ways) {
            queries.extend(exposure(&ask.service));
            queries.extend(exposure_follow_ups(world, &ask.service));
        }
    }
    without_contained(without_repeats(queries))
}

/// The Services that are asked by their name or by a port of every node.
fn services<'w>(world: &'w World, asked: &Asked) -> Vec<&'w Service> {
    match &asked.to {
        Target::Named { .. } => {
            let found = candidates(world, &asked.to);
            let named = found.iter().filter(|candidate| candidate.kind == TargetKind::Service);
            named.filter_map(|found| world.services.get(&(found.namespace.clone(), found.name.clone()))).collect()
        }
        Target::Nets(nets) if nets.iter().any(|net| world.node_at(net.addr()).is_some()) => of_node_ports(world, asked),
        Target::Nodes => of_node_ports(world, asked),
        Target::Nets(_) | Target::World => Vec::new(),
    }
}

fn of_node_ports<'w>(world: &'w World, asked: &Asked) -> Vec<&'w Service> {
    let asks =
        |service: &&Service| service.ports.iter().filter_map(|port| port.node_port).any(|port| asked.asks_for(port));
    world.services.values().filter(asks).collect()
}
