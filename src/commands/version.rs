//! `version`: which release this is.
//! Never knows a cluster: it answers without one.

use clap::ValueEnum;
use serde::Serialize;

use super::context::Context;
use crate::outcome::{Outcome, Problem};
use crate::show::yaml::{json, yaml};

const EXAMPLES: &str = "\
Examples:
  kubectl zerotrust version
  kubectl zerotrust version -o json";

/// Print the version of this program
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Version {
    /// One of json, yaml; a line of text where not set
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
    /// Accepted as kubectl takes it: only this program's version is ever printed
    #[arg(long, hide = true)]
    client: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    client_version: ClientVersion,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClientVersion {
    version: &'static str,
    record_format: u32,
    platform: String,
}

impl Version {
    /// Prints it.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        let version = env!("CARGO_PKG_VERSION");
        let platform = format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH);
        let answer =
            Answer { client_version: ClientVersion { version, record_format: crate::record::VERSION, platform } };
        context.print(&match self.output {
            None => format!("kubectl-zerotrust {version}\n"),
            Some(Format::Json) => json(&answer),
            Some(Format::Yaml) => yaml(&answer),
        });
        Ok(Outcome::Done)
    }
}
