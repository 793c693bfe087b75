//! A rule in one line, as its author wrote it: what it does, and to which packets.
//! Never knows whether it matches.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::model::flow::{Decider, Path};
use crate::model::policy::{Direction, PolicyId};
use crate::model::spec::{EntitySpec, IntOrString, RuleSpec};
use crate::model::words::listed;
use crate::model::world::World;

/// Rules by policy, direction and place, in words.
pub type Rules = BTreeMap<(PolicyId, Direction, usize), String>;

/// How many addresses, ports or names of a rule are spelled out.
const NAMES: usize = 3;

/// The rules that decided on some paths, where they can be read as they were written: those of Calico's own policies.
pub fn of_paths(world: &World, paths: &[Path]) -> Rules {
    let mut rules = Rules::new();
    for by in paths.iter().flat_map(|path| &path.hops).filter_map(|hop| hop.by.as_ref()) {
        let Decider::Rule { policy, direction, index, .. } = by else { continue };
        let key = (policy.clone(), *direction, *index);
        if rules.contains_key(&key) {
            continue;
        }
        let spec = world.written.get(policy).map(|written| match direction {
            Direction::Ingress => &written.spec.ingress,
            Direction::Egress => &written.spec.egress,
        });
        if let Some(rule) = spec.and_then(|rules| rules.get(*index)) {
            rules.insert(key, in_words(rule));
        }
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
