//! A rule in one line, as its author wrote it: what it does, and to which packets.
//! Never knows whether it matches.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::Serialize;

use crate::kubernetes::names::GRANT;
use crate::model::flow::{Decider, Path};
use crate::model::moment::Moment;
use crate::model::policy::{Direction, PolicyId};
use crate::model::spec::{EntitySpec, IntOrString, RuleSpec};
use crate::model::words::listed;
use crate::model::world::World;
use crate::plan::revoke;

/// Rules by policy, direction and place, in words.
pub type Rules = BTreeMap<(PolicyId, Direction, usize), String>;

/// How many addresses, ports or names of a rule are spelled out.
const NAMES: usize = 3;

/// A grant whose rule decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// Its id.
    pub id: String,
    /// Who may connect.
    pub from: String,
    /// To what.
    pub to: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Moment>,
}

/// The grants whose rules decided on some paths, by id.
pub fn grants_of_paths(world: &World, paths: &[Path]) -> Vec<Granted> {
    let ids: BTreeSet<&str> = deciding(world, paths).filter_map(|(_, rule)| grant_of(rule)).collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let known = revoke::grants(world).into_iter().filter(|info| ids.contains(info.id.as_str()));
    let granted = known.map(|info| Granted {
        id: info.id,
        from: info.grant.from.to_string(),
        to: info.grant.to.to_string(),
        reason: info.grant.reason,
        expires: info.grant.expires,
    });
    granted.collect()
}

fn grant_of(rule: &RuleSpec) -> Option<&str> {
    rule.metadata.as_ref()?.annotations.get(GRANT).map(String::as_str)
}

/// The rules that decided, where they can be read as they were written.
fn deciding<'w>(
    world: &'w World,
    paths: &'w [Path],
) -> impl Iterator<Item = ((PolicyId, Direction, usize), &'w RuleSpec)> {
    let by = paths.iter().flat_map(|path| &path.hops).filter_map(|hop| hop.by.as_ref());
    by.filter_map(|by| {
        let Decider::Rule { policy, direction, index, .. } = by else { return None };
        let written = world.written.get(policy)?;
        let rules = match direction {
            Direction::Ingress => &written.spec.ingress,
            Direction::Egress => &written.spec.egress,
        };
        Some(((policy.clone(), *direction, *index), rules.get(*index)?))
    })
}

/// The rules that decided on some paths, where they can be read as they were written: those of Calico's own policies.
pub fn of_paths(world: &World, paths: &[Path]) -> Rules {
    let grants = grants_of_paths(world, paths);
    let mut rules = Rules::new();
    for (key, rule) in deciding(world, paths) {
        let ending = || {
            let grant = grants.iter().find(|grant| Some(grant.id.as_str()) == grant_of(rule))?;
            Some(format!(" (grant {}, until {})", grant.id, grant.expires?))
        };
        rules.entry(key).or_insert_with(|| in_words(rule) + &ending().unwrap_or_default());
    }
    rules
}

/// As `Deny TCP from 10.0.0.0/8 to ports 80 and 443`.
pub fn in_words(rule: &RuleSpec) -> String {
    let mut text = rule.action.clone();
    if let Some(version) = rule.ip_version {
        _ = write!(text, " IPv{version}");
    }
    if let Some(protocol) = &rule.protocol {
        _ = write!(text, " {protocol}");
    }
    if let Some(protocol) = &rule.not_protocol {
        _ = write!(text, " all but {protocol}");
    }
    let types = [(&rule.icmp, "type"), (&rule.not_icmp, "not type")];
    for (kind, word) in types.into_iter().filter_map(|(icmp, word)| Some((icmp.as_ref()?.kind?, word))) {
        _ = write!(text, " {word} {kind}");
    }
    for (entity, word) in [(&rule.source, "from"), (&rule.destination, "to")] {
        let what = entity_in_words(entity);
        if !what.is_empty() {
            _ = write!(text, " {word} {what}");
        }
    }
    if rule.http.is_some() {
        text.push_str(" where HTTP matches");
    }
    text
}

fn entity_in_words(entity: &EntitySpec) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut add = |before: &str, what: String| {
        if !what.is_empty() {
            parts.push(format!("{before}{what}"));
        }
    };
    add("", listed(&entity.nets, NAMES));
    add("not ", listed(&entity.not_nets, NAMES));
    add("", entity.selector.clone());
    add("not ", entity.not_selector.clone());
    add("namespaces with ", entity.namespace_selector.clone());
    if let Some(service) = &entity.services {
        add("Service ", [service.namespace.as_str(), service.name.as_str()].join("/").trim_matches('/').to_string());
    }
    if let Some(accounts) = &entity.service_accounts {
        add("ServiceAccounts ", listed(&accounts.names, NAMES));
        add("ServiceAccounts with ", accounts.selector.clone());
    }
    for (ports, word) in [(&entity.ports, "port"), (&entity.not_ports, "not port")] {
        let names: Vec<String> = ports.iter().map(IntOrString::to_string).collect();
        let several = if names.len() > 1 { "s" } else { "" };
        add(&format!("{word}{several} "), listed(&names, NAMES));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(yaml: &str) -> String {
        in_words(&serde_yaml::from_str(yaml).unwrap())
    }

    #[test]
    fn a_rule_is_one_line() {
        assert_eq!(words("{action: Allow}"), "Allow");
        assert_eq!(
            words(
                "{action: Deny, protocol: TCP, source: {notNets: [10.0.0.0/8]}, destination: {ports: [80, '30000:32767']}}"
            ),
            "Deny TCP from not 10.0.0.0/8 to ports 80 and 30000:32767"
        );
        assert_eq!(
            words("{action: Allow, source: {selector: app == 'a', namespaceSelector: has(x)}, notProtocol: UDP}"),
            "Allow all but UDP from app == 'a', namespaces with has(x)"
        );
        assert_eq!(
            words(
                "{action: Pass, protocol: ICMP, icmp: {type: 8}, destination: {services: {namespace: shop, name: db}}}"
            ),
            "Pass ICMP type 8 to Service shop/db"
        );
        assert_eq!(
            words(
                "{action: Allow, source: {nets: [a, b, c, d, e]}, destination: {serviceAccounts: {names: [x]}, notPorts: [http]}}"
            ),
            "Allow from a, b, c and 2 more to ServiceAccounts x, not port http"
        );
    }
}
