//! Reads what Log rules write into the kernel's log.
//! Never lets two labs log at once: the ring is one for all namespaces, and its lines do not say whose they are.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::fs::OFlags;

const RING: &str = "/dev/kmsg";
/// Whether rules in namespaces other than the machine's own may log. It is the machine's, so it is put back.
const SWITCH: &str = "/proc/sys/net/netfilter/nf_log_all_netns";

/// Puts the switch back when the pipe closes, however the test ends. Its stdout is the lock, which so lasts until then.
const RESTORE: &str = r#"
read -r former
while read -r line; do :; done
echo "$former" >"$1"
"#;

/// Held by a lab for as long as it lives: by one that logs alone, by the others together.
#[derive(Debug)]
pub struct Turn(File);

impl Turn {
    /// Waits until nobody logs; then nobody begins to.
    pub fn quiet() -> Turn {
        let file = File::open(RING).unwrap_or_else(|e| panic!("{RING}: {e}"));
        file.lock_shared().expect("lock the kernel's log");
        Turn(file)
    }

    /// Waits until there is no other lab; then none begins.
    pub fn logging() -> Turn {
        let file = File::open(RING).unwrap_or_else(|e| panic!("{RING}: {e}"));
        file.lock().expect("lock the kernel's log");
        Turn(file)
    }
}

/// The lines of a lab. Dropping it puts the machine's switch back.
#[derive(Debug)]
pub struct KernelLog {
    ring: File,
    keeper: Child,
}

impl KernelLog {
    /// Lets namespaces log, and reads from now on. Panics with the reason where this machine does not allow it.
    pub fn start(turn: &Turn) -> KernelLog {
        let former = fs::read_to_string(SWITCH).unwrap_or_else(|e| panic!("{SWITCH}: {e}"));
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", RESTORE, "keeper", SWITCH]).stdin(Stdio::piped()).process_group(0);
        keeper.stdout(turn.0.try_clone().expect("share the lock")).stderr(Stdio::null());
        let mut keeper = keeper.spawn().expect("start /bin/sh");
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
    (message.contains("IN=") && message.contains(" OUT=")).then(|| message.to_string())
}

#[test]
fn only_packets_are_taken_from_the_ring() {
    let line = "calico-packet: IN=eth0 OUT= MAC=02:00 SRC=10.7.0.99 DST=10.128.146.41 LEN=60 PROTO=TCP";
    assert_eq!(packet(format!("5,1,2,-;{line}\n SUBSYSTEM=net\n").as_bytes()), Some(line.to_string()));
    assert_eq!(packet(b"6,1,2,-;bridge: port 1(control) entered disabled state\n"), None);
}
