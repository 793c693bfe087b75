//! What a command finds around itself: flags, the time, the terminal. Printing goes through here.
//! Never knows a cluster or what a command does.

use std::io::{ErrorKind, IsTerminal, Write};

use k8s_openapi::jiff::Timestamp;

use crate::cli::{Color, Global};
use crate::outcome::Problem;
use crate::show::paint::{Paint, harmless_lines, printable};

/// What a shell sees of a program that ended by SIGPIPE, as kubectl does when its reader goes away.
const BROKEN_PIPE: i32 = 128 + 13;
/// Flags whose values are nobody's business in a record.
const SECRET_FLAGS: [&str; 2] = ["--token", "--password"];

/// What a command finds around itself.
#[derive(Clone, Debug)]
pub struct Context {
    /// Flags of every subcommand.
    pub global: Global,
    /// When the program started, in UTC.
    pub now: Timestamp,
    /// The subcommand's name; empty before it is known.
    pub subcommand: String,
    /// The command line, as it can be given again, without secrets.
    pub command_line: String,
    /// Colour on standard output.
    pub paint: Paint,
    /// Colour on standard error.
    pub paint_errors: Paint,
    /// Characters in a line of standard output.
    pub width: usize,
    /// Whether a person can be asked: standard input and error are a terminal.
    pub interactive: bool,
}

impl Context {
    /// The surroundings of this process.
    pub fn of_process(global: &Global) -> Context {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        // https://no-color.org: present and not empty, whatever its value.
        let unwanted = dumb || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let paint = |terminal: bool| {
            Paint::new(match global.color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => terminal && !unwanted,
            })
        };
        let errors = std::io::stderr().is_terminal();
        Context {
            global: global.clone(),
            now: Timestamp::now(),
            subcommand: String::new(),
            command_line: command_line(std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned())),
            paint: paint(std::io::stdout().is_terminal()),
            paint_errors: paint(errors),
            width: width(),
            interactive: errors && std::io::stdin().is_terminal(),
        }
    }

    /// The time as records have it.
    pub fn when(&self) -> String {
        Timestamp::from_second(self.now.as_second()).unwrap_or(self.now).to_string()
    }

    /// A command line of this program for the same cluster or files.
    pub fn again(&self, command: &str, flags: &[(&str, String)]) -> String {
        let connection = &self.global.connection;
        let mut words: Vec<String> = Vec::new();
        let mut add = |flag: &str, value: &dyn std::fmt::Display| words.extend([flag.to_string(), value.to_string()]);
        flags.iter().for_each(|(flag, value)| add(flag, value));
        connection.kubeconfig.iter().for_each(|file| add("--kubeconfig", &file.display()));
        let named = [
            ("--context", &connection.context),
            ("--cluster", &connection.cluster),
            ("--user", &connection.user),
            ("--server", &connection.server),
            ("--as", &connection.impersonate),
        ];
        for (flag, value) in named {
            value.iter().for_each(|value| add(flag, value));
        }
        connection.impersonate_groups.iter().for_each(|group| add("--as-group", group));
        self.global.filename.iter().for_each(|file| add("-f", &file.display()));
        words.iter().fold(format!("kubectl zerotrust {command}"), |line, word| line + " " + &quoted(word))
    }

    /// Prints an answer. If nobody reads it any more, the program ends as kubectl does.
    pub fn print(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        match out.write_all(printable(text, self.paint).as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(BROKEN_PIPE),
            // There is nobody left to tell.
            Ok(()) | Err(_) => {}
        }
    }

    /// Prints what stands beside an answer: warnings, questions, what is going on.
    pub fn say(&self, text: &str) {
        self.write_beside(&printable(text, self.paint_errors));
    }

    /// The same in the place of the line that the cursor is on.
    pub fn say_again(&self, line: &str) {
        self.write_beside(&format!("\r{}\x1b[K", printable(line, self.paint_errors)));
    }

    fn write_beside(&self, text: &str) {
        // A reader of warnings that goes away is no reason to stop in the middle of a change.
        _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// Prints a problem.
    pub fn complain(&self, problem: &Problem) {
        let text = harmless_lines(&problem.to_string()).into_owned();
        let text = match text.strip_prefix("Error:") {
            Some(rest) => format!("{}{rest}", self.paint_errors.error("Error:")),
            None => text,
        };
        self.say(&format!("{text}\n"));
    }
}

/// Lines for people are between these widths: shorter ones fall to pieces, longer ones lose the eye.
const WIDTHS: std::ops::RangeInclusive<usize> = 60..=140;
/// Where nobody says how wide a line is: a file, a pipe.
const WIDTH: usize = 100;

/// COLUMNS, or the terminal's width.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse::<usize>().ok());
    let width = columns.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)));
    width.unwrap_or(WIDTH).clamp(*WIDTHS.start(), *WIDTHS.end())
}

/// Words as a shell takes them again.
fn command_line(args: impl Iterator<Item = String>) -> String {
    let mut line = "kubectl zerotrust".to_string();
    let mut secret = false;
    for arg in args {
        let shown = match arg.split_once('=') {
            _ if secret => "REDACTED".to_string(),
            Some((flag, _)) if SECRET_FLAGS.contains(&flag) => format!("{flag}=REDACTED"),
            _ => quoted(&arg),
        };
        secret = !secret && SECRET_FLAGS.contains(&arg.as_str());
        line.push(' ');
        line.push_str(&shown);
    }
    line
}

/// One word as a shell takes it again.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,=@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(args: &[&str]) -> String {
        command_line(args.iter().map(ToString::to_string))
    }

    #[test]
    fn a_command_line_can_be_given_again() {
        assert_eq!(
            line(&["allow", "--to", "it's", "--reason", "", "-n=a"]),
            r"kubectl zerotrust allow --to 'it'\''s' --reason '' -n=a"
        );
    }

    #[test]
    fn a_command_that_is_named_is_for_the_same_cluster() {
        let mut global = Global { filename: vec!["my files".into()], ..Global::default() };
        global.connection.context = Some("prod".into());
        global.connection.impersonate_groups = vec!["ops".into()];
        let line = Context::of_process(&global).again("allow", &[("--from", "shop/web".into())]);
        let words = "kubectl zerotrust allow --from shop/web --context prod --as-group ops -f 'my files'";
        assert_eq!(line, words);
    }

    #[test]
    fn secrets_are_not_recorded() {
        assert_eq!(line(&["--token", "hush", "lockdown"]), "kubectl zerotrust --token REDACTED lockdown");
        assert_eq!(line(&["--token=hush", "lockdown"]), "kubectl zerotrust --token=REDACTED lockdown");
    }
}
