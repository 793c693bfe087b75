//! A terminal with a program on it, and the keys that a person presses.
//! It does not know the program.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// How long a program may take until it says what is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// A terminal. The program's standard output is a pipe, so that only what it asks is on it.
#[derive(Debug)]
pub struct Terminal {
    keys: File,
    shown: Arc<Mutex<String>>,
    child: Child,
}

impl Terminal {
    /// Starts a program on a new one.
    pub fn start(mut command: Command) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("unlock the terminal");
        let name = ptsname(&master, Vec::new()).expect("the terminal's name").into_string().expect("text");
        let end = File::options().read(true).write(true).open(name).expect("open the terminal");
        command.stdin(end.try_clone().expect("a second handle")).stderr(end).stdout(Stdio::piped());
        let child = command.spawn().expect("start the program");
        drop(command);
        let keys = File::from(master);
        let (mut screen, shown) = (keys.try_clone().expect("a second handle"), Arc::new(Mutex::new(String::new())));
        let seen = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The last one who has the terminal open ends it with an error.
            while let Ok(length @ 1..) = screen.read(&mut bytes) {
                seen.lock().expect("nobody panics with it").push_str(&String::from_utf8_lossy(&bytes[..length]));
            }
        });
        Terminal { keys, shown, child }
    }

    /// Waits until the terminal shows this, presses these keys, and forgets what was shown.
    pub fn answer(&mut self, question: &str, keys: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut shown = self.shown.lock().expect("nobody panics with it");
            if shown.contains(question) {
                shown.clear();
                break;
            }
            assert!(Instant::now() < deadline, "{question:?} is never asked: {shown}");
            drop(shown);
            std::thread::sleep(Duration::from_millis(20));
        }
        self.keys.write_all(keys.as_bytes()).expect("press keys");
    }

    /// Waits for the program's end, and gives it with what the terminal showed since the last answer.
    pub fn end(self) -> (Output, String) {
        let output = self.child.wait_with_output().expect("wait for the program");
        let shown = self.shown.lock().expect("nobody panics with it").clone();
        (output, shown)
    }
}
