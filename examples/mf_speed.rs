//! speed
use kubectl_zerotrust::kubernetes::{Reader, manifests::Manifests, objects::Objects};
use std::time::Instant;
fn main() {
    let paths = std::env::args().skip(1).map(Into::into).collect();
    let t = Instant::now();
    let mut objects = Objects::default();
    let m = Manifests::new(paths);
    let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
    rt.block_on(m.read(&[], &mut objects)).unwrap();
    println!(
        "{:?} pods {} policies {} unread {} notices {}",
        t.elapsed(),
        objects.pods.items.len(),
        objects.calico_policies.items.len(),
        objects.unread.len(),
        objects.notices.len()
    );
    for u in objects.unread.iter().take(10) {
        println!("{u:?}");
    }
    for u in objects.notices.iter().take(10) {
        println!("{u:?}");
    }
}
