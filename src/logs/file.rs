//! Files and standard input, line by line.
//! Never holds a whole log, and never takes a line that has no end for one.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, stdin};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use super::LogError;

/// The longest line, in bytes; the kernel's own are up to 1 KiB.
const LONGEST: u64 = 1 << 16;
/// A device has no end: it is read until it has been quiet for so long.
const QUIET: Duration = Duration::from_millis(300);

/// Reads what is there now; without a path, standard input up to its end.
pub fn read(path: Option<&Path>, mut take: impl FnMut(&str)) -> Result<(), LogError> {
    let mut all = |line: &str| {
        take(line);
        true
    };
    let Some(path) = path else { return lines(stdin().lock(), "standard input", all) };
    let place = path.display().to_string();
    let failed = |error: std::io::Error| LogError::File { place: place.clone(), reason: reason(&error) };
    let file = File::open(path).map_err(failed)?;
    if !is_device(&file) {
        return lines(BufReader::new(file), &place, all);
    }
    // /dev/kmsg waits for the next message instead of ending.
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // A failure ends the lines that come.
        _ = lines(BufReader::new(file), "", |line| sender.send(line.to_string()).is_ok());
    });
    while let Ok(line) = receiver.recv_timeout(QUIET) {
        all(&line);
    }
    Ok(())
}

/// Hands over line after line until the end, or until nobody takes them any more.
pub fn lines(mut reader: impl BufRead, place: &str, mut take: impl FnMut(&str) -> bool) -> Result<(), LogError> {
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) => return Ok(()),
            Ok(_) => {
                if !take(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n'])) {
                    return Ok(());
                }
            }
            // /dev/kmsg: messages were overwritten before they were read.
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::Interrupted) => {}
            Err(error) => return Err(LogError::File { place: place.to_string(), reason: reason(&error) }),
        }
    }
}

/// In words for a person.
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".into(),
        ErrorKind::PermissionDenied => "it may not be read; kernel logs often need root".into(),
        ErrorKind::IsADirectory => "it is a directory".into(),
        _ => error.to_string(),
    }
}

#[cfg(unix)]
fn is_device(file: &File) -> bool {
    use std::os::unix::fs::FileTypeExt;
    file.metadata().is_ok_and(|metadata| metadata.file_type().is_char_device())
}

#[cfg(not(unix))]
fn is_device(_: &File) -> bool {
    false
}
