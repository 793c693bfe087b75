//! `completion`: scripts that let a shell complete `kubectl-zerotrust`.
//! Never knows a cluster.

use clap_complete::Shell;

use super::context::Context;
use crate::cli;
use crate::outcome::{Outcome, Problem};

const EXAMPLES: &str = "\
Examples:
  # bash, for this session
  source <(kubectl zerotrust completion bash)

  # zsh, for good
  kubectl zerotrust completion zsh > \"${fpath[1]}/_kubectl-zerotrust\"

  # fish, for good
  kubectl zerotrust completion fish > ~/.config/fish/completions/kubectl-zerotrust.fish

  # PowerShell, for this session
  kubectl zerotrust completion powershell | Out-String | Invoke-Expression";

/// Print a completion script for a shell
///
/// The script completes the plugin under its own name, kubectl-zerotrust.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Completion {
    /// Which shell
    #[arg(value_parser = ["bash", "zsh", "fish", "powershell"])]
    shell: String,
}

impl Completion {
    /// Prints the script.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        let shell = self.shell.parse().map_err(|reason: String| Problem::usage(reason))?;
        context.print(&script(shell));
        Ok(Outcome::Done)
    }
}

/// The script of a shell.
pub fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    let mut grammar = cli::grammar().bin_name("kubectl-zerotrust");
    clap_complete::generate(shell, &mut grammar, "kubectl-zerotrust", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
