//! What Log rules write can be read back, for those who explain such lines.
//! Never knows how a line is read.

use serde_json::json;

use super::flows::wrong;
use super::lab::Lab;
use super::log::switch;
use super::topology::{Encapsulation, Mode, Proxy};

#[test]
fn a_log_rule_writes_a_line_for_each_packet_that_it_meets() {
    let mode = Mode { encapsulation: Encapsulation::Direct, proxy: Proxy::Iptables, dual: false, nodes: 2 };
    let before = switch();
    let mut lab = Lab::start_with_log(mode);
    let rules = json!([{ "action": "Log" }, { "action": "Deny" }]);
    let spec = json!({ "selector": "app == 'db'", "types": ["Ingress"], "ingress": rules });
    lab.apply(&[json!({
        "apiVersion": "crd.projectcalico.org/v1", "kind": "GlobalNetworkPolicy",
        "metadata": { "name": "default.log-and-deny" }, "spec": spec,
    })]);
    assert_eq!(lab.log_lines(), Vec::<String>::new(), "nobody sent anything yet");
    let flows = ["shop/web-1 -> shop/db-1 tcp:5432 = drop", "shop/web-1 -> shop/api-2 tcp:8080 = allow"];
    assert_eq!(wrong(&mut lab, &flows.map(String::from)), Vec::<String>::new());
    let lines = lab.log_lines();
    // Felix's default prefix, and the packet as it looks in the FORWARD chain of the pod's node.
    let ours = |line: &&String| {
        ["calico-packet: IN=eth0 OUT=cali", " SRC=10.20.1.10 DST=10.20.2.10 ", " PROTO=TCP ", " DPT=5432 "]
            .iter()
            .all(|part| line.contains(part))
    };
    // One for each of two rounds, and perhaps one that TCP sent again.
    assert!(lines.iter().filter(ours).count() >= 2, "{lines:#?}");
    assert!(lines.iter().all(|line| ours(&line)), "{lines:#?}");
    assert_eq!(lab.log_lines(), Vec::<String>::new(), "each line is given once");
    drop(lab);
    assert_eq!(switch(), before, "the machine's switch is put back");
}
