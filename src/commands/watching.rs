//! `wireguard-sync --watch`: brings everything up to date, waits until something changes or a grant ends, and does it again.
//! Never knows what is behind, and never has two changes under way.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::context::Context;
use super::session::Session;
use crate::kubernetes::cluster::watch::{Watches, chance, wait};
use crate::kubernetes::objects::Query;
use crate::kubernetes::source::Source;
use crate::model::moment::Moment;
use crate::outcome::{Outcome, Problem};

/// How often it is looked at everything, whatever is seen to change: the settings of programs are not watched.
const ANYWAY: Duration = Duration::from_secs(300);
/// One change is seldom alone: how long nothing has to change until it is looked at, and how long that is put off at most.
const QUIET: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(5));
/// How often Ctrl-C is looked for.
const TICK: Duration = Duration::from_millis(100);

/// What one look at everything says about the next one.
pub struct Looked {
    /// What was read, and so can change the answer.
    pub asked: Vec<Query>,
    /// When the next grant ends.
    pub end: Option<Moment>,
}

/// Looks again and again, until it is interrupted. Each look has a session of its own, with the time and the credentials of
/// then; what fails is said, and tried again after a while.
pub async fn keep(
    session: &Session<'_>,
    look: impl AsyncFn(&Session<'_>) -> Result<Looked, Problem>,
) -> Result<Outcome, Problem> {
    session.needs_a_cluster("files do not change by themselves; sync -f brings them up to date once")?;
    let Source::Cluster(cluster) = &session.source else { return Ok(Outcome::Usage) };
    session.listen();
    let mut watches = Watches::new(cluster);
    let (mut failures, mut ends) = (0_u32, None);
    while !session.interrupt.raised() {
        let context = Context { now: Timestamp::now(), ..session.context.clone() };
        let looked = match session.again(&context).await {
            Ok(own) => look(&own).await,
            Err(problem) => Err(problem),
        };
        match looked {
            Ok(looked) => {
                (failures, ends) = (0, looked.end);
                // What was read may be older than a watch that begins now.
                watches.follow(&looked.asked);
            }
            // It was the operator who stopped it; whatever was left half done is recorded, and said.
            Err(problem) if session.interrupt.raised() => context.complain(&problem),
            Err(problem) => {
                failures = failures.saturating_add(1);
                complain(&context, &problem, failures);
            }
        }
        pause(session, &mut watches, failures, ends).await;
    }
    Ok(Outcome::Done)
}

fn complain(context: &Context, problem: &Problem, failures: u32) {
    let said = Problem { hints: Vec::new(), ..problem.clone() };
    context.complain(&said);
    if failures == 1 {
        context.say("It is tried again, as long as this runs.\n");
    }
}

/// Waits for the next reason to look.
async fn pause(session: &Session<'_>, watches: &mut Watches<'_>, failures: u32, end: Option<Moment>) {
    let wake = match failures {
        0 => Instant::now() + until(end).map_or(ANYWAY, |left| left.min(ANYWAY)),
        _ => Instant::now() + wait(failures, chance()),
    };
    let changed = async {
        // After a failure the time decides: a server that is half there changes all the time.
        if failures > 0 {
            return std::future::pending().await;
        }
        watches.changed().await;
        let latest = Instant::now() + QUIET.1;
        while Instant::now() < latest && timeout(QUIET.0, watches.changed()).await.is_ok() {}
    };
    let interrupted = async {
        while !session.interrupt.raised() {
            sleep(TICK).await;
        }
    };
    tokio::select! {
        () = changed => {}
        () = sleep_until(wake) => {}
        () = interrupted => {}
    }
}

/// How long it is until a grant ends; a grant ends with its second.
fn until(end: Option<Moment>) -> Option<Duration> {
    let seconds = end?.seconds_after(Moment::of(Timestamp::now()));
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)) + Duration::from_millis(50))
}
