//! Reads all files at once, on all processors, and remembers where each object stands.
//! Never knows how an object is changed.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use super::files::{STDIN, SourceFile, read_all};
use super::read::{Content, Gap, Item, contents, raw};
use super::split::{Piece, split};
use super::write::new_file;
use crate::findings;
use crate::kubernetes::objects::{Notice, Objects, Place, Unread};
use crate::kubernetes::{AccessError, ObjectRef};
use crate::model::world::Version;

/// A file as it was read.
#[derive(Debug)]
pub struct LoadedFile {
    /// Its name.
    pub path: Arc<PathBuf>,
    /// A hash of its bytes, to see whether somebody changed it.
    pub hash: u64,
    /// Its pieces.
    pub pieces: Vec<Piece>,
    /// The bytes of standard input, which cannot be read again.
    pub kept: Option<Vec<u8>>,
}

/// Where an object stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The file, by its place in `files`.
    pub file: usize,
    /// The piece, by its place in the file.
    pub piece: usize,
    /// The way to it through lists within the piece.
    pub path: Vec<usize>,
    /// The apiVersion that it has there.
    pub api_version: String,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The files.
    pub files: Vec<LoadedFile>,
    /// Where each object stands; of several places, the one that counts.
    pub spots: HashMap<ObjectRef, Spot>,
    /// The objects that stand in several places.
    pub repeated: HashSet<ObjectRef>,
    /// Calico's version, where a ClusterInformation tells it.
    pub version: Option<Version>,
    /// What was found, with its file and piece, until it is handed out.
    found: Vec<(usize, usize, Content)>,
    unreadable: Vec<(usize, String)>,
}

impl Loaded {
    /// Reads the paths; standard input comes from `previous`, if it was read before.
    pub fn load(paths: &[PathBuf], previous: Option<Loaded>) -> Result<Loaded, AccessError> {
        let stdin = previous.and_then(|previous| previous.files.into_iter().find_map(|file| file.kept));
        let mut sources = read_all(paths, stdin)?;
        // What was written beside a file that was named belongs to it from then on.
        let named = paths.iter().find(|path| path.is_dir()).or(paths.first());
        let beside = named.filter(|path| path.as_os_str() != STDIN).map(|path| new_file(path));
        if let Some(beside) = beside.filter(|beside| beside.is_file()) {
            let same = |path: &Path| fs::canonicalize(path).ok() == fs::canonicalize(&beside).ok();
            if !sources.iter().any(|source| same(&source.path)) {
                sources.extend(read_all(&[beside], None)?);
            }
        }
        let mut files = Vec::with_capacity(sources.len());
        let mut found = Vec::new();
        let mut unreadable = Vec::new();
        for (index, source) in sources.iter().enumerate() {
            let empty = Vec::new();
            let bytes = source.bytes.as_ref().unwrap_or(&empty);
            let (pieces, faults) = split(bytes);
            let kept = (source.path.as_os_str() == STDIN).then(|| bytes.clone());
            files.push(LoadedFile { path: source.path.clone(), hash: hash(bytes), pieces, kept });
            unreadable.extend(source.bytes.as_ref().err().map(|reason| (index, reason.clone())));
            found.extend(faults.into_iter().map(|fault| {
                let gap = Gap { line: fault.line, object: None, kind: None, namespace: None, reason: fault.reason };
                (index, usize::MAX, Content::Gap(gap))
            }));
        }
        let version = version(&sources, &files);
        found.extend(read_pieces(&sources, &files, version));
        let (mut spots, mut repeated) = (HashMap::new(), HashSet::new());
        for (file, piece, content) in &found {
            if let Content::Item(item) = content
                && spots.insert(item.object.clone(), spot(*file, *piece, item)).is_some()
            {
                repeated.insert(item.object.clone());
            }
        }
        Ok(Loaded { files, spots, repeated, version, found, unreadable })
    }

    /// Standard input, as if it had been read.
    #[cfg(test)]
    pub fn of_stdin(bytes: &[u8]) -> Loaded {
        let path = Arc::new(PathBuf::from(STDIN));
        let kept = LoadedFile { path, hash: hash(b""), pieces: Vec::new(), kept: Some(bytes.to_vec()) };
        let previous = Loaded { files: vec![kept], ..Loaded::default() };
        Loaded::load(&[PathBuf::from(STDIN)], Some(previous)).unwrap_or_default()
    }

    /// Takes note of what a file says now, after it was written; other files are as they were.
    pub fn refresh(&mut self, path: &Path, bytes: &[u8]) {
        let known = self.files.iter().position(|file| file.path.as_path() == path);
        if known.is_some_and(|known| self.files[known].hash == hash(bytes)) {
            return;
        }
        let (pieces, _) = split(bytes);
        let loaded = LoadedFile { path: Arc::new(path.to_path_buf()), hash: hash(bytes), pieces, kept: None };
        let index = known.unwrap_or(self.files.len());
        match known {
            Some(known) => self.files[known] = loaded,
            None => self.files.push(loaded),
        }
        self.spots.retain(|_, spot| spot.file != index);
        for (number, piece) in self.files[index].pieces.iter().enumerate() {
            for content in contents(bytes, piece, self.version) {
                if let Content::Item(item) = content {
                    self.spots.insert(item.object.clone(), spot(index, number, &item));
                }
            }
        }
    }

    /// Hands what was found to `objects`. Of an object that stands in several places the last counts, as for
    /// `kubectl apply`.
    pub fn add_to(&mut self, objects: &mut Objects) {
        for (file, reason) in self.unreadable.drain(..) {
            let place = Place::File { file: self.files[file].path.clone(), line: 1 };
            objects.unread.push(Unread { place, object: None, kind: None, namespace: None, reason });
        }
        let mut earlier: HashMap<ObjectRef, (Place, Value, String)> = HashMap::new();
        for (file, piece, content) in std::mem::take(&mut self.found) {
            let place = |line| Place::File { file: self.files[file].path.clone(), line };
            match content {
                Content::Gap(Gap { line, object, kind, namespace, reason }) => {
                    objects.unread.push(Unread { place: place(line), object, kind, namespace, reason });
                }
                Content::Item(item) => {
                    let place = place(item.line);
                    let counts = self.spots.get(&item.object).is_some_and(|last| *last == spot(file, piece, &item));
                    if !counts {
                        earlier.insert(item.object.clone(), (place, item.value, item.api_version));
                        continue;
                    }
                    let twice = earlier.remove(&item.object).filter(|(_, value, group)| {
                        // One object that the API server serves in two groups: what a dump of everything holds.
                        *group == item.api_version || !same_meaning(value, &item.value)
                    });
                    if let Some((other, value, _)) = twice {
                        let same =
                            if value == item.value { ", and says the same" } else { ", and says something else" };
                        objects.notices.push(Notice {
                            code: findings::OBJECT_TWICE,
                            object: item.object.to_string(),
                            place: place.clone(),
                            detail: format!("it stands at {other} too{same}; the later one counts"),
                        });
                    }
                    add(*item, place, self.version, objects);
                }
            }
        }
    }
}

fn add(item: Item, place: Place, version: Option<Version>, objects: &mut Objects) {
    let name = item.object.to_string();
    objects.judge(item.object.kind, &item.value, &name, &place, version);
    for (code, detail) in item.notices {
        objects.notices.push(Notice { code, object: name.clone(), place: place.clone(), detail });
    }
    let ObjectRef { kind, namespace, .. } = item.object;
    if let Err(reason) = objects.add(kind, item.value, &item.stored_name, place.clone()) {
        objects.unread.push(Unread { place, object: Some(name), kind: Some(kind), namespace, reason });
    }
}

fn spot(file: usize, piece: usize, item: &Item) -> Spot {
    Spot { file, piece, path: item.path.clone(), api_version: item.api_version.clone() }
}

/// Whether two documents in v3 form say the same, but for what a server counts by itself in each group.
fn same_meaning(one: &Value, other: &Value) -> bool {
    let entries = |object: &Value, field: &str| {
        let entries = object["metadata"][field].as_object().cloned().unwrap_or_default();
        // kubectl notes here what it applied, in one of the groups.
        entries.into_iter().filter(|(key, _)| !key.starts_with("kubectl.kubernetes.io/")).collect::<Vec<_>>()
    };
    one["spec"] == other["spec"]
        && ["labels", "annotations"].iter().all(|field| entries(one, field) == entries(other, field))
}

/// A hash of a file's bytes; it never leaves this process.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Calico's version: it decides what the names of stored policies mean, so it is looked for first.
fn version(sources: &[SourceFile], files: &[LoadedFile]) -> Option<Version> {
    sources.iter().zip(files).find_map(|(source, file)| {
        let bytes = source.bytes.as_ref().ok()?;
        let text = String::from_utf8_lossy(bytes);
        let mut places = text.match_indices("calicoVersion").map(|(at, _)| at).peekable();
        places.peek()?;
        file.pieces.iter().find_map(|piece| {
            let own = String::from_utf8_lossy(&bytes[piece.range.clone()]);
            if !own.contains("calicoVersion") || !own.contains("ClusterInformation") {
                return None;
            }
            informed(&raw(bytes, piece).ok()??)
        })
    })
}

/// The version that a ClusterInformation, or one in a list, tells.
fn informed(value: &Value) -> Option<Version> {
    if value["kind"] == "ClusterInformation" {
        return Version::parse(value["spec"]["calicoVersion"].as_str()?);
    }
    value["items"].as_array()?.iter().find_map(informed)
}

/// How many pieces a thread takes at a time.
const BATCH: usize = 32;

fn read_pieces(sources: &[SourceFile], files: &[LoadedFile], version: Option<Version>) -> Vec<(usize, usize, Content)> {
    let work: Vec<(usize, usize)> = files
        .iter()
        .enumerate()
        .flat_map(|(file, loaded)| (0..loaded.pieces.len()).map(move |piece| (file, piece)))
        .collect();
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let from = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(batch) = work.get(from..work.len().min(from + BATCH)).filter(|batch| !batch.is_empty()) else {
                return done;
            };
            let read = batch.iter().flat_map(|&(file, piece)| {
                let bytes = sources[file].bytes.as_deref().unwrap_or_default();
                let found = contents(bytes, &files[file].pieces[piece], version);
                found.into_iter().map(move |content| (file, piece, content))
            });
            done.push((from, read.collect::<Vec<_>>()));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(work.len().div_ceil(BATCH)).min(16);
    let mut batches = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut batches = run();
        for other in others {
            match other.join() {
                Ok(more) => batches.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        batches
    });
    batches.sort_by_key(|(from, _)| *from);
    batches.into_iter().flat_map(|(_, read)| read).collect()
}
