//! Explanations as they are printed: who stops a flow, at how many places, and what opens it.
//! Never knows the code; expected verdicts are Calico's documented meaning, worked out beside each test.

use std::fmt::Write;
use std::path::Path;

use super::{Lab, program, report};

/// Three nodes with VXLAN between them, one database with a node port and a load balancer address that n1 announces, and a
/// web server. Everything in IPv4 and IPv6.
const CLUSTER: &str = r#"
{apiVersion: crd.projectcalico.org/v1, kind: ClusterInformation, metadata: {name: default}, spec: {calicoVersion: v3.28.5}}
---
{apiVersion: crd.projectcalico.org/v1, kind: IPPool, metadata: {name: v4}, spec: {cidr: 10.20.0.0/16, vxlanMode: Always, natOutgoing: true}}
---
{apiVersion: crd.projectcalico.org/v1, kind: IPPool, metadata: {name: v6}, spec: {cidr: 'fd00:20::/64', natOutgoing: true}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kube-proxy, namespace: kube-system}
data:
  config.conf: |
    mode: iptables
    clusterCIDR: 10.20.0.0/16,fd00:20::/64
---
{apiVersion: v1, kind: Node, metadata: {name: n1, annotations: {projectcalico.org/IPv4Address: 192.168.0.1/24, projectcalico.org/IPv4VXLANTunnelAddr: 10.20.1.0, projectcalico.org/IPv6Address: 'fd00:168::1/64'}}}
---
{apiVersion: v1, kind: Node, metadata: {name: n2, annotations: {projectcalico.org/IPv4Address: 192.168.0.2/24, projectcalico.org/IPv4VXLANTunnelAddr: 10.20.2.0, projectcalico.org/IPv6Address: 'fd00:168::2/64'}}}
---
{apiVersion: v1, kind: Node, metadata: {name: n3, annotations: {projectcalico.org/IPv4Address: 192.168.0.3/24, projectcalico.org/IPv4VXLANTunnelAddr: 10.20.3.0, projectcalico.org/IPv6Address: 'fd00:168::3/64'}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: kube-system, labels: {kubernetes.io/metadata.name: kube-system}}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {nodeName: n1, containers: [{name: c, ports: [{containerPort: 8080}]}]}
status: {phase: Running, podIP: 10.20.1.10, podIPs: [{ip: 10.20.1.10}, {ip: 'fd00:20::110'}], conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, labels: {app: db, part: first}}
spec: {nodeName: n2, containers: [{name: c, ports: [{containerPort: 5432}]}]}
status: {phase: Running, podIP: 10.20.2.10, podIPs: [{ip: 10.20.2.10}, {ip: 'fd00:20::210'}], conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec:
  type: LoadBalancer
  clusterIPs: [10.21.0.1, 'fd00:21::1']
  clusterIP: 10.21.0.1
  selector: {app: db}
  ports: [{name: sql, port: 15432, targetPort: 5432, nodePort: 30543}, {name: seek, port: 53, protocol: UDP, targetPort: 5353, nodePort: 30053}]
status: {loadBalancer: {ingress: [{ip: 192.0.2.10}]}}
---
apiVersion: metallb.io/v1beta1
kind: ServiceL2Status
metadata: {name: l2-0, namespace: metallb-system, labels: {metallb.io/node: n1, metallb.io/service-name: db, metallb.io/service-namespace: shop}}
status: {node: n1, serviceName: db, serviceNamespace: shop, interfaces: []}
---
"#;

/// Default deny for every application namespace, in both directions, but for DNS.
const LOCKDOWN: &str = r#"
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: deny-app-policy}
spec:
  namespaceSelector: kubernetes.io/metadata.name not in {"kube-system"}
  types: [Ingress, Egress]
  egress: [{action: Allow, protocol: UDP, destination: {selector: k8s-app == "kube-dns", ports: [53]}}]
---
"#;

/// The database lets one client in, by its own address.
const CLIENT: &str = r"
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: allow-client, namespace: shop}
spec: {order: 10, selector: app == 'db', types: [Ingress], ingress: [{action: Allow, source: {nets: [10.7.0.99/32]}}]}
---
";

/// A second database beside the first, on n3.
const SECOND: &str = r"
apiVersion: v1
kind: Pod
metadata: {name: db-1, namespace: shop, labels: {app: db, part: second}}
spec: {nodeName: n3, containers: [{name: c, ports: [{containerPort: 5432}]}]}
status: {phase: Running, podIP: 10.20.3.10, podIPs: [{ip: 10.20.3.10}, {ip: 'fd00:20::310'}], conditions: [{type: Ready, status: 'True'}]}
---
";

fn cluster(more: &[&str]) -> Lab {
    let lab = Lab::empty();
    lab.write("cluster.yaml", &format!("{CLUSTER}{}", more.concat()));
    lab
}

/// What `explain` prints on a terminal of some width. No line of the answer is longer, but for a command to copy.
fn explain(lab: &Lab, columns: usize, flags: &str) -> String {
    let mut program = program(lab.directory.path());
    let program = program.env("COLUMNS", columns.to_string()).arg("explain");
    let text = report(&program.args(flags.split(' ')).args(["-f", "manifests"]).output().unwrap());
    let answer = text.split("--- stderr").next().unwrap_or_default();
    for line in answer.lines().filter(|line| !line.contains("kubectl zerotrust")) {
        assert!(line.chars().count() <= columns, "{} > {columns}: {line}", line.chars().count());
    }
    text
}

/// No policy selects either pod: their namespaces' profiles allow.
#[test]
fn a_pod_that_may_reach_another() {
    insta::assert_snapshot!(explain(&cluster(&[]), 80, "--from shop/web --to shop/pod/db-0:5432"));
}

/// Locked in both directions: the sender's egress stops it, and the receiver's ingress would.
#[test]
fn a_lockdown_that_stops_a_flow_at_both_ends() {
    let lab = cluster(&[LOCKDOWN]);
    insta::assert_snapshot!(explain(&lab, 80, "--from shop/web --to shop/db:15432"));
}

/// kube-proxy masquerades what does not come by the backend's node (externalTrafficPolicy: Cluster), so the policy that
/// lets the client's own address in helps at n2 alone.
#[test]
fn a_node_port_that_is_open_by_one_node_of_three() {
    let lab = cluster(&[LOCKDOWN, CLIENT]);
    insta::assert_snapshot!("node_port_80", explain(&lab, 80, "--from 10.7.0.99 --to nodes:30543"));
    insta::assert_snapshot!("node_port_120", explain(&lab, 120, "--from 10.7.0.99 --to nodes:30543"));
}

/// MetalLB says that n1 announces the address: the only node where clients enter.
#[test]
fn a_load_balancer_whose_announcer_is_known() {
    let lab = cluster(&[LOCKDOWN]);
    insta::assert_snapshot!(explain(&lab, 80, "--from 10.7.0.99 --to 192.0.2.10:15432"));
}

/// A policy of the receiver's namespace cannot be read; one of another namespace has no say.
#[test]
fn what_cannot_be_told_says_why() {
    let lab = cluster(&[LOCKDOWN]);
    let broken = |namespace: &str| {
        format!(
            "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata:\n  name: web\n  namespace: {namespace}\nspec:\n  selector: \"a\n"
        )
    };
    lab.write("broken.yaml", &broken("shop"));
    lab.write("elsewhere.yaml", &broken("elsewhere"));
    insta::assert_snapshot!(explain(&lab, 80, "--from 10.7.0.99 --to shop/pod/db-0:5432"));
}

/// An explicit Deny, which no grant overrules, and the lockdown's end of tier on the other path.
#[test]
fn a_service_of_which_one_backend_is_closed() {
    let deny = "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: quarantine, namespace: shop}\n\
                spec: {order: 1, selector: part == 'second', types: [Ingress], ingress: [{action: Deny}]}\n---\n";
    let lab = cluster(&[SECOND, deny]);
    insta::assert_snapshot!(explain(&lab, 80, "--from shop/web --to shop/service/db:sql"));
}

/// 50 nodes by 30 backends are 1500 paths and two outcomes.
#[test]
fn many_paths_are_a_few_lines() {
    let mut more = String::new();
    for n in 4..=50 {
        let node = "{apiVersion: v1, kind: Node, metadata: {name: nNR, annotations: {projectcalico.org/IPv4Address: 192.168.0.NR/24, projectcalico.org/IPv4VXLANTunnelAddr: 10.20.NR.0}}}\n---\n";
        more += &node.replace("NR", &n.to_string());
    }
    for n in 2..=30 {
        write!(
            more,
            "{{apiVersion: v1, kind: Pod, metadata: {{name: db-{n}, namespace: shop, labels: {{app: db}}}}, \
             spec: {{nodeName: n{n}, containers: [{{name: c}}]}}, status: {{phase: Running, podIP: 10.20.{n}.20, \
             conditions: [{{type: Ready, status: 'True'}}]}}}}\n---\n"
        )
        .unwrap();
    }
    let l2 = "kind: ServiceL2Status";
    let lab = Lab::empty();
    let cluster: Vec<&str> = CLUSTER.split("---\n").filter(|document| !document.contains(l2)).collect();
    lab.write("cluster.yaml", &format!("{}---\n{more}{LOCKDOWN}{CLIENT}", cluster.join("---\n")));
    insta::assert_snapshot!(explain(&lab, 80, "--from 10.7.0.99 --to 192.0.2.10:15432"));
    let wide = explain(&lab, 80, "--from 10.7.0.99 --to 192.0.2.10:15432 -o wide");
    assert!(!wide.contains("and 45 more") && wide.contains("n48") && wide.contains("shop/db-29:5432"), "{wide}");
    assert!(wide.lines().count() < 100, "{wide}");
}

/// Without a tunnel for IPv6 the database sees the node's own address; brackets hold the port apart.
#[test]
fn addresses_of_ipv6() {
    let lab = cluster(&[LOCKDOWN]);
    insta::assert_snapshot!("ipv6_node_port", explain(&lab, 80, "--from 2001:db8::7 --to [fd00:168::1]:30543"));
    insta::assert_snapshot!("ipv6_icmp", explain(&lab, 80, "--from shop/web --to fd00:20::210 --protocol icmp"));
}

/// UDP has its own port of the Service; SCTP has none.
#[test]
fn other_protocols() {
    let lab = cluster(&[LOCKDOWN]);
    insta::assert_snapshot!("udp", explain(&lab, 80, "--from shop/web --to shop/svc/db --protocol udp"));
    insta::assert_snapshot!("sctp", explain(&lab, 80, "--from shop/web --to shop/pod/db-0:5000 --protocol sctp"));
    insta::assert_snapshot!("no_sctp", explain(&lab, 80, "--from shop/web --to shop/svc/db --protocol sctp"));
}

/// What a pod sends to itself never leaves it; by its own Service it does, and comes back to both of its ends.
#[test]
fn a_pod_that_asks_itself() {
    let lab = cluster(&[LOCKDOWN]);
    insta::assert_snapshot!("itself", explain(&lab, 80, "--from 10.20.2.10 --to 10.20.2.10:5432"));
    insta::assert_snapshot!("hairpin", explain(&lab, 80, "--from shop/pod/db-0 --to 10.21.0.1:15432"));
}

/// Node n1's policy for hosts, and for what it forwards.
#[test]
fn a_host_endpoint_in_the_way() {
    let perimeter = "apiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {name: n1-eth0, labels: {host: n1}}\n\
                     spec: {node: n1, interfaceName: eth0, expectedIPs: [192.168.0.1], profiles: [projectcalico-default-allow]}\n---\n\
                     apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: perimeter}\n\
                     spec: {order: 1, selector: host == 'n1', preDNAT: true, applyOnForward: true, types: [Ingress], ingress: [\
                     {action: Deny, protocol: TCP, source: {notNets: [192.168.0.0/24]}, destination: {ports: ['30000:32767']}}]}\n---\n";
    let lab = cluster(&[perimeter]);
    insta::assert_snapshot!("host", explain(&lab, 80, "--from 10.7.0.99 --to 192.168.0.1:30543"));
    insta::assert_snapshot!("failsafe", explain(&lab, 80, "--from 10.7.0.99 --to 192.168.0.1:22"));
}

/// Names that fit several things, a node where nothing enters, and a port that nobody named.
#[test]
fn questions_that_cannot_be_asked() {
    let lab = cluster(&[SECOND]);
    lab.write("other.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: other}\nspec: {}\n");
    insta::assert_snapshot!("several", explain(&lab, 80, "--from web --to shop/db"));
    insta::assert_snapshot!("entry_of_a_pod", explain(&lab, 80, "--from shop/web --to shop/db --entry n2"));
    insta::assert_snapshot!("entry_nowhere", explain(&lab, 80, "--from 10.7.0.99 --to 192.168.0.1:30543 --entry n9"));
    insta::assert_snapshot!("no_port", explain(&lab, 80, "--from shop/web --to fd00:20::210"));
}

/// Where each fact was read.
#[test]
fn facts_with_their_evidence() {
    let lab = cluster(&[LOCKDOWN]);
    insta::assert_snapshot!("evidence", explain(&lab, 80, "--from 10.7.0.99 --to 192.0.2.10:15432 -v"));
}

/// The README shows what the program prints.
#[test]
fn the_readme_shows_what_is_printed() {
    let lab = Lab::platform9();
    lab.run("lockdown --yes");
    let printed = explain(&lab, 100, "--from access --to nginx").replace("-f manifests", "-f examples/platform9");
    let printed = printed.strip_prefix("exit 3\n--- stdout\n").unwrap();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let command = "$ kubectl zerotrust explain --from access --to nginx -f examples/platform9\n";
    let shown = readme.split(command).nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(shown, Some(printed), "README.md shows another answer than the program prints");
}
