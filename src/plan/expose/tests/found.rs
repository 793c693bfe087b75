//! Clusters on which exposures once did something else than they said, as random clusters found them, made small.
//! Never writes.

use super::super::super::revoke::{Which, grants, revoke};
use super::{
    Ask, LOCK, PLAIN, WIRES, ask, balanced, by, documents, exposed, locked, reaches, steps, stopped_at_the_edge,
    verdict,
};
use crate::model::flow::Verdict;
use crate::model::intent::Way;
use crate::model::world::World;
use crate::plan::ports;
use crate::plan::simulate::simulate;
use crate::plan::testing::notes;

const NODE2: &str = "192.0.2.12";

fn kind(world: &World) -> &str {
    &world.services[&("shop".to_string(), "web".to_string())].kind
}

/// Takes back the grant for a way.
fn without(world: &World, way: Way) -> World {
    let is = |info: &&super::super::super::revoke::GrantInfo| {
        info.grant.through.as_ref().is_some_and(|through| through.way == way)
    };
    let id = grants(world).iter().find(is).unwrap().id.clone();
    simulate(world, &revoke(world, &Which::Id(id)).unwrap().steps).unwrap()
}

#[test]
fn a_service_keeps_the_door_that_is_left_and_is_what_it_was_after_the_last() {
    let (_, one) = exposed(&locked(""), &ask("shop/web", &["10.7.0.99"]));
    let balanced = Ask { address: "192.0.2.201".parse().ok(), ..by(Way::LoadBalancer, "shop/web", &["10.7.0.99"]) };
    let (_, both) = exposed(&one, &balanced);
    assert_eq!(kind(&both), "LoadBalancer");
    let first = without(&both, Way::LoadBalancer);
    assert_eq!(kind(&first), "NodePort", "the other grant's door needs no load balancer");
    assert_eq!(verdict(&first, "10.7.0.99 -> 192.0.2.11 tcp:30000"), Verdict::Allow);
    assert_eq!(kind(&without(&first, Way::NodePort)), "ClusterIP");
    let other = without(&both, Way::NodePort);
    assert_eq!(kind(&other), "LoadBalancer");
    assert_eq!(verdict(&other, "10.7.0.99 -> 192.0.2.201 tcp:80"), Verdict::Allow);
    assert_eq!(kind(&without(&other, Way::LoadBalancer)), "ClusterIP");
}

#[test]
fn a_grant_does_not_take_over_what_another_remembers() {
    let by_hand = documents(PLAIN, NODE2, "Cluster").replace(
        "type: ClusterIP, clusterIP: 10.21.0.20, ports: [{port: 80",
        "type: NodePort, clusterIP: 10.21.0.20, ports: [{nodePort: 30000, port: 80",
    );
    let world = crate::testing::world(&format!("{by_hand}{LOCK}"));
    let (_, one) = exposed(&world, &ask("shop/web", &["10.7.0.99"]));
    let balanced = Ask { address: "192.0.2.201".parse().ok(), ..by(Way::LoadBalancer, "shop/web", &["10.7.0.99"]) };
    let (_, both) = exposed(&one, &balanced);
    assert_eq!(steps(&exposed(&both, &ask("shop/web", &["10.7.0.99"])).0), Vec::<String>::new());
    let left = without(&both, Way::LoadBalancer);
    assert_eq!(kind(&left), "NodePort", "as somebody made it");
    assert_eq!(kind(&without(&left, Way::NodePort)), "NodePort");
}

/// A third node, that came after the exposure.
const LATER: &str = "{kind: Node, apiVersion: v1, metadata: {name: n3, annotations: {projectcalico.org/IPv4Address: 192.0.2.13/24}}, status: {addresses: [{type: InternalIP, address: 192.0.2.13}]}}";

#[test]
fn a_node_that_comes_later_is_closed_to_strangers_before_pods_let_its_address_in() {
    let open = "{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: api, namespace: shop}, spec: {selector: app == 'api', types: [Ingress], ingress: [{action: Allow}]}}";
    let (_, mut world) = exposed(&locked(open), &ask("shop/web", &["10.7.0.99"]));
    let more = crate::testing::world(&format!("{}{LATER}", documents(PLAIN, NODE2, "Cluster")));
    world.nodes.insert("n3".into(), more.nodes["n3"].clone());
    world.index();
    let (plan, _) = exposed(&world, &ask("shop/web", &["10.7.0.99"]));
    assert_eq!(steps(&plan), ["HostEndpoint zerotrust-n3", "GlobalNetworkSet zerotrust-nodes"]);
    for done in 0..=plan.steps.len() {
        let so_far = simulate(&world, &plan.steps[..done]).unwrap();
        assert!(!reaches(&so_far, "203.0.113.9 -> 192.0.2.13 tcp:30000"), "after {done} steps");
        assert!(
            reaches(&so_far, "203.0.113.9 -> 192.0.2.13 tcp:31443"),
            "the door of api was open: after {done} steps"
        );
        assert_eq!(reaches(&so_far, "10.7.0.99 -> 192.0.2.13 tcp:30000"), done > 0);
    }
}

#[test]
fn an_exposure_brings_the_tunnels_of_those_before_it_up_to_date() {
    let (_, mut world) = exposed(&locked(&balanced("")), &ask("shop/web", &["10.7.0.99"]));
    // WireGuard is turned on afterwards.
    let later = crate::testing::world(&documents(WIRES[4], NODE2, "Cluster"));
    world.nodes = later.nodes;
    world.index();
    assert_eq!(verdict(&world, "10.7.0.99 -> 192.0.2.11 tcp:30000"), Verdict::Deny);
    let (_, after) = exposed(&world, &by(Way::LoadBalancer, "shop/lb", &["10.7.0.99"]));
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.11 tcp:30000"), Verdict::Allow);
    assert!(stopped_at_the_edge(&after, "10.7.0.98 -> 192.0.2.11 tcp:30000"));
}

#[test]
fn a_door_that_is_open_for_a_range_stays_open_for_all_of_it() {
    let open = "{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: api, namespace: shop}, spec: {selector: app == 'api', types: [Ingress], ingress: [{action: Allow, source: {nets: [10.9.0.0/16]}}]}}";
    let world = crate::testing::world(&format!("{}{LOCK}{open}", documents(PLAIN, NODE2, "Local")));
    let (_, after) = exposed(&world, &ask("shop/web", &["10.7.0.99"]));
    for client in ["10.9.0.0", "10.9.3.4", "10.9.255.255"] {
        assert!(reaches(&after, &format!("{client} -> 192.0.2.11 tcp:31443")), "{client}");
    }
    assert!(stopped_at_the_edge(&after, "10.10.0.1 -> 192.0.2.11 tcp:31443"));
}

#[test]
fn a_load_balancer_that_is_open_for_its_source_ranges_stays_so() {
    let lb = balanced(", externalTrafficPolicy: Local, loadBalancerSourceRanges: [10.9.0.0/16]")
        .replace("app: web", "app: api");
    let open = "{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: api, namespace: shop}, spec: {selector: app == 'api', types: [Ingress], ingress: [{action: Allow}]}}";
    let (plan, after) = exposed(&locked(&format!("{lb}\n---\n{open}")), &ask("shop/web", &["10.7.0.99"]));
    assert!(reaches(&after, "10.9.3.4 -> 192.0.2.200 tcp:80"), "{}", notes(&plan));
    assert!(notes(&plan).contains("192.0.2.200 port 80 of shop/lb (for 10.9.0.0/16)"), "{}", notes(&plan));
}

#[test]
fn clients_that_an_earlier_rule_lets_by_are_announced() {
    let edge = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: partners}, spec: {order: 5, selector: has(host), preDNAT: true, applyOnForward: true, types: [Ingress], ingress: [{action: Allow, source: {nets: [10.8.0.0/16]}}]}}\n---\n{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {name: n1-eth0, labels: {host: a}}, spec: {node: n1, interfaceName: eth0, expectedIPs: [192.0.2.11], profiles: [projectcalico-default-allow]}}";
    let (plan, after) = exposed(&locked(edge), &ask("shop/web", &["10.7.0.99"]));
    assert!(reaches(&after, "10.8.3.4 -> 192.0.2.11 tcp:30000"), "what somebody lets by before DNAT is not taken away");
    let said = notes(&plan);
    assert!(said.contains("also lets in 10.8.0.0/16 at node port 30000 (TCP) of shop/web"), "{said}");
}

#[test]
fn a_door_with_clients_of_its_own_is_not_said_to_close_to_them() {
    let (_, one) = exposed(&locked(""), &ask("shop/web", &["10.7.0.99"]));
    let (plan, _) = exposed(&one, &ask("shop/api", &["10.8.0.1"]));
    assert!(!notes(&plan).contains("close to all"), "{}", notes(&plan));
}

#[test]
fn what_was_never_advertised_does_not_count_as_open() {
    let two = "{kind: Service, apiVersion: v1, metadata: {name: both, namespace: shop}, spec: {clusterIP: 10.21.0.40, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}, {name: admin, port: 81, targetPort: 8081}]}}";
    let world = crate::testing::world(&format!("{}{two}", documents(PLAIN, NODE2, "Cluster")));
    let advertise = Some(crate::model::world::ServiceAddress::Cluster);
    let asked =
        Ask { advertise, ports: ports::parse(&["80"]).unwrap(), ..by(Way::Bgp, "shop/both", &["10.30.0.0/16"]) };
    let (_, after) = exposed(&world, &asked);
    assert_eq!(verdict(&after, "10.30.4.4 -> 10.21.0.40 tcp:80"), Verdict::Allow);
    assert!(stopped_at_the_edge(&after, "10.30.4.4 -> 10.21.0.40 tcp:81"), "a machine beside the nodes");
    let peer = super::super::PeerAsked { address: "192.0.2.254".parse().unwrap(), number: 65531 };
    let with_peer = Ask { peer: Some(peer), ..asked };
    let (_, peered) = exposed(&after, &with_peer);
    assert_eq!(steps(&exposed(&peered, &with_peer).0), Vec::<String>::new(), "the router is a peer by now");
}

#[test]
fn a_door_without_backends_is_kept_once() {
    let waiting = balanced("").replace("app: web", "app: nobody");
    let (_, after) = exposed(&locked(&waiting), &ask("shop/web", &["10.7.0.99"]));
    assert_eq!(steps(&exposed(&after, &ask("shop/web", &["10.7.0.99"])).0), Vec::<String>::new());
}

#[test]
fn a_local_service_with_an_advertised_cluster_address_is_no_keeper_of_clients_addresses() {
    use crate::plan::grant::{Ask, allow};
    let fabric = "{kind: BGPConfiguration, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {serviceClusterIPs: [{cidr: 10.21.0.0/16}]}}";
    let world = crate::testing::world(&format!("{}{LOCK}{fabric}", documents(PLAIN, NODE2, "Local")));
    let target = |text: &str| crate::plan::target::Target::parse(text, None).unwrap();
    let asked = Ask { from: target("nodes"), to: target("shop/api"), ports: None, reason: None, accepted: Vec::new() };
    let said = crate::plan::testing::said(&allow(&world, &asked).unwrap_err());
    assert!(said.contains("advertised cluster address 10.21.0.30") && said.contains("bgp-allow"), "{said}");
    assert!(!said.contains("externalTrafficPolicy"), "it would change nothing: {said}");
}

#[test]
fn a_perimeter_keeps_its_form_whatever_form_a_later_grant_has() {
    let (_, one) = exposed(&locked(""), &ask("shop/web", &["10.7.0.99"]));
    let shape = super::Shape { inline: true, ..super::Shape::default() };
    let (plan, both) = exposed(&one, &Ask { shape, ..ask("shop/api", &["10.8.0.1"]) });
    let synced = crate::plan::sync::sync(&both, &[]).unwrap();
    assert_eq!(synced.plan.steps, [], "{}", notes(&plan));
    for flow in ["10.7.0.99 -> 192.0.2.11 tcp:30000", "10.8.0.1 -> 192.0.2.12 tcp:31443"] {
        assert_eq!(verdict(&both, flow), Verdict::Allow, "{flow}");
    }
}

#[test]
fn a_grant_by_the_set_has_the_set_where_the_perimeter_stands_without_it() {
    let shape = super::Shape { inline: true, ..super::Shape::default() };
    let (_, one) = exposed(&locked(""), &Ask { shape, ..ask("shop/api", &["10.8.0.1"]) });
    assert!(one.network_sets.is_empty());
    let (_, both) = exposed(&one, &ask("shop/web", &["10.7.0.99"]));
    assert_eq!(verdict(&both, "10.7.0.99 -> 192.0.2.11 tcp:30000"), Verdict::Allow);
    assert_eq!(both.network_sets.len(), 1);
    assert_eq!(crate::plan::sync::sync(&both, &[]).unwrap().plan.steps, []);
}

#[test]
fn a_door_that_is_closed_stays_so_when_it_cannot_be_told_any_more() {
    let shape = super::Shape { inline: true, ..super::Shape::default() };
    let (_, mut world) = exposed(&locked(""), &Ask { shape, ..ask("shop/web", &["10.7.0.99"]) });
    // The node of api's pod is gone, so where packets to its door would go is not known.
    world.nodes.remove("n1");
    world.index();
    let synced = crate::plan::sync::sync(&world, &[]).unwrap();
    assert!(!synced.is_unsure() && !notes(&synced.plan).contains("found open"), "{:?}", synced.drift);
    let after = simulate(&world, &synced.plan.steps).unwrap();
    assert!(stopped_at_the_edge(&after, "203.0.113.9 -> 192.0.2.12 tcp:31443"));
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.12 tcp:30000"), Verdict::Allow);
}

#[test]
fn a_door_that_was_found_open_is_open_at_a_node_that_comes() {
    let shape = super::Shape { inline: true, ..super::Shape::default() };
    let open = crate::testing::world(&documents(PLAIN, NODE2, "Cluster"));
    let (plan, mut world) = exposed(&open, &Ask { shape, ..ask("shop/web", &["10.7.0.99"]) });
    assert!(notes(&plan).contains("found open, and kept so"), "{}", notes(&plan));
    let like = &world.nodes["n2"];
    let mut node = crate::model::world::Node { name: "n9".into(), ..like.clone() };
    node.addresses.retain(|own| own.ip.to_string() == NODE2);
    node.addresses.iter_mut().for_each(|own| own.ip = "192.0.2.19".parse().unwrap());
    node.primary = vec!["192.0.2.19".parse().unwrap()];
    world.nodes.insert("n9".into(), node);
    world.index();
    let mut after = world.clone();
    for step in crate::plan::sync::sync(&world, &[]).unwrap().plan.steps {
        after = simulate(&after, &[step]).unwrap();
        assert_eq!(verdict(&after, "203.0.113.9 -> 192.0.2.19 tcp:31443"), Verdict::Allow);
    }
    assert!(stopped_at_the_edge(&after, "203.0.113.9 -> 192.0.2.19 tcp:30000"));
}

#[test]
fn clients_of_a_grant_without_a_door_keep_the_doors_by_which_they_come() {
    let world = crate::testing::world(&format!("{}{LOCK}", documents(PLAIN, NODE2, "Local")));
    let (_, world) = crate::plan::testing::allowed(&world, "10.9.0.7", "shop/api");
    assert!(reaches(&world, "10.9.0.7 -> 192.0.2.11 tcp:31443"));
    let (plan, after) = exposed(&world, &ask("shop/web", &["10.7.0.99"]));
    assert!(reaches(&after, "10.9.0.7 -> 192.0.2.11 tcp:31443"), "{}", notes(&plan));
    assert!(notes(&plan).contains("node port 31443 (TCP) of shop/api (for 10.9.0.7/32)"), "{}", notes(&plan));
    assert!(stopped_at_the_edge(&after, "10.9.0.8 -> 192.0.2.11 tcp:31443"));
}

#[test]
fn a_door_that_is_granted_by_some_nodes_is_said_to_close_on_the_others() {
    let world = crate::testing::world(&documents(PLAIN, NODE2, "Cluster"));
    let (plan, after) = exposed(&world, &Ask { nodes: Some("edge=n1".into()), ..ask("shop/api", &[]) });
    assert!(reaches(&after, "203.0.113.9 -> 192.0.2.11 tcp:31443"));
    assert!(stopped_at_the_edge(&after, "203.0.113.9 -> 192.0.2.12 tcp:31443"));
    let closes = "close to all clients outside without a grant: node port 31443 (TCP) of shop/api by n2";
    assert!(notes(&plan).contains(closes), "{}", notes(&plan));
}

#[test]
fn a_lockdown_takes_back_no_grant_and_what_closes_for_its_clients_is_said() {
    let lb = balanced(", externalTrafficPolicy: Local");
    let open = crate::testing::world(&format!("{}{lb}", documents(PLAIN, NODE2, "Cluster")));
    let (_, granted) = exposed(&open, &ask("shop/web", &["10.7.0.99"]));
    let asked = crate::plan::lockdown::Ask { accepted: vec![crate::plan::Risk::Dns], ..Default::default() };
    let plan = crate::plan::lockdown::lockdown(&granted, &asked).unwrap();
    assert!(notes(&plan).contains("goes on, by rules that it needs now: grant"), "{}", notes(&plan));
    let objects = steps(&plan);
    assert_eq!(objects, ["GlobalNetworkPolicy deny-app-policy", "NetworkPolicy shop/zerotrust-web-ingress"]);
    let locked = simulate(&granted, &plan.steps).unwrap();
    crate::plan::testing::nothing_behind(&locked);
    assert!(reaches(&locked, "10.7.0.99 -> 192.0.2.11 tcp:30000"));
    assert!(!reaches(&locked, "203.0.113.9 -> 192.0.2.11 tcp:30000"));
    assert!(!reaches(&locked, "203.0.113.9 -> 192.0.2.200 tcp:80"), "kept open at the edge, and locked at the pods");
    // By the load balancer's address the client came too, as it leads to the same pods.
    assert!(reaches(&locked, "10.7.0.99 -> 192.0.2.200 tcp:80"));
    // And so where the lockdown was observed first.
    let observed = crate::plan::staged::observe::observe(&granted, &asked, &Default::default()).unwrap();
    let trial = simulate(&granted, &observed.steps).unwrap();
    let promoted = crate::plan::staged::promote::promote(&trial, &asked).unwrap();
    assert!(notes(&promoted).contains("goes on, by rules that it needs now: grant"), "{}", notes(&promoted));
    let promoted = simulate(&trial, &promoted.steps).unwrap();
    assert!(reaches(&promoted, "10.7.0.99 -> 192.0.2.11 tcp:30000"));
    assert!(!reaches(&promoted, "203.0.113.9 -> 192.0.2.11 tcp:30000"));
    let shape = super::Shape { close_others: true, ..super::Shape::default() };
    let (plan, after) = exposed(&locked, &Ask { shape, ..ask("shop/api", &["10.8.0.1"]) });
    assert!(!reaches(&after, "10.7.0.99 -> 192.0.2.200 tcp:80"));
    let closes = "load balancer address 192.0.2.200 port 80 of shop/lb (for 10.7.0.99/32)";
    assert!(notes(&plan).contains(closes), "{}", notes(&plan));
}

#[test]
fn a_lockdown_says_which_grant_it_stops_where_strangers_would_come_along() {
    // The pods see a node's address by the door that is granted, and by the one that was found open.
    let open = crate::testing::world(&format!("{}{}", documents(PLAIN, NODE2, "Cluster"), balanced("")));
    let (_, granted) = exposed(&open, &ask("shop/web", &["10.7.0.99"]));
    let asked = crate::plan::lockdown::Ask { accepted: vec![crate::plan::Risk::Dns], ..Default::default() };
    let plan = crate::plan::lockdown::lockdown(&granted, &asked).unwrap();
    assert_eq!(steps(&plan), ["GlobalNetworkPolicy deny-app-policy"]);
    let said = notes(&plan);
    assert!(said.contains("(10.7.0.99 -> shop/service/web) stops:"), "{said}");
    assert!(said.contains("192.0.2.11:32127 (TCP) would pass by node n1 then"), "{said}");
    let locked = simulate(&granted, &plan.steps).unwrap();
    assert!(!reaches(&locked, "203.0.113.9 -> 192.0.2.200 tcp:80"));
}

#[test]
fn a_deny_for_one_of_the_clients_is_not_skipped_either() {
    let host = "{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {name: h1, labels: {host: a}}, spec: {node: n1, interfaceName: eth0, expectedIPs: [192.0.2.11], profiles: [projectcalico-default-allow]}}";
    let deny = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: refuses}, spec: {selector: has(host), applyOnForward: true, types: [Ingress], ingress: [{action: Deny, source: {nets: [10.7.0.99/32]}}, {action: Allow}]}}";
    let world = locked(&format!("{host}\n---\n{deny}"));
    let reason = super::refusal(&world, &ask("shop/web", &["10.7.0.0/24"]));
    assert!(reason.contains("10.7.0.99 -> 10.20.2.20 is denied on node n1"), "{reason}");
    exposed(&world, &ask("shop/web", &["10.8.0.0/24"]));
}

#[test]
fn an_address_that_leads_to_another_service_is_refused() {
    let (_, one) = exposed(&locked(&balanced("")), &by(Way::LoadBalancer, "shop/lb", &["10.7.0.99"]));
    let same = Ask { address: "192.0.2.200".parse().ok(), ..by(Way::LoadBalancer, "shop/web", &["10.7.0.99"]) };
    let reason = super::refusal(&one, &same);
    assert!(reason.contains("192.0.2.200 leads to Service shop/lb on the same port"), "{reason}");
}

#[test]
fn a_grant_that_is_asked_for_again_keeps_the_form_of_its_rules() {
    let (_, one) = exposed(&locked(""), &ask("shop/web", &["10.7.0.99"]));
    let shape = super::Shape { inline: true, ..super::Shape::default() };
    assert_eq!(steps(&exposed(&one, &Ask { shape, ..ask("shop/web", &["10.7.0.99"]) }).0), Vec::<String>::new());
}

#[test]
fn where_everything_passes_already_nothing_is_written() {
    let host = |node: &str, ip: &str| {
        format!(
            "{{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {{name: {node}, labels: {{edge: a}}}}, spec: {{node: {node}, interfaceName: eth0, expectedIPs: [{ip}], profiles: [projectcalico-default-allow]}}}}\n---\n"
        )
    };
    let theirs = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: edge}, spec: {order: 5, selector: has(edge), preDNAT: true, applyOnForward: true, types: [Ingress], ingress: [{action: Allow, source: {nets: [192.0.2.0/24, 10.20.0.0/16, 10.8.3.4/32]}}, {action: Deny}]}}";
    let hosts = format!("{}{}{theirs}", host("n1", "192.0.2.11"), host("n2", NODE2));
    let world = crate::testing::world(&format!("{}{hosts}", documents(PLAIN, NODE2, "Cluster")));
    let (plan, _) = exposed(&world, &ask("shop/api", &["10.8.3.4"]));
    assert_eq!(steps(&plan), Vec::<String>::new());
    assert!(notes(&plan).contains("there is no grant to revoke"), "{}", notes(&plan));
}
