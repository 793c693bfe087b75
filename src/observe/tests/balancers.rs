//! Who announces load balancers' addresses: statuses, events, and MetalLB's configuration in both its forms.
//! Never knows evaluation.

use crate::model::world::{Announcement, Announcer, Fact, World};
use crate::testing::world;

const NODES: &str = "{apiVersion: v1, kind: Node, metadata: {name: n1, labels: {zone: a}}}\n---\n\
                     {apiVersion: v1, kind: Node, metadata: {name: n2, labels: {zone: b}}}\n---\n";
const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n\
                       spec: {type: LoadBalancer, clusterIP: 10.21.0.9, healthCheckNodePort: 31999, ports: [{port: 80}]}\n\
                       status: {loadBalancer: {ingress: [{ip: 10.9.0.1}]}}\n---\n";

fn of(yaml: &str) -> World {
    world(&format!("{NODES}{SERVICE}{yaml}"))
}

fn announcers(world: &World) -> Fact<Vec<Announcer>> {
    world.network.announcers[&("shop".to_string(), "web".to_string())].clone()
}

fn nodes(world: &World) -> Vec<String> {
    announcers(world).value().into_iter().flatten().map(|announcer| announcer.node.clone()).collect()
}

fn event(name: &str, node: &str, protocol: &str, time: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Event\nmetadata: {{name: {name}, namespace: shop}}\n\
         involvedObject: {{kind: Service, namespace: shop, name: web}}\nreason: nodeAssigned\n\
         message: 'announcing from node \"{node}\"{protocol}'\nlastTimestamp: '{time}'\n---\n"
    )
}

fn status(kind: &str, name: &str, node: &str) -> String {
    format!(
        "apiVersion: metallb.io/v1beta1\nkind: {kind}\nmetadata: {{name: {name}, namespace: metallb-system}}\n\
         status: {{node: {node}, serviceName: web, serviceNamespace: shop}}\n---\n"
    )
}

#[test]
fn a_status_says_who_announces_now() {
    let layer2 =
        of(&format!("{}{}", status("ServiceL2Status", "l2-a", "n2"), event("web.1", "n1", "", "2026-05-01T12:00:00Z")));
    let expected = Announcer {
        node: "n2".into(),
        how: Some(Announcement::Layer2),
        since: None,
        noted: None,
        evidence: "ServiceL2Status metallb-system/l2-a".into(),
    };
    assert_eq!(announcers(&layer2).value(), Some(&vec![expected]));
    let bgp =
        of(&format!("{}{}", status("ServiceBGPStatus", "bgp-a", "n1"), status("ServiceBGPStatus", "bgp-b", "n2")));
    assert_eq!(nodes(&bgp), ["n1", "n2"]);
}

#[test]
fn two_announcers_in_layer_2_are_pointed_out() {
    let codes = |world: &World| world.findings.iter().map(|finding| finding.code.code).collect::<Vec<_>>();
    let layer2 = of(&format!("{}{}", status("ServiceL2Status", "a", "n1"), status("ServiceL2Status", "b", "n2")));
    assert_eq!(codes(&layer2), ["ZT0201"]);
    assert_eq!(layer2.findings[0].detail, "n1, n2");
    let bgp = of(&format!("{}{}", status("ServiceBGPStatus", "a", "n1"), status("ServiceBGPStatus", "b", "n2")));
    assert_eq!(codes(&bgp), Vec::<&str>::new());
}

#[test]
fn labels_say_it_where_the_status_is_empty() {
    let labelled = "apiVersion: metallb.io/v1beta1\nkind: ServiceL2Status\nmetadata: {name: l2-a, namespace: metallb-system, \
                    labels: {metallb.io/node: n1, metallb.io/service-name: web, metallb.io/service-namespace: shop}}\n---\n";
    assert_eq!(nodes(&of(labelled)), ["n1"]);
}

#[test]
fn of_layer_2_the_latest_event_counts_with_its_time() {
    let layer2 = " with protocol \"layer2\"";
    let world = of(&format!(
        "{}{}{}",
        event("web.1", "n1", layer2, "2026-05-01T12:00:00Z"),
        event("web.2", "n2", layer2, "2026-05-01T13:00:00Z"),
        // Of a node that is no more.
        event("web.3", "n9", layer2, "2026-05-01T14:00:00Z")
    ));
    let Fact::Known { value, evidence } = announcers(&world) else { panic!("known from events") };
    assert_eq!((value.len(), value[0].node.as_str(), value[0].noted), (1, "n2", Some(1_777_640_400)));
    assert_eq!(evidence, "event nodeAssigned web.2");
}

#[test]
fn of_bgp_every_node_with_an_event_announces() {
    let bgp = " with protocol \"bgp\"";
    let two = |protocol: &str| {
        let (early, late) = ("2026-05-01T12:00:00Z", "2026-05-01T13:00:00Z");
        format!("{}{}", event("web.1", "n1", protocol, early), event("web.2", "n2", protocol, late))
    };
    assert_eq!(nodes(&of(&two(bgp))), ["n1", "n2"]);
    // MetalLB up to 0.12 leaves the protocol out, and the pool tells it.
    let pool = |protocol: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config, namespace: metallb-system}}\ndata:\n  config: |\n    \
             address-pools:\n    - name: default\n      protocol: {protocol}\n      addresses: [10.9.0.0/24]\n---\n"
        )
    };
    assert_eq!(nodes(&of(&format!("{}{}", two(""), pool("bgp")))), ["n1", "n2"]);
    assert_eq!(nodes(&of(&format!("{}{}", two(""), pool("layer2")))), ["n2"]);
}

#[test]
fn other_events_and_other_services_say_nothing() {
    let other = event("web.1", "n1", "", "2026-05-01T12:00:00Z").replace("name: web}", "name: api}");
    let allocated = event("web.2", "n1", "", "2026-05-01T12:00:00Z").replace("nodeAssigned", "IPAllocated");
    let fact = announcers(&of(&format!("{other}{allocated}")));
    let why = "nothing says which node announces it: no ServiceL2Status does; no ServiceBGPStatus does; no Event does";
    assert_eq!(fact, Fact::unknown(why));
}

#[test]
fn a_configuration_says_which_nodes_may_announce_a_pool() {
    let custom = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: edge, namespace: metallb-system, labels: {tier: edge}}\n\
                  spec: {addresses: [10.9.0.0/24, 10.8.0.5-10.8.0.9, 'fd00:9::/112']}\n---\n\
                  apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: inner, namespace: metallb-system}\nspec: {addresses: [10.7.0.0/24]}\n---\n\
                  apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {name: a, namespace: metallb-system}\n\
                  spec: {ipAddressPoolSelectors: [{matchLabels: {tier: edge}}], nodeSelectors: [{matchExpressions: [{key: zone, operator: In, values: [a]}]}]}\n---\n\
                  apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\nmetadata: {name: b, namespace: metallb-system}\nspec: {ipAddressPools: [inner]}\n---\n";
    let world = of(custom);
    let pool = |ip: &str| world.network.address_pool(ip.parse().unwrap());
    let may = |ip: &str| {
        let nodes = world.nodes.values().filter(|node| pool(ip).unwrap().may_be_announced_by(&node.labels));
        nodes.map(|node| node.name.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(may("10.9.0.1"), ["n1"]);
    assert_eq!(may("10.7.0.1"), ["n1", "n2"]);
    assert_eq!(pool("10.8.0.9").map(|pool| pool.name.as_str()), Some("edge"));
    assert_eq!(pool("fd00:9::1").map(|pool| pool.name.as_str()), Some("edge"));
    assert_eq!(pool("10.8.0.4"), None);
    assert_eq!(pool("10.7.0.1").unwrap().announced[0].how, Announcement::Bgp);
    assert_eq!(pool("10.7.0.1").unwrap().announced[0].evidence, "BGPAdvertisement metallb-system/b");
}

#[test]
fn a_pool_that_nothing_advertises_is_announced_by_nobody() {
    let pool = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: p, namespace: metallb-system}\nspec: {addresses: [10.9.0.0/24]}\n---\n";
    let world = of(pool);
    let pool = world.network.address_pool("10.9.0.1".parse().unwrap()).unwrap();
    assert!(world.nodes.values().all(|node| !pool.may_be_announced_by(&node.labels)));
}

#[test]
fn a_balancer_that_is_a_proxy_has_no_address_in_the_cluster() {
    let proxied = SERVICE.replace("ip: 10.9.0.1", "ip: 10.9.0.1, ipMode: Proxy");
    let world = world(&format!("{NODES}{proxied}"));
    let service = &world.services[&("shop".to_string(), "web".to_string())];
    assert_eq!(service.load_balancer_ips, Vec::<std::net::IpAddr>::new());
    assert_eq!(service.proxied_ips, ["10.9.0.1".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(service.health_check_node_port, Some(31_999));
    assert_eq!(world.services_at("10.9.0.1".parse().unwrap()).count(), 0);
    assert!(world.network.announcers.is_empty());
}
