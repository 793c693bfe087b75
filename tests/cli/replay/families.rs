//! The example in other families of addresses: every IPv4 address has an IPv6 one that ends in it.
//! Never knows what is reached.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The addresses of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4, as the example has them.
    Four,
    /// IPv6 alone.
    Six,
    /// Both, IPv4 first.
    Dual,
}

impl Family {
    /// How addresses are written, once for each family.
    pub fn spells(self) -> Vec<fn(&str) -> String> {
        match self {
            Family::Four => vec![str::to_string],
            Family::Six => vec![target_six],
            Family::Dual => vec![str::to_string, target_six],
        }
    }

    /// In the first family.
    pub fn first(self, line: &str) -> String {
        match self {
            Family::Six => six(line),
            _ => line.to_string(),
        }
    }

    /// A flag for an address of each family; what is not of IPv4 is left as it is by `first`.
    pub fn both(self, flag: &str, net: &str) -> String {
        match self {
            Family::Dual => format!("{flag} {net} {flag} {}", six(net)),
            _ => format!("{flag} {net}"),
        }
    }

    /// The example's documents, in this family.
    pub fn of(self, text: &str) -> String {
        match self {
            Family::Four => text.to_string(),
            Family::Six => text.split_inclusive('\n').map(line_six).collect(),
            Family::Dual => {
                let documents = text.split("\n---\n").map(|text| document_dual(&format!("{}\n", text.trim_end())));
                documents.collect::<Vec<_>>().join("---\n")
            }
        }
    }
}

/// As a target: with a port an IPv6 address stands in brackets.
fn target_six(text: &str) -> String {
    let (target, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = if rest.is_empty() { String::new() } else { format!(" {rest}") };
    match target.split_once(':') {
        Some((address, port)) => format!("[{}]:{port}{rest}", six(address)),
        None => format!("{}{rest}", six(target)),
    }
}

/// Every IPv4 address and net of a text, as IPv6.
pub fn six(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind;
        let Ok(four) = word.parse::<Ipv4Addr>() else {
            out.push_str(word);
            continue;
        };
        if four.is_unspecified() {
            out.push_str(word);
            continue;
        }
        out.push_str(&Ipv6Addr::from((0xfd00_u128 << 112) | u128::from(u32::from(four))).to_string());
        if let Some(behind) = rest.strip_prefix('/') {
            let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
            let bits: u8 = behind[..end].parse().unwrap();
            out.push_str(&format!("/{}", bits + 96));
            rest = &behind[end..];
        }
    }
    out + rest
}

/// Names of nodes are addresses here, and stay what they are.
fn line_six(line: &str) -> String {
    let key = line.trim_start().trim_start_matches("- ").split(':').next().unwrap_or_default();
    match key {
        "name" | "nodeName" | "node" | "kubernetes.io/hostname" | "#" => line.to_string(),
        _ if line.trim_start().starts_with('#') => line.to_string(),
        "addressType" => line.replace("IPv4", "IPv6"),
        _ => six(&line.replace("projectcalico.org/IPv4", "projectcalico.org/IPv6")),
    }
}

/// One document with the addresses of both families; slices and pools, which have one alone, come twice.
fn document_dual(text: &str) -> String {
    let alone = text.contains("\nkind: EndpointSlice\n") || text.contains("\nkind: IPPool\n");
    if alone {
        let twin: String = text.split_inclusive('\n').map(line_six).collect();
        let named = twin.replacen("\n  name: ", "\n  name: six-", 1);
        return format!("{text}---\n{named}");
    }
    let mut out = String::new();
    let mut list = "";
    for line in text.split_inclusive('\n') {
        out.push_str(line);
        let word = line.trim();
        match word {
            "podIPs:" | "clusterIPs:" | "podCIDRs:" | "- type: InternalIP" => list = word,
            _ if word.starts_with("projectcalico.org/IPv4") => out.push_str(&line_six(line)),
            _ if word.starts_with("clusterCIDR: ") => {
                let value = word.trim_start_matches("clusterCIDR: ");
                out = out.trim_end_matches('\n').to_string() + "," + &six(value) + "\n";
            }
            _ if list == "- type: InternalIP" && word.starts_with("address: ") => {
                out.push_str(&format!("  - type: InternalIP\n{}", line_six(line)));
                list = "";
            }
            _ if !list.is_empty() && word.starts_with("- ") => {
                out.push_str(&line_six(line));
                list = "";
            }
            _ => {}
        }
    }
    out
}
