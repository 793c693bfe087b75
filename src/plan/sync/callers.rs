//! What `lockdown` keeps reachable from the API server: its policies know the control plane's nodes by their addresses.
//! Never makes such a policy, and takes an address out only where it is known which nodes call.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::super::callbacks;
use super::super::edit::Edit;
use super::super::roles::{LIFELINE, role};
use super::super::rules::of_nets;
use super::super::{PlanError, Risk};
use super::grants::{difference, step};
use super::{Order, Part};
use crate::model::net::parse_net;
use crate::model::policy::Direction;
use crate::model::spec::{EntitySpec, RuleSpec};
use crate::model::world::{Fact, World};

/// Brings their sources up to date.
pub fn parts(world: &World) -> Result<Vec<Part>, PlanError> {
    let ours = world.written.iter().filter(|(_, written)| role(written) == Some(LIFELINE));
    let mut parts = Vec::new();
    for (id, written) in ours {
        let old: Vec<RuleSpec> = written.spec.ingress.iter().filter(|rule| is_ours(rule)).cloned().collect();
        let there: BTreeSet<IpNet> =
            old.iter().flat_map(|rule| &rule.source.nets).filter_map(|text| parse_net(text)).collect();
        let mut nets = callbacks::sources(world, false, &[Risk::ApiServer], &mut Vec::new())?;
        if let Fact::Unknown { .. } = world.api_servers {
            nets.extend(&there);
        }
        nets.sort();
        nets.dedup();
        if old.is_empty() || nets.is_empty() || there.iter().eq(&nets) {
            continue;
        }
        let mut ports = old.clone();
        ports.iter_mut().for_each(|rule| rule.source = EntitySpec::default());
        ports.dedup();
        let mut new: Vec<RuleSpec> = Vec::new();
        for source in of_nets(&nets) {
            for rule in ports.iter().map(|rule| RuleSpec { source: source.clone(), ..rule.clone() }) {
                if !new.contains(&rule) {
                    new.push(rule);
                }
            }
        }
        let edits = vec![Edit::ReplaceRules { direction: Direction::Ingress, old, new }];
        let why = format!("the API server calls from here: {}", difference(&edits));
        parts.push(Part::new(Order::Application, step(world, id, edits, why)));
    }
    Ok(parts)
}

/// As `lockdown` writes them: nothing but addresses and ports. Another rule is somebody's own.
fn is_ours(rule: &RuleSpec) -> bool {
    let shape = RuleSpec {
        action: "Allow".into(),
        protocol: rule.protocol.clone(),
        source: EntitySpec { nets: rule.source.nets.clone(), ..EntitySpec::default() },
        destination: EntitySpec { ports: rule.destination.ports.clone(), ..EntitySpec::default() },
        ..RuleSpec::default()
    };
    *rule == shape && !rule.source.nets.is_empty() && !rule.destination.ports.is_empty()
}
