//! Carries out an approved plan, one object after the other, and stops as soon as a write no longer means what was
//! approved. The only code that writes policies.
//! Never knows a prompt, a table or a flag.

pub mod difference;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;

use crate::kubernetes::{AccessError, ObjectRef, Writer};
use crate::model::validate::{Violation, validate};
use crate::model::world::Version;
use crate::plan::edit::{Edit, apply_all, grants_gained, holds};
use crate::plan::{Note, Plan};
use crate::record::Entry;
use crate::record::journal::{Journal, JournalError};
use difference::Difference;

/// A plan beside the objects as they are: what it would change now. Steps that change nothing are gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// One line that says what it is for.
    pub title: String,
    /// What the operator must know before saying yes.
    pub notes: Vec<Note>,
    /// Writes, in order.
    pub steps: Vec<PreparedStep>,
    rests_on: BTreeMap<String, ObjectRef>,
}

/// One object's change.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedStep {
    /// Which object.
    pub object: ObjectRef,
    /// Why, for a person.
    pub why: String,
    /// As it is.
    pub before: Option<Value>,
    /// As it would be.
    pub after: Option<Value>,
    /// What that changes.
    pub difference: Difference,
    edits: Vec<Edit>,
}

/// A plan that a person said yes to, or that was asked for with --yes. Nothing else can be applied.
#[derive(Debug)]
pub struct ApprovedPlan(Prepared);

/// What was done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Writes that happened, in order.
    pub written: Vec<Written>,
}

/// One write that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Which object.
    pub object: ObjectRef,
    /// As it was.
    pub before: Option<Value>,
    /// As it is stored now.
    pub after: Option<Value>,
}

/// Why a plan cannot be applied, or no further.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Stop {
    /// The object is no longer as the plan found it. Nothing was written to it; a new plan can be made.
    #[error("{object} is no longer as it was when the change was planned: {reason}")]
    Stale {
        /// Which.
        object: ObjectRef,
        /// Why.
        reason: String,
    },
    /// The object would break Calico's rules.
    #[error("{object} would not be what Calico takes")]
    Invalid {
        /// Which.
        object: ObjectRef,
        /// What it breaks.
        violations: Vec<Violation>,
    },
    /// Others wrote the object all the time.
    #[error("{object} was changed by others each of the {tries} times that it was tried")]
    Contended {
        /// Which.
        object: ObjectRef,
        /// How often.
        tries: u32,
    },
    /// Ctrl-C, or SIGTERM.
    #[error("interrupted before {object}")]
    Interrupted {
        /// What would have come next.
        object: ObjectRef,
    },
    /// The object could not be read or written.
    #[error("{object} could not be written")]
    Access {
        /// Which.
        object: ObjectRef,
        /// Why.
        #[source]
        error: AccessError,
    },
    /// The record could not be written, before the first change.
    #[error(transparent)]
    Record(#[from] JournalError),
}

impl Stop {
    /// Whether the write under way may have happened although nobody said so: the server went away.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, Stop::Access { error: AccessError::Unavailable(_) | AccessError::Credentials(_), .. })
    }
}

/// How long others are waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How often a write that meets another's is tried.
    pub tries: u32,
    /// How long all tries of one object may take.
    pub within: Duration,
    /// What is added to each wait, so that several processes that met once do not meet again.
    pub spread: Duration,
}

/// Set from outside when the operator wants to stop; looked at between two writes.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks to stop.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    pub fn raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Prepared {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether an operator who approved this approved `now` too: it has no other object, and nothing else in any.
    pub fn covers(&self, now: &Prepared) -> bool {
        now.steps.iter().all(|step| {
            let mut approved = self.steps.iter().filter(|approved| approved.object == step.object);
            approved.any(|approved| approved.difference.approves(&step.difference))
        })
    }

    /// Makes it a plan that can be applied. To be called for a person's yes, or --yes.
    pub fn approved(self) -> ApprovedPlan {
        ApprovedPlan(self)
    }
}

impl ApprovedPlan {
    /// One line that says what it is for.
    pub fn title(&self) -> &str {
        &self.0.title
    }
}

/// Reads every object of the plan, all at the same time, and computes what each write would mean now; what is written twice
/// is the second time as the first leaves it.
pub async fn prepare<W: Writer>(writer: &W, plan: Plan, version: Option<Version>) -> Result<Prepared, Stop> {
    let reads = join_all(plan.steps.iter().map(|step| writer.get(&step.object))).await;
    let mut steps: Vec<PreparedStep> = Vec::new();
    for (step, read) in plan.steps.into_iter().zip(reads) {
        let object = step.object;
        let earlier = steps.iter().rfind(|earlier| earlier.object == object).map(|earlier| earlier.after.clone());
        let before = match earlier {
            Some(after) => after,
            None => read.map_err(|error| Stop::Access { object: object.clone(), error })?,
        };
        let after = edited(&object, &step.edits, before.as_ref())?;
        let difference = Difference::between(before.as_ref(), after.as_ref());
        if difference.is_empty() {
            continue;
        }
        check(&object, &step.edits, after.as_ref(), version)?;
        steps.push(PreparedStep { object, why: step.why, before, after, difference, edits: step.edits });
    }
    Ok(Prepared { title: plan.title, notes: plan.notes, steps, rests_on: plan.rests_on })
}

/// Carries out the plan. The record, where there is one, is written before the first write and stays open: the caller
/// ends it, or goes on with a new plan after `Stop::Stale`.
pub async fn apply<W: Writer>(
    writer: &W,
    plan: &ApprovedPlan,
    mut journal: Option<&mut Journal>,
    interrupt: &Interrupt,
    patience: Patience,
) -> (Change, Option<Stop>) {
    let mut change = Change::default();
    let ApprovedPlan(plan) = plan;
    if let Some(journal) = journal.as_deref_mut() {
        let entries =
            plan.steps.iter().map(|step| Entry::planned(&step.object, step.before.clone(), step.after.clone()));
        if let Err(error) = journal.begin(writer, entries.collect()).await {
            return (change, Some(error.into()));
        }
    }
    for step in &plan.steps {
        let earlier = change.written.iter().rfind(|written| written.object == step.object);
        let found = earlier.map_or(&step.before, |written| &written.after).clone();
        match write(writer, step, found, &plan.rests_on, interrupt, patience).await {
            Ok(None) => {}
            Ok(Some(written)) => {
                if let Some(journal) = journal.as_deref_mut() {
                    journal.wrote(&written.object, written.before.clone(), written.after.clone());
                }
                change.written.push(written);
            }
            Err(stop) => return (change, Some(stop)),
        }
    }
    (change, None)
}

/// Writes one object. A write that meets another's is computed again on what is there then, as often as it takes, as long
/// as it still means what was approved: of several operators who add a rule to one policy none loses theirs. A write of
/// which nobody says whether it happened is looked for, and sent once more where it did not: it carries the version that
/// it was computed from, so of the two at most one is taken.
async fn write<W: Writer>(
    writer: &W,
    step: &PreparedStep,
    found: Option<Value>,
    rests_on: &BTreeMap<String, ObjectRef>,
    interrupt: &Interrupt,
    patience: Patience,
) -> Result<Option<Written>, Stop> {
    let object = &step.object;
    let access = |error| Stop::Access { object: object.clone(), error };
    let began = Instant::now();
    let mut before = found;
    // What was there when a write got no answer.
    let mut doubtful: Option<Option<Value>> = None;
    for attempt in 1..=patience.tries {
        let after = edited(object, &step.edits, before.as_ref())?;
        let difference = Difference::between(before.as_ref(), after.as_ref());
        if difference.is_empty() {
            return Ok(doubtful.map(|was| Written { object: object.clone(), before: was, after: before }));
        }
        if interrupt.raised() {
            return Err(Stop::Interrupted { object: object.clone() });
        }
        if !step.difference.approves(&difference) {
            let reason = "the write would not mean any more what was approved".into();
            return Err(Stop::Stale { object: object.clone(), reason });
        }
        stand(writer, object, before.as_ref(), after.as_ref(), rests_on).await?;
        let doubt = match send(writer, before.as_ref(), after.as_ref()).await {
            Ok(stored) => return Ok(Some(Written { object: object.clone(), before, after: stored })),
            Err(AccessError::Conflict(_) | AccessError::Exists(_) | AccessError::Missing(_)) => None,
            Err(error @ AccessError::Unavailable(_)) if doubtful.is_none() => Some(error),
            Err(error) => return Err(access(error)),
        };
        if began.elapsed() > patience.within {
            return Err(Stop::Contended { object: object.clone(), tries: attempt });
        }
        tokio::time::sleep(wait(attempt, patience.spread)).await;
        match (writer.get(object).await, doubt) {
            (Ok(now), None) => before = now,
            // It is there as it was sent.
            (Ok(now), Some(_)) if Difference::between(now.as_ref(), after.as_ref()).is_empty() => {
                return Ok(Some(Written { object: object.clone(), before, after: now }));
            }
            (Ok(now), Some(_)) => doubtful = Some(std::mem::replace(&mut before, now)),
            // Why the write failed says more than why looking for it did.
            (Err(_), Some(error)) | (Err(error), None) => return Err(access(error)),
        }
    }
    Err(Stop::Contended { object: object.clone(), tries: patience.tries })
}

/// Whether the grants whose rules come in are still held. Looked at after the object was read: whoever takes one back from
/// then on takes it from its holder first, and from this object as it is after the write.
async fn stand<W: Writer>(
    writer: &W,
    object: &ObjectRef,
    before: Option<&Value>,
    after: Option<&Value>,
    rests_on: &BTreeMap<String, ObjectRef>,
) -> Result<(), Stop> {
    for id in grants_gained(before, after) {
        let Some(holder) = rests_on.get(&id) else { continue };
        let held = match holder == object {
            true => after.is_some_and(|after| holds(after, &id)),
            false => {
                let read = writer.get(holder).await;
                let now = read.map_err(|error| Stop::Access { object: holder.clone(), error })?;
                now.is_some_and(|now| holds(&now, &id))
            }
        };
        if !held {
            let reason = format!("grant {id}, whose rules it was to get, is taken back");
            return Err(Stop::Stale { object: object.clone(), reason });
        }
    }
    Ok(())
}

/// Shorter with each try: somebody wins each round, and of those who lost, whoever lost most often comes first.
fn wait(attempt: u32, spread: Duration) -> Duration {
    Duration::from_millis(80) / attempt + spread
}

async fn send<W: Writer>(
    writer: &W,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<Option<Value>, AccessError> {
    match (before, after) {
        (None, Some(after)) => writer.create(after).await.map(Some),
        (Some(_), Some(after)) => writer.replace(after).await.map(Some),
        (Some(before), None) => writer.delete(before).await.map(|()| None),
        (None, None) => Ok(None),
    }
}

fn edited(object: &ObjectRef, edits: &[Edit], before: Option<&Value>) -> Result<Option<Value>, Stop> {
    apply_all(edits, before).map_err(|error| Stop::Stale { object: object.clone(), reason: error.to_string() })
}

/// What is put back as it was is not checked: it was there before us.
fn check(object: &ObjectRef, edits: &[Edit], after: Option<&Value>, version: Option<Version>) -> Result<(), Stop> {
    let restored = edits.iter().all(|edit| matches!(edit, Edit::Restore { .. }));
    let Some(after) = after.filter(|_| object.kind.is_calico() && !restored) else { return Ok(()) };
    match validate(after, version) {
        violations if violations.is_empty() => Ok(()),
        violations => Err(Stop::Invalid { object: object.clone(), violations }),
    }
}

#[cfg(test)]
mod tests;
