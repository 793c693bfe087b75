//! `--confirm-within`: a change that nobody confirms in time, or after which something answers no more, is taken back.
//! Never knows what was changed.

use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::session::Session;
use crate::apply::{Interrupt, Prepared};
use crate::cli::Confirming;
use crate::kubernetes::AccessError;
use crate::kubernetes::cluster::{Cluster, accepts};
use crate::kubernetes::source::Source;
use crate::outcome::Problem;

/// How often everything is asked again.
const EVERY: Duration = Duration::from_secs(5);
/// How often Enter and Ctrl-C are looked for.
const TICK: Duration = Duration::from_millis(100);
/// An Enter that comes sooner was typed behind the answer to a question before.
const TYPED_AHEAD: Duration = Duration::from_millis(700);

/// What has to go on answering.
pub struct Vigil<'a> {
    session: &'a Session<'a>,
    within: Duration,
    probes: &'a [String],
}

impl<'a> Vigil<'a> {
    /// The vigil that was asked for, if one was. What does not answer before a change tells nothing after it.
    pub async fn before(session: &'a Session<'a>, asked: &'a Confirming) -> Result<Option<Vigil<'a>>, Problem> {
        let Some(within) = asked.confirm_within else { return Ok(None) };
        if within.is_zero() {
            return Err(Problem::usage("--confirm-within needs a time to confirm in, as 5m"));
        }
        session.needs_a_cluster("files are not enforced, so nobody can be cut off; leave --confirm-within out")?;
        let vigil = Vigil { session, within, probes: &asked.probe };
        match vigil.silent().await {
            None => Ok(Some(vigil)),
            Some(silent) => Err(Problem::refused(format!("a probe fails before anything is changed: {silent}"))
                .hint("probe what answers now; nothing was written")),
        }
    }

    /// What takes the change back where this program cannot any more, for the operator to keep.
    pub async fn break_glass(&self, prepared: &Prepared) -> Result<(), Problem> {
        let Source::Cluster(cluster) = &self.session.source else { return Ok(()) };
        let mut text = "If this cuts you off and is not taken back: where the API server still answers (a node of the \
                        control plane has a kubeconfig of its own),\n  kubectl zerotrust undo\n"
            .to_string();
        let created = prepared.steps.iter().rev().filter(|step| step.before.is_none());
        let names = join_all(created.map(|step| cluster.kubectl_name(&step.object))).await;
        let names: Vec<String> = names.into_iter().collect::<Result<_, AccessError>>()?;
        if !names.is_empty() {
            text += "or without this program, for what is new in it,\n";
        }
        names.iter().for_each(|name| text += &format!("  kubectl delete {name}\n"));
        self.session.context.say(&text);
        Ok(())
    }

    /// Waits for Enter. Why the change is to be taken back, if it is.
    pub async fn confirmed(&self, interrupt: &Interrupt) -> Result<(), String> {
        let (began, context) = (Instant::now(), self.session.context);
        let enter = enter(context.interactive);
        let mut asked = None;
        loop {
            let left = self.within.saturating_sub(began.elapsed());
            self.countdown(left, asked.is_none());
            if asked.is_none_or(|last: Instant| last.elapsed() >= EVERY) {
                if let Some(silent) = self.silent_twice().await {
                    return Err(silent);
                }
                asked = Some(Instant::now());
            }
            if enter.try_recv().is_ok() {
                return Ok(());
            }
            if interrupt.raised() {
                return Err("it was interrupted before it was confirmed".into());
            }
            if left.is_zero() {
                return Err(format!("nobody confirmed it within {}", spoken(self.within)));
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// One line, that a terminal shows anew as time runs.
    fn countdown(&self, left: Duration, first: bool) {
        let context = self.session.context;
        let line = format!("Press Enter within {} to keep the change; Ctrl-C takes it back.", spoken(left));
        match context.interactive {
            true => context.say(&format!("\r{line} ")),
            false if first => context.say(&format!("{line}\n")),
            false => {}
        }
    }

    /// What does not answer, though it was asked twice: one lost packet is no reason.
    async fn silent_twice(&self) -> Option<String> {
        self.silent().await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.silent().await
    }

    /// What does not answer over new connections. The one that the change was made over is used too: it outlives a policy
    /// that would stop it anew, and is what takes the change back then.
    async fn silent(&self) -> Option<String> {
        let Source::Cluster(established) = &self.session.source else { return None };
        let anew = async {
            let connection = &self.session.context.global.connection;
            Cluster::connect(connection, Box::new(|_| {})).await?.answers().await
        };
        let (server, probes, _) =
            tokio::join!(anew, join_all(self.probes.iter().map(|probe| accepts(probe))), established.answers());
        let failed = std::iter::once(server).chain(probes).find_map(Result::err)?;
        Some(format!("{failed}"))
    }
}

/// Hears of an Enter. Where there is nobody to press it, it never does.
fn enter(interactive: bool) -> Receiver<()> {
    let (pressed, heard) = channel();
    let began = Instant::now();
    std::thread::spawn(move || {
        let mut line = String::new();
        while std::io::stdin().read_line(&mut line).is_ok_and(|length| length > 0) {
            let ahead = interactive && std::io::stdin().is_terminal() && began.elapsed() < TYPED_AHEAD;
            if !ahead && pressed.send(()).is_err() {
                return;
            }
            line.clear();
        }
    });
    heard
}

/// As `4m 7s`, without the parts that are nothing.
fn spoken(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, 0) => format!("{minutes}m"),
        (minutes, seconds) => format!("{minutes}m {seconds:02}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_said_as_kubectl_takes_it() {
        let said = [300, 299, 60, 7].map(|seconds| spoken(Duration::from_secs(seconds)));
        assert_eq!(said, ["5m", "4m 59s", "1m", "7s"]);
    }
}
