//! Policies for pods: Calico's two kinds, around packets that they will meet.
//! Never knows the other policies of the world.

use serde_json::{Map, Value, json};

use super::random::Random;
use super::rules::{self, Aim, Place};
use super::scene::{Look, Scene, Stage, pod_labels};
use super::selectors::{Vocabulary, selector};
use super::terrain::Pod;
use crate::probe::{Probe, Sender};

/// A policy of Calico that is not in a namespace, as it is stored.
pub fn global(name: &str, spec: Value) -> Value {
    json!({ "apiVersion": "crd.projectcalico.org/v1", "kind": "GlobalNetworkPolicy",
            "metadata": { "name": format!("default.{name}") }, "spec": spec })
}

/// A policy of Calico in a namespace, as it is stored.
pub fn namespaced(namespace: &str, name: &str, spec: Value) -> Value {
    json!({ "apiVersion": "crd.projectcalico.org/v1", "kind": "NetworkPolicy",
            "metadata": { "name": format!("default.{name}"), "namespace": namespace }, "spec": spec })
}

/// A name that sorts anywhere among the others.
pub fn name(random: &mut Random, what: &str, index: usize) -> String {
    let letter = char::from(b'a' + u8::try_from(random.below(26)).expect("a letter"));
    match random.chance(50) {
        true => format!("{letter}-{what}{index}"),
        false => format!("{what}-{letter}{index}"),
    }
}

/// An order: equal ones, negative ones and none are likely.
pub fn order(random: &mut Random) -> Option<Value> {
    random
        .pick(&[
            None,
            Some(json!(1000)),
            Some(json!(1000)),
            Some(json!(10)),
            Some(json!(100)),
            Some(json!(-5)),
            Some(json!(99.5)),
        ])
        .clone()
}

/// Sets the order, if there is one.
pub fn with_order(random: &mut Random, mut spec: Value) -> Value {
    if let Some(order) = order(random) {
        spec["order"] = order;
    }
    spec
}

/// What a rule does.
fn action(random: &mut Random) -> &'static str {
    const ACTIONS: [(usize, &str); 4] = [(58, "Allow"), (22, "Deny"), (10, "Log"), (10, "Pass")];
    random.weighted::<&str>(&ACTIONS)
}

/// A pod that a packet concerns: the one that sends it, or one that receives it.
#[derive(Clone, Copy)]
pub struct Subject<'t> {
    /// The pod.
    pub pod: &'t Pod,
    /// Whether it receives.
    pub ingress: bool,
}

/// The pods whose policy a probe meets.
pub fn subjects<'t>(scene: &Scene<'t>, probe: &Probe) -> Vec<Subject<'t>> {
    let terrain = scene.terrain;
    let mut subjects = Vec::new();
    if matches!(probe.sender, Sender::Pod(_)) {
        subjects.extend(terrain.pod_at(probe.source).map(|pod| Subject { pod, ingress: false }));
    }
    for (ip, _) in terrain.ends(probe.protocol, probe.destination, probe.port) {
        subjects.extend(terrain.pod_at(ip).map(|pod| Subject { pod, ingress: true }));
    }
    subjects
}

/// A policy around some packets of one pod, in one direction or both.
pub fn pod_policy(random: &mut Random, scene: &Scene<'_>, index: usize) -> Option<Value> {
    let probe = random.any(&scene.probes)?.clone();
    let subject = *random.any(&subjects(scene, &probe))?;
    let pod = subject.pod;
    let is_global = random.chance(45);
    let namespace = (!is_global).then_some(pod.namespace.as_str());
    let both = random.chance(20);
    let mut spec = Map::new();
    let mut types = Vec::new();
    for ingress in [true, false] {
        if ingress != subject.ingress && !both {
            continue;
        }
        types.push(if ingress { "Ingress" } else { "Egress" });
        let rules = rules_for(random, scene, Subject { pod, ingress }, namespace);
        spec.insert(if ingress { "ingress" } else { "egress" }.into(), json!(rules));
    }
    spec.insert("types".into(), json!(types));
    select(random, scene, pod, is_global, &mut spec);
    let spec = with_order(random, Value::Object(spec));
    let name = name(random, if is_global { "gnp" } else { "np" }, index);
    Some(match namespace {
        Some(namespace) => namespaced(namespace, &name, spec),
        None => global(&name, spec),
    })
}

/// Selectors that take this pod, and sometimes narrowly not.
fn select(random: &mut Random, scene: &Scene<'_>, pod: &Pod, is_global: bool, spec: &mut Map<String, Value>) {
    let wanted = random.chance(92);
    if random.chance(85) {
        let text = selector(random, &pod_labels(pod), &scene.vocabulary, wanted);
        spec.insert("selector".into(), json!(text));
    } else if random.chance(50) {
        spec.insert("selector".into(), json!("all()"));
    }
    if is_global && random.chance(25) {
        let labels = scene.terrain.labels_of_namespace(&pod.namespace);
        let text = selector(random, &labels, &Vocabulary::default(), wanted);
        spec.insert("namespaceSelector".into(), json!(text));
    }
    if random.chance(10) {
        let labels = scene.terrain.labels_of_account(&pod.namespace, &pod.account);
        let text = selector(random, &labels, &Vocabulary::default(), wanted);
        spec.insert("serviceAccountSelector".into(), json!(text));
    }
}

/// Rules about packets of this pod, with a few about others.
fn rules_for(random: &mut Random, scene: &Scene<'_>, subject: Subject<'_>, namespace: Option<&str>) -> Vec<Value> {
    let concerned: Vec<Probe> = scene
        .probes
        .iter()
        .filter(|probe| {
            subjects(scene, probe)
                .iter()
                .any(|of| of.pod.addresses == subject.pod.addresses && of.ingress == subject.ingress)
        })
        .cloned()
        .collect();
    let place = Place { namespace, ingress: subject.ingress };
    (0..random.between(0, 4))
        .filter_map(|_| {
            let action = action(random);
            if random.chance(10) {
                return Some(rules::wide(random, action));
            }
            let probes = if concerned.is_empty() { &scene.probes } else { &concerned };
            let look = look_of(random, scene, probes, subject)?;
            let aim = if random.chance(70) { Aim::Hit } else { Aim::Near };
            Some(rules::rule(random, scene, &look, place, action, aim))
        })
        .collect()
}

fn look_of(random: &mut Random, scene: &Scene<'_>, probes: &[Probe], subject: Subject<'_>) -> Option<Look> {
    let probe = random.any(probes)?.clone();
    let stage = if subject.ingress { Stage::Receiving } else { Stage::Sending };
    let mut look = scene.look(random, &probe, stage);
    // One of several backends; policy of this pod is about itself.
    let own = subject.pod.addresses.iter().find(|ip| ip.is_ipv4() == look.destination.is_ipv4());
    if let (true, Some(own)) = (subject.ingress, own) {
        let ends = scene.terrain.ends(probe.protocol, probe.destination, probe.port);
        look.port = ends.iter().find(|(ip, _)| ip == own).map_or(look.port, |(_, port)| *port);
        look.destination = *own;
    }
    Some(look)
}

/// What lets one probe through at one pod: a rule of the subject's own policy that hits, or narrowly misses.
pub fn opening(
    random: &mut Random,
    scene: &Scene<'_>,
    probe: &Probe,
    subject: Subject<'_>,
    index: usize,
) -> Option<Value> {
    let is_global = random.chance(30);
    let namespace = (!is_global).then_some(subject.pod.namespace.as_str());
    let look = look_of(random, scene, std::slice::from_ref(probe), subject)?;
    let aim = if random.chance(85) { Aim::Hit } else { Aim::Near };
    let place = Place { namespace, ingress: subject.ingress };
    let mut rules = vec![rules::rule(random, scene, &look, place, "Allow", aim)];
    if random.chance(15) {
        rules.insert(0, json!({ "action": "Log" }));
    }
    let (list, kind) = if subject.ingress { ("ingress", "Ingress") } else { ("egress", "Egress") };
    let text = selector(random, &pod_labels(subject.pod), &scene.vocabulary, true);
    let spec = with_order(random, json!({ "selector": text, "types": [kind], list: rules }));
    let name = name(random, "open", index);
    Some(match namespace {
        Some(namespace) => namespaced(namespace, &name, spec),
        None => global(&name, spec),
    })
}
