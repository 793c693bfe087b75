//! Worlds whose outcome is known beforehand, from what Calico documents.
//! Never knows our evaluation: the kernel judges the lab, and later the lab judges us.

use super::lab::Lab;
use super::topology::{Encapsulation, Mode, Proxy};

#[test]
fn trial() {
    let begun = std::time::Instant::now();
    let lab = Lab::start(Mode { encapsulation: Encapsulation::Direct, proxy: Proxy::Iptables, dual: false, nodes: 3 });
    println!("{:?}", begun.elapsed());
    lab.save(std::path::Path::new("/tmp/labgo/saved"));
    println!("{}", lab.logs());
}
