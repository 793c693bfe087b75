//! Worlds whose outcome is known beforehand, from what Calico documents.
//! Never knows our evaluation: the kernel judges the lab, and later the lab judges us.

use super::lab::Lab;
use super::probe::{Fate, Probe, Protocol, Sender};
use super::topology::{Encapsulation, Mode, Proxy};

fn probe(sender: Sender, source: &str, destination: &str, port: u16) -> Probe {
    Probe {
        sender,
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        port: Some(port),
        protocol: Protocol::Tcp,
        source_port: None,
        entry: None,
    }
}

#[test]
fn trial() {
    let begun = std::time::Instant::now();
    let (e, p) = match std::env::var("LABMODE").as_deref() {
        Ok("vxlan") => (Encapsulation::Vxlan, Proxy::Iptables),
        Ok("wg") => (Encapsulation::WireGuard, Proxy::Nftables),
        _ => (Encapsulation::Direct, Proxy::Iptables),
    };
    let mut lab = Lab::start(Mode { encapsulation: e, proxy: p, dual: std::env::var("LABDUAL").is_ok(), nodes: 3 });
    println!("{:?}", begun.elapsed());
    let t = lab.topology().clone();
    let mut probes = vec![];
    for pod in &t.pods {
        for (i, a) in pod.addresses.iter().enumerate() {
            for other in &t.pods {
                let mut p = probe(Sender::Pod(pod.key()), &a.to_string(), &other.addresses[i].to_string(), 8080);
                probes.push(p.clone());
                if pod.name == "web-1" {
                    p.protocol = Protocol::Udp;
                    p.port = Some(53);
                    probes.push(p.clone());
                    p.protocol = Protocol::Sctp;
                    p.port = Some(3868);
                    probes.push(p.clone());
                    p.protocol = Protocol::Icmp { kind: if i == 0 { 8 } else { 128 }, code: 0 };
                    p.port = None;
                    probes.push(p.clone());
                }
            }
            for s in &t.services {
                for port in s.ports {
                    let mut p = probe(Sender::Pod(pod.key()), &a.to_string(), &s.addresses[i].to_string(), port.port);
                    p.protocol = port.protocol;
                    probes.push(p);
                }
            }
        }
    }
    for node in &t.nodes {
        for (i, a) in node.addresses.iter().enumerate() {
            for other in &t.pods {
                probes.push(probe(
                    Sender::Node(node.name.clone()),
                    &a.to_string(),
                    &other.addresses[i].to_string(),
                    8080,
                ));
            }
            for s in &t.services {
                for port in s.ports {
                    let mut p =
                        probe(Sender::Node(node.name.clone()), &a.to_string(), &s.addresses[i].to_string(), port.port);
                    p.protocol = port.protocol;
                    probes.push(p.clone());
                    p.sender = Sender::Client(t.clients[0].addresses[i]);
                    p.source = t.clients[0].addresses[i];
                    p.entry = Some(node.name.clone());
                    probes.push(p.clone());
                    p.entry = None;
                    if let Some(np) = port.node_port {
                        p.port = Some(np);
                        p.destination = *a;
                        probes.push(p);
                    }
                }
            }
        }
    }
    for _ in 0..3 {
        let begun = std::time::Instant::now();
        let fates = lab.send(&probes);
        println!("{} probes {:?}", probes.len(), begun.elapsed());
        for (p, f) in probes.iter().zip(&fates) {
            if !matches!(f, Fate::Allowed { .. }) || matches!(&p.sender, Sender::Client(_) | Sender::Node(_)) {
                println!("{p}: {f}");
            }
        }
    }
    if std::env::var("LABHOLD").is_ok() {
        std::thread::sleep(std::time::Duration::from_secs(600));
    }
    for _ in 0..5 {
        let begun = std::time::Instant::now();
        lab.apply(&[serde_json::json!({"apiVersion": "crd.projectcalico.org/v1", "kind": "GlobalNetworkPolicy", "metadata": {"name": "default.deny"}, "spec": {"selector": "has(projectcalico.org/namespace)", "types": ["Ingress", "Egress"]}})]);
        println!("apply {:?}", begun.elapsed());
        let begun = std::time::Instant::now();
        let fates = lab.send(&probes);
        println!("{} probes {:?}", probes.len(), begun.elapsed());
        let mut c = std::collections::BTreeMap::new();
        for f in fates {
            *c.entry(f).or_insert(0) += 1;
        }
        println!("{c:?}");
    }
}
