//! Whether one rule matches one packet.
//! Never knows what the rule does then.

use std::net::IpAddr;

use ipnet::IpNet;

use super::owners::{End, Match};
use crate::model::flow::{Packet, Protocol};
use crate::model::policy::{Entity, Icmp, Port, Rule};
use crate::model::world::{Fact, Hidden, Part, World};

/// A packet at one checkpoint, with everything known about its two ends.
pub struct View<'w> {
    world: &'w World,
    packet: Packet,
    source: End<'w>,
    destination: End<'w>,
    answer: bool,
}

/// The lowest port that a program gets without asking for one.
const UNPRIVILEGED: u16 = 1024;

/// Which end a rule's entity is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Destination,
}

impl<'w> View<'w> {
    /// Looks at a packet.
    pub fn of(world: &'w World, packet: &Packet) -> View<'w> {
        View {
            world,
            packet: *packet,
            source: End::of(world, packet.source),
            destination: End::of(world, packet.destination),
            answer: false,
        }
    }

    /// Looks at the answer to a packet: not its source port, but its destination port is one that a program got.
    pub fn of_answer(world: &'w World, packet: &Packet) -> View<'w> {
        View { answer: true, ..View::of(world, packet) }
    }

    /// Whether the rule matches.
    pub fn matches(&self, rule: &Rule) -> Match {
        let mut matches = self.matches_checked(rule, [true; 4]);
        if matches == Match::No && rule.unchecked(family(self.packet.source)) {
            matches = self.matches_unchecked(rule);
        }
        match (matches, rule.doubt) {
            (Match::Yes, Some(doubt)) => Match::Maybe(doubt.to_string()),
            (Match::Yes, None) if rule.http => {
                Match::Maybe("the rule matches HTTP, which the kernel does not see".into())
            }
            (matches, _) => matches,
        }
    }

    /// Felix up to 3.28 checks the first two blocks of such a rule only, as the mark of the second stays set; whether a
    /// later one, or one of eBPF, does is not known.
    fn matches_unchecked(&self, rule: &Rule) -> Match {
        let blocks = rule.blocks(family(self.packet.source));
        let mut left = 2;
        let checked = blocks.map(|block| {
            let checked = !block || left > 0;
            left -= i32::from(block && left > 0);
            checked
        });
        let errs =
            self.world.calico.is_some_and(|version| !version.at_least(3, 29)) && !self.world.network.felix.is_bpf();
        match self.matches_checked(rule, checked) {
            Match::Yes if errs => Match::Yes,
            Match::No => Match::No,
            _ => Match::Maybe(
                "Felix does not check all parts of a rule with several sources, destinations and ports".into(),
            ),
        }
    }

    /// `checked` says which of source ports, destination ports, source nets and destination nets count.
    fn matches_checked(&self, rule: &Rule, checked: [bool; 4]) -> Match {
        let [source_ports, destination_ports, source_nets, destination_nets] = checked;
        let packet = &self.packet;
        let version = family(packet.source);
        if rule.never.is_some()
            || rule.ip_version.is_some_and(|only| only != version)
            || rule.protocol.is_some_and(|protocol| protocol != packet.protocol)
            || rule.not_protocol.is_some_and(|protocol| protocol == packet.protocol)
            || !exists_for(&rule.source, version)
            || !exists_for(&rule.destination, version)
        {
            return Match::No;
        }
        self.icmp(rule)
            .and(|| self.entity(rule, Side::Destination, destination_nets, destination_ports))
            .and(|| self.entity(rule, Side::Source, source_nets, source_ports))
    }

    fn icmp(&self, rule: &Rule) -> Match {
        if rule.icmp.is_none() && rule.not_icmp.is_none() {
            return Match::Yes;
        }
        if !matches!(self.packet.protocol, Protocol::ICMP | Protocol::ICMPV6) {
            return Match::No;
        }
        let Some((kind, code)) = self.packet.icmp else {
            return Match::Maybe("a rule asks for the ICMP type, which the question does not name".into());
        };
        let is = |icmp: Icmp| icmp.kind == kind && icmp.code.is_none_or(|wanted| wanted == code);
        (rule.icmp.is_none_or(is) && !rule.not_icmp.is_some_and(is)).into()
    }

    fn side<'r>(&self, rule: &'r Rule, side: Side) -> (&'r Entity, &End<'w>, Option<u16>) {
        match side {
            Side::Source => (&rule.source, &self.source, self.packet.source_port),
            Side::Destination => (&rule.destination, &self.destination, self.packet.port),
        }
    }

    fn entity(&self, rule: &Rule, side: Side, nets: bool, ports: bool) -> Match {
        let (entity, end, _) = self.side(rule, side);
        let within = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&end.ip));
        if nets && entity.nets.as_deref().is_some_and(|nets| !within(nets)) || within(&entity.not_nets) {
            return Match::No;
        }
        let positive = || match &entity.ports {
            Some(list) if ports => self.any_port(rule, side, list),
            _ => Match::Yes,
        };
        let negative = || match entity.not_ports.as_slice() {
            [] => Match::Yes,
            list => self.any_port(rule, side, list).negated(),
        };
        positive().and(negative).and(|| end.selected(entity)).and(|| self.service(entity, side))
    }

    fn any_port(&self, rule: &Rule, side: Side, list: &[Port]) -> Match {
        let (entity, end, port) = self.side(rule, side);
        let Some(number) = port else { return self.any_unnamed(side, list) };
        // A name means the protocol of its rule, and TCP in a rule that has none (felix/calc/rule_scanner.go).
        let named = rule.protocol.filter(|protocol| protocol.has_ports()).unwrap_or(Protocol::TCP);
        let mut maybe = Match::No;
        for port in list {
            let matches = match port {
                Port::Range(first, last) => (*first..=*last).contains(&number).into(),
                Port::Named(_) if named != self.packet.protocol => Match::No,
                Port::Named(name) => end.has_port(entity, name, named, number),
            };
            match matches {
                Match::Yes => return Match::Yes,
                Match::No => {}
                unsure => maybe = unsure,
            }
        }
        maybe
    }

    /// A port that the question does not name: a source port is one of those that programs get without asking for one,
    /// 1024 and above on every system; a destination port may be any.
    fn any_unnamed(&self, side: Side, list: &[Port]) -> Match {
        if !self.packet.protocol.has_ports() {
            return Match::No;
        }
        let lowest = if (side == Side::Source) != self.answer { UNPRIVILEGED } else { 1 };
        let touches = |port: &Port| match port {
            Port::Range(_, last) => *last >= lowest,
            Port::Named(_) => true,
        };
        if !list.iter().any(touches) {
            return Match::No;
        }
        // The lowest port that no range before covers, going up.
        let mut ranges: Vec<(u16, u16)> = list
            .iter()
            .filter_map(|port| match port {
                Port::Range(first, last) => Some((*first, *last)),
                Port::Named(_) => None,
            })
            .collect();
        ranges.sort_unstable();
        let mut uncovered = u32::from(lowest);
        for (first, last) in ranges {
            if u32::from(first) <= uncovered {
                uncovered = uncovered.max(u32::from(last) + 1);
            }
        }
        match uncovered > u32::from(u16::MAX) {
            true => Match::Yes,
            false => Match::Maybe("a rule asks for a port that the question does not name".into()),
        }
    }

    /// A Service's endpoints, ready or not; as a destination with their ports (felix/serviceindex).
    fn service(&self, entity: &Entity, side: Side) -> Match {
        let Some((namespace, name)) = &entity.service else { return Match::Yes };
        let world = self.world;
        if let Some(gap) = world.gap(Hidden::Services, Some(namespace)) {
            return Match::Maybe(format!("{} could not be read ({})", gap.place, gap.reason));
        }
        let key = (namespace.clone(), name.clone());
        match world.services.get(&key).map(|service| &service.backends) {
            Some(Fact::Known { value: backends, .. }) => backends
                .iter()
                .any(|backend| match side {
                    Side::Source => backend.ip == self.packet.source,
                    Side::Destination => {
                        backend.ip == self.packet.destination
                            && backend.protocol == self.packet.protocol
                            && Some(backend.port) == self.packet.port
                    }
                })
                .into(),
            Some(Fact::Unknown { why }) => Match::Maybe(why.clone()),
            None if world.sees(Part::Services, Some(namespace)) => Match::No,
            None => Match::Maybe(format!("Service {namespace}/{name} was not read")),
        }
    }
}

/// 4 or 6.
pub fn family(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 4 } else { 6 }
}

/// Felix makes no rule for an address family of which one of its lists has no member, nor (since 3.31; earlier it fails)
/// one that leaves out every address of the family (felix/rules/policy.go, FilterRuleToIPVersion).
fn exists_for(entity: &Entity, version: u8) -> bool {
    let of_version = |net: &&IpNet| family(net.addr()) == version;
    let keeps_one = |nets: &[IpNet]| nets.is_empty() || nets.iter().any(|net| of_version(&net));
    let nets = entity.nets.as_deref().unwrap_or_default();
    let leaves_all_out = entity.not_nets.iter().filter(of_version).any(|net| net.prefix_len() == 0);
    keeps_one(nets) && keeps_one(&entity.not_nets) && !leaves_all_out
}
