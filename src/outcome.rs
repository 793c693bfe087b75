//! How a command ends: exit codes, and problems as a person reads them.
//! Never knows which command it was.

use std::fmt;
use std::process::ExitCode;

/// How a command ended. The same for every `-o`; README.md lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// Done, or allowed; a dry run with changes too.
    Done = 0,
    /// Failed, or a name that does not resolve.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The answer is no: denied, mixed, findings, drift, refused.
    No = 3,
    /// Not enough could be seen.
    Unknown = 4,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(outcome as u8)
    }
}

/// Why a command could not do its work, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How the command ends.
    pub outcome: Outcome,
    /// What is wrong, in one line.
    pub message: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// What to do next: commands and choices.
    pub hints: Vec<String>,
}

impl Problem {
    /// A failure.
    pub fn failed(message: impl Into<String>) -> Problem {
        Problem { outcome: Outcome::Failed, message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// A command line that is wrong.
    pub fn usage(message: impl Into<String>) -> Problem {
        Problem { outcome: Outcome::Usage, ..Problem::failed(message) }
    }

    /// A refusal.
    pub fn refused(message: impl Into<String>) -> Problem {
        Problem { outcome: Outcome::No, ..Problem::failed(message) }
    }

    /// Not enough could be seen.
    pub fn unknown(message: impl Into<String>) -> Problem {
        Problem { outcome: Outcome::Unknown, ..Problem::failed(message) }
    }

    /// The same problem with a cause.
    pub fn because(mut self, cause: impl fmt::Display) -> Problem {
        self.causes.push(cause.to_string());
        self
    }

    /// The same problem with an error and all that caused it.
    pub fn because_of(mut self, error: &(dyn std::error::Error + 'static)) -> Problem {
        let mut next = Some(error);
        while let Some(error) = next {
            self.causes.push(error.to_string());
            next = error.source();
        }
        self
    }

    /// The same problem with a hint.
    pub fn hint(mut self, hint: impl fmt::Display) -> Problem {
        self.hints.push(hint.to_string());
        self
    }
}

/// Lines of one part after its first are indented: none of them can pass for a part of its own.
impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |text: &str| text.trim_end().replace('\n', "\n  ");
        write!(out, "Error: {}", part(&self.message))?;
        for cause in &self.causes {
            write!(out, "\nCaused by: {}", part(cause))?;
        }
        for hint in &self.hints {
            write!(out, "\nHint: {}", part(hint))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_can_pass_for_two() {
        let problem = Problem::failed("no").because("a\nHint: run this\n").hint("b");
        assert_eq!(problem.to_string(), "Error: no\nCaused by: a\n  Hint: run this\nHint: b");
    }
}
