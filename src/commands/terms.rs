//! Flags that several commands share: the terms of a grant (why, and until when), and the risks that are accepted.
//! Never knows what is opened.

use super::context::Context;
use crate::model::moment::{End, Moment};
use crate::model::world::World;
use crate::outcome::Problem;
use crate::plan::{Plan, Risk, expiry};

/// Flags of the commands that make a grant.
#[derive(Clone, Debug, clap::Args)]
pub struct Terms {
    /// Why, for those who read the grant later
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Until when: a span as 2h, 1h30m or 7d, a day as 2026-12-31 (as it begins, in UTC), a time as 2026-12-31T18:00:00Z, or
    /// never; `sync` takes back what has ended
    #[arg(long, value_name = "END")]
    expires: Option<String>,
}

impl Terms {
    /// When the grant is to end, counted from the start of this program.
    pub fn end(&self, context: &Context) -> Result<Option<End>, Problem> {
        let end = self.expires.as_ref().map(|text| End::parse(text, Moment::of(context.now))).transpose();
        end.map_err(|reason| {
            let problem = Problem::usage(format!("--expires: {reason}"));
            problem.hint("--expires 2h, --expires 2026-12-31, --expires never")
        })
    }
}

/// What the operator takes upon themselves, on every command that can refuse for a risk.
#[derive(Clone, Debug, clap::Args)]
pub struct Accepting {
    /// Go on in spite of a risk that a refusal named
    #[arg(long, value_name = "RISK", value_delimiter = ',', value_parser = risk)]
    pub accept_risk: Vec<Risk>,
}

fn risk(word: &str) -> Result<Risk, String> {
    Risk::parse(word).ok_or_else(|| {
        let words: Vec<String> = Risk::ALL.iter().map(Risk::to_string).collect();
        format!("risks that can be accepted are {}", words.join(", "))
    })
}

/// Writes the end of a plan's grant into the plan.
pub fn bound(context: &Context, world: &World, mut plan: Plan, id: &str, end: Option<End>) -> Result<Plan, Problem> {
    expiry::set(world, &mut plan, id, end, Moment::of(context.now))?;
    Ok(plan)
}
