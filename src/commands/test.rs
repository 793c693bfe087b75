//! `test`: tests of reachability, held against what stands.
//! Never knows how a verdict is found.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::session::Session;
use super::trial::load;
use crate::cli::{Format, Output};
use crate::outcome::{Outcome, Problem};
use crate::plan::assertion::{Held, judge, worst};
use crate::plan::needs;
use crate::show::assertions::{place, text, views};
use crate::show::yaml::{json, yaml};

const EXAMPLES: &str = "\
Examples:
  # On the cluster
  kubectl zerotrust test reachability.yaml

  # On manifests, in a pipeline: 0 all hold, 3 one fails, 4 one cannot be told
  kubectl zerotrust test reachability.yaml -f deploy/ -o json

  # A change is refused if a test fails after it
  kubectl zerotrust lockdown --tests reachability.yaml

reachability.yaml:
  - from: 10.7.0.99
    to: advanced-policy-demo/nginx
    allow: [80]
    deny: [443, udp/53]
  - name: the shop talks to nobody but its database
    from: shop/web
    allow: [shop/db:5432]
    deny: [billing/api:8080, world:443]";

/// Test that connections pass, or do not
///
/// Each test names who connects and, under `allow` and `deny`, ports of `to` or whole targets. An `allow` holds if every
/// path passes, a `deny` if none does. A name that does not resolve fails, and what cannot be told does not pass.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Test {
    /// Files of tests; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    format: Format,
}

impl Test {
    /// Tests them.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        let is_input = |file: &PathBuf| file == Path::new("-");
        if self.files.iter().any(is_input) && context.global.filename.iter().any(is_input) {
            return Err(Problem::usage("-f - and the tests cannot both be standard input"));
        }
        Session::run(context, async |session| {
            let tests = load(&self.files, session.namespace().as_deref())?;
            let next = |world: &_| needs::assertions_follow_ups(world, &tests);
            let scene = session.observe(needs::assertions(&tests), next).await?;
            let judged = judge(&scene.world, &tests);
            context.print(&match self.format.output {
                Output::Table => text(&judged, false, context.paint),
                Output::Wide => text(&judged, true, context.paint),
                Output::Json => json(&views(&judged)),
                Output::Yaml => yaml(&views(&judged)),
                Output::Name => {
                    let failing = judged.iter().filter(|one| one.held != Held::Yes);
                    failing.map(|one| format!("{}\n", place(one))).collect()
                }
            });
            Ok(match worst(&judged) {
                Held::Yes => Outcome::Done,
                Held::No => Outcome::No,
                Held::Unknown => Outcome::Unknown,
            })
        })
    }
}
