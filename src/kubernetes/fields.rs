//! The fields that policies and Calico's other kinds have, and what a document says that is none of them: typos, mostly.
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
/// What a staged kind has beside the fields of the kind that it stands for.
const STAGED: &str = "stagedAction";
const KUBERNETES_POLICY: &[&str] = &["podSelector", "ingress", "egress", "policyTypes"];
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

const PEER: &[&str] = &["podSelector", "namespaceSelector", "ipBlock"];

/// The fields of a kind's spec (api/pkg/apis/projectcalico/v3); none where this program does not know them all.
pub fn of_spec(kind: Kind) -> Option<Vec<&'static str>> {
    let of_enforced = match kind {
        Kind::GlobalNetworkPolicy | Kind::StagedGlobalNetworkPolicy => GLOBAL_POLICY,
        Kind::NetworkPolicy | Kind::StagedNetworkPolicy => POLICY,
        Kind::KubernetesNetworkPolicy | Kind::StagedKubernetesNetworkPolicy => KUBERNETES_POLICY,
        Kind::Tier => &["order", "defaultAction"],
        Kind::HostEndpoint => HOST_ENDPOINT,
        Kind::GlobalNetworkSet | Kind::NetworkSet => &["nets"],
        _ => return None,
    };
    let is_staged = matches!(
        kind,
        Kind::StagedGlobalNetworkPolicy | Kind::StagedNetworkPolicy | Kind::StagedKubernetesNetworkPolicy
    );
    Some(of_enforced.iter().copied().chain(is_staged.then_some(STAGED)).collect())
}

/// The paths of the fields that Calico does not know, as `spec.ingress[0].soure`; the API server leaves them out.
pub fn unknown(kind: Kind, object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let Some(known) = of_spec(kind) else { return found };
    let known_here = ["apiVersion", "kind", "metadata", "spec", "status"];
    surplus(object, "", &known_here, &mut found);
    let Some(spec) = object.get("spec") else { return found };
    surplus(spec, "spec.", &known, &mut found);
    let is_kubernetes = matches!(kind, Kind::KubernetesNetworkPolicy | Kind::StagedKubernetesNetworkPolicy);
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (index, rule) in spec.get(direction).and_then(Value::as_array).into_iter().flatten().enumerate() {
            let path = format!("spec.{direction}[{index}].");
            if is_kubernetes {
                surplus(rule, &path, &[peers, "ports"], &mut found);
                for (at, peer) in rule.get(peers).and_then(Value::as_array).into_iter().flatten().enumerate() {
                    surplus(peer, &format!("{path}{peers}[{at}]."), PEER, &mut found);
                }
                continue;
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn typos_are_found_wherever_a_policy_has_fields() {
        for (kind, spec, expected) in [
            (
                Kind::NetworkPolicy,
                json!({ "ingres": [], "preDNAT": true, "ingress": [{ "acton": "Allow", "source": { "net": [] } }] }),
                vec!["spec.ingres", "spec.preDNAT", "spec.ingress[0].acton", "spec.ingress[0].source.net"],
            ),
            (
                Kind::GlobalNetworkPolicy,
                json!({ "preDNAT": true, "egress": [{}, { "destination": { "port": [80] } }] }),
                vec!["spec.egress[1].destination.port"],
            ),
            (
                Kind::KubernetesNetworkPolicy,
                json!({ "selector": {}, "ingress": [{ "to": [], "from": [{ "ipBlocks": {} }] }] }),
                vec!["spec.selector", "spec.ingress[0].to", "spec.ingress[0].from[0].ipBlocks"],
            ),
            (Kind::HostEndpoint, json!({ "interface": "eth0" }), vec!["spec.interface"]),
            (Kind::FelixConfiguration, json!({ "whatever": 1 }), vec![]),
        ] {
            assert_eq!(unknown(kind, &json!({ "metadata": {}, "spec": spec })), expected);
        }
        assert_eq!(unknown(Kind::Tier, &json!({ "specs": {} })), ["specs"]);
    }

    /// Every field that this program writes or reads is a known one.
    #[test]
    fn a_policy_with_every_field_is_clean() {
        let rule = json!({
            "action": "Allow", "ipVersion": 4, "protocol": "ICMP", "icmp": {}, "notProtocol": 1, "notICMP": {}, "http": {},
            "metadata": {}, "destination": {},
            "source": {
                "nets": [], "selector": "", "namespaceSelector": "", "services": {}, "ports": [], "notNets": [],
                "notSelector": "", "notPorts": [], "serviceAccounts": {},
            },
        });
        let spec = json!({
            "tier": "default", "order": 1, "selector": "", "types": [], "doNotTrack": false, "preDNAT": false,
            "applyOnForward": false, "serviceAccountSelector": "", "namespaceSelector": "", "performanceHints": [],
            "ingress": [rule], "egress": [rule],
        });
        assert_eq!(unknown(Kind::GlobalNetworkPolicy, &json!({ "spec": spec })), Vec::<String>::new());
        assert_eq!(unknown(Kind::StagedGlobalNetworkPolicy, &json!({ "spec": spec })), Vec::<String>::new());
        let staged = json!({ "spec": { "stagedAction": "Set" } });
        assert_eq!(unknown(Kind::StagedNetworkPolicy, &staged), Vec::<String>::new());
        assert_eq!(unknown(Kind::NetworkPolicy, &staged), ["spec.stagedAction"]);
    }
}
