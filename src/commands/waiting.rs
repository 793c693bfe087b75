//! Waits for a load balancer to give a Service an address, and says how it goes on.
//! Never writes anything.

use std::io::IsTerminal;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::context::Context;
use super::session::Session;
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::Query;
use crate::outcome::Problem;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(1);
/// How often a line is printed where none can move.
const LINES: Duration = Duration::from_secs(15);

/// What ended the wait.
pub enum Waited {
    /// The Service has an address.
    Given,
    /// It has none, and this is why nobody waits any longer.
    Not(Problem),
}

/// Waits until the Service has an address, at most so long; zero looks once. Ctrl-C ends it.
pub async fn for_address(
    session: &Session<'_>,
    (namespace, name): &(String, String),
    timeout: Duration,
) -> Result<Waited, Problem> {
    session.listen();
    let began = Instant::now();
    let mut progress = Progress::new(session.context, format!("{namespace}/{name}"), timeout);
    loop {
        let seen = has_address(session, namespace, name).await;
        if let Ok(true) = seen {
            progress.end();
            return Ok(Waited::Given);
        }
        let waited = began.elapsed();
        if session.interrupt.raised() || waited >= timeout {
            progress.end();
            let mut problem = match session.interrupt.raised() {
                true => Problem::unknown(format!("stopped: Service {namespace}/{name} has no address yet")),
                false => Problem::unknown(format!(
                    "the load balancer has given Service {namespace}/{name} no address within {}",
                    shown(timeout)
                )),
            };
            if let Err(error) = seen {
                problem = problem.because(error.message);
            }
            return Ok(Waited::Not(problem));
        }
        progress.tell(waited);
        sleep(EVERY.min(timeout.saturating_sub(waited))).await;
    }
}

async fn has_address(session: &Session<'_>, namespace: &str, name: &str) -> Result<bool, Problem> {
    let query = Query::all(Kind::Service).in_namespace(namespace).named(name);
    let scene = session.look(vec![query], |_| Vec::new()).await?;
    let service = scene.world.services.get(&(namespace.to_string(), name.to_string()));
    let Some(service) = service else {
        return Err(Problem::failed(format!("Service {namespace}/{name} does not exist any more")));
    };
    Ok(!service.load_balancer_ips.is_empty() || !service.proxied_ips.is_empty())
}

/// As `60s`, or `1m30s`.
pub fn shown(time: Duration) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    match (seconds / 60, seconds % 60) {
        _ if seconds == 0 && millis > 0 => format!("{millis}ms"),
        (0 | 1, _) if seconds <= 60 => format!("{seconds}s"),
        (minutes, 0) => format!("{minutes}m"),
        (minutes, rest) => format!("{minutes}m{rest}s"),
    }
}

/// What a person sees of a wait that takes over a second: a line that moves on a terminal, plain ones elsewhere.
struct Progress<'a> {
    context: &'a Context,
    what: String,
    moves: bool,
    told: Option<Duration>,
}

impl<'a> Progress<'a> {
    fn new(context: &'a Context, service: String, timeout: Duration) -> Progress<'a> {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let what = format!("waiting for an address of the load balancer for {service}, at most {}", shown(timeout));
        Progress { context, what, moves: std::io::stderr().is_terminal() && !dumb, told: None }
    }

    fn tell(&mut self, waited: Duration) {
        if waited < EVERY {
            return;
        }
        if self.moves {
            self.context.say_again(&format!("{} ({})", self.what, shown(waited)));
            self.told = Some(waited);
        } else if self.told.is_none_or(|told| waited >= told + LINES) {
            self.context.say(&format!("{} ({} so far)\n", self.what, shown(waited)));
            self.told = Some(waited);
        }
    }

    fn end(&mut self) {
        if self.moves && self.told.take().is_some() {
            self.context.say_again("");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_worded_as_they_are_given() {
        let seconds = [0, 1, 60, 61, 90, 120, 3600].map(|seconds| shown(Duration::from_secs(seconds)));
        assert_eq!(seconds, ["0s", "1s", "60s", "1m1s", "1m30s", "2m", "60m"]);
        assert_eq!(shown(Duration::from_millis(250)), "250ms");
    }
}
