//! Files of tests of reachability: read for `test`, and held against the plan of a command that writes with `--tests`.
//! Never knows how a test is judged.

use std::path::PathBuf;

use super::session::Session;
use crate::kubernetes::manifests::items_of;
use crate::kubernetes::objects::Query;
use crate::outcome::Problem;
use crate::plan::assertion::{Assertion, Held, judge, read, worst};
use crate::plan::simulate::simulate;
use crate::plan::{Plan, needs};
use crate::show::assertions::failing;

/// How many that do not hold are spelled out in a refusal.
const LISTED: usize = 10;

const HINT: &str = "each test is {from: TARGET, to: TARGET, allow: [PORT...], deny: [PORT...]}, or without `to` with targets in the lists";

/// The tests of all files.
pub fn load(files: &[PathBuf], namespace: Option<&str>) -> Result<Vec<Assertion>, Problem> {
    let mut all = Vec::new();
    for file in files {
        let name = file.display().to_string();
        let tests = read(&name, items_of(file)?, namespace);
        all.extend(tests.map_err(|error| Problem::failed(error.to_string()).hint(HINT))?);
    }
    Ok(all)
}

/// Refuses a plan after which a test would not hold, or could not be told to hold.
pub async fn hold(session: &Session<'_>, tests: &[Assertion], plan: &Plan) -> Result<(), Problem> {
    if tests.is_empty() {
        return Ok(());
    }
    let written = plan.steps.iter().map(|step| {
        let query = Query::all(step.object.kind).named(&step.object.name);
        match &step.object.namespace {
            Some(namespace) => query.in_namespace(namespace),
            None => query,
        }
    });
    let first = needs::assertions(tests).into_iter().chain(written).collect();
    let scene = session.observe(first, |world| needs::assertions_follow_ups(world, tests)).await?;
    let after = simulate(&scene.world, &plan.steps)?;
    let judged = judge(&after, tests);
    let mut lines = failing(&judged);
    let more = lines.len().saturating_sub(LISTED);
    lines.truncate(LISTED);
    let problem = match worst(&judged) {
        Held::Yes => return Ok(()),
        Held::No => Problem::refused("after this change a test would fail"),
        Held::Unknown => Problem::unknown("whether every test holds after this change cannot be told"),
    };
    let problem = lines.into_iter().fold(problem, Problem::because);
    let problem = match more {
        0 => problem,
        more => problem.because(format!("and {more} more")),
    };
    Err(problem.hint("nothing was written; `kubectl zerotrust explain` shows such a flow hop by hop"))
}
