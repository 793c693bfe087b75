//! The walls of the house: what each room must not know, and that every file says what it is for.
//! Never knows what the code does; it reads it as text.

use std::fs;
use std::path::{Path, PathBuf};

use kubectl_zerotrust::commands;

/// What no code of a room may mention. Tests are code of their room too.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("model", &["kube::", "tokio", "std::fs", "std::env", "Instant", "SystemTime", "async ", "println!"]),
    ("evaluate", &["kube::", "tokio", "serde_json", "std::fs", "Instant", "SystemTime", "async ", "println!"]),
    ("observe", &["kube::", "tokio", "std::fs", "Instant", "SystemTime", "async ", "Reader", "Writer", "println!"]),
    ("plan", &["kube::", "tokio", "std::fs", "Instant", "SystemTime", "async ", "dialoguer", "Writer", "println!"]),
    ("diagnose", &["kube::", "tokio", "std::fs", "Instant", "SystemTime", "async ", "Reader", "Writer<", "println!"]),
    ("logs", &["model::world", "crate::plan", "crate::show", "crate::diagnose", "dialoguer", "println!"]),
    ("show", &["kube::", "tokio", "std::fs", "Instant", "SystemTime", "async ", "Reader", "Writer", "println!"]),
    ("apply", &["dialoguer", "comfy_table", "crate::cli", "crate::show", "std::fs", "println!"]),
    ("record", &["dialoguer", "comfy_table", "crate::cli", "crate::show", "SystemTime", "Timestamp::now", "println!"]),
    ("kubernetes", &["model::world::World", "crate::plan", "crate::show", "dialoguer", "println!"]),
    (
        "rights",
        &[
            "kube::",
            "tokio",
            "std::fs",
            "Instant",
            "SystemTime",
            "async ",
            "crate::plan",
            "Reader",
            "Writer",
            "println!",
        ],
    ),
    ("commands", &["kube::", "std::fs", "println!"]),
];
/// The most lines of a file outside tests, and of a subcommand's file.
const LONGEST: usize = 400;

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display())) {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
            false => {}
        }
    }
    found
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The code without its comments, which may speak of anything.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.map(|(number, line)| (number, line.split("//").next().unwrap_or_default()))
}

#[test]
fn no_room_knows_what_it_must_not() {
    for (room, words) in FORBIDDEN {
        let rooms = files(&source()).into_iter().filter(|file| {
            let inside = file.strip_prefix(source()).unwrap();
            inside.starts_with(room) || inside == Path::new(&format!("{room}.rs"))
        });
        for file in rooms {
            let text = fs::read_to_string(&file).unwrap();
            for (line, code) in code(&text) {
                let word = words.iter().find(|word| code.contains(**word));
                assert!(word.is_none(), "{}:{line}: {room} must not know {}", file.display(), word.unwrap());
            }
        }
    }
}

#[test]
fn every_file_says_what_it_does_and_what_it_never_knows() {
    let head = |file: &PathBuf| -> Vec<String> {
        let text = fs::read_to_string(file).unwrap();
        text.lines().take_while(|line| line.starts_with("//!")).map(str::to_string).collect()
    };
    // What a file never knows may stand at the end of its first sentence's line.
    let never = |head: &[String]| head.len() >= 2 && head.iter().any(|line| line.contains("ever "));
    let mut silent: Vec<PathBuf> =
        files(&source()).into_iter().filter(|file| !file.ends_with("lib.rs") && !never(&head(file))).collect();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    silent.extend(files(&tests).into_iter().filter(|file| head(file).is_empty()));
    assert!(silent.is_empty(), "the first lines do not say what it does and what it must never know: {silent:#?}");
}

#[test]
fn no_file_is_two_concepts() {
    for file in files(&source()).into_iter().filter(|file| !file.ends_with("tests.rs")) {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().take_while(|line| *line != "#[cfg(test)]").count();
        assert!(lines <= LONGEST, "{} has {lines} lines", file.display());
    }
}

#[test]
fn every_subcommand_is_registered_and_every_registered_one_has_its_file() {
    let shared = [
        "mod",
        "context",
        "session",
        "change",
        "signals",
        "exposing",
        "waiting",
        "trial",
        "confirming",
        "terms",
        "watching",
    ];
    let mut found: Vec<String> = fs::read_dir(source().join("commands"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| !shared.contains(&name.as_str()))
        .collect();
    found.sort();
    let mut registered = commands::FILES.to_vec();
    registered.sort_unstable();
    assert_eq!(found, registered);
}
