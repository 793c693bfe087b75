//! Says in one sentence what a machine lacks to run the lab.
//! Never skips anything: a lab that cannot run is a test that fails.

use std::path::Path;
use std::process::Command;

/// A program and the Debian package that brings it.
const PROGRAMS: &[(&str, &str)] = &[
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
    ("mount", "mount"),
    ("ip", "iproute2"),
    ("iptables-nft-restore", "iptables"),
    ("ip6tables-nft-restore", "iptables"),
    ("ipset", "ipset"),
    ("nft", "nftables"),
    ("conntrack", "conntrack"),
    ("wireguard-go", "wireguard-go"),
    ("wg", "wireguard-tools"),
];

/// What the kernel must be able to do: its name, and commands that only work where it is.
const FEATURES: &[(&str, &str)] = &[
    ("network namespaces and veth", "ip link add zt0 type veth peer name zt1"),
    ("bridges", "ip link add zt2 type bridge"),
    ("VXLAN", "ip link add zt3 type vxlan id 1 dstport 4789"),
    ("policy routing", "ip rule add priority 7 tos 0x04 lookup 77"),
    (
        "iptables on nf_tables with conntrack",
        "iptables-nft -A INPUT -m conntrack --ctstate NEW -m comment --comment zt -j ACCEPT",
    ),
    ("xt_set", "ipset create zt4 hash:net && iptables-nft -A INPUT -m set --match-set zt4 src -j ACCEPT"),
    ("NAT", "iptables-nft -t nat -A POSTROUTING -j MASQUERADE --random-fully"),
    ("ip6tables on nf_tables", "ip6tables-nft -t raw -A PREROUTING -m rpfilter --invert -j DROP"),
    ("nftables", "nft add table inet zt5 && nft add chain inet zt5 c '{ type nat hook prerouting priority -100; }'"),
];

/// Panics with what is missing, if anything is.
pub fn check() {
    let mut missing = Vec::new();
    if !rustix::process::geteuid().is_root() {
        missing.push("root (run `sudo -E env PATH=\"$PATH\" cargo test --test lab`)".to_string());
    }
    if Command::new("go").arg("version").output().is_err() {
        missing.push("Go 1.26 or later in PATH".to_string());
    }
    let mut packages: Vec<&str> = Vec::new();
    for (program, package) in PROGRAMS.iter().filter(|(program, _)| !in_path(program)) {
        missing.push(program.to_string());
        if !packages.contains(package) {
            packages.push(package);
        }
    }
    if !Path::new("/dev/net/tun").exists() {
        missing.push("/dev/net/tun".to_string());
    }
    // Without root and the programs, asking the kernel would only say so again.
    if missing.is_empty() {
        missing.extend(features());
    }
    let install = match packages.is_empty() {
        true => String::new(),
        false => format!(" (apt-get install {})", packages.join(" ")),
    };
    assert!(
        missing.is_empty(),
        "the packet lab cannot run on this machine, which lacks {}{install}",
        missing.join(", ")
    );
}

fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Tried in a network namespace that goes with the command.
fn features() -> Vec<String> {
    let works = |command: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "--mount", "/bin/sh", "-c", command]);
        unshare.output().is_ok_and(|output| output.status.success())
    };
    let lacking = FEATURES.iter().filter(|(_, command)| !works(command));
    lacking.map(|(name, command)| format!("{name} in its kernel (`unshare --net sh -c \"{command}\"` fails)")).collect()
}
