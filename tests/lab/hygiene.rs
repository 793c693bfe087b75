//! The lab leaves nothing behind, however it ends, and two of them do not meet.
//! Never looks into a lab: what is compared is the machine around it.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use super::flows::wrong;
use super::lab::Lab;
use super::log::switch;
use super::topology::{Encapsulation, Mode, Proxy};

const MODE: Mode = Mode { encapsulation: Encapsulation::WireGuard, proxy: Proxy::Iptables, dual: false, nodes: 2 };

/// What must not change: the machine's own namespace, and the names of namespaces.
fn machine() -> String {
    let shown = [
        "ip netns list",
        "ip -o link",
        "ip -o address",
        "ip route show table all",
        "ip -6 route show table all",
        "ip rule",
        "ip -6 rule",
        "nft list ruleset",
        "ipset save",
    ];
    let run = |line: &&str| {
        let words: Vec<&str> = line.split(' ').collect();
        let output = Command::new(words[0]).args(&words[1..]).output().unwrap_or_else(|e| panic!("{line}: {e}"));
        format!("{line}\n{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    // The seconds that are left to an address or route of DHCP or router advertisement count down by themselves.
    let timeless = |text: String| -> String {
        let words = text.split(' ').filter(|word| !word.ends_with("sec") && !word.ends_with("sec\n"));
        words.collect::<Vec<_>>().join(" ")
    };
    shown.iter().map(run).map(timeless).collect::<Vec<_>>().join("\n")
}

/// Processes that were started with a file of the directory of the test process `pid`, and that directory.
fn remains(pid: u32) -> Vec<String> {
    let mark = format!("/zt{pid}-");
    let processes = fs::read_dir("/proc").expect("list processes").flatten().filter_map(|entry| {
        let command = fs::read(entry.path().join("cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        command.contains(&mark).then_some(command)
    });
    let directories = fs::read_dir(std::env::temp_dir()).expect("list temporary files").flatten();
    let directories = directories.map(|entry| entry.path().display().to_string()).filter(|path| path.contains(&mark));
    processes.chain(directories).collect()
}

/// This test program, playing one test by itself.
fn another_run(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the test's own program"));
    command.args(["--exact", test]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_machine_that_lacks_something_says_all_of_it_in_one_sentence() {
    let mut run = another_run("scenes::direct_routing_with_iptables_on_three_nodes");
    let output = run.env("PATH", "/nowhere").output().expect("start the test's own program");
    assert!(!output.status.success(), "nothing is skipped");
    let said = String::from_utf8_lossy(&output.stdout);
    let sentence =
        said.lines().find(|line| line.contains("the packet lab cannot run")).unwrap_or_else(|| panic!("{said}"));
    for missing in ["Go 1.26 or later in PATH", "ipset", "nft", "wireguard-go"] {
        assert!(sentence.contains(missing), "{missing}: {sentence}");
    }
    let packages = "iproute2 iptables ipset nftables conntrack wireguard-go wireguard-tools)";
    assert!(sentence.contains("(apt-get install ") && sentence.ends_with(packages), "{sentence}");
}

#[test]
fn a_run_that_is_killed_leaves_nothing() {
    // Built by now, so that it is the lab that is killed and not the compiler.
    drop(Lab::start(MODE));
    let before = (machine(), switch());
    let mut saw_servers = false;
    // In the middle of laying cables, of starting servers, of sending, and of reading the kernel's log.
    let scene = "scenes::wireguard_with_iptables_on_three_nodes";
    let log = "logging::a_log_rule_writes_a_line_for_each_packet_that_it_meets";
    for (test, seconds) in [(scene, 1), (scene, 5), (scene, 15), (log, 8)] {
        let mut run = another_run(test).spawn().expect("start the test's own program");
        sleep(Duration::from_secs(seconds));
        saw_servers |= remains(run.id()).iter().any(|what| what.contains("kube-apiserver"));
        run.kill().expect("kill the run");
        run.wait().expect("wait for the run");
        let deadline = Instant::now() + Duration::from_secs(30);
        while !remains(run.id()).is_empty() {
            assert!(Instant::now() < deadline, "{seconds} s after its start: {:#?}", remains(run.id()));
            sleep(Duration::from_millis(100));
        }
        assert_eq!((machine(), switch()), before, "{test}, {seconds} s after its start");
    }
    assert!(saw_servers, "none of the runs was killed while its servers ran");
}

#[test]
fn two_runs_do_not_meet() {
    let before = machine();
    let mut other = another_run("scenes::vxlan_with_nftables_on_two_nodes");
    let mut other = other.spawn().expect("start the test's own program");
    let mut lab = Lab::start(MODE);
    let spec = json!({ "selector": "app == 'db'", "types": ["Ingress"] });
    lab.apply(&[json!({
        "apiVersion": "crd.projectcalico.org/v1", "kind": "GlobalNetworkPolicy",
        "metadata": { "name": "default.deny" }, "spec": spec,
    })]);
    let lines = ["shop/web-1 -> shop/db-1 tcp:5432 = drop", "shop/web-1 -> shop/api-2 tcp:8080 = allow by shop/api-2"];
    let lines = lines.map(String::from);
    let mut rounds = 0;
    // For as long as the other plays its scenes, in which every pod is reached, and others are denied.
    while other.try_wait().expect("ask for the other run").is_none() {
        assert_eq!(wrong(&mut lab, &lines), Vec::<String>::new());
        rounds += 1;
    }
    let mut said = String::new();
    other.stdout.take().expect("its stdout is a pipe").read_to_string(&mut said).expect("read what it said");
    assert!(other.wait().expect("wait for the other run").success(), "the other run: {said}");
    assert!(rounds > 1, "the other run ended before ours began");
    drop(lab);
    assert_eq!(machine(), before);
}
