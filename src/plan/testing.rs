//! A small cluster after the walkthrough, and words for what is asked of it.
//! Never knows what a test expects.

use super::grant::{Ask, allow};
use super::simulate::{document, simulate};
use super::target::Target;
use super::{Plan, PlanError, lockdown, ports};
use crate::evaluate::policy::judge_pod;
use crate::model::flow::HopAction;
use crate::model::policy::Direction;
use crate::model::world::World;
use crate::testing::packet;

/// Two nodes of the control plane and a worker, the DNS, and a web server with a client in the namespace `demo`.
pub const CLUSTER: &str = r#"
{kind: ClusterInformation, apiVersion: projectcalico.org/v3, metadata: {name: default}, spec: {calicoVersion: v3.18.1}}
---
{kind: IPPool, apiVersion: projectcalico.org/v3, metadata: {name: pods}, spec: {cidr: 10.20.0.0/16, ipipMode: Always, natOutgoing: true}}
---
kind: Node
apiVersion: v1
metadata: {name: m1, labels: {node-role.kubernetes.io/master: ""}, annotations: {projectcalico.org/IPv4Address: 10.128.146.177/23, projectcalico.org/IPv4IPIPTunnelAddr: 10.20.112.64}}
status: {addresses: [{type: InternalIP, address: 10.128.146.177}]}
---
kind: Node
apiVersion: v1
metadata: {name: w1, annotations: {projectcalico.org/IPv4Address: 10.128.147.102/23, projectcalico.org/IPv4IPIPTunnelAddr: 10.20.40.64}}
status: {addresses: [{type: InternalIP, address: 10.128.147.102}]}
---
{kind: Namespace, apiVersion: v1, metadata: {name: kube-system, labels: {kubernetes.io/metadata.name: kube-system}}}
---
{kind: Namespace, apiVersion: v1, metadata: {name: demo, labels: {kubernetes.io/metadata.name: demo}}}
---
{kind: Namespace, apiVersion: v1, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}}
---
{kind: ServiceAccount, apiVersion: v1, metadata: {name: default, namespace: demo}}
---
kind: Service
apiVersion: v1
metadata: {name: kube-dns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {clusterIP: 10.21.0.10, selector: {k8s-app: kube-dns}, ports: [{name: dns, port: 53, protocol: UDP, targetPort: 53}, {name: dns-tcp, port: 53, protocol: TCP, targetPort: 53}, {name: metrics, port: 9153, targetPort: 9153}]}
---
kind: Pod
apiVersion: v1
metadata: {name: coredns-1, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {nodeName: m1, containers: [{name: coredns, ports: [{name: dns, containerPort: 53, protocol: UDP}]}]}
status: {phase: Running, podIP: 10.20.112.10, conditions: [{type: Ready, status: "True"}]}
---
kind: Service
apiVersion: v1
metadata: {name: nginx, namespace: demo}
spec: {type: NodePort, clusterIP: 10.21.250.63, selector: {app: nginx}, ports: [{port: 80, targetPort: 80, nodePort: 32127}]}
---
kind: Deployment
apiVersion: apps/v1
metadata: {name: nginx, namespace: demo}
spec: {selector: {matchLabels: {app: nginx}}, template: {metadata: {labels: {app: nginx}}, spec: {containers: [{name: nginx}]}}}
---
kind: Pod
apiVersion: v1
metadata: {name: nginx-6799fc88d8-zp4zj, namespace: demo, labels: {app: nginx, pod-template-hash: 6799fc88d8}, ownerReferences: [{kind: ReplicaSet, name: nginx-6799fc88d8}]}
spec: {nodeName: w1, containers: [{name: nginx}]}
status: {phase: Running, podIP: 10.20.40.90, conditions: [{type: Ready, status: "True"}]}
---
kind: Pod
apiVersion: v1
metadata: {name: access, namespace: demo, labels: {run: access}}
spec: {nodeName: m1, containers: [{name: access}]}
status: {phase: Running, podIP: 10.20.112.20, conditions: [{type: Ready, status: "True"}]}
---
kind: Pod
apiVersion: v1
metadata: {name: cart, namespace: shop, labels: {app: cart, tier: back}}
spec: {nodeName: m1, containers: [{name: cart, ports: [{name: http, containerPort: 8080}]}]}
status: {phase: Running, podIP: 10.20.112.30, conditions: [{type: Ready, status: "True"}]}
---
"#;

/// The walkthrough's lockdown, as an operator has it by hand: DNS over UDP only.
pub const DENY: &str = r#"
kind: GlobalNetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {name: deny-app-policy}
spec:
  namespaceSelector: has(projectcalico.org/name) && projectcalico.org/name not in {"kube-system", "calico-system"}
  types: [Ingress, Egress]
  egress:
  - {action: Allow, protocol: UDP, destination: {selector: 'k8s-app == "kube-dns"', ports: [53]}}
---
"#;

/// The cluster with more documents.
pub fn cluster(more: &str) -> World {
    crate::testing::world(&format!("{CLUSTER}{more}"))
}

/// What `allow --from FROM --to TO` asks for; ports behind a space, as `nginx 80`.
pub fn ask(from: &str, to: &str) -> Ask {
    let (to, ports) = to.split_once(' ').map_or((to, Vec::new()), |(to, port)| (to, vec![port]));
    Ask {
        from: Target::parse(from, None).unwrap(),
        to: Target::parse(to, None).unwrap(),
        ports: ports::parse(&ports).unwrap(),
        reason: None,
        accepted: Vec::new(),
    }
}

/// A grant's plan, and the world that it makes.
pub fn allowed(world: &World, from: &str, to: &str) -> (Plan, World) {
    let plan = allow(world, &ask(from, to)).unwrap_or_else(|error| panic!("{from} -> {to}: {error:?}"));
    let after = simulate(world, &plan.steps).unwrap();
    nothing_behind(&after);
    (plan, after)
}

/// Whatever was granted is up to date at once: what `sync` would write then is nothing.
pub fn nothing_behind(world: &World) {
    let synced = super::sync::sync(world, &[]).unwrap();
    assert_eq!((synced.plan.steps, synced.drift), (Vec::new(), Vec::new()));
    assert_eq!(super::sync::drift(world), Vec::new());
}

/// A lockdown's plan, and the world that it makes.
pub fn locked(world: &World) -> (Plan, World) {
    let plan = lockdown::lockdown(world, &lockdown::Ask::default()).unwrap();
    let after = simulate(world, &plan.steps).unwrap();
    (plan, after)
}

/// Whether the pods at both ends of a packet let it through.
pub fn passes(world: &World, text: &str) -> bool {
    let packet = packet(text);
    let ends = [(packet.source, Direction::Egress), (packet.destination, Direction::Ingress)];
    ends.into_iter().all(|(ip, direction)| {
        let pods: Vec<_> = world.pods_at(ip).collect();
        pods.into_iter().all(|pod| judge_pod(world, pod, direction, &packet).action == HopAction::Allow)
    })
}

/// Every policy as YAML-like JSON lines, for comparison.
pub fn policies(world: &World) -> Vec<String> {
    world.written.iter().map(|(id, written)| document(id, written).to_string()).collect()
}

/// The steps of a plan as `Kind namespace/name`.
pub fn steps(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| step.object.to_string()).collect()
}

/// All notes of a plan in one text.
pub fn notes(plan: &Plan) -> String {
    plan.notes.iter().map(|note| note.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// The reason and the hints of an error in one text.
pub fn said(error: &PlanError) -> String {
    match error {
        PlanError::Refused { reason, hints }
        | PlanError::Unknown { reason, hints }
        | PlanError::Unresolved { reason, hints }
        | PlanError::Usage { reason, hints } => format!("{reason}\n{}", hints.join("\n")),
    }
}
