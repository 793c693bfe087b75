//! Reads what Log rules write into the kernel's log.
//! Never lets two labs read at once.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::fs::OFlags;

const RING: &str = "/dev/kmsg";
/// Whether rules in namespaces other than the machine's own may log. It is the machine's, so it is put back.
const SWITCH: &str = "/proc/sys/net/netfilter/nf_log_all_netns";

/// The prefix of lines that nobody reads: those of a lab that does not log. The ring is one for all namespaces, and its
/// lines do not say whose they are.
pub const QUIET: &str = "zt-quiet";

/// Puts the switch back when the pipe closes, however the test ends. Its stdout is the lock, which so lasts until then.
const RESTORE: &str = r#"
read -r former
while read -r line; do :; done
echo "$former" >"$1"
"#;

/// Waits until nobody reads lines, and keeps others from beginning for as long as the file is open.
fn lock() -> File {
    let lock = File::open(RING).unwrap_or_else(|e| panic!("{RING}: {e}"));
    if lock.try_lock().is_err() {
        // Not eprintln!, whose output cargo test holds back: a silent wait looks like a hang.
        let _ = writeln!(std::io::stderr(), "Waiting for another test that reads the kernel's log.");
        lock.lock().expect("lock the kernel's log");
    }
    lock
}

/// What the machine's switch is when nobody reads lines.
pub fn switch() -> String {
    let _lock = lock();
    fs::read_to_string(SWITCH).unwrap_or_else(|e| panic!("{SWITCH}: {e}"))
}

/// The lines of a lab. Dropping it puts the machine's switch back.
#[derive(Debug)]
pub struct KernelLog {
    ring: File,
    keeper: Child,
}

impl KernelLog {
    /// Lets namespaces log, and reads from now on; waits first until nobody else does so. Panics with the reason where this
    /// machine does not allow it.
    pub fn start() -> KernelLog {
        let lock = lock();
        let former = fs::read_to_string(SWITCH).unwrap_or_else(|e| panic!("{SWITCH}: {e}"));
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", RESTORE, "keeper", SWITCH]).stdin(Stdio::piped()).process_group(0);
        let mut keeper = keeper.stdout(lock).stderr(Stdio::null()).spawn().expect("start /bin/sh");
        let pipe = keeper.stdin.as_mut().expect("its stdin is a pipe");
        writeln!(pipe, "{}", former.trim()).expect("tell what the switch was");
        fs::write(SWITCH, "1").unwrap_or_else(|e| panic!("{SWITCH}: {e}"));
        let flags = OFlags::NONBLOCK.bits().try_into().expect("a flag of open(2)");
        let ring = OpenOptions::new().read(true).custom_flags(flags).open(RING);
        let mut ring = ring.unwrap_or_else(|e| panic!("{RING}: {e}"));
        ring.seek(SeekFrom::End(0)).expect("go to the end of the kernel's log");
        KernelLog { ring, keeper }
    }

    /// The packets logged since the last call, as the kernel wrote them: `PREFIX: IN=... OUT=... ...`.
    pub fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut buffer = [0; 8192];
        loop {
            match self.ring.read(&mut buffer) {
                Ok(length) => lines.extend(packet(&buffer[..length])),
                // There are no more.
                Err(error) if error.kind() == ErrorKind::WouldBlock => return lines,
                // Records were overwritten before they were read; the next read begins with the oldest.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
                Err(error) => panic!("{RING}: {error}"),
            }
        }
    }
}

impl Drop for KernelLog {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// The message of a record (`PRIORITY,NUMBER,TIME,FLAGS;MESSAGE` and perhaps more lines), if it is a packet's.
fn packet(record: &[u8]) -> Option<String> {
    let record = String::from_utf8_lossy(record);
    let message = record.split_once(';')?.1.lines().next()?;
    let ours = message.contains("IN=") && message.contains(" OUT=") && !message.starts_with(QUIET);
    ours.then(|| message.to_string())
}

#[test]
fn only_packets_are_taken_from_the_ring() {
    let line = "calico-packet: IN=eth0 OUT= MAC=02:00 SRC=10.7.0.99 DST=10.128.146.41 LEN=60 PROTO=TCP";
    assert_eq!(packet(format!("5,1,2,-;{line}\n SUBSYSTEM=net\n").as_bytes()), Some(line.to_string()));
    assert_eq!(packet(b"5,1,2,-;zt-quiet: IN=eth0 OUT= SRC=10.7.0.99 DST=10.128.146.41\n"), None);
    assert_eq!(packet(b"6,1,2,-;bridge: port 1(control) entered disabled state\n"), None);
}
