//! What a rule can be about: a packet as it looks at a checkpoint, and everybody who has its addresses.
//! Never knows what becomes of the packet: it is what the rule is written for, or narrowly not.

use std::net::IpAddr;

use ipnet::IpNet;

use super::random::Random;
use super::selectors::Vocabulary;
use super::terrain::{Labels, Terrain};
use crate::probe::{Probe, Protocol, Sender};

/// Where policy meets a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before kube-proxy: preDNAT and doNotTrack policy.
    Door,
    /// At the sender's side, behind kube-proxy.
    Sending,
    /// At the receiver's side.
    Receiving,
}

/// A packet as it may look at a checkpoint.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Source.
    pub source: IpAddr,
    /// Destination.
    pub destination: IpAddr,
    /// Protocol.
    pub protocol: Protocol,
    /// Destination port.
    pub port: Option<u16>,
    /// Source port, where the probe has a fixed one.
    pub source_port: Option<u16>,
}

/// Somebody who has an address: a pod, a host endpoint or a network set.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Labels that a selector sees.
    pub labels: Labels,
    /// Its namespace; none for host endpoints and global sets.
    pub namespace: Option<String>,
    /// Its ServiceAccount.
    pub account: Option<String>,
    /// Named ports: name, protocol in capitals, number.
    pub ports: Vec<(String, String, u16)>,
    /// Its addresses.
    pub nets: Vec<IpNet>,
    /// The node, for a host endpoint.
    pub node: Option<String>,
}

/// The terrain with the host endpoints and sets of one world.
#[derive(Clone, Debug)]
pub struct Scene<'t> {
    /// The terrain.
    pub terrain: &'t Terrain,
    /// Host endpoints and network sets.
    pub made: Vec<Owner>,
    /// Words for selectors.
    pub vocabulary: Vocabulary,
    /// What is sent.
    pub probes: Vec<Probe>,
}

impl<'t> Scene<'t> {
    /// A scene without host endpoints and sets.
    pub fn of(terrain: &'t Terrain, probes: Vec<Probe>) -> Scene<'t> {
        let mut vocabulary = Vocabulary::default();
        for pod in &terrain.pods {
            vocabulary.learn(&pod_labels(pod));
        }
        Scene { terrain, made: Vec::new(), vocabulary, probes }
    }

    /// Adds a host endpoint or a set.
    pub fn add(&mut self, owner: Owner) {
        self.vocabulary.learn(&owner.labels);
        self.made.push(owner);
    }

    /// The host endpoints.
    pub fn hosts(&self) -> impl Iterator<Item = &Owner> {
        self.made.iter().filter(|owner| owner.node.is_some())
    }

    /// One of those who have the address.
    pub fn owner(&self, random: &mut Random, ip: IpAddr) -> Option<Owner> {
        let pod = self.terrain.pod_at(ip).map(|pod| Owner {
            labels: pod_labels(pod),
            namespace: Some(pod.namespace.clone()),
            account: Some(pod.account.clone()),
            ports: pod.ports.clone(),
            nets: pod.addresses.iter().map(|ip| IpNet::from(*ip)).collect(),
            node: None,
        });
        let made = self.made.iter().filter(|owner| owner.nets.iter().any(|net| net.contains(&ip))).cloned();
        let all: Vec<Owner> = pod.into_iter().chain(made).collect();
        random.any(&all).cloned()
    }

    /// A probe as it may look at this stage.
    pub fn look(&self, random: &mut Random, probe: &Probe, stage: Stage) -> Look {
        let door = (probe.destination, probe.port);
        let (destination, port) = match stage {
            Stage::Door => door,
            _ => *random.pick(&self.terrain.ends(probe.protocol, probe.destination, probe.port)),
        };
        let translated = (destination, port) != door;
        // What a node sends, or passes on for somebody outside, mostly has one of its addresses at the other end.
        let masqueraded = match probe.sender {
            Sender::Node(_) => random.chance(60),
            Sender::Client(_) => translated && random.chance(50),
            Sender::Pod(_) => self.terrain.node_at(destination).is_some() && random.chance(40),
        };
        let mut source = probe.source;
        if stage == Stage::Receiving && masqueraded {
            let nodes: Vec<IpAddr> = self
                .terrain
                .nodes
                .iter()
                .filter(|node| !matches!(&probe.sender, Sender::Node(name) if *name != node.name))
                .flat_map(|node| node.own.iter().chain(&node.tunnels))
                .filter(|ip| ip.is_ipv4() == destination.is_ipv4())
                .copied()
                .collect();
            source = random.any(&nodes).copied().unwrap_or(source);
        }
        Look { source, destination, protocol: probe.protocol, port, source_port: probe.source_port }
    }
}

/// The labels of a pod that selectors of policies see, without those of its namespace and ServiceAccount.
pub fn pod_labels(pod: &super::terrain::Pod) -> Labels {
    let mut labels = pod.labels.clone();
    labels.insert("projectcalico.org/namespace".into(), pod.namespace.clone());
    labels.insert("projectcalico.org/orchestrator".into(), "k8s".into());
    labels.insert("projectcalico.org/serviceaccount".into(), pod.account.clone());
    labels
}
