//! The comparison over all modes: a short one with every `cargo test --test lab`, a long one where it is asked for.
//! Never judges a packet.
//!
//! | variable | what it does |
//! |---|---|
//! | `ZEROTRUST_LAB_PACKETS=100000` | judges so many packets, shared among the modes; without it 2,400 |
//! | `ZEROTRUST_LAB_SEED=77` | from which the worlds' seeds follow; without it always the same |
//! | `ZEROTRUST_LAB_SEED=direct/1234` | that world of that mode alone, as a disagreement names it |
//! | `ZEROTRUST_LAB_MODE=vxlan,dual` | these modes only |
//!
//! A disagreement is kept below `target/tmp/differential`: manifests that `explain -f` reads, flows.json, README.

use std::env;
use std::fmt::Display;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use crate::differential::{Bench, Differential, Disagreement};
use crate::generate::random::Random;
use crate::generate::terrain::Terrain;
use crate::keep;
use crate::lab::Lab;
use crate::probe::{Fate, Probe};
use crate::tally::{Count, Tally};
use crate::topology::{Encapsulation, Mode, Proxy};

/// How many packets a run judges where nobody says so.
const PACKETS: usize = 2_400;

/// Every mode with the name that seeds have it by.
const MODES: [(&str, Mode); 7] = [
    ("direct", mode(Encapsulation::Direct, Proxy::Iptables, false, 3)),
    ("vxlan", mode(Encapsulation::Vxlan, Proxy::Iptables, false, 3)),
    ("wireguard", mode(Encapsulation::WireGuard, Proxy::Iptables, false, 3)),
    ("dual", mode(Encapsulation::Direct, Proxy::Iptables, true, 3)),
    ("nftables", mode(Encapsulation::Direct, Proxy::Nftables, false, 3)),
    ("dual-vxlan", mode(Encapsulation::Vxlan, Proxy::Iptables, true, 3)),
    ("two-nodes", mode(Encapsulation::Vxlan, Proxy::Nftables, false, 2)),
];

const fn mode(encapsulation: Encapsulation, proxy: Proxy, dual: bool, nodes: usize) -> Mode {
    Mode { encapsulation, proxy, dual, nodes }
}

impl Bench for Lab {
    fn apply(&mut self, world: &[Value]) {
        Lab::apply(self, world);
    }

    fn send(&mut self, probes: &[Probe]) -> Vec<Fate> {
        Lab::send(self, probes)
    }

    fn save(&self, directory: &Path) {
        Lab::save(self, directory);
    }
}

/// What is to be compared.
struct Wanted {
    modes: Vec<(&'static str, Mode)>,
    packets: usize,
    seed: u64,
    /// One world alone.
    only: bool,
}

impl Wanted {
    fn read() -> Wanted {
        let text = |name: &str| env::var(name).ok().filter(|text| !text.is_empty());
        let number = |name: &str, text: &str| -> u64 {
            text.parse().unwrap_or_else(|_| panic!("{name}: {text:?} is no number"))
        };
        let packets = text("ZEROTRUST_LAB_PACKETS");
        let seed = text("ZEROTRUST_LAB_SEED").unwrap_or_else(|| "1".into());
        let (named, seed) = match seed.split_once('/') {
            Some((mode, seed)) => (Some(mode.to_string()), seed.to_string()),
            None => (None, seed),
        };
        let only = named.is_some();
        let names = named.or_else(|| text("ZEROTRUST_LAB_MODE"));
        let modes = match names {
            None => MODES.to_vec(),
            Some(names) => names.split(',').map(|name| by_name(name.trim())).collect(),
        };
        Wanted {
            modes,
            packets: packets.map_or(PACKETS, |text| number("ZEROTRUST_LAB_PACKETS", &text) as usize),
            seed: number("ZEROTRUST_LAB_SEED", &seed),
            only,
        }
    }
}

fn by_name(name: &str) -> (&'static str, Mode) {
    let names: Vec<&str> = MODES.iter().map(|(name, _)| *name).collect();
    let found = MODES.into_iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("there is no mode {name}; the modes are {}", names.join(", ")))
}

/// Not println!, which cargo test holds back until the end.
fn say(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Says which world it was, where the lab gives up in the middle of one.
struct During(String);

impl Drop for During {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(format!("it was the world ZEROTRUST_LAB_SEED={}", self.0));
        }
    }
}

#[test]
fn what_we_say_is_what_the_kernel_does() {
    let wanted = Wanted::read();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential");
    let mut total = Tally::default();
    let mut disagreements: Vec<Disagreement> = Vec::new();
    let share = wanted.packets.div_ceil(wanted.modes.len());
    for (name, mode) in &wanted.modes {
        let folder = kept.join(name);
        keep::fresh(&folder);
        let tally = compare(name, *mode, &folder, &wanted, share, &mut disagreements);
        say(format!("{name}:\n{tally}\n"));
        total.merge(&tally);
    }
    if wanted.modes.len() > 1 {
        say(format!("all modes, seed {}:\n{total}", wanted.seed));
    }
    for disagreement in &disagreements {
        say(format!("{}\n  kept in {}", disagreement.story, disagreement.directory.display()));
    }
    assert!(disagreements.is_empty(), "{} disagreements, kept below {}", disagreements.len(), kept.display());
    assert!(wanted.only || total.judged() >= wanted.packets, "only {} packets were judged", total.judged());
    let unknown = total.of(Count::Unknown);
    assert!(unknown * 50 < total.judged().max(1), "{unknown} of {} verdicts are unknown", total.judged());
    let unsure = total.of(Count::Unsure);
    assert!(unsure * 50 < total.judged().max(1), "{unsure} of {} fates are no facts", total.judged());
}

fn compare(
    name: &'static str,
    mode: Mode,
    folder: &Path,
    wanted: &Wanted,
    share: usize,
    disagreements: &mut Vec<Disagreement>,
) -> Tally {
    let start = Instant::now();
    let mut lab = Lab::start(mode);
    let terrain = Terrain::from(lab.topology());
    let mut differential = Differential::new(&mut lab, terrain, name, folder);
    let mut tally = Tally::default();
    let mut notes = String::new();
    let mut seeds = Random::of(wanted.seed);
    for turn in 1.. {
        // Short enough to be typed.
        let seed = if wanted.only { wanted.seed } else { seeds.next() >> 40 };
        let during = During(format!("{name}/{seed}"));
        let outcome = differential.world(seed);
        drop(during);
        tally.merge(&outcome.tally);
        notes.extend(outcome.notes.iter().map(|note| format!("{name}/{seed}: {note}\n")));
        for disagreement in &outcome.disagreements {
            say(&disagreement.story);
        }
        disagreements.extend(outcome.disagreements);
        if turn % 10 == 0 {
            let seconds = start.elapsed().as_secs();
            say(format!("{name}: {turn} worlds, {} of {} packets agree, {seconds} s", tally.agreed(), tally.judged()));
        }
        if wanted.only || tally.judged() >= share {
            break;
        }
    }
    if !notes.is_empty() {
        let file = folder.join("notes");
        say(format!("what neither side is sure of is in {}", file.display()));
        fs::write(file, notes).expect("write the notes");
    }
    tally
}
