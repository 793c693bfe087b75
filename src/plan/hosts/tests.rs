//! Nodes that are locked on small clusters: what passes, what does not, what is refused, and the way back.
//! Never writes.

mod observed;

use std::net::IpAddr;

use super::super::expose::{self, expose};
use super::super::perimeter::{Shape, raise};
use super::super::revoke::{Which, grants, revoke};
use super::super::simulate::simulate;
use super::super::target::Target;
use super::super::testing::{notes, said, steps};
use super::super::{Plan, PlanError, Risk, grant};
use super::operator::Operator;
use super::{Ask, lock, lower, networks, ports};
use crate::evaluate::path::{Question, walk};
use crate::model::flow::{Checkpoint, HopAction, Verdict, together};
use crate::model::intent::Way;
use crate::model::world::World;
use crate::testing::packet;

const NODES: [&str; 2] = ["192.0.2.11", "192.0.2.12"];

/// Two nodes, the first with the API server; a locked namespace with a pod of `web` behind node port 30080.
fn documents(pool: &str, tunnels: [&str; 2]) -> String {
    let node = |name: &str, ip: &str, more: &str| {
        format!(
            "{{kind: Node, apiVersion: v1, metadata: {{name: {name}, annotations: {{projectcalico.org/IPv4Address: {ip}/24{more}}}}}, status: {{addresses: [{{type: InternalIP, address: {ip}}}]}}}}"
        )
    };
    let pod = |namespace: &str, app: &str, ip: &str, node: &str, more: &str| {
        format!(
            "{{kind: Pod, apiVersion: v1, metadata: {{name: {app}-1, namespace: {namespace}, labels: {{app: {app}}}}}, spec: {{nodeName: {node}, {more}}}, status: {{phase: Running, podIP: {ip}, conditions: [{{type: Ready, status: \"True\"}}]}}}}"
        )
    };
    let declared = |more: &str| format!("containers: [{{name: c, ports: [{more}]}}]");
    [
        "{kind: ClusterInformation, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {calicoVersion: v3.28.0}}".to_string(),
        format!("{{kind: IPPool, apiVersion: projectcalico.org/v3, metadata: {{name: pods}}, spec: {{cidr: 10.20.0.0/16, natOutgoing: true{pool}}}}}"),
        r#"{kind: ConfigMap, apiVersion: v1, metadata: {name: kube-proxy, namespace: kube-system}, data: {config.conf: "mode: iptables\nclusterCIDR: 10.20.0.0/16"}}"#.to_string(),
        node("n1", NODES[0], tunnels[0]),
        node("n2", NODES[1], tunnels[1]),
        "{kind: Namespace, apiVersion: v1, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}}".to_string(),
        "{kind: Service, apiVersion: v1, metadata: {name: kubernetes, namespace: default}, spec: {clusterIP: 10.21.0.1, ports: [{name: https, port: 443, targetPort: 6443}]}}".to_string(),
        "{kind: Endpoints, apiVersion: v1, metadata: {name: kubernetes, namespace: default}, subsets: [{addresses: [{ip: 192.0.2.11}], ports: [{name: https, port: 6443}]}]}".to_string(),
        pod("shop", "web", "10.20.2.20", "n2", "containers: [{name: c}]"),
        pod("shop", "edge", "10.20.1.40", "n1", &declared("{containerPort: 8443, hostPort: 443}")),
        pod("kube-system", "exporter", NODES[0], "n1", &format!("hostNetwork: true, {}", declared("{containerPort: 9100, hostPort: 9100}"))),
        "{kind: Service, apiVersion: v1, metadata: {name: web, namespace: shop}, spec: {type: NodePort, clusterIP: 10.21.0.20, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}}".to_string(),
        String::new(),
    ]
    .join("\n---\n")
}

const LOCK: &str = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: lock}, spec: {namespaceSelector: 'has(projectcalico.org/name) && projectcalico.org/name not in {\"kube-system\"}', types: [Ingress, Egress]}}\n---\n";

fn cluster(more: &str) -> World {
    crate::testing::world(&format!("{}{LOCK}{more}", documents("", ["", ""])))
}

fn asking(from: &[&str], allowed: &[&str]) -> Ask {
    let from: Vec<Target> = from.iter().map(|text| Target::parse(text, None).unwrap()).collect();
    let allowed = super::super::ports::parse(allowed).unwrap();
    Ask { from: networks(&from).unwrap(), ports: ports(allowed.as_ref()).unwrap(), ..Ask::default() }
}

fn locked(world: &World, ask: &Ask) -> (Plan, World) {
    let plan = lock(world, ask).unwrap_or_else(|error| panic!("{}", said(&error)));
    let after = simulate(world, &plan.steps).unwrap();
    (plan, after)
}

fn verdict(world: &World, text: &str) -> Verdict {
    together(&walk(world, &Question { packet: packet(text), entry: None }))
}

fn stopped_at_the_edge(world: &World, text: &str) -> bool {
    let ways = walk(world, &Question { packet: packet(text), entry: None });
    ways.iter()
        .all(|path| path.hops.iter().any(|hop| hop.checkpoint == Checkpoint::PreDnat && hop.action == HopAction::Deny))
}

fn exposing(service: &str, from: &str) -> expose::Ask {
    expose::Ask {
        service: Target::parse(service, None).unwrap(),
        way: Way::NodePort,
        from: vec![Target::parse(from, None).unwrap()],
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

fn exposed(world: &World, service: &str, from: &str) -> World {
    let (plan, _) = expose(world, &exposing(service, from)).unwrap_or_else(|error| panic!("{}", said(&error)));
    simulate(world, &plan.steps).unwrap()
}

#[test]
fn strangers_reach_failsafes_alone_and_the_cluster_goes_on_whatever_the_wire() {
    let vxlan =
        [", projectcalico.org/IPv4VXLANTunnelAddr: 10.20.1.1", ", projectcalico.org/IPv4VXLANTunnelAddr: 10.20.2.1"];
    let wireguard = [
        ", projectcalico.org/IPv4WireguardInterfaceAddr: 10.20.1.1, projectcalico.org/WireguardPublicKey: a",
        ", projectcalico.org/IPv4WireguardInterfaceAddr: 10.20.2.1, projectcalico.org/WireguardPublicKey: b",
    ];
    for (pool, tunnels) in [("", ["", ""]), (", vxlanMode: Always", vxlan), ("", wireguard)] {
        for interface in [None, Some("eth0"), Some("*")] {
            let world = crate::testing::world(&format!("{}{LOCK}", documents(pool, tunnels)));
            let shape = Shape { interface: interface.map(str::to_string), ..Shape::default() };
            let asked = Ask { shape, ..Ask::default() };
            let (_, after) = locked(&world, &asked);
            for node in NODES {
                for port in ["tcp:10250", "tcp:9100", "tcp:80", "udp:123", "tcp:30080", "tcp:31000", "sctp:9"] {
                    let flow = format!("203.0.113.9 -> {node} {port}");
                    assert!(stopped_at_the_edge(&after, &flow), "{flow} {pool} {interface:?}");
                }
                for port in ["tcp:22", "tcp:6443", "tcp:179", "udp:68", "tcp:443"] {
                    assert_eq!(verdict(&after, &format!("203.0.113.9 -> {node} {port}")), Verdict::Allow, "{port}");
                }
                assert_eq!(verdict(&after, &format!("203.0.113.9 -> {node} icmp")), Verdict::Allow);
                assert_eq!(verdict(&after, &format!("{node} -> 203.0.113.9 tcp:443")), Verdict::Allow);
                assert_eq!(
                    verdict(&after, &format!("10.20.1.40 -> {node} tcp:10250")),
                    verdict(&world, &format!("10.20.1.40 -> {node} tcp:10250"))
                );
            }
            assert_eq!(verdict(&after, "192.0.2.11 -> 192.0.2.12 tcp:10250"), Verdict::Allow);
            assert_eq!(verdict(&after, "192.0.2.12 -> 192.0.2.11 udp:4789"), Verdict::Allow);
            assert_eq!(steps(&lock(&after, &asked).unwrap()), Vec::<String>::new(), "twice it writes nothing");
        }
    }
}

#[test]
fn what_is_listed_stays_open_and_doors_of_services_do_not_open_to_operators() {
    let (plan, after) = locked(&cluster(""), &asking(&["10.9.0.0/24"], &["8443", "udp/500"]));
    for node in NODES {
        for flow in ["10.9.0.7 -> NODE tcp:10250", "203.0.113.9 -> NODE tcp:8443", "203.0.113.9 -> NODE udp:500"] {
            assert_eq!(verdict(&after, &flow.replace("NODE", node)), Verdict::Allow, "{flow}");
        }
        for flow in ["10.9.1.7 -> NODE tcp:10250", "203.0.113.9 -> NODE udp:8443", "10.9.0.7 -> NODE tcp:30080"] {
            assert!(stopped_at_the_edge(&after, &flow.replace("NODE", node)), "{flow}");
        }
    }
    let text = notes(&plan);
    assert!(text.contains("10.9.0.0/24 reach everything on the nodes, but no door of a Service"), "{text}");
    assert!(
        text.contains("kubelet TCP:10250 on every node") && text.contains("kube-system/exporter-1 TCP:9100 on n1"),
        "{text}"
    );
    assert!(text.contains("TCP:22") && text.contains("failsafe"), "{text}");
    let (other, moved) = locked(&after, &asking(&["10.8.0.0/24"], &[]));
    assert!(notes(&other).contains("no longer open: 10.9.0.0/24"), "{}", notes(&other));
    assert!(stopped_at_the_edge(&moved, "10.9.0.7 -> 192.0.2.11 tcp:10250"));
    assert_eq!(verdict(&moved, "203.0.113.9 -> 192.0.2.11 tcp:8443"), Verdict::Allow, "ports are not named anew");
}

#[test]
fn host_ports_of_applications_stay_open_unless_they_are_asked_to_close() {
    let (plan, after) = locked(&cluster(""), &Ask::default());
    assert!(notes(&plan).contains("found open on nodes, and kept so: TCP:443"), "{}", notes(&plan));
    assert_eq!(verdict(&after, "203.0.113.9 -> 192.0.2.11 tcp:443"), Verdict::Allow);
    let shape = Shape { close_others: true, ..Shape::default() };
    let (_, closed) = locked(&after, &Ask { shape, ..Ask::default() });
    assert!(stopped_at_the_edge(&closed, "203.0.113.9 -> 192.0.2.11 tcp:443"));
}

#[test]
fn doors_that_are_open_stay_open_and_exposures_before_and_after_keep_their_clients_alone() {
    let open = "{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: web, namespace: shop}, spec: {selector: app == 'web', types: [Ingress], ingress: [{action: Allow}]}}";
    let (plan, after) = locked(&cluster(open), &Ask::default());
    assert!(notes(&plan).contains("found open, and kept so: node port 30080"), "{}", notes(&plan));
    assert_eq!(verdict(&after, "203.0.113.9 -> 192.0.2.11 tcp:30080"), Verdict::Allow);

    let before = exposed(&cluster(""), "shop/web", "10.7.0.99");
    let (_, after) = locked(&before, &Ask::default());
    let later = exposed(&locked(&cluster(""), &Ask::default()).1, "shop/web", "10.7.0.99");
    for (world, when) in [(&after, "before"), (&later, "after")] {
        for node in NODES {
            assert_eq!(verdict(world, &format!("10.7.0.99 -> {node} tcp:30080")), Verdict::Allow, "exposed {when}");
            for flow in ["10.7.0.98 -> NODE tcp:30080", "10.7.0.99 -> NODE tcp:10250", "203.0.113.9 -> NODE tcp:9100"] {
                assert!(stopped_at_the_edge(world, &flow.replace("NODE", node)), "{flow} exposed {when}");
            }
        }
    }
}

#[test]
fn clients_of_grants_without_a_door_still_reach_pods_where_those_are_routed() {
    let asked = grant::Ask {
        from: Target::parse("10.7.0.99", None).unwrap(),
        to: Target::parse("shop/pod/web-1", None).unwrap(),
        ports: super::super::ports::parse(&["8080"]).unwrap(),
        reason: None,
        accepted: Vec::new(),
    };
    let world = cluster("");
    let granted = simulate(&world, &grant::allow(&world, &asked).unwrap().steps).unwrap();
    let (_, after) = locked(&granted, &Ask::default());
    assert_eq!(verdict(&after, "10.7.0.99 -> 10.20.2.20 tcp:8080"), Verdict::Allow);
    assert!(stopped_at_the_edge(&after, "10.7.0.98 -> 10.20.2.20 tcp:8080"));
    let open = simulate(&after, &lower::unlock(&after).unwrap().steps).unwrap();
    assert_eq!(open.written, granted.written, "without the lock nothing is left of it");
    let id = grants(&after)[0].id.clone();
    let revoked = simulate(&after, &revoke(&after, &Which::Id(id)).unwrap().steps).unwrap();
    assert!(stopped_at_the_edge(&revoked, "10.7.0.99 -> 10.20.2.20 tcp:8080"));
}

#[test]
fn the_lock_is_taken_back_and_leaves_what_exposures_need() {
    let world = cluster("");
    let (_, after) = locked(&world, &asking(&["10.9.0.0/24"], &[]));
    let plan = lower::unlock(&after).unwrap();
    let end = simulate(&after, &plan.steps).unwrap();
    assert_eq!((end.host_endpoints.len(), end.network_sets.len(), end.written.len()), (0, 0, world.written.len()));
    assert_eq!(steps(&lower::unlock(&end).unwrap()), Vec::<String>::new());

    let both = locked(&exposed(&world, "shop/web", "10.7.0.99"), &Ask::default()).1;
    let end = simulate(&both, &lower::unlock(&both).unwrap().steps).unwrap();
    assert_eq!(verdict(&end, "203.0.113.9 -> 192.0.2.11 tcp:10250"), Verdict::Allow);
    assert_eq!(verdict(&end, "10.7.0.99 -> 192.0.2.11 tcp:30080"), Verdict::Allow);
    assert!(stopped_at_the_edge(&end, "10.7.0.98 -> 192.0.2.11 tcp:30080"));
    assert_eq!(end.written, exposed(&world, "shop/web", "10.7.0.99").written, "as before the lock");
}

#[test]
fn a_new_node_is_locked_with_the_others() {
    let (_, after) = locked(&cluster(""), &Ask::default());
    let mut grown = after.clone();
    let mut node = grown.nodes["n2"].clone();
    let new: IpAddr = "192.0.2.13".parse().unwrap();
    node.name = "n3".into();
    node.primary = vec![new];
    node.addresses.iter_mut().for_each(|own| own.ip = new);
    grown.nodes.insert("n3".into(), node);
    grown.index();
    let raised = raise(&grown, &grown, &[], &Shape::default()).unwrap();
    let end = simulate(&grown, &raised.steps).unwrap();
    assert!(stopped_at_the_edge(&end, "203.0.113.9 -> 192.0.2.13 tcp:10250"));
    assert_eq!(verdict(&end, "192.0.2.13 -> 192.0.2.11 tcp:10250"), Verdict::Allow);
    assert_eq!(verdict(&end, "192.0.2.11 -> 192.0.2.13 tcp:10250"), Verdict::Allow);
}

#[test]
fn an_api_server_that_would_be_lost_is_not() {
    let text = documents("", ["", ""]).replace("6443", "8443");
    let world = crate::testing::world(&format!("{text}{LOCK}"));
    let refused = |ask: &Ask| match lock(&world, ask) {
        Err(PlanError::Refused { reason, hints }) => format!("{reason}\n{}", hints.join("\n")),
        other => panic!("{other:?}"),
    };
    let nobody = refused(&Ask::default());
    assert!(nobody.contains("192.0.2.11:8443") && nobody.contains("--allow-port 8443"), "{nobody}");
    let operator = |local: &str| {
        Some(Operator {
            server: "api.example".into(),
            addresses: vec!["192.0.2.11".parse().unwrap()],
            port: 8443,
            local: local.parse().ok(),
        })
    };
    let ask = |local: &str| Ask { operator: operator(local), ..asking(&["10.9.0.0/24"], &[]) };
    let elsewhere = refused(&ask("10.5.0.1"));
    assert!(
        elsewhere.contains("this machine (10.5.0.1)") && elsewhere.contains("--allow-from 10.5.0.1"),
        "{elsewhere}"
    );
    assert_eq!(verdict(&locked(&world, &ask("10.9.0.7")).1, "10.9.0.7 -> 192.0.2.11 tcp:8443"), Verdict::Allow);
    assert!(lock(&world, &ask("192.0.2.12")).is_ok(), "a node reaches it as before");
    assert!(lock(&world, &asking(&[], &["8443"])).is_ok());
    assert!(lock(&world, &Ask { accepted: vec![Risk::ApiServer], ..Ask::default() }).is_ok());
    let near = Ask {
        operator: Some(Operator { addresses: vec!["192.0.2.100".parse().unwrap()], ..operator("10.5.0.1").unwrap() }),
        ..Ask::default()
    };
    assert!(lock(&cluster(""), &near).is_err(), "an address that moves between nodes, with a port of its own");
    let far = Ask {
        operator: Some(Operator { addresses: vec!["198.51.100.1".parse().unwrap()], ..near.operator.clone().unwrap() }),
        ..Ask::default()
    };
    assert!(lock(&cluster(""), &far).is_ok(), "a load balancer elsewhere comes to the API server's own port");
}

#[test]
fn api_servers_that_are_no_nodes_go_on_calling_kubelets() {
    let text = documents("", ["", ""]).replace("{ip: 192.0.2.11}", "{ip: 198.51.100.10}");
    let (_, after) = locked(&crate::testing::world(&format!("{text}{LOCK}")), &Ask::default());
    assert_eq!(verdict(&after, "198.51.100.10 -> 192.0.2.12 tcp:10250"), Verdict::Allow);
    assert!(stopped_at_the_edge(&after, "198.51.100.11 -> 192.0.2.12 tcp:10250"));
    let mut unread = after.clone();
    unread.api_servers = crate::model::world::Fact::unknown("not read");
    unread.network.bgp_peers = crate::model::world::Fact::unknown("not read");
    assert_eq!(raise(&unread, &unread, &[], &Shape::default()).unwrap().steps, [], "what was not read is not gone");
}

/// The walkthrough's perimeter on some nodes: everything denied but for the cluster's own addresses.
fn by_hand(nodes: &[(&str, &str)]) -> String {
    let policies = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: allow-cluster-internal-ingress-only}, spec: {order: 20, preDNAT: true, applyOnForward: true, types: [Ingress], selector: has(nodeport-external-ingress), ingress: [{action: Allow, source: {nets: [192.0.2.0/24, 10.20.0.0/16]}}, {action: Log}, {action: Deny}]}}\n---\n{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: allow-outbound-external}, spec: {order: 10, types: [Egress], selector: has(nodeport-external-ingress), egress: [{action: Allow}]}}\n";
    let endpoint = |(name, ip): &(&str, &str)| {
        format!(
            "---\n{{kind: HostEndpoint, apiVersion: projectcalico.org/v3, metadata: {{name: {name}-eth0, labels: {{nodeport-external-ingress: \"true\"}}}}, spec: {{node: {name}, interfaceName: eth0, expectedIPs: [{ip}], profiles: [projectcalico-default-allow]}}}}\n"
        )
    };
    policies.to_string() + &nodes.iter().map(endpoint).collect::<String>()
}

#[test]
fn nodes_that_were_locked_by_hand_are_kept_so_and_what_has_to_stay_open_is_added_there() {
    let world = cluster(&by_hand(&[("n1", NODES[0]), ("n2", NODES[1])]));
    let (plan, after) = locked(&world, &asking(&["10.9.0.0/24"], &[]));
    let all = steps(&plan);
    assert!(all.contains(&"GlobalNetworkPolicy allow-cluster-internal-ingress-only".to_string()), "{all:?}");
    assert!(
        !all.iter().any(|step| step.contains("zerotrust-perimeter") || step.starts_with("HostEndpoint")),
        "{all:?}"
    );
    for node in NODES {
        assert_eq!(verdict(&after, &format!("10.9.0.7 -> {node} tcp:10250")), Verdict::Allow);
        assert!(stopped_at_the_edge(&after, &format!("203.0.113.9 -> {node} tcp:10250")));
        assert_ne!(verdict(&world, &format!("10.9.0.7 -> {node} tcp:10250")), Verdict::Allow);
    }
    assert_eq!(steps(&lock(&after, &asking(&["10.9.0.0/24"], &[])).unwrap()), Vec::<String>::new());
    let back = simulate(&after, &lower::unlock(&after).unwrap().steps).unwrap();
    assert_eq!(back.written, world.written, "as its author wrote it");
    assert!(notes(&lower::unlock(&back).unwrap()).contains("which this tool did not make"));
}

#[test]
fn nodes_that_were_forgotten_by_hand_are_locked_beside() {
    let world = cluster(&by_hand(&[("n1", NODES[0])]));
    assert_eq!(verdict(&world, "203.0.113.9 -> 192.0.2.12 tcp:10250"), Verdict::Allow);
    let (plan, after) = locked(&world, &Ask::default());
    assert!(steps(&plan).contains(&"HostEndpoint zerotrust-n2".to_string()), "{:?}", steps(&plan));
    assert!(!steps(&plan).contains(&"HostEndpoint zerotrust-n1".to_string()), "never a second one");
    for node in NODES {
        assert!(stopped_at_the_edge(&after, &format!("203.0.113.9 -> {node} tcp:10250")));
    }
    let standing = super::super::perimeter::standing::standing;
    assert_eq!((standing(&world).open_nodes, standing(&after).open_nodes), (vec!["n2".to_string()], Vec::new()));
}

#[test]
fn routers_reach_a_port_of_bgp_that_is_no_failsafe_and_nobody_else_does() {
    let bgp = "{kind: BGPConfiguration, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {listenPort: 1790}}\n---\n{kind: BGPPeer, apiVersion: projectcalico.org/v3, metadata: {name: tor}, spec: {peerIP: '192.0.2.254:1179', asNumber: 65000}}";
    let (_, after) = locked(&cluster(bgp), &Ask::default());
    assert_eq!(verdict(&after, "192.0.2.254 -> 192.0.2.11 tcp:1790"), Verdict::Allow);
    assert!(stopped_at_the_edge(&after, "192.0.2.253 -> 192.0.2.11 tcp:1790"));
    assert!(stopped_at_the_edge(&after, "192.0.2.254 -> 192.0.2.11 tcp:10250"));
}

#[test]
fn failsafes_are_read_and_not_taken_for_granted() {
    let none = "{kind: FelixConfiguration, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {failsafeInboundHostPorts: [{protocol: TCP, port: 6443}]}}";
    let (plan, after) = locked(&cluster(none), &Ask::default());
    assert!(stopped_at_the_edge(&after, "203.0.113.9 -> 192.0.2.11 tcp:22"));
    assert_eq!(verdict(&after, "203.0.113.9 -> 192.0.2.11 tcp:6443"), Verdict::Allow);
    assert!(notes(&plan).contains("port 22 (SSH) is no failsafe on every node"), "{}", notes(&plan));
}

#[test]
fn both_families_are_closed_and_neighbours_are_found() {
    let text = documents("", ["", ""])
        .replace(
            "IPv4Address: 192.0.2.11/24",
            "IPv4Address: 192.0.2.11/24, projectcalico.org/IPv6Address: 'fd00:1::11/64'",
        )
        .replace(
            "IPv4Address: 192.0.2.12/24",
            "IPv4Address: 192.0.2.12/24, projectcalico.org/IPv6Address: 'fd00:1::12/64'",
        );
    let world = |more: &str| crate::testing::world(&format!("{text}{LOCK}{more}"));
    let hand = by_hand(&[("n1", NODES[0]), ("n2", NODES[1])]);
    for (world, who) in [(world(""), "ours"), (world(&hand), "theirs")] {
        let (_, after) = locked(&world, &Ask::default());
        assert!(stopped_at_the_edge(&after, "fd00:7::9 -> fd00:1::11 tcp:10250"), "{who}");
        assert_eq!(verdict(&after, "fd00:7::9 -> fd00:1::11 icmpv6"), Verdict::Allow, "{who}");
    }
}

#[test]
fn what_cannot_be_followed_or_names_everybody_is_refused() {
    let bpf = "{kind: FelixConfiguration, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {bpfEnabled: true}}";
    assert!(matches!(lock(&cluster(bpf), &Ask::default()), Err(PlanError::Unknown { .. })));
    for text in ["0.0.0.0/0", "world", "shop/web"] {
        assert!(matches!(networks(&[Target::parse(text, None).unwrap()]), Err(PlanError::Usage { .. })), "{text}");
    }
    for text in ["any", "http"] {
        let asked = super::super::ports::parse(&[text]).unwrap();
        assert!(matches!(ports(asked.as_ref()), Err(PlanError::Usage { .. })), "{text}");
    }
    let allows = "{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: open-edge}, spec: {order: 1, selector: '!has(projectcalico.org/namespace)', preDNAT: true, applyOnForward: true, types: [Ingress], ingress: [{action: Allow}]}}";
    let refusal = lock(&cluster(allows), &Ask::default()).unwrap_err();
    assert!(said(&refusal).contains("rule 0 of ingress in GlobalNetworkPolicy open-edge"), "{}", said(&refusal));
}
