//! Starts what a cluster runs on each node: kube-proxy, Felix, and WireGuard where the mode has it.
//! Never waits for what they do; that they work is seen by packets.

use std::ffi::OsString;
use std::path::Path;

use super::cage::Cage;
use super::log::QUIET;
use super::support::{ControlPlane, Keeper, build, build_felix};
use super::topology::{Node, POD_RANGES, Proxy, Topology};
use super::wireguard::{self, Keys};

/// Felix serves its readiness and its metrics on ports that are failsafe, so that no policy of a `*` HostEndpoint, which
/// covers loopback too, keeps us from asking.
const HEALTH_PORT: u16 = 6667;

/// What runs on one node. The processes end with the cage.
#[derive(Debug)]
pub struct Servers {
    name: String,
    proxy: Keeper,
    felix: Keeper,
    wireguard: Vec<Keeper>,
}

impl Servers {
    /// Starts kube-proxy, and WireGuard. Before Felix: a kube-proxy that starts later puts its chains in front of Felix's, and
    /// what it marks is accepted without a policy until Felix sees that.
    pub fn start_proxy(
        cage: &Cage,
        plane: &ControlPlane,
        topology: &Topology,
        keys: Option<&Keys>,
        node: &Node,
    ) -> (Keeper, Vec<Keeper>) {
        let families = node.addresses.len();
        let mode = match topology.mode.proxy {
            Proxy::Iptables => "iptables",
            Proxy::Nftables => "nftables",
        };
        let mut flags: Vec<String> = [
            "--conntrack-max-per-core=0",
            "--conntrack-min=0",
            "--conntrack-tcp-timeout-established=0s",
            "--conntrack-tcp-timeout-close-wait=0s",
            "--healthz-bind-address=127.0.0.1:10256",
        ]
        .map(String::from)
        .to_vec();
        flags.push(format!("--kubeconfig={}", plane.kubeconfig().display()));
        flags.push(format!("--hostname-override={}", node.name));
        flags.push(format!("--proxy-mode={mode}"));
        flags.push(format!("--cluster-cidr={}", POD_RANGES[..families].join(",")));
        let program = build().program("kube-proxy");
        let proxy = keep(cage, plane, &node.name, "proxy", &program, &flags, &[]);
        let wireguard = keys.map(|keys| wireguard::start(cage, plane.directory(), topology, keys, node));
        let wireguard = wireguard.unwrap_or_default();
        (proxy, wireguard)
    }

    /// Starts Felix beside them. Where nobody reads what Log rules write, its lines say so.
    pub fn start_felix(
        cage: &Cage,
        plane: &ControlPlane,
        topology: &Topology,
        node: &Node,
        kubeconfig: &Path,
        logs: bool,
        (proxy, wireguard): (Keeper, Vec<Keeper>),
    ) -> Servers {
        let run = plane.directory().join(format!("{}.felix", node.name));
        std::fs::create_dir(&run).expect("make a directory for Felix");
        let mut environment = environment(topology, node, &run, kubeconfig);
        if !logs {
            environment.push(format!("FELIX_LOGPREFIX={QUIET}"));
        }
        let flags = ["-c".to_string(), "/dev/null".into()];
        let felix = keep(cage, plane, &node.name, "felix", build_felix(), &flags, &environment);
        Servers { name: node.name.clone(), proxy, felix, wireguard }
    }

    /// Panics with the log of a server that ended.
    pub fn assert_run(&mut self) {
        let wireguard = self.wireguard.iter_mut().map(|keeper| ("wireguard-go", keeper));
        for (what, keeper) in [("kube-proxy", &mut self.proxy), ("Felix", &mut self.felix)].into_iter().chain(wireguard)
        {
            assert!(keeper.runs(), "{what} of {} ended:\n{}", self.name, last_lines(&keeper.log()));
        }
    }

    /// The end of the servers' logs.
    pub fn logs(&self) -> String {
        let (proxy, felix) = (last_lines(&self.proxy.log()), last_lines(&self.felix.log()));
        format!("--- kube-proxy of {0}\n{proxy}\n--- Felix of {0}\n{felix}\n", self.name)
    }
}

fn keep(
    cage: &Cage,
    plane: &ControlPlane,
    node: &str,
    name: &str,
    program: &Path,
    flags: &[String],
    environment: &[String],
) -> Keeper {
    let mut words = cage.enter(Some(node));
    words.push("env".into());
    words.extend(environment.iter().map(OsString::from));
    words.push(program.into());
    Keeper::start(&words, flags, plane.directory().join(format!("{node}.{name}.log")))
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// Felix's configuration as the operator and calico-node set it, beside what only the lab needs.
fn environment(topology: &Topology, node: &Node, run: &Path, kubeconfig: &Path) -> Vec<String> {
    let mut settings: Vec<String> = [
        "DATASTORE_TYPE=kubernetes",
        "FELIX_DATASTORETYPE=kubernetes",
        // Blocks of addresses are those of the Nodes' podCIDRs, as there is no IPAM of Calico's.
        "USE_POD_CIDR=true",
        "FELIX_IPTABLESBACKEND=nft",
        "FELIX_DEFAULTENDPOINTTOHOSTACTION=ACCEPT",
        "FELIX_REMOVEEXTERNALROUTES=false",
        "FELIX_USAGEREPORTINGENABLED=false",
        "FELIX_BPFENABLED=false",
        "FELIX_XDPENABLED=false",
        "FELIX_AWSSRCDSTCHECK=DoNothing",
        "FELIX_LOGFILEPATH=none",
        "FELIX_LOGSEVERITYFILE=none",
        "FELIX_LOGSEVERITYSYS=none",
        "FELIX_LOGSEVERITYSCREEN=Warning",
        "FELIX_HEALTHENABLED=true",
        "FELIX_HEALTHHOST=127.0.0.1",
    ]
    .map(String::from)
    .to_vec();
    settings.push(format!("FELIX_HEALTHPORT={HEALTH_PORT}"));
    settings.push(format!("FELIX_FELIXHOSTNAME={}", node.name));
    settings.push(format!("FELIX_IPV6SUPPORT={}", topology.mode.dual));
    settings.push(format!("FELIX_IPTABLESLOCKFILEPATH={}/xtables.lock", run.display()));
    settings.push(format!("FELIX_ENDPOINTSTATUSPATHPREFIX={}", run.display()));
    settings.push(format!("KUBECONFIG={}", kubeconfig.display()));
    // Felix would remove a device of that name which is not the kernel's WireGuard, so it looks after another one.
    settings.push("FELIX_WIREGUARDINTERFACENAME=wireguard.none".into());
    settings.push("FELIX_WIREGUARDINTERFACENAMEV6=wireguard6.none".into());
    settings
}
