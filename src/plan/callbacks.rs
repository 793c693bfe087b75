//! What the API server calls in namespaces that get locked (admission and conversion webhooks, aggregated APIs), and the
//! policies that keep it reachable from the control plane's nodes.
//! Never opens it to anybody else.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde_json::json;

use super::decide::{object, version_of};
use super::edit::Edit;
use super::place::whole;
use super::probe::packet;
use super::roles::{LIFELINE, is_lockdown, own_order, role};
use super::rules::of_nets;
use super::simulate::simulate;
use super::{Note, PlanError, Risk, Step, Weight, resolve, standin};
use crate::evaluate::policy::judge_pod;
use crate::kubernetes::names::ROLE;
use crate::model::flow::{Decider, HopAction, Packet, Protocol};
use crate::model::policy::{Direction, PolicyId, PolicyKind};
use crate::model::selector::Selector;
use crate::model::spec::{IntOrString, RuleSpec};
use crate::model::world::{Fact, Pod, Service, TargetPort, World};

/// Pods that are called, and on which ports.
struct Called<'a> {
    service: &'a Service,
    selector: Selector,
    pods: Vec<Pod>,
    ports: BTreeSet<u16>,
    callers: BTreeSet<String>,
}

/// Steps and notes. `locked` are the namespaces that the lockdown covers, `after` is the world with it in force.
pub fn plan(
    world: &World,
    after: &World,
    locked: &BTreeSet<String>,
    accepted: &[Risk],
) -> Result<(Vec<Step>, Vec<Note>), PlanError> {
    let mut notes = Vec::new();
    let mut called = called(world, locked, &mut notes);
    let sources = sources(world, !called.is_empty(), accepted, &mut notes)?;
    share_ports(&mut called);
    let mut steps = Vec::new();
    for one in &called {
        let stopped = stopped(after, one, &sources);
        if let Some(policy) = denied_by(after, one, &sources) {
            let text =
                format!("{policy} denies what the API server calls at {}/{}", one.service.namespace, one.service.name);
            notes.push(Note { weight: Weight::Warning, text });
            continue;
        }
        let (id, rules) = (name(world, one), rules(one, &sources));
        let callers = one.callers.iter().cloned().collect::<Vec<_>>().join(", ");
        let why = format!("the API server calls {}/{} ({callers})", one.service.namespace, one.service.name);
        match world.written.get(&id) {
            Some(written) if written.spec.ingress == rules => {}
            Some(written) => steps.push(Step {
                object: object(&id),
                planned_on: version_of(world, &id),
                edits: vec![Edit::SetSpec {
                    field: "ingress".into(),
                    expected: json!(written.spec.ingress),
                    value: json!(rules),
                }],
                why: format!("{why}, and the nodes or ports have changed"),
            }),
            None if !stopped || rules.is_empty() => {}
            None => {
                let spec = json!({"order": whole(own_order(after)), "selector": one.selector.to_string(),
                                  "types": ["Ingress"], "ingress": rules});
                let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
                    "metadata": {"name": id.name, "namespace": id.namespace, "annotations": {ROLE: LIFELINE}}, "spec": spec});
                steps.push(Step { object: object(&id), planned_on: None, edits: vec![Edit::Create(document)], why });
            }
        }
    }
    Ok((steps, notes))
}

/// The Services in locked namespaces that the API server calls, by the pods behind them.
fn called<'a>(world: &'a World, locked: &BTreeSet<String>, notes: &mut Vec<Note>) -> Vec<Called<'a>> {
    let mut found: BTreeMap<(String, String), Called> = BTreeMap::new();
    let mut warn = |text: String| {
        let note = Note { weight: Weight::Warning, text };
        if !notes.contains(&note) {
            notes.push(note);
        }
    };
    for callback in world.callbacks.iter().filter(|callback| locked.contains(&callback.namespace)) {
        let key = (callback.namespace.clone(), callback.service.clone());
        let what = format!("{} calls Service {}/{}", callback.from, key.0, key.1);
        let Some(service) = world.services.get(&key) else {
            warn(format!("{what}, which does not exist"));
            continue;
        };
        let selector = resolve::selector_of_labels(&service.selector).filter(|_| !service.selector.is_empty());
        let Some(selector) = selector else {
            warn(format!("{what}, which has no selector: its endpoints are not looked after"));
            continue;
        };
        let mut pods: Vec<Pod> = world
            .pods
            .iter()
            .filter(|pod| pod.namespace == key.0 && !pod.finished && selector.matches(&pod.own_labels))
            .cloned()
            .collect();
        if !pods.is_empty() && pods.iter().all(|pod| pod.host_network) {
            continue;
        }
        if pods.is_empty() {
            pods.push(standin::pod(world, &key.0, &service.selector, "its future pods"));
        }
        let ports = targets(world, service, callback.port, &pods);
        if ports.is_empty() {
            warn(format!("{what} on port {}, which leads to no port of its pods that is known", callback.port));
            continue;
        }
        let entry = found.entry((key.0.clone(), selector.to_string())).or_insert_with(|| Called {
            service,
            selector,
            pods,
            ports: BTreeSet::new(),
            callers: BTreeSet::new(),
        });
        entry.ports.extend(ports);
        entry.callers.insert(callback.from.clone());
    }
    found.into_values().collect()
}

fn targets(world: &World, service: &Service, port: u16, pods: &[Pod]) -> BTreeSet<u16> {
    let ports = service.ports.iter().filter(|own| own.port == port && own.protocol == Protocol::TCP);
    ports
        .flat_map(|own| match &own.target {
            TargetPort::Number(number) => vec![*number],
            TargetPort::Name(name) => {
                let declared = pods.iter().flat_map(|pod| pod.ports.clone());
                let templates = world.workloads.iter().filter(|workload| {
                    workload.namespace == service.namespace
                        && service.selector.iter().all(|(key, value)| workload.pod_labels.get(key) == Some(value))
                });
                let all = declared.chain(templates.flat_map(|workload| workload.ports.clone()));
                all.filter(|declared| declared.name.as_ref() == Some(name)).map(|declared| declared.port).collect()
            }
        })
        .collect()
}

/// Two policies for some of the same pods: between the first and the second write, the first alone closes the other's
/// ports. So each opens the ports of both.
fn share_ports(called: &mut [Called]) {
    for one in 0..called.len() {
        for other in 0..called.len() {
            let overlap = one != other
                && called[one].service.namespace == called[other].service.namespace
                && called[one].pods.iter().any(|pod| called[other].selector.matches(&pod.own_labels));
            if overlap {
                let ports = called[other].ports.clone();
                called[one].ports.extend(ports);
            }
        }
    }
}

/// Whether some control plane's address does not reach some pod once the lockdown is in force.
fn stopped(after: &World, called: &Called, sources: &[IpNet]) -> bool {
    calls_of(called, sources).iter().any(|(pod, packet)| !passes(after, pod, packet))
}

/// The policy that denies some call by a rule: a rule of ours would come too late, or override somebody.
fn denied_by(after: &World, called: &Called, sources: &[IpNet]) -> Option<PolicyId> {
    calls_of(called, sources).into_iter().find_map(|(pod, packet)| {
        let judgement = judge_pod(after, pod, Direction::Ingress, &packet);
        let Decider::Rule { policy, .. } = judgement.by else { return None };
        let lockdown = after.policies.iter().any(|other| other.id == policy && is_lockdown(after, other));
        (judgement.action == HopAction::Deny && !lockdown).then_some(policy)
    })
}

fn passes(world: &World, pod: &Pod, packet: &Packet) -> bool {
    judge_pod(world, pod, Direction::Ingress, packet).action == HopAction::Allow
}

/// Every call to pods that run, once however many make it: by whom, to which pod, with its packet, from the addresses that
/// are known.
pub fn all_calls(world: &World) -> Vec<(BTreeSet<String>, Pod, Packet)> {
    let mut ignored = Vec::new();
    let everywhere = world.callbacks.iter().map(|callback| callback.namespace.clone()).collect();
    let mut found = Vec::new();
    let sources = sources(world, false, &[Risk::ApiServer], &mut ignored).unwrap_or_default();
    for called in called(world, &everywhere, &mut ignored) {
        let running = calls_of(&called, &sources).into_iter().filter(|(pod, _)| pod.node.is_some());
        found.extend(running.map(|(pod, packet)| (called.callers.clone(), pod.clone(), packet)));
    }
    found
}

/// The packets of every call.
fn calls_of<'a>(called: &'a Called, sources: &[IpNet]) -> Vec<(&'a Pod, Packet)> {
    let mut calls = Vec::new();
    for pod in called.pods.iter().filter(|pod| !pod.host_network) {
        for own in &pod.addresses {
            for ip in sources.iter().map(IpNet::addr).filter(|ip| ip.is_ipv4() == own.is_ipv4()) {
                calls.extend(called.ports.iter().map(|port| (pod, packet(ip, *own, Protocol::TCP, Some(*port)))));
            }
        }
    }
    calls
}

/// Walks every call through the world after each step: a plan that is interrupted must not have cut one.
pub fn prove(world: &World, steps: &[Step], locked: &BTreeSet<String>, accepted: &[Risk]) -> Result<(), PlanError> {
    let mut ignored = Vec::new();
    let called = called(world, locked, &mut ignored);
    let sources = sources(world, !called.is_empty(), accepted, &mut ignored)?;
    for done in 1..=steps.len() {
        let after = simulate(world, &steps[..done])?;
        for one in &called {
            let cut = calls_of(one, &sources)
                .into_iter()
                .find(|(p, packet)| passes(world, p, packet) && !passes(&after, p, packet));
            if let Some((pod, packet)) = cut {
                let callers: Vec<&str> = one.callers.iter().map(String::as_str).collect();
                return Err(PlanError::Refused {
                    reason: format!(
                        "{} would not reach pod {} any more (TCP:{})",
                        callers.join(", "),
                        pod.full_name(),
                        packet.port.unwrap_or_default()
                    ),
                    hints: vec![format!("--except {} leaves its namespace out", pod.namespace)],
                });
            }
        }
    }
    Ok(())
}

fn rules(called: &Called, sources: &[IpNet]) -> Vec<RuleSpec> {
    let ports: Vec<IntOrString> = called.ports.iter().map(|port| IntOrString::Int(i64::from(*port))).collect();
    let mut rules = Vec::new();
    for source in of_nets(sources) {
        for ports in ports.chunks(15) {
            let mut rule = RuleSpec {
                action: "Allow".into(),
                protocol: Some(IntOrString::String("TCP".into())),
                source: source.clone(),
                ..RuleSpec::default()
            };
            rule.destination.ports = ports.to_vec();
            rules.push(rule);
        }
    }
    rules
}

/// Our policy for these pods, or the first name that is free.
fn name(world: &World, called: &Called) -> PolicyId {
    let id = |count: usize| PolicyId {
        kind: PolicyKind::NetworkPolicy,
        namespace: Some(called.service.namespace.clone()),
        name: match count {
            1 => format!("zerotrust-lifeline-{}", called.service.name),
            more => format!("zerotrust-lifeline-{}-{more}", called.service.name),
        },
    };
    let ours = |id: &PolicyId| match world.written.get(id) {
        None => true,
        Some(written) => {
            role(written) == Some(LIFELINE)
                && Selector::parse(&written.spec.selector).is_ok_and(|selector| selector == called.selector)
        }
    };
    (1..).map(id).find(ours).unwrap_or_else(|| id(1))
}

/// The addresses from which the API server calls: those of the control plane's nodes, their own and their tunnels'.
pub fn sources(world: &World, needed: bool, accepted: &[Risk], notes: &mut Vec<Note>) -> Result<Vec<IpNet>, PlanError> {
    let accepted = accepted.contains(&Risk::ApiServer);
    let mut nodes: BTreeSet<&str> =
        world.nodes.values().filter(|node| node.control_plane.is_some()).map(|node| node.name.as_str()).collect();
    let mut elsewhere: Vec<IpNet> = Vec::new();
    match &world.api_servers {
        Fact::Known { value, .. } => {
            for ip in value {
                match world.node_at(*ip) {
                    Some(node) => {
                        nodes.insert(&node.name);
                    }
                    None => elsewhere.push((*ip).into()),
                }
            }
        }
        Fact::Unknown { why } if nodes.is_empty() && needed && !accepted => {
            return Err(PlanError::Unknown {
                reason: format!("where the API servers run is not known ({why}), so their webhooks could be cut off"),
                hints: vec![hint()],
            });
        }
        Fact::Unknown { .. } => {}
    }
    if !elsewhere.is_empty() && !accepted {
        let list: Vec<String> = elsewhere.iter().map(|net| net.addr().to_string()).collect();
        return Err(PlanError::Refused {
            reason: format!(
                "the API servers ({}) are no nodes of this cluster: from where a managed control plane calls webhooks cannot be seen",
                list.join(", ")
            ),
            hints: vec![hint()],
        });
    }
    if nodes.is_empty() && elsewhere.is_empty() && needed {
        let text = "no node of the control plane is known: webhooks in locked namespaces will not be called (accepted)";
        notes.push(Note { weight: Weight::Warning, text: text.into() });
    }
    let mut nets: Vec<IpNet> = world
        .nodes
        .values()
        .filter(|node| nodes.contains(node.name.as_str()))
        .flat_map(|node| node.all_addresses())
        .map(IpNet::from)
        .chain(elsewhere)
        .collect();
    nets.sort();
    nets.dedup();
    Ok(nets)
}

fn hint() -> String {
    format!(
        "--accept-risk {} goes on; webhooks in locked namespaces may then need `allow --from ADDRESS`",
        Risk::ApiServer
    )
}
