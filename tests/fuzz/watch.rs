//! Keeps an eye on one input: it must be done in time, without a panic, and without memory out of proportion to it.
//! Never knows what is done with it.

use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long one input may take on a machine that is busy with other things. Usual are milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// The memory that any input may take, and what each byte of it may besides, in bytes. The nodes for which aliases may
/// stand at most take about a hundred MiB.
#[cfg(target_os = "linux")]
const ROOM: u64 = 256 * 1024 * 1024;
#[cfg(target_os = "linux")]
const RATIO: u64 = 1024;

/// One input after the other, as memory is counted for the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// Does something with an input, of which `name` tells the kind and the seed; gives what comes of it.
pub fn watched<T: Send + 'static>(kind: &str, name: &str, input: &[u8], work: fn(&[u8]) -> T) -> T {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{kind}"));
    std::fs::write(&place, input).unwrap();
    let kept = format!("{kind} {name}, {} bytes, kept in {}", input.len(), place.display());
    let (sender, receiver) = channel();
    let bytes = input.to_vec();
    let before = memory::start();
    let thread = std::thread::spawn(move || _ = sender.send(work(&bytes)));
    match receiver.recv_timeout(PATIENCE) {
        Ok(done) => {
            thread.join().unwrap();
            memory::check(before, input.len(), &kept);
            done
        }
        Err(RecvTimeoutError::Timeout) => panic!("not done after {PATIENCE:?}: {kept}"),
        Err(RecvTimeoutError::Disconnected) => panic!("a panic: {kept}"),
    }
}

#[cfg(target_os = "linux")]
mod memory {
    use super::{RATIO, ROOM};

    /// Begins to count anew; gives the memory in use.
    pub fn start() -> u64 {
        // Resets the high-water mark (Linux, proc(5)).
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        of("VmRSS:")
    }

    pub fn check(before: u64, length: usize, kept: &str) {
        let most = ROOM + RATIO * length as u64;
        let taken = of("VmHWM:").saturating_sub(before);
        assert!(taken <= most, "{taken} bytes of memory, where {most} are enough: {kept}");
    }

    fn of(field: &str) -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

#[cfg(not(target_os = "linux"))]
mod memory {
    pub fn start() {}

    pub fn check(_: (), _: usize, _: &str) {}
}
