//! The laws, held against one plan in one world.
//! Never knows how the plan was made.

use kubectl_zerotrust::model::flow::{Checkpoint, Decider, HopAction, Packet, Path, Verdict};
use kubectl_zerotrust::model::intent::{Grant, Peer};
use kubectl_zerotrust::model::world::World;
use kubectl_zerotrust::plan::Plan;
use kubectl_zerotrust::plan::perimeter::compose::{chosen, doors_of};
use kubectl_zerotrust::plan::perimeter::doors::{self, is_usual};
use kubectl_zerotrust::plan::perimeter::kept;
use kubectl_zerotrust::plan::perimeter::recognise::is_perimeter;
use kubectl_zerotrust::plan::revoke::grants;
use kubectl_zerotrust::plan::roles::is_lockdown;
use kubectl_zerotrust::plan::sync::sync;

use super::asks::Ask;
use super::case::{Broken, Tally, prefixes};
use super::covered::{arrived, by_grant, is_inside, is_of, is_port};
use super::flows::{self, Fate, Flow, clients, keys};
use super::random::Random;

/// A plan in its world.
pub struct Judged<'a> {
    /// Before nodes changed behind the tool's back, where they did; else the same as `world`.
    pub earlier: &'a World,
    /// Before.
    pub world: &'a World,
    /// What was asked.
    pub ask: &'a Ask,
    /// What came of it.
    pub plan: &'a Plan,
    /// The grant that it makes or takes back.
    pub grant: Option<&'a str>,
    /// How many packets are walked after each step.
    pub most: usize,
}

fn of_id(world: &World, id: Option<&str>) -> Option<Grant> {
    grants(world).into_iter().find(|info| Some(info.id.as_str()) == id).map(|info| info.grant)
}

impl Judged<'_> {
    /// All laws; gives the world that the plan makes.
    pub fn all(&self, random: &mut Random, tally: &mut Tally) -> Result<World, Broken> {
        let worlds = prefixes(self.world, self.plan)?;
        let end = worlds.last().expect("a plan with steps");
        let known: Vec<Grant> = [self.world, end].into_iter().flat_map(grants).map(|info| info.grant).collect();
        let packets = flows::all(&[self.world, end], &known, random, self.most);
        self.prefixes(&worlds, &packets, tally)?;
        self.asked_passes(end)?;
        self.again(end)?;
        Ok(end.clone())
    }

    fn prefixes(&self, worlds: &[World], packets: &[Flow], tally: &mut Tally) -> Result<(), Broken> {
        let own = keys(self.world);
        let before: Vec<Fate> = packets.iter().map(|flow| flow.fate(self.world, &own)).collect();
        tally.walks += packets.len() * (worlds.len() + 1);
        for (step, after) in worlds.iter().enumerate() {
            let own = keys(after);
            for (flow, before) in packets.iter().zip(&before) {
                let fate = flow.fate(after, &own);
                let told = |what: &str| {
                    let object = &self.plan.steps[step].object;
                    let count = worlds.len();
                    format!(
                        "{what} after step {}/{count} ({object}): {flow}: {before:?}, then {fate:?}\n{}",
                        step + 1,
                        self.ways(flow, after)
                    )
                };
                if *before == Fate::Stopped && fate.arrives() {
                    self.opens(flow, after, worlds.last().unwrap()).map_err(|law| Broken::new(law, told("opens")))?;
                }
                if before.arrives() && matches!(fate, Fate::Stopped | Fate::Unknown) && !self.may_close(flow, after) {
                    return Err(Broken::new("nothing closes that the plan does not announce", told("closes")));
                }
            }
        }
        Ok(())
    }

    fn ways(&self, flow: &Flow, after: &World) -> String {
        let of = |name: &str, world: &World| {
            let line = |path: &Path| {
                let hops: Vec<String> = path
                    .hops
                    .iter()
                    .map(|hop| {
                        let by = hop
                            .by
                            .as_ref()
                            .map(|by| format!(" by {}", kubectl_zerotrust::plan::decide::describe_decider(by)));
                        let source = hop.packet.source;
                        format!(
                            "{}@{} {:?} {source}{}",
                            hop.checkpoint,
                            hop.node.as_deref().unwrap_or("?"),
                            hop.action,
                            by.unwrap_or_default()
                        )
                    })
                    .collect();
                format!("  {name} {}: {}\n", path.verdict, hops.join("; "))
            };
            flow.ways(world).iter().map(line).collect::<String>()
        };
        format!("{}{}", of("before", self.world), of("after ", after))
    }

    /// What opens is what was asked, or what the output announces; and nobody's Deny is overridden.
    fn opens(&self, flow: &Flow, after: &World, end: &World) -> Result<(), &'static str> {
        let ways = flow.ways(after);
        let open: Vec<&Path> = ways.iter().filter(|path| path.verdict == Verdict::Allow).collect();
        if !matches!(self.ask, Ask::Unlock | Ask::Lower) {
            let before = flow.ways(self.world);
            let same = |path: &Path, open: &Path| path.entry_node == open.entry_node && path.backend == open.backend;
            for open in &open {
                // That a lockdown lets every pod ask DNS is said, pod by pod.
                let told = matches!(self.ask, Ask::Lockdown)
                    && arrived(flow, open).port == Some(53)
                    && self.plan.notes.iter().any(|note| note.text.contains("could not ask DNS"));
                if !told && before.iter().any(|path| same(path, open) && self.is_denied_by_somebody(path)) {
                    return Err("nobody's Deny is overridden");
                }
            }
        }
        // A new door to pods that let somebody inside in anyway opens nothing to them.
        let open: Vec<&Path> = open.into_iter().filter(|path| !self.reached(flow, path)).collect();
        let is_asked = |grant: &Grant| open.iter().all(|path| by_grant(end, grant, flow, path));
        match self.ask {
            Ask::Unlock | Ask::Lower => Ok(()),
            Ask::Revoke(_) => Err("revoke opens nothing"),
            Ask::Lockdown => match open.iter().all(|path| arrived(flow, path).port == Some(53)) {
                true => Ok(()),
                false => Err("lockdown opens nothing but DNS"),
            },
            // A grant that was there is brought up to date along with the one that is asked for.
            Ask::Allow(_) | Ask::Expose(_) | Ask::Sync(_) => match grants(end).iter().any(|info| is_asked(&info.grant))
            {
                true => Ok(()),
                false if self.is_announced(flow, end) => Ok(()),
                // A door that was found open is open by nodes that come later, too.
                false if matches!(self.ask, Ask::Sync(_)) && self.was_kept_open(flow) => Ok(()),
                // To a perimeter nodes are inside, those too that came later.
                false if matches!(self.ask, Ask::Sync(_)) && is_inside(end, flow.packet.source) => Ok(()),
                false => Err("nothing opens but what was asked"),
            },
        }
    }

    fn reached(&self, flow: &Flow, path: &Path) -> bool {
        let seen = arrived(flow, path);
        let packet = Packet { destination: seen.destination, port: seen.port, ..flow.packet };
        let direct = Flow { packet, entry: None, door: None, node: None };
        is_inside(self.world, flow.packet.source) && direct.fate(self.world, &keys(self.world)).arrives()
    }

    /// `also lets in NET, NET at DOOR, DOOR: ...`
    fn is_announced(&self, flow: &Flow, end: &World) -> bool {
        let door = doors::all(end).into_iter().find(|door| Some(door.key()) == flow.door).map(|door| door.name());
        self.plan.notes.iter().filter_map(|note| note.text.strip_prefix("also lets in ")).any(|text| {
            let Some((nets, rest)) = text.split_once(" at ") else { return false };
            let mut nets = nets.split(", ").map(|net| net.parse::<ipnet::IpNet>().unwrap());
            nets.any(|net| net.contains(&flow.packet.source)) && door.as_ref().is_some_and(|door| rest.contains(door))
        })
    }

    fn is_denied_by_somebody(&self, path: &Path) -> bool {
        path.hops.iter().filter(|hop| hop.action == HopAction::Deny).any(|hop| {
            let Some(Decider::Rule { policy, .. }) = &hop.by else { return false };
            let theirs = |policy: &&kubectl_zerotrust::model::policy::Policy| {
                !is_lockdown(self.world, policy) && !is_perimeter(self.world, policy)
            };
            self.world.policies.iter().filter(|other| other.id == *policy).any(|policy| theirs(&policy))
        })
    }

    /// What may close: what a lockdown is for, what a grant that is taken back opened, and what the notes say.
    fn may_close(&self, flow: &Flow, after: &World) -> bool {
        let said = |text: &str| self.plan.notes.iter().any(|note| note.text.contains(text));
        let outside = !is_inside(self.world, flow.packet.source);
        match self.ask {
            Ask::Lockdown => true,
            // DNS comes with a lockdown, also for pods that other policies closed before it.
            Ask::Unlock => said("stay closed to all but what grants and other policies allow") && self.is_for_dns(flow),
            Ask::Lower => false,
            // What is closed elsewhere closes on a node that comes, too; and what was closed before nodes had other addresses.
            Ask::Sync(_) => {
                let own = |grant: &Grant| {
                    let doors = doors_of(after, grant);
                    doors.iter().any(|door| Some(door.key()) == flow.door)
                        && !is_of(after, &grant.from, flow.packet.source)
                };
                let own_door = grants(after).iter().any(|info| own(&info.grant));
                (outside && (own_door || self.is_closed_elsewhere(flow) || self.was_closed(flow)))
                    || self.is_node_taken_for_world(flow)
            }
            Ask::Revoke(_) => {
                // The door may go, and what its grant let in.
                let grant = of_id(self.world, self.grant);
                let own_door = |grant: &Grant| {
                    let service = doors_of(self.world, grant).iter().map(doors::Doorway::key).collect::<Vec<_>>();
                    flow.door.as_ref().is_some_and(|door| service.contains(door) || self.same_service(grant, door))
                };
                let granted =
                    |grant: &Grant| flow.ways(self.world).iter().any(|path| by_grant(self.world, grant, flow, path));
                // So may what came along by its rules, as the output said.
                let by_its_rules = || self.grant.is_some_and(|id| self.is_let_in_by(id, flow));
                grant.is_some_and(|grant| own_door(&grant) || granted(&grant) || by_its_rules())
            }
            Ask::Allow(_) | Ask::Expose(_) => {
                let door = doors::all(after)
                    .into_iter()
                    .chain(doors::all(self.world))
                    .find(|door| Some(door.key()) == flow.door);
                let announced = self.plan.notes.iter().any(|note| {
                    note.text.starts_with("close to all clients outside")
                        && door.as_ref().is_some_and(|door| note.text.contains(&door.name()))
                });
                let isolated = said("everything else stops there") && {
                    let ways = flow.ways(self.world);
                    let ends = |path: &Path| [arrived(flow, path).destination, flow.packet.source];
                    let pods = ways.iter().flat_map(ends).flat_map(|ip| self.world.pods_at(ip)).collect::<Vec<_>>();
                    pods.iter().any(|pod| self.is_isolated(pod))
                };
                (outside && announced) || isolated
            }
        }
    }

    fn is_closed_elsewhere(&self, flow: &Flow) -> bool {
        let keys = keys(self.world);
        let doors = doors::all(self.world);
        let Some(door) = doors.iter().find(|door| Some(door.key()) == flow.door) else { return false };
        door.tries(self.world, flow.packet.source).into_iter().filter(|one| Some(&one.node) != flow.node.as_ref()).any(
            |one| {
                let there =
                    Flow { packet: one.packet, entry: one.entry, door: flow.door.clone(), node: Some(one.node) };
                there.fate(self.world, &keys) == Fate::Stopped
            },
        )
    }

    /// Whether the perimeter keeps the door open as it was found, and the client came by it before the nodes changed.
    fn was_kept_open(&self, flow: &Flow) -> bool {
        let keys = keys(self.earlier);
        let doors = doors::all(self.earlier);
        let Some(door) = doors.iter().find(|door| Some(door.key()) == flow.door) else { return false };
        let source = flow.packet.source;
        kept::keeps_open(self.earlier, door, source)
            && door.tries(self.earlier, source).into_iter().any(|one| {
                let then = Flow { packet: one.packet, entry: one.entry, door: flow.door.clone(), node: Some(one.node) };
                then.fate(self.earlier, &keys).arrives()
            })
    }

    /// Whether the same client was stopped at that node's door before the nodes changed: the perimeter was late.
    fn was_closed(&self, flow: &Flow) -> bool {
        let keys = keys(self.earlier);
        let doors = doors::all(self.earlier);
        let Some(door) = doors.iter().find(|door| Some(door.key()) == flow.door) else { return false };
        let tries = door.tries(self.earlier, flow.packet.source);
        let mut here = tries.into_iter().filter(|one| Some(&one.node) == flow.node.as_ref()).peekable();
        here.peek().is_some()
            && here.all(|one| {
                let then = Flow { packet: one.packet, entry: one.entry, door: flow.door.clone(), node: Some(one.node) };
                then.fate(self.earlier, &keys) == Fate::Stopped
            })
    }

    /// What is for the world outside, or from there, is not for nodes, but for one whose address the rules do not know yet.
    fn is_node_taken_for_world(&self, flow: &Flow) -> bool {
        let is_new = |ip| self.world.node_at(ip).is_some() && self.earlier.node_at(ip).is_none();
        let (source, known) = (flow.packet.source, grants(self.world));
        let is_for = |grant: &Grant, path: &Path| {
            let seen = arrived(flow, path);
            let to = grant.to == Peer::World && is_new(seen.destination) && is_of(self.world, &grant.from, source);
            let from =
                grant.from == Peer::World && is_new(seen.source) && is_of(self.world, &grant.to, seen.destination);
            (to || from) && is_port(grant.ports.as_deref(), &seen)
        };
        let ways = flow.ways(self.world);
        let mut open = ways.iter().filter(|path| path.verdict == Verdict::Allow);
        open.all(|path| known.iter().any(|info| is_for(&info.grant, path)))
    }

    /// Whether nothing but a grant's own rules let a packet in.
    fn is_let_in_by(&self, id: &str, flow: &Flow) -> bool {
        let is_own = |hop: &kubectl_zerotrust::model::flow::Hop| {
            let Some(Decider::Rule { policy, direction, index, .. }) = &hop.by else { return false };
            let policy = self.world.policies.iter().find(|other| other.id == *policy);
            let rules = policy.and_then(|policy| policy.rules(*direction)).unwrap_or_default();
            rules.iter().any(|rule| rule.place == *index && rule.grant.as_deref() == Some(id))
        };
        let ways = flow.ways(self.world);
        let mut open = ways.iter().filter(|path| path.verdict == Verdict::Allow);
        open.all(|path| path.hops.iter().any(|hop| hop.checkpoint == Checkpoint::Ingress && is_own(hop)))
    }

    fn is_for_dns(&self, flow: &Flow) -> bool {
        flow.ways(self.world).iter().all(|path| arrived(flow, path).port == Some(53))
    }

    fn is_isolated(&self, pod: &kubectl_zerotrust::model::world::Pod) -> bool {
        let grant = self.plan.steps.iter().filter(|step| step.object.namespace.as_deref() == Some(&pod.namespace));
        grant.count() > 0
    }

    fn same_service(&self, grant: &Grant, door: &str) -> bool {
        let Some(through) = &grant.through else { return false };
        let service = kubectl_zerotrust::plan::perimeter::sources::service_of(self.world, grant);
        service.is_some_and(|service| door.starts_with(&format!("{}/{}/", service.namespace, through.service)))
    }

    /// At the end the asked flow passes by every way that can serve it; after `sync` that of every grant of a door.
    fn asked_passes(&self, end: &World) -> Result<(), Broken> {
        match self.ask {
            Ask::Sync(_) => {
                let left = sync(end, &[]).map(|synced| synced.drift).unwrap_or_default();
                let live = grants(end).into_iter().filter(|info| info.grant.through.is_some());
                let mut live = live.filter(|info| !left.iter().any(|drift| drift.what.contains(&info.id)));
                live.try_for_each(|info| self.passes(end, &info.grant))
            }
            Ask::Allow(_) | Ask::Expose(_) => match (of_id(end, self.grant), self.grant) {
                (Some(grant), _) => self.passes(end, &grant),
                (None, Some(id)) => Err(Broken::new("a grant is written down", id.to_string())),
                (None, None) => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn passes(&self, end: &World, grant: &Grant) -> Result<(), Broken> {
        for flow in self.asked(end, grant) {
            for path in flow.ways(end).into_iter().filter(|path| path.verdict == Verdict::Deny) {
                let by_host = path.hops.iter().any(|hop| {
                    let at_pod = hop.endpoint.as_ref().is_some_and(|name| name.contains('/'));
                    hop.action == HopAction::Deny && !at_pod
                });
                // Grants without a door open pods alone; what hosts' policy stops is noted.
                if grant.through.is_some() || !by_host {
                    let detail = format!("{flow} is stopped\n{}", self.ways(&flow, end));
                    return Err(Broken::new("what was asked passes by every way", detail));
                }
            }
        }
        Ok(())
    }

    fn asked(&self, world: &World, grant: &Grant) -> Vec<Flow> {
        let mut asked = Vec::new();
        let Some(through) = &grant.through else {
            let every = flows::all(&[world], std::slice::from_ref(grant), &mut Random::of(1), usize::MAX);
            let is = |flow: &Flow| {
                let ways = flow.ways(world);
                flow.door.is_none()
                    && ways.iter().all(|path| {
                        path.sent == Some(flow.packet)
                            && arrived(flow, path).destination == flow.packet.destination
                            && by_grant(world, grant, flow, path)
                            && is_of(world, &grant.from, arrived(flow, path).source)
                    })
            };
            return every.into_iter().filter(is).collect();
        };
        let nets = through.nodes.as_deref().and_then(|nodes| chosen(world, nodes).ok());
        for doorway in doors_of(world, grant) {
            for client in clients(&grant.from) {
                for one in doorway.tries(world, client).into_iter().filter(|one| is_usual(world, one)) {
                    if nets.as_ref().is_none_or(|nets| nets.iter().any(|net| net.contains(&one.packet.destination))) {
                        asked.push(Flow {
                            packet: one.packet,
                            entry: one.entry,
                            door: Some(doorway.key()),
                            node: Some(one.node),
                        });
                    }
                }
            }
        }
        asked
    }

    /// Asked twice, nothing is left to do; taken back, all is as it was.
    fn again(&self, end: &World) -> Result<(), Broken> {
        let again = match self.ask {
            Ask::Revoke(_) => return Ok(()),
            ask => ask.plan(end),
        };
        match again {
            Ok((plan, _)) if plan.steps.is_empty() => Ok(()),
            Ok((plan, _)) => {
                let steps: Vec<String> = plan.steps.iter().map(|step| format!("{step:?}")).collect();
                Err(Broken::new("asked twice nothing is left to do", steps.join("\n")))
            }
            Err(error) => Err(Broken::new("asked twice nothing is left to do", format!("{error:?}"))),
        }
    }
}
