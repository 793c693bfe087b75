//! Finds the files of a directory and reads them, and puts changed ones in their place all at once.
//! Never knows what a file says.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::kubernetes::AccessError;

/// The endings of manifests, as `kubectl apply -f DIR` knows them.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];
/// What kustomize reads, which is no manifest and need not say its kind.
const KUSTOMIZATION: &str = "kustomization";
/// How standard input is named on the command line.
pub const STDIN: &str = "-";

/// A file's name and what it holds, or why it could not be read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// As it was named, or found below the directory that was named.
    pub path: Arc<PathBuf>,
    /// Its bytes.
    pub bytes: Result<Vec<u8>, String>,
}

/// All files that the paths name: files themselves, the manifests below directories (sorted; hidden ones left out), and
/// standard input for `-`. A file that is reached twice is read once. What is named must be there and readable; what is
/// found below a directory need not be. `stdin` is what was read from standard input before.
pub fn read_all(paths: &[PathBuf], mut stdin: Option<Vec<u8>>) -> Result<Vec<SourceFile>, AccessError> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        if path.as_os_str() == STDIN {
            if seen.insert(path.clone()) {
                files.push(read_stdin(stdin.take())?);
            }
            continue;
        }
        let metadata = fs::metadata(path).map_err(|error| failure(path, &error))?;
        let mut found = Vec::new();
        if metadata.is_dir() {
            let mut visited = BTreeSet::new();
            walk(path, &mut visited, &mut found)?;
            if found.is_empty() {
                let reason = "no manifests in it: it was searched for *.yaml, *.yml and *.json files".into();
                return Err(AccessError::File { path: path.display().to_string(), reason });
            }
        } else {
            found.push(path.clone());
        }
        for file in found {
            let same = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if !seen.insert(same) {
                continue;
            }
            let bytes = match fs::read(&file) {
                Err(error) if !metadata.is_dir() => return Err(failure(&file, &error)),
                bytes => bytes.map_err(|error| words(&error)),
            };
            files.push(SourceFile { path: Arc::new(file), bytes });
        }
    }
    Ok(files)
}

fn read_stdin(known: Option<Vec<u8>>) -> Result<SourceFile, AccessError> {
    let path = PathBuf::from(STDIN);
    let bytes = match known {
        Some(bytes) => bytes,
        None => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map_err(|error| failure(&path, &error))?;
            bytes
        }
    };
    Ok(SourceFile { path: Arc::new(path), bytes: Ok(bytes) })
}

/// The manifests below a directory. A directory that a link leads back to is not entered again.
fn walk(directory: &Path, visited: &mut BTreeSet<PathBuf>, found: &mut Vec<PathBuf>) -> Result<(), AccessError> {
    let same = fs::canonicalize(directory).map_err(|error| failure(directory, &error))?;
    if !visited.insert(same) {
        return Ok(());
    }
    let entries = fs::read_dir(directory).map_err(|error| failure(directory, &error))?;
    let mut paths = entries
        .map(|entry| Ok(entry.map_err(|error| failure(directory, &error))?.path()))
        .collect::<Result<Vec<_>, AccessError>>()?;
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        let is_kustomization = path.file_stem().is_some_and(|name| name.eq_ignore_ascii_case(KUSTOMIZATION));
        if path.is_dir() {
            walk(&path, visited, found)?;
        } else if !is_kustomization
            && path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
        {
            found.push(path);
        }
    }
    Ok(())
}

/// Writes a file by way of a temporary one beside it, so that nobody ever sees half of it: permissions stay, and a link
/// stays a link.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), AccessError> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let temporary = parent.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = write_new(&temporary, bytes, fs::metadata(&target).ok().map(|metadata| metadata.permissions()))
        .and_then(|()| fs::rename(&temporary, &target))
        .and_then(|()| sync(parent));
    written.map_err(|error| {
        // Nothing can be done about a temporary file that cannot be removed, and the first error says more.
        let _ = fs::remove_file(&temporary);
        failure(path, &error)
    })
}

fn write_new(path: &Path, bytes: &[u8], permissions: Option<fs::Permissions>) -> io::Result<()> {
    // One that a killed run left behind is in the way, and nobody else's.
    if path.exists() {
        fs::remove_file(path)?;
    }
    let mut file = fs::File::create_new(path)?;
    file.write_all(bytes)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.sync_all()
}

/// Makes a rename last through a power cut, where directories can be opened.
#[cfg(unix)]
fn sync(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Deletes a file.
pub fn remove(path: &Path) -> Result<(), AccessError> {
    fs::remove_file(path).map_err(|error| failure(path, &error))
}

/// What went wrong with a path.
pub fn failure(path: &Path, error: &io::Error) -> AccessError {
    AccessError::File { path: path.display().to_string(), reason: words(error) }
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[PathBuf], below: &Path) -> Vec<String> {
        let files = read_all(paths, None).unwrap();
        files.iter().map(|file| file.path.strip_prefix(below).unwrap().display().to_string()).collect()
    }

    #[test]
    fn manifests_are_found_below_directories_in_order() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        fs::create_dir_all(at("b/c")).unwrap();
        fs::create_dir_all(at(".git")).unwrap();
        for name in ["z.yaml", "b/a.yml", "b/c/x.JSON", "notes.txt", ".hidden.yaml", ".git/config.yaml", "b.yaml"] {
            fs::write(at(name), name).unwrap();
        }
        let all = ["b/a.yml", "b/c/x.JSON", "b.yaml", "z.yaml"];
        assert_eq!(names(&[home.path().to_path_buf()], home.path()), all);
        // Overlapping paths, and a file whose ending nobody asks about when it is named.
        let paths = [at("b/a.yml"), home.path().to_path_buf(), at("notes.txt")];
        let all = ["b/a.yml", "b/c/x.JSON", "b.yaml", "z.yaml", "notes.txt"];
        assert_eq!(names(&paths, home.path()), all);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_once() {
        use std::os::unix::fs::symlink;
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        fs::create_dir(at("a")).unwrap();
        fs::write(at("a/x.yaml"), "").unwrap();
        symlink(home.path(), at("a/loop")).unwrap();
        symlink(at("a/x.yaml"), at("same.yaml")).unwrap();
        symlink(at("gone"), at("broken.yaml")).unwrap();
        symlink(at("ring.yaml"), at("ring.yaml")).unwrap();
        let files = read_all(&[home.path().to_path_buf()], None).unwrap();
        let read: Vec<_> = files.iter().map(|file| (file.path.file_name().unwrap(), file.bytes.is_ok())).collect();
        let expected = [("x.yaml", true), ("broken.yaml", false), ("ring.yaml", false)];
        assert_eq!(read, expected.map(|(name, is_read)| (std::ffi::OsStr::new(name), is_read)));
    }

    #[test]
    fn paths_that_lead_nowhere_are_errors_that_name_them() {
        let home = tempfile::tempdir().unwrap();
        let error = read_all(&[home.path().join("none")], None).unwrap_err().to_string();
        assert!(error.ends_with("none: there is no such file or directory"), "{error}");
        let error = read_all(&[home.path().to_path_buf()], None).unwrap_err().to_string();
        assert!(error.contains("*.yaml, *.yml and *.json"), "{error}");
        assert!(error.starts_with(&home.path().display().to_string()), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn replacing_keeps_permissions_and_links() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let home = tempfile::tempdir().unwrap();
        let (file, link) = (home.path().join("x.yaml"), home.path().join("l.yaml"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
        let error = replace(&home.path().join("none/x.yaml"), b"").unwrap_err().to_string();
        assert!(error.contains("there is no such file or directory"), "{error}");
    }
}
