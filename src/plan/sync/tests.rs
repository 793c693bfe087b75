//! Drift of every kind on small clusters: what is noticed, and what mends it.
//! Never writes.

use std::net::IpAddr;

use proptest::prelude::*;

use super::super::edit::Edit;
use super::super::expose::{self, expose};
use super::super::perimeter::{Shape, recognise};
use super::super::simulate::simulate;
use super::super::target::Target;
use super::super::testing::{allowed, ask, nothing_behind, said, steps};
use super::super::{Plan, PlanError, Risk, revoke, status};
use super::{Drift, Remedy, Synced, drift, sync};
use crate::evaluate::path::{Question, walk};
use crate::findings::NODE_ADDRESS_OF_POD;
use crate::model::flow::{Verdict, together};
use crate::model::intent::Way;
use crate::model::world::{AddressRole, Fact, Gap, Hidden, Node, NodeAddress, TargetPort, World};
use crate::testing::packet;

/// Three nodes without tunnels, a locked namespace, `web` (a pod on n2) with a door of each kind, and `api` beside it.
const CLUSTER: &str = r#"
{kind: ClusterInformation, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {calicoVersion: v3.28.0}}
---
{kind: IPPool, apiVersion: projectcalico.org/v3, metadata: {name: pods}, spec: {cidr: 10.20.0.0/16, natOutgoing: true}}
---
{kind: ConfigMap, apiVersion: v1, metadata: {name: kube-proxy, namespace: kube-system}, data: {config.conf: "mode: iptables\nclusterCIDR: 10.20.0.0/16"}}
---
{kind: Node, apiVersion: v1, metadata: {name: n1, labels: {edge: "yes"}, annotations: {projectcalico.org/IPv4Address: 192.0.2.11/24}}, status: {addresses: [{type: InternalIP, address: 192.0.2.11}]}}
---
{kind: Node, apiVersion: v1, metadata: {name: n2, annotations: {projectcalico.org/IPv4Address: 192.0.2.12/24}}, status: {addresses: [{type: InternalIP, address: 192.0.2.12}]}}
---
{kind: Node, apiVersion: v1, metadata: {name: n3, annotations: {projectcalico.org/IPv4Address: 192.0.2.13/24}}, status: {addresses: [{type: InternalIP, address: 192.0.2.13}]}}
---
{kind: Namespace, apiVersion: v1, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}}
---
{kind: Pod, apiVersion: v1, metadata: {name: web-1, namespace: shop, labels: {app: web}}, spec: {nodeName: n2, containers: [{name: c}]}, status: {phase: Running, podIP: 10.20.2.20, conditions: [{type: Ready, status: "True"}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: api-1, namespace: shop, labels: {app: api}}, spec: {nodeName: n1, containers: [{name: c}]}, status: {phase: Running, podIP: 10.20.1.30, conditions: [{type: Ready, status: "True"}]}}
---
{kind: Service, apiVersion: v1, metadata: {name: web, namespace: shop}, spec: {type: LoadBalancer, clusterIP: 10.21.0.20, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}, status: {loadBalancer: {ingress: [{ip: 198.51.100.7}]}}}
---
{kind: Service, apiVersion: v1, metadata: {name: api, namespace: shop}, spec: {type: NodePort, clusterIP: 10.21.0.30, selector: {app: api}, ports: [{port: 443, targetPort: 8443, nodePort: 31443}]}}
---
{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: lock}, spec: {namespaceSelector: 'has(projectcalico.org/name) && projectcalico.org/name not in {"kube-system"}', types: [Ingress, Egress]}}
---
"#;

const NODES: [&str; 3] = ["192.0.2.11", "192.0.2.12", "192.0.2.13"];
const WEB: (&str, &str) = ("shop", "web");

fn cluster(more: &str) -> World {
    crate::testing::world(&format!("{CLUSTER}{more}"))
}

fn exposed(world: &World, way: Way, change: impl Fn(&mut expose::Ask)) -> World {
    let mut asked = expose::Ask {
        service: Target::parse("shop/web", None).unwrap(),
        way,
        from: vec![Target::parse("10.7.0.99", None).unwrap()],
        ports: None,
        node_port: None,
        address: None,
        advertise: None,
        peer: None,
        nodes: None,
        shape: Shape::default(),
        reason: None,
        accepted: Vec::new(),
    };
    change(&mut asked);
    let (plan, _) = expose(world, &asked).unwrap_or_else(|error| panic!("{}", said(&error)));
    let after = simulate(world, &plan.steps).unwrap();
    nothing_behind(&after);
    after
}

fn by_node_port(world: &World) -> World {
    exposed(world, Way::NodePort, |_| {})
}

/// What `sync` does, after which nothing is behind, and no prefix of which lets a stranger in.
fn synced(world: &World) -> (Synced, World) {
    let synced = sync(world, &[]).unwrap_or_else(|error| panic!("{}", said(&error)));
    let mut after = world.clone();
    for step in &synced.plan.steps {
        after = simulate(&after, std::slice::from_ref(step)).unwrap();
        for node in after.nodes.values() {
            let ip = node.addresses[0].ip;
            let port = after.services[&(WEB.0.to_string(), WEB.1.to_string())].ports[0].node_port.unwrap();
            for stranger in ["10.7.0.98", "203.0.113.9"] {
                let flow = format!("{stranger} -> {ip} tcp:{port}");
                assert_ne!(verdict(&after, &flow), Verdict::Allow, "{flow} after {}", step.object);
            }
        }
    }
    let again = sync(&after, &[]).unwrap();
    assert_eq!(again.plan.steps, [], "sync after sync");
    (synced, after)
}

fn verdict(world: &World, text: &str) -> Verdict {
    together(&walk(world, &Question { packet: packet(text), entry: None }))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn address(text: &str, role: AddressRole) -> NodeAddress {
    NodeAddress { ip: ip(text), role, subnet: None, evidence: "a test".into() }
}

/// Turns a tunnel on: n1 has 10.20.1.1, n2 10.20.2.1, n3 10.20.3.1.
fn with_tunnels(world: &World, role: AddressRole) -> World {
    let mut world = world.clone();
    for (index, node) in world.nodes.values_mut().enumerate() {
        node.addresses.push(address(&format!("10.20.{}.1", index + 1), role));
        node.wireguard_key[0] |= role == AddressRole::Wireguard;
    }
    world.index();
    world
}

fn with_node(world: &World, name: &str, at: &str) -> World {
    let mut world = world.clone();
    let mut own = address(at, AddressRole::Host);
    own.subnet = "192.0.2.0/24".parse().ok();
    let node = Node { name: name.into(), addresses: vec![own], primary: vec![ip(at)], ..Node::default() };
    world.nodes.insert(name.into(), node);
    world.index();
    world
}

fn without_node(world: &World, name: &str) -> World {
    let mut world = world.clone();
    world.nodes.remove(name);
    world.index();
    world
}

fn with_service(world: &World, change: impl Fn(&mut crate::model::world::Service)) -> World {
    let mut world = world.clone();
    let service = world.services.get_mut(&(WEB.0.to_string(), WEB.1.to_string())).unwrap();
    change(service);
    // As the endpoints controller would have it.
    if let (TargetPort::Number(number), Fact::Known { value, .. }) = (&service.ports[0].target, &mut service.backends) {
        value.iter_mut().for_each(|backend| backend.port = *number);
    }
    world.index();
    world
}

fn set(world: &World) -> Vec<String> {
    let set = world.network_sets.iter().find(|set| set.name == "zerotrust-nodes").unwrap();
    set.nets.iter().map(|net| net.addr().to_string()).collect()
}

fn others(synced: &Synced) -> Vec<&Drift> {
    synced.drift.iter().filter(|drift| drift.remedy != Remedy::Sync).collect()
}

fn hints(drift: &Drift) -> String {
    match &drift.remedy {
        Remedy::Sync => String::new(),
        Remedy::Other(hints) | Remedy::Unknown(hints) => hints.join("\n"),
    }
}

fn nets_of(world: &World, policy: &str) -> Vec<String> {
    let (_, written) = world.written.iter().find(|(id, _)| id.name == policy).unwrap();
    written.spec.ingress.iter().flat_map(|rule| rule.source.nets.clone()).collect()
}

#[test]
fn tunnels_that_are_turned_on_or_off_are_followed_by_the_set_or_by_the_rules() {
    for role in [AddressRole::Wireguard, AddressRole::Ipip, AddressRole::Vxlan] {
        for inline in [false, true] {
            let before = exposed(&cluster(""), Way::NodePort, |ask| ask.shape.inline = inline);
            let on = with_tunnels(&before, role);
            assert!(!drift(&on).is_empty(), "{role:?} {inline}");
            let (plan, after) = synced(&on);
            assert_eq!(others(&plan), Vec::<&Drift>::new());
            for node in NODES {
                assert_eq!(
                    verdict(&after, &format!("10.7.0.99 -> {node} tcp:30080")),
                    Verdict::Allow,
                    "{role:?} {node}"
                );
            }
            let nets = if inline { nets_of(&after, "zerotrust-web-ingress").join(" ") } else { set(&after).join(" ") };
            assert!(nets.contains("10.20.1.1") && nets.contains("10.20.3.1"), "{nets}");
            let mut off = after.clone();
            off.nodes.clone_from(&before.nodes);
            off.index();
            let (_, back) = synced(&off);
            let nets = if inline { nets_of(&back, "zerotrust-web-ingress").join(" ") } else { set(&back).join(" ") };
            assert!(!nets.contains("10.20."), "{nets}");
        }
    }
}

#[test]
fn wireguard_stops_the_client_on_other_nodes_until_sync() {
    let on = with_tunnels(&by_node_port(&cluster("")), AddressRole::Wireguard);
    assert_eq!(verdict(&on, "10.7.0.99 -> 192.0.2.11 tcp:30080"), Verdict::Deny, "as in the article");
    assert_eq!(verdict(&on, "10.7.0.99 -> 192.0.2.12 tcp:30080"), Verdict::Allow, "the pod's own node");
    let (plan, after) = synced(&on);
    assert_eq!(steps(&plan.plan), ["GlobalNetworkSet zerotrust-nodes"], "one write");
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.11 tcp:30080"), Verdict::Allow);
}

/// Seen in the lab: the tunnels' addresses become addresses of doors that were found open, or of which that could not be told.
#[test]
fn doors_that_were_found_open_keep_no_tunnel_from_being_followed() {
    let doors = r#"
{kind: Namespace, apiVersion: v1, metadata: {name: kube-system}}
---
{kind: Pod, apiVersion: v1, metadata: {name: dns-1, namespace: kube-system, labels: {app: dns}}, spec: {nodeName: n1, containers: [{name: c}]}, status: {phase: Running, podIP: 10.20.1.53, conditions: [{type: Ready, status: "True"}]}}
---
{kind: Service, apiVersion: v1, metadata: {name: dns, namespace: kube-system}, spec: {type: NodePort, clusterIP: 10.21.0.10, selector: {app: dns}, ports: [{port: 53, nodePort: 30053}]}}
---
{kind: Service, apiVersion: v1, metadata: {name: ghost, namespace: shop}, spec: {type: NodePort, clusterIP: 10.21.0.80, selector: {app: ghost}, ports: [{port: 80, nodePort: 31999}]}}
---
"#;
    let before = by_node_port(&cluster(doors));
    assert_eq!(verdict(&before, "203.0.113.9 -> 192.0.2.12 tcp:30053"), Verdict::Allow, "found open");
    let (plan, after) = synced(&with_tunnels(&before, AddressRole::Wireguard));
    assert_eq!(others(&plan), Vec::<&Drift>::new());
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.11 tcp:30080"), Verdict::Allow);
    assert_eq!(
        verdict(&after, "203.0.113.9 -> 10.20.1.1 tcp:30080"),
        Verdict::Deny,
        "a tunnel's address is no way round"
    );
}

#[test]
fn a_new_node_gets_its_host_endpoint_before_its_address_enters_the_set() {
    let new = with_node(&by_node_port(&cluster("")), "n4", "192.0.2.14");
    let (plan, after) = synced(&new);
    assert_eq!(steps(&plan.plan), ["HostEndpoint zerotrust-n4", "GlobalNetworkSet zerotrust-nodes"]);
    assert!(
        !super::super::testing::notes(&plan.plan).contains("found open"),
        "what is closed elsewhere closes here too"
    );
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.14 tcp:30080"), Verdict::Allow);
    assert_eq!(verdict(&after, "10.7.0.98 -> 192.0.2.14 tcp:30080"), Verdict::Deny);
    assert_eq!(verdict(&after, "203.0.113.9 -> 192.0.2.14 tcp:22"), Verdict::Allow, "its own listeners");
}

#[test]
fn host_endpoints_of_new_nodes_name_the_interface_that_the_others_name() {
    let world = exposed(&cluster(""), Way::NodePort, |ask| ask.shape.interface = Some("eth0".into()));
    let (_, after) = synced(&with_node(&world, "n4", "192.0.2.14"));
    let endpoint = after.host_endpoints.iter().find(|endpoint| endpoint.node == "n4").unwrap();
    assert_eq!(endpoint.interface.as_deref(), Some("eth0"));
}

#[test]
fn a_node_that_is_gone_takes_its_host_endpoint_and_addresses_along() {
    let gone = without_node(&by_node_port(&cluster("")), "n3");
    let (plan, after) = synced(&gone);
    assert_eq!(steps(&plan.plan), ["GlobalNetworkSet zerotrust-nodes", "HostEndpoint zerotrust-n3"]);
    assert_eq!(set(&after), ["192.0.2.11", "192.0.2.12"]);
    assert!(!after.host_endpoints.iter().any(|endpoint| endpoint.node == "n3"));
}

#[test]
fn somebody_elses_host_endpoint_of_a_node_that_is_gone_stays() {
    let theirs = "{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {name: by-hand}, spec: {node: n3, interfaceName: eth0, expectedIPs: [192.0.2.13], profiles: [projectcalico-default-allow]}}";
    let gone = without_node(&by_node_port(&cluster(theirs)), "n3");
    let (_, after) = synced(&gone);
    assert!(after.host_endpoints.iter().any(|endpoint| endpoint.name == "by-hand"));
}

#[test]
fn a_node_that_could_not_be_read_is_not_taken_for_gone() {
    let mut blind = without_node(&by_node_port(&cluster("")), "n3");
    let (place, reason) = ("Node n3, nodes.yaml:7".to_string(), "spec: expected a map".to_string());
    blind.gaps.push(Gap { hides: Hidden::Routes, namespace: None, place, reason });
    let (plan, _) = synced(&blind);
    assert_eq!(plan.plan.steps, []);
    assert!(plan.is_unsure() && !plan.is_behind(), "{:?}", plan.drift);
    assert!(status::status(&blind).gaps.iter().any(|gap| gap.contains("perimeter")), "status says it too");
}

#[test]
fn a_nodes_new_address_is_followed_in_its_own_host_endpoint() {
    let mut moved = by_node_port(&cluster(""));
    let node = moved.nodes.get_mut("n3").unwrap();
    node.addresses = vec![address("192.0.2.33", AddressRole::Host)];
    node.primary = vec![ip("192.0.2.33")];
    moved.index();
    let (plan, after) = synced(&moved);
    assert_eq!(steps(&plan.plan), ["HostEndpoint zerotrust-n3", "GlobalNetworkSet zerotrust-nodes"]);
    let own: Vec<_> = after.host_endpoints.iter().filter(|endpoint| endpoint.node == "n3").collect();
    assert_eq!(own.len(), 1, "never a second one");
    assert_eq!(own[0].addresses, [ip("192.0.2.33")]);
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.33 tcp:30080"), Verdict::Allow);
}

#[test]
fn a_node_port_that_changed_is_followed_and_the_old_one_closes() {
    let world = with_service(&by_node_port(&cluster("")), |service| service.ports[0].node_port = Some(30999));
    assert_eq!(verdict(&world, "10.7.0.99 -> 192.0.2.11 tcp:30999"), Verdict::Deny);
    let (plan, after) = synced(&world);
    assert_eq!(steps(&plan.plan), ["GlobalNetworkPolicy zerotrust-perimeter"]);
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.11 tcp:30999"), Verdict::Allow);
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.11 tcp:30080"), Verdict::Deny);
}

#[test]
fn a_load_balancers_new_address_is_followed() {
    let world = exposed(&cluster(""), Way::LoadBalancer, |_| {});
    let moved = with_service(&world, |service| service.load_balancer_ips = vec![ip("198.51.100.8")]);
    let (_, after) = synced(&moved);
    assert_eq!(verdict(&after, "10.7.0.99 -> 198.51.100.8 tcp:80"), Verdict::Allow);
    assert_eq!(verdict(&after, "10.7.0.98 -> 198.51.100.8 tcp:80"), Verdict::Deny);
}

#[test]
fn a_target_port_that_changed_makes_it_the_grant_that_would_be_given_today() {
    let world = with_service(&by_node_port(&cluster("")), |service| service.ports[0].target = TargetPort::Number(9090));
    let old = revoke::grants(&world)[0].id.clone();
    let (plan, after) = synced(&world);
    assert!(plan.drift.iter().any(|drift| drift.detail.contains("TCP:9090 instead of TCP:8080")), "{:?}", plan.drift);
    let grants = revoke::grants(&after);
    assert_eq!(grants.len(), 1);
    assert_ne!(grants[0].id, old);
    assert_eq!(revoke::orphans(&after), []);
    let asked = exposed(&after, Way::NodePort, |_| {});
    assert_eq!(revoke::grants(&asked), grants, "asked again it is that very grant");
    let shown =
        serde_json::to_string(&after.written.values().map(|written| &written.spec).collect::<Vec<_>>()).unwrap();
    assert!(shown.contains("9090") && !shown.contains("8080") && !shown.contains(&old), "{shown}");
}

#[test]
fn a_services_port_that_changed_is_followed_where_it_is_clear_which_it_is() {
    let world = exposed(&cluster(""), Way::LoadBalancer, |_| {});
    let (_, after) = synced(&with_service(&world, |service| service.ports[0].port = 8000));
    assert_eq!(verdict(&after, "10.7.0.99 -> 198.51.100.7 tcp:8000"), Verdict::Allow);
    // Two others, and neither leads to the pods' port of before.
    let unclear = with_service(&world, |service| {
        service.ports[0].port = 8000;
        service.ports[0].target = TargetPort::Number(1);
        let second =
            crate::model::world::ServicePort { port: 9000, target: TargetPort::Number(2), ..service.ports[0].clone() };
        service.ports.push(second);
    });
    let (plan, _) = synced(&unclear);
    let left = others(&plan);
    assert!(
        left.iter().any(|drift| drift.detail.contains("cannot be told") && hints(drift).contains("revoke")),
        "{left:?}"
    );
}

#[test]
fn a_service_that_is_gone_is_not_guessed_and_its_grant_is_named() {
    let mut world = by_node_port(&cluster(""));
    world.services.remove(&("shop".to_string(), "web".to_string()));
    world.index();
    let id = revoke::grants(&world)[0].id.clone();
    let synced = sync(&world, &[]).unwrap();
    let after = simulate(&world, &synced.plan.steps).unwrap();
    let rules = |world: &World| revoke::grants(world)[0].rules.len();
    assert_eq!(rules(&after), rules(&world), "what was asked for stays until somebody takes it back");
    let left = others(&synced);
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].detail.contains("is gone") && hints(left[0]).contains(&format!("revoke {id}")), "{left:?}");
}

#[test]
fn a_service_without_its_door_is_left_to_its_owner_and_the_door_closes() {
    let world = with_service(&by_node_port(&cluster("")), |service| {
        service.kind = "ClusterIP".into();
        service.ports[0].node_port = None;
        service.load_balancer_ips.clear();
    });
    let synced = sync(&world, &[]).unwrap();
    assert_eq!(steps(&synced.plan), ["GlobalNetworkPolicy zerotrust-perimeter"]);
    assert!(
        others(&synced).iter().any(|drift| drift.detail.contains("has no door by node port")),
        "{:?}",
        synced.drift
    );
    let after = simulate(&world, &synced.plan.steps).unwrap();
    let shown = serde_json::to_string(&after.written.values().map(|w| &w.spec).collect::<Vec<_>>()).unwrap();
    assert!(!shown.contains("30080"), "{shown}");
}

#[test]
fn a_grant_for_a_services_pods_follows_its_target_port() {
    let (_, world) = allowed(&cluster(""), "10.7.0.99", "shop/web");
    let moved = with_service(&world, |service| service.ports[0].target = TargetPort::Number(9090));
    let (plan, after) = synced(&moved);
    assert_eq!(steps(&plan.plan), ["NetworkPolicy shop/zerotrust-web-ingress"], "one write");
    assert!(super::super::testing::passes(&after, "10.7.0.99 -> 10.20.2.20 tcp:9090"));
    assert!(!super::super::testing::passes(&after, "10.7.0.99 -> 10.20.2.20 tcp:8080"));
    assert_eq!(steps(&allowed(&after, "10.7.0.99", "shop/web").0), Vec::<String>::new());
}

#[test]
fn the_nodes_as_a_grants_source_are_followed_but_where_strangers_would_come_with_them() {
    let closed = with_service(&cluster(""), |service| {
        service.kind = "ClusterIP".into();
        service.ports[0].node_port = None;
        service.load_balancer_ips.clear();
    });
    let (_, world) = allowed(&closed, "nodes", "shop/web");
    let on = with_tunnels(&with_node(&world, "n4", "192.0.2.14"), AddressRole::Ipip);
    let plan = sync(&on, &[]).unwrap();
    assert_eq!(others(&plan), Vec::<&Drift>::new());
    let after = simulate(&on, &plan.plan.steps).unwrap();
    let nets = nets_of(&after, "zerotrust-web-ingress");
    assert!(["192.0.2.14/32", "10.20.1.1/32"].iter().all(|net| nets.contains(&net.to_string())), "{nets:?}");
    nothing_behind(&after);

    // A node port of the same pods, and no perimeter: who comes by the new node would come with its address.
    let door = with_service(&world, |service| {
        service.kind = "NodePort".into();
        service.ports[0].node_port = Some(30080);
    });
    let new = with_node(&door, "n4", "192.0.2.14");
    let refused = sync(&new, &[]).unwrap();
    assert_eq!(refused.plan.steps, []);
    let left = others(&refused);
    assert!(left.iter().any(|drift| drift.detail.contains("by node n4")), "{left:?}");
    assert!(left.iter().any(|drift| hints(drift).contains("open-to-all-clients-of-nodes")), "{left:?}");
    let accepted = sync(&new, &[Risk::OpenToAllClientsOfNodes]).unwrap();
    assert_eq!(steps(&accepted.plan), ["NetworkPolicy shop/zerotrust-web-ingress"]);
}

#[test]
fn the_world_as_a_grants_end_leaves_out_a_new_pool() {
    let (_, mut world) = allowed(&cluster(""), "shop/web", "world 443");
    let mut pool = world.pools[0].clone();
    pool.net = "10.99.0.0/16".parse().unwrap();
    world.pools.push(pool);
    world.index();
    let (_, after) = synced(&world);
    assert!(!super::super::testing::passes(&after, "10.20.2.20 -> 10.99.0.1 tcp:443"));
    assert!(super::super::testing::passes(&after, "10.20.2.20 -> 203.0.113.9 tcp:443"));
}

#[test]
fn the_world_as_a_grants_end_leaves_out_a_new_node() {
    let (_, world) = allowed(&cluster(""), "shop/web", "world 443");
    let (plan, after) = synced(&with_node(&world, "n4", "192.0.2.14"));
    assert_eq!(plan.plan.steps[0].why, "its rules lack an exception for 192.0.2.14");
    assert!(!super::super::testing::passes(&after, "10.20.2.20 -> 192.0.2.14 tcp:443"));
    assert!(super::super::testing::passes(&after, "10.20.2.20 -> 203.0.113.9 tcp:443"));
}

/// Somebody's host endpoints of all interfaces, by the first nodes' addresses.
const ALL_INTERFACES: &str = r#"
{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {name: a}, spec: {node: n1, interfaceName: "*", expectedIPs: [192.0.2.11], profiles: [projectcalico-default-allow]}}
---
{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {name: b}, spec: {node: n2, interfaceName: "*", expectedIPs: [192.0.2.12], profiles: [projectcalico-default-allow]}}
---
{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {name: c}, spec: {node: n3, interfaceName: "*", expectedIPs: [192.0.2.13], profiles: [projectcalico-default-allow]}}
---
"#;

fn at(world: &World, name: &str, now: &str) -> World {
    let mut world = world.clone();
    let node = world.nodes.get_mut(name).unwrap();
    node.addresses = vec![address(now, AddressRole::Host)];
    node.primary = vec![ip(now)];
    world.index();
    world
}

#[test]
fn a_door_that_was_found_open_keeps_no_nodes_new_address_from_being_followed() {
    let open = "{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: api, namespace: shop}, spec: {selector: app == 'api', types: [Ingress], ingress: [{action: Allow}]}}";
    let before = by_node_port(&cluster(&format!("{ALL_INTERFACES}{open}")));
    assert_eq!(verdict(&before, "203.0.113.9 -> 192.0.2.13 tcp:31443"), Verdict::Allow, "found open");
    let (plan, after) = synced(&at(&before, "n3", "192.0.2.33"));
    assert_eq!(steps(&plan.plan), ["GlobalNetworkSet zerotrust-nodes"]);
    assert_eq!(others(&plan), Vec::<&Drift>::new());
    assert_eq!(verdict(&after, "203.0.113.9 -> 192.0.2.33 tcp:31443"), Verdict::Allow);
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.33 tcp:30080"), Verdict::Allow);
}

/// Ours is brought up to date as a whole, or not: no rule of one grant alone gets round what was refused.
#[test]
fn our_own_perimeter_is_never_patched_for_one_grant() {
    let world = by_node_port(&cluster(""));
    let (info, ours) = (revoke::grants(&world).remove(0), recognise::ours(&world).unwrap());
    let edits = vec![Edit::RemoveGrant(info.id.clone())];
    let step = super::grants::step(&world, &ours, edits, "somebody took its rules out".into());
    let without = simulate(&world, &[step]).unwrap();
    match expose::again::lacking(&without, &info.grant, &[]) {
        Err(PlanError::Refused { reason, .. }) => {
            assert!(reason.contains("could not be brought up to date"), "{reason}")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(steps(&synced(&without).0.plan), ["GlobalNetworkPolicy zerotrust-perimeter"]);
}

#[test]
fn a_rule_that_somebody_took_out_comes_back() {
    let mut world = by_node_port(&cluster(""));
    let whole = world.clone();
    let id = world.policies.iter().find(|policy| policy.id.name == "zerotrust-web-ingress").unwrap().id.clone();
    let remove = super::super::Step {
        object: super::super::decide::object(&id),
        planned_on: None,
        edits: vec![super::super::edit::Edit::RemoveGrant(revoke::grants(&world)[0].id.clone())],
        why: String::new(),
    };
    world = simulate(&world, &[remove]).unwrap();
    let (_, after) = synced(&world);
    assert_eq!(after.written[&id].spec, whole.written[&id].spec);
}

#[test]
fn a_set_that_somebody_deleted_is_made_again() {
    let mut world = by_node_port(&cluster(""));
    world.network_sets.clear();
    world.index();
    let (plan, _) = synced(&world);
    assert_eq!(steps(&plan.plan), ["GlobalNetworkSet zerotrust-nodes"]);
}

#[test]
fn chosen_nodes_are_chosen_again() {
    let world = exposed(&cluster(""), Way::NodePort, |ask| ask.nodes = Some("edge=yes".into()));
    let mut more = world.clone();
    more.nodes.get_mut("n3").unwrap().labels.insert("edge".into(), "yes".into());
    let (_, after) = synced(&more);
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.13 tcp:30080"), Verdict::Allow);
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.12 tcp:30080"), Verdict::Deny);
    let mut none = world;
    none.nodes.get_mut("n1").unwrap().labels.clear();
    let synced = sync(&none, &[]).unwrap();
    assert!(others(&synced).iter().any(|drift| drift.detail.contains("no node has the labels")), "{:?}", synced.drift);
}

#[test]
fn an_address_of_the_set_that_a_pod_has_now_is_an_error_until_it_leaves() {
    let on = with_tunnels(&by_node_port(&cluster("")), AddressRole::Wireguard);
    let (_, mut world) = synced(&on);
    for node in world.nodes.values_mut() {
        node.addresses.retain(|own| own.role == AddressRole::Host);
    }
    world.pods[1].addresses = vec![ip("10.20.1.1")];
    world.index();
    let found = |world: &World| {
        let status = status::status(world);
        status
            .findings
            .into_iter()
            .filter(|finding| finding.code == NODE_ADDRESS_OF_POD)
            .map(|f| f.detail)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&world).len(), 1, "{:?}", found(&world));
    assert!(found(&world)[0].contains("10.20.1.1") && found(&world)[0].contains("shop/api-1"));
    assert_eq!(found(&synced(&world).1), Vec::<String>::new());
}

#[test]
fn an_advertised_address_that_changed_is_advertised_in_the_place_of_the_old_one() {
    let fabric = "{kind: BGPConfiguration, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {serviceClusterIPs: [{cidr: 10.22.0.0/16}]}}";
    let world =
        exposed(&cluster(fabric), Way::Bgp, |ask| ask.advertise = Some(crate::model::world::ServiceAddress::Cluster));
    let moved = with_service(&world, |service| service.cluster_ips = vec![ip("10.21.0.99")]);
    let (plan, after) = synced(&moved);
    assert_eq!(steps(&plan.plan).last().unwrap(), "BGPConfiguration default", "what opens comes last");
    let nets: Vec<String> = after.network.advertised.value().unwrap().iter().map(|one| one.net.to_string()).collect();
    assert_eq!(nets, ["10.22.0.0/16", "10.21.0.99/32"]);
    assert_eq!(verdict(&after, "10.7.0.99 -> 10.21.0.99 tcp:80"), Verdict::Allow);
    assert_eq!(verdict(&after, "10.7.0.98 -> 10.21.0.99 tcp:80"), Verdict::Deny);
}

#[test]
fn nothing_is_ever_planned_where_nothing_was_granted() {
    let world = with_tunnels(&cluster(""), AddressRole::Wireguard);
    assert_eq!(
        sync(&world, &[]).unwrap(),
        Synced { plan: Plan { title: "sync".into(), ..Plan::default() }, drift: Vec::new() }
    );
    assert!(matches!(sync(&World::default(), &[]), Ok(synced) if synced.is_unsure()), "nothing was read");
}

/// The article's perimeter on all nodes, and its policy for the pods with these sources.
fn by_hand(sources: &str, clients: &str) -> String {
    let endpoint = |name: &str, at: &str| {
        format!(
            "{{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {{name: {name}-eth0, labels: {{nodeport-external-ingress: 'true'}}}}, spec: {{interfaceName: eth0, node: {name}, expectedIPs: [{at}]}}}}\n---\n"
        )
    };
    format!(
        r"
kind: GlobalNetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {{name: allow-cluster-internal-ingress-only}}
spec:
  order: 20
  preDNAT: true
  applyOnForward: true
  ingress:
  - action: Allow
    source: {{nets: [192.0.2.0/24, 10.20.0.0/16]}}
  - action: Deny
  selector: has(nodeport-external-ingress)
---
{{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {{name: allow-outbound-external}}, spec: {{order: 10, egress: [{{action: Allow}}], selector: has(nodeport-external-ingress)}}}}
---
kind: GlobalNetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {{name: allow-nodeport}}
spec:
  preDNAT: true
  applyOnForward: true
  order: 10
  ingress:
  - {{action: Allow, protocol: TCP, {clients}destination: {{selector: has(nodeport-external-ingress), ports: [30080]}}}}
  selector: has(nodeport-external-ingress)
---
{}{}kind: NetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {{name: allow-nginx-ingress, namespace: shop}}
spec:
  selector: app == 'web'
  types: [Ingress]
  ingress:
  - action: Allow
    source: {{selector: run == 'access'}}
  - action: Allow
    source: {{nets: [{sources}]}}
    destination: {{selector: app == 'web'}}
---
",
        endpoint("n1", "192.0.2.11"),
        endpoint("n2", "192.0.2.12"),
    )
}

const CLIENT: &str = "source: {nets: [10.7.0.99/32]}, ";

#[test]
fn the_articles_list_gets_the_wireguard_addresses_of_the_nodes_where_strangers_stop() {
    let on = with_tunnels(&cluster(&by_hand("10.7.0.99/32, 192.0.2.0/24", CLIENT)), AddressRole::Wireguard);
    let synced = sync(&on, &[]).unwrap();
    let after = simulate(&on, &synced.plan.steps).unwrap();
    assert_eq!(steps(&synced.plan), ["NetworkPolicy shop/allow-nginx-ingress"]);
    assert_eq!(
        nets_of(&after, "allow-nginx-ingress"),
        ["10.7.0.99/32", "192.0.2.0/24", "10.20.1.1/32", "10.20.2.1/32"]
    );
    assert_eq!(verdict(&after, "10.7.0.99 -> 192.0.2.11 tcp:30080"), Verdict::Allow);
    // Nothing polices what enters n3.
    let left = others(&synced);
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].detail.starts_with("10.20.3.1 is not let in: 203.0.113.77 -> 192.0.2.13:30080"), "{left:?}");
    assert!(hints(left[0]).contains("node n3"), "{left:?}");
    let again = sync(&after, &[]).unwrap();
    assert_eq!(again.plan.steps, []);
    let accepted = sync(&after, &[Risk::OpenToAllClientsOfNodes]).unwrap();
    assert_eq!(steps(&accepted.plan), ["NetworkPolicy shop/allow-nginx-ingress"]);
}

#[test]
fn a_door_that_is_open_to_everybody_keeps_node_addresses_out_of_the_articles_list() {
    let on = with_tunnels(&cluster(&by_hand("10.7.0.99/32, 192.0.2.0/24", "")), AddressRole::Wireguard);
    let synced = sync(&on, &[]).unwrap();
    let after = simulate(&on, &synced.plan.steps).unwrap();
    assert_eq!(
        nets_of(&after, "allow-nginx-ingress"),
        ["10.7.0.99/32", "192.0.2.0/24", "10.20.2.1/32"],
        "the pod's own node"
    );
    assert!(others(&synced)[0].detail.starts_with("10.20.1.1, 10.20.3.1 are not let in"), "{:?}", others(&synced));
}

#[test]
fn stale_tunnel_addresses_leave_the_articles_list_and_what_is_nobodys_stays() {
    let listed = "10.7.0.99/32, 192.0.2.11/32, 192.0.2.12/32, 192.0.2.77/32, 10.20.9.9/32, 10.20.1.1/32";
    let on = with_tunnels(&cluster(&by_hand(listed, CLIENT)), AddressRole::Wireguard);
    let synced = sync(&on, &[]).unwrap();
    let after = simulate(&on, &synced.plan.steps).unwrap();
    let nets = nets_of(&after, "allow-nginx-ingress");
    assert_eq!(nets[..5], ["10.7.0.99/32", "192.0.2.11/32", "192.0.2.12/32", "192.0.2.77/32", "10.20.1.1/32"]);
    assert_eq!(nets[5..], ["10.20.2.1/32"], "n3's stay out: nothing polices it");
    assert!(super::super::testing::notes(&synced.plan).contains("192.0.2.77, which may be of a node that is gone"));
    assert!(!super::super::testing::notes(&synced.plan).contains("10.7.0.99"), "a client is no node");
}

#[test]
fn a_list_of_a_few_nodes_means_those() {
    let world = cluster(&by_hand("10.7.0.99/32, 192.0.2.11/32", CLIENT));
    assert_eq!(sync(&world, &[]).unwrap().plan.steps, []);
    let on = with_tunnels(&world, AddressRole::Wireguard);
    let after = simulate(&on, &sync(&on, &[]).unwrap().plan.steps).unwrap();
    assert_eq!(nets_of(&after, "allow-nginx-ingress"), ["10.7.0.99/32", "192.0.2.11/32", "10.20.1.1/32"]);
}

#[test]
fn lists_that_are_no_nodes_and_lists_of_grants_are_left_alone() {
    for sources in ["10.7.0.99/32", "10.20.9.9/32", "0.0.0.0/0", "192.0.0.0/16", "10.20.0.0/16"] {
        let on = with_tunnels(&cluster(&by_hand(sources, CLIENT)), AddressRole::Wireguard);
        assert_eq!(sync(&on, &[]).unwrap().drift, Vec::new(), "{sources}");
    }
}

#[test]
fn what_somebody_else_keeps_is_told_to_them() {
    let kept = by_hand("10.7.0.99/32, 192.0.2.0/24", CLIENT).replace(
        "metadata: {name: allow-nginx-ingress, namespace: shop}",
        "metadata: {name: allow-nginx-ingress, namespace: shop, labels: {argocd.argoproj.io/instance: shop}}",
    );
    let on = with_tunnels(&cluster(&kept), AddressRole::Wireguard);
    let synced = sync(&on, &[]).unwrap();
    assert_eq!(synced.plan.steps, []);
    let left = others(&synced);
    assert!(hints(left[0]).contains("is kept by Argo CD") && hints(left[0]).contains("add 10.20.1.1/32"), "{left:?}");
    assert!(synced.leaves_something());
}

#[test]
fn a_set_that_somebody_wrote_is_completed_as_a_rule_is() {
    let set = "{kind: GlobalNetworkSet, apiVersion: projectcalico.org/v3, metadata: {name: cluster, labels: {role: nodes}}, spec: {nets: [192.0.2.11, 192.0.2.12, 192.0.2.13/32, 10.20.9.9]}}\n---\n";
    let world = cluster(&format!("{}{set}", by_hand("10.7.0.99/32", CLIENT)));
    let (plan, after) = synced(&world);
    assert_eq!(steps(&plan.plan), ["GlobalNetworkSet cluster"]);
    let nets: Vec<String> = after.network_sets[0].nets.iter().map(ToString::to_string).collect();
    assert_eq!(nets, ["192.0.2.11/32", "192.0.2.12/32", "192.0.2.13/32"]);
    let (_, more) = synced(&with_node(&after, "n4", "192.0.2.14"));
    assert_eq!(more.network_sets[0].nets.len(), 4);
}

#[test]
fn a_hand_written_perimeter_follows_the_node_port_of_a_grant() {
    let world = exposed(&cluster(&by_hand("10.9.9.9/32", "source: {nets: [10.9.9.9/32]}, ")), Way::NodePort, |_| {});
    let moved = with_service(&world, |service| service.ports[0].node_port = Some(30999));
    let (plan, after) = synced(&moved);
    assert!(
        steps(&plan.plan).contains(&"GlobalNetworkPolicy allow-cluster-internal-ingress-only".to_string()),
        "{:?}",
        steps(&plan.plan)
    );
    for node in NODES {
        assert_eq!(verdict(&after, &format!("10.7.0.99 -> {node} tcp:30999")), Verdict::Allow, "{node}");
        assert_eq!(verdict(&after, &format!("10.7.0.99 -> {node} tcp:30080")), Verdict::Deny, "{node}");
    }
}

#[test]
fn a_deny_that_came_since_is_somebodys_decision_and_is_named() {
    let (_, mut world) = allowed(&cluster(""), "10.7.0.99", "shop/web");
    let more = r#"{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: never, namespace: shop}, spec: {order: 1, selector: app == 'web', types: [Ingress], ingress: [{action: Deny, source: {nets: [10.7.0.99/32]}}]}}"#;
    let other = cluster(more);
    let deny = other.policies.iter().find(|policy| policy.id.name == "never").unwrap().clone();
    world.written.insert(deny.id.clone(), other.written[&deny.id].clone());
    world.policies.insert(0, deny);
    let synced = sync(&world, &[]).unwrap();
    assert_eq!(synced.plan.steps, []);
    assert!(others(&synced)[0].detail.contains("somebody's decision"), "{:?}", synced.drift);
}

#[test]
fn a_grant_twice_is_one_grant_after_its_ports_became_the_same() {
    let (_, world) = allowed(&cluster(""), "10.7.0.99", "shop/web");
    let moved = with_service(&world, |service| service.ports[0].target = TargetPort::Number(9090));
    let (_, both) = {
        let plan = super::super::grant::allow(&moved, &ask("10.7.0.99", "shop/web")).unwrap();
        let after = simulate(&moved, &plan.steps).unwrap();
        (plan, after)
    };
    assert_eq!(revoke::grants(&both).len(), 2);
    let (_, after) = synced(&both);
    assert_eq!(revoke::grants(&after).len(), 1);
    assert_eq!(revoke::orphans(&after), []);
    assert!(!matches!(
        revoke::revoke(&after, &revoke::Which::Id(revoke::grants(&after)[0].id.clone())),
        Err(PlanError::Unresolved { .. })
    ));
}

#[test]
fn what_a_tool_of_ours_made_and_somebody_else_keeps_by_now_is_told_to_them() {
    let mut on = with_tunnels(&by_node_port(&cluster("")), AddressRole::Wireguard);
    on.network_sets[0].keeper = Some("Flux (label kustomize.toolkit.fluxcd.io/name)".into());
    let synced = sync(&on, &[]).unwrap();
    assert_eq!(synced.plan.steps, []);
    let left = others(&synced);
    assert!(hints(left[0]).contains("is kept by Flux") && hints(left[0]).contains("10.20.1.1/32"), "{left:?}");
}

#[test]
fn an_exposure_whose_risk_was_accepted_is_no_drift() {
    let theirs = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: open-edge}, spec: {order: 1, selector: '!has(projectcalico.org/namespace)', preDNAT: true, applyOnForward: true, types: [Ingress], ingress: [{action: Allow}]}}";
    let world = exposed(&cluster(theirs), Way::NodePort, |ask| ask.accepted = vec![Risk::OpenToAllClientsOfNodes]);
    assert_eq!(drift(&world), Vec::new());
}

#[test]
fn a_door_that_was_found_open_and_lost_its_number_is_named() {
    let open = r#"{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: open, namespace: shop}, spec: {selector: app == 'api', types: [Ingress], ingress: [{action: Allow}]}}"#;
    let world = by_node_port(&cluster(open));
    assert_eq!(verdict(&world, "203.0.113.9 -> 192.0.2.11 tcp:31443"), Verdict::Allow, "found open, and kept so");
    let new = with_node(&world, "n4", "192.0.2.14");
    assert_eq!(verdict(&synced(&new).1, "203.0.113.9 -> 192.0.2.14 tcp:31443"), Verdict::Allow, "on a new node too");
    let mut moved = world;
    moved.services.get_mut(&("shop".to_string(), "api".to_string())).unwrap().ports[0].node_port = Some(31999);
    moved.index();
    let (plan, after) = synced(&moved);
    assert!(
        super::super::testing::notes(&plan.plan).contains("shop/api/TCP/31443 was found open"),
        "{:?}",
        plan.plan.notes
    );
    assert_eq!(verdict(&after, "203.0.113.9 -> 192.0.2.11 tcp:31999"), Verdict::Deny, "nobody asked for that number");
}

/// Something that happens to a cluster.
#[derive(Clone, Copy, Debug)]
enum Event {
    Tunnels(AddressRole),
    NoTunnels,
    NodeComes(u8),
    NodeGoes(u8),
    NodePort(u16),
    Target(u16),
    Balancer(u8),
    Local(bool),
    NoSet,
    NoEndpoints,
}

fn happens(world: &World, event: Event) -> World {
    let bare = |world: &World| {
        let mut world = world.clone();
        for node in world.nodes.values_mut() {
            node.addresses.retain(|own| own.role == AddressRole::Host);
            node.wireguard_key = [false, false];
        }
        world.index();
        world
    };
    match event {
        Event::Tunnels(role) => with_tunnels(&bare(world), role),
        Event::NoTunnels => bare(world),
        Event::NodeComes(number) => with_node(world, &format!("m{number}"), &format!("192.0.2.{}", 20 + number)),
        Event::NodeGoes(number) => without_node(world, ["n1", "n3", "m0", "m1"][usize::from(number) % 4]),
        Event::NodePort(number) => with_service(world, |service| service.ports[0].node_port = Some(number)),
        Event::Target(number) => with_service(world, |service| service.ports[0].target = TargetPort::Number(number)),
        Event::Balancer(number) => {
            with_service(world, |service| service.load_balancer_ips = vec![ip(&format!("198.51.100.{number}"))])
        }
        Event::Local(local) => with_service(world, |service| service.local = local),
        Event::NoSet => {
            let mut world = world.clone();
            world.network_sets.clear();
            world.index();
            world
        }
        Event::NoEndpoints => {
            let mut world = world.clone();
            world.host_endpoints.clear();
            world.index();
            world
        }
    }
}

#[test]
fn a_door_stays_closed_whose_pod_is_on_a_node_that_is_gone() {
    let world = exposed(&cluster(""), Way::NodePort, |ask| ask.shape.inline = true);
    let before = happens(&world, Event::NodeGoes(0));
    let (synced, after) = synced(&before);
    assert!(others(&synced).is_empty(), "{:?}", synced.drift);
    assert_eq!(verdict(&after, "203.0.113.9 -> 192.0.2.12 tcp:31443"), Verdict::Deny);
}

fn event() -> impl Strategy<Value = Event> {
    let role = prop_oneof![Just(AddressRole::Wireguard), Just(AddressRole::Ipip), Just(AddressRole::Vxlan)];
    prop_oneof![
        role.prop_map(Event::Tunnels),
        Just(Event::NoTunnels),
        (0_u8..2).prop_map(Event::NodeComes),
        (0_u8..4).prop_map(Event::NodeGoes),
        (30100_u16..30104).prop_map(Event::NodePort),
        (9000_u16..9003).prop_map(Event::Target),
        (1_u8..4).prop_map(Event::Balancer),
        any::<bool>().prop_map(Event::Local),
        Just(Event::NoSet),
        Just(Event::NoEndpoints),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever happens, in whatever order: once it is synced the client passes by every node that can serve it and nothing is
    /// behind, and no prefix of the writes lets a stranger in where none came in before.
    #[test]
    fn whatever_happens_is_mended_and_lets_nobody_in(
        inline in any::<bool>(),
        way in prop_oneof![Just(Way::NodePort), Just(Way::LoadBalancer)],
        events in proptest::collection::vec(event(), 1..5),
    ) {
        let world = exposed(&cluster(""), way, |ask| ask.shape.inline = inline);
        let (_, world) = allowed(&world, "10.7.0.50", "shop/web");
        let mut before = events.iter().fold(world, |world, event| happens(&world, *event));
        // A door is asked for on every node before anything is written, by strangers of each kind.
        let service = before.services[&(WEB.0.to_string(), WEB.1.to_string())].clone();
        let hosts: Vec<IpAddr> = before.nodes.values().map(|node| node.addresses[0].ip).collect();
        let door = |host: &IpAddr| match way {
            Way::NodePort => format!("{host} tcp:{}", service.ports[0].node_port.unwrap()),
            _ => format!("{} tcp:80", service.load_balancer_ips[0]),
        };
        let doors: Vec<String> = hosts.iter().map(door).collect();
        let strangers = ["10.7.0.98", "10.7.0.100", "203.0.113.9"];
        let comes = |world: &World, flow: &str| {
            walk(world, &Question { packet: packet(flow), entry: None }).iter().any(|path| path.verdict == Verdict::Allow)
        };
        let synced = sync(&before, &[]).map_err(|error| TestCaseError::fail(said(&error)))?;
        prop_assert!(others(&synced).is_empty(), "{:?}", synced.drift);
        for step in &synced.plan.steps {
            let after = simulate(&before, std::slice::from_ref(step)).unwrap();
            for flow in strangers.iter().flat_map(|stranger| doors.iter().map(move |door| format!("{stranger} -> {door}"))) {
                prop_assert!(!comes(&after, &flow) || comes(&before, &flow), "{flow} after {}", step.object);
            }
            before = after;
        }
        let again = sync(&before, &[]).unwrap();
        prop_assert!(again.plan.steps.is_empty() && again.drift.is_empty(), "{again:?}");
        prop_assert!(drift(&before).is_empty());
        for (host, door) in hosts.iter().zip(&doors) {
            let serves = !service.local || *host == ip("192.0.2.12");
            if serves || way != Way::NodePort {
                prop_assert_eq!(verdict(&before, &format!("10.7.0.99 -> {door}")), Verdict::Allow, "{}", door);
            }
            for stranger in strangers {
                let flow = format!("{stranger} -> {door}");
                prop_assert!(!comes(&before, &flow), "{flow}");
            }
        }
    }
}
