//! What every command that changes something does with its plan: show it, ask, write it, say what was done.
//! Never knows what the plan is for.

mod asked;
mod permitted;
mod printed;
mod taken_back;
pub mod unfinished;

use std::time::Duration;

use super::confirming::Vigil;
use super::session::Session;
use super::trial;
use crate::apply::{ApprovedPlan, Change, Patience, Prepared, Stop, apply, prepare};
use crate::cli::{DryRun, Output, Writing};
use crate::kubernetes::source::{Source, SourceWriter};
use crate::model::world::{Version, World};
use crate::outcome::{Outcome, Problem};
use crate::plan::Plan;
use crate::plan::assertion::Assertion;
use crate::plan::revoke::holders;
use crate::record::journal::{self, Journal, JournalError, Listed};
use crate::record::{State, Summary};
use crate::show::diff;
use crate::show::yaml::json_objects;

/// How often a plan is made anew because others changed its objects in between. Each time somebody else came first.
const PLANS: usize = 50;
/// How often an object may be found in the same unexpected state before that is no accident.
const SAME: usize = 3;

/// A plan, and what it must fit.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Calico's version, whose rules the objects must follow.
    pub calico: Option<Version>,
}

impl Planned {
    /// A plan for a world. Rules of the world's grants come in only while these stand.
    pub fn on(world: &World, mut plan: Plan) -> Planned {
        plan.rests_on = holders(world);
        Planned { plan, calico: world.calico }
    }
}

/// Who reads what is said of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// A person, who sees the plan before it is made.
    Person,
    /// A log: one line for each object that is written, and none where nothing is to be done.
    Log,
}

/// A change under way.
struct Work<'a> {
    session: &'a Session<'a>,
    writing: &'a Writing,
    undoes: Option<u32>,
    voice: Voice,
    /// What must hold after the change.
    tests: Vec<Assertion>,
    /// Set where the change has to be confirmed.
    vigil: Option<Vigil<'a>>,
    journal: Option<Journal>,
    /// A change that was killed right before its record could be finished, and is the one that is asked for again.
    completed: Option<u32>,
    /// The history as it was before this change, or why it could not be read.
    older: Result<Vec<Listed>, JournalError>,
    approved: Option<Prepared>,
}

/// Makes the plan, shows it, asks, applies it. Where an object changed in between so that the plan no longer fits, it is
/// made anew; a person who said yes is asked again only if there is more in it.
pub async fn change(
    session: &Session<'_>,
    writing: &Writing,
    undoes: Option<u32>,
    plan: impl AsyncFn() -> Result<Planned, Problem>,
) -> Result<Outcome, Problem> {
    change_as(session, writing, undoes, Voice::Person, plan).await
}

/// The same, said to whom it concerns.
pub async fn change_as(
    session: &Session<'_>,
    writing: &Writing,
    undoes: Option<u32>,
    voice: Voice,
    plan: impl AsyncFn() -> Result<Planned, Problem>,
) -> Result<Outcome, Problem> {
    let mut work = Work {
        session,
        writing,
        undoes,
        voice,
        tests: trial::load(&writing.tests, session.namespace().as_deref())?,
        vigil: None,
        journal: None,
        completed: None,
        older: Ok(Vec::new()),
        approved: None,
    };
    work.check_flags()?;
    if let Source::Cluster(cluster) = &session.source {
        cluster.check_writable(work.only_prints()).await?;
    }
    work.look_back().await?;
    if writing.dry_run == DryRun::None {
        work.vigil = Vigil::before(session, &writing.confirming).await?;
    }
    let mut done = Change::default();
    let mut stale: Vec<Stop> = Vec::new();
    for _ in 0..PLANS {
        let (prepared, calico) = match work.prepare(&plan).await {
            Ok(prepared) => prepared,
            // An object that is not as it was planned for: somebody came in between, unless it is so again and again.
            Err(Ended::Stale(stop)) if stale.iter().filter(|before| **before == stop).count() < SAME => {
                stale.push(stop);
                continue;
            }
            Err(ended) if work.is_untouched(&done) => return work.completed(ended.into()),
            Err(ended) => return work.give_up(&done, ended.into(), false).await,
        };
        if prepared.is_empty() && done.written.is_empty() {
            return work.nothing_to_do(&prepared).await;
        }
        if work.only_prints() {
            work.print_dry(&prepared);
            return Ok(Outcome::Done);
        }
        match work.permitted(&prepared).await {
            Ok(()) => {}
            Err(problem) if work.is_untouched(&done) => return Err(problem),
            Err(problem) => return work.give_up(&done, problem, false).await,
        }
        if let Some(vigil) = work.vigil.as_ref().filter(|_| work.approved.is_none()) {
            vigil.break_glass(&prepared).await?;
        }
        let approved = match work.approve(prepared) {
            Ok(approved) => approved,
            Err(problem) if work.is_untouched(&done) => return Err(problem),
            Err(problem) => return work.give_up(&done, problem, false).await,
        };
        work.open_journal(&approved, calico).await?;
        let (change, stop) = work.apply(&approved).await;
        done.written.extend(change.written);
        match stop {
            Some(stop @ Stop::Stale { .. }) => stale.push(stop),
            stop => return work.finish(done, stop).await,
        }
    }
    let problem =
        Problem::failed(format!("others changed the same objects each of the {PLANS} times that a plan was made"));
    work.give_up(&done, problem, false).await
}

/// Why there is nothing to apply.
enum Ended {
    Stale(Stop),
    Problem(Problem),
}

impl From<Ended> for Problem {
    fn from(ended: Ended) -> Problem {
        match ended {
            Ended::Stale(stop) => stop.into(),
            Ended::Problem(problem) => problem,
        }
    }
}

impl Work<'_> {
    fn writer(&self) -> SourceWriter<'_> {
        self.session.source.writer(self.writing.dry_run == DryRun::Server, &self.writing.field_manager)
    }

    /// Whether neither an object nor a record was written.
    fn is_untouched(&self, done: &Change) -> bool {
        done.written.is_empty() && self.journal.is_none()
    }

    async fn prepare(
        &self,
        plan: &impl AsyncFn() -> Result<Planned, Problem>,
    ) -> Result<(Prepared, Option<Version>), Ended> {
        let Planned { plan, calico } = plan().await.map_err(Ended::Problem)?;
        trial::hold(self.session, &self.tests, &plan).await.map_err(Ended::Problem)?;
        match prepare(&self.writer(), plan, calico).await {
            Ok(prepared) => Ok((prepared, calico)),
            Err(stop @ Stop::Stale { .. }) => Err(Ended::Stale(stop)),
            Err(stop) => Err(Ended::Problem(stop.into())),
        }
    }

    fn check_flags(&self) -> Result<(), Problem> {
        let files = matches!(self.session.source, Source::Manifests(_));
        if files && self.writing.dry_run == DryRun::Server {
            let problem = Problem::usage("--dry-run=server asks an API server, and with -f there is none");
            return Err(problem.hint("--dry-run=client shows what would change"));
        }
        Ok(())
    }

    /// Nothing is written: a dry run on this side, or standard input, which cannot be written to.
    fn only_prints(&self) -> bool {
        self.writing.dry_run == DryRun::Client || self.session.reads_stdin()
    }

    /// A change that is undone by now, whoever did that, needs no undo any more.
    async fn nothing_to_do(&mut self, prepared: &Prepared) -> Result<Outcome, Problem> {
        let context = self.session.context;
        if let Some(journal) = &mut self.journal {
            let writer = self.session.source.writer(false, &self.writing.field_manager);
            journal.forget(&writer).await?;
        }
        if self.voice == Voice::Log {
            return Ok(Outcome::Done);
        }
        context.say(&diff::notes(&prepared.notes, context.paint_errors));
        match self.writing.output {
            Output::Json => context.print(&json_objects(&[])),
            Output::Yaml | Output::Name => {}
            Output::Table | Output::Wide => context.print(&format!("{}: nothing to do\n", prepared.title)),
        }
        if self.writing.dry_run == DryRun::None {
            self.settle(None).await?;
            if let Some(number) = self.undoes {
                journal::mark_undone(&self.writer(), &self.writing.records.record_namespace, number, None).await?;
            }
        }
        Ok(Outcome::Done)
    }

    /// A record is kept on clusters only: files have a history of their own, and a dry run changes nothing.
    async fn open_journal(&mut self, approved: &ApprovedPlan, calico: Option<Version>) -> Result<(), Problem> {
        let Source::Cluster(cluster) = &self.session.source else { return Ok(()) };
        if self.writing.no_record || self.writing.dry_run != DryRun::None || self.journal.is_some() {
            return Ok(());
        }
        let older = self.older.as_ref().map_err(|error| Stop::Record(error.clone()))?;
        let context = self.session.context;
        let summary = Summary {
            number: 0,
            when: context.when(),
            user: user(cluster.user(), context.global.connection.impersonate.as_deref()),
            context: cluster.context().unwrap_or_default().into(),
            command: context.command_line.clone(),
            title: approved.title().into(),
            state: State::Started,
            tool: env!("CARGO_PKG_VERSION").into(),
            calico: calico.map(|version| version.to_string()),
            api: cluster.calico_api().await?.into(),
            undoes: self.undoes,
            undone_by: None,
            finished_by: None,
        };
        self.journal = Some(Journal::new(&self.writing.records.record_namespace, summary, older));
        Ok(())
    }

    async fn apply(&mut self, approved: &ApprovedPlan) -> (Change, Option<Stop>) {
        let spread = Duration::from_millis(u64::from(std::process::id() % 8));
        let patience = Patience { tries: 200, within: Duration::from_secs(120), spread };
        let writer = self.session.source.writer(self.writing.dry_run == DryRun::Server, &self.writing.field_manager);
        apply(&writer, approved, self.journal.as_mut(), &self.session.interrupt, patience).await
    }

    async fn finish(&mut self, done: Change, stop: Option<Stop>) -> Result<Outcome, Problem> {
        self.print_done(&done);
        if let Some(stop) = stop {
            let in_doubt = stop.is_in_doubt();
            if self.vigil.is_some() && !done.written.is_empty() {
                return self.take_back(&done, &stop.to_string(), in_doubt).await;
            }
            return self.give_up(&done, stop.into(), in_doubt).await;
        }
        if let Some(vigil) = self.vigil.as_ref().filter(|_| !done.written.is_empty())
            && let Err(why) = vigil.confirmed(&self.session.interrupt).await
        {
            return self.take_back(&done, &why, false).await;
        }
        let (writer, context) = (&self.session.source.writer(false, &self.writing.field_manager), self.session.context);
        if let Some(journal) = &mut self.journal {
            let ended = match journal.wrote_anything() {
                true => journal.end(writer, State::Done).await,
                false => journal.forget(writer).await,
            };
            let number = journal.number();
            let kept = match ended {
                Ok(()) => self.keep_history(number).await,
                ended => ended,
            };
            if let Err(error) = kept {
                let problem = Problem::failed("the change is made, but its record is not complete");
                let problem = error.causes().into_iter().fold(problem, Problem::because);
                return Err(problem
                    .hint("`kubectl zerotrust history` shows what is recorded; the same command again completes it"));
            }
            if let Some(number) = number.filter(|_| self.writing.output.is_text() && self.voice == Voice::Person) {
                context.print(&format!("Recorded as {number}: `kubectl zerotrust undo {number}` takes it back.\n"));
            }
        }
        Ok(Outcome::Done)
    }

    /// Says in older records what this change, which is done, means for them, and removes those that are too many.
    async fn keep_history(&self, number: Option<u32>) -> Result<(), JournalError> {
        let writer = self.session.source.writer(false, &self.writing.field_manager);
        let namespace = &self.writing.records.record_namespace;
        if let (Some(by), Some(undone)) = (number, self.undoes) {
            journal::mark_undone(&writer, namespace, undone, Some(by)).await?;
        }
        self.settle(number).await?;
        match &self.older {
            Ok(older) => journal::prune(&writer, namespace, older).await,
            Err(_) => Ok(()),
        }
    }

    /// Writes down how far it came and says so. A write in doubt may have happened without an answer.
    async fn give_up(&mut self, done: &Change, problem: Problem, in_doubt: bool) -> Result<Outcome, Problem> {
        let mut problem = problem;
        let mut number = None;
        if let Some(journal) = &mut self.journal {
            let writer = &self.session.source.writer(false, &self.writing.field_manager);
            let wrote = journal.wrote_anything() || in_doubt;
            let ended = if wrote { journal.end(writer, State::Partial).await } else { journal.forget(writer).await };
            number = journal.number();
            if let Err(error) = ended {
                problem = problem.because("the record could not be finished either");
                problem = error.causes().into_iter().fold(problem, Problem::because);
            }
        }
        let written: Vec<String> = done.written.iter().map(|written| written.object.to_string()).collect();
        problem = match (written.is_empty(), in_doubt) {
            (true, false) => return Err(problem.hint("nothing was written")),
            (true, true) => problem.hint("no answer came, so the write may have happened"),
            (false, _) => problem.hint(format!("written: {}; the rest was not", written.join(", "))),
        };
        problem = problem.hint("the same command again goes on from what is there");
        Err(match number {
            Some(number) => problem.hint(format!("`kubectl zerotrust undo {number}` takes back what was written")),
            None => problem,
        })
    }
}

/// Who makes a change, as far as the kubeconfig tells.
fn user(name: Option<&str>, impersonated: Option<&str>) -> String {
    match (impersonated, name) {
        (Some(impersonated), Some(name)) => format!("{impersonated} (as {name})"),
        (Some(name), None) | (None, Some(name)) => name.to_string(),
        (None, None) => "unknown".to_string(),
    }
}
