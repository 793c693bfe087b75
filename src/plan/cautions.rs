//! What the ends of a grant let in or leave out besides what their words say.
//! Never refuses anything.

use super::exposure::{Exposure, masquerading};
use super::resolve::Resolved;
use super::{Note, Weight};
use crate::model::intent::{GrantPort, Peer};
use crate::model::world::World;

/// Notes on both ends.
pub fn notes(
    world: &World,
    from: &Resolved,
    to: &Resolved,
    exposed: &[Exposure],
    ports: Option<&[GrantPort]>,
) -> Vec<Note> {
    let masqueraded = masquerading(exposed, ports).is_some();
    let found = [
        nodes_within(world, from, masqueraded && !world.network.felix.is_bpf()),
        pods_within(world, from, "from"),
        pods_within(world, to, "to"),
        on_hosts(from),
        on_hosts(to),
        all_nodes(from),
    ];
    found.into_iter().flatten().map(|text| Note { weight: Weight::Warning, text }).collect()
}

fn nodes_within(world: &World, from: &Resolved, masqueraded: bool) -> Option<String> {
    let Peer::Nets(nets) = &from.peer else { return None };
    let (name, ip) = world.nodes.values().find_map(|node| {
        let ip = node.all_addresses().find(|ip| nets.iter().any(|net| net.contains(ip)))?;
        Some((&node.name, ip))
    })?;
    let more = if masqueraded { ", and every client of its node ports that is masqueraded" } else { "" };
    Some(format!("{} holds {ip} of node {name}: it lets in what runs on the node{more}", from.peer))
}

fn pods_within(world: &World, end: &Resolved, word: &str) -> Option<String> {
    let Peer::Nets(nets) = &end.peer else { return None };
    let overlaps =
        |pool: &&crate::model::world::Pool| nets.iter().any(|net| net.contains(&pool.net) || pool.net.contains(net));
    let pool = world.pools.iter().find(overlaps)?;
    let peer = &end.peer;
    Some(format!("--{word} {peer} holds addresses of pods ({}): pods come and go there; name them instead", pool.net))
}

fn on_hosts(end: &Resolved) -> Option<String> {
    let count = end.host_pods.len();
    let some = count > 0 && !end.pods.is_empty();
    let what = if count == 1 { "pod" } else { "pods" };
    some.then(|| format!("{count} {what} of {} on the network of the node: this does not police it", end.described))
}

fn all_nodes(from: &Resolved) -> Option<String> {
    let text = "node addresses let in everything that runs on the nodes, pods in the host's network too, and pods whose \
                packets arrive with their node's address (by a node port of another node, or where kube-proxy masquerades \
                them); `kubectl zerotrust sync` follows nodes that come and go";
    (from.peer == Peer::Nodes).then(|| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DENY, allowed, cluster, notes};

    #[test]
    fn ranges_that_hold_nodes_or_pods_are_pointed_out() {
        let world = cluster(DENY);
        let said = |from: &str| notes(&allowed(&world, from, "nginx").0);
        assert!(said("10.128.146.0/23").contains("10.128.146.177 of node m1"));
        assert!(said("10.128.146.0/23").contains("every client of its node ports"));
        assert!(said("10.20.0.0/17").contains("pods come and go there"));
        let plain = said("10.7.0.0/16");
        assert!(!plain.contains("of node") && !plain.contains("pods come and go"), "{plain}");
    }

    #[test]
    fn node_addresses_are_said_to_let_in_pods_that_carry_them() {
        use super::super::grant::{Ask, allow};
        use super::super::target::Target;
        use super::super::{Risk, ports};
        let target = |text: &str| Target::parse(text, None).unwrap();
        let accepted = vec![Risk::OpenToAllClientsOfNodes];
        let port = ports::parse(&["80"]).unwrap();
        let ask = Ask { from: target("nodes"), to: target("nginx"), ports: port, reason: None, accepted };
        let said = notes(&allow(&cluster(DENY), &ask).unwrap());
        assert!(said.contains("pods whose packets arrive with their node's address"), "{said}");
    }

    #[test]
    fn pods_on_their_nodes_network_are_counted() {
        let hosted = "{kind: Pod, apiVersion: v1, metadata: {name: nginx-host, namespace: demo, labels: {app: nginx}}, spec: {hostNetwork: true, nodeName: w1}, status: {podIP: 10.128.147.102}}";
        let (plan, _) = allowed(&cluster(&format!("{DENY}{hosted}")), "10.7.0.99", "nginx");
        assert!(notes(&plan).contains("1 pod of demo/service/nginx"), "{}", notes(&plan));
    }
}
