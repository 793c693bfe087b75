//! Lines and a cluster: who, where, why, and whether the command that is named lets through the line's packet alone.
//! Never knows how a line is shown.

use super::cause::Cause;
use super::ends::EndKind;
use super::group::{Group, groups, outcome};
use super::interface::of_pod;
use super::prefix::Prefixes;
use super::remedy::Opening;
use super::tally::Tally;
use crate::evaluate::path::{Question, walk};
use crate::model::flow::{Checkpoint, Verdict, together};
use crate::model::intent::Way;
use crate::model::world::{AddressRole, World};
use crate::outcome::Outcome;
use crate::plan::expose::expose;
use crate::plan::fix::doors::asking;
use crate::plan::fix::port_of;
use crate::plan::simulate::simulate;
use crate::plan::target::Target;
use crate::plan::testing::{allowed, cluster, passes};
use crate::testing::packet;

/// The walkthrough's lockdown with a Log rule in each direction.
const LOGGED: &str = r#"
kind: GlobalNetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {name: deny-app-policy}
spec:
  namespaceSelector: has(projectcalico.org/name) && projectcalico.org/name not in {"kube-system", "calico-system"}
  types: [Ingress, Egress]
  ingress:
  - {action: Log, protocol: TCP}
  egress:
  - {action: Allow, protocol: UDP, destination: {selector: 'k8s-app == "kube-dns"', ports: [53]}}
  - {action: Log}
---
"#;

/// The walkthrough's perimeter: host endpoints, and preDNAT policy that logs before it denies.
const PERIMETER: &str = r#"
kind: HostEndpoint
apiVersion: projectcalico.org/v3
metadata: {name: m1-eth0, labels: {perimeter: ""}}
spec: {node: m1, interfaceName: eth0, expectedIPs: [10.128.146.177], profiles: [projectcalico-default-allow]}
---
kind: HostEndpoint
apiVersion: projectcalico.org/v3
metadata: {name: w1-eth0, labels: {perimeter: ""}}
spec: {node: w1, interfaceName: eth0, expectedIPs: [10.128.147.102], profiles: [projectcalico-default-allow]}
---
kind: GlobalNetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {name: perimeter}
spec:
  order: 20
  preDNAT: true
  applyOnForward: true
  types: [Ingress]
  selector: has(perimeter)
  ingress:
  - {action: Allow, source: {nets: [10.128.146.0/23, 10.20.0.0/16]}}
  - {action: Log, protocol: TCP}
  - {action: Deny}
---
"#;

const TCP: &str = "LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=0 DF PROTO=TCP SPT=40000";
const SYN: &str = "WINDOW=64240 RES=0x00 SYN URGP=0 ";

/// The interface of a pod of the cluster of tests.
fn veth(pod: &str) -> String {
    let (namespace, name) = pod.split_once('/').unwrap();
    of_pod("cali", namespace, name)
}

/// A line of TCP as the kernel writes it.
fn syn(interfaces: &str, addresses: &str, port: u16) -> String {
    format!("calico-packet: {interfaces} {addresses} {TCP} DPT={port} {SYN}")
}

fn diagnosed(world: &World, lines: &[String]) -> Vec<Group> {
    let mut tally = Tally::default();
    lines.iter().for_each(|line| tally.read(line, None));
    groups(world, tally.entries(), &Prefixes::new(&world.network.log_prefixes(), &[]))
}

fn one(world: &World, line: &str) -> Group {
    let mut found = diagnosed(world, &[line.to_string()]);
    assert_eq!(found.len(), 1, "{line}");
    found.remove(0)
}

fn policy(group: &Group) -> Option<String> {
    group.policy.as_ref().map(ToString::to_string)
}

/// The command lets `packet` pass, and none of the packets that differ in one thing.
fn opens_only(world: &World, opening: &Opening, packet: &str, neighbours: &[&str]) {
    assert!(!passes(world, packet), "{packet} is stopped before");
    let (_, after) = allowed(world, &opening.from, &format!("{} {}", opening.to, opening.port));
    assert!(passes(&after, packet), "{opening:?} opens {packet}");
    for neighbour in neighbours {
        assert!(!passes(&after, neighbour), "{opening:?} leaves {neighbour} stopped");
    }
}

fn opening(from: &str, to: &str, port: &str) -> Option<Opening> {
    Some(Opening { from: from.into(), to: to.into(), port: port.into(), way: None })
}

#[test]
fn a_client_outside_at_a_pod() {
    let world = cluster(LOGGED);
    let out = veth("demo/nginx-6799fc88d8-zp4zj");
    let group = one(&world, &syn(&format!("IN=eth0 OUT={out} MAC="), "SRC=10.7.0.99 DST=10.20.40.90", 80));
    assert_eq!(group.source.as_ref().unwrap().kind, EndKind::Unknown);
    let pod = group.destination.as_ref().unwrap();
    assert_eq!((pod.kind, pod.name.as_deref()), (EndKind::Pod, Some("nginx-6799fc88d8-zp4zj")));
    assert_eq!((group.node.as_deref(), group.checkpoint), (Some("w1"), Some(Checkpoint::Ingress)));
    assert_eq!(policy(&group).as_deref(), Some("GlobalNetworkPolicy deny-app-policy"));
    assert_eq!((group.cause, group.verdict), (Some(Cause::Policy), Verdict::Deny));
    assert_eq!(group.opening, opening("10.7.0.99", "demo/deployment/nginx", "tcp/80"));
    opens_only(
        &world,
        group.opening.as_ref().unwrap(),
        "10.7.0.99 -> 10.20.40.90 tcp:80",
        &["10.7.0.98 -> 10.20.40.90 tcp:80", "10.7.0.99 -> 10.20.40.90 tcp:81", "10.7.0.99 -> 10.20.40.90 udp:80"],
    );
}

#[test]
fn a_pod_is_stopped_where_it_sends_and_both_ends_are_opened() {
    let world = cluster(LOGGED);
    let line = syn(&format!("IN={} OUT=eth0 MAC=", veth("demo/access")), "SRC=10.20.112.20 DST=10.20.40.90", 80);
    let group = one(&world, &line);
    assert_eq!((group.node.as_deref(), group.checkpoint), (Some("m1"), Some(Checkpoint::Egress)));
    assert_eq!(policy(&group).as_deref(), Some("GlobalNetworkPolicy deny-app-policy"));
    assert_eq!(group.opening, opening("demo/pod/access", "demo/deployment/nginx", "tcp/80"));
    opens_only(
        &world,
        group.opening.as_ref().unwrap(),
        "10.20.112.20 -> 10.20.40.90 tcp:80",
        &[
            "10.20.112.30 -> 10.20.40.90 tcp:80",
            "10.20.112.20 -> 10.20.40.90 tcp:443",
            "10.20.112.20 -> 10.20.112.30 tcp:80",
        ],
    );
}

#[test]
fn a_pod_that_goes_out() {
    let world = cluster(LOGGED);
    let line = syn(&format!("IN={} OUT=eth0 MAC=", veth("shop/cart")), "SRC=10.20.112.30 DST=192.0.2.7", 443);
    let group = one(&world, &line);
    assert_eq!(group.opening, opening("shop/pod/cart", "192.0.2.7", "tcp/443"));
    opens_only(
        &world,
        group.opening.as_ref().unwrap(),
        "10.20.112.30 -> 192.0.2.7 tcp:443",
        &[
            "10.20.112.30 -> 192.0.2.8 tcp:443",
            "10.20.112.20 -> 192.0.2.7 tcp:443",
            "10.20.112.30 -> 192.0.2.7 udp:443",
        ],
    );
}

#[test]
fn between_two_pods_of_a_node_the_sender_is_asked_first() {
    let world = cluster(LOGGED);
    let interfaces = format!("IN={} OUT={} MAC=", veth("shop/cart"), veth("demo/access"));
    let line = syn(&interfaces, "SRC=10.20.112.30 DST=10.20.112.20", 80);
    assert_eq!(one(&world, &line).checkpoint, Some(Checkpoint::Egress));
    // With egress open it can only have been the receiver.
    let open = r#"{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: out, namespace: shop}, spec: {order: 1, types: [Egress], egress: [{action: Allow}]}}
---"#;
    let group = one(&cluster(&format!("{LOGGED}{open}")), &line);
    assert_eq!(group.checkpoint, Some(Checkpoint::Ingress));
    assert_eq!(policy(&group).as_deref(), Some("GlobalNetworkPolicy deny-app-policy"));
}

#[test]
fn a_prefix_tells_which_of_two_policies_wrote_the_line() {
    const OTHER: &str = r#"
kind: NetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {name: watch, namespace: demo}
spec: {order: 1, types: [Ingress], ingress: [{action: Log}]}
---
"#;
    let felix = r#"{kind: FelixConfiguration, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {logPrefix: "zt %k %p"}}
---"#;
    let line = |prefix: &str| {
        let interfaces = format!("IN=eth0 OUT={} MAC=", veth("demo/nginx-6799fc88d8-zp4zj"));
        syn(&interfaces, "SRC=10.7.0.99 DST=10.20.40.90", 80).replace("calico-packet: ", prefix)
    };
    let world = cluster(&format!("{LOGGED}{OTHER}"));
    let group = one(&world, &line("calico-packet: "));
    assert_eq!(policy(&group), None, "both write the same line");
    let names: Vec<String> = group.loggers.iter().map(|(_, id)| id.to_string()).collect();
    assert_eq!(names, ["NetworkPolicy demo/watch", "GlobalNetworkPolicy deny-app-policy"]);
    assert_eq!(group.checkpoint, Some(Checkpoint::Ingress));

    let world = cluster(&format!("{LOGGED}{OTHER}{felix}"));
    let by = |prefix: &str| policy(&one(&world, &line(prefix)));
    assert_eq!(by("zt np demo/watch: ").as_deref(), Some("NetworkPolicy demo/watch"));
    assert_eq!(by("zt gnp deny-app-policy: ").as_deref(), Some("GlobalNetworkPolicy deny-app-policy"));
    let stale = one(&world, &line("zt gnp gone: "));
    assert_eq!((policy(&stale), stale.cause), (None, Some(Cause::Policy)));
    assert!(stale.why.as_ref().unwrap().contains("zt gnp gone"), "{stale:?}");
    assert_eq!(diagnosed(&world, &[line("someone: ")]), []);
}

#[test]
fn a_drop_that_logs_itself_names_the_rule_that_denies() {
    let deny = r#"
{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: nobody, namespace: demo}, spec: {order: 1, types: [Ingress], ingress: [{action: Deny, protocol: TCP}]}}
---"#;
    let interfaces = format!("IN=eth0 OUT={} MAC=", veth("demo/nginx-6799fc88d8-zp4zj"));
    let line = syn(&interfaces, "SRC=10.7.0.99 DST=10.20.40.90", 80).replace("calico-packet", "calico-drop");
    let group = one(&cluster(&format!("{LOGGED}{deny}")), &line);
    assert_eq!(policy(&group).as_deref(), Some("NetworkPolicy demo/nobody"));
    assert_eq!(group.opening, None);
    assert!(group.no_command.unwrap().contains("demo/nobody"), "what somebody denies stays denied");
}

#[test]
fn every_end_is_told_for_what_it_is() {
    let more = r#"
{kind: GlobalNetworkSet, apiVersion: projectcalico.org/v3, metadata: {name: offices}, spec: {nets: [198.51.100.0/24]}}
---
{kind: Service, apiVersion: v1, metadata: {name: web, namespace: demo}, spec: {type: LoadBalancer, clusterIP: 10.21.0.9, selector: {app: nginx}, ports: [{port: 443, targetPort: 80, nodePort: 30443}]}, status: {loadBalancer: {ingress: [{ip: 10.128.146.112}]}}}
---
"#;
    let world = cluster(&format!("{LOGGED}{PERIMETER}{more}"));
    let told = |source: &str, destination: &str, port: u16| {
        let group = one(&world, &syn("IN=eth0 OUT= MAC=", &format!("SRC={source} DST={destination}"), port));
        let name = |end: Option<super::ends::End>| {
            let end = end.unwrap();
            (end.kind, end.name.unwrap_or_default(), end.node.unwrap_or_default())
        };
        (name(group.source), name(group.destination))
    };
    let end = |kind, name: &str, node: &str| (kind, name.to_string(), node.to_string());
    assert_eq!(
        told("198.51.100.7", "10.128.146.177", 32127),
        (end(EndKind::NetworkSet, "offices", ""), end(EndKind::NodePort, "nginx", "m1"))
    );
    assert_eq!(told("10.7.0.99", "10.128.146.177", 22).1, end(EndKind::Node, "m1", "m1"));
    assert_eq!(told("10.7.0.99", "10.128.146.112", 443).1, end(EndKind::LoadBalancer, "web", ""));
    assert_eq!(told("10.7.0.99", "10.21.0.9", 443).1, end(EndKind::ClusterIp, "web", ""));
    assert_eq!(told("10.20.112.64", "10.21.0.9", 443).0, end(EndKind::Tunnel, "m1", "m1"));
    assert_eq!(told("10.20.112.20", "10.21.0.9", 443).0, end(EndKind::Pod, "access", "m1"));
    assert_eq!(told("10.128.147.102", "10.21.0.9", 443).0, end(EndKind::Node, "w1", "w1"));
}

#[test]
fn the_perimeter_is_pre_dnat_and_an_exposure_opens_it_to_that_client() {
    let world = cluster(&format!("{LOGGED}{PERIMETER}"));
    let group = one(&world, &syn("IN=eth0 OUT= MAC=", "SRC=10.7.0.99 DST=10.128.146.177", 32127));
    assert_eq!((group.node.as_deref(), group.checkpoint), (Some("m1"), Some(Checkpoint::PreDnat)));
    assert_eq!(policy(&group).as_deref(), Some("GlobalNetworkPolicy perimeter"));
    assert_eq!(group.cause, Some(Cause::Policy));
    let expected = Opening { way: Some(Way::NodePort), ..opening("10.7.0.99", "demo/service/nginx", "80").unwrap() };
    assert_eq!(group.opening, Some(expected));
    let service = world.services.get(&("demo".to_string(), "nginx".to_string())).unwrap();
    let from = Target::parse("10.7.0.99", None).unwrap();
    let asked = asking(service, Way::NodePort, from, vec![port_of(service, &service.ports[0])]);
    let after = simulate(&world, &expose(&world, &asked).unwrap().0.steps).unwrap();
    let verdict = |text: &str| together(&walk(&after, &Question { packet: packet(text), entry: None }));
    assert_eq!(verdict("10.7.0.99 -> 10.128.146.177 tcp:32127"), Verdict::Allow);
    for neighbour in ["10.7.0.98 -> 10.128.146.177 tcp:32127", "10.7.0.99 -> 10.128.146.177 tcp:32128"] {
        assert_eq!(verdict(neighbour), Verdict::Deny, "{neighbour}");
    }
    // What no Service answers is for the node's owner.
    let other = one(&world, &syn("IN=eth0 OUT= MAC=", "SRC=10.7.0.99 DST=10.128.146.177", 8443));
    assert_eq!(other.opening, None);
    assert!(other.no_command.unwrap().contains("pre-dnat of HostEndpoint m1-eth0"));
}

/// Node addresses in a rule let in every client that enters by that node: only where strangers are stopped before.
#[test]
fn a_nodes_address_is_opened_only_where_strangers_cannot_come_with_it() {
    let interfaces = format!("IN=eth0 OUT={} MAC=", veth("demo/nginx-6799fc88d8-zp4zj"));
    let line = syn(&interfaces, "SRC=10.128.146.177 DST=10.20.40.90", 80);
    let open = one(&cluster(LOGGED), &line);
    assert_eq!(open.source.as_ref().unwrap().kind, EndKind::Node);
    assert_eq!((open.cause, &open.opening), (Some(Cause::Policy), &None));
    let why = open.no_command.unwrap();
    assert!(why.contains("port 32127 of Service demo/nginx is open to strangers"), "{why}");
    assert!(open.why.unwrap().contains("any client that entered the cluster by that node"));

    let world = cluster(&format!("{LOGGED}{PERIMETER}"));
    let closed = one(&world, &line);
    assert_eq!(closed.opening, opening("10.128.146.177", "demo/deployment/nginx", "tcp/80"));
    opens_only(
        &world,
        closed.opening.as_ref().unwrap(),
        "10.128.146.177 -> 10.20.40.90 tcp:80",
        &["10.128.147.102 -> 10.20.40.90 tcp:80", "10.128.146.177 -> 10.20.40.90 tcp:81"],
    );
    // One node without a host endpoint is a way in.
    let half = PERIMETER.split_once("---\n").unwrap().1;
    assert_eq!(one(&cluster(&format!("{LOGGED}{half}")), &line).opening, None);
}

#[test]
fn a_machines_name_is_learned_from_the_pods_on_it_and_ethernet_from_its_lines() {
    let world = cluster(&format!("{LOGGED}{PERIMETER}"));
    let nginx = veth("demo/nginx-6799fc88d8-zp4zj");
    let first = syn(
        &format!("IN=eth0 OUT={nginx} MAC=fa:16:3e:00:00:02:fa:16:3e:00:00:01:08:00"),
        "SRC=10.128.146.177 DST=10.20.40.90",
        80,
    );
    let second =
        syn("IN=eth0 OUT= MAC=fa:16:3e:00:00:01:00:1c:73:00:00:00:08:00", "SRC=10.7.0.99 DST=10.128.146.112", 80);
    let third = syn("IN=eth0 OUT= MAC=", "SRC=10.7.0.99 DST=10.128.146.112", 81);
    let lines = [
        format!("Feb 16 18:20:49 kyverno03 kernel: {first}"),
        format!("Feb 16 18:20:49 kyverno02 kernel: {second}"),
        format!("Feb 16 18:20:49 kyverno03 kernel: {third}"),
    ];
    let found = diagnosed(&world, &lines);
    let node_of = |port: u16| {
        found.iter().find(|group| group.port == Some(port) && group.checkpoint == Some(Checkpoint::PreDnat))
    };
    assert_eq!(node_of(80).unwrap().node.as_deref(), Some("m1"), "the receiver's address is the first sender's");
    assert_eq!(node_of(81).unwrap().node.as_deref(), Some("w1"), "kyverno03 has nginx");
    // Alone, nothing tells the node; the policies are the same on both.
    let alone = one(&world, &lines[1]);
    assert_eq!((alone.node.as_deref(), alone.checkpoint), (None, Some(Checkpoint::PreDnat)));
    assert_eq!(policy(&alone).as_deref(), Some("GlobalNetworkPolicy perimeter"));
}

#[test]
fn an_address_that_went_to_another_pod_is_not_that_pods() {
    let world = cluster(LOGGED);
    let line = syn("IN=eth0 OUT=cali00000000000 MAC=", "SRC=10.7.0.99 DST=10.20.40.90", 80);
    let group = one(&world, &line);
    assert_eq!(group.destination.unwrap().kind, EndKind::Unknown);
    assert_eq!((group.cause, group.opening), (Some(Cause::Unknown), None));
    assert!(group.why.unwrap().contains("cali00000000000 is another pod's, which is gone"));
    // The same pod with another address, as one of a StatefulSet that was restarted.
    let line =
        syn(&format!("IN=eth0 OUT={} MAC=", veth("demo/nginx-6799fc88d8-zp4zj")), "SRC=10.7.0.99 DST=10.20.40.91", 80);
    assert_eq!(one(&world, &line).destination.unwrap().name.as_deref(), Some("nginx-6799fc88d8-zp4zj"));
}

#[test]
fn what_has_no_port_has_no_command() {
    let world = cluster(LOGGED);
    let interfaces = format!("IN={} OUT=eth0 MAC=", veth("demo/access"));
    let line = |rest: &str| {
        format!(
            "calico-packet: {interfaces} SRC=10.20.112.20 DST=192.0.2.7 LEN=84 TOS=0x00 PREC=0x00 TTL=63 ID=1 {rest}"
        )
    };
    for (rest, says) in [
        ("PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1 ", "`--port any` is more than ICMP"),
        ("PROTO=47 ", "`--port any` is more than 47"),
        ("PROTO=132 ", "does not say which port"),
        ("FRAG:185 PROTO=UDP ", "it is a fragment"),
        ("PROTO=TCP SPT=80 DPT=40000 WINDOW=1 RES=0x00 ACK URGP=0 ", "does not open a connection"),
        (
            "PROTO=ICMP TYPE=3 CODE=1 [SRC=1.2.3.4 DST=5.6.7.8 LEN=60 PROTO=TCP SPT=1 DPT=2 ] ",
            "error about another packet",
        ),
        ("PROTO=TCP SPT=40000 DPT=80", "does not say which port"),
    ] {
        let group = one(&world, &line(rest));
        assert_eq!((group.checkpoint, &group.opening), (Some(Checkpoint::Egress), &None), "{rest}");
        let why = group.no_command.unwrap();
        assert!(why.contains(says), "{rest}: {why}");
    }
    let cut = one(&world, &line("PROTO=TC"));
    assert_eq!((cut.protocol, cut.cause), (None, Some(Cause::Unknown)));
}

#[test]
fn udp_and_ipv6_are_opened_like_tcp() {
    let world = cluster(LOGGED);
    let interfaces = format!("IN={} OUT=eth0 MAC=", veth("demo/access"));
    let udp = one(
        &world,
        &format!("calico-packet: {interfaces} SRC=10.20.112.20 DST=192.0.2.7 LEN=60 PROTO=UDP SPT=5 DPT=123 LEN=40 "),
    );
    assert_eq!(udp.opening, opening("demo/pod/access", "192.0.2.7", "udp/123"));
    let six = LOGGED.to_string()
        + r#"
{kind: IPPool, apiVersion: projectcalico.org/v3, metadata: {name: six}, spec: {cidr: "fd00:20::/64"}}
---
kind: Pod
apiVersion: v1
metadata: {name: dual, namespace: shop, labels: {app: dual}}
spec: {nodeName: m1, containers: [{name: dual}]}
status: {phase: Running, podIP: 10.20.112.31, podIPs: [{ip: 10.20.112.31}, {ip: "fd00:20::31"}]}
---
"#;
    let world = cluster(&six);
    let interfaces = format!("IN=eth0 OUT={} MAC=", veth("shop/dual"));
    let line = format!(
        "calico-packet: {interfaces} SRC=2001:0db8:0000:0000:0000:0000:0000:0099 DST=fd00:0020:0000:0000:0000:0000:0000:0031 \
         LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=TCP SPT=40000 DPT=443 {SYN}"
    );
    let group = one(&world, &line);
    assert_eq!(group.opening, opening("2001:db8::99", "shop/pod/dual", "tcp/443"));
    opens_only(
        &world,
        group.opening.as_ref().unwrap(),
        "2001:db8::99 -> fd00:20::31 tcp:443",
        &["2001:db8::98 -> fd00:20::31 tcp:443", "2001:db8::99 -> fd00:20::31 tcp:444"],
    );
}

#[test]
fn drops_that_are_no_policy_are_named() {
    let local = r#"
{kind: ConfigMap, apiVersion: v1, metadata: {name: kube-proxy, namespace: kube-system}, data: {config.conf: "clusterCIDR: 10.20.0.0/16"}}
---
{kind: Service, apiVersion: v1, metadata: {name: local, namespace: demo}, spec: {type: NodePort, externalTrafficPolicy: Local, clusterIP: 10.21.0.8, selector: {app: nginx}, ports: [{port: 80, targetPort: 80, nodePort: 30080}]}}
---
"#;
    let open = PERIMETER.replace("  - {action: Deny}\n", "  - {action: Allow}\n");
    let world = cluster(&format!("{local}{open}"));
    let at = |node: &str, port: u16| one(&world, &syn("IN=eth0 OUT= MAC=", &format!("SRC=10.7.0.99 DST={node}"), port));
    let elsewhere = at("10.128.146.177", 30080);
    assert_eq!((elsewhere.cause, elsewhere.opening), (Some(Cause::NoLocalBackend), None));
    assert!(elsewhere.why.unwrap().contains("no ready backend on node m1"));
    let here = at("10.128.147.102", 30080);
    assert_eq!((here.cause, here.verdict), (None, Verdict::Allow), "{:?}", here.why);

    let martian = one(&world, "IPv4: martian source 10.128.146.177 from 10.20.40.90, on dev eth0");
    assert_eq!(martian.cause, Some(Cause::ReversePath));
    assert_eq!(
        martian.source.unwrap().name.as_deref(),
        Some("nginx-6799fc88d8-zp4zj"),
        "the kernel names the source second"
    );
    let unallowed = one(
        &world,
        "wireguard: wireguard.cali: Packet has unallowed src IP (10.66.0.2) from peer 3 (10.128.147.102:51820)",
    );
    assert_eq!(unallowed.cause, Some(Cause::WireguardAllowedIps));
    assert!(unallowed.why.unwrap().contains("from node w1"));

    let tunnel = one(
        &world,
        &syn(
            &format!("IN=wireguard.cali OUT={} MAC=", veth("demo/nginx-6799fc88d8-zp4zj")),
            "SRC=10.66.0.2 DST=10.20.40.90",
            80,
        ),
    );
    assert_eq!(tunnel.cause, Some(Cause::WireguardAllowedIps), "answers to 10.66.0.2 find no peer");
    // The pods' pool is IPIP: what comes from a pod of another node by the wire has taken another way than answers will.
    let astray = one(&world, &syn("IN=eth0 OUT= MAC=", "SRC=10.20.40.90 DST=10.128.146.177", 8080));
    assert_eq!(astray.cause, Some(Cause::ReversePath));
}

#[test]
fn what_passes_today_is_said_to() {
    let interfaces = format!("IN=eth0 OUT={} MAC=", veth("demo/nginx-6799fc88d8-zp4zj"));
    let line = syn(&interfaces, "SRC=10.7.0.99 DST=10.20.40.90", 80);
    let group = one(&cluster(""), &line);
    assert_eq!((group.verdict, group.cause, &group.opening), (Verdict::Allow, None, &None));
    assert_eq!(outcome(&[group]), Outcome::Done);
    // Log, then Allow: nothing is stopped, and the line has its policy.
    let observe =
        LOGGED.replace("- {action: Log, protocol: TCP}", "- {action: Log, protocol: TCP}\n  - {action: Allow}");
    let group = one(&cluster(&observe), &line);
    assert_eq!(
        (group.verdict, policy(&group).as_deref()),
        (Verdict::Allow, Some("GlobalNetworkPolicy deny-app-policy"))
    );
}

#[test]
fn groups_come_by_count_and_one_denial_is_a_no() {
    let world = cluster(LOGGED);
    let interfaces = format!("IN=eth0 OUT={} MAC=", veth("demo/nginx-6799fc88d8-zp4zj"));
    let line = |from: &str| syn(&interfaces, &format!("SRC={from} DST=10.20.40.90"), 80);
    let mut lines = vec![line("10.7.0.1")];
    lines.extend(std::iter::repeat_n(line("10.7.0.2"), 3));
    lines.push("martian source 10.1.1.1 from 10.2.2.2, on dev eth0".into());
    let found = diagnosed(&world, &lines);
    assert_eq!(found.iter().map(|group| group.count).collect::<Vec<_>>(), [3, 1, 1]);
    assert_eq!(outcome(&found), Outcome::No);
    assert_eq!(outcome(&[]), Outcome::Done);
}

#[test]
fn what_was_not_read_is_unknown() {
    let mut world = cluster(LOGGED);
    world.gaps.push(crate::model::world::Gap {
        hides: crate::model::world::Hidden::Policies,
        namespace: None,
        place: "a.yaml:3".into(),
        reason: "unclosed quote".into(),
    });
    let interfaces = format!("IN=eth0 OUT={} MAC=", veth("demo/nginx-6799fc88d8-zp4zj"));
    let group = one(&world, &syn(&interfaces, "SRC=10.7.0.99 DST=10.20.40.90", 80));
    assert_eq!((group.verdict, group.cause), (Verdict::Unknown, Some(Cause::Unknown)));
    assert!(group.why.as_ref().unwrap().contains("unclosed quote"));
    assert_eq!(outcome(&[group]), Outcome::Unknown);
}

/// With host-local IPAM a node has one address on all of its tunnels (node.go of libcalico-go): the interface tells which.
#[test]
fn a_tunnel_is_told_by_the_interface_that_its_packet_came_in_by() {
    let keys = "projectcalico.org/IPv4IPIPTunnelAddr: 10.20.112.64";
    let both = format!("{keys}, projectcalico.org/IPv4WireguardInterfaceAddr: 10.20.112.64");
    let text = format!("{}{LOGGED}", crate::plan::testing::CLUSTER.replace(keys, &both));
    let world = crate::testing::world(&text);
    let by = |interface: &str| {
        let interfaces = format!("IN={interface} OUT={} MAC=", veth("demo/nginx-6799fc88d8-zp4zj"));
        one(&world, &syn(&interfaces, "SRC=10.20.112.64 DST=10.20.40.90", 80)).source.unwrap().tunnel
    };
    assert_eq!(by("wireguard.cali"), Some(AddressRole::Wireguard));
    assert_eq!(by("tunl0"), Some(AddressRole::Ipip));
}

#[test]
fn a_pods_address_before_translation_is_received_at_the_pods_node() {
    let world = cluster(&format!(
        "{LOGGED}{}",
        PERIMETER.replace("nets: [10.128.146.0/23, 10.20.0.0/16]", "nets: [10.9.9.9/32]")
    ));
    let group = one(&world, &syn("IN=eth0 OUT= MAC=", "SRC=10.128.146.177 DST=10.20.40.90", 8080));
    assert_eq!((group.node.as_deref(), group.checkpoint), (Some("w1"), Some(Checkpoint::PreDnat)));
    assert_eq!(policy(&group).as_deref(), Some("GlobalNetworkPolicy perimeter"));
}

#[test]
fn a_door_of_another_family_lets_nobody_in_with_the_address() {
    let world = cluster(&format!("{LOGGED}{PERIMETER}{IPV6_DOOR}"));
    // The IPv4 doors are closed by the perimeter; the IPv6 ones are open, and no matter to an IPv4 address.
    let interfaces = format!("IN=eth0 OUT={} MAC=", veth("demo/nginx-6799fc88d8-zp4zj"));
    let group = one(&world, &syn(&interfaces, "SRC=10.128.146.177 DST=10.20.40.90", 80));
    assert_eq!(group.opening, opening("10.128.146.177", "demo/deployment/nginx", "tcp/80"));
}

/// A second, IPv6 door to nginx that nothing closes: an external address that is announced by hand.
const IPV6_DOOR: &str = r#"
{kind: Service, apiVersion: v1, metadata: {name: six, namespace: demo}, spec: {type: ClusterIP, clusterIP: "fd00:21::5", externalIPs: ["fd00:77::1"], selector: {app: nginx}, ports: [{port: 80, targetPort: 80}]}}
---
"#;

#[test]
fn a_nodes_own_prefix_is_read_too() {
    let felix = r#"
{kind: FelixConfiguration, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {logPrefix: everywhere}}
---
{kind: FelixConfiguration, apiVersion: projectcalico.org/v3, metadata: {name: node.w1}, spec: {logPrefix: here}}
---
"#;
    let world = cluster(&format!("{LOGGED}{felix}"));
    let interfaces = format!("IN=eth0 OUT={} MAC=", veth("demo/nginx-6799fc88d8-zp4zj"));
    for prefix in ["everywhere: ", "here: ", "calico-packet: "] {
        let line = syn(&interfaces, "SRC=10.7.0.99 DST=10.20.40.90", 80).replace("calico-packet: ", prefix);
        assert_eq!(policy(&one(&world, &line)).as_deref(), Some("GlobalNetworkPolicy deny-app-policy"), "{prefix}");
    }
}

/// An observed lockdown of the whole cluster.
fn observed(world: &World) -> World {
    use crate::plan::{lockdown::Ask, simulate::simulate, staged};
    let plan = staged::observe::observe(world, &Ask::default(), &staged::logging::Logging::default()).unwrap();
    simulate(world, &plan.steps).unwrap()
}

#[test]
fn what_only_observes_denies_nothing_and_names_what_it_would() {
    let world = observed(&cluster(""));
    let interfaces = format!("IN=eth0 OUT={} MAC=", veth("demo/nginx-6799fc88d8-zp4zj"));
    let line = syn(&interfaces, "SRC=10.7.0.99 DST=10.20.40.90", 80);
    let group = one(&world, &line);
    assert_eq!((group.verdict, group.cause, group.once_promoted), (Verdict::Allow, None, true));
    assert_eq!(policy(&group).as_deref(), Some("GlobalNetworkPolicy deny-app-policy-observing-ingress"));
    assert!(group.why.as_ref().is_some_and(|why| why.contains("Once promoted, it would be denied")), "{group:?}");
    let opening = group.opening.clone().unwrap();
    assert_eq!((opening.from.as_str(), opening.port.as_str()), ("10.7.0.99", "tcp/80"));
    assert_eq!(outcome(&[group]), Outcome::Done, "nothing is stopped");
    // Behind the grant it is one of those that pass, then too.
    let (_, granted) = crate::plan::testing::allowed(&world, "10.7.0.99", "nginx");
    let group = one(&granted, &line);
    assert_eq!((group.verdict, group.once_promoted, &group.opening), (Verdict::Allow, false, &None));
}
