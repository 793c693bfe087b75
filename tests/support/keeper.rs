//! Processes and directories that cannot outlive the test, not even when the test is killed with SIGKILL.
//! It does not know what the processes are.
//!
//! Each is held by a shell that reads from a pipe whose only writer is this process. However this process ends, the
//! pipe closes then, and the shell clears away what it holds. (PR_SET_PDEATHSIG would need unsafe code, and looks at the
//! thread that started the child, not at the process.)

use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Runs "$@" until it ends or the pipe closes. SIGKILL, since whatever the servers could still save is thrown away.
const RUN: &str = r#"
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ while read -r line; do :; done; kill -KILL "$server"; } <&3 2>/dev/null &
watcher=$!
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"#;

/// Removes "$1" when the pipe closes; twice, because a server that is just being killed may still write there.
const REMOVE: &str = r#"
while read -r line; do :; done
rm -rf "$1" 2>/dev/null || { sleep 1; rm -rf "$1"; }
"#;

/// Starts the shell in a process group of its own: Ctrl-C in a terminal must not end it before its work is done.
fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "keeper"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).current_dir("/");
    command
}

/// Closing the pipe and waiting is how every keeper ends when the test goes on.
fn end(shell: &mut Child) {
    drop(shell.stdin.take());
    let _ = shell.wait();
}

/// A running server; dropping it kills the server and waits until it is gone.
#[derive(Debug)]
pub struct Keeper {
    shell: Child,
    log: PathBuf,
}

impl Keeper {
    /// Starts `program`, which can have arguments of its own before `args`; stdout and stderr go to the file `log`. Of our
    /// environment it gets `PATH` alone.
    pub fn start(program: &[OsString], args: &[String], log: PathBuf) -> Self {
        let file = File::create(&log).expect("make a server's log");
        let mut command = shell(RUN);
        command.args(program).args(args).stdout(file.try_clone().expect("share a server's log")).stderr(file);
        // etcd reads every flag from the environment too, so the environment of whoever runs the tests must not count.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        let shell = command.spawn().expect("start /bin/sh");
        Keeper { shell, log }
    }

    /// Whether the server still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.shell.try_wait(), Ok(None))
    }

    /// What the server printed so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        end(&mut self.shell);
    }
}

/// A directory that only this user can read; dropping it removes it.
#[derive(Debug)]
pub struct Scratch {
    shell: Child,
    path: PathBuf,
}

impl Scratch {
    /// Makes the directory. Its path is short, since the path of a Unix socket in it may have about 100 bytes.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // The time, since the process id alone comes back while what a killed machine left behind is still there.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("zt{}-{count}-{now:x}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&path).expect("make a temporary directory");
        let shell = shell(REMOVE).arg(&path).spawn().expect("start /bin/sh");
        Scratch { shell, path }
    }

    /// The path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        end(&mut self.shell);
    }
}
