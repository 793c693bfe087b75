//! Exposures on small clusters of every kind: who passes, who does not, and what is refused.
//! Never writes.

use super::super::perimeter::Shape;
use super::super::perimeter::doors::{Pass, Try};
use super::super::revoke::{Which, revoke};
use super::super::simulate::simulate;
use super::super::target::Target;
use super::super::testing::{notes, said, steps};
use super::super::{Plan, PlanError, Risk, ports};
use super::{Ask, expose};
use crate::evaluate::path::{Question, walk};
use crate::model::flow::{Checkpoint, HopAction, Verdict, together};
use crate::model::intent::Way;
use crate::model::world::World;
use crate::testing::packet;

mod found;

/// What `expose-nodeport SERVICE --from FROM` asks for.
pub fn ask(service: &str, from: &[&str]) -> Ask {
    Ask {
        service: Target::parse(service, None).unwrap(),
        way: Way::NodePort,
        from: from.iter().map(|from| Target::parse(from, None).unwrap()).collect(),
        ports: None,
        node_port: None,
        address: None,
        advertise: None,
        peer: None,
        nodes: None,
        shape: Shape::default(),
        reason: None,
        accepted: Vec::new(),
    }
}

pub fn exposed(world: &World, ask: &Ask) -> (Plan, World) {
    let (plan, _) = expose(world, ask).unwrap_or_else(|error| panic!("{}", said(&error)));
    let after = simulate(world, &plan.steps).unwrap();
    super::super::testing::nothing_behind(&after);
    (plan, after)
}

pub fn refusal(world: &World, ask: &Ask) -> String {
    match expose(world, ask) {
        Err(error @ PlanError::Refused { .. }) => said(&error),
        other => panic!("{other:?}"),
    }
}

/// The verdict of all ways of a packet.
pub fn verdict(world: &World, text: &str) -> Verdict {
    together(&walk(world, &Question { packet: packet(text), entry: None }))
}

/// Whether a packet is stopped before DNAT on every way.
pub fn stopped_at_the_edge(world: &World, text: &str) -> bool {
    let ways = walk(world, &Question { packet: packet(text), entry: None });
    ways.iter()
        .all(|path| path.hops.iter().any(|hop| hop.checkpoint == Checkpoint::PreDnat && hop.action == HopAction::Deny))
}

/// Whether a packet reaches a backend by any way.
pub fn reaches(world: &World, text: &str) -> bool {
    let one = Try { packet: packet(text), entry: None, node: String::new() };
    match one.passes(world) {
        Pass::Yes => true,
        Pass::No => false,
        Pass::Unknown(why) => panic!("{text}: {why}"),
    }
}

/// How packets get from node to node: the pool's fields, and each node's annotations.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    name: &'static str,
    pool: &'static str,
    nodes: [&'static str; 2],
}

pub const PLAIN: Wire = Wire { name: "none", pool: "", nodes: ["", ""] };
const IPIP: [&str; 2] =
    [", projectcalico.org/IPv4IPIPTunnelAddr: 10.20.1.1", ", projectcalico.org/IPv4IPIPTunnelAddr: 10.20.2.1"];
pub const WIRES: [Wire; 6] = [
    PLAIN,
    Wire { name: "IPIP", pool: ", ipipMode: Always", nodes: IPIP },
    Wire { name: "CrossSubnet", pool: ", ipipMode: CrossSubnet", nodes: IPIP },
    Wire {
        name: "VXLAN",
        pool: ", vxlanMode: Always",
        nodes: [
            ", projectcalico.org/IPv4VXLANTunnelAddr: 10.20.1.1",
            ", projectcalico.org/IPv4VXLANTunnelAddr: 10.20.2.1",
        ],
    },
    Wire {
        name: "WireGuard",
        pool: "",
        nodes: [
            ", projectcalico.org/IPv4WireguardInterfaceAddr: 10.20.1.1, projectcalico.org/WireguardPublicKey: a",
            ", projectcalico.org/IPv4WireguardInterfaceAddr: 10.20.2.1, projectcalico.org/WireguardPublicKey: b",
        ],
    },
    Wire {
        name: "WireGuard with host encryption",
        pool: "",
        nodes: [", projectcalico.org/WireguardPublicKey: a", ", projectcalico.org/WireguardPublicKey: b"],
    },
];

const NODE1: &str = "192.0.2.11";

/// Two nodes, a locked namespace with a pod of `web` (ClusterIP) on the second and a pod of `api` (NodePort) on the first.
pub fn documents(wire: Wire, node2: &str, policy: &str) -> String {
    let node = |name: &str, ip: &str, more: &str| {
        format!(
            "{{kind: Node, apiVersion: v1, metadata: {{name: {name}, labels: {{edge: {name}}}, annotations: {{projectcalico.org/IPv4Address: {ip}/24{more}}}}}, status: {{addresses: [{{type: InternalIP, address: {ip}}}]}}}}"
        )
    };
    let pod = |app: &str, ip: &str, node: &str| {
        format!(
            "{{kind: Pod, apiVersion: v1, metadata: {{name: {app}-1, namespace: shop, labels: {{app: {app}}}}}, spec: {{nodeName: {node}, containers: [{{name: c}}]}}, status: {{phase: Running, podIP: {ip}, conditions: [{{type: Ready, status: \"True\"}}]}}}}"
        )
    };
    let service = |app: &str, spec: &str| {
        format!(
            "{{kind: Service, apiVersion: v1, metadata: {{name: {app}, namespace: shop}}, spec: {{externalTrafficPolicy: {policy}, selector: {{app: {app}}}, {spec}}}}}"
        )
    };
    let pool = wire.pool;
    [
        "{kind: ClusterInformation, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {calicoVersion: v3.28.0}}".to_string(),
        format!("{{kind: IPPool, apiVersion: projectcalico.org/v3, metadata: {{name: pods}}, spec: {{cidr: 10.20.0.0/16, natOutgoing: true{pool}}}}}"),
        r#"{kind: ConfigMap, apiVersion: v1, metadata: {name: kube-proxy, namespace: kube-system}, data: {config.conf: "mode: iptables\nclusterCIDR: 10.20.0.0/16"}}"#.to_string(),
        node("n1", NODE1, wire.nodes[0]),
        node("n2", node2, wire.nodes[1]),
        "{kind: Namespace, apiVersion: v1, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}}".to_string(),
        pod("web", "10.20.2.20", "n2"),
        pod("api", "10.20.1.30", "n1"),
        service("web", "type: ClusterIP, clusterIP: 10.21.0.20, ports: [{port: 80, targetPort: 8080}]"),
        service("api", "type: NodePort, clusterIP: 10.21.0.30, ports: [{port: 443, targetPort: 8443, nodePort: 31443}]"),
        String::new(),
    ]
    .join("\n---\n")
}

pub const LOCK: &str = r#"
{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: lock}, spec: {namespaceSelector: 'has(projectcalico.org/name) && projectcalico.org/name not in {"kube-system"}', types: [Ingress, Egress]}}
---
"#;

/// The cluster with plain routing, locked, and with more documents.
pub fn locked(more: &str) -> World {
    crate::testing::world(&format!("{}{LOCK}{more}", documents(PLAIN, "192.0.2.12", "Cluster")))
}

#[test]
fn the_client_passes_by_every_node_and_nobody_else_by_any_whatever_the_wire() {
    for wire in WIRES {
        for (node2, policy) in [("192.0.2.12", "Cluster"), ("192.0.3.12", "Cluster"), ("192.0.2.12", "Local")] {
            for interface in [None, Some("eth0"), Some("*")] {
                let world = crate::testing::world(&format!("{}{LOCK}", documents(wire, node2, policy)));
                let shape = Shape { interface: interface.map(str::to_string), ..Shape::default() };
                let asked = Ask { shape, ..ask("shop/web", &["10.7.0.99"]) };
                let (plan, after) = exposed(&world, &asked);
                let case = format!("{} {policy} {node2} {interface:?}: {}", wire.name, notes(&plan));
                let serving: &[&str] = if policy == "Local" { &[node2] } else { &[NODE1, node2] };
                for node in serving {
                    let flow = format!("10.7.0.99 -> {node} tcp:30000");
                    assert_eq!(verdict(&after, &flow), Verdict::Allow, "{flow} {case}");
                }
                for node in [NODE1, node2] {
                    for (client, port) in [
                        ("10.7.0.98", 30000),
                        ("10.7.0.100", 30000),
                        ("203.0.113.9", 30000),
                        ("10.7.0.99", 30001),
                        ("203.0.113.9", 31443),
                    ] {
                        let flow = format!("{client} -> {node} tcp:{port}");
                        assert!(stopped_at_the_edge(&after, &flow), "{flow} {case}");
                    }
                    for flow in [format!("203.0.113.9 -> {node} tcp:22"), format!("203.0.113.9 -> {node} tcp:443")] {
                        assert_eq!(verdict(&after, &flow), Verdict::Allow, "{flow} {case}");
                    }
                }
                assert_eq!(steps(&exposed(&after, &asked).0), Vec::<String>::new(), "{case}");
            }
        }
    }
}

#[test]
fn the_pods_let_in_what_they_really_see() {
    let sources = |wire: Wire, policy: &str| {
        let world = crate::testing::world(&format!("{}{LOCK}", documents(wire, "192.0.2.12", policy)));
        let (_, after) = exposed(&world, &ask("shop/web", &["10.7.0.99"]));
        let set = after.network_sets.iter().find(|set| set.name == "zerotrust-nodes").unwrap();
        let all = ["10.7.0.99", "192.0.2.11", "10.20.1.1", "10.7.0.98", "10.20.1.30"];
        let enters = |source: &&str| {
            let packet = packet(&format!("{source} -> 10.20.2.20 tcp:8080"));
            let judged = crate::evaluate::policy::judge_pod(
                &after,
                &after.pods[0],
                crate::model::policy::Direction::Ingress,
                &packet,
            );
            judged.action == HopAction::Allow
        };
        assert_eq!(after.pods[0].name, "web-1");
        (all.into_iter().filter(enters).collect::<Vec<_>>(), set.nets.len())
    };
    assert_eq!(sources(PLAIN, "Cluster"), (vec!["10.7.0.99", "192.0.2.11"], 2));
    assert_eq!(sources(WIRES[4], "Cluster"), (vec!["10.7.0.99", "192.0.2.11", "10.20.1.1"], 4));
    assert_eq!(sources(WIRES[1], "Local"), (vec!["10.7.0.99"], 4), "with Local no node address is let in");
}

#[test]
fn doors_come_last_and_what_closes_comes_first() {
    let (plan, _) = exposed(&locked(""), &ask("shop/web", &["10.7.0.99"]));
    assert_eq!(
        steps(&plan),
        [
            "GlobalNetworkSet zerotrust-nodes",
            "GlobalNetworkPolicy zerotrust-perimeter",
            "HostEndpoint zerotrust-n1",
            "HostEndpoint zerotrust-n2",
            "NetworkPolicy shop/zerotrust-web-ingress",
            "Service shop/web",
        ]
    );
    let world = locked("");
    for done in 0..=plan.steps.len() {
        let so_far = simulate(&world, &plan.steps[..done]).unwrap();
        for node in [NODE1, "192.0.2.12"] {
            assert!(!reaches(&so_far, &format!("10.7.0.98 -> {node} tcp:30000")), "after {done} steps");
        }
    }
}

#[test]
fn another_services_open_door_stays_open_unless_it_is_asked_to_close() {
    let open = "{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: api, namespace: shop}, spec: {selector: app == 'api', types: [Ingress], ingress: [{action: Allow}]}}";
    let world = locked(open);
    let flow = "203.0.113.9 -> 192.0.2.12 tcp:31443";
    assert!(reaches(&world, flow));
    let (plan, after) = exposed(&world, &ask("shop/web", &["10.7.0.99"]));
    assert!(reaches(&after, flow), "{}", notes(&plan));
    assert!(notes(&plan).contains("found open, and kept so: node port 31443 (TCP) of shop/api"), "{}", notes(&plan));
    let shape = Shape { close_others: true, ..Shape::default() };
    let (plan, closed) = exposed(&world, &Ask { shape, ..ask("shop/web", &["10.7.0.99"]) });
    assert!(!reaches(&closed, flow));
    assert!(notes(&plan).contains("close to all clients outside without a grant: node port 31443"), "{}", notes(&plan));
    let (_, granted) = exposed(&after, &ask("shop/api", &["10.8.0.1"]));
    assert!(!reaches(&granted, flow), "with a grant of its own the door is for its clients alone");
    assert!(reaches(&granted, "10.8.0.1 -> 192.0.2.12 tcp:31443"));
}

#[test]
fn a_door_that_is_open_for_some_stays_open_for_them_alone() {
    let open = "{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: api, namespace: shop}, spec: {selector: app == 'api', types: [Ingress], ingress: [{action: Allow, source: {nets: [10.9.0.7/32]}}]}}";
    let world = crate::testing::world(&format!("{}{LOCK}{open}", documents(PLAIN, "192.0.2.12", "Local")));
    let (_, after) = exposed(&world, &ask("shop/web", &["10.7.0.99"]));
    assert!(reaches(&after, "10.9.0.7 -> 192.0.2.11 tcp:31443"));
    assert!(stopped_at_the_edge(&after, "10.9.0.8 -> 192.0.2.11 tcp:31443"));
}

#[test]
fn a_pod_with_the_perimeters_labels_gains_nothing() {
    let label = "labels: {app: web}";
    let text = documents(PLAIN, "192.0.2.12", "Cluster")
        .replace(label, "labels: {app: web, kubectl-zerotrust/nodes: \"true\", kubectl-zerotrust/perimeter: \"true\"}");
    let world = crate::testing::world(&format!("{text}{LOCK}"));
    let (_, after) = exposed(&world, &ask("shop/api", &["10.7.0.99"]));
    assert_ne!(verdict(&after, "10.20.2.20 -> 10.20.1.30 tcp:8443"), Verdict::Allow);
}

#[test]
fn an_explicit_deny_of_somebody_is_not_overridden() {
    let deny = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: no-partner}, spec: {order: 5, selector: app == 'web', types: [Ingress], ingress: [{action: Deny, source: {nets: [10.7.0.0/24]}}]}}";
    let said = refusal(&locked(deny), &ask("shop/web", &["10.7.0.99"]));
    assert!(said.contains("rule 0 of ingress in GlobalNetworkPolicy no-partner"), "{said}");
    let edge = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: edge-deny}, spec: {order: 5, selector: has(host), preDNAT: true, applyOnForward: true, types: [Ingress], ingress: [{action: Deny, source: {nets: [10.7.0.0/24]}}]}}\n---\n{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {name: n1-eth0, labels: {host: a}}, spec: {node: n1, interfaceName: eth0, expectedIPs: [192.0.2.11], profiles: [projectcalico-default-allow]}}";
    let said = refusal(&locked(edge), &ask("shop/web", &["10.7.0.99"]));
    assert!(said.contains("edge-deny"), "{said}");
}

#[test]
fn a_policy_that_would_lock_the_nodes_with_their_new_host_endpoints_is_named() {
    let everything = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: deny-all}, spec: {selector: all(), types: [Ingress, Egress]}}";
    let said = refusal(&locked(everything), &ask("shop/web", &["10.7.0.99"]));
    assert!(said.contains("would cut") && said.contains("deny-all"), "{said}");
}

/// The walkthrough's perimeter: eth0 of one node, everything denied but for the cluster's own addresses.
const BY_HAND: &str = r#"
{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: allow-cluster-internal-ingress-only}, spec: {order: 20, preDNAT: true, applyOnForward: true, types: [Ingress], selector: has(nodeport-external-ingress), ingress: [{action: Allow, source: {nets: [192.0.2.0/24, 10.20.0.0/16]}}, {action: Log}, {action: Deny}]}}
---
{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: allow-outbound-external}, spec: {order: 10, types: [Egress], selector: has(nodeport-external-ingress), egress: [{action: Allow}]}}
---
{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {name: n1-eth0, labels: {nodeport-external-ingress: "true"}}, spec: {node: n1, interfaceName: eth0, expectedIPs: [192.0.2.11]}}
"#;

#[test]
fn a_perimeter_made_by_hand_is_patched_before_its_log_and_completed_where_it_has_holes() {
    let (plan, after) = exposed(&locked(BY_HAND), &ask("shop/web", &["10.7.0.99"]));
    let all = steps(&plan);
    assert!(all.contains(&"GlobalNetworkPolicy allow-cluster-internal-ingress-only".to_string()), "{all:?}");
    assert!(all.contains(&"HostEndpoint zerotrust-n2".to_string()), "{all:?}");
    assert!(!all.contains(&"HostEndpoint zerotrust-n1".to_string()), "never a second one: {all:?}");
    let written = |world: &World| {
        let of = |id: &&crate::model::policy::PolicyId| id.name == "allow-cluster-internal-ingress-only";
        world.written.iter().find(|(id, _)| of(id)).map(|(_, written)| written.spec.clone()).unwrap()
    };
    let actions: Vec<String> = written(&after).ingress.iter().map(|rule| rule.action.clone()).collect();
    assert_eq!(actions, ["Allow", "Allow", "Log", "Deny"]);
    for node in [NODE1, "192.0.2.12"] {
        assert_eq!(verdict(&after, &format!("10.7.0.99 -> {node} tcp:30000")), Verdict::Allow);
        assert!(stopped_at_the_edge(&after, &format!("10.7.0.98 -> {node} tcp:30000")));
    }
    let more = BY_HAND.replace("n1", "n2").replace("192.0.2.11", "192.0.2.12");
    let second = more.split("---").last().unwrap();
    let (plan, _) = exposed(&locked(&format!("{BY_HAND}---{second}")), &ask("shop/web", &["10.7.0.99"]));
    assert_eq!(
        steps(&plan),
        [
            "GlobalNetworkSet zerotrust-nodes",
            "GlobalNetworkPolicy allow-cluster-internal-ingress-only",
            "NetworkPolicy shop/zerotrust-web-ingress",
            "Service shop/web"
        ],
        "one that is whole needs no other"
    );
}

#[test]
fn what_is_taken_back_is_what_was_given_and_the_type_of_the_service_too() {
    let world = locked("");
    let (_, one) = exposed(&world, &ask("shop/web", &["10.7.0.99"]));
    let (_, two) = exposed(&one, &ask("shop/web", &["10.8.0.1"]));
    let ids: Vec<String> = super::super::revoke::grants(&two).into_iter().map(|info| info.id).collect();
    assert_eq!(ids.len(), 2);
    let first = revoke(&two, &Which::Id(ids[0].clone())).unwrap();
    assert!(!steps(&first).contains(&"Service shop/web".to_string()), "{}", notes(&first));
    let left = simulate(&two, &first.steps).unwrap();
    let second = revoke(&left, &Which::Id(ids[1].clone())).unwrap();
    assert_eq!(steps(&second)[0], "Service shop/web", "the door goes first");
    let end = simulate(&left, &second.steps).unwrap();
    assert_eq!(end.services, world.services);
    assert_eq!(super::super::revoke::grants(&end), []);
    let ours = |world: &World| world.written.keys().filter(|id| id.name != "lock").cloned().collect::<Vec<_>>();
    assert_eq!(ours(&end).len(), 1, "the perimeter stays: {:?}", ours(&end));
    assert!(stopped_at_the_edge(&end, "10.7.0.99 -> 192.0.2.11 tcp:30000"));
}

#[test]
fn only_the_chosen_nodes_let_clients_in() {
    let asked = Ask { nodes: Some("edge=n2".into()), ..ask("shop/web", &["10.7.0.99"]) };
    let (_, after) = exposed(&locked(""), &asked);
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.12 tcp:30000"), Verdict::Allow);
    assert!(stopped_at_the_edge(&after, "10.7.0.99 -> 192.0.2.11 tcp:30000"));
    let nobody = Ask { nodes: Some("edge=n9".into()), ..ask("shop/web", &["10.7.0.99"]) };
    assert!(matches!(expose(&locked(""), &nobody), Err(PlanError::Unresolved { .. })));
}

#[test]
fn addresses_stand_in_the_rules_where_that_is_asked_or_a_set_would_widen_somebodys_rule() {
    let shape = Shape { inline: true, ..Shape::default() };
    let (plan, after) = exposed(&locked(""), &Ask { shape, ..ask("shop/web", &["10.7.0.99"]) });
    assert!(!steps(&plan).iter().any(|step| step.starts_with("GlobalNetworkSet")), "{:?}", steps(&plan));
    for node in [NODE1, "192.0.2.12"] {
        assert_eq!(verdict(&after, &format!("10.7.0.99 -> {node} tcp:30000")), Verdict::Allow);
        assert!(stopped_at_the_edge(&after, &format!("10.7.0.98 -> {node} tcp:30000")));
    }
    let wide = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: inside}, spec: {order: 9, selector: app == 'api', types: [Ingress], ingress: [{action: Allow, source: {selector: all()}}]}}";
    let (plan, after) = exposed(&locked(wide), &ask("shop/web", &["10.7.0.99"]));
    assert!(!steps(&plan).iter().any(|step| step.starts_with("GlobalNetworkSet")), "{:?}", steps(&plan));
    assert!(notes(&plan).contains("rule 0 of GlobalNetworkPolicy inside"), "{}", notes(&plan));
    assert!(!reaches(&after, "203.0.113.9 -> 192.0.2.12 tcp:31443"));
}

#[test]
fn pods_that_could_not_be_seen_are_not_taken_for_none() {
    let mut world = crate::testing::world(&documents(PLAIN, "192.0.2.12", "Cluster"));
    let (place, reason) = ("pods".to_string(), "forbidden".to_string());
    world.gaps.push(crate::model::world::Gap {
        hides: crate::model::world::Hidden::Addresses,
        namespace: None,
        place,
        reason,
    });
    let error = expose(&world, &ask("shop/web", &["10.7.0.99"])).unwrap_err();
    assert!(matches!(error, PlanError::Unknown { .. }), "{error:?}");
}

#[test]
fn without_pods_the_plan_is_for_those_to_come() {
    let text = documents(PLAIN, "192.0.2.12", "Cluster");
    let without: Vec<&str> = text.split("\n---\n").filter(|document| !document.contains("name: web-1")).collect();
    let world = crate::testing::world(&format!("{}{LOCK}", without.join("\n---\n")));
    let (plan, after) = exposed(&world, &ask("shop/web", &["10.7.0.99"]));
    assert!(notes(&plan).contains("no pod of"), "{}", notes(&plan));
    assert_eq!(after.services[&("shop".to_string(), "web".to_string())].kind, "NodePort");
}

#[test]
fn node_ports_are_free_or_refused() {
    let number = |number: u16| Ask { node_port: Some(number), ..ask("shop/web", &["10.7.0.99"]) };
    let (_, after) = exposed(&locked(""), &number(32127));
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.11 tcp:32127"), Verdict::Allow);
    assert!(refusal(&locked(""), &number(31443)).contains("taken by Service shop/api"));
    assert!(matches!(expose(&locked(""), &number(80)), Err(PlanError::Usage { .. })));
    let other = Ask { node_port: Some(31000), ..ask("shop/api", &["10.7.0.99"]) };
    assert!(matches!(expose(&locked(""), &other), Err(PlanError::Usage { .. })));
}

#[test]
fn what_is_no_service_or_no_client_outside_is_refused() {
    let world = locked("");
    assert!(refusal(&world, &ask("shop/web", &["10.20.1.30"])).contains("inside the cluster"));
    assert!(refusal(&world, &ask("shop/web", &["192.0.2.11"])).contains("inside the cluster"));
    assert!(matches!(expose(&world, &ask("shop/pod/web-1", &["10.7.0.99"])), Err(PlanError::Usage { .. })));
    assert!(matches!(expose(&world, &ask("shop/web", &["shop/api"])), Err(PlanError::Usage { .. })));
    let headless = "{kind: Service, apiVersion: v1, metadata: {name: bare, namespace: shop}, spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80}]}}";
    assert!(refusal(&locked(headless), &ask("shop/bare", &["10.7.0.99"])).contains("headless"));
}

#[test]
fn everybody_outside_is_who_is_meant_without_a_client() {
    let (_, after) = exposed(&locked(""), &ask("shop/web", &[]));
    for client in ["10.7.0.99", "203.0.113.9"] {
        for node in [NODE1, "192.0.2.12"] {
            assert_eq!(verdict(&after, &format!("{client} -> {node} tcp:30000")), Verdict::Allow);
            assert!(stopped_at_the_edge(&after, &format!("{client} -> {node} tcp:31443")));
        }
    }
}

#[test]
fn an_interface_that_may_be_any_is_unknown_and_never_yes() {
    let eth1 = "{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {name: n1-eth1}, spec: {node: n1, interfaceName: eth1, profiles: [projectcalico-default-allow]}}";
    let result = expose(&locked(eth1), &ask("shop/web", &["10.7.0.99"]));
    assert!(matches!(&result, Err(PlanError::Unknown { reason, .. }) if reason.contains("n1-eth1")), "{result:?}");
}

#[test]
fn with_the_ebpf_dataplane_the_pods_see_the_client_and_no_node_is_let_in() {
    let bpf = "{kind: FelixConfiguration, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {bpfEnabled: true}}";
    let (plan, after) = exposed(&locked(bpf), &ask("shop/web", &["10.7.0.99"]));
    assert_eq!(steps(&plan), ["NetworkPolicy shop/zerotrust-web-ingress", "Service shop/web"]);
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.11 tcp:30000"), Verdict::Allow);
    assert!(!reaches(&after, "10.7.0.98 -> 192.0.2.11 tcp:30000"));
}

#[test]
fn one_of_several_ports_is_opened_alone() {
    let two = "{kind: Service, apiVersion: v1, metadata: {name: both, namespace: shop}, spec: {type: NodePort, clusterIP: 10.21.0.40, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30080}, {name: admin, port: 81, targetPort: 8081, nodePort: 30081}]}}";
    let asked = Ask { ports: ports::parse(&["http"]).unwrap(), ..ask("shop/both", &["10.7.0.99"]) };
    let (_, after) = exposed(&locked(two), &asked);
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.11 tcp:30080"), Verdict::Allow);
    assert!(stopped_at_the_edge(&after, "10.7.0.99 -> 192.0.2.11 tcp:30081"));
}

#[test]
fn an_accepted_risk_goes_on_and_is_said() {
    let eth1 = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: open-edge}, spec: {order: 1, selector: '!has(projectcalico.org/namespace)', preDNAT: true, applyOnForward: true, types: [Ingress], ingress: [{action: Allow}]}}";
    let said = refusal(&locked(eth1), &ask("shop/web", &["10.7.0.99"]));
    assert!(said.contains("would pass by node n1 too") && said.contains("externalTrafficPolicy: Local"), "{said}");
    let accepted = vec![Risk::OpenToAllClientsOfNodes];
    let (plan, _) = exposed(&locked(eth1), &Ask { accepted, ..ask("shop/web", &["10.7.0.99"]) });
    assert!(notes(&plan).contains("(accepted)"), "{}", notes(&plan));
}

#[test]
fn host_policy_that_denies_the_clients_is_not_skipped() {
    let edge = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: edge-forward}, spec: {order: 5, selector: has(host), applyOnForward: true, types: [Ingress], ingress: [{action: Deny, source: {nets: [10.7.0.0/24]}}, {action: Allow}]}}\n---\n{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {name: n1-eth0, labels: {host: a}}, spec: {node: n1, interfaceName: eth0, expectedIPs: [192.0.2.11], profiles: [projectcalico-default-allow]}}";
    let said = refusal(&locked(edge), &ask("shop/web", &["10.7.0.99"]));
    assert!(said.contains("edge-forward") && said.contains("forward-ingress"), "{said}");
    let (_, after) = exposed(&locked(edge), &ask("shop/web", &["10.8.0.1"]));
    assert_eq!(verdict(&after, "10.8.0.1 -> 192.0.2.11 tcp:30000"), Verdict::Allow);
}

/// A Service of type LoadBalancer for the pod of `web`, with what comes behind it.
pub fn balanced(more: &str) -> String {
    format!(
        "{{kind: Service, apiVersion: v1, metadata: {{name: lb, namespace: shop}}, spec: {{type: LoadBalancer, clusterIP: 10.21.0.50, selector: {{app: web}}, ports: [{{port: 80, targetPort: 8080, nodePort: 32127}}]{more}}}, status: {{loadBalancer: {{ingress: [{{ip: 192.0.2.200}}]}}}}}}"
    )
}

pub fn by(way: Way, service: &str, from: &[&str]) -> Ask {
    Ask { way, ..ask(service, from) }
}

#[test]
fn a_load_balancers_address_is_opened_on_every_node_and_its_node_port_is_not() {
    let (plan, after) = exposed(&locked(&balanced("")), &by(Way::LoadBalancer, "shop/lb", &["10.7.0.99"]));
    assert!(notes(&plan).contains("clients reach it at 192.0.2.200 port 80 (TCP)"), "{}", notes(&plan));
    for node in ["n1", "n2"] {
        let at =
            |text: &str| together(&walk(&after, &Question { packet: packet(text), entry: Some(node.to_string()) }));
        assert_eq!(at("10.7.0.99 -> 192.0.2.200 tcp:80"), Verdict::Allow, "{node}");
        assert_eq!(at("10.7.0.98 -> 192.0.2.200 tcp:80"), Verdict::Deny, "{node}");
    }
    assert!(stopped_at_the_edge(&after, "10.7.0.99 -> 192.0.2.11 tcp:32127"));
    let (again, _) = exposed(&after, &by(Way::LoadBalancer, "shop/lb", &["10.7.0.99"]));
    assert_eq!(steps(&again), Vec::<String>::new());
    let (_, both) = exposed(&after, &ask("shop/lb", &["10.8.0.1"]));
    assert_eq!(verdict(&both, "10.8.0.1 -> 192.0.2.11 tcp:32127"), Verdict::Allow);
    assert!(stopped_at_the_edge(&both, "10.8.0.1 -> 192.0.2.200 tcp:80"), "each door has its own clients");
}

#[test]
fn a_service_becomes_a_load_balancers_where_the_address_is_known_before() {
    let waiting = by(Way::LoadBalancer, "shop/web", &["10.7.0.99"]);
    assert!(matches!(expose(&locked(""), &waiting), Err(PlanError::Unknown { .. })));
    let asked = Ask { address: "192.0.2.201".parse().ok(), ..waiting };
    let (plan, after) = exposed(&locked(""), &asked);
    assert_eq!(steps(&plan).last().unwrap(), "Service shop/web");
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.201 tcp:80"), Verdict::Allow);
    assert!(stopped_at_the_edge(&after, "10.7.0.98 -> 192.0.2.201 tcp:80"));
    let id = super::super::revoke::grants(&after)[0].id.clone();
    let back = simulate(&after, &revoke(&after, &Which::Id(id)).unwrap().steps).unwrap();
    assert_eq!(back.services[&("shop".to_string(), "web".to_string())].kind, "ClusterIP");
}

#[test]
fn load_balancer_source_ranges_that_leave_the_client_out_are_said() {
    let world = locked(&balanced(", loadBalancerSourceRanges: [10.9.0.0/16]"));
    let said = refusal(&world, &by(Way::LoadBalancer, "shop/lb", &["10.7.0.99"]));
    assert!(said.contains("loadBalancerSourceRanges"), "{said}");
}

#[test]
fn health_checks_of_load_balancers_stay_answered() {
    let world = locked(&balanced(", externalTrafficPolicy: Local, healthCheckNodePort: 31999"));
    let (_, after) = exposed(&world, &by(Way::LoadBalancer, "shop/lb", &["10.7.0.99"]));
    assert_eq!(verdict(&after, "203.0.113.9 -> 192.0.2.11 tcp:31999"), Verdict::Allow);
    assert!(stopped_at_the_edge(&after, "203.0.113.9 -> 192.0.2.11 tcp:31998"));
}

#[test]
fn the_range_that_load_balancers_give_addresses_from_is_closed() {
    let pool = "{kind: IPAddressPool, apiVersion: metallb.io/v1beta1, metadata: {name: edge, namespace: metallb-system}, spec: {addresses: [198.51.100.0/25]}}";
    let (_, after) = exposed(&locked(pool), &ask("shop/web", &["10.7.0.99"]));
    let perimeter = after.written.iter().find(|(id, _)| id.name == "zerotrust-perimeter").unwrap().1;
    let closed = |rule: &&crate::model::spec::RuleSpec| rule.destination.nets.contains(&"198.51.100.0/25".to_string());
    let rule = perimeter.spec.ingress.iter().find(closed).expect("a rule for the range");
    assert_eq!(rule.action, "Deny");
    assert!(rule.source.not_nets.contains(&"10.20.0.0/16".to_string()), "pods are no strangers");
}

const FABRIC: &str = "{kind: BGPConfiguration, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {serviceClusterIPs: [{cidr: 10.21.0.0/16}]}}";

#[test]
fn an_advertised_address_is_opened_alone_and_the_rest_of_its_range_is_closed() {
    let (_, after) = exposed(&locked(FABRIC), &by(Way::Bgp, "shop/web", &["10.30.0.0/16"]));
    assert_eq!(verdict(&after, "10.30.4.4 -> 10.21.0.20 tcp:80"), Verdict::Allow);
    assert!(stopped_at_the_edge(&after, "10.31.0.1 -> 10.21.0.20 tcp:80"));
    assert!(stopped_at_the_edge(&after, "10.30.4.4 -> 10.21.0.30 tcp:443"), "another Service of the range");
    assert!(stopped_at_the_edge(&after, "10.30.4.4 -> 10.21.0.20 tcp:81"), "another port");
}

#[test]
fn an_address_is_advertised_only_where_that_is_asked_and_taken_back_with_the_grant() {
    let asked = by(Way::Bgp, "shop/web", &["10.30.0.0/16"]);
    assert!(refusal(&locked(""), &asked).contains("--advertise cluster"));
    let peer = super::PeerAsked { address: "192.0.2.254".parse().unwrap(), number: 65531 };
    let asked = Ask { advertise: Some(crate::model::world::ServiceAddress::Cluster), peer: Some(peer), ..asked };
    let (plan, after) = exposed(&locked(""), &asked);
    let all = steps(&plan);
    assert_eq!(all[all.len() - 2..], ["BGPConfiguration default", "BGPPeer zerotrust-192-0-2-254"]);
    assert_eq!(verdict(&after, "10.30.4.4 -> 10.21.0.20 tcp:80"), Verdict::Allow);
    assert_eq!(after.network.advertised.value().map(Vec::len), Some(1));
    assert_eq!(after.network.advertised.value().unwrap()[0].net.to_string(), "10.21.0.20/32");
    let id = super::super::revoke::grants(&after)[0].id.clone();
    let back = revoke(&after, &Which::Id(id)).unwrap();
    assert_eq!(steps(&back)[0], "BGPConfiguration default");
    assert_eq!(simulate(&after, &back.steps).unwrap().network.advertised.value(), Some(&Vec::new()));
}

#[test]
fn the_perimeter_goes_when_nothing_needs_it_and_leaves_nothing() {
    let world = locked("");
    let (_, after) = exposed(&world, &ask("shop/web", &["10.7.0.99"]));
    let lower = super::super::perimeter::lower::lower;
    let id = super::super::revoke::grants(&after)[0].id.clone();
    assert!(matches!(lower(&after), Err(PlanError::Refused { hints, .. }) if hints[0].contains(&id)));
    let revoked = simulate(&after, &revoke(&after, &Which::Id(id)).unwrap().steps).unwrap();
    let plan = lower(&revoked).unwrap();
    let end = simulate(&revoked, &plan.steps).unwrap();
    assert_eq!((end.host_endpoints.len(), end.network_sets.len()), (0, 0));
    assert!(end.written.keys().all(|id| !id.name.contains("perimeter")));
    assert_eq!(lower(&end).unwrap().steps, []);
    let by_hand = lower(&locked(BY_HAND)).unwrap();
    assert!(by_hand.steps.is_empty() && notes(&by_hand).contains("was not made by this tool"));
}

/// The cluster in both families, as Services and nodes of dual stack clusters have them.
fn dual() -> World {
    let mut text = documents(PLAIN, "192.0.2.12", "Cluster");
    for (one, both) in [
        ("IPv4Address: 192.0.2.11/24", "IPv4Address: 192.0.2.11/24, projectcalico.org/IPv6Address: 'fd00:1::11/64'"),
        ("IPv4Address: 192.0.2.12/24", "IPv4Address: 192.0.2.12/24, projectcalico.org/IPv6Address: 'fd00:1::12/64'"),
        ("podIP: 10.20.2.20", "podIP: 10.20.2.20, podIPs: [{ip: 10.20.2.20}, {ip: 'fd00:20::20'}]"),
        ("clusterIP: 10.21.0.20", "clusterIP: 10.21.0.20, clusterIPs: [10.21.0.20, 'fd00:21::20']"),
        ("clusterCIDR: 10.20.0.0/16", "clusterCIDR: 10.20.0.0/16,fd00:20::/64"),
    ] {
        assert!(text.contains(one), "{one}");
        text = text.replace(one, both);
    }
    let pool = "{kind: IPPool, apiVersion: projectcalico.org/v3, metadata: {name: pods6}, spec: {cidr: 'fd00:20::/64', natOutgoing: true}}";
    crate::testing::world(&format!("{text}{LOCK}{pool}"))
}

#[test]
fn both_families_are_closed_and_opened() {
    let (_, after) = exposed(&dual(), &ask("shop/web", &["10.7.0.99", "fd00:7::99"]));
    for node in ["fd00:1::11", "fd00:1::12"] {
        assert_eq!(verdict(&after, &format!("fd00:7::99 -> {node} tcp:30000")), Verdict::Allow, "{node}");
        assert!(stopped_at_the_edge(&after, &format!("fd00:7::98 -> {node} tcp:30000")));
        assert!(stopped_at_the_edge(&after, &format!("fd00:7::99 -> {node} tcp:30001")));
        assert_eq!(verdict(&after, &format!("fd00:7::98 -> {node} tcp:443")), Verdict::Allow);
    }
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.11 tcp:30000"), Verdict::Allow);
    let (_, four) = exposed(&dual(), &ask("shop/web", &["10.7.0.99"]));
    let six = "fd00:7::99 -> fd00:1::11 tcp:30000";
    assert!(stopped_at_the_edge(&four, six), "a grant of one family says nothing of the other");
    assert_eq!(verdict(&four, "fd00:7::98 -> fd00:1::11 icmpv6"), Verdict::Allow, "neighbours are always found");
}

#[test]
fn without_a_lockdown_the_door_is_for_the_clients_and_the_pods_are_left_alone() {
    let world = crate::testing::world(&documents(PLAIN, "192.0.2.12", "Cluster"));
    let (plan, after) = exposed(&world, &ask("shop/web", &["10.7.0.99"]));
    assert!(!steps(&plan).iter().any(|step| step.starts_with("NetworkPolicy")), "{:?}", steps(&plan));
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.11 tcp:30000"), Verdict::Allow);
    assert!(stopped_at_the_edge(&after, "10.7.0.98 -> 192.0.2.11 tcp:30000"));
    assert!(reaches(&after, "203.0.113.9 -> 192.0.2.12 tcp:31443"), "the door of api was open, and stays so");
    let holders: Vec<String> = super::super::revoke::grants(&after).into_iter().map(|info| info.policy.name).collect();
    assert_eq!(holders, ["zerotrust-perimeter"], "the grant is kept where its rules are");
}

/// `balanced` without an address, of type ClusterIP until the plan makes it another.
fn given(world: &World, ip: &str) -> World {
    let mut world = world.clone();
    let key = ("shop".to_string(), "web".to_string());
    world.services.get_mut(&key).unwrap().load_balancer_ips.push(ip.parse().unwrap());
    world.index();
    world
}

#[test]
fn an_address_that_is_pending_is_closed_first_and_opened_by_a_second_plan() {
    use super::pending::first;
    let pool = "{kind: IPAddressPool, apiVersion: metallb.io/v1beta1, metadata: {name: edge, namespace: metallb-system}, spec: {addresses: [198.51.100.0/25]}}\n---\n{kind: L2Advertisement, apiVersion: metallb.io/v1beta1, metadata: {name: edge, namespace: metallb-system}}";
    let asked = by(Way::LoadBalancer, "shop/web", &["10.7.0.99"]);
    for (more, known) in [(pool, true), ("", false)] {
        let world = locked(more);
        let one = first(&world, &asked).unwrap().expect("it has no address yet");
        assert_eq!(steps(&one.plan).last().unwrap(), "Service shop/web", "what closes comes before the door");
        assert_eq!(notes(&one.plan).contains("closed before it is there"), known, "{}", notes(&one.plan));
        assert!(notes(&one.plan).contains("a second plan opens it to 10.7.0.99"), "{}", notes(&one.plan));
        let after = simulate(&world, &one.plan.steps).unwrap();
        assert_eq!(after.services[&("shop".to_string(), "web".to_string())].kind, "LoadBalancer");
        let there = given(&after, "198.51.100.7");
        for client in ["10.7.0.99", "203.0.113.9"] {
            assert!(stopped_at_the_edge(&after, &format!("{client} -> {NODE1} tcp:30000")), "{client}");
            for node in ["n1", "n2"] {
                let question =
                    Question { packet: packet(&format!("{client} -> 198.51.100.7 tcp:80")), entry: Some(node.into()) };
                assert_ne!(together(&walk(&there, &question)), Verdict::Allow, "{client} by {node}");
            }
        }
        assert_eq!(first(&after, &asked).unwrap().unwrap().plan.steps, [], "it waits, and has nothing more to do");
        let waits = super::super::sync::sync(&after, &[]).unwrap();
        assert_eq!(steps(&waits.plan), Vec::<String>::new(), "sync opens no pod whose door is not there");
        assert!(waits.drift.iter().any(|drift| drift.detail.contains("waits for an address")), "{:?}", waits.drift);
        let synced = simulate(&there, &super::super::sync::sync(&there, &[]).unwrap().plan.steps).unwrap();
        assert_eq!(verdict(&synced, "10.7.0.99 -> 198.51.100.7 tcp:80"), Verdict::Allow, "sync goes on where it is");
        assert!(stopped_at_the_edge(&synced, "10.7.0.98 -> 198.51.100.7 tcp:80"));
        let (plan, open) = exposed(&there, &asked);
        assert!(!steps(&plan).contains(&"Service shop/web".to_string()), "{:?}", steps(&plan));
        assert_eq!(first(&there, &asked).unwrap(), None);
        assert_eq!(verdict(&open, "10.7.0.99 -> 198.51.100.7 tcp:80"), Verdict::Allow);
        assert!(stopped_at_the_edge(&open, "10.7.0.98 -> 198.51.100.7 tcp:80"));
        let back = simulate(&open, &revoke(&open, &Which::Id(one.id)).unwrap().steps).unwrap();
        assert_eq!(back.services[&("shop".to_string(), "web".to_string())].kind, "ClusterIP", "as it was before both");
    }
}

#[test]
fn an_address_that_would_be_open_before_it_is_known_is_refused() {
    use super::pending::first;
    let world = crate::testing::world(&documents(PLAIN, "192.0.2.12", "Cluster"));
    let asked = by(Way::LoadBalancer, "shop/web", &["10.7.0.99"]);
    let Err(error) = first(&world, &asked) else { panic!("nothing keeps others out") };
    assert!(said(&error).contains("before it is known") && said(&error).contains("--address IP"), "{}", said(&error));
    assert_eq!(first(&world, &ask("shop/web", &["10.7.0.99"])).unwrap(), None, "node ports are never waited for");
}

#[test]
fn source_ranges_are_kept_for_each_family_and_a_hole_in_them_is_found() {
    let ranges = |ranges: &str| locked(&balanced(&format!(", loadBalancerSourceRanges: [{ranges}]")));
    let asked = |from: &str| by(Way::LoadBalancer, "shop/lb", &[from]);
    let hole = refusal(&ranges("10.7.0.0/26, 10.7.0.192/26"), &asked("10.7.0.0/24"));
    assert!(hole.contains("kube-proxy drops 10.7.0.0/24"), "{hole}");
    assert!(hole.contains("kubectl patch service -n shop lb") && hole.contains("\"10.7.0.0/24\""), "{hole}");
    let (_, halves) = exposed(&ranges("10.7.0.0/25, 10.7.0.128/25"), &asked("10.7.0.0/24"));
    assert_eq!(verdict(&halves, "10.7.0.200 -> 192.0.2.200 tcp:80"), Verdict::Allow);
    let (_, other) = exposed(&ranges("'fd00:7::/64'"), &asked("10.7.0.99"));
    assert_eq!(verdict(&other, "10.7.0.99 -> 192.0.2.200 tcp:80"), Verdict::Allow, "an IPv6 list says nothing of IPv4");
    assert!(refusal(&ranges("10.9.0.0/16"), &by(Way::LoadBalancer, "shop/lb", &[])).contains("0.0.0.0/0"));
}

#[test]
fn metallb_asks_for_no_health_and_its_port_is_closed() {
    let pool = "\n---\n{kind: IPAddressPool, apiVersion: metallb.io/v1beta1, metadata: {name: edge, namespace: metallb-system}, spec: {addresses: [192.0.2.192/27]}}";
    let service = balanced(", externalTrafficPolicy: Local, healthCheckNodePort: 31999");
    let (_, after) = exposed(&locked(&format!("{service}{pool}")), &by(Way::LoadBalancer, "shop/lb", &["10.7.0.99"]));
    assert!(stopped_at_the_edge(&after, "203.0.113.9 -> 192.0.2.11 tcp:31999"));
}

/// A ServiceL2Status of the Service `lb`.
fn announces(name: &str, node: &str) -> String {
    format!(
        "\n---\n{{kind: ServiceL2Status, apiVersion: metallb.io/v1beta1, metadata: {{name: {name}, namespace: metallb-system, creationTimestamp: '2026-05-01T12:00:00Z'}}, status: {{node: {node}, serviceName: lb, serviceNamespace: shop}}}}"
    )
}

#[test]
fn who_announces_is_said_with_its_evidence_and_two_are_warned_of() {
    let said = |more: &str| {
        notes(
            &exposed(&locked(&format!("{}{more}", balanced(""))), &by(Way::LoadBalancer, "shop/lb", &["10.7.0.99"])).0,
        )
    };
    let one = said(&announces("l2-a", "n1"));
    let expected = "192.0.2.200 is announced by node n1 by layer 2 since 2026-05-01T12:00:00Z (ServiceL2Status metallb-system/l2-a)";
    assert!(one.contains(expected), "{one}");
    let two = said(&(announces("l2-a", "n1") + &announces("l2-b", "n2")));
    assert!(two.contains("nodes n1 and n2 all announce 192.0.2.200 in layer 2"), "{two}");
    let nobody = said("");
    assert!(nobody.contains("which node announces 192.0.2.200 is not known"), "{nobody}");
    assert!(nobody.contains("kubectl get servicel2statuses"), "{nobody}");
}

#[test]
fn who_advertises_over_bgp_is_said_and_a_fabric_without_a_router_is_warned_of() {
    let peer = "\n---\n{kind: BGPPeer, apiVersion: projectcalico.org/v3, metadata: {name: tor}, spec: {peerIP: 192.0.2.254, asNumber: 65000, node: n2}}";
    let said = |more: &str| {
        notes(&exposed(&locked(&format!("{FABRIC}{more}")), &by(Way::Bgp, "shop/web", &["10.30.0.0/16"])).0)
    };
    let one = said(peer);
    let expected =
        "10.21.0.20 is advertised over BGP by n2 to 192.0.2.254 (serviceClusterIPs of BGPConfiguration default)";
    assert!(one.contains(expected), "{one}");
    assert!(said("").contains("no BGPPeer outside is configured"), "{}", said(""));
}

#[test]
fn a_rule_that_lets_everybody_in_at_a_node_port_is_named() {
    let open = "\n---\n{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: allow-nodeport}, spec: {order: 10, preDNAT: true, applyOnForward: true, types: [Ingress], selector: has(nodeport-external-ingress), ingress: [{action: Allow, protocol: TCP, destination: {selector: has(nodeport-external-ingress), ports: [32127]}}]}}";
    let world = locked(&format!("{BY_HAND}---\n{}{open}", balanced("")));
    let asked = by(Way::LoadBalancer, "shop/lb", &["10.7.0.99"]);
    let said = refusal(&world, &asked);
    assert!(said.contains("rule 0 of ingress in GlobalNetworkPolicy allow-nodeport"), "{said}");
    assert!(said.contains("--accept-risk open-to-all-clients-of-nodes"), "{said}");
    let accepted = vec![Risk::OpenToAllClientsOfNodes];
    let (_, after) = exposed(&world, &Ask { accepted, ..asked });
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.200 tcp:80"), Verdict::Allow);
}

#[test]
fn a_port_of_bgp_that_is_no_failsafe_is_said_and_a_session_without_a_way_too() {
    let fabric = FABRIC.replace("spec: {", "spec: {listenPort: 1790, ");
    let peer = "\n---\n{kind: BGPPeer, apiVersion: projectcalico.org/v3, metadata: {name: tor}, spec: {peerIP: '192.0.2.254:1179', asNumber: 65000}}";
    let asked = by(Way::Bgp, "shop/web", &["10.30.0.0/16"]);
    let said = notes(&exposed(&locked(&format!("{fabric}{peer}")), &asked).0);
    assert!(said.contains("port 1790, which is no failsafe of Felix on n1, n2"), "{said}");
    assert!(!said.contains("has no way"), "{said}");
    assert!(!notes(&exposed(&locked(&format!("{FABRIC}{peer}")), &asked).0).contains("no failsafe"), "179 is one");
    // Host policy that lets the router in nowhere: without a profile what nobody allows is dropped, both ways.
    let endpoint = "\n---\n{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {name: n1-eth0, labels: {host: a}}, spec: {node: n1, interfaceName: eth0, expectedIPs: [192.0.2.11]}}";
    let said = notes(&exposed(&locked(&format!("{fabric}{peer}{endpoint}")), &asked).0);
    assert!(said.contains("BGP between node n1 and 192.0.2.254:1179 has no way"), "{said}");
    assert!(said.contains("TCP 1790") && said.contains("TCP 1179") && said.contains("profile none"), "{said}");
}
