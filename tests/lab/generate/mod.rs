//! Worlds of policies and packets from a seed.
//! Never knows what becomes of a packet, neither by the kernel nor by our evaluation.
//!
//! ```text
//! Random -> Terrain -> Flows -> Scene (host endpoints, sets) -> policies around the flows -> Made
//! ```

pub mod entities;
pub mod hosts;
pub mod kubernetes;
pub mod oddities;
pub mod policies;
pub mod probes;
pub mod random;
pub mod rules;
pub mod scene;
pub mod selectors;
pub mod sets;
pub mod terrain;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use hosts::Hook;
use probes::Flow;
use random::Random;
use scene::Scene;
use terrain::Terrain;

/// What a world is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Theme {
    /// Policies of all kinds for pods.
    Random,
    /// A default deny, DNS, and openings for some flows.
    Lockdown,
    /// Policies of Kubernetes.
    Kubernetes,
    /// preDNAT policy around the nodes.
    Perimeter,
    /// applyOnForward policy.
    Forward,
    /// Policy for the hosts themselves.
    Host,
    /// Policy before connection tracking.
    Untracked,
    /// Some of everything.
    Mixed,
}

const THEMES: &[(usize, Theme)] = &[
    (18, Theme::Random),
    (16, Theme::Lockdown),
    (9, Theme::Kubernetes),
    (15, Theme::Perimeter),
    (15, Theme::Forward),
    (9, Theme::Host),
    (3, Theme::Untracked),
    (15, Theme::Mixed),
];

impl Theme {
    /// Whether its worlds have host endpoints.
    fn has_hosts(self) -> bool {
        matches!(self, Theme::Perimeter | Theme::Forward | Theme::Host | Theme::Untracked | Theme::Mixed)
    }
}

/// A world and what is sent through it.
#[derive(Clone, Debug)]
pub struct Made {
    /// What it is about.
    pub theme: Theme,
    /// Policies, host endpoints and sets, as they are stored.
    pub objects: Vec<Value>,
    /// What is sent.
    pub flows: Vec<Flow>,
    /// Whether some of it is written as Calico's validator would not take it, which custom resources can be.
    pub odd: bool,
}

/// How many packets a world has, where the terrain has so many.
pub const FLOWS: usize = 200;

/// The world of a seed.
pub fn made(terrain: &Terrain, seed: u64) -> Made {
    let mut random = Random::of(seed);
    let theme = match *random.weighted(THEMES) {
        // Felix's own doNotTrack chains see WireGuard's packets too, of which `keep_wireguard` knows nothing.
        Theme::Untracked if terrain.wireguard => Theme::Host,
        theme => theme,
    };
    let hosts = theme.has_hosts();
    let flows = probes::flows(&mut random.fork(), terrain, hosts, FLOWS);
    let mut scene = Scene::of(terrain, flows.iter().map(|flow| flow.probe.clone()).collect());
    let mut objects = Vec::new();
    if hosts {
        objects.extend(hosts::endpoints(&mut random, &mut scene));
    }
    if random.chance(45) {
        objects.extend(sets::sets(&mut random, &mut scene));
    }
    let mut author = Author { random, scene, objects, count: 0 };
    author.write(theme);
    let Author { mut random, scene, mut objects, .. } = author;
    let odd = random.chance(20) && oddities::spoil(&mut random, &mut objects);
    if terrain.wireguard && hosts {
        objects.push(hosts::keep_wireguard(&scene));
    }
    Made { theme, objects, flows, odd }
}

/// Writes the policies of a world.
struct Author<'t> {
    random: Random,
    scene: Scene<'t>,
    objects: Vec<Value>,
    count: usize,
}

impl Author<'_> {
    fn write(&mut self, theme: Theme) {
        match theme {
            Theme::Random => self.pods(3, 9),
            Theme::Lockdown => {
                self.lockdown();
                self.pods(0, 2);
            }
            Theme::Kubernetes => {
                self.kubernetes(3, 7);
                self.pods(0, 2);
            }
            Theme::Perimeter => {
                let perimeter = hosts::perimeter(&mut self.random, &self.scene);
                self.objects.extend(perimeter);
                self.hosts(Hook::PreDnat, 0, 1);
                self.pods(0, 4);
            }
            Theme::Forward => {
                self.hosts(Hook::Forward, 1, 3);
                self.open_hosts(true);
                self.hosts(Hook::PreDnat, 0, 1);
                self.pods(0, 3);
            }
            Theme::Host => {
                self.hosts(Hook::Normal, 1, 4);
                self.open_hosts(false);
            }
            Theme::Untracked => {
                self.hosts(Hook::Untracked, 1, 2);
                self.hosts(Hook::Normal, 0, 1);
                self.open_hosts(false);
                self.pods(0, 2);
            }
            Theme::Mixed => {
                for (hook, most) in [(Hook::PreDnat, 2), (Hook::Forward, 2), (Hook::Normal, 2)] {
                    self.hosts(hook, 0, most);
                }
                let forwarded = self.random.chance(50);
                self.open_hosts(forwarded);
                self.kubernetes(0, 2);
                self.pods(1, 4);
                if self.random.chance(30) {
                    self.lockdown();
                }
            }
        }
    }

    fn some(&mut self, least: usize, most: usize, make: impl Fn(&mut Random, &Scene<'_>, usize) -> Option<Value>) {
        for _ in 0..self.random.between(least, most) {
            self.count += 1;
            self.objects.extend(make(&mut self.random, &self.scene, self.count));
        }
    }

    fn pods(&mut self, least: usize, most: usize) {
        self.some(least, most, policies::pod_policy);
    }

    fn kubernetes(&mut self, least: usize, most: usize) {
        self.some(least, most, kubernetes::policy);
    }

    fn hosts(&mut self, hook: Hook, least: usize, most: usize) {
        self.some(least, most, |random, scene, index| hosts::host_policy(random, scene, hook, index));
    }

    /// What keeps most of a host's traffic alive behind the policies that came before.
    fn open_hosts(&mut self, forwarded: bool) {
        for (direction, list) in [("Ingress", "ingress"), ("Egress", "egress")] {
            if !self.random.chance(65) {
                continue;
            }
            let mut rules = vec![json!({ "action": "Allow" })];
            if self.random.chance(40) {
                rules = vec![
                    json!({ "action": "Allow", "protocol": "TCP" }),
                    json!({ "action": "Allow", "protocol": "ICMP" }),
                ];
            }
            let mut spec = json!({ "selector": "role == 'host'", "order": 2000, "types": [direction], list: rules });
            if forwarded {
                spec["applyOnForward"] = json!(true);
            }
            self.objects.push(policies::global(&format!("hosts-{list}"), spec));
        }
    }

    /// Denies everything to and from pods but DNS, and opens most of what some probes need.
    fn lockdown(&mut self) {
        let dns = ["UDP", "TCP"].map(|protocol| {
            json!({ "action": "Allow", "protocol": protocol, "destination": { "selector": "k8s-app == 'kube-dns'", "ports": [53] } })
        });
        let who = match self.random.below(3) {
            0 => json!({ "namespaceSelector": "projectcalico.org/name not in {'kube-system', 'default'}" }),
            1 => json!({ "namespaceSelector": "has(team)" }),
            _ => json!({ "selector": "has(projectcalico.org/namespace)" }),
        };
        let mut spec = who;
        spec["types"] = json!(["Ingress", "Egress"]);
        spec["egress"] = json!(dns);
        let spec = policies::with_order(&mut self.random, spec);
        self.objects.push(policies::global("lockdown", spec));
        // Few rules open many flows, as rules are wider than the packet that they were written for.
        let probes = self.scene.probes.clone();
        for _ in 0..self.random.between(6, 16) {
            let probe = self.random.pick(&probes).clone();
            for subject in policies::subjects(&self.scene, &probe) {
                if !self.random.chance(92) {
                    continue;
                }
                self.count += 1;
                let opening = policies::opening(&mut self.random, &self.scene, &probe, subject, self.count);
                self.objects.extend(opening);
            }
        }
    }
}
