//! What a real Felix 3.28.5 and kube-proxy let through, held against our evaluation: every recorded packet.
//! Never knows how evaluation works; a directory of more worlds can be named in ZEROTRUST_TRUTH.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kubectl_zerotrust::evaluate::path::{Question, walk};
use kubectl_zerotrust::kubernetes::calico::to_v3;
use kubectl_zerotrust::kubernetes::names::{Kind, RESOURCES};
use kubectl_zerotrust::kubernetes::objects::{Answer, Coverage, Objects, Place, Query, Unread};
use kubectl_zerotrust::model::flow::{Decider, Packet, Protocol, Verdict, together};
use kubectl_zerotrust::model::intent::Peer;
use kubectl_zerotrust::model::world::{Version, World};
use kubectl_zerotrust::plan::expose::expose;
use kubectl_zerotrust::plan::fix::{Command, Remedy, remedy};
use kubectl_zerotrust::plan::grant::Ask;
use kubectl_zerotrust::plan::question::{Asked, granted};
use kubectl_zerotrust::plan::resolve::resolve;
use kubectl_zerotrust::plan::simulate::simulate;
use kubectl_zerotrust::plan::target::Target;
use serde_json::Value;

/// How the judged flows of one class came out.
#[derive(Default, Debug)]
struct Tally {
    agree: usize,
    disagree: usize,
    unknown: usize,
    quirks: usize,
}

#[test]
fn every_recorded_packet_has_the_verdict_that_felix_gave_it() {
    let directory = directory();
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut failures = Vec::new();
    let worlds = worlds(&directory);
    assert!(!worlds.is_empty(), "{} holds no recorded worlds", directory.display());
    for folder in &worlds {
        let world = read(folder);
        let flows = std::fs::read_to_string(folder.join("flows.json")).expect("flows.json");
        for flow in serde_json::from_str::<Vec<Value>>(&flows).expect("a list of flows") {
            judge(&world, folder, &flow, &mut tallies, &mut failures);
        }
    }
    for (class, tally) in &tallies {
        println!("{class:16} {tally:?}");
    }
    let unknown: usize = tallies.values().map(|tally| tally.unknown).sum();
    println!("{} worlds", worlds.len());
    assert!(failures.is_empty() && unknown == 0, "{}", failures.join("\n"));
}

/// What is printed as the command that opens a flow does so, and opens nothing that nobody asked for: the plan is made and
/// simulated, then the same packet passes on every path, and its neighbours fare as before.
#[test]
fn a_command_that_is_named_opens_the_flow_and_no_neighbour() {
    let (mut named, mut without, mut wrong) = (0, BTreeMap::<String, usize>::new(), Vec::new());
    let mut names = BTreeMap::<String, usize>::new();
    for folder in worlds(&directory()) {
        let world = read(&folder);
        let flows = std::fs::read_to_string(folder.join("flows.json")).expect("flows.json");
        for flow in serde_json::from_str::<Vec<Value>>(&flows).expect("a list of flows") {
            let text = |field: &str| flow[field].as_str().expect(field);
            if text("outcome") == "allow" {
                continue;
            }
            let asked = Asked::parse(text("from"), text("to"), Some(text("protocol")), None, None).expect("a question");
            let ways = asked.ways(&world).expect("its ways");
            if matches!(together(&ways.paths), Verdict::Allow | Verdict::Unknown) {
                continue;
            }
            let Remedy { opening, obstacles } = remedy(&world, &asked, &ways);
            let Some(opening) = opening else {
                assert!(!obstacles.is_empty(), "{}: {flow}: neither a command nor a reason", folder.display());
                *without.entry(text("class").into()).or_default() += 1;
                continue;
            };
            named += 1;
            let (plan, grant) = match &opening.command {
                Command::Allow(ask) => granted(&world, ask).expect("the plan of the command"),
                Command::Expose(ask) => expose(&world, ask).map(|(plan, id)| (plan, Some(id))).expect("its plan"),
            };
            *names.entry(opening.command.words().split(' ').next().unwrap_or_default().to_string()).or_default() += 1;
            let after = simulate(&world, &plan.steps).expect("the world that it makes");
            assert_eq!(grant.as_deref(), Some(opening.grant.as_str()));
            let (packet, _) = question(&flow);
            if verdict_of(&after, packet) != Verdict::Allow {
                wrong.push(format!("{}: {:?} does not open {flow}", folder.display(), opening.command.flags()));
            }
            for neighbour in neighbours(&world, &packet) {
                let (before, then) = (verdict_of(&world, neighbour), verdict_of(&after, neighbour));
                let meant = match &opening.command {
                    Command::Allow(ask) => meant(&world, ask, &packet, &neighbour),
                    Command::Expose(ask) => comes_with_a_door(&world, &ask.service, &packet, &neighbour),
                };
                if then == Verdict::Allow && before != Verdict::Allow && !meant {
                    wrong.push(format!(
                        "{}: {:?} for {flow} also opens {neighbour:?}",
                        folder.display(),
                        opening.command.flags()
                    ));
                }
            }
        }
    }
    println!("{named} commands were tried, {names:?}; without one: {without:?}");
    assert!(named > 100, "only {named} commands were named");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn verdict_of(world: &World, packet: Packet) -> Verdict {
    together(&walk(world, &Question { packet, entry: None }))
}

/// Packets that differ from one in one thing: port, protocol, source or destination.
fn neighbours(world: &World, packet: &Packet) -> Vec<Packet> {
    let mut found = Vec::new();
    for port in packet.port.into_iter().flat_map(|port| [port - 1, port + 1, 22]) {
        found.push(Packet { port: Some(port), ..*packet });
    }
    let other = if packet.protocol == Protocol::TCP { Protocol::UDP } else { Protocol::TCP };
    found.push(Packet { protocol: other, ..*packet });
    let family = |ip: &std::net::IpAddr| ip.is_ipv4() == packet.source.is_ipv4();
    let pods = world.pods.iter().filter(|pod| !pod.host_network && !pod.finished).flat_map(|pod| pod.addresses.clone());
    let nodes = world.nodes.values().flat_map(|node| node.all_addresses());
    let stranger = ["203.0.113.77".parse().unwrap(), "2001:db8::77".parse().unwrap()];
    for ip in pods.chain(nodes).chain(stranger).filter(family) {
        found.push(Packet { source: ip, ..*packet });
        found.push(Packet { destination: ip, ..*packet });
    }
    found.retain(|neighbour| neighbour != packet && neighbour.port != Some(0));
    found
}

/// Whether a neighbour is part of what an exposure says: the client at the same door of another node, or at a pod of the
/// Service; and from inside the cluster, whose addresses the perimeter does not stop, at the door itself.
fn comes_with_a_door(world: &World, service: &Target, packet: &Packet, neighbour: &Packet) -> bool {
    let same_door = (neighbour.protocol, neighbour.port) == (packet.protocol, packet.port);
    let pods = resolve(world, service).expect("a Service").pods;
    let by_a_node = neighbour.destination == packet.destination
        || world.node_at(neighbour.destination).is_some()
        || pods.iter().any(|index| world.pods[*index].addresses.contains(&neighbour.destination));
    let inside = world.node_at(neighbour.source).is_some() || world.pods_at(neighbour.source).next().is_some();
    same_door && by_a_node && (neighbour.source == packet.source || inside)
}

/// Whether a neighbour is part of what the command says: the ends are pods with the same labels, which cannot be told
/// apart, or the same Service by another of its addresses, or the port of it.
fn meant(world: &World, ask: &Ask, packet: &Packet, neighbour: &Packet) -> bool {
    let end = |target: &Target, ip: std::net::IpAddr, own: std::net::IpAddr| {
        let resolved = resolve(world, target).expect("an end of a command");
        let of_pods = resolved.pods.iter().any(|index| world.pods[*index].addresses.contains(&ip));
        let of_nets = matches!(&resolved.peer, Peer::Nets(nets) if nets.iter().any(|net| net.contains(&ip)));
        // A node's process has the addresses that pods see of it.
        let same_node = world.node_at(ip).is_some() && world.node_at(ip) == world.node_at(own);
        ip == own || of_pods || of_nets || same_node
    };
    let to_service =
        world.services_at(packet.destination).next().is_some() || world.node_at(packet.destination).is_some();
    let same_port = neighbour.port == packet.port && neighbour.protocol == packet.protocol;
    same_port
        && end(&ask.from, neighbour.source, packet.source)
        && (end(&ask.to, neighbour.destination, packet.destination)
            || (to_service && world.node_at(neighbour.destination).is_some()))
}

/// Kinds that are read together, and what removes them.
type Hide = (&'static str, &'static [Kind], fn(&mut Objects));

const HIDES: &[Hide] = &[
    ("pods", &[Kind::Pod], |objects| objects.pods.items.clear()),
    ("sets", &[Kind::GlobalNetworkSet, Kind::NetworkSet], |objects| objects.network_sets.items.clear()),
    ("host endpoints", &[Kind::HostEndpoint], |objects| objects.host_endpoints.items.clear()),
    ("namespaces", &[Kind::Namespace], |objects| objects.namespaces.items.clear()),
    ("service accounts", &[Kind::ServiceAccount], |objects| objects.service_accounts.items.clear()),
    ("services", &[Kind::Service], |objects| objects.services.items.clear()),
    ("backends", &[Kind::EndpointSlice, Kind::Endpoints], |objects| objects.endpoint_slices.items.clear()),
    ("nodes", &[Kind::Node], |objects| objects.nodes.items.clear()),
    ("pools", &[Kind::IPPool], |objects| objects.ip_pools.items.clear()),
    ("Kubernetes' policies", &[Kind::KubernetesNetworkPolicy], |objects| objects.kubernetes_policies.items.clear()),
    ("Calico's policies", &[Kind::GlobalNetworkPolicy, Kind::NetworkPolicy], |objects| {
        objects.calico_policies.items.clear();
    }),
    ("kube-proxy's configuration", &[Kind::ConfigMap], |objects| objects.config_maps.items.clear()),
    ("Felix's configuration", &[Kind::FelixConfiguration], |objects| objects.felix_configurations.items.clear()),
    ("announcers and BGP", &[Kind::BGPConfiguration, Kind::ServiceL2Status], |objects| {
        objects.bgp_configurations.items.clear();
        objects.l2_statuses.items.clear();
    }),
];

/// What was not read makes a verdict unknown, never another one. Where an address enters is left out: entering at more
/// nodes than the announcer is not a verdict about policy.
#[test]
fn a_part_that_was_not_read_never_turns_a_verdict() {
    let mut wrong = Vec::new();
    let mut known = BTreeMap::new();
    for folder in worlds(&directory()) {
        let all = objects(&folder);
        let flows = std::fs::read_to_string(folder.join("flows.json")).expect("flows.json");
        let flows: Vec<Value> = serde_json::from_str(&flows).expect("a list of flows");
        for (name, kinds, remove) in HIDES {
            let mut objects = all.clone();
            remove(&mut objects);
            for kind in *kinds {
                objects.coverage_mut(*kind).retain(|coverage| coverage.query.kind != *kind);
            }
            let world = kubectl_zerotrust::observe::world(&objects);
            for flow in flows.iter().filter(|flow| flow.get("quirk").is_none()) {
                let (packet, expected) = question(flow);
                let verdict = together(&walk(&world, &Question { packet, entry: None }));
                let tally: &mut (usize, usize) = known.entry(*name).or_default();
                match verdict {
                    Verdict::Unknown => tally.1 += 1,
                    _ if verdict == expected => tally.0 += 1,
                    Verdict::Mixed if *name == "announcers and BGP" => {}
                    _ => wrong.push(format!("{} without {name}: {flow}: {verdict}", folder.display())),
                }
            }
        }
    }
    println!("known and unknown: {known:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A document that could not be understood makes a verdict unknown, never another one. Each world breaks some of its
/// documents, one at a time; all together break every kind.
#[test]
fn a_document_that_was_not_understood_never_turns_a_verdict() {
    const STEP: usize = 5;
    let mut wrong = Vec::new();
    for (turn, folder) in worlds(&directory()).iter().enumerate() {
        let documents = documents(folder);
        let flows = std::fs::read_to_string(folder.join("flows.json")).expect("flows.json");
        let flows: Vec<Value> = serde_json::from_str(&flows).expect("a list of flows");
        for (broken, Document { kind, .. }) in documents.iter().enumerate() {
            let only_one = matches!(kind, Kind::IPPool | Kind::FelixConfiguration | Kind::ConfigMap);
            if broken % STEP != turn % STEP && !only_one {
                continue;
            }
            // These say where an address enters, or which version it is: nothing that is policed differently.
            if matches!(kind, Kind::ServiceL2Status | Kind::BGPConfiguration | Kind::ClusterInformation) {
                continue;
            }
            let world = kubectl_zerotrust::observe::world(&collect(&documents, broken));
            for flow in flows.iter().filter(|flow| flow.get("quirk").is_none()) {
                let (packet, expected) = question(flow);
                let verdict = together(&walk(&world, &Question { packet, entry: None }));
                if verdict != Verdict::Unknown && verdict != expected {
                    let document = &documents[broken].value["metadata"];
                    wrong.push(format!("{} without {kind} {document}: {flow}: {verdict}", folder.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn directory() -> PathBuf {
    std::env::var_os("ZEROTRUST_TRUTH")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/truth"), PathBuf::from)
}

/// The packet of a flow and what Felix did with it.
fn question(flow: &Value) -> (Packet, Verdict) {
    let text = |field: &str| flow[field].as_str().expect(field);
    let expected = match text("outcome") {
        "allow" => Verdict::Allow,
        "deny" => Verdict::Deny,
        "mixed" => Verdict::Mixed,
        other => panic!("outcome {other}"),
    };
    let to: SocketAddr = text("to").parse().expect("an address and a port");
    let packet = Packet {
        source: text("from").parse().expect("an address"),
        destination: to.ip(),
        protocol: Protocol::parse(text("protocol")).expect("a protocol"),
        port: Some(to.port()),
        source_port: None,
        icmp: None,
    };
    (packet, expected)
}

fn judge(
    world: &World,
    folder: &Path,
    flow: &Value,
    tallies: &mut BTreeMap<String, Tally>,
    failures: &mut Vec<String>,
) {
    let text = |field: &str| flow[field].as_str().expect(field);
    let (packet, expected) = question(flow);
    let paths = walk(world, &Question { packet, entry: None });
    let verdict = together(&paths);
    let tally = tallies.entry(text("class").into()).or_default();
    if flow.get("quirk").is_some() {
        // Here Felix errs against its documented meaning; saying what is documented, or nothing, is right.
        tally.quirks += 1;
        return;
    }
    let entries_agree = flow["entries"].as_object().is_none_or(|entries| {
        verdict == Verdict::Unknown
            || entries.iter().all(|(node, outcome)| {
                let of_node: Vec<_> =
                    paths.iter().filter(|path| path.entry_node.as_ref() == Some(node)).cloned().collect();
                together(&of_node).to_string() == outcome.as_str().unwrap_or_default()
            })
    });
    let agrees = verdict == expected && entries_agree;
    match verdict {
        Verdict::Unknown => tally.unknown += 1,
        _ if agrees => tally.agree += 1,
        _ => tally.disagree += 1,
    }
    if !agrees {
        let why = paths.iter().flat_map(|path| &path.hops).filter_map(|hop| match &hop.by {
            Some(Decider::Unknown { why }) => Some(format!("{}: {why}", hop.checkpoint)),
            Some(by) => Some(format!("{}: {:?} by {by:?}", hop.checkpoint, hop.action)),
            None => None,
        });
        failures.push(format!(
            "{} {}: {} -> {}/{}: {verdict}, Felix {expected} {}\n    {}",
            folder.display(),
            text("class"),
            text("from"),
            text("to"),
            text("protocol"),
            flow["entries"],
            why.collect::<Vec<_>>().join("\n    ")
        ));
    }
}

/// The folders of worlds below a directory, `MODE/NNNN`.
fn worlds(directory: &Path) -> Vec<PathBuf> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
    };
    let mut worlds: Vec<PathBuf> = below(directory).iter().flat_map(|mode| below(mode)).collect();
    worlds.retain(|world| world.join("flows.json").exists());
    worlds.sort();
    worlds
}

fn read(folder: &Path) -> World {
    kubectl_zerotrust::observe::world(&objects(folder))
}

fn objects(folder: &Path) -> Objects {
    collect(&documents(folder), usize::MAX)
}

/// One document of a world.
struct Document {
    kind: Kind,
    value: Value,
    stored_name: String,
}

fn documents(folder: &Path) -> Vec<Document> {
    let mode = folder.parent().expect("a mode");
    let mut values: Vec<Value> = Vec::new();
    for file in [mode.join("base.yaml"), folder.join("world.yaml")] {
        let text = std::fs::read_to_string(&file).expect("a file of a world");
        values.extend(serde_yaml::from_multiple::<Value>(&text).expect("YAML documents"));
    }
    let version = values.iter().find(|value| value["kind"] == "ClusterInformation");
    let version = version.and_then(|value| value["spec"]["calicoVersion"].as_str()).and_then(Version::parse);
    let read = |value: Value| {
        let text = |field: &str| value[field].as_str().unwrap_or_default();
        let kind = Kind::of_document(text("apiVersion"), text("kind"))?;
        let converted = to_v3(kind, value, version).expect("an object in Calico's form");
        Some(Document { kind, value: converted.value, stored_name: converted.stored_name })
    };
    values.into_iter().filter_map(read).collect()
}

/// All documents; one of them as if it could not be understood.
fn collect(documents: &[Document], broken: usize) -> Objects {
    let mut objects = Objects::default();
    let place = Place::File { file: Arc::new(PathBuf::from("world.yaml")), line: 1 };
    for (index, document) in documents.iter().enumerate() {
        let Document { kind, value, stored_name } = document;
        if index == broken {
            let namespace = value["metadata"]["namespace"].as_str().map(str::to_string);
            let reason = "it is broken".to_string();
            let object = Some(format!("{kind} {}", value["metadata"]["name"]));
            objects.unread.push(Unread { place: place.clone(), object, kind: Some(*kind), namespace, reason });
            continue;
        }
        objects.add(*kind, value.clone(), stored_name, place.clone()).expect("an object of its kind");
    }
    for resource in RESOURCES {
        let coverage = Coverage { query: Query::all(resource.kind), answer: Answer::Complete };
        objects.coverage_mut(resource.kind).push(coverage);
    }
    objects
}
