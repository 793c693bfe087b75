//! The completion scripts in completions/ are those that the program prints.
//! Never knows a shell.

use std::path::Path;

use super::program;

#[test]
fn committed_scripts_are_current() {
    for (shell, file) in [
        ("bash", "kubectl-zerotrust.bash"),
        ("zsh", "_kubectl-zerotrust"),
        ("fish", "kubectl-zerotrust.fish"),
        ("powershell", "_kubectl-zerotrust.ps1"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let printed = program(directory.path()).args(["completion", shell]).output().unwrap();
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file);
        let committed = std::fs::read(&committed).unwrap_or_default();
        assert!(
            printed.stdout == committed,
            "completions/{file} is out of date: `cargo run -- completion {shell} > completions/{file}` makes it anew"
        );
    }
}
