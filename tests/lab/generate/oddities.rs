//! What custom resources can hold although Calico's validator would not take it, and Felix copes with in its own way.
//! Never makes what Calico's client cannot decode, which would stop all policies of the kind, nor what stops Felix.

use serde_json::{Value, json};

use super::random::Random;

/// Spoils a policy or two; whether anything was there to be spoiled.
pub fn spoil(random: &mut Random, objects: &mut [Value]) -> bool {
    let mut policies: Vec<&mut Value> = objects
        .iter_mut()
        .filter(|object| object["apiVersion"] == "crd.projectcalico.org/v1" && object["spec"]["types"].is_array())
        .collect();
    if policies.is_empty() {
        return false;
    }
    for _ in 0..random.between(1, 2) {
        let index = random.below(policies.len());
        one(random, &mut policies[index]["spec"]);
    }
    true
}

fn one(random: &mut Random, spec: &mut Value) {
    let nothing_else = random.chance(50);
    match random.below(9) {
        // No types: both directions.
        0 | 1 => {
            spec.as_object_mut().expect("a spec").remove("types");
        }
        // The policy is gone.
        2 => spec["selector"] = json!("app = 'web'"),
        // No action allows.
        3 => in_a_rule(random, spec, |rule| rule["action"] = json!("")),
        // Addresses that cannot be read are left out; a list of nothing else matches everything.
        4 => in_a_rule(random, spec, |rule| {
            if let Some(nets) = rule.pointer_mut("/source/nets").and_then(Value::as_array_mut) {
                nets.push(json!(if nets[0].as_str().is_some_and(|net| net.contains(':')) {
                    "fd00::/129"
                } else {
                    "10.0.0.0/33"
                }));
                if nothing_else {
                    nets.drain(..nets.len() - 1);
                }
            }
        }),
        // A bare address, and one with bits beyond its mask.
        5 => in_a_rule(random, spec, |rule| {
            for side in ["source", "destination"] {
                let nets = rule.pointer_mut(&format!("/{side}/nets")).and_then(Value::as_array_mut);
                for net in nets.into_iter().flatten() {
                    let text = net.as_str().unwrap_or_default();
                    *net = json!(text.trim_end_matches("/32").replace(".0.0/16", ".3.7/16"));
                }
            }
        }),
        6 => in_a_rule(random, spec, |rule| {
            rule["action"] = json!(rule["action"].as_str().unwrap_or_default().to_lowercase());
        }),
        _ => in_a_rule(random, spec, |rule| {
            if let Some(text) = rule["protocol"].as_str().map(str::to_lowercase) {
                rule["protocol"] = json!(text);
            }
        }),
    }
}

fn in_a_rule(random: &mut Random, spec: &mut Value, change: impl Fn(&mut Value)) {
    let mut rules: Vec<&mut Value> = Vec::new();
    for (_, list) in spec.as_object_mut().into_iter().flatten() {
        rules.extend(list.as_array_mut().into_iter().flatten().filter(|rule| rule.get("action").is_some()));
    }
    if !rules.is_empty() {
        let index = random.below(rules.len());
        change(rules[index]);
    }
}
