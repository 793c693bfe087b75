//! NetworkPolicies of Kubernetes as Calico takes them: order 1000 in the default tier, each peer and protocol a rule.
//! Never knows what else there is; mirrors libcalico-go's conversion.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::findings::{Code, Finding, NETS_ALL_UNREADABLE, POLICY_REFUSED};
use crate::kubernetes::objects::{
    Found, KubernetesPeer, KubernetesPolicy, KubernetesPort, KubernetesRule, LabelSelector,
};
use crate::model::compile::{Compiled, compile};
use crate::model::policy::{PolicyId, PolicyKind};
use crate::model::spec::{EntitySpec, IntOrString, PolicySpec, RuleSpec};
use crate::model::world::Version;

use super::workloads::namespace_of;

/// Where Calico puts all of them, among its own policies.
const ORDER: f64 = 1000.0;

/// Rules with the place of each in the document.
#[derive(Default)]
struct Converted {
    rules: Vec<RuleSpec>,
    places: Vec<usize>,
    findings: Vec<(Code, String)>,
}

/// Compiles one.
pub fn compile_one(object: &Found<KubernetesPolicy>, version: Option<Version>) -> Compiled {
    let spec = &object.spec;
    let ingress = convert(&spec.ingress, "ingress", |rule| &rule.from);
    let egress = convert(&spec.egress, "egress", |rule| &rule.to);
    // The API server fills this in, so only a document that was never stored lacks it.
    let types = match spec.policy_types.as_slice() {
        [] if spec.egress.is_empty() => vec!["Ingress".to_string()],
        [] => vec!["Ingress".to_string(), "Egress".to_string()],
        types => types.to_vec(),
    };
    let calico = PolicySpec {
        order: Some(ORDER),
        selector: pods(&spec.pod_selector),
        types,
        ingress: ingress.rules,
        egress: egress.rules,
        ..PolicySpec::default()
    };
    let id = PolicyId {
        kind: PolicyKind::KubernetesNetworkPolicy,
        namespace: Some(namespace_of(&object.metadata)),
        name: object.metadata.name.clone(),
    };
    let place = object.place.to_string();
    let name = id.to_string();
    let stored_name = format!("knp.default.{}", id.name);
    let mut compiled = compile(id, &stored_name, &calico, version, &place);
    // Calico's client does not list these, so one that it cannot convert does not hide the others.
    compiled.stops_kind = None;
    for (code, detail) in ingress.findings.into_iter().chain(egress.findings) {
        let place = Some(place.clone());
        compiled.findings.push(Finding { code, object: name.clone(), place, detail });
    }
    if let Some(policy) = &mut compiled.policy {
        let lists = [(&mut policy.ingress, &ingress.places), (&mut policy.egress, &egress.places)];
        for (rules, places) in lists {
            for (rule, place) in rules.iter_mut().flatten().zip(places) {
                rule.place = *place;
            }
        }
    }
    compiled
}

fn convert(rules: &[KubernetesRule], list: &str, peers: impl Fn(&KubernetesRule) -> &[KubernetesPeer]) -> Converted {
    let mut converted = Converted::default();
    for (place, rule) in rules.iter().enumerate() {
        let field = format!("spec.{list}[{place}]");
        let Some(protocols) = protocols(&rule.ports) else {
            // Calico leaves out a rule whose port it cannot read; the others stay.
            converted.findings.push((POLICY_REFUSED, format!("{field}.ports has a port that cannot be read")));
            continue;
        };
        let entities: Vec<EntitySpec> = match peers(rule) {
            [] => vec![EntitySpec::default()],
            peers => peers.iter().map(|peer| entity(peer, &field, &mut converted.findings)).collect(),
        };
        for (protocol, ports) in protocols {
            for entity in &entities {
                let mut calico = RuleSpec {
                    action: "Allow".into(),
                    protocol: protocol.clone().map(IntOrString::String),
                    ..RuleSpec::default()
                };
                if list == "ingress" {
                    calico.source = entity.clone();
                    calico.destination.ports = ports.clone();
                } else {
                    calico.destination = EntitySpec { ports: ports.clone(), ..entity.clone() };
                }
                converted.rules.push(calico);
                converted.places.push(place);
            }
        }
    }
    converted
}

/// Ports by protocol; one port without a number opens its whole protocol. None where one cannot be read.
fn protocols(ports: &[KubernetesPort]) -> Option<BTreeMap<Option<String>, Vec<IntOrString>>> {
    if ports.is_empty() {
        return Some(BTreeMap::from([(None, Vec::new())]));
    }
    let mut protocols: BTreeMap<Option<String>, Vec<IntOrString>> = BTreeMap::new();
    let mut whole = Vec::new();
    for port in ports {
        let protocol = port.protocol.clone().filter(|text| !text.is_empty()).unwrap_or_else(|| "TCP".into());
        let list = protocols.entry(Some(protocol.clone())).or_default();
        let text = match &port.port {
            None | Some(Value::Null) => {
                whole.push(protocol);
                continue;
            }
            Some(Value::String(text)) => text.clone(),
            Some(number) => number.to_string(),
        };
        let text = port.end_port.map_or(text.clone(), |end| format!("{text}:{end}"));
        let text = IntOrString::String(text);
        if crate::model::compile::is_undecodable(&text) {
            return None;
        }
        list.push(text);
    }
    for protocol in whole {
        protocols.insert(Some(protocol), Vec::new());
    }
    Some(protocols)
}

fn entity(peer: &KubernetesPeer, field: &str, findings: &mut Vec<(Code, String)>) -> EntitySpec {
    if let Some(block) = &peer.ip_block {
        let is_cidr = |text: &&String| text.parse::<ipnet::IpNet>().is_ok();
        if !is_cidr(&&block.cidr) {
            // Calico goes on without any address then; the API server takes no such policy.
            findings.push((NETS_ALL_UNREADABLE, format!("{field}: ipBlock.cidr {} cannot be read", block.cidr)));
            return EntitySpec::default();
        }
        // It reads the exceptions up to the first that is none.
        let not_nets = block.except.iter().take_while(is_cidr).cloned().collect();
        return EntitySpec { nets: vec![block.cidr.clone()], not_nets, ..EntitySpec::default() };
    }
    EntitySpec {
        selector: peer.pod_selector.as_ref().map_or_else(|| pods(&LabelSelector::default()), pods),
        namespace_selector: peer.namespace_selector.as_ref().map(namespaces).unwrap_or_default(),
        ..EntitySpec::default()
    }
}

/// Only pods of Kubernetes, so that no network set matches.
fn pods(selector: &LabelSelector) -> String {
    let mut terms = vec!["projectcalico.org/orchestrator == 'k8s'".to_string()];
    terms.extend(terms_of(selector));
    terms.join(" && ")
}

fn namespaces(selector: &LabelSelector) -> String {
    let terms = terms_of(selector);
    if terms.is_empty() { "all()".into() } else { terms.join(" && ") }
}

fn terms_of(selector: &LabelSelector) -> Vec<String> {
    let equal = selector.match_labels.iter().map(|(key, value)| format!("{key} == '{value}'"));
    let expressions = selector.match_expressions.iter().filter_map(|expression| {
        let key = &expression.key;
        let values = expression.values.join("', '");
        match expression.operator.as_str() {
            "In" => Some(format!("{key} in {{ '{values}' }}")),
            "NotIn" => Some(format!("{key} not in {{ '{values}' }}")),
            "Exists" => Some(format!("has({key})")),
            "DoesNotExist" => Some(format!("! has({key})")),
            _ => None,
        }
    });
    equal.chain(expressions).collect()
}
