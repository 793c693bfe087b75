//! The fields that Calico's kinds have, and what a document says that is none of them: typos, mostly.
//! Never knows what a field means.

use serde_json::Value;

use super::names::Kind;

const GLOBAL_POLICY: &[&str] = &[
    "tier",
    "order",
    "ingress",
    "egress",
    "selector",
    "types",
    "doNotTrack",
    "preDNAT",
    "applyOnForward",
    "serviceAccountSelector",
    "namespaceSelector",
    "performanceHints",
];
const POLICY: &[&str] =
    &["tier", "order", "ingress", "egress", "selector", "types", "serviceAccountSelector", "performanceHints"];
const STAGED_GLOBAL_POLICY: &[&str] = &[
    "tier",
    "order",
    "ingress",
    "egress",
    "selector",
    "types",
    "doNotTrack",
    "preDNAT",
    "applyOnForward",
    "serviceAccountSelector",
    "namespaceSelector",
    "performanceHints",
    "stagedAction",
];
const STAGED_POLICY: &[&str] = &[
    "tier",
    "order",
    "ingress",
    "egress",
    "selector",
    "types",
    "serviceAccountSelector",
    "performanceHints",
    "stagedAction",
];
const STAGED_KUBERNETES_POLICY: &[&str] = &["podSelector", "ingress", "egress", "policyTypes", "stagedAction"];
const HOST_ENDPOINT: &[&str] = &["node", "interfaceName", "expectedIPs", "profiles", "ports"];
const RULE: &[&str] =
    &["action", "ipVersion", "protocol", "icmp", "notProtocol", "notICMP", "source", "destination", "http", "metadata"];
const ENTITY: &[&str] = &[
    "nets",
    "selector",
    "namespaceSelector",
    "services",
    "ports",
    "notNets",
    "notSelector",
    "notPorts",
    "serviceAccounts",
];

/// The fields of a kind's spec (api/pkg/apis/projectcalico/v3); none where this program does not know them all.
pub fn of_spec(kind: Kind) -> Option<&'static [&'static str]> {
    match kind {
        Kind::GlobalNetworkPolicy => Some(GLOBAL_POLICY),
        Kind::NetworkPolicy => Some(POLICY),
        Kind::StagedGlobalNetworkPolicy => Some(STAGED_GLOBAL_POLICY),
        Kind::StagedNetworkPolicy => Some(STAGED_POLICY),
        Kind::StagedKubernetesNetworkPolicy => Some(STAGED_KUBERNETES_POLICY),
        Kind::Tier => Some(&["order", "defaultAction"]),
        Kind::HostEndpoint => Some(HOST_ENDPOINT),
        Kind::GlobalNetworkSet | Kind::NetworkSet => Some(&["nets"]),
        _ => None,
    }
}

/// The paths of the fields that Calico does not know, as `spec.ingress[0].soure`; the API server leaves them out.
pub fn unknown(kind: Kind, object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let Some(known) = of_spec(kind) else { return found };
    let known_here = ["apiVersion", "kind", "metadata", "spec", "status"];
    surplus(object, "", &known_here, &mut found);
    let Some(spec) = object.get("spec") else { return found };
    surplus(spec, "spec.", known, &mut found);
    if kind == Kind::StagedKubernetesNetworkPolicy {
        return found;
    }
    for direction in ["ingress", "egress"].into_iter().filter(|direction| known.contains(direction)) {
        for (index, rule) in spec.get(direction).and_then(Value::as_array).into_iter().flatten().enumerate() {
            let path = format!("spec.{direction}[{index}].");
            surplus(rule, &path, RULE, &mut found);
            for side in ["source", "destination"] {
                surplus(rule.get(side).unwrap_or(&Value::Null), &format!("{path}{side}."), ENTITY, &mut found);
            }
        }
    }
    found
}

fn surplus(value: &Value, path: &str, known: &[&str], found: &mut Vec<String>) {
    for field in value.as_object().into_iter().flat_map(|object| object.keys()) {
        if !known.contains(&field.as_str()) {
            found.push(format!("{path}{field}"));
        }
    }
}
