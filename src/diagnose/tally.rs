//! Lines of kernel logs, each kind of packet once with its count.
//! Never knows a cluster.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use super::line::{Entry, Event, Line, parse};
use super::prefix::{Prefixes, Writer};

/// What was read so far.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    entries: Vec<(Entry, usize)>,
    places: HashMap<Entry, usize>,
    /// Lines that tell of packets.
    pub packets: usize,
    /// Lines that are cut before both addresses of their packet.
    pub cut: usize,
    /// Lines about something else.
    pub others: usize,
    /// Lines in which the kernel, the journal or syslog say that they left lines out.
    pub lost: usize,
}

/// The words of net_ratelimit, of the journal and of rsyslog.
const LOST: [&str; 4] =
    ["callbacks suppressed", "kernel messages", "messages lost due to rate-limiting", "printk messages dropped"];

impl Tally {
    /// Reads a line. `machine` is where the log was read, if that is known better than by the line.
    pub fn read(&mut self, line: &str, machine: Option<&str>) {
        match parse(line) {
            Line::Entry(mut entry) => {
                if let Some(machine) = machine {
                    entry.host = Some(machine.to_string());
                }
                self.packets += 1;
                match self.places.get(&entry) {
                    Some(place) => self.entries[*place].1 += 1,
                    None => {
                        self.places.insert(entry.clone(), self.entries.len());
                        self.entries.push((entry, 1));
                    }
                }
            }
            Line::Cut => self.cut += 1,
            Line::Other => {
                self.others += 1;
                let journal = !line.contains("kernel messages") || line.contains("Missed ");
                self.lost += usize::from(journal && LOST.iter().any(|words| line.contains(words)));
            }
        }
    }

    /// Every kind of packet, with how many lines tell of it, in the order in which they were first seen.
    pub fn entries(&self) -> &[(Entry, usize)] {
        &self.entries
    }

    /// All lines.
    pub fn lines(&self) -> usize {
        self.packets + self.cut + self.others
    }

    /// Prefixes of logged packets that are not Calico's, with their counts.
    pub fn foreign(&self, prefixes: &Prefixes) -> Vec<(String, usize)> {
        let mut found: HashMap<&str, usize> = HashMap::new();
        for (entry, count) in &self.entries {
            if let Event::Logged(logged) = &entry.event
                && prefixes.writer(&logged.prefix) == Writer::Other
            {
                *found.entry(logged.prefix.trim()).or_default() += count;
            }
        }
        let mut found: Vec<(String, usize)> =
            found.into_iter().map(|(text, count)| (text.to_string(), count)).collect();
        found.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        found
    }

    /// Every address that a line names.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        let of = |event: &Event| match event {
            Event::Logged(logged) => vec![logged.source, logged.destination],
            Event::Martian { source, destination, .. } => vec![*source, *destination],
            Event::UnallowedSource { source, peer, .. } => [Some(*source), *peer].into_iter().flatten().collect(),
            Event::NoPeer { destination, .. } => vec![*destination],
        };
        self.entries.iter().flat_map(|(entry, _)| of(&entry.event)).collect()
    }

    /// Destination ports of packets whose way was not decided yet, which can be node ports.
    pub fn open_ports(&self) -> BTreeSet<u16> {
        let of = |event: &Event| match event {
            Event::Logged(logged) if logged.outgoing.is_empty() => logged.port,
            _ => None,
        };
        self.entries.iter().filter_map(|(entry, _)| of(&entry.event)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_counted_and_others_too() {
        let mut tally = Tally::default();
        let line = |port: u16| {
            format!(
                "calico-packet: IN=eth0 OUT= SRC=10.7.0.99 DST=10.0.0.2 LEN=64 PROTO=TCP SPT={port} DPT=80 WINDOW=1 RES=0x00 SYN URGP=0 "
            )
        };
        for port in 40_000..40_010 {
            tally.read(&line(port), None);
        }
        tally.read(&line(40_000).replace("calico-packet: ", "[UFW BLOCK] "), None);
        tally.read("calico-packet: IN=eth0 OUT= SRC=10.7.0.99 DST=10.0", None);
        tally.read("something else", None);
        let counts: Vec<usize> = tally.entries().iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [10, 1]);
        assert_eq!((tally.packets, tally.cut, tally.others, tally.lines()), (11, 1, 1, 13));
        assert_eq!(tally.foreign(&Prefixes::new(&[], &[])), [("[UFW BLOCK]".to_string(), 1)]);
        assert_eq!(tally.addresses().len(), 2);
        assert_eq!(tally.open_ports(), [80].into());
    }

    #[test]
    fn the_machine_where_a_log_was_read_counts_more_than_its_header() {
        let mut tally = Tally::default();
        tally.read(
            "Nov 23 01:02:03 short kernel: calico-packet: IN=eth0 OUT= SRC=10.7.0.99 DST=10.0.0.2 LEN=64 PROTO=47 ",
            Some("n1"),
        );
        assert_eq!(tally.entries()[0].0.host.as_deref(), Some("n1"));
    }
}
