//! Ctrl-C, SIGTERM and a lost terminal while something is changed: the first stops between two writes, the second at once.
//! Never knows what is written.

use super::context::Context;
use crate::apply::Interrupt;

/// How a shell sees a program that ended by Ctrl-C.
const INTERRUPTED: i32 = 128 + 2;

/// From now on signals no longer end the program; the first one raises the interrupt.
pub fn listen(interrupt: Interrupt, context: Context) {
    // Taken here and not in the task, which first runs when something is waited for: a question waits for nothing.
    let Some(mut signals) = Signals::take() else { return };
    tokio::spawn(async move {
        signals.next().await;
        interrupt.raise();
        context.say("\nStopping safely; once more stops at once.\n");
        signals.next().await;
        std::process::exit(INTERRUPTED);
    });
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn take() -> Option<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Some(Signals {
            interrupt: signal(SignalKind::interrupt()).ok()?,
            terminate: signal(SignalKind::terminate()).ok()?,
            hangup: signal(SignalKind::hangup()).ok()?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn take() -> Option<Signals> {
        Some(Signals)
    }

    async fn next(&mut self) {
        _ = tokio::signal::ctrl_c().await;
    }
}
