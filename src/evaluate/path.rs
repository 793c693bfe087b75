//! Every way of a flow, hop by hop: the packet is taken through nodes as the kernel takes it.
//! Never knows what a policy says; `policy` and `host` do.

use std::net::IpAddr;

use super::host;
use super::interfaces::Interface;
use super::journey::{Accepted, Arrival, Exit, Journey};
use super::owners::{unseen_node, unseen_pod};
use super::policy::{Judgement, judge_pod};
use super::routes::{self, Via};
use super::rules::family;
use super::translate::{Masquerade, Translation, is_answered_on_node, translate};
use super::untracked;
use crate::model::flow::{Checkpoint, Packet, Path};
use crate::model::policy::Direction;
use crate::model::world::{Backend, Pod, World};

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The packet as its sender makes it. A pod's address as source is that pod, a node's or its tunnel's a process on
    /// that node, any other a machine outside.
    pub packet: Packet,
    /// The node where it enters, where the question names one; for sources outside only.
    pub entry: Option<String>,
}

/// Every way that the packet can take; at least one, which is Unknown where there is none.
pub fn walk(world: &World, question: &Question) -> Vec<Path> {
    let mut walk = Walk { world, paths: Vec::new(), dead_ends: Vec::new() };
    walk.start(question);
    if walk.paths.is_empty() {
        let why = walk.dead_ends.first().map_or("there is no way", |(why, _)| why).to_string();
        let journey = walk.dead_ends.into_iter().next().map(|(_, journey)| journey);
        let mut journey = journey.unwrap_or_else(|| Journey::of(question.packet));
        journey.add(journey.at.clone(), Checkpoint::Dnat, None, Judgement::unknown(why));
        return vec![journey.path()];
    }
    walk.paths
}

struct Walk<'w> {
    world: &'w World,
    paths: Vec<Path>,
    dead_ends: Vec<(String, Journey)>,
}

impl<'w> Walk<'w> {
    fn start(&mut self, question: &Question) {
        let world = self.world;
        let packet = question.packet;
        let mut journey = Journey::of(packet);
        if family(packet.source) != family(packet.destination) {
            return self.stuck(journey, "source and destination are not of one address family");
        }
        let pods: Vec<&Pod> = world.pods_at(packet.source).collect();
        if let [pod] = pods.as_slice() {
            let Some(node) = &pod.node else {
                return self.stuck(journey, format!("Pod {} has no node yet", pod.full_name()));
            };
            journey.at = Some(node.clone());
            if pod.addresses.contains(&packet.destination) {
                // What a pod sends to itself never leaves it.
                return self.paths.push(journey.path());
            }
            return self.receive(node, Arrival::Pod(pod), journey);
        }
        if !pods.is_empty() {
            let names: Vec<String> = pods.iter().map(|pod| pod.full_name()).collect();
            return self.stuck(journey, format!("{} all have {}", names.join(", "), packet.source));
        }
        if let Some(node) = world.node_at(packet.source) {
            return self.receive(&node.name, Arrival::Process, journey);
        }
        if let Some(why) = unseen_pod(world, packet.source).or_else(|| unseen_node(world, packet.source)) {
            return self.stuck(journey, why);
        }
        if let Some(pool) = world.pools.iter().find(|pool| pool.net.contains(&packet.source)) {
            let why = format!("{} is in the address pool {}, but no pod or node has it", packet.source, pool.name);
            return self.stuck(journey, why);
        }
        self.enter(question, journey);
    }

    /// From outside: at the node that the question names, else at every node where the address is at home.
    fn enter(&mut self, question: &Question, journey: Journey) {
        let entries = match &question.entry {
            Some(node) if !self.world.nodes.contains_key(node) => Err(format!("no Node {node} was read")),
            Some(node) => Ok(vec![node.clone()]),
            None => super::entries::of(self.world, &question.packet),
        };
        match entries {
            Ok(nodes) => {
                for node in nodes {
                    let journey = Journey { entry: Some(node.clone()), ..journey.clone() };
                    self.receive(&node, Arrival::Wire(Via::Plain), journey);
                }
            }
            Err(why) => self.stuck(journey, why),
        }
    }

    /// A node gets the packet, or a process of it sends it.
    fn receive(&mut self, node: &str, arrival: Arrival<'w>, mut journey: Journey) {
        journey.at = Some(node.to_string());
        journey.accepted = Accepted::No;
        journey.untracked = false;
        journey.translated = false;
        journey.masquerade = Masquerade::No;
        journey.nodes += 1;
        if journey.nodes > 3 {
            return self.stuck(journey, "the packet goes from node to node");
        }
        match arrival {
            Arrival::Process => self.leave_untracked(node, &mut journey),
            _ => host::before_translation(self.world, node, arrival.interface(), &mut journey),
        }
        match translate(self.world, node, &journey.packet, arrival.sender()) {
            Translation::Untouched => self.route(node, arrival, journey),
            Translation::NoWay(why) => {
                self.dead_ends.push((why, journey));
            }
            Translation::Unknown(why) => {
                let at = journey.at.clone();
                journey.add(at, Checkpoint::Dnat, None, Judgement::unknown(why));
                self.paths.push(journey.path());
            }
            Translation::To { .. } if journey.untracked => {
                self.stuck(journey, "doNotTrack policy lets it pass, and kube-proxy does not see what is not tracked");
            }
            Translation::To { service, backends, masquerade } => {
                for backend in backends {
                    let mut journey = Journey { masquerade: masquerade.clone(), ..journey.clone() };
                    journey.packet.destination = backend.ip;
                    journey.packet.port = Some(backend.port);
                    journey.translated = true;
                    journey.backend = Some(self.backend_name(backend));
                    let why = format!("a backend of Service {service} is chosen");
                    journey.add(Some(node.into()), Checkpoint::Dnat, None, Judgement::none(why));
                    self.route(node, arrival, journey);
                }
            }
        }
    }

    fn backend_name(&self, backend: &Backend) -> String {
        let pod = self.world.pods_at(backend.ip).next();
        match pod {
            Some(pod) => format!("{}:{}", pod.full_name(), backend.port),
            None if backend.ip.is_ipv6() => format!("[{}]:{}", backend.ip, backend.port),
            None => format!("{}:{}", backend.ip, backend.port),
        }
    }

    /// Finds where the packet goes from the node.
    fn route(&mut self, node: &str, arrival: Arrival<'w>, journey: Journey) {
        let world = self.world;
        let to = journey.packet.destination;
        let own = world.nodes.get(node).is_some_and(|own| own.all_addresses().any(|ip| ip == to));
        if own || is_answered_on_node(world, &journey.packet) {
            return self.deliver_to_host(node, arrival, journey);
        }
        let pods: Vec<&'w Pod> = world.pods_at(to).collect();
        match pods.as_slice() {
            [pod] => match pod.node.as_deref() {
                Some(home) if home == node => self.forward(node, arrival, Exit::Pod(pod), journey),
                Some(home) => self.forward(node, arrival, Exit::RemotePod(home), journey),
                None => self.stuck(journey, format!("Pod {} has no node yet", pod.full_name())),
            },
            [] => match world.node_at(to) {
                Some(other) => self.forward(node, arrival, Exit::Node(&other.name), journey),
                None => self.route_out(node, arrival, journey),
            },
            pods => {
                let names: Vec<String> = pods.iter().map(|pod| pod.full_name()).collect();
                self.stuck(journey, format!("{} all have {to}", names.join(", ")));
            }
        }
    }

    /// To an address that nobody in the cluster has, as far as is known.
    fn route_out(&mut self, node: &str, arrival: Arrival<'w>, mut journey: Journey) {
        let to = journey.packet.destination;
        let pool = self.world.pools.iter().find(|pool| pool.net.contains(&to));
        let why = unseen_pod(self.world, to).or_else(|| {
            pool.map(|pool| format!("{to} is in the address pool {}, but no pod or node has it", pool.name))
        });
        // A node that was not read may police what comes to it; pods' own policy asks only for the address.
        let why = why.or_else(|| match self.world.host_endpoints.is_empty() {
            true => None,
            false => unseen_node(self.world, to),
        });
        let Some(why) = why else { return self.forward(node, arrival, Exit::World, journey) };
        // What the sender may do can be told all the same.
        if let Arrival::Pod(pod) = arrival {
            let judgement = judge_pod(self.world, pod, Direction::Egress, &journey.packet);
            journey.add(Some(node.into()), Checkpoint::Egress, Some((pod.full_name(), Direction::Egress)), judgement);
        }
        journey.add(None, Checkpoint::Ingress, None, Judgement::unknown(why));
        self.paths.push(journey.path());
    }

    /// To a process of the node.
    fn deliver_to_host(&mut self, node: &str, arrival: Arrival<'w>, mut journey: Journey) {
        match arrival {
            Arrival::Pod(pod) => {
                self.judge(node, pod, Direction::Egress, &mut journey);
                host::from_own_pod(self.world, node, &mut journey);
            }
            Arrival::Wire(_) => {
                host::ingress(self.world, node, arrival.interface(), &mut journey);
                untracked::answered(self.world, node, arrival.interface(), Direction::Egress, &mut journey);
            }
            Arrival::Process => {
                // It leaves by loopback and comes in again.
                host::egress(self.world, node, Interface::Loopback, &mut journey);
                host::before_translation(self.world, node, Interface::Loopback, &mut journey);
                host::ingress(self.world, node, Interface::Loopback, &mut journey);
            }
        }
        self.paths.push(journey.path());
    }

    /// Through the node, or out of it from one of its processes.
    fn forward(&mut self, node: &str, arrival: Arrival<'w>, exit: Exit<'w>, mut journey: Journey) {
        let world = self.world;
        if let (Arrival::Process, Exit::Pod(pod)) = (arrival, exit) {
            if !journey.translated {
                journey.packet.source = routes::source_to_own_pod(world, node, &journey.packet);
            }
            // A node's own processes are never policed on their way to its pods (felix/rules/static.go).
            let who = Some((pod.full_name(), Direction::Ingress));
            journey.add(Some(node.into()), Checkpoint::Ingress, who, Judgement::none("its own node sends it"));
            return self.paths.push(journey.path());
        }
        let out = match exit {
            Exit::RemotePod(next) => routes::via(world, node, next, journey.packet.destination).unwrap_or(Via::Unknown),
            Exit::Node(next) => routes::via_to_host(world, node, next, journey.packet.destination),
            _ => Via::Plain,
        };
        let out_interface = match (exit, out) {
            (Exit::Pod(_), _) => Interface::Workload,
            (_, Via::Plain) => Interface::Uplink,
            (_, Via::Tunnel(role)) => Interface::Tunnel(role),
            (_, Via::Unknown) => Interface::Unknown,
        };
        if matches!(arrival, Arrival::Process) {
            // What is for a Service has the source for the Service's address still, and gets another behind policy only.
            if !journey.translated {
                self.choose_source(node, exit, &mut journey);
            }
            if !journey.untracked {
                host::egress(world, node, out_interface, &mut journey);
            }
        } else {
            host::forward_ingress(world, node, arrival.interface(), &mut journey);
            if let Arrival::Pod(pod) = arrival {
                self.judge(node, pod, Direction::Egress, &mut journey);
            }
            if let Exit::Pod(pod) = exit {
                self.judge(node, pod, Direction::Ingress, &mut journey);
            }
            host::forward_egress(world, node, out_interface, &mut journey);
            untracked::forwarded(node, &mut journey);
        }
        if matches!(exit, Exit::Pod(_)) {
            return self.paths.push(journey.path());
        }
        self.masquerade(node, exit, &mut journey);
        untracked::answered(world, node, out_interface, Direction::Ingress, &mut journey);
        match exit {
            Exit::RemotePod(next) | Exit::Node(next) => {
                host::tunnelled(world, node, next, out, &mut journey);
                self.receive(next, Arrival::Wire(out), journey);
            }
            _ => self.paths.push(journey.path()),
        }
    }

    /// doNotTrack policy sees a process's packet with the source that it has before it is translated.
    fn leave_untracked(&self, node: &str, journey: &mut Journey) {
        if !untracked::exists(self.world) {
            return;
        }
        let to = untracked::exit(self.world, node, &journey.packet);
        let asked = journey.packet;
        if let Some(home) = self.world.pods_at(asked.destination).next().and_then(|pod| pod.node.as_deref())
            && home != node
        {
            self.choose_source(node, Exit::RemotePod(home), journey);
        }
        untracked::leaving(self.world, node, to, journey);
        journey.packet = asked;
    }

    fn judge(&self, node: &str, pod: &Pod, direction: Direction, journey: &mut Journey) {
        let checkpoint = match direction {
            Direction::Ingress => Checkpoint::Ingress,
            Direction::Egress => Checkpoint::Egress,
        };
        let judgement = judge_pod(self.world, pod, direction, &journey.packet);
        journey.add(Some(node.into()), checkpoint, Some((pod.full_name(), direction)), judgement);
    }

    /// The kernel chooses a process's source by the route; one that the process chose itself is masqueraded on tunnels.
    fn choose_source(&self, node: &str, exit: Exit<'w>, journey: &mut Journey) {
        let to = journey.packet.destination;
        let own = self.world.nodes.get(node);
        let is_host = |ip: IpAddr| routes::is_own_address(own, ip);
        let source = match exit {
            Exit::RemotePod(next) => match routes::via(self.world, node, next, to) {
                Ok(Via::Plain) if is_host(journey.packet.source) => Ok(journey.packet.source),
                _ => routes::source_to_pod(self.world, node, next, to),
            },
            _ if is_host(journey.packet.source) => Ok(journey.packet.source),
            Exit::Node(next) => routes::source_of_host(self.world, node, Some(next), to),
            _ => routes::source_of_host(self.world, node, None, to),
        };
        match source {
            Ok(source) => journey.packet.source = source,
            Err(why) => journey.lost = Some(why),
        }
    }

    /// What leaves a node masqueraded carries the address of the interface that it leaves by.
    fn masquerade(&self, node: &str, exit: Exit<'w>, journey: &mut Journey) {
        let (from, to) = (journey.packet.source, journey.packet.destination);
        let outgoing = match routes::nat_outgoing(self.world, node, from, to) {
            Ok(outgoing) => outgoing,
            Err(why) => {
                // Only a pod's packets are in question, and only where somebody looks at them again.
                if self.world.pods_at(from).next().is_some() && matches!(exit, Exit::Node(_)) {
                    journey.lost = Some(why);
                }
                false
            }
        };
        let wanted = match &journey.masquerade {
            Masquerade::No => outgoing,
            Masquerade::Yes => true,
            Masquerade::Unknown(_) if outgoing => true,
            Masquerade::Unknown(why) => {
                journey.lost = Some(why.clone());
                false
            }
        };
        if !wanted {
            return;
        }
        let source = match exit {
            Exit::RemotePod(next) => routes::source_to_pod(self.world, node, next, to),
            Exit::Node(next) => routes::source_of_host(self.world, node, Some(next), to),
            Exit::Pod(_) | Exit::World => routes::source_of_host(self.world, node, None, to),
        };
        match source {
            Ok(source) if source == from => {}
            Ok(source) => {
                journey.packet.source = source;
                let why = match outgoing {
                    true => "the pod's IPPool says natOutgoing: it leaves with the node's address",
                    false => "kube-proxy masquerades it: it leaves with the node's address",
                };
                journey.add(Some(node.into()), Checkpoint::Snat, None, Judgement::none(why));
            }
            Err(_) if matches!(exit, Exit::World) => {}
            Err(why) => {
                journey.add(Some(node.into()), Checkpoint::Snat, None, Judgement::unknown(why.clone()));
                journey.lost = Some(why);
            }
        }
    }

    /// A way that cannot be followed.
    fn stuck(&mut self, mut journey: Journey, why: impl Into<String>) {
        let at = journey.at.clone();
        journey.add(at, Checkpoint::Ingress, None, Judgement::unknown(why));
        self.paths.push(journey.path());
    }
}
