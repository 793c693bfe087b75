//! Random policies, host endpoints and network sets of somebody's, as clusters have them before this tool comes.
//! Never knows what will be asked.

use serde_json::{Value, json};

use super::clusters::{APPS, Cluster, calico};
use super::random::Random;

/// Somebody's clients outside, and their ranges.
pub const CLIENTS: [&str; 3] = ["10.7.0.99", "10.8.3.4", "10.9.0.7"];
const NETS: [&str; 5] = ["10.7.0.99/32", "10.7.0.0/24", "10.8.0.0/16", "10.9.0.7/32", "0.0.0.0/0"];
const SIX_NETS: [&str; 4] = ["fd07::99/128", "fd07::/64", "fd08::/32", "::/0"];

/// Everything that somebody wrote.
pub fn of_others(random: &mut Random, cluster: &Cluster) -> Vec<Value> {
    let mut documents = Vec::new();
    if random.chance(70) {
        documents.push(lockdown(random));
    }
    for index in 0..random.between(0, 4) {
        documents.push(pod_policy(random, cluster, index));
    }
    if random.chance(20) {
        documents.extend(tier(random));
    }
    documents.extend(host_endpoints(random, cluster));
    if random.chance(15) {
        documents.extend(perimeter_by_hand(random));
    }
    for index in 0..random.between(0, 2) {
        if random.chance(45) {
            documents.push(host_policy(random, cluster, index));
        }
    }
    if random.chance(15) {
        let mut set = calico("GlobalNetworkSet", "partners", json!({ "nets": ["10.8.0.0/16"] }));
        set["metadata"]["labels"] = json!({ "partner": "yes" });
        documents.push(set);
    }
    documents
}

fn order(random: &mut Random, spec: &mut Value) {
    if let Some(order) = random.weighted(&[(3, None), (2, Some(5)), (2, Some(100)), (1, Some(3000))]) {
        spec["order"] = json!(order);
    }
}

/// The default deny of an application's namespaces.
fn lockdown(random: &mut Random) -> Value {
    let mut spec = json!({ "namespaceSelector": "has(projectcalico.org/name) && projectcalico.org/name not in {\"kube-system\"}",
                           "types": ["Ingress", "Egress"] });
    let dns = ["UDP", "TCP"].map(|protocol| {
        json!({ "action": "Allow", "protocol": protocol, "destination": { "selector": "app == 'dns'", "ports": [53] } })
    });
    spec["egress"] = json!(dns);
    if random.chance(30) {
        spec["ingress"] = json!([{ "action": "Log" }]);
    }
    if random.chance(20) {
        spec["ingress"] = json!([{ "action": "Deny" }]);
    }
    calico("GlobalNetworkPolicy", "deny-app-policy", spec)
}

fn net(random: &mut Random, cluster: &Cluster) -> &'static str {
    let nets: &[&'static str] = match (cluster.families, random.chance(50)) {
        ([true, false], _) | ([true, true], true) => &NETS,
        _ => &SIX_NETS,
    };
    random.pick::<&'static str>(nets)
}

/// The other end of a rule.
fn entity(random: &mut Random, cluster: &Cluster) -> Value {
    match random.below(6) {
        0 => json!({}),
        1 => json!({ "selector": format!("app == '{}'", random.pick(&["web", "api", "db", "client"])) }),
        2 => json!({ "namespaceSelector": format!("projectcalico.org/name == '{}'", random.pick(&["shop", "stock"])) }),
        3 => json!({ "selector": "partner == 'yes'", "namespaceSelector": "global()" }),
        _ => json!({ "nets": [net(random, cluster)] }),
    }
}

fn rule(random: &mut Random, cluster: &Cluster, list: &str, actions: &[(usize, &str)]) -> Value {
    let other = if list == "ingress" { "source" } else { "destination" };
    let mut rule = json!({ "action": random.weighted(actions), other: entity(random, cluster) });
    if random.chance(40) {
        rule["protocol"] = json!("TCP");
        rule["destination"]["ports"] = json!([random.pick(&[8080, 8081, 80])]);
    }
    rule
}

fn types(random: &mut Random) -> Value {
    random.weighted(&[(5, json!(["Ingress"])), (2, json!(["Egress"])), (2, json!(["Ingress", "Egress"]))]).clone()
}

fn rules(random: &mut Random, cluster: &Cluster, spec: &mut Value, actions: &[(usize, &str)]) {
    for (word, list) in [("Ingress", "ingress"), ("Egress", "egress")] {
        if spec["types"].as_array().unwrap().iter().any(|of| of == word) {
            let some: Vec<Value> = (0..random.between(0, 2)).map(|_| rule(random, cluster, list, actions)).collect();
            spec[list] = json!(some);
        }
    }
}

fn pod_policy(random: &mut Random, cluster: &Cluster, index: usize) -> Value {
    let (namespace, app) = *random.pick(&APPS);
    let actions = [(7, "Allow"), (2, "Deny"), (1, "Log"), (1, "Pass")];
    if random.chance(15) {
        let from = json!({ "podSelector": { "matchLabels": { "app": random.pick(&["web", "client"]) } } });
        return json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                       "metadata": { "name": format!("k8s-{index}"), "namespace": namespace },
                       "spec": { "podSelector": { "matchLabels": { "app": app } }, "policyTypes": ["Ingress"],
                                 "ingress": [{ "from": [from] }] } });
    }
    let mut spec = json!({ "selector": format!("app == '{app}'"), "types": types(random) });
    order(random, &mut spec);
    rules(random, cluster, &mut spec, &actions);
    if random.chance(25) {
        return calico("GlobalNetworkPolicy", &format!("global-{index}"), spec);
    }
    let mut policy = calico("NetworkPolicy", &format!("own-{index}"), spec);
    policy["metadata"]["namespace"] = json!(namespace);
    policy
}

/// A tier before the default one that lets most pass on.
fn tier(random: &mut Random) -> Vec<Value> {
    let (_, app) = *random.pick(&APPS);
    let action = *random.pick(&["Pass", "Deny", "Allow"]);
    let ingress = json!([{ "action": action, "source": { "nets": ["10.9.0.7/32"] } }, { "action": "Pass" }]);
    let spec =
        json!({ "tier": "security", "selector": format!("app == '{app}'"), "types": ["Ingress"], "ingress": ingress });
    vec![calico("Tier", "security", json!({ "order": 100 })), calico("GlobalNetworkPolicy", "security.first", spec)]
}

fn host_endpoints(random: &mut Random, cluster: &Cluster) -> Vec<Value> {
    let style = *random.weighted(&[(6, "none"), (3, "eth0"), (2, "*"), (2, "auto"), (1, "some")]);
    let mut documents = Vec::new();
    let labelled = random.chance(70);
    for (index, (node, [subnet, last])) in cluster.nodes.iter().enumerate() {
        if style == "none" || (style == "some" && index == 0) {
            continue;
        }
        let mut ips = Vec::new();
        if cluster.families[0] {
            ips.push(format!("192.0.{subnet}.{last}"));
        }
        if cluster.families[1] {
            ips.push(format!("fd00:{subnet}::{last}"));
        }
        let interface = if matches!(style, "*" | "auto") { "*" } else { "eth0" };
        let mut spec = json!({ "node": node, "interfaceName": interface, "expectedIPs": ips });
        if style == "auto" || random.chance(75) {
            spec["profiles"] = json!(["projectcalico-default-allow"]);
        }
        let mut endpoint =
            calico("HostEndpoint", &format!("{node}-{}", if style == "auto" { "auto-hep" } else { "host" }), spec);
        let mut labels = json!({ "host": "yes" });
        if labelled {
            labels["nodeport-external-ingress"] = json!("true");
        }
        if style == "auto" {
            labels["projectcalico.org/created-by"] = json!("calico-kube-controllers");
        }
        endpoint["metadata"]["labels"] = labels;
        documents.push(endpoint);
    }
    documents
}

/// The article's perimeter, as people have written it after it.
fn perimeter_by_hand(random: &mut Random) -> Vec<Value> {
    let inside = json!({ "action": "Allow", "source": { "nets": ["192.0.0.0/16", "10.20.0.0/16"] } });
    let mut ingress = vec![inside];
    if random.chance(40) {
        ingress.push(json!({ "action": "Log" }));
    }
    ingress.push(json!({ "action": "Deny" }));
    let selector = "has(nodeport-external-ingress)";
    let before = json!({ "order": 20, "preDNAT": true, "applyOnForward": true, "types": ["Ingress"], "selector": selector,
                         "ingress": ingress });
    let egress = json!({ "order": 10, "types": ["Egress"], "selector": selector, "egress": [{ "action": "Allow" }] });
    vec![
        calico("GlobalNetworkPolicy", "allow-cluster-internal-ingress-only", before),
        calico("GlobalNetworkPolicy", "allow-outbound-external", egress),
    ]
}

/// Somebody's policy for hosts: before DNAT, for what is forwarded, or for the hosts themselves.
fn host_policy(random: &mut Random, cluster: &Cluster, index: usize) -> Value {
    let hook = *random.pick(&["preDNAT", "forward", "host"]);
    let mut spec = json!({ "selector": "host == 'yes'", "types": ["Ingress"] });
    order(random, &mut spec);
    let actions = [(3, "Allow"), (3, "Deny"), (2, "Pass")];
    rules(random, cluster, &mut spec, &actions);
    match hook {
        "preDNAT" => {
            spec["preDNAT"] = json!(true);
            spec["applyOnForward"] = json!(true);
        }
        _ => {
            spec["applyOnForward"] = json!(hook == "forward");
            let mut last = spec["ingress"].as_array().cloned().unwrap_or_default();
            last.push(json!({ "action": "Allow" }));
            spec["ingress"] = json!(last);
        }
    }
    calico("GlobalNetworkPolicy", &format!("hosts-{index}"), spec)
}
