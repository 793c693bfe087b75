//! kubectl zerotrust: reads the command line, runs the command, prints what went wrong.
//! Never knows a command's work.

use std::process::ExitCode;

use kubectl_zerotrust::cli;
use kubectl_zerotrust::commands::context::Context;
use kubectl_zerotrust::outcome::Outcome;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        // clap knows which of its answers are errors (2) and which were asked for (0), and where each is printed.
        Err(error) => error.exit(),
    };
    let mut context = Context::of_process(&cli.global);
    context.subcommand = cli.command.name();
    match cli.command.run(&context) {
        Ok(outcome) => outcome.into(),
        Err(problem) => {
            context.complain(&problem);
            match problem.outcome {
                Outcome::Done => Outcome::Failed.into(),
                outcome => outcome.into(),
            }
        }
    }
}
