//! A packet on its way through the nodes, and what happened to it so far.
//! Never knows where it goes next.

use super::interfaces::Interface;
use super::policy::Judgement;
use super::routes::Via;
use super::translate::{Masquerade, Sender};
use crate::model::flow::{Checkpoint, Decider, Hop, HopAction, Packet, Path};
use crate::model::policy::Direction;
use crate::model::world::Pod;

/// A packet on its way, and what happened so far.
#[derive(Clone)]
pub struct Journey {
    /// The packet as its sender made it.
    pub sent: Packet,
    /// The packet as it looks now.
    pub packet: Packet,
    /// The node that has it.
    pub at: Option<String>,
    /// What happened so far.
    pub hops: Vec<Hop>,
    /// The node where it entered, if it came from outside.
    pub entry: Option<String>,
    /// The backend that was chosen for it.
    pub backend: Option<String>,
    /// Whether preDNAT policy of the node accepted it.
    pub accepted: Accepted,
    /// doNotTrack policy of the node accepted it.
    pub untracked: bool,
    /// The node that has it changed its destination.
    pub translated: bool,
    /// Whether kube-proxy masquerades it.
    pub masquerade: Masquerade,
    /// Why its source is not known any more.
    pub lost: Option<String>,
    /// How many nodes had it.
    pub nodes: u8,
}

/// Whether preDNAT policy of a node accepted a packet: then the node's other ingress policy is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It did not, or was not asked.
    No,
    /// It did.
    Yes,
    /// It may have.
    Unknown,
}

impl Journey {
    /// One that sets out.
    pub fn of(packet: Packet) -> Journey {
        Journey {
            sent: packet,
            packet,
            at: None,
            hops: Vec::new(),
            entry: None,
            backend: None,
            accepted: Accepted::No,
            untracked: false,
            translated: false,
            masquerade: Masquerade::No,
            lost: None,
            nodes: 0,
        }
    }

    /// Adds a checkpoint. Once the source is not known, nothing that asks for it is.
    pub fn add(
        &mut self,
        node: Option<String>,
        checkpoint: Checkpoint,
        who: Option<(String, Direction)>,
        judgement: Judgement,
    ) {
        let Judgement { mut action, mut by } = judgement;
        if let (Some(why), HopAction::Allow | HopAction::Deny) = (&self.lost, action) {
            (action, by) = (HopAction::Unknown, Decider::Unknown { why: why.clone() });
        }
        let (endpoint, direction) = who.unzip();
        self.hops.push(Hop { node, checkpoint, endpoint, direction, packet: self.packet, action, by: Some(by) });
    }

    /// Adds a port that Felix keeps open, where no policy is asked.
    pub fn add_failsafe(&mut self, node: &str, who: (String, Direction)) {
        self.hops.push(Hop {
            node: Some(node.into()),
            checkpoint: Checkpoint::Failsafe,
            endpoint: Some(who.0),
            direction: Some(who.1),
            packet: self.packet,
            action: HopAction::Allow,
            by: None,
        });
    }

    /// A denial by policy that is asked only if preDNAT policy did not accept the packet.
    pub fn doubt_denial(&self, judgement: &mut Judgement) {
        if self.accepted == Accepted::Unknown && judgement.action == HopAction::Deny {
            *judgement = Judgement::unknown("preDNAT policy may have accepted the packet, and then this is not asked");
        }
    }

    /// Its way, when it ends.
    pub fn path(self) -> Path {
        Path { sent: Some(self.sent), ..Path::new(self.entry, self.backend, self.hops) }
    }
}

/// How a packet came to the node that has it.
#[derive(Clone, Copy)]
pub enum Arrival<'w> {
    /// From a pod of the node.
    Pod(&'w Pod),
    /// By wire: from outside or from another node.
    Wire(Via),
    /// From a process of the node.
    Process,
}

impl Arrival<'_> {
    /// The interface that it comes in by.
    pub fn interface(self) -> Interface {
        match self {
            Arrival::Pod(_) => Interface::Workload,
            Arrival::Wire(Via::Plain) => Interface::Uplink,
            Arrival::Wire(Via::Tunnel(role)) => Interface::Tunnel(role),
            Arrival::Wire(Via::Unknown) => Interface::Unknown,
            Arrival::Process => Interface::Loopback,
        }
    }

    /// Who sends it, as kube-proxy tells.
    pub fn sender(self) -> Sender {
        match self {
            Arrival::Pod(_) => Sender::Pod,
            Arrival::Wire(_) => Sender::Wire,
            Arrival::Process => Sender::Process,
        }
    }
}

/// Where a packet leaves a node.
#[derive(Clone, Copy)]
pub enum Exit<'w> {
    /// To a pod of the node.
    Pod(&'w Pod),
    /// To a pod on another node.
    RemotePod(&'w str),
    /// To another node's own address.
    Node(&'w str),
    /// Out of the cluster.
    World,
}
