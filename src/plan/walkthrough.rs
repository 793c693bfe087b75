//! The walkthrough's cluster, from its first policy to its last grant, as plans.
//! Never writes.

use super::grant::allow;
use super::lockdown::{self, lockdown};
use super::testing::{allowed, ask, locked, notes, passes, steps};
use crate::model::world::World;

const FILES: [&str; 9] = [
    include_str!("../../examples/platform9/nodes.yaml"),
    include_str!("../../examples/platform9/namespaces.yaml"),
    include_str!("../../examples/platform9/kubernetes.yaml"),
    include_str!("../../examples/platform9/kube-system.yaml"),
    include_str!("../../examples/platform9/calico.yaml"),
    include_str!("../../examples/platform9/advanced-policy-demo.yaml"),
    include_str!("../../examples/platform9/kyverno.yaml"),
    include_str!("../../examples/platform9/metallb.yaml"),
    include_str!("../../examples/platform9/platform.yaml"),
];

fn platform9(more: &str) -> World {
    let text = format!("{}\n---\n{more}", FILES.join("\n---\n"));
    let read = |document: &&str| !document.contains("\nkind: KubeControllersConfiguration");
    let documents: Vec<&str> = text.split("\n---\n").filter(read).collect();
    crate::testing::world(&documents.join("\n---\n"))
}

/// The article's lockdown, word for word.
const DENY: &str = r#"
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  name: deny-app-policy
spec:
  namespaceSelector: has(projectcalico.org/name) && projectcalico.org/name not in {"kube-system", "calico-system", "kube-node-lease", "kube-public", "kubernetes-dashboard", "metallb-system", "pf9-addons", "pf9-monitoring", "pf9-olm", "pf9-operators", "platform9-system"}
  types:
  - Ingress
  - Egress
  egress:
  # allow all namespaces to communicate to DNS pods
  - action: Allow
    protocol: UDP
    destination:
      selector: 'k8s-app == "kube-dns"'
      ports:
      - 53
"#;

/// What the article opens by hand.
const OPENED: &str = r#"
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata:
  name: allow-busybox-egress
  namespace: advanced-policy-demo
spec:
  selector: run == 'access'
  types:
  - Egress
  egress:
  - action: Allow
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata:
  name: allow-nginx-ingress
  namespace: advanced-policy-demo
spec:
  selector: app == 'nginx'
  types:
  - Ingress
  ingress:
  - action: Allow
    source:
      selector: run == 'access'
"#;

const FROM_ACCESS: &str = "advanced-policy-demo/access";

fn address(world: &World, pod: &str) -> String {
    let found = world.pods.iter().find(|other| other.name.starts_with(pod) && !other.host_network);
    found.unwrap().addresses[0].to_string()
}

#[test]
fn two_commands_make_the_articles_first_half() {
    let world = platform9("");
    let (plan, after) = locked(&world);
    assert_eq!(steps(&plan), ["GlobalNetworkPolicy deny-app-policy"]);
    let (nginx, access) = (address(&world, "nginx"), address(&world, "access"));
    let (flow, dns) = (format!("{access} -> {nginx} tcp:80"), address(&world, "coredns"));
    assert!(passes(&world, &flow) && !passes(&after, &flow));
    for protocol in ["udp", "tcp"] {
        assert!(passes(&after, &format!("{access} -> {dns} {protocol}:53")), "{protocol}");
    }
    let (_, after) = allowed(&after, FROM_ACCESS, "nginx");
    assert!(passes(&after, &flow));
    let (plan, after) = allowed(&after, "10.7.0.99", "nginx");
    assert_eq!(steps(&plan), ["NetworkPolicy advanced-policy-demo/zerotrust-nginx-ingress"]);
    assert!(passes(&after, &format!("10.7.0.99 -> {nginx} tcp:80")));
    assert!(!passes(&after, &format!("10.128.146.177 -> {nginx} tcp:80")), "never node addresses");
}

#[test]
fn what_belongs_to_the_cluster_stays_open() {
    let world = platform9("");
    let (plan, after) = locked(&world);
    let locked = lockdown::locked(&after);
    assert_eq!(locked.iter().map(String::as_str).collect::<Vec<_>>(), ["advanced-policy-demo", "bgp-demo", "default"]);
    for whose in [
        "kube-node-lease, kube-public, kube-system (Kubernetes' own)",
        "Platform9",
        "MetalLB",
        "kyverno, as Deployment kyverno shows",
    ] {
        assert!(notes(&plan).contains(whose), "{whose}: {}", notes(&plan));
    }
    assert_eq!(lockdown(&after, &lockdown::Ask::default()).unwrap().steps, []);
}

#[test]
fn the_articles_lockdown_is_completed_and_its_policies_are_used() {
    let world = platform9(&format!("{DENY}---{OPENED}"));
    let (plan, after) = locked(&world);
    assert_eq!(steps(&plan), ["GlobalNetworkPolicy deny-app-policy"]);
    for why in ["DNS over TCP is not allowed", "it locks kyverno, which should stay open"] {
        assert!(plan.steps[0].why.contains(why), "{}", plan.steps[0].why);
    }
    let already = allow(&after, &ask(FROM_ACCESS, "nginx")).unwrap();
    assert_eq!(already.steps, []);
    assert!(notes(&already).contains("rule 0 of ingress in NetworkPolicy advanced-policy-demo/allow-nginx-ingress"));
    let (plan, _) = allowed(&after, "10.7.0.99", "nginx");
    assert_eq!(steps(&plan), ["NetworkPolicy advanced-policy-demo/allow-nginx-ingress"]);
}

#[test]
fn three_more_commands_make_its_second_half() {
    use super::expose::{Ask, expose};
    use super::perimeter::Shape;
    use super::simulate::simulate;
    use super::target::Target;
    use crate::evaluate::path::{Question, walk};
    use crate::model::flow::{Verdict, together};
    use crate::model::intent::Way;
    use crate::testing::packet;

    let ask = |way: Way, service: &str, from: &str| Ask {
        service: Target::parse(service, None).unwrap(),
        way,
        from: vec![Target::parse(from, None).unwrap()],
        ports: None,
        node_port: None,
        address: None,
        advertise: None,
        peer: None,
        nodes: None,
        shape: Shape { interface: Some("eth0".into()), ..Shape::default() },
        reason: None,
        accepted: Vec::new(),
    };
    let verdict = |world: &World, text: &str| together(&walk(world, &Question { packet: packet(text), entry: None }));
    let fabric = r"
apiVersion: projectcalico.org/v3
kind: BGPConfiguration
metadata: {name: default}
spec: {asNumber: 65521, nodeToNodeMeshEnabled: true, serviceClusterIPs: [{cidr: 10.21.0.0/16}]}
";
    let world = platform9(&format!("{}\n---\n{fabric}", include_str!("../../examples/platform9/bgp-demo.yaml")));
    let (_, mut world) = locked(&world);
    let bgp = world.services.values().find(|service| service.namespace == "bgp-demo").unwrap().name.clone();
    for (asked, way) in [
        (Ask { node_port: Some(32127), ..ask(Way::NodePort, "advanced-policy-demo/nginx", "10.7.0.99") }, "node port"),
        (
            Ask {
                address: "10.128.146.112".parse().ok(),
                ..ask(Way::LoadBalancer, "advanced-policy-demo/nginx", "10.7.0.99")
            },
            "load balancer",
        ),
        (ask(Way::Bgp, &format!("bgp-demo/{bgp}"), "10.30.0.0/16"), "BGP"),
    ] {
        let (plan, _) = expose(&world, &asked).unwrap_or_else(|error| panic!("{way}: {error:?}"));
        world = simulate(&world, &plan.steps).unwrap();
    }
    let nodes = ["10.128.146.177", "10.128.146.255", "10.128.147.102", "10.128.147.68"];
    for node in nodes {
        assert_eq!(verdict(&world, &format!("10.7.0.99 -> {node} tcp:32127")), Verdict::Allow, "{node}");
        assert_eq!(verdict(&world, &format!("10.7.0.98 -> {node} tcp:32127")), Verdict::Deny, "{node}");
        assert_eq!(verdict(&world, &format!("10.7.0.99 -> {node} tcp:32128")), Verdict::Deny, "{node}");
        assert_eq!(
            verdict(&world, &format!("10.7.0.98 -> {node} tcp:443")),
            Verdict::Allow,
            "{node}: its own listeners"
        );
    }
    assert_eq!(verdict(&world, "10.7.0.99 -> 10.128.146.112 tcp:80"), Verdict::Allow);
    assert_eq!(verdict(&world, "10.7.0.98 -> 10.128.146.112 tcp:80"), Verdict::Deny);
    assert_eq!(verdict(&world, "10.30.1.1 -> 10.21.172.202 tcp:80"), Verdict::Allow);
    assert_eq!(verdict(&world, "10.7.0.99 -> 10.21.172.202 tcp:80"), Verdict::Deny);
    assert_eq!(verdict(&world, "10.30.1.1 -> 10.21.250.63 tcp:80"), Verdict::Deny, "the rest of the advertised range");
    assert_eq!(world.host_endpoints.len(), 4);
    assert!(world.host_endpoints.iter().all(|endpoint| endpoint.interface.as_deref() == Some("eth0")));
}
