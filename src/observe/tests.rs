//! What worlds are made of objects: labels as Calico sees them, addresses, backends, gaps.
//! Never knows evaluation.

mod balancers;
mod calico;
mod nodes;
mod proxy;

use crate::findings::{POLICY_NOT_EVALUATED, TIER_MISSING};
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{Answer, Coverage, Place, Query, Unread};
use crate::model::world::{AddressRole, Fact, Hidden, Part, World};
use crate::testing::{objects, world};

fn label<'w>(world: &'w World, pod: &str, key: &str) -> Option<&'w str> {
    world.pods.iter().find(|one| one.name == pod)?.labels.get(key).map(String::as_str)
}

const PODS: &str = r"
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: blue, tier: front}}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: shop, labels: {kind: machine}}}
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: {app: web, pcns.tier: own}
  annotations: {cni.projectcalico.org/podIPs: '10.20.1.9/32,fd00::9/128'}
spec: {nodeName: n1, serviceAccountName: robot}
status: {phase: Pending}
---
apiVersion: v1
kind: Pod
metadata: {name: done, namespace: other}
spec: {nodeName: n1}
status: {phase: Succeeded, podIP: 10.20.1.9}
";

#[test]
fn pods_have_the_labels_that_calico_gives_them() {
    let world = world(PODS);
    let web = |key: &str| label(&world, "web", key);
    assert_eq!(web("projectcalico.org/namespace"), Some("shop"));
    assert_eq!(web("projectcalico.org/orchestrator"), Some("k8s"));
    assert_eq!(web("projectcalico.org/serviceaccount"), Some("robot"));
    assert_eq!(web("pcns.team"), Some("blue"));
    assert_eq!(web("pcns.projectcalico.org/name"), Some("shop"));
    assert_eq!(web("pcsa.kind"), Some("machine"));
    assert_eq!(web("pcsa.projectcalico.org/name"), Some("robot"));
    // Its own win over what profiles bring.
    assert_eq!(web("pcns.tier"), Some("own"));
    assert_eq!(label(&world, "done", "projectcalico.org/serviceaccount"), Some("default"));
    let unseen = |pod: &str| world.pods.iter().find(|one| one.name == pod).unwrap().unseen_labels.clone();
    assert_eq!(unseen("web"), Vec::<String>::new());
    assert_eq!(unseen("done"), ["pcns."]);
}

#[test]
fn a_finished_pod_has_no_address_any_more() {
    let world = world(PODS);
    let at = |ip: &str| world.pods_at(ip.parse().unwrap()).map(|pod| pod.name.as_str()).collect::<Vec<_>>();
    assert_eq!(at("10.20.1.9"), ["web"]);
    assert_eq!(at("fd00::9"), ["web"]);
}

#[test]
fn addresses_of_a_node_have_roles_and_evidence() {
    let world = world(
        "apiVersion: v1\nkind: Node\nmetadata:\n  name: n1\n  labels: {node-role.kubernetes.io/master: ''}\n  annotations:\n    \
         projectcalico.org/IPv4Address: 10.128.146.41/23\n    projectcalico.org/IPv4IPIPTunnelAddr: 10.20.1.0\n    \
         projectcalico.org/IPv4WireguardInterfaceAddr: 10.20.1.1\n    projectcalico.org/WireguardPublicKey: k\n\
         status: {addresses: [{type: InternalIP, address: 10.128.146.41}, {type: ExternalIP, address: 1.2.3.4}, {type: Hostname, address: n1}]}\n\
         spec: {podCIDRs: [10.20.1.0/24]}",
    );
    let node = &world.nodes["n1"];
    let roles: Vec<(String, AddressRole)> =
        node.addresses.iter().map(|address| (address.ip.to_string(), address.role)).collect();
    assert_eq!(
        roles,
        [
            ("10.128.146.41".to_string(), AddressRole::Host),
            ("1.2.3.4".to_string(), AddressRole::External),
            ("10.20.1.0".to_string(), AddressRole::Ipip),
            ("10.20.1.1".to_string(), AddressRole::Wireguard),
        ]
    );
    assert_eq!(node.addresses[0].subnet, Some("10.128.146.0/23".parse().unwrap()));
    assert_eq!(node.addresses[2].evidence, "annotation projectcalico.org/IPv4IPIPTunnelAddr of Node n1");
    assert_eq!(node.wireguard_key, [true, false]);
    assert_eq!(node.control_plane.as_deref(), Some("node-role.kubernetes.io/master"));
    assert_eq!(world.node_at("10.20.1.1".parse().unwrap()).map(|node| node.name.as_str()), Some("n1"));
}

const SERVICE: &str = r"
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.21.0.1, selector: {app: web}, ports: [{name: http, port: 80, targetPort: web}]}
---
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop, labels: {app: web}}
spec: {nodeName: n1, containers: [{name: c, ports: [{name: web, containerPort: 8080}]}]}
status: {podIPs: [{ip: 10.20.1.1}], conditions: [{type: Ready, status: 'True'}]}
";

#[test]
fn backends_come_from_slices_else_endpoints_else_the_pods() {
    let of = |more: &str| {
        let world = world(&format!("{SERVICE}\n---\n{more}"));
        match &world.services[&("shop".to_string(), "web".to_string())].backends {
            Fact::Known { value, evidence } => {
                let list = value.iter().map(|one| format!("{}:{} {}", one.ip, one.port, one.ready));
                (list.collect::<Vec<_>>().join(","), evidence.clone())
            }
            Fact::Unknown { why } => (why.clone(), String::new()),
        }
    };
    assert_eq!(of(""), ("10.20.1.1:8080 true".into(), "its selector and the pods that match it".into()));
    let endpoints = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: web, namespace: shop}\n\
                     subsets: [{addresses: [{ip: 10.20.1.2}], ports: [{name: http, port: 81}]}]\n---\n";
    assert_eq!(of(endpoints), ("10.20.1.2:81 true".into(), "Endpoints".into()));
    let slice = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
                 metadata: {name: web-x, namespace: shop, labels: {kubernetes.io/service-name: web}}\naddressType: IPv4\n\
                 endpoints: [{addresses: [10.20.1.3], conditions: {ready: false}}]\nports: [{name: http, port: 82}]\n---\n";
    assert_eq!(of(&format!("{endpoints}{slice}")), ("10.20.1.3:82 false".into(), "EndpointSlices".into()));
}

#[test]
fn backends_are_unknown_where_nothing_tells_them() {
    let mut objects = objects(SERVICE);
    objects.coverage_mut(Kind::Pod).clear();
    let world = crate::observe::world(&objects);
    assert!(world.services[&("shop".to_string(), "web".to_string())].backends.value().is_none());
}

#[test]
fn webhooks_aggregated_apis_and_conversions_are_callbacks() {
    let world = world(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: guard}\n\
         webhooks: [{name: a, clientConfig: {service: {namespace: sec, name: guard, path: /x}}}, {name: b, clientConfig: {url: 'https://x'}}]\n---\n\
         apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1beta1.metrics.k8s.io}\n\
         spec: {service: {namespace: kube-system, name: metrics-server, port: 4443}}\n---\n\
         apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.apps}\nspec: {}\n---\n\
         apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.org}\n\
         spec: {conversion: {strategy: Webhook, webhook: {clientConfig: {service: {namespace: things, name: convert}}}}}",
    );
    let found: Vec<String> = world
        .callbacks
        .iter()
        .map(|one| format!("{}/{}:{} {}", one.namespace, one.service, one.port, one.from))
        .collect();
    assert_eq!(
        found,
        [
            "kube-system/metrics-server:4443 APIService v1beta1.metrics.k8s.io",
            "sec/guard:443 ValidatingWebhookConfiguration guard",
            "things/convert:443 CustomResourceDefinition things.example.org",
        ]
    );
}

#[test]
fn node_local_dns_and_api_servers_are_found() {
    let world = world(
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: node-local-dns, namespace: kube-system}\n\
         spec: {template: {spec: {containers: [{name: c, args: [-localip, '169.254.20.10,10.21.0.10', -conf, /etc/Corefile]}]}}}\n---\n\
         apiVersion: v1\nkind: Endpoints\nmetadata: {name: kubernetes, namespace: default}\n\
         subsets: [{addresses: [{ip: 10.0.0.5}], ports: [{port: 6443}]}]",
    );
    let texts: Vec<String> = world.node_local_dns.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["10.21.0.10", "169.254.20.10"]);
    assert_eq!(world.api_servers.value(), Some(&vec!["10.0.0.5".parse().unwrap()]));
}

#[test]
fn policies_are_kept_as_written_with_their_keepers() {
    let world = world(
        "apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\n\
         metadata: {name: default.a, labels: {argocd.argoproj.io/instance: shop}}\nspec: {types: [Ingress], order: 5}\n---\n\
         apiVersion: crd.projectcalico.org/v1\nkind: NetworkPolicy\nmetadata: {name: default.b, namespace: shop}\n\
         spec: {types: [Ingress], order: 3}\n---\n\
         apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: c, namespace: shop}\nspec: {podSelector: {}}\n---\n\
         apiVersion: crd.projectcalico.org/v1\nkind: StagedGlobalNetworkPolicy\nmetadata: {name: default.d}\nspec: {types: [Ingress]}\n---\n\
         {apiVersion: crd.projectcalico.org/v1, kind: ClusterInformation, metadata: {name: default}, spec: {calicoVersion: v3.18.1}}",
    );
    let names: Vec<String> = world.policies.iter().map(|policy| policy.id.to_string()).collect();
    assert_eq!(names, ["NetworkPolicy shop/b", "GlobalNetworkPolicy a", "KubernetesNetworkPolicy shop/c"]);
    assert_eq!(world.staged.len(), 1);
    let written: Vec<String> = world.written.keys().map(ToString::to_string).collect();
    assert_eq!(written, ["GlobalNetworkPolicy a", "NetworkPolicy shop/b", "StagedGlobalNetworkPolicy d"]);
    let keeper = |name: &str| world.written.iter().find(|(id, _)| id.name == name).unwrap().1.keeper.clone();
    assert_eq!(keeper("a").as_deref(), Some("Argo CD (label argocd.argoproj.io/instance)"));
    assert_eq!(keeper("b"), None);
    assert_eq!(world.tiers.iter().map(|tier| tier.name.as_str()).collect::<Vec<_>>(), ["default"]);
}

#[test]
fn what_is_not_evaluated_or_stops_felix_is_a_gap() {
    let hides = |yaml: &str| {
        let world = world(yaml);
        (
            world.gaps.iter().map(|gap| (gap.hides, gap.namespace.clone())).collect::<Vec<_>>(),
            world.findings.iter().map(|finding| finding.code.code).collect::<Vec<_>>(),
        )
    };
    let (gaps, findings) = hides(
        "{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: a}, spec: {}}",
    );
    assert_eq!((gaps, findings), (vec![(Hidden::Policies, None)], vec![POLICY_NOT_EVALUATED.code]));
    let bad_port = "apiVersion: crd.projectcalico.org/v1\nkind: NetworkPolicy\nmetadata: {name: default.b, namespace: shop}\n\
                    spec: {types: [Ingress], ingress: [{action: Allow, protocol: TCP, destination: {ports: [99999]}}]}";
    let (gaps, _) = hides(bad_port);
    assert_eq!(gaps, [(Hidden::Policies, None)]);
    let lost = "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: lost.a}\nspec: {tier: lost, types: [Ingress]}";
    let (gaps, findings) = hides(lost);
    assert_eq!((gaps, findings), (vec![], vec![TIER_MISSING.code]));
}

#[test]
fn hidden_kinds_and_unread_documents_are_gaps_and_absent_ones_are_not() {
    let mut objects = objects("");
    let deny = |kind| Coverage { query: Query::all(kind), answer: Answer::Hidden("forbidden".into()) };
    *objects.coverage_mut(Kind::HostEndpoint) = vec![deny(Kind::HostEndpoint)];
    *objects.coverage_mut(Kind::IPPool) = vec![Coverage { query: Query::all(Kind::IPPool), answer: Answer::NotServed }];
    *objects.coverage_mut(Kind::Pod) =
        vec![Coverage { query: Query::all(Kind::Pod).in_namespace("shop"), answer: Answer::Complete }];
    objects.coverage_mut(Kind::NetworkPolicy).clear();
    objects.unread = vec![
        Unread {
            place: Place::Server,
            object: Some("NetworkPolicy shop/web".into()),
            kind: Some(Kind::KubernetesNetworkPolicy),
            namespace: Some("shop".into()),
            reason: "spec is a list".into(),
        },
        Unread { place: Place::Server, object: None, kind: None, namespace: None, reason: "not YAML".into() },
        Unread {
            place: Place::Server,
            object: Some("Thing x".into()),
            kind: None,
            namespace: None,
            reason: "?".into(),
        },
    ];
    let world = crate::observe::world(&objects);
    let mut gaps: Vec<(Hidden, Option<String>)> =
        world.gaps.iter().map(|gap| (gap.hides, gap.namespace.clone())).collect();
    gaps.sort();
    assert_eq!(
        gaps,
        [
            (Hidden::Policies, None),
            (Hidden::Policies, Some("shop".to_string())),
            (Hidden::HostEndpoints, None),
            (Hidden::Other, None),
        ]
    );
    assert!(!world.sees(Part::HostEndpoints, None));
    assert!(world.sees(Part::Pools, None));
    assert!(world.sees(Part::Pods, Some("shop")) && !world.sees(Part::Pods, Some("lab")));
    // Calico's policies share a listing, which nobody asked for now.
    assert!(!world.sees(Part::GlobalPolicies, None));
}
