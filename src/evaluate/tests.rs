//! What becomes of packets in small worlds, by documented Calico semantics.
//! Never knows text that worlds are read from beyond YAML.

mod facts;

use super::path::{Question, walk};
use super::policy::{Judgement, judge_pod};
use crate::model::flow::{Checkpoint, Decider, HopAction, Path, Verdict, together};
use crate::model::policy::Direction;
use crate::model::world::{Fact, Gap, Hidden, Part, Seen, Version, World};
use crate::testing::{packet, world};

/// Two nodes with a pod each, plain routes, one Service.
const CLUSTER: &str = r"
{apiVersion: v1, kind: Node, metadata: {name: n1, annotations: {projectcalico.org/IPv4Address: 192.168.0.1/24}}}
---
{apiVersion: v1, kind: Node, metadata: {name: n2, annotations: {projectcalico.org/IPv4Address: 192.168.0.2/24}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: blue}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: lab}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {nodeName: n1, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
status: {phase: Running, podIPs: [{ip: 10.20.1.1}], conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: lab, labels: {app: db}}
spec: {nodeName: n2}
status: {phase: Running, podIPs: [{ip: 10.20.2.1}], conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.21.0.1, selector: {app: web}, type: NodePort, ports: [{port: 80, targetPort: http, nodePort: 30080}]}
---
apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata: {name: pool}
spec: {cidr: 10.20.0.0/16, natOutgoing: true}
---
apiVersion: crd.projectcalico.org/v1
kind: ClusterInformation
metadata: {name: default}
spec: {calicoVersion: v3.28.5}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kube-proxy, namespace: kube-system}
data: {config.conf: 'clusterCIDR: 10.20.0.0/16'}
";

fn cluster(more: &str) -> World {
    world(&format!("{CLUSTER}\n---\n{more}"))
}

fn gnp(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata: {{name: default.{name}}}\nspec: {spec}\n---\n"
    )
}

fn paths(world: &World, text: &str) -> Vec<Path> {
    walk(world, &Question { packet: packet(text), entry: None })
}

fn verdict(world: &World, text: &str) -> Verdict {
    together(&paths(world, text))
}

fn ingress_of_web(world: &World, text: &str) -> Judgement {
    let pod = world.pods.iter().find(|pod| pod.name == "web").unwrap();
    judge_pod(world, pod, Direction::Ingress, &packet(text))
}

fn why(world: &World, text: &str) -> String {
    let hops = paths(world, text).into_iter().flat_map(|path| path.hops);
    let whys = hops.filter_map(|hop| match hop.by {
        Some(Decider::Unknown { why }) => Some(why),
        _ => None,
    });
    whys.collect::<Vec<_>>().join("; ")
}

const WEB: &str = "10.20.2.1 -> 10.20.1.1 tcp:8080";

#[test]
fn a_pod_that_no_policy_selects_is_open_by_its_profile() {
    let judgement = ingress_of_web(&cluster(""), WEB);
    let by = Decider::Profile { name: "kns.shop".into() };
    assert_eq!(judgement, Judgement { action: HopAction::Allow, by });
}

#[test]
fn rules_decide_in_order_and_say_which() {
    let rules = "{types: [Ingress], ingress: [{action: Log}, {action: Deny, protocol: UDP}, {action: Allow}]}";
    let world = cluster(&gnp("p", rules));
    let judgement = ingress_of_web(&world, WEB);
    assert_eq!(judgement.action, HopAction::Allow);
    assert!(matches!(judgement.by, Decider::Rule { index: 2, direction: Direction::Ingress, .. }));
    assert_eq!(ingress_of_web(&world, "10.20.2.1 -> 10.20.1.1 udp:53").action, HopAction::Deny);
}

#[test]
fn lower_orders_come_first_and_none_comes_last() {
    let allow = "types: [Ingress], ingress: [{action: Allow}]";
    let deny = "types: [Ingress], ingress: [{action: Deny}]";
    let decides = |first: &str, second: &str| {
        ingress_of_web(&cluster(&format!("{}{}", gnp("a", first), gnp("b", second))), WEB).action
    };
    assert_eq!(decides(&format!("{{order: 2, {allow}}}"), &format!("{{order: 1, {deny}}}")), HopAction::Deny);
    assert_eq!(decides(&format!("{{{allow}}}"), &format!("{{order: 1, {deny}}}")), HopAction::Deny);
    assert_eq!(decides(&format!("{{order: 5, {allow}}}"), &format!("{{order: 5, {deny}}}")), HopAction::Allow);
    // NAMESPACE/default.x against default.x: the global one first, unless the namespace sorts before `default`.
    let namespaced = "apiVersion: crd.projectcalico.org/v1\nkind: NetworkPolicy\n\
                      metadata: {name: default.a, namespace: shop}\nspec: {types: [Ingress], ingress: [{action: Allow}]}\n---\n";
    let world = cluster(&format!("{namespaced}{}", gnp("z", "{types: [Ingress], ingress: [{action: Deny}]}")));
    assert_eq!(ingress_of_web(&world, WEB).action, HopAction::Deny);
}

#[test]
fn the_end_of_a_tier_drops_what_nothing_matched() {
    let world = cluster(&gnp("p", "{selector: app == 'web', types: [Ingress, Egress]}"));
    let judgement = ingress_of_web(&world, WEB);
    assert_eq!(judgement.action, HopAction::Deny);
    assert!(
        matches!(judgement.by, Decider::TierDefault { tier, policies } if tier == "default" && policies.len() == 1)
    );
    // Only in the directions that types names.
    let egress_only = cluster(&gnp("p", "{selector: app == 'web', types: [Egress]}"));
    assert_eq!(ingress_of_web(&egress_only, WEB).action, HopAction::Allow);
}

#[test]
fn pass_leaves_the_tier_for_the_next_and_then_for_the_profiles() {
    let tiers = "apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: first}\nspec: {order: 1}\n---\n\
                 apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: open}\nspec: {order: 2, defaultAction: Pass}\n---\n";
    let policy = |name: &str, tier: &str, rules: &str| {
        format!(
            "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {{name: {tier}.{name}}}\n\
                 spec: {{tier: {tier}, types: [Ingress], ingress: {rules}}}\n---\n"
        )
    };
    let base = CLUSTER.replace("v3.28.5", "v3.30.1");
    let ask = |policies: &str| ingress_of_web(&world(&format!("{base}\n---\n{tiers}{policies}")), WEB);
    let pass = policy("p", "first", "[{action: Pass}]");
    assert!(matches!(ask(&pass).by, Decider::Profile { .. }));
    assert_eq!(ask(&format!("{pass}{}", policy("q", "default", "[{action: Deny}]"))).action, HopAction::Deny);
    // A tier that ends in a drop hides the next; one whose defaultAction is Pass does not.
    let allow = policy("q", "default", "[{action: Allow}]");
    assert!(matches!(ask(&format!("{}{allow}", policy("p", "first", "[]"))).by, Decider::TierDefault { .. }));
    assert!(matches!(ask(&format!("{}{allow}", policy("p", "open", "[]"))).by, Decider::Rule { .. }));
    // A tier that does not exist is asked last, and drops.
    let lost = policy("p", "lost", "[]");
    assert!(matches!(ask(&lost).by, Decider::TierDefault { tier, .. } if tier == "lost"));
    assert!(matches!(ask(&format!("{lost}{allow}")).by, Decider::Rule { .. }));
}

#[test]
fn a_kubernetes_policy_counts_its_own_rules() {
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\n\
                  spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 1.2.3.4/32}}, {ipBlock: {cidr: 1.2.3.5/32}}]}, \
                  {from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: db}}}], ports: [{port: http}]}]}";
    let judgement = ingress_of_web(&cluster(policy), WEB);
    assert!(matches!(judgement.by, Decider::Rule { index: 1, .. }), "{judgement:?}");
    let other = ingress_of_web(&cluster(policy), "10.20.2.1 -> 10.20.1.1 tcp:81");
    assert_eq!(other.action, HopAction::Deny);
}

#[test]
fn policies_that_were_not_read_make_a_verdict_unknown_where_they_could_matter() {
    let mut world = cluster("");
    let gap = |namespace: Option<&str>| Gap {
        hides: Hidden::Policies,
        namespace: namespace.map(str::to_string),
        place: "broken.yaml:3".into(),
        reason: "not YAML".into(),
    };
    world.gaps = vec![gap(Some("other"))];
    assert_eq!(verdict(&world, WEB), Verdict::Allow);
    world.gaps = vec![gap(Some("shop"))];
    assert_eq!(verdict(&world, WEB), Verdict::Unknown);
    world.gaps = vec![gap(None)];
    assert_eq!(verdict(&world, WEB), Verdict::Unknown);
    assert!(why(&world, WEB).contains("broken.yaml:3"));
    world.gaps.clear();
    world.seen.insert(Part::Policies, Seen { namespaces: ["shop".to_string()].into(), ..Seen::default() });
    assert_eq!(ingress_of_web(&world, WEB).action, HopAction::Allow);
    assert!(why(&world, WEB).contains("NetworkPolicies of namespace lab"));
}

#[test]
fn what_could_have_an_address_matters_only_to_selectors_that_could_match_it() {
    let pods = "{selector: app == 'web', types: [Ingress], ingress: [{action: Allow, source: {namespaceSelector: all(), selector: role == 'x'}}]}";
    let sets =
        "{selector: app == 'web', types: [Ingress], ingress: [{action: Allow, source: {selector: role == 'x'}}]}";
    let outside = "8.8.8.8 -> 10.20.1.1 tcp:80";
    for (spec, expected) in [(pods, HopAction::Deny), (sets, HopAction::Unknown)] {
        let mut world = cluster(&gnp("p", spec));
        assert_eq!(ingress_of_web(&world, outside).action, HopAction::Deny);
        world.seen.insert(Part::GlobalSets, Seen::default());
        assert_eq!(ingress_of_web(&world, outside).action, expected);
    }
    // An unknown match whose outcome is the same either way is not unknown.
    let either = "{selector: app == 'web', types: [Ingress], ingress: [{action: Allow, source: {selector: role == 'x'}}, {action: Allow, protocol: TCP}]}";
    let mut world = cluster(&gnp("p", either));
    world.seen.insert(Part::GlobalSets, Seen::default());
    assert_eq!(ingress_of_web(&world, outside).action, HopAction::Allow);
}

#[test]
fn labels_of_a_namespace_that_was_not_read_are_unknown() {
    let rule = |selector: &str| {
        format!(
            "{{selector: app == 'web', types: [Ingress], ingress: [{{action: Allow, source: {{namespaceSelector: \"{selector}\"}}}}]}}"
        )
    };
    let without = CLUSTER.replace("{apiVersion: v1, kind: Namespace, metadata: {name: lab}}\n---\n", "");
    let ask =
        |selector: &str| ingress_of_web(&world(&format!("{without}\n---\n{}", gnp("p", &rule(selector)))), WEB).action;
    assert_eq!(ask("team == 'blue'"), HopAction::Unknown);
    // Its name is known.
    assert_eq!(ask("projectcalico.org/name == 'lab'"), HopAction::Allow);
    assert_eq!(ask("projectcalico.org/name == 'shop'"), HopAction::Deny);
}

#[test]
fn egress_is_asked_behind_the_service_and_every_checkpoint_is_walked() {
    let deny = gnp("p", "{selector: app == 'db', types: [Egress]}");
    let world = cluster(&deny);
    let path = paths(&world, "10.20.2.1 -> 10.21.0.1 tcp:80").remove(0);
    assert_eq!(path.verdict, Verdict::Deny);
    assert_eq!(path.backend.as_deref(), Some("shop/web:8080"));
    let seen: Vec<(Checkpoint, HopAction, String)> = path
        .hops
        .iter()
        .map(|hop| (hop.checkpoint, hop.action, format!("{}:{}", hop.packet.destination, hop.packet.port.unwrap())))
        .collect();
    let backend = || "10.20.1.1:8080".to_string();
    assert_eq!(
        seen,
        [
            (Checkpoint::Dnat, HopAction::None, backend()),
            (Checkpoint::Egress, HopAction::Deny, backend()),
            (Checkpoint::Ingress, HopAction::Allow, backend()),
        ]
    );
    assert_eq!(path.hops[1].endpoint.as_deref(), Some("lab/db"));
    assert_eq!(path.hops[1].node.as_deref(), Some("n2"));
    assert_eq!(path.hops[2].node.as_deref(), Some("n1"));
}

#[test]
fn a_node_port_through_another_node_has_that_nodes_address() {
    let world = cluster("");
    let path = paths(&world, "1.2.3.4 -> 192.168.0.2 tcp:30080").remove(0);
    assert_eq!(path.entry_node.as_deref(), Some("n2"));
    let ingress = path.hops.iter().find(|hop| hop.checkpoint == Checkpoint::Ingress).unwrap();
    assert_eq!(ingress.packet.source.to_string(), "192.168.0.2");
    let direct = paths(&world, "1.2.3.4 -> 192.168.0.1 tcp:30080").remove(0);
    let ingress = direct.hops.iter().find(|hop| hop.checkpoint == Checkpoint::Ingress).unwrap();
    assert_eq!(ingress.packet.source.to_string(), "1.2.3.4");
}

#[test]
fn a_nodes_own_packets_carry_the_address_that_the_route_picks() {
    let only = |net: &str| {
        gnp(
            "p",
            &format!(
                "{{selector: app == 'web', types: [Ingress], ingress: [{{action: Allow, source: {{nets: [{net}]}}}}]}}"
            ),
        )
    };
    let from_node = "192.168.0.2 -> 10.20.1.1 tcp:8080";
    assert_eq!(verdict(&cluster(&only("192.168.0.2/32")), from_node), Verdict::Allow);
    // Its own pods it always reaches.
    assert_eq!(verdict(&cluster(&only("9.9.9.9/32")), "192.168.0.1 -> 10.20.1.1 tcp:8080"), Verdict::Allow);
    let tunnelled = |mode: &str| {
        let text = format!("{CLUSTER}\n---\n{}", only("10.20.2.0/32"));
        let text = text.replace("natOutgoing: true", &format!("natOutgoing: true, vxlanMode: {mode}"));
        world(&text.replace("192.168.0.2/24", "192.168.0.2/24, projectcalico.org/IPv4VXLANTunnelAddr: 10.20.2.0"))
    };
    assert_eq!(verdict(&tunnelled("Always"), from_node), Verdict::Allow);
    // Both nodes are in one subnet.
    assert_eq!(verdict(&tunnelled("CrossSubnet"), from_node), Verdict::Deny);
    // A tunnel of which the address is not known.
    let unknown = world(&CLUSTER.replace("natOutgoing: true", "natOutgoing: true, ipipMode: Always"));
    assert_eq!(verdict(&unknown, from_node), Verdict::Unknown);
}

#[test]
fn host_endpoints_that_were_not_read_are_not_taken_for_absent() {
    let mut world = cluster("");
    assert_eq!(verdict(&world, WEB), Verdict::Allow);
    world.seen.insert(Part::HostEndpoints, Seen::default());
    assert_eq!(verdict(&world, WEB), Verdict::Unknown);
}

#[test]
fn an_address_of_the_pool_that_no_pod_has_is_unknown() {
    let world = cluster("");
    assert!(why(&world, "10.20.9.9 -> 10.20.1.1 tcp:80").contains("pool"));
    assert!(why(&world, "10.20.1.1 -> 10.20.9.9 tcp:80").contains("pool"));
    let unread = {
        let mut world = cluster("");
        world.seen.insert(Part::Pods, Seen::default());
        world
    };
    assert!(why(&unread, "10.20.9.9 -> 10.20.1.1 tcp:80").contains("not all pods were read"));
    // What a Node has for its tunnel is not given to a pod as well.
    let tunnel = "192.168.0.2/24, projectcalico.org/IPv4VXLANTunnelAddr: 10.20.9.9}";
    assert!(CLUSTER.contains("192.168.0.2/24}"));
    let mut tunnelled = crate::testing::world(&CLUSTER.replace("192.168.0.2/24}", tunnel));
    tunnelled.seen.insert(Part::Pods, Seen::default());
    assert_eq!(verdict(&tunnelled, "10.20.9.9 -> 10.20.1.1 tcp:80"), Verdict::Allow);
    // Outside the pools there are no pods.
    assert_eq!(verdict(&unread, "8.8.8.8 -> 10.20.1.1 tcp:80"), Verdict::Allow);
}

#[test]
fn a_service_without_a_ready_backend_is_no_way() {
    let world = world(&CLUSTER.replace("status: 'True'", "status: 'False'"));
    assert!(why(&world, "10.20.2.1 -> 10.21.0.1 tcp:80").contains("no ready backend"));
    assert!(why(&cluster(""), "10.20.2.1 -> 10.21.0.1 tcp:99").contains("does not serve port 99"));
}

#[test]
fn a_third_block_of_a_rule_is_not_checked_up_to_3_28_and_later_not_known() {
    let rule = "{selector: app == 'web', types: [Ingress], ingress: [{action: Allow, protocol: TCP, \
                source: {nets: [10.20.2.1/32, 9.9.9.9/32]}, \
                destination: {nets: [10.99.0.1/32, 10.99.0.2/32], ports: [8080, http]}}]}";
    let mut world = cluster(&gnp("p", rule));
    assert_eq!(ingress_of_web(&world, WEB).action, HopAction::Allow);
    assert_eq!(ingress_of_web(&world, "10.20.2.1 -> 10.20.1.1 tcp:81").action, HopAction::Deny);
    assert_eq!(ingress_of_web(&world, "8.8.8.8 -> 10.20.1.1 tcp:8080").action, HopAction::Deny);
    world.calico = Version::parse("v3.30.1");
    assert_eq!(ingress_of_web(&world, WEB).action, HopAction::Unknown);
    assert_eq!(ingress_of_web(&world, "8.8.8.8 -> 10.20.1.1 tcp:8080").action, HopAction::Deny);
}

#[test]
fn icmp_is_matched_by_type_and_code() {
    let world = cluster(&gnp("p", "{types: [Ingress], ingress: [{action: Allow, protocol: ICMP, icmp: {type: 8}}]}"));
    let ask = |icmp| {
        let pod = world.pods.iter().find(|pod| pod.name == "web").unwrap();
        let packet = crate::model::flow::Packet { icmp, ..packet("10.20.2.1 -> 10.20.1.1 icmp") };
        judge_pod(&world, pod, Direction::Ingress, &packet).action
    };
    assert_eq!(ask(Some((8, 0))), HopAction::Allow);
    assert_eq!(ask(Some((3, 1))), HopAction::Deny);
    assert_eq!(ask(None), HopAction::Unknown);
}

#[test]
fn a_rule_of_one_family_does_not_exist_for_the_other() {
    let rule = "{selector: app == 'web', types: [Ingress], ingress: [{action: Deny, source: {notNets: [10.0.0.0/8]}}, {action: Allow}]}";
    let yaml = format!("{CLUSTER}\n---\n{}", gnp("p", rule))
        .replace("[{ip: 10.20.1.1}]", "[{ip: 10.20.1.1}, {ip: 'fd00::1'}]");
    let world = world(&yaml);
    assert_eq!(ingress_of_web(&world, "8.8.8.8 -> 10.20.1.1 tcp:80").action, HopAction::Deny);
    assert_eq!(ingress_of_web(&world, "fd00:9::9 -> fd00::1 tcp:80").action, HopAction::Allow);
}

#[test]
fn pods_of_two_nodes_are_told_without_the_nodes() {
    let mut world = cluster("");
    world.nodes.clear();
    world.seen.insert(Part::Nodes, Seen::default());
    world.seen.insert(Part::Pools, Seen::default());
    world.index();
    assert_eq!(verdict(&world, WEB), Verdict::Allow);
    assert_eq!(verdict(&world, "10.20.2.1 -> 8.8.8.8 tcp:53"), Verdict::Allow);
    // But not what comes from an address that a node may have.
    assert!(why(&world, "192.168.0.1 -> 10.20.1.1 tcp:80").contains("Nodes were"));
}

fn host_endpoint(name: &str, node: &str, spec: &str) -> String {
    format!(
        "apiVersion: crd.projectcalico.org/v1\nkind: HostEndpoint\nmetadata: {{name: {name}, labels: {{role: host}}}}\n\
         spec: {{node: {node}, {spec}}}\n---\n"
    )
}

#[test]
fn a_host_endpoint_without_policy_stops_the_host_and_not_what_is_forwarded() {
    let world = cluster(&host_endpoint("h", "n1", "interfaceName: eth0, expectedIPs: [192.168.0.1]"));
    assert_eq!(verdict(&world, "8.8.8.8 -> 192.168.0.1 tcp:10250"), Verdict::Deny);
    // A failsafe port.
    assert_eq!(verdict(&world, "8.8.8.8 -> 192.168.0.1 tcp:22"), Verdict::Allow);
    assert_eq!(verdict(&world, WEB), Verdict::Allow);
    let allowed = "interfaceName: eth0, expectedIPs: [192.168.0.1], profiles: [projectcalico-default-allow]";
    assert_eq!(
        verdict(&cluster(&host_endpoint("h", "n1", allowed)), "8.8.8.8 -> 192.168.0.1 tcp:10250"),
        Verdict::Allow
    );
}

#[test]
fn a_host_endpoint_that_may_be_for_another_interface_is_unknown() {
    let world = cluster(&host_endpoint("h", "n1", "interfaceName: eth1"));
    assert!(why(&world, "8.8.8.8 -> 192.168.0.1 tcp:10250").contains("names an interface"));
    assert_eq!(verdict(&world, "8.8.8.8 -> 192.168.0.2 tcp:10250"), Verdict::Allow);
    let tunnel = cluster(&host_endpoint("h", "n1", "interfaceName: vxlan.calico"));
    assert_eq!(verdict(&tunnel, "8.8.8.8 -> 192.168.0.1 tcp:10250"), Verdict::Allow);
}

#[test]
fn pre_dnat_policy_sees_the_nodes_port_and_its_allow_ends_host_policy() {
    let endpoint = host_endpoint("h", "n1", "interfaceName: eth0, expectedIPs: [192.168.0.1]");
    let rules = "[{action: Allow, protocol: TCP, destination: {ports: [30080, 9999]}, source: {nets: [1.1.1.1/32]}}, {action: Deny}]";
    let policy = gnp(
        "p",
        &format!(
            "{{selector: role == 'host', preDNAT: true, applyOnForward: true, types: [Ingress], ingress: {rules}}}"
        ),
    );
    let world = cluster(&format!("{endpoint}{policy}"));
    assert_eq!(verdict(&world, "1.1.1.1 -> 192.168.0.1 tcp:30080"), Verdict::Allow);
    assert_eq!(verdict(&world, "2.2.2.2 -> 192.168.0.1 tcp:30080"), Verdict::Deny);
    assert_eq!(verdict(&world, "1.1.1.1 -> 192.168.0.1 tcp:9999"), Verdict::Allow);
    let path = paths(&world, "2.2.2.2 -> 192.168.0.1 tcp:30080").remove(0);
    let seen: Vec<Checkpoint> = path.hops.iter().map(|hop| hop.checkpoint).collect();
    assert_eq!(seen, [Checkpoint::PreDnat, Checkpoint::Dnat, Checkpoint::Ingress]);
    assert_eq!(path.hops[0].packet.port, Some(30080));
}

#[test]
fn do_not_track_policy_is_asked_of_packets_and_of_answers() {
    let endpoint = "interfaceName: eth0, expectedIPs: [192.168.0.1], profiles: [projectcalico-default-allow]";
    let endpoint = host_endpoint("h", "n1", endpoint);
    let with = |rules: &str| {
        let spec = format!("{{selector: role == 'host', doNotTrack: true, applyOnForward: true, {rules}}}");
        cluster(&format!("{endpoint}{}", gnp("p", &spec)))
    };
    const ASKED: &str = "8.8.8.8 -> 192.168.0.1 tcp:9999";
    let denied = with("types: [Ingress], ingress: [{action: Deny, protocol: TCP, destination: {ports: [9999, 22]}}]");
    assert_eq!(verdict(&denied, ASKED), Verdict::Deny);
    assert_eq!(verdict(&denied, "8.8.8.8 -> 192.168.0.1 tcp:9998"), Verdict::Allow);
    // Failsafe ports, and what pods send, are not asked about.
    assert_eq!(verdict(&denied, "8.8.8.8 -> 192.168.0.1 tcp:22"), Verdict::Allow);
    assert_eq!(verdict(&denied, "10.20.1.1 -> 192.168.0.1 tcp:9999"), Verdict::Allow);
    // A packet without its answers, or answers without the packet, are half a connection.
    let allow = "ingress: [{action: Allow, protocol: TCP, destination: {ports: [9999]}}]";
    let half = with(&format!("types: [Ingress], {allow}"));
    assert!(why(&half, ASKED).contains("answers"));
    let answers = "egress: [{action: Allow, protocol: TCP, source: {ports: [9999]}}]";
    assert!(why(&with(&format!("types: [Egress], {answers}")), ASKED).contains("answers"));
    assert_eq!(verdict(&with(&format!("types: [Ingress, Egress], {allow}, {answers}")), ASKED), Verdict::Allow);
    let stopped = with("types: [Egress], egress: [{action: Deny, source: {nets: [192.168.0.1/32]}}]");
    let path = paths(&stopped, ASKED).remove(0);
    let hop = path.hops.iter().find(|hop| hop.checkpoint == Checkpoint::Untracked).unwrap();
    assert_eq!((path.verdict, hop.packet.source_port), (Verdict::Deny, Some(9999)));
    // An answer goes to a port that a program got, none below 1024.
    let low = with("types: [Egress], egress: [{action: Deny, protocol: TCP, destination: {ports: ['1:1023']}}]");
    assert_eq!(verdict(&low, ASKED), Verdict::Allow);
}

#[test]
fn an_interface_whose_own_host_endpoint_has_no_pre_dnat_policy_falls_to_the_one_for_all() {
    let own = host_endpoint(
        "a",
        "n1",
        "interfaceName: eth0, expectedIPs: [192.168.0.1], profiles: [projectcalico-default-allow]",
    );
    let all = host_endpoint("b", "n1", "interfaceName: '*', profiles: [projectcalico-default-allow]");
    let all = all.replace("{role: host}", "{role: all}");
    let door = |name: &str, role: &str, action: &str| {
        let rules = format!("preDNAT: true, applyOnForward: true, types: [Ingress], ingress: [{{action: {action}}}]");
        gnp(name, &format!("{{selector: role == '{role}', {rules}}}"))
    };
    const ASKED: &str = "8.8.8.8 -> 192.168.0.1 tcp:9999";
    let world = |policies: &str| cluster(&format!("{own}{all}{policies}"));
    assert_eq!(verdict(&world(&door("p", "all", "Deny")), ASKED), Verdict::Deny);
    let both = door("p", "all", "Deny") + &door("q", "host", "Pass");
    assert_eq!(verdict(&world(&both), ASKED), Verdict::Allow);
    // Normal policy of the one for all is not asked: both have their place in that table.
    let normal = gnp("p", "{selector: role == 'all', types: [Ingress], ingress: [{action: Deny}]}");
    assert_eq!(verdict(&world(&normal), ASKED), Verdict::Allow);
}

#[test]
fn what_comes_back_through_vxlan_is_a_connection_of_its_own() {
    let tunnels = |mode: &str| CLUSTER.replace("natOutgoing: true", &format!("natOutgoing: true, {mode}: Always"));
    let endpoint = host_endpoint("h", "n2", "interfaceName: eth0, expectedIPs: [192.168.0.2]");
    let closed = "preDNAT: true, applyOnForward: true, types: [Ingress], ingress: [{action: Deny}]";
    let policy = gnp("p", &format!("{{selector: role == 'host', {closed}}}"));
    let at = |mode: &str| world(&format!("{}\n---\n{endpoint}{policy}", tunnels(mode)));
    // The pod on n2 asks; the answer comes from n1 by a port of its own.
    assert_eq!(verdict(&at("vxlanMode"), WEB), Verdict::Deny);
    assert_eq!(verdict(&at("ipipMode"), WEB), Verdict::Allow);
}

#[test]
fn host_egress_sees_a_services_packet_before_it_is_masqueraded() {
    let tunnels = CLUSTER
        .replace("192.168.0.1/24}", "192.168.0.1/24, projectcalico.org/IPv4VXLANTunnelAddr: 10.20.1.0}")
        .replace("192.168.0.2/24}", "192.168.0.2/24, projectcalico.org/IPv4VXLANTunnelAddr: 10.20.2.0}")
        .replace("natOutgoing: true", "natOutgoing: true, vxlanMode: Always");
    let endpoint = host_endpoint("h", "n2", "interfaceName: '*', profiles: [projectcalico-default-allow]");
    let rule = "{action: Deny, source: {nets: [192.168.0.2/32]}}, {action: Allow}";
    let policy = gnp("p", &format!("{{selector: role == 'host', types: [Egress], egress: [{rule}]}}"));
    let world = world(&format!("{tunnels}\n---\n{endpoint}{policy}"));
    // A pod's own address is routed into the tunnel from the start (felix/rules/static.go, mangle POSTROUTING).
    assert_eq!(verdict(&world, "192.168.0.2 -> 10.20.1.1 tcp:8080"), Verdict::Allow);
    assert_eq!(verdict(&world, "192.168.0.2 -> 10.21.0.1 tcp:80"), Verdict::Deny);
    let path = paths(&world, "192.168.0.2 -> 10.21.0.1 tcp:80").remove(0);
    assert_eq!(path.hops.last().unwrap().packet.source.to_string(), "10.20.2.0");
}

#[test]
fn do_not_track_policy_keeps_packets_from_kube_proxy_and_polices_what_a_node_sends() {
    let endpoint = host_endpoint("h", "n1", "interfaceName: eth0, expectedIPs: [192.168.0.1]");
    let with = |rules: &str| {
        let spec = format!("{{selector: role == 'host', doNotTrack: true, applyOnForward: true, {rules}}}");
        cluster(&format!("{endpoint}{}", gnp("p", &spec)))
    };
    let open = with("types: [Ingress, Egress], ingress: [{action: Allow}], egress: [{action: Allow}]");
    assert!(why(&open, "8.8.8.8 -> 192.168.0.1 tcp:30080").contains("kube-proxy"));
    assert!(why(&open, "8.8.8.8 -> 10.20.1.1 tcp:8080").contains("new packets"));
    // The host endpoint has no profile, so what is tracked is dropped; this is not asked any more.
    assert_eq!(verdict(&open, "192.168.0.1 -> 8.8.8.8 tcp:80"), Verdict::Allow);
    let closed = with("types: [Egress], egress: [{action: Deny, destination: {nets: [10.20.2.1/32, 8.8.8.8/32]}}]");
    assert_eq!(verdict(&closed, "192.168.0.1 -> 10.20.2.1 tcp:80"), Verdict::Deny);
    // Forwarded packets leave by no chain of it; their answers come in by one.
    assert_eq!(verdict(&closed, "10.20.1.1 -> 8.8.8.8 tcp:80"), Verdict::Allow);
    let answers = with("types: [Ingress], ingress: [{action: Deny, source: {nets: [8.8.8.8/32]}}]");
    assert_eq!(verdict(&answers, "10.20.1.1 -> 8.8.8.8 tcp:80"), Verdict::Deny);
    let all = host_endpoint("h", "n1", "interfaceName: '*', profiles: [projectcalico-default-allow]");
    let spec = "{selector: role == 'host', doNotTrack: true, applyOnForward: true, types: [Ingress], ingress: [{action: Deny}]}";
    assert_eq!(
        verdict(&cluster(&format!("{all}{}", gnp("p", spec))), "8.8.8.8 -> 192.168.0.1 tcp:9999"),
        Verdict::Allow
    );
}

#[test]
fn the_ebpf_dataplane_is_not_guessed() {
    let mut bpf = cluster(&host_endpoint("h", "n1", "interfaceName: eth0, expectedIPs: [192.168.0.1]"));
    bpf.network.felix.bpf = Fact::known(true, "a test");
    assert!(why(&bpf, "8.8.8.8 -> 192.168.0.1 tcp:22").contains("eBPF"));
}

#[test]
fn a_load_balancer_enters_at_its_announcer_and_keeps_its_source_ranges() {
    let balancer = "apiVersion: v1\nkind: Service\nmetadata: {name: lb, namespace: shop}\n\
                    spec: {clusterIP: 10.21.0.9, selector: {app: web}, type: LoadBalancer, loadBalancerSourceRanges: [1.0.0.0/8], \
                    ports: [{port: 80, targetPort: 8080}]}\nstatus: {loadBalancer: {ingress: [{ip: 192.168.0.100}]}}\n---\n";
    let entries = |world: &World, text: &str| {
        paths(world, text).iter().map(|path| path.entry_node.clone().unwrap_or_default()).collect::<Vec<_>>()
    };
    let world = cluster(balancer);
    assert_eq!(entries(&world, "1.2.3.4 -> 192.168.0.100 tcp:80"), ["n1", "n2"]);
    assert!(why(&world, "2.2.3.4 -> 192.168.0.100 tcp:80").contains("loadBalancerSourceRanges"));
    let status = "apiVersion: metallb.io/v1beta1\nkind: ServiceL2Status\nmetadata: {name: a, namespace: metallb-system, \
                  labels: {metallb.io/node: n2, metallb.io/service-name: lb, metallb.io/service-namespace: shop}}\n---\n";
    assert_eq!(entries(&cluster(&format!("{balancer}{status}")), "1.2.3.4 -> 192.168.0.100 tcp:80"), ["n2"]);
    // Under externalTrafficPolicy: Local only nodes with a ready backend.
    let local = balancer.replace("type: LoadBalancer", "type: LoadBalancer, externalTrafficPolicy: Local");
    assert_eq!(entries(&cluster(&local), "1.2.3.4 -> 192.168.0.100 tcp:80"), ["n1"]);
    // A cluster address that nobody advertises has no way in.
    assert!(why(&world, "1.2.3.4 -> 10.21.0.9 tcp:80").contains("advertises"));
}

#[test]
fn node_local_dns_is_on_the_pods_own_node() {
    let cache = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: node-local-dns, namespace: kube-system}\n\
                 spec: {template: {spec: {containers: [{name: c, args: ['-localip', '169.254.20.10']}]}}}\n---\n";
    let policy = gnp(
        "p",
        "{selector: app == 'db', types: [Egress], egress: [{action: Allow, protocol: UDP, destination: {nets: [169.254.20.10/32], ports: [53]}}]}",
    );
    let world = cluster(&format!("{cache}{policy}"));
    assert_eq!(verdict(&world, "10.20.2.1 -> 169.254.20.10 udp:53"), Verdict::Allow);
    assert_eq!(verdict(&world, "10.20.2.1 -> 169.254.20.10 tcp:53"), Verdict::Deny);
}

#[test]
fn source_ports_that_are_not_named_are_those_that_programs_get() {
    let rule = |ports: &str| {
        let rule = format!("{{action: Allow, protocol: TCP, source: {{ports: [{ports}]}}}}");
        ingress_of_web(&cluster(&gnp("p", &format!("{{types: [Ingress], ingress: [{rule}]}}"))), WEB).action
    };
    assert_eq!(rule("'1024:65535'"), HopAction::Allow);
    assert_eq!(rule("'1024:40000', '30000:65535'"), HopAction::Allow);
    assert_eq!(rule("'1:1023'"), HopAction::Deny);
    assert_eq!(rule("'32768:65535'"), HopAction::Unknown);
}

#[test]
fn a_nodes_own_packet_to_its_own_pod_has_the_nearest_address_in_ipv6() {
    // Recorded from a kernel: with VXLAN the device's address comes from the pods' pool, and shares more with the pod's.
    let text = CLUSTER
        .replace("[{ip: 10.20.1.1}]", "[{ip: 10.20.1.1}, {ip: 'fd00:20:1::10'}]")
        .replace("192.168.0.1/24}", "192.168.0.1/24, projectcalico.org/IPv6Address: 'fd00:128::41/64', projectcalico.org/IPv6VXLANTunnelAddr: 'fd00:20:1::1'}");
    let world = world(&text);
    let source = |text: &str| paths(&world, text).remove(0).hops.last().unwrap().packet.source.to_string();
    assert_eq!(source("fd00:128::41 -> fd00:20:1::10 tcp:8080"), "fd00:20:1::1");
    assert_eq!(source("192.168.0.1 -> 10.20.1.1 tcp:8080"), "192.168.0.1");
}
