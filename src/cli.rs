//! The command line that all subcommands share: which cluster or files, and how to write and print. Names are kubectl's.
//! Never knows what a subcommand does.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, FromArgMatches, Parser, ValueEnum};

use crate::commands::Command;
use crate::kubernetes::cluster::{Connection, duration};
use crate::kubernetes::names::TOOL;
use crate::record::journal::NAMESPACE;

/// Everything denied, only what is needed opened: zero trust for clusters with Calico
///
/// Reads the policies, pods, services and nodes of a cluster (or of a directory of manifests), shows what a change would
/// do before it is made, writes it with a record of how everything was, and takes it back when asked.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-zerotrust",
    bin_name = "kubectl zerotrust",
    version,
    after_help = EXAMPLES,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 120
)]
pub struct Cli {
    /// Flags of every subcommand.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  # Deny everything in all application namespaces but DNS; shows what changes and asks
  kubectl zerotrust lockdown

  # Let a client reach what the Service nginx stands for
  kubectl zerotrust allow --from 10.7.0.99 --to nginx

  # Why is this connection refused, and which command opens it?
  kubectl zerotrust explain --from shop/web --to billing/api:443

  # The same on a directory of manifests, without a cluster
  kubectl zerotrust lockdown -f examples/platform9

`kubectl zerotrust COMMAND --help` tells more, with the flags that choose a cluster.";

/// Flags of every subcommand.
#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    /// Directory or file of manifests to work on instead of a cluster; - reads standard input and only prints
    #[arg(short, long, global = true, value_name = "DIR|FILE|-", help_heading = "Where")]
    pub filename: Vec<PathBuf>,
    /// Directories are always read with what is below them; accepted as kubectl takes it
    #[arg(short = 'R', long, global = true, requires = "filename", help_heading = "Where")]
    pub recursive: bool,
    /// Namespace in which names are looked up; the context's where not set, else all
    #[arg(short, long, global = true, help_heading = "Where")]
    pub namespace: Option<String>,
    /// Look names up in all namespaces, whatever the context says
    #[arg(short = 'A', long, global = true, conflicts_with = "namespace", help_heading = "Where")]
    pub all_namespaces: bool,
    /// When to print in colour; NO_COLOR and TERM=dumb turn auto off
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = "Printing")]
    pub color: Color,
    /// Print more to standard error: 1 tells where facts come from, 6 every request
    #[arg(
        short,
        long,
        alias = "v",
        global = true,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = 0,
        default_missing_value = "1",
        hide_default_value = true,
        help_heading = "Printing"
    )]
    pub verbose: u8,
    /// Which cluster, and as whom.
    #[command(flatten)]
    pub connection: Connection,
}

/// Flags of the subcommands that change something.
#[derive(Clone, Debug, Args)]
pub struct Writing {
    /// What to print: the changes as text (table, wide), or the resulting objects
    #[arg(short, long, value_enum, default_value_t = Output::Table, value_name = "FORMAT", hide_default_value = true)]
    pub output: Output,
    /// client: show what would change and write nothing; server: let the API server check it too, which stores nothing
    #[arg(long, value_enum, default_value_t, value_name = "WHO", hide_default_value = true, require_equals = true, num_args = 0..=1, default_missing_value = "client")]
    pub dry_run: DryRun,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Name under which the API server notes who manages the written fields
    #[arg(long, default_value = TOOL, value_name = "NAME", hide_default_value = true)]
    pub field_manager: String,
    /// Tests of reachability, as `test` takes them: refuse the change if one fails after it
    #[arg(long, value_name = "FILE")]
    pub tests: Vec<PathBuf>,
    /// Whether it has to be confirmed afterwards.
    #[command(flatten)]
    pub confirming: Confirming,
    /// Where the record is kept.
    #[command(flatten)]
    pub records: Records,
    /// Keep no record of the change: undo cannot take it back
    #[arg(long)]
    pub no_record: bool,
}

/// How a change is kept only if it was no mistake.
#[derive(Clone, Debug, Default, Args)]
pub struct Confirming {
    /// Take the change back unless Enter is pressed within this time, as 5m, or as soon as the API server or a probe no
    /// longer answers over a new connection
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "no_record")]
    pub confirm_within: Option<Duration>,
    /// What else must go on accepting TCP connections until the change is confirmed
    #[arg(long, value_name = "HOST:PORT", requires = "confirm_within")]
    pub probe: Vec<String>,
}

/// How a subcommand that changes nothing prints its answer.
#[derive(Clone, Debug, Args)]
pub struct Format {
    /// One of table, wide, json, yaml, name
    #[arg(
        short,
        long,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub output: Output,
}

/// Where records are.
#[derive(Clone, Debug, Args)]
pub struct Records {
    /// Namespace of the records of changes
    #[arg(long, default_value = NAMESPACE, value_name = "NAMESPACE")]
    pub record_namespace: String,
}

/// What to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// For people, with more columns.
    Wide,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// One name for each object.
    Name,
}

impl Output {
    /// Whether people read it.
    pub fn is_text(self) -> bool {
        matches!(self, Output::Table | Output::Wide)
    }
}

/// Who checks a change that is not made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// The change is made.
    #[default]
    None,
    /// This program.
    Client,
    /// The API server too.
    Server,
}

/// When to print in colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The command line's grammar. What chooses a cluster is left out of the short help, as kubectl does.
pub fn grammar() -> clap::Command {
    Cli::command().mut_args(|arg| match arg.get_help_heading() {
        Some("Connection") => arg.hide_short_help(true),
        _ => arg,
    })
}

/// Reads a command line.
pub fn parse(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Cli, clap::Error> {
    let mut grammar = grammar();
    let matches = grammar.try_get_matches_from_mut(args)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut grammar))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        parse(line.split(' ').map(Into::into))
    }

    #[test]
    fn the_grammar_holds_together() {
        grammar().debug_assert();
    }

    #[test]
    fn flags_stand_before_or_after_the_subcommand() {
        for line in ["kubectl-zerotrust -f a -f b -n shop version", "kubectl-zerotrust version -f a -f b -n shop"] {
            let global = parsed(line).unwrap().global;
            assert_eq!(global.filename, [PathBuf::from("a"), PathBuf::from("b")]);
            assert_eq!(global.namespace.as_deref(), Some("shop"));
        }
    }

    #[test]
    fn what_is_wrong_ends_with_2() {
        for line in ["kubectl-zerotrust version --what", "kubectl-zerotrust fly", "kubectl-zerotrust version -A -n x"] {
            assert_eq!(parsed(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
