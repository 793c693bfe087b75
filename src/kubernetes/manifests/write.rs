//! Changes objects where they stand in files, adds new ones to `zerotrust.yaml`, and takes others out.
//! Never knows why an object is changed.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::edit::{normal, rewrite};
use super::files::{self, STDIN};
use super::load::{Loaded, Spot, hash};
use super::read::{Content, contents, raw};
use super::render::{Style, yaml};
use super::split::{Form, Piece, split};
use super::{Manifests, NEW_FILE};
use crate::kubernetes::calico::{self, Shape, to_stored, to_v3};
use crate::kubernetes::names::Kind;
use crate::kubernetes::{AccessError, ObjectRef, Writer};
use crate::model::world::Version;

/// What a server sets by itself: not part of what a manifest wants.
const OF_THE_SERVER: [&str; 5] = ["resourceVersion", "uid", "managedFields", "generation", "selfLink"];

impl Writer for Manifests {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, AccessError> {
        self.ensure_loaded()?;
        if let Some(standing) = self.standing(object)? {
            if !standing.is_changed {
                return Ok(Some(standing.value));
            }
            self.reload()?;
        }
        Ok(self.standing(object)?.map(|standing| standing.value))
    }

    async fn create(&self, object: &Value) -> Result<Value, AccessError> {
        self.ensure_loaded()?;
        let reference = reference(object)?;
        let path = self.new_file(&reference)?;
        let mut bytes = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            bytes => bytes.map_err(|error| files::failure(&path, &error))?,
        };
        self.with(|loaded| loaded.refresh(&path, &bytes));
        if self.with(|loaded| loaded.spots.contains_key(&reference)) {
            return Err(AccessError::Exists(reference));
        }
        let (shape, version) = self.with(|loaded| (shape_in_use(loaded), loaded.version));
        let wanted = clean(normal(object.clone()));
        let stored = as_new(reference.kind, &wanted, shape, version);
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(format!("---\n{}", yaml(&stored, Style::default())).as_bytes());
        files::replace(&path, &bytes)?;
        self.with(|loaded| loaded.refresh(&path, &bytes));
        self.written(&reference)
    }

    async fn replace(&self, object: &Value) -> Result<Value, AccessError> {
        self.ensure_loaded()?;
        let reference = reference(object)?;
        let standing = self.to_write(&reference)?;
        let wanted = clean(normal(object.clone()));
        let version = self.with(|loaded| loaded.version);
        let mut whole = standing.whole.clone();
        let place = at_path(&mut whole, &standing.spot.path).ok_or_else(|| AccessError::Missing(reference.clone()))?;
        *place = changed(reference.kind, place, &standing.value, &wanted, version);
        let is_typed = wanted["spec"]["types"].is_array();
        let meaning = |object| to_v3(reference.kind, object, version).map(|read| comparable(read.value, is_typed));
        if meaning(place.clone()) != meaning(wanted) {
            return Err(AccessError::Invalid {
                object: reference.to_string(),
                reason: format!("the change cannot be written into {}", standing.path.display()),
            });
        }
        let range = standing.piece.range.clone();
        let text = std::str::from_utf8(&standing.bytes[range.clone()]).unwrap_or_default();
        let text = rewrite(text, standing.piece.form, &whole).map_err(|fault| AccessError::File {
            path: format!("{}:{}", standing.path.display(), standing.piece.start_line + fault.line - 1),
            reason: fault.reason,
        })?;
        self.put(&standing, range, text.as_bytes())?;
        self.written(&reference)
    }

    async fn delete(&self, object: &Value) -> Result<(), AccessError> {
        self.ensure_loaded()?;
        let reference = reference(object)?;
        self.take_out(&reference)?;
        // Where it stands twice, the other one would count from now on.
        while self.with(|loaded| loaded.repeated.contains(&reference)) {
            self.reload()?;
            self.take_out(&reference)?;
        }
        Ok(())
    }
}

/// An object as it stands in its file.
struct Standing {
    path: PathBuf,
    bytes: Vec<u8>,
    piece: Piece,
    spot: Spot,
    /// The piece's value.
    whole: Value,
    /// The object in v3 form.
    value: Value,
    /// Somebody changed the file since it was read.
    is_changed: bool,
    /// How many objects are in the same document.
    neighbours: usize,
}

impl Manifests {
    fn take_out(&self, reference: &ObjectRef) -> Result<(), AccessError> {
        let standing = self.to_write(reference)?;
        if let Some((index, way)) = standing.spot.path.split_last() {
            // Within a list that could not be cut: the list is written without it.
            let mut whole = standing.whole.clone();
            let list = at_path(&mut whole, way).and_then(|list| list.get_mut("items")).and_then(Value::as_array_mut);
            list.ok_or_else(|| AccessError::Missing(reference.clone()))?.remove(*index);
            let range = standing.piece.range.clone();
            let text = std::str::from_utf8(&standing.bytes[range.clone()]).unwrap_or_default();
            let text = rewrite(text, standing.piece.form, &whole).map_err(|fault| AccessError::File {
                path: standing.path.display().to_string(),
                reason: fault.reason,
            })?;
            return self.put(&standing, range, text.as_bytes());
        }
        let range = without(&standing);
        // A document that began because another one ended with `...` must not become part of the one before.
        let rest = &standing.bytes[range.end..];
        let joins = range == standing.piece.document && standing.piece.form == Form::Yaml && !rest.starts_with(b"---");
        let mark: &[u8] = if joins && !rest.trim_ascii().is_empty() { b"---\n" } else { b"" };
        self.put(&standing, range, mark)
    }

    fn ensure_loaded(&self) -> Result<(), AccessError> {
        if self.loaded.borrow().is_none() { self.reload() } else { Ok(()) }
    }

    fn reload(&self) -> Result<(), AccessError> {
        let previous = self.loaded.take();
        self.loaded.replace(Some(Loaded::load(&self.paths, previous)?));
        Ok(())
    }

    /// `ensure_loaded` was called before.
    fn with<T>(&self, run: impl FnOnce(&mut Loaded) -> T) -> T {
        run(self.loaded.borrow_mut().get_or_insert_default())
    }

    fn standing(&self, object: &ObjectRef) -> Result<Option<Standing>, AccessError> {
        self.with(|loaded| {
            let Some(spot) = loaded.spots.get(object).cloned() else { return Ok(None) };
            let file = &loaded.files[spot.file];
            let path = file.path.to_path_buf();
            let bytes = match &file.kept {
                Some(kept) => kept.clone(),
                // A file that is gone is one that was changed.
                None => match fs::read(&path) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
                    bytes => bytes.map_err(|error| files::failure(&path, &error))?,
                },
            };
            let piece = file.pieces[spot.piece].clone();
            let neighbours = file.pieces.iter().filter(|other| other.document == piece.document).count();
            let is_changed = hash(&bytes) != file.hash;
            let mut standing =
                Standing { path, bytes, piece, spot, whole: Value::Null, value: Value::Null, is_changed, neighbours };
            if is_changed {
                return Ok(Some(standing));
            }
            let Ok(Some(whole)) = raw(&standing.bytes, &standing.piece) else { return Ok(None) };
            let item =
                contents(&standing.bytes, &standing.piece, loaded.version).into_iter().find_map(
                    |content| match content {
                        Content::Item(item) if item.path == standing.spot.path => Some(item),
                        _ => None,
                    },
                );
            let Some(item) = item else { return Ok(None) };
            standing.whole = whole;
            standing.value = clean(item.value);
            Ok(Some(standing))
        })
    }

    /// The object, if it can be written and nobody changed its file.
    fn to_write(&self, object: &ObjectRef) -> Result<Standing, AccessError> {
        let standing = self.standing(object)?.ok_or_else(|| AccessError::Missing(object.clone()))?;
        if standing.path.as_os_str() == STDIN {
            return Err(only_printed());
        }
        if standing.is_changed { Err(AccessError::Conflict(object.clone())) } else { Ok(standing) }
    }

    /// Puts bytes into the place of others; a file without any document left is deleted.
    fn put(&self, standing: &Standing, range: Range<usize>, text: &[u8]) -> Result<(), AccessError> {
        let bytes = [&standing.bytes[..range.start], text, &standing.bytes[range.end..]].concat();
        if bytes == standing.bytes {
            return Ok(());
        }
        let (pieces, faults) = split(&bytes);
        if pieces.is_empty() && faults.is_empty() {
            files::remove(&standing.path)?;
        } else {
            files::replace(&standing.path, &bytes)?;
        }
        self.with(|loaded| loaded.refresh(&standing.path, &bytes));
        Ok(())
    }

    /// The object as it was just written.
    fn written(&self, object: &ObjectRef) -> Result<Value, AccessError> {
        self.standing(object)?.map(|standing| standing.value).ok_or_else(|| AccessError::Missing(object.clone()))
    }

    /// Where a new object goes.
    fn new_file(&self, object: &ObjectRef) -> Result<PathBuf, AccessError> {
        match self.paths.iter().find(|path| path.is_dir()).or(self.paths.first()) {
            Some(path) if path.as_os_str() == STDIN => Err(only_printed()),
            Some(path) => Ok(new_file(path)),
            None => Err(AccessError::Missing(object.clone())),
        }
    }
}

/// The file for new objects: in a directory that was named, or beside a file that was.
pub fn new_file(named: &Path) -> PathBuf {
    if named.is_dir() { named.join(NEW_FILE) } else { named.with_file_name(NEW_FILE) }
}

fn only_printed() -> AccessError {
    let reason = "it can be read only: name a directory or a file to write to, or print with --dry-run=client -o yaml";
    AccessError::File { path: "standard input".into(), reason: reason.into() }
}

/// Which object a value is.
fn reference(object: &Value) -> Result<ObjectRef, AccessError> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let name = text(&object["metadata"]["name"]);
    let Some(known) = Kind::of_document(&api_version, &kind).filter(|_| !name.is_empty()) else {
        let reason = "it needs an apiVersion, a kind that this program knows, and a name".into();
        return Err(AccessError::Invalid { object: format!("{kind} {name}"), reason });
    };
    let namespace = known.resource().namespaced.then(|| text(&object["metadata"]["namespace"]));
    let namespace = namespace.map(|namespace| if namespace.is_empty() { "default".into() } else { namespace });
    Ok(ObjectRef { kind: known, namespace, name })
}

fn clean(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !OF_THE_SERVER.contains(&field.as_str()));
    }
    object
}

/// Without what no manifest says, or says in two ways. A policy without `types` means what it meant before.
fn comparable(object: Value, is_typed: bool) -> Value {
    let mut object = clean(object);
    if let Some(fields) = object.as_object_mut() {
        for field in ["apiVersion", "kind", "status"] {
            fields.remove(field);
        }
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, value| {
            let is_empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
            !is_empty && !matches!(field.as_str(), "creationTimestamp" | "namespace")
        });
    }
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut).filter(|_| !is_typed) {
        spec.remove("types");
    }
    object
}

/// The object at a way through lists.
fn at_path<'a>(whole: &'a mut Value, path: &[usize]) -> Option<&'a mut Value> {
    path.iter().try_fold(whole, |value, index| value.get_mut("items")?.get_mut(*index))
}

/// The object as it is written, with what changed from `before` to `wanted` (both in v3 form) and nothing else.
fn changed(kind: Kind, written: &Value, before: &Value, wanted: &Value, version: Option<Version>) -> Value {
    let is_crd = written["apiVersion"].as_str().is_some_and(|api_version| api_version == calico::CRD_V1);
    let shape = if is_crd { Shape::Crd(version) } else { Shape::V3 };
    let stored = |object: &Value| to_stored(kind, object, Some(written), shape);
    let mut after = written.clone();
    patch(&mut after, &stored(before), &stored(wanted));
    if calico::is_tiered(kind) && !is_crd {
        // The v3 API sets `types` by the rules; it is written only where the rules would now say something else.
        let types = wanted["spec"]["types"].clone();
        if let Some(spec) = after.get_mut("spec").and_then(Value::as_object_mut) {
            let is_unset = spec.get("types").and_then(Value::as_array).is_none_or(Vec::is_empty);
            if is_unset && types.is_array() && calico::default_types(spec) != types {
                spec.insert("types".into(), types);
            }
        }
    }
    after
}

fn patch(target: &mut Value, before: &Value, after: &Value) {
    let (Value::Object(target), Value::Object(before), Value::Object(after)) = (&mut *target, before, after) else {
        if before != after {
            *target = after.clone();
        }
        return;
    };
    target.retain(|field, _| after.contains_key(field) || !before.contains_key(field));
    for (field, value) in after {
        match (target.get_mut(field), before.get(field)) {
            (_, Some(old)) if old == value => {}
            (Some(target), Some(old)) => patch(target, old, value),
            _ => {
                target.insert(field.clone(), value.clone());
            }
        }
    }
}

/// The bytes that go with an object that is deleted.
fn without(standing: &Standing) -> Range<usize> {
    let Standing { bytes, piece, neighbours, .. } = standing;
    let range = piece.range.clone();
    let space = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    match piece.form {
        _ if *neighbours == 1 && piece.form != Form::Json => piece.document.clone(),
        Form::Yaml | Form::YamlItem => range,
        Form::Json => range.start..space(range.end),
        Form::JsonItem => {
            // One comma goes with it.
            let next = space(range.end);
            let before = bytes[..range.start].trim_ascii_end().len();
            if bytes.get(next) == Some(&b',') {
                range.start..space(next + 1)
            } else if bytes[..before].ends_with(b",") {
                before - 1..range.end
            } else {
                range
            }
        }
    }
}

/// The form that the policies in the files have, or else Calico's other objects; v3 where there are none.
fn shape_in_use(loaded: &Loaded) -> Shape {
    let count = |which: &dyn Fn(Kind) -> bool| {
        let spots = loaded.spots.iter().filter(|(object, _)| which(object.kind));
        spots.fold((0, 0), |(crd, v3), (_, spot)| match spot.api_version == calico::CRD_V1 {
            true => (crd + 1, v3),
            false => (crd, v3 + 1),
        })
    };
    let (crd, v3) = match count(&calico::is_tiered) {
        (0, 0) => count(&Kind::is_calico),
        policies => policies,
    };
    if crd > v3 { Shape::Crd(loaded.version) } else { Shape::V3 }
}

/// A new object as a manifest. Labels and annotations stand where people look for them, which every version of Calico
/// reads, unless the version keeps a policy's name in its own metadata.
fn as_new(kind: Kind, wanted: &Value, shape: Shape, version: Option<Version>) -> Value {
    let keeps_name = version.is_some_and(|version| {
        version >= Version { major: 3, minor: 29, patch: 4 } && !version.at_least(3, 32) && calico::is_tiered(kind)
    });
    let bare = json!({ "metadata": {} });
    let mut stored = to_stored(kind, wanted, (!keeps_name).then_some(&bare), shape);
    if let Some(object) = stored.as_object_mut() {
        object.remove("status");
    }
    stored
}
