//! What the exposures refuse, on the article's cluster: exit code 3 or 4, and nothing is written.
//! Never knows a cluster.

use super::super::Lab;
use super::edits::{neighbours, replace};

const EXPOSE: &str = "expose-nodeport nginx --from 10.7.0.99 --node-port 32127";

fn locked() -> Lab {
    let lab = Lab::platform9();
    neighbours(&lab);
    lab.done("lockdown");
    lab
}

/// Refused with this code, and the files are as they were.
fn refused(lab: &Lab, line: &str, code: i32) -> String {
    let before = lab.files();
    let said = lab.run(&format!("{line} --yes"));
    assert!(said.starts_with(&format!("exit {code}\n")), "{line}: {said}");
    assert_eq!(lab.files(), before, "nothing is written");
    said
}

#[test]
fn somebodys_deny_is_not_overridden_wherever_it_stands() {
    let pods = "selector: app == 'nginx'\n  order: 5\n  types: [Ingress]";
    let hosts = "selector: has(edge)\n  order: 5\n  types: [Ingress]\n  applyOnForward: true";
    for (name, spec) in [
        ("pods", pods.to_string()),
        ("before-dnat", format!("{hosts}\n  preDNAT: true")),
        ("forward", hosts.to_string()),
    ] {
        let lab = locked();
        lab.write(
            "theirs.yaml",
            &format!(
                "apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata:\n  name: default.no-{name}\nspec:\n  \
                 {spec}\n  ingress:\n  - action: Deny\n    source:\n      nets: [10.7.0.0/24]\n  - action: {}\n---\napiVersion: \
                 crd.projectcalico.org/v1\nkind: HostEndpoint\nmetadata:\n  name: edge\n  labels:\n    edge: \"1\"\nspec:\n  node: \
                 10.128.147.68\n  interfaceName: eth0\n  expectedIPs: [10.128.147.68]\n  profiles: [projectcalico-default-allow]\n",
                if name == "forward" { "Allow" } else { "Pass" },
            ),
        );
        let said = refused(&lab, EXPOSE, 3);
        assert!(said.contains(&format!("no-{name}")), "{said}");
        assert!(said.contains("Hint: "), "a next command: {said}");
    }
}

#[test]
fn an_open_door_of_another_service_closes_only_when_that_is_asked() {
    let lab = locked();
    let stranger = "203.0.113.9";
    assert_eq!(lab.verdict(stranger, "10.128.147.68:32443"), "allow");
    let said = lab.done(EXPOSE);
    assert!(said.contains("found open, and kept so: node port 32443"), "{said}");
    assert_eq!(lab.verdict(stranger, "10.128.147.68:32443"), "allow");
    let lab = locked();
    let said = lab.done(&format!("{EXPOSE} --close-others"));
    assert!(said.contains("32443"), "{said}");
    assert_eq!(lab.verdict(stranger, "10.128.147.68:32443"), "deny");
}

#[test]
fn an_interface_without_a_host_endpoint_makes_it_unknown_and_never_yes() {
    let lab = locked();
    // The node's only host endpoint is for an interface whose addresses nothing tells.
    lab.write(
        "storage.yaml",
        "apiVersion: crd.projectcalico.org/v1\nkind: HostEndpoint\nmetadata:\n  name: storage\nspec:\n  node: 10.128.147.68\n  \
         interfaceName: eth7\n  profiles: [projectcalico-default-allow]\n",
    );
    let said = refused(&lab, EXPOSE, 4);
    assert!(said.contains("storage"), "{said}");
}

#[test]
fn a_node_that_came_later_is_no_way_in_for_strangers() {
    let lab = locked();
    lab.done(EXPOSE);
    // Its address is in no set yet, so that nobody comes to the pods by it, the client neither.
    let node = "---\napiVersion: v1\nkind: Node\nmetadata:\n  name: fifth\n  annotations:\n    projectcalico.org/IPv4Address: \
                10.128.147.200/23\nstatus:\n  addresses:\n  - type: InternalIP\n    address: 10.128.147.200\n";
    let nodes = lab.read("nodes.yaml");
    lab.write("nodes.yaml", &format!("{nodes}{node}"));
    for client in ["203.0.113.9", "10.7.0.99"] {
        assert_eq!(lab.verdict(client, "10.128.147.200:32127"), "deny", "{client}");
    }
    lab.done("expose-nodeport nginx --from 10.7.0.99");
    assert_eq!(lab.verdict("10.7.0.99", "10.128.147.200:32127"), "allow");
    assert_eq!(lab.verdict("203.0.113.9", "10.128.147.200:32127"), "deny");
}

#[test]
fn wireguard_that_comes_between_two_exposures_is_noticed_by_the_next() {
    let lab = locked();
    lab.done(EXPOSE);
    super::edits::wireguard(&lab);
    let far = "10.128.146.177:32127";
    assert_eq!(lab.verdict("10.7.0.99", far), "deny", "as in the article: the tunnel's address is in no rule yet");
    lab.done("expose-lb nginx --from 10.7.0.99 --address 10.128.146.112");
    for node in super::NODES {
        assert_eq!(lab.verdict("10.7.0.99", &format!("{node}:32127")), "allow", "{node}");
        assert_eq!(lab.verdict("10.7.0.98", &format!("{node}:32127")), "deny", "{node}");
    }
    // A tunnel that gets another address.
    replace(&lab, "nodes.yaml", "10.20.103.129", "10.20.103.135");
    assert_eq!(lab.verdict("10.7.0.99", far), "deny");
    lab.done("expose-nodeport nginx --from 10.7.0.99");
    assert_eq!(lab.verdict("10.7.0.99", far), "allow");
}

/// The article's end state, and then a tunnel that gets another address: `sync --check` says so, and `sync` mends it.
#[test]
fn a_tunnels_new_address_is_noticed_and_mended_on_every_wire() {
    use super::edits::{encapsulate, tunnels, wireguard};
    type Edit = fn(&Lab);
    let wires: [(&str, Edit); 3] = [
        ("IPIP", |lab| {
            encapsulate(lab, "ipipMode", "Always");
            tunnels(lab, "IPv4IPIPTunnelAddr");
        }),
        ("VXLAN", |lab| {
            encapsulate(lab, "vxlanMode", "Always");
            tunnels(lab, "IPv4VXLANTunnelAddr");
        }),
        ("WireGuard", wireguard),
    ];
    for (wire, edit) in wires {
        let lab = Lab::platform9();
        neighbours(&lab);
        edit(&lab);
        lab.done("lockdown");
        lab.done(EXPOSE);
        lab.done("bgp-allow bgp-demo/storefront --from 10.30.0.0/16 --advertise cluster");
        assert!(lab.run("sync --check").starts_with("exit 0\n"), "{wire}: all is in step");
        replace(&lab, "nodes.yaml", "10.20.103.129", "10.20.103.135");
        assert_eq!(lab.verdict("10.7.0.99", "10.128.146.177:32127"), "deny", "{wire}");
        let check = lab.run("sync --check");
        assert!(check.starts_with("exit 3\n") && check.contains("10.20.103.135"), "{wire}: {check}");
        lab.done("sync");
        assert!(lab.run("sync --check").starts_with("exit 0\n"), "{wire}");
        for node in super::NODES {
            assert_eq!(lab.verdict("10.7.0.99", &format!("{node}:32127")), "allow", "{wire} {node}");
            assert_eq!(lab.verdict("10.7.0.98", &format!("{node}:32127")), "deny", "{wire} {node}");
        }
        assert_eq!(lab.verdict("10.30.1.1", "10.21.172.202:80"), "allow", "{wire}");
        // The old address may be a pod's by now, and lets nobody in.
        replace(&lab, "neighbours.yaml", "10.20.103.190", "10.20.103.129");
        assert_eq!(lab.verdict(super::IMPOSTOR, "nginx"), "deny", "{wire}");
    }
}
