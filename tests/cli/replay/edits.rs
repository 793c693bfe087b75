//! Small edits of the example's files, each as a person would make it.
//! Never knows what they are for.

use super::{Lab, NODES};

/// Replaces every occurrence of a text in a file; one that is not there is a mistake in the test.
pub fn replace(lab: &Lab, file: &str, old: &str, new: &str) {
    let text = lab.read(file);
    assert!(text.contains(old), "{file} has no {old:?}");
    lab.write(file, &text.replace(old, new));
}

/// Puts annotations on each node, with a number that is the node's own.
pub fn annotate_nodes(lab: &Lab, annotations: impl Fn(usize) -> Vec<String>) {
    for (index, node) in NODES.iter().enumerate() {
        let anchor = format!("  name: {node}\n");
        let (before, behind) = split(lab, &anchor);
        let key = "  annotations:\n";
        let at = behind.find(key).unwrap() + key.len();
        let lines: String = annotations(index).iter().map(|line| format!("    {line}\n")).collect();
        lab.write("nodes.yaml", &format!("{before}{anchor}{}{lines}{}", &behind[..at], &behind[at..]));
    }
}

fn split(lab: &Lab, anchor: &str) -> (String, String) {
    let text = lab.read("nodes.yaml");
    let (before, behind) = text.split_once(anchor).unwrap_or_else(|| panic!("nodes.yaml has no {anchor:?}"));
    (before.to_string(), behind.to_string())
}

/// A tunnel's address on each node, from the pods' pool and held by no pod.
pub fn tunnels(lab: &Lab, annotation: &str) {
    annotate_nodes(lab, |index| vec![format!("projectcalico.org/{annotation}: {}", tunnel(index))]);
}

/// The address of a node's tunnel: the article's where it names one.
pub fn tunnel(index: usize) -> &'static str {
    ["10.20.103.129", "10.20.40.187", "10.20.112.110", "10.20.87.65"][index]
}

/// WireGuard between all nodes.
pub fn wireguard(lab: &Lab) {
    let word = "  reportingInterval: 0s\n";
    replace(lab, "calico.yaml", word, &format!("{word}  wireguardEnabled: true\n"));
    annotate_nodes(lab, |index| {
        vec![
            format!("projectcalico.org/IPv4WireguardInterfaceAddr: {}", tunnel(index)),
            format!("projectcalico.org/WireguardPublicKey: key{index}"),
        ]
    });
}

/// The pool's encapsulation.
pub fn encapsulate(lab: &Lab, field: &str, mode: &str) {
    replace(lab, "calico.yaml", &format!("{field}: Never"), &format!("{field}: {mode}"));
}

/// Nodes of 10.128.146.0/24 and nodes of 10.128.147.0/24, with a router between them.
pub fn two_subnets(lab: &Lab) {
    replace(lab, "nodes.yaml", "/23\n", "/24\n");
}

/// nginx runs where the article's later chapters have it.
pub fn move_nginx(lab: &Lab) {
    for (old, new) in [("10.20.112.90", "10.20.103.150"), ("10.128.147.102", "10.128.146.177")] {
        replace(lab, "advanced-policy-demo.yaml", old, new);
    }
}

/// nginx has its node port already, and keeps clients' addresses.
pub fn local(lab: &Lab) {
    let old = "spec:\n  type: ClusterIP\n  clusterIP: 10.21.250.63\n";
    let new = "spec:\n  type: NodePort\n  externalTrafficPolicy: Local\n  clusterIP: 10.21.250.63\n";
    replace(lab, "advanced-policy-demo.yaml", old, new);
    let port = "    protocol: TCP\n    targetPort: 80\n";
    replace(lab, "advanced-policy-demo.yaml", port, &format!("{port}    nodePort: 32127\n"));
}

/// MetalLB 0.13 and later: custom resources in place of the ConfigMap.
pub fn metallb_resources(lab: &Lab, announcement: &str) {
    let text = lab.read("metallb.yaml");
    let (_, rest) = text.split_once("\n---\n").unwrap();
    let pool = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata:\n  name: default\n  namespace: metallb-system\n\
                spec:\n  addresses:\n  - 10.128.146.112-10.128.146.119\n";
    let advertisement = format!(
        "apiVersion: metallb.io/v1beta1\nkind: {announcement}\nmetadata:\n  name: default\n  namespace: metallb-system\n\
         spec:\n  ipAddressPools:\n  - default\n"
    );
    lab.write("metallb.yaml", &format!("{pool}---\n{advertisement}---\n{rest}"));
}

/// All cluster addresses are advertised over BGP, as the article's own BGPConfiguration has it.
pub fn advertised(lab: &Lab) {
    lab.write(
        "bgp.yaml",
        "apiVersion: crd.projectcalico.org/v1\nkind: BGPConfiguration\nmetadata:\n  name: default\nspec:\n  asNumber: 65521\n  \
         nodeToNodeMeshEnabled: true\n  serviceClusterIPs:\n  - cidr: 10.21.0.0/16\n---\napiVersion: \
         crd.projectcalico.org/v1\nkind: BGPPeer\nmetadata:\n  name: bgppeerextcluster30\nspec:\n  peerIP: 10.128.147.141\n  \
         asNumber: 65531\n",
    );
}

/// What is there besides: a closed door of the locked storefront, an open one of the dashboard, whose namespace is left
/// out, and a pod that would like to be a node.
pub fn neighbours(lab: &Lab) {
    lab.write(
        "neighbours.yaml",
        "apiVersion: v1
kind: Service
metadata:
  name: side
  namespace: bgp-demo
spec:
  type: NodePort
  clusterIP: 10.21.44.44
  clusterIPs:
  - 10.21.44.44
  ports:
  - port: 80
    protocol: TCP
    targetPort: 8080
    nodePort: 32500
  selector:
    app: storefront
---
apiVersion: v1
kind: Service
metadata:
  name: dashboard-door
  namespace: kubernetes-dashboard
spec:
  type: NodePort
  clusterIP: 10.21.44.45
  clusterIPs:
  - 10.21.44.45
  ports:
  - port: 443
    protocol: TCP
    targetPort: 8443
    nodePort: 32443
  selector:
    k8s-app: kubernetes-dashboard
---
apiVersion: v1
kind: Pod
metadata:
  name: impostor
  namespace: kube-system
  labels:
    run: impostor
    kubectl-zerotrust/nodes: \"true\"
    nodeport-external-ingress: \"true\"
spec:
  nodeName: 10.128.146.177
  containers:
  - name: impostor
    image: busybox
status:
  phase: Running
  conditions:
  - type: Ready
    status: \"True\"
  hostIP: 10.128.146.177
  podIP: 10.20.103.190
  podIPs:
  - ip: 10.20.103.190
",
    );
}
